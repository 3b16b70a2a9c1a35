// SPDX-License-Identifier: Apache-2.0
//
// The manifest against a model that keeps plain maps: the same state at every step and after every opening; no id is
// given twice; damage is told and never guessed over; of two who write, one wins. Loss of power is
// manifest_durability_test.cc's.
#include "store/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "base/log.h"
#include "codec/crc32c.h"
#include "object/local_folder.h"
#include "platform/testing/faulty_file_system.h"
#include "store/object_bytes.h"
#include "store/orphans.h"
#include "store/testing/random_delta.h"

namespace clew::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kTenant = "default";
const std::string kPrefix = manifest_prefix(kTenant);

std::string delta_name(uint64_t number) { return kPrefix + "/deltas/" + hex_number(number); }
std::string checkpoint_name(uint64_t number) { return kPrefix + "/checkpoints/" + hex_number(number); }

// What docs/format/manifest.md says of applying, in other words.
struct Model {
  std::map<ObjectId, BlockEntry> live;
  std::map<ObjectId, BlockEntry> aside;
  std::map<ObjectId, RollupEntry> rollups;
  SealState seal;
  uint64_t by_retention = 0;
  uint64_t by_damage = 0;
  uint64_t version = 0;

  void take(const Delta& delta) {
    for (const ObjectId id : delta.removed_blocks) {
      if (delta.removal == Removal::Damaged) aside[id] = live.at(id);
      if (live.erase(id) == 0) aside.erase(id);
    }
    for (const ObjectId id : delta.removed_rollups) rollups.erase(id);
    for (const BlockEntry& block : delta.added_blocks) live[block.id] = block;
    for (const RollupEntry& rollup : delta.added_rollups) rollups[rollup.id] = rollup;
    if (delta.seal) seal = *delta.seal;
    by_retention += delta.removal == Removal::Retention ? delta.lost_spans : 0;
    by_damage += delta.removal == Removal::Damaged ? delta.lost_spans : 0;
    ++version;
  }
  void compare(const ManifestState& state) const {
    EXPECT_EQ(state.blocks, live);
    EXPECT_EQ(state.set_aside, aside);
    EXPECT_EQ(state.rollups, rollups);
    EXPECT_EQ(state.seal, seal);
    EXPECT_EQ(state.spans_removed_by_retention, by_retention);
    EXPECT_EQ(state.spans_set_aside, by_damage);
    EXPECT_EQ(state.version, version);
  }
};

class ManifestTest : public testing::Test {
 protected:
  ManifestTest() {
    objects_ = MUST(object::open_local_folder(files_, "objects"));  // no faults are planned
    set_log_sink([](LogLevel, std::string_view) {});
  }
  ~ManifestTest() override { set_log_sink(nullptr); }

  Result<Manifest> open() { return Manifest::open(*objects_, kPrefix); }
  Error error_of_opening() {
    Result<Manifest> opened = open();
    return opened.ok() ? Error(Code::Unknown, "it opened") : std::move(opened).error();
  }
  // Appends `count` random deltas; the state after them.
  ManifestState grow(uint64_t count) {
    Manifest manifest = MUST(open());
    RandomDeltas random(manifest.state().version + 1);
    NewIds new_id(manifest.state());
    for (; count > 0; --count) MUST(manifest.append(random.delta(manifest.state(), std::ref(new_id))));
    return manifest.state();
  }
  void flip(const std::string& name) { files_.flip_bit("objects/" + name, 41, 3); }
  std::vector<std::string> names(const std::string& prefix) {
    std::vector<std::string> names;
    for (object::Listed& listed : MUST(objects_->list(prefix, ""))) names.push_back(std::move(listed.name));
    return names;
  }

  platform::FaultyFileSystem files_{1};
  std::unique_ptr<object::ObjectStore> objects_;
};

TEST_F(ManifestTest, IsWhatTheModelIsAtEveryStepAndAfterEveryOpening) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  RandomDeltas random(seed);
  Model model;
  std::set<ObjectId> given;
  std::set<std::string> without_delta;
  Manifest manifest = MUST(open());
  NewIds ids(manifest.state());
  const auto new_id = [&] {
    const ObjectId id = ids();
    EXPECT_TRUE(given.insert(id).second) << "given twice: " << id;
    return id;
  };
  for (int step = 0; step < 300; ++step) {
    const Delta delta = random.delta(manifest.state(), new_id);
    for (const BlockEntry& block : delta.added_blocks) MUST(objects_->put_if_absent(block_name(kTenant, block.id), {}));
    for (const RollupEntry& rollup : delta.added_rollups)
      MUST(objects_->put_if_absent(rollup_name(kTenant, rollup.id), {}));
    ASSERT_TRUE(manifest.append(delta).ok());
    model.take(delta);
    model.compare(manifest.state());
    if (random.below(3) == 0) {  // an object is uploaded, and no delta follows
      const ObjectId id = new_id();
      const std::string name = random.below(2) == 0 ? block_name(kTenant, id) : rollup_name(kTenant, id);
      MUST(objects_->put_if_absent(name, {}));
      without_delta.insert(name);
    }
    if (random.below(20) == 0) EXPECT_TRUE(manifest.collect().ok());
    manifest = MUST(open());
    ids = NewIds(manifest.state());
    model.compare(manifest.state());
    if (HasFailure()) return;
  }
  // What a delta has removed and nobody has deleted is an orphan like what no delta ever named.
  std::set<std::string> orphaned;
  for (const std::string& name : MUST(orphans(*objects_, kTenant, manifest.state()))) orphaned.insert(name);
  EXPECT_GT(without_delta.size(), 30U);
  for (const std::string& name : without_delta) EXPECT_TRUE(orphaned.contains(name)) << name;
  const size_t named = model.live.size() + model.aside.size() + model.rollups.size();
  EXPECT_EQ(named + orphaned.size(), names(blocks_prefix(kTenant)).size() + names(rollups_prefix(kTenant)).size());
  for (const auto& [id, block] : model.live) EXPECT_FALSE(orphaned.contains(block_name(kTenant, id)));
  for (const auto& [id, block] : model.aside) EXPECT_FALSE(orphaned.contains(block_name(kTenant, id)));
  for (const auto& [id, rollup] : model.rollups) EXPECT_FALSE(orphaned.contains(rollup_name(kTenant, id)));
}

TEST_F(ManifestTest, ADeltaThatDoesNotFitIsRefusedAndNothingIsWritten) {
  Manifest manifest = MUST(open());
  RandomDeltas random(3);
  Delta first;
  first.added_blocks = {random.block(1), random.block(2), random.block(3)};
  first.added_rollups = {random.rollup(4)};
  first.seal = SealState{10, {}};
  MUST(manifest.append(first));
  Delta damaged;
  damaged.removed_blocks = {3};
  damaged.removal = Removal::Damaged;
  MUST(manifest.append(damaged));
  const ManifestState before = manifest.state();

  const auto refused = [&](const char* what, const std::function<void(Delta&)>& fill, Removal removal = Removal::None) {
    Delta delta;
    delta.removal = removal;
    fill(delta);
    const Result<void> appended = manifest.append(delta);
    ASSERT_FALSE(appended.ok()) << what;
    EXPECT_EQ(appended.error().code(), Code::InvalidArgument) << what;
    EXPECT_EQ(manifest.state(), before) << what;
  };
  refused("id 0", [&](Delta& delta) { delta.added_blocks = {random.block(0)}; });
  refused("the last id", [&](Delta& delta) { delta.added_rollups = {random.rollup(UINT64_MAX)}; });
  refused("a live block", [&](Delta& delta) { delta.added_blocks = {random.block(1)}; });
  refused("a block set aside", [&](Delta& delta) { delta.added_blocks = {random.block(3)}; });
  refused("a block by a roll-up's id", [&](Delta& delta) { delta.added_blocks = {random.block(4)}; });
  refused("a roll-up by a block's id", [&](Delta& delta) { delta.added_rollups = {random.rollup(1)}; });
  refused("twice", [&](Delta& delta) { delta.added_blocks = {random.block(9), random.block(9)}; });
  refused("twice, differently", [&](Delta& delta) {
    delta.added_blocks = {random.block(9)};
    delta.added_rollups = {random.rollup(9)};
  });
  refused("no reason", [&](Delta& delta) { delta.removed_blocks = {1}; });
  refused("absent", [&](Delta& delta) { delta.removed_blocks = {7}; }, Removal::Compacted);
  refused("a roll-up is no block", [&](Delta& delta) { delta.removed_blocks = {4}; }, Removal::Compacted);
  refused("gone twice", [&](Delta& delta) { delta.removed_blocks = {1, 1}; }, Removal::Retention);
  refused("damaged twice", [&](Delta& delta) { delta.removed_blocks = {3}; }, Removal::Damaged);
  refused("absent roll-up", [&](Delta& delta) { delta.removed_rollups = {1}; });
  refused("seals less", [&](Delta& delta) { delta.seal = SealState{9, {}}; });
  refused("many intervals", [&](Delta& delta) {
    delta.added_blocks = {random.block(9)};
    delta.added_blocks[0].facts.intervals.resize(block::kIntervalsMax + 1);
  });
  refused(
      "removed and added",
      [&](Delta& delta) {
        delta.added_blocks = {random.block(1)};
        delta.removed_blocks = {1};
      },
      Removal::Compacted);
  Delta large;
  large.seal = SealState{11, std::vector<Carried>(kCarriedMax + 1)};
  EXPECT_EQ(manifest.append(large).error().code(), Code::ResourceExhausted);
  EXPECT_EQ(manifest.state(), before);
  EXPECT_EQ(names(kPrefix + "/deltas/").size(), 2U);
}

TEST_F(ManifestTest, CollectingLeavesTheTwoNewestCheckpointsAndWhatFollows) {
  const ManifestState state = grow(kCheckpointEvery * 4 + 5);
  EXPECT_EQ(names(kPrefix + "/checkpoints/").size(), 4U);
  Manifest manifest = MUST(open());
  EXPECT_TRUE(manifest.collect().ok());
  EXPECT_TRUE(manifest.collect().ok());
  EXPECT_THAT(names(kPrefix + "/checkpoints/"),
              ElementsAre(checkpoint_name(kCheckpointEvery * 3), checkpoint_name(kCheckpointEvery * 4)));
  EXPECT_EQ(names(kPrefix + "/deltas/").size(), kCheckpointEvery + 5);
  EXPECT_EQ(MUST(open()).state(), state);
  // One damaged checkpoint costs nothing, and is not counted among the two.
  flip(checkpoint_name(kCheckpointEvery * 4));
  EXPECT_EQ(MUST(open()).state(), state);
  EXPECT_TRUE(MUST(open()).collect().ok());
  EXPECT_EQ(MUST(open()).state(), state);
  const ManifestState later = grow(kCheckpointEvery * 2);
  EXPECT_EQ(names(kPrefix + "/checkpoints/").size(), 4U) << "the next come as if that one were not there";
  EXPECT_TRUE(MUST(open()).collect().ok());
  EXPECT_EQ(MUST(open()).state(), later);
  // Two cost the start.
  for (const std::string& name : names(kPrefix + "/checkpoints/")) flip(name);
  const Error error = error_of_opening();
  EXPECT_EQ(error.code(), Code::DataLoss);
  EXPECT_THAT(error.what(), HasSubstr(delta_name(1) + " is missing"));
}

TEST_F(ManifestTest, AGapOrDamageIsToldWithTheName) {
  grow(9);
  flip(delta_name(5));
  Error error = error_of_opening();
  EXPECT_EQ(error.code(), Code::DataLoss);
  EXPECT_THAT(error.what(), HasSubstr(delta_name(5)));
  MUST(objects_->remove(delta_name(5)));
  error = error_of_opening();
  EXPECT_EQ(error.code(), Code::DataLoss);
  EXPECT_THAT(error.what(), HasSubstr(delta_name(5) + " is missing"));
  // A delta of another number, and one that does not fit.
  MUST(objects_->put_if_absent(delta_name(5), as_bytes(encode_delta(6, {}))));
  EXPECT_EQ(error_of_opening().code(), Code::DataLoss);
  MUST(objects_->remove(delta_name(5)));
  Delta wrong;
  wrong.removed_rollups = {12345};
  MUST(objects_->put_if_absent(delta_name(5), as_bytes(encode_delta(5, wrong))));
  error = error_of_opening();
  EXPECT_EQ(error.code(), Code::DataLoss);
  EXPECT_THAT(error.what(), HasSubstr(delta_name(5)));
}

TEST_F(ManifestTest, ADamagedCheckpointProvesThatThereWereDeltas) {
  grow(kCheckpointEvery);
  flip(checkpoint_name(kCheckpointEvery));
  MUST(objects_->remove(delta_name(kCheckpointEvery)));
  const Error error = error_of_opening();
  EXPECT_EQ(error.code(), Code::DataLoss);
  EXPECT_THAT(error.what(), HasSubstr(delta_name(kCheckpointEvery) + " is missing"));
}

TEST_F(ManifestTest, WhatNeedsANewerProgramIsNotOpened) {
  grow(kCheckpointEvery + 3);
  for (const std::string& name : {checkpoint_name(kCheckpointEvery), delta_name(kCheckpointEvery + 2)}) {
    const std::string right = MUST(objects_->get(name));
    std::string newer = right;
    newer[12] = 1;
    put(newer.data() + 60, codec::crc32c(as_bytes(newer).first(60)));
    MUST(objects_->remove(name));
    MUST(objects_->put_if_absent(name, as_bytes(newer)));
    EXPECT_EQ(error_of_opening().code(), Code::FailedPrecondition) << name;
    MUST(objects_->remove(name));
    MUST(objects_->put_if_absent(name, as_bytes(right)));
  }
  EXPECT_TRUE(open().ok());
}

TEST_F(ManifestTest, OtherNamesAreLeftAlone) {
  const ManifestState state = grow(3);
  for (const std::string& name :
       {kPrefix + "/note", kPrefix + "/deltas/9", kPrefix + "/deltas/000000000000000G",
        kPrefix + "/deltas/00000000000000FF", kPrefix + "/checkpoints/x", blocks_prefix(kTenant) + "note",
        blocks_prefix(kTenant) + "0000000000000009/part", manifest_prefix("default2") + "/deltas/0000000000000001"})
    MUST(objects_->put_if_absent(name, as_bytes("x")));
  const Manifest manifest = MUST(open());
  EXPECT_EQ(manifest.state(), state);
  EXPECT_THAT(MUST(orphans(*objects_, kTenant, manifest.state())), IsEmpty());
}

TEST_F(ManifestTest, OfTwoWhoWriteOneWinsAndTheOtherSeesIt) {
  grow(2);
  Manifest first = MUST(open());
  Manifest second = MUST(open());
  RandomDeltas random(1);
  Delta delta;
  delta.added_blocks = {random.block(NewIds(first.state())())};
  Delta other;
  other.added_blocks = {random.block(NewIds(second.state())())};
  ASSERT_TRUE(first.append(delta).ok());
  const ManifestState before = second.state();
  EXPECT_EQ(second.append(other).error().code(), Code::AlreadyExists);
  EXPECT_EQ(second.state(), before);
  second = MUST(open());
  EXPECT_EQ(second.state(), first.state());
  other.added_blocks = {random.block(NewIds(second.state())())};
  EXPECT_TRUE(second.append(other).ok());
}

TEST_F(ManifestTest, OfManyWhoWriteAtOnceEachStepIsOnesOwn) {
  constexpr uint64_t kWriters = 4;
  constexpr uint64_t kSteps = 25;
  std::atomic<uint64_t> wrong = 0;
  std::vector<std::thread> threads;
  for (uint64_t writer = 1; writer <= kWriters; ++writer)
    threads.emplace_back([&, writer] {
      for (uint64_t step = 0; step < kSteps;) {
        Result<Manifest> manifest = open();
        Delta delta;
        delta.added_rollups = {{.id = writer * 1000 + step, .bytes = writer}};
        const Result<void> appended = manifest.value().append(delta);
        step += appended.ok() ? 1 : 0;
        wrong += appended.ok() || appended.error().code() == Code::AlreadyExists ? 0 : 1;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0U);
  const Manifest manifest = MUST(open());
  EXPECT_EQ(manifest.state().version, kWriters * kSteps);
  EXPECT_EQ(manifest.state().rollups.size(), kWriters * kSteps);
}

// Loses answers: of a put that was done, and of the gets that follow.
class LossyStore final : public object::ObjectStore {
 public:
  explicit LossyStore(object::ObjectStore& objects) : objects_(objects) {}
  int answers_lost = 0;  // of the next calls of put and get

  Result<void> put_if_absent(const std::string& name, Bytes bytes) override {
    Result<void> done = objects_.put_if_absent(name, bytes);
    if (answers_lost-- > 0) return lost();
    return done;
  }
  Result<std::string> get(const std::string& name) override {
    if (answers_lost-- > 0) return lost();
    return objects_.get(name);
  }
  Result<std::unique_ptr<object::Upload>> upload(const std::string& name) override { return objects_.upload(name); }
  Result<void> read(const std::string& name, uint64_t offset, std::span<uint8_t> into) override {
    return objects_.read(name, offset, into);
  }
  Result<object::Tail> read_end(const std::string& name, uint64_t bytes_max) override {
    return objects_.read_end(name, bytes_max);
  }
  Result<std::vector<object::Listed>> list(const std::string& prefix, const std::string& after) override {
    return objects_.list(prefix, after);
  }
  Result<void> remove(const std::string& name) override { return objects_.remove(name); }
  Result<uint64_t> free_space() override { return objects_.free_space(); }

 private:
  static Error lost() { return {Code::Unavailable, "the answer is lost"}; }

  object::ObjectStore& objects_;
};

TEST_F(ManifestTest, ALostAnswerIsFoundOut) {
  LossyStore lossy(*objects_);
  Manifest manifest = MUST(Manifest::open(lossy, kPrefix));
  RandomDeltas random(1);
  NewIds new_id(manifest.state());
  Delta delta;
  delta.added_blocks = {random.block(new_id())};
  lossy.answers_lost = 1;
  EXPECT_TRUE(manifest.append(delta).ok());
  EXPECT_EQ(manifest.state().version, 1U);
  EXPECT_EQ(MUST(open()).state(), manifest.state());

  // Nor can it be read back: in doubt. The same again succeeds, once.
  delta.added_blocks = {random.block(new_id())};
  lossy.answers_lost = 2;
  EXPECT_EQ(manifest.append(delta).error().code(), Code::Unavailable);
  EXPECT_EQ(manifest.state().version, 1U);
  EXPECT_TRUE(manifest.append(delta).ok());
  EXPECT_EQ(manifest.state().version, 2U);
  EXPECT_EQ(MUST(open()).state(), manifest.state());

  // Something else instead is told that the number is taken.
  delta.added_blocks = {random.block(new_id())};
  lossy.answers_lost = 2;
  EXPECT_FALSE(manifest.append(delta).ok());
  Delta other;
  other.added_blocks = {random.block(new_id())};
  EXPECT_EQ(manifest.append(other).error().code(), Code::AlreadyExists);
  manifest = MUST(Manifest::open(lossy, kPrefix));
  EXPECT_EQ(manifest.state().version, 3U);
  EXPECT_TRUE(manifest.state().blocks.contains(delta.added_blocks[0].id));
  EXPECT_TRUE(manifest.append(other).ok());

  // A checkpoint whose answer is lost is not missed.
  while (manifest.state().version < kCheckpointEvery - 1) MUST(manifest.append({}));
  lossy.answers_lost = 0;
  const ManifestState state = manifest.state();
  EXPECT_TRUE(manifest.append({}).ok());
  EXPECT_EQ(MUST(open()).state().blocks, state.blocks);
}

TEST_F(ManifestTest, BlocksAreWrittenAndReadThroughObjects) {
  const std::string name = block_name(kTenant, 1);
  auto upload = MUST(objects_->upload(name));
  UploadSink sink(*upload);
  EXPECT_TRUE(sink.append(as_bytes("hello ")).ok());
  EXPECT_TRUE(sink.append(as_bytes("world")).ok());
  EXPECT_EQ(sink.byte_count(), 11U);
  ASSERT_TRUE(upload->commit().ok());
  const ObjectSource source(*objects_, name, 11);
  EXPECT_EQ(source.size(), 11U);
  std::string bytes(5, ' ');
  const std::span<uint8_t> into(reinterpret_cast<uint8_t*>(bytes.data()), bytes.size());
  EXPECT_TRUE(source.read(6, into).ok());
  EXPECT_EQ(bytes, "world");
  EXPECT_EQ(source.read(7, into).error().code(), Code::DataLoss);
  EXPECT_EQ(source.read(UINT64_MAX, into).error().code(), Code::DataLoss);
  EXPECT_EQ(ObjectSource(*objects_, name, 100).read(50, into).error().code(), Code::DataLoss) << "it is shorter";
  EXPECT_EQ(ObjectSource(*objects_, "gone", 11).read(6, into).error().code(), Code::NotFound);
}

}  // namespace
}  // namespace clew::store
