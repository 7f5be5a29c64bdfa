# SPDX-License-Identifier: GPL-2.0-or-later
"""What the copies print: at once, line by line, each line with its copy's number before it."""

import os
import re
import select
import signal
import time

import pytest
from harness import COLOUR, SANITIZED, wait_until

MEMORY_LIMIT = (64 if SANITIZED else 4) << 20
AT_ONCE = 2.0


def test_a_request_is_printed_at_once_with_its_copys_number(host, manager):
    """http_recorder.py's print() and its log on stderr, exactly, while the copies run."""
    for number in (1, 2):
        host.get(f"http://localhost:808{number}/hello")
        manager.out.wait_for(rf"^copy {number} \| GET request for /hello$", 1.0)
        manager.out.wait_for(rf'^copy {number} \| .* "GET /hello HTTP/1.1" 404 -$', 1.0)
    assert "GET request for /hello" in manager.said(1)
    assert manager.running


def test_every_line_of_a_copy_is_prefixed(host, manager):
    """Nothing that a copy prints stands without its prefix, an empty line neither; without colour in a pipe."""
    begin = len(manager.out.lines)
    for number in (1, 2):
        host.get(f"http://localhost:808{number}/x")
        manager.out.wait_for(rf'^copy {number} \| .*"GET /x HTTP/1.1" 404 -$', 1.0)
    lines = manager.out.lines[begin:]
    assert len(lines) == 8
    assert all(re.match(r"copy [12] \| ?", line) for line in lines)
    assert "\x1b" not in "".join(lines)


def test_on_a_terminal_prefixes_are_coloured(host, project):
    """Two colours, and the same text as in a pipe."""
    manager = host.start_manager(project, terminal=True).wait_ready()
    colours = set()
    for number in (1, 2):
        host.get(f"http://localhost:808{number}/hello")
        line = manager.out.wait_for(rf"copy {number} \|.*GET request for /hello").string
        assert COLOUR.sub("", line) == f"copy {number} | GET request for /hello"
        colours.add(COLOUR.match(line)[0])
    assert len(colours) == 2
    assert manager.stop() == 0


# What a client asks for: the clipboard, a title, another line, the copy before it; a colour is harmless.
HOSTILE = b"/\x1b]52;c;aGk=\x07\x1b]0;t\x1b\\\x1b[2J\x08\x7f\x9b1A\x1b[31mred"
SHOWN = "/^[]52;c;aGk=^G^[]0;t^[\\^[[2J^H^?<U+009B>1A\x1b[31mred"
UNCHANGED = HOSTILE.decode("latin-1")  # as Python takes a request


def ask_for(node, address, port, path):
    """Send a request whose path may be any bytes; wait for the answer."""
    with node.connect(address, port) as connection:
        connection.sendall(b"GET " + path + b" HTTP/1.0\r\n\r\n")
        while connection.recv(1 << 16):
            pass


def test_a_client_does_not_get_at_the_terminal(host, stand_in):
    """Control characters that a request brings into a copy's lines are shown; a colour ends with its line."""
    manager = host.start_manager(stand_in, terminal=True).wait_ready()
    ask_for(host.client, "198.51.100.1", 8081, HOSTILE)
    line = manager.out.wait_for(r"copy 1 .*GET /\^").string
    assert line.endswith(f" GET {SHOWN}\x1b[0m")
    assert manager.stop() == 0
    assert not [line for line in manager.out.lines if re.search(r"[\0-\x08\x0b-\x1f\x7f-\x9f]", COLOUR.sub("", line))]


def test_into_a_pipe_every_byte_passes(host, stand_in):
    """For a program that reads it, nothing is changed."""
    manager = host.start_manager(stand_in).wait_ready()
    ask_for(host.client, "198.51.100.1", 8081, HOSTILE)
    manager.out.wait_for(r"^copy 1 \| GET /\x1b")
    assert manager.said(1)[-1] == f"GET {COLOUR.sub('', UNCHANGED)}"
    assert any(line.endswith(f"GET {UNCHANGED}") for line in manager.out.lines)
    assert manager.stop() == 0


NAMED = """
import ctypes, signal, socket
ctypes.CDLL(None).prctl(15, {name!r})
server = socket.create_server(("", 8081))
print("listening", flush=True)
signal.pause()
"""


def test_the_name_of_a_foreign_process_does_not_get_at_the_terminal(host, project):
    """It may have given itself any name; the line that tells who holds a port has it without what a terminal obeys."""
    holder = host.popen(["python3", "-c", NAMED.format(name=b"a\x1b[2Jb\xc2\x9bc\x9b")])
    holder.out.wait_for("listening")
    manager = host.start_manager(project)
    assert manager.wait() == 1
    assert "is in use by a?[2Jb??c? (pid " in manager.err.lines[0]


def test_lines_of_two_copies_are_never_mixed(host, stand_in):
    """Both write 20,000 lines at once, in pieces of any size: each line comes out whole, in order, once."""
    count = 20_000
    manager = host.start_manager(stand_in).wait_ready()
    identity = {number: host.get(f"http://127.0.0.1:808{number}/lines/{count}").text.strip() for number in (1, 2)}
    for number in (1, 2):
        manager.out.wait_for(rf"^copy {number} \| \w+ {count - 1} ", 20)
        expected = [f"{identity[number]} {line} {'.' * (line % 61)} end" for line in range(count)]
        assert [line for line in manager.said(number) if line != "started"] == expected
    assert manager.stop() == 0


@pytest.mark.parametrize("flood", ["endless", "fast"])
def test_a_flood_from_one_copy_does_not_stall_the_other(host, stand_in, flood):
    """One writes for ever, without an end of line or with many: the other's lines come at once and whole, and
    the manager does not grow."""
    manager = host.start_manager(stand_in, keep=r"GET /|Ctrl-C").wait_ready()
    host.get(f"http://127.0.0.1:8081/{flood}")
    for request in range(20):
        assert host.get(f"http://127.0.0.1:8082/{request}", 2.0).status == 200
        manager.out.wait_for(rf"^copy 2 \| GET /{request}$", 2.0)
    early = manager.memory()
    for request in range(20, 120):
        host.get(f"http://127.0.0.1:8082/{request}", 2.0)
    manager.out.wait_for(r"^copy 2 \| GET /119$", 2.0)
    assert manager.memory() < MEMORY_LIMIT
    assert SANITIZED or manager.memory() < early + (1 << 20)  # the sanitizer keeps what was freed
    assert manager.stop() == 0


def read_until(descriptor, text, deadline=15.0):
    """Read from a pipe until text has come."""
    seen = b""
    end = time.monotonic() + deadline
    while text not in seen:
        assert select.select([descriptor], [], [], max(0.0, end - time.monotonic()))[0], seen
        data = os.read(descriptor, 1)
        assert data, seen
        seen += data


def is_full(descriptor):
    """Whether a pipe, by its reading end, has no room left."""
    writer = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK)
    try:
        return not select.select([], [writer], [], 0)[1]
    finally:
        os.close(writer)


def test_a_reader_that_does_not_read_cannot_keep_it_from_stopping(host, stand_in):
    """Its stdout is a pipe that is full: SIGINT ends it all the same."""
    manager = host.start_manager(stand_in, read=False)
    read_until(manager.stdout, b"Ctrl-C")
    for number in (1, 2):
        host.get(f"http://127.0.0.1:808{number}/fast")
    wait_until(lambda: is_full(manager.stdout), 5, "the pipe is full")
    assert manager.stop(deadline=AT_ONCE) == 0


def test_when_its_reader_is_gone_it_ends(host, project):
    """As in a pipe to head -1: it cleans up and ends at once, and not by SIGPIPE."""
    manager = host.start_manager(project, read=False)
    read_until(manager.stdout, b"Ctrl-C")
    manager.close_stdout()
    assert manager.wait() == 1


PARTING = """#!/usr/bin/python3
import os, signal, socket, sys
def part(*_):
    os.mkfifo("/tmp/go")
    sys.exit(print("parting", open("/tmp/go").read()))
signal.signal(signal.SIGTERM, part)
with socket.create_server(("", 8080)) as server:
    while True:
        server.accept()[0].close()
"""


def stop_with_last_words(manager, project, before):
    """Stop a run whose program is PARTING, with before() called when the copies have got SIGTERM and print nothing yet.

    Return the exit code.
    """
    manager.send(signal.SIGINT)
    fifos = [project.tmp(number) / "go" for number in (1, 2)]
    wait_until(lambda: all(fifo.exists() for fifo in fifos), AT_ONCE, "the copies have got SIGTERM")
    before()
    for fifo in fifos:
        fifo.write_text("now")
    return manager.wait(10)


def test_what_the_end_cannot_write_is_told(host, project, tmp_path):
    """A disk that is full when the copies print their last lines: exit code 1, and a line that says why."""
    project.there("http_recorder.py").write_text(PARTING)
    disk = tmp_path / "disk"
    disk.mkdir()
    out = disk / "out"
    host.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", disk])
    host.run(["touch", out])
    manager = host.start_manager(project, under=["sh", "-c", f'exec "$@" >>{out}', "sh"])
    wait_until(lambda: "Ctrl-C" in host.root(out).read_text(), 15, "it is ready")
    fill = ["sh", "-c", f"cat /dev/zero >>{out}"]
    assert stop_with_last_words(manager, project, lambda: host.run(fill, check=False)) == 1
    assert manager.err.lines == ["uva_container: cannot write to the standard output: No space left on device"]
    host.run(["umount", disk])


def test_a_reader_that_ends_with_the_run_is_no_failure(host, project):
    """Ctrl-C ends both ends of a pipeline: what the copies print then is lost, and that is all."""
    project.there("http_recorder.py").write_text(PARTING)
    manager = host.start_manager(project, read=False)
    read_until(manager.stdout, b"Ctrl-C")
    assert stop_with_last_words(manager, project, manager.close_stdout) == 0
    assert manager.err.lines == []
