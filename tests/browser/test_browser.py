# SPDX-License-Identifier: GPL-2.0-or-later
"""The assignment as its reader does it: a browser on localhost:8081 and localhost:8082."""

import json
import os
import sys
from pathlib import Path

import pytest
from harness import PLAIN_USER

VISIT = Path(__file__).with_name("visit.py")
FILE = "data.bin"
DIRECTORY = "/mnt"  # a short name: Chromium makes sockets below it, whose paths must not be long


def test_a_browser_sees_two_directories_and_downloads_from_both(host, project):
    """Chromium opens both ports, reads two different listings, and gets each copy's own file, byte for byte;
    each log has that copy's requests."""
    visit_both(host, project)


@pytest.mark.host(own_dev=True)
def test_it_sees_the_same_where_a_plain_user_has_started_them(host):
    """Without root: by way of pasta."""
    visit_both(host, host.home(PLAIN_USER), user=PLAIN_USER)


def visit_both(host, project, **options):
    """Start the project's program, and let Chromium visit both copies; for the options see Manager."""
    host.run(["mount", "-t", "tmpfs", "tmpfs", DIRECTORY])
    host.remember()
    manager = host.start_manager(project, **options).wait_ready()
    contents = {number: os.urandom(300_000) for number in (1, 2)}
    for number in (1, 2):
        project.place(number, FILE, contents[number])
        project.place(number, f"only-in-{number}.txt", "text")
    urls = [f"http://localhost:808{number}/" for number in (1, 2)]
    environment = {"HOME": DIRECTORY, "TMPDIR": DIRECTORY}
    done = host.run([sys.executable, "-I", VISIT, DIRECTORY, FILE, *urls], env=environment, deadline=60)
    pages = json.loads(done.stdout)

    for number, page in zip((1, 2), pages):
        assert "Directory listing" in page["title"]
        assert f"only-in-{number}.txt" in page["links"]
        assert f"only-in-{3 - number}.txt" not in page["links"]
        assert host.root(page["download"]).read_bytes() == contents[number]
        requests = project.log(number)
        assert requests[0] == "GET request for /"
        assert requests.count(f"GET request for /{FILE}") == 1
        manager.out.wait_for(rf"^copy {number} \| GET request for /{FILE}$")
    assert manager.stop() == 0
