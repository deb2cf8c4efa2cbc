# SPDX-License-Identifier: MIT
"""End-to-end tests of tenure export: each format is read by its own viewer or its own parser, and its figures are those
that SQL gives on the log."""

import collections
import csv
import io
import json
import os
import pathlib
import re
import shutil
import subprocess

from harness import Skip, expect, expect_equal, need, query

HERE = pathlib.Path(__file__).resolve().parent
PROFILE_PROTO = pathlib.Path("/usr/share/gocode/src/github.com/google/pprof/proto/profile.proto")
DHAT_VIEWER = pathlib.Path("/usr/libexec/valgrind/dh_view.js")
SHORT_LIFETIME_BYTES = 32768


def sql(world, log, text):
    result = world.run(world.tenure, "sql", "--json", log, text)
    expect_equal((result.status, result.err), (0, b""), text)
    return json.loads(result.out)


def recorded(world):
    """A log with C++ names, blocks of every fate, and the figures of all its stacks by SQL: {stack: {metric: value}}."""
    result, log = world.record(world.programs / "stl", options=("--rows", "all"))
    expect_equal((result.status, result.err), (0, b""), "record")
    (peak,) = sql(world, log, "SELECT time_ns, allocations, live_bytes FROM peak")
    rows = sql(world, log, f"""SELECT ifnull(stack_id, 0) AS stack, count(*) AS allocations, sum(size_bytes) AS bytes,
        sum(CASE WHEN id <= {peak["allocations"]} AND ifnull(death_ns, 1 << 62) > {peak["time_ns"]} THEN size_bytes ELSE 0 END) AS peak,
        sum(CASE WHEN death_ns IS NULL THEN size_bytes ELSE 0 END) AS "live-at-end",
        sum(death_ns IS NOT NULL AND lifetime_bytes < {SHORT_LIFETIME_BYTES}) AS "short-lived",
        sum(death_ns IS NULL) AS live_count FROM allocation GROUP BY 1""")
    figures = {row.pop("stack"): row for row in rows}
    expect(len(figures) > 10, f"there are {len(figures)} stacks only")
    expect_equal(total(figures, "peak"), peak["live_bytes"], "the peak by rows")
    return log, figures


def total(figures, metric):
    return sum(own[metric] for own in figures.values())


def functions(log, stack_id):
    """The functions of a stack by SQL, outermost first; those without a name as module+0xOFFSET."""
    rows = query(log, "SELECT function, module, offset_bytes FROM stack_frame WHERE stack_id = ? ORDER BY position DESC", stack_id)
    return [function or f"{os.path.basename(module)}+{offset_bytes:#x}" for function, module, offset_bytes in rows]


def exported(world, log, name, *options):
    path = world.folder / f"export.{name}"
    result = world.run(world.tenure, "export", log, "--to", name, "-o", path, *options)
    expect_equal((result.status, result.err, result.out), (0, b"", b""), f"export --to {name}")
    printed = world.run(world.tenure, "export", log, "--to", name, *options)
    expect(printed.out == path.read_bytes(), f"{name} on stdout is not what the file holds")
    return path


METRICS = ("allocations", "bytes", "peak", "live-at-end", "short-lived")


def folded(world):
    """Each line is a stack and a number; each stack's functions and figures are those of SQL, for every metric."""
    log, figures = recorded(world)
    for metric in METRICS:
        found, wanted = collections.Counter(), collections.Counter()
        text = exported(world, log, "folded", "--metric", metric).read_text()
        for line in text.splitlines():
            match = re.fullmatch(r"(\S.*) ([1-9]\d*)", line)
            expect(match, f"{line!r} is no folded stack")
            found[tuple(match[1].split(";"))] += int(match[2])
        for stack_id, own in figures.items():
            if own[metric]:
                wanted[tuple(name.replace(";", ",") for name in functions(log, stack_id))] += own[metric]
        expect_equal(found, wanted, f"stacks and their {metric}")
        draw = shutil.which("flamegraph.pl")
        if draw:
            drawn = subprocess.run([draw], input=text, capture_output=True, text=True)
            expect("</svg>" in drawn.stdout and not drawn.stderr, f"flamegraph.pl said {drawn.stderr}")


def speedscope(world):
    """As its published schema has it, with a profile for each metric."""
    log, figures = recorded(world)
    data = json.loads(exported(world, log, "speedscope", "--metric", "peak").read_text())
    expect_equal(set(data), {"$schema", "exporter", "name", "activeProfileIndex", "shared", "profiles"}, "members")
    expect_equal(data["$schema"], "https://www.speedscope.app/file-format-schema.json", "$schema")
    frames = data["shared"]["frames"]
    for frame in frames:
        expect(isinstance(frame["name"], str) and set(frame) <= {"name", "file", "line", "col"}, f"the frame {frame}")
        expect(isinstance(frame.get("file", ""), str) and isinstance(frame.get("line", 1), int), f"the frame {frame}")
    expect_equal(sorted(profile["name"] for profile in data["profiles"]), sorted(METRICS), "profiles")
    expect_equal(data["profiles"][0]["name"], "peak", "the first profile")
    for profile in data["profiles"]:
        expect_equal(set(profile), {"type", "name", "unit", "startValue", "endValue", "samples", "weights"}, "members")
        expect_equal((profile["type"], profile["startValue"]), ("sampled", 0), "type and startValue")
        expect(profile["unit"] in ("none", "bytes"), f"the unit {profile['unit']}")
        expect_equal(len(profile["samples"]), len(profile["weights"]), "samples and weights")
        expect(all(0 <= i < len(frames) for sample in profile["samples"] for i in sample), "a sample names no frame")
        wanted = sorted(own[profile["name"]] for own in figures.values() if own[profile["name"]])
        expect_equal(sorted(profile["weights"]), wanted, f"weights of {profile['name']}")
        expect_equal(profile["endValue"], sum(wanted), f"endValue of {profile['name']}")
    check_schema(data)


def check_schema(data):
    """Where TENURE_SCHEMAS names a folder that has speedscope's schema, and python3-jsonschema is there."""
    path = pathlib.Path(os.environ.get("TENURE_SCHEMAS", "")) / "file-format-schema.json"
    if os.environ.get("TENURE_SCHEMAS") and path.exists():
        import jsonschema

        jsonschema.validate(data, json.loads(path.read_text()))


# The viewer's own functions, without its page.
DHAT = """
const fs = require('fs'), vm = require('vm');
const source = fs.readFileSync(process.argv[1], 'utf8') + `
gData = JSON.parse(text);
gSelect = {childNodes: gSelectData.map(() => ({})), selectedIndex: 0};
buildTree();
JSON.stringify({bytes: gRoot._totalBytes, blocks: gRoot._totalBlocks, peak: gRoot._atTGmaxBytes,
                end: gRoot._atTEndBytes, blocksAtEnd: gRoot._atTEndBlocks, children: gRoot._kids.length});`;
console.log(vm.runInNewContext(source, {text: fs.readFileSync(process.argv[2], 'utf8'), document: {}, window: {}, console}));
"""


def dhat(world):
    """The viewer of valgrind builds its tree from it, and finds the sums of SQL."""
    log, figures = recorded(world)
    path = exported(world, log, "dhat")
    told = json.loads(path.read_text())
    expect_equal(sorted(point["tb"] for point in told["pps"]), sorted(own["bytes"] for own in figures.values()), "bytes by point")
    expect(all(point["eb"] <= point["mb"] <= point["tb"] for point in told["pps"]), "a maximum is out of bounds")
    node = need("node")
    if not DHAT_VIEWER.exists():
        raise Skip("valgrind's dh_view.js is not installed")
    result = world.run(node, "-e", DHAT, DHAT_VIEWER, path)
    expect_equal((result.status, result.err), (0, b""), "the viewer")
    tree = json.loads(result.out)
    expect(tree.pop("children") > 0, "the tree has no branches")
    expect_equal(tree, {"bytes": total(figures, "bytes"), "blocks": total(figures, "allocations"), "peak": total(figures, "peak"),
                        "end": total(figures, "live-at-end"), "blocksAtEnd": total(figures, "live_count")}, "the viewer's sums")


def massif(world):
    """ms_print draws it, with the peak and its tree."""
    log, figures = recorded(world)
    path = exported(world, log, "massif")
    result = world.run(need("ms_print"), path)
    expect_equal((result.status, result.err), (0, b""), "ms_print")
    text = result.out.decode()
    (peak_number,) = re.findall(r"\[.*?(\d+) \(peak\).*?\]", text)
    rows = re.findall(r"^ *(\d+) +([\d.,]+) +([\d,]+) +([\d,]+) +0 +0$", text, re.M)
    sizes = {int(number): int(size.replace(",", "")) for number, _, size, _ in rows}
    expect_equal(sizes[int(peak_number)], total(figures, "peak"), "bytes of the peak")
    expect_equal(max(sizes.values()), total(figures, "peak"), "the highest snapshot")
    expect_equal(sizes[max(sizes)], total(figures, "live-at-end"), "the last snapshot")
    times = [float(time.replace(",", "")) for _, time, _, _ in rows]
    expect(times == sorted(times) and len(times) > 5, f"the times {times}")
    check_massif_tree(path.read_text())
    expect(re.search(r"->\d+\.\d+% \([\d,]+B\) 0x[0-9a-f]+: \S", text), "the tree is not shown")


def check_massif_tree(text):
    """Each branch has as many children as it says, and they hold no more than it does."""
    lines = re.findall(r"^( *)n(\d+): (\d+) ", text, re.M)
    expect(len(lines) > 5, "the tree has few branches")
    for i, (indent, children, size) in enumerate(lines):
        below = []
        for other, _, other_size in lines[i + 1 :]:
            if len(other) <= len(indent):
                break
            if len(other) == len(indent) + 1:
                below.append(int(other_size))
        expect_equal(len(below), int(children), f"children of branch {i}")
        expect(sum(below) <= int(size), f"children of branch {i} hold {sum(below)} of {size} bytes")
        expect(below == sorted(below[:-1], reverse=True) + below[-1:], f"children of branch {i} are not in order: {below}")


def heaptrack(world):
    """heaptrack_print counts what SQL counts, and the same functions allocate most."""
    log, figures = recorded(world)
    path = exported(world, log, "heaptrack")
    costs = world.folder / "costs.txt"
    result = world.run(need("heaptrack_print"), "-f", path, "-F", costs, "--flamegraph-cost-type", "allocations")
    expect_equal(result.status, 0, "heaptrack_print")
    text = result.out.decode()
    (calls,) = re.findall(r"^calls to allocation functions: (\d+)", text, re.M)
    expect_equal(int(calls), total(figures, "allocations"), "calls")
    for label, metric in (("peak heap memory consumption", "peak"), ("total memory leaked", "live-at-end")):
        (shown,) = re.findall(rf"^{label}: ([\d.]+\w?)", text, re.M)
        expect_equal(shown, heaptrack_bytes(total(figures, metric)), label)
    counted = [int(line.rsplit(" ", 1)[1]) for line in costs.read_text().splitlines()]
    expect_equal(sum(counted), total(figures, "allocations"), "allocations by stack")


def heaptrack_bytes(count):
    """As heaptrack prints bytes."""
    for unit in ("B", "K", "M"):
        if abs(count) < 1000:
            return f"{count}{unit}" if unit == "B" else f"{count:.2f}{unit}"
        count /= 1000
    return f"{count:.2f}G"


def protoc(world, proto, message, data):
    """What protoc makes of it, as nested lists of (name, value)."""
    result = world.run(need("protoc"), f"-I{proto.parent}", f"--decode={message}", proto.name, stdin=data)
    expect_equal((result.status, result.err), (0, b""), "protoc")
    stack = [[]]
    for line in result.out.decode().splitlines():
        line = line.strip()
        if line.endswith(" {"):
            stack[-1].append((line[:-2], []))
            stack.append(stack[-1][-1][1])
        elif line == "}":
            stack.pop()
        else:
            name, _, value = line.partition(": ")
            expect(not name.isdigit(), f"the message has a field {name} that is not known")
            stack[-1].append((name, value))
    return stack[0]


def all_of(message, name):
    return [value for own, value in message if own == name]


def numbers_of(message, name):
    return [int(value) for value in all_of(message, name)]


def one_number(message, name):
    """A field with one number; one that is left out is 0."""
    return (numbers_of(message, name) or [0])[0]


def pprof(world):
    """protoc reads it by pprof's own description; samples, functions and lines are those of SQL."""
    log, figures = recorded(world)
    if not PROFILE_PROTO.exists():
        raise Skip("pprof's profile.proto is not installed")
    profile = protoc(world, PROFILE_PROTO, "perftools.profiles.Profile", exported(world, log, "pprof", "--metric", "bytes").read_bytes())
    strings = [json.loads(text) for text in all_of(profile, "string_table")]
    expect_equal(strings[0], "", "the first string")
    types = [strings[one_number(kind, "type")] for kind in all_of(profile, "sample_type")]
    expect_equal(types, ["alloc_objects", "alloc_space", "peak_space", "inuse_space", "short_lived_objects"], "types")
    expect_equal(strings[one_number(profile, "default_sample_type")], "alloc_space", "the default type")
    found = sorted(tuple(numbers_of(sample, "value")) for sample in all_of(profile, "sample"))
    expect_equal(found, sorted(tuple(own[metric] for metric in METRICS) for own in figures.values()), "values of samples")
    names = {one_number(function, "id"): strings[one_number(function, "name")] for function in all_of(profile, "function")}
    locations = {one_number(location, "id"): names[one_number(all_of(location, "line")[0], "function_id")]
                 for location in all_of(profile, "location")}
    stacks = {tuple(locations[i] for i in numbers_of(sample, "location_id")) for sample in all_of(profile, "sample")}
    expect_equal(stacks, {tuple(reversed(functions(log, stack_id))) for stack_id in figures}, "stacks")
    if shutil.which("go"):
        shown = subprocess.run(["go", "tool", "pprof", "-raw", world.folder / "export.pprof"], capture_output=True, text=True)
        expect("alloc_space/bytes" in shown.stdout, f"go tool pprof said {shown.stderr}")


def perfetto(world):
    """protoc reads it by Perfetto's numbers of fields; every reference leads somewhere; figures are those of SQL."""
    log, figures = recorded(world)
    trace = protoc(world, HERE / "perfetto.proto", "Trace", exported(world, log, "perfetto").read_bytes())
    ((packet,),) = [all_of(trace, "packet")]
    (profile,) = all_of(packet, "profile_packet")
    known = {name: {one_number(entry, "iid") for entry in all_of(profile, name)}
             for name in ("strings", "mappings", "frames", "callstacks")}
    for frame in all_of(profile, "frames"):
        expect(one_number(frame, "function_name_id") in known["strings"], "a frame has no name")
        expect(one_number(frame, "mapping_id") in known["mappings"], "a frame has no mapping")
    for stack in all_of(profile, "callstacks"):
        expect(set(numbers_of(stack, "frame_ids")) <= known["frames"], "a stack names no frame")
    (dump,) = all_of(profile, "process_dumps")
    samples = {one_number(sample, "callstack_id"): sample for sample in all_of(dump, "samples")}
    expect_equal(set(samples), known["callstacks"], "stacks with a sample")
    for stack_id, own in figures.items():
        sample = samples[stack_id + 1]
        expect_equal((one_number(sample, "self_allocated"), one_number(sample, "alloc_count")), (own["bytes"], own["allocations"]), "allocated")
        expect_equal(one_number(sample, "self_allocated") - one_number(sample, "self_freed"), own["live-at-end"], "live")
    peak = protoc(world, HERE / "perfetto.proto", "Trace", exported(world, log, "perfetto", "--metric", "peak").read_bytes())
    (dump,) = all_of(all_of(all_of(peak, "packet")[0], "profile_packet")[0], "process_dumps")
    expect_equal(sum(one_number(sample, "self_max") for sample in all_of(dump, "samples")), total(figures, "peak"), "the peak")


def table(world):
    """A row for each stack, with the figures of SQL."""
    log, figures = recorded(world)
    rows = list(csv.DictReader(io.StringIO(exported(world, log, "csv").read_bytes().decode(), newline="")))
    columns = {"allocations": "allocations", "total_bytes": "bytes", "peak_bytes": "peak", "live_at_end": "live_count",
               "live_at_end_bytes": "live-at-end", "short_lived": "short-lived"}
    expect_equal({int(row["stack_id"]): {name: int(row[name]) for name in columns} for row in rows},
                 {stack_id: {name: own[metric] for name, metric in columns.items()} for stack_id, own in figures.items()}, "rows")
    for row in rows:
        expect_equal(row["stack"], " < ".join(reversed(functions(log, int(row["stack_id"])))), "a stack")


def refused(world):
    """A full disk and a damaged log leave what was at the output."""
    log, _ = recorded(world)
    full = world.run("/bin/sh", "-c", f"exec {world.tenure} export {log} --to csv >/dev/full")
    expect_equal((full.status, len(full.error_lines())), (4, 1), f"a full disk: {full.err}")
    kept = world.folder / "kept"
    kept.write_text("old")
    none = world.run(world.tenure, "export", log, "--to", "csv", "--process", "99", "-o", kept)
    expect_equal((none.status, len(none.error_lines()), kept.read_text()), (3, 1, "old"), "no such process")
    same = world.run(world.tenure, "export", log, "--to", "csv", "-o", log)
    expect_equal(same.status, 2, "the log itself as output")


ALL = {
    "export_folded": folded,
    "export_speedscope": speedscope,
    "export_dhat": dhat,
    "export_massif": massif,
    "export_heaptrack": heaptrack,
    "export_pprof": pprof,
    "export_perfetto": perfetto,
    "export_csv": table,
    "export_refused": refused,
}
