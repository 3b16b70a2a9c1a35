// SPDX-License-Identifier: Apache-2.0
#include "net/router.h"

#include "base/check.h"
#include "net/url.h"

namespace clew::net {
namespace {

// A path with more segments means nothing here; it bounds the work of find().
constexpr size_t kSegmentsMax = 32;

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  while (!path.empty() && segments.size() <= kSegmentsMax) {
    const size_t end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return segments;
}

}  // namespace

struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literal;
  std::unique_ptr<Node> any;
  std::map<std::string, uint32_t, std::less<>> methods;  // of a path that ends here
  std::map<std::string, uint32_t, std::less<>> rest;     // of a star here

  static Node& child(std::unique_ptr<Node>& slot) {
    if (!slot) slot = std::make_unique<Node>();
    return *slot;
  }
};

namespace {

using Methods = std::map<std::string, uint32_t, std::less<>>;

}  // namespace

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::add(std::string_view method, std::string_view pattern, uint32_t handler) {
  CHECK(pattern.starts_with('/'));
  Node* node = root_.get();
  bool star = false;
  for (const std::string_view segment : split(pattern)) {
    CHECK(!star);
    if (segment == "*") {
      star = true;
    } else if (segment.starts_with('{')) {
      node = &Node::child(node->any);
    } else {
      node = &Node::child(node->literal.try_emplace(std::string(segment)).first->second);
    }
  }
  const bool added = (star ? node->rest : node->methods).try_emplace(std::string(method), handler).second;
  CHECK(added);
}

Router::Match Router::find(std::string_view method, std::string_view path) const {
  const std::vector<std::string_view> segments = split(path);
  if (segments.size() > kSegmentsMax) return {};

  // Depth first over (literal, any), with the last star seen as what is left; at most two ways at each segment of
  // patterns that we wrote ourselves.
  struct Step {
    const Node* node;
    size_t depth;
    std::vector<std::string_view> parameters;
  };
  std::vector<Step> open = {{root_.get(), 0, {}}};
  const Methods* methods = nullptr;
  std::vector<std::string_view> parameters;
  const Methods* star = nullptr;
  size_t star_depth = 0;
  std::vector<std::string_view> star_parameters;
  while (!open.empty() && methods == nullptr) {
    const Step step = std::move(open.back());
    open.pop_back();
    if (!step.node->rest.empty() && (star == nullptr || step.depth > star_depth)) {
      star = &step.node->rest;
      star_depth = step.depth;
      star_parameters = step.parameters;
      const char* const end = path.data() + path.size();
      const char* const begin = step.depth < segments.size() ? segments[step.depth].data() : end;
      star_parameters.emplace_back(begin, static_cast<size_t>(end - begin));
    }
    if (step.depth == segments.size()) {
      if (!step.node->methods.empty()) {
        methods = &step.node->methods;
        parameters = step.parameters;
      }
      continue;
    }
    if (step.node->any) {
      Step next{step.node->any.get(), step.depth + 1, step.parameters};
      next.parameters.push_back(segments[step.depth]);
      open.push_back(std::move(next));
    }
    const auto literal = step.node->literal.find(segments[step.depth]);
    if (literal != step.node->literal.end()) open.push_back({literal->second.get(), step.depth + 1, step.parameters});
  }
  if (methods == nullptr) {
    methods = star;
    parameters = std::move(star_parameters);
  }
  if (methods == nullptr) return {};

  Match match;
  auto handler = methods->find(method);
  if (handler == methods->end() && method == "HEAD") handler = methods->find("GET");
  for (const auto& [name, number] : *methods) {
    match.allow += match.allow.empty() ? name : ", " + name;
    if (name == "GET" && methods->find("HEAD") == methods->end()) match.allow += ", HEAD";
  }
  if (handler == methods->end()) {
    match.kind = Match::Kind::WrongMethod;
    return match;
  }
  for (const std::string_view parameter : parameters) {
    std::optional<std::string> decoded = percent_decode(parameter);
    if (!decoded) return {};
    match.parameters.push_back(std::move(*decoded));
  }
  match.kind = Match::Kind::Found;
  match.handler = handler->second;
  return match;
}

}  // namespace clew::net
