# SPDX-License-Identifier: MIT
"""The shim exports what shim.map lists and nothing else, and imports from other libraries only what
shim_allowed.txt lists, each with its reason. musl's loader loads it, too, if a recorded program starts one of musl's
with its environment, and ends that for each library or symbol that it does not have: so there is none.

usage: shim_symbols.py LIBTENURE.SO"""

import re
import subprocess
import sys

from tree import ROOT, finish

# What musl takes for itself, and what it lacks of what glibc has.
OWN_TO_MUSL = ("libc.", "libpthread.", "libdl.", "libm.", "librt.")
NOT_IN_MUSL = {"__register_atfork", "_r_debug", "__libc_stack_end", "dladdr1", "strerrordesc_np", "mmap64", "dlmopen", "gnu_get_libc_version",
               "secure_getenv", "__cxa_thread_atexit_impl", "reallocarray", "strerrorname_np", "pthread_getattr_default_np"}

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


def musl_lacks(library):
    """What musl would end a program for."""
    lines = subprocess.run(["nm", "-D", "--undefined-only", library], capture_output=True, text=True, check=True).stdout.splitlines()
    strong = {line.split()[-1].split("@")[0] for line in lines if line.split()[-2] == "U"}
    dynamic = subprocess.run(["readelf", "-d", library], capture_output=True, text=True, check=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    return sorted(strong & NOT_IN_MUSL) + [name for name in needed if not name.startswith(OWN_TO_MUSL)]


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
    broken += [f"{name}: musl has none, so a weak reference, or none" for name in musl_lacks(library)]
    finish(broken, len(defined) + len(undefined), "symbols")


main()
