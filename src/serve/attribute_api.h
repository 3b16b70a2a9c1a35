// SPDX-License-Identifier: Apache-2.0
//
// The native API, /clew/v1: names of attributes and their values, with counts of spans (scan/attributes.h).
// docs/reference/api.md describes parameters and answers.
#pragma once

#include "serve/question.h"

namespace clew::serve {

// GET /clew/v1/attributes
void answer_attributes(const Question& question);
// GET /clew/v1/attribute-values
void answer_attribute_values(const Question& question);

}  // namespace clew::serve
