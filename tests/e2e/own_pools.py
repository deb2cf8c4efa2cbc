# SPDX-License-Identifier: MIT
"""Pools that a program describes (tenure/mark.h): by threads, by forked children, before the shim's constructor, under
`record` and the bare shim; and that the heap's record has nothing of them."""

import json

from harness import check_log, expect, expect_equal, query, value

THREADS, ROUNDS = 4, 1000
# pools.c: malloc of the pool's memory, stdout's buffer, and what pthread_create takes for each thread, or fewer, since
# it uses what an ended thread has left.
POOL_BYTES = 64 * (2 * THREADS + 4)
MALLOCS_MAX = 1 + 1 + THREADS

USES = """SELECT coalesce(name, 'arena'), allocations, frees, resets, live_count, live_bytes, unknown_frees, unseen_frees,
          blocks_left_out FROM pool WHERE process_id = ? ORDER BY coalesce(name, 'arena'), allocations"""
WANTED = [("arena", 2, 1, 0, 1, 8, 0, 0, 0), ("arena", 16, 15, 3, 1, 100, 0, 0, 0),
          ("nodes", 1 + 2 * THREADS * ROUNDS, 2 * THREADS * ROUNDS, 0, 1, 64, 0, 0, 0)]


def check_blocks(log):
    """The counts of `pool` and `pool_size` are those of the rows of `pool_block`, by a query of its own."""
    found = query(log, """SELECT pool_id, count(*), count(death_ns), sum(size_bytes), sum(death_ns < birth_ns)
                          FROM pool_block GROUP BY pool_id ORDER BY pool_id""")
    told = query(log, "SELECT id, allocations, frees, total_bytes, 0 FROM pool WHERE allocations > 0 ORDER BY id")
    expect_equal([row[:4] + (row[4] or 0,) for row in found], told, "pools by their blocks")
    sizes = query(log, "SELECT pool_id, size_bytes, count(*), count(*) - count(death_ns) FROM pool_block GROUP BY 1, 2 ORDER BY 1, 2")
    expect_equal(sizes, query(log, "SELECT pool_id, size_bytes, allocations, live_count FROM pool_size ORDER BY 1, 2"), "sizes by blocks")
    peaks = {}
    live = {}
    for pool, size, by, _ in query(log, """SELECT pool_id, size_bytes, 1, birth_ns FROM pool_block WHERE pool_id IN
            (SELECT id FROM pool WHERE name IS NULL) UNION ALL SELECT pool_id, size_bytes, -1, death_ns FROM pool_block
            WHERE death_ns IS NOT NULL AND pool_id IN (SELECT id FROM pool WHERE name IS NULL) ORDER BY 4"""):
        live[pool] = live.get(pool, 0) + by * size
        peaks[pool] = max(peaks.get(pool, 0), live[pool])
    expect_equal(sorted(peaks.items()), query(log, "SELECT id, peak_live_bytes FROM pool WHERE name IS NULL AND allocations > 0 ORDER BY id"),
                 "peaks by blocks")


def check_heap(log):
    """Blocks in a pool are no allocations, and what is allocated is what it was."""
    found = value(log, "SELECT count(*) FROM allocation WHERE process_id = 1")
    expect(3 <= found <= MALLOCS_MAX, f"allocations: {found}")
    expect_equal(value(log, "SELECT sum(allocations) FROM site_summary WHERE process_id = 1"), found, "allocations of sites")
    expect_equal(value(log, "SELECT count(*) FROM allocation WHERE size_bytes = ?", POOL_BYTES), 1, "the pool's memory")
    expect_equal(value(log, "SELECT count(*) FROM allocation WHERE size_bytes IN (10, 20, 30, 40, 50, 100)"), 0, "blocks of the arena")


def check_lines(log):
    """The line of a block is that of the pool's user, not that in the pool."""
    rows = query(log, """SELECT s.function, s.via, count(*) FROM pool_block AS b JOIN stack AS k ON k.id = b.stack_id
                         JOIN site AS s ON s.id = k.site_id GROUP BY 1, 2 ORDER BY 1, 2""")
    expect(("work", "pool_get", 2 * THREADS * ROUNDS) in rows and ("serve", "arena_get", 16) in rows, f"lines: {rows}")
    threads = value(log, "SELECT count(DISTINCT thread_id) FROM pool_block WHERE pool_id = (SELECT id FROM pool WHERE name = 'nodes' AND process_id = 1)")
    expect_equal(threads, THREADS + 1, "threads that asked the pool")


def check_report(world, log):
    told = json.loads(world.run(world.tenure, "report", "--format", "json", log).out)
    nodes = [pool for pool in told["pools"] if pool["name"] == "nodes"][0]
    expect_equal((nodes["allocations"], nodes["live_count"], nodes["size_count"]), (WANTED[2][1], 1, 1), "nodes in JSON")
    expect_equal(told["pool_count"], len(WANTED), "pools in JSON")
    text = world.run(world.tenure, "report", log).out.decode()
    expect("The program's own pools" in text and "\n  nodes " in text, "the pools in the report's text")
    expect(f"{WANTED[2][1]:,} handed out" in text, "the blocks handed out, in the text")


def own_pools(world):
    """Threads that share a pool, an arena, and a pool in use before any constructor."""
    result, log = world.record(world.programs / "pools", options=("--rows", "all"))
    expect_equal((result.status, result.out, result.err), (0, b"done\n", b""), "the program")
    check_log(log)
    expect_equal(query(log, USES, 1), WANTED, "pools")
    check_blocks(log)
    check_heap(log)
    check_lines(log)
    check_report(world, log)


def own_pools_forked(world):
    """The bare shim; a child takes back a block that it has inherited, and has one of its own."""
    result, log = world.preload(world.programs / "pools", "forks")
    expect_equal((result.status, result.out, result.err), (0, b"done\n", b""), "the program")
    check_log(log)
    expect_equal(query(log, USES, 1), WANTED, "the parent's pools")
    expect_equal(query(log, USES, 2), [("arena", 1, 0, 0, 1, 64, 1, 0, 0)], "the child's pool, which nobody named there")
    check_blocks(log)
    check_heap(log)


def own_pools_paused(world):
    """What is handed out during a pause is in no table, and its release is unknown."""
    result, log = world.record(world.programs / "pools", options=("--after", "exit begun", "--rows", "all"))
    expect_equal((result.status, result.out, result.err), (0, b"done\n", b""), "the program")
    expect_equal(value(log, "SELECT count(*) FROM pool_block"), 0, "blocks handed out while paused")
    expect_equal(value(log, "SELECT coalesce(sum(allocations), 0) FROM pool"), 0, "blocks counted while paused")


def own_pools_alone(world):
    """Without tenure the functions are not there, and nothing is called."""
    result = world.run(world.programs / "pools", "forks")
    expect_equal((result.status, result.out, result.err), (0, b"done\n", b""), "the program without tenure")


ALL = {
    "own_pools": own_pools,
    "own_pools_forked": own_pools_forked,
    "own_pools_paused": own_pools_paused,
    "own_pools_alone": own_pools_alone,
}
