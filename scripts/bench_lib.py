# SPDX-License-Identifier: GPL-2.0-or-later
"""What the benchmarks share: the tests' harness in the path, medians and ranges."""

import statistics
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests"))


def spread(values, form="{:.1f}"):
    """Return the range of values as text, each in that form."""
    return f"{form.format(min(values))} to {form.format(max(values))}"


def line(what, values, unit):
    """Print a median and its range, if there is any value."""
    if values:
        print(f"{what:52} {statistics.median(values):9.1f} {unit}   ({spread(values)})", flush=True)
    else:
        print(f"{what:52} none: all have failed", flush=True)
