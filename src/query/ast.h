// SPDX-License-Identifier: Apache-2.0
//
// The typed tree of a TraceQL query: what parse() (query/parse.h) returns and what the evaluator walks. There are two
// kinds of expression, one inside the other:
//
//   SpansetExpr   chooses spans of a trace:      { … }   { … } >> { … }   { … } && { … }
//   FieldExpr     says something of one span:    span.http.status_code >= 500 && duration > 2s
//
// A tree that parse() returned has been checked, and these hold:
//   - operands have types that the operator allows (Type below); what an attribute holds only the data knows, so it is
//     Type::Unknown, and arithmetic on it is Type::Number;
//   - the condition of a filter is Bool or Unknown; `{}` has the literal true;
//   - there is no nil: `x != nil` is Unary{Exists, x} and `x = nil` is Unary{Absent, x};
//   - the right operand of Match and NotMatch is a string literal that RE2 compiles; it has to match the whole value;
//   - a minus sign before a number is part of the literal;
//   - no path from the root to a leaf is longer than kHeightMax, so that a walk may recurse.
//
// Equality is of structure: where a node stood in the text does not count. Trees are moved, not copied; a finished
// tree is never changed and may be read by many threads.
//
// What is still to come has its place: negated and union structural operators are further values of SpansetOp; stages
// after `|`, metrics and hints are further members of Query; `parent.` is a member of Attribute.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

namespace clew::query {

// Longest path in one tree, in nodes. Enough for a list of a thousand ids joined by `||`; a recursion over it stays
// below a megabyte of stack.
constexpr uint32_t kHeightMax = 1024;

// Int, Float and Duration are the numbers; they compare with each other, a duration as its nanoseconds. Number is one
// of them, and the data decides which.
enum class Type : uint8_t { Nil, Bool, Int, Float, Duration, String, Status, Kind, Unknown, Number };

// Numbers of trace.proto's StatusCode and SpanKind.
enum class Status : uint8_t { Unset = 0, Ok = 1, Error = 2 };
enum class Kind : uint8_t { Unspecified = 0, Internal = 1, Server = 2, Client = 3, Producer = 4, Consumer = 5 };

struct Duration {
  int64_t nanos = 0;
  friend bool operator==(Duration, Duration) = default;
};

// Exists while a query is parsed and never in a finished tree.
struct Nil {
  friend bool operator==(Nil, Nil) = default;
};

// A constant. Alternative i is of static_cast<Type>(i).
using Literal = std::variant<Nil, bool, int64_t, double, Duration, std::string, Status, Kind>;

// Where an attribute is looked up. Any is `.name`: on the span and on its resource.
enum class Scope : uint8_t { Any, Span, Resource, Event, Link, Instrumentation };

struct Attribute {
  Scope scope = Scope::Any;
  std::string name;
  friend bool operator==(const Attribute&, const Attribute&) = default;
};

// What every span has without an attribute. The comment is the spelling that to_string() prints; vocabulary.h has the
// other spellings and the types.
enum class Intrinsic : uint8_t {
  SpanDuration,            // duration
  SpanName,                // name
  SpanKind,                // kind
  SpanStatus,              // status
  SpanStatusMessage,       // statusMessage
  SpanId,                  // span:id          16 hexadecimal digits
  SpanParentId,            // span:parentID    16 hexadecimal digits; empty for a span without a parent
  SpanChildCount,          // span:childCount
  NestedSetLeft,           // nestedSetLeft
  NestedSetRight,          // nestedSetRight
  NestedSetParent,         // nestedSetParent
  TraceDuration,           // trace:duration
  TraceRootName,           // trace:rootName
  TraceRootService,        // trace:rootService
  TraceId,                 // trace:id         32 hexadecimal digits
  EventName,               // event:name
  EventTimeSinceStart,     // event:timeSinceStart
  LinkTraceId,             // link:traceID
  LinkSpanId,              // link:spanID
  InstrumentationName,     // instrumentation:name
  InstrumentationVersion,  // instrumentation:version
};
constexpr uint32_t kIntrinsicCount = 21;

enum class UnaryOp : uint8_t {
  Not,     // !x     of Bool
  Negate,  // -x     of a number
  Exists,  // x != nil
  Absent,  // x = nil
};

enum class BinaryOp : uint8_t {
  And,
  Or,  // of Bool
  Equal,
  NotEqual,  // of equal types or two numbers
  Less,
  LessEqual,
  Greater,
  GreaterEqual,  // of two numbers or two strings (byte order)
  Match,
  NotMatch,  // of a string and a literal pattern
  Add,
  Subtract,
  Multiply,
  Divide,
  Modulo,
  Power,  // of numbers
};

struct FieldExpr;
using FieldPtr = std::unique_ptr<const FieldExpr>;

struct Unary {
  UnaryOp op;
  FieldPtr operand;
};

struct Binary {
  BinaryOp op;
  FieldPtr left;
  FieldPtr right;
};

struct FieldExpr {
  std::variant<Literal, Attribute, Intrinsic, Unary, Binary> node;
  Type type = Type::Unknown;  // of the value it yields
  uint16_t height = 1;        // nodes on the longest path down
  uint32_t offset = 0;        // byte in the query text: of the operator, or of the first byte of a leaf
};

// The relation that a span of the right side has to some span of the left side, or what both sides are joined by.
enum class SpansetOp : uint8_t {
  And,         // both sides have spans: the spans of both
  Or,          // the spans of either
  Child,       // left >  right: spans of the right whose parent is on the left
  Descendant,  // left >> right
  Parent,      // left <  right: spans of the right that are the parent of one on the left
  Ancestor,    // left << right
  Sibling,     // left ~  right: another span with the same parent; never the span itself
};

struct SpansetExpr;
using SpansetPtr = std::unique_ptr<const SpansetExpr>;

struct Filter {
  FieldPtr condition;
};

struct Join {
  SpansetOp op;
  SpansetPtr left;
  SpansetPtr right;
};

struct SpansetExpr {
  std::variant<Filter, Join> node;
  uint16_t height = 1;  // nodes on the longest path down, those of the conditions included
  uint32_t offset = 0;  // byte in the query text: of `{` or of the operator
};

struct Query {
  SpansetPtr spans;
};

bool operator==(const FieldExpr& a, const FieldExpr& b);
bool operator==(const SpansetExpr& a, const SpansetExpr& b);
bool operator==(const Query& a, const Query& b);

}  // namespace clew::query
