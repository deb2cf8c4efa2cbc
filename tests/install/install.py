# SPDX-License-Identifier: MIT
"""What `meson install` gives, moved to another folder and used from there; the pages made from the tables of the tool;
and that tenure can be configured without what only tests need.

usage: install.py BUILD SOURCE CASE"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness import Skip, expect, expect_equal, need, query  # noqa: E402
from run import run_one  # noqa: E402

PROGRAM = """
#include <stdlib.h>
#include <tenure/mark.h>
int main(void)
{
    if (tenure_mark)
        tenure_mark("half way");
    for (int i = 0; i < 100; i++)
        free(malloc(40));
    return 7;
}
"""


def prefix_of(build):
    """The prefix and folders that the build was configured with."""
    asked = subprocess.run([need_meson(), "introspect", "--buildoptions", build], capture_output=True, check=True)
    options = {option["name"]: option["value"] for option in json.loads(asked.stdout)}
    return pathlib.Path(options["prefix"]), options


def need_meson():
    # Meson may be installed where only the tester's PATH leads.
    found = shutil.which("meson")
    if not found:
        raise Skip("meson is not on the PATH")
    return found


def install(world):
    """Install into a folder, move what came out, and give (moved prefix, options)."""
    prefix, options = prefix_of(world.build)
    destination = world.folder / "destination"
    done = subprocess.run([need_meson(), "install", "-C", world.build, "--no-rebuild", "--destdir", destination],
                          capture_output=True, text=True)
    expect_equal(done.returncode, 0, f"the status of meson install, which said {done.stdout}{done.stderr}")
    moved = world.folder / "moved"
    shutil.move(destination / prefix.relative_to("/"), moved)
    shutil.rmtree(destination)
    return moved, options


def installed(world):
    """Record, report, preload, SQL extension and header, all from an installation that was moved."""
    moved, options = install(world)
    tenure, libraries = moved / options["bindir"] / "tenure", moved / options["libdir"] / "tenure"
    world.recorder = moved / options["libexecdir"] / "tenure/tenure-recorder"
    source, program = world.folder / "program.c", world.folder / "program"
    source.write_text(PROGRAM)
    flags = pkg_config(world, moved / options["libdir"], "--cflags")
    world_run(world, need("cc"), "-g", *flags, source, "-o", program)
    log = world.new_log()
    result = world.run(tenure, "record", "--quiet", "-o", log, "--", program)
    expect_equal((result.status, result.error_lines()), (7, []), "record")
    expect_equal(query(log, "SELECT count(*) FROM allocation WHERE size_bytes = 40"), [(100,)], "allocations")
    expect_equal(query(log, "SELECT count(*) FROM mark WHERE text = 'half way'"), [(1,)], "marks")
    expect(b"100" in world_run(world, tenure, "report", log).out, "the report lacks the count")
    failed = world.run(tenure, "fail", log, "--all", "--format", "json", "--", program)
    expect_equal((failed.err, failed.status in (0, 1)), (b"", True), "fail")
    expect(json.loads(failed.out)["runs"][0]["failed"] == 1, f"no allocation failed: {failed.out}")
    preloaded, _ = world.preload(program, LD_PRELOAD=libraries / "libtenure.so")
    expect_equal(preloaded.status, 7, "the status under the bare library")
    shim = pkg_config(world, moved / options["libdir"], "--variable=shim")
    expect_equal([os.path.realpath(path) for path in shim], [os.path.realpath(libraries / "libtenure.so")], "shim in tenure.pc")
    answer = world_run(world, need("sqlite3"), log, "-cmd", f".load {libraries / 'tenure_sqlite'}",
                       "SELECT print_bytes(sum(size_bytes)) FROM allocation WHERE size_bytes = 40")
    expect(b"KiB" in answer.out, f"the extension printed {answer.out!r}")
    for name in ("LICENSE", "log-format.md", "tutorial.md" if (world.source / "docs/tutorial.md").exists() else "NEWS.md"):
        expect((moved / options["datadir"] / "doc/tenure" / name).exists(), f"{name} is not installed")


def pkg_config(world, folder, question):
    result = world_run(world, need("pkg-config"), question, "tenure",
                       PKG_CONFIG_PATH=folder / "pkgconfig")
    return result.out.decode().split()


def world_run(world, *command, **keywords):
    result = world.run(*command, **keywords)
    expect_equal(result.status, 0, f"the status of {' '.join(map(str, command))}: {result.err.decode()}")
    return result


def installed_pages(world):
    """A manual page for the tool and each command, with all its options, that man(7) takes without a complaint."""
    moved, options = install(world)
    folder = moved / options["mandir"] / "man1"
    listed = world.run(world.tenure, "--help").out.decode().partition("\nCommands:\n")[2].partition("\n\n")[0]
    commands = re.findall(r"^  ([a-z-]+) ", listed, re.M)
    expect(len(commands) >= 8, f"--help lists {commands}")
    expect_equal(sorted(page.name for page in folder.iterdir()),
                 sorted(["tenure.1", *(f"tenure-{name}.1" for name in commands)]), "manual pages")
    groff = need("groff")
    for page in sorted(folder.iterdir()):
        shown = world_run(world, groff, "-man", "-Tascii", "-P-cbou", "-ww", "-rLL=100n", page)
        expect_equal(shown.err, b"", f"complaints about {page.name}")
        text = shown.out.decode()
        name = page.stem.partition("-")[2]
        wanted = re.findall(r"--[a-z][a-z-]+", world.run(world.tenure, *[name] * bool(name), "--help").out.decode())
        for option in wanted if name else commands:
            expect(option in text, f"{page.name} lacks {option}")


def completed(words, wanted, unwanted=()):
    """Complain unless all that is wanted was offered."""
    lacking = [word for word in wanted if word not in words]
    expect(not lacking, f"not offered: {lacking}; offered: {words}")
    surplus = [word for word in unwanted if word in words]
    expect(not surplus, f"offered although it does not belong there: {surplus}")


def check_completion(world, ask):
    """The same questions to every shell. ask(words): what is offered for the last of them."""
    completed(ask("tenure", ""), ["record", "report", "sql", "unpack"])
    completed(ask("tenure", "re"), ["record", "report"], ["sql"])
    completed(ask("tenure", "report", "--con"), ["--confidence"], ["--code"])
    completed(ask("tenure", "report", "--confidence", ""), ["weak", "conditional", "consistent", "proven"])
    completed(ask("tenure", "report", "--confidence", "we"), ["weak"], ["proven"])
    completed(ask("tenure", "record", "--free-stacks", ""), ["yes", "no"])
    completed(ask("tenure", "simulate", "--policy", "freertos-h"), ["freertos-heap4"], ["tlsf"])
    completed(ask("tenure", "info", "lo"), ["log_here.db"])
    completed(ask("tenure", "ctl", "lo"), ["log_here.db"])
    completed(ask("tenure", "ctl", "log_here.db", "st"), ["status", "start", "stop"], ["flush"])
    for command in re.findall(r"^  ([a-z-]+) ", world.run(world.tenure, "--help").out.decode(), re.M):
        told = world.run(world.tenure, command, "--help").out.decode().partition("\nOptions:\n")[2].partition("\n\n")[0]
        options = re.findall(r"^  (?:-\w, |    )(--[a-z-]+)", told, re.M)
        completed(ask("tenure", command, "--"), [option for option in options if option != "--help"])


BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_tenure
if ((${#COMPREPLY[@]} == 0)); then mapfile -t COMPREPLY < <(compgen -f -- "${@: -1}"); fi
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completion_bash(world):
    script = world.build / "tools/pages/tenure"
    (world.work / "log_here.db").touch()

    def ask(*words):
        return world_run(world, need("bash"), "--norc", "-u", "-c", BASH, "bash", script, *words).out.decode().split("\n")

    check_completion(world, ask)
    completed(ask("tenure", "simulate", "--policy", "tlsf,zep"), ["tlsf,zephyr"])
    completed(ask("tenure", "record", "--free-stacks", "=", "n"), ["no"])
    completed(ask("tenure", "record", "-o", "x.db", "prin"), ["printf"])
    completed(ask("tenure", "record", "printf", "--"), [], ["--output"])


# The shell shows what it would offer on a terminal of its own; compadd is caught there.
ZSH = """
zmodload zsh/zpty
# A shell that has not turned its echo off yet shows what it is told, too: no such line may look like an answer.
zpty shell zsh -f -i
zpty -w shell "PS1= ; stty -echo; autoload -Uz compinit; fpath=($1 \\$fpath); compinit -u -d $2/dump"
zpty -w shell 'compadd() {
    if [[ "$*" == *-[OAD]* ]]; then builtin compadd "$@"; return; fi
    local -a offered; builtin compadd -O offered "$@"; print -l -- "off""er=${^offered[@]}"
    builtin compadd "$@"
}'
zpty -w shell 'tell() { zle complete-word; print -r -- "do""ne"; exit }; zle -N tell; bindkey "^T" tell'
zpty -w shell 'zstyle ":completion:*" verbose no; print "rea""dy"'
while zpty -r shell line; do [[ $line == *ready* ]] && break; done
zpty -w -n shell "$3"$'\\x14'
while zpty -r shell line; do print -r -- "$line"; [[ $line == *done* ]] && break; done
"""


def completion_zsh(world):
    script = world.build / "tools/pages/_tenure"
    (world.work / "log_here.db").touch()
    world_run(world, need("zsh"), "-n", script)

    def ask(*words):
        shown = world.run(need("zsh"), "-f", "-c", ZSH, "zsh", script.parent, world.folder, " ".join(words), TERM="dumb")
        return re.findall(r"offer=(\S+)", shown.out.decode(errors="replace"))

    check_completion(world, ask)


def completion_fish(world):
    script = world.build / "tools/pages/tenure.fish"
    (world.work / "log_here.db").touch()

    def ask(*words):
        line = " ".join(words)
        command = f"source {script}; complete -C '{line}'"
        shown = world_run(world, need("fish"), "--no-config", "-c", command, PATH=f"{world.tenure.parent}:{os.environ['PATH']}")
        return [offer.partition("\t")[0] for offer in shown.out.decode().splitlines()]

    check_completion(world, ask)


def without_cmocka(world):
    """Configured where cmocka is not: no tests, one line that says so, no error."""
    listed = subprocess.run(["pkg-config", "--variable", "pc_path", "pkg-config"], capture_output=True, text=True)
    folder = world.folder / "pkgconfig"
    folder.mkdir()
    for place in reversed(listed.stdout.strip().split(":")):
        for file in pathlib.Path(place).glob("*.pc"):
            if file.name != "cmocka.pc":
                (folder / file.name).unlink(missing_ok=True)
                (folder / file.name).symlink_to(file.resolve())
    environment = {**os.environ, "PKG_CONFIG_LIBDIR": str(folder), "CMAKE_PREFIX_PATH": "", "PATH": os.environ["PATH"]}
    done = subprocess.run([need_meson(), "setup", world.folder / "build", world.source], env=environment,
                          capture_output=True, text=True)
    expect_equal(done.returncode, 0, f"the status of meson setup, which said {done.stdout[-2000:]}")
    told = [line for line in done.stdout.splitlines() if "no tests" in line]
    expect_equal(len(told), 1, f"lines about the tests in {done.stdout[-1500:]}")
    expect("cmocka" in told[0] and "python3" not in told[0], f"the line is {told[0]!r}")


CASES = {case.__name__: case for case in (installed, installed_pages, completion_bash, completion_zsh, completion_fish, without_cmocka)}


def main():
    build, source, name = sys.argv[1:]

    def run(world):
        world.source = pathlib.Path(source)
        CASES[name](world)

    return run_one(build, name, run)


if __name__ == "__main__":
    sys.exit(main())
