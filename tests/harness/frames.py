# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets that no well-behaved neighbour sends, and what of them arrives: TCP SYNs made by hand."""

import ipaddress
import select
import socket
import struct
import time
from typing import NamedTuple

ETH_P_ALL = 3
ETH_P_IP = 0x0800
ETH_P_IPV6 = 0x86DD
SYN, RST, SYN_ACK = 0x02, 0x04, 0x12


class Segment(NamedTuple):
    """A TCP segment's addresses, ports and flags."""

    source: str
    destination: str
    source_port: int
    destination_port: int
    flags: int


def _checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def syn(source, destination, source_port, destination_port, flags=SYN):
    """Return an IP packet that asks for a TCP connection, with any addresses; or one with other flags."""
    addresses = [ipaddress.ip_address(address) for address in (source, destination)]
    both = b"".join(address.packed for address in addresses)
    tcp = bytearray(struct.pack("!HHIIBBHHH", source_port, destination_port, 1, 0, 5 << 4, flags, 8192, 0, 0))
    tcp[16:18] = struct.pack("!H", _checksum(both + struct.pack("!II", socket.IPPROTO_TCP, len(tcp)) + tcp))
    if addresses[0].version == 6:
        return struct.pack("!IHBB", 6 << 28, len(tcp), socket.IPPROTO_TCP, 64) + both + bytes(tcp)
    head = bytearray(struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, socket.IPPROTO_TCP, 0) + both)
    head[10:12] = struct.pack("!H", _checksum(bytes(head)))
    return bytes(head + tcp)


def parse(packet):
    """Return the TCP segment in an IP packet, or None."""
    if packet[0] >> 4 == 4 and packet[9] == socket.IPPROTO_TCP:
        addresses, tcp = (packet[12:16], packet[16:20]), packet[(packet[0] & 15) * 4 :]
    elif packet[0] >> 4 == 6 and packet[6] == socket.IPPROTO_TCP:
        addresses, tcp = (packet[8:24], packet[24:40]), packet[40:]
    else:
        return None
    ports = struct.unpack("!HH", tcp[:4])
    return Segment(*(str(ipaddress.ip_address(address)) for address in addresses), *ports, tcp[13])


class Tap:
    """A node's link, below IP: sends any packet to a neighbour, and sees all that come and go."""

    def __init__(self, node, link="eth0"):
        """Begin to listen."""
        self._link = link
        self._socket = node.inside(lambda: self._open(link))

    @staticmethod
    def _open(link):
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        tap.bind((link, ETH_P_ALL))
        return tap

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, packet, mac):
        """Send an IP packet to the neighbour with that MAC address."""
        protocol = ETH_P_IPV6 if packet[0] >> 4 == 6 else ETH_P_IP
        self._socket.sendto(packet, (self._link, protocol, 0, 0, bytes.fromhex(mac.replace(":", ""))))

    def until(self, condition, deadline=2.0):
        """Return the TCP segments seen up to the first for which the condition holds."""
        seen = []
        end = time.monotonic() + deadline
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        while poll.poll(max(0.0, end - time.monotonic()) * 1000):
            segment = parse(self._socket.recv(1 << 16).ljust(54, b"\0"))
            if segment:
                seen.append(segment)
            if segment and condition(segment):
                return seen
        raise AssertionError(f"not seen within {deadline} s on {self._link}; seen: {seen}")
