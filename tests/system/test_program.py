# SPDX-License-Identifier: GPL-2.0-or-later
"""The assignment's program is in the tree as the assignment gives it."""

import hashlib

import pytest
from harness import HTTP_RECORDER

SHA256 = "9d145ead3aedb0d0ccda610ee7c08ab00a529af91550eac235a4a4b1f7c4999f"


@pytest.mark.once
def test_http_recorder_is_the_assignments_byte_for_byte():
    """The checksum is that of the code block on the assignment's page."""
    assert hashlib.sha256(HTTP_RECORDER.read_bytes()).hexdigest() == SHA256


@pytest.mark.once
def test_http_recorder_is_executable():
    """By everybody: a copy need not run as root."""
    assert HTTP_RECORDER.stat().st_mode & 0o111 == 0o111
