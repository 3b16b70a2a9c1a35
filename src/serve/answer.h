// SPDX-License-Identifier: Apache-2.0
//
// Answer sends what a question yields: a short answer in one piece with its length, a long one in pieces while it is
// being written, so that it is never in memory as a whole.
//
//   Answer answer(*exchange, "application/json");
//   answer.text() += "[";
//   render::write_otlp_json(trace, answer.sink());
//   answer.finish();
//
// One that is let go unfinished after pieces were sent breaks the connection; the reader must not take half for all.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "net/http_server.h"
#include "render/sink.h"

namespace clew::serve {

class Answer {
 public:
  Answer(net::HttpExchange& exchange, std::string content_type);

  // Before something is sent.
  void add_header(std::string name, std::string value) { headers_.emplace_back(std::move(name), std::move(value)); }
  // Gathered for the next piece; call pass_on() now and then.
  std::string& text() { return text_; }
  // False when the reader is gone.
  bool pass_on() { return text_.size() < render::kRunBytes || send(); }
  // Sends what was gathered at once, for who must not wait. False when the reader is gone.
  bool send();
  // Has something been sent already?
  bool begun() const { return begun_; }
  // Takes rendered text. Valid as long as the answer.
  const render::Sink& sink() const { return sink_; }
  void finish();

 private:
  net::HttpResponse head();

  net::HttpExchange& exchange_;
  std::string content_type_;
  net::HttpFields headers_;
  std::string text_;
  render::Sink sink_;
  bool begun_ = false;
  bool read_ = true;
};

}  // namespace clew::serve
