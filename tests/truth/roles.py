# SPDX-License-Identifier: MIT
"""Which blocks a finding is about, from rows: all of a site's, or those of the role that its callers tell."""

from harness import expect_equal, query

SAVED = """SELECT f.key, s.site_id, s.allocations, r.label, (SELECT count(*) FROM allocation AS a WHERE a.process_id =
f.process_id AND a.site_id = s.site_id AND a.stack_id IN (SELECT stack_id FROM role_stack WHERE role_id = r.id))
FROM finding AS f JOIN finding_site AS s ON s.finding_id = f.id JOIN role AS r ON r.id = s.role_id"""


def through_callers(log, site):
    """The stacks in which the callers of a site's role lead to it, one by one."""
    joins = " ".join(
        f"JOIN stack_frame AS c{level} ON c{level}.stack_id = s.stack_id AND c{level}.position = s.position + {level}"
        f" AND c{level}.function = ? AND c{level}.line = ?" for level in range(1, len(site["callers"]) + 1))
    names = [value for line in site["callers"] + [site] for value in (line["function"], line["line"])]
    return {row[0] for row in query(log, f"SELECT s.stack_id FROM stack_frame AS s {joins}"
                                         " WHERE s.function = ? AND s.line = ?", *names)}


def below_function(log, function):
    return {row[0] for row in query(log, "SELECT stack_id FROM stack_frame WHERE function = ?", function)}


def stacks(log, site):
    """The stacks of a site's role; None: the role cannot be told by its callers alone, or it is the whole site."""
    callers = site["callers"]
    if not callers or not callers[0]["function"]:
        return None
    return through_callers(log, site) if callers[0]["line"] else below_function(log, callers[0]["function"])


class Blocks:
    """The blocks of a finding."""

    def __init__(self, log, finding):
        self.wanted = [(site["site_id"], stacks(log, site)) for site in finding["sites"]]

    def has(self, site_id, stack_id):
        return any(site_id == site and (found is None or stack_id in found) for site, found in self.wanted)


def label(site):
    """A role in words, as it is saved and as titles have it."""
    told = []
    for caller in site["callers"]:
        place = f" ({caller['file'].rsplit('/', 1)[-1]}:{caller['line']})" if caller["line"] else ""
        told.append((caller["function"] or "elsewhere") + place)
    return "when called from " + ", called from ".join(told)


def check_saved(world, log, found):
    """Save the findings, twice: then each role that the report tells is there once, with the stacks of as many
    allocations as it says."""
    for _ in range(2):
        saved = world.run(world.tenure, "report", "--save", "-o", world.folder / f"{log.stem}.saved", log)
        expect_equal((saved.err, saved.status), (b"", 0), f"report --save {log}")
    wanted = [(f["key"], site["site_id"], site["allocations"], label(site), site["allocations"])
              for f in found["findings"] for site in f["sites"] if site["callers"]]
    expect_equal(sorted(query(log, SAVED)), sorted(wanted), f"{log.stem}: saved roles")
    return len(wanted)
