// SPDX-License-Identifier: Apache-2.0
//
// Which handler a method and a path mean. A pattern is exact ("/v1/traces"), has segments that take any text
// ("/api/traces/{id}") or ends in a star that takes the rest ("/assets/*"). A literal segment wins over a {segment},
// which wins over the star. HEAD goes where GET goes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace clew::net {

class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  // `handler` is the caller's number for the route. The same method and pattern twice is a bug.
  void add(std::string_view method, std::string_view pattern, uint32_t handler);

  struct Match {
    enum class Kind { Found, NotFound, WrongMethod } kind = Kind::NotFound;
    uint32_t handler = 0;
    std::vector<std::string> parameters;  // percent-decoded, in the pattern's order
    std::string allow;                    // the methods that the path takes: "GET, HEAD"
  };
  // `path` is as sent; one trailing slash is as good as none.
  Match find(std::string_view method, std::string_view path) const;

 private:
  struct Node;
  std::unique_ptr<Node> root_;
};

}  // namespace clew::net
