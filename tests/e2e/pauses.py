# SPDX-License-Identifier: MIT
"""Recordings that are paused, resumed and committed while the program runs: what is recorded, what is counted."""

import json
import os
import signal
import socket
import subprocess

from harness import Result, check_log, expect, expect_equal, meta, query, value

# paused.cpp: what it allocates while it is paused, an exception included.
MEANWHILE = 15 + 5 + 1 + 1
# pthread_create's own blocks, for each thread of toggled.c; glibc keeps them for the next thread.
THREADS = 3


def control(world, target, *words):
    """`tenure ctl`: its status and what it says as one object."""
    result = world.run(world.tenure, "ctl", "--json", target, *words)
    expect_equal((result.status, result.err), (0, b""), f"tenure ctl {' '.join(words)}")
    return json.loads(result.out)


def start(world, program, *options):
    """Record a program that waits for lines; gives it and its log once it has said the first one."""
    from scenarios import Running

    log = world.new_log()
    command = (world.tenure, "record", "-q", "-o", log, "--rows", "all", *options, "--", world.programs / program)
    running = Running(world, *command)
    running.line()
    return running, log


def step(running, says):
    running.go()
    expect_equal(running.line(), says, "the program's next line")


def finish(world, running):
    running.go()
    result = running.end()
    expect_equal((result[0], result[2]), (0, b""), "how the recording ended")
    return result[1]


def births(log):
    """(size, function, previous, death function, whether it has died, whether its release has a stack), by birth."""
    return query(log, "SELECT size_bytes, function, previous_id, free_function, death_ns IS NOT NULL,"
                      " free_stack_id IS NOT NULL FROM allocation WHERE size_bytes BETWEEN 1000 AND 4000 ORDER BY id")


def check_third_phase(rows):
    """What paused.cpp allocates after the pause: a block that was born meanwhile is moved, seven are made."""
    expect_equal(rows[0], (3500, "realloc", None, "free", 1, 1), "the block that was moved after the pause")
    expect_equal(rows[1:], [(3000, "malloc", None, "free", 1, 1)] * 3 + [(3000, "malloc", None, None, 0, 0)] * 4,
                 "blocks of the third phase")


def check_told(world, log, facts):
    """Whoever reads the log by another command learns of the pause, too."""
    wanted = {key: int(facts[key]) for key in ("pauses", "paused_ns", "unrecorded_allocations")}
    diff = json.loads(world.run(world.tenure, "diff", "--format", "json", "--policy", "none", log, log).out)
    replay = json.loads(world.run(world.tenure, "simulate", "--format", "json", log).out)
    for told, what in ((diff["old"], "diff: old"), (diff["new"], "diff: new"), (replay["recording"], "simulate")):
        expect_equal({key: told.get(key) for key in wanted}, wanted, f"pauses by {what}")
    text = world.run(world.tenure, "simulate", log).out.decode()
    expect(f": {MEANWHILE} allocations in that time are not replayed" in text, "pauses in the text of simulate")


def paused_between(world):
    """Stop and start around the second phase: blocks from before die in the log, those from meanwhile are counted."""
    running, log = start(world, "paused")
    step(running, b"b\n")
    expect_equal(control(world, log, "stop")["paused"], True, "paused after stop")
    expect_equal(control(world, log, "stop")["pauses"], 1, "pauses after a second stop")
    step(running, b"c\n")
    told = control(world, log, "start")
    expect_equal((told["paused"], told["unrecorded_allocations"]), (False, MEANWHILE), "after start")
    step(running, b"d\n")
    finish(world, running)
    facts = check_log(log)
    found = births(log)
    released = [(1000 + i, "malloc", None, "free", 1, 0) for i in range(5)]
    moved = [(1005, "malloc", None, "realloc", 1, 0), (1006, "malloc", None, None, 0, 0)]
    rest = [(1007, "malloc", None, "free", 1, 1)] + [(1000 + i, "malloc", None, None, 0, 0) for i in (8, 9)]
    expect_equal(found[:10], released + moved + rest, "blocks of the first phase")
    expect_equal(found[10], (1040, "operator new[]", None, "operator delete[]", 1, 0), "the array")
    check_third_phase(found[11:])
    counted = {key: int(facts[key]) for key in ("unrecorded_allocations", "unrecorded_frees", "unmatched_frees", "pauses")}
    wanted = {"unrecorded_allocations": MEANWHILE, "unrecorded_frees": MEANWHILE, "unmatched_frees": 0, "pauses": 1}
    expect_equal(counted, wanted, "what meta counts")
    expect(0 < int(facts["paused_ns"]) < int(facts["duration_ns"]), "the time that was spent in pauses")
    check_told(world, log, facts)
    expect_equal(value(log, "SELECT count(*) FROM allocation_failure"), 0, "failures while paused")
    marks = [text for (text,) in query(log, "SELECT text FROM mark WHERE text LIKE 'recording %' ORDER BY time_ns")]
    expect_equal(marks, ["recording paused", "recording resumed"], "marks")


def check_only_third(log):
    facts = check_log(log)
    check_third_phase(births(log))
    expect_equal(facts["unmatched_frees"], "0", "unmatched frees")
    first = query(log, "SELECT text, time_ns - (SELECT start_ns FROM process) FROM mark ORDER BY time_ns LIMIT 1")
    expect_equal(first, [("recording paused", 0)], "the first mark, at the start of the process")
    return facts


def paused_from_start(world):
    """--paused: nothing is recorded until `ctl PID start`, and no release without a birth is an error."""
    running, log = start(world, "paused", "--paused")
    step(running, b"b\n")
    step(running, b"c\n")
    control(world, log, "flush")
    pid = value(log, "SELECT pid FROM process")
    expect_equal(control(world, pid)["allocations"], 0, "allocations before start")
    expect_equal(control(world, pid, "start")["paused"], False, "paused after start")
    step(running, b"d\n")
    finish(world, running)
    facts = check_only_third(log)
    expect(int(facts["unrecorded_allocations"]) >= MEANWHILE + 11, "allocations that were not recorded")


def paused_until_mark(world):
    """--after MARK: everything from the mark on is recorded, nothing before it; the same under the bare shim."""
    running, log = start(world, "paused", "--after", "warm")
    for says in (b"b\n", b"c\n", b"d\n"):
        step(running, says)
    finish(world, running)
    check_only_third(log)
    running, log = start(world, "paused", "--after", "warm")
    for says in (b"b\n", b"c\n"):
        step(running, says)
    control(world, log, "stop")
    expect_equal(control(world, log)["paused"], True, "paused by a stop that comes after the mark")
    step(running, b"d\n")
    finish(world, running)
    plain = world.run(world.tenure, "record", "-o", world.new_log(), "--after", "never", "--", world.programs / "paused",
                      stdin=b"\n\n\n\n")
    expect(b" of that, and to the end: " in plain.err and b" allocations in that time are not in the log\n" in plain.err,
           f"the summary of a recording whose mark never came: {plain.err}")
    ran, paused = plain.err.split(b" ran ")[1].split(b" in ")[0], plain.err.split(b"paused for ")[1].split(b" of that")[0]
    expect_equal(paused, ran, "the time of a pause that lasts from the program's start to its end")
    result, log = world.preload(world.programs / "paused", stdin=b"\n\n\n\n", TENURE_AFTER="warm")
    expect_equal(result.status, 0, "status under the bare shim")
    check_only_third(log)
    result, log = world.preload(world.programs / "paused", stdin=b"\n\n\n\n", TENURE_PAUSED="1")
    facts = meta(log)
    expect_equal((births(log), facts["pauses"]), ([], "1"), "what is recorded of a pause that nobody ends")
    expect_equal(facts["paused_ns"], facts["duration_ns"], "how long a pause is that nobody ends")


def paused_until_time(world):
    """--after TIME: a time that passes begins the recording, one that does not records nothing."""
    running, log = start(world, "paused", "--after", "0.05s")
    step(running, b"b\n")
    while control(world, log)["paused"]:
        pass
    step(running, b"c\n")
    step(running, b"d\n")
    finish(world, running)
    sizes = {size for size, *_ in births(log) if size < 3000}
    expect(2000 in sizes and 2500 in sizes, f"what was recorded once the time had passed: {sizes}")
    expect_equal(check_log(log)["pauses"], "1", "pauses")
    running, log = start(world, "paused", "--after", "1h")
    for says in (b"b\n", b"c\n", b"d\n"):
        step(running, says)
    finish(world, running)
    expect_equal(births(log), [], "what was recorded before the time had passed")


def pauses_are_exact(world):
    """Three threads that pass blocks to each other while the recording is paused and resumed thirty times: each
    block that was born in the log dies in it, and every other one is counted, both ways."""
    running, log = start(world, "toggled")
    for _ in range(30):
        control(world, log, "stop")
        control(world, log, "start")
    lines = finish(world, running)
    made = int(lines.split()[-1])
    facts = {key: int(number) for key, number in check_log(log).items() if number.isdigit()}
    recorded, live = query(log, "SELECT count(*), count(*) - count(death_ns) FROM allocation")[0]
    expect_equal(recorded + facts["unrecorded_allocations"], made + THREADS, "blocks, recorded and counted")
    expect_equal(facts["unmatched_frees"], 0, "unmatched frees")
    expect(live <= THREADS, f"{live} blocks live at the end")
    expect(facts["unrecorded_allocations"] - facts["unrecorded_frees"] <= THREADS - live,
           f"{facts['unrecorded_allocations']} allocations and {facts['unrecorded_frees']} frees were not recorded")
    expect(recorded > 1000 and facts["unrecorded_allocations"] > 1000, "too little was recorded, or left out")
    expect_equal(facts["pauses"], 30, "pauses")


def paused_children(world):
    """Processes that come while the recording is paused are paused, and resumed with the others."""
    shell = "import os, sys; os.write(1, b'r\\n'); os.read(0, 1); os.execv(sys.argv[1], sys.argv[1:])"
    from scenarios import Running

    log = world.new_log()
    running = Running(world, world.tenure, "record", "-q", "-o", log, "--rows", "all", "--paused", "--",
                      "/usr/bin/python3", "-c", shell, world.programs / "paused")
    running.line()
    step(running, b"a\n")
    step(running, b"b\n")
    step(running, b"c\n")
    control(world, log, "start")
    step(running, b"d\n")
    finish(world, running)
    check_log(log)
    found = query(log, "SELECT process_id, count(*) FROM allocation GROUP BY 1")
    last = value(log, "SELECT max(id) FROM process")
    expect_equal([process for process, _ in found], [last], "processes with allocations")
    marks = query(log, "SELECT process_id, text FROM mark WHERE text LIKE 'recording %' ORDER BY time_ns")
    expect_equal(marks[-2:], [(last, "recording paused"), (last, "recording resumed")], "marks of the last process")


def flush_commits(world):
    """After `ctl flush` whoever reads the log sees everything that the program had done before."""
    running, log = start(world, "paused")
    step(running, b"b\n")
    told = control(world, log, "flush")
    facts = meta(log)
    expect_equal((int(facts["allocations"]), int(facts["frees"])), (told["allocations"], told["frees"]), "totals in the log")
    rows = world.run(world.tenure, "sql", "--csv", log, "SELECT count(*) FROM allocation WHERE size_bytes BETWEEN 1000 AND 1040")
    expect_equal(rows.out.split()[-1], b"11", "blocks of the first phase, after the flush")
    step(running, b"c\n")
    step(running, b"d\n")
    finish(world, running)
    check_log(log)


def control_by_text(world):
    """What `tenure ctl` prints for people."""
    running, log = start(world, "paused", "--paused")
    result = world.run(world.tenure, "ctl", log)
    text = result.out.decode()
    expect(f"log           {log}, " in text and "state         paused for " in text, f"the text: {text}")
    expect("\nlost          0\n" in text and " allocations while paused\n" in text, f"the text: {text}")
    for says in (b"b\n", b"c\n", b"d\n"):
        step(running, says)
    finish(world, running)
    expect_equal(os.path.exists(log), True, "the log")


def control_refused(world):
    """Recordings that are not there, or not to be reached: one line that says what to do."""
    from refusals import expect_refusal

    log = world.new_log()
    expect_refusal(world.run(world.tenure, "ctl", log), f"no log '{log}': No such file", 3)
    expect_refusal(world.run(world.tenure, "ctl", "2147483646"), "no process 2147483646: it has ended, or the number is wrong", 3)
    expect_refusal(world.run(world.tenure, "ctl", os.getpid()), f"process {os.getpid()} is not being recorded", 3)
    result, log = world.record("true", log=log)
    expect_equal(result.status, 0, "status of the recording")
    expect_refusal(world.run(world.tenure, "ctl", log, "stop"), f"nobody is writing the log '{log}'", 3)
    expect_refusal(world.run(world.tenure, "ctl", log, "halt"), "'ctl' cannot 'halt': it can status, start, stop", 2)
    bad = world.run(world.tenure, "record", "--pid", os.getpid())
    expect_refusal(bad, f"cannot record process {os.getpid()}, which runs already: start it again", 125)
    bad = world.run(world.tenure, "record", "--after", "90x", "--", "true")
    expect_refusal(bad, "option '--after' of 'record': '90x' is no duration", 125)
    bad = world.run(world.tenure, "record", "--after", "m" * 2000, "--", "true")
    expect_refusal(bad, "takes a time, as in 90s, or the text of a mark", 125)


def control_without_answer(world):
    """A recorder that is stopped does not answer; one of another build, or of a stranger, says so."""
    from refusals import expect_refusal

    running, log = start(world, "paused")
    (recorder,) = world.recorders()
    command = (world.tenure, "ctl", log)
    os.kill(recorder, signal.SIGSTOP)
    expect_refusal(world.run(*command), f"the recorder of '{log}' does not answer: it is stopped", 3)
    os.kill(recorder, signal.SIGCONT)
    link = next(name for name in os.listdir(world.run_folder / "tenure") if name.startswith("log."))
    for reply, says, status in (
        (b"", f"the recorder of '{log}' could not do it: Connection reset by peer", 3),
        (b"no such answer", f"the recorder of '{log}' is of another build of tenure", 3),
    ):
        expect_refusal(with_false_recorder(world, link, reply, command), says, status)
    for says in (b"b\n", b"c\n", b"d\n"):
        step(running, says)
    running.go()
    status, _, err = running.end()
    expect(status == 0 and b"was stopped by a signal" in err, f"how the recording ended: {status}, {err}")


def with_false_recorder(world, link, reply, command):
    """Run a command while somebody else listens where the recorder of a log is looked for."""
    path = world.run_folder / "tenure" / link
    target = os.readlink(path)
    false = world.run_folder / "tenure" / "recorder.1.socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(false))
        listener.listen()
        path.unlink()
        path.symlink_to(false.name)
        running = subprocess.Popen([str(part) for part in command], stderr=subprocess.PIPE, env=world.environment())
        connection, _ = listener.accept()
        connection.recv(4096)
        if reply:
            connection.send(reply)
        connection.close()
        err = running.communicate()[1]
        path.unlink()
        path.symlink_to(target)
        false.unlink()
    return Result(subprocess.CompletedProcess(command, running.returncode, b"", err))


ALL = {
    "paused_between": paused_between,
    "paused_from_start": paused_from_start,
    "paused_until_mark": paused_until_mark,
    "paused_until_time": paused_until_time,
    "pauses_are_exact": pauses_are_exact,
    "paused_children": paused_children,
    "flush_commits": flush_commits,
    "control_by_text": control_by_text,
    "control_refused": control_refused,
    "control_without_answer": control_without_answer,
}
