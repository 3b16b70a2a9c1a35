// SPDX-License-Identifier: Apache-2.0
//
// The rules of edges.h, one named case each. That random traces keep them all is rollup_test.cc.
#include "rollup/edges.h"

#include <gtest/gtest.h>

#include <numeric>

#include "model/trace_tree.h"
#include "rollup/testing/recount.h"

namespace clew::rollup {
namespace {

using testing::PlainSpan;

constexpr UnixNanos kNow = 1'795'200'536 * kNanosPerSecond;
constexpr int32_t kInternal = 1, kServer = 2, kClient = 3, kProducer = 4, kConsumer = 5;

struct Fields {
  uint64_t id = 0;
  uint64_t parent = 0;
  std::string service = {};
  int32_t kind = kInternal;
  bool error = false;
  std::vector<std::pair<std::string, std::string>> attributes = {};
};

// Each edge as "caller>callee kind", with "!" when it failed; one that lasts 10 ns for each unit of the span's id.
std::vector<std::string> edges(const std::vector<Fields>& fields) {
  std::vector<PlainSpan> spans;
  for (const Fields& f : fields) {
    PlainSpan span{.id = f.id, .parent_id = f.parent, .service = f.service, .name = "n", .kind = f.kind};
    span.start = kNow + f.id;
    span.end = span.start + 10 * f.id;
    span.status_code = f.error ? 2 : 0;
    span.attributes = f.attributes;
    spans.push_back(span);
  }
  const model::SpanBatch batch = testing::batch_of(spans);
  std::vector<uint32_t> rows(spans.size());
  std::iota(rows.begin(), rows.end(), 0);
  model::TraceTree tree;
  tree.build(batch, rows);
  std::vector<std::string> found;
  EdgeFinder finder(batch);
  finder.find({rows, tree.parents(), tree.preorder(), kNow}, [&](const EdgeCall& call) {
    constexpr const char* kPeers[] = {"", " database", " queue", " external"};
    found.push_back(std::string(call.edge.caller) + ">" + std::string(call.edge.callee) +
                    kPeers[static_cast<size_t>(call.edge.peer)] + (call.failed ? "!" : "") + " " +
                    std::to_string(call.nanos / 10));
    EXPECT_EQ(call.minute, minute_of(kNow + 1));
  });
  std::ranges::sort(found);
  return found;
}

using Texts = std::vector<std::string>;

TEST(Edges, ACallIsCountedAtTheCallee) {
  EXPECT_EQ(edges({{1, 0, "a", kServer}, {2, 1, "a", kClient}, {3, 2, "b", kServer}}), (Texts{"a>b 3"}));
  // Whatever the kinds, and with a local span between.
  EXPECT_EQ(edges({{1, 0, "a"}, {2, 1, "b"}, {3, 2, "b"}, {4, 3, "c"}}), (Texts{"a>b 2", "b>c 4"}));
  EXPECT_EQ(edges({{1, 0, "a", kServer}, {2, 1, "", kServer}}), (Texts{"a> 2"}));
}

TEST(Edges, AServiceMayCallItself) {
  EXPECT_EQ(edges({{1, 0, "a", kClient}, {2, 1, "a", kServer}, {3, 2, "a", kInternal}}), (Texts{"a>a 2"}));
  EXPECT_EQ(edges({{1, 0, "a", kInternal}, {2, 1, "a", kServer}}), Texts{});
}

TEST(Edges, TheTwoHalvesOfASharedId) {
  EXPECT_EQ(edges({{7, 0, "a", kClient}, {7, 0, "b", kServer}, {8, 7, "c", kServer}}), (Texts{"a>b 7", "b>c 8"}));
}

TEST(Edges, ACallFailsWithItsCalleeOrItsClient) {
  EXPECT_EQ(edges({{1, 0, "a", kClient, true}, {2, 1, "b", kServer}}), (Texts{"a>b! 2"}));
  EXPECT_EQ(edges({{1, 0, "a", kClient}, {2, 1, "b", kServer, true}}), (Texts{"a>b! 2"}));
  // The error of a server is no error of what it called.
  EXPECT_EQ(edges({{1, 0, "a", kServer, true}, {2, 1, "b", kServer}}), (Texts{"a>b 2"}));
}

TEST(Edges, OrphansAreNobodysCall) { EXPECT_EQ(edges({{2, 1, "b", kServer}, {3, 9, "c", kClient}}), Texts{}); }

TEST(Edges, ADatabaseIsNamedByItsAddressBeforeItsSystem) {
  EXPECT_EQ(edges({{1, 0, "a", kClient, false, {{"db.system", "redis"}}}}), (Texts{"a>redis database 1"}));
  EXPECT_EQ(edges({{1, 0, "a", kClient, true, {{"server.address", "valkey"}, {"db.system.name", "redis"}}}}),
            (Texts{"a>valkey database! 1"}));
  EXPECT_EQ(edges({{1, 0, "a", kInternal, false, {{"db.system", "redis"}}}}), Texts{});
}

TEST(Edges, AQueueIsNamedByItsDestination) {
  EXPECT_EQ(
      edges({{1, 0, "a", kProducer, false, {{"messaging.system", "kafka"}, {"messaging.destination", "orders"}}}}),
      (Texts{"a>orders queue 1"}));
  EXPECT_EQ(edges({{1, 0, "a", kProducer, false, {{"messaging.system", "kafka"}, {"server.address", "k:9092"}}}}),
            (Texts{"a>kafka queue 1"}));
  // The consumer came: it is the other side.
  EXPECT_EQ(edges({{1, 0, "a", kProducer, false, {{"messaging.system", "kafka"}}}, {2, 1, "b", kConsumer}}),
            (Texts{"a>b 2"}));
}

TEST(Edges, AnExternalHost) {
  EXPECT_EQ(edges({{1, 0, "a", kClient, false, {{"http.host", "x.example:443"}}}}), (Texts{"a>x.example external 1"}));
  EXPECT_EQ(edges({{1, 0, "a", kClient, false, {{"net.peer.ip", "::1"}}}}), (Texts{"a>::1 external 1"}));
  EXPECT_EQ(edges({{1, 0, "a", kClient, false, {{"server.address", ""}}}}), Texts{});
  EXPECT_EQ(edges({{1, 0, "a", kClient, false, {{"http.url", "http://x"}}}}), Texts{});
}

TEST(Edges, APeerWhoseSpansAreBelowIsNoVirtualOne) {
  EXPECT_EQ(edges({{1, 0, "a", kClient, false, {{"server.address", "b"}}}, {2, 1, "a"}, {3, 2, "b", kServer}}),
            (Texts{"a>b 3"}));
  EXPECT_EQ(edges({{1, 0, "a", kClient, false, {{"server.address", "a"}}}, {2, 1, "a", kServer}}), (Texts{"a>a 2"}));
}

TEST(Edges, TheTransportOfACallIsNotCounted) {
  EXPECT_EQ(edges({{1, 0, "a", kClient, false, {{"db.system", "elasticsearch"}}},
                   {2, 1, "a"},
                   {3, 2, "a", kClient, false, {{"server.address", "es"}}}}),
            (Texts{"a>elasticsearch database 1"}));
  // A database below a call is one of its own.
  EXPECT_EQ(edges({{1, 0, "a", kClient, false, {{"server.address", "x"}}},
                   {2, 1, "a", kClient, false, {{"db.system", "redis"}}}}),
            (Texts{"a>redis database 2", "a>x external 1"}));
}

}  // namespace
}  // namespace clew::rollup
