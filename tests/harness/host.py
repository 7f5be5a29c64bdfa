# SPDX-License-Identifier: GPL-2.0-or-later
"""A private host: a machine for one test, made of namespaces.

It has its own network, mounts, processes, IPC and host name; /run, /proc and /sys are its own too, and
/dev if asked for. All else is the real machine's file system. Process 1 is the holder: it keeps the
namespaces, adopts orphans and ends as soon as the test run does, and with it ends every process of the host.

    client 198.51.100.2 ── eth0 ═══ lan0 ── 198.51.100.1 host 127.0.0.1
    2001:db8:1::2                           2001:db8:1::1

The addresses are documentation ranges: whatever else occurs in conntrack, the program brought in.
"""

import os
import subprocess
from pathlib import Path

from . import namespaces
from .manager import Manager
from .node import ENVIRONMENT, Node
from .portmux import Portmux
from .project import Project
from .snapshot import Snapshot
from .waiting import wait_until

HOST_NAMESPACES = (
    namespaces.CLONE_NEWNET
    | namespaces.CLONE_NEWNS
    | namespaces.CLONE_NEWPID
    | namespaces.CLONE_NEWIPC
    | namespaces.CLONE_NEWUTS
)

# The kernel frees a network namespace some time after the last process in it has ended.
SETTLING_TIME = 2.0

IPV6_ADDRESSES = 2  # that a link has: its link-local one, and the one it is given
IFA_F_TENTATIVE = 0x40  # linux/if_addr.h

# A new network namespace takes over IPv4's sysctls from the machine: here are the kernel's defaults.
DEFAULT_SYSCTLS = {
    "net.ipv4.ip_forward": 0,
    "net.ipv4.conf.all.rp_filter": 0,
    "net.ipv4.conf.default.rp_filter": 0,
    "net.ipv4.conf.all.route_localnet": 0,
    "net.ipv4.conf.default.route_localnet": 0,
    "net.ipv4.conf.all.accept_redirects": 1,
    "net.ipv4.conf.default.accept_redirects": 1,
}

# A /dev for ordinary users: the machine's, but for a net/tun that everybody may open, as distributions have it.
OWN_DEV = """
mkdir /run/dev
mount -t tmpfs -o mode=755 tmpfs /run/dev
cp -a --one-file-system /dev/. /run/dev
for place in pts shm; do
    mount --rbind /dev/$place /run/dev/$place
done
mkdir -p /run/dev/net
rm -f /run/dev/net/tun
mknod -m 666 /run/dev/net/tun c 10 200
mount --move /run/dev /dev
rmdir /run/dev
"""


class Host(Node):
    """A private host. Use it in a with statement, or close it."""

    def __init__(self, *, lan=True, sysctls=None, own_dev=False):
        """Make a host, with a client on its LAN (or without), and set sysctls (name to value).

        own_dev: with a /dev of its own, in which users who are not root find a net/tun that they may open
        """
        self._holder = namespaces.in_thread(_start_holder)
        super().__init__(os.pidfd_open(self._holder.pid), HOST_NAMESPACES)
        self.managers = []
        self.projects = set()
        self.neighbours = []
        self.run(["mount", "-t", "proc", "proc", "/proc"])
        self.set_sysctls({**DEFAULT_SYSCTLS, **(sysctls or {})})
        if own_dev:
            self.run(["sh", "-ec", OWN_DEV])
        self.client = self.add_lan("lan0", "198.51.100.{}/24", "2001:db8:1::{}/64") if lan else None
        self.before = None
        self.remember()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def root(self, path="/"):
        """Return how the test run itself reaches a path of the host."""
        return Path(f"/proc/{self._holder.pid}/root{path}")

    def sysctl(self, name):
        """Return a sysctl's value, by its dotted name."""
        return self.inside(lambda: Path("/proc/sys", *name.split(".")).read_text(encoding="ascii").strip())

    def add_lan(self, link, ipv4, ipv6):
        """Attach a network by a veth named link; return the client on it, whose default route is the host.

        ipv4, ipv6: the network's addresses, with {} for their last number: 1 is the host, 2 the client.
        """
        client = Node(namespaces.in_thread(_new_network))
        self.neighbours.append(client)
        self.attach(client, "eth0", link, ipv4, ipv6)
        client.ip(*(f"route add default via {address.format(1).split('/')[0]}" for address in (ipv4, ipv6)))
        return client

    def attach(self, client, end, link, ipv4, ipv6):
        """Connect a client, by its link named end, to the host's, named link; for the addresses see add_lan()."""
        # Without duplicate address detection nothing of this changes later, by itself.
        client.ip(f"link add {end} type veth peer name {link} netns {self._holder.pid}")
        for node, name, number in ((client, end, 2), (self, link, 1)):
            node.set_sysctls({f"net.ipv6.conf.{name}.accept_dad": 0})
            addresses = f"addr add {ipv4.format(number)} dev {name}", f"addr add {ipv6.format(number)} dev {name} nodad"
            node.ip(f"link set {name} up", *addresses)
        wait_until(lambda: self._is_settled(link), SETTLING_TIME, f"{link} is up, its addresses usable")

    def _is_settled(self, link):
        if self.root(f"/sys/class/net/{link}/operstate").read_text(encoding="ascii") != "up\n":
            return False
        addresses = Path(f"/proc/{self._holder.pid}/net/if_inet6").read_text(encoding="ascii").splitlines()
        flags = [int(line.split()[4], 16) for line in addresses if line.split()[5] == link]
        return len(flags) == IPV6_ADDRESSES and not any(each & IFA_F_TENTATIVE for each in flags)

    def process_directories(self):
        """Return the directories in /proc of all processes of the host but for the holder."""
        return [path for path in self.root("/proc").iterdir() if path.name.isdigit() and path.name != "1"]

    def pid_namespaces(self):
        """Return the pid namespaces that the host's processes are in, as /proc names them."""
        spaces = set()
        for path in self.process_directories():
            try:
                spaces.add(os.readlink(path / "ns/pid"))
            except (FileNotFoundError, ProcessLookupError, PermissionError):  # it has just ended
                continue
        return spaces

    def enter(self, pid, flags=namespaces.CLONE_NEWNET | namespaces.CLONE_NEWUTS):
        """Return the node that is made of the namespaces of a process, by its pid in the test run."""
        node = Node(os.pidfd_open(pid), flags)
        self.neighbours.append(node)
        return node

    def project(self, path):
        """Make a directory on the host to start the program in, with http_recorder.py in it."""
        project = Project(self, path)
        self.projects.add(project.path)
        return project

    def home(self, user, name="user"):
        """Make a user's home directory, open to that user alone, on a file system of the host's own; a project."""
        if not self.root("/home").is_mount():
            self.run(["mount", "-t", "tmpfs", "tmpfs", "/home"])
            self.remember()
        project = self.project(f"/home/{name}")
        project.give_to(user)
        return project

    def start_manager(self, project, *arguments, **options):
        """Start the program under test in a project; for the options see Manager."""
        manager = Manager(self, project, arguments, **options)
        self.managers.append(manager)
        return manager

    def start_portmux(self, project, *arguments, **options):
        """Start `portmux run` in a project, with its arguments; for the options see Manager."""
        manager = Portmux(self, project, arguments, **options)
        self.managers.append(manager)
        return manager

    def remember(self):
        """Take what the host is like now for what it has to be like afterwards."""
        self.before = Snapshot.of(self)

    def assert_as_before(self, deadline=SETTLING_TIME):
        """Fail if, once it has settled, the host is not as it was."""
        differences = []

        def is_as_before():
            differences.append(self.before.difference(Snapshot.of(self)))
            return not differences[-1]

        wait_until(is_as_before, deadline, lambda: f"the host is as it was before\n{differences[-1]}")

    def finish(self):
        """Stop what still runs, and fail if the programs under test left anything or misbehaved."""
        running = [manager for manager in self.managers if manager.running]
        try:
            for manager in running:
                manager.stop()
        finally:
            for manager in self.managers:
                print(manager.transcript())
                manager.close()
            self.close_processes()
        self.assert_as_before()
        for manager in self.managers:
            manager.assert_sound()

    def close(self):
        """End the host and everything in it."""
        for manager in self.managers:
            manager.close()
        for neighbour in self.neighbours:
            neighbour.close()
        super().close()
        self._holder.stdin.close()
        self._holder.kill()
        self._holder.wait()


def _start_holder():
    """Make the namespaces, and their process 1, which waits for its standard input to be closed."""
    namespaces.unshare(HOST_NAMESPACES)
    namespaces.mount("none", "/", flags=namespaces.MS_REC | namespaces.MS_PRIVATE)
    namespaces.mount("tmpfs", "/run", "tmpfs", data="mode=755")
    os.mkdir("/run/cgroup")
    namespaces.mount("/sys/fs/cgroup", "/run/cgroup", flags=namespaces.MS_BIND | namespaces.MS_REC)
    namespaces.mount("sysfs", "/sys", "sysfs")
    namespaces.mount("/run/cgroup", "/sys/fs/cgroup", flags=namespaces.MS_MOVE)
    os.rmdir("/run/cgroup")
    namespaces.start_loopback()
    # With SIGCHLD ignored the kernel reaps what it adopts.
    argv = ["env", "--ignore-signal=CHLD", "cat"]
    return subprocess.Popen(argv, env=ENVIRONMENT, stdin=subprocess.PIPE, start_new_session=True)


def _new_network():
    namespaces.unshare(namespaces.CLONE_NEWNET)
    namespaces.start_loopback()
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
