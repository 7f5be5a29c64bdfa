# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs that start, serve and end at random, and whatever may happen to them; each leaves the host as it was.

SOAK_SECONDS (60) is how long, SOAK_SEED which random numbers; the seed is printed, to have the same
things done once more (when exactly they happen, the machine decides).
"""

import collections
import errno
import http.client
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from harness import Host, build_other_ports, wait_until

from . import tools
from .anatomy import COPIES, answers, guardian, inits, kill_everything, send

SECONDS = 60.0
END = 12.0  # a run that was asked to end, or that has lost its guardian
LONGEST_PAUSE = 0.15
LAN_ADDRESS = "198.51.100.1"
OTHER_PORT = 9001
ASKED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
REFUSALS = (ConnectionError, TimeoutError, http.client.HTTPException)


class Clients:
    """Requests to a port, from the host and from the LAN, one after the other, until they are stopped."""

    def __init__(self, host, ports):
        """Begin."""
        self.answered = 0
        self.problems = []
        self._over = threading.Event()
        places = [(node, address, port) for node, address in ((host, "127.0.0.1"), (host.client, LAN_ADDRESS)) for port in ports]
        self._threads = [threading.Thread(target=self._ask, args=place, daemon=True) for place in places]
        for thread in self._threads:
            thread.start()

    def _ask(self, node, address, port):
        pause = threading.Event()
        while not self._over.is_set():
            try:
                response = node.get(f"http://{address}:{port}/", 2.0)
                if response.text != "here\n":
                    self.problems.append(f"{address}:{port} answered {response.text!r}")
                self.answered += 1
            except REFUSALS:
                pause.wait(0.005)
            except OSError as error:
                if error.errno not in (errno.ENETUNREACH, errno.EHOSTUNREACH):
                    self.problems.append(f"{address}:{port}: {error}")

    def finish(self):
        """End."""
        self._over.set()
        for thread in self._threads:
            thread.join()


class Soak:
    """A host, two projects, and what is done on it."""

    def __init__(self, directory, dice):
        """directory: for everything that is made; dice: a random.Random."""
        self._dice = dice
        self._host = Host()
        listener = tools.compile_listener(directory)
        self._projects = []
        for name, arguments, port in (("first", (), 8081), ("second", (OTHER_PORT, 2), OTHER_PORT)):
            project = self._host.project(directory / name)
            project.install(listener)
            if arguments:
                shutil.copy(build_other_ports(directory), project.there("uva_container"))
            self._projects.append((project, arguments, port))
        self._host.remember()
        self.done = collections.Counter()
        self.answered = 0

    def close(self):
        """End the host."""
        self._host.close()

    def transcripts(self):
        """Return what the runs of this round have written."""
        return "\n".join(manager.transcript() for manager in self._host.managers)

    def round(self):
        """One or two runs, from start to end; fail if the host is not as it was then."""
        chosen = self._dice.sample(self._projects, self._dice.choice((1, 1, 2)))
        clients = Clients(self._host, [port + copy - 1 for _, _, port in chosen for copy in COPIES])
        managers = [self._host.start_manager(project, *arguments) for project, arguments, _ in chosen]
        try:
            for manager, (*_, port) in zip(managers, chosen):
                self._live(manager, port)
        finally:
            clients.finish()
            self.answered += clients.answered
        assert not clients.problems, clients.problems
        if self.done["unrecovered"]:
            self._recover()
        self._host.assert_as_before()
        for manager in managers:
            manager.assert_sound()
            manager.close()
        self._host.managers.clear()

    def _pause(self):
        threading.Event().wait(self._dice.random() * LONGEST_PAUSE)

    def _live(self, manager, port):
        if self._dice.random() < 0.6:
            manager.wait_ready()
            for number in COPIES:
                assert answers(self._host, port + number - 1)
                assert answers(self._host.client, port + number - 1, LAN_ADDRESS)
                self.answered += 2
        else:
            self._pause()
        for _ in range(self._dice.randrange(3)):
            if manager.running:
                self._happen(manager, self._dice.choice(HAPPENINGS))
        self._happen(manager, self._dice.choice(ENDS))
        code = manager.wait(END)
        assert code in (0, 1, *(-number for number in (signal.SIGKILL, *ASKED))), manager.transcript()
        wait_until(lambda: not manager.own_processes(), END, "all its processes are gone")

    def _happen(self, manager, happening):
        self.done[happening.__name__] += 1
        happening(self, manager)
        self._pause()

    def _recover(self):
        self.done["unrecovered"] = 0
        project, arguments, _ = self._projects[0]
        manager = self._host.start_manager(project, *arguments).wait_ready()
        assert manager.stop(deadline=END) == 0, manager.transcript()
        manager.close()

    # ---- What happens to a run ----

    def kill_a_program(self, manager):
        """http_recorder.py of a copy dies."""
        children = [child for init in inits(manager) for child in _children(init)]
        if children:
            send(self._dice.choice(children), self._dice.choice((signal.SIGKILL, *ASKED)))

    def kill_an_init(self, manager):
        """A copy dies."""
        found = inits(manager)
        if found:
            send(self._dice.choice(found), signal.SIGKILL)

    def signal_an_init(self, manager):
        """Somebody signals the wrong process."""
        found = inits(manager)
        if found:
            send(self._dice.choice(found), self._dice.choice(ASKED))

    def signal_the_guardian(self, manager):
        """It is not meant, and does not mind."""
        pid = guardian(manager)
        if pid:
            send(pid, self._dice.choice(ASKED))

    def kill_the_guardian(self, manager):
        """The manager undoes its work."""
        pid = guardian(manager)
        if pid:
            send(pid, signal.SIGKILL)

    def flush_the_ruleset(self, _manager):
        """Another administrator."""
        self._host.run(["nft", "flush", "ruleset"])

    def forget_connections(self, _manager):
        """Another administrator."""
        self._host.run(["conntrack", "-F"], check=False)

    # ---- How it ends ----

    def ask(self, manager):
        """As a user does."""
        _signal(manager, self._dice.choice(ASKED))

    def ask_twice(self, manager):
        """As an impatient user does."""
        for _ in range(2):
            _signal(manager, signal.SIGINT)

    def kill(self, manager):
        """Its guardian undoes the rest; without one, the next start does."""
        if manager.running and not guardian(manager):
            self.done["unrecovered"] = 1
        _signal(manager, signal.SIGKILL)

    def kill_both(self, manager):
        """The next start undoes the rest."""
        if manager.running:
            self.done["unrecovered"] = 1
            kill_everything(manager)


HAPPENINGS = (
    Soak.kill_a_program,
    Soak.kill_an_init,
    Soak.signal_an_init,
    Soak.signal_the_guardian,
    Soak.kill_the_guardian,
    Soak.flush_the_ruleset,
    Soak.forget_connections,
)
ENDS = (Soak.ask, Soak.ask, Soak.ask_twice, Soak.kill, Soak.kill, Soak.kill_both)


def _signal(manager, number):
    if manager.running:
        manager.send(number)


def _children(pid):
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def main():
    """Go on until the time is over; return 0 if all was well."""
    seconds = float(os.environ.get("SOAK_SECONDS") or SECONDS)
    seed = int(os.environ.get("SOAK_SEED") or random.randrange(1 << 32))
    print(f"soak: {seconds:.0f} s, SOAK_SEED={seed}", flush=True)
    end = time.monotonic() + seconds
    rounds = 0
    with tempfile.TemporaryDirectory() as directory:
        soak = Soak(Path(directory), random.Random(seed))
        try:
            while time.monotonic() < end:
                rounds += 1
                soak.round()
        except AssertionError as error:
            print(f"soak: failed in round {rounds}, SOAK_SEED={seed}", error, soak.transcripts(), sep="\n")
            return 1
        finally:
            soak.close()
    done = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in sorted(soak.done.items()) if count)
    print(f"soak: {rounds} rounds, {soak.answered} requests answered; {done}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
