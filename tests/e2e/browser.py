# SPDX-License-Identifier: MIT
"""The HTML page in a browser: headless Chromium does what a reader does (browser.js), on a page of a program and on one
whose names are all hostile; what a selection of time sums up is what SQL gives. eslint reads the scripts.

usage: browser.py BUILD"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

from harness import Skip, expect, expect_equal, need, value
from pages import has_html, rename
from run import run_one

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = HERE.parents[1] / "lib/report/html"
PACKAGES = ("puppeteer-core@22", "eslint@8")
LINT = {
    "root": True,
    "env": {"browser": True, "es2021": True},
    "globals": {"d3": "readonly"},
    "parserOptions": {"ecmaVersion": 2021, "sourceType": "script"},
    "extends": "eslint:recommended",
    "rules": {"no-var": "error", "prefer-const": "error", "eqeqeq": "error", "semi": ["error", "always"], "max-lines-per-function": ["error", 80],
              "quotes": ["error", "single", {"avoidEscape": True, "allowTemplateLiterals": True}], "no-shadow": "error"},
}


def packages(world):
    """A folder with what npm has of PACKAGES."""
    folder = world.folder / "npm"
    folder.mkdir()
    done = subprocess.run([need("npm"), "install", "--silent", "--no-audit", "--no-fund", *PACKAGES], cwd=folder, capture_output=True, text=True,
                          env={**os.environ, "HOME": str(folder)})
    if done.returncode != 0:
        raise Skip(f"npm cannot install {PACKAGES}: {done.stderr[-300:]}")
    return folder / "node_modules"


def chromium():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if shutil.which(name):
            return shutil.which(name)
    raise Skip("chromium is not installed")


def lint(world, modules):
    """The scripts as they stand in the page, one behind the other: their names are common to all of them."""
    order = [line.strip().strip("',") for line in (HERE.parents[1] / "lib/report/meson.build").read_text().splitlines() if ".js'" in line]
    expect(len(order) > 10, f"meson.build names {len(order)} scripts")
    expect_equal(sorted(order), sorted(f"html/{path.name}" for path in SCRIPTS.glob("*.js")), "the scripts of the page")
    whole, settings = world.folder / "whole.js", world.folder / "lint.json"
    whole.write_text("".join((SCRIPTS.parent / name).read_text() for name in order))
    settings.write_text(json.dumps(LINT))
    done = subprocess.run([need("node"), modules / "eslint/bin/eslint.js", "--no-eslintrc", "-c", settings, whole], capture_output=True, text=True, cwd=modules.parent)
    expect_equal((done.returncode, done.stdout), (0, ""), "eslint")


def look(world, modules, log, name, *values):
    has_html(world)
    path, folder = world.folder / f"{name}.html", world.folder / f"shots-{name}"
    folder.mkdir()
    result = world.run(world.tenure, "report", "--format", "html", "-o", path, log)
    expect_equal((result.status, result.err), (0, b""), "report --format html")
    done = subprocess.run([need("node"), HERE / "browser.js", modules / "puppeteer-core", chromium(), path, folder, *values],
                          capture_output=True, text=True, env={**os.environ, "HOME": str(world.folder)}, timeout=300)
    print(done.stdout, done.stderr)
    expect_equal(done.returncode, 0, f"what the browser found: {[line for line in done.stdout.splitlines() if line.startswith('FAIL')]} {done.stderr[-500:]}")
    return folder


def browser(world):
    """Every interaction on the page of a program; then the page of a log with hostile names, in which nothing runs."""
    modules = packages(world)
    lint(world, modules)
    result, log = world.record(world.programs / "stl", options=("--rows", "all"))
    expect_equal(result.status, 0, "record")
    file = value(log, "SELECT file FROM site WHERE file IS NOT NULL ORDER BY id LIMIT 1")
    folder = look(world, modules, log, "program", f"find={os.path.basename(file).lower()}", "frame=words")
    begin, end, calls = (folder / "selection").read_text().split()
    expect_equal(int(calls), value(log, f"SELECT count(*) FROM allocation WHERE birth_ns >= {begin} AND birth_ns < {end}"), "allocations in the selected time")
    rename(log)
    look(world, modules, log, "hostile")


if __name__ == "__main__":
    sys.exit(run_one(sys.argv[1], "browser", browser))
