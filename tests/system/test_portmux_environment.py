# SPDX-License-Identifier: GPL-2.0-or-later
"""--env, --workdir, --user: what a copy of portmux is told, where it begins, who it is."""

import pytest
from harness import PLAIN_USER, WITHOUT_ROOT, Host, lay_out

STATE = ("-d", "/srv/state")
MANY_ARGUMENTS = 20_000
TOLD = 'echo "$COPY $COPY_NAME ${HOST_PORT-none} ${HOST_PORT_8080-none} ${HOST_PORT_53-none}"; hostname'
WHO = 'echo "$(id -u) $(id -g) $(id -G) $HOME ${USER-none} ${LOGNAME-none}"; : >made; stat -c "%u %g" made'


@pytest.fixture(scope="module")
def one_host():
    """A host for all tests, on which nothing is left behind in the end; also for a plain user."""
    with Host(own_dev=True) as host:
        yield lay_out(host)
        host.finish()


@pytest.fixture
def place(one_host):
    """A host and a project in a home directory, empty for each test."""
    yield one_host, one_host.project("/home/user/project")
    one_host.run(["find", "/home", "/srv", "-mindepth", "1", "-delete"])


def run(place, script, *options, copies=1, **more):
    """Run a shell script as copies, to their end; return what each of them has said."""
    host, project = place
    manager = host.start_portmux(project, "-n", str(copies), *STATE, *options, "--", "sh", "-c", script, **more)
    assert manager.wait() == 0
    said = [manager.said(number) for number in range(1, copies + 1)]
    return said if copies > 1 else said[0]


def test_a_copy_is_told_its_number_its_name_and_its_host_ports(place):
    """The first mapping's is HOST_PORT; each has a name with the port that the program listens on."""
    ports = ("-p", "8081+:8080", "-p", "9001-9009:53/udp", "-p", "9011-9012:53")
    said = run(place, TOLD, "--name", "web", *ports, copies=2)
    assert said == [[f"{n} web-{n} {8080 + n} {8080 + n} {9010 + n}", f"web-{n}"] for n in (1, 2)]
    assert run(place, TOLD) == ["1 sh-1 none none none", "sh-1"]


def test_what_portmux_is_told_does_not_reach_the_copies(place):
    """A service manager's socket, by which a copy would say "ready" for the run; what was told to us as a copy."""
    env = {"NOTIFY_SOCKET": "@nobody", "HOST_PORT": "1", "HOST_PORT_8080": "2", "COPY": "7", "COPY_NAME": "x"}
    said = run(place, f"{TOLD}; echo ${{NOTIFY_SOCKET-none}}", "-p", "8081:8080", env=env)
    assert said == ["1 sh-1 8081 8081 none", "sh-1", "none"]


def test_variables_are_given_and_passed_on(place):
    """NAME=VALUE sets, NAME alone passes on, as the rest is passed on; the last one counts; ours are not hidden."""
    options = ("-e", "A=a b=c", "--env=EMPTY=", "-e", "B=1", "-e", "B=2", "-e", "PASSED", "-e", "MISSING")
    script = 'echo "$A|$EMPTY|$B|$PASSED|${MISSING-none}|$HOME|$ELSE"'
    said = run(place, script, *options, "-e", "HOME=/h", env={"PASSED": "p", "ELSE": "e", "A": "not this"})
    assert said == ["a b=c||2|p|none|/h|e"]


def test_the_search_path_is_the_one_that_is_given(place):
    """As of env(1): PATH=... COMMAND."""
    host, project = place
    project.there("bin").mkdir()
    project.there("bin/tool").write_text("#!/bin/sh\necho found\n")
    project.there("bin/tool").chmod(0o755)
    for path in (f"{project.path}/bin:/bin", "bin", "/none:bin"):
        manager = host.start_portmux(project, *STATE, "-e", f"PATH={path}", "tool")
        assert (manager.wait(), manager.said(1)) == (0, ["found"])


def test_a_script_that_names_no_interpreter_is_for_sh(place):
    """As of execvp(3), also with more arguments than there was room for elsewhere."""
    host, project = place
    project.there("script").write_text("echo $#\n")
    project.there("script").chmod(0o755)
    for count in (0, 1, MANY_ARGUMENTS):
        manager = host.start_portmux(project, *STATE, "--", "./script", *["x"] * count)
        assert (manager.wait(), manager.said(1)) == (0, [str(count)])


@pytest.mark.parametrize("files", ["overlay", "shared", "private"])
def test_it_begins_in_the_directory_that_is_asked_for(place, files):
    """Below the project, elsewhere, and in what every copy has of its own."""
    place[1].there("below").mkdir()
    for directory in (f"{place[1].path}/below", "/", "/usr/share", "/tmp"):
        assert run(place, "pwd -P; echo $PWD", "--files", files, "-w", directory) == [directory] * 2


@pytest.mark.parametrize(
    "user, who",
    [
        ("nobody", "65534 65534 65534 /nonexistent nobody nobody"),
        ("65534", "65534 65534 65534 /nonexistent nobody nobody"),
        ("nobody:root", "65534 0 0 65534 /nonexistent nobody nobody"),
        ("54321:12345", "54321 12345 12345 /root none none"),
        ("root", "0 0 0 /root root root"),
    ],
)
def test_a_copy_is_the_user_that_is_asked_for(place, user, who):
    """With that user's groups and home; what it makes in the directory is that user's."""
    place[1].there("").chmod(0o755)
    said = run(place, WHO, "-u", user)
    assert said == [who, " ".join(who.split()[:2])]
    assert not place[1].there("made").exists()


def test_a_number_without_a_name_needs_a_group(place):
    """Which group, nobody can say."""
    host, project = place
    manager = host.start_portmux(project, *STATE, "-u", "54321", "true")
    assert manager.wait() == 2
    assert manager.err.lines == ["portmux: user 54321 has no entry in passwd: name a group, too: 54321:GID"]


def test_a_plain_user_may_be_asked_for_by_that_user_only(place):
    """That user may name him- or herself; anybody else needs root, which is said before anything is made."""
    host, project = place
    project.give_to(PLAIN_USER)
    host.run(["install", "-d", "-o", PLAIN_USER, "-g", PLAIN_USER, "/srv/state"])
    under = ["setpriv", f"--reuid={PLAIN_USER}", f"--regid={PLAIN_USER}", "--clear-groups"]
    manager = host.start_portmux(project, *STATE, "-u", "nobody", "true", under=under)
    assert manager.wait() == 2
    assert manager.err.lines == ["portmux: only root can run copies as user nobody (--user)"]
    own = f"{PLAIN_USER}:{PLAIN_USER}"
    manager = host.start_portmux(project, *STATE, "-u", own, "sh", "-c", "id -u; id -g", under=under)
    assert (manager.wait(), manager.said(1)) == (0, [str(PLAIN_USER)] * 2)
    assert not [line for line in manager.err.lines if "cannot" in line and not WITHOUT_ROOT.match(line)]
