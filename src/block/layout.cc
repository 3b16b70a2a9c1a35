// SPDX-License-Identifier: Apache-2.0
#include "block/layout.h"

#include <algorithm>
#include <utility>

#include "codec/crc32c.h"
#include "codec/utf8.h"
#include "codec/varint.h"

namespace clew::block {
namespace {

using codec::append_varint;

constexpr size_t kKeyBytesMax = 1 << 20;
// Row groups that a footer may list: of one row each.
constexpr uint64_t kRowGroupsMax = kBlockSpansMax;
constexpr uint8_t kSectionRequired = 1;

// Reads the integers of a footer or directory. After a failure everything reads as zero.
class Reader {
 public:
  explicit Reader(Bytes bytes) : next_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  uint64_t varint() {
    uint64_t value = 0;
    if (failed_ || !codec::read_varint(next_, end_, value)) return fail();
    return value;
  }
  // At most `max`.
  uint64_t varint(uint64_t max) {
    const uint64_t value = varint();
    return value <= max ? value : fail();
  }
  // A count of things that take `bytes_each` or more.
  size_t count(size_t bytes_each) { return varint(left() / bytes_each); }
  template <class T>
  T fixed() {
    if (failed_ || left() < sizeof(T)) return static_cast<T>(fail());
    const T value = load<T>(next_);
    next_ += sizeof(T);
    return value;
  }
  std::string_view text(size_t bytes_max) {
    const uint64_t bytes = varint(std::min(bytes_max, left()));
    if (failed_ || bytes > left()) return fail(), std::string_view();
    const std::string_view text(reinterpret_cast<const char*>(next_), bytes);
    next_ += bytes;
    return text;
  }
  // Within the first `file_bytes`.
  Place place(uint64_t file_bytes) {
    Place place;
    place.offset = varint(file_bytes);
    place.bytes = varint(file_bytes - place.offset);
    place.crc = fixed<uint32_t>();
    return place;
  }
  void require(bool condition) {
    if (!condition) fail();
  }
  bool failed() const { return failed_; }
  bool at_end() const { return next_ == end_; }

 private:
  size_t left() const { return static_cast<size_t>(end_ - next_); }
  uint64_t fail() {
    failed_ = true;
    next_ = end_;
    return 0;
  }

  const uint8_t* next_;
  const uint8_t* end_;
  bool failed_ = false;
};

void append_place(std::string& out, const Place& place) {
  append_varint(out, place.offset);
  append_varint(out, place.bytes);
  append(out, place.crc);
}

void append_facts(std::string& out, const BlockFacts& facts) {
  for (const uint64_t number : {facts.span_count, facts.trace_count, facts.elsewhere_count, facts.newest_order_time,
                                facts.first_arrival, facts.last_arrival})
    append_varint(out, number);
  append_varint(out, facts.intervals.size());
  for (const TimeInterval& interval : facts.intervals) {
    append_varint(out, interval.start);
    append_varint(out, interval.end - interval.start);
  }
}

BlockFacts read_facts(Reader& reader) {
  BlockFacts facts;
  facts.span_count = reader.varint();
  facts.trace_count = reader.varint(std::min(kTracesMax, facts.span_count));
  facts.elsewhere_count = reader.varint(facts.trace_count);
  facts.newest_order_time = reader.varint();
  facts.first_arrival = reader.varint();
  facts.last_arrival = reader.varint();
  facts.intervals.resize(reader.varint(kIntervalsMax));
  for (TimeInterval& interval : facts.intervals) {
    interval.start = reader.varint();
    interval.end = interval.start + reader.varint(UINT64_MAX - interval.start);
  }
  return facts;
}

void append_column(std::string& out, ColumnId id, const ColumnEntry& column) {
  append_varint(out, id);
  const ColumnFacts& facts = column.facts;
  if (id >= kFirstAttribute) {
    out += static_cast<char>(facts.column.level);
    out += static_cast<char>(facts.column.type);
    append_varint(out, facts.column.key.size());
    out += facts.column.key;
  }
  for (const uint64_t number : {facts.value_count, facts.plain_value_count, facts.page_bytes,
                                uint64_t{facts.dictionary_size}, facts.dictionary_bytes})
    append_varint(out, number);
  if (facts.dictionary_size > 0) append_place(out, column.dictionary);
}

void append_columns(std::string& out, const std::vector<ColumnEntry>& columns) {
  append_varint(out, static_cast<uint64_t>(std::ranges::count_if(columns, &ColumnEntry::used)));
  for (ColumnId id = 0; id < columns.size(); ++id)
    if (columns[id].used) append_column(out, id, columns[id]);
}

std::vector<ColumnEntry> read_columns(Reader& reader, uint64_t file_bytes) {
  std::vector<ColumnEntry> columns(kFirstAttribute);
  for (ColumnId id = 0; id < kFirstAttribute; ++id) columns[id].facts.text = fixed_info(id).kind == Kind::Text;
  const size_t count = reader.count(6);
  for (size_t i = 0; i < count && !reader.failed(); ++i) {
    const auto id = static_cast<ColumnId>(reader.varint(kColumnsMax - 1));
    // Attribute columns have no gaps, so that a hostile number cannot ask for many.
    reader.require(id < kFirstAttribute || id == columns.size());
    if (reader.failed()) break;
    if (id >= kFirstAttribute) columns.emplace_back();
    ColumnEntry& entry = columns[id];
    reader.require(!entry.used);
    entry.used = true;
    ColumnFacts& facts = entry.facts;
    if (id >= kFirstAttribute) {
      const auto level = reader.fixed<uint8_t>();
      const auto type = reader.fixed<uint8_t>();
      reader.require(level <= static_cast<uint8_t>(Level::Link) && type < model::kValueTypeCount);
      facts.column = {static_cast<Level>(level), std::string(reader.text(kKeyBytesMax)),
                      static_cast<model::ValueType>(type)};
      facts.text = is_text(facts.column.type);
    }
    facts.value_count = reader.varint();
    facts.plain_value_count = reader.varint(facts.value_count);
    facts.page_bytes = reader.varint(file_bytes);
    facts.dictionary_size = static_cast<uint32_t>(reader.varint(facts.text ? kDictionaryEntriesMax : 0));
    facts.dictionary_bytes = reader.varint(facts.dictionary_size == 0 ? 0 : kDictionaryBytesMax);
    if (facts.dictionary_size > 0) entry.dictionary = reader.place(file_bytes);
  }
  return columns;
}

void append_row_groups(std::string& out, const std::vector<RowGroupEntry>& groups) {
  append_varint(out, groups.size());
  for (const RowGroupEntry& group : groups) {
    const RowGroupFacts& facts = group.facts;
    append_varint(out, facts.bytes);
    append_varint(out, group.directory.bytes);
    append(out, group.directory.crc);
    append_varint(out, facts.row_count);
    append_varint(out, facts.trace_count);
    out += static_cast<char>(group.goes_on ? 1 : 0);
    append_varint(out, facts.newest_order_time);
    append_varint(out, facts.start);
    append_varint(out, facts.end - facts.start);
  }
}

std::vector<RowGroupEntry> read_row_groups(Reader& reader, const BlockFacts& block, uint64_t file_bytes) {
  std::vector<RowGroupEntry> groups(std::min<uint64_t>(reader.count(13), kRowGroupsMax));
  uint64_t offset = kHeaderBytes;
  uint64_t row = 0;
  uint64_t trace = 0;
  for (RowGroupEntry& group : groups) {
    RowGroupFacts& facts = group.facts;
    facts.offset = offset;
    facts.bytes = reader.varint(file_bytes - offset);
    offset += facts.bytes;
    group.directory.bytes = reader.varint(facts.bytes);
    group.directory.offset = offset - group.directory.bytes;
    group.directory.crc = reader.fixed<uint32_t>();
    facts.row_count = static_cast<uint32_t>(reader.varint(kRowGroupRowsMax));
    facts.trace_count = static_cast<uint32_t>(reader.varint(facts.row_count));
    reader.require(facts.row_count > 0 && facts.trace_count > 0);
    group.goes_on = reader.fixed<uint8_t>() != 0;
    reader.require(!group.goes_on || (facts.trace_count == 1 && trace > 0));
    facts.first_row = row;
    facts.first_trace = group.goes_on ? trace - 1 : trace;
    row += facts.row_count;
    trace += group.goes_on ? 0 : facts.trace_count;
    facts.newest_order_time = reader.varint();
    facts.start = reader.varint();
    facts.end = facts.start + reader.varint(UINT64_MAX - facts.start);
    if (reader.failed()) return {};
  }
  reader.require(row == block.span_count && trace == block.trace_count);
  return groups;
}

}  // namespace

std::string header_bytes() {
  std::string out(kMagic);
  append(out, kVersion);
  append(out, uint32_t{0});
  return out;
}

Error damaged(std::string_view what) { return {Code::DataLoss, "damaged block: " + std::string(what)}; }

const PageEntry* Directory::find(ColumnId column) const {
  const auto at = std::ranges::lower_bound(pages, column, {}, &PageEntry::column);
  return at != pages.end() && at->column == column ? &*at : nullptr;
}

std::string encode_directory(const Directory& directory) {
  std::string out;
  append_varint(out, directory.pages.size());
  for (const PageEntry& entry : directory.pages) {
    append_varint(out, entry.column);
    out += static_cast<char>(entry.flags);
    append_varint(out, entry.value_count);
    append_varint(out, entry.page.bytes);
    append(out, entry.page.crc);
    if ((entry.flags & kHasZone) != 0) {
      append(out, entry.zone.min);
      append(out, entry.zone.max);
    }
    if ((entry.flags & kHasFilter) != 0) {
      append_varint(out, entry.filter.bytes);
      append(out, entry.filter.crc);
    }
  }
  return out;
}

Result<Directory> decode_directory(Bytes bytes, uint64_t offset, uint64_t directory_offset) {
  Reader reader(bytes);
  Directory directory;
  directory.pages.resize(reader.count(8));
  for (PageEntry& entry : directory.pages) {
    entry.column = static_cast<ColumnId>(reader.varint(kColumnsMax - 1));
    entry.flags = reader.fixed<uint8_t>();
    entry.value_count = static_cast<uint32_t>(reader.varint(kPageValuesMax));
    entry.page = {offset, reader.varint(directory_offset - offset), reader.fixed<uint32_t>()};
    offset += entry.page.bytes;
    if ((entry.flags & kHasZone) != 0) {
      entry.zone.min = reader.fixed<uint64_t>();
      entry.zone.max = reader.fixed<uint64_t>();
    }
    if ((entry.flags & kHasFilter) != 0) {
      entry.filter = {offset, reader.varint(directory_offset - offset), reader.fixed<uint32_t>()};
      offset += entry.filter.bytes;
    }
  }
  std::ranges::sort(directory.pages, {}, &PageEntry::column);
  const auto twice = std::ranges::adjacent_find(directory.pages, {}, &PageEntry::column);
  if (reader.failed() || !reader.at_end() || offset != directory_offset || twice != directory.pages.end())
    return damaged("directory of a row group");
  return directory;
}

std::string encode_footer(const FooterContent& footer) {
  std::string out;
  append_facts(out, footer.facts);
  append_columns(out, footer.columns);
  append_row_groups(out, footer.row_groups);
  append_place(out, footer.tables);
  append_varint(out, footer.index_pages.size());
  for (const IndexPage& page : footer.index_pages) {
    append(out, page.first_hash);
    append_place(out, page.place);
  }
  append_place(out, footer.filter);
  append_place(out, footer.elsewhere);
  append_varint(out, 0);  // no further sections
  append(out, static_cast<uint32_t>(out.size()));
  append(out, kVersion);
  append(out, uint32_t{0});
  append(out, uint32_t{0});
  append(out, uint32_t{0});
  append(out, codec::crc32c(as_bytes(out)));
  out += kMagic;
  return out;
}

Result<uint64_t> footer_bytes(Bytes suffix, uint64_t block_bytes) {
  if (suffix.size() < kTailBytes || block_bytes < kHeaderBytes + kTailBytes) return damaged("too short");
  const Bytes tail = suffix.last(kTailBytes);
  if (as_text(tail.subspan(24)) != kMagic) return damaged("it does not end as a block does");
  const uint64_t bytes = uint64_t{load<uint32_t>(tail.data())} + kTailBytes;
  if (bytes > block_bytes - kHeaderBytes) return damaged("length of the footer");
  return bytes;
}

Result<FooterContent> decode_footer(Bytes bytes, uint64_t block_bytes) {
  const Bytes tail = bytes.last(kTailBytes);
  const auto version = load<uint32_t>(tail.data() + 4);
  if (version != kVersion) {
    return Error(Code::FailedPrecondition, "a block of version " + std::to_string(version) +
                                               "; this program reads version " + std::to_string(kVersion));
  }
  const auto required = load<uint32_t>(tail.data() + 8);
  if ((required & ~kKnownRequiredFeatures) != 0)
    return Error(Code::FailedPrecondition, "a block that needs features " + std::to_string(required));

  Reader reader(bytes.first(bytes.size() - kTailBytes));
  const uint64_t parts_end = block_bytes - bytes.size();
  FooterContent footer;
  footer.facts = read_facts(reader);
  footer.facts.bytes = block_bytes;
  footer.columns = read_columns(reader, parts_end);
  footer.row_groups = read_row_groups(reader, footer.facts, parts_end);
  footer.facts.row_group_count = static_cast<uint32_t>(footer.row_groups.size());
  footer.tables = reader.place(parts_end);
  footer.index_pages.resize(reader.count(10));
  for (IndexPage& page : footer.index_pages) {
    page.first_hash = reader.fixed<uint32_t>();
    page.place = reader.place(parts_end);
  }
  reader.require(std::ranges::is_sorted(footer.index_pages, {}, &IndexPage::first_hash));
  reader.require(footer.index_pages.size() == (footer.facts.trace_count + kIndexPageEntries - 1) / kIndexPageEntries);
  footer.filter = reader.place(parts_end);
  footer.elsewhere = reader.place(parts_end);
  for (size_t left = reader.count(8); left > 0 && !reader.failed(); --left) {
    const uint64_t kind = reader.varint();
    const auto flags = reader.fixed<uint8_t>();
    reader.place(parts_end);
    if (!reader.failed() && (flags & kSectionRequired) != 0)
      return Error(Code::FailedPrecondition, "a block with a section of kind " + std::to_string(kind));
  }
  if (reader.failed() || !reader.at_end()) return damaged("content of the footer");
  return footer;
}

void ListWriter::put(size_t count) {
  append_varint(bytes_, count);
  append_varint(bytes_, page_.size());
  bytes_ += page_;
}

void ListWriter::ints(std::span<const uint32_t> values) {
  page_.clear();
  if (!values.empty()) encoder_.ints(values, page_);
  put(values.size());
}

void ListWriter::ints(std::span<const uint64_t> values) {
  page_.clear();
  if (!values.empty()) encoder_.ints(values, page_);
  put(values.size());
}

void ListWriter::texts(const TextValues& values) {
  page_.clear();
  if (values.size() > 0) encoder_.texts(values, page_);
  put(values.size());
}

Result<ListReader::Head> ListReader::head(uint64_t count_max) {
  uint64_t count = 0;
  uint64_t bytes = 0;
  if (!codec::read_varint(next_, end_, count) || !codec::read_varint(next_, end_, bytes) || count > count_max ||
      bytes > static_cast<uint64_t>(end_ - next_))
    return damaged("length of a list");
  const Bytes page(next_, bytes);
  next_ += bytes;
  return Head{count, page};
}

Result<std::vector<uint32_t>> ListReader::ints32(uint64_t count_max) {
  const Head list = TRY(head(count_max));
  std::vector<uint32_t> values(list.count);
  if (list.count > 0) TRY(decoder_.ints(list.page, std::span(values)));
  return values;
}

Result<std::vector<uint64_t>> ListReader::ints64(uint64_t count_max) {
  const Head list = TRY(head(count_max));
  std::vector<uint64_t> values(list.count);
  if (list.count > 0) TRY(decoder_.ints(list.page, std::span(values)));
  return values;
}

Result<TextValues> ListReader::texts(uint64_t count_max) {
  const Head list = TRY(head(count_max));
  TextValues values;
  if (list.count > 0) TRY(decoder_.texts(list.page, list.count, values));
  return values;
}

bool is_valid_text(model::ValueType type, ColumnId column, const TextValues& texts) {
  if (column >= kFirstAttribute ? type != model::ValueType::String
                                : column >= kRareSpanKey && (column - kRareSpanKey) % 3 == 2)
    return true;
  // All of them at once, and none of them begins within a character.
  if (!codec::valid_utf8(texts.bytes)) return false;
  for (const uint32_t end : texts.ends)
    if (end < texts.bytes.size() && (texts.bytes[end] & 0xC0) == 0x80) return false;
  return true;
}

FixedInfo fixed_info(ColumnId column) {
  if (column == kName) return {Extent::SpilledName, Kind::Text};
  if (column == kParentId) return {Extent::RawParent, Kind::Wide};
  if (column == kTraceState || column == kStatusMessage) return {Extent::Row, Kind::Text};
  if (column <= kEventCount || column == kLinkCount) {
    const bool wide = column == kStart || column == kDuration || column == kSpanId;
    return {Extent::Row, wide ? Kind::Wide : Kind::Narrow};
  }
  if (column <= kEventDropped) {
    return {Extent::Event, column == kEventTime ? Kind::Wide : column == kEventName ? Kind::Text : Kind::Narrow};
  }
  if (column <= kLinkFlags) {
    if (column <= kLinkSpanId) return {Extent::Link, Kind::Wide};
    return {Extent::Link, column == kLinkTraceState ? Kind::Text : Kind::Narrow};
  }
  if (column <= kRareLinkValue) {
    const uint32_t i = column - kRareSpanKey;
    const Extent extent = i < 3 ? Extent::RareSpan : i < 6 ? Extent::RareEvent : Extent::RareLink;
    return {extent, i % 3 == 1 ? Kind::Narrow : Kind::Text};
  }
  if (column < kTraceIdHigh || column > kTraceMoreRows) return {};
  const bool narrow =
      column == kTraceRows || column == kTraceFirstPosition || column == kTraceFlags || column == kTraceMoreRows;
  return {Extent::Trace, narrow ? Kind::Narrow : Kind::Wide};
}

}  // namespace clew::block
