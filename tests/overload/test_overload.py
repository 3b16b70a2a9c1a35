# SPDX-License-Identifier: Apache-2.0
"""Overload is an answer: memory stays inside the budget, health is told all the time, and good senders get through.

The real binary runs with a small memory budget while hostile senders (hostile.py) hold 200 half-sent requests of 60 MiB
and send bodies that inflate to gigabytes. A watcher reads its anonymous memory from the kernel and asks /healthz all
the while; well-behaved senders send small requests and, like an SDK, try again when they are told to.
"""

import threading
import time

import pytest

from clew_process import Clew, request
from otlp import PROTOBUF, GrpcSender, HttpSender, new_request
from overload import hostile

MIB = 1 << 20
BUDGET = 512 * MIB
MEMORY_MAX = BUDGET * 115 // 100
HALF_SENT = 200
HALF_SENT_ANNOUNCED = 60 * MIB
HALF_SENT_BYTES = 30 * MIB
PUSH_SECONDS_MAX = 15
HOLD_SECONDS = 8
BOMB_BYTES = 2048 * MIB
BOMB_ROUNDS = 8
HEALTH_SECONDS_MAX = 2.0
HEALTH_ASKED_MIN = 5
SAMPLE_SECONDS = 0.02
GOOD_SPANS = 50
RETRY_SECONDS = 0.2
RETRYABLE = {"503", "429", "UNAVAILABLE", "DISCONNECTED", "DEADLINE_EXCEEDED"}
RESOURCE_EXHAUSTED = 8


@pytest.fixture
def clew(tmp_path):
    with Clew(tmp_path / "clew", settings=[f"memory.budget={BUDGET // MIB}MiB"]) as server:
        yield server


class Watcher:
    """Anonymous memory and health, sampled until the `with` block ends."""

    def __init__(self, clew):
        self.clew, self.done = clew, threading.Event()
        self.memory_peak = self.health_asked = 0
        self.health_seconds, self.unhealthy = 0.0, []
        self.threads = [threading.Thread(target=self._memory), threading.Thread(target=self._health)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *ignored):
        self.done.set()
        for thread in self.threads:
            thread.join()

    def _memory(self):
        while not self.done.wait(SAMPLE_SECONDS):
            self.memory_peak = max(self.memory_peak, self.clew.anonymous_memory_bytes())

    def _health(self):
        while not self.done.wait(SAMPLE_SECONDS * 5):
            began = time.monotonic()
            try:
                status = self.clew.get("/healthz", timeout=10).status
                if status != 200:
                    self.unhealthy.append(status)
            except OSError as error:
                self.unhealthy.append(repr(error))
            self.health_asked += 1
            self.health_seconds = max(self.health_seconds, time.monotonic() - began)

    def assert_well(self):
        print(f"anonymous memory {self.memory_peak / MIB:.0f} MiB at most, health asked {self.health_asked} times, "
              f"{self.health_seconds:.3f} s at most")
        assert self.memory_peak <= MEMORY_MAX, f"{self.memory_peak / MIB:.0f} MiB with a budget of {BUDGET / MIB:.0f}"
        assert not self.unhealthy, self.unhealthy[:5]
        assert self.health_asked >= HEALTH_ASKED_MIN
        assert self.health_seconds <= HEALTH_SECONDS_MAX


class GoodSender(threading.Thread):
    """Sends small requests and tries again when it is told to. `acknowledged` holds the trace ids."""

    def __init__(self, sender, number):
        super().__init__(daemon=True)
        self.sender, self.number, self.done = sender, number, threading.Event()
        self.acknowledged, self.retries, self.refused = [], 0, []
        self.slowest = 0.0

    def run(self):
        while not self.done.wait(0.02):
            trace_id = (self.number << 64 | len(self.acknowledged) + 1).to_bytes(16, "big")
            body, spans = new_request("good")
            for span in range(GOOD_SPANS):
                spans.add(trace_id=trace_id, span_id=(span + 1).to_bytes(8, "big"), name="good",
                          start_time_unix_nano=time.time_ns(), end_time_unix_nano=time.time_ns())
            began = time.monotonic()
            while not self.done.is_set():
                outcome = self.sender.send(body.SerializeToString())
                if outcome.ok:
                    self.acknowledged.append(trace_id.hex())
                    break
                if outcome.code not in RETRYABLE:
                    self.refused.append(outcome)
                    break
                self.retries += 1
                time.sleep(RETRY_SECONDS)
            self.slowest = max(self.slowest, time.monotonic() - began)


class GoodSenders:
    def __init__(self, clew):
        self.clew = clew
        self.senders = [GoodSender(GrpcSender(clew.doors["otlp_grpc"]), 1),
                        GoodSender(HttpSender(clew.doors["otlp_http"]), 2)]

    def __enter__(self):
        for sender in self.senders:
            sender.start()
        return self

    def __exit__(self, *ignored):
        for sender in self.senders:
            sender.done.set()
        for sender in self.senders:
            sender.join()
            sender.sender.close()

    def assert_well(self, least):
        for sender in self.senders:
            print(f"good sender {sender.number}: {len(sender.acknowledged)} requests, {sender.retries} tried again, "
                  f"{sender.slowest:.2f} s at most")
            assert not sender.refused, sender.refused[:3]
            assert len(sender.acknowledged) >= least
            for trace_id in sender.acknowledged[:: max(1, len(sender.acknowledged) // 20)]:
                assert self.clew.get(f"/clew/v1/traces/{trace_id}").body.count(b'"spanId"') == GOOD_SPANS


def hold(half_sent):
    """Pushes what the server takes, then holds."""
    deadline = time.monotonic() + PUSH_SECONDS_MAX
    pushing = list(half_sent)
    while pushing and time.monotonic() < deadline:
        pushing = [one for one in pushing if one.push()]
    time.sleep(HOLD_SECONDS)


def half_sent_of(kind, clew):
    if kind == "http":
        return hostile.HalfSentHttp(clew.doors["otlp_http"], HALF_SENT_ANNOUNCED, HALF_SENT_BYTES)
    if kind == "http chunked":
        return hostile.HalfSentHttp(clew.doors["otlp_http"], HALF_SENT_ANNOUNCED, HALF_SENT_BYTES, chunked=True)
    return hostile.HalfSentGrpc(clew.doors["otlp_grpc"], HALF_SENT_ANNOUNCED, HALF_SENT_BYTES)


def test_half_sent_requests(clew):
    """200 connections announce 60 MiB each and stop half way: a third each over HTTP, HTTP in chunks, and gRPC."""
    kinds = ("http", "http chunked", "grpc")
    held = []
    try:
        with Watcher(clew) as watcher, GoodSenders(clew) as good:
            held = [half_sent_of(kinds[number % len(kinds)], clew) for number in range(HALF_SENT)]
            hold(held)
            print(f"{sum(one.taken for one in held) / MIB:.0f} MiB were taken from {HALF_SENT} senders")
    finally:
        for one in held:
            one.close()
    watcher.assert_well()
    good.assert_well(least=20)
    clew.stop()


BOMBS = {
    "gzip": (hostile.gzip_bomb, "gzip"),
    "gzip members": (hostile.gzip_bomb_of_members, "gzip"),
    "zstd": (hostile.zstd_bomb, "zstd"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bodies_that_inflate_without_end(clew, name):
    """Two gigabytes in a small body are refused as too large, over both doors, several at once."""
    make, encoding = BOMBS[name]
    bomb = make(BOMB_BYTES)
    print(f"{len(bomb)} bytes inflate to {BOMB_BYTES}")
    answers = []

    def http():
        try:
            answers.append(request(clew.doors["otlp_http"], "POST", "/v1/traces", body=bomb,
                                   headers={"content-type": PROTOBUF, "content-encoding": encoding}).status)
        except OSError as error:
            answers.append(repr(error))

    def grpc():
        raw = hostile.RawGrpc(clew.doors["otlp_grpc"], headers=[("grpc-encoding", encoding)])
        answers.append(raw.call(bomb, compressed=True))
        raw.close()

    with Watcher(clew) as watcher, GoodSenders(clew) as good:
        for _ in range(BOMB_ROUNDS):
            threads = [threading.Thread(target=target) for target in (http, grpc, http, grpc)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        time.sleep(0.5)
    print(f"answers: {sorted(map(str, answers))}")
    # Too large, or (for the ones that came while another was being inflated) try again: never taken.
    assert {str(answer) for answer in answers} <= {"413", "503", "8", "14"}
    assert answers.count(413) > 0 and answers.count(RESOURCE_EXHAUSTED) > 0
    watcher.assert_well()
    good.assert_well(least=5)
    clew.stop()
