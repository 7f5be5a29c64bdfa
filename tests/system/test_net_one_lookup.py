# SPDX-License-Identifier: GPL-2.0-or-later
"""What a packet costs does not depend on the number of copies."""

import re

from harness import ask

BASE_CHAIN = re.compile(
    r"^\tchain (\S+) \{\n\t\ttype (\w+) hook (\w+) priority [^;]+; policy accept;\n(.*?)^\t\}", re.M | re.S
)


def base_chains(host):
    """Return our table's base chains: name to (type, hook, rules)."""
    text = host.run(["nft", "list", "table", "inet", "uva_container"]).stdout
    text = re.sub(r"\bfd[0-9a-f]{2}:[0-9a-f:]*", "fd..:", text)  # each run has an IPv6 network of its own
    found = {}
    for name, kind, hook, body in BASE_CHAIN.findall(text):
        found[name] = (kind, hook, [line.strip() for line in body.splitlines() if "comment" in line or "iif" in line])
    return found


def serve(host, project, copies):
    """Run copies of the program; return the base chains meanwhile."""
    manager = host.start_manager(project, "9081", copies).wait_ready()
    chains = base_chains(host)
    for number in {1, 2, copies}:
        assert ask(host, "127.0.0.1", 9080 + number).copy == number
        assert ask(host.client, "198.51.100.1", 9080 + number).copy == number
    assert manager.stop() == 0
    return chains


def test_one_lookup_whatever_the_number_of_copies(host, neighbours):
    """2 and 50 copies: the same rules in every hook, one lookup of the port where addresses are translated."""
    chains = serve(host, neighbours, 2)
    assert serve(host, neighbours, 50) == chains
    translating = [rules for kind, hook, rules in chains.values() if kind == "nat" and hook != "postrouting"]
    assert len(translating) == 2
    for rules in translating:
        assert sum("vmap @published" in rule for rule in rules) == 1
        assert len(rules) <= 3


def test_packets_of_known_connections_pass_few_rules(shared_scene):
    """In the hooks that every packet passes the rules are few, and forwarded answers are accepted by the first."""
    chains = base_chains(shared_scene.host)
    filters = {hook: rules for kind, hook, rules in chains.values() if kind == "filter"}
    assert set(filters) == {"prerouting", "forward", "input", "output"}
    assert all(len(rules) <= 7 for rules in filters.values())
    text = shared_scene.host.run(["nft", "list", "chain", "inet", "uva_container", "to-copy"]).stdout
    rules = [line.strip() for line in text.splitlines() if "accept" in line or "reject" in line]
    assert rules[0] == "ct state established,related accept"
    assert filters["input"][0].startswith("ct direction reply accept ")


def test_answers_to_localhost_need_no_lookup_of_a_route(shared_scene):
    """Whether an address is this host's own is asked only after all that is cheaper, and not of answers to localhost."""
    text = shared_scene.host.run(["nft", "list", "table", "inet", "uva_container"]).stdout
    rules = re.findall(r"^\t\t(.*) fib daddr type != local reject ", text, re.M)
    assert len(rules) == 2
    assert all(re.fullmatch(r"(ip6?) daddr != \S+2 \1 daddr (!= )?\S+", rule) for rule in rules)


def test_the_rules_are_passed_by_first_packets_only(shared_scene):
    """The counter of a copy's chain counts connections, not packets."""

    def counted():
        text = shared_scene.host.run(["nft", "list", "chain", "inet", "uva_container", "copy-1"]).stdout
        return [int(count) for count in re.findall(r"counter packets (\d+)", text)]

    before = counted()
    for _ in range(3):
        ask(shared_scene.client, "198.51.100.1", 8081, path="/bytes/1000000")
        ask(shared_scene.client, "2001:db8:1::1", 8081, path="/bytes/1000000")
    assert [after - count for after, count in zip(counted(), before)] == [3, 3]
