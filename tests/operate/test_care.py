# SPDX-License-Identifier: Apache-2.0
"""What docs/operate promises: backups that restore, damage that is found and said, a full disk that frees itself."""

import os
import pathlib
import shutil
import signal
import subprocess

import pytest
from clew_process import BINARY, Clew
from otlp import HttpSender, new_request

TRACES = 50
SPANS = 20


def trace_id(number):
    return (0xC1E3 << 64) + number


def send(clew, numbers):
    """Acknowledged traces of SPANS spans each."""
    sender = HttpSender(clew.doors["otlp_http"])
    for number in numbers:
        request, spans = new_request("shop")
        for place in range(SPANS):
            span = spans.add()
            span.trace_id = trace_id(number).to_bytes(16, "big")
            span.span_id = (number * SPANS + place + 1).to_bytes(8, "big")
            span.name = f"step {place}"
            span.start_time_unix_nano = 1_790_000_000_000_000_000 + number * 1_000_000
            span.end_time_unix_nano = span.start_time_unix_nano + 1000
        assert sender.send(request.SerializeToString()).ok
    sender.close()


def spans_of(clew, number):
    answer = clew.get(f"/clew/v1/traces/{trace_id(number):032x}?format=otlp")
    if answer.status == 404:
        return 0
    assert answer.status == 200, answer
    return sum(len(scope["spans"]) for resource in answer.json()["resourceSpans"] for scope in resource["scopeSpans"])


def verify(folder):
    return subprocess.run([BINARY, "verify", "--data", folder], capture_output=True, text=True)


def test_a_snapshot_of_the_running_server_restores(tmp_path):
    with Clew(tmp_path / "one") as clew:
        send(clew, range(TRACES))
        clew.command("admin", "flush")
        send(clew, range(TRACES, 2 * TRACES))
        # A moment at which nothing is written, as a snapshot of the disk is one.
        clew.process.send_signal(signal.SIGSTOP)
        shutil.copytree(tmp_path / "one/data", tmp_path / "two/data")
        clew.process.send_signal(signal.SIGCONT)
    assert verify(tmp_path / "two/data").returncode == 0
    with Clew(tmp_path / "two") as restored:
        assert [spans_of(restored, number) for number in range(2 * TRACES)] == [SPANS] * (2 * TRACES)


def test_a_copy_of_the_stopped_server_restores(tmp_path):
    with Clew(tmp_path / "one") as clew:
        send(clew, range(TRACES))
        clew.stop()
    shutil.copytree(tmp_path / "one/data", tmp_path / "two/data")
    with Clew(tmp_path / "two") as restored:
        assert [spans_of(restored, number) for number in range(TRACES)] == [SPANS] * TRACES


def test_one_folder_is_for_one_server(tmp_path):
    with Clew(tmp_path) as clew:
        command = [BINARY, "serve", "--data", str(clew.folder / "data")]
        for door in clew.doors:
            command += ["--set", f"listen.{door}=127.0.0.1:0"]
        second = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert second.returncode == 1
    assert "is in use by another process" in second.stderr
    assert str(clew.folder / "data") in second.stderr


def largest_object(folder):
    return max((path for path in pathlib.Path(folder, "objects").rglob("*") if path.is_file()),
               key=lambda path: path.stat().st_size)


def test_damage_is_found_and_said(tmp_path):
    with Clew(tmp_path) as clew:
        send(clew, range(TRACES))
        clew.command("admin", "flush")
        clew.stop()
        assert verify(tmp_path / "data").returncode == 0
        block = largest_object(tmp_path / "data")
        content = bytearray(block.read_bytes())
        content[len(content) // 3] ^= 0x10
        block.write_bytes(content)
        found = verify(tmp_path / "data")
        assert found.returncode == 1
        assert block.name in found.stdout + found.stderr
        # The server starts all the same, takes spans, and does not pass off a part for the whole.
        clew.start()
        send(clew, range(TRACES, TRACES + 1))
        assert spans_of(clew, TRACES) == SPANS
        answer = clew.get("/clew/v1/search?limit=1000&q=" + "%7B%20name%20%3D%20%22step%203%22%20%7D").json()
        assert not answer["complete"]
        assert "damaged block" in answer["reason"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, of 256 MiB in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "none", folder], capture_output=True).returncode != 0:
        pytest.skip("mounting a file system takes root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


class Trickle:
    """Sends spans of 64 KiB one after the other."""

    def __init__(self, clew):
        self.sender = HttpSender(clew.doors["otlp_http"])
        self.count = 0

    def send(self):
        self.count += 1
        request, spans = new_request("shop")
        span = spans.add(trace_id=b"\1" * 16, span_id=self.count.to_bytes(8, "big"), name="trickle")
        span.attributes.add(key="padding").value.string_value = os.urandom(32 << 10).hex()
        return self.sender.send(request.SerializeToString())

    def until_refused(self, requests_max=10_000):
        for _ in range(requests_max):
            outcome = self.send()
            if not outcome.ok:
                return outcome
        raise AssertionError("was never refused")


@pytest.mark.parametrize("floor", ["64MiB", "0"], ids=["at the floor", "without a floor"])
def test_a_full_disk_refuses_and_goes_on_when_there_is_space(small_disk, floor):
    settings = [f"journal.free_space_floor={floor}", "journal.segment_size=4MiB", "retention.disk_percent=unlimited"]
    with Clew(small_disk, settings) as clew:
        send(clew, range(10))
        filler = small_disk / "something else"
        with open(filler, "wb") as taken:
            os.posix_fallocate(taken.fileno(), 0, 150 << 20)
        trickle = Trickle(clew)
        refused = trickle.until_refused()
        assert refused.code == "503", refused
        assert refused.retry_after
        assert "free on the disk" in refused.message or "No space left" in refused.message, refused
        assert [spans_of(clew, number) for number in range(10)] == [SPANS] * 10
        assert clew.get("/ready").status == 200
        filler.unlink()
        send(clew, range(10, 20))
        assert [spans_of(clew, number) for number in range(20)] == [SPANS] * 20
