# SPDX-License-Identifier: MIT
"""Prose that is easy to read: no line of a comment or page beyond 120 columns (tables, code and addresses may be
wider), and none of the turns of phrase that were found hard to understand."""

import io
import re
import tokenize

from tree import ROOT, finish, relative, sources

COLUMNS_MAX = 120
# What stood in the sources once, and what to say instead.
BANNED = {
    r"with the story in": "error says what failed and what to do",
    r"introduces itself": "its hello awaits admission",
    r"\bbur(?:y|ies|ied)\b": "reap, release",
    r"\bhears?\b": "read, receive",
    r"\bnobody knows\b": "it is unknown",
    r"\bis foreseen\b": "is predicted",
    r"\bwho keeps\b": "what keeps",
    r"\bbears? (?:a|the) name\b": "is named",
    r"\bis told of\b": "is reported, is given",
}
BANNED_NOW = [(re.compile(words, re.I), instead) for words, instead in BANNED.items()]


def c_prose(path):
    """(number, line) of each line that holds a comment; of a line of code, its comment alone."""
    inside = False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        starts = line.find("/*")
        if inside or starts >= 0:
            yield number, line if inside or not line[:starts].strip() else " " * starts + line[starts:]
        inside = "*/" not in line[starts if starts >= 0 and not inside else 0 :] and (inside or starts >= 0)


def page_prose(path):
    """Lines of a page without tables and code."""
    is_code = False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("```"):
            is_code = not is_code
        elif not is_code and not line.startswith(("|", "    ")):
            yield number, line


def script_prose(path):
    """Comments and docstrings of a Python script; comments of others."""
    if path.suffix != ".py":
        lines = enumerate(path.read_text().splitlines(), 1)
        yield from ((number, line) for number, line in lines if line.lstrip().startswith("#"))
        return
    last = tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        is_docstring = token.type == tokenize.STRING and last in (tokenize.NEWLINE, tokenize.INDENT)
        if token.type == tokenize.COMMENT or is_docstring:
            yield from enumerate(token.string.splitlines(), token.start[0])
        if token.type not in (tokenize.NL, tokenize.COMMENT):
            last = token.type


def faults(line):
    if len(line) > COLUMNS_MAX and "://" not in line:
        yield f"{len(line)} columns, at most {COLUMNS_MAX}"
    for pattern, instead in BANNED_NOW:
        if match := pattern.search(line):
            yield f"'{match.group()}' is hard to understand (say: {instead})"


def readers():
    """Every file with prose, and how its prose is found."""
    for path in sources("include", "lib", "tools", "tests", suffixes=(".c", ".h", ".cpp")):
        yield path, c_prose
    for path in sources("tools", "tests", suffixes=(".py", ".sh", ".build")):
        yield path, script_prose
    for path in [ROOT / "README.md", *sources("docs", suffixes=(".md",))]:
        yield path, page_prose


def check_itself():
    assert not list(faults("x" * 120)) and list(faults("x" * 121)) and not list(faults("https://" + "x" * 121))
    assert list(faults(" * NULL with the story in error")) and not list(faults("the rehearsal of a burying"))


def main():
    check_itself()
    broken, count = [], 0
    for path, prose in readers():
        count += 1
        if path.name != "prose.py":
            broken += [f"{relative(path)}:{number}: {story}" for number, line in prose(path) for story in faults(line)]
    finish(broken, count, "files")


main()
