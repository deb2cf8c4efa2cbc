# SPDX-License-Identifier: MIT
"""Programs that cannot be recorded: they run as without tenure, somebody says why, and each is counted once."""

import re

from counting import Skip, expect, expect_equal, logged, meta
from harness import need, query, value

SANITIZERS = {"address": "AddressSanitizer", "thread": "ThreadSanitizer", "leak": "LeakSanitizer"}
PLAIN = "#include <stdlib.h>\nint main(void) { volatile char *p = malloc(41); free((void *)p); return 0; }\n"


def missing(log):
    """Reason -> processes, as the log counts them."""
    prefix = "processes_unrecorded_"
    return {key[len(prefix):]: int(count) for key, count in meta(log).items() if key.startswith(prefix) and count != "0"}


def check_limited(world, limit, reason):
    """A shell that limits itself and becomes another image, or starts some: none of them can join, however short it
    lives. Each is counted, once, also where fork child and image are the same process."""
    true = need("true")
    for commands, images in ((f"exec {true}", 1), (f"{true}; {true}; ({true}; {true}; :); :", 5)):
        command = (need("bash"), "-c", f"{limit}; {commands}")
        for how in (world.record, world.preload):
            result, log = how(*command)
            expect_equal((result.status, result.out), (0, b""), f"{commands} under {how.__name__}: {result.err}")
            told = result.err.decode().splitlines()
            expect(all("could not be recorded" in line for line in told), f"lines: {told}")
            print(f"{how.__name__}, {limit}; {commands}: {missing(log)}")
            expect_equal(missing(log), {reason: images}, f"{limit}; {commands} under {how.__name__}")
            expect_equal(value(log, "SELECT count(*) FROM process"), 1, "recorded processes")
            info = world.run(world.tenure, "info", log).out.decode()
            expect(re.search(rf"\b{images} process", info), f"info does not say it: {info}")


def images_without_descriptors(world):
    check_limited(world, "ulimit -n 4", "no_descriptor")


def images_without_file_size(world):
    check_limited(world, "ulimit -f 10", "no_memory")


def room_under_a_limit(world):
    """A limit of file sizes leaves room for fewer threads: the log and `info` say so, and only then."""
    for limit, is_limited in ((":", False), ("ulimit -f 20000", True)):
        result, log = world.record(need("bash"), "-c", f"{limit}; exec {world.programs / 'crowd'} alive 2 100")
        room, info = int(meta(log)["threads_room"]), world.run(world.tenure, "info", log).out.decode()
        expect_equal((result.status, room < 65535), (0, is_limited), f"{limit}: room for {room}")
        expect_equal(f"room for {room:,} threads" in info, is_limited, f"{limit}: {info}")
        expect_equal(logged(log), 200, "blocks")


def build_with(world, name, *options, text=PLAIN):
    source, program = world.work / f"{name}.c", world.work / name
    source.write_text("#define _GNU_SOURCE\n" + text)
    built = world.run(need("gcc"), *options, "-o", program, source)
    if built.status != 0 or (text is PLAIN and world.run(program).status != 0):
        raise Skip(f"gcc {' '.join(options)}: cannot build or run a program here")
    return program


def sanitized_programs(world):
    """`record` refuses them before they start. Under the bare shim they run; AddressSanitizer refuses that by itself."""
    for option, name in SANITIZERS.items():
        program = build_with(world, f"with_{option}", f"-fsanitize={option}")
        result, log = world.record(program)
        expect_equal((result.status, log.exists()), (125, False), f"record of {name}")
        says = f"it is built with {name}, which watches allocations itself; build it without -fsanitize to record it"
        expect(says.encode() in result.err and len(result.err.splitlines()) == 1, f"{result.err}")
        result = world.run(program, LD_PRELOAD=world.shim, TENURE_LOG=log)
        if option != "address":
            expect_equal((result.status, len(result.err.splitlines())), (0, 1), f"{name}, bare shim: {result.err}")
            expect(b"watches the program's allocations itself" in result.err, f"{result.err}")
        expect(not log.exists(), "a log of nothing")


def sanitizer_linked_in(world):
    program = build_with(world, "static_runtime", "-fsanitize=address", "-static-libasan")
    result, log = world.record(program)
    expect_equal((result.status, log.exists()), (0, False), "a program that brings its own malloc")
    expect_equal(len(result.err.splitlines()), 2, f"what the shim says, and what record says: {result.err}")
    expect(b"never loaded" not in result.err, f"the shim was loaded: {result.err}")


def under_valgrind(world):
    """valgrind replaces malloc: nothing could be seen, so that is said."""
    valgrind = need("valgrind")
    program = build_with(world, "plain", "-O0")
    result, log = world.record(valgrind, "-q", program)
    expect_equal(result.status, 0, f"status: {result.err}")
    expect(b"watches the program's allocations itself" in result.err, f"{result.err}")
    expect_equal(missing(log), {"own_malloc": 1}, "what the log counts")


# Each function of the exec family fails once. Then a vfork child's fails, and one's succeeds, if there is an argument.
EXECS = """#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static char *list[] = {"nothing", 0}, *none[] = {0};
static int tried, failed;
static void look(int result) { tried++; failed += result == -1 && errno != 0; errno = 0; }
static void start(const char *path)
{ pid_t child = vfork(); if (child == 0) { execl(path, path, (char *)0); _exit(9); } waitpid(child, 0, 0); }
int main(int argc, char **argv)
{
    look(execve("/nothing", list, none)); look(execv("/nothing", list)); look(execvp("no-thing", list));
    look(execvpe("no-thing", list, none)); look(fexecve(-1, list, none)); look(execveat(-1, "nothing", list, none, 0));
    look(execl("/nothing", "a", "b", (char *)0)); look(execlp("no-thing", "a", "b", (char *)0));
    look(execle("/nothing", "a", "b", (char *)0, none));
    start("/nothing");
    if (argc > 1) start(argv[1]);
    free(malloc(41));
    return tried == 9 && failed == 9 ? 0 : 1;
}
"""
TELLER = """#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{ for (int i = 0; i < argc; i++) if (write(1, argv[i], strlen(argv[i])) < 0) return 1; return 0; }
"""
LISTED = """#include <unistd.h>
#define TEN "1", "2", "3", "4", "5", "6", "7", "8", "9", "0"
int main(int argc, char **argv)
{
    char *environment[] = {"PATH=/", 0};
    if (argc < 3) return 1;
    switch (argv[2][0]) {
    case 'l': execl(argv[1], "1", "2", "3", "4", "5", "6", "7", "8", "9", (char *)0); break;
    case 'p': execlp(argv[1], "1", "2", "3", "4", "5", "6", "7", "8", "9", (char *)0); break;
    case 'm': execl(argv[1], TEN, TEN, TEN, TEN, TEN, TEN, TEN, (char *)0); break;
    case 'e': execle(argv[1], "1", "2", "3", "4", "5", "6", "7", "8", "9", (char *)0, environment); break;
    default: execl(argv[1], "1", (char *)0);
    }
    return 1;
}
"""


def images(log):
    """The names of the images that have a row and were not recorded."""
    return [name for name, in query(log, "SELECT name FROM process WHERE exit_kind = 'not recorded' ORDER BY id")]


def images_that_end_at_once(world):
    """Static children of a shell: each is counted and has a row, however short it lives; programs that can be recorded
    are, and have none."""
    static, true, bash = build_with(world, "still", "-static"), need("true"), need("bash")
    for how in (world.record, world.preload):
        for commands, count in ((f"{static}; " * 10 + ":", 10), (f"exec {static}", 1), (f"env -i {true}; :", 1),
                                (f"{true}; {true}; (exec {world.programs / 'crowd'} alive 1 9); exec {true}", 0)):
            result, log = how(bash, "-c", commands)
            expect_equal(result.status, 0, f"{commands}: {result.err}")
            expect_equal(missing(log), {"silent": count} if count else {}, f"{commands} under {how.__name__}")
            expect_equal(images(log), ["true" if "env -i" in commands else "still"] * count, commands)


def execs_that_fail(world):
    """What goes on is no other image; and what a vfork child executes is not executed by its parent."""
    program, static = build_with(world, "execs", text=EXECS), build_with(world, "still", "-static")
    for arguments in ((), (static,)):
        result, log = world.record(program, *arguments)
        counted = ({"silent": 1}, ["still"]) if arguments else ({}, [])
        expect_equal((result.status, missing(log), images(log)), (0, *counted), f"with {arguments}: {result.err}")
        sql = "SELECT name, exit_kind FROM process WHERE exit_kind <> 'not recorded'"
        expect_equal(query(log, sql), [("execs", "exit")], "rows")
        expect_equal(value(log, "SELECT count(*) FROM allocation WHERE size_bytes = 41"), 1, "blocks after the execs")


def lists_of_arguments(world):
    """Arguments arrive as they were given, also more than the processor has registers for."""
    program, teller = build_with(world, "lists", text=LISTED), build_with(world, "teller", text=TELLER)
    for way, wanted in (("l", b"123456789"), ("p", b"123456789"), ("e", b"123456789"), ("one", b"1"),
                        ("many", b"1234567890" * 7)):
        result, log = world.record(program, teller, way)
        expect_equal((result.status, result.out), (0, wanted), f"exec with {way}: {result.err}")
        expect_equal(missing(log), {"silent": 1} if way == "e" else {}, f"{way}: the environment is the given one")


HOOKS = """#include <unistd.h>
static int entered, left;
__attribute__((no_instrument_function)) void __cyg_profile_func_enter(void *f, void *c) { (void)f; (void)c; entered++; }
__attribute__((no_instrument_function)) void __cyg_profile_func_exit(void *f, void *c) { (void)f; (void)c; left++; }
__attribute__((no_instrument_function, destructor)) static void tell(void)
{ if (entered == 6 && left == 6) (void)!write(1, "six", 3); }
"""
HOOKED = """#include <stdlib.h>
static void *volatile kept;
static void make(void) { kept = malloc(41); }
int main(void) { for (int i = 0; i < 5; i++) make(); return 0; }
"""


def hooks_of_the_program(world):
    """A library of the program's own that counts calls (-finstrument-functions) still does."""
    (world.work / "hooks.c").write_text(HOOKS)
    (world.work / "hooked.c").write_text(HOOKED)
    library, program = world.work / "libhooks.so", world.work / "hooked"
    gcc = need("gcc")
    expect_equal(world.run(gcc, "-shared", "-fPIC", "-o", library, world.work / "hooks.c").status, 0, "the library")
    built = world.run(gcc, "-finstrument-functions", "-o", program, world.work / "hooked.c", library)
    expect_equal((built.status, world.run(program).out), (0, b"six"), "without tenure")
    for how in (world.record, world.preload):
        result, log = how(program)
        expect_equal((result.status, result.out, result.err), (0, b"six", b""), f"under {how.__name__}")
        expect_equal(value(log, "SELECT count(*) FROM allocation WHERE size_bytes = 41"), 5, "blocks")


def loader_with_a_program(world):
    """The loader is no static program: it preloads what it is told to."""
    loader = "/lib64/ld-linux-x86-64.so.2"
    result, log = world.record(loader, world.programs / "crowd", "alive", 2, 100)
    if b"no such file" in result.err:
        raise Skip(f"{loader} is not here")
    expect_equal((result.status, result.err), (0, b""), "the loader as the program")
    expect_equal(value(log, "SELECT count(*) FROM allocation WHERE size_bytes = 41"), 200, "blocks")


def programs_of_another_libc(world):
    """A recorded shell starts programs of musl's with its environment: they run, and are counted."""
    gcc = need("musl-gcc")
    source, program = world.work / "musl.c", world.work / "musl"
    source.write_text(PLAIN)
    built = world.run(gcc, "-o", program, source)
    if built.status != 0 or world.run(program).status != 0:
        raise Skip(f"musl-gcc cannot build or run a program here: {built.err}")
    for how in (world.record, world.preload):
        result, log = how(need("bash"), "-c", f"{program} && {program}; (exec {program}) && :")
        expect_equal(result.status, 0, f"{result.err}")
        expect_equal(missing(log), {"refused": 3}, how.__name__)
    result = world.run(program, LD_PRELOAD=world.shim)
    expect_equal((result.status, result.err.count(b"\n")), (0, 1), f"by itself: {result.err}")
    expect(b"its C library is another one" in result.err, f"{result.err}")


def under_gdb(world):
    """A debugger that starts the program, and gives only that the shim: it follows the program to its end."""
    gdb, log = need("gdb"), world.new_log()
    commands = ("set startup-with-shell off", f"set env LD_PRELOAD {world.shim}", f"set env TENURE_LOG {log}",
                "set env TENURE_ROWS all", "run")
    options = [word for command in commands for word in ("-ex", command)]
    result = world.run(gdb, "-q", "-nx", "-batch", *options, "--args", world.programs / "crowd", "alive", 4, 1000)
    expect(b"exited normally" in result.out, f"gdb lost the program: {result.out[-600:]} {result.err[-300:]}")
    expect(b"executing new program" not in result.out, f"gdb follows the recorder: {result.out[-600:]}")
    world.wait_finished(log)
    expect_equal(logged(log), 4000, "blocks")


ALL = {
    function.__name__: function
    for function in (
        images_without_descriptors, images_without_file_size, sanitized_programs, sanitizer_linked_in, under_valgrind,
        hooks_of_the_program, loader_with_a_program, images_that_end_at_once, execs_that_fail, lists_of_arguments,
        room_under_a_limit, under_gdb, programs_of_another_libc,
    )
}
