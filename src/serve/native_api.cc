// SPDX-License-Identifier: Apache-2.0
#include "serve/native_api.h"

#include <algorithm>
#include <array>

#include "decode/otlp/encode.h"
#include "render/otlp_json.h"
#include "render/waterfall.h"
#include "serve/answer.h"
#include "serve/jaeger_api.h"
#include "serve/problem.h"
#include "serve/trace_stream.h"

namespace clew::serve {
namespace {

// Spans that are encoded as protobuf at once.
constexpr size_t kProtobufRows = 1000;
// Spans of a page of text: as many as somebody may scroll through, and the most.
constexpr uint32_t kTextSpans = 10'000;
constexpr uint32_t kTextSpansMax = 100'000;

Error bad(std::string what) { return {Code::InvalidArgument, std::move(what)}; }

enum class Format : uint8_t { Otlp, Protobuf, Jaeger, Text };

Result<Format> trace_format(const net::HttpRequest& request) {
  constexpr std::array<std::string_view, 5> kNames = {"otlp", "json", "protobuf", "jaeger", "text"};
  constexpr std::array kFormats = {Format::Otlp, Format::Otlp, Format::Protobuf, Format::Jaeger, Format::Text};
  if (const auto format = TRY(word(request, "format", kNames))) return kFormats[*format];
  const std::string_view accept = request.header("Accept");
  const bool protobuf = accept.find("application/x-protobuf") != std::string::npos ||
                        accept.find("application/protobuf") != std::string::npos;
  return protobuf ? Format::Protobuf : Format::Otlp;
}

Result<render::WaterfallOptions> waterfall_options(const net::HttpRequest& request) {
  constexpr std::array<std::string_view, 2> kCharsets = {"utf-8", "ascii"};
  constexpr std::array<std::string_view, 2> kColours = {"off", "on"};
  render::WaterfallOptions options;
  options.width = TRY(whole_number(request, "width", {render::kWidthMin, render::kWidthMax, 100}));
  if (TRY(word(request, "charset", kCharsets)) == 1) options.charset = render::Charset::Ascii;
  if (TRY(word(request, "colour", kColours)) == 1) options.colour = render::Colour::On;
  return options;
}

Result<TracePage> trace_page(const net::HttpRequest& request, Format format) {
  TracePage page;
  page.offset = TRY(whole_number(request, "offset", {.least = 0, .most = UINT32_MAX, .usual = 0}));
  const bool text = format == Format::Text;
  page.limit = TRY(
      whole_number(request, "limit",
                   {.least = 1, .most = text ? kTextSpansMax : UINT32_MAX, .usual = text ? kTextSpans : UINT32_MAX}));
  return page;
}

std::string_view content_type(Format format) {
  switch (format) {
    case Format::Protobuf:
      return "application/x-protobuf";
    case Format::Text:
      return "text/plain; charset=utf-8";
    default:
      return "application/json";
  }
}

void tell_page(const TraceStream& stream, Answer& answer) {
  answer.add_header("Clew-Span-Count", std::to_string(stream.span_count()));
  if (stream.end() < stream.span_count()) answer.add_header("Clew-Next-Offset", std::to_string(stream.end()));
}

Result<bool> send_otlp(TraceStream& stream, Answer& answer) {
  render::OtlpJsonStream json(answer.sink());
  const bool whole = TRY(stream.for_each([&](const model::SpanBatch& batch) { return json.add(batch); }));
  if (whole) json.end();
  return whole;
}

// Messages of one type, one behind the other, are one message with the fields of all.
Result<bool> send_protobuf(TraceStream& stream, Answer& answer) {
  return stream.for_each([&](const model::SpanBatch& batch) {
    for (size_t row = 0; row < batch.span_count(); row += kProtobufRows) {
      const size_t end = std::min(row + kProtobufRows, batch.span_count());
      answer.text() += decode::otlp::encode_traces_protobuf(batch, row, end);
      if (!answer.pass_on()) return false;
    }
    return true;
  });
}

Result<bool> send_jaeger(const Question& question, const model::TraceId& id, TraceStream& stream, Answer& answer) {
  answer.text() += "{\"data\":[";
  if (!TRY(send_jaeger_trace(question, id, stream, answer))) return false;
  answer.text() += "],\"total\":0,\"limit\":0,\"offset\":0,\"errors\":null}";
  return true;
}

// A waterfall needs all that it shows at once.
Result<bool> send_text(const Question& question, const TracePage& page, render::WaterfallOptions waterfall,
                       TraceStream& stream, Answer& answer) {
  Reservation memory(question.budget, Share::Query);
  model::SpanBatch spans;
  TRY(stream.for_each([&](const model::SpanBatch& batch) -> Result<bool> {
    spans.append(batch);
    const uint64_t bytes = spans.memory_bytes();
    if (bytes <= memory.bytes() || memory.grow(bytes - memory.bytes())) return true;
    return Error(Code::Unavailable, "the memory for queries is too small for so many spans; give a lower 'limit'");
  }));
  waterfall.first_span = page.offset;
  waterfall.span_count = stream.span_count();
  render::print_waterfall(spans, waterfall, answer.sink());
  return true;
}

Result<bool> send(const Question& question, const model::TraceId& id, Format format, const TracePage& page,
                  const render::WaterfallOptions& waterfall, TraceStream& stream, Answer& answer) {
  switch (format) {
    case Format::Otlp:
      return send_otlp(stream, answer);
    case Format::Protobuf:
      return send_protobuf(stream, answer);
    case Format::Jaeger:
      return send_jaeger(question, id, stream, answer);
    default:
      return send_text(question, page, waterfall, stream, answer);
  }
}

}  // namespace

void answer_trace(const Question& question) {
  const std::optional<model::TraceId> id = model::TraceId::parse(question.request.parameters[0]);
  if (!id)
    return question.exchange.respond(
        problem(bad("not a trace id: 1 to 32 hexadecimal digits, a UUID, or base64 of 16 bytes")));
  const Result<Format> format = trace_format(question.request);
  if (!format.ok()) return question.exchange.respond(problem(format.error()));
  const Result<render::WaterfallOptions> waterfall = waterfall_options(question.request);
  if (!waterfall.ok()) return question.exchange.respond(problem(waterfall.error()));
  const Result<TracePage> page = trace_page(question.request, *format);
  if (!page.ok()) return question.exchange.respond(problem(page.error()));
  Result<TraceStream> stream = TraceStream::open(question, *id, *page);
  if (!stream.ok()) return question.exchange.respond(problem(stream.error()));
  Answer answer(question.exchange, std::string(content_type(*format)));
  tell_page(*stream, answer);
  const Result<bool> whole = send(question, *id, *format, *page, *waterfall, *stream, answer);
  if (whole.ok() && *whole) answer.finish();
  // After the first piece an error breaks the connection.
  if (!whole.ok() && !answer.begun()) question.exchange.respond(problem(whole.error()));
}

}  // namespace clew::serve
