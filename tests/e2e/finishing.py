# SPDX-License-Identifier: MIT
"""End-to-end tests of what happens between the program's end and a finished log: the prompt comes back, and whoever
reads the log finishes it. A test that holds the lock of finishing stands for a finishing process that takes long."""

import contextlib
import fcntl
import os
import pty
import select
import shutil
import signal
import subprocess
import time

from harness import Skip, expect, expect_equal, finished, meta, need, query, wait_until

FACTS = ("SELECT count(*) FROM allocation", "SELECT count(*), sum(allocations), sum(live_at_end) FROM site_summary",
         "SELECT group_concat(function) FROM (SELECT function FROM site ORDER BY 1)", "SELECT count(*) FROM timeline",
         "SELECT count(*) FROM stack_frame WHERE function IS NOT NULL")


def facts(log):
    return [query(log, sql) for sql in FACTS]


@contextlib.contextmanager
def held(log):
    """The lock under which one process at a time finishes a log; the log's file is there."""
    with open(log, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    # Closing the file releases it.


class Gated:
    """A recording whose program waits for a word, so that the log is there while it runs."""

    def __init__(self, world, *options, stderr=None, prefix=()):
        self.log = world.new_log()
        self.process = subprocess.Popen(
            [str(part) for part in (*prefix, world.tenure, "record", "-o", self.log, *options, "--", world.programs / "gated", 300)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr or subprocess.PIPE, cwd=world.work, env=world.environment())
        expect_equal(self.process.stdout.readline(), b"half\n", "the program's first line")

    def end(self):
        """Let the program end, and wait for `record`; gives its status."""
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        self.errors = self.process.communicate(timeout=120)[1]
        return self.process.returncode


def reference(world):
    """The same recording, finished as usual."""
    run = Gated(world, "--wait", "yes")
    status = run.end()
    return status, facts(run.log)


def prompt(world):
    """Without waiting, `record` ends when the events are closed; a reader waits, and gets the whole."""
    status, wanted = reference(world)
    run = Gated(world, "--wait", "no")
    with held(run.log):
        expect_equal(run.end(), status, "the status of record")
        expect_equal(meta(run.log).get("closed"), "1", "meta.closed at the prompt")
        expect(meta(run.log).get("finished") != "1", "the log is finished although the lock is held")
        reader = read(world, run.log)
        time.sleep(0.3)
        expect(reader.poll() is None, "a reader did not wait for the log to be finished")
    out, err = reader.communicate(timeout=120)
    expect_equal((reader.returncode, err), (0, b""), "the reader")
    expect(b"not finished" not in out and b"are missing" not in out, f"the reader said {out!r}")
    expect_equal(facts(run.log), wanted, "what the finished log holds")
    world.wait_finished(run.log)


def read(world, log):
    import subprocess

    return subprocess.Popen([str(world.tenure), "info", str(log)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=world.environment())


def kill_finishing(world, kind=signal.SIGKILL):
    """Kill the recorder and the process that finishes, also one that the recorder is about to start."""

    def are_gone():
        left = world.recorders()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, kind)
        return not left

    wait_until(are_gone, "a recorder does not end")


def killed(world):
    """Killed before the first step: `report` does all of it. Killed somewhere: `report` does the rest."""
    _, wanted = reference(world)
    run = Gated(world, "--wait", "no")
    with held(run.log):
        run.end()
        kill_finishing(world)
    expect(not finished(run.log), "the log is finished although nobody could")
    expect_equal(world.run(world.tenure, "report", run.log).status, 0, "report")
    expect_equal(facts(run.log), wanted, "after report")
    for delay_ms in (0, 2, 5, 10, 20, 40):
        run = Gated(world, "--wait", "no")
        run.end()
        time.sleep(delay_ms / 1000)
        kill_finishing(world)
        expect_equal(world.run(world.tenure, "report", run.log).status, 0, f"report, killed after {delay_ms} ms")
        expect_equal(facts(run.log), wanted, f"after report, killed after {delay_ms} ms")
        expect_equal(query(run.log, "PRAGMA integrity_check"), [("ok",)], "integrity")


def copied(world):
    """A copy that was made meanwhile is finished by its own reader; the original by its own."""
    _, wanted = reference(world)
    run = Gated(world, "--wait", "no")
    copy = world.folder / "copy.db"
    with held(run.log):
        run.end()
        shutil.copy(run.log, copy)
        for suffix in ("-wal", "-shm"):
            if os.path.exists(f"{run.log}{suffix}"):
                shutil.copy(f"{run.log}{suffix}", f"{copy}{suffix}")
        expect_equal(world.run(world.tenure, "report", copy).status, 0, "report of the copy")
        expect(not finished(run.log), "the original is finished although the lock is held")
    expect_equal(facts(copy), wanted, "the copy")
    world.wait_finished(run.log)
    expect_equal(facts(run.log), wanted, "the original")


def crowd(world):
    """Several readers at once: one of them finishes, the others wait, all see the same."""
    _, wanted = reference(world)
    run = Gated(world, "--wait", "no")
    with held(run.log):
        run.end()
        kill_finishing(world)
        readers = [read(world, run.log) for _ in range(4)]
    outs = {reader.communicate(timeout=120)[0] for reader in readers}
    expect_equal(len(outs), 1, "different answers")
    expect_equal([reader.returncode for reader in readers], [0] * 4, "statuses")
    expect_equal(facts(run.log), wanted, "the log")


def as_asked(world):
    """Whoever finishes takes the rows and wrappers that the recording was asked for."""
    for options in (("--rows", "none"), ("--wrapper", "no_such_function"), ("--find-wrappers", "no")):
        whole = Gated(world, "--wait", "yes", *options)
        whole.end()
        run = Gated(world, "--wait", "no", *options)
        with held(run.log):
            run.end()
            kill_finishing(world)
        expect_equal(world.run(world.tenure, "info", run.log).status, 0, "info")
        has_rows = [query(log, "SELECT count(*) FROM sqlite_schema WHERE name = 'allocation'") for log in (whole.log, run.log)]
        expect_equal(has_rows[0], has_rows[1], f"plain rows with {options}")
        expect_equal(query(run.log, FACTS[1]), query(whole.log, FACTS[1]), f"summaries with {options}")


def read_only(world):
    """A log that its reader cannot write is read as it is, and says so."""
    run = Gated(world, "--wait", "no")
    with held(run.log):
        run.end()
        kill_finishing(world)
    shelf = world.folder / "shelf"
    shelf.mkdir()
    kept = shelf / "kept.db"
    shutil.copy(run.log, kept)
    kept.chmod(0o444)
    shelf.chmod(0o555)
    # root without its leave to write everywhere; another user could not reach a build in a closed folder
    plain = (need("setpriv"), "--inh-caps=-dac_override", "--bounding-set=-dac_override") if os.getuid() == 0 else ()
    result = world.run(*plain, world.tenure, "info", kept)
    expect_equal(result.status, 0, f"info, which said {result.err}")
    expect(b"are missing" in result.out, f"info does not say what is missing: {result.out!r}")
    shelf.chmod(0o755)
    world.damaged.add(run.log)


def on_terminal(world, *prefix):
    """`record` with a terminal as stderr: (log, status, what it printed, whether it had finished when it ended)."""
    leader, follower = pty.openpty()
    run = Gated(world, stderr=follower, prefix=prefix)
    os.close(follower)
    return run, leader


def drain(fd):
    text = b""
    with contextlib.suppress(OSError):
        while select.select([fd], [], [], 0.2)[0]:
            got = os.read(fd, 65536)
            if not got:
                break
            text += got
    os.close(fd)
    return text.decode(errors="replace")


def terminal(world):
    """On a terminal the prompt comes back at once, and the summary says that names follow."""
    run, leader = on_terminal(world)
    with held(run.log):
        run.end()
        expect(not finished(run.log), "record waited, though it has a terminal")
    said = drain(leader)
    expect("in the background" in said and "tenure report" in said, f"record said {said!r}")
    world.wait_finished(run.log)
    expect(finished(run.log), "the log was not finished")


def as_first_process(world):
    """As PID 1, whose end takes all others along, `record` waits, also on a terminal."""
    if os.getuid() != 0:
        raise Skip("only root may make a PID namespace here")
    run, leader = on_terminal(world, need("unshare"), "--pid", "--fork", "--mount-proc")
    run.end()
    drain(leader)
    expect(finished(run.log), "record did not wait")


def for_a_time(world):
    """With --duration, the log is closed while the program runs on; its status is that of the program."""
    whole, _ = reference(world)
    run = Gated(world, "--duration", "0.2s", "--wait", "yes")
    wait_until(lambda: meta(run.log).get("finished") == "1", "the log is not closed in time")
    expect(run.process.poll() is None, "record ended before its program")
    expect_equal(query(run.log, "SELECT exit_kind FROM process"), [("running",)], "how the process ended, as the log has it")
    half = query(run.log, "SELECT count(*) FROM allocation")
    expect_equal(run.end(), whole, "the status")
    expect(f"the log '{run.log}' is closed after 200 ms; '".encode() in run.errors, f"said {run.errors}")
    expect(b"' runs on unrecorded\n" in run.errors, f"said {run.errors}")
    expect_equal(query(run.log, "SELECT count(*) FROM allocation"), half, "allocations after the log was closed")
    expect_equal(meta(run.log).get("complete"), "1", "meta.complete")


def for_a_long_time(world):
    """A program that ends before is recorded to its end."""
    status, wanted = reference(world)
    run = Gated(world, "--duration", "1h", "--wait", "yes")
    expect_equal((run.end(), facts(run.log)), (status, wanted), "status and log")


def recorder_killed(world):
    """Who records is told by name and signal that nobody does any more, and the program runs to its end."""
    whole, _ = reference(world)
    run = Gated(world)
    world.is_littered = True
    for process_id in world.recorders():
        os.kill(process_id, signal.SIGKILL)
    wait_until(lambda: not world.recorders(), "the recorder lives on")
    expect_equal(run.end(), whole, "the status")
    told = run.errors.decode()
    expect("recording stopped: the recorder was killed by signal 9 (Killed); '" in told, f"said {told}")
    expect(f"' runs on unrecorded, and the log '{run.log}' h" in told, f"said {told}")


ALL = {
    "record_recorder_killed": recorder_killed,
    "record_for_a_time": for_a_time,
    "record_for_a_long_time": for_a_long_time,
    "finish_prompt": prompt,
    "finish_killed": killed,
    "finish_copied": copied,
    "finish_crowd": crowd,
    "finish_as_asked": as_asked,
    "finish_read_only": read_only,
    "finish_terminal": terminal,
    "finish_first_process": as_first_process,
}
