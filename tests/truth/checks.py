# SPDX-License-Identifier: MIT
"""Comparisons that need more than a number: `check NAME` in a program's comment. Each gives a line for whatever
is not right."""

import exact

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


def savings(truth, log, found):
    """No finding saves more calls than its sites make, without exceptions and what takes their place; nothing needs more
    buffers than were in use at once; holds for every log."""
    lines = []
    for finding in found["findings"]:
        evidence = finding["evidence"]
        made = sum(site["allocations"] for site in finding["sites"]) + found["totals"]["reallocs"]
        least = evidence.get("exceptions", 0) + (evidence["groups"] if finding["kind"] == "combine" else 0)
        removed = finding["saving"]["allocations_removed"]
        if finding["sites"] and removed > max(made - least, 0):
            lines.append(f"{truth.name}: {finding['title']}: saves {removed} of {made} calls, of which {least} remain")
        if finding["kind"] == "preallocate" and not evidence["count"] <= evidence["peak_count"] <= evidence["allocations"]:
            lines.append(f"{truth.name}: {finding['title']}: {evidence['count']} buffers, {evidence['peak_count']} in use")
    return lines


def pools_name_threads(truth, log, found):
    """Threads are named, and the code has a lock, where several threads use a pool, and nowhere else."""
    lines = []
    for finding in found["findings"]:
        if finding["kind"] != "pool" or not finding["sites"]:
            continue
        is_shared = finding["sites"][0]["line"] == truth.lines["@job"]
        if ("thread_count" in finding["evidence"]) != is_shared:
            lines.append(f"{truth.name}: {finding['title']}: threads {finding['evidence'].get('threads')}")
        if is_shared and not finding["evidence"].get("threads", "").endswith(", worker"):
            lines.append(f"{truth.name}: {finding['title']}: no worker among {finding['evidence'].get('threads')}")
        if ("pthread_mutex_lock" in finding["code"]) != is_shared:
            lines.append(f"{truth.name}: {finding['title']}: its code has {'no' if is_shared else 'a'} lock")
    return lines
