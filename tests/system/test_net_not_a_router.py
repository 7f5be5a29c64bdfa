# SPDX-License-Identifier: GPL-2.0-or-later
"""Not a router: what comes in by one uplink does not go out by another, unless it did before."""

import pytest
from harness import OPEN, Scene, ask, outcomes, outcomes_from, wait_until

ACROSS = {4: "203.0.113.2", 6: "2001:db8:2::2"}  # the second LAN's client, as the first one's calls it
BACK = {4: "198.51.100.2", 6: "2001:db8:1::2"}
PORT = 7001
LAN2 = ("203.0.113.{}/24", "2001:db8:2::{}/64")
ROUTER = {
    "no router": ({}, ()),
    "a router": ({"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1}, (4, 6)),
    "an IPv4 router": ({"net.ipv4.ip_forward": 1}, (4,)),
    "an IPv6 router": ({"net.ipv6.conf.all.forwarding": 1}, (6,)),
    "a router by single links": (
        {
            f"net.{family}.conf.{link}.{name}": 1
            for family, name in (("ipv4", "forwarding"), ("ipv6", "force_forwarding"))
            for link in ("lan0", "lan1")
        },
        (4, 6),
    ),
}


@pytest.fixture
def second_client(host):
    """The client on a second LAN; on both LANs' clients a server runs."""
    client = host.add_lan("lan1", *LAN2)
    with host.client.listen("::", PORT), client.listen("::", PORT):
        yield client


def crossings(host, second_client):
    """Return the families in which the two LANs reach each other, both ways."""
    tries = [(host.client, ACROSS[version], PORT) for version in (4, 6)]
    tries += [(second_client, BACK[version], PORT) for version in (4, 6)]
    there4, there6, *back = outcomes_from(tries)
    assert [there4, there6] == back
    return tuple(version for version, outcome in ((4, there4), (6, there6)) if outcome == OPEN)


@pytest.mark.parametrize("kind", ROUTER)
def test_two_lans(host, second_client, reporters, kind):
    """Before, during and after a run: the same; both LANs reach the copies meanwhile."""
    sysctls, routed = ROUTER[kind]
    host.set_sysctls(sysctls)
    host.remember()
    assert crossings(host, second_client) == routed
    scene = Scene(host, reporters)
    assert crossings(host, second_client) == routed
    for client, addresses in (
        (host.client, ("198.51.100.1", "2001:db8:1::1")),
        (second_client, ("203.0.113.1", "2001:db8:2::1")),
    ):
        for address in addresses:
            assert ask(client, address, 8081).copy == 1
    assert scene.manager.stop() == 0
    assert crossings(host, second_client) == routed


def test_a_client_by_the_hosts_address_on_the_other_lan(host, second_client, reporters):
    """That is the host itself, no matter which way it is reached: the copies answer."""
    host.remember()
    Scene(host, reporters)
    for address in ("203.0.113.1", "2001:db8:2::1"):
        assert ask(host.client, address, 8082).copy == 2
    assert second_client


def test_an_uplink_that_appears_later_is_no_way_through(host, scene):
    """The guard is there before the link forwards."""
    late = host.add_lan("lan1", *LAN2)
    with host.client.listen("::", PORT), late.listen("::", PORT):
        for address in ("203.0.113.1", "2001:db8:2::1"):
            wait_until(lambda address=address: outcomes(late, [(address, 8081)]) == [OPEN], 2, "lan1 leads to copy 1")
        assert crossings(host, late) == ()
    assert scene.manager.stop() == 0
    host.run(["ip", "link", "del", "lan1"])


def test_a_client_does_not_get_back_to_its_own_lan(host, second_client, reporters):
    """Sent to us for a neighbour on the same LAN, it does not come back out."""
    host.remember()
    Scene(host, reporters)
    host.client.run(["ip", "route", "add", "198.51.100.99/32", "via", "198.51.100.1"])
    host.client.run(["ip", "addr", "add", "198.51.100.98/32", "dev", "lo"])
    assert OPEN not in outcomes(host.client, [("198.51.100.99", PORT)])
    assert second_client
