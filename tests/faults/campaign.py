# SPDX-License-Identifier: GPL-2.0-or-later
"""Many lives, side by side: each worker is a process with a private host of its own."""

import concurrent.futures
import functools
import multiprocessing
import os
import random
import tempfile
from pathlib import Path

from . import tools
from .kinds import AS_EVER
from .life import Lab
from .points import ERRORS, KILL, Fault

DEFAULT_POINTS = 16
ALL_POINTS = 240  # of a sample, where "all" are wanted: these would be millions
SECONDS = 4  # second faults that are tried for each first one
UNDOING = ("manager", "guardian")  # the processes of a run that undo
REPORTED = 10  # failures that are told in full
PAST_THE_END = 2  # points in a row that no life reaches: there are no more
CHOICES = 5  # of a sample that no life reached: lives differ by some calls

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


@functools.cache
def seed():
    """Return what chooses a sample."""
    return os.environ.get("FAULT_SEED") or str(random.randrange(1 << 32))


def sample_wanted(part):
    """Return how many points of a sample to try, of which this is a part."""
    return max(1, (points_wanted() or ALL_POINTS) // part)


def _counters(*processes, actions=(KILL, *ERRORS)):
    return [Fault(process, action) for process in processes for action in actions]


def _choose(dice, counted, wanted):
    """Return points, chosen from those that a life has counted: each process, and each fault, as often as any other."""
    counts = {fault: calls for fault, calls in zip(counted.faults, counted.calls) if calls and not fault.at}
    if not counts:
        return []
    chosen = [dice.choice(list(counts)) for _ in range(wanted)]
    return [Fault(fault.process, fault.action, dice.randint(1, counts[fault])) for fault in chosen]


def _begin_worker(directory, compiled, program):
    global _lab  # pylint: disable=global-statement
    _lab = Lab(tempfile.mkdtemp(dir=directory), compiled=compiled, program=program)


def _live(faults, kind=AS_EVER):
    return _lab.live(faults, kind)


class Campaign:
    """Workers, and what they have tried."""

    def __init__(self, directory, program=None):
        """directory: for everything that the workers write; program: see Lab."""
        self.tried = 0
        directory = Path(directory)
        arguments = (directory, tools.compile_all(directory), program)
        self._workers = concurrent.futures.ProcessPoolExecutor(
            os.cpu_count(), multiprocessing.get_context("spawn"), _begin_worker, arguments
        )

    def close(self):
        """End the workers, and their hosts with them."""
        self._workers.shutdown(cancel_futures=True)

    def run(self, process, action, wanted, kind=AS_EVER):
        """Try points of one kind, as many as wanted (None: all); return how many, and the lives that failed."""
        (counted,) = self._live([[Fault(process, action)]], kind)
        if counted.problems():
            return 0, [counted]
        lives = self._live([[Fault(process, action, at)] for at in spread(counted.calls[0], wanted)], kind)
        if wanted is None:  # lives differ by some calls: up to the end of the longest
            while any(life.hit for life in lives[-PAST_THE_END:]):
                lives += self._live([[Fault(process, action, len(lives) + 1)]], kind)
        return self._judge(lives)

    def run_kind(self, kind, wanted, processes=UNDOING, actions=(KILL, *ERRORS)):
        """Try points in lives of a kind, as many as wanted: faults of the processes that undo, or of others."""
        dice = random.Random(f"{seed()} {kind} {processes}")
        (counted,) = self._live([_counters(*processes, actions=actions)], kind)
        if counted.problems():
            return 0, [counted]
        return self._judge(self._reach(lambda: [[fault] for fault in _choose(dice, counted, wanted)], kind))

    def run_pairs(self, process, wanted):
        """Try pairs of points, as many as wanted: the first of a process, the second of one that undoes."""
        dice = random.Random(f"{seed()} {process}")
        (counted,) = self._live([_counters(process)])
        if counted.problems():
            return 0, [counted]
        with_one = []

        def choose():
            firsts = _choose(dice, counted, max(1, wanted // SECONDS))
            lives = self._live([[first, *_counters(*UNDOING)] for first in firsts])
            with_one.extend(lives)
            return [[first, second] for first, life in zip(firsts, lives) for second in _choose(dice, life, SECONDS)]

        return self._judge(self._reach(choose), with_one)

    def _reach(self, choose, kind=AS_EVER):
        lives = []
        for _ in range(CHOICES):
            lives += self._live(choose(), kind)
            if any(life.hit for life in lives):
                break
        return lives

    def _live(self, faults, kind=AS_EVER):
        return list(self._workers.map(_live, faults, [kind] * len(faults)))

    def _judge(self, lives, counted=()):
        tried = sum(1 for life in lives if life.hit)
        self.tried += tried
        return tried, [life for life in (*counted, *lives) if life.problems()]


def failures(lives):
    """Return the report of the lives that failed."""
    text = [f"FAULT_SEED={seed()}: {len(lives)} points failed", *(life.report() for life in lives[:REPORTED])]
    text += [life.describe() for life in lives[REPORTED:]]
    return "\n\n".join(text)
