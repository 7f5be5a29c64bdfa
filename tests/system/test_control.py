# SPDX-License-Identifier: GPL-2.0-or-later
"""portmux ps, logs, stop, kill: a run that lives is asked, by its name, on its control socket."""

import json
import re
import signal
import socket
import time

import pytest
from harness import OPEN, PLAIN_USER, SANITIZED, command, outcomes, wait_until

AT_ONCE = 2.0
GONE = 10.0  # the kernel takes a network namespace apart when it has time
PATIENCE = 5.0  # that a command has with a run that does not answer
SERVER = ("--", "./http_recorder.py")
HEADINGS = ["NAME", "COPY", "STATE", "PORTS", "UPTIME", "RESTARTS", "OPEN", "CONNECTIONS", "RECEIVED", "SENT"]


@pytest.fixture
def start(host, stand_in):
    """Start two copies of the stand-in, by default named web, at 8081 and 8082."""

    def run(*options, name="web", first=8081, state="copies", copies=2, serve=SERVER, **more):
        places = ("--files", "private", "-d", state, "--name", name, "-n", str(copies))
        return host.start_portmux(stand_in, *places, *options, "-p", f"{first}+:8080", *serve, **more)

    return run


@pytest.fixture
def ask(host, stand_in):
    """Run a command of portmux; see harness.command()."""
    return lambda *arguments, **options: command(host, stand_in, *arguments, **options)


@pytest.fixture
def refusal(ask):
    """Run a command of portmux that fails; return the one line that it says."""

    def run(*arguments, **options):
        done = ask(*arguments, check=False, **options)
        assert done.returncode == 1 and done.stdout == "", done
        (line,) = done.stderr.splitlines()
        return line

    return run


def table(text):
    """Return the lines of a table, each as its cells by heading."""
    headings, *lines = text.splitlines()
    assert headings.split() == HEADINGS
    starts = [headings.index(name) for name in HEADINGS]
    return [{name: line[a:b].strip() for name, a, b in zip(HEADINGS, starts, [*starts[1:], None])} for line in lines]


def objects(text):
    """Return the objects in lines of JSON."""
    return [json.loads(line) for line in text.splitlines()]


# ---- ps ----


def test_ps_shows_each_copy(host, start, ask):
    """What it counts, too: connections and bytes of each for itself."""
    manager = start().wait_ready()
    for _ in range(25):
        host.get("http://127.0.0.1:8082/on")
    lines = table(ask("ps", "web").stdout)
    columns = ("NAME", "COPY", "STATE", "PORTS", "RESTARTS", "CONNECTIONS")
    assert [[line[name] for name in columns] for line in lines] == [
        ["web", "1", "ready", "8081->8080", "0", "0"],
        ["web", "2", "ready", "8082->8080", "0", "25"],
    ]
    assert all(re.fullmatch(r"0:\d\d", line["UPTIME"]) for line in lines)
    assert manager.stop() == 0


def test_ps_counts_the_connections_that_there_are(host, start, ask):
    """Each as long as it is open."""
    manager = start().wait_ready()

    def is_open(first, second):
        return [copy["open"] for copy in objects(ask("ps", "--json").stdout)] == [first, second]

    with host.connect("127.0.0.1", 8082), host.client.connect("198.51.100.1", 8082):
        with host.connect("127.0.0.1", 8081):
            wait_until(lambda: is_open(1, 2), AT_ONCE, "three are open")
        wait_until(lambda: is_open(0, 2), AT_ONCE, "two are open")
    wait_until(lambda: is_open(0, 0), AT_ONCE, "none is open")
    assert manager.stop() == 0


def test_ps_tells_programs_the_same(host, start, ask):
    """An object for each copy, with the names that events have."""
    manager = start("-p", "127.0.0.1:5000+:53/udp").wait_ready()
    before = time.monotonic()
    host.get("http://127.0.0.1:8082/on")
    first, second = objects(ask("ps", "--json").stdout)
    assert set(first) == {
        *("name", "copy", "state", "mappings", "pid", "uptime", "restarts"),
        *("open", "connections", "received", "sent"),
    }
    assert (first["name"], first["copy"], first["state"], second["copy"]) == ("web", 1, "not ready", 2)
    assert second["mappings"] == [
        {"address": "127.0.0.1", "host_port": 5001, "port": 53, "protocol": "udp"},
        {"host_port": 8082, "port": 8080, "protocol": "tcp"},
    ]
    assert second["uptime"] > time.monotonic() - before and second["connections"] == 1
    assert second["sent"] > 100 and second["received"] > 100
    host.run(["kill", "-KILL", second["pid"]])
    wait_until(lambda: len(objects(ask("ps", "--json", "web").stdout)) == 1, GONE, "copy 2 is gone")
    assert manager.stop() == 0


def test_ps_shows_all_runs_by_their_names(start, ask):
    """And each alone, if asked for; after its end, none."""
    managers = [start(name=name, first=first, state=name) for name, first in (("web", 8081), ("api", 9081))]
    for manager in managers:
        manager.wait_ready()
    shown = [(line["NAME"], line["COPY"], line["PORTS"]) for line in table(ask("ps").stdout)]
    assert shown == [
        *(("api", str(number), f"{9080 + number}->8080") for number in (1, 2)),
        *(("web", str(number), f"{8080 + number}->8080") for number in (1, 2)),
    ]
    assert {line["NAME"] for line in table(ask("ps", "api").stdout)} == {"api"}
    assert managers[1].stop() == 0
    assert {line["NAME"] for line in table(ask("ps").stdout)} == {"web"}
    assert managers[0].stop() == 0
    assert ask("ps").stdout.split() == HEADINGS[1:]
    assert ask("ps", "--json").stdout == ""


def test_ps_watches(host, stand_in, start):
    """Again every second, until the run is over."""
    manager = start().wait_ready()
    watch = host.popen([f"{stand_in.path}/portmux", "ps", "--watch", "web"])
    watch.out.wait_for("^web +2 .* 0 +0 ")
    host.get("http://127.0.0.1:8082/on")
    watch.out.wait_for("^web +2 .* 0 +1 ")
    assert manager.stop() == 0
    assert watch.wait() == 1
    assert watch.err.lines == ["portmux: there is no run named web"]


# ---- stop and kill ----


def test_stop_returns_when_nothing_is_left(host, start, ask):
    """The host is as before at that moment, and the next run gets the name, the ports and the files."""
    for _ in range(5):
        manager = start().wait_ready()
        ask("stop", "web")
        assert host.run(["nft", "list", "tables"]).stdout == ""
        assert "portmux" not in host.run(["ip", "link"]).stdout
    assert manager.wait() == 0


def test_stop_gives_the_copies_their_time(start, ask, stand_in):
    """SIGTERM first; kill does not wait for it."""
    for number in (1, 2):
        stand_in.place(number, "behaviour", "ignore-signals")
    manager = start("--grace", "60").wait_ready()
    stop = manager.ask_later("stop", "web")
    for number in (1, 2):
        manager.out.wait_for(f"copy {number} . SIGTERM ignored")
    assert stop.running
    ask("kill", "web", deadline=AT_ONCE)
    assert stop.wait() == 0 and manager.wait() == 0


def test_a_run_can_be_stopped_before_it_is_ready(start, ask, stand_in):
    """Its copies do not listen yet."""
    stand_in.place(1, "behaviour", "never-listen")
    manager = start()
    manager.out.wait_for("copy 1 . started")
    assert [line["STATE"] for line in table(ask("ps").stdout)][0] == "starting"
    ask("stop", "web")
    assert manager.wait() == 0


def test_a_copy_that_is_killed_starts_again(host, start, ask):
    """As after any other SIGKILL, if the run says so; the others are not touched."""
    manager = start("--restart", "on-failure").wait_ready()
    first = host.get("http://127.0.0.1:8081/on").body
    ask("kill", "web", "2")
    manager.err.wait_for("copy 2: .*starting again in 0.1 s")
    wait_until(lambda: outcomes(host, [("127.0.0.1", 8082)]) == [OPEN], AT_ONCE, "copy 2 serves again")
    assert [line["RESTARTS"] for line in table(ask("ps").stdout)] == ["0", "1"]
    assert host.get("http://127.0.0.1:8081/on").body == first
    assert manager.stop() == 0


def test_a_copy_that_is_killed_can_be_the_last(start, ask, refusal):
    """Then the run is over, and has failed."""
    manager = start(copies=1).wait_ready()
    ask("kill", "web", "1")
    assert manager.wait() == 1
    assert refusal("kill", "web", "1") == "portmux: there is no run named web"


# ---- logs ----


def test_logs_shows_what_was_printed(host, start, ask):
    """As the run shows it: by all copies, by one, as events."""
    manager = start().wait_ready()
    for number, path in ((1, "a"), (2, "b"), (1, "c")):
        host.get(f"http://127.0.0.1:{8080 + number}/{path}")
        manager.out.wait_for(f"GET /{path}")
    lines = [line for line in manager.out.lines if line.startswith("copy") and " | " in line]
    assert ask("logs", "web").stdout.splitlines() == lines
    assert ask("logs", "web", "1").stdout.splitlines() == [f"copy 1 | {line}" for line in manager.said(1)]
    events = objects(ask("logs", "--json", "web", "2").stdout)
    assert [(event["event"], event["copy"], event["text"]) for event in events] == [
        ("output", 2, "started"),
        ("output", 2, "GET /b"),
    ]
    assert manager.stop() == 0


def test_logs_follows_until_the_end(host, start):
    """All that the run shows itself, also what is printed last, and nothing twice."""
    manager = start().wait_ready()
    host.get("http://127.0.0.1:8081/before")
    manager.out.wait_for("GET /before")
    follow = manager.ask_later("logs", "-f", "web")
    follow.out.wait_for("GET /before")
    for number in (1, 2):
        host.get(f"http://127.0.0.1:{8080 + number}/lines/500")
    wait_until(lambda: len(manager.said(1)) + len(manager.said(2)) > 1000, AT_ONCE, "all lines are there")
    assert manager.stop() == 0
    assert follow.wait() == 0 and follow.err.lines == []
    assert follow.out.lines == [line for line in manager.out.lines if " | " in line]


def test_logs_keeps_bytes_as_they_are(start, ask):
    """Also those that are no text."""
    script = "printf 'a\\377b\\000c \\303\\244\\n'; exec sleep 60"
    manager = start(serve=("--", "sh", "-c", script), copies=1)
    manager.out.wait_for("copy 1 . a")
    (event,) = objects(ask("logs", "web", "--json").stdout)
    assert event["base64"] == "Yf9iAGMgw6Q="
    ask("kill", "web")


def test_logs_of_a_copy_that_has_ended_are_there(start, ask, refusal):
    """They say why."""
    manager = start(serve=("--", "sh", "-c", "echo bye; test $COPY = 1 || exec sleep 60"))
    manager.err.wait_for("copy 1: exited with status 0")
    wait_until(lambda: len(objects(ask("ps", "--json").stdout)) == 1, GONE, "copy 1 is gone")
    assert ask("logs", "web", "1").stdout == "copy 1 | bye\n"
    assert refusal("logs", "web", "3") == "portmux: run web: there is no copy 3"
    assert manager.stop() == 0


def test_logs_keeps_the_last_lines_only(host, start, ask):
    """64 KiB of a copy, whatever it prints; those of the other copy stay."""
    manager = start().wait_ready()
    host.get("http://127.0.0.1:8081/lines/200000")
    manager.out.wait_for(" 199999 .* end$", 20.0)
    before = manager.memory()
    text = ask("logs", "web", "1").stdout
    assert 30 << 10 < len(text) <= 64 << 10
    assert re.search(r" 199999 .* end\n$", text)
    assert ask("logs", "web", "2").stdout == "copy 2 | started\n"
    assert SANITIZED or manager.memory() - before < 1 << 20
    assert manager.stop() == 0


# ---- What goes wrong ----


@pytest.mark.parametrize("name", ["ps", "stop", "kill", "logs"])
def test_a_run_that_is_not_there(start, ask, refusal, name):
    """Never, or no more: one clear line. Or it is no name at all."""
    manager = start().wait_ready()
    assert refusal(name, "wab") == "portmux: there is no run named wab"
    assert refusal(name, "../web") == "portmux: ../web: is no name of a run"
    manager.stop(signal.SIGKILL)
    assert refusal(name, "web") == "portmux: there is no run named web"
    wait_until(lambda: not manager.own_processes(), PATIENCE, "the guardian has ended")


def test_a_run_that_is_killed_while_it_is_asked(start):
    """The command ends, and says so."""
    manager = start().wait_ready()
    follow = manager.ask_later("logs", "-f", "web")
    follow.out.wait_for("started")
    manager.stop(signal.SIGKILL)
    assert follow.wait() == 1
    assert follow.err.lines == ["portmux: run web: has just ended"]
    wait_until(lambda: not manager.own_processes(), PATIENCE, "the guardian has ended")


def test_a_run_that_does_not_answer(start, refusal):
    """Its manager is stopped: the command does not wait for ever."""
    manager = start().wait_ready()
    manager.send(signal.SIGSTOP)
    assert refusal("ps", "web") == "portmux: run web: does not answer; is its manager stopped?"
    manager.send(signal.SIGCONT)
    assert manager.stop() == 0


def test_who_takes_a_name_is_not_asked_by_root(host, start, refusal):
    """In the abstract namespace everybody may take any name that is free."""
    manager = start()
    script = "import socket\ntaken = socket.socket(socket.AF_UNIX)\ntaken.bind('\\0portmux/api')\ntaken.listen()\n"
    script += "print('taken', flush=True)\ntaken.accept()[0].recv(1)\ntaken.accept()"
    holder = host.popen(["python3", "-c", script], user=PLAIN_USER)
    holder.out.wait_for("taken")
    said = "portmux: run api: belongs to the user with the id 1000, who alone may ask it"
    assert refusal("ps", "api") == said
    assert holder.running
    assert manager.wait_ready().stop() == 0


def test_a_name_that_nobody_serves(host, start, refusal):
    """Taken, and no more: a run may be about to begin or to end. Or it listens, and does not answer."""
    manager = start()
    taken = host.inside(lambda: socket.socket(socket.AF_UNIX))
    taken.bind("\0portmux/api")
    assert refusal("ps", "api") == "portmux: run api: takes no commands; does it just start or end?"
    taken.listen(0)
    assert refusal("ps", "api") == "portmux: run api: does not answer; is its manager stopped?"
    taken.close()
    assert manager.wait_ready().stop() == 0


@pytest.mark.parametrize(
    "arguments",
    [
        *(("kill", "web", "3"), ("kill", "web", "two"), ("kill",)),
        *(("stop",), ("stop", "a", "b"), ("logs",), ("ps", "--jason")),
    ],
)
def test_wrong_arguments_are_told(start, ask, arguments):
    """With exit code 2 where it is wrong in any case, 1 where it is wrong for this run."""
    manager = start().wait_ready()
    done = ask(*arguments, check=False)
    assert done.returncode == (1 if arguments[-1] == "3" else 2)
    assert done.stdout == "" and done.stderr
    assert manager.stop() == 0


@pytest.mark.parametrize("name", ["ps", "stop", "kill", "logs"])
def test_help_is_there(ask, start, name):
    """For each command."""
    manager = start()
    assert ask(name, "--help").stdout.startswith(f"usage: portmux {name} ")
    assert manager.wait_ready().stop() == 0
