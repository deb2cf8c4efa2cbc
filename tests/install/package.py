# SPDX-License-Identifier: MIT
"""The Debian package: built, and used from a folder that it was extracted to; and installed, used and removed in a
Debian that holds nothing else.

usage: package.py BUILD SOURCE CASE"""

import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness import Skip, expect, expect_equal, need, query  # noqa: E402
from run import run_one  # noqa: E402

# Inside the fresh tree: record a program of Debian's, ask for everything, and remove the package again.
FRESH = r"""
set -eu
cd /root
tenure record --quiet -o log.db -- perl -e 'my %h = map { $_ => "x" x $_ } 1 .. 300; print scalar(keys %h), "\n"'
tenure report log.db | grep -q '^Totals'
tenure sql log.db 'SELECT count(*) > 1000 FROM allocation' | grep -q 1
LD_PRELOAD=$(ls /usr/lib/*/tenure/libtenure.so) TENURE_LOG=/root/bare.db ls / >/dev/null
for i in $(seq 600); do [ "$(tenure info --json bare.db 2>/dev/null | grep -c '"finished":true')" = 1 ] && break; sleep 0.1; done
tenure info --json bare.db | grep -q '"finished":true'
tenure fail log.db --heap 1G -- perl -e 1 | grep -q 'not-reached'
dpkg --verify tenure
dpkg --remove tenure >/dev/null
[ -z "$(find /usr /etc -name '*tenure*')" ]
echo "everything worked"
"""


def build_package(world):
    """The package's path. It is built from a copy of what belongs to the sources, so that no test writes there."""
    source = world.folder / "source"
    source.mkdir()
    for name in ("meson.build", "meson_options.txt", "lib", "tools", "include", "docs", "tests"):
        entry = world.source / name
        if entry.is_dir():
            shutil.copytree(entry, source / name)
        else:
            shutil.copy(entry, source / name)
    # The compiler's settings are the tester's.
    kept = {name: os.environ[name] for name in ("CC", "HOME") if name in os.environ}
    done = subprocess.run([source / "tools/package.sh", world.folder / "packages"], capture_output=True, text=True,
                          env={**os.environ, **kept})
    expect_equal(done.returncode, 0, f"the status of package.sh, which said {done.stdout[-2000:]}{done.stderr[-2000:]}")
    package = pathlib.Path(done.stdout.splitlines()[-1])
    shutil.rmtree(source)
    return package


def need_tools():
    for name in ("meson", "dpkg-architecture", "dpkg-shlibdeps", "gzip"):
        if not shutil.which(name):
            raise Skip(f"{name} is not installed")
    return need("dpkg-deb")


def package(world):
    """Extracted to a folder, the package works from there, and says what it needs."""
    deb = need_tools()
    built = build_package(world)
    fields = subprocess.run([deb, "--field", built], capture_output=True, text=True, check=True).stdout
    for library in ("libc6", "libsqlite3-0", "libzstd1", "libdw1", "libunwind8"):
        expect(library in fields, f"the package does not depend on {library}: {fields}")
    tree = world.folder / "tree"
    subprocess.run([deb, "--extract", built, tree], check=True)
    expect((tree / "usr/share/doc/tenure/copyright").exists(), "there is no copyright file")
    expect((tree / "usr/share/man/man1/tenure-record.1.gz").exists(), "there is no manual page")
    expect((tree / "usr/share/zsh/vendor-completions/_tenure").exists(), "there is no completion for zsh")
    tenure = tree / "usr/bin/tenure"
    world.recorder = tree / "usr/libexec/tenure/tenure-recorder"
    log = world.new_log()
    result = world.run(tenure, "record", "--quiet", "-o", log, "--", "/bin/ls", "/")
    expect_equal((result.status, result.error_lines()), (0, []), "record")
    expect(query(log, "SELECT count(*) FROM allocation")[0][0] > 10, "nothing was recorded")
    expect_equal(world.run(tenure, "report", log).status, 0, "report")
    (shim,) = tree.glob("usr/lib/*/tenure/libtenure.so")
    preloaded, _ = world.preload("/bin/ls", "/", LD_PRELOAD=shim)
    expect_equal((preloaded.status, preloaded.err), (0, b""), "the bare library")


def package_in_fresh_tree(world):
    """Installed into a Debian of its own, used there, and removed."""
    need_tools()
    bootstrap = need("mmdebstrap")
    if os.getuid() != 0:
        raise Skip("only root may change its root folder here")
    built = build_package(world)
    script = world.folder / "fresh.sh"
    script.write_text(FRESH)
    release = subprocess.run(["sh", "-c", ". /etc/os-release && echo $VERSION_CODENAME"], capture_output=True, text=True).stdout.strip()
    done = subprocess.run(
        [bootstrap, "--quiet", "--variant=apt", "--include=perl", f"--include={built}",
         "--hook-dir=/usr/share/mmdebstrap/hooks/file-mirror-automount",
         f"--customize-hook=copy-in {script} /root", "--customize-hook=chroot $1 sh /root/fresh.sh",
         release, "/dev/null"],
        capture_output=True, text=True)
    expect_equal(done.returncode, 0, f"the status of mmdebstrap, which said {done.stdout[-2000:]}{done.stderr[-4000:]}")
    expect("everything worked" in done.stdout + done.stderr, f"it said {done.stdout}{done.stderr}")


CASES = {case.__name__: case for case in (package, package_in_fresh_tree)}


def main():
    build, source, name = sys.argv[1:]

    def run(world):
        world.source = pathlib.Path(source)
        CASES[name](world)

    return run_one(build, name, run)


if __name__ == "__main__":
    sys.exit(main())
