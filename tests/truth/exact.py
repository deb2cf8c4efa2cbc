# SPDX-License-Identifier: MIT
"""An exact replay of a log's rows, slow and plain, and the best set of pools by trying all of them."""

import itertools

import roles
from harness import expect, query


def events(log, wanted=None):
    """Of all blocks, or of those that `wanted` has: (size, +1 or -1) of the process with most allocations, in true
    order: a block dies after the birth of the lifetime_allocations-th block after it, whatever the clock says."""
    rows = query(log, """SELECT size_bytes, lifetime_allocations, site_id, stack_id FROM allocation WHERE process_id =
                         (SELECT process_id FROM allocation GROUP BY process_id ORDER BY count(*) DESC LIMIT 1)
                         ORDER BY id""")
    expect(rows, f"{log} has no rows")
    story = []
    for index, (size, lifetime, site_id, stack_id) in enumerate(rows):
        if wanted and not wanted.has(site_id, stack_id):
            continue
        story.append((index, 0, size, 1))
        if lifetime is not None:
            story.append((index + lifetime, 1, size, -1))
    return [(size, step) for _, _, size, step in sorted(story)]


def finding_peak(log, finding):
    """Most blocks of a finding's sites, or their roles, live at once."""
    return peak(events(log, roles.Blocks(log, finding)), -1, 2**63)


def round_up(size, alignment):
    return -(-max(size, 1) // alignment) * alignment


def peak(story, least, most):
    """Most blocks of sizes from least (excluded) to most (included) live at once."""
    live = top = 0
    for size, step in story:
        if least < size <= most:
            live += step
            top = max(top, live)
    return top


def best_sets(log, alignment, most_classes, sizes_max=12):
    """For k = 1 to most_classes: (cost in bytes, [(block_bytes, block_count)]) of the cheapest set of k pools that
    serves every block, each from the smallest class that holds it."""
    story = [(round_up(size, alignment), step) for size, step in events(log)]
    sizes = sorted({size for size, _ in story})
    expect(len(sizes) <= sizes_max, f"{len(sizes)} sizes are too many to try all sets")
    peaks = {pair: peak(story, *pair) for pair in itertools.combinations([0, *sizes], 2)}
    found = []
    for count in range(1, most_classes + 1):
        trials = []
        for chosen in itertools.combinations(sizes[:-1], min(count, len(sizes)) - 1):
            classes = [*chosen, sizes[-1]]
            pools = [(most, peaks[(least, most)]) for least, most in zip([0, *classes], classes)]
            trials.append((sum(size * blocks for size, blocks in pools), pools))
        found.append(min(trials))
    return found


def counts(log, alignment, sizes):
    """The pools of these block sizes with the peaks of a replay."""
    story = [(round_up(size, alignment), step) for size, step in events(log)]
    return [(most, peak(story, least, most)) for least, most in zip([0, *sizes], sizes)]
