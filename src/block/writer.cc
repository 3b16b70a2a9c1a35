// SPDX-License-Identifier: Apache-2.0
#include "block/writer.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "block/filter.h"
#include "block/interval_set.h"
#include "block/layout.h"
#include "block/row_group_writer.h"
#include "codec/crc32c.h"
#include "model/batch_codec.h"

namespace clew::block {

class Writer::Impl {
 public:
  Impl(ByteSink& sink, const WriterOptions& options) : sink_(sink), groups_(options) {}

  Result<void> add(const model::SpanBatch& spans, std::span<const TraceInput> traces) {
    if (traces.empty()) return {};
    if (bytes_ == 0) TRY(append(header_bytes()));
    RowGroupEntry entry;
    entry.goes_on = traces.front().first_position > 0;
    CHECK(!entry.goes_on || (traces.size() == 1 && traces.front().summary.id == last_trace_));
    const Bytes bytes = TRY(groups_.write(spans, traces, entry));
    entry.facts.offset = bytes_;
    entry.directory.offset += bytes_;
    entry.facts.first_row = footer_.facts.span_count;
    entry.facts.first_trace = footer_.facts.trace_count - (entry.goes_on ? 1 : 0);
    entry.facts.start = UINT64_MAX;
    for (const TraceInput& trace : traces) take(trace, entry);
    footer_.facts.span_count += entry.facts.row_count;
    footer_.row_groups.push_back(entry);
    last_trace_ = traces.back().summary.id;
    return append(bytes);
  }

  Result<BlockFacts> finish() {
    if (bytes_ == 0) TRY(append(header_bytes()));
    footer_.columns = std::move(groups_.columns());
    TRY(write_dictionaries());
    footer_.tables = TRY(append_part(tables_bytes()));
    TRY(write_index());
    TRY(write_filter());
    TRY(write_elsewhere());
    footer_.facts.intervals = std::move(intervals_).intervals();
    footer_.facts.row_group_count = static_cast<uint32_t>(footer_.row_groups.size());
    TRY(append(encode_footer(footer_)));
    footer_.facts.bytes = bytes_;
    return footer_.facts;
  }

  uint64_t span_count() const { return footer_.facts.span_count; }
  uint64_t bytes_written() const { return bytes_; }
  uint64_t memory_bytes() const {
    return groups_.memory_bytes() + index_.capacity() * sizeof(IndexEntry) +
           elsewhere_.capacity() * sizeof(model::TraceId) + footer_.row_groups.capacity() * sizeof(RowGroupEntry);
  }

 private:
  struct IndexEntry {
    uint64_t hash;
    uint32_t trace;
    friend auto operator<=>(const IndexEntry&, const IndexEntry&) = default;
  };

  Result<void> append(Bytes bytes) {
    TRY(sink_.append(bytes));
    bytes_ += bytes.size();
    return {};
  }
  Result<void> append(const std::string& bytes) { return append(as_bytes(bytes)); }

  Result<Place> append_part(const std::string& bytes) {
    const Place place = {bytes_, bytes.size(), codec::crc32c(as_bytes(bytes))};
    TRY(append(bytes));
    return place;
  }

  void take(const TraceInput& trace, RowGroupEntry& entry) {
    const model::TraceSummary& summary = trace.summary;
    RowGroupFacts& group = entry.facts;
    group.newest_order_time = std::max(group.newest_order_time, summary.order_time);
    group.start = std::min(group.start, summary.start);
    group.end = std::max(group.end, summary.end);
    if (entry.goes_on) return;
    BlockFacts& block = footer_.facts;
    index_.push_back({filter_hash(summary.id), static_cast<uint32_t>(block.trace_count)});
    const bool is_first = block.trace_count++ == 0;
    block.newest_order_time = std::max(block.newest_order_time, summary.order_time);
    block.first_arrival = is_first ? summary.first_arrival : std::min(block.first_arrival, summary.first_arrival);
    block.last_arrival = std::max(block.last_arrival, summary.first_arrival);
    intervals_.add({summary.start, summary.end});
    if ((trace.flags & kIsElsewhere) == 0) return;
    ++block.elsewhere_count;
    elsewhere_.push_back(summary.id);
  }

  Result<void> write_dictionaries() {
    for (ColumnId id = 0; id < groups_.texts().column_count(); ++id) {
      const TextValues& texts = groups_.texts().dictionary(id);
      if (texts.size() == 0) continue;
      std::string page;
      groups_.encoder().texts(texts, page);
      ColumnEntry& column = footer_.columns[id];
      column.facts.dictionary_size = static_cast<uint32_t>(texts.size());
      column.facts.dictionary_bytes = texts.bytes.size();
      column.dictionary = TRY(append_part(page));
    }
    return {};
  }

  std::string tables_bytes() {
    const Tables& tables = groups_.catalogue().tables();
    TextValues batch;
    std::string encoded;
    model::encode_batch(tables.batch, encoded);
    batch.push_back(encoded);
    ListWriter lists(groups_.encoder());
    lists.texts(batch);
    std::vector<uint32_t> numbers(tables.templates.size());
    const auto put = [&](auto get) {
      for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<uint32_t>(get(tables.templates[i]));
      lists.ints(std::span<const uint32_t>(numbers));
    };
    put([](const Template& t) { return t.name; });
    put([](const Template& t) { return t.scope; });
    put([](const Template& t) { return t.kind; });
    put([](const Template& t) { return t.status_code; });
    put([](const Template& t) { return t.shape; });
    std::vector<uint32_t> lengths;
    std::vector<uint32_t> columns;
    for (const std::vector<ColumnId>& shape : tables.shapes) {
      lengths.push_back(static_cast<uint32_t>(shape.size()));
      columns.insert(columns.end(), shape.begin(), shape.end());
    }
    lists.ints(std::span<const uint32_t>(lengths));
    lists.ints(std::span<const uint32_t>(columns));
    return lists.bytes();
  }

  Result<void> write_index() {
    std::ranges::sort(index_);
    std::vector<uint32_t> hashes;
    std::vector<uint32_t> traces;
    for (size_t begin = 0; begin < index_.size(); begin += kIndexPageEntries) {
      hashes.clear();
      traces.clear();
      for (size_t i = begin; i < std::min(begin + kIndexPageEntries, index_.size()); ++i) {
        hashes.push_back(static_cast<uint32_t>(index_[i].hash >> 32));
        traces.push_back(index_[i].trace);
      }
      ListWriter lists(groups_.encoder());
      lists.ints(std::span<const uint32_t>(hashes));
      lists.ints(std::span<const uint32_t>(traces));
      footer_.index_pages.push_back({hashes.front(), TRY(append_part(lists.bytes()))});
    }
    return {};
  }

  Result<void> write_filter() {
    FilterBuilder filter(index_.size());
    for (const IndexEntry& entry : index_) filter.add(entry.hash);
    footer_.filter = TRY(append_part(filter.bytes()));
    return {};
  }

  Result<void> write_elsewhere() {
    std::ranges::sort(elsewhere_);
    std::vector<uint64_t> high;
    std::vector<uint64_t> low;
    for (const model::TraceId& id : elsewhere_) {
      high.push_back(id.high);
      low.push_back(id.low);
    }
    ListWriter lists(groups_.encoder());
    lists.ints(std::span<const uint64_t>(high));
    lists.ints(std::span<const uint64_t>(low));
    footer_.elsewhere = TRY(append_part(lists.bytes()));
    return {};
  }

  ByteSink& sink_;
  RowGroupWriter groups_;
  FooterContent footer_;
  IntervalSet intervals_;
  std::vector<IndexEntry> index_;
  std::vector<model::TraceId> elsewhere_;
  model::TraceId last_trace_;
  uint64_t bytes_ = 0;
};

Writer::Writer(ByteSink& sink, const WriterOptions& options) : impl_(std::make_unique<Impl>(sink, options)) {}
Writer::~Writer() = default;

Result<void> Writer::add_row_group(const model::SpanBatch& spans, std::span<const TraceInput> traces) {
  return impl_->add(spans, traces);
}

Result<BlockFacts> Writer::finish() { return impl_->finish(); }
uint64_t Writer::span_count() const { return impl_->span_count(); }
uint64_t Writer::bytes_written() const { return impl_->bytes_written(); }
uint64_t Writer::memory_bytes() const { return impl_->memory_bytes(); }

}  // namespace clew::block
