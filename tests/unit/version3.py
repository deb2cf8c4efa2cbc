# SPDX-License-Identifier: MIT
"""Logs of format version 3 stay readable: what stands in data/version3 was recorded by the first build that wrote
this format, and every later build must read the same allocations from it, through the program's reader and through
the SQLite extension, and must still find what is to be found.

usage: version3.py FOLDER TENURE EXTENSION

rows.sql       plain rows: short-lived buffers, chains of realloc, blocks kept to the end
mixed.sql      packed, three processes: threads, frees by another thread, failures, marks, sizes from 0 to 5 GiB,
               alignments, a child that exits with 3 and one that a signal kills
reentered.sql  packed, from a program built with -finstrument-functions: functions left and entered again"""

import hashlib
import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile

COLUMNS = (
    "id, process_id, thread_id, stack_id, site_id, function, size_bytes, usable_size_bytes, alignment_bytes, address,"
    " birth_ns, death_ns, lifetime_ns, lifetime_allocations, lifetime_bytes, stack_depth_bytes, free_thread_id,"
    " free_stack_id, free_stack_depth_bytes, free_function, previous_id"
)
ALLOCATIONS = f"SELECT {COLUMNS} FROM allocation ORDER BY id"
COUNTS = (
    "SELECT (SELECT count(*) FROM process), (SELECT count(*) FROM thread), (SELECT count(*) FROM site),"
    " (SELECT count(*) FROM stack_frame), (SELECT count(*) FROM allocation_failure), (SELECT count(*) FROM mark),"
    " count(*), sum(size_bytes), count(death_ns), count(previous_id) FROM allocation"
)

# The programs' code is no longer there, so that nobody can say where sizes come from: conditional.
# name: (COUNTS, SHA-256 of ALLOCATIONS as JSON, findings as (kind, confidence))
EXPECTED = {
    "mixed": (
        (3, 5, 25, 197, 3, 6, 155, 5596556198, 153, 52),
        "f76b18efc61902f543d7c17b2cfc330f56c01d683c9329a6806cef9b7a61eb7f",
        [("permanent", "conditional"), ("pool", "consistent")],
    ),
    "reentered": (
        (1, 1, 2, 27, 0, 2, 150, 4800, 150, 0),
        "13b12fa8305b417d9f01c2695ca35315bacdfa7f81535b3b44aaaa6059e915cc",
        [("stack-buffer", "conditional"), ("pool", "consistent")],
    ),
    "rows": (
        (1, 1, 6, 34, 0, 2, 124, 27040, 116, 42),
        "409c59930c4f0dd241aff3fbb20ae4ec36045f969527a10b0eabc5f69ea22cb5",
        [("presize", "conditional"), ("stack-buffer", "conditional"), ("pool", "consistent")],
    ),
}


def rebuild(script, path):
    database = sqlite3.connect(path)
    database.executescript(script.read_text())
    database.close()


def digest(rows):
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def rows_of(command):
    """The rows that a command prints as a JSON array of objects, as lists."""
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return [list(row.values()) for row in json.loads(result.stdout)]


def findings(tenure, path):
    result = subprocess.run([tenure, "report", "--format", "json", path], capture_output=True, text=True, check=True)
    return {finding["kind"]: finding["confidence"] for finding in json.loads(result.stdout)["findings"]}


def observe(script, tenure, extension, folder):
    path = f"{folder}/{script.stem}.db"
    rebuild(script, path)
    by_sqlite = ["sqlite3", "-json", "-cmd", f".load {extension}", path, ALLOCATIONS]
    seen = {
        "counts": rows_of([tenure, "sql", "--json", path, COUNTS])[0],
        "digest": digest(rows_of([tenure, "sql", "--json", path, ALLOCATIONS])),
        "digest by the extension": digest(rows_of(by_sqlite)),
        "findings": findings(tenure, path),
    }
    # Without its plain rows, a log is read from the chunks.
    database = sqlite3.connect(path)
    database.executescript("DROP VIEW IF EXISTS allocation; DROP TABLE IF EXISTS allocation_row;")
    database.close()
    seen["digest of the chunks"] = digest(rows_of(by_sqlite))
    return seen


def complaints(name, seen):
    counts, allocations, kinds = EXPECTED[name]
    wanted = {"counts": list(counts)} | {key: allocations for key in seen if key.startswith("digest")}
    found = [f"{name}: {key} is {seen[key]}, not {value}" for key, value in wanted.items() if seen[key] != value]
    for kind, confidence in kinds:
        if seen["findings"].get(kind) != confidence:
            found.append(f"{name}: no {confidence} finding of {kind} among {seen['findings']}")
    return found


def main():
    data, tenure, extension = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for script in sorted(data.glob("*.sql")):
            found += complaints(script.stem, observe(script, tenure, extension, folder))
    print("\n".join(found) or f"{len(EXPECTED)} logs read as ever")
    sys.exit(1 if found or len(EXPECTED) != 3 else 0)


main()
