# SPDX-License-Identifier: MIT
"""The JSON report, as docs/analyses.md describes it, and its evidence, as `tenure report --list-kinds` declares it."""

import json

from harness import expect, expect_equal

SITE = {"site_id": int, "function": str, "file": str, "line": int, "module": str, "offset_bytes": int,
        "is_tail_call": bool, "via": str, "allocations": int, "callers": list,
        "call": (dict, type(None)), "thread_id": (int, type(None))}
LINE = {"function": str, "file": str, "line": int, "module": str, "offset_bytes": int}
PLACE = LINE | {"site_id": int, "via": str}
LINK = {"holder": (dict, type(None)), "global_module": (str, type(None)), "offset_bytes": int, "holder_type": (str, type(None)),
        "holder_member": (str, type(None)), "held": dict,
        "inner_offset_bytes": int, "moment": str, "looks": int, "looks_made": int, "share": (int, float),
        "distinct_held_blocks": int}
SAVING = {"allocations_removed": int, "bytes_removed": int, "peak_bytes_delta": int, "heap_bytes_delta": dict}
TYPES = {"count": int, "signed": int, "real": (int, float), "bool": bool, "text": str, "object": dict, "list": list}

_kinds = {}


def kinds(world):
    """The tool's kinds by name; asked once."""
    if not _kinds:
        listed = world.run(world.tenure, "report", "--list-kinds", "--format", "json")
        expect_equal((listed.err, listed.status), (b"", 0), "report --list-kinds")
        _kinds.update((kind["name"], kind) for kind in json.loads(listed.out)["kinds"])
    return _kinds


def check_object(found, keys, name):
    expect(isinstance(found, dict), f"{name} is no object")
    for key, types in keys.items():
        expect(key in found, f"{name} has no {key}")
        expect(isinstance(found[key], types), f"{name}.{key} is {found[key]!r}")


def check_evidence(found, keys, name):
    """Every key is declared, with its type, at every depth; every required one is there."""
    declared = {key["key"]: key for key in keys}
    missing = {key for key in declared if declared[key]["is_required"]} - set(found)
    expect(not missing, f"{name} lacks {sorted(missing)}")
    for key, value in found.items():
        expect(key in declared, f"{name}: {key} is not declared")
        if value is None:
            continue
        type_name = declared[key]["type"]
        is_bool = isinstance(value, bool)
        expect(isinstance(value, TYPES[type_name]) and is_bool == (type_name == "bool"), f"{name}.{key} is {value!r}")
        for inner in value if type_name == "list" else [value] if type_name == "object" else []:
            check_evidence(inner, declared[key]["members"], f"{name}.{key}")


def check_condition(finding, name):
    """Whoever is conditional says by what, in the title, too; nobody that is surer has a condition."""
    condition = finding["condition"]
    expect(finding["confidence"] != "conditional" or condition, f"{name} is conditional without a condition")
    expect(not condition or finding["confidence"] in ("conditional", "weak"), f"{name} has a condition all the same")
    if condition:
        check_object(condition, {"kind": str, "text": str, "sites": list}, f"{name}: condition")
        expect(finding["title"].endswith(", if " + condition["text"]), f"{name}: its title does not tell its condition")
        for line in condition["sites"]:
            check_object(line, LINE, f"{name}: condition's site")


def check_releases(finding, name):
    for release in finding["released_at"]:
        check_object(release, LINE | {"count": int, "share": (int, float), "other_sites": int}, f"{name}: release")
        expect(0 < release["share"] <= 1, f"{name}: a share of {release['share']} of the releases")


def check_ownership(links):
    """Each link is as documented, more than chance, and no stronger than the one before it."""
    for link in links:
        name = f"link {link}"
        check_object(link, LINK, name)
        expect((link["holder"] is None) == (link["global_module"] is not None), f"{name}: who holds")
        for place in (link["holder"], link["held"]):
            check_object(place or link["held"], PLACE, name)
        expect(0.1 <= link["share"] <= 1 and link["looks_made"] >= 3 and link["distinct_held_blocks"] >= 3, f"{name}: chance")
    shares = [link["share"] for link in links]
    expect_equal(shares, sorted(shares, reverse=True), "order of the links' shares")
    places = [str((link["holder"], link["global_module"], link["offset_bytes"], link["held"])) for link in links]
    expect_equal(len(places), len(set(places)), "places that are told once")


def check(world, report):
    """Fail where a report is not as documented and declared."""
    check_object(report, {"format_version": int, "log": str, "program": str, "recording": dict, "process_id": int,
                          "processes": list, "totals": dict, "losses": dict, "findings": list, "refuted": list, "not_shown": dict,
                          "ownership": list}, "the report")
    check_ownership(report["ownership"])
    ranks = [finding["rank"] for finding in report["findings"]]
    expect_equal(ranks, sorted(ranks), "order of the findings' ranks")
    for finding in report["findings"]:
        name = f"finding {finding.get('rank')}"
        check_object(finding, {"kind": str, "rank": int, "confidence": str, "title": str, "sites": list, "tactic": str,
                               "condition": (dict, type(None)), "released_at": list,
                               "advice": str, "saving": dict, "evidence": dict, "query": str,
                               "code": (str, type(None)), "notes": (str, type(None)), "alternatives": list}, name)
        expect(finding["kind"] in kinds(world), f"{name} is of an unknown kind {finding['kind']}")
        expect(finding["confidence"] in ("proven", "consistent", "conditional", "weak"), f"{name}: confidence {finding['confidence']}")
        expect(finding["title"] and finding["tactic"] and finding["advice"], f"{name} lacks its texts")
        check_condition(finding, name)
        check_releases(finding, name)
        kind = kinds(world)[finding["kind"]]
        expect(finding["sites"] or kind["program_tactic"] is not None, f"{name} has no site")
        for site in finding["sites"]:
            check_object(site, SITE, f"{name}: site")
            if site["call"]:
                check_object(site["call"], {"number": int, "column": int, "offset_bytes": int}, f"{name}: call")
        check_object(finding["saving"], SAVING, f"{name}: saving")
        check_evidence(finding["evidence"], kind["evidence"], f"{name}, {finding['kind']}: evidence")
