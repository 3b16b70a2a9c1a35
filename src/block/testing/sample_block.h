// SPDX-License-Identifier: Apache-2.0
//
// Whole blocks of random spans (model/testing/sample_batch.h), small enough to damage byte by byte, whose pages are of
// every kind: coded and plain with filters, spilled names, rare attributes, several row groups.
#pragma once

#include <cstdint>
#include <string>

namespace clew::block::testing {

std::string sample_block(uint32_t seed, size_t spans);

}  // namespace clew::block::testing
