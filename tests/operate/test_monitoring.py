# SPDX-License-Identifier: Apache-2.0
"""The alert rules and the dashboard, held against a running server and a real Prometheus."""

import json
import pathlib
import re
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import debian_parts
import pytest
from clew_process import Clew

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
RULES = DEPLOY / "prometheus/clew-alerts.yaml"
DASHBOARD = DEPLOY / "grafana/clew-dashboard.json"
ALERT_DOCS = DEPLOY.parent / "docs/operate/alerts.md"
METRIC = re.compile(r"\b(?:clew|otelcol|process)_[a-z_]+\b")
PROMETHEUS_SECONDS = 60


@pytest.fixture(scope="module")
def clew(tmp_path_factory):
    with Clew(tmp_path_factory.mktemp("monitored")) as running:
        yield running


def metric_names(clew):
    text = clew.get("/metrics").body.decode()
    return set(re.findall(r"^([a-z_]+)", text, re.MULTILINE))


def dashboard_queries():
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


def test_every_metric_of_the_alerts_exists(clew):
    expressions = [line for line in RULES.read_text().splitlines() if not line.lstrip().startswith("#")]
    missing = set(METRIC.findall("\n".join(expressions))) - metric_names(clew)
    assert not missing


def test_every_metric_of_the_dashboard_exists(clew):
    queries = dashboard_queries()
    assert len(queries) > 30
    assert not set(METRIC.findall("\n".join(queries))) - metric_names(clew)


def test_every_alert_says_what_to_do():
    alerts = re.findall(r"alert: (\w+)", RULES.read_text())
    assert len(alerts) >= 10
    headings = re.findall(r"^## (\w+)$", ALERT_DOCS.read_text(), re.MULTILINE)
    assert headings == alerts


def test_alerts_fire_when_they_should():
    promtool = debian_parts.program("prometheus", "usr/bin/promtool")
    result = subprocess.run([promtool, "test", "rules", RULES.with_name("clew-alerts.test.yaml")], capture_output=True,
                            text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def prometheus(clew, tmp_path):
    """A real Prometheus that scrapes the server and has the rules; its address."""
    binary = debian_parts.program("prometheus", "usr/bin/prometheus")
    config = tmp_path / "prometheus.yaml"
    config.write_text(json.dumps({
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "clew", "static_configs": [{"targets": [clew.doors["http"]]}]}],
    }))
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen([binary, f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}",
                                f"--web.listen-address={address}"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    yield address
    process.kill()
    process.wait()


def ask(address, path, **parameters):
    with urllib.request.urlopen(f"http://{address}{path}?{urllib.parse.urlencode(parameters)}") as answer:
        return json.load(answer)["data"]


def test_prometheus_scrapes_and_evaluates(prometheus):
    deadline = time.monotonic() + PROMETHEUS_SECONDS
    while True:
        assert time.monotonic() < deadline, "Prometheus has not scraped the server"
        try:
            if any(sample["value"][1] == "1" for sample in ask(prometheus, "/api/v1/query", query="up")["result"]):
                break
        except (OSError, urllib.error.URLError):
            pass
        time.sleep(0.2)
    build = ask(prometheus, "/api/v1/query", query="clew_build_info")["result"]
    assert build[0]["metric"]["version"]
    for expression in dashboard_queries():
        plain = expression.replace("$__rate_interval", "1m").replace("$instance", ".*")
        ask(prometheus, "/api/v1/query", query=plain)  # an error of syntax or types would be 400
    rules = ask(prometheus, "/api/v1/rules")["groups"][0]["rules"]
    assert len(rules) >= 10
    assert [rule["lastError"] for rule in rules if rule.get("lastError")] == []
    assert [rule["name"] for rule in rules if rule["state"] == "firing"] == []
