// SPDX-License-Identifier: Apache-2.0
//
// One pass to learn the window and the widths of columns, one pass backwards over the tree order to learn which span is
// the last among its siblings, one pass to print.
#include "render/waterfall.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <vector>

#include "model/trace_tree.h"
#include "render/time_text.h"

namespace clew::render {
namespace {

using model::SpanBatch;

constexpr size_t kDurationCells = 7;
constexpr size_t kServiceCellsMax = 20;
constexpr size_t kNoteCellsMax = 36;
constexpr size_t kNoteTextWidthMin = 80;  // narrower terminals show the sign alone
constexpr size_t kNameCellsMin = 12;
constexpr size_t kBarCellsMin = 10;
constexpr int32_t kStatusError = 2;

constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kRed = "\x1b[31m";
constexpr std::string_view kYellow = "\x1b[33m";
// Colours of services, in order of appearance: readable on dark and light.
constexpr std::array<std::string_view, 6> kServiceColours = {"\x1b[36m", "\x1b[35m", "\x1b[34m",
                                                             "\x1b[32m", "\x1b[96m", "\x1b[95m"};

struct Signs {
  std::string_view branch, last, line, blank, error, warning, full, left_half, right_half, instant;
};
constexpr Signs kUtf8Signs = {"├─ ", "└─ ", "│  ", "   ", "✗ ", "⚠ ", "━", "╸", "╺", "┃"};
constexpr Signs kAsciiSigns = {"|- ", "`- ", "|  ", "   ", "! ", "? ", "=", "-", "-", "|"};

struct Window {
  UnixNanos begin;
  UnixNanos end;
};

struct Widths {
  size_t name;
  size_t service;  // 0: no such column
  size_t bar;
  size_t note;  // 0: nothing to note
};

uint64_t distance(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

Window window_of(const SpanBatch& batch) {
  std::vector<UnixNanos> starts(batch.span_count());
  for (size_t row = 0; row < starts.size(); ++row) starts[row] = batch.start[row];
  const auto middle = starts.begin() + static_cast<std::ptrdiff_t>(starts.size() / 2);
  std::nth_element(starts.begin(), middle, starts.end());
  Window window{*middle, *middle};
  for (size_t row = 0; row < batch.span_count(); ++row) {
    if (distance(batch.start[row], *middle) > kClockOffMax) continue;
    window.begin = std::min(window.begin, batch.start[row]);
    window.end = std::max(window.end, batch.start[row]);
    if (distance(batch.end[row], *middle) <= kClockOffMax) window.end = std::max(window.end, batch.end[row]);
  }
  return window;
}

class Waterfall {
 public:
  Waterfall(const SpanBatch& batch, const WaterfallOptions& options, const Sink& sink)
      : batch_(batch),
        options_(options),
        signs_(options.charset == Charset::Utf8 ? kUtf8Signs : kAsciiSigns),
        run_(sink),
        out_(run_.text()),
        rows_(batch.span_count()) {
    std::iota(rows_.begin(), rows_.end(), 0u);
    tree_.build(batch_, rows_);
    window_ = window_of(batch_);
    find_last_siblings();
    learn_services();
    choose_widths();
  }

  void print() {
    print_summary();
    std::vector<bool> open;  // at each level above: do more siblings follow?
    // A page that is not the first is in tree order, which its tops, being no siblings, do not tell.
    const std::span<const uint32_t> lines = is_later_page() ? std::span<const uint32_t>(rows_) : tree_.preorder();
    for (const uint32_t span : lines) {
      const uint32_t depth = tree_.depth(span);
      if (depth < kDrawnDepthMax) {
        open.resize(depth);
        open.push_back(!is_last_[span]);
      }
      print_line(span, open);
      if (!run_.passed_on()) return;
    }
    print_rest();
    run_.flush();
  }

 private:
  bool is_later_page() const { return options_.first_span > 0; }
  uint64_t end_of_page() const { return options_.first_span + rows_.size(); }

  void print_rest() {
    if (end_of_page() >= options_.span_count) return;
    out_ += fmt::format("\n{} more spans: --offset {} (in the API: offset={})\n", options_.span_count - end_of_page(),
                        end_of_page(), end_of_page());
  }

  void find_last_siblings() {
    is_last_.assign(rows_.size(), false);
    for (uint32_t span = 0; span < rows_.size(); ++span) is_last_[span] = tree_.next_sibling(span) == model::kNoSpan;
  }

  void learn_services() {
    for (const uint32_t span : tree_.preorder()) {
      services_.try_emplace(service(span), services_.size());
      error_count_ += batch_.status_code[span] == kStatusError;
      orphan_count_ += !is_later_page() && tree_.parent(span) == model::kOrphan;
    }
  }

  std::string_view service(uint32_t row) const {
    return batch_.strings.at(batch_.resources[batch_.resource[row]].service_name);
  }

  void choose_widths() {
    const size_t width = std::clamp(options_.width, kWidthMin, kWidthMax);
    size_t name = kNameCellsMin;
    size_t note = 0;
    for (uint32_t span = 0; span < rows_.size(); ++span) {
      const std::string text = harmless(batch_.strings.at(batch_.name[span]), options_.charset);
      name = std::max(name, 3 * size_t{std::min(tree_.depth(span), kDrawnDepthMax)} + cell_count(text));
      note = std::max(note, cell_count(note_of(span)));
    }
    size_t service = 0;
    for (const auto& [text, number] : services_)
      service = std::max(service, cell_count(harmless(text, options_.charset)));
    widths_.name = std::min(name, width * 2 / 5);
    widths_.service = width < 60 ? 0 : std::min(service, kServiceCellsMax);
    const size_t taken =
        widths_.name + 1 + (widths_.service == 0 ? 0 : widths_.service + 1) + kBarCellsMin + 1 + kDurationCells + 2;
    const size_t left = width > taken ? width - taken : 0;
    widths_.note = width < kNoteTextWidthMin ? std::min<size_t>(note, 1) : std::min({note, kNoteCellsMax, left});
    const size_t free = left - std::min(left, widths_.note);
    widths_.bar = kBarCellsMin + free + (widths_.note == 0 ? 2 : 0);
  }

  std::string coloured(std::string_view colour, std::string_view text) const {
    if (options_.colour == Colour::Off) return std::string(text);
    return fmt::format("{}{}{}", colour, text, kReset);
  }

  void print_summary() {
    const auto plural = [](size_t count, std::string_view noun) {
      return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
    };
    out_ += coloured(kBold, "trace " + batch_.trace_id[0].hex()) + "\n";
    if (rows_.size() < options_.span_count)
      out_ += fmt::format("spans {} to {} of ", options_.first_span + 1, end_of_page());
    out_ += plural(std::max<uint64_t>(rows_.size(), options_.span_count), "span") + ", " +
            plural(services_.size(), "service");
    if (error_count_ > 0) out_ += ", " + coloured(kRed, plural(error_count_, "error"));
    if (orphan_count_ > 0) out_ += ", " + coloured(kYellow, plural(orphan_count_, "span") + " without the parent");
    out_ += fmt::format(", {} from {}\n\n", duration_text(window_.end - window_.begin, options_.charset),
                        time_text(window_.begin));
  }

  void print_line(uint32_t span, const std::vector<bool>& open) {
    std::string name;
    const uint32_t depth = tree_.depth(span);
    for (size_t level = 1; level < open.size(); ++level) {
      const bool own = level + 1 == open.size();
      if (own && depth < kDrawnDepthMax) {
        name += open[level] ? signs_.branch : signs_.last;
      } else {
        name += open[level] ? signs_.line : signs_.blank;
      }
    }
    if (depth >= kDrawnDepthMax) name += fmt::format("{}: ", depth);
    const std::string own_name = harmless(batch_.strings.at(batch_.name[span]), options_.charset);
    // Deep lines give their branches up before their names.
    const size_t wanted = std::min(cell_count(own_name), widths_.name / 2);
    if (cell_count(name) + wanted > widths_.name) name = fmt::format("{}> ", depth);
    append_cells(out_, name + own_name, widths_.name, options_.charset);
    out_ += ' ';
    const std::string_view colour = service_colour(span);
    if (widths_.service > 0) {
      std::string text;
      append_cells(text, harmless(service(span), options_.charset), widths_.service, options_.charset);
      out_ += coloured(colour, text) + " ";
    }
    const bool error = batch_.status_code[span] == kStatusError;
    out_ += coloured(error ? kRed : colour, bar(span));
    const UnixNanos start = batch_.start[span];
    const UnixNanos end = batch_.end[span];
    const std::string duration = duration_text(end > start ? end - start : 0, options_.charset);
    out_ += ' ';
    out_.append(kDurationCells - std::min(kDurationCells, cell_count(duration)), ' ');
    out_ += duration;
    if (const std::string note = note_of(span); widths_.note > 0 && !note.empty()) {
      std::string text;
      append_cells(text, note, std::min(widths_.note, cell_count(note)), options_.charset);
      if (widths_.note == 1) text = note.substr(0, note.find(' '));
      out_ += "  " + coloured(error ? kRed : kYellow, text);
    }
    out_ += '\n';
  }

  std::string_view service_colour(uint32_t span) const {
    return kServiceColours[services_.at(service(span)) % kServiceColours.size()];
  }

  // Half cells are the unit: begin and end of the bar, at least one half cell wide.
  std::string bar(uint32_t span) const {
    const size_t halves = widths_.bar * 2;
    const UnixNanos start = batch_.start[span];
    if (start < window_.begin || start > window_.end) {
      const bool before = start < window_.begin;
      std::string text(before ? "<" : "");
      text.append(widths_.bar - 1, ' ');
      return before ? text : text + ">";
    }
    const UnixNanos end = std::clamp(batch_.end[span], start, std::max(start, window_.end));
    const auto place = [&](UnixNanos time) {
      const auto whole = static_cast<double>(std::max<uint64_t>(window_.end - window_.begin, 1));
      return static_cast<size_t>(static_cast<double>(time - window_.begin) / whole * static_cast<double>(halves));
    };
    const size_t first = std::min(place(start), halves - 1);
    const size_t last = std::clamp(place(end), first + 1, halves);
    std::string text(first / 2, ' ');
    size_t cell = first / 2;
    if (start == end) {
      text += signs_.instant;
      ++cell;
    } else {
      for (; cell * 2 < last; ++cell) {
        const bool left = first <= cell * 2;
        const bool right = last >= cell * 2 + 2;
        text += left && right ? signs_.full : left ? signs_.left_half : signs_.right_half;
      }
    }
    text.append(widths_.bar - cell, ' ');
    return text;
  }

  std::string note_of(uint32_t span) const {
    std::string note;
    const std::string_view message = batch_.strings.at(batch_.rare_of(span).status_message);
    if (batch_.status_code[span] == kStatusError) {
      note += signs_.error;
      note += message.empty() ? "error" : harmless(message, options_.charset);
    } else if (!is_later_page() && tree_.parent(span) == model::kOrphan) {
      note += fmt::format("{}parent {} missing", signs_.warning, batch_.parent_span_id[span].hex());
    } else if (batch_.end[span] < batch_.start[span]) {
      note += fmt::format("{}ends before it starts", signs_.warning);
    } else if (batch_.start[span] < window_.begin || batch_.start[span] > window_.end) {
      note += fmt::format("{}clock off: {}", signs_.warning, time_text(batch_.start[span]));
    }
    return note;
  }

  const SpanBatch& batch_;
  const WaterfallOptions& options_;
  const Signs& signs_;
  Run run_;
  std::string& out_;
  std::vector<uint32_t> rows_;  // position = row: the batch is the trace
  model::TraceTree tree_;
  Window window_{};
  Widths widths_{};
  std::vector<bool> is_last_;
  std::map<std::string_view, size_t> services_;  // to their number in order of appearance
  size_t error_count_ = 0;
  size_t orphan_count_ = 0;
};

}  // namespace

void print_waterfall(const SpanBatch& batch, const WaterfallOptions& options, const Sink& sink) {
  Waterfall(batch, options, sink).print();
}

}  // namespace clew::render
