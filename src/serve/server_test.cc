// SPDX-License-Identifier: Apache-2.0
//
// The APIs over a real connection: a server on a free port, over heads that the tests fill. Each endpoint is asked for
// what it has, for what it has not, and with parameters that are wrong; answers are compared with the contract in
// docs/reference/api.md.
#include "serve/server.h"

#include <gmock/gmock.h>
#include <simdjson.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <semaphore>
#include <set>
#include <sstream>

#include "decode/otlp/traces_protobuf.h"
#include "net/http_client.h"
#include "net/url.h"
#include "platform/system_clock.h"
#include "render/testing/trace_builder.h"

namespace clew::serve {
namespace {

using render::testing::kEpoch;
using render::testing::TraceBuilder;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kOrderId = "5b8aa5a2d2c872e8321cf37308d69df2";
// Within the default look-back of Jaeger's search.
constexpr UnixNanos kNow = kEpoch + 60 * kNanosPerSecond;

class FixedClock : public Clock {
 public:
  UnixNanos now() const override { return kNow; }
  uint64_t monotonic_nanos() const override { return platform::system_clock().monotonic_nanos(); }
};

class HeadStore : public store::Store {
 public:
  void add(const std::string& tenant, const model::SpanBatch& spans) {
    std::shared_ptr<store::Head>& head = heads_[tenant];
    if (head == nullptr) head = std::make_shared<store::Head>();
    head->append(spans, kEpoch + kNanosPerSecond);
  }
  void submit(store::Submission) override {}
  std::optional<store::Snapshot> snapshot(std::string_view tenant) const override {
    const auto found = heads_.find(std::string(tenant));
    if (found == heads_.end()) return std::nullopt;
    return store::Snapshot(found->second->snapshot());
  }
  std::vector<std::string> tenants() const override { return {}; }
  const store::Recovery& recovery() const override { return recovery_; }
  Result<void> flush() override { return {}; }
  Result<void> compact() override { return {}; }
  store::StorageFigures storage() const override { return {}; }
  void change_policy(const store::Policy& /*policy*/) override {}

 private:
  std::map<std::string, std::shared_ptr<store::Head>> heads_;
  store::Recovery recovery_;
};

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    store_.add("default", render::testing::order_trace());
    TraceBuilder other;
    other.attributes({{"http.status_code", int64_t{500}}, {"http.method", "GET"}});
    other.span({.id = 1,
                .name = "GET /",
                .service = "web",
                .start_ms = 1000,
                .end_ms = 1300,
                .kind = 2,
                .status = 2,
                .trace = {0, 0xabc}});
    store_.add("default", other.batch);
    start({});
  }

  void start(Options options) {
    options.http.address = {"127.0.0.1", 0};
    options.http.setting = "listen.http";
    options.version = "1.2<3";
    if (!options.tenant)
      options.tenant = [](std::string_view) -> Result<std::string> { return std::string("default"); };
    server_ = std::make_unique<Server>(std::move(options), store_, budget_, metrics_, clock_);
    const Result<void> started = server_->start();
    ASSERT_TRUE(started.ok()) << started.error().what();
    client_.emplace(MUST(net::HttpClient::to("http://" + server_->address().text())));
  }

  net::HttpAnswer get(std::string_view target, const net::HttpFields& headers = {}) {
    Result<net::HttpAnswer> answer = client_->get(target, headers);
    EXPECT_TRUE(answer.ok()) << (answer.ok() ? "" : answer.error().what());
    return answer.ok() ? *answer : net::HttpAnswer();
  }
  net::HttpAnswer search(std::string_view query, std::string_view more = "") {
    return get("/clew/v1/search?q=" + net::percent_encode(query) + std::string(more));
  }

  FixedClock clock_;
  Metrics metrics_;
  MemoryBudget budget_{64 << 20};
  HeadStore store_;
  std::unique_ptr<Server> server_;
  std::optional<net::HttpClient> client_;
};

TEST_F(ServerTest, FindsTracesNewestFirst) {
  const net::HttpAnswer answer = search("{ }");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Content-Type"), "application/json");
  EXPECT_LT(answer.body.find("00000000000000000000000000000abc"), answer.body.find(kOrderId));
  EXPECT_THAT(answer.body, HasSubstr(R"("complete":true,"stats":{"inspectedTraces":2,"inspectedSpans":6,)"));
  EXPECT_THAT(answer.body, HasSubstr(R"("rootService":"gateway","rootName":"API Gateway",)"
                                     R"("startTimeUnixNano":"1795200536000000000","durationNanos":"450000000",)"
                                     R"("spanCount":5,"errorCount":0,"serviceCount":5,)"));
}

TEST_F(ServerTest, ShowsMatchingSpansAndWhatTheQuerySpeaksOf) {
  EXPECT_THAT(search("{ span.http.status_code >= 500 }").body,
              HasSubstr(R"("matchedCount":1,"spans":[{"spanId":"0000000000000001","service":"web","name":"GET /",)"
                        R"("kind":"server","status":"error","startTimeUnixNano":"1795200537000000000",)"
                        R"("durationNanos":"300000000","attributes":[{"scope":"span","key":"http.status_code",)"
                        R"("value":{"intValue":"500"}}]}])"));
  EXPECT_THAT(search("{ name = \"Order\" } >> { name = \"Fraud Check\" }").body, HasSubstr("\"name\":\"Fraud Check\""));
  EXPECT_THAT(search("{ name = \"nothing\" }").body, StartsWith(R"({"traces":[],"complete":true)"));
}

TEST_F(ServerTest, PagesThroughAnAnswer) {
  const net::HttpAnswer first = search("{ }", "&limit=1");
  const size_t begin = first.body.find("\"nextToken\":\"") + 13;
  const std::string token = first.body.substr(begin, first.body.find('"', begin) - begin);
  const net::HttpAnswer second = search("{ }", "&limit=1&token=" + net::percent_encode(token));
  EXPECT_THAT(first.body, AllOf(HasSubstr("0abc"), Not(HasSubstr(std::string(kOrderId)))));
  EXPECT_THAT(second.body, AllOf(HasSubstr(std::string(kOrderId)), Not(HasSubstr("nextToken"))));
  EXPECT_EQ(search("{ }", "&limit=1&token=rubbish").status, 400);
}

TEST_F(ServerTest, StreamsAnAnswerInLines) {
  const net::HttpAnswer lines = search("{ }", "&stream=true");
  EXPECT_EQ(lines.status, 200);
  EXPECT_EQ(lines.header("Content-Type"), "application/x-ndjson");
  EXPECT_EQ(lines.header("Cache-Control"), "no-store");
  std::string joined;
  std::string last;
  size_t progress = 0;
  std::istringstream each(lines.body);
  for (std::string line; std::getline(each, line); last = line) {
    progress += line.starts_with(R"({"progress":{"foundTraces":)") ? 1 : 0;
    if (!line.starts_with(R"({"trace":)")) continue;
    if (!joined.empty()) joined += ',';
    joined += line.substr(9, line.size() - 10);
  }
  EXPECT_THAT(last, StartsWith(R"({"end":{"traceCount":2,"complete":true,"stats":{"inspectedTraces":2,)"));
  EXPECT_EQ(progress, 1u);  // behind the head
  EXPECT_THAT(search("{ }").body, StartsWith(R"({"traces":[)" + joined + R"(],"complete":true)"));
  EXPECT_EQ(get("/clew/v1/search", {{"Accept", "application/x-ndjson"}}).header("Content-Type"),
            "application/x-ndjson");
  EXPECT_EQ(search("{ }", "&stream=false").header("Content-Type"), "application/json");
  EXPECT_EQ(search("{ }", "&stream=maybe").status, 400);
  EXPECT_EQ(search("{", "&stream=true").header("Content-Type"), "application/problem+json");
}

TEST_F(ServerTest, TakesTimesInEveryForm) {
  EXPECT_THAT(search("{ }", "&from=2026-11-20T18:48:57Z").body, Not(HasSubstr(std::string(kOrderId))));
  EXPECT_THAT(search("{ }", "&from=1795200536&to=1795200536900").body, Not(HasSubstr("0abc")));
  EXPECT_THAT(search("{ }", "&since=1s").body, StartsWith(R"({"traces":[])"));
  EXPECT_THAT(search("{ }", "&since=2m").body, HasSubstr("0abc"));
  for (const char* wrong : {"&from=x", "&since=x", "&since=1h&from=2h", "&from=1h&to=2h", "&limit=0", "&limit=x",
                            "&limit=99999", "&spss=101"})
    EXPECT_EQ(search("{ }", wrong).status, 400) << wrong;
}

TEST_F(ServerTest, SaysWhereAQueryIsWrong) {
  const net::HttpAnswer answer = search("{ name = }");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.header("Content-Type"), "application/problem+json");
  EXPECT_THAT(answer.body,
              AllOf(HasSubstr(R"("status":400)"), HasSubstr(R"("line":1,"column":10)"), HasSubstr(R"("expected":)")));
}

TEST_F(ServerTest, ReadsATraceByEverySpellingOfItsId) {
  const std::string otlp = get("/clew/v1/traces/" + std::string(kOrderId)).body;
  EXPECT_THAT(otlp, StartsWith(R"({"resourceSpans":[{"resource":)"));
  for (const char* id : {"5B8AA5A2D2C872E8321CF37308D69DF2", "5b8aa5a2-d2c8-72e8-321c-f37308d69df2",
                         "W4qlotLIcugyHPNzCNad8g==", "W4qlotLIcugyHPNzCNad8g"})
    EXPECT_EQ(get("/clew/v1/traces/" + std::string(id)).body, otlp) << id;
  for (const char* id : {"abc", "0abc", "0000000000000abc"})
    EXPECT_EQ(get("/clew/v1/traces/" + std::string(id)).status, 200) << id;
  EXPECT_EQ(get("/clew/v1/traces/xyz").status, 400);
  EXPECT_EQ(get("/clew/v1/traces/123").status, 404);
  EXPECT_EQ(get("/clew/v1/traces/123").header("Content-Type"), "application/problem+json");
}

TEST_F(ServerTest, ReadsATraceInEveryForm) {
  const std::string path = "/clew/v1/traces/" + std::string(kOrderId);
  const net::HttpAnswer protobuf = get(path, {{"Accept", "application/x-protobuf"}});
  EXPECT_EQ(protobuf.header("Content-Type"), "application/x-protobuf");
  model::SpanBatch spans;
  ASSERT_TRUE(decode::otlp::decode_traces_protobuf(as_bytes(protobuf.body), spans).ok());
  EXPECT_EQ(spans.span_count(), 5u);
  EXPECT_THAT(get(path + "?format=jaeger").body,
              StartsWith(R"({"data":[{"traceID":"5b8aa5a2d2c872e8321cf37308d69df2")"));
  EXPECT_THAT(get(path + "?format=text&width=80&charset=ascii").body, HasSubstr("`- Fraud Check"));
  EXPECT_THAT(get(path + "?format=text").header("Content-Type"), StartsWith("text/plain"));
  EXPECT_EQ(get(path + "?format=yaml").status, 400);
  EXPECT_EQ(get(path + "?format=text&width=5").status, 400);
  EXPECT_EQ(get(path + "?format=text&charset=latin1").status, 400);
  EXPECT_EQ(get(path + "?format=text&colour=red").status, 400);
}

TEST_F(ServerTest, StreamsALargeTraceWhole) {
  TraceBuilder large;
  for (uint64_t id = 1; id <= 5000; ++id)
    large.span({.id = id, .parent = id / 2, .name = "span", .end_ms = 1, .trace = {7, 7}});
  store_.add("default", large.batch);
  const net::HttpAnswer json = get("/clew/v1/traces/00000000000000070000000000000007");
  EXPECT_EQ(json.status, 200);
  EXPECT_GT(json.body.size(), 500'000u);
  EXPECT_TRUE(json.body.ends_with("]}]}]}"));
  model::SpanBatch spans;
  const net::HttpAnswer protobuf = get("/clew/v1/traces/00000000000000070000000000000007?format=protobuf");
  ASSERT_TRUE(decode::otlp::decode_traces_protobuf(as_bytes(protobuf.body), spans).ok());
  EXPECT_EQ(spans.span_count(), 5000u);
  const std::string jaeger = get("/api/traces/00000000000000070000000000000007").body;
  EXPECT_TRUE(jaeger.ends_with(R"("warnings":null}],"total":0,"limit":0,"offset":0,"errors":null})"));
  size_t count = 0;
  for (size_t at = 0; (at = jaeger.find("\"spanID\":", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, 5000u + 4999u);  // each span, and each reference to a parent
}

TEST_F(ServerTest, ReadsATracePageByPage) {
  TraceBuilder large;
  for (uint64_t id = 1; id <= 5000; ++id)
    large.span({.id = id, .parent = id / 2, .name = "span", .end_ms = 1, .trace = {7, 7}});
  store_.add("default", large.batch);
  const std::string path = "/clew/v1/traces/00000000000000070000000000000007";
  const auto ids_of = [](const net::HttpAnswer& answer) {
    model::SpanBatch spans;
    CHECK(decode::otlp::decode_traces_protobuf(as_bytes(answer.body), spans).ok());
    std::vector<uint64_t> ids;
    for (size_t row = 0; row < spans.span_count(); ++row) ids.push_back(spans.span_id[row].value);
    return ids;
  };
  const std::vector<uint64_t> all = ids_of(get(path + "?format=protobuf"));
  std::vector<uint64_t> paged;
  std::string offset = "0";
  while (!offset.empty()) {
    const net::HttpAnswer page = get(path + "?format=protobuf&limit=1500&offset=" + offset);
    EXPECT_EQ(page.header("Clew-Span-Count"), "5000");
    std::ranges::copy(ids_of(page), std::back_inserter(paged));
    offset = page.header("Clew-Next-Offset");
    EXPECT_EQ(offset, paged.size() < 5000 ? std::to_string(paged.size()) : "");
  }
  EXPECT_EQ(paged, all);

  const std::string text = get(path + "?format=text&limit=10&offset=20").body;
  EXPECT_THAT(text, HasSubstr("spans 21 to 30 of 5000 spans"));
  EXPECT_THAT(text, HasSubstr("\n4970 more spans: --offset 30 (in the API: offset=30)\n"));
  EXPECT_THAT(text, Not(HasSubstr("missing")));
  EXPECT_THAT(get(path + "?format=text&limit=5000").body, Not(HasSubstr("more spans")));
  EXPECT_EQ(get(path + "?offset=5000").status, 400);
  EXPECT_EQ(get(path + "?limit=0").status, 400);
}

TEST_F(ServerTest, SaysWhenMemoryIsSpent) {
  Reservation all(budget_, Share::Query);
  ASSERT_TRUE(all.grow(budget_.limit(Share::Query)));
  const net::HttpAnswer answer = get("/clew/v1/traces/" + std::string(kOrderId));
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.header("Retry-After"), "1");
}

TEST_F(ServerTest, AnswersJaegersTraceById) {
  const net::HttpAnswer answer = get("/api/traces/" + std::string(kOrderId));
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, StartsWith(R"({"data":[{"traceID":"5b8aa5a2d2c872e8321cf37308d69df2","spans":[)"));
  EXPECT_TRUE(answer.body.ends_with(R"("warnings":null}],"total":0,"limit":0,"offset":0,"errors":null})"));
  const net::HttpAnswer missing = get("/api/traces/123");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.body,
            R"({"data":null,"total":0,"limit":0,"offset":0,"errors":[{"code":404,"msg":"trace not found"}]})");
  EXPECT_EQ(get("/api/traces/%25").status, 400);
}

TEST_F(ServerTest, AnswersJaegersSearch) {
  EXPECT_THAT(get("/api/traces?service=web&operation=GET+%2F&tag=error:true&tag=http.status_code:500").body,
              StartsWith(R"({"data":[{"traceID":"0000000000000abc")"));
  EXPECT_THAT(get("/api/traces?service=web&minDuration=301ms").body, StartsWith(R"({"data":[],)"));
  EXPECT_THAT(get("/api/traces?service=web&start=0&end=1").body, StartsWith(R"({"data":[],)"));
  EXPECT_THAT(get("/api/traces?service=order").body, HasSubstr(R"("serviceName":"fraud")"));
  EXPECT_EQ(get("/api/traces").status, 400);
  EXPECT_THAT(get("/api/traces").body, HasSubstr(R"([{"code":400,"msg":"parameter 'service' is required"}])"));
}

TEST_F(ServerTest, AnswersJaegersRequestForSeveralTraces) {
  const net::HttpAnswer answer = get("/api/traces?traceID=abc&traceID=123&traceID=" + std::string(kOrderId));
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, AllOf(HasSubstr(R"({"traceID":"0000000000000abc")"), HasSubstr(std::string(kOrderId))));
  EXPECT_THAT(answer.body, HasSubstr(R"("errors":[{"msg":"there is no trace )"));
  EXPECT_THAT(answer.body, HasSubstr(R"("traceID":"0000000000000123"}])"));
}

TEST_F(ServerTest, ListsServicesAndOperations) {
  EXPECT_EQ(get("/api/services").body, R"({"data":["fraud","gateway","inventory","order","payment","web"],"total":6,)"
                                       R"("limit":0,"offset":0,"errors":null})");
  EXPECT_EQ(get("/api/services/web/operations").body,
            R"({"data":["GET /"],"total":1,"limit":0,"offset":0,"errors":null})");
  EXPECT_EQ(get("/api/services/nobody/operations").body, R"({"data":[],"total":0,"limit":0,"offset":0,"errors":null})");
  EXPECT_EQ(get("/api/operations?service=web").body,
            R"({"data":[{"name":"GET /","spanKind":"server"}],"total":1,"limit":0,"offset":0,"errors":null})");
  EXPECT_THAT(get("/api/operations?service=web&spanKind=client").body, StartsWith(R"({"data":[],)"));
  EXPECT_EQ(get("/api/operations").status, 400);
}

TEST_F(ServerTest, NamesAttributesWithCounts) {
  EXPECT_THAT(get("/clew/v1/attributes?scope=span&prefix=http.").body,
              StartsWith(R"({"attributes":[{"scope":"span","name":"http.method","spanCount":1,)"
                         R"("types":[{"type":"string","spanCount":1}]},{"scope":"span","name":"http.status_code",)"
                         R"("spanCount":1,"types":[{"type":"int","spanCount":1}]}],"attributeCount":2,"spanCount":6,)"
                         R"("complete":true,"stats":{"inspectedTraces":2,)"));
  EXPECT_THAT(get("/clew/v1/attributes?scope=intrinsic&prefix=event:n").body,
              StartsWith(R"({"attributes":[{"scope":"intrinsic","name":"event:name","spanCount":0,)"
                         R"("types":[{"type":"string","spanCount":0}]}],"attributeCount":1,"spanCount":6,)"));
  EXPECT_THAT(get("/clew/v1/attributes?limit=1").body,
              AllOf(StartsWith(R"({"attributes":[{"scope":"span",)"), Not(HasSubstr("resource"))));
  EXPECT_THAT(get("/clew/v1/attributes?q=%7B+status+%3D+error+%7D&scope=resource").body,
              HasSubstr(R"("name":"service.name","spanCount":1,)"));
  for (const char* wrong : {"scope=trace", "limit=0", "limit=10001", "from=x", "q=%7B"})
    EXPECT_EQ(get("/clew/v1/attributes?" + std::string(wrong)).status, 400) << wrong;
}

TEST_F(ServerTest, ListsValuesOfAnAttribute) {
  EXPECT_THAT(get("/clew/v1/attribute-values?scope=span&name=http.status_code").body,
              StartsWith(R"({"values":[{"value":{"intValue":"500"},"spanCount":1}],"valueCount":1,"spanCount":6,)"
                         R"("complete":true,)"));
  EXPECT_THAT(get("/clew/v1/attribute-values?scope=intrinsic&name=status&prefix=err").body,
              StartsWith(R"({"values":[{"value":{"stringValue":"error"},"spanCount":1}],)"));
  EXPECT_THAT(get("/clew/v1/attribute-values?scope=resource&name=service.name&q=%7B+status+%3D+error+%7D").body,
              StartsWith(R"({"values":[{"value":{"stringValue":"web"},"spanCount":1}],"valueCount":1,"spanCount":1,)"));
  EXPECT_THAT(get("/clew/v1/attribute-values?scope=span&name=no%2Fsuch%00one").body, StartsWith(R"({"values":[],)"));
  EXPECT_THAT(get("/clew/v1/attribute-values?scope=intrinsic&name=nam").body, HasSubstr("did you mean 'name'?"));
  EXPECT_THAT(get("/clew/v1/attribute-values?scope=intrinsic&name=span:id").body, HasSubstr("are not listed"));
  for (const char* wrong : {"", "scope=span", "name=x", "scope=&name=x", "scope=span&name=x&limit=x"})
    EXPECT_EQ(get("/clew/v1/attribute-values?" + std::string(wrong)).status, 400) << wrong;
}

// Each route of the native API is an operation of the OpenAPI document, and the other way round.
TEST_F(ServerTest, ServesADocumentOfItsRoutes) {
  const net::HttpAnswer answer = get("/clew/v1/openapi.json");
  EXPECT_EQ(answer.header("Content-Type"), "application/json");
  std::set<std::string> documented;
  simdjson::dom::parser parser;
  simdjson::dom::object paths;
  ASSERT_EQ(parser.parse(answer.body)["paths"].get(paths), simdjson::SUCCESS);
  for (const auto& [path, operations] : paths) {
    for (const auto& [method, operation] : operations.get_object().value_unsafe()) {
      std::string upper(method);
      std::ranges::transform(upper, upper.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
      documented.insert(upper + " " + std::string(path));
    }
  }
  std::set<std::string> routes;
  for (const Route& route : server_->routes_for_test())
    if (route.path.starts_with("/clew/")) routes.insert(route.method + " " + route.path);
  EXPECT_EQ(documented, routes);
}

TEST_F(ServerTest, MarksAnswersAsOfTheMoment) {
  for (const char* path : {"/clew/v1/search", "/clew/v1/search?limit=x", "/clew/v1/services", "/clew/v1/attributes",
                           "/clew/v1/admin/storage", "/clew/v1/nothing"}) {
    const net::HttpAnswer answer = get(path);
    EXPECT_EQ(answer.header("Cache-Control"), "no-store") << path;
    EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff") << path;
  }
}

TEST_F(ServerTest, TellsServicesAndOperationsWithCounts) {
  EXPECT_THAT(get("/clew/v1/services").body,
              AllOf(StartsWith(R"({"services":[{"name":"fraud","spanCount":)"), EndsWith(R"(],"complete":true})")));
  EXPECT_THAT(get("/clew/v1/operations?service=gateway").body,
              AllOf(StartsWith(R"({"operations":[{"name":"API Gateway","kind":"server","spanCount":1,"errorCount":)"),
                    HasSubstr(R"("durationNanos":{"p50":")")));
  EXPECT_EQ(get("/clew/v1/operations?service=nobody").body, R"({"operations":[],"complete":true})");
  EXPECT_EQ(get("/clew/v1/operations").status, 400);
  EXPECT_EQ(get("/clew/v1/services?from=never").status, 400);
  EXPECT_EQ(get("/clew/v1/services?from=2001-01-01T00:00:00Z&to=2001-01-02T00:00:00Z").body,
            R"({"services":[],"complete":true})");
}

TEST_F(ServerTest, DrawsTheGraph) {
  EXPECT_THAT(get("/clew/v1/graph").body,
              AllOf(StartsWith(R"({"nodes":[{"name":"fraud","kind":"service","calls":)"),
                    HasSubstr(R"({"caller":"gateway","callee":"order","calleeKind":"service","calls":1,"failed":)"),
                    EndsWith(R"(],"complete":true})")));
  EXPECT_EQ(get("/clew/v1/graph?since=x").status, 400);
}

TEST_F(ServerTest, AnswersJaegersDependencies) {
  const std::string order = R"({"parent":"gateway","child":"order","callCount":1})";
  const std::string span = "endTs=4102444800000&lookback=4102444800000";
  EXPECT_THAT(get("/api/dependencies?" + span).body, AllOf(StartsWith(R"({"data":[)"), HasSubstr(order)));
  EXPECT_THAT(get("/api/dependencies?service=payment&" + span).body, Not(HasSubstr(order)));
  EXPECT_THAT(get("/api/dependencies?endTs=60000&lookback=60000").body, StartsWith(R"({"data":[],)"));
  EXPECT_EQ(get("/api/dependencies?endTs=yesterday").status, 400);
}

TEST_F(ServerTest, KeepsTenantsApart) {
  store_.add("b", render::testing::order_trace());
  Options options;
  options.tenant = [](std::string_view scope) -> Result<std::string> {
    if (scope.empty()) return Error(Code::Unauthenticated, "the header X-Scope-OrgID is missing");
    return std::string(scope);
  };
  start(std::move(options));
  EXPECT_EQ(search("{ }").status, 401);
  EXPECT_EQ(get("/api/services").status, 401);
  EXPECT_EQ(get("/api/traces/abc", {{"X-Scope-OrgID", "default"}}).status, 200);
  EXPECT_EQ(get("/api/traces/abc", {{"X-Scope-OrgID", "b"}}).status, 404);
  EXPECT_EQ(get("/api/traces/abc", {{"X-Scope-OrgID", "never-sent"}}).status, 404);
  EXPECT_THAT(get("/api/services", {{"X-Scope-OrgID", "never-sent"}}).body, StartsWith(R"({"data":[],)"));
  EXPECT_EQ(get("/healthz").status, 200);
}

TEST_F(ServerTest, ShowsThePageAndHealth) {
  server_->set_doors({{"OTLP HTTP", "127.0.0.1:4318"}, {"<script>", "x"}});
  const net::HttpAnswer page = get("/");
  EXPECT_THAT(page.body,
              AllOf(HasSubstr("version 1.2&lt;3"), HasSubstr("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318"),
                    Not(HasSubstr("<script>"))));
  EXPECT_THAT(page.header("Content-Security-Policy"), StartsWith("default-src 'none'"));
  EXPECT_EQ(get("/healthz").status, 200);
  EXPECT_EQ(get("/ready").status, 503);
  server_->set_ready(true);
  EXPECT_EQ(get("/ready").status, 200);
  EXPECT_THAT(get("/metrics").body, HasSubstr("# TYPE clew_query_seconds histogram"));
}

TEST_F(ServerTest, RefusesInTheWordsOfTheApi) {
  EXPECT_EQ(get("/nothing").status, 404);
  EXPECT_EQ(get("/clew/v1/nothing").header("Content-Type"), "application/problem+json");
  EXPECT_THAT(get("/api/nothing").body, StartsWith(R"({"data":null)"));
  Result<net::HttpAnswer> posted = client_->post("/api/services", "", "text/plain");
  ASSERT_TRUE(posted.ok());
  EXPECT_EQ(posted->status, 405);
}

}  // namespace
}  // namespace clew::serve
