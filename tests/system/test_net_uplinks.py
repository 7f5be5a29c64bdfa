# SPDX-License-Identifier: GPL-2.0-or-later
"""Uplinks that change while a run lasts: renamed, removed, taken over; and others who make the host a router."""

import json
import socket

import pytest
from harness import OPEN, Scene, ask, outcomes, outcomes_from, wait_until

AT_ONCE = 2.0
IP_TRANSPARENT = 19  # linux/in.h
LAN2 = ("203.0.113.{}/24", "2001:db8:2::{}/64")
ACROSS = {4: "203.0.113.2", 6: "2001:db8:2::2"}  # the second LAN's client
PORT = 7001
FAMILIES = {
    4: ("net.ipv4.ip_forward", "net.ipv4.conf.{}.forwarding"),
    6: ("net.ipv6.conf.all.forwarding", "net.ipv6.conf.{}.force_forwarding"),
}
ADDRESS = {4: "198.51.100.1", 6: "2001:db8:1::1"}


def is_on(host, link, version=4):
    """Whether the link forwards."""
    return host.sysctl(FAMILIES[version][1].format(link)) == "1"


def uplinks(host):
    """Return the names of the links that are guarded, from every table that guards: (family, link)."""
    found = {}
    for entry in json.loads(host.run(["nft", "-j", "list", "sets"]).stdout)["nftables"]:
        if entry.get("set", {}).get("name") == "uplinks":
            keys = [tuple(key["concat"]) for key in entry["set"].get("elem", [])]
            found[entry["set"]["table"]] = sorted(keys)
    return found


@pytest.fixture
def crossing(host, reporters):
    """A run on a host with two LANs; whether the first one's client gets to the second one's."""
    second = host.add_lan("lan1", *LAN2)
    host.remember()
    with second.listen("::", PORT):
        scene = Scene(host, reporters)
        scene.crosses = lambda version=4: outcomes_from([(host.client, ACROSS[version], PORT)]) == [OPEN]
        assert not scene.crosses()
        yield scene


def rename(host, link, name):
    """Give a link another name, as a rule of udev or an administrator does."""
    addresses = json.loads(host.run(["ip", "-j", "addr", "show", "dev", link]).stdout)[0]["addr_info"]
    host.run(["ip", "link", "set", link, "down"])
    host.run(["ip", "link", "set", link, "name", name])
    host.run(["sh", "-c", f"echo 0 >/proc/sys/net/ipv6/conf/{name}/accept_dad"])
    host.run(["ip", "link", "set", name, "up"])
    for entry in addresses:
        if entry["scope"] == "global":  # the kernel drops IPv6 addresses when a link goes down
            host.run(["ip", "addr", "replace", f"{entry['local']}/{entry['prefixlen']}", "dev", name, "nodad"], check=False)


def test_a_renamed_uplink(host, crossing):
    """It still leads to the copies, is still no way through, and is put back under its new name."""
    rename(host, "lan0", "wan7")
    wait_until(lambda: outcomes(host.client, [("198.51.100.1", 8081)]) == [OPEN], AT_ONCE, "copy 1 is reached by wan7")
    assert not crossing.crosses()
    assert crossing.manager.stop() == 0
    assert crossing.manager.err.lines == []
    assert not is_on(host, "wan7") and not is_on(host, "wan7", 6)
    rename(host, "wan7", "lan0")


def test_an_uplink_that_is_renamed_again_and_again(host, crossing):
    """Whatever name it has just then, it is found, and put back: the kernel renames a link's parameters last."""
    storm = "link set lan1 name wan7\nlink set wan7 name lan1\n" * 500
    for _ in range(10):
        host.run(["ip", "-batch", "-"], stdin=f"link set lan1 down\n{storm}link set lan1 up\n")
        wait_until(lambda: not is_on(host, "lan1", 6), AT_ONCE, "without an IPv6 address it does not forward that")
        host.run(["ip", "addr", "replace", "2001:db8:2::1/64", "dev", "lan1", "nodad"])
        wait_until(lambda: is_on(host, "lan1", 6), AT_ONCE, "it forwards again")
    assert crossing.manager.stop() == 0
    assert crossing.manager.err.lines == []
    assert not is_on(host, "lan1") and not is_on(host, "lan1", 6)


def test_a_renamed_uplink_of_a_run_that_is_killed(host, crossing):
    """Its guardian finds the link by its number."""
    rename(host, "lan0", "wan7")
    crossing.manager.send(9)
    crossing.manager.wait()
    wait_until(lambda: not is_on(host, "wan7") and not is_on(host, "wan7", 6), AT_ONCE, "wan7 forwards no more")
    wait_until(lambda: uplinks(host) == {}, AT_ONCE, "the guards are gone")
    rename(host, "wan7", "lan0")


def test_an_uplink_that_loses_its_addresses(host, crossing):
    """It is put back at once, and not guarded any more; and turned on again when it gets one."""
    assert any(("ipv4", "lan1") in keys for keys in uplinks(host).values())
    host.run(["ip", "addr", "del", "203.0.113.1/24", "dev", "lan1"])
    wait_until(lambda: not is_on(host, "lan1"), AT_ONCE, "lan1 forwards no more")
    wait_until(lambda: all(("ipv4", "lan1") not in keys for keys in uplinks(host).values()), AT_ONCE, "no guard")
    assert is_on(host, "lan0")
    host.run(["ip", "addr", "add", "203.0.113.1/24", "dev", "lan1"])
    wait_until(lambda: is_on(host, "lan1"), AT_ONCE, "lan1 forwards")
    assert not crossing.crosses()
    assert crossing.manager.stop() == 0


def test_an_uplink_that_loses_ipv6(host, crossing):
    """With a smaller MTU than IPv6 needs, a link has no IPv6 parameters, and so none to put back."""
    assert any(("ipv6", "lan1") in keys for keys in uplinks(host).values())
    host.run(["ip", "link", "set", "lan1", "mtu", "1200"])
    wait_until(lambda: all(("ipv6", "lan1") not in keys for keys in uplinks(host).values()), AT_ONCE, "no guard")
    assert is_on(host, "lan1")
    host.run(["ip", "link", "set", "lan1", "mtu", "1500"])
    host.run(["sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/lan1/accept_dad"])
    host.run(["ip", "addr", "replace", "2001:db8:2::1/64", "dev", "lan1", "nodad"])
    wait_until(lambda: is_on(host, "lan1", 6), AT_ONCE, "it forwards IPv6 again")
    assert crossing.manager.stop() == 0
    assert crossing.manager.err.lines == []


def test_an_uplink_that_becomes_a_port_of_a_bridge(host, crossing):
    """The bridge gets its address, and is the uplink from then on; at the end both are as before."""
    host.run(
        [
            "sh",
            "-ec",
            """
            ip link add br0 type bridge
            ip link set lan1 master br0
            ip addr flush dev lan1 scope global
            ip link set br0 up
            ip addr add 203.0.113.1/24 dev br0
            """,
        ]
    )
    wait_until(lambda: is_on(host, "br0") and not is_on(host, "lan1"), AT_ONCE, "br0 forwards, and lan1 does not")
    assert not crossing.crosses()
    assert crossing.manager.stop() == 0
    assert not is_on(host, "br0") and not is_on(host, "lan1")
    host.run(["ip", "link", "del", "br0"])
    host.run(["ip", "addr", "add", "203.0.113.1/24", "dev", "lan1"])
    host.run(["ip", "addr", "add", "2001:db8:2::1/64", "dev", "lan1", "nodad"])


def test_an_uplink_that_moves_to_another_namespace(host, crossing):
    """It takes its forwarding along, which is nothing to put back; the run goes on."""
    host.run(["sh", "-ec", "ip netns add away 2>/dev/null || true; ip link set lan1 netns away"])
    wait_until(lambda: all(len(keys) == 2 for keys in uplinks(host).values()), AT_ONCE, "it is not guarded any more")
    assert ask(host.client, "198.51.100.1", 8081).copy == 1
    assert crossing.manager.stop() == 0
    assert crossing.manager.err.lines == []
    host.run(["ip", "netns", "del", "away"])
    host.remember()


def test_an_uplink_without_an_address_of_its_own(host, reporters):
    """The address is on lo, and routes lead out by the link: a plain server answers there, and so do the copies."""
    host.run(
        [
            "sh",
            "-ec",
            """
            ip addr add 192.0.2.1/32 dev lo
            ip addr flush dev lan0 scope global
            ip route add 198.51.100.0/24 dev lan0 src 192.0.2.1
            """,
        ]
    )
    host.client.run(["ip", "route", "replace", "192.0.2.1/32", "dev", "eth0"])
    host.remember()
    scene = Scene(host, reporters)
    assert is_on(host, "lan0")
    assert ask(host.client, "192.0.2.1", 8081).copy == 1
    assert scene.manager.stop() == 0


# ---- Others who make the host a router -----------------------------------------------------------


@pytest.mark.parametrize("version", FAMILIES)
def test_who_enables_forwarding_after_us_is_not_disturbed(host, crossing, version):
    """From that moment on packets cross, during the run and after it; the copies are reached as ever."""
    host.set_sysctls({FAMILIES[version][0]: 1})
    wait_until(lambda: crossing.crosses(version), AT_ONCE, "the host is a router")
    assert ask(host.client, ADDRESS[version], 8081).copy == 1
    assert crossing.manager.stop() == 0
    assert crossing.manager.err.lines == []
    assert crossing.crosses(version)
    host.set_sysctls({FAMILIES[version][0]: 0})
    assert not crossing.crosses(version)


@pytest.mark.parametrize("version", FAMILIES)
def test_who_enables_forwarding_after_us_when_we_are_killed(host, crossing, version):
    """What our guardian leaves is no router any more when the other one has gone."""
    host.set_sysctls({FAMILIES[version][0]: 1})
    crossing.manager.send(9)
    crossing.manager.wait()
    wait_until(lambda: uplinks(host) == {}, AT_ONCE, "the guards are gone")
    assert crossing.crosses(version)
    host.set_sysctls({FAMILIES[version][0]: 0})
    assert not crossing.crosses(version)


@pytest.mark.parametrize("version", FAMILIES)
def test_forwarding_that_is_turned_off_again(host, crossing, version):
    """Those links that we need are on again, or still, and guarded."""
    host.set_sysctls({FAMILIES[version][0]: 1})
    wait_until(lambda: crossing.crosses(version), AT_ONCE, "the host is a router")
    host.set_sysctls({FAMILIES[version][0]: 0})
    wait_until(lambda: not crossing.crosses(version), AT_ONCE, "the host is no router any more")
    wait_until(lambda: is_on(host, "lan0", version), AT_ONCE, "lan0 forwards")
    assert ask(host.client, ADDRESS[version], 8081).copy == 1
    assert not crossing.crosses(version)
    assert crossing.manager.stop() == 0
    assert not is_on(host, "lan0", version)


def test_others_flush_the_ruleset(host, crossing):
    """`nft flush ruleset` during a run: still no router, and the copies are reached."""
    host.run(["nft", "flush", "ruleset"])
    assert not crossing.crosses()
    assert ask(host.client, "198.51.100.1", 8081).copy == 1
    assert crossing.manager.stop() == 0


def test_transparent_proxies_of_others(host, reporters):
    """Policy routing by a mark, to a local route (TPROXY): what the guard must not touch."""
    host.run(
        [
            "sh",
            "-ec",
            """
            ip rule add fwmark 1 lookup 100
            ip route add local default dev lo table 100
            nft 'table ip proxy {
                chain in {
                    type filter hook prerouting priority mangle;
                    iifname "lan0" ip daddr 203.0.113.99 tcp dport 80 tproxy to :7002 meta mark set 1 accept
                }
            }'
            """,
        ]
    )

    def listen():
        made = socket.socket()
        made.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
        made.bind(("0.0.0.0", 7002))
        made.listen()
        return made

    def proxied():
        with host.inside(listen):
            return outcomes(host.client, [("203.0.113.99", 80)]) == [OPEN]

    assert proxied()
    scene = Scene(host, reporters)
    assert proxied()
    assert scene.manager.stop() == 0
    assert proxied()
    host.run(["sh", "-ec", "nft delete table ip proxy; ip rule del fwmark 1; ip route flush table 100"])
