# SPDX-License-Identifier: GPL-2.0-or-later
"""The program under test, started on a host."""

import contextlib
import os
import re
import signal
from pathlib import Path

from .node import ENVIRONMENT
from .process import Process

SANITIZER_OPTIONS = ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS")
SANITIZER_REPORT = re.compile(r"Sanitizer|runtime error:")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
START_DEADLINE = 15.0

# What a run without root tells on stderr: what differs, and how to look inside.
WITHOUT_ROOT = re.compile(r"^uva_container: (without root: .*\bpasta\b.*\bsudo\b|to look inside: (?P<inside>.*))")

# In front of the program: root of a user namespace in which one user is mapped, with the network and a
# /run of its own, since nobody may write to the host's there.
IN_USER_NAMESPACE = ("unshare", "--user", "--map-root-user", "--net", "--mount", "sh", "-ec")
IN_USER_NAMESPACE += ('mount -t tmpfs -o mode=755 tmpfs /run; ip link set lo up; exec "$@"', "sh")


class Manager(Process):
    """A run of ./uva_container in a project directory."""

    program = "uva_container"

    def __init__(self, host, project, arguments=(), *, under=(), env=None, sudo=None, **options):
        """Start it.

        under   a command in front of it, such as strace -D, which leaves it the pid of what we start
        env     environment variables to add
        sudo    the uid, and gid of the same number, of the user who has called sudo
        For the other options see Process.
        """
        environment = {
            **ENVIRONMENT,
            **{name: os.environ[name] for name in SANITIZER_OPTIONS if name in os.environ},
            **({} if sudo is None else {f"SUDO_{name}": str(sudo) for name in ("UID", "GID", "USER")}),
            **(env or {}),
        }
        self._host = host
        self._project = project
        super().__init__(host, [*under, f"./{self.program}", *arguments], cwd=project.path, env=environment, **options)

    def wait_ready(self, deadline=START_DEADLINE):
        """Wait until it has told how to stop it, which it says last; return itself."""
        self.out.wait_for(r"Ctrl-C", deadline)
        return self

    def stop(self, number=signal.SIGINT, deadline=10.0):
        """Stop it as a user would; return its exit code."""
        return super().stop(number, deadline)

    def said(self, number):
        """Return the lines that it has printed for copy number, without prefix and colour."""
        prefix = f"copy {number} | "
        lines = [COLOUR.sub("", line) for line in self.out.lines]
        return [line[len(prefix) :] for line in lines if line.startswith(prefix)]

    def complaints(self):
        """Return the lines on stderr but for those of every run without root."""
        return [line for line in self.err.lines if not WITHOUT_ROOT.match(line)]

    def copy_process(self, number):
        """Return the pid of copy number's program: it runs http_recorder.py in that copy's directory."""
        home = self._project.files(number).stat()

        def is_program(process):
            command = (process / "cmdline").read_bytes()
            return b"python" in command and b"http_recorder.py" in command and _is(process / "cwd", home)

        pids = _pids(is_program)
        assert len(pids) == 1, f"copy {number}: processes that run http_recorder.py in its directory: {pids}"
        return pids[0]

    def own_processes(self):
        """Return the pids of all processes of this host that run the program under test itself."""
        binary = self._project.there(self.program).stat()
        spaces = self._host.pid_namespaces()
        return _pids(
            lambda process: os.readlink(process / "ns/pid") in spaces and _is(process / "exe", binary)
        )

    def kill_all(self):
        """Kill all of them at the same moment: stopped first, none lives to see another's end. Wait for its end."""
        own = self.own_processes()
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in own:
                with contextlib.suppress(ProcessLookupError):  # an init dies of the manager's end, stopped or not
                    os.kill(pid, number)
        self.wait()

    def processor_time(self):
        """Return the seconds of processor time that the manager has used."""
        return processor_time(self.pid)

    def memory(self, pids=None):
        """Return the memory that its own processes, or these of them, have allocated together, in bytes.

        Their programs and libraries do not count: they are files, and larger in newer distributions.
        """
        return sum(_memory(pid) for pid in (self.own_processes() if pids is None else pids))

    def assert_sound(self):
        """Fail if a sanitizer has found something."""
        for output in (self.out, self.err):
            reports = [line for line in (output.lines if output else []) if SANITIZER_REPORT.search(line)]
            assert not reports, f"{self.argv}: {reports}"


def processor_time(pid):
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:13]) / os.sysconf("SC_CLK_TCK")


def _is(path, status):
    return os.path.samestat(path.stat(), status)


def _pids(condition):
    """Return the pids of the processes for whose directory in /proc the condition holds."""

    def holds(process):
        try:
            return condition(process)
        except (FileNotFoundError, ProcessLookupError, PermissionError):  # it has just ended
            return False

    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and holds(path)]


def _memory(pid):
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"^RssAnon:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024
