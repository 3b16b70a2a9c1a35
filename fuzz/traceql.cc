// SPDX-License-Identifier: Apache-2.0
//
// Any bytes are either a query or refused with a place inside the text. A query's canonical text is a query again, of
// an equal tree, and is its own canonical text.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "query/parse.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace clew;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const query::ParseResult parsed = query::parse(text);
  if (!parsed.ok()) {
    const query::ParseError& error = parsed.error();
    CHECK(error.offset <= text.size());
    CHECK(error.line >= 1 && error.column >= 1);
    CHECK(!error.message.empty());
    CHECK(!query::explain(error, text).empty());
    return 0;
  }
  const std::string canonical = query::to_string(parsed.query());
  // Escapes and blanks can make it longer than a text may be; then it has no way back.
  if (canonical.size() > query::kTextBytesMax) return 0;
  const query::ParseResult again = query::parse(canonical);
  CHECK(again.ok());
  CHECK(again.query() == parsed.query());
  CHECK(query::to_string(again.query()) == canonical);
  return 0;
}
