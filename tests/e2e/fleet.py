# SPDX-License-Identifier: MIT
"""Recordings of several devices in a PostgreSQL server of the test's own: what its tables hold is what SQL says about
each log, and the queries of docs/queries.md answer as Python does.

usage: fleet.py BUILD"""

import collections
import json
import os
import pathlib
import pwd
import re
import shutil
import statistics
import subprocess
import sys

from harness import Skip, expect, expect_equal, need, query, value, wait_until
from run import run_one

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/queries.md"


class Server:
    """A PostgreSQL server in a folder, reached by a socket there; it does not run as root."""

    def __init__(self, world):
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"))
        if not found:
            raise Skip("postgresql is not installed")
        self.programs = found[-1].parent
        self.folder = world.folder / "pg"
        self.folder.mkdir(mode=0o700)
        self.user = []
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self.user = [need("setpriv"), f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
        self.environment = world.environment(HOME=str(self.folder))
        self.run(self.programs / "initdb", "-D", self.folder / "data", "--auth=trust", "--username=test", "--no-sync")
        with open(self.folder / "log", "w") as log:
            self.process = subprocess.Popen(
                [*self.user, str(self.programs / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder), "-c", "listen_addresses=", "-F"],
                stdout=log, stderr=log, env=self.environment, cwd="/")
        wait_until(lambda: self.psql("-c", "SELECT 1").returncode == 0, "the server does not answer")

    def run(self, *command):
        done = subprocess.run([*self.user, *map(str, command)], capture_output=True, text=True, env=self.environment, cwd="/")
        expect_equal(done.returncode, 0, f"the status of {command[0]}, which said {done.stderr}")

    def psql(self, *arguments, text=None):
        return subprocess.run([need("psql"), "-X", "-q", "-h", str(self.folder), "-U", "test", "-v", "ON_ERROR_STOP=1", *arguments, "postgres"],
                              input=text, capture_output=True, text=True, env=self.environment, cwd="/")

    def load(self, text):
        done = self.psql("-f", "-", text=text)
        expect_equal((done.returncode, done.stderr, done.stdout), (0, "", ""), "psql")

    def rows(self, sql):
        done = self.psql("-At", "-c", f"SELECT json_agg(t) FROM ({sql.rstrip().rstrip(';')}) AS t")
        expect_equal((done.returncode, done.stderr), (0, ""), sql)
        return json.loads(done.stdout) if done.stdout.strip() else []

    def close(self):
        self.process.terminate()
        self.process.wait()


def record_fleet(world):
    """Three devices, one of them with much more to do, and a name that COPY has to escape."""
    logs = {}
    for device, (program, *arguments) in {"pump 1": ("gated", 300), "pump\\2": ("gated", 300), "valve": ("stl",)}.items():
        log = world.folder / f"{device}.db"
        result, _ = world.record(world.programs / program, *arguments, log=log, stdin=b"\n")
        expect(log.exists(), f"no log of {device}: {result.err}")
        logs[device] = log
    return logs


def export(world, *logs):
    result = world.run(world.tenure, "export", "--to", "postgresql", *logs)
    expect_equal((result.status, result.err), (0, b""), "export")
    return result.out.decode()


def check_tables(world, server, logs):
    rows = {row["device"]: row for row in server.rows("SELECT * FROM tenure_recording")}
    expect_equal(set(rows), set(logs), "devices")
    for device, log in logs.items():
        row, names = rows[device], "allocations, total_bytes, live_at_end, peak_live_bytes, max_size_bytes"
        expect_equal(row["allocations"], value(log, "SELECT sum(births) FROM chunk"), "allocations")
        expect_equal(row["peak_live_bytes"], value(log, "SELECT max(live_bytes) FROM peak"), "peak")
        found = server.rows(f"SELECT site_key, {names} FROM tenure_site_summary WHERE recording = '{row['recording']}' ORDER BY site_key")
        wanted = query(log, f"SELECT p.key, {names} FROM site_summary JOIN site_place AS p USING (site_id) ORDER BY 1")
        expect_equal([tuple(site.values()) for site in found], [tuple(site) for site in wanted], f"sites of {device}")
        report = json.loads(world.run(world.tenure, "report", "--format", "json", "--confidence", "weak", "--policy", "none", "--top", "0", log).out)
        found = server.rows(f"SELECT key, title FROM tenure_finding WHERE recording = '{row['recording']}' ORDER BY rank")
        told = [(finding["key"], finding["title"]) for finding in report["findings"] if not finding.get("gave_way")]
        expect(told and [(finding["key"], finding["title"]) for finding in found][: len(told)] == told[: len(found)], f"findings of {device}: {found} and {told}")


def check_page(server, logs):
    """The three queries of the page."""
    by_finding, by_site, by_device = (server.rows(text) for text in re.findall(r"```pgsql\n(.*?)```", PAGE.read_text(), re.S))
    both = [row for row in by_finding if row["devices"] >= 2]
    expect(both and all(row["percent"] == round(100 * row["devices"] / 3) for row in by_finding), f"findings of the fleet: {by_finding}")
    sums = collections.Counter()
    for log in logs.values():
        for key, allocations in query(log, "SELECT p.key, sum(allocations) FROM site_summary JOIN site_place AS p USING (site_id) GROUP BY 1"):
            sums[key] += allocations
    expect_equal({row["site_key"]: row["allocations"] for row in by_site}, dict(sums.most_common(len(by_site))) if len(sums) <= 20 else
                 {row["site_key"]: sums[row["site_key"]] for row in by_site}, "sums by site")
    expect_equal(by_site[0]["allocations"], max(sums.values()), "the first site")
    peaks = {device: value(log, "SELECT max(live_bytes) FROM peak") for device, log in logs.items()}
    median = statistics.median(peaks.values())
    expect_equal({row["device"] for row in by_device}, {device for device, peak in peaks.items() if peak > 1.5 * median}, "devices that stand out")


def fleet(world):
    logs = record_fleet(world)
    server = Server(world)
    try:
        server.load(export(world, *list(logs.values())[:2]))
        server.load(export(world, *logs.values()))  # the first two again
        check_tables(world, server, logs)
        check_page(server, logs)
        # Without its end, as when the export failed, nothing of it is kept.
        text = export(world, next(iter(logs.values())))
        expect("DELETE FROM tenure_recording" in text and text.endswith("COMMIT;\n"), "the export has no end")
        server.load(text.removesuffix("COMMIT;\n").replace("gated", "other"))
        check_tables(world, server, logs)
    finally:
        server.close()
    shutil.rmtree(server.folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(run_one(sys.argv[1], "fleet", fleet))
