# SPDX-License-Identifier: MIT
"""Unusual logs: each gives a sensible report that says what is unusual."""

import os
import signal

from harness import expect, expect_equal, meta, wait_until
from reports import report
from scenarios import committed, preloaded


def text_of(world, log):
    """The report for people, with small letters and single spaces."""
    result = world.run(world.tenure, "report", log)
    expect_equal((result.status, result.err), (0, b""), f"status and errors of the report on {log}")
    return " ".join(result.out.decode().lower().split())


def expect_says(text, *words):
    for word in words:
        expect(word in text, f"the report does not say '{word}': {text[:600]}")


def strong(found):
    return [finding for finding in found["findings"] if finding["confidence"] != "weak"]


def program(world, name):
    return world.build / "tests/truth/programs" / name


def empty(world):
    """A program without allocations."""
    result, log = world.record(program(world, "silent"))
    expect_equal(result.status, 0, "status")
    expect_equal(report(world, log)["findings"], [], "findings")
    expect_says(text_of(world, log), "no allocation was recorded")


def never_frees(world):
    """What lives at the end is not called a leak, and nothing is said to be short-lived."""
    result, log = world.record(program(world, "tiny_blocks"))
    expect_equal(result.status, 0, "status")
    found = report(world, log)
    expect(found["findings"], "there is no finding")
    kinds = {finding["kind"] for finding in strong(found)}
    expect(not kinds & {"stack-buffer", "combine", "presize"}, f"{kinds} of blocks that never die")
    expect_says(text_of(world, log), "frees 0", "still live 600", "by itself this is no leak")


def still_recorded(world):
    """What lives now may be released later: nothing is permanent, and the report says that there is more to come."""
    log = world.new_log()
    running = preloaded(world, log, world.programs / "gated", 200000)
    expect_equal(running.line(), b"half\n", "the first line")
    wait_until(lambda: committed(log) > 0, "nothing was committed")
    found, text = report(world, log), text_of(world, log)
    running.go()
    expect_equal(running.end()[0], 7, "status")
    world.wait_finished(log)
    kinds = {finding["kind"] for finding in strong(found)}
    expect(not kinds & {"permanent", "growth"}, f"{kinds} while the program runs")
    expect_says(text, "not complete", "still being written")


def cut_short(world):
    """The recorder dies: the report says so first, and states what the log still carries."""
    log = world.new_log()
    running = preloaded(world, log, world.programs / "gated", 200000)
    expect_equal(running.line(), b"half\n", "the first line")
    wait_until(lambda: committed(log) > 0, "nothing was committed")
    world.is_littered = True
    for pid in world.recorders():
        os.kill(pid, signal.SIGKILL)
    running.go()
    running.end()
    expect_equal(meta(log).get("complete"), "0", "meta.complete")
    kinds = {finding["kind"] for finding in strong(report(world, log))}
    expect(not kinds & {"permanent", "growth"}, f"{kinds} of a log that was cut short")
    expect_says(text_of(world, log), "not complete", "cut short")


def shallow(world):
    """Stacks of one frame: where a block is released cannot be compared with where it was born."""
    result, log = world.record(program(world, "local_buffer"), options=("--depth", "1"))
    expect_equal(result.status, 0, "status")
    kinds = {finding["kind"] for finding in strong(report(world, log))}
    expect("stack-buffer" not in kinds, "a local buffer is claimed from stacks that were cut")
    expect_says(text_of(world, log), "depth limit")


def no_free_stacks(world):
    """Without stacks of releases there are no findings about local buffers, and the report says why."""
    result, log = world.record(program(world, "local_buffer"), options=("--free-stacks", "no"))
    expect_equal(result.status, 0, "status")
    kinds = {finding["kind"] for finding in strong(report(world, log))}
    expect("stack-buffer" not in kinds, "a local buffer is claimed without the stacks of releases")
    expect_says(text_of(world, log), "--free-stacks")


ALL = {"empty": empty, "never_frees": never_frees, "still_recorded": still_recorded, "cut_short": cut_short,
       "shallow": shallow, "no_free_stacks": no_free_stacks}


def run(world, names):
    for name, function in ALL.items():
        if not names or name in names:
            function(world)
            print(f"{name}: passed")
