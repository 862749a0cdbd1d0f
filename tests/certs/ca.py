#!/usr/bin/env python3
"""GEN-18, GEN-19: the built-in authority. Two commands to a mutual TLS link, between two programs of OpenSSL and into the
daemon; what is issued, listed and revoked while the daemon runs and while it does not.

# sanitizers: address
"""
import json
import os
import re
import select
import shutil
import subprocess
import tempfile
import threading
import time

import tap
from daemon import RINGFENCE, Daemon
from pki import Shake


class Authority:
    """`ringfence ca` on a state directory."""

    def __init__(self, state):
        self.state = state

    def run(self, *words, user=None):
        args = [RINGFENCE, "ca", *words, "--state", self.state]
        if user is not None:
            args = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *args]
        return subprocess.run(args, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)

    def get(self, *words):
        run = self.run(*words, "--json")
        return [json.loads(line) for line in run.stdout.splitlines()] if run.returncode == 0 else run.stderr


def link(folder, server, client, *client_words):
    """A handshake between s_server and s_client that both verify: what the client and the server said."""
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-cert", f"{folder}/{server}.pem", "-key",
               f"{folder}/{server}.key", "-CAfile", f"{folder}/ca.pem", "-Verify", "3", "-verify_return_error"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as listener:
        text, deadline = b"", time.time() + 20
        while b"ACCEPT" not in text or b"\n" not in text[text.index(b"ACCEPT"):]:
            if not select.select([listener.stdout], [], [], 1)[0] and time.time() > deadline:
                break
            text += os.read(listener.stdout.fileno(), 4096)
        port = re.search(rb"ACCEPT \S+:(\d+)", text)
        run = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{int(port.group(1))}", "-CAfile", f"{folder}/ca.pem",
                              "-verify_return_error", *client_words,
                              *(["-cert", f"{folder}/{client}.pem", "-key", f"{folder}/{client}.key"] if client else [])],
                             input="Q\n", capture_output=True, text=True, timeout=30)
        try:
            rest = listener.communicate(timeout=10)[0]
        except subprocess.TimeoutExpired:
            listener.kill()
            rest = listener.communicate()[0]
    return run.returncode, run.stdout + run.stderr, (text + rest).decode(errors="replace")


def check(store, chain, level, peer, target, *more):
    run = subprocess.run([RINGFENCE, "cert", "check", "--json", "--level", level, "--interface", "sip", "--peer", peer, "--store",
                          store, "--target", target, *more, chain], capture_output=True, text=True)
    return run.returncode, run.stdout + run.stderr


def mode(path):
    return os.stat(path).st_mode & 0o7777


with tempfile.TemporaryDirectory() as folder:
    os.chmod(folder, 0o755)
    out = os.path.join(folder, "out")
    os.mkdir(out)
    ca = Authority(os.path.join(folder, "state"))

    # --- nothing is there yet ---
    for words in (["list"], ["export", "--root"], ["export", "--crl"], ["revoke", "x", "--yes"]):
        run = ca.run(*words)
        tap.ok(run.returncode == 1 and "ringfence ca init" in run.stderr and run.stdout == "",
               f"ca {' '.join(words)} without an authority: exit status 1, and what to do", run)

    # --- two commands ---
    first = ca.run("issue", "pbx.example", "--server", "--name", "localhost", "--name", "pbx.example", "--name", "127.0.0.1",
                   "--name", "sip:pbx.example", "--out", out)
    second = ca.run("issue", "trunk.example", "--client", "--out", out)
    tap.ok(first.returncode == 0 and second.returncode == 0, "GEN-18 two commands, no daemon, no authority before",
           first.stderr + second.stderr)
    tap.equal((mode(f"{out}/pbx.example.key"), mode(f"{out}/trunk.example.key"), mode(f"{ca.state}/ca/ca.key"),
               mode(f"{ca.state}/ca")), (0o600, 0o600, 0o600, 0o700), "GEN-18 keys are for nobody else")
    tap.ok("PRIVATE" not in first.stdout + first.stderr + second.stdout, "no key is printed")
    for version in ("-tls1_2", "-tls1_3"):
        status, client, server = link(out, "pbx.example", "trunk.example", "-verify_hostname", "localhost", version)
        tap.ok(status == 0 and "Verify return code: 0 (ok)" in client and "verify return:1" in server and "trunk.example" in server,
               f"GEN-18 mutual TLS works with them ({version[1:]})", client + server)
    status, client, server = link(out, "pbx.example", None, "-tls1_3")
    tap.ok("peer did not return a certificate" in server, "GEN-18 without a certificate the server refuses", client + server)
    status, client, server = link(out, "trunk.example", "trunk.example", "-purpose", "sslserver")
    tap.ok(status != 0 or "unsuitable certificate purpose" in client or "unsupported certificate purpose" in client,
           "a certificate for clients is none for servers", client + server)

    # --- our own levels, in both roles ---
    ca.run("issue", "both.example", "--both", "--out", out)
    ca.run("issue", "rsa.example", "--key", "rsa", "--name", "sip:rsa.example", "--out", out)
    crl = os.path.join(folder, "ca.crl")
    tap.equal(ca.run("export", "--crl", "--out", crl).returncode, 0, "the list of revoked ones is exported")
    for name in ("both.example", "rsa.example"):
        store = os.path.join(folder, f"store-{name}.pem")
        with open(store, "w") as f:
            f.write(open(f"{out}/ca.pem").read() + open(f"{out}/{name}.pem").read())
        for level in ("medium", "high", "medium-remote", "high-remote"):
            for peer in ("client", "server"):
                status, text = check(store, f"{out}/{name}.pem", level, peer, name, "--crl", crl)
                tap.ok(status == 0, f"GEN-18 {name} as {peer} at level {level}", text)
        status, text = check(store, f"{out}/{name}.pem", "high-remote", "server", "other.example")
        tap.ok(status == 5 and "RF-206" in text, f"{name} is not for another name", text)
    for name, role in (("pbx.example", "server"), ("trunk.example", "client")):
        other = "client" if role == "server" else "server"
        tap.equal((check(f"{out}/ca.pem", f"{out}/{name}.pem", "medium", role, name)[0],
                   check(f"{out}/ca.pem", f"{out}/{name}.pem", "medium", other, name)[0]), (0, 5),
                  f"GEN-18 {name} is for the role {role} alone")

    # --- the list ---
    rows = ca.get("list")
    tap.equal([(r["name"], r["use"], r["state"]) for r in rows],
              [("pbx.example", "server", "valid"), ("trunk.example", "client", "valid"), ("both.example", "both", "valid"),
               ("rsa.example", "both", "valid")], "ca list names what was issued")
    tap.equal(rows[0]["names"], ["localhost", "pbx.example", "127.0.0.1", "sip:pbx.example"], "with all its names")
    serial = subprocess.run(["openssl", "x509", "-in", f"{out}/both.example.pem", "-noout", "-serial"], capture_output=True,
                            text=True).stdout.strip().split("=")[1].lower()
    tap.equal(rows[2]["serial"], serial, "and its number as OpenSSL shows it")
    lines = ca.run("list").stdout.splitlines()
    tap.ok(lines[0].split("\t") == ["SERIAL", "NAME", "FOR", "USE", "UNTIL", "STATE"] and len(lines) == 5, "as a list", lines)
    tap.equal(ca.run().stdout.splitlines(), lines, "a bare ca lists")

    # --- revocation ---
    run = ca.run("revoke", "both.example")
    tap.ok(run.returncode == 2 and "--yes" in run.stderr and ca.get("list")[2]["state"] == "valid",
           "revoking asks, or wants --yes", run)
    run = ca.run("revoke", "both.example", "--reason", "key-compromise", "--yes")
    tap.ok(run.returncode == 0, "it is revoked", run)
    row = ca.get("list")[2]
    tap.equal((row["state"], row["reason"]), ("revoked", "key-compromise"), "the list says so")
    store = os.path.join(folder, "store-both.example.pem")
    tap.equal(check(store, f"{out}/both.example.pem", "medium", "client", "both.example", "--crl", crl)[0], 0,
              "who has yesterday's list accepts it")
    ca.run("export", "--crl", "--out", crl)
    status, text = check(store, f"{out}/both.example.pem", "medium", "client", "both.example", "--crl", crl)
    tap.ok(status == 5 and "RF-212" in text and "keyCompromise" in text, "who has today's refuses it (RF-212)", text)
    run = subprocess.run(["openssl", "verify", "-CAfile", f"{out}/ca.pem", "-CRLfile", crl, "-crl_check", f"{out}/both.example.pem"],
                         capture_output=True, text=True)
    tap.ok(run.returncode != 0 and "certificate revoked" in run.stderr, "OpenSSL says the same", run)
    run = subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", f"{out}/ca.pem", "-CRLfile", crl, "-crl_check",
                          f"{out}/rsa.example.pem"], capture_output=True, text=True)
    tap.ok(run.returncode == 0, "and accepts what is not revoked, strictly", run)

    # --- what is refused ---
    for words, want, why in [
            (["issue", "../evil", "--out", out], 2, "a name that leads elsewhere"),
            (["issue", "ca", "--out", out], 2, "the authority's own name"),
            (["issue", "x.example", "--name", "a b", "--out", out], 2, "no host name"),
            (["issue", "x.example", "--name", "sip:u@x.example", "--out", out], 2, "a SIP address of a user"),
            (["issue", "x.example", "--days", "0", "--out", out], 2, "no day"),
            (["issue", "x.example", "--days", "many", "--out", out], 2, "no number"),
            (["issue", "x.example", "--key", "dsa", "--out", out], 2, "an unknown kind of key"),
            (["issue", "x.example", "--client", "--server", "--out", out], 2, "two uses"),
            (["issue", "x.example", "--out", os.path.join(ca.state, "ca")], 2, "the authority's own folder"),
            (["issue", "x.example", "--out", "/absent"], 1, "no such folder"),
            (["issue", "pbx.example", "--out", out], 2, "files that are there"),
            (["init", "--name", "another"], 1, "a second authority"),
            (["init", "--key", "rsa"], 1, "another key"),
            (["revoke", "nobody", "--yes"], 1, "a name that nobody has"),
            (["revoke", "both.example", "--yes"], 1, "what was revoked before"),
            (["revoke", "rsa.example", "--reason", "mood", "--yes"], 2, "an unknown reason"),
            (["export", "--root", "--crl"], 2, "two things at once"),
            (["issue"], 2, "no name"), (["lst"], 2, "an unknown verb")]:
        run = ca.run(*words)
        tap.ok(run.returncode == want and run.stderr != "" and "PRIVATE" not in run.stdout + run.stderr,
               f"exit status {want}: {why}", run)
    tap.equal(len(ca.get("list")), 4, "none of it issued or revoked anything")
    before = open(f"{out}/trunk.example.key").read()
    run = ca.run("issue", "trunk.example", "--client", "--out", out, "--yes")
    tap.ok(run.returncode == 0 and open(f"{out}/trunk.example.key").read() != before, "--yes replaces files", run)
    run = ca.run("revoke", "trunk.example", "--yes")
    tap.ok(run.returncode == 2 and len(re.findall(r"[0-9a-f]{32}", run.stderr)) == 2, "two of one name: their numbers are named", run)
    os.chmod(f"{ca.state}/ca/ca.key", 0o640)
    run = ca.run("issue", "x.example", "--out", out)
    tap.ok(run.returncode == 1 and "RF-809" in run.stderr, "RF-809 a key that others may read is not used", run)
    os.chmod(f"{ca.state}/ca/ca.key", 0o600)
    if os.geteuid() == 0:
        run = ca.run("list", user=65534)
        tap.ok(run.returncode == 7, "exit status 7: somebody else's authority", run)
        theirs = os.path.join(folder, "theirs")
        os.mkdir(theirs)
        os.chown(theirs, 65534, 65534)
        ca.run("issue", "theirs.example", "--out", theirs)
        tap.equal({os.stat(os.path.join(theirs, f)).st_uid for f in os.listdir(theirs)}, {65534},
                  "files belong to the folder's owner")

    # --- where others learn what was revoked ---
    def extensions(path):
        return subprocess.run(["openssl", "x509", "-in", path, "-noout", "-ext", "crlDistributionPoints,authorityInfoAccess"],
                              capture_output=True, text=True).stdout

    tap.ok("http" not in extensions(f"{out}/trunk.example.pem"), "no address stands in certificates unless one is told")
    run = ca.run("init", "--crl-url", "http://pki.example/ca.crl", "--ocsp-url", "http://pki.example:8080/ocsp")
    tap.equal(run.returncode, 0, "ca init takes the addresses of list and responder, also later")
    ca.run("issue", "told.example", "--out", out)
    text = extensions(f"{out}/told.example.pem")
    tap.ok("URI:http://pki.example/ca.crl" in text and "OCSP - URI:http://pki.example:8080/ocsp" in text,
           "certificates issued from then on name them (RFC 5280 4.2.1.13, 4.2.2.1)", text)
    run = subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", f"{out}/ca.pem", f"{out}/told.example.pem"],
                         capture_output=True, text=True)
    tap.equal(run.returncode, 0, "OpenSSL agrees with them, strictly")
    tap.equal(ca.run("init", "--ocsp-url", "none").returncode, 0, "one is taken away again")
    ca.run("issue", "half.example", "--out", out)
    text = extensions(f"{out}/half.example.pem")
    tap.ok("URI:http://pki.example/ca.crl" in text and "OCSP" not in text, "the other one stays", text)
    for url in ("https://pki.example/ca.crl", "http://", "http:///x", "http://a b/", "http://a,b/", "ldap://x/", "http://x/" + 300 * "a",
                'http://x/"', "http://x/\n"):
        tap.equal(ca.run("init", "--crl-url", url).returncode, 2, f"exit status 2: {url[:30]!r} is no such address")
    ca.run("issue", "still.example", "--out", out)
    tap.ok("URI:http://pki.example/ca.crl" in extensions(f"{out}/still.example.pem"), "and changes nothing")

    # --- into the daemon, while it runs ---
    trunk_out = os.path.join(folder, "trunk")
    os.mkdir(trunk_out)
    more = (f"sip-trunks {{\n    listen tls:127.0.0.1:0\n    client-certificate required\n"
            f"    received-certificate-checks medium\n}}\n")
    shutil.rmtree(ca.state)
    with Daemon(folder=folder, workers=1, more=more, start=False) as daemon:
        tap.ok(ca.run("issue", "first.example", "--out", trunk_out).returncode == 0, "issued before the daemon's first start")
        daemon.start()
        own = next(r for r in ca.get("list") if r["name"] != "first.example")
        tap.ok(own["state"] == "valid" and own["use"] == "both", "the daemon uses this authority, and lists what it shows", own)
        at = ("127.0.0.1", int(daemon.ready["interfaces"]["sip-trunks"][0].rsplit(":", 1)[1]))

        def shown(name):
            return ["-cert", f"{trunk_out}/{name}.pem", "-key", f"{trunk_out}/{name}.key", "-CAfile", f"{trunk_out}/ca.pem",
                    "-verify_return_error"]

        tap.ok(Shake(at, *shown("first.example")).ok, "GEN-18 mutual TLS with the daemon")
        tap.ok(ca.run("issue", "second.example", "--key", "rsa", "--out", trunk_out).returncode == 0, "issued while it runs")
        tap.ok(Shake(at, *shown("second.example")).ok, "GEN-18 and accepted at once")
        tap.ok(not Shake(at).ok, "GEN-18 nobody without a certificate")

        # Both write at one time: nothing is lost, and no reload fails.
        failed = []

        def reloads():
            for _ in range(10):
                code, stdout, stderr = daemon.cli("reload")
                if code != 0:
                    failed.append(stdout + stderr)

        thread = threading.Thread(target=reloads)
        thread.start()
        for i in range(10):
            run = ca.run("issue", f"n{i}.example", "--out", trunk_out)
            if run.returncode != 0:
                failed.append(run.stderr)
        thread.join()
        tap.ok(not failed and len(ca.get("list")) == 13, "ten commands beside ten reloads: every certificate is listed", failed)

        tap.ok(ca.run("revoke", "first.example", "--yes").returncode == 0, "one is revoked")
        deadline = time.time() + 20
        s = Shake(at, *shown("first.example"))
        while s.ok and time.time() < deadline:
            time.sleep(0.2)
            s = Shake(at, *shown("first.example"))
        tap.ok(not s.ok and s.alert == "certificate revoked", "GEN-18 and refused by the daemon, which sees that the list changed",
               s.text[-800:])
        tap.ok(daemon.wait_event("refused", 5, code="RF-212") is not None, "RF-212 is logged")
        tap.ok(Shake(at, *shown("second.example")).ok, "the other one is not")

        # What the daemon itself shows, withdrawn: the next reload makes another one.
        tap.equal(ca.run("revoke", own["serial"], "--reason", "key-compromise", "--yes").returncode, 0, "our own is revoked")
        tap.equal(daemon.cli("reload")[0], 0, "reload")
        states = [r["state"] for r in ca.get("list") if r["name"] == own["name"]]
        tap.equal(states, ["revoked", "valid"], "the daemon made another one")
        tap.ok(Shake(at, *shown("second.example")).ok, "and shows it")
tap.done()
