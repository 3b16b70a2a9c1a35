# SPDX-License-Identifier: Apache-2.0
"""The part `soak` of bench/run: a steady load for half an hour with questions, seal, compaction and retention running.

Nothing may be lost: what was acknowledged lies in blocks and memory, or was removed by retention and counted. A line a
minute tells how it goes, since half an hour is long.
"""

import json
import statistics
import subprocess
import sys
import threading
import time

from harness import Server, cpu_seconds, load_command, table
from way_out import QUERIES, ask, lookup_times, quantile, some_trace_ids, write_amplification

RATE = 100_000
# So small that the oldest blocks go while it runs: some eight minutes' worth.
SETTINGS = ["retention.bytes=1500MiB"]
SAMPLE_SECONDS = 5
PAUSE_SECONDS = 0.3  # between two questions
SINCE = "15m"


class Questions(threading.Thread):
    """Asks one after the other until told to stop; keeps how long each took."""

    def __init__(self, clew):
        super().__init__()
        self.clew, self.over = clew, threading.Event()
        self.times = {what: [] for what, _ in QUERIES}
        self.times["trace by id"] = []
        self.partial = 0
        self.error = None

    def run(self):
        try:
            self.ask_until_over()
        except Exception as error:  # a soak without questions would be none; part_soak() says so
            self.error = error

    def ask_until_over(self):
        while not self.over.is_set():
            for what, query in QUERIES:
                took, answer = ask(self.clew, query, since=SINCE)
                self.times[what].append(took)
                self.partial += not answer["complete"]
                if self.over.wait(PAUSE_SECONDS):
                    return
            ids = some_trace_ids(self.clew, 5, since="5m")
            self.times["trace by id"] += lookup_times(self.clew, ids, 200)


def stored_spans(clew):
    """Spans in memory and in blocks; spans that retention has removed."""
    (tenant,) = clew.get("/clew/v1/admin/storage").json()["tenants"]
    in_blocks = sum(int(level["spans"]) for level in tenant["levels"])
    return in_blocks + int(tenant["headSpans"]), int(tenant["spansRemovedByRetention"])


def part_soak(minutes=30):
    with Server(*SETTINGS) as clew:
        command = load_command(clew, "gRPC", "--rate", RATE, "--duration", f"{minutes}m", "--batch", 512,
                               "--connections", 4)
        before = cpu_seconds(clew.process.pid)
        sender = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        time.sleep(2 * SAMPLE_SECONDS)
        questions = Questions(clew)
        questions.start()
        memory = []
        while sender.poll() is None:
            time.sleep(SAMPLE_SECONDS)
            memory.append(clew.anonymous_memory_bytes() / 2**20)
            if len(memory) % (60 // SAMPLE_SECONDS) == 0:
                asked = sum(map(len, questions.times.values()))
                print(f"{len(memory) * SAMPLE_SECONDS // 60} min: {memory[-1]:.0f} MiB, {asked} questions asked",
                      file=sys.stderr)
        questions.over.set()
        questions.join()
        assert questions.error is None, f"a question was not answered: {questions.error!r}"
        used = cpu_seconds(clew.process.pid) - before
        result = json.loads(sender.stdout.read())
        subprocess.run([command[0], "admin", "flush", "--server", f"http://{clew.doors['http']}"], check=True,
                       stdout=subprocess.DEVNULL)
        kept, removed = stored_spans(clew)
        metrics = clew.metrics()
    lost = result["acknowledged"] - kept - removed
    ack = result["ack_ms"]
    overview = table(
        f"Soak: {minutes} minutes at {RATE:,} spans/s over gRPC with questions, seal, compaction and retention",
        ["what", "figure"],
        [["sent, acknowledged, refused", f"{result['sent']:,}, {result['acknowledged']:,}, {result['rejected']:,}"],
         ["kept, removed by retention, lost", f"{kept:,}, {removed:,}, {lost:,}"],
         ["acknowledgement p50, p95, p99, max ms",
          ", ".join(f"{ack[key]:.1f}" for key in ("p50", "p95", "p99", "max"))],
         ["RssAnon median, largest", f"{statistics.median(memory):.0f}, {max(memory):.0f} MiB"],
         ["seals, compactions, write amplification",
          f"{metrics['clew_store_seals_total']:.0f}, {metrics['clew_store_compactions_total']:.0f}, "
          f"{write_amplification(metrics):.2f}"],
         ["processor of the server, questions included", f"{100 * used / result['seconds']:.0f} % of one core"],
         ["questions asked, of them answered in part", f"{sum(map(len, questions.times.values())):,}, "
                                                       f"{questions.partial}"]])
    rows = [[what, len(times), f"{statistics.median(times):.1f}", f"{quantile(times, .99):.1f}", f"{max(times):.1f}"]
            for what, times in questions.times.items()]
    asked = table(f"Questions meanwhile, over the last {SINCE}", ["what", "runs", "median ms", "p99 ms", "max ms"],
                  rows)
    assert lost == 0, f"{lost} acknowledged spans are neither kept nor counted as removed"
    return {"overview": overview, "questions": asked}
