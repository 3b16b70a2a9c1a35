# SPDX-License-Identifier: Apache-2.0
"""A trace of a million spans, and one with values of 10 MB, are stored, paged, streamed and searched under a memory
budget of 512 MiB.

The real binary takes both over OTLP. Then each is asked for where it lies (in memory, in blocks after a flush, after a
compaction): page by page, as a stream of all spans, by an attribute, and by structure. All the while the kernel's
figure of the server's anonymous memory stays inside the budget.
"""

import http.client
import struct
import threading
import time
import urllib.parse

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from clew_process import Clew, request
from otlp import HttpSender, new_request

MIB = 1 << 20
BUDGET = 512 * MIB
MEMORY_MAX = BUDGET * 115 // 100  # as in tests/overload
SAMPLE_SECONDS = 0.02
STEPS = 1_000_000
SPANS = STEPS + 2  # a root and a marked one
SPANS_PER_REQUEST = 10_000
CHILDREN = 16  # of a span, as far as ids go
MANY = bytes(15) + b"\x01"
HUGE = bytes(15) + b"\x02"
HUGE_SPANS = 12
HUGE_VALUE_BYTES = 10_000_000
PAGE = 777
ANSWER_SECONDS = 120
SEND_SECONDS = 120


class MemoryWatcher:
    """The peak of the server's anonymous memory while the `with` block runs."""

    def __init__(self, clew):
        self.clew, self.peak, self.done = clew, 0, threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *ignored):
        self.done.set()
        self.thread.join()

    def _watch(self):
        while not self.done.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, self.clew.anonymous_memory_bytes())


def parent_of(span_id):
    return max(span_id // CHILDREN, 1)


class ManySpans:
    """Requests of one trace: made once, then ids, parents and starts are written into the bytes."""

    ID, PARENT, START, END = (bytes([mark]) * 8 for mark in (0xA1, 0xA2, 0xA3, 0xA4))

    def __init__(self):
        message, spans = new_request("giant")
        for _ in range(SPANS_PER_REQUEST):
            span = spans.add(trace_id=MANY, span_id=self.ID, parent_span_id=self.PARENT, name="step", kind=1)
            span.start_time_unix_nano = int.from_bytes(self.START, "little")
            span.end_time_unix_nano = int.from_bytes(self.END, "little")
            for key in ("http.route", "net.peer.name", "cloud.region"):
                span.attributes.add(key=key).value.string_value = "the value of " + key
        self.bytes = bytearray(message.SerializeToString())
        self.first = {mark: self.bytes.index(mark) for mark in (self.ID, self.PARENT, self.START, self.END)}
        self.step = self.bytes.index(self.ID, self.first[self.ID] + 8) - self.first[self.ID]
        self.now = time.time_ns()

    def request(self, first_id):
        for i in range(SPANS_PER_REQUEST):
            span_id, at = first_id + i, i * self.step
            struct.pack_into(">Q", self.bytes, self.first[self.ID] + at, span_id)
            struct.pack_into(">Q", self.bytes, self.first[self.PARENT] + at, parent_of(span_id))
            struct.pack_into("<Q", self.bytes, self.first[self.START] + at, self.now + span_id)
            struct.pack_into("<Q", self.bytes, self.first[self.END] + at, self.now + SPANS + span_id)
        return bytes(self.bytes)


def marked_spans(now):
    """The root, and a span with an attribute that no other has."""
    message, spans = new_request("giant")
    for span_id, parent, name in ((1, 0, "root"), (SPANS, parent_of(SPANS), "needle")):
        span = spans.add(trace_id=MANY, span_id=span_id.to_bytes(8, "big"), name=name, kind=1)
        span.parent_span_id = parent.to_bytes(8, "big") if parent else b""
        span.start_time_unix_nano, span.end_time_unix_nano = now + span_id, now + 2 * SPANS
        if name == "needle":
            span.attributes.add(key="marked").value.string_value = "yes"
    return message.SerializeToString()


def huge_span(number):
    message, spans = new_request("huge")
    span = spans.add(trace_id=HUGE, span_id=(number + 1).to_bytes(8, "big"), name=f"upload {number}", kind=1)
    span.parent_span_id = (1).to_bytes(8, "big") if number else b""
    span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
    span.attributes.add(key="number").value.int_value = number
    span.attributes.add(key="body").value.string_value = chr(ord("a") + number) * HUGE_VALUE_BYTES
    return message.SerializeToString()


def send(sender, body):
    deadline = time.monotonic() + SEND_SECONDS
    while True:
        outcome = sender.send(body)
        if outcome.ok:
            return
        assert outcome.code in ("503", "429") and time.monotonic() < deadline, outcome
        time.sleep(0.1)


def search(clew, query):
    answer = clew.get("/clew/v1/search?q=" + urllib.parse.quote(query), timeout=ANSWER_SECONDS).json()
    assert answer["complete"], answer["reason"]
    return answer["traces"]


def stream(clew, trace_id, needle):
    """Counts `needle` in a streamed answer that is never held as a whole."""
    connection = http.client.HTTPConnection(clew.doors["http"], timeout=ANSWER_SECONDS)
    connection.request("GET", f"/clew/v1/traces/{trace_id.hex()}?format=otlp")
    response = connection.getresponse()
    assert response.status == 200
    count, tail = 0, b""
    while piece := response.read(MIB):
        text = tail + piece
        count += text.count(needle)
        tail = text[-len(needle) + 1:]
    connection.close()
    return count, int(response.getheader("Clew-Span-Count"))


def page(clew, trace_id, offset, limit):
    answer = clew.get(f"/clew/v1/traces/{trace_id.hex()}?format=protobuf&offset={offset}&limit={limit}",
                      timeout=ANSWER_SECONDS)
    assert answer.status == 200, answer
    spans = [span for resource in TracesData.FromString(answer.body).resource_spans
             for scope in resource.scope_spans for span in scope.spans]
    return spans, answer.headers.get("clew-next-offset")


def check_many(clew):
    first, following = page(clew, MANY, 0, PAGE)
    assert len(first) == PAGE and following == str(PAGE)
    assert [span.name for span in first[:2]] == ["root", "step"]
    # In the order of the tree: down along the first children, each with the one before as its parent.
    assert [int.from_bytes(span.span_id, "big") for span in first[:5]] == [1, 2, 32, 512, 8192]
    second, _ = page(clew, MANY, PAGE, PAGE)
    assert not {span.span_id for span in first} & {span.span_id for span in second}
    last, following = page(clew, MANY, SPANS - 5, PAGE)
    assert len(last) == 5 and following is None

    assert stream(clew, MANY, b'"spanId":') == (SPANS, SPANS)

    [by_attribute] = search(clew, '{ .marked = "yes" }')
    assert (by_attribute["traceId"], by_attribute["spanCount"]) == (MANY.hex(), SPANS)
    assert by_attribute["matchedCount"] == 1
    [by_structure] = search(clew, '{ name = "root" } >> { .marked = "yes" }')
    assert by_structure["matchedCount"] == 1 and by_structure["rootName"] == "root"
    [by_parent] = search(clew, '{ name = "root" } > { name = "step" }')
    assert by_parent["matchedCount"] == 2 * CHILDREN - 2


def check_huge(clew):
    for number in (0, HUGE_SPANS - 1):
        [span], _ = page(clew, HUGE, number, 1)
        assert span.attributes[1].value.string_value == chr(ord("a") + number) * HUGE_VALUE_BYTES
    count, spans = stream(clew, HUGE, b'"spanId":')
    assert count == spans == HUGE_SPANS
    [found] = search(clew, "{ .number = 7 }")
    assert found["matchedCount"] == 1 and found["traceId"] == HUGE.hex()
    [found] = search(clew, '{ .body =~ "b+" }')
    assert found["matchedCount"] == 1


def admin(clew, action):
    answer = request(clew.doors["http"], "POST", "/clew/v1/admin/" + action, timeout=ANSWER_SECONDS)
    assert answer.status == 200, answer


@pytest.fixture(scope="module")
def clew(tmp_path_factory):
    with Clew(tmp_path_factory.mktemp("clew"), settings=[f"memory.budget={BUDGET // MIB}MiB"]) as server:
        yield server
        server.stop()


def test_a_million_spans(clew):
    """In a block and in memory, in two blocks, and in one."""
    many = ManySpans()
    sender = HttpSender(clew.doors["otlp_http"], timeout=SEND_SECONDS)
    firsts = list(range(2, SPANS, SPANS_PER_REQUEST))
    with MemoryWatcher(clew) as memory:
        send(sender, marked_spans(many.now))
        for first_id in firsts[:len(firsts) // 2]:
            send(sender, many.request(first_id))
        admin(clew, "flush")
        for first_id in firsts[len(firsts) // 2:]:
            send(sender, many.request(first_id))
        check_many(clew)
        admin(clew, "flush")
        check_many(clew)
        admin(clew, "compact")
        check_many(clew)
    print(f"largest: {memory.peak // MIB} MiB")
    assert memory.peak < MEMORY_MAX
    assert clew.metrics()["clew_store_compactions_total"] >= 1


def test_values_of_ten_megabytes(clew):
    sender = HttpSender(clew.doors["otlp_http"], timeout=SEND_SECONDS)
    with MemoryWatcher(clew) as memory:
        for number in range(HUGE_SPANS):
            send(sender, huge_span(number))
        check_huge(clew)
        admin(clew, "flush")
        check_huge(clew)
        admin(clew, "compact")
        check_huge(clew)
    print(f"largest: {memory.peak // MIB} MiB")
    assert memory.peak < MEMORY_MAX
