# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a host is a router, at any moment: packets that it would have to forward, all the time.

The LAN's client sends them, and to it they would come back; they come in by lan0, and by what a test
attaches as a second uplink.
"""

import contextlib
import socket
import threading

INTERVAL = 0.002
PORT = 9  # discard
BEYOND = {  # the network that lies behind the client, by the host's routes; destinations in it, by uplink
    "IPv4": ("203.0.113.128/25", "198.51.100.2", ("203.0.113.129", "203.0.113.130")),
    "IPv6": ("2001:db8:9::/64", "2001:db8:1::2", ("2001:db8:9::1", "2001:db8:9::2")),
}
SECOND = ("203.0.113.{}/25", "2001:db8:2::{}/64")  # a second uplink's addresses
FAMILIES = {"IPv4": (socket.AF_INET, 0x0800, slice(16, 20)), "IPv6": (socket.AF_INET6, 0x86DD, slice(24, 40))}


class Crossing:
    """The packets of one host."""

    def __init__(self, host):
        """Begin to send; the host gets routes of its own for it."""
        self._host = host
        for network, gateway, _ in BEYOND.values():
            host.run(["ip", "route", "add", network, "via", gateway])
        self._senders, self._receivers = host.client.inside(self._open)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def _open(self):
        senders, receivers = [], {}
        for name, (family, protocol, _) in FAMILIES.items():
            for address in BEYOND[name][2]:
                senders.append(socket.socket(family, socket.SOCK_DGRAM))
                senders[-1].connect((address, PORT))
            receivers[name] = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(protocol))
            receivers[name].bind(("eth0", protocol))
            receivers[name].setblocking(False)
        return senders, receivers

    def _send(self):
        while not self._over.wait(INTERVAL):
            for sender in self._senders:
                with contextlib.suppress(OSError):
                    sender.send(b"across")

    def attach(self, link="lan1"):
        """Attach a second uplink to the same client, and let half of the packets come in by it."""
        self._host.attach(self._host.client, "eth1", link, *SECOND)
        for (_, _, (_, address)), network in zip(BEYOND.values(), SECOND):
            gateway = network.format(1).split("/")[0]
            self._host.client.run(["ip", "route", "add", address, "via", gateway, "dev", "eth1"])

    @staticmethod
    def second_address(version):
        """Return the host's address on the second uplink, with its prefix."""
        return SECOND[version == 6].format(1)

    def take(self):
        """Return the families in which a packet was forwarded since this was called last."""
        return {name for name in FAMILIES if self._has_crossed(name)}

    def _has_crossed(self, name):
        family, _, place = FAMILIES[name]
        beyond = [socket.inet_pton(family, address) for address in BEYOND[name][2]]
        crossed = False
        with contextlib.suppress(BlockingIOError):
            while True:
                crossed = self._receivers[name].recv(2048)[place] in beyond or crossed
        return crossed

    def close(self):
        """End."""
        self._over.set()
        self._thread.join()
        for each in (*self._senders, *self._receivers.values()):
            each.close()
