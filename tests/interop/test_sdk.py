# SPDX-License-Identifier: Apache-2.0
"""What applications instrumented with the OpenTelemetry SDKs of Python and Node send is what Clew shows.

One request goes through the five processes of a small shop (python/shop.py, node/shop.js). Each process records the
spans that it finished, by itself; the test holds that record, field by field and in order, against the native API, the
Jaeger API, the commands, and the waterfall. Nothing waits or polls: an exporter that has returned was acknowledged, and
what was acknowledged is there.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

from clew_process import ROOT, Clew
from interop import records

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("CLEW_BUILD", ROOT / "build"))
PROCESS_SECONDS = 60
ROLES = ("client", "gateway", "order", "inventory", "payment")
# Roles that must listen before the ones that call them start.
START_ORDER = ("payment", "inventory", "order", "gateway")
CALLS = {"gateway": ["order"], "order": ["inventory", "payment"], "client": ["gateway"], "inventory": [], "payment": []}

ALL_PYTHON = dict.fromkeys(ROLES, "python")
ALL_NODE = dict.fromkeys(ROLES, "node")
MIXED = {"client": "node", "gateway": "python", "order": "node", "inventory": "python", "payment": "node"}


def case(name, languages, python_protocol, node_protocol, compression):
    return pytest.param((languages, {"python": python_protocol, "node": node_protocol}, compression), id=name)


CASES = [
    case("python-grpc", ALL_PYTHON, "grpc", None, "none"),
    case("python-grpc-gzip", ALL_PYTHON, "grpc", None, "gzip"),
    case("python-http", ALL_PYTHON, "http/protobuf", None, "none"),
    case("python-http-gzip", ALL_PYTHON, "http/protobuf", None, "gzip"),
    case("node-grpc", ALL_NODE, None, "grpc", "none"),
    case("node-grpc-gzip", ALL_NODE, None, "grpc", "gzip"),
    case("node-http", ALL_NODE, None, "http/protobuf", "none"),
    case("node-http-gzip", ALL_NODE, None, "http/protobuf", "gzip"),
    case("node-json", ALL_NODE, None, "http/json", "none"),
    case("node-json-gzip", ALL_NODE, None, "http/json", "gzip"),
    case("mixed", MIXED, "grpc", "http/json", "gzip"),
]


@pytest.fixture(scope="session")
def node_modules():
    """The Node SDK, installed from the lock file into the build folder."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    folder = BUILD / "node"
    lock = (HERE / "node/package-lock.json").read_text()
    marker = folder / "installed-lock.json"
    if not (marker.exists() and marker.read_text() == lock):
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "node" / name, folder / name)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True)
        marker.write_text(lock)
    return folder / "node_modules"


@pytest.fixture(scope="module")
def clew(tmp_path_factory):
    with Clew(tmp_path_factory.mktemp("clew")) as server:
        yield server


class Process:
    """One role of the shop."""

    def __init__(self, role, language, command, folder, environment):
        self.role, self.language = role, language
        self.record_path = folder / f"{role}.json"
        self.errors_path = folder / f"{role}.err"
        with open(self.errors_path, "wb") as errors:
            self.process = subprocess.Popen([*command, "--role", role, "--record", str(self.record_path)],
                                            stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL, text=True,
                                            env=environment)

    def address(self):
        line = self.process.stdout.readline()
        assert line.startswith("listening "), f"{self.role} does not listen: {self.errors_path.read_text()}"
        return f"127.0.0.1:{int(line.split()[1])}"

    def wait(self):
        status = self.process.wait(PROCESS_SECONDS)
        assert status == 0, f"{self.role} ended with {status}: {self.errors_path.read_text()}"


class Run:
    """One request through the shop: what the processes recorded, and what they complained about."""

    def __init__(self, languages, protocols, compression, clew, modules, folder):
        self.processes = {}
        environment = {**os.environ, "NODE_PATH": str(modules or ""), "OTEL_PYTHON_LOG_LEVEL": "warning"}
        for name in [name for name in environment if name.startswith("OTEL_EXPORTER_")]:
            del environment[name]
        addresses = {}
        try:
            for role in (*START_ORDER, "client"):
                language = languages[role]
                protocol = protocols[language]
                program = {"python": [sys.executable, str(HERE / "python/shop.py")],
                           "node": ["node", str(HERE / "node/shop.js")]}[language]
                door = clew.doors["otlp_grpc" if protocol == "grpc" else "otlp_http"]
                command = [*program, "--protocol", protocol, "--compression", compression,
                           "--endpoint", f"http://{door}"]
                for called in CALLS[role]:
                    command += ["--next", f"{called}={addresses[called]}"]
                process = self.processes[role] = Process(role, language, command, folder, environment)
                if role != "client":
                    addresses[role] = process.address()
            self.processes["client"].wait()
            for role in reversed(START_ORDER):
                self.processes[role].process.send_signal(signal.SIGTERM)
            for role in START_ORDER:
                self.processes[role].wait()
        finally:
            for process in self.processes.values():
                process.process.kill()
                process.process.wait()
                process.process.stdout.close()
        recorded = {role: json.loads(process.record_path.read_text()) for role, process in self.processes.items()}
        self.spans = [span for spans in recorded.values() for span in spans]
        self.trace_id = recorded["client"][0]["trace_id"]
        self.trace = [span for span in self.spans if span["trace_id"] == self.trace_id]


@pytest.fixture(scope="module", params=CASES)
def shop(request, clew, tmp_path_factory):
    languages, protocols, compression = request.param
    modules = request.getfixturevalue("node_modules") if "node" in languages.values() else None
    return Run(languages, protocols, compression, clew, modules, tmp_path_factory.mktemp("shop"))


def test_the_request_is_worth_looking_at(shop):
    """The sender's record itself holds what this suite is about: else the other tests would prove little."""
    services = {value["string"] for span in shop.trace for key, value in span["resource"] if key == "service.name"}
    assert services == {f"shop-{role}" for role in ROLES}
    assert len(shop.trace) >= 50
    assert {span["kind"] for span in shop.trace} == {1, 2, 3, 4, 5}
    assert {span["status"]["code"] for span in shop.trace} == {0, 1, 2}
    assert {span["trace_state"] for span in shop.trace} == {"clew=t61rcWkgMzE,shop=1"}
    assert any(event["name"] == "exception" for span in shop.trace for event in span["events"])
    assert any(span["links"] for span in shop.trace)
    kinds = {kind for span in shop.trace for _, value in span["attributes"] for kind in value}
    assert kinds >= {"string", "bool", "int", "double", "array"}


def test_no_process_complains(shop):
    """No exporter logs an error, not even for logs and metrics, which Clew refuses with a partial success."""
    for role, process in shop.processes.items():
        lines = process.errors_path.read_text().splitlines()
        complaints = [line for line in lines if line.strip() and "partial" not in line.lower()]
        assert not complaints, f"{role}: {complaints}"


def test_native_api_equals_what_was_sent(clew, shop):
    answer = clew.get(f"/clew/v1/traces/{shop.trace_id}")
    assert answer.status == 200, answer
    lines = records.difference(shop.trace, records.records_of_otlp(records.parse(answer.body)))
    assert not lines, "\n".join(lines)


def test_every_other_trace_came_too(clew, shop):
    others = {span["trace_id"] for span in shop.spans} - {shop.trace_id}
    assert others
    for trace_id in others:
        sent = [span for span in shop.spans if span["trace_id"] == trace_id]
        answer = clew.get(f"/clew/v1/traces/{trace_id}")
        lines = records.difference(sent, records.records_of_otlp(records.parse(answer.body)))
        assert not lines, "\n".join(lines)


def test_jaeger_api_equals_what_was_sent(clew, shop):
    answer = clew.get(f"/api/traces/{shop.trace_id}")
    assert answer.status == 200, answer
    trace, = answer.json()["data"]
    assert trace["traceID"] == shop.trace_id
    sent = {record["span_id"]: record for record in shop.trace}
    assert sorted(span["spanID"] for span in trace["spans"]) == sorted(sent)
    for span in trace["spans"]:
        record = sent[span["spanID"]]
        expected = records.jaeger_expectation(record)
        shown = records.jaeger_span(span, trace["processes"], record)
        # Jaeger adds tags of its own (status, tracestate); those of the sender come in their order.
        shown["tags"] = [tag for tag in shown["tags"] if tag in expected["tags"]]
        assert len(span["logs"]) == len(record["events"])
        assert shown == expected


def test_trace_command_prints_the_same_spans(clew, shop):
    printed = records.parse(clew.command("trace", shop.trace_id, "--format", "otlp"))
    lines = records.difference(shop.trace, records.records_of_otlp(printed))
    assert not lines, "\n".join(lines)


def test_waterfall_shows_every_span_in_tree_order(clew, shop):
    text = clew.command("trace", shop.trace_id)
    rest = text
    for name in records.tree_order(shop.trace):
        assert name in rest, f"{name} is missing or out of order in\n{text}"
        rest = rest[rest.index(name) + len(name):]
    for role in ROLES:
        assert f"shop-{role}" in text
    assert "PaymentDeclined" in text or "✗" in text or "error" in text.lower()


def test_search_finds_it_at_once(clew, shop):
    query = f'{{ resource.service.name = "shop-payment" && status = error && trace:id = "{shop.trace_id}" }}'
    printed = clew.command("search", query, "--since", "1h", "--format", "json")
    assert shop.trace_id in printed
