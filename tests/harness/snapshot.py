# SPDX-License-Identifier: GPL-2.0-or-later
"""What a host looks like: everything that a run of the program could leave behind.

A snapshot is a dictionary of sections, each a list of lines, so that two of them can be
compared and what differs can be read.
"""

import difflib
import hashlib
import ipaddress
import json
import os
import re
import stat
from pathlib import Path

# Sysctls that change by themselves, each with the reason. Nothing else is left out.
FLUCTUATING_SYSCTLS = {
    "netfilter/nf_conntrack_count": "counts connections; the entries themselves are compared",
}

# In what ip reports of a bridge: its running timers, and how many neighbours it has learned of.
FLUCTUATING_KEYS = re.compile(r"_timer$|^fdb_n_learned$")

# Addresses by which this host's own connections may stay in conntrack: loopback, link-local and
# multicast, unspecified, and the test LANs' documentation ranges (see host.py).
OWN_NETWORKS = [
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8",
        "0.0.0.0/32",
        "224.0.0.0/4",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "::1/128",
        "::/128",
        "fe80::/10",
        "ff00::/8",
        "2001:db8::/32",
    )
]

MOST_CHANGES = 20  # of a section, no more are told
NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")


class Snapshot(dict):
    """A host's state, by sections."""

    @classmethod
    def of(cls, host):
        """Take the state of a Host."""
        return cls(
            {
                **_addresses_and_routes(host),
                "nftables": _ruleset(host),
                "conntrack": _connections(host),
                "sysctls": host.inside(_sysctls),
                "mounts": sorted(host.root("/proc/1/mountinfo").read_text().splitlines()),
                "processes": _processes(host),
                "/run": _tree(host.root("/run"), {str(host.root(path)) for path in host.projects}),
            }
        )

    def difference(self, other):
        """Return what differs in other, as text; "" if nothing does."""
        text = []
        for section in sorted(self.keys() | other.keys()):
            before, after = self.get(section, []), other.get(section, [])
            if before != after:
                text += [f"{section}:", *(f"  {line}" for line in _changes(before, after))]
        return "\n".join(text)


def _changes(before, after):
    lines = list(difflib.unified_diff(before, after, lineterm="", n=0))[2:]
    lines = [line for line in lines if not line.startswith("@@")]
    if len(lines) > MOST_CHANGES:  # a leftover interface alone brings 200 sysctls
        lines[MOST_CHANGES:] = [f"... and {len(lines) - MOST_CHANGES} more"]
    return lines


def _steady(item):
    """Return a JSON value without what changes by itself."""
    if isinstance(item, dict):
        return {key: _steady(value) for key, value in item.items() if not FLUCTUATING_KEYS.search(key)}
    if isinstance(item, list):
        return [_steady(value) for value in item]
    return item


def _lines(items):
    return sorted(json.dumps(_steady(item), sort_keys=True) for item in items if item)


def _ip(host, sections, *options):
    """Return what ip shows, by sections, of which each names its command; one process is quicker than many."""
    text, decoder = host.ip(*sections.values(), options=["-j", "-d", *options]).lstrip(), json.JSONDecoder()
    found = {}
    for section in sections:
        items, end = decoder.raw_decode(text)
        found[section], text = _lines(items), text[end:].lstrip()
    assert not text, f"more than {', '.join(sections)}: {text}"
    return found


def _addresses_and_routes(host):
    return {
        **_ip(host, {"links": "link show", "addresses": "addr show"}),
        **_ip(host, {"routes": "route show table all", "rules": "rule show"}, "-4"),
        **_ip(host, {"routes6": "route show table all", "rules6": "rule show"}, "-6"),
    }


def _ruleset(host):
    """The ruleset with its handles, without counters: as text, because nft 1.0.6 prints broken JSON as soon
    as a table has an owner."""
    return host.run(["nft", "-s", "-a", "list", "ruleset"]).stdout.splitlines()


def _is_foreign(address):
    return not any(ipaddress.ip_address(address) in network for network in OWN_NETWORKS)


def _connections(host):
    """Conntrack entries that name an address which is not the host's or its LAN's: a copy's, then."""
    entries = []
    if host.sysctl("net.netfilter.nf_conntrack_count") == "0":
        return entries
    for family in ("ipv4", "ipv6"):
        for line in host.run(["conntrack", "-L", "-f", family]).stdout.splitlines():
            ends = re.findall(r"\b(src|dst|sport|dport)=(\S+)", line)
            if any(_is_foreign(value) for name, value in ends if name in ("src", "dst")):
                entries.append(" ".join([line.split()[0], *(f"{name}={value}" for name, value in ends)]))
    return sorted(entries)


def _sysctls(root="/proc/sys/net"):
    """All of /proc/sys/net. What it shows is the network namespace of the thread that reads."""
    lines = []
    for directory, _, names in os.walk(root):
        for name in names:
            path = os.path.join(directory, name)
            key = path[len(root) + 1 :]
            if key not in FLUCTUATING_SYSCTLS:
                lines.append(f"{key} = {_sysctl(path)}")
    return sorted(lines)


def _sysctl(path):
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            return os.read(descriptor, 1 << 16).decode().strip()
        finally:
            os.close(descriptor)
    except FileNotFoundError:  # its interface has just gone
        return "(gone)"
    except OSError as error:  # write-only ones, and secrets that are not set
        return f"({error.strerror})"


def _processes(host):
    """Every process of the host's pid namespace and those below it, with its namespaces."""
    lines = []
    for process in host.process_directories():
        command = ""
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            command = command or (process / "stat").read_text()
            spaces = " ".join(os.readlink(process / "ns" / name) for name in NAMESPACES)
        except (FileNotFoundError, ProcessLookupError):
            if not process.exists():  # it has just ended
                continue
            spaces = "is ending"  # it has no namespaces any more, but it may still have ports
        except PermissionError:  # a zombie has no namespaces any more
            spaces = "a zombie"
        lines.append(f"{process.name} {command} {spaces}")
    return sorted(lines)


def _tree(root, without):
    """Every file below root but for the directories in without: type, mode, owner, content."""
    lines = []
    for directory, directories, names in os.walk(root):
        directories[:] = [name for name in directories if os.path.join(directory, name) not in without]
        for name in directories + names:
            path = Path(directory, name)
            lines.append(f"{path.relative_to(root)} {_file(path)}")
    return sorted(lines)


def _file(path):
    try:
        status = path.lstat()
        text = f"{stat.filemode(status.st_mode)} {status.st_uid}:{status.st_gid}"
        if stat.S_ISLNK(status.st_mode):
            text += f" -> {os.readlink(path)}"
        elif stat.S_ISREG(status.st_mode):
            text += f" {status.st_size} bytes {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
        return text
    except FileNotFoundError:
        return "(gone)"
