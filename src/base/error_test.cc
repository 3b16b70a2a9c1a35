// SPDX-License-Identifier: Apache-2.0
//
// Every code has a complete row, and the codes that a sender may repeat are exactly those whose HTTP status an OTLP
// client repeats.
#include "base/error.h"

#include <gtest/gtest.h>

#include <set>

#include "base/result.h"

namespace clew {
namespace {

TEST(Code, TableIsComplete) {
  std::set<std::string_view> names;
  for (uint8_t value = 1; value <= 16; ++value) {
    const CodeInfo& row = info(static_cast<Code>(value));
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_GE(row.http_status, 400);
    EXPECT_NE(row.exit_code, 0);
    const std::set<int> retryable_http = {429, 502, 503, 504};
    EXPECT_EQ(row.retryable, retryable_http.contains(row.http_status)) << row.name;
  }
  EXPECT_EQ(info(Code::InvalidArgument).name, "INVALID_ARGUMENT");
  EXPECT_EQ(info(static_cast<Code>(200)).name, "UNKNOWN");
}

TEST(Error, ContextGoesInFront) {
  const Error error = Error(Code::NotFound, "no such file").with("a.wal").with("opening the journal");
  EXPECT_EQ(error.code(), Code::NotFound);
  EXPECT_EQ(error.what(), "opening the journal: a.wal: no such file");
}

Result<int> half(int n) {
  if (n % 2 != 0) return Error(Code::InvalidArgument, "odd");
  return n / 2;
}
Result<int> quarter(int n) { return TRY(half(TRY(half(n)))); }
Result<void> need_quarter(int n) {
  TRY(quarter(n));
  return {};
}

TEST(Result, TryPassesValuesOnAndErrorsUp) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().code(), Code::InvalidArgument);
  EXPECT_TRUE(need_quarter(4).ok());
  EXPECT_EQ(need_quarter(1).error().what(), "odd");
  EXPECT_EQ(MUST(half(4)), 2);
}

TEST(ResultDeathTest, MisuseStopsTheProgram) {
  EXPECT_DEATH((void)half(1).value(), "CHECK failed");
  EXPECT_DEATH(MUST(half(1)), "MUST failed: odd");
}

}  // namespace
}  // namespace clew
