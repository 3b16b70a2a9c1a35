// SPDX-License-Identifier: Apache-2.0
//
// The page at /: which version this is, what listens where, how programs send their traces here, and where to ask.
// Plain HTML without scripts and without anything from other hosts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/http_message.h"

namespace clew::serve {

struct Door {
  std::string name;     // "OTLP gRPC"
  std::string address;  // "127.0.0.1:4317"
};

net::HttpResponse page(std::string_view version, const std::vector<Door>& doors);

// For text and for attributes in double quotes.
std::string escape_html(std::string_view text);

}  // namespace clew::serve
