// SPDX-License-Identifier: Apache-2.0
//
// Proves the parts of a door that need no socket: addresses, percent-encoding, queries, the router's choice, CORS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/address.h"
#include "net/cors.h"
#include "net/router.h"
#include "net/url.h"

namespace clew::net {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(Address, ReadsWhatSettingsSay) {
  struct Row {
    const char* text;
    const char* host;
    uint16_t port;
  };
  for (const Row& row : {Row{"127.0.0.1:4317", "127.0.0.1", 4317}, Row{":0", "fallback", 0}, Row{"[::1]:80", "::1", 80},
                         Row{"shop.example:65535", "shop.example", 65535}}) {
    const auto address = parse_address(row.text, "fallback");
    ASSERT_TRUE(address.ok()) << row.text;
    EXPECT_EQ(address->host, row.host);
    EXPECT_EQ(address->port, row.port);
  }
  for (const char* text : {"", "4317", "host", "host:", "host:x", "host:65536", "::1:80", "[::1:80", "host:-1"}) {
    EXPECT_FALSE(parse_address(text, "h").ok()) << text;
  }
  EXPECT_EQ((Address{"::1", 80}.text()), "[::1]:80");
}

TEST(Url, DecodesAndEncodes) {
  EXPECT_EQ(percent_decode("a%20b%2Fc+d"), "a b/c+d");
  EXPECT_EQ(percent_decode("a+b", true), "a b");
  for (const char* bad : {"%", "%2", "%2G", "%%20"}) EXPECT_FALSE(percent_decode(bad)) << bad;
  EXPECT_EQ(percent_encode("{ a = \"ü\" }"), "%7B%20a%20%3D%20%22%C3%BC%22%20%7D");
  EXPECT_THAT(parse_query("q=%7B%7D&limit=5&&flag&bad=%G"),
              ElementsAre(Pair("q", "{}"), Pair("limit", "5"), Pair("flag", ""), Pair("bad", "%G")));
}

TEST(Router, PrefersTheMoreExactPattern) {
  Router router;
  router.add("GET", "/", 0);
  router.add("GET", "/api/traces/{id}", 1);
  router.add("GET", "/api/traces/latest", 2);
  router.add("POST", "/api/traces/{id}", 3);
  router.add("GET", "/api/services/{service}/operations", 4);
  router.add("GET", "/assets/*", 5);
  router.add("GET", "/api/*", 6);

  const auto found = [&](std::string_view method, std::string_view path) -> int {
    const Router::Match match = router.find(method, path);
    return match.kind == Router::Match::Kind::Found ? static_cast<int>(match.handler) : -1;
  };
  EXPECT_EQ(found("GET", "/"), 0);
  EXPECT_EQ(found("GET", "/api/traces/abc"), 1);
  EXPECT_EQ(found("GET", "/api/traces/latest"), 2);
  EXPECT_EQ(found("GET", "/api/traces/latest/"), 2);
  EXPECT_EQ(found("POST", "/api/traces/abc"), 3);
  EXPECT_EQ(found("HEAD", "/api/traces/abc"), 1);
  EXPECT_EQ(found("GET", "/api/services/a%2Fb/operations"), 4);
  EXPECT_EQ(found("GET", "/api/services/a/b/operations"), 6);
  EXPECT_EQ(found("GET", "/assets/js/x.js"), 5);
  EXPECT_EQ(found("GET", "/nowhere"), -1);
  EXPECT_EQ(found("GET", "/api/traces/%zz"), -1);
  EXPECT_THAT(router.find("GET", "/api/services/a%2Fb/operations").parameters, ElementsAre("a/b"));
  EXPECT_THAT(router.find("GET", "/assets/js/x.js").parameters, ElementsAre("js/x.js"));
  EXPECT_EQ(router.find("DELETE", "/api/traces/abc").kind, Router::Match::Kind::WrongMethod);
  EXPECT_EQ(router.find("DELETE", "/api/traces/abc").allow, "GET, HEAD, POST");
  EXPECT_EQ(router.find("GET", std::string(100'000, '/')).kind, Router::Match::Kind::NotFound);
}

TEST(Cors, AllowsOnlyWhatIsListed) {
  const CorsPolicy policy{{"https://shop.example", "https://*.example.com"}, {"X-Token"}, 60};
  EXPECT_TRUE(origin_allowed(policy, "https://shop.example"));
  EXPECT_TRUE(origin_allowed(policy, "https://a.b.example.com"));
  EXPECT_FALSE(origin_allowed(policy, "https://example.com"));
  EXPECT_FALSE(origin_allowed(policy, "http://shop.example"));
  EXPECT_FALSE(origin_allowed(policy, "https://evil.test/x.example.com"));
  EXPECT_FALSE(origin_allowed(policy, ""));
  EXPECT_FALSE(origin_allowed({}, "https://shop.example"));

  EXPECT_TRUE(cors_fields({}, "https://shop.example").empty());
  const HttpFields fields = cors_fields(policy, "https://shop.example");
  EXPECT_EQ(find_field(fields, "access-control-allow-origin"), "https://shop.example");
  EXPECT_EQ(find_field(fields, "access-control-allow-credentials"), "true");
  EXPECT_EQ(find_field(cors_fields(policy, "https://evil.test"), "Access-Control-Allow-Origin"), "");
  const HttpFields any = cors_fields({{"*"}, {}, 60}, "https://x.test");
  EXPECT_EQ(find_field(any, "Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(find_field(any, "Access-Control-Allow-Credentials"), "");

  HttpRequest request;
  request.headers = {{"Origin", "https://shop.example"}, {"Access-Control-Request-Method", "POST"}};
  const HttpResponse response = answer_preflight(policy, request, "POST");
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(find_field(response.headers, "Access-Control-Allow-Methods"), "POST");
  EXPECT_EQ(find_field(response.headers, "Access-Control-Allow-Headers"),
            "Content-Type, Content-Encoding, Accept, X-Token");
}

}  // namespace
}  // namespace clew::net
