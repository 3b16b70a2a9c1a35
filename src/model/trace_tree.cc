// SPDX-License-Identifier: Apache-2.0
//
// Parents are found by one hash table of span ids. A functional graph (every span has at most one parent) has its
// cycles found by walking up from every span not yet seen: a walk that meets itself has closed a cycle, one that meets
// an earlier walk or a top has not. A finished walk, turned round, is a run of parents before children, which gives the
// top-down order for nothing. Most traces need no walk: when every parent arrived before its children, or every one
// after them (a span is exported when it ends), arrival order is the answer.
#include "model/trace_tree.h"

#include <algorithm>
#include <array>
#include <bit>
#include <tuple>

namespace clew::model {
namespace {

// Below this many rows std::sort beats eight counting passes, and its logarithm is a constant.
constexpr size_t kRadixRows = 512;

}  // namespace

void ParentResolver::size_table(size_t spans) {
  const size_t capacity = std::bit_ceil(std::max<size_t>(spans * 2, 4));
  if (table_.size() < capacity) table_.resize(capacity);
  mask_ = capacity - 1;
  shift_ = 64 - std::countr_zero(capacity);
  std::fill_n(table_.begin(), capacity, Slot{0, kNoSpan, kNoSpan});
}

// A slot is free while it has neither half. Ids made by hand count up, so they are mixed.
ParentResolver::Slot& ParentResolver::slot_for(uint64_t id) {
  for (size_t at = (id * 0x9E3779B97F4A7C15u) >> shift_;; at = (at + 1) & mask_) {
    Slot& slot = table_[at];
    if (slot.id == id || (slot.server_half & slot.other_half) == kNoSpan) return slot;
  }
}

void ParentResolver::fill_table(std::span<const SpanLink> spans) {
  size_table(spans.size());
  shared_ids_ = false;
  for (uint32_t i = 0; i < spans.size(); ++i) {
    const uint64_t id = spans[i].id;
    Slot& slot = slot_for(id);
    shared_ids_ |= (slot.server_half & slot.other_half) != kNoSpan;
    slot.id = id;
    uint32_t& half = spans[i].server_half ? slot.server_half : slot.other_half;
    if (half == kNoSpan || is_earlier(spans, i, half)) half = i;
  }
}

void ParentResolver::link(std::span<const SpanLink> spans, std::span<uint32_t> parents) {
  for (uint32_t i = 0; i < spans.size(); ++i) {
    const uint64_t id = spans[i].id;
    const uint64_t parent_id = spans[i].parent_id;
    if (shared_ids_ && spans[i].server_half) {
      const uint32_t client = slot_for(id).other_half;
      if (client != kNoSpan) {
        parents[i] = client;
        continue;
      }
    }
    if (parent_id == 0) {
      parents[i] = kRoot;
    } else if (parent_id == id) {
      parents[i] = kOrphan;
    } else {
      const Slot& slot = slot_for(parent_id);
      const uint32_t found = slot.server_half != kNoSpan ? slot.server_half : slot.other_half;
      parents[i] = found == kNoSpan ? kOrphan : found;
    }
  }
}

// Turns the walk in path_ into top-down order. `cycle_at` is the place in path_ where its last span's parent stands, or
// the path's length when it has closed no cycle.
void ParentResolver::emit_path(std::span<const SpanLink> spans, std::span<uint32_t> parents, size_t cycle_at) {
  const auto cycle = path_.begin() + static_cast<ptrdiff_t>(cycle_at);
  if (cycle != path_.end()) {
    const auto earliest =
        std::min_element(cycle, path_.end(), [&](uint32_t a, uint32_t b) { return is_earlier(spans, a, b); });
    parents[*earliest] = kOrphan;
    // The path goes upwards, so the cut span, now the highest, has to come last.
    std::rotate(cycle, earliest + 1, path_.end());
  }
  for (size_t i = path_.size(); i-- > 0;) topdown_[ordered_++] = path_[i];
}

void ParentResolver::order(std::span<const SpanLink> spans, std::span<uint32_t> parents) {
  const uint32_t count = static_cast<uint32_t>(spans.size());
  bool up = true;
  bool down = true;
  for (uint32_t i = 0; i < count; ++i) {
    const bool top = is_top(parents[i]);
    up &= top | (parents[i] < i);
    down &= top | (parents[i] > i);
  }
  topdown_.resize(count);
  if (up || down) {
    for (uint32_t i = 0; i < count; ++i) topdown_[i] = up ? i : count - 1 - i;
    return;
  }
  ordered_ = 0;

  enum State : uint8_t { New, OnPath, Done };
  state_.assign(count, New);
  for (uint32_t i = 0; i < count; ++i) {
    if (state_[i] != New) continue;
    path_.clear();
    uint32_t at = i;
    while (!is_top(at) && state_[at] == New) {
      state_[at] = OnPath;
      path_.push_back(at);
      at = parents[at];
    }
    size_t cycle_at = path_.size();
    if (!is_top(at) && state_[at] == OnPath) {
      cycle_at = static_cast<size_t>(std::find(path_.begin(), path_.end(), at) - path_.begin());
    }
    emit_path(spans, parents, cycle_at);
    for (const uint32_t position : path_) state_[position] = Done;
  }
}

void ParentResolver::resolve(std::span<const SpanLink> spans, std::span<uint32_t> parents) {
  DCHECK(spans.size() == parents.size() && spans.size() < kOrphan);
  fill_table(spans);
  link(spans, parents);
  if (spans.size() > kGiantSpans) table_ = {};
  order(spans, parents);
  if (spans.size() > kGiantSpans) path_ = {};
}

void TraceTree::sort_by_start(std::span<const SpanLink> spans) {
  by_start_.resize(spans.size());
  bool sorted = true;
  for (uint32_t i = 0; i < spans.size(); ++i) {
    by_start_[i] = {spans[i].start, i};
    sorted &= i == 0 || by_start_[i - 1].start <= by_start_[i].start;
  }
  if (sorted) return order_equal_starts(spans);
  if (spans.size() < kRadixRows || spans.size() > kGiantSpans) {  // a giant's buffer would be as large again
    std::sort(by_start_.begin(), by_start_.end(),
              [&](const Timed& a, const Timed& b) { return is_earlier(spans, a.position, b.position); });
    return;
  }
  sort_buffer_.resize(spans.size());
  for (int shift = 0; shift < 64; shift += 8) {
    std::array<uint32_t, 257> begins{};
    for (const Timed& entry : by_start_) ++begins[((entry.start >> shift) & 0xFF) + 1];
    if (std::ranges::any_of(begins, [&](uint32_t n) { return n == spans.size(); })) continue;  // one byte for all
    for (size_t i = 1; i < begins.size(); ++i) begins[i] += begins[i - 1];
    for (const Timed& entry : by_start_) sort_buffer_[begins[(entry.start >> shift) & 0xFF]++] = entry;
    by_start_.swap(sort_buffer_);
  }
  order_equal_starts(spans);
}

// Runs of equal starts, which sorting by start alone has left in the order of their positions.
void TraceTree::order_equal_starts(std::span<const SpanLink> spans) {
  for (auto run = by_start_.begin(); run != by_start_.end();) {
    const auto end = std::find_if(run, by_start_.end(), [&](const Timed& entry) { return entry.start != run->start; });
    if (end - run > 1) {
      std::sort(run, end, [&](const Timed& a, const Timed& b) { return is_earlier(spans, a.position, b.position); });
    }
    run = end;
  }
}

// Walks the tree along its links; the way back up is the parent, so no stack is needed.
void TraceTree::number() {
  preorder_.clear();
  preorder_.reserve(nodes_.size());
  uint32_t next_number = 1;
  for (uint32_t top = first_top_; top != kNoSpan; top = nodes_[top].next_sibling) {
    uint32_t at = top;
    uint32_t depth = 0;
    while (true) {
      Node& node = nodes_[at];
      node.depth = depth;
      node.left = next_number++;
      preorder_.push_back(at);
      if (node.first_child != kNoSpan) {
        at = node.first_child;
        ++depth;
        continue;
      }
      node.right = next_number++;
      while (at != top && nodes_[at].next_sibling == kNoSpan) {
        at = parents_[at];
        --depth;
        nodes_[at].right = next_number++;
      }
      if (at == top) break;
      at = nodes_[at].next_sibling;
    }
  }
}

void TraceTree::build(std::span<const SpanLink> spans) {
  parents_.resize(spans.size());
  resolver_.resolve(spans, parents_);
  sort_by_start(spans);
  nodes_.assign(spans.size(), Node{kNoSpan, kNoSpan, 0, 0, 0, 0});
  first_top_ = kNoSpan;
  for (auto entry = by_start_.rbegin(); entry != by_start_.rend(); ++entry) {
    const uint32_t position = entry->position;
    const uint32_t parent = parents_[position];
    uint32_t& first = is_top(parent) ? first_top_ : nodes_[parent].first_child;
    nodes_[position].next_sibling = first;
    first = position;
    if (!is_top(parent)) ++nodes_[parent].child_count;
  }
  if (spans.size() > kGiantSpans) by_start_ = {};
  number();
}

void TraceTree::build(const SpanBatch& spans, std::span<const uint32_t> rows) {
  links_.clear();
  links_.reserve(rows.size());
  for (const uint32_t row : rows) links_.push_back(link_of(spans, row));
  build(links_);
  if (rows.size() > kGiantSpans) links_ = {};
}

int64_t TraceTree::left_of_parent(uint32_t position) const {
  const uint32_t parent = parents_[position];
  if (parent == kRoot) return -1;
  if (parent == kOrphan) return 0;
  return nodes_[parent].left;
}

}  // namespace clew::model
