// SPDX-License-Identifier: Apache-2.0
//
// A column of integers is written relative to its smallest value in 0, 1, 2, 4 or 8 bytes each, whichever is the least
// that fits (frame of reference): most columns of a request need one byte or none, and both directions are loops that
// the compiler vectorises.
#include "model/batch_codec.h"

#include <algorithm>
#include <array>
#include <vector>

#include "codec/utf8.h"
#include "codec/varint.h"

namespace clew::model {
namespace {

using codec::append_varint;

// A column of a table other than the spans' own must spend at least a byte per row, so that a count that lies cannot
// ask for more memory than the bytes that are there.
enum class Width : uint8_t { Any = 0, AtLeastOne = 1 };

// The ids of a span are written as they are.
constexpr size_t kBytesPerSpanMin = TraceId::kBytes + 2 * SpanId::kBytes;

uint8_t width_for(uint64_t range) {
  if (range == 0) return 0;
  if (range <= UINT8_MAX) return 1;
  if (range <= UINT16_MAX) return 2;
  return range <= UINT32_MAX ? 4 : 8;
}

template <class Narrow>
void append_narrow(std::string& out, const std::vector<uint64_t>& values, uint64_t base) {
  const size_t at = out.size();
  out.resize(at + values.size() * sizeof(Narrow));
  char* to = out.data() + at;
  for (const uint64_t value : values) {
    put(to, static_cast<Narrow>(value - base));
    to += sizeof(Narrow);
  }
}

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void number(uint64_t value) { append_varint(out_, value); }

  // `count` integers, the i-th of which is get(i).
  template <class Get>
  void column(size_t count, Width least, Get get) {
    values_.resize(count);
    for (size_t i = 0; i < count; ++i) values_[i] = get(i);
    write_values(least);
  }

  template <class T>
  void column(const Column<T>& column) {
    values_.resize(column.size());
    size_t at = 0;
    column.for_each_run(0, column.size(), [&](std::span<const T> run) {
      for (const T value : run) values_[at++] = widened(value);
    });
    write_values(Width::Any);
  }

  template <class T>
  bool raw(const Column<T>& column, size_t) {
    column.for_each_run(0, column.size(), [&](std::span<const T> run) {
      out_.append(reinterpret_cast<const char*>(run.data()), run.size_bytes());
    });
    return true;
  }

  // Every text but number 0, which is empty.
  template <class Accept>
  bool table(const InternTable& table, Accept) {
    number(table.size() - 1);
    column(table.size() - 1, Width::AtLeastOne, [&](size_t i) { return table.at(id(i)).size(); });
    for (size_t i = 0; i + 1 < table.size(); ++i) out_.append(table.at(id(i)));
    return true;
  }

  template <class Row>
  bool rows(const Column<Row>& table, size_t implied = 0) {
    number(table.size() - implied);
    return true;
  }

  // The member that `access` names, of every row from `first` on.
  template <class Row, class Access>
  bool member(const Column<Row>& table, uint64_t, Access access, Width least = Width::Any, size_t first = 0) {
    column(table.size() - first, least, [&](size_t i) { return static_cast<uint64_t>(access(table[first + i])); });
    return true;
  }

  template <class T>
  bool spans(const Column<T>& column, size_t, uint64_t) {
    this->column(column);
    return true;
  }

  bool varints(const Column<uint64_t>& column) {
    number(column.size());
    std::array<uint8_t, 64 * codec::kVarintBytesMax> buffer;
    column.for_each_run(0, column.size(), [&](std::span<const uint64_t> run) {
      while (!run.empty()) {
        const size_t step = std::min<size_t>(run.size(), 64);
        uint8_t* to = buffer.data();
        for (const uint64_t value : run.first(step)) to = codec::write_varint(to, value);
        out_.append(reinterpret_cast<const char*>(buffer.data()), static_cast<size_t>(to - buffer.data()));
        run = run.subspan(step);
      }
    });
    return true;
  }

 private:
  static InternTable::Id id(size_t index) { return static_cast<InternTable::Id>(index + 1); }
  template <class T>
  static uint64_t widened(T value) {
    if constexpr (sizeof(T) == 4) {
      return static_cast<uint32_t>(value);
    } else {
      return value;
    }
  }

  void write_values(Width least) {
    const auto [low, high] = std::minmax_element(values_.begin(), values_.end());
    const uint64_t base = values_.empty() ? 0 : *low;
    const uint8_t width = std::max(static_cast<uint8_t>(least), width_for(values_.empty() ? 0 : *high - base));
    out_ += static_cast<char>(width);
    number(base);
    switch (width) {
      case 0:
        return;
      case 1:
        return append_narrow<uint8_t>(out_, values_, base);
      case 2:
        return append_narrow<uint16_t>(out_, values_, base);
      case 4:
        return append_narrow<uint32_t>(out_, values_, base);
      default:
        return append_narrow<uint64_t>(out_, values_, base);
    }
  }

  std::string& out_;
  std::vector<uint64_t> values_;
};

// Reads what Writer wrote. The first thing that does not fit makes every later read fail.
class Reader {
 public:
  explicit Reader(Bytes bytes) : begin_(bytes.data()), next_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool number(uint64_t& value) { return ok_ = ok_ && codec::read_varint(next_, end_, value); }

  // A count of rows that cost at least `bytes_each` bytes each of what is left.
  bool count(size_t& rows, size_t bytes_each = 1) {
    uint64_t value = 0;
    ok_ = number(value) && value <= left() / bytes_each;
    rows = static_cast<size_t>(value);
    return ok_;
  }

  // `count` integers, none above `most`; set(i, value) takes them.
  template <class Set>
  bool column(size_t count, uint64_t most, Set set) {
    uint64_t base = 0;
    if (!ok_ || left() == 0) return ok_ = false;
    const uint8_t width = *next_++;
    if (!number(base)) return false;
    switch (width) {
      case 0: {
        if (base > most && count > 0) return ok_ = false;
        for (size_t i = 0; i < count; ++i) set(i, base);
        return true;
      }
      case 1:
        return narrow<uint8_t>(count, base, most, set);
      case 2:
        return narrow<uint16_t>(count, base, most, set);
      case 4:
        return narrow<uint32_t>(count, base, most, set);
      case 8:
        return narrow<uint64_t>(count, base, most, set);
      default:
        return ok_ = false;
    }
  }

  template <class Row>
  bool rows(Column<Row>& table, size_t = 0) {
    size_t rows = 0;
    if (!count(rows)) return false;
    for (size_t i = 0; i < rows; ++i) table.push_back({});
    return true;
  }

  template <class Row, class Access>
  bool member(Column<Row>& table, uint64_t entries, Access access, Width = Width::Any, size_t first = 0) {
    return column(table.size() - first, entries - 1, [&](size_t i, uint64_t value) {
      auto& field = access(table[first + i]);
      field = static_cast<std::remove_reference_t<decltype(field)>>(value);
    });
  }

  template <class T>
  bool spans(Column<T>& column, size_t count, uint64_t entries) {
    return this->column(count, entries - 1, [&](size_t, uint64_t value) { column.push_back(static_cast<T>(value)); });
  }

  template <class T>
  bool raw(Column<T>& column, size_t count) {
    if (!ok_ || left() / sizeof(T) < count) return ok_ = false;
    column.append_runs(count, [&](std::span<T> run) {
      std::memcpy(run.data(), next_, run.size_bytes());
      next_ += run.size_bytes();
    });
    return true;
  }

  // Texts must be new to the table, in the order of their numbers; `accept` must agree to each.
  template <class Accept>
  bool table(InternTable& table, Accept accept) {
    size_t texts = 0;
    if (!count(texts)) return false;
    std::vector<uint32_t> lengths(texts);
    if (!column(texts, UINT32_MAX - 1, [&](size_t i, uint64_t value) { lengths[i] = static_cast<uint32_t>(value); }))
      return false;
    for (const uint32_t length : lengths) {
      if (left() < length) return ok_ = false;
      const std::string_view text = as_text({next_, length});
      next_ += length;
      const size_t before = table.size();
      if (!accept(text) || table.intern(text) != before) return ok_ = false;
    }
    return true;
  }

  bool varints(Column<uint64_t>& column) {
    size_t values = 0;
    if (!count(values)) return false;
    for (size_t i = 0; i < values; ++i) {
      uint64_t value = 0;
      if (!number(value)) return false;
      column.push_back(value);
    }
    return true;
  }

  bool at_end() const { return next_ == end_; }
  size_t offset() const { return static_cast<size_t>(next_ - begin_); }

 private:
  size_t left() const { return static_cast<size_t>(end_ - next_); }

  template <class Narrow, class Set>
  bool narrow(size_t count, uint64_t base, uint64_t most, Set set) {
    if (left() / sizeof(Narrow) < count) return ok_ = false;
    for (size_t i = 0; i < count; ++i, next_ += sizeof(Narrow)) {
      const uint64_t value = base + load<Narrow>(next_);
      if (value > most) return ok_ = false;
      set(i, value);
    }
    return true;
  }

  const uint8_t* begin_;
  const uint8_t* next_;
  const uint8_t* end_;
  bool ok_ = true;
};

// A list's slots must exist, and those that are references must point into their table.
bool valid(const SpanBatch& batch, const AttributeSet& set) {
  const std::span<const KeyType> keys = batch.keys(set);
  if (keys.size() > batch.slots.size() || set.first_slot > batch.slots.size() - keys.size()) return false;
  for (size_t i = 0; i < keys.size(); ++i) {
    const uint64_t value = batch.slots[set.first_slot + i];
    switch (keys[i].type()) {
      case ValueType::String:
        if (value >= batch.strings.size()) return false;
        break;
      case ValueType::Bytes:
      case ValueType::Array:
      case ValueType::KvList:
        if (value >= batch.blobs.size()) return false;
        break;
      case ValueType::Bool:
        if (value > 1) return false;
        break;
      default:
        break;
    }
  }
  return true;
}

bool valid_shapes(const SpanBatch& batch) {
  for (size_t id = 0; id < batch.shapes.size(); ++id) {
    for (const KeyType key : batch.shape_keys(static_cast<ShapeId>(id)))
      if (key.key() >= batch.strings.size()) return false;
  }
  return true;
}

bool valid_lists(const SpanBatch& batch) {
  for (size_t i = 0; i < batch.resources.size(); ++i)
    if (!valid(batch, batch.resources[i].attributes)) return false;
  for (size_t i = 0; i < batch.scopes.size(); ++i)
    if (!valid(batch, batch.scopes[i].attributes)) return false;
  for (size_t i = 0; i < batch.events.size(); ++i)
    if (!valid(batch, batch.events[i].attributes)) return false;
  for (size_t i = 0; i < batch.links.size(); ++i)
    if (!valid(batch, batch.links[i].attributes)) return false;
  for (size_t row = 0; row < batch.span_count(); ++row)
    if (!valid(batch, batch.attributes(row))) return false;
  return true;
}

// How many values a column may have where it refers to no table: all of 32 and 64 bits. 0 - 1 is the largest number.
constexpr uint64_t kAny32 = uint64_t{1} << 32;
constexpr uint64_t kAny64 = 0;

// The order of everything, once for both directions: Io is Writer over a const SpanBatch or Reader over a fresh one.
// Each line names a member and how many entries the table has that it refers to.
template <class Io, class Batch>
bool transfer_resources(Io& io, Batch& batch) {
  auto& rows = batch.resources;
  return io.rows(rows) &&
         io.member(
             rows, batch.shapes.size(), [](auto& r) -> auto& { return r.attributes.shape; }, Width::AtLeastOne) &&
         io.member(rows, kAny32, [](auto& r) -> auto& { return r.attributes.first_slot; }) &&
         io.member(rows, kAny32, [](auto& r) -> auto& { return r.dropped_attributes; }) &&
         io.member(rows, batch.strings.size(), [](auto& r) -> auto& { return r.schema_url; }) &&
         io.member(rows, batch.blobs.size(), [](auto& r) -> auto& { return r.entity_refs; });
}

template <class Io, class Batch>
bool transfer_scopes(Io& io, Batch& batch) {
  auto& rows = batch.scopes;
  return io.rows(rows) &&
         io.member(
             rows, batch.shapes.size(), [](auto& s) -> auto& { return s.attributes.shape; }, Width::AtLeastOne) &&
         io.member(rows, kAny32, [](auto& s) -> auto& { return s.attributes.first_slot; }) &&
         io.member(rows, batch.strings.size(), [](auto& s) -> auto& { return s.name; }) &&
         io.member(rows, batch.strings.size(), [](auto& s) -> auto& { return s.version; }) &&
         io.member(rows, kAny32, [](auto& s) -> auto& { return s.dropped_attributes; }) &&
         io.member(rows, batch.strings.size(), [](auto& s) -> auto& { return s.schema_url; });
}

template <class Io, class Batch>
bool transfer_events(Io& io, Batch& batch) {
  auto& rows = batch.events;
  return io.rows(rows) &&
         io.member(
             rows, kAny64, [](auto& e) -> auto& { return e.time; }, Width::AtLeastOne) &&
         io.member(rows, batch.strings.size(), [](auto& e) -> auto& { return e.name; }) &&
         io.member(rows, batch.shapes.size(), [](auto& e) -> auto& { return e.attributes.shape; }) &&
         io.member(rows, kAny32, [](auto& e) -> auto& { return e.attributes.first_slot; }) &&
         io.member(rows, kAny32, [](auto& e) -> auto& { return e.dropped_attributes; });
}

template <class Io, class Batch>
bool transfer_links(Io& io, Batch& batch) {
  auto& rows = batch.links;
  return io.rows(rows) &&
         io.member(
             rows, kAny64, [](auto& l) -> auto& { return l.trace_id.high; }, Width::AtLeastOne) &&
         io.member(rows, kAny64, [](auto& l) -> auto& { return l.trace_id.low; }) &&
         io.member(rows, kAny64, [](auto& l) -> auto& { return l.span_id.value; }) &&
         io.member(rows, batch.strings.size(), [](auto& l) -> auto& { return l.trace_state; }) &&
         io.member(rows, batch.shapes.size(), [](auto& l) -> auto& { return l.attributes.shape; }) &&
         io.member(rows, kAny32, [](auto& l) -> auto& { return l.attributes.first_slot; }) &&
         io.member(rows, kAny32, [](auto& l) -> auto& { return l.dropped_attributes; }) &&
         io.member(rows, kAny32, [](auto& l) -> auto& { return l.flags; });
}

// Row 0 is in every batch and is not written.
template <class Io, class Batch>
bool transfer_rare_fields(Io& io, Batch& batch) {
  auto& rows = batch.rare_fields;
  return io.rows(rows, 1) &&
         io.member(
             rows, batch.strings.size(), [](auto& f) -> auto& { return f.trace_state; }, Width::AtLeastOne, 1) &&
         io.member(
             rows, batch.strings.size(), [](auto& f) -> auto& { return f.status_message; }, Width::Any, 1) &&
         io.member(
             rows, kAny32, [](auto& f) -> auto& { return f.dropped_attributes; }, Width::Any, 1) &&
         io.member(
             rows, kAny32, [](auto& f) -> auto& { return f.dropped_events; }, Width::Any, 1) &&
         io.member(rows, kAny32, [](auto& f) -> auto& { return f.dropped_links; }, Width::Any, 1);
}

// The references that do not go to a table are checked by valid_batch().
template <class Io, class Batch>
bool transfer_spans(Io& io, Batch& batch, size_t count) {
  return io.raw(batch.trace_id, count) && io.raw(batch.span_id, count) && io.raw(batch.parent_span_id, count) &&
         io.spans(batch.start, count, kAny64) && io.spans(batch.end, count, kAny64) &&
         io.spans(batch.name, count, batch.strings.size()) && io.spans(batch.kind, count, kAny32) &&
         io.spans(batch.status_code, count, kAny32) && io.spans(batch.flags, count, kAny32) &&
         io.spans(batch.resource, count, batch.resources.size()) && io.spans(batch.scope, count, batch.scopes.size()) &&
         io.spans(batch.shape, count, batch.shapes.size()) && io.spans(batch.first_slot, count, kAny32) &&
         io.spans(batch.rare, count, batch.rare_fields.size()) &&
         io.spans(batch.events_end, count, batch.events.size() + 1) &&
         io.spans(batch.links_end, count, batch.links.size() + 1);
}

template <class Io, class Batch>
bool transfer_tables(Io& io, Batch& batch) {
  return io.table(batch.strings, [](std::string_view text) { return codec::valid_utf8(text); }) &&
         io.table(batch.blobs, [](std::string_view) { return true; }) &&
         io.table(batch.shapes, [](std::string_view text) { return text.size() % sizeof(KeyType) == 0; }) &&
         io.varints(batch.slots) && transfer_resources(io, batch) && transfer_scopes(io, batch) &&
         transfer_events(io, batch) && transfer_links(io, batch) && transfer_rare_fields(io, batch);
}

// Every child belongs to the span whose range it is in: the ends never fall, and reach the last child.
bool valid_children(const Column<uint32_t>& ends, size_t children) {
  uint32_t before = 0;
  for (size_t row = 0; row < ends.size(); ++row) {
    if (ends[row] < before) return false;
    before = ends[row];
  }
  return before == children;
}

bool valid_batch(const SpanBatch& batch) {
  return valid_shapes(batch) && valid_lists(batch) && valid_children(batch.events_end, batch.events.size()) &&
         valid_children(batch.links_end, batch.links.size());
}

}  // namespace

void encode_batch(const SpanBatch& batch, std::string& out) {
  Writer writer(out);
  writer.number(kBatchVersion);
  transfer_tables(writer, batch);
  writer.number(batch.span_count());
  transfer_spans(writer, batch, batch.span_count());
}

Result<SpanBatch> decode_batch(Bytes bytes) {
  Reader reader(bytes);
  uint64_t version = 0;
  if (!reader.number(version)) return Error(Code::DataLoss, "span batch: no version");
  if (version != kBatchVersion)
    return Error(Code::DataLoss, "span batch: version " + std::to_string(version) + " is not known to this program");
  SpanBatch batch;
  size_t spans = 0;
  const bool well_formed = transfer_tables(reader, batch) && reader.count(spans, kBytesPerSpanMin) &&
                           transfer_spans(reader, batch, spans) && reader.at_end();
  if (!well_formed) return Error(Code::DataLoss, "span batch: damaged at byte " + std::to_string(reader.offset()));
  if (!valid_batch(batch)) return Error(Code::DataLoss, "span batch: a reference points outside its table");
  for (size_t i = 0; i < batch.resources.size(); ++i)
    batch.resources[i].service_name = batch.service_name(batch.resources[i].attributes);
  return batch;
}

}  // namespace clew::model
