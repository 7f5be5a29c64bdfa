# SPDX-License-Identifier: GPL-2.0-or-later
"""SIGKILL at every system call of a run's processes: nothing is left, and nothing hangs."""

import pytest

from .campaign import failures, points_wanted
from .points import KILL, PROCESSES


@pytest.mark.parametrize("process", PROCESSES)
def test_killed_at_a_system_call(campaign, process):
    """The host is as before within 2 s. If it was not the manager that died, it stops in good order."""
    tried, failed = campaign.run(process, KILL, points_wanted())
    assert not failed, failures(failed)
    assert tried
