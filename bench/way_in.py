# SPDX-License-Identifier: Apache-2.0
"""Parts of bench/run about the way in: decoding, ingest, acknowledgement, start after a kill."""

import json
import os
import pathlib
import subprocess

from harness import BUILD, DOORS, UNSEALED, Server, cpu_seconds, data_file, load, table

INGEST_SPANS = 1_000_000
LATENCY_RATE = 100_000
LATENCY_SECONDS = 20
BATCHES = [100, 512, 8192]


def part_decode():
    out = subprocess.run([BUILD / "bench/clew_decode_bench", "--benchmark_format=json"], capture_output=True, text=True,
                         check=True, env={**os.environ, "CLEW_TEST_DATA": str(data_file().parent)}).stdout
    rows = []
    for result in json.loads(out)["benchmarks"]:
        rows.append([result["name"], f"{1e9 * result['time/span']:.0f}", f"{result['bytes_per_second'] / 1e6:.0f}",
                     f"{result['memory/span']:.0f}"])
    return table("Decoding on one core", ["what", "ns per span", "MB/s", "memory of the batch, bytes per span"], rows)


def part_ingest():
    rows = []
    for door, compression in DOORS:
        for batch in BATCHES:
            with Server(*UNSEALED) as clew:
                before = cpu_seconds(clew.process.pid)
                result = load(clew, door, "--spans", INGEST_SPANS, "--batch", batch, "--compression", compression,
                              "--connections", 4)
                used = cpu_seconds(clew.process.pid) - before
                memory = clew.anonymous_memory_bytes()
            assert result["acknowledged"] == result["sent"], result
            rows.append([f"{door} {compression}", batch, f"{result['acknowledged'] / used:,.0f}",
                         f"{1e6 * used / result['acknowledged']:.2f}", f"{result['spans_per_second']:,.0f}",
                         f"{memory / result['acknowledged']:.0f}"])
    return table(f"Ingest to the acknowledged head, {INGEST_SPANS:,} spans",
                 ["door", "batch", "spans per CPU-second", "µs CPU per span", "spans/s",
                  "RssAnon bytes per span"], rows)


def part_latency():
    rows = []
    for door, compression in DOORS:
        with Server(*UNSEALED) as clew:
            before = cpu_seconds(clew.process.pid)
            result = load(clew, door, "--rate", LATENCY_RATE, "--duration", f"{LATENCY_SECONDS}s", "--batch", 512,
                          "--compression", compression, "--connections", 4)
            used = cpu_seconds(clew.process.pid) - before
            memory = clew.anonymous_memory_bytes()
        assert result["acknowledged"] == result["sent"], result
        ack = result["ack_ms"]
        rows.append([f"{door} {compression}", f"{result['spans_per_second']:,.0f}"] +
                    [f"{ack[key]:.2f}" for key in ("p50", "p95", "p99", "max")] +
                    [f"{100 * used / result['seconds']:.0f} %", f"{memory / 2**20:.0f} MiB"])
    return table(f"Acknowledgement at {LATENCY_RATE:,} spans/s for {LATENCY_SECONDS} s, batch 512, every ack durable",
                 ["door", "spans/s", "p50 ms", "p95 ms", "p99 ms", "max ms", "CPU of one core", "RssAnon at the end"],
                 rows)


def part_replay():
    with Server(*UNSEALED) as clew:
        load(clew, "gRPC", "--spans", INGEST_SPANS, "--batch", 512, "--connections", 4)
        disk = sum(file.stat().st_size for file in pathlib.Path(clew.folder, "data").rglob("*") if file.is_file())
        clew.kill()
        clew.start()
        metrics = clew.metrics()
    spans, seconds = metrics["clew_recovery_spans"], metrics["clew_recovery_seconds"]
    return table("Start after kill -9", ["spans", "seconds", "spans/s", "journal bytes per span"],
                 [[f"{spans:,.0f}", f"{seconds:.2f}", f"{spans / seconds:,.0f}", f"{disk / spans:.0f}"]])
