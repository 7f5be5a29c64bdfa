# SPDX-License-Identifier: GPL-2.0-or-later
"""Ctrl-C is acted on at any moment: nothing that the program has to wait for can keep it from its signals.

Whatever is in its way (a start that is under way, an output that nobody reads, another's lock, a guardian that
does not answer), the copies get their SIGTERM at once, and where there are none yet, the program ends.
"""

import contextlib
import ctypes
import fcntl
import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest
from faults.anatomy import guardian
from harness import SANITIZED, compile_c, wait_until
from test_output import is_full, read_until

RUNDIR = "/run/uva_container"
TIMEKEEPER = Path(__file__).with_name("timekeeper.c")

PROMISE = 0.1  # from Ctrl-C to the SIGTERM of every copy
NOISE = 0.6 if SANITIZED else 0.15  # what a busy machine with two processors may add to that
LIMIT = PROMISE + NOISE
HALF_SET_UP = 0.05  # how long the manager may not know yet that a copy's program has begun
AT_ONCE = 2.0  # a whole stop, if nothing but the output is in its way
PATIENCE = 10.0  # a whole stop, if the program gives up on another: the lock's holder, or the guardian
START = 15.0

FIRST_PORT = 9001
MANY = 200
DYING = 18
BOTH = (1, 2)

PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 0x4206, 0x4207, 0x40000000  # of linux/ptrace.h and linux/wait.h


@pytest.fixture(scope="session")
def timekeeper(tmp_path_factory):
    """The program that notes when it was started and when it got SIGTERM (see timekeeper.c)."""
    return compile_c(TIMEKEEPER, tmp_path_factory.mktemp("timekeeper"))


@pytest.fixture
def timed(project, timekeeper):
    """A project whose two copies note the time."""
    project.install(timekeeper)
    return project


@pytest.fixture
def many(neighbours, timekeeper):
    """A project whose program takes the first host port and the number of copies, which note the time."""
    neighbours.install(timekeeper)
    return neighbours


# ---- When ------------------------------------------------------------------------------------------


def notes(project, name):
    """Return the times that the copies of a project have noted under a name, by the copy's number."""
    times = {}
    for path in project.copies.glob(f"*/tmp/{name}"):
        times[int(path.parts[-3])] = float(path.read_text(encoding="ascii"))
    return times


def wait_started(project, count, deadline=START):
    """Wait until the programs of that many copies run."""
    wait_until(lambda: len(notes(project, "started")) >= count, deadline, f"{count} copies run", 0.002)


def interrupt(manager):
    """Press Ctrl-C; return when."""
    pressed = time.monotonic()
    manager.send(signal.SIGINT)
    return pressed


def rest(since, limit=AT_ONCE):
    """Return what is left of a time limit that began then."""
    return max(0.0, since + limit - time.monotonic())


def is_late(when, pressed):
    """Whether something has come too long after Ctrl-C."""
    return when > pressed + LIMIT


def assert_told(project, numbers, pressed):
    """Fail unless each of those copies has got SIGTERM within the time promised."""
    __tracebackhide__ = True
    numbers = set(numbers)
    with contextlib.suppress(AssertionError):
        wait_until(lambda: numbers <= notes(project, "sigterm").keys(), LIMIT, "SIGTERM")
    told = notes(project, "sigterm")
    late = {number: told[number] - pressed for number in numbers & told.keys() if is_late(told[number], pressed)}
    assert not late, f"SIGTERM that long after Ctrl-C, by copy: {late}"
    assert numbers <= told.keys(), f"without SIGTERM {LIMIT} s after Ctrl-C: {sorted(numbers - told.keys())}"


# ---- What is in its way ----------------------------------------------------------------------------


@contextlib.contextmanager
def lock_held(host):
    """Hold the lock of starts and stops, as somebody else does."""
    directory = os.open(host.root(RUNDIR), os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def fill(descriptor):
    """Fill a pipe, by a descriptor that does not block."""
    for piece in (b"x" * 4096, b"x"):
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(descriptor, piece)


class FullPipes:
    """Pipes that are full, and that nobody reads, in place of a program's outputs."""

    def __init__(self, directory, *numbers):
        """numbers: those of the outputs, 1 and 2."""
        self._fifos = {number: str(directory / f"full{number}") for number in numbers}
        self._ends = []
        for path in self._fifos.values():
            os.mkfifo(path)
            self._ends.append(os.open(path, os.O_RDWR | os.O_NONBLOCK))
            fill(self._ends[-1])

    @property
    def under(self):
        """The command that gives them to what follows it."""
        redirections = " ".join(f"{number}>'{path}'" for number, path in self._fifos.items())
        return ["sh", "-c", f'exec "$@" {redirections}', "sh"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for end in self._ends:
            os.close(end)


def status_set(manager, field):
    """Return a set of signals of /proc/PID/status."""
    try:
        status = Path(f"/proc/{manager.pid}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(re.search(rf"^{field}:\s+(\w+)", status, re.MULTILINE)[1], 16)


def takes_signals(manager):
    """Whether the program runs and has taken SIGINT from its default action, which is to die of it."""
    taken = status_set(manager, "SigBlk") | status_set(manager, "SigCgt")
    return manager.pid in manager.own_processes() and taken & (1 << (signal.SIGINT - 1))


def wait_takes_signals(manager):
    """Wait until Ctrl-C is its own affair."""
    wait_until(lambda: takes_signals(manager), START, "it takes signals", 0.001)


def open_files(pid):
    """Return what a process has open, by the names that it has for it."""
    try:
        return {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()}
    except (FileNotFoundError, ProcessLookupError):  # it has just closed one, or ended
        return set()


def is_at_the_lock(manager):
    """Whether a process of a run has come to the lock."""
    return any(RUNDIR in open_files(pid) for pid in manager.own_processes())


def has_answered(pid):
    """Whether a guardian has a log, and has given the lock away."""
    files = open_files(pid)
    return RUNDIR not in files and any(name.startswith(f"{RUNDIR}/") for name in files)


def make_rundir(host):
    """Make the runtime directory, as an earlier run may have left it; the end of a run removes it."""
    host.root(RUNDIR).mkdir(mode=0o700)


# ---- A start that is under way ---------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 3, 20, 100])
def test_ctrl_c_while_many_copies_start(host, many, count):
    """However far it has come: those that run get SIGTERM, no other is started, and it ends well."""
    manager = host.start_manager(many, FIRST_PORT, MANY)
    wait_takes_signals(manager)
    wait_started(many, count)
    pressed = interrupt(manager)
    # A program that has begun a moment ago may still be half set up for the manager, which then kills it.
    running = [number for number, when in notes(many, "started").items() if when < pressed - HALF_SET_UP]
    assert_told(many, running, pressed)
    assert manager.wait(rest(pressed)) == 0
    assert manager.err.lines == []
    for name in ("started", "sigterm"):
        late = {number: when - pressed for number, when in notes(many, name).items() if is_late(when, pressed)}
        assert not late, f"{name} that long after Ctrl-C, by copy: {late}"
    assert len(notes(many, "started")) < MANY, "then it was no start under way"


# ---- The lock --------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["takes signals", "waits"])
def test_ctrl_c_while_a_start_waits_for_the_lock(host, timed, moment):
    """It ends at once and well, and has made nothing, although the lock is never released."""
    make_rundir(host)
    host.remember()
    with lock_held(host):
        manager = host.start_manager(timed)
        wait_takes_signals(manager)
        if moment == "waits":
            wait_until(lambda: is_at_the_lock(manager), START, "it has come to the lock")
        manager.send(signal.SIGINT)
        assert manager.wait(LIMIT) == 0
        assert manager.err.lines == []
        host.assert_as_before()
    assert notes(timed, "started") == {}


def start_and_stop(host, project):
    """A run as any other, which also undoes what an earlier one has left."""
    manager = host.start_manager(project).wait_ready()
    assert manager.stop() == 0


def test_ctrl_c_while_another_holds_the_lock(host, timed):
    """The copies get SIGTERM at once; what needs the lock is undone as far as it can be, and later for the rest."""
    manager = host.start_manager(timed).wait_ready()
    with lock_held(host):
        assert_told(timed, BOTH, interrupt(manager))
        assert manager.wait(PATIENCE) in (0, 1)
    start_and_stop(host, timed)


@contextlib.contextmanager
def new_link(host, name="new0"):
    """A link with an address that comes while the program runs, and goes again."""
    host.run(["ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}-peer"])
    host.run(["ip", "link", "set", name, "up"])
    host.run(["ip", "addr", "add", "203.0.113.1/24", "dev", name])
    try:
        yield name
    finally:
        host.run(["ip", "link", "del", name])


def forwards(host, link):
    """Whether packets that come in by a link of the host are forwarded."""
    return host.sysctl(f"net.ipv4.conf.{link}.forwarding") == "1"


def assert_prints(host, manager, number, path, deadline=0.3):
    """Fail unless a request to a copy is printed at once."""
    seen = len(manager.out.lines)
    host.get(f"http://127.0.0.1:{8080 + number}/{path}", deadline)
    manager.out.wait_for(rf"^copy {number} \| GET /{path} ", deadline, seen)


def test_an_address_comes_while_another_holds_the_lock(host, timed):
    """The copies' lines are printed as ever; once the lock is released, the new link is an uplink as any other."""
    manager = host.start_manager(timed).wait_ready()
    with contextlib.ExitStack() as stack:
        with lock_held(host):
            link = stack.enter_context(new_link(host))
            end = time.monotonic() + 1.0
            request = 0
            while time.monotonic() < end:
                request += 1
                for number in BOTH:
                    assert_prints(host, manager, number, request)
            assert not forwards(host, link), "then the lock was in nobody's way, and this is no test"
        wait_until(lambda: forwards(host, link), AT_ONCE, f"{link} forwards")
        assert manager.stop(deadline=AT_ONCE) == 0
        assert not forwards(host, link)
    assert manager.err.lines == []


def test_ctrl_c_while_a_new_address_waits_for_the_lock(host, timed):
    """What it has not come to yet is no reason to let the copies wait."""
    manager = host.start_manager(timed).wait_ready()
    with lock_held(host), new_link(host):
        assert_prints(host, manager, 1, "after")
        assert_told(timed, BOTH, interrupt(manager))
        assert manager.wait(PATIENCE) in (0, 1)
    start_and_stop(host, timed)


# ---- An output that nobody reads -------------------------------------------------------------------


@pytest.mark.parametrize("numbers", [(1,), (1, 2)], ids=["stdout", "stdout and stderr"])
def test_ctrl_c_with_an_output_that_was_full_from_the_start(host, timed, tmp_path, numbers):
    """Whether it can tell that it is ready or not: it starts, and stops."""
    with FullPipes(tmp_path, *numbers) as full:
        manager = host.start_manager(timed, under=full.under)
        wait_started(timed, len(BOTH))
        for number in BOTH:
            wait_until(lambda port=8080 + number: not host.refuses("127.0.0.1", port), START, "it serves")
        pressed = interrupt(manager)
        assert_told(timed, BOTH, pressed)
        assert manager.wait(rest(pressed)) == 0


def test_ctrl_c_while_nobody_reads_what_a_copy_prints_for_ever(host, timed):
    """Its own output is full, and the copy's pipe to it; the copies get SIGTERM at once."""
    manager = host.start_manager(timed, read=False)
    read_until(manager.stdout, b"Ctrl-C")
    host.get("http://127.0.0.1:8081/flood")
    wait_until(lambda: is_full(manager.stdout), 5, "the pipe is full")
    pressed = interrupt(manager)
    assert_told(timed, BOTH, pressed)
    assert manager.wait(rest(pressed)) == 0


def published(host):
    """Return the host ports that the program's rules lead to a copy, as nft shows them."""
    shown = host.run(["nft", "list", "map", "inet", "uva_container", "published"]).stdout
    return {int(port) for port in re.findall(r"\b(9\d\d\d)\b", shown)}


def end_copies(host, ports):
    """Let the copies behind those ports end, each by itself, at the same time."""
    threads = [threading.Thread(target=host.get, args=(f"http://127.0.0.1:{port}/exit",)) for port in ports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("left", [0, 1])
def test_many_copies_end_while_nobody_reads_the_errors(host, many, tmp_path, left):
    """It notices each, whether it can tell or not; it ends with the last, and Ctrl-C reaches one that is left."""
    with FullPipes(tmp_path, 2) as full:
        manager = host.start_manager(many, FIRST_PORT, DYING + left, under=full.under).wait_ready()
        ports = range(FIRST_PORT, FIRST_PORT + DYING)
        begun = time.monotonic()
        end_copies(host, ports)
        if not left:
            assert manager.wait(rest(begun)) == 1
            return
        wait_until(lambda: published(host) == {FIRST_PORT + DYING}, rest(begun), "all are noticed")
        pressed = interrupt(manager)
        assert_told(many, [DYING + 1], pressed)
        assert manager.wait(rest(pressed)) == 0


# ---- The guardian ----------------------------------------------------------------------------------


def state(pid):
    """Return the letter for what a process does: S sleeps, T is stopped, t is stopped by a tracer."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]


def stop_process(pid):
    """Stop a process, until it gets SIGCONT."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: state(pid) == "T", AT_ONCE, "it is stopped")


def hang_process(pid):
    """Stop a process for good, as a tracer can: only SIGKILL ends it."""
    is_held = threading.Event()

    def trace():
        libc = ctypes.CDLL(None)
        for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
            libc.ptrace(*map(ctypes.c_long, (request, pid, 0, 0)))
        os.waitpid(pid, WALL)
        is_held.set()
        os.waitpid(pid, WALL)  # its end, of which its parent is told only then

    threading.Thread(target=trace, daemon=True).start()
    assert is_held.wait(AT_ONCE)


HOLDS = pytest.mark.parametrize("hold", [stop_process, hang_process])


@HOLDS
def test_ctrl_c_while_the_guardian_is_stopped(host, timed, hold):
    """The copies get SIGTERM at once; after a deadline the work is done without the guardian."""
    manager = host.start_manager(timed).wait_ready()
    hold(guardian(manager))
    assert_told(timed, BOTH, interrupt(manager))
    assert manager.wait(PATIENCE) in (0, 1)
    host.assert_as_before()


@HOLDS
def test_ctrl_c_while_the_guardian_is_stopped_before_it_answers(host, timed, hold):
    """The start never gets further; the program ends, and has made nothing."""
    make_rundir(host)
    with lock_held(host):
        manager = host.start_manager(timed)
        wait_takes_signals(manager)
        wait_until(lambda: is_at_the_lock(manager), START, "the guardian waits for the lock")
        hold(guardian(manager))
    manager.send(signal.SIGINT)
    assert manager.wait(PATIENCE) in (0, 1)
    host.assert_as_before()
    assert notes(timed, "started") == {}


# Each time that the manager has been told of something, it is held up for a second before it knows.
HELD_UP = ["strace", "-D", "-qq", "-o", "/dev/null", "-e", "inject=?epoll_wait,epoll_pwait,epoll_pwait2:delay_exit=1000000"]


def test_ctrl_c_at_the_moment_at_which_the_guardian_answers(host, timed):
    """The answer comes when Ctrl-C is acted on already: the guardian still hears that there is nothing to do."""
    make_rundir(host)
    with lock_held(host):
        manager = host.start_manager(timed, under=HELD_UP, env={"ASAN_OPTIONS": "detect_leaks=0"})
        wait_until(lambda: is_at_the_lock(manager), START, "the guardian waits for the lock")
        wait_until(lambda: state(manager.pid) == "S", START, "the manager waits for the guardian")
        manager.send(signal.SIGINT)
        wait_until(lambda: state(manager.pid) == "t", AT_ONCE, "the manager is held up")
    watcher = guardian(manager)
    wait_until(lambda: has_answered(watcher), AT_ONCE, "the guardian has answered")
    stop_process(watcher)  # not to be quicker than the manager, which wakes it
    assert state(manager.pid) == "t", "then the answer came too late, and this is no test"
    assert manager.wait(1 + AT_ONCE) == 0
    assert manager.err.lines == []
    assert notes(timed, "started") == {}
