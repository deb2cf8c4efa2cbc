# SPDX-License-Identifier: MIT
"""The shim exports what shim.map lists and nothing else, and imports from other libraries only what
shim_allowed.txt lists, each with its reason.

usage: shim_symbols.py LIBTENURE.SO"""

import re
import subprocess
import sys

from tree import ROOT, finish

ALLOWED = ROOT / "tests/rules/shim_allowed.txt"
VERSION_SCRIPT = ROOT / "lib/shim/shim.map"


def symbols(library, *options):
    """Names that nm gives, without their version."""
    output = subprocess.run(["nm", "-D", *options, library], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1].split("@")[0] for line in output.splitlines() if line.strip()}


def allowed():
    """Name -> (reason, whether it must be used). The reason stands behind the name, or heads its group."""
    names, reason = {}, ""
    for line in ALLOWED.read_text().splitlines():
        if line.startswith("#"):
            reason = line[1:].strip()
        elif line.strip():
            name, *rest = line.split()
            is_optional = rest[:1] == ["?"]
            names[name] = (" ".join(rest[is_optional:]) or reason, not is_optional)
        else:
            reason = ""
    return names


def listed():
    """The global names of the version script."""
    text = re.sub(r"/\*.*?\*/", "", VERSION_SCRIPT.read_text(), flags=re.S)
    text = re.sub(r"#.*", "", text)
    part = re.search(r"global:(.*?)local:", text, re.S)
    return {name.strip() for name in part.group(1).split(";") if name.strip()}


def main():
    library = sys.argv[1]
    defined = symbols(library, "--defined-only")
    undefined = symbols(library, "--undefined-only")
    wanted, reasons = listed(), allowed()
    broken = [f"{name}: exported, but not in shim.map" for name in sorted(defined - wanted)]
    broken += [f"{name}: in shim.map, but not exported" for name in sorted(wanted - defined)]
    broken += [f"{name}: wanted from another library, without a reason in shim_allowed.txt" for name in sorted(undefined - set(reasons))]
    broken += [f"{name}: allowed, but without a reason" for name, (reason, _) in sorted(reasons.items()) if not reason]
    unused = sorted(name for name, (_, is_needed) in reasons.items() if is_needed and name not in undefined)
    broken += [f"{name}: allowed, but no longer used" for name in unused]
    finish(broken, len(defined) + len(undefined), "symbols")


main()
