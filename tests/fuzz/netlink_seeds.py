# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel really answers, for fuzz_netlink.c to begin with.

usage: netlink_seeds.py DIRECTORY

To be run in a network namespace of its own: it makes links and rules there.
"""

import socket
import struct
import subprocess
import sys
from pathlib import Path

REQUEST_ACK, REQUEST_DUMP = 0x5, 0x301
NLMSG_ERROR, NLMSG_DONE = 2, 3
NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_NETFILTER = 0, 4, 12
RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE, RTM_GETRULE = 18, 22, 26, 34
RTA_DST = 1
SOCK_DIAG_BY_FAMILY = 20
CT_GET = 0x101

SETTING = """
ip link set lo up
ip link add uva0 type bridge
ip link add one type veth peer name two
ip link set one master uva0
ip addr add 10.90.0.1/24 dev uva0
ip link set uva0 up; ip link set one up; ip link set two up
ip route add default via 10.90.0.2
ip rule add from 10.1.0.0/16 lookup 7
nft 'add table inet tracker
add chain inet tracker outgoing { type nat hook output priority -100; }
add rule inet tracker outgoing udp dport 5000 ip daddr 10.90.0.1 dnat to 10.90.0.4:5000'
"""


def is_end(answer):
    """Whether its last message is the end of all, or an error."""
    at = 0
    while at + 16 <= len(answer):
        length, kind = struct.unpack_from("=IH", answer, at)
        if kind in (NLMSG_ERROR, NLMSG_DONE):
            return True
        at += (length + 3) // 4 * 4
    return False


def dump(bus, kind, payload=bytes(16), flags=REQUEST_DUMP):
    """Return the answers to a request for all objects of a kind, or with other flags for one."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, bus) as channel:
        channel.sendall(struct.pack("=IHHII", 16 + len(payload), kind, flags, 1, 0) + payload)
        answers = []
        while not (answers and is_end(answers[-1])):
            answers.append(channel.recv(32768))
        return answers


def main(directory):
    """Write a file for each who asks; their numbers are those of ask()."""
    subprocess.run(["sh", "-ec", SETTING], check=True)
    listener = socket.create_server(("127.0.0.1", 8081))
    routes, addresses = dump(NETLINK_ROUTE, RTM_GETROUTE), dump(NETLINK_ROUTE, RTM_GETADDR)
    links, rules = dump(NETLINK_ROUTE, RTM_GETLINK), dump(NETLINK_ROUTE, RTM_GETRULE)
    listeners = dump(NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, struct.pack("=BBBxI48x", 2, 6, 0, 1 << 10))
    for address, port in (("127.0.0.1", 5000), ("10.90.0.1", 5000), ("10.90.0.1", 53), ("::1", 5000)):
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", (address, port))
    entries = dump(NETLINK_NETFILTER, CT_GET)
    listener.close()
    found = (routes, addresses, routes + addresses, rules, links, links, listeners, entries, links + routes)
    to_localhost = struct.pack("=BBB9xHH4s", socket.AF_INET, 32, 0, 8, RTA_DST, socket.inet_aton("127.0.0.1"))
    found += (entries[:1] + dump(NETLINK_ROUTE, RTM_GETROUTE, to_localhost, REQUEST_ACK) + entries[1:],)
    found += (links,)
    for who, answers in enumerate(found):
        parts = b"".join(struct.pack("<H", len(answer)) + answer for answer in answers)
        Path(directory, f"asks-{who}").write_bytes(bytes([who]) + parts)


main(sys.argv[1])
