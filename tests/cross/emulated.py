# SPDX-License-Identifier: MIT
"""Programs of another processor under an emulator: the shim emulated, too, the recorder native. Counts equal what the
programs tell of themselves, and stacks equal libunwind's walk. Where return addresses are signed, which libunwind
1.6.2 does not know, they equal what the program is known to have called. Without libunwind, stacks that it takes are
cut.

usage: emulated.py CROSS-BUILD BUILD SYSROOT [CASE...]   run cases, or all; prints a line each"""

import pathlib
import sys
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests/fault")]

import cases  # noqa: E402
import fault  # noqa: E402
import run  # noqa: E402
from harness import World, check_log, expect_equal, meta, query  # noqa: E402

# Of the programs that tell the truth, those that an emulator can run. Left out: what executes programs (the emulator
# would have to be registered with the kernel), raw clone, descriptors that are closed behind the emulator's back, and
# signals, since the emulator's own return from a handler lies in no module.
EMULATED = (
    "churn", "handoff", "chains", "aligned", "operators", "early", "thread_local", "contexts", "interrupted_own",
    "unwalked", "short_threads", "plugins",
    "positions", "deep", "fork", "fork_tree", "end_return", "end_exit", "end_at_once",
)
# libunwind 1.6.2 does not see for Arm where the stack of a coroutine ends, and gives its last frame again.
STACKS_DIFFER = {"contexts"}
SIGNED_CALLS = 8  # as in signed.c
FRAMES = """
SELECT a.size_bytes - 100, sum(f.function = 'down'), sum(f.function = 'main'), min(s.is_cut)
FROM allocation a JOIN stack_frame f ON f.stack_id = a.stack_id JOIN stack s ON s.id = a.stack_id
WHERE a.size_bytes BETWEEN 101 AND 100 + ? GROUP BY a.id ORDER BY 1"""


class EmulatedWorld(World):
    """A world whose programs and shim are of another processor."""

    def __init__(self, cross, build, sysroot):
        super().__init__(build)
        self.shim = cross / "lib/shim/libtenure.so"
        self.programs = cross / "tests/e2e/programs"
        self.signed = cross / "tests/cross/signed"
        self.shim_by_rules = cross / "tests/fault/libtenure_by_rules.so"
        self.emulator = ("qemu-aarch64-static", "-cpu", "max", "-L", sysroot)

    def preload(self, *command, **keywords):
        more = {"TENURE_RECORDER": self.recorder, "TENURE_CLOCK": "monotonic"}
        return super().preload(*self.emulator, *command, **more, **keywords)


def check_stacks(case, log):
    told = meta(log)
    checked, different = int(told.get("stacks_checked", "0")), int(told.get("stacks_different", "0"))
    if checked == 0:
        raise AssertionError("no stack was checked")
    if case.name not in STACKS_DIFFER:
        expect_equal(different, 0, "stacks that differ from libunwind's walk")


def run_case(world, case):
    told = world.folder / "emulated.truth"
    result, log = world.preload(*run.truth_command(world, case), TRUTH=told, TENURE_CHECK_STACKS=1)
    expect_equal(result.err, b"", "what was written on stderr")
    expect_equal(run.shell_status(result), case.status, "status under the emulator")
    run.check_truth(world, case, log, told)
    check_stacks(case, log)


def check_signed(log):
    wanted = [(calls, calls, 1, 0) for calls in range(1, SIGNED_CALLS + 1)]
    expect_equal(query(log, FRAMES, SIGNED_CALLS), wanted, "frames by calls")


def run_signed(world):
    result, log = world.preload(world.signed)
    expect_equal((result.err, result.status), (b"", 0), "what signed wrote, and its status")
    check_log(log)
    check_signed(log)


def run_by_rules(world):
    fault.cut_stacks(world, LD_PRELOAD=world.shim_by_rules)


OTHERS = {"signed": run_signed, "by_rules": run_by_rules}


def main():
    cross, build = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    known = {case.name: case for case in cases.TRUTHS}
    failures = 0
    for name in sys.argv[4:] or (*EMULATED, *OTHERS):
        world = EmulatedWorld(cross, build, sys.argv[3])
        is_sound = False
        try:
            OTHERS[name](world) if name in OTHERS else run_case(world, known[name])
            is_sound = True
        except Exception:
            traceback.print_exc()
            failures += 1
        finally:
            world.close(keep=not is_sound)
        print("pass" if is_sound else "fail", name, flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
