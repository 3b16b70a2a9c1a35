// SPDX-License-Identifier: Apache-2.0
//
// Every byte of a block is in the header, in a place that the footer or a directory names, or in footer and tail, which
// were checked when the block was opened and are checked again here. That the places leave no gap is part of it.
#include <algorithm>

#include "block/block.h"
#include "block/layout.h"
#include "block/opened.h"
#include "codec/crc32c.h"

namespace clew::block {

std::vector<std::string> Block::verify() const {
  Footer& footer = *footer_;
  std::vector<std::string> damage;
  std::vector<Place> places;
  const auto note = [&](const std::string& what) { damage.push_back(what); };
  const auto check = [&](const Place& place, const std::string& what) -> std::string {
    places.push_back(place);
    Result<std::string> bytes = footer.read(place, what);
    if (bytes.ok()) return std::move(*bytes);
    note(bytes.error().what());
    return {};
  };

  std::string header(kHeaderBytes, '\0');
  const Result<void> read = footer.read(0, {reinterpret_cast<uint8_t*>(header.data()), header.size()});
  if (!read.ok() || header != header_bytes()) note("damaged block: header");
  for (const RowGroupEntry& group : footer.content.row_groups) {
    const std::string bytes = check(group.directory, "directory of a row group");
    const Result<Directory> directory = decode_directory(as_bytes(bytes), group.facts.offset, group.directory.offset);
    if (!directory.ok()) {
      if (!bytes.empty()) note(directory.error().what());
      places.push_back({group.facts.offset, group.directory.offset - group.facts.offset});
      continue;
    }
    for (const PageEntry& entry : directory->pages) {
      check(entry.page, "page of column " + std::to_string(entry.column));
      if ((entry.flags & kHasFilter) != 0) check(entry.filter, "filter of column " + std::to_string(entry.column));
    }
  }
  for (const ColumnEntry& column : footer.content.columns)
    if (column.facts.dictionary_size > 0) check(column.dictionary, "dictionary of " + column.facts.column.key);
  check(footer.content.tables, "tables");
  for (const IndexPage& page : footer.content.index_pages) check(page.place, "page of the trace index");
  check(footer.content.filter, "filter of trace ids");
  check(footer.content.elsewhere, "list of traces that are elsewhere");

  std::ranges::sort(places, {}, &Place::offset);
  uint64_t end = kHeaderBytes;
  for (const Place& place : places) {
    if (place.offset > end) note("damaged block: nothing says what the bytes from " + std::to_string(end) + " on are");
    end = std::max(end, place.offset + place.bytes);
  }
  const uint64_t size = footer.content.facts.bytes;
  std::string rest(size - end, '\0');
  const Result<void> tail = footer.read(end, {reinterpret_cast<uint8_t*>(rest.data()), rest.size()});
  const Result<uint64_t> bytes = footer_bytes(as_bytes(rest), size);
  if (!tail.ok() || !bytes.ok() || *bytes != rest.size() ||
      load<uint32_t>(rest.data() + rest.size() - 12) != codec::crc32c(as_bytes(rest).first(rest.size() - 12)))
    note("damaged block: footer");
  return damage;
}

}  // namespace clew::block
