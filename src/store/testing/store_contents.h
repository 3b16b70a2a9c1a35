// SPDX-License-Identifier: Apache-2.0
//
// What a snapshot holds, as texts that can be compared, and whether it is what a snapshot promises to be.
#pragma once

#include <map>
#include <set>
#include <string>

#include "store/snapshot.h"

namespace clew::store::testing {

// Of distinct spans.
using Texts = std::set<std::string>;

void add_texts(const model::SpanBatch& batch, Texts& texts);

struct Contents {
  std::map<std::string, int> spans;  // how often each one is there
  uint64_t in_blocks = 0;
  uint64_t in_heads = 0;
  std::map<model::TraceId, int> places;  // heads and blocks with a part of it
};

// Fails the test where something cannot be read, where a head or a block has a span twice, or where a trace lies in
// several places and the snapshot does not say so.
Contents contents_of(const Snapshot& snapshot);

Texts texts_of(const Contents& contents);

}  // namespace clew::store::testing
