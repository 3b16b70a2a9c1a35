// SPDX-License-Identifier: Apache-2.0
//
// `clew verify`: reads every byte of a data folder and says what is damaged, by tenant and object. It changes nothing
// and may run beside a server.
#pragma once

#include <string>

#include "base/result.h"

namespace clew::app {

struct VerifyCommand {
  std::string folder;
  bool columns = false;  // also print bytes by column
};

// The exit status: 0 whole, 1 damaged. NotFound if there is no data in the folder.
Result<int> verify(const VerifyCommand& command);

}  // namespace clew::app
