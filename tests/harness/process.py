# SPDX-License-Identifier: GPL-2.0-or-later
"""A process on a node: what it writes, line by line, how it ends, the terminal it has."""

import fcntl
import os
import re
import select
import signal
import subprocess
import termios
import threading
import time

TIOCVHANGUP = 0x5437  # termios has no name for it
LONGEST_LINE = 1 << 16  # of a line that does not end, no more than this is kept


class Output:
    """The lines of one stream, collected by a thread as they come, so that the writer never waits."""

    def __init__(self, descriptor, keep=""):
        """Own descriptor. Keep the lines in which the pattern keep is found."""
        self.lines = []
        self.partial = b""
        self._descriptor = descriptor
        self._keep = re.compile(keep)
        self._changed = threading.Condition()
        self._ended = False
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self):
        while True:
            try:
                data = os.read(self._descriptor, 1 << 16)
            except OSError:  # a terminal whose last user is gone reads as EIO
                data = b""
            if not data:
                break
            self._add(data)
        os.close(self._descriptor)
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _add(self, data):
        *lines, partial = (self.partial + data).split(b"\n")
        kept = []
        for line in lines:
            text = line.decode("utf-8", "replace").rstrip("\r")
            if self._keep.search(text):
                kept.append(text)
        with self._changed:
            self.partial = partial[:LONGEST_LINE]
            self.lines.extend(kept)
            self._changed.notify_all()

    def wait_for(self, pattern, deadline=5.0, start=0):
        """Return the match of the first line from index start on in which pattern is found."""
        __tracebackhide__ = True
        expression = re.compile(pattern)
        end = time.monotonic() + deadline
        with self._changed:
            while True:
                for index in range(start, len(self.lines)):
                    match = expression.search(self.lines[index])
                    if match:
                        return match
                start = max(start, len(self.lines))
                left = end - time.monotonic()
                if self._ended or left <= 0:
                    why = "the stream ended" if self._ended else f"{deadline} s passed"
                    lines = "\n  ".join(self.lines[-50:])
                    raise AssertionError(f"{why} without a line like {pattern!r}; the last lines:\n  {lines}")
                self._changed.wait(left)

    def wait_for_end(self, deadline=2.0):
        """Wait until no process can write to the stream any more."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._ended, deadline):
                raise AssertionError(f"after {deadline} s a process still holds the stream open")


class Process:
    """A process that runs in a node's namespaces. Its pid is the one that the test run itself sees."""

    def __init__(self, node, argv, *, cwd="/", env=None, terminal=False, read=True, keep="", user=None):
        """Start argv.

        terminal   its stdin, stdout and stderr are one terminal, and its session's own
        read       collect stdout in .out; if not, .stdout is the descriptor, and the caller's
        keep       the lines of stdout to keep, as a pattern
        user       the uid and gid it runs with, without other groups
        """
        self.argv = [str(argument) for argument in argv]
        self._terminal = self._terminal_name = None
        self.stdout = None
        self.out = self.err = None
        identity = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        common = {"cwd": str(cwd), "env": env, **identity}
        if terminal:
            self._start_on_terminal(node, common, keep)
        else:
            self._start_on_pipes(node, common, read, keep)
        self.pid = self._popen.pid
        self._pidfd = os.pidfd_open(self.pid)

    def _start_on_pipes(self, node, common, read, keep):
        out, out_end = os.pipe()
        err, err_end = os.pipe()
        self._popen = node.inside(
            lambda: subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=out_end,
                stderr=err_end,
                start_new_session=True,
                **common,
            )
        )
        os.close(out_end)
        os.close(err_end)
        self.err = Output(err)
        if read:
            self.out = Output(out, keep)
        else:
            self.stdout = out

    def _start_on_terminal(self, node, common, keep):
        master, slave = os.openpty()
        attributes = termios.tcgetattr(slave)
        attributes[3] &= ~termios.ECHO  # what is typed shall not stand among what is written
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        # setsid neither forks (we made it no group leader) nor stays: the pid is the program's.
        argv = ["setsid", "--ctty", *self.argv]
        self._popen = node.inside(
            lambda: subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, **common)
        )
        self._terminal_name = os.ttyname(slave)
        os.close(slave)
        self._terminal = os.dup(master)
        self.out = self.err = Output(master, keep)

    def type(self, text):
        """Type text on its terminal."""
        os.write(self._terminal, text.encode())

    def modes(self):
        """Return the modes of its terminal, as of termios.tcgetattr()."""
        return termios.tcgetattr(self._terminal)

    def resize(self, rows, columns):
        """Give its terminal another size, as a user who draws at its window."""
        termios.tcsetwinsize(self._terminal, (rows, columns))

    def hang_up(self):
        """Take its terminal away, as closing its window does."""
        descriptor = os.open(self._terminal_name, os.O_RDWR | os.O_NOCTTY)
        fcntl.ioctl(descriptor, TIOCVHANGUP)
        os.close(descriptor)

    def close_stdout(self):
        """Close the reading end of its stdout (of a process that was started without read)."""
        os.close(self.stdout)
        self.stdout = None

    @property
    def running(self):
        """Whether it has not ended yet."""
        return self._popen.poll() is None

    def send(self, number):
        """Send it a signal."""
        signal.pidfd_send_signal(self._pidfd, number)

    def wait(self, deadline=10.0, others=2.0):
        """Return its exit code; minus the signal's number if a signal ended it.

        others  how long other processes may still hold its output open, in seconds
        """
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        if not poll.poll(deadline * 1000):
            raise AssertionError(f"{self.argv[0]} has not ended within {deadline} s\n{self.transcript()}")
        code = self._popen.wait()
        for output in (self.out, self.err):
            if output:
                output.wait_for_end(others)
        return code

    def stop(self, number=signal.SIGTERM, deadline=10.0):
        """Send it a signal, and return its exit code."""
        self.send(number)
        return self.wait(deadline)

    def close(self):
        """Kill it if it still runs, and let go of what belongs to it. Once is enough, twice does no harm."""
        if self.running:
            self._popen.kill()
        self._popen.wait()
        for name in ("_pidfd", "_terminal", "stdout"):
            descriptor = getattr(self, name)
            if descriptor is not None:
                os.close(descriptor)
                setattr(self, name, None)

    def transcript(self):
        """What it was and what it wrote, for a failure's report."""
        text = [f"$ {' '.join(self.argv)}  (exit code {self._popen.returncode})"]
        for name, output in (("stdout", self.out), ("stderr", self.err)):
            if output and output.lines:
                text += [f"  -- {name}", *(f"  {line}" for line in output.lines[-100:])]
        return "\n".join(text)
