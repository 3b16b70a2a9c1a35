// SPDX-License-Identifier: Apache-2.0
//
// A page token says where the next page of an answer begins, opaquely: the key of the last trace shown, which the next
// page excludes, and a fingerprint of the question, so that a token is refused by any other question. It is base64url
// of {version: 1 byte, fingerprint, time: 8 bytes each, trace id: 16 bytes}, without padding.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/trace_summary.h"

namespace clew::scan {

std::string write_page_token(uint64_t fingerprint, const model::OrderKey& last);

// InvalidArgument if it is no token or one of another question.
Result<model::OrderKey> read_page_token(std::string_view token, uint64_t fingerprint);

}  // namespace clew::scan
