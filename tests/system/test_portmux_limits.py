# SPDX-License-Identifier: GPL-2.0-or-later
"""--ulimit, --memory, --cpus, --pids: what each copy may use."""

import os
from pathlib import Path

import pytest
from harness import PLAIN_USER

PLACES = ("--files", "private", "-d", "copies")
SHOW = ("--", "/usr/bin/prlimit", "--raw", "--noheadings", "--output", "RESOURCE,SOFT,HARD")

LIMITS = {
    "NOFILE": (300, 400),
    "NPROC": (70, 80),
    "CORE": (0, 4096),
    "STACK": (4 << 20, 16 << 20),
    "FSIZE": (50 << 20, 60 << 20),
    "CPU": (3000, 3001),
    "DATA": (2 << 30, 3 << 30),
    "MEMLOCK": (65536, 131072),
    "SIGPENDING": (1000, 2000),
    "MSGQUEUE": (400000, 500000),
    "NICE": (0, 0),
    "RTPRIO": (0, 0),
    "RTTIME": (1000, 2000),
    "RSS": (1 << 30, 2 << 30),
    "LOCKS": (7, 8),
}

REFUSED = "portmux: cannot raise the hard limit of core from 2 to 10 (that needs root, and CAP_SYS_RESOURCE)"
REFUSED += ": Operation not permitted"


def options(limits):
    """Return the options that set limits."""
    return [word for name, (soft, hard) in limits.items() for word in ("--ulimit", f"{name.lower()}={soft}:{hard}")]


def shown(host, project, *arguments, **more):
    """Run prlimit as copies; return the limits that each of them has told, by name."""
    manager = host.start_portmux(project, *PLACES, *arguments, *SHOW, **more)
    assert manager.wait() == 0
    lines = [line.split() for line in manager.said(1)]
    return {name: (soft, hard) for name, soft, hard in lines}


def test_limits_are_set(host, project):
    """All that there are, soft and hard; the copy's user may not raise them: NPROC, of a user without processes."""
    found = shown(host, project, "-u", "54778:54778", *options(LIMITS))
    assert {name: found[name] for name in LIMITS} == {
        name: (str(soft), str(hard)) for name, (soft, hard) in LIMITS.items()
    }


def test_one_number_is_both_and_the_last_one_counts(host, project):
    """As of docker; "unlimited" is a number, too."""
    found = shown(host, project, "--ulimit", "nofile=500", "--ulimit", "nofile=600", "--ulimit", "core=unlimited")
    assert found["NOFILE"] == ("600", "600")
    assert found["CORE"] == ("unlimited", "unlimited")


def test_those_of_the_caller_stay(host, project):
    """Without an option; the many descriptors of the manager itself are not the copies'."""
    found = shown(host, project, under=["prlimit", "--nofile=100:400", "--msgqueue=1:2"])
    assert found["NOFILE"] == ("100", "400")
    assert found["MSGQUEUE"] == ("1", "2")


def may_raise():
    """Return whether root may raise hard limits: CAP_SYS_RESOURCE, which root of a container may not have."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff:")]
    return int(line.split()[1], 16) >> 24 & 1 == 1


def test_root_raises_a_hard_limit_of_the_callers(host, project):
    """For a copy that is not root; and says what is missing where root may not."""
    options_of_this = ("-u", "54778:54778", "--ulimit", "core=9:10")
    under = ["prlimit", "--core=1:2"]
    if may_raise():
        assert shown(host, project, *options_of_this, under=under)["CORE"] == ("9", "10")
        return
    manager = host.start_portmux(project, *PLACES, *options_of_this, *SHOW, under=under)
    assert manager.wait() == 1
    assert manager.err.lines == [REFUSED]


def test_few_descriptors_are_enough_to_start(host, project):
    """Those of the program, and one to load it; what sets it up has more."""
    manager = host.start_portmux(project, *PLACES, "--ulimit", "nofile=4", "--", "/bin/sh", "-c", "ulimit -n")
    assert manager.wait() == 0
    assert manager.said(1) == ["4"]


def test_a_limit_that_nobody_may_have_is_refused(host, project):
    """Before anything is made, in one line."""
    most = int(host.run(["sysctl", "-n", "fs.nr_open"]).stdout)
    manager = host.start_portmux(project, *PLACES, "--ulimit", f"nofile={most + 1}", *SHOW)
    assert manager.wait() == 1
    (line,) = manager.err.lines
    assert line.startswith("portmux: cannot raise the hard limit of nofile from ")
    assert f" to {most + 1} " in line and line.endswith(": Operation not permitted")
    assert not project.copies.joinpath("1").exists()


def test_a_plain_user_may_not_raise_a_hard_limit(host):
    """The line says what it needs."""
    under = ["prlimit", "--core=1:2", "setpriv", f"--reuid={PLAIN_USER}", f"--regid={PLAIN_USER}", "--clear-groups"]
    home = host.home(PLAIN_USER)
    manager = host.start_portmux(home, *PLACES, "--ulimit", "core=9:10", *SHOW, under=under)
    assert manager.wait() == 1
    assert manager.err.lines == [REFUSED]


# ---- By control group ----

GROUP_LIMITS = {"memory": ("--memory", "64m"), "cpus": ("--cpus", "0.5"), "pids": ("--pids", "20")}
NEEDS_GROUP = "portmux: a limit of memory, processors or processes needs a control group that is this run's alone: "


def lay_group(host, controllers, delegate=None, processes=""):
    """Lay a directory over the control group (v2) of the host's processes, with files as the kernel has them."""
    mounts, groups = (host.run(["cat", f"/proc/self/{name}"]).stdout.splitlines() for name in ("mountinfo", "cgroup"))
    mount = next(line.split()[4] for line in mounts if " - cgroup2 " in line)
    (name,) = [line[3:] for line in groups if line.startswith("0::")]
    group = f"{mount}{name}"
    host.run(["mount", "-t", "tmpfs", "tmpfs", group])
    host.root(group).joinpath("cgroup.controllers").write_text(f"{controllers}\n")
    host.root(group).joinpath("cgroup.procs").write_text(processes)
    if delegate:
        os.setxattr(host.root(group), "trusted.delegate", delegate)
    host.remember()
    return group


def refusal(host, project, *arguments, **more):
    """Start a run that is refused before anything is made; return its only line."""
    manager = host.start_portmux(project, *PLACES, *arguments, *SHOW, **more)
    assert manager.wait() == 1
    (line,) = manager.err.lines
    assert not project.copies.joinpath("1").exists()
    return line


@pytest.mark.parametrize("option", GROUP_LIMITS.values(), ids=GROUP_LIMITS)
def test_without_a_group_such_a_limit_is_refused(host, project, option):
    """The line names the command that gives one."""
    assert refusal(host, project, *option) == f"{NEEDS_GROUP}systemd-run --scope -p Delegate=yes portmux ..."


def test_a_plain_user_is_told_of_their_own_systemd(host):
    """Which can delegate, too."""
    under = ["setpriv", f"--reuid={PLAIN_USER}", f"--regid={PLAIN_USER}", "--clear-groups"]
    line = refusal(host, host.home(PLAIN_USER), *GROUP_LIMITS["pids"], under=under)
    assert line == f"{NEEDS_GROUP}systemd-run --user --scope -p Delegate=yes portmux ..."


@pytest.mark.parametrize("group", [{}, {"delegate": b"0"}, {"delegate": b"1", "processes": "1\n"}])
def test_a_group_of_somebody_elses_is_left_alone(host, project, group):
    """It is not delegated; or another process is in it, which cannot be moved."""
    lay_group(host, "cpu memory pids", **group)
    assert refusal(host, project, *GROUP_LIMITS["memory"]).startswith(NEEDS_GROUP)


@pytest.mark.parametrize("controllers, missing", [("cpuset memory pids", "cpu"), ("cpu pids", "memory")])
def test_a_controller_that_was_not_delegated_is_named(host, project, controllers, missing):
    """As older systemd does with a user's processors."""
    group = lay_group(host, controllers, b"1")
    line = refusal(host, project, *GROUP_LIMITS["cpus"])
    assert line.startswith(f"portmux: the control group {group} has no controller {missing} ")


def test_a_group_is_ours_with_children_of_ours_in_it(host, project):
    """Without root these are pasta and the process that holds it; here a child that the test ends."""
    group = lay_group(host, "memory pids", b"1")
    with_child = f'sleep 3600 >/dev/null 2>&1 & printf "$$\\n$!\\n" >{group}/cgroup.procs; exec "$@"'
    try:
        line = refusal(host, project, *GROUP_LIMITS["cpus"], under=["sh", "-c", with_child, "sh"])
    finally:
        child = host.root(group).joinpath("cgroup.procs").read_text().split()[1]
        host.run(["kill", "-KILL", child])
    assert line.startswith(f"portmux: the control group {group} has no controller cpu ")


def test_without_such_a_limit_no_group_is_needed(host, project):
    """Also not the controllers of one."""
    lay_group(host, "cpuset", b"1")
    manager = host.start_portmux(project, *PLACES, *SHOW)
    assert manager.wait() == 0
