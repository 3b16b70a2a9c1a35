# SPDX-License-Identifier: Apache-2.0
"""A running server with attributes of every kind in it, a third of its spans in a block, the rest not yet."""

import contextlib
import time

from clew_process import Clew, request
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from otlp import HttpSender, new_request

SERVICES = ("shop", "payment", "queue/worker")
# The trace of the examples in docs/reference/api.md and in the OpenAPI document; it comes last.
TRACE_ID = "5b8aa5a2d2c872e8321cf37308d69df2"


def add_trace(spans, number, now):
    trace_id = bytes.fromhex(TRACE_ID) if number == 100 * len(SERVICES) else number.to_bytes(16, "big")
    root = spans.add(trace_id=trace_id, span_id=(number * 10 + 1).to_bytes(8, "big"), name=f"GET /item/{number % 7}",
                     kind=Span.SPAN_KIND_SERVER, start_time_unix_nano=now, end_time_unix_nano=now + 5_000_000)
    root.attributes.add(key="http.request.method").value.string_value = "GET" if number % 3 else "POST"
    root.attributes.add(key="http.response.status_code").value.int_value = 500 if number % 5 == 0 else 200
    root.attributes.add(key="ratio").value.double_value = number / 8
    root.attributes.add(key="cached").value.bool_value = number % 2 == 0
    root.attributes.add(key="raw").value.bytes_value = bytes([number % 256, 255])
    root.attributes.add(key="empty")
    root.attributes.add(key="a key/with ünïcode").value.array_value.values.add().string_value = "in an array"
    root.attributes.add(key="pairs").value.kvlist_value.values.add(key="k").value.int_value = 7
    if number % 5 == 0:
        root.status.code, root.status.message = 2, "it failed"
    root.events.add(time_unix_nano=now + 1000, name="exception").attributes.add(
        key="exception.type").value.string_value = "Timeout"
    root.links.add(trace_id=trace_id, span_id=b"linked__").attributes.add(key="why").value.string_value = "retry"
    call = spans.add(trace_id=trace_id, span_id=(number * 10 + 2).to_bytes(8, "big"), parent_span_id=root.span_id,
                     name="SELECT", kind=Span.SPAN_KIND_CLIENT, start_time_unix_nano=now + 1_000_000,
                     end_time_unix_nano=now + 2_000_000)
    call.attributes.add(key="db.system").value.string_value = "postgresql"


def fill(clew):
    """A hundred traces of each service."""
    sender = HttpSender(clew.doors["otlp_http"])
    now = time.time_ns() - 60_000_000_000
    number = 0
    for service in SERVICES:
        export, spans = new_request(service)
        for _ in range(100):
            number += 1
            add_trace(spans, number, now + number * 1_000_000)
        outcome = sender.send(export.SerializeToString())
        assert outcome.ok, outcome
        if service == SERVICES[0]:
            answer = request(clew.doors["http"], "POST", "/clew/v1/admin/flush")
            assert answer.status == 200, answer
    sender.close()


@contextlib.contextmanager
def filled(folder):
    with Clew(folder) as clew:
        fill(clew)
        yield clew
