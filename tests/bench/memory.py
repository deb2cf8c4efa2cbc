# SPDX-License-Identifier: MIT
"""A hundred million events go through in bounded memory: the recorder within 100 MB plus 40 bytes a live
allocation, the shim within 2 MB a thread. Prints the figures; status 1 when a bound does not hold.

usage: memory.py BUILD [EVENTS]"""

import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from harness import World, check_log, expect_equal, meta, wait_until
from scenarios import Running

MB = 1000 * 1000
RECORDER_BYTES = 100 * MB
RECORDER_BYTES_PER_LIVE = 40
SHIM_BYTES_PER_THREAD = 2 * MB


def own_memory(pid):
    """What the shim's own mappings occupy in a process, by /proc/PID/smaps."""
    total, is_ours = 0, False
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            is_ours = "tenure" in line and "libtenure" not in line
        elif is_ours and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total


def peak_memory(pid):
    """The highest resident size of a process so far."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def peak_until_gone(world):
    """The highest resident size of the finishing process, looked at until it has gone."""
    highest = 0
    while pids := world.recorders():
        for pid in pids:
            try:
                if b"--finish" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                    highest = max(highest, peak_memory(pid))
            except OSError:
                pass
        time.sleep(0.02)
    return highest


def round_trip(world, threads, events, live):
    log = world.new_log()
    start = time.monotonic()
    # The first free of each place is one of NULL, and no event.
    calls = (events + live) // threads
    program = Running(world, world.build / "tests/bench/events", threads, calls, live // threads, "wait", LD_PRELOAD=world.shim,
                      TENURE_LOG=log, TENURE_ROWS="none")
    expect_equal(program.line(), b"done\n", "the program's line")
    seconds = time.monotonic() - start
    wait_until(lambda: len(world.recorders()) == 1, "no recorder")
    recorder_bytes, shim_bytes = peak_memory(world.recorders()[0]), own_memory(program.pid)
    program.go()
    expect_equal(program.end()[0], 0, "status")
    finishing_bytes = peak_until_gone(world)
    world.wait_finished(log)
    check_log(log)
    told = meta(log)
    recorded = int(told["allocations"]) + int(told["frees"])
    live_count = int(told["allocations"]) - int(told["frees"])
    recorder_bytes = max(recorder_bytes, int(told.get("recorder_peak_bytes", 0)))
    recorder_bound = RECORDER_BYTES + RECORDER_BYTES_PER_LIVE * live_count
    shim_bound = SHIM_BYTES_PER_THREAD * threads
    print(f"{threads} threads, {recorded / 1e6:.1f} M events in {seconds:.1f} s ({recorded / seconds / 1e6:.1f} M/s), "
          f"{live_count / 1e6:.2f} M live: recorder {recorder_bytes / MB:.1f} MB of {recorder_bound / MB:.1f}, "
          f"finishing process {finishing_bytes / MB:.1f} MB, shim {shim_bytes / MB:.2f} MB of {shim_bound / MB:.0f}, log {log.stat().st_size / recorded:.2f} bytes an event", flush=True)
    log.unlink()
    return recorded >= events * 0.99 and recorder_bytes <= recorder_bound and 0 < shim_bytes <= shim_bound


def main():
    events = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000_000
    world = World(sys.argv[1])
    try:
        held = [round_trip(world, threads, count, live) for threads, count, live in (
            (1, events // 10, 1000), (8, events // 10, 8000), (4, events, 2_000_000))]
    finally:
        world.close(keep=False)
    if not all(held):
        print("a bound does not hold")
        sys.exit(1)


main()
