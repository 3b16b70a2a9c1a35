// SPDX-License-Identifier: Apache-2.0
//
// The canonical bytes of a SpanBatch, as the journal keeps them: docs/format/journal.md, section 4. Writing costs a
// few nanoseconds per column and span; reading checks every count and every reference, so that no bytes, however
// damaged, make a batch that points outside itself.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "model/span_batch.h"

namespace clew::model {

constexpr uint64_t kBatchVersion = 1;

// Appends the canonical bytes of `batch` to `out`.
void encode_batch(const SpanBatch& batch, std::string& out);

// The batch whose canonical bytes are all of `bytes`. DataLoss with the place if they are not that.
Result<SpanBatch> decode_batch(Bytes bytes);

}  // namespace clew::model
