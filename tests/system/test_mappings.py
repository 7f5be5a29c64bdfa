# SPDX-License-Identifier: GPL-2.0-or-later
"""More than one host port that leads to a copy, each to a port of its own; and when a port leads there."""

import pytest
from harness import wait_until

AT_ONCE = 2.0

# Listens on the ports that its file "ports" names; answers with its host name and the port. It listens
# on one more for each line that is added, and not any more on those that are taken away.
PROGRAM = """#!/usr/bin/python3
import select, socket
listening = {}
while True:
    with open("ports") as file:
        wanted = {int(line) for line in file}
    for port in set(listening) - wanted:
        listening.pop(port).close()
    for port in wanted - set(listening):
        listening[port] = socket.create_server(("", port))
    for ready in select.select(listening.values(), [], [], 0.02)[0]:
        connection, _ = ready.accept()
        connection.recv(4096)
        text = f"{socket.gethostname()} {ready.getsockname()[1]}"
        connection.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n" + text.encode())
        connection.close()
"""


@pytest.fixture
def two_ports(host, neighbours):
    """Start a program that listens on the ports asked for; host ports from 9001 on lead to 8080, from 9101 on to 9090."""
    neighbours.there("http_recorder.py").write_text(PROGRAM)

    def start(*ports):
        for number in (1, 2):
            listen(neighbours, number, *ports)
        return host.start_manager(neighbours, "9001", "2", "9101")

    return start


def listen(project, number, *ports):
    """Have copy number listen on these ports."""
    project.place(number, "ports.new", "".join(f"{port}\n" for port in ports)).rename(project.files(number) / "ports")


def answer(node, port, address="127.0.0.1"):
    """Return what answers there."""
    return node.get(f"http://{address}:{port}/").text


def test_two_ports_of_each_copy(host, two_ports):
    """Each host port leads to its copy and its port, from the host and from the LAN."""
    two_ports(8080, 9090).wait_ready()
    for number in (1, 2):
        for node, address in ((host, "127.0.0.1"), (host.client, "198.51.100.1")):
            assert answer(node, 9000 + number, address) == f"copy-{number} 8080"
            assert answer(node, 9100 + number, address) == f"copy-{number} 9090"


def test_the_port_that_does_not_listen_is_refused_the_other_one_served(host, two_ports, neighbours):
    """Which one is said after some seconds; it is served as soon as it listens."""
    manager = two_ports(8080)
    wait_until(lambda: not host.refuses("127.0.0.1", 9001), AT_ONCE, "port 9001 is served")
    assert answer(host, 9001) == "copy-1 8080"
    assert host.refuses("127.0.0.1", 9101)
    manager.err.wait_for(r"^uva_container: copy 1: nothing listens on its port 9090 after", 8)
    listen(neighbours, 1, 8080, 9090)
    wait_until(lambda: not host.refuses("127.0.0.1", 9101), AT_ONCE, "port 9101 is served")
    assert answer(host, 9101) == "copy-1 9090"
    assert host.refuses("127.0.0.1", 9102)


def test_a_port_is_refused_by_this_host_before_its_copy_listens(host, two_ports, neighbours):
    """At once and with a reset, from the LAN too: no connection waits for a copy that is not there yet."""
    two_ports()
    wait_until(lambda: ":9001 " in host.run(["ss", "-ltnH"]).stdout, AT_ONCE, "the port is held")
    for node, address in ((host, "127.0.0.1"), (host.client, "198.51.100.1")):
        assert node.refuses(address, 9001)
    listen(neighbours, 1, 8080)
    wait_until(lambda: not host.refuses("127.0.0.1", 9001), AT_ONCE, "port 9001 is served")


def test_a_port_is_refused_again_when_its_copy_does_not_listen_any_more(host, two_ports, neighbours):
    """In the table, not by the copy alone; and served again when it listens again."""
    two_ports(8080, 9090).wait_ready()

    def published():
        text = host.run(["nft", "list", "map", "inet", "uva_container", "published"]).stdout
        return [port for port in (9001, 9101) if f"tcp . {port} " in text]

    assert published() == [9001, 9101]
    listen(neighbours, 1, 9090)
    wait_until(lambda: published() == [9101], AT_ONCE, "port 9001 leads nowhere")
    assert host.refuses("127.0.0.1", 9001)
    assert answer(host, 9101) == "copy-1 9090"
    listen(neighbours, 1, 8080, 9090)
    wait_until(lambda: published() == [9001, 9101], AT_ONCE, "port 9001 leads to its copy again")
    assert answer(host, 9001) == "copy-1 8080"
