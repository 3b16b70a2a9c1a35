// SPDX-License-Identifier: Apache-2.0
#include "block/catalogue.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace clew::block {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
// So many columns a block has before a key has to be used more than once to get one.
constexpr size_t kFreeColumns = 256;
constexpr uint64_t kRareDivisor = 1000;  // below a thousandth of the lists a key is rare
constexpr size_t kTemplateSlotsMin = 256;

template <class T>
std::string_view bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

std::string column_key(Level level, std::string_view key, model::ValueType type) {
  std::string out{static_cast<char>(level), static_cast<char>(type)};
  return out.append(key);
}

}  // namespace

Catalogue::Catalogue(const WriterOptions& options) : options_(options) {
  // Number 0 of an intern table is the empty text: the shape without attributes. Templates are never empty.
  tables_.shapes.emplace_back();
}

void Catalogue::start(const model::SpanBatch& spans) {
  spans_ = &spans;
  ++generation_;
  local_.clear();
  keys_.clear();
  key_numbers_.clear();
  targets_.clear();
  templates_.clear();
  template_slots_.assign(kTemplateSlotsMin, kNone);
  for (std::vector<Memo>& memos : shape_memos_)
    if (memos.size() < spans.shapes.size()) memos.resize(spans.shapes.size());
  if (resource_memos_.size() < spans.resources.size()) resource_memos_.resize(spans.resources.size());
  if (scope_memos_.size() < spans.scopes.size()) scope_memos_.resize(spans.scopes.size());
}

uint32_t Catalogue::local_shape(Level level, model::ShapeId shape) {
  Memo& memo = shape_memos_[static_cast<size_t>(level)][shape];
  if (memo.made != generation_) {
    memo = {generation_, static_cast<uint32_t>(local_.size())};
    local_.push_back({.batch_shape = shape, .level = level});
  }
  ++local_[memo.number].uses;
  return memo.number;
}

ColumnId Catalogue::find_column(Level level, std::string_view key, model::ValueType type) const {
  const auto found = column_keys_.find(column_key(level, key, type));
  return found ? kFirstAttribute + *found - 1 : kRareColumn;
}

uint32_t Catalogue::local_key(Level level, model::KeyType key) {
  const auto [at, is_new] =
      key_numbers_.try_emplace((static_cast<uint64_t>(level) << 32) | key.bits, static_cast<uint32_t>(keys_.size()));
  if (is_new) keys_.push_back({level, key, find_column(level, spans_->strings.at(key.key()), key.type()), 0});
  return at->second;
}

void Catalogue::add_column(const LocalKey& key) {
  const std::string_view text = spans_->strings.at(key.key.key());
  column_keys_.intern(column_key(key.level, text, key.key.type()));
  columns_.push_back({key.level, std::string(text), key.key.type()});
}

void Catalogue::choose_columns(std::span<const uint64_t, 3> lists) {
  for (const LocalShape& shape : local_)
    for (const model::KeyType key : spans_->shape_keys(shape.batch_shape))
      keys_[local_key(shape.level, key)].uses += shape.uses;
  for (LocalKey& key : keys_) {
    if (key.column != kRareColumn || columns_.size() >= options_.attribute_columns_max) continue;
    const uint64_t least = std::max<uint64_t>(columns_.size() < kFreeColumns ? 1 : 2,
                                              lists[static_cast<size_t>(key.level)] / kRareDivisor);
    if (key.uses < least) continue;
    key.column = static_cast<ColumnId>(kFirstAttribute + columns_.size());
    add_column(key);
  }
  for (LocalShape& shape : local_) resolve(shape);
}

void Catalogue::resolve(LocalShape& shape) {
  const std::span<const model::KeyType> keys = spans_->shape_keys(shape.batch_shape);
  shape.first_target = static_cast<uint32_t>(targets_.size());
  shape.target_count = static_cast<uint32_t>(keys.size());
  for (uint32_t i = 0; i < keys.size(); ++i) targets_.push_back({i, keys_[local_key(shape.level, keys[i])].column});
  const std::span<Target> targets = std::span(targets_).subspan(shape.first_target);
  if (!options_.ordered_shapes) {
    std::ranges::sort(targets, {}, [&](const Target& target) {
      return std::pair(spans_->strings.at(keys[target.slot].key()), target.slot);
    });
  }
  std::vector<ColumnId> columns;
  for (const Target& target : targets) columns.push_back(target.column);
  bool all_rare = false;
  shape.block_shape = block_shape(columns, all_rare);
  if (!all_rare) return;
  for (Target& target : targets) target.column = kRareColumn;
}

uint32_t Catalogue::intern_shape(std::span<const ColumnId> columns, bool even_if_full) {
  const std::string_view key = bytes_of(columns);
  const uint64_t hash = model::InternTable::hash(key);
  if (const auto known = shape_keys_.find(key, hash)) return *known;
  if (!even_if_full && tables_.shapes.size() >= options_.shapes_max) return kNone;
  const uint32_t number = shape_keys_.intern(key, hash);
  DCHECK(number == tables_.shapes.size());
  tables_.shapes.emplace_back(columns.begin(), columns.end());
  return number;
}

uint32_t Catalogue::rare_shape(size_t attributes) {
  const std::vector<ColumnId> rare(attributes, kRareColumn);
  return intern_shape(rare, true);
}

uint32_t Catalogue::block_shape(std::span<const ColumnId> columns, bool& all_rare) {
  const uint32_t shape = intern_shape(columns, false);
  all_rare = shape == kNone;
  return all_rare ? rare_shape(columns.size()) : shape;
}

uint32_t Catalogue::resource(uint32_t index) {
  Memo& memo = resource_memos_[index];
  if (memo.made != generation_) memo = {generation_, tables_.batch.take_resource(*spans_, index)};
  return memo.number;
}

uint32_t Catalogue::scope(uint32_t index) {
  Memo& memo = scope_memos_[index];
  if (memo.made != generation_) memo = {generation_, tables_.batch.take_scope(*spans_, index)};
  return memo.number;
}

uint32_t Catalogue::template_of(uint32_t row, uint32_t local_shape, bool& all_rare) {
  LocalTemplate wanted = {
      spans_->name[row], spans_->scope[row], spans_->kind[row], spans_->status_code[row], local_shape, 0, false};
  uint64_t hash = (uint64_t{wanted.name} << 32 | wanted.shape) * 0x9E3779B97F4A7C15u;
  hash ^= (uint64_t{wanted.scope} << 32 |
           (static_cast<uint32_t>(wanted.kind) * 31 + static_cast<uint32_t>(wanted.status))) *
          0xD6E8FEB86659FD93u;
  hash ^= hash >> 32;
  const size_t mask = template_slots_.size() - 1;
  size_t at = hash & mask;
  for (; template_slots_[at] != kNone; at = (at + 1) & mask) {
    const LocalTemplate& known = templates_[template_slots_[at]];
    if (known.name == wanted.name && known.scope == wanted.scope && known.kind == wanted.kind &&
        known.status == wanted.status && known.shape == wanted.shape) {
      all_rare = known.all_rare;
      return known.number;
    }
  }
  make_template(wanted);
  template_slots_[at] = static_cast<uint32_t>(templates_.size());
  templates_.push_back(wanted);
  if (templates_.size() * 2 > template_slots_.size()) {
    // What is known so far is looked up anew; that is cheaper to write than to move it.
    template_slots_.assign(template_slots_.size() * 2, kNone);
    templates_.clear();
  }
  all_rare = wanted.all_rare;
  return wanted.number;
}

void Catalogue::make_template(LocalTemplate& local) {
  const LocalShape& shape = local_[local.shape];
  const std::string_view name = spans_->strings.at(local.name);
  Template wanted = {
      .scope = scope(local.scope), .kind = local.kind, .status_code = local.status, .shape = shape.block_shape};
  const auto known = tables_.batch.strings.find(name);
  const bool is_name = known && *known < is_name_.size() && is_name_[*known];
  wanted.name = Template::kSpilled;
  if (is_name || name_count_ < options_.names_max) {
    wanted.name = tables_.batch.strings.intern(name);
    if (is_name_.size() <= wanted.name) is_name_.resize(wanted.name + 1);
    if (!is_name) {
      is_name_[wanted.name] = true;
      ++name_count_;
    }
  }
  local.number = intern_template(wanted, false);
  local.all_rare = local.number == kNone;
  if (!local.all_rare) return;
  wanted.name = Template::kSpilled;
  wanted.shape = rare_shape(shape.target_count);
  local.number = intern_template(wanted, true);
}

uint32_t Catalogue::intern_template(const Template& wanted, bool even_if_full) {
  const std::string_view key = bytes_of(std::span(&wanted, 1));
  const uint64_t hash = model::InternTable::hash(key);
  if (const auto known = template_keys_.find(key, hash)) return *known - 1;
  if (!even_if_full && tables_.templates.size() >= options_.templates_max) return kNone;
  tables_.templates.push_back(wanted);
  return template_keys_.intern(key, hash) - 1;
}

uint64_t Catalogue::memory_bytes() const {
  uint64_t bytes = tables_.batch.memory_bytes() + tables_.templates.capacity() * sizeof(Template) +
                   column_keys_.memory_bytes() + shape_keys_.memory_bytes() * 2 + template_keys_.memory_bytes() +
                   targets_.capacity() * sizeof(Target) + local_.capacity() * sizeof(LocalShape) +
                   keys_.capacity() * (sizeof(LocalKey) + 32) + templates_.capacity() * sizeof(LocalTemplate);
  for (const std::vector<Memo>& memos : shape_memos_) bytes += memos.capacity() * sizeof(Memo);
  return bytes;
}

}  // namespace clew::block
