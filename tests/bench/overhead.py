# SPDX-License-Identifier: MIT
"""What a recording costs: programs without a tool, under tenure and under heaptrack, in turn, several rounds,
one table of medians, and which of the targets are met. Status 1 when a recording is not exact.

usage: overhead.py BUILD [--rounds N] [--seconds N] [WORD...]

WORD       only the workloads whose name holds one of the words
--rounds   3 unless told
--seconds  no further round is begun that would end later than this; 330 unless told"""

import argparse
import dataclasses
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time

from workloads import workloads  # also opens the way to the harness

from harness import World, expect, expect_equal, query, value

import table

PATIENCE_S = 300  # the longest that one run may take
STEP_S = 0.002  # how often a log is looked at for its end
TOLD = re.compile(rb"^(\d+) (\d+) (\d+)$", re.M)  # heaptrack writes lines of its own around it


@dataclasses.dataclass
class Run:
    """One run of a program."""

    seconds: float  # wall time; of the requests, where a server was driven
    peak_bytes: int  # highest resident size
    end_ns: int  # when it ended
    out: bytes
    loop_ns: int = 0  # of the loop alone, where the program tells
    requests: int = 0
    recording: object = None


@dataclasses.dataclass
class Recording:
    """What a run under tenure left."""

    allocations: int
    closed_s: float  # from the program's end until all events are in the log
    finished_s: float  # and until names and summaries are, too
    recorder_bytes: int  # highest resident size
    packed_bytes: int
    address_bytes: int  # of them


def execute(world, workload, before=(), **environment):
    """Run it: `before` is put before the command, settings or a tool."""
    result = world.folder / "result"
    command = [world.build / "tests/bench/measure", result, *before, *workload.command]
    with open(world.folder / "in", "w+b") as i, open(world.folder / "out", "w+b") as o, open(world.folder / "err", "w+b") as e:
        i.write(workload.stdin)
        i.seek(0)
        process = subprocess.Popen([str(part) for part in command], stdin=i, stdout=o, stderr=e, cwd=world.work,
                                   env=world.environment(**workload.environment, **environment))
        driven = workload.drive(world, process) if workload.drive else None
        process.wait(timeout=PATIENCE_S)
        o.seek(0)
        out = o.read()
        e.seek(0)
        errors = e.read().decode(errors="replace")
    status, wall_ns, _, _, peak_bytes, end_ns = (int(number) for number in result.read_text().split())
    expect_equal(status, 0, f"status of {workload.name} ({errors[-500:]})")
    seconds, requests = driven or (wall_ns / 1e9, 0)
    told = workload.tells and TOLD.search(out)
    return Run(seconds, peak_bytes, end_ns, out, int(told[3]) if told else 0, requests)


def warm_up(world, workload):
    """Fill the caches that the first run of a program would fill, and the later ones find."""
    execute(world, workload, PYTHONDONTWRITEBYTECODE="")


def is_set(log, key):
    """Whether meta says so already. The file is opened as immutable: an ordinary reader would
    keep the recorder from leaving SQLite's WAL mode."""
    try:
        database = sqlite3.connect(f"file:{log}?mode=ro&immutable=1", uri=True)
        try:
            return database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone() == ("1",)
        finally:
            database.close()
    except sqlite3.Error:
        return False


def wait_set(log, key, end_ns):
    """Seconds from the program's end until it is so."""
    limit = time.monotonic() + PATIENCE_S
    while not is_set(log, key):
        expect(time.monotonic() < limit, f"{log} gets no {key}")
        time.sleep(STEP_S)
    return max(0, time.monotonic_ns() - end_ns) / 1e9


def packed_sizes(log):
    """Bytes of the packed events, and of their column of addresses."""
    total = address = 0
    for codec, size in query(log, "SELECT codec, length(data) FROM chunk"):
        total += size
        address += sum(int(entry.rsplit(":", 1)[1]) for entry in codec.split() if entry.startswith("address"))
    return total, address


def check_exact(workload, log, run, bare):
    """Nothing lost, nothing unmatched, and as many blocks as the program itself has counted."""
    told = dict(query(log, "SELECT key, value FROM meta"))
    for key, wanted in (("complete", "1"), ("finished", "1"), ("events_lost", "0"), ("unmatched_births", "0"),
                        ("unmatched_frees", "0"), ("damaged_rings", "0")):
        expect_equal(told.get(key, "0"), wanted, f"meta.{key} of {workload.name}")
    expect_equal(value(log, "PRAGMA integrity_check"), "ok", f"the log of {workload.name}")
    counts = tuple(int(told[key]) for key in ("allocations", "frees"))
    expect_equal(query(log, "SELECT coalesce(sum(births), 0), coalesce(sum(deaths), 0) FROM chunk")[0], counts, f"events of {workload.name}")
    if not workload.tells:
        expect(workload.drive or run.out == bare.out, f"{workload.name} writes something else under tenure")
        return counts[0]
    own = query(log, "SELECT sum(allocations), sum(freed) FROM site_summary JOIN site ON site.id = site_id"
                     " WHERE file LIKE '%workload.c' AND via = 'malloc'")[0]
    expect_equal(own, tuple(int(number) for number in TOLD.search(run.out).groups()[:2]), f"blocks of {workload.name}")
    return counts[0]


def run_tenure(world, workload, bare, *settings):
    log = world.new_log()
    run = execute(world, workload, (f"LD_PRELOAD={world.shim}", f"TENURE_LOG={log}", "TENURE_ROWS=none", *settings))
    closed_s, finished_s = (wait_set(log, key, run.end_ns) for key in ("complete", "finished"))
    world.wait_finished(log)
    allocations = check_exact(workload, log, run, bare)
    peak_bytes = int(value(log, "SELECT value FROM meta WHERE key = 'recorder_peak_bytes'"))
    run.recording = Recording(allocations, closed_s, finished_s, peak_bytes, *packed_sizes(log))
    log.unlink()
    return run


def run_round(world, todo, runs, heaptrack):
    for workload in todo:
        bare = execute(world, workload)
        runs[workload.name]["bare"].append(bare)
        runs[workload.name]["tenure"].append(run_tenure(world, workload, bare))
        runs[workload.name]["without links"].append(run_tenure(world, workload, bare, "TENURE_LINKS=no"))
        if heaptrack:
            tool = (heaptrack, "--raw", "-o", world.folder / "heaptrack")
            runs[workload.name]["heaptrack"].append(execute(world, workload, tool))
        print(".", end="", file=sys.stderr, flush=True)


def run_rounds(world, options, todo):
    """All rounds that there is time for; gives the number."""
    runs = {workload.name: {"bare": [], "tenure": [], "without links": [], "heaptrack": []} for workload in todo}
    start = time.monotonic()
    for workload in todo:
        warm_up(world, workload)
    for done in range(1, options.rounds + 1):
        run_round(world, todo, runs, shutil.which("heaptrack"))
        spent = time.monotonic() - start
        if spent + spent / done > options.seconds:
            break
    print(f" {spent:.0f} s", file=sys.stderr)
    return runs, done


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("words", nargs="*")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=330)
    options = parser.parse_intermixed_args()
    world = World(options.build)
    try:
        todo = list(workloads(world, options.words))
        expect(todo, "no workload has such a name")
        load = os.getloadavg()[0]
        runs, rounds = run_rounds(world, options, todo)
        table.show(todo, runs, rounds, load)
    finally:
        world.close(keep=False)


main()
