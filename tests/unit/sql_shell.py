# SPDX-License-Identifier: MIT
"""The prompt of `tenure sql`, on a terminal of its own: dot-commands, Ctrl-C, the line that says a query runs, and,
where the build has them, history and completion. And scripts, without a terminal.

usage: sql_shell.py DATA TENURE yes|no    the last: whether lines can be edited"""

import json
import os
import pathlib
import pty
import select
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

PROMPT = "tenure> "
PATIENCE_S = 60
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n;"


class Shell:
    """A run of the shell on a terminal."""

    def __init__(self, tenure, log, home):
        self.text, self.at = "", 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(HOME=home, TERM="vt100", INPUTRC="/dev/null")
            os.environ.pop("XDG_STATE_HOME", None)
            os.execv(tenure, [tenure, "sql", log])
        self.wait_for(PROMPT)

    def wait_for(self, words):
        """Read on until the words come; what stood before them."""
        end = time.monotonic() + PATIENCE_S
        while words not in self.text[self.at :]:
            if time.monotonic() > end or not select.select([self.fd], [], [], PATIENCE_S)[0]:
                sys.exit(f"'{words}' did not come: {self.text[self.at :]!r}")
            try:
                self.text += os.read(self.fd, 65536).decode(errors="replace")
            except OSError:
                sys.exit(f"the shell ended before '{words}': {self.text[self.at :]!r}")
        found = self.text.index(words, self.at)
        before, self.at = self.text[self.at : found], found + len(words)
        return before

    def send(self, text):
        os.write(self.fd, text.encode())

    def ask(self, line):
        """Type a line; what is printed up to the next prompt."""
        self.send(line + "\n")
        return self.wait_for(PROMPT)

    def leave(self):
        self.send("\x04")
        while True:
            try:
                if not os.read(self.fd, 65536):
                    break
            except OSError:
                break
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.fd)
        assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0, status


def check_commands(shell, folder):
    assert "42" in shell.ask("SELECT 40 + 2;")
    for name in ("allocation", "site_place", "stack_below(FUNCTION)", "packed"):
        assert name in shell.ask(".tables"), name
    listed = shell.ask(".tables site%")
    assert "site_summary" in listed and "thread" not in listed, listed
    assert "live_bytes" in shell.ask(".schema timeline")
    assert "bytes asked for" in shell.ask(".schema allocation")
    assert "no table or view 'nothing'" in shell.ask(".schema nothing")
    assert "answer" in shell.ask("SELECT 42 AS answer;")
    shell.ask(".headers off")
    assert "answer" not in shell.ask("SELECT 42 AS answer;").split("\n", 1)[1]
    shell.ask(".headers on")
    shell.ask(".mode json")
    assert '[{"x":7}]' in shell.ask("SELECT 7 AS x;")
    shell.ask(f".once {folder}/once.json")
    assert '"x"' not in shell.ask("SELECT 8 AS x;")
    assert json.loads(pathlib.Path(f"{folder}/once.json").read_text()) == [{"x": 8}]
    assert '[{"x":9}]' in shell.ask("SELECT 9 AS x;")
    shell.ask(".mode table")
    assert "did you mean '.tables'" in shell.ask(".tabels")
    assert ".once" in shell.ask(".help")
    assert "table, csv and json" in shell.ask(".mode xml")


def check_once_spares_the_log(shell, log):
    before = pathlib.Path(log).read_bytes()
    assert "it is the log 'main'" in shell.ask(f".once {log}")
    assert "9" in shell.ask("SELECT 9 AS x;")
    assert pathlib.Path(log).read_bytes() == before


def check_interrupts(shell):
    """Ctrl-C ends the query, or forgets the lines typed so far; the shell goes on."""
    shell.send(ENDLESS + "\n")
    shell.wait_for("running, 1 s; Ctrl-C ends the query")
    shell.wait_for("running, 2 s")
    shell.send("\x03")
    assert "interrupted" in shell.wait_for(PROMPT)
    assert "42" in shell.ask("SELECT 40 + 2;")
    shell.send("SELECT nonsense\n")
    shell.wait_for("...> ")
    shell.send("\x03")
    shell.wait_for(PROMPT)
    answer = shell.ask("SELECT 43 AS x;")
    assert "43" in answer and "failed" not in answer, answer
    shell.send("SELECT 45 AS")
    shell.wait_for("45 AS")
    os.kill(shell.pid, signal.SIGWINCH)  # another size of the window: nothing is forgotten
    assert "45\r\n" in shell.ask(" y;")
    shell.send("SELECT half a line")
    shell.wait_for("half a line")
    shell.send("\x03")
    shell.wait_for(PROMPT)
    answer = shell.ask("SELECT 44 AS x;")
    assert "44" in answer and "failed" not in answer, answer


def check_editing(tenure, log, home):
    shell = Shell(tenure, log, home)
    shell.send("SELECT sum(excess_b\t) > 0 AS is_it FROM allocation_r\t;\n")
    answer = shell.wait_for(PROMPT)
    assert "is_it\r\n-----\r\n" in answer and "failed" not in answer, answer
    shell.leave()
    history = pathlib.Path(home, ".local/state/tenure/sql_history")
    assert history.stat().st_mode & 0o777 == 0o600, oct(history.stat().st_mode)
    shell = Shell(tenure, log, home)
    shell.send("\x10\n")  # the line before
    answer = shell.wait_for(PROMPT)
    assert "is_it\r\n-----\r\n" in answer and "failed" not in answer, answer
    shell.leave()


def run(tenure, log, *arguments, stdin=None):
    return subprocess.run([tenure, "sql", log, *arguments], input=stdin, capture_output=True, text=True)


def check_scripts(tenure, log):
    result = run(tenure, log, stdin=".mode csv\nSELECT 1 AS a;\n.headers off\nSELECT 2\n")
    assert (result.returncode, result.stdout, result.stderr) == (0, "a\n1\n2\n", ""), result
    result = run(tenure, log, stdin="SELECT 1 AS a;\nSELECT nothing;\nSELECT 3 AS a;\n")
    assert result.returncode == 2 and "3" not in result.stdout, result
    assert "stopped at line 2 of the script" in result.stderr, result
    result = run(tenure, log, stdin="SELECT 1 AS a;\n.schema nothing\nSELECT 3 AS a;\n")
    assert result.returncode == 2 and "stopped at line 2 of the script" in result.stderr, result
    result = run(tenure, log, stdin="SELECT nothing")
    assert result.returncode == 2 and "stopped" not in result.stderr, result
    result = run(tenure, log, stdin=".quit\nSELECT nothing;\n")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), result


def check_meant(tenure, log):
    for sql, meant in {
        "SELECT size FROM allocation": "size_bytes",
        "SELECT a.sizes FROM allocation AS a": "size_bytes",
        "SELECT tiem_ns FROM mark": "time_ns",
        "SELECT * FROM alocation": "allocation",
        "SELECT * FROM site_sumary": "site_summary",
        "SELECT print_byte(3)": "print_bytes",
        "SELECT xyz FROM allocation": None,
        "SELECT name FROM meta": None,  # other tables have that column
        "SELECT * FROM something_else_altogether": None,
        "SELEKT 1": None,
    }.items():
        result = run(tenure, log, sql)
        assert result.returncode == 2 and result.stderr.count("\n") == 1, result
        has_meant = "did you mean" in result.stderr
        assert has_meant == (meant is not None), result.stderr
        assert meant is None or meant in result.stderr.split("did you mean")[1], result.stderr


def check_elsewhere(tenure, log):
    """A column of other tables is told with them."""
    result = run(tenure, log, "SELECT file, line FROM allocation")
    assert result.stderr.endswith("no such column: file; it is a column of frame, site, stack_frame\n"), result


def check_commands_as_query(tenure, log):
    """As with sqlite3, a dot-command can stand for the query."""
    result = run(tenure, log, ".tables")
    assert result.returncode == 0 and "site_place" in result.stdout, result
    result = run(tenure, log, ".schema mark")
    assert result.returncode == 0 and "time_ns" in result.stdout, result
    assert run(tenure, log, ".schema mark;").stdout == result.stdout
    for function in ("allocation_of", "stack_below", "mark_ns", "print_bytes"):
        shown = run(tenure, log, f".schema {function}")
        assert shown.returncode == 0 and f"{function}(" in shown.stdout, shown
        assert f"{function}(" in run(tenure, log, ".tables").stdout, function
    result = run(tenure, log, ".once")
    assert result.returncode == 2 and "needs the name of a file" in result.stderr, result
    result = run(tenure, log, ".tabels")
    assert result.returncode == 2 and "did you mean '.tables'" in result.stderr, result


def check_marks(tenure, log):
    """A mark that is misspelt is no empty answer."""
    first = "SELECT min(time_ns) AS n FROM mark WHERE text = 'main entered'"
    result = run(tenure, log, "SELECT mark_ns('main entered') AS n; SELECT mark_ns('main entered', 1) AS n")
    assert result.returncode == 0 and result.stdout == 2 * run(tenure, log, first).stdout, result
    result = run(tenure, log, "SELECT count(*) FROM allocation WHERE birth_ns > (SELECT mark_ns('main enterd'))")
    assert result.returncode == 2 and "no mark 'main enterd'; there are: 'main entered'" in result.stderr, result
    result = run(tenure, log, "SELECT mark_ns('main entered', 99)")
    assert result.returncode == 2 and "no mark 'main entered'" in result.stderr, result


def check_no_progress_in_pipes(tenure, log):
    """Without a terminal nothing is shown, and SIGINT ends the query with status 1."""
    process = subprocess.Popen([tenure, "sql", log, "SELECT 1 AS a; " + ENDLESS], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, bufsize=0)  # fmt: skip
    while process.poll() is None:  # until the query runs: the process spends time
        fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        if int(fields[11]) >= 1.3 * os.sysconf("SC_CLK_TCK"):
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 1 and errors == "tenure: the query was interrupted\n", (process.returncode, errors)


def main():
    data, tenure, can_edit = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "yes"
    with tempfile.TemporaryDirectory() as folder:
        logs = {}
        for name in ("mixed", "rows"):
            logs[name] = f"{folder}/{name}.db"
            database = sqlite3.connect(logs[name])
            database.executescript((data / f"{name}.sql").read_text())
            database.close()
        shell = Shell(tenure, logs["mixed"], folder)
        check_commands(shell, folder)
        check_once_spares_the_log(shell, logs["mixed"])
        check_interrupts(shell)
        shell.leave()
        if can_edit:
            check_editing(tenure, logs["rows"], f"{folder}/home")
        check_scripts(tenure, logs["rows"])
        check_meant(tenure, logs["rows"])
        check_elsewhere(tenure, logs["rows"])
        check_commands_as_query(tenure, logs["rows"])
        check_marks(tenure, logs["rows"])
        check_no_progress_in_pipes(tenure, logs["rows"])
    print("the shell answers")


main()
