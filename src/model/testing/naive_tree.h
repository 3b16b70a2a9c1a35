// SPDX-License-Identifier: Apache-2.0
//
// The rules of model/trace_tree.h, read aloud, at whatever cost: what the linear version is checked against.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <tuple>
#include <vector>

#include "model/trace_tree.h"

namespace clew::model::testing {

struct NaiveTree {
  explicit NaiveTree(std::span<const SpanLink> links) : spans(links) {
    for (uint32_t i = 0; i < spans.size(); ++i) parents.push_back(parent_of(i));
    for (uint32_t i = 0; i < spans.size(); ++i) cut_cycle_at(i);
    for (uint32_t i = 0; i < spans.size(); ++i) children[is_top(parents[i]) ? kNoSpan : parents[i]].push_back(i);
    for (auto& [parent, list] : children) std::ranges::sort(list, {}, [&](uint32_t i) { return age(i); });
    for (const uint32_t top : children[kNoSpan]) visit(top, 0);
  }

  struct Place {
    uint32_t depth = 0;
    uint32_t left = 0;
    uint32_t right = 0;
    friend bool operator==(const Place&, const Place&) = default;
  };

  std::span<const SpanLink> spans;
  std::vector<uint32_t> parents;
  std::map<uint32_t, std::vector<uint32_t>> children;  // of kNoSpan: the tops
  std::vector<uint32_t> preorder;
  std::map<uint32_t, Place> places;

  std::tuple<UnixNanos, uint64_t, bool, uint32_t> age(uint32_t i) const {
    return {spans[i].start, spans[i].id, spans[i].server_half, i};
  }

 private:
  uint32_t earliest(uint64_t id, bool server_half) const {
    uint32_t best = kNoSpan;
    for (uint32_t i = 0; i < spans.size(); ++i) {
      if (spans[i].id != id || spans[i].server_half != server_half) continue;
      if (best == kNoSpan || age(i) < age(best)) best = i;
    }
    return best;
  }

  uint32_t parent_of(uint32_t i) const {
    const SpanLink& span = spans[i];
    if (span.server_half && earliest(span.id, false) != kNoSpan) return earliest(span.id, false);
    if (span.parent_id == 0) return kRoot;
    if (span.parent_id == span.id) return kOrphan;
    if (earliest(span.parent_id, true) != kNoSpan) return earliest(span.parent_id, true);
    if (earliest(span.parent_id, false) != kNoSpan) return earliest(span.parent_id, false);
    return kOrphan;
  }

  void cut_cycle_at(uint32_t i) {
    std::set<uint32_t> cycle;
    uint32_t at = i;
    while (!is_top(at) && cycle.insert(at).second) at = parents[at];
    if (at != i) return;  // leads to a top, or into a cycle that i is not part of
    parents[*std::ranges::min_element(cycle, {}, [&](uint32_t k) { return age(k); })] = kOrphan;
  }

  void visit(uint32_t i, uint32_t depth) {
    preorder.push_back(i);
    const uint32_t left = ++number_;
    for (const uint32_t child : children[i]) visit(child, depth + 1);
    places[i] = {depth, left, ++number_};
  }

  uint32_t number_ = 0;
};

}  // namespace clew::model::testing
