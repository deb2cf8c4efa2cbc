# SPDX-License-Identifier: MIT
"""End-to-end tests: real recordings, compared with what is known from other sources.

usage: run.py --list            the names of all cases
       run.py BUILD CASE...     run cases on a build folder; exit status 77 when all were skipped"""

import os
import pathlib
import subprocess
import sys
import traceback

import bad
import cases
import oracle
import pages
import private
import recipes
import refusals
import scenarios
import truth
from harness import SKIP, Failure, Skip, World, check_log, expect, expect_equal, meta, need, query, value

PLAIN_ROWS = 1000000


def truth_command(world, case):
    program, *arguments = [part.format(programs=world.programs) for part in case.command]
    return (world.programs / program, *arguments)


def shell_status(result):
    """The status as a shell shows it: 128 and the signal's number for a program that a signal ended."""
    return 128 - result.status if result.status < 0 else result.status


def check_truth(world, case, log, told):
    """Check one recording of a Truth case."""
    sources = case.sources or tuple(f"{case.command[0]}{suffix}" for suffix in (".c", ".cpp"))
    check_log(log)
    truths, process_ids = truth.check(log, told, sources, case.extra_processes)
    expect(truth.total(truths) >= case.least, f"the program spoke of {truth.total(truths)} blocks only")
    if case.check:
        TRUTH_CHECKS[case.check](world, log, truths, process_ids)
    if int(meta(log)["allocations"]) <= PLAIN_ROWS:
        oracle.check(log)


def run_truth(world, case):
    command = truth_command(world, case)
    told = world.folder / "record.truth"
    result, log = world.record(*command, options=("--rows", "all", *case.options), TRUTH=told)
    expect_equal(result.err.decode(), case.errors, "what was written on stderr")
    expect_equal(result.status, case.status, "status under record")
    check_truth(world, case, log, told)
    if case.options and "--depth" in case.options:
        return
    told = world.folder / "preload.truth"
    result, log = world.preload(*command, TRUTH=told)
    expect_equal(result.err, b"", "what was written on stderr")
    expect_equal(shell_status(result), case.status, "status under the bare shim")
    check_truth(world, case, log, told)


def check_deep(world, log, truths, process_ids):
    sql = "SELECT count(*) FROM stack_frame WHERE function = 'down' AND stack_id = (SELECT stack_id FROM allocation WHERE size_bytes = 5432)"
    expect_equal(value(log, sql), 900, "frames of the recursion")
    expect_equal(value(log, "SELECT sum(is_cut) FROM stack"), 0, "cut stacks")


def check_cut(world, log, truths, process_ids):
    row = query(log, "SELECT s.depth, s.id FROM allocation a JOIN stack s ON s.id = a.stack_id WHERE a.size_bytes = 5432")
    expect_equal(row[0][0], 20, "depth of the stack that was cut")
    root = value(log, """WITH RECURSIVE up(id) AS (SELECT ? UNION ALL SELECT s.caller_id FROM stack s JOIN up USING (id)
                         WHERE s.caller_id IS NOT NULL) SELECT s.is_cut FROM stack s JOIN up USING (id) WHERE s.caller_id IS NULL""", row[0][1])
    expect_equal(root, 1, "mark of the cut")


def functions_of(log, size_bytes):
    """The functions of the one stack that the blocks of a size have, from the innermost on."""
    return value(log, """SELECT group_concat(function, ' ') FROM (SELECT function FROM stack_frame WHERE function IS NOT NULL
        AND stack_id = (SELECT max(stack_id) FROM allocation WHERE size_bytes = ?) ORDER BY position)""", size_bytes)


def check_signals(world, log, truths, process_ids):
    """Whatever the timer interrupts, main has called it."""
    strays = """SELECT count(*) FROM (SELECT DISTINCT stack_id FROM allocation WHERE size_bytes IN (310, 320)) AS s
        WHERE (SELECT count(*) FROM stack_frame WHERE stack_id = s.stack_id AND function = 'main') <> 1"""
    expect_equal(value(log, strays), 0, "stacks of handlers without main")
    expect_equal(value(log, "SELECT count(*) FROM stack WHERE is_cut"), 0, "stacks that are cut")


def check_interrupted(world, log, truths, process_ids):
    functions = functions_of(log, 360)
    expect(functions.startswith("on_signal ") and " leaf main " in functions, f"the handler's stack is {functions}")
    expect_equal(value(log, "SELECT count(*) FROM stack WHERE is_cut"), 0, "stacks that are cut")


def check_walked(world, log, truths, process_ids):
    functions = functions_of(log, 380)
    expect(functions.startswith("make strange_frame main "), f"the stack is {functions}")
    expect_equal(value(log, "SELECT count(*) FROM stack WHERE is_cut"), 0, "stacks that are cut")


def check_clean(world, log, truths, process_ids):
    """The executed image has neither shim nor session in its environment: it is not recorded, but counted."""
    expect_equal(len(process_ids), 2, "processes")
    expect_equal(meta(log)["processes_unrecorded_silent"], "1", "images that were not recorded")


TRUTH_CHECKS = {
    "positions": lambda world, log, truths, process_ids: truth.check_positions(log, truths, process_ids),
    "deep": check_deep,
    "cut": check_cut,
    "interrupted": check_interrupted,
    "signals": check_signals,
    "walked": check_walked,
    "clean": check_clean,
}


def prepare_same(world, case):
    """The command of a Same case, and the input and environment that it runs with."""
    if case.programs:
        need(*case.programs)
    command = [part.format(programs=world.programs) if part.startswith("{programs}") else part for part in case.command]
    if not command[0].startswith("/"):
        command[0] = need(command[0])
    return command, {"stdin": case.stdin, **case.environment}


def write_files(world, case):
    for entry in world.work.iterdir():
        subprocess.run(["rm", "-rf", entry], check=True)
    for name, content in case.files.items():
        (world.work / name).write_text(content)


def same_as_without(world, case, options):
    """Run without tenure, under record, and under the bare shim. Gives the two logs."""
    command, keywords = prepare_same(world, case)
    write_files(world, case)
    world.warm_up(*command, **keywords)
    write_files(world, case)
    bare = world.run(*command, **keywords)
    write_files(world, case)
    recorded, log = world.record(*command, options=options, **keywords)
    expect_equal(recorded.out, bare.out, "output under record")
    expect_equal(recorded.err, bare.err, "errors under record")
    expect_equal(recorded.status, shell_status(bare), "status under record")
    write_files(world, case)
    preloaded, other = world.preload(*command, **keywords)
    expect_equal(preloaded.out, bare.out, "output under the bare shim")
    expect_equal(preloaded.err, bare.err, "errors under the bare shim")
    expect_equal(preloaded.status, bare.status, "status under the bare shim")
    return log, other


def check_same(case, log):
    check_log(log)
    for sql, least in case.statements:
        found = int(value(log, sql))
        expect(found >= least, f"{sql}: {found}, at least {least}")
    names = {os.path.basename(path) for (path,) in query(log, "SELECT DISTINCT executable FROM process")}
    for name in case.executables:
        expect(any(name in found for found in names), f"{name} is not among the recorded {sorted(names)}")


def run_same(world, case):
    for log in same_as_without(world, case, case.options):
        check_same(case, log)
        if int(meta(log)["allocations"]) <= PLAIN_ROWS:
            oracle.check(log)


def run_stacks(world, case):
    same = next(c for c in cases.SAMES if c.name == case.same)
    command, keywords = prepare_same(world, same)
    write_files(world, same)
    world.warm_up(*command, **keywords)
    write_files(world, same)
    bare = world.run(*command, **keywords)
    write_files(world, same)
    recorded, log = world.record(*command, options=("--check-stacks",), **keywords)
    expect_equal((recorded.out, recorded.status), (bare.out, shell_status(bare)), "output and status")
    told = check_log(log)
    print(f"{told['stacks_checked']} stacks checked, {told['stacks_different']} differ; {told.get('rules_learned')} rules, {told.get('frames_complex')} complex frames")
    expect_equal(told["stacks_different"], "0", "stacks that differ from libunwind's own walk")
    expect(int(told["stacks_checked"]) >= case.least, f"{told['stacks_checked']} stacks checked, at least {case.least}")


def run_bad(world, case):
    trial = getattr(bad, case.prepare)(world)
    before = [path.read_bytes() if path.is_file() and os.access(path, os.R_OK) else None for path in trial.same]
    listing = sorted(os.listdir(world.work))
    result = world.run(*(bad.without_rights(trial.command) if trial.is_without_rights else trial.command))
    print(result.err.decode(errors="replace"), end="")
    expect_equal(result.status, case.status, "status")
    lines = result.error_lines()
    expect_equal(len(lines), 1, f"lines on stderr {lines}")
    expect(lines[0].startswith("tenure: "), f"'{lines[0]}' does not say who speaks")
    expect(case.says in lines[0], f"'{lines[0]}' does not say '{case.says}'")
    for path in trial.absent:
        expect(not path.exists(), f"{path} was left behind")
        for suffix in ("-wal", "-shm", "-journal"):
            expect(not pathlib.Path(f"{path}{suffix}").exists(), f"{path}{suffix} was left behind")
    after = [path.read_bytes() if path.is_file() and os.access(path, os.R_OK) else None for path in trial.same]
    expect(before == after, "a file that is not ours was changed")
    expect_equal(sorted(os.listdir(world.work)), listing, "files in the working directory")


def all_cases():
    """Name -> the function that runs the case in a World."""
    found = {}
    for case in cases.TRUTHS:
        found[f"truth_{case.name}"] = lambda world, case=case: run_truth(world, case)
    for case in cases.SAMES:
        found[f"same_{case.name}"] = lambda world, case=case: run_same(world, case)
    for case in cases.STACKS:
        found[f"stacks_{case.name}"] = lambda world, case=case: run_stacks(world, case)
    for case in cases.COUNTS:
        same = next(c for c in cases.SAMES if c.name == case.same)
        found[f"count_{case.name}"] = lambda world, same=same: scenarios.count(world, same, prepare_same)
    for case in cases.BADS:
        found[f"bad_{case.name}"] = lambda world, case=case: run_bad(world, case)
    for name, function in (scenarios.ALL | private.ALL | recipes.ALL | refusals.ALL | pages.ALL).items():
        found[name] = function
    return found


def run_one(build, name, function):
    """0 passed, 1 failed, 77 skipped."""
    world = World(build)
    status = 1
    try:
        function(world)
        status = 0
    except Skip as reason:
        print(f"{name}: skipped: {reason}")
        status = SKIP
    except Failure as failure:
        print(f"{name}: {failure}")
    except Exception:
        traceback.print_exc()
    try:
        world.close(keep=status == 1)
    except Failure as failure:
        print(f"{name}: {failure}")
        status = 1
    return status


def main():
    found = all_cases()
    if sys.argv[1:] == ["--list"]:
        print("\n".join(found))
        return 0
    build, names = sys.argv[1], sys.argv[2:] or list(found)
    statuses = {name: run_one(build, name, found[name]) for name in names}
    if len(names) > 1:
        for name, status in statuses.items():
            print(f"{ {0: 'passed', 1: 'FAILED', SKIP: 'skipped'}[status] } {name}")
    if 1 in statuses.values():
        return 1
    return SKIP if set(statuses.values()) == {SKIP} else 0


if __name__ == "__main__":
    sys.exit(main())
