# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults: what is left of a run that is killed, or that the kernel refuses something, at any point.

    inject.c       a tracer: a system call of a process of a run fails, or is its last
    listener.c     stands in for http_recorder.py, and is up at once
    tools.py       compiles these
    points.py      which faults there are
    kinds.py       kinds of lives: what else happens on the host meanwhile
    crossing.py    whether the host is a router, at any moment
    life.py        one life of the manager with faults in it: start, requests, Ctrl-C, comparison
    campaign.py    many lives, side by side
    soak.py        lives at random, with everything else that may happen to a run

FAULT_POINTS is how many points of each kind are tried, spread over the whole life; "all" is each one.
Of two faults in one life, and of faults in lives in which more happens, a sample is tried: FAULT_SEED
chooses it, and is printed.

One point can be looked at alone, for example the guardian's 17th call that can return EIO; so can two, the
second counted from the first on; and in a life of a kind of its own:

    cd tests && UVA_CONTAINER=../uva_container /usr/bin/python3 -m faults.life guardian EIO 17
    ... -m faults.life manager SIGKILL 300 guardian ENOMEM 5
    ... -m faults.life "an uplink is added" manager ENOMEM 5
    ... -m faults.life "as a plain user" "pasta for IPv4" SIGKILL 100
"""
