# SPDX-License-Identifier: GPL-2.0-or-later
"""IPv6: as the program has it; refused at once where it has none; and hosts without it."""

import re

import pytest
from harness import OPEN, REFUSED, Scene, ask, bridge_netfilter, outcomes, outcomes_from

BOTH = (8081, 8082)
FORCE_FORWARDING = "/proc/sys/net/ipv6/conf/{}/force_forwarding"


@pytest.mark.parametrize("bridged", [0, 1])
def test_http_recorder_is_refused_at_once_over_ipv6(host, project, bridged):
    """It listens on IPv4 only: [::1] and the LAN's IPv6 are refused, so that a browser falls back without a delay."""
    host.set_sysctls(bridge_netfilter(bridged))
    host.remember()
    host.start_manager(project).wait_ready()
    for node, address in ((host, "::1"), (host, "2001:db8:1::1"), (host.client, "2001:db8:1::1")):
        assert outcomes(node, [(address, port) for port in BOTH]) == [REFUSED, REFUSED]
    assert host.get("http://127.0.0.1:8081/").status == 200
    assert host.client.get("http://198.51.100.1:8082/").status == 200


def test_a_program_for_both_families(host, reporters):
    """The positive twin: [::1] and the LAN's IPv6 lead to the copies."""
    host.set_sysctls(bridge_netfilter(0))
    host.remember()
    scene = Scene(host, reporters)
    for node, address in ((host, "::1"), (host, "2001:db8:1::1"), (host.client, "2001:db8:1::1")):
        assert [ask(node, address, port).copy for port in BOTH] == [1, 2]
    assert scene.manager.err.lines == []


@pytest.mark.parametrize("bridged", [0, 1])
def test_a_link_local_address_of_the_host_is_refused_at_once(host, reporters, bridged):
    """fe80::... of any link, from the host, the LAN and a copy: no answer could come back to it from a copy."""
    host.set_sysctls(bridge_netfilter(bridged))
    host.remember()
    second = host.add_lan("lan1", "203.0.113.{}/24", "2001:db8:2::{}/64")
    host.remember()
    scene = Scene(host, reporters)
    own = {link: link_local(host, link) for link in ("lan0", "lan1", "uva0")}
    tries = [(host, f"{address}%{link}") for link, address in own.items()]
    tries += [(host.client, f"{own['lan0']}%eth0"), (second, f"{own['lan1']}%eth0")]
    tries += [(scene.copy(number), f"{own['uva0']}%eth0") for number in (1, 2)]
    assert outcomes_from([(*place, port) for place in tries for port in BOTH]) == [REFUSED] * 14
    assert ask(host.client, "2001:db8:1::1", 8081).copy == 1


def link_local(node, link):
    """Return the link-local address of a node's link."""
    return re.search(r"inet6 (fe80\S+)/", node.run(["ip", "-6", "addr", "show", "dev", link]).stdout)[1]


def test_a_program_for_ipv6_only(host, project):
    """IPv4 is refused at once then."""
    program = project.there("http_recorder.py")
    listen = "socket.create_server(('::', 8080), family=socket.AF_INET6)"
    program.write_text(f"#!/usr/bin/python3 -I\nimport signal, socket\nserver = {listen}\nsignal.pause()\n")
    host.start_manager(project).wait_ready()
    targets = [("127.0.0.1", 8081), ("198.51.100.1", 8081), ("2001:db8:1::1", 8081)]
    assert outcomes(host, targets) == [REFUSED, REFUSED, OPEN]
    assert outcomes(host.client, targets[1:]) == [REFUSED, OPEN]


def without_ipv6(host):
    """Switch IPv6 off on the whole host."""
    host.set_sysctls({f"net.ipv6.conf.{name}.disable_ipv6": 1 for name in ("all", "default")})
    host.remember()


def test_a_host_without_ipv6(host, project):
    """Everything works over IPv4, nothing is complained of."""
    without_ipv6(host)
    manager = host.start_manager(project).wait_ready()
    for port in BOTH:
        for address in ("127.0.0.1", "127.9.9.9", "198.51.100.1"):
            assert host.get(f"http://{address}:{port}/").status == 200
        assert host.client.get(f"http://198.51.100.1:{port}/").status == 200
        assert host.enter(manager.copy_process(1)).get(f"http://198.51.100.1:{port}/").status == 200
    assert manager.stop() == 0
    assert manager.err.lines == []


def test_a_program_for_both_families_on_a_host_without_ipv6(host, reporters):
    """It has its IPv4 ports all the same."""
    without_ipv6(host)
    scene = Scene(host, reporters)
    assert ask(host, "127.0.0.1", 8081).copy == 1
    assert ask(host.client, "198.51.100.1", 8082).peer == "198.51.100.2"
    assert scene.manager.stop() == 0
    assert scene.manager.err.lines == []


def test_a_kernel_before_6_17(host, reporters):
    """It cannot forward IPv6 by single links: the LAN's IPv6 is left off and said so once, all else works."""
    strace = ["strace", "-D", "-f", "-qq", "-o", "/dev/null"]
    for name in ("all", "lan0", "uva0"):
        strace += ["-P", FORCE_FORWARDING.format(name)]
    calls = "access,faccessat,faccessat2,open,openat"
    strace += ["-e", f"trace={calls}", "-e", f"inject={calls}:error=ENOENT"]
    manager = host.start_manager(reporters, under=strace, env={"ASAN_OPTIONS": "detect_leaks=0"}).wait_ready()
    manager.err.wait_for(r"^uva_container: .*IPv6.*\b6\.17\b")
    assert len(manager.err.lines) == 1
    assert host.sysctl("net.ipv6.conf.lan0.force_forwarding") == "0"
    assert host.sysctl("net.ipv6.conf.lan0.forwarding") == "0"
    assert outcomes(host.client, [("2001:db8:1::1", 8081)]) != [OPEN]
    assert ask(host.client, "198.51.100.1", 8081).copy == 1
    assert ask(host, "2001:db8:1::1", 8082).copy == 2
    assert manager.stop() == 0


def test_the_hosts_ends_of_the_links_have_no_ipv6(host, project):
    """A port of a bridge needs none: no address and no route for each copy."""
    host.set_sysctls(bridge_netfilter(0))
    host.remember()
    host.start_manager(project).wait_ready()
    ports = re.findall(r"\d+: (uva0-\d)@", host.run(["ip", "-o", "link", "show", "master", "uva0"]).stdout)
    assert ports == ["uva0-1", "uva0-2"]
    for port in ports:
        assert host.run(["ip", "-6", "addr", "show", "dev", port]).stdout == ""
        assert host.run(["ip", "-6", "route", "show", "table", "all", "dev", port]).stdout == ""
