# SPDX-License-Identifier: GPL-2.0-or-later
"""A fault in a run as portmux makes it: overlays, a port of one address, limits, an environment."""

import pytest

from .campaign import failures, points_wanted
from .points import ERRORS, KILL

PROCESSES_OF_IT = ("manager", "guardian", "init")


@pytest.mark.parametrize("process", PROCESSES_OF_IT)
@pytest.mark.parametrize("action", [KILL, *ERRORS])
def test_a_fault_with_overlays(layered_campaign, process, action):
    """Killed or failed at a call, from the start to the end."""
    tried, failed = layered_campaign.run(process, action, points_wanted())
    assert not failed, failures(failed)
    assert tried
