# SPDX-License-Identifier: GPL-2.0-or-later
"""What a service program counts on works in a copy: the positive side of the other test_sandbox files."""

import pytest
import works


@pytest.mark.parametrize("name", works.WORKS)
def test_it_works(sandbox, name):
    """In a copy of every caller (see works.py)."""
    sandbox.copies[len(name) % 2].get("works", name)


def test_what_does_not_work_is_told(sandbox):
    """The way the other test asks would notice it."""
    with pytest.raises(AssertionError, match="KeyError: 'no such thing'"):
        sandbox.copies[0].get("works", "no such thing")
