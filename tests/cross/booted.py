# SPDX-License-Identifier: MIT
"""Programs of 64-bit Arm, recorded on a kernel of its own in an emulated machine: shim, recorder and C library are all
of that processor, and nothing else runs. Counts equal what the programs tell of themselves, stacks equal libunwind's
walk; where return addresses are signed, they equal what the program is known to have called.

usage: booted.py CROSS-BUILD BUILD SYSROOT KERNELS NAME [CASE...]   boot kernel NAME, run cases, or all; a line each"""

import base64
import io
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import cases  # noqa: E402
import run  # noqa: E402
from harness import World, check_log, expect, expect_equal, meta  # noqa: E402

import emulated  # noqa: E402

# By kernel: memory in MiB, and the size of its pages.
BOOTS = {"oldest": (80, "4 kB"), "plain": (80, "4 kB"), "pages_16k": (512, "16 kB")}
LARGE_MIB = 512
# 100,000 blocks, or thousands of threads: what finishes their logs takes more memory than 80 MiB leave.
LARGE = {"churn", "handoff", "short_threads", "fork_threads"}
# Its stacks of 16 KiB are too small for this processor's C library.
LEFT_OUT = {"small_stacks"}
# libunwind 1.6.2 does not see for Arm where the stack of a coroutine ends, and gives its last frame again; and of a
# signal's handlers it does not step out of functions that have saved nothing.
STACKS_DIFFER = {"contexts", "signals"}
SIGNED = ("chains", "fork", "fork_exec", "fork_threads", "short_threads", "interrupted")
SAID_BY_SHELL = r"^(Aborted|Killed|Segmentation fault)\n"
PATIENCE_S = 1500
CASE_S = 200

INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp /run /out /work
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mkdir -p /dev/shm
export PATH=/bin LC_ALL=C HOME=/tmp XDG_RUNTIME_DIR=/run
ip link set lo up
stty -F /dev/console raw
echo "MACHINE kernel $(uname -r), pages of $(sed -n 's/KernelPageSize: *//p' /proc/self/smaps | head -n 1)," \
    "memory $(sed -n 's/MemTotal: *//p' /proc/meminfo)"
record() {
    name=$1; shift
    cd /work
    TRUTH=/out/truth TENURE_LOG=/out/log.db TENURE_ROWS=all TENURE_RECORDER=/tenure/tenure-recorder \\
        LD_PRELOAD=/tenure/libtenure.so timeout -s KILL CASE_S "$@" >/out/output 2>/out/errors </dev/null
    echo $? >/out/status
    while ls -l /proc/[0-9]*/exe 2>/dev/null | grep -q tenure-recorder; do usleep 100000; done
    echo "BEGIN $name"
    tar -C /out -czf - . | base64
    echo "END $name"
    rm -rf /out/* /tmp/*
}
"""


def needed(path):
    """The names of the libraries that a file asks for."""
    out = subprocess.run(["readelf", "-d", str(path)], check=True, capture_output=True, text=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", out)


def find_library(sysroot, name):
    for folder in ("usr/lib/aarch64-linux-gnu", "lib/aarch64-linux-gnu", "lib"):
        if (sysroot / folder / name).exists():
            return (sysroot / folder / name).resolve()
    raise FileNotFoundError(f"{name} is not below {sysroot}")


class Machine:
    """What the machine's file system holds, and the lines that it runs."""

    def __init__(self, folder, sysroot, busybox):
        self.root = folder / "root"
        self.sysroot = sysroot
        self.lines = []
        for name in ("bin", "lib/aarch64-linux-gnu", "tenure"):
            (self.root / name).mkdir(parents=True)
        self.put(busybox, "bin/busybox")
        self.put_libraries([find_library(sysroot, name) for name in ("ld-linux-aarch64.so.1", "libunwind.so.8", "libunwind-aarch64.so.8")])
        shutil.copy(find_library(sysroot, "ld-linux-aarch64.so.1"), self.root / "lib/ld-linux-aarch64.so.1")
        for name in ("libunwind.so.8", "libunwind-aarch64.so.8"):
            shutil.copy(find_library(sysroot, name), self.root / "lib/aarch64-linux-gnu" / name)

    def put_libraries(self, paths):
        for path in paths:
            for name in needed(path):
                target = self.root / "lib/aarch64-linux-gnu" / name
                if not target.exists() and not list((self.root / "tenure").rglob(name)):
                    source = find_library(self.sysroot, name)
                    shutil.copy(source, target)
                    self.put_libraries([source])

    def put(self, source, target):
        (self.root / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, self.root / target)

    def initramfs(self, path):
        init = self.root / "init"
        init.write_text(INIT.replace("CASE_S", str(CASE_S)) + "\n".join(self.lines) + "\necho ALL DONE\npoweroff -f\n")
        init.chmod(0o755)
        listing = subprocess.run(["find", "."], cwd=self.root, check=True, capture_output=True).stdout
        archive = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=self.root, input=listing, check=True, capture_output=True).stdout
        path.write_bytes(subprocess.run(["gzip", "-1"], input=archive, check=True, capture_output=True).stdout)


def boot(kernel, initramfs, memory_mib):
    command = [
        "qemu-system-aarch64", "-M", "virt", "-cpu", "max,pauth-impdef=on", "-smp", "2", "-m", str(memory_mib), "-nographic",
        "-no-reboot", "-nic", "none", "-kernel", kernel, "-initrd", initramfs, "-append", "console=ttyAMA0 loglevel=3 panic=-1 cma=0 rootfstype=ramfs",
    ]
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S)
    return done.stdout.decode(errors="replace").replace("\r", "")


def unpack(console, name, folder):
    """What a case left behind, from what it printed on the console."""
    match = re.search(rf"^BEGIN {name}\n(.*?)^END {name}$", console, re.M | re.S)
    expect(match, f"{name} printed nothing: the machine said, last, {console[-2000:]}")
    folder.mkdir()
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(match.group(1)))) as archive:
        archive.extractall(folder)
    return folder


class Trial:
    """A case, and how it runs in the machine."""

    def __init__(self, name, case, programs, checks_stacks):
        self.name, self.case, self.programs, self.checks_stacks = name, case, programs, checks_stacks

    def line(self):
        program, *arguments = [part.format(programs=self.programs) for part in self.case.command]
        options = ["TENURE_RING_SIZE=64K", *(["TENURE_CHECK_STACKS=1"] if self.checks_stacks else [])]
        if "--depth" in self.case.options:
            options.append(f"TENURE_DEPTH={self.case.options[self.case.options.index('--depth') + 1]}")
        return shlex.join(["record", self.name, "env", *options, f"{self.programs}/{program}", *arguments])

    def check(self, world, console):
        folder = unpack(console, self.name, world.folder / self.name)
        log = folder / "log.db"
        errors = (folder / "errors").read_text()
        expect_equal(errors if self.case.status < 128 else re.sub(SAID_BY_SHELL, "", errors), "", "what was written on stderr")
        expect_equal(int((folder / "status").read_text()), self.case.status, "status")
        run.check_truth(world, self.case, log, folder / "truth")
        if self.checks_stacks:
            told = meta(log)
            expect(int(told["stacks_checked"]) > 0, "no stack was checked")
            expect_equal(told["stacks_different"], "0", "stacks that differ from libunwind's walk")


class Signed:
    """tests/cross/signed.c"""

    name = "signed"
    case = cases.Truth("signed", ("signed",))

    def line(self):
        return "record signed env /tenure/cross/signed"

    def check(self, world, console):
        log = unpack(console, self.name, world.folder / self.name) / "log.db"
        check_log(log)
        emulated.check_signed(log)


def trials(memory_mib):
    known = {case.name: case for case in cases.TRUTHS if case.name not in LEFT_OUT}
    known = {name: case for name, case in known.items() if memory_mib >= LARGE_MIB or name not in LARGE}
    found = [Trial(case.name, case, "/tenure/e2e/programs", case.name not in STACKS_DIFFER) for case in known.values()]
    found += [Trial(f"signed_{name}", known[name], "/tenure/cross", False) for name in SIGNED if name in known]
    return {trial.name: trial for trial in [*found, Signed()]}


def build_machine(world, cross, sysroot, busybox, wanted):
    machine = Machine(world.folder, sysroot, busybox)
    for path in ("lib/shim/libtenure.so", "tools/tenure-recorder"):
        machine.put(cross / path, f"tenure/{pathlib.Path(path).name}")
        subprocess.run(["aarch64-linux-gnu-strip", machine.root / "tenure" / pathlib.Path(path).name], check=True)
    programs = {trial.case.command[0] for trial in wanted}
    for folder in ("e2e/programs", "cross"):
        for path in sorted((cross / "tests" / folder).iterdir()):
            if path.is_file() and (path.name in programs or path.suffix == ".so"):
                machine.put(path, f"tenure/{folder}/{path.name}")
    machine.put_libraries([path for path in (machine.root / "tenure").rglob("*") if path.is_file()])
    machine.lines = [trial.line() for trial in wanted]
    return machine


def main():
    cross, build, sysroot, kernels = (pathlib.Path(argument).resolve() for argument in sys.argv[1:5])
    name = sys.argv[5]
    memory_mib, page_size = BOOTS[name]
    known = trials(memory_mib)
    wanted = [known[case] for case in sys.argv[6:] or known]
    world = World(build)
    failures = 0
    initramfs = world.folder / "initramfs"
    build_machine(world, cross, sysroot, kernels / "busybox", wanted).initramfs(initramfs)
    begun = time.monotonic()
    console = boot(kernels / name, initramfs, memory_mib)
    (world.folder / "console").write_text(console)
    print(*re.findall("^MACHINE.*", console, re.M), f"{time.monotonic() - begun:.0f} s", flush=True)
    if f"pages of {page_size}" not in console:
        failures += 1
        print("fail", f"the kernel's pages: {console[-2000:]}", flush=True)
    for trial in wanted:
        try:
            trial.check(world, console)
            print("pass", trial.name, flush=True)
        except Exception:
            traceback.print_exc()
            failures += 1
            print("fail", trial.name, flush=True)
    world.close(keep=failures > 0)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
