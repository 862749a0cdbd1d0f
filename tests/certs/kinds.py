#!/usr/bin/env python3
"""Kinds of certificates that the published tables have not, through `ringfence cert check`: each verdict is right and has its
name. GEN-17, AVA-4 to AVA-9, AVA-12, AVA-13, AVA-15, AVA-17.

# sanitizers: address
"""
import os
import subprocess
import tempfile

import tap
from daemon import RINGFENCE
from pki import Cert, run

temp = tempfile.TemporaryDirectory(prefix="ringfence-kinds-")
folder = temp.name


def pem(name, *texts):
    path = os.path.join(folder, name + ".pem")
    with open(path, "w") as f:
        f.write("".join(texts))
    return path


class Custom:
    """A certificate with extensions word for word."""

    def __init__(self, name, issuer, *lines, key=("EC", "ec_paramgen_curve:P-256"), digest="-sha256"):
        self.path, self.key, self.issuer, self.name = os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key"), issuer, name
        pem(name + "-ext", "\n".join(lines) + "\n")
        run("openssl", "genpkey", "-algorithm", key[0], *(["-pkeyopt", key[1]] if key[1:] else []), "-out", self.key)
        csr = run("openssl", "req", "-new", "-key", self.key, "-subj", f"/CN={name}")
        with open(self.path, "wb") as f:
            f.write(run("openssl", "x509", "-req", "-CA", issuer.path, "-CAkey", issuer.key, "-set_serial",
                        "0x" + os.urandom(8).hex().replace("8", "7"), "-days", "30", "-extfile", f"{folder}/{name}-ext.pem", digest,
                        stdin=csr))
        self.pem = open(self.path).read()


CA = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign", "subjectKeyIdentifier=hash")
LEAF = ("basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature", "extendedKeyUsage=clientAuth",
        "subjectAltName=DNS:leaf.test")

root = Cert(folder, "root", "Kinds Root", kind="ca")
other = Cert(folder, "other", "Other Root", kind="ca")
deep = [root]
for i in range(11):
    deep.append(Cert(folder, f"deep-{i}", f"Deep {i}", deep[-1], kind="ca"))


def below(name, issuer):
    return Cert(folder, name, f"{name}.test", issuer, san=[f"DNS:{name}.test"])


def chain_of(leaf, count):
    return pem(f"chain-{leaf.name}", leaf.pem, *(c.pem for c in reversed(deep[1:count + 1])))


eleven, nine, foreign = below("eleven", deep[11]), below("nine", deep[9]), below("foreign", other)
short = Custom("short", root, "basicConstraints=critical,CA:TRUE,pathlen:0", *CA[1:])
under = Cert(folder, "under", "Under", short, kind="ca")
beneath = below("beneath", under)
leaf = below("leaf", root)
of_leaf = below("of-leaf", leaf)
mute = Custom("mute", root, CA[0], "keyUsage=critical,digitalSignature", CA[2])
narrow = Custom("narrow", root, *CA, "nameConstraints=critical,permitted;DNS:good.test")
alone = Cert(folder, "alone", "alone.test", san=["DNS:alone.test"])
der = bytearray(run("openssl", "x509", "-in", leaf.path, "-outform", "DER"))
der[-4] ^= 1
flipped = pem("flipped", run("openssl", "x509", "-inform", "DER", stdin=bytes(der)).decode())

# what, the file, its code ("" accepted), words of the verdict, flags
ROWS = [
    ("eleven intermediates", chain_of(eleven, 11), "RF-216", "too deep: 12 certificates were sent, 10 are looked at", []),
    ("the same at level low, which looks at the leaf alone", chain_of(eleven, 11), "", "", ["--level", "low"]),
    ("nine intermediates", chain_of(nine, 9), "", "", []),
    ("nine, and the root three times behind them", pem("junk", open(chain_of(nine, 9)).read(), root.pem * 3), "", "", []),
    ("a stranger's, its root sent along, and more", pem("stranger", foreign.pem, other.pem, root.pem * 12), "RF-201", "", []),
    ("a stranger's, and twelve others", pem("others", foreign.pem, root.pem * 12), "RF-216",
     "13 certificates were sent, 10 are looked at, and an issuer is not among those", []),
    ("a stranger's", foreign.path, "RF-201", "", []),
    ("an authority below one that allows none", pem("length", beneath.pem, under.pem, short.pem), "RF-216", "allows 0 authorities", []),
    ("signed by a leaf", pem("signed-by-leaf", of_leaf.pem, leaf.pem), "RF-216", "may not sign", []),
    ("signed by an authority without keyCertSign", pem("signed-by-mute", below("of-mute", mute).pem, mute.pem), "RF-216",
     "may not sign", []),
    ("a name that its authority may not sign", pem("narrow-bad", below("bad", narrow).pem, narrow.pem), "RF-216",
     "may not sign for", []),
    ("a name that it may", pem("narrow-good", Cert(folder, "good", "x.good.test", narrow, san=["DNS:x.good.test"]).pem, narrow.pem), "",
     "", []),
    ("for code alone", Custom("code", root, *LEAF[:2], "extendedKeyUsage=codeSigning", LEAF[3]).path, "RF-210", "", []),
    ("a key that may only sign documents", Custom("documents", root, LEAF[0], "keyUsage=critical,nonRepudiation", *LEAF[2:]).path,
     "RF-210", "its key usage does not fit TLS", []),
    ("no key usage at all", Custom("no-usage", root, LEAF[0], *LEAF[2:]).path, "RF-210", "", []),
    ("a critical extension of somebody's own", Custom("critical", root, *LEAF, "1.2.3.4.5=critical,ASN1:NULL").path, "RF-214",
     "1.2.3.4.5", []),
    ("Ed25519", Custom("edwards", root, *LEAF, key=("ED25519",)).path, "", "", ["--level", "medium"]),
    ("RSA 1024 at medium", Custom("rsa", root, *LEAF, key=("RSA", "rsa_keygen_bits:1024")).path, "", "", []),
    ("RSA 1024 at high", os.path.join(folder, "rsa.pem"), "RF-209", "1024", ["--level", "high"]),
    ("P-192 at high", Custom("small", root, *LEAF, key=("EC", "ec_paramgen_curve:prime192v1")).path, "RF-209", "192",
     ["--level", "high"]),
    ("signed with SHA-1", Custom("sha1", root, *LEAF, digest="-sha1").path, "RF-213", "", []),
    ("one bit of its signature turned", flipped, "RF-213", "", []),
    ("self-signed", alone.path, "RF-208", "", []),
    ("self-signed and in the store", alone.path, "", "", ["--store", alone.path]),
    ("self-signed and in the store, at high", alone.path, "RF-208", "", ["--store", alone.path, "--level", "high"]),
    ("ended", Cert(folder, "ended", "ended.test", root, san=["DNS:ended.test"], days=-1).path, "RF-204", "", []),
    ("from tomorrow", leaf.path, "RF-205", "", ["--at", "2020-01-01T00:00:00Z"]),
    ("not copied, at high", leaf.path, "RF-211", "", ["--level", "high"]),
    ("a wildcard for SIP", Cert(folder, "wild", "wild", root, san=["DNS:*.wild.test"]).path, "RF-207", "",
     ["--level", "medium-remote", "--target", "a.wild.test"]),
    ("a common name alone", Cert(folder, "common", "cn.test", root).path, "RF-206", "",
     ["--level", "medium-remote", "--target", "cn.test"]),
    ("another name", leaf.path, "RF-206", "leaf.test", ["--level", "medium-remote", "--target", "else.test"]),
]

for what, path, code, words, flags in ROWS:
    flags = flags + (["--level", "medium"] if "--level" not in flags else []) + (["--store", root.path] if "--store" not in flags else [])
    p = subprocess.run([RINGFENCE, "cert", "check", "--interface", "sip", "--peer", "client", *flags, path], capture_output=True,
                       text=True)
    said = p.stdout + p.stderr
    if code == "":
        tap.ok(p.returncode == 0 and "RF-" not in said, f"{what}: accepted", said)
    else:
        tap.ok(p.returncode == 5 and f" {code} " in said and words in said, f"{what}: {code} {words}", said)
tap.done()
