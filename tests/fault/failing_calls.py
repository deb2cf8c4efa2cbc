# SPDX-License-Identifier: MIT
"""Lets the first, second, ... system call of each kind fail, in the recorder, the finishing process, the tool and
the shim, one a run, until nothing fails any more. Each run: the program does what it does without tenure, nothing
crashes or hangs, and what is missing is said.

usage: failing_calls.py --list | --list-long | failing_calls.py BUILD CASE..."""

import errno
import os
import pathlib
import platform
import re
import signal
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import run as e2e_run
from harness import Skip, expect, expect_equal, meta, value, wait_until

# By the number that x86-64 gives them: the name, and how it fails. What is not here cannot fail when it is called
# rightly, or does its work when it says that it failed (close), or would only be a fault of the kernel's.
KINDS = {
    0: ("read", errno.EIO), 1: ("write", errno.ENOSPC), 2: ("open", errno.EMFILE), 4: ("stat", errno.ENOMEM),
    5: ("fstat", errno.ENOMEM), 7: ("poll", errno.EINTR), 8: ("lseek", errno.EOVERFLOW), 9: ("mmap", errno.ENOMEM),
    10: ("mprotect", errno.ENOMEM), 11: ("munmap", errno.ENOMEM), 16: ("ioctl", errno.ENOTTY),
    17: ("pread64", errno.EIO), 18: ("pwrite64", errno.ENOSPC), 20: ("writev", errno.ENOSPC), 25: ("mremap", errno.ENOMEM),
    28: ("madvise", errno.ENOMEM), 33: ("dup2", errno.EBUSY), 35: ("nanosleep", errno.EINTR), 41: ("socket", errno.EMFILE),
    42: ("connect", errno.ECONNREFUSED), 44: ("sendto", errno.ENOBUFS), 45: ("recvfrom", errno.ENOMEM),
    46: ("sendmsg", errno.ENOBUFS), 47: ("recvmsg", errno.ENOMEM), 49: ("bind", errno.EADDRINUSE),
    50: ("listen", errno.EADDRINUSE), 53: ("socketpair", errno.EMFILE), 55: ("getsockopt", errno.ENOBUFS),
    56: ("clone", errno.EAGAIN), 57: ("fork", errno.EAGAIN), 58: ("vfork", errno.EAGAIN), 59: ("execve", errno.ENOMEM),
    61: ("wait4", errno.EINTR), 62: ("kill", errno.EPERM), 72: ("fcntl", errno.ENOLCK), 73: ("flock", errno.ENOLCK),
    74: ("fsync", errno.EIO), 76: ("truncate", errno.EIO), 77: ("ftruncate", errno.ENOSPC), 79: ("getcwd", errno.ENOENT),
    80: ("chdir", errno.EACCES), 82: ("rename", errno.ENOSPC), 83: ("mkdir", errno.ENOSPC), 84: ("rmdir", errno.EBUSY),
    87: ("unlink", errno.EROFS), 89: ("readlink", errno.EACCES), 90: ("chmod", errno.EROFS), 91: ("fchmod", errno.EROFS),
    93: ("fchown", errno.EPERM), 97: ("getrlimit", errno.EPERM), 99: ("sysinfo", errno.EPERM), 112: ("setsid", errno.EPERM),
    141: ("setpriority", errno.EACCES), 144: ("sched_setscheduler", errno.EPERM), 157: ("prctl", errno.EINVAL),
    204: ("sched_getaffinity", errno.EPERM), 217: ("getdents64", errno.ENOMEM), 228: ("clock_gettime", errno.EPERM),
    230: ("clock_nanosleep", errno.EINTR), 232: ("epoll_wait", errno.EINTR), 233: ("epoll_ctl", errno.ENOMEM),
    257: ("openat", errno.EMFILE), 262: ("newfstatat", errno.ENOMEM), 263: ("unlinkat", errno.EROFS),
    267: ("readlinkat", errno.EACCES), 269: ("faccessat", errno.EACCES), 271: ("ppoll", errno.EINTR),
    274: ("get_robust_list", errno.EPERM), 281: ("epoll_pwait", errno.EINTR), 283: ("timerfd_create", errno.EMFILE),
    285: ("fallocate", errno.ENOSPC), 288: ("accept4", errno.EMFILE), 289: ("signalfd4", errno.EMFILE),
    290: ("eventfd2", errno.EMFILE), 291: ("epoll_create1", errno.EMFILE), 293: ("pipe2", errno.EMFILE),
    302: ("prlimit64", errno.EPERM), 310: ("process_vm_readv", errno.EPERM), 318: ("getrandom", errno.ENOSYS),
    319: ("memfd_create", errno.EMFILE), 332: ("statx", errno.ENOMEM), 424: ("pidfd_send_signal", errno.EPERM),
    434: ("pidfd_open", errno.EMFILE), 435: ("clone3", errno.EAGAIN), 436: ("close_range", errno.ENOSYS),
}
LIMIT_S = 60  # of one run; nothing here takes a tenth of that, on however busy a machine
CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE, signal.SIGSYS, signal.SIGPIPE}


class Sweep:
    """Where calls fail, and what was seen."""

    def __init__(self, world, command, filters, check, first_only, environment=None):
        if platform.machine() != "x86_64":
            raise Skip("the numbers of the system calls are those of x86-64")
        self.world, self.command, self.check, self.environment = world, command, check, environment or {}
        self.injector = world.build / "tests/fault/inject_faults"
        self.filters, self.first_only = filters, first_only
        self.runs = self.longest_ms = 0
        self.longest_at = ""
        self.faults = []

    def run_once(self, *how):
        """One run: (facts that the injector tells, what the command printed and how it ended)."""
        told = self.world.folder / "told"
        result = self.world.run(self.injector, *self.filters, "-s", LIMIT_S, "-t", told, *how, *self.command(),
                                timeout=LIMIT_S * 2, **self.environment)
        lines = [line.split() for line in told.read_text().splitlines()]
        expect(any(line[0] == "status" for line in lines), f"the injector did not work: {result.err}")
        status, took_ms = next((int(line[1]), int(line[2])) for line in lines if line[0] == "status")
        result.status = status
        return lines, result, took_ms

    def try_one(self, number, nth):
        """Whether that call was made."""
        name, code = KINDS[number]
        where = f"{name} {nth}"
        lines, result, took_ms = self.run_once("-c", number, "-n", nth, "-e", code)
        if ["hit"] not in lines:
            return False
        self.runs += 1
        if took_ms > self.longest_ms:
            self.longest_ms, self.longest_at = took_ms, where
        try:
            for line in lines:
                expect(line[0] != "left", f"it hangs; alive: {[l[1] for l in lines if l[0] == 'alive']}")
                expect(line[0] != "signal" or int(line[2]) not in CRASHES, f"{line} ended by a signal")
            self.check(result)
        except (AssertionError, sqlite3.Error) as failure:
            self.faults.append(f"{where}: {failure}")
            print(self.faults[-1], flush=True)
        return True

    def sweep(self):
        lines, result, usual_ms = self.run_once()
        self.check(result)
        expect(not result.err, f"said without a fault: {result.err}")
        numbers = [int(line[1]) for line in lines if line[0] == "calls"]
        only = os.environ.get("ONLY_CALLS")
        for number in numbers:
            if number not in KINDS or (only and KINDS[number][0] not in only.split(",")):
                continue
            nth = 1
            while self.try_one(number, nth) and not self.first_only:
                nth += 1
        print(f"{self.runs} calls failed, {len(self.faults)} of them with harm; a run took {usual_ms} ms, at most "
              f"{self.longest_ms} ms ({self.longest_at})")
        expect_equal(self.faults, [], "faults")


def lines_of(result):
    lines = result.error_lines()
    for line in lines:
        expect(line.startswith("tenure: ") or line.startswith("tenure-"), f"'{line}' is no line of tenure's")
    return lines


class Recording:
    """A program that makes processes in several ways, recorded."""

    def __init__(self, world, is_bare):
        self.world, self.is_bare = world, is_bare
        self.program = (world.programs / "forks", "forkexec")
        self.bare = world.run(*self.program)
        self.log, self.births = None, None
        world.is_littered = True

    def command(self):
        self.log = self.world.new_log()
        if self.is_bare:
            return ("env", f"LD_PRELOAD={self.world.shim}", f"TENURE_LOG={self.log}", *self.program)
        return (self.world.tenure, "record", "--quiet", "--wait", "yes", "-o", self.log, "--", *self.program)

    def check(self, result):
        lines = lines_of(result)
        # One of the process that could not be recorded, and one of `record` about its log.
        expect(len(lines) <= 2, f"more than two lines: {lines}")
        is_refused = not self.is_bare and result.status in (125, 126) and not result.out
        if not is_refused:
            expect_equal((result.status, result.out), (self.bare.status, self.bare.out), f"the program's end ({lines})")
        self.check_log(lines)

    def check_log(self, lines):
        wait_until(lambda: not self.world.recorders(), "the recorder does not end")
        if not self.log.exists():
            expect(lines, "there is no log, and nothing is said")
            return
        if self.log.stat().st_size == 0:
            raise AssertionError("an empty log is left")
        # What is left of a commit that failed is removed by the first reader who may write.
        database = sqlite3.connect(self.log)
        database.execute("SELECT count(*) FROM meta").fetchall()
        database.close()
        expect_equal(value(self.log, "PRAGMA integrity_check"), "ok", "integrity")
        told = meta(self.log)
        births = value(self.log, "SELECT coalesce(sum(births), 0) FROM chunk")
        is_whole = told.get("complete") == "1" and told.get("processes_unrecorded") == "0"
        if self.births is None:
            self.births = births
        if is_whole and told.get("events_lost") == "0" and not lines:
            expect_equal(births, self.births, "allocations, although the log is complete, and nothing was said")
        if not self.is_bare and not (is_whole and told.get("finished") == "1"):
            expect(lines, f"something is missing, and nothing is said: {told}")
        for path in self.log.parent.glob(f"{self.log.name}*"):
            path.unlink()


def of_recording(is_bare, *filters):
    def run(world, first_only):
        recording = Recording(world, is_bare)
        Sweep(world, recording.command, filters, recording.check, first_only).sweep()

    return run


RECORDER = ("-i", "tenure-recorder", "-o", "ld-linux")
TOOL = ("-i", "tenure", "-o", "ld-linux")
SHIM = ("-w", "libtenure.so")


class Reading:
    """A command on a finished log. It gives its whole answer, or one line that says why not."""

    def __init__(self, world, words, statuses):
        self.world, self.words, self.statuses, self.answer = world, words, statuses, None
        _, self.log = world.record(world.programs / "deep", "5")

    def command(self):
        named = {"LOG": self.log, "PROGRAM": self.world.programs / "deep", "OUTPUT": self.world.new_log()}
        return (self.world.tenure, *(named.get(word, word) for word in self.words))

    def check(self, result):
        lines = lines_of(result)
        result.out = re.sub(rb"\bin [\d.]+ \w+, [\d.]+ a second", b"in TIME", result.out)
        if self.answer is None:
            self.answer = (result.status, result.out)
        expect(len(lines) <= 1, f"more than one line: {lines}")
        expect(result.status in (self.answer[0], 3, 4, *self.statuses), f"status {result.status} ({lines})")
        if not lines and (result.status, result.out) != self.answer:
            raise AssertionError(f"another answer, and nothing is said: {self.first_difference(result)}")

    def first_difference(self, result):
        if result.status != self.answer[0]:
            return f"status {result.status}, wanted {self.answer[0]}"
        found, wanted = result.out.splitlines(), self.answer[1].splitlines()
        at = next((i for i, pair in enumerate(zip(found, wanted)) if pair[0] != pair[1]), min(len(found), len(wanted)))
        return f"line {at + 1} of {len(found)} is {found[at:at + 1]}, wanted {wanted[at:at + 1]} of {len(wanted)}"


def of_command(*words, statuses=()):
    def run(world, first_only):
        reading = Reading(world, words, statuses)
        Sweep(world, reading.command, TOOL, reading.check, first_only).sweep()

    return run


KINDS_OF_RUN = {
    "calls_fail_record_recorder": of_recording(False, *RECORDER),
    "calls_fail_record_tool": of_recording(False, *TOOL),
    "calls_fail_record_shim": of_recording(False, *SHIM),
    "calls_fail_bare_shim": of_recording(True, *SHIM),
    "calls_fail_info": of_command("info", "LOG"),
    "calls_fail_report": of_command("report", "LOG"),
    "calls_fail_report_json": of_command("report", "--format", "json", "LOG"),
    "calls_fail_sql": of_command("sql", "LOG", "SELECT count(*), sum(size_bytes) FROM allocation"),
    "calls_fail_simulate": of_command("simulate", "LOG"),
    "calls_fail_export": of_command("export", "LOG", "--to", "folded"),
    "calls_fail_diff": of_command("diff", "LOG", "LOG"),
    "calls_fail_check": of_command("check", "--max", "peak_live_bytes=1", "LOG"),
    "calls_fail_fail": of_command("fail", "LOG", "--site", "1", "--jobs", "1", "--timeout", "10s", "--", "PROGRAM", "5",
                                  statuses=(126,)),
    "calls_fail_unpack": of_command("unpack", "LOG", "-o", "OUTPUT"),
}


def case_of(run, first_only):
    return lambda world: run(world, first_only)


ALL = {name: case_of(run, True) for name, run in KINDS_OF_RUN.items()}
LONG = {f"all_{name}": case_of(run, False) for name, run in KINDS_OF_RUN.items()}


def main():
    if sys.argv[1:] in (["--list"], ["--list-long"]):
        print("\n".join(LONG if sys.argv[1] == "--list-long" else ALL))
        return 0
    known = {**ALL, **LONG}
    statuses = [e2e_run.run_one(sys.argv[1], name, known[name]) for name in sys.argv[2:]]
    return 1 if 1 in statuses else max(statuses)


if __name__ == "__main__":
    sys.exit(main())
