# SPDX-License-Identifier: MIT
"""Bad input, one function a case: each prepares its World and returns the Trial to run."""

import dataclasses
import os
import shutil
import sqlite3
import struct

from harness import Skip, expect_equal, need


@dataclasses.dataclass
class Trial:
    command: tuple
    absent: tuple = ()  # files that must not be there afterwards
    same: tuple = ()  # files that must be there as they were
    is_without_rights: bool = False


def record(world, *command, log=None, more=()):
    """`tenure record` of a command, with a log that must not be made."""
    log = log or world.folder / "bad.db"
    return Trial((world.tenure, "record", *more, "-o", log, "--", *command), absent=(log,))


def not_found(world):
    return record(world, "no-such-program-anywhere")


def not_found_path(world):
    return record(world, "/no/such/program")


def not_executable(world):
    path = world.folder / "plain.txt"
    path.write_text("no program\n")
    path.chmod(0o644)
    return record(world, path)


def directory(world):
    return record(world, world.folder)


def static(world):
    return record(world, world.programs / "static")


def setuid(world):
    path = world.folder / "setuid"
    shutil.copy(world.programs / "deep", path)
    path.chmod(0o4755)
    return record(world, path, "3")


def other_class(world):
    """A 32-bit executable: no compiler for one is needed, its header says all."""
    ident = b"\x7fELF" + bytes([1, 1, 1, 0]) + bytes(8)
    header = ident + struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, 0x8048000, 52, 0, 0, 52, 32, 1, 40, 0, 0)
    load = struct.pack("<IIIIIIII", 3, 84, 0x8048054, 0x8048054, 19, 19, 4, 1)
    path = world.folder / "program32"
    path.write_bytes(header + load + b"/lib/ld-linux.so.2\0")
    path.chmod(0o755)
    return record(world, path)


def no_format(world):
    path = world.folder / "garbage"
    path.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(100))
    path.chmod(0o755)
    return record(world, path)


def record_no_program(world):
    return Trial((world.tenure, "record"))


def record_unknown_option(world):
    return record(world, "true", more=("--no-such-option",))


def record_bad_duration(world):
    return record(world, "true", more=("--duration", "soon"))


def record_bad_value(world):
    return record(world, "true", more=("--depth", "many"))


def log_exists(world):
    log = world.folder / "exists.db"
    log.write_text("the owner's own text\n")
    return Trial((world.tenure, "record", "-o", log, "--", "true"), same=(log,))


def folder_missing(world):
    return record(world, "true", log=world.folder / "no-such-folder/x.db")


def folder_not_writable(world):
    folder = world.folder / "closed"
    folder.mkdir(mode=0o555)
    trial = record(world, "true", log=folder / "x.db")
    trial.is_without_rights = True
    return trial


def log_is_folder(world):
    folder = world.folder / "folder"
    folder.mkdir()
    return Trial((world.tenure, "record", "--force", "-o", folder, "--", "true"), same=(folder,))


def unknown_command(world):
    return Trial((world.tenure, "frobnicate"))


def report_unknown_option(world):
    return Trial((world.tenure, "report", "--no-such-option", good_log(world)))


def report_option(*options):
    """A report with an option that cannot be used."""
    return lambda world: Trial((world.tenure, "report", good_log(world), *options))


report_bad_format = report_option("--format", "pdf")
report_bad_kind = report_option("--only", "pool,fragments")
report_bad_confidence = report_option("--confidence", "sure")
report_bad_threshold = report_option("--threshold", "pool.knees=1")
report_bad_threshold_value = report_option("--threshold", "pool.knee=much")
report_threshold_outside = report_option("--threshold", "pool.knee=7")
report_bad_sizes = report_option("--pool-sizes", "32,many")
report_bad_code = report_option("--code", "vxworks")
report_kind_meant = report_option("--only", "stck")
report_bad_color = report_option("--color", "sometimes")
report_bad_wrapper = report_option("--wrapper", "(")
report_no_process = report_option("--process", "77")


def simulate(world, *arguments, script="A 1 100\n"):
    path = world.folder / "script.txt"
    path.write_text(script)
    return Trial((world.tenure, "simulate", "--script", path, *arguments), same=(path,))


def simulate_unknown_policy(world):
    return simulate(world, "--policy", "first-fat")


def simulate_unknown_parameter(world):
    return simulate(world, "--policy", "glibc:tcash=0")


def simulate_impossible_heap(world):
    return simulate(world, "--policy", "zephyr", "--heap", "40")


def simulate_bad_script(world):
    return simulate(world, script="A 1 100\nF 2\n")


def simulate_no_script(world):
    return Trial((world.tenure, "simulate", "--script", world.folder / "no-such-script"))


def simulate_nothing(world):
    return Trial((world.tenure, "simulate"))


def simulate_not_a_log(world):
    path = world.folder / "script.txt"
    path.write_text("A 1 100\n")
    return Trial((world.tenure, "simulate", path), same=(path,))


def simulate_no_process(world):
    return Trial((world.tenure, "simulate", "--process", "99", good_log(world)))


def simulate_no_rank(world):
    return Trial((world.tenure, "simulate", "--plan", "9999", good_log(world)))


def report_unknown_finding(world):
    return Trial((world.tenure, "report", "--finding", "deadbeef", good_log(world)))


def simulate_bad_plan(world):
    return Trial((world.tenure, "simulate", "--plan", "1,,", good_log(world)))


def simulate_unknown_key(world):
    return Trial((world.tenure, "simulate", "--plan", "deadbeef", good_log(world)))


def simulate_two_plans(world):
    return Trial((world.tenure, "simulate", "--plan", "1", "--apply", "all", good_log(world)))


def simulate_horizon(world):
    return simulate(world, "--risk", "--horizon", "1q")


def good_log(world):
    """A real log, small."""
    result, log = world.record(world.programs / "deep", "3")
    expect_equal(result.status, 0, "status of a plain recording")
    return log


def sql_syntax(world):
    return Trial((world.tenure, "sql", good_log(world), "SELEKT 1"))


def sql_writes(world):
    log = good_log(world)
    return Trial((world.tenure, "sql", log, "DELETE FROM site"), same=(log,))


def info_missing(world):
    return Trial((world.tenure, "info", world.folder / "no-such.db"), absent=(world.folder / "no-such.db",))


def other_database(world):
    path = world.folder / "other.db"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE meta (key, value)")
    database.commit()
    database.close()
    return path


def text_file(world):
    path = world.folder / "text.db"
    path.write_text("This is a text and no database, though it is long enough to be one.\n" * 100)
    return path


def empty_file(world):
    path = world.folder / "empty.db"
    path.write_bytes(b"")
    return path


def truncated(world):
    log = good_log(world)
    size = log.stat().st_size
    os.truncate(log, size // 2 // 4096 * 4096 + 1000)
    world.damaged.add(log)
    return log


def newer(world):
    """A log of a newer format."""
    log = good_log(world)
    database = sqlite3.connect(log)
    version = database.execute("PRAGMA user_version").fetchone()[0]
    database.execute(f"PRAGMA user_version = {version + 1}")
    database.execute("UPDATE meta SET value = ? WHERE key = 'format_version'", (str(version + 1),))
    database.commit()
    database.close()
    return log


def reader(command, make):
    """A command that reads a log; the file must stay as it is."""

    def prepare(world):
        path = make(world)
        return Trial((world.tenure, command, path, *(("SELECT 1",) if command == "sql" else ())), same=(path,))

    return prepare


info_not_a_log = reader("info", other_database)
info_text_file = reader("info", text_file)
info_empty_file = reader("info", empty_file)
info_truncated = reader("info", truncated)
info_newer = reader("info", newer)
report_not_a_log = reader("report", other_database)
report_truncated = reader("report", truncated)
report_newer = reader("report", newer)
sql_not_a_log = reader("sql", text_file)
sql_truncated = reader("sql", truncated)
sql_newer = reader("sql", newer)


def with_log(command, *options):
    """A command on a real log, with options that cannot be used."""
    return lambda world: Trial((world.tenure, command, *options, good_log(world)))


def diff_option(*options):
    """A comparison of a log with itself, with options that cannot be used."""

    def prepare(world):
        log = good_log(world)
        return Trial((world.tenure, "diff", *options, log, log), same=(log,))

    return prepare


export_no_format = with_log("export")
export_bad_format = with_log("export", "--to", "svg")
export_bad_metric = with_log("export", "--to", "folded", "--metric", "leaks")
export_no_folder = with_log("export", "--to", "folded", "-o", "/no/such/folder/file")


export_fleet_metric = with_log("export", "--to", "postgresql", "--metric", "peak")


def export_two_logs(world):
    log = good_log(world)
    return Trial((world.tenure, "export", "--to", "csv", log, log), same=(log,))


def export_fleet_not_a_log(world):
    out = world.folder / "fleet.sql"
    return Trial((world.tenure, "export", "--to", "postgresql", "-o", out, good_log(world), text_file(world)), absent=(out,))


def export_not_a_log(world):
    return Trial((world.tenure, "export", "--to", "folded", text_file(world)))


diff_one_log = with_log("diff")
diff_bad_format = diff_option("--format", "pdf")
diff_bad_fail_on = diff_option("--fail-on", "regression,progress")
diff_bad_policy = diff_option("--policy", "tlfs")
diff_no_policy = diff_option("--policy", ",")
diff_many_policies = diff_option("--policy", ",".join(f"first-fit:align={2 ** i}" for i in range(17)))
diff_no_process = diff_option("--new-process", "77")
diff_bad_top = diff_option("--top", "some")


def diff_output_is_log(world):
    log = good_log(world)
    return Trial((world.tenure, "diff", "-o", log, log, log), same=(log,))


def diff_three_logs(world):
    log = good_log(world)
    return Trial((world.tenure, "diff", log, log, log), same=(log,))


def diff_not_a_log(world):
    log = good_log(world)
    return Trial((world.tenure, "diff", log, text_file(world)), same=(log,))


def changed(world, sql):
    """A real log in which something was changed."""
    log = good_log(world)
    database = sqlite3.connect(log)
    database.execute(sql)
    database.commit()
    database.close()
    return log


INCOMPLETE = "UPDATE meta SET value = '0' WHERE key = 'complete'"
UNFINISHED = "UPDATE meta SET value = '0' WHERE key = 'finished'"
LOSSY = "INSERT OR REPLACE INTO meta VALUES ('events_lost', '3')"


def diff_incomplete(world):
    log = changed(world, INCOMPLETE)
    return Trial((world.tenure, "diff", "--fail-on", "regression", log, log), same=(log,))


def check_of(sql, *options):
    """A check of a log in which something was changed."""

    def prepare(world):
        log = changed(world, sql)
        return Trial((world.tenure, "check", *options, log), same=(log,))

    return prepare


check_incomplete = check_of(INCOMPLETE, "--max=findings=0")
check_lossy = check_of(LOSSY, "--max=findings=0")


def check_unfinished(world):
    """A log that its reader cannot finish."""
    log = changed(world, UNFINISHED)
    log.chmod(0o444)
    return Trial((world.tenure, "check", "--max=findings=0", log), same=(log,), is_without_rights=True)


check_no_mark = check_of("DELETE FROM mark WHERE text = 'initialisation done'", "--max=allocations_after_init=0")
check_nothing = with_log("check")
check_bad_format = with_log("check", "--max=findings=0", "--format", "xml")
check_bad_metric = with_log("check", "--max=finding=0")
check_bad_kind = with_log("check", "--max=findings.leak=0")
check_bad_value = with_log("check", "--max=findings=few")
check_bad_model = with_log("check", "--max=smallest_heap_bytes.tlfs=0")
check_no_model = with_log("check", "--max=smallest_heap_bytes=0")
check_twice = with_log("check", "--max=findings=0", "--max=findings=1")
check_bad_root = with_log("check", "--max=findings=0", "--source-root", "/no/such/folder")
check_no_process = with_log("check", "--max=findings=0", "--process", "77")
check_no_policy = with_log("check", "--policy-file", "/no/such/policy")


def check_output_is_log(world):
    log = good_log(world)
    return Trial((world.tenure, "check", "--max=findings=0", "-o", log, log), same=(log,))


def check_not_a_log(world):
    return Trial((world.tenure, "check", "--max=findings=0", text_file(world)))


def check_output_full(world):
    if not os.path.exists("/dev/full"):
        raise Skip("/dev/full is missing")
    return Trial((world.tenure, "check", "--max=findings=1000", good_log(world), "-o", "/dev/full"))


def policy_of(text):
    """A check by a policy file of this text."""

    def prepare(world):
        path = world.folder / "heap.policy"
        path.write_text(text)
        return Trial((world.tenure, "check", "--policy-file", path, good_log(world)), same=(path,))

    return prepare


policy_bad_line = policy_of("max findings=0\n\nmin findings=0\n")
policy_no_reason = policy_of("max findings=0\nexcept findings at main\n")
policy_whole = policy_of("max peak_live_bytes=0\nexcept peak_live_bytes at main because it is ours\n")
policy_bad_model = policy_of("# limits\nmax fragmentation_percent.tlfs=0\n")
policy_bad_parameter = policy_of("max smallest_heap_bytes.glibc:tcash=0=0\n")
policy_empty = policy_of("# nothing yet\n")
policy_too_long = policy_of("#" * (1 << 20) + "\n")


def report_no_permission(world):
    log = good_log(world)
    log.chmod(0o000)
    return Trial((world.tenure, "report", log), is_without_rights=True)


def report_output_full(world):
    if not os.path.exists("/dev/full"):
        raise Skip("/dev/full is missing")
    return Trial((world.tenure, "report", good_log(world), "-o", "/dev/full"))


def without_rights(command):
    """The command without the right to read and write files against their modes, which root has."""
    if os.getuid() != 0:
        return command
    lost = "-dac_override,-dac_read_search"
    return (need("setpriv"), f"--bounding-set={lost}", f"--inh-caps={lost}", "--", *command)
