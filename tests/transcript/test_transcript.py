# SPDX-License-Identifier: Apache-2.0
"""Runs the transcripts beside this file: commands as a user types them, and what they print.

    # A comment.
    $ clew traceql check '{ .a = }'         a command of bash; standard output and error together
    clew: 1:8: …                            what it prints: `…` stands for any text in a line,
    ...                                     a line of three dots for any lines
    [exit 1]                                only if it is not 0

The commands of a file run one after the other in one folder, with a server beside them that knows two traces of the
service `shop`: $TRACE, three spans and whole, and another one with an error. Its address is $CLEW_SERVER; $HTTP,
$OTLP_HTTP and $OTLP_GRPC are its doors as host:port, $DATA is its folder. CLEW_RECORD=1 writes what is printed into the
files instead, to be read before it is kept.
"""

import os
import pathlib
import re
import subprocess
import time

import pytest
from clew_process import BINARY, Clew
from otlp import HttpSender, new_request

FOLDER = pathlib.Path(__file__).parent
RECORD = "CLEW_RECORD" in os.environ
SECONDS = 60
TRACE = 0x5B8AA5A2D2C872E8321CF37308D69DF2
ERROR_TRACE = 0x1DD3B0A5EB9E4A5C9B0C7A3F5A0E8D11


class Step:
    def __init__(self, line, command):
        self.line, self.command, self.expected, self.exit = line, command, [], 0


def read(path):
    """The lines before the first command, and the steps."""
    head, steps = [], []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("$ "):
            steps.append(Step(number, line[2:]))
        elif not steps:
            head.append(line)
        elif match := re.fullmatch(r"\[exit (\d+)\]", line):
            steps[-1].exit = int(match[1])
        elif not line.startswith("#"):
            steps[-1].expected.append(line)
    for step in steps:
        while step.expected and not step.expected[-1]:
            step.expected.pop()
    return head, steps


def matches(expected, printed):
    """Does each line stand for what was printed?"""
    pattern = ""
    for line in expected:
        if line == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*?".join(re.escape(part) for part in line.split("…")) + r"\n"
    return re.fullmatch(pattern, "".join(line + "\n" for line in printed)) is not None


def send_traces(clew):
    now = time.time_ns()
    for trace, names in ((ERROR_TRACE, ["GET /cart"]), (TRACE, ["POST /order", "charge card", "INSERT orders"])):
        request, spans = new_request("shop")
        for number, name in enumerate(names):
            span = spans.add(trace_id=trace.to_bytes(16, "big"), span_id=(number + 1).to_bytes(8, "big"), name=name)
            span.parent_span_id = number.to_bytes(8, "big") if number else b""
            span.start_time_unix_nano = now - 60_000_000_000 + number * 10_000_000
            span.end_time_unix_nano = span.start_time_unix_nano + 100_000_000 - number * 20_000_000
            if trace == ERROR_TRACE:
                span.status.code = 2
                span.status.message = "out of stock"
        sender = HttpSender(clew.doors["otlp_http"])
        assert sender.send(request.SerializeToString()).ok
        sender.close()


@pytest.fixture(scope="module")
def clew(tmp_path_factory):
    with Clew(tmp_path_factory.mktemp("transcript")) as running:
        send_traces(running)
        yield running


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_transcript(path, clew, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "clew").symlink_to(BINARY)
    (tmp_path / "here").mkdir()
    environment = {
        "PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tmp_path), "LANG": "C.UTF-8", "COLUMNS": "100",
        "CLEW_SERVER": f"http://{clew.doors['http']}", "HTTP": clew.doors["http"],
        "OTLP_HTTP": clew.doors["otlp_http"], "OTLP_GRPC": clew.doors["otlp_grpc"],
        "DATA": str(clew.folder / "data"), "TRACE": f"{TRACE:032x}",
    }
    head, steps = read(path)
    assert steps, "no command"
    recorded = list(head)
    for step in steps:
        result = subprocess.run(["bash", "-c", step.command], cwd=tmp_path / "here", env=environment,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS,
                                stdin=subprocess.DEVNULL)
        printed = result.stdout.splitlines()
        while printed and not printed[-1]:
            printed.pop()
        if RECORD:
            recorded += [f"$ {step.command}", *printed]
            recorded += [f"[exit {result.returncode}]"] if result.returncode else []
            recorded.append("")
            continue
        where = f"{path.name}:{step.line}: $ {step.command}\n{result.stdout}"
        assert result.returncode == step.exit, where
        assert matches(step.expected, printed), where
    if RECORD:
        path.write_text("\n".join(recorded).rstrip("\n") + "\n")


def test_a_line_that_differs_is_seen():
    assert matches(["a … c", "...", "z"], ["a b c", "x", "y", "z"])
    assert not matches(["a … c"], ["a b d"])
    assert not matches(["a"], ["a", "b"])
    assert not matches(["a.c"], ["abc"])
