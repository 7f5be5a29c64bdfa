# SPDX-License-Identifier: GPL-2.0-or-later
"""Compile the programs in C that tests and benchmarks need: each is one file."""

import os
import subprocess
from pathlib import Path

CC = os.environ.get("CC", "cc").split()


def compile_c(source, directory, *flags, name=None):
    """Compile one C file in directory, with more flags; return the program, which has the file's name or another."""
    program = Path(directory, name or Path(source).stem)
    command = [*CC, "-O2", "-Wall", "-Wextra", "-D_GNU_SOURCE", *flags, "-o", program, source]
    subprocess.run(command, check=True)
    return program
