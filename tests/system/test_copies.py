# SPDX-License-Identifier: GPL-2.0-or-later
"""What a copy serves and keeps: its directory, its /tmp with its log, and whose they are."""

import os
from pathlib import Path

import pytest
from harness import USER

COPIES = (1, 2)


def url(number, path=""):
    """Return the address of a file of copy number."""
    return f"http://localhost:808{number}/{path}"


@pytest.fixture(params=["tmp_path", "a blank", "run", "home", "var/tmp", "root"])
def somewhere(request, host, tmp_path):
    """A project in each of the places where one may lie; /home and /root on file systems of their own."""
    if request.param in ("home", "root"):
        host.run(["mount", "-t", "tmpfs", "-o", "mode=700", "tmpfs", f"/{request.param}"])
    if request.param == "var/tmp":
        host.run(["mount", "-t", "tmpfs", "tmpfs", "/var/tmp"])
    host.remember()
    places = {"tmp_path": tmp_path / "project", "a blank": tmp_path / "a  blank" / "in its path"}
    return host.project(places.get(request.param, f"/{request.param}/project"))


def test_it_works_wherever_the_project_lies(host, somewhere):
    """Different listings, downloads, a log for each copy: in each place. In tmp/ nothing is left but the log."""
    manager = host.start_manager(somewhere).wait_ready()
    for number in COPIES:
        somewhere.place(number, f"only in {number}.txt", f"of copy {number}")
    for number in COPIES:
        listing = host.get(url(number)).text
        assert f"only in {number}.txt" in listing
        assert f"only in {3 - number}.txt" not in listing
        assert host.get(url(number, f"only%20in%20{number}.txt")).text == f"of copy {number}"
        assert somewhere.log(number) == ["GET request for /", f"GET request for /only%20in%20{number}.txt"]
    assert manager.stop() == 0
    for number in COPIES:
        assert [path.name for path in somewhere.tmp(number).iterdir()] == ["http_recorder.log"]


def test_a_fresh_directory_names_its_copy(host, manager, project):
    """One small text file says whose directory it is; the listing shows it."""
    assert manager.running
    for number in COPIES:
        (file,) = project.files(number).iterdir()
        assert f"copy {number}" in file.read_text()
        assert file.stat().st_size < 1024
        assert file.name in host.get(url(number)).text
        assert f"copy {number}" in host.get(url(number, file.name)).text


def test_a_file_of_some_megabytes_is_downloaded_whole(host, manager, project):
    """Every byte of it, from both copies."""
    for number in COPIES:
        content = os.urandom(5_000_000)
        project.place(number, "big.bin", content)
        assert host.get(url(number, "big.bin")).body == content
    assert manager.stop() == 0


def test_each_copy_logs_its_own_requests_only(host, manager, project):
    """Both write /tmp/http_recorder.log; there are two of them, and none in the host's /tmp."""
    host_log = Path("/tmp/http_recorder.log")
    before = host_log.stat() if host_log.exists() else None
    for path in ("one", "two", "three"):
        host.get(url(1, path))
    host.get(url(2, "other"))
    assert manager.stop() == 0
    assert project.log(1) == ["GET request for /one", "GET request for /two", "GET request for /three"]
    assert project.log(2) == ["GET request for /other"]
    assert (host_log.stat() if host_log.exists() else None) == before


def test_what_a_copy_sees_as_tmp_is_its_own(host, manager, project):
    """A file in one copy's tmp/ is in that copy's /tmp, and in no other's."""
    (project.tmp(1) / "note of copy 1").write_text("here")
    inside = [Path(f"/proc/{manager.copy_process(number)}/root/tmp/note of copy 1") for number in COPIES]
    assert inside[0].read_text() == "here"
    assert not inside[1].exists()
    assert not host.root("/tmp/note of copy 1").exists()


def test_directories_are_kept_and_used_again(host, project):
    """A second run right after the first finds the files and goes on with the log."""
    assert host.start_manager(project).wait_ready().stop() == 0
    for file in project.files(1).iterdir():
        file.unlink()
    project.place(1, "mine.txt", "kept")
    for count in (1, 2):
        manager = host.start_manager(project).wait_ready()
        assert host.get(url(1, "mine.txt")).text == "kept"
        assert manager.stop() == 0
        assert project.log(1) == ["GET request for /mine.txt"] * count
    assert [file.name for file in project.files(1).iterdir()] == ["mine.txt"]


def made(project):
    """Return all that a first run makes in a project but for the logs, which the copies write."""
    return [project.copies] + [path for path in project.copies.rglob("*") if path.suffix != ".log"]


def test_directories_belong_to_the_user_who_called_sudo(host, home):
    """All that is made, in a home that only its user may enter; the copies can use it."""
    manager = host.start_manager(home, sudo=USER).wait_ready()
    for number in COPIES:
        assert host.get(url(number, "seen")).status == 404
        assert home.log(number) == ["GET request for /seen"]
    assert manager.stop() == 0
    assert len(made(home)) >= 9
    assert {(path.stat().st_uid, path.stat().st_gid) for path in made(home)} == {(USER, USER)}


def test_without_sudo_directories_belong_to_root(manager, project):
    """All that is made."""
    assert manager.stop() == 0
    assert len(made(project)) >= 9
    assert {(path.stat().st_uid, path.stat().st_gid) for path in made(project)} == {(0, 0)}
