#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Stands in for http_recorder.py where a test needs a program that misbehaves.

What it does at its start is read from the file `behaviour` in its directory, one word and perhaps a
number: "listen-after SECONDS", "never-listen", "ignore-signals". What it does later is asked for by URL:
    /exit/STATUS    end with that exit status          /signal/NAME   end by that signal
    /lines/COUNT    write that many numbered lines, in pieces that do not end where the lines do
    /endless        write for ever without ending a line   /fast      write lines for ever
    /child          leave a process behind that belongs to nobody
    anything else   write "GET PATH" and answer
"""

import http.server
import os
import pathlib
import random
import select
import signal
import socket
import subprocess
import sys
import threading

IDENTITY = os.urandom(8).hex()
TOLD = pathlib.Path("behaviour")
BEHAVIOUR = TOLD.read_text().split() if TOLD.exists() else [""]


def write_all(data):
    """Write bytes at once."""
    while data:
        data = data[os.write(1, data) :]


def say(text):
    """Write a line at once; a signal handler may do so too."""
    write_all(f"{text}\n".encode())


def write_lines(count):
    """Write count numbered lines, each with this process's identity, in pieces of any size."""
    lines = [f"{IDENTITY} {number} {'.' * (number % 61)} end" for number in range(count)]
    data = ("\n".join(lines) + "\n").encode()
    while data:
        size = random.randint(1, 5000)
        write_all(data[:size])
        data = data[size:]


def write_for_ever(data):
    """Write the same bytes again and again, until the process ends."""
    while True:
        write_all(data)


def in_background(function, *arguments):
    """Call function while requests are answered."""
    threading.Thread(target=function, args=arguments, daemon=True).start()


class StandIn(http.server.BaseHTTPRequestHandler):
    """Does what the URL asks for, and answers."""

    def do_GET(self):  # pylint: disable=invalid-name
        """Answer, then do what was asked for: it may be this process's end."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{IDENTITY}\n".encode())
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR)
        _, verb, *arguments = self.path.split("/")
        if verb == "exit":
            os._exit(int(arguments[0]))
        elif verb == "signal":
            os.kill(os.getpid(), signal.Signals[arguments[0]])
        elif verb == "lines":
            in_background(write_lines, int(arguments[0]))
        elif verb == "endless":
            in_background(write_for_ever, b"x" * 65536)
        elif verb == "fast":
            in_background(write_for_ever, b"fast " * 15 + b"\n")
        elif verb == "child":
            subprocess.Popen(["sleep", "3600"], start_new_session=True)
            say("child started")
        else:
            say(f"GET {self.path}")

    def log_message(self, *_):  # pylint: disable=arguments-differ
        """Nothing is written but what was asked for."""


def main():
    """Behave as told."""
    say("started")
    if BEHAVIOUR[0] == "ignore-signals":
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda number, _: say(f"{signal.Signals(number).name} ignored"))
    if BEHAVIOUR[0] == "never-listen":
        while True:
            signal.pause()
    if BEHAVIOUR[0] == "listen-after":
        select.select([], [], [], float(BEHAVIOUR[1]))
    http.server.ThreadingHTTPServer(("", 8080), StandIn).serve_forever()


if __name__ == "__main__":
    sys.exit(main())
