# SPDX-License-Identifier: MIT
"""The table of the benchmark, in Markdown, and the targets that it is held against."""

import os
import statistics

TARGETS = (
    # what, how much, at most (True) or at least
    ("added time, of heaptrack's, each", 1 / 3, True),
    ("added time, of heaptrack's, mean", 1 / 5, True),
    ("time with links, of that without", 1.03, True),
    ("wall time, jq", 1.4, True),
    ("wall time, perl", 2.0, True),
    ("wall time, python3, JSON", 2.0, True),
    ("added to a pair, in bare pairs", 4.0, True),
    ("requests kept, redis-server", 0.85, False),
    ("events a second, 2 threads against 1", 1.0, False),
    ("bytes an allocation without address", 4.0, True),
    ("bytes an allocation with address", 6.0, True),
    ("seconds to all events closed, 10 M allocations", 1.0, True),
    ("MB above its own, small program", 8.0, True),
)

COLUMNS = ("workload", "allocations", "no tool", "tenure", "ratio", "of it, links", "heaptrack", "ratio", "added, tenure", "added, heaptrack",
           "share", "program", "recorder", "packed without / with address", "closed", "finished")


class Row:
    """The medians of one workload."""

    def __init__(self, workload, runs):
        self.name, self.is_rated, self.runs = workload.name, workload.is_rated, runs
        recordings = [run.recording for run in runs["tenure"]]
        self.allocations = recordings[-1].allocations
        self.bare, self.tenure = (self.middle(tool, "seconds") for tool in ("bare", "tenure"))
        self.heaptrack = self.middle("heaptrack", "seconds") if runs["heaptrack"] else None
        self.above_bytes = self.middle("tenure", "peak_bytes") - self.middle("bare", "peak_bytes")
        self.recorder_bytes = statistics.median(one.recorder_bytes for one in recordings)
        self.closed_s = statistics.median(one.closed_s for one in recordings)
        self.finished_s = statistics.median(one.finished_s for one in recordings)
        self.is_counted = self.allocations >= 10000  # enough to divide by
        count = max(self.allocations, 1)
        self.with_address = recordings[-1].packed_bytes / count
        self.without_address = self.with_address - recordings[-1].address_bytes / count

    def middle(self, tool, field):
        return statistics.median(getattr(run, field) for run in self.runs[tool])

    def links(self):
        """Time with links, of that without: runs that follow each other are compared."""
        return statistics.median(run.seconds / other.seconds
                                 for run, other in zip(self.runs["tenure"], self.runs["without links"]))

    def share(self):
        """What tenure adds of what heaptrack adds."""
        if self.heaptrack is None or self.heaptrack <= self.bare:
            return None
        return max(self.tenure - self.bare, 1e-9) / (self.heaptrack - self.bare)

    def added(self, seconds):
        if seconds is None or not self.is_counted:
            return "-"
        return f"{(seconds - self.bare) / self.allocations * 1e9:.0f} ns"

    def wall(self, tool):
        times = [run.seconds for run in self.runs[tool]]
        middle = statistics.median(times)
        return f"{middle:.3f} s ±{(max(times) - min(times)) / 2 / middle:.0%}"

    def cells(self):
        share = self.share()
        yield self.name
        yield f"{self.allocations / 1e6:.2f} M"
        yield self.wall("bare")
        yield self.wall("tenure")
        yield f"{self.tenure / self.bare:.2f}"
        yield f"{self.links() - 1:+.1%}"
        yield self.wall("heaptrack") if self.heaptrack else "-"
        yield f"{self.heaptrack / self.bare:.2f}" if self.heaptrack else "-"
        yield self.added(self.tenure)
        yield self.added(self.heaptrack)
        yield f"{share:.2f}" if share else "-"
        yield f"+{self.above_bytes / 1e6:.1f} MB"
        yield f"{self.recorder_bytes / 1e6:.1f} MB"
        yield f"{self.without_address:.2f} / {self.with_address:.2f} B" if self.is_counted else "-"
        yield f"{self.closed_s:.3f} s"
        yield f"{self.finished_s:.3f} s"


def print_table(rows, left=1):
    """A table with aligned columns. left: so many columns are text."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) if i < left else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))]
        print("| " + " | ".join(cells) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) if i < left else "-" * (width + 1) + ":" for i, width in enumerate(widths)) + "|")


def loop_ns(row, tool):
    return row.middle(tool, "loop_ns")


def geometric_mean(rows):
    shares = [row.share() for row in rows if row.is_rated and row.share()]
    return statistics.geometric_mean(shares) if shares else None


def found(rows):
    """(target, workload, value) of all that was measured."""
    named = {row.name: row for row in rows}
    for row in rows:
        if row.is_rated and row.share():
            yield "added time, of heaptrack's, each", row.name, row.share()
        yield "time with links, of that without", row.name, row.links()
        if row.is_counted:
            yield "bytes an allocation without address", row.name, row.without_address
            yield "bytes an allocation with address", row.name, row.with_address
        if row.name.startswith(("churn", "pairs")):
            yield "seconds to all events closed, 10 M allocations", row.name, row.closed_s
        if f"wall time, {row.name}" in (target for target, _, _ in TARGETS):
            yield f"wall time, {row.name}", row.name, row.tenure / row.bare
    if geometric_mean(rows):
        yield "added time, of heaptrack's, mean", "all", geometric_mean(rows)
    if pairs := named.get("pairs, 10 frames"):
        bare = loop_ns(pairs, "bare")
        yield "added to a pair, in bare pairs", pairs.name, (loop_ns(pairs, "tenure") - bare) / bare
    if redis := named.get("redis-server"):
        yield "requests kept, redis-server", redis.name, redis.bare / redis.tenure
    if (one := named.get("churn, 1 thread")) and (two := named.get("churn, 2 threads")):
        yield "events a second, 2 threads against 1", two.name, loop_ns(one, "tenure") / loop_ns(two, "tenure")
    for name in ("true (start, end)", "jq"):
        if name in named:
            yield "MB above its own, small program", name, named[name].above_bytes / 1e6


def verdicts(rows):
    measured = list(found(rows))
    yield "target", "bound", "", "met by", "missed by"
    for target, bound, is_limit in TARGETS:
        parts = {True: [], False: []}
        for _, name, number in (one for one in measured if one[0] == target):
            is_met = number <= bound if is_limit else number >= bound
            parts[is_met].append(f"{name}: {number:.2f}")
        if parts[True] or parts[False]:
            yield target, "at most" if is_limit else "at least", f"{bound:.2f}", "; ".join(parts[True]), "; ".join(parts[False])


def print_pair(rows):
    """The smallest cost: a block that is allocated and released at once."""
    for row in rows:
        if row.name != "pairs, 10 frames":
            continue
        pairs = row.allocations
        times = {tool: loop_ns(row, tool) / pairs for tool, runs in row.runs.items() if runs and runs[0].loop_ns}
        bare = times.pop("bare")
        print(f"\nA pair of malloc and free in a loop, ten frames down: {bare:.1f} ns; added by "
              + ", by ".join(f"{tool} {ns - bare:.1f} ns ({(ns - bare) / bare:.1f} x)" for tool, ns in times.items()))


def print_requests(rows):
    for row in rows:
        requests = row.runs["bare"][0].requests
        if requests:
            rates = {tool: requests / row.middle(tool, "seconds") for tool, runs in row.runs.items() if runs}
            print(f"\nRequests a second, {row.name}: " + ", ".join(f"{tool} {rate:,.0f} ({rate / rates['bare']:.0%})" for tool, rate in rates.items()))


def show(todo, runs, rounds, load):
    """Print everything. load: of the machine, before."""
    rows = [Row(workload, runs[workload.name]) for workload in todo]
    print(f"Medians of {rounds} rounds in turn (± half of the distance from lowest to highest); {os.cpu_count()} processors, "
          f"load {load:.1f} before.\n")
    print_table([COLUMNS, *(tuple(row.cells()) for row in rows)])
    print_pair(rows)
    print_requests(rows)
    if mean := geometric_mean(rows):
        print(f"\nAdded time, tenure's of heaptrack's, geometric mean over the workloads: {mean:.3f} (1/{1 / mean:.1f})")
    print()
    print_table(list(verdicts(rows)), left=5)
