# SPDX-License-Identifier: GPL-2.0-or-later
"""Who was refused because it came early is not refused for it later."""

import socket

from harness import wait_until

HAS_TABLE = ["nft", "list", "table", "inet", "uva_container"]


def call(host, source_port):
    """Connect to copy 1 from this source port of the host; return whether that was refused."""

    def body():
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            client.settimeout(2.0)
            client.bind(("127.0.0.1", source_port))
            return client.connect_ex(("127.0.0.1", 8081)) != 0

    return host.inside(body)


def test_the_same_source_port_gets_through_as_soon_as_the_copy_listens(host, stand_in):
    """A refusal leaves no conntrack entry: one without a translation would be used again by the next call."""
    manager = host.start_manager(stand_in)
    wait_until(lambda: host.run(HAS_TABLE, check=False).returncode == 0, 5, "there are rules")
    refused = [port for port in range(20000, 20010) if call(host, port)]
    manager.wait_ready()
    assert refused, "then the copy was too fast for this to be a test"
    assert not [port for port in refused if call(host, port)]
    assert manager.stop() == 0
