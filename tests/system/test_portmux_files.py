# SPDX-License-Identifier: GPL-2.0-or-later
"""--files and --state: what a copy of portmux sees as the directory, whose its files are, where they are kept."""

import os
import stat

import pytest
from harness import PLAIN_USER, USER, Host, lay_out

STATE = "/srv/state"
PLACES = ("/home/user/project", "/tmp/some/project", "/var/tmp/project", "/srv/a,b:c\\d e ü'\"/project")
NO_UPPER = "its file system cannot hold an overlay's upper layer: use another directory (--state), or --files shared"

# What is in the directory at first; the copies change all of it.
CHANGE = r"""
set -e
test "$(cat deep/er/file)" = first; test "$(readlink link)" = deep/er/file; test -x tool
echo "of $COPY" >new; echo "of $COPY" >>deep/er/file; mv tool renamed; rm -r gone; chmod 600 mode; mkdir made
ln -s new made/link; rm replaced; mkdir replaced; echo "$COPY" >replaced/file
"""
LOOK = 'set +e; cat new deep/er/file; ls -1d renamed tool gone made/link 2>&1; stat -c %a mode; cat replaced/file'
CHANGED = "of {0}|first|of {0}|ls: cannot access 'tool': No such file or directory"
CHANGED += "|ls: cannot access 'gone': No such file or directory|made/link|renamed|600|{0}"


@pytest.fixture(scope="module")
def one_host():
    """A host whose /home, /srv, /tmp and /var/tmp are file systems of its own; also for a plain user."""
    with Host(own_dev=True) as host:
        yield lay_out(host)
        host.finish()


@pytest.fixture
def wide(one_host):
    """The same for all tests, each of which begins with empty directories."""
    yield one_host
    one_host.run(["find", "/home", "/srv", "/tmp", "/var/tmp", "-mindepth", "1", "-delete"])


@pytest.fixture
def house(wide):
    """A project in a user's home directory."""
    return wide.project("/home/user/project")


def run(host, project, script, *options, state=STATE, copies=2, code=0, **more):
    """Run a shell script as copies, to their end; return what each of them has said, and the run."""
    where = () if state is None else ("-d", state)
    manager = host.start_portmux(project, "-n", str(copies), *where, *options, "--", "sh", "-c", script, **more)
    assert manager.wait() == code
    return [manager.said(number) for number in range(1, copies + 1)], manager


def furnish(project):
    """Put what the copies will change into a directory; return what it is like then."""
    for name in ("deep/er", "gone"):
        project.there(name).mkdir(parents=True)
    for name in ("deep/er/file", "tool", "mode", "replaced", "gone/file"):
        project.there(name).write_text("first\n")
    project.there("tool").chmod(0o755)
    project.there("mode").chmod(0o644)
    project.there("link").symlink_to("deep/er/file")
    return tree(project)


def tree(project):
    """Return all there is in a directory: names, modes, times and contents."""
    found = {}
    for path in sorted(project.there("").rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else None
        found[str(path.relative_to(project.there("")))] = (status.st_mode, status.st_mtime_ns, content)
    found.pop("portmux", None)  # it is put there with the first run
    return found


# ---- overlay ----


@pytest.mark.parametrize("path", PLACES)
def test_with_overlay_each_copy_has_the_directory_for_itself(wide, path):
    """The same path and files; what it changes neither the other one sees nor the directory has; the next run has."""
    project = wide.project(path)
    before = furnish(project)
    said, _ = run(wide, project, f'{CHANGE}\n{LOOK}; pwd -P; echo "$PWD" | wc -c')
    length = str(len(f"{path}\n".encode()))
    assert ["|".join(lines) for lines in said] == [CHANGED.format(number) + f"|{path}|{length}" for number in (1, 2)]
    assert tree(project) == before
    again, _ = run(wide, project, LOOK)
    assert ["|".join(lines) for lines in again] == [CHANGED.format(number) for number in (1, 2)]


def test_with_overlay_what_the_user_changes_reaches_the_next_run(wide, house):
    """But for what a copy has changed itself."""
    furnish(house)
    run(wide, house, '[ "$COPY" = 2 ] || echo mine >deep/er/file')
    house.there("deep/er/file").write_text("second\n")
    assert run(wide, house, "cat deep/er/file")[0] == [["mine"], ["second"]]


def test_with_overlay_it_runs_in_a_directory_below_the_state(wide):
    """A directory that is nobody's business is no obstacle: the state is beside it, both below /srv."""
    project = wide.project("/srv/project")
    assert run(wide, project, "touch new; ls -1", state="/srv/project.state")[0][0] == [
        "http_recorder.py",
        "new",
        "portmux",
        "uva_container",
    ]


@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize("below", ["", "/state", "/a/b/c"])
def test_a_file_system_without_upper_layers_is_told_of_at_once(wide, house, below, copies):
    """In one line, with the way out, before anything is made there; the way out works."""
    wide.run(["sh", "-ec", "cd /srv; mkdir lower upper work merged"])
    layers = "lowerdir=/srv/lower,upperdir=/srv/upper,workdir=/srv/work"
    wide.run(["mount", "-t", "overlay", "-o", layers, "overlay", "/srv/merged"])
    state = f"/srv/merged{below}"
    _, manager = run(wide, house, "true", state=state, copies=copies, code=2)
    assert manager.err.lines == [f"portmux: {state}: {NO_UPPER}"]
    assert manager.out.lines == []
    assert not list(wide.root("/srv/merged").iterdir())
    assert run(wide, house, "echo here", "--files", "shared", state=state)[0] == [["here"], ["here"]]
    wide.run(["umount", "/srv/merged"])


# ---- shared, private ----


def test_with_shared_all_write_to_the_same_directory(wide, house):
    """The directory itself; each copy still has its own /tmp."""
    script = 'echo "$COPY" >/tmp/file; cp /tmp/file by-$COPY; until [ -s by-1 ] && [ -s by-2 ]; do :; done; '
    script += "cat by-* /tmp/file; pwd"
    said, _ = run(wide, house, script, "--files", "shared")
    assert said == [["1", "2", number, house.path] for number in ("1", "2")]
    assert [house.there(f"by-{number}").read_text() for number in (1, 2)] == ["1\n", "2\n"]


def test_with_private_a_copy_begins_in_an_empty_directory(wide, house):
    """What it writes is kept there, and the directory that it was started in is read-only."""
    script = f'ls -A; echo "$COPY" >file; pwd; cat {house.path}/given; ! (: >{house.path}/new) 2>&1'
    house.there("given").write_text("given\n")
    refused = f"sh: 1: cannot create {house.path}/new: Read-only file system"
    said, _ = run(wide, house, script, "--files", "private")
    assert said == [[f"{STATE}/{number}/files", "given", refused] for number in (1, 2)]
    assert run(wide, house, "cat file", "--files", "private")[0] == [["1"], ["2"]]
    assert wide.root(f"{STATE}/2/files/file").read_text() == "2\n"


def test_with_private_a_program_is_found_from_here(wide, house):
    """./server is the one beside the user, not one in the copies' empty directories."""
    house.there("server").write_text("#!/bin/sh\npwd\n")
    house.there("server").chmod(0o755)
    manager = wide.start_portmux(house, "--files", "private", "-d", STATE, "./server")
    assert (manager.wait(), manager.said(1)) == (0, [f"{STATE}/1/files"])


# ---- /tmp, and what the others keep ----


@pytest.mark.parametrize("files", ["overlay", "shared", "private"])
def test_each_copy_has_a_tmp_that_is_kept(wide, house, files):
    """Empty at first, but for the way to a project below /tmp; in the state; again there for the next run."""
    wide.root("/tmp/of-the-host").write_text("")
    said, _ = run(wide, house, "ls -A /tmp; echo $COPY >/tmp/file", "--files", files)
    assert said == [[], []]
    assert wide.root(f"{STATE}/2/tmp/file").read_text() == "2\n"
    assert run(wide, house, "cat /tmp/file", "--files", files)[0] == [["1"], ["2"]]
    assert [path.name for path in wide.root("/tmp").iterdir()] == ["of-the-host"]


@pytest.mark.parametrize("files", ["overlay", "shared", "private"])
def test_a_copy_does_not_see_what_the_others_keep(wide, house, files):
    """Nor its own upper layer, where it could go around the overlay."""
    run(wide, house, "echo secret >secret; echo secret >/tmp/secret", "--files", files)
    script = f'find {STATE} -name secret | grep -v "^{STATE}/$COPY/[ft]"; ! (: >{STATE}/new) 2>&1; ls {STATE}'
    refused = f"sh: 1: cannot create {STATE}/new: Read-only file system"
    said, _ = run(wide, house, script, "--files", files)
    assert said == [[refused, *([number] if files == "private" else [])] for number in ("1", "2")]


# ---- Where the state is ----


def kept(host, home):
    """Return where below a directory the copy's file is, without its last part."""
    return [str(path.relative_to(host.root(home)).parent) for path in host.root(home).rglob("of-1")]


@pytest.mark.parametrize("xdg", [None, "", "relative", "/srv/xdg"])
def test_the_state_is_below_the_users_state_directory(wide, house, xdg):
    """By the run's name. $XDG_STATE_HOME counts if it is an absolute path, as its specification says."""
    wide.root("/srv/home").mkdir()
    env = {"HOME": "/srv/home", **({} if xdg is None else {"XDG_STATE_HOME": xdg})}
    run(wide, house, "touch of-1", state=None, copies=1, env=env)
    run(wide, house, "touch of-1", "--name", "other", state=None, copies=1, env=env)
    below = "xdg" if xdg == "/srv/xdg" else "home/.local/state"
    assert sorted(kept(wide, "/srv")) == [f"{below}/portmux/{name}/1/upper" for name in ("other", "sh")]


def test_a_state_directory_that_is_not_there_is_made(wide, house):
    """With its parents; a relative one is meant from here."""
    for given, meant in (("/srv/a/b/c/", "/srv/a/b/c"), ("../beside", "/home/user/beside")):
        run(wide, house, "touch of-1", state=given, copies=1)
        assert kept(wide, meant) == ["1/upper"]


def test_a_user_without_a_home_directory_names_one(wide, house):
    """What a directory for somebody who has none would be, nobody can say: nothing is made."""
    for env, sudo in (({"HOME": "/srv/none"}, None), ({}, USER)):
        _, manager = run(wide, house, "true", state=None, copies=1, code=2, env=env, sudo=sudo)
        user = sudo or 0
        assert manager.err.lines == [f"portmux: user {user} has no home directory: name a directory (--state)"]
        assert not wide.root("/srv/none").exists() and not wide.root("/nonexistent").exists()


@pytest.mark.parametrize("files", ["overlay", "shared", "private"])
def test_files_belong_to_the_user_who_called_sudo(wide, files):
    """All of them, parents included, whoever reads them later; the copies run as that user."""
    project = wide.project("/home/user/project")
    project.give_to(USER)
    wide.root("/srv/of").mkdir()
    os.chown(wide.root("/srv/of"), USER, USER)
    script = "id -u; id -g; : >file; : >/tmp/file"
    state = "/srv/of/a/state"
    assert run(wide, project, script, "--files", files, state=state, sudo=USER)[0] == [[str(USER)] * 2] * 2
    made = [path for path in wide.root("/srv/of").rglob("*") if path.parent.name != "work"]
    assert len(made) >= 7
    assert {(path.lstat().st_uid, path.lstat().st_gid) for path in made} == {(USER, USER)}


def test_without_root_it_is_the_same(wide, house):
    """An overlay of a plain user, who has never been root: as for root, and the files are that user's."""
    house.give_to(PLAIN_USER)
    before = furnish(house)
    for path in house.there("").rglob("*"):
        os.chown(path, PLAIN_USER, PLAIN_USER, follow_symlinks=False)
    wide.root("/srv/of").mkdir()
    os.chown(wide.root("/srv/of"), PLAIN_USER, PLAIN_USER)
    under = ["setpriv", f"--reuid={PLAIN_USER}", f"--regid={PLAIN_USER}", "--clear-groups"]
    said, _ = run(wide, house, f"{CHANGE}\n{LOOK}", state="/srv/of/state", under=under)
    assert ["|".join(lines) for lines in said] == [CHANGED.format(number) for number in (1, 2)]
    assert tree(house) == before
    again, _ = run(wide, house, f"{LOOK}; id -u", state="/srv/of/state", under=under)
    assert ["|".join(lines) for lines in again] == [CHANGED.format(number) + f"|{PLAIN_USER}" for number in (1, 2)]
    assert {path.lstat().st_uid for path in wide.root("/srv/of").rglob("*")} == {PLAIN_USER}
