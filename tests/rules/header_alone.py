# SPDX-License-Identifier: MIT
"""Every header compiles alone, as C11, with the warnings of the developers' setup.

usage: header_alone.py BUILD_DIR COMPILER [FLAGS...]"""

import subprocess
import sys

from tree import ROOT, finish, relative, sources

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wundef", "-Wstrict-prototypes", "-Wno-unused-function"]


def main():
    build, compiler = sys.argv[1], sys.argv[2:]
    broken = []
    headers = sources("include", "lib", "tools", suffixes=(".h",))
    for header in headers:
        command = [*compiler, "-std=c11", "-D_GNU_SOURCE", *WARNINGS, "-fsyntax-only", "-x", "c"]
        command += ["-I", ROOT / "include", "-I", header.parent, "-I", f"{build}/lib/wire", "-"]
        source = f'#include "{header}"\nint tn_not_empty(void);\n'
        result = subprocess.run(command, input=source, capture_output=True, text=True)
        if result.returncode != 0:
            first = next((l for l in result.stderr.splitlines() if "error" in l), "does not compile")
            broken.append(f"{relative(header)}: {first}")
    finish(broken, len(headers), "headers")


main()
