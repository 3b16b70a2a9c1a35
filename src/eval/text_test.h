// SPDX-License-Identifier: Apache-2.0
//
// TextTest is a question about one string that costs more than comparing codes: does it match a pattern, does it lie
// before or after a literal in byte order? The answer for a dictionary's string is remembered by its code, in a cache
// of bounded size. A pattern is RE2's, has to match the whole string, and its `.` matches a line break too.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "eval/column_view.h"
#include "query/ast.h"

namespace re2 {
class RE2;
}

namespace clew::eval {

class TextTest {
 public:
  // Entries of the cache, 4 bytes each.
  static constexpr size_t kAnswersMax = size_t{1} << 14;
  // Memory of one compiled pattern with the automaton that it grows while it works; RE2 holds to it.
  static constexpr int64_t kPatternBytesMax = 8 << 20;
  // What a test takes unless its pattern is of the rare kind that needs a large automaton.
  static constexpr uint64_t kUsualBytes = 1 << 20;

  // `op` is an ordering, Match or NotMatch. A pattern that RE2 does not take is InvalidArgument.
  static Result<TextTest> create(query::BinaryOp op, std::string literal);
  TextTest(TextTest&&) noexcept;
  TextTest& operator=(TextTest&&) noexcept;
  ~TextTest();

  bool passes(std::string_view text) const;
  bool passes(StringCode code, const ColumnView& view) {
    uint32_t& known = answers_[code & (answers_.size() - 1)];
    if (known >> 1 != code) [[unlikely]]
      known = code << 1 | static_cast<uint32_t>(passes(view.text(code)));
    return (known & 1) != 0;
  }
  // Whether every element of an array has to pass.
  bool wants_all() const { return op_ == query::BinaryOp::NotMatch; }

 private:
  TextTest(query::BinaryOp op, std::string literal, std::unique_ptr<re2::RE2> pattern);

  query::BinaryOp op_;
  std::string literal_;
  std::unique_ptr<re2::RE2> pattern_;
  std::vector<uint32_t> answers_;  // code << 1 | answer, direct-mapped; codes stay below 2^31 - 1
};

}  // namespace clew::eval
