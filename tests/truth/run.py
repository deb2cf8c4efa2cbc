# SPDX-License-Identifier: MIT
"""Findings against the truth: programs with known patterns and near misses are recorded and reported on.

usage: run.py BUILD findings [PROGRAM...]   every truth program, or these; with recall and precision
       run.py BUILD queries                 each finding's query, on truth programs and on real ones
       run.py BUILD odd [NAME...]           logs that are empty, cut short, without stacks...
       run.py BUILD containers              names of containers, with two libraries of C++
       run.py BUILD changed                 replays with advice against programs in which it was followed
       run.py BUILD rust                    sites of a program in Rust

With TRUTH_KEEP in the environment the logs of a test that failed are kept."""

import concurrent.futures
import os
import pathlib
import sys
import traceback

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "e2e"))

import changed
import checks
import compare
import contained
import containers
import expectations
import lifetimes
import odd
import queries
import roles
import rust
import schema
from harness import SKIP, Failure, Skip, World, check_log, expect, expect_equal
from reports import report


def truths(names):
    found = [expectations.Truth(path) for path in sorted((FOLDER / "programs").iterdir())
             if path.suffix in (".c", ".cpp")]
    chosen = [truth for truth in found if not names or truth.name in names]
    expect(chosen, f"there is no program named {names}")
    return chosen


def builds(world, programs):
    """(truth, executable) of every build of these programs."""
    folder = world.build / "tests/truth/programs"
    found = [(truth, folder / f"{truth.name}{suffix}") for truth in programs for suffix in ("", "_optimised", "_by_address", "_clang")]
    return [(truth, path) for truth, path in found if path.exists() or path.name == truth.name]


def record_truth(world, path):
    """A log of the program, with rows."""
    log = world.folder / f"{path.name}.db"
    # who holds whose address is looked for without a limit on time: what is found does not depend on the load
    result, log = world.record(path, log=log, options=("--rows", "all"), TENURE_LINKS_PERCENT=100)
    expect_equal(result.err, b"", f"{path.name}: what record wrote on stderr")
    expect_equal(result.status, 0, f"{path.name}: status")
    check_log(log)
    return log


def try_program(world, truth, path):
    """Record, report, compare; gives the Outcome."""
    log = record_truth(world, path)
    found = report(world, log)
    schema.check(world, found)
    outcome = compare.compare(truth, found, lambda kind: report(world, log, "--only", kind))
    for name in ["purpose_pools", "savings", "numbers", *truth.statements["check"]]:
        outcome.false += getattr(checks, name)(truth, log, found)
    outcome.false += lifetimes.check(truth, found)
    outcome.queries, wrong_queries = queries.check_all(world, log, found)
    outcome.contained, wrong_owners = contained.check(log, found)
    outcome.wrong = wrong_queries + wrong_owners
    outcome.wrong += [line for finding in found["findings"] for line in compare.wrong_columns(truth, finding)]
    if any(site["callers"] or site["call"] for finding in found["findings"] for site in finding["sites"]):
        outcome.roles = roles.check_saved(world, log, found)
        outcome.wrong += queries.check_all(world, log, found)[1]
    return outcome


def in_pairs(function, items):
    """The results, two at a time."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(function, items))


def ratio(part, whole):
    return f"{part} of {whole}, {100.0 * part / whole if whole else 100.0:.1f} %"


def run_findings(world, names):
    programs = builds(world, truths(names))
    outcomes = in_pairs(lambda build: try_program(world, *build), programs)
    found = expected = false = asked = looked = saved = wrong = 0
    for (_, path), outcome in zip(programs, outcomes):
        print(f"{path.name}: {outcome.found} of {outcome.expected} found, {len(outcome.false)} false, "
              f"{outcome.queries} queries agree")
        for line in outcome.missed + outcome.false + outcome.wrong:
            print(f"    {line}")
        found += outcome.found
        expected += outcome.expected
        false += len(outcome.false)
        asked += outcome.queries
        looked += outcome.contained
        saved += outcome.roles
        wrong += len(outcome.wrong)
    print(f"{len(programs)} builds of {len({truth.name for truth, _ in programs})} programs; recall {ratio(found, expected)}; precision {ratio(found, found + false)}; "
          f"{asked} queries agree with their evidence; {looked} blocks are contained in the owner named; "
          f"{saved} roles are saved as they are told")
    expect(found == expected and false == 0 and wrong == 0, "findings are missing, wrong or false")


def main():
    build, subject, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    subjects = {"changed": changed.run, "containers": containers.run, "findings": run_findings, "odd": odd.run, "queries": queries.run,
                "rust": rust.run}
    world = World(build)
    status = 1
    try:
        subjects[subject](world, names)
        status = 0
    except Skip as reason:
        print(f"{subject}: skipped: {reason}")
        status = SKIP
    except Failure as failure:
        print(f"{subject}: {failure}")
    except Exception:
        traceback.print_exc()
    world.close(keep=status == 1 and "TRUTH_KEEP" in os.environ)
    return status


if __name__ == "__main__":
    sys.exit(main())
