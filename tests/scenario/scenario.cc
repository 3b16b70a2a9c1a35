// SPDX-License-Identifier: Apache-2.0
#include "scenario.h"

#include <charconv>
#include <map>
#include <utility>

namespace clew::scenario {
namespace {

using eval::testing::PlainAttribute;
using eval::testing::PlainAttributes;
using eval::testing::PlainSpan;
using eval::testing::PlainValue;

// The service of a span that does not name one: none.
constexpr std::string_view kServiceKey = "service.name";
// A request that does not say when it arrived.
constexpr UnixNanos kReceived = kOrigin + 3600 * kNanosPerSecond;

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Words apart by blanks; a part in double quotes keeps its blanks and its quotes.
std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (size_t at = 0; at < line.size();) {
    if (line[at] == ' ' || line[at] == '\t') {
      ++at;
      continue;
    }
    const size_t begin = at;
    bool quoted = false;
    for (; at < line.size() && (quoted || (line[at] != ' ' && line[at] != '\t')); ++at) quoted ^= line[at] == '"';
    words.push_back(line.substr(begin, at - begin));
  }
  return words;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string unquoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return std::string(text);
}

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// 5ms, 1.5s, -2h; in nanoseconds.
std::optional<int64_t> length_of(std::string_view text) {
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 6e10}, {"h", 3.6e12}, {"d", 8.64e13}};
  for (const auto& [unit, nanos] : kUnits) {
    if (!text.ends_with(unit)) continue;
    if (const auto count = number<double>(text.substr(0, text.size() - unit.size())))
      return static_cast<int64_t>(*count * nanos);
  }
  return std::nullopt;
}

// A time after the origin, or unix:N for nanoseconds since 1970.
std::optional<UnixNanos> time_of(std::string_view text) {
  if (text.starts_with("unix:")) return number<uint64_t>(text.substr(5));
  const auto length = length_of(text);
  if (!length) return std::nullopt;
  return kOrigin + static_cast<uint64_t>(*length);
}

PlainValue value_of(std::string_view text) {
  if (text == "nil") return PlainValue::empty();
  if (text == "{}") return PlainValue::list_of_pairs();
  if (text == "true" || text == "false") return PlainValue::of(text == "true");
  if (text.starts_with("bytes:")) return PlainValue::bytes(std::string(text.substr(6)));
  if (text.starts_with('[') && text.ends_with(']')) {
    std::vector<PlainValue> elements;
    for (const std::string_view part : split(text.substr(1, text.size() - 2), ',')) elements.push_back(value_of(part));
    return PlainValue::array(std::move(elements));
  }
  if (const auto integer = number<int64_t>(text)) return PlainValue::of(*integer);
  if (const auto real = number<double>(text)) return PlainValue::of(*real);
  return PlainValue::of(unquoted(text));
}

std::optional<int32_t> place_in(std::span<const std::string_view> names, std::string_view name) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<int32_t>(i);
  }
  return number<int32_t>(name);
}

class Reader {
 public:
  Result<Scenario> read(std::string_view text) {
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      ++line_;
      TRY(read_line(trim(text.substr(0, end))));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (scenario_.steps.empty()) return wrong("there is no `when`");
    return std::move(scenario_);
  }

 private:
  enum class Section { Start, Given, When, Expect };

  Error wrong(std::string what) const {
    return {Code::InvalidArgument, "line " + std::to_string(line_) + ": " + std::move(what)};
  }

  Result<void> read_line(std::string_view line) {
    if (line.empty() || line.starts_with('#')) return {};
    std::string_view rest = line;
    const auto takes = [&](std::string_view word) {
      if (!line.starts_with(word) || (line.size() > word.size() && line[word.size()] != ' ')) return false;
      rest = trim(line.substr(word.size()));
      return true;
    };
    if (takes("given")) {
      section_ = Section::Given;
    } else if (takes("when")) {
      section_ = Section::When;
      begin_step(false);
    } else if (takes("next")) {
      section_ = Section::When;
      if (scenario_.steps.empty()) return wrong("`next` needs a `when` before it");
      begin_step(true);
    } else if (takes("with")) {
      if (section_ != Section::When) return wrong("`with` belongs to a `when`");
      return read_options(rest);
    } else if (takes("expect")) {
      if (section_ != Section::When) return wrong("`expect` needs a `when` before it");
      section_ = Section::Expect;
    }
    if (rest.empty()) return {};
    switch (section_) {
      case Section::Given:
        return read_given(rest);
      case Section::When:
        if (!scenario_.steps.back().query.empty()) scenario_.steps.back().query += '\n';
        scenario_.steps.back().query += rest;
        return {};
      case Section::Expect:
        return read_expected(rest);
      default:
        return wrong("a scenario begins with `given`");
    }
  }

  void begin_step(bool is_next_page) {
    Step step;
    step.line = line_;
    step.is_next_page = is_next_page;
    if (is_next_page) {
      step.query = scenario_.steps.back().query;
      step.options = scenario_.steps.back().options;
    }
    scenario_.steps.push_back(std::move(step));
  }

  Result<void> read_options(std::string_view line) {
    scan::SearchOptions& options = scenario_.steps.back().options;
    for (const std::string_view word : words_of(line)) {
      const auto [key, value] = pair_of(word);
      const auto time = time_of(value);
      const auto count = number<uint32_t>(value);
      if (key == "limit" && count) {
        options.limit = *count;
      } else if (key == "spans" && count) {
        options.spans_per_trace = *count;
      } else if (key == "from" && time) {
        options.from = *time;
      } else if (key == "to" && time) {
        options.to = *time;
      } else if (key == "page") {
        options.page = value;
      } else {
        return wrong("not an option: " + std::string(word));
      }
    }
    return {};
  }

  // key=value; only the first `=` parts them.
  static std::pair<std::string_view, std::string_view> pair_of(std::string_view word) {
    const size_t at = word.find('=');
    if (at == std::string_view::npos) return {word, {}};
    return {word.substr(0, at), word.substr(at + 1)};
  }

  Request& request() {
    if (scenario_.requests.empty()) scenario_.requests.push_back({kReceived, {}});
    return scenario_.requests.back();
  }
  bool has_span() { return !request().spans.empty(); }
  PlainSpan& span() { return request().spans.back(); }

  Result<void> read_given(std::string_view line) {
    const std::vector<std::string_view> words = words_of(line);
    for (size_t i = 0; i < words.size(); ++i) {
      const std::string_view word = words[i];
      const bool opens = word == "request" || word == "trace" || word == "span" || word == "event" || word == "link";
      if (!opens) {
        TRY(read_property(word));
        continue;
      }
      if (++i == words.size()) return wrong("`" + std::string(word) + "` needs a name behind it");
      if (!open(word, words[i])) return wrong("`" + std::string(word) + "` cannot be " + std::string(words[i]));
    }
    return {};
  }

  bool open(std::string_view what, std::string_view name) {
    if (what == "request") {
      const auto received = time_of(name);
      if (received) scenario_.requests.push_back({*received, {}});
      return received.has_value();
    }
    if (what == "trace") {
      const auto id = model::TraceId::parse(name);
      if (id) trace_ = *id;
      return id.has_value();
    }
    if (what == "span") {
      const auto id = model::SpanId::parse(name);
      if (!id || trace_.is_zero()) return false;
      PlainSpan opened;
      opened.trace_id = trace_;
      opened.span_id = *id;
      opened.start = opened.end = kOrigin;
      request().spans.push_back(std::move(opened));
      attributes_ = &span().attributes;
      return true;
    }
    if (!has_span()) return false;
    if (what == "event") {
      span().events.push_back({span().start, unquoted(name), {}});
      attributes_ = &span().events.back().attributes;
      return true;
    }
    const auto parts = split(name, '/');
    const auto trace = model::TraceId::parse(parts[0]);
    const auto linked = parts.size() == 2 ? model::SpanId::parse(parts[1]) : std::nullopt;
    if (!trace || !linked) return false;
    span().links.push_back({*trace, *linked, {}});
    attributes_ = &span().links.back().attributes;
    return true;
  }

  Result<void> read_property(std::string_view word) {
    if (!has_span()) return wrong("no span has been opened for " + std::string(word));
    const auto [key, value] = pair_of(word);
    if (attributes_ != &span().attributes) {  // of an event or link
      if (key == "at" && time_of(value)) {
        span().events.back().time = *time_of(value);
      } else if (value.empty()) {
        return wrong("expected key=value: " + std::string(word));
      } else {
        attributes_->push_back({std::string(key), value_of(value)});
      }
      return {};
    }
    if (const size_t dots = word.find(".."); dots != std::string_view::npos && word.find('=') == word.npos) {
      const auto start = time_of(word.substr(0, dots));
      const auto end = time_of(word.substr(dots + 2));
      if (!start || !end) return wrong("not a time: " + std::string(word));
      span().start = *start;
      span().end = *end;
      return {};
    }
    if (value.empty()) return wrong("expected key=value: " + std::string(word));
    return read_span_property(key, value);
  }

  Result<void> read_span_property(std::string_view key, std::string_view value) {
    static constexpr std::string_view kKinds[] = {"unspecified", "internal", "server",
                                                  "client",      "producer", "consumer"};
    static constexpr std::string_view kStatuses[] = {"unset", "ok", "error"};
    const auto add = [&](PlainAttributes& to, std::string_view prefix) {
      to.push_back({std::string(key.substr(prefix.size())), value_of(value)});
    };
    if (key == "parent") {
      const auto parent = model::SpanId::parse(value);
      if (!parent) return wrong("not a span id: " + std::string(value));
      span().parent_id = *parent;
    } else if (key == "name") {
      span().name = unquoted(value);
    } else if (key == "service") {
      span().resource.push_back({std::string(kServiceKey), PlainValue::of(unquoted(value))});
    } else if (key == "kind" || key == "status") {
      const auto place = key == "kind" ? place_in(kKinds, value) : place_in(kStatuses, value);
      if (!place) return wrong("not a " + std::string(key) + ": " + std::string(value));
      (key == "kind" ? span().kind : span().status) = *place;
    } else if (key == "message") {
      span().status_message = unquoted(value);
    } else if (key == "library") {
      const auto parts = split(value, '@');
      span().scope_name = parts[0];
      if (parts.size() > 1) span().scope_version = parts[1];
    } else if (key.starts_with("span.")) {
      add(span().attributes, "span.");
    } else if (key.starts_with("resource.")) {
      add(span().resource, "resource.");
    } else if (key.starts_with("instrumentation.")) {
      add(span().scope, "instrumentation.");
    } else {
      return wrong("a span has no " + std::string(key));
    }
    return {};
  }

  Result<void> read_expected(std::string_view line) {
    Step& step = scenario_.steps.back();
    if (line == "nothing") return {};
    if (line == "more") {
      step.more = true;
      return {};
    }
    if (line.starts_with("error ")) {
      step.error = std::string(line.substr(6));
      return {};
    }
    const std::vector<std::string_view> words = words_of(line);
    const auto id = words.size() < 2 || words[0] != "trace" ? std::nullopt : model::TraceId::parse(words[1]);
    if (!id) return wrong("expected `trace ID …`, `nothing`, `more` or `error …`");
    ExpectedTrace expected;
    expected.id = *id;
    for (size_t i = 2; i < words.size(); ++i) TRY(read_expectation(words[i], expected));
    step.traces.push_back(std::move(expected));
    return {};
  }

  Result<void> read_expectation(std::string_view word, ExpectedTrace& expected) {
    const auto [key, value] = pair_of(word);
    const auto count = number<uint32_t>(value);
    if (key == "matched") {
      expected.matched.emplace();
      for (const std::string_view part : split(value, ',')) {
        const auto id = model::SpanId::parse(part);
        if (!id) return wrong("not a span id: " + std::string(part));
        expected.matched->push_back(*id);
      }
    } else if (key == "of" && count) {
      expected.of = *count;
    } else if (key == "root") {
      expected.root = unquoted(value);
    } else if (key == "service") {
      expected.service = unquoted(value);
    } else if (key == "services") {
      expected.services = unquoted(value);
    } else if (key == "spans" && count) {
      expected.spans = *count;
    } else if (key == "errors" && count) {
      expected.errors = *count;
    } else if (key == "duration" && length_of(value)) {
      expected.duration_nanos = static_cast<uint64_t>(*length_of(value));
    } else {
      return wrong("nothing to expect of a trace: " + std::string(word));
    }
    return {};
  }

  Scenario scenario_;
  Section section_ = Section::Start;
  int line_ = 0;
  model::TraceId trace_;
  PlainAttributes* attributes_ = nullptr;  // those of the span, event or link that was opened last
};

}  // namespace

Result<Scenario> read_scenario(std::string_view text) { return Reader().read(text); }

}  // namespace clew::scenario
