# SPDX-License-Identifier: GPL-2.0-or-later
"""--restart and --grace: a copy that ends by itself starts again; one that is asked to end has its time."""

import ctypes
import os
import re
import signal
import socket
import struct
import time
from pathlib import Path

import pytest
from harness import SANITIZED, wait_until

AT_ONCE = 2.0
BUSY = 120.0  # for a hundred programs in Python at a time
FIRST_PORT = 8081
COUNT = 100  # copies, each of which starts again three times
# A copy starts again when its link is gone. The kernel takes network namespaces apart one after the other, those of
# other tests, too; what is still there after three seconds is deleted by the manager.
OVERDUE = 15.0
SWEPT = 5.0  # chains and links of copies that have ended are deleted some time later
MEMORY = 1 << 20
SYS_PIDFD_GETFD = 438  # asm-generic/unistd.h
SO_ATTACH_FILTER = 26  # asm-generic/socket.h
BPF_RET = 6  # linux/bpf_common.h; returns the constant that follows

PLACES = ("--files", "private", "-d", "copies")
SERVER = ("-p", f"{FIRST_PORT}+:8080", "--", "./http_recorder.py")


@pytest.fixture
def start(host, stand_in):
    """Start copies of the stand-in, with more options."""

    def run(*options, copies=2, **more):
        return host.start_portmux(stand_in, *PLACES, "-n", str(copies), *options, *SERVER, **more)

    return run


def end(host, number, how):
    """Let copy number end: exit/STATUS, signal/NAME. Return who has answered."""
    return host.get(f"http://127.0.0.1:{FIRST_PORT + number - 1}/{how}").body.strip()


def identity(host, number):
    """Return what tells one life of a copy from another."""
    return host.get(f"http://127.0.0.1:{FIRST_PORT + number - 1}/on").body.strip()


def identity_or_none(host, number):
    """Return the same, or None where nobody answers."""
    try:
        return identity(host, number)
    except OSError:
        return None


def wait_served(host, number):
    """Wait until a copy is served, again."""
    wait_until(lambda: not host.refuses("127.0.0.1", FIRST_PORT + number - 1), OVERDUE, f"copy {number} serves")


@pytest.fixture
def doors(stand_in):
    """A pipe in the directory of each of two copies, for a program that waits for a line from it."""
    opened = []
    for number in (1, 2):
        stand_in.files(number).mkdir(parents=True)
        os.mkfifo(stand_in.files(number) / "door")
        opened.append(os.open(stand_in.files(number) / "door", os.O_RDWR | os.O_CLOEXEC))
    yield opened
    for door in opened:
        os.close(door)


@pytest.mark.parametrize(
    "how, said",
    [("exit/3", "exited with status 3"), ("signal/SIGSEGV", "ended by SIGSEGV"), ("signal/SIGTERM", "ended by SIGTERM")],
)
def test_a_copy_that_fails_starts_again(host, start, how, said):
    """It is said, its port leads to its next life, and the other copy is the same as before."""
    manager = start("--restart", "on-failure").wait_ready()
    before, other = end(host, 1, how), identity(host, 2)
    manager.err.wait_for(rf"^portmux: copy 1: {said}; starting again in 0\.1 s$", AT_ONCE)
    wait_served(host, 1)
    assert identity(host, 1) != before
    assert identity(host, 2) == other
    assert len(manager.err.lines) == 1
    assert manager.stop() == 0


def test_it_keeps_its_number_its_name_its_port_and_its_files(host, start, stand_in, doors):
    """What it is told, and what it wrote; while it is away its port is refused, and nobody else gets it."""
    program = stand_in.there("http_recorder.py")
    program.write_text('#!/bin/sh\necho "$COPY $COPY_NAME $HOST_PORT $(hostname)" >>lives\nread -r x <>door\nexit 3\n')
    manager = start("--restart", "always", "--name", "web")
    lives = stand_in.files(2) / "lives"

    def has_lived(times):
        return lives.exists() and len(lives.read_text().splitlines()) == times

    for times in (1, 2, 3):
        wait_until(lambda times=times: has_lived(times), AT_ONCE, f"copy 2 lives for the {times}. time")
        assert host.refuses("127.0.0.1", 8082)
        assert host.run(["ss", "-Hltn", "sport = :8082"]).stdout.count("8082")
        os.write(doors[1], b"\n")
    assert set(lives.read_text().splitlines()) == {"2 web-2 8082 web-2"}
    manager.send(signal.SIGINT)
    manager.send(signal.SIGTERM)
    assert manager.wait() == 0


def test_the_delay_grows(host, start):
    """Twice as long each time; said in a line each."""
    manager = start("--restart", "on-failure", copies=1).wait_ready()
    began = time.monotonic()
    for delay in ("0.1", "0.2", "0.4", "0.8"):
        end(host, 1, "exit/1")
        manager.err.wait_for(rf"starting again in {re.escape(delay)} s$", AT_ONCE)
        wait_served(host, 1)
    assert time.monotonic() - began > 1.5
    assert manager.stop() == 0


def test_with_on_failure_a_copy_that_has_succeeded_is_done(host, start):
    """Its port is refused from now on, and when all have succeeded the run has, too."""
    manager = start("--restart", "on-failure").wait_ready()
    end(host, 1, "exit/0")
    manager.err.wait_for(r"^portmux: copy 1: exited with status 0; port 8081 is refused from now on$", AT_ONCE)
    assert host.refuses("127.0.0.1", 8081)
    end(host, 2, "exit/7")
    manager.err.wait_for(r"^portmux: copy 2: exited with status 7; starting again", AT_ONCE)
    wait_served(host, 2)
    end(host, 2, "exit/0")
    assert manager.wait(AT_ONCE) == 0
    assert manager.err.lines[-1] == "portmux: no copy is left"


def test_with_always_a_copy_that_has_succeeded_starts_again(host, start):
    """The run goes on, though no copy runs for a moment."""
    manager = start("--restart", "always", copies=1).wait_ready()
    before = end(host, 1, "exit/0")
    manager.err.wait_for(r"^portmux: copy 1: exited with status 0; starting again in 0\.1 s$", AT_ONCE)
    wait_served(host, 1)
    assert identity(host, 1) != before
    assert manager.stop() == 0


@pytest.mark.parametrize("statuses, expected", [((0, 0), 0), ((0, 3), 1), ((3, 0), 1)])
def test_without_restart_the_exit_code_tells_whether_all_have_succeeded(host, start, statuses, expected):
    """As of a command: 0 only if each copy has ended with 0."""
    manager = start().wait_ready()
    for number, status in enumerate(statuses, 1):
        end(host, number, f"exit/{status}")
        manager.err.wait_for(rf"^portmux: copy {number}: exited with status {status}; port", AT_ONCE)
    assert manager.wait(AT_ONCE) == expected


def test_a_copy_that_fails_before_it_is_ready_does_not_hold_up_the_others(host, stand_in, start):
    """It crashes at its first start; it is announced when it serves, after the others."""
    program = stand_in.there("real.py")
    program.write_bytes(stand_in.there("http_recorder.py").read_bytes())
    program.chmod(0o755)
    stand_in.there("http_recorder.py").write_text(
        f'#!/bin/sh\n[ $COPY = 1 ] || [ -e again ] || {{ >again; exit 9; }}\nexec {stand_in.path}/real.py\n'
    )
    manager = start("--restart", "on-failure")
    manager.out.wait_for(r"^copy 1: .*8081")
    manager.out.wait_for(r"^copy 2: .*8082")
    assert manager.err.lines == ["portmux: copy 2: exited with status 9; starting again in 0.1 s"]
    wait_served(host, 2)
    assert manager.stop() == 0


def test_ctrl_c_during_the_delay_ends_the_run_at_once(host, start):
    """Nobody waits for a copy that has no process."""
    manager = start("--restart", "always", copies=1)
    for delay in ("0.1", "0.2", "0.4", "0.8", "1.6"):
        wait_served(host, 1)
        end(host, 1, "exit/1")
        manager.err.wait_for(rf"starting again in {re.escape(delay)} s$", AT_ONCE)
    began = time.monotonic()
    assert manager.stop() == 0
    assert time.monotonic() - began < 0.8


def test_a_copy_that_was_asked_to_end_does_not_start_again(host, start):
    """At Ctrl-C all get SIGTERM, by which they end: that is no failure."""
    manager = start("--restart", "always").wait_ready()
    assert manager.stop(deadline=AT_ONCE) == 0
    assert manager.err.lines == []
    assert [manager.said(number) for number in (1, 2)] == [["started"]] * 2
    assert host.refuses("127.0.0.1", 8081)


def test_a_manager_killed_during_the_delay_leaves_nothing(host, start):
    """The host fixture compares; the guardian knows what such a copy has held, and that it holds nothing now."""
    manager = start("--restart", "always")
    for delay in ("0.1", "0.2", "0.4", "0.8"):
        for number in (1, 2):
            wait_served(host, number)
            end(host, number, "exit/1")
            manager.err.wait_for(rf"copy {number}: .*starting again in {re.escape(delay)} s$", AT_ONCE)
    assert manager.stop(signal.SIGKILL, AT_ONCE) == -signal.SIGKILL
    wait_until(lambda: not manager.own_processes(), AT_ONCE, "the guardian has ended")
    assert host.refuses("127.0.0.1", 8081)


def test_a_link_that_is_deleted_costs_a_copy_one_life(host, start):
    """It is stopped and said, and comes back with a new link."""
    manager = start("--restart", "on-failure").wait_ready()
    before = identity(host, 1)
    host.run(["ip", "link", "delete", "portmux0-1"])
    manager.err.wait_for(r"^portmux: copy 1: its link portmux0-1 has been deleted: stopping it$", AT_ONCE)
    manager.err.wait_for(r"^portmux: copy 1: .*; starting again in 0\.1 s$", AT_ONCE)
    wait_served(host, 1)
    assert identity(host, 1) != before
    assert manager.stop() == 0


def test_a_copy_that_cannot_be_made_again_is_tried_again(host, start, stand_in):
    """Its place is taken by a file for a while: that is an end like others."""
    manager = start("--restart", "on-failure").wait_ready()
    before, place = identity(host, 2), stand_in.copies / "2"
    place.rename(stand_in.copies / "moved")
    place.touch()
    end(host, 2, "exit/1")
    manager.err.wait_for(r"^portmux: .*/copies/2: cannot make its directories: ", AT_ONCE)
    manager.err.wait_for(r"^portmux: copy 2: could not be started; starting again in 0\.2 s$", AT_ONCE)
    place.unlink()
    (stand_in.copies / "moved").rename(place)
    wait_served(host, 2)
    assert identity(host, 2) != before
    assert manager.stop() == 0


def test_a_copy_that_cannot_be_made_again_does_not_end_the_start(host, start, stand_in, doors):
    """The other copy is about to listen; the run goes on, and waits for that one only."""
    program, real = stand_in.there("http_recorder.py"), stand_in.there("real.py")
    real.write_bytes(program.read_bytes())
    real.chmod(0o755)
    program.write_text(f"#!/bin/sh\necho waits\nread -r x <>door\n[ $COPY = 2 ] && exit 9\nexec {stand_in.path}/real.py\n")
    manager = start("--restart", "on-failure")
    for number in (1, 2):
        manager.out.wait_for(rf"^copy {number} \| waits$", AT_ONCE)
    (stand_in.copies / "2").rename(stand_in.copies / "moved")
    (stand_in.copies / "2").touch()
    os.write(doors[1], b"\n")
    manager.err.wait_for(r"^portmux: copy 2: could not be started; starting again in 0\.2 s$", AT_ONCE)
    os.write(doors[0], b"\n")
    manager.wait_ready()
    assert identity(host, 1)
    assert manager.stop() == 0


# ---- News that is lost ----


def news_socket(manager):
    """Return a descriptor of the manager's socket for news of links: the only one of rtnetlink that is in groups."""
    lines = Path(f"/proc/{manager.pid}/net/netlink").read_text().splitlines()[1:]
    inodes = {line.split()[9] for line in lines if line.split()[1] == "0" and int(line.split()[3], 16)}
    names = {f"socket:[{inode}]" for inode in inodes}
    (number,) = (int(fd.name) for fd in Path(f"/proc/{manager.pid}/fd").iterdir() if os.readlink(fd) in names)
    pidfd = os.pidfd_open(manager.pid)
    try:
        fd = ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(SYS_PIDFD_GETFD), pidfd, number, 0)
        assert fd >= 0, os.strerror(ctypes.get_errno())
        return fd
    finally:
        os.close(pidfd)


def deafen(manager):
    """Have the kernel drop all news for the manager, without a word, by a filter that takes nothing."""
    nothing = ctypes.create_string_buffer(struct.pack("HBBI", BPF_RET, 0, 0, 0))
    with socket.socket(fileno=news_socket(manager)) as news:
        news.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(nothing)))


def test_a_link_that_goes_without_news(host, start):
    """The manager is not told that the link of a copy that has ended is gone, and looks after a time."""
    manager = start("--restart", "always").wait_ready()
    deafen(manager)
    before, other = end(host, 1, "exit/1"), identity(host, 2)
    wait_until(lambda: identity_or_none(host, 1) not in (None, before), OVERDUE, "copy 1 serves again")
    assert identity(host, 2) == other
    assert manager.stop() == 0


# ---- What it costs ----


def but_inits(manager):
    """Return the run's own processes but for the inits, whose memory is what the manager had when it forked them."""
    return [pid for pid in manager.own_processes() if b"_init" not in Path(f"/proc/{pid}/comm").read_bytes()]


def size(host, manager):
    """Return what there is of a run: in the kernel, in the log, of its processes."""
    table = host.run(["nft", "list", "table", "inet", "portmux"]).stdout
    (log,) = host.root("/run/uva_container").iterdir()
    return {
        "chains": table.count("chain "),
        "elements": table.count("tcp . "),
        "links": len(host.run(["ip", "-o", "link"]).stdout.splitlines()),
        "neighbours": len(host.run(["ip", "neigh", "show", "dev", "portmux0", "nud", "permanent"]).stdout.splitlines()),
        "log": len([line for line in log.read_text().splitlines() if not line.startswith("#")]),
        "descriptors": sorted(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in but_inits(manager)),
        "processes": len(manager.own_processes()),
    }


def test_three_hundred_restarts_leave_no_more_than_none(host, start):
    """Links, rules, log, descriptors and memory are as before the first."""
    manager = start("--restart", "always", copies=COUNT).wait_ready(30.0)

    def is_ready():  # without a connection to each: what they have not accepted yet would pile up
        table = host.run(["nft", "list", "table", "inet", "portmux"]).stdout
        return table.count(": goto copy-") == COUNT

    def ends():  # on a busy machine it also says of some that they take long to listen
        return sum("exited with status 1; starting again" in line for line in manager.err.lines)

    before, memory = size(host, manager), manager.memory(but_inits(manager))
    (log,) = host.root("/run/uva_container").iterdir()
    log_size = log.stat().st_size
    for lives in (1, 2, 3):
        for number in range(1, COUNT + 1):
            end(host, number, "exit/1")
        wait_until(lambda lives=lives: ends() == lives * COUNT, BUSY, "all have ended")
        wait_until(is_ready, BUSY, "all serve again")
    found = []

    def is_small():
        found.append(size(host, manager))
        return found[-1] == before

    wait_until(is_small, SWEPT, lambda: f"as before\n{before}\nnow\n{found[-1]}")
    assert ends() == 3 * COUNT
    assert SANITIZED or manager.memory(but_inits(manager)) < memory + MEMORY  # the sanitizer keeps what was freed
    assert log.stat().st_size < 1.1 * log_size  # holes of records that were shorter, or longer
    assert manager.stop() == 0


# ---- The grace period ----


@pytest.mark.parametrize("grace", [0.4, 1.5, 7.0])
def test_a_copy_has_as_long_as_the_caller_says(host, start, stand_in, grace):
    """From SIGTERM to SIGKILL, also longer than without the option; what is waited for is said after a second."""
    stand_in.place(1, "behaviour", "ignore-signals")
    manager = start("--grace", str(grace), copies=1).wait_ready()
    began = time.monotonic()
    assert manager.stop(signal.SIGTERM, grace + AT_ONCE) == 0
    assert grace <= time.monotonic() - began < grace + 1.0
    waited = [f"portmux: waiting up to {grace - 1:g} s for the copies to end; Ctrl-C ends them at once"]
    assert manager.err.lines == (waited if grace > 1 else [])
    assert manager.said(1) == ["started", "SIGTERM ignored"]


def test_the_service_manager_waits_as_long_as_the_copies_may_take(host, start):
    """It would kill the run after its own time, 90 s, however long the copies have."""
    with host.inside(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as manager_of_services:
        manager_of_services.bind("\0test/notify")
        manager_of_services.settimeout(AT_ONCE)
        manager = start("--grace", "300", copies=1, env={"NOTIFY_SOCKET": "@test/notify"}).wait_ready()
        assert manager.stop(signal.SIGTERM, AT_ONCE) == 0
        told = ""
        while "STOPPING=1" not in told:
            told = manager_of_services.recv(4096).decode()
    assert "EXTEND_TIMEOUT_USEC=310000000" in told.splitlines()
