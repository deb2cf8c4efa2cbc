# SPDX-License-Identifier: MIT
"""Pages of 16 and 64 KiB, on a machine that has smaller ones: shim and recorder are told that theirs are as large."""

import pathlib
import re

from counting import SMALL_RINGS, check_exact, expect, expect_equal
from harness import check_log, value, wait_until
from scenarios import Running

SIZES = (4096, 16384, 65536)
SHARED = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) .*/memfd:tenure", re.MULTILINE)
RING_BYTES = 256 << 10  # SMALL_RINGS
THREADS = 300  # more than a first span of slots holds


def settings(world, pages):
    """The environment that gives both sides such pages."""
    library, recorder = world.programs / "libpage_size.so", world.work / "recorder"
    recorder.write_text(f'#!/bin/sh\nLD_PRELOAD={library} exec {world.recorder} "$@"\n')
    recorder.chmod(0o700)
    return {"LD_PRELOAD": f"{world.shim}:{library}", "TENURE_RECORDER": recorder, "TENURE_TEST_PAGES": pages}


def parts_of(pid):
    """The parts of the shared memory that a process has mapped: (low, high, offset)."""
    maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
    return [tuple(int(number, 16) for number in part) for part in SHARED.findall(maps)]


def mapped_bytes(pid):
    return sum(high - low for low, high, _ in parts_of(pid))


def check_parts(pages, pid):
    """What a process has mapped could be mapped on such a machine; the kernel joins neighbours. The recorder follows
    the program."""
    wait_until(lambda: mapped_bytes(pid) >= THREADS * RING_BYTES, f"{pid} maps {mapped_bytes(pid)} bytes", patience_s=20)
    parts = parts_of(pid)
    wrong = [part for part in parts if (part[1] - part[0]) % pages or part[2] % pages]
    expect_equal(wrong, [], f"parts that cannot be mapped with pages of {pages}")
    return len(parts)


def check_mapped(world, pages):
    """Half way, the parts that both sides have mapped are looked at."""
    log = world.new_log()
    program = Running(world, world.programs / "crowd", "halves", THREADS, 1000, TENURE_LOG=log, TENURE_ROWS="all",
                      TENURE_RING_SIZE=SMALL_RINGS, **settings(world, pages))
    expect_equal(program.line(), b"part\n", "the first line")
    wait_until(lambda: world.recorders(), "no recorder runs")
    shim, recorder = check_parts(pages, program.pid), check_parts(pages, world.recorders()[0])
    status, out, err = program.go() or program.end()
    expect_equal((status, err), (0, b""), "the program's end")
    world.wait_finished(log)
    print(f"pages of {pages >> 10} KiB: {check_exact(log, out)} blocks; {shim} parts mapped, {recorder} by the recorder")


def check_pages(world, pages):
    """Rings that wrap, slots beyond the first span, slots used again, rings given back, deep stacks, fork children."""
    check_mapped(world, pages)
    for command, small in ((("crowd", "alive", 4, 50000), SMALL_RINGS), (("crowd", "short", 700, 3000), SMALL_RINGS),
                           (("family", "alive", 20, 50), "1M"), (("swapped_stacks", "unmap", 100), "1M")):
        result, log = world.preload(world.programs / command[0], *command[1:], TENURE_RING_SIZE=small, wait=False,
                                    **settings(world, pages))
        expect_equal((result.status, result.err), (0, b""), f"{command} with pages of {pages}")
        world.wait_finished(log)
        print(f"pages of {pages >> 10} KiB, {' '.join(map(str, command))}: {check_exact(log, result.out)} blocks, all logged")
    result, log = world.preload(world.programs / "deep", 7000, TENURE_RING_SIZE="64K", TENURE_DEPTH="8000",
                                **settings(world, pages))
    check_log(log)
    frames = """SELECT count(*) FROM stack_frame WHERE function = 'down' AND stack_id =
                (SELECT stack_id FROM allocation WHERE size_bytes = 5432)"""
    expect_equal((result.status, value(log, frames)), (0, 7000), "frames of the recursion")


def pages_of_4_kib(world):
    check_pages(world, SIZES[0])


def pages_of_16_kib(world):
    check_pages(world, SIZES[1])


def pages_of_64_kib(world):
    check_pages(world, SIZES[2])


ALL = {function.__name__: function for function in (pages_of_4_kib, pages_of_16_kib, pages_of_64_kib)}
