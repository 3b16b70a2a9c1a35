// SPDX-License-Identifier: Apache-2.0
#include "app/export_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <optional>

#include "app/end_signals.h"
#include "app/search_table.h"
#include "app/status_line.h"
#include "file/output_file.h"
#include "platform/system_clock.h"
#include "query/parse.h"
#include "serve/time_range.h"

namespace clew::app {
namespace {

constexpr std::string_view kJsonBegin = "{\"resourceSpans\":[";
constexpr std::string_view kJsonEnd = "]}";

// A server that is busy is asked again so often.
constexpr uint32_t kAttemptsMax = 20;
constexpr uint64_t kPauseNanos = kNanosPerSecond;

bool is_json(ExportFormat format) { return format == ExportFormat::JsonLines || format == ExportFormat::Json; }

class Export {
 public:
  Export(const ExportCommand& command, ServerClient client, file::OutputFile out)
      : command_(command),
        clock_(platform::system_clock()),
        client_(std::move(client)),
        out_(std::move(out)),
        status_(clock_) {}

  Result<bool> run() {
    TRY(fix_times());
    if (command_.format == ExportFormat::Json) TRY(out_.write(kJsonBegin));
    std::string token;
    do {
      std::string target = "/clew/v1/search?spss=0";
      add_parameter(target, "q", command_.query);
      add_parameter(target, "from", from_);
      add_parameter(target, "to", to_);
      add_parameter(target, "limit", std::to_string(page_limit()));
      add_parameter(target, "token", token);
      const std::string body = TRY(explained(get(target)));
      const SearchTable page = TRY(search_table(body, render::Charset::Utf8));
      if (!page.reason.empty()) incomplete("the search is incomplete: " + page.reason);
      for (const std::string& id : page.trace_ids) {
        TRY(write_trace(id));
        status_.show(fmt::format("{} traces, {} MiB", traces_, bytes_ >> 20));
        if (signals_.wait_for(0)) return Error(Code::Cancelled, "stopped");
      }
      token = page.next_token;
    } while (!token.empty() && (command_.limit == 0 || asked_ < command_.limit));
    if (command_.format == ExportFormat::Json) TRY(out_.write(kJsonEnd));
    if (command_.format == ExportFormat::Json) TRY(out_.write("\n"));
    TRY(out_.finish());
    status_.end();
    fmt::print(stderr, "{} traces exported\n", traces_);
    return complete_;
  }

 private:
  // A page's token is bound to the time range, so "an hour ago" must be the same moment for every page.
  Result<void> fix_times() {
    const UnixNanos now = clock_.now();
    const auto fixed = [&](std::string_view name, const std::string& text) -> Result<std::string> {
      if (text.empty()) return std::string();
      const std::optional<UnixNanos> time = serve::parse_time(text, now);
      if (!time) return Error(Code::InvalidArgument, fmt::format("{} '{}' is no time", name, text));
      return std::to_string(*time);
    };
    from_ = TRY(fixed("--from", command_.from));
    to_ = TRY(fixed("--to", command_.to));
    if (!command_.since.empty()) {
      const std::optional<uint64_t> since = serve::parse_duration(command_.since);
      if (!since) return Error(Code::InvalidArgument, fmt::format("--since '{}' is no duration", command_.since));
      from_ = std::to_string(now - std::min(now, *since));
    }
    return {};
  }

  uint64_t page_limit() const {
    return command_.limit == 0 ? kExportPage : std::min<uint64_t>(kExportPage, command_.limit - asked_);
  }

  Result<std::string> get(const std::string& target) {
    for (uint32_t attempt = 1;; ++attempt) {
      Result<std::string> body = client_.get(target);
      const bool busy = !body.ok() && body.error().code() == Code::Unavailable && reached_;
      if (!busy || attempt == kAttemptsMax || signals_.wait_for(kPauseNanos)) {
        reached_ |= body.ok();
        return body;
      }
    }
  }

  // The server's refusal of the query, in the client's own words with a line that shows the place.
  Result<std::string> explained(Result<std::string> body) const {
    if (body.ok() || body.error().code() != Code::InvalidArgument) return body;
    const query::ParseResult parsed = query::parse(command_.query);
    if (parsed.ok()) return body;
    return Error(Code::InvalidArgument, query::explain(parsed.error(), command_.query));
  }

  Result<void> write_trace(const std::string& id) {
    ++asked_;
    std::string target = "/clew/v1/traces/" + id;
    add_parameter(target, "format", is_json(command_.format) ? "otlp" : "protobuf");
    const Result<std::string> trace = get(target);
    if (!trace.ok()) {
      // Retention may take a trace between the search and this; a trace may be too large for an answer.
      const Code code = trace.error().code();
      if (code != Code::NotFound && code != Code::ResourceExhausted) return trace.error();
      incomplete(fmt::format("trace {}: {}", id, trace.error().what()));
      return {};
    }
    std::string_view body = *trace;
    if (command_.format == ExportFormat::Json) {
      if (!body.starts_with(kJsonBegin) || !body.ends_with(kJsonEnd))
        return Error(Code::Unknown, "the server's answer is not a trace in OTLP JSON");
      body.remove_prefix(kJsonBegin.size());
      body.remove_suffix(kJsonEnd.size());
      if (traces_ > 0) TRY(out_.write(","));
    }
    if (command_.format == ExportFormat::Frames) {
      const auto size = static_cast<uint32_t>(body.size());
      for (const int shift : {24, 16, 8, 0}) {
        const char byte = static_cast<char>(size >> shift);
        TRY(out_.write({&byte, 1}));
      }
    }
    TRY(out_.write(body));
    if (command_.format == ExportFormat::JsonLines) TRY(out_.write("\n"));
    ++traces_;
    bytes_ += body.size();
    return {};
  }

  void incomplete(const std::string& why) {
    status_.end();
    complete_ = false;
    fmt::print(stderr, "clew: {}\n", why);
  }

  const ExportCommand& command_;
  const Clock& clock_;
  const EndSignals signals_;
  ServerClient client_;
  file::OutputFile out_;
  StatusLine status_;
  std::string from_;
  std::string to_;
  bool reached_ = false;
  bool complete_ = true;
  uint64_t asked_ = 0;
  uint64_t traces_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace

Result<bool> export_traces(const ExportCommand& command) {
  const bool to_terminal = command.output.empty() && isatty(STDOUT_FILENO) == 1;
  if (to_terminal && !is_json(command.format))
    return Error(Code::InvalidArgument, "protobuf is not for a terminal; --output FILE, or a pipe");
  ServerClient client = TRY(ServerClient::to(command.server));
  return Export(command, std::move(client), TRY(file::OutputFile::create(command.output))).run();
}

}  // namespace clew::app
