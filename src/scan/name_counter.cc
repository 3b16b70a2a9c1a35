// SPDX-License-Identifier: Apache-2.0
#include "scan/name_counter.h"

#include <algorithm>

namespace clew::scan {
namespace {

using block::Level;
using model::ValueType;
using query::Scope;

// Of a name, beside its text, in the table and in the counts of some scopes.
constexpr uint64_t kBytesPerName = 256;

Scope scope_of(Level level) {
  return level == Level::Span ? Scope::Span : level == Level::Event ? Scope::Event : Scope::Link;
}

// The owners of attributes at a level: by row, where its first one is.
Result<std::span<const uint32_t>> first_owners(block::RowGroup& group, Level level) {
  return level == Level::Event ? group.first_events() : group.first_links();
}

}  // namespace

NameCounter::NameCounter(const AttributeOptions& options, MemoryBudget& budget)
    : options_(options), memory_(budget, Share::Query) {}

void NameCounter::append(std::string_view key, ValueType type) {
  if (!key.starts_with(options_.prefix) || static_cast<uint32_t>(type) >= model::kValueTypeCount) return;
  const auto number = names_.intern_if(key, [&](std::string_view text) {
    full_ |= names_.size() > kAttributeNamesMax || !memory_.grow(text.size() + kBytesPerName);
    return !full_;
  });
  if (number) list_.emplace_back(*number, type);
}

void NameCounter::append(const model::SpanBatch& batch, model::ShapeId shape) {
  for (const model::KeyType key : batch.shape_keys(shape)) append(batch.strings.at(key.key()), key.type());
}

void NameCounter::append_columns(const BlockRows& rows, uint32_t shape) {
  for (const block::ColumnId id : rows.tables.shapes[shape]) {
    if (id == block::kRareColumn) continue;
    const block::Column& column = rows.block.column(id).column;
    append(column.key, column.type);
  }
}

void NameCounter::count(Scope scope, uint64_t spans) {
  std::ranges::sort(list_);
  const auto rest = std::ranges::unique(list_);
  list_.erase(rest.begin(), rest.end());
  std::vector<Count>& counts = counts_[static_cast<size_t>(scope)];
  for (size_t i = 0; i < list_.size(); ++i) {
    const auto [name, type] = list_[i];
    if (counts.size() <= name) counts.resize(names_.size());
    if (i == 0 || list_[i - 1].first != name) counts[name].spans += spans;
    counts[name].of_type[static_cast<size_t>(type)] += spans;
  }
  list_.clear();
}

Result<void> NameCounter::add(const BlockRows& rows) {
  TRY(add_owners(rows));
  TRY(add_attributes(rows, Level::Span));
  TRY(add_attributes(rows, Level::Event));
  return add_attributes(rows, Level::Link);
}

// Attributes of resources and of instrumentation scopes.
Result<void> NameCounter::add_owners(const BlockRows& rows) {
  totals_.span_count += rows.rows.size();
  const model::SpanBatch& batch = rows.tables.batch;
  if (counts(Scope::Resource)) {
    const std::span<const uint32_t> resources = TRY(rows.group.rows(block::kResource));
    owners_.reserve(batch.resources.size());
    for (const uint32_t row : rows.rows) owners_.add(resources[row]);
    owners_.take([&](uint32_t resource, uint64_t spans) {
      append(batch, batch.resources[resource].attributes.shape);
      count(Scope::Resource, spans);
    });
  }
  if (counts(Scope::Instrumentation)) {
    const std::span<const uint32_t> templates = TRY(rows.group.rows(block::kTemplate));
    owners_.reserve(batch.scopes.size());
    for (const uint32_t row : rows.rows) owners_.add(rows.tables.templates[templates[row]].scope);
    owners_.take([&](uint32_t scope, uint64_t spans) {
      append(batch, batch.scopes[scope].attributes.shape);
      count(Scope::Instrumentation, spans);
    });
  }
  return {};
}

// Attributes of spans, events or links.
Result<void> NameCounter::add_attributes(const BlockRows& rows, Level level) {
  const Scope scope = scope_of(level);
  // How many spans have events or links is told for intrinsics, whatever scope is asked for.
  if (level == Level::Span && !counts(scope)) return {};
  const bool children = level != Level::Span;
  std::span<const uint32_t> first;
  if (children) first = TRY(first_owners(rows.group, level));
  std::span<const uint32_t> templates, shapes, first_rare;
  if (level == Level::Span) templates = TRY(rows.group.rows(block::kTemplate));
  if (children && counts(scope)) {
    shapes = TRY(rows.group.rows(level == Level::Event ? block::kEventShape : block::kLinkShape));
  }
  const RareColumns rare = rare_columns(level);
  TextColumn keys;
  std::span<const uint32_t> types;
  if (counts(scope) && rows.group.has(rare.key)) {
    keys = TRY(TextColumn::read(rows.block, rows.group, rare.key));
    types = TRY(rows.group.rows(rare.type));
    first_rare = children ? TRY(rows.group.first_child_values(rare.key)) : TRY(rows.group.first_values(rare.key));
  }
  shapes_.reserve(rows.tables.shapes.size());
  uint64_t with_children = 0;
  for (const uint32_t row : rows.rows) {
    const uint32_t begin = children ? first[row] : row;
    const uint32_t end = children ? first[row + 1] : row + 1;
    if (begin == end) continue;
    ++with_children;
    if (!counts(scope)) continue;
    const auto shape_of = [&](uint32_t owner) {
      return children ? shapes[owner] : rows.tables.templates[templates[owner]].shape;
    };
    bool alike = first_rare.empty() || first_rare[begin] == first_rare[end];
    for (uint32_t owner = begin + 1; owner < end && alike; ++owner) alike = shape_of(owner) == shape_of(begin);
    if (alike) {
      shapes_.add(shape_of(begin));
      continue;
    }
    for (uint32_t owner = begin; owner < end; ++owner) {
      append_columns(rows, shape_of(owner));
      if (first_rare.empty()) continue;
      for (uint32_t at = first_rare[owner]; at < first_rare[owner + 1]; ++at) {
        append(keys[at], static_cast<ValueType>(types[at]));
      }
    }
    count(scope, 1);
  }
  shapes_.take([&](uint32_t shape, uint64_t spans) {
    append_columns(rows, shape);
    count(scope, spans);
  });
  if (level == Level::Event) totals_.spans_with_events += with_children;
  if (level == Level::Link) totals_.spans_with_links += with_children;
  return {};
}

void NameCounter::add(const model::SpanBatch& spans, std::span<const uint32_t> rows) {
  totals_.span_count += rows.size();
  if (counts(Scope::Span)) {
    shapes_.reserve(spans.shapes.size());
    for (const uint32_t row : rows) shapes_.add(spans.shape[row]);
    shapes_.take([&](uint32_t shape, uint64_t count_of) {
      append(spans, shape);
      count(Scope::Span, count_of);
    });
  }
  if (counts(Scope::Resource)) {
    owners_.reserve(spans.resources.size());
    for (const uint32_t row : rows) owners_.add(spans.resource[row]);
    owners_.take([&](uint32_t resource, uint64_t count_of) {
      append(spans, spans.resources[resource].attributes.shape);
      count(Scope::Resource, count_of);
    });
  }
  if (counts(Scope::Instrumentation)) {
    owners_.reserve(spans.scopes.size());
    for (const uint32_t row : rows) owners_.add(spans.scope[row]);
    owners_.take([&](uint32_t scope, uint64_t count_of) {
      append(spans, spans.scopes[scope].attributes.shape);
      count(Scope::Instrumentation, count_of);
    });
  }
  add_children(spans, rows, Scope::Event);
  add_children(spans, rows, Scope::Link);
}

void NameCounter::add_children(const model::SpanBatch& spans, std::span<const uint32_t> rows, Scope scope) {
  shapes_.reserve(spans.shapes.size());
  const bool events = scope == Scope::Event;
  const auto shape_of = [&](uint32_t child) {
    return events ? spans.events[child].attributes.shape : spans.links[child].attributes.shape;
  };
  for (const uint32_t row : rows) {
    const uint32_t begin = events ? spans.events_begin(row) : spans.links_begin(row);
    const uint32_t end = events ? spans.events_end[row] : spans.links_end[row];
    if (begin == end) continue;
    ++(events ? totals_.spans_with_events : totals_.spans_with_links);
    if (!counts(scope)) continue;
    bool alike = true;
    for (uint32_t child = begin + 1; child < end && alike; ++child) alike = shape_of(child) == shape_of(begin);
    if (alike) {
      shapes_.add(shape_of(begin));
      continue;
    }
    for (uint32_t child = begin; child < end; ++child) append(spans, shape_of(child));
    count(scope, 1);
  }
  shapes_.take([&](uint32_t shape, uint64_t count_of) {
    append(spans, shape);
    count(scope, count_of);
  });
}

void NameCounter::move_to(AttributeNames& names) {
  totals_.names.clear();
  for (const Scope scope : {Scope::Span, Scope::Resource, Scope::Event, Scope::Link, Scope::Instrumentation}) {
    const std::vector<Count>& counts = counts_[static_cast<size_t>(scope)];
    const size_t first = totals_.names.size();
    for (uint32_t name = 0; name < counts.size(); ++name) {
      if (counts[name].spans == 0) continue;
      totals_.names.push_back({scope, std::string(names_.at(name)), counts[name].spans, counts[name].of_type});
    }
    std::ranges::sort(totals_.names.begin() + static_cast<std::ptrdiff_t>(first), totals_.names.end(), {},
                      &AttributeName::name);
  }
  totals_.name_count = totals_.names.size();
  if (totals_.names.size() > options_.limit) totals_.names.resize(options_.limit);
  names = std::move(totals_);
}

}  // namespace clew::scan
