// SPDX-License-Identifier: Apache-2.0
#include "block/testing/read_all.h"

#include <fmt/format.h>

#include <numeric>
#include <optional>
#include <vector>

#include "block/filter.h"
#include "block/layout.h"
#include "model/testing/sample_batch.h"

namespace clew::block::testing {
namespace {

// Spans that the fuzzer's time allows to look at one by one.
constexpr size_t kSpansDescribedMax = 1000;

class Reader {
 public:
  explicit Reader(const std::shared_ptr<const Block>& block) : block_(block) {}

  Result<std::string> read() {
    read_block();
    for (uint32_t i = 0; i < block_->row_groups().size(); ++i)
      if (auto group = value(block_->row_group(i))) read_group(*group);
    copy();
    copy_by_trace();
    if (error_) return *error_;
    return text_;
  }

 private:
  template <class T>
  std::optional<T> value(Result<T> result) {
    if (result.ok()) return std::move(result).value();
    if (!error_) error_ = result.error();
    return std::nullopt;
  }
  template <class... Parts>
  void say(fmt::format_string<Parts...> format, Parts&&... parts) {
    text_ += fmt::format(format, std::forward<Parts>(parts)...);
  }
  template <class T>
  void say_all(const char* what, std::optional<std::span<T>> numbers) {
    if (!numbers) return;
    say("{}", what);
    for (const auto number : *numbers) say(" {}", number);
    say("\n");
  }

  void read_block() {
    say("{} spans {} traces\n", block_->facts().span_count, block_->facts().trace_count);
    for (ColumnId id = 0; id < block_->column_count(); ++id) {
      say("column {} {} {}\n", id, block_->column(id).column.key, block_->column(id).value_count);
      const auto dictionary = value(block_->dictionary(id));
      if (!dictionary) continue;
      for (Dictionary::Code code = 0; code < (*dictionary)->size(); ++code) {
        const std::string_view entry = (**dictionary)[code];
        say("'{}' {}\n", entry, (*dictionary)->find(entry).value_or(code));
      }
    }
    (void)value(block_->tables());
    if (const auto ids = value(block_->elsewhere()))
      for (const model::TraceId& id : **ids) say("elsewhere {}\n", id.hex());
    std::vector<model::TraceId> ids;
    const Result<void> visited = block_->for_each_trace_id([&](std::span<const model::TraceId> run) {
      ids.insert(ids.end(), run.begin(), run.end());
      return ids.size() < kSpansDescribedMax;
    });
    if (!visited.ok() && !error_) error_ = visited.error();
    for (const model::TraceId& id : ids) {
      const auto place = value(block_->find(id));
      if (place && *place)
        say("{} {} {} {}\n", id.hex(), (*place)->row_group, (*place)->first_row, (*place)->row_count);
      // The filter is part of what is damaged: an id that it does not let through is not found.
      if (place && !*place && !error_) error_ = Error(Code::DataLoss, "a trace that the index does not have");
    }
  }

  void read_group(RowGroup& group) {
    if (const auto traces = value(group.traces()))
      for (const TraceRows& trace : *traces)
        say("{} {} {} {}\n", trace.summary.id.hex(), trace.summary.order_time, trace.first_row, trace.flags);
    say_all("parents", value(group.parents()));
    say_all("parent ids", value(group.parent_ids()));
    say_all("ends", value(group.ends()));
    say_all("events", value(group.first_events()));
    say_all("links", value(group.first_links()));
    for (ColumnId id = 0; id < block_->column_count(); ++id) {
      if (id >= kFirstAttribute || fixed_info(id).extent != Extent::None) read_column(group, id);
    }
  }

  void read_column(RowGroup& group, ColumnId id) {
    say("column {} has {} values\n", id, group.value_count(id));
    const Column& column = block_->column(id).column;
    const FixedInfo fixed = fixed_info(id);
    if (block_->column(id).text) {
      if (group.is_coded(id)) {
        say_all("codes", value(group.codes(id)));
      } else if (const auto texts = value(group.texts(id))) {
        for (size_t i = 0; i < (*texts)->size(); ++i) {
          say("'{}'\n", (**texts)[i]);
          const auto held = value(group.may_hold_plain(id, filter_hash((**texts)[i])));
          if (held && !*held && !error_) error_ = Error(Code::DataLoss, "a text that the filter does not have");
        }
      }
    } else if (id < kFirstAttribute && fixed.kind == Kind::Narrow) {
      say_all("numbers", value(group.rows(static_cast<FixedColumn>(id))));
    } else {
      say_all("numbers", value(group.ints(id)));
    }
    if (const auto zone = group.zone(id)) say("zone {} {}\n", zone->min, zone->max);
    const bool of_span =
        id < kFirstAttribute ? fixed.extent == Extent::RareSpan || id == kName : column.level == Level::Span;
    const bool of_child = id < kFirstAttribute ? fixed.extent >= Extent::RareEvent : !of_span;
    if (of_span) say_all("firsts", value(group.first_values(id)));
    if (of_child) say_all("firsts", value(group.first_child_values(id)));
  }

  void copy() {
    model::SpanBatch spans;
    RowCopier copier(block_, spans);
    for (uint32_t i = 0; i < block_->row_groups().size(); ++i) {
      auto group = value(block_->row_group(i));
      if (!group) continue;
      std::vector<uint32_t> rows(group->row_count());
      std::iota(rows.begin(), rows.end(), 0);
      const Result<void> copied = copier.append(*group, rows);
      if (!copied.ok() && !error_) error_ = copied.error();
    }
    for (size_t row = 0; row < std::min(spans.span_count(), kSpansDescribedMax); ++row)
      text_ += model::testing::describe(spans, row);
  }

  // Each trace by itself.
  void copy_by_trace() {
    model::SpanBatch spans;
    RowCopier copier(block_, spans);
    for (uint32_t i = 0; i < block_->row_groups().size(); ++i) {
      auto group = value(block_->row_group(i));
      const auto traces = group ? value(group->traces()) : std::nullopt;
      if (!traces) continue;
      for (const TraceRows& trace : *traces) {
        auto part = value(block_->rows_of_trace(i, trace.first_row));
        if (!part) continue;
        std::vector<uint32_t> rows(part->row_count());
        std::iota(rows.begin(), rows.end(), 0);
        const Result<void> copied = copier.append(*part, rows);
        if (!copied.ok() && !error_) error_ = copied.error();
      }
    }
    for (size_t row = 0; row < std::min(spans.span_count(), kSpansDescribedMax); ++row)
      text_ += model::testing::describe(spans, row);
  }

  const std::shared_ptr<const Block>& block_;
  std::string text_;
  std::optional<Error> error_;
};

}  // namespace

Result<std::string> read_all(const std::shared_ptr<const Block>& block) { return Reader(block).read(); }

}  // namespace clew::block::testing
