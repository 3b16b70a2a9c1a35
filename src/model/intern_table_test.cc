// SPDX-License-Identifier: Apache-2.0
//
// Equal texts get equal numbers, numbers count up from zero, and what was handed out stays where it is while the table
// grows through every size of its chunks and slots.
#include "model/intern_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace clew::model {
namespace {

TEST(InternTable, NumberZeroIsTheEmptyText) {
  InternTable table;
  EXPECT_EQ(table.size(), 1u);
  EXPECT_EQ(table.intern(""), InternTable::kEmpty);
  EXPECT_EQ(table.at(InternTable::kEmpty), "");
  EXPECT_EQ(table.find("x"), std::nullopt);
}

TEST(InternTable, AgreesWithAMap) {
  std::mt19937 random(7);
  InternTable table;
  std::map<std::string, InternTable::Id> expected = {{"", 0}};
  std::vector<std::string_view> views = {table.at(0)};
  for (int i = 0; i < 50'000; ++i) {
    const size_t length = i % 1000 == 0 ? 2'000'000 : random() % 24;
    std::string text(length, static_cast<char>('a' + random() % 4));
    for (size_t k = 0; k < std::min<size_t>(length, 6); ++k) text[k] = static_cast<char>('a' + random() % 8);
    const InternTable::Id id = table.intern(text);
    const auto [entry, is_new] = expected.try_emplace(text, static_cast<InternTable::Id>(expected.size()));
    ASSERT_EQ(id, entry->second);
    if (is_new) views.push_back(table.at(id));
  }
  ASSERT_EQ(table.size(), expected.size());
  for (const auto& [text, id] : expected) {
    ASSERT_EQ(table.find(text), id);
    ASSERT_EQ(views[id], text);
    ASSERT_EQ(table.at(id).data(), views[id].data());
    ASSERT_EQ(reinterpret_cast<uintptr_t>(table.at(id).data()) % 4, 0u);
  }
}

TEST(InternTable, AsksOnlyAboutNewTexts) {
  InternTable table;
  int asked = 0;
  const auto accept = [&](std::string_view text) { return ++asked, text != "bad"; };
  EXPECT_EQ(table.intern_if("good", accept), 1u);
  EXPECT_EQ(table.intern_if("good", accept), 1u);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(table.intern_if("bad", accept), std::nullopt);
  EXPECT_EQ(table.size(), 2u);
}

TEST(InternTable, AnUnseenTextHasANumberOfItsOwnAndIsNotFound) {
  InternTable table;
  const InternTable::Id known = table.intern("known");
  std::map<InternTable::Id, std::string> unseen;
  for (int i = 0; i < 5000; ++i) {
    const std::string text = i % 3 == 0 ? "known" : "text " + std::to_string(i % 100);
    const InternTable::Id id = table.add_unseen(text);
    EXPECT_TRUE(unseen.emplace(id, text).second);
    if (i % 5 == 0) table.intern("other " + std::to_string(i));
  }
  for (const auto& [id, text] : unseen) EXPECT_EQ(table.at(id), text);
  EXPECT_EQ(table.find("known"), known);
  EXPECT_EQ(table.find("text 7"), std::nullopt);
  const InternTable::Id found = table.intern("text 7");
  EXPECT_FALSE(unseen.contains(found));
  EXPECT_EQ(table.find("text 7"), found);
  EXPECT_TRUE(table.find("other 4995").has_value());
}

}  // namespace
}  // namespace clew::model
