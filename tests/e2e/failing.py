# SPDX-License-Identifier: MIT
"""End-to-end tests of `tenure fail`: planted programs whose classes are known, a program of C++, a tree of processes, a
server, a small heap, and the formats and files that results come in."""

import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import xml.etree.ElementTree

import check_formats
from harness import expect, expect_equal, need, query, value, wait_until

PROGRAMS = pathlib.Path(__file__).resolve().parent / "programs"


def record(world, *command):
    result, log = world.record(*command)
    expect_equal(result.status, 0, f"recording {command}")
    return log


def fail(world, log, *words, status=0, command=(), **keywords):
    """The JSON report of a sweep."""
    result = world.run(world.tenure, "fail", log, "--format", "json", *words, "--", *command, **keywords)
    expect_equal((result.err, result.status), (b"", status), f"fail {words} of {command}")
    return json.loads(result.out)


def lines_of(path):
    """Label -> line, of the labels in a source's comments."""
    return {label: number for number, line in enumerate(path.read_text().splitlines(), 1)
            for label in re.findall(r"/\* (@\w+) \*/", line)}


def classes(report):
    """Line of the source -> class of the run that failed there."""
    return {int(run["place"].rpartition(":")[2].rstrip(")")): run["class"] for run in report["runs"]}


# Part of the program, options, status, and what each of its lines is classed as.
PLANTED = (
    ("unchecked", (), 1, {"@unchecked": "crashed"}),
    ("leaks", (), 0, {"@first": "error-reported", "@second": "leaked"}),
    ("frees_twice", (), 1, {"@kept": "error-reported", "@freed_twice": "corrupted"}),
    ("aborts", (), 1, {"@aborts": "crashed"}),
    ("retries", (), 0, {"@retries": "handled"}),
    ("retries", ("--persistent", "--timeout", "2s"), 1, {"@retries": "hung"}),
    ("handles", (), 0, {"@handles": "handled"}),
    ("handles", ("--persistent",), 0, {"@handles": "handled"}),
    ("reports", (), 0, {"@reports": "error-reported"}),
    ("reports", ("--ok-status", "1,3"), 0, {"@reports": "handled"}),
    ("swallows", (), 1, {"@swallows": "wrong-output"}),
    ("swallows", ("--check", "grep -q done $TENURE_STDOUT"), 0, {"@swallows": "handled"}),
    ("swallows", ("--check", "test $TENURE_STATUS = 0 && grep -q result $TENURE_STDOUT"), 1, {"@swallows": "wrong-output"}),
)


def fail_planted(world):
    """Each way to meet a failure is classed as what it is; the sites that were swept are those of the log, and each
    printed command gives the same class again."""
    lines = lines_of(PROGRAMS / "fail_planted.c")
    program = world.programs / "fail_planted"
    for part, options, status, wanted in PLANTED:
        log = record(world, program, part)
        report = fail(world, log, "--all", *options, status=status, command=(program, part))
        expect_equal(classes(report), {lines[label]: name for label, name in wanted.items()}, f"{part} {options}")
        expect_equal(len(report["runs"]), value(log, "SELECT count(*) FROM site_summary WHERE allocations > 0"), f"sites of {part}")
        for run in report["runs"]:
            again = world.run("/bin/sh", "-c", run["repeat"] + " >/dev/null", PATH=f"{world.tenure.parent}:{os.environ['PATH']}")
            expect_equal(again.status, 1 if run["bad"] else 0, f"the status of {run['repeat']}")


def fail_crash_place(world):
    """A crash is told by its signal and the program's own line; a call of abort by the line that called it."""
    lines = lines_of(PROGRAMS / "fail_planted.c")
    program = world.programs / "fail_planted"
    for part, name, label in (("unchecked", signal.SIGSEGV, "@used"), ("aborts", signal.SIGABRT, "@aborted")):
        (run,) = fail(world, record(world, program, part), "--all", status=1, command=(program, part))["runs"]
        expect_equal(run["signal"], name, f"the signal of {part}")
        expect(f"{part} (fail_planted.c:{lines[label]}), called from main" in run["crash"], f"{part}: {run['crash']}")
    expect_equal(run["message"], "out of memory", "what it said before")
    text = world.run(world.tenure, "fail", world.folder / "log2.db", "--all", "--", program, "aborts").out.decode()
    expect(re.search(r"^ +1  crashed, 1 of them by abort$", text, re.M), text)


def fail_leak_is_named(world):
    """A run by itself that leaks is made once more, recorded: the line whose block was never released is told."""
    lines = lines_of(PROGRAMS / "fail_planted.c")
    program = world.programs / "fail_planted"
    log = record(world, program, "leaks")
    for options in ((), ("--setup", "touch file")):
        for label, wanted in (("@second", f"1 of leaks (fail_planted.c:{lines['@first']})"), ("@first", "")):
            site = value(log, f"SELECT id FROM site WHERE line = {lines[label]}")
            (run,) = fail(world, log, "--site", site, *options, command=(program, "leaks"))["runs"]
            expect_equal(run["leaks"], wanted, f"what leaks where {label} fails, {options}")
    expect_equal(os.listdir(world.temporary), [], "what is left in TMPDIR")


def fail_behind_shim(world):
    """What the loader asks for while the library looks around has a size like any other block: the shim asks for it."""
    inject = world.build / "lib/inject/libtenure_inject.so"
    result, log = world.preload(world.programs / "fail_planted", "handles", LD_PRELOAD=f"{world.shim}:{inject}")
    expect_equal((result.out, result.status), (b"done\n", 0), "the program behind both libraries")
    sizes = query(log, "SELECT a.size_bytes, a.usable_size_bytes FROM allocation AS a WHERE a.stack_id IN (SELECT stack_id "
                       "FROM stack_frame WHERE module LIKE '%libtenure_inject.so')")
    expect(sizes, "the loader asked for nothing: this test shows nothing")
    expect(all(size == usable for size, usable in sizes), f"sizes asked for and given: {sizes}")


def fail_order(world):
    """Sites that a program asks at after it has started up come first, whatever their counts."""
    program = world.programs / "fail_counts"
    log = record(world, program)
    with sqlite3.connect(log) as database:
        database.execute("DELETE FROM mark WHERE text = 'initialisation done'")
        last, early = database.execute("SELECT max(birth_ns), min(birth_ns) FROM allocation WHERE site_id = 1").fetchone()
        database.execute("INSERT INTO mark (process_id, time_ns, text) VALUES (1, ?, 'initialisation done')", (last,))
    results = world.folder / "results"
    fail(world, log, "--all", "--jobs", "1", "--results", results, "--ok-status", "7", command=(program,))
    with sqlite3.connect(results) as database:
        order = [site for (site,) in database.execute("SELECT subject_id FROM fail_run ORDER BY rowid")]
    expect_equal(order[0], 1, f"the order {order}, with the last allocation of site 1 after the start")


def fail_operators(world):
    """operator new throws, with a handler, too, that asks for another attempt; its nothrow form gives NULL."""
    program = world.programs / "fail_operators"
    lines = lines_of(PROGRAMS / "fail_operators.cpp")
    for words in ((), ("handler",)):
        log = record(world, program, *words)
        report = fail(world, log, "--all", status=1, command=(program, *words))
        wanted = {"@caught": 4, "@nothrow": 5, "@uncaught": None, "@array": 6}
        found = {int(run["place"].rpartition(":")[2].rstrip(")")): run["exit_status"] for run in report["runs"]}
        expect_equal(found, {lines[label]: status for label, status in wanted.items()}, f"statuses with {words}")
        (crashed,) = [run for run in report["runs"] if run["class"] == "crashed"]
        expect("bad_alloc" in crashed["message"], f"it said {crashed['message']}")


def fail_occurrences(world):
    """The first, the last and a given allocation of a site fail, and all from one on; a place deeper in another call
    path is another stack."""
    program = world.programs / "fail_counts"
    log = record(world, program)
    site = value(log, "SELECT site_id FROM site_summary WHERE allocations = 12")
    for occurrence, words, wanted in (("first", (), "0"), ("last", (), "11"), ("5", (), "4"), ("9", ("--persistent",), "8 9 10 11")):
        report = fail(world, log, "--site", site, "--occurrence", occurrence, *words, "--ok-status", "7", command=(program,))
        expect_equal(report["runs"][0]["message"], f"missing {wanted}", f"what {occurrence} {words} failed")
    expect_equal(fail(world, log, "--site", site, "--occurrence", "13", command=(program,))["runs"][0]["class"], "not-reached", "a 13th")
    random = fail(world, log, "--site", site, "--occurrence", "random", "--seed", "3", "--ok-status", "7", command=(program,))["runs"][0]
    expect_equal(random["message"], f"missing {random['occurrence'] - 1}", "a random one")
    stacks = fail(world, log, "--all", "--by", "stack", "--ok-status", "7", command=(program,))["runs"]
    expect_equal(sorted(run["matches"] for run in stacks), [4, 8], "calls of both stacks")
    stack = next(run["stack_id"] for run in stacks if run["matches"] == 4)
    report = fail(world, log, "--stack", stack, "--ok-status", "7", command=(program,))
    expect_equal(report["runs"][0]["message"], "missing 8", "the first one of the second stack")


def fail_tree(world):
    """What fails may be in a process that the program starts, by fork or by exec; a crash there is one."""
    program = world.programs / "fail_planted"
    script = f"{program} unchecked; echo after"
    log = record(world, "/bin/sh", "-c", script)
    site = value(log, "SELECT s.id FROM site AS s WHERE s.function = 'unchecked'")
    report = fail(world, log, "--site", site, status=1, command=("/bin/sh", "-c", script))
    expect_equal(report["runs"][0]["class"], "crashed", "the class of a crash in a child")


def fail_small_heap(world):
    """In a small heap what is too much fails, and nothing does in one that is large enough."""
    program = world.programs / "fail_planted"
    log = record(world, program, "reports")
    (run,) = fail(world, log, "--heap", "50", command=(program, "reports"))["runs"]
    expect_equal((run["class"], run["exit_status"]), ("error-reported", 3), "a heap of 50 bytes")
    (run,) = fail(world, log, "--heap", "1M", command=(program, "reports"))["runs"]
    expect_equal(run["class"], "not-reached", "a heap of 1 MiB")


def fail_modelled_heap(world):
    """In a model of a heap the program meets its first failure at the very allocation at which the replay of its log
    does, and none where the replay has none."""
    program = world.programs / "fail_grows"
    line = lines_of(PROGRAMS / "fail_grows.c")["@grows"]
    log = record(world, program)
    failures = 0
    for policy in ("first-fit", "tlsf", "freertos-heap4:align=4", "glibc", "zephyr"):
        for size in ("6K", "9K", "12K", "40K"):
            for bytes in ("4", "8"):
                options = ("--policy", policy, "--heap", size, "--pointer-size", bytes)
                replayed = world.run(world.tenure, "simulate", log, *options, "--format", "json")
                (model,) = json.loads(replayed.out)["policies"]
                (run,) = fail(world, log, *options, "--ok-status", "5", command=(program,))["runs"]
                if model["survived"]:
                    expect_equal(run["class"], "not-reached", f"the class of a run with {options}")
                    continue
                # Events count births and deaths: a third of the blocks had died.
                number = int(run["message"].removeprefix("no room at "))
                expect_equal(number + number // 3 + 1, model["failure"]["event"], f"the event that fails with {options}")
                expect_equal(run["place"], f"main (fail_grows.c:{line})", "the place of the first failure")
                failures += 1
    expect(failures >= 20, f"{failures} of the heaps were too small")


def fail_region(world):
    """In a model of a heap the program's blocks lie in one region of its size, each with what was written to it, also in
    a child and after realloc; of a multiple of it where the policy aligns less than this machine needs."""
    program = world.programs / "region"
    for policy, heap_bytes, times in (("freertos-heap4:align=16", 20480, 1), ("first-fit:align=16", 20480, 1), ("buddy:align=16", 32768, 1),
                                      ("tlsf", 20480, 2), ("freertos-heap4", 20480, 2)):
        result, log = world.record(program, str(heap_bytes * times), log=world.folder / f"{policy}-{times}.db".replace(":", "-"))
        expect_equal(result.status, 0, "status")
        told = world.folder / "told"
        fail(world, log, "--policy", policy, "--heap", str(heap_bytes), "--check", f"cp $TENURE_STDOUT {told}",
             command=(program, str(heap_bytes * times)))
        expect_equal(told.read_text(), "inside\n", f"blocks with {policy} in {heap_bytes} bytes")
    result = world.run(program, "20480")
    expect_equal(result.out, b"outside\n", "blocks of the C library")


def fail_server(world):
    """A server may let one client down, and must serve the next: one that does, one that no longer does, and one that
    ends."""
    program, port = world.programs / "fail_server", world.work / "port"
    drive = f"{program} ask {port}"
    lines = lines_of(PROGRAMS / "fail_server.c")
    with subprocess.Popen([world.tenure, "record", "-q", "-o", world.folder / "server.db", "--", program, "serve", port],
                          env=world.environment(), cwd=world.work) as server:
        wait_until(port.exists, "the server listens")
        for _ in range(2):
            expect_equal(world.run(program, "ask", port).out, b"an answer\n", "what the server answers")
        world.run(program, "stop", port)
        server.wait()
    port.unlink(missing_ok=True)
    report = fail(world, world.folder / "server.db", "--all", "--drive", drive, "--ready", "line:listening", "--setup", "true",
                  status=1, command=(program, "serve", port))
    wanted = {"@per_client": "error-reported", "@kept": "wrong-output", "@at_start": "error-reported"}
    expect_equal(classes(report), {lines[label]: name for label, name in wanted.items()}, "classes of the server")


def fail_setup(world):
    """Each run has a folder of its own, which a command fills; it is gone afterwards."""
    program = world.programs / "fail_planted"
    log = record(world, program, "leaks")
    report = fail(world, log, "--all", "--setup", "echo x > file; pwd >> %s/folders" % world.work, "--check",
                  "test -e file && test $(ls | wc -l) = 1", command=(program, "leaks"))
    folders = (world.work / "folders").read_text().split()
    expect_equal((len(folders), len(set(folders))), (4, 4), "folders of two runs without a failure and two with one")
    expect(not any(pathlib.Path(folder).exists() for folder in folders), "a folder is left")
    expect_equal(os.listdir(world.temporary), [], "what is left in TMPDIR")
    expect_equal(report["classes"]["leaked"], 1, "leaks")


def fail_results(world):
    """Results are kept: what was run is not run again, SQL can ask, and another sweep's are refused."""
    program = world.programs / "fail_planted"
    log, kept = record(world, program, "leaks"), world.folder / "results"
    first = fail(world, log, "--all", "--results", kept, command=(program, "leaks"))
    with sqlite3.connect(kept) as database:
        expect_equal(database.execute("SELECT class FROM fail_run ORDER BY class").fetchall(), [("error-reported",), ("leaked",)], "results")
        database.execute("DELETE FROM fail_run WHERE class = 'leaked'")
        database.execute("UPDATE fail_run SET message = 'as it was kept'")
    again = fail(world, log, "--all", "--results", kept, command=(program, "leaks"))
    expect_equal([run["class"] for run in again["runs"]], [run["class"] for run in first["runs"]], "classes of both")
    expect_equal([run["message"] for run in again["runs"] if run["class"] != "leaked"], ["as it was kept"], "the kept one")
    other = world.run(world.tenure, "fail", log, "--all", "--results", kept, "--", program, "handles")
    expect_equal(other.status, 3, "the status for results of another sweep")
    expect("has the results of another sweep" in other.error_lines()[0], f"it says {other.err}")
    foreign = world.run(world.tenure, "fail", log, "--all", "--results", log, "--", program, "leaks")
    expect_equal(foreign.status, 3, "the status for a log as file of results")
    expect("is no file of results" in foreign.error_lines()[0], f"it says {foreign.err}")


def fail_interrupted(world):
    """Ctrl-C ends the runs, and what they have started; what was found until then is reported."""
    program, kept = world.programs / "fail_planted", world.folder / "results"
    log = record(world, program, "retries")
    with subprocess.Popen([world.tenure, "fail", log, "--all", "--persistent", "--timeout", "1h", "--results", kept, "--", program, "retries"],
                          env=world.environment(), cwd=world.work, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as sweep:
        wait_until(lambda: subprocess.run(["pgrep", "-f", f"^{program} retries"], capture_output=True).returncode == 0 and
                   any(world.temporary.glob("tenure-fail-*/run.2")), "the run that hangs has begun")
        sweep.send_signal(signal.SIGINT)
        said = sweep.communicate()[1].decode()
    expect_equal(sweep.returncode, 4, "the status of a sweep that was stopped")
    expect("stopped after 0 of 1 runs" in said, f"it says {said}")
    wait_until(lambda: subprocess.run(["pgrep", "-f", f"^{program} retries"], capture_output=True).returncode != 0, "the program has ended")
    expect_equal(os.listdir(world.temporary), [], "what is left in TMPDIR")


def fail_formats(world):
    """Text, JUnit and HTML say the same as JSON; hostile names do no harm."""
    program = world.programs / "fail_planted"
    log = record(world, program, "frees_twice")
    words = ("--all", "--", program, "frees_twice")
    report = fail(world, log, "--all", status=1, command=(program, "frees_twice"))
    text = world.run(world.tenure, "fail", log, *words)
    expect_equal((text.err, text.status), (b"", 1), "fail as text")
    shown = text.out.decode()
    corrupted = next(run for run in report["runs"] if run["class"] == "corrupted")
    expect(corrupted["place"] in shown and corrupted["repeat"] in shown and "double free" in shown, shown)
    expect(re.search(r"^ +1  corrupted$", shown, re.M) and re.search(r"^ +1  error-reported$", shown, re.M), shown)
    junit = world.run(world.tenure, "fail", log, "--format", "junit", *words)
    check_formats.junit(junit.out.decode())
    suite = xml.etree.ElementTree.fromstring(junit.out).find("testsuite")
    expect_equal((suite.get("tests"), suite.get("failures")), ("2", "1"), "test cases")
    page = world.folder / "page.html"
    html = world.run(world.tenure, "fail", log, "--format", "html", "-o", page, *words)
    expect_equal((html.err, html.out, html.status), (b"", b"", 1), "fail as HTML")
    shown = page.read_text()
    expect("<script" not in shown and "http" not in re.sub(r"http-equiv", "", shown), "the page loads something")
    expect(corrupted["place"] in shown and shown.count("<tr>") == 2 + 2 + 2, shown)
    hostile = world.work / "a&<b>'\x1b"
    os.symlink(program, hostile)
    for form in ("text", "json", "junit", "html"):
        done = world.run(world.tenure, "fail", log, "--all", "--format", form, "--", hostile, "frees_twice")
        expect_equal((done.err, done.status), (b"", 1), f"fail as {form} with a hostile name")
        expect(b"\x1b" not in done.out, f"{form} has a terminal's escape")
    expect(b"<b>" not in done.out, "HTML has the name as it is")


def refused(world, log, words, says, status=2, command=("true",), **keywords):
    result = world.run(world.tenure, "fail", log, *words, "--", *command, **keywords)
    expect_equal((result.status, result.out), (status, b""), f"fail {words} {command}, which said {result.err}")
    (line,) = result.error_lines()
    expect(says in line, f"fail {words}: {line}")


def fail_refusals(world):
    """What cannot be done gets one line and its exit status."""
    program = world.programs / "fail_planted"
    log, planted = record(world, program, "handles"), (program, "handles")
    refused(world, log, (), "'fail' needs one of --all, --site N, --stack N and --heap BYTES")
    refused(world, log, ("--all", "--site", "1"), "'fail' needs one of --all, --site N")
    refused(world, log, ("--all", "--drive", "true"), "'fail' needs '--drive' and '--ready' together")
    refused(world, log, ("--all", "--drive", "true", "--ready", "port:0"), "'port:0' is not port:N, line:TEXT or time:SECONDS")
    refused(world, log, ("--all", "--occurrence", "0"), "'0' is not first, last, random or a number from 1")
    refused(world, log, ("--all", "--ok-status", "1,x"), "'1,x' is not a list of exit statuses")
    refused(world, log, ("--all", "--policy", "tlsf"), "a model needs '--heap BYTES'")
    refused(world, log, ("--heap", "1K", "--policy", "tlsf,glibc"), "'tlsf,glibc' is not one model")
    refused(world, log, ("--heap", "1K", "--policy", "tslf"), "unknown policy 'tslf': did you mean 'tlsf'?")
    refused(world, log, ("--all", "--format", "xml"), "'xml' is not text, json, junit or html")
    refused(world, log, ("--all", "--by", "line"), "'line' is not site or stack")
    refused(world, log, ("--site", "99"), "the log has no site 99", command=planted)
    refused(world, log, ("--all", "--stdin", "none"), "'none', the program's stdin: No such file", 3)
    refused(world, log, ("--all",), "no-such-program", 127, command=("no-such-program",))
    refused(world, log, ("--all",), "statically linked", 3, command=(world.programs / "static",))
    refused(world, log, ("--all",), "no allocation passes the C library's functions", command=(world.programs / "ownmalloc",))
    refused(world, log, ("--all",), "crashes although nothing fails: mend that first", command=("sh", "-c", "kill -SEGV $$"))
    refused(world, log, ("--all", "--timeout", "1s"), "does not end in time although nothing fails", command=("sleep", "100"))
    refused(world, log, ("--all", "--check", "false"), "the check command fails although nothing fails", command=planted)
    refused(world, log, ("--all", "--setup", "echo no room; false"), "the setup command: it failed: no room", 3, command=planted)
    thrice = "echo x >> ../../count; test $(wc -l < ../../count) -lt 3"
    refused(world, log, ("--all", "--jobs", "1", "--setup", thrice), "a run failed: the setup command of", 3, command=planted)
    refused(world, log, ("--all", "--drive", "false", "--ready", "time:1s"), "was not driven although nothing fails", command=("sleep", "100"))
    refused(world, log, ("--all",), "cannot make a folder in '/no/such'", 3, command=planted, TMPDIR="/no/such")
    refused(world, log, ("--all", "--results", "/no/such/file"), "cannot keep results in '/no/such/file'", 3, command=planted)
    refused(world, world.work / "none.db", ("--all",), "none.db", 3, command=planted)
    with sqlite3.connect(log) as database:
        database.execute("DELETE FROM site_summary")
    refused(world, log, ("--all",), "has no sites: nothing can be made to fail", 3, command=planted)
    with sqlite3.connect(log) as database:
        database.execute("UPDATE frame SET module_id = 9999")
    refused(world, log, ("--all",), "stacks and sites of", 3, command=planted)


def fail_without_library(world):
    """A tool whose library is missing says where it looked."""
    folder = world.folder / "alone/bin"
    folder.mkdir(parents=True)
    shutil.copy(world.tenure, folder)
    program = world.programs / "fail_planted"
    log = record(world, program, "handles")
    result = world.run(folder / "tenure", "fail", log, "--all", "--", program, "handles")
    expect_equal(result.status, 3, "the status without the library")
    (line,) = result.error_lines()
    expect("cannot make allocations fail: libtenure_inject.so is missing" in line, line)


def fail_run_is_killed(world):
    """A run whose process is killed has no outcome; that is said, and nothing is left."""
    program = world.programs / "fail_planted"
    log = record(world, program, "retries")
    with subprocess.Popen([world.tenure, "fail", log, "--all", "--persistent", "--timeout", "1h", "--", program, "retries"],
                          env=world.environment(), cwd=world.work, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as sweep:
        wait_until(lambda: any(world.temporary.glob("tenure-fail-*/run.2")), "the run that hangs has begun")
        wait_until(lambda: children_of(sweep.pid), "its process is there")
        (run,) = children_of(sweep.pid)
        os.kill(run, signal.SIGKILL)
        said = sweep.communicate()[1].decode()
    expect_equal(sweep.returncode, 4, "the status of a sweep whose run was killed")
    expect("ended without an outcome: was it killed?" in said, f"it says {said}")
    wait_until(lambda: subprocess.run(["pgrep", "-f", f"^{program} retries"], capture_output=True).returncode != 0, "the program has ended")
    expect_equal(os.listdir(world.temporary), [], "what is left in TMPDIR")


def children_of(pid):
    try:
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def fail_changed(world):
    """A program that was built anew has other places: its sites are left out, and one that is asked for is refused."""
    program = world.folder / "changing"
    source = PROGRAMS / "fail_planted.c"
    for step in (0, 1):
        compiled = world.run(need("cc"), "-g", "-fno-builtin", f"-DSIZE_BYTES={100 + step}", "-Wl,--build-id", "-o", program, source)
        expect_equal(compiled.status, 0, "building")
        if step == 0:
            log = record(world, program, "reports")
    report = fail(world, log, "--all", command=(program, "reports"))
    expect_equal((report["runs"], report["changed_left_out"]), ([], 1), "runs with a program that was built anew")
    site = value(log, "SELECT id FROM site WHERE function = 'reports'")
    result = world.run(world.tenure, "fail", log, "--site", site, "--", program, "reports")
    expect_equal(result.status, 3, "the status for a changed program")
    expect("a file that its calls lie in is not what was recorded" in result.error_lines()[0], f"it says {result.err}")


ALL = {case.__name__: case for case in (
    fail_planted, fail_crash_place, fail_leak_is_named, fail_behind_shim, fail_order, fail_operators, fail_occurrences, fail_tree, fail_small_heap, fail_modelled_heap, fail_region, fail_server, fail_setup,
    fail_results, fail_interrupted, fail_run_is_killed, fail_formats, fail_changed, fail_refusals, fail_without_library)}
