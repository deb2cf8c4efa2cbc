# SPDX-License-Identifier: MIT
"""What the log costs on a real recording (python3 on JSON): nanoseconds an event in and out, bytes an allocation.

usage: log.py BUILD LOG_SPEED"""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from harness import World, expect_equal, need

WORK = """
import json
records = [{"id": i, "name": "n%d" % i, "tags": ["a%d" % (i % 7), "b"], "v": i * 1.5} for i in range(30000)]
again = {x["name"]: x for x in json.loads(json.dumps(records))}
"""


def main():
    world = World(sys.argv[1])
    try:
        command, environment = (need("python3"), "-c", WORK), {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}
        world.warm_up(*command, **environment)
        result, log = world.record(*command, options=("--rows", "none"), **environment)
        expect_equal((result.err, result.status), (b"", 0), "the recording")
        subprocess.run([sys.argv[2], log, world.folder], check=True)
    finally:
        world.close(keep=False)


main()
