# SPDX-License-Identifier: Apache-2.0
"""`clew import` and `clew export`: what is exported and imported again is what was there, in every form and packing;
every span is accounted for; and what cannot be read is named with its place."""

import gzip
import json
import os
import pathlib
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from clew_command import api, grpc, http, run
from clew_process import BINARY, Clew
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from otlp import new_request

FORMATS = ("otlp-json-lines", "otlp-json", "otlp-protobuf", "otlp-frames")
RECORDED = pathlib.Path(os.environ.get("CLEW_TEST_DATA", "/none")) / "otel-demo.otlp.zst"
SOME = 300  # traces, where all of them would take long


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A server with the recorded traffic, or the shop's where there is none."""
    with Clew(tmp_path_factory.mktemp("source")) as server:
        if RECORDED.exists():
            result = run("import", RECORDED, "--target", grpc(server), timeout=300)
            assert result.returncode == 0, result.stderr
            assert re.match(r"64151 spans read, 64151 acknowledged, 0 refused, 0 unknown in ", result.stdout)
        else:
            run("demo", "--target", grpc(server), "--rate", "100", "--duration", "5s")
        yield server


def traces(clew, limit=0):
    """{trace id: its spans in a form that does not depend on their order} of the newest so many, or of all."""
    result = run("export", "{}", "--limit", limit, "--server", api(clew), timeout=300)
    assert result.returncode == 0, result.stderr
    return {trace_id: spans for trace_id, spans in map(canonical, result.stdout.splitlines())}


def canonical(line):
    spans = []
    for resource in json.loads(line)["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                spans.append(json.dumps([resource.get("resource"), resource.get("schemaUrl"), scope.get("scope"),
                                         scope.get("schemaUrl"), span], sort_keys=True))
    return json.loads(spans[0])[4]["traceId"], sorted(spans)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("suffix", ("", ".gz", ".zst"))
def test_what_is_exported_and_imported_is_the_same(source, tmp_path, form, suffix):
    file = tmp_path / f"exported{suffix}"
    result = run("export", "{}", "--limit", SOME, "--format", form, "--output", file, "--server", api(source))
    assert result.returncode == 0, result.stderr
    assert "traces exported" in result.stderr and result.stdout == ""
    magic = {"": None, ".gz": b"\x1f\x8b", ".zst": b"\x28\xb5\x2f\xfd"}[suffix]
    assert magic is None or file.read_bytes().startswith(magic)
    with Clew(tmp_path / "copy") as copy:
        result = run("import", file, "--target", http(copy))
        assert result.returncode == 0, result.stderr
        assert traces(copy) == traces(source, SOME)


def test_all_of_it_is_the_same(source, tmp_path):
    file = tmp_path / "all.zst"
    assert run("export", "{}", "--format", "otlp-frames", "--output", file, "--server", api(source)).returncode == 0
    with Clew(tmp_path / "copy") as copy:
        assert run("import", file, "--target", grpc(copy)).returncode == 0
        assert traces(copy) == traces(source)


def test_other_programs_read_it(source):
    exported = subprocess.run([BINARY, "export", "{}", "--limit", "20", "--format", "otlp-protobuf", "--server",
                               api(source)], capture_output=True, check=True).stdout
    ids = {span.trace_id for resource in TracesData.FromString(exported).resource_spans
           for scope in resource.scope_spans for span in scope.spans}
    assert len(ids) == 20
    document = run("export", "{}", "--limit", "20", "--format", "otlp-json", "--server", api(source)).stdout
    ids = {span["traceId"] for resource in json.loads(document)["resourceSpans"]
           for scope in resource["scopeSpans"] for span in scope["spans"]}
    assert len(ids) == 20


def test_export_is_of_whole_traces_in_the_order_of_a_search(source):
    query = "{ status = error }"
    found = run("search", query, "--limit", "7", "--format", "json", "--server", api(source)).stdout
    lines = run("export", query, "--limit", "7", "--server", api(source)).stdout.splitlines()
    assert [canonical(line)[0] for line in lines] == [trace["traceId"] for trace in json.loads(found)["traces"]]
    for line, trace in zip(lines, json.loads(found)["traces"]):
        assert len(canonical(line)[1]) == trace["spanCount"]
    # Over the border of a page, nothing is twice or missing.
    exported = run("export", "{}", "--limit", "450", "--server", api(source)).stdout
    ids = [canonical(line)[0] for line in exported.splitlines()]
    assert len(ids) == len(set(ids)) == 450


def test_times_of_export(source):
    assert run("export", "{}", "--from", "2099-01-01T00:00:00Z", "--server", api(source)).stdout == ""
    assert run("export", "{}", "--from", "soon", "--server", api(source)).returncode == 2
    assert run("export", "{}", "--since", "soon", "--server", api(source)).returncode == 2


def span(spans, number, start=1_795_200_536_000_000_000):
    one = spans.add(name=f"span {number}", trace_id=number.to_bytes(16, "big"), span_id=number.to_bytes(8, "big"))
    one.start_time_unix_nano, one.end_time_unix_nano = start, start + 1_000_000
    return one


def some_file(folder, numbers, name="spans"):
    request, spans = new_request("shop")
    for number in numbers:
        span(spans, number)
    path = folder / name
    path.write_bytes(request.SerializeToString())
    return path


def test_now_moves_the_newest_span_to_now(source, tmp_path):
    with Clew(tmp_path / "now") as clew:
        file = some_file(tmp_path, (1, 2))
        assert run("search", "{}", "--since", "1m", "--server", api(clew)).stdout == "no traces\n"
        result = run("import", file, "--now", "--target", grpc(clew))
        assert result.returncode == 0, result.stderr
        assert run("search", "{}", "--since", "1m", "--server", api(clew)).stdout.count("\n") == 3
        refused = run("import", "-", "--now", "--target", grpc(clew), input="")
        assert refused.returncode == 2 and "standard input" in refused.stderr


def test_a_pipe_from_one_server_to_another(source, tmp_path):
    with Clew(tmp_path / "other") as other:
        result = subprocess.run(
            f"{BINARY} export '{{}}' --limit 50 --server {api(source)} | {BINARY} import - --target {grpc(other)}",
            shell=True, capture_output=True, text=True, timeout=120)
        assert result.returncode == 0, result.stderr
        assert traces(other) == traces(source, 50)


def test_bad_lines_cost_only_themselves(tmp_path):
    request, spans = new_request("shop")
    span(spans, 1)
    good = MessageToDict(request)
    for one in good["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        one["traceId"], one["spanId"] = "0" * 31 + "1", "0" * 15 + "1"
    bad_span = json.loads(json.dumps(good).replace("0" * 31 + "1", "0" * 32))
    file = tmp_path / "lines.json.gz"
    file.write_bytes(gzip.compress("\n".join([json.dumps(good), '{"resourceSpans":[{', json.dumps(bad_span)]).encode()))
    with Clew(tmp_path / "lines") as clew:
        result = run("import", file, "--target", grpc(clew))
        assert result.returncode == 1
        assert result.stdout.startswith("2 spans read, 1 acknowledged, 1 refused, 0 unknown in ")
        assert f"{file}: line 2: " in result.stderr
        assert f"1 spans refused: {file}: line 3: " in result.stderr and "trace_id" in result.stderr
        assert "1 parts or files could not be read" in result.stderr


def test_files_that_are_none(tmp_path):
    good = some_file(tmp_path, (1,), "good")
    cut = tmp_path / "cut"
    cut.write_bytes(good.read_bytes()[:-5])
    text = tmp_path / "text"
    text.write_text("hello")
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    other = tmp_path / "other.json"
    other.write_text('{"data": []}')
    with Clew(tmp_path / "none") as clew:
        result = run("import", cut, text, empty, other, tmp_path / "missing", tmp_path, good, "--target", http(clew))
        assert result.returncode == 1
        # What is wrong with one file is no reason to leave out the others.
        assert result.stdout.startswith("1 spans read, 1 acknowledged, 0 refused, 0 unknown in ")
        for line in (f"{cut}: byte 0: the file ends within resource_spans; the rest is not read",
                     f"{text}: is not OTLP in protobuf, in JSON, or in frames of these: it begins with 68 65 6c 6c 6f",
                     f"{empty}: holds no spans", f"{other}: holds no spans",
                     f"{tmp_path}/missing: No such file or directory", f"{tmp_path}: is a folder"):
            assert f"clew: {line}\n" in result.stderr, result.stderr


def test_a_server_that_is_not_there(tmp_path):
    file = some_file(tmp_path, (1,))
    result = run("import", file, "--target", "grpc://127.0.0.1:1")
    assert result.returncode == 1 and "is `clew serve` running?" in result.stderr
    assert result.stdout.startswith("1 spans read, 0 acknowledged, 0 refused, 1 unknown")
    assert run("import", file, "--target", "nowhere").returncode == 2
    assert run("export", "{}", "--server", "http://127.0.0.1:1").returncode == 1


class Busy(BaseHTTPRequestHandler):
    """Answers as `answers` say, one after the other, and then accepts."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.server.requests += 1
        status, headers = self.server.answers.pop(0) if self.server.answers else (200, {})
        self.send_response(status)
        for name, value in {**headers, "content-length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *ignored):
        pass


@pytest.mark.parametrize("answers,code,requests,says", (
    ([(503, {"retry-after": "1"}), (429, {"retry-after": "0"})], 0, 3, "2 acknowledged"),
    ([(400, {})], 1, 1, "0 acknowledged, 2 refused"),
    ([(503, {"retry-after": "3600"})], 1, 1, "0 acknowledged, 0 refused, 2 unknown"),
))
def test_import_does_what_the_server_says(tmp_path, answers, code, requests, says):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    server.answers, server.requests = list(answers), 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        result = run("import", some_file(tmp_path, (1, 2)), "--target", f"http://127.0.0.1:{server.server_port}")
        assert (result.returncode, server.requests) == (code, requests), result.stderr
        assert says in result.stdout
    finally:
        server.shutdown()
        server.server_close()


def test_a_span_that_the_server_refuses_is_counted(tmp_path):
    with Clew(tmp_path / "tenants", settings=["tenancy.enabled=true"]) as clew:
        file = some_file(tmp_path, (1, 2))
        refused = run("import", file, "--target", http(clew))
        assert refused.returncode == 1 and "refused: 401" in refused.stderr
        assert run("import", file, "--target", http(clew), "--tenant", "a").returncode == 0
        exported = run("export", "{}", "--tenant", "a", "--server", api(clew))
        assert exported.stdout.count("\n") == 2
        assert run("export", "{}", "--server", api(clew)).returncode == 4


def test_export_says_what_is_wrong(source, tmp_path):
    query = run("export", "{ .a = }", "--server", api(source))
    assert query.returncode == 2 and "1:8" in query.stderr
    assert run("export", "{}", "--format", "xml", "--server", api(source)).returncode == 2
    nowhere = run("export", "{}", "--output", tmp_path / "no/such/file", "--server", api(source))
    assert nowhere.returncode == 1 and "No such file or directory" in nowhere.stderr
    # What was begun is not left behind.
    run("export", "{ .a = }", "--output", tmp_path / "out", "--server", api(source))
    assert list(tmp_path.iterdir()) == []
