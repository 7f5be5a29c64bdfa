# SPDX-License-Identifier: GPL-2.0-or-later
"""A run of keepers (see keeper.py) that share a port, and its clients."""

import collections
import contextlib
import json
import socket
import threading
from pathlib import Path

from harness import command, wait_until

NAME, PORT = "web", 8080
KEEPER = Path(__file__).with_name("keeper.py")
AT_ONCE = 5.0  # on a busy machine
DONE = 60.0
PLACES = ("--files", "private", "-d", "copies", "--name", NAME)

# Listens at an address and a port, says its pid, and waits.
HOLDER = """
import os, signal, socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if sys.argv[3] == "udp" else socket.SOCK_STREAM)
server.bind((sys.argv[1], int(sys.argv[2])))
if sys.argv[3] == "tcp":
    server.listen()
print(os.getpid(), flush=True)
signal.pause()
"""

Greeting = collections.namedtuple("Greeting", "copy life word")


class Connection:
    """A connection that a copy has greeted."""

    def __init__(self, node, address="127.0.0.1", port=PORT):
        """Make it; a port that leads nowhere raises ConnectionRefusedError."""
        self._socket = node.connect(address, port, AT_ONCE)
        try:
            self._lines = self._socket.makefile("rb")
            self.greeting = greeting_of(self._lines.readline())
        except BaseException:
            self._socket.close()
            raise

    @property
    def copy(self):
        """The number of the copy at the other end."""
        return self.greeting.copy

    def is_open(self):
        """Whether the copy still answers; a reset raises nothing."""
        try:
            self._socket.sendall(b"still there?\n")
            return self._lines.readline() == b"still there?\n"
        except (ConnectionError, BrokenPipeError):
            return False

    def close(self):
        """End it."""
        self._lines.close()
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def greeting_of(line):
    """Return what a copy has told."""
    copy, life, word = line.decode().split()
    return Greeting(int(copy), life, word)


def connect_to(node, copy, port=PORT, address="127.0.0.1"):
    """Return a connection to that copy, by a shared port."""
    for _ in range(100):
        connection = Connection(node, address, port)
        if connection.copy == copy:
            return connection
        connection.close()
    raise AssertionError(f"copy {copy} gets no connection")


def greet(node, port=PORT, address="127.0.0.1"):
    """Return the greeting of one connection."""
    with Connection(node, address, port) as connection:
        return connection.greeting


def greetings(node, count=16, port=PORT):
    """Return the greetings of some connections, one after the other, by their copies."""
    return {greeting.copy: greeting for greeting in (greet(node, port) for _ in range(count))}


@contextlib.contextmanager
def hold_port(host, port, address="0.0.0.0", kind="tcp"):
    """Another program listens there; yields how it is named."""
    holder = host.popen(["python3", "-c", HOLDER, address, port, kind])
    pid = holder.out.wait_for(r"^(\d+)$", AT_ONCE)[1]
    yield f"python3 (pid {pid})"
    holder.stop()


class Flow:
    """Datagrams from one port to another: one flow."""

    def __init__(self, node, port=PORT, address="127.0.0.1"):
        """Make the socket."""

        def make():
            client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            client.settimeout(AT_ONCE)
            client.connect((address, port))
            return client

        self._socket = node.inside(make)

    def ask(self):
        """Return the greeting that answers a datagram."""
        self._socket.send(b"who?")
        return greeting_of(self._socket.recv(100))

    def close(self):
        """End it."""
        self._socket.close()


class Visits:
    """Connections one after the other, all the time; each has to be greeted and answered."""

    def __init__(self, node, port=PORT):
        """Begin."""
        self.count = 0
        self.failures = []
        self._node, self._port = node, port
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._visit, daemon=True)
        self._thread.start()

    def _visit(self):
        while not self._over.is_set():
            try:
                with Connection(self._node, port=self._port) as connection:
                    answered = connection.is_open()
                if not answered:
                    self.failures.append(f"{connection.greeting} did not answer")
            except (OSError, ValueError) as error:
                self.failures.append(repr(error))
            self.count += 1

    def finish(self):
        """End; return what went wrong."""
        self._over.set()
        self._thread.join()
        return self.failures


class Service:
    """A run of keepers, and what it is asked for."""

    def __init__(self, host, project, *options, copies=2, publish=(f"{PORT}:8080",), argument=None, **more):
        """Start it; argument: of the program."""
        mappings = [word for mapping in publish for word in ("-p", mapping)]
        program = ("--", "./http_recorder.py", *([argument] if argument else ()))
        arguments = (*PLACES, "-n", str(copies), *mappings, *options, *program)
        self.host = host
        self.project = project
        self._user = more.get("user")
        self.manager = host.start_portmux(project, *arguments, **more)

    def wait_ready(self):
        """Wait until it says how to stop it; return itself."""
        self.manager.wait_ready()
        return self

    def ask(self, verb, *arguments, **options):
        """Run a command to its end, which has to be a success, and return what it printed, by lines."""
        done = command(self.host, self.project, verb, NAME, *map(str, arguments), deadline=DONE, user=self._user, **options)
        return done.stdout.splitlines()

    def refusal(self, verb, *arguments, code=1):
        """Run a command, which has to fail with that exit code; return the one line that it says."""
        words = (verb, NAME, *map(str, arguments))
        done = command(self.host, self.project, *words, check=False, deadline=DONE, user=self._user)
        assert done.returncode == code, done
        (line,) = done.stderr.splitlines()
        return line

    def begin(self, verb, *arguments):
        """Start a command that takes time; return its Process."""
        return self.manager.ask_later(verb, NAME, *map(str, arguments))

    def copies(self):
        """Return what `portmux ps --json` says of each copy, by its number."""
        lines = self.ask("ps", "--json")
        return {copy["copy"]: copy for copy in map(json.loads, lines)}

    def pids(self):
        """Return the pid of each copy's first process, by its number."""
        return {number: copy["pid"] for number, copy in self.copies().items()}

    def states(self):
        """Return the state of each copy, by its number."""
        return {number: copy["state"] for number, copy in self.copies().items()}

    def said(self, number, lines):
        """Return what a copy has printed, once it is so many lines: a command may be done before they are read."""
        wait_until(lambda: len(self.manager.said(number)) >= lines, AT_ONCE, self.manager.transcript)
        return self.manager.said(number)

    def draining(self):
        """Return how many addresses there are in the table's set of copies that drain."""
        table = self.host.run(["nft", "-j", "list", "set", "inet", "portmux", "draining"], check=False)
        found = json.loads(table.stdout)["nftables"] if table.returncode == 0 else []
        (elements,) = [entry["set"].get("elem", []) for entry in found if "set" in entry] or [[]]
        return len(elements)

    def stop(self):
        """End it, which has to succeed."""
        assert self.manager.stop() == 0, self.manager.transcript()
