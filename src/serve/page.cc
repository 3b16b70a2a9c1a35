// SPDX-License-Identifier: Apache-2.0
#include "serve/page.h"

#include <fmt/format.h>

namespace clew::serve {
namespace {

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .5rem 0; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); }
code, pre { font: .875rem/1.5 ui-monospace, monospace; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 6px; padding: .75rem 1rem; }
pre { overflow-x: auto; }
input { font: .875rem ui-monospace, monospace; padding: .4rem .6rem; width: 24rem; max-width: 100%; }
button { font: inherit; padding: .3rem .8rem; }
)";

std::string_view address_of(const std::vector<Door>& doors, std::string_view name) {
  for (const Door& door : doors)
    if (door.name == name) return door.address;
  return "";
}

std::string how_to_send(const std::vector<Door>& doors) {
  const std::string http = escape_html(address_of(doors, "OTLP HTTP"));
  const std::string grpc = escape_html(address_of(doors, "OTLP gRPC"));
  std::string out =
      "<h2>Send traces</h2><p>Every OpenTelemetry SDK and collector can send here. Set, before the program "
      "starts:</p><pre>";
  out += "export OTEL_SERVICE_NAME=my-service\n";
  if (!http.empty()) {
    out += fmt::format("export OTEL_EXPORTER_OTLP_ENDPOINT=http://{}\n", http);
    out += "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n";
  }
  if (!grpc.empty()) {
    out += fmt::format("{}export OTEL_EXPORTER_OTLP_ENDPOINT=http://{}\n", http.empty() ? "" : "# or over gRPC:\n# ",
                       grpc);
    out += fmt::format("{}export OTEL_EXPORTER_OTLP_PROTOCOL=grpc\n", http.empty() ? "" : "# ");
  }
  out += "</pre>";
  if (http.empty()) return out;
  out += "<p>Or send one span by hand:</p><pre>";
  out += escape_html(fmt::format(
      "now=$(date +%s)000000000\n"
      "curl -s http://{} -H 'Content-Type: application/json' -d '{{\"resourceSpans\":[{{\n"
      "  \"resource\":{{\"attributes\":[{{\"key\":\"service.name\",\"value\":{{\"stringValue\":\"my-shell\"}}}}]}},\n"
      "  \"scopeSpans\":[{{\"spans\":[{{\"traceId\":\"'$(openssl rand -hex 16)'\",\"spanId\":\"'$(openssl rand -hex "
      "8)'\",\n"
      "    \"name\":\"hello\",\"startTimeUnixNano\":\"'$now'\",\"endTimeUnixNano\":\"'$now'\"}}]}}]}}]}}'",
      std::string(address_of(doors, "OTLP HTTP")) + "/v1/traces"));
  return out + "</pre>";
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

net::HttpResponse page(std::string_view version, const std::vector<Door>& doors) {
  std::string html = fmt::format(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Clew</title>"
      "<meta name=\"viewport\" content=\"width=device-width\"><style>{}</style></head><body>"
      "<h1>Clew</h1><p>Distributed tracing, version {}.</p><h2>Listening</h2><table>"
      "<tr><th>Door</th><th>Address</th></tr>",
      kStyle, escape_html(version));
  for (const Door& door : doors)
    html +=
        fmt::format("<tr><td>{}</td><td><code>{}</code></td></tr>", escape_html(door.name), escape_html(door.address));
  html += "</table>" + how_to_send(doors);
  html +=
      "<h2>Ask</h2><form action=\"/clew/v1/search\"><p><input name=\"q\" value=\"{ }\" aria-label=\"TraceQL\" "
      "spellcheck=\"false\"> <button>Search</button></p></form>"
      "<p>In a terminal: <code>clew search '{ status = error }'</code>, then <code>clew trace ID</code>. "
      "Jaeger's and Grafana's Jaeger data source can read from this address, too.</p>"
      "<p><a href=\"/metrics\">Metrics</a> · <a href=\"/ready\">Ready</a> · <a href=\"/api/services\">Services</a> · "
      "documentation is in <code>docs/</code> of the source tree.</p></body></html>";
  net::HttpResponse response;
  response.content_type = "text/html; charset=utf-8";
  response.body = std::move(html);
  response.headers.emplace_back("Content-Security-Policy",
                                "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
                                "frame-ancestors 'none'");
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  return response;
}

}  // namespace clew::serve
