# SPDX-License-Identifier: MIT
"""The documents say what is there: links resolve, options and variables exist, and none is left out.

usage: docs.py [TENURE]   without the executable only links and variables are checked"""

import re
import subprocess
import sys

from tree import ROOT, finish, relative, sources

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
VARIABLE = re.compile(r"\bTENURE_[A-Z_]+\b")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
# Variables that are ours between our own processes, or guards of headers, and not for a user to set.
INTERNAL = re.compile(r"TENURE_\w*_H$")
COMMANDS = ("record", "report", "simulate", "info", "sql")


def documents():
    return sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def anchors(text):
    """The anchors of a page's headings, as the usual viewers make them."""
    found = set()
    for heading in re.findall(r"^#+ (.*)$", text, re.M):
        found.add(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-"))
    return found


def check_links(page):
    """Relative links lead to files, and anchors to headings."""
    broken = []
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name) if name else page
        if not file.exists():
            broken.append(f"{relative(page)}: link to {target}, which is not there")
        elif anchor and anchor not in anchors(file.read_text()):
            broken.append(f"{relative(page)}: link to {target}, which is no heading")
    return broken


def check_variables():
    """The variables that the sources read are those of docs/environment.md."""
    page = ROOT / "docs/environment.md"
    if not page.exists():
        return []
    told = set(VARIABLE.findall(page.read_text()))
    used = set()
    for path in sources("lib", "tools", "include"):
        for name in re.findall(r'"(TENURE_[A-Z_]+)[="]', path.read_text()):
            used.add(name)
    broken = [f"docs/environment.md: {name} is not there" for name in sorted(used - told)]
    broken += [f"docs/environment.md: nobody reads {name}" for name in sorted(told - used) if not INTERNAL.match(name)]
    return broken


def help_of(tenure, *arguments):
    result = subprocess.run([tenure, *arguments, "--help"], capture_output=True, text=True)
    return result.stdout if result.returncode == 0 else None


def check_options(tenure):
    """Each command's options are in the manual page, and the pages invent none."""
    broken, known = [], {"--help", "--version"}
    manual = ROOT / "docs/tenure.1.md"
    told = set(OPTION.findall(manual.read_text())) if manual.exists() else set()
    for command in COMMANDS:
        text = help_of(tenure, command)
        if text is None:
            broken.append(f"tenure {command} --help fails")
            continue
        options = set(OPTION.findall(text))
        known |= options
        broken += [f"docs/tenure.1.md: {name} of {command} is not there" for name in sorted(options - told)]
    for page in documents():
        for block in re.findall(r"\btenure (?:record|report|simulate|info|sql)\b[^\n`]*", page.read_text()):
            own = block.split(" -- ")[0]
            for name in set(OPTION.findall(own)) - known:
                broken.append(f"{relative(page)}: {name} in '{block.strip()}' is no option")
    return broken


def main():
    broken = check_variables()
    pages = documents()
    for page in pages:
        if page.exists():
            broken += check_links(page)
        else:
            broken.append(f"{page.name} is missing")
    if len(sys.argv) > 1:
        broken += check_options(sys.argv[1])
    finish(broken, len(pages), "pages")


main()
