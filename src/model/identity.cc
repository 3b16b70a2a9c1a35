// SPDX-License-Identifier: Apache-2.0
//
// The merger finds rows of equal identity by a table with the first row of each. Rows that share an identity and differ
// are rare, but a sender with a broken source of ids can make a whole trace of them: they are found by a hash of their
// content, so that a trace of one span id costs no more than any other.
#include "model/identity.h"

#include <algorithm>

namespace clew::model {
namespace {

constexpr size_t kSlotsMin = 64;

// The end of splitmix64.
constexpr uint64_t mixed(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return value ^ (value >> 31);
}

bool is_string(ValueType type) { return type == ValueType::String; }
bool is_blob(ValueType type) { return type >= ValueType::Bytes; }

// Compares entries of two batches by what they say. In one batch, equal numbers of a table are equal texts and
// different numbers different ones.
class Comparison {
 public:
  Comparison(const SpanBatch& a, const SpanBatch& b) : a_(a), b_(b), one_(&a == &b) {}

  bool spans(uint32_t row_a, uint32_t row_b) const {
    return plain_fields(row_a, row_b) && strings(a_.name[row_a], b_.name[row_b]) &&
           lists(a_.attributes(row_a), b_.attributes(row_b)) && rare_fields(a_.rare_of(row_a), b_.rare_of(row_b)) &&
           resources(a_.resource[row_a], b_.resource[row_b]) && scopes(a_.scope[row_a], b_.scope[row_b]) &&
           events(row_a, row_b) && links(row_a, row_b);
  }

 private:
  bool strings(StringId a, StringId b) const { return one_ ? a == b : a_.strings.at(a) == b_.strings.at(b); }
  bool blobs(BlobId a, BlobId b) const { return one_ ? a == b : a_.blobs.at(a) == b_.blobs.at(b); }

  bool plain_fields(uint32_t row_a, uint32_t row_b) const {
    return a_.span_id[row_a] == b_.span_id[row_b] && a_.start[row_a] == b_.start[row_b] &&
           a_.end[row_a] == b_.end[row_b] && a_.parent_span_id[row_a] == b_.parent_span_id[row_b] &&
           a_.kind[row_a] == b_.kind[row_b] && a_.status_code[row_a] == b_.status_code[row_b] &&
           a_.flags[row_a] == b_.flags[row_b] && a_.trace_id[row_a] == b_.trace_id[row_b];
  }

  bool lists(const AttributeSet& a, const AttributeSet& b) const {
    const std::span<const KeyType> keys_a = a_.keys(a);
    const std::span<const KeyType> keys_b = b_.keys(b);
    if (keys_a.size() != keys_b.size() || (one_ && a.shape != b.shape)) return false;
    for (size_t i = 0; i < keys_a.size(); ++i) {
      if (keys_a[i].type() != keys_b[i].type()) return false;
      if (!value(keys_a[i].type(), a_.slots[a.first_slot + i], b_.slots[b.first_slot + i])) return false;
    }
    if (one_) return true;
    for (size_t i = 0; i < keys_a.size(); ++i)
      if (!strings(keys_a[i].key(), keys_b[i].key())) return false;
    return true;
  }

  bool value(ValueType type, uint64_t a, uint64_t b) const {
    if (is_string(type)) return strings(static_cast<StringId>(a), static_cast<StringId>(b));
    if (is_blob(type)) return blobs(static_cast<BlobId>(a), static_cast<BlobId>(b));
    return a == b;
  }

  bool rare_fields(const RareFields& a, const RareFields& b) const {
    return a.dropped_attributes == b.dropped_attributes && a.dropped_events == b.dropped_events &&
           a.dropped_links == b.dropped_links && strings(a.trace_state, b.trace_state) &&
           strings(a.status_message, b.status_message);
  }

  bool resources(uint32_t index_a, uint32_t index_b) const {
    if (one_ && index_a == index_b) return true;
    const Resource& a = a_.resources[index_a];
    const Resource& b = b_.resources[index_b];
    return a.dropped_attributes == b.dropped_attributes && strings(a.schema_url, b.schema_url) &&
           blobs(a.entity_refs, b.entity_refs) && lists(a.attributes, b.attributes);
  }

  bool scopes(uint32_t index_a, uint32_t index_b) const {
    if (one_ && index_a == index_b) return true;
    const Scope& a = a_.scopes[index_a];
    const Scope& b = b_.scopes[index_b];
    return a.dropped_attributes == b.dropped_attributes && strings(a.name, b.name) && strings(a.version, b.version) &&
           strings(a.schema_url, b.schema_url) && lists(a.attributes, b.attributes);
  }

  bool events(uint32_t row_a, uint32_t row_b) const {
    const uint32_t begin_a = a_.events_begin(row_a);
    const uint32_t begin_b = b_.events_begin(row_b);
    const uint32_t count = a_.events_end[row_a] - begin_a;
    if (count != b_.events_end[row_b] - begin_b) return false;
    for (uint32_t i = 0; i < count; ++i) {
      const Event& a = a_.events[begin_a + i];
      const Event& b = b_.events[begin_b + i];
      if (a.time != b.time || a.dropped_attributes != b.dropped_attributes || !strings(a.name, b.name) ||
          !lists(a.attributes, b.attributes))
        return false;
    }
    return true;
  }

  bool links(uint32_t row_a, uint32_t row_b) const {
    const uint32_t begin_a = a_.links_begin(row_a);
    const uint32_t begin_b = b_.links_begin(row_b);
    const uint32_t count = a_.links_end[row_a] - begin_a;
    if (count != b_.links_end[row_b] - begin_b) return false;
    for (uint32_t i = 0; i < count; ++i) {
      const Link& a = a_.links[begin_a + i];
      const Link& b = b_.links[begin_b + i];
      if (a.trace_id != b.trace_id || a.span_id != b.span_id || a.flags != b.flags ||
          a.dropped_attributes != b.dropped_attributes || !strings(a.trace_state, b.trace_state) ||
          !lists(a.attributes, b.attributes))
        return false;
    }
    return true;
  }

  const SpanBatch& a_;
  const SpanBatch& b_;
  const bool one_;
};

class Hasher {
 public:
  explicit Hasher(const SpanBatch& batch) : batch_(batch) {}

  uint64_t span(uint32_t row) {
    const SpanRow span = batch_.span(row);
    const RareFields& rare = span.rare;
    const Resource& resource = batch_.resources[span.resource];
    const Scope& scope = batch_.scopes[span.scope];
    numbers(span.trace_id.high, span.trace_id.low, span.span_id.value, span.parent_span_id.value, span.start, span.end);
    numbers(static_cast<uint32_t>(span.kind), static_cast<uint32_t>(span.status_code), span.flags);
    numbers(rare.dropped_attributes, rare.dropped_events, rare.dropped_links);
    strings(span.name, rare.trace_state, rare.status_message);
    list(span.attributes);
    numbers(resource.dropped_attributes, InternTable::hash(batch_.blobs.at(resource.entity_refs)));
    strings(resource.schema_url);
    list(resource.attributes);
    numbers(scope.dropped_attributes);
    strings(scope.name, scope.version, scope.schema_url);
    list(scope.attributes);
    numbers(batch_.events_end[row] - batch_.events_begin(row));
    for (uint32_t i = batch_.events_begin(row); i < batch_.events_end[row]; ++i) {
      const Event& event = batch_.events[i];
      numbers(event.time, event.dropped_attributes);
      strings(event.name);
      list(event.attributes);
    }
    for (uint32_t i = batch_.links_begin(row); i < batch_.links_end[row]; ++i) {
      const Link& link = batch_.links[i];
      numbers(link.trace_id.high, link.trace_id.low, link.span_id.value, link.dropped_attributes, link.flags);
      strings(link.trace_state);
      list(link.attributes);
    }
    return mixed(state_);
  }

 private:
  void number(uint64_t value) { state_ = mixed(state_ ^ value) + 0x9E3779B97F4A7C15; }
  template <class... Values>
  void numbers(Values... values) {
    (number(values), ...);
  }
  template <class... Ids>
  void strings(Ids... ids) {
    (number(InternTable::hash(batch_.strings.at(ids))), ...);
  }

  void list(const AttributeSet& set) {
    const std::span<const KeyType> keys = batch_.keys(set);
    number(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      const uint64_t slot = batch_.slots[set.first_slot + i];
      strings(keys[i].key());
      number(static_cast<uint64_t>(keys[i].type()));
      if (is_string(keys[i].type())) {
        strings(static_cast<StringId>(slot));
      } else if (is_blob(keys[i].type())) {
        number(InternTable::hash(batch_.blobs.at(static_cast<BlobId>(slot))));
      } else {
        number(slot);
      }
    }
  }

  const SpanBatch& batch_;
  uint64_t state_ = 0;
};

}  // namespace

bool same_content(const SpanBatch& a, uint32_t row_a, const SpanBatch& b, uint32_t row_b) {
  return Comparison(a, b).spans(row_a, row_b);
}

uint64_t content_hash(const SpanBatch& spans, uint32_t row) { return Hasher(spans).span(row); }

void TraceMerger::Table::clear() {
  // The table of a giant trace is not kept for the small ones that follow.
  const bool large = slots_.size() > kSlotsMin && used_ * 8 < slots_.size();
  if (large || slots_.empty()) {
    slots_ = std::vector<Slot>(kSlotsMin);
  } else if (used_ > 0) {
    std::ranges::fill(slots_, Slot{});
  }
  used_ = 0;
}

uint32_t& TraceMerger::Table::at(uint64_t key, size_t& probe) {
  const size_t mask = slots_.size() - 1;
  size_t at = (mixed(key) + probe) & mask;
  while (slots_[at].row != kNoSpan && slots_[at].key != key) {
    at = (at + 1) & mask;
    ++probe;
  }
  slots_[at].key = key;
  return slots_[at].row;
}

void TraceMerger::Table::took_one() {
  if (++used_ * 4 < slots_.size() * 3) return;
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  const size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.row == kNoSpan) continue;
    size_t at = mixed(slot.key) & mask;
    while (slots_[at].row != kNoSpan) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

void TraceMerger::start(SpanBatch& into) {
  into_ = &into;
  firsts_[0].clear();
  firsts_[1].clear();
  others_.clear();
  rows_.clear();
  duplicates_ = 0;
  conflicts_ = 0;
}

// Is the span `row` of `part` the one that `known` (a row of into_ or, from first_fresh_ on, of the fresh ones) names?
bool TraceMerger::is_same(const SpanBatch& part, uint32_t row, uint32_t known) const {
  if (known >= first_fresh_) return same_content(part, fresh_[known - first_fresh_], part, row);
  return same_content(*into_, known, part, row);
}

bool TraceMerger::is_new(const SpanBatch& part, uint32_t row) {
  const uint32_t new_row = first_fresh_ + static_cast<uint32_t>(fresh_.size());
  Table& firsts = firsts_[is_server_half(part.kind[row]) ? 1 : 0];
  size_t probe = 0;
  uint32_t& first = firsts.at(part.span_id[row].value, probe);
  if (first == kNoSpan) {
    first = new_row;
    firsts.took_one();
    return true;
  }
  if (is_same(part, row, first)) return false;
  const uint64_t hash = content_hash(part, row);
  for (probe = 0;; ++probe) {
    uint32_t& other = others_.at(hash, probe);
    if (other == kNoSpan) {
      other = new_row;
      others_.took_one();
      ++conflicts_;
      return true;
    }
    if (is_same(part, row, other)) return false;
  }
}

void TraceMerger::add(const SpanBatch& part, std::span<const uint32_t> rows) {
  first_fresh_ = static_cast<uint32_t>(into_->span_count());
  fresh_.clear();
  for (const uint32_t row : rows) {
    if (is_new(part, row)) {
      rows_.push_back(first_fresh_ + static_cast<uint32_t>(fresh_.size()));
      fresh_.push_back(row);
    } else {
      ++duplicates_;
    }
  }
  into_->append_rows(part, fresh_);
}

}  // namespace clew::model
