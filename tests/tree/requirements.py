#!/usr/bin/env python3
"""Each requirement has a test that is named for it: its ID stands in what the test prints, not in a comment beside it.

tests/tree/requirements*.tsv say which must be there. What a test prints is read from its source: strings of Python that
are no docstrings, strings of C that are no comments, the titles of plays. So a test that is taken away or loses its
name is missed by a run that takes a second.
"""
import ast
import glob
import os
import re

import tap

root = tap.ROOT
TABLES = sorted(glob.glob(os.path.join(root, "tests", "tree", "requirements*.tsv")))
ID = re.compile(r"\b(?:IPC|TEL|AVA|GEN|SYS)-\d+\b")


def python_strings(text):
    tree = ast.parse(text)
    docs = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and node.body and \
                isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant):
            docs.add(id(node.body[0].value))
    return [n.value for n in ast.walk(tree)
            if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in docs]


def c_strings(text):
    """Literals outside of comments; a quote in a character constant is none."""
    token = re.compile(r'/\*.*?\*/|//[^\n]*|\'(?:\\.|[^\'\\])+\'|"((?:\\.|[^"\\])*)"', re.S)
    return [m.group(1) for m in token.finditer(text) if m.group(1) is not None]


def play_titles(text):
    return [line for line in text.splitlines()[:1] if line.startswith("# ")]


def readers():
    for where, _, names in [(d, s, n) for top in ("src", "tests") for d, s, n in os.walk(os.path.join(root, top))]:
        for name in sorted(names):
            path = os.path.relpath(os.path.join(where, name), root)
            if path == "tests/tree/requirements.py" or "/data/" in path or path.startswith("tests/lib/"):
                continue
            if path.startswith("tests/") and name.endswith(".py"):
                yield path, python_strings
            elif name.endswith("_test.c") or (path.startswith("tests/") and name.endswith(".c")):
                yield path, c_strings
            elif name.endswith(".t"):
                yield path, play_titles


# The readers themselves: an ID beside a test does not count, one in its name does.
tap.equal([s for s in python_strings('"""AVA-1"""\ndef f():\n    "AVA-2"\n    ok(f"AVA-3 {x}", "AVA-4")  # AVA-5\n')
           if ID.search(s)], ["AVA-4", "AVA-3 "], "a docstring and a comment of Python are no name of a test")
tap.equal(c_strings('/* "AVA-1" */ ok(c == \'"\', "AVA-2: \\"x\\" %d", 1); // "AVA-3"\n'), ['AVA-2: \\"x\\" %d'],
          "nor are comments of C")

found = {}
for path, read in readers():
    with open(os.path.join(root, path), errors="replace") as f:
        text = f.read()
    if ID.search(text):
        for string in read(text):
            for name in ID.findall(string):
                found.setdefault(name, set()).add(path)

rows = {}
for table in TABLES:
    with open(table) as f:
        lines = [line.rstrip("\n").split("\t") for line in f if line.strip() and not line.startswith("#")]
    tap.ok(len(lines) > 0 and len({line[0] for line in lines}) == len(lines) and
           all(ID.fullmatch(line[0]) and len(line) == 2 and line[1] for line in lines),
           f"{os.path.basename(table)} names each once, and says what its test shows")
    rows.update(lines)
for name in sorted(rows, key=lambda r: (r[:3], int(r[4:]))):
    tap.ok(name in found, f"{name} has a test that bears its name", "no test prints it")
tap.note(f"{len(rows)} requirements, {len(found)} IDs in the names of tests")
tap.done()
