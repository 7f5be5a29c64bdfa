# SPDX-License-Identifier: GPL-2.0-or-later
"""While it runs, another administrator changes things: it goes on, or says so; and nothing is left."""

import pytest
from harness import wait_until

from .anatomy import COPIES, answers

LAN_ADDRESS = "198.51.100.1"
AT_ONCE = 2.0

# What firewalld does at a reload: away with everything, then its own tables anew.
RELOAD = """
flush ruleset
table inet firewalld {
    chain filter_INPUT { type filter hook input priority filter + 10; policy accept; ct state invalid drop; }
    chain filter_FORWARD { type filter hook forward priority filter + 10; policy accept; }
    chain nat_PREROUTING { type nat hook prerouting priority dstnat + 10; policy accept; }
    chain nat_POSTROUTING { type nat hook postrouting priority srcnat + 10; policy accept; }
}
"""


@pytest.fixture
def manager(host, project):
    """A run that serves."""
    started = host.start_manager(project).wait_ready()
    assert_serving(host)
    return started


def assert_serving(host, copies=COPIES):
    """Fail unless these copies answer, from the host and from the LAN."""
    for number in copies:
        assert answers(host, 8080 + number)
        assert answers(host.client, 8080 + number, LAN_ADDRESS)


def stop(manager):
    """As a user does, with nothing to be told."""
    assert manager.stop() == 0
    assert manager.err.lines == []


def test_the_ruleset_is_flushed(host, manager):
    """By nft flush ruleset: nothing changes."""
    host.run(["nft", "flush", "ruleset"])
    assert_serving(host)
    stop(manager)


def test_a_firewall_is_reloaded(host, manager):
    """Again and again: nothing changes."""
    for _ in range(5):
        host.run(["nft", "-f", "-"], stdin=RELOAD)
        assert_serving(host)
    host.run(["nft", "delete", "table", "inet", "firewalld"])
    stop(manager)


@pytest.mark.parametrize("command", ["delete table", "flush table"])
def test_the_table_is_deleted(host, manager, command):
    """The kernel refuses: it has an owner."""
    done = host.run(["nft", *command.split(), "inet", "uva_container"], check=False)
    assert done.returncode != 0 and "not permitted" in done.stderr
    assert_serving(host)
    stop(manager)


@pytest.mark.parametrize("copy", COPIES)
def test_the_link_of_a_copy_is_deleted(host, manager, copy):
    """It is told, and that copy stopped; the other one goes on."""
    host.run(["ip", "link", "del", f"uva0-{copy}"])
    manager.err.wait_for(rf"^uva_container: copy {copy}: its link uva0-{copy} has been deleted", AT_ONCE)
    manager.err.wait_for(rf"^uva_container: copy {copy}: was killed; port {8080 + copy} is refused", AT_ONCE)
    assert host.refuses("127.0.0.1", 8080 + copy)
    assert host.client.refuses(LAN_ADDRESS, 8080 + copy)
    assert_serving(host, [3 - copy])
    assert manager.stop() == 0
    assert len(manager.err.lines) == 2, manager.err.lines


def test_the_links_of_both_are_deleted(host, manager):
    """Then none is left."""
    host.run(["ip", "link", "del", "uva0-1"])
    host.run(["ip", "link", "del", "uva0-2"])
    assert manager.wait(AT_ONCE) == 1
    manager.err.wait_for("no copy is left")


def test_the_bridge_is_deleted(host, manager):
    """It says so and stops."""
    host.run(["ip", "link", "del", "uva0"])
    assert manager.wait(AT_ONCE) == 1
    assert manager.err.lines == ["uva_container: bridge uva0 has been deleted: stopping"]


def test_the_bridge_loses_its_addresses(host, manager):
    """Nothing that must be noticed; that nothing is left holds all the same."""
    host.run(["ip", "addr", "flush", "dev", "uva0"])
    assert manager.running
    assert manager.stop() == 0


def test_a_link_goes_down_and_comes_up_again(host, manager):
    """An administrator's mistake, put right: it serves again, and still leaves nothing."""
    host.run(["ip", "link", "set", "uva0-1", "down"])
    host.run(["ip", "link", "set", "uva0-1", "up"])
    wait_until(lambda: answers(host, 8081), AT_ONCE, "copy 1 answers again")
    stop(manager)


@pytest.mark.parametrize("arguments", [["-F"], ["-D"]])
def test_connections_are_forgotten(host, manager, arguments):
    """By conntrack -F or -D: later ones are not concerned."""
    host.run(["conntrack", *arguments], check=False)
    assert_serving(host)
    stop(manager)


def test_its_files_are_removed(host, manager):
    """Of /run/uva_container/ nothing is left: all is undone even so."""
    host.run(["rm", "-r", "/run/uva_container"])
    assert_serving(host)
    assert manager.stop() in (0, 1)


def test_another_program_switches_its_sysctls(host, manager):
    """Forwarding of an uplink switched off meanwhile by somebody else stays off, as before."""
    host.set_sysctls({"net.ipv4.conf.lan0.forwarding": 0})
    stop(manager)
