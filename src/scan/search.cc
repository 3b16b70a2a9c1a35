// SPDX-License-Identifier: Apache-2.0
//
// Heads come first, the newest before the others, then the row groups of all blocks by descending newest order time;
// a row group that is older than what was found ends the search. A head is newer than blocks as a rule; where it is
// not, the search is as exact and looks at more. How traces that lie in pieces keep the answer exact is told in
// shared_traces.cc. What an answer says about a trace is read only for those that are left in the end, or that are
// told before.
//
// When is a found trace certain? When it is newer than all that is still to be looked at, so that nothing can come
// before it or push it out. What is still to come of row groups is not newer than the next one. A shared trace that may
// match by what was seen is evaluated first; one that may not yet match needs a leaf of a part that is still to come,
// and is then not newer than that part. Only where parts were passed over for the time range this does not hold, and
// the search tells nothing until its end.
#include "scan/search.h"

#include <algorithm>
#include <map>
#include <memory>
#include <queue>
#include <string>

#include "query/parse.h"
#include "scan/block_scan.h"
#include "scan/head_scan.h"
#include "scan/leaves.h"
#include "scan/newest.h"
#include "scan/page_token.h"
#include "scan/shared_traces.h"

namespace clew::scan {
namespace {

// Lists of traces and the like: what a search holds whatever it asks and looks at.
constexpr uint64_t kFixedBytes = 1 << 20;
// Blocks whose fields, dictionaries and filters are held at a time.
constexpr size_t kBlocksOpenMax = 8;

uint64_t fingerprint_of(const query::Query& query, const SearchOptions& options) {
  std::string text = query::to_string(query);
  append(text, options.from);
  append(text, options.to);
  return model::InternTable::hash(text);
}

Result<void> check(const SearchOptions& options) {
  if (options.limit < 1 || options.limit > kLimitMax) {
    return Error(Code::InvalidArgument, "the limit has to be from 1 to " + std::to_string(kLimitMax));
  }
  if (options.spans_per_trace > kSpansPerTraceMax) {
    return Error(Code::InvalidArgument, "the spans per trace have to be at most " + std::to_string(kSpansPerTraceMax));
  }
  if (options.from > options.to) return Error(Code::InvalidArgument, "the time range ends before it begins");
  return {};
}

// The row groups of all blocks, newest first. A block's are listed when its turn comes, so that a search that ends
// early has listed few.
class RowGroups {
 public:
  struct Place {
    UnixNanos newest = 0;
    uint32_t block = 0;
    uint32_t row_group = 0;

    friend bool operator<(const Place& a, const Place& b) {
      return std::tuple(a.newest, ~a.block, ~a.row_group) < std::tuple(b.newest, ~b.block, ~b.row_group);
    }
  };

  explicit RowGroups(const store::Snapshot& snapshot) : snapshot_(snapshot) {
    for (uint32_t i = 0; i < snapshot.blocks.size(); ++i) blocks_.push_back(i);
    std::ranges::sort(blocks_, std::greater(), [&](uint32_t i) { return std::pair(newest_of(i), ~i); });
  }

  // Nothing: there are no more.
  std::optional<Place> next() {
    while (listed_ < blocks_.size() && (waiting_.empty() || newest_of(blocks_[listed_]) >= waiting_.top().newest)) {
      const uint32_t block = blocks_[listed_++];
      const std::span<const block::RowGroupFacts> groups = snapshot_.blocks[block]->block().row_groups();
      for (uint32_t i = 0; i < groups.size(); ++i) waiting_.push({groups[i].newest_order_time, block, i});
    }
    if (waiting_.empty()) return std::nullopt;
    const Place place = waiting_.top();
    waiting_.pop();
    return place;
  }

 private:
  UnixNanos newest_of(uint32_t block) const { return snapshot_.blocks[block]->entry().facts.newest_order_time; }

  const store::Snapshot& snapshot_;
  std::vector<uint32_t> blocks_;  // newest first
  size_t listed_ = 0;             // of them
  std::priority_queue<Place> waiting_;
};

class Search {
 public:
  Search(const store::Snapshot& snapshot, const query::Query& query, const SearchOptions& options,
         std::optional<model::OrderKey> before, const MatchVisitor* visitor, MemoryBudget& budget)
      : snapshot_(snapshot),
        query_(query),
        budget_(budget),
        leaves_(query),
        newest_(options, before, visitor, budget),
        shared_(snapshot, query, leaves_, newest_, budget),
        shown_(budget, Share::Query) {}

  Result<SearchAnswer> run(uint64_t fingerprint);

 private:
  // A block that is being scanned.
  struct Open {
    std::unique_ptr<BlockScan> scan;  // null: it cannot be read
    uint64_t used = 0;
  };

  uint64_t bytes_read_of_blocks() const;
  void count_work();
  Result<void> tell(UnixNanos newest_to_come);
  Result<void> scan_heads();
  Result<void> scan_blocks();
  Result<BlockScan*> open(uint32_t block);
  Result<void> describe(std::span<const Found> found);

  const store::Snapshot& snapshot_;
  const query::Query& query_;
  MemoryBudget& budget_;
  const Leaves leaves_;
  Newest newest_;
  SharedTraces shared_;
  std::map<uint32_t, Open> open_;  // by block
  uint64_t uses_ = 0;
  bool range_prunes_ = false;
  uint64_t bytes_read_before_ = 0;
  uint64_t next_tell_ = 0;  // of the monotonic clock
  size_t told_ = 0;         // traces
  Reservation shown_;       // for answer_.spans
  SearchAnswer answer_;
};

Result<SearchAnswer> Search::run(uint64_t fingerprint) {
  const SearchOptions& options = newest_.options();
  answer_.mentioned = mentioned_attributes(query_);
  bytes_read_before_ = bytes_read_of_blocks();
  const uint64_t found_bytes =
      (options.limit + 1) * (kBytesPerFound + options.spans_per_trace * sizeof(uint32_t)) + kFixedBytes;
  if (!newest_.memory().grow(found_bytes)) {
    return Error(Code::Unavailable, "the memory for queries is spent; try again");
  }
  TRY(scan_heads());
  if (!newest_.should_stop()) TRY(scan_blocks());
  shared_.finish(range_prunes_);
  bool more = false;
  const std::vector<Found> found = newest_.take(more);
  // What a search that stopped has not seen may be newer than what it shows, so there is no place to go on from.
  if (more && !newest_.stopped()) answer_.next_page = write_page_token(fingerprint, found.back().key);
  answer_.traces_found = found.size();
  TRY(describe(std::span(found).subspan(told_)));
  answer_.partial_reason = newest_.reason();
  count_work();
  return std::move(answer_);
}

void Search::count_work() {
  answer_.traces_inspected = newest_.traces_inspected;
  answer_.spans_inspected = newest_.spans_inspected;
  answer_.bytes_read = bytes_read_of_blocks() - bytes_read_before_;
}

// If it is time to: tells what is found and newer than `newest_to_come`.
Result<void> Search::tell(UnixNanos newest_to_come) {
  const SearchOptions& options = newest_.options();
  if (!options.tell) return {};
  if (options.clock != nullptr) {
    const uint64_t now = options.clock->monotonic_nanos();
    if (now < next_tell_) return {};
    next_tell_ = now + kTellNanos;
  }
  if (!range_prunes_ || !shared_.any()) {
    shared_.settle_all();
    if (newest_.stopped()) return {};
    const std::vector<Found> certain = newest_.newer_than(newest_to_come, told_);
    TRY(describe(certain));
    told_ += certain.size();
  }
  answer_.traces_found = newest_.count();
  count_work();
  options.tell(answer_);
  answer_.traces.clear();
  answer_.spans = {};
  shown_.reset();
  return {};
}

uint64_t Search::bytes_read_of_blocks() const {
  uint64_t bytes = 0;
  for (const auto& block : snapshot_.blocks) bytes += block->block().bytes_read();
  return bytes;
}

Result<void> Search::scan_heads() {
  for (size_t i = snapshot_.heads.size(); i-- > 0 && !newest_.stopped();) {
    HeadScan scan(snapshot_, static_cast<uint32_t>(i), leaves_, newest_, shared_);
    TRY(scan.bind(query_, budget_));
    scan.run();
  }
  return tell(UINT64_MAX);
}

Result<void> Search::scan_blocks() {
  RowGroups row_groups(snapshot_);
  const SearchOptions& options = newest_.options();
  while (const std::optional<RowGroups::Place> place = row_groups.next()) {
    if (newest_.is_late(place->newest) || newest_.should_stop()) return {};
    TRY(tell(place->newest));
    const block::RowGroupFacts& facts = snapshot_.blocks[place->block]->block().row_groups()[place->row_group];
    if (facts.start > options.to || facts.end < options.from) {
      range_prunes_ = true;
      continue;
    }
    BlockScan* const scan = TRY(open(place->block));
    if (scan == nullptr || scan->is_useless()) continue;
    scan->run(place->row_group);
    ++answer_.row_groups;
    shared_.settle();
  }
  return {};
}

// Null: the block cannot be read.
Result<BlockScan*> Search::open(uint32_t block) {
  const auto known = open_.find(block);
  if (known != open_.end()) {
    known->second.used = ++uses_;
    return known->second.scan.get();
  }
  if (open_.size() == kBlocksOpenMax) {
    open_.erase(std::ranges::min_element(open_, {}, [](const auto& each) { return each.second.used; }));
  }
  auto scan = std::make_unique<BlockScan>(snapshot_, block, leaves_, newest_, shared_);
  const Result<void> bound = scan->bind(query_, budget_);
  if (!bound.ok()) {
    if (bound.error().code() == Code::Unavailable) return bound.error();
    newest_.note("block " + std::to_string(snapshot_.blocks[block]->entry().id) + ": " + bound.error().what());
    scan.reset();
  }
  return (open_[block] = Open{std::move(scan), ++uses_}).scan.get();
}

Result<void> Search::describe(std::span<const Found> found) {
  std::map<model::OrderKey, FoundTrace, std::greater<>> told;
  std::map<std::pair<Source, uint32_t>, std::vector<const Found*>> by_source;
  for (const Found& each : found) by_source[{each.source, each.index}].push_back(&each);
  uint64_t bytes = 0;
  const auto tell = [&](const Found& each, FoundTrace trace) {
    const uint64_t now = answer_.spans.memory_bytes();
    if (now > bytes && !shown_.grow(now - bytes)) {
      newest_.note("the spans to show take more than the memory for queries");
      trace.shown_count = 0;
    }
    bytes = now;
    told.emplace(each.key, std::move(trace));
  };
  for (const auto& [source, of_source] : by_source) {
    if (source.first == Source::Shared) {
      shared_.describe(of_source, tell, answer_);
    } else if (source.first == Source::Block) {
      BlockScan* const scan = TRY(open(source.second));
      if (scan != nullptr) scan->describe(of_source, tell, answer_);
    } else {
      HeadScan scan(snapshot_, source.second, leaves_, newest_, shared_);
      TRY(scan.bind(query_, budget_));
      for (const Found* each : of_source) tell(*each, scan.describe(*each, answer_));
    }
  }
  for (auto& [key, trace] : told) answer_.traces.push_back(std::move(trace));
  return {};
}

}  // namespace

Result<SearchAnswer> search(const store::Snapshot& snapshot, const query::Query& query, const SearchOptions& options,
                            MemoryBudget& budget) {
  TRY(check(options));
  const uint64_t fingerprint = fingerprint_of(query, options);
  std::optional<model::OrderKey> before;
  if (!options.page.empty()) before = TRY(read_page_token(options.page, fingerprint));
  return Search(snapshot, query, options, before, nullptr, budget).run(fingerprint);
}

Result<SearchAnswer> visit_matches(const store::Snapshot& snapshot, const query::Query& query,
                                   const SearchOptions& options, const MatchVisitor& visitor, MemoryBudget& budget) {
  TRY(check(options));
  return Search(snapshot, query, options, std::nullopt, &visitor, budget).run(0);
}

}  // namespace clew::scan
