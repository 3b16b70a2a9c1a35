// SPDX-License-Identifier: Apache-2.0
#include "block/block.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "block/filter.h"
#include "block/layout.h"
#include "block/opened.h"
#include "block/text_index.h"
#include "codec/crc32c.h"
#include "codec/utf8.h"
#include "model/batch_codec.h"

namespace clew::block {
namespace {

// Ids that for_each_trace_id holds at a time: 16 MiB.
constexpr size_t kIdsHeldMax = 1 << 20;
constexpr size_t kIdsInARun = 4096;

struct IndexEntries {
  std::vector<uint32_t> hashes;
  std::vector<uint32_t> traces;
};

// What find() needs of a row group.
struct GroupTraces {
  std::vector<model::TraceId> ids;
  std::vector<TracePlace> places;
};

uint8_t* data_of(std::string& bytes) { return reinterpret_cast<uint8_t*>(bytes.data()); }

bool crc_matches([[maybe_unused]] Bytes bytes, [[maybe_unused]] uint32_t crc) {
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
  return true;  // a fuzzer cannot guess them
#else
  return codec::crc32c(bytes) == crc;
#endif
}

uint64_t memory_of(const Tables& tables) {
  uint64_t bytes = tables.batch.memory_bytes() + tables.templates.size() * sizeof(Template);
  for (const auto& shape : tables.shapes) bytes += sizeof(std::vector<ColumnId>) + shape.size() * sizeof(ColumnId);
  return bytes;
}

// The columns of a shape are of one level, and the columns exist.
bool check_shape(std::span<const ColumnId> shape, const std::vector<ColumnEntry>& columns) {
  std::optional<Level> level;
  for (const ColumnId column : shape) {
    if (column == kRareColumn) continue;
    if (column < kFirstAttribute || column >= columns.size()) return false;
    const Level here = columns[column].facts.column.level;
    if (level.value_or(here) != here) return false;
    level = here;
  }
  return true;
}

bool is_of_spans(std::span<const ColumnId> shape, const std::vector<ColumnEntry>& columns) {
  const auto common = std::ranges::find_if(shape, [](ColumnId column) { return column != kRareColumn; });
  return common == shape.end() || columns[*common].facts.column.level == Level::Span;
}

Result<void> read_templates(ListReader& lists, uint64_t count_max, Tables& tables) {
  const std::vector<uint32_t> names = TRY(lists.ints32(count_max));
  const std::vector<uint32_t> scopes = TRY(lists.ints32(count_max));
  const std::vector<uint32_t> kinds = TRY(lists.ints32(count_max));
  const std::vector<uint32_t> statuses = TRY(lists.ints32(count_max));
  const std::vector<uint32_t> shapes = TRY(lists.ints32(count_max));
  const size_t count = names.size();
  if (scopes.size() != count || kinds.size() != count || statuses.size() != count || shapes.size() != count)
    return damaged("number of templates");
  for (size_t i = 0; i < count; ++i) {
    if ((names[i] != Template::kSpilled && names[i] >= tables.batch.strings.size()) ||
        scopes[i] >= tables.batch.scopes.size())
      return damaged("a template's name or scope");
    tables.templates.push_back(
        {names[i], scopes[i], static_cast<int32_t>(kinds[i]), static_cast<int32_t>(statuses[i]), shapes[i]});
  }
  return {};
}

Result<Tables> decode_tables(Bytes bytes, const FooterContent& footer) {
  PageDecoder decoder;
  ListReader lists(bytes, decoder);
  const TextValues batch = TRY(lists.texts(1));
  if (batch.size() != 1) return damaged("tables");
  Tables tables;
  tables.batch = TRY(model::decode_batch(as_bytes(batch[0])));
  if (tables.batch.span_count() != 0) return damaged("tables with spans");
  TRY(read_templates(lists, footer.facts.span_count, tables));
  const std::vector<uint32_t> lengths = TRY(lists.ints32(kPageValuesMax));
  const std::vector<uint32_t> columns = TRY(lists.ints32(kPageValuesMax));
  size_t at = 0;
  for (const uint32_t length : lengths) {
    if (length > columns.size() - at) return damaged("length of a shape");
    const auto begin = columns.begin() + static_cast<ptrdiff_t>(at);
    tables.shapes.emplace_back(begin, begin + length);
    if (!check_shape(tables.shapes.back(), footer.columns)) return damaged("columns of a shape");
    at += length;
  }
  if (at != columns.size() || !lists.at_end()) return damaged("bytes behind the shapes");
  for (const Template& entry : tables.templates)
    if (entry.shape >= tables.shapes.size() || !is_of_spans(tables.shapes[entry.shape], footer.columns))
      return damaged("a template's shape");
  return tables;
}

}  // namespace

std::optional<Dictionary::Code> Dictionary::find(std::string_view text) const {
  const uint32_t code = find_text(slots_, texts_, text, filter_hash(text));
  return code == kNoText ? std::nullopt : std::optional(code);
}

uint64_t Dictionary::memory_bytes() const {
  return sizeof(*this) + texts_.bytes.capacity() + (texts_.ends.capacity() + slots_.capacity()) * sizeof(uint32_t);
}

Result<void> Block::Footer::read(uint64_t offset, std::span<uint8_t> into) {
  bytes_read.fetch_add(into.size(), std::memory_order_relaxed);
  return source->read(offset, into);
}

Result<std::string> Block::Footer::read(const Place& place, std::string_view what) {
  // Places were checked against the file, so a length that lies cannot ask for more memory than the file has bytes.
  std::string bytes(place.bytes, '\0');
  TRY(read(place.offset, {data_of(bytes), bytes.size()}));
  if (!crc_matches(as_bytes(bytes), place.crc))
    return damaged(std::string(what) + " at offset " + std::to_string(place.offset));
  return bytes;
}

Result<std::shared_ptr<const Directory>> Block::Footer::directory(uint32_t group) {
  return cache.get<Directory>(owner, cache_key(CachePart::Directory, group), [&]() -> Result<Cache::Loaded<Directory>> {
    const RowGroupEntry& entry = content.row_groups[group];
    const std::string bytes = TRY(read(entry.directory, "directory of a row group"));
    Directory decoded = TRY(decode_directory(as_bytes(bytes), entry.facts.offset, entry.directory.offset));
    auto directory = std::make_shared<Directory>(std::move(decoded));
    const uint64_t memory = sizeof(Directory) + directory->pages.size() * sizeof(PageEntry);
    return Cache::Loaded<Directory>{std::move(directory), memory};
  });
}

Block::Block() = default;
Block::~Block() {
  if (footer_) footer_->cache.drop(footer_->owner);
}

Result<std::shared_ptr<const Block>> Block::open(std::shared_ptr<const ByteSource> source, Cache& cache) {
  const std::shared_ptr<Block> block(new Block());
  block->footer_ = std::make_unique<Footer>(std::move(source), cache);
  Footer& footer = *block->footer_;
  const uint64_t block_bytes = footer.source->size();
  std::string suffix(std::min<uint64_t>(block_bytes, kSuffixBytes), '\0');
  TRY(footer.read(block_bytes - suffix.size(), {data_of(suffix), suffix.size()}));
  const uint64_t bytes = TRY(footer_bytes(as_bytes(suffix), block_bytes));
  if (bytes > suffix.size()) {
    suffix.resize(bytes);
    TRY(footer.read(block_bytes - bytes, {data_of(suffix), bytes}));
  }
  const Bytes whole = as_bytes(suffix).last(bytes);
  if (!crc_matches(whole.first(bytes - 12), load<uint32_t>(whole.data() + bytes - 12))) return damaged("footer");
  footer.content = TRY(decode_footer(whole, block_bytes));
  for (const RowGroupEntry& entry : footer.content.row_groups) footer.groups.push_back(entry.facts);
  footer.filter = TRY(footer.read(footer.content.filter, "filter of trace ids"));
  return std::shared_ptr<const Block>(block);
}

const BlockFacts& Block::facts() const { return footer_->content.facts; }
std::span<const RowGroupFacts> Block::row_groups() const { return footer_->groups; }
ColumnId Block::column_count() const { return static_cast<ColumnId>(footer_->content.columns.size()); }
const ColumnFacts& Block::column(ColumnId id) const { return footer_->content.columns[id].facts; }
uint64_t Block::bytes_read() const { return footer_->bytes_read.load(std::memory_order_relaxed); }

std::vector<ColumnId> Block::find_columns(Level level, std::string_view key) const {
  std::vector<ColumnId> found;
  for (ColumnId id = kFirstAttribute; id < column_count(); ++id) {
    const Column& candidate = column(id).column;
    if (candidate.level == level && candidate.key == key) found.push_back(id);
  }
  return found;
}

bool Block::has_rare(Level level) const { return column(rare_columns(level)).value_count > 0; }

Result<std::shared_ptr<const Tables>> Block::tables() const {
  return footer_->cache.get<Tables>(
      footer_->owner, cache_key(CachePart::Tables), [&]() -> Result<Cache::Loaded<Tables>> {
        const std::string bytes = TRY(footer_->read(footer_->content.tables, "tables"));
        auto tables = std::make_shared<Tables>(TRY(decode_tables(as_bytes(bytes), footer_->content)));
        const uint64_t memory = memory_of(*tables);
        return Cache::Loaded<Tables>{std::move(tables), memory};
      });
}

Result<std::shared_ptr<const Dictionary>> Block::dictionary(ColumnId id) const {
  return footer_->cache.get<Dictionary>(
      footer_->owner, cache_key(CachePart::Dictionary, id), [&]() -> Result<Cache::Loaded<Dictionary>> {
        const ColumnEntry& entry = footer_->content.columns[id];
        auto dictionary = std::make_shared<Dictionary>();
        if (entry.facts.dictionary_size > 0) {
          const std::string bytes = TRY(footer_->read(entry.dictionary, "dictionary"));
          PageDecoder decoder;
          TRY(decoder.texts(as_bytes(bytes), entry.facts.dictionary_size, dictionary->texts_, kDictionaryBytesMax));
          if (!is_valid_text(entry.facts.column.type, id, dictionary->texts_)) return damaged("text of a dictionary");
          dictionary->slots_ = make_slots(dictionary->texts_);
        }
        const uint64_t memory = dictionary->memory_bytes();
        return Cache::Loaded<Dictionary>{std::move(dictionary), memory};
      });
}

bool Block::may_hold(const model::TraceId& id) const {
  return block::may_hold(as_bytes(footer_->filter), filter_hash(id));
}

Result<std::optional<TracePlace>> Block::find(const model::TraceId& id) const {
  Footer& footer = *footer_;
  if (!may_hold(id)) return std::optional<TracePlace>();
  const auto hash = static_cast<uint32_t>(filter_hash(id) >> 32);
  const std::vector<IndexPage>& pages = footer.content.index_pages;
  auto page = std::ranges::lower_bound(pages, hash, {}, &IndexPage::first_hash);
  if (page != pages.begin()) --page;  // equal hashes may begin at its end
  for (; page != pages.end() && page->first_hash <= hash; ++page) {
    const auto number = static_cast<size_t>(page - pages.begin());
    const auto entries = TRY(footer.cache.get<IndexEntries>(
        footer.owner, cache_key(CachePart::IndexPage, number), [&]() -> Result<Cache::Loaded<IndexEntries>> {
          const std::string bytes = TRY(footer.read(page->place, "page of the trace index"));
          PageDecoder decoder;
          ListReader lists(as_bytes(bytes), decoder);
          auto read = std::make_shared<IndexEntries>();
          read->hashes = TRY(lists.ints32(kIndexPageEntries));
          read->traces = TRY(lists.ints32(kIndexPageEntries));
          if (read->hashes.size() != read->traces.size() || !std::ranges::is_sorted(read->hashes))
            return damaged("page of the trace index");
          return Cache::Loaded<IndexEntries>{read, sizeof(IndexEntries) + read->hashes.size() * 8};
        }));
    const auto equal = std::ranges::equal_range(entries->hashes, hash);
    for (auto at = equal.begin(); at != equal.end(); ++at) {
      const uint32_t trace = entries->traces[static_cast<size_t>(at - entries->hashes.begin())];
      if (const std::optional<TracePlace> place = TRY(place_of(trace, id))) return place;
    }
  }
  return std::optional<TracePlace>();
}

Result<std::optional<TracePlace>> Block::place_of(uint32_t trace, const model::TraceId& id) const {
  Footer& footer = *footer_;
  const auto group = std::ranges::partition_point(
      footer.groups, [&](const RowGroupFacts& facts) { return facts.first_trace + facts.trace_count <= trace; });
  if (group == footer.groups.end()) return damaged("a trace of the index");
  const auto number = static_cast<uint32_t>(group - footer.groups.begin());
  const auto traces = TRY(footer.cache.get<GroupTraces>(
      footer.owner, cache_key(CachePart::TracesOfGroup, number), [&]() -> Result<Cache::Loaded<GroupTraces>> {
        RowGroup rows = TRY(row_group(number));
        auto read = std::make_shared<GroupTraces>();
        const std::span<const uint64_t> high = TRY(rows.ints(kTraceIdHigh));
        const std::span<const uint64_t> low = TRY(rows.ints(kTraceIdLow));
        const std::span<const uint32_t> counts = TRY(rows.rows(kTraceRows));
        const std::span<const uint32_t> more = TRY(rows.rows(kTraceMoreRows));
        const std::span<const uint32_t> flags = TRY(rows.rows(kTraceFlags));
        uint32_t first_row = 0;
        for (size_t i = 0; i < counts.size(); ++i) {
          if (counts[i] > rows.row_count() - first_row) return damaged("rows of a trace");
          read->ids.push_back({high[i], low[i]});
          read->places.push_back({number, first_row, counts[i] + more[i], static_cast<uint8_t>(flags[i])});
          first_row += counts[i];
        }
        return Cache::Loaded<GroupTraces>{
            read, sizeof(GroupTraces) + read->ids.size() * (sizeof(model::TraceId) + sizeof(TracePlace))};
      }));
  const size_t ordinal = trace - group->first_trace;
  if (ordinal >= traces->ids.size() || traces->ids[ordinal] != id) return std::optional<TracePlace>();
  return std::optional(traces->places[ordinal]);
}

Result<std::shared_ptr<const std::vector<model::TraceId>>> Block::elsewhere() const {
  const std::string bytes = TRY(footer_->read(footer_->content.elsewhere, "list of traces that are elsewhere"));
  PageDecoder decoder;
  ListReader lists(as_bytes(bytes), decoder);
  const std::vector<uint64_t> high = TRY(lists.ints64(facts().elsewhere_count));
  const std::vector<uint64_t> low = TRY(lists.ints64(facts().elsewhere_count));
  if (high.size() != facts().elsewhere_count || low.size() != high.size())
    return damaged("list of traces that are elsewhere");
  auto ids = std::make_shared<std::vector<model::TraceId>>();
  for (size_t i = 0; i < high.size(); ++i) ids->push_back({high[i], low[i]});
  if (!std::ranges::is_sorted(*ids)) return damaged("order of the traces that are elsewhere");
  return std::shared_ptr<const std::vector<model::TraceId>>(std::move(ids));
}

// The index does not hold ids, so this goes through the ids of all row groups, each time for the next million in order.
Result<void> Block::for_each_trace_id(const std::function<bool(std::span<const model::TraceId>)>& visit) const {
  std::vector<model::TraceId> next;
  std::optional<model::TraceId> last;
  bool more = true;
  while (more) {
    more = false;
    next.clear();
    for (uint32_t i = 0; i < row_groups().size(); ++i) {
      if (footer_->content.row_groups[i].goes_on) continue;
      RowGroup group = TRY(row_group(i));
      const std::span<const uint64_t> high = TRY(group.ints(kTraceIdHigh));
      const std::span<const uint64_t> low = TRY(group.ints(kTraceIdLow));
      for (size_t k = 0; k < high.size(); ++k)
        if (const model::TraceId id = {high[k], low[k]}; !last || id > *last) next.push_back(id);
      if (next.size() <= 2 * kIdsHeldMax) continue;
      std::ranges::nth_element(next, next.begin() + kIdsHeldMax);
      next.resize(kIdsHeldMax);
      more = true;
    }
    if (next.empty()) return {};
    std::ranges::sort(next);
    // Beyond those there may be gaps.
    if (more) next.resize(std::min(next.size(), kIdsHeldMax));
    last = next.back();
    for (size_t at = 0; at < next.size(); at += kIdsInARun)
      if (!visit(std::span(next).subspan(at, std::min(kIdsInARun, next.size() - at)))) return {};
  }
  return {};
}

}  // namespace clew::block
