# SPDX-License-Identifier: MIT
"""How fast plain rows are filled: a million allocations of a churning program and of python3.

usage: rows.py BUILD ROWS_SPEED"""

import subprocess
import sys

from workloads import own, python  # also opens the way to the harness

from harness import Skip, World


def main():
    world = World(sys.argv[1])
    try:
        for make in (own("churn", "churn", "1", "1000000"), python):
            try:
                workload = make(world)
            except Skip as reason:
                print(f"left out: {reason}")
                continue
            world.warm_up(*workload.command, stdin=workload.stdin, **workload.environment)
            _, log = world.record(*workload.command, options=("--rows", "none"), stdin=workload.stdin, **workload.environment)
            print(workload.name, flush=True)
            subprocess.run([sys.argv[2], log], check=True)
    finally:
        world.close(keep=False)


main()
