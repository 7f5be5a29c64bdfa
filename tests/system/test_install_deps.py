# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/install-deps, called by make for the libraries that are missing. What it calls are stubs."""

import pytest
from stub_tree import ASKING_SUDO, StubTree, ended

pytestmark = [pytest.mark.once, pytest.mark.host(lan=False)]


@pytest.fixture
def tree(host):
    """A tree on a machine that has apt-get, but none of the libraries."""
    stubs = StubTree(host)
    stubs.install_apt_get()
    stubs.install("bin/pkg-config", "#!/bin/sh\nexit 1\n")
    return stubs


@pytest.mark.parametrize("sudo", [None, ASKING_SUDO], ids=["no sudo", "sudo that asks"])
def test_no_right_to_install(tree, sudo):
    """One line says what to ask for; nobody is waited for; make fails."""
    if sudo:
        tree.install("bin/sudo", sudo)
    lines = ended(tree.make(build=True), code=2)
    assert [line for line in lines if line.startswith("install-deps: ")] == [
        "install-deps: ask an administrator to run: apt-get install libjansson-dev libmnl-dev libnftnl-dev libseccomp-dev"
    ]
    assert not tree.packages()


def test_refused_by_sudo(tree):
    """The password is asked for once, and the same line is said."""
    tree.install("bin/sudo", ASKING_SUDO)
    make = tree.make(build=True, terminal=True)
    make.out.wait_for(r"^password\?$")
    make.type("wrong\n")
    lines = ended(make, code=2)
    assert lines.count("password?") == 1
    assert [line for line in lines if line.startswith("install-deps: ask an administrator to run: apt-get install ")]
    assert not tree.packages()
