// SPDX-License-Identifier: Apache-2.0
//
// The value of an attribute that is an array, as a column takes it: one group of its elements; Opaque where the array
// is empty, holds values of several types, or values that no comparison knows.
#pragma once

#include "base/bytes.h"
#include "eval/value_column.h"

namespace clew::eval {

// `array` is protobuf bytes of an ArrayValue; texts point into it.
void append_array(Bytes array, ValueColumn& out);

}  // namespace clew::eval
