# SPDX-License-Identifier: Apache-2.0
"""The curl lines of docs/reference/api.md answer as they stand, and so does each operation of the OpenAPI document with
its own examples; and a streamed search gives the lines that the page tells of."""

import json
import shutil
import subprocess
from urllib.parse import quote, urlencode

import pytest
from api import server
from clew_process import request
from docs.pages import blocks

PAGE = "docs/reference/api.md"
ADDRESS = "localhost:16686"  # in the page
SECONDS = 30


@pytest.fixture(scope="module")
def clew(tmp_path_factory):
    with server.filled(tmp_path_factory.mktemp("examples")) as running:
        yield running


def curl_lines():
    lines = [line for block in blocks(PAGE) if block.language == "sh" for line in block.text.splitlines()]
    assert lines and all(line.startswith("curl ") for line in lines), lines
    return lines


@pytest.mark.parametrize("line", curl_lines())
def test_a_line_of_the_page_answers(clew, line):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    command = line.replace(ADDRESS, clew.doors["http"]).replace("curl ", "curl --silent --show-error --fail ", 1)
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
    assert done.returncode == 0 and done.stdout, (line, done.stderr, done.stdout)


def resolve(document, thing):
    while "$ref" in thing:
        reference = thing["$ref"]
        thing = document
        for step in reference.removeprefix("#/").split("/"):
            thing = thing[step]
    return thing


def test_examples_of_the_document_answer(clew):
    document = clew.get("/clew/v1/openapi.json").json()
    tried = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            query = {}
            for parameter in (resolve(document, each) for each in operation.get("parameters", [])):
                if "example" not in parameter:
                    assert not parameter.get("required"), (path, parameter)
                elif parameter["in"] == "path":
                    path = path.replace("{" + parameter["name"] + "}", quote(parameter["example"]))
                else:
                    query[parameter["name"]] = parameter["example"]
            answer = request(clew.doors["http"], method.upper(), f"{path}?{urlencode(query)}")
            assert answer.status == 200, (path, answer)
            tried += 1
    assert tried == sum(len(operations) for operations in document["paths"].values())


def test_lines_are_the_answer_in_its_order(clew):
    query = "?" + urlencode({"q": "{ status = error }", "limit": 30})
    whole = clew.get("/clew/v1/search" + query).json()
    answer = clew.get("/clew/v1/search" + query, headers={"Accept": "application/x-ndjson"})
    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert all(len(line) == 1 for line in lines)
    assert [line["trace"] for line in lines if "trace" in line] == whole["traces"]
    assert len(whole["traces"]) == 30
    end = lines[-1]["end"]
    assert end["complete"] and end["traceCount"] == 30 and end["nextToken"] == whole["nextToken"]


def test_values_are_those_that_were_sent(clew):
    def values(name, **more):
        answer = clew.get("/clew/v1/attribute-values?" + urlencode({"scope": "span", "name": name, **more})).json()
        assert answer["complete"]
        return {json.dumps(each["value"]): each["spanCount"] for each in answer["values"]}

    assert values("http.request.method") == {'{"stringValue": "GET"}': 200, '{"stringValue": "POST"}': 100}
    assert values("http.response.status_code", q="{ status = error }") == {'{"intValue": "500"}': 60}
    assert values("a key/with ünïcode") == {
        '{"arrayValue": {"values": [{"stringValue": "in an array"}]}}': 300}
    assert values("pairs") == {'{"kvlistValue": {"values": [{"key": "k", "value": {"intValue": "7"}}]}}': 300}
    assert values("empty") == {"{}": 300}
    assert values("cached", prefix="t") == {'{"boolValue": true}': 150}
