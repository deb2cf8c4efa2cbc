# SPDX-License-Identifier: MIT
"""End-to-end tests of tenure diff and tenure check: two real builds of one program, whose lines say by a tag which
site is which, and the examples of the page about continuous integration as they stand there."""

import collections
import json
import os
import pathlib
import re
import shutil
import xml.etree.ElementTree

import check_formats
from harness import expect, expect_equal, need

ROOT = pathlib.Path(__file__).resolve().parents[2]
REBUILD = ROOT / "tests/e2e/programs/rebuild"
TAG = re.compile(r"/\* @(\w+) \*/")


# ------------------------------------------------------------------------------------------------ diff


def build(world, version, optimisation, folder=None):
    """Build one version of the program and record it; gives the log."""
    sources = folder or REBUILD / version
    program = world.folder / f"app{version}{optimisation}"
    files = sorted(sources.rglob("*.c"))
    compiled = world.run(need("cc"), "-g", optimisation, "-fno-builtin", "-I", ROOT / "include", "-o", program, *files)
    expect_equal((compiled.err, compiled.status), (b"", 0), f"building {version}")
    # `helper`, a static function of several files, is no wrapper of malloc, but looks like one when it is optimised.
    result, log = world.record(program, options=("--find-wrappers", "no"))
    expect_equal((result.err, result.status), (b"", 0), f"recording {version}")
    return log


def diff(world, old, new, *options, status=0):
    """The comparison as JSON; text must not fail either."""
    text = world.run(world.tenure, "diff", old, new, *options)
    expect_equal((text.err, text.status), (b"", status), "diff as text")
    result = world.run(world.tenure, "diff", "--format", "json", old, new, *options)
    expect_equal((result.err, result.status), (b"", status), "diff as JSON")
    again = world.run(world.tenure, "diff", "--format", "json", old, new, *options)
    expect_equal(again.out, result.out, "the same diff a second time")
    return json.loads(result.out), text.out.decode()


def tags_of(folder):
    """File name and line -> tag, over all sources of one version."""
    found = {}
    for path in folder.rglob("*.c"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if match := TAG.search(line):
                found[(path.name, number)] = match.group(1)
    return found


def tagged(sites, tags):
    return [tags[(os.path.basename(site["file"]), site["line"])] for site in sites]


def check_tags(comparison, old_tags, new_tags):
    """Every change has one tag, on both sides where both builds have it; and every tag is there."""
    seen = collections.Counter()
    for change in comparison["sites"]:
        own = [site for site in change["before"] + change["after"] if "/rebuild/" in site["file"] or "/moved-tree/" in site["file"]]
        if not own:
            continue
        before, after = tagged(change["before"], old_tags), tagged(change["after"], new_tags)
        expect_equal(len(set(before + after)), 1, f"tags of a change {before} -> {after}")
        tag = (before + after)[0]
        expect_equal((bool(before), bool(after)), (tag in old_tags.values(), tag in new_tags.values()), f"sides of {tag}")
        seen.update(before + after)
    expect_equal(seen, collections.Counter([*old_tags.values(), *new_tags.values()]), "tags in the comparison")


def rebuilt(world):
    """Sites of a real rebuild are matched although lines, files and functions moved; nothing is matched wrongly."""
    old_tags, new_tags = tags_of(REBUILD / "old"), tags_of(REBUILD / "new")
    expect(len(set(old_tags.values()) & set(new_tags.values())) >= 8, "the versions have little in common")
    logs = {level: (build(world, "old", level), build(world, "new", level)) for level in ("-O0", "-O2")}
    for old_level, new_level in (("-O2", "-O2"), ("-O0", "-O2"), ("-O2", "-O0")):
        comparison, text = diff(world, logs[old_level][0], logs[new_level][1], "--policy", "none")
        check_tags(comparison, old_tags, new_tags)
        expect("lines that nothing tells apart are taken together" in text, "the copied line in the text")
        backwards, _ = diff(world, logs[new_level][1], logs[old_level][0], "--policy", "none")
        check_tags(backwards, new_tags, old_tags)


def rebuilt_elsewhere(world):
    """A tree that was built in another folder is the same program."""
    folder = world.folder / "moved-tree"
    shutil.copytree(REBUILD / "old", folder)
    tags = tags_of(folder)
    comparison, _ = diff(world, build(world, "old", "-O2"), build(world, "moved", "-O2", folder), "--fail-on", "regression")
    check_tags(comparison, tags, tags)
    expect_equal(comparison["regressions"], [], "regressions of the same program")
    expect_equal({finding["state"] for finding in comparison["findings"]} - {"same"}, set(), "findings of the same program")


def diff_fails_on(world):
    """--fail-on sets the exit status, and nothing else does."""
    old, new = build(world, "old", "-O2"), build(world, "new", "-O2")
    comparison, text = diff(world, old, new)
    worse = {entry["what"] for entry in comparison["regressions"]}
    expect_equal(worse & {"calls", "finding"}, {"calls", "finding"}, "what got worse")
    totals = comparison["totals"]["allocations"]
    expect_equal(totals["after"] - totals["before"], 1200, "calls more: one copied, one removed, one added line")
    expect("calls more" in text and "What got worse" in text, "the text says so")
    diff(world, old, new, "--fail-on", "regression", status=1)
    diff(world, new, old, "--fail-on", "growth")
    kinds = {entry["kind"] for entry in comparison["regressions"] if entry["what"] == "finding"}
    for kind in ("stack-buffer", "growth"):
        diff(world, old, new, "--fail-on", kind, status=1 if kind in kinds else 0)
    expect("stack-buffer" in kinds and "growth" not in kinds, f"kinds of new findings {kinds}")
    diff(world, old, old, "--fail-on", "regression")
    heaps, _ = diff(world, old, new, "--policy", "none")
    expect_equal(heaps["heaps"], [], "heaps that nobody asked for")
    heaps, _ = diff(world, old, new, "--policy", "tlsf,glibc:tcache=0")
    for heap in heaps["heaps"]:
        for side, log in (("before", old), ("after", new)):
            answer = world.run(world.tenure, "simulate", "--format", "json", "--policy", heap["policy"], log)
            (policy,) = json.loads(answer.out)["policies"]
            expect_equal(heap["smallest_heap_bytes"][side], policy["minimum_heap_bytes"]["safe"], f"heap {heap}")
    expect_equal([heap["policy"] for heap in heaps["heaps"]], ["tlsf", "glibc:tcache=0"], "models")


# ------------------------------------------------------------------------------------------------ check


def check(world, log, *options, status, form="json"):
    result = world.run(world.tenure, "check", "--format", form, *options, log)
    expect_equal((result.err, result.status), (b"", status), f"check {options}")
    again = world.run(world.tenure, "check", "--format", form, *options, log)
    expect_equal(again.out, result.out, "the same check a second time")
    return result.out.decode()


def limits_of(text):
    return {limit["metric"]: limit for limit in json.loads(text)["limits"]}


def counts(world):
    """Each metric is what SQL, the report and the simulator say."""
    log = build(world, "new", "-O2")
    asked = [f"--max={name}=1e12" for name in (
        "small_short_lived_per_s", "findings", "findings.stack-buffer", "peak_live_bytes", "live_at_end",
        "smallest_heap_bytes.tlsf", "fragmentation_percent.first-fit", "allocations_after_init")]
    limits = limits_of(check(world, log, *asked, status=0))
    sql = world.run(world.tenure, "sql", "--json", log, """
        SELECT (SELECT sum(small_short_lived) FROM site_summary) AS small,
               (SELECT end_ns - start_ns FROM process) AS life,
               (SELECT max(live_bytes) FROM timeline) AS peak,
               (SELECT count(*) FROM allocation WHERE death_ns IS NULL) AS live,
               (SELECT count(*) FROM allocation WHERE birth_ns > (SELECT max(time_ns) FROM mark
                WHERE text = 'initialisation done')) AS after_init""")
    (row,) = json.loads(sql.out)
    expect_equal(limits["peak_live_bytes"]["value"], row["peak"], "peak")
    expect_equal(limits["live_at_end"]["value"], row["live"], "live at the end")
    expect_equal(limits["allocations_after_init"]["value"], row["after_init"], "after initialisation")
    rate = row["small"] * 1e9 / row["life"]
    expect(abs(limits["small_short_lived_per_s"]["value"] - rate) < rate * 1e-9, "short-lived ones a second")
    report = json.loads(world.run(world.tenure, "report", "--format", "json", "--top", "0", log).out)
    certain = [finding["kind"] for finding in report["findings"] if finding["confidence"] != "weak"]
    expect_equal(limits["findings"]["value"], len(certain), "findings")
    expect_equal(limits["findings.stack-buffer"]["value"], certain.count("stack-buffer"), "findings of a kind")
    expect(len(certain) > certain.count("stack-buffer") > 0, "findings of several kinds")
    models = json.loads(world.run(world.tenure, "simulate", "--format", "json", "--policy", "first-fit,tlsf", log).out)
    plain, tlsf = models["policies"]
    expect_equal(limits["smallest_heap_bytes.tlsf"]["value"], tlsf["minimum_heap_bytes"]["safe"], "smallest heap")
    share = limits["fragmentation_percent.first-fit"]["value"]
    told = world.run(world.tenure, "simulate", "--policy", "first-fit", log).out.decode()
    expect(f"{share:.1f}%" in told, f"fragmentation {share} as the simulator prints it")


def statuses(world):
    """A limit is kept at its value and violated below; exceptions take out what they name."""
    log = build(world, "new", "-O2")
    check(world, log, "--max=live_at_end=1201", status=0)
    text = check(world, log, "--max=live_at_end=1200", status=1, form="text")
    expect("Violated: live_at_end: 1,201, at most 1,200 allowed" in text and "keep at main.c" in text, text)
    policy = world.folder / "heap.policy"
    policy.write_text("max live_at_end=1\nexcept live_at_end at keep because the table is the program's result\n")
    answer = json.loads(check(world, log, "--policy-file", policy, status=0))
    (limit,) = answer["limits"]
    expect_equal((limit["value"], limit["excepted"]), (1, 1200), "what counts, and what does not")
    expect_equal(answer["unused_exceptions"], [], "unused exceptions")
    policy.write_text("max live_at_end=1\nexcept live_at_end at keeper because it is another function\n")
    answer = json.loads(check(world, log, "--policy-file", policy, status=1))
    expect_equal([entry["policy_line"] for entry in answer["unused_exceptions"]], [2], "unused exceptions")


def valid(world):
    """JUnit XML and SARIF are what their readers take, also with odd names in them."""
    folder = world.folder / "a & <b> \"ü\""
    folder.mkdir()
    log = build(world, "new", "-O2")
    odd = folder / "log.db"
    shutil.copy(log, odd)
    policy = world.folder / "heap.policy"
    policy.write_text("max findings=0\nmax live_at_end=5\nmax peak_live_bytes=1\nmax smallest_heap_bytes.tlsf=1\n"
                      "max findings.presize=0\nexcept findings at copy because <of> & \"reasons\"\n")
    junit = check(world, odd, "--policy-file", policy, status=1, form="junit")
    check_formats.junit(junit)
    suite = xml.etree.ElementTree.fromstring(junit).find("testsuite")
    expect_equal((suite.get("name"), suite.get("tests")), (str(odd), "5"), "the suite")
    failed = [case.get("name") for case in suite.findall("testcase") if case.find("failure") is not None]
    expect_equal(failed, ["findings", "live_at_end", "peak_live_bytes", "smallest_heap_bytes.tlsf"], "failed cases")
    sarif = check(world, odd, "--policy-file", policy, "--source-root", ROOT, status=1, form="sarif")
    check_formats.sarif(sarif)
    (run,) = json.loads(sarif)["runs"]
    tags = {(str(path.relative_to(ROOT)), number) for path in (REBUILD / "new").rglob("*.c")
            for number, line in enumerate(path.read_text().splitlines(), 1) if TAG.search(line)}
    places = {(place["artifactLocation"]["uri"], place["region"]["startLine"]) for result in run["results"]
              for place in (location["physicalLocation"] for location in result.get("locations", ())
                            if "physicalLocation" in location)}
    expect(len(places) >= 8 and places <= tags, f"lines of the results {places - tags}")
    excepted = [result for result in run["results"] if "suppressions" in result]
    expect(excepted and all("copy" in json.dumps(result["locations"]) for result in excepted), "suppressed results")
    prints = [json.dumps([result["ruleId"], result["partialFingerprints"]]) for result in run["results"]]
    expect_equal(len(prints), len(set(prints)), "fingerprints that are each other's")


# ------------------------------------------------------------------------------------------------ the page


def scripts_of(page):
    """The shell lines of the page's two examples for code hosts: by file name."""
    found = {}
    for name, block in re.findall(r"`(\.[\w./-]+\.yml)`:\n\n((?:    .*\n|\n)+)", page):
        lines = [line[4:] for line in block.splitlines()]
        at = next(i for i, line in enumerate(lines) if re.search(r"(run: \||script:)$", line))
        indent = len(lines[at]) - len(lines[at].lstrip())
        script = []
        for line in lines[at + 1:]:
            if line.strip() and len(line) - len(line.lstrip()) <= indent and not line.lstrip().startswith("-"):
                break
            if line.lstrip().startswith("- uses:"):
                break
            script.append(re.sub(r"^\s*(- )?", "", line))
        found[name] = [line for line in script if line]
    return found


def check_metrics_of(page, world):
    """The page has a row for each metric that the command knows."""
    result = world.run(world.tenure, "check", "--max=no-such-metric=0", "no.db")
    known = re.split(r", | and ", result.err.decode().strip().partition(": there are ")[2])
    rows = re.findall(r"^\| (`[^|]+`) \|", page, re.M)
    told = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    expect_equal({re.sub(r"[\[\]]", "", name) for name in known} - told, set(), "metrics without a row")
    expect_equal(len(known), 7, f"metrics {known}")


def page_examples(world):
    """The examples in docs/ci.md work as they stand there: the policy, and the scripts for both code hosts."""
    page = (ROOT / "docs/ci.md").read_text()
    check_metrics_of(page, world)
    (policy,) = re.findall(r"`heap\.policy`:\n\n((?:    .*\n|\n)+)", page)
    scripts = scripts_of(page)
    expect_equal(len(scripts), 2, "examples for code hosts")
    for number, (name, script) in enumerate(sorted(scripts.items())):
        expect(sum("tenure check" in line for line in script) == 1, f"{name} checks nothing: {script}")
        folder = world.folder / f"checkout{number}"
        folder.mkdir()
        (folder / "heap.policy").write_text(re.sub("^    ", "", policy, flags=re.M))
        shutil.copy(ROOT / "tests/e2e/programs/ci_app.c", folder / "app.c")
        shell = "set -e\nPATH=" + str(world.tenure.parent) + ":$PATH\n" + "\n".join(script)
        result = world.run("/bin/sh", "-c", shell, cwd=folder)
        print(result.err.decode(), end="")
        expect_equal((result.err, result.status), (b"", 0), f"the script of {name}")
        made = sorted(path.name for path in folder.iterdir() if path.suffix in (".sarif", ".xml"))
        expect_equal(len(made), 1, f"what {name} made {made}")
        text = (folder / made[0]).read_text()
        (check_formats.sarif if made[0].endswith(".sarif") else check_formats.junit)(text)
        # The same program with a planted problem does not pass.
        planted = (folder / "app.c").read_text().replace("char line[64];", "char *line = malloc(64);").replace(
            "/* line ends */", "free(line);")
        (folder / "app.c").write_text(planted)
        os.remove(folder / "app.db")
        expect_equal(world.run("/bin/sh", "-c", shell, cwd=folder).status, 1, f"{name} with a planted problem")


def help_examples(world):
    """The example in each command's help works."""
    old, new = build(world, "old", "-O2"), build(world, "new", "-O2")
    shutil.copy(old, world.work / "before.db")
    shutil.copy(new, world.work / "after.db")
    shutil.copy(new, world.work / "app.db")
    for command in ("diff", "check"):
        text = world.run(world.tenure, command, "--help").out.decode()
        (example,) = re.findall(r"^Example: tenure (.*)$", text, re.M)
        result = world.run(world.tenure, *example.split())
        expect_equal((result.err, result.status), (b"", 1), f"tenure {example}")


ALL = {
    "diff_rebuilt": rebuilt,
    "diff_rebuilt_elsewhere": rebuilt_elsewhere,
    "diff_fails_on": diff_fails_on,
    "check_counts": counts,
    "check_statuses": statuses,
    "check_valid": valid,
    "ci_page_examples": page_examples,
    "workflow_help_examples": help_examples,
}
