// SPDX-License-Identifier: Apache-2.0
//
// Two walks along the tree. Upwards, each call marks who makes it and, within the service, whoever asked for it, so
// that a client whose other side is known is not taken for one whose other side is not. Downwards, calls are told, and
// what lies below a call to a named peer is marked as covered by it.
#include "rollup/edges.h"

#include <algorithm>
#include <array>

#include "model/trace_tree.h"

namespace clew::rollup {
namespace {

using model::is_server_half;
using model::is_top;

constexpr int32_t kClient = 3, kProducer = 4;  // SpanKind of trace.proto
constexpr int32_t kStatusError = 2;            // StatusCode

bool is_client_side(int32_t kind) { return kind == kClient || kind == kProducer; }

enum Mark : uint8_t {
  kCalls = 1,    // a call of rule 1 begins in it or below it within its service
  kCovered = 2,  // is a call of rule 2, or below one within its service
};

// Rule 2: the keys in order of preference, kind by kind. `proof` keys decide that the peer is of that kind.
struct PeerKey {
  Peer peer;
  bool proof;
  std::string_view key;
};
constexpr auto kPeerKeys = std::to_array<PeerKey>({
    {Peer::Database, false, "service.peer.name"},
    {Peer::Database, false, "peer.service"},
    {Peer::Database, false, "server.address"},
    {Peer::Database, false, "net.peer.name"},
    {Peer::Database, false, "network.peer.address"},
    {Peer::Database, true, "db.namespace"},
    {Peer::Database, true, "db.name"},
    {Peer::Database, true, "db.system.name"},
    {Peer::Database, true, "db.system"},
    {Peer::Messaging, true, "messaging.destination.template"},
    {Peer::Messaging, true, "messaging.destination.name"},
    {Peer::Messaging, true, "messaging.destination"},
    {Peer::Messaging, false, "service.peer.name"},
    {Peer::Messaging, false, "peer.service"},
    {Peer::Messaging, true, "messaging.system"},
    {Peer::External, true, "service.peer.name"},
    {Peer::External, true, "peer.service"},
    {Peer::External, true, "server.address"},
    {Peer::External, true, "net.peer.name"},
    {Peer::External, true, "http.host"},
    {Peer::External, true, "peer.hostname"},
    {Peer::External, true, "network.peer.address"},
    {Peer::External, true, "net.peer.ip"},
    {Peer::External, true, "peer.address"},
});

// "cart:8080" is cart; an IPv6 address stays as it is.
std::string_view without_port(std::string_view host) {
  const size_t colon = host.find(':');
  if (colon == 0 || colon == std::string_view::npos || host.find_first_not_of("0123456789", colon + 1) < host.size())
    return host;
  return host.substr(0, colon);
}

}  // namespace

model::StringId EdgeFinder::service_of(uint32_t row) const {
  return spans_->resources[spans_->resource[row]].service_name;
}

bool EdgeFinder::is_call(const WholeTrace& trace, uint32_t position) const {
  const uint32_t parent = trace.parents[position];
  if (is_top(parent)) return false;
  const uint32_t row = trace.rows[position];
  const uint32_t above = trace.rows[parent];
  return service_of(row) != service_of(above) ||
         (is_server_half(spans_->kind[row]) && is_client_side(spans_->kind[above]));
}

void EdgeFinder::mark_callers(const WholeTrace& trace) {
  marks_.assign(trace.rows.size(), 0);
  for (size_t i = trace.topdown.size(); i-- > 0;) {
    const uint32_t position = trace.topdown[i];
    const uint32_t parent = trace.parents[position];
    if (is_top(parent)) continue;
    if ((marks_[position] & kCalls) != 0 || is_call(trace, position)) marks_[parent] |= kCalls;
  }
}

EdgeCall EdgeFinder::call_of(const WholeTrace& trace, uint32_t position) const {
  const model::SpanBatch& spans = *spans_;
  const uint32_t row = trace.rows[position];
  const uint32_t above = trace.rows[trace.parents[position]];
  EdgeCall call;
  call.minute = minute_of_span(spans.start[row], trace.first_arrival);
  call.edge = {spans.strings.at(service_of(above)), spans.strings.at(service_of(row)), Peer::Service};
  call.failed = spans.status_code[row] == kStatusError ||
                (spans.status_code[above] == kStatusError && is_client_side(spans.kind[above]));
  call.nanos = duration_nanos(spans.start[row], spans.end[row]);
  return call;
}

const std::vector<EdgeFinder::Role>& EdgeFinder::roles_of(model::ShapeId shape) {
  if (shape >= roles_by_shape_.size()) roles_by_shape_.resize(spans_->shapes.size());
  Roles& roles = roles_by_shape_[shape];
  if (roles.known) return roles.list;
  roles.known = true;
  const std::span<const model::KeyType> keys = spans_->shape_keys(shape);
  for (uint32_t attribute = 0; attribute < keys.size(); ++attribute) {
    if (keys[attribute].type() != model::ValueType::String) continue;
    const std::string_view key = spans_->strings.at(keys[attribute].key());
    for (uint32_t i = 0; i < kPeerKeys.size(); ++i)
      if (kPeerKeys[i].key == key) roles.list.push_back({i, attribute});
  }
  std::ranges::sort(roles.list);
  return roles.list;
}

std::optional<EdgeCall> EdgeFinder::peer_call_of(const WholeTrace& trace, uint32_t position) {
  const model::SpanBatch& spans = *spans_;
  const uint32_t row = trace.rows[position];
  Peer peer = Peer::Service;
  std::string_view name;
  bool proven = false;
  for (const Role& role : roles_of(spans.shape[row])) {
    const auto text = static_cast<model::StringId>(spans.slots[spans.first_slot[row] + role.attribute]);
    if (text == 0) continue;
    const PeerKey& key = kPeerKeys[role.preference];
    if (key.peer != peer) {
      if (proven) break;
      peer = key.peer;
      name = spans.strings.at(text);
    }
    proven |= key.proof;
  }
  if (!proven) return std::nullopt;
  if (peer == Peer::External) name = without_port(name);
  return EdgeCall{.minute = minute_of_span(spans.start[row], trace.first_arrival),
                  .edge = {spans.strings.at(service_of(row)), name, peer},
                  .failed = spans.status_code[row] == kStatusError,
                  .nanos = duration_nanos(spans.start[row], spans.end[row])};
}

void EdgeFinder::find(const WholeTrace& trace, const Visitor& visit) {
  DCHECK(trace.rows.size() == trace.parents.size() && trace.rows.size() == trace.topdown.size());
  mark_callers(trace);
  for (const uint32_t position : trace.topdown) {
    if (is_call(trace, position)) {
      visit(call_of(trace, position));
    } else if (!is_top(trace.parents[position])) {
      marks_[position] |= marks_[trace.parents[position]] & kCovered;
    }
    if (!is_client_side(spans_->kind[trace.rows[position]]) || (marks_[position] & kCalls) != 0) continue;
    const std::optional<EdgeCall> call = peer_call_of(trace, position);
    if (!call || (call->edge.peer == Peer::External && (marks_[position] & kCovered) != 0)) continue;
    visit(*call);
    marks_[position] |= kCovered;
  }
}

void EdgeFinder::add_to(Rollup& rollup, const WholeTrace& trace, Sign sign) {
  find(trace, [&](const EdgeCall& call) { rollup.add_edge(call, sign); });
}

}  // namespace clew::rollup
