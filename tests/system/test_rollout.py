# SPDX-License-Identifier: GPL-2.0-or-later
"""portmux scale and restart: copies come, go and start again while others serve."""

import os
import re
import signal
import socket

import pytest
from harness import bridge_netfilter, control_socket, wait_until
from keepers import AT_ONCE, DONE, KEEPER, NAME, PORT, Service, Visits, connect_to, greet, greetings, hold_port

pytestmark = pytest.mark.host(sysctls=bridge_netfilter(0))

USAGE = 2
OWN_PORTS = ("8081+:8080",)
PATIENCE = 3  # seconds until a copy is ready: a program in Python takes one where other tests run beside it
GONE = ["copy 8: gone", "copy 7: gone", "copy 6: gone", "copy 5: gone", "copy 4: gone", "copy 3: gone"]


def lives(service, count=2, port=PORT):
    """Return the greeting of each of so many copies, by a shared port."""
    found = greetings(service.host, 8 * count, port)
    assert set(found) == set(range(1, count + 1)), found
    return found


def own(service, count, first=8081):
    """Return the greeting of each of so many copies, by ports of their own."""
    found = {number: greet(service.host, first + number - 1) for number in range(1, count + 1)}
    assert all(number == greeting.copy for number, greeting in found.items()), found
    return found


def words(service, count=2):
    """Return the first argument that each copy has."""
    return [greeting.word for _, greeting in sorted(lives(service, count).items())]


def steps(lines):
    """Return what a command has printed of its steps, as pairs of a copy and what has become of it."""
    return [(int(match[1]), match[2]) for match in (re.fullmatch(r"copy (\d+): (.*)", line) for line in lines)]


def turns(service, last):
    """Return what copies have printed until a copy's last turn, in its order: the number of the copy, and the word.

    last: that copy, the word and how often it has said it; a command may be done before its lines are read
    """
    number, word, times = last
    wait_until(lambda: service.manager.said(number).count(word) == times, AT_ONCE, service.manager.transcript)
    found = [re.match(r"copy (\d+) \| (\w+)", line) for line in service.manager.out.lines]
    return [(int(match[1]), match[2]) for match in found if match]


# ---- Scale ----


def test_up_and_down_again(serve):
    """Each new copy gets connections when the command returns; the last ones go; those that stay are the same."""
    service = serve()
    before = lives(service)
    service.ask("scale", 8)
    assert list(service.states().values()) == ["ready"] * 8
    assert {number: lives(service, 8)[number] for number in (1, 2)} == before
    assert sorted(service.ask("scale", 2)) == sorted(GONE)
    assert lives(service) == before
    assert [service.said(number, 2) for number in range(3, 9)] == [["listens", "SIGTERM 0"]] * 6
    assert service.manager.err.lines == []
    service.stop()


def test_a_copy_that_comes_again_finds_its_files(serve, project):
    """It has the number, the directory and the name of the one that went."""
    service = serve()
    service.ask("scale", 3)
    project.place(3, "mine", "kept")
    first = lives(service, 3)[3]
    service.ask("scale", 2)
    service.ask("scale", 4)
    assert lives(service, 4)[3].life != first.life
    assert (project.files(3) / "mine").read_text() == "kept"
    assert not (project.files(4) / "mine").exists()
    service.stop()


def test_the_lowest_number_comes_first(serve):
    """A copy that has ended for good leaves its number to the next one."""
    service = serve(copies=3)
    service.ask("kill", 2)
    wait_until(lambda: set(service.copies()) == {1, 3}, AT_ONCE, "copy 2 has gone")
    service.ask("scale", 3)
    assert set(lives(service, 3)) == {1, 2, 3}
    service.stop()


def test_ports_of_their_own(host, serve):
    """Each new copy has the next one; who goes gives it up, and it is had again."""
    service = serve(publish=OWN_PORTS)
    service.ask("scale", 4)
    before = own(service, 4)
    service.ask("scale", 2)
    for port in (8083, 8084):
        host.listen("0.0.0.0", port).close()
    service.ask("scale", 4)
    after = own(service, 4)
    assert [before[number] == after[number] for number in (1, 2, 3, 4)] == [True, True, False, False]
    service.stop()


def test_a_range_that_is_too_short(host, serve):
    """It is refused, and nothing has changed: no copy, no port."""
    service = serve(publish=("8080:8080", "8081-8084:8080"))
    before = lives(service)
    assert service.refusal("scale", 8) == f"portmux: run {NAME}: 8081-8084:8080: no host port for copy 5"
    assert service.states() == {1: "ready", 2: "ready"}
    for port in (8083, 8084):
        host.listen("0.0.0.0", port).close()
    assert lives(service) == before
    assert service.manager.said(3) == []
    service.ask("scale", 4)
    assert set(own(service, 4)) == {1, 2, 3, 4}
    service.stop()


def test_a_port_that_another_program_holds(host, serve):
    """It is named, and nothing has changed; when it is free, the same is done."""
    service = serve(publish=OWN_PORTS)
    before = own(service, 2)
    with hold_port(host, 8085) as holder:
        line = service.refusal("scale", 8)
        assert line == f"portmux: run {NAME}: TCP port 8085 is in use by {holder}: stop that program first"
    assert service.states() == {1: "ready", 2: "ready"}
    for port in (8083, 8084):
        host.listen("0.0.0.0", port).close()
    service.ask("scale", 8)
    after = own(service, 8)
    assert {number: after[number] for number in (1, 2)} == before
    service.stop()


def test_free_ports_are_for_the_copies_of_the_start(serve):
    """More copies would have none: that is refused. Fewer, and as many again, are possible."""
    service = serve(publish=(":8080",), copies=2)
    ports = {number: copy["mappings"] for number, copy in service.copies().items()}
    assert "free host ports were chosen for 2 copies" in service.refusal("scale", 3)
    service.ask("scale", 1)
    service.ask("scale", 2)
    assert {number: copy["mappings"] for number, copy in service.copies().items()} == ports
    service.stop()


def test_as_many_as_there_are(serve):
    """Nothing happens, and that is a success."""
    service = serve()
    before = lives(service)
    assert service.ask("scale", 2) == []
    assert lives(service) == before
    service.stop()


@pytest.mark.parametrize("count", ["0", "1024", "1.5", "many", ""])
def test_a_number_that_cannot_be(serve, count):
    """It is refused before the run is asked; by the run, too."""
    service = serve(copies=1)
    assert service.refusal("scale", count, code=USAGE) == f"portmux: {count}: a number of copies, from 1 to 1023"
    service.stop()


def test_more_than_the_private_network_has_addresses(serve):
    """It was chosen for two copies. It is refused, and nothing has changed."""
    service = serve()
    before = lives(service)
    line = service.refusal("scale", 1000)
    assert "address" in line, line
    assert service.states() == {1: "ready", 2: "ready"}
    assert lives(service) == before
    service.stop()


@pytest.mark.parametrize("other", [("scale", 4), ("scale", 1), ("restart",)], ids=lambda other: other[0])
def test_one_change_at_a_time(host, serve, other):
    """A second one is refused; the first goes on."""
    service = serve()
    with connect_to(host, 2):
        scale = service.begin("scale", 1)
        service.manager.err.wait_for("copy 2: gets no new connections", AT_ONCE)
        assert service.refusal(*other) == f"portmux: run {NAME}: another change of the copies is under way"
    assert scale.wait(AT_ONCE) == 0
    assert set(service.copies()) == {1}
    service.ask("scale", 3)
    assert set(lives(service, 3)) == {1, 2, 3}
    service.stop()


def test_a_copy_that_is_not_ready_in_time(serve, project):
    """The command fails and says which; the copy stays, and gets connections when it is ready."""
    project.place(1, "door", "")
    service = serve(copies=1, argument="late")
    line = service.refusal("scale", "--timeout", PATIENCE, 2)
    assert line == f"portmux: run {NAME}: copy 2 is not ready after {PATIENCE} s"
    assert service.copies()[2]["state"] in ("starting", "not ready")
    project.place(2, "door", "")
    wait_until(lambda: service.states()[2] == "ready", AT_ONCE, "copy 2 is ready")
    assert set(lives(service)) == {1, 2}
    service.stop()


def test_a_copy_that_ends_while_it_is_waited_for(serve, project):
    """The command fails at once, and says which."""
    service = serve(copies=1)
    program = project.there("http_recorder.py")
    program.write_text("#!/bin/sh\nexit 3\n")
    assert service.refusal("scale", 2) == f"portmux: run {NAME}: copy 2 has ended"
    assert service.states() == {1: "ready"}
    service.stop()


# ---- Restart ----


def test_all_one_after_the_other(serve):
    """In their order; the next one's turn comes when the one before is ready again."""
    service = serve(copies=3)
    before = lives(service, 3)
    told = steps(service.ask("restart"))
    expected = [(number, state) for number in (1, 2, 3) for state in ("gets no new connections", "ready")]
    assert told == expected
    expected = [(number, word) for number in (1, 2, 3) for word in ("SIGTERM", "listens")]
    assert turns(service, (3, "listens", 2))[3:] == expected
    after = lives(service, 3)
    assert all(before[number].life != after[number].life for number in (1, 2, 3))
    assert [copy["restarts"] for copy in service.copies().values()] == [1, 1, 1]
    assert service.manager.err.lines == []
    service.stop()


def test_some_in_the_order_that_is_asked_for(serve):
    """The others are left alone."""
    service = serve(copies=4)
    before = lives(service, 4)
    service.ask("restart", 4, 2)
    assert turns(service, (2, "listens", 2))[4:] == [(4, "SIGTERM"), (4, "listens"), (2, "SIGTERM"), (2, "listens")]
    after = lives(service, 4)
    assert [before[number] == after[number] for number in (1, 2, 3, 4)] == [True, False, True, False]
    service.stop()


def test_nobody_is_refused_meanwhile(host, serve):
    """A client that connects all the time, and a connection that is kept: each is answered."""
    service = serve(copies=2)
    visits = Visits(host)
    for _ in range(3):
        service.ask("restart")
    assert visits.finish() == []
    assert visits.count > 100
    service.stop()


@pytest.mark.parametrize("arguments", [("7",), ("1", "7"), ("1023",)])
def test_a_copy_that_is_not_there(serve, arguments):
    """It is refused, before anything is done."""
    service = serve()
    before = lives(service)
    assert service.refusal("restart", *arguments) == f"portmux: run {NAME}: there is no copy {arguments[-1]}"
    assert lives(service) == before
    service.stop()


def test_copies_that_have_not_started_yet(host, project):
    """Of many, the last ones may still wait for their turn to start: each of them is ready in the end."""
    project.install(KEEPER)
    service = Service(host, project, copies=40)
    control = f"@portmux/{NAME}"
    wait_until(lambda: control in host.run(["cat", "/proc/net/unix"]).stdout, AT_ONCE, "it can be asked")
    wait_until(lambda: len(service.copies()) == 40, AT_ONCE, "it has its copies")
    assert steps(service.ask("restart", 40, 39))[-1] == (39, "ready")
    service.wait_ready()
    service.stop()


def test_a_copy_that_waits_to_start_again(serve, project):
    """Its delay is over at once."""
    service = serve("--restart", "always", copies=2)
    for delay in ("0.1", "0.2", "0.4", "0.8", "1.6", "3.2"):
        os.kill(service.manager.copy_process(2), signal.SIGKILL)
        service.manager.err.wait_for(rf"starting again in {re.escape(delay)} s", AT_ONCE)
        if delay != "3.2":
            wait_until(lambda: service.states()[2] == "ready", AT_ONCE, "copy 2 is ready")
    service.ask("restart", "--timeout", PATIENCE, 2)
    assert service.states()[2] == "ready"
    service.stop()


def test_a_copy_that_is_not_ready_again_in_time(serve, project):
    """The command fails and says which; the next ones are left alone, and that one serves when it is ready."""
    for number in (1, 2):
        project.place(number, "door", "")
    service = serve(argument="late")
    before = lives(service)
    (project.files(1) / "door").unlink()
    line = service.refusal("restart", "--timeout", PATIENCE)
    assert line == f"portmux: run {NAME}: copy 1 is not ready after {PATIENCE} s"
    assert greetings(service.host) == {2: before[2]}
    project.place(1, "door", "")
    wait_until(lambda: service.states()[1] == "ready", AT_ONCE, "copy 1 is ready")
    assert lives(service)[2] == before[2]
    service.stop()


# ---- A new command ----


def test_a_new_command_is_kept(serve):
    """All start it, also those that come later, that start again by themselves, or by the next restart."""
    service = serve("--restart", "always", argument="old")
    assert words(service) == ["old", "old"]
    service.ask("restart", "--", "./http_recorder.py", "new")
    assert words(service) == ["new", "new"]
    service.ask("restart")
    assert words(service) == ["new", "new"]
    os.kill(service.manager.copy_process(1), signal.SIGKILL)
    service.manager.err.wait_for("copy 1: .*starting again", AT_ONCE)
    wait_until(lambda: service.states() == {1: "ready", 2: "ready"}, AT_ONCE, "both are ready")
    service.ask("scale", 3)
    assert words(service, 3) == ["new", "new", "new"]
    service.ask("restart", "--", "./http_recorder.py", "newer")
    assert words(service, 3) == ["newer", "newer", "newer"]
    service.stop()


def test_a_new_command_for_some_is_that_of_the_run(serve):
    """The others have it from their next start on."""
    service = serve(argument="old")
    service.ask("restart", 2, "--", "./http_recorder.py", "new")
    assert words(service) == ["old", "new"]
    service.ask("restart", 1)
    assert words(service) == ["new", "new"]
    service.stop()


def test_a_command_that_is_not_there(serve, project):
    """It is refused before anything is done."""
    service = serve(argument="old")
    before = lives(service)
    line = service.refusal("restart", "--", "./no-such-program")
    assert line == f"portmux: run {NAME}: {project.path}/./no-such-program: No such file or directory"
    assert lives(service) == before
    service.stop()


@pytest.mark.parametrize("lives_of", [lives, own], ids=["shared", "own"])
@pytest.mark.parametrize(
    "restart, word, why",
    [
        ("no", "never", f"copy 1 is not ready after {PATIENCE} s"),
        ("no", "exit", "copy 1 has ended"),
        ("always", "exit", f"copy 1 is not ready after {PATIENCE} s"),
    ],
)
def test_a_new_command_that_is_not_ready_is_rolled_back(serve, lives_of, restart, word, why):
    """The command fails and says why; all copies are there, with the command of before, also from then on."""
    service = serve("--restart", restart, publish=(f"{PORT}:8080", *OWN_PORTS), copies=3, argument="old")
    line = service.refusal("restart", "--timeout", PATIENCE, "--", "./http_recorder.py", word)
    assert line == f"portmux: run {NAME}: {why}"
    assert service.states() == dict.fromkeys((1, 2, 3), "ready")
    assert {greeting.word for greeting in lives_of(service, 3).values()} == {"old"}
    service.ask("restart")
    assert {greeting.word for greeting in lives_of(service, 3).values()} == {"old"}
    service.stop()


@pytest.mark.parametrize("word, why", [("never", f"is not ready after {PATIENCE} s"), ("exit", "has ended")])
def test_a_single_copy_with_a_port_of_its_own_goes_back(serve, word, why):
    """Nothing can stand in for it: it is away for a while. The run goes on, and so does the copy of before."""
    service = serve(publish=OWN_PORTS, copies=1, argument="old")
    line = service.refusal("restart", "--timeout", PATIENCE, "--", "./http_recorder.py", word)
    assert line == f"portmux: run {NAME}: copy 1 {why}"
    assert service.states() == {1: "ready"}
    assert own(service, 1)[1].word == "old"
    service.stop()


def test_all_that_have_the_new_command_go_back(host, serve, project):
    """Not only the one that was not ready with it, and one at a time; one that had not its turn is left alone."""
    service = serve(copies=4, argument="old")
    before = lives(service, 4)
    for number in (1, 2):
        project.place(number, "door", "")
    visits = Visits(host)
    line = service.refusal("restart", "--timeout", PATIENCE, "--", "./http_recorder.py", "late")
    assert visits.finish() == []
    assert line == f"portmux: run {NAME}: copy 3 is not ready after {PATIENCE} s"
    after = lives(service, 4)
    assert words(service, 4) == ["old"] * 4
    assert after[4] == before[4]
    assert [copy for copy, word in turns(service, (1, "listens", 3)) if word == "SIGTERM"] == [1, 2, 3, 2, 1]
    assert [after[number].life != before[number].life for number in (1, 2, 3)] == [True, True, True]
    service.stop()


# ---- A new copy stands in ----


@pytest.mark.parametrize("options, copies", [(("--surge",), 2), (("--surge",), 1), ((), 1)])
def test_a_new_copy_stands_in(host, serve, options, copies):
    """It is ready before the first one goes, and goes when the last one is ready: nobody is refused."""
    service = serve(copies=copies)
    before = lives(service, copies)
    visits = Visits(host)
    told = steps(service.ask("restart", *options))
    assert visits.finish() == [] and visits.count > 20
    extra = copies + 1
    expected = [(extra, "starts"), (extra, "ready")]
    expected += [(number, state) for number in range(1, copies + 1) for state in ("gets no new connections", "ready")]
    assert told == [*expected, (extra, "gets no new connections"), (extra, "gone")]
    after = lives(service, copies)
    assert all(before[number].life != after[number].life for number in before)
    service.stop()


@pytest.mark.parametrize("word", ["never", "exit"])
def test_a_new_copy_that_is_not_ready(host, serve, word):
    """The old one has not been touched."""
    service = serve(copies=1, argument="old")
    before = lives(service, 1)
    visits = Visits(host)
    line = service.refusal("restart", "--timeout", PATIENCE, "--", "./http_recorder.py", word)
    assert visits.finish() == []
    why = f"(copy 2 is not ready after {PATIENCE} s|the new copy has ended)"
    assert re.fullmatch(f"portmux: run {NAME}: {why}", line), line
    wait_until(lambda: set(service.copies()) == {1}, AT_ONCE, "the new copy has gone")
    assert lives(service, 1) == before
    service.stop()


def test_ports_of_their_own_cannot_be_stood_in_for(serve):
    """It is refused, and nothing has changed."""
    service = serve(publish=OWN_PORTS)
    before = own(service, 2)
    line = service.refusal("restart", "--surge")
    assert line == f"portmux: run {NAME}: a new copy cannot stand in for one that has ports of its own"
    assert own(service, 2) == before
    service.stop()


# ---- What else happens meanwhile ----


@pytest.mark.parametrize("verb", ["scale", "restart"])
def test_it_goes_on_without_the_client(host, serve, verb):
    """Who has asked is killed in the middle; it is done to its end."""
    service = serve(copies=3)
    before = lives(service, 3)
    with connect_to(host, 3 if verb == "scale" else 1):
        change = service.begin(*((verb, 1) if verb == "scale" else (verb,)))
        service.manager.err.wait_for("gets no new connections; waiting", AT_ONCE)
        change.send(signal.SIGKILL)
        change.wait()
    if verb == "scale":
        wait_until(lambda: set(service.copies()) == {1}, AT_ONCE, "one copy is left")
    else:
        wait_until(lambda: [copy["restarts"] for copy in service.copies().values()] == [1, 1, 1], DONE, "all restarted")
        wait_until(lambda: set(service.states().values()) == {"ready"}, AT_ONCE, "all are ready")
        assert all(before[number].life != greeting.life for number, greeting in lives(service, 3).items())
    service.ask("scale", 2)
    service.stop()


def test_a_copy_that_ends_before_its_turn(host, serve):
    """Without --restart it has gone for good: the command fails and says so; the others are ready."""
    service = serve(copies=3)
    with connect_to(host, 1):
        restart = service.begin("restart")
        service.manager.err.wait_for("copy 1: gets no new connections; waiting", AT_ONCE)
        service.ask("kill", 2)
        service.manager.err.wait_for("copy 2: ", AT_ONCE)
    assert restart.wait(AT_ONCE) == 1
    assert restart.err.lines == [f"portmux: run {NAME}: copy 2 has ended"]
    assert service.states() == {1: "ready", 3: "ready"}
    service.stop()


def test_a_copy_that_starts_again_by_itself_before_its_turn(host, serve):
    """It is restarted in its turn all the same."""
    service = serve("--restart", "always", copies=2)
    with connect_to(host, 1):
        restart = service.begin("restart")
        service.manager.err.wait_for("copy 1: gets no new connections; waiting", AT_ONCE)
        service.ask("kill", 2)
        service.manager.err.wait_for("copy 2: .*starting again", AT_ONCE)
    assert restart.wait(AT_ONCE) == 0
    assert service.states() == {1: "ready", 2: "ready"}
    service.stop()


@pytest.mark.parametrize("arguments, killed, why", [((), 1, "copy 1 has ended"), (("--surge",), 3, "the new copy has ended")])
def test_a_copy_that_is_killed_in_its_turn(serve, project, arguments, killed, why):
    """Before it is ready: the command fails and says so. A copy of the run starts again, all the same."""
    for number in (1, 2):
        project.place(number, "door", "")
    service = serve(argument="late")
    for number in (1, 2):
        (project.files(number) / "door").unlink()
    restart = service.begin("restart", *arguments)
    wait_until(lambda: service.states().get(killed) == "starting", AT_ONCE, "it starts")
    service.ask("kill", killed)
    assert restart.wait(AT_ONCE) == 1
    assert restart.err.lines == [f"portmux: run {NAME}: {why}"]
    project.place(1, "door", "")
    wait_until(lambda: service.states() == {1: "ready", 2: "ready"}, AT_ONCE, "both are ready, and there is no other")
    service.stop()


CHANGES = {"scale up": ("scale", 3), "restart": ("restart",), "surge": ("restart", "--surge")}


@pytest.fixture(params=CHANGES.values(), ids=CHANGES)
def amid(request, serve, project):
    """A run, and a command that waits for a copy which is not ready."""
    for number in (1, 2):
        project.place(number, "door", "")
    service = serve(argument="late")
    for number in (1, 2):
        (project.files(number) / "door").unlink()
    change = service.begin(*request.param)
    wait_until(lambda: "starting" in service.states().values(), AT_ONCE, "a copy starts")
    return service, change


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_run_is_stopped_meanwhile(amid, number):
    """It ends at once, as ever, and the command fails and says so."""
    service, change = amid
    assert service.manager.stop(number, AT_ONCE) == 0
    assert change.wait(AT_ONCE) == 1
    assert change.err.lines == [f"portmux: run {NAME}: the run has ended"]


def test_the_manager_is_killed_meanwhile(host, amid):
    """Nothing is left, which the host fixture compares; the command fails and says so."""
    service, change = amid
    assert service.manager.stop(signal.SIGKILL) == -signal.SIGKILL
    wait_until(lambda: not service.manager.own_processes(), AT_ONCE, "all have ended")
    assert change.wait(AT_ONCE) == 1
    (line,) = change.err.lines
    assert line.startswith(f"portmux: run {NAME}: "), line
    assert host.refuses("127.0.0.1", PORT)


# ---- Requests of others ----


def test_requests_that_are_no_command_of_ours(host, serve):
    """Each is refused by a line that says what is wrong; nothing has changed."""
    service = serve()
    before = lives(service)
    wrong = {
        '{"command":"scale"}': "0 copies: from 1 to 1023 are possible",
        '{"command":"scale","copies":0}': "0 copies: from 1 to 1023 are possible",
        '{"command":"scale","copies":1024}': "1024 copies: from 1 to 1023 are possible",
        '{"command":"scale","copies":"two"}': "copies: is no number, or one that is too large",
        '{"command":"scale","copies":3,"timeout":0}': "timeout: from 1 to 3600 seconds",
        '{"command":"restart","copies":7}': "copies: is no list of the numbers of copies",
        '{"command":"restart","copies":["a"]}': "there is no copy 0",
        '{"command":"restart","copies":[-1]}': "there is no copy 0",
        '{"command":"restart","argv":[]}': "argv: is no list of texts",
        '{"command":"restart","argv":[1]}': "argv: is no list of texts",
        '{"command":"restart","argv":"ls"}': "argv: is no list of texts",
        '{"command":"restart","timeout":99999}': "timeout: from 1 to 3600 seconds",
    }
    for request, answer in wrong.items():
        with control_socket(host, NAME) as client:
            client.sendall(f"{request}\n".encode())
            client.shutdown(socket.SHUT_WR)
            assert client.makefile().read() == f'{{"error":"{answer}"}}\n', request
    assert lives(service) == before
    service.stop()
