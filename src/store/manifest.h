// SPDX-License-Identifier: Apache-2.0
//
// store::Manifest says which objects of a tenant count: its blocks, its roll-ups, and up to where its journal records
// are in them. It is a row of numbered, immutable deltas, each put under the next number if that is absent, and now and
// then a checkpoint of the whole, so that opening reads one checkpoint and few deltas. docs/format/manifest.md.
//
// An object that no delta names is an orphan (store/orphans.h): the work of somebody who died before the delta. A delta
// that names an object is put after the object is durable.
//
//   Manifest manifest = TRY(Manifest::open(objects, "tenants/default/manifest"));
//   Delta delta; delta.added_blocks = {…}; delta.seal = …;
//   TRY(manifest.append(std::move(delta)));
//
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "block/schema.h"
#include "journal/journal.h"
#include "object/object_store.h"

namespace clew::store {

// Names a block or roll-up in its tenant: unique for ever, in order of creation. As text 16 hex digits.
using ObjectId = uint64_t;

struct BlockEntry {
  ObjectId id = 0;
  uint32_t level = 0;  // 0 sealed, then one more for each compaction
  block::BlockFacts facts;
  friend bool operator==(const BlockEntry&, const BlockEntry&) = default;
};

struct RollupEntry {
  ObjectId id = 0;
  uint32_t level = 0;
  uint64_t bytes = 0;
  uint64_t first_minute = 0;  // minutes since 1970 that it has cells of, inclusive
  uint64_t last_minute = 0;
  friend bool operator==(const RollupEntry&, const RollupEntry&) = default;
};

// A trace that was still being written when the head was sealed: of its rows, those in records from `first_lsn` on are
// in no block.
struct Carried {
  model::TraceId trace;
  journal::Lsn first_lsn = 0;
  friend bool operator==(const Carried&, const Carried&) = default;
};

// The journal's records up to sealed_to are in blocks, except for the carried traces.
struct SealState {
  journal::Lsn sealed_to = 0;
  std::vector<Carried> carried;
  friend bool operator==(const SealState&, const SealState&) = default;
};

// Why blocks go. The values are part of the format.
enum class Removal : uint8_t { None = 0, Compacted = 1, Retention = 2, Damaged = 3 };

// One step, all of it or nothing.
struct Delta {
  std::vector<BlockEntry> added_blocks;
  std::vector<ObjectId> removed_blocks;
  Removal removal = Removal::None;
  std::vector<RollupEntry> added_rollups;
  std::vector<ObjectId> removed_rollups;
  std::optional<SealState> seal;
  // What has gone for good with `removed_blocks`, for the counters.
  uint64_t lost_spans = 0;
  friend bool operator==(const Delta&, const Delta&) = default;
};

struct ManifestState {
  uint64_t version = 0;  // the number of the last delta
  ObjectId next_id = 1;  // above every id ever given
  std::map<ObjectId, BlockEntry> blocks;
  std::map<ObjectId, RollupEntry> rollups;
  // Blocks that were found damaged: out of every answer, kept for who repairs.
  std::map<ObjectId, BlockEntry> set_aside;
  SealState seal;
  uint64_t spans_removed_by_retention = 0;
  uint64_t spans_set_aside = 0;
  friend bool operator==(const ManifestState&, const ManifestState&) = default;
};

// Deltas after which a checkpoint is put.
constexpr uint64_t kCheckpointEvery = 64;
// Of a state and of a delta, so that a checkpoint stays a small object (object::kSmallObjectBytesMax).
constexpr size_t kBlocksMax = 150'000;  // those set aside included
constexpr size_t kRollupsMax = 200'000;
constexpr size_t kCarriedMax = 400'000;

class Manifest {
 public:
  // `objects` must outlive the manifest. An absent manifest is an empty one. DataLoss if a delta or checkpoint is
  // damaged or missing so that the state cannot be told; FailedPrecondition if it needs a newer program. `prefix` is
  // that of manifest_prefix(): the ids of the objects beside it are not given again, whether it names them or not.
  static Result<Manifest> open(object::ObjectStore& objects, std::string prefix);

  const ManifestState& state() const { return state_; }

  // Durable when ok. On every error the state is as it was.
  //   InvalidArgument, ResourceExhausted   apply() refuses the delta; nothing was written
  //   AlreadyExists                        another delta has this number; open again
  //   any other                            the delta may yet turn out to be written: append the same again, or open
  //                                        again; until then the objects that it names must stay
  Result<void> append(const Delta& delta);
  // Removes deltas and checkpoints that the newest two checkpoints make superfluous.
  Result<void> collect();

 private:
  Manifest(object::ObjectStore& objects, std::string prefix) : objects_(&objects), prefix_(std::move(prefix)) {}

  Result<void> read_checkpoint();
  Result<void> read_deltas();
  Result<void> skip_used_ids(const std::string& folder);
  Result<void> put_delta(uint64_t version, const std::string& bytes);

  object::ObjectStore* objects_;
  std::string prefix_;
  ManifestState state_;
  uint64_t last_checkpoint_ = 0;    // that is intact
  uint64_t newest_checkpoint_ = 0;  // when opened
};

// The state after `delta`, which becomes the next version. InvalidArgument if it removes what is not there, adds what
// is, or seals less than before; ResourceExhausted beyond the limits above.
Result<ManifestState> apply(ManifestState state, const Delta& delta);

// The bytes of docs/format/manifest.md. Decoding: DataLoss for damage, FailedPrecondition for what needs a newer
// program.
std::string encode_delta(uint64_t version, const Delta& delta);
std::string encode_checkpoint(const ManifestState& state);
struct VersionedDelta {
  uint64_t version = 0;
  Delta delta;
};
Result<VersionedDelta> decode_delta(Bytes bytes);
Result<ManifestState> decode_checkpoint(Bytes bytes);

// "tenants/<tenant>/blocks/<id>" and so on.
std::string manifest_prefix(const std::string& tenant);
std::string block_name(const std::string& tenant, ObjectId id);
std::string rollup_name(const std::string& tenant, ObjectId id);
std::string blocks_prefix(const std::string& tenant);  // with '/' behind, as list() takes it
std::string rollups_prefix(const std::string& tenant);
std::string hex_number(uint64_t number);  // 16 lower-case digits
// The number at the end of `name` if the rest is `prefix`.
std::optional<uint64_t> number_behind(std::string_view prefix, std::string_view name);

}  // namespace clew::store
