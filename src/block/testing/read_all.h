// SPDX-License-Identifier: Apache-2.0
//
// Asks a block for everything that it can be asked for. For tests of damage and for the fuzzer.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "block/block.h"

namespace clew::block::testing {

// All that was answered as one text, or the first error. Goes on after an error, so that every part is asked.
Result<std::string> read_all(const std::shared_ptr<const Block>& block);

}  // namespace clew::block::testing
