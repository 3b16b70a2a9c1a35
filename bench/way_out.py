# SPDX-License-Identifier: Apache-2.0
"""Parts of bench/run about the way out: search over a head, and everything about a store of many blocks."""

import pathlib
import random
import statistics
import subprocess
import time
import urllib.parse

from harness import BINARY, UNSEALED, Server, cpu_seconds, load, load_command, table

HEAD_SPANS = 500_000
QUERY_RUNS = 15
LOOKUPS = 200
COLD_LOOKUPS = 20
# What two cores take in, seal and compact while the load generator shares them; faster, the server refuses some. And
# what runs beside the questions.
ALL_IN_RATE, BUSY_RATE = 250_000, 100_000
FAT_ALL_IN_RATE, FAT_BUSY_RATE = 50_000, 25_000

QUERIES = [
    ("text that is nowhere", '{ span.http.method = "nobody" }'),
    ("attribute, none of it", '{ span.http.method = "frontend" }'),
    ("attribute, many", '{ span.http.method = "GET" }'),
    ("service, many", '{ resource.service.name = "frontend" }'),
    ("number, none", "{ span.http.status_code > 100000 }"),
    ("number, some", "{ span.http.status_code >= 500 }"),
    ("duration, some", "{ duration > 10s }"),
    ("regex, none", '{ name =~ ".*nothing like it.*" }'),
    ("regex and status, some", '{ name =~ ".*[Cc]heckout.*" && status = error }'),
    ("descendant, many",
     '{ resource.service.name = "frontend" } >> { resource.service.name = "productcatalogservice" }'),
    ("descendant, none",
     '{ resource.service.name = "productcatalogservice" } >> { resource.service.name = "frontend" }'),
    ("child of an error, some", "{ status = error } > { status = error }"),
]


def milliseconds(call):
    began = time.perf_counter()
    answer = call()
    return 1e3 * (time.perf_counter() - began), answer


def ask(clew, query, since="24h"):
    path = "/clew/v1/search?" + urllib.parse.urlencode({"q": query, "limit": 20, "since": since})
    took, answer = milliseconds(lambda: clew.get(path, timeout=300))
    assert answer.status == 200, answer
    return took, answer.json()


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]


def part_query():
    rows = []
    with Server(*UNSEALED) as clew:
        load(clew, "gRPC", "--spans", HEAD_SPANS, "--batch", 512, "--connections", 4)
        for name, query in QUERIES:
            runs = [ask(clew, query) for _ in range(QUERY_RUNS)]
            times = [took for took, _ in runs]
            answer = runs[-1][1]
            rows.append([name, f"`{query}`", len(answer["traces"]), f"{int(answer['stats']['inspectedSpans']):,}",
                         f"{statistics.median(times):.1f}", f"{max(times):.1f}"])
    return table(f"Search over a head of {HEAD_SPANS:,} spans, limit 20, over HTTP, one at a time",
                 ["what", "query", "traces", "spans looked at", "median ms", "max ms"], rows)


def admin(clew, action):
    subprocess.run([BINARY, "admin", action, "--server", f"http://{clew.doors['http']}"], check=True,
                   stdout=subprocess.DEVNULL)


def folder_bytes(clew, name):
    folder = pathlib.Path(clew.folder, "data", name)
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def drop_caches():
    """Makes the next read come from the disk; needs root. False where that is not allowed."""
    subprocess.run(["sync"], check=True)
    try:
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("3\n")
        return True
    except OSError:
        return False


def some_trace_ids(clew, count, since="24h"):
    """Ids from all over the time that the store covers, by searches that page through it."""
    ids = []
    for query in ("{ }", "{ status = error }", '{ resource.service.name = "frontend" }'):
        path = "/clew/v1/search?" + urllib.parse.urlencode({"q": query, "limit": 5000, "since": since, "spss": 0})
        answer = clew.get(path, timeout=300)
        ids += [trace["traceId"] for trace in answer.json()["traces"]] if answer.status == 200 else []
    random.Random(1).shuffle(ids)
    return ids[:count]


def lookup_times(clew, ids, expected):
    times = []
    for trace in ids:
        took, answer = milliseconds(lambda: clew.get(f"/clew/v1/traces/{trace}?format=json"))
        assert answer.status == expected, answer
        times.append(took)
    return times


def lookup_row(name, times):
    return [name, len(times), f"{quantile(times, .5):.1f}", f"{quantile(times, .99):.1f}", f"{max(times):.1f}"]


def missing_ids(count):
    return [f"{random.Random(seed).getrandbits(128) | 1:032x}" for seed in range(count)]


def restarted(clew, stop):
    """Stops or kills the server and starts it again: the seconds until it was ready."""
    stop()
    began = time.perf_counter()
    clew.start()
    return time.perf_counter() - began


def write_amplification(metrics):
    sealed = metrics["clew_store_sealed_bytes_total"]
    return (sealed + metrics["clew_store_compacted_bytes_total"]) / sealed


def all_in(clew, spans, profile, rate):
    before = cpu_seconds(clew.process.pid)
    result = load(clew, "gRPC", "--spans", spans, "--rate", rate, "--batch", 512, "--connections", 4,
                  profile=profile)
    assert result["acknowledged"] == result["sent"], result
    loaded = cpu_seconds(clew.process.pid) - before
    admin(clew, "flush")
    admin(clew, "compact")
    used = cpu_seconds(clew.process.pid) - before
    metrics = clew.metrics()
    stored = folder_bytes(clew, "objects")
    return [f"{result['acknowledged']:,}", f"{result['acknowledged'] / loaded:,.0f}",
            f"{result['acknowledged'] / used:,.0f}", f"{result['spans_per_second']:,.0f}",
            f"{stored / result['acknowledged']:.1f}", f"{write_amplification(metrics):.2f}",
            f"{clew.anonymous_memory_bytes() / 2**20:.0f} MiB", f"{result['ack_ms']['p99']:.1f}"]


ALL_IN_HEAD = ["profile", "spans", "spans per CPU-second while loading", "… with flush and compaction", "spans/s",
               "bytes per span in objects", "write amplification", "RssAnon", "ack p99 ms"]


def part_store(spans=10_000_000, profile=None, rate=ALL_IN_RATE, busy_rate=BUSY_RATE):
    results = {}
    with Server() as clew:
        name = profile or "demo, recorded"
        results["all in"] = table(f"All in: gRPC, batch 512, {spans:,} spans, default budget", ALL_IN_HEAD,
                                  [[name] + all_in(clew, spans, profile, rate)])
        ids = some_trace_ids(clew, LOOKUPS)
        lookups = [lookup_row("there, compacted", lookup_times(clew, ids, 200)),
                   lookup_row("missing, compacted", lookup_times(clew, missing_ids(LOOKUPS), 404))]
        idle = [[ask(clew, query) for _ in range(QUERY_RUNS)] for _, query in QUERIES]
        clean_start = restarted(clew, clew.stop)
        cold = []
        for _, query in QUERIES:
            clew.stop()
            drop_caches()
            clew.start()
            cold.append(ask(clew, query)[0])
        clew.stop()
        drop_caches()
        clew.start()
        lookups.append(lookup_row("there, cold at first", lookup_times(clew, ids[:COLD_LOOKUPS], 200)))
        busy = subprocess.Popen(load_command(clew, "gRPC", "--rate", busy_rate, "--duration", "40s", "--batch", 512,
                                             "--connections", 4, profile=profile), stdout=subprocess.PIPE, text=True)
        time.sleep(5)
        while_busy = [[ask(clew, query)[0] for _ in range(3)] for _, query in QUERIES]
        lookups.append(lookup_row(f"there, at {busy_rate:,} spans/s", lookup_times(clew, ids, 200)))
        lookups.append(lookup_row(f"missing, at {busy_rate:,} spans/s", lookup_times(clew, missing_ids(LOOKUPS), 404)))
        print("\nWhile that ran:", busy.communicate()[0].strip())
        killed_start = restarted(clew, clew.kill)
        results["lookups"] = table("Trace by id, over HTTP, whole trace as JSON",
                                   ["which", "lookups", "p50 ms", "p99 ms", "max ms"], lookups)
        rows = []
        for i, (what, query) in enumerate(QUERIES):
            answer = idle[i][-1][1]
            times = [took for took, _ in idle[i]]
            rows.append([what, f"`{query}`", len(answer["traces"]), f"{int(answer['stats']['inspectedSpans']):,}",
                         f"{statistics.median(times):.1f}", f"{max(times):.1f}", f"{cold[i]:.1f}",
                         f"{statistics.median(while_busy[i]):.1f}"])
        results["queries"] = table(f"Search over {spans:,} spans in blocks, limit 20, over HTTP, one at a time",
                                   ["what", "query", "traces", "spans looked at", "median ms", "max ms", "cold ms",
                                    f"at {busy_rate:,} spans/s ms"], rows)
        results["start"] = table("Start", ["after", "seconds until ready"],
                                 [["a clean stop", f"{clean_start:.2f}"],
                                  ["kill -9 under load", f"{killed_start:.2f}"]])
    return results


def part_fat():
    return part_store(spans=2_000_000, profile="fat", rate=FAT_ALL_IN_RATE, busy_rate=FAT_BUSY_RATE)
