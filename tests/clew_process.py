# SPDX-License-Identifier: Apache-2.0
"""Runs the real binary for the end-to-end tests: on free ports, with its log in a file, and never left behind.

    with Clew(folder) as clew:
        clew.get("/clew/v1/...")        # the answer of the door `http`
        clew.kill()                     # kill -9
        clew.start()                    # again, on the same data

The binary is CLEW_BINARY, or the release build of this tree. A process that a test leaves running is killed with the
`with` block, and by the kernel if the test itself is killed.
"""

import ctypes
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = os.environ.get("CLEW_BINARY") or str(ROOT / "build/release/src/app/clew")
DOORS = ("otlp_grpc", "otlp_http", "http")
START_SECONDS = 30
STOP_SECONDS = 30
PR_SET_PDEATHSIG = 1


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = {key.lower(): value for key, value in response.getheaders()}
        self.body = body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


def request(address, method, path, body=None, headers=None, timeout=30):
    """One HTTP request on a connection of its own."""
    connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return Answer(response, response.read())
    finally:
        connection.close()


class Clew:
    def __init__(self, folder, settings=(), environment=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.settings = list(settings)
        self.environment = {**os.environ, **(environment or {})}
        self.log_path = self.folder / "clew.log"
        self.process = None
        self.doors = {}

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *ignored):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def arguments(self):
        """More of the command line."""
        return []

    def _spawn(self):
        settings = [f"listen.{door}=127.0.0.1:0" for door in DOORS] + self.settings
        command = [BINARY, "serve", "--data", str(self.folder / "data"), *self.arguments()]
        for setting in settings:
            command += ["--set", setting]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                            env=self.environment, preexec_fn=_die_with_parent)

    def start_and_kill(self, seconds):
        """Starts the server and kills it after `seconds`, ready or not."""
        self._spawn()
        time.sleep(seconds)
        self.kill()

    def start(self):
        """Starts the server and waits until it is ready."""
        log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        self._spawn()
        deadline = time.monotonic() + START_SECONDS
        self.doors = {}
        while True:
            assert self.process.poll() is None, f"clew ended with {self.process.returncode}:\n{self.log_tail()}"
            assert time.monotonic() < deadline, f"clew is not ready after {START_SECONDS} s:\n{self.log_tail()}"
            if self._find_doors(log_start) and self._is_ready():
                return self
            time.sleep(0.005)

    def _find_doors(self, log_start):
        # A line for each door: `listening on 127.0.0.1:40001 for OTLP gRPC (listen.otlp_grpc)`.
        with open(self.log_path, "rb") as log:
            log.seek(log_start)
            text = log.read().decode(errors="replace")
        for address, door in re.findall(r"listening on (\S+) for .*\(listen\.(\w+)\)", text):
            self.doors[door] = address
        return all(door in self.doors for door in DOORS)

    def _is_ready(self):
        try:
            return self.get("/ready").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def get(self, path, timeout=30, headers=None):
        return request(self.doors["http"], "GET", path, headers=headers, timeout=timeout)

    def metrics(self):
        """{name with labels: value} of the text at /metrics."""
        lines = self.get("/metrics").body.decode().splitlines()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if line and line[0] != "#"}

    def command(self, *arguments, timeout=60):
        """Runs another clew command against this server; the text that it printed."""
        result = subprocess.run([BINARY, *arguments, "--server", f"http://{self.doors['http']}"], capture_output=True,
                                text=True, timeout=timeout, stdin=subprocess.DEVNULL)
        assert result.returncode == 0, f"clew {' '.join(arguments)} ended with {result.returncode}: {result.stderr}"
        return result.stdout

    def stop(self):
        """SIGTERM: drains and exits 0."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(STOP_SECONDS) == 0, f"clew ended with {self.process.returncode}:\n{self.log_tail()}"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def anonymous_memory_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+) kB", status).group(1)) * 1024

    def log_tail(self, lines=40):
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])


def connect(address, timeout=30):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=timeout)
