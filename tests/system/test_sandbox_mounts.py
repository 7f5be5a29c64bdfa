# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks of the host: what is unmounted there is unmounted in the copies; what is mounted later never comes to them.

And a program that is started with chroot(8): its copies see the chroot, and nothing outside is busy.
"""

import contextlib
import os

import pytest
from conftest import PROBE
from harness import USER, Inside, install_probe, make_chroot, wait_until

COPIES = (1, 2)
AT_ONCE = 1.0
DISK = "/srv/a disk"
MIB = 1 << 20
CHROOT = "/srv/root"


@pytest.fixture(params=["private", "shared"])
def host(host, request):
    """A host whose mounts propagate, as systemd has them, or do not, with a /srv of its own."""
    host.run(["mount", "-t", "tmpfs", "tmpfs", "/srv"])
    host.run(["mount", f"--make-r{request.param}", "/"])
    host.remember()
    return host


@pytest.fixture
def device(host, tmp_path):
    """A block device with a file system, on which is one file, open to everybody."""
    image = tmp_path / "image"
    image.touch()
    os.truncate(image, 4 * MIB)
    host.run(["mke2fs", "-q", "-t", "ext2", image])
    name = host.run(["losetup", "--find", "--show", image]).stdout.strip()
    mount(host, name, "/srv/first")
    (host.root("/srv/first") / "file").write_text("of the disk")
    host.root("/srv/first").chmod(0o777)
    host.run(["umount", "/srv/first"])
    yield name
    host.run(["losetup", "--detach", name])


def remember_mounts(host):
    """Take the host's mounts now, while the program runs, for what they have to be afterwards."""
    host.before["mounts"] = sorted(host.root("/proc/1/mountinfo").read_text().splitlines())


def mount(host, device, path):
    """Mount a device on the host."""
    host.root(path).mkdir(parents=True, exist_ok=True)
    host.run(["mount", device, path])
    remember_mounts(host)


def unmount(host, path, *options):
    """Unmount a device on the host."""
    host.run(["umount", *options, path])
    remember_mounts(host)


def is_free(device):
    """Whether no file system is on a device any more, for anybody."""
    with contextlib.suppress(OSError):
        os.close(os.open(device, os.O_RDWR | os.O_EXCL))
        return True
    return False


@pytest.fixture(params=["a directory", "a mount point"])
def chroot(host, request):
    """A root directory below the host's; the options to start the program there."""
    host.root(CHROOT).mkdir()
    if request.param == "a mount point":
        host.run(["mount", "-t", "tmpfs", "tmpfs", CHROOT])
    return make_chroot(host, CHROOT)


def start(host, project, **options):
    """Start; return both copies."""
    host.start_manager(project, **options).wait_ready()
    return [Inside(host, number) for number in COPIES]


def mounted(copy):
    """Return where something is mounted in a copy."""
    lines = copy.get("read", "/proc/self/mountinfo").splitlines()
    return [line.split()[4].replace("\\040", " ") for line in lines]


@pytest.mark.parametrize("options", [[], ["--lazy"]], ids=["at once", "lazily"])
def test_an_unmount_takes_effect_in_the_copies(host, probes, device, options):
    """The file is gone there, and the device free: its data is written back."""
    mount(host, device, DISK)
    copies = start(host, probes)
    for copy in copies:
        assert copy.get("read", f"{DISK}/file") == "of the disk"
        assert copy.refusal("create", f"{DISK}/new") == "EROFS"
    unmount(host, DISK, *options)
    wait_until(lambda: is_free(device), AT_ONCE, "the device is free")
    for copy in copies:
        assert copy.get("names", DISK) == []
        assert DISK not in mounted(copy)


def test_so_does_one_of_disks_on_disks(host, probes, device):
    """All that is below goes with it."""
    mount(host, device, DISK)
    for number in range(20):
        mount(host, device, f"{DISK}/{number}")
        mount(host, device, f"{DISK}/{number}/file-{number}")
    copies = start(host, probes)
    for copy in copies:
        assert copy.get("read", f"{DISK}/19/file-19/file") == "of the disk"
    unmount(host, DISK, "--recursive")
    wait_until(lambda: is_free(device), AT_ONCE, "the device is free")
    for copy in copies:
        assert not [path for path in mounted(copy) if path.startswith("/srv/")]


def test_a_copy_that_uses_the_disk_keeps_what_it_has_open(host, probes, device):
    """As after umount --lazy: it reads on, and nothing new; with its end the device is free."""
    mount(host, device, DISK)
    copy, other = start(host, probes)
    copy.get("keep_open", f"{DISK}/file", program=True)
    unmount(host, DISK)
    wait_until(lambda: DISK not in mounted(copy) + mounted(other), AT_ONCE, "it is unmounted")
    assert copy.get("read_kept", program=True) == "of the disk"
    assert not is_free(device)
    copy.refusal("leave", 0, program=True)
    wait_until(lambda: is_free(device), AT_ONCE, "the device is free")


@pytest.mark.parametrize("place", ["/run/media/user/disk", "/tmp/disk", "/dev/shm/disk"])
def test_a_disk_in_a_private_place_is_in_no_copy(host, device, place):
    """Nobody there could see it: it is not busy for a moment."""
    for path in ("/tmp", "/dev/shm"):
        host.run(["mount", "-t", "tmpfs", "tmpfs", path])
    host.root(place).mkdir(parents=True)
    host.remember()
    mount(host, device, place)
    copies = start(host, install_probe(host.project("/srv/project"), PROBE))
    for copy in copies:
        assert place not in mounted(copy)
    unmount(host, place)
    assert is_free(device)


def assert_unseen(copies, path):
    """What is mounted there on the host cannot be seen in the copies, let alone written."""
    for copy in copies:
        assert "file" not in copy.get("names", path)
        assert copy.refusal("create", f"{path}/new") == "EROFS"
        assert copy.refusal("look", f"{path}/file") == "ENOENT"


@pytest.mark.parametrize("caller", [None, USER], ids=["root", "nobody"])
def test_a_disk_that_is_mounted_later_never_appears(host, probes, device, caller):
    """Neither at a new place, nor where another one was, nor over what is there."""
    host.root("/srv/new").mkdir()
    host.root("/srv/over").mkdir()
    host.run(["mount", "-t", "tmpfs", "tmpfs", "/srv/over"])
    mount(host, device, DISK)
    copies = start(host, probes, sudo=caller)
    mount(host, device, "/srv/new")
    mount(host, device, "/srv/over")
    for path in ("/srv/new", "/srv/over"):
        assert_unseen(copies, path)
    host.run(["sh", "-ec", f"umount '{DISK}'; mount {device} '{DISK}'"])
    remember_mounts(host)
    wait_until(lambda: not any(DISK in mounted(copy) for copy in copies), AT_ONCE, "it is unmounted")
    assert_unseen(copies, DISK)
    for path in ("/srv/new", "/srv/over", DISK):
        unmount(host, path)
    wait_until(lambda: is_free(device), AT_ONCE, "the device is free")
    for copy in copies:  # what was mounted over it has gone, and it has not
        assert "/srv/over" in mounted(copy)


def test_what_is_mounted_and_unmounted_meanwhile(host, probes, device):
    """A host that mounts and unmounts all the time: the copies follow what concerns them, and go on."""
    mount(host, device, DISK)
    copies = start(host, probes)
    host.run(["sh", "-ec", """
        mkdir -p /srv/busy
        for _ in $(seq 100); do mount -t tmpfs tmpfs /srv/busy; umount /srv/busy; done
    """])
    assert [copy.get("read", f"{DISK}/file") for copy in copies] == ["of the disk"] * 2
    unmount(host, DISK)
    wait_until(lambda: is_free(device), AT_ONCE, "the device is free")


def test_in_a_chroot_the_copies_see_that_chroot(host, chroot):
    """The program's / is theirs, whatever else is in the mount namespace. What they are given is there, too."""
    project = install_probe(host.project(f"{CHROOT}/project"), PROBE)
    (host.root(CHROOT) / "mark").write_text("of the chroot")
    copies = start(host, project, **chroot)
    for copy in copies:
        assert copy.get("read", "/mark") == "of the chroot"
        assert copy.get("names", "/") == sorted(os.listdir(host.root(CHROOT)))
        assert copy.refusal("create", "/new") == "EROFS"
        copy.get("make", "file")
        assert (project.files(copy.number) / "file").read_text() == "made"


@pytest.mark.parametrize("path", [f"{CHROOT}/disk", "/srv/outside"], ids=["inside", "outside"])
def test_in_a_chroot_an_unmount_takes_effect(host, device, chroot, path):
    """Inside, where the copies see it, and outside, where they do not."""
    project = install_probe(host.project(f"{CHROOT}/project"), PROBE)
    mount(host, device, path)
    copies = start(host, project, **chroot)
    seen = ["/disk"] if path == f"{CHROOT}/disk" else []
    assert [place for place in mounted(copies[0]) if place == "/disk"] == seen
    unmount(host, path)
    wait_until(lambda: is_free(device), AT_ONCE, "the device is free")
