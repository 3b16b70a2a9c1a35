// SPDX-License-Identifier: Apache-2.0
#include "eval/text_test.h"

#include <re2/re2.h>

namespace clew::eval {

using query::BinaryOp;

TextTest::TextTest(BinaryOp op, std::string literal, std::unique_ptr<re2::RE2> pattern)
    : op_(op), literal_(std::move(literal)), pattern_(std::move(pattern)), answers_(kAnswersMax, UINT32_MAX) {}
TextTest::TextTest(TextTest&&) noexcept = default;
TextTest& TextTest::operator=(TextTest&&) noexcept = default;
TextTest::~TextTest() = default;

Result<TextTest> TextTest::create(BinaryOp op, std::string literal) {
  std::unique_ptr<re2::RE2> pattern;
  if (op == BinaryOp::Match || op == BinaryOp::NotMatch) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_dot_nl(true);
    options.set_max_mem(kPatternBytesMax);
    pattern = std::make_unique<re2::RE2>(literal, options);
    if (!pattern->ok()) return Error(Code::InvalidArgument, "the pattern " + literal + ": " + pattern->error());
  }
  return TextTest(op, std::move(literal), std::move(pattern));
}

bool TextTest::passes(std::string_view text) const {
  switch (op_) {
    case BinaryOp::Match:
      return re2::RE2::FullMatch({text.data(), text.size()}, *pattern_);
    case BinaryOp::NotMatch:
      return !re2::RE2::FullMatch({text.data(), text.size()}, *pattern_);
    case BinaryOp::Less:
      return text < literal_;
    case BinaryOp::LessEqual:
      return text <= literal_;
    case BinaryOp::Greater:
      return text > literal_;
    case BinaryOp::GreaterEqual:
      return text >= literal_;
    default:
      CHECK(false);
  }
}

}  // namespace clew::eval
