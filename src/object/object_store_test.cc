// SPDX-License-Identifier: Apache-2.0
//
// One suite for every ObjectStore: what its header promises, whoever keeps it. Loss of power is
// local_folder_durability_test.cc's.
#include "object/object_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include "object/local_folder.h"
#include "platform/real_file_system.h"
#include "platform/testing/faulty_file_system.h"

namespace clew::object {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Keeps a store and what lies under it.
class Home {
 public:
  Home() = default;
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;
  virtual ~Home() = default;
  virtual ObjectStore& store() = 0;
};

class RealHome final : public Home {
 public:
  RealHome() {
    std::string pattern = testing::TempDir() + "clew_objects_XXXXXX";
    CHECK(::mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    store_ = MUST(open_local_folder(platform::real_file_system(), folder_ + "/data/objects"));  // a new folder
  }
  ~RealHome() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  ObjectStore& store() override { return *store_; }

 private:
  std::string folder_;
  std::unique_ptr<ObjectStore> store_;
};

class MemoryHome final : public Home {
 public:
  MemoryHome() { store_ = MUST(open_local_folder(files_, "data/objects")); }  // no faults are planned
  ObjectStore& store() override { return *store_; }

 private:
  platform::FaultyFileSystem files_{1};
  std::unique_ptr<ObjectStore> store_;
};

struct Implementation {
  const char* name;
  std::unique_ptr<Home> (*make)();
};

class ObjectStoreTest : public testing::TestWithParam<Implementation> {
 protected:
  ObjectStore& store() { return home_->store(); }

  Result<void> put(const std::string& name, std::string_view bytes) {
    return store().put_if_absent(name, as_bytes(bytes));
  }
  std::vector<std::string> names(const std::string& prefix, const std::string& after = "") {
    std::vector<std::string> names;
    for (Listed& listed : MUST(store().list(prefix, after))) names.push_back(std::move(listed.name));
    return names;
  }
  Result<std::string> read(const std::string& name, uint64_t offset, size_t bytes) {
    std::string content(bytes, '\0');
    TRY(store().read(name, offset, {reinterpret_cast<uint8_t*>(content.data()), bytes}));
    return content;
  }

 private:
  std::unique_ptr<Home> home_ = GetParam().make();
};

INSTANTIATE_TEST_SUITE_P(
    Every, ObjectStoreTest,
    testing::Values(Implementation{"folder", [] { return std::unique_ptr<Home>(std::make_unique<RealHome>()); }},
                    Implementation{"memory", [] { return std::unique_ptr<Home>(std::make_unique<MemoryHome>()); }}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_P(ObjectStoreTest, WhatIsPutIsGot) {
  EXPECT_TRUE(put("tenants/a/blocks/1", "hello").ok());
  EXPECT_TRUE(put("tenants/a/blocks/2", "").ok());
  EXPECT_TRUE(put("top", "level").ok());
  EXPECT_EQ(MUST(store().get("tenants/a/blocks/1")), "hello");
  EXPECT_EQ(MUST(store().get("tenants/a/blocks/2")), "");
  EXPECT_EQ(MUST(store().get("top")), "level");
  EXPECT_GT(MUST(store().free_space()), 0U);
}

TEST_P(ObjectStoreTest, ANameIsTakenOnce) {
  EXPECT_TRUE(put("a/b", "first").ok());
  EXPECT_EQ(put("a/b", "second").error().code(), Code::AlreadyExists);
  auto upload = MUST(store().upload("a/b"));
  EXPECT_TRUE(upload->append(as_bytes("third")).ok());
  EXPECT_EQ(upload->commit().error().code(), Code::AlreadyExists);
  EXPECT_FALSE(upload->append(as_bytes("more")).ok()) << "it is spent";
  EXPECT_FALSE(upload->commit().ok());
  EXPECT_EQ(MUST(store().get("a/b")), "first");
}

TEST_P(ObjectStoreTest, WhatIsNotThereIsNotFound) {
  ASSERT_TRUE(put("a/b", "x").ok());
  for (const char* name : {"nothing", "a", "a/c", "a/b/c", "b/c/d"}) {
    EXPECT_EQ(store().get(name).error().code(), Code::NotFound) << name;
    EXPECT_EQ(read(name, 0, 1).error().code(), Code::NotFound) << name;
    EXPECT_EQ(store().read_end(name, 1).error().code(), Code::NotFound) << name;
    EXPECT_TRUE(store().remove(name).ok()) << name;
  }
  EXPECT_EQ(MUST(store().get("a/b")), "x");
}

TEST_P(ObjectStoreTest, RangesAreReadAndEndWithTheObject) {
  ASSERT_TRUE(put("a", "0123456789").ok());
  EXPECT_EQ(MUST(read("a", 0, 10)), "0123456789");
  EXPECT_EQ(MUST(read("a", 3, 4)), "3456");
  EXPECT_EQ(MUST(read("a", 10, 0)), "");
  EXPECT_EQ(read("a", 3, 8).error().code(), Code::DataLoss);
  EXPECT_EQ(read("a", 1000, 1).error().code(), Code::DataLoss);
  const Tail tail = MUST(store().read_end("a", 4));
  EXPECT_EQ(tail.bytes, "6789");
  EXPECT_EQ(tail.object_bytes, 10U);
  EXPECT_EQ(MUST(store().read_end("a", 0)).bytes, "");
  EXPECT_EQ(MUST(store().read_end("a", UINT64_MAX)).bytes, "0123456789");
}

TEST_P(ObjectStoreTest, AnUploadAppearsWholeOrNotAtAll) {
  std::mt19937_64 random(7);
  std::string all;
  {
    auto upload = MUST(store().upload("blocks/1"));
    auto abandoned = MUST(store().upload("blocks/2"));
    for (int i = 0; i < 60; ++i) {
      // Pieces that are gathered, pieces that are written at once, and none.
      std::string piece(random() % (i % 9 == 0 ? 700'000 : i % 7 == 0 ? 1 : 9000), '\0');
      for (char& c : piece) c = static_cast<char>(random());
      ASSERT_TRUE(upload->append(as_bytes(piece)).ok());
      ASSERT_TRUE(abandoned->append(as_bytes(piece)).ok());
      all += piece;
    }
    EXPECT_EQ(store().get("blocks/1").error().code(), Code::NotFound);
    EXPECT_THAT(names(""), IsEmpty());
    EXPECT_TRUE(upload->commit().ok());
  }
  EXPECT_TRUE(MUST(store().get("blocks/1")) == all);
  EXPECT_THAT(names(""), ElementsAre("blocks/1"));
  EXPECT_EQ(MUST(store().list("", ""))[0].bytes, all.size());
  EXPECT_TRUE(MUST(store().upload("blocks/3"))->commit().ok()) << "nothing was appended";
  EXPECT_EQ(MUST(store().get("blocks/3")), "");
}

TEST_P(ObjectStoreTest, SmallMeansSmall) {
  const std::string large(kSmallObjectBytesMax + 1, 'x');
  EXPECT_EQ(put("a", large).error().code(), Code::ResourceExhausted);
  auto upload = MUST(store().upload("a"));
  ASSERT_TRUE(upload->append(as_bytes(large)).ok());
  ASSERT_TRUE(upload->commit().ok());
  EXPECT_EQ(store().get("a").error().code(), Code::ResourceExhausted);
  EXPECT_EQ(MUST(store().read_end("a", 3)).object_bytes, large.size());
}

TEST_P(ObjectStoreTest, RemovedIsGoneAndTheNameIsFree) {
  ASSERT_TRUE(put("a/b", "old").ok());
  EXPECT_EQ(MUST(read("a/b", 0, 3)), "old");
  EXPECT_TRUE(store().remove("a/b").ok());
  EXPECT_TRUE(store().remove("a/b").ok());
  EXPECT_EQ(read("a/b", 0, 3).error().code(), Code::NotFound) << "also where the file was kept open";
  EXPECT_EQ(store().read_end("a/b", 3).error().code(), Code::NotFound);
  EXPECT_THAT(names(""), IsEmpty());
  EXPECT_TRUE(put("a/b", "new").ok());
  EXPECT_EQ(MUST(read("a/b", 0, 3)), "new");
}

TEST_P(ObjectStoreTest, NamesThatAreNoneAreRefused) {
  const std::string long_part(200, 'x');
  std::string long_name = long_part;
  while (long_name.size() <= kNameCharactersMax) long_name += "/" + long_part;
  for (const std::string& name : {std::string(),
                                  std::string("/"),
                                  std::string("/a"),
                                  std::string("a/"),
                                  std::string("a//b"),
                                  std::string("."),
                                  std::string(".."),
                                  std::string("a/.."),
                                  std::string("../a"),
                                  std::string("a/../b"),
                                  std::string("a/./b"),
                                  std::string(".incomplete"),
                                  std::string(".incomplete/0"),
                                  std::string("a b"),
                                  std::string("a\\b"),
                                  std::string("a\0b", 3),
                                  std::string("a\n"),
                                  std::string("tenants/\xc3\xa4/b"),
                                  long_part + "x",
                                  long_name}) {
    EXPECT_FALSE(is_object_name(name)) << name;
    EXPECT_EQ(put(name, "x").error().code(), Code::InvalidArgument) << name;
    EXPECT_FALSE(store().upload(name).ok()) << name;
    EXPECT_EQ(store().get(name).error().code(), Code::InvalidArgument) << name;
    EXPECT_EQ(read(name, 0, 1).error().code(), Code::InvalidArgument) << name;
    EXPECT_EQ(store().read_end(name, 1).error().code(), Code::InvalidArgument) << name;
    EXPECT_EQ(store().remove(name).error().code(), Code::InvalidArgument) << name;
  }
  // What a tenant may be called.
  for (const std::string& name : {std::string("tenants/.incomplete/b"), std::string("tenants/.../b"),
                                  std::string("tenants/-/b"), "tenants/" + long_part + "/b", std::string("a.b-c_D9")}) {
    EXPECT_TRUE(put(name, name).ok()) << name;
    EXPECT_EQ(MUST(store().get(name)), name);
  }
  EXPECT_THAT(names("tenants/.i"), ElementsAre("tenants/.incomplete/b"));
  // A prefix is not a name and finds what it finds.
  for (const char* prefix : {"/", "//", "..", "../", ".incomplete/", "a/../", "a.b-c_D9/", "tenants//"})
    EXPECT_THAT(names(prefix), IsEmpty()) << prefix;
}

TEST_P(ObjectStoreTest, AListIsInByteOrderOfWholeNamesWhateverThePrefixAndPlace) {
  std::mt19937_64 random(std::random_device{}());
  const uint64_t seed = random();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  random.seed(seed);
  // Letters around '/' in byte order, so that folders and their neighbours stand close.
  const auto letters = [&] {
    std::string part;
    for (size_t count = 1 + random() % 2; count > 0; --count) part += "a-.0B"[random() % 5];
    return part;
  };
  std::map<std::string, std::string> expected;
  for (int i = 0; i < 120; ++i) {
    std::string name = letters();
    while (random() % 5 < 3) name += "/" + letters();
    if (!is_object_name(name)) continue;
    bool stands_above_or_below = false;
    for (const auto& [other, bytes] : expected)
      stands_above_or_below |= other.starts_with(name + "/") || name.starts_with(other + "/");
    if (stands_above_or_below) continue;
    EXPECT_EQ(put(name, name + name).ok(), expected.emplace(name, name + name).second);
  }
  ASSERT_GT(expected.size(), 10U);
  for (int i = 0; i < 400; ++i) {
    std::string any = std::next(expected.begin(), static_cast<ptrdiff_t>(random() % expected.size()))->first;
    const std::string prefix = any.substr(0, random() % (any.size() + 1));
    any = std::next(expected.begin(), static_cast<ptrdiff_t>(random() % expected.size()))->first;
    const std::string after = random() % 3 == 0 ? letters() : any.substr(0, random() % (any.size() + 1));
    std::vector<std::string> wanted;
    for (const auto& [name, bytes] : expected)
      if (name.starts_with(prefix) && name > after) wanted.push_back(name);
    EXPECT_EQ(names(prefix, after), wanted) << "prefix " << prefix << " after " << after;
  }
  for (const Listed& listed : MUST(store().list("", "")))
    EXPECT_EQ(listed.bytes, expected.at(listed.name).size()) << listed.name;
}

TEST_P(ObjectStoreTest, ManyAreListedInPagesAndReadInTurn) {
  static_assert(kListMax > kOpenFilesMax);
  std::vector<std::string> all;
  for (size_t i = 0; i < kListMax + 7; ++i) {
    all.push_back("p/" + std::to_string(1000 + i % 3) + "/" + std::to_string(100'000 + i));
    ASSERT_TRUE(put(all.back(), all.back()).ok());
  }
  std::mt19937_64 random(3);
  for (size_t turn = 0; turn < 3000; ++turn) {
    const std::string& name = all[random() % all.size()];
    ASSERT_EQ(MUST(store().read_end(name, 100)).bytes, name);
  }
  std::sort(all.begin(), all.end());
  std::vector<std::string> seen = names("p/");
  ASSERT_EQ(seen.size(), kListMax);
  for (std::string& name : names("p/", seen.back())) seen.push_back(std::move(name));
  EXPECT_EQ(seen, all);
}

TEST_P(ObjectStoreTest, OfManyWhoPutOneWinsAndNobodySeesAHalf) {
  constexpr int kNames = 40;
  constexpr int kWriters = 4;
  const auto content = [](int writer) { return std::string(3000, static_cast<char>('a' + writer)); };
  std::vector<std::atomic<int>> winners(kNames);
  std::vector<std::atomic<int>> winner(kNames);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  threads.reserve(kWriters + 1);
  for (int writer = 0; writer < kWriters; ++writer)
    threads.emplace_back([&, writer] {
      for (int i = 0; i < kNames; ++i) {
        const Result<void> done = put("race/" + std::to_string(i / 8) + "/" + std::to_string(i), content(writer));
        if (done.ok()) {
          ++winners[static_cast<size_t>(i)];
          winner[static_cast<size_t>(i)] = writer;
        } else if (done.error().code() != Code::AlreadyExists) {
          ++wrong;
        }
      }
    });
  threads.emplace_back([&] {
    for (int i = 0; i < 400; ++i) {
      const auto page = store().list("race/", "");
      wrong += page.ok() ? 0 : 1;
      for (const Listed& listed : page.value()) wrong += listed.bytes == 3000 ? 0 : 1;
      const auto tail = store().read_end("race/0/" + std::to_string(i % 8), 4000);
      if (tail.ok()) wrong += tail->bytes == content(tail->bytes[0] - 'a') ? 0 : 1;
    }
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  for (int i = 0; i < kNames; ++i) {
    EXPECT_EQ(winners[static_cast<size_t>(i)], 1);
    EXPECT_EQ(MUST(store().get("race/" + std::to_string(i / 8) + "/" + std::to_string(i))),
              content(winner[static_cast<size_t>(i)]));
  }
}

}  // namespace
}  // namespace clew::object
