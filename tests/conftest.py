# SPDX-License-Identifier: GPL-2.0-or-later
"""What every test gets: a private host, and the comparison of that host before and after."""

import os
import sys

sys.dont_write_bytecode = True

import pytest  # noqa: E402  pylint: disable=wrong-import-position
from harness import SANITIZED, Host  # noqa: E402  pylint: disable=wrong-import-position


@pytest.fixture
def host(request):
    """A private host. When the test is over, it has to be as it was before (see Host.finish)."""
    marker = request.node.get_closest_marker("host")
    with Host(**(marker.kwargs if marker else {})) as private_host:
        yield private_host
        private_host.finish()


@pytest.fixture
def project(host, tmp_path):
    """A directory with the real http_recorder.py in it."""
    return host.project(tmp_path / "project")


@pytest.fixture
def manager(host, project):
    """The program under test with both copies up."""
    return host.start_manager(project).wait_ready()


def pytest_sessionstart():
    """Without root there is no private host."""
    if os.geteuid() != 0:
        pytest.exit("these tests make network namespaces: run them as root", returncode=1)


def pytest_collection_modifyitems(config, items):
    """Leave out of a sanitized run what does not run the program at all."""
    if SANITIZED:
        left_out = [item for item in items if item.get_closest_marker("once")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def _fail_skipped(report):
    """In CI a test that is skipped has failed: nobody would notice that it is never run."""
    if os.environ.get("CI") and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, which counts as a failure in CI: {report.longrepr}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    """A test that skips itself, or that a mark skips."""
    outcome = yield
    _fail_skipped(outcome.get_result())


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report():
    """A whole file that skips itself."""
    outcome = yield
    _fail_skipped(outcome.get_result())
