# SPDX-License-Identifier: Apache-2.0
"""One process of a small shop, instrumented by hand with the OpenTelemetry Python SDK.

The same program with the same arguments exists in Node (tests/interop/node/shop.js): a trace can cross languages.

    client → gateway → order → inventory
                             → payment (declines the first attempt with an exception, accepts the second)

A server role prints `listening PORT` and ends on SIGTERM; the client role sends one checkout and ends. Context travels
in W3C headers over HTTP. Whatever span a process finishes it also writes to --record as JSON: the sender's record,
which the test holds against Clew's answers. The spans use every attribute type that the SDK offers.
"""

import argparse
import base64
import http.client
import http.server
import json
import logging
import signal
import sys
import threading
import time
import urllib.parse

from opentelemetry import propagate, trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

HTTP_TIMEOUT_SECONDS = 20
ITEMS = 40

# A value of every type that the SDK takes, at its borders.
ALL_TYPES = {
    "type.string": "naïve café ☕ \"quoted\"\n",
    "type.string.empty": "",
    "type.string.long": "0123456789abcdef" * 256,
    "type.bool.true": True,
    "type.bool.false": False,
    "type.int": 42,
    "type.int.zero": 0,
    "type.int.negative": -7,
    "type.int.max": 2**63 - 1,
    "type.int.min": -(2**63),
    "type.double": 3.141592653589793,
    "type.double.whole": 2.0,
    "type.double.tiny": 5e-324,
    "type.double.negative_zero": -0.0,
    "type.double.infinite": float("inf"),
    "type.strings": ["a", "", "ü"],
    "type.bools": [True, False],
    "type.ints": [1, -2, 2**53 + 1],
    "type.doubles": [0.5, -1.25e300],
    "type.list.empty": [],
    "type.bytes": b"\x00\xff raw",
    "type.map": {"inner": {"deep": [1, "two", 3.5]}, "flag": True},
}


class Sampled(Sampler):
    """Samples everything and starts traces with a tracestate, so that one travels with the context."""

    def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None, links=None, trace_state=None):
        parent = trace.get_current_span(parent_context).get_span_context()
        state = parent.trace_state if parent.is_valid else TraceState([("clew", "t61rcWkgMzE"), ("shop", "1")])
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, state)

    def get_description(self):
        return "everything, with a tracestate"


def value_record(value):
    if value is None:
        return {"empty": None}
    if isinstance(value, bool):
        return {"bool": value}
    if isinstance(value, str):
        return {"string": value}
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, float):
        return {"double": repr(value)}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if hasattr(value, "items"):
        return {"map": attributes_record(value)}
    return {"array": [value_record(one) for one in value]}


def attributes_record(attributes):
    return [[key, value_record(value)] for key, value in (attributes or {}).items()]


def flags_record(parent):
    # What OTLP asks for: "whether the parent is remote" is known, and what it is. This SDK sends no trace flags.
    return 0x300 if parent is not None and parent.is_remote else 0x100


def span_record(span):
    context = span.get_span_context()
    return {
        "trace_id": f"{context.trace_id:032x}",
        "span_id": f"{context.span_id:016x}",
        "parent_span_id": f"{span.parent.span_id:016x}" if span.parent else "",
        "trace_state": context.trace_state.to_header(),
        "flags": flags_record(span.parent),
        "name": span.name,
        "kind": span.kind.value + 1,
        "start": str(span.start_time),
        "end": str(span.end_time),
        "attributes": attributes_record(span.attributes),
        "dropped_attributes": span.dropped_attributes,
        "events": [{"time": str(event.timestamp), "name": event.name, "attributes": attributes_record(event.attributes)}
                   for event in span.events],
        "dropped_events": span.dropped_events,
        # The exporter of this SDK does not send the tracestate of a link.
        "links": [{"trace_id": f"{link.context.trace_id:032x}", "span_id": f"{link.context.span_id:016x}",
                   "trace_state": "", "flags": flags_record(link.context),
                   "attributes": attributes_record(link.attributes)}
                  for link in span.links],
        "dropped_links": span.dropped_links,
        "status": {"code": span.status.status_code.value, "message": span.status.description or ""},
        "scope": {"name": span.instrumentation_scope.name, "version": span.instrumentation_scope.version or "",
                  "schema_url": span.instrumentation_scope.schema_url or "",
                  "attributes": attributes_record(span.instrumentation_scope.attributes)},
        "resource": attributes_record(span.resource.attributes),
        "resource_schema_url": span.resource.schema_url,
    }


class Recorder(SpanProcessor):
    def __init__(self):
        self.spans = []

    def on_end(self, span):
        self.spans.append(span_record(span))


def exporters(arguments):
    """Exporters of spans, logs and metrics for the protocol and compression asked for."""
    if arguments.protocol == "grpc":
        import grpc
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        compression = {"none": grpc.Compression.NoCompression, "gzip": grpc.Compression.Gzip}[arguments.compression]
        options = {"endpoint": arguments.endpoint, "insecure": True, "compression": compression}
        return OTLPSpanExporter(**options), OTLPLogExporter(**options), OTLPMetricExporter(**options)
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    compression = {"none": Compression.NoCompression, "gzip": Compression.Gzip}[arguments.compression]
    return (OTLPSpanExporter(endpoint=arguments.endpoint + "/v1/traces", compression=compression),
            OTLPLogExporter(endpoint=arguments.endpoint + "/v1/logs", compression=compression),
            OTLPMetricExporter(endpoint=arguments.endpoint + "/v1/metrics", compression=compression))


class Telemetry:
    def __init__(self, arguments):
        resource = Resource.create({"service.name": f"shop-{arguments.role}", "service.version": "1.2.3",
                                    "host.cpu.count": 2, "deployment.regions": ["eu", "us"]},
                                   schema_url="https://opentelemetry.io/schemas/1.27.0")
        span_exporter, log_exporter, metric_exporter = exporters(arguments)
        self.recorder = Recorder()
        self.traces = TracerProvider(resource=resource, sampler=Sampled())
        self.traces.add_span_processor(self.recorder)
        self.traces.add_span_processor(BatchSpanProcessor(span_exporter, schedule_delay_millis=200))
        trace.set_tracer_provider(self.traces)
        self.tracer = trace.get_tracer("shop", "4.5.6", schema_url="https://opentelemetry.io/schemas/1.26.0",
                                       attributes={"scope.kind": "by hand", "scope.level": 3})
        self.logs = LoggerProvider(resource=resource)
        self.logs.add_log_record_processor(BatchLogRecordProcessor(log_exporter))
        self.metrics = MeterProvider([PeriodicExportingMetricReader(metric_exporter)], resource)

    def note(self, role):
        """A log record and a metric: Clew keeps neither, and must say so without making the SDK complain."""
        self.logs.get_logger("shop").emit(LogRecord(timestamp=time.time_ns(), severity_number=SeverityNumber.INFO,
                                                    severity_text="INFO", body=f"{role} ends"))
        self.metrics.get_meter("shop").create_counter("shop.ends").add(1, {"role": role})

    def shut_down(self, record):
        self.traces.shutdown()
        self.logs.shutdown()
        self.metrics.shutdown()
        with open(record, "w") as out:
            json.dump(self.recorder.spans, out)


class PaymentDeclined(Exception):
    pass


class Shop:
    """What each role does when it is asked; `call` asks the next role."""

    def __init__(self, telemetry, following):
        self.tracer = telemetry.tracer
        self.following = following

    def call(self, role, path):
        with self.tracer.start_as_current_span(f"POST {path}", kind=SpanKind.CLIENT) as span:
            address = self.following[role]
            span.set_attribute("server.address", address)
            headers = {}
            propagate.inject(headers)
            connection = http.client.HTTPConnection(address, timeout=HTTP_TIMEOUT_SECONDS)
            connection.request("POST", path, headers=headers)
            status = connection.getresponse().status
            connection.close()
            span.set_attribute("http.response.status_code", status)
            if status >= 400:
                span.set_status(Status(StatusCode.ERROR, f"{role} answered {status}"))
            return status

    def client(self):
        with self.tracer.start_as_current_span("buy", attributes={"user.id": 7, "user.vip": False}) as span:
            span.add_event("cart ready", {"cart.items": ITEMS, "cart.ids": ["a1", "b2"]})
            status = self.call("gateway", "/checkout")
            span.add_event("answered")
            with self.tracer.start_as_current_span("orders publish", kind=SpanKind.PRODUCER) as publish:
                publish.set_attribute("messaging.system", "none")
        return status

    def gateway(self, path):
        span = trace.get_current_span()
        span.set_attributes(ALL_TYPES)
        span.add_event("all types", ALL_TYPES, timestamp=time.time_ns() - 1_000)
        return self.call("order", "/order")

    def order(self, path):
        # A trace of its own, which the order links to.
        audit = self.tracer.start_span("audit", context=trace.set_span_in_context(trace.INVALID_SPAN))
        audit.end()
        remote = SpanContext(0xABCDEF0123456789ABCDEF0123456789, 0xFEDCBA9876543210, True, TraceFlags(1))
        links = [Link(audit.get_span_context(), {"link.reason": "audit", "link.weights": [0.5, 1.5]}), Link(remote)]
        with self.tracer.start_as_current_span("orders consume", kind=SpanKind.CONSUMER, links=links):
            self.call("inventory", "/reserve")
            status = self.call("payment", "/pay?attempt=1")
            if status != 200:
                status = self.call("payment", "/pay?attempt=2")
        return status

    def inventory(self, path):
        for item in range(ITEMS):
            with self.tracer.start_as_current_span("reserve item") as span:
                span.set_attribute("item.number", item)
                span.set_attribute("item.price", item / 8 + 0.01)
        instant = time.time_ns()
        self.tracer.start_span("instant", start_time=instant).end(end_time=instant)
        return 200

    def payment(self, path):
        if path.endswith("attempt=1"):
            raise PaymentDeclined("card ending in 4242 was declined")
        trace.get_current_span().set_status(Status(StatusCode.OK))
        return 200


def serve(role, shop, tracer):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            context = propagate.extract({key.lower(): value for key, value in self.headers.items()})
            path = urllib.parse.urlsplit(self.path).path
            status = 500
            try:
                # An exception that leaves the span is recorded on it, with the status ERROR.
                with tracer.start_as_current_span(f"POST {path}", context=context, kind=SpanKind.SERVER) as span:
                    span.set_attribute("url.path", path)
                    status = getattr(shop, role)(self.path)
                    span.set_attribute("http.response.status_code", status)
            except PaymentDeclined:
                status = 402
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *ignored):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    signal.signal(signal.SIGTERM, lambda *ignored: threading.Thread(target=server.shutdown).start())
    print(f"listening {server.server_address[1]}", flush=True)
    server.serve_forever()
    server.server_close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--role", required=True, choices=["client", "gateway", "order", "inventory", "payment"])
    parser.add_argument("--next", action="append", default=[], metavar="ROLE=HOST:PORT")
    parser.add_argument("--protocol", required=True, choices=["grpc", "http/protobuf"])
    parser.add_argument("--compression", required=True, choices=["none", "gzip"])
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--record", required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")

    telemetry = Telemetry(arguments)
    shop = Shop(telemetry, dict(one.split("=", 1) for one in arguments.next))
    status = 200
    if arguments.role == "client":
        status = shop.client()
    else:
        serve(arguments.role, shop, telemetry.tracer)
    telemetry.note(arguments.role)
    telemetry.shut_down(arguments.record)
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
