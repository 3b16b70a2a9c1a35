// SPDX-License-Identifier: Apache-2.0
#include "render/time_text.h"

#include <fmt/format.h>

namespace clew::render {
namespace {

struct Date {
  uint64_t year;
  uint64_t month;
  uint64_t day;
};

// Howard Hinnant's civil_from_days, for days since 1970-01-01 that are not negative.
Date date_of(uint64_t days) {
  const uint64_t shifted = days + 719'468;
  const uint64_t era = shifted / 146'097;
  const uint64_t day_of_era = shifted % 146'097;
  const uint64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const uint64_t month_index = (5 * day_of_year + 2) / 153;
  const uint64_t month = month_index < 10 ? month_index + 3 : month_index - 9;
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day_of_year - (153 * month_index + 2) / 5 + 1};
}

// Three digits: 1.25, 12.5, 125.
std::string three_digits(double value) {
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  std::string text = fmt::format("{:.{}f}", value, decimals);
  if (text.find('.') == std::string::npos) return text;
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace

std::string time_text(UnixNanos time) {
  const uint64_t seconds = time / kNanosPerSecond;
  const uint64_t nanos = time % kNanosPerSecond;
  const Date date = date_of(seconds / 86'400);
  const uint64_t second_of_day = seconds % 86'400;
  std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", date.year, date.month, date.day,
                                 second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
  if (nanos % 1'000'000 == 0) {
    if (nanos != 0) text += fmt::format(".{:03}", nanos / 1'000'000);
  } else if (nanos % 1000 == 0) {
    text += fmt::format(".{:06}", nanos / 1000);
  } else {
    text += fmt::format(".{:09}", nanos);
  }
  return text + "Z";
}

std::string duration_text(uint64_t nanos, Charset charset) {
  const auto value = static_cast<double>(nanos);
  if (nanos < 1000) return fmt::format("{}ns", nanos);
  if (value < 999.5e3) return three_digits(value / 1e3) + (charset == Charset::Ascii ? "us" : "µs");
  if (value < 999.5e6) return three_digits(value / 1e6) + "ms";
  if (value < 59.95e9) return three_digits(value / 1e9) + "s";
  const uint64_t seconds = nanos / kNanosPerSecond + (nanos % kNanosPerSecond >= kNanosPerSecond / 2 ? 1 : 0);
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  if (seconds < 86'400) return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{}d{:02}h", seconds / 86'400, seconds / 3600 % 24);
}

}  // namespace clew::render
