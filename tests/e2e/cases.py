# SPDX-License-Identifier: MIT
"""The cases of the end-to-end tests, as data. run.py implements each kind of case."""

import dataclasses


@dataclasses.dataclass
class Truth:
    """A program of programs/ that prints its own truth; recorded twice, under `record` and the bare shim."""

    name: str
    command: tuple  # program and arguments; {programs} is the folder of the built programs
    sources: tuple = ()  # files whose allocations the truth speaks of; default: the program's own
    status: int = 0  # exit status, as a shell gives it
    extra_processes: int = 0  # recorded processes that tell no truth
    least: int = 100  # blocks that the truth must speak of at least, so that the test cannot be empty
    options: tuple = ()
    check: str = ""  # a further check, by its name in run.py
    errors: str = ""  # what `record` says beside its summary


@dataclasses.dataclass
class Same:
    """A real program: same output, same errors, same status with and without; then statements on the log."""

    name: str
    command: tuple
    programs: tuple  # what must be installed
    stdin: bytes = b""
    environment: dict = dataclasses.field(default_factory=dict)
    files: dict = dataclasses.field(default_factory=dict)  # files to make first, name -> content
    statements: tuple = ()  # (SQL that gives one value, least value)
    executables: tuple = ()  # basenames that must be among process.executable
    options: tuple = ("--rows", "all")


@dataclasses.dataclass
class Stacks:
    """A program recorded with --check-stacks: every distinct stack equals libunwind's own walk."""

    name: str
    same: str  # name of a Same case that says what to run
    least: int  # distinct stacks at least


@dataclasses.dataclass
class Count:
    """Allocations and bytes against valgrind --tool=dhat, which counts in its own way (docs/testing.md)."""

    name: str
    same: str


@dataclasses.dataclass
class Bad:
    """Bad input: one clear line, the documented exit code, no half-made file."""

    name: str
    prepare: str  # a function of bad.py, which gives the command, cwd and what must not be there afterwards
    status: int
    says: str  # words of the line


TRUTHS = (
    Truth("churn", ("churn",), least=100000, options=("--rows", "all")),
    Truth("handoff", ("handoff",), least=480000),
    Truth("chains", ("chains",), least=1000),
    Truth("aligned", ("aligned",), least=800),
    Truth("operators", ("operators",), least=1700),
    Truth("early", ("early",), sources=("early.c", "libearly.c"), least=40),
    Truth("thread_local", ("thread_local",), least=120),
    Truth("signals", ("signals",), least=400, check="signals"),
    Truth("interrupted", ("interrupted",), check="interrupted"),
    Truth("interrupted_own", ("interrupted", "own"), check="interrupted"),
    Truth("unwalked", ("unwalked",), check="walked"),
    Truth("contexts", ("contexts",), least=400),
    Truth("small_stacks", ("small_stacks",), least=1900),
    Truth("short_threads", ("short_threads",), least=6000),
    Truth("plugins", ("plugins", "{programs}/libplug_a.so", "{programs}/libplug_b.so"),
          sources=("plugins.c", "plug.c"), least=200),
    Truth("positions", ("positions",), least=1, check="positions"),
    Truth("deep", ("deep", "900"), least=1, check="deep"),
    Truth("cut", ("deep", "900"), least=1, options=("--depth", "20"), check="cut"),
    Truth("fork", ("forks", "fork")),
    Truth("clone", ("forks", "clone")),
    Truth("fork_without_handlers", ("forks", "_Fork")),
    Truth("fork_exec", ("forks", "forkexec")),
    Truth("spawn", ("forks", "spawn")),
    Truth("vfork_exec", ("forks", "vfork")),
    Truth("daemon", ("forks", "daemon")),
    Truth("fork_threads", ("forks", "threads")),
    Truth("fork_tree", ("forks", "tree")),
    Truth("exec", ("forks", "exec"), status=5),
    Truth("closed_descriptors", ("forks", "closed")),
    Truth("cleared_environment", ("forks", "clean"), check="clean", extra_processes=1,
          errors="tenure: 1 process that the program started could not be recorded; `tenure info` tells why\n"),
    Truth("end_return", ("ends", "return"), status=3),
    Truth("end_exit", ("ends", "exit"), status=4),
    Truth("end_from_thread", ("ends", "thread"), status=7),
    Truth("end_at_once", ("ends", "_exit"), status=5),
    Truth("end_quick", ("ends", "quick"), status=6),
    Truth("end_abort", ("ends", "abort"), status=134),
    Truth("end_kill", ("ends", "kill"), status=137),
    Truth("end_fault", ("ends", "segv"), status=139),
)

PYTHON = """
import json, random, re
random.seed(7)
rows = [{"id": i, "name": "n%05d" % i, "tags": [str(random.random()) for _ in range(5)]} for i in range(3000)]
text = json.dumps(rows)
back = json.loads(text)
print(len(text), sum(len(r["tags"]) for r in back), len(re.findall(r"n0\\d+", text)))
print(sorted({r["name"][-2:] for r in back})[:5])
"""

PERL = r"""
my (%h, @l);
for my $i (1 .. 20000) { $h{"key" . ($i % 700)} .= chr(65 + $i % 26); push @l, "$i" x 3 if $i % 3 == 0; }
my $n = 0;
for my $k (sort keys %h) { $n++ while $h{$k} =~ /A[B-D]*/g; }
print scalar(keys %h), " $n ", length(join ",", @l), "\n";
my $s = sub { my ($f, $d) = @_; $d ? $f->($f, $d - 1) . "x" : "" };
print length($s->($s, 300)), "\n";
"""

SQL = b"""
CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO t SELECT i, 'text ' || (i * 7919 % 1000), i / 3.0 FROM n;
CREATE INDEX tb ON t (b);
SELECT b, count(*), round(sum(c), 3) FROM t GROUP BY b ORDER BY 2 DESC, 1 LIMIT 5;
SELECT count(*) FROM t x JOIN t y ON x.b = y.b WHERE x.a < 200;
SELECT json_group_array(json_object('a', a)) FROM t WHERE a % 5000 = 0;
"""

SOURCE = """
#include <stdio.h>
#include <string.h>
struct node { struct node *next; int value; };
static int sum(const struct node *n) { int s = 0; for (; n; n = n->next) s += n->value; return s; }
int main(void)
{
    struct node a = {0, 1}, b = {&a, 2};
    char text[64];
    snprintf(text, sizeof(text), "sum %d", sum(&b));
    puts(text);
    return (int)strlen(text) == 5 ? 0 : 1;
}
"""

GIT = """
set -e
export HOME=$PWD GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_DATE=2020-01-01T00:00:00Z GIT_COMMITTER_DATE=2020-01-01T00:00:00Z
rm -rf repository
git init -q -b trunk repository
cd repository
git config user.email a@example.org
git config user.name A
git config gc.auto 0
for i in 1 2 3; do seq 1 $((i * 100)) > file$i; git add .; git commit -q -m "change $i"; done
git log --stat --format='%h %s'
git diff HEAD~2 --shortstat
git repack -q -a -d
git fsck --no-progress
git grep -c 7
"""

PIPES = """
seq 1 3000 | sort -rn | head -n 100 | awk '{ s += $1 } END { print s }'
for i in 1 2 3; do echo "line $i" | tr a-z A-Z | cat; done
(exit 7) | true; echo "status $?"
x=$(printf '%s\\n' one two three | grep -c o); echo "count $x"
exit 42
"""

JQ = ("jq", "-c", "[.[] | select(.n % 3 == 0) | {k: (.n | tostring), v: (.t | ascii_upcase)}] | group_by(.v) | map(length)")
JQ_INPUT = ("[" + ",".join('{"n":%d,"t":"name %d"}' % (i, i % 17) for i in range(4000)) + "]").encode()

SAMES = (
    Same("python3", ("python3", "-c", PYTHON), ("python3",), environment={"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"},
         statements=(("SELECT value FROM meta WHERE key = 'allocations'", 50000),)),
    Same("perl", ("perl", "-e", PERL), ("perl",), environment={"PERL_HASH_SEED": "0"},
         statements=(("SELECT value FROM meta WHERE key = 'allocations'", 5000),)),
    Same("jq", JQ, ("jq",), stdin=JQ_INPUT,
         statements=(("SELECT value FROM meta WHERE key = 'allocations'", 20000),)),
    Same("sqlite3", ("sqlite3", ":memory:"), ("sqlite3",), stdin=SQL,
         statements=(("SELECT value FROM meta WHERE key = 'allocations'", 500),)),
    Same("gcc", ("sh", "-c", "gcc -O1 -o program program.c && ./program"), ("gcc",), files={"program.c": SOURCE},
         executables=("cc1", "gcc", "as", "collect2", "ld", "program"),
         statements=(("SELECT count(DISTINCT process_id) FROM allocation", 5),)),
    Same("git", ("sh", "-c", GIT), ("git",), executables=("git",),
         statements=(("SELECT count(*) FROM process", 15),)),
    Same("pipes", ("sh", "-c", PIPES), ("awk",), executables=("sort", "head", "tr", "grep"),
         statements=(("SELECT count(*) FROM process", 15),)),
    Same("bash", ("bash", "-c", PIPES), ("bash", "awk"), executables=("bash", "sort", "grep"),
         statements=(("SELECT count(*) FROM process", 15),)),
    Same("stl", ("{programs}/stl",), (), statements=(
        ("SELECT count(*) FROM allocation WHERE function = 'operator new'", 5000),
        ("SELECT count(*) FROM site WHERE via = 'operator new' OR via LIKE 'std::%'", 5),
        ("SELECT count(*) FROM site WHERE file LIKE '%stl.cpp'", 5),
        ("SELECT count(DISTINCT thread_id) FROM allocation", 5))),
    Same("contexts", ("{programs}/contexts",), ()),
    Same("signals", ("{programs}/signals",), ()),
    Same("interrupted", ("{programs}/interrupted",), ()),
    Same("unwalked", ("{programs}/unwalked",), ()),
    Same("plugins", ("{programs}/plugins", "{programs}/libplug_a.so", "{programs}/libplug_b.so"), ()),
)

STACKS = (
    Stacks("python3", "python3", 300),
    Stacks("perl", "perl", 100),
    Stacks("sqlite3", "sqlite3", 200),
    Stacks("cc1", "gcc", 1000),
    Stacks("jq", "jq", 50),
    Stacks("cpp", "stl", 50),
    Stacks("contexts", "contexts", 3),
    Stacks("signals", "signals", 5),
    Stacks("interrupted", "interrupted", 2),
    Stacks("unwalked", "unwalked", 2),
    Stacks("plugins", "plugins", 5),
)

COUNTS = (
    Count("python3", "python3"),
    Count("perl", "perl"),
    Count("jq", "jq"),
    Count("sqlite3", "sqlite3"),
    Count("cpp", "stl"),
)

BADS = (
    Bad("not_found", "not_found", 127, "not found"),
    Bad("not_found_path", "not_found_path", 127, "/no/such/program"),
    Bad("not_executable", "not_executable", 126, "it is not executable; 'chmod +x' it if it is a program"),
    Bad("directory", "directory", 126, "it is a directory"),
    Bad("static", "static", 125, "it is statically linked, so nothing can be preloaded into it"),
    Bad("setuid", "setuid", 125, "it is setuid, and the loader ignores LD_PRELOAD when a program's rights change"),
    Bad("other_class", "other_class", 125, "it is a 32-bit x86 program, and this tenure records"),
    Bad("no_format", "no_format", 126, "it is a damaged ELF file"),
    Bad("record_no_program", "record_no_program", 125, "'record' needs a PROGRAM: none was given"),
    Bad("record_unknown_option", "record_unknown_option", 125, "--no-such-option"),
    Bad("record_bad_value", "record_bad_value", 125, "--depth"),
    Bad("record_bad_duration", "record_bad_duration", 125, "100 years"),
    Bad("log_exists", "log_exists", 125, "it exists already; give another name with --output, or --force to replace it"),
    Bad("folder_missing", "folder_missing", 125, "No such file or directory; give another place with --output"),
    Bad("folder_not_writable", "folder_not_writable", 125, "Permission denied; give another place with --output"),
    Bad("log_is_folder", "log_is_folder", 125, "it is a directory"),
    Bad("unknown_command", "unknown_command", 2, "frobnicate"),
    Bad("report_unknown_option", "report_unknown_option", 2, "--no-such-option"),
    Bad("report_bad_format", "report_bad_format", 2, "html"),
    Bad("report_bad_kind", "report_bad_kind", 2, "fragments"),
    Bad("report_bad_confidence", "report_bad_confidence", 2, "sure"),
    Bad("report_bad_threshold", "report_bad_threshold", 2, "pool.knees"),
    Bad("report_bad_threshold_value", "report_bad_threshold_value", 2, "much"),
    Bad("report_threshold_outside", "report_threshold_outside", 2, "pool.knee"),
    Bad("report_bad_sizes", "report_bad_sizes", 2, "many"),
    Bad("report_bad_code", "report_bad_code", 2, "vxworks"),
    Bad("report_kind_meant", "report_kind_meant", 2, "did you mean 'stack-buffer'"),
    Bad("report_bad_color", "report_bad_color", 2, "sometimes"),
    Bad("report_bad_wrapper", "report_bad_wrapper", 2, "("),
    Bad("report_no_process", "report_no_process", 3, "77"),
    Bad("sql_syntax", "sql_syntax", 2, "syntax"),
    Bad("info_missing", "info_missing", 3, "no-such.db"),
    Bad("info_not_a_log", "info_not_a_log", 3, "is not a log: another application's SQLite database"),
    Bad("info_text_file", "info_text_file", 3, "is not a log: no SQLite database; name a file that `tenure record` wrote"),
    Bad("info_empty_file", "info_empty_file", 3, "is not a log: it is empty"),
    Bad("info_truncated", "info_truncated", 3, "the log is truncated, "),
    Bad("info_newer", "info_newer", 3, "the log is of a newer format, "),
    Bad("report_not_a_log", "report_not_a_log", 3, "is not a log: another application's SQLite database"),
    Bad("report_truncated", "report_truncated", 3, "the log is truncated, "),
    Bad("report_newer", "report_newer", 3, "the log is of a newer format, "),
    Bad("report_no_permission", "report_no_permission", 4, "cannot read the log, "),
    Bad("report_output_full", "report_output_full", 4, "cannot write '/dev/full': No space left on device"),
    Bad("simulate_unknown_policy", "simulate_unknown_policy", 2, "first-fit"),
    Bad("simulate_unknown_parameter", "simulate_unknown_parameter", 2, "tcash"),
    Bad("simulate_impossible_heap", "simulate_impossible_heap", 2, "too small"),
    Bad("simulate_bad_script", "simulate_bad_script", 3, "line 2"),
    Bad("simulate_no_script", "simulate_no_script", 3, "no-such-script"),
    Bad("simulate_nothing", "simulate_nothing", 2, "--script"),
    Bad("simulate_not_a_log", "simulate_not_a_log", 3, "is not a log: no SQLite database"),
    Bad("simulate_no_process", "simulate_no_process", 3, "99"),
    Bad("simulate_no_rank", "simulate_no_rank", 2, "9999"),
    Bad("report_unknown_finding", "report_unknown_finding", 2, "deadbeef"),
    Bad("simulate_bad_plan", "simulate_bad_plan", 2, "1,,"),
    Bad("simulate_unknown_key", "simulate_unknown_key", 2, "deadbeef"),
    Bad("simulate_two_plans", "simulate_two_plans", 2, "--plan"),
    Bad("simulate_horizon", "simulate_horizon", 2, "1q"),
    Bad("diff_one_log", "diff_one_log", 2, "two logs, OLD and NEW: too few"),
    Bad("diff_three_logs", "diff_three_logs", 2, "operand"),
    Bad("diff_bad_format", "diff_bad_format", 2, "pdf"),
    Bad("diff_bad_fail_on", "diff_bad_fail_on", 2, "progress"),
    Bad("diff_bad_policy", "diff_bad_policy", 2, "did you mean 'tlsf'"),
    Bad("diff_no_policy", "diff_no_policy", 2, "names no policy"),
    Bad("diff_many_policies", "diff_many_policies", 2, "at most 16 models"),
    Bad("diff_no_process", "diff_no_process", 3, "77"),
    Bad("diff_bad_top", "diff_bad_top", 2, "--top"),
    Bad("diff_output_is_log", "diff_output_is_log", 2, "is one of the logs"),
    Bad("diff_not_a_log", "diff_not_a_log", 3, "text.db"),
    Bad("diff_incomplete", "diff_incomplete", 3, "--allow-incomplete"),
    Bad("check_incomplete", "check_incomplete", 3, "cut short"),
    Bad("check_unfinished", "check_unfinished", 3, "names and summaries"),
    Bad("check_lossy", "check_lossy", 3, "lost"),
    Bad("check_no_mark", "check_no_mark", 3, "initialisation done"),
    Bad("check_nothing", "check_nothing", 2, "--policy-file"),
    Bad("check_bad_format", "check_bad_format", 2, "xml"),
    Bad("check_bad_metric", "check_bad_metric", 2, "'finding' is no metric"),
    Bad("check_bad_kind", "check_bad_kind", 2, "leak"),
    Bad("check_bad_value", "check_bad_value", 2, "few"),
    Bad("check_bad_model", "check_bad_model", 2, "did you mean 'tlsf'"),
    Bad("check_no_model", "check_no_model", 2, "needs a model"),
    Bad("check_twice", "check_twice", 2, "already"),
    Bad("check_bad_root", "check_bad_root", 2, "/no/such/folder"),
    Bad("check_no_process", "check_no_process", 3, "77"),
    Bad("check_no_policy", "check_no_policy", 3, "/no/such/policy"),
    Bad("check_output_is_log", "check_output_is_log", 2, "log itself"),
    Bad("check_not_a_log", "check_not_a_log", 3, "text.db"),
    Bad("check_output_full", "check_output_full", 4, "/dev/full"),
    Bad("policy_bad_line", "policy_bad_line", 3, "heap.policy, line 3"),
    Bad("policy_no_reason", "policy_no_reason", 3, "line 2"),
    Bad("policy_whole", "policy_whole", 3, "no site can be excepted"),
    Bad("policy_bad_model", "policy_bad_model", 3, "line 2"),
    Bad("policy_bad_parameter", "policy_bad_parameter", 3, "tcash"),
    Bad("policy_empty", "policy_empty", 2, "nothing to check"),
    Bad("policy_too_long", "policy_too_long", 3, "too large"),
    Bad("export_no_format", "export_no_format", 2, "--to folded"),
    Bad("export_bad_format", "export_bad_format", 2, "speedscope, dhat"),
    Bad("export_bad_metric", "export_bad_metric", 2, "live-at-end"),
    Bad("export_not_a_log", "export_not_a_log", 3, "text.db"),
    Bad("export_two_logs", "export_two_logs", 2, "takes one log"),
    Bad("export_fleet_metric", "export_fleet_metric", 2, "all metrics"),
    Bad("export_fleet_not_a_log", "export_fleet_not_a_log", 3, "text.db"),
    Bad("export_no_folder", "export_no_folder", 4, "/no/such/folder"),
    Bad("sql_not_a_log", "sql_not_a_log", 3, "is not a log: no SQLite database"),
    Bad("sql_truncated", "sql_truncated", 3, "the log is truncated, "),
    Bad("sql_newer", "sql_newer", 3, "the log is of a newer format, "),
    Bad("sql_writes", "sql_writes", 2, "this statement would write, and `tenure sql` only reads"),
)
