# SPDX-License-Identifier: GPL-2.0-or-later
"""Guards: a neighbour on the LAN that sets routes, or sends what nobody should."""

import os
import re
import signal
import socket

import pytest
from harness import BRIDGE, OPEN, RST, SYN, SYN_ACK, Scene, Tap, ask, mac, outcomes, outcomes_from, syn, wait_until

HOST = {4: "198.51.100.1", 6: "2001:db8:1::1"}
CLIENT = {4: "198.51.100.2", 6: "2001:db8:1::2"}
FREEBIND = {socket.AF_INET: (socket.IPPROTO_IP, 15), socket.AF_INET6: (socket.IPPROTO_IPV6, 78)}  # no name for it
VERSIONS = pytest.mark.parametrize("version", [4, 6])


@VERSIONS
@pytest.mark.parametrize("port", [8080, 9000], ids=["mapped", "unmapped"])
def test_direct_routing_to_a_copy(shared_scene, version, port):
    """A client with a route to the copies' network reaches no port of theirs, published or not; the host does."""
    client, target = shared_scene.client, shared_scene.copy_address(1, version)
    with shared_scene.copy(1).listen("::", 9000):
        assert outcomes(shared_scene.host, [(target, port)]) == [OPEN]
        client.run(["ip", f"-{version}", "route", "replace", shared_scene.subnet(version), "via", HOST[version]])
        assert outcomes(client, [(target, port)]) != [OPEN]
        assert ask(client, HOST[version], 8081).copy == 1


@VERSIONS
def test_direct_routing_to_the_bridges_own_addresses(shared_scene, version):
    """They are the host's, but no way in for the LAN: neither to a copy nor to a server of the host."""
    client = shared_scene.client
    client.run(["ip", f"-{version}", "route", "replace", shared_scene.subnet(version), "via", HOST[version]])
    with shared_scene.host.listen("::", 7001):
        targets = [(address, port) for address in shared_scene.bridge_addresses(version) for port in (8081, 7001)]
        assert OPEN not in outcomes(client, targets)
        assert outcomes(shared_scene.host, targets) == [OPEN] * 4
        assert outcomes(client, [(HOST[version], 7001)]) == [OPEN]


@VERSIONS
def test_a_spoofed_source_from_the_copies_network(shared_scene, version):
    """A client that calls itself a copy, or the bridge, gets nothing through; with its own address it does."""
    gateway = mac(shared_scene.host, "lan0")
    subnet = shared_scene.subnet(version)
    spoofed = [*shared_scene.bridge_addresses(version), shared_scene.copy_address(2, version), str(subnet[99])]
    with Tap(shared_scene.client) as tap, Tap(shared_scene.copy(1)) as there:
        for number, source in enumerate(spoofed):
            tap.send(syn(source, HOST[version], 6000 + number, 8081), gateway)
            tap.send(syn(source, shared_scene.copy_address(1, version), 6000 + number, 8080), gateway)
        tap.send(syn(CLIENT[version], HOST[version], 6100, 8081), gateway)
        seen = there.until(lambda segment: segment.source_port == 6100)
    assert [segment.source for segment in seen if segment.flags == SYN] == [CLIENT[version]]


def send_as(node, source, target):
    """Send a datagram that tells its source, from a node by any source, as a program without capabilities can."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    with node.inside(lambda: socket.socket(family, socket.SOCK_DGRAM)) as sender:
        sender.setsockopt(*FREEBIND[family], 1)
        sender.bind((source, 0))
        try:
            sender.sendto(source.encode(), target)
        except OSError:  # of IPv4 the kernel itself says that the network is unreachable
            pass


@VERSIONS
def test_a_copy_cannot_call_as_another(shared_scene, version):
    """It may bind any address by IP_FREEBIND and IPV6_FREEBIND; what it sends by another than its own is dropped."""
    copy, own = shared_scene.copy(1), shared_scene.copy_address(1, version)
    others = [shared_scene.copy_address(2, version), *shared_scene.bridge_addresses(version)]
    others.append(str(shared_scene.subnet(version)[99]))
    for node, address in ((shared_scene.client, CLIENT[version]), (shared_scene.host, HOST[version])):
        with node.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)) as server:
            server.settimeout(2)
            server.bind(("::", 7003))
            for source in (*others, own):
                send_as(copy, source, (address, 7003))
            assert server.recv(100).decode() == own


@VERSIONS
def test_a_copy_cannot_forge_packets_of_another(shared_scene, version):
    """Had it a raw socket: by a neighbour's address nothing gets through, by its own it does."""
    own, other = (shared_scene.copy_address(number, version) for number in (1, 2))
    gateway = mac(shared_scene.host, BRIDGE)
    with Tap(shared_scene.client) as there, Tap(shared_scene.copy(1)) as tap:
        tap.send(syn(other, CLIENT[version], 6600, 7001), gateway)
        tap.send(syn(own, CLIENT[version], 6601, 7001), gateway)
        seen = there.until(lambda segment: segment.source_port == 6601)
    assert [segment for segment in seen if segment.source_port == 6600] == []
    assert "sport=6600" not in shared_scene.host.run(["conntrack", "-L", "-f", f"ipv{version}"]).stdout


def test_a_copy_has_no_link_local_address_but_its_own(shared_scene):
    """By its own it reaches a server of the host, by its neighbour's it does not."""
    own, other = (link_local(shared_scene.copy(number), "eth0") for number in (1, 2))
    target = link_local(shared_scene.host, BRIDGE)
    with shared_scene.host.listen("::", 7001), Tap(shared_scene.copy(1)) as tap:
        for port, source in ((6701, other), (6700, own)):
            tap.send(syn(source, target, port, 7001), mac(shared_scene.host, BRIDGE))
        seen = tap.until(lambda segment: (segment.destination_port, segment.flags) == (6700, SYN_ACK))
    assert [segment for segment in seen if segment.destination_port == 6701] == []
    assert "sport=6701" not in shared_scene.host.run(["conntrack", "-L", "-f", "ipv6"]).stdout


def link_local(node, link):
    """Return the link-local address of a node's link."""
    return re.search(r"inet6 (fe80\S+)/", node.run(["ip", "-6", "addr", "show", "dev", link]).stdout)[1]


def test_senders_come_and_go_with_their_copies(host, reporters):
    """The sets that tell who may send by what address have those of the copies that live, and no others."""
    scene = Scene(host, reporters)

    def senders():
        found = {}
        for name in ("senders", "senders6"):
            text = host.run(["nft", "list", "set", "inet", "uva_container", name]).stdout
            found[name] = set(re.findall(r"(\S+) \. ([0-9a-f:.]+)", text.partition("elements")[2]))
        return found

    def expected(numbers):
        places = [scene.copy(number) for number in numbers]
        macs = [mac(place, "eth0") for place in places]
        own = [scene.copy_address(number) for number in numbers]
        own6 = [scene.copy_address(number, 6) for number in numbers]
        local = [link_local(place, "eth0") for place in places]
        return {"senders": set(zip(macs, own)), "senders6": {*zip(macs, own6), *zip(macs, local)}}

    assert senders() == expected([1, 2])
    survivor = expected([2])
    os.kill(scene.manager.copy_process(1), signal.SIGKILL)
    scene.manager.err.wait_for(r"^uva_container: copy 1: ")
    wait_until(lambda: senders() == survivor, 2, "copy 1 may send no more")


@VERSIONS
def test_nothing_of_a_copy_leaves_unmasqueraded(shared_scene, version):
    """A reset of no connection, which the kernel would not translate, is dropped; a SYN leaves as the host's."""
    copy, source = shared_scene.copy(1), shared_scene.copy_address(1, version)
    gateway = mac(shared_scene.host, BRIDGE)
    with Tap(shared_scene.client) as there, Tap(copy) as tap:
        for flags in (RST, SYN_ACK, 0):
            tap.send(syn(source, CLIENT[version], 6400, 7001, flags), gateway)
        tap.send(syn(source, CLIENT[version], 6401, 7001), gateway)
        seen = there.until(lambda segment: segment.source_port == 6401)
    assert seen[-1].source == HOST[version]
    assert [segment for segment in seen if segment.source_port == 6400] == []
    assert [segment for segment in seen if segment.source in (source, *shared_scene.bridge_addresses(version))] == []


@VERSIONS
def test_nothing_of_a_copy_leaves_untracked(host, reporters, version):
    """Where somebody has conntrack look away."""
    family = {4: "ip", 6: "ip6"}[version]
    host.run(["nft", "add table inet theirs { chain early { type filter hook prerouting priority -310; }; }"])
    host.run(["nft", f"add rule inet theirs early {family} daddr {CLIENT[version]} tcp dport 7002 notrack"])
    host.remember()
    scene = Scene(host, reporters)
    with Tap(host.client) as there, Tap(scene.copy(1)) as tap:
        for port in (7002, 7001):
            tap.send(syn(scene.copy_address(1, version), CLIENT[version], 6401, port), mac(host, BRIDGE))
        seen = there.until(lambda segment: segment.destination_port == 7001)
    assert [segment.destination_port for segment in seen if segment.destination == CLIENT[version]] == [7001]


def test_an_attacker_that_routes_loopback_through_the_host(shared_scene):
    """127.0.0.2 set to go by the host (CVE-2020-8558): neither a copy nor a server of the host's is reached."""
    client = shared_scene.client
    client.run(
        [
            "sh",
            "-ec",
            """
            echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
            ip rule add pref 100 lookup local
            ip rule del pref 0
            ip rule add pref 50 to 127.0.0.2 lookup 50
            ip route replace 127.0.0.2 via 198.51.100.1 src 198.51.100.2 table 50
            """,
        ]
    )
    try:
        with shared_scene.host.listen("::", 7001), Tap(shared_scene.host, "lan0") as tap:
            assert OPEN not in outcomes(client, [("127.0.0.2", 7001), ("127.0.0.2", 8081)])
            for port in (7001, 8081):  # it was no matter of the client's: the packets have come
                tap.until(lambda segment, port=port: segment[1:4:2] == ("127.0.0.2", port))
            assert outcomes(client, [(HOST[4], 7001), (HOST[4], 8081)]) == [OPEN, OPEN]
    finally:
        client.run(["sh", "-ec", "ip rule del pref 50; ip rule add pref 0 lookup local; ip rule del pref 100"])


def assert_no_answer(scene, packets):
    """Send packets from the client to the host; none is answered, but a call by the client's own address is."""
    with Tap(scene.client) as tap:
        for packet in packets:
            tap.send(packet, mac(scene.host, "lan0"))
        tap.send(syn(CLIENT[4], HOST[4], 6200, 8081), mac(scene.host, "lan0"))
        seen = tap.until(lambda segment: (segment.destination_port, segment.flags) == (6200, SYN_ACK))
    assert [segment.destination_port for segment in seen if segment.flags == SYN_ACK] == [6200]


def test_loopback_addresses_from_the_lan(shared_scene):
    """As source or as destination, IPv4 and IPv6, at mapped ports and at a server of the host."""
    with shared_scene.host.listen("::", 7001):
        packets = [
            syn(source, destination, 6001, port)
            for source, destination in (
                (CLIENT[4], "127.0.0.1"),
                (CLIENT[4], "127.0.0.2"),
                ("127.0.0.1", HOST[4]),
                ("127.0.0.1", "127.0.0.1"),
                (CLIENT[6], "::1"),
                ("::1", HOST[6]),
            )
            for port in (8081, 7001)
        ]
        assert_no_answer(shared_scene, packets)


def test_loopback_addresses_where_somebody_has_set_route_localnet(host, reporters):
    """On the uplink, for purposes of its own: the kernel lets them in then, but none leads to a copy."""
    host.set_sysctls({"net.ipv4.conf.lan0.route_localnet": 1})
    host.remember()
    scene = Scene(host, reporters)
    assert_no_answer(scene, [syn(CLIENT[4], address, 6001, 8081) for address in ("127.0.0.1", "127.0.0.2")])


def test_the_hosts_loopback_is_opened_to_the_bridge_alone(shared_scene):
    """route_localnet, which the masquerade of localhost needs."""
    values = {name: shared_scene.host.sysctl(f"net.ipv4.conf.{name}.route_localnet") for name in ("all", "default")}
    values |= {name: shared_scene.host.sysctl(f"net.ipv4.conf.{name}.route_localnet") for name in ("lan0", BRIDGE)}
    assert values == {"all": "0", "default": "0", "lan0": "0", BRIDGE: "1"}


def test_the_guards_stand_before_conntrack(shared_scene):
    """At raw priority, so that nothing forged gets an entry."""
    text = shared_scene.host.run(["nft", "list", "table", "inet", "uva_container"]).stdout
    assert re.search(r"chain guard \{\n\t\ttype filter hook prerouting priority raw;", text)
    spoofed, gateway = str(shared_scene.subnet()[77]), mac(shared_scene.host, "lan0")
    with Tap(shared_scene.client) as tap:
        tap.send(syn(spoofed, HOST[4], 6300, 8081), gateway)
        tap.send(syn(CLIENT[4], HOST[4], 6301, 8081), gateway)
        tap.until(lambda segment: (segment.destination_port, segment.flags) == (6301, SYN_ACK))
    entries = shared_scene.host.run(["conntrack", "-L"]).stdout
    assert "sport=6301" in entries
    assert "sport=6300" not in entries


@pytest.fixture
def foreign_container(host):
    """Somebody else's: a bridge br9 on the host, which routes for it, with a container behind that listens."""
    container = host.add_lan("veth9", "203.0.113.{}/24", "2001:db8:2::{}/64")
    host.run(
        [
            "sh",
            "-ec",
            """
            ip link add br9 type bridge
            echo 0 >/proc/sys/net/ipv6/conf/br9/accept_dad
            ip addr flush dev veth9
            ip link set veth9 master br9
            ip addr add 203.0.113.1/24 dev br9
            ip addr add 2001:db8:2::1/64 dev br9 nodad
            ip link set br9 up
            """,
        ]
    )
    wait_until(lambda: is_settled(host, "br9"), 2, "br9 is up")
    with container.listen("::", 7001):
        yield container


def is_settled(host, link):
    """Whether a link is up and has the last of its addresses."""
    text = host.run(["ip", "addr", "show", "dev", link]).stdout
    return "state UP" in text and "inet6 fe80" in text and "tentative" not in text


@pytest.mark.parametrize("routes", [True, False], ids=["that routes", "that does not route"])
def test_an_unrelated_bridge(host, foreign_container, reporters, routes):
    """Its container's traffic is as it was, before, during and after: to the LAN, from the LAN, to the host."""
    host.set_sysctls({"net.ipv4.ip_forward": int(routes), "net.ipv6.conf.all.forwarding": int(routes)})
    host.run(["nft", "add table inet theirs { chain pre { type nat hook prerouting priority -100; }; }"])
    host.run(["nft", "add rule inet theirs pre iifname lan0 tcp dport 7002 dnat ip to 203.0.113.2:7001"])
    host.remember()

    def works():
        tries = [(host, "203.0.113.2", 7001), (host, "2001:db8:2::2", 7001)]
        tries += [(host.client, "203.0.113.2", 7001), (host.client, "2001:db8:2::2", 7001)]
        tries += [(host.client, HOST[4], 7002)]
        tries += [(foreign_container, CLIENT[4], 7001), (foreign_container, CLIENT[6], 7001)]
        with host.client.listen("::", 7001):
            return outcomes_from(tries)

    before = works()
    assert [outcome == OPEN for outcome in before] == [True] * 2 + [routes] * 5
    scene = Scene(host, reporters)
    assert works() == before
    assert scene.manager.stop() == 0
    assert works() == before


def test_an_unrelated_container_is_a_client_like_others(host, foreign_container, reporters):
    """It reaches the ports by the host's addresses and is seen by its own; the copies directly it does not reach."""
    host.set_sysctls({"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1})
    host.remember()
    scene = Scene(host, reporters)
    for version, own, gateway in ((4, "203.0.113.2", "203.0.113.1"), (6, "2001:db8:2::2", "2001:db8:2::1")):
        for address in (gateway, HOST[version]):
            assert ask(foreign_container, address, 8081).peer == own
        assert outcomes(foreign_container, [(scene.copy_address(1, version), 8080)]) != [OPEN]
        assert outcomes(host, [(scene.copy_address(1, version), 8080)]) == [OPEN]
