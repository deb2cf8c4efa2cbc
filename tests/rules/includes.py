# SPDX-License-Identifier: MIT
"""No circles: NAME.c and NAME.h of a folder are one unit, a public header is one of its own, and no unit reaches
itself again by #include lines. What implements the shim's processor contract (arch_NAME) is of the contract's unit."""

import re

from tree import ROOT, finish, relative, sources

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


def unit(path):
    return re.sub(r"/arch_\w+$", "/arch", relative(path.with_suffix("")))


def target(path, header):
    """The file that an #include line names; None for one that is generated."""
    file = ROOT / "include" / header if header.startswith("tenure/") else path.parent / header
    return file if file.exists() else None


def read_graph(files):
    """Unit -> the units that it includes."""
    graph = {}
    for path in files:
        reached = graph.setdefault(unit(path), set())
        for header in INCLUDE.findall(path.read_text()):
            file = target(path, header)
            if file and unit(file) != unit(path):
                reached.add(unit(file))
    return graph


def way_back(graph, start):
    """The shortest way from a unit to itself, as a list that begins and ends with it; None when there is none."""
    ways, seen = [[start]], set()
    for way in ways:
        for reached in sorted(graph.get(way[-1], ())):
            if reached == start:
                return [*way, start]
            if reached not in seen:
                seen.add(reached)
                ways.append([*way, reached])
    return None


def circles(graph):
    """Each circle once: the units of a circle that was told do not tell another one."""
    told, found = set(), []
    for start in sorted(graph):
        way = way_back(graph, start) if start not in told else None
        if way:
            told.update(way)
            found.append(way)
    return found


def check_itself():
    """Two circles, one of them longer, and a unit that only leads into one."""
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
    assert circles(graph) == [["a", "b", "c", "a"], ["d", "e", "d"]]
    assert circles({"a": {"b", "c"}, "b": {"c"}}) == []


def main():
    check_itself()
    files = sources("include", "lib", "tools")
    broken = [f"includes in a circle: {' -> '.join(way)}" for way in circles(read_graph(files))]
    finish(broken, len(files), "files")


main()
