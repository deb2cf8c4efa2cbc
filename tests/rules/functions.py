# SPDX-License-Identifier: MIT
"""Sizes: no function over 80 lines, 95 in 100 within 50, the median within 12; no file over 500 lines.

A function's size is the number of lines between its braces. The form that clang-format gives the sources
makes it easy to find them: a function's opening and closing brace stand alone in the first column."""

import statistics

from tree import finish, relative, sources

FUNCTION_LINES_MAX = 80
FUNCTION_LINES_P95 = 50
FUNCTION_LINES_MEDIAN = 12
FILE_LINES_MAX = 500


def functions(lines):
    """(first line, lines between the braces) of every function."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            yield start, number - start - 1
            start = None


def main():
    broken, sizes = [], []
    files = sources("lib", "tools", "include")
    for path in files:
        lines = path.read_text().splitlines()
        if len(lines) > FILE_LINES_MAX:
            broken.append(f"{relative(path)}: {len(lines)} lines, at most {FILE_LINES_MAX}")
        for start, size in functions(lines):
            sizes.append(size)
            if size > FUNCTION_LINES_MAX:
                broken.append(f"{relative(path)}:{start}: a function of {size} lines, at most {FUNCTION_LINES_MAX}")
    within = sum(size <= FUNCTION_LINES_P95 for size in sizes) / max(len(sizes), 1)
    if within < 0.95:
        broken.append(f"{within:.1%} of the functions are within {FUNCTION_LINES_P95} lines, at least 95 % should be")
    median = statistics.median(sizes) if sizes else 0
    if median > FUNCTION_LINES_MEDIAN:
        broken.append(f"the median function has {median} lines, at most {FUNCTION_LINES_MEDIAN}")
    print(f"{len(files)} files; functions: median {median} lines, {within:.1%} within {FUNCTION_LINES_P95}, longest {max(sizes, default=0)}")
    finish(broken, len(sizes), "functions")


main()
