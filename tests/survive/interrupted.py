# SPDX-License-Identifier: MIT
"""Signal handlers that allocate, wherever they interrupt a thread: mostly inside the shim."""

import re

from counting import check_log, expect, expect_equal, meta, query, value

TOLD = re.compile(rb"^made (\d+) released (\d+) handled (\d+)$", re.MULTILINE)
# Threads but the main one, which allocates for libc when it starts the others.
OF_THREADS = "thread_id <> (SELECT min(id) FROM thread)"


def record_handlers(world, threads, handlers, how=""):
    """The log, and how many allocations and releases the program says it has made."""
    result, log = world.preload(world.programs / "handlers", threads, handlers, *how.split())
    expect_equal((result.err, result.status), (b"", 0), "the program's end")
    match = TOLD.search(result.out)
    expect(match, f"the program does not say what it made: {result.out}")
    made, released, handled = map(int, match.groups())
    expect(handled >= threads * handlers, f"only {handled} handlers have run")
    expect_equal(value(log, "SELECT count(*) FROM thread"), threads + 1, "threads in the log")
    return log, made, released


def check_all(world, *how):
    log, made, released = record_handlers(world, *how)
    check_log(log)
    found = query(log, f"SELECT count(*), count(death_ns) FROM allocation WHERE {OF_THREADS}")
    expect_equal(found, [(made, released)], "allocations and releases in the log")
    facts = meta(log)
    expect_equal((facts["unmatched_births"], facts["unmatched_frees"], facts["events_lost"]), ("0", "0", "0"), "counts")
    print(f"{made} allocations by programs and handlers, all in the log")


def handlers_on_the_shim(world):
    """A handler's stack is thread-local memory: it lies within the thread's own stack, above all frames."""
    check_all(world, 1, 1500)
    check_all(world, 3, 500)


def handlers_on_handlers(world):
    check_all(world, 2, 600, "nests")


def handlers_that_jump(world):
    """What the jump has left is lost, and counted; what is in the log is right."""
    log, made, _ = record_handlers(world, 2, 800, "jumps")
    facts = meta(log)
    expect_equal((facts["unmatched_births"], facts["unmatched_frees"]), ("0", "0"), "counts")
    lost = int(facts["events_lost"])
    expect_equal(int(facts["events_lost_nested"]), lost, "events lost for other reasons than handlers")
    logged = value(log, f"SELECT count(*) FROM allocation WHERE {OF_THREADS}")
    # A thread that is left between its count and its call has made one less; so there are at most as many jumps.
    expect(made - 2 * 100 - lost <= logged <= made, f"{logged} allocations of {made} in the log, {lost} lost")


ALL = {case.__name__: case for case in (handlers_on_the_shim, handlers_on_handlers, handlers_that_jump)}
