// SPDX-License-Identifier: Apache-2.0
//
// The address of a door as a setting writes it: "host:port", "[::1]:port" or ":port" (the host is then the default).
// Port 0 means any free port.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace clew::net {

struct Address {
  std::string host;  // a name or an address without brackets
  uint16_t port = 0;

  std::string text() const;  // with brackets around IPv6
};

// InvalidArgument, naming the text, if it is not an address.
Result<Address> parse_address(std::string_view text, std::string_view default_host);

// Binds `address` for a moment: the error says which address and which setting cannot be had, and why. For servers
// whose library does not tell.
Result<void> probe_listen(const Address& address, std::string_view setting);

}  // namespace clew::net
