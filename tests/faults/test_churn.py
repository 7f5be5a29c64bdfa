# SPDX-License-Identifier: GPL-2.0-or-later
"""Copies and mappings that come and go while others serve: nothing grows, and a fault then is like any other."""

import shutil
from pathlib import Path

import pytest
from harness import wait_until

from .anatomy import COPIES, answers, guardian
from .campaign import failures, points_wanted
from .points import CHURN_PROCESSES, ERRORS, KILL

FEW, MANY = 100, 1000
AT_A_TIME = 50  # copies that come and go together, where a run is scaled
DEADLINE = 60.0
SERVED = 5.0
SWEPT = 5.0  # chains of copies that have gone are deleted some time later, and so are their links
MEMORY = 1 << 20


def times():
    """Return how many copies are to come and go."""
    return MANY if points_wanted() is None else FEW


@pytest.fixture
def churned(host, project, churn):
    """Run it until that many copies have come and gone."""
    shutil.copy(churn, project.there("uva_container"))

    def run(count):
        manager = host.start_manager(project, "8081", "2", str(count))
        return manager.wait_ready(DEADLINE)

    return run


def size(host, manager, name="uva_container", bridge="uva0"):
    """Return what there is of a run: in the kernel, by its table's name and its bridge, in the log, of its processes."""
    table = host.run(["nft", "list", "table", "inet", name]).stdout
    (log,) = host.root("/run/uva_container").iterdir()
    processes = (manager.pid, guardian(manager))
    return {
        "chains": table.count("chain "),
        "sets": table.count("set ") + table.count("map "),
        "elements": table.count("tcp . ") + table.count(" : goto ") + table.count(" comment "),
        "links": len(host.run(["ip", "-o", "link"]).stdout.splitlines()),
        "neighbours": len(host.run(["ip", "neigh", "show", "dev", bridge, "nud", "permanent"]).stdout.splitlines()),
        "log": len(log.read_text().splitlines()),
        "descriptors": [len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in processes],
        "processes": len(manager.own_processes()),
    }


def memory(manager):
    """Return the memory that the manager and the guardian occupy, in bytes."""
    pages = [Path(f"/proc/{pid}/statm").read_text().split()[1] for pid in (manager.pid, guardian(manager))]
    return sum(int(count) for count in pages) * 4096


def settle(host, manager, expected, **where):
    """Wait until the run is as small as expected; where: see size()."""
    found = []

    def is_small():
        found.append(size(host, manager, **where))
        return found[-1] == expected

    wait_until(is_small, SWEPT, lambda: f"as after two copies\n{expected}\nnow\n{found[-1]}")


def test_a_thousand_copies_leave_no_more_than_two(host, churned):
    """One after the other, each with two mappings: links, rules, log, descriptors, memory are as after two."""
    manager = churned(2)
    few = size(host, manager)
    wait_until(lambda: size(host, manager)["chains"] < few["chains"], SWEPT, "chains are deleted")
    few, few_memory = size(host, manager), memory(manager)
    assert manager.stop() == 0
    host.managers.clear()
    manager = churned(times())
    settle(host, manager, few)
    assert memory(manager) < few_memory + MEMORY
    for number in COPIES:
        assert answers(host, 8080 + number)
    for port in range(8083, 8087):
        assert host.refuses("127.0.0.1", port)
    assert manager.stop() == 0
    assert manager.err.lines == []


def test_those_that_stay_are_not_disturbed(host, project, churn):
    """While others come and go, a download from the first copy goes on and each new connection is served."""
    shutil.copy(churn, project.there("uva_container"))
    manager = host.start_manager(project, "8081", "2", str(times()), keep="Ctrl-C")
    wait_until(lambda: not host.refuses("127.0.0.1", 8081), SERVED, "copy 1 serves")
    download = host.connect("127.0.0.1", 8081, SERVED)
    download.sendall(b"GET /endless HTTP/1.0\r\n\r\n")
    served = 0
    while not manager.out.lines:
        assert answers(host, 8081) and answers(host.client, 8081, "198.51.100.1")
        assert len(download.recv(1 << 16)) > 0
        served += 1
    assert served > 10, "the others came and went too fast for this to be a test"
    manager.wait_ready(DEADLINE)
    assert len(download.recv(1 << 16)) > 0
    download.close()
    assert manager.stop() == 0
    assert manager.err.lines == []


def test_a_run_scaled_again_and_again(host, project):
    """By its command, with a shared port and one of each copy: as small as after a few, and its log too."""
    where = {"name": "portmux", "bridge": "portmux0"}
    options = ("--name", "web", "--files", "private", "-d", "copies", "-n", "2", "-p", "8080:8080", "-p", "8081+:8080")
    manager = host.start_portmux(project, *options, "--", "./http_recorder.py").wait_ready()
    (log,) = host.root("/run/uva_container").iterdir()

    def scale(count):
        manager.ask("scale", "-q", "web", str(count), deadline=DEADLINE)

    scale(4)
    scale(2)
    few = size(host, manager, **where)
    wait_until(lambda: size(host, manager, **where)["chains"] < few["chains"], SWEPT, "chains are deleted")
    few, few_memory, few_bytes = size(host, manager, **where), memory(manager), log.stat().st_size
    for _ in range(times() // AT_A_TIME):
        scale(2 + AT_A_TIME)
        scale(2)
    settle(host, manager, few, **where)
    assert memory(manager) < few_memory + MEMORY
    assert log.stat().st_size <= few_bytes
    for port in (8080, 8081, 8082):
        assert answers(host, port)
    assert host.refuses("127.0.0.1", 8083)
    assert manager.stop() == 0
    assert manager.err.lines == []


@pytest.mark.parametrize("process", CHURN_PROCESSES)
@pytest.mark.parametrize("action", [KILL, *ERRORS])
def test_a_fault_while_copies_come_and_go(churning_campaign, process, action):
    """Killed or failed at a call, from the start to the end of a run in which copies and mappings come and go."""
    tried, failed = churning_campaign.run(process, action, points_wanted())
    assert not failed, failures(failed)
    assert tried
