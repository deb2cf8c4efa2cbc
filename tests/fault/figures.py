# SPDX-License-Identifier: MIT
"""The figures of docs/reliability.md, from the results of the tests that give them, as a table.

usage: meson test -C BUILD --suite fault --suite survive --suite long; figures.py BUILD"""

import json
import pathlib
import re
import sys

# How a test's last words of figures look, and the row that they make: (what, how often, what came of it).
ROWS = [
    (re.compile(r"all_calls_fail_\w+$"), re.compile(r"(?P<often>\d+) calls failed, (?P<harm>\d+) of them with harm; .* at most (?P<most>\d+) ms"),
     "system calls that failed, {name}", "{harm} with harm; a run took {most} ms at most"),
    (re.compile(r"programs_killed_\d+_times$"), re.compile(r"(?P<often>\d+) programs killed: (?P<events>\d+) births recorded, none missing"),
     "programs killed", "0 of {events} births missing"),
    (re.compile(r"recorders_killed_\d+_times$"), re.compile(r"(?P<often>\d+) recorders killed: .* (?P<most>\d+) ms at most"),
     "recorders killed", "0 logs unsound; the program stood still for {most} ms at most"),
    (re.compile(r"fuzz_\w+$"), re.compile(r"(?P<often>\d+) inputs"), "inputs changed by numbers, {name}", "0 handled wrongly"),
    (re.compile(r"libfuzzer_\w+$"), re.compile(r"stat::number_of_executed_units:\s*(?P<often>\d+)"), "inputs of libFuzzer, {name}",
     "0 handled wrongly"),
]


def row_of(name, test):
    for named, told, what, outcome in ROWS:
        match = named.match(name) and told.search(test.get("stdout") or "")
        if match and test["result"] == "OK":
            words = {"name": name.split("_fail_")[-1].split("fuzz_")[-1].split("fuzzer_")[-1], **match.groupdict()}
            words.update({key: f"{int(number):,}" for key, number in match.groupdict().items()})
            return f"| {what.format(**words)} | {int(match['often']):,} | {outcome.format(**words)} |"
    return None


def main():
    rows = {}
    for log in sorted(pathlib.Path(sys.argv[1]).glob("meson-logs/testlog*.json")):
        for line in log.read_text().splitlines():
            test = json.loads(line)
            name = test["name"].rsplit(" / ", 1)[-1]
            rows[name] = row_of(name, test) or rows.get(name)
    print("| what | how often | what came of it |\n|---|---|---|")
    print("\n".join(row for _, row in sorted(rows.items()) if row))


main()
