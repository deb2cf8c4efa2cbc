# SPDX-License-Identifier: MIT
"""Containers of the C++ standard library, as the log names them, against what each line of a program says that it
makes: with libstdc++ and libc++, with and without optimisation. LIBCXX_HEADERS in the environment is a folder with the
headers of libc++, where they are not where clang looks for them."""

import fnmatch
import os
import pathlib
import re
import shutil
import subprocess

from harness import expect, expect_equal, need, query

SOURCE = pathlib.Path(__file__).resolve().parent / "containers" / "containers.cpp"
HEADERS = os.environ.get("LIBCXX_HEADERS")
LIBCXX = (["-nostdinc++", "-isystem", HEADERS, "-nostdlib++", "-Wl,-l:libc++.so.1", "-Wl,-l:libc++abi.so.1"]
          if HEADERS else ["-stdlib=libc++"])
LIBRARIES = {"libstdc++": ("g++", []), "clang": ("clang++", []), "libc++": ("clang++", LIBCXX)}
CONTAINERS = """SELECT s.line, c.type, ifnull(c.operation, '-'), ifnull(c.element, '-'),
       c.outer_type, ifnull(c.outer_operation, '-'), ifnull(c.outer_element, '-'), count(*)
  FROM allocation AS a JOIN stack AS k ON k.id = a.stack_id JOIN site AS s ON s.id = k.site_id
  LEFT JOIN container AS c ON c.id = k.container_id
  WHERE s.file LIKE '%containers.cpp' GROUP BY 1, c.id"""


def wanted():
    """Line -> what it may make: "type operation element", or these three "in" the outer three."""
    found = {}
    for number, line in enumerate(SOURCE.read_text().splitlines(), 1):
        told = re.search(r"; +// (.*)", line)
        if told:
            found[number] = [text.strip() for text in told[1].split(" | ")]
    return found


def name(row):
    """As the comments tell it."""
    inner, outer = row[1:4], row[4:7]
    if inner[0] is None:
        return "none"
    return " ".join(inner) + (" in " + " ".join(outer) if outer != inner else "")


def matches(found, pattern):
    literal = re.sub(r"[\[\]]", lambda bracket: f"[{bracket[0]}]", pattern)
    return fnmatch.fnmatchcase(found, literal)


def has_vector(compiler, options):
    command = [compiler, *options, "-Wno-unused-command-line-argument", "-x", "c++", "-fsyntax-only", "-"]
    return shutil.which(compiler) and subprocess.run(command, input=b"#include <vector>\n",
                                                     capture_output=True).returncode == 0


def is_built(world, library, optimisation, path):
    """Whether the compiler has the library; says so in one line where it has not."""
    compiler, options = LIBRARIES[library]
    command = [compiler, "-std=c++17", "-g", optimisation, *options, str(SOURCE), "-o", str(path)]
    if library != "libstdc++":
        if not has_vector(compiler, options):
            print(f"{library} {optimisation}: skipped: {' '.join([compiler, *options])} finds no <vector>")
            return False
    built = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    expect_equal((built.returncode, built.stdout.decode()), (0, ""), " ".join(command))
    return True


def check(world, path):
    """Every line that was told of made blocks, and nothing else than it tells. Returns the lines that were seen: a
    compiler may leave out what a program does not use."""
    result, log = world.record(path, log=world.folder / f"{path.name}.db", options=("--rows", "all"))
    expect_equal(result.status, 0, "status")
    told, seen = wanted(), set()
    everything = [pattern for patterns in told.values() for pattern in patterns]
    for row in query(log, CONTAINERS):
        if row[0] not in told:
            expect(row[1] is None or path.name.endswith("-O2"), f"{path.name}: line {row[0]} makes {name(row)}")
            continue
        # an optimising compiler moves lines into each other
        patterns = everything if path.name.endswith("-O2") else told[row[0]]
        expect(any(matches(name(row), pattern) for pattern in patterns),
               f"{path.name}: line {row[0]} is to make {' or '.join(told[row[0]])}, and the log says {name(row)}")
        seen.add(row[0])
    return seen


def run(world, names):
    need("g++")
    lines = len(wanted())
    for library in LIBRARIES:
        for optimisation in ("-O0", "-O2"):
            path = world.folder / f"{library}{optimisation}"
            if not is_built(world, library, optimisation, path):
                continue
            seen = check(world, path)
            expect(len(seen) * 10 >= lines * 8, f"{path.name}: only {len(seen)} of {lines} lines made blocks")
            print(f"{path.name}: {len(seen)} of {lines} lines")
