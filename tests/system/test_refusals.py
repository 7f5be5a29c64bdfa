# SPDX-License-Identifier: GPL-2.0-or-later
"""What it refuses: with one clear line, the right exit code, and without having made anything."""

import pytest
from harness import USER, make_chroot

USAGE, FAILED = 2, 1


def assert_refused(project, manager, code, pattern):
    """It ends with code, tells why in one line on stderr, and has made nothing."""
    assert manager.wait() == code
    manager.err.wait_for(pattern)
    assert len(manager.err.lines) == 1
    assert manager.out.lines == []
    assert not project.copies.exists()


@pytest.mark.parametrize(
    "arguments", [["--help"], ["-h"], ["--version"], ["start"], [""], ["--"], ["8081", "8082"]], ids=str
)
def test_any_argument(host, project, arguments):
    """A short usage text on stderr, and exit code 2."""
    manager = host.start_manager(project, *arguments)
    assert manager.wait() == USAGE
    assert any("uva_container" in line for line in manager.err.lines)
    assert any("sage" in line for line in manager.err.lines)
    assert len(manager.err.lines) <= 12
    assert manager.out.lines == []
    assert not project.copies.exists()


@pytest.mark.host(own_dev=True)
def test_not_root(host, home):
    """It says that it needs root, where a plain user may not make a network."""
    host.run(["chmod", "600", "/dev/net/tun"])
    manager = host.start_manager(home, user=USER)
    assert_refused(home, manager, FAILED, r"^uva_container: .*root")


def test_any_argument_without_root(host, home):
    """How to call it is told to everybody."""
    assert host.start_manager(home, "--help", user=USER).wait() == USAGE


def test_no_http_recorder(host, project):
    """It names the file that it does not find."""
    project.there("http_recorder.py").unlink()
    assert_refused(project, host.start_manager(project), FAILED, r"^uva_container: .*http_recorder\.py\b")


def test_http_recorder_is_not_executable(host, project):
    """It names the file, and what to do."""
    project.there("http_recorder.py").chmod(0o644)
    manager = host.start_manager(project)
    assert_refused(project, manager, FAILED, r"^uva_container: .*http_recorder\.py.* executable.*chmod")


def test_http_recorder_is_a_directory(host, project):
    """A directory may be executable, but is no program."""
    project.there("http_recorder.py").unlink()
    project.there("http_recorder.py").mkdir()
    assert_refused(project, host.start_manager(project), FAILED, r"^uva_container: .*http_recorder\.py\b")


@pytest.mark.parametrize("port", [8081, 8082])
@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1", "::", "198.51.100.1"])
def test_a_port_in_use(host, project, address, port):
    """Whichever address a server listens on: the port is named, and the server still has its connections."""
    with host.listen(address, port) as server:
        host.remember()
        assert_refused(project, host.start_manager(project), FAILED, rf"^uva_container: .*\b{port}\b")
        client = host.connect("127.0.0.1" if address in ("0.0.0.0", "::") else address, port)
        accepted, _ = server.accept()
        accepted.close()
        client.close()


def test_a_kernel_before_5_12(host, project):
    """Without mount_setattr it names the Linux version that has it."""
    strace = ["strace", "-D", "-f", "-qq", "-o", "/dev/null"]
    strace += ["-e", "trace=mount_setattr", "-e", "inject=mount_setattr:error=ENOSYS"]
    manager = host.start_manager(project, under=strace, env={"ASAN_OPTIONS": "detect_leaks=0"})
    assert_refused(project, manager, FAILED, r"^uva_container: .*\b5\.12\b")


# The sanitizers need /proc themselves.
@pytest.mark.parametrize("missing", [pytest.param("proc", marks=pytest.mark.once), "sys", "dev"])
def test_a_chroot_in_which_something_is_not_mounted(host, missing):
    """It names what it does not find, and what to do."""
    host.run(["mount", "-t", "tmpfs", "tmpfs", "/srv"])
    options = make_chroot(host, "/srv/root", {"proc", "sys", "dev"} - {missing})
    project = host.project("/srv/root/project")
    manager = host.start_manager(project, **options)
    assert_refused(project, manager, FAILED, rf"^uva_container: no /{missing}\b.*: in a chroot, mount .*/{missing}\b")


def test_something_else_is_named_copies(host, project):
    """A file where the directories should be: it is named, and left alone."""
    project.copies.write_text("mine")
    manager = host.start_manager(project)
    assert manager.wait() == FAILED
    manager.err.wait_for(r"^uva_container: .*copies")
    assert len(manager.err.lines) == 1
    assert project.copies.read_text() == "mine"


def test_no_room_for_the_undo_log(host, project):
    """A first line that does not fit is a failure, with the reason; and no log is left."""
    manager = host.start_manager(project, under=["prlimit", "--fsize=10"])
    assert_refused(project, manager, FAILED, r"^uva_container: cannot write /run/uva_container/\S+: No space left")
