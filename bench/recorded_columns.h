// SPDX-License-Identifier: Apache-2.0
//
// The recorded traffic (recorded_traffic.h) as the columns of the first row group of a block: traces by service, name
// and start, a trace's rows in the pre-order of its tree, attributes by key and type, their texts as codes of a
// dictionary where at most a quarter of them is distinct.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "block/page.h"

namespace clew::bench {

struct IntColumn {
  std::string name;
  std::vector<uint64_t> values;
  bool is_code = false;
};

struct TextColumn {
  std::string name;
  block::TextValues values;
};

struct RecordedColumns {
  std::vector<IntColumn> ints;
  std::vector<TextColumn> texts;
};

// Of at most `rows` rows. Empty if the recorded traffic is not there.
RecordedColumns recorded_columns(size_t rows);

}  // namespace clew::bench
