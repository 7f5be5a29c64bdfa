# SPDX-License-Identifier: GPL-2.0-or-later
"""Ctrl-C in the middle of traffic: clients are told at once, and the next run begins with a clean table."""

import contextlib
import errno
import resource
import select
import signal
import socket
import threading
import time

import pytest
from harness import IN_USER_NAMESPACE

from .anatomy import COPIES, answers

CONNECTIONS = 10_000
AT_A_TIME = 64  # connections of one client that are under way
HELD = 4000  # connections to each copy that are held open: less than its backlog, 4096
DEADLINE = 30.0
AT_ONCE = 2.0
LAN_ADDRESS = "198.51.100.1"
REQUEST = b"GET / HTTP/1.0\r\n\r\n"

# What a client may get of a port that is being closed.
ENDS = (errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE)


@pytest.fixture(autouse=True)
def descriptors():
    """Enough of them for all the connections."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * len(COPIES) * HELD + 1000
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], wanted), max(before[1], wanted)))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


class Flood:
    """Connections of a node, one after the other, AT_A_TIME under way, each with one request."""

    def __init__(self, node, address, count):
        """Begin; they go to both copies in turn."""
        self.served = self.ended = 0
        self.stuck = []
        self._address = address
        self._left = count
        self._count = count
        self._half = threading.Event()
        self._open = {}
        self._poll = select.poll()
        self._thread = threading.Thread(target=lambda: node.inside(self._run), daemon=True)
        self._thread.start()

    def wait_for_half(self):
        """Wait until half of them are through."""
        assert self._half.wait(DEADLINE), f"{self.served} of {self._count} connections were served"

    def finish(self):
        """Wait until all are."""
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive(), f"{self.served} served, {self.ended} refused or reset, the rest hangs"
        assert self.served + self.ended == self._count, self.stuck

    def _run(self):
        while self._left or self._open:
            while self._left and len(self._open) < AT_A_TIME:
                self._begin()
            events = self._poll.poll(AT_ONCE * 1000)
            if not events:
                self.stuck = [f"{connection.getsockname()}" for connection in self._open.values()]
                return
            for descriptor, happened in events:
                self._go_on(self._open[descriptor], happened)
            if self.served + self.ended >= self._count // 2:
                self._half.set()

    def _begin(self):
        connection = socket.socket()
        connection.setblocking(False)
        self._left -= 1
        self._open[connection.fileno()] = connection
        error = connection.connect_ex((self._address, 8080 + COPIES[self._left % len(COPIES)]))
        if error == errno.EINPROGRESS:
            self._poll.register(connection, select.POLLOUT)
        else:
            assert error in ENDS, errno.errorcode[error]
            self._end(connection, registered=False)

    def _go_on(self, connection, happened):
        try:
            error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise OSError(error, errno.errorcode[error])
            if happened & select.POLLOUT:
                connection.send(REQUEST)
                self._poll.modify(connection, select.POLLIN)
                return
            self._end(connection, served=bool(connection.recv(1 << 12)))
        except OSError as failure:
            if failure.errno not in ENDS:
                raise
            self._end(connection)

    def _end(self, connection, served=False, registered=True):
        if registered:
            self._poll.unregister(connection)
        del self._open[connection.fileno()]
        connection.close()
        self.served += served
        self.ended += not served


def test_ten_thousand_connections_while_ctrl_c_arrives(host, project):
    """From the host and from the LAN: each is served, refused or reset; none hangs. The run ends at once."""
    manager = host.start_manager(project, keep="Ctrl-C").wait_ready()
    floods = [Flood(node, address, CONNECTIONS // 2) for node, address in ((host, "127.0.0.1"), (host.client, LAN_ADDRESS))]
    for flood in floods:
        flood.wait_for_half()
    assert manager.stop(deadline=AT_ONCE) == 0
    assert manager.err.lines == []
    for flood in floods:
        flood.finish()
        assert flood.ended


def test_a_flood_through_starts_and_stops(host, project):
    """Clients that never let up: the next run starts while they knock, and serves them."""
    floods = [Flood(node, address, CONNECTIONS) for node, address in ((host, "127.0.0.1"), (host.client, LAN_ADDRESS))]
    for _ in range(3):
        manager = host.start_manager(project, keep="Ctrl-C").wait_ready()
        for number in COPIES:
            assert answers(host, 8080 + number)
        assert manager.stop(deadline=AT_ONCE) == 0
        assert manager.err.lines == []
    for flood in floods:
        flood.finish()


def hold_open(node, address, count):
    """Return that many connections of a node to each copy, which say nothing."""

    def connect():
        return [socket.create_connection((address, 8080 + number), AT_ONCE) for number in COPIES for _ in range(count)]

    return node.inside(connect)


def assert_ended(connections, deadline=AT_ONCE):
    """Fail unless all of them are ended by the other side within the deadline."""
    poll = select.poll()
    waiting = {connection.fileno(): connection for connection in connections}
    for connection in connections:
        poll.register(connection, select.POLLRDHUP)
    end = time.monotonic() + deadline
    while waiting and (left := end - time.monotonic()) > 0:
        for descriptor, _ in poll.poll(left * 1000):
            poll.unregister(waiting.pop(descriptor))
    assert not waiting, f"{len(waiting)} of {len(connections)} connections have not ended"


def test_thousands_of_open_connections(host, project):
    """Accepted or still in the backlog: Ctrl-C ends them all, at once."""
    manager = host.start_manager(project).wait_ready()
    held = hold_open(host, "127.0.0.1", HELD - 500) + hold_open(host.client, LAN_ADDRESS, 500)
    manager.send(signal.SIGINT)
    assert_ended(held)
    assert manager.wait(AT_ONCE) == 0
    assert manager.err.lines == []
    for connection in held:
        connection.close()


# ---- In mid-transfer -------------------------------------------------------------------------------

END = {"Ctrl-C": signal.SIGINT, "SIGKILL": signal.SIGKILL}


def download(node, address, port):
    """Return a connection by which more and more comes."""
    connection = node.connect(address, port, AT_ONCE)
    connection.sendall(b"GET /endless HTTP/1.0\r\n\r\n")
    assert connection.recv(1 << 12).startswith(b"HTTP/1.0 200")
    return connection


def read_some(connection, wanted):
    """Read that many bytes."""
    while wanted > 0:
        data = connection.recv(wanted)
        assert data, "ended too early"
        wanted -= len(data)


def read_to_the_end(connection):
    """Read what there still is, to the end or the reset; fail if it hangs."""
    with contextlib.suppress(ConnectionResetError):
        while connection.recv(1 << 20):
            pass


@pytest.mark.parametrize("reads", [True, False], ids=["reader", "slow reader"])
@pytest.mark.parametrize("end", END)
def test_a_client_in_mid_transfer(host, project, end, reads):
    """From the host, by its own address, and from the LAN: the download ends with the run, and does not hang."""
    manager = host.start_manager(project, keep="Ctrl-C").wait_ready()
    places = ((host, "127.0.0.1"), (host, LAN_ADDRESS), (host.client, LAN_ADDRESS))
    downloads = [download(node, address, 8080 + number) for node, address in places for number in COPIES]
    for connection in downloads:
        connection.settimeout(AT_ONCE)
        if reads:
            read_some(connection, 1 << 20)
    manager.send(END[end])
    for connection in downloads:
        read_to_the_end(connection)
    assert manager.wait(AT_ONCE) == (0 if end == "Ctrl-C" else -signal.SIGKILL)
    for connection in downloads:
        connection.close()


@pytest.mark.parametrize("end", END)
def test_the_same_source_port_in_the_next_run(host, project, end):
    """A client that was cut off, or was done, comes again from the same port: its first connection works."""
    places = ((host, "127.0.0.1"), (host, LAN_ADDRESS), (host.client, LAN_ADDRESS))
    manager = host.start_manager(project, keep="Ctrl-C").wait_ready()
    sources = []
    for node, address in places:
        for number in COPIES:
            for path in ("/endless", "/"):
                connection = node.connect(address, 8080 + number, AT_ONCE)
                sources.append((node, (address, 8080 + number), connection.getsockname(), connection))
                connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
                assert connection.recv(1 << 12)
    manager.send(END[end])
    for *_, connection in sources:
        read_to_the_end(connection)
        connection.close()
    manager.wait(AT_ONCE)
    manager = host.start_manager(project, keep="Ctrl-C").wait_ready()
    for node, target, source, _ in sources:
        assert ask_from(node, source, target).startswith(b"HTTP/1.0 200")
    assert manager.stop(deadline=AT_ONCE) == 0


def ask_from(node, source, target):
    """Return the answer to a request from that very address and port."""

    def connect():
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        connection.settimeout(AT_ONCE)
        connection.bind(source)
        connection.connect(target)
        return connection

    with node.inside(connect) as connection:
        connection.sendall(REQUEST)
        return connection.recv(1 << 12)


def test_more_than_fits_into_a_socket(host, neighbour):
    """What many copies add up to goes to the kernel in pieces; not everybody may enlarge a socket's buffer."""
    copies = 400
    manager = host.start_manager(neighbour("many"), 9001, copies, under=IN_USER_NAMESPACE).wait_ready(DEADLINE)
    inside = host.enter(manager.pid)
    assert answers(inside, 9001) and answers(inside, 9000 + copies)
    assert manager.stop(deadline=DEADLINE) == 0
    assert manager.err.lines == []
