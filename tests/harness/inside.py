# SPDX-License-Identifier: GPL-2.0-or-later
"""What the program of a copy sees and may do: ask a probe (tests/system/probe.py), which tries it."""

import contextlib
import json
import os
import shutil
from pathlib import Path

from .host import Host

PROBE_DEADLINE = 30.0

# Where the private host gets file systems of its own, so that things can be laid out there.
OWN_FILE_SYSTEMS = ("/home", "/srv", "/tmp", "/var/tmp", "/dev/shm")


class Inside:
    """The probe in a copy, reached by the copy's host port."""

    def __init__(self, host, number):
        """The copy of that number on a host."""
        self._host = host
        self.number = number

    def _ask(self, probe, arguments, program):
        request = {"probe": probe, "arguments": arguments, "program": program}
        with self._host.connect("127.0.0.1", 8080 + self.number, PROBE_DEADLINE) as connection:
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as lines:
                line = lines.readline()
        answer = json.loads(line) if line else {"errno": "no answer"}
        assert "error" not in answer, f"{probe}{tuple(arguments)} in copy {self.number}:\n{answer['error']}"
        return answer

    def get(self, probe, *arguments, program=False):
        """Return what a probe returns; fail if the kernel refuses it. program: not by a child of the program."""
        __tracebackhide__ = True
        answer = self._ask(probe, arguments, program)
        assert "errno" not in answer, f"{probe}{arguments} in copy {self.number}: {answer['errno']}"
        return answer["value"]

    def refusal(self, probe, *arguments, program=False):
        """Return the name of the error that a probe ends with, "" if with none.

        The name of a signal if that has ended it; "no answer" if the whole program has ended.
        """
        return self._ask(probe, arguments, program).get("errno", "")


    def refusals(self, probe, calls):
        """Return what a probe ends with, as refusal() does, by its arguments: many in one request."""
        __tracebackhide__ = True
        return dict(zip(calls, self.get("refusals", probe, *calls)))


class Sandbox:
    """A host with a run of the program under test on it, whose copies are probes."""

    def __init__(self, host, project, **options):
        """Start a project whose program is a probe; for the options see Manager."""
        self.host = host
        self.project = project
        self.caller = options.get("sudo") or 0
        self.copies = [Inside(host, number) for number in (1, 2)]
        self.manager = host.start_manager(project, **options).wait_ready()
        self._programs = {copy.number: self.manager.copy_process(copy.number) for copy in self.copies}

    def program(self, number=1):
        """Return the pid of a copy's program, in the test run's numbers."""
        return self._programs[number]

    def init(self, number=1):
        """Return the pid of a copy's init, in the test run's numbers."""
        status = Path(f"/proc/{self.program(number)}/status").read_text(encoding="ascii")
        return int(status.partition("PPid:")[2].split()[0])


def processes_of(space):
    """Return the pids of all processes in a pid namespace, as /proc names it, in the test run's numbers."""
    found = []
    for path in Path("/proc").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if path.name.isdigit() and os.readlink(path / "ns/pid") == space:
                found.append(int(path.name))
    return found


def install_probe(project, probe):
    """Make a probe, with the modules beside it, what is expected as http_recorder.py."""
    project.install(probe)
    shutil.copy(Path(probe).with_name("works.py"), project.there("works.py"))
    return project


def lay_out(host):
    """Give a host file systems of its own where things are to be laid out."""
    for path in OWN_FILE_SYSTEMS:
        host.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", path])
    host.remember()
    return host


@contextlib.contextmanager
def open_sandbox(probe, lay=lambda host: None, **options):
    """A sandbox on a host of its own, for many tests that leave things as they are.

    lay       is given the host before, to lay out what the copies shall not reach
    For the options see Manager.
    """
    with Host(lan=False) as host:
        lay_out(host)
        lay(host)
        project = install_probe(host.project("/home/user/project"), probe)
        if options.get("sudo"):
            project.give_to(options["sudo"])
        host.remember()
        yield Sandbox(host, project, **options)
        host.finish()
