# SPDX-License-Identifier: GPL-2.0-or-later
"""A host on which both copies run, as a place to look at the network from all sides."""

import contextlib
import ipaddress
import json

from .host import Host

BRIDGE = "uva0"


class Scene:
    """A host, and a run of the program under test on it that is ready."""

    def __init__(self, host, project, *arguments, bridge=BRIDGE, **options):
        """Start the project's program with arguments; bridge: what it will call its bridge.

        For the other options see Manager.
        """
        self.host = host
        self.client = host.client
        self.project = project
        self.bridge = bridge
        self.manager = host.start_manager(project, *arguments, **options).wait_ready()
        self._copies = {}

    def copy(self, number):
        """Return copy number's place on the network."""
        if number not in self._copies:
            self._copies[number] = self.host.enter(self.manager.copy_process(number))
        return self._copies[number]

    def bridge_addresses(self, version=4):
        """Return the addresses of the bridge, in their order: the copies' gateway is the first."""
        return addresses(self.host, self.bridge, version)

    def copy_address(self, number, version=4):
        """Return a copy's own address."""
        return addresses(self.copy(number), "eth0", version)[0]

    def caller_address(self, number, version=4):
        """Return the address by which a copy comes to others when it calls a host port."""
        _, second = self.subnet(version).subnets()
        return str(second[int(ipaddress.ip_address(self.copy_address(number, version))) - int(self.subnet(version)[0])])

    def subnet(self, version=4):
        """Return the network that the copies are in."""
        (network,) = {
            ipaddress.ip_network(route["dst"])
            for route in _ip(self.host, f"-{version}", "route", "show", "dev", self.bridge, "proto", "kernel")
            if not route["dst"].startswith("fe80")
        }
        return network

    def restart(self):
        """Stop it as a user would, and start it again at once."""
        assert self.manager.stop() == 0
        self.manager = self.host.start_manager(self.project).wait_ready()
        self._copies = {}


@contextlib.contextmanager
def open_scene(directory, program, **options):
    """A scene on a host of its own, made with options, with program as both copies' http_recorder.py.

    For many tests that only look: the host is compared before and after all of them.
    """
    with Host(**options) as host:
        project = host.project(directory)
        project.install(program)
        yield Scene(host, project)
        host.finish()


def addresses(node, link, version=4):
    """Return the addresses of a node's link but for those of link scope, sorted."""
    family = {4: "inet", 6: "inet6"}[version]
    (found,) = _ip(node, "addr", "show", "dev", link)
    texts = [entry["local"] for entry in found["addr_info"] if entry["family"] == family and entry["scope"] != "link"]
    return [str(address) for address in sorted(map(ipaddress.ip_address, texts))]


def mac(node, link):
    """Return the MAC address of a node's link."""
    (found,) = _ip(node, "link", "show", "dev", link)
    return found["address"]


def bridge_netfilter(iptables, ip6tables=None):
    """Return the sysctls by which bridged packets go through the IP hooks (1) or do not (0)."""
    return {
        "net.bridge.bridge-nf-call-iptables": iptables,
        "net.bridge.bridge-nf-call-ip6tables": iptables if ip6tables is None else ip6tables,
    }


def _ip(node, *arguments):
    return json.loads(node.run(["ip", "-j", *arguments]).stdout or "[]")
