# SPDX-License-Identifier: GPL-2.0-or-later
"""make dist: the archive that is handed in."""

import hashlib
import os
import re
import shutil
import subprocess

import pytest
from harness import TOP

GIT = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "core.hooksPath=/dev/null"]
SOME_FILES = (
    "README.md", "Makefile", "LICENSE", "src/uva_container.c", "src/program.apparmor", "src/portmux.1",
    "src/portmux.7", "src/portmux@.service", "completions/_portmux",
)
NOT_SOURCE = shutil.ignore_patterns(".git", "build", "copies", "uva_container", "*.zip", "__pycache__")


def make(directory, *targets):
    """Run make, without what an outer make has put into the environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    for name in ("SANITIZE", "UVA_CONTAINER"):
        environment.pop(name, None)
    done = subprocess.run(
        ["make", "-j2", *targets], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def dist(tree, unpacked):
    """Run make dist in a tree, unpack the archive; return the directory that is in it."""
    make(tree, "dist")
    (archive,) = tree.glob("*.zip")
    subprocess.run(["unzip", "-q", archive, "-d", unpacked], check=True)
    (top,) = unpacked.iterdir()
    return top


def names(directory):
    """Return the names of all files below directory, with their modes' executable bit."""
    return {
        (str(path.relative_to(directory)), bool(path.stat().st_mode & 0o100))
        for path in directory.rglob("*")
        if path.is_file()
    }


def linked(page):
    """Return the files of the tree that a page links to, or shows."""
    found = set(re.findall(r"\]\(([^):#]+)\)", page.read_text()))
    assert {"LICENSE", "CHANGES.md", "doc/buckets.svg", "doc/packet.svg"} <= found
    return found


def test_readme_leads_to_its_own_headings():
    """No link within README leads nowhere."""
    text = (TOP / "README.md").read_text()
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors


@pytest.mark.once
def test_the_archive_builds_where_it_is_unpacked(tmp_path):
    """Made from a tree and from a git checkout, it is the same; make is all it needs; nothing built is in it."""
    tree = tmp_path / "tree"
    shutil.copytree(TOP, tree, ignore=NOT_SOURCE)
    top = dist(tree, tmp_path / "from_tree")

    subprocess.run([*GIT, "init", "-q"], cwd=tree, check=True)
    (tree / "uva_container.zip").unlink()
    shutil.rmtree(tree / "build", ignore_errors=True)
    subprocess.run([*GIT, "add", "-A"], cwd=tree, check=True)
    subprocess.run([*GIT, "commit", "-q", "-m", "all"], cwd=tree, check=True)
    assert names(dist(tree, tmp_path / "from_git")) == names(top)

    for name in SOME_FILES:
        assert (top / name).is_file(), name
    for name in linked(top / "README.md"):
        assert (top / name).is_file(), name
    assert not (top / "uva_container").exists() and not (top / "portmux").exists()
    same = [hashlib.sha256((place / "http_recorder.py").read_bytes()).digest() for place in (TOP, top)]
    assert same[0] == same[1]
    assert (top / "http_recorder.py").stat().st_mode & 0o111 == 0o111

    done = make(top)
    for program in ("uva_container", "portmux"):
        assert os.access(top / program, os.X_OK), program
    assert "warning" not in (done.stdout + done.stderr).lower()
