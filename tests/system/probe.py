#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
"""Stands in for http_recorder.py where a test asks what a copy sees and may do: it tries it from inside.

Listens on port 8080. A request is a line of JSON: the name of a probe, its arguments, and whether the
program itself shall run it or, as usual, a child of it. The answer is a line of JSON: a value, or the name of
the error that the kernel gave, or a traceback. See harness/inside.py for the other side.
"""

import contextlib
import ctypes
import errno
import json
import mmap
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import traceback


def descriptors():
    """Return the open file descriptors, each with what it leads to."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the one by which the directory was read
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
    return found


AT_START = {"descriptors": descriptors(), "environment": dict(os.environ), "directory": os.getcwd()}
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = LIBC.ptrace.restype = ctypes.c_long
PTRACE_PEEKDATA, PTRACE_ATTACH, PTRACE_DETACH, PTRACE_SEIZE = 2, 16, 17, 0x4206
FORKS_MOST = 2000
SEEN = []  # names of the signals that the program has got since watch_signals()
KEPT = []  # files that the program has opened
PROBES = {}


def probe(function):
    """Let function be asked for by its name."""
    PROBES[function.__name__] = function
    return function


def outcome(function, *arguments):
    """Return the name of the error that function ends with; "" if with none."""
    try:
        function(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
    return ""


def checked(result):
    """Return what a function of libc has returned, unless that means an error."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


# ---- What it sees ------------------------------------------------------------------------------


@probe
def at_start():
    """What the program had when it began."""
    return AT_START


@probe
def host_name():
    """The host's name, as the kernel has it."""
    return socket.gethostname()


@probe
def identity():
    """Real, effective and saved ids, and the groups."""
    return {"uid": os.getresuid(), "gid": os.getresgid(), "groups": sorted(os.getgroups())}


@probe
def status(pid="self"):
    """/proc/PID/status."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in file)}


@probe
def processes():
    """All processes, by pid: parent, state and name; the program's pid; that of the child that runs this."""
    found = {}
    for name in os.listdir("/proc"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if name.isdigit():
                line = status(name)
                found[name] = {"parent": int(line["PPid"]), "state": line["State"][0], "name": line["Name"]}
    return [found, str(os.getppid()), str(os.getpid())]


@probe
def read(path, size=1 << 20):
    """The beginning of a file."""
    with open(path, "rb") as file:
        return file.read(size).decode("utf-8", "replace")


@probe
def keep_open(path):
    """(In the program:) open a file, and keep it."""
    KEPT.append(open(path, encoding="utf-8"))  # pylint: disable=consider-using-with


@probe
def read_kept():
    """(In the program:) what is in the file that was opened."""
    return KEPT[-1].read()


@probe
def names(path):
    """The names in a directory."""
    return sorted(os.listdir(path))


@probe
def look(path):
    """What kind of file it is, whose, and which device; where a link leads."""
    found = os.lstat(path)
    return {
        "kind": stat.filemode(found.st_mode),
        "owner": [found.st_uid, found.st_gid],
        "device": [os.major(found.st_rdev), os.minor(found.st_rdev)],
        "target": os.readlink(path) if stat.S_ISLNK(found.st_mode) else "",
    }


@probe
def limits():
    """All resource limits, soft and hard."""
    known = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    return {name: resource.getrlimit(getattr(resource, name)) for name in known}


# ---- What it may do ----------------------------------------------------------------------------


@probe
def opened(path, mode):
    """Open a file: mode is r, w (no truncation), a."""
    flags = {"r": os.O_RDONLY, "w": os.O_WRONLY, "a": os.O_WRONLY | os.O_APPEND}[mode]
    os.close(os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY))


@probe
def put(path, text="x"):
    """Write into a file that is there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _create(directory):
    with open(f"{directory}/new", "x", encoding="ascii") as file:
        file.write("new")


def alterations(directory):
    """What can be done in a directory with a file named `existing`, each undone by a later one or harmless."""
    existing, new = f"{directory}/existing", f"{directory}/new"
    return {
        "create": lambda: _create(directory),
        "append": lambda: opened(existing, "a"),
        "write": lambda: opened(existing, "w"),
        "truncate": lambda: os.truncate(existing, 0),
        "chmod": lambda: os.chmod(existing, 0o640),
        "chown": lambda: os.chown(existing, os.getuid(), os.getgid()),
        "utime": lambda: os.utime(existing, (1, 1)),
        "rename": lambda: os.rename(existing, f"{directory}/renamed"),
        "rename back": lambda: os.rename(f"{directory}/renamed", existing),
        "link": lambda: os.link(existing, f"{directory}/linked"),
        "symlink": lambda: os.symlink("existing", f"{directory}/symlink"),
        "mkdir": lambda: os.mkdir(f"{directory}/directory"),
        "rmdir": lambda: os.rmdir(f"{directory}/directory"),
        "mkfifo": lambda: os.mkfifo(f"{directory}/fifo"),
        "unlink": lambda: [os.unlink(f"{directory}/{name}") for name in ("linked", "symlink", "fifo")],
        "unlink the file": lambda: os.unlink(new if os.path.exists(new) else existing),
    }


@probe
def alter(directory):
    """Try everything that changes a directory; return what each ends with."""
    return {name: outcome(function) for name, function in alterations(directory).items()}


@probe
def reopened(path):
    """Open a file for reading, then the same one by /proc/self/fd for writing."""
    descriptor = os.open(path, os.O_RDONLY)
    os.close(os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY))


@probe
def own_memory():
    """Read a word of its own memory by /proc/self/mem."""
    word = ctypes.create_string_buffer(b"in memory")
    with open("/proc/self/mem", "rb", buffering=0) as memory:
        memory.seek(ctypes.addressof(word))
        return memory.read(9).decode()


@probe
def create(path):
    """Create a file, and remove it."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    os.unlink(path)


@probe
def make(path):
    """Create a file."""
    with open(path, "x", encoding="ascii") as file:
        file.write("made")


@probe
def remove(path):
    """Remove a file."""
    os.unlink(path)


@probe
def change_mode(path, mode):
    """chmod."""
    os.chmod(path, mode)


@probe
def make_directory(path):
    """mkdir; return its mode."""
    os.mkdir(path)
    return os.stat(path).st_mode


@probe
def make_device(path, major, minor):
    """mknod: a character device."""
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(major, minor))
    os.unlink(path)


@probe
def look_up(name):
    """getaddrinfo: the addresses of a name."""
    return [place[0] for *_, place in socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)]


@probe
def full_name():
    """What http.server asks for at its start."""
    return socket.getfqdn()


@probe
def name_of(address):
    """getnameinfo: the name of an address."""
    return socket.getnameinfo((address, 80), socket.NI_NAMEREQD)[0]


@probe
def connect_unix(address):
    """Connect to a Unix socket; an abstract one begins with @."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + address[1:] if address.startswith("@") else address)


@probe
def make_socket(family, kind, protocol=0):
    """Make a socket."""
    socket.socket(family, kind, protocol).close()


@probe
def run(*argv, stdin=""):
    """Run a command: its exit status, stdout and stderr."""
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=5, check=False)
    return [done.returncode, done.stdout, done.stderr]


@probe
def syscall(number, *arguments):
    """Make a system call with numbers and strings."""
    plain = [argument.encode() if isinstance(argument, str) else ctypes.c_long(argument) for argument in arguments]
    return checked(LIBC.syscall(ctypes.c_long(number), *plain))


@probe
def syscalls(numbers, arguments):
    """Make many system calls with the same arguments; what each ends with."""
    return [outcome(syscall, number, *arguments) for number in numbers]


@probe
def clone(number, flags):
    """clone(2) as fork does it, with further flags."""
    pid = syscall(number, flags | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


@probe
def int80(number, *arguments):
    """A system call by the door for 32-bit programs. (The answer is its result; no kernel door: SIGSEGV.)"""
    # push rbx; eax=edi; ebx=esi; xchg ecx, edx; esi=r8d; int 0x80; pop rbx; ret
    code = bytes.fromhex("53 89f8 89f3 87ca 4489c6 cd80 5b c3")
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    start = ctypes.addressof(ctypes.c_char.from_buffer(page))
    call = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_int] * 5)(start)
    result = call(number, *(arguments + (0, 0, 0, 0))[:4])
    return errno.errorcode[-result] if -4096 < result < 0 else result


@probe
def trace(pid, how):
    """Attach to another process with ptrace, and let go of it."""
    request = {"attach": PTRACE_ATTACH, "seize": PTRACE_SEIZE}[how]
    checked(LIBC.ptrace(ctypes.c_long(request), ctypes.c_long(pid), None, None))


@probe
def read_memory(pid):
    """process_vm_readv() of another process, at an address that is valid here."""
    buffer = ctypes.create_string_buffer(8)
    vector = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 8)
    return checked(LIBC.process_vm_readv(ctypes.c_int(pid), vector, 1, vector, 1, 0))


@probe
def trace_own_child():
    """Attach to a child of its own, and read a word of its memory."""
    word = ctypes.c_long(0x5EED)
    pid = os.fork()
    if pid == 0:
        while True:
            signal.pause()
    try:
        trace(pid, "attach")
        os.waitpid(pid, 0)
        address = ctypes.c_void_p(ctypes.addressof(word))
        return LIBC.ptrace(ctypes.c_long(PTRACE_PEEKDATA), ctypes.c_long(pid), address, None) == 0x5EED
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@probe
def set_ids(uid):
    """Become another user."""
    os.setresuid(uid, uid, uid)


@probe
def set_groups(*groups):
    """Take other groups."""
    os.setgroups(groups)


@probe
def raise_limit(name):
    """Raise a hard limit by one."""
    _, hard = resource.getrlimit(getattr(resource, name))
    wanted = (ctypes.c_ulong * 2)(hard + 1, hard + 1)
    checked(LIBC.setrlimit(getattr(resource, name), wanted))


@probe
def share_memory(key):
    """Make a System V shared memory segment, which must not exist yet."""
    ipc_creat, ipc_excl = 0o1000, 0o2000
    return checked(LIBC.shmget(key, 4096, ipc_creat | ipc_excl | 0o666))


@probe
def attach_memory(key):
    """Find a System V shared memory segment that exists."""
    return checked(LIBC.shmget(key, 0, 0))


# ---- Processes and signals ---------------------------------------------------------------------


@probe
def kill(pid, name):
    """Send a signal."""
    os.kill(pid, signal.Signals[name])


@probe
def leave_behind(count):
    """Leave processes behind that belong to nobody and end by SIGKILL only; return their pids."""
    return [_orphan(_sit_still) for _ in range(count)]


@probe
def end_orphans(count):
    """Leave processes behind that end at once."""
    for _ in range(count):
        _orphan(lambda: os._exit(7))


def _sit_still():
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    os.write(1, b"left behind\n")
    while True:
        signal.pause()


def _orphan(function):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        orphan = os.fork()
        if orphan == 0:
            os.closerange(3, 64)
            os.setsid()
            function()
        os.write(writer, str(orphan).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(writer)
    with open(reader, encoding="ascii") as file:
        return int(file.read())


@probe
def fork_until_refused():
    """Fork children until the kernel says no; return how many there were, and what it said."""
    children, why = [], ""
    while not why and len(children) < FORKS_MOST:
        try:
            pid = os.fork()
        except OSError as error:
            why = errno.errorcode[error.errno]
            break
        if pid == 0:
            while True:
                signal.pause()
        children.append(pid)
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return [len(children), why]


@probe
def open_terminals(most):
    """Open terminals until the kernel says no; return how many there were, and what it said."""
    opened = []
    for _ in range(most):
        try:
            opened += os.openpty()
        except OSError as error:
            return [len(opened) // 2, errno.errorcode[error.errno]]
    return [len(opened) // 2, ""]


@probe
def watch_signals():
    """(In the program:) note every signal from now on."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
        signal.signal(number, lambda number, _: SEEN.append(number))


@probe
def signals_seen():
    """(In the program:) the numbers of the signals since then."""
    return SEEN


@probe
def kill_all(name):
    """(In the program:) start a child, send a signal to everybody with kill(-1); how the child has ended."""
    pid = os.fork()
    if pid == 0:
        while True:
            signal.pause()
    os.kill(-1, signal.Signals[name])
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@probe
def leave_terminal(how):
    """(In the program:) have no standard output and error any more, as a daemon: redirect or close them."""
    null = os.open("/dev/null", os.O_RDWR)
    for descriptor in (1, 2):
        if how == "redirect":
            os.dup2(null, descriptor)
        else:
            os.close(descriptor)
    os.close(null)


@probe
def print_on(path, text):
    """Print a line on a terminal by its path."""
    with open(path, "w", encoding="utf-8") as terminal:
        terminal.write(f"{text}\n")


@probe
def leave(code):
    """(In the program:) end with an exit status."""
    os._exit(code)


@probe
def refusals(name, *calls):
    """Run a probe with one list of arguments after the other; what each ends with."""
    return [outcome(PROBES[name], *arguments) for arguments in calls]


# ---- Answering ---------------------------------------------------------------------------------


def answer(connection, request):
    """Run the probe that is asked for, and answer."""
    try:
        result = {"value": PROBES[request["probe"]](*request["arguments"])}
    except OSError as error:
        result = {"errno": errno.errorcode[error.errno] if error.errno else str(error)}
    except BaseException:  # pylint: disable=broad-except
        result = {"error": traceback.format_exc()}
    connection.sendall(json.dumps(result).encode() + b"\n")


def serve(connection):
    """Answer one request: in a child, whose own affairs then do not become the program's; or here."""
    with connection, connection.makefile("rb") as lines:
        line = lines.readline()
        if not line:
            return
        request = json.loads(line)
        if request["program"]:
            answer(connection, request)
            return
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            try:
                answer(connection, request)
            finally:
                os._exit(0)
        _, ended = os.waitpid(pid, 0)
        if os.WIFSIGNALED(ended):
            name = signal.Signals(os.WTERMSIG(ended)).name
            connection.sendall(json.dumps({"errno": name}).encode() + b"\n")


def main():
    """Serve until a signal comes."""
    with socket.create_server(("", 8080), backlog=16) as server:
        while True:
            with contextlib.suppress(ConnectionError):
                serve(server.accept()[0])


if __name__ == "__main__":
    # What must work is a file of its own, beside this one in the project.
    sys.dont_write_bytecode = True
    sys.path.insert(0, os.path.dirname(os.path.abspath(sys.argv[0])))
    import works

    PROBES["works"] = works.try_one
    main()
