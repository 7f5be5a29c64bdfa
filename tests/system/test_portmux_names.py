# SPDX-License-Identifier: GPL-2.0-or-later
"""--name, and runs of portmux beside each other and beside uva_container."""

import signal
import subprocess

import pytest
from harness import wait_until

AT_ONCE = 2.0
SERVER = ("--", "./http_recorder.py")


@pytest.fixture
def start(host, stand_in):
    """Start two copies of the stand-in, by default at 8081 and 8082."""

    def run(*options, first=8081, state="copies"):
        places = ("--files", "private", "-d", state)
        return host.start_portmux(stand_in, *places, "-n", "2", *options, "-p", f"{first}+:8080", *SERVER)

    return run


def identities(host, *ports):
    """Return what tells the copies at these ports from each other."""
    return [host.get(f"http://127.0.0.1:{port}/on").body for port in ports]


@pytest.mark.parametrize("options", [("--name", "web"), ()])
def test_a_name_is_taken_once(host, start, options):
    """Whatever else is different; said in one line, and nothing is made; the first run is not disturbed."""
    manager = start(*options).wait_ready()
    before = identities(host, 8081, 8082)
    second = start(*options, first=9081, state="others")
    assert second.wait() == 1
    name = options[1] if options else "http_recorder.py"
    assert second.err.lines == [f"portmux: a run named {name} is there already: use another name (--name)"]
    assert second.out.lines == []
    assert host.refuses("127.0.0.1", 9081)
    assert identities(host, 8081, 8082) == before
    assert manager.stop() == 0
    assert start(*options, first=9081, state="others").wait_ready().stop() == 0


def test_the_name_of_a_run_that_was_killed_is_free(host, start):
    """As soon as its guardian has put the host back; so are its ports and its files."""
    manager = start("--name", "web").wait_ready()
    assert manager.stop(signal.SIGKILL, AT_ONCE) == -signal.SIGKILL
    wait_until(lambda: not manager.own_processes(), 5.0, "the guardian has ended")
    again = start("--name", "web").wait_ready()
    assert len(set(identities(host, 8081, 8082))) == 2
    assert again.stop() == 0


@pytest.mark.parametrize("files", ["overlay", "shared", "private"])
def test_the_same_state_directory_is_not_used_twice(host, stand_in, tmp_path, files):
    """By runs with different names, either: two overlays with one upper layer would spoil each other's files."""
    state = stand_in.path + "/state" if files == "private" else f"{tmp_path}/state"
    options = ("--files", files, "-d", state)
    first = host.start_portmux(stand_in, *options, "--name", "one", "-p", "8081:8080", *SERVER).wait_ready()
    second = host.start_portmux(stand_in, *options, "--name", "two", "-p", "8082:8080", *SERVER)
    assert second.wait() == 1
    said = "another run keeps its files there: use another directory (--state)"
    assert second.err.lines == [f"portmux: {state}: {said}"]
    assert first.stop() == 0
    again = host.start_portmux(stand_in, *options, "--name", "two", "-p", "8082:8080", *SERVER)
    assert again.wait_ready().stop() == 0


def test_runs_stand_beside_each_other(host, start, project, tmp_path):
    """Two of portmux and one of uva_container: all six copies are others, and each run ends by itself."""
    plain = host.project(tmp_path / "plain")
    plain.install(project.there("http_recorder.py"))
    managers = {
        8081: host.start_manager(plain).wait_ready(),
        9081: start("--name", "one", first=9081).wait_ready(),
        9181: start("--name", "two", first=9181, state="others").wait_ready(),
    }
    ports = [first + number for first in managers for number in (0, 1)]
    assert len(set(identities(host, *ports))) == 6
    for first, manager in managers.items():
        before = identities(host, *ports)
        assert manager.stop() == 0
        assert host.refuses("127.0.0.1", first) and host.refuses("127.0.0.1", first + 1)
        ports = [port for port in ports if port not in (first, first + 1)]
        assert identities(host, *ports) == before[2:]
    assert not [line for manager in managers.values() for line in manager.err.lines]


def test_the_rules_and_the_processes_name_the_run(host, start):
    """So that whoever looks at the machine knows what belongs to whom."""
    managers = [
        start("--name", "web").wait_ready(),
        start("--name", "api", first=9081, state="others").wait_ready(),
    ]
    rules = host.run(["nft", "list", "ruleset"]).stdout
    for name, first in (("web", 8081), ("api", 9081)):
        for number in (1, 2):
            assert f'tcp . {first + number - 1} comment "{name}, copy {number}" : goto copy-{number}' in rules
    titles = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    for name in ("web", "api"):
        expected = [f"portmux: {name}, guardian", *(f"portmux: {name}, copy {number}" for number in (1, 2))]
        assert not set(expected) - set(titles)
    assert [manager.stop() for manager in managers] == [0, 0]
