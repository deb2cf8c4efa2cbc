# SPDX-License-Identifier: MIT
"""`tenure report` as a test asks for it."""

import json

from harness import expect_equal


def report(world, log, *options):
    """The JSON report with every finding, weak ones too."""
    result = world.run(world.tenure, "report", "--format", "json", "--confidence", "weak", "--top", "0", *options, log)
    expect_equal((result.status, result.err), (0, b""), f"status and errors of the report on {log}")
    return json.loads(result.out)
