// SPDX-License-Identifier: Apache-2.0
//
// Both paths of the check (short ASCII, and the vector code) agree with RFC 3629 at every length and place.
#include "codec/utf8.h"

#include <gtest/gtest.h>

namespace clew::codec {
namespace {

TEST(Utf8, ValidAndInvalidSequencesAtEveryPlace) {
  const char* valid[] = {
      "", "a", "\x7f", "\xc2\x80", "é", "€", "\xed\x9f\xbf", "\xee\x80\x80", "😀", "\xf4\x8f\xbf\xbf"};
  const char* invalid[] = {"\x80",         "\xbf",     "\xc0\x80",     "\xc1\xbf",         "\xc2",
                           "\xe0\x9f\xbf", "\xe2\x82", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                           "\xf5\x80",     "\xff",     "\xfe",         "\xf0\x9f\x98",     "\xc3\x28"};
  for (size_t before = 0; before < 140; ++before) {
    for (const size_t after : {0u, 1u, 9u}) {
      const auto placed = [&](const char* text) { return std::string(before, 'a') + text + std::string(after, 'b'); };
      for (const char* text : valid) EXPECT_TRUE(valid_utf8(placed(text))) << before << " " << text;
      for (const char* text : invalid) EXPECT_FALSE(valid_utf8(placed(text))) << before << " " << after;
    }
  }
}

}  // namespace
}  // namespace clew::codec
