# SPDX-License-Identifier: MIT
"""A program in Rust, with an allocator of its own: all that it makes belongs to lines of its own file, by functions
with readable names."""

import pathlib
import subprocess

from harness import expect, expect_equal, need, query

SOURCE = pathlib.Path(__file__).resolve().parent / "rust" / "records.rs"
SITES = """SELECT s.function, s.file, s.line, y.allocations FROM site AS s
  JOIN site_summary AS y ON y.site_id = s.id ORDER BY y.allocations DESC"""
# What starts before the program's main, in Rust's own start-up code.
STARTUP_MAX = 20


def check(sites, name):
    """Nearly all is made at lines of the source, and none in the allocator."""
    own = [site for site in sites if site[1] is not None and site[1].endswith("/records.rs")]
    strange = [site for site in sites if site not in own]
    expect(sum(site[3] for site in strange) <= STARTUP_MAX, f"{name}: these are no lines of the program: {strange}")
    lines = SOURCE.read_text().splitlines()
    for function, _, line, _ in own:
        expect("GlobalAlloc" not in function, f"{name}: the allocator is a site: {function}")
        expect(not function.startswith("_R") and "17h" not in function, f"{name}: {function} is no readable name")
        expect("System" not in lines[line - 1], f"{name}: line {line} only passes memory on")
    expect_equal({site[0].split("::")[1] for site in own if site[3] >= 200} - {"main"}, {"make", "copy", "table"},
                 f"{name}: functions that allocate")


def run(world, names):
    rustc = need("rustc")
    for optimisation in ("0", "2"):
        path = world.folder / f"records{optimisation}"
        command = [rustc, "-g", "-C", f"opt-level={optimisation}", "-C", "symbol-mangling-version=v0", str(SOURCE), "-o",
                   str(path)]
        built = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        expect_equal(built.returncode, 0, built.stdout.decode())
        result, log = world.record(path, log=world.folder / f"{path.name}.db", options=("--rows", "all"))
        expect_equal(result.status, 0, "status")
        sites = query(log, SITES)
        check(sites, path.name)
        print(f"{path.name}: {len(sites)} sites")
