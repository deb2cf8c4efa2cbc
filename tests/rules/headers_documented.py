# SPDX-License-Identifier: MIT
"""Public headers: a purpose at the top, a docstring before every function, fields of structs explained."""

import re

from tree import finish, relative, sources

PROTOTYPE = re.compile(r"^(?:static inline )?(?:const )?(?:struct |enum |unsigned )?\w+[\s*]+(tn_\w+|tenure_\w+)\(")
VOID = re.compile(r"^(?:static inline )?void (?!\*)")


def comment_above(lines, index):
    """The comment that ends on the line before, or '' when there is none."""
    end = index - 1
    while end >= 0 and lines[end].startswith(("__attribute__", "extern \"C\"")):
        end -= 1
    if end < 0 or not lines[end].rstrip().endswith("*/"):
        return ""
    start = end
    while start > 0 and "/*" not in lines[start]:
        start -= 1
    return "\n".join(lines[start : end + 1])


def check_header(path):
    lines = path.read_text().splitlines()
    name = relative(path)
    broken, functions = [], 0
    if "/*" not in "\n".join(lines[3:8]):
        broken.append(f"{name}:4: no comment says what the header is for")
    previous_documented = False
    for index, line in enumerate(lines):
        match = PROTOTYPE.match(line)
        if not match:
            if line.strip() == "":
                previous_documented = False
            continue
        functions += 1
        comment = comment_above(lines, index)
        if not comment and not previous_documented:
            broken.append(f"{name}:{index + 1}: {match.group(1)} has no docstring")
        if VOID.match(line) and re.search(r"^ \* Returns", comment, re.M):
            broken.append(f"{name}:{index + 1}: {match.group(1)} returns nothing, its docstring says otherwise")
        # One docstring may stand above a block of prototypes without blank lines between them.
        previous_documented = bool(comment) or previous_documented
    return broken, functions


def main():
    broken, functions = [], 0
    for path in sources("include", suffixes=(".h",)):
        story, count = check_header(path)
        broken += story
        functions += count
    finish(broken, functions, "functions of public headers")


main()
