# SPDX-License-Identifier: MIT
"""Real daemons that nobody here wrote, built, driven by a script and recorded: what an audit of the findings reads.

usage: run.py [--list] [--keep FOLDER] [--sources FOLDER] BUILD [PROGRAM...]

Each program is recorded once for each of its inputs. With --keep, FOLDER gets PROGRAM-INPUT.db, .json and .txt: the
log and its report in both formats. With --sources, the unpacked and built source stays in FOLDER/PROGRAM, and is used
again; without, both live in a temporary folder and go with it.

Status 0: recorded and reported; 1: something failed; 77: a source cannot be had on this machine."""

import argparse
import json
import pathlib
import sys
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import dropbear
import lighttpd
import lwm2m
import mosquitto
import source
from harness import SKIP, Skip, World, check_log, expect, expect_equal

PROGRAMS = {"dropbear": dropbear, "lighttpd": lighttpd, "lwm2m": lwm2m, "mosquitto": mosquitto}
REPORT_OPTIONS = {"json": ("--format", "json"), "txt": ("--format", "text")}


LINES_MAX = 150  # of a report with ten findings: what its reader looks through


def write_reports(world, log, stem):
    """The report of a log beside it, as JSON and as text; gives the number of findings."""
    for suffix, options in REPORT_OPTIONS.items():
        result = world.run(world.tenure, "report", log, *options)
        expect_equal(result.status, 0, f"status of report {options} on {log}: {result.err.decode(errors='replace')}")
        stem.with_suffix("." + suffix).write_bytes(result.out)
    lines = len(stem.with_suffix(".txt").read_text().splitlines())
    expect(lines <= LINES_MAX, f"the report on {log} has {lines} lines")
    return len(json.loads(stem.with_suffix(".json").read_text())["findings"])


def record_input(world, program, built, name, keep):
    """Record one program with one input, check the log, and write its reports into the folder `keep`."""
    log = keep / f"{name}.db"
    log.unlink(missing_ok=True)
    world.work = world.folder / name
    world.work.mkdir()
    program.record(world, built, log, name.split("-", 1)[1])
    world.wait_finished(log)
    told = check_log(log)
    findings = write_reports(world, log, keep / name)
    expect(findings > 0, f"no finding on {log}")
    print(f"{name}: {told['allocations']} allocations, {findings} findings")


def run_program(world, name, keep, sources):
    program = PROGRAMS[name]
    built = program.build(world, source.unpack(world, program, name, sources))
    for kind in program.INPUTS:
        record_input(world, program, built, f"{name}-{kind}", keep)


def run_one(options, name):
    """One program in a world of its own: the status that Meson understands."""
    world = World(options.build)
    status = 1
    try:
        run_program(world, name, options.keep or world.folder, options.sources or world.folder / "sources")
        status = 0
    except Skip as reason:
        print(f"SKIP {name}: {reason}")
        status = SKIP
    except Exception:
        traceback.print_exc()
    finally:
        world.close(keep=status == 1)
    return status


def folder(text):
    path = pathlib.Path(text).resolve()
    path.mkdir(parents=True, exist_ok=True)
    return path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--keep", type=folder)
    parser.add_argument("--sources", type=folder)
    parser.add_argument("build", nargs="?")
    parser.add_argument("programs", nargs="*", metavar="PROGRAM")
    options = parser.parse_args()
    if options.list:
        print("\n".join(PROGRAMS))
        return 0
    if not options.build or not set(options.programs) <= set(PROGRAMS):
        parser.error(f"a build folder is needed, and names of these: {', '.join(PROGRAMS)}")
    statuses = {run_one(options, name) for name in options.programs or PROGRAMS}
    return 1 if 1 in statuses else max(statuses)


if __name__ == "__main__":
    sys.exit(main())
