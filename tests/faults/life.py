# SPDX-License-Identifier: GPL-2.0-or-later
"""One life of the manager, with one fault in it: start, a request to each copy, Ctrl-C, end.

What has to hold is in Life.problems(): it comes up and serves, or it ends and says why; it never
hangs, is never ended by a signal other than the fault itself, and leaves nothing behind.
"""

import dataclasses
import http.client
import re
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from harness import Host, Project

from . import tools
from .points import KILL, Fault

COPIES = (1, 2)
HANG = 7.0  # what takes longer: a copy has 5 s to begin to listen, and 5 s to end when it is asked to
OUTPUT_DEADLINE = 1.0
LINES_MAX = 6  # that a failure may take to explain
ENDED_IN_ORDER, FAILED = 0, 1
OURS = "uva_container: "


@dataclasses.dataclass
class Life:
    """What came of it."""

    fault: Fault
    ready: bool = False
    answers: dict = dataclasses.field(default_factory=dict)  # of each copy: "" or what went wrong
    silent: list = dataclasses.field(default_factory=list)  # copies whose output did not come
    asked: bool = False  # whether Ctrl-C was sent
    hit_before_asked: bool = False
    code: int | None = None
    hang: str = ""  # what did not end in time
    told: list = dataclasses.field(default_factory=list)  # stderr
    hit: str = ""  # the name of the call that was hit
    calls: int = 0
    end: str = ""  # how the traced process ended
    leftovers: str = ""
    seconds: float = 0.0
    transcript: str = ""

    def problems(self):
        """Return what is wrong with it, as lines; none if all is well."""
        found = [*self._end_problems(), *self._service_problems()]
        if self.leftovers:
            found.append(f"left behind: {self.leftovers}")
        return found

    def report(self):
        """Return a failure's report: the point, what is wrong, and what the program wrote."""
        lines = [self.fault.describe(self.hit or "not reached"), *self.problems(), self.transcript]
        return "\n".join(line.replace("\n", "\n    ") for line in lines)

    @property
    def _killed(self):
        return bool(self.hit) and self.fault.action == KILL

    def _copy_hit(self):
        return bool(self.hit) and self.fault.process.endswith("init")

    def _end_problems(self):
        if self.hang:
            return [f"{self.hang} ({'after Ctrl-C' if self.asked else 'by itself'})"]
        if self._killed and self.fault.process == "manager":
            return [] if self.code == -signal.SIGKILL else [f"exit code {self.code} instead of SIGKILL"]
        found = []
        if self.code not in (ENDED_IN_ORDER, FAILED):
            found.append(f"exit code {self.code}")
        if self.code == ENDED_IN_ORDER and not self.asked:
            found.append("exit code 0, but nobody asked it to stop")
        if self._killed and self.fault.process == "guardian" and self.hit_before_asked and self.code != FAILED:
            found.append(f"exit code {self.code}, but the guardian was killed")
        if self.code == FAILED and not any(line.startswith(OURS) for line in self.told):
            found.append("exit code 1 without a line that says why")
        found += [f"a line that is not ours: {line}" for line in self.told if not line.startswith(OURS)]
        if len(self.told) > LINES_MAX:
            found.append(f"{len(self.told)} lines for one fault")
        ended = re.match(r"signal (\d+)", self.end)
        if ended and int(ended[1]) not in (signal.SIGKILL, signal.SIGTERM):
            found.append(f"the {self.fault.process} ended by signal {ended[1]}")
        if not self.hit and (self.code or self.told):
            found.append("no fault, and yet not a quiet end")
        return found

    def _service_problems(self):
        found = [f"copy {number}: {why}" for number, why in self.answers.items() if "timed out" in why]
        if not self.ready or (self._killed and self.fault.process == "manager"):
            return found
        for number in COPIES:
            if self.answers.get(number) == "" and number not in self.silent:
                continue
            told = any(line.startswith(f"{OURS}copy {number}") for line in self.told)
            stopped = not self.asked or (self.code == FAILED and self.told)
            if not told and not stopped:
                found.append(f"copy {number}: {self.answers.get(number) or 'its output is lost'}, and no word of it")
        return found


class Lab:
    """A private host to live lives on, one after the other."""

    def __init__(self, directory, *, inject=None, listener=None, program=None):
        """directory: for the project and for what the tools say; inject, listener: compiled, or compile them.

        program: stands in for uva_container; prints as it does, and serves the same two copies.
        """
        self._program = program
        self._directory = Path(directory)
        self._directory.mkdir(parents=True, exist_ok=True)
        self._inject = inject or tools.compile_inject(self._directory)
        self._listener = listener or tools.compile_listener(self._directory)
        self._report = self._directory / "report"
        self._make_host()

    def _make_host(self):
        self.host = Host()
        self.project = Project(self.host, self._directory / "project")
        self.project.install(self._listener)
        if self._program:
            shutil.copy(self._program, self.project.there("uva_container"))
        self.host.projects.add(self.project.path)
        self.host.remember()

    def close(self):
        """End the host."""
        self.host.close()

    def live(self, fault, under=None):
        """Live a life with the fault in it; return the Life. under: another tracer's command."""
        life = Life(fault)
        begin = time.monotonic()
        shutil.rmtree(self.project.copies, ignore_errors=True)
        self._report.unlink(missing_ok=True)
        under = under or [self._inject, "--report", self._report, *fault.options(), "--"]
        manager = self.host.start_manager(self.project, under=under)
        try:
            self._run(manager, life)
            life.told = list(manager.err.lines)
            self._read_report(life)
            life.transcript = manager.transcript()
        finally:
            manager.close()
            self.host.managers.clear()
        self._compare(life)
        life.seconds = time.monotonic() - begin
        return life

    def _run(self, manager, life):
        try:
            life.ready = _wait_ready(manager)
            if life.ready:
                self._request(manager, life)
            self._read_report(life)
            life.hit_before_asked = bool(life.hit)
            ends_itself = life.hit and life.fault.action == KILL and not life.fault.process.endswith("init")
            if life.ready and not ends_itself and manager.running:
                life.asked = True
                manager.send(signal.SIGINT)
            life.code = manager.wait(HANG)
        except AssertionError as error:  # it has not ended, or somebody still holds its stderr open
            life.hang = str(error).splitlines()[0]

    def _request(self, manager, life):
        for number in COPIES:
            life.answers[number] = self._get(number)
        for number in COPIES:
            if life.answers[number] == "" and not _prints(manager, number):
                life.silent.append(number)

    def _get(self, number):
        try:
            response = self.host.get(f"http://127.0.0.1:{8080 + number}/point", HANG / 2)
        except (OSError, http.client.HTTPException) as error:
            return str(error) or repr(error)
        return "" if response.text == "here\n" else f"answered {response.text!r}"

    def _read_report(self, life):
        text = self._report.read_text() if self._report.exists() else ""
        hit = re.search(r"^hit \d+ (\S+)$", text, re.MULTILINE)
        end = re.search(r"^end (\d+) (.*)$", text, re.MULTILINE)
        life.hit = hit[1] if hit else ""
        if end:
            life.calls, life.end = int(end[1]), end[2]

    def _compare(self, life):
        try:
            self.host.assert_as_before()
        except AssertionError as error:
            life.leftovers = str(error)
            self.host.close()
            self._make_host()


def _wait_ready(manager):
    try:
        manager.wait_ready(HANG)
    except AssertionError:
        return False
    return True


def _prints(manager, number):
    try:
        manager.out.wait_for(rf"^copy {number} \| GET /point ", OUTPUT_DEADLINE)
    except AssertionError:
        return False
    return True


def main(process, action, at):
    """Live one life with one fault, and tell what came of it."""
    with tempfile.TemporaryDirectory() as directory:
        lab = Lab(directory)
        life = lab.live(Fault(process, action, int(at)))
        lab.close()
    print(life.report())
    print(f"ready {life.ready}, asked to stop {life.asked}, ended {life.end!r}, {life.seconds:.2f} s")
    return 1 if life.problems() else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
