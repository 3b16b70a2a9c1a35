// SPDX-License-Identifier: Apache-2.0
#include "app/storage_table.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <array>

namespace clew::app {
namespace {

using simdjson::dom::element;

std::string bytes_text(uint64_t bytes) {
  constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string per_span(uint64_t bytes, uint64_t spans) {
  return spans == 0 ? "" : fmt::format("{:.1f}", static_cast<double>(bytes) / static_cast<double>(spans));
}

// 0 for what is not there: an older server may not say it.
uint64_t number(const element& object, std::string_view key) {
  uint64_t value = 0;
  return object[key].get(value) == simdjson::SUCCESS ? value : 0;
}

std::string_view text(const element& object, std::string_view key) {
  std::string_view value;
  return object[key].get(value) == simdjson::SUCCESS ? value : std::string_view();
}

template <class Visit>
void for_each(const element& object, std::string_view key, Visit visit) {
  simdjson::dom::array values;
  if (object[key].get(values) != simdjson::SUCCESS) return;
  for (const element value : values) visit(value);
}

constexpr std::string_view kRow = "{:<24} {:<8} {:>8} {:>14} {:>12} {:>10}\n";

void append_tenant(std::string& out, const element& tenant) {
  out += fmt::format(kRow, text(tenant, "tenant"), "memory", "", number(tenant, "headSpans"),
                     bytes_text(number(tenant, "headBytes")),
                     per_span(number(tenant, "headBytes"), number(tenant, "headSpans")));
  for_each(tenant, "levels", [&](const element& level) {
    const uint64_t spans = number(level, "spans");
    const uint64_t bytes = number(level, "bytes");
    out += fmt::format(kRow, "", fmt::format("level {}", number(level, "level")), number(level, "blocks"), spans,
                       bytes_text(bytes), per_span(bytes, spans));
  });
  out +=
      fmt::format(kRow, "", "roll-ups", number(tenant, "rollups"), "", bytes_text(number(tenant, "rollupBytes")), "");
  if (const uint64_t spans = number(tenant, "spansSetAside"); spans > 0)
    out += fmt::format("{:<24} set aside as damaged: {} blocks with {} spans\n", "", number(tenant, "blocksSetAside"),
                       spans);
  if (const uint64_t spans = number(tenant, "spansRemovedByRetention"); spans > 0)
    out += fmt::format("{:<24} removed by retention: {} spans\n", "", spans);
}

}  // namespace

Result<std::string> storage_table(std::string_view json) {
  simdjson::dom::parser parser;
  element answer;
  element since;
  if (parser.parse(json.data(), json.size()).get(answer) != simdjson::SUCCESS ||
      answer["sinceStart"].get(since) != simdjson::SUCCESS)
    return Error(Code::InvalidArgument, "the answer is not one about storage");
  std::string out = fmt::format(kRow, "TENANT", "WHERE", "OBJECTS", "SPANS", "BYTES", "PER SPAN");
  for_each(answer, "tenants", [&](const element& tenant) { append_tenant(out, tenant); });
  out += fmt::format("\njournal {}", bytes_text(number(answer, "journalBytes")));
  const uint64_t sealed = number(since, "sealedBytes");
  const uint64_t written = sealed + number(since, "compactedBytes");
  out += fmt::format("; since the start {} seals with {} spans, {} compactions, {} duplicate spans left out",
                     number(since, "seals"), number(since, "sealedSpans"), number(since, "compactions"),
                     number(since, "duplicateSpans"));
  if (sealed > 0)
    out += fmt::format(", write amplification {:.2f}", static_cast<double>(written) / static_cast<double>(sealed));
  return out + "\n";
}

}  // namespace clew::app
