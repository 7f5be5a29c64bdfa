# SPDX-License-Identifier: GPL-2.0-or-later
"""Run a function inside other namespaces.

Linux keeps namespaces per thread. So a thread enters them, does the work and ends; the rest of the
test run stays where it is. A socket keeps the network namespace in which it was made, and a child
process the namespaces of the thread that started it: both can be used from any thread afterwards.
"""

import ctypes
import fcntl
import os
import socket
import struct
import threading

CLONE_FS = 0x00000200
CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_BIND = 0x1000
MS_MOVE = 0x2000
MS_REC = 0x4000
MS_PRIVATE = 0x40000

SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)


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


def mount(source, target, kind=None, flags=0, data=None):
    """Mount as mount(2) does, in the calling thread's namespace; kind and data may be left out."""
    _check(_libc.mount(*(text and text.encode() for text in (source, target, kind)), flags, data and data.encode()))


def start_loopback():
    """Bring up lo in the calling thread's network namespace (netdevice(7))."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


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
