# SPDX-License-Identifier: MIT
"""Hold a log against what a program said about itself (programs/truth.h)."""

import collections
import os

from harness import expect, expect_equal, meta, query, value

BLOCKS = """
SELECT count(*), a.function, a.size_bytes, bm.path, bf.line, bt.tid, a.usable_size_bytes, a.alignment_bytes,
       coalesce(p.size_bytes, 0), coalesce(pf.line, 0), coalesce(a.free_function, ''), coalesce(dm.path, ''),
       coalesce(df.line, 0), coalesce(dt.tid, 0), bf.file
FROM allocation a
JOIN stack bs ON bs.id = a.stack_id
JOIN frame bf ON bf.id = bs.frame_id
JOIN module bm ON bm.id = bf.module_id
LEFT JOIN thread bt ON bt.id = a.thread_id
LEFT JOIN stack ds ON ds.id = a.free_stack_id
LEFT JOIN frame df ON df.id = ds.frame_id
LEFT JOIN module dm ON dm.id = df.module_id
LEFT JOIN thread dt ON dt.id = a.free_thread_id
LEFT JOIN allocation p ON p.id = a.previous_id
LEFT JOIN stack ps ON ps.id = p.stack_id
LEFT JOIN frame pf ON pf.id = ps.frame_id
WHERE a.process_id = ?
GROUP BY 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
"""

FAILURES = """
SELECT count(*), x.function, x.size_bytes, m.path, f.line, t.tid, f.file
FROM allocation_failure x
JOIN stack s ON s.id = x.stack_id JOIN frame f ON f.id = s.frame_id JOIN module m ON m.id = f.module_id
JOIN thread t ON t.id = x.thread_id
WHERE x.process_id = ?
GROUP BY 2, 3, 4, 5, 6, 7
"""

LIFETIMES = """
SELECT count(*), sum(a.lifetime_allocations), sum(a.lifetime_bytes)
FROM allocation a
JOIN stack s ON s.id = a.stack_id JOIN frame f ON f.id = s.frame_id
WHERE a.process_id = ? AND a.death_ns IS NOT NULL AND f.file LIKE ?
"""


class Truth:
    """What one process said."""

    def __init__(self, pid):
        self.pid = pid
        self.blocks = collections.Counter()
        self.failures = collections.Counter()
        self.numbers = collections.defaultdict(list)
        self.inherited_frees = 0
        self.lifetime = None


def read_line(truth, fields):
    kind = fields[0]
    if kind == "block":
        count, function, size, module, line, tid, usable, alignment, before, before_line = fields[1:11]
        free_function, free_module, free_line, free_tid = fields[11:15]
        story = (function, int(size), module, int(line), int(tid), int(usable), int(alignment), int(before),
                 int(before_line), free_function, free_module, int(free_line), int(free_tid))
        truth.blocks[story] += int(count)
    elif kind == "failure":
        count, function, size, module, line, tid = fields[1:7]
        # Sizes of 2^63 and more do not fit SQLite's integers; the log has the largest that does.
        truth.failures[(function, min(int(size), 2**63 - 1), module, int(line), int(tid))] += int(count)
    elif kind == "number":
        truth.numbers[fields[1]].append(int(fields[2]))
    elif kind == "inherited_frees":
        truth.inherited_frees = int(fields[1])
    elif kind == "lifetime":
        truth.lifetime = tuple(int(field) for field in fields[1:4])


def read(path):
    """The truths of all processes, in the order in which they were told."""
    truths, current = [], None
    for line in path.read_text().splitlines():
        fields = line.split("\t")
        if fields[0] == "process":
            current = Truth(int(fields[1]))
        elif fields[0] == "end":
            truths.append(current)
        else:
            read_line(current, fields)
    return truths


def base(path):
    return os.path.basename(path) if path else ""


def logged_blocks(log, process_id, sources):
    """The same stories from the log: blocks that a source file of the test asked for itself."""
    found = collections.Counter()
    for row in query(log, BLOCKS, process_id):
        if base(row[14]) not in sources:
            continue
        count, function, size, module, line, tid, usable, alignment = row[:8]
        before, before_line, free_function, free_module, free_line, free_tid = row[8:14]
        found[(function, size, base(module), line, tid, usable, alignment, before, before_line, free_function,
               base(free_module), free_line, free_tid)] += count
    return found


def logged_failures(log, process_id, sources):
    found = collections.Counter()
    for count, function, size, module, line, tid, file in query(log, FAILURES, process_id):
        if base(file) in sources:
            found[(function, size, base(module), line, tid)] += count
    return found


def compare(found, wanted, what):
    """Counters must be equal; says the first stories that are not."""
    lines = []
    for story in sorted(set(found) | set(wanted), key=repr):
        if found[story] != wanted[story]:
            lines.append(f"  log {found[story]}, program {wanted[story]}: {story}")
    expect(not lines, f"{what}: {len(lines)} stories differ\n" + "\n".join(lines[:20]))


def rows_of(log, truths):
    """The process row of each truth: rows with its PID, in their order."""
    rows = collections.defaultdict(list)
    for row_id, pid in query(log, "SELECT id, pid FROM process ORDER BY id"):
        rows[pid].append(row_id)
    found = []
    for truth in truths:
        expect(rows[truth.pid], f"process {truth.pid} is not in the log")
        found.append(rows[truth.pid].pop(0))
    extra = {pid: left for pid, left in rows.items() if left}
    return found, extra


def check(log, path, sources, extra_processes=0):
    """The log agrees with every truth in the file, to the last block."""
    truths = read(path)
    expect(truths, "the program told nothing")
    process_ids, extra = rows_of(log, truths)
    expect_equal(sum(map(len, extra.values())), extra_processes, f"processes without a truth {extra}")
    for truth, process_id in zip(truths, process_ids):
        what = f"process {truth.pid} (row {process_id})"
        compare(logged_blocks(log, process_id, sources), truth.blocks, what)
        compare(logged_failures(log, process_id, sources), truth.failures, f"failures of {what}")
        if truth.lifetime and truth.lifetime[0]:
            expect_equal(query(log, LIFETIMES, process_id, "%.c%")[0], truth.lifetime, f"lifetimes of {what}")
    wanted = sum(truth.inherited_frees for truth in truths)
    expect_equal(int(meta(log).get("inherited_frees", "0")), wanted, "meta.inherited_frees")
    return truths, process_ids


def total(truths):
    """How many blocks all programs together spoke of."""
    return sum(sum(truth.blocks.values()) for truth in truths)


def check_positions(log, truths, process_ids):
    """positions.c: where the call and its ancestors stood."""
    numbers = truths[0].numbers
    sql = "SELECT stack_id, stack_depth_bytes FROM allocation WHERE process_id = ? AND size_bytes IN (4321, 4322) ORDER BY id"
    (outer_id, outer_bytes), (stack_id, depth_bytes) = query(log, sql, process_ids[0])
    outer_wanted, inner_wanted = numbers["call_position"]
    # The base of a stack is the end of its last page; the program measures from the start of main's caller.
    expect_equal(depth_bytes - outer_bytes, inner_wanted - outer_wanted, "distance of the two calls")
    expect(0 <= depth_bytes - inner_wanted <= 4096, f"position of the call: {depth_bytes}, {inner_wanted} measured")
    expect(outer_id != stack_id, "two calls, one stack")
    sizes = []
    while stack_id is not None:
        stack_id, frame_bytes = query(log, "SELECT caller_id, frame_bytes FROM stack WHERE id = ?", stack_id)[0]
        sizes.append(frame_bytes)
    # From the caller's frame (its CFA above the stack pointer of the call) to the outermost that it measured.
    wanted = numbers["frame_bytes"]
    expect_equal(sizes[: len(wanted)], wanted, "sizes of the frames")


def deepest(log):
    return value(log, "SELECT max(depth) FROM stack")
