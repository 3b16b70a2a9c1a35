// SPDX-License-Identifier: Apache-2.0
#include "serve/trace_stream.h"

#include <fmt/format.h>

#include <algorithm>

namespace clew::serve {

Result<TraceStream> TraceStream::open(const Question& question, const model::TraceId& id, const TracePage& page) {
  TraceStream stream(question, TRY(open_trace(question, id)));
  const uint64_t count = stream.span_count();
  if (page.offset >= count)
    return Error(Code::InvalidArgument, fmt::format("'offset' is below the {} spans of the trace", count));
  stream.end_ = page.offset + std::min(page.limit, count - page.offset);
  stream.reader_.seek(page.offset);
  TRY(stream.reader_.next(stream.batch_, stream.end_ - page.offset));
  return stream;
}

Result<bool> TraceStream::for_each(const Write& write) {
  while (TRY(write(batch_))) {
    if (reader_.position() >= end_) return true;
    // Its time may be up: a reader over a slow line gets its answer all the same.
    if (question_.stop.why() == Stop::Why::Cancelled) return Error(Code::Cancelled, "the query was stopped");
    TRY(reader_.next(batch_, end_ - reader_.position()));
  }
  return false;
}

}  // namespace clew::serve
