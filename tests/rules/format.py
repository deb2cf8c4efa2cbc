# SPDX-License-Identifier: MIT
"""clang-format is the only judge of white space. Skipped (77) where it is not installed."""

import shutil
import subprocess
import sys

from tree import finish, relative, sources


def main():
    if not shutil.which("clang-format"):
        print("clang-format is not installed")
        sys.exit(77)
    files = sources("include", "lib", "tools", "tests", suffixes=(".c", ".h", ".cpp"))
    result = subprocess.run(["clang-format", "--dry-run", "-Werror", *files], capture_output=True, text=True)
    named = {line.split(":")[0] for line in result.stderr.splitlines() if "clang-format-violations" in line}
    broken = [f"{relative(path)}: run clang-format -i on it" for path in files if str(path) in named]
    if result.returncode != 0 and not broken:
        broken = [f"clang-format fails: {result.stderr.splitlines()[:1]}"]
    finish(broken, len(files), "files")


main()
