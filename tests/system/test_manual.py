# SPDX-License-Identifier: GPL-2.0-or-later
"""portmux(1), `portmux run --help` and the program say the same."""

import json
import re
import subprocess

import pytest
from harness import PORTMUX, TOP

pytestmark = pytest.mark.host(lan=False)

PAGE = (TOP / "src/portmux.1").read_text()
SOURCES = TOP / "src/portmux"
COMMANDS = dict(re.findall(r'{"(\w+)", command_(\w+)}', (TOP / "src/portmux.c").read_text()))
# Where what a command for a run says is written, and what says why it is refused.
SPEAKERS = ("client", "control", "exec_command", "exec_request", "fleet", "logs_command", "logs_request")
SPEAKERS += ("publish_request", "request", "rollout", "rollout_restart", "scale_command", "scale_request")
SPEAKERS += ("stop_request",)
ENGINE_SPEAKERS = ("attachment", "change", "drain", "health", "ports")
AT_ONCE = 5.0
# Prints a line that is no text, listens, and ends when somebody calls.
PROGRAM = r"""#!/usr/bin/env python3
import os, socket
os.write(1, b"a line\n\xff\n")
socket.create_server(("", 8080)).accept()
os._exit(3)
"""
# Takes every connection, and keeps it until its client closes it.
HOLDER = """#!/usr/bin/env python3
import socketserver
class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(1)
socketserver.ThreadingTCPServer(("", 8080), Handler).serve_forever()
"""


def section(name):
    """Return the text of a section of the page."""
    return re.search(rf"^\.Sh {name}$(.*?)^\.Sh ", PAGE, re.MULTILINE | re.DOTALL).group(1)


def options_of_the_page():
    """Return the options that have an entry in the page."""
    entries = re.findall(r"^\.It (Fl .*)$", section("OPTIONS"), re.MULTILINE)
    return {f"-{name}" for entry in entries for name in re.findall(r"Fl (-?\w[\w-]*)", entry)}


def keys(text):
    """Return the keys that a part of the page names."""
    return set(re.findall(r"^\.Ql (\w+)", text, re.MULTILINE))


def keys_by_event():
    """Return the keys that the page names for each event; for None, those of all events."""
    listed, _, rest = section("EVENTS").partition(".El")
    parts = re.split(r"^\.It Li (\w+)$", listed, flags=re.MULTILINE)
    return {None: keys(parts[0] + rest), **{event: keys(text) for event, text in zip(parts[1::2], parts[2::2])}}


@pytest.mark.once
def test_the_page_has_every_option_of_the_help():
    """And no other one."""
    text = subprocess.run([PORTMUX, "run", "--help"], capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"(?<![\w-])-(?:-[a-z-]+|[a-zA-Z]+)", text)) == options_of_the_page()


@pytest.mark.once
def test_the_page_has_every_option_of_the_source():
    """And no other one: all that the table of options has, by its long and its short name."""
    table = re.findall(r'\{"([\w-]+)", \w+_argument, NULL, (?:\'(\w)\')?', (SOURCES / "options.c").read_text())
    assert {f"--{name}" for name, _ in table} | {f"-{letter}" for _, letter in table if letter} == options_of_the_page()


@pytest.mark.once
def test_the_page_has_every_event_and_key_of_the_source():
    """And no other one: all that is written as JSON."""
    source = "".join((SOURCES / name).read_text() for name in ("event.c", "report.c"))
    text = (SOURCES / "describe.c").read_text()
    mapping = re.search(r"^void describe_mapping\(.*?^}", text, re.DOTALL | re.MULTILINE)
    events = set(re.findall(r'event_(?:new|at|of_copy)\("(\w+)"', source))
    events |= set(re.findall(r'event_of_copy\(\w+ \? "(\w+)" : "(\w+)"', source)[0])
    for arguments in re.findall(r"event_copy\(run, ([^;]*)\);", source):
        events |= set(re.findall(r'"(\w+)"', arguments))
    named = keys_by_event()
    assert {event for event in named if event} == events
    keys_set = set(re.findall(r'json_object_set_new\(object, "(\w+)"', source + mapping.group()))
    assert set.union(*named.values()) == keys_set


def test_each_event_has_the_keys_that_the_page_names(host, project):
    """All of them in one run: a copy starts, prints, listens, is ill, is well, ends, starts again, is stopped."""
    project.there("http_recorder.py").write_text(PROGRAM)
    options = ("--json", "--restart", "always", "--files", "private", "-d", "copies", "-p", "127.0.0.1:8081:8080")
    health = ("--health", "exec:test ! -e ill", "--health-interval", "0.1")
    run = host.start_portmux(project, *options, *health, "--", "./http_recorder.py")
    run.out.wait_for('"ready"', AT_ONCE)
    ill = project.place(1, "ill", "")
    run.out.wait_for('"unhealthy"', AT_ONCE)
    before = len(run.out.lines)
    ill.unlink()
    run.out.wait_for('"ready"', AT_ONCE, start=before)
    before = len(run.out.lines)
    host.connect("127.0.0.1", 8081).close()
    run.out.wait_for('"ready"', AT_ONCE, start=before)
    assert run.stop() == 0
    found = {}
    for line in run.out.lines:
        event = json.loads(line)
        found.setdefault(event["event"], set()).update(event)
    named = keys_by_event()
    of_all = named.pop(None) - {"text"}  # which is named once more, beside base64
    assert of_all == {"event", "time", "base64"}
    assert {event: some - of_all for event, some in found.items()} == named
    assert {event for event, some in found.items() if "base64" in some} == {"output"}


@pytest.mark.once
def test_the_page_shows_the_unit():
    """As it is installed below /usr/local, without its first comment."""
    unit = (TOP / "src/portmux@.service").read_text().replace("@bindir@", "/usr/local/bin")
    assert unit[unit.index("[Unit]") :].replace("\\", "\\e") in PAGE


@pytest.mark.once
def test_the_page_names_every_variable():
    """What the copies are told, and what portmux reads."""
    told = set(re.findall(r'"([A-Z_]+)=%', (TOP / "src/run/variables.c").read_text()))
    read = {name for path in SOURCES.glob("*.c") for name in re.findall(r'getenv\("(\w+)"\)', path.read_text())}
    assert told == {"COPY", "COPY_NAME", "HOST_PORT"} and {"XDG_STATE_HOME", "NOTIFY_SOCKET"} <= read
    named = set(re.findall(r"\w+", " ".join(re.findall(r"^\.(?:It )?Ev (.*)$", PAGE, re.MULTILINE))))
    assert told | read <= named


def entry(command):
    """Return what the page says of a command for a run; also of one that shares its entry."""
    parts = re.split(r"^\.Ss portmux (\w+)", section("COMMANDS FOR A RUN"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))[command]


@pytest.mark.once
def test_the_page_has_every_command():
    """In its synopsis, and with an entry; with every option of its help, and no other one."""
    synopsis = " ".join(re.findall(r"^\.Cm (.*)$", section("SYNOPSIS"), re.MULTILINE))
    assert set(re.findall(r"\w+", synopsis)) == set(COMMANDS)
    for command in set(COMMANDS) - {"run"}:
        text = subprocess.run([PORTMUX, command, "--help"], capture_output=True, text=True, check=True).stdout
        told = " ".join(re.findall(r"^ +(?:-\w, )?-[\w-]+", text, re.MULTILINE)).replace(",", "").split()
        named = re.findall(r"Fl (-?\w[\w-]*)", " ".join(re.findall(r"^\.It (Fl .*)$", entry(command), re.MULTILINE)))
        assert set(told) == {"-h", "--help"} | {f"-{name}" for name in named}, command


@pytest.mark.once
def test_the_page_has_every_request():
    """And the keys of what is answered, and of what is asked."""
    text = section("CONTROL SOCKET")
    table = set(re.findall(r'\{"(\w+)", +request_', (SOURCES / "requests.c").read_text()))
    assert set(re.findall(r"\w+", " ".join(re.findall(r"^\.It Cm (.*)$", text, re.MULTILINE)))) == table
    told = set(re.findall(r'json_object_set_new\(object, "(\w+)"', (SOURCES / "describe.c").read_text()))
    for path in SOURCES.glob("*request*.c"):
        told |= set(re.findall(r'(?:json_object_get|request_number)\([^;()]*?, "(\w+)"', path.read_text()))
    assert told - keys(text) <= keys(section("EVENTS"))


def messages(path):
    """Return the texts of a source file that are said to a user."""
    found = []
    speaks = r"\b(?:error_say|request_fail|request_refuse|restart_fail)\((.*?)\);"
    for call in re.findall(speaks, path.read_text(), re.DOTALL):
        found += ["".join(re.findall(r'"([^"]*)"', part)) for part in re.split(r",\s", re.sub(r'"\s+"', "", call))]
    return {text for text in found if re.search(r"[a-z] [a-z]", re.sub(r"%\S+", "", text))}


def shown(text, first):
    """Return the lines of the display that begins so, without their indentation; long ones are whole."""
    display = re.search(rf"^\.Bd [^\n]*\n({first}.*?)^\.Ed$", text, re.MULTILINE | re.DOTALL)[1]
    return [line.strip() for line in re.sub(r" *\\e\n *", " ", display).splitlines()]


def test_the_page_shows_a_shared_port(host, project):
    """As nft does, but for bytes: after ten connections, and while copy 2 drains."""
    project.there("http_recorder.py").write_text(HOLDER)
    places = ("--files", "private", "-d", "copies", "--name", "web")
    run = host.start_portmux(project, *places, "-n", "2", "-p", "8080:8080", "--", "./http_recorder.py").wait_ready()
    page = (TOP / "src/portmux.7").read_text()
    held = [host.connect("127.0.0.1", 8080) for _ in range(10)]
    text = " ".join(host.run(["nft", "list", "table", "inet", "portmux"]).stdout.split())
    for line in shown(page, r"table inet portmux \{"):
        assert line.removesuffix(", ...") in text
    scaled = run.ask_later("scale", "web", "1")
    run.err.wait_for("copy 2: gets no new connections", AT_ONCE)
    text = " ".join(host.run(["nft", "list", "set", "inet", "portmux", "draining"]).stdout.split())
    assert " ".join(shown(page, "set draining")) in text
    for connection in held:
        connection.close()
    assert scaled.wait(AT_ONCE) == 0
    assert run.stop() == 0


@pytest.mark.once
def test_the_page_explains_every_message():
    """Those of the commands for a run, and of a run that changes."""
    paths = [SOURCES / f"{name}.c" for name in SPEAKERS] + [TOP / f"src/run/{name}.c" for name in ENGINE_SPEAKERS]
    pages = PAGE + (TOP / "src/portmux.7").read_text()
    explained = "\n".join(re.findall(r"^\.It \"(.*)\"$", pages, re.MULTILINE))
    said = {text: path.name for path in paths for text in messages(path)}
    assert len(said) > 30
    assert {text: name for text, name in said.items() if text not in explained} == {}
