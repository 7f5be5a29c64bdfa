# SPDX-License-Identifier: GPL-2.0-or-later
"""Started by a plain user: kinds of hosts, how it ends, and what it refuses."""

import os
import re
import signal
import time
from pathlib import Path

import pytest
from harness import OPEN, PLAIN_USER, REFUSED, Host, ask, make_chroot, outcomes, wait_until

pytestmark = pytest.mark.host(own_dev=True)

BOTH = (1, 2)
FAILED = 1
AT_ONCE = 2.0
OTHER_USER = 1001
START_DEADLINES = 10.5  # what a start waits for gets so many seconds at most
REPORTER = Path(__file__).with_name("reporter.py")
STAND_IN = Path(__file__).with_name("stand_in.py")

HOLDER = """
import signal, socket, sys
server = socket.create_server((sys.argv[1], 8081), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
print("listening", flush=True)
signal.pause()
"""

# As root of a user namespace of one's own, with a limit; then as the user again, without a capability.
WITHOUT_USER_NAMESPACES = ("unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-ec")
WITHOUT_USER_NAMESPACES += (
    'echo 0 >/proc/sys/user/max_user_namespaces; exec setpriv --inh-caps=-all --ambient-caps=-all "$@"',
    "sh",
)


@pytest.fixture(scope="module", autouse=True)
def long_run():
    """A run that begins before the other tests of this file, and the time when it was ready."""
    with Host(own_dev=True) as host:
        manager = host.start_manager(host.home(PLAIN_USER), user=PLAIN_USER).wait_ready()
        yield host, manager, time.monotonic()
        host.finish()


@pytest.fixture
def home(host):
    """The user's home directory; a project."""
    return host.home(PLAIN_USER)


@pytest.fixture
def start(host, home):
    """Start the program there, as the user; for the options see Manager."""

    def begin(project=home, user=PLAIN_USER, **options):
        return host.start_manager(project, user=user, **options)

    return begin


# ---- Hosts -----------------------------------------------------------------------------------------


@pytest.mark.host(own_dev=True, lan=False)
def test_a_program_for_both_families_on_a_host_without_any_network(host, home, start):
    """[::1] works as well; but Debian 12's pasta finds no link to its taste, which is said once."""
    home.install(REPORTER)
    manager = start().wait_ready()
    is_old = "unknown version" in host.run(["pasta", "--version"]).stdout
    assert ask(host, "127.0.0.1", 8081).copy == 1
    assert outcomes(host, [("::1", 8081), ("::1", 8082)]) == [REFUSED if is_old else OPEN] * 2
    assert len(manager.complaints()) == is_old
    assert all(re.search(r"^uva_container: pasta for IPv6\b", line) for line in manager.complaints())


@pytest.mark.host(own_dev=True, lan=False)
def test_a_host_without_any_network(host, start):
    """Loopback is enough; nothing is complained of."""
    manager = start().wait_ready()
    for number in BOTH:
        assert host.get(f"http://localhost:{8080 + number}/").status == 200
    assert manager.stop() == 0
    assert manager.complaints() == []


def test_a_host_with_a_default_route(host, home, start):
    """The client on the LAN is the host's gateway: both ports answer, and a copy reaches what lies beyond it."""
    host.client.run(["ip", "addr", "add", "203.0.113.80/32", "dev", "lo"])
    host.client.run(["ip", "addr", "add", "2001:db8:80::1/128", "dev", "lo"])
    host.run(["ip", "route", "add", "default", "via", "198.51.100.2"])
    host.run(["ip", "route", "add", "default", "via", "2001:db8:1::2"])
    host.remember()
    home.install(REPORTER)
    manager = start().wait_ready()
    assert ask(host, "127.0.0.1", 8081).copy == 1
    assert ask(host.client, "198.51.100.1", 8082).peer == "198.51.100.2"
    assert ask(host.client, "2001:db8:1::1", 8082).peer == "2001:db8:1::2"
    copy = host.enter(manager.copy_process(1))
    with host.client.listen("::", 7001):
        assert outcomes(copy, [("203.0.113.80", 7001), ("2001:db8:80::1", 7001)], deadline=2.0) == [OPEN, OPEN]
    assert manager.complaints() == []


def test_a_program_for_both_families_on_a_host_without_ipv6(host, home, start):
    """It has its IPv4 ports all the same, and nothing is complained of."""
    host.set_sysctls({f"net.ipv6.conf.{name}.disable_ipv6": 1 for name in ("all", "default")})
    host.remember()
    home.install(REPORTER)
    manager = start().wait_ready()
    for number in BOTH:
        assert ask(host, "127.0.0.1", 8080 + number).copy == number
        assert ask(host.client, "198.51.100.1", 8080 + number).peer == "198.51.100.2"
    assert manager.stop() == 0
    assert manager.complaints() == []


# ---- Ends ------------------------------------------------------------------------------------------


def test_ctrl_c_on_a_terminal_stops_it(host, start):
    """As typed, at once, with exit code 0; no copy tells of an interrupt."""
    manager = start(terminal=True).wait_ready()
    assert host.get("http://localhost:8081/").status == 200
    manager.type("\x03")
    assert manager.wait(AT_ONCE) == 0
    assert not [line for line in manager.out.lines if "KeyboardInterrupt" in line or "Traceback" in line]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_stops_it(host, home, start, name):
    """Exit code 0, and no word of it. The ports are free at once; of files there are the project's alone."""
    manager = start().wait_ready()
    connection = host.connect("127.0.0.1", 8081)
    assert manager.stop(signal.Signals[name], AT_ONCE) == 0
    connection.close()
    assert manager.complaints() == []
    for number in BOTH:
        assert host.refuses("127.0.0.1", 8080 + number)
        host.listen("0.0.0.0", 8080 + number).close()
    assert sorted(os.listdir(home.there(""))) == ["copies", "http_recorder.py", "uva_container"]
    assert sorted(os.listdir(home.copies)) == ["1", "2"]


def test_a_copy_that_ends_is_told_and_the_other_one_served(host, home, start):
    """Its clients get no answer, but an end at once: pasta accepts a connection, and resets it."""
    home.install(STAND_IN)
    manager = start().wait_ready()
    host.get("http://127.0.0.1:8081/exit/3")
    manager.err.wait_for(r"^uva_container: copy 1: .*\b3\b", AT_ONCE)
    for _ in range(3):
        with pytest.raises(ConnectionError):
            host.get("http://127.0.0.1:8081/", AT_ONCE)
    assert host.get("http://127.0.0.1:8082/on").status == 200
    host.get("http://127.0.0.1:8082/exit/0")
    assert manager.wait(AT_ONCE) == FAILED


def test_it_can_be_stopped_before_the_copies_listen(home, start):
    """While it waits for them, a signal works as ever."""
    home.there("http_recorder.py").write_text("#!/bin/sh\necho started\nexec tail -f /dev/null\n")
    manager = start()
    for number in BOTH:
        manager.out.wait_for(rf"^copy {number} \| started$")
    assert manager.stop(deadline=AT_ONCE) == 0


# ---- The ports of others ---------------------------------------------------------------------------


def assert_refused(home, manager, pattern):
    """It ends with 1, tells why in one line on stderr, and has made nothing."""
    assert manager.wait() == FAILED
    (line,) = manager.err.lines
    assert re.search(f"^uva_container: {pattern}", line), line
    assert manager.out.lines == []
    assert not home.copies.exists()


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1", "198.51.100.1", "::1"])
def test_a_port_in_use_is_named_with_its_holder(host, home, start, address):
    """A program of the same user's."""
    holder = host.popen(["python3", "-c", HOLDER, address], user=PLAIN_USER)
    holder.out.wait_for("listening")
    status = Path(f"/proc/{holder.pid}/status").read_text(encoding="ascii")
    pid = re.search(r"^NSpid:.*\s(\d+)$", status, re.MULTILINE)[1]
    expected = rf"TCP port 8081 is in use by python3 \(pid {pid}\): stop that program first$"
    assert_refused(home, start(), expected)


def test_a_second_run_is_refused_whoever_starts_it(host, start):
    """Another user, to whom the holder cannot be named, and root; the first run goes on."""
    manager = start().wait_ready()
    for user in (OTHER_USER, 0):
        other = host.home(user, f"user-{user}")
        assert_refused(other, start(other, user), "TCP port 8081 is in use")
    assert host.get("http://127.0.0.1:8081/").status == 200
    assert manager.stop() == 0


def test_a_run_of_root_is_in_the_way_of_a_users(host, project, home, start):
    """And not disturbed by it."""
    manager = host.start_manager(project).wait_ready()
    assert_refused(home, start(), "TCP port 8081 is in use")
    assert host.client.get("http://198.51.100.1:8081/").status == 200
    assert manager.stop() == 0
    assert manager.err.lines == []


# ---- Refusals --------------------------------------------------------------------------------------


def test_no_pasta(home, start):
    """It names the package, and the other way out."""
    manager = start(env={"PATH": "/nonexistent"})
    assert_refused(home, manager, r".*pasta.*apt install passt.*\bsudo\b")


def test_a_pasta_that_ends_at_once(home, start):
    """What it says is shown, and the run does not go on without it."""
    pasta = home.there("bin/pasta")
    pasta.parent.mkdir()
    pasta.write_text("#!/bin/sh\necho out of sauce >&2\nexit 1\n")
    pasta.chmod(0o755)
    manager = start(env={"PATH": f"{home.path}/bin:/usr/bin:/bin"})
    assert manager.wait() == FAILED
    assert [line for line in manager.err.lines if "out of sauce" in line]
    assert [line for line in manager.err.lines if re.search(r"^uva_container: .*\bpasta\b", line)]
    assert not [line for line in manager.out.lines if "http://" in line]


def test_user_namespaces_are_switched_off(home, start):
    """It names the parameter by which they are."""
    manager = start(under=WITHOUT_USER_NAMESPACES)
    assert_refused(home, manager, r".*user\.max_user_namespaces.*\bsudo\b")


def test_a_place_in_which_no_user_namespace_can_be_made(host):
    """A chroot, as the kernel has it: the reason, and the way out."""
    host.run(["mount", "-t", "tmpfs", "tmpfs", "/srv"])
    options = make_chroot(host, "/srv/root")
    options["under"][1:1] = [f"--userspec={PLAIN_USER}:{PLAIN_USER}", "--groups="]
    project = host.project("/srv/root/project")
    project.give_to(PLAIN_USER)
    assert_refused(project, host.start_manager(project, **options), r".*user namespace.*\bsudo\b")


WITHOUT_TUN = {
    "absent": "rm /dev/net/tun",
    "of root alone": "chmod 600 /dev/net/tun",
    "without a driver": "rm /dev/net/tun; mknod -m 666 /dev/net/tun c 10 254",
}


@pytest.mark.parametrize("how", WITHOUT_TUN)
def test_no_tun_device(host, home, start, how):
    """It names the device."""
    host.run(["sh", "-ec", WITHOUT_TUN[how]])
    assert_refused(home, start(), r".*/dev/net/tun\b.*\bsudo\b")


def test_a_directory_of_somebody_else(host, start):
    """In which the user may not write: it names what it cannot make, and has made nothing."""
    other = host.home(OTHER_USER, "other")
    other.there("").chmod(0o755)
    manager = start(other)
    assert manager.wait() == FAILED
    manager.err.wait_for(r"^uva_container: .*copies.*: Permission denied")
    assert not other.copies.exists()


def test_no_http_recorder(home, start):
    """The same line as with root."""
    home.there("http_recorder.py").unlink()
    assert_refused(home, start(), r".*http_recorder\.py\b")


# ---- At last ---------------------------------------------------------------------------------------


def test_it_outlives_the_deadlines_of_its_start(long_run):
    """The run that began before all of these serves, has nothing to complain of, and has been idle."""
    host, manager, began = long_run
    wait_until(lambda: time.monotonic() - began > START_DEADLINES, START_DEADLINES, "the deadlines are over")
    for number in BOTH:
        assert host.get(f"http://127.0.0.1:{8080 + number}/").status == 200
    assert manager.processor_time() < 0.5
    assert manager.stop() == 0
    assert manager.complaints() == []
