# SPDX-License-Identifier: MIT
"""Damaged logs: every command that reads one either answers or says in one line that the log is damaged (exit 3). None
crashes, none hangs, none calls it the machine's fault.

Some kinds of damage are planted: those that once crashed a command. Then round N damages one small log in a way that
follows from N alone: bytes of the file, cells of its tables, rows missing or there twice, tables and views missing or
of another shape. `--first N --rounds 1 --keep FOLDER` makes one again.

usage: damaged_logs.py DATA MAKE_LOG TENURE [--rounds N] [--first N] [--keep FOLDER]"""

import argparse
import json
import os
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

PATIENCE_S = 120
LINE_MAX = 700
ALL_EVENTS = (
    "SELECT count(*), sum(size_bytes), max(site_id), count(DISTINCT function), max(lifetime_ns) FROM allocation;"
    "SELECT id, free_stack_id FROM allocation WHERE id IN (1, 77, 900) ORDER BY id;"
    "SELECT count(*), max(functions) FROM stack_text; SELECT * FROM site_place; SELECT * FROM peak;"
    "SELECT count(*) FROM stack_below('*m*')"
)
COMMANDS = {
    "info": ["info", "LOG"],
    "info --json": ["info", "--json", "LOG"],
    "report": ["report", "--confidence", "weak", "LOG"],
    "report --format json": ["report", "--format", "json", "LOG"],
    "sql": ["sql", "LOG", ALL_EVENTS],
    "simulate": ["simulate", "LOG", "--policy", "first-fit,freertos-heap4"],
    "simulate --apply": ["simulate", "LOG", "--policy", "first-fit", "--apply", "all"],
    "diff": ["diff", "WHOLE", "LOG"],
    "check": ["check", "LOG", "--max", "findings=1", "--max", "peak_live_bytes=1M", "--allow-incomplete"],
    "unpack": ["unpack", "LOG", "-o", "NEW"],
}
# What may stand beside the one line: how far a long run is, and that a log is not finished.
FURTHER = re.compile(r"tenure: (.*, \d+ %$|the log is not finished, )")
NUMBERS = [0, 1, -1, 2, 255, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**48, 2**62, 2**63 - 1, -(2**63), 1.5, 1e308]
OTHERS = [None, "", "x", "\x1b[31m\n", "a" * 3000, b"", b"\xff\xfe\x00", "9" * 40]


# ------------------------------------------------------------------------------------ ways to damage


def tables_of(database):
    rows = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1")
    return [name for (name,) in rows]


def columns_of(database, table):
    return [row[1] for row in database.execute(f'PRAGMA table_info("{table}")')]


def key_of(database, table):
    """What names a row: not all tables have a rowid."""
    try:
        database.execute(f'SELECT rowid FROM "{table}" LIMIT 0')
    except sqlite3.OperationalError:
        return columns_of(database, table)[0]
    return "rowid"


def some_row(dice, database, table):
    count = database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
    if count == 0:
        return None
    key = key_of(database, table)
    return database.execute(f'SELECT {key} FROM "{table}" LIMIT 1 OFFSET {dice.randrange(count)}').fetchone()[0]


def change_cells(dice, database):
    """Cells with numbers that fit nothing, other types, or the value of another row."""
    said = []
    for _ in range(dice.choice([1, 1, 2, 5])):
        table = dice.choice(tables_of(database))
        row, column = some_row(dice, database, table), dice.choice(columns_of(database, table))
        key = key_of(database, table)
        other = some_row(dice, database, table)
        if row is None:
            continue
        value = dice.choice([dice.choice(NUMBERS), dice.choice(NUMBERS), dice.choice(OTHERS), "OTHER ROW"])
        if value == "OTHER ROW":
            value = database.execute(f'SELECT "{column}" FROM "{table}" WHERE {key} = ?', [other]).fetchone()[0]
        try:
            database.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE {key} = ?', [value, row])
        except sqlite3.Error:  # the id of another row
            continue
        said.append(f"{table}.{column} of row {row} is {value!r:.60}")
    return ", ".join(said)


def change_column(dice, database):
    """The same number in all rows of a column."""
    table = dice.choice(tables_of(database))
    column, value = dice.choice(columns_of(database, table)), dice.choice(NUMBERS + OTHERS)
    try:
        database.execute(f'UPDATE OR IGNORE "{table}" SET "{column}" = ?', [value])
    except sqlite3.Error:  # ids are whole numbers
        return ""
    return f"{table}.{column} is {value!r:.60} in all rows"


def remove_rows(dice, database):
    table = dice.choice(tables_of(database))
    if dice.random() < 0.3:
        database.execute(f'DELETE FROM "{table}"')
        return f"{table} is empty"
    row, key = some_row(dice, database, table), key_of(database, table)
    database.execute(f'DELETE FROM "{table}" WHERE {key} = ?', [row])
    return f"{table} lacks row {row}"


def repeat_rows(dice, database):
    """A row again, under another id; for chunks before, between and behind the others."""
    table = dice.choice(["chunk", "chunk", *tables_of(database)])
    row, columns, key = some_row(dice, database, table), columns_of(database, table), key_of(database, table)
    if row is None:
        return ""
    values = list(database.execute(f'SELECT * FROM "{table}" WHERE {key} = ?', [row]).fetchone())
    if columns[0] == "id":
        values[0] = dice.choice([0, -5, 10**6, 2**40, 2**63 - 1])
    database.execute(f"INSERT OR IGNORE INTO \"{table}\" VALUES ({', '.join('?' * len(values))})", values)
    return f"row {row} of {table} is there again as {values[0]!r}"


def change_schema(dice, database):
    """A table or view that is missing, lacks a column, has an extra one in front, or is a view of nothing."""
    rows = database.execute("SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY 2").fetchall()
    kind, name = dice.choice([row for row in rows if not row[1].startswith("sqlite_")])
    way = dice.choice(["drop", "column", "other", "garbage"])
    if way == "garbage":
        database.execute("PRAGMA writable_schema = 1")
        text = dice.choice(["CREATE TABLE", "CREATE TABLE x(" + "y," * 3000, "CREATE VIEW v AS SELECT\n1\n\n;\n--"])
        database.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", [text, name])
        return f"the schema of {name} is {text[:20]!r}"
    for (view,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall():
        database.execute(f'DROP VIEW "{view}"')
    if kind == "view":
        return f"views are dropped, {name} among them"
    if way == "column":
        column = dice.choice(columns_of(database, name))
        try:
            database.execute(f'ALTER TABLE "{name}" DROP COLUMN "{column}"')
        except sqlite3.Error:  # a key
            return ""
        return f"{name} lacks the column {column}"
    database.execute(f'DROP TABLE "{name}"')
    if way == "other":
        database.execute(f'CREATE TABLE "{name}" (id, x, y)')
        database.execute(f'INSERT INTO "{name}" VALUES (1, 2, 3)')
    return f"{name} is {'another table' if way == 'other' else 'missing'}"


def change_bytes(dice, path):
    """Bits, bytes and whole pages of the file."""
    data = bytearray(path.read_bytes())
    way = dice.choice(["bits", "bits", "bytes", "page", "swap", "end", "header"])
    for _ in range(dice.choice([1, 1, 3, 30])):
        at = dice.randrange(100 if way == "header" else len(data))
        page = at // 4096 * 4096
        if way in ("bits", "header"):
            data[at] ^= 1 << dice.randrange(8)
        elif way == "bytes":
            data[at : at + 4] = dice.randbytes(len(data[at : at + 4]))
        elif way == "page":
            data[page : page + 4096] = bytes(4096)
        elif way == "swap" and len(data) > 3 * 4096:
            other = dice.randrange(1, len(data) // 4096) * 4096
            page = max(page, 4096)
            data[page : page + 4096], data[other : other + 4096] = data[other : other + 4096], data[page : page + 4096]
    if way == "end":
        del data[dice.randrange(len(data)) :]
    path.write_bytes(data)
    return f"{way} of the file"


WAYS = [change_cells, change_cells, change_cells, change_column, remove_rows, repeat_rows, change_schema]


def damage(dice, path):
    if dice.random() < 0.3:
        return change_bytes(dice, path)
    database = sqlite3.connect(path)
    try:
        said = dice.choice(WAYS)(dice, database)
        database.commit()
    finally:
        database.close()
    return said


ADD_STACK = "INSERT INTO stack (id, frame_id, frame_bytes, depth, is_cut, site_id) VALUES ({}, 1, 0, 1, 0, 1)"
PLANTED = {
    "a stack of no frame": "UPDATE stack SET frame_id = 4000000 WHERE id = 2",
    "no frames": "DELETE FROM frame",
    "a stack far away": ADD_STACK.format(1 << 62),
    "a stack before all": ADD_STACK.format(-7),
    "a thread far away": "INSERT INTO thread (id, process_id, tid, stack_size_bytes) VALUES (4000000000, 1, 7, 0)",
    "a site far away": "UPDATE stack SET site_id = 4000000 WHERE id = 2",
    "a stack that calls itself": "UPDATE stack SET caller_id = id, depth = depth + 1",
    "chunks twice": "INSERT INTO chunk SELECT id + 100000, process_id, first_id, last_id, first_ns, last_ns, births,"
    " deaths, reallocs, birth_bytes, usable_bytes, codec, checksum, data FROM chunk",
    "chunks of another process": "UPDATE chunk SET process_id = process_id + 1",
    "counts that overflow": "UPDATE chunk SET births = 9223372036854775807; UPDATE site_summary SET allocations = 1 << 62",
    "infinite numbers": "UPDATE chunk SET births = 1e999; UPDATE process SET exit_code = 1e999, end_ns = -1e999",
    "a column less": "ALTER TABLE allocation_failure DROP COLUMN size_bytes",
    "bytes for numbers": "UPDATE chunk SET codec = data, first_id = data",
}


def plant(name, path):
    database = sqlite3.connect(path)
    database.executescript(PLANTED[name])
    database.close()
    return name


# ------------------------------------------------------------------------------------ what is expected


def is_json(data):
    """JSON has no infinite numbers."""
    try:
        json.loads(data.decode(), parse_constant=float.fromhex)
    except ValueError:
        return False
    return True


def complaint(name, result, has_new):
    """What is wrong with how a command ended; None: nothing."""
    status, errors = result.returncode, result.stderr.decode(errors="replace")
    if status not in (0, 1, 3):
        return f"status {status}"
    lines = [line for line in errors.splitlines() if not FURTHER.match(line)]
    if any(len(line) > LINE_MAX for line in lines):
        return "a line without end"
    if status == 3 and len(lines) != 1:
        return f"{len(lines)} lines"
    if status == 3 and not lines[0].startswith("tenure: "):
        return "no message of tenure"
    if status in (0, 1) and "json" in name and not is_json(result.stdout):
        return "no JSON"
    if any(ord(letter) < 32 for line in lines for letter in line):
        return "a control character on stderr"
    if name == "unpack" and (status == 0) != has_new:
        return "a copy of what could not be read" if has_new else "no copy"
    return None


def ask_all(what, path, whole, tenure):
    """Complaints of all commands about a damaged log."""
    new = path.parent / "new.db"
    found = []
    names = {"LOG": str(path), "WHOLE": str(whole), "NEW": str(new)}
    for name, command in COMMANDS.items():
        new.unlink(missing_ok=True)
        try:
            result = subprocess.run([tenure, *(names.get(word, word) for word in command)], capture_output=True,
                                    timeout=PATIENCE_S)  # fmt: skip
        except subprocess.TimeoutExpired:
            found.append(f"{what}: {name} did not end")
            continue
        wrong = complaint(name, result, new.exists())
        if wrong is not None:
            found.append(f"{what}: {name}: {wrong}\n    {result.stderr.decode(errors='replace')[:3000]}")
    return found


def run_round(number, logs, tenure, folder):
    dice = random.Random(number)
    path, whole = folder / f"{number}.db", dice.choice(logs)
    shutil.copy(whole, path)
    found = ask_all(f"round {number}, {whole.name}, {damage(dice, path)}", path, whole, tenure)
    if not found:
        path.unlink()
    return found


def run_planted(logs, tenure, folder):
    path = folder / "planted.db"
    for name in PLANTED:
        for whole in logs:
            shutil.copy(whole, path)
            yield from ask_all(f"{plant(name, path)}, {whole.name}", path, whole, tenure)


def make_logs(data, make_log, folder):
    """Small logs: with rows and packed, of this version and of an older one."""
    subprocess.run([make_log, folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    logs = [folder / "events.db"]
    for script in sorted(data.glob("*.sql")):
        logs.append(folder / f"{script.stem}.db")
        database = sqlite3.connect(logs[-1])
        database.executescript(script.read_text())
        database.close()
    logs.append(folder / "packed.db")
    shutil.copy(logs[0], logs[-1])
    database = sqlite3.connect(logs[-1])
    database.executescript("DROP VIEW allocation; DROP TABLE allocation_row; VACUUM")
    database.close()
    return logs


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("make_log")
    parser.add_argument("tenure")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path)
    options = parser.parse_args()
    broken = 0
    with tempfile.TemporaryDirectory() as name:
        folder = options.keep or pathlib.Path(name)
        shutil.rmtree(folder / "whole", ignore_errors=True)
        os.makedirs(folder / "whole")
        logs = make_logs(options.data, options.make_log, folder / "whole")
        for line in run_planted(logs, options.tenure, folder) if options.first == 1 else ():
            print(line, flush=True)
            broken += 1
        for number in range(options.first, options.first + options.rounds):
            for line in run_round(number, logs, options.tenure, folder):
                print(line, flush=True)
                broken += 1
    print(f"{options.rounds} damaged logs and {len(PLANTED)} kinds of planted damage, {len(COMMANDS)} commands each, {broken} complaints")
    sys.exit(1 if broken else 0)


main()
