# SPDX-License-Identifier: MIT
"""Test cases that are functions rather than data: something happens while a program runs."""

import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess

import bad
import exports
import failing
import finishing
import own_pools
import pauses
import reading
import truth
import simulations
import workflow
import texts
import trying
from harness import PATIENCE_S, Skip, check_log, expect, expect_equal, meta, need, query, value, wait_until


class Running:
    """A program that runs beside the test and is controlled through its standard input."""

    def __init__(self, world, *command, preexec=None, cwd=None, **environment):
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=cwd or world.work, env=world.environment(**environment), preexec_fn=preexec,
        )
        self.pid = self.process.pid

    def line(self):
        return self.process.stdout.readline()

    def go(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def end(self):
        """Wait for the end: (status, rest of the output, errors)."""
        out, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, out, err


def preloaded(world, log, *command, **environment):
    return Running(world, *command, LD_PRELOAD=world.shim, TENURE_LOG=log, TENURE_ROWS="all", **environment)


def gated_output(world, blocks):
    """How gated ends without tenure, and what it prints then."""
    program = Running(world, world.programs / "gated", blocks)
    expect_equal(program.line(), b"half\n", "the first line")
    program.go()
    return program.end()


# Programs copy their environment, so both runs get the same variables: those that valgrind sets for itself, and ours.
COUNT_ENVIRONMENT = {"LD_LIBRARY_PATH": "/usr/lib/debug", "GLIBCPP_FORCE_NEW": "1", "GLIBCXX_FORCE_NEW": "1"}

# What may differ all the same; docs/testing.md names the causes.
COUNT_BLOCKS = 10
COUNT_BYTES = 4096


def count(world, same, prepare):
    """The number of allocations and their bytes against valgrind's heap profiler."""
    valgrind = need("valgrind")
    command, keywords = prepare(world, same)
    world.warm_up(*command, **keywords)
    result, log = world.preload(*command, **keywords, **COUNT_ENVIRONMENT)
    expect_equal(result.status, 0, "status under the bare shim")
    check_log(log)
    ours = {"TENURE_LOG": log, "TENURE_ROWS": "all"}
    other = world.run(valgrind, "--tool=dhat", "--dhat-out-file=/dev/null", *command, **keywords, **ours)
    expect_equal(other.out, result.out, "output under valgrind")
    found = re.search(rb"Total:\s+([\d,]+) bytes in ([\d,]+) blocks", other.err)
    expect(found, f"valgrind told no total: {other.err[-500:]}")
    wanted_bytes, wanted_blocks = (int(text.replace(b",", b"")) for text in found.groups())
    # valgrind counts a block of 0 bytes as one of 1 byte.
    blocks, size_bytes = query(log, "SELECT count(*), sum(max(size_bytes, 1)) FROM allocation")[0]
    print(f"tenure {blocks} blocks, {size_bytes} bytes; valgrind {wanted_blocks} blocks, {wanted_bytes} bytes")
    expect(abs(blocks - wanted_blocks) <= COUNT_BLOCKS, f"{blocks} allocations, valgrind counts {wanted_blocks}")
    expect(abs(size_bytes - wanted_bytes) <= COUNT_BYTES, f"{size_bytes} bytes, valgrind counts {wanted_bytes}")


def killed(world):
    """A program that is killed in mid-run: everything up to the kill is in the log, and nothing else."""
    counts = world.folder / "counts"
    log = world.new_log()
    program = preloaded(world, log, world.programs / "killed", counts)
    wait_until(lambda: numbers(counts)[1] > 200000, "the program does not get on")
    program.process.kill()
    expect_equal(program.end()[0], -signal.SIGKILL, "status")
    world.wait_finished(log)
    check_log(log)
    births, deaths = query(log, "SELECT count(*), count(death_ns) FROM allocation WHERE size_bytes = 1234")[0]
    born, freed = numbers(counts)
    expect(born <= births <= born + 1, f"{births} births in the log, {born} by the program's own count")
    expect(freed <= deaths <= freed + 1, f"{deaths} deaths in the log, {freed} by the program's own count")


def numbers(path):
    """The two counters in the file that killed.c shares."""
    try:
        data = path.read_bytes()[:16]
    except OSError:
        data = b""
    data = data.ljust(16, b"\0")
    return int.from_bytes(data[:8], "little"), int.from_bytes(data[8:], "little")


def mirror(world):
    """What a program sees of its own process is the same with and without."""
    program = world.programs / "mirror"
    bare = world.run(program)
    expect(len(bare.out.splitlines()) > 20, "the program says little")
    for how in (world.record, world.preload):
        result, log = how(program)
        expect_equal(result.out.decode().splitlines(), bare.out.decode().splitlines(), "what the program sees")
        expect_equal((result.err, result.status), (bare.err, bare.status), "errors and status")
        check_log(log)


def own_malloc(world):
    """A program with its own malloc cannot be recorded: one line says so, and it runs."""
    program = world.programs / "ownmalloc"
    result, log = world.preload(program, wait=False)
    expect_equal((result.out, result.status), (b"own heap\n", 0), "output and status")
    lines = result.error_lines()
    expect(len(lines) == 1 and lines[0].startswith("tenure: "), f"one line about it, not {lines}")
    result, log = world.record(program)
    expect_equal((result.out, result.status), (b"own heap\n", 0), "output and status under record")
    expect(any("malloc" in line for line in result.error_lines()), f"a line about it, not {result.error_lines()}")


def deep_binding(world):
    """Libraries that bypass every preloaded one (RTLD_DEEPBIND): their calls are not recorded, and do no harm; that they
    are there is said."""
    programs = world.programs
    plain = (programs / "plugins", programs / "libplug_a.so", programs / "libplug_b.so")
    says = b"the program loaded libraries apart (RTLD_DEEPBIND, dlmopen): what they allocate themselves is not recorded"
    for how, command, calls in ((how, command, calls) for how in (world.record, world.preload)
                                for command, calls in (((*plain, "deep"), 30), (plain, 0))):
        result, log = how(*command)
        told = b"tenure: " + says + b"\n" if calls and how == world.record else b""
        expect_equal((result.out, result.err, result.status), (b"", told, 0), "the program's end")
        expect_equal(int(meta(log)["libraries_apart"]), calls, "calls that loaded libraries apart")
        info = world.run(world.tenure, "info", log).out.decode()
        expect_equal("loaded libraries apart" in info, calls > 0, f"info: {info}")
        expect_equal(value(log, "PRAGMA integrity_check"), "ok", "integrity")
        expect_equal(meta(log)["complete"], "1", "meta.complete")


def other_allocator(world):
    """Another allocator behind the shim: the program's blocks are that allocator's, and the log is exact."""
    library = pathlib.Path("/usr/lib/x86_64-linux-gnu/libjemalloc.so.2")
    if not library.exists():
        raise Skip("libjemalloc2 is not installed")
    for name in ("churn", "handoff", "chains"):
        told = world.folder / f"{name}.truth"
        result, log = world.preload(world.programs / name, LD_PRELOAD=f"{world.shim}:{library}", TRUTH=told)
        expect_equal((result.err, result.status), (b"", 0), f"{name} with jemalloc")
        check_log(log)
        truth.check(log, told, (f"{name}.c",))
    told = world.folder / "record.truth"
    result, log = world.record(world.programs / "churn", LD_PRELOAD=library, TRUTH=told)
    expect_equal((result.err, result.status), (b"", 0), "churn with jemalloc under record")
    truth.check(log, told, ("churn.c",))
    expect(value(log, "SELECT count(*) FROM module WHERE path LIKE '%jemalloc%'") == 1, "jemalloc was not there")


def link_and_static_image(world):
    """A process is named after the link that was run; an image that the shim is not in has a row that says so."""
    link = world.folder / "a-name-longer-than-the-kernel-keeps"
    os.symlink("/bin/sh", link)
    log = world.new_log()
    quiet = world.programs / "reads_stdin"
    process = subprocess.Popen([world.tenure, "record", "-o", log, "--", link, "-c", f"exec {quiet}"],
                               stdin=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    unrecorded = "SELECT count(*) FROM process WHERE exit_kind = 'not recorded'"
    has_tables = "SELECT count(*) FROM sqlite_master WHERE name = 'process'"
    wait_until(lambda: os.path.exists(log) and value(log, has_tables) == 1 and value(log, unrecorded) == 1,
               "the static image has no row")  # fmt: skip
    process.communicate()
    rows = query(log, "SELECT name, exit_kind, parent_id FROM process ORDER BY id")
    expect_equal(rows, [(os.path.basename(link), "exec", None), ("reads_stdin", "not recorded", 1)], "processes")
    info = world.run(world.tenure, "info", log).out.decode()
    expect(f"{os.path.basename(link)} (" in info and "not recorded" in info, info)


def while_running(world):
    """A log can be read while it is written, and readers block nothing."""
    log = world.new_log()
    program = preloaded(world, log, world.programs / "gated", 200000)
    expect_equal(program.line(), b"half\n", "the first line")
    wait_until(lambda: committed(log) > 0, "nothing was committed")
    reader = sqlite3.connect(f"file:{log}?mode=ro", uri=True)
    reader.execute("BEGIN")
    seen = reader.execute("SELECT sum(births) FROM chunk").fetchone()[0]
    expect_equal(meta(log).get("complete"), "0", "meta.complete while it runs")
    for command in ("info", "report"):
        result = world.run(world.tenure, command, log)
        expect_equal((result.err, result.status), (b"", 0), f"tenure {command} on a log that is being written")
    saved = world.run(world.tenure, "report", "--save", log)
    expect_equal((saved.out, saved.status), (b"", 3), "report --save on a log that is being written")
    expect(b"it is being recorded" in saved.err, f"--save says why not: {saved.err}")
    counted = world.run(world.tenure, "sql", "--csv", log, "SELECT count(*) FROM allocation")
    expect(int(counted.out.split()[-1]) >= seen, "the virtual table of a log that is being written")
    program.go()
    status, out, err = program.end()
    expect_equal((status, err), (7, b""), "end of the program")
    wait_until(lambda: meta(log).get("complete") == "1", "the open reader holds up the close")
    reader.close()
    # The reader kept the log from leaving WAL mode; its content is whole all the same.
    wait_until(lambda: meta(log).get("finished") == "1", "the log is not finished")
    expect_equal(value(log, "PRAGMA integrity_check"), "ok", "integrity")


def committed(log):
    try:
        return value(log, "SELECT coalesce(sum(births), 0) FROM chunk")
    except sqlite3.Error:
        return 0


def pipe_is_closed(world):
    """Nothing keeps the program's output open after its end: $(program) does not hang."""
    log = world.new_log()
    program = preloaded(world, log, world.programs / "deep", "5")
    expect_equal(program.end(), (0, b"", b""), "end of the program")
    world.wait_finished(log)
    check_log(log)


def default_name(world):
    """Without -o the log is tenure.PROGRAM.PID.db in the working directory; an existing log stays."""
    result = world.run(world.tenure, "record", world.programs / "deep", "5")
    expect_equal(result.status, 0, "status")
    names = os.listdir(world.work)
    expect(len(names) == 1 and re.fullmatch(r"tenure\.deep\.\d+\.db", names[0]), f"name of the log {names}")
    check_log(world.work / names[0])
    text = result.err.decode()
    expect(names[0] in text and "tenure report" in text, f"the summary names the log and what to do next: {text}")


def force(world):
    """--force replaces a log."""
    result, log = world.record(world.programs / "deep", "5")
    first = meta(log)["started_at"], meta(log)["duration_ns"]
    result, log = world.record(world.programs / "chains", log=log, options=("--force",))
    expect_equal(result.status, 0, "status")
    check_log(log)
    expect((meta(log)["started_at"], meta(log)["duration_ns"]) != first, "the log is the old one")
    expect(value(log, "SELECT executable FROM process").endswith("chains"), "the log is not the new program's")


def shared_log(world):
    """Two programs that name the same log share its recorder."""
    log = world.new_log()
    first = preloaded(world, log, world.programs / "gated", 1000)
    expect_equal(first.line(), b"half\n", "the first line")
    wait_until(lambda: log.exists(), "no log")
    second = world.run(world.programs / "deep", "9", LD_PRELOAD=world.shim, TENURE_LOG=log)
    expect_equal((second.status, second.err), (0, b""), "the second program")
    first.go()
    expect_equal(first.end()[0], 7, "the first program")
    world.wait_finished(log)
    check_log(log)
    names = [os.path.basename(path) for (path,) in query(log, "SELECT executable FROM process ORDER BY id")]
    expect_equal(names, ["gated", "deep"], "processes in the shared log")


def children_no(world):
    """--children no: only the program itself."""
    result, log = world.record(world.programs / "forks", "forkexec", options=("--children", "no"))
    expect_equal((result.status, result.err), (0, b""), "status")
    check_log(log)
    expect_equal(value(log, "SELECT count(*) FROM process"), 1, "processes")


def free_stacks_no(world):
    """--free-stacks no: no stack at free, nothing else changes. (realloc has one stack for both of its blocks.)"""
    result, log = world.record(world.programs / "chains", options=("--free-stacks", "no"))
    expect_equal(result.status, 0, "status")
    check_log(log)
    freed, stacks, births = query(log, """SELECT count(death_ns), count(free_stack_id), count(stack_id) FROM allocation
                                            WHERE free_function IS NULL OR free_function NOT LIKE 'realloc%'""")[0]
    expect(freed > 200 and births > 200, f"{births} allocations and {freed} frees only")
    expect_equal(stacks, 0, "stacks at free")


def small_ring(world):
    """The smallest ring: the program waits for the recorder, and nothing is lost."""
    told = world.folder / "truth"
    result, log = world.record(world.programs / "handoff", options=("--ring-size", "256K"), TRUTH=told)
    expect_equal((result.status, result.err), (0, b""), "status")
    check_log(log)
    truth.check(log, told, ("handoff.c",))


def interrupt(world):
    """Ctrl-C reaches the program; the recording goes on to its end and has the program's status."""
    log = world.new_log()
    program = Running(world, world.tenure, "record", "--quiet", "-o", log, "--", world.programs / "gated", 1000,
                      preexec=os.setsid)
    expect_equal(program.line(), b"half\n", "the first line")
    os.killpg(program.pid, signal.SIGINT)
    status, out, err = program.end()
    expect_equal(status, 128 + signal.SIGINT, "status of record")
    check_log(log)
    expect_equal(query(log, "SELECT exit_kind, exit_code FROM process"), [("signal", int(signal.SIGINT))], "end of the process")


def exit_codes(world):
    """record knows how its own child ended, and the log says it."""
    wanted = {"return": ("exit", 3), "_exit": ("exit", 5), "kill": ("signal", 9), "abort": ("signal", 6)}
    for how, end in wanted.items():
        result, log = world.record(world.programs / "ends", how)
        expect_equal(query(log, "SELECT exit_kind, exit_code FROM process"), [end], f"end of the process by {how}")


def marks(world):
    """The marks of the program's life are in the log, in order."""
    result, log = world.record(world.programs / "early")
    texts = [text for (text,) in query(log, "SELECT text FROM mark ORDER BY time_ns, id")]
    expect("main entered" in texts and "exit begun" in texts, f"marks {texts}")
    expect(texts.index("main entered") < texts.index("exit begun"), f"order of the marks {texts}")
    sql = "SELECT count(*) FROM allocation a WHERE size_bytes = ? AND birth_ns {} (SELECT time_ns FROM mark WHERE text = ?)"
    expect_equal(value(log, sql.format("<"), 111, "main entered"), 1, "blocks of a constructor before main")
    expect_equal(value(log, sql.format(">"), 222, "exit begun"), 1, "blocks of an exit handler after exit has begun")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def redis(world):
    """A server under load answers correctly, is recorded, and ends when it is told to."""
    server, benchmark, client = need("redis-server", "redis-benchmark", "redis-cli")
    log, port = world.new_log(), free_port()
    command = (server, "--port", port, "--save", "", "--appendonly", "no", "--daemonize", "no")
    program = Running(world, world.tenure, "record", "--quiet", "-o", log, "--", *command)
    cli = (client, "-p", port)
    wait_until(lambda: world.run(*cli, "ping").out == b"PONG\n", "the server does not answer")
    load = world.run(benchmark, "-p", port, "-n", "5000", "-q", "-t", "set,get,lpush,lrange_100")
    expect_equal(load.status, 0, "status of the benchmark")
    expect_equal(world.run(*cli, "set", "key", "a value of some length").out, b"OK\n", "set")
    expect_equal(world.run(*cli, "get", "key").out, b"a value of some length\n", "get")
    world.run(*cli, "shutdown", "nosave")
    status, out, err = program.end()
    expect_equal((status, err), (0, b""), "end of the server")
    check_log(log)
    expect(value(log, "SELECT executable FROM process ORDER BY id LIMIT 1").endswith(("redis-server", "redis-check-rdb")), "the server")
    print(f"{meta(log)['allocations']} allocations recorded")


def read_only_folder(world):
    """A closed log can be read where nothing can be written."""
    result, log = world.record(world.programs / "deep", "5")
    folder = world.folder / "shelf"
    folder.mkdir()
    shutil.copy(log, folder / "log.db")
    (folder / "log.db").chmod(0o444)
    folder.chmod(0o555)
    for command in (("info",), ("report",), ("sql", "SELECT count(*) FROM allocation")):
        reader = bad.without_rights((world.tenure, command[0], folder / "log.db", *command[1:]))
        result = world.run(*reader)
        expect_equal((result.err, result.status), (b"", 0), f"tenure {command[0]} of a log that cannot be written")
    expect_equal(os.listdir(folder), ["log.db"], "files beside the log")


ALL = {
    "killed": killed,
    "mirror": mirror,
    "own_malloc": own_malloc,
    "deep_binding": deep_binding,
    "other_allocator": other_allocator,
    "link_and_static_image": link_and_static_image,
    "while_running": while_running,
    "pipe_is_closed": pipe_is_closed,
    "default_name": default_name,
    "force": force,
    "shared_log": shared_log,
    "children_no": children_no,
    "free_stacks_no": free_stacks_no,
    "small_ring": small_ring,
    "interrupt": interrupt,
    "exit_codes": exit_codes,
    "marks": marks,
    "redis": redis,
    "read_only_folder": read_only_folder,
    **exports.ALL,
    **failing.ALL,
    **finishing.ALL,
    **reading.ALL,
    **own_pools.ALL,
    **pauses.ALL,
    **simulations.ALL,
    **texts.ALL,
    **trying.ALL,
    **workflow.ALL,
}
