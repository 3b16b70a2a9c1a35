# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any moment loses nothing that was acknowledged, shows no half of a request, and invents nothing.

Senders over gRPC and HTTP load the real binary while it is killed at random moments, sometimes again while it starts.
What was sent is kept by the test: a request that was acknowledged must be there after the restart, whole; one that was
under way may be there or not, but only whole; nothing else may be there. The spans of a request lie in several traces,
one of them shared by all requests of a round, so "whole" reaches over traces. At the end everything that was ever sent
is read again after a clean stop.

The same once more while heads become blocks all the time and blocks are compacted: small seals, and calls of flush and
compact at random moments. Then the shared trace of a round lies in many blocks and in memory.

CLEW_CRASH_ROUNDS: how often to kill (20). CLEW_CRASH_SEED: the choices of a run; it is printed.
"""

import http.client
import json
import os
import random
import threading
import time

import grpc
import pytest

from clew_process import Clew, request
from otlp import GrpcSender, HttpSender, new_request

ROUNDS = int(os.environ.get("CLEW_CRASH_ROUNDS", "20"))
SEED = int(os.environ.get("CLEW_CRASH_SEED", random.randrange(2**32)))
LOAD_SECONDS = (0.05, 0.6)
STARTS_KILLED = 0.3  # share of the restarts that are killed before they are ready
START_KILL_SECONDS = (0.0, 0.1)
TRACES_MAX = 3
SPANS_CHOICES = (1, 2, 5, 20, 100, 100, 800)
SENDER_PAUSE_SECONDS = 0.002  # leaves the processor to the server
BASE_NANOS = time.time_ns()


def content_of(span_id):
    """What the span with this id holds: follows from the id, so that a mixed-up answer is seen."""
    return f"content of {span_id:016x} " + "x" * (span_id % 97)


class Request:
    """Spans of one export request: their ids by trace."""

    def __init__(self, generator, shared_trace):
        self.outcome = None
        self.spans = {}
        count = generator.choice(SPANS_CHOICES)
        traces = [generator.getrandbits(128) | 1 for _ in range(generator.randint(1, TRACES_MAX))]
        for number in range(count):
            self.spans.setdefault(traces[number % len(traces)], []).append(generator.getrandbits(64) | 1)
        self.spans[shared_trace] = [generator.getrandbits(64) | 1]
        self.count = count + 1

    def body(self):
        request, spans = new_request("crash")
        for trace_id, span_ids in self.spans.items():
            for span_id in span_ids:
                span = spans.add(trace_id=trace_id.to_bytes(16, "big"), span_id=span_id.to_bytes(8, "big"),
                                 name=f"op {span_id % 7}", kind=2, start_time_unix_nano=BASE_NANOS + span_id % 10**9)
                span.end_time_unix_nano = span.start_time_unix_nano + span_id % 10**6
                span.attributes.add(key="content").value.string_value = content_of(span_id)
                span.attributes.add(key="number").value.int_value = span_id >> 1
        return request.SerializeToString()


class Load:
    """Senders that run until the server is gone. `requests` grows before a request is sent."""

    def __init__(self, clew, seed, shared_trace):
        self.requests = []
        self.stopped = threading.Event()
        senders = [GrpcSender(clew.doors["otlp_grpc"]), GrpcSender(clew.doors["otlp_grpc"], grpc.Compression.Gzip),
                   HttpSender(clew.doors["otlp_http"]), HttpSender(clew.doors["otlp_http"], compressed=True)]
        generators = [random.Random(f"{seed} {number}") for number in range(len(senders))]
        self.threads = [threading.Thread(target=self._run, args=(sender, generator, shared_trace), daemon=True)
                        for sender, generator in zip(senders, generators)]
        for thread in self.threads:
            thread.start()

    def _run(self, sender, generator, shared_trace):
        while not self.stopped.is_set():
            request = Request(generator, shared_trace)
            body = request.body()
            self.requests.append(request)
            request.outcome = sender.send(body)
            if request.outcome.code in ("UNAVAILABLE", "DISCONNECTED"):
                break
            time.sleep(SENDER_PAUSE_SECONDS)
        sender.close()

    def join(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive(), "a sender hangs"


class Housekeeping:
    """Flushes and compacts at random moments until the server is gone."""

    def __init__(self, clew, seed):
        self.address = clew.doors["http"]
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(random.Random(f"{seed} keeps house"),), daemon=True)
        self.thread.start()

    def _run(self, generator):
        while not self.stopped.wait(generator.uniform(0.0, 0.1)):
            try:
                request(self.address, "POST", f"/clew/v1/admin/{generator.choice(('flush', 'flush', 'compact'))}")
            except (OSError, http.client.HTTPException):
                return

    def join(self):
        self.stopped.set()
        self.thread.join(30)
        assert not self.thread.is_alive(), "a command hangs"


class Reader:
    """Reads traces over one connection."""

    def __init__(self, clew):
        self.connection = http.client.HTTPConnection(clew.doors["http"], timeout=30)

    def spans(self, trace_id):
        """The spans of a trace by id, after a look at their content."""
        self.connection.request("GET", f"/clew/v1/traces/{trace_id:032x}")
        response = self.connection.getresponse()
        body = response.read()
        if response.status == 404:
            return set()
        assert response.status == 200, (response.status, body[:500])
        found = []
        for resource_spans in json.loads(body)["resourceSpans"]:
            for scope_spans in resource_spans["scopeSpans"]:
                for span in scope_spans["spans"]:
                    span_id = int(span["spanId"], 16)
                    values = {one["key"]: one["value"] for one in span["attributes"]}
                    assert int(span["traceId"], 16) == trace_id, f"span {span_id:016x} in a trace that is not its own"
                    assert span["name"] == f"op {span_id % 7}"
                    assert int(span["startTimeUnixNano"]) == BASE_NANOS + span_id % 10**9
                    assert values["content"] == {"stringValue": content_of(span_id)}
                    assert int(values["number"]["intValue"]) == span_id >> 1
                    found.append(span_id)
        assert len(found) == len(set(found)), f"trace {trace_id:032x} shows a span twice"
        return set(found)


def verdict(requests, shared_traces, reader):
    """Counts of acknowledged, lost, half-visible and invented, and who the requests were."""
    shown = {trace_id: reader.spans(trace_id) for trace_id in shared_traces}
    known = {trace_id: set() for trace_id in shared_traces}
    counts = {"acknowledged": 0, "under way and kept": 0, "lost": 0, "half visible": 0, "invented": 0}
    bad = []
    for request in requests:
        visible = 0
        for trace_id, span_ids in request.spans.items():
            if trace_id in known:
                known[trace_id].update(span_ids)
                visible += len(shown[trace_id] & set(span_ids))
                continue
            found = reader.spans(trace_id)
            visible += len(found & set(span_ids))
            counts["invented"] += len(found - set(span_ids))
        acknowledged = request.outcome is not None and request.outcome.ok
        counts["acknowledged"] += acknowledged
        if acknowledged and visible == 0:
            counts["lost"] += 1
            bad.append(request)
        elif 0 < visible < request.count:
            counts["half visible"] += 1
            bad.append(request)
        elif visible and not acknowledged:
            counts["under way and kept"] += 1
    for trace_id in shared_traces:
        counts["invented"] += len(shown[trace_id] - known[trace_id])
    return counts, bad


def assert_nothing_wrong(counts, bad, seed):
    wrong = {key: counts[key] for key in ("lost", "half visible", "invented") if counts[key]}
    first = [(one.count, one.outcome, [f"{trace_id:032x}" for trace_id in one.spans]) for one in bad[:3]]
    assert not wrong, f"seed {seed}: {counts}; the first: {first}"


@pytest.mark.parametrize("settings", [[], ["seal.spans=2000", "seal.carry=100ms"]], ids=["in memory", "while sealing"])
def test_kill_9_under_load(tmp_path, settings):
    print(f"seed {SEED}, {ROUNDS} rounds")
    generator = random.Random(SEED)
    requests, shared_traces, total = [], [], {}
    with Clew(tmp_path / "clew", settings) as clew:
        for round_number in range(ROUNDS):
            began = time.monotonic()
            shared_traces.append(generator.getrandbits(128) | 1)
            load = Load(clew, generator.getrandbits(32), shared_traces[-1])
            housekeeping = Housekeeping(clew, generator.getrandbits(32)) if settings else None
            time.sleep(generator.uniform(*LOAD_SECONDS))
            clew.kill()
            load.join()
            if housekeeping:
                housekeeping.join()
            requests += load.requests
            while generator.random() < STARTS_KILLED:
                clew.start_and_kill(generator.uniform(*START_KILL_SECONDS))
            clew.start()
            started = time.monotonic()
            counts, bad = verdict(load.requests, shared_traces[-1:], Reader(clew))
            print(f"round {round_number}: {counts}, {started - began:.2f} s to the restart, "
                  f"{time.monotonic() - started:.2f} s to read")
            assert_nothing_wrong(counts, bad, SEED)
            total = {key: total.get(key, 0) + value for key, value in counts.items()}
        clew.stop()
        clew.start()
        counts, bad = verdict(requests, shared_traces, Reader(clew))
        print(f"at the end, after a clean stop: {counts}")
        assert_nothing_wrong(counts, bad, SEED)
        assert counts == total
        if settings:
            assert clew.metrics()["clew_recovery_blocks"] > 0, "nothing was sealed: this run proves nothing"
        assert counts["acknowledged"] >= ROUNDS, "hardly anything was sent: this run proves nothing"
