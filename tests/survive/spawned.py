# SPDX-License-Identifier: MIT
"""Children that share their parent's memory until they execute an image (vfork, posix_spawn, system, popen): those that
can be recorded are, the others are counted, each once."""

import os
import re

from confined import another_user, has_processes
from counting import Skip, expect, expect_equal, need_namespaces
from harness import check_log, finished, need, value, wait_until
from unrecorded import build_with, images, missing

# Ways of starting (spawner.c), and of images that cannot be recorded how many are counted.
SILENT = (("s", 1), ("n", 1), ("e", 1), ("v", 1), ("w", 1), ("snevw", 5), ("v" * 20 + "s" * 20, 40))
NOTHING = "fxkfxkfxk"


def check_spawner(world, ways, image, count, names=(), wrapper=(), **environment):
    for how in (world.record, world.preload):
        result, log = how(*wrapper, world.programs / "spawner", ways, image, **environment)
        expect_equal(result.status, 0, f"{ways} {image} under {how.__name__}: {result.err}")
        expect_equal(missing(log), {"silent": count} if count else {}, f"{ways} {image} under {how.__name__}")
        expect_equal(sorted(images(log)), sorted(names), f"rows of {ways} {image} under {how.__name__}")
        parents = "SELECT count(*) FROM process WHERE exit_kind = 'not recorded' AND parent_id IS NULL"
        expect_equal(value(log, parents), 0, "rows without a parent")
        print(f"{how.__name__}, {ways} {os.path.basename(image)}: {count} counted")
        expect(value(log, "SELECT count(*) FROM allocation WHERE size_bytes = 41") >= 1, "the program's own block")


def silent_children(world):
    """A static image, however it is started and however short it lives."""
    static = build_with(world, "still", "-static")
    for ways, count in SILENT:
        check_spawner(world, ways, static, count, ["still"] * count, PATH=f"/nowhere:/nothing:{world.work}:{os.environ['PATH']}")


def children_that_are_recorded(world):
    """None of them is counted; nor are those that execute nothing."""
    true = need("true")
    for ways in ("s", "n", "e", "v", "y", "p", "q", "r" * 20, NOTHING, "svnyepq" + NOTHING, "c"):
        check_spawner(world, ways, true, 0)


def children_without_the_environment(world):
    """The program takes LD_PRELOAD away: not even the shell of system and popen can be recorded then."""
    for ways, names in (("u" + "yypp", ["sh"] * 4), ("syp" + "uy", ["sh"]), ("pu" + "sv" + NOTHING, ["true"] * 2),
                        ("uc", ["sh"])):
        check_spawner(world, ways, need("true"), len(names), names)


def children_within_a_namespace(world):
    """The same where the program's PIDs are not the recorder's."""
    wrapper = (*need_namespaces(world, "-pf", "--mount-proc"), need("env"))
    static = build_with(world, "still", "-static")
    for how in (world.record,):
        result, log = how(*wrapper, world.programs / "spawner", "sv" + NOTHING, static)
        expect_equal((result.status, missing(log)), (0, {"silent": 2}), f"static ones: {result.err}")
        result, log = how(*wrapper, world.programs / "spawner", "svyp" + NOTHING, need("true"))
        expect_equal((result.status, missing(log)), (0, {}), f"recorded ones: {result.err}")


def commands_of_dash(world):
    """A shell that starts its commands by vfork."""
    dash, true, static = need("dash"), need("true"), build_with(world, "still", "-static")
    commands = f"{static}; {static}; {true}; {true} | {static}; no-such-command 2>&-; {true}"
    for how in (world.record, world.preload):
        result, log = how(dash, "-c", commands)
        expect_equal(result.status, 0, f"{result.err}")
        expect_equal((missing(log), images(log)), ({"silent": 3}, ["still"] * 3), how.__name__)
        info = world.run(world.tenure, "info", log).out.decode()
        expect(re.search(r"\b3 processes that the program started could not", info), f"info: {info}")


def refused_for_want_of_room(world):
    """What the program was refused is told, with the remedy; what it was not is not."""
    if os.getuid() != 0:
        raise Skip("only root can become another user")
    user, wrapper, settings, program = another_user(world)
    for limit, refused in ((4, 0), (3, 1), (2, None)):
        log = world.new_log()
        result = world.run(*wrapper, "prlimit", f"--nproc={limit}", "env", *settings, f"TENURE_LOG={log}", program,
                           "threads", 100)
        if refused is None:
            says = b"cannot be started: Resource temporarily unavailable; the program runs unrecorded\n"
            expect(result.err.endswith(says) and result.err.count(b"\n") == 1, f"no room for a recorder: {result.err}")
            continue
        expect_equal(result.err, b"", f"limit {limit}")
        wait_until(lambda: not has_processes(user), "the recorder has not gone")
        expect(finished(log), "the log is not finished")
        told = int(value(log, "SELECT value FROM meta WHERE key = 'tasks_refused'"))
        info = " ".join(world.run(world.tenure, "info", log).out.decode().split())
        print(f"limit {limit}: {told} threads refused")
        expect_equal((told, "was refused" in info), (refused, refused > 0), f"limit {limit}: {info}")
        check_log(log)


NO_THREADS = "int pthread_create(void) { return 11; /* EAGAIN */ }\n"


def threads_refused_under_record(world):
    """`record` says it, too."""
    (world.work / "none.c").write_text(NO_THREADS)
    library = world.work / "libnone.so"
    expect_equal(world.run(need("gcc"), "-shared", "-fPIC", "-o", library, world.work / "none.c").status, 0, "the library")
    result, log = world.record(world.programs / "cramped", "threads", 10, LD_PRELOAD=library)
    says = b"tenure: the program was refused 2 threads or processes: a limit of processes (ulimit -u) counts tenure's two, too"
    expect(result.err.startswith(says) and result.err.count(b"\n") == 1, f"{result.err}")


LOADED = """#include <stdio.h>
#include <unistd.h>
__attribute__((constructor)) static void tell(void)
{
    char path[4096];
    FILE *file = fopen("loaded", "a");
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[length > 0 ? length : 0] = 0;
    if (file != NULL) { fprintf(file, "%s\\n", path); fclose(file); }
    for (int fd = 3; fd < 100; fd++) close(fd);
}
"""


def library_loaded_into_the_program(world):
    """What is preloaded into the program, and closes every descriptor that it finds, is not loaded into the recorder."""
    (world.work / "loaded.c").write_text(LOADED)
    library = world.work / "libloaded.so"
    expect_equal(world.run(need("gcc"), "-shared", "-fPIC", "-o", library, world.work / "loaded.c").status, 0, "the library")
    program = world.programs / "spawner"
    for how in (world.record, world.preload):
        preload = library if how == world.record else f"{world.shim}:{library}"
        result, log = how(program, "", LD_PRELOAD=preload)
        expect_equal((result.status, result.err), (0, b""), f"{how.__name__}")
        expect_equal(value(log, "SELECT count(*) FROM allocation WHERE size_bytes = 41"), 1, "blocks")
        loaded = [os.path.basename(line) for line in (world.work / "loaded").read_text().splitlines()]
        (world.work / "loaded").unlink()
        expect("spawner" in loaded and not any("recorder" in name for name in loaded), f"loaded into {loaded}")


ALL = {
    function.__name__: function
    for function in (
        silent_children, children_that_are_recorded, children_without_the_environment, children_within_a_namespace,
        commands_of_dash, refused_for_want_of_room, threads_refused_under_record, library_loaded_into_the_program,
    )
}
