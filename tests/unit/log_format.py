# SPDX-License-Identifier: MIT
"""docs/log-format.md is true: every column is there and no other, the worked example is what the writer writes, a
reader written from the page alone reads a log, and each query runs.

usage: log_format.py PAGE MAKE_LOG EXTENSION"""

import ctypes
import ctypes.util
import json
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

MASK = (1 << 64) - 1


# ------------------------------------------------------------------------------------ the page


def documented_tables(page):
    """Name -> columns, from the headings and tables of the page."""
    tables = {}
    for name, body in re.findall(r"^### `(\w+)`\n(.*?)(?=^##)", page, re.S | re.M):
        tables[name] = re.findall(r"^\| `(\w+)` \|", body, re.M)
    return tables


def queries(page):
    """(the question above it, SQL) for each ```sql block."""
    return re.findall(r"([^\n]+)\n\n```sql\n(.*?)```", page, re.S)


# ------------------------------------------------------------------------------------ a reader, from the page


def decompress(data, size):
    zstd = ctypes.CDLL(ctypes.util.find_library("zstd"))
    zstd.ZSTD_decompress.restype = ctypes.c_size_t
    out = ctypes.create_string_buffer(size)
    got = zstd.ZSTD_decompress(out, ctypes.c_size_t(size), data, ctypes.c_size_t(len(data)))
    assert got == size, "zstd"
    return out.raw


def mix(x):
    for _ in range(2):
        x ^= x >> 32
        x = x * 0xD6E8FEB86659FD93 & MASK
    return x ^ x >> 32


def checksum(data):
    total = len(data)
    for i in range(0, len(data), 8):
        total = mix(total ^ int.from_bytes(data[i : i + 8], "little"))
    return total


def streams(codec, data):
    found, at = {}, 0
    for word in codec.split(" "):
        name, how, size, stored = word.split(":")
        piece = data[at : at + int(stored)]
        at += int(stored)
        found[name] = decompress(piece, int(size)) if how == "zstd" else piece
    assert at == len(data)
    return found


class Column:
    def __init__(self, found, name):
        self.low, self.wide = iter(found.get(name, b"")), iter(found.get(name + "+", b""))

    def next(self):
        value = next(self.low)
        if value < 255:
            return value
        shift = 0
        while True:
            byte = next(self.wide)
            value += (byte & 0x7F) << shift
            shift += 7
            if byte < 128:
                return value

    def is_empty(self):
        return next(self.low, None) is None and next(self.wide, None) is None


def unzigzag(number):
    return number >> 1 ^ -(number & 1)


class Chunk:
    NAMES = ("thread time stack stack_id depth id size excess address alignment previous death old_death").split()

    def __init__(self, row):
        assert checksum(row["data"]) == row["checksum"] & MASK, "checksum"
        found = streams(row["codec"], row["data"])
        self.ops = found["op"]
        self.columns = {name: Column(found, name) for name in self.NAMES}
        self.time, self.id = row["first_ns"], (row["first_id"] or 1) - 1
        self.thread = self.old = self.address = self.current = self.new = 0
        self.stacks, self.excess, self.bins, self.births = [], {}, {}, []
        self.to_alignment = self.next_alignment(0)

    def get(self, name):
        return self.columns[name].next()

    def next_alignment(self, passed):
        try:
            return self.get("alignment") - passed
        except StopIteration:
            return None

    def event(self, op):
        if op & 2:
            self.thread += unzigzag(self.get("thread"))
        self.time += self.get("time")
        stack = self.stack()
        depth = self.get("depth")
        if depth:
            stack["depth"] += unzigzag(depth - 1)
        common = {"time": self.time, "thread": self.thread, "stack": stack["id"], "depth": stack["depth"],
                  "function": op >> 3}  # fmt: skip
        return {**common, **(self.birth(op, stack) if op & 1 else self.death(op)), "is_birth": op & 1}

    def stack(self):
        number = self.get("stack")
        if number == 0:
            self.current = self.stacks[self.current]["next"]
            return self.stacks[self.current]
        if number - 1 == len(self.stacks):
            self.new += unzigzag(self.get("stack_id"))
            self.stacks.append({"id": self.new, "size": 0, "depth": 0, "next": 0})
        self.stacks[self.current]["next"] = number - 1
        self.current = number - 1
        return self.stacks[self.current]

    def birth(self, op, stack):
        self.id += self.get("id") + 1
        size = self.get("size")
        if size:
            stack["size"] = size - 1
        size = stack["size"]
        slot = size if size < 1008 else 1008 + size % 16
        excess = self.get("excess")
        if excess:
            self.excess[slot] = excess - 1
        usable = size + self.excess.get(slot, 0)
        self.place(self.get("address"), usable)
        alignment = 0
        if self.to_alignment == 0:
            alignment = self.get("alignment")
            self.to_alignment = self.next_alignment(0)
        if self.to_alignment is not None:
            self.to_alignment -= 1
        previous = self.id - 1 - self.get("previous") if op & 4 else 0
        self.births.append((self.id, usable, self.address))
        return {"id": self.id, "size": size, "usable": usable, "alignment": alignment, "address": self.address,
                "previous": previous}  # fmt: skip

    def bin(self, usable):
        return self.bins.setdefault((usable >> 4 ^ usable >> 12) % 256, [0, [0] * 8])

    def place(self, number, usable):
        if number == 0:
            bin = self.bin(usable)
            bin[0] = (bin[0] - 1) % 8
            self.address, bin[1][bin[0]] = bin[1][bin[0]], 0
        elif number % 2 == 0:
            self.address += 16 * unzigzag(number // 2 - 1)
        else:
            self.address += unzigzag((number - 1) // 2)

    def death(self, op):
        if not op & 4:
            self.old += unzigzag(self.get("old_death")) + 1
            return {"id": self.old}
        id, usable, address = self.births[-1 - self.get("death")]
        bin = self.bin(usable)
        bin[1][bin[0]] = address
        bin[0] = (bin[0] + 1) % 8
        return {"id": id}

    def events(self):
        for op in self.ops:
            yield self.event(op)
        assert all(column.is_empty() for column in self.columns.values()), "bytes are left over"


def chunks(database):
    database.row_factory = sqlite3.Row
    for row in database.execute("SELECT * FROM chunk ORDER BY process_id, id"):
        chunk = Chunk(row)
        yield row, list(chunk.events())
        assert chunk.time == row["last_ns"] and (row["last_id"] is None or chunk.id == row["last_id"])
    database.row_factory = None


# ------------------------------------------------------------------------------------ checks


def check_columns(page, database):
    tables = documented_tables(page)
    there = {name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")}
    assert set(tables) == there, f"page and log differ in tables: {set(tables) ^ there}"
    for name, columns in tables.items():
        found = [row[1] for row in database.execute(f"PRAGMA table_info({name})")]
        assert columns == found, f"page and log differ in {name}: {columns} {found}"


def check_example(page, database):
    section = page[page.index("### A worked example") :]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    functions = {code: name for code, name in database.execute("SELECT id, name FROM function")}
    ((row, events),) = chunks(database)
    told = [cells for cells in rows if cells[0] in ("birth", "death")]
    assert len(told) == len(events)
    for cells, event in zip(told, events):
        names = ("time", "thread", "stack", "depth", "function", "id", "size", "usable", "alignment", "address",
                 "previous")  # fmt: skip
        seen = [str(event.get(name, "")) for name in names]
        seen[4] = functions[event["function"]]
        assert cells[1:] == seen, f"{cells[1:]} {seen}"
    told = {cells[0].strip("`"): bytes.fromhex(cells[1].strip("`")) for cells in rows if cells[0].startswith("`")}
    assert told == streams(row["codec"], row["data"])
    assert f"the checksum is {row['checksum']}." in section


def check_reader(database):
    """What the reader gets out of the chunks is what the rows say."""
    functions = {code: name for code, name in database.execute("SELECT id, name FROM function")}
    births, deaths = {}, {}
    for row, events in chunks(database):
        assert sum(event["is_birth"] for event in events) == row["births"]
        for event in events:
            (births if event["is_birth"] else deaths)[event["id"]] = event
    count = 0
    for row in database.execute(
        "SELECT id, birth_ns, thread_id, coalesce(stack_id, 0), stack_depth_bytes, function, size_bytes,"
        " usable_size_bytes, alignment_bytes, address, coalesce(previous_id, 0), death_ns, free_thread_id,"
        " coalesce(free_stack_id, 0), free_stack_depth_bytes, free_function FROM allocation"
    ):
        b, d = births.pop(row[0]), deaths.pop(row[0], None)
        assert row[1:11] == (b["time"], b["thread"], b["stack"], b["depth"], functions[b["function"]], b["size"],
                             b["usable"], b["alignment"], b["address"], b["previous"])  # fmt: skip
        if d is None:
            assert row[11] is None
        else:
            assert row[11:] == (d["time"], d["thread"], d["stack"], d["depth"], functions[d["function"]])
        count += 1
    assert count > 5000 and not births and not deaths


def ask(path, sql, *arguments):
    """The rows that the sqlite3 program prints, in an order of their own."""
    result = subprocess.run(["sqlite3", "-json", *arguments, path, sql], capture_output=True, text=True)
    assert result.returncode == 0, f"{result.stderr}: {sql}"
    return sorted(json.dumps(row) for row in json.loads(result.stdout or "[]"))


def check_queries(page, plain, packed, extension):
    """Each query gives rows, and the same ones from rows and from the virtual table."""
    found = queries(page)
    assert len(found) >= 12
    for question, sql in found:
        rows = ask(plain, sql)
        assert rows, f"no rows: {question}"
        assert ask(packed, sql, "-cmd", f".load {extension}") == rows, question


def main():
    page = pathlib.Path(sys.argv[1]).read_text()
    if shutil.which("sqlite3") is None:
        sys.exit(77)  # the package sqlite3 is not installed
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[2], folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        path = f"{folder}/events.db"
        database = sqlite3.connect(path)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        check_columns(page, database)
        check_example(page, sqlite3.connect(f"{folder}/example.db"))
        check_reader(database)
        packed = sqlite3.connect(f"{folder}/packed.db")
        database.backup(packed)
        packed.executescript("DROP VIEW allocation; DROP TABLE allocation_row")
        check_queries(page, path, f"{folder}/packed.db", sys.argv[3])


main()
