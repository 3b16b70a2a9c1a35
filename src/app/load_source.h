// SPDX-License-Identifier: Apache-2.0
//
// Where `clew load` gets spans from: a recorded file, or a profile that it makes up itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/span_batch.h"

namespace clew::app {

// Largest file, unpacked.
constexpr uint64_t kLoadFileBytesMax = uint64_t{1} << 30;

enum class Profile : uint8_t {
  Demo,  // an online shop: some 600 bytes a span, ten attributes, now and then an event, two in a hundred fail
  Fat,   // the same with 25 attributes, a third of them new with every span: some 1.7 KB a span
};

// All spans of a file in any form that file/otlp_file.h knows.
Result<model::SpanBatch> read_spans(const std::string& path);

// At least `spans` spans in whole traces, the same for the same seed; their times begin at the year 2026.
model::SpanBatch make_spans(Profile profile, uint64_t seed, size_t spans);

}  // namespace clew::app
