// SPDX-License-Identifier: Apache-2.0
//
// Which attributes spans have, and which values these have: for who writes a query and does not know the words.
//
//   AttributeNames names = TRY(attribute_names(snapshot, query, options, budget));
//   AttributeValues values = TRY(attribute_values(snapshot, query, wanted, options, budget));
//
// Counted are the spans that the query chooses, `{}` for all, of traces that overlap the time range; each once, however
// often it has the attribute (on several events, say, or as a key that came twice) and in how many parts its trace
// lies. Counts are exact, as they are of a search (scan/search.h), which finds the spans; they are counted by template,
// resource and dictionary code where a block has them. What is missing is told in
// `work.partial_reason`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/span_batch.h"
#include "scan/search.h"

namespace clew::scan {

// Different names, or values, that are counted; with one more the answer is partial.
constexpr size_t kAttributeNamesMax = 100'000;
constexpr size_t kAttributeValuesMax = 100'000;
// Names or values in one answer.
constexpr uint32_t kAttributesLimitMax = 10'000;

struct AttributeOptions {
  UnixNanos from = 0;
  UnixNanos to = UINT64_MAX;
  // Of attribute_names() alone. Any: those of all scopes; nothing: only spans are counted, and no names.
  std::optional<query::Scope> scope = query::Scope::Any;
  // Names, or values as text, that begin with it. Numbers and booleans are texts as JSON has them; bytes, arrays and
  // lists of pairs begin with nothing but "".
  std::string prefix;
  uint32_t limit = kAttributesLimitMax;

  // As of SearchOptions.
  uint64_t join_rows_max = SearchOptions().join_rows_max;
  const std::atomic<bool>* cancelled = nullptr;
  const Clock* clock = nullptr;
  uint64_t deadline_nanos = UINT64_MAX;
};

struct AttributeName {
  query::Scope scope = query::Scope::Span;
  std::string name;
  uint64_t span_count = 0;
  // By model::ValueType; a span may count in several.
  std::array<uint64_t, model::kValueTypeCount> of_type{};
};

struct AttributeNames {
  std::vector<AttributeName> names;  // by scope, then by name
  uint64_t name_count = 0;           // without the limit
  uint64_t span_count = 0;           // chosen ones, whatever they have
  uint64_t spans_with_events = 0;
  uint64_t spans_with_links = 0;
  SearchAnswer work;  // what was looked at, and whether that is all
};

struct AttributeValue {
  // A value in AttributeValues::batch, as a slot of an attribute.
  model::ValueType type = model::ValueType::Empty;
  uint64_t slot = 0;
  uint64_t span_count = 0;
};

struct AttributeValues {
  std::vector<AttributeValue> values;  // by descending count, then by type and value
  uint64_t value_count = 0;            // without the limit
  uint64_t span_count = 0;             // chosen ones, whatever they have
  model::SpanBatch batch;              // the texts of values, no spans
  SearchAnswer work;
};

// What attribute_values() is asked for. An intrinsic has to be has_values().
using Wanted = std::variant<query::Attribute, query::Intrinsic>;
// Not those of which every span has its own, nor those of whole traces.
bool has_values(query::Intrinsic intrinsic);

// Errors as of search().
Result<AttributeNames> attribute_names(const store::Snapshot& snapshot, const query::Query& query,
                                       const AttributeOptions& options, MemoryBudget& budget);
Result<AttributeValues> attribute_values(const store::Snapshot& snapshot, const query::Query& query,
                                         const Wanted& wanted, const AttributeOptions& options, MemoryBudget& budget);

}  // namespace clew::scan
