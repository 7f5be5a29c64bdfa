# SPDX-License-Identifier: GPL-2.0-or-later
"""Init: reaps, passes signals on, ends with the program and tells how; and nothing of a copy outlives it."""

import os
import re
import signal
from pathlib import Path

import pytest
from harness import SANITIZED, Inside, processes_of, wait_until

AT_ONCE = 2.0
MEMORY_MOST = 400 * 1024
NOTES = 64 * 1024  # bytes: a piece of memory in which the manager notes what it knows about copies, or more

# Of these the kernel itself makes something else, or init needs them for itself.
NOT_PASSED_ON = {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}


class Copy(Inside):
    """A copy with a probe in it, and with its processes as the test run sees them."""

    def __init__(self, host, manager, number):
        """Its first process and its program, by their pids."""
        super().__init__(host, number)
        self.program = manager.copy_process(number)
        self.space = os.readlink(f"/proc/{self.program}/ns/pid")
        status = Path(f"/proc/{self.program}/status").read_text(encoding="ascii")
        self.init = int(re.search(r"^PPid:\s+(\d+)$", status, re.MULTILINE)[1])

    def processes(self):
        """Return the pids of all its processes."""
        return processes_of(self.space)

    def leave_some_behind(self):
        """Let it leave processes behind that belong to nobody and ignore every signal."""
        self.get("leave_behind", 3)
        assert len(self.processes()) >= 5


@pytest.fixture
def copies(host, probes):
    """Both copies, each a probe, in a run of the test's own."""
    running = host.start_manager(probes).wait_ready()
    return [running, *(Copy(host, running, number) for number in (1, 2))]


def sizes_without_name(pid):
    """Return the sizes in bytes of the memory that a process can write and that is neither a file's, heap nor stack."""
    text = Path(f"/proc/{pid}/maps").read_text(encoding="ascii")
    places = re.findall(r"^(\w+)-(\w+) rw-p \w+ 00:00 0 *$", text, re.MULTILINE)
    return [int(end, 16) - int(begin, 16) for begin, end in places]


def assert_gone(copy):
    """Nothing of it is left."""
    wait_until(lambda: not copy.processes(), AT_ONCE, lambda: f"nothing lives on; but: {copy.processes()}")


def assert_untouched(copy):
    """It answers, and is the one that it was."""
    assert copy.get("host_name") == f"copy-{copy.number}"
    assert {copy.init, copy.program} <= set(copy.processes())


def test_orphans_are_reaped(sandbox):
    """Many that end at once: after a moment there is none, as a zombie or otherwise."""
    copy = sandbox.copies[0]
    copy.get("end_orphans", 100)

    def nothing_left():
        found, program, child = copy.get("processes")
        return set(found) == {"1", program, child}

    wait_until(nothing_left, AT_ONCE, "no orphan is left")


def test_an_orphan_becomes_a_child_of_init(sandbox):
    """And can be ended by anybody there; init takes note."""
    copy = sandbox.copies[0]
    (pid,) = copy.get("leave_behind", 1)
    wait_until(lambda: copy.get("processes")[0][str(pid)]["parent"] == 1, AT_ONCE, "it has a new parent")
    copy.get("kill", pid, "SIGKILL")
    wait_until(lambda: str(pid) not in copy.get("processes")[0], AT_ONCE, "it is gone, not a zombie")


def test_every_signal_is_passed_on(copies):
    """What the host sends init arrives at the program, real-time signals too."""
    _, copy, other = copies
    expected = signal.valid_signals() - NOT_PASSED_ON
    copy.get("watch_signals", program=True)

    def missing(numbers):
        return numbers - set(copy.get("signals_seen", program=True))

    # One that continues and one that stops cancel each other as long as they are pending.
    for numbers in ({signal.SIGCONT}, expected - {signal.SIGCONT}):
        for number in numbers:
            os.kill(copy.init, number)
        wait_until(lambda now=numbers: not missing(now), AT_ONCE, lambda: f"all arrive; not yet: {missing(expected)}")
    assert_untouched(copy)
    assert_untouched(other)


def test_sigterm_to_init_ends_the_copy_as_the_program_ends(copies):
    """Its default action is the program's, and is told as such."""
    manager, copy, other = copies
    os.kill(copy.init, signal.SIGTERM)
    manager.err.wait_for(r"^uva_container: copy 1: ended by SIGTERM", AT_ONCE)
    assert_gone(copy)
    assert_untouched(other)


@pytest.mark.parametrize("end, told", [
    (("leave", 0), r"exited with status 0\b"),
    (("leave", 255), r"exited with status 255\b"),
    (("kill", 2, "SIGABRT"), r"ended by SIGABRT\b"),
    (("kill", 2, "SIGRTMIN"), r"ended by .*(34|RTMIN)\b"),
])
def test_it_ends_with_the_program_and_tells_how(copies, end, told):
    """Whatever else still lives there ends too; the other copy goes on."""
    manager, copy, other = copies
    copy.leave_some_behind()
    assert copy.refusal(*end, program=True) == "no answer"
    manager.err.wait_for(rf"^uva_container: copy 1: .*{told}", AT_ONCE)
    assert_gone(copy)
    assert_untouched(other)


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
@pytest.mark.parametrize("whom", ["program", "init"])
def test_killed_from_outside_nothing_lives_on(copies, whom, stopped):
    """SIGKILL to one of both, also while both are stopped: all of the copy is gone, and it is told."""
    manager, copy, other = copies
    copy.leave_some_behind()
    if stopped:
        for pid in (copy.program, copy.init):
            os.kill(pid, signal.SIGSTOP)
        if whom == "program":
            os.kill(copy.init, signal.SIGCONT)
    os.kill(getattr(copy, whom), signal.SIGKILL)
    manager.err.wait_for(r"^uva_container: copy 1: .*(killed|SIGKILL)", AT_ONCE)
    assert_gone(copy)
    assert_untouched(other)


def test_with_the_manager_both_copies_go(copies):
    """SIGKILL to the manager, while the copies have stopped processes and ones that ignore every signal."""
    manager, *both = copies
    for copy in both:
        copy.leave_some_behind()
    os.kill(both[0].program, signal.SIGSTOP)
    os.kill(both[1].init, signal.SIGSTOP)
    manager.send(signal.SIGKILL)
    for copy in both:
        assert_gone(copy)


def test_init_cannot_be_killed_from_inside(copies):
    """SIGKILL and SIGSTOP to pid 1: the kernel takes them, and nothing happens."""
    _, copy, other = copies
    for program in (False, True):
        for name in ("SIGKILL", "SIGSTOP"):
            copy.get("kill", 1, name, program=program)
    copy.get("end_orphans", 3)
    state = Path(f"/proc/{copy.init}/status").read_text(encoding="ascii")
    assert re.search(r"^State:\s+[SRD]", state, re.MULTILINE), "it is stopped"
    assert_untouched(copy)
    assert_untouched(other)


def test_kill_of_everybody_by_the_program(copies):
    """kill(-1): its children end. Init, the program itself and the other copy do not."""
    _, copy, other = copies
    copy.get("leave_behind", 2)
    assert copy.get("kill_all", "SIGKILL", program=True) == -signal.SIGKILL
    wait_until(lambda: set(copy.processes()) == {copy.init, copy.program}, AT_ONCE, "only these two are left")
    assert_untouched(copy)
    assert_untouched(other)


def test_kill_of_everybody_by_a_child(copies):
    """It ends the program, so the copy; and reaches nobody else on the machine."""
    manager, copy, other = copies
    assert copy.refusal("kill", -1, "SIGKILL") in ("", "no answer")  # the child itself lives a little longer
    manager.err.wait_for(r"^uva_container: copy 1: ended by SIGKILL", AT_ONCE)
    assert_gone(copy)
    assert_untouched(other)
    assert manager.running


@pytest.mark.parametrize("how", ["redirect", "close"])
def test_a_program_may_let_go_of_its_terminal(copies, how):
    """It goes on serving, can print by /dev/tty, and what it prints last before its end is shown."""
    manager, copy, other = copies
    copy.get("leave_terminal", how, program=True)
    # The manager has heard that nobody prints any more, if it has heard what the other one prints after that.
    other.get("print_on", "/dev/tty", "of the other one")
    manager.out.wait_for(r"^copy 2 \| of the other one$", AT_ONCE)
    assert_untouched(copy)
    copy.get("print_on", "/dev/tty", "once more", program=True)
    manager.out.wait_for(r"^copy 1 \| once more$", AT_ONCE)
    copy.get("print_on", "/dev/tty", "the last", program=True)
    copy.refusal("leave", 3, program=True)
    manager.err.wait_for(r"^uva_container: copy 1: exited with status 3\b", AT_ONCE)
    manager.out.wait_for(r"^copy 1 \| the last$", AT_ONCE)
    assert_gone(copy)
    assert_untouched(other)


def test_processes_of_the_host_are_not_there_to_be_signalled(sandbox):
    """Their numbers mean nothing in a copy."""
    for copy in sandbox.copies:
        for pid in (sandbox.manager.pid, os.getpid(), sandbox.program(3 - copy.number)):
            assert copy.refusal("kill", pid, "SIGCONT") == "ESRCH"


if not SANITIZED:  # which has a memory of its own

    def test_private_memory_of_init(sandbox):
        """What each copy costs beside its program, when it has done some work."""
        for number, copy in enumerate(sandbox.copies, 1):
            copy.get("end_orphans", 20)
            text = Path(f"/proc/{sandbox.init(number)}/smaps_rollup").read_text(encoding="ascii")
            private = sum(int(size) for size in re.findall(r"^Private_\w+:\s+(\d+) kB$", text, re.MULTILINE)) * 1024
            assert 0 < private < MEMORY_MOST

    def test_an_init_that_nothing_happens_to_gives_memory_back(host, stand_in):
        """The manager's notes are the largest piece without a name that an init is born with."""
        running = host.start_manager(stand_in).wait_ready()
        inits = [Copy(host, running, number).init for number in (1, 2)]
        wait_until(lambda: all(max(sizes_without_name(init)) < NOTES for init in inits), AT_ONCE, "given back")


def test_init_has_no_more_descriptors_than_it_needs(sandbox):
    """Standard streams, the manager's socket, the guardian's lifeline, its signals: above all no netlink socket."""
    for number in (1, 2):
        links = [os.readlink(path) for path in Path(f"/proc/{sandbox.init(number)}/fd").iterdir()]
        assert len(links) <= 6, links
