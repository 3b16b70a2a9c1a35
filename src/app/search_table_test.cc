// SPDX-License-Identifier: Apache-2.0
//
// A search's answer as a table, compared as a whole; names from outside must not reach the terminal as they are.
#include "app/search_table.h"

#include <gmock/gmock.h>

namespace clew::app {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kAnswer =
    R"({"traces":[{"traceId":"5b8aa5a2d2c872e8321cf37308d69df2","rootService":"gateway","rootName":"GET \u001b[2J/",)"
    R"("startTimeUnixNano":"1795200536123456789","durationNanos":"450000000","spanCount":5,"errorCount":1,)"
    R"("serviceCount":5,"services":[],"matchedCount":2,"spans":[]},)"
    R"({"traceId":"00000000000000000000000000000abc","rootService":null,"rootName":null,)"
    R"("startTimeUnixNano":"1795200535000000000","durationNanos":"0","spanCount":12345,"errorCount":0,)"
    R"("serviceCount":1,"services":[],"matchedCount":1,"spans":[]}],)"
    R"("complete":false,"reason":"its time was up","nextToken":"abc","stats":{}})";

TEST(SearchTable, AlignsAndEscapes) {
  const Result<SearchTable> table = search_table(kAnswer, render::Charset::Utf8);
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(table->text,
            "TRACE                             START                     DURATION  SPANS  ERRORS  MATCHED  ROOT\n"
            "5b8aa5a2d2c872e8321cf37308d69df2  2026-11-20T18:48:56.123Z     450ms      5       1        2  "
            "gateway: GET \\x1b[2J/\n"
            "00000000000000000000000000000abc  2026-11-20T18:48:55Z           0ns  12345       0        1  "
            "(root has not arrived)\n");
  EXPECT_EQ(table->next_token, "abc");
  EXPECT_EQ(table->reason, "its time was up");
}

TEST(SearchTable, SaysThatThereIsNothing) {
  const Result<SearchTable> table = search_table(R"({"traces":[],"complete":true})", render::Charset::Utf8);
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(table->text, "no traces\n");
  EXPECT_EQ(table->reason, "");
}

TEST(SearchTable, RefusesWhatIsNoAnswer) {
  for (const char* text : {"", "{}", "[]", R"({"traces":1,"complete":true})", "<html>"})
    EXPECT_FALSE(search_table(text, render::Charset::Utf8).ok()) << text;
}

}  // namespace
}  // namespace clew::app
