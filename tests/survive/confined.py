# SPDX-License-Identifier: MIT
"""Programs that are confined, or confine themselves: namespaces, system call filters, little memory; and programs
that spoil what they share with the recorder."""

import os
import pathlib
import shutil
import time

from counting import (BLOCK_BYTES, OWN, SMALL_RINGS, Skip, check_exact, check_log, expect, expect_equal, logged, made, meta, need_namespaces, told)
from harness import finished, value, wait_until
from scenarios import preloaded

SANDBOX_BLOCKS = 20000
LOCKED_KIB_MAX = 64 << 10
SIZES = ("resident_kib", "virtual_kib", "locked_kib")
STRICT_BLOCKS = 500  # the ring must not fill up: its wait is a system call, and strict mode allows none


def check_crowd_within(world, *wrapper):
    """Threads that fill small rings, and more threads one after another than a first span of slots holds."""
    for how in (world.record, world.preload):
        for arguments in (("alive", 4, 100000), ("short", 3000, 10)):
            result, log = how(*wrapper, world.programs / "crowd", *arguments, TENURE_RING_SIZE=SMALL_RINGS)
            expect_equal((result.err, result.status), (b"", 0), f"crowd {arguments} under {how.__name__}")
            print(f"{how.__name__}, crowd {arguments[0]}: {check_exact(log, result.out)} blocks, all logged")


def pid_namespace(world):
    """The program is PID 1 of a namespace that the recorder is not in."""
    check_crowd_within(world, *need_namespaces(world, "-pf"))


def pid_namespace_with_proc(world):
    """The same, with a /proc that shows its processes only."""
    check_crowd_within(world, *need_namespaces(world, "-pf", "--mount-proc"))


def user_namespace(world):
    check_crowd_within(world, *need_namespaces(world, "-Urpf"))


def bubblewrap(world):
    bwrap = shutil.which("bwrap")
    if not bwrap:
        raise Skip("bwrap is not installed")
    tried = world.run(bwrap, "--unshare-all", "--dev-bind", "/", "/", "true")
    if tried.status != 0:
        raise Skip(f"bwrap --unshare-all: {tried.err.decode().strip()}")
    check_crowd_within(world, bwrap, "--unshare-all", "--dev-bind", "/", "/")


def first_process_of_namespace(world):
    """The recorder was started by PID 1 of a namespace, and dies with it: the log is closed before that."""
    wrapper = need_namespaces(world, "-pf", "--mount-proc")
    log = world.new_log()
    for mode in ("alive", "short"):
        log = world.new_log()
        result = world.run(*wrapper, "env", f"LD_PRELOAD={world.shim}", f"TENURE_LOG={log}", "TENURE_ROWS=all",
                           world.programs / "crowd", mode, 40, 5000)
        expect_equal((result.err, result.status), (b"", 0), "the program's end")
        expect_equal(meta(log).get("complete"), "1", f"meta.complete of crowd {mode}")
        births = value(log, "SELECT sum(births) FROM chunk")
        expect(births >= made(result.out), f"{births} births in the log, {made(result.out)} were made")


def check_sandbox(world, mode, blocks):
    """The filter does not kill the program, and the log has every block."""
    bare = world.run(world.programs / "sandbox", mode, blocks)
    if bare.status == 3:
        raise Skip("the kernel takes no filter")
    expect_equal(bare.status, 0, "status without tenure")
    for how in (world.record, world.preload):
        result, log = how(world.programs / "sandbox", mode, blocks, TENURE_RING_SIZE=SMALL_RINGS)
        expect_equal((result.out, result.err, result.status), (bare.out, b"", 0), f"sandbox {mode} under {how.__name__}")
        print(f"{how.__name__}, {mode}: {check_exact(log, result.out)} blocks, all logged")


def filter_of_calls(world):
    check_sandbox(world, "filter", SANDBOX_BLOCKS)


def filter_over_threads(world):
    """A thread whose first event comes when only futex and what malloc needs are allowed."""
    check_sandbox(world, "threads", SANDBOX_BLOCKS)


def filter_by_raw_calls(world):
    """The same, set by way of syscall() only."""
    check_sandbox(world, "raw", SANDBOX_BLOCKS)


def strict_mode(world):
    """Not even a futex is allowed there: the program runs as ever, and what is not recorded is counted."""
    bare = world.run(world.programs / "sandbox", "strict", STRICT_BLOCKS)
    if bare.status == 3:
        raise Skip("the kernel has no strict mode")
    for how in (world.record, world.preload):
        result, log = how(world.programs / "sandbox", "strict", STRICT_BLOCKS)
        expect_equal((result.out, result.status), (bare.out, 0), f"output and status under {how.__name__}")
        # The program releases every other block.
        events = made(result.out) + made(result.out) // 2
        sql = f"SELECT count(*) + count(death_ns) FROM allocation WHERE {OWN}"
        found, lost = value(log, sql, BLOCK_BYTES), int(meta(log)["events_lost"])
        print(f"{how.__name__}, strict: {found} events logged, {lost} lost")
        expect_equal(found + lost, events, "events, logged or counted as lost")
        expect_equal(meta(log)["complete"], "0" if lost else "1", "meta.complete")


def filter_over_exec(world):
    """An image that starts under a filter which knows nothing of us: it runs as without, and is recorded or counted.
    It lives until the recorder has seen the exec: one that is gone before is not noticed."""
    bare = world.run(world.programs / "sandbox", "exec", 1000, stdin=b"\n")
    if bare.status == 3:
        raise Skip("the kernel takes no filter")
    expect_equal(bare.status, 0, "status without tenure")
    log = world.new_log()
    program = preloaded(world, log, world.programs / "sandbox", "exec", 1000)
    first = program.line()
    is_over = "SELECT count(*) FROM process WHERE exit_kind = 'exec' OR id > 1"
    wait_until(lambda: log.exists() and value(log, is_over) > 0, "nobody notices the exec")
    program.go()
    status, out, err = program.end()
    expect_equal((first + out, status), (bare.out, bare.status), "output and status")
    expect(len(err.splitlines()) <= 1, f"more than one line: {err}")
    world.wait_finished(log)
    is_image_recorded = logged(log) == 10 + made(first)
    missing = int(meta(log).get("processes_unrecorded", 0))
    print(f"{logged(log)} blocks logged, {missing} images missing")
    expect(logged(log) >= 10, "the blocks before the exec are not in the log")
    expect(is_image_recorded or missing == 1, f"the image is not in the log, and {missing} are said to be missing")


def check_cramped(world, mode, blocks, wrapper=()):
    """A program with little memory has all that it has without us, and the log has every block."""
    bare = world.run(*wrapper, world.programs / "cramped", mode, blocks)
    if bare.status == 3:
        raise Skip("the limit cannot be set here")
    expect_equal((bare.status, told(bare.out)["failed"]), (0, 0), f"without tenure: {bare.out} {bare.err}")
    for how in (world.record, world.preload):
        result, log = how(*wrapper, world.programs / "cramped", mode, blocks)
        expect_equal((result.err, result.status), (b"", 0), f"cramped {mode} under {how.__name__}: {result.out}")
        check_exact(log, result.out)
        sizes = {name: (told(result.out)[name], told(bare.out)[name]) for name in SIZES}
        told_sizes = ", ".join(f"{name} {with_us} (without {without})" for name, (with_us, without) in sizes.items())
        print(f"{how.__name__}, {mode}: {told_sizes}")
        expect(sizes["locked_kib"][0] <= LOCKED_KIB_MAX, f"{sizes['locked_kib'][0]} KiB are locked")


def all_memory_locked(world):
    check_cramped(world, "locked", 100000)


def address_space_limited_inside(world):
    check_cramped(world, "capped", 100000)


def address_space_limited_outside(world):
    """Programs that have room for themselves and their threads still have it."""
    for mib in (85, 100, 120, 140, 160):
        check_cramped(world, "threads", 10000, ("sh", "-c", f"ulimit -v {mib << 10}; exec \"$@\"", "sh"))


def small_stacks_only(world):
    """A hard limit of the stack that is enough for the program, but not for what the recorder and the names need."""
    for kib in (64, 128):
        wrapper = ("sh", "-c", f"ulimit -s {kib}; exec \"$@\"", "sh")
        check_crowd_within(world, *wrapper)
        for how in (world.record, world.preload):
            result, log = how(*wrapper, world.programs / "stl")
            expect_equal((result.err, result.status), (b"", 0), f"stl under {how.__name__} with stacks of {kib} KiB")
            check_log(log)


def small_stack_of_record(world):
    """The tool itself under a hard limit of the stack that is less than a path takes; the program has that limit."""
    # The kernel leaves up to 8 KiB of a stack unused, by chance: of 16 KiB the loader itself then needs what is left.
    is_steady = world.run("setarch", "-R", "true").status == 0
    steady = ("setarch", "-R") if is_steady else ()
    for kib in (16, 32, 64) if is_steady else (32, 64):
        limited = (*steady, "sh", "-c", f"ulimit -s {kib}; exec \"$@\"", "sh")
        log = world.new_log()
        shows = f"test $(ulimit -s) = {kib} && exec {world.programs / 'crowd'} alive 2 100"
        result = world.run(*limited, world.tenure, "record", "--quiet", "-o", log, "sh", "-c", shows)
        expect_equal((result.err, result.status), (b"", 0), f"record with a stack of {kib} KiB")
        check_exact(log, result.out, least=200)
        for command in ("info", "report"):
            result = world.run(*limited, world.tenure, command, log)
            expect_equal((result.err, result.status), (b"", 0), f"{command} with a stack of {kib} KiB")


def another_user(world):
    """A user who has no process, how to run programs as that one, the settings of the bare shim, and a program."""
    if os.getuid() != 0:
        raise Skip("only root can become another user")
    # What another run of this test left behind, zombies too, would count against the limit. Containers often map only
    # the first 65,536 users.
    user = 20000 + os.getpid() % 40000
    # The build may lie where only root can go: that user gets copies.
    copies = world.folder / "tests/e2e/programs"
    copies.mkdir(parents=True)
    shim, recorder, program = (
        pathlib.Path(shutil.copy(path, copies)) for path in (world.shim, world.recorder, world.programs / "cramped"))
    for path in (world.folder, world.work, world.home, world.temporary, world.run_folder):
        os.chown(path, user, user)
    wrapper = ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--inh-caps=-all", "env")
    if world.run(*wrapper, program, "threads", 1000).status != 0:
        raise Skip("another user cannot be become here, or cannot reach the tests' folder")
    return user, wrapper, (f"LD_PRELOAD={shim}", f"TENURE_RECORDER={recorder}", "TENURE_ROWS=all"), program


def has_processes(user):
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if entry.stat().st_uid == user:
                return True
        except OSError:
            continue
    return False


def few_processes_allowed(world):
    """A limit of processes: the program's main thread and two more fit, and the recorder, which is one process with one
    thread. With room for one less the program is refused a thread."""
    user, wrapper, settings, program = another_user(world)
    command = (program, "threads", 1000)
    for limit, refused in ((3, 0), (5, 0), (4, 0), (3, 1)):
        limited = (*wrapper, "prlimit", f"--nproc={limit}")
        if (limit, refused) == (3, 0):
            bare = world.run(*limited, *command)
            expect_equal(bare.status, 0, f"three fit without tenure: {bare.out} {bare.err}")
            continue
        log = world.new_log()
        result = world.run(*limited, "env", *settings, f"TENURE_LOG={log}", *command)
        expect_equal((result.err, told(result.out)["failed"]), (b"", refused), f"limit {limit}, bare shim: {result.out}")
        # a copied recorder is none of this world's: it has ended when it has removed the log's companions
        wait_until(lambda: finished(log) and not log.with_name(f"{log.name}-shm").exists(), "the log is not finished")
        wait_until(lambda: not has_processes(user), "the recorder has not gone")
        print(f"limit {limit}: {check_exact(log, result.out)} blocks, all logged")


def deep_stacks_in_small_rings(world):
    """The smallest ring that there is, and stacks that would not fit it: they go through a ring of their own."""
    for how in (world.record, world.preload):
        result, log = how(world.programs / "deep", 7000, TENURE_RING_SIZE="64K", TENURE_DEPTH="8000")
        expect_equal((result.err, result.status), (b"", 0), f"deep under {how.__name__}")
        check_log(log)
        sql = """SELECT count(*) FROM stack_frame WHERE function = 'down' AND stack_id =
                 (SELECT stack_id FROM allocation WHERE size_bytes = 5432)"""
        expect_equal(value(log, sql), 7000, "frames of the recursion")


def stacks_replaced(world):
    """A coroutine's stack gives way to a smaller one at the same address."""
    for mode in ("unmap", "remap", "protect"):
        result, log = world.preload(world.programs / "swapped_stacks", mode, 300)
        expect_equal((result.err, result.status), (b"", 0), f"swapped_stacks {mode}")
        print(f"{mode}: {check_exact(log, result.out)} blocks, all logged")


def runtime_folder_unusable(world):
    """An XDG_RUNTIME_DIR that is missing, as after su, somebody else's, or too long for a socket: another place is taken,
    and `record` says so."""
    folders = [world.folder / "no-such-folder", world.folder / "long" / ("x" * 100)]
    folders[1].mkdir(mode=0o700, parents=True)
    if os.getuid() == 0:
        folders.append(world.folder / "of-another")
        folders[2].mkdir(mode=0o700)
        os.chown(folders[2], 12345, 12345)
    for folder in folders:
        result, log = world.record(world.programs / "crowd", "alive", 2, 1000, XDG_RUNTIME_DIR=folder)
        expect_equal((result.status, len(result.err.splitlines())), (0, 1), f"record with {folder}: {result.err}")
        expect(str(folder).encode() in result.err and b"is used instead" in result.err, f"{result.err}")
        if folder == folders[1]:
            expect(b"is too long for a socket, or no path from /" in result.err, f"{result.err}")
        check_exact(log, result.out)
        result, log = world.preload(world.programs / "crowd", "alive", 2, 1000, XDG_RUNTIME_DIR=folder)
        expect_equal((result.status, result.err), (0, b""), f"the bare shim with {folder}")
        check_exact(log, result.out)


def allocations_before_libc(world):
    """What stands in .preinit_array allocates: there is no getenv yet that would say where the log is to be."""
    for how in (world.record, world.preload):
        result, log = how(world.programs / "preinit", 100)
        expect_equal((result.status, result.err), (0, b""), f"preinit under {how.__name__}")
        check_exact(log, result.out, least=110)
    expect_equal([name for name in os.listdir(world.work) if name.endswith(".db")], [], "logs elsewhere")


def vandalized(world, mode):
    """Gives meta of the log of a program that spoils the shared memory: program and recorder live, the log is sound."""
    log, begun = world.new_log(), time.monotonic()
    result = world.run(world.programs / "vandal", mode, 50000, LD_PRELOAD=world.shim, TENURE_LOG=log,
                       TENURE_ROWS="all", TENURE_RING_SIZE=SMALL_RINGS)
    world.wait_finished(log)
    print(f"{mode}, {time.monotonic() - begun:.1f} s: {result.out}, {meta(log).get('complete')}, lost {meta(log).get('events_lost')}")
    expect_equal((result.err, result.status, made(result.out)), (b"", 0, 100000), f"vandal {mode}")
    expect_equal(value(log, "PRAGMA integrity_check"), "ok", "integrity")
    text = world.run(world.tenure, "report", log)
    expect_equal((text.status, text.err), (0, b""), "report")
    return result, log


def memory_truncated(world):
    """The kernel refuses it, and nothing is lost."""
    result, log = vandalized(world, "truncate")
    expect(b"refused\n" in result.out, "the shared memory can be truncated")
    check_exact(log, result.out)


def memory_spoilt(world):
    """What the program does to the shared memory costs events, but the log says so."""
    for mode in ("punch", "header", "control"):
        result, log = vandalized(world, mode)
        is_all_there = logged(log) == made(result.out)
        expect(is_all_there or meta(log)["complete"] == "0", f"{mode}: {logged(log)} of {made(result.out)}, and complete")
        if is_all_there:
            continue
        for command in ("report", "info"):
            text = " ".join(world.run(world.tenure, command, log).out.decode().split())
            expect("not known how many" in text, f"tenure {command} does not say that an unknown number is missing")


def record_without_proc(world):
    """It is the machine that lacks something, not the program that is missing."""
    shell = 'umount -l /proc || exit 99; exec "$@"'
    result = world.run("unshare", "--mount", "sh", "-c", shell, "sh", world.tenure, "record", "-o", world.new_log(),
                       "--", world.programs / "deep", "5")
    if result.status == 99 or b"unshare" in result.err:
        raise Skip("/proc cannot be hidden here")
    expect_equal((result.status, result.out), (125, b""), "status and output")
    expect_equal(len(result.error_lines()), 1, f"lines {result.err}")


ALL = {
    function.__name__: function
    for function in (
        pid_namespace, pid_namespace_with_proc, user_namespace, bubblewrap, first_process_of_namespace, filter_of_calls,
        filter_over_threads, filter_by_raw_calls, strict_mode, filter_over_exec, all_memory_locked, address_space_limited_inside,
        address_space_limited_outside, small_stacks_only, small_stack_of_record, few_processes_allowed,
        deep_stacks_in_small_rings, stacks_replaced, runtime_folder_unusable, record_without_proc,
        allocations_before_libc, memory_truncated, memory_spoilt,
    )
}
