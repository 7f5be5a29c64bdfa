# SPDX-License-Identifier: GPL-2.0-or-later
"""Build programs with the engine of the program under test, such as a second front door (other_ports.c)."""

import shlex
import subprocess
from pathlib import Path

from .project import BINARY, SANITIZED, TOP


def build_with_engine(source, directory):
    """Build a C file by the commands and from the objects that made the program under test; return the program."""
    tree = next((path for path in BINARY.parents if (path / "src/run/run.h").exists()), TOP)
    build = tree / ("build/sanitize" if SANITIZED else "build")
    compiler, linker = (shlex.split((build / f"{name}.command").read_text()) for name in ("compile", "link"))
    program = Path(directory, source.stem)
    compiled = program.with_suffix(".o")
    libraries = [argument for argument in linker if argument.startswith("-l")]  # once more, after what needs them
    subprocess.run([*compiler, "-c", "-o", compiled, source], cwd=tree, check=True)
    subprocess.run([*linker, "-o", program, compiled, *libraries], cwd=tree, check=True)
    return program


def build_other_ports(directory):
    """Build the second front door in directory; return its path."""
    return build_with_engine(Path(__file__).with_name("other_ports.c"), directory)


def build_churn(directory):
    """Build the front door under which copies come and go (churn.c) in directory; return its path."""
    return build_with_engine(Path(__file__).with_name("churn.c"), directory)


def build_layered(directory):
    """Build the front door that asks for what portmux asks for (layered.c) in directory; return its path."""
    return build_with_engine(Path(__file__).with_name("layered.c"), directory)


def build_steps(directory):
    """Build the front door that changes its mappings step by step (steps.c) in directory; return its path."""
    return build_with_engine(Path(__file__).with_name("steps.c"), directory)
