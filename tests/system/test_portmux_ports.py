# SPDX-License-Identifier: GPL-2.0-or-later
"""Free host ports (-p PORT, -p ADDRESS::PORT): one for each copy, and the same ones the next time."""

import os
import re

import pytest
from harness import PLAIN_USER, REFUSED, USER, bridge_netfilter, outcomes

LAN = "198.51.100.1"
FAILED = 1

# Answers at ports 8080 and 8081 of both families, and has UDP port 8080, too.
SERVER = """#!/usr/bin/python3 -I
import http.server, socket, threading
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
datagrams.bind(("::", 8080))
servers = [Server(("::", port), http.server.SimpleHTTPRequestHandler) for port in (8080, 8081)]
threading.Thread(target=servers[0].serve_forever).start()
servers[1].serve_forever()
"""

RANGE = "net.ipv4.ip_local_port_range"
MAPPING = re.compile(r"(\S+):(\d+) -> (\d+)(/udp)?")


def start(host, project, *arguments, name="web", **options):
    """Start a run of the project's program; its state is kept beside the project's directory."""
    arguments = [*arguments, "--name", name, "-d", f"{project.path}-state", "./http_recorder.py"]
    return host.start_portmux(project, *arguments, **options)


def ports(manager):
    """Return the host ports that it has told, those of copy 1 first."""
    manager.wait_ready()
    lines = [line for line in manager.out.lines if re.match(r"copy \d+: ", line)]
    return [int(port) for line in lines for _, port, _, _ in MAPPING.findall(line)]


def ports_of_a_run(host, project, *arguments, **options):
    """Start a run and stop it; return its host ports."""
    manager = start(host, project, *arguments, **options)
    found = ports(manager)
    assert manager.stop() == 0
    return found


def state(project, name="ports"):
    """Return how to reach a file in the directory of the state."""
    return project.there(f"../project-state/{name}")


@pytest.fixture
def server(project):
    """A project whose program is SERVER."""
    project.there("http_recorder.py").write_text(SERVER)
    return project


def test_each_copy_gets_one(host, server):
    """It is told at the start, to the copy too, and leads there; all of a protocol are different."""
    manager = start(host, server, "-n", "3", "-p", "8080", "-p", "8080/udp", "-p", "127.0.0.1::8080")
    found = ports(manager)
    tcp, udp = found[0::3] + found[2::3], found[1::3]
    assert len(set(tcp)) == 6 and len(set(udp)) == 3
    assert all(port >= 1024 for port in found)
    for number in (1, 2, 3):
        shared, _, bound = found[3 * number - 3 : 3 * number]
        for port in (shared, bound):
            assert host.get(f"http://127.0.0.1:{port}/").status == 200
        assert host.client.get(f"http://{LAN}:{shared}/").status == 200
        assert outcomes(host.client, [(LAN, bound)]) == [REFUSED]
    assert manager.stop() == 0


def test_the_copies_are_told(host, project):
    """HOST_PORT and HOST_PORT_8080 in the environment."""
    project.there("http_recorder.py").write_text("#!/bin/sh\necho $HOST_PORT $HOST_PORT_8080\n")
    manager = start(host, project, "-n", "2", "-p", "8080")
    assert manager.wait() == 0
    numbers = [line.split()[1] for line in state(project).read_text().splitlines()[1:]]
    assert numbers == ["*", "*"]
    told = [line.split()[4] for line in state(project).read_text().splitlines()[1:]]
    assert [manager.said(1), manager.said(2)] == [[f"{port} {port}"] for port in told]


@pytest.mark.host(sysctls=bridge_netfilter(0))
def test_the_next_run_gets_the_same(host, server):
    """Each copy its own, by mapping: protocol, address and port; also copies that were not there meanwhile."""
    mappings = ["-p", "8080", "-p", "8080/udp", "-p", "127.0.0.1::8080", "-p", "[::1]::8081", "-p", "8080"]
    before = ports_of_a_run(host, server, "-n", "3", *mappings)
    assert len(set(before)) == 15
    assert ports_of_a_run(host, server, "-n", "1", *mappings) == before[:5]
    assert ports_of_a_run(host, server, "-n", "3", *mappings) == before
    assert ports_of_a_run(host, server, "-n", "1", *reversed_pairs(mappings)) == [before[i] for i in (0, 3, 2, 1, 4)]


def reversed_pairs(mappings):
    """Return the options the other way round."""
    return [word for i in range(len(mappings) - 2, -1, -2) for word in mappings[i : i + 2]]


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1", "::1"])
def test_one_that_is_taken_is_replaced(host, project, address):
    """The others stay the same, and what is there instead stays the next time."""
    before = ports_of_a_run(host, project, "-n", "3", "-p", "8080")
    with host.listen(address, before[1]):
        host.remember()
        found = ports_of_a_run(host, project, "-n", "3", "-p", "8080")
    host.remember()
    assert (found[0], found[2]) == (before[0], before[2])
    assert found[1] not in before
    assert ports_of_a_run(host, project, "-n", "3", "-p", "8080") == found


@pytest.mark.parametrize("prefix", ["", "127.0.0.1:", "[::1]:"])
@pytest.mark.host(sysctls={RANGE: "40000 40005", **bridge_netfilter(0)})
def test_none_is_one_that_the_command_names(host, project, prefix):
    """With six ports to choose from, of which four are named, behind and in front."""
    named = ["-p", f"{prefix}40001+:8080"], ["-p", "127.0.0.1:40004-40005:8080"]
    found = ports_of_a_run(host, project, "-n", "2", *named[0], "-p", "8080", *named[1])
    assert [found[1], found[4]] in ([40000, 40003], [40003, 40000])


@pytest.mark.host(sysctls={RANGE: "40000 40003"})
def test_a_remembered_one_that_the_command_names_is_replaced(host, project):
    """What is said counts more than what was."""
    state(project).parent.mkdir()
    state(project).write_text("1 * 8080 tcp 40002\n2 * 8080 tcp 40002\n")
    found = ports_of_a_run(host, project, "-n", "2", "-p", "40002+:8080", "-p", "8080")
    assert sorted(found[1::2]) == [40000, 40001]


@pytest.mark.host(sysctls={RANGE: "40000 40002"})
def test_none_is_left(host, project):
    """One line, and nothing is made."""
    manager = start(host, project, "-n", "4", "-p", "8080")
    assert manager.wait() == FAILED
    assert manager.err.lines == ["portmux: no free host port has been found"]
    assert not state(project).exists()


@pytest.mark.host(sysctls={RANGE: "40000 40003"})
def test_two_commands_do_not_get_the_same(host, project, tmp_path):
    """While the first one has its own, which are remembered for the second one."""
    other = host.project(tmp_path / "other")
    state(project).parent.mkdir()
    state(project).write_text("1 * 8080 tcp 40002\n2 * 8080 tcp 40003\n")
    first = start(host, project, "-n", "2", "-p", "8080")
    assert ports(first) == [40002, 40003]
    second = start(host, other, "-n", "2", "-p", "8080", name="api")
    assert sorted(ports(second)) == [40000, 40001]
    assert first.stop() == second.stop() == 0


def test_many_at_once(host, project):
    """More than the soft limit of open files allows, which the copies get as it was."""
    project.there("http_recorder.py").write_text("#!/bin/sh\nulimit -Sn\n")
    manager = start(host, project, "-n", "150", "-p", "8080", under=["prlimit", "--nofile=200:8192"])
    assert manager.wait(30) == 0
    assert {*manager.said(1), *manager.said(150)} == {"200"}
    numbers = [line.split()[4] for line in state(project).read_text().splitlines()[1:]]
    assert len(set(numbers)) == 150


# ---- The file --------------------------------------------------------------------------------------

LINES = {
    "nothing": b"",
    "text": b"no ports at all\n",
    "a line too short": b"1 * 8080 tcp\n",
    "a line too long": b"1 * 8080 tcp 40123 1\n",
    "a copy that cannot be": b"0 * 8080 tcp 40123\n",
    "a port that cannot be": b"1 * 8080 tcp 65536\n",
    "a port below 1024": b"1 * 8080 tcp 22\n",
    "a negative port": b"1 * 8080 tcp -25413\n",
    "no protocol": b"1 * 8080 tcpx 40123\n",
    "no address": b"1 localhost 8080 tcp 40123\n",
    "a network": b"1 127.0.0.0/8 8080 tcp 40123\n",
    "zeros": b"1 * 8080 tcp 40123\n\0\0\0",
    "very much": b"1 * 8080 tcp 40123\n" + b"#" * (2 << 20),
    "a line without an end": b"1" * 100000,
}


@pytest.mark.parametrize("content", LINES)
@pytest.mark.host(sysctls={RANGE: "50000 50999"})
def test_a_file_that_is_not_ours_is_not_used(host, project, content):
    """It counts as none, without a word, and is written anew."""
    state(project).parent.mkdir()
    state(project).write_bytes(LINES[content])
    manager = start(host, project, "-p", "8080")
    (port,) = ports(manager)
    assert 50000 <= port < 51000
    assert manager.stop() == 0
    assert manager.err.lines == []
    assert state(project).read_text().splitlines()[1:] == [f"1 * 8080 tcp {port}"]


def test_a_link_is_not_followed(host, project):
    """Neither to read nor to write: not where the file is, nor where it is written first."""
    mine = project.there("mine")
    mine.write_text("1 * 8080 tcp 40123\n")
    state(project).parent.mkdir()
    for name in ("ports", "ports.new"):
        state(project, name).symlink_to(f"{project.path}/mine")
    (port,) = ports_of_a_run(host, project, "-p", "8080")
    assert port != 40123
    assert mine.read_text() == "1 * 8080 tcp 40123\n"
    assert not state(project).is_symlink()
    assert state(project).read_text().splitlines()[1:] == [f"1 * 8080 tcp {port}"]
    assert sorted(os.listdir(state(project).parent)) == ["1", "ports"]


def test_a_fifo_does_not_stop_it(host, project):
    """Nobody writes into it."""
    state(project).parent.mkdir()
    os.mkfifo(state(project))
    (port,) = ports_of_a_run(host, project, "-p", "8080")
    assert state(project).read_text().splitlines()[1:] == [f"1 * 8080 tcp {port}"]


@pytest.mark.parametrize("name", ["ports", "ports.new"])
def test_a_directory_in_its_place_is_told(host, project, name):
    """The run goes on; the next one may get other ports."""
    state(project, name).mkdir(parents=True)
    manager = start(host, project, "-p", "8080")
    assert len(ports(manager)) == 1
    assert manager.stop() == 0
    (line,) = manager.err.lines
    assert re.match(rf"portmux: {project.path}-state/ports: cannot be written: ", line)


def test_it_belongs_to_the_caller(host, project):
    """Of sudo, who can read it and write it."""
    state(project).parent.mkdir()
    os.chown(state(project).parent, USER, USER)
    ports_of_a_run(host, project, "-p", "8080", sudo=USER)
    status = state(project).stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (USER, USER, 0o644)


def test_a_secret_of_root_is_not_read(host, project):
    """A caller of sudo who links to it gets nothing, as one who owns neither file nor directory."""
    secret = project.there("secret")
    secret.write_text("1 * 8080 tcp 40123\n")
    secret.chmod(0o600)
    state(project).parent.mkdir()
    os.chown(state(project).parent, USER, USER)
    os.link(secret, state(project))
    (port,) = ports_of_a_run(host, project, "-p", "8080", sudo=USER)
    assert port != 40123
    assert secret.read_text() == "1 * 8080 tcp 40123\n"


@pytest.mark.host(own_dev=True)
def test_without_root(host):
    """The same ports again there, too."""
    home = host.home(PLAIN_USER)

    def run():
        arguments = ["-p", "8080", "-p", "127.0.0.1::8080", "--name", "web", "-d", "copies", "--files", "private"]
        manager = host.start_portmux(home, *arguments, "./http_recorder.py", user=PLAIN_USER)
        found = ports(manager)
        assert [host.get(f"http://127.0.0.1:{port}/").status for port in found] == [200, 200]
        assert manager.stop() == 0
        return found

    assert run() == run()
