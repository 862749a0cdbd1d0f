#!/usr/bin/env python3
"""The daemon asks authorities whether certificates are still good (OCSP): of peers by security.ocsp, of its own to send the
answer along. The responder is OpenSSL's, on loopback.

# sanitizers: address
"""
import os
import re
import socket
import subprocess
import tempfile
import time

import tap
from daemon import Daemon, free_ports
from pki import Cert, Shake, run


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
    good, bad, late, quiet = (Cert(folder, n, f"{n}.test", root, san=[f"DNS:{n}.test"], more=aia)
                              for n in ("good", "bad", "late", "quiet"))
    plain = Cert(folder, "plain", "plain.test", root, san=["DNS:plain.test"])
    own = Cert(folder, "own", "pbx.test", root, san=["DNS:pbx.test"], more=aia)
    responder = Responder(folder, root, port)
    for cert, state in ((good, "V"), (bad, "R"), (late, "V"), (own, "V")):
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
        s = Shake(at, *show(good))
        first = s.ok
        tap.ok(until(10, lambda: Shake(at, *show(good)).ok), "hard: a good peer comes in once its authority has answered",
               daemon.log_text()[-1500:])
        if not first:
            tap.ok(daemon.wait_event("refused", 5, code="RF-217") is not None, "RF-217 tells of the one that came before the answer")
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
                if answer is not None:
                    asked.sendall(answer)
                    asked.close()
                    tap.ok(daemon.wait_event("ocsp.unanswered", 10, certificate="office") is not None, f"{what}: that is told")
                tap.ok(not Shake(at, *show(quiet)).ok and Shake(at, *show(plain)).ok and "no response sent" in
                       Shake(at, "-status", *show(plain)).text, f"{what}: nobody is let in by it, and nobody else is kept waiting")
                if answer is None:
                    asked.close()
tap.done()
