#!/usr/bin/env python3
"""Every setting is read by some line of the program: one that can be written and changes nothing lies to whoever writes it.

A setting counts as read when its name, or what stands behind the label of its block, is a string outside of JSON; or when the default of one that is read stands for it.
"""
import glob
import os
import re

import tap

NAME = r'"([a-z][a-z0-9.-]*)"'


def code_of(path):
    return re.sub(r"/\*.*?\*/", "", open(path).read(), flags=re.S)


def names_in(code):
    """Strings that could be names of settings: of statements that make no JSON."""
    return {name for part in re.split(r"[;{}]", code) if "json_" not in part for name in re.findall(NAME, part)}


os.chdir(tap.ROOT)
settings, defaults, block = [], {}, ""
for line in open("docs/reference/settings.md").read().splitlines():
    if line.startswith("## "):
        block = ".".join(line.strip("# `{} ").replace("NAME", "*").split()) + "." if "{" in line else ""
    elif line.startswith("### "):
        settings.append(block + line.strip("# `"))
table = open("src/conf/options.c").read()
read_by_default = set(re.findall(r'"@([a-z][a-z0-9.-]*)', table))
files = [f for f in glob.glob("src/**/*.[ch]", recursive=True)
         if not re.search(r"_(test|fuzz)\.c$", f) and f != "src/conf/options.c"]
read = set().union(*(names_in(code_of(f)) for f in files))
of_interfaces = names_in(code_of("src/conf/iface.c"))
interfaces = set(re.findall(r'\{ "[a-z-]+", "([a-z-]+)", (?:true|false), (?:true|false) \}', code_of("src/conf/iface.c")))


def is_read(name):
    if name in read or name in read_by_default:
        return True
    if ".*." in name:
        behind = name.split(".*.", 1)[1]
        return behind in read or (behind.split(".")[0] in ("inbound", "outbound") and behind.split(".")[1] in read)
    block, _, last = name.partition(".")
    return block in interfaces and last in of_interfaces


tap.ok(len(settings) > 150 and len(interfaces) > 4, "the settings and the interfaces are found", (settings, interfaces))
tap.equal([s for s in settings if not is_read(s)], [], "every setting is read")
tap.equal([s for s in ("sip.nobody-reads", "user.*.nobody-reads", "web.nobody-reads", "sip-connection.*.inbound.nobody-reads")
           if is_read(s)], [], "and one that nothing reads is found")
tap.done()
