# SPDX-License-Identifier: MIT
"""Which blocks a finding is about, from rows: all of a site's, or those of the role that its call or callers tell."""

from harness import expect_equal, query

SAVED = """SELECT f.key, s.site_id, s.allocations, r.label, r.thread_id, (SELECT count(*) FROM allocation AS a WHERE a.process_id =
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


def through_call(log, site):
    """The stacks whose innermost frame on the site's line is this call of it."""
    call = site["call"]
    rows = query(log, "SELECT stack_id, position, column_number, offset_bytes FROM stack_frame WHERE function = ?"
                      " AND line = ? ORDER BY stack_id, position DESC", site["function"], site["line"])
    innermost = {row[0]: row[2:] for row in rows}  # the last one of a stack is the innermost
    return {stack for stack, (column, offset) in innermost.items()
            if (column == call["column"] if call["column"] else offset == call["offset_bytes"])}


def stacks(log, site):
    """The stacks of a site's role; None: neither its call nor its callers alone tell the role, or it is the whole
    site."""
    callers = site["callers"]
    if site["call"] and not callers:
        return through_call(log, site) if site["call"]["number"] else None
    if not callers or not callers[0]["function"]:
        return None
    return through_callers(log, site) if callers[0]["line"] else below_function(log, callers[0]["function"])


class Blocks:
    """The blocks of a finding."""

    def __init__(self, log, finding):
        self.wanted = [(site["site_id"], stacks(log, site)) for site in finding["sites"]]

    def has(self, site_id, stack_id):
        return any(site_id == site and (found is None or stack_id in found) for site, found in self.wanted)


def call_label(site):
    number, column = site["call"]["number"], site["call"]["column"]
    if number == 0:
        return f"in the other calls of {site['via']} there"
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number // 10 % 10 != 1 else 0, "th")
    place = f"column {column}" if column else f"by address, +{site['call']['offset_bytes']:#x}"
    return f"in the {number}{ending} call of {site['via']} there ({place})"


def label(site):
    """A role in words, as it is saved and as titles have it."""
    told = []
    if not site["callers"]:
        return call_label(site)
    for caller in site["callers"]:
        place = f" ({caller['file'].rsplit('/', 1)[-1]}:{caller['line']})" if caller["line"] else ""
        told.append((caller["function"] or "elsewhere") + place)
    thread = ", in one thread" if site["thread_id"] else ""
    return (call_label(site) + ", " if site["call"] else "") + "when called from " + ", called from ".join(told) + thread


def check_saved(world, log, found):
    """Save the findings, twice: then each role that the report tells is there once, with the stacks of as many
    allocations as it says."""
    for _ in range(2):
        saved = world.run(world.tenure, "report", "--save", "-o", world.folder / f"{log.stem}.saved", log)
        expect_equal((saved.err, saved.status), (b"", 0), f"report --save {log}")
    wanted = [(f["key"], site["site_id"], site["allocations"], label(site), site["thread_id"], site["allocations"])
              for f in found["findings"] for site in f["sites"] if site["callers"] or site["call"]]
    expect_equal(sorted(query(log, SAVED), key=str), sorted(wanted, key=str), f"{log.stem}: saved roles")
    return len(wanted)
