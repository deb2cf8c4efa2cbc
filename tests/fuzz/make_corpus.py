# SPDX-License-Identifier: MIT
"""Makes the inputs that the fuzzed readers begin with: texts as they are, and what is no text from a log.

usage: make_corpus.py FOLDER MAKE_LOG TEXT..."""

import pathlib
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile


def main():
    folder, make_log, texts = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for text in texts:
        shutil.copy(text, folder)
    with tempfile.TemporaryDirectory() as made:
        subprocess.run([make_log, made], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.copy(f"{made}/example.db", folder / "log1")
        for name in ("example", "events"):
            database = sqlite3.connect(f"{made}/{name}.db")
            births, deaths, codec, data = database.execute("SELECT births, deaths, codec, data FROM chunk LIMIT 1").fetchone()
            database.close()
            (folder / f"chunk_{name}").write_bytes(f"{births} {deaths}\n{codec}\n".encode() + data)
    (folder / "plan1").write_text("A,12,b,3")
    # Each event: its kind, its words less two; then a module, a stack of two frames, a mark, a child.
    path = b"/lib/x.so"
    control = struct.pack("<BBHIQQQQQ", 7, 7, 0, 0, 0, 0, 0x1000, 0x2000, 5 | len(path) << 32)
    control += (b"\x01\x02\x03\x04\x05".ljust(8, b"\0") + path).ljust(24, b"\0")
    control += struct.pack("<BBHIQQQQ", 6, 3, 0, 1, 0, 2, 0x1100 | 4 << 48, 0x1200 | 6 << 48)
    control += struct.pack("<BBHIQQQ", 9, 2, 0, 0, 0, 5, int.from_bytes(b"begin", "little"))
    control += struct.pack("<BBHIQQQQQ", 17, 4, 0, 0, 0, 77, 1, 4, int.from_bytes(b"true", "little"))
    (folder / "control1").write_bytes(control)
    (folder / "message1").write_bytes(struct.pack("<BI", 1, 0x54454E55) + bytes(256))
    (folder / "message3").write_bytes(struct.pack("<BI", 2, 0x54454E55) + bytes(256))
    (folder / "message2").write_bytes(struct.pack("<BI", 2, 0x54454E53) + bytes(80))
    # Events of two to five words, which state their length from bit 6 on; the first word is the head, too.
    words = [0] * 14
    for at, length in ((0, 2), (2, 3), (5, 4), (9, 5)):
        words[at] = length << 6 | 14
    (folder / "ring1").write_bytes(struct.pack("<14Q", *words))


main()
