# SPDX-License-Identifier: MIT
"""Who may include whom: the #include lines of lib/ and tools/ against the table below.

docs/architecture.md shows the same table; when it is there, the two must agree."""

import re

from tree import ROOT, finish, relative, sources

# Folder -> headers of include/tenure that it may include. Keys are folders, or single files that are
# allowed something else than their folder.
MAY_INCLUDE = {
    "lib/wire": {"event", "event_body", "limits", "ring", "session"},
    "lib/shim": {"event", "event_body", "event_pool", "limits", "ring", "session", "mark", "system_path"},
    "lib/base": {"base", "brackets", "json", "map", "template"},
    "lib/excerpt": {"excerpt", "base"},
    "lib/symbol": {"symbol", "base", "map"},
    "lib/chunk": {"chunk", "log_event", "event", "base", "map"},
    "lib/log": {"log", "log_write", "log_event", "chunk", "sql", "event", "limits", "base", "map"},
    "lib/summary": {"summary", "places", "log", "log_event", "chunk", "sql", "event", "limits", "base", "map"},
    "lib/chart": {"charts", "places", "summary", "log", "sql", "event", "limits", "base", "map"},
    "lib/record": {"record", "request", "event", "event_body", "event_pool", "limits", "ring", "session", "log_write", "finish", "base", "map"},
    "lib/site": {"site", "container", "event", "base", "brackets", "map"},
    "lib/finish": {"finish", "log", "sql", "log_write", "symbol", "site", "container", "code", "event", "limits", "base", "map"},
    "lib/code": {"code", "map"},
    "lib/heap": {"heap", "base"},
    "lib/replay": {"replay", "risk", "heap", "base", "map"},
    "lib/simulate": {"simulate", "charts", "replay", "risk", "heap", "log", "sql", "finding", "site", "event", "base", "map", "plan"},
    "lib/finding": {"evidence", "finding", "kind", "json", "base", "brackets", "system_path", "plan"},
    "lib/analyze": {"analyze", "analysis", "activation", "container", "maker", "releases", "size_source", "source_frames", "size_histogram", "stored_address", "birth_order", "kept_address", "other_caller", "site_links", "worker", "evidence", "finding", "kind", "code", "symbol", "log", "sql", "log_write", "site", "event", "json", "base", "map", "contained", "plan", "planner"},
    "lib/kinds": {"kinds", "kind", "analysis", "activation", "maker", "cplusplus", "template", "releases", "size_source", "source_frames", "size_histogram", "stored_address", "birth_order", "kept_address", "other_caller", "site_links", "worker", "evidence", "finding", "heap", "base", "map", "contained"},
    "lib/plan": {"planner", "plan", "contained", "analysis", "releases", "source_frames", "site_links", "finding", "map"},
    "lib/compare": {"compare", "runs", "evidence", "kind", "summary", "finding", "log", "sql", "json", "base", "map"},
    "lib/check": {"check", "summary", "finding", "log", "sql", "json", "base"},
    "lib/report": {"report", "charts", "excerpt", "compare", "runs", "check", "evidence", "finding", "kind", "summary", "json", "base", "map", "plan"},
    "lib/export": {"export", "export_fleet", "places", "finding", "log", "sql", "event", "log_event", "limits", "json", "base", "map"},
    "lib/preload": {"preload", "inject"},
    "lib/trial": {"trial", "preload", "inject"},
    "lib/inject": {"inject", "preload", "heap", "base", "map"},
    "lib/fail": {"fail", "inject", "log", "sql", "symbol", "site", "system_path", "json", "base", "map"},
    "lib/try": {"try", "trial", "inject", "finding", "evidence", "log", "sql", "symbol", "site", "json", "base", "map"},
    "tools": {"try", "trial", "fail", "inject", "export", "export_fleet", "charts", "excerpt", "report", "compare", "runs", "check", "analyze", "finding", "kind", "kinds", "summary", "log", "log_write", "record", "request", "site", "finish", "heap", "replay", "risk", "simulate", "event", "limits", "json", "base", "map", "plan", "planner"},
}

# Private headers that one folder offers to another on purpose: (user, header).
SHARED_PRIVATE = {
    ("lib/shim", "wire_stamp.h"),  # generated: the hash of the wire headers
    ("lib/record", "wire_stamp.h"),
}

# Folder -> headers of other libraries that it, and nobody else, may include.
FOREIGN = {
    "sqlite3.h": {"lib/log", "lib/summary", "lib/chart", "lib/finish", "lib/analyze", "lib/simulate", "lib/compare", "lib/check", "lib/export", "lib/fail", "lib/try", "tools"},
    "sqlite3ext.h": {"lib/log"},
    "zstd.h": {"lib/chunk"},
    "elfutils/": {"lib/symbol", "lib/code"},
    "dwarf.h": {"lib/symbol"},
    "libiberty/": {"lib/symbol"},
    "libunwind": {"lib/shim"},
    "regex.h": {"lib/site"},
    "dlfcn.h": {"lib/shim", "lib/preload", "lib/trial"},
    "readline/": {"tools"},
    "editline/": {"tools"},
    "stdio.h": {"lib/base", "lib/log", "lib/summary", "lib/symbol", "lib/site", "lib/record", "lib/finish", "lib/finding", "lib/analyze", "lib/kinds", "lib/check", "lib/report", "lib/fail", "lib/try", "tools"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def folder_of(path):
    name = relative(path)
    for folder in MAY_INCLUDE:
        if name.startswith(folder + "/"):
            return folder
    return None


def check_own(folder, path, header):
    """A header between quotes: the public ones by the table, private ones beside the file only."""
    if header.startswith("tenure/"):
        name = header[len("tenure/") : -len(".h")]
        if not (ROOT / "include" / header).exists():
            return f"{header} does not exist"
        if name not in MAY_INCLUDE[folder]:
            return f"{folder} may not include {header}"
        return None
    if "/" in header:
        return f"{header}: private headers lie beside their .c and are named without a path"
    if (path.parent / header).exists() or (folder, header) in SHARED_PRIVATE:
        return None
    return f"{header} is neither beside the file nor public"


def check_foreign(folder, header):
    if header.startswith("tenure/"):
        return f"<{header}>: our own headers are included with quotes"
    for foreign, users in FOREIGN.items():
        if header.startswith(foreign) and folder not in users:
            return f"{folder} may not include <{header}>"
    return None


def check_file(path):
    folder = folder_of(path)
    if folder is None:
        return [f"{relative(path)}: its folder is not in the table"]
    broken = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        own = match.group(1) == '"'
        story = check_own(folder, path, match.group(2)) if own else check_foreign(folder, match.group(2))
        if story:
            broken.append(f"{relative(path)}:{number}: {story}")
    return broken


def check_public():
    """Public headers include public headers only, by their full name."""
    broken = []
    for path in sources("include"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if match and match.group(1) == '"' and not match.group(2).startswith("tenure/"):
                broken.append(f"{relative(path)}:{number}: public headers know no private one")
    return broken


def check_page():
    """docs/architecture.md shows the same table."""
    page = ROOT / "docs/architecture.md"
    if not page.exists():
        return []
    rows = re.findall(r"^\| (lib/\w+|tools) \| ([^|]+) \|", page.read_text(), re.M)
    shown = {folder: {name.strip() for name in names.split(",")} for folder, names in rows}
    return [
        f"docs/architecture.md: {folder}: shows {sorted(shown.get(folder, ()))}, held are {sorted(names)}"
        for folder, names in MAY_INCLUDE.items()
        if shown.get(folder) != names
    ]


def main():
    files = sources("lib", "tools")
    broken = check_public() + check_page()
    for path in files:
        broken += check_file(path)
    finish(broken, len(files), "files")


main()
