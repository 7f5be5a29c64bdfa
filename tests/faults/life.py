# SPDX-License-Identifier: GPL-2.0-or-later
"""One life of the manager, with faults in it: start, a request to each copy, Ctrl-C, end.

What has to hold is in Life.problems(): it comes up and serves, or it ends and says why; it never
hangs, is never ended by a signal other than the fault itself, never makes the host a router, and leaves
nothing behind. What two faults leave behind, the next start undoes.
"""

import contextlib
import dataclasses
import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import PLAIN_USER, Host, Project, build_other_ports, command, wait_until

from . import tools
from .anatomy import kill_everything
from .crossing import Crossing
from .kinds import AS_EVER, KINDS, LAN_ADDRESS, RUNDIR
from .points import KILL, Fault, inject_options

COPIES = (1, 2)
OUTPUT_DEADLINE = 1.0
LINES_MAX = 6  # that a failure may take to explain
ENDED_IN_ORDER, FAILED = 0, 1
STDERR = 2
OURS = "(?:uva_container|portmux): "
ANSWER = "here\n"
ENDING = {"guardian", "gate"}  # processes whose death ends the run
PROJECT = {"uva_container", "portmux", "http_recorder.py", "copies"}  # the files of a project


@dataclasses.dataclass
class Life:
    """What came of it."""

    faults: tuple  # of Fault, in the order in which they happen; then those that are only counted
    kind: str = AS_EVER
    ready: bool = False
    answers: dict = dataclasses.field(default_factory=dict)  # of each copy: "" or what went wrong
    silent: list = dataclasses.field(default_factory=list)  # copies whose output did not come
    asked: bool = False  # whether Ctrl-C was sent
    killed_before_asked: list = dataclasses.field(default_factory=list)
    code: int | None = None
    hang: str = ""  # what did not end in time
    told: list = dataclasses.field(default_factory=list)  # stderr
    hits: list = dataclasses.field(default_factory=list)  # for each fault: the name of the call that was hit, or ""
    calls: list = dataclasses.field(default_factory=list)  # for each fault
    ends: list = dataclasses.field(default_factory=list)  # how the process of each ended
    is_muted: bool = False  # a line could not be written to stderr
    is_left: bool = False  # something was left for the next start to undo
    around: list = dataclasses.field(default_factory=list)  # what went wrong on the host
    leftovers: str = ""
    seconds: float = 0.0
    transcript: str = ""

    @property
    def hit(self):
        """Whether all faults that were to happen have."""
        return all(hit for fault, hit in zip(self.faults, self.hits) if fault.at)

    def problems(self):
        """Return what is wrong with it, as lines; none if all is well."""
        found = [*self._end_problems(), *self._service_problems(), *self._left_problems(), *self.around]
        if self.leftovers:
            found.append(f"left behind: {self.leftovers}")
        return found

    def describe(self):
        """Return what it was, as a line."""
        faults = ", then ".join(fault.describe(hit or "not reached") for fault, hit in zip(self.faults, self.hits))
        return faults if self.kind == AS_EVER else f"{self.kind}: {faults}"

    def report(self):
        """Return a failure's report: the points, what is wrong, and what the program wrote."""
        lines = [self.describe(), *self.problems(), self.transcript]
        return "\n".join(line.replace("\n", "\n    ") for line in lines)

    def killed(self):
        """Return the processes that were killed."""
        return [fault.process for fault, hit in zip(self.faults, self.hits) if hit and fault.action == KILL]

    def _end_problems(self):
        if self.hang:
            return [f"{self.hang} ({'after Ctrl-C' if self.asked else 'by itself'})"]
        found = [f"a line that is not ours: {line}" for line in self.told if not re.match(OURS, line)]
        if len(self.told) > LINES_MAX * max(1, sum(map(bool, self.hits))):
            found.append(f"{len(self.told)} lines for {sum(map(bool, self.hits))} faults")
        for fault, end in zip(self.faults, self.ends):
            ended = re.match(r"signal (\d+)", end)
            if ended and int(ended[1]) not in (signal.SIGKILL, signal.SIGTERM):
                found.append(f"the {fault.process} ended by signal {ended[1]}")
        if "manager" in self.killed():
            return found if self.code == -signal.SIGKILL else [*found, f"exit code {self.code} instead of SIGKILL"]
        return [*found, *self._code_problems()]

    def _code_problems(self):
        found = []
        if self.code not in (ENDED_IN_ORDER, FAILED):
            found.append(f"exit code {self.code}")
        if self.code == ENDED_IN_ORDER and not self.asked:
            found.append("exit code 0, but nobody asked it to stop")
        for process in ENDING.intersection(self.killed_before_asked):
            if self.code != FAILED:
                found.append(f"exit code {self.code}, but the {process} was killed")
        if self.code != FAILED and self.is_left and not KINDS[self.kind].is_of_earlier:
            found.append(f"exit code {self.code}, but it has left something")
        if self.code == FAILED and not self.told and not self.is_muted:
            found.append("exit code 1 without a line that says why")
        unexpected = [line for line in self.told if not re.search(KINDS[self.kind].lines, line)]
        if not any(self.hits) and (self.code != KINDS[self.kind].code or unexpected):
            found.append("no fault, and yet not a quiet end")
        return found

    def _service_problems(self):
        found = [f"copy {number}: {why}" for number, why in self.answers.items() if "timed out" in why]
        if not self.ready or "manager" in self.killed():
            return found
        for number in COPIES:
            if self.answers.get(number) == "" and number not in self.silent:
                continue
            told = any(re.match(f"{OURS}(copy {number}|pasta |.*IPv6)", line) for line in self.told)
            stopped = not self.asked or (self.code == FAILED and self.told)
            if not told and not stopped and not self.is_muted:
                found.append(f"copy {number}: {self.answers.get(number) or 'its output is lost'}, and no word of it")
        return found

    def _left_problems(self):
        """One fault leaves nothing: who is left undoes its work. More than one may, but somebody has to say so."""
        killed = set(self.killed())
        is_nobody_there = {"manager", "guardian"} <= killed or (KINDS[self.kind].is_of_earlier and killed)
        if not self.is_left or is_nobody_there:
            return []
        if sum(map(bool, self.hits)) < 2 and not KINDS[self.kind].is_left:
            return ["not all was undone"]
        return [] if self.told or self.is_muted else ["not all was undone, and no word of it"]


class Lab:
    """A private host to live lives on, one after the other."""

    def __init__(self, directory, *, compiled=None, program=None):
        """directory: for the project and for what the tools say; compiled: of tools.compile_all(), or do it here.

        program: stands in for uva_container; prints as it does, and serves the same two copies.
        """
        self._program = program
        self._directory = Path(directory)
        self._directory.mkdir(parents=True, exist_ok=True)
        self._compiled = compiled or tools.compile_all(self._directory)
        self._report = self._directory / "report"
        self._gate = self._directory / "gate"
        self._other_ports = None
        self.manager = None  # of the life that is being lived
        self._make_host()

    def _make_host(self):
        self.host = Host(own_dev=True)
        self.project = self._make_project("project", self._program)
        self._home = self.host.home(PLAIN_USER)
        self._home.install(self._compiled["listener of both"])
        self._neighbour = None
        self.crossing = Crossing(self.host)
        self.host.remember()

    def _make_project(self, name, program):
        project = Project(self.host, self._directory / name)
        project.install(self._compiled["listener"])
        if program:
            shutil.copy(program, project.there("uva_container"))
        self.host.projects.add(project.path)
        return project

    def start_neighbour(self, port):
        """Start another run beside it, with two copies, at the host ports from port on."""
        self._other_ports = self._other_ports or build_other_ports(self._directory)
        self._neighbour = self._neighbour or self._make_project("neighbour", self._other_ports)
        return self.host.start_manager(self._neighbour, port, len(COPIES))

    def ask(self, *arguments, deadline):
        """Run a command of portmux, with a deadline; return its CompletedProcess."""
        try:
            return command(self.host, self.project, *arguments, check=False, deadline=deadline)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"no answer within {deadline} s: {' '.join(arguments)}") from error

    def has_hit(self):
        """Whether a fault has happened in the life that is being lived."""
        return self._report.exists() and "hit " in self._report.read_text()

    def close(self):
        """End the host."""
        self.crossing.close()
        self.host.close()

    def live(self, faults, kind=AS_EVER, under=None):
        """Live a life of a kind with faults in it; return the Life. under: another tracer's command."""
        life = Life(tuple(faults), kind)
        begin = time.monotonic()
        project = self._home if KINDS[kind].user else self.project
        shutil.rmtree(project.copies, ignore_errors=True)
        for path in (self._report, self._gate):
            path.unlink(missing_ok=True)
        options = inject_options(
            life.faults, KINDS[kind].processes, None if KINDS[kind].from_start else self._gate
        )
        user = ["--user", KINDS[kind].user]
        under = under or [self._compiled["inject"], "--report", self._report, *user, *options, "--"]
        steps = KINDS[kind].steps(self)
        self.crossing.take()
        try:
            next(steps)
            self._run(life, project, steps, under)
            next(steps)
            self._recover(life)
            next(steps, None)
        except AssertionError as error:
            life.around.append(str(error))
        self._compare(life, project)
        self.manager = None
        self.host.managers.clear()
        life.seconds = time.monotonic() - begin
        return life

    def _run(self, life, project, steps, under):
        arguments = KINDS[life.kind].portmux
        start = self.host.start_portmux if arguments else self.host.start_manager
        self.manager = start(project, *arguments, under=under)
        try:
            self._attend(life, steps)
            life.told = self.manager.complaints() if KINDS[life.kind].user else list(self.manager.err.lines)
            self._read_report(life)
            life.transcript = self.manager.transcript()
            life.around += _misled(self.manager)
            if life.hang:
                kill_everything(self.manager)
        finally:
            self.manager.close()

    def _attend(self, life, steps):
        hang = KINDS[life.kind].hang
        try:
            life.ready = _wait_ready(self.manager, hang)
            self._gate.touch()
            next(steps)
            if life.ready:
                self._request(life)
                _let_it_tell(self.manager, life)
            self._read_report(life)
            life.killed_before_asked = life.killed()
            ends_itself = {"manager", *ENDING} & set(life.killed())
            if life.ready and not ends_itself and self.manager.running:
                life.asked = True
                self.manager.send(signal.SIGINT)
            life.code = self.manager.wait(hang, KINDS[life.kind].undoing)
        except AssertionError as error:  # it has not ended, or somebody still holds its stderr open
            life.hang = str(error).splitlines()[0]

    def _request(self, life):
        ways = [(self.host, "127.0.0.1"), (self.host.client, LAN_ADDRESS)]
        ways += [(self.host, "[::1]")] if KINDS[life.kind].user else []
        for number in COPIES:
            life.answers[number] = next(filter(None, (self._get(*way, number) for way in ways)), "")
        for number in COPIES:
            if life.answers[number] == "" and not _prints(self.manager, number):
                life.silent.append(number)

    @staticmethod
    def _get(node, address, number):
        try:
            response = node.get(f"http://{address}:{8080 + number}/of-{number}", KINDS[AS_EVER].hang / 2)
        except (OSError, http.client.HTTPException) as error:
            return f"{address}: {error!r}"
        return "" if response.text == ANSWER else f"{address}: answered {response.text!r}"

    def _read_report(self, life):
        text = self._report.read_text() if self._report.exists() else ""
        life.hits = ["" for _ in life.faults]
        life.calls = [0 for _ in life.faults]
        life.ends = ["" for _ in life.faults]
        for number, call, argument in re.findall(r"^hit (\d+) \d+ (\S+) (\S+)$", text, re.MULTILINE):
            life.hits[int(number) - 1] = call
            life.is_muted = life.is_muted or (call.startswith("write") and int(argument) == STDERR)
        for number, calls, end in re.findall(r"^end (\d+) (\d+) (.*)$", text, re.MULTILINE):
            life.calls[int(number) - 1], life.ends[int(number) - 1] = int(calls), end

    def _recover(self, life):
        """If nobody could undo all, start once more: that undoes the rest, and is as any other."""
        hang = KINDS[life.kind].hang
        wait_until(lambda: not self.manager.own_processes(), hang, "all processes of the run are gone")
        life.is_left = self.host.root(RUNDIR).exists()
        if not life.is_left:
            return
        next_start = self.host.start_manager(self.project)
        try:
            next_start.wait_ready()
            for number in COPIES:
                assert self._get(self.host, "127.0.0.1", number) == "", "the next start serves"
            assert next_start.stop() == ENDED_IN_ORDER, "the next start ends well"
            assert next_start.err.lines == [], "the next start has nothing to say"
        finally:
            life.transcript += f"\n{next_start.transcript()}"
            next_start.close()

    def _compare(self, life, project):
        crossed = self.crossing.take()
        if crossed:
            life.around.append(f"the host was a router, for {' and '.join(sorted(crossed))}")
        try:
            self.host.assert_as_before()
        except AssertionError as error:
            life.leftovers = str(error)
        strays = set(os.listdir(project.there(""))) - PROJECT
        if strays:
            life.around.append(f"files in the project: {strays}")
        if life.leftovers or life.around:
            self.close()
            self._make_host()


def _wait_ready(manager, deadline):
    try:
        manager.wait_ready(deadline)
    except AssertionError:
        return False
    return True


def _let_it_tell(manager, life):
    """If a request has failed, wait until the run says why: a pasta that was killed takes a moment to be gone."""
    if any(life.answers.values()):
        with contextlib.suppress(AssertionError):
            wait_until(lambda: manager.complaints() or not manager.running, OUTPUT_DEADLINE, "told")


def _prints(manager, number):
    try:
        manager.out.wait_for(rf"^copy {number} \| GET /of-{number} ", OUTPUT_DEADLINE)
    except AssertionError:
        return False
    return True


def _misled(manager):
    """Return what copies have printed of requests to another one."""
    return [
        f"copy {number} was asked for another: {line}"
        for number in COPIES
        for line in manager.said(number)
        if line.startswith("GET /of-") and not line.startswith(f"GET /of-{number} ")
    ]


def main(*words):
    """Live one life with the faults that are named, and tell what came of it."""
    kind = words[0] if len(words) % 3 else AS_EVER
    words = words[len(words) % 3 :]
    faults = [Fault(process, action, int(at)) for process, action, at in zip(*[iter(words)] * 3)]
    with tempfile.TemporaryDirectory() as directory:
        lab = Lab(directory)
        life = lab.live(faults, kind)
        lab.close()
    print(life.report())
    print(f"ready {life.ready}, asked to stop {life.asked}, ended {life.ends}, calls {life.calls}, {life.seconds:.2f} s")
    return 1 if life.problems() else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
