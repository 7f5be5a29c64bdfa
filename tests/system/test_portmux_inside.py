# SPDX-License-Identifier: GPL-2.0-or-later
"""portmux --inside: what a run without root tells leads into its network."""

import shutil

import pytest
from harness import PLAIN_USER, PORTMUX

pytestmark = pytest.mark.host(own_dev=True)

AT_ONCE = 5.0
PLACES = ("--files", "private", "-d", "copies")


def as_user(*command):
    """Return a command that runs another as the user."""
    return ["setpriv", f"--reuid={PLAIN_USER}", f"--regid={PLAIN_USER}", "--clear-groups", *command]


def test_what_it_says_leads_inside(host):
    """The command shows the rules of this run."""
    home = host.home(PLAIN_USER)
    run = host.start_portmux(home, *PLACES, "-p", "8081:8080", "--", "./http_recorder.py", user=PLAIN_USER)
    told = run.wait_ready().err.wait_for(r"^portmux: to look inside: (.* nft list ruleset)$", AT_ONCE)
    shown = host.run(as_user(*told[1].split()), cwd=home.path).stdout
    assert "table inet portmux {" in shown and "8081" in shown
    assert run.stop() == 0


@pytest.mark.parametrize("pid, status", [("web", 2), ("0", 2), ("1", 127)])
def test_what_is_no_run_is_refused(host, pid, status):
    """It is told apart from what the command itself would say."""
    home = host.home(PLAIN_USER)
    shutil.copy(PORTMUX, home.there("portmux"))
    done = host.run(as_user("./portmux", "--inside", pid, "id"), cwd=home.path, check=False)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith("portmux: ")
