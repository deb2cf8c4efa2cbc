# SPDX-License-Identifier: MIT
"""Many threads, many processes: every block is in the log, and every process that is not is counted."""

import os
import pathlib
import re
import threading

from counting import check_exact, expect, expect_equal, high_water_kib, logged, made, meta, told
from harness import Skip, query, value
from scenarios import preloaded

# A thousand processes took 408 MB when each had a table of slots of full size.
RECORDER_KIB_MAX = 150 << 10


def check_crowd(world, mode, threads, blocks):
    result, log = world.preload(world.programs / "crowd", mode, threads, blocks)
    expect_equal((result.err, result.status), (b"", 0), f"crowd {mode} {threads}")
    print(f"{threads} threads, {mode}: {check_exact(log, result.out, least=threads * blocks)} blocks, all logged")
    expect(value(log, "SELECT count(*) FROM thread") > threads, "threads in the log")


def threads_2000_alive(world):
    check_crowd(world, "alive", 2000, 100)


def threads_20000_short(world):
    check_crowd(world, "short", 20000, 3)


def threads_100000_short(world):
    check_crowd(world, "short", 100000, 3)


def read_bytes(pid):
    """What a process has read by now, from files of all kinds."""
    try:
        found = re.search(r"^rchar: (\d+)", pathlib.Path(f"/proc/{pid}/io").read_text(), re.MULTILINE)
    except OSError as error:
        raise Skip(f"/proc/PID/io: {error}") from error
    return int(found.group(1))


def stacks_of_a_crowd(world):
    """Where a new thread's stack lies is known from its making: only the first one is looked up in
    /proc/self/maps, which takes 30 KiB of it when so many live."""
    log, threads = world.new_log(), 400
    program = preloaded(world, log, world.programs / "crowd", "late", threads, 100)
    expect_equal(program.line(), b"part\n", "the first line")
    before = read_bytes(program.pid)
    program.go()
    expect_equal(program.line(), b"part\n", "the second line")
    read = read_bytes(program.pid) - before
    program.go()
    status, out, err = program.end()
    expect_equal((status, err), (0, b""), "the program's end")
    world.wait_finished(log)
    check_exact(log, out)
    print(f"{threads} threads: {read} bytes read at their first events")
    expect(read < 64 << 10, f"{read} bytes read for {threads} threads")
    sizes = query(log, "SELECT DISTINCT stack_size_bytes FROM thread WHERE id > 1")
    expect_equal(sizes, [(65536,)], "sizes of the threads' stacks")


def check_family(world, children):
    """All children alive at once: exact, and the recorder's memory."""
    log = world.new_log()
    program = preloaded(world, log, world.programs / "family", "alive", children, 50)
    highest = 0
    while program.process.poll() is None:
        highest = max([highest, *(high_water_kib(pid) for pid in world.recorders())])
        threading.Event().wait(0.02)
    status, out, err = program.end()
    expect_equal((status, err), (0, b""), "the program's end")
    world.wait_finished(log)
    blocks = check_exact(log, out, least=children * 50)
    expect_equal(value(log, "SELECT count(*) FROM process"), 1 + children, "processes")
    print(f"{children} processes alive: {blocks} blocks, all logged; recorder {highest / 1024:.0f} MiB at most")
    expect(highest < RECORDER_KIB_MAX, f"the recorder took {highest} KiB")


def processes_100_alive(world):
    check_family(world, 100)


def processes_1000_alive(world):
    check_family(world, 1000)


def vfork_beside_threads(world):
    """What a vfork child allocates costs a thread that is made meanwhile no event."""
    result, log = world.preload(world.programs / "vfork_beside", 20, 300)
    expect_equal((result.err, result.status), (b"", 0), "vfork_beside")
    expect_equal(logged(log), made(result.out), "blocks of the threads")


def check_missing(world, mode, stdin=b""):
    """Children that cannot reach the recorder run as ever; the log and the report say how many there were."""
    if os.getuid() != 0:
        raise Skip("only root can give up being root")
    for how in (world.record, world.preload):
        result, log = how(world.programs / "family", mode, 5, 20, stdin=stdin)
        recorded = value(log, "SELECT count(*) FROM process")
        missing = int(meta(log).get("processes_unrecorded", 0))
        line = f"tenure: {missing} processes that the program started could not be recorded; `tenure info` tells why\n"
        said = line.encode() if missing and how == world.record else b""
        expect_equal((result.err, result.status, told(result.out)["children"]), (said, 0, 5), f"family {mode}")
        print(f"{how.__name__}, {mode}: {recorded} processes recorded, {missing} missing")
        expect_equal(recorded + missing, 6, "processes, recorded or said to be missing")
        if missing:
            text = world.run(world.tenure, "report", log).out.decode()
            told_first = "\n".join(text.splitlines()[:15])
            expect(str(missing) in told_first and "process" in told_first, f"the report does not begin with it: {told_first}")


def children_of_another_user(world):
    check_missing(world, "setuid")


def children_in_another_root(world):
    empty = world.folder / "empty"
    empty.mkdir()
    check_missing(world, "chroot", stdin=f"{empty}\n".encode())


def children_without_descriptors(world):
    check_missing(world, "nofile")


ALL = {
    function.__name__: function
    for function in (
        stacks_of_a_crowd, threads_2000_alive, threads_20000_short, processes_100_alive, vfork_beside_threads, children_of_another_user,
        children_in_another_root, children_without_descriptors,
    )
}
LONG = {function.__name__: function for function in (threads_100000_short, processes_1000_alive)}
