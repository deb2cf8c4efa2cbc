# SPDX-License-Identifier: MIT
"""Hold a report's findings against what a truth program says of itself."""

import os
import re


class Outcome:
    """What came of one program: expected findings that are there, and a line for each that is not right."""

    def __init__(self):
        self.found = 0
        self.roles = 0
        self.expected = 0
        self.missed = []
        self.false = []


def own_lines(truth, finding):
    """The lines of the program's own source that a finding is about."""
    return {site["line"] for site in finding["sites"] if os.path.basename(site["file"] or "") == truth.path.name}


def place(truth, finding):
    return ", ".join(truth.line_name(line) for line in sorted(own_lines(truth, finding))) or "no line of the program"


def differences(truth, wanted, found, name):
    """One text for each number that is not as wanted. A line stands for a site, where that is what was found."""
    if isinstance(wanted, dict):
        if not isinstance(found, dict):
            return [f"{name} is {found!r}, not an object"]
        lines = []
        for key, value in wanted.items():
            lines += differences(truth, value, found.get(key), f"{name}.{key}" if name else key)
        return lines
    if isinstance(wanted, list):
        return list_differences(truth, wanted, found, name)
    if name.endswith(".site") and isinstance(found, dict):
        found = found.get("line")
    if name.endswith(".site") and isinstance(found, str):
        found = int(found.rsplit(":", 1)[-1]) if found.rsplit(":", 1)[-1].isdigit() else found
    if name.endswith(".function") and isinstance(found, str):
        found = found.split("(")[0]  # some compilers tell the parameters
    if type(wanted) is type(found) and wanted == found:
        return []
    return [f"{name} is {found!r}, must be {wanted!r}"]


def list_differences(truth, wanted, found, name):
    """Both lists must have the same items, in any order."""
    if not isinstance(found, list) or len(found) != len(wanted):
        return [f"{name} is {found!r}, must have {len(wanted)} items"]
    lines, left = [], list(found)
    for item in wanted:
        trials = [(differences(truth, item, candidate, f"{name}[]"), index) for index, candidate in enumerate(left)]
        told, index = min(trials, key=lambda trial: len(trial[0]))
        lines += told
        left.pop(index)
    return lines


def role_of(site):
    """[line, "call N", lines of callers..., "one thread"]"""
    call = [f"call {site['call']['number']}"] if site["call"] else []
    thread = ["one thread"] if site["thread_id"] else []
    return [site["line"]] + call + [caller["line"] for caller in site["callers"]] + thread


def roles_of(finding):
    """role_of for each site that a finding is about in a role only."""
    return sorted((role_of(site) for site in finding["sites"] if site["callers"] or site["call"]), key=str)


def wrong_columns(truth, finding):
    """Calls whose column, where it is told, is not that of the call of this number in the source."""
    lines = []
    for site in finding["sites"]:
        if not site["call"] or not site["call"]["column"] or site["file"].rsplit("/", 1)[-1] != truth.path.name:
            continue
        text = truth.source.splitlines()[site["line"] - 1]
        columns = [match.start() + 1 for match in re.finditer(rf"\b{site['via']}\(", text)]
        if columns[site["call"]["number"] - 1:][:1] != [site["call"]["column"]]:
            lines.append(f"{finding['title']}: column {site['call']['column']} of {text.strip()}")
    return lines


def is_candidate(truth, statement, finding):
    """Whether an expectation or allowance can mean this finding."""
    if statement["kind"] not in (finding["kind"], "*"):
        return False
    if "roles" in statement and roles_of(finding) != sorted(statement["roles"], key=str):
        return False
    if "sites" in statement and own_lines(truth, finding) != set(statement["sites"]):
        return False
    marks = statement.get("marks", {})
    return all(finding["evidence"].get(key) == value for key, value in marks.items())


def judge_condition(truth, wanted, found):
    """A condition is of the kind wanted, names the lines wanted, and says what its expression finds; null: none."""
    if wanted is None or found is None:
        return [] if wanted == found else [f"condition is {found!r}, must be {wanted!r}"]
    lines = differences(truth, {"kind": wanted["kind"]}, found, "condition")
    told = {line["line"] for line in found["sites"]}
    if "sites" in wanted and told != set(wanted["sites"]):
        lines.append(f"the condition names {', '.join(map(truth.line_name, sorted(told))) or 'no line'}")
    if "text" in wanted and not re.search(wanted["text"], found["text"]):
        lines.append(f"the condition is {found['text']!r}, where {wanted['text']!r} finds nothing")
    return lines


def judge(truth, statement, finding):
    """What is not right with a finding that an expectation means."""
    wanted = statement.get("confidence")
    lines = []
    if wanted and finding["confidence"] != wanted:
        lines.append(f"confidence is {finding['confidence']}, must be {wanted}")
    if not wanted and finding["confidence"] == "weak":
        lines.append("confidence is weak")
    if "roles" not in statement and roles_of(finding):
        lines.append(f"it is about the roles {roles_of(finding)}")
    if "condition" in statement:
        lines += judge_condition(truth, statement["condition"], finding["condition"])
    if "released_at" in statement:
        lines += differences(truth, statement["released_at"], finding["released_at"], "released_at")
    return lines + differences(truth, statement.get("evidence", {}), finding["evidence"], "")


def gave_way(truth, statement, findings):
    """Whether a stronger kind that leads at the same sites names this kind among its alternatives."""
    sites = set(statement.get("sites", []))
    leaders = [f for f in findings if own_lines(truth, f) & sites and statement["kind"] in f["alternatives"]]
    return bool(sites) and sites <= set().union(*(own_lines(truth, f) for f in leaders))


def missed_story(truth, statement, findings):
    others = sorted({f"{f['kind']} ({f['confidence']})" for f in findings
                     if own_lines(truth, f) & set(statement.get("sites", []))})
    return "missed" + (f"; found instead: {', '.join(others)}" if others else "")


def take_expected(truth, findings, only, outcome):
    """Judge every expectation; gives the findings that none of them means. An expected finding that gave way to a
    stronger one must be there when only its kind is asked for."""
    left = list(findings)
    for statement in truth.statements["expect"]:
        outcome.expected += 1
        names = ", ".join(truth.line_name(line) for line in statement.get("sites", [])) or "the program"
        story = f"{truth.name}: {statement['kind']} of {names}"
        candidates = [f for f in left if is_candidate(truth, statement, f)]
        if not candidates and gave_way(truth, statement, findings):
            candidates = [f for f in only(statement["kind"])["findings"] if is_candidate(truth, statement, f)]
        trials = [(judge(truth, statement, f), f) for f in candidates]
        if not trials:
            outcome.missed.append(f"{story}: {missed_story(truth, statement, findings)}")
            continue
        lines, finding = min(trials, key=lambda trial: len(trial[0]))
        if finding in left:
            left.remove(finding)
        if lines:
            outcome.missed.append(f"{story}: {'; '.join(lines)}")
        else:
            outcome.found += 1
    return left


def is_near_miss(truth, statement, finding):
    return statement["kind"] in (finding["kind"], "*") and bool(own_lines(truth, finding) & set(statement["sites"]))


def compare(truth, report, only):
    """The Outcome of a report on a recording of the program; only(kind) gives the report of that kind alone."""
    outcome = Outcome()
    strong = [f for f in take_expected(truth, report["findings"], only, outcome) if f["confidence"] != "weak"]
    for finding in strong:
        story = f"{truth.name}: {finding['kind']} of {place(truth, finding)} ({finding['confidence']}): {finding['title']}"
        if any(is_near_miss(truth, statement, finding) for statement in truth.statements["never"]):
            outcome.false.append(f"{story}: a near miss")
        elif own_lines(truth, finding) and not any(is_candidate(truth, s, finding) for s in truth.statements["allow"]):
            outcome.false.append(f"{story}: not expected")
    return outcome
