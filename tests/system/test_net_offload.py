# SPDX-License-Identifier: GPL-2.0-or-later
"""Large receive offload, which the kernel turns off for good where it forwards, is as before when we have gone.

No link here can do it. But a macvlan keeps the wish for it, which is what the kernel forgets.
"""

import pytest
from harness import Scene, wait_until

AT_ONCE = 2.0


@pytest.fixture
def uplink(host):
    """A link of the host that has an address, and on which somebody has turned LRO on; its name."""
    host.run(
        [
            "sh",
            "-ec",
            """
            ip link add link lan0 name wan0 type macvlan
            echo 0 >/proc/sys/net/ipv6/conf/wan0/accept_dad
            ip link set wan0 up
            ip addr add 203.0.113.1/24 dev wan0
            """,
        ]
    )
    host.run(["ethtool", "-K", "wan0", "lro", "on"], check=False)  # it says that this is only a wish
    assert wants_lro(host)
    wait_until(lambda: "fe80" in host.run(["ip", "addr", "show", "dev", "wan0"]).stdout, AT_ONCE, "wan0 is up")
    host.remember()
    return "wan0"


def wants_lro(host):
    """Whether LRO is wanted on the link."""
    (line,) = [line for line in host.run(["ethtool", "-k", "wan0"]).stdout.splitlines() if "large-receive" in line]
    return "requested on" in line


def test_it_is_turned_on_again(host, uplink, reporters):
    """At the stop."""
    scene = Scene(host, reporters)
    assert not wants_lro(host)
    assert scene.manager.stop() == 0
    assert wants_lro(host)
    assert uplink


def test_a_manager_that_is_killed(host, uplink, reporters):
    """Its guardian does it."""
    scene = Scene(host, reporters)
    scene.manager.send(9)
    scene.manager.wait()
    wait_until(lambda: wants_lro(host), AT_ONCE, "LRO is wanted again")
    assert uplink


def test_a_link_that_is_no_uplink_any_more(host, uplink, reporters):
    """At the stop, too: until then, what is stacked on the link may forward."""
    scene = Scene(host, reporters)
    host.run(["ip", "addr", "flush", "dev", uplink, "scope", "global"])
    wait_until(lambda: host.sysctl(f"net.ipv4.conf.{uplink}.forwarding") == "0", AT_ONCE, "it forwards no more")
    assert not wants_lro(host)
    host.run(["ip", "addr", "add", "203.0.113.1/24", "dev", uplink])
    wait_until(lambda: host.sysctl(f"net.ipv4.conf.{uplink}.forwarding") == "1", AT_ONCE, "it forwards again")
    assert scene.manager.stop() == 0
    assert wants_lro(host)


def test_it_stays_off_on_a_router(host, uplink, reporters):
    """Where somebody else makes the host a router, it must not be on."""
    scene = Scene(host, reporters)
    host.set_sysctls({"net.ipv4.ip_forward": 1})
    assert scene.manager.stop() == 0
    assert not wants_lro(host)
    host.set_sysctls({"net.ipv4.ip_forward": 0})
    assert uplink


def test_two_runs(host, uplink, reporters, neighbours):
    """The last one that ends turns it on, also if it came second."""
    first = Scene(host, reporters)
    second = host.start_manager(neighbours, "9001", "1").wait_ready()
    assert first.manager.stop() == 0
    assert not wants_lro(host)
    assert second.stop() == 0
    assert wants_lro(host)
    assert uplink
