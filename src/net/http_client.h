// SPDX-License-Identifier: Apache-2.0
//
// HttpClient is for the commands that ask a running server: one request at a time over one connection, which is kept
// and reopened when the server has closed it. Plain HTTP/1.1 only.
//
//   HttpClient client = TRY(HttpClient::to("http://127.0.0.1:16686"));
//   HttpAnswer answer = TRY(client.get("/clew/v1/search?q=%7B%7D"));
//   if (answer.status != 200) ...
//
// An answer of any status is a value; an Error means that there is none (Unavailable: nobody listens or the connection
// broke; DeadlineExceeded; ResourceExhausted: the answer is larger than the limit; InvalidArgument: the URL).
//
// Threads: one at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/http_message.h"

namespace clew::net {

struct HttpAnswer {
  int status = 0;
  HttpFields headers;  // as sent
  std::string body;

  // The value of the first header of that name, whatever its case, or "".
  std::string_view header(std::string_view name) const;
};

class HttpClient {
 public:
  struct Options {
    std::chrono::milliseconds timeout{30'000};  // of one exchange, connecting included
    uint64_t answer_bytes_max = 256 << 20;      // what is larger is read in pages
  };

  // `url` is http://host[:port][/prefix]; the prefix is put in front of every target. Does not connect yet.
  static Result<HttpClient> to(std::string_view url, const Options& options);
  static Result<HttpClient> to(std::string_view url) { return to(url, Options{}); }
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  // `target` is a path with its query, already percent-encoded.
  Result<HttpAnswer> get(std::string_view target, const HttpFields& headers = {});
  Result<HttpAnswer> post(std::string_view target, std::string_view body, std::string_view content_type,
                          const HttpFields& headers = {});
  // Any method; `body` may be empty.
  Result<HttpAnswer> request(std::string_view method, std::string_view target, std::string_view body,
                             const HttpFields& headers);

 private:
  struct State;
  explicit HttpClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace clew::net
