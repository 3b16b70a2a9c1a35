# SPDX-License-Identifier: Apache-2.0
"""The programs of docs/guide/first-trace.md are run as they stand there, with the commands around them."""

import os
import re
import shutil
import subprocess

import pytest
from clew_process import BINARY, Clew, ROOT
from docs.pages import blocks

PAGE = "docs/guide/first-trace.md"
SECONDS = 400
# What a section needs that Clew's own tests do not; and since which version.
NEEDS = {"Python": "python3", "Node.js": "npm", "Java": "mvn", "Go": "go", "C++": "clang++-19"}
GO_VERSION_MIN = (1, 23)


@pytest.fixture(scope="module")
def clew(tmp_path_factory):
    with Clew(tmp_path_factory.mktemp("guide")) as running:
        yield running


def go_version():
    text = subprocess.run(["go", "version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in re.search(r"go(\d+)\.(\d+)", text).groups())


def skip_unless_there(language):
    if shutil.which(NEEDS[language]) is None:
        pytest.skip(f"{NEEDS[language]} is not installed")
    if language == "Go" and go_version() < GO_VERSION_MIN:
        pytest.skip("the SDK wants a newer Go")


def test_every_language_is_tried():
    assert {block.heading for block in blocks(PAGE)} == set(NEEDS)


@pytest.mark.parametrize("language", NEEDS)
def test_first_trace(language, clew, tmp_path):
    skip_unless_there(language)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "clew").symlink_to(BINARY)
    environment = {
        **os.environ,
        "PATH": f"{tools}:{os.environ['PATH']}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{clew.doors['otlp_http']}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "CLEW_SERVER": f"http://{clew.doors['http']}",
        "PIP_CONSTRAINT": str(ROOT / "tests/requirements.txt"),
        "CXX": "clang++-19",
        "GOFLAGS": "-mod=mod",
    }
    printed = ""
    for block in (block for block in blocks(PAGE) if block.heading == language):
        if block.file:
            path = tmp_path / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
            continue
        result = subprocess.run(["bash", "-ec", block.text], cwd=tmp_path, env=environment, capture_output=True,
                                text=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
        assert result.returncode == 0, f"{block.page}:{block.line}: {result.stdout}{result.stderr}"
        printed = result.stdout
    assert "hello, world" in printed
    service = re.search(r"guide-\w+", printed)[0]
    assert re.search(rf"  2 .*{service}: say hello", printed), printed
