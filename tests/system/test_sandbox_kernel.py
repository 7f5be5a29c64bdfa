# SPDX-License-Identifier: GPL-2.0-or-later
"""/proc and /sys: what the kernel shows of itself is read-only, and the sensitive parts are not there at all."""

import os

# A value that the file has anyway: where writing succeeded, nothing would be changed by it.
SYSCTLS = [
    "kernel/core_pattern",
    "kernel/hostname",
    "kernel/domainname",
    "kernel/printk",
    "kernel/randomize_va_space",
    "kernel/shmmax",
    "kernel/msgmax",
    "kernel/modprobe",
    "kernel/ns_last_pid",
    "fs/file-max",
    "fs/pipe-max-size",
    "fs/mqueue/queues_max",
    "vm/overcommit_memory",
    "vm/swappiness",
    "net/core/somaxconn",
    "net/ipv4/ip_forward",
    "net/ipv4/ip_local_port_range",
    "net/ipv4/conf/eth0/forwarding",
    "net/ipv6/conf/all/disable_ipv6",
    "user/max_user_namespaces",
]
EMPTY = ["kcore", "keys", "kmsg", "kallsyms", "timer_list", "sched_debug", "latency_stats", "sysrq-trigger"]
DIRECTORIES = [
    "/proc/acpi",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/fs/cgroup",
    "/sys/kernel/debug",
    "/sys/kernel/tracing",
    "/sys/kernel/security",
    "/sys/fs/bpf",
    "/sys/fs/pstore",
]
# What another process of the same user may look into: but init is nobody's to look into.
OF_INIT = ["mem", "environ", "maps", "smaps", "auxv", "syscall", "stack", "io", "root/etc", "cwd/etc", "fd/0", "fd/2"]
REFUSED = ("EACCES", "EPERM")
READ_ONLY = ("EROFS", "EACCES", "EPERM")


def test_no_sysctl_can_be_written(sandbox):
    """Not by uid 0 either, although these files let an owner without capabilities write."""
    present = [f"/proc/sys/{name}" for name in SYSCTLS if "eth0" in name or os.path.exists(f"/proc/sys/{name}")]
    assert len(present) > 10
    for copy in sandbox.copies:
        answers = copy.refusals("opened", [(path, "w") for path in present])
        assert set(answers.values()) <= (set(READ_ONLY) if sandbox.caller else {"EROFS"}), answers


def test_sysctls_can_be_read(sandbox):
    """Programs size themselves by them."""
    for copy in sandbox.copies:
        assert int(copy.get("read", "/proc/sys/net/core/somaxconn")) > 0
        assert int(copy.get("read", "/proc/sys/kernel/pid_max")) > 0
        assert copy.get("read", "/proc/sys/kernel/hostname") == f"copy-{copy.number}\n"


def test_sensitive_files_are_empty_or_not_there(sandbox):
    """Nothing can be read, and what is written goes nowhere: each is /dev/null."""
    paths = [f"/proc/{name}" for name in EMPTY]
    for copy in sandbox.copies:
        answers = copy.refusals("read", [(path, 16) for path in paths])
        assert set(answers.values()) <= {"", "ENOENT"}, answers
        there = [path for path in paths if os.path.exists(path)]
        assert there
        for path in there:
            assert copy.get("read", path, 16) == ""
            assert copy.get("look", path)["device"] == [1, 3]


def test_sensitive_directories_are_empty_or_not_there(sandbox):
    """File systems of the kernel, which the host may have mounted there, and the firmware's tables."""
    for copy in sandbox.copies:
        answers = copy.refusals("names", [(path,) for path in DIRECTORIES])
        assert set(answers.values()) <= {"", "ENOENT", *REFUSED}, answers
        for (path,), answer in answers.items():
            assert answer or copy.get("names", path) == [], path


def test_init_cannot_be_looked_into(sandbox):
    """It runs as the same user, and yet."""
    for copy in sandbox.copies:
        read = copy.refusals("read", [(f"/proc/1/{name}", 16) for name in OF_INIT])
        written = copy.refusals("opened", [(f"/proc/1/{name}", "w") for name in OF_INIT])
        assert set(read.values()) <= set(REFUSED), read
        assert set(written.values()) <= {*READ_ONLY, "EISDIR"}, written


def test_its_own_processes_can_be_looked_into(sandbox):
    """The program's and its own: what debuggers and monitors read."""
    for copy in sandbox.copies:
        _, program, child = copy.get("processes")
        assert copy.get("own_memory") == "in memory"
        for pid in (program, "self"):
            assert "http_recorder.py" in copy.get("read", f"/proc/{pid}/cmdline")
            assert "libc" in copy.get("read", f"/proc/{pid}/maps")
        assert int(child) > int(program) > 1


def test_proc_is_read_only_in_every_other_way(sandbox):
    """Knobs of processes, of interrupts, of the kernel's memory."""
    for copy in sandbox.copies:
        for name in ("self/comm", "self/oom_score_adj", "self/uid_map", "self/attr/current", "1/oom_score_adj"):
            assert copy.refusal("opened", f"/proc/{name}", "w") in READ_ONLY
        for name in ("irq/default_smp_affinity", "mtrr", "sys/vm/drop_caches", "bus/pci/devices"):
            assert copy.refusal("opened", f"/proc/{name}", "w") in (*READ_ONLY, "ENOENT")


def test_sys_is_read_only(sandbox):
    """For uid 0, whose files they are, only that keeps them."""
    wanted = READ_ONLY if sandbox.caller else ("EROFS",)
    for copy in sandbox.copies:
        for path in ("class/net/eth0/mtu", "kernel/mm/ksm/run", "kernel/mm/transparent_hugepage/enabled"):
            if path.startswith("class") or os.path.exists(f"/sys/{path}"):
                assert copy.refusal("put", f"/sys/{path}") in wanted
        assert copy.refusal("create", "/sys/new") in READ_ONLY
        assert int(copy.get("read", "/sys/class/net/eth0/mtu")) >= 1280


def test_they_cannot_be_written_through_a_terminal_or_a_descriptor(sandbox):
    """/proc/self/fd opens a file anew: with the mount's own rights, not with more."""
    for copy in sandbox.copies:
        assert copy.refusal("reopened", "/proc/sys/kernel/domainname") in READ_ONLY
        assert copy.refusal("reopened", "/etc/passwd") in READ_ONLY
        assert copy.refusal("reopened", "/dev/null") == ""
