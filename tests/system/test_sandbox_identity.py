# SPDX-License-Identifier: GPL-2.0-or-later
"""Who a copy runs as, and that it can never be more: no capability, no set-user-id program, no way back."""

import grp
import os
import pwd

import host_things
import pytest
from harness import USER

CAPABILITY_SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
NET_RAW = (2, 3, 1)  # AF_INET, SOCK_RAW, ICMP
PACKET = (17, 3)  # AF_PACKET, SOCK_RAW
AUDIO = grp.getgrnam("audio").gr_gid


def test_the_caller(sandbox):
    """The user who has called sudo, else root: real, effective and saved; init too."""
    for copy in sandbox.copies:
        found = copy.get("identity")
        assert found["uid"] == found["gid"] == [sandbox.caller] * 3
        for pid in ("1", "self"):
            status = copy.get("status", pid)
            for name in ("Uid", "Gid"):
                assert status[name].split() == [str(sandbox.caller)] * 4


def test_groups_of_the_caller(sandbox):
    """Those of the user; a number without a name has none beside its own; root's are those it had."""
    groups = {0: os.getgroups(), USER: [USER]}.get(sandbox.caller, [])
    for copy in sandbox.copies:
        assert set(copy.get("identity")["groups"]) <= {*groups, sandbox.caller}
        assert set(copy.get("identity")["groups"]) >= set(groups)


def test_further_groups_of_the_user_who_called_sudo(host, probes, tmp_path):
    """As /etc/group has them."""
    user = pwd.getpwuid(USER).pw_name
    (tmp_path / "group").write_text(f"root:x:0:\naudio:x:{AUDIO}:{user}\nother:x:777:root\n")
    host.run(["mount", "--bind", tmp_path / "group", "/etc/group"])
    host.remember()
    manager = host.start_manager(probes, sudo=USER).wait_ready()
    with open(f"/proc/{manager.copy_process(1)}/status", encoding="ascii") as status:
        (line,) = [line for line in status if line.startswith("Groups:")]
    assert set(map(int, line.split()[1:])) == {USER, AUDIO}


def test_groups_of_a_caller_without_sudo(host, probes):
    """Root with groups of its own keeps these, and no others."""
    manager = host.start_manager(probes, under=["setpriv", "--groups", "1234,1235"]).wait_ready()
    with open(f"/proc/{manager.copy_process(1)}/status", encoding="ascii") as status:
        (line,) = [line for line in status if line.startswith("Groups:")]
    assert line.split()[1:] == ["1234", "1235"]


def test_home_of_the_user_who_called_sudo(sandbox):
    """HOME, USER and LOGNAME are those of the user, where that has a name."""
    if sandbox.caller == USER:
        entry = pwd.getpwuid(USER)
        for copy in sandbox.copies:
            environment = copy.get("at_start")["environment"]
            assert environment["HOME"] == entry.pw_dir
            assert environment["USER"] == environment["LOGNAME"] == entry.pw_name


@pytest.mark.parametrize("name", ["SUDO_UID", "SUDO_GID"])
@pytest.mark.parametrize("value", ["", "nobody", "-1", "+1", " 1000", "1000 ", "0x10", "4294967295", "1000\nx"])
@pytest.mark.host(lan=False)
def test_a_number_of_the_user_that_is_none(host, probes, name, value):
    """Whoever set it did not mean root: one line names the variable, and nothing is made."""
    manager = host.start_manager(probes, sudo=USER, env={name: value})
    assert manager.wait() == 1
    (line,) = manager.err.lines
    assert line.startswith(f"uva_container: {name} ")
    assert manager.out.lines == [] and not probes.copies.exists()


def test_no_capability(sandbox):
    """All five sets are empty, of init, of the program and of its children; and nothing new is to be had."""
    for copy in sandbox.copies:
        for status in (copy.get("status", 1), copy.get("status"), copy.get("status", program=True)):
            assert {name: int(status[name], 16) for name in CAPABILITY_SETS} == dict.fromkeys(CAPABILITY_SETS, 0)
            assert status["NoNewPrivs"] == "1"


def test_nothing_that_needs_a_capability(sandbox):
    """Another user, other groups, raw sockets, its link's settings, higher limits: for uid 0 too."""
    for copy in sandbox.copies:
        for user in {0, 1, host_things.OTHER_USER} - {sandbox.caller}:
            assert copy.refusal("set_ids", user) == "EPERM"
        assert copy.refusal("set_ids", sandbox.caller) == ""
        assert copy.refusal("set_groups", 0) == "EPERM"
        assert copy.refusal("make_socket", *NET_RAW) == "EPERM"
        assert copy.refusal("make_socket", *PACKET) == "EPERM"
        assert copy.refusal("make_socket", 2, 1) == ""
        for words in (["link", "set", "eth0", "down"], ["addr", "add", "10.1.2.3/8", "dev", "lo"]):
            code, _, error = copy.get("run", "ip", *words)
            assert code != 0 and "Operation not permitted" in error
        assert copy.get("run", "ip", "link", "show", "eth0")[0] == 0


def test_a_set_user_id_program_does_nothing(sandbox):
    """On the host it runs as its owner; in a copy as the caller."""
    outside = sandbox.host.run(["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", host_things.SETUID])
    assert f"euid={host_things.OTHER_USER}" in outside.stdout
    for copy in sandbox.copies:
        for option in ("-u", "-g"):
            assert copy.get("run", host_things.SETUID, option) == [0, f"{sandbox.caller}\n", ""]


def test_nor_does_one_of_its_own(sandbox):
    """Put into its directory and its /tmp from the host, by root."""
    outside = sandbox.host.root(host_things.SETUID)
    for copy in sandbox.copies:
        for place, seen in (
            (sandbox.project.files(copy.number), f"{sandbox.project.path}/copies/{copy.number}/files"),
            (sandbox.project.tmp(copy.number), "/tmp"),
        ):
            program = place / "setuid-id"
            program.write_bytes(outside.read_bytes())
            os.chown(program, host_things.OTHER_USER, host_things.OTHER_USER)
            program.chmod(0o6755)
            assert copy.get("run", f"{seen}/setuid-id", "-u") == [0, f"{sandbox.caller}\n", ""]
            program.unlink()


def test_file_capabilities_do_nothing(sandbox):
    """A program that would get some on the host runs, and gets none."""
    command = [host_things.CAPABLE, "^CapEff", "/proc/self/status"]
    user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    assert int(sandbox.host.run([*user, *command]).stdout.split()[1], 16) != 0
    for copy in sandbox.copies:
        code, text, _ = copy.get("run", *command)
        assert (code, int(text.split()[1], 16)) == (0, 0)


@pytest.mark.parametrize("command", [["su", "-c", "id", "daemon"], ["passwd", "-d", "root"], ["mount", "/mnt"]])
def test_the_hosts_own_set_user_id_programs_do_nothing(sandbox, command):
    """su, passwd and mount fail, for root as well."""
    before = {path: os.stat(path) for path in ("/etc/passwd", "/etc/shadow")}
    code, text, error = sandbox.copies[0].get("run", *command)
    assert code != 0, (text, error)
    assert "uid=" not in text
    assert {path: os.stat(path) for path in before} == before
