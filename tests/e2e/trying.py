# SPDX-License-Identifier: MIT
"""End-to-end tests of `tenure try` and of what it refutes: programs whose findings are all true, planted ones whose
findings are false, a small heap, and how a refuted finding is told from then on."""

import contextlib
import json
import shutil
import sqlite3

import failing
from harness import expect, expect_equal, need, value


def report(world, log, *words):
    result = world.run(world.tenure, "report", log, "--format", "json", "--top", "0", *words)
    expect_equal((result.err, result.status), (b"", 0), f"report {words}")
    return json.loads(result.out)


def refuted_is_no_advice(world):
    """A finding that the log says is refuted leads nowhere: not in the report, in no step, in no replay, in no check;
    it is told apart, with what contradicts it, and survives another --save."""
    result, log = world.record(world.truths / "session_loop")
    expect_equal(result.status, 0, "recording")
    expect_equal(world.run(world.tenure, "report", "--save", log).status, 0, "report --save")
    before = report(world, log)
    key, title = before["findings"][0]["key"], before["findings"][0]["title"]
    expect_equal(before["refuted"], [], "nothing is refuted yet")
    refutation = {"what": "a block outlived session", "birth": "make (a.c:1)", "moment": "drop (a.c:9)", "next": "Leave it."}
    with contextlib.closing(sqlite3.connect(log)) as database, database:
        database.execute("UPDATE finding SET refuted_by = ? WHERE key = ?", (json.dumps(refutation), key))
    after = report(world, log)
    expect(key not in [f["key"] for f in after["findings"]], "it is no finding any more")
    steps = json.dumps(after["plan"]["steps"])
    expect(key not in steps, "it is part of no step")
    (told,) = after["refuted"]
    expect_equal((told["key"], told["refuted_by"]["what"]), (key, refutation["what"]), "it is told apart")
    expect_equal([f["rank"] for f in after["findings"]], list(range(1, len(after["findings"]) + 1)), "numbers without it")
    for words in (("report",), ("report", "--save"), ("report", "--format", "html")):
        result = world.run(world.tenure, *words, log)
        expect_equal(result.status, 0, f"{words}")
        text = " ".join(result.out.decode().split())
        expect("a block outlived session" in text and "Do not make them" in text, f"{words} tells it")
        expect(f"1. {title}" not in text, f"{words} gives it as advice")
    expect_equal(value(log, "SELECT count(*) FROM finding WHERE refuted_by IS NOT NULL"), 1, "kept by --save")
    for words in (("report", "--finding", key), ("simulate", "--plan", key)):
        result = world.run(world.tenure, words[0], log, *words[1:])
        expect_equal((result.status, b"a trial has refuted the finding" in result.err), (2, True), f"{words}")
    result = world.run(world.tenure, "check", log, "--max", f"findings={len(after['findings'])}")
    expect_equal(result.status, 0, "check counts what is left")


def trial(world, log, plan, *command, status=0, words=()):
    """The JSON report of a trial."""
    result = world.run(world.tenure, "try", log, "--plan", plan, "--format", "json", "--runs", "1", *words, "--", *command)
    expect_equal((result.err, result.status), (b"", status), f"try {plan} {words} of {command}")
    return json.loads(result.out)


def findings_of(world, log):
    """Numbers of the findings that can be tried."""
    left_out = ("fixed-maximum", "presize")
    return [f for f in report(world, log)["findings"] if f["sites"] and f["kind"] not in left_out and f["confidence"] != "weak"
            and f["saving"]["replay_allocations_removed"]]


def try_truth(world):
    """Programs that do the same again, two of them with findings about parts of lines: each finding is confirmed by as
    many calls as the log has, the outputs are equal, and what is recorded behind the second allocator is what reaches
    the heap."""
    for name, least in (("session_loop", 4), ("lifetimes", 8), ("role_owners", 4), ("arena_role", 2)):
        program = world.truths / name
        result, log = world.record(program, log=world.folder / f"{name}.db")
        expect_equal(result.status, 0, f"recording {name}")
        numbers = [str(f["rank"]) for f in findings_of(world, log)]
        expect(len(numbers) >= least, f"{name} has {len(numbers)} findings")
        kept = world.folder / f"{name}.with.db"
        told = trial(world, log, ",".join(numbers), program, words=("-o", kept))
        for finding in told["findings"]:
            wanted = ("confirmed", finding["claimed_calls"], finding["claimed_calls"], 0)
            found = tuple(finding[key] for key in ("verdict", "served_calls", "asked_calls", "fallback_calls"))
            expect(finding["claimed_calls"] > 0, f"{name}: finding {finding['number']} claims nothing")
            if finding["kind"] == "combine":  # the first part of each structure asks the heap
                found = found[:2] + wanted[2:3] + found[3:]
            expect_equal(found, wanted, f"{name}: finding {finding['number']} ({finding['title']})")
        served = sum(finding["served_calls"] for finding in told["findings"])
        expect_equal(told["without"]["heap_calls"], told["with"]["heap_calls"] + served, f"{name}: calls that reach the heap")
        expect((told["outputs_equal"], told["statuses_equal"], told["refuted"]) == (True, True, False), f"{name}: {told}")
        expect_equal(value(kept, "SELECT ifnull(sum(allocations), 0) FROM site_summary WHERE process_id = (SELECT max(id) FROM process)"),
                     told["with"]["heap_calls"], f"{name}: the recording has what reaches the heap")
        expect_equal(value(kept, "SELECT count(*) FROM site WHERE module LIKE '%libtenure%'"), 0, "the second allocator is no site")


def planted(world):
    program = world.programs / "try_planted"
    result, log = world.record(program, "honest")
    expect_equal(result.status, 0, "recording")
    lines = failing.lines_of(failing.PROGRAMS / "try_planted.c")
    return program, log, lines


def try_refuted(world):
    """A block that outlives its function, and one that is larger than the buffer: caught with both stacks and without
    damage, which the program would notice; --save keeps it in the log, and reports leave the finding out."""
    program, log, lines = planted(world)
    (finding,) = [f for f in report(world, log)["findings"] if f["kind"] == "stack-buffer"]
    asked = (log, finding["key"], program)
    (told,) = trial(world, *asked, "honest")["findings"]
    expect_equal((told["verdict"], told["refuted_by"]), ("confirmed", None), "it is true of what was recorded")
    # a call that is made again at once cannot be told from the one before: then it has one block too many
    kept = ("was still live when serve had returned", "more than 1 block lived in one call of serve")
    for mode, words in (("larger", ("was asked for where serve has a buffer",)), ("keeps", kept)):
        whole = trial(world, *asked, mode, status=1)
        (told,) = whole["findings"]
        expect_equal((told["verdict"], whole["refuted"], whole["outputs_equal"], whole["with"]["exit_status"]),
                     ("refuted", True, True, 0), f"{mode}: {told}")
        expect(any(w in told["refuted_by"]["what"] for w in words) and told["event"] > 0, f"{mode}: {told['refuted_by']}")
        expect(told["refuted_by"]["birth"].startswith(f"serve (try_planted.c:{lines['@buffer']}) < main"), f"{mode}: {told['refuted_by']}")
    text = world.run(world.tenure, "try", log, "--plan", finding["key"], "--runs", "2", "--save", "--", program, "keeps")
    expect_equal((text.err, text.status), (b"", 1), "try --save")
    for words in ("is refuted: ", "the block was made by  serve", "reports leave it out", "Output: equal"):
        expect(words in text.out.decode(), f"'{words}' in {text.out.decode()}")
    after = report(world, log)
    expect(finding["key"] not in [f["key"] for f in after["findings"]], "it is no finding any more")
    expect_equal([f["key"] for f in after["refuted"]], [finding["key"]], "it is told apart")
    expect_equal(value(log, "SELECT json_extract(refuted_by, '$.what') FROM finding WHERE refuted_by IS NOT NULL"),
                 after["refuted"][0]["refuted_by"]["what"], "what the log says")
    expect_equal(value(log, "SELECT count(*) FROM finding_site"), 1, "its site")


def try_parts(world):
    """Structures whose parts come and go apart, and a run that ends by a signal half way: nothing is damaged."""
    program, log, _ = planted(world)
    (finding,) = [f for f in report(world, log)["findings"] if f["kind"] == "combine"]
    told = trial(world, log, finding["key"], program, "honest")
    expect_equal([f["verdict"] for f in told["findings"]], ["confirmed"], "parts that come and go together")
    for mode, status in (("parts", 0), ("crashes", 137)):
        result = world.run(world.tenure, "try", log, "--plan", "all", "--runs", "0", "--format", "json", "--", program, mode)
        told = json.loads(result.out)
        expect_equal((told["without"]["exit_status"], told["with"]["exit_status"]), (status, status), mode)
        expect(told["outputs_equal"], f"the output of {mode}")
        (combined,) = [f for f in told["findings"] if f["key"] == finding["key"]]
        expect_equal(combined["verdict"], "refuted" if mode == "parts" else "confirmed", f"the structure in {mode}")


def try_small_heap(world):
    """The program runs where `simulate` says that it runs, and finds no room where that says so: without the plan in
    the smallest heap that it needs, and with the plan in one that is too small without."""
    program = world.truths / "lifetimes"
    result, log = world.record(program)
    expect_equal(result.status, 0, "recording")
    for policy in ("tlsf", "freertos-heap4"):
        simulated = world.run(world.tenure, "simulate", log, "--policy", policy, "--plan", "A", "--format", "json")
        needs = json.loads(simulated.out)
        first = needs["policies"][0]["minimum_heap_bytes"]["first"]
        safe = needs["policies"][0]["minimum_heap_bytes"]["safe"]
        planned = needs["what_if"]["changes"][0]["policies"][0]["heap_bytes"]
        expect(planned < first, f"the plan saves heap on {policy}: {planned} instead of {first}")
        for heap, fails_without, fails_with in ((safe, False, False), (planned, True, False), (first // 2, True, True)):
            alone = world.run(world.tenure, "simulate", log, "--policy", policy, "--heap", str(heap)).status
            expect_equal(alone, int(fails_without), f"simulate {policy} in {heap} bytes")
            result = world.run(world.tenure, "try", log, "--plan", "A", "--runs", "0", "--format", "json", "--heap", str(heap),
                               "--policy", policy, "--", program)
            expect_equal(result.err, b"", f"{policy} in {heap} bytes")
            told = json.loads(result.out)
            found = (told["without"]["failures"] > 0, told["with"]["failures"] > 0)
            expect_equal(found, (fails_without, fails_with), f"{policy} in {heap} bytes: {told}")


def try_unreached(world):
    """A program that is not the one of the log, and findings that no allocator can try."""
    program, log, _ = planted(world)
    other = world.run(world.tenure, "try", log, "--plan", "all", "--runs", "0", "--", need("true"))
    expect_equal(other.status, 0, "another program refutes nothing")
    expect("places of the plan were reached in this run" in other.out.decode(), other.out.decode())
    server = world.run(world.tenure, "try", log, "--plan", "all", "--runs", "0", "--timeout", "2s", "--ready", "line:never",
                       "--drive", "true", "--", program, "honest")
    expect_equal((server.status, b"was not driven: it was not ready in time" in server.err), (2, True), server.err)


def try_refusals(world):
    """What cannot be tried is refused in one line, before or after the program has run."""
    program, log, _ = planted(world)
    grown = world.folder / "grown.db"
    result, _ = world.record(world.truths / "realloc_chains", log=grown)
    expect_equal(result.status, 0, "recording")
    (presize,) = [f["key"] for f in report(world, grown)["findings"] if f["kind"] == "presize"][:1]
    nothing = world.folder / "nothing.db"
    expect_equal(world.record(need("true"), log=nothing)[0].status, 0, "recording true")
    static, changed = world.programs / "static", world.folder / "changed"
    shutil.copy(program, changed)
    gone = world.folder / "gone.db"
    expect_equal(world.record(changed, "honest", log=gone)[0].status, 0, "recording a copy")
    changed.unlink()
    cases = (
        ((log, "--", program), 2, "'try' needs '--plan': findings by number"),
        ((log, "--plan", "99999999", "--", program), 2, "the finding '99999999' is not there"),
        ((log, "--plan", "Q", "--", program), 2, "the plan has no step 'Q'"),
        ((log, "--plan", "1", "--format", "xml", "--", program), 2, "unknown format 'xml'"),
        ((log, "--plan", "1", "--policy", "tlsf", "--", program), 2, "a model needs '--heap BYTES'"),
        ((log, "--plan", "1", "--", "no-such-program"), 127, "no-such-program"),
        ((log, "--plan", "1", "--", static), 3, "statically linked"),
        ((log, "--plan", "1", "-o", log, "--", program), 3, "it exists already"),
        ((log, "--plan", "1", "-o", world.folder / "no/such/folder.db", "--", program), 4, "could not be recorded: tenure: cannot write"),
        ((nothing, "--plan", "all", "--", program), 3, "has no finding that can be tried"),
        ((grown, "--plan", presize, "--", world.truths / "realloc_chains"), 2, "cannot be tried: its blocks stay on the heap"),
        ((gone, "--plan", "1", "--", program), 3, "places of the plan are in files as they were recorded"),
        ((world.programs / "deep", "--plan", "1", "--", program), 3, "not a log"),
    )
    for words, status, told in cases:
        result = world.run(world.tenure, "try", *words)
        expect(told in result.err.decode() and result.err.count(b"\n") == 1, f"try {words}: {result.err}")
        expect_equal((result.status, result.out), (status, b""), f"try {words}: {result.err}")
    expect_equal(list(world.folder.glob("**/tenure-try-*")), [], "folders that are left")


ALL = {
    "try_truth": try_truth,
    "try_refusals": try_refusals,
    "try_refuted": try_refuted,
    "try_parts": try_parts,
    "try_small_heap": try_small_heap,
    "try_unreached": try_unreached,
    "refuted_is_no_advice": refuted_is_no_advice,
}
