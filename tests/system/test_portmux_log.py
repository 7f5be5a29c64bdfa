# SPDX-License-Identifier: GPL-2.0-or-later
"""What a copy prints is kept in its place too, and what ps shows of a run names it."""

import os
from pathlib import Path

import pytest
from faults.anatomy import guardian, inits
from harness import wait_until

LIMIT = 1 << 20
SAYS = r"printf 'a\377b\r\n'; printf unfinished"


@pytest.fixture
def options(project):
    """Options for a state directory beside the project."""
    return ["-n", "2", "-d", f"{project.path}-state"]


@pytest.fixture
def state(host, options):
    """How the test run itself reaches that directory."""
    return host.root(options[-1])


@pytest.fixture
def run(host, project, options):
    """Run a shell's commands in two copies, to their end; return what was said on stderr."""

    def run_to_end(commands):
        manager = host.start_portmux(project, *options, "--", "sh", "-c", commands)
        assert manager.wait() == 0
        return [line for line in manager.err.lines if "exited with status 0" not in line and "no copy is left" not in line]

    return run_to_end


def log(state, number, name="log"):
    """Return what is kept of a copy."""
    return (state / str(number) / name).read_bytes()


def test_every_byte_is_kept_and_the_next_run_goes_on(run, state):
    """Also what is no text, and a last line without an end."""
    for times in (1, 2):
        assert run(SAYS) == []
        for number in (1, 2):
            assert log(state, number) == times * b"a\xffb\r\nunfinished"


def test_it_never_grows_beyond_two_files(run, state):
    """The older half is in log.old; the last bytes are in log."""
    assert run("yes 0123456789012345678901234567890123456789 | head -c 3500000; echo last") == []
    for number in (1, 2):
        assert LIMIT <= len(log(state, number, "log.old")) < 1.1 * LIMIT
        assert len(log(state, number)) < 1.1 * LIMIT
        assert log(state, number).endswith(b"last\n")
        assert sorted(path.name for path in (state / str(number)).glob("log*")) == ["log", "log.old"]


@pytest.mark.parametrize("plant", ["link", "fifo", "directory"])
def test_what_lies_in_its_way_is_neither_followed_nor_waited_for(run, state, plant):
    """It is said, and the run goes on without a log of that copy."""
    (state / "1").mkdir(parents=True)
    path = state / "1" / "log"
    victim = state / "victim"
    victim.write_text("untouched")
    if plant == "link":
        path.symlink_to(victim)
    elif plant == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    said = run("echo hello")
    assert len(said) == 1 and said[0].startswith("portmux: copy 1: what it prints cannot be kept in "), said
    assert victim.read_text() == "untouched"
    assert log(state, 2) == b"hello\n"


def test_ps_names_the_run(host, project, options):
    """Its guardian and its copies, by the name that it was given; the manager shows its command."""
    manager = host.start_portmux(project, *options, "--name", "web", "--", "sleep", "60").wait_ready()

    def title(pid):
        return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode()

    assert title(guardian(manager)) == "portmux: web, guardian"
    expected = ["portmux: web, copy 1", "portmux: web, copy 2"]
    wait_until(lambda: sorted(map(title, inits(manager))) == expected, 2.0, "the copies' inits wait for their programs")
    assert "--name\0web" in title(manager.pid)
    assert manager.stop() == 0
