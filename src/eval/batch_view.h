// SPDX-License-Identifier: Apache-2.0
//
// BatchView reads a model::SpanBatch, a request's or a head's, for the evaluator. A string's code is its number in the
// batch's table of strings. Where a key stands in a list of attributes is worked out once per shape and kept in a cache
// of bounded size; the value of a key on a resource or scope is kept per resource or scope.
//
// What a field yields:
//   - an attribute without a value (Empty) is nil, as if the key were missing; bytes, lists of pairs, empty arrays and
//     arrays of mixed types exist but pass no comparison;
//   - a key that a list holds twice yields both values, each a group of its own;
//   - `.x` yields the groups of the span and those of its resource;
//   - event and link fields yield a group for each event or link, with nil where an event or link lacks the key;
//   - duration is end - start, zero where the end lies before the start; event:timeSinceStart may be negative;
//   - span:parentID of a span without a parent is empty.
//
// The batch may grow between two calls; nothing that a growing batch moves is kept.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eval/column_view.h"
#include "model/span_batch.h"

namespace clew::eval {

class BatchView final : public ColumnView {
 public:
  // Entries of the cache from shape to place of a key; 512 KiB per attribute of a query at most.
  static constexpr size_t kShapePlacesMax = size_t{1} << 16;
  // Entries of the cache from resource or scope to value; 128 KiB per attribute of a query at most.
  static constexpr size_t kOwnerValuesMax = size_t{1} << 13;

  // Some 100 microseconds.
  static constexpr size_t kKeysLookedAtMax = 200'000;

  // `spans` must outlive the view.
  explicit BatchView(const model::SpanBatch& spans) : spans_(spans) {}

  FieldId bind(const query::Attribute& attribute) override;
  FieldId bind(query::Intrinsic intrinsic) override;
  // Looks through the keys of all shapes, unless there are more than kKeysLookedAtMax.
  FieldFacts facts(FieldId field) override;
  void read(FieldId field, std::span<const uint32_t> rows, ValueColumn& out) override;
  void read_links(std::span<const uint32_t> rows, std::span<model::SpanLink> out) override;
  std::optional<StringCode> code(std::string_view text) const override { return spans_.strings.find(text); }
  std::string_view text(StringCode code) const override { return spans_.strings.at(code); }

  // out[i] = the field, an attribute, of resource owners[i], or of scope owners[i] where its scope is Instrumentation:
  // for who has the resources and scopes in a batch and the spans elsewhere.
  void read_of_owners(FieldId field, std::span<const uint32_t> owners, ValueColumn& out);

 private:
  // Where a key stands in a shape: position << kStateBits | state, the state a ValueType or one of the two below it.
  struct Place {
    model::ShapeId shape;
    uint32_t packed;
  };
  static constexpr uint32_t kStateBits = 4;
  static constexpr uint32_t kAbsent = 8;   // the shape does not have the key
  static constexpr uint32_t kSeveral = 9;  // it has it more than once

  struct OwnerValue {
    uint32_t owner;
    Value value;
  };

  struct Field {
    std::optional<query::Intrinsic> intrinsic;
    query::Scope scope = query::Scope::Any;
    std::string key;
    std::optional<model::StringId> key_id;  // looked up anew while the batch does not know the key
    std::vector<Place> places;              // by shape, direct-mapped
    std::vector<OwnerValue> owners;         // by resource or scope row, direct-mapped
    std::optional<FieldFacts> facts;        // once it was asked for
  };

  FieldFacts look_through_shapes(const std::string& key) const;
  void prepare(Field& field);
  uint32_t place_of(Field& field, model::ShapeId shape);
  uint32_t find_place(const Field& field, model::ShapeId shape) const;
  // The value of the field in the list; Many where it takes groups to say, which append_groups() then gives.
  Value plain_value(Field& field, const model::AttributeSet& set);
  void append_groups(Field& field, const model::AttributeSet& set, ValueColumn& out);

  template <class OwnerOf, class SetOf>
  void read_owned(Field& field, OwnerOf owner_of, SetOf set_of, std::span<const uint32_t> rows, ValueColumn& out);
  template <class OwnerOf>
  void read_resources(Field& field, OwnerOf owner_of, std::span<const uint32_t> rows, ValueColumn& out);
  template <class OwnerOf>
  void read_scopes(Field& field, OwnerOf owner_of, std::span<const uint32_t> rows, ValueColumn& out);
  void read_span(Field& field, std::span<const uint32_t> rows, ValueColumn& out);
  void read_any(Field& field, std::span<const uint32_t> rows, ValueColumn& out);
  void read_events(Field& field, std::span<const uint32_t> rows, ValueColumn& out);
  void read_links_of(Field& field, std::span<const uint32_t> rows, ValueColumn& out);
  void read_intrinsic(query::Intrinsic intrinsic, std::span<const uint32_t> rows, ValueColumn& out);
  Value resource_value(Field& field, uint32_t resource);

  const model::SpanBatch& spans_;
  std::vector<Field> fields_;
  std::vector<uint32_t> present_;  // indices into the rows being read
};

}  // namespace clew::eval
