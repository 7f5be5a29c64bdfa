# SPDX-License-Identifier: GPL-2.0-or-later
"""The other program under test: portmux, started on a host; its other commands, and its control socket."""

import shutil
import socket

from .manager import Manager
from .project import BINARY

PORTMUX = BINARY.with_name("portmux")


class Portmux(Manager):
    """A run of ./portmux run in a project directory."""

    program = "portmux"

    def __init__(self, host, project, arguments=(), **options):
        """Start it; arguments: those of `portmux run`; for the options see Manager."""
        if not project.there("portmux").exists():
            shutil.copy(PORTMUX, project.there("portmux"))
        super().__init__(host, project, ("run", *arguments), **options)

    def ask(self, *arguments, **options):
        """Run another command of portmux where this run was started; see command()."""
        return command(self._host, self._project, *arguments, **options)

    def ask_later(self, *arguments, **options):
        """Start another command of portmux there; for the options see Process."""
        return self._host.popen([f"{self._project.path}/portmux", *arguments], cwd=self._project.path, **options)


def command(host, project, *arguments, user=None, check=True, deadline=10.0):
    """Run a command of portmux such as ps to its end; return its CompletedProcess. user: who runs it."""
    become = [] if user is None else ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    argv = [*become, f"{project.path}/portmux", *arguments]
    return host.run(argv, cwd=project.path, check=check, deadline=deadline)


def control_socket(host, name, deadline=10.0):
    """Return a connection to the control socket of the run of that name."""

    def connect():
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(deadline)
        connection.connect(f"\0portmux/{name}")
        return connection

    return host.inside(connect)
