# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs in C that the tests need, compiled into a directory."""

import os
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
CC = os.environ.get("CC", "cc").split()


def _compile(directory, source, *flags, name=None):
    program = directory / (name or source)
    command = [*CC, "-O2", "-Wall", "-Wextra", "-D_GNU_SOURCE", *flags, "-o", program, HERE / f"{source}.c"]
    subprocess.run(command, check=True)
    return program


def compile_listener(directory):
    """Compile listener.c; return the program."""
    return _compile(directory, "listener")


def compile_listener_of_both(directory):
    """Compile listener.c to listen on IPv6 and IPv4; return the program."""
    return _compile(directory, "listener", "-DIPV6", name="listener_of_both")


def compile_inject(directory):
    """Compile inject.c, with this machine's table of system calls; return the program."""
    defined = subprocess.run(
        [*CC, "-E", "-dM", "-"], input="#include <sys/syscall.h>\n", capture_output=True, text=True, check=True
    ).stdout
    names = sorted(set(re.findall(r"^#define SYS_(\w+) ", defined, re.MULTILINE)))
    (directory / "calls.h").write_text("".join(f'{{SYS_{name}, "{name}"}},\n' for name in names))
    return _compile(directory, "inject", f"-I{directory}", "-DWITH_CALLS")


def compile_all(directory):
    """Compile what lives need; return the programs by name."""
    return {
        "inject": compile_inject(directory),
        "listener": compile_listener(directory),
        "listener of both": compile_listener_of_both(directory),
    }
