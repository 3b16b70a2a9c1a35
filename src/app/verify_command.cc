// SPDX-License-Identifier: Apache-2.0
#include "app/verify_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <tuple>
#include <vector>

#include "journal/journal.h"
#include "object/local_folder.h"
#include "platform/real_file_system.h"
#include "render/terminal_text.h"
#include "store/verify.h"

namespace clew::app {
namespace {

constexpr int kDamagedExit = 1;

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

// One line on standard error that moves on, where a person looks at it.
class ProgressLine {
 public:
  void show(const store::VerifyProgress& progress) {
    if (!wanted_ || progress.bytes_total == 0) return;
    const auto percent = static_cast<unsigned>(100 * progress.bytes_done / progress.bytes_total);
    if (percent == percent_) return;
    percent_ = percent;
    fmt::print(stderr, "\rreading blocks and roll-ups: {:3} %", percent);
    std::fflush(stderr);
  }
  ~ProgressLine() {
    if (percent_ != kNothingYet) fmt::print(stderr, "\r{:40}\r", "");
  }

 private:
  static constexpr unsigned kNothingYet = 1000;
  const bool wanted_ = isatty(STDERR_FILENO) != 0;
  unsigned percent_ = kNothingYet;
};

// What the columns of all blocks of a tenant take, columns of the same level, key and type together.
class ColumnTable {
 public:
  void add(const std::string& tenant, const block::Block& block) {
    for (block::ColumnId id = 0; id < block.column_count(); ++id) {
      const block::ColumnFacts& facts = block.column(id);
      if (facts.value_count == 0) continue;
      const uint32_t fixed = id < block::kFirstAttribute ? id : UINT32_MAX;
      Sum& sum = sums_[{tenant, fixed, static_cast<int>(facts.column.level), facts.column.key,
                        static_cast<int>(facts.column.type)}];
      sum.values += facts.value_count;
      sum.plain += facts.plain_value_count;
      sum.page_bytes += facts.page_bytes;
      sum.dictionary_bytes += facts.dictionary_bytes;
      sum.text = facts.text;
    }
    spans_[tenant] += block.facts().span_count;
  }

  std::string text() const {
    std::vector<std::pair<Key, Sum>> rows(sums_.begin(), sums_.end());
    std::ranges::sort(rows, [](const auto& a, const auto& b) {
      return std::tuple(std::get<0>(a.first), b.second.bytes()) < std::tuple(std::get<0>(b.first), a.second.bytes());
    });
    std::string out = fmt::format(kRow, "TENANT", "COLUMN", "VALUES", "BYTES", "PER SPAN", "DICTIONARY", "ENCODING");
    for (const auto& [key, sum] : rows) {
      const auto spans = static_cast<double>(spans_.at(std::get<0>(key)));
      out += fmt::format(kRow, std::get<0>(key), name_of(key), sum.values, sum.bytes(),
                         fmt::format("{:.3f}", static_cast<double>(sum.bytes()) / spans), sum.dictionary_bytes,
                         encoding_of(sum));
    }
    return out;
  }

 private:
  using Key = std::tuple<std::string, uint32_t, int, std::string, int>;
  struct Sum {
    uint64_t values = 0;
    uint64_t plain = 0;
    uint64_t page_bytes = 0;
    uint64_t dictionary_bytes = 0;
    bool text = false;
    uint64_t bytes() const { return page_bytes + dictionary_bytes; }
  };
  static constexpr std::string_view kRow = "{:<16} {:<44} {:>12} {:>12} {:>9} {:>11} {}\n";

  static std::string name_of(const Key& key) {
    const auto& [tenant, fixed, level, text, type] = key;
    if (fixed != UINT32_MAX) return std::string(block::name_of(static_cast<block::FixedColumn>(fixed)));
    constexpr std::string_view kLevels[] = {"span", "event", "link"};
    constexpr std::string_view kTypes[] = {"empty", "string", "bool", "int", "double", "bytes", "array", "kvlist"};
    return fmt::format("{}.{} ({})", kLevels[level], render::harmless(text, render::Charset::Utf8), kTypes[type]);
  }
  static std::string_view encoding_of(const Sum& sum) {
    if (!sum.text) return "numbers";
    if (sum.plain == 0) return "dictionary";
    return sum.plain == sum.values ? "plain" : "dictionary and plain";
  }

  std::map<Key, Sum> sums_;
  std::map<std::string, uint64_t> spans_;
};

Result<bool> journal_is_whole(const std::string& folder) {
  const Result<journal::Report> report = journal::Journal::inspect(platform::real_file_system(), folder + "/journal");
  if (!report.ok()) {
    if (report.error().code() != Code::NotFound) return report.error();
    print("journal: none\n");
    return true;
  }
  print(fmt::format("journal: {} segments, {} records, {} bytes; {} bytes torn, which were never acknowledged\n",
                    report->segments, report->records, report->payload_bytes, report->torn_bytes));
  for (const journal::Damage& damage : report->damages)
    print(fmt::format("journal: DAMAGED {} at {}: {} bytes, {} records lost\n", damage.file, damage.offset,
                      damage.bytes, damage.records_lost));
  return report->damage_count == 0;
}

bool tell(const store::TenantHealth& health) {
  print(fmt::format("tenant {}: {} blocks with {} spans, {} roll-ups, {} bytes, {}\n", health.tenant, health.blocks,
                    health.spans, health.rollups, health.bytes, health.damage.empty() ? "whole" : "DAMAGED"));
  if (health.set_aside > 0)
    print(fmt::format("tenant {}: {} blocks were found damaged earlier and are out of every answer\n", health.tenant,
                      health.set_aside));
  for (const std::string& line : health.damage) print(fmt::format("tenant {}: {}\n", health.tenant, line));
  return health.damage.empty();
}

}  // namespace

Result<int> verify(const VerifyCommand& command) {
  bool whole = TRY(journal_is_whole(command.folder));
  auto objects = object::view_local_folder(platform::real_file_system(), command.folder + "/objects");
  if (!objects.ok()) return objects.error().with(command.folder + " holds no data of Clew");
  ColumnTable columns;
  std::vector<store::TenantHealth> tenants;
  {
    ProgressLine line;
    store::VerifyOptions options;
    options.progress = [&](const store::VerifyProgress& progress) { line.show(progress); };
    if (command.columns)
      options.block = [&](const std::string& tenant, const block::Block& block) { columns.add(tenant, block); };
    tenants = TRY(store::verify(**objects, options));
  }
  for (const store::TenantHealth& tenant : tenants) whole = tell(tenant) && whole;
  if (command.columns) print("\n" + columns.text());
  return whole ? 0 : kDamagedExit;
}

}  // namespace clew::app
