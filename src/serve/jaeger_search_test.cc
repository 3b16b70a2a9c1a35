// SPDX-License-Identifier: Apache-2.0
//
// Parameters of Jaeger's search: what each becomes in TraceQL (which must parse), and each refusal in Jaeger's words.
#include "serve/jaeger_search.h"

#include <gmock/gmock.h>

#include "query/parse.h"

namespace clew::serve {
namespace {

using ::testing::HasSubstr;

constexpr UnixNanos kNow = 1'795'200'536 * kNanosPerSecond;

Result<JaegerSearch> parsed(std::string query) {
  net::HttpRequest request;
  request.query = std::move(query);
  return parse_jaeger_search(request, kNow);
}

std::string traceql(std::string query) {
  const Result<JaegerSearch> search = parsed(std::move(query));
  if (!search.ok()) return "error: " + search.error().what();
  const std::string text = to_traceql(*search);
  const query::ParseResult result = query::parse(text);
  return result.ok() ? text : text + " does not parse: " + query::to_string(result.error());
}

TEST(JaegerSearch, BecomesTraceQl) {
  EXPECT_EQ(traceql("service=web"), R"({ resource.service.name = "web" })");
  EXPECT_EQ(
      traceql("service=web&operation=GET+%2F&minDuration=1.5ms&maxDuration=2s"),
      R"({ resource.service.name = "web" && name = "GET /" && duration >= 1500000ns && duration <= 2000000000ns })");
  EXPECT_EQ(traceql("service=a%22b%5Cc"), R"({ resource.service.name = "a\"b\\c" })");
}

TEST(JaegerSearch, FindsTagsWhereverJaegerShowsThem) {
  EXPECT_EQ(traceql("service=w&tag=k:v"),
            R"({ resource.service.name = "w" && (span."k" = "v" || resource."k" = "v" || event."k" = "v") })");
  EXPECT_THAT(traceql("service=w&tag=k:a:b"), HasSubstr(R"(span."k" = "a:b")"));
}

TEST(JaegerSearch, MatchesTypedValuesByTheirText) {
  EXPECT_THAT(traceql("service=w&tag=k:123"), HasSubstr(R"((span."k" = "123" || span."k" = 123 || resource."k")"));
  EXPECT_THAT(traceql("service=w&tag=k:-5"), HasSubstr(R"(span."k" = -5)"));
  EXPECT_THAT(traceql("service=w&tag=k:72.5"), HasSubstr(R"(span."k" = 72.5)"));
  EXPECT_THAT(traceql("service=w&tag=k:true"), HasSubstr(R"(span."k" = "true" || span."k" = true)"));
}

TEST(JaegerSearch, TurnsMadeUpTagsBack) {
  EXPECT_THAT(traceql("service=w&tag=error:true"), HasSubstr("(status = error || "));
  EXPECT_THAT(traceql("service=w&tag=error:false"), HasSubstr("(status != error || "));
  EXPECT_THAT(traceql("service=w&tag=span.kind:server"), HasSubstr("(kind = server || "));
  EXPECT_THAT(traceql("service=w&tag=otel.status_code:OK"), HasSubstr("(status = ok || "));
  EXPECT_THAT(traceql("service=w&tag=otel.status_description:bad"), HasSubstr("(statusMessage = \"bad\" || "));
  EXPECT_THAT(traceql("service=w&tag=otel.scope.name:lib"), HasSubstr("(instrumentation:name = \"lib\" || "));
  EXPECT_THAT(traceql("service=w&tag=event:exception"), HasSubstr("(event:name = \"exception\" || "));
}

TEST(JaegerSearch, ReadsTagsAsJson) {
  EXPECT_THAT(traceql("service=w&tags=%7B%22a%22%3A%221%22%2C%22b%22%3A%22x%22%7D"),
              HasSubstr(R"(&& (span."b" = "x")"));
  EXPECT_THAT(traceql("service=w&tags=%7B%22a%22%3A1%7D"), HasSubstr("error: malformed 'tags' parameter"));
  EXPECT_THAT(traceql("service=w&tags=%7B"), HasSubstr("error: malformed 'tags' parameter"));
}

TEST(JaegerSearch, HasJaegersDefaults) {
  const Result<JaegerSearch> search = parsed("service=w");
  ASSERT_TRUE(search.ok());
  EXPECT_EQ(search->limit, 100u);
  EXPECT_EQ(search->range.end, kNow);
  EXPECT_EQ(search->range.begin, kNow - 2 * 86'400 * kNanosPerSecond);
  const Result<JaegerSearch> ranged = parsed("service=w&start=1000000&end=2000000&limit=5");
  ASSERT_TRUE(ranged.ok());
  EXPECT_EQ(ranged->range.begin, kNanosPerSecond);
  EXPECT_EQ(ranged->range.end, 2 * kNanosPerSecond);
  EXPECT_EQ(ranged->limit, 5u);
}

TEST(JaegerSearch, RefusesInJaegersWords) {
  EXPECT_EQ(traceql(""), "error: parameter 'service' is required");
  EXPECT_THAT(traceql("service=w&tag=k"), HasSubstr("malformed 'tag' parameter, expecting key:value"));
  EXPECT_THAT(traceql("service=w&limit=x"), HasSubstr("unable to parse param 'limit'"));
  EXPECT_THAT(traceql("service=w&start=yesterday"), HasSubstr("unable to parse param 'start'"));
  EXPECT_THAT(traceql("service=w&minDuration=5"), HasSubstr("unable to parse param 'minDuration'"));
  EXPECT_THAT(traceql("service=w&minDuration=5s&maxDuration=1s"), HasSubstr("'maxDuration' should be greater"));
  std::string many = "service=w";
  for (int i = 0; i < 101; ++i) many += "&tag=a:b";
  EXPECT_EQ(traceql(many), "error: more than 100 tags");
  EXPECT_TRUE(parsed("traceID=1").ok());
}

}  // namespace
}  // namespace clew::serve
