# SPDX-License-Identifier: MIT
"""Either side of a recording is killed, many times, each time at another moment: nothing is lost but what was in
flight, and what is missing is said."""

import os
import pathlib
import signal
import time

from counting import expect, expect_equal, meta
from harness import query, value, wait_until
from scenarios import Running, numbers

# The moments lie within this time from the program's start on, in an order that follows from their number.
SPAN_S = 0.08
STEP = 0.618034


class Victim:
    """A program that runs until it is killed, recorded, and how far it has come by its own count."""

    def __init__(self, world, number):
        self.world, self.log, self.counts = world, world.new_log(), world.folder / f"counts{number}"
        self.recording = Running(world, world.tenure, "record", "--quiet", "--rows", "none", "--wait", "yes", "-o", self.log, "--",
                                 world.programs / "killed", self.counts)
        wait_until(lambda: self.counts.exists() and self.counts.stat().st_size, "the program does not start")
        self.pid = self.find("killed")
        time.sleep(SPAN_S * (number * STEP % 1))

    def find(self, image):
        """The tool's child that runs an image."""
        children = pathlib.Path(f"/proc/{self.recording.pid}/task/{self.recording.pid}/children").read_text().split()
        for child in children:
            if pathlib.Path(os.readlink(f"/proc/{child}/exe")).name == image:
                return int(child)
        raise AssertionError(f"no {image} runs")

    def kill(self, pid):
        os.kill(pid, signal.SIGKILL)

    def end(self):
        """The lines that `record` said."""
        status, out, err = self.recording.end()
        expect_equal((status, out), (128 + signal.SIGKILL, b""), f"the end of record, which said {err}")
        return err.decode().splitlines()

    def logged(self):
        """Births and deaths of the program's blocks in the log; it must be sound."""
        expect_equal(value(self.log, "PRAGMA integrity_check"), "ok", "integrity")
        return query(self.log, "SELECT coalesce(sum(births), 0), coalesce(sum(deaths), 0) FROM chunk")[0]

    def forget(self):
        for path in (*self.log.parent.glob(f"{self.log.name}*"), self.counts):
            path.unlink()


def kill_program(world, number):
    victim = Victim(world, number)
    victim.kill(victim.pid)
    lines = victim.end()
    born, died = numbers(victim.counts)
    expect_equal(lines, [], "lines")
    expect_equal(meta(victim.log)["complete"], "1", "meta.complete")
    births, deaths = victim.logged()
    expect(born <= births <= born + 1, f"{births} births in the log, {born} by the program's own count")
    expect(died <= deaths <= died + 1, f"{deaths} deaths in the log, {died} by the program's own count")
    victim.forget()
    return births


def kill_recorder(world, number):
    """Gives how long the program stood still, in milliseconds."""
    victim = Victim(world, number)
    victim.kill(victim.find("tenure-recorder"))
    begun = time.monotonic()
    born = numbers(victim.counts)[0]
    wait_until(lambda: numbers(victim.counts)[0] > born + 1, "the program does not go on")
    stood_still_ms = (time.monotonic() - begun) * 1000
    victim.kill(victim.pid)
    lines = victim.end()
    expect_equal(len(lines), 1, f"lines {lines}")
    births, deaths = victim.logged()
    expect(births <= numbers(victim.counts)[0] + 1 and 0 <= births - deaths <= 1, f"{births} births, {deaths} deaths")
    expect_equal(meta(victim.log)["complete"], "0", "meta.complete")
    victim.forget()
    return stood_still_ms


def programs_killed(world, count):
    events = sum(kill_program(world, number) for number in range(count))
    print(f"{count} programs killed: {events} births recorded, none missing")


def recorders_killed(world, count):
    world.is_littered = True
    stood_still = sorted(kill_recorder(world, number) for number in range(count))
    print(f"{count} recorders killed: the program stood still {stood_still[count // 2]:.0f} ms in the middle, "
          f"{stood_still[-1]:.0f} ms at most")


ALL = {
    "programs_killed_100_times": lambda world: programs_killed(world, 100),
    "recorders_killed_100_times": lambda world: recorders_killed(world, 100),
}
LONG = {
    "programs_killed_5000_times": lambda world: programs_killed(world, 5000),
    "recorders_killed_5000_times": lambda world: recorders_killed(world, 5000),
}
