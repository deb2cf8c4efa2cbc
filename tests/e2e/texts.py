# SPDX-License-Identifier: MIT
"""End-to-end tests of texts for people: what a terminal shows, through a pager or without one."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

from harness import PATIENCE_S, expect, expect_equal

ESCAPE = re.compile(r"\033\[[0-9;]*m")


def on_terminal(world, columns, arguments, told=b"", **variables):
    """Run tenure on a terminal of so many columns; gives what the terminal got, and the status."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    child = subprocess.Popen([world.tenure, *arguments], stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE,
                             env=world.environment(TERM="xterm", **variables), cwd=world.work)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the last one who had the terminal open has gone
            break
        if not part:
            break
        shown += part
    os.close(ours)
    errors = child.communicate(timeout=PATIENCE_S)[1]
    expect(told in errors if told else errors == b"", f"errors of {arguments}: {errors}")
    return shown.decode().replace("\r\n", "\n"), child.returncode


def recorded(world):
    result, log = world.record(world.programs / "churn", "3000", TRUTH=world.folder / "truth")
    expect_equal(result.status, 0, "status")
    return log


def terminal(world):
    """On a terminal a report has its width, colours, and goes through the pager; in a pipe it is plain."""
    log = recorded(world)
    seen = world.folder / "paged"
    pager = f"tee {seen}"
    text, status = on_terminal(world, 80, ("report", log), PAGER=pager)
    expect_equal(status, 0, "status")
    expect_equal(seen.read_text(), text, "what went through the pager")
    expect("\033[1mWhat was recorded\033[0m\n" in text, "headings stand out")
    plain = ESCAPE.sub("", text)
    wide = [line for line in plain.splitlines() if len(line) > 80 and str(log) not in line]
    expect_equal(wide, [], "lines beyond the terminal's width")
    expect("\033" not in world.run(world.tenure, "report", log).out.decode(), "no colours in a pipe")
    piped = world.run(world.tenure, "report", "--color", "always", log).out.decode()
    expect("\033[1m" in piped, "colours where they are asked for")
    expect_equal(ESCAPE.sub("", piped), world.run(world.tenure, "report", log).out.decode(), "the same text with colours")


def terminal_without_pager(world):
    """A pager that is refused, empty, `cat` or missing does not stand in the way; NO_COLOR is heeded."""
    log = recorded(world)
    seen = world.folder / "paged"
    told, status = on_terminal(world, 100, ("report", "--no-pager", log), PAGER=f"tee {seen}")
    expect((status, seen.exists()) == (0, False), "--no-pager")
    for variables in ({"PAGER": ""}, {"PAGER": "cat"}, {"PAGER": "/no/such/pager", "told": b"/no/such/pager"}):
        text, status = on_terminal(world, 100, ("report", log), **variables)
        expect("What was recorded" in text and status == 0, f"without a pager: {variables}")
    text, status = on_terminal(world, 100, ("report", log), PAGER="cat", NO_COLOR="1")
    expect_equal((text, status), (ESCAPE.sub("", told), 0), "NO_COLOR")
    text, status = on_terminal(world, 100, ("report", "--color", "never", log), PAGER="cat")
    expect_equal((text, status), (ESCAPE.sub("", told), 0), "--color never")
    # Who leaves the pager at once has seen enough: that is no failure.
    text, status = on_terminal(world, 100, ("report", log), PAGER="true")
    expect_equal((text, status), ("", 0), "a pager that reads nothing")
    for command in (("diff", log, log), ("check", "--max", "live_at_end=1000000", log)):
        text, status = on_terminal(world, 100, command, PAGER=f"tee {seen}")
        expect("\033[1m" in text and seen.read_text() == text, f"{command[0]} on a terminal")


ALL = {
    "terminal": terminal,
    "terminal_without_pager": terminal_without_pager,
}
