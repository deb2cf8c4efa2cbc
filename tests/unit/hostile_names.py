# SPDX-License-Identifier: MIT
"""Names of programs, functions, files, modules, threads and marks may hold anything, and so may the name of the log:
no command hands what steers a terminal on to it, and JSON stays valid.

usage: hostile_names.py DATA TENURE"""

import json
import os
import pathlib
import pty
import re
import select
import sqlite3
import subprocess
import sys
import tempfile

HOSTILE = "\x1b]0;title\x07\x1b[31m\r\b\x7f\u009b2J\u202eevil\u2066 "
# As SQLite keeps what is no UTF-8: bytes in a column of text.
RAW = (HOSTILE.encode() + b"\x9b\xff\xc3(").hex()
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
TEXTS = {
    "process": ("executable", "command_line", "name"),
    "thread": ("name",),
    "module": ("path",),
    "frame": ("function", "file"),
    "site": ("function", "file", "module", "via"),
}
COMMANDS = {
    "info": ("info", "LOG"),
    "report": ("report", "--confidence", "weak", "LOG"),
    "report --code": ("report", "--only", "pool", "--code", "c", "LOG"),
    "sql": ("sql", "LOG", "SELECT * FROM process; SELECT * FROM site_place; SELECT * FROM mark; SELECT * FROM stack_text"),
    "sql, many rows": ("sql", "LOG", "SELECT p.executable, a.id FROM process AS p, allocation AS a, mark, thread"),
    "sql, error": ("sql", "LOG", "SELECT \x1b[31m FROM \x07\nsite"),
    "simulate": ("simulate", "LOG", "--policy", "first-fit", "--heap", "2048", "--apply", "all"),
    "diff": ("diff", "PLAIN", "LOG"),
    "check": ("check", "LOG", "--max", "findings=0", "--max", "live_at_end=0", "--max", "peak_live_bytes=1"),
    "missing": ("report", "LOG\x1b[31m\nnot there"),
    "option": ("report", "LOG", "--frob\x1b[31m"),
}
JSON_COMMANDS = {
    "info --json": ("info", "--json", "LOG"),
    "report --format json": ("report", "--format", "json", "LOG"),
    "sql --json": ("sql", "--json", "LOG", "SELECT * FROM process"),
    "simulate --format json": ("simulate", "--format", "json", "LOG", "--policy", "first-fit", "--heap", "512"),
    "diff --format json": ("diff", "--format", "json", "PLAIN", "LOG"),
    "check --format json": ("check", "--format", "json", "LOG", "--max", "live_at_end=0"),
    "check --format sarif": ("check", "--format", "sarif", "LOG", "--max", "live_at_end=0"),
}
BROKEN = []


def make_log(script, path, raw):
    """A log whose names all begin with what is hostile."""
    database = sqlite3.connect(path)
    database.executescript(script.read_text())
    for table, columns in TEXTS.items():
        there = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
        for column in there.intersection(columns):
            database.execute(f"UPDATE {table} SET {column} = CAST(x'{raw}' AS TEXT) || {column}")
    database.execute(f"UPDATE mark SET text = CAST(x'{raw}' AS TEXT) WHERE text = 'main entered'")
    database.commit()
    database.close()


def run(tenure, command, names):
    words = []
    for word in command:
        for name, value in names.items():
            word = word.replace(name, value)
        words.append(word)
    return subprocess.run([tenure, *words], capture_output=True, stdin=subprocess.DEVNULL)


def check_text(tenure, names):
    for what, command in COMMANDS.items():
        result = run(tenure, command, names)
        for data in (result.stdout, result.stderr):
            try:
                steers = STEERS.search(data.decode())
            except UnicodeDecodeError as error:
                steers = error
            if steers:
                BROKEN.append(f"{what}: {steers} in {data[:400]}")
        if not result.stdout and result.returncode in (0, 1):
            BROKEN.append(f"{what} printed nothing: {result}")
        if result.returncode > 1 and result.stderr.count(b"\n") != 1:
            BROKEN.append(f"{what}: not one line: {result.stderr}")


def check_json(tenure, names):
    for what, command in JSON_COMMANDS.items():
        result = run(tenure, command, names)
        try:
            text = result.stdout.decode()
            json.loads(text)
        except ValueError as error:
            BROKEN.append(f"{what}: {error}: {result}")
            continue
        if STEERS.search(text.replace("\n", "")):
            BROKEN.append(f"{what}: {STEERS.search(text.replace(chr(10), ''))}")
        if "evil" not in text and what not in ("check --format sarif", "simulate --format json"):
            BROKEN.append(f"{what}: the names are gone: {text[:300]}")


def check_csv(tenure, names):
    """A program that reads CSV gets the bytes, a terminal does not."""
    command = (tenure, "sql", "--csv", names["LOG"], "SELECT executable FROM process LIMIT 1")
    if bytes.fromhex(RAW)[:12] not in subprocess.run(command, capture_output=True).stdout:
        BROKEN.append("CSV in a pipe is not what the log has")
    # Held open here, the terminal loses nothing when the command ends before all was read.
    fd, terminal = pty.openpty()
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal) as shown:
        seen = b""
        while shown.poll() is None or select.select([fd], [], [], 1)[0]:
            if select.select([fd], [], [], 1)[0]:
                seen += os.read(fd, 65536)
    os.close(terminal)
    os.close(fd)
    if STEERS.search(seen.decode(errors="replace").replace("\r\n", "\n")) or b"evil" not in seen:
        BROKEN.append(f"CSV on a terminal: {seen}")


def main():
    data, tenure = pathlib.Path(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        for script in sorted(data.glob("*.sql")):
            names = {"LOG": f"{folder}/{script.stem}\x1b[31m\u009b\n.db", "PLAIN": f"{folder}/{script.stem}.plain.db"}
            make_log(script, names["LOG"], RAW)
            make_log(script, names["PLAIN"], "")
            check_text(tenure, names)
            check_json(tenure, names)
            check_csv(tenure, names)
    print("\n".join(BROKEN) or "nothing steers the terminal")
    sys.exit(1 if BROKEN else 0)


main()
