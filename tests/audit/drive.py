# SPDX-License-Identifier: MIT
"""What the scripts that drive a daemon share: a recorded daemon on a port of the loopback interface, its
counterparts, and waiting that never lasts longer than the harness's patience."""

import socket
import subprocess

from harness import PATIENCE_S, Failure, expect_equal, wait_until

HOST = "127.0.0.1"
FLAGS = "-g -O2"  # what Debian compiles with; -g keeps the lines that the audit reads


def free_port(kind=socket.SOCK_STREAM):
    """A port that nobody uses at the moment."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def connect(port):
    """A connection to a server that may still be starting."""
    found = []

    def is_there():
        try:
            found.append(socket.create_connection((HOST, port), timeout=PATIENCE_S))
        except ConnectionRefusedError:
            return False
        return True

    wait_until(is_there, f"nobody listens on port {port}")
    found[0].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # small packets do not wait for each other
    return found[0]


class Process:
    """A program beside the test, with its input as a pipe, output and errors in files; ended with the `with` block."""

    def __init__(self, world, name, *command, **environment):
        self.path, self.errors = world.work / f"{name}.out", world.work / f"{name}.err"
        with open(self.path, "wb") as out, open(self.errors, "wb") as err:
            self.process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.PIPE, stdout=out, stderr=err, cwd=world.work,
                env=world.environment(**environment),
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.stdin.close()

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def text(self):
        return self.path.read_text(errors="replace")

    def story(self):
        """The end of what it wrote, for a failure's message."""
        return (self.text() + self.errors.read_text(errors="replace"))[-500:]

    def wait_text(self, words, times=1):
        """Wait until the output holds `words` so many times."""

        def is_there():
            if self.process.poll() is not None:
                raise Failure(f"ended with status {self.process.returncode} before '{words}': {self.story()}")
            return self.text().count(words) >= times

        wait_until(is_there, f"'{words}' is not written {times} times")

    def wait_end(self, status=0):
        expect_equal(self.process.wait(timeout=PATIENCE_S), status, f"status; {self.story()}")


def recorded(world, log, *command, **environment):
    """A daemon under `tenure record`, which passes a SIGTERM on to it."""
    return Process(world, "daemon", world.tenure, "record", "--quiet", "-o", log, "--", *command, **environment)
