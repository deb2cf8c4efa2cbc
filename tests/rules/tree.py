# SPDX-License-Identifier: MIT
"""What the rules tests share: where the sources are, and how a broken rule is reported."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def sources(*folders, suffixes=(".c", ".h")):
    """The source files below the folders, sorted, so that messages come in the same order always."""
    found = []
    for folder in folders:
        found += [p for p in (ROOT / folder).rglob("*") if p.suffix in suffixes and p.is_file()]
    return sorted(found)


def relative(path):
    return str(path.relative_to(ROOT))


def without_comments(text):
    """C without its comments; the lines keep their numbers."""
    return re.sub(r"/\*.*?\*/", lambda match: "\n" * match.group().count("\n"), text, flags=re.S)


def comments(path):
    """(number of its first line, its lines, the line after it) of each comment that begins a line."""
    lines, start = path.read_text().splitlines(), None
    for number, line in enumerate(lines):
        if start is None and line.lstrip().startswith("/*"):
            start = number
        if start is not None and "*/" in line:
            yield start + 1, lines[start : number + 1], lines[number + 1] if number + 1 < len(lines) else ""
            start = None


def finish(broken, checked, what):
    """Print every broken rule, one a line, and exit with the status that Meson expects."""
    for line in broken:
        print(line)
    print(f"{checked} {what} checked, {len(broken)} broken")
    if checked == 0:
        print("nothing was checked: the test itself is wrong")
        sys.exit(1)
    sys.exit(1 if broken else 0)
