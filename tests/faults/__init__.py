# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults: what is left of a run that is killed, or that the kernel refuses something, at any point.

    inject.c       a tracer: one system call of one process of a run fails, or is its last
    listener.c     stands in for http_recorder.py, and is up at once
    tools.py       compiles these
    points.py      which faults there are
    life.py        one life of the manager with one fault in it: start, requests, Ctrl-C, comparison
    campaign.py    many lives, side by side
    soak.py        lives at random, with everything else that may happen to a run

FAULT_POINTS is how many points of each kind are tried, spread over the whole life; "all" is each one.
One point can be looked at alone, for example the guardian's 17th call that can return EIO:

    cd tests && UVA_CONTAINER=../uva_container /usr/bin/python3 -m faults.life guardian EIO 17
"""
