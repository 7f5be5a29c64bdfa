# SPDX-License-Identifier: GPL-2.0-or-later
"""portmux@.service: systemd understands it, and portmux works under what it says."""

import re
import shlex
import shutil
import signal
import socket
import subprocess

import pytest
from harness import TOP, USER

UNIT = TOP / "src/portmux@.service"
INSTANCE = "web"
# What the file /etc/portmux/web says.
CONFIGURATION = {"OPTIONS": f"-n 2 -p 8081+:8080 -u {USER} -e 'MOTTO=each alone'", "COMMAND": "./http_recorder.py"}
NOTIFIED = 10.0
# systemd.unit(5), systemd.service(5), systemd.exec(5), systemd.kill(5), systemd.resource-control(5)
KNOWN = {
    "Unit": {"Description", "Documentation", "Wants", "After"},
    "Service": {
        "Type", "EnvironmentFile", "WorkingDirectory", "StateDirectory", "ExecStart", "Restart",
        "RestartPreventExitStatus", "KillMode", "TimeoutStopSec", "Delegate", "NoNewPrivileges",
        "CapabilityBoundingSet",
    },
    "Install": {"WantedBy"},
}


def settings(text):
    """Return the settings of a unit: their values, by name, in the order of the file."""
    found = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", text.replace("\\\n", ""), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def expanded(command):
    """Return the words of a command line, as systemd makes them of it for the instance."""
    words = []
    for word in command.replace("%i", INSTANCE).split():
        words += shlex.split(CONFIGURATION[word[1:]]) if word.startswith("$") else [word]
    return words


def privileges(unit):
    """Return the command that takes from root what the unit takes."""
    lost = " ".join(line.removeprefix("~") for line in unit["CapabilityBoundingSet"]).split()
    bounding = ",".join(name.lower().replace("cap_", "-", 1) for name in lost)
    return ("setpriv", f"--bounding-set={bounding}", *(["--no-new-privs"] if "yes" in unit["NoNewPrivileges"] else []))


@pytest.mark.once
def test_systemd_understands_it(tmp_path):
    """No word of it is unknown, or in the wrong section. Where there is no systemd, this is taken from its manual."""
    text = UNIT.read_text().replace("@bindir@/portmux", "/bin/sh")
    sections = re.split(r"^\[(\w+)\]$", text, flags=re.MULTILINE)
    assert {name: set(settings(body)) for name, body in zip(sections[1::2], sections[2::2])} == KNOWN
    if shutil.which("systemd-analyze"):
        installed = tmp_path / f"portmux@{INSTANCE}.service"
        installed.write_text(text)
        verify = ["systemd-analyze", "verify", "--man=no", installed]
        done = subprocess.run(verify, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_copies_run_as_it_says(host, tmp_path):
    """In its directory, with its state, its privileges, and its way to tell that they are ready, and that they end."""
    unit = settings(UNIT.read_text())
    for directory in ("/srv", "/var/lib"):
        host.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", directory])
    (directory,) = (value.replace("%i", INSTANCE) for value in unit["WorkingDirectory"])
    project = host.project(directory)
    (state,) = (host.root(f"/var/lib/{value.replace('%i', INSTANCE)}") for value in unit["StateDirectory"])
    state.mkdir(parents=True)
    host.remember()

    program, command, *arguments = expanded(unit["ExecStart"][0])
    assert (program, command) == ("@bindir@/portmux", "run")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(NOTIFIED)
        run = host.start_portmux(
            project, *arguments, under=privileges(unit), env={"NOTIFY_SOCKET": tmp_path / "notify"}
        )
        while manager.recv(4096) != b"READY=1":
            pass
        for port in (8081, 8082):
            assert b"http_recorder.py" in host.get(f"http://127.0.0.1:{port}/").body
        assert (state / "2/tmp/http_recorder.log").exists()
        assert run.stop(signal.SIGTERM) == 0
        while not manager.recv(4096).startswith(b"STOPPING=1"):
            pass


def test_wrong_options_do_not_start_again(host, project):
    """Their exit status is the one that the unit takes for hopeless."""
    unit = settings(UNIT.read_text())
    run = host.start_portmux(project, "-n", "0", "--", "./http_recorder.py")
    assert unit["RestartPreventExitStatus"] == [str(run.wait())]
