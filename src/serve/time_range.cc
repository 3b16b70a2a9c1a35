// SPDX-License-Identifier: Apache-2.0
#include "serve/time_range.h"

#include <array>
#include <charconv>
#include <cmath>

namespace clew::serve {
namespace {

struct Unit {
  std::string_view name;
  uint64_t nanos;
};

// Longer names first where one begins another.
constexpr std::array kUnits = {Unit{"ns", 1},
                               Unit{"us", 1000},
                               Unit{"µs", 1000},
                               Unit{"μs", 1000},
                               Unit{"ms", 1'000'000},
                               Unit{"s", kNanosPerSecond},
                               Unit{"m", 60 * kNanosPerSecond},
                               Unit{"h", 3600 * kNanosPerSecond},
                               Unit{"d", 86'400 * kNanosPerSecond},
                               Unit{"w", 604'800 * kNanosPerSecond}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes digits off the front of `text`; false if there are none or they do not fit.
bool take_digits(std::string_view& text, uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data() || !is_digit(text[0])) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

// The digits behind a decimal point, as a count of `unit`s of nanoseconds; what is below a nanosecond is dropped.
bool take_fraction(std::string_view& text, uint64_t unit, uint64_t& nanos) {
  nanos = 0;
  if (text.empty() || !is_digit(text[0])) return false;
  double scale = 1;
  double value = 0;
  while (!text.empty() && is_digit(text[0])) {
    scale /= 10;
    value += (text[0] - '0') * scale;
    text.remove_prefix(1);
  }
  nanos = static_cast<uint64_t>(std::llround(value * static_cast<double>(unit)));
  return true;
}

std::optional<uint64_t> sum(uint64_t a, uint64_t b) {
  uint64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) return std::nullopt;
  return result;
}

std::optional<uint64_t> product(uint64_t a, uint64_t b) {
  uint64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
  return result;
}

const Unit* take_unit(std::string_view& text) {
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return &unit;
  }
  return nullptr;
}

// `digits` decimal digits at the front of `text`, followed by `after`.
bool take_field(std::string_view& text, size_t digits, std::string_view after, uint64_t& value) {
  if (text.size() < digits) return false;
  std::string_view field = text.substr(0, digits);
  if (!take_digits(field, value) || !field.empty()) return false;
  text.remove_prefix(digits);
  if (!text.starts_with(after)) return false;
  text.remove_prefix(after.size());
  return true;
}

uint64_t days_in_month(uint64_t year, uint64_t month) {
  constexpr std::array<uint64_t, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return kDays[month - 1] + (month == 2 && leap ? 1 : 0);
}

// Days from 1970-01-01 (Howard Hinnant's days_from_civil, for years from 1970).
uint64_t days_from_civil(uint64_t year, uint64_t month, uint64_t day) {
  if (month <= 2) --year;
  const uint64_t era = year / 400;
  const uint64_t year_of_era = year % 400;
  const uint64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719'468;
}

std::optional<int64_t> take_zone(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const int64_t sign = text[0] == '+' ? 1 : -1;
  text.remove_prefix(1);
  uint64_t hours = 0;
  uint64_t minutes = 0;
  if (!take_field(text, 2, ":", hours) || !take_field(text, 2, "", minutes) || !text.empty()) return std::nullopt;
  if (hours > 23 || minutes > 59) return std::nullopt;
  return sign * static_cast<int64_t>(hours * 3600 + minutes * 60);
}

std::optional<UnixNanos> parse_rfc3339(std::string_view text) {
  uint64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, nanos = 0;
  if (!take_field(text, 4, "-", year) || !take_field(text, 2, "-", month) || !take_field(text, 2, "", day))
    return std::nullopt;
  if (text.empty() || (text[0] != 'T' && text[0] != 't' && text[0] != ' ')) return std::nullopt;
  text.remove_prefix(1);
  if (!take_field(text, 2, ":", hour) || !take_field(text, 2, ":", minute) || !take_field(text, 2, "", second))
    return std::nullopt;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!take_fraction(text, kNanosPerSecond, nanos)) return std::nullopt;
  }
  const std::optional<int64_t> zone = take_zone(text);
  if (!zone || year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
    return std::nullopt;
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const uint64_t local = days_from_civil(year, month, day) * 86'400 + hour * 3600 + minute * 60 + second;
  const int64_t seconds = static_cast<int64_t>(local) - *zone;
  if (seconds < 0) return std::nullopt;
  const std::optional<uint64_t> whole = product(static_cast<uint64_t>(seconds), kNanosPerSecond);
  return whole ? sum(*whole, nanos) : std::nullopt;
}

std::optional<UnixNanos> parse_number(std::string_view text) {
  uint64_t value = 0;
  if (!take_digits(text, value)) return std::nullopt;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    uint64_t nanos = 0;
    if (!take_fraction(text, kNanosPerSecond, nanos) || !text.empty()) return std::nullopt;
    const std::optional<uint64_t> whole = product(value, kNanosPerSecond);
    return whole ? sum(*whole, nanos) : std::nullopt;
  }
  if (!text.empty()) return std::nullopt;
  if (value < 100'000'000'000) return value * kNanosPerSecond;
  if (value < 100'000'000'000'000) return value * kNanosPerMilli;
  if (value < 100'000'000'000'000'000) return value * 1000;
  return value;
}

}  // namespace

std::optional<uint64_t> parse_duration(std::string_view text) {
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  uint64_t total = 0;
  while (!text.empty()) {
    uint64_t whole = 0;
    if (!take_digits(text, whole)) return std::nullopt;
    // The unit stands behind the fraction: remember the digits until it is known.
    std::string_view fraction;
    if (text.starts_with('.')) {
      text.remove_prefix(1);
      const std::string_view from = text;
      while (!text.empty() && is_digit(text[0])) text.remove_prefix(1);
      fraction = from.substr(0, from.size() - text.size());
      if (fraction.empty()) return std::nullopt;
    }
    const Unit* const unit = take_unit(text);
    if (unit == nullptr) return std::nullopt;
    uint64_t part = 0;
    if (!fraction.empty()) take_fraction(fraction, unit->nanos, part);
    const std::optional<uint64_t> scaled = product(whole, unit->nanos);
    if (!scaled) return std::nullopt;
    const std::optional<uint64_t> with_part = sum(*scaled, part);
    const std::optional<uint64_t> next = with_part ? sum(total, *with_part) : std::nullopt;
    if (!next) return std::nullopt;
    total = *next;
  }
  return total;
}

std::optional<UnixNanos> parse_time(std::string_view text, UnixNanos now) {
  if (text == "now") return now;
  if (const std::optional<UnixNanos> time = parse_number(text)) return time;
  if (const std::optional<UnixNanos> time = parse_rfc3339(text)) return time;
  if (text.starts_with("now-")) text.remove_prefix(4);
  const std::optional<uint64_t> back = parse_duration(text);
  if (!back) return std::nullopt;
  return now > *back ? now - *back : 0;
}

}  // namespace clew::serve
