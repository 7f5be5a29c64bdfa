# SPDX-License-Identifier: GPL-2.0-or-later
"""Run a function inside other namespaces.

Linux keeps namespaces per thread. So a thread enters them, does the work and ends; the rest of the
test run stays where it is. A socket keeps the network namespace in which it was made, and a child
process the namespaces of the thread that started it: both can be used from any thread afterwards.
"""

import ctypes
import os
import threading

CLONE_FS = 0x00000200
CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result):
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def unshare(flags):
    """Give the calling thread namespaces of its own."""
    _check(_libc.unshare(flags))


def enter(descriptor, flags):
    """Move the calling thread into those namespaces of descriptor (a pidfd or nsfs file) that flags name."""
    if flags & CLONE_NEWNS:
        unshare(CLONE_FS)  # a thread that shares its root directory cannot leave it
    _check(_libc.setns(descriptor, flags))


def in_thread(function):
    """Call function in a thread of its own; return what it returns, raise what it raises."""
    result = []
    failure = []

    def body():
        try:
            result.append(function())
        except BaseException as error:  # pylint: disable=broad-except
            failure.append(error)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return result[0]
