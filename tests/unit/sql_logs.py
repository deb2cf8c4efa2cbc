# SPDX-License-Identifier: MIT
"""SQL on logs answers for the log that was meant, or refuses: with rows or packed, alone, as the main database or
attached, by the command, by sqlite3 with the extension and by Python with it. Helper views are there in new logs and
in old ones. `tenure unpack` writes what every SQLite tool reads.

The queries of docs/queries.md are run out of the page.

usage: sql_logs.py DATA MAKE_LOG TENURE EXTENSION QUERIES_PAGE"""

import itertools
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

REFUSED = "refused"
EXTENSION = TENURE = None
BROKEN = []


def expect(found, wanted, what):
    if found != wanted:
        BROKEN.append(f"{what}: {found}, not {wanted}")


# ------------------------------------------------------------------------------------ askers


def by_command(path, sql):
    result = subprocess.run([TENURE, "sql", "--json", path, sql], capture_output=True, text=True)
    if result.returncode != 0:
        return REFUSED, result.stderr
    lines = result.stdout.replace("},\n{", "},{").splitlines()
    return [list(row.values()) for row in json.loads(lines[-1])] if lines else [], result.stderr


def by_sqlite3(path, sql, load=True):
    command = ["sqlite3", "-json"] + (["-cmd", f".load {EXTENSION}"] if load else []) + [path, sql]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        return REFUSED, result.stderr
    text = result.stdout.replace("},\n{", "},{").splitlines()
    return [list(row.values()) for row in json.loads(text[-1])] if text else [], result.stderr


def statements(sql):
    """Split as SQLite does: a semicolon in a text ends nothing."""
    text = ""
    for piece in re.split("(?<=;)", sql):
        text += piece
        if sqlite3.complete_statement(text):
            yield text
            text = ""
    if text.strip():
        yield text


def plain_number(value):
    """The command writes integers beyond 2^53 as text into JSON."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?\d{16,}", value) else value


def by_python(path, sql):
    database = sqlite3.connect(path)
    database.enable_load_extension(True)
    database.load_extension(EXTENSION)
    rows = []
    try:
        for statement in statements(sql):
            rows = [list(row) for row in database.execute(statement)]
    except sqlite3.Error as error:
        return REFUSED, str(error)
    finally:
        database.close()
    return rows, ""


ASKERS = {"command": by_command, "sqlite3": by_sqlite3, "python": by_python}


def everywhere(path, sql, wanted, what, words=""):
    """All askers give the same. words: what the refusal says."""
    for name, ask in ASKERS.items():
        found, message = ask(path, sql)
        expect(found, wanted, f"{what} by {name} ({message.strip()})")
        if wanted == REFUSED and words not in message:
            BROKEN.append(f"{what} by {name}: the refusal does not say '{words}': {message}")


# ------------------------------------------------------------------------------------ logs


def rebuild(script, path):
    database = sqlite3.connect(path)
    database.executescript(script.read_text())
    database.close()


def pack(path, to):
    shutil.copy(path, to)
    database = sqlite3.connect(to)
    database.executescript("DROP VIEW IF EXISTS allocation; DROP TABLE IF EXISTS allocation_row")
    database.close()


def unpack(path, to):
    subprocess.run([TENURE, "unpack", path, "-o", to], check=True, capture_output=True)


def save_plan(path):
    """A finding and a step of it, as `report --save` writes them: these events are too few for a plan."""
    database = sqlite3.connect(path)
    database.executescript("INSERT INTO finding (process_id, rank, title, key) VALUES (1, 1, 'one', '5a0c91fe');"
                           "INSERT INTO plan_step (process_id, number, mechanism, title, finding_keys)"
                           " VALUES (1, 1, 'static', 'one', '[\"5a0c91fe\"]')")
    database.close()


def make_logs(data, make_log, folder):
    """{(name, form): path}, and how many allocations each name has."""
    subprocess.run([make_log, folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    logs = {("new", "rows"): f"{folder}/events.db"}
    save_plan(logs["new", "rows"])
    for name in ("mixed", "reentered"):
        logs[name, "packed"] = f"{folder}/{name}.packed.db"
        rebuild(data / f"{name}.sql", logs[name, "packed"])
        logs[name, "rows"] = f"{folder}/{name}.rows.db"
        unpack(logs[name, "packed"], logs[name, "rows"])
    logs["new", "packed"] = f"{folder}/new.packed.db"
    pack(logs["new", "rows"], logs["new", "packed"])
    counts = {name: sqlite3.connect(path).execute("SELECT sum(births) FROM chunk").fetchone()[0]
              for (name, _), path in logs.items()}  # fmt: skip
    assert len(set(counts.values())) == len(counts), counts
    return logs, counts


# ------------------------------------------------------------------------------------ two logs


def check_pair(logs, counts, one, two):
    (main, main_form), (other, other_form) = one, two
    attach = f"ATTACH '{logs[two]}' AS two; "
    what = f"{main} {main_form} with {other} {other_form}: "

    def count(table, wanted, words=""):
        wanted = wanted if wanted == REFUSED else [[wanted]]
        everywhere(logs[one], f"{attach}SELECT count(*) AS n FROM {table}", wanted, what + table, words)

    dots = "allocation_of('NAME') instead"
    count("allocation", counts[main])
    count("allocation_of('main')", counts[main])
    count("allocation_of('two')", counts[other])
    count("allocation_of('TWO')", counts[other])
    count("main.allocation", counts[main] if main_form == "rows" else REFUSED, dots)
    count("two.allocation", counts[other] if other_form == "rows" else REFUSED, dots)
    count("tow.allocation", REFUSED)
    count("temp.allocation", counts[main] if main_form == "packed" else REFUSED)
    count("allocation_of('three')", REFUSED, "no log is attached as 'three'")
    count("allocation_of", REFUSED, "allocation_of needs a name")
    both = "(SELECT id FROM allocation UNION ALL SELECT id FROM allocation_of('two'))"
    count(both, counts[main] + counts[other])
    everywhere(
        logs[one],
        f"{attach}SELECT count(DISTINCT a.site_id) AS n FROM allocation_of('two') AS a",
        [list(sqlite3.connect(logs[other, "rows"]).execute("SELECT count(DISTINCT site_id) FROM allocation").fetchone())],
        what + "sites",
    )


def check_pairs(logs, counts):
    for one, two in itertools.permutations(logs, 2):
        if one[0] != two[0]:
            check_pair(logs, counts, one, two)


def check_three(logs, counts):
    """With two attached, and with an attached database that is no log."""
    one, two, three = ("mixed", "packed"), ("reentered", "rows"), ("new", "packed")
    attach = f"ATTACH '{logs[two]}' AS two; ATTACH '{logs[three]}' AS three; "
    everywhere(logs[one], f"{attach}SELECT count(*) AS n FROM three.allocation", REFUSED, "three", "allocation_of('NAME')")
    everywhere(logs[one], f"{attach}SELECT count(*) AS n FROM two.allocation", [[counts["reentered"]]], "rows of two")
    everywhere(logs[one], f"{attach}SELECT count(*) AS n FROM allocation", [[counts["mixed"]]], "main of three")
    everywhere(logs[one], "ATTACH ':memory:' AS m; SELECT count(*) AS n FROM m.allocation", REFUSED, "no log", "allocation_of('NAME')")
    everywhere(logs[one], "ATTACH ':memory:' AS m; SELECT count(*) AS n FROM allocation_of('m')", REFUSED, "no log",
               "'m' is no log")  # fmt: skip


def check_no_main(logs, counts):
    """Where the main database is no log, `allocation` is no attached log's, whichever these are and in which order."""
    for forms in itertools.product(("rows", "packed"), repeat=2):
        names = dict(zip(("two", "three"), zip(("mixed", "new"), forms, strict=True), strict=True))
        attach = "".join(f"ATTACH '{logs[log]}' AS {name}; " for name, log in names.items())
        for name in ("sqlite3", "python"):  # the command opens logs only
            if name == "python" and name not in ASKERS:
                continue

            def ask(table, attach=attach, asker=ASKERS.get(name, by_sqlite3)):
                return asker(":memory:", f"{attach}SELECT count(*) AS n FROM {table}")

            what = f"no main log, {forms}, by {name}: "
            found, message = ask("allocation")
            expect((found, "allocation_of('NAME')" in message), (REFUSED, True), what + "allocation")
            for attached, log in names.items():
                expect(ask(f"allocation_of('{attached}')")[0], [[counts[log[0]]]], what + f"allocation_of('{attached}')")
                wanted = [[counts[log[0]]]] if log[1] == "rows" else REFUSED
                expect(ask(f"{attached}.allocation")[0], wanted, what + f"{attached}.allocation")


def check_own_table(logs, folder):
    """A table of somebody's own that has the name is left alone."""
    path = f"{folder}/own.db"
    own = sqlite3.connect(path)
    own.executescript("CREATE TABLE allocation (x); INSERT INTO allocation VALUES (7)")
    own.close()
    sql = f"ATTACH '{logs['new', 'packed']}' AS two; SELECT * FROM allocation"
    expect(by_sqlite3(path, sql)[0], [[7]], "a table allocation of one's own")


# ------------------------------------------------------------------------------------ helpers


def check_helpers(logs):
    """The same from stored and from temporary views, for each log."""
    for (name, form), path in logs.items():
        what = f"{name} {form}: "
        plain = sqlite3.connect(path)
        sites = plain.execute("SELECT count(*) FROM site").fetchone()[0]
        everywhere(path, "SELECT count(*) AS n, count(DISTINCT key) AS k FROM site_place", [[sites, sites]], what + "keys")
        peaks = "SELECT process_id, max(live_bytes) AS b FROM timeline GROUP BY process_id ORDER BY 1"
        wanted = [list(row) for row in plain.execute(peaks)]
        everywhere(path, "SELECT process_id, live_bytes AS b FROM peak ORDER BY 1", wanted, what + "peak")
        texts = plain.execute(
            "SELECT stack_id, group_concat(f, ' < ') FROM (SELECT stack_id, coalesce(function, CASE WHEN module IS NOT"
            " NULL THEN replace(module, rtrim(module, replace(module, '/', '')), '') || '+' ELSE '' END ||"
            " printf('0x%x', offset_bytes)) AS f FROM stack_frame ORDER BY stack_id, position) GROUP BY stack_id")
        everywhere(path, "SELECT stack_id, functions FROM stack_text ORDER BY stack_id", [list(r) for r in texts],
                   what + "stack_text")  # fmt: skip
        names = plain.execute("SELECT DISTINCT function FROM frame WHERE function IS NOT NULL ORDER BY 1").fetchall()
        for (function,) in names[:: max(1, len(names) // 4)] + [("no such function",)]:
            wanted = plain.execute("SELECT count(DISTINCT stack_id) FROM stack_frame WHERE function = ?", [function])
            quoted = function.replace("'", "''")
            everywhere(path, f"SELECT count(*) AS n FROM stack_below('{quoted}')", [list(wanted.fetchone())],
                       f"{what}stack_below {function}")  # fmt: skip
    everywhere(logs["new", "rows"], "SELECT stack_id AS n FROM stack_below", REFUSED, "stack_below without", "needs a function")
    everywhere(logs["new", "rows"], "SELECT print_bytes(2048) AS n, print_count(1000) AS c, print_duration(1500) AS d",
               [["2.00 KiB", "1,000", "1.50 us"]], "functions")  # fmt: skip


def check_same_keys(logs):
    """A log of old has the keys that unpacking gives it; names that differ have others."""
    for name in ("mixed", "reentered"):
        old = by_command(logs[name, "packed"], "SELECT site_id, key FROM site_place ORDER BY 1")[0]
        new = by_sqlite3(logs[name, "rows"], "SELECT id, key FROM site ORDER BY 1", load=False)[0]
        expect(old, new, f"keys of {name}")
    keys = "SELECT site_key('f', 'x/a.c', 'm/p', 'malloc', NULL, 1) AS k"
    same = by_command(logs["new", "rows"], keys)[0]
    for other, is_same in {
        "'f', 'y/z/a.c', 'n/q', 'malloc', NULL, 1": True,  # built elsewhere, as another program
        "'g', 'x/a.c', 'm/p', 'malloc', NULL, 1": False,
        "'f', 'x/b.c', 'm/p', 'malloc', NULL, 1": False,
        "'f', 'x/a.c', 'm/p', 'strdup', NULL, 1": False,
        "'f', 'x/a.c', 'm/p', 'malloc', NULL, 2": False,
        "'fa', '.c', 'm/p', 'malloc', NULL, 1": False,
    }.items():
        found = by_command(logs["new", "rows"], f"SELECT site_key({other}) AS k")[0]
        expect(found == same, is_same, f"site_key({other})")
    libraries = "SELECT site_key('f', NULL, '/lib/libz.so.1.2', 'malloc', NULL, 1) = site_key('f', NULL, {}, 'malloc', NULL, 1) AS k"
    for module, is_same in {"'/usr/libz.so.1.3'": 1, "'/lib/liby.so.1.2'": 0}.items():
        expect(by_command(logs["new", "rows"], libraries.format(module))[0], [[is_same]], f"library {module}")


# ------------------------------------------------------------------------------------ unpack


def check_unpack(logs, counts, folder):
    for name in counts:
        path = f"{folder}/{name}.plain.db"
        unpack(logs[name, "packed"], path)
        database = sqlite3.connect(path)
        expect(database.execute("PRAGMA integrity_check").fetchone()[0], "ok", f"{name} unpacked")
        expect(database.execute("PRAGMA journal_mode").fetchone()[0], "delete", f"{name}'s journal")
        expect(os.stat(path).st_mode & 0o777, 0o600, f"{name}'s mode")
        rows = database.execute("SELECT * FROM allocation ORDER BY id").fetchall()
        packed = by_command(logs[name, "packed"], "SELECT * FROM allocation ORDER BY id")[0]
        expect([list(row) for row in rows], packed, f"{name}'s rows")
    path = f"{folder}/there.db"
    pathlib.Path(path).write_text("somebody's")
    result = subprocess.run([TENURE, "unpack", logs["new", "packed"], "-o", path], capture_output=True, text=True)
    expect(result.returncode, 2, "unpack over a file")
    expect(pathlib.Path(path).read_text(), "somebody's", "a file that was there")
    damaged = f"{folder}/damaged.db"
    shutil.copy(logs["new", "packed"], damaged)
    database = sqlite3.connect(damaged)
    database.execute("UPDATE chunk SET data = zeroblob(length(data)) WHERE id = 1")
    database.commit()
    result = subprocess.run([TENURE, "unpack", damaged, "-o", f"{folder}/half.db"], capture_output=True, text=True)
    expect((result.returncode, os.path.exists(f"{folder}/half.db")), (3, False), f"unpack of damage: {result.stderr}")


# ------------------------------------------------------------------------------------ unfinished


def check_unfinished(logs, folder):
    said = {}
    for values in itertools.product("01", repeat=2):
        path = f"{folder}/state.db"
        shutil.copy(logs["new", "rows"], path)
        database = sqlite3.connect(path)
        closed, is_finished = values
        states = {"complete": closed, "closed": closed, "finished": is_finished}
        database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", states.items())
        database.commit()
        database.close()
        rows, said[values] = by_command(path, "SELECT count(*) AS n FROM site")
        assert rows != REFUSED
    expect({values: text.count("\n") for values, text in said.items()},
           {("0", "0"): 1, ("0", "1"): 0, ("1", "0"): 0, ("1", "1"): 0}, "lines about unfinished logs")  # fmt: skip
    assert all(word in said["0", "0"] for word in ("not finished", "site_summary", path)), said
    # A log whose recording is over is finished by its reader.
    shutil.copy(logs["new", "rows"], path)
    database = sqlite3.connect(path)
    database.execute("UPDATE meta SET value = '0' WHERE key = 'finished'")
    database.commit()
    assert by_command(path, "SELECT count(*) AS n FROM site")[0] != REFUSED
    expect(database.execute("SELECT value FROM meta WHERE key = 'finished'").fetchall(), [("1",)], "meta.finished")
    database.close()


# ------------------------------------------------------------------------------------ only reading


WRITES = [
    "VACUUM INTO '{new}'",
    "VACUUM",
    "CREATE TABLE t (x)",
    "CREATE TABLE main.t (x)",
    "INSERT INTO meta VALUES ('a', 'b')",
    "UPDATE meta SET value = 'x'",
    "DELETE FROM finding",
    "DROP TABLE finding",
    "ALTER TABLE finding ADD COLUMN x",
    "PRAGMA user_version = 9",
    "ATTACH '{new}' AS n; CREATE TABLE n.t (x)",
    "ATTACH '{other}' AS n; INSERT INTO n.meta VALUES ('a', 'b')",
    "ATTACH '{other}' AS n; VACUUM n INTO '{new}'",
    "ATTACH 'file:{new}?mode=rwc' AS n; CREATE TABLE n.t (x)",
    "REINDEX",
    "ANALYZE",
    "SELECT load_extension('{extension}')",
    "EXPLAIN SELECT 1; VACUUM INTO '{new}'",
]
READS = [
    "SELECT count(*) FROM meta",
    "PRAGMA table_info(meta)",
    "PRAGMA integrity_check",
    "EXPLAIN QUERY PLAN SELECT * FROM allocation",
    "WITH a AS MATERIALIZED (SELECT * FROM allocation) SELECT count(*) FROM a",
    "CREATE TEMP TABLE t AS SELECT * FROM site; INSERT INTO t (id) VALUES (7); DROP TABLE t",
    "CREATE TEMP VIEW v AS SELECT 1; SELECT * FROM v",
    "BEGIN; SELECT 1; COMMIT",
    "ATTACH '{other}' AS n; SELECT count(*) FROM n.meta; DETACH n",
]


def check_read_only(logs, folder):
    words = {"new": f"{folder}/written.db", "other": logs["reentered", "rows"], "extension": EXTENSION}
    path = logs["mixed", "rows"]
    before = {name: pathlib.Path(name).read_bytes() for name in (path, words["other"])}
    for sql in WRITES:
        found, message = by_command(path, sql.format(**words))
        expect(found, REFUSED, f"{sql} ({message})")
        expect(message.count("\n"), 1, f"lines about {sql} ({message})")
        expect(os.path.exists(words["new"]), False, f"a file after {sql}")
    for sql in READS:
        result = subprocess.run([TENURE, "sql", path, sql.format(**words)], capture_output=True, text=True)
        expect((result.returncode, result.stderr), (0, ""), sql)
    for name, data in before.items():
        expect(pathlib.Path(name).read_bytes() == data, True, f"{name} is unchanged")


# ------------------------------------------------------------------------------------ the page


def questions(page):
    """(the question above it, SQL) for each ```sql block."""
    return re.findall(r"([^\n]+)\n\n```sql\n(.*?)```", page, re.S)


# Tables that only some programs fill, and the logs here do not: tests of such programs look into them.
OF_SOME_PROGRAMS = ("FROM pool AS p ", "JOIN container AS c ", "WHERE f.refuted_by IS NOT NULL")


def check_questions(page, logs):
    """Each query of the page gives rows, and everywhere the same: from rows and packed, by the command, by sqlite3
    with and without the extension, and by Python. The order of rows counts where the query asks for one."""
    found = questions(page)
    ten = page[page.index("## Ten questions") : page.index("## More questions")]
    expect((ten.count("\n### "), len(found) >= 25, len(questions(ten)) >= 9), (9, True, True), "questions of the page")
    for question, sql in found:
        sql = sql.replace("before.db", logs["mixed", "rows"])

        def ask(asker, form, sql=sql, **more):
            rows, message = asker(logs["new", form], sql, **more)
            if rows == REFUSED:
                BROKEN.append(f"{question}: {message}")
                return REFUSED
            rows = [[plain_number(value) for value in row] for row in rows]
            return rows if "ORDER BY" in sql[sql.rindex("FROM") :] else sorted(rows, key=str)

        plain_sql = sql.replace("allocation_of('before')", "before.allocation")
        wanted = ask(by_sqlite3, "rows", plain_sql, load=False)
        has_rows = not any(table in sql for table in OF_SOME_PROGRAMS)
        expect(bool(wanted) or not has_rows, True, f"rows for: {question}")
        for (name, asker), form in itertools.product(ASKERS.items(), ("rows", "packed")):
            expect(ask(asker, form), wanted, f"{question} by {name}, {form}")


def find_python():
    """A Python built without loadable extensions hands over to the system's."""
    if hasattr(sqlite3.Connection, "enable_load_extension"):
        return
    system = "/usr/bin/python3"
    if os.path.exists(system) and os.path.realpath(system) != os.path.realpath(sys.executable):
        os.execv(system, [system, *sys.argv])
    print("no Python here can load SQLite extensions: it is not asked")
    del ASKERS["python"]


def main():
    global EXTENSION, TENURE
    find_python()
    data, make_log, TENURE, EXTENSION = pathlib.Path(sys.argv[1]), *sys.argv[2:5]
    if shutil.which("sqlite3") is None:
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        logs, counts = make_logs(data, make_log, folder)
        check_pairs(logs, counts)
        check_three(logs, counts)
        check_no_main(logs, counts)
        check_own_table(logs, folder)
        check_helpers(logs)
        check_same_keys(logs)
        check_unpack(logs, counts, folder)
        check_unfinished(logs, folder)
        check_read_only(logs, folder)
        check_questions(pathlib.Path(sys.argv[5]).read_text(), logs)
    print("\n".join(BROKEN) or "all answer alike")
    sys.exit(1 if BROKEN else 0)


main()
