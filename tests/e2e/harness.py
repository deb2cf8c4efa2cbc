# SPDX-License-Identifier: MIT
"""What every end-to-end test needs: where the built parts are, a clean environment to run programs in, and checks
that hold for every log."""

import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

SKIP = 77
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
# What a test takes over from the tester's environment: what steers the sanitizers and the coverage of the build.
# Anything else is the same for everybody, down to its length: programs copy their environment.
KEPT_VARIABLES = ("ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "GCOV_PREFIX", "GCOV_PREFIX_STRIP")
# A session's socket lies in the session directory, and the kernel limits its path to 107 bytes.
RUN_FOLDER_BYTES_MAX = 60
PATIENCE_S = 120  # time limit of everything; no result depends on time otherwise


class Skip(Exception):
    """The test cannot run on this machine; the text says why."""


class Failure(AssertionError):
    """The result differs from what is expected."""


def expect(is_true, story):
    if not is_true:
        raise Failure(story)


def expect_equal(found, wanted, what):
    if found != wanted:
        raise Failure(f"{what}: found {found!r}, wanted {wanted!r}")


def need(*programs):
    """The paths of programs that the system must have; skips the test where one is missing."""
    found = []
    for program in programs:
        path = shutil.which(program, path=PATH)
        if not path:
            raise Skip(f"{program} is not installed")
        found.append(path)
    return found if len(found) > 1 else found[0]


# A command that takes longer than some seconds says how far it is: on a busy machine that is any command.
PROGRESS = re.compile(rb"^tenure: [a-z ]+, \d+ %\n", re.M)


class Result:
    """How a program ended and what it wrote."""

    def __init__(self, completed):
        self.status = completed.returncode
        self.out = completed.stdout
        self.err = PROGRESS.sub(b"", completed.stderr)

    def error_lines(self):
        return [line for line in self.err.decode(errors="replace").splitlines() if line.strip()]


def default_signals():
    """Programs inherit what is ignored: a tester that runs in the background (SIGINT) or by nohup (SIGHUP)."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


class World:
    """One test's own folder, environment and session directory, and the parts of the build that is tested."""

    def __init__(self, build):
        default_signals()
        self.build = pathlib.Path(build).resolve()
        self.tenure = self.build / "tools/tenure"
        self.recorder = self.build / "tools/tenure-recorder"
        self.shim = self.build / "lib/shim/libtenure.so"
        self.programs = self.build / "tests/e2e/programs"
        self.truths = self.build / "tests/truth/programs"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tenure-world-"))
        self.folder.chmod(0o755)
        self.run_folder = self.folder / "run"
        if len(bytes(self.run_folder)) > RUN_FOLDER_BYTES_MAX:
            self.run_folder = pathlib.Path(tempfile.mkdtemp(prefix="tenure-run-", dir="/tmp"))
        self.run_folder.mkdir(mode=0o700, exist_ok=True)
        self.work, self.home, self.temporary = (self.folder / name for name in ("work", "home", "tmp"))
        for folder in (self.work, self.home, self.temporary):
            folder.mkdir()
        self.logs = 0
        self.damaged = set()  # logs that the test itself has spoilt
        self.is_littered = False  # the test killed a recorder, which could not clean up

    def environment(self, **more):
        """The same environment on every machine and in every run: a home of its own, which starts empty."""
        clean = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        clean |= {
            "PATH": PATH,
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "XDG_RUNTIME_DIR": str(self.run_folder),
            # Bytecode that the machine has or lacks does not count: warm_up fills this folder, nobody else does.
            "PYTHONPYCACHEPREFIX": str(self.folder / "bytecode"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        clean |= {name: str(value) for name, value in more.items()}
        return clean

    def warm_up(self, *command, **keywords):
        """Run a command for what it leaves in caches, before runs of it are compared. Its result counts for nothing."""
        self.run(*command, **{**keywords, "PYTHONDONTWRITEBYTECODE": ""})

    def new_log(self):
        self.logs += 1
        return self.folder / f"log{self.logs}.db"

    def run(self, *command, stdin=b"", timeout=PATIENCE_S, cwd=None, preexec=None, **environment):
        """Run a command to its end. Input and output are files, so that a daemon which keeps them open does
        not hold up the test."""
        with tempfile.TemporaryFile() as i, tempfile.TemporaryFile() as o, tempfile.TemporaryFile() as e:
            i.write(stdin)
            i.seek(0)
            done = subprocess.run(
                [str(part) for part in command], stdin=i, stdout=o, stderr=e, timeout=timeout,
                cwd=cwd or self.work, env=self.environment(**environment), preexec_fn=preexec,
            )
            o.seek(0)
            e.seek(0)
            done.stdout, done.stderr = o.read(), e.read()
        return Result(done)

    def record(self, *command, log=None, options=(), **keywords):
        """Run a command under `tenure record`; gives the result and the log's path."""
        log = log or self.new_log()
        result = self.run(self.tenure, "record", "--quiet", "-o", log, *options, "--", *command, **keywords)
        return result, log

    def preload(self, *command, log=None, wait=True, **keywords):
        """Run a command under the bare shim; gives the result and the log's path, once the log is closed."""
        log = log or self.new_log()
        environment = {"LD_PRELOAD": self.shim, "TENURE_LOG": log, "TENURE_ROWS": "all", **keywords}
        result = self.run(*command, **environment)
        if wait:
            self.wait_finished(log)
        return result, log

    def wait_finished(self, log):
        """Wait until the recorders of this world have gone. The log is not looked at meanwhile: an open reader
        keeps SQLite from leaving WAL mode, and its -wal and -shm files would stay."""
        wait_until(lambda: not self.recorders(), f"the recorder of {log} does not end")
        expect(finished(log), f"the recorder of {log} ended without finishing it")

    def recorders(self):
        """The recorders that serve this world: its folder is in their environment or arguments."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if os.readlink(entry / "exe") != str(self.recorder):
                    continue
                told = told_of(entry)
            except OSError:
                continue
            if str(self.folder).encode() in told:
                found.append(int(entry.name))
        return found

    def check_left(self):
        """What must hold at the end of every test: sound logs, an empty session directory."""
        for path in self.folder.rglob("*.db"):
            if path in self.damaged or not os.access(path, os.R_OK):
                continue
            with open(path, "rb") as file:
                if file.read(15) != b"SQLite format 3":
                    continue
            expect_equal(value(path, "PRAGMA integrity_check"), "ok", f"integrity of {path}")
        session = self.run_folder / "tenure"
        if session.exists() and not self.is_littered:
            # told.N says of a process that it has said why it is not recorded: the next recorder removes those of the dead.
            left = [name for name in os.listdir(session) if not name.startswith("told.")]
            expect_equal(left, [], "what is left in the session directory")

    def close(self, keep):
        """End what is left of this world. Nothing should be: a recorder that stays is a failure."""
        left = []
        try:
            wait_until(lambda: not self.recorders(), "", patience_s=20)
        except Failure:
            left = self.recorders()
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        is_sound = False
        try:
            expect(not left, f"recorders still run: {left}")
            if not keep:
                self.check_left()
            is_sound = True
        finally:
            if keep or not is_sound:
                print(f"kept: {self.folder}")
            else:
                shutil.rmtree(self.folder, ignore_errors=True)
                shutil.rmtree(self.run_folder, ignore_errors=True)


def wait_until(is_true, story, patience_s=PATIENCE_S):
    """Wait for something that must happen, within a time limit."""
    end = time.monotonic() + patience_s
    while not is_true():
        if time.monotonic() > end:
            raise Failure(f"{story} (waited {patience_s} s)")
        time.sleep(0.01)


def told_of(entry):
    """Environment and arguments of a process, by its folder in /proc. One that is executing an image has none for a
    moment, as a recorder that becomes the finishing process."""
    told = b""
    for _ in range(1000):
        told = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
        if told:
            break
        time.sleep(0.001)
    return told


def finished(log):
    try:
        return meta(log).get("finished") == "1"
    except sqlite3.Error:
        return False


def query(log, sql, *values):
    """Rows of a query on a log, with Python's own SQLite: a log is a plain database."""
    database = sqlite3.connect(f"file:{log}?mode=ro", uri=True)
    try:
        return database.execute(sql, values).fetchall()
    finally:
        database.close()


def value(log, sql, *values):
    return query(log, sql, *values)[0][0]


def meta(log):
    return dict(query(log, "SELECT key, value FROM meta"))


def check_log(log, is_complete=True):
    """Checks that hold for every log."""
    expect_equal(value(log, "PRAGMA integrity_check"), "ok", f"integrity of {log}")
    told = meta(log)
    if not is_complete:
        return told
    expect_equal(told.get("complete"), "1", f"meta.complete of {log}")
    expect_equal(told.get("finished"), "1", f"meta.finished of {log}")
    companions = [s for s in ("-wal", "-shm", "-journal") if os.path.exists(f"{log}{s}")]
    expect_equal(companions, [], f"companions of {log}")
    for key in ("events_lost", "unmatched_births"):
        expect_equal(told.get(key, "0"), "0", f"meta.{key} of {log}")
    return told
