# SPDX-License-Identifier: GPL-2.0-or-later
"""The other program under test: portmux, started on a host."""

import shutil

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
