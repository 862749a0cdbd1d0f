#!/usr/bin/env python3
"""Secrets that are in nobody's way but theirs: sealed in the database by a key beside it, never in logs, records, exports
or answers; a key that is changed while phones are signed in, killed in the middle, or missing.

# sanitizers: address thread
"""
import base64
import hashlib
import json
import os
import random
import re
import shutil
import socket
import subprocess
import threading
import time

import sip
import tap
from daemon import DOMAIN, RINGFENCE, Daemon

KNOWN = {"user 301": "quartz-harbour-52", "connection": "velvet-anchor-17", "literal in the layer": "copper-fjord-88",
         "changed": "linen-orchard-64", "in the file": "tidal-copper-41"}
LAYER = """user 302 {{
    password {literal}
    srtp off
    require-tls off
}}
user 304 {{
    password secret:plain
    srtp off
    require-tls off
}}
sip-connection carrier {{
    type credential
    side customer
    server sip.carrier.test
    username ring
    password secret:carrier-main
}}
"""


def needles():
    """Each secret in the forms in which it could lie somewhere: itself, in base64, and what digests make of it."""
    found = {}
    for what, secret in KNOWN.items():
        found[what] = secret.encode()
        found[what + ", base64"] = base64.b64encode(secret.encode()).rstrip(b"=")[:-1]
        for user in ("301", "302", "304", "201", "ring"):
            for name in ("md5", "sha256", "sha512_256"):
                ha1 = hashlib.new(name, f"{user}:{DOMAIN}:{secret}".encode())
                found[f"{what}, {name} of {user}"] = ha1.digest()
                found[f"{what}, {name} of {user} in hexadecimal"] = ha1.hexdigest().encode()
    return found


def lies_in(octets, where):
    return [f"{what} in {where}" for what, n in needles().items() if n in octets]


def files_of(state):
    for folder, _, names in os.walk(state):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                yield path


def memory_of(pid):
    """What a process may write to, as far as root may look."""
    parts = []
    with open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in open(f"/proc/{pid}/maps"):
            start, end = (int(x, 16) for x in line.split()[0].split("-"))
            if line.split()[1].startswith("rw") and end - start < 1 << 28 and "[v" not in line:
                try:
                    mem.seek(start)
                    parts.append(mem.read(end - start))
                except (OSError, ValueError):
                    pass
    return b"".join(parts)


def control(state, request):
    s = socket.socket(socket.AF_UNIX)
    s.connect(os.path.join(state, "control.sock"))
    s.sendall(json.dumps(request).encode() + b"\n")
    answer = b""
    while not answer.endswith(b"\n"):
        part = s.recv(65536)
        if not part:
            break
        answer += part
    s.close()
    return answer


def rotate_until_killed(state, done, i):
    """One rotation after another, counted in done[i], until the daemon is no more."""
    for _ in range(1000):
        if subprocess.run([RINGFENCE, "secret", "rotate", "--state", state], capture_output=True).returncode != 0:
            return
        done[i] += 1


def signs_in(daemon, user, password):
    end = sip.Endpoint("tcp", daemon.ports["tcp"])
    reply = end.register(user, password, DOMAIN, expires=0)
    end.close()
    return reply is not None and reply.status == 200


def wrong_call(daemon, user, password):
    end = sip.Endpoint("tcp", daemon.ports["tcp"])
    for _ in sip.call(end, user, password, DOMAIN, "999", sip.sdp("127.0.0.1", 40000)):
        pass
    end.close()


def key_of(daemon):
    return open(os.path.join(daemon.state, "secret.key")).read()


with Daemon(users={"201": KNOWN["in the file"]}, srtp={"201": "off"}) as daemon:
    path = os.path.join(daemon.state, "secret.key")
    first = key_of(daemon)
    tap.ok(os.stat(path).st_mode & 0o777 == 0o600 and re.fullmatch(r"ringfence secret key 1\n[0-9a-f]{16} [0-9a-f]{64}\n", first),
           "the first start makes a key file of mode 0600", oct(os.stat(path).st_mode))

    outputs = b""

    def run(*words, stdin=None, want=0):
        global outputs
        p = subprocess.run([RINGFENCE, *words, "--state", daemon.state], input=stdin, capture_output=True, text=True)
        outputs += (p.stdout + p.stderr).encode()
        tap.ok(p.returncode == want, "ringfence " + " ".join(words) + (f": exit {want}" if want else ""),
               f"{p.returncode} {p.stdout} {p.stderr}")
        return p

    run("user", "add", "301", "--srtp", "off", "--require-tls", "off", stdin=KNOWN["user 301"] + "\n")
    run("secret", "add", "carrier-main", stdin=KNOWN["connection"] + "\n")
    run("secret", "add", "plain", stdin="first-value-20\n")
    run("secret", "add", "spare", stdin="spare-value-33\n")
    run("secret", "add", "spare", stdin="spare-value-34\n", want=1)
    run("secret", "add", "system-tls-tickets", stdin="mine\n", want=2)
    run("secret", "add", "two words", stdin="mine\n", want=2)
    run("secret", "set", "nobody", stdin="mine\n", want=1)
    layer = os.path.join(daemon.folder, "layer.conf")
    exported = run("config", "export").stdout
    with open(layer, "w") as f:
        f.write(exported + LAYER.format(literal=KNOWN["literal in the layer"]))
    run("config", "load", layer, "--yes")
    os.unlink(layer)
    tap.ok(signs_in(daemon, "301", KNOWN["user 301"]) and signs_in(daemon, "302", KNOWN["literal in the layer"])
           and signs_in(daemon, "304", "first-value-20"), "users sign in: by a verifier, a literal and a secret")
    run("secret", "set", "plain", stdin=KNOWN["changed"] + "\n")
    tap.ok(signs_in(daemon, "304", KNOWN["changed"]) and not signs_in(daemon, "304", "first-value-20"),
           "a secret that is set anew is in force at once")
    p = run("secret", "remove", "carrier-main", "--yes", want=1)
    tap.ok("sip-connection.carrier.password" in p.stderr, "a secret that is needed stays, and its setting is named", p.stderr)
    run("secret", "remove", "spare", "--yes")
    rows = {r["name"]: r for r in daemon.cli("secret", "list", json_out=True)}
    tap.ok(rows["carrier-main"]["used_by"] == ["sip-connection.carrier.password"] and "spare" not in rows
           and rows["user-301"]["used_by"] == ["user.301.password"] and rows["plain"]["key"] in first
           and all(set(r) == {"name", "key", "used_by"} for r in rows.values()),
           "secret list: names, what needs them, by which key they are sealed, and nothing else", rows)

    wrong_call(daemon, "301", KNOWN["user 301"])
    wrong_call(daemon, "301", KNOWN["changed"])
    time.sleep(0.5)
    for words in (("config", "export"), ("config", "show"), ("config", "history"), ("user",), ("secret",), ("status",),
                  ("connection",), ("connection", "show", "carrier"), ("calls", "--ended", "--csv"), ("calls", "--ended"),
                  ("registrations",), ("get", "user.302.password"), ("ladder",), ("call", "show"), ("log",)):
        for more in ((), ("--json",)):
            p = subprocess.run([RINGFENCE, *words, *more, "--state", daemon.state], capture_output=True)
            outputs += p.stdout + p.stderr
    for command in ("config.show", "config.export", "config.history", "user.list", "secret.list", "calls.ended", "status"):
        outputs += control(daemon.state, {"command": command})
    outputs += control(daemon.state, {"command": "secret.show", "name": "plain"})
    outputs += control(daemon.state, {"command": "config.get", "name": "sip-connection.carrier.password"})
    tap.equal(lies_in(outputs, "what commands say"), [], "no command and no answer of the control socket has a secret")
    tap.equal(lies_in(daemon.log_text().encode(), "the log"), [], "nor has the log")
    here = [w for f in files_of(daemon.state) for w in lies_in(open(f, "rb").read(), f)]
    tap.equal(here, [], "nor any file of the state directory while it runs: database, log of it, log file")

    if os.geteuid() == 0:
        for name, pid in [("parent", daemon.process.pid), *daemon.children().items()]:
            octets = memory_of(pid)
            # signal needs the connection's password to sign in with it, so it must be found there: the look works.
            tap.ok(KNOWN["user 301"].encode() not in octets and (KNOWN["connection"].encode() in octets) == (name == "signal"),
                   f"the password that `user add` brought is in no memory of {name}, that of a connection only where it is used")

    p = run("secret", "rotate")
    second = key_of(daemon)
    tap.ok(second != first and len(second.splitlines()) == 2 and rows["plain"]["key"] not in second,
           "after a rotation there is another key, and the old one is gone")
    tap.ok(signs_in(daemon, "301", KNOWN["user 301"]) and signs_in(daemon, "304", KNOWN["changed"]),
           "and users sign in")
    run("reload")
    tap.ok(signs_in(daemon, "301", KNOWN["user 301"]), "also after a reload")

    good = rotations = 0
    for n in range(8):
        done = [0] * 3
        rotating = [threading.Thread(target=rotate_until_killed, args=(daemon.state, done, i)) for i in range(len(done))]
        for thread in rotating:
            thread.start()
        while not any(done) and any(thread.is_alive() for thread in rotating):
            time.sleep(0.001)
        time.sleep(random.uniform(0, 0.03))
        daemon.kill()
        for thread in rotating:
            thread.join()
        rotations += sum(done)
        daemon.start()
        good += signs_in(daemon, "301", KNOWN["user 301"]) and signs_in(daemon, "304", KNOWN["changed"]) and \
            len(key_of(daemon).splitlines()) == 2
    tap.equal(good, 8, f"kill -9 amid rotations that never cease, 8 times: all secrets are there ({rotations} rotations)")

    tap.ok(daemon.stop(), "it stops")
    here = [w for f in files_of(daemon.state) for w in lies_in(open(f, "rb").read(), f)]
    tap.equal(here, [], "no file has a secret after the stop")

    database = os.path.join(daemon.state, "ringfence.db")
    away = os.path.join(daemon.folder, "away")
    octets = open(database, "rb").read()
    shutil.move(path, away)
    p = subprocess.run([RINGFENCE, "run", "--config", daemon.file, "--state", daemon.state], capture_output=True, text=True,
                       timeout=30)
    tap.ok(p.returncode != 0 and "RF-813" in p.stderr and "secret.key" in p.stderr and not os.path.exists(path),
           "without its key file it does not start: RF-813, which names the file; no new key is made", p.stderr)
    tap.ok(open(database, "rb").read() == octets, "and the database is as it was")
    shutil.copy2(away, path)
    os.chmod(path, 0o644)
    p = subprocess.run([RINGFENCE, "run", "--config", daemon.file, "--state", daemon.state], capture_output=True, text=True,
                       timeout=30)
    tap.ok(p.returncode != 0 and "RF-809" in p.stderr and "chmod 600" in p.stderr, "a key file that others may read: RF-809",
           p.stderr)
    os.chmod(path, 0o600)
    if os.geteuid() == 0:
        owner = os.stat(database)
        os.chown(path, owner.st_uid, owner.st_gid)
    daemon.start()
    tap.ok(signs_in(daemon, "301", KNOWN["user 301"]) and signs_in(daemon, "302", KNOWN["literal in the layer"]),
           "with the key file back nothing was lost")
tap.done()
