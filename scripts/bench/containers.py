# SPDX-License-Identifier: GPL-2.0-or-later
"""Podman and Docker as peers, each on a private host: the same program, of the same files, in containers.

The image has nothing but names: the programs are the machine's own, by a read-only bind mount of /usr. So no engine
copies or unpacks anything for a container, and both use overlayfs: it is the least that they can do.
"""

import shutil
import tarfile
from pathlib import Path

from engines import DATA, Engine

from harness import wait_until

STARTED = 30.0
DONE = 120.0
DIRECTORIES = ("usr", "etc", "tmp", "srv", "proc", "sys", "dev", "run", "root")
LINKS = ("bin", "sbin", "lib", "lib64")  # into /usr, as all distributions that this is made for have them


def make_image(directory):
    """Make an image's file system in directory, as a tar file; return its path."""
    path = Path(directory, "image.tar")
    with tarfile.open(path, "w") as image:
        for name in DIRECTORIES:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            image.addfile(entry)
        for name in LINKS:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, f"usr/{name}"
            image.addfile(entry)
    return path


class Containers(Engine):
    """What is the same for both: commands are typed in the engine's own mounts and control group."""

    def __init__(self, host, project, argv):
        """project: what the containers see as /srv, where they start."""
        super().__init__(host, argv)
        self.project = project

    def command(self, *arguments):
        """Return the argv of a command of the engine."""
        inside = ["nsenter", "--target", self.pid, "--mount", "--cgroup"]
        return [str(argument) for argument in (*inside, *self.program(), *arguments)]

    def run(self, *arguments):
        """Run a command of the engine to its end; it has to succeed."""
        return self.host.run(self.command(*arguments), deadline=DONE)

    def start_copy(self, ports, argv, *options):
        """Return the argv of what starts a copy in the foreground. ports: HOSTPORT:PORT[/udp]."""
        published = [part for port in ports for part in ("--publish", port)]
        seen = ["--volume", "/usr:/usr:ro", "--volume", f"{self.project.path}:/srv:ro", "--workdir", "/srv"]
        return self.command("run", "--rm", *self.network, *published, *seen, *options, "bench", *argv)


class Podman(Containers):
    """It has no daemon: the process that runs holds its mounts."""

    name = "podman"
    network = ("--network", "net", "--pids-limit", "0", "--log-driver", "none")

    def __init__(self, host, project, directory):
        """Load the image."""
        super().__init__(host, project, ["sleep", "infinity"])
        self.run("import", make_image(directory), "bench")
        self.run("network", "create", "--ipv6", "--subnet", "10.89.0.0/24", "--subnet", "fd00:d0d::/64", "net")

    @staticmethod
    def program():
        """Return how it is called, with all its state in places of its own."""
        places = f"--root {DATA}/root --runroot /run/podman --tmpdir /run/podman/tmp --network-config-dir {DATA}/net"
        kinds = "--storage-driver overlay --cgroup-manager cgroupfs --network-backend netavark --events-backend none"
        return ["podman", "--log-level", "error", *places.split(), *kinds.split()]

    @staticmethod
    def why_not():
        """Return why it cannot be measured, or None."""
        return None if shutil.which("podman") else "it is not installed"


class Docker(Containers):
    """A dockerd, and its client."""

    name = "docker"
    network = ()

    def __init__(self, host, project, directory):
        """Start the daemon, and load the image."""
        options = "--storage-driver overlay2 --exec-opt native.cgroupdriver=cgroupfs --log-level error"
        ipv6 = "--ipv6 --fixed-cidr-v6 fd00:d0c::/64 --experimental --ip6tables"
        super().__init__(host, project, ["dockerd", "--data-root", DATA, *options.split(), *ipv6.split()])
        wait_until(self._answers, STARTED, self.process.transcript)
        self.run("import", make_image(directory), "bench")

    def _answers(self):
        return self.host.run(self.command("version"), check=False).returncode == 0

    @staticmethod
    def program():
        """Return how its client is called."""
        return ["docker"]

    @staticmethod
    def why_not():
        """Return why it cannot be measured, or None."""
        return None if shutil.which("dockerd") and shutil.which("docker") else "it is not installed"


ENGINES = (Podman, Docker)
