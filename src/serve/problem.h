// SPDX-License-Identifier: Apache-2.0
//
// Errors of the native API as problem documents (RFC 9457, application/problem+json): type, title, status, detail, and
// for a query that is none also line, column, expected and hint.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http_message.h"
#include "query/parse.h"

namespace clew::serve {

net::HttpResponse problem(int status, std::string_view detail);
net::HttpResponse problem(const Error& error);
net::HttpResponse query_problem(const query::ParseError& error);

}  // namespace clew::serve
