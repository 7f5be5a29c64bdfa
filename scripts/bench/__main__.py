# SPDX-License-Identifier: GPL-2.0-or-later
"""Measure uva_container and portmux side by side with what people would use instead.

Started as root, by `make bench`, on private hosts. Prints tables; writes bench.json, with each value of each round, and
plots. Nothing is asserted. Peers that are installed are measured, too (scripts/bench-peers installs them).
"""

import argparse
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests"), str(TOP / "tests/engines")]

# These need what is in the path only now.
import lives  # noqa: E402
import plots  # noqa: E402
import scale  # noqa: E402
import steps  # noqa: E402
import ways  # noqa: E402
from figures import Figures  # noqa: E402

PARTS = ("lives", "steps", "ways", "scale")


def parse():
    """Return what was asked for."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "parts", metavar="PART", nargs="*", help=f"what is measured, of {', '.join(PARTS)}; all by default"
    )
    parser.add_argument("--rounds", type=int, default=10, help="how often each is measured (10)")
    parser.add_argument(
        "--seconds",
        type=float,
        default=0.2,
        help="how long each measurement of a rate takes (0.2); half of that where it begins at once",
    )
    parser.add_argument("--copies", type=int, help="how many at most (1000, without peers 100)")
    parser.add_argument("--no-peers", action="store_true", help="leave out Podman, Docker and socat")
    parser.add_argument(
        "--output", type=Path, default=TOP / "build/bench", help="directory of JSON and plots (build/bench)"
    )
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"{unknown.pop()} is not among the parts: {', '.join(PARTS)}")
    return options


def main():
    """Measure what was asked for."""
    options = parse()
    parts = options.parts or PARTS
    copies = options.copies or (100 if options.no_peers else 1000)  # so that it takes less than five minutes
    figures = Figures(options.rounds)
    print(f"{figures}; {options.rounds} rounds in turn")
    with_peers = not options.no_peers
    # Not below /tmp: the hosts have one of their own.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        if "lives" in parts:
            lives.measure(figures, directory, with_peers)
        if "steps" in parts:
            steps.measure(figures, directory)
        if "ways" in parts:
            ways.measure(figures, directory, options.seconds, with_peers)
        if "scale" in parts:
            scale.measure(figures, directory, options.seconds, with_peers, copies)
    options.output.mkdir(parents=True, exist_ok=True)
    figures.write(options.output / "bench.json")
    plots.draw_all(figures, options.output)
    print(f"\n{options.output}: bench.json, and the plots")


if __name__ == "__main__":
    main()
