# SPDX-License-Identifier: MIT
"""One field, one line: in a docstring, what is returned, owned, costs, and each parameter begin a line of their own."""

import re

from tree import comments, finish, relative, sources

FIELDS = ("Returns", "Owns", "Threads", "Cost", "Source")
WORD = rf"(?:{'|'.join(FIELDS)})"
# A name, or several with commas, or a field's word, and at least two blanks: the head of a field.
HEAD = re.compile(rf"(?:{WORD}|[a-z_][a-z0-9_]*(?:\[\])?(?:, (?:[a-z_][a-z0-9_]*|\.\.\.))*)  +\S")
FUSED_WORD = re.compile(rf"\S +{WORD}(?:  |$)")
FUSED_NAME = re.compile(r"\S +[a-z_][a-z0-9_]*  +\S")
IN_PROSE = re.compile(rf"[.;:] {WORD}\b")


def fault(line, is_public):
    """What is wrong with a line of a comment, without its star; None when nothing is."""
    if match := FUSED_WORD.search(line):
        return f"'{match.group().split()[-1]}' is fused into another line"
    if is_public and (match := IN_PROSE.search(line)):
        return f"'{match.group().split()[-1]}' deserves a line of its own"
    head = HEAD.match(line)
    if head and (match := FUSED_NAME.search(line, head.end())):
        return f"'{match.group().strip()}' is fused into another field"
    if not head and FUSED_NAME.search(line) and not line.startswith(" "):
        return f"a field of several words: '{line}'"
    return None


def is_docstring(comment, next_line):
    """Whether a comment stands above a function: what follows begins in the first column and has a parenthesis."""
    return bool(re.match(r"[a-z].*\(", next_line)) and "define" not in next_line


def check_file(path):
    broken = []
    for number, lines, next_line in comments(path):
        if not is_docstring(lines, next_line):
            continue
        for offset, line in enumerate(lines):
            text = re.sub(r"^\s*(/\*|\*)? ?|\s*\*/$", "", line)
            story = fault(text, relative(path).startswith("include/"))
            if story:
                broken.append(f"{relative(path)}:{number + offset}: {story}")
    return broken


def check_itself():
    for good in ("Returns     0; -ENOMEM", "a, b        two numbers, > 0", "            or what comes then", "Place a block.",
                 "ret_x       it Returns nothing"):
        assert fault(good, False) is None, good
    for bad in ("thread id  as of x", "-ENOMEM Cost      25 ns", "-ENOMEM Owns", "Returns     0 Owns       it",
                "a           one b           two"):
        assert fault(bad, False) is not None, bad
    assert fault("Place it. Returns 0.", False) is None
    assert fault("Place it. Returns 0.", True) is not None


def main():
    check_itself()
    files = sources("include", "lib", "tools")
    broken = []
    for path in files:
        broken += check_file(path)
    finish(broken, len(files), "files")


main()
