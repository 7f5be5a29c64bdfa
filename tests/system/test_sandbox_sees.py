# SPDX-License-Identifier: GPL-2.0-or-later
"""A copy sees a machine of its own: its processes, its names, its memory, its devices, its /tmp."""

import os
import re
import socket
import stat
from pathlib import Path

import host_things
import pytest

COPIES = (1, 2)

DEVICES = {"null": [1, 3], "zero": [1, 5], "full": [1, 7], "random": [1, 8], "urandom": [1, 9], "tty": [5, 0]}
LINKS = {
    "ptmx": "pts/ptmx",
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}

# Started by this, the manager has what no program of a copy may get: open files, and signals that its
# caller has blocked or ignores.
UNFRIENDLY_CALLER = """
import os, signal, socket, sys
opened = [os.open("/", os.O_RDONLY), os.open("/srv/written", os.O_WRONLY | os.O_CREAT), os.open("/dev/null", os.O_RDWR)]
for number, descriptor in zip((5, 20, 100, 1000), (*opened, socket.create_server(("127.0.0.1", 0)).detach())):
    os.dup2(descriptor, number, inheritable=True)
for number in (signal.SIGHUP, signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGCHLD):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
os.execv(sys.argv[1], sys.argv[1:])
"""

# It says what it has got, by commands that change nothing of that themselves.
TELLS = """#!/bin/sh
for number in /proc/self/fd/*; do echo "open $(basename $number)"; done
grep Sig /proc/self/status
grep Shd /proc/self/status
echo told
exec sleep 60
"""


def test_only_its_own_processes(sandbox):
    """Init is pid 1 and not the program; the program is its child; nothing else is there."""
    for copy in sandbox.copies:
        found, program, child = copy.get("processes")
        assert set(found) == {"1", program, child}
        assert found["1"]["name"] == "uva_init"
        assert found["1"]["parent"] == 0
        assert program != "1"
        assert found[program]["parent"] == 1


def test_namespaces_of_its_own(sandbox):
    """Every one but the user namespace differs from the host's and from the other copy's."""
    for name in ("cgroup", "ipc", "mnt", "net", "pid", "uts"):
        places = {Path(f"/proc/{sandbox.program(number)}/ns/{name}").stat().st_ino for number in COPIES}
        places.add(sandbox.host.root(f"/proc/1/ns/{name}").stat().st_ino)
        assert len(places) == 3, name


def test_its_host_name(sandbox):
    """copy-1 and copy-2."""
    assert [copy.get("host_name") for copy in sandbox.copies] == ["copy-1", "copy-2"]


def test_the_root_of_its_cgroups(sandbox):
    """It does not see where in the host's hierarchies it is."""
    for copy in sandbox.copies:
        lines = copy.get("read", "/proc/self/cgroup").splitlines()
        assert {line.split(":", 2)[2] for line in lines} <= {"/"}


def test_its_own_links_only(sandbox):
    """lo and eth0, by every way to look."""
    for copy in sandbox.copies:
        assert copy.get("names", "/sys/class/net") == ["eth0", "lo"]
        lines = copy.get("read", "/proc/net/dev").splitlines()[2:]
        assert sorted(line.split(":")[0].strip() for line in lines) == ["eth0", "lo"]


def test_no_shared_memory_of_the_host_or_of_another_copy(sandbox):
    """System V segments: what the host has is not there, and each copy can use the same key."""
    first, second = sandbox.copies
    assert first.refusal("attach_memory", host_things.MEMORY_KEY) == "ENOENT"
    first.get("share_memory", host_things.MEMORY_KEY + 1 + sandbox.caller)
    assert first.refusal("attach_memory", host_things.MEMORY_KEY + 1 + sandbox.caller) == ""
    assert second.refusal("attach_memory", host_things.MEMORY_KEY + 1 + sandbox.caller) == "ENOENT"


def test_devices(sandbox):
    """/dev holds exactly what it should, and each is what it is named."""
    for copy in sandbox.copies:
        assert copy.get("names", "/dev") == sorted([*DEVICES, *LINKS, "pts", "shm"])
        for name, numbers in DEVICES.items():
            found = copy.get("look", f"/dev/{name}")
            assert (found["kind"], found["device"]) == ("crw-rw-rw-", numbers)
        for name, target in LINKS.items():
            assert copy.get("look", f"/dev/{name}")["target"] == target


def test_terminals_of_its_own(sandbox):
    """/dev/pts has the one that the program writes to, and no other."""
    for copy in sandbox.copies:
        assert copy.get("names", "/dev/pts") == ["0", "ptmx"]
        assert copy.get("look", "/dev/pts/0")["owner"][0] == sandbox.caller


@pytest.mark.parametrize("path", host_things.FILES)
def test_files_in_places_of_which_it_has_its_own(sandbox, path):
    """The host has a file there, a copy has none; nor has the host what a copy puts there."""
    assert sandbox.host.root(path).read_text() == "of the host"
    for copy in sandbox.copies:
        assert copy.refusal("read", path) == "ENOENT"
        assert Path(path).name not in copy.get("names", os.path.dirname(path))


@pytest.mark.parametrize("address", host_things.SOCKETS)
def test_unix_sockets_of_the_host(sandbox, address):
    """Open to everybody on the host, out of reach for a copy."""

    def connect_on_the_host():
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(address.replace("@", "\0"))

    sandbox.host.inside(connect_on_the_host)
    for copy in sandbox.copies:
        assert copy.refusal("connect_unix", address) in ("ENOENT", "ECONNREFUSED")


def test_the_hosts_programs_and_libraries(sandbox):
    """They are there, the same files, and run."""
    for copy in sandbox.copies:
        assert copy.get("run", "/bin/sh", "-c", "echo $((6 * 7))") == [0, "42\n", ""]
        assert copy.get("names", "/usr") == sorted(os.listdir("/usr"))
        assert copy.get("read", "/etc/passwd") == Path("/etc/passwd").read_text(encoding="utf-8")


def test_it_starts_in_its_directory(sandbox):
    """copies/N/files."""
    for copy in sandbox.copies:
        assert copy.get("at_start")["directory"] == f"{sandbox.project.path}/copies/{copy.number}/files"


def test_standard_streams_and_no_other_descriptor(sandbox):
    """stdin is /dev/null, stdout and stderr are the copy's terminal."""
    for copy in sandbox.copies:
        found = copy.get("at_start")["descriptors"]
        assert found == {"0": "/dev/null", "1": "/dev/pts/0", "2": "/dev/pts/0"}


def test_no_trace_of_sudo_in_its_environment(sandbox):
    """It runs as the user; that this went by way of sudo is not its business."""
    for copy in sandbox.copies:
        environment = copy.get("at_start")["environment"]
        assert not [name for name in environment if name.startswith("SUDO")]
        assert "PATH" in environment


def test_nothing_is_inherited_from_an_unfriendly_caller(host, project):
    """No descriptor, no blocked and no ignored signal, not even what nohup leaves."""
    host.run(["mount", "-t", "tmpfs", "tmpfs", "/srv"])
    host.remember()
    project.there("http_recorder.py").write_text(TELLS)
    manager = host.start_manager(project, under=["/usr/bin/python3", "-c", UNFRIENDLY_CALLER])
    for number in COPIES:
        manager.out.wait_for(f"^copy {number} . told")
        told = manager.said(number)
        # 3 is the one by which the shell reads the directory, 10 the one by which it reads the script.
        assert {line for line in told if line.startswith("open")} - {"open 3", "open 10"} == {"open 0", "open 1", "open 2"}
        masks = dict(line.split(":\t") for line in told if line.startswith(("Sig", "Shd")))
        for name in ("SigBlk", "SigIgn", "SigPnd", "ShdPnd"):
            assert int(masks[name], 16) == 0, f"{name} {masks[name]}"


def test_the_same_for_a_real_nohup(host, probes):
    """SIGHUP, which nohup ignores, ends a program again."""
    manager = host.start_manager(probes, under=["nohup"]).wait_ready()
    ignored = int(Path(f"/proc/{manager.copy_process(1)}/status").read_text().partition("SigIgn:\t")[2][:16], 16)
    assert not ignored & 1


def test_the_callers_umask_is_the_programs_alone(host, project):
    """With umask 077 the copy's own places and its resolv.conf are readable all the same."""
    manager = host.start_manager(project, under=("sh", "-c", 'umask 077; exec "$@"', "sh"), sudo=54321).wait_ready()
    root = Path(f"/proc/{manager.copy_process(1)}/root")
    assert stat.S_IMODE((root / "etc/resolv.conf").stat().st_mode) == 0o644
    assert stat.S_IMODE((root / "run").stat().st_mode) == 0o755
    status = Path(f"/proc/{manager.copy_process(1)}/status").read_text(encoding="ascii")
    assert re.search(r"^Umask:\s*0077$", status, re.MULTILINE)
    assert manager.stop() == 0
