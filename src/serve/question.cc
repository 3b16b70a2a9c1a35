// SPDX-License-Identifier: Apache-2.0
#include "serve/question.h"

namespace clew::serve {

Result<scan::ReadTrace> read_trace(const Question& question, const model::TraceId& id) {
  std::optional<scan::ReadTrace> trace;
  if (question.snapshot) trace = TRY(scan::read_trace(*question.snapshot, id, question.budget));
  if (!trace) return Error(Code::NotFound, "there is no trace " + id.hex());
  return std::move(*trace);
}

}  // namespace clew::serve
