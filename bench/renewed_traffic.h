// SPDX-License-Identifier: Apache-2.0
//
// The recorded traffic again and again, as much of it as a benchmark wants: each round has other ids, is later, and has
// other values where a value is an id of some kind (UUIDs, hexadecimal numbers), because a repetition of the same
// values would flatter.
#pragma once

#include <cstdint>
#include <functional>

#include "base/clock.h"
#include "model/span_batch.h"

namespace clew::bench {

// Calls visit(request, received) for requests of about `request_spans` spans until there are `spans` of them.
void for_each_renewed_request(size_t spans, size_t request_spans,
                              const std::function<void(const model::SpanBatch& request, UnixNanos received)>& visit);

}  // namespace clew::bench
