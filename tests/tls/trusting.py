#!/usr/bin/env python3
"""Commands that make somebody trusted, against a stranger who would like to be: what was shown is what is trusted, an
authority is one because it signed, half a file is none, and nobody is trusted by saying nothing. AVA-15, AVA-26, TEL-5.

# sanitizers: address
"""
import os
import pty
import subprocess
import tempfile
import time

import tap
from daemon import RINGFENCE, Daemon, config
from pki import Cert, Shake

folder = tempfile.mkdtemp(prefix="ringfence-trusting-")
os.chmod(folder, 0o755)
carrier_root = Cert(folder, "carrier-root", "Carrier Root", kind="ca")
carrier = Cert(folder, "carrier", "carrier.test", carrier_root, san=["DNS:carrier.test"])
evil_root = Cert(folder, "evil-root", "Evil Root", kind="ca")
evil = Cert(folder, "evil", "evil.test", evil_root, san=["DNS:evil.test"])
own_root = Cert(folder, "own-root", "Own Root", kind="ca")
own = Cert(folder, "own", "own.test", own_root, san=["DNS:own.test"])


def put(name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def show(c, *more):
    """-cert options: this certificate, and behind it whatever its holder likes."""
    extra = ["-cert_chain", put(c.name + "-sent.pem", "".join(m.pem for m in more))] if more else []
    return ["-cert", c.path, "-key", c.key, *extra]


cut = carrier_root.pem[:len(carrier_root.pem) // 2]
broken = own_root.pem.replace(own_root.pem.splitlines()[3], "!" * 64)
marked = "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n" \
    + own.pem.split("\n", 1)[1]
pipe = os.path.join(folder, "pipe.pem")
os.mkfifo(pipe)

more = "sip-trunks {\n    listen tls:127.0.0.1:0\n    client-certificate required\n}\n"
with Daemon(config(workers=1) + more) as daemon:
    trunk = ("127.0.0.1", int(daemon.ready["interfaces"]["sip-trunks"][0].rsplit(":", 1)[1]))

    def refused(what, has, *words):
        start = time.time()
        code, out, err = daemon.cli(*words)
        tap.ok(code == 2 and has in err and time.time() - start < 10, f"{what}: refused", f"exit {code}\n{out}{err}")

    # Files.
    for what, text, says in (("a certificate that is cut off behind a good one", own.pem + cut, "is damaged"),
                             ("a broken one behind a good one", own.pem + broken, "is damaged"),
                             ("one that asks for a passphrase", marked, "is damaged"),
                             ("an empty file", "", "no certificate in PEM form"),
                             ("17 certificates, where 16 are taken", own.pem * 17, "more than 16")):
        refused(f"cert trust: {what}", says, "cert", "trust", put("bad.pem", text), "--yes")
    for what, text, says in (("an intermediate that is cut off", own.pem + cut, "certificate 2 in it is damaged"),
                             ("eleven certificates", own.pem + carrier.pem * 10, "11 certificates")):
        refused(f"TEL-5 cert add: {what}", says, "cert", "add", "x", put("bad.pem", text), own.key)
    refused("cert trust of a pipe", "not a file", "cert", "trust", pipe, "--yes")
    refused("cert add of a pipe", "not a file", "cert", "add", "x", pipe, own.key)

    # Nothing, and too little.
    tap.ok(not Shake(trunk, *show(evil)).ok, "a stranger is refused")
    refused("AVA-15 cert pin of an empty fingerprint", "no certificate of this fingerprint", "cert", "pin", "sip-trunks", "")
    refused("AVA-15 cert pin of 8 digits, of which somebody can make another", "16 digits", "cert", "pin", "sip-trunks",
            evil.sha256[:8])
    tap.equal(daemon.cli("cert", "list", "--trusted", json_out=True), [], "nobody is trusted")

    # A stranger shows somebody else's authority as his own, or his own behind somebody else's certificate.
    tap.ok(not Shake(trunk, *show(carrier, evil_root)).ok, "the carrier's certificate with a stranger's authority behind it")
    refused("AVA-26 cert trust last --authority: it did not sign", "sent what signed", "cert", "trust", "last", "--authority",
            "--yes")
    tap.ok(not Shake(trunk, *show(evil)).ok, "AVA-26 the stranger's authority is not trusted for standing there")
    tap.ok(not Shake(trunk, *show(carrier, carrier_root)).ok, "the carrier with its own authority")
    code, out, err = daemon.cli("cert", "trust", "last", "--authority", "--yes")
    tap.ok(code == 0 and carrier_root.sha256 in err.replace(":", "").lower(), "AVA-26 that one signed: it is shown, and trusted",
           f"exit {code}\n{out}{err}")
    tap.ok(Shake(trunk, *show(carrier)).ok and not Shake(trunk, *show(evil)).ok, "AVA-26 and the stranger still is not")

    # "last" is what was shown, whoever knocks before somebody says yes.
    daemon.cli("cert", "untrust", carrier_root.sha256)
    tap.ok(not Shake(trunk, *show(carrier)).ok, "the carrier is refused again")
    master, slave = pty.openpty()
    asking = subprocess.Popen([RINGFENCE, "cert", "trust", "last", "--state", daemon.state], stdin=slave, stdout=slave,
                              stderr=slave)
    os.close(slave)
    said = b""
    while b"Trust it?" not in said:
        said += os.read(master, 4096)
    tap.ok(carrier.sha256.encode() in said, "cert trust last shows the carrier, and asks", said)
    tap.ok(not Shake(trunk, *show(evil)).ok, "then a stranger knocks")
    tap.equal(daemon.cli("cert", "refused", json_out=True)[0]["sha256"], evil.sha256, "who is the last one now")
    os.write(master, b"yes\n")
    tap.equal(asking.wait(20), 0, "yes")
    os.close(master)
    tap.ok(Shake(trunk, *show(carrier)).ok and not Shake(trunk, *show(evil)).ok, "AVA-26 trusted is who was shown")
tap.done()
