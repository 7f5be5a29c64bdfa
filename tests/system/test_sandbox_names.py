# SPDX-License-Identifier: GPL-2.0-or-later
"""A copy knows its own name: servers ask for that at their start, and no name server knows it."""

import select
import socket
from pathlib import Path

import pytest
from harness import Inside

COPIES = (1, 2)
READY = 1.0  # a name server that does not answer costs 5 s and more


@pytest.fixture
def silent(host):
    """A name server on the LAN that takes every question, and answers none."""
    host.root("/run/resolv.conf").write_text("nameserver 198.51.100.2\n")
    host.run(["mount", "--bind", "/run/resolv.conf", "/etc/resolv.conf"])
    host.remember()

    def listen():
        server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind(("::", 53))
        return server

    with host.client.inside(listen) as server:
        yield server


def was_asked(server):
    """Whether a question has arrived."""
    return bool(select.select([server], [], [], 0)[0])


def own_addresses(copy):
    """Return the addresses of a copy's link, those of the link itself left out."""
    words = copy.get("run", "ip", "-o", "addr", "show", "dev", "eth0", "scope", "global")[1].split()
    return {word.split("/")[0] for before, word in zip(words, words[1:]) if before in ("inet", "inet6")}


def test_the_server_is_ready_although_no_name_server_answers(host, project, silent):
    """The real http_recorder.py, which asks for its own name: without a question to anybody."""
    manager = host.start_manager(project).wait_ready(READY)
    assert not was_asked(silent)
    assert manager.err.lines == []


def test_its_own_name(host, probes, silent):
    """It has both addresses of the copy, and they have that name; localhost is what it was."""
    host.start_manager(probes).wait_ready(READY)
    for number in COPIES:
        copy = Inside(host, number)
        name = f"copy-{number}"
        addresses = own_addresses(copy)
        assert len(addresses) == 2
        assert set(copy.get("look_up", name)) == addresses
        assert copy.get("full_name") == name
        assert [copy.get("name_of", address) for address in sorted(addresses)] == [name] * 2
        assert set(copy.get("look_up", "localhost")) <= {"127.0.0.1", "::1"}
        lines = copy.get("read", "/etc/hosts").splitlines()
        assert sorted(lines[:2]) == sorted(f"{address} {name}" for address in addresses)
        assert lines[2:] == Path("/etc/hosts").read_text(encoding="utf-8").splitlines()
        assert copy.refusal("opened", "/etc/hosts", "w") == "EROFS"
    assert not was_asked(silent)


HOSTS = {"empty": "", "unfinished": "127.0.0.1 localhost", "long": "# long\n" * 20000 + "192.0.2.1 at-the-end\n"}


@pytest.mark.parametrize("text", HOSTS.values(), ids=HOSTS)
def test_whatever_the_hosts_file_is(host, probes, text):
    """Empty, without an end of its last line, long: the copy has all of it."""
    host.root("/run/hosts").write_text(text)
    host.run(["mount", "--bind", "/run/hosts", "/etc/hosts"])
    host.remember()
    host.start_manager(probes, sudo=54321).wait_ready()
    copy = Inside(host, 1)
    assert set(copy.get("look_up", "copy-1")) == own_addresses(copy)
    assert "".join(copy.get("read", "/etc/hosts").splitlines(keepends=True)[2:]) == text


def test_a_link_into_run(host, probes):
    """The file is where the link leads to, in the copy's own /run."""
    host.run(["sh", "-ec", """
        cp -a /etc /run/etc
        mkdir /run/generated
        mv /run/etc/hosts /run/generated/
        ln -s /run/generated/hosts /run/etc/hosts
        mount --bind /run/etc /etc
    """])
    host.remember()
    host.start_manager(probes).wait_ready()
    copy = Inside(host, 1)
    assert set(copy.get("look_up", "copy-1")) == own_addresses(copy)


def test_a_host_without_such_a_file(host, probes):
    """All else works there."""
    host.run(["sh", "-ec", "cp -a /etc /run/etc; rm /run/etc/hosts; mount --bind /run/etc /etc"])
    host.remember()
    manager = host.start_manager(probes).wait_ready()
    assert manager.err.lines == []
    assert Inside(host, 1).refusal("read", "/etc/hosts") == "ENOENT"
