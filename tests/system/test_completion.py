# SPDX-License-Identifier: GPL-2.0-or-later
"""What bash, zsh and fish propose for portmux, each by its own file in completions/."""

import os
import pty
import re
import resource
import select
import shlex
import subprocess
import time

import pytest
from harness import PORTMUX, TOP

pytestmark = pytest.mark.once

COMPLETIONS = TOP / "completions"
COMMANDS = re.findall(r'{"(\w+)", command_', (TOP / "src/portmux.c").read_text())
DEADLINE = 20.0
PATH = f"{PORTMUX.parent}:{os.environ['PATH']}"
PROMPT = "type here"

# The arguments are the words of the line, as bash cuts them.
BASH = """
source {completions}/portmux.bash
COMP_LINE=$1 COMP_POINT=${{#1}}
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_portmux portmux "${{COMP_WORDS[COMP_CWORD]}}"
((${{#COMPREPLY[@]}})) && printf '%s\\n' "${{COMPREPLY[@]}}"
true
"""
# An interactive one: what is proposed goes to a file, by a function before the builtin compadd.
ZSHRC = """
fpath=({completions} $fpath)
autoload -Uz compinit && compinit -u -D
unsetopt auto_list
bindkey '^I' complete-word
compadd() {{
    local -a hits
    if [[ ${{@[1,(i)(-|--)]}} != *-(O|A|D)\\ * ]]; then
        builtin compadd -A hits "$@"
        print -lr -- $hits >>$PROPOSED
    fi
    builtin compadd "$@"
}}
finish() {{ exit }}
zle -N finish && bindkey '^X' finish
PS1={prompt}
"""


def in_bash(line, directory):
    """Return what bash proposes; it replaces only what stands behind the last : or =."""
    words = re.findall(r"[:=]+|[^\s:=]+", line) + ([""] if line.endswith(" ") else [])
    script = BASH.format(completions=shlex.quote(str(COMPLETIONS)))
    return run(["bash", "--norc", "-c", script, "bash", line, *words], directory)


def in_fish(line, directory):
    """Return what fish proposes, without its descriptions and what the word began with."""
    script = f"source {COMPLETIONS}/portmux.fish; complete -C {shlex.quote(line)}"
    proposed = {word.split("\t")[0] for word in run(["fish", "--no-config", "-c", script], directory)}
    return {re.sub(r"^--\w+=", "", word) for word in proposed}


def run(argv, directory):
    """Run a shell; return the lines that it prints."""
    environment = {"PATH": PATH, "HOME": str(directory), "LANG": "C.UTF-8", "TERM": "dumb"}
    done = subprocess.run(
        argv, cwd=directory, env=environment, capture_output=True, text=True, check=True, timeout=DEADLINE
    )
    assert not done.stderr
    return set(done.stdout.splitlines())


def read_until(terminal, text):
    """Read what a shell writes on a terminal, until it has written text, or has ended."""
    deadline, seen = time.monotonic() + DEADLINE, ""
    while text is None or text not in seen:
        assert select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0], seen
        try:
            seen += os.read(terminal, 65536).decode()
        except OSError:  # nobody has the other end any more
            return


def in_zsh(line, directory):
    """Return what zsh proposes."""
    (directory / ".zshrc").write_text(ZSHRC.format(completions=shlex.quote(str(COMPLETIONS)), prompt=repr(PROMPT)))
    proposed = directory / ".proposed"
    proposed.write_text("")
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(directory)
        environment = {"PATH": PATH, "HOME": str(directory), "ZDOTDIR": str(directory), "TERM": "dumb"}
        os.execvpe("zsh", ["zsh", "-d", "-i"], {**environment, "PROPOSED": str(proposed)})
    try:
        read_until(terminal, PROMPT)
        os.write(terminal, f"{line}\t\x18".encode())
        read_until(terminal, None)
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)
    return {re.sub("=$", "", word) if word.startswith("-") else word for word in proposed.read_text().split("\n")} - {""}


SHELLS = {"bash": in_bash, "zsh": in_zsh, "fish": in_fish}


@pytest.fixture(params=SHELLS)
def shell(request, tmp_path):
    """What a shell proposes for a line, in a directory with one program and one directory."""
    (tmp_path / "place").mkdir()
    (tmp_path / "program").write_text("#!/bin/sh\n")
    (tmp_path / "program").chmod(0o755)
    return lambda line: SHELLS[request.param](line, tmp_path)


def limits():
    """Return the names that the program knows."""
    names = [name.removeprefix("RLIMIT_").lower() for name in dir(resource) if name.startswith("RLIMIT_")]
    names += ["locks"]  # which Python does not have
    return [name for name in names if _is_limit(name)]


def _is_limit(name):
    """Whether it is a name of a limit: `portmux run` says so where the command is missing, too."""
    argv = [PORTMUX, "run", "--ulimit", f"{name}=1"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return "--ulimit" not in done.stderr


def options():
    """Return the long and the short options that `portmux run --help` tells."""
    text = subprocess.run([PORTMUX, "run", "--help"], capture_output=True, text=True, check=True).stdout
    table = text.partition("\n\n")[2].partition("\n\n")[2]
    return set(re.findall(r"--[a-z-]+", table)), set(re.findall(r"(?<!\S)-[a-zA-Z]\b", table))


def test_each_shell_knows_every_option(shell):
    """And no other one."""
    long, short = options()
    assert len(long) == 25 and len(short) == 9
    assert {word for word in shell("portmux run --") if word.startswith("--")} == long
    assert {word for word in shell("portmux run -") if re.fullmatch("-[a-zA-Z]", word)} == short


@pytest.mark.parametrize(
    "line, proposed",
    [
        ("portmux ", set(COMMANDS)),
        ("portmux st", {"stop"}),
        ("portmux --", {"--inside", "--help", "--version"}),
        ("portmux run --balance ", {"round-robin", "random", "source"}),
        ("portmux run --drain ", set()),
        ("portmux run --files ", {"overlay", "shared", "private"}),
        ("portmux run --files=o", {"overlay"}),
        ("portmux run --restart ", {"no", "on-failure", "always"}),
        ("portmux run -q -n 2 --restart=o", {"on-failure"}),
        ("portmux run --health ", {"http:", "tcp", "exec:", "notify"}),
        ("portmux run --health=n", {"notify"}),
        ("portmux run --health-retries ", set()),
        ("portmux run --restart-unhealthy ./prog", {"program"}),
        ("portmux run -u roo", {"root"}),
        ("portmux run -n 2 --state pl", {"place"}),
        ("portmux run --workdir=pl", {"place"}),
        ("portmux run -n ", set()),
        ("portmux run -p ", set()),
        ("portmux run --name x -qn 2 ./prog", {"program"}),
        ("portmux run -p 8081+:8080 -- systemd-analy", {"systemd-analyze"}),
        ("portmux run -p 8081+:8080 ls --js", set()),
        ("portmux run -- ls --js", set()),
    ],
)
def test_what_is_proposed(shell, line, proposed):
    """Values of options; the command; no option of ours behind the command. Of a path, its last name counts."""
    assert {word.rstrip("/").rpartition("/")[2] for word in shell(line)} == proposed


def test_limits(shell):
    """Each name that --ulimit takes, and no other one."""
    assert {word.rstrip("=") for word in shell("portmux run --ulimit ")} == set(limits())


def test_each_shell_knows_the_options_of_each_command(shell):
    """And no other one."""
    for command in set(COMMANDS) - {"run"}:
        text = subprocess.run([PORTMUX, command, "--help"], capture_output=True, text=True, check=True).stdout
        told = " ".join(re.findall(r"^ +(?:-\w, )?--[\w-]+", text, re.MULTILINE)).replace(",", "").split()
        assert shell(f"portmux {command} -") == set(told), command


@pytest.fixture
def web(host, stand_in):
    """A run named web, of the copies 1 and 2."""
    places = ("--files", "private", "-d", "copies", "--name", "web", "-n", "2", "-p", "8081+:8080")
    manager = host.start_portmux(stand_in, *places, "--", "./http_recorder.py").wait_ready()
    yield manager
    assert manager.stop() == 0


@pytest.mark.host(lan=False)
def test_runs_and_copies(host, shell, web):  # pylint: disable=redefined-outer-name
    """Their names and numbers, where they are due; then a command of theirs."""
    none = set()
    expected = {
        "ps ": {"web"},
        "ps w": {"web"},
        "ps --json ": {"web"},
        "ps web ": none,
        "logs -f web ": {"1", "2"},
        "logs web 1 ": none,
        "scale --timeout ": none,
        "scale --timeout 9 ": {"web"},
        "scale web ": none,
        "restart --surge web ": {"1", "2"},
        "restart web 1 ": {"1", "2"},
        "restart web -- systemd-analy": {"systemd-analyze"},
        "restart web -- ls --js": none,
        "publish ": {"web"},
        "publish web ": none,
        "unpublish ": {"web"},
        "stop ": {"web"},
        "stop web ": none,
        "kill web ": {"1", "2"},
        "kill other ": none,
        "exec ": {"web"},
        "exec web ": {"1", "2"},
        "exec web 1 systemd-analy": {"systemd-analyze"},
        "exec web 1 ls --js": none,
    }
    found = host.inside(lambda: {line: shell(f"portmux {line}") for line in expected})
    # Where nothing else is due, zsh proposes options.
    assert {line: {word for word in words if word[0] != "-"} for line, words in found.items()} == expected
