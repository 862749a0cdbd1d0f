#!/usr/bin/env python3
"""docs/reference is what the tables give, and the manual pages hold every row and only roff that man knows."""
import json
import os
import re
import subprocess
import tempfile

import tap

program = os.path.join(os.environ["RF_BUILD"], "ringfence")
folder = os.path.join(tap.ROOT, "docs", "reference")


def run(*words):
    return subprocess.run([program, *words], check=True, capture_output=True, text=True).stdout


with tempfile.TemporaryDirectory() as made:
    run("docs", made)
    for name in sorted(set(os.listdir(made)) | set(os.listdir(folder))):
        paths = [os.path.join(d, name) for d in (folder, made)]
        texts = [open(p).read().splitlines() if os.path.exists(p) else None for p in paths]
        differ = "one of them is not there" if None in texts else next(
            (f"line {i + 1}: committed {a!r}, made {b!r}"
             for i, (a, b) in enumerate(zip(texts[0] + [""], texts[1] + [""])) if a != b), "lengths differ")
        tap.ok(texts[0] == texts[1], f"docs/reference/{name} is what the tables give (tools/make-docs)", differ)
    refusals = re.findall(r"^## (RF-\d+) (\S+)$", open(os.path.join(made, "refusals.md")).read(), re.M)
    commands = re.findall(r"^## (ringfence .*)$", open(os.path.join(made, "commands.md")).read(), re.M)

table = open(os.path.join(tap.ROOT, "src", "base", "refusal.h")).read()
tap.equal([code for code, _ in refusals], re.findall(r'X\([A-Z_]+, "(RF-\d+)"', table), "every refusal has a section")
tap.equal(len(set(refusals)), len(refusals), "no code and no name twice")

# What we use of man(7); a line that begins with anything else after a dot would be lost on the screen.
KNOWN = {".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".BR", ".br", ".nf", ".fi", ".RS", ".RE", '.\\"', "."}
pages = {page: run("man", page) for page in ("ringfence", "conf", "codes")}
for page, text in pages.items():
    lost = [line for line in text.splitlines() if line[:1] in (".", "'") and line.split(" ")[0] not in KNOWN]
    tap.equal(lost, [], f"man {page}: every request is one of man(7)")
plain = {page: text.replace("\\-", "-").replace("\\e", "\\") for page, text in pages.items()}
tap.equal([c for c, name in refusals if f".SS {c} {name}" not in plain["codes"]], [], "ringfence-codes(7) has every code")
tap.equal([c for c in commands if f".SS {c}" not in plain["ringfence"]], [], "ringfence(1) has every command")
nouns = sorted({c.split()[1] for c in commands})
lines = [line for words in [[], *([n] for n in nouns)] for line in run(*words, "--help").splitlines()]
tap.equal([line for line in lines if len(line) > 79 or line != line.rstrip()], [],
          "help fits 79 columns and ends no line with a blank")
tap.equal([n for n in nouns if not run(n, "--help").startswith("example:\n  ringfence ")], [],
          "help of every command begins with an example")
settings, block = [], ""
for line in open(os.path.join(folder, "settings.md")).read().splitlines():
    if line.startswith("## "):
        block = ".".join(line.strip("# `{} ").replace("NAME", "*").split()) + "." if "{" in line else ""
    elif line.startswith("### "):
        settings.append(block + line.strip("# `"))
tap.ok(len(settings) > 40, "the settings have sections", settings)
tap.equal([s for s in settings if f".B {s}\n" not in plain["conf"]], [], "ringfence.conf(5) has every setting")

rows = re.findall(r"^\| `([a-z_]+)` \| (\w+) \|", open(os.path.join(folder, "metrics.md")).read(), re.M)
metrics, histograms = {m for m, _ in rows}, {m for m, kind in rows if kind == "histogram"}
tap.ok(len(metrics) > 30 and histograms, "the metrics have rows")

# What the documents for people name is in the tables: commands in code, settings of the blocks there are, codes.
blocks = {re.sub(r"\.\*$", "", s.rsplit(".", 1)[0]) for s in settings if "." in s}
named = {re.sub(r"\.\*\.", ".", s) for s in settings}
guide = sorted("docs/guide/" + name for name in os.listdir(os.path.join(tap.ROOT, "docs", "guide")))
for doc in ["README.md", "ARCHITECTURE.md", *guide]:
    text = open(os.path.join(tap.ROOT, doc)).read()
    code = re.findall(r"^ *```\w*\n(.*?)^ *```$", text, re.M | re.S) + re.findall(r"(?<!`)`([^`]+)`(?!`)", text)
    unknown = [c for c in re.findall(r"RF-\d{3}", text) if c not in dict(refusals)]
    for words in re.findall(r"(?:^|[/ (])ringfence ([a-z][a-z-]*(?: [a-z][a-z-]*)?)", "\n".join(code), re.M):
        first = re.escape("ringfence " + words.split()[0])
        with_argument = rf"{first} \[?[A-Z]" if " " in words else first + "( |$)"
        if not any(re.match(f"ringfence {re.escape(words)}( |$)|{with_argument}", c) for c in commands):
            unknown.append("ringfence " + words)
    setting = r"(?:^| )([a-z][a-z-]*)\.(?:[*\d]+\.)?([a-z][a-z-]*)(?=[ ,;)]|$)"
    for block, word in re.findall(setting, "\n".join(code), re.M):
        if block in blocks and word != "example" and f"{block}.{word}" not in named and f"{block}.*.{word}" not in settings:
            unknown.append(f"{block}.{word}")
    for metric in re.findall(r"\b(?:ringfence|process)_[a-z_]+\b", "\n".join(code)):
        if metric not in metrics and re.sub("_(bucket|sum|count)$", "", metric) not in histograms:
            unknown.append(metric)
    tap.equal(unknown, [], f"{doc} names commands, settings and codes that are there")

# Each code answers for itself as well.
for code, name in refusals:
    told = json.loads(run("explain", code, "--json"))
    if told.get("code") != code or name not in json.dumps(told):
        tap.ok(False, f"explain {code}", told)
        break
else:
    tap.ok(True, "ringfence explain knows every code")
tap.done()
