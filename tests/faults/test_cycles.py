# SPDX-License-Identifier: GPL-2.0-or-later
"""Start and stop again and again on one host: nothing grows."""

import re
import signal
from pathlib import Path

import pytest
from harness import wait_until

from .anatomy import COPIES, answers, kill_everything
from .campaign import points_wanted

WARM_UP = 5  # cycles before anything is measured: modules, caches, pools
FEW, MANY = 20, 200
SETTLING = 10.0  # network namespaces are taken apart in the background
MEMORY_OF_A_CYCLE = 128 << 10  # a network namespace alone is more


def cycles():
    """Return how many to go through."""
    return MANY if points_wanted() is None else FEW


def kernel_objects(name):
    """Return how many objects of a kind the kernel has, of the whole machine."""
    line = re.search(rf"^{name} +(\d+)", Path("/proc/slabinfo").read_text(encoding="ascii"), re.MULTILINE)
    return int(line[1])


def kernel_memory():
    """Return the kernel's memory that it cannot reclaim, in bytes, of the whole machine."""
    text = Path("/proc/meminfo").read_text(encoding="ascii")
    return sum(int(re.search(rf"^{name}: +(\d+)", text, re.MULTILINE)[1]) << 10 for name in ("SUnreclaim", "Percpu"))


def measure(host):
    """Return what could grow: of the host exactly, of the machine as far as it can be seen."""
    return {
        "connections": int(host.sysctl("net.netfilter.nf_conntrack_count")),
        "network namespaces": kernel_objects("net_namespace"),
        "ptys": int(Path("/proc/sys/kernel/pty/nr").read_text(encoding="ascii")),
        "pid namespaces": len(host.pid_namespaces()),
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

    def growth():
        now = measure(host)
        allowed = {name: count // 2 for name in now}  # the rest of the machine lives on as well
        allowed.update({"connections": 2 * count, "pid namespaces": 0, "memory": count * MEMORY_OF_A_CYCLE})
        return {name: (before[name], now[name]) for name in now if now[name] > before[name] + allowed[name]}

    count = cycles()
    for _ in range(WARM_UP):
        live()
    before = measure(host)
    for _ in range(count):
        live()
    wait_until(lambda: not growth(), SETTLING, lambda: f"no growth after {count} cycles; (before, now): {growth()}")
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
