#!/usr/bin/env python3
"""A damaged local authority stops nothing that does not need it: the daemon starts and says what is wrong, with code,
what it brings about and what to do; a good certificate of it is still shown; only a listener that has nothing to show is a
reason to refuse; and whoever it had revoked stays out, whatever was done to it. GEN-18.

# sanitizers: address
# takes long
"""
import json
import os
import shutil
import subprocess
import tempfile
import time

import tap
from daemon import RINGFENCE, Daemon, config
from pki import Cert, Shake, fingerprint

folder = tempfile.mkdtemp(prefix="ringfence-broken-ca-")
os.chmod(folder, 0o755)
root = Cert(folder, "root", "Test Root", kind="ca")
own = Cert(folder, "own", "own.test", root, san=["DNS:own.test"])


# --- an authority as a good start leaves it ---
first = Daemon(config(listen="tls:127.0.0.1:0"), start=False)
first.start()
first.stop()
GOOD = os.path.join(folder, "good")
shutil.copytree(os.path.join(first.state, "ca"), GOOD)
first.close()


def path(d, name):
    return os.path.join(d.state, "ca", name)


def cut(name, octets=40):
    def damage(d):
        with open(path(d, name), "r+b") as f:
            f.truncate(octets)
    return damage


def garbage(name):
    def damage(d):
        with open(path(d, name), "wb") as f:
            f.write(b"\0\xffnot what it was\n" * 9)
    return damage


def open_mode(name):
    return lambda d: os.chmod(path(d, name), 0o644)


def folder_there(name):
    def damage(d):
        os.unlink(path(d, name))
        os.mkdir(path(d, name))
    return damage


def gone(name):
    return lambda d: os.unlink(path(d, name))


def all_gone(d):
    shutil.rmtree(path(d, ""))
    with open(os.path.join(d.state, "ca"), "w") as f:
        f.write("a file where the folder was\n")


def both(*damages):
    def damage(d):
        for one in damages:
            one(d)
    return damage


def swapped(name, content):
    def damage(d):
        with open(path(d, name), "w") as f:
            f.write(content)
    return damage


# what was done to it, the code, what the sentence names, is its certificate still good?
KINDS = [
    ("issued cut off", cut("issued", 150), "RF-220", "issued:2", True),
    ("issued is garbage", garbage("issued"), "RF-220", "issued:1", True),
    ("issued is a folder", folder_there("issued"), "RF-220", "issued", True),
    ("urls is garbage", garbage("urls"), "RF-220", "urls:1", True),
    ("ca.pem cut off", cut("ca.pem"), "RF-220", "ca.pem", True),
    ("ca.pem is empty", cut("ca.pem", 0), "RF-220", "ca.pem", True),
    ("ca.pem is garbage", garbage("ca.pem"), "RF-220", "ca.pem", True),
    ("ca.pem is a folder", folder_there("ca.pem"), "RF-220", "ca.pem", True),
    ("ca.key is garbage", garbage("ca.key"), "RF-220", "ca.key", True),
    ("ca.key is gone", gone("ca.key"), "RF-220", "ca.key", True),
    ("ca.key may be read by others", open_mode("ca.key"), "RF-809", "ca.key", True),
    ("server.key may be read by others", open_mode("server.key"), "RF-809", "server.key", False),
    ("issued and server.pem are garbage", both(garbage("issued"), garbage("server.pem")), "RF-220", "issued:1", False),
    ("ca.pem is gone", gone("ca.pem"), "RF-220", "ca.pem", True),
    ("ca.pem is another root", swapped("ca.pem", root.pem), "RF-220", "ca.pem", True),
    ("the folder is a file", all_gone, "RF-220", "/ca", False),
]


def problem_of(d):
    status = d.cli("status", json_out=True)[0]
    return (status["problems"] or [{}])[0]


def start(text, damage):
    """A daemon on a damaged authority; None instead of ports when it did not start."""
    d = Daemon(text, start=False)
    os.makedirs(d.state, 0o700)
    shutil.copytree(GOOD, os.path.join(d.state, "ca"))
    damage(d)
    d.start(wait=False)
    d.ready = d.wait_event("daemon.ready", 20)
    if d.ready is not None:
        for item in d.ready["listen"]:
            scheme, rest = item.split(":", 1)
            d.ports[scheme] = ("127.0.0.1", int(rest.rsplit(":", 1)[1]))
    return d


OWN = f"certificate own {{\n    chain file:{own.chain()}\n    key file:{own.key}\n}}\n"
NEEDS_NOT = config(listen="udp:127.0.0.1:0 tls:127.0.0.1:0", sip="certificate own") + OWN
NEEDS = config(listen="tls:127.0.0.1:0")
leaf = fingerprint(open(os.path.join(GOOD, "server.pem")).read())

for what, damage, code, named, is_good in KINDS:
    # --- no listener shows its certificate ---
    with start(NEEDS_NOT, damage) as d:
        tap.ok(d.ready is not None, f"{what}: who shows certificates of his own starts", d.log_text()[-1500:])
        if d.ready is None:
            continue
        shown = Shake(d.ports["tls"], "-CAfile", root.path).served
        tap.ok(shown and fingerprint(shown[0]) == own.sha256, f"{what}: and serves with his own")
        event = d.wait_event("ca.damaged", 5)
        tap.ok(event and event["level"] == "error" and event["code"] == code and named in event["msg"] and event["effect"] and
               event["fix"], f"{what}: the log has {code}, the file, the effect and the fix", event)
        p = problem_of(d)
        tap.ok(p.get("code") == code and named in p.get("sentence", "") and p.get("effect") and p.get("fix") and
               f"{code}  " in d.cli("status")[1], f"{what}: so has status", p)
        status, out, err = d.cli("doctor")
        rows = [line for line in out.splitlines() if "local authority" in line]
        tap.ok(status == 5 and rows and "FAIL" in rows[0] and code in rows[0] and named in rows[0], f"{what}: so has doctor", out)
        status, out, err = d.cli("cert", "renew", "local")
        tap.ok(status != 0 and code in err and named in err, f"{what}: cert renew is refused with it", (status, out, err))
        tap.equal(d.cli("reload")[0], 0, f"{what}: other changes are taken")
    # --- the listener shows it ---
    with start(NEEDS, damage) as d:
        if is_good:
            shown = Shake(d.ports["tls"], "-CAfile", os.path.join(GOOD, "ca.pem")).served if d.ready else []
            tap.ok(shown and fingerprint(shown[0]) == leaf, f"{what}: the good certificate is shown on", d.log_text()[-1500:])
        else:
            refused = [e for e in d.events() if e.get("event") == "refused" and e.get("code") == code]
            tap.ok(d.ready is None and refused and named in refused[0]["msg"] and refused[0].get("fix"),
                   f"{what}: a listener without a certificate is refused, with file and fix", d.log_text()[-1500:])
            d.process.wait(20)
            status, out, err = d.cli("doctor")
            tap.ok(status == 5 and named in out, f"{what}: doctor says so without a daemon, too", out)

# --- whom it revoked stays out ---
# A state directory of its own, in which a certificate was revoked before the damage.
issuing = os.path.join(folder, "issuing")
os.mkdir(issuing, 0o700)
shutil.copytree(GOOD, os.path.join(issuing, "ca"))
for words in (["issue", "thief.test", "--client"], ["issue", "phone.test", "--client"], ["revoke", "thief.test", "--yes"]):
    subprocess.run([RINGFENCE, "ca", *words, *(["--out", folder] if words[0] == "issue" else []), "--state", issuing],
                   check=True, capture_output=True)
foreign = os.path.join(folder, "foreign")
os.mkdir(foreign, 0o700)
subprocess.run([RINGFENCE, "ca", "init", "--state", foreign], check=True, capture_output=True)
foreign_list = subprocess.run([RINGFENCE, "ca", "export", "--crl", "--state", foreign], check=True, capture_output=True,
                              text=True).stdout
GOOD = os.path.join(issuing, "ca")
ASKS = config(listen="tls:127.0.0.1:0", sip="client-certificate required")


def comes_in(d, name):
    shake = Shake(d.ports["tls"], "-cert", os.path.join(folder, name + ".pem"), "-key", os.path.join(folder, name + ".key"))
    return shake.ok and "\r\n" in shake.text


no_records = garbage("issued")
# what was done, and does a certificate that nobody revoked still come in?
LISTS = [
    ("nothing was done", lambda d: None, True),
    ("issued is empty", cut("issued", 0), True),
    ("issued is garbage", no_records, True),
    ("ca.crl is gone", gone("ca.crl"), True),
    ("ca.crl is another authority's", swapped("ca.crl", foreign_list), True),
    ("issued is garbage, ca.crl is gone", both(no_records, gone("ca.crl")), False),
    ("issued is garbage, ca.crl is empty", both(no_records, cut("ca.crl", 0)), False),
    ("issued is garbage, ca.crl is cut off", both(no_records, cut("ca.crl", 200)), False),
    ("issued is garbage, ca.crl is a copy of ca.pem",
     both(no_records, swapped("ca.crl", open(os.path.join(GOOD, "ca.pem")).read())), False),
    ("issued is garbage, ca.crl is another authority's", both(no_records, swapped("ca.crl", foreign_list)), False),
    ("issued is garbage, ca.pem is another authority's",
     both(no_records, swapped("ca.pem", open(os.path.join(foreign, "ca", "ca.pem")).read())), False),
]
for what, damage, others in LISTS:
    for when in ("before the start", "while it runs"):
        with start(ASKS, damage if when == "before the start" else lambda d: None) as d:
            if when == "while it runs":
                damage(d)
                d.cli("reload")
            came = [comes_in(d, name) for name in ("thief.test", "phone.test")] if d.ready else None
            tap.ok(came == [False, others], f"GEN-18 {what} {when}: who was revoked stays out", f"{came} {d.log_text()[-1500:]}")

# --- mended while it runs ---
with start(NEEDS_NOT, garbage("issued")) as d:
    shutil.copy(os.path.join(GOOD, "issued"), path(d, "issued"))
    deadline = time.time() + 20
    while problem_of(d) and time.time() < deadline:
        time.sleep(0.3)
    tap.equal(problem_of(d), {}, "a file that was put back is read by itself, and the problem is over")
    # --- and broken while it runs: what runs stays, a listener that needs it is refused ---
    for name in ("server.pem", "issued"):
        garbage(name)(d)
    tap.equal(d.cli("reload")[0], 0, "broken under a running daemon that does not need it")
    text = open(d.file).read().replace("certificate own\n", "\n")
    with open(d.file, "w") as f:
        f.write(text)
    status, out, err = d.cli("reload")
    tap.ok(status == 3 and "RF-220" in err and "issued:1" in err and "  fix " in err,
           "a change that would need it is refused, with file and fix", (status, out, err))
    tap.ok(fingerprint(Shake(d.ports["tls"]).served[0]) == own.sha256, "what runs stays")

shutil.rmtree(folder)
tap.done()
