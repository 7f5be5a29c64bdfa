# SPDX-License-Identifier: GPL-2.0-or-later
"""Count the system calls and netlink messages of a run: what each copy costs, and what a run has once.

Two runs of portmux on a private host are watched by strace from the first call to the
last, one with FEW copies and one with MANY: what differs is the copies'. The manager and the guardian are
counted to their end, and so is a copy's init; its child is, until it executes the program.
"""

import collections
import re

from harness import build_one_thread, wait_until
from harness.host import Host

FEW, MANY = 2, 12
LEAST_EACH, LEAST_ONCE = 0.5, 5  # what happens less often is counted, and not listed
DEADLINE = 60.0
MANAGER, GUARDIAN, MAKER, INIT = "manager", "guardian", "maker of the view", "init"
NAMES = {"uva_guardian": GUARDIAN, "uva_init": INIT}  # what a process calls itself
STRACE = ["strace", "-D", "-f", "-b", "execve", "-qq", "-e", "abbrev=none", "-s", "64", "-o"]

ROUTE, DIAG = "NETLINK_ROUTE", "NETLINK_SOCK_DIAG"
# strace knows no names for messages in other network namespaces than its own.
TYPES = {
    (ROUTE, 0x10): "RTM_NEWLINK",
    (ROUTE, 0x14): "RTM_NEWADDR",
    (ROUTE, 0x18): "RTM_NEWROUTE",
    (ROUTE, 0x1C): "RTM_NEWNEIGH",
    (DIAG, 0x14): "SOCK_DIAG_BY_FAMILY",
}

# What the messages are for that are sent for each copy.
PURPOSES = {
    (MANAGER, "RTM_NEWLINK"): "the veth; it is set up as a port of the bridge",
    (MANAGER, "RTM_GETLINK"): "its index; does it forward yet?",
    (MANAGER, "RTM_NEWNEIGH"): "the copy's two addresses and its MAC address, by hand",
    (MANAGER, "NFT_MSG_NEWCHAIN"): "the copy's chain",
    (MANAGER, "NFT_MSG_NEWRULE"): "what the chain does: DNAT to the copy",
    (MANAGER, "NFT_MSG_NEWSETELEM"): "its host port; which addresses its MAC address may use",
    (MANAGER, "NFT_MSG_DELSETELEM"): "its host port, when it ends",
    (MANAGER, "SOCK_DIAG_BY_FAMILY"): "does it listen yet? on IPv4, on IPv6",
    (INIT, "RTM_NEWLINK"): "lo and eth0 up; no autoconfiguration",
    (INIT, "RTM_NEWADDR"): "IPv4, IPv6, link-local",
    (INIT, "RTM_NEWNEIGH"): "the gateway, by hand, in both families",
    (INIT, "RTM_NEWROUTE"): "the default routes",
}

CALL = re.compile(r"(\d+) +(\w+)\((.*)")
RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)")
UNFINISHED = " <unfinished ...>"
SOCKET = re.compile(r"AF_NETLINK, .*, (NETLINK_\w+)\) += (\d+)")
MESSAGE = re.compile(r"nlmsg_type=(?:\w+<<8\|)?(\w+)")


def whole_lines(trace):
    """Yield the lines of a trace; those of calls that others came between are joined again."""
    begun = {}
    for line in trace.splitlines():
        resumed = RESUMED.match(line)
        if resumed:
            yield begun.pop(resumed[1]) + resumed[2]
        elif line.endswith(UNFINISHED):
            begun[line.split()[0]] = line[: -len(UNFINISHED)]
        else:
            yield line
    yield from begun.values()


def read_calls(trace):
    """Return how often which process did what: {(process, "call" or "message", name): times}."""
    roles, sockets = {}, {}
    found = collections.Counter()
    for pid, call, rest in (match.groups() for match in map(CALL.match, whole_lines(trace)) if match):
        named = re.match('PR_SET_NAME, "(\\w+)"', rest) if call == "prctl" else None
        if not roles:
            roles[pid] = MANAGER
        elif named and named[1] in NAMES:
            roles[pid] = NAMES[named[1]]
        elif call == "execve":
            roles[pid] = INIT  # its child
        found[pid, "call", call] += 1
        netlink = SOCKET.search(rest) if call == "socket" else None
        if netlink:
            sockets[pid, netlink[2]] = netlink[1]
        if call == "sendto":
            protocol = sockets.get((pid, rest.split(",")[0]), DIAG)  # those of the copies have been handed over
            for name in MESSAGE.findall(rest):
                known = TYPES.get((protocol, int(name, 16)), name) if name.startswith("0x") else name
                found[pid, "message", known] += 1
    together = collections.Counter()
    for (pid, kind, name), times in found.items():
        together[roles.get(pid, MAKER), kind, name] += times
    return together


def watch(host, project, copies):
    """Return what read_calls() says of the life of a run of that many copies."""
    trace = project.there("trace")
    options = ["-n", str(copies), "-p", "9001+:8080"]
    under = [*STRACE, f"{project.path}/trace"]
    manager = host.start_portmux(project, *options, "--", "./http_recorder.py", under=under)
    manager.wait_ready(DEADLINE)
    manager.stop(deadline=DEADLINE)
    wait_until(lambda: not host.process_directories(), DEADLINE, "strace has written all of it")
    text = trace.read_text(encoding="utf-8", errors="replace")
    trace.unlink()
    return read_calls(text)


def count_calls(directory):
    """Return rows: (process, "call" or "message", name, how often for each copy, how often in a run, what for)."""
    with Host() as host:
        host.run(["mount", "-t", "tmpfs", "tmpfs", "/home"])
        project = host.project("/home/bench")
        project.install(build_one_thread(directory))
        few, many = (watch(host, project, copies) for copies in (FEW, MANY))
    rows = []
    for process, kind, name in sorted({*few, *many}):
        key = process, kind, name
        each = (many[key] - few[key]) / (MANY - FEW)
        rows.append((*key, each, few[key] - FEW * each, PURPOSES.get((process, name), "")))
    return rows


def tell(rows):
    """Print a table for each process: first what each copy costs."""
    for process in (MANAGER, GUARDIAN, MAKER, INIT):
        for kind, title in (("call", "system calls"), ("message", "netlink messages")):
            mine = [row for row in rows if row[:2] == (process, kind)]
            each, once = (sum(row[column] for row in mine) for column in (3, 4))
            print(f"\n{process}: {each:.1f} {title} for each copy, {once:.0f} once", flush=True)
            for _, _, name, each, once, purpose in sorted(mine, key=lambda row: (-row[3], -row[4])):
                if each >= LEAST_EACH or once >= LEAST_ONCE:
                    print(f"    {name:24} {each:6.1f} {once:6.0f}   {purpose}".rstrip())
