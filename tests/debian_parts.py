# SPDX-License-Identifier: Apache-2.0
"""Programs of Debian packages that tests use without installing them: a package is unpacked into the build folder.

    promtool = debian_parts.program("prometheus", "usr/bin/promtool")
"""

import os
import pathlib
import shutil
import subprocess

import pytest

BUILD = pathlib.Path(os.environ.get("CLEW_BUILD") or pathlib.Path(__file__).resolve().parents[1] / "build")
DOWNLOAD_SECONDS = 300


def program(package, path):
    """The path of a program of a package; skips the test where Debian's tools are missing."""
    if shutil.which("apt-get") is None:
        pytest.skip("this system has no apt-get")
    folder = BUILD / "debian-parts" / package
    found = folder / path
    if not found.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        subprocess.run(["apt-get", "download", "-q", package], cwd=folder, check=True, timeout=DOWNLOAD_SECONDS,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for archive in folder.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", archive, folder], check=True)
    return found
