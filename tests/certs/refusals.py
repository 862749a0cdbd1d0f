#!/usr/bin/env python3
"""Every refusal of cert add, trust, untrust, pin, revoke and of ca init, issue, revoke, export has a code of the catalogue, a
sentence with the party and the value that decided, and something to do. GEN-18, GEN-19, AVA-26, IPC-29.

# sanitizers: address
"""
import json
import os
import re
import subprocess
import tempfile

import tap
from daemon import RINGFENCE, Daemon, config
from pki import Cert

folder = tempfile.mkdtemp(prefix="ringfence-refusals-")
os.chmod(folder, 0o755)
root = Cert(folder, "root", "Test Root", kind="ca")
own = Cert(folder, "own", "own.test", root, san=["DNS:own.test"])
other = Cert(folder, "other", "other.test", root, san=["DNS:other.test"])
open_key = os.path.join(folder, "open.key")
with open(open_key, "w") as f:
    f.write(open(own.key).read())
os.chmod(open_key, 0o644)


def file(name, content):
    path = os.path.join(folder, name)
    with open(path, "wb") as f:
        f.write(content)
    os.chmod(path, 0o600)
    return path


garbage = file("garbage.pem", b"no certificate at all\n")
octets = file("octets.pem", b"\xff\xfe\x00\x01")
cut = file("cut.pem", open(own.path, "rb").read()[:-60])
many = file("many.pem", root.pem.encode() * 17)
deep = file("deep.pem", open(own.path, "rb").read() + root.pem.encode() * 10)
nowhere = os.path.join(folder, "nowhere.pem")
blocked = os.path.join(folder, "blocked")
os.mkdir(blocked)
with open(os.path.join(blocked, "ca.pem"), "w") as f:
    f.write(root.pem)
NO_PIN = "ab" * 32

# words, exit status, code, what the sentence names
NO_DAEMON = [
    (["ca", "issue"], 2, "RF-814", "ca issue"),
    (["ca", "issue", "a", "b"], 2, "RF-814", "ca issue"),
    (["ca", "issue", "x.test", "--dayz", "3"], 2, "RF-814", "--dayz"),
    (["ca", "isue", "x.test"], 2, "RF-814", "isue"),
    (["ca", "issue", "x.test", "--days", "0"], 2, "RF-814", '"0"'),
    (["ca", "issue", "x.test", "--days", "ten"], 2, "RF-814", '"ten"'),
    (["ca", "issue", "x.test", "--key", "dsa"], 2, "RF-814", '"dsa"'),
    (["ca", "issue", "x.test", "--client", "--server"], 2, "RF-814", "--client"),
    (["ca", "issue", "../x"], 2, "RF-814", '"../x"'),
    (["ca", "issue", "ca"], 2, "RF-814", '"ca"'),
    (["ca", "issue", "x.test", "--name", "sip:x.test:5061"], 2, "RF-814", '"sip:x.test:5061"'),
    (["ca", "issue", "x.test", "--out", nowhere], 1, "RF-815", nowhere),
    (["ca", "issue", "x.test", "--out", garbage], 1, "RF-815", garbage),
    (["ca", "issue", "x.test", "--out", blocked], 1, "RF-223", f"{blocked}/ca.pem"),
    (["ca", "issue", "x.test", "--out", "STATE/ca"], 2, "RF-814", "--out"),
    (["ca", "issue", "twice.test", "--out", folder], 2, "RF-814", "twice.test.pem"),
    (["ca", "init", "--name", "*"], 2, "RF-814", "1 to 64"),
    (["ca", "init", "--name", "Another"], 1, "RF-223", "CN=ringfence local CA"),
    (["ca", "init", "--key", "rsa"], 1, "RF-223", "EC P-256"),
    (["ca", "init", "--key", "md5"], 2, "RF-814", '"md5"'),
    (["ca", "init", "--days", "-1"], 2, "RF-814", '"-1"'),
    (["ca", "init", "--crl-url", "https://x.test/"], 2, "RF-814", "http://"),
    (["ca", "revoke", "nobody.test", "--yes"], 1, "RF-222", "nobody.test"),
    (["ca", "revoke", "twin.test", "--yes"], 2, "RF-222", "twin.test"),
    (["ca", "revoke", "gone.test", "--yes"], 1, "RF-223", "gone.test"),
    (["ca", "revoke", "twin.test"], 2, "RF-814", "twin.test"),
    (["ca", "revoke", "twin.test", "--reason", "bored", "--yes"], 2, "RF-814", '"bored"'),
    (["ca", "revoke"], 2, "RF-814", "ca revoke"),
    (["ca", "export", "--root", "--crl"], 2, "RF-814", "--crl"),
    (["ca", "export", "--out", f"{folder}/"], 2, "RF-814", "--out"),
    (["ca", "export", "--out", f"{nowhere}/x"], 1, "RF-815", nowhere),
    (["ca", "export", "--out", f"{garbage}/x"], 1, "RF-815", garbage),
    (["cert", "add", "x", own.path, own.key], 4, "RF-816", "STATE"),
    (["cert", "trust", root.path, "--yes"], 4, "RF-816", "STATE"),
    (["cert", "untrust", NO_PIN], 4, "RF-816", "STATE"),
    (["cert", "pin", "https", NO_PIN], 4, "RF-816", "STATE"),
    (["cert", "revoke", "x", "--yes"], 4, "RF-816", "STATE"),
]
NO_AUTHORITY = [
    (["ca", "revoke", "x", "--yes"], 1, "RF-222", "STATE/ca"),
    (["ca", "export", "--root"], 1, "RF-222", "STATE/ca"),
    (["ca", "export", "--crl"], 1, "RF-222", "STATE/ca"),
]
BROKEN = [
    (["ca", "init"], 1, "RF-220", "issued:1"),
    (["ca", "issue", "x.test", "--out", folder], 1, "RF-220", "issued:1"),
    (["ca", "revoke", "x.test", "--yes"], 1, "RF-220", "issued:1"),
    (["ca", "export", "--crl"], 1, "RF-220", "issued:1"),
]
RUNNING = [
    (["cert", "export", "local", "--out", f"{nowhere}/x"], 1, "RF-815", nowhere),
    (["tls", "devices", "--level", "nothing"], 2, "RF-814", "level"),
    (["cert", "add", "x", own.path], 2, "RF-814", "cert add"),
    (["cert", "add", "x", own.path, own.key, own.path], 2, "RF-814", "3 files"),
    (["cert", "add", "local", own.path, own.key], 2, "RF-814", '"local"'),
    (["cert", "add", "a/b", own.path, own.key], 2, "RF-814", '"a/b"'),
    (["cert", "add", "x", nowhere, own.key], 2, "RF-221", nowhere),
    (["cert", "add", "x", own.path, nowhere], 2, "RF-221", nowhere),
    (["cert", "add", "x", garbage, own.key], 2, "RF-221", garbage),
    (["cert", "add", "x", own.path, garbage], 2, "RF-221", garbage),
    (["cert", "add", "x", cut, own.key], 2, "RF-221", cut),
    (["cert", "add", "x", deep, own.key], 2, "RF-221", "11 certificates, 10"),
    (["cert", "add", "x", folder, own.key], 2, "RF-221", folder),
    (["cert", "add", "x", own.path, other.key], 2, "RF-219", own.path),
    (["cert", "add", "x", own.path, open_key], 2, "RF-809", open_key),
    (["cert", "add", "x", own.path, own.key, "--for", "nothing"], 2, "RF-814", "nothing"),
    (["cert", "add", "pinned", own.path, own.key], 7, "RF-810", "certificate.pinned.chain"),
    (["cert", "add", "x", own.path, own.key, "--for", "sip-phones"], 7, "RF-810", "sip"),
    (["cert", "trust", nowhere, "--yes"], 2, "RF-221", nowhere),
    (["cert", "trust", garbage, "--yes"], 2, "RF-221", garbage),
    (["cert", "trust", octets, "--yes"], 2, "RF-221", octets),
    (["cert", "trust", cut, "--yes"], 2, "RF-221", cut),
    (["cert", "trust", many, "--yes"], 2, "RF-221", many),
    (["cert", "trust", root.path, "--for", "phones", "--yes"], 2, "RF-814", "phones"),
    (["cert", "trust", root.path], 2, "RF-814", "Trust it?"),
    (["cert", "trust", "99", "--yes"], 2, "RF-222", "event 99"),
    (["cert", "trust", "last", "--authority", "--yes"], 2, "RF-222", "event last"),
    (["cert", "untrust", NO_PIN], 2, "RF-222", NO_PIN),
    (["cert", "untrust", NO_PIN, "--for", "https"], 2, "RF-222", "https"),
    (["cert", "pin", "https", NO_PIN], 2, "RF-222", NO_PIN),
    (["cert", "pin", "https", "abcd"], 2, "RF-222", "abcd"),
    (["cert", "pin", "phones", root.sha256], 2, "RF-814", "phones"),
    (["cert", "pin", "https"], 2, "RF-814", "cert pin"),
    (["cert", "revoke", "nobody", "--yes"], 1, "RF-222", "nobody"),
    (["cert", "revoke", "pinned"], 2, "RF-814", "Revoke this certificate?"),
]


def table(rows, state, when):
    known = subprocess.run([RINGFENCE, "explain", "RF-814"], capture_output=True, text=True).returncode == 0
    tap.ok(known, f"{when}: explain knows the code")
    for words, status, code, named in rows:
        words = [w.replace("STATE", state) for w in words]
        named = named.replace("STATE", state)
        args = [RINGFENCE, *words, "--state", state]
        run = subprocess.run(args, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
        lines = [line for line in run.stderr.splitlines() if line.startswith("error ")]
        fix = re.search(r"^  fix +(\S.*)$", run.stderr, re.M)
        good = run.returncode == status and len(lines) == 1 and lines[0].startswith(f"error {code}  ") and named in lines[0]
        good = good and fix is not None and "{" not in fix.group(1) and "?" != fix.group(1)
        short = " ".join(os.path.basename(w) if "/" in w else w for w in words)
        tap.ok(good, f"{when}: {short}: {code}, {status}, the fact and a fix", f"exit {run.returncode}\n{run.stderr}{run.stdout}")
        run = subprocess.run([*args, "--json"], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
        try:
            said = json.loads(run.stderr.splitlines()[-1])
        except (ValueError, IndexError):
            said = {}
        tap.ok(said.get("code") == code and said.get("fix") and named in said.get("error", ""), f"{when}: {short}: in JSON, too",
               run.stderr)


state = os.path.join(folder, "state")
table(NO_AUTHORITY, state, "no authority")
for words in (["init"], ["issue", "twin.test"], ["issue", "gone.test"], ["issue", "twice.test"], ["revoke", "gone.test"],
              ["issue", "twin.test"]):
    p = subprocess.run([RINGFENCE, "ca", *words, "--state", state, *(["--out", folder] if words[0] == "issue" else []), "--yes"],
                       capture_output=True, text=True)
    tap.ok(p.returncode == 0, f"ca {' '.join(words)}", p.stderr)
table(NO_DAEMON, state, "no daemon")

with open(os.path.join(state, "ca", "issued"), "w") as f:
    f.write("nonsense\n")
table(BROKEN, state, "a damaged authority")
file("state/ca/issued", b"")
os.chmod(os.path.join(state, "ca", "ca.key"), 0o644)
table([(["ca", "init"], 1, "RF-809", "ca.key")], state, "an open key")

# A root that is the daemon's user is not stopped by modes; another user is.
if os.geteuid() == 0:
    os.chmod(os.path.join(state, "ca", "ca.key"), 0o600)
    os.chmod(state, 0o755)
    for words in (["init"], ["issue", "y.test", "--out", "/tmp"], ["export", "--crl"]):
        p = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", RINGFENCE, "ca", *words, "--state", state],
                           capture_output=True, text=True)
        tap.ok(p.returncode == 7 and "RF-815" in p.stderr and "  fix " in p.stderr, f"ca {words[0]} as somebody else: RF-815, exit 7",
               p.stderr)

text = config(sip="certificate pinned") \
    + f"certificate pinned {{\n    chain file:{own.chain()}\n    key file:{own.key}\n}}\n"
with Daemon(text) as daemon:
    table(RUNNING, daemon.state, "running")
    # The disk of the certificates' folder: what is wrong with it is said, not what was wrong before.
    certs = os.path.join(daemon.state, "certs")
    if os.path.isdir(certs):
        os.rename(certs, certs + ".away")
    with open(certs, "w") as f:
        f.write("a file\n")
    table([(["cert", "add", "y", own.path, own.key], 1, "RF-815", f"{certs}: Not a directory")], daemon.state, "no folder")
tap.done()
