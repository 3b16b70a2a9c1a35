// SPDX-License-Identifier: Apache-2.0
//
// Deltas of random content for the tests of the manifest: RandomDeltas makes one that fits a state, with ids from a
// function of the caller, which NewIds is where ids are given as a tenant gives them.
#pragma once

#include <functional>
#include <random>
#include <vector>

#include "store/manifest.h"

namespace clew::store {

class NewIds {
 public:
  explicit NewIds(const ManifestState& state) : next_(state.next_id) {}
  ObjectId operator()() { return next_++; }

 private:
  ObjectId next_;
};

class RandomDeltas {
 public:
  explicit RandomDeltas(uint64_t seed) : random_(seed) {}

  // Small and large numbers alike.
  uint64_t number() { return random_() >> random_() % 64; }
  uint64_t below(uint64_t bound) { return random_() % bound; }

  BlockEntry block(ObjectId id) {
    BlockEntry block;
    block.id = id;
    block.level = static_cast<uint32_t>(number());
    block.facts = {.span_count = number(),
                   .trace_count = number(),
                   .elsewhere_count = number(),
                   .bytes = number(),
                   .row_group_count = static_cast<uint32_t>(number()),
                   .intervals = {},
                   .newest_order_time = number(),
                   .first_arrival = number(),
                   .last_arrival = number()};
    for (uint64_t count = below(block::kIntervalsMax + 1); count > 0; --count)
      block.facts.intervals.push_back({number(), number()});
    return block;
  }
  RollupEntry rollup(ObjectId id) { return {id, static_cast<uint32_t>(number()), number(), number(), number()}; }

  Delta delta(const ManifestState& state, const std::function<ObjectId()>& new_id) {
    Delta delta;
    for (uint64_t count = below(3); count > 0; --count) delta.added_blocks.push_back(block(new_id()));
    for (uint64_t count = below(2); count > 0; --count) delta.added_rollups.push_back(rollup(new_id()));
    if (below(3) == 0) {
      delta.removal = static_cast<Removal>(1 + below(3));
      delta.lost_spans = number() >> 20;
      pick(state.blocks, delta.removed_blocks);
      if (delta.removal != Removal::Damaged) pick(state.set_aside, delta.removed_blocks);
    }
    if (below(4) == 0) pick(state.rollups, delta.removed_rollups);
    if (below(2) == 0) {
      delta.seal.emplace().sealed_to = state.seal.sealed_to + below(100);
      for (uint64_t count = below(4); count > 0; --count)
        delta.seal->carried.push_back({{number(), number()}, delta.seal->sealed_to});
    }
    return delta;
  }

 private:
  template <class Map>
  void pick(const Map& map, std::vector<ObjectId>& ids) {
    for (const auto& [id, entry] : map)
      if (below(4) == 0) ids.push_back(id);
  }

  std::mt19937_64 random_;
};

}  // namespace clew::store
