# SPDX-License-Identifier: GPL-2.0-or-later
"""A place on the network, and what can be done from there."""

import dataclasses
import http.client
import os
import socket
import subprocess
import urllib.parse
from pathlib import Path

from . import namespaces
from .process import Process

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}


@dataclasses.dataclass
class Response:
    """An HTTP server's answer."""

    status: int
    body: bytes

    @property
    def text(self):
        """The body as text."""
        return self.body.decode()


class Node:
    """A network namespace, with or without others, that work can be done in."""

    def __init__(self, descriptor, flags=namespaces.CLONE_NEWNET):
        """Own descriptor: a pidfd, or an open namespace file; flags: the namespaces meant (CLONE_NEW...)."""
        self._descriptor = descriptor
        self._flags = flags
        self.processes = []

    def inside(self, function):
        """Call function there, and return what it returns."""

        def body():
            namespaces.enter(self._descriptor, self._flags)
            return function()

        return namespaces.in_thread(body)

    def run(self, argv, *, deadline=10.0, check=True, cwd="/", env=None, stdin=None):
        """Run a command to its end; return its CompletedProcess with text. With check, it has to succeed."""
        argv = [str(argument) for argument in argv]
        done = self.inside(
            lambda: subprocess.run(
                argv,
                cwd=str(cwd),
                env={**ENVIRONMENT, **(env or {})},
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                capture_output=True,
                text=True,
                timeout=deadline,
                check=False,
            )
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(argv)}: exit code {done.returncode}\n{done.stderr}")
        return done

    def ip(self, *commands, options=()):
        """Run commands of ip by one process, with options such as -4 for all of them; return what it prints."""
        return self.run(["ip", *options, "-batch", "-"], stdin="".join(f"{line}\n" for line in commands)).stdout

    def set_sysctls(self, sysctls):
        """Set sysctls of the network, by their dotted names."""

        def write():
            for name, value in sysctls.items():
                Path("/proc/sys", *name.split(".")).write_text(str(value), encoding="ascii")

        self.inside(write)

    def popen(self, argv, **options):
        """Start a process; it is ended with the node. For the options see Process."""
        process = Process(self, argv, **{"env": ENVIRONMENT, **options})
        self.processes.append(process)
        return process

    def connect(self, address, port, deadline=5.0):
        """Return a TCP connection made from here. A port that nobody serves raises ConnectionRefusedError."""
        return self.inside(lambda: socket.create_connection((address, port), deadline))

    def refuses(self, address, port, deadline=0.5):
        """Whether a connection from here is refused at once; one that hangs until deadline raises."""
        try:
            self.connect(address, port, deadline).close()
        except ConnectionRefusedError:
            return True
        return False

    def listen(self, address, port):
        """Return a TCP socket that listens here. [::] listens for IPv4 as well."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return self.inside(
            lambda: socket.create_server(
                (address, port), family=family, dualstack_ipv6=address == "::"
            )
        )

    def get(self, url, deadline=5.0):
        """Fetch url from here, by one request on one connection."""
        parts = urllib.parse.urlsplit(url)

        def fetch():
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=deadline)
            try:
                connection.request("GET", parts.path or "/")
                response = connection.getresponse()
                return Response(response.status, response.read())
            finally:
                connection.close()

        return self.inside(fetch)

    def close_processes(self):
        """End the processes that were started here."""
        for process in self.processes:
            process.close()

    def close(self):
        """End what was started here and let go of the namespaces."""
        self.close_processes()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
