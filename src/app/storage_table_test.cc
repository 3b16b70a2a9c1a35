// SPDX-License-Identifier: Apache-2.0
//
// The table of `clew admin storage`: what a real answer looks like, and that what is no answer is refused.
#include "app/storage_table.h"

#include <gtest/gtest.h>

#include "serve/admin_api.h"

namespace clew::app {
namespace {

store::StorageFigures some_figures() {
  store::TenantFigures tenant;
  tenant.tenant = "shop";
  tenant.levels = {{.level = 0, .blocks = 2, .spans = 1000, .bytes = 30'000},
                   {.level = 1, .blocks = 1, .spans = 4000, .bytes = 100 << 20}};
  tenant.head_spans = 7;
  tenant.head_bytes = 2100;
  tenant.spans_removed_by_retention = 12;
  store::StorageFigures figures;
  figures.tenants = {tenant};
  figures.journal_bytes = 8192;
  figures.seals = 3;
  figures.sealed_bytes = 1000;
  figures.compacted_bytes = 500;
  return figures;
}

TEST(StorageTable, ShowsEveryLevelOfEveryTenant) {
  const auto table = storage_table(serve::storage_json(some_figures()));
  ASSERT_TRUE(table.ok()) << table.error().what();
  for (const char* part : {"shop", "memory", "300.0", "level 0", "30.0", "level 1", "100.0 MiB", "journal 8.0 KiB",
                           "removed by retention: 12 spans", "write amplification 1.50"})
    EXPECT_NE(table->find(part), std::string::npos) << part << " is not in\n" << *table;
  EXPECT_EQ(table->find("set aside"), std::string::npos);
}

TEST(StorageTable, RefusesWhatIsNoAnswer) {
  for (const char* text : {"", "{", "[]", "{}", R"({"tenants":3})"})
    EXPECT_EQ(storage_table(text).error().code(), Code::InvalidArgument) << text;
}

}  // namespace
}  // namespace clew::app
