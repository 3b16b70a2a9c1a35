// SPDX-License-Identifier: Apache-2.0
//
// rollup::Rollup is what spans amount to, minute by minute: how many, how long, which failed, who called whom. Roll-ups
// are objects of their own beside blocks, outlive the spans, and are additive: that of two sets of spans is the merge
// of their roll-ups, whatever order. docs/format/rollup.md.
//
//   RED cell   (minute, service, name, kind, status code) → histogram of the durations of its spans
//   edge cell  (minute, caller, callee, kind of peer) → failed calls, histogram of the durations of all calls
//
//   Rollup rollup;
//   RedWriter red(rollup, spans);                    // red_writer.h
//   red.add(rows, arrived);
//   EdgeFinder finder(spans);                        // edges.h
//   finder.add_to(rollup, trace, Sign::Add);
//   const std::string object = rollup.encode();
//
// Edges are a function of a whole trace. A part of a trace that comes late changes what its earlier parts amount to, so
// what is added for it is the difference: the edges of the trace with the part less those without it. Counts are
// therefore signed in a single roll-up, and never negative in the sum of all.
//
// The minute of a span is the one with start in (minute, minute + 60 s], for a span that is not sane that of its
// arrival (of its trace's first arrival for edges, which is the same wherever the parts of the trace lie).
// A trace's spans are added once: a duplicate is left out by who adds (model/identity.h).
//
// A decoded roll-up keeps its cells as they lie in the object, about a tenth of what they take when they are added one
// by one, and unpacks those that a visit asks for.
// Threads: one writer, or any number of readers.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "model/intern_table.h"
#include "rollup/cell_table.h"
#include "rollup/chunk.h"
#include "rollup/histogram.h"

namespace clew::rollup {

// Series (distinct cell keys without the minute) and edges of one roll-up; beyond it the roll-up is marked as
// overflowed, and who asks has to scan spans.
constexpr uint32_t kSeriesMax = 100'000;
constexpr uint32_t kEdgesMax = 100'000;
// Cells of each sort, some 150 bytes each while they are added: spans of all the minutes since 2000 must not fill the
// memory.
constexpr uint32_t kCellsMax = 1'000'000;
// Names and services; a name may have as many bytes as a sender likes.
constexpr size_t kTextBytesMax = size_t{32} << 20;

// The minute of a time; 0 has none before it.
Minute minute_of(UnixNanos time);
Minute minute_of_span(UnixNanos start, UnixNanos arrived);
// Zero for one that ends before it starts.
inline uint64_t duration_nanos(UnixNanos start, UnixNanos end) { return end > start ? end - start : 0; }

// From the first to the last, both counted.
struct Minutes {
  Minute first = 0;
  Minute last = UINT32_MAX;
  bool contains(Minute minute) const { return minute >= first && minute <= last; }
  friend bool operator==(const Minutes&, const Minutes&) = default;
};
// The minutes that hold the times from `from` to `to`.
Minutes minutes_of(UnixNanos from, UnixNanos to);

// How the callee of an edge was learned. Service: from its own span. Others: from attributes of a client span whose
// other side never came. The values are part of the format.
enum class Peer : uint8_t { Service = 0, Database = 1, Messaging = 2, External = 3 };
constexpr uint8_t kPeerCount = 4;

// Texts of both belong to who gave them; from a roll-up, to the roll-up.
struct Series {
  std::string_view service;  // empty: the resource names none
  std::string_view name;
  int32_t kind = 0;
  int32_t status_code = 0;
  friend auto operator<=>(const Series&, const Series&) = default;
};
struct Edge {
  std::string_view caller;
  std::string_view callee;
  Peer peer = Peer::Service;
  friend auto operator<=>(const Edge&, const Edge&) = default;
};

// One call; `edge` as long as the spans that it was read from.
struct EdgeCall {
  Minute minute = 0;
  Edge edge;
  bool failed = false;
  uint64_t nanos = 0;
};

enum class Sign : int8_t { Remove = -1, Add = 1 };

class Rollup {
 public:
  // Numbers of series and edges within this roll-up count from 0.
  using SeriesId = uint32_t;
  using EdgeId = uint32_t;

  // Nothing, and the mark, if there are too many.
  std::optional<SeriesId> series_id(const Series& series);
  std::optional<EdgeId> edge_id(const Edge& edge);
  void add(Minute minute, SeriesId series, uint64_t nanos);
  void add_edge(const EdgeCall& call, Sign sign);
  // `other` is not this one.
  void merge(const Rollup& other);

  // Some spans, some calls are missing, since a limit was met.
  bool red_overflowed() const { return red_.overflowed; }
  bool edges_overflowed() const { return edges_.overflowed; }
  bool overflowed() const { return red_overflowed() || edges_overflowed(); }
  void mark_overflowed(CellSort sort) { part(sort).overflowed = true; }

  uint32_t series_count() const { return static_cast<uint32_t>(red_.keys.size() - 1); }
  uint32_t edge_count() const { return static_cast<uint32_t>(edges_.keys.size() - 1); }
  Series series(SeriesId id) const;
  Edge edge(EdgeId id) const;

  // Calls visit(const CellView&) for cells of those minutes; what it is given does not outlive the call. A cell may
  // come in several pieces, that are to be added up. Cells of RED have failed = 0. With Detail::Counts the histograms
  // are empty, and cost nothing.
  using Visitor = std::function<void(const CellView&)>;
  void visit(CellSort sort, Minutes minutes, Detail detail, const Visitor& visitor) const;

  // The minutes from the first to the last cell; nothing without cells.
  std::optional<Minutes> minutes() const;
  // Cells of the sort that has more, to be kept below kCellsMax by who merges.
  uint64_t cell_count() const;
  uint64_t memory_bytes() const;

  // The same bytes for the same content, however it came about; cells that are all zero are left out.
  std::string encode() const;
  // DataLoss if `object` is not what encode() wrote; FailedPrecondition if it needs a newer program.
  static Result<Rollup> decode(Bytes object);
  // As decode, but takes checksums as they are.
  static Result<Rollup> decode_unchecked_for_test(Bytes object);

 private:
  friend class Encoder;
  friend class Decoder;

  // As the bytes of a key in the tables below.
  struct SeriesKey {
    uint32_t service;
    uint32_t name;
    int32_t kind;
    int32_t status_code;
    friend auto operator<=>(const SeriesKey&, const SeriesKey&) = default;
  };
  struct EdgeKey {
    uint32_t caller;
    uint32_t callee;
    uint32_t peer;
    friend auto operator<=>(const EdgeKey&, const EdgeKey&) = default;
  };
  // What there is once for RED and once for edges.
  struct Part {
    model::InternTable keys;  // number i + 1 is series or edge i
    CellTable cells;
    std::vector<Chunk> chunks;
    uint64_t chunk_cells = 0;
    bool overflowed = false;
  };

  Part& part(CellSort sort) { return sort == CellSort::Red ? red_ : edges_; }
  const Part& part(CellSort sort) const { return sort == CellSort::Red ? red_ : edges_; }
  std::optional<uint32_t> text_id(std::string_view text);
  std::optional<uint32_t> key_id(Part& part, std::optional<std::string_view> key, uint32_t most);
  // Null, and the mark, if there are too many.
  Cell* cell_for(Part& part, Minute minute, uint32_t id);
  void merge_part(CellSort sort, const Rollup& other, const std::vector<uint32_t>& ids);

  model::InternTable texts_;
  size_t text_bytes_ = 0;
  Part red_;
  Part edges_;
  std::string packed_;  // the object that the chunks lie in
};

}  // namespace clew::rollup
