// SPDX-License-Identifier: Apache-2.0
//
// Proves over real sockets what the OTLP specification asks of a server: each row is a request and the status, headers
// and body that it must get, on both doors, in every form and encoding.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "net/grpc_client.h"
#include "net/http_client.h"
#include "net/testing/raw_socket.h"
#include "receive/testing/doors.h"

namespace clew::receive {
namespace {

using namespace std::chrono_literals;
using net::GrpcAnswer;
using net::GrpcClient;
using net::HttpAnswer;
using net::HttpClient;
using net::testing::RawSocket;
using testing::Doors;
using testing::FakeStore;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::trace_request;

constexpr char kProtobuf[] = "application/x-protobuf";
constexpr char kJson[] = "application/json";
constexpr char kTraceExport[] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
constexpr char kLogsExport[] = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
constexpr char kMetricsExport[] = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
constexpr char kJsonTraces[] =
    R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c",)"
    R"("spanId":"eee19b7ec3c1b174","name":"a","kind":1,"startTimeUnixNano":"1","endTimeUnixNano":"2"}]}]}]})";

std::string deflated(codec::Encoding encoding, std::string_view text) {
  codec::Deflater deflater;
  return deflater.deflate(encoding, text);
}

// The fields of a google.rpc.Status, or of the partial success in a response, by number.
struct Message {
  uint64_t number = 0;
  std::string text;
  std::vector<std::string> details;
};
Message read_message(std::string_view bytes) {
  Message message;
  codec::ProtoReader reader(as_bytes(bytes));
  while (reader.next_tag()) {
    Bytes inner;
    if (reader.tag() == codec::varint_tag(1)) {
      reader.read_uint64(message.number);
    } else if (reader.tag() == codec::length_tag(2) && reader.read_bytes(inner)) {
      message.text = as_text(inner);
    } else if (reader.tag() == codec::length_tag(3) && reader.read_bytes(inner)) {
      message.details.emplace_back(as_text(inner));
    } else {
      reader.skip();
    }
  }
  EXPECT_FALSE(reader.failed());
  return message;
}
// Of a whole response: {1: partial_success}.
Message read_partial_success(std::string_view response) {
  codec::ProtoReader reader(as_bytes(response));
  Bytes inner;
  while (reader.next_tag()) {
    if (reader.tag() == codec::length_tag(1) && reader.read_bytes(inner)) return read_message(as_text(inner));
    reader.skip();
  }
  return {};
}

struct HttpRow {
  const char* what;
  const char* target;
  std::string body;
  net::HttpFields headers;
  int status;
  const char* says;  // part of the answer's body
};

TEST(OtlpHttp, AnswersEveryKindOfRequest) {
  Doors doors({.body_bytes_max = 1 << 20});
  const std::string good = trace_request(3);
  const std::string zeros(2 << 20, '\0');
  const auto row = [](const char* what, const char* target, std::string body, const char* type, const char* encoding,
                      int status, const char* says) {
    HttpRow made{what, target, std::move(body), {}, status, says};
    if (*type != '\0') made.headers.emplace_back("Content-Type", type);
    if (*encoding != '\0') made.headers.emplace_back("Content-Encoding", encoding);
    return made;
  };
  using codec::Encoding;
  const HttpRow rows[] = {
      row("protobuf", "/v1/traces", good, kProtobuf, "", 200, ""),
      row("json", "/v1/traces", kJsonTraces, kJson, "", 200, "{}"),
      row("json with charset", "/v1/traces", kJsonTraces, "Application/JSON; charset=utf-8", "", 200, "{}"),
      row("gzip", "/v1/traces", deflated(Encoding::Gzip, good), kProtobuf, "gzip", 200, ""),
      row("zstd", "/v1/traces", deflated(Encoding::Zstd, good), kProtobuf, "zstd", 200, ""),
      row("json gzip", "/v1/traces", deflated(Encoding::Gzip, kJsonTraces), kJson, "gzip", 200, "{}"),
      row("identity", "/v1/traces", good, kProtobuf, "identity", 200, ""),
      row("empty", "/v1/traces", "", kProtobuf, "", 200, ""),
      row("empty json", "/v1/traces", "{}", kJson, "", 200, "{}"),
      row("one bad span", "/v1/traces", trace_request(2, 1), kProtobuf, "", 200, "trace"),
      row("not protobuf", "/v1/traces", "\xff\xff\xff", kProtobuf, "", 400, ""),
      row("cut off", "/v1/traces", good.substr(0, good.size() - 1), kProtobuf, "", 400, ""),
      row("not json", "/v1/traces", "{", kJson, "", 400, "\"code\":3"),
      row("not gzip", "/v1/traces", good, kProtobuf, "gzip", 400, ""),
      row("gzip cut off", "/v1/traces", deflated(Encoding::Gzip, good).substr(0, 40), kProtobuf, "gzip", 400, ""),
      row("zstd cut off", "/v1/traces", deflated(Encoding::Zstd, good).substr(0, 40), kProtobuf, "zstd", 400, ""),
      row("too large", "/v1/traces", std::string((1 << 20) + 1, 'x'), kProtobuf, "", 413, "more than"),
      row("gzip bomb", "/v1/traces", deflated(Encoding::Gzip, zeros), kProtobuf, "gzip", 413, ""),
      row("zstd bomb", "/v1/traces", deflated(Encoding::Zstd, zeros), kProtobuf, "zstd", 413, ""),
      row("no type", "/v1/traces", good, "", "", 415, "Content-Type"),
      row("text", "/v1/traces", good, "text/plain", "", 415, "Content-Type"),
      row("deflate", "/v1/traces", good, kProtobuf, "deflate", 415, "Content-Encoding"),
      row("two encodings", "/v1/traces", good, kJson, "gzip, zstd", 415, "Content-Encoding"),
      row("elsewhere", "/v1/trace", good, kProtobuf, "", 404, "nothing"),
      row("logs", "/v1/logs", "", kProtobuf, "", 200, ""),
      row("metrics", "/v1/metrics", "{}", kJson, "", 200, "{}"),
      row("broken logs", "/v1/logs", "\xff", kProtobuf, "", 400, ""),
      row("broken metrics", "/v1/metrics", "[", kJson, "", 400, "\"code\":3"),
  };
  HttpClient client = MUST(HttpClient::to("http://" + doors.http->address().text()));
  for (const HttpRow& r : rows) {
    const Result<HttpAnswer> answer = client.request("POST", r.target, r.body, r.headers);
    ASSERT_TRUE(answer.ok()) << r.what << ": " << answer.error().what();
    EXPECT_EQ(answer->status, r.status) << r.what;
    EXPECT_THAT(answer->body, HasSubstr(r.says)) << r.what;
    const std::string_view type = net::find_field(r.headers, "Content-Type");
    const bool json = type != kProtobuf;
    EXPECT_EQ(answer->header("Content-Type"), json ? kJson : kProtobuf) << r.what;
    if (r.status == 200) continue;
    if (json) {
      EXPECT_THAT(answer->body, HasSubstr("\"message\":")) << r.what;
    } else {
      EXPECT_FALSE(read_message(answer->body).text.empty()) << r.what;
    }
  }
  EXPECT_EQ(doors.store.spans(), 3u + 1 + 1 + 3 + 3 + 1 + 3 + 2);
  EXPECT_EQ(doors.in_flight(), 0u);
}

TEST(OtlpHttp, SaysWhichMethodsAndEncodingsItTakes) {
  Doors doors;
  HttpClient client = MUST(HttpClient::to("http://" + doors.http->address().text()));
  const auto get = client.request("GET", "/v1/traces", "", {});
  EXPECT_EQ(get->status, 405);
  EXPECT_EQ(get->header("Allow"), "POST");
  EXPECT_THAT(get->body, HasSubstr("\"message\":"));
  const auto put = client.request("PUT", "/v1/traces", "x", {{"Content-Type", kProtobuf}});
  EXPECT_EQ(put->status, 405);
  EXPECT_EQ(put->header("Content-Type"), kProtobuf);
  const auto encoding =
      client.request("POST", "/v1/traces", "x", {{"Content-Type", kJson}, {"Content-Encoding", "br"}});
  EXPECT_EQ(encoding->header("Accept-Encoding"), "gzip, zstd");
}

TEST(OtlpHttp, KeepsTheGoodSpansAndSaysHowManyWereBad) {
  Doors doors;
  HttpClient client = MUST(HttpClient::to("http://" + doors.http->address().text()));
  const auto protobuf = client.post("/v1/traces", trace_request(5, 2), kProtobuf);
  EXPECT_EQ(protobuf->status, 200);
  EXPECT_EQ(read_partial_success(protobuf->body).number, 2u);
  EXPECT_NE(read_partial_success(protobuf->body).text, "");
  EXPECT_EQ(doors.store.spans(), 5u);
  const auto all_bad = client.post("/v1/traces", trace_request(0, 4), kProtobuf);
  EXPECT_EQ(all_bad->status, 200);
  EXPECT_EQ(read_partial_success(all_bad->body).number, 4u);
  std::string json = kJsonTraces;
  json.replace(json.find("5b8efff"), 7, "");
  const auto bad_json = client.post("/v1/traces", json, kJson);
  EXPECT_EQ(bad_json->status, 200);
  EXPECT_THAT(bad_json->body, HasSubstr(R"("rejectedSpans":"1")"));
  EXPECT_THAT(doors.metrics.prometheus_text(), HasSubstr(R"(clew_receive_rejected_spans_total{reason="trace_id"} 7)"));
  EXPECT_THAT(doors.metrics.prometheus_text(),
              HasSubstr(R"(otelcol_receiver_accepted_spans_total{receiver="otlp",transport="http"} 5)"));
}

TEST(OtlpHttp, DeclinesLogsAndMetricsWithoutFailing) {
  Doors doors;
  HttpClient client = MUST(HttpClient::to("http://" + doors.http->address().text()));
  const auto logs = client.post(
      "/v1/logs", R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{},{},{}]},{"logRecords":[{}]}]}]})", kJson);
  EXPECT_EQ(logs->status, 200);
  EXPECT_THAT(logs->body, HasSubstr(R"("rejectedLogRecords":"4")"));
  const auto metrics =
      client.post("/v1/metrics",
                  R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{},{}]}},)"
                  R"({"sum":{"dataPoints":[{}]}}]}]}]})",
                  kJson);
  EXPECT_EQ(metrics->status, 200);
  EXPECT_THAT(metrics->body, HasSubstr(R"("rejectedDataPoints":"3")"));

  std::string body;
  codec::ProtoWriter writer(body);
  writer.message(1, [&] { writer.message(2, [&] { writer.text(2, ""), writer.text(2, ""); }); });
  const auto protobuf = client.post("/v1/logs", body, kProtobuf);
  EXPECT_EQ(read_partial_success(protobuf->body).number, 2u);
  EXPECT_THAT(read_partial_success(protobuf->body).text, HasSubstr("logs"));
  EXPECT_EQ(doors.store.spans(), 0u);
}

TEST(OtlpHttp, NamesTheTenant) {
  Doors doors({.tenancy = true});
  HttpClient client = MUST(HttpClient::to("http://" + doors.http->address().text()));
  const std::string body = trace_request(1);
  EXPECT_EQ(client.post("/v1/traces", body, kProtobuf)->status, 401);
  for (const std::string& bad : {std::string("a/b"), std::string(".."), std::string("a b"), std::string(151, 'a')}) {
    EXPECT_EQ(client.post("/v1/traces", body, kProtobuf, {{"X-Scope-OrgID", bad}})->status, 400) << bad;
  }
  EXPECT_EQ(client.post("/v1/traces", body, kProtobuf, {{"x-scope-orgid", "Team_1.a-b"}})->status, 200);
  EXPECT_EQ(doors.store.tenants(), std::vector<std::string>{"Team_1.a-b"});
}

TEST(OtlpHttp, AStoreThatCannotTakeMoreIsRetryable) {
  Doors doors;
  doors.store.set(FakeStore::Mode::Refuse);
  HttpClient client = MUST(HttpClient::to("http://" + doors.http->address().text()));
  const auto answer = client.post("/v1/traces", trace_request(1), kProtobuf);
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->header("Retry-After"), "1");
  const Message status = read_message(answer->body);
  EXPECT_EQ(status.number, static_cast<uint64_t>(Code::Unavailable));
  ASSERT_EQ(status.details.size(), 1u);
  EXPECT_THAT(status.details[0], HasSubstr("google.rpc.RetryInfo"));
  EXPECT_EQ(doors.in_flight(), 0u);
}

TEST(OtlpHttp, TakesChunksContinueAndPipelines) {
  Doors doors;
  const std::string body = trace_request(2);
  RawSocket socket(doors.http->address().port);
  const std::string head = "POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-protobuf\r\n";
  const std::string sized = fmt::format("{}Content-Length: {}\r\n\r\n{}", head, body.size(), body);
  const std::string chunked = fmt::format("{}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n",
                                          head, 10, body.substr(0, 10), body.size() - 10, body.substr(10));
  socket.send(sized + chunked + sized);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(socket.receive_answer().status, 200);
  socket.send(fmt::format("{}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n", head, body.size()));
  EXPECT_EQ(socket.receive_answer().status, 100);
  socket.send(body);
  EXPECT_EQ(socket.receive_answer().status, 200);
  EXPECT_EQ(doors.store.spans(), 8u);
}

TEST(OtlpHttp, SlowSendersGetAStatusInTheirForm) {
  Doors doors({}, 1 << 30, {.progress = 100ms});
  RawSocket socket(doors.http->address().port);
  socket.send("POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{");
  const auto answer = socket.receive_answer();
  EXPECT_EQ(answer.status, 408);
  EXPECT_THAT(answer.body, HasSubstr("\"code\":4"));
}

TEST(OtlpHttp, LetsPagesOfAllowedOriginsSend) {
  Doors doors({}, 1 << 30, {.cors = {.allowed_origins = {"https://*.example.com"}}});
  HttpClient client = MUST(HttpClient::to("http://" + doors.http->address().text()));
  const auto preflight = client.request("OPTIONS", "/v1/traces", "",
                                        {{"Origin", "https://shop.example.com"},
                                         {"Access-Control-Request-Method", "POST"},
                                         {"Access-Control-Request-Headers", "content-type"}});
  EXPECT_EQ(preflight->status, 204);
  EXPECT_EQ(preflight->header("Access-Control-Allow-Origin"), "https://shop.example.com");
  EXPECT_EQ(preflight->header("Access-Control-Allow-Methods"), "POST");
  EXPECT_THAT(std::string(preflight->header("Access-Control-Allow-Headers")), HasSubstr("Content-Type"));
  const auto sent = client.post("/v1/traces", "{}", kJson, {{"Origin", "https://shop.example.com"}});
  EXPECT_EQ(sent->header("Access-Control-Allow-Origin"), "https://shop.example.com");
  const auto other = client.post("/v1/traces", "{}", kJson, {{"Origin", "https://evil.test"}});
  EXPECT_EQ(other->header("Access-Control-Allow-Origin"), "");
}

struct GrpcRow {
  const char* what;
  const char* method;
  std::string body;
  int status;
  uint64_t rejected;
};

TEST(OtlpGrpc, AnswersEveryKindOfRequest) {
  Doors doors({.body_bytes_max = 1 << 20});
  using codec::Encoding;
  const std::string good = trace_request(3);
  const std::string zeros(2 << 20, '\0');
  std::string logs;
  codec::ProtoWriter writer(logs);
  writer.message(1, [&] { writer.message(2, [&] { writer.text(2, ""); }); });
  std::string metrics;
  codec::ProtoWriter metric_writer(metrics);
  metric_writer.message(1, [&] {
    metric_writer.message(
        2, [&] { metric_writer.message(2, [&] { metric_writer.message(7, [&] { metric_writer.text(1, ""); }); }); });
  });
  const auto code = [](Code c) { return static_cast<int>(c); };
  const GrpcRow rows[] = {
      {"good", kTraceExport, good, 0, 0},
      {"zstd", kTraceExport, deflated(Encoding::Zstd, good), 0, 0},
      {"gzip", kTraceExport, deflated(Encoding::Gzip, good), 0, 0},
      {"empty", kTraceExport, "", 0, 0},
      {"bad spans", kTraceExport, trace_request(2, 3), 0, 3},
      {"not protobuf", kTraceExport, "\xff\xff\xff", code(Code::InvalidArgument), 0},
      {"gzip cut off", kTraceExport, deflated(Encoding::Gzip, good).substr(0, 40), code(Code::InvalidArgument), 0},
      {"too large", kTraceExport, std::string((1 << 20) + 1, 'x'), code(Code::ResourceExhausted), 0},
      {"gzip bomb", kTraceExport, deflated(Encoding::Gzip, zeros), code(Code::ResourceExhausted), 0},
      {"zstd bomb", kTraceExport, deflated(Encoding::Zstd, zeros), code(Code::ResourceExhausted), 0},
      {"logs", kLogsExport, logs, 0, 1},
      {"metrics", kMetricsExport, metrics, 0, 1},
      {"no such method", "/opentelemetry.proto.collector.trace.v1.TraceService/Import", good, code(Code::Unimplemented),
       0},
  };
  GrpcClient client(doors.grpc->address().text(), {});
  for (const GrpcRow& r : rows) {
    const GrpcAnswer answer = client.call(r.method, r.body, {});
    EXPECT_EQ(answer.status, r.status) << r.what << ": " << answer.message;
    if (r.status == 0) {
      EXPECT_EQ(read_partial_success(answer.body).number, r.rejected) << r.what;
      EXPECT_EQ(answer.body.empty(), r.rejected == 0) << r.what;
    }
    // Only what may be tried again says when.
    EXPECT_EQ(answer.details.find("RetryInfo"), std::string::npos) << r.what;
  }
  GrpcClient gzip(doors.grpc->address().text(), {.gzip = true});
  EXPECT_EQ(gzip.call(kTraceExport, good, {}).status, 0);
  EXPECT_EQ(gzip.call(kTraceExport, zeros, {}).status, code(Code::ResourceExhausted));
  EXPECT_EQ(doors.store.spans(), 3u * 4 + 2);
  EXPECT_EQ(doors.in_flight(), 0u);
}

TEST(OtlpGrpc, OverloadCarriesRetryInfo) {
  Doors doors;
  doors.store.set(FakeStore::Mode::Refuse);
  GrpcClient client(doors.grpc->address().text(), {});
  const GrpcAnswer answer = client.call(kTraceExport, trace_request(1), {});
  EXPECT_EQ(answer.status, static_cast<int>(Code::Unavailable));
  const Message status = read_message(answer.details);
  EXPECT_EQ(status.number, static_cast<uint64_t>(Code::Unavailable));
  ASSERT_EQ(status.details.size(), 1u);
  EXPECT_THAT(status.details[0], HasSubstr("type.googleapis.com/google.rpc.RetryInfo"));
}

TEST(OtlpGrpc, NamesTheTenant) {
  Doors doors({.tenancy = true});
  GrpcClient client(doors.grpc->address().text(), {});
  const std::string body = trace_request(1);
  EXPECT_EQ(client.call(kTraceExport, body, {}).status, static_cast<int>(Code::Unauthenticated));
  EXPECT_EQ(client.call(kTraceExport, body, {.metadata = {{"x-scope-orgid", "a/b"}}}).status,
            static_cast<int>(Code::InvalidArgument));
  EXPECT_EQ(client.call(kTraceExport, body, {.metadata = {{"x-scope-orgid", "team"}}}).status, 0);
  EXPECT_EQ(doors.store.tenants(), std::vector<std::string>{"team"});
}

// Nothing is acknowledged before the store has said that it is durable, and draining waits for it.
TEST(OtlpDoors, AnswerAfterTheStoreHasAndDrainWaitsForIt) {
  Doors doors;
  doors.store.set(FakeStore::Mode::Hold);
  GrpcClient grpc(doors.grpc->address().text(), {});
  std::promise<GrpcAnswer> promise;
  std::future<GrpcAnswer> answered = promise.get_future();
  grpc.call(kTraceExport, trace_request(1), {}, [&](GrpcAnswer answer) { promise.set_value(std::move(answer)); });
  auto posted = std::async(std::launch::async, [&] {
    HttpClient client = MUST(HttpClient::to("http://" + doors.http->address().text()));
    return MUST(client.post("/v1/traces", trace_request(1), kProtobuf)).status;
  });
  doors.store.wait_for_held(2);
  EXPECT_EQ(answered.wait_for(50ms), std::future_status::timeout);
  EXPECT_EQ(posted.wait_for(0ms), std::future_status::timeout);
  auto grpc_drained = std::async(std::launch::async, [&] { doors.grpc->drain(5s); });
  auto http_drained = std::async(std::launch::async, [&] { return doors.http->drain(5s); });
  std::this_thread::sleep_for(20ms);
  doors.store.release();
  EXPECT_EQ(answered.get().status, 0);
  EXPECT_EQ(posted.get(), 200);
  grpc_drained.get();
  EXPECT_EQ(http_drained.get(), 0u);
  EXPECT_EQ(doors.in_flight(), 0u);
}

}  // namespace
}  // namespace clew::receive
