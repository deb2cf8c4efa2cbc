# SPDX-License-Identifier: MIT
"""Comparisons that need more than a number: `check NAME` in a program's comment. Each gives a line for whatever
is not right."""

import re

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
        wanted = exact.finding_peak(log, finding)
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
    for finding in found["findings"]:
        for site in finding["sites"]:
            if site["is_tail_call"] != (site["line"] in wanted):
                lines.append(f"{truth.name}: {finding['title']}: is_tail_call of line {site['line']}")
    return lines


EVIDENCE = {"@by_code_": "by code", "@by_use_": "by use", "@undecided_": "too little use"}


def wrappers(truth, log, found):
    """The wrappers that were found, and those that are undecided, are the functions of the labels."""
    rows = query(log, "SELECT j.value ->> 'function', j.value ->> 'evidence' FROM meta, json_each(meta.value) AS j"
                      " WHERE meta.key IN ('wrappers_found', 'wrappers_undecided')")
    wanted = {(label[len(start):], word) for label in truth.lines for start, word in EVIDENCE.items()
              if label.startswith(start)}
    told = found["recording"]["wrappers_found"] + found["recording"]["wrappers_undecided"]
    if {(one["function"], one["evidence"]) for one in told} != set(rows):
        return [f"{truth.name}: the report has the wrappers {told}"]
    return [f"{truth.name}: {name} is {'not ' if (name, word) in wanted else ''}a wrapper ({word})"
            for name, word in sorted(wanted ^ set(rows))]


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


# Behind a colon stands a line, behind a plus an offset, and names have digits of their own.
BARE_NUMBER = re.compile(r"(?<![\w:+.,/-])\d{4,}(?![\w:./-])")


def numbers(truth, log, found):
    """Large numbers in what is told have separators; holds for every log."""
    lines = []
    for finding in found["findings"]:
        told = [finding["title"], finding["advice"], finding["notes"], (finding["condition"] or {}).get("text")]
        for text in filter(None, told):
            bare = BARE_NUMBER.search(text.replace("C:2012", "C"))
            if bare:
                lines.append(f"{truth.name}: {finding['kind']} tells {bare.group()} without separators: {text}")
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
