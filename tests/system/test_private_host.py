# SPDX-License-Identifier: GPL-2.0-or-later
"""The private host itself: a comparison that notices nothing would let every other test pass."""

import os
import signal
import subprocess
import sys

import pytest
from harness import PLAIN_USER

LEFTOVERS = {
    "links": "ip link add left0 type bridge",
    "addresses": "ip addr add 198.51.100.9/24 dev lan0",
    "routes": "ip route add 10.1.2.0/24 dev lan0 table 77",
    "routes6": "ip -6 route add local ::1/128 dev lan0 table local metric 4096",
    "rules": "ip rule add from 10.1.2.3 lookup 77",
    "rules6": "ip -6 rule add from 2001:db8:9::/64 lookup 77",
    "nftables": "nft add table inet left",
    "conntrack": "conntrack -I -p tcp -s 127.0.0.1 -d 10.1.2.3 --sport 1 --dport 2 --state SYN_SENT --timeout 60",
    "sysctls": "echo 1 >/proc/sys/net/ipv4/conf/lan0/forwarding",
    "mounts": "mount -t tmpfs tmpfs /mnt",
    "processes": "sleep 60 >/dev/null 2>&1 &",
    "/run": "mkdir /run/left",
}


@pytest.mark.parametrize("section", LEFTOVERS)
def test_a_leftover_is_noticed(host, section):
    """Each section of the comparison tells what it is there for."""
    host.run(["sh", "-ec", LEFTOVERS[section]])
    with pytest.raises(AssertionError, match=f"(?m)^{section}:$"):
        host.assert_as_before(deadline=0.2)
    host.remember()


def test_two_sections_changed_in_a_file_and_an_address_are_told_as_such(host):
    """The report shows what is gone and what is new, line by line."""
    host.root("/run/file").write_text("before")
    host.remember()
    host.root("/run/file").write_text("after!")
    with pytest.raises(AssertionError, match=r"-file -rw-r--r-- 0:0 6 bytes \w+\n\s*\+file -rw-r--r-- 0:0 6 bytes"):
        host.assert_as_before(deadline=0.2)
    host.remember()


def test_the_lan_connects_host_and_client(host):
    """Both families, both ways; and neither is the machine's own network."""
    for address in ("198.51.100.1", "2001:db8:1::1"):
        with host.listen(address, 7001):
            host.client.connect(address, 7001).close()
    with host.client.listen("198.51.100.2", 7002):
        host.connect("198.51.100.2", 7002).close()
        assert host.refuses("127.0.0.1", 7002)
    assert os.readlink("/proc/self/ns/net") != os.readlink(host.root("/proc/1/ns/net"))


@pytest.mark.host(own_dev=True)
def test_a_dev_for_ordinary_users(host):
    """They may open its net/tun; the machine's is as it was; terminals and the null device are there."""
    command = ["setpriv", f"--reuid={PLAIN_USER}", f"--regid={PLAIN_USER}", "--clear-groups", "sh", "-c"]
    host.run([*command, ": <>/dev/net/tun && : >/dev/null && : >/dev/shm/file && rm /dev/shm/file"])
    host.run(["chmod", "600", "/dev/net/tun"])
    assert host.run([*command, ": <>/dev/net/tun"], check=False).returncode != 0
    assert host.root("/dev").stat().st_dev != os.stat("/dev").st_dev
    process = host.popen(["sh", "-c", "tty && exec sleep 60"], terminal=True)
    process.out.wait_for("^/dev/pts/")


def test_processes_of_the_host_are_seen_signalled_and_reaped(host):
    """A process started there has its own /proc; an orphan that ends there does not stay as a zombie."""
    process = host.popen(["sh", "-c", "(sleep 0.01 &) ; echo started; exec sleep 60"])
    process.out.wait_for("started")
    assert process.stop(signal.SIGTERM) == -signal.SIGTERM
    host.assert_as_before()


def test_a_terminal_of_its_own(host):
    """What is typed arrives there, and Ctrl-C as SIGINT."""
    process = host.popen(["cat"], terminal=True)
    process.type("hello\n")
    process.out.wait_for("^hello$")
    process.type("\x03")
    assert process.wait() == -signal.SIGINT


@pytest.mark.once
def test_a_skipped_test_fails_in_ci(tmp_path):
    """Marks, calls and whole files: each kind of skip makes the run fail when CI is set."""
    kinds = {
        "mark": "import pytest\n@pytest.mark.skip\ndef test(): pass\n",
        "call": "import pytest\ndef test(): pytest.skip('no')\n",
        "file": "import pytest\npytest.skip('no', allow_module_level=True)\n",
    }
    conftest = os.path.join(os.path.dirname(__file__), "..")
    for kind, text in kinds.items():
        path = tmp_path / f"test_{kind}.py"
        path.write_text(text)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "conftest", "-p", "no:cacheprovider", path]
        environment = {**os.environ, "PYTHONPATH": conftest}
        for ci, code in (("", (0, 5)), ("1", (1, 2))):
            done = subprocess.run(
                command, env={**environment, "CI": ci}, cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert done.returncode in code, f"{kind}, CI={ci!r}: {done.stdout}"
