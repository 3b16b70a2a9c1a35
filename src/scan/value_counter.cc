// SPDX-License-Identifier: Apache-2.0
#include "scan/value_counter.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string>

#include "codec/json_writer.h"

namespace clew::scan {
namespace {

using block::Level;
using model::ValueType;
using query::Intrinsic;
using query::Scope;

// Of a value, beside its text.
constexpr uint64_t kBytesPerValue = 160;

constexpr std::array<std::string_view, 3> kStatusWords = {"unset", "ok", "error"};
constexpr std::array<std::string_view, 6> kKindWords = {"unspecified", "internal", "server",
                                                        "client",      "producer", "consumer"};

// A number or boolean as JSON has it.
std::string plain_text(ValueType type, uint64_t bits) {
  if (type == ValueType::Bool) return bits != 0 ? "true" : "false";
  if (type == ValueType::Int) return std::to_string(static_cast<int64_t>(bits));
  std::string out;
  if (type == ValueType::Double) codec::JsonWriter(out).number(std::bit_cast<double>(bits));
  return out;
}

Level level_of(Scope scope) {
  return scope == Scope::Event ? Level::Event : scope == Scope::Link ? Level::Link : Level::Span;
}

}  // namespace

bool has_values(Intrinsic intrinsic) {
  switch (intrinsic) {
    case Intrinsic::SpanName:
    case Intrinsic::SpanKind:
    case Intrinsic::SpanStatus:
    case Intrinsic::SpanStatusMessage:
    case Intrinsic::EventName:
    case Intrinsic::InstrumentationName:
    case Intrinsic::InstrumentationVersion:
      return true;
    default:
      return false;
  }
}

ValueCounter::ValueCounter(const Wanted& wanted, const AttributeOptions& options, MemoryBudget& budget)
    : options_(options), attribute_(std::get_if<query::Attribute>(&wanted)), memory_(budget, Share::Query) {
  if (attribute_ == nullptr) intrinsic_ = std::get<Intrinsic>(wanted);
}

uint32_t ValueCounter::number_of(Key key, uint64_t bytes) {
  const auto [known, is_new] = numbers_.try_emplace(key, static_cast<uint32_t>(values_.size()));
  if (!is_new) return known->second;
  full_ |= values_.size() >= kAttributeValuesMax || !memory_.grow(bytes + kBytesPerValue);
  if (full_) {
    numbers_.erase(known);
    return kLeftOut;
  }
  values_.push_back({key.type, key.slot, 0});
  return known->second;
}

uint32_t ValueCounter::number_of(ValueType type, std::string_view text) {
  if (!options_.prefix.empty() && (type != ValueType::String || !text.starts_with(options_.prefix))) return kLeftOut;
  model::InternTable& texts = type == ValueType::String ? batch_.strings : batch_.blobs;
  // A text that is not counted is not kept either.
  const auto slot = texts.intern_if(text, [&](std::string_view) {
    full_ |= values_.size() >= kAttributeValuesMax;
    return !full_;
  });
  return slot ? number_of(Key{type, *slot}, text.size()) : kLeftOut;
}

uint32_t ValueCounter::number_of(ValueType type, uint64_t bits) {
  if (!options_.prefix.empty() && !plain_text(type, bits).starts_with(options_.prefix)) return kLeftOut;
  return number_of(Key{type, bits}, 0);
}

uint32_t ValueCounter::number_of_enum(int32_t value, std::span<const std::string_view> words) {
  const bool known = value >= 0 && static_cast<size_t>(value) < words.size();
  if (known) return number_of(ValueType::String, words[static_cast<size_t>(value)]);
  return number_of(ValueType::Int, static_cast<uint64_t>(int64_t{value}));
}

void ValueCounter::count(uint64_t spans) {
  if (noted_.size() > 1) {
    std::ranges::sort(noted_);
    const auto rest = std::ranges::unique(noted_);
    noted_.erase(rest.begin(), rest.end());
  }
  for (const uint32_t number : noted_) values_[number].span_count += spans;
  noted_.clear();
}

void ValueCounter::note_value(ValueColumn& column, uint32_t at) {
  if (column.type == ValueType::Empty) return note(number_of(ValueType::Empty, uint64_t{0}));
  if (!block::is_text(column.type)) return note(number_of(column.type, column.ints[at]));
  if (column.texts.dictionary() == nullptr) return note(number_of(column.type, column.texts[at]));
  uint32_t& number = column.of_code[column.texts.code(at)];
  if (number == kUnknown) number = number_of(column.type, column.texts[at]);
  note(number);
}

void ValueCounter::note_rare(ValueType type, std::string_view text) {
  if (type == ValueType::Empty) return note(number_of(type, uint64_t{0}));
  if (block::is_text(type)) return note(number_of(type, text));
  if (text.size() == sizeof(uint64_t)) note(number_of(type, clew::load<uint64_t>(text.data())));
}

void ValueCounter::note_attributes(const model::SpanBatch& batch, const model::AttributeSet& set) {
  size_t slot = set.first_slot;
  for (const model::KeyType key : batch.keys(set)) {
    const uint64_t value = batch.slots[slot++];
    if (batch.strings.at(key.key()) != attribute_->name) continue;
    const ValueType type = key.type();
    if (!block::is_text(type)) {
      note(number_of(type, value));
    } else {
      const model::InternTable& texts = type == ValueType::String ? batch.strings : batch.blobs;
      note(number_of(type, texts.at(static_cast<model::StringId>(value))));
    }
  }
}

Result<void> ValueCounter::add(const BlockRows& rows) {
  span_count_ += rows.rows.size();
  if (attribute_ == nullptr) return add_intrinsic(rows);
  if (attribute_->scope == Scope::Resource || attribute_->scope == Scope::Instrumentation) return add_owners(rows);
  return add_columns(rows, level_of(attribute_->scope));
}

// An attribute of spans, events or links.
Result<void> ValueCounter::add_columns(const BlockRows& rows, Level level) {
  block::RowGroup& group = rows.group;
  const bool children = level != Level::Span;
  const auto first_of = [&](block::ColumnId id) {
    return children ? group.first_child_values(id) : group.first_values(id);
  };
  std::vector<ValueColumn> columns;
  for (const block::ColumnId id : rows.block.find_columns(level, attribute_->name)) {
    if (!group.has(id)) continue;
    ValueColumn& column = columns.emplace_back();
    column.type = rows.block.column(id).column.type;
    column.first = TRY(first_of(id));
    if (block::is_text(column.type)) {
      column.texts = TRY(TextColumn::read(rows.block, group, id));
      if (column.texts.dictionary() != nullptr) column.of_code.assign(column.texts.dictionary()->size(), kUnknown);
    } else if (column.type != ValueType::Empty) {
      column.ints = TRY(group.ints(id));
    }
  }
  const RareColumns rare = rare_columns(level);
  TextColumn keys, texts;
  std::span<const uint32_t> types, first_rare, first;
  if (group.has(rare.key)) {
    keys = TRY(TextColumn::read(rows.block, group, rare.key));
    texts = TRY(TextColumn::read(rows.block, group, rare.value));
    types = TRY(group.rows(rare.type));
    first_rare = TRY(first_of(rare.key));
  }
  if (columns.empty() && first_rare.empty()) return {};
  if (children) first = level == Level::Event ? TRY(group.first_events()) : TRY(group.first_links());
  for (const uint32_t row : rows.rows) {
    const uint32_t begin = children ? first[row] : row;
    const uint32_t end = children ? first[row + 1] : row + 1;
    if (begin == end) continue;
    for (ValueColumn& column : columns) {
      for (uint32_t at = column.first[begin]; at < column.first[end]; ++at) note_value(column, at);
    }
    if (!first_rare.empty()) {
      for (uint32_t at = first_rare[begin]; at < first_rare[end]; ++at) {
        if (keys[at] == attribute_->name) note_rare(static_cast<ValueType>(types[at]), texts[at]);
      }
    }
    count(1);
  }
  return {};
}

// An attribute of resources or instrumentation scopes.
Result<void> ValueCounter::add_owners(const BlockRows& rows) {
  const model::SpanBatch& batch = rows.tables.batch;
  const bool of_resource = attribute_->scope == Scope::Resource;
  const std::span<const uint32_t> numbers = TRY(rows.group.rows(of_resource ? block::kResource : block::kTemplate));
  tally_.reserve(std::max(batch.resources.size(), batch.scopes.size()));
  for (const uint32_t row : rows.rows) {
    tally_.add(of_resource ? numbers[row] : rows.tables.templates[numbers[row]].scope);
  }
  tally_.take([&](uint32_t owner, uint64_t spans) {
    note_attributes(batch, of_resource ? batch.resources[owner].attributes : batch.scopes[owner].attributes);
    count(spans);
  });
  return {};
}

Result<void> ValueCounter::add_templates(const BlockRows& rows,
                                         const std::function<uint32_t(const block::Template&)>& number) {
  const std::span<const uint32_t> templates = TRY(rows.group.rows(block::kTemplate));
  tally_.reserve(rows.tables.templates.size());
  for (const uint32_t row : rows.rows) tally_.add(templates[row]);
  tally_.take([&](uint32_t which, uint64_t spans) {
    note(number(rows.tables.templates[which]));
    count(spans);
  });
  return {};
}

// A text for each row (`first` is empty), or as many as `first` says.
Result<void> ValueCounter::add_text_column(const BlockRows& rows, block::FixedColumn id,
                                           std::span<const uint32_t> first) {
  ValueColumn column;
  column.type = ValueType::String;
  column.texts = TRY(TextColumn::read(rows.block, rows.group, id));
  if (column.texts.dictionary() != nullptr) column.of_code.assign(column.texts.dictionary()->size(), kUnknown);
  for (const uint32_t row : rows.rows) {
    const uint32_t end = first.empty() ? row + 1 : first[row + 1];
    for (uint32_t at = first.empty() ? row : first[row]; at < end; ++at) {
      if (column.texts.is_empty()) {
        note(number_of(ValueType::String, std::string_view()));
      } else {
        note_value(column, at);
      }
    }
    count(1);
  }
  return {};
}

Result<void> ValueCounter::add_intrinsic(const BlockRows& rows) {
  const model::SpanBatch& batch = rows.tables.batch;
  const auto text = [&](model::StringId id) { return number_of(ValueType::String, batch.strings.at(id)); };
  switch (intrinsic_) {
    case Intrinsic::SpanKind:
      return add_templates(rows, [&](const block::Template& of) { return number_of_enum(of.kind, kKindWords); });
    case Intrinsic::SpanStatus:
      return add_templates(rows,
                           [&](const block::Template& of) { return number_of_enum(of.status_code, kStatusWords); });
    case Intrinsic::InstrumentationName:
      return add_templates(rows, [&](const block::Template& of) { return text(batch.scopes[of.scope].name); });
    case Intrinsic::InstrumentationVersion:
      return add_templates(rows, [&](const block::Template& of) { return text(batch.scopes[of.scope].version); });
    case Intrinsic::SpanName:
      TRY(add_templates(rows, [&](const block::Template& of) {
        return of.name == block::Template::kSpilled ? kLeftOut : text(of.name);
      }));
      // Spilled names.
      if (!rows.group.has(block::kName)) return {};
      return add_text_column(rows, block::kName, TRY(rows.group.first_values(block::kName)));
    case Intrinsic::SpanStatusMessage:
      return add_text_column(rows, block::kStatusMessage, {});
    case Intrinsic::EventName:
      return add_text_column(rows, block::kEventName, TRY(rows.group.first_events()));
    default:
      CHECK(false);  // has_values() is asked first
  }
}

void ValueCounter::add(const model::SpanBatch& spans, std::span<const uint32_t> rows) {
  span_count_ += rows.size();
  const Scope scope = attribute_ == nullptr ? Scope::Any : attribute_->scope;
  const bool events = scope == Scope::Event || (attribute_ == nullptr && intrinsic_ == Intrinsic::EventName);
  for (const uint32_t row : rows) {
    const auto text = [&](model::StringId id) { note(number_of(ValueType::String, spans.strings.at(id))); };
    if (scope == Scope::Span) note_attributes(spans, spans.attributes(row));
    if (scope == Scope::Resource) note_attributes(spans, spans.resources[spans.resource[row]].attributes);
    if (scope == Scope::Instrumentation) note_attributes(spans, spans.scopes[spans.scope[row]].attributes);
    for (uint32_t at = spans.links_begin(row); scope == Scope::Link && at < spans.links_end[row]; ++at)
      note_attributes(spans, spans.links[at].attributes);
    for (uint32_t at = spans.events_begin(row); events && at < spans.events_end[row]; ++at) {
      if (scope == Scope::Event) {
        note_attributes(spans, spans.events[at].attributes);
      } else {
        text(spans.events[at].name);
      }
    }
    if (attribute_ == nullptr) {
      if (intrinsic_ == Intrinsic::SpanName) text(spans.name[row]);
      if (intrinsic_ == Intrinsic::SpanStatusMessage) text(spans.rare_of(row).status_message);
      if (intrinsic_ == Intrinsic::SpanKind) note(number_of_enum(spans.kind[row], kKindWords));
      if (intrinsic_ == Intrinsic::SpanStatus) note(number_of_enum(spans.status_code[row], kStatusWords));
      if (intrinsic_ == Intrinsic::InstrumentationName) text(spans.scopes[spans.scope[row]].name);
      if (intrinsic_ == Intrinsic::InstrumentationVersion) text(spans.scopes[spans.scope[row]].version);
    }
    count(1);
  }
}

void ValueCounter::move_to(AttributeValues& values) {
  const auto text_of = [&](const AttributeValue& value) -> std::string_view {
    if (!block::is_text(value.type)) return {};
    const model::InternTable& texts = value.type == ValueType::String ? batch_.strings : batch_.blobs;
    return texts.at(static_cast<model::StringId>(value.slot));
  };
  // Texts by their bytes; a number by its bits, which is as good an order as any among equal counts.
  std::erase_if(values_, [](const AttributeValue& value) { return value.span_count == 0; });
  std::ranges::sort(values_, [&](const AttributeValue& a, const AttributeValue& b) {
    if (a.span_count != b.span_count) return a.span_count > b.span_count;
    if (a.type != b.type) return a.type < b.type;
    return block::is_text(a.type) ? text_of(a) < text_of(b) : a.slot < b.slot;
  });
  values.value_count = values_.size();
  values.span_count = span_count_;
  if (values_.size() > options_.limit) values_.resize(options_.limit);
  values.values = std::move(values_);
  values.batch = std::move(batch_);
}

}  // namespace clew::scan
