# SPDX-License-Identifier: Apache-2.0
"""The Debian package: installed, started by its unit's command line, upgraded, removed and purged on a copy of this
system (an overlay in a mount namespace of its own, so that the system itself is not touched)."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CLEW_BUILD") or ROOT / "build")
UNIT = ROOT / "deploy/systemd/clew.service"
ON_A_COPY = pathlib.Path(__file__).with_name("on_a_copy.sh")
SECONDS = 300


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    if shutil.which("dpkg-shlibdeps") is None:
        pytest.skip("dpkg-dev is not installed")
    folder = tmp_path_factory.mktemp("package")
    subprocess.run(["cpack", "-G", "DEB", "-B", folder], cwd=BUILD / "release", check=True, timeout=SECONDS,
                   stdout=subprocess.DEVNULL)
    (made,) = folder.glob("*.deb")
    return made


def on_a_copy(folder, script, *arguments):
    """Runs a shell script as root on a copy of the system; what it printed, and the paths that it left changed."""
    if os.geteuid() != 0:
        pytest.skip("takes root")
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        pytest.skip("mount namespaces are not allowed here")
    path = folder / "script.sh"
    path.write_text("set -eu\n" + script)
    result = subprocess.run(["unshare", "-m", "bash", ON_A_COPY, path, *map(str, arguments)], capture_output=True,
                            text=True, timeout=SECONDS)
    assert result.returncode == 0, result.stdout + result.stderr
    printed, _, left = result.stdout.partition("== left behind\n")
    return printed, left.split()


def test_says_what_it_is(package):
    fields = subprocess.run(["dpkg-deb", "-f", package], capture_output=True, text=True, check=True).stdout
    assert re.search(r"^Package: clew$", fields, re.MULTILINE)
    assert re.search(r"^Depends: .*libgrpc", fields, re.MULTILINE)
    listing = subprocess.run(["dpkg-deb", "-c", package], capture_output=True, text=True, check=True).stdout
    for path in ("./usr/bin/clew", "./lib/systemd/system/clew.service", "./etc/clew/clew.yaml",
                 "./usr/share/doc/clew/copyright", "./usr/share/man/man1/clew.1",
                 "./usr/share/bash-completion/completions/clew", "./usr/share/zsh/vendor-completions/_clew",
                 "./usr/share/fish/vendor_completions.d/clew.fish"):
        assert re.search(rf" {re.escape(path).replace('/lib/', '(/usr)?/lib/')}$", listing, re.MULTILINE), path


INSTALL = """
dpkg -i "$1" >/dev/null
clew config check /etc/clew/clew.yaml
test "$(stat -c %U:%a /var/lib/clew)" = clew:750
"""

# The command lines of the unit, as the user that it names.
START = """
command=$(sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/clew.service)
printf 'listen:\\n  host: 127.0.0.1\\n  otlp_grpc: :0\\n  otlp_http: :0\\n  http: :0\\n' > /etc/clew/clew.yaml
setpriv --reuid=clew --regid=clew --clear-groups --no-new-privs --bounding-set=-all $command 2> /tmp/clew.log &
for i in $(seq 300); do grep -q 'ready; open' /tmp/clew.log && break; sleep 0.1; done
url=$(sed -n 's/.*ready; open //p' /tmp/clew.log)
clew admin storage --server "$url" >/dev/null
kill -TERM $!
wait $!
test "$(stat -c %U /var/lib/clew/journal)" = clew
rm /tmp/clew.log
"""


def test_installs_starts_and_is_removed(package, tmp_path):
    _, left = on_a_copy(tmp_path, INSTALL + START + "dpkg --purge clew >/dev/null", package)
    # dpkg's and passwd's own books stay changed; of Clew nothing stays.
    assert [path for path in left if "clew" in path] == []


def test_remove_keeps_settings_and_data(package, tmp_path):
    printed, _ = on_a_copy(tmp_path, INSTALL + """
touch /var/lib/clew/kept
echo '# changed by its owner' >> /etc/clew/clew.yaml
dpkg -i "$1" >/dev/null
dpkg -r clew >/dev/null
ls /var/lib/clew
grep changed /etc/clew/clew.yaml
test ! -e /usr/bin/clew
""", package)
    assert printed.split("\n")[-3:] == ["kept", "# changed by its owner", ""]


def test_unit_is_valid_and_asks_for_little(package, tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    printed, _ = on_a_copy(tmp_path, INSTALL + """
systemd-analyze verify --man=no /usr/lib/systemd/system/clew.service 2>&1
systemd-analyze security --offline=true /usr/lib/systemd/system/clew.service | tail -1
""", package)
    exposure = float(re.search(r"Overall exposure level.*?: (\d+\.\d+)", printed).group(1))
    assert exposure <= 2.0, printed
