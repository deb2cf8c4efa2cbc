# SPDX-License-Identifier: MIT
"""End-to-end tests of tenure simulate: scripts and logs in, text, JSON and exit statuses out."""

import json
import os
import pathlib

from harness import Skip, expect, expect_equal, need, query

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

PAPER = "A 0 100\nA 1 1500\nA 2 100\nA 3 1500\nF 1\nA 4 100\nA 5 1500\n"
POLICIES = (
    "first-fit best-fit next-fit worst-fit freertos-heap1 freertos-heap2 freertos-heap4 freertos-heap5 newlib-nano "
    "newlib tlsf tlsf-esp32 zephyr glibc buddy pools pools-spill lwip mbedtls"
).split()


def simulate(world, *arguments, status=0):
    """Run it with JSON; gives the policies' answers."""
    result = world.run(world.tenure, "simulate", "--format", "json", *arguments)
    expect_equal((result.err, result.status), (b"", status), f"simulate {arguments}")
    return json.loads(result.out)["policies"]


def paper(world):
    """The paper's example: step 7 fails with 2296 bytes free."""
    script = world.folder / "paper.txt"
    script.write_text(PAPER)
    (answer,) = simulate(world, "--script", script, "--heap", "4K", "--policy", "first-fit", "--offsets", status=1)
    failure = answer["failure"]
    expect_equal((failure["event"], failure["size_bytes"]), (7, 1500), "the step that fails")
    expect_equal((failure["free_bytes"], failure["largest_free_bytes"], failure["class"]),
                 (2296, 1400, "fragmentation"), "why it fails")
    expect_equal([(e["size_bytes"], e["is_free"]) for e in failure["layout"]],
                 [(100, False), (100, False), (1400, True), (100, False), (1500, False), (896, True)], "the layout")
    expect_equal(answer["offsets"], [0, 100, 1600, 1700, 100, None], "offsets")
    expect_equal(answer["minimum_heap_bytes"]["first"], 4700, "the smallest heap")
    text = world.run(world.tenure, "simulate", "--script", script, "--heap", "4096", "--policy", "first-fit")
    expect_equal(text.status, 1, "status of the text form")
    expect("[100][100][1400 free][100][1500][896 free]" in text.out.decode(), "the layout as the paper draws it")
    answers = simulate(world, "--script", script, "--heap", "4096", "--pointer-size", "4", "--policy", ",".join(POLICIES),
                       status=1)
    survivors = {a["policy"] for a in answers if a["survived"]}
    expect_equal(survivors, {"best-fit", "next-fit", "freertos-heap2", "zephyr"}, "who survives")


def log(world):
    """A whole recording is replayed on every policy; its requests are those in the log."""
    result, path = world.record(world.programs / "chains", options=("--rows", "all"))
    expect_equal(result.status, 0, "status")
    asked, births = query(path, "SELECT sum(size_bytes), count(*) FROM allocation")[0]
    resizes = query(path, "SELECT count(*) FROM allocation WHERE previous_id IS NOT NULL")[0][0]
    expect(asked > 0 and resizes > 0, "the program resizes nothing")
    for answer in simulate(world, path, "--policy", ",".join(POLICIES), "--offsets"):
        name = answer["policy"]
        expect(answer["survived"], f"{name} does not survive in the heap that it found")
        expect_equal(len(answer["offsets"]), births, f"{name}: offsets")
        expect_equal(answer["allocations"], births - resizes, f"{name}: placements")
        smallest = answer["minimum_heap_bytes"]
        expect(smallest["safe"] >= smallest["first"] >= answer["peak_live_bytes"], f"{name}: smallest heap")
        expect_equal(answer["heap_bytes"], smallest["safe"], f"{name}: heap that was replayed")
        expect(answer["high_water_bytes"] <= answer["heap_bytes"], f"{name}: high water")
    tight = simulate(world, path, "--policy", "first-fit", "--heap", answer["peak_live_bytes"] - 1, status=1)
    site = tight[0]["failure"]["site"]
    expect(site is not None and site["function"], "the failure names no site")


def after_failure(world):
    """--after-failure: the replay stops, skips the block, or grows the heap."""
    script = world.folder / "script.txt"
    script.write_text("A 1 600\nA 2 600\nA 3 300\nF 2\nF 1\nA 4 500\n")
    common = ("--script", script, "--heap", "1000", "--policy", "first-fit", "--offsets")
    found = {how: simulate(world, *common, "--after-failure", how, status=1)[0] for how in ("stop", "skip", "grow")}
    expect_equal(found["stop"]["offsets"], [0, None], "stop")
    expect_equal(found["skip"]["offsets"], [0, None, 600, 0], "skip")
    expect_equal((found["grow"]["offsets"], found["grow"]["failures"]), ([0, 600, 1200, 0], 1), "grow")
    expect(found["grow"]["grown_heap_bytes"] >= 1500, "the grown heap")


def script_without(path, sites):
    """The allocations of a log without those of some sites, as a script: from the rows, not by the replay's own reader."""
    rows = query(path, """SELECT id, size_bytes, birth_ns, death_ns, site_id, previous_id FROM allocation
                          WHERE process_id = (SELECT process_id FROM allocation GROUP BY 1 ORDER BY count(*) DESC LIMIT 1)""")
    expect(all(row[5] is None for row in rows), "the program resizes blocks: this reader cannot")
    events = []
    for number, size, birth, death, site, _ in rows:
        if site in sites:
            continue
        events.append((birth, 1, number, f"A {number} {size}\n"))
        if death is not None:
            events.append((death, 0, number, f"F {number}\n"))
    return "".join(event[3] for event in sorted(events))


def errors(told):
    """What a command wrote on stderr, but for the lines that tell how far a long replay is."""
    return b"".join(line for line in told.err.splitlines(True) if b"tenure: replaying," not in line)


def who_holds_the_memory(world):
    """A heap that fails: what lives then, by site, is what the log says; and whether a finding would help is told."""
    result, path = world.record(world.truths / "general_pools", options=("--rows", "all"))
    expect_equal(result.status, 0, "status")
    told = world.run(world.tenure, "simulate", "--format", "json", path, "--policy", "first-fit", "--heap", "4K")
    expect_equal((errors(told), told.status), (b"", 1), "simulate --heap 4K")
    failure = json.loads(told.out)["policies"][0]["failure"]
    found = [(site["live_count"], site["live_bytes"]) for site in failure["live"]]
    expect(found, "nothing lives when the heap fails")
    wanted = query(path, """SELECT count(*), sum(size_bytes) FROM allocation
        WHERE process_id = (SELECT process_id FROM chunk GROUP BY 1 ORDER BY sum(births) DESC LIMIT 1)
          AND birth_ns < ?1 AND (death_ns IS NULL OR death_ns >= ?1) GROUP BY site_id""", failure["time_ns"])
    expect_equal(sorted(found), sorted(wanted), "live by site")
    expect_equal([live_bytes for _, live_bytes in found], sorted((b for _, b in found), reverse=True), "their order")
    command = (world.tenure, "simulate", path, "--policy", "first-fit", "--apply", "all", "--heap")
    for heap, is_said in (("64", True), ("8M", False)):
        text = world.run(*command, heap).out
        expect_equal(b"No finding helps first-fit in " in text, is_said, f"what is said of {heap}")
        expect_equal(b"held by" in text, is_said, f"who holds the memory in {heap}")


def changes(world):
    """--apply: what a finding saves is what a trace without its blocks needs less."""
    result, path = world.record(world.truths / "local_buffer", options=("--rows", "all"))
    expect_equal(result.status, 0, "status")
    told = world.run(world.tenure, "simulate", "--format", "json", path, "--apply", "stack-buffer", "--policy",
                     "first-fit,freertos-heap4,glibc")
    expect_equal((errors(told), told.status), (b"", 0), "simulate --apply")
    answer = json.loads(told.out)["what_if"]
    expect(len(answer["changes"]) >= 1, "nothing was found that could lie on the stack")
    report = world.run(world.tenure, "report", "--format", "json", "--only", "stack-buffer", path)
    findings = {f["rank"]: f for f in json.loads(report.out)["findings"]}
    script = world.folder / "without.txt"
    for change in answer["changes"]:
        if change["is_together"]:
            continue
        sites = {site["site_id"] for site in findings[change["rank"]]["sites"]}
        script.write_text(script_without(path, sites))
        removed = query(path, f"""SELECT count(*) FROM allocation WHERE site_id IN ({','.join(map(str, sites))})""")[0][0]
        expect_equal(change["allocations_removed"], removed, "allocations removed")
        alone = simulate(world, "--script", script, "--policy", "first-fit,freertos-heap4,glibc")
        for measured, direct, before in zip(change["policies"], alone, answer["before"]):
            expect_equal(measured["heap_bytes"], direct["minimum_heap_bytes"]["safe"], f"{direct['policy']}: heap")
            expect_equal(measured["heap_delta_bytes"], measured["heap_bytes"] - before["heap_bytes"], "delta")
    measured = world.run(world.tenure, "report", "--format", "json", "--only", "stack-buffer", "--policy", "first-fit", path)
    expect_equal((measured.err, measured.status), (b"", 0), "report --policy")
    expect(b"first-fit" in measured.out, "the report shows no measured effect")


def together(world):
    """All findings together save as many calls as the best alone, at least; where one alone needs less memory, that is
    told with its reason, and nowhere else."""
    said = 0
    for program in ("general_pools", "several_at_once", "local_buffer"):
        result, path = world.record(world.truths / program, options=("--rows", "all"))
        expect_equal(result.status, 0, f"status of {program}")
        command = (world.tenure, "simulate", "--policy", "tlsf,first-fit", "--apply", "all", path)
        answer = json.loads(world.run(*command, "--format", "json").out)["what_if"]
        text = world.run(*command).out.decode()
        alone = [change for change in answer["changes"] if not change["is_together"]]
        for all_of_them in (c for c in answer["changes"] if c["is_together"] and not c["is_subtotal"]):
            most = max(change["allocations_removed"] for change in alone)
            expect(all_of_them["allocations_removed"] >= most, f"{program}: together fewer calls than {most}")
            for i, measure in enumerate(all_of_them["policies"]):
                best = min(alone, key=lambda change: change["policies"][i]["total_delta_bytes"])  # noqa: B023
                is_better = best["policies"][i]["total_delta_bytes"] + measure["noise_bytes"] < measure["total_delta_bytes"]
                words = f"number {best['rank']} alone is better for the memory of {measure['policy']}"
                expect_equal(words in text, is_better, f"{program}: '{words}' is told")
                said += is_better
    expect(said > 0, "one alone is nowhere better")


def build_and_record(world, name, text):
    """A log of a program that is built from a text, in a folder of its own."""
    folder = world.folder / name
    folder.mkdir()
    source, program = folder / "app.c", folder / "app"
    source.write_text(text)
    built = world.run(need("cc"), "-g", "-O0", "-fno-builtin", "-o", program, source)
    expect_equal(built.status, 0, f"building {name}: {built.err}")
    result, path = world.record(program)
    expect_equal(result.status, 0, f"status of {name}")
    return path


def names_of_findings(world):
    """A finding's number is the same in every answer about a log; its key also after a change elsewhere and a rebuild."""
    text = (ROOT / "tests/truth/programs/several_at_once.c").read_text()
    old, new = build_and_record(world, "old", text), build_and_record(world, "new", "/* moved down */\n" * 30 + text)

    def report(path, *options):
        told = world.run(world.tenure, "report", "--format", "json", "--confidence", "weak", "--top", "0", *options, path)
        expect_equal((errors(told), told.status), (b"", 0), "report")
        return json.loads(told.out)["findings"]

    def plan(path, name):
        told = world.run(world.tenure, "simulate", "--format", "json", "--policy", "first-fit", "--plan", name, path)
        expect_equal((errors(told), told.status), (b"", 0), f"simulate --plan {name}")
        return [(c["rank"], c["key"], c["title"]) for c in json.loads(told.out)["what_if"]["changes"] if not c["is_together"]]

    before, after = report(old), {finding["key"]: finding for finding in report(new)}
    expect(len({finding["key"] for finding in before}) == len(before) > 2, "each finding has a key of its own")
    for finding in before:
        later = after.get(finding["key"])
        expect(later is not None and later["kind"] == finding["kind"], f"#{finding['rank']} has another key after a rebuild")
        moved = [(b["line"] - a["line"], a["function"] == b["function"]) for a, b in zip(finding["sites"], later["sites"])]
        expect(all(move in ((30, True), (0, True)) for move in moved), f"#{finding['rank']} is another finding: {moved}")
    usable = [finding for finding in before if finding["kind"] in ("permanent", "pool", "stack-buffer") and finding["sites"]]
    expect(usable, "there is nothing to plan")
    for finding in usable[:3]:
        told = (finding["rank"], finding["key"], finding["title"])
        expect_equal(plan(old, str(finding["rank"])), [told], "by number")
        expect_equal(plan(old, finding["key"]), [told], "by key")
        expect_equal([key for _, key, _ in plan(new, finding["key"])], [finding["key"]], "by key, after a rebuild")
        same = {f["key"]: f["rank"] for f in report(old, "--only", finding["kind"])}
        expect_equal(same[finding["key"]], finding["rank"], "its number, asked for by kind")
    measured = report(old, "--policy", "tlsf")
    expect_equal([f["key"] for f in measured], [f["key"] for f in before], "the order, whatever was measured")


def plan_steps(world):
    """The steps of a plan: the same figures from both commands, and the same letters whatever a report shows."""
    result, path = world.record(world.truths / "lifetimes")
    expect_equal(result.status, 0, "status")

    def tell(command, *options):
        told = world.run(world.tenure, command, "--format", "json", *options, path)
        expect_equal((errors(told), told.status), (b"", 0), f"{command} {options}")
        return json.loads(told.out)

    def figures(change):
        return {key: change[key] for key in ("allocations_removed", "outside_bytes", "heap_median_bytes", "net_bytes")}

    whole = tell("report")
    steps = whole["plan"]["steps"]
    expect_equal([step["letter"] for step in steps], list("ABC"), "letters")
    for count in range(1, len(steps) + 1):
        letters = ",".join(step["letter"] for step in steps[:count])
        changes = tell("simulate", "--plan", letters.lower() if count == 2 else letters)["what_if"]["changes"]
        expect_equal(len([c for c in changes if not c["is_subtotal"]]), 1, f"changes of {letters}")
        expect_equal(figures(changes[0]), figures(steps[count - 1]["together"]), f"steps {letters}")
    sure = [change for change in changes if change["is_subtotal"]]
    expect_equal(figures(sure[0]), figures(whole["plan"]["steps_without_conditional"]), "without conditional ones")

    def shape(report):
        return [(step["letter"], step["title"], step["findings"], step["allocations_removed"]) for step in report["plan"]["steps"]]

    for options in (("--only", "growth"), ("--top", "1"), ("--confidence", "proven"), ("--policy", "none")):
        expect_equal(shape(tell("report", *options)), shape(whole), f"the plan with {options}")
    named = tell("report", "--finding", "C")
    expect_equal({f["key"] for f in named["findings"]}, {f["key"] for f in steps[2]["findings"]}, "findings of a step")
    expect_equal(shape(named), shape(whole), "the plan, where a step is named")


def assumptions(world):
    """--sizes and --without-runtime: the replayed requests are those that the options describe."""
    result, path = world.record(world.truths / "combine_equal", options=("--rows", "all"))
    expect_equal(result.status, 0, "status")
    site, line, size, count = query(path, """SELECT site_id, line, min(size_bytes), count(*) FROM allocation
        JOIN site ON site.id = site_id WHERE line IS NOT NULL GROUP BY 1 ORDER BY 3 DESC LIMIT 1""")[0]
    sizes = world.folder / "sizes.txt"
    sizes.write_text(f"# place from to\ncombine_equal.c:{line} {size} 1024\ncombine_equal.c:{line} {size + 1} 9999999\n")
    common = ("--policy", "first-fit", "--format", "json", path)
    plain = json.loads(world.run(world.tenure, "simulate", *common).out)
    told = json.loads(world.run(world.tenure, "simulate", "--sizes", sizes, *common).out)
    expect_equal(told["assumed"]["overridden_allocations"], count, "allocations of another size")
    expect_equal(told["assumed"]["overridden_bytes"], count * size, "their bytes")
    peak = plain["policies"][0]["peak_live_bytes"]
    expect(peak < told["policies"][0]["peak_live_bytes"] < 9999999, "the peak with other sizes")
    sizes.write_text("no_such_function 8\n")
    bad = world.run(world.tenure, "simulate", "--sizes", sizes, *common)
    expect_equal((bad.status, bad.out, len(bad.error_lines())), (3, b"", 1), "a place that is no site")
    result, path = world.record(need("sqlite3"), ":memory:", "SELECT 1", options=("--rows", "all"))
    kept = query(path, """SELECT count(*) FROM allocation LEFT JOIN site ON site.id = site_id
        WHERE coalesce(module, '') NOT LIKE '%/libc.so%' AND coalesce(module, '') NOT LIKE '%/ld-linux%'
        AND coalesce(via, '') NOT IN ('fopen', 'fgets', 'fputs', 'getpwuid', 'fwrite', 'puts', 'printf', 'fclose')
        AND previous_id IS NULL""")[0][0]
    (answer,) = simulate(world, path, "--policy", "first-fit", "--without-runtime")
    expect(0 < kept == answer["allocations"], f"without the C library: {answer['allocations']}, wanted {kept}")


def real_break(world):
    """The glibc model's break is within 5 % of the real one."""
    if os.confstr("CS_GNU_LIBC_VERSION") != "glibc 2.36":
        raise Skip("the model is of glibc 2.36")
    result, path = world.record(world.programs / "breaks")
    expect_equal(result.status, 0, "status")
    real = int(result.out)
    expect(real > 4000000, "the program's heap is too small to compare")
    (answer,) = simulate(world, path, "--policy", "glibc:mmap=131072")
    found = answer["system_bytes"]
    expect(abs(found - real) <= real * 0.05, f"the break: {found} in the model, {real} in the program")


ALL = {
    "simulate_holders": who_holds_the_memory,
    "simulate_paper": paper,
    "simulate_log": log,
    "simulate_after_failure": after_failure,
    "simulate_break": real_break,
    "simulate_changes": changes,
    "simulate_together": together,
    "simulate_names": names_of_findings,
    "simulate_steps": plan_steps,
    "simulate_assumptions": assumptions,
}
