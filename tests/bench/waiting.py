# SPDX-License-Identifier: MIT
"""What a person waits for, on a packed log of ten million allocations: the prompt after the program's end, the report,
the page and its opening in headless Chromium, and the questions to two logs in docs/queries.md. Prints one table in
Markdown: seconds of the clock, and of processors.

usage: waiting.py BUILD WORKLOAD [ALLOCATIONS]"""

import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from harness import World, expect, expect_equal

ENDED = '"$@" >/dev/null; date +%s%N >"$ENDED"'


def row(what, clock_s, cpu_s=None, remark=""):
    print(f"| {what} | {clock_s:.2f} s | {'' if cpu_s is None else f'{cpu_s:.2f} s'} | {remark} |", flush=True)


def measured(what, function, remark=lambda result: ""):
    """Run it, and print what it took; of processors, with all its children."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    result = function()
    clock_s, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    row(what, clock_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, remark(result))
    return result


def prompt(world, workload, allocations, wait):
    """Record the workload, and print how long after its end `record` ended."""
    log, ended = world.new_log(), world.folder / "ended"
    result = world.run(world.tenure, "record", "-q", "--rows", "none", "--wait", wait, "-o", log, "--", "sh", "-c", ENDED, "sh",
                       workload, "churn", "1", str(allocations), timeout=900, ENDED=ended)
    now_ns = time.time_ns()
    expect_equal((result.status, result.err), (0, b""), "the recording")
    row(f"prompt, `--wait {wait}`", (now_ns - int(ended.read_text())) / 1e9, None, "after the program's end")
    world.wait_finished(log)
    return log


def answer(world, *words):
    result = world.run(world.tenure, *words, timeout=900)
    expect_equal((result.status, result.err), (0, b""), f"tenure {words[0]}")
    return result.out


def open_page(world, page):
    """The page drawn in a browser, less what the browser itself takes."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        print("| opening the page | | | chromium is not installed |")
        return
    times = []
    for address in ("about:blank", f"file://{page}"):
        command = (browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={world.folder}/chromium", "--dump-dom", address)
        begin = time.monotonic()
        done = subprocess.run(command, capture_output=True, env={**os.environ, "HOME": str(world.folder)}, timeout=300, check=True)
        times.append(time.monotonic() - begin)
    expect(b"<svg" in done.stdout, "the page was not drawn")
    row("opening the page", times[1] - times[0], None, f"beside {times[0]:.2f} s of Chromium itself")


def compare(world, log):
    """The two questions of docs/queries.md that attach a second log, here the same one."""
    text = (ROOT / "docs/queries.md").read_text().split("\n## Two logs\n")[1].split("\n## ")[0]
    queries = re.findall(r"```sql\n(ATTACH.*?)```", text, re.S)
    expect_equal(len(queries), 2, "queries that attach a log")
    for query, what in zip(queries, ("sites of two logs", "sizes of two logs")):
        measured(what, lambda query=query: answer(world, "sql", log, query.replace("before.db", str(log))))


def main():
    world = World(sys.argv[1])
    allocations = int(sys.argv[3]) if len(sys.argv) > 3 else 10000000
    print(f"{allocations:,} allocations\n\n| what | clock | processors | |\n|---|---|---|---|")
    try:
        prompt(world, sys.argv[2], allocations, "no")
        log = prompt(world, sys.argv[2], allocations, "yes")
        measured("`report`", lambda: answer(world, "report", log))
        page = world.folder / "page.html"
        measured("`report --format html`", lambda: answer(world, "report", "--format", "html", "-o", page, log),
                 lambda _: f"{page.stat().st_size / 1000:.0f} kB")
        open_page(world, page)
        compare(world, log)
    finally:
        world.close(keep=False)


main()
