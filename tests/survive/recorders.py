# SPDX-License-Identifier: MIT
"""The recorder dies, or stands still: the program goes on at once, and what is missing is counted."""

import os
import signal
import time

from counting import (SMALL_RINGS, check_accounted, expect, expect_equal, is_zombie_of, made, made_by_thread, meta,
                      told)
from harness import value, wait_until
from scenarios import Running, preloaded

PULSE_BLOCKS = 3000000
# The recorder's death is seen within a tenth of a second. A busy machine adds to that, but not twenty times as much.
STAND_STILL_MS_MAX = 2000
# Thirty forks and thirty images; five seconds each would be five minutes.
FAMILY_CHILDREN = 30
FAMILY_S_MAX = 60


def recorder_of(world):
    wait_until(lambda: world.recorders(), "no recorder runs")
    return world.recorders()[0]


def kill_in_mid_run(world, delay_s):
    """Kill the recorder of a program under `tenure record`: how long the program stood still, in milliseconds."""
    log = world.new_log()
    program = Running(world, world.tenure, "record", "-o", log, "--", world.programs / "pulse", PULSE_BLOCKS,
                      TENURE_RING_SIZE=SMALL_RINGS)
    expect_equal(program.line(), b"half\n", "the first line")
    time.sleep(delay_s)
    world.is_littered = True
    for pid in world.recorders():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: program.process.poll() is not None or not is_zombie_of(program.pid),
               "tenure does not wait for the recorder that has died")
    status, out, err = program.end()
    expect_equal((status, made(out)), (0, PULSE_BLOCKS), "the program's end")
    lines = [line for line in err.decode().splitlines() if "recorder" in line]
    expect(log.exists() and value(log, "PRAGMA integrity_check") == "ok", "the log is not sound")
    facts = meta(log)
    expect(facts["complete"] == "1" or len(lines) == 1, f"one line says that the recorder died, not {err.decode()}")
    return told(out)["stood_still_ms"]


def kills(world, count):
    stood_still = [kill_in_mid_run(world, delay_s=0.002 * n) for n in range(count)]
    print(f"{count} kills: stood still {sorted(stood_still)[count // 2]} ms in the middle, {max(stood_still)} ms at most")
    expect(max(stood_still) < STAND_STILL_MS_MAX, f"the program stood still for {max(stood_still)} ms")


def recorder_killed_5_times(world):
    kills(world, 5)


def recorder_killed_50_times(world):
    kills(world, 50)


def stopped_in_mid_run(world, parts, threads, blocks):
    """A program whose recorder is stopped while it waits after its first part. Gives both, and the log."""
    log = world.new_log()
    program = preloaded(world, log, world.programs / "crowd", parts, threads, blocks, TENURE_RING_SIZE=SMALL_RINGS)
    expect_equal(program.line(), b"part\n", "the first line")
    recorder = recorder_of(world)
    os.kill(recorder, signal.SIGSTOP)
    program.go()
    return program, recorder, log


def recorder_stopped_to_the_end(world):
    """The program ends although the recorder is stopped; when that goes on, it counts what it missed."""
    program, recorder, log = stopped_in_mid_run(world, "halves", 4, 200000)
    status, out, err = program.end()
    os.kill(recorder, signal.SIGCONT)
    expect_equal((status, err), (0, b""), "the program's end")
    world.wait_finished(log)
    lost = check_accounted(log, out)
    expect(lost > 100000, f"{lost} events lost: the rings cannot have held the others")
    check_told(world, log, lost)


def check_told(world, log, lost):
    """`report` and `info` say what is missing before anything else."""
    for command in ("report", "info"):
        text = world.run(world.tenure, command, log).out.decode()
        expect(f"{lost:,}" in text or str(lost) in text, f"tenure {command} does not say that {lost} events are missing")


def recorder_stopped_for_a_while(world):
    """A stopped recorder that goes on: from then on everything is recorded again."""
    program, recorder, log = stopped_in_mid_run(world, "halves", 2, 600000)
    wait_until(lambda: program.process.poll() is not None or is_paused(program.pid),
               "the threads neither wait nor go on")
    os.kill(recorder, signal.SIGCONT)
    status, out, err = program.end()
    expect_equal((status, err), (0, b""), "the program's end")
    world.wait_finished(log)
    check_accounted(log, out)


def births(log):
    return value(log, "SELECT coalesce(sum(births), 0) FROM chunk")


def recorder_goes_on(world):
    """A recorder that was stopped until events were lost, and goes on: what comes after that is all recorded."""
    program, recorder, log = stopped_in_mid_run(world, "thirds", 2, 100000)
    expect_equal(program.line(), b"part\n", "the second line")
    committed = births(log)
    os.kill(recorder, signal.SIGCONT)
    wait_until(lambda: births(log) > committed, "the recorder does not go on")
    program.go()
    status, out, err = program.end()
    expect_equal((status, err), (0, b""), "the program's end")
    world.wait_finished(log)
    lost = check_accounted(log, out)
    expect(50000 < lost < 200000, f"{lost} events lost: of the second part only, and not all of that")


def is_paused(pid):
    """Whether all threads of a process sleep."""
    states = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/stat") as file:
            states.append(file.read().rsplit(")", 1)[1].split()[0])
    return states.count("S") == len(states)


def recorder_stopped_and_killed(world):
    """A stopped recorder that never goes on: the program ends, and the log says that it was cut short."""
    program, recorder, log = stopped_in_mid_run(world, "halves", 2, 200000)
    status, out, err = program.end()
    world.is_littered = True
    os.kill(recorder, signal.SIGKILL)
    expect_equal((status, err, sum(made_by_thread(out).values())), (0, b"", 800000), "the program's end")
    wait_until(lambda: not world.recorders(), "the recorder lives on")
    expect_equal(meta(log)["complete"], "0", "meta.complete")


def family_after(world, signal_number):
    """Thirty forks and images after something happened to the recorder."""
    log = world.new_log()
    program = preloaded(world, log, world.programs / "family", "gated", FAMILY_CHILDREN, 20)
    expect_equal(program.line(), b"half\n", "the first line")
    recorder = recorder_of(world)
    os.kill(recorder, signal_number)
    begun = time.monotonic()
    program.go()
    status, out, err = program.end()
    took_s = time.monotonic() - begun
    print(f"{FAMILY_CHILDREN} forks and images: {took_s:.2f} s")
    expect_equal((status, told(out)["children"]), (0, FAMILY_CHILDREN), "the program's end")
    expect(len(err.splitlines()) <= 1, f"more than one line: {err}")
    expect(took_s < FAMILY_S_MAX, f"they took {took_s:.1f} s")
    return recorder, log


def children_of_a_dead_recorder(world):
    world.is_littered = True
    family_after(world, signal.SIGKILL)


def children_of_a_stopped_recorder(world):
    """They are missing in the log, but counted there."""
    recorder, log = family_after(world, signal.SIGSTOP)
    os.kill(recorder, signal.SIGCONT)
    world.wait_finished(log)
    recorded = value(log, "SELECT count(*) FROM process")
    missing = int(meta(log).get("processes_unrecorded", 0))
    print(f"{recorded} processes recorded, {missing} missing")
    # A fork child and the image that it executes are two rows where both are recorded, and one process.
    expect(recorded + missing >= 1 + FAMILY_CHILDREN, f"{1 + FAMILY_CHILDREN} processes, {recorded + missing} known")


# What a shell does after its recorder has died: commands, a shell below it, and one that replaces it.
COMMANDS = """echo ready; read line
true_path=$(command -v true)
for i in 1 2 3; do $true_path; done
sh -c "sh -c '$true_path; $true_path'; $true_path"
exec sh -c "$true_path; $true_path" """


def commands_of_a_dead_recorder(world):
    """It is said once, and no command starts a recording of its own, even after another recording has tidied up."""
    world.is_littered = True
    for environment in ({}, {"TENURE_LOG": world.new_log()}):
        for is_tidied in (False, True):
            before = set(os.listdir(world.work))
            shell = Running(world, "sh", "-c", COMMANDS, LD_PRELOAD=world.shim, **environment)
            expect_equal(shell.line(), b"ready\n", "the first line")
            os.kill(recorder_of(world), signal.SIGKILL)
            wait_until(lambda: not world.recorders(), "the recorder lives on")
            if is_tidied:
                world.record("true")
            shell.go()
            status, out, err = shell.end()
            expect_equal((status, out), (0, b""), "the shell's end")
            expect_equal(len(err.splitlines()), 1, f"lines about the recorder: {err}")
            made_logs = {name for name in set(os.listdir(world.work)) - before if name.endswith(".db")}
            expect_equal(len(made_logs), 0 if environment else 1, f"logs {made_logs}")
            if environment:
                os.unlink(environment["TENURE_LOG"])


def no_recording_at_all(world):
    """Where nothing can be recorded, a shell says so; its commands, the images that replace it and what those start do
    not repeat it. Another shell does. The next recorder removes what was noted of the dead."""
    missing, session = world.folder / "no-recorder", world.run_folder / "tenure"
    for commands in (COMMANDS, COMMANDS, "exec sh -c 'exec sh -c \"exec true\"'",
                     "exec env sh -c 'env -u LD_PRELOAD sh -c \"LD_PRELOAD=$LD_PRELOAD sh -c :\"'"):
        bare = world.run("sh", "-c", commands, stdin=b"\n")
        result = world.run("sh", "-c", commands, stdin=b"\n", LD_PRELOAD=world.shim, TENURE_RECORDER=missing)
        expect_equal((result.status, result.out), (bare.status, bare.out), "status and output")
        expect_equal(len(result.err.splitlines()), 1, f"lines: {result.err}")
        expect(b"TENURE_RECORDER" in result.err, f"{result.err}")
    expect(any(name.startswith("told.") for name in os.listdir(session)), "nothing is noted")
    result, log = world.record("true")
    expect_equal((result.status, os.listdir(session)), (0, []), "what a recorder leaves")


ALL = {
    function.__name__: function
    for function in (
        recorder_killed_5_times, recorder_stopped_to_the_end, recorder_stopped_for_a_while, recorder_goes_on,
        recorder_stopped_and_killed,
        children_of_a_dead_recorder, children_of_a_stopped_recorder, commands_of_a_dead_recorder, no_recording_at_all,
    )
}
LONG = {function.__name__: function for function in (recorder_killed_50_times,)}
