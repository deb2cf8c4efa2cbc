# SPDX-License-Identifier: MIT
"""What a replay says of advice, and what comes of it: the program is recorded as it is and with the advice followed.
The replay of the first recording with the finding needs the same heap as that of the second one, exactly, and saves the
calls that the second one lacks. For models that one replay measures exactly."""

import json

from harness import expect_equal
from reports import report

POLICIES = "first-fit,freertos-heap4,newlib-nano"
CHANGED = {"arena_packet": "arena", "arena_role": "arena", "role_calls": "combine", "role_clone": "combine", "role_owners": "pool"}
# The functions of the callers by which the finding that was followed is known among others of its kind.
CALLERS = {"role_clone": "receive", "role_owners": "put"}


def simulate(world, log, *options):
    result = world.run(world.tenure, "simulate", "--policy", POLICIES, "--format", "json", *options, log)
    expect_equal((result.err, result.status), (b"", 0), f"simulate {' '.join(options)} {log}")
    return json.loads(result.out)


def the_finding(found, name, kind):
    """The one finding that the changed program follows."""
    caller = CALLERS.get(name)
    [finding] = [f for f in found["findings"] if f["kind"] == kind and (caller is None or caller in [
        line["function"].split("(")[0] for site in f["sites"] for line in site["callers"]])]
    return finding


def outside(finding):
    """Where the blocks go, and the memory that this takes beside the heap."""
    evidence = finding["evidence"]
    if finding["kind"] == "arena":
        return "arena", evidence["arena_bytes"] * evidence["arena_count"]
    if finding["kind"] == "pool":
        return "pool", evidence["block_bytes"] * evidence["block_count"]
    return None, 0


def record(world, name):
    log = world.folder / f"{name}.db"
    result, log = world.record(world.build / "tests/truth/programs" / name, log=log, options=("--rows", "all"))
    expect_equal(result.status, 0, f"{name}: status")
    return log


def run(world, names):
    for name, kind in CHANGED.items():
        before, after = record(world, name), record(world, f"{name}_changed")
        finding = the_finding(report(world, before, "--only", kind), name, kind)
        wanted = {p["policy"]: p["minimum_heap_bytes"]["safe"] for p in simulate(world, after)["policies"]}
        made = [report(world, log)["totals"]["allocations"] for log in (before, after)]
        for options in (("--apply", kind), ("--plan", finding["key"]), ("--plan", str(finding["rank"]))):
            changes = simulate(world, before, *options)["what_if"]["changes"]
            [change] = [change for change in changes if change.get("rank") == finding["rank"]]
            found = {p["policy"]: p["heap_bytes"] for p in change["policies"]}
            title = f"{name} {' '.join(options)}"
            expect_equal(found, wanted, f"{title}: heaps, against those of the changed program")
            expect_equal(change["allocations_removed"], made[0] - made[1], f"{title}: calls that are saved")
            expect_equal((change["outside"], change["outside_bytes"]), outside(finding),
                         f"{title}: what is needed beside the heap")
        print(f"{name}: {finding['title']}: heaps of {wanted} by replay and by recording")
