# SPDX-License-Identifier: MIT
"""What the programs of these tests say of themselves, held against the log: blocks of 41 bytes, all of them."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from harness import Skip, check_log, expect, expect_equal, meta, query, value

BLOCK_BYTES = 41
SMALL_RINGS = "256K"
MADE = re.compile(rb"^made (\d+)$", re.MULTILINE)
TOLD = re.compile(rb"^([a-z_]+) (\d+)$", re.MULTILINE)


def made(out):
    """How many blocks the program made, by its own count."""
    found = MADE.search(out)
    expect(found, f"the program does not say what it made: {out[-300:]}")
    return int(found.group(1))


def told(out):
    """All numbers that the program prints by name."""
    return {name.decode(): int(number) for name, number in TOLD.findall(out)}


def made_by_thread(out):
    """Thread id -> blocks, of the lines that crowd prints."""
    return {int(tid): int(count) for tid, count in re.findall(rb"^(\d+) (\d+)$", out, re.MULTILINE)}


# Blocks of that size are the programs' own; what is around them (a shell, unshare) may have such, too.
OWN = """size_bytes = ? AND process_id IN
         (SELECT id FROM process WHERE executable LIKE '%/tests/e2e/programs/%')"""


def logged(log):
    return value(log, f"SELECT count(*) FROM allocation WHERE {OWN}", BLOCK_BYTES)


def logged_by_thread(log):
    sql = f"SELECT (SELECT tid FROM thread WHERE id = thread_id), count(*) FROM allocation WHERE {OWN} GROUP BY 1"
    return dict(query(log, sql, BLOCK_BYTES))


def lost_by_thread(log):
    """Thread id -> events that are missing, as the log counts them."""
    return dict(query(log, "SELECT tid, events_lost FROM thread WHERE events_lost > 0"))


def check_exact(log, out, least=1):
    """Nothing is lost, and the log has every block."""
    check_log(log)
    wanted = made(out)
    expect(wanted >= least, f"the program made {wanted} blocks only")
    expect_equal(logged(log), wanted, "blocks in the log")
    return wanted


def check_accounted(log, out):
    """Whatever is missing is counted, for each thread and in total, and the log does not call itself complete.
    Only for programs whose threads make nothing but these blocks."""
    wanted, found, lost = made_by_thread(out), logged_by_thread(log), lost_by_thread(log)
    expect(wanted, "the program names no thread")
    for tid, count in wanted.items():
        sum_of_both = found.get(tid, 0) + lost.get(tid, 0)
        expect_equal(sum_of_both, count, f"thread {tid}: {found.get(tid, 0)} logged + {lost.get(tid, 0)} lost")
    facts = meta(log)
    expect_equal(int(facts["events_lost"]), sum(lost.values()), "meta.events_lost against the threads' own")
    expect_equal(facts["complete"], "0" if lost else "1", "meta.complete")
    print(f"made {sum(wanted.values())}: logged {sum(found.values())}, lost {sum(lost.values())}")
    return sum(lost.values())


def is_zombie_of(parent):
    """Whether a process has a child that has ended and that it has not waited for."""
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, ppid = entry.read_text().rsplit(")", 1)[1].split()[:2]
        except OSError:
            continue
        if int(ppid) == parent and state == "Z":
            return True
    return False


def need_namespaces(world, *options):
    """The command that runs another one in namespaces of its own; skips the test where that is not allowed."""
    command = ("unshare", *options)
    tried = world.run(*command, "true")
    if tried.status != 0:
        raise Skip(f"unshare {' '.join(options)}: {tried.err.decode().strip()}")
    return command


def high_water_kib(pid):
    """The highest resident size of a process so far, in KiB; 0 when it has gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s+(\d+)", text, re.MULTILINE)
    return int(found.group(1)) if found else 0
