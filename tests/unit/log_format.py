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
    sums = [len(data) + i & MASK for i in range(4)]
    for i in range(0, len(data), 8):
        sums[i // 8 % 4] = mix(sums[i // 8 % 4] ^ int.from_bytes(data[i : i + 8], "little"))
    return mix(sums[0] ^ mix(sums[1] ^ mix(sums[2] ^ mix(sums[3]))))


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
    """One byte a number, and varints for the rest."""

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


class BitColumn:
    """One byte a number, and bits for the rest."""

    def __init__(self, found, name):
        self.low, wide = iter(found.get(name, b"")), found.get(name + "+", b"")
        self.bits, self.count, self.length = int.from_bytes(wide, "little"), 0, len(wide)

    def next(self):
        byte = next(self.low)
        if byte < 160:
            return byte
        if byte >= 211:
            k = byte - 191
            return (1 << k) + self.take(k)
        q = byte - 159
        k = q // 4 + 5
        return ((4 + q % 4) << k) + self.take(k)

    def take(self, k):
        value = self.bits & ((1 << k) - 1)
        self.bits >>= k
        self.count += k
        return value

    def is_empty(self):
        return next(self.low, None) is None and self.bits == 0 and (self.count + 7) // 8 == self.length


def unzigzag(number):
    return number >> 1 ^ -(number & 1)


def level(step):
    octave = max(step, 1).bit_length() - 1
    return 8 * octave + ((step << 3 >> octave) & 7)


def usual_excess(slot):
    return 24 - slot if slot < 24 else (slot + 23) // 16 * 16 - 8 - slot


class Chunk:
    BITS = ["place", "address", "death", *(f"time{i}" for i in range(16))]
    VARINTS = ("base thread thread_id place_op place_stack place_depth birth size excess alignment gap previous source "
               "near left address_sum").split()  # fmt: skip

    def __init__(self, row):
        assert checksum(row["data"]) == row["checksum"] & MASK, "checksum"
        found = streams(row["codec"], row["data"])
        self.columns = {name: Column(found, name) for name in self.VARINTS}
        self.columns.update({name: BitColumn(found, name) for name in self.BITS})
        self.count = row["births"] + row["deaths"]
        self.time, self.first_id, self.base = row["first_ns"], row["first_id"], self.get("base")
        self.id = self.base
        self.threads, self.places, self.guesses, self.excess, self.bins = [], [], {}, {}, {}
        self.sum = 0
        self.current = self.new_thread = self.new_stack = self.new_depth = 0

    def get(self, name):
        return self.columns[name].next()

    def event(self):
        number = self.get("place")
        if number == 1:
            self.switch_thread()
            number = self.get("place")
        thread = self.threads[self.current]
        guess = ((thread["before"] * 0x9E3779B1 + thread["place"] * 0x85EBCA77) & 0xFFFFFFFF) >> 18
        index = self.place_index(number, thread, guess)
        self.guesses[guess] = self.places[thread["place"]]["next"] = index
        thread["before"], thread["place"] = thread["place"], index
        place = self.places[index]
        left = self.get("left") if place["op"] & 64 else None
        kind = 7 if place["pace"] is None else min(max(place["pace"] // 8 - 4, 0), 6)
        step = self.get(f"time{place['op'] % 2 * 8 + kind}")
        place["pace"] = level(step) if place["pace"] is None else (place["pace"] + level(step)) // 2
        self.time += step
        common = {"time": self.time, "thread": thread["id"], "stack": place["stack"], "depth": place["depth"],
                  "function": place["op"] >> 1 & 31, "is_birth": place["op"] & 1, "left": left}  # fmt: skip
        return {**common, **(self.birth(thread, place) if place["op"] & 1 else self.death(thread, place))}

    def switch_thread(self):
        self.current = self.get("thread")
        if self.current == len(self.threads):
            self.new_thread += unzigzag(self.get("thread_id"))
            self.threads.append({"id": self.new_thread, "place": 0, "before": 0, "source": self.current, "end": 0,
                                 "dead": 0, "births": []})  # fmt: skip

    def place_index(self, number, thread, guess):
        if number == 0 and guess in self.guesses:
            return self.guesses[guess]
        if number in (0, 2):
            return self.places[thread["place"]]["next"]
        if number >= 4:
            return len(self.places) - 1 - (number - 4)
        op = self.get("place_op")
        self.new_stack += unzigzag(self.get("place_stack"))
        depth = self.get("place_depth")
        self.new_depth += 16 * unzigzag(depth // 2) if depth % 2 == 0 else unzigzag((depth - 1) // 2)
        self.places.append({"stack": self.new_stack, "depth": self.new_depth, "op": op, "next": 0, "pace": None, "size": 0,
                            "alignment": 0, "grown": False, "since": 0, "rank": 0, "step": 0})  # fmt: skip
        return len(self.places) - 1

    def birth(self, thread, place):
        flags = self.get("birth")
        if flags & 1:
            place["size"] = self.get("size")
        size = place["size"]
        slot = size if size < 1008 else 1008 + size % 16
        if flags & 2:
            self.excess[slot] = self.get("excess")
        usable = size + self.excess.get(slot, usual_excess(slot))
        if flags & 64:
            place["alignment"] = self.get("alignment")
        self.id += self.get("gap") + 1 if flags & 16 else 1
        if not thread["births"] and sum(len(other["births"]) for other in self.threads) == 0:
            assert self.id == self.first_id
        previous = thread["dead"] if place["grown"] else 0
        if flags & 32:
            number = self.get("previous")
            previous = self.id - number if number else 0
        place["grown"] = previous != 0
        address = self.address(flags, thread, usable)
        thread["end"] = address + usable + 8
        self.sum = 3 * self.sum + address & MASK
        thread["births"].append((self.id, usable, address))
        return {"id": self.id, "size": size, "usable": usable, "alignment": place["alignment"], "address": address,
                "previous": previous}  # fmt: skip

    def address(self, flags, thread, usable):
        if flags & 4:
            distance = unzigzag(self.get("address"))
            return (thread["end"] + (distance if flags & 8 else 16 * distance)) & MASK
        bin = self.bin(usable)
        bin[0] = (bin[0] - 1) % 8
        address, bin[1][bin[0]] = bin[1][bin[0]], 0
        return address

    def bin(self, usable):
        number = (((usable // 16) ^ (usable // 4096)) % 256 ^ self.current * 67) % 512
        return self.bins.setdefault(number, [0, [0] * 8])

    def death(self, thread, place):
        number = self.get("death")
        if number == 0:
            thread["source"] = self.get("source")
            number = self.get("death")
        births = self.threads[thread["source"]]["births"]
        if number == 1:
            rank = len(births) - 1 - place["since"]
        elif number == 2:
            rank = place["rank"] + place["step"]
        elif number == 3:
            rank = place["rank"] + unzigzag(self.get("near"))
        else:
            rank = len(births) - 1 - (number - 4)
        place["since"], place["step"], place["rank"] = len(births) - 1 - rank, rank - place["rank"], rank
        thread["dead"] = self.base + 1 + rank
        if rank >= 0:
            thread["dead"], usable, address = births[rank]
            bin = self.bin(usable)
            bin[1][bin[0]] = address
            bin[0] = (bin[0] + 1) % 8
        return {"id": thread["dead"]}

    def events(self):
        for _ in range(self.count):
            yield self.event()
        assert self.sum == 0 or self.sum == self.get("address_sum"), "addresses"
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


def main():
    page = pathlib.Path(sys.argv[1]).read_text()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[2], folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        path = f"{folder}/events.db"
        database = sqlite3.connect(path)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        check_columns(page, database)
        check_example(page, sqlite3.connect(f"{folder}/example.db"))
        check_reader(database)


main()
