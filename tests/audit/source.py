# SPDX-License-Identifier: MIT
"""Where the source of an audited program comes from: the folder that an environment variable names, or Debian's
archive. Debian's is read with a configuration of our own below the test's folder, so that the machine's lists and
sources stay as they are."""

import os
import shutil
import subprocess

from harness import Skip, need

MIRROR = "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SUITE = "bookworm"  # the audit tables name lines of these versions
PATIENCE_S = 600


def run(command, cwd):
    """Run a command that fetches or builds; its last lines are told when it fails."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=PATIENCE_S, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )
    if done.returncode != 0:
        tail = done.stdout.decode(errors="replace").splitlines()[-20:]
        raise RuntimeError(f"{command} in {cwd}: status {done.returncode}\n" + "\n".join(tail))


def apt(folder):
    """The start of an apt-get command that keeps lists, cache and sources in `folder`."""
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    sources = folder / "sources.list"
    sources.write_text(f"deb-src [signed-by={KEYRING}] {MIRROR} {SUITE} main\n")
    settings = {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "Acquire::Retries": 3,
    }
    return ["apt-get", "-q", *(f"-o{key}={value}" for key, value in settings.items())]


def from_debian(world, package, target):
    """Unpack Debian's source of a package, patches applied, into the folder `target`."""
    need("apt-get", "dpkg-source", "make")
    if not os.path.exists(KEYRING):
        raise Skip(f"{KEYRING} is missing: no Debian archive to take {package} from")
    folder = world.folder / "apt"
    download = world.folder / "download"
    download.mkdir()
    command = apt(folder)
    try:
        run([*command, "update"], download)
        run([*command, "source", package], download)
    except RuntimeError as error:
        raise Skip(f"Debian's source of {package} cannot be had: {str(error).splitlines()[-1]}") from error
    unpacked = [path for path in download.iterdir() if path.is_dir()]
    shutil.move(str(unpacked[0]), target)


def unpack(world, program, name, sources):
    """The source of a program in `sources`/`name`, where it may be built; what is there already is used again."""
    target = sources / name
    if target.exists():
        return target
    sources.mkdir(parents=True, exist_ok=True)
    given = os.environ.get(program.VARIABLE)
    if given:
        shutil.copytree(given, target, symlinks=True)
    elif program.PACKAGE:
        from_debian(world, program.PACKAGE, target)
    else:
        raise Skip(f"no Debian source package: set {program.VARIABLE} to a folder with the source")
    return target
