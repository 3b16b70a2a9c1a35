// SPDX-License-Identifier: Apache-2.0
//
// Random batches that use every member of SpanBatch, and a text of a span with everything resolved, for tests that ask
// whether two batches hold the same spans.
#pragma once

#include <cstdint>
#include <string>

#include "model/span_batch.h"

namespace clew::model::testing {

// `spans` spans in a few traces, the same for the same seed. Every value type, event, link and rare field occurs.
SpanBatch sample_batch(uint32_t seed, size_t spans);

// One line for each span, event and link of a row or of all rows; equal texts mean equal content.
std::string describe(const SpanBatch& batch, size_t row);
std::string describe(const SpanBatch& batch);

}  // namespace clew::model::testing
