# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document that the server serves is true: schemathesis makes requests of it, right and wrong ones, and
looks whether each answer is one that the document promises. The requests are the same in every run.

Not asked: that every request which fits the schemas is accepted. What is a query, a time or an id no schema can say;
the examples of the document and of docs/reference/api.md are right ones, and they are tried."""

import pytest
import schemathesis
from api import server
from hypothesis import HealthCheck, settings
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi import checks

EXAMPLES = 60  # for each operation and kind of request


@pytest.fixture(scope="module")
def clew(tmp_path_factory):
    with server.filled(tmp_path_factory.mktemp("schema")) as running:
        yield running


@pytest.fixture
def document(clew):
    return schemathesis.openapi.from_url(f"http://{clew.doors['http']}/clew/v1/openapi.json")


schema = schemathesis.pytest.from_fixture("document")
load_all_checks()


@schema.parametrize()
@settings(max_examples=EXAMPLES, derandomize=True, database=None, deadline=None,
          suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_document_promises(case):
    case.call_and_validate(excluded_checks=[checks.positive_data_acceptance])
