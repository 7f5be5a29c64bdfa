# SPDX-License-Identifier: GPL-2.0-or-later
"""The project's tree as a user has it who calls make, with a stub in each program's place."""

import os
import shutil

from harness import TOP, USER

PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
# What make, the Makefile and the scripts that it calls need; no sudo, no pasta, no package manager.
TOOLS = (
    "cat chmod dirname env grep id install make paste python3 rm sed setsid sh sort test tr"
).split()

PROGRAMS = ("uva_container", "portmux")
# Says who runs it, and with what status it ends.
PROGRAM = """#!/bin/sh
echo "the program runs as $(id -u)"
exit ${STATUS:-0}
"""
# Asks for a password on the terminal; makes nobody root.
ASKING_SUDO = """#!/bin/sh
case $1 in
-n) exit 1 ;;
-v)
    echo 'password?' >/dev/tty
    read -r password </dev/tty
    [ "$password" = secret ]
    exit
    ;;
esac
echo "through sudo: $*"
exec "$@"
"""
# Notes what it is called with.
APT_GET = """#!/bin/sh
echo "$*" >>/home/tree/packages
"""


class StubTree:
    """A copy of the tree in a user's home, and a PATH that has the tools, and what a test puts there."""

    def __init__(self, host):
        """Make it on a private host, on a file system of its own."""
        host.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/home"])
        host.remember()
        self._host = host
        self.there("bin").mkdir()
        for name in TOOLS:
            self.there("bin", name).symlink_to(os.path.realpath(shutil.which(name, path=PATH)))
        self.there("tree").mkdir()
        shutil.copy(TOP / "Makefile", self.there("tree"))
        for name in ("completions", "scripts", "src"):
            shutil.copytree(TOP / name, self.there("tree", name), ignore=shutil.ignore_patterns("__pycache__"))
        for name in PROGRAMS:
            self.install(f"tree/{name}", PROGRAM)
        os.chown(self.there("tree"), USER, USER)

    def there(self, *names):
        """Return how the test run itself reaches a file below the home directory."""
        return self._host.root(os.path.join("/home", *names))

    def install(self, name, text):
        """Put a script there, such as bin/sudo."""
        path = self.there(name)
        path.write_text(text)
        path.chmod(0o755)

    def make(self, *arguments, user=USER, build=False, terminal=False, **env):
        """Start make as a user; without build, it takes the stub for what it has to build."""
        argv = ["make", *(() if build else ("-o", "all")), *arguments]
        return self._host.popen(
            argv, cwd="/home/tree", user=user, terminal=terminal, env={"PATH": "/home/bin", "HOME": "/home", **env}
        )

    def install_apt_get(self):
        """Give the machine a package manager."""
        self.install("bin/apt-get", APT_GET)

    def packages(self):
        """Return the calls of the package manager."""
        calls = self.there("tree/packages")
        return calls.read_text().splitlines() if calls.exists() else []


def ended(make, code=0):
    """Wait for make's end; return all lines that it wrote, those of stdout first."""
    assert make.wait() == code, make.transcript()
    return make.out.lines + (make.err.lines if make.err is not make.out else [])
