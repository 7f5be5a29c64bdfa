# SPDX-License-Identifier: GPL-2.0-or-later
"""The directory that the program under test lies in and is started in, as a user would have it."""

import os
import shutil
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
HTTP_RECORDER = TOP / "http_recorder.py"
BINARY = Path(os.environ.get("UVA_CONTAINER") or TOP / "uva_container").absolute()
USER = 65534  # a user who is not root, and the group of the same number
PLAIN_USER = 1000  # one who starts the program without sudo
SANITIZED = "sanitize" in str(BINARY)


class Project:
    """A directory of a host with uva_container in it, and a program named http_recorder.py."""

    def __init__(self, host, path):
        """Make the directory at path, as the host sees it, and put both programs there, the real ones."""
        self.path = str(path)
        self._host = host
        self.there("").mkdir(parents=True, exist_ok=True)
        shutil.copy(BINARY, self.there("uva_container"))
        self.install(HTTP_RECORDER)

    def there(self, name):
        """Return how the test run itself reaches a file of the project."""
        return self._host.root(os.path.join(self.path, name))

    def install(self, program, mode=0o755):
        """Put a program where http_recorder.py is expected."""
        shutil.copyfile(program, self.there("http_recorder.py"))
        self.there("http_recorder.py").chmod(mode)

    def give_to(self, user):
        """Make user (and the group of the same number) the directory's owner, and let nobody else in."""
        os.chown(self.there(""), user, user)
        self.there("").chmod(0o700)

    @property
    def copies(self):
        """The directory that the program makes."""
        return self.there("copies")

    def files(self, number):
        """The directory that copy number lists and serves."""
        return self.copies / str(number) / "files"

    def tmp(self, number):
        """What copy number sees as /tmp."""
        return self.copies / str(number) / "tmp"

    def log(self, number):
        """The lines that copy number has logged."""
        return (self.tmp(number) / "http_recorder.log").read_text().splitlines()

    def place(self, number, name, content):
        """Put a file into what copy number serves, before a run or during it; return its path."""
        self.files(number).mkdir(parents=True, exist_ok=True)
        path = self.files(number) / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content)
        return path
