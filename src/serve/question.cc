// SPDX-License-Identifier: Apache-2.0
#include "serve/question.h"

#include <algorithm>

namespace clew::serve {
namespace {

// What a span takes until its true size is known: above the mean of what instrumented programs send.
constexpr uint64_t kBytesPerSpanGuess = 1024;

Error no_room() { return {Code::Unavailable, "the memory for queries is spent; try again later"}; }

}  // namespace

Result<ReadTrace> read_trace(const Question& question, const model::TraceId& id) {
  const Error not_found(Code::NotFound, "there is no trace " + id.hex());
  if (!question.snapshot) return not_found;
  uint64_t span_count = 0;
  {
    const store::HeadSlice slice = question.snapshot->slice();
    const std::optional<uint32_t> trace = slice.find(id);
    if (!trace) return not_found;
    span_count = slice.summary(*trace).span_count;
  }
  ReadTrace read{{}, Reservation(question.budget, Share::Query)};
  if (!read.memory.grow(span_count * kBytesPerSpanGuess)) return no_room();
  std::optional<model::SpanBatch> spans = store::read_trace(*question.snapshot, id);
  if (!spans) return not_found;
  const uint64_t bytes = spans->memory_bytes();
  if (bytes > read.memory.bytes() && !read.memory.grow(bytes - read.memory.bytes())) return no_room();
  read.memory.shrink_to(bytes);
  read.spans = std::move(*spans);
  return read;
}

}  // namespace clew::serve
