# SPDX-License-Identifier: MIT
"""What a log tells, and to whom: its files are their owner's, arguments can be left out, and names that are no UTF-8
are text all the same."""

import json
import os
import pathlib
import shutil
import sqlite3
import stat

from harness import expect, expect_equal, query, value, wait_until
from scenarios import Running


def files_are_the_owners(world):
    """Log, -wal and -shm are 0600 while and after a recording, whatever the umask; under `record` and the bare shim."""
    for umask in (0, 0o777):
        for how in ("record", "preload"):
            log = world.new_log()
            command = [world.programs / "gated", "2000"]
            environment = {"LD_PRELOAD": world.shim, "TENURE_LOG": log}
            if how == "record":
                command, environment = [world.tenure, "record", "-q", "-o", log, "--", *command], {}
            program = Running(world, *command, preexec=lambda umask=umask: os.umask(umask), **environment)
            program.line()
            names = [pathlib.Path(f"{log}{suffix}") for suffix in ("", "-wal", "-shm")]
            wait_until(lambda names=names: all(name.exists() for name in names), f"{log} is not being written")
            modes = {stat.S_IMODE(name.stat().st_mode) for name in names}
            expect_equal(modes, {0o600}, f"the modes of {how}, umask {umask:o}")
            program.go()
            program.end()
            world.wait_finished(log)
            expect_equal(stat.S_IMODE(log.stat().st_mode), 0o600, f"the mode after {how}, umask {umask:o}")


def without_arguments(world):
    """No argument stands anywhere in the log, neither of the program nor of what it executes."""
    command = ("sh", "-c", "env true first-secret; exec env true second-secret")
    _, log = world.record(*command, options=("--no-command-line",))
    _, preloaded = world.preload(*command, TENURE_COMMAND_LINE="0")
    for path in (log, preloaded):
        expect(value(path, "SELECT count(*) FROM process") >= 3, "the processes are there")
        expect_equal(query(path, "SELECT DISTINCT command_line FROM process"), [("",)], "command lines")
        expect(b"secret" not in path.read_bytes(), f"an argument stands in {path}")
    _, log = world.record(*command)
    expect(b"second-secret" in log.read_bytes(), "with arguments, they are there")


def names_that_are_no_text(world):
    """Program, folder, log and arguments of bytes: valid text in the log, the bytes beside it, names of functions."""
    folder = os.fsencode(world.folder) + b"/caf\xe9 \xff"
    os.mkdir(folder)
    program = folder + b"/pro\xffgram"
    shutil.copy(os.fsencode(world.programs / "deep"), program)
    log = os.fsdecode(folder + b"/l\xf6g.db")
    command = ("--", os.fsdecode(program), "3", os.fsdecode(b"\xe9"))
    result = world.run(world.tenure, "record", "-o", log, *command, LD_LIBRARY_PATH=world.programs)
    expect_equal(result.status, 0, result.err)
    database = sqlite3.connect(os.fsencode(log))  # Python raises for text that is no UTF-8
    for (table,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
        database.execute(f"SELECT * FROM {table}").fetchall()
    (executable,) = database.execute("SELECT executable FROM process").fetchone()
    expect(executable.endswith("/caf\\xe9 \\xff/pro\\xffgram"), f"executable: {executable}")
    beside = "SELECT b.bytes FROM process AS p JOIN text_bytes AS b ON b.text = p.{}"
    expect_equal(database.execute(beside.format("executable")).fetchone()[0], program, "the program's bytes")
    expect_equal(database.execute(beside.format("name")).fetchone()[0], b"pro\xffgram", "the name's bytes")
    (named,) = database.execute("SELECT count(*) FROM frame WHERE file LIKE '%deep.c'").fetchone()
    expect(named > 0, "functions of the program have their lines")
    database.close()
    for command in (("info", "--json"), ("report", "--format", "json"), ("sql", "--json")):
        query_text = ("SELECT * FROM process",) if command[0] == "sql" else ()
        answer = world.run(world.tenure, *command, log, *query_text)
        expect("pro\\xffgram" in json.dumps(json.loads(answer.out.decode())).replace("\\\\", "\\"), str(answer.out))


def log_removed_meanwhile(world):
    """A log that is removed while it is written is not named as if it were there; the program's status is its own."""
    log = world.new_log()
    result = world.run(world.tenure, "record", "-o", log, "--", "sh", "-c", f"rm '{log}'; exit 7")
    expect_equal(result.status, 7, "status")
    lines = result.error_lines()
    expect("was removed while it was written" in lines[-1], f"what record says: {lines}")
    expect(not any("tenure report" in line for line in lines), f"no next command: {lines}")
    expect(not log.exists(), "no log")


ALL = {"files_are_the_owners": files_are_the_owners, "without_arguments": without_arguments,
       "names_that_are_no_text": names_that_are_no_text, "log_removed_meanwhile": log_removed_meanwhile}  # fmt: skip
