# SPDX-License-Identifier: GPL-2.0-or-later
"""A copy's files: the host's are read-only, and its own directory, /tmp and what is in memory are writable."""

import os
import shutil
import stat
from pathlib import Path

import host_things
import pytest
from harness import USER, Inside, install_probe, wait_until

COPIES = (1, 2)
IN_MEMORY = ("/run", "/var/tmp", "/dev/shm", "/dev/pts")
# A path on a read-only mount; where the user may not write anyway, the kernel says that instead.
READ_ONLY = ("EROFS", "EACCES", "EPERM")
FOLLOWS = ("EXDEV", "ENOENT")  # what then fails too: a link to another mount, removing what was not made


def mounts(copy):
    """Return a copy's mounts: path, then options and type of the last one there, which is the one seen."""
    found = {}
    for line in copy.get("read", "/proc/self/mountinfo").splitlines():
        words = line.split()
        kind = words[words.index("-") + 1]
        found[words[4].encode().decode("unicode_escape")] = (set(words[5].split(",")), kind)
    return found


def own_places(sandbox, copy):
    """Return the only paths at which something writable may be mounted."""
    return {f"{sandbox.project.path}/copies/{copy.number}/files", "/tmp", *IN_MEMORY}


def test_every_mount_but_its_own_is_read_only(sandbox):
    """All that mountinfo shows, however deep; the copy's own ones are there, and writable."""
    for copy in sandbox.copies:
        found = mounts(copy)
        writable = {path for path, (options, _) in found.items() if "rw" in options}
        assert writable == own_places(sandbox, copy)
        assert {"/home", "/srv", "/srv/mounted", "/proc", "/sys", "/dev", "/"} <= set(found)


def test_every_mount_is_nosuid(sandbox):
    """And none but /dev's own holds devices: those that are elsewhere on the host open nothing."""
    for copy in sandbox.copies:
        assert {path for path, (options, _) in mounts(copy).items() if "nosuid" not in options} == set()
        own = own_places(sandbox, copy) - {"/dev/pts"}
        assert {path for path in own if "nodev" not in mounts(copy)[path][0]} == set()


def test_nothing_propagates_to_the_host(sandbox):
    """Nor to another copy: what is mounted in a copy stays there."""
    for copy in sandbox.copies:
        for line in copy.get("read", "/proc/self/mountinfo").splitlines():
            assert "shared:" not in line


@pytest.mark.parametrize("path", ["/", "/etc", "/usr", "/usr/bin", "/var", "/var/lib", "/home", "/root", "/srv", "/opt"])
def test_the_hosts_directories_cannot_be_written(sandbox, path):
    """Nothing is created there; uid 0, whom no mode keeps from it, is kept by the mount."""
    wanted = READ_ONLY if sandbox.caller else ("EROFS",)
    for copy in sandbox.copies:
        assert copy.refusal("create", os.path.join(path, "new")) in wanted


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/resolv.conf", "/etc/hosts", "/usr/bin/sudo", "/usr/bin/id"])
def test_the_hosts_files_cannot_be_written(sandbox, path):
    """By name; by another one through /proc/self/fd."""
    wanted = READ_ONLY if sandbox.caller else ("EROFS",)
    if not os.path.exists(path):
        return
    for copy in sandbox.copies:
        assert copy.refusal("opened", path, "w") in wanted
        assert copy.refusal("opened", path, "r") == ""


@pytest.mark.parametrize("path", host_things.OPEN_DIRECTORIES)
def test_not_even_what_is_open_to_everybody(sandbox, path):
    """A directory and a file that anybody may write on the host: nothing at all can be changed."""
    for copy in sandbox.copies:
        answers = copy.get("alter", path)
        assert not [name for name, answer in answers.items() if answer == ""]
        assert {answers[name] for name in ("create", "append", "write", "mkdir", "mkfifo", "symlink")} == {"EROFS"}
        assert set(answers.values()) <= {"EROFS", "EPERM", *FOLLOWS}
    assert [file.name for file in sandbox.host.root(path).iterdir()] == ["existing"]
    assert (sandbox.host.root(path) / "existing").read_text() == "of the host"


def test_the_project_cannot_be_written(sandbox):
    """The user's own directory: the program, what lies beside it, and what is the copies'."""
    top = sandbox.project.path
    for copy in sandbox.copies:
        for place in (top, f"{top}/copies", f"{top}/copies/{copy.number}", f"{top}/copies/{copy.number}/tmp"):
            assert copy.refusal("create", f"{place}/new") == "EROFS"
        for name in ("http_recorder.py", "uva_container", "works.py"):
            assert copy.refusal("opened", f"{top}/{name}", "w") in (*READ_ONLY, "ETXTBSY")
            assert copy.refusal("opened", f"{top}/{name}", "r") == ""


def test_its_own_places_can_be_written(sandbox):
    """Everything that can be done in a directory can be done there; the host sees the two that outlive it."""
    for copy in sandbox.copies:
        files = f"{sandbox.project.path}/copies/{copy.number}/files"
        for path in (files, ".", "/tmp", "/var/tmp", "/dev/shm", *(() if sandbox.caller else ("/run",))):
            copy.get("make", f"{path}/existing")
            assert set(copy.get("alter", path).values()) == {""}
            if path in (files, "/tmp"):
                there = sandbox.host.root(files.replace("files", "tmp") if path == "/tmp" else files)
                assert (there / "existing").stat().st_uid == sandbox.caller
            copy.get("remove", f"{path}/existing")


def test_what_one_copy_writes_another_does_not_see(sandbox):
    """In each place that has the same path in both."""
    first, second = sandbox.copies
    for path in ("/tmp", "/var/tmp", "/dev/shm"):
        first.get("make", f"{path}/of-copy-1")
        assert second.refusal("read", f"{path}/of-copy-1") == "ENOENT"
        assert not sandbox.host.root(f"{path}/of-copy-1").exists()
        first.get("remove", f"{path}/of-copy-1")


def test_the_directories_of_another_copy_are_hidden(sandbox):
    """What lies beside its own is not there, not even for reading."""
    first, second = sandbox.copies
    for copy, other in ((first, second), (second, first)):
        places = f"{sandbox.project.path}/copies"
        assert copy.get("names", places) == [str(copy.number)]
        assert copy.get("names", f"{places}/{copy.number}") == ["files", "tmp"]
        assert copy.get("names", f"{places}/{copy.number}/files") == copy.get("names", ".")
        for name in ("", "/files", f"/files/copy-{other.number}.txt", "/tmp"):
            assert copy.refusal("look", f"{places}/{other.number}{name}") == "ENOENT"
            assert sandbox.host.root(f"{places}/{other.number}{name}").exists()


def test_no_device_can_be_made(sandbox):
    """Nowhere, for uid 0 either; a pipe can (see works.py)."""
    for copy in sandbox.copies:
        for path in (".", "/tmp", "/var/tmp", "/dev/shm"):
            assert copy.refusal("make_device", f"{path}/null", 1, 3) == "EPERM"
        for path in ("/dev", "/srv/open"):
            assert copy.refusal("make_device", f"{path}/another", 1, 3) in READ_ONLY


def test_a_device_that_root_puts_into_its_directory_opens_nothing(sandbox):
    """From the host: the copy's mounts hold no devices."""
    for copy in sandbox.copies:
        for there, seen in ((sandbox.project.files(copy.number), "."), (sandbox.project.tmp(copy.number), "/tmp")):
            os.mknod(there / "full", stat.S_IFCHR | 0o666, os.makedev(1, 7))
            (there / "full").chmod(0o666)
            assert [copy.refusal("opened", f"{seen}/full", mode) for mode in "rw"] == ["EACCES"] * 2
            (there / "full").unlink()


@pytest.mark.parametrize("mode", ["r", "w"])
def test_devices_elsewhere_on_the_host(sandbox, mode):
    """In a chroot, say. A read-only mount does not keep anybody from writing to a device."""
    for copy in sandbox.copies:
        assert copy.refusal("opened", host_things.DEVICE, mode) == "EACCES"
        assert copy.refusal("opened", "/dev/full", mode) == ""


def test_the_host_sees_at_once_what_is_put_into_its_directory(sandbox):
    """And the other way round: it is a directory of the host, not a copy of it."""
    for copy in sandbox.copies:
        sandbox.project.place(copy.number, "from the host", "hello")
        assert copy.get("read", "from the host") == "hello"
        sandbox.project.files(copy.number).joinpath("from the host").unlink()
        assert copy.refusal("read", "from the host") == "ENOENT"


# ---- Wherever the project lies -----------------------------------------------------------------

PLACES = [
    "/tmp/project",
    "/tmp/a/b  c/project",
    "/run/project",
    "/var/tmp/project",
    "/dev/shm/project",
    "/home/user/a project",
]
# Every copy has its own there: the host's cannot be shown as well.
PRIVATE_PLACES = ["/tmp", "/run", "/var/tmp", "/dev/shm"]


def own_mounts(host):
    """Give a host empty file systems wherever a project may lie."""
    for path in ("/tmp", "/var/tmp", "/dev/shm", "/home"):
        host.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", path])
    host.remember()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.host(lan=False)
def test_in_every_place_its_directory_is_writable_and_the_rest_readable(host, place):
    """For a user as well, in the private places too; and what was made for it there is gone afterwards."""
    own_mounts(host)
    project = install_probe(host.project(place), Path(__file__).with_name("probe.py"))
    project.there("beside.txt").write_text("beside the program")
    manager = host.start_manager(project, sudo=USER).wait_ready()
    for number in COPIES:
        copy = Inside(host, number)
        files = f"{place}/copies/{number}/files"
        assert copy.get("at_start")["directory"] == files
        assert copy.get("read", f"{place}/beside.txt") == "beside the program"
        assert f"copy {number}" in copy.get("read", f"{files}/copy-{number}.txt")
        assert copy.get("names", f"{place}/copies") == [str(number)]
        copy.get("make", f"{files}/written")
        assert (project.files(number) / "written").stat().st_uid == USER
        assert copy.refusal("create", f"{place}/copies/{number}/new") in READ_ONLY
        assert copy.refusal("opened", f"{place}/beside.txt", "w") in READ_ONLY
        copy.get("make", "/tmp/kept")
        assert (project.tmp(number) / "kept").stat().st_uid == USER
    assert manager.stop() == 0
    for number in COPIES:
        assert [path.name for path in project.tmp(number).iterdir()] == ["kept"]


@pytest.mark.host(lan=False)
def test_in_a_private_place_itself_it_says_that_it_cannot_run(host):
    """One line that names the place; nothing is made there."""
    own_mounts(host)
    for place in PRIVATE_PLACES:
        project = host.project(place)
        host.remember()
        before = sorted(path.name for path in project.there("").iterdir())
        manager = host.start_manager(project)
        assert manager.wait() == 1
        (line,) = manager.err.lines
        assert line.startswith("uva_container: ") and f"{place} itself" in line
        assert sorted(path.name for path in project.there("").iterdir()) == before


# ---- What the user may have put there before ---------------------------------------------------

TARGETS = ["copies", "copies/1", "copies/1/files", "copies/1/tmp", "copies/2", "copies/2/files", "copies/2/tmp"]


def tree(top):
    """Return everything below a directory: owner, mode, where links lead."""
    return {
        str(path.relative_to(top)): (path.lstat().st_uid, path.lstat().st_mode, path.is_symlink() and os.readlink(path))
        for path in [top, *top.rglob("*")]
    }


def test_planted_links_are_refused(host, home):
    """A link where a directory is expected: one line says so, and where it leads nothing is changed."""
    outside = host.root("/home/outside")
    outside.mkdir()
    (outside / "files").mkdir()
    (outside / "tmp").mkdir()
    (outside / "1").mkdir()
    before = tree(outside)
    for target in TARGETS:
        path = home.there(target)
        path.parent.mkdir(parents=True, exist_ok=True)
        for parent in (path.parent, *path.parent.parents):
            if home.there("") in parent.parents:
                os.chown(parent, USER, USER)
        path.symlink_to("/home/outside")
        manager = host.start_manager(home, sudo=USER)
        assert manager.wait() == 1, target
        assert len(manager.err.lines) == 1, manager.err.lines
        assert "copies" in manager.err.lines[0] and manager.out.lines == []
        assert tree(outside) == before, target
        shutil.rmtree(home.copies) if not home.copies.is_symlink() else home.copies.unlink()


def test_a_planted_link_where_a_file_is_to_be_made(host, home):
    """The greeting of a fresh directory is not written through a link; a file that is there is left alone."""
    home.files(1).mkdir(parents=True)
    host.root("/home/outside").write_text("kept")
    (home.files(1) / "copy-1.txt").symlink_to("/home/outside")
    assert host.start_manager(home, sudo=USER).wait_ready().stop() == 0
    assert host.root("/home/outside").read_text() == "kept"
    assert host.root("/home/outside").stat().st_uid == 0


def test_files_that_are_there_keep_their_owner(host, home):
    """What somebody has put there before the run is theirs after it."""
    home.place(1, "of somebody", "kept")
    home.tmp(1).mkdir()
    for path, user in ((home.files(1) / "of somebody", 12345), (home.files(1), 12346), (home.tmp(1), USER)):
        os.chown(path, user, user)
    home.copies.chmod(0o711)
    before = tree(home.copies)
    assert host.start_manager(home, sudo=USER).wait_ready().stop() == 0
    after = tree(home.copies)
    assert {path: after[path] for path in before} == before


# ---- What is made for the user -----------------------------------------------------------------

STRACE = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=mkdirat", "-e"]
DELAY = 0.4


@pytest.mark.host(lan=False)
@pytest.mark.parametrize("target", ["copies", "copies/1", "copies/1/files", "copies/1/tmp"])
def test_a_directory_is_the_users_from_its_first_moment(host, home, target):
    """So nothing is given away: what has its name a moment later, and is root's, stays root's."""
    home.there("of root").mkdir()
    delay = f"inject=mkdirat:delay_exit={int(DELAY * 1e6)}:when={TARGETS.index(target) + 1}"
    # LeakSanitizer cannot look into a process that strace looks into.
    env = {"ASAN_OPTIONS": "detect_leaks=0"}
    manager = host.start_manager(home, sudo=USER, under=[*STRACE, delay], env=env)
    made, kept = home.there(target), home.there("kept")
    wait_until(made.exists, 5, f"{target} is made")
    assert (made.stat().st_uid, made.stat().st_gid) == (USER, USER)
    made.rename(kept)
    home.there("of root").rename(made)
    manager.wait_ready()
    assert made.stat().st_uid == 0
    assert manager.stop() == 0


def test_a_directory_of_somebody_else_to_start_in(host, probes):
    """Where the user may not make anything, the copies' directories are made all the same, and are the user's."""
    probes.there("").chmod(0o755)
    manager = host.start_manager(probes, sudo=USER).wait_ready()
    for path in (probes.copies, probes.copies / "1", *(path(2) for path in (probes.files, probes.tmp))):
        assert (path.stat().st_uid, path.stat().st_gid) == (USER, USER)
    assert (probes.files(1) / "copy-1.txt").stat().st_uid == USER
    assert manager.stop() == 0


# ---- What a copy leaves in its own places ------------------------------------------------------

BARS = {
    "a file in the way": "mv /tmp/a /tmp/away && echo kept >/tmp/a",
    "a link in the way": "mv /tmp/a /tmp/away && ln -s /etc /tmp/a",
    "a dangling link": "mv /tmp/a /tmp/away && ln -s nowhere /tmp/a",
    "a pipe further on": "mv /tmp/a /tmp/away && mkdir /tmp/a && mkfifo /tmp/a/project",
    "no way in": "chmod 0 /tmp/a",
    "no way into what is below": "mv /tmp/a /tmp/away && mkdir -p /tmp/a/project && chmod 0 /tmp/a/project /tmp/a",
    "no /tmp": "chmod 0 /tmp",
    "a read-only /tmp": "chmod 0500 /tmp",
    "no working directory": "chmod 0 .",
    "everything": "chmod 0 /tmp/a . /tmp",
}


@pytest.mark.parametrize("command", BARS.values(), ids=BARS)
@pytest.mark.parametrize("caller", [None, USER], ids=["root", "nobody"])
@pytest.mark.host(lan=False)
def test_a_copy_cannot_bar_the_next_start(host, command, caller):
    """Whatever it does to what is its own: both copies start again, and what it has left there is kept."""
    own_mounts(host)
    project = install_probe(host.project("/tmp/a/project"), Path(__file__).with_name("probe.py"))
    for last in (False, True):
        manager = host.start_manager(project, sudo=caller).wait_ready()
        copy = Inside(host, 1)
        for path in ("/tmp/new", "new"):
            copy.get("make", path)
            copy.get("remove", path)
        assert copy.get("read", "/tmp/a/project/works.py")
        if not last:
            assert copy.get("run", "sh", "-c", command) == [0, "", ""]
        assert manager.stop() == 0
    kept = {path.name.split(".moved-")[0]: path for path in project.tmp(1).rglob("*.moved-*")}
    assert set(kept) == ({"project"} if "mkfifo" in command else {"a"} if "ln -s" in command or "echo" in command else set())
    if "echo" in command:
        assert kept["a"].read_text() == "kept\n"
    assert [line for line in manager.err.lines if "renamed to" not in line] == []
    assert len(manager.err.lines) == len(kept)
