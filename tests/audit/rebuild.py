# SPDX-License-Identifier: MIT
"""A real program before and after a change: mosquitto as Debian has it, and with the three changes of
docs/case-studies.md in a tree whose lines have all moved. Both are recorded with the same messages and compared by
`tenure diff`; which line became which is told by the text of the sources, so that each pair is judged.

usage: rebuild.py [--keep FOLDER] [--sources FOLDER] BUILD

Status 0: each site is matched with its own line; 1: one is not, or something failed; 77: the source cannot be had."""

import argparse
import difflib
import json
import pathlib
import shutil
import sqlite3
import sys
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import mosquitto
import source
from harness import SKIP, Skip, World, expect, expect_equal

# (file, text before, text after). One block for a topic's table and its text.
EDITS = [
    ("src/topic_tok.c", """	*local_sub = mosquitto__strdup(subtopic);
	if((*local_sub) == NULL) return MOSQ_ERR_NOMEM;

	count = 0;
	saveptr = *local_sub;
	while(saveptr){
		saveptr = strchr(&saveptr[1], '/');
		count++;
	}
	*topics = mosquitto__calloc((size_t)(count+3) /* 3=$shared,sharename,NULL */, sizeof(char *));
	if((*topics) == NULL){
		mosquitto__free(*local_sub);
		return MOSQ_ERR_NOMEM;
	}
""", """	count = 0;
	for(const char *c = subtopic; c; c = strchr(&c[1], '/')){
		count++;
	}
	*topics = mosquitto__calloc(1, (size_t)(count+3) * sizeof(char *) + len + 1);
	if((*topics) == NULL) return MOSQ_ERR_NOMEM;
	*local_sub = (char *)(*topics + count + 3);
	memcpy(*local_sub, subtopic, len + 1);
"""),
    ("src/topic_tok.c", "			mosquitto__free(*local_sub);\n", ""),
    ("src/subs.c", "mosquitto__free(local_sub);", ";"),
    ("src/subs.c", "mosquitto__free(local_topic);", ";"),
    ("src/retain.c", "mosquitto__free(local_sub);", ";"),
    ("src/persist_read.c", "mosquitto__free(local_topic);", ";"),
    # The name of a topic behind its node.
    ("src/retain.c", "	child = mosquitto__calloc(1, sizeof(struct mosquitto__retainhier));\n",
     "	child = mosquitto__calloc(1, sizeof(struct mosquitto__retainhier) + len + 1u);\n"),
    ("src/retain.c", "child->topic = mosquitto__malloc((size_t)len+1);", "child->topic = (char *)(child + 1);"),
    ("src/retain.c", "		mosquitto__free(peer->topic);\n", ""),
    # A pool of messages, with the heap behind it.
    ("src/database.c", "	msg = mosquitto__calloc(1, sizeof(struct mosquitto_client_msg));\n", "	msg = message_take();\n"),
    ("src/database.c", "	mosquitto__free(item);\n", "	message_give(item);\n"),
    ("src/database.c", "		mosquitto__free(tail);\n", "		message_give(tail);\n"),
    ("src/database.c", '#include "time_mosq.h"\n', """#include "time_mosq.h"

static struct mosquitto_client_msg messages[109];
static struct mosquitto_client_msg *message_free;
static size_t message_count;

static struct mosquitto_client_msg *message_take(void)
{
	struct mosquitto_client_msg *msg = message_free;
	if(msg){
		message_free = msg->next;
	}else if(message_count < 109){
		msg = &messages[message_count++];
	}else{
		return mosquitto__calloc(1, sizeof(struct mosquitto_client_msg));
	}
	memset(msg, 0, sizeof(*msg));
	return msg;
}

static void message_give(struct mosquitto_client_msg *msg)
{
	if(msg < messages || msg >= messages + 109){
		mosquitto__free(msg);
		return;
	}
	msg->next = message_free;
	message_free = msg;
}
"""),
]  # fmt: skip
# Lines that were changed and are the same site all the same: how each begins, before and after.
CHANGED = [("*topics = mosquitto__calloc(", "*topics = mosquitto__calloc("), ("child = mosquitto__calloc(", "child = mosquitto__calloc(")]
GONE = ("*local_sub = mosquitto__strdup(subtopic)", "child->topic = mosquitto__malloc(", "msg = mosquitto__calloc(")


def change(tree):
    """The changes, and some lines at the head of each file, so that no line keeps its number."""
    for name, before, after in EDITS:
        path = tree / name
        text = path.read_text()
        expect(before in text, f"{name} has no '{before.splitlines()[0]}'")
        path.write_text(text.replace(before, after))
    for number, path in enumerate(sorted([*tree.glob("src/*.c"), *tree.glob("lib/*.c")])):
        path.write_text("/* moved */\n" * (1 + number % 7) + path.read_text())


class Lines:
    """Which line of the old tree is which of the new one, by the text of the files."""

    def __init__(self, old, new):
        self.old, self.new, self.maps = old, new, {}

    def text(self, tree, file):
        return (tree / file).read_text().splitlines()

    def map_of(self, file):
        if file not in self.maps:
            old, new = self.text(self.old, file), self.text(self.new, file)
            blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
            same = {block.a + i + 1: block.b + i + 1 for block in blocks for i in range(block.size)}
            for before, after in CHANGED:
                olds = [i for i, line in enumerate(old, 1) if line.strip().startswith(before) and i not in same]
                news = [i for i, line in enumerate(new, 1) if line.strip().startswith(after) and i not in same.values()]
                same.update(zip(olds, news, strict=False))
            self.maps[file] = same
        return self.maps[file]

    def moved(self, file, line):
        """The line in the new tree; None: it is not there any more."""
        return self.map_of(file).get(line)


def place(site, tree):
    """File below the tree, and line; None for what is not the program's own."""
    path = pathlib.Path(site["file"]) if site["file"] else None
    if path is None or tree not in path.parents:
        return None
    return str(path.relative_to(tree)), site["line"]


def judge(comparison, lines, new_log):
    """Each site that is matched is matched with its own line; each that is gone has no line in the other recording."""
    there = set(sqlite3.connect(new_log).execute("SELECT file, line, function, via FROM site WHERE file IS NOT NULL"))
    matched, gone = 0, []
    for change in comparison["sites"]:
        before = [place(site, lines.old) for site in change["before"]]
        after = [place(site, lines.new) for site in change["after"]]
        if None in before + after:
            continue
        moved = [(file, lines.moved(file, line)) for file, line in before]
        if before and after:
            expect_equal(sorted(map(str, moved)), sorted(map(str, after)), f"where {before} went")
            matched += len(before)
        for (file, line), site in zip(moved, change["before"], strict=True):
            if after:
                continue
            key = (str(lines.new / file), line, site["function"], site["via"])
            expect(key not in there, f"{before} is told as gone, and is {key}")
            gone.append(lines.text(lines.old, file)[site["line"] - 1].strip())
    return matched, gone


def compare(world, keep, sources):
    old = source.unpack(world, mosquitto, "mosquitto", sources)
    mosquitto.build(world, old)
    new = sources / "mosquitto-changed"
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(old, new, symlinks=True)
    change(new)
    mosquitto.build(world, new)
    logs = []
    for tree in (old, new):
        log = keep / f"{tree.name}.db"
        log.unlink(missing_ok=True)
        world.work = world.folder / f"run-{tree.name}"
        world.work.mkdir()
        mosquitto.record(world, tree / "src/mosquitto", log, "fast")
        world.wait_finished(log)
        logs.append(log)
    result = world.run(world.tenure, "diff", "--format", "json", "--policy", "none", *logs)
    expect_equal((result.err, result.status), (b"", 0), "diff")
    matched, gone = judge(json.loads(result.out), Lines(old.resolve(), new.resolve()), logs[1])
    print(f"{matched} sites matched, each with its own line; gone: {gone}")
    expect(matched >= 40, f"only {matched} sites are matched")
    for line in GONE:
        expect(any(text.startswith(line) for text in gone), f"'{line}' is not told as gone: {gone}")


def folder(text):
    path = pathlib.Path(text).resolve()
    path.mkdir(parents=True, exist_ok=True)
    return path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", type=folder)
    parser.add_argument("--sources", type=folder)
    parser.add_argument("build")
    options = parser.parse_args()
    world = World(options.build)
    status = 1
    try:
        compare(world, options.keep or world.folder, options.sources or world.folder / "sources")
        status = 0
    except Skip as reason:
        print(f"SKIP: {reason}")
        status = SKIP
    except Exception:
        traceback.print_exc()
    finally:
        world.close(keep=status == 1)
    return status


if __name__ == "__main__":
    sys.exit(main())
