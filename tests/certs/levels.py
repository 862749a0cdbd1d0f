#!/usr/bin/env python3
"""AVA-2 to AVA-18, AVA-25: every row of the tables at every level, through `ringfence cert check`."""
import concurrent.futures
import json
import os
import subprocess

import certs
import tap

PROGRAM = os.path.join(os.environ["RF_BUILD"], "ringfence")
LEVELS = ["none", "low", "medium_legacy", "medium", "high", "medium_remote", "high_remote"]
# The requirement that a row is about, by the words of its reason or its name.
IDS = [("selfsigned", "AVA-13"), ("ec", "AVA-5"), ("ed", "AVA-5"), ("rsa", "AVA-5 AVA-12"), ("expired", "AVA-4"), ("notyet", "AVA-4"),
       ("no-ku", "AVA-7"), ("v1", "AVA-7"), ("ku-", "AVA-7"), ("eku", "AVA-8"), ("crit", "AVA-9"), ("noncrit", "AVA-9"),
       ("san-wild", "AVA-16 AVA-17"), ("san", "AVA-16 AVA-17"), ("cn-only", "AVA-17"), ("own", "AVA-14"), ("renewed", "AVA-15"),
       ("ok-notpinned", "AVA-15"), ("none-", "AVA-2 AVA-22"), ("revoked", "AVA-6 revoked")]
folder = certs.made()


def chain_of(row):
    return "/dev/null" if row["cert"] == "(none)" else f"{folder}/leaf/{row['cert']}.chain.pem"


def check(row, level, *more):
    words = [PROGRAM, "cert", "check", "--json", "--level", level, *more]
    if row["crl"] != "-":
        words += ["--crl", f"{folder}/crl/{row['crl']}.pem"]
    run = subprocess.run([*words, "--store", f"{folder}/store/{row['store']}.pem", chain_of(row)],
                         capture_output=True, text=True)
    return run.returncode, run.stdout + run.stderr


def level_row(row):
    """One row at its seven levels; what was not as it should be."""
    wrong, reports = [], {}
    for level in LEVELS:
        more = ["--interface", row["iface"], "--peer", row["peer"], "--own", f"{folder}/leaf/own.pem"]
        if row["target"] != "-":
            more += ["--target", row["target"]]
        if level == "medium_legacy":
            more.append("--legacy-medium")
        status, text = check(row, "medium" if level == "medium_legacy" else level.replace("_", "-"), *more)
        want = {"A": 0, "R": 5}[row[level]]
        if status != want:
            wrong.append(f"{level}: exit status {status}, want {want}: {text}")
            continue
        reports[level] = json.loads(text)
        # A refusal names its first failed check (AVA-26), and its sentence has no word left open.
        if status == 5 and not (reports[level]["code"].startswith("RF-") and reports[level]["failed"]
                                and "?" not in reports[level]["sentence"] + reports[level]["fix"]):
            wrong.append(f"{level}: {text}")
    # What one level says of the others is what they say themselves.
    if row["iface"] != "phone":
        for level, report in reports.items():
            for other in LEVELS:
                told = report["would_pass"]["medium-legacy" if other == "medium_legacy" else other.replace("_", "-")]
                if told != (row[other] == "A") and not (level == "medium_legacy" and other == "medium"):
                    wrong.append(f"{level} says of {other}: {told}")
    return wrong


def device_row(row):
    status, text = check(row, "medium", "--interface", "provisioning", "--peer", "client", "--target", row["requested"])
    want = {"allow": 0, "deny": 5}[row["result"]]
    return [] if status == want else [f"exit status {status}, want {want}: {text}"]


rows, devices = certs.table("expected.tsv"), certs.table("devices.tsv")
with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
    for row, wrong in zip(rows, pool.map(level_row, rows)):
        about = next((i for start, i in IDS if row["id"].startswith(start)), "AVA-6")
        tap.ok(not wrong, f"{about} {row['id']}: {row['why']}", "\n".join(wrong))
    for row, wrong in zip(devices, pool.map(device_row, devices)):
        tap.ok(not wrong, f"IPC-17 {row['id']}: {row['why']}", "\n".join(wrong))
tap.equal((len(rows), len(devices)), (86, 31), "the tables are whole")

# What is no certificate is unusable input, and so is a question without its words.
OK = f"{folder}/leaf/ok.chain.pem"
STORE = f"{folder}/store/base.pem"
broken = os.path.join(folder, "broken.pem")
with open(broken, "w") as f:
    f.write(open(OK).read().replace("MII", "AAA", 1))
for words, why in [
        (["--level", "medium", "--store", STORE, broken], "a damaged chain"),
        (["--level", "medium", "--store", broken, OK], "a damaged store"),
        (["--level", "medium", "--store", STORE, "--crl", STORE, OK], "a list that is none"),
        (["--level", "medium", "--store", "/absent", OK], "no such store"),
        (["--level", "strict", "--store", STORE, OK], "no such level"),
        (["--level", "medium-remote", "--store", STORE, OK], "a remote level without a name"),
        (["--level", "medium", "--interface", "telnet", "--store", STORE, OK], "no such interface"),
        (["--level", "medium", "--at", "yesterday", "--store", STORE, OK], "no such time"),
        (["--level", "medium", "--store", STORE, f"{folder}/leaf/ok.key"], "a key instead of a chain")]:
    run = subprocess.run([PROGRAM, "cert", "check", *words], capture_output=True, text=True)
    tap.ok(run.returncode == 2 and "PRIVATE" not in run.stdout + run.stderr, f"exit status 2: {why}", run)
for at, want in (("2001-01-01T00:00:00Z", 5), ("2001-01-01T00:00:00.5+02:00", 5), ("2090-01-01T00:00:00-05:00", 5)):
    run = subprocess.run([PROGRAM, "cert", "check", "--level", "none", "--at", at, OK], capture_output=True, text=True)
    tap.equal(run.returncode, want, f"judged as of {at}")
run = subprocess.run([PROGRAM, "cert", "check", "--level", "medium", "--interface", "sip", "--peer", "client", "--store", STORE,
                      OK], capture_output=True, text=True)
lines = run.stdout.splitlines()
tap.ok(run.returncode == 0 and all(any(line.split()[:2] == [check, "pass"] for line in lines) for check in
       ("present", "in-date", "key-size", "signature", "chain", "key-usage", "extended-key-usage", "critical-extension",
        "self-signed", "reflected", "revoked")), "every check is printed with its result", run.stdout)
tap.ok(all(any(line.split()[:1] == [level] for line in lines) for level in
           ("none", "low", "medium", "high", "medium-remote", "high-remote")), "and every level with what it would say", run.stdout)
tap.done()
