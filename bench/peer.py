#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The load and the questions of bench/run against another tracing system, so that the figures can be set side by side.

    bench/peer.py --otlp grpc://HOST:4317 --jaeger http://HOST:16686 [--pid PID …]    Jaeger's HTTP API
    bench/peer.py --otlp grpc://HOST:4317 --tempo http://HOST:3200 [--pid PID …]      Tempo's HTTP API

Start the system as its own documents say, on an empty store. --pid names its processes, if they run here, to count
their processor time and memory. Both APIs may be given to measure what speaks both; Clew itself is measured through
Jaeger's with its own address. What an API cannot ask (Jaeger: structure, regular expressions) is left out, and said.
"""

import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from harness import BINARY, build, cpu_seconds, data_file, table
from way_out import LOOKUPS, QUERIES, QUERY_RUNS, lookup_row, milliseconds, missing_ids

SETTLE_SECONDS = 15  # Tempo and Jaeger show a span some seconds after they have acknowledged it
TIMEOUT_SECONDS = 300
# What is asked over Jaeger's API: its form knows a service, tags, and a smallest duration.
JAEGER_QUESTIONS = [
    ("attribute, none of it", {"service": "frontend", "tags": {"http.method": "frontend"}}),
    ("attribute, many", {"service": "frontend", "tags": {"http.method": "GET"}}),
    ("service, many", {"service": "frontend"}),
    ("duration, some", {"service": "frontend", "minDuration": "10s"}),
    ("errors, some", {"service": "frontend", "tags": {"error": "true"}}),
]


def get(url):
    """Status and body."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


class Jaeger:
    def __init__(self, url):
        self.url = url.rstrip("/")

    def questions(self):
        end = time.time_ns() // 1000
        for what, asked in JAEGER_QUESTIONS:
            query = {**asked, "limit": 20, "start": end - 24 * 3600 * 10**6, "end": end}
            if "tags" in query:
                query["tags"] = json.dumps(query["tags"])
            yield what, "/api/traces?" + urllib.parse.urlencode(query)

    def count(self, body):
        return len(json.loads(body)["data"])

    def some_ids(self, count):
        end = time.time_ns() // 1000
        query = {"service": "frontend", "limit": count, "start": end - 24 * 3600 * 10**6, "end": end}
        _, body = get(self.url + "/api/traces?" + urllib.parse.urlencode(query))
        return [trace["traceID"] for trace in json.loads(body)["data"]]

    def trace_path(self, trace):
        return f"/api/traces/{trace}"


class Tempo:
    def __init__(self, url):
        self.url = url.rstrip("/")

    def questions(self):
        end = int(time.time())
        for what, query in QUERIES:
            yield what, "/api/search?" + urllib.parse.urlencode(
                {"q": query, "limit": 20, "start": end - 24 * 3600, "end": end})

    def count(self, body):
        return len(json.loads(body).get("traces") or [])

    def some_ids(self, count):
        end = int(time.time())
        query = {"q": "{}", "limit": count, "start": end - 24 * 3600, "end": end}
        _, body = get(self.url + "/api/search?" + urllib.parse.urlencode(query))
        return [trace["traceID"] for trace in json.loads(body)["traces"]]

    def trace_path(self, trace):
        return f"/api/traces/{trace}"


def memory_bytes(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", status).group(1)) * 1024


def measure_load(arguments):
    before = sum(map(cpu_seconds, arguments.pid))
    command = [BINARY, "load", "--target", arguments.otlp, "--file", data_file(), "--spans", arguments.spans,
               "--rate", arguments.rate, "--batch", 512, "--connections", 4]
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"bench/peer.py: {result.stderr}")
    load = json.loads(result.stdout)
    time.sleep(SETTLE_SECONDS)
    used = sum(map(cpu_seconds, arguments.pid)) - before
    row = [f"{load['sent']:,}", f"{load['acknowledged']:,}", f"{load['spans_per_second']:,.0f}",
           f"{load['ack_ms']['p99']:.1f}"]
    if arguments.pid:
        row += [f"{load['acknowledged'] / used:,.0f}", f"{sum(map(memory_bytes, arguments.pid)) / 2**20:.0f} MiB"]
    head = ["sent", "acknowledged", "spans/s", "ack p99 ms", "spans per CPU-second", "RssAnon"]
    return table("Load over OTLP, batch 512", head[:len(row)], [row])


def measure_questions(name, api):
    rows = []
    for what, path in api.questions():
        runs = [milliseconds(lambda: get(api.url + path)) for _ in range(QUERY_RUNS)]
        times = [took for took, _ in runs]
        status, body = runs[-1][1]
        found = str(api.count(body)) if status == 200 else f"status {status}"
        rows.append([what, found, f"{statistics.median(times):.1f}", f"{max(times):.1f}"])
    return table(f"Search over {name}'s API, limit 20, one at a time", ["what", "traces", "median ms", "max ms"], rows)


def measure_lookups(name, api):
    rows = []
    for what, ids in (("there", api.some_ids(LOOKUPS)), ("missing", missing_ids(LOOKUPS))):
        rows.append(lookup_row(what, [milliseconds(lambda: get(api.url + api.trace_path(trace)))[0] for trace in ids]))
    return table(f"Trace by id over {name}'s API", ["which", "lookups", "p50 ms", "p99 ms", "max ms"], rows)


def main():
    parser = argparse.ArgumentParser(description="The load and the questions of bench/run against another system.")
    parser.add_argument("--otlp", required=True, help="where spans go: grpc://HOST:PORT or http://HOST:PORT")
    parser.add_argument("--jaeger", type=Jaeger, help="address of Jaeger's HTTP API")
    parser.add_argument("--tempo", type=Tempo, help="address of Tempo's HTTP API")
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--rate", type=int, default=100_000, help="spans per second")
    parser.add_argument("--pid", type=int, nargs="*", default=[], help="its processes on this machine")
    parser.add_argument("--json", type=pathlib.Path, help="also write the results here")
    arguments = parser.parse_args()
    if arguments.jaeger is None and arguments.tempo is None:
        parser.error("give --jaeger or --tempo, or both")
    build()
    results = {"load": measure_load(arguments)}
    for name, api in (("Jaeger", arguments.jaeger), ("Tempo", arguments.tempo)):
        if api is not None:
            results[name] = {"questions": measure_questions(name, api), "lookups": measure_lookups(name, api)}
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
