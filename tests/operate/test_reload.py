# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: settings are read again while senders send, and nothing that they sent is lost or refused for it."""

import signal
import threading
import time

import pytest
from clew_process import Clew
from otlp import GrpcSender, new_request

SETTLE_SECONDS = 20


class Server(Clew):
    """With a file of settings."""

    def __init__(self, folder):
        super().__init__(folder)
        self.file = folder / "clew.yaml"

    def arguments(self):
        return ["--config", str(self.file)]

    def reload(self, text):
        """The lines that the reload has logged."""
        before = self.log_path.stat().st_size
        self.file.write_text(text)
        self.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            with open(self.log_path) as log:
                log.seek(before)
                lines = [line for line in log if "reload: " in line]
            # The last change is always that of retention.age, or one line that says it all.
            if any(end in line for line in lines for end in ("retention.age", "nothing is changed", "has changed")):
                return "".join(lines)
            assert time.monotonic() < deadline, self.log_tail()
            time.sleep(0.02)


@pytest.fixture
def clew(tmp_path):
    server = Server(tmp_path)
    server.file.write_text("retention: {age: 1d}\n")
    with server as running:
        yield running


def wait_for(condition, clew):
    deadline = time.monotonic() + SETTLE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, clew.log_tail()
        time.sleep(0.05)


class Sender(threading.Thread):
    """Sends one trace of one span after the other until it is told to stop."""

    def __init__(self, clew):
        super().__init__()
        self.sender, self.over, self.outcomes = GrpcSender(clew.doors["otlp_grpc"]), threading.Event(), []

    def run(self):
        while not self.over.is_set():
            request, spans = new_request("reload")
            number = len(self.outcomes) + 1
            spans.add(trace_id=number.to_bytes(16, "big"), span_id=number.to_bytes(8, "big"), name="sent",
                      start_time_unix_nano=time.time_ns(), end_time_unix_nano=time.time_ns())
            self.outcomes.append(self.sender.send(request.SerializeToString()))
        self.sender.close()


def test_no_span_is_lost_over_reloads(clew):
    sender = Sender(clew)
    sender.start()
    for round in range(5):
        said = clew.reload(f"seal: {{spans: {20 + round}, carry: 0s}}\nretention: {{age: {round + 2}d}}\n")
        assert f"seal.spans is {20 + round}" in said
        assert f"retention.age is {round + 2}d" in said
    wait_for(lambda: len(sender.outcomes) > 50, clew)
    sender.over.set()
    sender.join()
    assert all(outcome.ok for outcome in sender.outcomes)
    found = clew.get("/clew/v1/search?limit=10000&q=%7B%7D").json()
    assert len(found["traces"]) == min(len(sender.outcomes), 10_000)
    wait_for(lambda: clew.metrics()["clew_store_seals_total"] >= 1, clew)  # by the new number of spans


def test_retention_that_is_lowered_takes_effect(clew):
    sender = Sender(clew)
    sender.start()
    time.sleep(0.3)
    sender.over.set()
    sender.join()
    clew.command("admin", "flush")
    clew.reload("retention: {age: 1s}\n")
    wait_for(lambda: clew.metrics()["clew_store_expired_spans_total"] >= len(sender.outcomes), clew)


def test_what_takes_a_restart_is_named(clew):
    said = clew.reload("listen: {http: ':1'}\nretention: {age: 2d}\n")
    assert "listen.http" not in said  # --set of the command line stands above the file
    said = clew.reload("query: {threads: 7}\nretention: {age: 3d}\n")
    assert "query.threads stays 2: 7 takes a restart" in said


def test_a_mistake_changes_nothing(clew):
    said = clew.reload("retention: {age: soon}\nlog: {level: debug}\n")
    assert "clew.yaml:1: retention.age: 'soon' is not a duration" in said
    assert "nothing is changed" in said
    assert "no setting has changed" in clew.reload("retention: {age: 1d}\n")


def test_the_form_of_the_log_changes(clew):
    clew.reload("log: {format: json}\nretention: {age: 5d}\n")
    assert "no setting has changed" in clew.reload("log: {format: json}\nretention: {age: 5d}\n")
    assert clew.log_tail(1).startswith('{"time":"')
