# SPDX-License-Identifier: GPL-2.0-or-later
"""How a run is stopped. That the host is as it was afterwards, the host fixture checks in every test."""

import signal
import time

import pytest

GRACE = 5.0
AT_ONCE = 2.0


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_stops_it(host, manager, name):
    """Each of the three, after requests to both copies: exit code 0, nothing on stderr."""
    for number in (1, 2):
        assert host.get(f"http://localhost:808{number}/").status == 200
    assert manager.stop(signal.Signals[name], AT_ONCE) == 0
    assert manager.err.lines == []
    for number in (1, 2):
        assert host.refuses("127.0.0.1", 8080 + number)


def test_ctrl_c_on_a_terminal_stops_it(host, project):
    """As typed; no copy tells of an interrupt."""
    manager = host.start_manager(project, terminal=True).wait_ready()
    host.get("http://localhost:8081/")
    manager.type("\x03")
    assert manager.wait(AT_ONCE) == 0
    assert not [line for line in manager.out.lines if "KeyboardInterrupt" in line or "Traceback" in line]


def test_ctrl_c_on_a_terminal_reaches_the_manager_alone(host, stand_in):
    """The copies are not in the terminal's session: what they get is the manager's SIGTERM."""
    for number in (1, 2):
        stand_in.place(number, "behaviour", "ignore-signals")
    manager = host.start_manager(stand_in, terminal=True).wait_ready()
    manager.type("\x03")
    for number in (1, 2):
        manager.out.wait_for(rf"copy {number} \|.* SIGTERM ignored")
    manager.type("\x03")
    assert manager.wait(AT_ONCE) == 0
    for number in (1, 2):
        assert manager.said(number) == ["started", "SIGTERM ignored"]


def test_a_terminal_that_is_closed_stops_it(host, project):
    """The session's end is a SIGHUP, and nobody is there to write to any more."""
    manager = host.start_manager(project, terminal=True).wait_ready()
    manager.hang_up()
    assert manager.wait(AT_ONCE) in (0, 1)


def test_open_connections_do_not_hold_it_up(host, manager):
    """Clients that are connected and say nothing: it stops at once all the same."""
    connections = [host.connect(address, 8080 + number) for number in (1, 2) for address in ("127.0.0.1", "127.9.9.9")]
    assert manager.stop(deadline=AT_ONCE) == 0
    for connection in connections:
        connection.close()


def test_a_copy_that_ignores_sigterm_is_killed_after_a_grace_period(host, stand_in):
    """It gets its time, and then its end."""
    stand_in.place(1, "behaviour", "ignore-signals")
    manager = host.start_manager(stand_in).wait_ready()
    begin = time.monotonic()
    assert manager.stop(deadline=GRACE + 3) == 0
    assert time.monotonic() - begin > 1.0
    assert "SIGTERM ignored" in manager.said(1)


@pytest.mark.parametrize("by_terminal", [False, True])
def test_a_second_ctrl_c_skips_the_grace_period(host, stand_in, by_terminal):
    """The first is under way, a copy ignores it; the second ends it at once."""
    for number in (1, 2):
        stand_in.place(number, "behaviour", "ignore-signals")
    manager = host.start_manager(stand_in, terminal=by_terminal).wait_ready()
    press = (lambda: manager.type("\x03")) if by_terminal else (lambda: manager.send(signal.SIGINT))
    press()
    manager.out.wait_for(r"SIGTERM ignored")
    press()
    assert manager.wait(AT_ONCE) == 0


@pytest.mark.parametrize("pair", [("SIGTERM", "SIGHUP"), ("SIGHUP", "SIGTERM"), ("SIGINT", "SIGTERM")], ids="-".join)
def test_two_signals_together_are_one_request(host, stand_in, pair):
    """As systemd sends them: the copies have their time. The same signal later ends them at once."""
    for number in (1, 2):
        stand_in.place(number, "behaviour", "ignore-signals")
    manager = host.start_manager(stand_in).wait_ready()
    for name in pair:
        manager.send(signal.Signals[name])
    manager.err.wait_for(r"waiting up to \d s for the copies to end")
    assert manager.stop(signal.Signals[pair[0]], AT_ONCE) == 0
    assert [manager.said(number)[-1] for number in (1, 2)] == ["SIGTERM ignored"] * 2


def test_a_signal_that_comes_twice_in_a_moment_is_one_request(host, stand_in):
    """As where a wrapper passes on what has reached us anyway."""
    stand_in.place(1, "behaviour", "ignore-signals")
    manager = host.start_manager(stand_in).wait_ready()
    manager.send(signal.SIGTERM)
    manager.out.wait_for(r"SIGTERM ignored")
    manager.send(signal.SIGTERM)
    manager.err.wait_for(r"waiting up to \d s for the copies to end")
    assert manager.stop(signal.SIGTERM, AT_ONCE) == 0


def test_ctrl_c_ends_at_once_what_another_signal_has_begun(host, stand_in):
    """Once it has been said that it does."""
    stand_in.place(1, "behaviour", "ignore-signals")
    manager = host.start_manager(stand_in).wait_ready()
    manager.send(signal.SIGTERM)
    manager.err.wait_for(r"Ctrl-C ends them at once")
    assert manager.stop(signal.SIGINT, AT_ONCE) == 0


@pytest.mark.parametrize("setting", ["--ignore-signal=CHLD", "--ignore-signal=INT", "--block-signal=INT"])
def test_signal_settings_of_its_caller_do_not_matter(host, project, setting):
    """A caller that ignores or blocks signals hands that down: it stops at SIGINT, at once, all the same."""
    manager = host.start_manager(project, under=["env", setting]).wait_ready()
    assert manager.stop(deadline=AT_ONCE) == 0
    assert manager.err.lines == []


def test_it_can_be_stopped_before_the_copies_listen(host, stand_in):
    """While it waits for them, Ctrl-C works as ever."""
    for number in (1, 2):
        stand_in.place(number, "behaviour", "never-listen")
    manager = host.start_manager(stand_in)
    for number in (1, 2):
        manager.out.wait_for(rf"^copy {number} \| started$")
    assert manager.stop(deadline=AT_ONCE) == 0
    assert not [line for line in manager.out.lines if "http://" in line]


def test_what_a_copy_has_started_ends_with_it(host, stand_in):
    """A process in a session of its own, whose parent is gone, is no exception."""
    manager = host.start_manager(stand_in).wait_ready()
    host.get("http://127.0.0.1:8081/child")
    manager.out.wait_for(r"^copy 1 \| child started$")
    assert manager.stop(deadline=AT_ONCE) == 0


def test_twenty_runs_in_a_row(host, project):
    """Start, one request to each copy, stop, at once again: ports, links and connections do not get in the way."""
    for run in range(20):
        manager = host.start_manager(project).wait_ready()
        for number in (1, 2):
            assert host.get(f"http://127.0.0.1:808{number}/{run}").status == 404
        assert manager.stop() == 0
    for number in (1, 2):
        assert project.log(number) == [f"GET request for /{run}" for run in range(20)]


def test_the_hosts_sysctls_stay_as_they_are_while_it_runs(host, manager):
    """It makes no router of the host, and opens 127/8 to no interface that was there before."""
    assert manager.running
    assert host.sysctl("net.ipv4.ip_forward") == "0"
    assert host.sysctl("net.ipv6.conf.all.forwarding") == "0"
    for name in ("all", "default", "lo", "lan0"):
        assert host.sysctl(f"net.ipv4.conf.{name}.route_localnet") == "0"
