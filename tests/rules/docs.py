# SPDX-License-Identifier: MIT
"""The documents say what is there: links resolve; source files, commands, options, variables, kinds of findings and
heap models exist, and none is left out. (Tables and columns of a log: tests/unit/log_format.py.)

usage: docs.py [TENURE]   without the executable only links, files and variables are checked"""

import re
import subprocess
import sys

from tree import ROOT, finish, relative, sources

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
VARIABLE = re.compile(r"\bTENURE_[A-Z_]+\b")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
# Variables that are ours between our own processes, or guards of headers, and not for a user to set.
# A file of ours, by its path; those with a capital letter are patterns (NAME.c) or pages.
SOURCE = re.compile(r"`((?:lib|tools|include|tests)/[a-z0-9_./-]+\.(?:c|h|cpp|py|sh|map|txt|ini|build))`")
INTERNAL = re.compile(r"TENURE_\w*_H$")


def page_text(name):
    return (ROOT / "docs" / f"{name}.md").read_text()


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


def check_paths(page):
    """The source files that a page names are there."""
    return [f"{relative(page)}: {name} is not there" for name in SOURCE.findall(page.read_text())
            if not (ROOT / name).exists()]


def check_promises():
    """The tests that the page about reliability names are there: by name, or behind the name of their family."""
    told = re.findall(r"`([a-z0-9_]+)`", re.sub(r"(?m)^[^|].*$", "", page_text("reliability")))
    text = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*") if path.suffix in (".py", ".build"))
    known = set(re.findall(r"[\"']([a-z0-9_]+)[\"']|\bdef ([a-z0-9_]+)\(", text))
    known = {name for pair in known for name in pair if name}
    broken = [] if told else ["docs/reliability.md names no tests"]
    return broken + [f"docs/reliability.md: {name} is no test" for name in told
                     if name not in known and name.partition("_")[2] not in known]  # fmt: skip


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


def commands(tenure):
    """Those that `tenure --help` lists."""
    part = (help_of(tenure) or "").partition("\nCommands:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  ([a-z-]+) ", part, re.M)


def check_commands(tenure):
    """Each command has a heading and a line of the synopsis in the manual page, and stands in README.md."""
    names = commands(tenure)
    broken = [] if names else ["tenure --help lists no commands"]
    manual, readme = page_text("tenure.1"), (ROOT / "README.md").read_text()
    for name in names:
        if f"\n## tenure {name}\n" not in manual:
            broken.append(f"docs/tenure.1.md: no heading 'tenure {name}'")
        if not re.search(rf"^    tenure {name}\b", manual, re.M):
            broken.append(f"docs/tenure.1.md: {name} is not in the synopsis")
        if not re.search(rf"tenure {name}\b", readme):
            broken.append(f"README.md: 'tenure {name}' is not there")
    return broken


def check_options(tenure):
    """Each command's options are in the manual page, and the pages invent none."""
    broken, known, names = [], {"--help", "--version"}, commands(tenure)
    told = set(OPTION.findall(page_text("tenure.1")))
    for command in names:
        text = help_of(tenure, command)
        if text is None:
            broken.append(f"tenure {command} --help fails")
            continue
        options = set(OPTION.findall(text))
        known |= options
        broken += [f"docs/tenure.1.md: {name} of {command} is not there" for name in sorted(options - told)]
    for page in documents():
        for block in re.findall(rf"\btenure (?:{'|'.join(names)})\b[^\n`]*", page.read_text()):
            own = block.split(" -- ")[0]
            for name in set(OPTION.findall(own)) - known:
                broken.append(f"{relative(page)}: {name} in '{block.strip()}' is no option")
    return broken


def check_kinds(tenure):
    """Each kind of finding has a heading in the page about findings and stands in the manual page, and no other does."""
    listed = subprocess.run([tenure, "report", "--list-kinds"], capture_output=True, text=True)
    kinds = set(re.findall(r"^([a-z-]+): ", listed.stdout, re.M))
    headed = set(re.findall(r"^## ([a-z-]+)$", page_text("analyses"), re.M))
    broken = [] if kinds else ["tenure report --list-kinds lists no kinds"]
    broken += [f"docs/analyses.md: no heading '{kind}'" for kind in sorted(kinds - headed)]
    broken += [f"docs/analyses.md: '{kind}' is no kind of finding" for kind in sorted(headed - kinds)]
    manual = page_text("tenure.1")
    return broken + [f"docs/tenure.1.md: `{kind}` is not there" for kind in sorted(kinds) if f"`{kind}`" not in manual]


def check_models(tenure):
    """Each heap model that `simulate` knows has a row in the page about the simulator."""
    found = re.search(r"^Policies: (.*?)\. A policy's own", help_of(tenure, "simulate") or "", re.M | re.S)
    models = re.split(r",\s+", re.sub(r"\s+\([^)]*\)", "", found.group(1))) if found else []
    told = set(re.findall(r"[a-z0-9-]+", " ".join(re.findall(r"^\| ([a-z0-9, -]+) \|", page_text("simulator"), re.M))))
    broken = [] if models else ["tenure simulate --help lists no policies"]
    return broken + [f"docs/simulator.md: {model} has no row" for model in models if model not in told]


def main():
    broken = check_variables() + check_promises()
    pages = documents()
    for page in pages:
        if page.exists():
            broken += check_links(page) + check_paths(page)
        else:
            broken.append(f"{page.name} is missing")
    if len(sys.argv) > 1:
        tenure = sys.argv[1]
        broken += check_commands(tenure) + check_options(tenure) + check_kinds(tenure) + check_models(tenure)
    finish(broken, len(pages), "pages")


main()
