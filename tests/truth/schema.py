# SPDX-License-Identifier: MIT
"""The JSON report, as docs/analyses.md describes it."""

import pathlib
import re

from harness import expect, expect_equal

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/analyses.md"
SECTIONS = dict(re.findall(r"^## ([a-z-]+)\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.M | re.S))

KINDS = {
    "stack-buffer": {"buffer_bytes": int, "owner": dict, "frames_down": int, "instances": int, "exceptions": int},
    "combine": {"relation": str, "members": list, "combined_bytes": int, "groups": int, "exceptions": int},
    "pool": {"block_bytes": int, "block_count": int, "alignment_bytes": int, "waste_bytes": int},
    "preallocate": {"peak_count": int, "erlang_count": int, "probability": float},
    "permanent": {"count": int, "total_bytes": int, "class": str},
    "fixed-maximum": {"max_bytes": int, "p99_bytes": int, "observations": int, "still_growing": bool},
    "presize": {"chains": int, "growth_steps": int, "final_bytes": int},
    "pinning": {"pinned_mean_bytes": int, "pinned_peak_bytes": int, "policy": str},
    "overhead": {},
    "growth": {},
}
SITE = {"site_id": int, "function": str, "file": str, "line": int, "module": str, "offset_bytes": int, "via": str,
        "allocations": int}
SAVING = {"allocations_removed": int, "bytes_removed": int, "peak_bytes_delta": int, "heap_bytes_delta": dict}
OWNER = {"function": (str, type(None)), "file": (str, type(None)), "line": (int, type(None))}
MEMBER = {"site": (dict, str), "size_bytes": int, "per_group": int}


def check_object(found, keys, name):
    expect(isinstance(found, dict), f"{name} is no object")
    for key, types in keys.items():
        expect(key in found, f"{name} has no {key}")
        if types is float:
            types = (int, float)
        expect(isinstance(found[key], types), f"{name}.{key} is {found[key]!r}")


def check_documented(value, kind):
    """Every key of the evidence is named in the page's section of the kind."""
    for item in value if isinstance(value, list) else []:
        check_documented(item, kind)
    for key, inner in value.items() if isinstance(value, dict) else []:
        expect(f"`{key}`" in SECTIONS[kind], f"docs/analyses.md, {kind}: {key} is not there")
        check_documented(inner, kind)


def check_evidence(finding, name):
    check_documented(finding["evidence"], finding["kind"])
    check_object(finding["evidence"], KINDS[finding["kind"]], f"{name}: evidence")
    if finding["kind"] == "stack-buffer":
        check_object(finding["evidence"]["owner"], OWNER, f"{name}: owner")
    for member in finding["evidence"].get("members", []):
        check_object(member, MEMBER, f"{name}: member")


def check(report):
    """Fail where a report is not as documented."""
    check_object(report, {"format_version": int, "log": str, "program": str, "recording": dict, "process_id": int,
                          "processes": list, "totals": dict, "losses": dict, "findings": list, "not_shown": dict}, "the report")
    ranks = [finding["rank"] for finding in report["findings"]]
    expect_equal(ranks, sorted(ranks), "order of the findings' ranks")
    for finding in report["findings"]:
        name = f"finding {finding.get('rank')}"
        check_object(finding, {"kind": str, "rank": int, "confidence": str, "title": str, "sites": list, "tactic": str,
                               "advice": str, "saving": dict, "evidence": dict, "query": str,
                               "code": (str, type(None)), "notes": (str, type(None)), "alternatives": list}, name)
        expect(finding["kind"] in KINDS, f"{name} is of an unknown kind {finding['kind']}")
        expect(finding["confidence"] in ("proven", "consistent", "weak"), f"{name}: confidence {finding['confidence']}")
        expect(finding["title"] and finding["tactic"] and finding["advice"], f"{name} lacks its texts")
        expect(finding["sites"] or finding["kind"] == "pool", f"{name} has no site")
        for site in finding["sites"]:
            check_object(site, SITE, f"{name}: site")
        check_object(finding["saving"], SAVING, f"{name}: saving")
        check_evidence(finding, name)
