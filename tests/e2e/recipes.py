# SPDX-License-Identifier: MIT
"""Recipes of docs/queries.md, taken out of the page and followed; and what a report says of several changes."""

import pathlib
import re
import shutil

from harness import Skip, expect, expect_equal, query, value

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/queries.md"


def section(title):
    """The indented blocks below a heading of the page."""
    text = PAGE.read_text()
    text = text[text.index(f"### {title}\n") :].split("\n### ", 1)[0]
    return [re.sub(r"(?m)^    ", "", block) for block in re.findall(r"(?:^    .*\n)+", text, re.M)]


def recipe_marks(world):
    """The program of the page compiles with the line of the page, runs with and without tenure, and marks."""
    code, compile_line = section("Marks")
    header, body = code.split("...\n")
    source = world.work / "my.c"
    source.write_text(f"#include <stdlib.h>\n{header}int main(void)\n{{\n    free(malloc(10));\n{body}"
                      "    free(malloc(20));\n    return 0;\n}\n")  # fmt: skip
    command = compile_line.replace("PREFIX/include", str(PAGE.parents[1] / "include")).split()
    result = world.run(*command)
    expect_equal((result.status, result.err), (0, b""), "the compiler")
    expect_equal(world.run(world.work / "my").status, 0, "without tenure")
    _, log = world.record(world.work / "my")
    expect_equal(query(log, "SELECT count(*) FROM mark WHERE text = 'warm'"), [(1,)], "marks")
    (warm,) = section("Only after the warm-up")
    sql = warm.replace("SELECT ...", "SELECT group_concat(size_bytes)")
    sql = sql.replace("FROM allocation WHERE", "FROM allocation WHERE size_bytes IN (10, 20) AND")
    result = world.run(world.tenure, "sql", "--csv", log, sql)
    expect_equal((result.err, result.out.splitlines()[1:]), (b"", [b"20"]), "after the warm-up")


def recipe_drop_in(world):
    """The drop-in is one that systemd accepts, and its variables record."""
    drop_in, _ = section("A service of systemd")
    log = world.new_log()
    drop_in = drop_in[drop_in.index("[Service]") :].replace("PREFIX/LIBDIR/tenure/libtenure.so", str(world.shim))
    drop_in = drop_in.replace("/var/lib/my/tenure.db", str(log))
    result = world.run("env", *re.findall(r"Environment=(.*)", drop_in), "true")
    expect_equal(result.status, 0, result.err)
    world.wait_finished(log)
    expect_equal(query(log, "SELECT name FROM process"), [("true",)], "the variables record")
    if shutil.which("systemd-analyze") is None:
        raise Skip("systemd-analyze is not installed: the syntax of the drop-in is not verified")
    unit = world.work / "my.service"
    unit.write_text("[Service]\nExecStart=/bin/true\n")
    (world.work / "my.service.d").mkdir()
    (world.work / "my.service.d/override.conf").write_text(drop_in)
    result = world.run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit)
    mentioned = [line for line in result.err.decode().splitlines() if "override.conf" in line or "my.service" in line]
    expect_equal(mentioned, [], "what systemd says of the drop-in")


def together_is_no_less_than_the_best(world):
    """Together, changes keep no less calls from the heap than the best of them alone, by the same replay."""
    for name in ("chains", "churn", "contexts", "stl"):
        _, log = world.record(world.programs / name)
        result = world.run(world.tenure, "simulate", log, "--policy", "first-fit", "--apply", "all")
        text = result.out.decode()
        parts = re.split(r"\n  (\d+\. |All of these|Those of these|The first)", text)
        calls = [re.search(r"([\d,]+) calls no longer reach", part) for part in parts[1:]]
        shown = {}
        for title, found in zip(parts[1::2], calls[1::2]):
            shown[title] = int(found[1].replace(",", "")) if found else 0
        alone = [count for title, count in shown.items() if title[0].isdigit()]
        if len(alone) > 1:
            expect(shown["All of these"] >= max(alone), f"{name}: {shown}")
        if name == "chains":
            expect(max(alone) >= 850, "growth that begins at another line counts")
        if name == "stl":
            expect(len(alone) > 2 and max(alone) > 1000, f"two changes want the same blocks: {shown}")


ALL = {"recipe_marks": recipe_marks, "recipe_drop_in": recipe_drop_in,
       "together_is_no_less_than_the_best": together_is_no_less_than_the_best}  # fmt: skip
