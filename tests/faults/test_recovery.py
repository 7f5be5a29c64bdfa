# SPDX-License-Identifier: GPL-2.0-or-later
"""What nobody is left to undo: the next start does, from the logs in /run/uva_container/. That directory may
hold other things as well, by accident or malice: they are neither followed, nor obeyed, nor removed."""

import os
import signal
import socket
import stat
import struct

import pytest
from harness import OPEN, USER, outcomes_from, wait_until

from .anatomy import COPIES, answers, kill_everything
from .crossing import Crossing

RUNDIR = "/run/uva_container"
HEADER = "uva_container undo log 2\n"
OURS = "uva_container: "
SO_NETNS_COOKIE = 71  # asm-generic/socket.h
AT_ONCE = 2.0
KILLS = 5
ELSEWHERE = "/srv"  # a file system of the host's own, for what records name


def has_link(host, name):
    """Whether the host has a link of that name."""
    return host.run(["ip", "link", "show", "dev", name], check=False).returncode == 0


def tables(host):
    """Return the names of the host's nftables tables."""
    return [line.split()[-1] for line in host.run(["nft", "list", "tables"]).stdout.splitlines()]


def live(host, project, bridge="uva0"):
    """Start, ask both copies, stop, as if nothing were the matter; return the lines of stderr."""
    manager = host.start_manager(project).wait_ready()
    assert has_link(host, f"{bridge}-1")
    for number in COPIES:
        assert answers(host, 8080 + number)
    assert manager.stop() == 0
    lines = manager.err.lines
    assert all(line.startswith(OURS) for line in lines), lines
    return lines


def test_all_killed_at_once(host, project):
    """No rule is left but the guard of what still forwards, and the ports are refused, at once. The next start
    undoes the rest, and is as any other."""
    manager = host.start_manager(project).wait_ready()
    for number in COPIES:
        assert answers(host, 8080 + number)
        assert answers(host.client, 8080 + number, "198.51.100.1")
    kill_everything(manager)
    assert [name.rpartition("_")[0] for name in tables(host)] == ["uva_guard"]
    for number in COPIES:
        assert host.refuses("127.0.0.1", 8080 + number)
        assert host.client.refuses("198.51.100.1", 8080 + number)
    assert has_link(host, "uva0"), "then nothing is left to recover, and this is no test"
    assert live(host, project) == []


def test_what_remains_makes_no_router(host, project):
    """Forwarding is still on for both uplinks, and what guards it needs no process of ours."""
    second = host.add_lan("lan1", "203.0.113.{}/24", "2001:db8:2::{}/64")
    host.remember()
    with second.listen("::", 7001):
        tries = [(host.client, address, 7001) for address in ("203.0.113.2", "2001:db8:2::2")]
        manager = host.start_manager(project).wait_ready()
        kill_everything(manager)
        assert host.sysctl("net.ipv4.conf.lan0.forwarding") == "1", "then there is nothing to guard"
        assert OPEN not in outcomes_from(tries)
        assert OPEN not in outcomes_from([(second, "198.51.100.1", 8081)])
        assert live(host, project) == []
        assert host.sysctl("net.ipv4.conf.lan0.forwarding") == "0"


def guard_has_owner(host):
    """Whether the table that keeps the host from being a router belongs to a process."""
    (guard,) = [name for name in tables(host) if name.startswith("uva_guard_")]
    return "flags owner" in host.run(["nft", "list", "table", "inet", guard]).stdout


def test_a_flush_during_the_undoing_makes_no_router(host, project):
    """Somebody flushes the ruleset without a pause while the manager is killed: the guard goes after the
    forwarding, as long as the guardian lives."""
    crossing = Crossing(host)
    try:
        host.remember()
        flushing = host.popen(["sh", "-c", "while nft flush ruleset; do :; done"])
        for _ in range(KILLS):
            manager = host.start_manager(project).wait_ready()
            if not guard_has_owner(host):
                pytest.skip("before Linux 6.9 the guard has no owner, and anybody can flush it")
            assert not crossing.take(), "before the manager was killed"
            manager.send(signal.SIGKILL)
            wait_until(lambda manager=manager: not manager.own_processes(), AT_ONCE, "the guardian has undone all")
            assert not crossing.take()
        assert flushing.running
    finally:
        crossing.close()


def test_all_killed_at_once_while_another_run_goes_on(host, project, neighbour):
    """What the dead one leaves, a third start undoes; it takes nothing from the one that lives."""
    dead = host.start_manager(project).wait_ready()
    alive = host.start_manager(neighbour("alive"), 9001, 2).wait_ready()
    kill_everything(dead)
    assert live(host, project) == []
    assert answers(host, 9001) and answers(host.client, 9002, "198.51.100.1")
    assert alive.stop() == 0
    assert alive.err.lines == []


@pytest.mark.parametrize("times", [3])
def test_all_killed_again_and_again(host, project, times):
    """Each start recovers from the one before."""
    for _ in range(times):
        kill_everything(host.start_manager(project).wait_ready())
    assert live(host, project) == []


def test_a_reboot_of_the_network_alone(host, project):
    """The links are gone already: there is nothing to undo, and nothing to complain about."""
    kill_everything(host.start_manager(project).wait_ready())
    host.run(["ip", "link", "del", "uva0"])
    for link in ("uva0-1", "uva0-2"):
        host.run(["ip", "link", "del", link], check=False)
    assert live(host, project) == []


def hold(host, path):
    """Have a process hold the lock of a file of the host; return that process."""
    script = "echo held; exec tail -f /dev/null"
    holder = host.popen(["flock", "--no-fork", "-x", path, "sh", "-c", script])
    holder.out.wait_for("held")
    return holder


# ---- What lies in /run/uva_container/ ------------------------------------------------------------


def network_cookie():
    """Return the number by which the kernel knows this network namespace, and no other one."""
    with socket.socket() as any_socket:
        return struct.unpack("Q", any_socket.getsockopt(socket.SOL_SOCKET, SO_NETNS_COOKIE, 8))[0]


class Place:
    """A name in /run/uva_container/ of a host, and what can be put there."""

    def __init__(self, host, name):
        """name: with {} for the number of the host's network namespace."""
        self.host = host
        self.network = host.inside(network_cookie)
        self.name = name.format(self.network)
        self.directory = host.root(RUNDIR)
        self.directory.mkdir(mode=0o700, exist_ok=True)
        self.path = self.directory / self.name

    def write(self, content, mode=0o600):
        """Put a file there."""
        self.path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.path.chmod(mode)
        return self.path

    def order(self):
        """A log that, where it is obeyed, costs the host its LAN."""
        link = self.host.run(["cat", "/sys/class/net/lan0/address"]).stdout.strip()
        assert int(link[:2], 16) & 3 == 2, "an address that could be ours"
        return f"{HEADER}1 links {link}\n"


def symlink_to_a_file(place):
    """A real log, but elsewhere."""
    other = place.host.root(ELSEWHERE) / "log"
    other.write_text(place.order())
    other.chmod(0o600)
    place.path.symlink_to(f"{ELSEWHERE}/log")


def hard_link(place):
    """A log that has another name as well."""
    os.link(place.write(place.order()), place.directory / "another name")


def listening_socket(place):
    """A socket."""
    with socket.socket(socket.AF_UNIX) as made:
        directory = os.open(place.directory, os.O_PATH)
        made.bind(f"/proc/self/fd/{directory}/{place.name}")
        os.close(directory)


def directory_with_a_log(place):
    """A directory."""
    place.path.mkdir()
    (place.path / "log").write_text(place.order())


def of_somebody_else(place):
    """A log that is not root's."""
    os.chown(place.write(place.order()), USER, USER)


HOSTILE = {
    "garbage": lambda place: place.write(bytes(range(256)) * 64),
    "zeros": lambda place: place.write(bytes(4096)),
    "another header": lambda place: place.write(place.order().replace("log 2", "log 3")),
    "half a header": lambda place: place.write(HEADER[:-1]),
    "no header": lambda place: place.write(place.order().removeprefix(HEADER)),
    "symlink to a file": symlink_to_a_file,
    "symlink to a directory": lambda place: place.path.symlink_to("/etc"),
    "symlink to nothing": lambda place: place.path.symlink_to(f"{ELSEWHERE}/nothing"),
    "hard link": hard_link,
    "fifo": lambda place: os.mkfifo(place.path, 0o600),
    "socket": listening_socket,
    "device": lambda place: os.mknod(place.path, 0o600 | stat.S_IFCHR, os.makedev(1, 5)),
    "directory": directory_with_a_log,
    "wrong owner": of_somebody_else,
    "group-writable": lambda place: place.write(place.order(), 0o620),
    "world-writable": lambda place: place.write(place.order(), 0o602),
}


@pytest.fixture
def elsewhere(host):
    """A file system of the host's own at /srv."""
    host.run(["mount", "-t", "tmpfs", "tmpfs", ELSEWHERE])
    return host.root(ELSEWHERE)


@pytest.mark.parametrize("name", ["{{}}.{index}", "{{}}.{index} of them"])
def test_what_is_no_log_of_ours(host, project, elsewhere, name):
    """One line names each; it stays as it is; the run is as any other, under the next free index."""
    assert elsewhere.is_dir()
    places = []
    for index, lay in enumerate(HOSTILE.values()):
        places.append(Place(host, name.format(index=index)))
        lay(places[-1])
    host.remember()
    lines = live(host, project, f"uva{len(places)}" if name.endswith("}") else "uva0")
    for place, kind in zip(places, HOSTILE):
        about = [line for line in lines if f"{RUNDIR}/{place.name}: left alone" in line]
        assert len(about) == 1, f"{kind}: {about}"
    assert len(lines) == len(places), lines


@pytest.mark.parametrize("name", ["README", ".hidden", "1.0", "{}", "x{}.0", "{}0.0"])
def test_names_that_are_not_of_this_network(host, project, name):
    """Not ours to judge, whatever is in them: silence."""
    place = Place(host, name)
    place.write(place.order())
    host.remember()
    assert live(host, project) == []


NO_RECORDS = {
    "an unknown kind": "2 mount /srv/somebodys",
    "a word alone": "2 links",
    "no address": "2 links 02:00:00:00:00",
    "an address that cannot be ours": "2 links 01:00:5e:00:00:01",
    "an address in another spelling": "2 links 2:0:0:0:0:1",
    "no network": "2 conntrack 127.0.0.1",
    "no family": "2 uplink ipv5 1",
    "no link": "2 uplink ipv4 lo",
    "a table of somebody else": "2 guard filter",
    "a parameter": "2 sysctl {hacked} {hostname} kernel/hostname",
    "a relative path": "2 directory srv/empty",
    "a path that leads back": "2 directory /srv/somebodys/../empty",
    "an empty line": "",
    "no number": "directory /srv/empty",
    "a number in another spelling": "02 directory /srv/empty",
    "a number and no blank": "2directory /srv/empty",
    "very long": "2 directory /" + "x" * 100_000,
}


def test_lines_that_are_no_records(host, project, elsewhere):
    """In a log of ours: each is skipped, with a word; what else there is, is undone."""
    for name in ("somebodys", "empty", "first", "last"):
        (elsewhere / name).mkdir()
    hostname = host.run(["hostname"]).stdout.strip()
    host.remember()
    text = "".join(f"{line}\n" for line in NO_RECORDS.values()).format(hacked="hacked", hostname=hostname)
    Place(host, "{}.0").write(f"{HEADER}1 directory {ELSEWHERE}/last\n{text}3 directory {ELSEWHERE}/first\n")
    lines = live(host, project)
    assert len([line for line in lines if "no record" in line]) == len(lines) == len(NO_RECORDS), lines
    assert host.run(["hostname"]).stdout.strip() == hostname
    assert sorted(path.name for path in elsewhere.iterdir()) == ["empty", "somebodys"]


NOTHING_TO_UNDO = {
    "half a record": f"{HEADER}1 directory {ELSEWHERE}/empty",
    "the header alone": HEADER,
    "nothing": "",
    "somebody's directory": f"{HEADER}1 directory {ELSEWHERE}/somebodys\n",
    "a directory behind a symlink": f"{HEADER}1 directory {ELSEWHERE}/link/empty\n",
    "a symlink": f"{HEADER}1 directory {ELSEWHERE}/link\n",
    "a file": f"{HEADER}1 directory {ELSEWHERE}/somebodys/file\n",
    "the root": f"{HEADER}1 directory /\n",
    "a mount point": f"{HEADER}1 directory {ELSEWHERE}\n",
    "a zero": f"{HEADER}1 directory {ELSEWHERE}/empty\0\n",
    "a link that is not there": f"{HEADER}1 uplink ipv4 4711\n",
    "a guard that is not there": f"{HEADER}1 guard uva_guard_02deadbeef01\n",
    "nobody's links": f"{HEADER}1 links 02:de:ad:be:ef:01\n",
    "nobody's connections": f"{HEADER}1 conntrack 192.0.2.0/24 fd00::/64\n",
}


def test_logs_of_what_must_not_be_touched(host, project, elsewhere):
    """Somebody else's things stay, also where a log of ours names them; the log has done its duty and goes."""
    (elsewhere / "somebodys").mkdir()
    (elsewhere / "somebodys/file").touch()
    (elsewhere / "empty").mkdir()
    (elsewhere / "link").symlink_to(ELSEWHERE)
    before = sorted(elsewhere.rglob("*"))
    host.remember()
    for index, text in enumerate(NOTHING_TO_UNDO.values()):
        Place(host, f"{{}}.{index}").write(text)
    assert live(host, project) == []
    assert sorted(elsewhere.rglob("*")) == before


CANNOT_BE_UNDONE = {
    "a name that no file system takes": f"{HEADER}1 directory {ELSEWHERE}/{'n' * 256}\n",
}


def test_logs_of_what_cannot_be_undone(host, project, elsewhere):
    """One line tells of each. The log stays, for a later start to try again; the run is as any other."""
    assert elsewhere.is_dir()
    for index, text in enumerate(CANNOT_BE_UNDONE.values()):
        Place(host, f"{{}}.{index}").write(text)
    host.remember()
    lines = live(host, project, f"uva{len(CANNOT_BE_UNDONE)}")
    assert len(lines) == len(CANNOT_BE_UNDONE), lines


def test_a_log_that_somebody_holds(host, project):
    """Its run lives, as far as one can tell: nothing of it is undone, and its index is taken."""
    place = Place(host, "{}.0")
    path = place.write(place.order())
    host.remember()
    holder = hold(host, f"{RUNDIR}/{place.name}")
    assert live(host, project, "uva1") == []
    assert path.exists()
    holder.close()


# ---- The directory itself --------------------------------------------------------------------------

HOSTILE_DIRECTORIES = {
    "a file": lambda path: path.touch(),
    "a symlink": lambda path: path.symlink_to("/srv"),
    "a symlink to nothing": lambda path: path.symlink_to("/srv/nothing"),
    "somebody else's": lambda path: (path.mkdir(), os.chown(path, USER, USER)),
    "open to all": lambda path: (path.mkdir(), path.chmod(0o1777)),
    "open to a group": lambda path: (path.mkdir(), path.chmod(0o775)),
}


@pytest.mark.parametrize("kind", HOSTILE_DIRECTORIES)
def test_a_directory_that_is_not_ours(host, project, elsewhere, kind):
    """It is not trusted: nothing is started, one line names it, and it stays as it is."""
    HOSTILE_DIRECTORIES[kind](host.root(RUNDIR))
    host.remember()
    manager = host.start_manager(project)
    assert manager.wait() == 1
    assert len(manager.err.lines) == 1 and manager.err.lines[0].startswith(OURS), manager.err.lines
    assert RUNDIR in manager.err.lines[0]
    assert not list(elsewhere.iterdir())


def test_somebody_holds_the_lock_of_starts(host, project):
    """A start that hangs does not make all others hang: after some seconds they say so, and end."""
    Place(host, "none").directory.chmod(0o700)
    host.remember()
    holder = hold(host, RUNDIR)
    manager = host.start_manager(project)
    assert manager.wait(8) == 1
    assert len(manager.err.lines) == 1 and RUNDIR in manager.err.lines[0], manager.err.lines
    holder.close()
