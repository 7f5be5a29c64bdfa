# SPDX-License-Identifier: GPL-2.0-or-later
"""make run: through sudo or without, and what it does where something is missing. Program and sudo are stubs."""

import signal

import pytest
from harness import USER
from stub_tree import ASKING_SUDO, StubTree, ended

pytestmark = [pytest.mark.once, pytest.mark.host(lan=False)]

PASTA = "#!/bin/sh\n"
# A sudo that lets in. It makes nobody root.
SUDO = """#!/bin/sh
case $1 in
-n | -v) exit 0 ;;
esac
echo "through sudo: $*"
exec "$@"
"""
# It makes an ordinary exit of Ctrl-C, as sudo does while it asks.
INTERRUPTED_SUDO = """#!/home/bin/python3
import signal, sys
if sys.argv[1] == "-n":
    sys.exit(1)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
print("password?", file=open("/dev/tty", "w"), flush=True)
signal.sigwait([signal.SIGINT])
sys.exit(1)
"""
THROUGH_SUDO = "through sudo: ./uva_container"
AS_USER = f"the program runs as {USER}"
ASK_FOR_PASTA = "install-deps: ask an administrator to run: apt-get install passt"


@pytest.fixture
def tree(host):
    """A tree whose user has pasta and no sudo."""
    stubs = StubTree(host)
    stubs.install("bin/pasta", PASTA)
    return stubs


@pytest.fixture
def bare_tree(tree):
    """The same without pasta, on a machine that has apt-get."""
    tree.there("bin/pasta").unlink()
    tree.install_apt_get()
    return tree


def test_root_runs_it_without_sudo(tree):
    """sudo is not called, and nothing is said."""
    tree.install("bin/sudo", SUDO)
    assert ended(tree.make("run", user=0)) == ["./uva_container", "the program runs as 0"]


def test_sudo_that_does_not_ask_is_used(tree):
    """Also without a terminal."""
    tree.install("bin/sudo", SUDO)
    assert ended(tree.make("run")) == ["sudo ./uva_container", THROUGH_SUDO, AS_USER]


def test_sudo_asks_on_the_terminal(tree):
    """With the right password the program is run by sudo. That there is another way is said before."""
    tree.install("bin/sudo", ASKING_SUDO)
    make = tree.make("run", terminal=True)
    make.out.wait_for(r"^run: .*ROOTLESS=1")
    make.out.wait_for(r"^password\?$")
    make.type("secret\n")
    assert ended(make)[-3:] == ["sudo ./uva_container", THROUGH_SUDO, AS_USER]


def test_a_user_whom_sudo_refuses_runs_it_without(tree):
    """A machine with sudo, and a user who may not use it."""
    tree.install("bin/sudo", ASKING_SUDO)
    make = tree.make("run", terminal=True)
    make.out.wait_for(r"^password\?$")
    make.type("wrong\n")
    assert ended(make)[-3:] == ["run: sudo did not let you in: running without", "./uva_container", AS_USER]


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
def test_ctrl_c_while_sudo_asks_runs_nothing(tree, shell):
    """Neither through sudo nor without. Which shell is sh, the distribution decides."""
    tree.install("bin/sudo", INTERRUPTED_SUDO)
    script = tree.there("tree/scripts/run")
    script.write_text(script.read_text().replace("#!/bin/sh", f"#!{shell}"))
    make = tree.make("run", terminal=True)
    make.out.wait_for(r"^password\?$")
    make.type("\x03")
    assert make.wait() != 0
    assert not [line for line in make.out.lines if "./uva_container" in line or AS_USER in line]


def test_without_a_terminal_nobody_is_asked(tree):
    """sudo would wait for a password, or fail."""
    tree.install("bin/sudo", ASKING_SUDO)
    said = "run: no terminal for sudo to ask for a password on: running without"
    assert ended(tree.make("run")) == ["./uva_container", AS_USER, said]


def test_without_sudo_it_is_run_without(tree):
    """Also on a terminal."""
    said = "run: there is no sudo here: running without"
    assert ended(tree.make("run", terminal=True)) == [said, "./uva_container", AS_USER]


def test_rootless_chooses(tree):
    """Whatever sudo would do. No word about it: it was asked for."""
    tree.install("bin/sudo", SUDO)
    assert ended(tree.make("run", "ROOTLESS=1")) == ["./uva_container", AS_USER]


@pytest.mark.parametrize("sudo", [False, True], ids=["without sudo", "through sudo"])
def test_the_programs_exit_status_is_makes_error(tree, sudo):
    """make ends with 2, and names the status."""
    if sudo:
        tree.install("bin/sudo", SUDO)
    lines = ended(tree.make("run", STATUS="3"), code=2)
    assert [line for line in lines if "run" in line and "Error 3" in line], lines


@pytest.mark.parametrize("sudo", [False, True], ids=["without sudo", "through sudo"])
def test_ctrl_c_is_the_programs(tree, sudo):
    """The program gets it once. make waits for it, and then ends by the signal, whatever the program ends with."""
    if sudo:
        tree.install("bin/sudo", SUDO)
    tree.install(
        "tree/uva_container",
        "#!/home/bin/python3\n"
        "import os, signal\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])\n"
        "print('ready', os.getppid(), flush=True)\n"
        "print('got', signal.sigwait([signal.SIGINT]), flush=True)\n"
        "print('again', signal.sigtimedwait([signal.SIGINT], 0.1), flush=True)\n",
    )
    make = tree.make("run", terminal=True)
    make.out.wait_for("^ready")
    make.type("\x03")
    make.out.wait_for("^got 2$")
    make.out.wait_for("^again None$")
    ended(make, code=-signal.SIGINT)


def test_pasta_missing_and_no_right_to_install_it(bare_tree):
    """It is said whom to ask; the program is run all the same, and says what it cannot do."""
    lines = ended(bare_tree.make("run"))
    assert ASK_FOR_PASTA in lines
    assert AS_USER in lines
    assert not bare_tree.packages()


def test_pasta_missing_and_sudo_at_hand(bare_tree):
    """Installed for a run without sudo; left alone for a run through it."""
    bare_tree.install("bin/sudo", SUDO)
    ended(bare_tree.make("run"))
    assert not bare_tree.packages()
    lines = ended(bare_tree.make("run", "ROOTLESS=1"))
    assert AS_USER in lines
    assert [call for call in bare_tree.packages() if call.startswith("install") and call.endswith(" passt")]
