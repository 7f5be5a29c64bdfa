# SPDX-License-Identifier: GPL-2.0-or-later
"""Kinds of lives: what else happens on the host.

Each is a generator that stops three times: before the run starts; when it serves, and what it is
about has happened; and when the run has ended. It goes on to its end when nothing is left of the run (a later start
has undone what it could not). What it raises has gone wrong.
"""

import contextlib
import dataclasses
import fcntl
import json
import os
import signal
import typing

from harness import PLAIN_USER, wait_until

from .anatomy import answers, inits, kill_everything, send
from .points import CHURN_PROCESSES, PLAIN_PROCESSES, PROCESSES, ROLLING_PROCESSES

RUNDIR = "/run/uva_container"
LAN_ADDRESS = "198.51.100.1"
OTHER_PORT = 9001
NOTICED = 0.5  # most changes are noticed within 10 ms; a run with a fault in it may never do so
AT_ONCE = 2.0
FORWARDING = ("net.ipv4.conf.{}.forwarding", "net.ipv6.conf.{}.force_forwarding")
ROUTER = ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding")


def _forwards(lab, link):
    return [lab.host.sysctl(name.format(link)) for name in FORWARDING]


def _assert_off(lab, *links):
    for link in links:
        assert _forwards(lab, link) == ["0", "0"], f"{link} still forwards: {_forwards(lab, link)}"


def _let_it_notice(lab, condition, despite_errors=False):
    """Wait until it has; but not for long, and not for a run that is over, or that has told of a failure."""

    def is_enough():
        return condition() or not lab.manager.running or (lab.manager.err.lines and not despite_errors)

    with contextlib.suppress(AssertionError):
        wait_until(is_enough, NOTICED, "noticed")


def _shell(lab, script):
    lab.host.run(["sh", "-ec", script])


def _as_ever(_lab):
    yield
    yield
    yield


def _recovers(lab):
    earlier = lab.host.start_manager(lab.project).wait_ready()
    kill_everything(earlier)
    earlier.close()
    yield
    yield
    yield


def _locked(lab):
    yield
    directory = os.open(lab.host.root(RUNDIR), os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(directory, fcntl.LOCK_EX)
    yield
    os.close(directory)
    yield


def _renamed(lab):
    lab.crossing.attach()
    yield
    address = lab.crossing.second_address(6)
    _shell(
        lab,
        f"""
        ip link set lan1 down
        ip link set lan1 name wan7
        echo 0 >/proc/sys/net/ipv6/conf/wan7/accept_dad
        ip link set wan7 up
        ip addr replace {address} dev wan7 nodad
        """,
    )
    _let_it_notice(lab, lambda: _forwards(lab, "wan7") == ["1", "1"])
    yield
    yield
    _assert_off(lab, "wan7")
    _shell(lab, "ip link del wan7")


def _removed(lab):
    lab.crossing.attach()
    yield
    _shell(lab, "ip link del lan1")
    yield
    yield


def _added(lab):
    yield
    lab.crossing.attach()
    _let_it_notice(lab, lambda: _forwards(lab, "lan1") == ["1", "1"])
    _shell(lab, "ip addr add 203.0.113.3/25 dev lan1")  # after a failure it looks again
    _let_it_notice(lab, lambda: _forwards(lab, "lan1") == ["1", "1"], despite_errors=True)
    yield
    yield
    _assert_off(lab, "lan1")
    _shell(lab, "ip link del lan1")


def _moved_away(lab):
    lab.crossing.attach()
    yield
    _shell(lab, "ip netns add away; ip link set lan1 netns away")
    yield
    yield
    for name in FORWARDING:
        path = name.format("lan1").replace(".", "/")
        assert lab.host.run(["ip", "netns", "exec", "away", "cat", f"/proc/sys/{path}"]).stdout == "0\n", path
    _shell(lab, "ip netns exec away ip link del lan1; ip netns del away; umount /run/netns; rmdir /run/netns")


def _into_a_bridge(lab):
    lab.crossing.attach()
    yield
    ipv4, ipv6 = (lab.crossing.second_address(version) for version in (4, 6))
    _shell(
        lab,
        f"""
        ip link add br0 type bridge
        echo 0 >/proc/sys/net/ipv6/conf/br0/accept_dad
        ip link set lan1 master br0
        ip addr flush dev lan1 scope global
        ip link set br0 up
        ip addr add {ipv4} dev br0
        ip addr add {ipv6} dev br0 nodad
        """,
    )
    _let_it_notice(lab, lambda: _forwards(lab, "br0") == ["1", "1"])
    yield
    yield
    _assert_off(lab, "br0", "lan1")
    _shell(lab, "ip link del br0; ip link del lan1")


def _router(lab):
    yield
    assert not lab.crossing.take(), "it was a router before anybody wanted that"
    lab.host.set_sysctls(dict.fromkeys(ROUTER, 1))
    _let_it_notice(lab, lambda: len(lab.crossing.take()) == 2)
    yield
    yield
    crossed = set()

    def is_router():
        crossed.update(lab.crossing.take())
        return len(crossed) == 2

    lab.crossing.take()
    wait_until(is_router, AT_ONCE, lambda: f"the host is a router, which it is for {crossed}")
    lab.host.set_sysctls({**dict.fromkeys(ROUTER, 0), FORWARDING[1].format("lan0"): 0})
    lab.crossing.take()


def _with_neighbour(lab, ends_first):
    other = lab.start_neighbour(OTHER_PORT).wait_ready()

    def assert_serves():
        for number in (0, 1):
            assert answers(lab.host, OTHER_PORT + number) and answers(lab.host.client, OTHER_PORT + number, LAN_ADDRESS)

    def end():
        assert other.stop() == 0 and other.err.lines == [], other.transcript()
        other.close()

    monitor = lab.host.popen(["ip", "monitor", "netconf"])
    yield
    if ends_first:
        end()
    yield
    monitor.close()
    if not ends_first:
        assert _forwards(lab, "lan0") == ["1", "1"], "an uplink that another run needs was turned off"
        changes = [line for line in monitor.out.lines if "lan0" in line]
        assert not changes, f"an uplink that another run needs was turned off and on: {changes}"
        assert_serves()
        end()
    yield


def _neighbour_stays(lab):
    yield from _with_neighbour(lab, False)


def _neighbour_ends(lab):
    yield from _with_neighbour(lab, True)


def _copy_ends(lab):
    yield
    for pid in inits(lab.manager)[:1]:
        send(pid, signal.SIGKILL)
        _let_it_notice(lab, lambda: False)
    yield
    yield


def _flushed(lab):
    yield
    _shell(lab, "nft flush ruleset; conntrack -F 2>/dev/null")
    yield
    yield


# Each copy has a port of its own, as in all lives; and one leads to all of them.
PORTMUX_ARGUMENTS = ("--name", "life", "--files", "private", "-d", "copies", "-n", "2", "--drain", "1", "--grace", "5")
PORTMUX_ARGUMENTS += ("-p", "8081+:8080", "-p", "8080:8080", "--", "./http_recorder.py")
COMMANDS = (
    ("scale", "--timeout", "4", "life", "3"),
    ("restart", "--timeout", "4", "life", "1", "--", "./http_recorder.py", "again"),
    ("publish", "life", "9000:8080"),
    ("unpublish", "life", "9000:8080"),
    ("scale", "life", "2"),
)
COMMAND_HANG = 10.0  # a copy has 5 s to end and then 4 s to be ready


def _rolling(lab):
    yield
    failed = []
    for command in COMMANDS:
        done = lab.ask(*command, deadline=COMMAND_HANG)
        if done.returncode != 0:
            assert done.returncode == 1 and done.stderr.startswith("portmux: ") and done.stderr.count("\n") == 1, done
            failed.append(done)
    assert not failed or lab.has_hit(), failed
    if failed:  # it can be the answer that has failed: what it was about goes on
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not lab.manager.running or _copies_are_ready(lab), AT_ONCE, "both are ready")
    yield
    yield


def _copies_are_ready(lab):
    lines = lab.ask("ps", "--json", "life", deadline=COMMAND_HANG).stdout.splitlines()
    return [copy["state"] for copy in map(json.loads, lines)][:2] == ["ready"] * 2


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of life, and what is right in it."""

    steps: typing.Callable
    from_start: bool = False  # points count from the start of the run on, else from what happens
    lines: str = "$^"  # which it may write to stderr without a fault, as a pattern
    code: int = 0
    is_left: bool = False  # not all can be undone: it is said, and left to the next start
    is_of_earlier: bool = False  # what is left is another run's
    undoing: float = 2.0  # seconds that the guardian may take when the manager was killed
    user: int = 0  # who starts it, by uid
    processes: dict = dataclasses.field(default_factory=lambda: {**PROCESSES, **CHURN_PROCESSES})
    portmux: tuple = ()  # it is a run of portmux, with these arguments
    hang: float = 7.0  # a copy has 5 s to begin to listen, and 5 s to end when it is asked to


AS_EVER = "as ever"
AS_A_PLAIN_USER = "as a plain user"
ROLLING = "copies come and go by command"
KINDS = {
    AS_EVER: Kind(_as_ever, from_start=True),
    AS_A_PLAIN_USER: Kind(_as_ever, from_start=True, user=PLAIN_USER, processes=PLAIN_PROCESSES),
    "a start that recovers": Kind(_recovers, from_start=True, is_left=True, is_of_earlier=True),
    "the lock is held": Kind(
        _locked, lines=f"{RUNDIR}|a link of this host still forwards", code=1, is_left=True, undoing=6.0, hang=13.0
    ),
    "an uplink is renamed": Kind(_renamed),
    "an uplink is removed": Kind(_removed),
    "an uplink is added": Kind(_added),
    "an uplink moves away": Kind(_moved_away),
    "an uplink joins a bridge": Kind(_into_a_bridge),
    "another makes a router": Kind(_router),
    "a neighbour stays": Kind(_neighbour_stays),
    "a neighbour ends": Kind(_neighbour_ends),
    "a copy ends": Kind(_copy_ends, lines=r"copy \d: was killed; port \d+ is refused"),
    "the ruleset is flushed": Kind(_flushed),
    ROLLING: Kind(_rolling, portmux=PORTMUX_ARGUMENTS, processes=ROLLING_PROCESSES),
}
