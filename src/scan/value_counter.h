// SPDX-License-Identifier: Apache-2.0
//
// ValueCounter counts the spans that have a value of one attribute or intrinsic. A value that a block knows by a number
// (a dictionary's code, a resource, a template) is looked up once for all spans of a row group that have it.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/memory_budget.h"
#include "base/result.h"
#include "scan/attributes.h"
#include "scan/block_rows.h"

namespace clew::scan {

class ValueCounter {
 public:
  // `wanted` and `options` must outlive the counter.
  ValueCounter(const Wanted& wanted, const AttributeOptions& options, MemoryBudget& budget);

  // DataLoss: what was read is damaged; what was counted before stays.
  Result<void> add(const BlockRows& rows);
  void add(const model::SpanBatch& spans, std::span<const uint32_t> rows);

  // Values were left out, for their number or the memory.
  bool is_full() const { return full_; }
  void move_to(AttributeValues& values);

 private:
  static constexpr uint32_t kLeftOut = UINT32_MAX;
  struct Key {
    model::ValueType type{};
    uint64_t slot = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const {
      return (key.slot * 8 + static_cast<uint64_t>(key.type)) * 0x9E3779B97F4A7C15u;
    }
  };
  // A column of the attribute in the row group at hand.
  struct ValueColumn {
    model::ValueType type{};
    std::span<const uint32_t> first;  // by owner
    std::span<const uint64_t> ints;
    TextColumn texts;
    std::vector<uint32_t> of_code;  // by code + 1: the value's number, kUnknown while it has not come up
  };
  static constexpr uint32_t kUnknown = UINT32_MAX - 1;

  // The value's number; kLeftOut if it is not counted.
  uint32_t number_of(model::ValueType type, std::string_view text);
  uint32_t number_of(model::ValueType type, uint64_t bits);
  uint32_t number_of(Key key, uint64_t bytes);
  // Notes a value of the span at hand; count() counts those noted, each once, for that many spans.
  void note(uint32_t number) {
    if (number != kLeftOut) noted_.push_back(number);
  }
  void note_value(ValueColumn& column, uint32_t at);
  void note_rare(model::ValueType type, std::string_view text);
  void note_attributes(const model::SpanBatch& batch, const model::AttributeSet& set);
  void count(uint64_t spans);

  Result<void> add_columns(const BlockRows& rows, block::Level level);
  Result<void> add_owners(const BlockRows& rows);
  Result<void> add_intrinsic(const BlockRows& rows);
  Result<void> add_text_column(const BlockRows& rows, block::FixedColumn id, std::span<const uint32_t> first);
  Result<void> add_templates(const BlockRows& rows, const std::function<uint32_t(const block::Template&)>& number);
  uint32_t number_of_enum(int32_t value, std::span<const std::string_view> words);

  const AttributeOptions& options_;
  const query::Attribute* attribute_ = nullptr;  // or
  query::Intrinsic intrinsic_{};
  Reservation memory_;
  bool full_ = false;
  uint64_t span_count_ = 0;
  model::SpanBatch batch_;  // texts of values
  std::unordered_map<Key, uint32_t, KeyHash> numbers_;
  std::vector<AttributeValue> values_;  // by number
  std::vector<uint32_t> noted_;
  Tally tally_;
};

}  // namespace clew::scan
