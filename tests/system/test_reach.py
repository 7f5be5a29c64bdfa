# SPDX-License-Identifier: GPL-2.0-or-later
"""From which addresses the host itself reaches the copies."""

import pytest

OWN_ADDRESSES = ["localhost", "127.0.0.1", "127.1.2.3", "127.255.255.254", "198.51.100.1"]


@pytest.mark.parametrize("address", OWN_ADDRESSES)
def test_the_host_reaches_the_copies_by_its_own_ipv4_addresses(host, manager, project, address):
    """Every address of 127/8, and the address that it has on its LAN; each port is its own copy's."""
    for number in (1, 2):
        assert host.get(f"http://{address}:808{number}/from").status == 404
        assert project.log(number) == ["GET request for /from"]
    assert manager.running


def test_ipv6_loopback_is_refused_at_once(host, manager):
    """http_recorder.py listens on IPv4 only, so a browser has to fall back from [::1] without a delay."""
    for number in (1, 2):
        assert host.refuses("::1", 8080 + number)
    assert manager.running


def test_port_8080_of_the_host_stays_free(host, manager):
    """The copies' own port is theirs alone: on the host it is refused, or another server's."""
    assert host.refuses("127.0.0.1", 8080)
    with host.listen("0.0.0.0", 8080) as server:
        client = host.connect("127.0.0.1", 8080)
        server.accept()[0].close()
        client.close()
    assert host.get("http://127.0.0.1:8081/").status == 200
    assert manager.running
