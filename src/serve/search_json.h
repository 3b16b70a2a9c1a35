// SPDX-License-Identifier: Apache-2.0
//
// A search's answer as the JSON of the native API, in one piece or in lines (NDJSON) that are sent as the search goes
// on; docs/reference/api.md describes both.
#pragma once

#include <cstdint>
#include <string>

#include "codec/json_writer.h"
#include "scan/search.h"

namespace clew::serve {

// Whether the answer is whole, the next page's token and what was looked at: the members behind the results.
void write_end(codec::JsonWriter& json, const scan::SearchAnswer& answer, uint64_t elapsed_nanos);

void append_search_json(std::string& out, const scan::SearchAnswer& answer, uint64_t elapsed_nanos);

// {"trace":…}, {"progress":…} and {"end":…}, each with its line break.
void append_trace_lines(std::string& out, const scan::SearchAnswer& answer);
void append_progress_line(std::string& out, const scan::SearchAnswer& answer);
void append_end_line(std::string& out, const scan::SearchAnswer& answer, uint64_t elapsed_nanos);

}  // namespace clew::serve
