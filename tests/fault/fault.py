# SPDX-License-Identifier: MIT
"""Faults around a recording, provoked: the program must not notice them.

usage: fault.py --list | fault.py BUILD CASE..."""

import os
import pathlib
import resource
import signal
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import run as e2e_run
import truth
from harness import Skip, check_log, expect, expect_equal, meta, need, query, value, wait_until
from scenarios import Running, gated_output, preloaded

BLOCKS = 50000


def check_unharmed(found, wanted, err_lines=()):
    """The program ends as it does without tenure: status and output."""
    expect_equal(found[:2], wanted[:2], "status and output")
    lines = found[2].decode().splitlines()
    expect_equal(len(lines), len(err_lines), f"lines on stderr {lines}")
    for line, words in zip(lines, err_lines):
        expect(line.startswith("tenure: ") and words in line, f"'{line}' does not say '{words}'")


def cut_log(log):
    """A log whose recording was cut short: it opens, is sound, says that it is not complete, and can be read."""
    expect_equal(value(log, "PRAGMA integrity_check"), "ok", "integrity")
    expect_equal(meta(log).get("complete"), "0", "meta.complete")


def check_readable(world, log):
    for command in (("info", log), ("report", log), ("sql", log, "SELECT count(*) FROM allocation")):
        result = world.run(world.tenure, *command)
        said = b"" if command[0] != "sql" else b"tenure: the log is not finished, "
        expect(result.err.startswith(said) and result.err.count(b"\n") == bool(said),
               f"tenure {command[0]} of a log that was cut short said {result.err!r}")
        expect_equal(result.status, 0, f"tenure {command[0]} of a log that was cut short")
    text = world.run(world.tenure, "info", log).out.decode().lower()
    expect("complete" in text or "cut short" in text, f"info says nothing of the cut: {text}")


def kill(world, pid):
    """Kill a recorder with SIGKILL; it may leave files behind then."""
    world.is_littered = True
    os.kill(pid, signal.SIGKILL)


def recorder_of(world):
    wait_until(lambda: world.recorders(), "no recorder runs")
    return world.recorders()[0]


def kill_recorder(world, how):
    """The recorder dies in mid-run under the bare shim."""
    wanted = gated_output(world, BLOCKS)
    log = world.new_log()
    program = preloaded(world, log, world.programs / "gated", BLOCKS)
    expect_equal(program.line(), b"half\n", "the first line")
    wait_until(lambda: committed_births(log) > 0, "nothing was committed")
    if how == signal.SIGKILL:
        kill(world, recorder_of(world))
    else:
        os.kill(recorder_of(world), how)
    wait_until(lambda: not world.recorders(), "the recorder lives on")
    program.go()
    check_unharmed(program.end(), wanted)
    return log


def committed_births(log):
    try:
        return value(log, "SELECT coalesce(sum(births), 0) FROM chunk")
    except Exception:
        return 0


def recorder_killed(world):
    log = kill_recorder(world, signal.SIGKILL)
    cut_log(log)
    check_readable(world, log)
    # What the dead recorder left in the session directory is in nobody's way.
    result, log = world.preload(world.programs / "deep", "5")
    expect_equal((result.err, result.status), (b"", 0), "the next program")
    check_log(log)


def recorder_terminated(world):
    """SIGTERM closes the log in order; the process row says that the program still ran."""
    log = kill_recorder(world, signal.SIGTERM)
    check_log(log, is_complete=False)
    expect_equal(meta(log).get("complete"), "1", "meta.complete")
    expect_equal(query(log, "SELECT exit_kind FROM process"), [("running",)], "end of the process")
    births = value(log, "SELECT sum(births) FROM chunk")
    expect(births >= BLOCKS, f"{births} births of {BLOCKS} before the signal")


def recorder_killed_under_record(world):
    wanted = gated_output(world, BLOCKS)
    log = world.new_log()
    program = Running(world, world.tenure, "record", "-o", log, "--", world.programs / "gated", BLOCKS)
    expect_equal(program.line(), b"half\n", "the first line")
    wait_until(lambda: committed_births(log) > 0, "nothing was committed")
    kill(world, recorder_of(world))
    program.go()
    status, out, err = program.end()
    expect_equal((status, out), wanted[:2], "status and output")
    expect("recorder" in err.decode(), f"record says that its recorder has gone: {err.decode()}")
    cut_log(log)
    check_readable(world, log)


def full_busy_ring(world):
    """The recorder dies while threads fill small rings and wait for it."""
    program_path = world.programs / "handoff"
    log = world.new_log()
    program = preloaded(world, log, program_path, TENURE_RING_SIZE="256K")
    kill(world, recorder_of(world))
    status, out, err = program.end()
    expect_equal((status, out), (0, b""), "end of the program")
    # The recorder may have died before the program knew it: then there is the one line.
    expect(len(err.splitlines()) <= 1, f"more than one line: {err}")


def stopped_recorder(world):
    """A recorder that stands still makes the program wait, and go on when it does."""
    log = world.new_log()
    program = preloaded(world, log, world.programs / "gated", BLOCKS, TENURE_RING_SIZE="256K")
    expect_equal(program.line(), b"half\n", "the first line")
    wait_until(lambda: committed_births(log) > 0, "nothing was committed")
    recorder = recorder_of(world)
    os.kill(recorder, signal.SIGSTOP)
    program.go()
    wait_until(lambda: is_asleep(program.pid), "the program does not wait")
    os.kill(recorder, signal.SIGCONT)
    wanted = gated_output(world, BLOCKS)
    check_unharmed(program.end(), wanted)
    world.wait_finished(log)
    check_log(log)
    expect_equal(value(log, "SELECT sum(births) FROM chunk") >= 2 * BLOCKS, True, "births")


def is_asleep(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "S"


def unrecorded(world, words, preexec=None, **environment):
    """The program runs unrecorded, and one line says why."""
    wanted = gated_output(world, 1000)
    log = world.new_log()
    program = Running(world, world.programs / "gated", 1000, preexec=preexec, TENURE_LOG=log,
                      **{"LD_PRELOAD": world.shim, **environment})
    expect_equal(program.line(), b"half\n", "the first line")
    program.go()
    check_unharmed(program.end(), wanted, err_lines=(words,))
    return log


def recorder_missing(world):
    log = unrecorded(world, "recorder that TENURE_RECORDER names cannot be started: No such file", TENURE_RECORDER="/no/such/recorder")
    expect(not log.exists(), "a log was made")


def recorder_is_another_program(world):
    log = unrecorded(world, "", TENURE_RECORDER=need("false"))
    expect(not log.exists(), "a log was made")


def recorder_says_nothing(world):
    """Something that starts and never answers: the program goes on after the time limit of the handshake."""
    script = world.folder / "mute"
    script.write_text("#!/bin/sh\nexec sleep 20 >/dev/null 2>&1\n")
    script.chmod(0o755)
    unrecorded(world, "", TENURE_RECORDER=script)


def broken_library(world):
    folder = world.folder / "broken"
    folder.mkdir()
    for name in ("libunwind.so.8", "libunwind-x86_64.so.8"):
        (folder / name).write_text("no library\n")
    return folder


def cut_stacks(world, **environment):
    """Without libunwind everything is recorded; a stack ends, and is marked as cut, where only it could go on."""
    told = world.folder / "truth"
    result, log = world.preload(world.programs / "unwalked", TRUTH=told, TENURE_ROWS="all", **environment)
    expect_equal((result.status, result.err), (0, b""), "status and errors")
    check_log(log)
    truth.check(log, told, ("unwalked.c",))
    cut = "SELECT group_concat(f.function, ' ') FROM stack_frame f JOIN stack s ON s.id = f.stack_id WHERE s.is_cut"
    expect_equal(e2e_run.functions_of(log, 390).split()[0], "main", "where blocks without such a frame are made")
    expect_equal(e2e_run.functions_of(log, 380), "make strange_frame", "the stack that is cut")
    expect_equal(value(log, cut), "strange_frame", "frames at which stacks are cut")
    told = world.run(world.tenure, "info", log)
    expect(b"2 call stacks were cut." in told.out or b"1 call stacks were cut." in told.out, f"info says {told.out}")
    expect(b"and it was not there: these stacks are cut" in told.out, f"info says {told.out}")


def libunwind_broken(world):
    cut_stacks(world, LD_LIBRARY_PATH=broken_library(world))


def libunwind_not_built(world):
    cut_stacks(world, LD_PRELOAD=world.build / "tests/fault/libtenure_by_rules.so", TENURE_RECORDER=world.recorder)


def kernel_4_19(world):
    """Without the system calls that newer kernels have: tool, recorder and shim do all that they do else."""
    old = world.build / "tests/fault/old_kernel"
    told = world.folder / "truth"
    log = world.new_log()
    result = world.run(old, world.tenure, "record", "--quiet", "--wait", "yes", "-o", log, "--rows", "all", "--", world.programs / "forks", "forkexec",
                       TRUTH=told, TENURE_BEHIND_FILTER=1)
    expect_equal((result.status, result.err), (0, b""), "status and errors of record")
    check_log(log)
    truth.check(log, told, ("forks.c",))
    kinds = query(log, "SELECT DISTINCT exit_kind FROM process WHERE parent_id IS NULL")
    expect_equal(kinds, [("exit",)], "how the first process ended")


def kernel_4_19_bare(world):
    """The same without `record`; the recorder keeps nothing open of what the program had."""
    old = world.build / "tests/fault/old_kernel"
    kept = world.folder / "kept"
    log = world.new_log()
    told = world.folder / "truth"

    script = 'exec 5>>"$KEPT" 9>>"$KEPT"; LD_PRELOAD="$SHIM" exec "$@"'
    program = Running(world, old, "sh", "-c", script, "sh", world.programs / "gated", 1000, KEPT=kept, SHIM=world.shim,
                      TENURE_LOG=log, TRUTH=told, TENURE_ROWS="all", TENURE_BEHIND_FILTER=1)
    program.line()
    recorders = world.recorders()
    expect(recorders, "no recorder")
    for pid in recorders:
        folder = pathlib.Path(f"/proc/{pid}/fd")
        expect(str(kept) not in {os.readlink(entry) for entry in folder.iterdir() if entry.is_symlink()}, "the recorder keeps the program's file open")
    program.go()
    check_unharmed(program.end(), gated_output(world, 1000))
    world.wait_finished(log)
    check_log(log)
    truth.check(log, told, ("gated.c",))


def address_space_limit(world):
    """Little address space: everything is recorded; too little for the rings: the program, but no recording."""
    limit = 85 << 20
    told = world.folder / "truth"
    log = world.new_log()
    program = Running(world, world.programs / "gated", 1000, LD_PRELOAD=world.shim, TENURE_LOG=log, TRUTH=told,
                      TENURE_ROWS="all", preexec=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    program.line()
    program.go()
    check_unharmed(program.end(), gated_output(world, 1000))
    world.wait_finished(log)
    check_log(log)
    truth.check(log, told, ("gated.c",))
    unrecorded(world, "memory", preexec=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
               TENURE_RING_SIZE="64M")


def descriptor_limit(world):
    """Not one descriptor to spare."""
    log = world.new_log()
    program = Running(world, world.programs / "gated", 1000, LD_PRELOAD=world.shim, TENURE_LOG=log,
                      preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3)))
    # The loader itself cannot open the program's libraries then: it is the program that fails, not we.
    status, out, err = program.end()
    expect(status in (127, 7, 2), f"status {status}")


def file_size_limit(world):
    """A limit on the size of files must not kill the program, nor make a signal of it."""
    limit = 1 << 20
    wanted = gated_output(world, 1000)
    log = world.new_log()
    program = Running(world, world.programs / "gated", 1000, LD_PRELOAD=world.shim, TENURE_LOG=log,
                      preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    expect_equal(program.line(), b"half\n", "the first line")
    program.go()
    found = program.end()
    expect_equal(found[:2], wanted[:2], "status and output")
    expect(len(found[2].splitlines()) <= 1, f"more than one line: {found[2]}")


def log_not_creatable(world):
    """The log's folder is missing: under the bare shim too, one line, and the program runs."""
    wanted = gated_output(world, 1000)
    program = preloaded(world, world.folder / "no-such-folder/x.db", world.programs / "gated", 1000)
    expect_equal(program.line(), b"half\n", "the first line")
    program.go()
    check_unharmed(program.end(), wanted, err_lines=("log that TENURE_LOG names cannot be written: No such file",))


def log_exists(world):
    """The bare shim never overwrites."""
    wanted = gated_output(world, 1000)
    log = world.folder / "precious.db"
    log.write_text("the owner's own text\n")
    program = preloaded(world, log, world.programs / "gated", 1000)
    expect_equal(program.line(), b"half\n", "the first line")
    program.go()
    check_unharmed(program.end(), wanted, err_lines=("",))
    expect_equal(log.read_text(), "the owner's own text\n", "the file")


# The log lies on a file system of its own, too small for it; in a mount namespace, so that it goes with the test.
SMALL_DISK = """
set -e
mount -t tmpfs -o size=%dk tenure-test "$1"
shift
set +e
"$@"
status=$?
cp "$DISK"/* "$KEEP"/ 2>/dev/null
exit $status
"""


def on_small_disk(world, size_kib, *command, **environment):
    """Run a command whose log folder is a full disk soon; what is left of it is copied to world.folder/keep."""
    if os.getuid() != 0:
        raise Skip("only root can mount a small disk")
    need("unshare", "mount")
    disk, keep = world.folder / "disk", world.folder / "keep"
    disk.mkdir()
    keep.mkdir()
    result = world.run("unshare", "--mount", "sh", "-c", SMALL_DISK % size_kib, "sh", disk, *command,
                       DISK=disk, KEEP=keep, **environment)
    if b"mount:" in result.err or b"unshare:" in result.err:
        raise Skip(f"no mount is possible here: {result.err.decode()}")
    return result, disk, keep


def disk_full(world):
    """The disk fills up in mid-run under record: the program ends as ever, the log has what was committed."""
    bare = world.run(world.programs / "churn", "4000000")
    result, disk, keep = on_small_disk(
        world, 2048, world.tenure, "record", "-o", world.folder / "disk/log.db", "--", world.programs / "churn", "4000000")
    expect_equal((result.out, result.status), (bare.out, bare.status), "output and status of the program")
    text = result.err.decode()
    expect("No space left" in text or "disk" in text or "full" in text, f"record does not say that the disk is full: {text}")
    log = keep / "log.db"
    expect(log.exists(), "no log was left")
    cut_log(log)
    check_readable(world, log)


def disk_full_at_once(world):
    """No room even for an empty log: record says so, and does not start the program."""
    result, disk, keep = on_small_disk(
        world, 8, world.tenure, "record", "-o", world.folder / "disk/log.db", "--", world.programs / "deep", "5")
    expect_equal(result.status, 125, "status")
    expect_equal(len(result.error_lines()), 1, f"lines on stderr {result.error_lines()}")
    expect_equal(os.listdir(keep), [], "files left behind")


def report_of_damaged_chunk(world):
    """One byte of packed events is wrong: the readers say so, and do not crash or make up figures."""


    result, log = world.record(world.programs / "churn", "20000", options=("--rows", "none"))
    database = sqlite3.connect(log)
    data = bytearray(database.execute("SELECT data FROM chunk LIMIT 1").fetchone()[0])
    for place in (0, len(data) // 2, len(data) - 1):
        bad = bytearray(data)
        bad[place] ^= 0x5A
        database.execute("UPDATE chunk SET data = ? WHERE rowid = (SELECT min(rowid) FROM chunk)", (bytes(bad),))
        database.commit()
        result = world.run(world.tenure, "sql", log, "SELECT sum(size_bytes), count(death_ns) FROM allocation")
        expect_equal(result.status, 3, f"status with byte {place} wrong ({result.out})")
        expect_equal(len(result.error_lines()), 1, f"lines on stderr {result.error_lines()}")
    database.close()


ALL = {
    function.__name__: function
    for function in (
        recorder_killed, recorder_terminated, recorder_killed_under_record, full_busy_ring, stopped_recorder,
        recorder_missing, recorder_is_another_program, recorder_says_nothing, libunwind_broken, libunwind_not_built, kernel_4_19,
        kernel_4_19_bare,
        address_space_limit, descriptor_limit, file_size_limit, log_not_creatable, log_exists, disk_full,
        disk_full_at_once, report_of_damaged_chunk,
    )
}


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(ALL))
        return 0
    statuses = {name: e2e_run.run_one(sys.argv[1], name, ALL[name]) for name in sys.argv[2:] or list(ALL)}
    if len(statuses) > 1:
        for name, status in statuses.items():
            print(f"{ {0: 'passed', 1: 'FAILED', 77: 'skipped'}[status] } {name}")
    if 1 in statuses.values():
        return 1
    return 77 if set(statuses.values()) == {77} else 0


if __name__ == "__main__":
    sys.exit(main())
