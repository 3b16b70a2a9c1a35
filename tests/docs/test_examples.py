# SPDX-License-Identifier: Apache-2.0
"""Every `clew …` line of the README and the documents is run, against a server that knows the simulated shop.

Addresses, folders, files and trace ids of an example stand for those of the test. What is printed under a command is
not compared here (tests/transcript does that); it has to succeed, or to fail where the example is about a failure.
"""

import re
import subprocess

import pytest
from clew_process import BINARY, Clew
from docs.pages import blocks, pages

SECONDS = 60
GUIDE = "docs/guide/first-trace.md"  # run as a whole by test_guide.py
# Examples that show what is answered to a mistake.
FAILING = {"clew traceql check '{ span.foo = }'": 1}
# Servers and senders that run until they are told to stop; the last is the line without a limit.
ENDLESS = re.compile(r"clew (serve|demo)\b(?!.*--(duration|trace))")


def examples():
    for page in pages():
        if page == GUIDE:
            continue
        for block in blocks(page):
            for offset, line in enumerate(block.text.splitlines(), 1):
                if match := re.match(r"(?:\$ )?(clew .*)", line):
                    yield pytest.param(match[1], id=f"{page}:{block.line + offset}")


@pytest.fixture(scope="module")
def clew(tmp_path_factory):
    with Clew(tmp_path_factory.mktemp("examples")) as running:
        subprocess.run([BINARY, "load", "--target", f"grpc://{running.doors['otlp_grpc']}", "--spans", "2000"],
                       check=True, stdout=subprocess.DEVNULL)
        running.command("export", "{}", "--format", "otlp-protobuf", "--output", running.folder / "exported.otlp.zst")
        yield running


@pytest.fixture(scope="module")
def trace(clew):
    return clew.get("/clew/v1/search?limit=1").json()["traces"][0]["traceId"]


def of_the_test(line, clew, trace):
    line = re.sub(r"\b(localhost|127\.0\.0\.1):4317\b", clew.doors["otlp_grpc"], line)
    line = re.sub(r"\b(localhost|127\.0\.0\.1):4318\b", clew.doors["otlp_http"], line)
    line = re.sub(r"\b(localhost|127\.0\.0\.1):16686\b", clew.doors["http"], line)
    line = re.sub(r"\b[0-9a-f]{32}\b", trace, line)
    line = re.sub(r"--data \S+", f"--data {clew.folder / 'data'}", line)
    line = re.sub(r"(?<=import )\S+\.otlp\.zst", str(clew.folder / "exported.otlp.zst"), line)
    return re.sub(r"--duration \S+", "--duration 500ms", line)


@pytest.mark.parametrize("line", examples())
def test_example(line, clew, trace, tmp_path):
    if ENDLESS.match(line):
        pytest.skip("runs until it is stopped; tests of its own start it")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "clew").symlink_to(BINARY)
    environment = {"PATH": f"{tools}:/usr/bin:/bin", "CLEW_SERVER": f"http://{clew.doors['http']}", "LANG": "C.UTF-8",
                   "CLEW_TARGET": f"grpc://{clew.doors['otlp_grpc']}"}
    example = of_the_test(line, clew, trace)
    result = subprocess.run(["bash", "-c", example], cwd=tmp_path, env=environment, capture_output=True, text=True,
                            timeout=SECONDS, stdin=subprocess.DEVNULL)
    wanted = next((code for start, code in FAILING.items() if line.startswith(start)), 0)
    assert result.returncode == wanted, f"$ {example}\n{result.stdout}{result.stderr}"
