# SPDX-License-Identifier: Apache-2.0
"""`clew load`: its accounting is that of the server, whatever it sends and how; a server that stands still shows."""

import json
import os
import pathlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from clew_command import grpc, http, run
from clew_process import Clew

RECORDED = pathlib.Path(os.environ.get("CLEW_TEST_DATA", "/none")) / "otel-demo.otlp.zst"


def load(target, *arguments):
    result = run("load", "--target", target, *arguments)
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["sent"] == answer["acknowledged"] + answer["rejected"] + answer["unanswered"]
    latencies = answer["ack_ms"]
    assert 0 < latencies["p50"] <= latencies["p95"] <= latencies["p99"] <= latencies["max"]
    return answer


def spans_of(clew):
    """Spans that the server counts, over all services."""
    return sum(service["spanCount"] for service in clew.get("/clew/v1/services").json()["services"])


@pytest.fixture(scope="module")
def clew(tmp_path_factory):
    with Clew(tmp_path_factory.mktemp("load")) as server:
        yield server


@pytest.mark.parametrize("target", (grpc, http))
@pytest.mark.parametrize("compression", ("none", "gzip", "zstd"))
@pytest.mark.parametrize("profile", ("demo", "fat"))
def test_each_span_is_there(clew, target, compression, profile):
    before = spans_of(clew)
    answer = load(target(clew), "--spans", "5000", "--compression", compression, "--profile", profile, "--batch", "500")
    assert answer["sent"] == 5000 == answer["acknowledged"] and answer["unsent"] == 0
    assert spans_of(clew) - before == 5000


def test_rounds_of_a_file_are_new_traces(clew):
    if not RECORDED.exists():
        pytest.skip("no recorded traffic: CLEW_TEST_DATA")
    before = spans_of(clew)
    # More than the file holds, so that it is sent a second time: with other ids, or it would be taken for the same.
    answer = load(grpc(clew), "--file", RECORDED, "--spans", "100000", "--connections", "1")
    assert answer["acknowledged"] == answer["sent"] >= 100000
    assert spans_of(clew) - before == answer["sent"]


def test_a_rate_is_kept(clew):
    answer = load(grpc(clew), "--rate", "2000", "--duration", "3s", "--batch", "100")
    assert answer["sent"] + answer["unsent"] >= 6000
    assert answer["sent"] <= 6100


class Slow(BaseHTTPRequestHandler):
    """Stands still for half a second at every request."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        time.sleep(0.5)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *ignored):
        pass


def test_a_server_that_stands_still_shows():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        answer = load(f"http://127.0.0.1:{server.server_port}", "--connections", "1", "--rate", "1000", "--batch", "100",
                      "--duration", "3s")
    finally:
        server.shutdown()
        server.server_close()
    # One request in half a second, where ten a second were due: the later ones waited for seconds, though each took
    # half of one.
    assert answer["sent"] <= 700 and answer["unsent"] >= 2300
    assert answer["ack_ms"]["max"] > 2000


def test_what_is_wrong_is_said(tmp_path):
    nobody = run("load", "--target", "grpc://127.0.0.1:1", "--spans", "100", "--batch", "100")
    assert nobody.returncode == 1 and "acknowledged nothing" in nobody.stderr
    assert json.loads(nobody.stdout)["unanswered"] == 100
    assert run("load", "--target", "nowhere").returncode == 2
    assert run("load", "--target", "grpc://127.0.0.1:1", "--duration", "soon").returncode == 2
    assert run("load", "--target", "grpc://127.0.0.1:1", "--file", tmp_path / "none").returncode == 3
    bad = tmp_path / "bad"
    bad.write_bytes(b"\x0a\x7fno")
    refused = run("load", "--target", "grpc://127.0.0.1:1", "--file", bad)
    assert refused.returncode == 2 and "byte 0: the file ends within resource_spans" in refused.stderr
