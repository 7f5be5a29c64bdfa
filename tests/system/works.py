# SPDX-License-Identifier: GPL-2.0-or-later
"""What a service program counts on, each tried for real: the positive side of all that a copy is refused.

The tests put this file beside probe.py in the project, and ask for one function after the other.
"""

import asyncio
import contextlib
import ctypes
import errno
import fcntl
import http.client
import http.server
import mmap
import multiprocessing
import multiprocessing.shared_memory
import os
import pty
import resource
import select
import signal
import socket
import sqlite3
import ssl
import stat
import subprocess
import tempfile
import termios
import threading
import time
import tty

LIBC = ctypes.CDLL(None, use_errno=True)
PLACES = ("/tmp", "/var/tmp", "/dev/shm", ".")


def _checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _echo(server):
    with server.accept()[0] as connection:
        connection.sendall(connection.recv(64))


def _talk(family, address):
    with socket.socket(family) as server, socket.socket(family) as client:
        server.bind(address)
        server.listen()
        thread = threading.Thread(target=_echo, args=(server,))
        thread.start()
        client.connect(server.getsockname())
        client.sendall(b"hello")
        assert client.recv(64) == b"hello"
        thread.join()


def tcp():
    """A connection on its own loopback."""
    _talk(socket.AF_INET, ("127.0.0.1", 0))


def tcp_by_the_other_protocol():
    """The same over IPv6."""
    _talk(socket.AF_INET6, ("::1", 0))


def udp():
    """A datagram on its own loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"hello", server.getsockname())
        assert server.recv(64) == b"hello"


def unix_socket():
    """By a path in /tmp."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        _talk(socket.AF_UNIX, f"{directory}/socket")


def abstract_socket():
    """By a name without a file."""
    _talk(socket.AF_UNIX, "\0of a copy")


def passed_descriptor():
    """A file descriptor sent over a socket pair."""
    ours, theirs = socket.socketpair()
    with ours, theirs, tempfile.TemporaryFile() as file:
        socket.send_fds(ours, [b"x"], [file.fileno()])
        _, (received,), _, _ = socket.recv_fds(theirs, 1, 1)
        assert os.path.sameopenfile(received, file.fileno())
        os.close(received)


def web_server():
    """A server and a client of Python's own, each in a thread."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    server.RequestHandlerClass.log_message = lambda *_: None
    threading.Thread(target=server.serve_forever, args=(0.01,)).start()
    connection = http.client.HTTPConnection(*server.server_address)
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    server.shutdown()
    server.server_close()


def localhost():
    """getaddrinfo: by /etc/hosts."""
    found = socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)
    assert {place[0] for *_, place in found} <= {"127.0.0.1", "::1"}
    assert found


def links():
    """Its network links, asked for by netlink."""
    assert [name for _, name in socket.if_nameindex()] == ["lo", "eth0"]


def tls():
    """The host's certificates and OpenSSL's random numbers."""
    assert ssl.create_default_context().check_hostname
    assert len(ssl.RAND_bytes(16)) == 16


def threads():
    """Many at once."""
    barrier = threading.Barrier(33)
    group = [threading.Thread(target=barrier.wait) for _ in range(32)]
    for thread in group:
        thread.start()
    barrier.wait()
    for thread in group:
        thread.join()


def fork():
    """A child, and its exit status."""
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


def pipe():
    """Between parent and child."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.write(writer, b"hello")
        os._exit(0)
    assert os.read(reader, 64) == b"hello"
    os.wait()


def subprocesses():
    """A shell and a pipeline; posix_spawn."""
    done = subprocess.run("echo hello | cat", shell=True, capture_output=True, text=True, check=True)
    assert done.stdout == "hello\n"
    pid = os.posix_spawn("/bin/true", ["true"], os.environ)
    assert os.waitpid(pid, 0)[1] == 0


def asynchronous():
    """asyncio: an event loop, a subprocess, a thread."""

    async def both():
        process = await asyncio.create_subprocess_exec("echo", "hello", stdout=subprocess.PIPE)
        return (await process.communicate())[0], await asyncio.to_thread(lambda: 7)

    assert asyncio.run(both()) == (b"hello\n", 7)


def _square(number):
    return number * number


def processes_of_multiprocessing():
    """A pool, a queue, a lock: they need /dev/shm."""
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        assert pool.map(_square, range(5)) == [0, 1, 4, 9, 16]
    queue, lock = context.Queue(), context.Lock()
    with lock:
        child = context.Process(target=queue.put, args=("hello",))
        child.start()
        assert queue.get(timeout=5) == "hello"
    child.join()


def shared_memory():
    """POSIX shared memory by its name, and a mapping shared with a child."""
    memory = multiprocessing.shared_memory.SharedMemory(create=True, size=4096)
    other = multiprocessing.shared_memory.SharedMemory(memory.name)
    memory.buf[0] = 7
    assert other.buf[0] == 7
    other.close()
    memory.close()
    memory.unlink()
    with mmap.mmap(-1, 4096) as mapping:
        if os.fork() == 0:
            mapping[0] = 7
            os._exit(0)
        os.wait()
        assert mapping[0] == 7


def system_v():
    """Its own shared memory, semaphores and message queues."""
    for get in (lambda: LIBC.shmget(0, 4096, 0o600), lambda: LIBC.semget(0, 1, 0o600), lambda: LIBC.msgget(0, 0o600)):
        _checked(get())


def message_queue():
    """A POSIX one."""
    flags = os.O_RDWR | os.O_CREAT
    _checked(LIBC.mq_open(b"/of-a-copy", ctypes.c_int(flags), ctypes.c_uint(0o600), None))
    _checked(LIBC.mq_unlink(b"/of-a-copy"))


def mapped_files():
    """A file in memory, executable memory."""
    with tempfile.TemporaryFile(dir="/tmp") as file:
        file.truncate(4096)
        with mmap.mmap(file.fileno(), 4096) as mapping:
            mapping[:5] = b"hello"
        assert file.read(5) == b"hello"
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()
    os.close(os.memfd_create("of a copy"))


def database():
    """SQLite in /tmp: locks, a journal, synchronized writes."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        for mode in ("delete", "wal"):
            with contextlib.closing(sqlite3.connect(f"{directory}/{mode}.db")) as connection:
                assert connection.execute(f"pragma journal_mode={mode}").fetchone() == (mode,)
                connection.execute("create table words (word)")
                connection.execute("insert into words values ('hello')")
                connection.commit()
                assert connection.execute("select word from words").fetchone() == ("hello",)


def _use(directory):
    """Make, change, link, lock and remove files in a directory."""
    with tempfile.TemporaryDirectory(dir=directory) as place:
        os.makedirs(f"{place}/a/b")
        with open(f"{place}/a/file", "w", encoding="ascii") as file:
            file.write("hello")
            fcntl.flock(file, fcntl.LOCK_EX)
            fcntl.lockf(file, fcntl.LOCK_EX)
            os.fsync(file.fileno())
        os.symlink("a/file", f"{place}/symbolic")
        os.link(f"{place}/a/file", f"{place}/hard")
        os.rename(f"{place}/hard", f"{place}/a/b/renamed")
        os.chmod(f"{place}/a/file", 0o600)
        os.chown(f"{place}/a/file", os.getuid(), os.getgid())
        os.utime(f"{place}/a/file", (1, 1))
        os.mkfifo(f"{place}/fifo")
        with open(f"{place}/symbolic", encoding="ascii") as file:
            assert file.read() == "hello"
        assert os.stat(f"{place}/a/b/renamed").st_nlink == 2
        assert stat.S_IMODE(os.stat(f"{place}/a/file").st_mode) == 0o600


def files():
    """In every place that is the copy's own."""
    for place in PLACES:
        _use(place)
    if os.getuid() == 0:
        _use("/run")


def _mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def modes():
    """Those that are given at once, less the umask, and those that are changed later; the sticky bit."""
    os.umask(0o027)
    for place in PLACES:
        with tempfile.TemporaryDirectory(dir=place) as directory:
            os.close(os.open(f"{directory}/file", os.O_CREAT | os.O_WRONLY, 0o777))
            os.mkdir(f"{directory}/directory", 0o1777)
            os.mkfifo(f"{directory}/fifo", 0o666)
            assert [_mode(f"{directory}/{name}") for name in ("file", "directory", "fifo")] == [0o750, 0o1750, 0o640]
            os.close(os.open(f"{directory}/file", os.O_RDONLY, 0o6777))  # a mode that means nothing
            os.chmod(f"{directory}/file", 0o1777)
            assert _mode(f"{directory}/file") == 0o1777
            with open(f"{directory}/file", encoding="ascii") as file:
                os.fchmod(file.fileno(), 0o444)
            assert _mode(f"{directory}/file") == 0o444


def scripts():
    """A program that it has written itself, in its directory and in /tmp."""
    for place in (".", "/tmp"):
        with tempfile.TemporaryDirectory(dir=place) as directory:
            path = os.path.abspath(f"{directory}/script")
            with open(path, "w", encoding="ascii") as file:
                file.write("#!/bin/sh\nexit 7\n")
            os.chmod(path, 0o755)
            assert subprocess.run([path], check=False).returncode == 7


def copied_by_the_kernel():
    """sendfile and copy_file_range."""
    with tempfile.TemporaryFile(dir="/tmp") as source, tempfile.TemporaryFile(dir="/tmp") as target:
        source.write(b"hello")
        source.flush()
        assert os.copy_file_range(source.fileno(), target.fileno(), 5, 0, 0) == 5
        assert os.sendfile(target.fileno(), source.fileno(), 0, 5) == 5


def watched_files():
    """inotify."""
    descriptor = _checked(LIBC.inotify_init())
    _checked(LIBC.inotify_add_watch(descriptor, b"/tmp", 0x100))  # IN_CREATE
    with tempfile.NamedTemporaryFile(dir="/tmp"):
        assert os.read(descriptor, 4096)
    os.close(descriptor)


def signals():
    """Handlers, masks, a timer, a signal to a child."""
    seen = []
    for number in (signal.SIGUSR1, signal.SIGALRM, signal.SIGRTMIN):
        signal.signal(number, lambda number, _: seen.append(number))
    os.kill(os.getpid(), signal.SIGUSR1)
    os.kill(os.getpid(), signal.SIGRTMIN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    assert signal.sigtimedwait([signal.SIGALRM], 5).si_signo == signal.SIGALRM
    assert seen == [signal.SIGUSR1, signal.SIGRTMIN]
    pid = os.fork()
    if pid == 0:
        while True:
            signal.pause()
    os.kill(pid, signal.SIGSTOP)
    assert os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1])
    os.kill(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGCONT)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGTERM


def events():
    """epoll, eventfd, pidfd."""
    descriptor = os.eventfd(1)
    with select.epoll() as poll:
        poll.register(descriptor, select.EPOLLIN)
        assert poll.poll(5) == [(descriptor, select.EPOLLIN)]
    os.close(descriptor)
    pid = os.fork()
    if pid == 0:
        while True:
            signal.pause()
    child = os.pidfd_open(pid)
    signal.pidfd_send_signal(child, signal.SIGKILL)
    assert os.waitid(os.P_PIDFD, child, os.WEXITED).si_status == signal.SIGKILL
    os.close(child)


def clocks():
    """They go, and nearly agree with each other."""
    assert time.monotonic() <= time.monotonic()
    assert abs(time.time() - time.clock_gettime(time.CLOCK_REALTIME)) < 60
    assert time.localtime().tm_year >= 2024


def randomness():
    """By the call and by the devices."""
    assert os.urandom(16) != os.urandom(16)
    assert len(os.getrandom(16)) == 16
    for name in ("random", "urandom"):
        with open(f"/dev/{name}", "rb", buffering=0) as device:
            assert len(device.read(16)) == 16


def harmless_devices():
    """null, zero and full do what they are named for."""
    with open("/dev/null", "r+b", buffering=0) as null:
        assert null.write(b"x") == 1 and null.read(1) == b""
    with open("/dev/zero", "rb", buffering=0) as zero:
        assert zero.read(4) == bytes(4)
    with open("/dev/full", "wb", buffering=0) as full:
        try:
            full.write(b"x")
        except OSError as error:
            assert error.errno == errno.ENOSPC
        else:
            raise AssertionError("/dev/full takes more")


def standard_streams():
    """By their paths: stdin is empty; stdout and stderr are the controlling terminal."""
    with open("/dev/stdin", "rb") as stdin:
        assert stdin.read() == b""
    for path in ("/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/fd/1"):
        with open(path, "wb", buffering=0) as stream:
            assert os.isatty(stream.fileno()), path


def terminals():
    """A pty of its own: a shell on it knows its name."""
    pid, master = pty.fork()
    if pid == 0:
        os.execvp("tty", ["tty"])
    text = b""
    with contextlib.suppress(OSError):  # how it ends when nobody has its other side open
        while piece := os.read(master, 64):
            text += piece
    os.close(master)
    assert text.startswith(b"/dev/pts/"), text
    assert os.waitpid(pid, 0)[1] == 0
    master, slave = os.openpty()
    tty.setraw(slave, termios.TCSANOW)
    os.write(slave, b"hello\n")
    assert os.read(master, 64) == b"hello\n"
    os.close(master)
    os.close(slave)


def priorities():
    """Nicer, on one processor, with lower limits, under another name."""
    os.nice(1)
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _checked(LIBC.prctl(15, b"renamed", 0, 0, 0))  # PR_SET_NAME
    with open("/proc/self/comm", encoding="ascii") as file:
        assert file.read() == "renamed\n"


def shared_libraries():
    """Loaded late."""
    libm = ctypes.CDLL("libm.so.6")
    libm.cos.restype, libm.cos.argtypes = ctypes.c_double, [ctypes.c_double]
    assert libm.cos(0.0) == 1.0


def own_filter():
    """A further seccomp filter, as browsers and OpenSSH give their children."""
    allow = (ctypes.c_uint64 * 1)(0x7FFF000000000006)  # BPF_RET: SECCOMP_RET_ALLOW
    program = (ctypes.c_uint64 * 2)(1, ctypes.addressof(allow))
    _checked(LIBC.prctl(22, ctypes.c_ulong(2), program, 0, 0))  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER


WORKS = sorted(name for name, item in globals().items() if callable(item) and getattr(item, "__module__", 0) == __name__)
WORKS = [name for name in WORKS if not name.startswith("_")]


def try_one(name):
    """Try one of WORKS; an error it has is the answer."""
    globals()[name]()
