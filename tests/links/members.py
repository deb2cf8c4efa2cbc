# SPDX-License-Identifier: MIT
"""What the finishing says a block probably is that was seen to hold addresses, and its members.

usage: members.py BUILD FOLDER   FOLDER: of the program `members`"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from harness import SKIP, Failure, Skip, World, check_log, expect, expect_equal, query

# What members.c says of each function: (offset, type, member). Of the others no more is known than the place.
WANTED = {
    "nested": [(8, "struct transaction", "token"), (40, "struct transaction", "parts[1].name"),
               (80, "struct transaction", "slots[2]")],
    "typedef_only": [(112, "box", "owner")],
    "in_a_union": [(128, "struct tagged", None)],
}  # fmt: skip
HOLDERS = ("nested", "typedef_only", "in_a_union", "two_types", "a_number_there", "one_place_in_a_gap", "several_sizes")

MEMBERS = """SELECT s.function, m.offset_bytes, m.type_name, m.member_name FROM struct_member AS m
             JOIN site AS s ON s.id = m.site_id ORDER BY s.function, m.offset_bytes"""
LINKED = "SELECT DISTINCT s.function FROM site_link AS l JOIN site AS s ON s.id = l.holder_site_id WHERE l.distinct_held_blocks >= 3"


def check(world, program):
    result, log = world.record(program)
    expect_equal((result.status, result.err), (0, b""), "members under record")
    check_log(log)
    linked = {function for function, in query(log, LINKED)}
    expect(linked >= set(HOLDERS), f"links of {linked} only")
    found = {}
    for function, offset, type_name, member_name in query(log, MEMBERS):
        found.setdefault(function, []).append((offset, type_name, member_name))
    expect_equal(found, WANTED, "members")
    print(f"{sum(len(members) for members in found.values())} members of {len(found)} sites, none of {len(linked) - len(found)}")


def main():
    build, folder = sys.argv[1:]
    world, failed = World(build), True
    try:
        check(world, pathlib.Path(folder, "members").resolve())
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
