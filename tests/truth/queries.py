# SPDX-License-Identifier: MIT
"""Each finding's query reproduces its evidence: one row, whose columns bear names of scalar keys of the
evidence, and their values; in `tenure sql` and in any SQLite."""

import json
import math
import sqlite3

import contained
import schema
from harness import Failure, check_log, expect, expect_equal, need
from reports import report

REAL = (
    ("jq", ("jq", "[.[] | {a, b: (.b | tostring)}] | group_by(.a) | map(length)")),
    ("perl", ("perl", "-e", "my %h; $h{$_ % 97} .= \"x$_\" for 1..20000; print scalar(keys %h), \"\\n\";")),
    ("python3", ("python3", "-c", "import json, re; print(len(json.dumps([{'a': str(i)} for i in range(3000)])))")),
)


def is_equal(found, wanted):
    if isinstance(wanted, bool):
        return found in (wanted, int(wanted))
    if isinstance(wanted, float) or isinstance(found, float):
        return isinstance(found, (int, float)) and math.isclose(found, wanted, rel_tol=1e-6, abs_tol=1e-9)
    return found == wanted


def check_row(finding, rows, name):
    """The one row of a query agrees with the evidence."""
    expect_equal(len(rows), 1, f"{name}: rows of {finding['query']}")
    expect(rows[0], f"{name}: the row has no column")
    for column, value in rows[0].items():
        expect(column in finding["evidence"], f"{name}: column {column} is no key of the evidence")
        wanted = finding["evidence"][column]
        expect(not isinstance(wanted, (dict, list)), f"{name}: column {column} is no scalar of the evidence")
        expect(is_equal(value, wanted), f"{name}: {column} is {wanted!r} in the evidence, {value!r} by its query")


def ask_tenure(world, log, query):
    result = world.run(world.tenure, "sql", "--json", log, query)
    expect_equal((result.status, result.err), (0, b""), f"status and errors of tenure sql {query}")
    return json.loads(result.out)


def ask_sqlite(log, query):
    database = sqlite3.connect(f"file:{log}?mode=ro", uri=True)
    database.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in database.execute(query)]
    finally:
        database.close()


def check_finding(world, log, finding, with_rows):
    name = f"{log.stem}: {finding['kind']} (rank {finding['rank']})"
    check_row(finding, ask_tenure(world, log, finding["query"]), name)
    if with_rows:
        check_row(finding, ask_sqlite(log, finding["query"]), f"{name}, sqlite")


def check_all(world, log, found, with_rows=True):
    """Ask all queries of a report. Gives the number of those that agree, and a line for each that does not."""
    agree, lines = 0, []
    for finding in found["findings"]:
        try:
            check_finding(world, log, finding, with_rows)
            agree += 1
        except (Failure, sqlite3.Error) as failure:
            lines.append(str(failure))
    return agree, lines


def run(world, unused):
    """Real programs: with rows, and without any."""
    data = json.dumps([{"a": i % 13, "b": {"c": [i, str(i)]}} for i in range(1500)]).encode()
    wrong = []
    for name, command in REAL:
        program = need(name)
        for rows in ("all", "none"):
            log = world.folder / f"{name}.{rows}.db"
            result, log = world.record(program, *command[1:], log=log, options=("--rows", rows), stdin=data)
            expect_equal(result.status, 0, f"status of {name}")
            check_log(log)
            found = report(world, log)
            schema.check(world, found)
            count, lines = check_all(world, log, found, with_rows=rows == "all")
            expect(count >= 5, f"{name}: {count} findings only")
            looked, more = contained.check(log, found, most=300) if rows == "all" else (0, [])
            print(f"{name}, rows {rows}: {count} findings, whose queries agree; {looked} blocks stay with their owner")
            wrong += lines + more
    print("\n".join(wrong))
    expect(not wrong, f"{len(wrong)} findings are not borne out by the log")
