// SPDX-License-Identifier: Apache-2.0
//
// TraceStream reads the spans of a trace that an answer shows, batch by batch, so that a trace is never in memory as a
// whole. The first batch is read at once: what goes wrong then is answered; what goes wrong later breaks the
// connection.
//
//   TraceStream stream = TRY(TraceStream::open(question, id, page));
//   Answer answer(question.exchange, "application/json");
//   const Result<bool> whole = stream.for_each([&](const model::SpanBatch& batch) { return write(batch, answer); });
//   finish(question, whole, answer);
#pragma once

#include <cstdint>
#include <functional>

#include "scan/trace_reader.h"
#include "serve/question.h"

namespace clew::serve {

// Which spans, counted in the order of the tree.
struct TracePage {
  uint64_t offset = 0;
  uint64_t limit = UINT64_MAX;
};

class TraceStream {
 public:
  // NotFound; InvalidArgument: the page begins behind the last span; and as scan::TraceReader::open(). The question
  // must outlive the stream.
  static Result<TraceStream> open(const Question& question, const model::TraceId& id, const TracePage& page);

  uint64_t span_count() const { return reader_.span_count(); }
  // Where the next page begins; span_count() if there is none.
  uint64_t end() const { return end_; }
  using Write = std::function<Result<bool>(const model::SpanBatch& batch)>;  // false: the rest is not wanted
  // Once. False: `write` did not want the rest. Cancelled: the query was stopped.
  Result<bool> for_each(const Write& write);

 private:
  TraceStream(const Question& question, scan::TraceReader reader) : question_(question), reader_(std::move(reader)) {}

  const Question& question_;
  scan::TraceReader reader_;
  uint64_t end_ = 0;
  model::SpanBatch batch_;
};

}  // namespace clew::serve
