// SPDX-License-Identifier: Apache-2.0
//
// A Prefilter tells cheaply which rows of a block a condition may be true of: never too few. It is what makes a search
// read little: what the condition says of templates, of resources and of the entries of dictionaries is decided once
// per block; what is left for a row is a look into a table, a code in a set, or a number in a range.
//
//   Prefilter filter = TRY(Prefilter::compile(condition, block, tables));
//   if (!filter.is_never()) TRY(filter.select(group, rows));
//
// Each part of a condition that speaks of one field is decided by eval::Condition itself, over the distinct values of
// that field, so that there is one meaning of every operator. What cannot be decided so is taken to be true: relations
// between two fields (as long as both exist), the place of a span in its trace, arrays, attributes in rare columns.
// A condition's answer for a span does not depend on the trace's other spans, except that a span may be taken for a
// root in a part of a trace and turn out not to be one.
//
// Threads: one.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "block/block.h"
#include "query/ast.h"
#include "scan/row_bits.h"

namespace clew::scan {

class RowTest;

class Prefilter {
 public:
  // `condition` must outlive the filter. Reads dictionaries.
  static Result<Prefilter> compile(const query::FieldExpr& condition, const block::Block& block,
                                   std::shared_ptr<const block::Tables> tables);
  Prefilter(Prefilter&&) noexcept;
  Prefilter& operator=(Prefilter&&) noexcept;
  ~Prefilter();

  bool is_never() const;   // no row of the block
  bool is_always() const;  // it knows nothing
  // out = the rows of the group of which the condition may be true.
  Result<void> select(block::RowGroup& group, RowBits& out);

 private:
  explicit Prefilter(std::unique_ptr<RowTest> test);
  std::unique_ptr<RowTest> test_;
};

}  // namespace clew::scan
