# SPDX-License-Identifier: GPL-2.0-or-later
"""What a copy costs among 1, 10, 100 and 1,000: time, memory, the way to it; and among 1, 10 and 50 of the peers'.

How much of the time is the kernel's shows what makes the same namespaces, links and rules, and no more.
"""

import shutil
import statistics
from pathlib import Path

from containers import ENGINES
from figures import Table
from lives import FLOOR, PORTS, Life, Place, calm_down, floor_command, used_time
from ways import HTTP, LOCALHOST, OURS, Way, new

from harness import build_load, build_one_thread, compile_c
from harness.portmux import PORTMUX

COPIES = (1, 10, 100, 1000)
PEER_COPIES = (1, 10, 50)
SHARED, FIRST = 8000, 9001  # on a host
MANAGER, GUARDIAN, INIT = "portmux", "uva_guardian", "uva_init"
NOT_ITS_OWN = ("http_recorder.p", "life")  # the program, by the 15 characters that a name has, and what starts it all


class Run:
    """A number of copies of one way, which starts, is measured, and stops."""

    def __init__(self, place, ports, commands, load=None):
        """load: the client of new connections; None: nothing but the times is measured."""
        self.place = place
        self.ports = ports
        self.commands = commands
        self.load = load

    def measure(self, seconds):
        """Return ms of start and stop, of processor time for the start, KiB of all but the program.

        And of portmux its own memory and rates.
        """
        life = Life(self.place.host, self.place.life, self.ports, self.commands, self.place.project.path)
        try:
            found = self._look_around(seconds) if life.start is not None else []
        finally:
            stop = life.stop()
        return [life.start, stop, *found]

    def _look_around(self, seconds):
        used_ms = 1000 * used_time(self.place.host)
        calm_down(self.place.host)
        rates = self._measure_rates(seconds) if self.load else []  # meanwhile, inits give memory back
        found = [used_ms, weigh(self.place.host, lambda name: name not in NOT_ITS_OWN, sum)]
        return found + self._weigh_own() + rates if self.load else found

    def _measure_rates(self, seconds):
        """Return new connections/s to the last copy, and by the shared port."""
        ways = [Way(self.place.host, LOCALHOST, port, name=f"port {port}") for port in (self.ports[-1], SHARED)]
        rates = [new(way, self.load, seconds) for way in ways]
        return [rate and rate[0] for rate in rates]

    def _weigh_own(self):
        """Return KiB of manager, guardian and an init."""
        return [weigh(self.place.host, name.__eq__, statistics.mean) for name in (MANAGER, GUARDIAN, INIT)]


def weigh(host, is_meant, together):
    """Return the memory of some processes, in KiB; what they share with others is divided (PSS).

    is_meant: by a process's name; together: makes one number of all.
    """
    found = []
    for process in host.process_directories():
        try:
            if is_meant((process / "comm").read_text(encoding="ascii").strip()):
                text = (process / "smaps_rollup").read_text(encoding="ascii")
                found += [int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")]
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
    return together(found) if found else None


def runs_of_portmux(directory, most):
    """Yield a Run for each number of copies."""
    load = build_load(directory)
    for copies in (number for number in COPIES if number <= most):
        place = Place(directory)
        place.project.install(Path(directory, "one_thread"))
        shutil.copy(PORTMUX, place.project.there(""))
        ports = range(FIRST, FIRST + copies)
        published = ["-p", f"{FIRST}+:{HTTP}", "-p", f"{SHARED}:{HTTP}"]
        command = ["./portmux", "run", "-n", copies, *published, "-d", "/home/state", "./http_recorder.py"]
        yield copies, Run(place, ports, [command], load)


def runs_of_floor(directory, most):
    """Yield the same of what only the kernel does."""
    for copies in (number for number in COPIES if number <= most):
        place = Place(directory)
        place.project.install(Path(directory, "one_thread"))
        yield copies, Run(place, range(PORTS[0], PORTS[0] + copies), [floor_command(directory, copies)])


def runs_of_engine(kind, directory, most):
    """Yield the same of an engine: a command for each copy."""
    for copies in (number for number in PEER_COPIES if number <= most):
        place = Place(directory)
        place.project.install(Path(directory, "one_thread"))
        place.engine = kind(place.host, place.project, directory)
        ports = range(FIRST, FIRST + copies)
        yield copies, Run(
            place, ports, [place.engine.start_copy([f"{port}:{HTTP}"], ["./http_recorder.py"]) for port in ports]
        )


def measure(figures, directory, seconds, with_peers, most):
    """Measure all of them in turn. most: no more copies than that."""
    compile_c(Path(__file__).with_name("life.c"), directory)
    build_one_thread(directory)
    runs = [(OURS, copies, run) for copies, run in runs_of_portmux(directory, most)]
    runs += [(FLOOR, copies, run) for copies, run in runs_of_floor(directory, most)]
    for kind in ENGINES if with_peers else ():
        if kind.why_not():
            figures.leave_out(kind.name, kind.why_not())
        else:
            runs += [(kind.name, copies, run) for copies, run in runs_of_engine(kind, directory, most)]
    try:
        limit = name_of(OURS, COPIES[0])
        tables = [
            Table("scale_start", "Start until all ports answer", "ms", limit),
            Table("scale_stop", "Ctrl-C until all is gone", "ms", limit),
            Table("scale_work", "Processor time of a start, with the programs' and the client's own", "ms", limit),
            Table("scale_memory", "Memory of all but the program itself (PSS)", "KiB", limit),
            Table("scale_manager", "Memory of the manager (PSS)", "KiB", limit),
            Table("scale_guardian", "Memory of the guardian (PSS)", "KiB", limit),
            Table("scale_init", "Memory of an init (PSS)", "KiB", limit),
            Table("scale_last", "New connections to the last copy, from localhost", "1/s", limit, "more"),
            Table("scale_shared", "New connections by a shared port, from localhost", "1/s", limit, "more"),
        ]
        figures.in_turn(
            tables, {name_of(way, copies): lambda run=run: run.measure(seconds) for way, copies, run in runs}
        )
    finally:
        for *_, run in runs:
            run.place.close()
    for table in tables[:3]:
        tell_each(figures, table)


def name_of(way, copies):
    """Return the name of a way with a number of copies."""
    return f"{way}, {copies}"


def tell_each(figures, table):
    """Print what one more copy costs, from each number of copies to the next one."""
    costs = {}
    for way in dict.fromkeys(name.rpartition(", ")[0] for name in table.values):
        numbers = [int(name.rpartition(", ")[2]) for name in table.values if name.rpartition(", ")[0] == way]
        medians = [table.median(name_of(way, number)) for number in numbers]
        for i in range(1, len(numbers)):
            if None not in medians[i - 1 : i + 1]:
                each = (medians[i] - medians[i - 1]) / (numbers[i] - numbers[i - 1])
                costs[f"{way}, {numbers[i - 1]} to {numbers[i]}"] = each
    figures.facts[f"{table.name}_each"] = costs
    for name, each in costs.items():
        print(f"{table.title}, {name} copies: {each:.2f} ms for each", flush=True)
