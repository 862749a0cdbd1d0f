#!/usr/bin/env python3
"""The daemon asks authorities whether certificates are still good (OCSP): of peers by security.ocsp, of its own to send the
answer along. The responder is OpenSSL's, on loopback.

# sanitizers: address
# takes long
"""
import json
import os
import re
import socket
import subprocess
import tempfile
import threading
import time

import pki
import tap
from daemon import RINGFENCE, Daemon, free_ports
from pki import Cert, run


class Shake(pki.Shake):
    """Who is let in is answered: a connection may be closed after its handshake (rf_tls_conn_may_hold)."""

    @property
    def ok(self):
        return super().ok and "\r\n" in self.text


def until(seconds, question):
    """The first true answer within so many seconds, or the last one."""
    deadline = time.time() + seconds
    while True:
        answer = question()
        if answer or time.time() > deadline:
            return answer
        time.sleep(0.1)


class Responder:
    """`openssl ocsp` for one authority: what it says of each certificate, by serial number."""

    def __init__(self, folder, ca, port):
        self.folder, self.ca, self.port, self.process, self.state = folder, ca, port, None, {}

    def say(self, cert, state):
        self.state[run("openssl", "x509", "-in", cert.path, "-noout", "-serial").decode().strip().split("=")[1]] = state

    def start(self):
        index = os.path.join(self.folder, "index")
        end = time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() + 86400 * 90))
        with open(index, "w") as f:
            for serial, state in self.state.items():
                revoked = time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() - 3600)) + ",keyCompromise" if state == "R" else ""
                f.write("\t".join([state, end, revoked, serial, "unknown", f"/CN={serial}"]) + "\n")
        path = os.path.join(self.folder, "responder.log")
        with open(path, "w") as log:
            self.process = subprocess.Popen(["openssl", "ocsp", "-index", index, "-CA", self.ca.path, "-rsigner", self.ca.path, "-rkey",
                                             self.ca.key, "-port", str(self.port), "-ndays", "2"], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        # Its log, and not a connection: one without a question keeps it busy.
        if not until(10, lambda: "waiting for OCSP client" in open(path).read()):
            raise RuntimeError("the responder does not listen: " + open(path).read())

    def stop(self):
        self.process.terminate()
        self.process.wait()


with tempfile.TemporaryDirectory(prefix="rfo") as folder:
    os.chmod(folder, 0o755)
    root = Cert(folder, "root", "Test Root", kind="ca")
    port = free_ports(2)
    aia = f"authorityInfoAccess=OCSP;URI:http://127.0.0.1:{port}/\n"
    good, other, bad, late, quiet = (Cert(folder, n, f"{n}.test", root, san=[f"DNS:{n}.test"], more=aia)
                                     for n in ("good", "other", "bad", "late", "quiet"))
    strict = Cert(folder, "strict", "strict.test", root, san=["DNS:pbx.test"], more=aia + "tlsfeature=status_request\n")
    plain = Cert(folder, "plain", "plain.test", root, san=["DNS:plain.test"])
    own = Cert(folder, "own", "pbx.test", root, san=["DNS:pbx.test"], more=aia)
    responder = Responder(folder, root, port)
    for cert, state in ((good, "V"), (other, "V"), (bad, "R"), (late, "V"), (own, "V"), (strict, "V")):
        responder.say(cert, state)

    def show(c):
        return ["-cert", c.path, "-key", c.key]

    block = f"certificate office {{\n    chain file:{own.path}\n    key file:{own.key}\n}}\n"
    more = (f"sip-trunks {{\n    listen tls:127.0.0.1:0\n    certificate office\n    client-certificate required\n"
            f"    received-certificate-checks medium\n    trusted-certificate-store {root.path}\n}}\n" + block
            + "security {\n    ocsp hard\n}\n")
    responder.start()
    with Daemon(workers=2, more=more) as daemon:
        at = ("127.0.0.1", int(daemon.ready["interfaces"]["sip-trunks"][0].rsplit(":", 1)[1]))

        # --- peers, hard ---
        for version in ("-tls1_2", "-tls1_3"):
            fresh = {"-tls1_2": good, "-tls1_3": other}[version]
            tap.ok(Shake(at, version, *show(fresh)).ok, f"hard: who was never seen waits for the authority's answer ({version[1:]})",
                   daemon.log_text()[-1500:])
        tap.ok(not any(e.get("code") == "RF-217" for e in daemon.events()), "and was not refused before it came")
        s = until(10, lambda: (lambda s: s if s.alert == "certificate revoked" else None)(Shake(at, *show(bad))))
        tap.ok(s is not None, "hard: revoked is refused with the alert certificate_revoked")
        event = daemon.wait_event("refused", 5, code="RF-212")
        tap.ok(event is not None and "keyCompromise" in str(event), "RF-212 says when and why", event)
        tap.ok(Shake(at, *show(plain)).ok, "hard: a certificate that names no responder is not asked about")

        # --- our own, stapled ---
        def status(*args):
            return Shake(at, "-status", "-CAfile", root.path, *show(good), *args).text

        tap.ok(daemon.wait_event("ocsp.stapled", 10, certificate="office") is not None, "our own is asked about at the start")
        for version in ("-tls1_2", "-tls1_3"):
            text = status(version)
            tap.ok("OCSP Response Status: successful" in text and "Cert Status: good" in text,
                   f"and the answer is sent along ({version[1:]})", text[:1500])

        # --- the responder is away ---
        responder.stop()
        tap.ok(Shake(at, *show(good)).ok, "away: what is known still counts")
        s = [Shake(at, *show(late)) for _ in range(3)]
        tap.ok(not any(x.ok for x in s), "away, hard: nobody says of a new one that it is good: refused")
        tap.ok(until(5, lambda: any(e.get("code") == "RF-217" and "reached" in str(e) for e in daemon.events())
                     or not Shake(at, *show(late)).ok), "RF-217 says that the responder cannot be reached")

        def rewrite(old, new, why):
            with open(daemon.file) as f:
                text = f.read()
            with open(daemon.file, "w") as f:
                f.write(text.replace(old, new))
            tap.equal(daemon.cli("reload")[0], 0, why)

        rewrite("ocsp hard", "ocsp soft", "set to soft while it runs")
        tap.ok(until(5, lambda: Shake(at, *show(late)).ok), "away, soft: let pass")
        tap.ok(not Shake(at, *show(bad)).ok, "soft: but not who is known to be revoked")
        code, out, err = daemon.cli("reload")
        tap.ok(code == 0 and "Cert Status: good" in status(), "a reload keeps the answer that is shown", err)
        rewrite("ocsp soft", "ocsp off", "set to off")
        tap.ok(until(5, lambda: Shake(at, *show(bad)).ok), "off: nobody is asked, and what was known does not count")

        rewrite("certificate office {\n", "certificate office {\n    staple off\n", "staple off")
        tap.ok(until(5, lambda: "OCSP response: no response sent" in status()), "then none is sent along")

    # --- must-staple of our own (RFC 7633): said when it is loaded, and its state is shown ---
    responder.start()
    plainly = more.replace("ocsp hard", "ocsp off")
    promise = plainly.replace(f"file:{own.path}", f"file:{strict.path}").replace(f"file:{own.key}", f"file:{strict.key}")
    with Daemon(workers=1, more=promise.replace("certificate office {\n", "certificate office {\n    staple off\n")) as daemon:
        tap.ok("must-staple" in daemon.log_text() and "RF-217" in daemon.log_text(), "must-staple without staple is said at load",
               daemon.log_text()[-1500:])
        row = next(r for r in daemon.cli("cert", "list", json_out=True) if r.get("name") == "office")
        tap.equal((row["must_staple"], row["staple"]), (True, None), "and in `cert list`")
        tap.ok("WARN must-staple" in daemon.cli("cert", "list")[1], "in words, too", daemon.cli("cert", "list")[1])
    with Daemon(workers=1, more=promise) as daemon:
        at = ("127.0.0.1", int(daemon.ready["interfaces"]["sip-trunks"][0].rsplit(":", 1)[1]))

        def state():
            return next(r for r in daemon.cli("cert", "show", "office", json_out=True))["staple"]

        tap.ok(until(10, lambda: state()["shown"]), "its answer is fetched", state())
        s = state()
        tap.ok(s["fetched"][:4] > "2000" and s["next_update"] > s["fetched"] and s["failed"] == "", "`cert show` says when, and until when", s)
        text = Shake(at, "-status", "-CAfile", root.path, *show(plain)).text
        tap.ok("Cert Status: good" in text, "and it is sent along", text[:600])
        tap.ok("must-staple" not in daemon.log_text(), "nothing is warned of")
        tap.ok("staple       fetched" in daemon.cli("cert", "show", "office")[1], "for people", daemon.cli("cert", "show", "office")[1])
        # What our own client and the prober make of such a server.
        p = subprocess.run([RINGFENCE, "probe", f"127.0.0.1:{at[1]}", "--json", "--parallel", "1", "--cert", plain.path, "--key", plain.key],
                           capture_output=True, text=True, timeout=120)
        found = json.loads(p.stdout)
        tap.ok(found["must_staple"] and found["staple"].startswith("good"), "probe sees promise and answer", found["staple"])
        tap.equal((found["client_certificate"]["asked"], found["client_certificate"]["taken"]), (True, True),
                  "and that our certificate is taken")
    responder.stop()
    with Daemon(workers=1, more=promise) as daemon:
        row = until(10, lambda: (lambda s: s if s["failed"] else None)(
            next(r for r in daemon.cli("cert", "show", "office", json_out=True))["staple"]))
        tap.ok(row and not row["shown"] and row["failure"], "without a responder: when it failed, and why", row)
        tap.ok("WARN must-staple" in daemon.cli("cert", "list")[1], "and `cert list` warns")

    # --- lists of revoked certificates: read again when they change, and shown ---
    lists = os.path.join(folder, "lists")
    os.mkdir(lists)
    path, index = os.path.join(lists, "root.crl"), os.path.join(folder, "crl-index")
    conf = os.path.join(folder, "crl.cnf")
    with open(conf, "w") as f:
        f.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={index}\ndefault_md=sha256\ncrlnumber={folder}/crl-number\n")

    def publish(*revoked, days=7):
        number = f"{int(time.time()):x}"
        with open(os.path.join(folder, "crl-number"), "w") as f:
            f.write("0" * (len(number) % 2) + number + "\n")
        with open(index, "w") as f:
            for c in revoked:
                serial = run("openssl", "x509", "-in", c.path, "-noout", "-serial").decode().strip().split("=")[1]
                when = time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() - 3600))
                f.write("\t".join(["R", "351231235959Z", when + ",keyCompromise", serial, "unknown", "/CN=x"]) + "\n")
        run("openssl", "ca", "-config", conf, "-gencrl", "-keyfile", root.key, "-cert", root.path, "-crldays", str(days), "-out",
            path + ".new")
        os.chmod(path + ".new", 0o644)
        os.rename(path + ".new", path)

    publish()
    with Daemon(workers=2, more=plainly.replace("ocsp off", f"ocsp off\n    revocation-lists {lists}")) as daemon:
        at = ("127.0.0.1", int(daemon.ready["interfaces"]["sip-trunks"][0].rsplit(":", 1)[1]))

        def listed():
            return next(r for r in daemon.cli("cert", "list", json_out=True) if r["kind"] == "revocation-list")

        first = listed()
        tap.ok(first["issuer"] == "CN=Test Root" and first["revoked"] == 0 and first["days"] in (6, 7) and not first["stale"],
               "`cert list` shows a list: of whom, how many, until when", first)
        tap.ok(Shake(at, *show(plain)).ok, "a peer that is not on it comes in")
        publish(plain)
        tap.ok(daemon.wait_event("cert.read_again", 20) is not None, "the list changed on disk: read again by itself")
        tap.ok(until(10, lambda: not Shake(at, *show(plain)).ok), "and who is on it now is refused")
        tap.ok(daemon.wait_event("refused", 5, code="RF-212") is not None, "RF-212")
        now = listed()
        tap.ok(now["revoked"] == 1 and now["sha256"] != first["sha256"] and now["read"] >= first["read"], "`cert list` shows the new one", now)
        with open(path, "w") as f:
            f.write("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")
        time.sleep(6)
        tap.ok(not Shake(at, *show(plain)).ok and listed()["revoked"] == 1, "a list that is broken changes nothing", listed())
        tap.ok("RF-810" in daemon.log_text(), "and that is told")
        publish()
        tap.ok(until(20, lambda: Shake(at, *show(plain)).ok), "one without it lets it in again")
        tap.ok("0 revoked" in daemon.cli("cert", "list")[1] and "next update" in daemon.cli("cert", "show", listed()["name"])[1],
               "for people", daemon.cli("cert", "list")[1])

    # --- the authority withdraws our own ---
    responder.say(own, "R")
    responder.start()
    with Daemon(workers=1, more=more) as daemon:
        at = ("127.0.0.1", int(daemon.ready["interfaces"]["sip-trunks"][0].rsplit(":", 1)[1]))
        event = daemon.wait_event("refused", 10, code="RF-212")
        tap.ok(event is not None and "office" in event["msg"], "our own was revoked: that is told", daemon.log_text()[-1000:])
        text = Shake(at, "-status", *show(plain)).text
        tap.ok("no response sent" in text, "and not sent along", text[:800])

    # --- rubbish from the responder's place, and one that never answers ---
    responder.stop()
    for what, answer in (("rubbish", b"HTTP/1.0 200 OK\r\n\r\nnot an answer"), ("too much", b"HTTP/1.0 200 OK\r\n\r\n" + bytes(50000)),
                         ("an error", b"HTTP/1.0 500 No\r\n\r\n"), ("elsewhere", b"HTTP/1.0 302 See\r\nLocation: https://127.0.0.1:1/\r\n\r\n"),
                         ("silence", None)):
        with socket.socket() as place:
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            place.bind(("127.0.0.1", port))
            place.listen(8)
            place.settimeout(10)
            with Daemon(workers=1, more=more) as daemon:
                at = ("127.0.0.1", int(daemon.ready["interfaces"]["sip-trunks"][0].rsplit(":", 1)[1]))
                asked, _ = place.accept()
                asked.settimeout(5)
                head = asked.recv(4096)
                tap.ok(head.startswith(b"POST / HTTP/1.1\r\n") and b"application/ocsp-request" in head, f"{what}: the question is a POST",
                       head)
                if answer is None:
                    # A client whose authority is silent is held for three seconds; others are served meanwhile.
                    began, waits = time.time(), []
                    held = [threading.Thread(target=lambda: waits.append((Shake(at, *show(quiet)).ok, time.time() - began)))
                            for _ in range(5)]
                    for t in held:
                        t.start()
                    time.sleep(0.5)
                    times = []
                    for _ in range(5):
                        at_s = time.time()
                        tap.ok(Shake(at, *show(plain)).ok, "others come in while five are held")
                        times.append(time.time() - at_s)
                    for t in held:
                        t.join()
                    tap.ok(max(times) < 2, "and at once", times)
                    tap.ok(not any(w[0] for w in waits) and 2.5 < min(w[1] for w in waits) and max(w[1] for w in waits) < 8,
                           "who was held is refused after three seconds", waits)
                    tap.ok(any(e.get("code") == "RF-217" for e in daemon.events()), "which is RF-217")
                if answer is not None:
                    asked.sendall(answer)
                    asked.close()
                    tap.ok(daemon.wait_event("ocsp.unanswered", 10, certificate="office") is not None, f"{what}: that is told")
                tap.ok(not Shake(at, *show(quiet)).ok and Shake(at, *show(plain)).ok and "no response sent" in
                       Shake(at, "-status", *show(plain)).text, f"{what}: nobody is let in by it, and nobody else is kept waiting")
                if answer is None:
                    asked.close()
tap.done()
