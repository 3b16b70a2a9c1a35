// SPDX-License-Identifier: Apache-2.0
//
// The native API, /clew/v1: a trace by its id. docs/reference/api.md describes parameters and answers.
#pragma once

#include "serve/question.h"

namespace clew::serve {

// GET /clew/v1/traces/{id}
void answer_trace(const Question& question);

}  // namespace clew::serve
