#!/usr/bin/env python3
"""Certificates of our own and those that we trust: what is served is what is shown, what is wrong is refused with its
line, what is refused can be trusted in one command, and every change can be taken back. TEL-4, TEL-5, TEL-7 to TEL-10,
IPC-29, IPC-30, GEN-18, GEN-19, AVA-10, AVA-11, AVA-15, AVA-24, AVA-26.

# sanitizers: address
"""
import json
import os
import re
import subprocess
import tempfile
import time

import sip
import tap
from daemon import DOMAIN, PASSWORDS, Daemon, RINGFENCE, config
from pki import Cert, Shake, fingerprint, run

folder = tempfile.mkdtemp(prefix="ringfence-certs-")
os.chmod(folder, 0o755)
root = Cert(folder, "root", "Test Root", kind="ca")
upper = Cert(folder, "upper", "Test Upper", root, kind="ca")
lower = Cert(folder, "lower", "Test Lower", upper, kind="ca")
office = Cert(folder, "office", "office.test", lower, san=["DNS:office.test"])
office_rsa = Cert(folder, "office-rsa", "office.test", lower, key="2048", san=["DNS:office.test"])
other = Cert(folder, "other", "other.test", lower, san=["DNS:other.test", "DNS:*.wild.test"])
expired = Cert(folder, "expired", "office.test", lower, san=["DNS:office.test"], days=-1)
soon = Cert(folder, "soon", "office.test", lower, san=["DNS:office.test"], days=6)
peer_root = Cert(folder, "peer-root", "Peer Root", kind="ca")
peer = Cert(folder, "peer", "peer.test", peer_root, san=["DNS:peer.test"])
alone = Cert(folder, "alone", "alone.test", san=["DNS:alone.test"])

with open(os.path.join(folder, "with-root.pem"), "w") as f:
    f.write(open(office.chain()).read() + root.pem)


def block(name, *pairs):
    return (f"certificate {name} {{\n"
            + "".join(f"    chain file:{c}\n    key file:{k}\n" for c, k in pairs) + "}\n")


def show(c):
    return ["-cert", c.path, "-key", c.key, "-cert_chain", c.chain()]


CERTS = block("office", (os.path.join(folder, "with-root.pem"), office.key), (office_rsa.chain(), office_rsa.key)) \
    + block("other", (other.chain(), other.key))

# --- our own: chain, SNI, two keys, what is served and what is shown ---
text = config(sip="certificate office other", workers=2) + CERTS
with Daemon(text) as daemon:
    at = daemon.ports["tls"]
    s = Shake(at, "-showcerts")
    subjects = [run("openssl", "x509", "-noout", "-subject", stdin=c.encode()).decode() for c in s.served]
    tap.ok(len(s.served) == 3 and all(n in t for n, t in zip(("office.test", "Test Lower", "Test Upper"), subjects)),
           "TEL-5 leaf and two intermediates in order, and no root although the file has it", subjects)
    s = Shake(at, "-CAfile", root.path, "-verify_return_error", "-servername", "office.test")
    tap.ok(s.ok and "Verify return code: 0 (ok)" in s.text, "TEL-5 TEL-15 a client that trusts the root alone verifies",
           s.text[-400:])
    s = Shake(at, "-CAfile", lower.path, "-partial_chain", "-verify_return_error")
    tap.ok("Verify return code: 0 (ok)" in s.text, "TEL-7 so does one that trusts an intermediate")
    rsa = Shake(at, "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256")
    ec = Shake(at, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")
    tap.ok(fingerprint(rsa.served[0]) == office_rsa.sha256 and fingerprint(ec.served[0]) == office.sha256,
           "IPC-30 RSA and ECDSA side by side, of one block with two pairs")
    for name, want in (("office.test", office), ("other.test", other), ("a.wild.test", other), ("unknown.test", office)):
        s = Shake(at, "-servername", name)
        tap.equal(fingerprint(s.served[0]), want.sha256, f"SNI {name}")

    # The four commands of the Telnyx page, with and without SNI, against our own display.
    rows = {r["sha256"]: r for r in daemon.cli("cert", "list", json_out=True)}
    for sni in ([], ["-servername", "other.test"]):
        want = other if sni else office
        target = ["-connect", f"{at[0]}:{at[1]}", *sni]
        first = subprocess.run(["openssl", "s_client", *target], input=b"", capture_output=True).stdout.decode()
        chain = subprocess.run(["openssl", "s_client", "-showcerts", *target], input=b"", capture_output=True).stdout.decode()
        leaf = re.search(r"-----BEGIN.*?-----END CERTIFICATE-----\n", first, re.S).group(0)
        print_ = run("openssl", "x509", "-fingerprint", "-sha256", "-noout", stdin=leaf.encode()).decode()
        dates = run("openssl", "x509", "-noout", "-dates", stdin=leaf.encode()).decode()
        shown = daemon.cli("cert", "show", "other" if sni else "office")[1]
        row = rows[want.sha256]
        tap.ok(print_.strip().split("=")[1] in shown, f"TEL-9 fingerprint as openssl prints it {sni}", shown)
        not_after = time.strptime(re.search(r"notAfter=(.*)", dates).group(1), "%b %d %H:%M:%S %Y %Z")
        not_before = time.strptime(re.search(r"notBefore=(.*)", dates).group(1), "%b %d %H:%M:%S %Y %Z")
        tap.equal((row["not_before"], row["not_after"]),
                  tuple(time.strftime("%Y-%m-%dT%H:%M:%SZ", t) for t in (not_before, not_after)), "TEL-9 and both dates")
        tap.equal([fingerprint(c) for c in re.findall(r"-----BEGIN.*?-----END CERTIFICATE-----\n", chain, re.S)],
                  [row["sha256"]] + [c["sha256"] for c in row["chain"]], "TEL-9 and the chain")
    row = rows[office.sha256]
    tap.ok(row["complete"] is False and row["trust"] == "private" and row["used_by"] == ["sip-phones"],
           "IPC-29 complete or not, public or private, and where it is shown", row)
    tap.ok(daemon.wait_event("tls.warning", 1) is not None, "TEL-5 its root is not known here, which the log says")
    code, out, err = daemon.cli("cert", "export", "office")
    tap.ok(code == 0 and [fingerprint(c) for c in re.findall(r"-----BEGIN.*?-----END CERTIFICATE-----\n", out, re.S)]
           == [office.sha256, lower.sha256, upper.sha256] and "PRIVATE" not in out, "cert export: the chain, never a key", out + err)
    code, out, err = daemon.cli("cert", "export", "local", "--root")
    tap.ok(code == 0 and fingerprint(out) == fingerprint(open(os.path.join(daemon.state, "ca", "ca.pem")).read()),
           "cert export --root: the local authority's root", out + err)

    # --- refused with its line; what runs stays ---
    good = open(daemon.file).read()
    end = sip.Endpoint("tls", at)
    tap.equal(end.register("201", PASSWORDS["201"], DOMAIN).status, 200, "a phone is there")
    line = good[:good.index(f"chain file:{folder}/with-root.pem")].count("\n") + 1
    missing = "sip-trunks {\n    cipher-suite-level intermediate@4.9\n}\n"
    cases = [
        (good.replace(f"file:{folder}/with-root.pem", f"file:{expired.path}").replace(office.key, expired.key), line,
         "an expired certificate", "RF-204"),
        (good.replace(office.key, other.key), line, "a key that does not belong to it", "RF-219"),
        (good.replace(f"file:{folder}/with-root.pem", f"file:{folder}/nowhere.pem"), line, "a file that is not there", ""),
        (good + missing, good.count("\n") + 2, "a level that nobody knows", ""),
        (good + "node-link {\n    received-certificate-checks medium-remote\n}\n", good.count("\n") + 2,
         "AVA-24 a remote level between nodes", "RF-804"),
        (good + "sip-trunks {\n    trusted-certificate-store /nowhere/at/all\n}\n", good.count("\n") + 2,
         "a trusted store that is not there", ""),
    ]
    for changed, where, what, rf in cases:
        with open(daemon.file, "w") as f:
            f.write(changed)
        code, out, err = daemon.cli("reload")
        tap.ok(code == 3 and f"{daemon.file}:{where}:" in out + err and rf in out + err and "\n  fix " in err,
               f"{what}: refused at its line {rf}, with what to do", f"exit {code}, line {where}\n{out}{err}")
        tap.ok(Shake(at).ok and end.register("201", PASSWORDS["201"], DOMAIN).status == 200, f"{what}: what runs stays")
    with open(daemon.file, "w") as f:
        f.write(cases[4][0])
    p = subprocess.run([RINGFENCE, "config", "check", daemon.file], capture_output=True, text=True)
    tap.ok(p.returncode == 3 and f":{cases[4][1]}:" in p.stderr and "none, low, medium or high" in p.stderr,
           "AVA-24 config check says so, too, and lists the levels that there are", p.stderr)
    with open(daemon.file, "w") as f:
        f.write(good)
    tap.equal(daemon.cli("reload")[0], 0, "the right file again")

    # --- files that change on disk ---
    with open(os.path.join(folder, "with-root.pem"), "w") as f:
        f.write(open(soon.chain()).read())
    with open(office.key, "w") as f:
        f.write(open(soon.key).read())
    for _ in range(100):
        if fingerprint(Shake(at).served[0]) == soon.sha256:
            break
        time.sleep(0.2)
    tap.equal(fingerprint(Shake(at).served[0]), soon.sha256, "files that were replaced are read by themselves")
    e = daemon.wait_event("refused", 5, code="RF-704")
    tap.ok(e is not None and "office" in e["msg"] and e.get("step") == 7, "RF-704 it ends within 7 days", e)
    code, out, err = daemon.cli("cert", "list", "--expiring", "14d")
    tap.ok(code == 5 and "office" in out and "other" not in out, "cert list --expiring 14d: exit 5", f"exit {code}\n{out}{err}")
    tap.equal(daemon.cli("cert", "list", "--expiring", "1d")[0], 0, "cert list --expiring 1d: exit 0")
    tap.equal(end.register("201", PASSWORDS["201"], DOMAIN).status, 200, "the phone's connection stayed through all of it")

    # --- TEL-8: a peer that refuses ours ---
    s = Shake(at, "-CAfile", peer_root.path, "-verify_return_error")
    e = daemon.wait_event("tls.peer_rejected_our_certificate", 5, code="RF-202")
    tap.ok(e is not None and "unknown_ca" in str(e), "TEL-8 a client that does not know our authority: RF-202 unknown_ca", e)
    tap.ok(e is not None and "root" in str(e.get("fix", "")), "TEL-8 and the hint", e)
    end.close()

# --- a chain with a hole: it is served, and the log says from the start what is missing ---
hole = os.path.join(folder, "hole.pem")
with open(hole, "w") as f:
    f.write(other.pem + upper.pem)
for what, path, warns in (("the leaf alone", other.path, "Test Lower"),
                          ("an intermediate left out", hole, "certificate 2 did not issue")):
    with Daemon(config(sip="certificate other", workers=1) + block("other", (path, other.key))) as daemon:
        e = daemon.wait_event("tls.warning", 5)
        tap.ok(e is not None and warns in str(e), f"TEL-5 {what}: a warning at the start", e)
        row = next(r for r in daemon.cli("cert", "list", json_out=True) if r["sha256"] == other.sha256)
        tap.ok(row["complete"] is False and "Test Lower" in row["missing"], f"TEL-5 {what}: and cert list names who is missing", row)

# --- commands: add, renew, trust, pin, rollback ---
more = "sip-trunks {\n    listen tls:127.0.0.1:0\n    client-certificate required\n}\nweb {\n    listen https:127.0.0.1:0\n}\n"
with Daemon(config(workers=2) + more) as daemon:
    phone = daemon.ports["tls"]
    trunk = ("127.0.0.1", int(daemon.ready["interfaces"]["sip-trunks"][0].rsplit(":", 1)[1]))

    def cli(*words, want=0):
        code, out, err = daemon.cli(*words)
        tap.ok(code == want, f"ringfence {' '.join(w if '/' not in w else os.path.basename(w) for w in words)}",
               f"exit {code}\n{out}{err}")
        return out

    web = ("127.0.0.1", int(daemon.ready["interfaces"]["https"][0].rsplit(":", 1)[1]))
    before = fingerprint(Shake(phone).served[0])
    tap.equal([fingerprint(Shake(at).served[0]) for at in (trunk, web)], [before, before],
              "TEL-4 one certificate serves phones, trunks and HTTPS until another is set")
    cli("cert", "renew")
    after = fingerprint(Shake(phone).served[0])
    tap.equal([fingerprint(Shake(at).served[0]) for at in (trunk, web)], [after, after], "TEL-4 also when it is renewed")
    tap.ok(before != after, "cert renew: the local authority made a new one, and it is served")
    tap.ok(Shake(phone, "-CAfile", os.path.join(daemon.state, "ca", "ca.pem"), "-verify_return_error").ok,
           "GEN-18 signed by the same root")

    os.chmod(soon.key, 0o644)
    code, out, err = daemon.cli("cert", "add", "shop", soon.chain(), soon.key)
    tap.ok(code != 0 and "RF-809" in err, "cert add of a key that others may read: RF-809", err)
    os.chmod(soon.key, 0o600)
    code, out, err = daemon.cli("cert", "add", "shop", soon.chain(), other.key)
    tap.ok(code != 0 and "belong" in err and "RF-219" in err, "RF-219 cert add of a key that does not belong to it", err)
    cli("cert", "add", "shop", soon.chain(), soon.key, "--for", "sip")
    tap.equal(fingerprint(Shake(phone).served[0]), soon.sha256, "cert add: it is served")
    kept = os.path.join(daemon.state, "certs")
    tap.ok(all(os.stat(os.path.join(kept, n)).st_mode & 0o077 == 0 for n in os.listdir(kept) if n.endswith(".key"))
           and os.stat(kept).st_mode & 0o077 == 0, "its key is nobody else's to read")
    tap.ok("PRIVATE" not in daemon.cli("config", "export")[1], "and not in the settings")

    # AVA-26: refused, then trusted in one command.
    s = Shake(trunk, *show(peer))
    tap.ok(not s.ok, "AVA-26 a peer of an authority that nobody knows is refused")
    rows = daemon.cli("cert", "refused", json_out=True)
    tap.ok(len(rows) == 1 and rows[0]["code"] == "RF-201" and "Peer Root" in rows[0]["issuer"]
           and rows[0]["sha256"] == peer.sha256 and rows[0]["would_pass"] == ["none", "low"] and rows[0]["serial"],
           "AVA-26 the event: code, issuer, serial, and which levels it would pass", rows)
    cli("cert", "trust", "last", "--yes")
    tap.ok(Shake(trunk, *show(peer)).ok, "AVA-26 one command later it is accepted")
    mate = Cert(folder, "mate", "mate.test", peer_root, san=["DNS:mate.test"])
    tap.ok(not Shake(trunk, *show(mate)).ok, "AVA-26 another one of the same authority is not")
    daemon.cli("set", "sip-trunks.received-certificate-checks", "high", "--yes")
    cli("cert", "untrust", peer.sha256)
    tap.ok(not Shake(trunk, *show(peer)).ok, "cert untrust: refused again")
    cli("cert", "pin", "sip-trunks", peer.sha256[:20])

    # AVA-11: the store goes back with the settings.
    history = daemon.cli("config", "history", json_out=True)
    tap.ok(len(history) >= 4 and history[0]["trusted"] == 1 and history[1]["trusted"] == 0,
           "AVA-11 each change is a version, with its trusted certificates", history)
    cli("config", "rollback", str(history[1]["version"]), "--yes")
    tap.ok(not Shake(trunk, *show(peer)).ok, "AVA-11 rollback takes the trust back")
    cli("config", "rollback", str(history[0]["version"]), "--yes")
    tap.ok(Shake(trunk, *show(peer)).ok, "AVA-11 and gives it back")

    # GEN-19: the root of the other side.
    cli("set", "sip-trunks.received-certificate-checks", "medium")
    cli("cert", "trust", peer_root.path, "--for", "sip-trunks", "--yes")
    tap.ok(Shake(trunk, *show(mate)).ok, "GEN-19 with the peer's root imported, all that it issued is accepted")
    cli("cert", "untrust", peer_root.sha256)
    tap.ok(not Shake(trunk, *show(mate)).ok, "GEN-19 without it: refused")
    tap.ok(not Shake(trunk, *show(alone)).ok, "a device that is its own root")
    cli("cert", "trust", alone.path, "--for", "sip-trunks", "--yes")
    tap.ok(Shake(trunk, "-cert", alone.path, "-key", alone.key).ok, "AVA-6 in the store it is accepted at medium")
    daemon.kill()
    daemon.start()
    trunk = ("127.0.0.1", int(daemon.ready["interfaces"]["sip-trunks"][0].rsplit(":", 1)[1]))
    tap.ok(Shake(trunk, "-cert", alone.path, "-key", alone.key).ok
           and fingerprint(Shake(daemon.ports["tls"]).served[0]) == soon.sha256, "all of it survives kill -9")
    for name, lines in (("file:line", "no"),):
        code, out, err = daemon.cli("cert", "trust", "4711", "--yes")
        tap.ok(code == 2, "an event that is not there: exit 2", out + err)

# --- AVA-10 ---
plain = Cert(folder, "plain", "plain.test", peer_root, san=["DNS:plain.test"])
ext = os.path.join(folder, "nousage.ext")
with open(ext, "w") as f:
    f.write("basicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:plain.test\n")
csr = run("openssl", "req", "-new", "-key", plain.key, "-subj", "/CN=plain.test")
with open(plain.path, "wb") as f:
    f.write(run("openssl", "x509", "-req", "-CA", peer_root.path, "-CAkey", peer_root.key, "-set_serial", "77", "-days", "9",
                "-extfile", ext, stdin=csr))
more = (f"sip-trunks {{\n    listen tls:127.0.0.1:0\n    client-certificate required\n    received-certificate-checks medium\n"
        f"    trusted-certificate-store {peer_root.path}\n}}\nsecurity {{\n    medium-without-r11-checks on\n}}\n")
with Daemon(config(workers=1) + more) as daemon:
    trunk = ("127.0.0.1", int(daemon.ready["interfaces"]["sip-trunks"][0].rsplit(":", 1)[1]))
    good = open(daemon.file).read()
    tap.ok(Shake(trunk, *show(plain)).ok, "AVA-10 imported: a certificate without key usage is accepted at medium")
    for level in ("high", "medium"):
        with open(daemon.file, "w") as f:
            f.write(good.replace("checks medium", f"checks {level}"))
        daemon.cli("reload")
    tap.ok(not Shake(trunk, *show(plain)).ok, "AVA-10 after the level went away and came back: refused")
    e = daemon.wait_event("refused", 5, code="RF-210")
    tap.ok(e is not None and "key usage" in str(e), "AVA-7 and the event says that it has no key usage", e)
    daemon.stop()
    daemon.start()
    trunk = ("127.0.0.1", int(daemon.ready["interfaces"]["sip-trunks"][0].rsplit(":", 1)[1]))
    tap.ok(not Shake(trunk, *show(plain)).ok, "AVA-10 and a restart does not bring it back")
tap.done()
