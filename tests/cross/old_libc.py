# SPDX-License-Identifier: MIT
"""Programs of an older C library, and the shim built for it; the recorder is of this machine. Counts equal what the
programs tell of themselves. Library, loader and start files are those of a folder: its loader is named in the programs.

usage: old_libc.py OLD-BUILD BUILD SYSROOT [CASE...]   run cases, or all; a line each"""

import dataclasses
import os
import pathlib
import subprocess
import sys
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import cases  # noqa: E402
import run  # noqa: E402
from harness import World, expect_equal  # noqa: E402

SOURCES = ROOT / "tests/e2e/programs"
# In C: there is no older library of C++ to link with.
RECORDED = (
    "churn", "handoff", "chains", "aligned", "signals", "interrupted", "unwalked", "contexts", "small_stacks",
    "short_threads", "positions", "deep", "fork", "clone", "fork_exec", "spawn", "vfork_exec", "daemon", "fork_threads",
    "fork_tree", "exec", "closed_descriptors", "end_return", "end_exit", "end_from_thread", "end_quick", "end_kill",
)
# Frames that only libunwind walks are cut, those of linkage tables among them: the build has none.
UNCHECKED = {"unwalked", "signals"}


def link_options(sysroot):
    library, other = sysroot / "lib/x86_64-linux-gnu", sysroot / "usr/lib/x86_64-linux-gnu"
    (loader,) = library.glob("ld-2.*.so")
    return [f"--sysroot={sysroot}", f"-B{other}", f"-L{other}", f"-L{library}", f"-Wl,--dynamic-linker={loader}",
            "-Wl,--disable-new-dtags", f"-Wl,-rpath,{library}:{other}:$ORIGIN"]


def compile_programs(folder, sysroot, names):
    compiler, options = os.environ.get("CC", "gcc").split(), link_options(sysroot)
    common = ["-D_GNU_SOURCE", *options]

    def run_compiler(*arguments):
        subprocess.run([*compiler, *map(str, arguments)], check=True)

    run_compiler("-O2", "-fPIC", "-shared", "-ftls-model=initial-exec", SOURCES / "truth.c", "-o", folder / "libtruth.so", *common)
    for name in names:
        run_compiler("-g", "-fno-builtin", f'-DTRUTH_MODULE="{name}"', SOURCES / f"{name}.c", "-o", folder / name, f"-L{folder}",
                     "-ltruth", "-lpthread", "-ldl", *common)


class OldWorld(World):
    """A world whose programs and libraries to preload are of the older C library."""

    def __init__(self, old, build, sysroot):
        super().__init__(build)
        self.shim = old / "lib/shim/libtenure.so"
        self.inject = old / "lib/inject/libtenure_inject.so"
        self.programs = self.folder / "programs"
        self.programs.mkdir()

    def preload(self, *command, **keywords):
        return super().preload(*command, TENURE_RECORDER=self.recorder, **keywords)


def run_case(world, case):
    told = world.folder / f"{case.name}.truth"
    result, log = world.preload(*run.truth_command(world, case), TRUTH=told)
    expect_equal(result.err, b"", "what was written on stderr")
    expect_equal(run.shell_status(result), case.status, "status")
    run.check_truth(world, dataclasses.replace(case, check="") if case.name in UNCHECKED else case, log, told)


def run_inject(world):
    """It is loaded, and lets the program do what it does."""
    command = (world.programs / "churn", "1000")
    bare = world.run(*command, TRUTH=world.folder / "bare.truth")
    beside = world.run(*command, TRUTH=world.folder / "inject.truth", LD_PRELOAD=world.inject)
    expect_equal((beside.out, beside.err, beside.status), (bare.out, b"", bare.status), "output, errors and status")


def main():
    old, build, sysroot = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
    known = {case.name: case for case in cases.TRUTHS}
    names = sys.argv[4:] or [*RECORDED, "inject"]
    world = OldWorld(old, build, sysroot)
    compile_programs(world.programs, sysroot, sorted({known[name].command[0] for name in names if name in known} | {"churn"}))
    failures = 0
    for name in names:
        try:
            run_inject(world) if name == "inject" else run_case(world, known[name])
            print("pass", name, flush=True)
        except Exception:
            traceback.print_exc()
            failures += 1
            print("fail", name, flush=True)
    world.close(keep=failures > 0)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
