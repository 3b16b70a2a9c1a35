# SPDX-License-Identifier: Apache-2.0
"""Runs clew's commands as a user does: with arguments, and looks at exit code and both outputs."""

import os
import subprocess

from clew_process import BINARY


def run(*arguments, timeout=120, env=None, input=None):
    """The finished process of `clew ARGUMENTS`, with its outputs as text."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", **(env or {})}
    return subprocess.run([BINARY, *[str(argument) for argument in arguments]], capture_output=True, text=True,
                          timeout=timeout, env=environment, input=input,
                          stdin=subprocess.DEVNULL if input is None else None)


def grpc(clew):
    return f"grpc://{clew.doors['otlp_grpc']}"


def http(clew):
    return f"http://{clew.doors['otlp_http']}"


def api(clew):
    return f"http://{clew.doors['http']}"
