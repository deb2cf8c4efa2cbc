# SPDX-License-Identifier: MIT
"""Every source file has the licence line; none has an unfinished note, a typedef of a type, or alloca."""

import re

from tree import finish, relative, sources

OPEN_PROMISE = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
TYPEDEF = re.compile(r"^\s*typedef\b(?!.*\(\s*\*)")
ALLOCA = re.compile(r"\balloca\s*\(")
PRODUCT = ("include", "lib", "tools")


def check_product(line):
    """Rules for what is delivered, not for test programs that imitate other people's code."""
    if TYPEDEF.match(line):
        return "typedef of a type: write struct or enum"
    if ALLOCA.search(line):
        return "alloca"
    return None


def check_file(path):
    lines = path.read_text().splitlines()
    broken = []
    if not lines or "SPDX-License-Identifier: MIT" not in "".join(lines[:2]):
        broken.append(f"{relative(path)}:1: no SPDX line")
    for number, line in enumerate(lines, 1):
        if OPEN_PROMISE.search(line) and path.name != "text.py":
            broken.append(f"{relative(path)}:{number}: an open promise")
        if relative(path).startswith(PRODUCT):
            story = check_product(line)
            if story:
                broken.append(f"{relative(path)}:{number}: {story}")
    return broken


def main():
    files = sources(*PRODUCT, "tests", suffixes=(".c", ".h", ".cpp", ".py", ".sh", ".map"))
    broken = []
    for path in files:
        broken += check_file(path)
    finish(broken, len(files), "files")


main()
