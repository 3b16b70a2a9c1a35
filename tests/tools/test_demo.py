# SPDX-License-Identifier: Apache-2.0
"""`clew demo` and `./run --demo`: what a newcomer meets first is there, true, and ends when it is told to."""

import re
import signal
import subprocess
import time

import pytest
from clew_command import api, grpc, http, run
from clew_process import BINARY, ROOT, Clew

ORDER = """\
5 spans, 5 services, 450ms from {start}

API Gateway          gateway     ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━   450ms
└─ Order             order        ╺━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━            390ms
   ├─ Inventory      inventory      ╺━━━━━━━━━━━━━━━━━                                                             100ms
   └─ Payment        payment                           ╺━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸               250ms
      └─ Fraud Check fraud-check                         ╺━━━━━━━━━━━━━━━━━━╸                                      110ms
"""


@pytest.fixture(scope="module")
def clew(tmp_path_factory):
    with Clew(tmp_path_factory.mktemp("demo")) as server:
        yield server


@pytest.mark.parametrize("target", [grpc, http])
def test_the_order_example_is_the_picture_of_the_documents(clew, target):
    sent = run("demo", "--trace", "order", "--target", target(clew))
    assert sent.returncode == 0, sent.stderr
    assert re.fullmatch(r"[0-9a-f]{32}\n", sent.stdout)
    assert f"clew trace {sent.stdout.strip()}" in sent.stderr
    shown = run("trace", sent.stdout.strip(), "--server", api(clew), env={"COLUMNS": "120"}).stdout
    start = re.search(r"from (\S+)", shown).group(1)
    assert shown == f"trace {sent.stdout}" + ORDER.format(start=start)
    spans = {span["name"]: span
             for resource in clew.get(f"/clew/v1/traces/{sent.stdout.strip()}").json()["resourceSpans"]
             for scope in resource["scopeSpans"] for span in scope["spans"]}
    begin = int(spans["API Gateway"]["startTimeUnixNano"])
    milliseconds = {name: ((int(span["startTimeUnixNano"]) - begin) / 1e6, (int(span["endTimeUnixNano"]) - begin) / 1e6)
                    for name, span in spans.items()}
    assert milliseconds == {"API Gateway": (0, 450), "Order": (10, 400), "Inventory": (20, 120), "Payment": (130, 380),
                            "Fraud Check": (140, 250)}


def test_the_shop_is_there_at_once(clew):
    result = run("demo", "--target", grpc(clew), "--rate", "100", "--duration", "5s", "--seed", "1")
    assert result.returncode == 0, result.stderr
    sent = int(re.search(r"requests, (\d+) spans sent in \d+ s\n$", result.stderr).group(1))
    assert sent > 1000 and "not acknowledged" not in result.stderr and "rejected" not in result.stderr
    graph = clew.get("/clew/v1/graph").json()
    kinds = {node["name"]: node["kind"] for node in graph["nodes"]}
    assert list(kinds.values()).count("service") >= 12, kinds
    assert {"database", "messaging", "external"} <= set(kinds.values()), kinds
    edges = {(edge["caller"], edge["callee"]) for edge in graph["edges"]}
    wanted = {("gateway", "order"), ("order", "payment"), ("payment", "fraud-check"), ("order", "order-worker"),
              ("order-worker", "notifications")}
    assert wanted <= edges, (wanted - edges, graph)


def test_it_ends_when_it_is_told_to(clew):
    for number in (signal.SIGINT, signal.SIGTERM):
        with subprocess.Popen([BINARY, "demo", "--target", http(clew), "--rate", "50"], stderr=subprocess.PIPE,
                              text=True) as demo:
            assert "Ctrl-C ends it" in demo.stderr.readline()
            demo.send_signal(number)
            assert demo.wait(30) == 0
            assert "spans sent" in demo.stderr.read()


def test_it_says_what_is_wrong(clew):
    nobody = run("demo", "--target", "grpc://127.0.0.1:1")
    assert nobody.returncode == 1 and "is `clew serve` running?" in nobody.stderr
    assert run("demo", "--trace", "order", "--target", "http://127.0.0.1:1").returncode == 1
    assert run("demo", "--target", "localhost:4317").returncode == 2
    assert run("demo", "--rate", "0").returncode == 2
    assert run("demo", "--duration", "soon").returncode == 2
    # A door that is there, but not for spans.
    wrong = run("demo", "--target", api(clew))
    assert wrong.returncode == 1 and "refused: 404" in wrong.stderr


def test_run_with_demo_starts_both_and_ends_both(tmp_path):
    settings = [f"listen.{door}=127.0.0.1:0" for door in ("otlp_grpc", "otlp_http", "http")]
    command = [ROOT / "tools/demo", BINARY, *[word for setting in settings for word in ("--set", setting)]]
    both = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
    try:
        seen = ""
        for line in both.stdout:
            seen += line
            if "Ctrl-C ends it\n" in line:
                break
        suggested = re.findall(r"^  (\S+clew (?:trace|search) .*)$", seen, re.MULTILINE)
        assert len(suggested) == 3, seen
        for words in suggested:
            deadline = time.monotonic() + 30
            while (result := subprocess.run(words, shell=True, capture_output=True, text=True)).stdout == "":
                assert time.monotonic() < deadline, f"{words}: {result.stderr}"
            assert result.returncode == 0, result.stderr
    finally:
        both.send_signal(signal.SIGINT)
    rest = both.communicate(timeout=30)[0]
    assert both.returncode == 0, rest
    assert "stopping on SIGTERM" in rest and "spans sent in" in rest
    # The server's port is free again: it has ended, too.
    address = re.search(r"listening on (\S+) for HTTP: page", seen).group(1)
    assert run("search", "{}", "--server", f"http://{address}").returncode == 1
