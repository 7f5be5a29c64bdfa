# SPDX-License-Identifier: GPL-2.0-or-later
"""What a run of portmux tells a service manager and people who ask; the progress."""

import re
import signal
import socket

import pytest
from harness import COLOUR, wait_until

AT_ONCE = 2.0
PLACES = ("--files", "private", "-d", "copies")
SERVER = ("-p", "8081+:8080", "--", "./http_recorder.py")
HEADINGS = ["COPY", "STATE", "PORTS", "UPTIME", "RESTARTS", "OPEN", "CONNECTIONS", "RECEIVED", "SENT"]
MANY = 20


@pytest.fixture
def start(host, stand_in):
    """Start copies of the stand-in, with more options."""

    def run(*options, copies=2, **more):
        return host.start_portmux(stand_in, *PLACES, "-n", str(copies), *options, *SERVER, **more)

    return run


# ---- The service manager ----


class Told:
    """A socket for sd_notify(3), and what has come in."""

    def __init__(self, host, name):
        """Make it on the host, whose mounts and network the name is looked up in."""

        def make():
            made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            made.bind("\0" + name[1:] if name[0] == "@" else name)
            return made

        self.name = name
        self._socket = host.inside(make)
        self._socket.settimeout(15.0)
        self.messages = []

    def wait_for(self, line):
        """Receive messages up to one with a line."""
        while not self.messages or line not in self.messages[-1].splitlines():
            self.messages.append(self._socket.recv(4096).decode())

    def drain(self):
        """Receive what has come in; return all messages that have come in so far."""
        self._socket.setblocking(False)
        try:
            while True:
                self.messages.append(self._socket.recv(4096).decode())
        except BlockingIOError:
            self._socket.settimeout(15.0)
        return self.messages

    def close(self):
        """Close it."""
        self._socket.close()


@pytest.fixture(params=["/run/notify", "@portmux/notify"])
def told(request, host):
    """A service manager's socket: in the file system, and in the abstract namespace."""
    made = Told(host, request.param)
    host.remember()
    yield made
    made.close()


def hold_up(project, number):
    """Let copy number wait, before it listens, for a file; return that file."""
    program = project.there("http_recorder.py")
    project.there("real.py").write_bytes(program.read_bytes())
    project.there("real.py").chmod(0o755)
    wait = f"until [ $COPY != {number} ] || [ -e open ]; do sleep 0.01; done"
    program.write_text(f"#!/bin/sh\n{wait}\nexec {project.path}/real.py\n")
    project.files(number).mkdir(parents=True)
    return project.files(number) / "open"


def test_the_service_manager_is_told_when_all_copies_are_ready(host, start, stand_in, told):
    """Not before, though one of them is; on the way there how far it is; at the end that it ends."""
    door = hold_up(stand_in, 2)
    manager = start(env={"NOTIFY_SOCKET": told.name})
    told.wait_for("STATUS=1 of 2 copies are ready")
    assert not host.refuses("127.0.0.1", 8081) and host.refuses("127.0.0.1", 8082)
    assert "READY=1" not in told.drain()
    door.write_text("")
    manager.wait_ready()
    assert not host.refuses("127.0.0.1", 8082)
    told.wait_for("READY=1")
    assert "STATUS=2 of 2 copies are ready" in told.drain()
    assert manager.stop(signal.SIGTERM) == 0
    lines = "\n".join(told.drain()).splitlines()
    assert lines.count("READY=1") == lines.count("STOPPING=1") == 1
    assert lines.index("READY=1") < lines.index("STOPPING=1")
    assert manager.err.lines == []


def test_the_service_manager_waits_for_a_copy_that_takes_its_time(host, start, stand_in, told):
    """People are told after five seconds where the others are; the unit is active when all listen."""
    door = hold_up(stand_in, 2)
    manager = start(env={"NOTIFY_SOCKET": told.name}).wait_ready()
    manager.err.wait_for("copy 2: nothing listens on its port 8080 after 5 s")
    assert "READY=1" not in told.drain()
    door.write_text("")
    told.wait_for("READY=1")
    assert not host.refuses("127.0.0.1", 8082)
    assert manager.stop(signal.SIGTERM) == 0


def test_the_service_manager_sees_how_many_copies_are_ready(host, start, told):
    """Also later, when one of them has ended."""
    manager = start(env={"NOTIFY_SOCKET": told.name}).wait_ready()
    told.wait_for("STATUS=2 of 2 copies are ready")
    host.get("http://127.0.0.1:8081/exit/0")
    told.wait_for("STATUS=1 of 2 copies are ready")
    assert manager.stop() == 0


def test_a_service_manager_that_cannot_be_reached_is_no_obstacle(start):
    """It is said, and the run goes on."""
    manager = start(env={"NOTIFY_SOCKET": "/run/no/such"}).wait_ready()
    assert manager.err.lines == ["portmux: /run/no/such (NOTIFY_SOCKET): cannot be reached: No such file or directory"]
    assert manager.stop() == 0


# ---- Who asks ----


def table(manager):
    """Ask for the table; return its lines after the headings, each as its cells by heading."""
    begin = len(manager.err.lines)
    manager.send(signal.SIGUSR1)
    headings = manager.err.wait_for(r"^COPY ", AT_ONCE, begin).string
    assert headings.split() == HEADINGS
    starts = [headings.index(name) for name in HEADINGS]
    index = manager.err.lines.index(headings, begin)
    copies = int(manager.argv[manager.argv.index("-n") + 1])
    wait_until(lambda: len(manager.err.lines) > index + copies, AT_ONCE, "a line for each copy")
    lines = manager.err.lines[index + 1 : index + 1 + copies]
    ends = [*starts[1:], None]
    return [{name: line[a:b].strip() for name, a, b in zip(HEADINGS, starts, ends)} for line in lines]


def size(cell):
    """Return the bytes that a cell such as 1.5M stands for."""
    number, unit = re.fullmatch(r"([0-9.]+)([KMG]?)", cell).groups()
    return float(number) * 1024 ** " KMG".index(unit or " ")


def test_the_table_counts(host, start):
    """Connections and bytes of each copy for itself, both directions; the others' stay."""
    manager = start().wait_ready()
    before = table(manager)
    assert [[line["COPY"], line["STATE"], line["PORTS"], line["RESTARTS"]] for line in before] == [
        ["1", "ready", "8081->8080", "0"],
        ["2", "ready", "8082->8080", "0"],
    ]
    assert [line["CONNECTIONS"] for line in before] == ["0", "0"]
    for _ in range(20):
        host.get("http://127.0.0.1:8082/on")
    for _ in range(5):
        host.client.get("http://198.51.100.1:8082/on")
    after = table(manager)
    assert [line["CONNECTIONS"] for line in after] == ["0", "25"]
    for name in ("RECEIVED", "SENT"):
        grown = [size(line[name]) - size(was[name]) for line, was in zip(after, before)]
        assert grown[1] > 25 * 200 and grown[0] < 1000
    assert manager.stop() == 0
    assert not [line for line in manager.out.lines if "CONNECTIONS" in line]


def test_the_table_shows_how_each_copy_is(host, start, stand_in):
    """Restarts, mappings with an address, and what is not ready yet; an ended one has no time."""
    hold_up(stand_in, 3)
    manager = start("--restart", "on-failure", "-p", "127.0.0.1:9001+:8080", copies=3)
    wait_until(lambda: not host.refuses("127.0.0.1", 9002), 15.0, "copy 2 serves")
    wait_until(lambda: not host.refuses("127.0.0.1", 9001), 15.0, "copy 1 serves")
    host.get("http://127.0.0.1:8081/exit/1")
    manager.err.wait_for("copy 1: exited with status 1; starting again", AT_ONCE)
    wait_until(lambda: not host.refuses("127.0.0.1", 8081), 5.0, "copy 1 serves again")
    host.get("http://127.0.0.1:8082/exit/0")
    manager.err.wait_for("copy 2: exited with status 0", AT_ONCE)
    first, second, third = table(manager)
    assert [first["STATE"], first["RESTARTS"], first["PORTS"]] == ["ready", "1", "127.0.0.1:9001->8080, 8081->8080"]
    assert re.fullmatch(r"0:0\d", first["UPTIME"])
    assert [second["STATE"], second["RESTARTS"], second["UPTIME"]] == ["ended", "0", "-"]
    assert [third["STATE"], third["RESTARTS"]] == ["starting", "0"]
    manager.send(signal.SIGTERM)
    assert manager.wait() == 0


# ---- Progress ----


def screen(manager):
    """Return what stands on a terminal that has got all of this: lines without colours; last the unfinished one."""
    lines = [""]
    for line in [*manager.out.lines, manager.out.partial.decode()]:
        for piece in re.split(r"(\r(?:\x1b\[K)?)", COLOUR.sub("", line.rstrip("\r"))):
            if piece == "\r\x1b[K":
                lines[-1] = ""
            elif piece != "\r":
                lines[-1] += piece
        lines.append("")
    return lines[:-1]


def test_a_terminal_shows_the_progress_in_a_line_of_its_own(start):
    """It grows, and is gone in the end; all that the copies print stands there, a line each."""
    manager = start("--name", "many", copies=MANY, terminal=True).wait_ready(30.0)
    wait_until(lambda: sum("started" in line for line in manager.out.lines) == MANY, 5.0, "all have printed a line")
    progress = re.compile(rf"starting: (\d+) of {MANY} copies are ready")
    shown = [int(number) for number in progress.findall("\n".join(manager.out.lines))]
    assert shown == sorted(shown) and len(set(shown)) > 1
    *lines, below = screen(manager)
    printed = [line for line in lines if "started" in line]
    said = [line for line in lines if "started" not in line]
    assert sorted(printed) == sorted(f"copy {number} | started" for number in range(1, MANY + 1))
    assert said[0] == f"copies 1-{MANY}: localhost:8081-{8080 + MANY} -> 8080"
    assert (said[2:], below) == (["Ctrl-C stops them."], "")
    assert manager.stop() == 0


@pytest.mark.parametrize("options, terminal", [((), False), (("-q",), True)])
def test_elsewhere_there_is_no_progress(host, start, options, terminal):
    """Not in a pipe, nor with -q: there, what the copies print is all."""
    manager = start(*options, copies=MANY, terminal=terminal)
    for number in range(1, MANY + 1):
        manager.out.wait_for(rf"copy {number} \|.* started", 30.0)
    wait_until(lambda: not any(host.refuses("127.0.0.1", 8080 + n) for n in range(1, MANY + 1)), 30.0, "all serve")
    assert manager.stop() == 0
    assert not [line for line in manager.out.lines + manager.err.lines if "starting:" in line or "\r" in line]
    if options:
        assert sorted(COLOUR.sub("", line) for line in manager.out.lines) == sorted(
            f"copy {number} | started" for number in range(1, MANY + 1)
        )
