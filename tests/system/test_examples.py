# SPDX-License-Identifier: GPL-2.0-or-later
"""README's examples of portmux, run as they stand by a new user with an empty home."""

import os
import re
import shutil
import signal

import pytest
from harness import TOP, wait_until
from harness.portmux import PORTMUX

README = (TOP / "README.md").read_text(encoding="utf-8")
SECTION = re.search(r"^## portmux in .*?(?=^## )", README, re.MULTILINE | re.DOTALL)[0]
STARTED, ENDED = 15.0, 30.0


def examples():
    """Return them by what stands in bold before them: (kind, text) of each block."""
    found = {}
    for part in re.split(r"^\*\*", SECTION, flags=re.MULTILINE)[1:]:
        found[part.split("*")[0].rstrip(",.")] = re.findall(r"^```(sh|text)\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)
    return found


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


def test_there_are_five():
    """Each has its commands, and what they print."""
    assert len(EXAMPLES) == 5
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
