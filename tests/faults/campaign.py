# SPDX-License-Identifier: GPL-2.0-or-later
"""Many lives, side by side: each worker is a process with a private host of its own."""

import concurrent.futures
import multiprocessing
import os
import tempfile
from pathlib import Path

from . import tools
from .life import Lab
from .points import Fault

DEFAULT_POINTS = 16
REPORTED = 10  # failures that are told in full
PAST_THE_END = 2  # points in a row that no life reaches: there are no more

_lab = None  # a worker's own


def points_wanted():
    """Return how many points of each kind to try; None for all of them."""
    text = os.environ.get("FAULT_POINTS") or str(DEFAULT_POINTS)
    return None if text == "all" else int(text)


def spread(count, wanted):
    """Return numbers from 1 to count, wanted of them (or all, if wanted is None), evenly spread."""
    if wanted is None or wanted >= count:
        return list(range(1, count + 1))
    return sorted({1 + round(index * (count - 1) / max(1, wanted - 1)) for index in range(wanted)})


def _begin_worker(directory, inject, listener, program):
    global _lab  # pylint: disable=global-statement
    _lab = Lab(tempfile.mkdtemp(dir=directory), inject=inject, listener=listener, program=program)


def _live(fault):
    return _lab.live(fault)


class Campaign:
    """Workers, and what they have tried."""

    def __init__(self, directory, program=None):
        """directory: for everything that the workers write; program: see Lab."""
        self.tried = 0
        directory = Path(directory)
        arguments = (directory, tools.compile_inject(directory), tools.compile_listener(directory), program)
        self._workers = concurrent.futures.ProcessPoolExecutor(
            os.cpu_count(), multiprocessing.get_context("spawn"), _begin_worker, arguments
        )

    def close(self):
        """End the workers, and their hosts with them."""
        self._workers.shutdown(cancel_futures=True)

    def run(self, process, action, wanted):
        """Try points of one kind, as many as wanted (None: all); return how many, and the lives that failed."""
        counted = self._workers.submit(_live, Fault(process, action)).result()
        if counted.problems():
            return 0, [counted]
        lives = list(self._workers.map(_live, [Fault(process, action, at) for at in spread(counted.calls, wanted)]))
        if wanted is None:  # lives differ by some calls: up to the end of the longest
            while any(life.hit for life in lives[-PAST_THE_END:]):
                lives.append(self._workers.submit(_live, Fault(process, action, len(lives) + 1)).result())
        tried = sum(1 for life in lives if life.hit)
        self.tried += tried
        return tried, [life for life in lives if life.problems()]


def failures(lives):
    """Return the report of the lives that failed."""
    text = [f"{len(lives)} points failed", *(life.report() for life in lives[:REPORTED])]
    text += [life.fault.describe(life.hit) for life in lives[REPORTED:]]
    return "\n\n".join(text)
