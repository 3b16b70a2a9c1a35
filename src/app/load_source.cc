// SPDX-License-Identifier: Apache-2.0
#include "app/load_source.h"

#include <fmt/format.h>

#include <array>
#include <random>
#include <vector>

#include "file/otlp_file.h"

namespace clew::app {
namespace {

using model::SpanBatch;
using model::ValueType;

constexpr UnixNanos kYear2026 = 1'767'225'600 * kNanosPerSecond;

struct Service {
  std::string_view name;
  std::string_view language;
  std::array<std::string_view, 3> operations;
  std::array<int, 3> calls;  // services that it may call; -1 is none
  std::string_view system;   // of a database that it talks to, or empty
};

constexpr std::array kServices = {
    Service{"frontend", "nodejs", {"GET /", "GET /product/{id}", "POST /checkout"}, {1, 2, 3}, ""},
    Service{"catalogue", "go", {"ListProducts", "GetProduct", "SearchProducts"}, {-1, 9, -1}, "postgresql"},
    Service{"cart", "dotnet", {"GetCart", "AddItem", "EmptyCart"}, {-1, -1, 10}, "redis"},
    Service{"checkout", "go", {"PlaceOrder", "PrepareOrder", "ChargeCard"}, {4, 5, 6}, ""},
    Service{"payment", "nodejs", {"Charge", "Refund", "ValidateCard"}, {8, -1, 8}, ""},
    Service{"shipping", "rust", {"GetQuote", "ShipOrder", "Track"}, {11, -1, 11}, ""},
    Service{"email", "ruby", {"SendConfirmation", "Render", "Deliver"}, {-1, -1, -1}, ""},
    Service{"recommendation", "python", {"ListRecommendations", "Rank", "Filter"}, {1, -1, 1}, ""},
    Service{"fraud", "java", {"Check", "Score", "Report"}, {-1, -1, 10}, "postgresql"},
    Service{"currency", "cpp", {"Convert", "GetRates", "Supported"}, {-1, -1, -1}, ""},
    Service{"accounting", "java", {"Record", "Post", "Balance"}, {-1, -1, -1}, "mysql"},
    Service{"quote", "php", {"Calculate", "Round", "Log"}, {-1, -1, -1}, ""},
};

// Makes traces up. Every choice comes from one seeded generator.
class Shop {
 public:
  Shop(Profile profile, uint64_t seed) : profile_(profile), random_(seed) {
    for (const Service& service : kServices) add_resource(service);
    model::Scope scope;
    scope.name = text("io.shop.instrumentation");
    scope.version = text("1.4.2");
    spans_.scopes.push_back(scope);
  }

  SpanBatch make(size_t count) {
    while (spans_.span_count() < count) make_trace();
    return std::move(spans_);
  }

 private:
  struct Pending {
    int service;
    model::SpanId parent;
    UnixNanos start;
    uint64_t duration;
    int depth;
  };

  uint64_t below(uint64_t limit) { return random_() % limit; }
  // Small numbers often, large ones seldom.
  uint64_t skewed(uint64_t limit) { return below(below(below(limit) + 1) + 1); }
  model::StringId text(std::string_view value) { return spans_.strings.intern(value); }

  void put(std::string_view key, std::string_view value) {
    keys_.push_back(model::KeyType::of(text(key), ValueType::String));
    spans_.slots.push_back(text(value));
  }
  void put(std::string_view key, int64_t value) {
    keys_.push_back(model::KeyType::of(text(key), ValueType::Int));
    spans_.slots.push_back(static_cast<uint64_t>(value));
  }
  template <class Fill>
  model::AttributeSet set(Fill fill) {
    const auto first_slot = static_cast<uint32_t>(spans_.slots.size());
    keys_.clear();
    fill();
    return {spans_.intern_shape(keys_), first_slot};
  }

  void add_resource(const Service& service) {
    model::Resource resource;
    resource.attributes = set([&] {
      put("service.name", service.name);
      put("service.namespace", "shop");
      put("service.version", fmt::format("1.{}.0", service.name.size()));
      put("telemetry.sdk.language", service.language);
      put("host.name", fmt::format("{}-7d9c{:x}", service.name, random_() % 65536));
    });
    resource.service_name = text(service.name);
    spans_.resources.push_back(resource);
  }

  void make_trace() {
    const model::TraceId trace{random_(), random_() | 1};
    now_ += 1'000'000 + below(10'000'000);
    std::vector<Pending> pending = {{0, {}, now_, 20'000'000 + below(400'000'000), 0}};
    constexpr size_t kSpansMax = 40;
    for (size_t i = 0; i < pending.size() && pending.size() < kSpansMax; ++i) make_span(trace, pending[i], pending);
  }

  void make_span(const model::TraceId& trace, Pending span, std::vector<Pending>& pending) {
    const Service& service = kServices[static_cast<size_t>(span.service)];
    const size_t operation = skewed(service.operations.size());
    model::SpanRow row;
    row.trace_id = trace;
    row.span_id.value = random_() | 1;
    row.parent_span_id = span.parent;
    row.start = span.start;
    row.end = span.start + span.duration;
    row.name = text(service.operations[operation]);
    row.kind = span.depth == 0 || below(2) == 0 ? 2 : 3;
    row.status_code = below(50) == 0 ? 2 : 0;
    row.flags = 0x101;
    row.resource = static_cast<uint32_t>(span.service);
    if (row.status_code == 2) row.rare.status_message = text("deadline exceeded");
    if (row.status_code == 2 || below(3) == 0) add_event(row);
    row.attributes = set([&] { attributes(service, operation, row); });
    spans_.add_span(row);
    for (const int next : service.calls) {
      constexpr int kDepthMax = 6;
      if (next < 0 || span.depth == kDepthMax || below(3) == 0) continue;
      const uint64_t offset = below(span.duration / 2 + 1);
      pending.push_back({next, row.span_id, span.start + offset, (span.duration - offset) * 3 / 4, span.depth + 1});
    }
  }

  void attributes(const Service& service, size_t operation, const model::SpanRow& row) {
    put("rpc.system", "grpc");
    put("rpc.service", fmt::format("shop.{}", service.name));
    put("rpc.method", service.operations[operation]);
    put("rpc.grpc.status_code", row.status_code == 2 ? int64_t{4} : int64_t{0});
    put("net.peer.name", kServices[skewed(kServices.size())].name);
    put("net.peer.port", static_cast<int64_t>(30'000 + below(20'000)));
    put("user.id", fmt::format("{:08x}-{:04x}", random_() & 0xFFFFFFFF, random_() & 0xFFFF));
    put("app.session", fmt::format("{:016x}", random_()));
    put("app.products.count", static_cast<int64_t>(skewed(100)));
    put("thread.name", fmt::format("worker-{}", skewed(16)));
    if (!service.system.empty()) {
      put("db.system", service.system);
      put("db.statement", fmt::format("SELECT * FROM {} WHERE id = {}", service.name, below(1'000'000)));
    }
    if (profile_ == Profile::Fat) more_attributes(service, operation);
  }

  // What frameworks and platforms add: some values new with every span, some of a few hundred, some always the same.
  void more_attributes(const Service& service, size_t operation) {
    put("url.full", fmt::format("https://shop.example.com/api/v2/{}/{}?customer={}&basket={:016x}&page={}",
                                service.name, service.operations[operation], below(1'000'000), random_(), skewed(40)));
    put("http.request.id", uuid());
    put("network.peer.address", fmt::format("10.{}.{}.{}", below(16), below(256), below(256)));
    put("user_agent.original",
        fmt::format(
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.{}.{} Safari/537.36",
            110 + skewed(20), 5000 + skewed(10), skewed(30)));
    std::string statement = "SELECT id, name, price, currency, stock FROM products WHERE";
    constexpr size_t kStatementBytes = 330;
    while (statement.size() < kStatementBytes) statement += fmt::format(" category = {} OR", skewed(500));
    put("db.query.text", statement + fmt::format(" id = {}", below(10'000'000)));
    put("http.request.header.traceparent",
        fmt::format("00-{:016x}{:016x}-{:016x}-01", random_(), random_(), random_()));
    put("k8s.pod.name", fmt::format("{}-6f9bd7c5d8-{:05x}", service.name, skewed(60) * 7919));
    put("k8s.node.name", fmt::format("ip-10-0-{}-{}.eu-central-1.compute.internal", skewed(4), skewed(30)));
    put("cloud.region", "eu-central-1");
    put("feature.flags", "new-checkout=on,recommendations-v3=off,fast-search=on,price-experiment=b");
    put("customer.tier", std::array{"basic", "silver", "gold", "platinum"}[skewed(4)]);
    put("http.response.body.size", static_cast<int64_t>(skewed(200'000)));
    put("app.queue.wait_us", static_cast<int64_t>(skewed(1'000'000)));
  }

  std::string uuid() {
    const uint64_t high = random_();
    const uint64_t low = random_();
    return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xFFFF, high & 0xFFFF,
                       low >> 48, low & 0xFFFFFFFFFFFF);
  }

  void add_event(const model::SpanRow& row) {
    model::Event event;
    event.time = row.start + (row.end - row.start) / 2;
    const bool failed = row.status_code == 2;
    event.name = text(failed ? "exception" : "message");
    event.attributes = set([&] {
      if (!failed) {
        put("message.type", below(2) == 0 ? "SENT" : "RECEIVED");
        put("message.id", static_cast<int64_t>(skewed(50)));
        return;
      }
      put("exception.type", "TimeoutError");
      put("exception.message", fmt::format("no answer within {} ms", below(5000)));
      std::string trace = "TimeoutError: no answer\n";
      const size_t bytes = profile_ == Profile::Fat ? 4000 : 300;
      while (trace.size() < bytes) trace += fmt::format("    at shop.call{}(shop.js:{})\n", below(40), below(2000));
      put("exception.stacktrace", trace);
    });
    spans_.events.push_back(event);
  }

  Profile profile_;
  std::mt19937_64 random_;
  SpanBatch spans_;
  std::vector<model::KeyType> keys_;
  UnixNanos now_ = kYear2026;
};

}  // namespace

Result<SpanBatch> read_spans(const std::string& path) {
  using file::OtlpFile;
  OtlpFile file = TRY(OtlpFile::open(path));
  SpanBatch spans;
  for (OtlpFile::Part part = file.next(); part.kind != OtlpFile::Kind::End; part = file.next()) {
    if (part.kind != OtlpFile::Kind::Spans)
      return Error(Code::InvalidArgument, fmt::format("{}: {}: {}", path, part.place, part.problem));
    spans.append(part.spans);
    if (file.offset() > kLoadFileBytesMax)
      return Error(Code::ResourceExhausted, fmt::format("{}: more than {} MiB", path, kLoadFileBytesMax >> 20));
  }
  if (spans.span_count() == 0) return Error(Code::InvalidArgument, path + ": holds no spans");
  return spans;
}

SpanBatch make_spans(Profile profile, uint64_t seed, size_t spans) { return Shop(profile, seed).make(spans); }

}  // namespace clew::app
