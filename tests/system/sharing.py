# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs whose copies share ports (see sharer.py), their clients, and their tables."""

import collections
import itertools
import re
import socket
from pathlib import Path

from harness import wait_until

SHARER = Path(__file__).with_name("sharer.py")
PORT = 8080  # of the host; it leads to port 5000 of the copies
AT_ONCE = 5.0
SOME = 210  # connections: the same for each of up to 7 copies
LAN, LAN6 = "198.51.100.1", "2001:db8:1::1"
KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
Answer = collections.namedtuple("Answer", "copy port life")
SOURCE_PORTS = itertools.cycle(range(1024, 5000))  # of datagrams: one that is used again belongs to the old flow


# ---- Clients ----


def call(node, address, count=1, port=PORT, kind="tcp", source=None):
    """Make connections, each from a new port of its own, one after the other; return the answers.

    source: the address that they come from. None in place of an answer: refused; copy 0: the one that was to
    answer has ended.
    """

    def body():
        return [_answer(address, port, KINDS[kind], source) for _ in range(count)]

    return node.inside(body)


def _answer(address, port, kind, source):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as client:
        client.settimeout(AT_ONCE)
        if source or kind == socket.SOCK_DGRAM:
            client.bind((source or "", next(SOURCE_PORTS) if kind == socket.SOCK_DGRAM else 0))
        try:
            client.connect((address, port))
            client.send(b"who?")
            text = client.recv(100)
        except (ConnectionRefusedError, PermissionError):  # what this host itself sends by UDP is not permitted
            return None
        except ConnectionResetError:
            return Answer(0, port, "reset")
    copy, own_port, life = text.decode().split()
    return Answer(int(copy), int(own_port), life)


def counts(answers):
    """Return how many answers each copy has given."""
    return collections.Counter(answer and answer.copy for answer in answers)


def is_in_turn(answers):
    """Whether the copies have answered one after the other, always in the same order."""
    copies = [answer.copy for answer in answers]
    return copies == list(itertools.islice(itertools.cycle(copies[: len(set(copies))]), len(copies)))


def sources(host, ipv6=False, count=40):
    """Give the client on the LAN many addresses; return them."""
    found = [f"2001:db8:1::{n:x}" if ipv6 else f"198.51.100.{n}" for n in range(100, 100 + count)]
    commands = [f"addr add {address}{'/64' if ipv6 else '/24'} dev eth0{' nodad' * ipv6}\n" for address in found]
    host.client.run(["ip", "-batch", "-"], stdin="".join(commands))
    return found


def copies_by_source(host, addresses, kind="tcp"):
    """Return the copy that serves each address: the same one for three connections."""
    found = {}
    for address in addresses:
        answers = call(host.client, LAN6 if ":" in address else LAN, 3, kind=kind, source=address)
        (found[address],) = counts(answers)
    return found


# ---- A run, and its table ----


def start_sharers(host, project, copies, *options, publish=("8080:5000",), **more):
    """Start copies of the project's program, with mappings."""
    places = ("--files", "private", "-d", "copies", "--name", "web", "-n", str(copies))
    mappings = [word for mapping in publish for word in ("-p", mapping)]
    return host.start_portmux(project, *places, *mappings, *options, "--", "./http_recorder.py", **more)


def table(host, *options):
    """Return the run's table as nft shows it; "" if there is none."""
    return host.run(["nft", *options, "list", "table", "inet", "portmux"], check=False).stdout


def blocks(text):
    """Return the chains, maps and sets in a table by their names."""
    return dict(re.findall(r"^\t(?:chain|map|set) (\S+) {.*?\n(.*?)^\t}", text, re.MULTILINE | re.DOTALL))


def buckets(host, name="tcp-8080"):
    """Return the copies that the buckets lead to, the first bucket's first."""
    found = re.findall(r"0x([0-9a-f]+) : goto copy-(\d+)", blocks(table(host))[f"buckets-{name}"])
    return [int(copy) for _, copy in sorted((int(bucket, 16), copy) for bucket, copy in found)]


def led_to(host, name="tcp-8080"):
    """Return how many buckets lead to each copy."""
    return collections.Counter(buckets(host, name))


def wait_led_to(host, *copies, name="tcp-8080"):
    """Wait until the port leads to these copies, and no other."""
    wait_until(lambda: set(led_to(host, name)) == set(copies), AT_ONCE, f"{name} leads to {copies}")


def copy_node(manager, host, number):
    """Return a copy's place on the network."""
    return host.enter(manager.copy_process(number))


# ---- What changes in it ----


def wait_next_life(host, before):
    """Wait until copy 2 serves with another life; return what has been answered until then, six by six."""
    groups = []

    def is_back():
        groups.append(call(host, "127.0.0.1", 6))
        return any(answer and answer.copy == 2 and answer.life != before for answer in groups[-1])

    wait_until(is_back, AT_ONCE, lambda: f"copy 2 is back: {groups[-3:]}")
    return groups


def scale(host, project, copies, deadline=AT_ONCE):
    """Give the run so many copies."""
    host.run(["./portmux", "scale", "web", copies], cwd=project.path, deadline=deadline)


def drain(host, project, manager):
    """Hold a connection to copy 3, of three, and take that copy away; return both the connection and the command."""
    assert [answer.copy for answer in call(host, "127.0.0.1", 3)][-1] == 3
    call(host, "127.0.0.1", 2)
    held = host.connect("127.0.0.1", PORT)
    command = host.popen(["./portmux", "scale", "web", "2"], cwd=project.path)
    wait_led_to(host, 1, 2)
    assert manager.running
    return held, command
