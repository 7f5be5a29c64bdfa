# SPDX-License-Identifier: GPL-2.0-or-later
"""Which faults there are: in which process, which one, at which system call."""

import dataclasses
import errno

# A run's processes, as inject.c numbers them: the program itself, then what it forks, in this order.
PROCESSES = {"manager": 0, "guardian": 1, "maker of the view": 2, "init": 3}

# And under churn.c: the copy that is added while the first two serve.
CHURN_PROCESSES = {"manager": 0, "guardian": 1, "added copy's init": 5}

# And where commands of portmux change a run: the copy that one adds, and the first copy, once it was restarted.
ROLLING_PROCESSES = {"manager": 0, "guardian": 1, "added copy's init": 5, "restarted copy's init": 6}

# And of a plain user's run: the gate forks what becomes pasta, and that forks again, into the background.
PLAIN_PROCESSES = {
    "manager": 0,
    "gate": 1,
    "guardian": 2,
    "init": 4,
    "start of pasta for IPv4": 101,
    "start of pasta for IPv6": 102,
    "start of pasta with IPv6 ports": 103,
    "pasta for IPv4": 10101,
    "pasta for IPv6": 10201,
    "pasta with IPv6 ports": 10301,
}

KILL = "SIGKILL"

# Calls that have no way to fail, or that are the end.
NEVER_FAIL = (
    "exit exit_group rt_sigreturn getpid gettid getppid getuid geteuid getgid getegid umask sched_yield"
)

# What can return each errno, by the manual pages and the kernel's habits. ENOMEM: everything else.
CAN_FAIL = {
    "EINTR": "read pread64 readv write pwrite64 writev sendto sendmsg recvfrom recvmsg connect accept accept4"
    " poll ppoll select pselect6 epoll_wait epoll_pwait epoll_pwait2 waitid wait4 rt_sigtimedwait futex nanosleep"
    " clock_nanosleep open openat openat2 close dup2 dup3 flock getrandom",
    "EAGAIN": "read pread64 readv write pwrite64 writev sendto sendmsg recvfrom recvmsg connect accept accept4"
    " rt_sigtimedwait futex openat2 flock getrandom fork vfork clone clone3 execve mmap mremap setuid setresuid",
    "EIO": "read pread64 readv write pwrite64 writev open openat openat2 close fsync getdents64 ioctl stat lstat"
    " fstat newfstatat statx access faccessat faccessat2 readlink readlinkat chdir getcwd mkdir mkdirat rmdir"
    " unlink unlinkat symlink symlinkat mknod mknodat chown fchown fchownat chmod fchmod fchmodat truncate"
    " ftruncate execve",
    "ENOBUFS": "sendto sendmsg",
}

ERRORS = ("ENOMEM", "EINTR", "EAGAIN", "EIO")


@dataclasses.dataclass(frozen=True)
class Fault:
    """What goes wrong in a life: at the call number `at` (of those that count) of a process."""

    process: str  # a key of the processes of its life's kind
    action: str  # KILL, ENOMEM, or one of CAN_FAIL
    at: int = 0  # 0: nothing goes wrong, the calls are counted

    def options(self, processes):
        """Return the options of inject that bring it about; processes: their numbers by their names."""
        options = ["--process", str(processes[self.process])]
        if self.action == KILL:
            options += ["--from-exec"]
        elif self.action in CAN_FAIL:
            options += ["--only", ",".join(CAN_FAIL[self.action].split())]
        else:
            options += ["--except", ",".join(NEVER_FAIL.split())]
        if self.at:
            options += ["--at", str(self.at)]
            options += ["--kill"] if self.action == KILL else ["--errno", str(getattr(errno, self.action))]
        return options

    def describe(self, call="?"):
        """Return it as text; call: the name of the call that was hit."""
        return f"point {self.at} of the {self.process}: {call} -> {self.action}"


def inject_options(faults, processes, gate=None):
    """Return the options of inject for some faults of processes, whose numbers are given by their names.

    The calls of each count from the moment when the last one before it has happened that is more than a
    count; those of the first from the moment when there is the file gate.
    """
    options = []
    before = 0  # number of the fault to wait for
    for number, fault in enumerate(faults, 1):
        options += ["--and"] if options else []
        options += fault.options(processes)
        if before:
            options += ["--after", str(before)]
        elif gate:
            options += ["--gate", str(gate)]
        before = number if fault.at else before
    return options
