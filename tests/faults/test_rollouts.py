# SPDX-License-Identifier: GPL-2.0-or-later
"""A fault while commands of portmux change a run: copies are added, restarted, removed; ports come and go."""

import pytest

from .campaign import failures, points_wanted
from .kinds import ROLLING
from .points import ERRORS, KILL, ROLLING_PROCESSES


@pytest.mark.parametrize("process", ROLLING_PROCESSES)
def test_killed_while_commands_change_the_run(campaign, process):
    """The host is as before; whoever has given a command is told; a run whose copy has died goes on."""
    tried, failed = campaign.run(process, KILL, points_wanted(), ROLLING)
    assert not failed, failures(failed)
    assert tried


@pytest.mark.parametrize("process", ["manager", "guardian"])
@pytest.mark.parametrize("error", ERRORS)
def test_a_system_call_fails_while_commands_change_the_run(campaign, process, error):
    """The command fails and says why, or it is done; the run goes on and is right, or it ends and says why."""
    tried, failed = campaign.run(process, error, points_wanted(), ROLLING)
    assert not failed, failures(failed)
    assert tried
