// SPDX-License-Identifier: Apache-2.0
//
// ColumnView is what the evaluator reads: fields of spans, for a list of rows at a time. A batch of spans and a head
// supply it through BatchView (batch_view.h), a block through scan::BlockView.
//
// A field is bound once per query, which gives the view a place to keep what it learns about the field; after that it
// is known by its number. Strings are codes of the view's dictionary, so that a question about a string is asked once
// for each distinct one.
//
// Threads: a view belongs to one thread. Lifetime: texts in a column live as long as what the view looks at.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/check.h"
#include "eval/value_column.h"
#include "model/trace_tree.h"
#include "query/ast.h"

namespace clew::eval {

using FieldId = uint32_t;

// Intrinsics that say something of the span's place in its trace or of the whole trace. The evaluator works them out;
// a view is never asked for them.
constexpr bool is_of_trace(query::Intrinsic intrinsic) {
  switch (intrinsic) {
    case query::Intrinsic::SpanChildCount:
    case query::Intrinsic::NestedSetLeft:
    case query::Intrinsic::NestedSetRight:
    case query::Intrinsic::NestedSetParent:
    case query::Intrinsic::TraceDuration:
    case query::Intrinsic::TraceRootName:
    case query::Intrinsic::TraceRootService:
      return true;
    default:
      return false;
  }
}

// What is certain about a field before a row of it is read. A view that does not know says true.
struct FieldFacts {
  bool may_exist = true;    // false: nil, or ownerless, for every row
  bool may_be_text = true;  // false: every text here is a String, none (of an array, say) a Text
};

// Memory that a view keeps for one field.
constexpr uint64_t kFieldBytesMax = 640 << 10;

class ColumnView {
 public:
  virtual ~ColumnView() = default;

  // The same field gets the same number.
  virtual FieldId bind(const query::Attribute& attribute) = 0;
  // `intrinsic` is not of the trace.
  virtual FieldId bind(query::Intrinsic intrinsic) = 0;

  virtual FieldFacts facts(FieldId field) = 0;

  // out[i] = the field of rows[i]. Resets `out`, which is marked as overflowed if it could not hold all. A string that
  // is an attribute of a resource is a String.
  virtual void read(FieldId field, std::span<const uint32_t> rows, ValueColumn& out) = 0;
  // out[i] = what a tree needs of rows[i].
  virtual void read_links(std::span<const uint32_t> rows, std::span<model::SpanLink> out) = 0;

  // The same without the parents, which may be cheaper.
  virtual void read_starts(std::span<const uint32_t> rows, std::span<model::SpanLink> out) { read_links(rows, out); }

  // Does the view know the trees of its traces? Then read_tree() says them.
  virtual bool knows_trees() const { return false; }
  // `rows` are all of a trace. parents[i] = the position in `rows` of the parent of rows[i], model::kRoot or
  // model::kOrphan; `preorder` = all positions, in the pre-order of its tree.
  virtual void read_tree(std::span<const uint32_t> rows, std::span<uint32_t> parents, std::span<uint32_t> preorder);

  // Nothing if no row has the string as the value of a String field; it may still be a Text.
  virtual std::optional<StringCode> code(std::string_view text) const = 0;
  virtual std::string_view text(StringCode code) const = 0;
};

inline void ColumnView::read_tree(std::span<const uint32_t> /*rows*/, std::span<uint32_t> /*parents*/,
                                  std::span<uint32_t> /*preorder*/) {
  CHECK(false);  // only asked of a view that knows_trees()
}

}  // namespace clew::eval
