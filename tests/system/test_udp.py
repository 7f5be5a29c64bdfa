# SPDX-License-Identifier: GPL-2.0-or-later
"""UDP: mapped, reserved, answered from the right address; a client that never stops sending finds the copy."""

import contextlib
import re
import shutil
import signal
import socket
import threading

import pytest
from harness import bridge_netfilter, build_steps, wait_until

pytestmark = pytest.mark.host(sysctls=bridge_netfilter(0))  # with it, [::1] leads to no copy

PORT = 5000  # of the copies, and the first one of the host
AT_ONCE = 10.0  # also on a busy machine; what is lost is counted in datagrams
PAUSE = 0.01  # of a client between two datagrams: an idle machine answers within it
UNDER_WAY = 3  # datagrams of it that were sent before what we have just seen

# Answers each datagram with the name of the copy, what tells its lives apart, and the datagram; by TCP,
# too. It ends when it is told to, and closes its UDP port for as long as there is a file "deaf".
SERVER = """#!/usr/bin/python3
import os, select, socket
me = f"{socket.gethostname().split('-')[1]} {os.urandom(4).hex()} ".encode()
waiting = socket.create_server(("::", 5000), family=socket.AF_INET6, dualstack_ipv6=True)
udp, connections = None, []
while True:
    if os.path.exists("deaf"):
        udp = udp and udp.close()
    elif udp is None:
        udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        udp.bind(("::", 5000))
    for ready in select.select([waiting, *connections] + ([udp] if udp else []), [], [], 0.01)[0]:
        if ready is waiting:
            connections.append(waiting.accept()[0])
        elif ready is udp:
            data, peer = udp.recvfrom(2048)
            if data == b"end":
                os._exit(3)
            udp.sendto(me + data, peer)
        elif data := ready.recv(2048):
            ready.sendall(me + data)
        else:
            connections.remove(ready)
"""

# From where a port is reached, by which address.
WAYS = {
    "localhost": ("host", "127.0.0.1"),
    "another-loopback-address": ("host", "127.0.0.2"),
    "host": ("host", "198.51.100.1"),
    "LAN": ("client", "198.51.100.1"),
    "localhost-IPv6": ("host", "::1"),
    "host-IPv6": ("host", "2001:db8:1::1"),
    "LAN-IPv6": ("client", "2001:db8:1::1"),
}
SOME_WAYS = pytest.mark.parametrize("way", ["localhost", "LAN", "LAN-IPv6"])

# A firewall that knows connections: with it, the host has conntrack entries also without us.
FIREWALL = "add table inet own; add chain inet own input { type filter hook input priority 10; }; "
FIREWALL += "add rule inet own input ct state established accept"


class Stream:
    """A client that sends from one port and never stops; it takes answers only from whom it calls."""

    def __init__(self, node, address, port, source=0):
        """Begin."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = node.inside(lambda: socket.socket(family, socket.SOCK_DGRAM))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("", source))
        self.socket.connect((address, port))
        self.source, self.port = self.socket.getsockname()[1], port
        self.sent = 0
        self.answers = []  # (datagram, copy, its life)
        self.refused = []  # datagrams
        self._is_over = False
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self):
        pause = threading.Event()
        self.socket.settimeout(PAUSE)
        while not self._is_over:
            self.sent += 1
            try:
                self.socket.send(str(self.sent).encode())
                copy, life, number = self.socket.recv(2048).decode().split()
                self.answers.append((int(number), int(copy), life))
            except TimeoutError:
                continue
            except (ConnectionRefusedError, PermissionError):
                self.refused.append(self.sent)
            pause.wait(PAUSE)

    def wait_answered(self, by=None, other_than=None):
        """Wait for an answer to what is sent from now on, by a copy, other than by a life; return it."""
        since = self.sent

        def answer():
            for number, copy, life in self.answers[::-1]:
                if number > since and by in (None, copy) and life != other_than:
                    return number, copy, life
            return None

        return wait_until(answer, AT_ONCE, lambda: f"answered by {by}; {self}")

    def wait_refused(self):
        """Wait until what is sent from now on is refused."""
        since = self.sent
        wait_until(lambda: self.refused and self.refused[-1] > since + UNDER_WAY, AT_ONCE, lambda: f"refused; {self}")

    def first(self, copy=None, other_than=None):
        """Return the first datagram that was answered, by a copy, other than by a life."""
        return min(n for n, by, life in self.answers if copy in (None, by) and life != other_than)

    def lost(self):
        """Return how many were not answered, between the first and the last that were."""
        numbers = [number for number, _, _ in self.answers]
        return numbers[-1] - numbers[0] + 1 - len(numbers)

    def __str__(self):
        """Tell what has happened lately."""
        return f"{self.sent} sent; answers {self.answers[-3:]}; {len(self.refused)} refused {self.refused[-3:]}"

    def close(self):
        """Stop sending."""
        self._is_over = True
        self._thread.join()
        self.socket.close()


@pytest.fixture
def stream(host):
    """Begin to send, from the host or its client; all streams end with the test."""
    with contextlib.ExitStack() as stack:

        def begin(way, port=PORT, node=None, **options):
            who, address = WAYS.get(way, (None, way))
            node = node or (host if who == "host" else host.client)
            return stack.enter_context(contextlib.closing(Stream(node, address, port, **options)))

        yield begin


@pytest.fixture
def tracking(host):
    """Have the host track connections already, and count their packets."""
    host.run(["nft", FIREWALL])
    host.set_sysctls({"net.netfilter.nf_conntrack_acct": 1})
    host.remember()


@pytest.fixture
def server(project):
    """A project whose http_recorder.py is the server."""
    project.there("http_recorder.py").write_text(SERVER)
    return project


@pytest.fixture
def start(host, server):
    """Start two copies of the server, at host ports from one on; more options."""

    def run(*options, port=PORT):
        mapping = f"{port}+:{PORT}/udp"
        places = ("--files", "private", "-d", "copies")
        return host.start_portmux(server, *places, "-n", "2", "-p", mapping, *options, "--", "./http_recorder.py")

    return run


@pytest.fixture(scope="session")
def steps(tmp_path_factory):
    """The program that changes its mappings step by step (see steps.c)."""
    return build_steps(tmp_path_factory.mktemp("steps"))


@pytest.fixture
def run_steps(host, server, steps):
    """Start two copies, at host ports from 5000 on; each SIGUSR1 does one of the steps, lists of changes."""
    shutil.copy(steps, server.there("uva_container"))

    def run(*changes):
        arguments = [word for step in changes for word in (*step, "/")]
        return host.start_manager(server, *arguments).wait_ready()

    return run


def end_copy(host, number):
    """Have a copy end by itself."""
    with host.inside(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender:
        sender.sendto(b"end", ("127.0.0.1", PORT + number - 1))


def entries(host):
    """Return what each of UDP's conntrack entries has counted, by its client's port and the host port."""
    found = {}
    for family in ("ipv4", "ipv6"):
        text = host.run(["conntrack", "-L", "-f", family, "-p", "udp"]).stdout
        for entry in re.finditer(r"^[^\[]*? sport=(\d+) dport=(\d+) packets=(\d+)", text, re.MULTILINE):
            found[int(entry[1]), int(entry[2])] = int(entry[3])
    return found


def assert_kept(host, *clients):
    """Fail if the entry of a client has not seen all that the client has sent: if it is not the first one."""
    sent = [client.sent for client in clients]
    found = entries(host)
    for client, least in zip(clients, sent):
        assert found[client.source, client.port] >= least - UNDER_WAY, client


def published(host):
    """Return which ports lead to copies, as nft shows them."""
    return host.run(["nft", "list", "ruleset"]).stdout.partition("map published {")[2].partition("}\n")[0]


def bound(node, port):
    """Return a UDP server of a node, by IPv4 and IPv6."""

    def bind():
        server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind(("::", port))
        return server

    return node.inside(bind)


def received(server, source):
    """Take what a server has got; return the number of the last datagram from a client's port, 0: none."""
    last = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            data, peer = server.recvfrom(2048, socket.MSG_DONTWAIT)
            if peer[1] == source:
                last = int(data)
    return last


def wait_received(server, client):
    """Wait until a server has got what a client sends from now on."""
    sent = client.sent
    wait_until(lambda: received(server, client.source) > sent, AT_ONCE, lambda: f"arrives: {client}")


# ---- Where datagrams go ----


def test_a_client_that_sends_before_the_run_reaches_the_copy_at_once(host, tracking, start, stream):
    """Its own datagrams keep an entry alive that knows nothing of the copy."""
    clients = [stream(way) for way in WAYS]
    wait_until(lambda: len(entries(host)) == len(WAYS), AT_ONCE, "all send")
    start().wait_ready()
    ready = [client.sent for client in clients]
    for client in clients:
        client.wait_answered(by=1)
    assert [client.first() <= sent + UNDER_WAY for client, sent in zip(clients, ready)] == [True] * len(WAYS)


@SOME_WAYS
def test_it_reaches_each_next_life_of_a_copy_at_once(host, start, stream, way):
    """As soon as the new one serves, which a client tells that was not there before."""
    start("--restart", "always").wait_ready()
    client = stream(way)
    for _ in range(2):
        life = client.wait_answered()[2]
        end_copy(host, 1)
        newcomer = stream(way)
        newcomer.wait_answered(other_than=life)
        sent = client.sent
        client.wait_answered(other_than=life)
        assert client.first(other_than=life) <= sent + UNDER_WAY
        newcomer.close()


@SOME_WAYS
def test_it_reaches_the_copy_to_which_its_port_leads_now(host, tracking, run_steps, stream, way):
    """Though the old one is still there. Nothing is lost but what is under way, and nothing else changes."""
    manager = run_steps(["+6000=1"], ["-5000", "+5000=2"], ["-5000", "+5000=1"])
    manager.send(signal.SIGUSR1)
    wait_until(lambda: "udp . 6000 " in published(host), AT_ONCE, "the second port leads to copy 1")
    client, other = stream(way), stream(way, 6000)
    for copy in (1, 2):
        client.wait_answered(by=copy)
        other.wait_answered(by=1)
        manager.send(signal.SIGUSR1)
        client.wait_answered(by=3 - copy)
        assert_kept(host, other)
    for one in (client, other):
        assert one.lost() <= UNDER_WAY


def test_without_a_mapping_a_client_is_refused_at_once(host, tracking, run_steps, stream):
    """Its flow does not go on to the copy, which lives; its TCP connection does, and so does the other port."""
    manager = run_steps(["+6000=1"], ["-5000"])
    manager.send(signal.SIGUSR1)
    wait_until(lambda: "udp . 6000 " in published(host), AT_ONCE, "the second port leads to copy 1")
    clients = [stream(way) for way in WAYS]
    others = [stream(way, 6000) for way in WAYS]
    for one in clients + others:
        one.wait_answered(by=1)
    with host.client.connect("198.51.100.1", PORT) as connection:
        manager.send(signal.SIGUSR1)
        for one in clients:
            one.wait_refused()
        answered = [len(one.answers) for one in clients]
        for one in others:
            one.wait_answered(by=1)
        assert [len(one.answers) for one in clients] == answered
        assert_kept(host, *others)
        connection.sendall(b"still")
        assert connection.recv(100).startswith(b"1 ")
    assert [one.lost() for one in others] == [0] * len(WAYS)
    with bound(host, PORT) as server:
        for one in clients:
            wait_received(server, one)


@SOME_WAYS
def test_a_copy_that_does_not_listen_refuses_and_is_found_again_at_once(host, tracking, start, server, stream, way):
    """Both a client that was there before, and one that has only been refused."""
    server.place(1, "deaf", "")
    start()
    wait_until(lambda: "udp . 5000" in host.run(["nft", "list", "ruleset"]).stdout, AT_ONCE, "the port is ours")
    first = stream(way)
    first.wait_refused()
    assert entries(host) == {}
    (server.files(1) / "deaf").unlink()
    first.wait_answered(by=1)
    server.place(1, "deaf", "")
    first.wait_refused()
    wait_until(lambda: published(host).count("udp .") == 1, AT_ONCE, "the port leads nowhere")
    second = stream(way)
    second.wait_refused()
    assert (second.source, PORT) not in entries(host)
    (server.files(1) / "deaf").unlink()
    for one in (first, second):
        one.wait_answered(by=1)


def test_a_client_reaches_what_the_host_serves_after_the_run(host, start, stream):
    """No entry of the run is left that leads it to a copy that is no more."""
    manager = start().wait_ready()
    clients = [stream(way) for way in WAYS]
    for client in clients:
        client.wait_answered(by=1)
    assert manager.stop() == 0
    with bound(host, PORT) as server:
        for client in clients:
            wait_received(server, client)


# ---- Whom it does not concern ----


@pytest.mark.host(sysctls={**bridge_netfilter(0), "net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1})
def test_no_other_flow_is_touched(host, tracking, start, stream, tmp_path):
    """By the start, a copy's end, its next life, and the stop; not even of the same port."""
    far = host.add_lan("lan1", "203.0.113.{}/24", "2001:db8:2::{}/64")
    host.remember()
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(bound(node, port)) for node, port in ((host, 7000), (far, PORT))]
        streams = [
            stream("203.0.113.2", node=host.client),  # forwarded to the same port of another machine
            stream("2001:db8:2::2", node=host.client),
            stream("203.0.113.2", node=host),  # the host's own, to there
            stream("198.51.100.1", 7000),  # to another server of the host
            stream("127.0.0.1", 7000, node=host),
        ]
        others = host.project(tmp_path / "others")
        others.there("http_recorder.py").write_text(SERVER)
        mapping = f"6000+:{PORT}/udp"
        run = host.start_portmux(
            others, "--files", "private", "-d", "copies", "-p", mapping, "--name", "other", "--", "./http_recorder.py"
        ).wait_ready()
        streams += [stream(way, 6000) for way in ("localhost", "LAN", "LAN-IPv6")]
        for one in streams[:5]:
            wait_until(lambda one=one: any(received(s, one.source) for s in servers), AT_ONCE, "it arrives")
        for one in streams[5:]:
            one.wait_answered()
        assert_kept(host, *streams)
        manager = start("--restart", "always").wait_ready()
        ours = stream("LAN")
        life = ours.wait_answered(by=1)[2]
        end_copy(host, 1)
        ours.wait_answered(by=1, other_than=life)
        assert_kept(host, *streams)
        assert manager.stop() == 0
        assert_kept(host, *streams)
        assert run.stop() == 0


def test_of_a_port_at_one_address_only_the_flows_to_it_are_touched(host, tracking, server, stream):
    """Another program of the host has the same port at another address, and keeps its client."""
    places = ("--files", "private", "-d", "copies")
    with host.inside(lambda: bound_to("127.0.0.2")) as another:
        clients = [stream("localhost"), stream("another-loopback-address")]
        wait_received(another, clients[1])
        manager = host.start_portmux(server, *places, "-p", "127.0.0.1:5000:5000/udp", "--", "./http_recorder.py")
        manager.wait_ready()
        ready = clients[0].sent
        clients[0].wait_answered(by=1)
        assert clients[0].first() <= ready + UNDER_WAY
        assert manager.stop() == 0
        assert_kept(host, clients[1])
        wait_received(another, clients[1])


# ---- Who answers ----


def test_the_answer_comes_from_the_address_that_was_called(start, stream):
    """Each of many clients gets its own answers, and no other; each port leads to its copy."""
    start().wait_ready()
    clients = [(copy, stream(way, PORT + copy - 1)) for copy in (1, 2) for way in (*WAYS, "localhost", "LAN")]
    for copy, client in clients:
        client.wait_answered(by=copy)
    for copy, client in clients:
        client.wait_answered(by=copy)
        assert {by for _, by, _ in client.answers} == {copy}
        assert client.lost() == 0


def test_one_client_port_can_call_two_host_ports(run_steps, host, stream):
    """Of two copies, and of the same one: then the copy sees two clients, and each gets its answers."""
    manager = run_steps(["+6000=1"])
    manager.send(signal.SIGUSR1)
    wait_until(lambda: "udp . 6000 " in published(host), AT_ONCE, "the second port leads to copy 1")
    for way in ("localhost", "LAN", "LAN-IPv6"):
        clients = [stream(way, PORT)]
        clients += [stream(way, port, source=clients[0].source) for port in (PORT + 1, 6000)]
        for copy, client in zip((1, 2, 1), clients):
            client.wait_answered(by=copy)
        assert [client.lost() for client in clients] == [0, 0, 0]


# ---- When a copy is ready ----

# A server that does what the bind of its argument says, and answers.
BOUND_SERVER = """#!/usr/bin/python3
import socket, sys
how = {bind!r}
family = socket.AF_INET6 if ":" in how else socket.AF_INET
server = socket.socket(family, socket.SOCK_DGRAM)
if how == "eth0":
    server.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
    how = "0.0.0.0"
if how == "own":
    with socket.socket(family, socket.SOCK_DGRAM) as asker:
        asker.connect(("198.51.100.1", 9))
        how = asker.getsockname()[0]
if family == socket.AF_INET6:
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, {only})
server.bind((how, 5000))
while True:
    data, peer = server.recvfrom(2048)
    server.sendto(b"1 life " + data, peer)
"""


@pytest.mark.parametrize(
    "bind, only, ways, refused",
    [
        ("0.0.0.0", 0, ("localhost", "LAN"), ("localhost-IPv6", "LAN-IPv6")),
        ("own", 0, ("localhost", "LAN"), ("localhost-IPv6", "LAN-IPv6")),
        ("::", 0, ("localhost", "LAN", "localhost-IPv6", "LAN-IPv6"), ()),
        ("::", 1, ("localhost-IPv6", "LAN-IPv6"), ("localhost", "LAN")),
        ("eth0", 0, ("localhost", "LAN"), ("localhost-IPv6", "LAN-IPv6")),
    ],
    ids=["IPv4", "its-own-address", "both", "IPv6", "its-link"],
)
def test_a_copy_is_ready_as_soon_as_its_socket_is_bound(start, server, stream, bind, only, ways, refused):
    """By whatever address that others reach; over the other family it refuses."""
    server.there("http_recorder.py").write_text(BOUND_SERVER.format(bind=bind, only=only))
    start().wait_ready(AT_ONCE)
    for way in ways:
        stream(way).wait_answered(by=1)
    for way in refused:
        stream(way).wait_refused()


def test_a_copy_that_is_bound_to_localhost_is_not_ready(host, start, server, stream):
    """Nobody reaches it: clients are refused, also after a time in which it would have been found."""
    text = BOUND_SERVER.format(bind="127.0.0.1", only=0).replace("while True", 'print("bound", flush=True)\nwhile True')
    server.there("http_recorder.py").write_text(text)
    start().out.wait_for(r"copy 1 \| bound", AT_ONCE)
    client = stream("LAN")
    wait_until(lambda: client.sent > 20, AT_ONCE, "it sends")
    assert client.refused
    assert client.answers == []
    assert "udp ." not in published(host)


# ---- Who has the port ----


def test_the_port_is_taken_as_long_as_the_run_lives(host, start):
    """For UDP, by all addresses; TCP's port of the same number is free."""
    manager = start().wait_ready()
    for address in ("0.0.0.0", "127.0.0.1", "198.51.100.1", "::", "::1"):
        with pytest.raises(OSError, match="Address already in use"):
            host.inside(lambda address=address: bound_to(address))
    host.listen("127.0.0.1", PORT).close()
    assert manager.stop() == 0
    bound(host, PORT).close()


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1", "::1"])
def test_a_port_that_is_taken_is_named(host, start, address):
    """At the start, with who has it; nothing is done."""
    with host.inside(lambda: bound_to(address)):
        manager = start()
        assert manager.wait(AT_ONCE) == 1
    assert re.fullmatch(rf"portmux: UDP port {PORT} is in use( by .*)?: stop that program first", manager.err.lines[0])


def bound_to(address):
    """Return a UDP socket here that is bound to the port at an address."""
    server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, PORT))
    return server
