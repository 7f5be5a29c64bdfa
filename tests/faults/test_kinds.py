# SPDX-License-Identifier: GPL-2.0-or-later
"""A fault while something else happens on the host: neither is lost over the other."""

import pytest

from .campaign import failures, points_wanted, sample_wanted
from .kinds import AS_A_PLAIN_USER, AS_EVER, KINDS, ROLLING

ADDED = "an uplink is added"
PART = 6  # of the points of a sample


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in (AS_EVER, AS_A_PLAIN_USER, ROLLING)])
def test_a_fault_in_a_life_of_this_kind(campaign, kind):
    """The manager or its guardian is killed, or a call of it fails, from what happens on."""
    tried, failed = campaign.run_kind(kind, sample_wanted(PART))
    assert not failed, failures(failed)
    assert tried


def test_an_uplink_that_cannot_be_guarded(campaign):
    """It does not forward until it is guarded, also when the run looks at it again."""
    tried, failed = campaign.run("manager", "ENOBUFS", points_wanted(), ADDED)
    assert not failed, failures(failed)
    assert tried
