# SPDX-License-Identifier: GPL-2.0-or-later
"""portmux exec: one more program in a copy that runs, and its user's terminal."""

import os
import re
import signal
import termios

import pytest
from harness import PLAIN_USER, USER, Host, lay_out, wait_until

AT_ONCE = 5.0
GRACE = 5.0  # from SIGHUP to SIGKILL, when a client has gone
SLEEP = ("sleep", "3600")

# All that a process can see of the sandbox that it is in.
SHOWN = """
for space in cgroup ipc mnt net pid user uts; do readlink /proc/self/ns/$space; done
id; pwd; hostname; umask; env -u _ | sort
grep -E "^(Cap|NoNewPrivs|Seccomp|Uid|Gid|Groups|Sig[BIC])" /proc/self/status
cat /proc/self/limits /proc/self/cgroup /proc/self/mountinfo
ip -o address; ls -l /dev /tmp"""

# Who calls, and options: uid and gid of who has called sudo, of who calls without it, and who the copies are.
CALLERS = {
    "root": {},
    "sudo": {"sudo": USER},
    "another user": {"arguments": ("-u", "54778:54778")},
    "a plain user": {"user": PLAIN_USER},
}


class Running:
    """A run named web, and `portmux exec` beside it."""

    def __init__(self, host, project, *command, copies=1, arguments=(), **more):
        """Start it, and wait until it has begun."""
        self.host, self.project = host, project
        options = ("-n", str(copies), "--name", "web", "--files", "private", "-d", "copies", *arguments)
        self.manager = host.start_portmux(project, *options, "--", *command, **more).wait_ready()

    def exec(self, *command, copy=1, under=(), **more):
        """Run a command in a copy to its end, without a terminal."""
        argv = [*under, "./portmux", "exec", "web", str(copy), *command]
        return self.host.run(argv, cwd=self.project.path, check=False, **more)

    def start(self, *command, copy=1, **more):
        """Start a command in a copy."""
        return self.host.popen(["./portmux", "exec", "web", str(copy), *command], cwd=self.project.path, **more)

    def has(self, *command, copy=1):
        """Return whether a process with this command line is in a copy."""
        lines = self.exec("ps", "-eo", "args", copy=copy).stdout.splitlines()
        return " ".join(command) in lines


def as_user(user):
    """Return what runs a command as a plain user."""
    return ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups")


@pytest.fixture(scope="module")
def one_host():
    """A host for all tests that only look."""
    with Host(lan=False, own_dev=True) as host:
        yield lay_out(host)
        host.finish()


@pytest.fixture(scope="module")
def shared(one_host):
    """Two copies on it, of a program that does nothing, as a user who is not root."""
    project = one_host.project("/home/user/project")
    running = Running(one_host, project, *SLEEP, copies=2, arguments=("-u", "nobody"))
    yield running
    assert running.manager.stop() == 0


# ---- The sandbox -------------------------------------------------------------------------------


@pytest.mark.host(own_dev=True)
@pytest.mark.parametrize("caller", CALLERS.values(), ids=CALLERS)
def test_it_sees_what_the_program_sees(host, caller):
    """Namespaces, user, capabilities, filter, limits, control group, files, variables: one script says the same."""
    more = {"arguments": (), **caller}
    more["arguments"] += ("-e", "A=b c", "--ulimit", "nofile=300:400", "--ulimit", "core=1:2", "-w", "/tmp")
    project = host.home(caller.get("user", caller.get("sudo", 0)) or 54778)
    running = Running(host, project, "sh", "-c", f"{SHOWN}; echo end; exec sleep 3600", **more)
    running.manager.out.wait_for(r"\| end$")
    under = as_user(PLAIN_USER) if "user" in caller else ()
    shown = running.exec("sh", "-c", f"{SHOWN}; echo end", under=under)
    assert (shown.stderr, shown.returncode) == ("", 0)
    assert shown.stdout.splitlines() == running.manager.said(1)
    assert "A=b c" in shown.stdout and "COPY_NAME=web-1" in shown.stdout
    assert "CapEff:\t0000000000000000" in shown.stdout and "Seccomp:\t2" in shown.stdout
    assert shown.stderr == ""
    assert running.manager.stop() == 0


def test_its_variables_are_not_the_clients(shared):
    """Nothing of who asks is passed on."""
    shown = shared.exec("env", env={"OF_THE_CLIENT": "1", "COPY": "7", "SUDO_UID": "1"}).stdout
    assert "OF_THE_CLIENT" not in shown and "SUDO" not in shown
    assert "COPY=1" in shown.splitlines()


def test_what_the_filter_refuses_is_refused(shared):
    """A user namespace: without the filter everybody may make one."""
    refused = shared.exec("unshare", "--user", "true")
    assert refused.returncode == 1 and "Operation not permitted" in refused.stderr
    assert shared.host.run([*as_user(USER), "unshare", "--user", "true"]).returncode == 0


def test_it_is_in_the_copy_that_is_asked_for(shared):
    """By its number; it sees no process of another copy, and none of the host."""
    for number in (1, 2):
        shown = shared.exec("sh", "-c", "hostname; ps -eo args", copy=number).stdout.splitlines()
        assert shown[0] == f"web-{number}"
        assert shown.count(" ".join(SLEEP)) == 1
        assert not [line for line in shown if "exec" in line.split()[:2]]


def test_nothing_of_the_hosts_is_in_its_hands(shared):
    """Three pipes that belong to its user, who may open them by their names; nothing else is open."""
    script = "for fd in /proc/$$/fd/*; do readlink $fd; done; echo again >/dev/stdout; echo err >/dev/stderr"
    done = shared.exec("sh", "-c", script, stdin="")
    lines = done.stdout.splitlines()
    assert [re.sub(r"\d+", "N", line) for line in lines] == ["pipe:[N]"] * 3 + ["again"]
    assert len(set(lines)) == 4
    assert done.stderr == "err\n"


@pytest.mark.parametrize("user", ["nobody", "root"])
def test_who_starts_it_cannot_be_traced(host, project, user):
    """Nor looked into: by its files in /proc, the host's program and descriptors would be in reach."""
    running = Running(host, project, *SLEEP, arguments=("-u", user))
    script = "readlink /proc/$PPID/exe /proc/$PPID/fd/0; cat /proc/$PPID/maps; grep -c ^CapEff:.0*$ /proc/$PPID/status"
    done = running.exec("sh", "-c", script)
    assert done.stdout == "1\n"
    assert "maps: Permission denied" in done.stderr
    assert running.manager.stop() == 0


# Opens the host's program in the moment in which another process of the copy has become it; then writes to it.
GRASP = """
import os, pathlib
script = pathlib.Path("/tmp/becomes-the-hosts-program")
script.write_text("#!/proc/self/exe\\n")
script.chmod(0o755)
print("looking", flush=True)
seen = None
while seen is None:
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "exe").endswith("/portmux"):
                seen = os.open(process / "exe", os.O_PATH)
        except OSError:
            continue
try:
    os.open(f"/proc/self/fd/{seen}", os.O_WRONLY)
    print("it can be written")
except OSError as refused:
    print(refused.strerror)
"""


def test_the_hosts_program_cannot_be_written_to(host, project):
    """Also not by root's copies, which own the file: the manager executes it for as long as they live."""
    running = Running(host, project, *SLEEP, arguments=("-u", "root"))
    grasp = running.start("python3", "-c", GRASP)
    grasp.out.wait_for("looking")
    while grasp.running:
        running.exec("/tmp/becomes-the-hosts-program", "run", "--help")
    assert grasp.wait() == 0
    assert grasp.out.lines == ["looking", "Text file busy"]
    assert running.manager.stop() == 0


# ---- Input, output, exit status ----------------------------------------------------------------

STATUSES = {
    "success": (["true"], 0, ""),
    "failure": (["sh", "-c", "exit 7"], 7, ""),
    "a signal": (["sh", "-c", "kill -SEGV $$"], 128 + signal.SIGSEGV, ""),
    "not found": (["no-such"], 127, "portmux: copy 1: cannot execute no-such: No such file or directory\n"),
    "no program": (["/etc/passwd"], 126, "portmux: copy 1: cannot execute /etc/passwd: Permission denied\n"),
}


@pytest.mark.parametrize("command, status, said", STATUSES.values(), ids=STATUSES)
def test_the_exit_status_is_passed_on(shared, command, status, said):
    """As a shell has it; what could not be executed is told to the one who asks."""
    done = shared.exec(*command)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", said)
    assert shared.manager.complaints() == []


def test_input_and_both_outputs_are_passed_on(shared):
    """Each by itself, whole, to its end."""
    text = "".join(f"{number}\n" for number in range(500000))
    assert shared.exec("cat", stdin=text).stdout == text
    done = shared.exec("sh", "-c", "cat >&2; echo out", stdin=text)
    assert (done.stdout, done.stderr) == ("out\n", text)


def test_a_reader_that_goes_ends_the_program(shared):
    """By SIGPIPE, as in a pipeline without exec."""
    client = shared.start("yes", "until nobody reads", read=False)
    os.read(client.stdout, 100)
    client.close_stdout()
    assert client.wait() == 128 + signal.SIGPIPE


def test_a_process_left_behind_does_not_hold_the_client(shared):
    """It has the outputs still open, and writes to them."""
    client = shared.start("sh", "-c", "while echo more; do sleep 0.1; done & echo done")
    client.out.wait_for("done")
    assert client.wait() == 0
    wait_until(lambda: not shared.has("sleep", "0.1"), AT_ONCE, "the one left behind ends when nobody reads")


def test_many_at_once(shared):
    """Each gets its own answer."""
    clients = [shared.start("sh", "-c", f"read line; echo {number}; exit {number}") for number in range(40)]
    assert [client.wait() for client in clients] == list(range(40))
    assert [client.out.lines for client in clients] == [[str(number)] for number in range(40)]


# ---- What is not there -------------------------------------------------------------------------


def test_what_is_not_there_is_said(shared):
    """A copy, a run; arguments that are missing or wrong."""
    refused = shared.exec("true", copy=3)
    assert (refused.returncode, refused.stderr) == (125, "portmux: run web: there is no copy 3\n")
    argv = ["./portmux", "exec", "no-such-run", "1", "true"]
    refused = shared.host.run(argv, cwd=shared.project.path, check=False)
    assert (refused.returncode, refused.stderr) == (125, "portmux: there is no run named no-such-run\n")
    for arguments in ((), ("web",), ("web", "1"), ("web", "first", "true"), ("--unknown", "web", "1", "true")):
        argv = ["./portmux", "exec", *arguments]
        assert shared.host.run(argv, cwd=shared.project.path, check=False).returncode == 2, arguments


def test_help_is_given(shared):
    """Also of options behind the copy's number: they are the command's."""
    assert "Usage" in shared.exec("cat", "--help").stdout
    argv = ["./portmux", "exec", "--help"]
    assert shared.host.run(argv, cwd=shared.project.path).stdout.startswith("usage: portmux exec NAME COPY")


def test_a_copy_that_has_ended_cannot_be_entered(host, project):
    """Another one of the same run can."""
    running = Running(host, project, "sh", "-c", '[ "$COPY" = 2 ] && exit 1; exec sleep 3600', copies=2)
    running.manager.err.wait_for("copy 2")
    gone = "portmux: run web: there is no copy 2\n"
    wait_until(lambda: running.exec("true", copy=2).stderr == gone, AT_ONCE, "it has left")
    assert running.exec("true", copy=2).returncode == 125
    assert running.exec("true", copy=1).returncode == 0
    assert running.manager.stop() == 0


# ---- Who may -----------------------------------------------------------------------------------


@pytest.mark.host(own_dev=True)
def test_who_has_called_sudo_may_enter_without_it(host):
    """And is there who the copies are: the same user, in the sandbox."""
    running = Running(host, host.home(PLAIN_USER), *SLEEP, sudo=PLAIN_USER)
    done = running.exec("sh", "-c", "id -u; hostname", under=as_user(PLAIN_USER))
    assert (done.returncode, done.stdout) == (0, f"{PLAIN_USER}\nweb-1\n")
    refused = running.exec("true", under=as_user(54778))
    assert refused.returncode == 125 and refused.stderr != ""
    assert running.manager.stop() == 0


# ---- Ends --------------------------------------------------------------------------------------

TRAP = 'trap "echo caught; exit 3" TERM INT; echo set; while :; do sleep 0.05; done'


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_client_is_the_programs(shared, number):
    """Which may do with it what it wants, and the client waits for what comes of it."""
    client = shared.start("sh", "-c", TRAP)
    client.out.wait_for("set")
    client.send(number)
    assert client.wait() == 3
    assert client.out.lines == ["set", "caught"]
    client = shared.start(*SLEEP, "1")
    wait_until(lambda: shared.has(*SLEEP, "1"), AT_ONCE, "it runs")
    assert client.stop(number) == 128 + number


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_a_client_that_goes_takes_the_program_with_it(shared, number):
    """The program gets SIGHUP, as if its terminal had gone; and its children do."""
    client = shared.start("sh", "-c", "sleep 7 & echo set; wait")
    client.out.wait_for("set")
    client.send(number)
    assert client.wait() == {signal.SIGHUP: 128 + signal.SIGHUP, signal.SIGKILL: -signal.SIGKILL}[number]
    wait_until(lambda: not shared.has("sleep", "7"), AT_ONCE, "the program has ended")


def test_a_program_that_does_not_mind_is_killed(shared):
    """A while after SIGHUP."""
    client = shared.start("sh", "-c", 'trap "" HUP TERM; echo set; exec sleep 3601')
    client.out.wait_for("set")
    client.send(signal.SIGKILL)
    client.wait()
    wait_until(lambda: not shared.has("sleep", "3601"), GRACE + AT_ONCE, "the program has ended")


def test_a_copy_that_ends_ends_it(host, project):
    """However many are in it; the run ends as it does without them, and nothing is left."""
    running = Running(host, project, *SLEEP, copies=2)
    inside = [running.start("sh", "-c", 'trap "" TERM HUP INT; echo set; exec sleep 3601') for _ in range(5)]
    for client in inside:
        client.out.wait_for("set")
    assert running.exec("kill", "-TERM", "1").returncode in (0, 128 + signal.SIGKILL)
    assert [client.wait() for client in inside] == [128 + signal.SIGKILL] * 5
    last = running.start(*SLEEP, copy=2)
    wait_until(lambda: running.exec("pgrep", "-c", "sleep", copy=2).stdout == "2\n", AT_ONCE, "it runs")
    assert running.manager.stop() == 0
    assert last.wait() == 128 + signal.SIGKILL


def test_a_manager_that_is_killed_takes_it_along(host, project):
    """The client says what has happened; the host is as it was."""
    running = Running(host, project, *SLEEP)
    client = running.start("sh", "-c", 'trap "" TERM HUP INT; echo set; exec sleep 3601')
    client.out.wait_for("set")
    running.manager.send(signal.SIGKILL)
    assert client.wait() == 125
    assert client.err.lines == ["portmux: run web: has just ended"]
    running.manager.wait()


# ---- A terminal --------------------------------------------------------------------------------

TERMINAL = {"terminal": True, "env": {"PATH": "/usr/bin:/bin", "TERM": "vt220"}}


def is_as_it_was(client):
    """Return whether its terminal has the modes of a new one: without an echo, see Process."""
    master, slave = os.openpty()
    new = termios.tcgetattr(slave)
    os.close(master)
    os.close(slave)
    new[3] &= ~termios.ECHO
    return client.modes() == new


def is_raw(client):
    """Return whether what is typed passes at once."""
    return not client.modes()[3] & termios.ICANON


def test_a_terminal_is_the_copys_own(shared):
    """In its /dev/pts, of the same kind and size as the user's, which is nowhere in the copy."""
    script = "stty size; echo $TERM; for fd in 0 1 2; do readlink /proc/$$/fd/$fd; done; tty; echo shown; read end"
    client = shared.start("sh", "-c", script, **TERMINAL)
    client.out.wait_for("^shown")
    size, kind, *names = client.out.lines[:-1]
    assert (size, kind) == ("0 0", "vt220")
    assert re.fullmatch(r"/dev/pts/\d+", names[0]) and names == names[:1] * 4
    assert os.path.basename(names[0]) in shared.exec("ls", "/dev/pts").stdout.split()
    client.type("\r")
    assert client.wait() == 0


def test_a_new_size_is_passed_on(shared):
    """With SIGWINCH."""
    client = shared.start("sh", "-c", 'trap "stty size" WINCH; echo set; while :; do sleep 0.05; done', **TERMINAL)
    client.out.wait_for("^set")
    client.resize(33, 121)
    client.out.wait_for("^33 121")
    assert client.stop() == 128 + signal.SIGTERM


def test_what_is_typed_is_the_programs(shared):
    """Ctrl-C interrupts it, by its own terminal; Ctrl-D ends its input; it is typed by a raw terminal."""
    client = shared.start("sh", "-c", 'trap "echo caught" INT; sleep 9; cat', **TERMINAL)
    wait_until(lambda: shared.has("sleep", "9"), AT_ONCE, "it runs")
    assert is_raw(client)
    client.type("\x03")
    client.out.wait_for("caught$")
    client.type("line\r\x04")
    assert client.wait() == 0
    assert client.out.lines[-2:] == ["line", "line"]


ENDS = {
    "by itself": lambda client, shared: client.type("\r"),
    "by a signal to the client": lambda client, shared: client.send(signal.SIGTERM),
    "by one that ends the client": lambda client, shared: client.send(signal.SIGHUP),
    "by a signal in the copy": lambda client, shared: shared.exec("pkill", "-KILL", "-f", "read end"),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_the_terminal_is_as_it_was(shared, end):
    """However the command ends."""
    client = shared.start("sh", "-c", "echo set; read end", **TERMINAL)
    client.out.wait_for("^set")
    wait_until(lambda: is_raw(client), AT_ONCE, "the terminal is raw")
    end(client, shared)
    client.wait()
    assert is_as_it_was(client)


def test_the_terminal_is_as_it_was_after_the_manager_was_killed(host, project):
    """What is said then begins at the beginning of a line."""
    running = Running(host, project, *SLEEP)
    client = running.start("sh", "-c", "echo set; read end", **TERMINAL)
    client.out.wait_for("^set")
    running.manager.send(signal.SIGKILL)
    assert client.wait() == 125
    assert client.out.lines[-1] == "portmux: run web: has just ended"
    assert is_as_it_was(client)
    running.manager.wait()


def test_a_terminal_that_goes_takes_the_program_with_it(shared):
    """Its window was closed."""
    client = shared.start("sh", "-c", "echo set; sleep 8", **TERMINAL)
    client.out.wait_for("^set")
    client.hang_up()
    client.wait()
    wait_until(lambda: not shared.has("sleep", "8"), AT_ONCE, "the program has ended")


def test_what_cannot_be_executed_is_told_on_a_terminal(shared):
    """With the same status."""
    client = shared.start("no-such-program", **TERMINAL)
    assert client.wait() == 127
    assert client.out.lines == ["portmux: copy 1: cannot execute no-such-program: No such file or directory"]
