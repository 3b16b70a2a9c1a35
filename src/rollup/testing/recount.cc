// SPDX-License-Identifier: Apache-2.0
#include "rollup/testing/recount.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "model/testing/naive_tree.h"
#include "model/trace_tree.h"
#include "rollup/edges.h"
#include "rollup/red_writer.h"

namespace clew::rollup::testing {
namespace {

constexpr UnixNanos kMinuteNanos = 60'000'000'000;

bool is_client(const PlainSpan& span) { return span.kind == 3 || span.kind == 4; }
bool is_server(const PlainSpan& span) { return span.kind == 2 || span.kind == 5; }

uint64_t minute(UnixNanos start, UnixNanos arrived) {
  const UnixNanos year_2000 = 946'684'800'000'000'000;
  const bool sane = start >= year_2000 && start <= arrived + 24 * 60 * kMinuteNanos;
  const UnixNanos time = sane ? start : arrived;
  return (time + kMinuteNanos - 1) / kMinuteNanos - 1;  // rounded up, so that a whole minute belongs to the one before
}

void count(Counted& cell, const PlainSpan& span, bool failed) {
  const uint64_t nanos = span.end > span.start ? span.end - span.start : 0;
  if (failed) ++cell.failed;
  cell.sum_nanos += static_cast<int64_t>(std::min(nanos, uint64_t{1} << 50));
  if (nanos == 0) {
    ++cell.buckets[INT32_MIN];
  } else {
    ++cell.buckets[static_cast<int32_t>(std::ceil(std::log2(static_cast<long double>(nanos)) * 32)) - 1];
  }
}

// One trace and the rules of edges.h.
struct TraceRules {
  explicit TraceRules(std::span<const PlainSpan> all)
      : spans(all), links(links_of(all)), tree(links), first_arrival(UINT64_MAX) {
    for (const PlainSpan& span : spans) first_arrival = std::min(first_arrival, span.arrived);
  }

  static std::vector<model::SpanLink> links_of(std::span<const PlainSpan> spans) {
    std::vector<model::SpanLink> links;
    for (const PlainSpan& span : spans) links.push_back({span.id, span.parent_id, span.start, is_server(span)});
    return links;
  }

  bool has_parent(uint32_t i) const { return !model::is_top(tree.parents[i]); }
  const PlainSpan& parent(uint32_t i) const { return spans[tree.parents[i]]; }

  bool is_call(uint32_t i) const {
    if (!has_parent(i)) return false;
    if (parent(i).service != spans[i].service) return true;
    return is_client(parent(i)) && is_server(spans[i]);
  }

  bool calls_below(uint32_t i) const {
    const auto children = tree.children.find(i);
    if (children == tree.children.end()) return false;
    return std::ranges::any_of(children->second, [&](uint32_t k) { return is_call(k) || calls_below(k); });
  }

  // The first of the keys that has a text.
  std::string value(uint32_t i, const std::vector<std::string>& keys) const {
    for (const std::string& wanted : keys)
      for (const auto& [key, text] : spans[i].attributes)
        if (key == wanted && !text.empty()) return text;
    return "";
  }

  std::pair<Peer, std::string> named_peer(uint32_t i) const {
    if (!value(i, {"db.system.name", "db.system", "db.namespace", "db.name"}).empty())
      return {Peer::Database,
              value(i, {"service.peer.name", "peer.service", "server.address", "net.peer.name", "network.peer.address",
                        "db.namespace", "db.name", "db.system.name", "db.system"})};
    const std::vector<std::string> destination = {"messaging.destination.template", "messaging.destination.name",
                                                  "messaging.destination"};
    if (!value(i, {"messaging.system"}).empty() || !value(i, destination).empty()) {
      const std::string named = value(i, destination);
      if (!named.empty()) return {Peer::Messaging, named};
      return {Peer::Messaging, value(i, {"service.peer.name", "peer.service", "messaging.system"})};
    }
    std::string host = value(i, {"service.peer.name", "peer.service", "server.address", "net.peer.name", "http.host",
                                 "peer.hostname", "network.peer.address", "net.peer.ip", "peer.address"});
    const size_t colon = host.rfind(':');
    if (colon != std::string::npos && colon > 0 && host.find(':') == colon &&
        std::all_of(host.begin() + static_cast<ptrdiff_t>(colon) + 1, host.end(), ::isdigit))
      host.resize(colon);
    return {host.empty() ? Peer::Service : Peer::External, host};
  }

  // The peer of a call of rule 2; Service: it is none.
  std::pair<Peer, std::string> peer(uint32_t i) const {
    const std::pair<Peer, std::string> none{Peer::Service, ""};
    if (!is_client(spans[i]) || calls_below(i)) return none;
    const auto named = named_peer(i);
    if (named.first != Peer::External) return named;
    for (uint32_t at = i; has_parent(at) && !is_call(at);) {
      at = tree.parents[at];
      if (peer(at).first != Peer::Service) return none;
    }
    return named;
  }

  void count_edges(Recount& out) const {
    for (uint32_t i = 0; i < spans.size(); ++i) {
      const PlainSpan& span = spans[i];
      const uint64_t m = minute(span.start, first_arrival);
      if (is_call(i)) {
        const bool failed = span.status_code == 2 || (parent(i).status_code == 2 && is_client(parent(i)));
        count(out.edges[{m, parent(i).service, span.service, 0}], span, failed);
      }
      const auto [kind, name] = peer(i);
      if (kind != Peer::Service)
        count(out.edges[{m, span.service, name, static_cast<int>(kind)}], span, span.status_code == 2);
    }
  }

  std::span<const PlainSpan> spans;
  std::vector<model::SpanLink> links;
  model::testing::NaiveTree tree;
  UnixNanos first_arrival;
};

std::string text_of(const std::string& text) { return '"' + text + '"'; }
template <class Number>
std::string text_of(Number number) {
  return std::to_string(number);
}

template <class Map>
void describe_difference(const Map& got, const Map& wanted, std::string& out) {
  const auto say = [&](const char* what, const auto& key, const Counted& cell) {
    if (std::ranges::count(out, '\n') >= 10) return;
    out += what;
    std::apply([&](const auto&... part) { ((out += " ", out += text_of(part)), ...); }, key);
    int64_t count = 0;
    for (const auto& [bucket, n] : cell.buckets) count += n;
    out += ": " + std::to_string(count) + " counted, " + std::to_string(cell.failed) + " failed\n";
  };
  for (const auto& [key, cell] : got)
    if (const auto it = wanted.find(key); it == wanted.end() || !(it->second == cell)) say("got", key, cell);
  for (const auto& [key, cell] : wanted)
    if (const auto it = got.find(key); it == got.end() || !(it->second == cell)) say("wanted", key, cell);
}

}  // namespace

std::string difference(const Recount& got, const Recount& wanted) {
  std::string out;
  describe_difference(got.red, wanted.red, out);
  describe_difference(got.edges, wanted.edges, out);
  return out;
}

std::vector<PlainSpan> plain_spans(const model::SpanBatch& spans, std::span<const uint32_t> rows) {
  std::vector<PlainSpan> plain;
  for (const uint32_t row : rows) {
    PlainSpan span;
    span.trace_id = spans.trace_id[row];
    span.id = spans.span_id[row].value;
    span.parent_id = spans.parent_span_id[row].value;
    span.start = spans.start[row];
    span.end = spans.end[row];
    span.service = spans.strings.at(spans.resources[spans.resource[row]].service_name);
    span.name = spans.strings.at(spans.name[row]);
    span.kind = spans.kind[row];
    span.status_code = spans.status_code[row];
    const std::span<const model::KeyType> keys = spans.shape_keys(spans.shape[row]);
    for (size_t i = 0; i < keys.size(); ++i) {
      if (keys[i].type() != model::ValueType::String) continue;
      const auto text = static_cast<model::StringId>(spans.slots[spans.first_slot[row] + i]);
      span.attributes.emplace_back(spans.strings.at(keys[i].key()), spans.strings.at(text));
    }
    plain.push_back(std::move(span));
  }
  return plain;
}

void append(model::SpanBatch& batch, const PlainSpan& span) {
  const auto list = [&](std::span<const std::pair<std::string, std::string>> texts) {
    std::vector<model::KeyType> keys;
    const auto first_slot = static_cast<uint32_t>(batch.slots.size());
    for (const auto& [key, text] : texts) {
      keys.push_back(model::KeyType::of(batch.strings.intern(key), model::ValueType::String));
      batch.slots.push_back(batch.strings.intern(text));
    }
    return model::AttributeSet{batch.intern_shape(keys), first_slot};
  };
  const model::StringId service = batch.strings.intern(span.service);
  uint32_t resource = 0;
  while (resource < batch.resources.size() && batch.resources[resource].service_name != service) ++resource;
  if (resource == batch.resources.size()) {
    const std::pair<std::string, std::string> name{"service.name", span.service};
    model::Resource fresh;
    fresh.attributes = list({&name, span.service.empty() ? size_t{0} : size_t{1}});
    fresh.service_name = service;
    batch.resources.push_back(fresh);
  }
  if (batch.scopes.empty()) batch.scopes.push_back({});
  model::SpanRow row;
  row.trace_id = span.trace_id;
  row.span_id = {span.id};
  row.parent_span_id = {span.parent_id};
  row.start = span.start;
  row.end = span.end;
  row.name = batch.strings.intern(span.name);
  row.kind = span.kind;
  row.status_code = span.status_code;
  row.resource = resource;
  row.attributes = list(span.attributes);
  batch.add_span(row);
}

model::SpanBatch batch_of(std::span<const PlainSpan> spans) {
  model::SpanBatch batch;
  for (const PlainSpan& span : spans) append(batch, span);
  return batch;
}

Recount recount(std::span<const PlainSpan> spans) {
  Recount out;
  std::map<model::TraceId, std::vector<PlainSpan>> traces;
  for (const PlainSpan& span : spans) {
    count(out.red[{minute(span.start, span.arrived), span.service, span.name, span.kind, span.status_code}], span,
          false);
    traces[span.trace_id].push_back(span);
  }
  for (const auto& [id, trace] : traces) TraceRules(trace).count_edges(out);
  return out;
}

Recount content(std::span<const Rollup* const> rollups) {
  Recount out;
  const auto add = [](Counted& cell, const CellView& view) {
    cell.failed += view.failed;
    cell.sum_nanos += view.durations.sum_nanos;
    if (view.durations.zero_count != 0) cell.buckets[INT32_MIN] += view.durations.zero_count;
    for (const Bucket& bucket : view.durations.buckets) cell.buckets[bucket.index] += bucket.count;
    std::erase_if(cell.buckets, [](const auto& bucket) { return bucket.second == 0; });
  };
  for (const Rollup* rollup : rollups) {
    rollup->visit(CellSort::Red, {}, Detail::Histograms, [&](const CellView& view) {
      const Series s = rollup->series(view.id);
      add(out.red[{view.minute, std::string(s.service), std::string(s.name), s.kind, s.status_code}], view);
    });
    rollup->visit(CellSort::Edges, {}, Detail::Histograms, [&](const CellView& view) {
      const Edge e = rollup->edge(view.id);
      add(out.edges[{view.minute, std::string(e.caller), std::string(e.callee), static_cast<int>(e.peer)}], view);
    });
  }
  const auto is_zero = [](const auto& entry) { return entry.second == Counted{}; };
  std::erase_if(out.red, is_zero);
  std::erase_if(out.edges, is_zero);
  return out;
}

std::vector<PlainSpan> random_trace(std::mt19937_64& random, UnixNanos arrived) {
  const auto pick = [&](const auto& list) { return list[random() % std::size(list)]; };
  const std::string services[] = {"shop", "cart", "pay", "stock", ""};
  const std::string names[] = {"GET /", "checkout", "SELECT", "publish", "poll"};
  const std::string keys[] = {
      "db.system.name", "db.system",    "db.namespace",          "messaging.system", "messaging.destination.name",
      "server.address", "peer.service", "net.peer.name",         "http.host",        "service.peer.name",
      "db.name",        "http.method",  "messaging.destination", "net.peer.ip",      "network.peer.address"};
  const std::string values[] = {"postgresql", "kafka", "orders", "cart",    "db.example:5432",
                                "::1",        ":80",   "",       "10.0.0.1"};
  const model::TraceId id{random(), random()};
  const uint64_t count = 1 + random() % 24;
  std::set<std::tuple<uint64_t, bool, UnixNanos>> ages;  // a tie of all of them is broken by position alone
  std::vector<PlainSpan> trace;
  while (trace.size() < count) {
    PlainSpan span;
    span.trace_id = id;
    span.id = random() % 15 == 0 ? 1 + random() % count : trace.size() + 1;
    span.parent_id = random() % 8 == 0 ? random() % (count + 2) : random() % (trace.size() + 1);
    span.start = arrived - random() % (5 * kMinuteNanos);
    if (random() % 10 == 0) span.start = span.start / kMinuteNanos * kMinuteNanos + random() % 2;
    if (random() % 25 == 0) span.start = random() % 2 == 0 ? 5 + random() % 100 : arrived * 2;
    span.end = random() % 10 == 0 ? span.start - random() % 2 : span.start + (random() >> (24 + random() % 38));
    span.service = pick(services);
    if (random() % 2 == 0 && !trace.empty()) span.service = trace[random() % trace.size()].service;
    span.name = pick(names);
    span.kind = static_cast<int32_t>(random() % 7) - (random() % 30 == 0 ? 1 : 0);
    span.status_code = random() % 4 == 0 ? 2 : static_cast<int32_t>(random() % 2);
    for (uint64_t i = random() % 4; i > 0; --i) span.attributes.emplace_back(pick(keys), pick(values));
    span.arrived = arrived;
    if (!ages.emplace(span.id, is_server(span), span.start).second) continue;
    trace.push_back(std::move(span));
  }
  std::ranges::shuffle(trace, random);
  return trace;
}

void add_trace_edges(Rollup& rollup, std::span<const PlainSpan> trace, Sign sign) {
  if (trace.empty()) return;
  const model::SpanBatch batch = batch_of(trace);
  std::vector<uint32_t> rows(trace.size());
  std::iota(rows.begin(), rows.end(), 0);
  model::TraceTree tree;
  tree.build(batch, rows);
  UnixNanos first_arrival = UINT64_MAX;
  for (const PlainSpan& span : trace) first_arrival = std::min(first_arrival, span.arrived);
  EdgeFinder(batch).add_to(rollup, {rows, tree.parents(), tree.preorder(), first_arrival}, sign);
}

void add_red(Rollup& rollup, std::span<const PlainSpan> spans) {
  const model::SpanBatch batch = batch_of(spans);
  RedWriter red(rollup, batch);
  for (uint32_t row = 0; row < spans.size(); ++row) red.add(row, row + 1, spans[row].arrived);
}

}  // namespace clew::rollup::testing
