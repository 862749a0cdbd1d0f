#!/usr/bin/env python3
"""Answers of OpenSSL's OCSP responder, as a server would send them along, through `ringfence cert check`."""
import json
import os
import subprocess
import tempfile
import time

import certs
import tap

PROGRAM = os.path.join(os.environ["RF_BUILD"], "ringfence")
folder = certs.made()
CA, KEY = f"{folder}/ca/int2.pem", f"{folder}/ca/int2.key"
LEAF, CHAIN, STORE = f"{folder}/leaf/ok.pem", f"{folder}/leaf/ok.chain.pem", f"{folder}/store/base.pem"


def openssl(*words):
    run = subprocess.run(["openssl", *words], capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(f"Bail out! openssl {words[0]}: {run.stderr}")
    return run.stdout


def stamp(s):
    return time.strftime("%y%m%d%H%M%SZ", time.gmtime(s))


def answer(place, name, state, *more):
    """The responder's answer about the certificate: V good, R revoked, or one that it does not know."""
    serial = openssl("x509", "-in", LEAF, "-noout", "-serial").strip().split("=")[1]
    index, out = os.path.join(place, name + ".index"), os.path.join(place, name)
    revoked = stamp(time.time() - 86400) + ",keyCompromise" if state == "R" else ""
    with open(index, "w") as f:
        if state != "?":
            f.write("\t".join([state, stamp(time.time() + 86400 * 300), revoked, serial, "unknown", "/CN=ok"]) + "\n")
    openssl("ocsp", "-issuer", CA, "-cert", LEAF, "-no_nonce", "-reqout", out + ".req")
    signer = [] if "-rsigner" in more else ["-rsigner", CA, "-rkey", KEY]
    openssl("ocsp", "-index", index, "-CA", CA, *signer, "-reqin", out + ".req", "-respout", out, "-ndays", "7", *more)
    return out


def check(*words):
    run = subprocess.run([PROGRAM, "cert", "check", "--json", "--level", "medium", "--store", STORE, *words, CHAIN],
                         capture_output=True, text=True)
    return run.returncode, json.loads(run.stdout) if run.returncode in (0, 5) else run.stderr


with tempfile.TemporaryDirectory() as place:
    good, revoked, unknown = answer(place, "good", "V"), answer(place, "revoked", "R"), answer(place, "unknown", "?")
    stranger = answer(place, "stranger", "V", "-rsigner", f"{folder}/ca/root.pem", "-rkey", f"{folder}/ca/root.key")
    rows = [
        ("good", ["--ocsp-response", good], 0, "good", None),
        ("good, and no less is asked for", ["--ocsp", "hard", "--ocsp-response", good], 0, "good", None),
        ("revoked", ["--ocsp-response", revoked], 5, "revoked", "RF-212"),
        ("revoked, and nobody asks", ["--ocsp", "off", "--ocsp-response", revoked], 0, None, None),
        ("unknown to the responder", ["--ocsp-response", unknown], 0, "unknown", None),
        ("signed by another authority", ["--ocsp-response", stranger], 0, "no answer", None),
        ("ended long ago", ["--ocsp-response", good, "--at",
                            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 8 * 86400))], 0, "no answer", None),
        ("no answer at all, soft", ["--ocsp", "soft"], 0, "no answer", None),
        ("the certificate instead of an answer", ["--ocsp-response", LEAF], 0, "no answer", None),
    ]
    for why, words, want, status, code in rows:
        got, report = check(*words)
        tap.ok(got == want and (status is None) == ("ocsp" not in report)
               and (status is None or report["ocsp"]["status"] == status) and (code is None or report["code"] == code),
               f"AVA-6 ocsp: {why}", report)
    got, report = check("--ocsp-response", revoked)
    tap.ok("keyCompromise" in report["sentence"] and "?" not in report["sentence"], "AVA-6 ocsp: when and why it was revoked", report)
    for why, words in [("no such answer", ["--ocsp-response", "/absent"]), ("an empty one", ["--ocsp-response", "/dev/null"]),
                       ("no such mode", ["--ocsp", "maybe"])]:
        tap.equal(check(*words)[0], 2, f"exit status 2: {why}")
tap.done()
