# SPDX-License-Identifier: Apache-2.0
"""Bad input gets a clear answer and costs nobody else anything.

A table of requests, each sent over HTTP and over gRPC to one running server. For each: the answer that OTLP asks for
(broken framing is refused whole; a well-framed bad span costs only itself and is counted in a partial success; odd but
legal data is kept as it came). Beside every bad span goes a good one, and after every request a witness; at the end all
of the good ones are there.
"""

import gzip
import json
import struct

import grpc
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from clew_process import Clew, request
from otlp import EXPORT_METHOD, JSON, PROTOBUF, GrpcSender, HttpSender, new_request
from overload import hostile

MIB = 1 << 20
NANOS_2500 = 16_725_225_600 * 10**9  # 2500-01-01, beyond what a signed 64-bit count holds
OVER_THE_LIMIT = 65 * MIB
next_id = iter(range(1, 1 << 30))


@pytest.fixture(scope="module")
def clew(tmp_path_factory):
    with Clew(tmp_path_factory.mktemp("clew")) as server:
        yield server
        server.stop()


class Doors:
    """Sends the same body over both doors; remembers every good span that was acknowledged."""

    def __init__(self, clew):
        self.clew, self.good = clew, []
        self.http = HttpSender(clew.doors["otlp_http"])
        self.grpc = GrpcSender(clew.doors["otlp_grpc"])

    def witness(self):
        """An ordinary request goes through right after the bad one."""
        for sender in (self.http, self.grpc):
            body, trace_id = with_good_span(lambda spans: None)
            outcome = sender.send(body)
            assert outcome.ok, outcome
            self.good.append(trace_id)


@pytest.fixture(scope="module")
def doors(clew):
    both = Doors(clew)
    yield both
    # Nothing else was lost: every good span that stood beside or after a bad one is there.
    assert both.good
    for trace_id in both.good:
        answer = clew.get(f"/clew/v1/traces/{trace_id}")
        assert answer.status == 200 and b'"name":"good"' in answer.body.replace(b" ", b""), (trace_id, answer)


def fresh_trace_id():
    return (0xBAD << 96 | next(next_id)).to_bytes(16, "big")


def good_span(spans, trace_id):
    return spans.add(trace_id=trace_id, span_id=b"goodspan", name="good", start_time_unix_nano=1, end_time_unix_nano=2)


def with_good_span(add):
    """A request with one good span and what `add(spans)` makes of a second one."""
    body, spans = new_request("bad input")
    trace_id = fresh_trace_id()
    good_span(spans, trace_id)
    add(spans)
    return body.SerializeToString(), trace_id.hex()


def raw_field(number, wire_type, content):
    return bytes([number << 3 | wire_type]) + content


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def delimited(number, content):
    return raw_field(number, 2, varint(len(content)) + content)


def request_with_raw_span(span):
    """A request whose second span is `span`, bytes of any kind."""
    good, trace_id = with_good_span(lambda spans: None)
    return good + delimited(1, delimited(2, delimited(2, span))), trace_id


IDS = delimited(1, b"t" * 16) + delimited(2, b"s" * 8)


def bad_span_cases():
    def span(**fields):
        return lambda spans: spans.add(**{"trace_id": b"t" * 16, "span_id": b"s" * 8, "name": "bad", **fields})

    yield "zero trace id", with_good_span(span(trace_id=bytes(16)))
    yield "zero span id", with_good_span(span(span_id=bytes(8)))
    yield "trace id of 15 bytes", with_good_span(span(trace_id=b"t" * 15))
    yield "span id of 9 bytes", with_good_span(span(span_id=b"s" * 9))
    yield "no ids", with_good_span(span(trace_id=b"", span_id=b""))
    yield "parent id of 3 bytes", with_good_span(span(parent_span_id=b"abc"))
    yield "invalid UTF-8 in the name", request_with_raw_span(IDS + delimited(5, b"\xff\xfe"))
    yield "invalid UTF-8 in a key", request_with_raw_span(
        IDS + delimited(9, delimited(1, b"k\xc3\x28") + delimited(2, delimited(1, b"v"))))
    yield "invalid UTF-8 in a value", request_with_raw_span(
        IDS + delimited(9, delimited(1, b"k") + delimited(2, delimited(1, b"\xed\xa0\x80"))))
    yield "invalid UTF-8 in an event", request_with_raw_span(IDS + delimited(11, delimited(2, b"\x80")))


@pytest.mark.parametrize("name,case", [pytest.param(name, case, id=name) for name, case in bad_span_cases()])
def test_a_bad_span_costs_only_itself(doors, name, case):
    body, trace_id = case
    for sender in (doors.http, doors.grpc):
        outcome = sender.send(body)
        assert (outcome.code in ("200", "OK")) and outcome.rejected == 1, outcome
        assert outcome.message, "a rejected span needs a reason"
    doors.good.append(trace_id)
    doors.witness()


def deep_value(depth):
    """An AnyValue of `depth` arrays, one inside the other."""
    value = delimited(1, b"x")
    for _ in range(depth):
        value = delimited(5, delimited(1, value))
    return value


def broken_cases():
    whole, _ = with_good_span(lambda spans: None)
    yield "truncated", whole[:-3]
    yield "length past the end", b"\x0a\xff\xff\xff\xff\x0f"
    yield "overlong varint", b"\x0a" + b"\xff" * 11
    yield "text instead of protobuf", b"hello, this is not protobuf at all"
    yield "span as a number", delimited(1, delimited(2, raw_field(2, 7, b"")))
    yield "zeros", bytes(1000)


@pytest.mark.parametrize("name,body", [pytest.param(name, body, id=name) for name, body in broken_cases()])
def test_broken_framing_is_refused_whole(doors, name, body):
    answer = request(doors.clew.doors["otlp_http"], "POST", "/v1/traces", body=body, headers={"content-type": PROTOBUF})
    assert answer.status == 400, answer
    assert answer.headers["content-type"] == PROTOBUF
    assert Status.FromString(answer.body).message
    outcome = doors.grpc.send(body)
    assert outcome.code == "INVALID_ARGUMENT" and outcome.message, outcome
    doors.witness()


@pytest.mark.parametrize("depth", [30, 10_000, 1_000_000])
def test_deep_nesting_ends_somewhere(doors, depth):
    """Some depth is data and some is not; either way the answer says so and the span beside it is kept."""
    span = IDS + delimited(9, delimited(1, b"deep") + delimited(2, deep_value(min(depth, 20_000))))
    if depth > 20_000:  # groups nest in two bytes a level
        span = IDS + b"\x9b\x06" * depth
    body, trace_id = request_with_raw_span(span)
    for sender in (doors.http, doors.grpc):
        outcome = sender.send(body)
        assert outcome.code in ("OK", "400", "INVALID_ARGUMENT"), outcome
        assert outcome.ok or outcome.message, outcome
        if outcome.code == "OK":
            doors.good.append(trace_id)
    doors.witness()


@pytest.mark.parametrize("name", ["plain", "gzip", "json"])
def test_too_large_is_refused_for_good(doors, name):
    body, encoding, content_type = bytes([10]) + varint(OVER_THE_LIMIT) + bytes(OVER_THE_LIMIT), None, PROTOBUF
    if name == "json":
        body, content_type = b'{"resourceSpans":[' + b" " * OVER_THE_LIMIT + b"]}", JSON
    headers = {"content-type": content_type}
    if name == "gzip":
        headers["content-encoding"] = "gzip"
        body = gzip.compress(body, 1)
    outcome = HttpSender(doors.clew.doors["otlp_http"]).send(body, content_type, headers)
    # A server may answer and close before it has read all, which a client can see as a broken connection.
    assert outcome.code == "413" or (outcome.code == "DISCONNECTED" and name != "gzip"), outcome
    if name == "plain":
        outcome = doors.grpc.send(body)
        assert outcome.code == "RESOURCE_EXHAUSTED" and outcome.retry_after is None, outcome
    doors.witness()


def stored(doors, trace_id):
    answer = doors.clew.get(f"/clew/v1/traces/{trace_id}")
    assert answer.status == 200, answer
    return {span["spanId"]: span for resource in answer.json()["resourceSpans"] for scope in resource["scopeSpans"]
            for span in scope["spans"]}


@pytest.mark.parametrize("start,end", [
    pytest.param(0, 0, id="no time"),
    pytest.param(1, 2, id="1970"),
    pytest.param(NANOS_2500, NANOS_2500 + 5, id="2500"),
    pytest.param(2**64 - 1, 2**64 - 1, id="the largest time"),
    pytest.param(10**18, 10**18 - 7, id="end before start"),
])
def test_odd_times_are_data(doors, start, end):
    trace_id = fresh_trace_id()
    body, spans = new_request("odd times")
    good_span(spans, trace_id)
    spans.add(trace_id=trace_id, span_id=b"odd-time", name="odd", start_time_unix_nano=start, end_time_unix_nano=end)
    for sender in (doors.http, doors.grpc):
        assert sender.send(body.SerializeToString()).ok
    span = stored(doors, trace_id.hex())[b"odd-time".hex()]
    assert int(span.get("startTimeUnixNano", 0)) == start and int(span.get("endTimeUnixNano", 0)) == end
    doors.good.append(trace_id.hex())


def test_unknown_enums_and_flags_are_data(doors):
    trace_id = fresh_trace_id()
    body, spans = new_request("unknown enums")
    good_span(spans, trace_id)
    span = spans.add(trace_id=trace_id, span_id=b"odd-enum", name="odd", flags=0xFFFFFFFF, kind=77)
    span.status.code = 9
    assert doors.http.send(body.SerializeToString()).ok
    span = stored(doors, trace_id.hex())[b"odd-enum".hex()]
    assert span["kind"] == 77 and span["flags"] == 0xFFFFFFFF and span["status"]["code"] == 9
    doors.good.append(trace_id.hex())


def test_a_value_of_ten_megabytes_is_data(doors):
    trace_id = fresh_trace_id()
    body, spans = new_request("large value")
    span = good_span(spans, trace_id)
    text = "0123456789" * 1_000_000
    span.attributes.add(key="large").value.string_value = text
    span.attributes.add(key="raw").value.bytes_value = bytes(1_000_000)
    assert doors.grpc.send(body.SerializeToString()).ok
    attributes = stored(doors, trace_id.hex())[b"goodspan".hex()]["attributes"]
    assert attributes[0]["value"]["stringValue"] == text
    doors.good.append(trace_id.hex())


def test_a_hundred_thousand_keys_are_data(doors):
    """Memory does not grow by a column for each key, and the last key is found like the first."""
    before = doors.clew.anonymous_memory_bytes()
    trace_ids = []
    for part in range(10):
        body, spans = new_request("many keys")
        trace_ids.append(fresh_trace_id())
        good_span(spans, trace_ids[-1])
        for number in range(1000):
            span = spans.add(trace_id=trace_ids[-1], span_id=(number + 1).to_bytes(8, "big"), name="many")
            for key in range(10):
                span.attributes.add(key=f"key.{part}.{number}.{key}").value.int_value = key
        assert (doors.http, doors.grpc)[part % 2].send(body.SerializeToString()).ok
    grown = doors.clew.anonymous_memory_bytes() - before
    print(f"100,000 keys in 10,000 spans: {grown / MIB:.1f} MiB")
    assert grown < 100 * MIB
    for part in (0, 9):
        spans = stored(doors, trace_ids[part].hex())
        assert len(spans) == 1001
        keys = [one["key"] for one in spans[f"{1000:016x}"]["attributes"]]
        assert keys == [f"key.{part}.999.{key}" for key in range(10)]
        printed = doors.clew.command("search", f"{{ span.key.{part}.999.9 = 9 }}", "--from", "1970-01-01T00:00:00Z",
                                     "--format", "json")
        assert trace_ids[part].hex() in printed
    doors.good += [trace_id.hex() for trace_id in trace_ids]


def test_an_empty_request_is_a_success(doors):
    for sender in (doors.http, doors.grpc):
        assert sender.send(b"").ok
        assert sender.send(ExportTraceServiceRequest().SerializeToString()).ok


GZIP = {"content-type": PROTOBUF, "content-encoding": "gzip"}
ZSTD = {"content-type": PROTOBUF, "content-encoding": "zstd"}
HTTP_ERRORS = [
    ("wrong content type", "POST", "/v1/traces", b"x", {"content-type": "text/plain"}, {415}),
    ("no content type", "POST", "/v1/traces", b"x", {}, {415}),
    ("wrong method", "GET", "/v1/traces", None, {}, {405}),
    ("unknown path", "POST", "/v1/nothing", b"", {"content-type": PROTOBUF}, {404}),
    ("unknown encoding", "POST", "/v1/traces", b"x", {"content-type": PROTOBUF, "content-encoding": "br"}, {400, 415}),
    ("broken gzip", "POST", "/v1/traces", b"\x1f\x8b\x08\x00junk", GZIP, {400}),
    ("truncated gzip", "POST", "/v1/traces", gzip.compress(bytes(9999))[:-9], GZIP, {400}),
    ("gzip that is none", "POST", "/v1/traces", b"plain", GZIP, {400}),
    ("broken zstd", "POST", "/v1/traces", b"\x28\xb5\x2f\xfdjunk", ZSTD, {400}),
    ("truncated JSON", "POST", "/v1/traces", b'{"resourceSpans":[{', {"content-type": JSON}, {400}),
    ("JSON of another type", "POST", "/v1/traces", b'[1,2,3]', {"content-type": JSON}, {400}),
    ("deep JSON", "POST", "/v1/traces", b'{"a":' * 100_000, {"content-type": JSON}, {400}),
    ("invalid UTF-8 in JSON", "POST", "/v1/traces", b'{"a":"\xff"}', {"content-type": JSON}, {400}),
    ("numbers for lists in JSON", "POST", "/v1/traces", b'{"resourceSpans":7}', {"content-type": JSON}, {400}),
]


@pytest.mark.parametrize("name,method,path,body,headers,expected", HTTP_ERRORS, ids=[case[0] for case in HTTP_ERRORS])
def test_http_errors_are_clear(doors, name, method, path, body, headers, expected):
    answer = request(doors.clew.doors["otlp_http"], method, path, body=body, headers=headers)
    assert answer.status in expected, answer
    if answer.status == 400:
        if headers["content-type"] == JSON:
            assert json.loads(answer.body)["message"]
        else:
            assert Status.FromString(answer.body).message
    doors.witness()


def json_request(span):
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}], "someday": {"new": [1]}}).encode()


def test_json_leniency_and_bad_spans(doors):
    trace_id = fresh_trace_id().hex()
    good = {"traceId": trace_id.upper(), "span_id": b"goodspan".hex(), "name": "good", "kind": "SPAN_KIND_SERVER",
            "startTimeUnixNano": 5, "endTimeUnixNano": "7", "unknown": None}
    outcome = doors.http.send(json_request(good), JSON)
    assert outcome.ok, outcome
    span = stored(doors, trace_id)[b"goodspan".hex()]
    assert span["kind"] == 2 and span["startTimeUnixNano"] == "5"
    for bad in ({"traceId": "zz" * 16}, {"traceId": "0" * 32}, {"traceId": "ab"}, {"spanId": ""}):
        outcome = doors.http.send(json_request({**good, "spanId": good["span_id"], **bad}), JSON)
        assert outcome.code == "OK" and not outcome.ok and "rejectedSpans" in outcome.message, (bad, outcome)
    doors.good.append(trace_id)
    doors.witness()


def test_grpc_calls_made_of_any_bytes(doors):
    address = doors.clew.doors["otlp_grpc"]
    with pytest.raises(grpc.RpcError) as unknown:
        doors.grpc.channel.unary_unary(EXPORT_METHOD + "Nothing")(b"", timeout=10)
    assert unknown.value.code() == grpc.StatusCode.UNIMPLEMENTED
    calls = [
        # What is sent after the frame header of gRPC, whether it is flagged as compressed, and the statuses that fit.
        (b"\x1f\x8b\x08\x00junk", True, [("grpc-encoding", "gzip")], {3, 13}),
        (b"junk that is no gzip", True, [("grpc-encoding", "gzip")], {3, 13}),
        (b"\x0a\xff", False, [], {3}),
        (b"x", True, [("grpc-encoding", "snappy")], {3, 12, 13}),
    ]
    for message, compressed, headers, expected in calls:
        raw = hostile.RawGrpc(address, headers)
        status = raw.call(message, compressed)
        raw.close()
        assert status in expected, (message, headers, status)
    doors.witness()


def test_sockets_that_say_nonsense(doors):
    """Bytes that are no HTTP, or HTTP in pieces, end that connection and no other."""
    for door in ("otlp_grpc", "otlp_http", "http"):
        for nonsense in (b"\x00" * 100, b"GET / HTTP/9.9\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 200,
                         b"POST /v1/traces HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
                         b"POST /v1/traces HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
                         b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", struct.pack(">I", 0xFFFFFFFF) * 50):
            with hostile.connect(doors.clew.doors[door]) as connection:
                try:
                    connection.sendall(nonsense)
                    connection.settimeout(0.2)
                    connection.recv(1000)
                except OSError:
                    pass
    doors.witness()


def test_what_was_refused_is_counted(doors):
    """The reasons stand in /metrics."""
    refused = {key: value for key, value in doors.clew.metrics().items()
               if any(word in key for word in ("refused", "rejected", "dropped"))}
    assert any(value > 0 for value in refused.values()), sorted(refused)
