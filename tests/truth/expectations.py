# SPDX-License-Identifier: MIT
"""What a truth program says of itself, in the comment at its top.

    expect {...}   a finding that must be there, with exactly these numbers
    never {...}    a near miss: no finding of this kind, but a weak one, may have one of these sites
    allow {...}    a finding that is true, too, but not what the program is about
    lives {...}    a row of the plan's lifetimes that must be there (lifetimes.py)
    check NAME     one more comparison, by a function of that name in checks.py

The braces hold JSON: `kind`, `sites` ("@label": the line that ends with this label in a comment), `confidence`,
`evidence` (a part of what the report says), `condition` (its `kind`, its `sites` as lines, and a regular expression
for its `text`; null: none), `released_at`, `roles` (of sites that it is about in a role only: the line, "call N" where
one of its calls makes the role, the lines of the callers, or 0 where they have none, and "one thread" where only that
has it; without this key it must be about whole sites). A text that begins with "=" is
computed from the program's own `#define`s. Any finding that is not weak, has a site in the program's source, and is
neither expected nor allowed, is false."""

import ast
import json
import operator
import pathlib
import re

STATEMENT = re.compile(r"^ \* (expect|never|allow|lives|check) ", re.M)
CONSTANT = re.compile(r"^#define (\w+) +(.+)$", re.M)
LABEL = re.compile(r"(?:/\*|//) (@\w+)")

OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
             ast.FloorDiv: operator.floordiv, ast.Div: operator.floordiv, ast.Pow: operator.pow}


class Truth:
    """The statements of one program."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.source = self.path.read_text()
        self.name = self.path.stem
        self.constants = {}
        for name, text in CONSTANT.findall(self.source):
            try:
                self.constants[name] = self.compute(text)
            except (SyntaxError, ValueError):
                continue  # an attribute, a call, a text: no number, and an error only where a statement uses it
        self.lines = {}
        for number, line in enumerate(self.source.splitlines(), 1):
            for label in LABEL.findall(line):
                if label in self.lines:
                    raise ValueError(f"{self.path.name}:{number}: {label} is there twice")
                self.lines[label] = number
        self.statements = {"expect": [], "never": [], "allow": [], "lives": [], "check": []}
        self.read_statements()

    def compute(self, text):
        """The value of an expression over integers and the program's constants."""
        return self.value_of(ast.parse(text.split("/*")[0].strip(), mode="eval").body)

    def value_of(self, node):
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name) and node.id in self.constants:
            return self.constants[node.id]
        if isinstance(node, ast.BinOp):
            return OPERATORS[type(node.op)](self.value_of(node.left), self.value_of(node.right))
        raise ValueError(f"{self.path.name}: {ast.dump(node)} is no expression of constants")

    def read_statements(self):
        head = self.source.split("\n */\n")[0]
        for match in STATEMENT.finditer(head):
            rest = head[match.end():]
            if match.group(1) == "check":
                self.statements["check"].append(rest.split("\n")[0].strip())
                continue
            statement, _ = json.JSONDecoder().raw_decode(re.sub(r"\n \* ?", " ", rest))
            self.statements[match.group(1)].append(self.resolve(statement))
        if len(re.findall(r"\b(?:expect|never|allow|lives) {", head)) != sum(map(len, self.statements.values())) - len(
                self.statements["check"]):
            raise ValueError(f"{self.path.name}: each statement must begin a line")
        if not any(self.statements.values()):
            raise ValueError(f"{self.path.name} states nothing")

    def resolve(self, value):
        """Labels become line numbers, and expressions numbers."""
        if isinstance(value, dict):
            return {key: self.resolve(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if isinstance(value, str) and value.startswith("@"):
            return self.lines[value]
        if isinstance(value, str) and value.startswith("="):
            return self.compute(value[1:])
        return value

    def line_name(self, line):
        """A line as a reader of the program knows it."""
        labels = [label for label, number in self.lines.items() if number == line]
        return labels[0] if labels else f"line {line}"
