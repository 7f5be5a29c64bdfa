# SPDX-License-Identifier: GPL-2.0-or-later
"""What the fault tests share: programs made for them, the workers, and the count of what was tried."""

import shutil

import pytest
from harness import build_churn, build_layered, build_other_ports

from . import tools
from .campaign import Campaign, seed

_TRIED = pytest.StashKey()


@pytest.fixture(scope="session")
def listener(tmp_path_factory):
    """The program that stands in for http_recorder.py (see listener.c)."""
    return tools.compile_listener(tmp_path_factory.mktemp("listener"))


@pytest.fixture(scope="session")
def other_ports(tmp_path_factory):
    """The program that makes as many copies as asked for, on other ports (see other_ports.c)."""
    return build_other_ports(tmp_path_factory.mktemp("other_ports"))


@pytest.fixture
def project(host, tmp_path, listener):
    """A directory with listener.c's program as its http_recorder.py."""
    made = host.project(tmp_path / "project")
    made.install(listener)
    return made


@pytest.fixture
def neighbour(host, tmp_path, listener, other_ports):
    """Make a project of that name beside it, whose program takes the first host port and the number of copies."""

    def make(name):
        made = host.project(tmp_path / name)
        made.install(listener)
        shutil.copy(other_ports, made.there("uva_container"))
        return made

    return make


@pytest.fixture(scope="session")
def churn(tmp_path_factory):
    """The program under which copies and mappings come and go (see churn.c)."""
    return build_churn(tmp_path_factory.mktemp("churn"))


def _work(request, directory, program=None):
    workers = Campaign(directory, program)
    yield workers
    workers.close()
    request.config.stash[_TRIED] = request.config.stash.get(_TRIED, 0) + workers.tried


@pytest.fixture(scope="session")
def campaign(request, tmp_path_factory):
    """Workers that live lives with faults in them."""
    yield from _work(request, tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="session")
def churning_campaign(request, tmp_path_factory, churn):
    """The same; while two copies serve, others come and go with their mappings."""
    yield from _work(request, tmp_path_factory.mktemp("churning"), churn)


@pytest.fixture(scope="module")
def layered_campaign(request, tmp_path_factory):
    """The campaign of a run as portmux makes it (see layered.c)."""
    directory = tmp_path_factory.mktemp("layered")
    yield from _work(request, directory, build_layered(directory))


def pytest_terminal_summary(terminalreporter, config):
    """Say how much was tried."""
    if _TRIED in config.stash:
        terminalreporter.write_line(f"faults: {config.stash[_TRIED]} points tried, FAULT_SEED={seed()}")
