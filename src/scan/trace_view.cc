// SPDX-License-Identifier: Apache-2.0
#include "scan/trace_view.h"

#include <algorithm>
#include <utility>

namespace clew::scan {
namespace {

using eval::Value;
using eval::ValueColumn;
using eval::ValueKind;

// Parts whose texts one column may have.
constexpr size_t kPartsPerRead = 2;

bool holds(const std::vector<size_t>& list, size_t part) { return std::ranges::find(list, part) != list.end(); }

}  // namespace

Result<std::unique_ptr<TraceView>> TraceView::open(const PlacedParts& parts, const TraceSkeleton& skeleton) {
  std::unique_ptr<TraceView> view(new TraceView(parts, skeleton));
  for (const PlacedParts::Part& part : parts.parts()) TRY(view->add_part(part));
  return view;
}

Result<void> TraceView::add_part(const PlacedParts::Part& placed) {
  Part part;
  if (placed.block == nullptr) {
    part.head = std::make_unique<eval::BatchView>(placed_.head_of(placed).slice().spans());
    parts_.push_back(std::move(part));
    return {};
  }
  const std::shared_ptr<const block::Block>& block = placed_.block_of(placed).shared_block();
  const block::TracePlace& place = placed.block->place;
  part.block = std::make_unique<BlockView>(block, TRY(block->tables()));
  part.first_row_group = place.row_group;
  part.first_row = place.first_row;
  const std::span<const block::RowGroupFacts> groups = block->row_groups();
  for (uint64_t rows = 0; rows < uint64_t{place.first_row} + place.row_count; ++part.row_group_count) {
    if (place.row_group + part.row_group_count >= groups.size())
      return Error(Code::DataLoss, "a giant trace has no end");
    rows += groups[place.row_group + part.row_group_count].row_count;
  }
  part.block->move_to_giant(part.first_row_group, part.row_group_count);
  parts_.push_back(std::move(part));
  return {};
}

std::optional<Error> TraceView::error() const {
  for (const Part& part : parts_)
    if (part.block && part.block->error()) return part.block->error();
  return std::nullopt;
}

eval::FieldId TraceView::bind(const query::Attribute& attribute) {
  for (eval::FieldId id = 0; id < fields_.size(); ++id) {
    const Field& known = fields_[id];
    if (!known.intrinsic && known.scope == attribute.scope && known.key == attribute.name) return id;
  }
  Field& field = fields_.emplace_back();
  field.scope = attribute.scope;
  field.key = attribute.name;
  for (const Part& part : parts_) field.ids.push_back(part.view().bind(attribute));
  return static_cast<eval::FieldId>(fields_.size() - 1);
}

eval::FieldId TraceView::bind(query::Intrinsic intrinsic) {
  for (eval::FieldId id = 0; id < fields_.size(); ++id) {
    if (fields_[id].intrinsic == intrinsic) return id;
  }
  Field& field = fields_.emplace_back();
  field.intrinsic = intrinsic;
  for (const Part& part : parts_) field.ids.push_back(part.view().bind(intrinsic));
  return static_cast<eval::FieldId>(fields_.size() - 1);
}

eval::FieldFacts TraceView::facts(eval::FieldId field) {
  eval::FieldFacts facts{.may_exist = false, .may_be_text = true};
  for (size_t i = 0; i < parts_.size(); ++i) {
    std::optional<store::HeadSlice> slice;
    if (parts_[i].head) slice.emplace(placed_.head_of(placed_.parts()[i]).slice());
    facts.may_exist |= parts_[i].view().facts(fields_[field].ids[i]).may_exist;
  }
  return facts;
}

size_t TraceView::part_of(uint32_t row) const {
  const auto after =
      std::ranges::upper_bound(placed_.parts(), skeleton_.places[row], {}, &PlacedParts::Part::first_place);
  return static_cast<size_t>(after - placed_.parts().begin()) - 1;
}

// visit(part, at): rows_ are those of the part's view, `at` is where the first of them stands in `rows`; false: enough.
template <class Visit>
void TraceView::for_each_run(std::span<const uint32_t> rows, Visit visit) {
  for (size_t at = 0; at < rows.size();) {
    const size_t number = part_of(rows[at]);
    const PlacedParts::Part& placed = placed_.parts()[number];
    const size_t first = at;
    rows_.clear();
    for (; at < rows.size(); ++at) {
      const uint32_t place = skeleton_.places[rows[at]];
      if (place < placed.first_place || place >= placed.end_place) break;
      rows_.push_back(place - placed.first_place + parts_[number].first_row);
    }
    // The part's columns may grow meanwhile; texts stay where they are.
    std::optional<store::HeadSlice> slice;
    if (parts_[number].head) slice.emplace(placed_.head_of(placed).slice());
    if (!visit(number, first)) return;
  }
}

// False: they lie in more parts than are held at a time.
bool TraceView::hold(std::span<const uint32_t> rows) {
  std::vector<size_t> wanted;
  for (size_t at = 0; at < rows.size();) {
    const size_t number = part_of(rows[at]);
    if (!holds(wanted, number)) wanted.push_back(number);
    if (wanted.size() > kPartsPerRead) return false;
    const PlacedParts::Part& placed = placed_.parts()[number];
    while (at < rows.size() && skeleton_.places[rows[at]] >= placed.first_place &&
           skeleton_.places[rows[at]] < placed.end_place)
      ++at;
  }
  if (std::ranges::all_of(wanted, [&](size_t part) { return holds(held_, part); })) return true;
  for (const size_t number : held_before_) {
    const Part& part = parts_[number];
    if (!part.block || holds(held_, number) || holds(wanted, number) || part.block->error()) continue;
    part.block->move_to_giant(part.first_row_group, part.row_group_count);
  }
  held_before_ = std::exchange(held_, std::move(wanted));
  return true;
}

Value TraceView::translate(const Part& part, const Field& field, Value value, ValueColumn& out) {
  switch (value.kind) {
    case ValueKind::String: {
      const std::string_view text = part.view().text(static_cast<eval::StringCode>(value.bits));
      return field.is_of_owner() ? Value{ValueKind::String, strings_.intern(text)} : out.text(text);
    }
    case ValueKind::Text:
      return out.text(values_.texts[value.bits]);
    case ValueKind::TraceId:
      return out.trace_id(values_.trace_ids[value.bits]);
    default:
      return value;
  }
}

void TraceView::take(const Part& part, const Field& field, size_t at, size_t count, ValueColumn& out) {
  for (size_t i = 0; i < count && !out.overflowed; ++i) {
    const Value value = values_.get(i);
    if (value.kind != ValueKind::Many) {
      out.set(at + i, translate(part, field, value, out));
      continue;
    }
    const size_t first = out.groups.size();
    const std::span<const eval::Group> groups = values_.groups_of(value);
    for (const eval::Group& group : groups) {
      out.open_group();
      for (const Value element : values_.elements_of(group)) out.add_element(translate(part, field, element, out));
    }
    out.set(at + i, {ValueKind::Many, uint64_t{first} << 32 | groups.size()});
  }
}

void TraceView::read(eval::FieldId id, std::span<const uint32_t> rows, ValueColumn& out) {
  out.reset(rows.size());
  std::fill_n(out.kinds.begin(), rows.size(), ValueKind::Nil);
  if (!hold(rows)) {
    out.overflowed = true;
    return;
  }
  const Field& field = fields_[id];
  for_each_run(rows, [&](size_t number, size_t at) {
    const Part& part = parts_[number];
    part.view().read(field.ids[number], rows_, values_);
    out.overflowed |= values_.overflowed;
    if (!out.overflowed) take(part, field, at, rows_.size(), out);
    return !out.overflowed;
  });
}

void TraceView::read_links(std::span<const uint32_t> rows, std::span<model::SpanLink> out) {
  for_each_run(rows, [&](size_t number, size_t at) {
    parts_[number].view().read_links(rows_, out.subspan(at, rows_.size()));
    return true;
  });
}

void TraceView::read_tree(std::span<const uint32_t> rows, std::span<uint32_t> parents, std::span<uint32_t> preorder) {
  CHECK(rows.size() == skeleton_.places.size());
  std::ranges::copy(skeleton_.parents, parents.begin());
  std::ranges::copy(skeleton_.preorder, preorder.begin());
}

}  // namespace clew::scan
