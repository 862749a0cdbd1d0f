#!/usr/bin/env python3
"""Levels, certificates and checks change while it runs: no handshake fails for it, no connection and no call ends.
IPC-5, IPC-6, IPC-8, IPC-11, IPC-14, IPC-26.

# sanitizers: address thread
"""
import json
import os
import signal
import socket
import ssl
import struct
import tempfile
import threading
import time

import sip
import tap
from calls import PlainCall
from daemon import DOMAIN, PASSWORDS, Daemon, config
from pki import Cert, Shake, fingerprint
from ports import free_tcp_port

WEAK = ["-cipher", "ALL:@SECLEVEL=0"]
folder = tempfile.mkdtemp(prefix="ringfence-reload-")
os.chmod(folder, 0o755)
root = Cert(folder, "root", "Test Root", kind="ca")
certs = [Cert(folder, f"c{i}", "pbx.test", root, san=["DNS:pbx.test"], key=k) for i, k in enumerate(("ec", "2048"))]
BLOCKS = "".join(f"certificate c{i} {{\n    chain file:{c.chain()}\n    key file:{c.key}\n}}\n" for i, c in enumerate(certs))


def web(port, level=None, provisioning=None, more=""):
    text = f"web {{\n    listen https:127.0.0.1:{port}\n" + (f"    cipher-suite-level {level}\n" if level else "") + "}\n"
    text += f"provisioning {{\n    listen https:127.0.0.1:{port + 1}\n    client-certificate off\n"
    return text + (f"    cipher-suite-level {provisioning}\n" if provisioning else "") + "}\n" + more


def free_pair():
    while True:
        a, b = free_tcp_port(), free_tcp_port()
        if b == a + 1:
            return a


def versions(at):
    """Which TLS versions work."""
    return [v for v in ("-tls1", "-tls1_1", "-tls1_2", "-tls1_3") if Shake(at, v, *WEAK, say="GET / HTTP/1.1\r\n\r\n").ok]


def alert_to(at, suite):
    """The alert that answers a TLS 1.2 hello with this one suite; OpenSSL's client no longer offers the oldest ones."""
    body = b"\3\3" + os.urandom(32) + b"\0" + struct.pack("!HH", 2, suite) + b"\1\0"
    hello = b"\1" + struct.pack("!I", len(body))[1:] + body
    with socket.create_connection(at, 10) as s:
        s.sendall(b"\x16\3\1" + struct.pack("!H", len(hello)) + hello)
        s.settimeout(10)
        answer = s.recv(100)
    return answer[6] if answer[:1] == b"\x15" and len(answer) >= 7 else None


ALL, NEW, ONLY = ["-tls1", "-tls1_1", "-tls1_2", "-tls1_3"], ["-tls1_2", "-tls1_3"], ["-tls1_3"]

# --- IPC-6, IPC-11: the level of web, and of provisioning with it ---
port = free_pair()
shown = "web {{\n    certificate {}\n}}\n"
begin = config(workers=2).replace("security-profile secure\n", "") + BLOCKS
base = begin + shown.format("c1")
with Daemon(base + web(port)) as daemon:
    https, prov = ("127.0.0.1", port), ("127.0.0.1", port + 1)
    tap.equal(daemon.cli("get", "web.cipher-suite-level")[1].strip(), "old", "IPC-8 the level reads old when nothing is said")
    tap.equal(versions(https), ALL, "IPC-5 old: TLS 1.0 to 1.3")
    tap.ok("404" in Shake(https, say="GET / HTTP/1.1\r\nHost: x\r\n\r\n", timeout=3).text, "https answers HTTP")

    # --- IPC-26: what phones are offered when nothing is said ---
    with open(os.path.join(tap.ROOT, "tests", "data", "mozilla-tls", "5.0.json")) as f:
        published = json.load(f)["configurations"]["old"]
    listed = json.loads(daemon.cli("tls", "levels", "--json")[1])["configurations"]["old"]
    without = [c for c in published["openssl_ciphers"] if "DES-CBC3" not in c]
    tap.ok(len(without) == len(published["openssl_ciphers"]) - 1 and listed["openssl_ciphers"] == without,
           "IPC-26 tls levels prints old without 3DES, in its order", listed["openssl_ciphers"])
    sips = daemon.ports["tls"]
    taken = [c for c in without if Shake(sips, "-tls1_2", "-cipher", c + ":@SECLEVEL=0").ok]
    tap.equal(taken, [c for c in without if "ECDSA" not in c],
              "IPC-26 the listener of phones takes each of them that its RSA certificate can serve")
    tap.equal(versions(sips), ALL, "IPC-26 from TLS 1.0 on")
    tap.equal(alert_to(sips, 0x000a), 40, "IPC-26 a hello with 3DES alone gets handshake_failure")

    for level, want in (("intermediate", NEW), ("modern", ONLY), ("old", ALL)):
        with open(daemon.file, "w") as f:
            f.write(begin + shown.format("c1" if level != "modern" else "c0") + web(port, level)) # modern has no RSA
        code, out, err = daemon.cli("reload")
        tap.ok(code == 0, f"reload to {level}", out + err)
        tap.equal(versions(https), want, f"IPC-6 {level}, without a restart")
        tap.equal(versions(prov), want, f"IPC-11 IPC-14 provisioning with it: {level}")
    with open(daemon.file, "w") as f:
        f.write(base + web(port, "old", "intermediate"))
    tap.equal(daemon.cli("reload")[0], 0, "a level of its own for provisioning")
    tap.ok(versions(https) == ALL and versions(prov) == NEW, "IPC-11 an override holds for its interface alone")
    code, out, err = daemon.cli("set", "management.cipher-suite-level", "ancient")
    tap.ok(code == 3 and "old, intermediate, modern" in out + err, "IPC-8 another name is an error that lists the levels", out + err)

# --- a storm of handshakes under ten reloads a second ---
text = config(sip="certificate c0", users={"203": "salt-river-08", "204": "moss-wheel-55"},
              srtp={"203": "optional", "204": "optional"}, listen="tls:127.0.0.1:0 tcp:127.0.0.1:0", workers=2,
              more="security {\n    strict-keys off\n}\nregistrar {\n    bindings-max 50\n}\n") + BLOCKS
variants = [text, text.replace("    certificate c0\n", "    certificate c1\n    cipher-suite-level old\n"),
            text.replace("    certificate c0\n", "    certificate c0 c1\n    client-certificate optional\n")]
with Daemon(text) as daemon:
    at = daemon.ports["tls"]
    phones = [sip.Endpoint("tls", at) for _ in range(20)]
    tap.ok(all(p.register("203", "salt-river-08", DOMAIN).status == 200 for p in phones), "20 phones have registered over TLS")
    call = PlainCall(daemon, "tcp", passwords={"203": "salt-river-08", "204": "moss-wheel-55"})
    call.establish()
    stop, failures, good, seen = threading.Event(), [], [0], set()

    def storm():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        while not stop.is_set():
            try:
                with socket.create_connection(at, timeout=20) as raw, context.wrap_socket(raw) as s:
                    s.sendall(b"\r\n\r\n")
                    if s.recv(2) != b"\r\n":
                        raise OSError("no pong")
                    seen.add(s.getpeercert(True))
                    good[0] += 1
            except OSError as e:
                failures.append(repr(e))

    threads = [threading.Thread(target=storm) for _ in range(6)]
    for t in threads:
        t.start()
    began = time.time()

    def write(variant):
        with open(daemon.file + ".new", "w") as f:
            f.write(variant)
        os.rename(daemon.file + ".new", daemon.file)

    for i in range(50):
        write(variants[i % 3])
        daemon.process.send_signal(signal.SIGHUP)
        time.sleep(max(0, began + (i + 1) * 0.1 - time.time()))
    # Signals that came during a reload were one more: which variants they met was chance.
    for variant in variants:
        write(variant)
        tap.equal(daemon.cli("reload")[0], 0, "one more by command")
        time.sleep(0.5)
    stop.set()
    for t in threads:
        t.join()
    applied = sum(e.get("event") == "daemon.reloaded" for e in daemon.events())
    tap.note(f"{applied} reloads applied in {time.time() - began:.1f} s, {good[0]} handshakes, {len(seen)} certificates seen")
    tap.ok(not failures and good[0] > 50, "no handshake of the storm failed", f"{len(failures)} of {good[0]}: {failures[:5]}")
    # Those that wait together are one; a build with the thread sanitizer needs most of a second for each.
    least = 3 if os.environ.get("RF_VARIANT") == "thread" else 10
    tap.ok(applied >= least and len(seen) == 2, "the reloads were applied meanwhile, and both certificates were served",
           f"{applied} {len(seen)}")
    tap.ok(all(p.register("203", "salt-river-08", DOMAIN).status == 200 for p in phones),
           "every phone still has the connection that it had")
    tap.equal(len(daemon.cli("calls", json_out=True)), 1, "the call is up")
    call.a_dialog.request("BYE")
    reply = call.a.wait(lambda m: m.status and "BYE" in m.get("cseq"), 5)
    tap.equal(reply and reply.status, 200, "and ends by its BYE")
    for p in phones:
        p.close()
    call.close()
tap.done()
