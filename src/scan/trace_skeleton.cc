// SPDX-License-Identifier: Apache-2.0
//
// Nodes are sorted by start, id, half and place first. Then a lower index is an earlier span: what model/trace_tree.h
// says of the earliest of several spans, of siblings and of cycles is a comparison of indices, and duplicates, whose
// starts are equal, stand side by side. Each step writes into fields of a node that the steps before have used up.
#include "scan/trace_skeleton.h"

#include <algorithm>
#include <bit>
#include <tuple>

#include "model/identity.h"
#include "model/trace_tree.h"

namespace clew::scan {
namespace {

// Rows of a block whose contents are in memory at a time.
constexpr size_t kHashedRows = 256;

using model::kNoSpan;

struct Node {
  uint64_t id;
  uint64_t start;  // of nodes that may be duplicates: later the hash of their content
  // The halves of the parent's id; later the parent's and the first child's index.
  uint32_t parent;
  uint32_t first_child;
  uint32_t place;
  uint32_t next;  // first whether it is the server half; then a mark; then the next sibling

  uint64_t parent_id() const { return uint64_t{first_child} << 32 | parent; }
  auto order() const { return std::tuple(start, id, next, place); }
  bool is_twin_of(const Node& other) const { return id == other.id && start == other.start && next == other.next; }
};
static_assert(sizeof(Node) == 32);

class Builder {
 public:
  Builder(PlacedParts& parts, const eval::Pace* pace) : parts_(parts), pace_(pace) {}

  Result<TraceSkeleton> build() {
    skeleton_.places = parts_.places();
    TRY(read());
    std::ranges::sort(nodes_, {}, &Node::order);
    TRY(leave_out_duplicates());
    link();
    cut_cycles();
    return number();
  }

 private:
  Result<bool> go_on() const {
    if (pace_ != nullptr && !(*pace_)()) return Error(Code::Cancelled, "the search was stopped");
    return true;
  }

  Result<void> read() {
    nodes_.reserve(skeleton_.places.size());
    const auto add = [&](const model::SpanLink& link, size_t at) {
      nodes_.push_back({.id = link.id,
                        .start = link.start,
                        .parent = static_cast<uint32_t>(link.parent_id),
                        .first_child = static_cast<uint32_t>(link.parent_id >> 32),
                        .place = skeleton_.places[at],
                        .next = link.server_half ? 1u : 0u});
    };
    return parts_.for_each_run(skeleton_.places, [&](const PlacedParts::Run& run) -> Result<bool> {
      if (run.head != nullptr) {
        for (size_t i = 0; i < run.rows.size(); ++i) add(model::link_of(*run.head, run.rows[i]), run.at + i);
        return go_on();
      }
      const auto tables = TRY(parts_.block_of(parts_.parts()[run.part]).block().tables());
      const std::span<const uint64_t> ids = TRY(run.group->ints(block::kSpanId));
      const std::span<const uint64_t> starts = TRY(run.group->ints(block::kStart));
      const std::span<const uint64_t> parent_ids = TRY(run.group->parent_ids());
      const std::span<const uint32_t> templates = TRY(run.group->rows(block::kTemplate));
      for (size_t i = 0; i < run.rows.size(); ++i) {
        const uint32_t row = run.rows[i];
        const bool server_half = model::is_server_half(tables->templates[templates[row]].kind);
        add({ids[row], parent_ids[row], starts[row], server_half}, run.at + i);
      }
      return go_on();
    });
  }

  Result<void> leave_out_duplicates() {
    std::vector<std::span<Node>> runs;  // of nodes of one identity and start
    std::vector<uint32_t> twins;        // the indices of all of them
    for (uint32_t first = 0, end = 0; first < nodes_.size(); first = end) {
      end = first + 1;
      while (end < nodes_.size() && nodes_[end].is_twin_of(nodes_[first])) ++end;
      if (end - first == 1) continue;
      runs.push_back(std::span(nodes_).subspan(first, end - first));
      for (uint32_t i = first; i < end; ++i) twins.push_back(i);
    }
    if (runs.empty()) return {};
    TRY(hash_contents(twins));
    bool any = false;
    for (const std::span<Node> run : runs) any |= drop_equal(run);
    if (!any) return {};
    std::erase_if(nodes_, [](const Node& node) { return node.place == kNoSpan; });
    skeleton_.places.clear();
    for (const Node& node : nodes_) skeleton_.places.push_back(node.place);
    std::ranges::sort(skeleton_.places);
    return {};
  }

  // Of nodes with one content, whose hash is in `start`, the first stays; the others get no place.
  static bool drop_equal(std::span<Node> run) {
    std::ranges::sort(run, {}, [](const Node& node) { return std::tuple(node.start, node.place); });
    bool any = false;
    for (size_t i = 0, kept = 0; i < run.size(); ++i) {
      if (i == 0 || run[i].start != run[kept].start) {
        kept = i;
      } else {
        run[i].place = kNoSpan;
        any = true;
      }
    }
    std::ranges::sort(run, {}, &Node::place);
    return any;
  }

  Result<void> hash_contents(std::vector<uint32_t>& twins) {  // whose order is lost
    std::ranges::sort(twins, {}, [&](uint32_t i) { return nodes_[i].place; });
    std::vector<uint32_t> places;
    places.reserve(twins.size());
    for (const uint32_t i : twins) places.push_back(nodes_[i].place);
    model::SpanBatch copies;
    return parts_.for_each_run(places, [&](const PlacedParts::Run& run) -> Result<bool> {
      for (size_t at = 0; at < run.rows.size(); at += kHashedRows) {
        const auto rows = run.rows.subspan(at, std::min(kHashedRows, run.rows.size() - at));
        if (run.head == nullptr) {
          copies = model::SpanBatch();
          TRY(block::RowCopier(parts_.block_of(parts_.parts()[run.part]).shared_block(), copies)
                  .append(*run.group, rows));
        }
        for (uint32_t i = 0; i < rows.size(); ++i) {
          const uint64_t hash =
              run.head != nullptr ? model::content_hash(*run.head, rows[i]) : model::content_hash(copies, i);
          nodes_[twins[run.at + at + i]].start = hash;
        }
      }
      return go_on();
    });
  }

  // A slot has the earliest node of an id and half.
  uint32_t find(uint64_t id, uint32_t half) const {
    for (size_t at = (id * 0x9E3779B97F4A7C15u) >> shift_;; at = (at + 1) & (slots_.size() - 1)) {
      const uint32_t node = slots_[at];
      if (node == kNoSpan || (nodes_[node].id == id && nodes_[node].next == half)) return node;
    }
  }

  void link() {
    slots_.assign(std::bit_ceil(nodes_.size() + nodes_.size() / 3 + 2), kNoSpan);
    shift_ = 64 - std::countr_zero(slots_.size());
    for (uint32_t i = 0; i < nodes_.size(); ++i) {
      size_t at = (nodes_[i].id * 0x9E3779B97F4A7C15u) >> shift_;
      const auto is_other = [&](const Node& node) { return node.id != nodes_[i].id || node.next != nodes_[i].next; };
      while (slots_[at] != kNoSpan && is_other(nodes_[slots_[at]])) at = (at + 1) & (slots_.size() - 1);
      if (slots_[at] == kNoSpan) slots_[at] = i;
    }
    for (Node& node : nodes_) {
      node.parent = parent_of(node);
      node.first_child = kNoSpan;
    }
    slots_ = {};
  }

  uint32_t parent_of(const Node& node) const {
    if (node.next == 1) {
      const uint32_t client = find(node.id, 0);
      if (client != kNoSpan) return client;
    }
    const uint64_t id = node.parent_id();
    if (id == 0) return model::kRoot;
    if (id == node.id) return model::kOrphan;
    const uint32_t server = find(id, 1);
    const uint32_t found = server != kNoSpan ? server : find(id, 0);
    return found == kNoSpan ? model::kOrphan : found;
  }

  // Walks up from every node; a walk that meets itself has closed a cycle.
  void cut_cycles() {
    for (Node& node : nodes_) node.next = kNoSpan;
    for (uint32_t i = 0; i < nodes_.size(); ++i) {
      uint32_t at = i;
      while (!model::is_top(at) && nodes_[at].next == kNoSpan) {
        nodes_[at].next = i;
        at = nodes_[at].parent;
      }
      if (model::is_top(at) || nodes_[at].next != i) continue;
      uint32_t earliest = at;
      for (uint32_t other = nodes_[at].parent; other != at; other = nodes_[other].parent)
        earliest = std::min(earliest, other);
      nodes_[earliest].parent = model::kOrphan;
    }
  }

  TraceSkeleton number() {
    uint32_t first_top = kNoSpan;
    for (auto i = static_cast<uint32_t>(nodes_.size()); i-- > 0;) {
      Node& node = nodes_[i];
      uint32_t& first = model::is_top(node.parent) ? first_top : nodes_[node.parent].first_child;
      node.next = first;
      first = i;
      node.place = static_cast<uint32_t>(std::ranges::lower_bound(skeleton_.places, node.place) -
                                         skeleton_.places.begin());  // from here on the index
    }
    skeleton_.parents.resize(nodes_.size());
    for (const Node& node : nodes_)
      skeleton_.parents[node.place] = model::is_top(node.parent) ? node.parent : nodes_[node.parent].place;
    skeleton_.preorder.reserve(nodes_.size());
    for (uint32_t at = first_top; at != kNoSpan;) {
      skeleton_.preorder.push_back(nodes_[at].place);
      if (nodes_[at].first_child != kNoSpan) {
        at = nodes_[at].first_child;
        continue;
      }
      while (nodes_[at].next == kNoSpan && !model::is_top(nodes_[at].parent)) at = nodes_[at].parent;
      at = nodes_[at].next;
    }
    return std::move(skeleton_);
  }

  PlacedParts& parts_;
  const eval::Pace* const pace_;
  TraceSkeleton skeleton_;
  std::vector<Node> nodes_;
  std::vector<uint32_t> slots_;  // open addressing, linear probing
  int shift_ = 0;
};

}  // namespace

Result<TraceSkeleton> TraceSkeleton::build(PlacedParts& parts, Reservation& memory, const eval::Pace* pace) {
  const uint64_t before = memory.bytes();
  if (!memory.grow(parts.row_count() * kBuildBytesPerRow))
    return Error(Code::Unavailable, "the memory for queries is spent; try again later");
  Result<TraceSkeleton> skeleton = Builder(parts, pace).build();
  memory.shrink_to(before + (skeleton.ok() ? skeleton->places.capacity() * kBytesPerSpan : 0));
  return skeleton;
}

}  // namespace clew::scan
