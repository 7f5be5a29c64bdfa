# SPDX-License-Identifier: GPL-2.0-or-later
"""README's examples of portmux, and its tutorial, run as they stand by a new user with an empty home."""

import os
import re
import shutil
import signal

import pytest
from harness import TOP, wait_until
from harness.portmux import PORTMUX

README = (TOP / "README.md").read_text(encoding="utf-8")
STARTED, ENDED = 15.0, 30.0


def section(title):
    """Return a section of README, by the beginning of its title."""
    return re.search(rf"^## {title}.*?(?=^## )", README, re.MULTILINE | re.DOTALL)[0]


def blocks_of(text):
    """Return what is to be typed, and what is printed: (kind, text) of each block."""
    return re.findall(r"^```(sh|text)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def examples():
    """Return the blocks of each by what stands in bold before them."""
    parts = re.split(r"^\*\*", section("portmux in"), flags=re.MULTILINE)[1:]
    return {part.split("*")[0].rstrip(",."): blocks_of(part) for part in parts}


EXAMPLES = examples()


@pytest.fixture
def newcomer(host, tmp_path):
    """Run blocks of commands in a copy of the directory `examples`, with portmux in the PATH."""
    directory = tmp_path / "examples"
    shutil.copytree(TOP / "examples", directory)
    (tmp_path / "bin").mkdir()
    shutil.copy(PORTMUX, tmp_path / "bin")
    (tmp_path / "home").mkdir()
    path = f"PATH={tmp_path}/bin:/usr/bin:/bin"

    def start(block):
        return host.popen(["env", path, f"HOME={tmp_path}/home", "bash", "-c", block], cwd=str(directory))

    return start


def test_there_are_three():
    """Each has its commands, and what they print."""
    assert len(EXAMPLES) == 3
    for blocks in EXAMPLES.values():
        assert blocks[-1][0] == "text" and "portmux run" in blocks[0][1]


@pytest.mark.parametrize("title", EXAMPLES)
def test_example(newcomer, title):
    """What is to run is started, in a terminal each; what asks it prints what README says."""
    blocks = EXAMPLES[title]
    commands = [text for kind, text in blocks if kind == "sh"]
    expected = blocks[-1][1].splitlines()
    if len(commands) == 1:  # it ends by itself
        runs, asking = [], newcomer(commands[0])
    else:
        runs = [newcomer(command) for command in commands[:-1]]
        for run in runs:
            run.out.wait_for(r"Ctrl-C stops", STARTED)
        asking = newcomer(commands[-1])
    assert asking.wait(ENDED) == 0
    wait_until(lambda: sorted(asking.out.lines) == expected, 1.0, lambda: f"{expected}\nbut\n{asking.out.lines}")
    for run in runs:
        os.killpg(run.pid, signal.SIGINT)
        assert run.wait(ENDED) == 0


def test_tutorial(newcomer):
    """One port over many copies: each command prints what README says, and the client loses no request."""
    (_, run), (_, few), (_, says), (_, ask), (_, change), (_, steps), (_, stop), (_, answers) = blocks_of(
        section("One port over many copies")
    )
    assert run.count("\n") + few.count("\n") + ask.count("\n") + change.count("\n") + stop.count("\n") == 6
    manager = newcomer(run)
    manager.out.wait_for(r"Ctrl-C stops", STARTED)
    asked = newcomer(few)
    assert asked.wait(ENDED) == 0 and asked.out.lines == says.splitlines()
    client = newcomer(ask)
    changed = newcomer(change)
    assert changed.wait(ENDED) == 0 and changed.out.lines == steps.splitlines()
    assert client.running, "a request was lost"
    assert newcomer(stop).wait(ENDED) == 0
    assert client.wait(ENDED) == 0
    assert client.out.lines == answers.splitlines()
    assert manager.wait(ENDED) == 0
