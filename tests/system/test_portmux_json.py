# SPDX-License-Identifier: GPL-2.0-or-later
"""--json: what happens in a run of portmux, an object a line on stdout; text for people on stderr."""

import base64
import datetime
import json
import os
import signal
import subprocess

import pytest
from harness import Host, lay_out, wait_until

AT_ONCE = 2.0
PLACES = ("--files", "private", "-d", "copies")
SERVER = ("-p", "8081+:8080", "-p", "127.0.0.1:9001+:8080", "--", "./http_recorder.py")

# What each kind of event has beside event and time: one of these, and perhaps what is optional.
MAPPING = {"host_port", "port", "protocol"}
KEYS = {
    "started": [{"copy", "pid"}],
    "ready": [{"copy"}, {"copy", *MAPPING}],
    "output": [{"copy", "text"}],
    "exited": [{"copy", "status"}, {"copy", "signal"}],
    "restarted": [{"copy", "pid"}],
    "error": [{"text"}],
    "stopped": [{"status"}],
}
OPTIONAL = {"ready": {"address"}, "output": {"base64"}, "error": {"base64"}}


@pytest.fixture(scope="module")
def one_host():
    """A host for all runs that end by themselves, on which nothing is left behind in the end."""
    with Host() as host:
        yield lay_out(host)
        host.finish()


@pytest.fixture
def start(host, stand_in):
    """Start two copies of the stand-in, with more options."""

    def run(*options):
        return host.start_portmux(stand_in, *PLACES, "--json", "-n", "2", *options, *SERVER)

    return run


def events_of(manager):
    """Return the events that were written, each of which is whole and has the keys of its kind."""
    events = [json.loads(line) for line in manager.out.lines]
    assert manager.out.partial == b""
    for event in events:
        keys = set(event) - {"event", "time"} - OPTIONAL.get(event["event"], set())
        assert keys in KEYS[event["event"]], event
        datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
        assert event["time"].endswith("Z")
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)
    return events


def brief(events, copy):
    """Return the kinds of the events of a copy."""
    return [event["event"] for event in events if event.get("copy") == copy]


def of_kind(events, kind, copy=None):
    """Return the events of a kind, of one copy or all of them."""
    return [event for event in events if event["event"] == kind and copy in (None, event.get("copy"))]


def wait_ready(manager):
    """Wait until the run is ready; with --json, people are told on stderr."""
    manager.err.wait_for("Ctrl-C", 15.0)
    return manager


def wait_for_event(manager, kind, deadline=AT_ONCE, **values):
    """Wait for the first event of a kind with such values."""

    def found():
        events = [json.loads(line) for line in manager.out.lines]
        return [event for event in of_kind(events, kind) if values.items() <= event.items()]

    return wait_until(found, deadline, f"{kind} {values}")[0]


def output_of(host, script, *command, copies=1):
    """Run a command to its end, a Python program if there is no other; return the output events and the run."""
    project = host.project("/home/user/project")
    command = command or ("python3", "-c", f"import sys\nwrite = sys.stdout.buffer.write\n{script}")
    manager = host.start_portmux(project, "-d", "/srv/state", "--json", "-n", str(copies), "--", *command)
    manager.wait()
    return of_kind(events_of(manager), "output"), manager


def exact(event):
    """Return the bytes of an event's text."""
    return base64.b64decode(event["base64"]) if "base64" in event else event["text"].encode()


# ---- What happens ----


def test_a_run_is_told_from_its_start_to_its_end(start):
    """Each copy: started, ready for each of its mappings, exited; the run's end last, with the exit code."""
    manager = wait_ready(start())
    assert manager.stop() == 0
    events = events_of(manager)
    for number in (1, 2):
        assert sorted(brief(events, number)) == sorted(["started", "output", "ready", "ready", "exited"])
        assert brief(events, number)[0] == "started" and brief(events, number)[-1] == "exited"
        common = {"copy": number, "port": 8080, "protocol": "tcp"}
        ready = of_kind(events, "ready", number)
        assert [{**event, "event": None, "time": None} for event in ready] == [
            {"event": None, "time": None, **common, "host_port": 8080 + number},
            {"event": None, "time": None, **common, "host_port": 9000 + number, "address": "127.0.0.1"},
        ]
        assert of_kind(events, "exited", number)[0]["signal"] == signal.SIGTERM
    assert events[-1]["event"] == "stopped" and events[-1]["status"] == 0
    assert len(of_kind(events, "stopped")) == 1 and not of_kind(events, "error")


def test_text_for_people_goes_to_stderr(start):
    """What is on stdout without --json, and the table; nothing of what the copies print."""
    manager = wait_ready(start())
    manager.send(signal.SIGUSR1)
    manager.err.wait_for(r"^2 +ready ")
    assert manager.stop() == 0
    assert manager.err.lines[:2] == [
        f"copy {number}: localhost:{8080 + number} -> 8080, 127.0.0.1:{9000 + number} -> 8080" for number in (1, 2)
    ]
    assert not [line for line in manager.err.lines if "started" in line]
    events_of(manager)


def test_quiet_leaves_nothing_for_people_but_all_for_programs(start):
    """The events are what was asked for."""
    manager = start("-q")
    for number in (1, 2):
        wait_for_event(manager, "ready", 15.0, copy=number, host_port=9000 + number)
    assert manager.stop() == 0
    assert manager.err.lines == []
    assert brief(events_of(manager), 2).count("ready") == 2


def test_the_pid_is_that_of_the_copy_on_the_host(host, start):
    """The process that a signal to the pid reaches: the copy ends, and the other one goes on."""
    manager = wait_ready(start())
    pids = [wait_for_event(manager, "started", copy=number)["pid"] for number in (1, 2)]
    assert len(set(pids)) == 2
    host.run(["kill", "-KILL", pids[0]])
    wait_for_event(manager, "exited", copy=1)
    assert not host.refuses("127.0.0.1", 8082)
    assert manager.stop() == 0


def test_a_restart_is_told(host, start):
    """Exited with its status or signal, said as an error, restarted with a new pid, ready again."""
    manager = wait_ready(start("--restart", "on-failure"))

    def is_ready(times):
        return sum('"ready"' in line for line in manager.out.lines) == 2 * times

    wait_until(lambda: is_ready(2), AT_ONCE, "both are ready")
    for lives, path, values in ((3, "exit/3", {"status": 3}), (4, "signal/SIGSEGV", {"signal": 11})):
        before = len(manager.out.lines)
        host.get(f"http://127.0.0.1:8082/{path}")
        wait_until(lambda lives=lives: is_ready(lives), 5.0, "it is ready again")
        events = [json.loads(line) for line in manager.out.lines[before:]]
        kinds = [kind for kind in brief(events, 2) if kind != "output"]
        assert kinds == ["exited", "restarted", "ready", "ready"]
        assert values.items() <= of_kind(events, "exited")[0].items()
        assert "starting again in 0." in of_kind(events, "error")[0]["text"]
        assert brief(events, 1) == []
    assert manager.stop() == 0
    pids = [event["pid"] for event in events_of(manager) if "pid" in event]
    assert len(set(pids)) == len(pids) == 4


@pytest.mark.parametrize(
    "command, code, values",
    [("exit 0", 0, {"status": 0}), ("exit 3", 1, {"status": 3}), ("kill -KILL $$", 1, {"signal": 9})],
)
def test_the_last_event_has_the_exit_code(one_host, command, code, values):
    """As the shell sees it; how the copy has ended is in an event of its own."""
    _, manager = output_of(one_host, None, "sh", "-c", command)
    events = events_of(manager)
    assert values.items() <= of_kind(events, "exited")[0].items()
    assert (events[-1]["event"], events[-1]["status"], manager.wait()) == ("stopped", code, code)


def test_a_run_that_cannot_start_is_told(host, start):
    """The error on both, without the program's name for programs; then the end."""
    listener = host.listen("0.0.0.0", 8082)
    manager = start()
    assert manager.wait() == 1
    error, stopped = events_of(manager)
    (line,) = manager.err.lines
    assert (stopped["event"], stopped["status"]) == ("stopped", 1)
    assert error["event"] == "error" and line == f"portmux: {error['text']}" and "8082" in line
    listener.close()


# ---- What the copies print ----


@pytest.mark.parametrize(
    "line, text",
    [
        (b"plain", "plain"),
        (b"", ""),
        (b"  blanks\t ", "  blanks\t "),
        ("ü € 😀 \u2028 \ufffd".encode(), "ü € 😀 \u2028 \ufffd"),
        (b'"quoted\\"', '"quoted\\"'),
        (b"\x1b[1mbold\x1b[0m\x07\x00\x01\x7f", "\x1b[1mbold\x1b[0m\x07\x00\x01\x7f"),
        (b"latin1 \xfc", "latin1 \ufffd"),
        (b"\xe2\x82", "\ufffd\ufffd"),
        (b"\xc3(", "\ufffd("),
        (b"\xed\xa0\x80", "\ufffd" * 3),
        (b"\xf4\x90\x80\x80", "\ufffd" * 4),
        (b"\xc0\xaf \xff\xfe\xfd", "\ufffd\ufffd \ufffd\ufffd\ufffd"),
    ],
)
def test_output_is_told_exactly(one_host, line, text):
    """As text; where the bytes are no UTF-8, each of them is U+FFFD there, and base64 has them exactly."""
    (event,), _ = output_of(one_host, f"write({line!r} + b'\\n')")
    assert event["text"] == text
    assert exact(event) == line
    assert ("base64" in event) == ("\ufffd" in text and text.encode() != line)


def test_the_last_line_needs_no_end(one_host):
    """What a copy has written when it ends is told."""
    events, _ = output_of(one_host, "write(b'one\\ntwo')")
    assert [event["text"] for event in events] == ["one", "two"]


@pytest.mark.parametrize("character", ["x", "é", "\udcff"])
def test_a_very_long_line_arrives_whole(one_host, character):
    """In pieces, of which no byte is missing."""
    unit = character.encode("utf-8", "surrogateescape")
    events, _ = output_of(one_host, f"write(b'a' + {unit!r} * 300000 + b'\\nend\\n')")
    assert b"".join(exact(event) for event in events[:-1]) == b"a" + unit * 300000
    assert events[-1]["text"] == "end"


def test_lines_of_many_copies_are_not_mixed(one_host):
    """However fast they come."""
    script = "import os\nfor number in range(2000):\n    write(b'%s %d\\n' % (os.environb[b'COPY'] * 50, number))"
    events, _ = output_of(one_host, script, copies=4)
    for copy in range(1, 5):
        assert [event["text"] for event in of_kind(events, "output", copy)] == [
            f"{str(copy) * 50} {number}" for number in range(2000)
        ]


# ---- Who reads ----


def test_the_run_ends_when_nobody_reads_its_events(host, stand_in):
    """At once, without an event that could not be written; this is said, and the exit code is 1."""
    manager = host.start_portmux(stand_in, *PLACES, "--json", "-n", "2", *SERVER, read=False)
    wait_ready(manager)
    manager.close_stdout()
    assert manager.wait() == 1
    assert "standard output" in manager.err.lines[-1]


def test_jq_and_the_like_can_read_it(host, stand_in):
    """A program that reads line by line, at the other end of a pipe, sees each event when it happens."""
    reader, writer = os.pipe()
    project = stand_in
    manager = host.start_portmux(project, *PLACES, "--json", *SERVER, read=False)
    filter_ = "import sys, json\nfor line in sys.stdin: print(json.loads(line)['event'], flush=True)"
    with subprocess.Popen(["python3", "-c", filter_], stdin=manager.stdout, stdout=writer, text=True) as program:
        os.close(writer)
        manager.close_stdout()
        with os.fdopen(reader) as kinds:
            assert kinds.readline() == "started\n"
            while kinds.readline() != "ready\n":
                pass
            assert manager.running
            assert manager.stop() == 0
            assert kinds.read().splitlines()[-2:] == ["exited", "stopped"]
        assert program.wait() == 0
