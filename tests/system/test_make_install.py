# SPDX-License-Identifier: GPL-2.0-or-later
"""make install and make uninstall: which files, and the AppArmor profiles. The programs are stubs."""

import pytest
from harness import USER
from stub_tree import PROGRAM, PROGRAMS, StubTree

pytestmark = [pytest.mark.once, pytest.mark.host(lan=False)]

PROFILES = {f"etc/apparmor.d/{name}" for name in PROGRAMS}
# Stand in for the AppArmor of a machine where it is on.
AA_ENABLED = "#!/bin/sh\n"
APPARMOR_PARSER = """#!/bin/sh
test -e "$2" && echo "apparmor_parser $*"
"""


@pytest.fixture
def tree(host):
    """A tree whose user may write to /home/package, for DESTDIR; AppArmor is on."""
    stubs = StubTree(host)
    stubs.there("package").mkdir()
    stubs.there("package").chmod(0o777)
    stubs.install("bin/aa-enabled", AA_ENABLED)
    stubs.install("bin/apparmor_parser", APPARMOR_PARSER)
    return stubs


def add_apparmor(tree, directory):
    """Make what AppArmor 4 has in its directory, below the home directory; return the directory."""
    abi = tree.there(directory, "abi")
    abi.mkdir(parents=True)
    (abi / "4.0").touch()
    return abi.parent


def make(tree, *arguments, user=0):
    """Run make to its end; return the lines of its stdout."""
    process = tree.make(*arguments, user=user)
    assert process.wait() == 0, process.transcript()
    assert not process.err.lines
    return process.out.lines


def files(tree):
    """Return the names of the files in the package."""
    package = tree.there("package")
    return {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()}


BINARIES = {f"bin/{name}" for name in PROGRAMS}
PAGES = {"share/man/man1/portmux.1", "share/man/man7/portmux.7", "share/man/man8/uva_container.8"}
UNIT = "lib/systemd/system/portmux@.service"
COMPLETIONS = {
    "share/bash-completion/completions/portmux",
    "share/zsh/site-functions/_portmux",
    "share/fish/vendor_completions.d/portmux.fish",
}
ALL = BINARIES | PAGES | COMPLETIONS | {UNIT}
INSTALLED = {f"usr/{name}" for name in ALL}
PACKAGE = ["DESTDIR=/home/package", "PREFIX=/usr"]


def test_what_is_installed_comes_and_goes(tree):
    """By a user, into a package. Where AppArmor is older than 4, it would not understand the profile."""
    directory = tree.there("package/etc/apparmor.d")
    directory.mkdir(parents=True)
    directory.chmod(0o777)
    make(tree, "install", *PACKAGE, user=USER)
    assert files(tree) == INSTALLED
    for program in BINARIES:
        assert tree.there("package/usr", program).read_text() == PROGRAM
        assert tree.there("package/usr", program).stat().st_mode & 0o777 == 0o755
    for data in ALL - BINARIES:
        assert tree.there("package/usr", data).stat().st_mode & 0o777 == 0o644
    unit = tree.there("package/usr", UNIT).read_text()
    assert "\nExecStart=/usr/bin/portmux run " in unit and "@bindir@" not in unit
    make(tree, "uninstall", *PACKAGE, user=USER)
    assert not files(tree)


@pytest.mark.parametrize("directory", ["package/usr/sbin", "package/usr/bin"], ids=["beside", "the same"])
def test_programs_of_the_past_are_gone(tree, directory):
    """sbin, where they were, comes first in root's PATH; some distributions make it a link to bin."""
    tree.there(directory).mkdir(parents=True)
    if directory.endswith("/bin"):
        tree.there("package/usr/sbin").symlink_to("bin")
    for call in ("install", "uninstall"):
        for name in PROGRAMS:
            tree.there(directory, name).write_text("of the past")
        make(tree, call, *PACKAGE)
        assert files(tree) == (INSTALLED if call == "install" else set())
        for program in BINARIES if call == "install" else ():
            assert tree.there("package/usr", program).read_text() == PROGRAM


def test_profiles_for_a_tree_with_apparmor_4(tree):
    """Named in each is the program's path as it will be, without DESTDIR. None is loaded: they are another machine's."""
    add_apparmor(tree, "package/etc/apparmor.d")
    lines = make(tree, "install", *PACKAGE)
    assert files(tree) == INSTALLED | PROFILES | {"etc/apparmor.d/abi/4.0"}
    for name in PROGRAMS:
        profile = tree.there("package/etc/apparmor.d", name)
        assert f'profile {name} "/usr/bin/{name}" flags=(unconfined) {{\n  userns,\n' in profile.read_text()
        assert "@" not in profile.read_text()
        assert profile.stat().st_mode & 0o777 == 0o644
    lines += make(tree, "uninstall", *PACKAGE)
    assert files(tree) == {"etc/apparmor.d/abi/4.0"}
    assert not [line for line in lines if line.startswith("apparmor_parser")]


def test_apparmor_1_installs_the_profiles_anywhere(tree):
    """A package's directory has no AppArmor in it."""
    make(tree, "install", "APPARMOR=1", *PACKAGE, user=USER)
    assert files(tree) == INSTALLED | PROFILES
    make(tree, "uninstall", *PACKAGE, user=USER)
    assert not files(tree)


def test_apparmor_0_installs_no_profile(tree):
    """Also where AppArmor 4 is."""
    add_apparmor(tree, "package/etc/apparmor.d")
    make(tree, "install", "APPARMOR=0", *PACKAGE)
    assert files(tree) == INSTALLED | {"etc/apparmor.d/abi/4.0"}


@pytest.mark.parametrize("enabled", [True, False], ids=["on", "off"])
def test_this_machines_apparmor_knows_the_profiles(tree, enabled):
    """Where it is on, they are loaded, and unloaded before they go."""
    directory = add_apparmor(tree, "apparmor.d")
    if not enabled:
        tree.there("bin/aa-enabled").unlink()
    here = ["PREFIX=/home/local", "apparmordir=/home/apparmor.d"]
    installed = make(tree, "install", *here)
    for name in PROGRAMS:
        assert f'"/home/local/bin/{name}"' in (directory / name).read_text()
    uninstalled = make(tree, "uninstall", *here)
    assert [path.name for path in directory.iterdir()] == ["abi"]
    calls = [line for line in installed + uninstalled if line.startswith("apparmor_parser ")]
    assert calls == [
        f"apparmor_parser --{call} /home/apparmor.d/{name}"
        for call in ("replace", "remove")
        for name in PROGRAMS
        if enabled
    ]


def test_a_user_installs_for_himself(tree):
    """He may not write to AppArmor's directory: that is said, and the rest is installed."""
    directory = add_apparmor(tree, "apparmor.d")
    process = tree.make("install", "PREFIX=/home/package", "apparmordir=/home/apparmor.d")
    assert process.wait() == 0, process.transcript()
    assert process.err.lines == ["apparmor: cannot write to /home/apparmor.d: no profile is installed"]
    assert files(tree) == ALL
    assert [path.name for path in directory.iterdir()] == ["abi"]
