# SPDX-License-Identifier: MIT
"""End-to-end tests of texts for people: what a terminal shows, through a pager or without one."""

import contextlib
import fcntl
import html.parser
import json
import os
import pathlib
import pty
import re
import shlex
import shutil
import struct
import subprocess
import termios

from finishing import Gated
from harness import PATIENCE_S, expect, expect_equal

ROOT = pathlib.Path(__file__).resolve().parents[2]
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


# ------------------------------------------------------------------------------------------------ several runs


def verdicts(together, kind, line):
    """State and verdicts of the finding of that kind about that line."""
    found = [f for f in together["findings"] if f["kind"] == kind and f"inputs.c:{line})" in f["title"]]
    expect_equal(len(found), 1, f"findings {kind} at line {line}")
    return found[0]["state"], [run["verdict"] for run in found[0]["runs"]]


def line_of(text):
    source = (ROOT / "tests/e2e/programs/inputs.c").read_text().splitlines()
    (line,) = [number for number, words in enumerate(source, 1) if text in words]
    return line


def several_runs(world):
    """What holds in all runs, in all that reach it, in some; and what one run shows and another one refutes."""
    logs = []
    for words in ((), ("rare",), ("keep",), ("swap",)):
        result, log = world.record(world.programs / "inputs", *words)
        expect_equal(result.status, 0, "status")
        logs.append(log)
    result = world.run(world.tenure, "report", "--format", "json", *logs)
    expect_equal((result.err, result.status), (b"", 0), "report of four logs")
    together = json.loads(result.out)
    expect_equal(together["one_program"], True, "one program")
    wanted = {
        ("stack-buffer", "malloc(64)"): ("all", ["holds"] * 4),
        ("stack-buffer", "malloc(48)"): ("reached", ["not-reached", "holds", "not-reached", "not-reached"]),
        ("stack-buffer", "malloc(96)"): ("some", ["holds", "holds", "silent", "holds"]),
        ("permanent", "malloc(40000)"): ("refuted", ["holds", "holds", "holds", "silent"]),
    }
    for (kind, text), outcome in wanted.items():
        expect_equal(verdicts(together, kind, line_of(text)), outcome, f"{kind} of {text}")
    alone = json.loads(world.run(world.tenure, "report", "--format", "json", logs[3]).out)
    line = next(f for f in alone["findings"] if f["kind"] == "stack-buffer" and f["sites"][0]["line"] == line_of("malloc(64)"))
    merged = next(f for f in together["findings"] if f["key"] == line["key"])
    expect_equal(merged["evidence"]["instances"], 300 * 3 + line["evidence"]["instances"], "counts are added up")
    expect_equal(merged["evidence"]["buffer_bytes"], 64, "sizes are maxima")
    text = world.run(world.tenure, "report", *logs).out.decode()
    order = ["hold in all 4 runs", "every run that reaches", "some runs only", "Not so after all"]
    expect_equal(sorted(order, key=text.index), order, "the order of the headings")
    expect("run 3 makes 300 allocations there and does not show it" in " ".join(text.split()), f"what run 3 says: {text}")
    refused = world.run(world.tenure, "report", "--save", *logs)
    expect((refused.status, b"--save" in refused.err) == (2, True), "--save with several logs")
    other = world.run(world.tenure, "report", logs[0], recorded(world)).out.decode()
    expect(other.startswith("! These are recordings of different programs"), "different programs")


# ------------------------------------------------------------------------------------------------ help, diff


@contextlib.contextmanager
def running(world):
    """While this lasts, app.db is the log of a recording that goes on."""
    run = Gated(world, "--wait", "yes")
    (world.work / "app.db").unlink()
    (world.work / "app.db").symlink_to(run.log)
    yield
    run.end()


def help_examples_run(world):
    """Every command's help has an example, and it works as it stands there."""
    shutil.copy(recorded(world), world.work / "app.db")
    for name in ("before.db", "after.db"):
        shutil.copy(world.work / "app.db", world.work / name)
    shutil.copy(world.programs / "fail_grows", world.work / "app")
    overview = world.run(world.tenure, "--help").out.decode()
    commands = re.findall(r"^  (\w+)  ", overview[overview.index("Commands:"):], re.M)
    expect(len(commands) >= 8, f"commands of {overview}")
    for command in commands:
        text = world.run(world.tenure, command, "--help").out.decode()
        examples = re.findall(r"^Example: tenure (.*)$", text, re.M)
        expect(examples, f"{command} --help has no example")
        words = shlex.split(examples[0].split(" | ")[0])
        if command == "try":  # it takes the program of the log, with a plan
            shutil.copy(world.programs / "static_parts", world.work / "app")
            result, log = world.record(world.work / "app", log=world.work / "try.db")
            expect_equal(result.status, 0, "status")
            shutil.copy(log, world.work / "app.db")
        with running(world) if command == "ctl" else contextlib.nullcontext():
            result = world.run(world.tenure, *words)
        allowed = (0, 1) if command in ("check", "simulate") else (0,)  # 1: the answer is no
        told = command == "record" or result.err == b""  # record sums up what it has done
        expect(result.status in allowed and told, f"tenure {examples[0]}: {result.status} {result.err}")


class Page(html.parser.HTMLParser):
    """What a page holds: text, elements that are open, addresses that it would load."""

    EMPTY = {"meta", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.words, self.faults = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        if tag not in self.EMPTY:
            self.open.append(tag)
        if tag in ("script", "link", "img", "iframe") or any(name in ("src", "href") for name, _ in attributes):
            self.faults.append(f"{tag} {attributes}")

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> does not close what is open")

    def handle_data(self, data):
        self.words.append(data)


def diff_as_page(world):
    """A comparison as HTML: whole, loading nothing, and saying what the text says; other programs are told."""
    log, (result, other) = recorded(world), world.record(world.programs / "inputs", "<b>&amp;")
    expect_equal(result.status, 0, "status")
    told = world.run(world.tenure, "diff", "--policy", "none", "--format", "html", log, other)
    expect_equal((told.err, told.status), (b"", 0), "diff --format html")
    page = Page(told.out.decode())
    expect_equal((page.faults, page.open), ([], []), "elements")
    on_page = "".join("".join(page.words).split())
    text = world.run(world.tenure, "diff", "--policy", "none", "--color", "never", log, other).out.decode()
    for heading in re.findall(r"^\w.*$", text, re.M):
        expect("".join(heading.split()) in on_page, f"'{heading}' is not on the page")
    expect("<b>&amp;" in on_page, "arguments are escaped")
    expect("different programs, churn and inputs" in " ".join(text.split()), "that the programs differ")
    expect("different programs" not in world.run(world.tenure, "diff", "--policy", "none", log, log).out.decode(), "the same program")


ALL = {
    "help_examples_run": help_examples_run,
    "diff_as_page": diff_as_page,
    "several_runs": several_runs,
    "terminal": terminal,
    "terminal_without_pager": terminal_without_pager,
}
