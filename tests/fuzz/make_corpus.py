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
    # Events of two to five words, which state their length from bit 6 on; the first word is the head, too.
    words = [0] * 14
    for at, length in ((0, 2), (2, 3), (5, 4), (9, 5)):
        words[at] = length << 6 | 14
    (folder / "ring1").write_bytes(struct.pack("<14Q", *words))


main()
