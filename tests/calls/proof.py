#!/usr/bin/env python3
"""`ringfence demo`, as ./run starts it: the proof holds, says only what was measured, and fails when a claim does.

# sanitizers: address thread
# runs alone
"""
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time

import tap
from daemon import RINGFENCE

CLAIMS = ["phones sign in", "call 201 -> 202", "call 203 -> 201", "call without SRTP", "phone on TLS 1.1",
          "phone without TLS", "wrong password", "forged, replayed", "a second daemon", "kill -9 of signal"]
CODES = {"call 203 -> 201": "RF-403", "call without SRTP": "RF-301", "phone on TLS 1.1": "RF-101",
         "phone without TLS": "RF-510", "wrong password": "RF-501", "a second daemon": "RF-808"}
READY_MS = 2000 if os.environ.get("RF_VARIANT", "plain") == "plain" else 10000

folder = tempfile.mkdtemp(prefix="ringfence-demo-")
os.chmod(folder, 0o755)
state = os.path.join(folder, "state")


def demo(*words):
    return subprocess.run([RINGFENCE, "demo", "--state", state, *words], capture_output=True, text=True, timeout=120)


def cli(*words):
    return subprocess.run([RINGFENCE, *words, "--state", state], capture_output=True, text=True, timeout=60)


def passwords():
    return [open(os.path.join(state, f"{user}.password")).read().strip() for user in ("201", "202", "203")]


def claims_of(text):
    """{claim: its first line} of the screen."""
    return {name: line for name in CLAIMS for line in text.splitlines() if line.startswith(f"  {name:18}")}


def processes():
    """Processes that have to do with our state directory."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if state in open(f"/proc/{pid}/cmdline").read() or os.readlink(f"/proc/{pid}/cwd") == state:
                found.append(pid)
        except OSError:
            pass
    return found


# The first start.
first = demo("--once", "--port-base", "0")
lines = claims_of(first.stdout)
tap.equal(first.returncode, 0, "a first start proves everything: exit status 0")
tap.equal(first.stderr, "", "nothing is said on standard error")
tap.ok(all(re.search(r"\bok\b", lines.get(name, "")) or name in ("phones sign in", "kill -9 of signal")
           for name in CLAIMS), "every claim is there and held", first.stdout)
for name, code in CODES.items():
    tap.ok(code in lines.get(name, ""), f"{name}: {code}", lines.get(name))
tap.ok(re.search(r"TLS 1\.3 \S+ \| SRTP AEAD_AES_256_GCM +ok  encrypted", first.stdout), "the call's line names TLS and suite")
sent = re.search(r"both legs, both directions, (\d+) and (\d+) packets, 0 lost", first.stdout)
tap.ok(sent and int(sent[1]) >= 150 and int(sent[2]) >= 150, "150 packets each way, none lost")
tap.ok("refused 488, Q.850 cause 88" in first.stdout, "the refusal names status and cause")
tap.equal([l for l in first.stdout.splitlines() if len(l) > 80], [], "every line fits 80 columns")
tap.ok("\033" not in first.stdout and "\r" not in first.stdout, "no colours and no cursor moves into a pipe")

# What it keeps.
secrets = passwords()
tap.ok(all(len(p) == 20 for p in secrets) and len(set(secrets)) == 3, "each user has a random password")
tap.ok(all(stat.S_IMODE(os.stat(os.path.join(state, f)).st_mode) == 0o600
           for f in ("201.password", "202.password", "203.password", "demo.conf")), "secrets have mode 0600")
tap.ok(os.stat(state).st_mode & 0o027 == 0, "nobody else may enter the state directory")
log = open(os.path.join(state, "log.jsonl")).read()
tap.ok(not any(p in first.stdout + first.stderr + log for p in secrets), "no password on the screen or in the log")
tap.ok(not any(p in open(os.path.join(state, "demo.conf")).read() for p in secrets), "nor in the configuration")

# The second start.
second = demo("--once", "--port-base", "0", "--json")
result = json.loads(second.stdout)
tap.equal(second.returncode, 0, "a second start proves everything again")
tap.ok(result["ready_ms"] < READY_MS, f"it is ready in {result['ready_ms']} ms, below {READY_MS}")
tap.equal([c["claim"] for c in result["claims"]], CLAIMS, "--json has the same claims")
tap.ok(result["ok"] and all(c["state"] == "held" and c["checks"] > 0 for c in result["claims"]),
       "each held after at least one check", second.stdout)
tap.equal(result["checks"], sum(c["checks"] for c in result["claims"]), "checks are counted")
tap.equal(passwords(), secrets, "the passwords stay")
tap.ok(not any(p in second.stdout + second.stderr for p in secrets), "no password in --json")

# It serves until it is told to stop, and refuses a second one of its kind.
serving = subprocess.Popen([RINGFENCE, "demo", "--state", state, "--port-base", "0"], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, start_new_session=True)
screen = ""
while "Ctrl-C stops it" not in screen:
    line = serving.stdout.readline()
    if line == "":
        break
    screen += line
tap.ok("Ctrl-C stops it" in screen and "ca/ca.pem" in screen, "it goes on serving and says where things lie", screen)
tap.equal([l for l in screen.splitlines() if len(l) > 80 and state not in l], [], "this screen fits 80 columns, too")
again = demo("--once", "--port-base", "0")
tap.ok(again.returncode == 1 and "RF-808" in again.stderr, "a second demo on the directory is refused: RF-808", again.stderr)
call = cli("selfcall", "201", "202", "--seconds", "1", "--json")
tap.ok(call.returncode == 0 and json.loads(call.stdout)["verdict"] == "ENCRYPTED", "selfcall with the demo's users",
       call.stdout + call.stderr)
tap.ok(not any(p in call.stdout + call.stderr for p in secrets), "selfcall prints no password")
tap.equal(cli("registrations", "--json").stdout, "", "neither proof nor selfcall leaves a registration behind")
tap.equal(cli("set", "sip.require-tls", "off").returncode, 0, "a weaker setting is stored")
os.killpg(serving.pid, signal.SIGINT)
tap.equal(serving.wait(20), 0, "Ctrl-C ends it with status 0")
rest = serving.stdout.read() + serving.stderr.read()
tap.ok(not any(p in screen + rest for p in secrets), "no password on this screen")
tap.equal(processes(), [], "no process is left over")

# A claim that does not hold.
weak = demo("--once", "--port-base", "0")
lines = claims_of(weak.stdout)
tap.equal(weak.returncode, 1, "with sign-in without TLS allowed the proof fails: exit status 1")
tap.ok("FAIL" in lines.get("phone without TLS", ""), "the claim that failed says so", weak.stdout)
tap.ok(re.search(r"^ +fix +\S", weak.stdout, re.M), "and how to find out more")
tap.ok("skipped" in lines.get("forged, replayed", "") and "skipped" in lines.get("kill -9 of signal", ""),
       "what comes after it is skipped", weak.stdout)

# A port that somebody has.
with socket.socket() as taken:
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    port = taken.getsockname()[1]
    busy = demo("--once", "--port-base", str(port))
tap.ok(busy.returncode == 1 and "RF-805" in busy.stderr and f"pid {os.getpid()}" in busy.stderr
       and "--port-base" in busy.stderr, "a port in use: RF-805, by whom, and what to do", busy.stderr)
tap.equal(demo("--port-base", "80").returncode, 2, "a port below 1024 is a usage error")

# A person who stops it in the middle.
impatient = subprocess.Popen([RINGFENCE, "demo", "--state", state, "--port-base", "0"], stdout=subprocess.PIPE, text=True)
impatient.stdout.readline()
time.sleep(0.3)
impatient.send_signal(signal.SIGTERM)
tap.equal(impatient.wait(20), 1, "stopped during the proof: status 1")
tap.equal(processes(), [], "and nothing is left over")

shutil.rmtree(folder, ignore_errors=True)
tap.done()
