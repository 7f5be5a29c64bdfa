# SPDX-License-Identifier: GPL-2.0-or-later
"""The processes of a run, to be killed one by one or all at once."""

import os
import signal
from pathlib import Path

from harness import processes_of, wait_until

GUARDIAN, INIT, GATE = "uva_guardian", "uva_init", "uva_gate"  # the names that they give themselves
PASTA = ("pasta", "passt")  # one program, with a suffix such as .avx2 where there is one for the processor
COPIES = (1, 2)
DEATH = 5.0


def _named(manager, name):
    return [pid for pid in manager.own_processes() if _name(pid) == name]


def _name(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def guardian(manager):
    """Return the pid of a run's guardian, in the test run's numbers; None if there is none."""
    return next(iter(_named(manager, GUARDIAN)), None)


def inits(manager):
    """Return the pids of the inits of a run's copies, in the test run's numbers."""
    return _named(manager, INIT)


def gate(manager):
    """Return the pid of the process that holds pasta in a run without root, in the test run's numbers, or None."""
    return next(iter(_named(manager, GATE)), None)


def pastas(host):
    """Return the pids of pasta's processes on a host, in the test run's numbers and order."""
    found = [pid for space in host.pid_namespaces() for pid in processes_of(space)]
    return sorted(pid for pid in found if _name(pid).startswith(PASTA))


def send(pid, number):
    """Send a process a signal, if it (a pid, or None) is there; return whether it was."""
    if pid is None:
        return False
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def kill_everything(manager):
    """Kill manager, guardian and copies, and give none of them a chance to do anything about it."""
    watcher = guardian(manager)
    for pid in (watcher, manager.pid):
        send(pid, signal.SIGSTOP)
    for pid in (*inits(manager), manager.pid, watcher):
        send(pid, signal.SIGKILL)
    manager.wait(DEATH)
    wait_until(lambda: not manager.own_processes(), DEATH, "all processes of the run are gone")


def answers(node, port, address="127.0.0.1"):
    """Whether a copy (listener.c) answers a node by that host port."""
    return node.get(f"http://{address}:{port}/").text == "here\n"
