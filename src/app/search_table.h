// SPDX-License-Identifier: Apache-2.0
//
// The JSON answer of /clew/v1/search as a table for a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "render/terminal_text.h"

namespace clew::app {

struct SearchTable {
  std::vector<std::string> trace_ids;
  std::string text;        // one line a trace, under a line of headings
  std::string next_token;  // empty: these were all
  std::string reason;      // why the answer is incomplete; empty: it is complete
};

// InvalidArgument if `json` is not an answer to a search.
Result<SearchTable> search_table(std::string_view json, render::Charset charset);

}  // namespace clew::app
