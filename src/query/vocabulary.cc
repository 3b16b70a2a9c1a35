// SPDX-License-Identifier: Apache-2.0
//
// The tables are small and searched from front to back; a query has few words.
#include "query/vocabulary.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "base/check.h"

namespace clew::query {

namespace {

constexpr std::array<IntrinsicWord, kIntrinsicCount> kIntrinsics = {{
    {Intrinsic::SpanDuration, "span:duration", "duration", "duration", Type::Duration},
    {Intrinsic::SpanName, "span:name", "name", "name", Type::String},
    {Intrinsic::SpanKind, "span:kind", "kind", "kind", Type::Kind},
    {Intrinsic::SpanStatus, "span:status", "status", "status", Type::Status},
    {Intrinsic::SpanStatusMessage, "span:statusMessage", "statusMessage", "statusMessage", Type::String},
    {Intrinsic::SpanId, "span:id", "", "span:id", Type::String},
    {Intrinsic::SpanParentId, "span:parentID", "", "span:parentID", Type::String},
    {Intrinsic::SpanChildCount, "span:childCount", "", "span:childCount", Type::Int},
    {Intrinsic::NestedSetLeft, "", "nestedSetLeft", "nestedSetLeft", Type::Int},
    {Intrinsic::NestedSetRight, "", "nestedSetRight", "nestedSetRight", Type::Int},
    {Intrinsic::NestedSetParent, "", "nestedSetParent", "nestedSetParent", Type::Int},
    {Intrinsic::TraceDuration, "trace:duration", "traceDuration", "trace:duration", Type::Duration},
    {Intrinsic::TraceRootName, "trace:rootName", "rootName", "trace:rootName", Type::String},
    {Intrinsic::TraceRootService, "trace:rootService", "rootServiceName", "trace:rootService", Type::String},
    {Intrinsic::TraceId, "trace:id", "", "trace:id", Type::String},
    {Intrinsic::EventName, "event:name", "", "event:name", Type::String},
    {Intrinsic::EventTimeSinceStart, "event:timeSinceStart", "", "event:timeSinceStart", Type::Duration},
    {Intrinsic::LinkTraceId, "link:traceID", "", "link:traceID", Type::String},
    {Intrinsic::LinkSpanId, "link:spanID", "", "link:spanID", Type::String},
    {Intrinsic::InstrumentationName, "instrumentation:name", "", "instrumentation:name", Type::String},
    {Intrinsic::InstrumentationVersion, "instrumentation:version", "", "instrumentation:version", Type::String},
}};

constexpr bool rows_in_order() {
  for (uint32_t i = 0; i < kIntrinsicCount; ++i) {
    if (kIntrinsics[i].intrinsic != static_cast<Intrinsic>(i)) return false;
  }
  return true;
}
static_assert(rows_in_order());

constexpr std::array<std::string_view, 6> kScopes = {"", "span", "resource", "event", "link", "instrumentation"};
constexpr std::array<std::string_view, 3> kStatuses = {"unset", "ok", "error"};
constexpr std::array<std::string_view, 6> kKinds = {"unspecified", "internal", "server",
                                                    "client",      "producer", "consumer"};
constexpr std::array<std::string_view, 4> kUnaryOps = {"!", "-", "!=", "="};
constexpr std::array<std::string_view, 16> kBinaryOps = {
    "&&", "||", "=", "!=", "<", "<=", ">", ">=", "=~", "!~", "+", "-", "*", "/", "%", "^"};
constexpr std::array<std::string_view, 7> kSpansetOps = {"&&", "||", ">", ">>", "<", "<<", "~"};
constexpr std::array<std::string_view, 10> kTypes = {"nil",          "a boolean", "an integer", "a float",
                                                     "a duration",   "a string",  "a status",   "a kind",
                                                     "an attribute", "a number"};

// Words for a constant beside those of status and kind.
constexpr std::array<std::string_view, 5> kOtherConstants = {"true", "false", "nil", "minInt", "maxInt"};

template <class Table>
std::optional<size_t> index_in(const Table& table, std::string_view word) {
  const auto found = std::find(table.begin(), table.end(), word);
  if (found == table.end()) return std::nullopt;
  return static_cast<size_t>(found - table.begin());
}

template <class Table, class Enum>
std::string_view at(const Table& table, Enum value) {
  const auto index = static_cast<size_t>(value);
  CHECK(index < table.size());
  return table[index];
}

// Levenshtein distance without regard to case; words longer than this are nobody's slip.
constexpr size_t kSlipBytesMax = 32;

size_t distance(std::string_view a, std::string_view b) {
  std::array<size_t, kSlipBytesMax + 1> row{};
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replace});
    }
  }
  return row[b.size()];
}

}  // namespace

std::span<const IntrinsicWord> intrinsic_words() { return kIntrinsics; }

const IntrinsicWord& word_of(Intrinsic intrinsic) {
  const auto index = static_cast<size_t>(intrinsic);
  CHECK(index < kIntrinsics.size());
  return kIntrinsics[index];
}

std::optional<Intrinsic> find_intrinsic(std::string_view spelling) {
  if (spelling.empty()) return std::nullopt;
  for (const IntrinsicWord& word : kIntrinsics) {
    if (word.scoped == spelling || word.bare == spelling) return word.intrinsic;
  }
  return std::nullopt;
}

std::optional<Literal> find_constant(std::string_view word) {
  if (word == "true") return Literal(true);
  if (word == "false") return Literal(false);
  if (word == "nil") return Literal(Nil{});
  if (word == "minInt") return Literal(std::numeric_limits<int64_t>::min());
  if (word == "maxInt") return Literal(std::numeric_limits<int64_t>::max());
  if (const auto status = index_in(kStatuses, word)) return Literal(static_cast<Status>(*status));
  if (const auto kind = index_in(kKinds, word)) return Literal(static_cast<Kind>(*kind));
  return std::nullopt;
}

std::optional<Scope> find_scope(std::string_view word) {
  const auto index = index_in(kScopes, word);
  if (!index || *index == 0) return std::nullopt;
  return static_cast<Scope>(*index);
}

std::string_view spelling(Scope scope) { return at(kScopes, scope); }
std::string_view spelling(Status status) { return at(kStatuses, status); }
std::string_view spelling(Kind kind) { return at(kKinds, kind); }
std::string_view spelling(UnaryOp op) { return at(kUnaryOps, op); }
std::string_view spelling(BinaryOp op) { return at(kBinaryOps, op); }
std::string_view spelling(SpansetOp op) { return at(kSpansetOps, op); }
std::string_view spelling(Type type) { return at(kTypes, type); }

int level(BinaryOp op) {
  switch (op) {
    case BinaryOp::And:
    case BinaryOp::Or:
      return 2;
    case BinaryOp::Add:
    case BinaryOp::Subtract:
      return 4;
    case BinaryOp::Multiply:
    case BinaryOp::Divide:
    case BinaryOp::Modulo:
      return 6;
    case BinaryOp::Power:
      return 7;
    default:
      return 3;
  }
}

int level(UnaryOp op) {
  switch (op) {
    case UnaryOp::Not:
      return 5;
    case UnaryOp::Negate:
      return 4;
    default:
      return 3;
  }
}

int level(SpansetOp op) { return op == SpansetOp::And || op == SpansetOp::Or ? 2 : 3; }

std::optional<std::string_view> nearest_word(std::string_view word) {
  if (word.empty() || word.size() > kSlipBytesMax) return std::nullopt;
  std::vector<std::string_view> known(kOtherConstants.begin(), kOtherConstants.end());
  known.insert(known.end(), kStatuses.begin(), kStatuses.end());
  known.insert(known.end(), kKinds.begin(), kKinds.end());
  for (const IntrinsicWord& intrinsic : kIntrinsics) {
    if (!intrinsic.bare.empty()) known.push_back(intrinsic.bare);
    if (!intrinsic.scoped.empty()) known.push_back(intrinsic.scoped);
  }
  // A third of the letters may be wrong, so that short words are not guessed at.
  size_t best = word.size() / 3 + 1;
  std::optional<std::string_view> nearest;
  constexpr size_t kAbbreviationMin = 3;
  for (const std::string_view candidate : known) {
    const bool abbreviated = word.size() >= kAbbreviationMin && candidate.starts_with(word);
    const size_t slips = abbreviated ? std::min<size_t>(1, distance(word, candidate)) : distance(word, candidate);
    if (slips >= best) continue;
    best = slips;
    nearest = candidate;
  }
  return nearest;
}

std::string intrinsics_of(std::string_view scope) {
  std::string list;
  for (const IntrinsicWord& word : kIntrinsics) {
    if (word.scoped.size() <= scope.size() || !word.scoped.starts_with(scope) || word.scoped[scope.size()] != ':') {
      continue;
    }
    if (!list.empty()) list += ", ";
    list += word.scoped;
  }
  return list;
}

}  // namespace clew::query
