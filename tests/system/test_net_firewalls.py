# SPDX-License-Identifier: GPL-2.0-or-later
"""Another firewall in the way: it is named, and the command that is told lets us through."""

import re
import shutil

import pytest
from harness import OPEN, Scene, Snapshot, ask, outcomes_from
from harness.node import ENVIRONMENT

LAN4, LAN6, LOCALHOST, HAIRPIN, OUTBOUND = "LAN over IPv4", "LAN over IPv6", "localhost", "hairpin", "outbound"
ALL = {LAN4, LAN6, LOCALHOST, HAIRPIN, OUTBOUND}
TOLD = re.compile(r"^uva_container: .*\b(?:chain|table)\b")

NEIGHBOURS = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept"
ANSWERS = "ct state established,related accept"

# What an administrator may have: family, table, chain, hook with priority, policy, rules; and whom it locks out.
FIREWALLS = {
    "forward policy drop, as Docker's": (
        ("ip", "filter", "FORWARD", "forward priority filter", "drop", []),
        {LAN4, HAIRPIN, OUTBOUND},
    ),
    "forward policy drop for IPv6": (
        ("ip6", "filter", "FORWARD", "forward priority filter", "drop", []),
        {LAN6},
    ),
    "forward policy drop but for answers": (
        ("inet", "theirs", "routed", "forward priority filter", "drop", [ANSWERS]),
        {LAN4, LAN6, HAIRPIN, OUTBOUND},
    ),
    "forward reject at the end": (
        ("inet", "theirs", "routed", "forward priority filter", "accept", [ANSWERS, "reject"]),
        {LAN4, LAN6, HAIRPIN, OUTBOUND},
    ),
    "forward reject, after our own chains": (
        ("inet", "theirs", "routed", "forward priority 10", "accept", ["reject with icmpx admin-prohibited"]),
        {LAN4, LAN6, HAIRPIN, OUTBOUND},
    ),
    "forward policy drop but for a jump": (
        ("inet", "theirs", "routed", "forward priority filter", "drop", [ANSWERS, "jump more"]),
        {LAN4, LAN6, HAIRPIN, OUTBOUND},
    ),
    "input policy drop": (
        ("inet", "theirs", "incoming", "input priority filter", "drop", ["iif lo accept", NEIGHBOURS]),
        {LOCALHOST},
    ),
    "input policy drop but for answers of ssh": (
        ("inet", "theirs", "incoming", "input priority filter", "drop")
        + (["iif lo accept", NEIGHBOURS, "tcp dport 22 ct state new,established accept"],),
        {LOCALHOST},
    ),
    "input policy drop but for answers by another link": (
        ("inet", "theirs", "incoming", "input priority filter", "drop")
        + (["iif lo accept", NEIGHBOURS, f"iif lan0 {ANSWERS}"],),
        {LOCALHOST},
    ),
    "forward policy drop but for a number that is our bridge's": (
        ("inet", "theirs", "routed", "forward priority filter", "drop")
        + ([f"meta mark {number} accept" for number in range(1, 32)],),
        {LAN4, LAN6, HAIRPIN, OUTBOUND},
    ),
    "output policy drop": (
        ("inet", "theirs", "outgoing", "output priority filter", "drop", [NEIGHBOURS, "tcp dport 22 accept"]),
        {LOCALHOST},
    ),
}

# As iptables-nft makes them: commands, family with table and chain, and whom they lock out.
IPTABLES = {
    "forward reject at the end, as in RHEL": (
        ["-A FORWARD -j REJECT --reject-with icmp-host-prohibited"],
        ("ip filter FORWARD", {LAN4, HAIRPIN, OUTBOUND}),
    ),
    "forward drop with a comment": (
        ["-A FORWARD -m comment --comment x -j DROP"],
        ("ip filter FORWARD", {LAN4, HAIRPIN, OUTBOUND}),
    ),
    "forward reject, then rules that nothing comes to": (
        [
            "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            "-A FORWARD -j REJECT",
            "-A FORWARD -i uva0 -j ACCEPT",
            "-A FORWARD -o uva0 -j ACCEPT",
        ],
        ("ip filter FORWARD", {LAN4, HAIRPIN, OUTBOUND}),
    ),
    "forward but for answers to our bridge": (
        ["-P FORWARD DROP", "-A FORWARD -o uva0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"],
        ("ip filter FORWARD", {LAN4, HAIRPIN, OUTBOUND}),
    ),
    "input but for ssh": (
        [
            "-P INPUT DROP",
            "-A INPUT -i lo -j ACCEPT",
            "-A INPUT -p tcp --dport 22 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT",
            "-A INPUT -p tcp --sport 53 -m state --state ESTABLISHED -j ACCEPT",
            "-A INPUT -m conntrack --ctstate NEW -m tcp -p tcp --dport 8081 -j ACCEPT",
        ],
        ("ip filter INPUT", {LOCALHOST}),
    ),
}

HARMLESS_IPTABLES = {
    "input, as ufw's": [
        "-P INPUT DROP",
        "-N ufw-before-input",
        "-A INPUT -j ufw-before-input",
        "-A ufw-before-input -i lo -j ACCEPT",
        "-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A INPUT -j LOG",
        "-A INPUT -j REJECT",
    ],
    "input of TCP, with a comment": [
        "-P INPUT DROP",
        "-A INPUT -i lo -j ACCEPT",
        "-A INPUT -p tcp -m comment --comment x -m state --state ESTABLISHED -j ACCEPT",
    ],
    "our bridges by their prefix": ["-P FORWARD DROP", "-A FORWARD -i uva+ -j ACCEPT", "-A FORWARD -o uva+ -j ACCEPT"],
    "what was translated": [
        "-P FORWARD DROP",
        "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT",
        "-A FORWARD ! -o uva0 -i uva0 -j ACCEPT",
    ],
    "a log at the end": ["-A FORWARD -j LOG", "-A FORWARD -m limit --limit 3/min -j LOG"],
}

HARMLESS = {
    "all is accepted": ("inet", "theirs", "routed", "forward priority filter", "accept", []),
    "a port is dropped": ("inet", "theirs", "routed", "forward priority filter", "accept", ["tcp dport 25 drop"]),
    "our bridge is let through": (
        ("inet", "theirs", "routed", "forward priority filter", "drop")
        + (['iifname "uva0" accept', 'oifname "uva0" accept'],)
    ),
    "answers are let in": (
        ("inet", "theirs", "incoming", "input priority filter", "drop", ["iif lo accept", ANSWERS, NEIGHBOURS])
    ),
    "what was translated is let out": (
        ("inet", "theirs", "outgoing", "output priority filter", "drop")
        + ([NEIGHBOURS, "ct status dnat ct state new,established accept"],)
    ),
    "another hook": ("inet", "theirs", "early", "prerouting priority raw", "accept", ["tcp dport 25 drop"]),
}


def firewall(family, table, chain, hook, policy, rules):
    """Return a firewall as nft reads it."""
    lines = [
        f"table {family} {table} {{",
        "chain more {",
        "tcp dport 22 accept",
        "}",
        f"chain {chain} {{",
        f"type filter hook {hook}; policy {policy};",
        *rules,
        "}",
        "}",
    ]
    return "\n".join(lines) + "\n"


def reached(host, scene):
    """Return the kinds of clients that get through to what they want."""
    tries = {
        LAN4: (host.client, "198.51.100.1", 8081),
        LAN6: (host.client, "2001:db8:1::1", 8081),
        LOCALHOST: (host, "127.0.0.1", 8081),
        HAIRPIN: (scene.copy(1), "198.51.100.1", 8082),
        OUTBOUND: (scene.copy(1), "198.51.100.2", 7001),
    }
    with host.client.listen("::", 7001):
        results = outcomes_from(tries.values())
    return {kind for kind, outcome in zip(tries, results) if outcome == OPEN}


def theirs(host):
    """Return all chains of the ruleset that are not ours, as nft prints them."""
    tables = re.findall(r"^table .*?^}", host.run(["nft", "list", "ruleset"]).stdout, re.M | re.S)
    return [table for table in tables if "uva_container" not in table.splitlines()[0]]


def by_nft(ruleset):
    """Return what installs a ruleset on a host."""
    return lambda host: host.run(["nft", "-f", "-"], stdin=ruleset)


def by_iptables(commands):
    """Return what runs commands of iptables-nft on a host."""
    if not shutil.which("iptables-nft", path=ENVIRONMENT["PATH"]):
        pytest.skip("iptables-nft is not installed")

    def install(host):
        for command in commands:
            host.run(["iptables-nft", *command.split()])

    return install


def start_behind(host, project, install):
    """Start with other rules in place; return the scene, and what it said of them."""
    install(host)
    host.remember()
    before = theirs(host)
    scene = Scene(host, project)
    assert theirs(host) == before
    return scene, [line for line in scene.manager.err.lines if TOLD.search(line)]


@pytest.mark.parametrize("kind", FIREWALLS)
def test_it_is_named_and_the_command_lets_us_through(host, reporters, kind):
    """Table and chain, who is locked out, and a command; run exactly so, it lets all of them in."""
    description, locked_out = FIREWALLS[kind]
    install = by_nft(firewall(*description))
    assert_named_and_let_through(host, reporters, install, " ".join(description[:3]), locked_out)


@pytest.mark.parametrize("kind", IPTABLES)
def test_one_of_iptables_is_named_and_the_command_lets_us_through(host, reporters, kind):
    """The same for what iptables-nft writes, matches and targets of xtables among it."""
    commands, (chain, locked_out) = IPTABLES[kind]
    assert_named_and_let_through(host, reporters, by_iptables(commands), chain, locked_out)


def assert_named_and_let_through(host, project, install, chain, locked_out):
    """Fail if it is not named with whom it locks out, or if the command that is told does not do."""
    scene, lines = start_behind(host, project, install)
    assert not reached(host, scene) & locked_out
    (line,) = lines
    assert chain in line
    assert ("localhost" if LOCALHOST in locked_out else "LAN") in line.rpartition(": ")[0]
    host.run(["sh", "-ec", line.rpartition(": ")[2]])
    assert reached(host, scene) == ALL
    assert ask(host.client, "198.51.100.1", 8081).peer == "198.51.100.2"
    put_back(host, scene, install)


def put_back(host, scene, install):
    """End the run, and undo what the commands have done to the firewall; its handles are others then."""
    tables = re.findall(r"^table (.*) {", "\n".join(theirs(host)), re.M)
    assert scene.manager.stop() == 0
    for table in tables:
        host.run(["nft", "delete", "table", *table.split()])
    assert host.run(["nft", "list", "ruleset"]).stdout == ""
    install(host)
    host.before["nftables"] = Snapshot.of(host)["nftables"]


def test_two_firewalls_at_once(host, reporters):
    """One line for each chain; only both commands together let everybody in."""
    kinds = ("forward policy drop, as Docker's", "input policy drop")
    install = by_nft("".join(firewall(*FIREWALLS[kind][0]) for kind in kinds))
    scene, lines = start_behind(host, reporters, install)
    assert len(lines) == 2
    for line in lines:
        assert not {LAN4, LOCALHOST} <= reached(host, scene)
        host.run(["sh", "-ec", line.rpartition(": ")[2]])
    assert reached(host, scene) == ALL
    put_back(host, scene, install)


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_is_not_in_the_way_is_not_told_of(host, reporters, kind):
    """No false alarm, and everything works."""
    scene, lines = start_behind(host, reporters, by_nft(firewall(*HARMLESS[kind])))
    assert lines == []
    assert reached(host, scene) == ALL


@pytest.mark.parametrize("kind", HARMLESS_IPTABLES)
def test_what_iptables_lets_through_is_not_told_of(host, reporters, kind):
    """The same for what iptables-nft writes."""
    scene, lines = start_behind(host, reporters, by_iptables(HARMLESS_IPTABLES[kind]))
    assert lines == []
    assert reached(host, scene) == ALL


def test_without_a_firewall_nothing_is_said(host, scene):
    """The positive twin of all of them."""
    assert scene.manager.err.lines == []
    assert reached(host, scene) == ALL


def test_a_firewall_that_comes_with_a_router(host, scene):
    """Docker and libvirt turn forwarding on and drop what they do not know: that is named during the run, once."""
    host.run(["sysctl", "-w", "net.ipv4.ip_forward=1"])
    host.run(["nft", "-f", "-"], stdin=firewall(*FIREWALLS["forward policy drop, as Docker's"][0]))
    command = scene.manager.err.wait_for(r"chain ip filter FORWARD drops.* the LAN.*: (nft .*)$")[1]
    assert LAN4 not in reached(host, scene)
    host.run(["sh", "-ec", command])
    assert reached(host, scene) == ALL
    host.run(["nft", "-f", "-"], stdin=firewall(*FIREWALLS["forward policy drop for IPv6"][0]))
    host.run(["sysctl", "-w", "net.ipv6.conf.all.forwarding=1"])
    scene.manager.err.wait_for("chain ip6 filter FORWARD drops")
    assert len(scene.manager.err.lines) == 2
    assert scene.manager.stop() == 0
    host.run(["sysctl", "-w", "net.ipv4.ip_forward=0", "net.ipv6.conf.all.forwarding=0"])
    host.run(["nft", "delete table ip filter; delete table ip6 filter"])
