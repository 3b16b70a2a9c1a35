// SPDX-License-Identifier: Apache-2.0
//
// docs/format/manifest.md, sections 4 and 5. A delta counts from when it is durable; so the state in memory follows the
// put, and the checkpoint, which only makes opening faster, follows both and may fail.
#include "store/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace clew::store {
namespace {

constexpr size_t kHexDigits = 16;

std::string deltas_prefix(const std::string& prefix) { return prefix + "/deltas/"; }
std::string checkpoints_prefix(const std::string& prefix) { return prefix + "/checkpoints/"; }

// The numbers of the objects `prefix` + 16 digits, ascending, from `first` on.
Result<std::vector<uint64_t>> numbers(object::ObjectStore& objects, const std::string& prefix, uint64_t first) {
  std::vector<uint64_t> numbers;
  std::string after = first == 0 ? std::string() : prefix + hex_number(first - 1);
  while (true) {
    const std::vector<object::Listed> page = TRY(objects.list(prefix, after));
    for (const object::Listed& listed : page)
      if (const auto number = number_behind(prefix, listed.name)) numbers.push_back(*number);
    if (page.size() < object::kListMax) return numbers;
    after = page.back().name;
  }
}

// Nothing if it is damaged or has gone; the log says so.
Result<std::optional<ManifestState>> intact_checkpoint(object::ObjectStore& objects, const std::string& prefix,
                                                       uint64_t number) {
  const std::string name = checkpoints_prefix(prefix) + hex_number(number);
  const auto absent = [&](const Error& error) {
    log(LogLevel::Warning,
        fmt::format("a checkpoint cannot be read, an older one is used: {}", error.with(name).what()));
    return std::optional<ManifestState>();
  };
  const Result<std::string> bytes = objects.get(name);
  if (!bytes.ok()) {
    const Code code = bytes.error().code();
    if (code == Code::NotFound || code == Code::DataLoss || code == Code::ResourceExhausted)
      return absent(bytes.error());
    return bytes.error();
  }
  Result<ManifestState> state = decode_checkpoint(as_bytes(*bytes));
  if (!state.ok()) {
    if (state.error().code() == Code::DataLoss) return absent(state.error());
    return state.error().with(name);
  }
  if (state->version != number) return absent(Error(Code::DataLoss, "it has another number than its name"));
  return std::optional(std::move(state).value());
}

Error refused(std::string_view what, ObjectId id) {
  return {Code::InvalidArgument, fmt::format("a delta that {} {}", what, hex_number(id))};
}

bool has(const ManifestState& state, ObjectId id) {
  return state.blocks.contains(id) || state.rollups.contains(id) || state.set_aside.contains(id);
}

// Before anything is removed: what a delta removes it does not add again.
template <class T>
Result<void> check_new(const std::vector<T>& added, const ManifestState& state) {
  for (const T& entry : added)
    if (entry.id == 0 || entry.id == UINT64_MAX || has(state, entry.id)) return refused("adds again", entry.id);
  return {};
}

template <class T>
Result<void> add(const std::vector<T>& added, std::map<ObjectId, T> ManifestState::* to, ManifestState& state) {
  for (const T& entry : added) {
    if (has(state, entry.id)) return refused("adds twice", entry.id);
    (state.*to).emplace(entry.id, entry);
    state.next_id = std::max(state.next_id, entry.id + 1);
  }
  return {};
}

Result<void> remove_blocks(const Delta& delta, ManifestState& state) {
  for (const ObjectId id : delta.removed_blocks) {
    if (delta.removal == Removal::None) return refused("does not say why it removes", id);
    auto block = state.blocks.extract(id);
    if (block.empty()) {
      if (delta.removal == Removal::Damaged || state.set_aside.erase(id) == 0) return refused("removes an absent", id);
    } else if (delta.removal == Removal::Damaged) {
      state.set_aside.insert(std::move(block));
    }
  }
  if (delta.removal == Removal::Retention) state.spans_removed_by_retention += delta.lost_spans;
  if (delta.removal == Removal::Damaged) state.spans_set_aside += delta.lost_spans;
  return {};
}

Result<void> check_limits(const Delta& delta, const ManifestState& state) {
  for (const BlockEntry& block : delta.added_blocks)
    if (block.facts.intervals.size() > block::kIntervalsMax)
      return refused("has too many intervals of block", block.id);
  if (state.blocks.size() + state.set_aside.size() > kBlocksMax || delta.removed_blocks.size() > kBlocksMax ||
      state.rollups.size() > kRollupsMax || delta.removed_rollups.size() > kRollupsMax ||
      state.seal.carried.size() > kCarriedMax)
    return Error(Code::ResourceExhausted, "a tenant has too many blocks, roll-ups or carried traces");
  return {};
}

}  // namespace

std::string hex_number(uint64_t number) { return fmt::format("{:016x}", number); }

std::optional<uint64_t> number_behind(std::string_view prefix, std::string_view name) {
  if (!name.starts_with(prefix) || name.size() != prefix.size() + kHexDigits) return std::nullopt;
  uint64_t number = 0;
  for (const char c : name.substr(prefix.size())) {
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit && (c < 'a' || c > 'f')) return std::nullopt;
    number = number << 4 | static_cast<uint64_t>(is_digit ? c - '0' : c - 'a' + 10);
  }
  return number;
}

std::string manifest_prefix(const std::string& tenant) { return "tenants/" + tenant + "/manifest"; }
std::string blocks_prefix(const std::string& tenant) { return "tenants/" + tenant + "/blocks/"; }
std::string rollups_prefix(const std::string& tenant) { return "tenants/" + tenant + "/rollups/"; }
std::string block_name(const std::string& tenant, ObjectId id) { return blocks_prefix(tenant) + hex_number(id); }
std::string rollup_name(const std::string& tenant, ObjectId id) { return rollups_prefix(tenant) + hex_number(id); }

Result<ManifestState> apply(ManifestState state, const Delta& delta) {
  TRY(check_new(delta.added_blocks, state));
  TRY(check_new(delta.added_rollups, state));
  TRY(remove_blocks(delta, state));
  for (const ObjectId id : delta.removed_rollups)
    if (state.rollups.erase(id) == 0) return refused("removes an absent roll-up", id);
  TRY(add(delta.added_blocks, &ManifestState::blocks, state));
  TRY(add(delta.added_rollups, &ManifestState::rollups, state));
  if (delta.seal) {
    if (delta.seal->sealed_to < state.seal.sealed_to)
      return Error(Code::InvalidArgument, "a delta that seals less than was sealed");
    state.seal = *delta.seal;
  }
  TRY(check_limits(delta, state));
  ++state.version;
  return state;
}

Result<Manifest> Manifest::open(object::ObjectStore& objects, std::string prefix) {
  Manifest manifest(objects, std::move(prefix));
  TRY(manifest.read_checkpoint());
  TRY(manifest.read_deltas());
  const std::string tenant = manifest.prefix_.substr(0, manifest.prefix_.rfind('/') + 1);
  TRY(manifest.skip_used_ids(tenant + "blocks/"));
  TRY(manifest.skip_used_ids(tenant + "rollups/"));
  return manifest;
}

Result<void> Manifest::read_checkpoint() {
  const std::vector<uint64_t> all = TRY(numbers(*objects_, checkpoints_prefix(prefix_), 0));
  newest_checkpoint_ = all.empty() ? 0 : all.back();
  for (auto number = all.rbegin(); number != all.rend(); ++number) {
    auto state = TRY(intact_checkpoint(*objects_, prefix_, *number));
    if (!state) continue;
    state_ = std::move(*state);
    last_checkpoint_ = *number;
    break;
  }
  return {};
}

Result<void> Manifest::read_deltas() {
  const std::string prefix = deltas_prefix(prefix_);
  const auto is_missing = [&] {
    return Error(Code::DataLoss, fmt::format("{}{} is missing", prefix, hex_number(state_.version + 1)));
  };
  for (const uint64_t number : TRY(numbers(*objects_, prefix, state_.version + 1))) {
    if (number != state_.version + 1) return is_missing();
    const std::string name = prefix + hex_number(number);
    const Result<std::string> bytes = objects_->get(name);
    if (!bytes.ok()) return bytes.error();
    const Result<VersionedDelta> delta = decode_delta(as_bytes(*bytes));
    if (!delta.ok()) return delta.error().with(name);
    if (delta->version != number) return Error(Code::DataLoss, name + " has another number than its name");
    Result<ManifestState> next = apply(std::move(state_), delta->delta);
    if (!next.ok()) return Error(Code::DataLoss, next.error().with(name).what());
    state_ = std::move(next).value();
  }
  // A damaged checkpoint proves that there were deltas up to it.
  if (state_.version < newest_checkpoint_) return is_missing();
  return {};
}

Result<void> Manifest::skip_used_ids(const std::string& folder) {
  for (const ObjectId id : TRY(numbers(*objects_, folder, state_.next_id)))
    if (id != UINT64_MAX) state_.next_id = std::max(state_.next_id, id + 1);
  return {};
}

// An error does not say that nothing was written: what stands under the name does.
Result<void> Manifest::put_delta(uint64_t version, const std::string& bytes) {
  const std::string name = deltas_prefix(prefix_) + hex_number(version);
  const Result<void> put = objects_->put_if_absent(name, as_bytes(bytes));
  if (put.ok()) return {};
  const Code code = put.error().code();
  if (code == Code::ResourceExhausted || code == Code::InvalidArgument) return put.error();
  const Result<std::string> there = objects_->get(name);
  if (there.ok()) {
    if (*there == bytes) return {};
    return Error(Code::AlreadyExists, name + " has been written by somebody else");
  }
  // "It exists" would now say too much.
  return code == Code::AlreadyExists && there.error().code() != Code::NotFound ? there.error() : put.error();
}

Result<void> Manifest::append(const Delta& delta) {
  ManifestState next = TRY(apply(state_, delta));
  TRY(put_delta(next.version, encode_delta(next.version, delta)));
  state_ = std::move(next);
  if (state_.version - last_checkpoint_ < kCheckpointEvery) return {};
  const std::string name = checkpoints_prefix(prefix_) + hex_number(state_.version);
  const Result<void> put = objects_->put_if_absent(name, as_bytes(encode_checkpoint(state_)));
  // After an error the next append puts one.
  if (put.ok() || put.error().code() == Code::AlreadyExists) last_checkpoint_ = state_.version;
  return {};
}

Result<void> Manifest::collect() {
  const std::vector<uint64_t> all = TRY(numbers(*objects_, checkpoints_prefix(prefix_), 0));
  std::vector<uint64_t> intact;
  for (auto number = all.rbegin(); number != all.rend() && intact.size() < 2; ++number)
    if (*number <= state_.version && TRY(intact_checkpoint(*objects_, prefix_, *number))) intact.push_back(*number);
  if (intact.size() < 2) return {};
  const uint64_t oldest = intact.back();
  for (const uint64_t number : all)
    if (number < oldest) TRY(objects_->remove(checkpoints_prefix(prefix_) + hex_number(number)));
  for (const uint64_t number : TRY(numbers(*objects_, deltas_prefix(prefix_), 0))) {
    if (number > oldest) break;
    TRY(objects_->remove(deltas_prefix(prefix_) + hex_number(number)));
  }
  return {};
}

}  // namespace clew::store
