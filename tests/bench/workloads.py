# SPDX-License-Identifier: MIT
"""What the benchmark runs: programs that do little but allocate, and programs that people use."""

import dataclasses
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import cases
from harness import Skip, expect, need

REDIS_REQUESTS = 60000
REDIS_TESTS = "set,get,incr,lpush,rpop,sadd,hset,mset"


@dataclasses.dataclass
class Workload:
    name: str
    command: tuple
    stdin: bytes = b""
    environment: dict = dataclasses.field(default_factory=dict)
    tells: bool = False  # its first line is "ALLOCATIONS FREES NANOSECONDS": what it did, and its loop's time
    is_rated: bool = True  # it counts in the means over all workloads
    drive: object = None  # makes a server work; gives the seconds that the requests took, and their number


def drive_redis(world, process):
    """Wait until the server answers, measure it, and end it."""
    client = ("redis-cli", "-s", world.folder / "redis.sock")
    for _ in range(20000):
        if subprocess.run([*client, "ping"], capture_output=True).stdout == b"PONG\n":
            break
        expect(process.poll() is None, "redis-server has ended")
    done = subprocess.run(["redis-benchmark", "-s", world.folder / "redis.sock", "-n", str(REDIS_REQUESTS), "-r", "10000",
                           "-d", "64", "-t", REDIS_TESTS, "--csv"], capture_output=True, text=True, check=True)
    rates = [float(rate) for rate in re.findall(r'^"[^"]+","([0-9.]+)"', done.stdout, re.M)]
    expect(len(rates) >= len(REDIS_TESTS.split(",")), f"redis-benchmark said {done.stdout!r}")
    subprocess.run([*client, "shutdown", "nosave"], capture_output=True)
    return sum(REDIS_REQUESTS / rate for rate in rates), REDIS_REQUESTS * len(rates)


def python(world):
    return Workload("python3, JSON", (need("python3"), "-c", cases.PYTHON.replace("range(3000)", "range(20000)")),
                    environment={"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"})


def jq(world):
    objects = b"[" + b",".join(b'{"n":%d,"t":"name %d"}' % (i, i % 17) for i in range(60000)) + b"]"
    return Workload("jq", (need("jq"), *cases.JQ[1:]), stdin=objects)


def perl(world):
    return Workload("perl", (need("perl"), "-e", cases.PERL.replace("20000", "300000")), environment={"PERL_HASH_SEED": "0"})


def sqlite(world):
    return Workload("sqlite3, in memory", (need("sqlite3"), ":memory:"), stdin=cases.SQL.replace(b"20000", b"200000"))


def joined(paths):
    """Source files as one: what is private to each gets a name of its own."""
    parts = []
    for number, path in enumerate(paths):
        text = path.read_text()
        own = [name for name in re.findall(r"^(?:static [^;=(]*?(?=\w+[(\[])|struct (?=\w+ \{)|#define )(\w+)", text, re.M)
               if not name.startswith("tn_")]
        parts.append(re.sub(r"\b(" + "|".join(own) + r")\b", rf"\1_{number}", text) if own else text)
    return "\n".join(parts)


def compiler(world):
    """cc1, which gcc runs, the compiler proper; on sources of our own, since every tester has those."""
    need("gcc")
    cc1 = subprocess.run(["gcc", "-print-prog-name=cc1"], capture_output=True, text=True, check=True).stdout.strip()
    if not pathlib.Path(cc1).exists():
        raise Skip("gcc has no cc1")
    source = world.folder / "source.c"
    source.write_text(joined(sorted((ROOT / "lib/finish").glob("*.c"))))
    subprocess.run(["gcc", "-E", "-w", "-D_GNU_SOURCE", "-I", ROOT / "include", "-I", ROOT / "lib/finish", source, "-o", f"{source}.i"],
                   check=True)
    if subprocess.run([cc1, "-quiet", "-w", "-fsyntax-only", f"{source}.i"], capture_output=True).returncode != 0:
        raise Skip("the joined sources of lib/finish are no valid source")
    return Workload("cc1 -O2", (cc1, "-quiet", "-w", "-O2", f"{source}.i", "-o", world.folder / "source.s"))


def redis(world):
    need("redis-cli", "redis-benchmark")
    return Workload("redis-server", (need("redis-server"), "--port", "0", "--unixsocket", world.folder / "redis.sock", "--save",
                                     "", "--daemonize", "no"), drive=drive_redis)


def start_only(world):
    return Workload("true (start, end)", (need("true"),), is_rated=False)


def own(name, *arguments, program="workload"):
    def make(world):
        return Workload(name, (world.build / "tests/bench" / program, *arguments), tells=True)

    return make


ALL = (
    own("pairs, 10 frames", "pairs", "10000000"),
    own("churn, 1 thread", "churn", "1", "10000000"),
    own("churn, 2 threads", "churn", "2", "10000000"),
    own("churn, 8 threads", "churn", "8", "10000000"),
    own("freed by another", "handoff", "4000000"),
    own("recursive, 40-200", "recursive", "1000000"),
    own("expressions", "evaluate", "10000000", program="paths_workload"),
    own("large numbers", "calculate", "8000000", program="paths_workload"),
    python,
    jq,
    perl,
    sqlite,
    compiler,
    redis,
    start_only,
)


def workloads(world, wanted):
    """Those whose name holds one of the wanted words; all without any. Says what cannot be run here."""
    for make in ALL:
        try:
            workload = make(world)
        except Skip as reason:
            print(f"left out: {reason}", flush=True)
            continue
        if not wanted or any(word in workload.name for word in wanted):
            yield workload
