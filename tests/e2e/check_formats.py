# SPDX-License-Identifier: MIT
"""Whether a text is JUnit XML or SARIF 2.1.0 as readers of these formats take them. The rules are written down here
from the standards: every member that tenure writes, its type, which are required, and no others. Where the folder that
TENURE_SCHEMAS names has the public schemas, they are asked as well: sarif-schema-2.1.0.json, JUnit.xsd (of Ant), and
junit-10.xsd (of the Jenkins xUnit plug-in)."""

import json
import os
import pathlib
import re
import subprocess
import xml.etree.ElementTree

from harness import expect, expect_equal, need

# ------------------------------------------------------------------------------------------------ SARIF

# Object -> member -> (its form, required). A form is a type, the name of an object, or [form] for an array of them.
# SARIF 2.1.0, OASIS standard, sections 3.13 to 3.52.
SARIF = {
    "log": {"$schema": (str, False), "version": (str, True), "runs": (["run"], True)},
    "run": {"tool": ("tool", True), "originalUriBaseIds": ("bases", False), "columnKind": (str, False), "results": (["result"], False)},
    "tool": {"driver": ("component", True)},
    "component": {"name": (str, True), "rules": (["rule"], False)},
    "rule": {"id": (str, True), "shortDescription": ("message", False)},
    "bases": {"SRCROOT": ("artifact", False)},
    "result": {"ruleId": (str, False), "ruleIndex": (int, False), "level": (str, False), "message": ("message", True),
               "locations": (["location"], False), "partialFingerprints": ("fingerprints", False),
               "suppressions": (["suppression"], False)},
    "message": {"text": (str, True)},
    "location": {"physicalLocation": ("physical", False), "logicalLocations": (["logical"], False)},
    "physical": {"artifactLocation": ("artifact", True), "region": ("region", False)},
    "artifact": {"uri": (str, False), "uriBaseId": (str, False)},
    "region": {"startLine": (int, True)},
    "logical": {"fullyQualifiedName": (str, False), "kind": (str, False)},
    "fingerprints": {"limitAndPlace/v1": (str, False)},
    "suppression": {"kind": (str, True), "justification": (str, False)},
}
# RFC 3986: characters of a URI reference, escapes included.
URI = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-F]{2})*\Z")


def check_form(value, form, where):
    if isinstance(form, list):
        expect(isinstance(value, list), f"{where} is no array")
        for i, item in enumerate(value):
            check_form(item, form[0], f"{where}[{i}]")
    elif isinstance(form, str):
        expect(isinstance(value, dict), f"{where} is no object")
        expect(set(value) <= set(SARIF[form]), f"{where} has members that {form} has not: {set(value) - set(SARIF[form])}")
        for name, (own, is_required) in SARIF[form].items():
            expect(name in value or not is_required, f"{where} lacks {name}")
            if name in value:
                check_form(value[name], own, f"{where}.{name}")
    else:
        expect(isinstance(value, form) and not isinstance(value, bool), f"{where} is no {form.__name__}: {value!r}")


def check_run(run):
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    expect_equal(len(rules), len(set(rules)), "rules of one id")
    for base in run.get("originalUriBaseIds", {}).values():
        expect(base["uri"].startswith("file:///") and base["uri"].endswith("/"), f"base {base}")
    for result in run["results"]:
        expect_equal(rules[result["ruleIndex"]], result["ruleId"], "the rule of a result")
        expect(result["level"] in ("none", "note", "warning", "error"), f"level {result['level']}")
        expect(result["message"]["text"], "an empty message")
        for suppression in result.get("suppressions", ()):
            expect(suppression["kind"] in ("inSource", "external"), f"suppression {suppression}")
        for location in result.get("locations", ()):
            place = location.get("physicalLocation")
            if place is None:
                continue
            artifact = place["artifactLocation"]
            expect(URI.match(artifact["uri"]), f"no URI: {artifact['uri']}")
            expect(artifact["uri"].startswith("file:///") != ("uriBaseId" in artifact), f"a URI with two bases, or none: {artifact}")
            expect(artifact.get("uriBaseId", "SRCROOT") in run.get("originalUriBaseIds", {"SRCROOT": 0}), f"base of {artifact}")
            expect(place["region"]["startLine"] >= 1, "lines begin at 1")


def schema(name):
    """The path of a public schema; None where it is not at hand."""
    folder = os.environ.get("TENURE_SCHEMAS")
    path = pathlib.Path(folder) / name if folder else None
    return path if path and path.exists() else None


def sarif(text):
    log = json.loads(text)
    check_form(log, "log", "log")
    expect_equal(log["version"], "2.1.0", "version")
    for run in log["runs"]:
        check_run(run)
    if path := schema("sarif-schema-2.1.0.json"):
        import jsonschema

        jsonschema.validate(log, json.loads(path.read_text()))
        print("valid by the public schema of SARIF")


# ------------------------------------------------------------------------------------------------ JUnit

# Element -> (required attributes, elements within in their order). The strictest in use: Ant's JUnit.xsd.
JUNIT = {
    "testsuites": ((), ("testsuite",)),
    "testsuite": (("package", "id", "name", "timestamp", "hostname", "tests", "failures", "errors", "time"),
                  ("properties", "testcase", "system-out", "system-err")),
    "properties": ((), ()),
    "testcase": (("name", "classname", "time"), ("failure",)),
    "failure": (("type", "message"), ()),
    "system-out": ((), ()),
    "system-err": ((), ()),
}


def check_element(element):
    expect(element.tag in JUNIT, f"no element of JUnit: {element.tag}")
    attributes, within = JUNIT[element.tag]
    expect_equal(sorted(element.keys()), sorted(attributes), f"attributes of {element.tag}")
    order = [child.tag for child in element]
    expect(all(tag in within for tag in order), f"elements in {element.tag}: {order}")
    expect_equal(order, sorted(order, key=within.index), f"order of the elements in {element.tag}")
    for child in element:
        check_element(child)


def junit(text):
    root = xml.etree.ElementTree.fromstring(text)
    expect_equal(root.tag, "testsuites", "the root")
    check_element(root)
    for suite in root:
        for name, wanted in (("tests", "testcase"), ("failures", "testcase/failure")):
            expect_equal(int(suite.get(name)), len(suite.findall(wanted)), f"number of {name}")
        expect(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp")), "the time stamp")
    for name in ("JUnit.xsd", "junit-10.xsd"):
        if path := schema(name):
            result = subprocess.run([need("xmllint"), "--noout", "--schema", path, "-"], input=text.encode(), capture_output=True)
            expect_equal(result.returncode, 0, f"{name}: {result.stderr.decode()}")
            print(f"valid by {name}")


def check_itself():
    """What is not valid is refused."""
    result = {"ruleId": "a", "ruleIndex": 0, "level": "error", "message": {"text": "x"}}
    log = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t", "rules": [{"id": "a"}]}}, "results": [result]}]}
    sarif(json.dumps(log))
    for name, value in (("level", "fatal"), ("ruleIndex", True), ("message", {}), ("ruleId", "b"), ("other", 1),
                        ("locations", [{"physicalLocation": {"artifactLocation": {"uri": "a b"}, "region": {"startLine": 1}}}])):
        broken = json.loads(json.dumps(log))
        broken["runs"][0]["results"][0][name] = value
        try:
            sarif(json.dumps(broken))
        except AssertionError:
            continue
        raise ValueError(f"SARIF with {name} = {value} passes")


check_itself()
