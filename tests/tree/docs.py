#!/usr/bin/env python3
"""Documents name only what is there: files, folders, functions, settings' files; and each folder has a page."""
import os
import re
import subprocess

import tap

root = tap.ROOT
files = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True).stdout.split()
if not files:  # an unpacked archive
    files = [os.path.relpath(os.path.join(d, n), root) for d, _, names in os.walk(root) for n in names]
code = "\n".join(open(os.path.join(root, f), errors="replace").read() for f in files
                 if f.endswith((".c", ".h")))
names = set(re.findall(r"\brf_[a-z0-9_]+\b", code))
known = set(files) | {os.path.dirname(f) for f in files}
for doc in [f for f in files if f.endswith(".md") and not f.startswith("tests/data")]:
    text = open(os.path.join(root, doc)).read()
    here = os.path.dirname(doc)
    missing = []
    for path in set(re.findall(r"(?<![\w/.-])((?:src|tests|tools|docs|bench|packaging)/[\w./-]*\w)", text)):
        if path not in known and path.rstrip("/") not in known:
            missing.append(path)
    for path in set(re.findall(r"`([a-z0-9_]+/[a-z0-9_]+\.[ch])`", text)):
        if "src/" + path not in known and path not in known:
            missing.append(path)
    for path in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        if os.path.normpath(os.path.join(here, path)) not in known:
            missing.append(path)
    for function in set(re.findall(r"\brf_[a-z0-9_]+\b(?=\(|`)", text)):
        if function not in names:
            missing.append(function)
    # Walks: "folder/file.c   function   what": the function must be made in that file.
    for path, function in re.findall(r"^(\w+/\w+\.c) +(\w+)(?=  )", text, re.M):
        source = os.path.join(root, "src", path)
        if not os.path.exists(source) or not re.search(rf"^{function}\(", open(source).read(), re.M):
            missing.append(f"{path}:{function}")
    tap.ok(not missing, f"{doc} names only what is there", " ".join(missing))
for folder in sorted({f.split("/")[1] for f in files if f.startswith("src/") and f.count("/") > 1}):
    tap.ok(f"src/{folder}/README.md" in known, f"src/{folder} has a README.md")
long = [f"{f} ({n} lines)" for f in files if f.startswith("src/") and f.endswith((".c", ".h"))
        for n in [open(os.path.join(root, f)).read().count("\n")] if n > 1000]
tap.ok(not long, "no source file above 1000 lines", " ".join(long))
tap.done()
