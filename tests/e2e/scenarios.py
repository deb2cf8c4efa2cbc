# SPDX-License-Identifier: MIT
"""Test cases that are functions rather than data: something happens while a program runs."""

import csv
import io
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess

import bad
import exports
import finishing
import truth
import simulations
import workflow
import texts
from harness import PATIENCE_S, Skip, check_log, expect, expect_equal, meta, need, query, value, wait_until


class Running:
    """A program that runs beside the test and is controlled through its standard input."""

    def __init__(self, world, *command, preexec=None, cwd=None, **environment):
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=cwd or world.work, env=world.environment(**environment), preexec_fn=preexec,
        )
        self.pid = self.process.pid

    def line(self):
        return self.process.stdout.readline()

    def go(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def end(self):
        """Wait for the end: (status, rest of the output, errors)."""
        out, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, out, err


def preloaded(world, log, *command, **environment):
    return Running(world, *command, LD_PRELOAD=world.shim, TENURE_LOG=log, TENURE_ROWS="all", **environment)


def gated_output(world, blocks):
    """How gated ends without tenure, and what it prints then."""
    program = Running(world, world.programs / "gated", blocks)
    expect_equal(program.line(), b"half\n", "the first line")
    program.go()
    return program.end()


# Programs copy their environment, so both runs get the same variables: those that valgrind sets for itself, and ours.
COUNT_ENVIRONMENT = {"LD_LIBRARY_PATH": "/usr/lib/debug", "GLIBCPP_FORCE_NEW": "1", "GLIBCXX_FORCE_NEW": "1"}

# What may differ all the same; docs/testing.md names the causes.
COUNT_BLOCKS = 10
COUNT_BYTES = 4096


def count(world, same, prepare):
    """The number of allocations and their bytes against valgrind's heap profiler."""
    valgrind = need("valgrind")
    command, keywords = prepare(world, same)
    world.warm_up(*command, **keywords)
    result, log = world.preload(*command, **keywords, **COUNT_ENVIRONMENT)
    expect_equal(result.status, 0, "status under the bare shim")
    check_log(log)
    ours = {"TENURE_LOG": log, "TENURE_ROWS": "all"}
    other = world.run(valgrind, "--tool=dhat", "--dhat-out-file=/dev/null", *command, **keywords, **ours)
    expect_equal(other.out, result.out, "output under valgrind")
    found = re.search(rb"Total:\s+([\d,]+) bytes in ([\d,]+) blocks", other.err)
    expect(found, f"valgrind told no total: {other.err[-500:]}")
    wanted_bytes, wanted_blocks = (int(text.replace(b",", b"")) for text in found.groups())
    # valgrind counts a block of 0 bytes as one of 1 byte.
    blocks, size_bytes = query(log, "SELECT count(*), sum(max(size_bytes, 1)) FROM allocation")[0]
    print(f"tenure {blocks} blocks, {size_bytes} bytes; valgrind {wanted_blocks} blocks, {wanted_bytes} bytes")
    expect(abs(blocks - wanted_blocks) <= COUNT_BLOCKS, f"{blocks} allocations, valgrind counts {wanted_blocks}")
    expect(abs(size_bytes - wanted_bytes) <= COUNT_BYTES, f"{size_bytes} bytes, valgrind counts {wanted_bytes}")


def killed(world):
    """A program that is killed in mid-run: everything up to the kill is in the log, and nothing else."""
    counts = world.folder / "counts"
    log = world.new_log()
    program = preloaded(world, log, world.programs / "killed", counts)
    wait_until(lambda: numbers(counts)[1] > 200000, "the program does not get on")
    program.process.kill()
    expect_equal(program.end()[0], -signal.SIGKILL, "status")
    world.wait_finished(log)
    check_log(log)
    births, deaths = query(log, "SELECT count(*), count(death_ns) FROM allocation WHERE size_bytes = 1234")[0]
    born, freed = numbers(counts)
    expect(born <= births <= born + 1, f"{births} births in the log, {born} by the program's own count")
    expect(freed <= deaths <= freed + 1, f"{deaths} deaths in the log, {freed} by the program's own count")


def numbers(path):
    """The two counters in the file that killed.c shares."""
    try:
        data = path.read_bytes()[:16]
    except OSError:
        data = b""
    data = data.ljust(16, b"\0")
    return int.from_bytes(data[:8], "little"), int.from_bytes(data[8:], "little")


def mirror(world):
    """What a program sees of its own process is the same with and without."""
    program = world.programs / "mirror"
    bare = world.run(program)
    expect(len(bare.out.splitlines()) > 20, "the program says little")
    for how in (world.record, world.preload):
        result, log = how(program)
        expect_equal(result.out.decode().splitlines(), bare.out.decode().splitlines(), "what the program sees")
        expect_equal((result.err, result.status), (bare.err, bare.status), "errors and status")
        check_log(log)


def own_malloc(world):
    """A program with its own malloc cannot be recorded: one line says so, and it runs."""
    program = world.programs / "ownmalloc"
    result, log = world.preload(program, wait=False)
    expect_equal((result.out, result.status), (b"own heap\n", 0), "output and status")
    lines = result.error_lines()
    expect(len(lines) == 1 and lines[0].startswith("tenure: "), f"one line about it, not {lines}")
    result, log = world.record(program)
    expect_equal((result.out, result.status), (b"own heap\n", 0), "output and status under record")
    expect(any("malloc" in line for line in result.error_lines()), f"a line about it, not {result.error_lines()}")


def deep_binding(world):
    """Libraries that bypass every preloaded one (RTLD_DEEPBIND): their calls are not recorded, and do no harm."""
    programs = world.programs
    command = (programs / "plugins", programs / "libplug_a.so", programs / "libplug_b.so", "deep")
    for how in (world.record, world.preload):
        result, log = how(*command)
        expect_equal((result.out, result.err, result.status), (b"", b"", 0), "the program's end")
        expect_equal(value(log, "PRAGMA integrity_check"), "ok", "integrity")
        expect_equal(meta(log)["complete"], "1", "meta.complete")


def other_allocator(world):
    """Another allocator behind the shim: the program's blocks are that allocator's, and the log is exact."""
    library = pathlib.Path("/usr/lib/x86_64-linux-gnu/libjemalloc.so.2")
    if not library.exists():
        raise Skip("libjemalloc2 is not installed")
    for name in ("churn", "handoff", "chains"):
        told = world.folder / f"{name}.truth"
        result, log = world.preload(world.programs / name, LD_PRELOAD=f"{world.shim}:{library}", TRUTH=told)
        expect_equal((result.err, result.status), (b"", 0), f"{name} with jemalloc")
        check_log(log)
        truth.check(log, told, (f"{name}.c",))
    told = world.folder / "record.truth"
    result, log = world.record(world.programs / "churn", LD_PRELOAD=library, TRUTH=told)
    expect_equal((result.err, result.status), (b"", 0), "churn with jemalloc under record")
    truth.check(log, told, ("churn.c",))
    expect(value(log, "SELECT count(*) FROM module WHERE path LIKE '%jemalloc%'") == 1, "jemalloc was not there")


def copy_without_rows(log, copy):
    """A copy in which the packed chunks are the only source of allocations."""
    shutil.copy(log, copy)
    database = sqlite3.connect(copy)
    database.execute("DROP VIEW IF EXISTS allocation")
    database.execute("DROP TABLE IF EXISTS allocation_row")
    database.commit()
    database.close()


def rows_and_table(world):
    """The same recording read as plain rows and as virtual table gives the same, row by row."""
    for command in (("chains",), ("handoff",), ("forks", "tree")):
        result, log = world.record(world.programs / command[0], *command[1:], options=("--rows", "all"))
        expect_equal(result.status, 0, "status")
        copy = world.folder / f"{log.stem}-chunks.db"
        copy_without_rows(log, copy)
        sql = "SELECT * FROM allocation ORDER BY id"
        table = world.run(world.tenure, "sql", "--csv", copy, sql)
        expect_equal((table.err, table.status), (b"", 0), "tenure sql over the chunks")
        rows = world.run(world.tenure, "sql", "--csv", log, sql)
        expect(rows.out == table.out, f"{command}: rows and virtual table differ")
        wanted = [[("" if v is None else str(v)) for v in row] for row in query(log, sql)]
        found = list(csv.reader(io.StringIO(table.out.decode())))
        names = [row[1] for row in query(log, "PRAGMA table_info(allocation)")]
        expect_equal(found[0], names, "columns")
        expect(found[1:] == wanted, f"{command}: Python's reading of the rows and the virtual table differ")
        expect(len(wanted) > 100, "nothing was compared")


def rows_limit(world):
    """--rows N: plain rows up to N allocations, the virtual table above; --rows none: never."""
    for rows, is_plain in (("10", False), ("none", False), ("1000000", True), ("all", True)):
        result, log = world.record(world.programs / "chains", options=("--rows", rows))
        expect_equal(result.status, 0, "status")
        check_log(log)
        found = value(log, "SELECT count(*) FROM sqlite_schema WHERE name = 'allocation'") > 0
        expect_equal(found, is_plain, f"plain rows with --rows {rows}")
        counted = world.run(world.tenure, "sql", "--csv", log, "SELECT count(*) FROM allocation")
        expect_equal(counted.out.split()[-1].decode(), meta(log)["allocations"], f"rows with --rows {rows}")


def extension(world):
    """The loadable extension makes `allocation` readable in the sqlite3 shell."""
    sqlite3_shell = need("sqlite3")
    libraries = list((world.build / "lib/log").glob("tenure_sqlite.so"))
    expect(libraries, "tenure_sqlite.so was not built")
    result, log = world.record(world.programs / "chains", options=("--rows", "none"))
    expect_equal(result.status, 0, "status")
    plain = world.run(sqlite3_shell, "-readonly", log, "SELECT count(*) FROM allocation")
    expect(plain.status != 0, "without the extension there is no allocation")
    sql = "SELECT count(*), sum(size_bytes), count(death_ns) FROM allocation"
    loaded = world.run(sqlite3_shell, "-readonly", "-cmd", f".load {libraries[0].with_suffix('')}", log, sql)
    expect_equal(loaded.err, b"", "errors of sqlite3")
    own = world.run(world.tenure, "sql", "--csv", log, sql)
    expect_equal(loaded.out.split()[-1].replace(b"|", b","), own.out.split()[-1], "sums by the extension")
    expect(int(loaded.out.split(b"|")[0]) > 1000, "allocations by the extension")


def says_packed(world):
    """The last line of record says when other tools will find no rows; with rows it does not."""
    for rows, is_said in (("none", True), ("all", False)):
        log = world.new_log()
        result = world.run(world.tenure, "record", "--rows", rows, "-o", log, "--", "true")
        expect_equal(result.status, 0, "status")
        expect_equal(b"packed" in result.err and b"tenure unpack" in result.err, is_said, f"--rows {rows}")


def link_and_static_image(world):
    """A process is named after the link that was run; an image that the shim is not in has a row that says so."""
    link = world.folder / "a-name-longer-than-the-kernel-keeps"
    os.symlink("/bin/sh", link)
    log = world.new_log()
    quiet = world.programs / "reads_stdin"
    process = subprocess.Popen([world.tenure, "record", "-o", log, "--", link, "-c", f"exec {quiet}"],
                               stdin=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    unrecorded = "SELECT count(*) FROM process WHERE exit_kind = 'not recorded'"
    has_tables = "SELECT count(*) FROM sqlite_master WHERE name = 'process'"
    wait_until(lambda: os.path.exists(log) and value(log, has_tables) == 1 and value(log, unrecorded) == 1,
               "the static image has no row")  # fmt: skip
    process.communicate()
    rows = query(log, "SELECT name, exit_kind, parent_id FROM process ORDER BY id")
    expect_equal(rows, [(os.path.basename(link), "exec", None), ("reads_stdin", "not recorded", 1)], "processes")
    info = world.run(world.tenure, "info", log).out.decode()
    expect(f"{os.path.basename(link)} (" in info and "not recorded" in info, info)


def sql_formats(world):
    """tenure sql: table, CSV and JSON say the same."""
    result, log = world.record(world.programs / "chains")
    expect_equal(result.status, 0, "status")
    sql = "SELECT id, size_bytes, function FROM allocation WHERE id <= 20 ORDER BY id"
    wanted = [{"id": a, "size_bytes": b, "function": c} for a, b, c in query(log, sql)]
    as_json = world.run(world.tenure, "sql", "--json", log, sql)
    expect_equal(json.loads(as_json.out), wanted, "rows as JSON")
    as_csv = world.run(world.tenure, "sql", "--csv", log, sql)
    found = [dict(id=int(r["id"]), size_bytes=int(r["size_bytes"]), function=r["function"])
             for r in csv.DictReader(io.StringIO(as_csv.out.decode()))]
    expect_equal(found, wanted, "rows as CSV")
    as_table = world.run(world.tenure, "sql", log, sql)
    text = as_table.out.decode()
    expect("size_bytes" in text and len(text.splitlines()) >= 21, "rows as a table")
    from_input = world.run(world.tenure, "sql", "--csv", log, stdin=sql.encode() + b";\n")
    expect_equal(from_input.out, as_csv.out, "a query on standard input")


def libraries_are_folded(world):
    """Findings about libraries of the system, without debug information, take one line a library, and JSON has them all.
    A library that makes most of the allocations is what the program exists for: its findings are told in full."""
    script = "[range(3000)|{a: ., b: [tostring, {c: .}]}]|map(.b[1].c)|add"
    result, log = world.record(need("jq"), "-n", script)
    expect_equal(result.status, 0, "status")
    found = json.loads(world.run(world.tenure, "report", "--format", "json", "--top", "0", log).out)["findings"]
    text = world.run(world.tenure, "report", "--top", "0", log).out.decode()
    plain = " ".join(text.split())
    asked = f"""SELECT s.module FROM site_summary AS t JOIN site AS s ON s.id = t.site_id GROUP BY s.module
             HAVING sum(allocations) * 2 > (SELECT sum(allocations) FROM site_summary)"""
    with contextlib.closing(sqlite3.connect(log)) as database:
        own = [os.path.basename(module) for module, in database.execute(asked)]
    folded = [f for f in found if f["library"] and f["library"] not in own]
    for finding in found:
        lies_in_library = finding["sites"] and all(
            site["line"] == 0 and ".so" in site["module"] and site["module"].startswith(("/lib/", "/usr/lib/"))
            for site in finding["sites"])
        expect_equal(bool(finding["library"]), bool(lies_in_library), f"#{finding['rank']}: {finding['library']}")
        title = finding["title"].split(", if ")[0]
        expect_equal(f" {finding['rank']}. {title}" in plain, finding not in folded, f"#{finding['rank']} in the text")
    if not folded:
        raise Skip("the libraries of jq have debug information here")
    for library in {f["library"] for f in folded}:
        numbers = ", ".join(f"#{f['rank']}" for f in found if f["library"] == library)
        expect(f"({numbers})" in plain and plain.count(f"{library}: ") == 1, f"the line of {library}: {numbers}")


def info_and_report(world):
    """info and report are right about a known program."""
    told = world.folder / "truth"
    result, log = world.record(world.programs / "churn", "30000", TRUTH=told)
    expect_equal(result.status, 0, "status")
    facts = meta(log)
    info = world.run(world.tenure, "info", log)
    expect_equal((info.err, info.status), (b"", 0), "info")
    expect("churn" in info.out.decode(), "info names the program")
    expect(with_commas(facts["allocations"]) in info.out.decode(), "info has the number of allocations")
    as_json = world.run(world.tenure, "info", "--json", log)
    expect_equal(as_json.status, 0, "info --json")
    expect(json.loads(as_json.out), "info --json is empty")
    report = world.run(world.tenure, "report", log)
    expect_equal((report.err, report.status), (b"", 0), "report")
    text = report.out.decode()
    expect(with_commas(facts["allocations"]) in text, "report has the number of allocations")
    busiest = query(log, """SELECT f.file, f.line FROM site_summary y JOIN site f ON f.id = y.site_id
                            ORDER BY y.allocations DESC, y.total_bytes DESC LIMIT 1""")[0]
    expect(f"{os.path.basename(busiest[0])}:{busiest[1]}" in text, "report names the busiest site")
    to_file = world.run(world.tenure, "report", log, "-o", world.folder / "report.txt")
    expect_equal((to_file.out, to_file.status), (b"", 0), "report -o")
    expect_equal((world.folder / "report.txt").read_text(), text, "report -o FILE")


def findings(world):
    """Options of report, its JSON, and what --save writes agree with each other."""
    result, log = world.record(world.programs / "churn", "30000", TRUTH=world.folder / "truth")
    expect_equal(result.status, 0, "status")
    whole = report_json(world, log, "--confidence", "weak", "--top", "0")
    found = whole["findings"]
    expect_equal([finding["rank"] for finding in found], list(range(1, len(found) + 1)), "ranks")
    sure = report_json(world, log, "--top", "0")
    expect_equal([f["title"] for f in sure["findings"]], [f["title"] for f in found if f["confidence"] != "weak"],
                 "what is shown without --confidence")
    expect_equal(sure["not_shown"]["too_weak"], len(found) - len(sure["findings"]), "doubtful ones are counted")
    one = report_json(world, log, "--top", "1", "--confidence", "weak")
    expect_equal((len(one["findings"]), one["not_shown"]["beyond_top"]), (1, len(found) - 1), "--top 1")
    expect("pool" in {f["kind"] for f in report_json(world, log)["findings"] if not f["sites"]}, "the set of pools")
    pools = report_json(world, log, "--only", "pool,overhead", "--top", "0")
    expect(pools["findings"] and {f["kind"] for f in pools["findings"]} <= {"pool", "overhead"}, "--only")
    one_pool = report_json(world, log, "--only", "pool", "--threshold", "pool.max-pools=1",
                           "--threshold=pool.allocations-share=1", "--threshold=pool.peak-share=1")
    expect_equal([f["evidence"].get("pool_count") for f in one_pool["findings"]], [1], "thresholds")
    sizes = report_json(world, log, "--only", "pool", "--pool-sizes", "1M,64")["findings"][-1]["evidence"]["pricing"]
    expect("given" in {price["scheme"] for price in sizes}, "--pool-sizes")
    few = report_json(world, log, "--only", "pool", "--min-allocations", "100000000")
    expect_equal(few["findings"], [], "--min-allocations")
    expect_equal(query(log, "SELECT count(*) FROM finding"), [(0,)], "findings before --save")
    for _ in range(2):
        saved = world.run(world.tenure, "report", log, "--save", "--top", "1", "-o", world.folder / "out")
        expect_equal((saved.err, saved.status), (b"", 0), "report --save")
    rows = query(log, "SELECT kind, rank, confidence, title, evidence, query FROM finding ORDER BY rank")
    expect_equal([(*row[:4], json.loads(row[4]), row[5]) for row in rows],
                 [(f["kind"], f["rank"], f["confidence"], f["title"], f["evidence"], f["query"]) for f in found],
                 "saved findings")
    listed = world.run(world.tenure, "report", "--list-thresholds").out.decode()
    expect("  pool.knee=0.05 (0 to 1)\n" in listed, "--list-thresholds")


def report_json(world, log, *options):
    result = world.run(world.tenure, "report", "--format", "json", *options, log)
    expect_equal((result.err, result.status), (b"", 0), f"report {' '.join(options)}")
    return json.loads(result.out)


def with_commas(number):
    return f"{int(number):,}"


def while_running(world):
    """A log can be read while it is written, and readers block nothing."""
    log = world.new_log()
    program = preloaded(world, log, world.programs / "gated", 200000)
    expect_equal(program.line(), b"half\n", "the first line")
    wait_until(lambda: committed(log) > 0, "nothing was committed")
    reader = sqlite3.connect(f"file:{log}?mode=ro", uri=True)
    reader.execute("BEGIN")
    seen = reader.execute("SELECT sum(births) FROM chunk").fetchone()[0]
    expect_equal(meta(log).get("complete"), "0", "meta.complete while it runs")
    for command in ("info", "report"):
        result = world.run(world.tenure, command, log)
        expect_equal((result.err, result.status), (b"", 0), f"tenure {command} on a log that is being written")
    saved = world.run(world.tenure, "report", "--save", log)
    expect_equal((saved.out, saved.status), (b"", 3), "report --save on a log that is being written")
    expect(b"it is being recorded" in saved.err, f"--save says why not: {saved.err}")
    counted = world.run(world.tenure, "sql", "--csv", log, "SELECT count(*) FROM allocation")
    expect(int(counted.out.split()[-1]) >= seen, "the virtual table of a log that is being written")
    program.go()
    status, out, err = program.end()
    expect_equal((status, err), (7, b""), "end of the program")
    wait_until(lambda: meta(log).get("complete") == "1", "the open reader holds up the close")
    reader.close()
    # The reader kept the log from leaving WAL mode; its content is whole all the same.
    wait_until(lambda: meta(log).get("finished") == "1", "the log is not finished")
    expect_equal(value(log, "PRAGMA integrity_check"), "ok", "integrity")


def committed(log):
    try:
        return value(log, "SELECT coalesce(sum(births), 0) FROM chunk")
    except sqlite3.Error:
        return 0


def pipe_is_closed(world):
    """Nothing keeps the program's output open after its end: $(program) does not hang."""
    log = world.new_log()
    program = preloaded(world, log, world.programs / "deep", "5")
    expect_equal(program.end(), (0, b"", b""), "end of the program")
    world.wait_finished(log)
    check_log(log)


def default_name(world):
    """Without -o the log is tenure.PROGRAM.PID.db in the working directory; an existing log stays."""
    result = world.run(world.tenure, "record", world.programs / "deep", "5")
    expect_equal(result.status, 0, "status")
    names = os.listdir(world.work)
    expect(len(names) == 1 and re.fullmatch(r"tenure\.deep\.\d+\.db", names[0]), f"name of the log {names}")
    check_log(world.work / names[0])
    text = result.err.decode()
    expect(names[0] in text and "tenure report" in text, f"the summary names the log and what to do next: {text}")


def force(world):
    """--force replaces a log."""
    result, log = world.record(world.programs / "deep", "5")
    first = meta(log)["started_at"], meta(log)["duration_ns"]
    result, log = world.record(world.programs / "chains", log=log, options=("--force",))
    expect_equal(result.status, 0, "status")
    check_log(log)
    expect((meta(log)["started_at"], meta(log)["duration_ns"]) != first, "the log is the old one")
    expect(value(log, "SELECT executable FROM process").endswith("chains"), "the log is not the new program's")


def shared_log(world):
    """Two programs that name the same log share its recorder."""
    log = world.new_log()
    first = preloaded(world, log, world.programs / "gated", 1000)
    expect_equal(first.line(), b"half\n", "the first line")
    wait_until(lambda: log.exists(), "no log")
    second = world.run(world.programs / "deep", "9", LD_PRELOAD=world.shim, TENURE_LOG=log)
    expect_equal((second.status, second.err), (0, b""), "the second program")
    first.go()
    expect_equal(first.end()[0], 7, "the first program")
    world.wait_finished(log)
    check_log(log)
    names = [os.path.basename(path) for (path,) in query(log, "SELECT executable FROM process ORDER BY id")]
    expect_equal(names, ["gated", "deep"], "processes in the shared log")


def children_no(world):
    """--children no: only the program itself."""
    result, log = world.record(world.programs / "forks", "forkexec", options=("--children", "no"))
    expect_equal((result.status, result.err), (0, b""), "status")
    check_log(log)
    expect_equal(value(log, "SELECT count(*) FROM process"), 1, "processes")


def free_stacks_no(world):
    """--free-stacks no: no stack at free, nothing else changes. (realloc has one stack for both of its blocks.)"""
    result, log = world.record(world.programs / "chains", options=("--free-stacks", "no"))
    expect_equal(result.status, 0, "status")
    check_log(log)
    freed, stacks, births = query(log, """SELECT count(death_ns), count(free_stack_id), count(stack_id) FROM allocation
                                            WHERE free_function IS NULL OR free_function NOT LIKE 'realloc%'""")[0]
    expect(freed > 200 and births > 200, f"{births} allocations and {freed} frees only")
    expect_equal(stacks, 0, "stacks at free")


def small_ring(world):
    """The smallest ring: the program waits for the recorder, and nothing is lost."""
    told = world.folder / "truth"
    result, log = world.record(world.programs / "handoff", options=("--ring-size", "256K"), TRUTH=told)
    expect_equal((result.status, result.err), (0, b""), "status")
    check_log(log)
    truth.check(log, told, ("handoff.c",))


def interrupt(world):
    """Ctrl-C reaches the program; the recording goes on to its end and has the program's status."""
    log = world.new_log()
    program = Running(world, world.tenure, "record", "--quiet", "-o", log, "--", world.programs / "gated", 1000,
                      preexec=os.setsid)
    expect_equal(program.line(), b"half\n", "the first line")
    os.killpg(program.pid, signal.SIGINT)
    status, out, err = program.end()
    expect_equal(status, 128 + signal.SIGINT, "status of record")
    check_log(log)
    expect_equal(query(log, "SELECT exit_kind, exit_code FROM process"), [("signal", int(signal.SIGINT))], "end of the process")


def exit_codes(world):
    """record knows how its own child ended, and the log says it."""
    wanted = {"return": ("exit", 3), "_exit": ("exit", 5), "kill": ("signal", 9), "abort": ("signal", 6)}
    for how, end in wanted.items():
        result, log = world.record(world.programs / "ends", how)
        expect_equal(query(log, "SELECT exit_kind, exit_code FROM process"), [end], f"end of the process by {how}")


def marks(world):
    """The marks of the program's life are in the log, in order."""
    result, log = world.record(world.programs / "early")
    texts = [text for (text,) in query(log, "SELECT text FROM mark ORDER BY time_ns, id")]
    expect("main entered" in texts and "exit begun" in texts, f"marks {texts}")
    expect(texts.index("main entered") < texts.index("exit begun"), f"order of the marks {texts}")
    sql = "SELECT count(*) FROM allocation a WHERE size_bytes = ? AND birth_ns {} (SELECT time_ns FROM mark WHERE text = ?)"
    expect_equal(value(log, sql.format("<"), 111, "main entered"), 1, "blocks of a constructor before main")
    expect_equal(value(log, sql.format(">"), 222, "exit begun"), 1, "blocks of an exit handler after exit has begun")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def redis(world):
    """A server under load answers correctly, is recorded, and ends when it is told to."""
    server, benchmark, client = need("redis-server", "redis-benchmark", "redis-cli")
    log, port = world.new_log(), free_port()
    command = (server, "--port", port, "--save", "", "--appendonly", "no", "--daemonize", "no")
    program = Running(world, world.tenure, "record", "--quiet", "-o", log, "--", *command)
    cli = (client, "-p", port)
    wait_until(lambda: world.run(*cli, "ping").out == b"PONG\n", "the server does not answer")
    load = world.run(benchmark, "-p", port, "-n", "5000", "-q", "-t", "set,get,lpush,lrange_100")
    expect_equal(load.status, 0, "status of the benchmark")
    expect_equal(world.run(*cli, "set", "key", "a value of some length").out, b"OK\n", "set")
    expect_equal(world.run(*cli, "get", "key").out, b"a value of some length\n", "get")
    world.run(*cli, "shutdown", "nosave")
    status, out, err = program.end()
    expect_equal((status, err), (0, b""), "end of the server")
    check_log(log)
    expect(value(log, "SELECT executable FROM process ORDER BY id LIMIT 1").endswith(("redis-server", "redis-check-rdb")), "the server")
    print(f"{meta(log)['allocations']} allocations recorded")


def read_only_folder(world):
    """A closed log can be read where nothing can be written."""
    result, log = world.record(world.programs / "deep", "5")
    folder = world.folder / "shelf"
    folder.mkdir()
    shutil.copy(log, folder / "log.db")
    (folder / "log.db").chmod(0o444)
    folder.chmod(0o555)
    for command in (("info",), ("report",), ("sql", "SELECT count(*) FROM allocation")):
        reader = bad.without_rights((world.tenure, command[0], folder / "log.db", *command[1:]))
        result = world.run(*reader)
        expect_equal((result.err, result.status), (b"", 0), f"tenure {command[0]} of a log that cannot be written")
    expect_equal(os.listdir(folder), ["log.db"], "files beside the log")


ALL = {
    "killed": killed,
    "mirror": mirror,
    "own_malloc": own_malloc,
    "deep_binding": deep_binding,
    "other_allocator": other_allocator,
    "rows_and_table": rows_and_table,
    "rows_limit": rows_limit,
    "extension": extension,
    "says_packed": says_packed,
    "link_and_static_image": link_and_static_image,
    "sql_formats": sql_formats,
    "libraries_are_folded": libraries_are_folded,
    "info_and_report": info_and_report,
    "findings": findings,
    "while_running": while_running,
    "pipe_is_closed": pipe_is_closed,
    "default_name": default_name,
    "force": force,
    "shared_log": shared_log,
    "children_no": children_no,
    "free_stacks_no": free_stacks_no,
    "small_ring": small_ring,
    "interrupt": interrupt,
    "exit_codes": exit_codes,
    "marks": marks,
    "redis": redis,
    "read_only_folder": read_only_folder,
    **exports.ALL,
    **finishing.ALL,
    **simulations.ALL,
    **texts.ALL,
    **workflow.ALL,
}
