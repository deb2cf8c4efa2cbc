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
    broken = []
    for path in files:
        result = subprocess.run(["clang-format", "--dry-run", "-Werror", path], capture_output=True)
        if result.returncode != 0:
            broken.append(f"{relative(path)}: run clang-format -i on it")
    finish(broken, len(files), "files")


main()
