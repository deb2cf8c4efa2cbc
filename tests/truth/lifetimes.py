# SPDX-License-Identifier: MIT
"""The lifetimes of a plan against what a truth program says of itself: `lives {...}` in its first comment. A row of the
report matches if its kind is right and it has all the lines named in `sites`; then everything else that is stated
has to be true of it: `begin` and `end` as lines (null: there is none), `function` that of `begin`, and numbers. No
two statements may match one row, and the lines of the program's source that are named are in no other row.

What holds of every plan is held, too: sums over lifetimes and steps."""

import os


def own_lines(truth, row):
    """The lines of the program's own source in a row."""
    return {site["line"] for site in row["sites"] if os.path.basename(site["file"] or "") == truth.path.name}


def differences(wanted, row):
    """One text for each member that is not as stated."""
    found = dict(row, begin=row["begin"] and row["begin"]["line"], end=row["end"] and row["end"]["line"],
                 function=row["begin"] and row["begin"]["function"])
    return [f"{key} is {found[key]!r}, must be {value!r}" for key, value in wanted.items()
            if key not in ("kind", "sites") and found[key] != value]


def check_sums(truth, found):
    """Every allocation has one lifetime; and each is kept from the heap by one step, or stays there."""
    plan, totals = found["plan"], found["totals"]
    lines = []
    for key, whole in (("allocations", totals["allocations"]), ("peak_bytes", totals["peak_live_bytes"])):
        together = sum(row[key] for row in plan["lifetimes"])
        if together != whole:
            lines.append(f"{truth.name}: the lifetimes have {together} {key} together, the process has {whole}")
    removed = sum(step["allocations_removed"] for step in plan["steps"])
    if abs(removed + plan["rest"]["allocations"] - totals["allocations"]) > 1 + len(plan["steps"]):
        lines.append(f"{truth.name}: {removed} allocations are removed and {plan['rest']['allocations']} stay, of "
                     f"{totals['allocations']}")
    return lines


def check(truth, found):
    rows = found["plan"]["lifetimes"]
    lines, taken = check_sums(truth, found), []
    for wanted in truth.statements["lives"]:
        name = f"{truth.name}: {wanted['kind']} of {', '.join(map(truth.line_name, wanted['sites']))}"
        matching = [row for row in rows
                    if row["kind"] == wanted["kind"] and set(wanted["sites"]) <= own_lines(truth, row)]
        if len(matching) != 1 or any(matching[0] is row for row in taken):
            there = [(row["kind"], sorted(own_lines(truth, row))) for row in rows]
            lines.append(f"{name}: {len(matching)} rows have these lines, one of its own is wanted; there are {there}")
            continue
        taken += matching
        lines += [f"{name}: {text}" for text in differences(wanted, matching[0])]
        others = {line for row in rows if row is not matching[0] for line in own_lines(truth, row)}
        if others & set(wanted["sites"]):
            lines.append(f"{name}: some of these lines are in another row, too")
    return lines
