# SPDX-License-Identifier: GPL-2.0-or-later
"""Real container engines on a private host.

They have mounts and control groups of their own: what they mount is not seen on the host, and the groups
of their containers lie below one group of each engine, in the second version's hierarchy, which is there on every
machine. Their image is made here of busybox; no registry is asked.
"""

import http.client
import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import tarfile

from harness import wait_until
from harness.node import ENVIRONMENT

DATA = "/mnt"  # of the host; on a tmpfs that the engine alone sees
START_DEADLINE = 30.0
COMMAND_DEADLINE = 60.0
END_DEADLINE = 30.0
BUSYBOX = "/bin/busybox"
SERVER = [BUSYBOX, "httpd", "-f", "-p", "80"]

# $group is made the root of what the engine sees. No process may be in it beside other groups, so the
# engine itself is in one below it. What it says first is its pid.
START = f"""
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /sys/fs/cgroup/$group/engine
echo 0 >/sys/fs/cgroup/$group/cgroup.procs
exec unshare --cgroup sh -ec '
    echo 0 >/sys/fs/cgroup/$group/engine/cgroup.procs
    umount /sys/fs/cgroup
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mount -t tmpfs tmpfs {DATA}
    echo $$
    exec "$@"
' sh "$@"
"""
TIDY = """
mount -t cgroup2 cgroup2 /sys/fs/cgroup
[ ! -e /sys/fs/cgroup/$group ] || find /sys/fs/cgroup/$group -depth -type d -exec rmdir {} +
"""


def _make_image(directory):
    """Make a file system that has busybox and what it needs, as a tar file; return its path."""
    busybox = shutil.which("busybox")
    libraries = subprocess.run(["ldd", busybox], capture_output=True, text=True, check=False).stdout
    path = directory / "image.tar"
    with tarfile.open(path, "w", dereference=True) as image:
        image.add(busybox, BUSYBOX)
        for library in re.findall(r"/\S+", libraries):  # none where it is static
            image.add(library)
    return path


_numbers = itertools.count()  # several can run at a time: the groups of each have a name of their own


class Engine:
    """What the engines have in common: a process that runs as long as they do."""

    def __init__(self, host, argv):
        """Start the process."""
        self.host = host
        self._environment = {**ENVIRONMENT, "group": f"uva_container_{os.getpid()}_{next(_numbers)}"}
        self.process = host.popen(["unshare", "--mount", "sh", "-ec", START, "sh", *argv], env=self._environment)
        self.pid = self.process.out.wait_for(r"^(\d+)$", START_DEADLINE)[1]

    def reaches(self, address, port):
        """Whether the container gets a connection to a TCP port."""
        return self.execute([BUSYBOX, "nc", "-w", "1", address, str(port), "-e", BUSYBOX, "true"]) == 0

    def end(self):
        """End the process, and remove its control groups."""
        self.process.stop(deadline=END_DEADLINE)
        self.tidy()

    def tidy(self):
        """Remove its control groups, as soon as no process is in them."""
        tidy = ["unshare", "--mount", "sh", "-ec", TIDY]

        def are_gone():
            return self.host.run(tidy, env=self._environment, check=False).returncode == 0

        wait_until(are_gone, END_DEADLINE, "the control groups are gone")


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=COMMAND_DEADLINE)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Docker(Engine):
    """A dockerd, with a container that serves HTTP at a host port."""

    drops = True  # what is forwarded and not its own

    def __init__(self, host, directory, port):
        """Start both."""
        options = "--storage-driver vfs --exec-opt native.cgroupdriver=cgroupfs --log-level warn"
        ipv6 = "--ipv6 --fixed-cidr-v6 fd00:d0c::/64 --experimental --ip6tables"
        super().__init__(host, ["dockerd", "--data-root", DATA, *options.split(), *ipv6.split()])
        wait_until(self._answers, START_DEADLINE, self.process.transcript)
        self._ask("POST", "/images/create?fromSrc=-&repo=busybox", _make_image(directory).read_bytes())
        published = {"PortBindings": {"80/tcp": [{"HostPort": str(port)}]}}
        container = {"Image": "busybox", "Cmd": SERVER, "ExposedPorts": {"80/tcp": {}}, "HostConfig": published}
        self._ask("POST", "/containers/create?name=web", container)
        self._ask("POST", "/containers/web/start")

    def _answers(self):
        try:
            return self._ask("GET", "/_ping") == b"OK"
        except OSError:  # it does not listen yet
            return False

    def _ask(self, method, path, body=None):
        """Ask its API; return the answer's body."""
        connection = _Connection(str(self.host.root("/run/docker.sock")))
        headers = {"Content-Type": "application/x-tar" if isinstance(body, bytes) else "application/json"}
        text = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        connection.request(method, path, text, headers)
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        assert response.status < 400, f"{method} {path}: {answer}"
        return answer

    def execute(self, argv):
        """Run a command in the container; return its exit code."""
        number = json.loads(self._ask("POST", "/containers/web/exec", {"Cmd": argv, "AttachStdout": True}))["Id"]
        self._ask("POST", f"/exec/{number}/start", {"Detach": False})
        return json.loads(self._ask("GET", f"/exec/{number}/json"))["ExitCode"]

    def stop(self):
        """Stop both."""
        self._ask("DELETE", "/containers/web?force=true")
        self.end()


class Podman(Engine):
    """Podman, with netavark; a container that serves HTTP at a host port. It has no daemon."""

    drops = False

    def __init__(self, host, directory, port):
        """Start the container."""
        super().__init__(host, ["sleep", "infinity"])
        self("import", _make_image(directory), "busybox")
        self("network", "create", "--ipv6", "--subnet", "10.89.0.0/24", "--subnet", "fd00:d0d::/64", "net")
        limits = ["--network", "net", "--pids-limit", "0", "--log-driver", "none"]
        self("run", "--detach", "--name", "web", *limits, "--publish", f"{port}:80", "busybox", *SERVER)

    def __call__(self, *arguments, check=True):
        """Run a podman command; return its exit code."""
        inside = ["nsenter", "--target", self.pid, "--mount", "--cgroup"]
        places = f"--root {DATA}/root --runroot /run/podman --tmpdir /run/podman/tmp --network-config-dir {DATA}/net"
        kinds = "--storage-driver vfs --cgroup-manager cgroupfs --network-backend netavark --events-backend none"
        command = [*inside, "podman", *places.split(), *kinds.split(), *arguments]
        return self.host.run(command, deadline=COMMAND_DEADLINE, check=check).returncode

    def execute(self, argv):
        """Run a command in the container; return its exit code."""
        return self("exec", "web", *argv, check=False)

    def stop(self):
        """Stop the container."""
        self("rm", "--force", "--time", "0", "web")
        self.end()
