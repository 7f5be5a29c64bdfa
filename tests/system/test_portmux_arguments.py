# SPDX-License-Identifier: GPL-2.0-or-later
"""The arguments of `portmux run`: each bad one has a line of its own, before anything is made."""

import pytest
from harness import Host

COMMAND = ("--", "true")
RANGE = "port numbers go from 1 to 65535"
COUNT = "from 1 to 1023 are possible"
NAME = "letters, digits, _ . and -, a letter or digit first, 40 at most"
ULIMIT = "NAME=SOFT[:HARD], such as nofile=1024:4096"
SECONDS = "seconds, more than 0, 3600 at most"
HEALTH = "http:/PATH, tcp, exec:COMMAND or notify"
NO_HEALTH_PORT = "no TCP port is published at which the copies' health could be checked (-p)"
NO_COMMAND = "no command: portmux run [OPTION]... [--] COMMAND"
NO_OPTION = "there is no such option"

# Options, and what is said of them, in a line each.
BAD_PORTS = [
    (("-p", "0:80"), f'0:80: "0" is no port: {RANGE}'),
    (("-p", "80:0"), f'80:0: "0" is no port: {RANGE}'),
    (("-p", "65536:80"), f'65536:80: "65536" is no port: {RANGE}'),
    (("-p", "80:65536"), f'80:65536: "65536" is no port: {RANGE}'),
    (("-p", "4294967376:80"), f'4294967376:80: "4294967376" is no port: {RANGE}'),
    (("-p", "http:80"), f'http:80: "http" is no port: {RANGE}'),
    (("-p", "80:http"), f'80:http: "http" is no port: {RANGE}'),
    (("-p", "-1:80"), f'-1:80: "" is no port: {RANGE}'),
    (("-p", "8081-:80"), f'8081-:80: "" is no port: {RANGE}'),
    (("-p", "8081-65536:80"), f'8081-65536:80: "65536" is no port: {RANGE}'),
    (("-p", "8081 :80"), f'8081 :80: "8081 " is no port: {RANGE}'),
    (("-p", "80/sctp"), '80/sctp: "sctp" is no protocol: tcp or udp'),
    (("-p", ""), '"" is no mapping: [[ADDRESS:]HOSTPORT:]PORT[/tcp|/udp]'),
    (("-p", "here:8081:80"), 'here:8081:80: "here" is no address: 192.0.2.1 or [2001:db8::1]'),
    (("-p", "8082-8081:80"), "8082-8081:80: the range ends before it begins"),
    (("-p", "8081-8082+:80"), "8081-8082+:80: a range, or an open range with +, not both"),
    (("-n", "3", "-p", "8081-8082:80"), "8081-8082:80: 2 host ports for 3 copies"),
    (("-n", "3", "-p", "65534+:80"), "65534+:80: 3 ports from 65534 on: port numbers end at 65535"),
    (
        ("-n", "4", "-p", "8081-8084:80", "-p", "8084-8087:81"),
        "8081-8084:80 and 8084-8087:81 overlap: a host port leads to one port",
    ),
    (("-p", "8081:80", "-p", "8081:80"), "8081:80 and 8081:80 overlap: a host port leads to one port"),
    (
        ("-n", "4", "-p", "8084:80", "-p", "8081+:80"),
        "8084:80 and 8081+:80 overlap: a host port leads to one port",
    ),
]

BAD_OPTIONS = [
    (("-n", "0"), f"--copies 0: {COUNT}"),
    (("-n", "1024"), f"--copies 1024: {COUNT}"),
    (("-n", "-1"), f"--copies -1: {COUNT}"),
    (("--copies=two",), f"--copies two: {COUNT}"),
    (("--wrong",), f"--wrong: {NO_OPTION}, or not with an argument"),
    (("--json=yes",), f"--json=yes: {NO_OPTION}, or not with an argument"),
    (("-Z",), f"-Z: {NO_OPTION}"),
    (("-qZ",), f"-Z: {NO_OPTION}"),
    (("--name", "a/b"), f"--name a/b: {NAME}"),
    (("--name", ".."), f"--name ..: {NAME}"),
    (("--name", "x" * 41), f"--name {'x' * 41}: {NAME}"),
    (("--env", "=value"), "--env =value: NAME=VALUE, or NAME"),
    (("--ulimit", "nofile"), f"--ulimit nofile: {ULIMIT}"),
    (("--ulimit", "nofile=2:1"), f"--ulimit nofile=2:1: {ULIMIT}"),
    (("--ulimit", "nofiles=2"), f"--ulimit nofiles=2: {ULIMIT}"),
    (("--memory", "64x"), "--memory 64x: a number of bytes, such as 64m or 2g"),
    (("--memory", "0"), "--memory 0: a number of bytes, such as 64m or 2g"),
    (("--memory", "99999999999g"), "--memory 99999999999g: a number of bytes, such as 64m or 2g"),
    (("--cpus", "0"), "--cpus 0: a number of processors, such as 0.5"),
    (("--cpus", "half"), "--cpus half: a number of processors, such as 0.5"),
    (("--pids", "0"), "--pids 0: a number of processes"),
    (("--pids", "1.5"), "--pids 1.5: a number of processes"),
    (("--grace", "0"), f"--grace 0: {SECONDS}"),
    (("--grace", "1h"), f"--grace 1h: {SECONDS}"),
    (("--grace", "3601"), f"--grace 3601: {SECONDS}"),
    (("--health", "http"), f"--health http: {HEALTH}"),
    (("--health", "http:health"), f"--health http:health: {HEALTH}"),
    (("--health", "http:/a b"), f"--health http:/a b: {HEALTH}"),
    (("--health", "http:/a\r\nX: y"), f"--health http:/a??X: y: {HEALTH}"),
    (("--health", f"http:/{'x' * 1024}"), f"--health http:/{'x' * 1024}: {HEALTH}"),
    (("--health", "tcp:80"), f"--health tcp:80: {HEALTH}"),
    (("--health", "exec:"), f"--health exec:: {HEALTH}"),
    (("--health", "notified"), f"--health notified: {HEALTH}"),
    (("--health", ""), f"--health : {HEALTH}"),
    (("--health", "http:/"), NO_HEALTH_PORT),
    (("--health", "tcp", "-p", "8081:80/udp"), NO_HEALTH_PORT),
    (("--health-interval", "0"), f"--health-interval 0: {SECONDS}"),
    (("--health-interval", "1s"), f"--health-interval 1s: {SECONDS}"),
    (("--health-timeout", "3600.1"), f"--health-timeout 3600.1: {SECONDS}"),
    (("--health-retries", "0"), "--health-retries 0: a number from 1 to 1000"),
    (("--health-retries", "1001"), "--health-retries 1001: a number from 1 to 1000"),
    (("--health-interval", "2"), "--health-interval: what to check is missing (--health)"),
    (("--restart-unhealthy",), "--restart-unhealthy: what to check is missing (--health)"),
    (("--restart", "sometimes"), "--restart sometimes: no, on-failure or always"),
    (("--files", "own"), "--files own: overlay, shared or private"),
    (("--state", ""), '--state "": is no directory'),
    (("--state", "/etc/passwd"), "/etc/passwd: cannot be used (--state): Not a directory"),
    (("--state", "/etc/passwd/x"), "/etc/passwd/x: cannot be used (--state): Not a directory"),
    (("-w", "below"), "--workdir below: is no absolute path"),
    (("-w", "/no/such"), "--workdir /no/such: No such file or directory"),
    (("-w", "/etc/passwd"), "--workdir /etc/passwd: Not a directory"),
    (("-u", ""), '--user "": is no user'),
    (("-u", "no_one"), "no_one: there is no such user (--user)"),
    (("-u", "4294967295:1"), "4294967295: there is no such user (--user)"),
    (("-u", "nobody:no_ones"), "no_ones: there is no such group (--user)"),
]

BAD_COMMANDS = [
    ((), NO_COMMAND),
    (("--",), NO_COMMAND),
    (("",), NO_COMMAND),
    (("no_such",), "no_such: no such command in PATH"),
    (("passwd_file",), "passwd_file: no such command in PATH"),
    (("./no_such",), "./no_such: No such file or directory"),
    (("/no/such",), "/no/such: No such file or directory"),
    (("/etc/passwd",), "/etc/passwd is not executable (chmod +x)"),
    (("/etc",), "/etc is a directory, not a program"),
    (("./",), "./ is a directory, not a program"),
    (("--", "-n", "0"), "-n: no such command in PATH"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A host and a project, of which nothing may have changed in the end; a home directory."""
    directory = tmp_path_factory.mktemp("arguments")
    with Host() as host:
        project = host.project(directory / "project")
        (directory / "home").mkdir()
        yield host, project, directory / "home"
        host.finish()


def run(place, *arguments, **options):
    """Run it to its end, which comes by itself; return it, and its exit code."""
    host, project, home = place
    manager = host.start_portmux(project, *arguments, env={"HOME": str(home)}, **options)
    return manager, manager.wait()


def lines_of(place, *arguments):
    """Return what is said of arguments that are refused; nothing has been made."""
    host, project, home = place
    before = sorted(project.there("").iterdir())
    manager, code = run(place, *arguments)
    assert (code, manager.out.lines) == (2, [])
    assert not list(home.iterdir())
    assert set(project.there("").iterdir()) <= {*before, project.there("portmux")}
    assert "portmux" not in host.run(["nft", "list", "tables"]).stdout
    assert all(line.startswith("portmux: ") for line in manager.err.lines)
    return [line.removeprefix("portmux: ") for line in manager.err.lines]


@pytest.mark.parametrize("options, said", BAD_PORTS)
def test_a_bad_mapping_is_refused(place, options, said):
    """It is named as it was written, with the reason."""
    assert lines_of(place, *options, *COMMAND) == [said]


@pytest.mark.parametrize("options, said", BAD_OPTIONS)
def test_a_bad_option_is_refused(place, options, said):
    """Its value is named, and what would be right."""
    assert lines_of(place, *options, *COMMAND) == [said]


@pytest.mark.parametrize("command, said", BAD_COMMANDS)
def test_a_command_that_cannot_be_run_is_refused(place, command, said):
    """Before a copy has tried."""
    assert lines_of(place, *command) == [said]


@pytest.mark.parametrize("option", ["-n", "--copies", "-p", "--name", "--grace"])
def test_an_option_without_its_argument_is_refused(place, option):
    """At the end, where nothing comes after it: so the command is missing, too."""
    assert lines_of(place, option) == [f"{option}: an argument is missing", NO_COMMAND]


def test_each_bad_argument_has_a_line(place):
    """All at once: whoever has made three mistakes need not find them one by one."""
    bad = ("-n", "0", "-p", "x:80", "--name", "/", "--wrong", "-w", "below", "--memory", "much")
    assert lines_of(place, *bad, "-u", "no_one", "--", "no_such") == [
        f"--copies 0: {COUNT}",
        f'x:80: "x" is no port: {RANGE}',
        f"--name /: {NAME}",
        f"--wrong: {NO_OPTION}, or not with an argument",
        "--workdir below: is no absolute path",
        "--memory much: a number of bytes, such as 64m or 2g",
        "no_such: no such command in PATH",
        "no_one: there is no such user (--user)",
    ]


def test_each_bad_mapping_has_a_line(place):
    """Too short, too high, overlapping: of three mappings, three lines."""
    bad = ("-n", "3", "-p", "8081-8082:80", "-p", "65534+:81", "-p", "9000+:82", "-p", "9002+:83")
    assert lines_of(place, *bad, *COMMAND) == [
        "8081-8082:80: 2 host ports for 3 copies",
        "65534+:81: 3 ports from 65534 on: port numbers end at 65535",
        "9000+:82 and 9002+:83 overlap: a host port leads to one port",
    ]


def test_a_state_directory_in_the_project_is_refused_with_overlay(place):
    """It would be a part of what the overlay is over. Also by a symbolic link, and where it is not there yet."""
    _, project, home = place
    link = home.parent / "link"
    link.symlink_to(project.path)
    for given, meant in (("state", "/state"), (".", ""), (f"{project.path}/a/b", "/a/b"), (f"{link}/state", "/state")):
        assert lines_of(place, "-d", given, *COMMAND) == [
            f"{project.path}{meant}: lies in {project.path}, over which the overlay is: "
            "use another directory (--state)"
        ]


def test_a_program_that_no_copy_would_see_is_refused(place):
    """It lies in /tmp, and each copy has a /tmp of its own; what is in the project is seen there."""
    _, project, home = place
    for program in (home.parent / "outside", project.there("inside")):
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    outside = home.parent / "outside"
    said = "no copy sees it there, where each has its own files: use another directory"
    assert lines_of(place, str(outside)) == [f"{outside}: {said}"]
    assert run(place, "-d", home.parent / "state", f"{project.path}/inside")[1] == 0


# ---- What is no mistake ----


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_names_all_options(place, option):
    """On stdout, with exit code 0, without a command."""
    manager, code = run(place, option)
    assert (code, manager.err.lines) == (0, [])
    assert manager.out.lines[0] == "usage: portmux run [OPTION]... [--] COMMAND [ARGUMENT]..."
    text = " ".join(manager.out.lines)
    for name in "copies publish files state name env workdir user ulimit memory cpus pids restart grace json".split():
        assert f"--{name} " in text
    for name in ("health", "health-interval", "health-timeout", "health-retries", "restart-unhealthy"):
        assert f"--{name} " in text
    assert "--quiet" in text and "--version" in text
    assert max(map(len, manager.out.lines)) <= 80


@pytest.mark.parametrize("arguments", [("run", "-V"), ("run", "--version"), ("-V",), ("--version",)])
def test_the_version_is_told(place, arguments):
    """One line, the same everywhere."""
    host, project, _ = place
    run(place, "-V")  # the program is put there with the first run
    done = host.run(["./portmux", *arguments], cwd=project.path)
    assert done.stderr == ""
    assert done.stdout.startswith("portmux 0.") and done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    "arguments, said",
    [
        ((), ""),
        (("walk",), "portmux: walk: there is no such command\n"),
        (("-n", "2"), "portmux: -n: there is no such command\n"),
    ],
)
def test_without_a_known_subcommand_usage_is_told(place, arguments, said):
    """On stderr, exit code 2; as help it goes to stdout."""
    host, project, _ = place
    run(place, "-V")
    usage = host.run(["./portmux", "--help"], cwd=project.path).stdout
    assert usage.startswith("usage: portmux COMMAND")
    done = host.run(["./portmux", *arguments], check=False, cwd=project.path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said + usage)


@pytest.mark.parametrize("separator", [(), ("--",)])
def test_the_options_of_the_command_are_its_own(place, tmp_path, separator):
    """Also those that look like ours; a second -- as well."""
    manager, code = run(place, "-q", "-d", tmp_path / "state", *separator, "echo", "-h", "--json", "--", "-n", "0")
    assert (code, manager.out.lines) == (0, ["copy 1 | -h --json -- -n 0"])


def test_the_name_is_that_of_the_command(place, tmp_path):
    """Without its directory; what cannot be in a name is left out."""
    _, project, _ = place
    program = project.there("a server,v2")
    program.write_text("#!/bin/sh\necho $COPY_NAME\n")
    program.chmod(0o755)
    for command in ("./a server,v2", f"{project.path}/a server,v2"):
        manager, code = run(place, "-d", tmp_path / "state", command)
        assert (code, manager.said(1)) == (0, ["aserverv2-1"])
    program.unlink()
