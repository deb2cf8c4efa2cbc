# SPDX-License-Identifier: MIT
"""Recipes of docs/queries.md, taken out of the page and followed; and what a report says of several changes."""

import json
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
    expect_equal(query(log, sql.replace("FROM allocation WHERE", "FROM allocation WHERE size_bytes IN (10, 20) AND")),
                 [("20",)], "after the warm-up")  # fmt: skip


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
    """What changes save together is at least what the best of them saves alone, of those that a replay can show."""
    for name in ("chains", "churn", "contexts", "deep", "stl"):
        program = world.programs / name
        _, log = world.record(program, *(["5"] if name == "deep" else []))
        result = world.run(world.tenure, "report", "--format", "json", log)
        report = json.loads(result.out)
        savings = [finding["saving"] for finding in report["findings"]]
        alone = [saving["allocations_removed"] for saving in savings if saving["heap_median_bytes"] is not None]
        together = report["plan"]["together"]
        best = max(alone, default=0)
        expect_equal(together is None, len(alone) < 2, f"{name}: several are told together")
        found = together["allocations_removed"] if together else best
        expect(found >= best, f"{name}: {found} together, {best} by the best of them alone")
        if name == "chains":
            expect(best >= 850, "growth that begins at another line counts")


ALL = {"recipe_marks": recipe_marks, "recipe_drop_in": recipe_drop_in,
       "together_is_no_less_than_the_best": together_is_no_less_than_the_best}  # fmt: skip
