// SPDX-License-Identifier: Apache-2.0
//
// The writer's half of a block's tables: columns, shapes and templates get their numbers here, and spill here
// (docs/format/block.md, section 2). Row group by row group:
//
//   catalogue.start(spans);
//   shape = catalogue.local_shape(level, batch_shape);       // for each list of attributes: counts its use
//   catalogue.choose_columns();                              // keys that are used often enough get theirs
//   const LocalShape& where = catalogue.resolved(shape);     // the block's shape, and where each value goes
//
// What a batch says in its own numbers is translated once a row group: so a batch may change between two of them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "block/schema.h"
#include "block/writer.h"
#include "model/intern_table.h"
#include "model/span_batch.h"

namespace clew::block {

// Where a value of a list goes: the slot behind the list's first, and the column; kRareColumn: the rare ones.
struct Target {
  uint32_t slot = 0;
  ColumnId column = 0;
};

struct LocalShape {
  model::ShapeId batch_shape = 0;
  Level level = Level::Span;
  uint32_t uses = 0;
  uint32_t block_shape = 0;
  uint32_t first_target = 0;
  uint32_t target_count = 0;
};

class Catalogue {
 public:
  explicit Catalogue(const WriterOptions& options);

  void start(const model::SpanBatch& spans);
  // Counts one more use.
  uint32_t local_shape(Level level, model::ShapeId shape);
  // `lists`: the attribute lists of each level in the row group.
  void choose_columns(std::span<const uint64_t, 3> lists);
  const LocalShape& resolved(uint32_t local) const { return local_[local]; }
  std::span<const Target> targets(const LocalShape& shape) const {
    return std::span(targets_).subspan(shape.first_target, shape.target_count);
  }

  uint32_t resource(uint32_t index);
  // The block's template for a span's; `shape` is one of resolved(). Sets `all_rare` where the span's attributes have
  // to go to the rare columns, whatever the shape says.
  uint32_t template_of(uint32_t row, uint32_t local_shape, bool& all_rare);

  // Attribute column kFirstAttribute + i.
  const std::vector<Column>& columns() const { return columns_; }
  const Tables& tables() const { return tables_; }
  uint64_t memory_bytes() const;

 private:
  // A key of the batch at one level, in this row group.
  struct LocalKey {
    Level level;
    model::KeyType key;
    ColumnId column;
    uint64_t uses;
  };
  // A number of the batch that was translated in generation `made`.
  struct Memo {
    uint32_t made = 0;
    uint32_t number = 0;
  };
  // A template of the batch's numbers.
  struct LocalTemplate {
    model::StringId name;
    uint32_t scope;
    int32_t kind;
    int32_t status;
    uint32_t shape;
    uint32_t number;
    bool all_rare;
  };

  uint32_t local_key(Level level, model::KeyType key);
  ColumnId find_column(Level level, std::string_view key, model::ValueType type) const;
  void add_column(const LocalKey& key);
  void resolve(LocalShape& shape);
  uint32_t block_shape(std::span<const ColumnId> columns, bool& all_rare);
  uint32_t rare_shape(size_t attributes);
  uint32_t intern_shape(std::span<const ColumnId> columns, bool even_if_full);
  void make_template(LocalTemplate& local);
  uint32_t intern_template(const Template& wanted, bool even_if_full);
  uint32_t scope(uint32_t index);

  const WriterOptions options_;
  const model::SpanBatch* spans_ = nullptr;

  // Of the block.
  Tables tables_;
  std::vector<Column> columns_;
  model::InternTable column_keys_;  // entry i + 1 is column i: level, type, key
  model::InternTable shape_keys_;   // entry i is shape i
  model::InternTable template_keys_;
  std::vector<bool> is_name_;  // by number in tables_.batch.strings
  uint32_t name_count_ = 0;

  // Of the row group.
  uint32_t generation_ = 0;
  std::vector<LocalShape> local_;
  std::array<std::vector<Memo>, 3> shape_memos_;
  std::vector<Memo> resource_memos_;
  std::vector<Memo> scope_memos_;
  std::vector<LocalKey> keys_;
  std::unordered_map<uint64_t, uint32_t> key_numbers_;
  std::vector<Target> targets_;
  std::vector<LocalTemplate> templates_;
  std::vector<uint32_t> template_slots_;
};

}  // namespace clew::block
