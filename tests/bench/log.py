# SPDX-License-Identifier: MIT
"""What the log costs on a real recording (python3 on JSON): nanoseconds an event in and out, bytes an allocation.

usage: log.py BUILD LOG_SPEED"""

import os
import pathlib
import subprocess
import sys
import tempfile

WORK = """
import json
records = [{"id": i, "name": "n%d" % i, "tags": ["a%d" % (i % 7), "b"], "v": i * 1.5} for i in range(30000)]
again = {x["name"]: x for x in json.loads(json.dumps(records))}
"""


def main():
    build, log_speed = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        log = f"{folder}/python.db"
        command = [pathlib.Path(build) / "tools/tenure", "record", "--quiet", "--rows", "none", "-o", log, "--"]
        subprocess.run([*command, sys.executable, "-c", WORK], env={**os.environ, "PYTHONMALLOC": "malloc"}, check=True)
        subprocess.run([log_speed, log, folder], check=True)


main()
