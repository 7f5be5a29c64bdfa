# SPDX-License-Identifier: GPL-2.0-or-later
"""The copies' network: one that the host does not use, in whatever table or on whatever link."""

import ipaddress
import re

import pytest
from harness import Scene, ask

PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
FAVOURITE = "10.90.0.0/24"

# What the host does with the favourite, and may not be disturbed in.
USES = {
    "a route": ["ip route add 10.90.0.0/16 via 198.51.100.2"],
    "a smaller route": ["ip route add 10.90.0.77/32 via 198.51.100.2"],
    "a route of another table": ["ip route add 10.90.0.0/20 via 198.51.100.2 table 77"],
    "a blackhole of the same size": ["ip route add blackhole 10.90.0.0/24"],
    "a smaller blackhole": ["ip route add blackhole 10.90.0.64/26"],
    "a blackhole of a table that comes first": [
        "ip route add blackhole 10.90.0.0/20 table 77",
        "ip rule add pref 1000 lookup 77",
    ],
    "an address": ["ip addr add 10.90.0.9/24 dev lan0"],
    "an address of a link that is down": ["ip link add d0 type bridge", "ip addr add 10.90.0.9/24 dev d0"],
}


def do(host, commands):
    """Run commands on the host, and take what comes of them for its state."""
    for command in commands:
        host.run(command.split())
    host.remember()


def subnet(host):
    """Return the network of the bridge."""
    text = host.run(["ip", "-4", "addr", "show", "dev", "uva0"]).stdout
    return ipaddress.ip_interface(re.search(r"inet (\S+)", text)[1]).network


def test_the_favourite(host, project):
    """Where nothing speaks against it, always the same: easy to remember."""
    manager = host.start_manager(project).wait_ready()
    assert str(subnet(host)) == FAVOURITE
    assert manager.stop() == 0


@pytest.mark.parametrize("use", USES)
def test_the_favourite_is_in_use(host, project, use):
    """Then it is another one, and all works as ever."""
    do(host, USES[use])
    manager = host.start_manager(project).wait_ready()
    assert not subnet(host).overlaps(ipaddress.ip_network(FAVOURITE))
    assert host.get("http://127.0.0.1:8081/").status == 200
    assert manager.stop() == 0


@pytest.mark.parametrize("kind", ["unreachable", "blackhole", "prohibit"])
def test_a_route_that_only_refuses_is_none_in_use(host, reporters, kind):
    """Set lest private addresses leave by the default route. The favourite is more specific, and all works."""
    host.run(["ip", "route", "add", "default", "via", "198.51.100.2"])
    do(host, [f"ip route add {kind} {network}" for network in PRIVATE])
    scene = Scene(host, reporters)
    assert str(subnet(host)) == FAVOURITE
    assert ask(host, "127.0.0.1", 8081).copy == 1
    assert ask(host.client, "198.51.100.1", 8082).peer == "198.51.100.2"
    with host.client.listen("198.51.100.2", 7001):
        scene.copy(1).connect("198.51.100.2", 7001).close()


def test_a_default_route_in_two_halves_is_none_in_use(host, project):
    """As a VPN sets it."""
    do(host, ["ip route add 0.0.0.0/1 via 198.51.100.2", "ip route add 128.0.0.0/1 via 198.51.100.2"])
    manager = host.start_manager(project).wait_ready()
    assert str(subnet(host)) == FAVOURITE
    assert manager.stop() == 0


def test_all_private_networks_but_a_corner_are_routed_elsewhere(host, project):
    """The corner is found."""
    free = "172.31.200.0/24"
    networks = [network for private in PRIVATE for network in without(private, free)]
    do(host, [f"ip route add {network} via 198.51.100.2" for network in networks])
    manager = host.start_manager(project).wait_ready()
    assert str(subnet(host)) == free
    assert manager.stop() == 0


def without(network, hole):
    """Return the networks that make up a network but for a hole in it."""
    network, hole = ipaddress.ip_network(network), ipaddress.ip_network(hole)
    return list(network.address_exclude(hole)) if hole.subnet_of(network) else [network]


def test_all_private_networks_are_routed_elsewhere(host, project):
    """One line that says so, exit code 1, nothing made."""
    do(host, [f"ip route add {network} via 198.51.100.2" for network in PRIVATE])
    manager = host.start_manager(project)
    assert manager.wait() == 1
    assert len(manager.err.lines) == 1
    assert "10.0.0.0/8" in manager.err.lines[0] and "route" in manager.err.lines[0]
