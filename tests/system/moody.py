#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A server on port 8080 whose health a test decides.

Whoever asks for /health gets what the file `mood` in its directory says: one word, or several, of which
each request takes the next one and all later ones the last. Without the file it is "200".
    STATUS    an answer with that status          early   the first line of an answer, and nothing more
    mute      no answer                           close   no answer, and the connection is closed at once
    large     an answer of 10 MB                  drip    an answer, a byte every 50 ms
    garbage   an answer that is not HTTP
Each such request has a line: "checked MOOD HOST REQUEST: OUTCOME". Any other path is answered by a word that
is another one in each life of the program. What the file `start` says it does before all that:
    frozen    listen, and accept nothing          ignore  ignore SIGTERM
    flood     tell NOTIFY_SOCKET that it is ready, that it stops, that it is ready, for ever
    door      send each line that is written to the FIFO `door` to NOTIFY_SOCKET; \\n in it begins a new line
"""

import contextlib
import itertools
import os
import pathlib
import select
import signal
import socket
import sys
import threading

IDENTITY = os.urandom(8).hex()
MOOD = pathlib.Path("mood")
START = pathlib.Path("start").read_text().split() if pathlib.Path("start").exists() else []
LARGE = 10_000_000
DRIP = 0.05
OK = "HTTP/1.1 {} Some Words\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"

taken = {}  # how many requests each content of the file has had
lock = threading.Lock()


def next_mood():
    """Return the word that is next."""
    text = MOOD.read_text() if MOOD.exists() else ""
    words = text.split() or ["200"]
    with lock:
        taken[text] = taken.get(text, 0) + 1
        return words[min(taken[text], len(words)) - 1]


def behave(mood, connection):
    """Answer as the mood is; return what became of it."""
    if mood == "mute":
        return f"closed after {len(connection.recv(1))} bytes"
    if mood == "garbage":
        connection.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n")
    elif mood == "early":
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
    elif mood == "large":
        connection.sendall(OK.format(200).replace(": 5", f": {LARGE}").encode() + b"x" * LARGE)
    elif mood == "drip":
        for byte in OK.format(200).encode():
            connection.sendall(bytes([byte]))
            if select.select([connection], [], [], DRIP)[0]:  # the peer has had enough
                break
    elif mood != "close":
        connection.sendall(OK.format(mood).encode())
        connection.sendall(b"body\n")
    return "sent"


def serve(connection):
    """Answer one request."""
    connection.settimeout(10)
    request = connection.recv(65536).decode()
    while request and "\r\n\r\n" not in request:
        request += connection.recv(65536).decode()
    if not request:
        print("connected", flush=True)
        return
    line, *headers = request.split("\r\n")
    if line.split()[1] != "/health":
        connection.sendall(OK.format(200).replace("5", str(len(IDENTITY))).encode() + IDENTITY.encode())
        return
    host = [header for header in headers if header.startswith("Host: ")][0].removeprefix("Host: ")
    mood = next_mood()
    try:
        outcome = behave(mood, connection)
    except OSError as error:
        outcome = type(error).__name__
    print(f"checked {mood} {host} {line}: {outcome}", flush=True)


def serve_and_close(connection):
    """The same, whatever happens."""
    with connection, contextlib.suppress(OSError):
        serve(connection)


def tell(messages):
    """Tell NOTIFY_SOCKET each of the messages."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.connect("\0" + os.environ["NOTIFY_SOCKET"].removeprefix("@"))
        for message in messages:
            told.send(message.encode())


def heard():
    """Yield what is written to the door; print each line when it has been told."""
    with open("door", encoding="ascii") as door:
        for line in door:
            yield line.rstrip("\n").replace("\\n", "\n")
            print(f"told {line[:20].rstrip()}", flush=True)


TOLD = {
    "flood": itertools.cycle(["READY=1", "STOPPING=1"]),
    "door": heard(),
}


def main():
    """Behave as told."""
    if "ignore" in START:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with socket.create_server(("", 8080), backlog=0 if "frozen" in START else 100) as server:
        print("listens", flush=True)
        for word, messages in TOLD.items():
            if word in START and "NOTIFY_SOCKET" in os.environ:
                threading.Thread(target=tell, args=(messages,), daemon=True).start()
        while "frozen" in START:
            signal.pause()
        while True:
            threading.Thread(target=serve_and_close, args=(server.accept()[0],), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
