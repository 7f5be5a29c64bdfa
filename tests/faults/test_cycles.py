# SPDX-License-Identifier: GPL-2.0-or-later
"""Start and stop again and again on one host: nothing grows.

What is counted is that host's own, whatever else runs on the machine. Only the kernel's memory cannot be told
apart by hosts. It may grow for the sake of others, but hardly each time anew: so where it has grown, the
cycles are gone through again. A leak shows every time.
"""

import contextlib
import json
import os
import re
import signal
from pathlib import Path

import pytest
from harness import wait_until

from .anatomy import COPIES, answers, kill_everything
from .campaign import points_wanted

WARM_UP = 5  # cycles before anything is measured: modules, caches, pools
FEW, MANY = 20, 200
MOST_ROUNDS = 3  # while the machine's memory has grown
SETTLING = 10.0  # network namespaces are taken apart in the background
MEMORY_OF_A_CYCLE = 128 << 10  # a network namespace alone is more


def cycles():
    """Return how many to go through."""
    return MANY if points_wanted() is None else FEW


def kernel_memory():
    """Return the kernel's memory that it cannot reclaim, in bytes, of the whole machine."""
    text = Path("/proc/meminfo").read_text(encoding="ascii")
    return sum(int(re.search(rf"^{name}: +(\d+)", text, re.MULTILINE)[1]) << 10 for name in ("SUnreclaim", "Percpu"))


def network_namespaces(host):
    """Return the network namespaces in which a veth of the host has had its other end, and which still exist.

    The host has a number for each of them, until the kernel frees the namespace.
    """
    return json.loads(host.run(["ip", "-j", "netns", "list-id"]).stdout or "[]")


def terminals(host):
    """Return what the host's processes have open of ptys, of either end."""
    found = []
    for process in host.process_directories():
        try:
            found += [link for link in map(os.readlink, (process / "fd").iterdir()) if re.match("/dev/(pts/|ptmx)", link)]
        except FileNotFoundError:  # it has just ended
            continue
    return found


def measure(host):
    """Return how much there is of what could grow."""
    return {
        "connections": int(host.sysctl("net.netfilter.nf_conntrack_count")),
        "network namespaces": len(network_namespaces(host)),
        "terminals": len(terminals(host)),
        "pid namespaces": len(host.pid_namespaces()),
        "processes": len(host.process_directories()),
        "memory": kernel_memory(),
    }


def stop(manager):
    """As a user does."""
    assert manager.stop() == 0
    assert manager.err.lines == []


def kill(manager):
    """Its guardian undoes the rest."""
    manager.send(signal.SIGKILL)
    manager.wait()
    wait_until(lambda: not manager.own_processes(), 2.0, "its guardian is done")


@pytest.mark.parametrize("end", [stop, kill, kill_everything])
def test_many_cycles_leave_no_growth(host, project, end):
    """Memory, descriptors, links, connections, namespaces, files: after many cycles as after a few."""

    def live():
        manager = host.start_manager(project).wait_ready()
        for number in COPIES:
            assert answers(host, 8080 + number)
        end(manager)
        manager.close()
        host.managers.clear()

    def growth(before):
        now = measure(host)
        allowed = {"connections": 2 * count, "memory": count * MEMORY_OF_A_CYCLE}
        return {name: (before[name], now[name]) for name in now if now[name] > before[name] + allowed.get(name, 0)}

    def growth_of_cycles():
        before = measure(host)
        for _ in range(count):
            live()
        grown = []

        def has_settled():
            grown.append(growth(before))
            return not grown[-1]

        with contextlib.suppress(AssertionError):
            wait_until(has_settled, SETTLING, "nothing has grown")
        return grown[-1]

    count = cycles()
    for _ in range(WARM_UP):
        live()
    for _ in range(MOST_ROUNDS):
        grown = growth_of_cycles()
        if set(grown) != {"memory"}:
            break
    assert not grown, f"after {count} cycles (before, now): {grown}"
    stop(host.start_manager(project).wait_ready())  # undoes what the last one could not


def test_many_requests_leave_no_growth(host, project):
    """In one run: its own descriptors and memory stay what they are, whatever passes through."""
    manager = host.start_manager(project, keep="Ctrl-C").wait_ready()

    def use():
        own = manager.own_processes()
        return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in own), manager.memory()

    for _ in range(WARM_UP * 10):
        assert answers(host, 8081)
    before = use()
    for number in range(cycles() * 10):
        assert answers(host, 8081 + number % len(COPIES))
    descriptors, memory = use()
    assert descriptors == before[0]
    assert memory < before[1] + (1 << 20)
