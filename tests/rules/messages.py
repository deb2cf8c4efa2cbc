# SPDX-License-Identifier: MIT
"""Every message that a user can see is provoked by a test: three words of it in a row, which no other message
has, stand in a string that a test expects. What no test provokes stands in messages_unprovoked.txt with its reason.

A message is each text in a call of SAYS. Its words are what stands between its conversions, but for the option that it
speaks of and its advice, which many messages share; one without three words in a row, such as "%s: %s", passes on what
another message says and is not counted."""

import ast
import collections
import pathlib
import re

from tree import ROOT, finish, relative, sources, without_comments

SAYS = re.compile(r"\b(?:tn_say|tn_error_set)\(")
LITERAL = re.compile(r'"((?:\\.|[^"\\\n])*)"')
JOINED = re.compile(r'"\s*(?:PRI[a-z]\w+\s*)?"')
CONVERSION = re.compile(r"%[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:ll|l|z|j|hh|h)?[a-zA-Z]|%\"|\"")
PLACE = re.compile(r"^options? '[^:]*' of '(?:[a-z]+|%s)': ")  # the same for many messages
ADVICE = re.compile("; ")
WINDOW = 3  # words in a row that make a message known
OUT_OF_MEMORY = "out of memory"  # provoked as a kind by the tests of failing allocations, not message by message
EXCEPTIONS = pathlib.Path(__file__).with_name("messages_unprovoked.txt")


def unescape(text):
    return text.replace('\\"', '"').replace("\\n", " ").replace("\\t", " ")


def arguments(text, start):
    """What stands between the parenthesis before start and the one that closes it."""
    depth, place = 1, start
    while depth > 0:
        if text[place] == '"':
            place = LITERAL.match(text, place).end() - 1
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        place += 1
    return text[start : place - 1]


def messages(path):
    """(line, text) of every text that the file says."""
    text = without_comments(path.read_text())
    for call in SAYS.finditer(text):
        line = text.count("\n", 0, call.start()) + 1
        for literal in LITERAL.findall(JOINED.sub(lambda joint: "%d" if "PRI" in joint.group() else "", arguments(text, call.end()))):
            yield line, unescape(literal)


def windows(text):
    """Every run of WINDOW words, that no conversion interrupts, of what the message says before its advice."""
    said = ADVICE.split(PLACE.sub("", text))[0]
    for part in CONVERSION.split(said):
        words = part.split()
        for i in range(len(words) - WINDOW + 1):
            yield " ".join(words[i : i + WINDOW])


def own_windows(text, owners):
    """The windows that no other message has; all of them, where others have all."""
    return [window for window in windows(text) if len(owners[window]) == 1] or list(windows(text))


def python_strings(path):
    tree = ast.parse(path.read_text())
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [node.value for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)) and id(node) not in told]


def expected():
    """All strings of the tests, comments and docstrings left out, one after the other."""
    found = []
    for path in sources("tests", suffixes=(".py",)):
        if path.parent.name != "rules":
            found += [s.decode(errors="replace") if isinstance(s, bytes) else s for s in python_strings(path)]
    for path in sources("tests"):
        text = JOINED.sub("", without_comments(path.read_text()))
        found += [unescape(literal) for literal in LITERAL.findall(text)]
    return "\n".join(" ".join(text.split()) for text in found)


def exceptions():
    """The first words of messages that no test can provoke; each stands below its reason."""
    lines = EXCEPTIONS.read_text().splitlines() if EXCEPTIONS.exists() else []
    return [line for line in lines if line and not line.startswith("#")]


def main():
    said = [(path, line, text) for path in sources("tools", "lib", suffixes=(".c",)) for line, text in messages(path)]
    said = [entry for entry in said if OUT_OF_MEMORY not in entry[2] and any(windows(entry[2]))]
    owners = collections.defaultdict(set)
    for _, _, text in said:
        for window in windows(text):
            owners[window].add(text)
    tests, spared, broken = expected(), exceptions(), []
    used = set()
    for path, line, text in said:
        spare = [start for start in spared if text.startswith(start)]
        used.update(spare)
        if not spare and not any(window in tests for window in own_windows(text, owners)):
            broken.append(f"{relative(path)}:{line}: no test provokes \"{text}\"")
    broken += [f"{relative(EXCEPTIONS)}: no message begins with \"{start}\"" for start in spared if start not in used]
    finish(broken, len(said), "messages")


main()
