# SPDX-License-Identifier: MIT
"""Looking for links harms no program: memory that cannot be read, filters of system calls, forks. What cannot be
looked at is left out, and what can is counted."""

from harness import Skip, check_log, expect, expect_equal, query, value

ROUNDS = 20  # all of them are looked at
LOOKS = """SELECT coalesce(sum(looks), 0) FROM link_look WHERE moment = 'holder death' AND stack_id IN
           (SELECT stack_id FROM allocation WHERE function = 'aligned_alloc')"""
LINKS = "SELECT offset_bytes, inner_offset_bytes, looks, distinct_held_blocks FROM link WHERE moment = 'holder death'"


def guarded(world, mode, looks, links=None):
    program = world.programs / "guarded"
    bare = world.run(program, mode, ROUNDS)
    if bare.status == 3:
        raise Skip("the kernel takes no filter")
    expect_equal(bare.status, 0, "status without tenure")
    for how in (world.record, world.preload):
        result, log = how(program, mode, ROUNDS)
        expect_equal((result.err, result.status), (b"", 0), f"guarded {mode} under {how.__name__}")
        check_log(log)
        expect_equal(value(log, LOOKS), looks, f"looks, {how.__name__}")
        wanted = links if links is not None else [(0, 0, looks, min(looks, 16))]
        expect_equal(sorted(query(log, LINKS)), sorted(wanted), f"links, {how.__name__}")
        print(f"{how.__name__}, {mode}: {looks} looks")


def links_of_large_blocks(world):
    guarded(world, "plain", ROUNDS)


def links_of_protected_blocks(world):
    guarded(world, "protected", ROUNDS // 2)


def links_of_blocks_protected_unseen(world):
    guarded(world, "raw", ROUNDS // 2)


def links_behind_a_filter(world):
    guarded(world, "filtered", ROUNDS // 2)


def links_without_time(world):
    """Where no time may be spent, nothing is looked at."""
    for percent, looks in ((0, 0), (100, ROUNDS)):
        result, log = world.record(world.programs / "guarded", "plain", ROUNDS, TENURE_LINKS_PERCENT=percent)
        expect_equal((result.err, result.status), (b"", 0), "guarded plain")
        check_log(log)
        expect_equal(value(log, LOOKS), looks, f"looks into what is released, {percent} %")
        searches = value(log, "SELECT count(*) FROM link_look WHERE moment <> 'holder death'")
        expect_equal(searches > 0, percent > 0, f"searches, {percent} %")


def search_while_memory_is_unmapped(world):
    """Another thread may unmap what is being searched."""
    for how in (world.record, world.preload):
        result, log = how(world.programs / "guarded", "unmapped", 300000, TENURE_LINKS_PERCENT=100)
        expect_equal((result.err, result.status), (b"", 0), f"guarded unmapped under {how.__name__}")
        check_log(log)
        looks = value(log, "SELECT sum(looks) FROM link_look WHERE moment <> 'holder death'")
        expect(looks > 0, f"{looks} looks for addresses only")
        print(f"{how.__name__}: {looks} looks for addresses")


def links_of_a_fork_child(world):
    """Of the parent's block the child knows nothing."""
    guarded(world, "forked", 2 * ROUNDS + 1, [(0, 0, ROUNDS, 16), (0, 0, 1, 1), (0, 0, ROUNDS, 16)])


ALL = {case.__name__: case for case in (links_of_large_blocks, links_of_protected_blocks,
                                        links_of_blocks_protected_unseen, links_behind_a_filter, links_without_time,
                                        search_while_memory_is_unmapped, links_of_a_fork_child)}  # fmt: skip
