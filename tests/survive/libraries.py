# SPDX-License-Identifier: MIT
"""Libraries that come and go: one where another one was, one that was named relative to a folder that was left, one
whose file is gone."""

import os
import sqlite3

from counting import Skip, expect_equal
from harness import check_log, need, query, value, wait_until
from scenarios import preloaded

# The same code under two names: only the file tells whose block it is.
PLUGIN = """#include <stdlib.h>
__attribute__((noinline)) void *make_NAME(void) { return malloc(41); }
void *work(void) { void *made = make_NAME(); __asm__ volatile(""); return made; }
"""
# Each step: a library is loaded, makes a block, and is unloaded, but for a step "+PATH", after which it stays.
# "=FOLDER" changes the folder, "!PATH" removes a file, "?" waits for a byte.
HOST = """#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void *last;
static int use(const char *path, int stays)
{
    void *library = dlopen(path, RTLD_NOW), *(*work)(void), *symbol;
    if (library == NULL || (symbol = dlsym(library, "work")) == NULL) return 4;
    memcpy(&work, &symbol, sizeof(work));
    if (last != NULL && last != symbol) fprintf(stderr, "elsewhere\\n");
    last = symbol;
    free(work());
    return stays ? 0 : dlclose(library);
}
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char byte;
        if (argv[i][0] == '?' ? read(0, &byte, 1) != 1 : argv[i][0] == '=' ? chdir(argv[i] + 1) : argv[i][0] == '!' ? unlink(argv[i] + 1)
            : argv[i][0] == '+' ? use(argv[i] + 1, 1) : use(argv[i], 0)) return 3;
        if (argv[i][0] == '+') last = NULL;
    }
    return 0;
}
"""
MAKERS = """SELECT site.function, count(*) FROM allocation JOIN site ON site.id = site_id WHERE size_bytes = 41
            GROUP BY 1 ORDER BY 1"""


def build(world):
    gcc = need("gcc")
    (world.work / "host.c").write_text(HOST)
    expect_equal(world.run(gcc, "-o", world.work / "host", world.work / "host.c", "-ldl").status, 0, "the program")
    for name in ("one", "two"):
        (world.work / f"{name}.c").write_text(PLUGIN.replace("NAME", name))
        built = world.run(gcc, "-g", "-shared", "-fPIC", "-o", world.work / f"lib{name}.so", world.work / f"{name}.c")
        expect_equal(built.status, 0, f"the library {name}")
    return world.work / "host", world.work / "libone.so", world.work / "libtwo.so"


def check_makers(world, how, command, makers, **keywords):
    result, log = how(*command, **keywords)
    expect_equal(result.status, 0, f"{command}: {result.err}")
    check_log(log)
    expect_equal(query(log, MAKERS), makers, f"who made the blocks of {command} under {how.__name__}")
    return result, log


def library_where_another_was(world):
    """Blocks belong to the library that is there now; those of one that comes again to the same site as before."""
    host, one, two = build(world)
    for how in (world.record, world.preload):
        result, log = check_makers(world, how, (host, *[one] * 5, *[two] * 7, *[one] * 3), [("make_one", 8), ("make_two", 7)])
        if b"elsewhere" in result.err:
            raise Skip("the loader puts the second library elsewhere")
        check_makers(world, how, (host, one, two), [("make_one", 1), ("make_two", 1)])
        print(f"{how.__name__}: fifteen blocks of two libraries at one address, each its own")
        expect_equal(value(log, "SELECT count(DISTINCT site_id) FROM allocation WHERE size_bytes = 41"), 2, "sites")


def same_library_again(world):
    """One library that is loaded again and again is announced again, but its stacks are the same."""
    host, one, _ = build(world)
    _, few = check_makers(world, world.record, (host, *[one] * 2), [("make_one", 2)])
    _, many = check_makers(world, world.record, (host, *[one] * 200), [("make_one", 200)])
    counts = [value(log, "SELECT count(DISTINCT stack_id) FROM allocation WHERE size_bytes = 41") for log in (few, many)]
    expect_equal(counts, [1, 1], "stacks")


def library_by_a_relative_path(world):
    """Found by the path that the kernel knows, also when the program has gone elsewhere meanwhile."""
    host, one, two = build(world)
    for steps in (("./libone.so",), ("+./libone.so", "=/", str(two)), ("+../" + world.work.name + "/libone.so", "=/")):
        makers = [("make_one", 1)] + ([("make_two", 1)] if str(two) in steps else [])
        for how in (world.record, world.preload):
            _, log = check_makers(world, how, (host, *steps), makers)
            paths = [path for path, in query(log, "SELECT path FROM module WHERE path LIKE '%libone.so'")]
            expect_equal(paths, [str(one)], f"{steps} under {how.__name__}")


def library_that_is_removed(world):
    """Its names come from what is still mapped, where the kernel lets the recorder open that: for root."""
    if os.geteuid() != 0:
        raise Skip("only root may open what is mapped and has no name any more")
    host, one, _ = build(world)
    log = world.new_log()
    program = preloaded(world, log, host, f"+{one}", f"!{one}", "?")
    known = "SELECT count(*) FROM module WHERE path LIKE '%libone.so'"
    wait_until(lambda: log.exists() and is_known(log, known), "the library is not announced")
    program.go()
    status, _, err = program.end()
    expect_equal((status, err, one.exists()), (0, b"", False), "the program's end")
    world.wait_finished(log)
    expect_equal(query(log, MAKERS), [("make_one", 1)], "who made the block")


def is_known(log, sql):
    """Whether a log that is being written has something; it may have no tables yet."""
    try:
        return value(log, sql) > 0
    except sqlite3.Error:
        return False


APART = """#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    void *library = argc > 2 ? dlmopen(argv[2][0] == 'n' ? LM_ID_NEWLM : LM_ID_BASE, argv[1], RTLD_NOW) : 0, *(*work)(void);
    void *deep = dlopen("./no-such-library.so", RTLD_NOW | RTLD_DEEPBIND);
    if (dlopen("libc.so.6", RTLD_NOW | RTLD_DEEPBIND | RTLD_NOLOAD) == 0) return 4;
    if (deep != 0 || (argc > 2 && library == 0)) return 3;
    if (library != 0 && (work = (void *(*)(void))dlsym(library, "work")) != 0) work();
    free(malloc(41));
    return library != 0 ? dlclose(library) : 0;
}
"""


def library_in_a_namespace(world):
    """A library in a namespace of its own has a malloc of its own; one that is loaded into the program's has not, and one
    that is not found, or only asked for, does not count."""
    _, one, _ = build(world)
    (world.work / "apart.c").write_text(APART)
    program = world.work / "apart"
    built = world.run(need("gcc"), "-w", "-o", program, world.work / "apart.c", "-ldl")
    expect_equal(built.status, 0, f"the program: {built.err}")
    for how in (world.record, world.preload):
        for ways, calls, blocks in (((one, "new"), 1, 1), ((one, "base"), 0, 2), ((), 0, 1)):
            result, log = how(program, *ways)
            lines = 1 if calls and how == world.record else 0
            expect_equal((result.status, len(result.err.splitlines())), (0, lines), f"{ways}: {result.err}")
            found = value(log, "SELECT value FROM meta WHERE key = 'libraries_apart'")
            blocks_found = value(log, "SELECT count(*) FROM allocation WHERE size_bytes = 41")
            expect_equal((int(found), blocks_found), (calls, blocks), f"{ways} under {how.__name__}")


ALL = {
    function.__name__: function
    for function in (library_where_another_was, same_library_again, library_by_a_relative_path, library_that_is_removed,
                     library_in_a_namespace)
}
