// SPDX-License-Identifier: Apache-2.0
//
// A query seen as its filters (leaves) and what it asks of them together. A trace can have chosen spans only if enough
// of its leaves have spans: both sides of `&&` and of a relation, either side of `||`. So what has been seen of a trace
// is a set of leaves, 64 bits, and sets of its parts are joined by `|`.
//
// A leaf can be asked of one span alone where it is made local(): what it says of the span's place in its trace is
// taken to hold. It then passes more spans, never fewer, and passes the same ones in whatever part of a trace they lie.
#pragma once

#include <cstdint>
#include <vector>

#include "query/ast.h"

namespace clew::scan {

// Leaves beyond these are taken to have spans everywhere.
constexpr uint32_t kLeavesMax = 64;

class Leaves {
 public:
  // `query` must outlive this.
  explicit Leaves(const query::Query& query);

  uint32_t count() const { return static_cast<uint32_t>(conditions_.size()); }
  const query::FieldExpr& condition(uint32_t leaf) const { return *conditions_[leaf]; }
  // The leaf as a query of its own that can be asked of one span.
  const query::Query& local(uint32_t leaf) const { return locals_[leaf]; }
  uint64_t all() const { return count() == kLeavesMax ? ~uint64_t{0} : (uint64_t{1} << count()) - 1; }

  // May a trace match whose spans pass these leaves and no others?
  bool may_match(uint64_t leaves) const { return may_match(*query_.spans, leaves); }

 private:
  void collect(const query::SpansetExpr& expression);
  bool may_match(const query::SpansetExpr& expression, uint64_t leaves) const;

  const query::Query& query_;
  std::vector<const query::FieldExpr*> conditions_;
  std::vector<const query::SpansetExpr*> filters_;
  std::vector<query::Query> locals_;
};

// Attributes that the query speaks of, each once, in the order of the text.
std::vector<query::Attribute> mentioned_attributes(const query::Query& query);

}  // namespace clew::scan
