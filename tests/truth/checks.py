# SPDX-License-Identifier: MIT
"""Comparisons that need more than a number: `check NAME` in a program's comment. Each gives a line for whatever
is not right."""

import exact
from harness import query

ALIGNMENT_BYTES = 8
MOST_POOLS = 8


def general_pools(truth, log, found):
    """The set of general pools costs as much as the best of all sets of as many, and its counts are those of an
    exact replay."""
    sets = [f["evidence"] for f in found["findings"] if f["kind"] == "pool" and f["evidence"].get("scope") == "general"]
    if len(sets) != 1:
        return [f"{truth.name}: {len(sets)} sets of general pools, one is wanted"]
    pools = [(pool["block_bytes"], pool["block_count"]) for pool in sets[0]["pools"]]
    best = exact.best_sets(log, ALIGNMENT_BYTES, min(len(pools), MOST_POOLS))[-1]
    lines = []
    if sum(size * count for size, count in pools) != best[0]:
        lines.append(f"{truth.name}: the pools {pools} are not the cheapest {len(pools)}: {best}")
    if pools != exact.counts(log, ALIGNMENT_BYTES, [size for size, _ in pools]):
        lines.append(f"{truth.name}: the pools {pools} do not have the peaks of an exact replay")
    return lines


def purpose_pools(truth, log, found):
    """Every purpose pool has the peak of an exact replay of its sites; holds for every log."""
    lines = []
    for finding in found["findings"]:
        if finding["kind"] != "pool" or not finding["sites"]:
            continue
        wanted = exact.site_peak(log, [site["site_id"] for site in finding["sites"]])
        if finding["evidence"]["block_count"] != wanted:
            lines.append(f"{truth.name}: {finding['title']}: an exact replay has a peak of {wanted}")
    return lines


def tail_frames(truth, log, found):
    """The frames that were added for tail calls are those of the lines labelled @jump..., and no others."""
    rows = query(log, "SELECT DISTINCT line FROM frame WHERE is_tail_call AND file LIKE ?", f"%/{truth.path.name}")
    wanted = {line for label, line in truth.lines.items() if label.startswith("@jump")}
    lines = []
    for line in sorted(wanted ^ {row[0] for row in rows}):
        lines.append(f"{truth.name}: line {line} has {'no' if line in wanted else 'a'} frame of a tail call")
    return lines


EVIDENCE = {"@by_code_": "by code", "@by_use_": "by use", "@undecided_": "too little use"}


def wrappers(truth, log, found):
    """The wrappers that were found, and those that are undecided, are the functions of the labels."""
    rows = query(log, "SELECT j.value ->> 'function', j.value ->> 'evidence' FROM meta, json_each(meta.value) AS j"
                      " WHERE meta.key IN ('wrappers_found', 'wrappers_undecided')")
    wanted = {(label[len(start):], word) for label in truth.lines for start, word in EVIDENCE.items()
              if label.startswith(start)}
    return [f"{truth.name}: {name} is {'not ' if (name, word) in wanted else ''}a wrapper ({word})"
            for name, word in sorted(wanted ^ set(rows))]
