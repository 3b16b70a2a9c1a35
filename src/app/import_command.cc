// SPDX-License-Identifier: Apache-2.0
//
// Spans are gathered over the parts of the files into requests. With --now the files are read twice: the first time for
// the end of the newest span.
#include "app/import_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>

#include "app/end_signals.h"
#include "app/status_line.h"
#include "decode/otlp/encode.h"
#include "file/otlp_file.h"
#include "platform/system_clock.h"
#include "render/terminal_text.h"
#include "transfer/sender.h"

namespace clew::app {
namespace {

using file::OtlpFile;
using model::SpanBatch;

constexpr UnixNanos kYear2000 = 946'684'800 * kNanosPerSecond;
constexpr UnixNanos kYear2100 = 4'102'444'800 * kNanosPerSecond;

// A time that says something about when the trace was, rather than that nobody knew.
bool is_dated(UnixNanos time) { return time >= kYear2000 && time < kYear2100; }

std::string harmless(std::string_view text) { return render::harmless(text, render::Charset::Utf8); }

void move_times(SpanBatch& spans, uint64_t shift) {
  const auto move = [&](UnixNanos& time) { time += is_dated(time) ? shift : 0; };
  for (size_t row = 0; row < spans.span_count(); ++row) {
    move(spans.start[row]);
    move(spans.end[row]);
  }
  for (size_t event = 0; event < spans.events.size(); ++event) move(spans.events[event].time);
}

class Import {
 public:
  Import(const ImportCommand& command, transfer::Sender sender)
      : command_(command), clock_(platform::system_clock()), sender_(std::move(sender)), status_(clock_) {}

  Result<bool> run() {
    if (command_.now) TRY(find_newest());
    const uint64_t begin = clock_.monotonic_nanos();
    for (const std::string& path : command_.files)
      if (!stop_) read_file(path);
    while (!stop_ && gathered_.span_count() > 0) send_gathered();
    status_.end();
    const double seconds = static_cast<double>(clock_.monotonic_nanos() - begin) / kNanosPerSecond;
    report(seconds);
    if (stop_) return *stop_;
    return problems_ == 0 && refused_.empty() && not_acknowledged_ == 0;
  }

 private:
  Result<void> find_newest() {
    UnixNanos newest = 0;
    for (const std::string& path : command_.files) {
      if (path == "-") return Error(Code::InvalidArgument, "--now reads twice, which standard input cannot");
      Result<OtlpFile> file = OtlpFile::open(path);
      if (!file.ok()) continue;  // said when it is read again
      for (OtlpFile::Part part = file->next(); part.kind != OtlpFile::Kind::End; part = file->next()) {
        for (size_t row = 0; row < part.spans.span_count(); ++row)
          if (is_dated(part.spans.end[row])) newest = std::max(newest, part.spans.end[row]);
        status_.show(fmt::format("looking for the newest span: {}", place_in(*file)));
        if (signals_.wait_for(0)) return Error(Code::Cancelled, "stopped");
      }
    }
    if (newest != 0) shift_ = clock_.now() - newest;
    return {};
  }

  void read_file(const std::string& path) {
    Result<OtlpFile> file = OtlpFile::open(path);
    if (!file.ok()) return problem(file.error().what());
    uint64_t spans = 0;
    uint64_t problems = 0;
    for (OtlpFile::Part part = file->next(); part.kind != OtlpFile::Kind::End && !stop_; part = file->next()) {
      if (part.kind != OtlpFile::Kind::Spans) {
        ++problems;
        problem(fmt::format("{}: {}: {}{}", path, part.place, part.problem,
                            part.kind == OtlpFile::Kind::Broken ? "; the rest is not read" : ""));
        continue;
      }
      if (part.verdict.rejected > 0)
        refuse(part.verdict.rejected, fmt::format("{}: {}: {}", path, part.place, part.verdict.reason));
      spans += part.spans.span_count() + part.verdict.rejected;
      read_ += part.spans.span_count() + part.verdict.rejected;
      if (shift_) move_times(part.spans, *shift_);
      gathered_.append(part.spans);
      while (!stop_ && gathered_.span_count() - sent_rows_ >= command_.batch) send_gathered();
      status_.show(fmt::format("{}  {} spans", place_in(*file), read_));
      if (signals_.wait_for(0)) stop_ = Error(Code::Cancelled, "stopped");
    }
    if (spans == 0 && problems == 0 && !stop_) problem(path + ": holds no spans");
  }

  // One request of what is gathered; gives the memory back when all of it is sent.
  void send_gathered() {
    size_t end = std::min(sent_rows_ + command_.batch, gathered_.span_count());
    std::string request = decode::otlp::encode_traces_protobuf(gathered_, sent_rows_, end);
    while (request.size() > kImportRequestBytesMax && end - sent_rows_ > 1) {
      end = sent_rows_ + (end - sent_rows_) / 2;
      request = decode::otlp::encode_traces_protobuf(gathered_, sent_rows_, end);
    }
    send(request, end - sent_rows_);
    sent_rows_ = end;
    if (sent_rows_ == gathered_.span_count()) {
      gathered_ = SpanBatch();
      sent_rows_ = 0;
    }
  }

  void send(const std::string& request, uint64_t spans) {
    bool interrupted = false;
    const transfer::Wait wait = [&](uint64_t nanos) {
      status_.show(fmt::format("{} takes no spans just now; trying again in {:.1f} s", command_.target,
                               static_cast<double>(nanos) / kNanosPerSecond));
      interrupted = signals_.wait_for(nanos).has_value();
      return !interrupted;
    };
    const transfer::Receipt receipt = transfer::deliver([&] { return sender_.send(request); }, patience_, wait);
    if (receipt.accepted()) {
      const uint64_t rejected = std::min(receipt.rejected_spans, spans);
      acknowledged_ += spans - rejected;
      if (rejected > 0) refuse(rejected, "the server: " + harmless(receipt.message));
      return;
    }
    const std::string why = fmt::format("{} {}", receipt.refusal, harmless(receipt.message));
    if (!receipt.retryable) {
      refuse(spans, "the server: " + why);
      // Wrong door, tenant or size: the next request would fare no better.
      if (acknowledged_ == 0)
        stop_ = Error(Code::FailedPrecondition, fmt::format("{} refused: {}", command_.target, why));
      return;
    }
    not_acknowledged_ += spans;
    if (interrupted) {
      stop_ = Error(Code::Cancelled, "stopped");
    } else {
      stop_ = Error(Code::Unavailable, fmt::format("{}: {}{}", command_.target, why,
                                                   patience_.reached ? "" : "; is `clew serve` running?"));
    }
  }

  void problem(const std::string& what) {
    status_.end();
    ++problems_;
    if (problems_ <= kProblemsShownMax) fmt::print(stderr, "clew: {}\n", harmless(what));
    if (problems_ == kProblemsShownMax) fmt::print(stderr, "clew: more such problems are only counted\n");
  }

  void refuse(uint64_t spans, const std::string& why) {
    // Bounded: reasons name places and texts that differ from each other.
    const bool known = refused_.contains(why) || refused_.size() < kProblemsShownMax;
    refused_[known ? why : "other reasons"] += spans;
  }

  static std::string place_in(const OtlpFile& file) {
    if (file.packed_bytes() > 0) return progress_bar(file.packed_offset(), file.packed_bytes(), false);
    return fmt::format("{} MiB read", file.offset() >> 20);
  }

  void report(double seconds) const {
    uint64_t refused = 0;
    for (const auto& [why, spans] : refused_) refused += spans;
    fmt::print("{} spans read, {} acknowledged, {} refused, {} unknown in {:.1f} s\n", read_, acknowledged_, refused,
               read_ - acknowledged_ - refused, seconds);
    for (const auto& [why, spans] : refused_) fmt::print(stderr, "clew: {} spans refused: {}\n", spans, why);
    if (problems_ > 0) fmt::print(stderr, "clew: {} parts or files could not be read\n", problems_);
  }

  const ImportCommand& command_;
  const Clock& clock_;
  const EndSignals signals_;
  transfer::Sender sender_;
  transfer::Patience patience_;
  StatusLine status_;
  std::optional<uint64_t> shift_;  // added modulo 2^64
  SpanBatch gathered_;
  size_t sent_rows_ = 0;  // of gathered_
  std::optional<Error> stop_;
  uint64_t read_ = 0;
  uint64_t acknowledged_ = 0;
  uint64_t not_acknowledged_ = 0;
  uint64_t problems_ = 0;
  std::map<std::string, uint64_t> refused_;  // spans by reason
};

}  // namespace

Result<bool> import_files(const ImportCommand& command) {
  transfer::Sender::Options options;
  options.tenant = command.tenant;
  options.compression = command.compression;
  return Import(command, TRY(transfer::Sender::to(command.target, options))).run();
}

}  // namespace clew::app
