# SPDX-License-Identifier: MIT
"""Values and options that cannot be used, a table for each command: what is given, and what is said about it.

In a command, {log} is a real log, {script} a script that can be replayed, {file} a file with the row's text, and
{folder} the working directory."""

import contextlib
import dataclasses
import os
import shutil
import sqlite3

from harness import Failure, Skip, expect, expect_equal, need

SCRIPT = "A 1 100\nF 1\n"
SCRIPT_FORMS = "a line is 'A ID SIZE [ALIGN]', 'R ID SIZE' or 'F ID'"


@dataclasses.dataclass
class Refusal:
    command: tuple
    says: str  # words of the one line on stderr
    status: int = 2
    text: str = ""  # of {file}


def model(parameters, says):
    return Refusal(("--policy", parameters, "--script", "{script}"), says)


def script(text, says):
    return Refusal(("--script", "{file}"), says, 3, text)


SIMULATE = (
    model("freertos-heap5:regions=1025", "freertos-heap5 has 1 to 1024 regions"),
    model("glibc:align=32", "glibc aligns blocks to two words, or to 16 bytes"),
    model("glibc:fast=4096", "glibc has fast bins up to chunks of 240 bytes at this alignment"),
    model("first-fit:align=3", "an alignment of 3 bytes: it is a power of two up to 65536"),
    model("first-fit:page=3", "a page of 3 bytes: it is a power of two"),
    model("first-fit:header=100000", "a header of 100000 bytes: at most 65536"),
    model("first-fit:align", "'align' of 'first-fit:align' is no KEY=VALUE"),
    Refusal(("--policy", "first-fit", "--script", "{script}", "--pointer-size", "5"), "option '--pointer-size' of 'simulate': it is 4 or 8"),
    Refusal(("--script", "{script}", "--format", "html"), "unknown format 'html': there are text and json"),
    Refusal(("--script", "{script}", "--horizon", "1d"), "options '--horizon' and '--replicas' of 'simulate' belong to '--risk'"),
    Refusal(("--script", "{script}", "--apply", "all"), "of 'simulate' need a log: a script has no sites"),
    Refusal(("--script", "{script}", *(("--policy", "first-fit") * 65)), "option '--policy' of 'simulate': too many options"),
    Refusal(("{log}", "--sizes", "{file}"), "line 2: a line is 'PLACE [FROM] TO', with bytes", 3, "# one size\nmain\n"),
    Refusal(("{log}", "--sizes", "{file}"), "'nowhere.c:1' is no site of the log", 3, "nowhere.c:1 16\n"),
    model("glibc:align=x", "no such value of 'align' of 'glibc:align=x'"),
    model("no-such-policy", "unknown policy 'no-such-policy'; 'tenure simulate --help' lists them"),
    Refusal(("--script", "{script}", "--after-failure", "repeat"), "'repeat' is none of stop, skip and grow"),
    Refusal(("--script", "{script}", "--pool", "8"), "option '--pool' of 'simulate': '8' is no list of BYTESxCOUNT"),
    model("glibc:tcash=0", "there is no parameter 'tcash' of 'glibc:tcash=0'"),
    Refusal(("--plan", "1", "--apply", "all", "{log}"), "options '--apply' and '--plan' of 'simulate': give one of them"),
    Refusal(("--plan", "1,,", "{log}"), "'1,,' is no list of up to"),
    Refusal(("--process", "99", "{log}"), "there is no process 99 in the log, ", 3),
    Refusal(("--plan", "77", "{log}"), "the finding '77' is not there: 'tenure report' tells numbers and keys"),
    Refusal(("--plan", "Z", "{log}"), "the plan has no step 'Z': 'tenure report' tells its steps"),
    script("A 1 100\nF 1 2 3 4 5\n", "line 2: too long: " + SCRIPT_FORMS),
    script("A 1\n", "line 1: " + SCRIPT_FORMS),
    script("A 1 much\n", "line 1: 'much' is no size"),
    script("A 1 8 3\n", "line 1: '3' is no alignment: it is a power of two"),
    script("A 1 8\nA 1 8\n", "block '1' is placed twice without a release"),
    script("F 2\n", "block '2' is not live"),
    script("# nothing\n", "holds no event"),
)

REPORT = (
    Refusal(("{log}", "--process", "77"), "no process 77 in the log, ", 3),
    Refusal(("{log}", "--confidence", "sure"), "'sure' is not weak, conditional, consistent or proven"),
    Refusal(("{log}", "--finding", "deadbeef"), "the finding 'deadbeef' is not there: a report without it tells numbers and keys"),
    Refusal(("{log}", "--finding", "z"), "the plan has no step 'z': a report without it tells its steps"),
    Refusal(("{log}", "--only", "poool"), "'poool' is no kind of finding: did you mean 'pool'? 'tenure report --list-kinds' lists them"),
    Refusal(("{log}", "--threshold", "pool.knees=1"), "no threshold is called 'pool.knees'; `tenure report --list-thresholds` shows all"),
    Refusal(("{log}", "--threshold", "pool.knee=7"), "threshold pool.knee: 7 is out of range; it may be"),
    Refusal(("{log}", "--threshold", "pool.knee"), "'pool.knee' is not NAME=NUMBER; 'tenure report --list-thresholds' lists the names"),
    Refusal(("{log}", "--format", "svg"), "option '--format' of 'report': unknown format 'svg': there are text"),
    Refusal(("{log}", "--code", "vxworks"), "'vxworks' is not c, freertos, zephyr, threadx, all or none"),
    Refusal(("{log}", "--color", "sometimes"), "'sometimes' is not auto, always or never"),
    Refusal(("{log}", "--wrapper", "("), 'wrapper expression "("'),
    Refusal(("{log}", "{log}", "--finding", "1"), "option '--finding' of 'report' speaks of one recording: give one LOG with it"),
)

OTHERS = (
    Refusal(("check", "{log}"), "'check' has nothing to check: give '--max METRIC=VALUE' or '--policy-file FILE'"),
    Refusal(("check", "--max=findings=0", "--format", "xml", "{log}"), "unknown format 'xml': there are text, json, junit and sarif"),
    Refusal(("recrod",), "unknown command 'recrod': did you mean 'record'? See 'tenure --help'"),
    Refusal(("diff", "--fail-on", "progress", "{log}", "{log}"), "'progress' is neither 'regression' nor a kind of finding"),
    Refusal(("export", "--to", "folded", "--process", "77", "{log}"), "there is no process 77 in the log, ", 3),
    Refusal(("record", "--duration", "soon", "true"), "'soon' is no duration up to 100 years", 125),
    Refusal(("record", "-o", "{script}", "true"), "cannot write the log '{script}': it exists already", 125),
    Refusal(("record", "-o", "{folder}/none/x.db", "true"), "cannot write the log '{folder}/none/x.db': folder '{folder}/none': No such", 125),
    Refusal(("diff", "--format", "svg", "{log}", "{log}"), "option '--format' of 'diff': unknown format 'svg': there are text, json and html"),
    Refusal(("diff", "--policy", ",", "{log}", "{log}"), "it names no policy; none: measure nothing"),
    Refusal(("export", "{log}"), "'export' needs a format: tenure export"),
    Refusal(("export", "--to", "svg", "{log}"), "'svg' is no format: there are"),
    Refusal(("export", "--to", "postgresql", "--process", "1", "{log}"), "options '--metric' and '--process' of 'export': postgresql holds all metrics of all processes"),
    Refusal(("record", "--rows", "some", "true"), "'some' is neither all nor none nor a whole number", 125),
    Refusal(("record", "--links", "maybe", "true"), "'maybe' is not yes, death or no", 125),
    Refusal(("record", "--force", "-o", "{folder}/fifo", "true"), "it is not an ordinary file: name another log", 125),
    Refusal(("record", "--force", "-o", "{folder}", "true"), "it is a directory", 125),
    Refusal(("check", "--max=findings=0", "--source-root", "/no/such", "{log}"), "cannot use '/no/such': No such file or directory"),
    Refusal(("diff", "{log}"), "two logs, OLD and NEW: too few were given"),
    Refusal(("record", "--force", "-o", "{folder}/x.db", "no-such-program-anywhere"), "not found in PATH; give its path, as in './no-such-program-anywhere'", 127),
    Refusal(("record", "{script}/below"), "good.txt/below': Not a directory", 127),
    Refusal(("record", "./" + 300 * "a"), "': File name too long", 126),
    Refusal(("sql", "--csv", "--json", "{log}", "SELECT 1"), "options '--csv' and '--json' of 'sql': only one of them can be followed"),
    Refusal(("sql", "{log}", ".once"), ".once needs the name of a file: the rows of the next statement go there"),
    Refusal(("sql", "{log}", ".headers maybe"), ".headers takes on or off, not 'maybe'"),
    Refusal(("sql", "{log}", ".mode html"), "unknown mode 'html': there are table, csv and json"),
    Refusal(("sql", "{log}", ".frobnicate"), "unknown command '.frobnicate'; .help lists them"),
    Refusal(("sql", "{log}", ".schema nothing"), "there is no table or view 'nothing'; .tables lists them"),
    Refusal(("sql", "{log}", "SELEKT 1"), "the query failed: near"),
)


def differs(result, says, status):
    """What is wrong with an answer, or None."""
    lines = result.error_lines()
    if len(lines) != 1 or not lines[0].startswith("tenure: ") or says not in lines[0]:
        return f"says {lines}, wanted one line with '{says}'"
    return None if result.status == status else f"status {result.status}, wanted {status}"


def expect_refusal(result, says, status=2):
    fault = differs(result, says, status)
    if fault:
        raise Failure(fault)


def refused(world, rows, *command):
    """Run every row; the failure lists all rows that differ."""
    recorded, log = world.record(world.programs / "deep", "3")
    expect_equal(recorded.status, 0, "status of a plain recording")
    names = {"log": log, "script": world.folder / "good.txt", "file": world.folder / "bad.txt", "folder": world.work}
    os.mkfifo(names["folder"] / "fifo")
    names["script"].write_text(SCRIPT)
    content, faults = log.read_bytes(), []
    for row in rows:
        names["file"].write_text(row.text)
        words = [*command, *(part.format(**names) for part in row.command)]
        fault = differs(world.run(world.tenure, *words), row.says.format(**names), row.status)
        faults += [f"{' '.join(words)}: {fault}"] if fault else []
    if faults:
        raise Failure("\n".join(faults))
    expect_equal(log.read_bytes(), content, "the log")


def simulate(world):
    refused(world, SIMULATE, "simulate")


def report(world):
    refused(world, REPORT, "report")


def others(world):
    refused(world, OTHERS)


def executable(world, name, text):
    path = world.folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def interpreters(world):
    """Scripts whose interpreter is missing, or a script, and so on, further than the kernel follows."""
    chain = [executable(world, f"chain{i}", f"#!{world.folder}/chain{i + 1}\n") for i in range(8)]
    executable(world, "chain8", "#!/bin/sh\n")
    missing = executable(world, "missing", "#!/no/such/interpreter\n")
    refused(world, (
        Refusal((str(chain[0]),), "scripts that name scripts as interpreters, too deep", 126),
        Refusal((str(missing),), "its interpreter '/no/such/interpreter' cannot be executed: No such file or directory", 127),
    ), "record")


def no_command(world):
    expect_refusal(world.run(world.tenure), "no command was given; see 'tenure --help'")


def pages_usage(world):
    """The program that prints manual pages and completions while tenure is built."""
    expect_refusal(world.run(world.build / "tools/tenure-pages", "poem"), "cannot print the page: usage: tenure-pages man")


def recorder_missing(world):
    """A recorder that the environment names and that is not there."""
    result = world.run(world.tenure, "record", "true", TENURE_RECORDER="/no/such/recorder")
    expect_refusal(result, "cannot record: TENURE_RECORDER names '/no/such/recorder'", 125)


def parts(world):
    """A copy of the tool without the shim, and a whole one where LD_PRELOAD cannot name the shim."""
    alone, spaced = world.folder / "alone/tools", world.folder / "with space/tools"
    for folder in (alone, spaced):
        folder.mkdir(parents=True)
        shutil.copy(world.tenure, folder)
    (spaced.parent / "lib/shim").mkdir(parents=True)
    shutil.copy(world.shim, spaced.parent / "lib/shim")
    expect_refusal(world.run(alone / "tenure", "record", "true"), "cannot record: libtenure.so is missing: it is neither in", 125)
    expect_refusal(world.run(spaced / "tenure", "record", "true"), "has a space or a colon in its path, which LD_PRELOAD", 125)


def output_full(world):
    if not os.path.exists("/dev/full"):
        raise Skip("/dev/full is missing")
    for words in ("sql --csv {log} 'SELECT 1'", "info {log}", "report {log}"):
        recorded, log = world.record(world.programs / "deep", "3")
        expect_equal(recorded.status, 0, "status of a plain recording")
        result = world.run(need("sh"), "-c", f"{world.tenure} {words.format(log=log)} > /dev/full")
        expect_refusal(result, "cannot write the output: No space left on device", 4)


def changed(world, sql):
    """A real log in which something was changed."""
    recorded, log = world.record(world.programs / "deep", "3")
    expect_equal(recorded.status, 0, "status of a plain recording")
    with contextlib.closing(sqlite3.connect(log)) as database, database:
        database.execute(sql)
    return log


def too_little(world):
    """A log that was cut short answers no check."""
    log = changed(world, "UPDATE meta SET value = '0' WHERE key = 'complete'")
    result = world.run(world.tenure, "check", "--max=findings=0", log)
    expect_refusal(result, "the log says too little for an answer, ", 3)


def damaged(world):
    """Events that cannot be unpacked: whoever needs them says so."""
    log = changed(world, "UPDATE chunk SET data = zeroblob(length(data))")
    for command, says in (
        (("export", "--to", "folded", log), f"cannot export the log, {log}: it is damaged"),
        (("export", "--to", "postgresql", "-o", world.folder / "out", log), f"cannot analyse events, log {log}: it is damaged"),
        (("report", log), f"cannot analyse events, log {log}: it is damaged"),
        (("simulate", log), f"cannot read the events of the log, {log}: it is damaged"),
        (("unpack", log, "-o", world.folder / "plain.db"), "cannot fill the rows of `allocation`: chunk 1 of the log is damaged"),
    ):
        expect_refusal(world.run(world.tenure, *command), says, 3)
    expect(not (world.folder / "plain.db").exists(), "half a copy is left")
    with contextlib.closing(sqlite3.connect(log)) as database, database:
        database.executescript("DROP VIEW allocation; DROP TABLE allocation_row; UPDATE mark SET time_ns = 0, text = 'initialisation done'")
    result = world.run(world.tenure, "check", "--max", "allocations_after_init=0", log)
    expect_refusal(result, f"the log is damaged, {log}: its allocations cannot be read; ", 3)
    log = changed(world, "DROP VIEW site_link")
    with contextlib.closing(sqlite3.connect(log)) as database, database:
        database.execute("CREATE VIEW site_link AS SELECT 1 AS x")
    result = world.run(world.tenure, "report", "--format", "json", "--policy", "none", log)
    expect_refusal(result, f"the log is damaged, {log}: who holds whose address cannot be read; ", 3)


ALL = {
    "refusals_simulate": simulate,
    "refusals_report": report,
    "refusals_others": others,
    "refusals_interpreters": interpreters,
    "refusals_no_command": no_command,
    "refusals_pages_usage": pages_usage,
    "refusals_parts": parts,
    "refusals_output_full": output_full,
    "refusals_too_little": too_little,
    "refusals_damaged": damaged,
    "refusals_recorder_missing": recorder_missing,
}
