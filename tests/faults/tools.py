# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs in C that the tests need, compiled into a directory."""

import re
import subprocess
from pathlib import Path

from harness.compiler import CC, compile_c

HERE = Path(__file__).parent


def compile_listener(directory):
    """Compile listener.c; return the program."""
    return compile_c(HERE / "listener.c", directory)


def compile_listener_of_both(directory):
    """Compile listener.c to listen on IPv6 and IPv4; return the program."""
    return compile_c(HERE / "listener.c", directory, "-DIPV6", name="listener_of_both")


def compile_inject(directory):
    """Compile inject.c, with this machine's table of system calls; return the program."""
    defined = subprocess.run(
        [*CC, "-E", "-dM", "-"], input="#include <sys/syscall.h>\n", capture_output=True, text=True, check=True
    ).stdout
    names = sorted(set(re.findall(r"^#define SYS_(\w+) ", defined, re.MULTILINE)))
    (directory / "calls.h").write_text("".join(f'{{SYS_{name}, "{name}"}},\n' for name in names))
    return compile_c(HERE / "inject.c", directory, f"-I{directory}", "-DWITH_CALLS")


def compile_all(directory):
    """Compile what lives need; return the programs by name."""
    return {
        "inject": compile_inject(directory),
        "listener": compile_listener(directory),
        "listener of both": compile_listener_of_both(directory),
    }
