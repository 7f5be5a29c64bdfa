# SPDX-License-Identifier: GPL-2.0-or-later
"""System calls that no service program needs: refused in a copy, whoever calls, by whatever door.

Each is made with arguments that mean nothing, -1 throughout, so that it does nothing where it is not refused:
there, as root on a host, the answer is never EPERM. A name that the architecture does not have is left out.
"""

import functools
import os
import platform
import re
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

REFUSED = """
    mount umount2 pivot_root fsopen fsconfig fsmount fspick open_tree move_mount mount_setattr chroot
    setns open_by_handle_at name_to_handle_at
    init_module finit_module delete_module create_module get_kernel_syms query_module kexec_load kexec_file_load
    bpf perf_event_open userfaultfd lookup_dcookie io_uring_setup io_uring_enter io_uring_register
    add_key request_key keyctl
    reboot swapon swapoff acct quotactl quotactl_fd syslog vhangup nfsservctl
    clock_settime clock_adjtime settimeofday adjtimex sethostname setdomainname iopl ioperm
    kcmp move_pages migrate_pages mbind set_mempolicy get_mempolicy
    _sysctl sysfs uselib ustat modify_ldt
""".split()

NONSENSE = [-1] * 6

CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_SYSVSEM = 0x100, 0x200, 0x400, 0x40000
NAMESPACES = {
    "user": 0x10000000,
    "mnt": 0x20000,
    "net": 0x40000000,
    "pid": 0x20000000,
    "ipc": 0x8000000,
    "uts": 0x4000000,
    "cgroup": 0x2000000,
}
NEW_TIME = 0x80  # unshare only: for clone these bits are the signal at the end

AF_VSOCK = 40
X32_BIT = 0x40000000
I386 = {"getpid": 20, "mount": 21, "umount": 22, "ptrace of others": None, "chroot": 61, "reboot": 88, "clone3": 435}
I386 |= {"creat": 8, "open": 5, "openat": 295, "openat2": 437, "mkdir": 39, "mkdirat": 296, "mknod": 14}
I386 |= {"mknodat": 297, "chmod": 15, "fchmod": 94, "fchmodat": 306, "fchmodat2": 452}
I386 |= {"clone": 120, "unshare": 310, "socket": 359}

# The calls that set a mode: the arguments before it, of which none leads to a file, and what is asked for with it.
CREATE, UNNAMED, NODE = os.O_CREAT | os.O_WRONLY, os.O_TMPFILE | os.O_RDWR, stat.S_IFREG
MODES = [
    ("chmod", [-1], 0),
    ("fchmod", [-1], 0),
    ("fchmodat", [-1, -1], 0),
    ("fchmodat2", [-1, -1], 0),
    ("creat", [-1], 0),
    ("open", [-1, CREATE], 0),
    ("open", [-1, UNNAMED], 0),
    ("openat", [-1, -1, CREATE], 0),
    ("openat", [-1, -1, UNNAMED], 0),
    ("mkdir", [-1], 0),
    ("mkdirat", [-1, -1], 0),
    ("mknod", [-1], NODE),
    ("mknodat", [-1, -1], NODE),
]
SET_ID = (0o4755, 0o2755, 0o6755, 0o4000, 0o2000, 0o7777)
NOT_SET_ID = (0, 0o644, 0o755, 0o1777)
IGNORED = 1 << 32  # bits that are in the register, and that the kernel does not look at


@functools.cache
def numbers():
    """Return the numbers of this architecture's system calls, by their names."""
    command = [*os.environ.get("CC", "cc").split(), "-E", "-dM", "-include", "sys/syscall.h", "-x", "c", "/dev/null"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {name: int(number) for name, number in re.findall(r"^#define __NR_(\w+) (\d+)$", text, re.MULTILINE)}


def on_the_host(sandbox, probe, *arguments):
    """Let a probe run as root on the host itself, in a process of its own; return its answer."""
    # By its text: the host has a /tmp of its own, and this tree may lie in the machine's.
    code = (
        "import json, sys, types; probe = types.ModuleType('probe'); exec(sys.stdin.read(), probe.__dict__); "
        f"print(json.dumps(probe.{probe}(*{arguments!r})))"
    )
    source = Path(__file__).with_name("probe.py").read_text(encoding="utf-8")
    done = sandbox.host.run([sys.executable, "-c", code], stdin=source, check=False)
    return done.stdout.strip() or f"exit code {done.returncode}"


def test_refused_system_calls(sandbox):
    """Each ends with EPERM; without the sandbox none would."""
    known = [name for name in REFUSED if name in numbers()]
    assert len(known) > 50
    calls = [numbers()[name] for name in known]
    for copy in sandbox.copies:
        answers = dict(zip(known, copy.get("syscalls", calls, NONSENSE)))
        assert {name: answer for name, answer in answers.items() if answer != "EPERM"} == {}
    without = dict(zip(known, re.findall(r'"(\w*)"', on_the_host(sandbox, "syscalls", calls, NONSENSE))))
    assert set(without) == set(known)
    assert [name for name, answer in without.items() if answer == "EPERM"] == []


def test_the_program_itself_and_init_are_filtered(sandbox):
    """Both have a filter (2), not only children."""
    for copy in sandbox.copies:
        assert copy.get("status", 1)["Seccomp"] == "2"
        assert copy.get("status", program=True)["Seccomp"] == "2"
        assert copy.get("syscalls", [numbers()["keyctl"]], NONSENSE, program=True) == ["EPERM"]


@pytest.mark.parametrize("name", NAMESPACES)
def test_no_new_namespace(sandbox, name):
    """Neither by clone nor by unshare, alone or with what is allowed."""
    flag = NAMESPACES[name]
    for copy in sandbox.copies:
        assert copy.refusal("clone", numbers()["clone"], flag) == "EPERM"
        for more in (CLONE_FILES, IGNORED, -IGNORED):
            assert copy.refusal("clone", numbers()["clone"], flag | more) == "EPERM"
        assert copy.refusal("syscall", numbers()["unshare"], flag) == "EPERM"
        assert copy.refusal("syscall", numbers()["unshare"], flag | CLONE_FILES) == "EPERM"
        assert copy.refusal("syscall", numbers()["unshare"], flag | IGNORED) in ("EPERM", "EINVAL")
        assert copy.refusal("syscall", numbers()["unshare"], sum(NAMESPACES.values())) == "EPERM"


def test_no_new_time_namespace(sandbox):
    """Not by unshare, the only call that makes one here."""
    assert sandbox.copies[0].refusal("syscall", numbers()["unshare"], NEW_TIME) == "EPERM"


def test_clone_and_unshare_otherwise_work(sandbox):
    """A child; descriptors, directory and semaphores of one's own."""
    for copy in sandbox.copies:
        assert copy.refusal("clone", numbers()["clone"], 0) == ""
        for flags in (CLONE_FILES, CLONE_FS, CLONE_SYSVSEM, CLONE_FILES | CLONE_FS):
            assert copy.refusal("syscall", numbers()["unshare"], flags) == ""
            assert copy.refusal("syscall", numbers()["unshare"], flags, program=True) == ""


def test_clone3_is_as_if_it_did_not_exist(sandbox):
    """ENOSYS, on which libc takes clone instead: threads and subprocesses work (see works.py)."""
    for copy in sandbox.copies:
        assert copy.refusal("syscall", numbers()["clone3"], *NONSENSE) == "ENOSYS"


def test_no_socket_to_the_hypervisor(sandbox):
    """AF_VSOCK is in no network namespace. Others are made: works.py."""
    for copy in sandbox.copies:
        for kind in (1, 2, 5):
            assert copy.refusal("make_socket", AF_VSOCK, kind) == "EPERM"
            for more in (0, IGNORED, -IGNORED, 1 << 62):
                assert copy.refusal("syscall", numbers()["socket"], AF_VSOCK | more, kind, 0) == "EPERM"
        for more in (0, IGNORED):
            assert copy.refusal("syscall", numbers()["socket"], socket.AF_UNIX | more, socket.SOCK_STREAM, 0) == ""


def mode_calls(names, modes):
    """Return all calls that set a mode as a list of number and arguments each; names: their numbers."""
    known = [(names[name], arguments, kind) for name, arguments, kind in MODES if name in names]
    assert len(known) >= 7
    return [(number, *arguments, kind | mode, 0) for number, arguments, kind in known for mode in modes]


def test_no_file_becomes_set_user_id(sandbox):
    """Whichever call would set either bit, also where a register holds more than the kernel looks at."""
    names = {"fchmodat2": 452, **numbers()}
    modes = [mode | more for mode in SET_ID for more in (0, IGNORED)]
    for copy in sandbox.copies:
        for program in (False, True):
            calls = mode_calls(names, modes)
            answers = copy.get("refusals", "syscall", *calls, program=program)
            assert [call for call, answer in zip(calls, answers) if answer != "EPERM"] == []
        flags = copy.refusals("syscall", [(names["openat"], -1, -1, CREATE | IGNORED, mode) for mode in SET_ID])
        assert set(flags.values()) == {"EPERM"}


def test_other_modes_are_none_of_its_business(sandbox):
    """Neither without these bits, nor where no file is made and the mode means nothing. See works.py, too."""
    names = {"fchmodat2": 452, **numbers()}
    for copy in sandbox.copies:
        answers = copy.refusals("syscall", mode_calls(names, NOT_SET_ID))
        assert set(answers.values()) <= {"EFAULT", "EBADF", *(() if "fchmodat2" in numbers() else ("ENOSYS",))}, answers
        for flags in (os.O_RDONLY, os.O_WRONLY | os.O_TRUNC, os.O_DIRECTORY, os.O_PATH):
            assert copy.refusal("syscall", names["openat"], -1, -1, flags, 0o6755) == "EFAULT"


def test_openat2_is_as_if_it_did_not_exist(sandbox):
    """ENOSYS, on which programs take openat instead: its mode lies in memory, where no filter looks."""
    for copy in sandbox.copies:
        assert copy.refusal("syscall", numbers()["openat2"], *NONSENSE) == "ENOSYS"


def test_the_host_finds_no_set_user_id_program_of_a_copy(sandbox):
    """chmod 6755 of a shell in its /tmp is refused, and leaves the mode as it is."""
    for copy in sandbox.copies:
        copy.get("run", "cp", "/bin/sh", "/tmp/sh")
        for mode in (0o4755, 0o2755):
            assert copy.refusal("change_mode", "/tmp/sh", mode) == "EPERM"
            code, _, error = copy.get("run", "chmod", f"{mode:o}", "/tmp/sh")
            assert code == 1 and "Operation not permitted" in error
            assert copy.get("run", "install", "-m", f"{mode:o}", "/bin/sh", "/tmp/installed")[0] != 0
        for name in ("sh", "installed"):
            assert not (sandbox.project.tmp(copy.number) / name).stat().st_mode & 0o6000
            copy.get("remove", f"/tmp/{name}")


def test_a_directory_inherits_its_group_bit(sandbox):
    """In one that somebody has given that bit, the kernel sets it on each new one by itself."""
    for copy in sandbox.copies:
        shared = sandbox.project.tmp(copy.number) / "shared"
        shared.mkdir()
        os.chown(shared, sandbox.caller, sandbox.caller)
        shared.chmod(0o2755)
        assert stat.S_IMODE(copy.get("make_directory", "/tmp/shared/below")) & 0o2000
        shutil.rmtree(shared)


if platform.machine() == "x86_64":

    def test_the_door_for_32_bit_programs(sandbox):
        """int 0x80: what is allowed works, what is refused is refused; the numbers are other ones."""
        copy = sandbox.copies[0]
        if on_the_host(sandbox, "int80", I386["getpid"]).startswith("exit code"):
            assert copy.refusal("int80", I386["getpid"]) == "SIGSEGV", "this kernel has no such door"
            return
        assert copy.get("int80", I386["getpid"]) > 1
        for name in ("mount", "umount", "chroot", "reboot"):
            assert copy.get("int80", I386[name], -1, -1) == "EPERM", name
        for name in ("clone3", "openat2"):
            assert copy.get("int80", I386[name], -1, -1) == "ENOSYS", name
        assert copy.get("int80", I386["socket"], AF_VSOCK, 1) == "EPERM"
        for flag in NAMESPACES.values():
            assert copy.get("int80", I386["clone"], flag) == "EPERM", flag
            assert copy.get("int80", I386["unshare"], flag) == "EPERM", flag
        for call in mode_calls(I386, SET_ID):
            assert copy.get("int80", *call) == "EPERM", call
        for call in mode_calls(I386, NOT_SET_ID):
            assert copy.get("int80", *call) in ("EFAULT", "EBADF", "ENOSYS"), call
        assert copy.get("int80", I386["openat"], -1, -1, 0, 0o6755) == "EFAULT"

    def test_the_door_for_x32_programs(sandbox):
        """The same numbers with a bit set, whether or not the kernel knows them."""
        known = [name for name in REFUSED if name in numbers() and numbers()[name] < 400]
        calls = [numbers()[name] | X32_BIT for name in known]
        # Some have a number of their own there, and the plain one does not exist: then ENOSYS.
        for copy in sandbox.copies:
            answers = dict(zip(known, copy.get("syscalls", calls, NONSENSE)))
            others = {name for name, answer in answers.items() if answer != "EPERM"}
            assert {answers[name] for name in others} <= {"ENOSYS"}
            assert "mount" not in others
            calls_for_modes = mode_calls({name: number | X32_BIT for name, number in numbers().items()}, SET_ID)
            answers = copy.refusals("syscall", calls_for_modes)
            assert set(answers.values()) == {"EPERM"}, answers


# ---- Other processes ---------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["attach", "seize"])
def test_init_cannot_be_traced(sandbox, how):
    """Not by the program, and not by its children."""
    for copy in sandbox.copies:
        assert copy.refusal("trace", 1, how) == "EPERM"
        assert copy.refusal("trace", 1, how, program=True) == "EPERM"


def test_the_memory_of_init_cannot_be_read(sandbox):
    """process_vm_readv."""
    for copy in sandbox.copies:
        assert copy.refusal("read_memory", 1) == "EPERM"


def test_its_own_children_can_be_traced(sandbox):
    """A debugger works."""
    for copy in sandbox.copies:
        assert copy.get("trace_own_child") is True
