# SPDX-License-Identifier: MIT
"""What a recording costs the program: run time without a tool, under tenure and under heaptrack, interleaved,
the median of several rounds.

usage: overhead.py BUILD [ROUNDS]"""

import pathlib
import shutil
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import cases
from harness import World, expect_equal, meta

ROUNDS = 3


def workloads(world):
    """Name, command, stdin and environment; each runs for some tenths of a second to seconds."""
    python = cases.PYTHON.replace("range(3000)", "range(20000)")
    perl = cases.PERL.replace("20000", "300000")
    jq_input = b"[" + b",".join(b'{"n":%d,"t":"name %d"}' % (i, i % 17) for i in range(60000)) + b"]"
    yield "pairs", (world.build / "tests/bench/events", "1", "8000000", "1"), b"", {}
    yield "churn, 1 thread", (world.build / "tests/bench/events", "1", "8000000", "10000"), b"", {}
    yield "churn, 4 threads", (world.build / "tests/bench/events", "4", "2000000", "10000"), b"", {}
    yield "python3", ("/usr/bin/python3", "-c", python), b"", {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}
    yield "perl", ("/usr/bin/perl", "-e", perl), b"", {"PERL_HASH_SEED": "0"}
    yield "jq", cases.JQ, jq_input, {}


def timed(run):
    start = time.monotonic()
    result = run()
    expect_equal(result.status, 0, "status")
    return time.monotonic() - start


def under_tenure(world, command, log, **keywords):
    """Time until the program has ended; the log is finished outside of it."""
    environment = {"LD_PRELOAD": world.shim, "TENURE_LOG": log, "TENURE_ROWS": "none", **keywords}
    seconds = timed(lambda: world.run(*command, timeout=None, **environment))
    world.wait_finished(log)
    return seconds


def under_heaptrack(world, command, heaptrack, **keywords):
    out = world.folder / "heaptrack"
    return timed(lambda: world.run(heaptrack, "--raw", "-o", out, *command, timeout=None, **keywords))


def measure(world, name, command, stdin, environment, rounds):
    times = {"bare": [], "tenure": [], "heaptrack": []}
    heaptrack = shutil.which("heaptrack")
    keywords = {"stdin": stdin, **environment}
    for _ in range(rounds):
        times["bare"].append(timed(lambda: world.run(*command, timeout=None, **keywords)))
        log = world.new_log()
        times["tenure"].append(under_tenure(world, command, log, **keywords))
        if heaptrack:
            times["heaptrack"].append(under_heaptrack(world, command, heaptrack, **keywords))
        told = meta(log)
        size = log.stat().st_size
        log.unlink()
    events = int(told["allocations"]) + int(told["frees"])
    show(name, times, events, size)


def show(name, times, events, size):
    """One line: medians with their spread (lowest to highest), ratios to the bare run, cost of one event."""
    bare = statistics.median(times["bare"])
    parts = [f"{name:18} {events / 1e6:7.2f} M"]
    for tool, values in times.items():
        if not values:
            parts.append(f"{'-':>28}")
            continue
        middle = statistics.median(values)
        cost = (middle - bare) / events * 1e9
        parts.append(f"{middle:6.2f} s ({min(values):.2f}-{max(values):.2f})")
        if tool != "bare":
            parts.append(f"{middle / bare:5.1f}x {cost:5.0f} ns")
    parts.append(f"{size / max(events, 1):5.2f} B/event")
    print("  ".join(parts), flush=True)


def main():
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    world = World(sys.argv[1])
    print(f"median of {rounds} rounds, interleaved (lowest-highest); ns: added to each event")
    print(f"{'workload':18} {'events':>9}  {'no tool':22}  {'tenure':36}  {'heaptrack':36}  log")
    try:
        for name, command, stdin, environment in workloads(world):
            measure(world, name, command, stdin, environment, rounds)
    finally:
        world.close(keep=False)


main()
