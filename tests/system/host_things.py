# SPDX-License-Identifier: GPL-2.0-or-later
"""What lies about on a host that its copies shall not reach, laid out before they start.

All of it is open to everybody: what keeps a copy away is the sandbox, never the mode of a file.
"""

import os
import shutil
import socket
import stat

# Unix sockets on which the host listens; @: abstract, bound to the network namespace.
SOCKETS = (
    "/run/of-the-host.socket",
    "/tmp/of-the-host.socket",
    "/var/tmp/of-the-host.socket",
    "/dev/shm/of-the-host.socket",
    "@of-the-host",
)

# Files in the places of which a copy has its own.
FILES = ("/run/of-the-host", "/tmp/of-the-host", "/var/tmp/of-the-host", "/dev/shm/of-the-host")

DEVICE = "/srv/chroot/dev/full"  # as a chroot has them
OPEN_DIRECTORIES = ("/srv/open", "/home/open", "/srv/mounted")
SETUID = "/srv/setuid-id"  # prints who it runs as; set-user-id of another user
CAPABLE = "/srv/capable-grep"  # grep, with file capabilities
OTHER_USER = 12345
MEMORY_KEY = 0x0C0FFEE  # of a System V shared memory segment


def lay(host):
    """Lay it all out."""
    _mount(host)
    _make_files(host)
    _make_programs(host)
    host.open_sockets = [_listen(host, path) for path in SOCKETS]
    host.run([
        "python3",
        "-c",
        f"import ctypes; assert ctypes.CDLL(None).shmget({MEMORY_KEY}, 4096, 0o1666) >= 0",
    ])


def _mount(host):
    host.run(["mkdir", "/srv/mounted"])
    host.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/srv/mounted"])


def _make_files(host):
    for path in FILES:
        host.root(path).write_text("of the host")
        host.root(path).chmod(0o666)
    for path in OPEN_DIRECTORIES:
        host.root(path).mkdir(exist_ok=True)
        host.root(path).chmod(0o777)
        (host.root(path) / "existing").write_text("of the host")
        (host.root(path) / "existing").chmod(0o666)
    device = host.root(DEVICE)
    device.parent.mkdir(parents=True)
    os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 7))
    device.chmod(0o666)


def _make_programs(host):
    shutil.copy("/usr/bin/id", host.root(SETUID))
    os.chown(host.root(SETUID), OTHER_USER, OTHER_USER)
    host.root(SETUID).chmod(0o6755)
    shutil.copy("/usr/bin/grep", host.root(CAPABLE))
    host.run(["setcap", "cap_chown,cap_net_raw=ep", CAPABLE])


def _listen(host, address):
    def make():
        listener = socket.socket(socket.AF_UNIX)
        listener.bind("\0" + address[1:] if address.startswith("@") else address)
        listener.listen()
        return listener

    listener = host.inside(make)
    if not address.startswith("@"):
        host.root(address).chmod(0o666)
    return listener
