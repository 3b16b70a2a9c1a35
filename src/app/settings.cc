// SPDX-License-Identifier: Apache-2.0
#include "app/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "app/edits.h"
#include "net/address.h"
#include "scan/search.h"
#include "serve/time_range.h"

namespace clew::app {
namespace {

using C = Configuration;
using enum SettingType;

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kMiB = 1 << 20;

// In the order of the reference page. What stands before the first dot is a section.
const std::array kSettings = {
    Setting{"listen.host", Text, &C::listen_host,
            "Host of every door whose address names none. `0.0.0.0` or `::` listens on all interfaces."},
    Setting{"listen.otlp_grpc", Address, &C::listen_otlp_grpc, "OTLP over gRPC."},
    Setting{"listen.otlp_http", Address, &C::listen_otlp_http, "OTLP over HTTP: protobuf and JSON."},
    Setting{"listen.http", Address, &C::listen_http,
            "The page, the native API, the Jaeger API, `/metrics`, `/ready` and `/healthz`."},

    Setting{"data.folder", Text, &C::data_folder, "Folder of the store; made if it is missing. One process at a time."},

    Setting{.path = "memory.budget",
            .type = Size,
            .place = &C::memory_budget,
            .help =
                "Memory that is shared out between data in memory, requests in flight, queries and the rest. `auto` "
                "is the smaller of a quarter of the machine's memory and 2GiB. Below 1.7GiB the largest request is "
                "smaller than receive.body_size_max: about 4 % of the budget.",
            .smallest = 64 * kMiB,
            .zero_means = "auto"},

    Setting{.path = "journal.segment_size",
            .type = Size,
            .place = &C::journal_segment_size,
            .help = "Size of one file of the journal.",
            .smallest = kMiB,
            .largest = 1024 * kMiB},
    Setting{.path = "journal.size_max",
            .type = Size,
            .place = &C::journal_size_max,
            .help = "All files of the journal together. Beyond it requests are refused as unavailable.",
            .smallest = 4 * kMiB},
    Setting{.path = "journal.free_space_floor",
            .type = Size,
            .place = &C::journal_free_space_floor,
            .help = "Free space on the disk that the journal leaves to others."},

    Setting{.path = "seal.spans",
            .type = Count,
            .place = &C::seal_spans,
            .help = "Spans of a tenant in memory at which they are written into a block.",
            .smallest = 1,
            .largest = 8'000'000},
    Setting{.path = "seal.interval",
            .type = Duration,
            .place = &C::seal_interval,
            .help = "Time after which spans are written into a block, however few they are.",
            .smallest = kSecond},
    Setting{.path = "seal.carry",
            .type = Duration,
            .place = &C::seal_carry,
            .help = "A trace that got a span within this time stays in memory when the others go into a block, so that "
                    "it lies in one piece later.",
            .largest = 600 * kSecond},
    Setting{"compaction.enabled", Flag, &C::compaction_enabled,
            "Make few large blocks of many small ones while the server runs. Off, only `clew admin compact` does."},

    Setting{.path = "retention.age",
            .type = Duration,
            .place = &C::retention_age,
            .help = "Time since their arrival for which spans are kept.",
            .zero_means = "unlimited"},
    Setting{.path = "retention.bytes",
            .type = Size,
            .place = &C::retention_bytes,
            .help = "Size of the data folder from which on the oldest blocks are removed.",
            .zero_means = "unlimited"},
    Setting{.path = "retention.disk_percent",
            .type = Count,
            .place = &C::retention_disk_percent,
            .help = "The same, as a part of what the data folder and the free space have together, in percent.",
            .largest = 100,
            .zero_means = "unlimited"},
    Setting{.path = "retention.rollup_age",
            .type = Duration,
            .place = &C::retention_rollup_age,
            .help = "Time for which the counts per minute are kept: services, operations, who calls whom.",
            .zero_means = "unlimited"},

    Setting{"tenancy.enabled", Flag, &C::tenancy_enabled,
            "Take the tenant from the header `X-Scope-OrgID`, which every request must then have. Off, everything "
            "belongs to the tenant `default`."},
    Setting{.path = "tenancy.tenants_max",
            .type = Count,
            .place = &C::tenancy_tenants_max,
            .help = "Number of tenants; requests of one more are refused.",
            .smallest = 1,
            .largest = 100'000},

    Setting{.path = "receive.workers",
            .type = Count,
            .place = &C::receive_workers,
            .help = "Threads that unpack and decode requests. `auto` is one for each core.",
            .largest = 256,
            .zero_means = "auto"},
    Setting{.path = "receive.body_size_max",
            .type = Size,
            .place = &C::receive_body_size_max,
            .help = "Largest request, unpacked.",
            .smallest = 1024,
            .largest = 1024 * kMiB},

    Setting{"otlp_http.cors_origins", TextList, &C::otlp_http_cors_origins,
            "Origins of web pages that may send spans, as `https://shop.example.com`, with `*` for any run of "
            "characters in the host, or `*` alone."},
    Setting{"http.cors_origins", TextList, &C::http_cors_origins, "Origins of web pages that may use the APIs."},

    Setting{.path = "query.threads",
            .type = Count,
            .place = &C::query_threads,
            .help = "Queries that run at the same time.",
            .smallest = 1,
            .largest = 256},
    Setting{.path = "query.queue",
            .type = Count,
            .place = &C::query_queue,
            .help = "Queries that wait for a thread; one more is answered 503.",
            .smallest = 1,
            .largest = 10'000},
    Setting{.path = "query.timeout",
            .type = Duration,
            .place = &C::query_timeout,
            .help = "Time after which a query stops and answers with what it has, marked as incomplete.",
            .smallest = kSecond / 1000,
            .largest = 3600 * kSecond},
    Setting{.path = "query.limit_max",
            .type = Count,
            .place = &C::query_limit_max,
            .help = "Most traces that one search may ask for.",
            .smallest = 1,
            .largest = scan::kLimitMax},

    Setting{.path = "log.level",
            .type = Choice,
            .place = &C::log_level,
            .help = "Least important lines to write.",
            .choices = "debug|info|warning|error"},
    Setting{.path = "log.format",
            .type = Choice,
            .place = &C::log_format,
            .help = "Lines for people, or one JSON object a line.",
            .choices = "text|json"},

    Setting{.path = "shutdown.drain",
            .type = Duration,
            .place = &C::shutdown_drain,
            .help = "Time that requests get to finish after SIGTERM or SIGINT.",
            .largest = 3600 * kSecond},
};

struct SizeUnit {
  std::string_view name;
  uint64_t bytes;
};
constexpr std::array kSizeUnits = {SizeUnit{"TiB", uint64_t{1} << 40},
                                   SizeUnit{"GiB", uint64_t{1} << 30},
                                   SizeUnit{"MiB", kMiB},
                                   SizeUnit{"KiB", 1024},
                                   SizeUnit{"TB", 1'000'000'000'000},
                                   SizeUnit{"GB", 1'000'000'000},
                                   SizeUnit{"MB", 1'000'000},
                                   SizeUnit{"kB", 1000},
                                   SizeUnit{"B", 1}};

std::string exact_duration(uint64_t nanos) {
  constexpr std::array<std::pair<std::string_view, uint64_t>, 7> kUnits = {{{"d", 86'400 * kSecond},
                                                                            {"h", 3600 * kSecond},
                                                                            {"m", 60 * kSecond},
                                                                            {"s", kSecond},
                                                                            {"ms", 1'000'000},
                                                                            {"us", 1000},
                                                                            {"ns", 1}}};
  for (const auto& [name, unit] : kUnits)
    if (nanos % unit == 0 && nanos != 0) return fmt::format("{}{}", nanos / unit, name);
  return "0s";
}

std::string number_text(const Setting& setting, uint64_t value) {
  if (value == 0 && !setting.zero_means.empty()) return std::string(setting.zero_means);
  if (setting.type == Size) return size_text(value);
  if (setting.type == Duration) return exact_duration(value);
  return std::to_string(value);
}

std::optional<std::string> assign_number(const Setting& setting, std::string_view text, uint64_t& value) {
  std::optional<uint64_t> number;
  if (!setting.zero_means.empty() && text == setting.zero_means) {
    value = 0;
    return std::nullopt;
  }
  std::string_view example;
  if (setting.type == Size) {
    number = parse_size(text);
    example = "a size such as 512MiB";
  } else if (setting.type == Duration) {
    number = serve::parse_duration(text);
    example = "a duration such as 30s or 1h30m";
  } else {
    uint64_t parsed = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    if (error == std::errc() && end == text.data() + text.size() && !text.empty()) number = parsed;
    example = "a whole number";
  }
  if (!number) return fmt::format("'{}' is not {}", text, example);
  if (*number < setting.smallest)
    return fmt::format("{} is below the least, {}", text, number_text(setting, setting.smallest));
  if (*number > setting.largest)
    return fmt::format("{} is above the most, {}", text, number_text(setting, setting.largest));
  value = *number;
  return std::nullopt;
}

std::optional<std::string> assign_text(const Setting& setting, std::string_view text, std::string& value) {
  if (setting.type == Address && text != "off") {
    const Result<net::Address> address = net::parse_address(text, "127.0.0.1");
    if (!address.ok()) return address.error().what() + "; write host:port, :port or off";
  }
  if (setting.type == Choice) {
    const std::string list = fmt::format("|{}|", setting.choices);
    if (text.find('|') != std::string::npos || list.find(fmt::format("|{}|", text)) == std::string::npos) {
      std::string choices(setting.choices);
      for (size_t at = 0; (at = choices.find('|', at)) != std::string::npos; at += 2) choices.replace(at, 1, ", ");
      return fmt::format("'{}' is not one of {}", text, choices);
    }
  }
  if (setting.type == Text && text.empty()) return "must not be empty";
  value = std::string(text);
  return std::nullopt;
}

}  // namespace

std::span<const Setting> settings() { return kSettings; }

bool is_live(const Setting& setting) {
  constexpr std::string_view kSections[] = {"seal.", "compaction.", "retention.", "log."};
  return std::ranges::any_of(kSections, [&](std::string_view section) { return setting.path.starts_with(section); });
}

const Setting* find_setting(std::string_view path) {
  for (const Setting& setting : kSettings)
    if (setting.path == path) return &setting;
  return nullptr;
}

std::string_view nearest_setting(std::string_view path) {
  constexpr size_t kPathBytesMax = 100;  // longer ones are no slip of the finger
  if (path.size() > kPathBytesMax) return "";
  const std::string_view name = path.substr(path.rfind('.') + 1);
  std::string_view nearest;
  size_t fewest = SIZE_MAX;
  for (const Setting& setting : kSettings) {
    // A right name in the wrong section is as near as one letter.
    const bool same_name = setting.path.substr(setting.path.rfind('.') + 1) == name;
    const size_t distance = same_name ? 1 : edits(path, setting.path);
    if (distance < fewest) {
      fewest = distance;
      nearest = setting.path;
    }
  }
  return fewest <= std::max<size_t>(3, path.size() / 4) ? nearest : "";
}

std::optional<std::string> assign(const Setting& setting, std::string_view text, Configuration& configuration) {
  if (const auto* place = std::get_if<std::string C::*>(&setting.place))
    return assign_text(setting, text, configuration.*(*place));
  if (const auto* place = std::get_if<uint64_t C::*>(&setting.place))
    return assign_number(setting, text, configuration.*(*place));
  if (const auto* place = std::get_if<bool C::*>(&setting.place)) {
    if (text != "true" && text != "false") return fmt::format("'{}' is not true or false", text);
    configuration.*(*place) = text == "true";
    return std::nullopt;
  }
  // On a command line, a list is written with commas; brackets are allowed as in YAML.
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  std::vector<std::string> elements;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    std::string_view element = text.substr(0, comma);
    while (element.starts_with(' ')) element.remove_prefix(1);
    while (element.ends_with(' ')) element.remove_suffix(1);
    if (element.size() >= 2 && element.front() == '"' && element.back() == '"')
      element = element.substr(1, element.size() - 2);
    if (element.empty()) return "has an empty element";
    elements.emplace_back(element);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return assign_list(setting, std::move(elements), configuration);
}

std::optional<std::string> assign_list(const Setting& setting, std::vector<std::string> elements,
                                       Configuration& configuration) {
  const auto* place = std::get_if<std::vector<std::string> C::*>(&setting.place);
  if (place == nullptr) return "takes one value, not a list";
  configuration.*(*place) = std::move(elements);
  return std::nullopt;
}

std::string value_text(const Setting& setting, const Configuration& configuration) {
  if (const auto* text = std::get_if<std::string C::*>(&setting.place)) return configuration.*(*text);
  if (const auto* number = std::get_if<uint64_t C::*>(&setting.place))
    return number_text(setting, configuration.*(*number));
  if (const auto* flag = std::get_if<bool C::*>(&setting.place)) return configuration.*(*flag) ? "true" : "false";
  std::string list = "[";
  for (const std::string& element : configuration.*std::get<std::vector<std::string> C::*>(setting.place))
    list += fmt::format("{}\"{}\"", list.size() == 1 ? "" : ", ", element);
  return list + "]";
}

std::string type_text(const Setting& setting) {
  switch (setting.type) {
    case Text:
      return "text";
    case Address:
      return "address, or `off`";
    case Choice: {
      std::string choices = fmt::format("`{}`", setting.choices);
      for (size_t at = 0; (at = choices.find('|', at)) != std::string::npos; at += 4) choices.replace(at, 1, "`, `");
      return choices;
    }
    case Flag:
      return "`true` or `false`";
    case Count:
      return setting.zero_means.empty() ? "number" : fmt::format("number, or `{}`", setting.zero_means);
    case Size:
      return setting.zero_means.empty() ? "size" : fmt::format("size, or `{}`", setting.zero_means);
    case Duration:
      return setting.zero_means.empty() ? "duration" : fmt::format("duration, or `{}`", setting.zero_means);
    case TextList:
      return "list of texts";
  }
  return "";
}

std::optional<uint64_t> parse_size(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || text.empty()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (text.empty()) return value;
  for (const SizeUnit& unit : kSizeUnits) {
    if (text != unit.name) continue;
    uint64_t bytes = 0;
    if (__builtin_mul_overflow(value, unit.bytes, &bytes)) return std::nullopt;
    return bytes;
  }
  return std::nullopt;
}

std::string size_text(uint64_t bytes) {
  for (const SizeUnit& unit : kSizeUnits)
    if (unit.name.size() == 3 && bytes != 0 && bytes % unit.bytes == 0)
      return fmt::format("{}{}", bytes / unit.bytes, unit.name);
  return fmt::format("{}B", bytes);
}

}  // namespace clew::app
