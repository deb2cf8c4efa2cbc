# SPDX-License-Identifier: MIT
"""docs/analyses.md names every threshold of the analyses, with its default, and no other."""

import math
import re

from tree import ROOT, finish, sources

IN_CODE = re.compile(r'\{\s*"([a-z-]+\.[a-z0-9-]+)",\s*([-0-9.e/ ]+),')
IN_PAGE = re.compile(r"^\| `([a-z-]+\.[a-z0-9-]+)` \| ([-0-9.,e]+) \|", re.M)


def number(text):
    """A number, or a fraction of two."""
    part, _, whole = text.replace(",", "").partition("/")
    return float(part) / float(whole or 1)


def main():
    page = (ROOT / "docs/analyses.md").read_text()
    code = {}
    for path in sources("lib/kinds"):
        code.update((name, number(text)) for name, text in IN_CODE.findall(path.read_text()))
    told = {name: number(text) for name, text in IN_PAGE.findall(page)}
    broken = [f"docs/analyses.md: {name} is not there" for name in sorted(set(code) - set(told))]
    broken += [f"docs/analyses.md: {name} is no threshold" for name in sorted(set(told) - set(code))]
    broken += [f"docs/analyses.md: the default of {name} is {told[name]:g}, in the code {code[name]:g}"
               for name in sorted(set(code) & set(told)) if not math.isclose(code[name], told[name], rel_tol=1e-3)]
    finish(broken, len(code), "thresholds")


main()
