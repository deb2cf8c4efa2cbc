# SPDX-License-Identifier: MIT
"""End-to-end tests of the HTML page and of tenure view: its figures are those that SQL gives, it holds all that it
needs and lets nothing else run, and names of any kind are text in it."""

import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import sqlite3

from harness import Skip, expect, expect_equal, need
from exports import sql

BYTES_MAX = 3000000
HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "\"'><img src=x onerror=alert(1)>",
    "\x1b[31mred\x1b[0m \x07",
    "std::map<" + "std::pair<std::string, std::vector<int> >, " * 45 + "int>",
    "\u202egnp.exe \u2066",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "&lt;b&gt; &amp; {{data}} ${x} `y` \\u003c",
]


def has_html(world):
    result = world.run(world.tenure, "report", "--format", "html", "/nonexistent")
    if b"needs D3" in result.err:
        raise Skip("this build has no D3")


def page_of(world, log, *options):
    """The page of a log, written twice: into a file and to stdout."""
    has_html(world)
    path = world.folder / "page.html"
    result = world.run(world.tenure, "report", "--format", "html", *options, "-o", path, log)
    expect_equal((result.status, result.err, result.out), (0, b"", b""), "report --format html")
    printed = world.run(world.tenure, "report", "--format", "html", *options, log)
    expect(printed.out == path.read_bytes(), "the page on stdout is not what the file holds")
    text = path.read_text(encoding="utf-8")
    expect(len(text.encode()) < BYTES_MAX, f"the page has {len(text)} bytes")
    return text


SCRIPT = re.compile(r"<script([^>]*)>(.*?)</script>", re.S)


def scripts_of(text):
    """The two scripts of a page, and its data."""
    found = SCRIPT.findall(text)
    expect_equal([attributes for attributes, _ in found], ["", ' type="application/json" id="data"', ""], "the scripts of the page")
    return found[0][1], found[2][1], json.loads(found[1][1])


def check_alone(text):
    """Nothing is loaded, and a browser runs these two scripts and no other."""
    d3, own, _ = scripts_of(text)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in (d3, own)]
    wanted = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hashes[0]}' 'sha256-{hashes[1]}'; base-uri 'none'; form-action 'none'"
    expect_equal(policy, wanted, "the policy")
    markup = SCRIPT.sub("", text)
    for forbidden in (" src=", "<link", "<iframe", "<img", "@import", "url(", " onerror=", "javascript:"):
        expect(forbidden not in markup, f"the page has {forbidden!r}")
    for forbidden in ("fetch(", "XMLHttpRequest", "import(", "eval(", "WebSocket", "new Function"):
        expect(forbidden not in own, f"our script has {forbidden!r}")
    expect_equal(re.findall(r"https?://[^\"'\s<]+", own + markup), ["https://d3js.org"], "addresses in the page")


def leaves(data, key):
    flat = data["charts"]["births"]["leaves"]
    return [flat[i + ["node", "site", "calls", "bytes", "peak", "short", "live"].index(key)] for i in range(0, len(flat), 7)]


def figures(world):
    """More than twenty figures of the page, each as SQL gives it."""
    result, log = world.record(world.programs / "stl", options=("--rows", "all"))
    expect_equal((result.status, result.err), (0, b""), "record")
    text = page_of(world, log)
    check_alone(text)
    _, _, data = scripts_of(text)
    totals, charts = data["totals"], data["charts"]
    bins, sites = charts["bins"], data["sites"]
    peak_sql = ("WITH top AS (SELECT time_ns, allocations FROM peak) SELECT sum(size_bytes) FROM allocation, top"
                " WHERE id <= top.allocations AND ifnull(death_ns, 1 << 62) > top.time_ns")
    begin, end = charts["from_ns"] + 3 * charts["bin_ns"], charts["from_ns"] + 9 * charts["bin_ns"]
    begin_2 = charts["from_ns"] + 2 * charts["stack_bin_ns"]
    end_2 = begin_2 + 5 * charts["stack_bin_ns"]
    shares = [row[i + 1] for row in charts["shares"][2:7] for i in range(0, len(row), 4)]
    busiest = max(sites, key=lambda row: row[7])
    figures = [
        (totals["allocations"], "SELECT count(*) FROM allocation"),
        (totals["total_bytes"], "SELECT sum(size_bytes) FROM allocation"),
        (totals["usable_bytes"], "SELECT sum(usable_size_bytes) FROM allocation"),
        (totals["live_count"], "SELECT count(*) FROM allocation WHERE death_ns IS NULL"),
        (totals["live_bytes"], "SELECT ifnull(sum(size_bytes), 0) FROM allocation WHERE death_ns IS NULL"),
        (totals["peak_live_bytes"], "SELECT max(live_bytes) FROM timeline"),
        (totals["small_short_lived"], "SELECT sum(small_short_lived) FROM site_summary"),
        (totals["sites"], "SELECT count(*) FROM site_summary"),
        (len(sites) + data["sites_left_out"], "SELECT count(*) FROM site_summary"),
        (sum(bin[3] for bin in bins), "SELECT count(*) FROM allocation"),
        (sum(bin[4] for bin in bins), "SELECT sum(size_bytes) FROM allocation"),
        (max(bin[1] for bin in bins), "SELECT max(live_bytes) FROM timeline"),
        (sum(bin[3] for bin in bins[3:9]), f"SELECT count(*) FROM allocation WHERE birth_ns >= {begin} AND birth_ns < {end}"),
        (sum(bin[4] for bin in bins[3:9]), f"SELECT ifnull(sum(size_bytes), 0) FROM allocation WHERE birth_ns >= {begin} AND birth_ns < {end}"),
        (sum(shares), f"SELECT count(*) FROM allocation WHERE birth_ns >= {begin_2} AND birth_ns < {end_2}"),
        (sum(size[1] for size in charts["sizes"]), "SELECT count(*) FROM allocation"),
        (sum(size[2] for size in charts["sizes"]), "SELECT sum(size_bytes) FROM allocation"),
        (charts["distinct_sizes"], "SELECT count(DISTINCT size_bytes) FROM allocation"),
        (sum(leaves(data, "calls")), "SELECT count(*) FROM allocation"),
        (sum(leaves(data, "bytes")), "SELECT sum(size_bytes) FROM allocation"),
        (sum(leaves(data, "peak")), peak_sql),
        (sum(leaves(data, "short")), "SELECT count(*) FROM allocation WHERE death_ns IS NOT NULL AND lifetime_bytes < 32768"),
        (sum(leaves(data, "live")), "SELECT ifnull(sum(size_bytes), 0) FROM allocation WHERE death_ns IS NULL"),
        (sum(charts["deaths"]["leaves"][2::7]), "SELECT count(*) FROM allocation WHERE death_ns IS NOT NULL"),
        (sum(charts["deaths"]["leaves"][3::7]), "SELECT sum(size_bytes) FROM allocation WHERE death_ns IS NOT NULL"),
        (busiest[7], "SELECT max(allocations) FROM site_summary"),
        (busiest[13], f"SELECT peak_live_bytes FROM site_summary WHERE site_id = {busiest[0]}"),
        (busiest[19], f"SELECT lifetime_ns_p50 FROM site_summary WHERE site_id = {busiest[0]}"),
        (sum(thread[6] for thread in charts["threads"]), "SELECT count(*) FROM allocation"),
        (charts["handed_over"], "SELECT count(*) FROM allocation WHERE free_thread_id <> thread_id"),
        (len(charts["marks"]), "SELECT count(*) FROM mark"),
    ]
    for shown, text in figures:
        (row,) = sql(world, log, text)
        expect_equal(shown, *row.values(), text)
    check_map(world, log, charts)


def check_map(world, log, charts):
    """The heap map has the size that simulate finds, its moments have the bytes that SQL finds, its cells are all there."""
    told = charts["map"]
    result = world.run(world.tenure, "simulate", "--format", "json", "--policy", "first-fit", log)
    (policy,) = json.loads(result.out)["policies"]
    expect_equal(told["before_bytes"], policy["minimum_heap_bytes"]["safe"], "the heap that the map shows")
    expect_equal(max(told["reaches"][::2]), told["before_bytes"], "how far the heap reaches")
    compared = 0
    for moment in told["before"]:
        time_ns, live_bytes, hole_bytes, *runs = moment
        expect_equal(sum(runs[1::2]), told["cells"], "cells of a moment")
        (row,) = sql(world, log, f"""SELECT (SELECT count(*) FROM allocation WHERE birth_ns = {time_ns}) + (SELECT count(*) FROM allocation WHERE death_ns = {time_ns}) AS events,
            (SELECT sum(size_bytes) FROM allocation WHERE birth_ns <= {time_ns} AND ifnull(death_ns, 1 << 62) > {time_ns}) AS live_bytes""")
        if row["events"] == 1:
            expect_equal(live_bytes, row["live_bytes"] or 0, f"live bytes at {time_ns}")
            compared += 1
    expect(compared > 10, f"{compared} moments were compared")
    expect_equal(len(told["after"]), len(told["before"]) if told["applied"] else 0, "moments with findings followed")
    for before, after in zip(told["before"], told["after"]):
        expect_equal(after[0], before[0], "the time of a moment with findings followed")
        expect(after[1] <= before[1], f"{after[1]} bytes live at {after[0]} ns after the plan, which only takes blocks off this heap, {before[1]} without it")


def several(world):
    """Threads that hand blocks on, and a child process, which --process chooses."""
    result, log = world.record(world.programs / "handoff", options=("--rows", "all"))
    expect_equal(result.status, 0, "record")
    _, _, data = scripts_of(page_of(world, log))
    (row,) = sql(world, log, "SELECT count(*) FROM allocation WHERE free_thread_id <> thread_id")
    expect_equal(data["charts"]["handed_over"], *row.values(), "blocks handed over")
    expect(data["charts"]["handed_over"] > 0 and data["charts"]["handovers"][0][2] > 0, "no block was handed over")
    result, log = world.record(world.programs / "forks", options=("--rows", "all"))
    (row,) = sql(world, log, "SELECT id, (SELECT count(*) FROM allocation WHERE process_id = p.id) AS n FROM process AS p ORDER BY id DESC LIMIT 1")
    _, _, data = scripts_of(page_of(world, log, "--process", str(row["id"])))
    expect_equal((data["process_id"], data["totals"]["allocations"]), (row["id"], row["n"]), "the process that was chosen")


def rename(log):
    """Give everything in a log that has a name a hostile one."""
    database = sqlite3.connect(log)
    tables = [("frame", "function"), ("frame", "file"), ("site", "function"), ("site", "file"), ("site", "via"), ("thread", "name"), ("process", "executable"),
              ("process", "command_line"), ("process", "name"), ("mark", "text")]
    for table, column in tables:
        ids = [row for (row,) in database.execute(f"SELECT id FROM {table} WHERE {column} IS NOT NULL ORDER BY id")]
        database.executemany(f"UPDATE {table} SET {column} = ? WHERE id = ?", [(HOSTILE[i % len(HOSTILE)] + str(i), row) for i, row in enumerate(ids)])
    database.commit()
    database.close()


def hostile(world):
    """Whatever names hold, they are strings of the data, and the page is the same page."""
    result, log = world.record(world.programs / "stl", options=("--rows", "all"))
    expect_equal(result.status, 0, "record")
    rename(log)
    text = page_of(world, log)
    check_alone(text)
    _, _, data = scripts_of(text)
    raw = SCRIPT.findall(text)[1][1]
    expect("<" not in raw, "the data have markup")
    expect(not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", raw), "the data have characters that steer")
    for name in HOSTILE:
        expect(any(name[:60] in told for told in data["texts"]), f"{name[:60]!r} is not in the data")
    expect(data["recording"]["command_line"].startswith(HOSTILE[0]), "the command line is another")


def sources(world):
    """With the folder of the sources, cards show the lines that they name, as they stand in the file."""
    result, log = world.record(world.programs / "stl", options=("--rows", "all"))
    file = pathlib.Path(__file__).resolve().parent / "programs/stl.cpp"
    lines = file.read_text().splitlines()
    _, _, data = scripts_of(page_of(world, log, "--source-dir", str(file.parents[2])))
    excerpts = [excerpt for finding in data["findings"] for excerpt in finding["excerpts"]]
    expect({excerpt["role"] for excerpt in excerpts} == {"asked for", "released"}, f"there are {len(excerpts)} excerpts")
    for excerpt in excerpts:
        first = excerpt["first_line"]
        shown = excerpt["text"].split("\n")[:-1]
        expect_equal(shown, lines[first - 1:first - 1 + len(shown)], f"lines from {first}")
        expect(first <= excerpt["line"] < first + len(shown) <= excerpt["line"] + 4, f"line {excerpt['line']} is not in its middle")
    _, _, data = scripts_of(page_of(world, log, "--source-dir", str(world.folder)))
    expect(not any(finding["excerpts"] for finding in data["findings"]), "lines of files that are not there")
    _, _, data = scripts_of(page_of(world, log))
    expect(not any(finding["excerpts"] for finding in data["findings"]), "lines without a folder")


def script(world):
    """Our scripts are what a JavaScript engine takes, each by itself."""
    node = need("node")
    folder = pathlib.Path(__file__).resolve().parents[2] / "lib/report/html"
    files = sorted(folder.glob("*.js"))
    expect(len(files) > 10, f"there are {len(files)} scripts")
    for path in files:
        result = world.run(node, "--check", path)
        expect_equal((result.status, result.err), (0, b""), f"node --check {path.name}")
        lines = path.read_text().splitlines()
        expect(len(lines) < 300, f"{path.name} has {len(lines)} lines")


def view(world):
    """The page lies where only its owner reads it; a desktop opens it, or its place is told."""
    has_html(world)
    result, log = world.record(world.programs / "stl")
    expect_equal(result.status, 0, "record")
    folder = world.folder / "views"
    folder.mkdir()
    result = world.run(world.tenure, "view", log, TMPDIR=str(folder), DISPLAY="", WAYLAND_DISPLAY="")
    desktop = world.folder / "desktop"
    desktop.mkdir()
    (desktop / "xdg-open").write_text(f"#!/bin/sh\necho noise\necho \"$1\" >{desktop}/opened\n")
    (desktop / "xdg-open").chmod(0o755)
    opened = world.run(world.tenure, "view", log, TMPDIR=str(folder), DISPLAY=":0", PATH=f"{desktop}:{os.environ['PATH']}")
    told = re.fullmatch(r"opened (\S+/report\.html)\n", opened.out.decode())
    expect(told and opened.status == 0 and opened.err == b"", f"view said {opened.out!r} {opened.err!r}")
    expect_equal((desktop / "opened").read_text(), told[1] + "\n", "what the desktop was given")
    check_alone(pathlib.Path(told[1]).read_text())
    expect_equal(os.stat(pathlib.Path(told[1]).parent).st_mode & 0o777, 0o700, "who may read the page")
    (desktop / "xdg-open").write_text("#!/bin/sh\nexit 3\n")
    refused = world.run(world.tenure, "view", log, TMPDIR=str(folder), DISPLAY=":0", PATH=f"{desktop}:{os.environ['PATH']}")
    for result in (result, refused):
        expect_equal((result.status, result.err), (0, b""), "view without a desktop")
        expect(re.fullmatch(r"the page is \S+/report\.html: open it in a browser\n", result.out.decode()), f"view said {result.out!r}")
    newest = world.run(world.tenure, "view", cwd=log.parent, TMPDIR=str(folder), DISPLAY="")
    expect_equal((newest.status, newest.err[:28]), (2, b"tenure: 'view' needs a LOG: "), "view where no log has a usual name")
    for name, when in (("tenure.old.1.db", 1000), ("tenure.new.2.db", 2000), ("tenure.older.3.db", 500)):
        shutil.copy(log, folder / name)
        os.utime(folder / name, (when, when))
    newest = world.run(world.tenure, "view", cwd=folder, TMPDIR=str(folder), DISPLAY="", WAYLAND_DISPLAY="")
    page = pathlib.Path(newest.out.decode().split()[3].rstrip(":"))
    expect("tenure.new.2.db" in page.read_text(), "the newest log is shown")
    shutil.rmtree(folder)


def refusals(world):
    """A page is of one recording; a folder that is not there, and a log that is none, leave nothing behind."""
    has_html(world)
    result, log = world.record(world.programs / "stl")
    for command, status, says in (
            (("report", "--format", "html", log, log), 2, "html is of one recording"),
            (("report", "--source-dir", ".", log), 2, "only a page shows sources"),
            (("report", "--format", "html", "--source-dir", "/nonexistent", log), 3, "cannot open the folder of the sources"),
            (("view", "--process", "0", log), 2, "--process"),
            (("view", "--process", "77", log), 3, "no process 77"),
            (("view", log, log), 2, "view"),
            (("view", "/nonexistent.db"), 3, "/nonexistent.db")):
        result = world.run(world.tenure, *command)
        expect_equal((result.status, len(result.error_lines())), (status, 1), f"{command}: {result.err!r}")
        expect(says in result.err.decode(), f"{command} said {result.err!r}")
    result = world.run(world.tenure, "view", log, TMPDIR="/nonexistent")
    expect_equal((result.status, b"cannot make a folder for the page" in result.err), (4, True), f"said {result.err!r}")
    result = world.run(world.tenure, "view", log, TMPDIR="/" + "x" * 5000)
    expect_equal((result.status, b"its path is too long" in result.err), (4, True), f"said {result.err!r}")


ALL = {f"page_{function.__name__}": function for function in (figures, several, hostile, sources, script, view, refusals)}
