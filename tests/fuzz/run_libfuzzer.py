# SPDX-License-Identifier: MIT
"""Runs a fuzzer for FUZZ_SECONDS, ten minutes unless that is set. What it finds beside the corpus is thrown away; an
input that is handled wrongly is kept, and told.

usage: run_libfuzzer.py FUZZER CORPUS NAME"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


def main():
    fuzzer, corpus, name = sys.argv[1:]
    seconds = os.environ.get("FUZZ_SECONDS", "600")
    with tempfile.TemporaryDirectory() as folder:
        for seed in pathlib.Path(corpus).glob(f"{name}*"):
            shutil.copy(seed, folder)
        run = subprocess.run(
            [fuzzer, f"-max_total_time={seconds}", "-max_len=400000", "-timeout=10", "-rss_limit_mb=4096", "-print_final_stats=1",
             f"-artifact_prefix={os.getcwd()}/{name}-", folder], stderr=subprocess.PIPE)
        lines = run.stderr.decode(errors="replace").splitlines()
    print("\n".join(lines[-40:] if run.returncode else [line for line in lines if line.startswith("stat::")]))
    return run.returncode


sys.exit(main())
