# SPDX-License-Identifier: GPL-2.0-or-later
"""What an administrator sees by nft list ruleset, and may do to it."""

import os
import re
import signal

import pytest
from harness import TOP, wait_until

COPIES = (1, 2)


@pytest.fixture
def short(host):
    """A project whose path is short enough to be told whole in a comment."""
    return host.project("/run/project")


@pytest.fixture
def running(host, short):
    """The program under test in that project."""
    return host.start_manager(short).wait_ready()


def ruleset(host):
    """Return the ruleset as nft prints it."""
    return host.run(["nft", "list", "ruleset"]).stdout


def blocks(host, kind):
    """Return the chains, maps or sets: a dictionary from names to bodies."""
    return dict(re.findall(rf"^\t{kind} (\S+) {{\n(.*?)^\t}}", ruleset(host), re.MULTILINE | re.DOTALL))


def rules(host):
    """Return all rules as (chain, rule)."""
    return [
        (chain, line.strip())
        for chain, body in blocks(host, "chain").items()
        for line in body.splitlines()
        if not re.match(r"\s*(type |comment |$)", line)
    ]


def elements(body):
    """Return the elements in a map's body, one text for each."""
    found = re.search(r"elements = \{(.*?)\}", body, re.DOTALL)
    return [element.strip() for element in found[1].split(",")] if found else []


def counted(host, number):
    """Return how many connections the ruleset tells for copy number, at its rule or at its map element."""
    parts = [f"{chain}: {rule}" for chain, rule in rules(host)]
    parts += [element for body in blocks(host, "map").values() for element in elements(body)]
    mine = [part for part in parts if re.search(rf"\bcopy.?{number}\b|\b808{number}\b", part)]
    (count,) = [int(count) for part in mine for count in re.findall(r"counter packets (\d+)", part)]
    return count


def test_there_is_one_table_that_is_owned_and_one_that_outlives_it(host, running):
    """No other program can change table inet uva_container while we live. The guard of the uplinks is there twice."""
    assert running.running
    text = ruleset(host)
    names = re.findall(r"^table (.*?) \{", text, re.MULTILINE)
    assert len(names) == 2 and "inet uva_container" in names
    assert [name for name in names if re.fullmatch(r"inet uva_guard_[0-9a-f]{12}", name)]
    owned = host.run(["nft", "list", "table", "inet", "uva_container"]).stdout
    assert re.search(r"^\tflags owner$", owned, re.MULTILINE)
    (guard,) = set(re.findall(r"^\t\t(meta nfproto \. iif @uplinks .* drop) comment", text, re.MULTILINE))
    assert text.count(guard) == 2


def outline(text):
    """Return the names of a ruleset's tables, chains, sets and maps, and all comments."""
    named = re.findall(r'^\s*(?:table|chain|set|map) .*?(?= \{)|comment ".*?"', text, re.MULTILINE)
    return [re.sub(r"uva_guard_[0-9a-f]{12}", "uva_guard_MAC", name.strip()) for name in named]


def test_the_manual_page_shows_this_ruleset(host, running, short):
    """The chains, sets and comments that portmux(7) shows are those that are there."""
    assert running.running
    page = (TOP / "src/portmux.7").read_text()
    shown = re.search(r"^\.Sh THE RULES\n.*?^\.Bd .*?\n(.*?)^\.Ed", page, re.MULTILINE | re.DOTALL)[1]
    # Only where bridged packets are filtered there is a rule for [::1]; the page tells of it.
    there = [name for name in outline(ruleset(host)) if "[::1]" not in name]
    assert sorted(outline(shown.replace("/srv/uva_container", str(short.path)))) == sorted(there)


def test_each_mapping_tells_its_copy_and_directory(host, running, short):
    """Host port, copy number and directory, in one place."""
    assert running.running
    mappings = [element for body in blocks(host, "map").values() for element in elements(body)]
    for number in COPIES:
        (mapping,) = [element for element in mappings if re.search(rf"\b808{number}\b", element)]
        assert f"copy {number}: {short.path}/copies/{number}/files" in mapping


def test_chains_and_rules_explain_themselves(host, running):
    """Every rule that maps, translates or refuses has a comment, and every chain a name in words."""
    assert running.running
    assert len(rules(host)) >= 4
    for chain, rule in rules(host):
        assert re.fullmatch(r"[a-z]+[a-z0-9_-]{3,}", chain), chain
        if re.search(r"\b(vmap|map|dnat|snat|masquerade|drop|reject)\b", rule):
            assert re.search(r' comment "[^"]{8,}"', rule), rule


def test_connections_are_counted_for_each_copy(host, running):
    """Three to copy 1 and two to copy 2; before them none."""
    assert running.running
    assert [counted(host, number) for number in COPIES] == [0, 0]
    for port in (8081, 8081, 8081, 8082, 8082):
        host.get(f"http://127.0.0.1:{port}/")
    assert [counted(host, number) for number in COPIES] == [3, 2]


def test_the_copy_is_found_by_one_lookup(host, running):
    """No rule names a host port: one map has them all, and rules look the port up in it."""
    assert running.running
    assert [rule for _, rule in rules(host) if re.search(r"\b808[12]\b", rule)] == []
    ((name, body),) = blocks(host, "map").items()
    assert len(elements(body)) == len(COPIES)
    assert [rule for _, rule in rules(host) if re.search(rf"dport v?map @{name}\b", rule)]


def test_a_copy_that_ended_is_mapped_no_more(host, running):
    """Its host port leads nowhere; the other copy's mapping stays."""
    os.kill(running.copy_process(1), signal.SIGKILL)
    running.err.wait_for(r"^uva_container: copy 1: ")

    def mapped_ports():
        return re.findall(r"\b808\d\b", "".join(blocks(host, "map").values()))

    wait_until(lambda: mapped_ports() == ["8082"], 2, "port 8081 is mapped no more")


def test_a_flush_by_somebody_else_changes_nothing(host, running):
    """nft flush ruleset, as firewalls do when they are reloaded: both copies are served as before."""
    ours = ["nft", "list", "table", "inet", "uva_container"]
    before = host.run(ours).stdout
    host.run(["nft", "flush", "ruleset"])
    assert host.run(ours).stdout == before
    for number in COPIES:
        assert host.get(f"http://localhost:808{number}/").status == 200
    assert host.run(["nft", "delete", "table", "inet", "uva_container"], check=False).returncode != 0
    assert running.stop() == 0


def test_another_table_is_left_alone(host, short):
    """An administrator's own rules are the same before, meanwhile and afterwards."""
    mine = 'table inet mine { chain input { type filter hook input priority 0; tcp dport 9 drop comment "mine"; }; }'
    host.run(["nft", mine])
    host.remember()
    before = ruleset(host)
    manager = host.start_manager(short).wait_ready()
    assert host.run(["nft", "list", "table", "inet", "mine"]).stdout == before
    assert manager.stop() == 0
