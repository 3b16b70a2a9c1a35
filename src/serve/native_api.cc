// SPDX-License-Identifier: Apache-2.0
#include "serve/native_api.h"

#include <algorithm>

#include "decode/otlp/encode.h"
#include "render/jaeger_json.h"
#include "render/otlp_json.h"
#include "render/waterfall.h"
#include "serve/answer.h"
#include "serve/problem.h"

namespace clew::serve {
namespace {

// Spans that are encoded as protobuf at once.
constexpr size_t kProtobufRows = 1000;

Error bad(std::string what) { return {Code::InvalidArgument, std::move(what)}; }

enum class Format : uint8_t { Otlp, Protobuf, Jaeger, Text };

Result<Format> trace_format(const net::HttpRequest& request) {
  const std::string name = request.query_value("format").value_or("");
  if (name == "otlp" || name == "json") return Format::Otlp;
  if (name == "protobuf") return Format::Protobuf;
  if (name == "jaeger") return Format::Jaeger;
  if (name == "text") return Format::Text;
  if (!name.empty()) return bad("'format' is otlp, protobuf, jaeger or text");
  const std::string_view accept = request.header("Accept");
  const bool protobuf = accept.find("application/x-protobuf") != std::string::npos ||
                        accept.find("application/protobuf") != std::string::npos;
  return protobuf ? Format::Protobuf : Format::Otlp;
}

Result<render::WaterfallOptions> waterfall_options(const net::HttpRequest& request) {
  render::WaterfallOptions options;
  options.width = TRY(whole_number(request, "width", {render::kWidthMin, render::kWidthMax, 100}));
  if (request.query_value("charset") == "ascii") options.charset = render::Charset::Ascii;
  if (request.query_value("colour") == "on") options.colour = render::Colour::On;
  return options;
}

void send_trace(const Question& question, const model::SpanBatch& spans, Format format,
                const render::WaterfallOptions& waterfall) {
  switch (format) {
    case Format::Otlp: {
      Answer answer(question.exchange, "application/json");
      render::write_otlp_json(spans, answer.sink());
      return answer.finish();
    }
    case Format::Protobuf: {
      // Messages of one type, one behind the other, are one message with the fields of all.
      Answer answer(question.exchange, "application/x-protobuf");
      for (size_t row = 0; row < spans.span_count(); row += kProtobufRows) {
        const size_t end = std::min(row + kProtobufRows, spans.span_count());
        answer.text() += decode::otlp::encode_traces_protobuf(spans, row, end);
        if (!answer.pass_on()) break;
      }
      return answer.finish();
    }
    case Format::Jaeger: {
      Answer answer(question.exchange, "application/json");
      answer.text() += "{\"data\":[";
      render::write_jaeger_json(spans, answer.sink());
      answer.text() += "],\"total\":0,\"limit\":0,\"offset\":0,\"errors\":null}";
      return answer.finish();
    }
    case Format::Text: {
      Answer answer(question.exchange, "text/plain; charset=utf-8");
      render::print_waterfall(spans, waterfall, answer.sink());
      return answer.finish();
    }
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
  const Result<scan::ReadTrace> trace = read_trace(question, *id);
  if (!trace.ok()) return question.exchange.respond(problem(trace.error()));
  send_trace(question, trace->spans, *format, *waterfall);
}

}  // namespace clew::serve
