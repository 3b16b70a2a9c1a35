// SPDX-License-Identifier: Apache-2.0
#include "app/search_table.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "render/time_text.h"

namespace clew::app {
namespace {

using simdjson::dom::element;

constexpr size_t kRootCellsMax = 60;

std::string_view text_at(const element& object, std::string_view key) {
  std::string_view text;
  return object[key].get(text) == simdjson::SUCCESS ? text : "";
}

uint64_t number_at(const element& object, std::string_view key) {
  uint64_t value = 0;
  if (object[key].get(value) == simdjson::SUCCESS) return value;
  const std::string_view text = text_at(object, key);
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

struct Row {
  std::string id, start, duration, spans, errors, matched, root;
};

Row row_of(const element& trace, render::Charset charset) {
  Row row;
  row.id = text_at(trace, "traceId");
  // To the millisecond: what tells two traces apart for a person.
  const uint64_t start = number_at(trace, "startTimeUnixNano");
  row.start = render::time_text(start / 1'000'000 * 1'000'000);
  row.duration = render::duration_text(number_at(trace, "durationNanos"), charset);
  row.spans = std::to_string(number_at(trace, "spanCount"));
  row.errors = std::to_string(number_at(trace, "errorCount"));
  row.matched = std::to_string(number_at(trace, "matchedCount"));
  std::string_view name;
  if (trace["rootName"].get(name) == simdjson::SUCCESS) {
    row.root = render::harmless(fmt::format("{}: {}", text_at(trace, "rootService"), name), charset);
  } else {
    row.root = "(root has not arrived)";
  }
  return row;
}

// `right` aligns numbers.
void append_column(std::string& out, std::string_view text, size_t cells, bool right, render::Charset charset) {
  const size_t wanted = render::cell_count(text);
  if (right && wanted < cells) out.append(cells - wanted, ' ');
  render::append_cells(out, text, right ? std::min(wanted, cells) : cells, charset);
  out += "  ";
}

std::string table_text(const std::vector<Row>& rows, render::Charset charset) {
  struct Column {
    std::string Row::* place;
    bool right;
  };
  const std::vector<Column> columns = {{&Row::id, false},   {&Row::start, false}, {&Row::duration, true},
                                       {&Row::spans, true}, {&Row::errors, true}, {&Row::matched, true},
                                       {&Row::root, false}};
  std::string out;
  std::vector<size_t> widths;
  for (const Column& column : columns) {
    size_t width = 0;
    for (const Row& row : rows) width = std::max(width, render::cell_count(row.*column.place));
    widths.push_back(column.place == &Row::root ? std::min(width, kRootCellsMax) : width);
  }
  for (const Row& row : rows) {
    for (size_t i = 0; i < columns.size(); ++i)
      append_column(out, row.*columns[i].place, widths[i], columns[i].right, charset);
    while (out.back() == ' ') out.pop_back();
    out += '\n';
  }
  return out;
}

}  // namespace

Result<SearchTable> search_table(std::string_view json, render::Charset charset) {
  simdjson::dom::parser parser;
  element answer;
  simdjson::dom::array traces;
  bool complete = false;
  if (parser.parse(json.data(), json.size()).get(answer) != simdjson::SUCCESS ||
      answer["traces"].get(traces) != simdjson::SUCCESS || answer["complete"].get(complete) != simdjson::SUCCESS) {
    return Error(Code::InvalidArgument, "the server's answer is not the answer to a search");
  }
  SearchTable table;
  std::vector<Row> rows = {{"TRACE", "START", "DURATION", "SPANS", "ERRORS", "MATCHED", "ROOT"}};
  for (const element trace : traces) {
    table.trace_ids.emplace_back(text_at(trace, "traceId"));
    rows.push_back(row_of(trace, charset));
  }
  table.text = rows.size() > 1 ? table_text(rows, charset) : "no traces\n";
  table.next_token = text_at(answer, "nextToken");
  if (!complete) table.reason = text_at(answer, "reason");
  return table;
}

}  // namespace clew::app
