# SPDX-License-Identifier: GPL-2.0-or-later
"""Wait for what offers no event of its own. Where there is an event, wait for that instead."""

import threading
import time


def wait_until(condition, deadline, what, interval=0.01):
    """Return condition()'s first true value; fail after deadline seconds, saying what was awaited."""
    __tracebackhide__ = True
    end = time.monotonic() + deadline
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise AssertionError(f"not within {deadline} s: {what() if callable(what) else what}")
        pause.wait(interval)
