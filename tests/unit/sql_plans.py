# SPDX-License-Identifier: MIT
"""Whatever a question asks for, a packed log gives the rows that a log with rows gives: each condition, each part of
the columns, each order.

usage: sql_plans.py DATA MAKE_LOG TENURE"""

import json
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile

TENURE = None
BROKEN = []


def expect(found, wanted, what):
    if found != wanted:
        BROKEN.append(f"{what}: {found}, not {wanted}")


def make_logs(data, make_log, folder):
    """{(name, form): path}"""
    subprocess.run([make_log, folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    logs = {("new", "rows"): f"{folder}/events.db", ("new", "packed"): f"{folder}/new.packed.db"}
    shutil.copy(logs["new", "rows"], logs["new", "packed"])
    database = sqlite3.connect(logs["new", "packed"])
    database.executescript("DROP VIEW IF EXISTS allocation; DROP TABLE IF EXISTS allocation_row")
    database.close()
    for name in ("mixed", "reentered"):
        logs[name, "packed"], logs[name, "rows"] = f"{folder}/{name}.packed.db", f"{folder}/{name}.rows.db"
        database = sqlite3.connect(logs[name, "packed"])
        database.executescript((data / f"{name}.sql").read_text())
        database.close()
        subprocess.run([TENURE, "unpack", logs[name, "packed"], "-o", logs[name, "rows"]], check=True, capture_output=True)
    return logs


def answers(result):
    """The arrays of several statements, one behind the other."""
    decoder, text, at = json.JSONDecoder(), result.stdout, 0
    found = []
    while at < len(text.rstrip()):
        array, at = decoder.raw_decode(text, at)
        found.append(array)
        at += len(text[at:]) - len(text[at:].lstrip())
    return found


def ask_both(logs, name, sql):
    """The answers from rows, and packed."""
    results = [subprocess.run([TENURE, "sql", "--json", logs[name, form], "; ".join(sql)], capture_output=True, text=True)
               for form in ("rows", "packed")]  # fmt: skip
    expect([r.returncode for r in results], [0, 0], f"{name}: {[r.stderr for r in results]}")
    rows, packed = map(answers, results)
    for statement, wanted, found in zip(sql, rows, packed, strict=True):
        expect(found, wanted, f"{name}: {statement}")
    return rows


CONDITIONS = (
    [f"{column} {operator} {value}" for column in ("site_id", "size_bytes", "birth_ns", "id") for operator in ("=", "<", ">=")
     for value in ("2", "64", "0", "-1", "NULL", "64.0", "64.5", "'64'", "'x'", "9223372036854775807", "1e30", "x'40'")]
    + ["site_id IS NULL", "size_bytes IS NULL", "size_bytes BETWEEN 20 AND 100", "size_bytes > 20 AND size_bytes < 20",
       "site_id = 2 AND size_bytes = 64 AND id < 500", "site_id IN (1, 3) AND size_bytes IN (8, 16, 32, 64, 128)",
       "site_id = (SELECT max(site_id) FROM site_summary)", "size_bytes = site_id", "id = 7 AND size_bytes = 1"]
)  # fmt: skip


def check_conditions(logs):
    """A condition that the packed table uses to leave out rows gives the same as one on plain rows."""
    for name in ("mixed", "new"):
        sql = [f"SELECT count(*) AS n, sum(id) AS s FROM allocation WHERE {where}" for where in CONDITIONS]
        found = ask_both(logs, name, sql)
        expect(len({str(answer) for answer in found}) > 10, True, f"conditions on {name} choose")


# Each reads a part of the columns, in each order that a packed log gives by itself and in others. A packed log is read
# by four plans: all events, births with and without times, and grouped.
PROJECTIONS = (
    "site_id", "stack_id", "thread_id", "process_id", "function", "size_bytes", "usable_size_bytes", "alignment_bytes",
    "stack_depth_bytes", "usable_size_bytes - size_bytes", "site_id, size_bytes", "function, stack_id, thread_id",
    "birth_ns", "id", "address", "previous_id", "lifetime_ns", "size_bytes, birth_ns", "free_function, site_id",
)  # fmt: skip
PLANS = (
    [f"SELECT {c}, count(*) AS n FROM allocation GROUP BY {c} ORDER BY {c}" for c in PROJECTIONS]
    + [f"SELECT {c} FROM allocation ORDER BY {','.join(part + ' DESC' for part in c.split(','))} LIMIT 50" for c in PROJECTIONS]
    + [f"SELECT DISTINCT {c} FROM allocation WHERE size_bytes > 20 ORDER BY {c}" for c in PROJECTIONS]
    + [f"SELECT count(*), count({c.split(',')[0]}) FROM allocation WHERE site_id IN (1, 3) OR size_bytes = 64" for c in PROJECTIONS]
    + ["SELECT site_id, count(*), sum(size_bytes), min(size_bytes), max(usable_size_bytes) FROM allocation"
       " WHERE process_id = 1 AND size_bytes BETWEEN 10 AND 500 GROUP BY site_id HAVING count(*) > 1 ORDER BY 2 DESC, 1",
       "SELECT a.site_id, count(*) FROM allocation AS a JOIN site AS s ON s.id = a.site_id GROUP BY 1 ORDER BY 1",
       "SELECT s.id, count(a.size_bytes) FROM site AS s LEFT JOIN allocation AS a ON a.site_id = s.id GROUP BY s.id ORDER BY 1",
       "SELECT count(*), sum(n) FROM (SELECT size_bytes, count(*) AS n FROM allocation GROUP BY size_bytes)",
       "SELECT size_bytes, count(*) FROM allocation WHERE function = 'malloc' GROUP BY size_bytes ORDER BY size_bytes DESC",
       "SELECT size_bytes, row_number() OVER (ORDER BY size_bytes) AS r FROM allocation ORDER BY 2 LIMIT 40",
       "SELECT site_id FROM allocation UNION SELECT size_bytes FROM allocation ORDER BY 1",
       "SELECT thread_id, size_bytes FROM allocation WHERE size_bytes < 40 ORDER BY thread_id DESC, size_bytes LIMIT 60",
       "SELECT count(*) FROM allocation WHERE stack_id IS NULL", "SELECT max(size_bytes) FROM allocation WHERE site_id = 99999"]
)  # fmt: skip


def check_plans(logs):
    """Whichever part of its columns a packed log unpacks, the rows are those of a log with rows."""
    for name in ("mixed", "reentered", "new"):
        ask_both(logs, name, PLANS)
    sql = "SELECT max(rowid) FROM allocation_of('main') GROUP BY site_id"
    grouped = subprocess.run([TENURE, "sql", logs["new", "packed"], sql], capture_output=True, text=True)
    expect((grouped.returncode != 0, "write id" in grouped.stderr), (True, True), "the rowid of a grouped row")


def main():
    global TENURE
    data, make_log, TENURE = pathlib.Path(sys.argv[1]), *sys.argv[2:4]
    with tempfile.TemporaryDirectory() as folder:
        logs = make_logs(data, make_log, folder)
        check_conditions(logs)
        check_plans(logs)
    print("\n".join(BROKEN) or "all answer alike")
    sys.exit(1 if BROKEN else 0)


main()
