# SPDX-License-Identifier: MIT
"""Links against an oracle: a slow library that looks at the same deaths and compares each word with every block.

usage: compare.py BUILD FOLDER [PROGRAM...]   FOLDER: of the oracle and of near_misses

The looks, and each link with its looks and its distinct held blocks, must be the same in number; calls stand for
stacks, added up."""

import collections
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from harness import SKIP, Failure, Skip, World, check_log, expect, expect_equal, query

# Of tests/truth: one thread, C, no fork, few enough blocks for the oracle.
TRUTHS = ("burst_queue", "connections", "error_path", "list_nodes", "member_resized", "names_growing", "pair_parts",
          "realloc_chains", "session_loop", "singleton_replaced")  # fmt: skip

# Of near_misses: those that are links. None for an own address, a cleared one, one of an earlier life, a XOR, a mark in
# a text, or what was released long before.
NEAR_MISSES_LINKS = 10

CALL = """
SELECT s.id, replace(m.path, rtrim(m.path, replace(m.path, '/', '')), '') || '+' || printf('0x%x', f.offset_bytes)
FROM stack AS s JOIN frame AS f ON f.id = s.frame_id JOIN module AS m ON m.id = f.module_id"""
LINKS = """
SELECT replace(moment, ' ', '_'), holder_stack_id, offset_bytes, held_stack_id, inner_offset_bytes, looks,
       distinct_held_blocks
FROM link"""
LOOKS = "SELECT replace(moment, ' ', '_'), stack_id, looks FROM link_look"


def told_by_oracle(world, folder, program):
    path = world.folder / f"{program.name}.oracle"
    result = world.run(program, LD_PRELOAD=folder / "liblinks_oracle.so", LINKS_ORACLE=path)
    expect_equal((result.status, result.err), (0, b""), f"{program.name} with the oracle")
    looks, links = collections.Counter(), collections.defaultdict(lambda: [0, 0])
    for line in path.read_text().splitlines():
        kind, moment, holder, *rest = line.split()
        if kind == "look":
            looks[moment, holder] += int(rest[0])
            continue
        offset, held, inner, found, distinct = rest
        counts = links[moment, holder, int(offset), held, int(inner)]
        counts[0] += int(found)
        counts[1] += int(distinct)
    return dict(looks), {link: tuple(counts) for link, counts in links.items()}


def told_by_log(world, program):
    result, log = world.record(program, options=("--rows", "none"), TENURE_LINKS_PERCENT=100)
    expect_equal((result.status, result.err), (0, b""), f"{program.name} under record")
    check_log(log)
    call = dict(query(log, CALL))
    looks, links = collections.Counter(), collections.defaultdict(lambda: [0, 0])
    for moment, stack, count in query(log, LOOKS):
        looks[moment, call[stack]] += count
    for moment, holder, offset, held, inner, found, distinct in query(log, LINKS):
        counts = links[moment, call.get(holder, "global"), offset, call[held], inner]
        counts[0] += found
        counts[1] += distinct
    return dict(looks), {link: tuple(counts) for link, counts in links.items()}


def differences(found, wanted):
    keys = [key for key in {**found, **wanted} if found.get(key) != wanted.get(key)]
    return "\n".join(f"  {key}: {found.get(key)} in the log, {wanted.get(key)} by the oracle" for key in sorted(keys))


def check(world, folder, program):
    wanted_looks, wanted = told_by_oracle(world, folder, program)
    looks, links = told_by_log(world, program)
    expect(looks == wanted_looks, f"{program.name}, looks:\n{differences(looks, wanted_looks)}")
    expect(links == wanted, f"{program.name}, links:\n{differences(links, wanted)}")
    expect(looks, f"{program.name}: nothing was looked at")
    if program.name == "near_misses":
        members = [link for link in links if link[0] == "holder_death"]
        expect_equal(len(members), NEAR_MISSES_LINKS, "links in near_misses")
    print(f"{program.name}: {sum(looks.values())} looks, {len(links)} links, the same")


def main():
    build, folder, *names = sys.argv[1:]
    world, failed = World(build), True
    try:
        for program in [pathlib.Path(folder, "near_misses").resolve()] + [world.truths / name for name in TRUTHS]:
            if not names or program.name in names:
                check(world, pathlib.Path(folder).resolve(), program)
        failed = False
    except Failure as failure:
        print(failure)
    except Skip as skip:
        print(skip)
        sys.exit(SKIP)
    finally:
        world.close(keep=failed)
    sys.exit(failed)


main()
