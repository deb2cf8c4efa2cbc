# SPDX-License-Identifier: MIT
"""Containment once more, from rows, slowly and plainly: was the owner that a stack-buffer finding names on the
stack at birth and at death of each block, at one position, and did no event in between show it gone?"""

import roles
from harness import query

ALLOCATIONS = """SELECT id, site_id, thread_id, stack_id, stack_depth_bytes, lifetime_allocations, free_thread_id,
free_stack_id, free_stack_depth_bytes, previous_id, free_function, death_ns FROM allocation
WHERE process_id = ? ORDER BY id"""


class Stacks:
    """The frames of stacks, outermost first."""

    def __init__(self, log):
        self.nodes = {row[0]: row[1:] for row in query(log, "SELECT id, frame_id, caller_id, frame_bytes FROM stack")}
        self.names = {}
        for frame, name in query(log, "SELECT id, function FROM frame WHERE inlined_into IS NULL"):
            self.names[frame] = {name}
        for frame, name in query(log, "SELECT inlined_into, function FROM frame WHERE inlined_into IS NOT NULL"):
            self.names[frame].add(name)
        self.walked = {}

    def frames(self, stack_id):
        """[(frame, its CFA above the place that depths of events tell: the CFA of its callee)], outermost first."""
        if stack_id not in self.walked:
            found, above, node = [], 0, stack_id
            while node is not None:
                frame, caller, frame_bytes = self.nodes[node]
                above += frame_bytes
                found.append((frame, above))
                node = caller
            self.walked[stack_id] = found[::-1]
        return self.walked[stack_id]

    def positions(self, event):
        """[(frame, depth in bytes)] of an event, outermost first."""
        return [(frame, event.depth - above) for frame, above in self.frames(event.stack)]


class Event:
    def __init__(self, thread, stack, depth):
        self.thread, self.stack, self.depth = thread, stack, depth


def read(log, process_id):
    """(rows, events in true order, index of the birth and of the death of each allocation)"""
    rows = query(log, ALLOCATIONS, process_id)
    story = []
    for index, row in enumerate(rows):
        story.append(((index, 0, 0), row[0], Event(row[2], row[3], row[4])))
        if row[5] is not None:
            story.append(((index + row[5], 1, row[11]), row[0], Event(row[6], row[7], row[8])))
    story.sort(key=lambda item: item[0])
    births, deaths = {}, {}
    for index, (key, block, _) in enumerate(story):
        (deaths if key[1] else births)[block] = index
    return rows, [event for _, _, event in story], births, deaths


def is_same(one, other, level):
    """Whether two stacks have the same activation at this level: the same call at the same position."""
    if level >= len(one) or level >= len(other):
        return False
    if level and one[level - 1][0] != other[level - 1][0]:
        return False
    return one[level][1] == other[level][1]


def owner_level(stacks, birth, death, owner):
    """The deepest level that birth and death share and that is an activation of the owner; None without one."""
    found = None
    for level in range(min(len(birth), len(death))):
        if not is_same(birth, death, level):
            break
        if owner in stacks.names[birth[level][0]] and owner in stacks.names[death[level][0]]:
            found = level
    return found


def is_contained(stacks, events, first, last, owner):
    birth, death = events[first], events[last]
    if birth.thread != death.thread or birth.stack is None or death.stack is None:
        return False
    at_birth = stacks.positions(birth)
    level = owner_level(stacks, at_birth, stacks.positions(death), owner)
    if level is None:
        return False
    for event in events[first + 1:last]:
        if event.thread == birth.thread and event.stack is not None:
            between = stacks.positions(event)
            if not all(is_same(at_birth, between, below) for below in range(level + 1)):
                return False
    return True


def blocks_of(log, finding, rows):
    """The blocks that a finding is about, without realloc chains."""
    wanted = roles.Blocks(log, finding)
    return [row for row in rows if wanted.has(row[1], row[3]) and row[9] is None and row[10] != "realloc"]


def check(log, found, most=4000):
    """Follow the blocks of every stack-buffer finding that is not weak, without realloc chains. Gives the number of
    blocks looked at, and a line for each finding whose blocks leave their owner."""
    findings = [f for f in found["findings"] if f["kind"] == "stack-buffer" and f["confidence"] != "weak"]
    if not findings:
        return 0, []
    stacks = Stacks(log)
    rows, events, births, deaths = read(log, found["process_id"])
    looked, lines = 0, []
    for finding in findings:
        blocks = blocks_of(log, finding, rows)[:most]
        refuted = sum(not (row[0] in deaths and is_contained(stacks, events, births[row[0]], deaths[row[0]],
                                                              finding["evidence"]["owner"]["function"])) for row in blocks)
        looked += len(blocks)
        if refuted > finding["evidence"]["exceptions"]:
            lines.append(f"{log.stem}: {finding['title']}: {refuted} of {len(blocks)} blocks leave the owner")
    return looked, lines
