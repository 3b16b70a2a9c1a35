// SPDX-License-Identifier: Apache-2.0
#include "net/address.h"

#include <fmt/core.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>

namespace clew::net {

std::string Address::text() const {
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

Result<Address> parse_address(std::string_view text, std::string_view default_host) {
  const auto bad = [&](std::string_view why) {
    return Error(Code::InvalidArgument, fmt::format("'{}' is not an address like 127.0.0.1:4317: {}", text, why));
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad("no ':' before the port");
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return bad("no ']' after the host");
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return bad("an IPv6 host is written in brackets, [::1]:4317");
  }
  if (host.empty()) host = default_host;
  const std::string_view digits = text.substr(colon + 1);
  Address address{std::string(host), 0};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (error != std::errc() || end != digits.data() + digits.size()) return bad("the port is a number up to 65535");
  return address;
}

Result<void> probe_listen(const Address& address, std::string_view setting) {
  const auto failed = [&](Code code, std::string_view why) {
    return Error(code, fmt::format("cannot listen on {} ({}): {}", address.text(), setting, why));
  };
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int status = getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (status != 0) return failed(Code::InvalidArgument, gai_strerror(status));
  int problem = 0;
  const int socket = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  if (socket < 0 || setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      bind(socket, found->ai_addr, found->ai_addrlen) != 0 || listen(socket, 1) != 0) {
    problem = errno;
  }
  if (socket >= 0) close(socket);
  freeaddrinfo(found);
  if (problem == 0) return {};
  if (problem == EADDRINUSE) return failed(Code::AlreadyExists, "the port is taken");
  return failed(problem == EACCES ? Code::PermissionDenied : Code::InvalidArgument,
                std::system_category().message(problem));
}

}  // namespace clew::net
