// SPDX-License-Identifier: Apache-2.0
//
// The vocabulary of a block that its writer and its readers share: columns, templates, shapes, and what is known of a
// block or row group without reading its pages. docs/format/block.md says how each of them lies in the file.
//
// A block holds whole traces, or parts of them, in rows: one span a row, a trace's rows in the pre-order of its tree
// (model/trace_tree.h). Rows lie in row groups, and a row group is read column by column, one page a column. Row groups
// hold whole traces; a trace with more rows than a row group takes has row groups of its own, one behind the other.
//
// Columns are dense: an attribute's column has values only for the spans that have it. Which spans do is a matter of
// their *template*, of which a block has few hundred: (name, scope, kind, status, shape). A *shape* is the ordered list
// of the columns in which a span's (event's, link's) attributes lie. An attribute whose key is too rare for a column of
// its own stands in the shape as kRareColumn and lies in the level's three rare columns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/span_batch.h"
#include "model/trace_summary.h"

namespace clew::block {

// The number of a column in its block: a FixedColumn, or kFirstAttribute + i for the attribute columns.
using ColumnId = uint32_t;

// Whose attributes.
enum class Level : uint8_t { Span = 0, Event = 1, Link = 2 };

// Columns that every row group has (those marked "rows" one value a row). The values are part of the format.
// NOLINTBEGIN(readability-identifier-naming): both are numbers to count and mask with, so they are named as constants
enum FixedColumn : ColumnId {
  kTemplate = 0,        // rows; index into Tables::templates
  kResource = 1,        // rows; index into Tables::batch.resources
  kStart = 2,           // rows; nanoseconds
  kDuration = 3,        // rows; end - start modulo 2^64
  kSpanId = 4,          // rows
  kParentDelta = 5,     // rows; 0 root, 1 orphan, else 1 + how many rows before it its parent in the tree lies
  kParentId = 6,        // the raw parent ids of orphans and of rows with kParentIsRaw; RowGroup::parent_ids() has all
  kParentIsRaw = 7,     // rows; 1 where the parent id is not that of the parent in the tree, or the parent is not here
  kFlags = 8,           // rows
  kName = 9,            // text; of rows whose template has a spilled name
  kTraceState = 10,     // rows; text
  kStatusMessage = 11,  // rows; text
  kDroppedAttributes = 12,  // rows
  kDroppedEvents = 13,      // rows
  kDroppedLinks = 14,       // rows
  kEventCount = 15,         // rows
  kEventTime = 16,          // events; nanoseconds since the span's start modulo 2^64
  kEventName = 17,          // events; text
  kEventShape = 18,         // events; index into Tables::shapes
  kEventDropped = 19,       // events
  kLinkCount = 20,          // rows
  kLinkTraceHigh = 21,      // links
  kLinkTraceLow = 22,       // links
  kLinkSpanId = 23,         // links
  kLinkTraceState = 24,     // links; text
  kLinkShape = 25,          // links
  kLinkDropped = 26,        // links
  kLinkFlags = 27,          // links
  kRareSpanKey = 28,        // text; these three for each attribute that stands in a shape as kRareColumn
  kRareSpanType = 29,       // ValueType
  kRareSpanValue = 30,      // text; string and bytes as they are, numbers as 8 bytes little-endian
  kRareEventKey = 31,
  kRareEventType = 32,
  kRareEventValue = 33,
  kRareLinkKey = 34,
  kRareLinkType = 35,
  kRareLinkValue = 36,
  // One value a trace.
  kTraceIdHigh = 40,
  kTraceIdLow = 41,
  kTraceRows = 42,           // rows here
  kTraceFirstPosition = 43,  // position in its part of the first row here; not 0 where a giant trace goes on
  kTraceStart = 44,          // TraceSummary::start - start of the first row
  kTraceEnd = 45,            // TraceSummary::end - end of the first row
  kTraceOrder = 46,          // TraceSummary::start - order_time
  kTraceArrival = 47,        // first_arrival, as zigzag difference to that of the trace before
  kTraceFlags = 48,          // TraceFlags
  kTraceMoreRows = 49,       // rows in other row groups of this block
  kFirstAttribute = 64
};

// In words, for people.
std::string_view name_of(FixedColumn column);

// Stands in a shape for an attribute that lies in the rare columns.
constexpr ColumnId kRareColumn = UINT32_MAX;

enum TraceFlags : uint8_t {
  kHasSaneSpan = 1,
  kIsElsewhere = 2,  // when this was written, another block held spans of it, too
};
// NOLINTEND(readability-identifier-naming)

// Limits of a block; a writer spills what is beyond.
constexpr uint32_t kNamesMax = 4096;        // names in templates; further names go to kName
constexpr uint32_t kTemplatesMax = 65'535;  // further shapes are kept wholly in the rare columns
constexpr uint32_t kShapesMax = 65'535;
constexpr uint32_t kAttributeColumnsMax = 2000;
constexpr uint32_t kDictionaryEntriesMax = 65'536;    // of one column; further pages of it are plain
constexpr uint64_t kDictionaryBytesMax = 4 << 20;     // of one column
constexpr uint64_t kDictionariesBytesMax = 64 << 20;  // of all columns
constexpr uint32_t kRowGroupRowsMax = 32'768;
// Content (SpanBatch::content_bytes) of a row group; a trace that has more is split like one with too many rows.
constexpr uint64_t kRowGroupBytesMax = 16 << 20;
constexpr uint64_t kBlockSpansMax = 8'000'000;
constexpr size_t kIntervalsMax = 8;
// Row groups never cross a slice of this many nanoseconds of trace start.
constexpr uint64_t kSliceNanos = uint64_t{600} * kNanosPerSecond;

struct Column {
  Level level = Level::Span;
  std::string key;
  model::ValueType type = model::ValueType::Empty;
};

constexpr bool is_text(model::ValueType type) {
  return type == model::ValueType::String || type >= model::ValueType::Bytes;
}

struct Template {
  static constexpr model::StringId kSpilled = UINT32_MAX;
  model::StringId name = 0;  // in Tables::batch.strings; kSpilled: in kName
  uint32_t scope = 0;        // in Tables::batch.scopes
  int32_t kind = 0;
  int32_t status_code = 0;
  uint32_t shape = 0;  // in Tables::shapes

  friend bool operator==(const Template&, const Template&) = default;
};

// The tables of a block: everything that rows point into, except the dictionaries of columns.
struct Tables {
  model::SpanBatch batch;  // without spans: resources, scopes, and the names of templates
  std::vector<Template> templates;
  std::vector<std::vector<ColumnId>> shapes;
};

struct TimeInterval {
  UnixNanos start = 0;
  UnixNanos end = 0;  // inclusive
  friend bool operator==(const TimeInterval&, const TimeInterval&) = default;
};

// What is known of a block without reading it; a manifest keeps it.
struct BlockFacts {
  uint64_t span_count = 0;
  uint64_t trace_count = 0;      // parts of traces
  uint64_t elsewhere_count = 0;  // of them with kIsElsewhere
  uint64_t bytes = 0;
  uint32_t row_group_count = 0;
  // At most kIntervalsMax, disjoint, ascending: the time that each trace covers lies within one of them.
  std::vector<TimeInterval> intervals;
  UnixNanos newest_order_time = 0;
  UnixNanos first_arrival = 0;
  UnixNanos last_arrival = 0;
  friend bool operator==(const BlockFacts&, const BlockFacts&) = default;
};

// What is known of a row group without reading it; the footer keeps it.
struct RowGroupFacts {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint64_t first_row = 0;    // counted through the block
  uint64_t first_trace = 0;  // counted through the block; a giant that goes on counts once
  uint32_t row_count = 0;
  uint32_t trace_count = 0;
  UnixNanos newest_order_time = 0;
  UnixNanos start = 0;  // the earliest start and the latest end of its traces' summaries
  UnixNanos end = 0;
};

// A trace, or the part of it in this row group.
struct TraceRows {
  model::TraceSummary summary;  // of the part in this block, also where it goes over several row groups
  uint32_t first_row = 0;       // in the row group
  uint32_t row_count = 0;
  uint32_t first_position = 0;  // of first_row in the part
  uint8_t flags = 0;            // TraceFlags
};

}  // namespace clew::block
