# SPDX-License-Identifier: MIT
"""Everything that a log derives from its allocations, derived again, slowly and plainly: site summaries, timeline,
lifetimes, totals. Only for logs with plain rows."""

import bisect
import collections
import math

from harness import expect, expect_equal, meta, query

SHORT_BYTES = 32 * 1024
SMALL_BYTES = 1024
QUANTILE_ERROR = 0.03

ROWS = """SELECT id, process_id, site_id, size_bytes, usable_size_bytes, birth_ns, death_ns, lifetime_ns,
lifetime_allocations, lifetime_bytes, thread_id, free_thread_id, free_function, previous_id, stack_id
FROM allocation ORDER BY id"""

Row = collections.namedtuple("Row", "id process site size usable birth death lifetime allocations bytes "
                             "thread free_thread free_function previous stack")


def check_row(row, last_birth):
    expect(row.usable >= row.size, f"allocation {row.id}: usable size below its size")
    expect(row.birth >= last_birth, f"allocation {row.id}: born before its predecessor")
    dead = [row.death, row.lifetime, row.allocations, row.bytes, row.free_thread, row.free_function]
    if row.death is None:
        expect(all(v is None for v in dead), f"allocation {row.id}: live, with columns of death {dead}")
        return
    expect(all(v is not None for v in dead), f"allocation {row.id}: dead, without some columns of death {dead}")
    expect(row.death >= row.birth, f"allocation {row.id}: dies before it is born")
    expect_equal(row.lifetime, row.death - row.birth, f"lifetime of allocation {row.id}")


def check_clocks(rows):
    """Lifetimes on the clocks of allocations and bytes. Several events may have the same nanosecond, so the
    births that count lie between those surely inside the lifetime and those not surely outside."""
    births = [row.birth for row in rows]
    sums = [0]
    for row in rows:
        sums.append(sums[-1] + row.size)
    for index, row in enumerate(rows):
        if row.death is None:
            continue
        first = bisect.bisect_left(births, row.death)
        last = bisect.bisect_right(births, row.death)
        low, high = max(first - index - 1, 0), max(last - index - 1, 0)
        expect(low <= row.allocations <= high,
               f"allocation {row.id}: lifetime_allocations {row.allocations}, {low} to {high} were made")
        wanted = sums[index + 1 + row.allocations] - sums[index + 1]
        expect_equal(row.bytes, wanted, f"lifetime_bytes of allocation {row.id}")


def check_timeline(log, process_id, rows):
    """The last point has all; the peak is there; no point is above it; every point is exact."""
    points = query(log, "SELECT time_ns, live_count, live_bytes, allocations, allocated_bytes FROM timeline"
                        " WHERE process_id = ? ORDER BY time_ns, rowid", process_id)
    expect(points, f"process {process_id} has no timeline")
    expect(len(points) <= 5000, f"process {process_id}: {len(points)} points")
    events = sorted([(r.birth, 1, r.size) for r in rows] + [(r.death, -1, r.size) for r in rows if r.death is not None])
    live_at_end = sum(r.size for r in rows if r.death is None)
    last = points[-1]
    expect_equal(last[1:], (sum(r.death is None for r in rows), live_at_end, len(rows), sum(r.size for r in rows)),
                 f"last point of process {process_id}")
    # Where an instant has one event only, the values right after it are certain.
    count = live = index = made = 0
    exact = {}
    while index < len(events):
        time, first = events[index][0], index
        while index < len(events) and events[index][0] == time:
            count += events[index][1]
            live += events[index][1] * events[index][2]
            made += events[index][1] > 0
            index += 1
        if index - first == 1:
            exact[time] = (count, live, made)
    for time, live_count, live_bytes, allocations, _ in points:
        if time in exact:
            expect_equal((live_count, live_bytes, allocations), exact[time], f"point at {time} of process {process_id}")


def quantile_fits(found, values, share):
    """found is the quantile of the values, within the histogram's error and one rank to either side."""
    rank = share * len(values)
    low = values[max(math.ceil(rank) - 2, 0)]
    high = values[min(math.floor(rank) + 1, len(values) - 1)]
    return low * (1 - QUANTILE_ERROR) - 1 <= found <= high * (1 + QUANTILE_ERROR) + 1


def check_site(told, rows, what):
    """One row of site_summary against the allocations of its site in its process."""
    sizes = [r.size for r in rows]
    dead = [r for r in rows if r.death is not None]
    short = [r for r in dead if r.bytes < SHORT_BYTES]
    wanted = {
        "allocations": len(rows), "total_bytes": sum(sizes), "usable_bytes": sum(r.usable for r in rows),
        "min_size_bytes": min(sizes), "max_size_bytes": max(sizes), "distinct_sizes": len(set(sizes)),
        "freed": len(dead), "live_at_end": len(rows) - len(dead),
        "freed_by_other_thread": sum(r.thread != r.free_thread for r in dead),
        "short_lived": len(short), "small_short_lived": sum(r.size <= SMALL_BYTES for r in short),
        "first_birth_ns": rows[0].birth, "last_birth_ns": rows[-1].birth,
    }
    for key, number in wanted.items():
        expect_equal(told[key], number, f"{key} of {what}")
    expect(abs(told["mean_size_bytes"] - sum(sizes) / len(sizes)) < 1e-6 * max(sizes) + 1e-9, f"mean size of {what}")
    for clock, name in (("lifetime", "ns"), ("allocations", "allocations"), ("bytes", "bytes")):
        values = sorted(getattr(r, clock) for r in dead)
        check_quantiles(told, name, values, what)
    check_peak(told, rows, what)


def check_quantiles(told, name, values, what):
    if not values:
        expect(told[f"lifetime_{name}_p50"] is None, f"lifetime_{name} of {what}: nothing was released")
        return
    expect_equal(told[f"lifetime_{name}_max"], values[-1], f"lifetime_{name}_max of {what}")
    for share in (50, 90, 99):
        found = told[f"lifetime_{name}_p{share}"]
        expect(quantile_fits(found, values, share / 100), f"lifetime_{name}_p{share} of {what}: {found} of {len(values)} values")


def check_peak(told, rows, what):
    """Peaks: with events at the same instant in either order."""
    highest = {}
    for order in (1, -1):
        events = sorted([(r.birth, order, 1, r.size) for r in rows]
                        + [(r.death, -order, -1, r.size) for r in rows if r.death is not None],
                        key=lambda e: (e[0], e[1]))
        count = live = top_count = top_bytes = 0
        for _, _, sign, size in events:
            count, live = count + sign, live + sign * size
            top_count, top_bytes = max(top_count, count), max(top_bytes, live)
        highest[order] = (top_count, top_bytes)
    low, high = sorted(highest.values())
    expect(low[0] <= told["peak_live_count"] <= high[0], f"peak_live_count of {what}: {told['peak_live_count']}, {low} to {high}")
    expect(low[1] <= told["peak_live_bytes"] <= high[1], f"peak_live_bytes of {what}: {told['peak_live_bytes']}, {low} to {high}")


def check_summaries(log, by_site):
    columns = [row[1] for row in query(log, "PRAGMA table_info(site_summary)")]
    told = {}
    for row in query(log, "SELECT * FROM site_summary"):
        record = dict(zip(columns, row))
        told[(record["process_id"], record["site_id"])] = record
    expect_equal(set(told), set(by_site), "sites that have a summary")
    for key, rows in by_site.items():
        check_site(told[key], rows, f"site {key[1]} in process {key[0]}")


def check(log):
    """Everything derived in a log with plain rows."""
    by_process, by_site = collections.defaultdict(list), collections.defaultdict(list)
    last_id, ids = 0, {}
    last_births = collections.defaultdict(lambda: -1)
    for found in query(log, ROWS):
        row = Row(*found)
        expect_equal(row.id, last_id + 1, "ids are the birth order without gaps")
        last_id = row.id
        check_row(row, last_births[row.process])
        last_births[row.process] = row.birth
        ids[row.id] = row
        if row.previous is not None:
            old = ids[row.previous]
            expect(old.free_function in ("realloc", "reallocarray"), f"allocation {row.id} was grown from {old}")
            expect_equal(old.process, row.process, f"process of the block before {row.id}")
        by_process[row.process].append(row)
        if row.stack is not None:
            expect(row.site is not None, f"allocation {row.id} has a stack, but no site")
            by_site[(row.process, row.site)].append(row)
    told = meta(log)
    expect_equal(int(told["allocations"]), last_id, "meta.allocations")
    expect_equal(int(told["frees"]), sum(r.death is not None for r in ids.values()), "meta.frees")
    for process_id, rows in by_process.items():
        check_clocks(rows)
        check_timeline(log, process_id, rows)
    check_summaries(log, by_site)
    return len(ids)
