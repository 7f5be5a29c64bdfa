# SPDX-License-Identifier: GPL-2.0-or-later
"""What a start makes: two copies, each alone in namespaces of its own; and what it says when they answer."""

import json
import os
import re
import signal
import socket
from pathlib import Path

import pytest
from harness import wait_until

COPIES = (1, 2)
NAMESPACES = ("net", "mnt", "pid", "uts", "ipc", "cgroup")


def namespaces(process):
    """Return the namespaces of a process by their names."""
    return {name: os.readlink(f"/proc/{process}/ns/{name}") for name in NAMESPACES}


def test_it_tells_urls_directories_logs_and_how_to_stop(manager):
    """One line for each copy, then the line about Ctrl-C; nothing on stderr, no colour in a pipe."""
    lines = manager.out.lines
    (stop,) = [index for index, line in enumerate(lines) if "Ctrl-C" in line]
    for number in COPIES:
        (line,) = [line for line in lines[:stop] if f"http://localhost:808{number}/" in line]
        assert f"copies/{number}/files" in line
        assert f"copies/{number}/tmp/http_recorder.log" in line
    assert manager.err.lines == []
    assert "\x1b" not in "".join(lines)


def test_both_copies_answer_as_soon_as_it_says_so(host, manager):
    """The first request after the message is answered, on both ports."""
    for number in COPIES:
        assert host.get(f"http://localhost:808{number}/").status == 200
    assert manager.running


def test_a_slow_starter_is_waited_for(host, stand_in):
    """Nothing is announced before both listen; then both answer the first request."""
    stand_in.place(1, "behaviour", "listen-after 1")
    manager = host.start_manager(stand_in)
    manager.out.wait_for(r"^copy 1 \| started$")
    assert not [line for line in manager.out.lines if "http://" in line]
    manager.wait_ready()
    for number in COPIES:
        assert host.get(f"http://127.0.0.1:808{number}/").status == 200


def test_a_copy_that_never_listens_is_named_and_the_other_one_served(host, stand_in):
    """After some seconds it says which copy does not listen, and goes on."""
    stand_in.place(1, "behaviour", "never-listen")
    manager = host.start_manager(stand_in).wait_ready()
    manager.err.wait_for(r"^uva_container: copy 1: .*8080")
    assert [line for line in manager.out.lines if "http://localhost:8082/" in line]
    assert host.get("http://127.0.0.1:8082/").status == 200
    assert host.refuses("127.0.0.1", 8081)
    assert manager.stop() == 0


def test_each_copy_has_namespaces_of_its_own(manager):
    """Network, mount, pid, UTS, IPC, cgroup: neither the host's nor the other copy's."""
    spaces = [namespaces(manager.pid), *(namespaces(manager.copy_process(number)) for number in COPIES)]
    for name in NAMESPACES:
        assert len({space[name] for space in spaces}) == 3, name


def test_the_program_is_not_process_1_of_its_copy(manager):
    """Process 1 has duties that http_recorder.py does not know of."""
    for number in COPIES:
        status = Path(f"/proc/{manager.copy_process(number)}/status").read_text(encoding="ascii")
        pids = re.search(r"^NSpid:\s+(.*)$", status, re.MULTILINE)[1].split()
        assert int(pids[-1]) > 1


def test_a_copys_host_name_is_its_own(host, manager):
    """copy-1 and copy-2; the host keeps its name."""
    for number in COPIES:
        assert host.enter(manager.copy_process(number)).inside(socket.gethostname) == f"copy-{number}"
    assert host.inside(socket.gethostname) == socket.gethostname()


def test_both_copies_listen_on_8080(host, manager):
    """The same port in both, and no other."""
    for number in COPIES:
        listening = host.enter(manager.copy_process(number)).run(["ss", "-ltnH"]).stdout.splitlines()
        assert [line.split()[3] for line in listening] == ["0.0.0.0:8080"]


def test_each_copy_is_on_a_veth_to_the_bridge(host, manager):
    """uva0 is a bridge with two veths; each copy's end of one is all it has but for lo."""
    bridge = json.loads(host.run(["ip", "-j", "-d", "link", "show", "uva0"]).stdout)
    assert bridge[0]["linkinfo"]["info_kind"] == "bridge"
    ports = json.loads(host.run(["ip", "-j", "-d", "link", "show", "master", "uva0"]).stdout)
    assert [port["linkinfo"]["info_kind"] for port in ports] == ["veth", "veth"]
    for number in COPIES:
        links = json.loads(host.enter(manager.copy_process(number)).run(["ip", "-j", "link"]).stdout)
        assert len(links) == 2
        assert [link["ifname"] for link in links if "LOOPBACK" in link["flags"]] == ["lo"]


def test_connections_do_not_pass_through_user_space(host, manager):
    """With all of its own processes stopped, both ports still answer."""
    own = manager.own_processes()
    assert manager.pid in own
    try:
        for process in own:
            os.kill(process, signal.SIGSTOP)
        for number in COPIES:
            assert host.get(f"http://localhost:808{number}/stopped").status == 404
    finally:
        for process in own:
            os.kill(process, signal.SIGCONT)
    manager.out.wait_for(r"^copy 2 \| GET request for /stopped$")


def test_nothing_is_shelled_out(host, project, tmp_path):
    """From start to stop no program is run but http_recorder.py and what that is made of."""
    trace = tmp_path / "trace"
    strace = ["strace", "-D", "-f", "-qq", "-o", trace, "-e", "trace=execve,execveat"]
    manager = host.start_manager(project, under=strace, env={"ASAN_OPTIONS": "detect_leaks=0"})
    manager.wait_ready()
    assert manager.stop() == 0
    programs = {os.path.basename(path) for path in re.findall(r'exec\w+\((?:\w+, )?"([^"]*)"', trace.read_text())}
    assert programs - {"python3"} == {"uva_container", "http_recorder.py"}


def test_the_rules_come_in_one_transaction(host, project):
    """No connection ever meets half of the rules: what nft monitor tells of chains, rules and mappings stands
    before the first commit. What comes afterwards is one element for each port that leads to a copy, when that
    copy listens: the chain and its rules are there by then. (Interfaces may be added to sets, too.)"""
    monitor = host.popen(["nft", "monitor"], terminal=True)

    def monitor_listens():
        host.run(["nft", "add table inet probe; delete table inet probe"])
        return any("generation" in line for line in monitor.out.lines)

    wait_until(monitor_listens, 5, "nft monitor has begun to listen")
    begin = len(monitor.out.lines)
    host.start_manager(project).wait_ready()
    host.run(["nft", "add table inet last; delete table inet last"])
    monitor.out.wait_for("delete table inet last", start=begin)
    lines = monitor.out.lines[begin:]
    table = next(index for index, line in enumerate(lines) if "table inet uva_container" in line)
    commit = next(index for index, line in enumerate(lines) if index > table and "new generation" in line)
    assert sum(" rule inet uva_container" in line for line in lines[table:commit]) >= 4
    for port in (8081, 8082):
        assert any(f"element inet uva_container reserved {{ tcp . {port} }}" in line for line in lines[table:commit])
    more = re.compile(r" (chain|rule|map) inet uva_container |element inet uva_container .*\b808[12]\b")
    later = [line for line in lines[commit:] if more.search(line)]
    published = re.compile(r"create element inet uva_container published { tcp \. 808([12]) .*: goto copy-([12]) }")
    assert sorted(published.search(line).groups() for line in later) == [("1", "1"), ("2", "2")]


@pytest.mark.host(lan=False)
def test_a_host_without_any_network(host, manager):
    """Loopback is enough."""
    for number in COPIES:
        assert host.get(f"http://localhost:808{number}/").status == 200
    assert manager.stop() == 0
