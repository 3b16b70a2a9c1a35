// SPDX-License-Identifier: Apache-2.0
//
// rollup::EdgeFinder reads from one whole trace who called whom. It looks at the tree of the trace
// (model/trace_tree.h), so what it finds is the same wherever the spans lie and in whatever order.
//
//   EdgeFinder finder(spans);
//   finder.add_to(rollup, {rows, tree.parents(), tree.preorder(), summary.first_arrival}, Sign::Add);
//
// The rules. Caller and callee are service names as the resources have them, "" where they have none.
//   1. A span whose parent is of another service is a call from the parent's service to its own. So is the server side
//      ({server, consumer}) right below the client side ({client, producer}) of the same service: a call to itself.
//      It is counted in the minute of the span and lasts as long as the span. It failed if the span's status is error,
//      or that of a parent which is the client side; a server's error is its own affair.
//   2. A client side is a call to somebody who sends no spans when no call of rule 1 begins in it or below it within
//      its service, and its attributes name the other side. It is counted in its own minute, lasts as long as it does,
//      and failed if its status is error. Attributes are those of the span, text and not empty; the first that is
//      there wins, new names before old ones:
//        Database   if db.system.name, db.system, db.namespace or db.name is there. Named by service.peer.name,
//                   peer.service, server.address, net.peer.name, network.peer.address, db.namespace, db.name,
//                   db.system.name, db.system
//        Messaging  else if messaging.system or a messaging.destination is there. Named by
//                   messaging.destination.template, messaging.destination.name, messaging.destination,
//                   service.peer.name, peer.service, messaging.system
//        External   else. Named by service.peer.name, peer.service, server.address, net.peer.name, http.host,
//                   peer.hostname, network.peer.address, net.peer.ip, peer.address, without a port
//   3. An External below a call of rule 2 within its service is that call's transport, and not counted.
//
// A span that is not sane counts in the minute of the trace's first arrival.
// Memory: some bytes a span, kept from trace to trace, and some for each shape of attributes.
// Threads: an object belongs to one thread; the batch must not change during a call, and may grow between two.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "model/span_batch.h"
#include "rollup/rollup.h"

namespace clew::rollup {

// A trace by position: `rows` of a batch with their parents, and every parent before its children, as ParentResolver
// (topdown()) and TraceTree (preorder()) have them.
struct WholeTrace {
  std::span<const uint32_t> rows;
  std::span<const uint32_t> parents;
  std::span<const uint32_t> topdown;
  UnixNanos first_arrival = 0;  // of all its spans, wherever they lie
};

class EdgeFinder {
 public:
  // `spans` must outlive the finder.
  explicit EdgeFinder(const model::SpanBatch& spans) : spans_(&spans) {}

  // Memory that find() may hold per span.
  static constexpr uint64_t kBytesPerSpan = 2;

  // Calls visit for each call; its texts are the batch's.
  using Visitor = std::function<void(const EdgeCall&)>;
  void find(const WholeTrace& trace, const Visitor& visit);
  void add_to(Rollup& rollup, const WholeTrace& trace, Sign sign);

 private:
  // An attribute of a shape that may name the other side; those of a shape in order of preference.
  struct Role {
    uint32_t preference;  // place in the table of names
    uint32_t attribute;   // place in the shape
    friend auto operator<=>(const Role&, const Role&) = default;
  };
  struct Roles {
    bool known = false;
    std::vector<Role> list;
  };

  model::StringId service_of(uint32_t row) const;
  bool is_call(const WholeTrace& trace, uint32_t position) const;
  void mark_callers(const WholeTrace& trace);
  EdgeCall call_of(const WholeTrace& trace, uint32_t position) const;
  std::optional<EdgeCall> peer_call_of(const WholeTrace& trace, uint32_t position);
  const std::vector<Role>& roles_of(model::ShapeId shape);

  const model::SpanBatch* spans_;
  std::vector<Roles> roles_by_shape_;
  std::vector<uint8_t> marks_;
};

}  // namespace clew::rollup
