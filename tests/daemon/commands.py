#!/usr/bin/env python3
"""The contract of every command (docs/reference/commands.md): help begins with an example that works and fits 80 columns,
--json gives JSON lines and nothing else, exit statuses are those documented, and odd words are told apart from odd values.

# sanitizers: address
"""
import json
import os
import re
import subprocess
import tempfile

import tap
from daemon import RINGFENCE, Daemon

REFERENCE = open(os.path.join(tap.ROOT, "docs", "reference", "commands.md")).read()
COMMANDS = {}  # "user add" -> example line
VALUES = []    # ("user add", "--name", may it be given several times?): flags that take a value
for section in re.split(r"^## ringfence ", REFERENCE, flags=re.M)[1:]:
    head = section.split("\n", 1)[0]
    words = [w for w in head.split() if re.fullmatch(r"[a-z][a-z-]*", w)]
    COMMANDS[" ".join(words)] = re.search(r"```\n(.*)\n```", section).group(1)
    VALUES += [(" ".join(words), flag, "several times" in text)
               for flag, text in re.findall(r"^\| `(--[a-z-]+) [^`]+` \| (.*) \|$", section, re.M)]


def run(*words, stdin="", **kw):
    return subprocess.run([RINGFENCE, *words], input=stdin, capture_output=True, text=True, timeout=60, **kw)


def helps():
    wrong = []
    nouns = {c.split()[0] for c in COMMANDS}
    for name in sorted(nouns | set(COMMANDS)):
        for words in ([*name.split(), "--help"], ["help", *name.split()], [*name.split(), "-h"]):
            p = run(*words)
            if p.returncode != 0 or not p.stdout.startswith("example:\n  ") or p.stderr:
                wrong.append(f"{' '.join(words)}: exit {p.returncode}, {p.stdout[:40]!r} {p.stderr[:80]!r}")
            wrong += [f"{' '.join(words)}: {len(line)} columns: {line}" for line in p.stdout.splitlines() if len(line) > 80]
    tap.ok(not wrong, "help of every noun and command: exit 0, the example first, 80 columns", "\n".join(wrong))
    wrong = []
    for name, example in COMMANDS.items():
        flags = set(re.findall(r"(?<!\S)(--?[a-z-]+)", example.split("ringfence ", 1)[1].split("|")[0].split(";")[0]))
        shown = run(*name.split(), "--help").stdout
        wrong += [f"{name}: {flag} of its example is none of its flags" for flag in flags
                  if not re.search(rf"(^|[\s(]){re.escape(flag)}\b", shown, re.M)]
        if f"ringfence {name.split()[0]}" not in example:
            wrong.append(f"{name}: its example is of another command: {example}")
    tap.ok(not wrong, "each example is of its command, with flags that it has", "\n".join(wrong))


def usage():
    for words, why in (
            ([], "a command is missing"), (["nonsense"], "unknown command"), (["user", "lst"], "did you mean list?"),
            (["status", "--jsno"], "did you mean --json?"), (["user", "add"], "USER"), (["user", "add", "1", "2"], "too many"),
            (["get"], "SETTING"), (["calls", "--state"], "--state"), (["calls", "--state="], "--state"),
            (["set", "media.crypto-suites", *map(str, range(80))], "too many words"),
            (["status", "--json=yes"], "--json takes no value"), (["log", "--lines", "-1"], "--lines"),
            (["log", "--lines", "99999999999999999999"], "--lines"), (["explain", "RF-999"], "did you mean"),
            (["sdp", "status", "99999999999999999999"], "final status"), (["status", *["--quiet"] * 100], "too many flags"),
            (["calls", "--timeout", "1", "--timeout=2"], "--timeout is given twice"),
            (["--state", "/a", "calls", "--state", "/a"], "--state is given twice"),
            (["ca", "issue", "x.test", "--days", "1", "--days", "900"], "--days is given twice")):
        p = run(*words)
        q = run("--json", *words)
        said = None
        try:
            said = json.loads(q.stderr)
        except ValueError:
            pass
        tap.ok(p.returncode == 2 and why in p.stderr and not p.stdout and said is not None and said.get("exit") == 2,
               f"{' '.join(words)[:60] or 'nothing'}: exit 2, why on stderr, and the same as JSON",
               f"exit {p.returncode}\n{p.stdout}{p.stderr}{q.stderr}")
    wrong = []
    for name, flag, may_repeat in VALUES:
        p = run(*name.split(), flag, "1", flag, "2", "--help")
        if (f"{flag} is given twice" in p.stderr) == may_repeat or p.returncode != (0 if may_repeat else 2):
            wrong.append(f"{name} {flag}: exit {p.returncode} {p.stderr}")
    tap.ok(not wrong and len(VALUES) > 50 and [v for v in VALUES if v[2]],
           "a flag with a value that is given twice is refused unless its help says otherwise", "\n".join(wrong) or VALUES)
    with tempfile.TemporaryDirectory() as folder:
        for state in (folder, os.path.join(folder, "none"), os.path.join(folder, "x" * 200), "/dev/null", "\n"):
            p = run("status", "--state", state)
            tap.ok(p.returncode == 4 and state.strip() in p.stderr, f"no daemon at {state[:30]!r}: exit 4",
                   f"exit {p.returncode}\n{p.stderr}")
    p = subprocess.run(f"'{RINGFENCE}' config default > /dev/full", shell=True, capture_output=True, text=True)
    tap.ok(p.returncode == 1, "output that cannot be written is a failure: exit 1", f"exit {p.returncode}\n{p.stderr}")


def formatted():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "deep.conf")
        with open(path, "w") as f:
            f.write("a {\n" * 8 + "b\n" * 5000 + "}\n" * 8)
        p = run("config", "fmt", path)
        tap.ok(p.returncode == 0 and p.stdout.count("\n" + " " * 32 + "b\n") >= 2500,
               "config fmt of short lines that stand deep, which grow to many times their length", f"exit {p.returncode} {p.stderr}")
        with open(path, "w") as f:
            f.write("a {\n\0")
        p, q = run("config", "fmt", path), run("config", "fmt", path, "--json")
        tap.ok(p.returncode == 3 and f"{path}:2:1: " in p.stderr and json.loads(q.stdout)["line"] == 2,
               "config fmt of a broken file: exit 3 and where, also as JSON", p.stderr + q.stdout)


def machine(daemon):
    """Every command that only asks, with --json against a daemon: JSON lines on stdout."""
    chain = os.path.join(daemon.state, "ca", "server.pem")
    ca = os.path.join(daemon.state, "ca", "ca.pem")
    asks = {
        "status": [], "version": [], "config check": [daemon.file], "config show": [], "config export": [],
        "config history": [], "config default": [], "config explain": ["sip.listen"], "config fmt": [daemon.file],
        "get": ["sip.listen"], "user": [], "user list": [], "user show": ["201"], "connection": [], "connection list": [],
        "route test": ["202"], "number": [], "number list": [], "route": [], "route list": [], "cert automatic": [], "ban": [], "ban list": [], "registrations": [], "calls": [],
        "call show": ["last"], "ladder": ["last"], "log": [], "explain": ["RF-301"], "doctor": [], "cert": [],
        "cert list": [], "cert refused": [], "cert check": ["--store", ca, chain], "tls devices": [], "tls levels": [],
        "sdp status": ["488"], "sip parse": [], "cert export": ["--root"], "reload": [],
    }
    wrong = []
    for name, more in asks.items():
        stdin = "OPTIONS sip:a@b SIP/2.0\r\n\r\n" if name == "sip parse" else ""
        p = run(*name.split(), *more, "--json", "--state", daemon.state, stdin=stdin)
        lines = p.stdout.splitlines()
        try:
            rows = [json.loads(line) for line in lines if line]
        except ValueError as e:
            wrong.append(f"{name}: {e}: {p.stdout[:100]!r}")
            continue
        if p.returncode == 0 and not rows and name not in ("connection", "connection list", "number", "number list", "route",
                                                            "route list", "ban", "ban list", "registrations",
                                                            "calls", "cert refused", "cert automatic", "config history",
                                                            "tls devices", "config export"):
            wrong.append(f"{name}: exit 0 and nothing said")
        if p.returncode not in (0, 5) and not (p.stderr.strip() and "exit" in json.loads(p.stderr.splitlines()[-1])):
            wrong.append(f"{name}: exit {p.returncode}: {p.stderr[:200]}")
    tap.ok(not wrong, f"{len(asks)} commands with --json say JSON lines", "\n".join(wrong))
    wrong = []
    for word in ("a" + "ä" * 60, "ab" + "€" * 60, "\udcff\udcfe", "a\x1b[31m"):
        for words in (["cert", "untrust", word], ["cert", "pin", word, "ab" * 32], ["cert", "show", word], ["user", "show", word],
                      ["get", word], ["set", word, "1"], ["call", "show", word], ["cert", "renew", word], ["ban", "lift", word],
                      ["number", "show", word], ["number", "add", word, "to=201"], ["number", "add", "1", f"{word}=201"],
                      ["number", "add", "1", word], ["route", "set", word, f"use={word}"], ["route", "remove", word, "--yes"],
                      ["connection", "add", "x", "type=ip", f"allow={word}"], ["connection", "show", word],
                      ["cert", "add", word, "/a", "/b"], ["ca", "issue", word], ["ca", "revoke", word, "--yes"]):
            p = subprocess.run([RINGFENCE, *words, "--state", daemon.state, "--json"], capture_output=True, timeout=60)
            try:
                said = json.loads(p.stderr.decode())
            except ValueError as e:
                said = {"error": str(e), "code": "RF-816"}
            if p.returncode not in (1, 2, 3) or said["code"] == "RF-816" or "\x1b" in said["error"]:
                wrong.append(f"{ascii(words)}: exit {p.returncode} {said}")
    tap.ok(not wrong, "words that are cut within a character, no UTF-8, or colours: an answer all the same", "\n".join(wrong))
    for words, status in ((["user", "show", "nobody"], 1), (["call", "show", "ffff"], 1), (["get", "no.such"], 2),
                          (["config", "check", "/nonexistent"], 3), (["set", "signal.workers", "none"], 7),
                          (["connection", "show", "nobody"], 1), (["cert", "show", "nobody"], 1),
                          (["config", "rollback", "999999"], None), (["ban", "lift", "192.0.2.1"], 1)):
        p = run(*words, "--state", daemon.state)
        tap.ok(p.returncode in ((status,) if status else (1, 2, 3)) and p.stderr.startswith(("error", "/")) and not p.stdout,
               f"{' '.join(words)}: fails, and says why on stderr", f"exit {p.returncode}\n{p.stdout}{p.stderr}")


helps()
usage()
formatted()
with Daemon() as daemon:
    machine(daemon)
with Daemon(start=False) as daemon:
    daemon.state = os.path.join(daemon.folder, "x" * 150)
    daemon.start()
    code, out, err = daemon.cli("status")
    tap.equal(code, 0, f"a state directory whose path is longer than a socket's may be: {err}")
tap.done()
