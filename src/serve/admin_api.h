// SPDX-License-Identifier: Apache-2.0
//
// What operators ask of the store: POST /clew/v1/admin/flush and /clew/v1/admin/compact, which answer when it is done,
// and GET /clew/v1/admin/storage. Each answers with what the store holds: docs/reference/api.md.
#pragma once

#include <string>

#include "net/http_message.h"
#include "store/store.h"

namespace clew::serve {

std::string storage_json(const store::StorageFigures& figures);

// Runs on a thread that may wait.
net::HttpResponse answer_flush(store::Store& store);
net::HttpResponse answer_compact(store::Store& store);
net::HttpResponse answer_storage(store::Store& store);

}  // namespace clew::serve
