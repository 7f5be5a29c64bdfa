# SPDX-License-Identifier: GPL-2.0-or-later
"""Two faults in one life, the second while the first is dealt with: what nobody could undo, the next start does."""

import pytest

from .campaign import failures, sample_wanted
from .points import PROCESSES


@pytest.mark.parametrize("process", [name for name in PROCESSES if not name.startswith("maker ")])
def test_a_second_fault(campaign, process):
    """One process is killed, or a call of it fails; and then another one, or the same, from that moment on."""
    tried, failed = campaign.run_pairs(process, sample_wanted(1))
    assert not failed, failures(failed)
    assert tried
