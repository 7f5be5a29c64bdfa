# SPDX-License-Identifier: GPL-2.0-or-later
"""Build other_ports.c with the engine of the program under test: a second manager beside the first."""

import shlex
import subprocess
from pathlib import Path

from .project import BINARY, SANITIZED, TOP


def build_other_ports(directory):
    """Build it in directory, by the commands and from the objects that made the program under test; return its path."""
    tree = next((path for path in BINARY.parents if (path / "src/manager.h").exists()), TOP)
    build = tree / ("build/sanitize" if SANITIZED else "build")
    compiler, linker = (shlex.split((build / f"{name}.command").read_text()) for name in ("compile", "link"))
    program = Path(directory, "other_ports")
    compiled = program.with_suffix(".o")
    source = Path(__file__).with_suffix(".c").with_stem("other_ports")
    libraries = [argument for argument in linker if argument.startswith("-l")]  # once more, after what needs them
    subprocess.run([*compiler, "-c", "-o", compiled, source], cwd=tree, check=True)
    subprocess.run([*linker, "-o", program, compiled, *libraries], cwd=tree, check=True)
    return program
