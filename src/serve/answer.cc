// SPDX-License-Identifier: Apache-2.0
#include "serve/answer.h"

namespace clew::serve {
Answer::Answer(net::HttpExchange& exchange, std::string content_type)
    : exchange_(exchange), content_type_(std::move(content_type)), sink_([this](std::string_view run) {
        text_ += run;
        return pass_on();
      }) {}

net::HttpResponse Answer::head() {
  net::HttpResponse head;
  head.content_type = content_type_;
  head.headers = std::move(headers_);
  head.headers.emplace_back("X-Content-Type-Options", "nosniff");
  head.headers.emplace_back("Cache-Control", "no-store");  // the next answer may be another
  return head;
}

bool Answer::send() {
  if (!begun_) exchange_.begin(head());
  begun_ = true;
  read_ = read_ && exchange_.write(std::exchange(text_, {}));
  return read_;
}

void Answer::finish() {
  if (begun_) {
    if (!text_.empty()) send();
    if (read_) exchange_.end();
    return;
  }
  net::HttpResponse response = head();
  response.body = std::move(text_);
  exchange_.respond(std::move(response));
}

}  // namespace clew::serve
