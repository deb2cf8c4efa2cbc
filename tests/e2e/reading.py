# SPDX-License-Identifier: MIT
"""Scenarios about reading a log: plain rows and packed ones, SQL in its formats, and what reports say."""

import collections
import contextlib
import csv
import io
import json
import os
import shutil
import sqlite3

from harness import Skip, check_log, expect, expect_equal, meta, need, query, value


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


def saved_plan(world):
    """The rows of plan_step are the steps of the report, however often they are saved."""
    result, log = world.record(world.truths / "lifetimes")
    expect_equal(result.status, 0, "status")
    for _ in range(2):
        saved = world.run(world.tenure, "report", log, "--save", "-o", world.folder / "out")
        expect_equal((saved.err, saved.status), (b"", 0), "report --save")
    steps = report_json(world, log)["plan"]["steps"]

    def measured(step, key):
        return step["together"] and step["together"][key]
    wanted = [(number, step["mechanism"], step["title"], [part["key"] for part in step["findings"]],
               step["allocations_removed"], step["peak_bytes_moved"], measured(step, "replay_allocations_removed"),
               measured(step, "heap_median_bytes"), measured(step, "outside_bytes"))
              for number, step in enumerate(steps, 1)]
    rows = query(log, "SELECT number, mechanism, title, finding_keys, allocations_removed, peak_bytes_moved,"
                      " together_allocations_removed, together_heap_bytes_delta, together_outside_bytes"
                      " FROM plan_step ORDER BY number")
    expect(wanted, "the plan has steps")
    expect_equal([(*row[:3], json.loads(row[3]), *row[4:]) for row in rows], wanted, "saved steps")


def step_titles(world):
    """A step whose findings are of several kinds says how many of each; another one does not."""
    for folder, name, is_mixed in ((world.programs, "static_parts", True), (world.truths, "lifetimes", False)):
        result, log = world.record(folder / name, log=world.folder / f"{name}.db")
        expect_equal(result.status, 0, "status")
        found = report_json(world, log, "--confidence", "weak", "--top", "0")
        kinds = {finding["key"]: finding["kind"] for finding in found["findings"]}
        steps = [step for step in found["plan"]["steps"] if step["mechanism"] == "static"]
        expect_equal(len(steps), 1, f"{name}: steps that make blocks static")
        parts = collections.Counter(kinds[part["key"]] for part in steps[0]["findings"])
        expect_equal(len(parts) > 1, is_mixed, f"{name}: several kinds in {parts}")
        told = "static (" + ", ".join(f"{count} {kind}" for kind, count in parts.items()) + ")," if is_mixed else "static,"
        expect(told in steps[0]["title"], f"{name}: {steps[0]['title']}: {told}")


def report_json(world, log, *options):
    result = world.run(world.tenure, "report", "--format", "json", *options, log)
    expect_equal((result.err, result.status), (b"", 0), f"report {' '.join(options)}")
    return json.loads(result.out)


def with_commas(number):
    return f"{int(number):,}"


ALL = {
    "rows_and_table": rows_and_table,
    "rows_limit": rows_limit,
    "extension": extension,
    "says_packed": says_packed,
    "sql_formats": sql_formats,
    "libraries_are_folded": libraries_are_folded,
    "info_and_report": info_and_report,
    "findings": findings,
    "saved_plan": saved_plan,
    "step_titles": step_titles,
}
