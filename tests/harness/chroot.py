# SPDX-License-Identifier: GPL-2.0-or-later
"""A directory of a host that is enough of a root directory to start the program in by chroot(8)."""


def make_chroot(host, path, mounted=("proc", "sys", "dev")):
    """Make the directory at path such a root, with the host's programs; return Manager's options to start there.

    The project's directory has to be PATH/project. mounted: what else of the host is mounted there.
    """
    root = host.root(path)
    root.mkdir(exist_ok=True)
    for name in ("usr", "etc", *mounted):
        (root / name).mkdir()
        host.run(["mount", "--rbind", f"/{name}", f"{path}/{name}"])
    for link in host.root().iterdir():  # /bin, /lib and their like lead into /usr
        if link.is_symlink():
            (root / link.name).symlink_to(link.readlink())
    for name in ("run", "tmp", "disk"):
        (root / name).mkdir()
    host.remember()
    return {"under": ["chroot", path, "env", "--chdir=/project"]}
