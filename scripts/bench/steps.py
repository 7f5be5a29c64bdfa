# SPDX-License-Identifier: GPL-2.0-or-later
"""What the milliseconds are: the manager's own part of a start and a stop, the sandbox's; what the kernel is asked."""

import calls
from figures import Table
from lives import FLOOR, HERE, OURS, PORTS, PROGRAM, Place, floor_command

from harness import build_one_thread, compile_c
from harness.front_door import build_with_engine

BARE = "bare pair of a C program"
WITHOUT, WITH = "in new namespaces", "with the sandbox"


def measure(figures, directory):
    """Measure all of it."""
    server = build_one_thread(directory)
    compile_c(HERE / "life.c", directory)
    floor = floor_command(directory, len(PORTS))
    places = {way: Place(directory) for way in (BARE, FLOOR, OURS)}
    # One of the pair has to listen elsewhere; copies need not.
    bare = [["env", f"PORT={port}", PROGRAM] for port in PORTS]
    try:
        for place in places.values():
            place.project.install(server)
        start = Table("own_start", "Start of two copies of a C program until both ports answer", "ms", BARE)
        stop = Table("own_stop", "Ctrl-C until all is gone, of a C program", "ms", BARE)
        commands = {BARE: bare, FLOOR: [floor], OURS: [["./uva_container"]]}
        ways = {way: lambda way=way: places[way].live(PORTS, commands[way]) for way in places}
        figures.in_turn([start, stop], ways)
        measure_sandbox(figures, places[OURS], directory)
    finally:
        for place in places.values():
            place.close()
    for table in (start, stop):
        bare, least, own = (table.median(way) for way in (BARE, FLOOR, OURS))
        figures.facts[table.name] = own - bare
        more = f"{own - bare:.1f} ms more than the bare pair, where the least is {least - bare:.1f}"
        print(f"{table.title}: {more}", flush=True)
    rows = calls.count_calls(directory)
    figures.facts["calls"] = rows
    calls.tell(rows)


def measure_sandbox(figures, place, directory):
    """Measure what mounts, identity and filter add to a process in new namespaces, from its start to its end."""
    program = build_with_engine(HERE / "sandbox.c", directory)
    for name in ("files", "tmp"):
        place.project.there(f"copies/1/{name}").mkdir(parents=True, exist_ok=True)
    rounds = [place.host.run([program, place.project.path, "100"]).stdout.split() for _ in range(figures.rounds)]
    table = Table("sandbox", "A process, from its start to its end", "us", WITHOUT)
    table.values = {way: [float(values[i]) for values in rounds] for i, way in enumerate((WITHOUT, WITH))}
    figures.tables.append(table)
    table.tell()
