# SPDX-License-Identifier: GPL-2.0-or-later
"""As root of a user namespace, in which one user is mapped, as in a container of somebody without rights."""

import os

import pytest
from harness import IN_USER_NAMESPACE, USER, Node


@pytest.mark.parametrize("user", [0, USER], ids=["root", "nobody"])
def test_it_runs(host, home, user):
    """Both copies, each with its files, up to the end; nothing is complained of, and nothing left."""
    home.give_to(user)
    manager = host.start_manager(home, under=IN_USER_NAMESPACE, user=user).wait_ready()
    inside = Node(os.open(f"/proc/{manager.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC))
    host.neighbours.append(inside)
    for number in (1, 2):
        home.place(number, "name", f"copy {number}")
        assert inside.get(f"http://127.0.0.1:{8080 + number}/name").text == f"copy {number}"
    before = inside.run(["ip", "-o", "link"]).stdout
    assert "uva0" in before
    assert manager.stop() == 0
    assert manager.err.lines == []
    left = inside.run(["sh", "-c", "ip -o link; nft list ruleset; ip rule; ip route"]).stdout
    assert "uva" not in left


def test_a_caller_who_is_not_mapped(host, home):
    """Who has called sudo is nobody there: this is said, and what to do."""
    home.give_to(0)
    manager = host.start_manager(home, under=IN_USER_NAMESPACE, sudo=USER)
    assert manager.wait() == 1
    manager.err.wait_for(r"^uva_container: .*\b65534\b.*user namespace.*SUDO_UID")
    assert len(manager.err.lines) == 1


def test_the_network_of_others(host, home):
    """A network namespace of somebody else cannot be changed: said before anything is tried."""
    home.give_to(USER)
    without_net = ["unshare", "--user", "--map-root-user", "--mount", *IN_USER_NAMESPACE[-4:]]
    without_net[-2] = without_net[-2].replace("ip link set lo up; ", "")
    manager = host.start_manager(home, under=without_net, user=USER)
    assert manager.wait() == 1
    manager.err.wait_for(r"^uva_container: .*network namespace")
    assert len(manager.err.lines) == 1
    assert not home.copies.exists()


def test_root_without_its_capabilities(host, project):
    """As a container engine starts its containers."""
    under = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"]
    manager = host.start_manager(project, under=under)
    assert manager.wait() == 1
    manager.err.wait_for(r"^uva_container: .*CAP_NET_ADMIN")
    assert len(manager.err.lines) == 1
    assert not project.copies.exists()
