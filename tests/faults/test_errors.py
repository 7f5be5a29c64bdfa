# SPDX-License-Identifier: GPL-2.0-or-later
"""Every system call fails once: the run goes on and is right, or it ends, says why and leaves nothing."""

import pytest

from .campaign import failures, points_wanted
from .points import ERRORS, PROCESSES

NONE = [("maker of the view", "EAGAIN")]  # it makes no call that could fail with this


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("process", PROCESSES)
def test_a_system_call_fails(campaign, process, error):
    """With each error that it can return: no hang, no crash, no leftover, no failure without a word."""
    tried, failed = campaign.run(process, error, points_wanted())
    assert not failed, failures(failed)
    assert tried or (process, error) in NONE
