# SPDX-License-Identifier: Apache-2.0
"""What every part of bench/run uses: a server on an empty folder, the load generator, CPU time, tables."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/bench"
BINARY = BUILD / "src/app/clew"
os.environ["CLEW_BINARY"] = str(BINARY)
sys.path.insert(0, str(ROOT / "tests"))
from clew_process import Clew  # noqa: E402  (needs CLEW_BINARY)

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
# Every span of a run stays in the head, so that the way in, and a head, are measured without sealing.
UNSEALED = ["memory.budget=12GiB", "seal.spans=8000000"]
DOORS = [("gRPC", "none"), ("gRPC", "gzip"), ("HTTP", "zstd")]


def data_file():
    folder = pathlib.Path(os.environ.get("CLEW_TEST_DATA", ROOT.parent / "shared/data"))
    file = folder / "otel-demo.otlp.zst"
    if not file.exists():
        sys.exit(f"bench/run: {file} is missing; set CLEW_TEST_DATA to the folder that has it")
    return file


def build():
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "bench"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", BUILD], check=True, stdout=subprocess.DEVNULL)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def load_command(clew, door, *options, profile=None):
    scheme, name = ("grpc", "otlp_grpc") if door == "gRPC" else ("http", "otlp_http")
    source = ["--profile", profile] if profile else ["--file", data_file()]
    return [str(part) for part in (BINARY, "load", "--target", f"{scheme}://{clew.doors[name]}", *source, *options)]


def load(clew, door, *options, profile=None):
    """Runs the load generator against a door; what it printed."""
    result = subprocess.run(load_command(clew, door, *options, profile=profile), capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"bench/run: {result.stderr}")
    return json.loads(result.stdout)


class Server:
    """A server on an empty folder that goes away with its folder."""

    def __init__(self, *settings):
        self.settings = settings

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="clew-bench-", dir=BUILD)
        self.clew = Clew(self.folder, self.settings).start()
        return self.clew

    def __exit__(self, *ignored):
        self.clew.__exit__()
        shutil.rmtree(self.folder)


def table(title, head, rows):
    print(f"\n### {title}\n\n| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    sys.stdout.flush()
    return [dict(zip(head, row)) for row in rows]
