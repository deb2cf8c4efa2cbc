# SPDX-License-Identifier: MIT
"""A reader learns in the first lines what a .c file is for: it opens with a comment, or has a header of its own that
does. The comment has two to five lines (or a first paragraph that has) and stands before the first #include line, or
behind them with an empty line between it and what follows."""

from tree import ROOT, finish, relative, sources

LINES_MIN, LINES_MAX = 2, 5


def paragraph_lines(comment):
    """Lines up to the first empty one of a comment."""
    for count, line in enumerate(comment):
        if line.strip() == "*":
            return count
    return len(comment)


def opening(lines):
    """The comment that a file opens with, as lines; [] without one."""
    start, is_code_above = 1, False
    while start < len(lines) and not lines[start].startswith("/*"):
        if lines[start].strip() and not lines[start].startswith("#"):
            return []
        is_code_above |= lines[start].startswith("#include")
        start += 1
    end = start
    while end < len(lines) and "*/" not in lines[end]:
        end += 1
    is_of_file = not is_code_above or end + 1 >= len(lines) or not lines[end + 1].strip()
    return lines[start : end + 1] if is_of_file else []


def fault(lines):
    """What is wrong with a file's opening; None when it is as it should be."""
    comment = opening(lines)
    if not comment:
        return "does not open with a comment that says what it is for"
    if len(comment) < LINES_MIN:
        return f"its opening comment has {len(comment)} line, at least {LINES_MIN} are needed"
    if paragraph_lines(comment) > LINES_MAX:
        return f"the first paragraph of its opening comment has {paragraph_lines(comment)} lines, at most {LINES_MAX}"
    return None


def check_file(path):
    own = [header for header in (path.with_suffix(".h"), ROOT / "include/tenure" / f"{path.stem}.h") if header.exists()]
    faults = [fault(file.read_text().splitlines()) for file in (path, *own)]
    return [] if None in faults else [f"{relative(path)}: {faults[0]}"]


def check_itself():
    head, include, two = "/* SPDX */", "#include <a.h>", ["/* This", " * that. */"]
    assert fault([head, "", *two, "", include]) is None
    assert fault([head, include, "", *two, "", "int x;"]) is None
    assert fault([head, include, "", *two, "int x;"]) is not None
    assert fault([head, include, "", "/* This. */", "", "int x;"]) is not None
    assert fault([head, include, "int x;", *two, ""]) is not None
    assert fault([head, "/* 1", *[" * 2"] * 5, " */", ""]) is not None
    assert fault([head, "/* 1", " * 2", " *", *[" * 3"] * 5, " */", ""]) is None


def main():
    check_itself()
    files = sources("lib", "tools", suffixes=(".c",))
    broken = []
    for path in files:
        broken += check_file(path)
    finish(broken, len(files), "files")


main()
