# SPDX-License-Identifier: MIT
"""What a recording must survive, each with its figure: the recorder's death, namespaces, filters, limits, crowds.

usage: survive.py --list | survive.py --list-long | survive.py BUILD CASE..."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import confined
import crowds
import interrupted
import kills
import libraries
import linked
import pages
import recorders
import run as e2e_run
import spawned
import unrecorded

ALL = {**recorders.ALL, **confined.ALL, **crowds.ALL, **linked.ALL, **unrecorded.ALL, **spawned.ALL, **pages.ALL, **libraries.ALL, **kills.ALL, **interrupted.ALL}
LONG = {**recorders.LONG, **crowds.LONG, **kills.LONG}


def main():
    if sys.argv[1:] in (["--list"], ["--list-long"]):
        print("\n".join(LONG if sys.argv[1] == "--list-long" else ALL))
        return 0
    known = {**ALL, **LONG}
    statuses = {name: e2e_run.run_one(sys.argv[1], name, known[name]) for name in sys.argv[2:] or list(ALL)}
    if len(statuses) > 1:
        for name, status in statuses.items():
            print(f"{ {0: 'passed', 1: 'FAILED', 77: 'skipped'}[status] } {name}")
    if 1 in statuses.values():
        return 1
    return 77 if set(statuses.values()) == {77} else 0


if __name__ == "__main__":
    sys.exit(main())
