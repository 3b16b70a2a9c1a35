// SPDX-License-Identifier: Apache-2.0
//
// The native API, /clew/v1: search. The answer is one JSON object, or lines (NDJSON) that are sent while the search
// goes on; both have the same traces in the same order. docs/reference/api.md describes parameters and answers.
#pragma once

#include "serve/question.h"

namespace clew::serve {

// GET /clew/v1/search
void answer_search(const Question& question);

}  // namespace clew::serve
