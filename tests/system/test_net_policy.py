# SPDX-License-Identifier: GPL-2.0-or-later
"""Two NICs, each with its own gateway, and routing rules by source, as netplan and cloud images write them."""

import json
import signal

import pytest
from harness import BRIDGE, Scene, ask, bridge_netfilter, wait_until

AT_ONCE = 2.0
LAN2 = ("203.0.113.{}/24", "2001:db8:2::{}/64")
SECOND = {4: "203.0.113.1", 6: "2001:db8:2::1"}  # the host's address on the second LAN
FAR = {4: "192.0.2.77", 6: "2001:db8:77::1"}  # a client that the host reaches by a gateway only
RULES = """
ip rule add from 203.0.113.1 lookup 101 priority 1000
ip -6 rule add from 2001:db8:2::/64 lookup 101 priority 1000
"""
FILTERED = [0, 1]
OURS = "117"  # the protocol number of our rules
NONE = ([], [])


@pytest.fixture
def far(host):
    """A client behind the second NIC's gateway; the first NIC has the default route of the table main."""
    client = host.add_lan("lan1", *LAN2)
    client.run(["sh", "-ec", f"ip addr add {FAR[4]}/32 dev lo; ip addr add {FAR[6]}/128 dev lo"])
    host.run(
        [
            "sh",
            "-ec",
            """
            ip route add default via 198.51.100.2 dev lan0
            ip -6 route add default via 2001:db8:1::2 dev lan0
            ip route add default via 203.0.113.2 dev lan1 table 101
            ip -6 route add default via 2001:db8:2::2 dev lan1 table 101
            """,
        ]
    )
    return client


def add_rules(host, text=RULES):
    """Add routing rules, and take the host as it is for what it has to be like afterwards."""
    host.run(["sh", "-ec", text])
    host.remember()


def our_rules(host):
    """Return the routing rules of ours, of both families: those for answers, and those that lead to the bridge."""
    rules = [json.loads(host.run(["ip", family, "-j", "rule", "show"]).stdout) for family in ("-4", "-6")]
    ours = [rule for family in rules for rule in family if rule.get("protocol") == OURS]
    return [rule for rule in ours if rule.get("iif") == BRIDGE], [rule for rule in ours if "iif" not in rule]


def is_answered(client, version, port=8081):
    """Whether the far client gets an answer by the host's second address."""
    try:
        return ask(client, SECOND[version], port, source=(FAR[version], 0), deadline=0.5).copy == port - 8080
    except TimeoutError:
        return False


@pytest.mark.parametrize("filtered", FILTERED)
def test_a_client_of_the_second_nic(host, far, reporters, filtered):
    """It is answered by the NIC that it has called, by both copies; the LANs' own clients too."""
    host.set_sysctls(bridge_netfilter(filtered))
    add_rules(host)
    scene = Scene(host, reporters)
    for version in (4, 6):
        for number in (1, 2):
            assert is_answered(far, version, 8080 + number)
        assert ask(far, SECOND[version], 8081).copy == 1
    assert ask(host.client, "198.51.100.1", 8082).copy == 2
    assert ask(host, SECOND[4], 8081).copy == 1
    assert scene.manager.stop() == 0
    assert scene.manager.err.lines == []


@pytest.mark.parametrize("filtered", FILTERED)
def test_a_copy_that_calls_the_second_address(host, far, reporters, filtered):
    """Its answer is for the bridge, which the second table does not know; what it calls elsewhere is reached."""
    host.set_sysctls(bridge_netfilter(filtered))
    add_rules(host)
    scene = Scene(host, reporters)
    for version in (4, 6):
        assert ask(scene.copy(2), SECOND[version], 8081).copy == 1
        assert ask(scene.copy(2), SECOND[version], 8082).copy == 2
    assert far


def test_rules_that_come_and_go(host, far, reporters):
    """They are followed, in both directions."""
    host.remember()
    scene = Scene(host, reporters)
    assert not is_answered(far, 4) and our_rules(host) == NONE
    host.run(["sh", "-ec", RULES])
    for version in (4, 6):
        wait_until(lambda version=version: is_answered(far, version), AT_ONCE, "the far client is answered")
    host.run(["sh", "-ec", RULES.replace(" add ", " del ")])
    wait_until(lambda: our_rules(host) == NONE, AT_ONCE, "our rules are gone")
    assert ask(far, SECOND[4], 8081).copy == 1
    assert scene.manager.stop() == 0


def test_an_address_that_comes_later(host, far, reporters):
    """A rule may be there before the address that it is about."""
    add_rules(host, RULES + "ip rule add from 203.0.113.7 lookup 101 priority 1001")
    scene = Scene(host, reporters)
    host.run(["ip", "addr", "add", "203.0.113.7/32", "dev", "lan1"])
    far.run(["ip", "route", "add", "203.0.113.7/32", "dev", "eth0"])
    wait_until(lambda: len(our_rules(host)[0]) == 3, AT_ONCE, "a rule for it")
    assert ask(far, "203.0.113.7", 8081, source=(FAR[4], 0)).copy == 1
    assert scene.manager.stop() == 0
    host.run(["ip", "addr", "del", "203.0.113.7/32", "dev", "lan1"])


def test_marks_of_others(host, far, reporters):
    """Rules of others by mark decide as without us, and no chain of theirs that is passed later sees our mark."""
    add_rules(
        host,
        RULES
        + """
        ip rule add fwmark 0x1000000/0xff000000 blackhole priority 900
        ip rule add fwmark 0x10000 blackhole priority 901
        nft 'table inet others {
            chain pass { type filter hook forward priority filter; iifname "uva0" meta mark != 0 drop; }
        }'
        """,
    )
    scene = Scene(host, reporters)
    assert is_answered(far, 4) and is_answered(far, 6)
    assert scene.manager.stop() == 0


def test_a_strict_reverse_path_filter(host, far, reporters):
    """It drops the far client before any rule of ours can help: that is said, with the command that mends it."""
    host.set_sysctls({"net.ipv4.conf.lan1.rp_filter": 1})
    add_rules(host)
    scene = Scene(host, reporters)
    said = scene.manager.err.wait_for(r"the reverse path filter of lan1 is strict.*: (sysctl .*)$")
    assert not is_answered(far, 4)
    host.run(said[1].split())
    assert is_answered(far, 4)
    assert scene.manager.stop() == 0
    host.set_sysctls({"net.ipv4.conf.lan1.rp_filter": 1})


def test_a_manager_that_is_killed(host, far, reporters):
    """Its guardian deletes the rules."""
    add_rules(host)
    scene = Scene(host, reporters)
    assert list(map(len, our_rules(host))) == [2, 2]
    scene.manager.send(signal.SIGKILL)
    scene.manager.wait()
    wait_until(lambda: our_rules(host) == NONE, AT_ONCE, "our rules are gone")
    assert far


def test_all_killed_at_once(host, far, reporters):
    """The next start deletes them, and makes its own."""
    add_rules(host)
    scene = Scene(host, reporters)
    scene.manager.kill_all()
    assert list(map(len, our_rules(host))) == [2, 2]
    scene = Scene(host, reporters)
    assert list(map(len, our_rules(host))) == [2, 2]
    assert is_answered(far, 4)
    assert scene.manager.stop() == 0
    assert our_rules(host) == NONE
