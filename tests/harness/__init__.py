# SPDX-License-Identifier: GPL-2.0-or-later
"""Private hosts for tests, and what is done on them.

    namespaces.py  run a function inside other namespaces, by a thread that enters them
    waiting.py     wait for a condition, with a deadline
    process.py     a process on a node: its output by lines, its end, its terminal
    node.py        a place on the network: run, connect, listen, get
    host.py        the private host: a node of its own, its LAN, its state before and after
    snapshot.py    what a host looks like: everything that a run may not leave behind
    project.py     the directory that the program lies and is started in
    manager.py     the program under test, started on a host
    portmux.py     the other one, its commands and its control socket
    scene.py       a host on which both copies run, to look at the network from all sides
    talk.py        who reaches whom
    frames.py      packets that no well-behaved neighbour sends, and what of them arrives
    inside.py      what the program of a copy sees and may do
    chroot.py      a root directory within the host's
    front_door.py  a second program over the same engine, on other ports
    compiler.py    programs in C that stand in one file
    load.py        clients that never let up, and the server of one thread that they ask
"""

from .chroot import make_chroot
from .compiler import compile_c
from .frames import RST, SYN, SYN_ACK, Tap, syn
from .front_door import build_churn, build_layered, build_other_ports, build_steps
from .host import Host
from .inside import Inside, Sandbox, install_probe, lay_out, open_sandbox, processes_of
from .load import Load, build_load, build_one_thread, copies_of
from .manager import COLOUR, IN_USER_NAMESPACE, WITHOUT_ROOT, Manager, processor_time
from .node import Node, Response
from .portmux import PORTMUX, Portmux, command, control_socket
from .process import Process
from .project import HTTP_RECORDER, PLAIN_USER, SANITIZED, TOP, USER, Project
from .scene import BRIDGE, Scene, addresses, bridge_netfilter, mac, open_scene
from .snapshot import Snapshot
from .talk import OPEN, REFUSED, SILENT, UNREACHABLE, ask, outcomes, outcomes_from
from .waiting import wait_until

__all__ = [
    "BRIDGE",
    "COLOUR",
    "HTTP_RECORDER",
    "Host",
    "IN_USER_NAMESPACE",
    "Inside",
    "Load",
    "Manager",
    "Node",
    "OPEN",
    "PLAIN_USER",
    "PORTMUX",
    "Portmux",
    "Process",
    "Project",
    "REFUSED",
    "Response",
    "SANITIZED",
    "SILENT",
    "RST",
    "SYN",
    "SYN_ACK",
    "Sandbox",
    "Scene",
    "Snapshot",
    "TOP",
    "Tap",
    "UNREACHABLE",
    "USER",
    "WITHOUT_ROOT",
    "addresses",
    "ask",
    "bridge_netfilter",
    "build_churn",
    "build_layered",
    "build_load",
    "build_one_thread",
    "build_other_ports",
    "build_steps",
    "command",
    "compile_c",
    "control_socket",
    "copies_of",
    "install_probe",
    "lay_out",
    "mac",
    "make_chroot",
    "open_sandbox",
    "open_scene",
    "outcomes",
    "outcomes_from",
    "processes_of",
    "processor_time",
    "syn",
    "wait_until",
]
