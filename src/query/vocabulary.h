// SPDX-License-Identifier: Apache-2.0
//
// The words of TraceQL: how intrinsics, scopes, operators, statuses and kinds are spelled, and which known word an
// unknown one was probably meant to be. Lexer, parser and printer share these tables, so that a word is added in one
// place.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "query/ast.h"

namespace clew::query {

struct IntrinsicWord {
  Intrinsic intrinsic;
  std::string_view scoped;  // "span:duration"; empty when there is only the bare spelling
  std::string_view bare;    // "duration"; empty when there is only the scoped one
  std::string_view canonical;
  Type type;
};

// Row i is of static_cast<Intrinsic>(i).
std::span<const IntrinsicWord> intrinsic_words();
const IntrinsicWord& word_of(Intrinsic intrinsic);

// By either spelling.
std::optional<Intrinsic> find_intrinsic(std::string_view spelling);
// `true`, `nil`, `error`, `server`, `minInt` and the like.
std::optional<Literal> find_constant(std::string_view word);
// Of an attribute: "span", "resource", "event", "link", "instrumentation".
std::optional<Scope> find_scope(std::string_view word);

std::string_view spelling(Scope scope);  // empty for Scope::Any
std::string_view spelling(Status status);
std::string_view spelling(Kind kind);
std::string_view spelling(UnaryOp op);  // of Exists and Absent: the operator before `nil`
std::string_view spelling(BinaryOp op);
std::string_view spelling(SpansetOp op);
// With its article, for messages: "a string".
std::string_view spelling(Type type);

// How tightly operators bind; a higher level binds tighter, and an operator of the same level takes what stands to its
// left, except Power. A unary operator takes what binds tighter than itself: `-a * b` is `-(a * b)`.
int level(BinaryOp op);
int level(UnaryOp op);
int level(SpansetOp op);
constexpr int kLevelMin = 2;
constexpr int kLevelLeaf = 8;

// The intrinsic or constant spelled most like `word`, if one is near enough to be meant.
std::optional<std::string_view> nearest_word(std::string_view word);
// "trace:duration, trace:rootName, …" for the scope "trace"; empty when there is no such scope.
std::string intrinsics_of(std::string_view scope);

}  // namespace clew::query
