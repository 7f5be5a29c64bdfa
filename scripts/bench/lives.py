# SPDX-License-Identifier: GPL-2.0-or-later
"""How long two copies take to start and to stop, and what they leave behind, beside what people would use instead."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from containers import ENGINES
from figures import Table

from harness import PLAIN_USER, bridge_netfilter, compile_c, wait_until
from harness.front_door import build_with_engine
from harness.host import Host
from harness.node import ENVIRONMENT
from harness.snapshot import Snapshot

HERE = Path(__file__).parent
PORTS = (8081, 8082)
PROGRAM = "./http_recorder.py"
BARE, OURS, WITHOUT_ROOT, BY_HAND = "bare pair", "uva_container", "uva_container, without root", "ip and nft by hand"
FLOOR = "namespaces, links and rules alone"  # floor.c
STEPS = 70.0  # seconds for a start or a stop: life.c waits for a minute
PAUSE, CALM = 0.02, 0.1  # seconds; the part of a processor's time that an idle host uses less of
SETTLED = 20.0
# What is counted, by the snapshot's sections.
LEFT = {
    "links": "links",
    "rules": "nftables",
    "sysctls": "sysctls",
    "routes": "routes",
    "processes": "processes",
    "mounts": "mounts",
}


class Life:
    """One start and one stop, timed by life.c."""

    def __init__(self, host, program, ports, commands, cwd):
        """Start the commands, and wait until all ports answer; start: the milliseconds, or None if they have not."""
        argv = [program, *ports]
        for command in commands:
            argv += ["--", *command]
        options = {"env": ENVIRONMENT, "cwd": str(cwd), "start_new_session": True}
        self._errors = tempfile.TemporaryFile()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._errors}
        self._process = host.inside(lambda: subprocess.Popen([str(part) for part in argv], **pipes, **options))
        self.start = self._read()

    def _read(self):
        line = self._process.stdout.readline()
        return float(line) if line else None

    def stop(self):
        """Press Ctrl-C; return the milliseconds until all has ended, or None."""
        self._process.stdin.close()
        took = self._read()
        status = self._process.wait(STEPS)
        self._process.stdout.close()
        self._errors.seek(0)
        if status:
            print(self._errors.read().decode("utf-8", "replace"), flush=True)
        self._errors.close()
        return took


class Place:
    """A private host with a project on a file system of its own in memory, so that a disk's time is not measured."""

    def __init__(self, directory, *, own_dev=False, user=None):
        """directory: where the programs are built."""
        # Where br_netfilter is part of the kernel, it is on at first, though no engine has asked for it.
        sysctls = bridge_netfilter(0) if Path("/proc/sys/net/bridge").exists() else {}
        self.host = Host(own_dev=own_dev, sysctls=sysctls)
        for path in ("/home", "/tmp"):
            self.host.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", path])
        self.project = self.host.home(user, "bench") if user else self.host.project("/home/bench")
        self.life = Path(directory, "life")
        self.before = Snapshot.of(self.host)
        self.engine = None

    def live(self, ports, commands):
        """Live once: return the milliseconds of the start and of the stop."""
        life = Life(self.host, self.life, ports, commands, self.project.path)
        try:
            calm_down(self.host)
        finally:
            stop = life.stop()
        return life.start, stop

    def left(self):
        """End the engine, if there is one; return how much of each kind is on the host that was not there before."""
        if self.engine:
            self.engine.end()
            self.engine = None
        after = Snapshot.of(self.host)
        there = {line.partition(" = ")[0] for line in self.before["sysctls"]}
        counts = {}
        for what, section in LEFT.items():
            new = set(after[section]) - set(self.before[section])
            # A link that is left brings two hundred sysctls of its own: those are not counted.
            counts[what] = sum(section != "sysctls" or line.partition(" = ")[0] in there for line in new)
        return counts

    def close(self):
        """End the host; of an engine that still runs, only the control groups would stay."""
        if self.engine:
            self.host.run(["kill", "-KILL", *(path.name for path in self.host.process_directories())], check=False)
            self.engine.tidy()
        self.host.close()


def calm_down(host):
    """Wait until what follows a start is done: the host's processes use hardly any processor time."""

    def is_calm():
        begin, before = time.monotonic(), used_time(host)
        time.sleep(PAUSE)
        return used_time(host) - before < CALM * (time.monotonic() - begin)

    wait_until(is_calm, SETTLED, "the host is idle")


def used_time(host):
    """Return the seconds of processor time that the host's processes, those that live, have used."""
    return sum(map(_time, host.process_directories()))


def _time(process):
    """Return the seconds that a process has run, to the nanosecond: most run for less than a clock tick."""
    try:
        return int((process / "schedstat").read_text(encoding="ascii").split()[0]) / 1e9
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return 0


def bare_pair(project):
    """Return the commands of two programs without any isolation: one needs to listen elsewhere for that."""
    commands = []
    for port in PORTS:
        path = project.there(f"{port}.py")
        path.write_text(project.there("http_recorder.py").read_text().replace("8080", str(port)))
        path.chmod(0o755)
        commands.append([f"./{port}.py"])
    return commands


def floor_command(directory, copies):
    """Build the least that a start can be, with the engine, unless it is there; return its command.

    The host ports are as many from the first of PORTS on.
    """
    program = Path(directory, "floor")
    if not program.exists():
        build_with_engine(HERE / "floor.c", directory)
    return [program, copies, PROGRAM]


def places(figures, directory, with_peers):
    """Yield each way's name, place and commands."""
    compile_c(HERE / "life.c", directory)
    floor = floor_command(directory, len(PORTS))
    for way, command in ((BARE, None), (FLOOR, floor), (OURS, ["./uva_container"]), (BY_HAND, ["./by_hand"])):
        place = Place(directory)
        shutil.copy(HERE / "by_hand", place.project.there(""))
        yield way, place, [command] if command else bare_pair(place.project)
    if shutil.which("pasta"):
        become = ["setpriv", f"--reuid={PLAIN_USER}", f"--regid={PLAIN_USER}", "--clear-groups"]
        yield WITHOUT_ROOT, Place(directory, own_dev=True, user=PLAIN_USER), [[*become, "./uva_container"]]
    else:
        figures.leave_out(WITHOUT_ROOT, "pasta is not installed")
    for kind in ENGINES if with_peers else ():
        if kind.why_not():
            figures.leave_out(kind.name, kind.why_not())
            continue
        place = Place(directory)
        place.engine = kind(place.host, place.project, directory)
        yield kind.name, place, [place.engine.start_copy([f"{port}:8080"], [PROGRAM]) for port in PORTS]


def measure(figures, directory, with_peers):
    """Measure all of them in turn, then count what is left."""
    start = Table("start", "Start of two copies of http_recorder.py until both ports answer", "ms", BARE)
    stop = Table("stop", "Ctrl-C until all is gone", "ms", BARE)
    all_places = {}
    try:
        ways = {}
        for way, place, commands in places(figures, directory, with_peers):
            all_places[way] = place
            ways[way] = lambda place=place, commands=commands: place.live(PORTS, commands)
        figures.in_turn([start, stop], ways)
        left = {way: place.left() for way, place in all_places.items()}
    finally:
        for place in all_places.values():
            place.close()
    figures.facts["left"] = left
    tell_added(figures, start)
    tell_left(left)


def tell_added(figures, start):
    """Print what each way adds to the bare pair's start, and how much more than uva_container that is."""
    added = {way: start.median(way) - start.median(BARE) for way in start.values if start.median(way) and way != BARE}
    figures.facts["added_to_start_ms"] = added
    ours = added.get(OURS, 0)
    for way, value in added.items():
        times = f", {value / ours:.1f} times as much as {OURS}" if ours > 0 and way != OURS else ""
        print(f"{way} adds {value:.1f} ms{times}")


def tell_left(left):
    """Print what is left on each host after all starts and stops, with an engine's daemon ended, too."""
    print("\nLeft on the host after all that, by count\n")
    print(f"| way | {' | '.join(LEFT)} |\n|-{'|-' * len(LEFT)}|")
    for way, counts in left.items():
        print(f"| {way} | {' | '.join(map(str, counts.values()))} |", flush=True)
