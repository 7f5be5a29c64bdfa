# SPDX-License-Identifier: GPL-2.0-or-later
"""Started by a plain user: the same run, in a user namespace, and pasta leads the host's ports into it."""

import os
import re
from pathlib import Path

import pytest
from faults.anatomy import guardian
from harness import OPEN, PLAIN_USER, REFUSED, SILENT, WITHOUT_ROOT, Host, Scene, Snapshot, ask, outcomes

REPORTER = Path(__file__).with_name("reporter.py")
BOTH = (1, 2)
LAN, LAN6 = "198.51.100.1", "2001:db8:1::1"
CLIENT, CLIENT6 = "198.51.100.2", "2001:db8:1::2"
OTHER_USER = 1001
GROUPS = (44, 1234)  # further groups of the user
CAPABILITY_SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
READY_LINES = [
    "copy 1: http://localhost:8081/  files copies/1/files  log copies/1/tmp/http_recorder.log",
    "copy 2: http://localhost:8082/  files copies/2/files  log copies/2/tmp/http_recorder.log",
    "Ctrl-C stops them.",
]


@pytest.fixture(scope="module")
def reporters():
    """A run of a user who has further groups; both copies listen on IPv4 and IPv6, and say whom they see."""
    with Host(own_dev=True) as host:
        home = host.home(PLAIN_USER)
        home.install(REPORTER)
        groups = ",".join(map(str, GROUPS))
        user = ["setpriv", f"--reuid={PLAIN_USER}", f"--regid={PLAIN_USER}", f"--groups={groups}"]
        yield Scene(host, home, under=user)
        host.finish()


@pytest.fixture(scope="module")
def recorders():
    """A run with the real http_recorder.py, which listens on IPv4 only."""
    with Host(own_dev=True) as host:
        # As systemd-logind makes it, and not all hosts have it.
        host.run(["install", "-d", "-m", "700", "-o", PLAIN_USER, "-g", PLAIN_USER, f"/run/user/{PLAIN_USER}"])
        host.remember()
        yield Scene(host, host.home(PLAIN_USER), user=PLAIN_USER)
        host.finish()


def as_user(user, *command):
    """Return a command that runs another as a user, without further groups."""
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]


def status(pid):
    """Return /proc/PID/status, by the names of its lines."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


# ---- The ports -------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", LAN, "::1", LAN6])
def test_the_host_reaches_both_copies(reporters, address):
    """By each of its addresses, over IPv4 and IPv6."""
    assert [ask(reporters.host, address, 8080 + number).copy for number in BOTH] == [1, 2]


def test_localhost_is_answered(recorders):
    """By name, as a browser has it: where [::1] comes first it is refused, and 127.0.0.1 answers."""
    for number in BOTH:
        assert recorders.host.get(f"http://localhost:{8080 + number}/").status == 200


@pytest.mark.parametrize("address, client", [(LAN, CLIENT), (LAN6, CLIENT6)], ids=["IPv4", "IPv6"])
def test_a_copy_sees_the_real_address_of_a_client_on_the_lan(reporters, address, client):
    """Not pasta's, nor the host's; and the port that the client has as well."""
    for number in BOTH:
        source = (client, 40000 + number)
        answer = ask(reporters.client, address, 8080 + number, source=source)
        assert (answer.copy, answer.peer, answer.port) == (number, *source)


def test_http_recorder_logs_the_real_address_of_a_client(recorders):
    """In the line that it prints for each request."""
    assert recorders.client.get(f"http://{LAN}:8082/from-the-lan").status == 404
    recorders.manager.out.wait_for(rf'^copy 2 \| {CLIENT} - - .*"GET /from-the-lan HTTP/1.1" 404 -$')


def test_http_recorder_is_refused_at_once_over_ipv6(recorders):
    """It listens on IPv4 only, so pasta does as well: a browser that tries [::1] falls back without a delay."""
    ports = [8080 + number for number in BOTH]
    for node, address in ((recorders.host, "::1"), (recorders.host, LAN6), (recorders.client, LAN6)):
        assert outcomes(node, [(address, port) for port in ports]) == [REFUSED, REFUSED]


@pytest.mark.parametrize("address", [LAN, LAN6], ids=["IPv4", "IPv6"])
def test_a_large_answer_arrives_whole(reporters, address):
    """At a client on the LAN, through pasta. (Those of 2025 stall at times, until TCP sends again.)"""
    size = 300_000
    assert len(ask(reporters.client, address, 8081, path=f"/bytes/{size}", deadline=10.0).body) == size


# ---- The copies ------------------------------------------------------------------------------------


def test_a_copy_is_its_user(reporters):
    """The same uid, gid and groups as outside, and its uid has that number inside as well."""
    for number in BOTH:
        pid = reporters.manager.copy_process(number)
        found = status(pid)
        assert found["Uid"].split() == found["Gid"].split() == [str(PLAIN_USER)] * 4
        assert [int(group) for group in found["Groups"].split()] == list(GROUPS)
        (line,) = Path(f"/proc/{pid}/uid_map").read_text(encoding="ascii").splitlines()
        assert line.split() == [str(PLAIN_USER), str(PLAIN_USER), "1"]


def test_a_copy_has_no_capability(reporters):
    """In no set, nor a way to one; the filter for system calls is there as with root."""
    for number in BOTH:
        found = status(reporters.manager.copy_process(number))
        assert {name: int(found[name], 16) for name in CAPABILITY_SETS} == dict.fromkeys(CAPABILITY_SETS, 0)
        assert (found["NoNewPrivs"], found["Seccomp"]) == ("1", "2")


def test_each_copy_has_namespaces_of_its_own(reporters):
    """Neither the host's nor the other copy's."""
    pids = [reporters.manager.copy_process(number) for number in BOTH]
    for name in ("net", "mnt", "pid", "uts", "ipc"):
        places = [*(f"/proc/{pid}/ns/{name}" for pid in pids), reporters.host.root(f"/proc/1/ns/{name}")]
        assert len({os.readlink(place) for place in places}) == 3, name


def test_files_belong_to_the_user(recorders):
    """All that is made, logs included; what the user puts there is served."""
    home = recorders.project
    for number in BOTH:
        home.place(number, "mine.txt", f"of {number}").chmod(0o644)
        os.chown(home.files(number) / "mine.txt", PLAIN_USER, PLAIN_USER)
        assert recorders.host.get(f"http://127.0.0.1:{8080 + number}/mine.txt").text == f"of {number}"
        assert "GET request for /mine.txt" in home.log(number)
    made = [home.copies, *home.copies.rglob("*")]
    assert len(made) > 8
    assert {(path.lstat().st_uid, path.lstat().st_gid) for path in made} == {(PLAIN_USER, PLAIN_USER)}


@pytest.mark.parametrize("own, address, seen", [("0.0.0.0", CLIENT, LAN), ("::", CLIENT6, LAN6)], ids=["IPv4", "IPv6"])
def test_a_copy_calls_a_server_on_the_lan(reporters, own, address, seen):
    """Which sees the host."""
    for number in BOTH:
        with reporters.client.listen(own, 7001) as server:
            server.settimeout(3)
            with reporters.copy(number).connect(address, 7001), server.accept()[0] as accepted:
                assert accepted.getpeername()[0].removeprefix("::ffff:") == seen


def test_what_nobody_serves_on_the_lan_is_refused(reporters):
    """At once, as to a program of the host; but Debian 12's pasta lets it wait."""
    is_old = "unknown version" in reporters.host.run(["pasta", "--version"]).stdout
    found = outcomes(reporters.copy(1), [(CLIENT, 7009), (CLIENT6, 7009)], deadline=0.5)
    assert found == [SILENT if is_old else REFUSED] * 2


def test_a_copy_does_not_reach_the_hosts_loopback(reporters):
    """Not by its own loopback, nor by any gateway on the way: programs listen there that trust the host."""
    engine = reporters.host.enter(guardian(reporters.manager))
    ways = {line.split()[2] for line in engine.run(["ip", "route", "show", "default"]).stdout.splitlines()}
    ways |= set(re.findall(r"inet (\S+)/", engine.run(["ip", "-4", "addr"]).stdout))
    assert len(ways) > 2
    with reporters.host.listen("127.0.0.1", 7002):
        assert outcomes(reporters.host, [("127.0.0.1", 7002)]) == [OPEN]
        assert OPEN not in outcomes(reporters.copy(1), [(address, 7002) for address in ways])


# ---- What it says, and what the host sees of it ----------------------------------------------------


def test_it_says_the_same_as_with_root_and_what_differs(recorders, reporters):
    """The same lines when both copies listen; that connections pass through pasta, but not with sudo; and
    how to look inside."""
    for scene in (recorders, reporters):
        said = [line for line in scene.manager.out.lines if not line.startswith("copy 1 |")]
        assert [line for line in said if not line.startswith("copy 2 |")] == READY_LINES
        through_pasta, inside = map(WITHOUT_ROOT.match, scene.manager.err.lines)
        assert inside["inside"] and not through_pasta["inside"]


@pytest.mark.parametrize("user", [PLAIN_USER, 0], ids=["the user", "root"])
def test_what_it_says_leads_inside(recorders, user):
    """The command shows the rules, as portmux(7) has them, to the user and to root."""
    command = WITHOUT_ROOT.match(recorders.manager.err.lines[1])["inside"].split()
    shown = recorders.host.run(as_user(user, *command), cwd=recorders.project.path).stdout
    assert "table inet uva_container {" in shown and "goto copy-2" in shown


def test_nobody_else_is_led_inside(recorders):
    """Another user gets a line that says so; and what is no run is none to the user."""
    program, option, pid, *_ = WITHOUT_ROOT.match(recorders.manager.err.lines[1])["inside"].split()
    recorders.project.there("").chmod(0o755)
    for user, process in ((OTHER_USER, pid), (PLAIN_USER, "1"), (PLAIN_USER, "99999999")):
        command = as_user(user, program, option, process, "id")
        done = recorders.host.run(command, cwd=recorders.project.path, check=False)
        assert (done.returncode, done.stdout) == (127, "")
        assert re.fullmatch(rf"uva_container: process {process}\b.*\n", done.stderr)


def test_nothing_of_the_host_is_changed(reporters):
    """Links, addresses, routes, rules, parameters, mounts: only processes are there that were not before."""
    before, during = reporters.host.before, Snapshot.of(reporters.host)
    assert [section for section in before if before[section] != during[section]] == ["processes"]


def test_its_processes_are_the_users(reporters):
    """All of them, pasta included: none has another uid, or a capability in the host's user namespace."""
    host_users = os.readlink(reporters.host.root("/proc/1/ns/user"))
    pids = [path.name for path in reporters.host.process_directories()]
    for pid in pids:
        path = reporters.host.root(f"/proc/{pid}")
        found = dict(line.split(":", 1) for line in (path / "status").read_text(encoding="ascii").splitlines())
        assert found["Uid"].split() == [str(PLAIN_USER)] * 4
        assert int(found["CapEff"], 16) == 0 or os.readlink(path / "ns/user") != host_users
