# SPDX-License-Identifier: GPL-2.0-or-later
"""--health: connections are led to a copy while it is well, and to no copy that is not."""

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest
from harness import OPEN, PLAIN_USER, REFUSED, SANITIZED, outcomes, wait_until

AT_ONCE = 2.0
LATE = 7.0  # a copy that is not healthy holds the start up for five seconds
FIRST_PORT = 8081
LAN, LAN6 = "198.51.100.1", "2001:db8:1::1"
INTERVAL = 0.1
TIMEOUT = 0.3
QUICK = ("--health-interval", str(INTERVAL), "--health-timeout", str(TIMEOUT))
PLACES = ("--files", "private", "-d", "copies")
SERVER = ("-p", f"{FIRST_PORT}+:8080", "--", "./http_recorder.py")
HTTP = ("--health", "http:/health", *QUICK)
PATIENT = ("--health", "http:/health", "--health-interval", str(INTERVAL))  # an answer may take as long as it takes
MOODY = Path(__file__).with_name("moody.py")


@pytest.fixture
def moody(project):
    """A project whose http_recorder.py is the server whose health can be decided (see moody.py)."""
    project.install(MOODY)
    return project


@pytest.fixture
def start(host, moody):
    """Start copies of it, with more options."""

    def run(*options, copies=2, **more):
        return host.start_portmux(moody, *PLACES, "-n", str(copies), *options, *SERVER, **more)

    return run


@pytest.fixture
def doors(moody):
    """Let both copies be started with a door to their NOTIFY_SOCKET; return them."""
    opened = []
    for number in (1, 2):
        moody.place(number, "start", "door")
        os.mkfifo(moody.files(number) / "door")
        opened.append(os.open(moody.files(number) / "door", os.O_RDWR | os.O_CLOEXEC))
    yield opened
    for door in opened:
        os.close(door)


def set_mood(project, number, mood):
    """Decide how a copy is: at once, so that it never finds half of a word."""
    new = project.place(number, "mood.new", mood)
    new.rename(project.files(number) / "mood")


def tell(manager, door, number, text):
    """Let copy number's program tell NOTIFY_SOCKET a text, and wait until it has."""
    start = len(manager.out.lines)
    os.write(door, text.encode() + b"\n")
    manager.out.wait_for(rf"^copy {number} \| told ", AT_ONCE, start)


def is_served(host, number, address="127.0.0.1"):
    """Whether connections are led to a copy; otherwise they are refused."""
    return outcomes(host, [(address, FIRST_PORT + number - 1)], 1) == [OPEN]


def wait_served(host, number):
    """Wait until they are."""
    wait_until(lambda: is_served(host, number), AT_ONCE, f"copy {number} is served")


def wait_refused(host, number):
    """Wait until they are not."""
    wait_until(lambda: not is_served(host, number), AT_ONCE, f"copy {number} is refused")


def identity(host, number):
    """Return what tells one life of a copy from another."""
    return host.get(f"http://127.0.0.1:{FIRST_PORT + number - 1}/").body


def wait_unhealthy(manager, number, why, start=0, deadline=AT_ONCE):
    """Wait until it is said that a copy is, and why."""
    manager.err.wait_for(rf"^portmux: copy {number}: unhealthy: ({why})$", deadline, start)


def checks(manager, number, mood=".*"):
    """Return the lines of the checks that a copy has seen."""
    return [line for line in manager.said(number) if re.match(rf"checked {mood} ", line)]


def wait_checked(manager, number, times, mood=".*", deadline=AT_ONCE):
    """Wait until a copy has been checked some times more."""
    before = len(checks(manager, number, mood))
    wait_until(lambda: len(checks(manager, number, mood)) >= before + times, deadline, f"{times} checks")


# ---- A request of HTTP ----


def test_a_server_is_asked_as_it_expects(start):
    """The path, its own port, and a name that most servers take for theirs; and it can send its answer whole."""
    manager = start(*HTTP).wait_ready()
    for number in (1, 2):
        wait_checked(manager, number, 3)
        assert set(checks(manager, number)) == {"checked 200 localhost:8080 GET /health HTTP/1.1: sent"}
    assert manager.stop() == 0
    assert manager.err.lines == []


@pytest.mark.parametrize(
    "mood, why",
    [
        ("500", "HTTP status 500"),
        ("404", "HTTP status 404"),
        ("199", "HTTP status 199"),
        ("400", "HTTP status 400"),
        ("mute", f"no answer within {TIMEOUT} s"),
        ("drip", f"no answer within {TIMEOUT} s"),
        ("close", "it closed the connection unanswered"),
        ("garbage", "its answer is not HTTP"),
    ],
)
def test_a_copy_that_is_not_well_is_refused_until_it_is(host, start, moody, mood, why):
    """Everywhere, and the other copy goes on; it is said when and why, and when it is well again."""
    manager = start(*HTTP).wait_ready()
    before = identity(host, 1)
    set_mood(moody, 1, mood)
    wait_unhealthy(manager, 1, why)
    wait_refused(host, 1)
    for client, address in ((host, "127.0.0.1"), (host, LAN), (host.client, LAN)):
        assert outcomes(client, [(address, 8081), (address, 8082)], 1) == [REFUSED, OPEN]
    set_mood(moody, 1, "200")
    manager.err.wait_for(r"^portmux: copy 1: healthy again$", AT_ONCE)
    wait_served(host, 1)
    assert identity(host, 1) == before
    assert len(manager.err.lines) == 2
    assert manager.stop() == 0


@pytest.mark.parametrize("mood", ["204", "301", "399", "large", "early"])
def test_such_a_copy_is_well(host, start, moody, mood):
    """A redirect is not followed, and of a large answer the manager reads the beginning."""
    manager = start(*PATIENT, "--health-retries", "1").wait_ready()
    set_mood(moody, 1, mood)
    wait_checked(manager, 1, 5, mood)
    assert is_served(host, 1)
    assert manager.err.lines == []
    outcome = "ConnectionResetError|BrokenPipeError" if mood == "large" else "sent"
    assert all(re.search(rf": ({outcome})$", line) for line in checks(manager, 1, mood))
    assert manager.stop() == 0


def test_only_so_many_failures_in_a_row_count(host, start, moody):
    """Twice three of four are no more than three in a row."""
    manager = start(*PATIENT, "--health-retries", "4").wait_ready()
    set_mood(moody, 1, "500 500 500 200 500 500 500 200 201")
    wait_checked(manager, 1, 3, "201")
    assert manager.err.lines == []
    set_mood(moody, 1, "502 502 502 502 200")
    wait_unhealthy(manager, 1, "HTTP status 502")
    manager.err.wait_for("healthy again", AT_ONCE)
    wait_checked(manager, 1, 1)
    assert len(checks(manager, 1, "502")) == 4
    assert manager.stop() == 0


def test_the_run_is_ready_as_soon_as_all_are_healthy(start):
    """The first check is made when the copy listens, not an interval later."""
    began = time.monotonic()
    manager = start("--health", "http:/health").wait_ready()
    assert time.monotonic() - began < AT_ONCE
    assert manager.stop() == 0
    assert manager.err.lines == []


def test_a_copy_that_needs_some_seconds_is_checked_every_second(host, start, moody):
    """However long the interval is: and what fails meanwhile tells nothing."""
    set_mood(moody, 1, "503 503 200")
    began = time.monotonic()
    manager = start("--health", "http:/health", "--health-interval", "60", "--health-retries", "1")
    wait_served(host, 2)
    assert not is_served(host, 1)
    manager.wait_ready(LATE)
    assert 2.0 < time.monotonic() - began < 3.5
    assert manager.stop() == 0
    assert manager.err.lines == []


def test_a_copy_that_is_never_healthy_is_not_waited_for(host, start, moody):
    """The run goes on after five seconds, says why, and leads nobody to it; from then on failures count."""
    set_mood(moody, 1, "503")
    manager = start(*HTTP).wait_ready(LATE)
    late = r"^portmux: copy 1: not healthy after 5 s: HTTP status 503; going on without waiting for it$"
    manager.err.wait_for(late, AT_ONCE)
    assert not is_served(host, 1)
    assert is_served(host, 2)
    wait_unhealthy(manager, 1, "HTTP status 503")
    set_mood(moody, 1, "200")
    wait_served(host, 1)
    assert manager.stop() == 0


def test_events_tell_the_same(start, moody):
    """A line when a copy becomes healthy, and one when it does not stay so; why is in its text."""
    manager = start("--json", *HTTP)
    manager.err.wait_for("Ctrl-C", LATE)
    set_mood(moody, 2, "500")
    manager.out.wait_for('"unhealthy"', AT_ONCE)
    seen = len(manager.out.lines)
    set_mood(moody, 2, "200")
    manager.out.wait_for('"ready"', AT_ONCE, seen)
    assert manager.stop() == 0
    events = [json.loads(line) for line in manager.out.lines]
    kinds = [event["event"] for event in events if event.get("copy") == 2 and event["event"] != "output"]
    assert kinds == ["started", "healthy", "ready", "unhealthy", "healthy", "ready", "exited"]
    (unhealthy,) = [event for event in events if event["event"] == "unhealthy"]
    assert {key: unhealthy[key] for key in ("copy", "text")} == {"copy": 2, "text": "HTTP status 500"}


def test_the_table_tells_who_is_not_well(start, moody):
    """In a column of its own."""
    manager = start(*HTTP).wait_ready()
    set_mood(moody, 2, "500")
    wait_unhealthy(manager, 2, "HTTP status 500")
    manager.send(signal.SIGUSR1)
    manager.err.wait_for(r"^1 +ready +healthy ", AT_ONCE)
    manager.err.wait_for(r"^2 +not ready +unhealthy ", AT_ONCE)
    assert manager.stop() == 0


def test_a_server_of_ipv6_alone_is_asked_there(host, start, moody):
    """Where IPv4 refuses the connection."""
    program = moody.there("http_recorder.py")
    program.write_text(program.read_text().replace('(("", 8080), ', '(("::", 8080), family=socket.AF_INET6, '))
    manager = start(*HTTP).wait_ready()
    wait_checked(manager, 1, 2)
    assert outcomes(host, [(LAN6, 8081), ("127.0.0.1", 8081)], 1) == [OPEN, REFUSED]
    assert manager.stop() == 0
    assert manager.err.lines == []


def test_a_shared_port_leads_only_to_copies_that_are_well(host, start, moody):
    """One that is not gets none of its connections, and gets them again when it is."""
    shared = 9000
    manager = start(*HTTP, "-p", f"{shared}:8080").wait_ready()

    def who_answers():
        return {host.get(f"http://127.0.0.1:{shared}/").body for _ in range(8)}

    both = {identity(host, 1), identity(host, 2)}
    assert who_answers() == both
    set_mood(moody, 1, "500")
    wait_unhealthy(manager, 1, "HTTP status 500")
    wait_until(lambda: who_answers() == {identity(host, 2)}, AT_ONCE, "copy 2 answers alone")
    set_mood(moody, 1, "200")
    wait_until(lambda: who_answers() == both, AT_ONCE, "both answer")
    assert manager.stop() == 0


# ---- A connection ----


def test_a_server_that_takes_no_connection_is_not_well(host, start, moody):
    """It listens, but what waits to be accepted has no room any more."""
    moody.place(1, "start", "frozen")
    manager = start("--health", "tcp", *QUICK).wait_ready()
    wait_unhealthy(manager, 1, f"no answer within {TIMEOUT} s")
    wait_refused(host, 1)
    assert is_served(host, 2)
    assert manager.stop() == 0
    assert manager.said(2).count("connected") > 2
    assert checks(manager, 2) == []


def test_the_first_tcp_port_is_the_one(host, moody):
    """Not one of UDP, nor a later one."""
    manager = host.start_portmux(
        moody, *PLACES, *HTTP, "-p", "5000:5000/udp", "-p", "8081:8080", "-p", "8082:9090", "--", "./http_recorder.py"
    )
    wait_checked(manager, 1, 0)
    late = r"^portmux: copy 1: nothing listens on its port 5000 after 5 s; going on without waiting for it$"
    manager.err.wait_for(late, LATE)
    wait_checked(manager, 1, 3)
    wait_served(host, 1)
    assert manager.stop() == 0


# ---- A command in the copy ----


def test_a_command_decides(host, start, moody):
    """It runs in the copy: with its variables, in its directory, as its user."""
    script = "test ! -e bad -a $COPY_NAME = http_recorder.py-$COPY; read -r pid name rest </proc/self/stat; test $pid -lt 1000"
    manager = start("--health", "exec:test ! -e bad || exit 3; test $HOST_PORT = 808$COPY; " + script, *QUICK).wait_ready()
    bad = moody.place(1, "bad", "")
    wait_unhealthy(manager, 1, "its check exited with status 3")
    wait_refused(host, 1)
    assert is_served(host, 2)
    bad.unlink()
    wait_served(host, 1)
    assert manager.stop() == 0


def test_a_command_that_takes_too_long_is_killed(host, start, moody):
    """With the processes that it has started; none is left, and no descriptor."""
    command = "exec:test ! -e slow || { sleep 3601 & sleep 3602; }"
    manager = start("--health", command, *QUICK).wait_ready()
    descriptors = Path(f"/proc/{manager.pid}/fd")
    before = len(list(descriptors.iterdir()))
    slow = moody.place(1, "slow", "")
    wait_unhealthy(manager, 1, f"its check was not done within {TIMEOUT} s", deadline=3.0)
    slow.unlink()
    wait_served(host, 1)
    wait_until(lambda: not host.run(["pgrep", "-f", "^sleep 360"], check=False).stdout, AT_ONCE, "no sleep is left")
    wait_until(lambda: len(list(descriptors.iterdir())) <= before, AT_ONCE, "no descriptor is left")
    assert manager.stop() == 0


def test_a_check_that_runs_does_not_hold_the_end_up(start):
    """It ends with its copy."""
    manager = start("--health", "exec:test ! -e begun && >begun || exec sleep 3600", "--health-interval", "0.1").wait_ready()
    wait_until(lambda: b"sleep" in _commands(), AT_ONCE, "the check runs")
    began = time.monotonic()
    assert manager.stop() == 0
    assert time.monotonic() - began < AT_ONCE


def _commands():
    return b"\n".join(_command(path) for path in Path("/proc").iterdir() if path.name.isdigit())


def _command(process):
    try:
        return (process / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


# ---- What it says itself ----

NOTIFY = ("--health", "notify")


def test_a_copy_is_served_when_it_says_that_it_is_ready(host, start, doors):
    """Not when it listens; and not any more when it says that it stops. All else that it says is ignored."""
    manager = start(*NOTIFY)
    for number, door in enumerate(doors, 1):
        manager.out.wait_for(rf"^copy {number} \| listens", AT_ONCE)
        tell(manager, door, number, r"STATUS=READY=1\nXREADY=1\nREADY=0\nREADY=11")
        tell(manager, door, number, "READY=1" + "X" * 5000)
    tell(manager, doors[1], 2, r"STATUS=well\nREADY=1\nMAINPID=1")
    wait_served(host, 2)
    assert not is_served(host, 1)
    tell(manager, doors[0], 1, "READY=1")
    manager.wait_ready(AT_ONCE)
    assert manager.err.lines == []
    tell(manager, doors[0], 1, r"STOPPING=1\nSTATUS=bye")
    wait_unhealthy(manager, 1, "it has said STOPPING=1")
    wait_refused(host, 1)
    tell(manager, doors[0], 1, "READY=1")
    wait_served(host, 1)
    assert is_served(host, 2)
    assert manager.stop() == 0


def test_a_copy_that_says_nothing_is_not_waited_for(host, start, doors):
    """The run goes on after five seconds, and says what is missing."""
    manager = start(*NOTIFY)
    tell(manager, doors[1], 2, "READY=1")
    late = r"^portmux: copy 1: not healthy after 5 s: it has not said READY=1; going on without waiting for it$"
    manager.err.wait_for(late, LATE)
    manager.wait_ready()
    assert not is_served(host, 1)
    tell(manager, doors[0], 1, "READY=1")
    wait_served(host, 1)
    assert manager.stop() == 0


def test_a_copy_that_says_much_keeps_nobody_busy(host, start, moody):
    """It waits until it is heard; the manager has little to do, and the other copy is served."""
    moody.place(1, "start", "flood")
    moody.place(2, "start", "door")
    os.mkfifo(moody.files(2) / "door")
    with open(moody.files(2) / "door", "r+b", buffering=0) as door:
        manager = start(*NOTIFY)
        door.write(b"READY=1\n")
        wait_served(host, 2)
    before, began = manager.processor_time(), time.monotonic()
    for _ in range(200):
        assert identity(host, 2)
    used, passed = manager.processor_time() - before, time.monotonic() - began
    assert used < 0.2 * passed + 0.05
    assert manager.stop() == 0


def test_the_socket_is_the_copys_own(start, doors):
    """Its name is the same in each copy, and each is told apart; the host has none of that name."""
    manager = start(*NOTIFY)
    assert "@notify" not in Path("/proc/net/unix").read_text(encoding="ascii")
    for number, door in enumerate(doors, 1):
        tell(manager, door, number, "READY=1")
    manager.wait_ready(AT_ONCE)
    assert manager.stop() == 0


# ---- Who starts again ----


def test_a_copy_that_is_not_well_starts_again(host, start, moody):
    """However the restart policy is, with a delay that grows; refused meanwhile, and the other one is the same."""
    manager = start(*HTTP, "--restart-unhealthy").wait_ready()
    before, other = identity(host, 1), identity(host, 2)
    for delay in ("0.1", "0.2"):
        seen = len(manager.err.lines)
        set_mood(moody, 1, "500")
        wait_unhealthy(manager, 1, "HTTP status 500", seen)
        set_mood(moody, 1, "200")
        manager.err.wait_for(rf"^portmux: copy 1: was unhealthy; starting again in {delay} s$", AT_ONCE, seen)
        wait_served(host, 1)
        assert identity(host, 1) != before
        before = identity(host, 1)
    assert identity(host, 2) == other
    assert len(manager.err.lines) == 4
    assert manager.stop() == 0


def test_a_copy_that_ignores_sigterm_is_killed_after_the_grace_period(host, start, moody):
    """And is refused while it has it."""
    moody.place(1, "start", "ignore")
    manager = start(*HTTP, "--restart-unhealthy", "--grace", "1").wait_ready()
    before = identity(host, 1)
    set_mood(moody, 1, "500")
    wait_unhealthy(manager, 1, "HTTP status 500")
    began = time.monotonic()
    wait_refused(host, 1)
    set_mood(moody, 1, "200")
    manager.err.wait_for(r"^portmux: copy 1: was unhealthy; starting again in 0\.1 s$", 3.0)
    assert 0.7 < time.monotonic() - began < 2.0
    wait_served(host, 1)
    assert identity(host, 1) != before
    manager.send(signal.SIGINT)
    manager.send(signal.SIGINT)
    assert manager.wait() == 0


def test_a_copy_that_was_never_well_starts_again_too(start, moody):
    """After the five seconds that a copy has to become ready, and so many failures."""
    set_mood(moody, 1, "500")
    manager = start(*HTTP, "--restart-unhealthy")
    manager.err.wait_for(r"^portmux: copy 1: was unhealthy; starting again in 0\.1 s$", LATE)
    assert manager.stop() == 0


def test_a_run_that_ends_starts_nobody_again(start, moody):
    """Also not the copy that has just been told to end because it was not well."""
    moody.place(1, "start", "ignore")
    manager = start(*HTTP, "--restart-unhealthy", "--grace", "1").wait_ready()
    set_mood(moody, 1, "500")
    wait_unhealthy(manager, 1, "HTTP status 500")
    assert manager.stop(deadline=5.0) == 0
    assert not [line for line in manager.err.lines if "starting again" in line]


# ---- Many, and who they belong to ----


def test_the_checks_of_many_are_spread(start):
    """Over the whole interval, though all copies have started at a time."""
    copies, interval = 40, 2.0
    manager = start("--health", "http:/health", "--health-interval", str(interval), copies=copies).wait_ready(15.0)
    wait_until(lambda: all(len(checks(manager, number)) > 1 for number in range(1, copies + 1)), 2 * interval, "checks")
    seen, moments = len(manager.out.lines), []

    def note():
        new = [line for line in manager.out.lines[seen:] if "| checked" in line]
        moments.extend([time.monotonic()] * (len(new) - len(moments)))
        return len(moments) >= 2 * copies

    wait_until(note, 3 * interval, "two checks of each")
    tenth = interval / 10
    busiest = max(sum(begin <= moment < begin + tenth for moment in moments) for begin in moments)
    assert busiest <= copies / 10 * 2.5
    assert manager.stop() == 0
    assert manager.err.lines == []


def test_three_hundred_checks_leave_nothing(start):
    """No descriptor and no memory; and little time is used."""
    manager = start("--health", "http:/health", "--health-interval", "0.02").wait_ready()
    wait_checked(manager, 1, 20)
    descriptors, memory = sorted(os.listdir(f"/proc/{manager.pid}/fd")), manager.memory()
    wait_checked(manager, 1, 300, deadline=20.0)
    wait_until(
        lambda: len(os.listdir(f"/proc/{manager.pid}/fd")) <= len(descriptors), AT_ONCE, "as many descriptors as before"
    )
    assert SANITIZED or manager.memory() < memory + (1 << 20)  # the sanitizer keeps what was freed
    assert manager.stop() == 0
    assert manager.err.lines == []


def answers(host, number):
    """Whether a copy answers. Without root, pasta takes a connection before it knows whether it leads anywhere."""
    try:
        return bool(identity(host, number))
    except ConnectionError:
        return False


@pytest.fixture
def plain(host):
    """The same project of a plain user, and doors to both copies."""
    home = host.home(PLAIN_USER)
    home.install(MOODY)
    opened = []
    for number in (1, 2):
        home.place(number, "start", "door")
        os.mkfifo(home.files(number) / "door")
        opened.append(os.open(home.files(number) / "door", os.O_RDWR | os.O_CLOEXEC))
    host.run(["chown", "-R", f"{PLAIN_USER}:{PLAIN_USER}", home.path])
    yield home, opened
    for door in opened:
        os.close(door)


@pytest.mark.host(own_dev=True)
@pytest.mark.parametrize("check", ["http:/health", "tcp", "exec:test ! -e mood", "notify"])
def test_it_works_without_root(host, plain, check):
    """In the run's own network, where the manager is, too."""
    home, doors = plain
    manager = host.start_portmux(home, *PLACES, "-n", "2", "--health", check, *QUICK, *SERVER, user=PLAIN_USER)
    for door in doors:
        os.write(door, b"READY=1\n")
    manager.wait_ready()
    assert answers(host, 1)
    if check == "tcp":
        wait_until(lambda: manager.said(1).count("connected") > 2, AT_ONCE, "it is checked")
    else:
        set_mood(home, 1, "500")
        os.write(doors[0], b"STOPPING=1\n")
        wait_unhealthy(manager, 1, "HTTP status 500|its check exited with status 1|it has said STOPPING=1")
        wait_until(lambda: not answers(host, 1), AT_ONCE, "copy 1 is not served")
    assert answers(host, 2)
    assert manager.stop() == 0
