# SPDX-License-Identifier: GPL-2.0-or-later
"""What the system tests share."""

import shutil
from pathlib import Path

import host_things
import pytest
from harness import (
    USER,
    Scene,
    bridge_netfilter,
    build_other_ports,
    install_probe,
    open_sandbox,
    open_scene,
)
from keepers import KEEPER, Service
from sharing import SHARER, start_sharers

STAND_IN = Path(__file__).with_name("stand_in.py")
REPORTER = Path(__file__).with_name("reporter.py")
PROBE = Path(__file__).with_name("probe.py")

# Who calls: the uid (and gid) of the user who has called sudo; None: root has called, without sudo.
CALLERS = {"root": None, "a user without a name": 54321, "nobody": USER}


@pytest.fixture
def stand_in(project):
    """A project whose http_recorder.py is the stand-in (see stand_in.py)."""
    project.install(STAND_IN)
    return project


@pytest.fixture
def home(host):
    """A user's home directory, open to that user alone, on a file system of its own; a project."""
    return host.home(USER)


@pytest.fixture
def reporters(project):
    """A project whose http_recorder.py says who asks whom (see reporter.py)."""
    project.install(REPORTER)
    return project


@pytest.fixture
def serve(host, project):
    """Start copies of a program that keeps its connections (see keeper.py), and wait until they are ready."""
    project.install(KEEPER)

    def run(*options, **more):
        return Service(host, project, *options, **more).wait_ready()

    return run


@pytest.fixture
def sharers(project):
    """A project whose http_recorder.py is for copies that share ports (see sharer.py)."""
    project.install(SHARER)
    return project


@pytest.fixture
def run_shared(host, sharers):
    """Start copies of it, and wait until they are ready; for the arguments see start_sharers()."""

    def run(copies, *options, **more):
        return start_sharers(host, sharers, copies, *options, **more).wait_ready(30.0)

    return run


@pytest.fixture
def scene(host, reporters):
    """Both copies up on the test's own host, each a reporter."""
    return Scene(host, reporters)


@pytest.fixture(scope="module", params=[0, 1], ids=["bridge-nf=0", "bridge-nf=1"])
def shared_scene(request, tmp_path_factory):
    """The same for all tests of a file, which only look; without and with br_netfilter."""
    with open_scene(tmp_path_factory.mktemp("shared"), REPORTER, sysctls=bridge_netfilter(request.param)) as scene:
        yield scene


@pytest.fixture(scope="session")
def other_ports(tmp_path_factory):
    """The program that makes as many copies as asked for, on other ports (see other_ports.c)."""
    return build_other_ports(tmp_path_factory.mktemp("other_ports"))


@pytest.fixture
def neighbours(host, tmp_path, other_ports):
    """A second project, whose program takes the first host port and the number of copies (reporters)."""
    project = host.project(tmp_path / "neighbours")
    shutil.copy(other_ports, project.there("uva_container"))
    project.install(REPORTER)
    return project


@pytest.fixture(scope="session", params=CALLERS.values(), ids=CALLERS)
def sandbox(request):
    """Both copies up on a host of their own, each a probe (see probe.py), for every caller.

    The same for all tests, which leave things as they are.
    """
    with open_sandbox(PROBE, host_things.lay, sudo=request.param) as shared:
        yield shared


@pytest.fixture
def probes(project):
    """A project whose http_recorder.py is the probe."""
    return install_probe(project, PROBE)
