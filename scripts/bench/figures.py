# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures: taken in turn, compared as ratios, printed as tables, kept as JSON.

Absolute times of a shared machine mean little. So the ways that are compared are measured in turn, A B A B, and what
counts is the ratio of their medians. Its spread is that of the ratios round by round: the middle half of them.
"""

import json
import platform
import statistics
import time
from pathlib import Path


class Table:
    """One thing that was measured, of several ways."""

    def __init__(self, name, title, unit, limit, wanted="less"):
        """name: in the JSON; limit: the way that the others are compared with; wanted: "less" or "more"."""
        self.name = name
        self.title = title
        self.unit = unit
        self.limit = limit
        self.wanted = wanted
        self.values = {}

    def add(self, way, value):
        """Add a round's value, or None if it has failed."""
        self.values.setdefault(way, []).append(value)

    def measured(self, way):
        """Return a way's values but for the failed ones."""
        return [value for value in self.values.get(way, []) if value is not None]

    def median(self, way):
        """Return a way's median, or None."""
        values = self.measured(way)
        return statistics.median(values) if values else None

    def quartiles(self, way):
        """Return the range of the middle half of a way's values."""
        return middle_half(self.measured(way))

    def ratio(self, way, limit=None):
        """Return the ratio of a way's median to the limit's, and the middle half of those of each round; or None."""
        own, other = self.values.get(way, []), self.values.get(limit or self.limit, [])
        rounds = [a / b for a, b in zip(own, other) if a is not None and b]
        if not rounds:
            return None
        return self.median(way) / self.median(limit or self.limit), *middle_half(rounds)

    def tell(self):
        """Print the table, in the form of Markdown's."""
        print(f"\n{self.title}; {self.unit}, {self.wanted} is better\n", flush=True)
        rows = [["way", "median", "middle half", f"ratio to {self.limit}", "middle half", "rounds"]]
        rows += [self._row(way) for way, values in self.values.items() if values]
        widths = [max(map(len, column)) for column in zip(*rows)]
        for index, row in enumerate(rows):
            cells = [
                text.ljust(width) if i == 0 else text.rjust(width) for i, (text, width) in enumerate(zip(row, widths))
            ]
            print(f"| {' | '.join(cells)} |")
            if index == 0:
                print(f"|{'|'.join('-' * (width + 1) + ('-' if i == 0 else ':') for i, width in enumerate(widths))}|")

    def _row(self, way):
        values, failed = self.measured(way), len(self.values[way]) - len(self.measured(way))
        if not values:
            return [way, "failed", "", "", "", str(len(self.values[way]))]
        ratio = self.ratio(way)
        compared = [f"{ratio[0]:.2f}", f"{ratio[1]:.2f} to {ratio[2]:.2f}"] if ratio else ["", ""]
        low, high = self.quartiles(way)
        rounds = f"{len(values)}" + (f", {failed} failed" if failed else "")
        return [way, number(self.median(way)), f"{number(low)} to {number(high)}", *compared, rounds]


def middle_half(values):
    """Return the first and the third quartile."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def number(value):
    """Return a number as text, with three digits that count."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


class Figures:
    """All that was measured: what is printed, and what is kept."""

    def __init__(self, rounds):
        """rounds: how often each is measured."""
        self.rounds = rounds
        self.tables = []
        self.left_out = {}
        self.facts = {}
        self.about = {"date": time.strftime("%-d %B %Y"), "kernel": platform.release(), "machine": machine()}

    def __str__(self):
        return f"{self.about['date']}, Linux {self.about['kernel']}, {self.about['machine']}"

    def leave_out(self, way, why):
        """Say that a way is not measured, and why."""
        if self.left_out.get(way) != why:
            self.left_out[way] = why
            print(f"{way} is left out: {why}", flush=True)

    def in_turn(self, tables, ways):
        """Measure all ways in turn.

        ways: by name, what returns values for the tables, in their order (None: failed; fewer: not measured), or None

        Which way is first changes from round to round: what a way leaves to do does not always concern the same one.
        """
        names = list(ways)
        for table in tables:
            table.values = {name: [] for name in names}
        for turn in range(self.rounds):
            first = turn % len(names)
            for name in names[first:] + names[:first]:
                for table, value in zip(tables, ways[name]() or [None] * len(tables)):
                    table.add(name, value)
        for table in tables:
            table.tell()
        self.tables += tables

    def table(self, name):
        """Return the table of that name, or None."""
        return next((table for table in self.tables if table.name == name), None)

    def has(self, name):
        """Whether that was measured, and the limit has a value."""
        table = self.table(name)
        return table is not None and table.median(table.limit) is not None

    def write(self, path):
        """Write everything as JSON: each value of each round."""
        tables = {
            table.name: {
                "title": table.title,
                "unit": table.unit,
                "wanted": table.wanted,
                "limit": table.limit,
                "values": table.values,
            }
            for table in self.tables
        }
        everything = {
            **self.about,
            "rounds": self.rounds,
            "left_out": self.left_out,
            "facts": self.facts,
            "tables": tables,
        }
        Path(path).write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")


def machine():
    """Return what the machine is, in a few words."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    models = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    memory = int(Path("/proc/meminfo").read_text(encoding="ascii").split()[1]) >> 20
    return f"{len(models) or 'some'} processors ({models[0] if models else platform.machine()}), {memory} GiB"
