#!/usr/bin/env python3
"""What the children may not do, and what nobody gets to read: no root, no new privileges, seccomp, no core files with
keys; no password, key or digest response in the log, on stderr, in answers or in call records.

# sanitizers: address
"""
import base64
import os
import re
import secrets
import socket
import stat
import time

import sip
import tap
from daemon import DOMAIN, Daemon

USERS = {"203": "salt-river-08-" + secrets.token_hex(4), "204": "moss-wheel-55-" + secrets.token_hex(4)}
MORE = "security {\n    strict-keys off\n}\nlog {\n    level debug\n}\n"


def status_of(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def secret_sdp(port, key):
    return sip.sdp("127.0.0.1", port, "RTP/SAVP", f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n")


with Daemon(users=USERS, srtp={"203": "required", "204": "required"}, more=MORE) as daemon:
    sanitized = os.environ.get("RF_VARIANT", "plain") != "plain"
    for name, pid in daemon.children().items():
        s = status_of(pid)
        if os.geteuid() == 0:
            tap.ok("0" not in s["Uid"].split() and "0" not in s["Gid"].split(), f"{name} is not root", s["Uid"] + s["Gid"])
            tap.equal(s.get("Groups", "").split(), [], f"{name} is in no other group")
        for which in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            tap.equal(int(s[which], 16), 0, f"{name}: {which} is empty")
        tap.equal(s["NoNewPrivs"], "1", f"{name}: no new privileges")
        tap.equal(s["Seccomp"], "2", f"{name}: seccomp filters")
        with open(f"/proc/{pid}/limits") as f:
            core = next(line for line in f if line.startswith("Max core file size"))
        tap.equal(core.split()[4], "0", f"{name}: no core file")
        with open(f"/proc/{pid}/environ", "rb") as f:
            tap.ok(b"PASS" not in f.read().upper(), f"{name}: no password in its environment")
        held = [os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")]
        if name == "media":
            files = [t for t in held if t.startswith("/") and not t.startswith(("/dev/null", "/memfd:")) and "log.jsonl" not in t
                     and t != daemon.err_path]
            tap.equal(files, [], "media holds no file but the log")
    for folder, _, names in os.walk(daemon.state):
        for n in names:
            path = os.path.join(folder, n)
            mode = os.lstat(path).st_mode
            if not stat.S_ISSOCK(mode):
                tap.ok(mode & 0o007 == 0 or n.endswith((".pem", ".crt", ".crl")), f"{n} is closed to others", oct(mode))

    # --- a call with keys and passwords that can be looked for ---
    keys = [base64.b64encode(os.urandom(30)).decode() for _ in range(2)]
    a, b = (sip.Endpoint("tls", daemon.ports["tls"]) for _ in range(2))
    responses = []
    for end, user in ((a, "203"), (b, "204")):
        sent, send = [], end.send
        end.send = lambda octets, send=send, sent=sent: (sent.append(octets), send(octets))
        end.register(user, USERS[user], DOMAIN)
        responses += re.findall(r'response="([0-9a-f]+)"', "".join(map(str, sent)))
    calling = sip.call(a, "203", USERS["203"], DOMAIN, "204", secret_sdp(40000, keys[0]))
    first = next(calling)
    invite = b.wait(lambda m: m.method == "INVITE", 5)
    tag = sip.token(4)
    b.reply(invite, 200, "OK", tag, [f"Contact: {b.contact('204')}"], secret_sdp(42000, keys[1]).replace(
        "crypto:1 AES_CM_128_HMAC_SHA1_80", re.search(rb"crypto:(\d+ AES_CM_128_HMAC_SHA1_80)", invite.body).group(0).decode()))
    last = first
    while last is not None and last.status < 200:
        last = next(calling, None)
    tap.ok(last is not None and last.status == 200, "a call with SRTP on both legs", last and last.start)
    ours = re.findall(r"inline:([A-Za-z0-9+/=]+)", invite.text + last.text)
    tap.ok(len(ours) >= 2, "our keys went out in its descriptions", ours)
    dialog = sip.Dialog.of_caller(a, last)
    dialog.ack()
    time.sleep(0.5)
    said = daemon.cli("calls")[1] + daemon.cli("call", "show", "last")[1] + daemon.cli("call", "show", "last", "--json")[1]
    a_wrong = sip.Endpoint("udp", daemon.ports["udp"])
    a_wrong.register("203", "a-wrong-password-77", DOMAIN)
    # Broken descriptions and broken credentials: the log says what was wrong with them.
    e = sip.Endpoint("tls", daemon.ports["tls"])
    for body in (secret_sdp(40000, keys[0][:-8]), secret_sdp(40000, keys[0]).replace("AES_CM_128_HMAC_SHA1_80 inline", "F8 inline"),
                 secret_sdp(40000, keys[0]) + f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{keys[1]}\r\n"):
        for _ in sip.call(e, "203", USERS["203"], DOMAIN, "204", body, 3):
            pass
    dialog.request("BYE")
    bye = b.wait(lambda m: m.method == "BYE", 5)
    if bye is not None:
        b.reply(bye, 200, "OK")
    time.sleep(0.5)
    said += daemon.cli("ladder", "last", "--json")[1] + daemon.cli("log")[1] + daemon.cli("config", "show")[1] \
        + daemon.cli("config", "export")[1] + daemon.cli("user", "list", "--json")[1] + daemon.cli("status", "--json")[1] \
        + daemon.cli("registrations", "--json")[1]
    said += daemon.log_text() + open(os.path.join(daemon.state, "log.jsonl")).read()
    tap.ok(len(said) > 5000, "there is something to look through", len(said))
    for what, words in (("password", [*USERS.values(), "a-wrong-password-77"]), ("SRTP key", [k[:16] for k in keys + ours]),
                        ("digest response", responses)):
        found = [w for w in words if w in said]
        tap.equal(found, [], f"no {what} is in log, stderr, answers or records")
    # The store has verifiers and records, never the passwords; keys of SRTP are in memory alone.
    octets = b""
    for n in os.listdir(daemon.state):
        path = os.path.join(daemon.state, n)
        if os.path.isfile(path) and not n.startswith("log"):
            octets += open(path, "rb").read()
    raw = [base64.b64decode(k) for k in keys + ours if len(k) % 4 == 0]
    tap.ok(all(w.encode() not in octets for w in USERS.values()), "no password is in the store")
    tap.ok(all(k[:16].encode() not in octets for k in keys + ours) and all(r not in octets for r in raw), "no SRTP key is in the store")

    # --- the control socket ---
    path = os.path.join(daemon.state, "control.sock")
    tap.ok(os.lstat(path).st_mode & 0o007 == 0, "the control socket is closed to others", oct(os.lstat(path).st_mode))
    for octets in (b"\0" * 100, b"{", b"[]\n", b"{\"command\":5}\n", b"x" * 300000 + b"\n", b'{"command":"status"' * 10000,
                   b'{"command":"' + b"y" * 200000 + b'"}\n', b"[" * 50000 + b"\n"):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(2)
        s.connect(path)
        try:
            s.sendall(octets)
            s.shutdown(socket.SHUT_WR)
            while s.recv(65536):
                pass
        except OSError:
            pass
        s.close()
    tap.equal(daemon.cli("status")[0], 0, "nonsense on the control socket harms nobody")
    tap.ok(daemon.wait_event("child.ended", 0) is None, "no process died")
    for x in (a, b, a_wrong, e):
        x.close()
tap.done()
