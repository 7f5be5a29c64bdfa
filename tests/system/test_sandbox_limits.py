# SPDX-License-Identifier: GPL-2.0-or-later
"""Resource limits of the caller (ulimit) are those of its copies."""

import pytest
from harness import SANITIZED, Inside

NPROC_USER = 54777  # a user of this test alone: the kernel counts a user's processes on the whole machine
NPROC = 60

LIMITS = {
    "RLIMIT_NOFILE": (300, 400),
    "RLIMIT_CORE": (0, 4096),
    "RLIMIT_STACK": (4 << 20, 16 << 20),
    "RLIMIT_FSIZE": (50 << 20, 60 << 20),
    "RLIMIT_CPU": (3000, 3001),
    "RLIMIT_AS": (2 << 30, 3 << 30),
    "RLIMIT_MEMLOCK": (65536, 131072),
    "RLIMIT_SIGPENDING": (1000, 2000),
    "RLIMIT_MSGQUEUE": (400000, 500000),
    "RLIMIT_NICE": (0, 0),
    "RLIMIT_RTPRIO": (0, 0),
}
if SANITIZED:  # which takes terabytes of addresses
    del LIMITS["RLIMIT_AS"]


def prlimit(limits):
    """Return a command in front that sets limits."""
    return ["prlimit", *(f"--{name[7:].lower()}={soft}:{hard}" for name, (soft, hard) in limits.items())]


@pytest.fixture
def limited(host, probes, request):
    """A copy whose manager was started with limits, for a user who has called sudo."""
    host.start_manager(probes, sudo=NPROC_USER, under=prlimit(request.param)).wait_ready()
    return Inside(host, 1)


@pytest.mark.parametrize("limited", [LIMITS], indirect=True, ids=["all"])
def test_limits_are_kept(limited):
    """Soft and hard; and a hard one cannot be raised."""
    found = limited.get("limits")
    assert {name: tuple(found[name]) for name in LIMITS} == LIMITS
    for name in LIMITS:
        assert limited.refusal("raise_limit", name) == "EPERM"


@pytest.mark.parametrize("limited", [{"RLIMIT_NPROC": (NPROC, NPROC)}], indirect=True, ids=["nproc"])
def test_a_fork_bomb_is_bounded_by_the_callers_limit(limited):
    """It can fork until the limit, gets EAGAIN, and goes on afterwards."""
    for _ in range(2):
        count, why = limited.get("fork_until_refused")
        assert why == "EAGAIN"
        assert NPROC // 2 < count < NPROC
    assert limited.get("run", "echo", "on") == [0, "on\n", ""]


def test_without_limits_there_are_none(sandbox):
    """A copy has what its caller has: no limit is made up."""
    wanted = sandbox.host.run(["sh", "-c", "ulimit -Sn; ulimit -Hn; ulimit -u; ulimit -c"]).stdout.split()
    for copy in sandbox.copies:
        assert copy.get("run", "sh", "-c", "ulimit -Sn; ulimit -Hn; ulimit -u; ulimit -c")[1].split() == wanted


def test_a_copy_cannot_take_all_terminals(sandbox):
    """It gets 64 with its own one, and the other copy as many: the machine's number is limited."""
    for copy in sandbox.copies:
        assert copy.get("open_terminals", 100) == [63, "ENOSPC"]
