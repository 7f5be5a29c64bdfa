# SPDX-License-Identifier: GPL-2.0-or-later
"""From the LAN: the copies see who calls; only the links that need it forward, and only while we run."""

import signal

import pytest
from harness import SILENT, Scene, ask, outcomes, wait_until

COPIES = (1, 2)
AT_ONCE = 2.0
CLIENTS = [("198.51.100.1", "198.51.100.2"), ("2001:db8:1::1", "2001:db8:1::2")]  # whom it calls, who it is
LAN2 = ("203.0.113.{}/24", "2001:db8:2::{}/64")
FORWARDING = {
    4: "net.ipv4.conf.{}.forwarding",
    6: "net.ipv6.conf.{}.force_forwarding",
}


def forwards(host, link, version):
    """Whether a link of the host forwards, of itself."""
    return host.sysctl(FORWARDING[version].format(link)) == "1"


def assert_forwarding(host, on, *, links=("lan0",)):
    """Whether links forward; the host as a whole does not in any case."""
    for link in links:
        assert [forwards(host, link, version) for version in (4, 6)] == [on, on]
    assert host.sysctl("net.ipv4.ip_forward") == "0"
    for name in ("all", "default", "lo"):
        assert [forwards(host, name, version) for version in (4, 6)] == [False, False]
        assert host.sysctl(f"net.ipv6.conf.{name}.forwarding") == "0"


def assert_lan_reaches_both(client, *host_addresses):
    """Both ports by each address of the host."""
    for address in host_addresses:
        assert [ask(client, address, 8080 + number).copy for number in COPIES] == list(COPIES)


def wait_for_forwarding(host, link, on=True):
    """Wait until a link forwards both families, or neither."""
    wait_until(
        lambda: [forwards(host, link, version) for version in (4, 6)] == [on, on], AT_ONCE, f"{link} forwards: {on}"
    )


@pytest.mark.parametrize("host_address, client_address", CLIENTS)
def test_a_copy_sees_the_clients_real_address(shared_scene, host_address, client_address):
    """And its real port: nothing is translated on the way but the destination."""
    for number in COPIES:
        source = (client_address, 40000 + number)
        answer = ask(shared_scene.client, host_address, 8080 + number, source=source)
        assert (answer.copy, answer.peer, answer.port) == (number, *source)


def test_the_lan_by_other_addresses_of_the_host(shared_scene):
    """The host answers by every address of the LAN's side, not by those of the copies' network."""
    gateway = shared_scene.bridge_addresses()[0]
    assert outcomes(shared_scene.client, [(gateway, 8081), (gateway, 8082)]) == [SILENT, SILENT]
    assert ask(shared_scene.client, "198.51.100.1", 8081).copy == 1


def test_the_host_as_a_whole_forwards_nothing(shared_scene):
    """ip_forward and all.forwarding are as they were; the uplink and the bridge forward, nothing else."""
    assert_forwarding(shared_scene.host, True, links=("lan0", shared_scene.bridge))
    assert shared_scene.host.sysctl("net.ipv6.conf.lan0.forwarding") == "0"


def test_a_link_without_an_address_is_not_touched(host, reporters):
    """Nothing can come in by it."""
    host.run(["ip", "link", "add", "idle0", "up", "type", "bridge"])
    host.run(["sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/idle0/disable_ipv6"])
    host.remember()
    Scene(host, reporters)
    assert not forwards(host, "idle0", 4)
    assert not forwards(host, "idle0", 6)
    assert_forwarding(host, True)


def test_a_link_with_one_family_is_touched_for_that_alone(host, reporters):
    """IPv4 and IPv6 are switched on apart from each other."""
    host.run(["ip", "addr", "flush", "dev", "lan0", "scope", "global"])
    host.run(["ip", "addr", "add", "198.51.100.1/24", "dev", "lan0"])
    host.remember()
    Scene(host, reporters)
    assert forwards(host, "lan0", 4)
    assert not forwards(host, "lan0", 6)
    assert_lan_reaches_both(host.client, "198.51.100.1")


def test_after_a_stop_nothing_forwards(host, scene):
    """Restored by the program itself, not by the test's end."""
    assert_forwarding(host, True)
    assert scene.manager.stop() == 0
    assert_forwarding(host, False)


def test_after_a_kill_of_the_manager_nothing_forwards(host, scene):
    """The guardian restores it."""
    assert_forwarding(host, True)
    scene.manager.stop(signal.SIGKILL)
    wait_for_forwarding(host, "lan0", False)
    host.assert_as_before()


def test_after_a_kill_of_all_the_next_start_and_stop_restore(host, scene):
    """Manager and guardian at once: the next run finds forwarding on, and knows that it was ours."""
    scene.manager.kill_all()
    assert forwards(host, "lan0", 4)
    scene.manager = host.start_manager(scene.project).wait_ready()
    assert_lan_reaches_both(host.client, "198.51.100.1", "2001:db8:1::1")
    assert scene.manager.stop() == 0
    assert_forwarding(host, False)


def test_an_uplink_that_forwarded_before_still_does(host, reporters):
    """An administrator's own setting is neither taken over nor undone."""
    host.set_sysctls({FORWARDING[version].format("lan0"): 1 for version in (4, 6)})
    host.remember()
    scene = Scene(host, reporters)
    assert_lan_reaches_both(host.client, "198.51.100.1", "2001:db8:1::1")
    assert scene.manager.stop() == 0
    assert_forwarding(host, True)


def remove_link(host, link):
    """Delete a link that came during the run, so that the host is as it was before."""
    host.run(["ip", "link", "del", link])


def test_an_uplink_that_appears_later(host, scene):
    """A second network, attached during the run: its clients reach the copies; afterwards it is as it was."""
    client = host.add_lan("lan1", *LAN2)
    wait_for_forwarding(host, "lan1")
    assert_lan_reaches_both(client, "203.0.113.1", "2001:db8:2::1")
    assert ask(client, "203.0.113.1", 8081).peer == "203.0.113.2"
    assert scene.manager.stop() == 0
    assert_forwarding(host, False, links=("lan0", "lan1"))
    remove_link(host, "lan1")


def test_an_uplink_that_gets_its_address_later(host, reporters):
    """As by DHCP: the link is there from the start, each family's address comes during the run."""
    client = host.add_lan("lan1", *LAN2)
    host.run(["ip", "addr", "flush", "dev", "lan1", "scope", "global"])
    host.remember()
    scene = Scene(host, reporters)
    assert not forwards(host, "lan1", 4)
    assert not forwards(host, "lan1", 6)
    host.run(["ip", "addr", "add", "203.0.113.1/24", "dev", "lan1"])
    wait_until(lambda: forwards(host, "lan1", 4), AT_ONCE, "lan1 forwards IPv4")
    assert not forwards(host, "lan1", 6)
    assert_lan_reaches_both(client, "203.0.113.1")
    host.run(["ip", "addr", "add", "2001:db8:2::1/64", "dev", "lan1", "nodad"])
    wait_until(lambda: forwards(host, "lan1", 6), AT_ONCE, "lan1 forwards IPv6")
    assert_lan_reaches_both(client, "2001:db8:2::1")
    assert scene.manager.stop() == 0
    assert_forwarding(host, False, links=("lan0", "lan1"))
    host.run(["ip", "addr", "flush", "dev", "lan1", "scope", "global"])


def test_an_address_that_is_added_later_to_an_uplink(host, scene):
    """A second address of a link that is on already."""
    host.run(["ip", "addr", "add", "198.51.100.77/24", "dev", "lan0"])
    assert_lan_reaches_both(host.client, "198.51.100.77", "198.51.100.1")
    host.run(["ip", "addr", "del", "198.51.100.77/24", "dev", "lan0"])
    assert scene.manager.stop() == 0


def test_an_uplink_that_disappears(host, reporters):
    """A network that is taken away during the run is no reason to complain at the end."""
    host.add_lan("lan1", *LAN2)
    scene = Scene(host, reporters)
    host.run(["ip", "link", "del", "lan1"])
    assert_lan_reaches_both(host.client, "198.51.100.1")
    assert scene.manager.stop() == 0
    assert scene.manager.err.lines == []
    host.remember()
    assert_forwarding(host, False)


def test_two_runs_share_an_uplink(host, scene, neighbours):
    """The first to stop leaves forwarding on for the other, the last switches it off."""
    other = Scene(host, neighbours, "9081", "1", bridge="uva1")
    assert scene.manager.stop() == 0
    assert_forwarding(host, True)
    for address in ("198.51.100.1", "2001:db8:1::1"):
        assert ask(host.client, address, 9081).copy == 1
    assert other.manager.stop() == 0
    assert_forwarding(host, False)


def test_rebinding_within_2_msl(host, scene):
    """The client's source port is used again at once after a restart: no old conntrack entry is in the way."""

    def assert_reached_from_port_40404():
        for address, client_address in CLIENTS:
            assert ask(host.client, address, 8081, source=(client_address, 40404)).port == 40404
        assert ask(host, "127.0.0.1", 8081, source=("127.0.0.1", 40404)).copy == 1

    assert_reached_from_port_40404()
    scene.restart()
    assert_reached_from_port_40404()
