# SPDX-License-Identifier: Apache-2.0
"""`clew completion`: each shell that is installed takes its script; bash offers what fits where it fits."""

import shutil
import subprocess

import pytest
from clew_command import run

TRY = """
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _clew; echo "${COMPREPLY[*]}"; }
"""


def bash(tmp_path, *words):
    script = tmp_path / "completion.bash"
    script.write_text(run("completion", "bash").stdout + TRY + 'try "$@"\n')
    return subprocess.run(["bash", script, *words], capture_output=True, text=True, check=True).stdout.split()


def test_bash_offers_what_fits(tmp_path):
    assert {"serve", "search", "import", "export", "demo"} <= set(bash(tmp_path, "clew", ""))
    assert bash(tmp_path, "clew", "exp") == ["export"]
    assert bash(tmp_path, "clew", "search", "{}", "--format", "") == ["table", "json"]
    assert bash(tmp_path, "clew", "export", "--fo") == ["--format"]
    assert bash(tmp_path, "clew", "config", "ch") == ["check"]
    assert "flush" in bash(tmp_path, "clew", "admin", "")
    # A value that is free: names of files are offered by the shell itself.
    assert bash(tmp_path, "clew", "serve", "--data", "") == []


@pytest.mark.parametrize("shell", ("bash", "zsh", "fish"))
def test_the_shell_takes_its_script(tmp_path, shell):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = tmp_path / "script"
    script.write_text(run("completion", shell).stdout)
    assert subprocess.run([shell, "-n", script], capture_output=True).returncode == 0
