# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts that are set up differently: strict filters, other people's NAT, a container that is the host."""

import os

import pytest
from harness import OPEN, Scene, ask, bridge_netfilter, outcomes

BOTH = (1, 2)


def assert_all_ways_work(host, scene):
    """From the host, from the LAN and from the copies, over IPv4 and IPv6."""
    for number in BOTH:
        port = 8080 + number
        for address in ("127.0.0.1", "127.1.2.3", "198.51.100.1", "2001:db8:1::1"):
            assert ask(host, address, port).copy == number
        assert ask(host.client, "198.51.100.1", port).peer == "198.51.100.2"
        assert ask(host.client, "2001:db8:1::1", port).peer == "2001:db8:1::2"
        for address in ("198.51.100.1", "2001:db8:1::1"):
            assert ask(scene.copy(1), address, port).copy == number
    with host.client.listen("::", 7001):
        assert outcomes(scene.copy(1), [("198.51.100.2", 7001), ("2001:db8:1::2", 7001)]) == [OPEN, OPEN]


@pytest.mark.parametrize("bridged", [0, 1], ids=["bridge-nf=0", "bridge-nf=1"])
@pytest.mark.parametrize("rp_filter", [0, 1, 2])
def test_rp_filter(host, reporters, rp_filter, bridged):
    """Off, strict and loose; on all links, those that come later as well."""
    names = [f"net.ipv4.conf.{name}.rp_filter" for name in ("all", "default", "lo", "lan0")]
    host.set_sysctls({**dict.fromkeys(names, rp_filter), **bridge_netfilter(bridged)})
    host.remember()
    assert_all_ways_work(host, Scene(host, reporters))


def test_strict_rp_filter_with_two_networks(host, reporters):
    """Clients of both, each by both addresses of the host; nothing is answered by the wrong link."""
    second = host.add_lan("lan1", "203.0.113.{}/24", "2001:db8:2::{}/64")
    names = [f"net.ipv4.conf.{name}.rp_filter" for name in ("all", "default", "lan0", "lan1")]
    host.set_sysctls(dict.fromkeys(names, 1))
    host.remember()
    assert_all_ways_work(host, Scene(host, reporters))
    for client, own, own6 in (
        (host.client, "198.51.100.2", "2001:db8:1::2"),
        (second, "203.0.113.2", "2001:db8:2::2"),
    ):
        for address in ("198.51.100.1", "203.0.113.1"):
            assert ask(client, address, 8081).peer == own
        for address in ("2001:db8:1::1", "2001:db8:2::1"):
            assert ask(client, address, 8082).peer == own6


@pytest.mark.parametrize("bridged", [0, 1], ids=["bridge-nf=0", "bridge-nf=1"])
def test_bridged_packets_in_the_ip_hooks(host, reporters, bridged):
    """br_netfilter off and on; the host itself is a network namespace of somebody's."""
    host.set_sysctls(bridge_netfilter(bridged))
    host.remember()
    assert os.readlink(host.root("/proc/1/ns/net")) != os.readlink("/proc/self/ns/net")
    assert_all_ways_work(host, Scene(host, reporters))


OTHER_NAT = """
table ip theirs {
    chain pre {
        type nat hook prerouting priority dstnat; policy accept;
        tcp dport 9000 dnat to 198.51.100.2:7001
        tcp dport 9001 redirect to :7002
    }
    chain out {
        type nat hook output priority -100; policy accept;
        ip daddr 127.0.0.1 tcp dport 9001 redirect to :7002
    }
    chain post {
        type nat hook postrouting priority srcnat; policy accept;
        ip daddr 198.51.100.2 tcp dport 7001 masquerade
    }
}
"""


def test_another_nat_table(host, reporters):
    """Its own DNAT and masquerade go on working on their ports, ours on ours."""
    second = host.add_lan("lan1", "203.0.113.{}/24", "2001:db8:2::{}/64")
    host.set_sysctls({"net.ipv4.ip_forward": 1})
    host.run(["nft", "-f", "-"], stdin=OTHER_NAT)
    host.remember()

    def theirs_works():
        with host.client.listen("198.51.100.2", 7001), host.listen("0.0.0.0", 7002):
            there = outcomes(second, [("203.0.113.1", 9000), ("203.0.113.1", 9001)])
            return there + outcomes(host, [("127.0.0.1", 9001)]) == [OPEN] * 3

    assert theirs_works()
    scene = Scene(host, reporters)
    assert_all_ways_work(host, scene)
    assert theirs_works()
    assert scene.manager.stop() == 0
    assert theirs_works()


def test_another_nat_table_that_masquerades_everything(host, reporters):
    """A host that masquerades what leaves by its uplink: the LAN and the copies notice nothing of it."""
    chain = "{ type nat hook postrouting priority 90; oifname lan0 masquerade; }"
    host.run(["nft", f"table inet theirs {{ chain post {chain}; }}"])
    host.remember()
    assert_all_ways_work(host, Scene(host, reporters))


def test_a_connection_that_was_there_before(host, project):
    """Of the host with a server of its own, through start and stop: it is not disturbed."""
    with host.listen("198.51.100.1", 7001) as server:
        with host.client.connect("198.51.100.1", 7001) as client, server.accept()[0] as accepted:
            manager = host.start_manager(project).wait_ready()
            for message in (b"during", b"after"):
                client.sendall(message)
                assert accepted.recv(16) == message
                if manager.running:
                    assert manager.stop() == 0
