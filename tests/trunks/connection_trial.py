#!/usr/bin/env python3
"""`ringfence connection test NAME` tries what a call over a connection needs, by the daemon's own settings, and names the code
and the fix of what is wrong: DNS with its priorities and weights, connect, TLS with chain, level, pins and client certificate,
OPTIONS, the SRTP offer and each kind of answer. The daemon serves others meanwhile, and stops while one is under way.

# sanitizers: address thread
"""
import hashlib
import json
import os
import shutil
import socket
import ssl
import tempfile
import threading
import time

import tap
from daemon import Daemon, config, free_ports
from probing import Authority, OpenSSL, free_port
from zone import Zone


def trial(daemon, name, *flags):
    """(exit status, the parsed --json)"""
    status, out, err = daemon.cli("connection", "test", name, "--json", *flags)
    return status, json.loads(out) if out.strip() else {"stderr": err, "steps": []}


def step(answer, name, target=None):
    """The first step of this name; of one target."""
    return next((s for s in answer["steps"] if s["step"] == name and (target is None or target in s.get("target", ""))), {})


def connection(name, server, *lines, kind="fqdn"):
    more = "\n    ".join(lines)
    return f"sip-connection {name} {{\n    type {kind}\n    server {server}\n    {more}\n}}\n"


class Silent:
    """A port that takes connections and says nothing."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.open = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                self.open.append(self.socket.accept()[0])
            except OSError:
                return


folder = tempfile.mkdtemp(prefix="ringfence-trial-")
ca = Authority(folder)
cert, key = ca.leaf("other", names="DNS:mutual.test")
expired, expired_key = ca.leaf("past", names="DNS:past.test", days=-1)
zone, silent = Zone(), Silent()
carrier_port, office_port, dead_port = free_ports(4), free_ports(4), free_port()


def listen(port):
    return f"udp:127.0.0.1:{port} tcp:127.0.0.1:{port} tls:127.0.0.1:{port + 1}"


with Daemon(text=config(listen=listen(carrier_port), users={"301": "x-salt-river"})) as carrier:
    root = os.path.join(carrier.state, "ca", "ca.pem")
    right = hashlib.sha256(ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", carrier_port + 1)))).hexdigest()
    trusting = f"trusted-certificate-store {root}"
    remote = "received-certificate-checks-telephony-endpoints medium-remote"
    # The carrier's certificate is for ringfence.test; its name leads to a server that is dead, and to one that serves.
    zone.naptr("ringfence.test", (10, 5, "SIPS+D2T", "_sips._tcp.ringfence.test"),
               (20, 5, "SIP+D2U", "_sip._udp.ringfence.test"))
    zone.weighted("_sips._tcp.ringfence.test", (1, 60, dead_port, "dead.ringfence.test"),
                  (2, 40, carrier_port + 1, "a.ringfence.test"))
    zone.weighted("_sip._udp.ringfence.test")
    zone.address("dead.ringfence.test", "127.0.0.1")
    zone.address("a.ringfence.test", "127.0.0.1")
    zone.address("mutual.test", "127.0.0.1")
    zone.address("past.test", "127.0.0.1")
    with OpenSSL(cert, key, "-Verify", "3", "-verify_return_error", "-CAfile", ca.path("root.pem"), chain=ca.path("inter.pem")) as mutual, \
            OpenSSL(expired, expired_key, chain=ca.path("inter.pem")) as past:
        own_root = f"trusted-certificate-store {ca.path('root.pem')}"
        local = f"127.0.0.1:{carrier_port + 1};transport=tls"
        more = (connection("good", local, trusting, remote, "inbound {\n srtp required\n}") +
                connection("names", "ringfence.test", trusting, remote, "inbound {\n sip-transport-protocol auto\n}") +
                connection("nowhere", "nowhere.test") +
                connection("stranger", local, remote) +
                connection("pinned", local, trusting, f"certificate-pin sha256:{right}") +
                connection("mistaken", local, trusting, f"certificate-pin sha256:{'0' * 64}") +
                connection("mutual", f"mutual.test:{mutual.port};transport=tls", own_root, remote) +
                connection("past", f"past.test:{past.port};transport=tls", own_root, remote) +
                connection("silent", f"127.0.0.1:{silent.port};transport=tls") +
                connection("plain", f"127.0.0.1:{carrier_port};transport=udp", "inbound {\n srtp off\n}") +
                connection("optional", local, trusting, "inbound {\n srtp optional\n}") +
                "sip-connection customer {\n    type credential\n    username cust\n    password amber-quill-19\n}\n")
        office = Daemon(text=config(listen=listen(office_port), users={"201": "x-tidal"}, workers=2, more=more,
                                    sip=f"dns-servers 127.0.0.1:{zone.port}"))
        # --- all in order ---
        status, a = trial(office, "good")
        tap.equal((status, a.get("ok")), (0, True), "a carrier that serves passes every step: exit 0")
        tap.equal([s["step"] for s in a["steps"]], ["resolve", "connect", "tls", "options", "sdp"], "the steps, in order")
        tls = step(a, "tls")
        tap.ok(tls.get("version") == "TLS 1.3" and tls.get("suite"), "version and suite", tls)
        tap.equal(tls["chain"][0]["sha256"], right, "the chain that it shows")
        tap.equal((tls["level"], "medium-remote" in tls["would_pass"]), ("medium-remote", True), "the level, and which it passes")
        tap.equal(len(tls["checks"]), 14, "every check of the engine is listed")
        tap.equal((step(a, "options").get("status"), step(a, "options").get("reason")), (200, "OK"), "OPTIONS is answered 200")
        sdp = step(a, "sdp")
        tap.equal((sdp["offer"]["profile"], [s["tag"] for s in sdp["offer"]["suites"]]),
                  ("RTP/SAVP", list(range(1, len(sdp["offer"]["suites"]) + 1))), "what we would offer (TEL-21)")
        taken = [x["answer"] for x in sdp["answers"] if x["accepted"]]
        tap.equal(len(taken), len(sdp["offer"]["suites"]), "required: an answer is taken with each offered suite, and no other")
        refused = {x["answer"]: x.get("code") for x in sdp["answers"] if not x["accepted"]}
        tap.equal((refused["RTP/AVP without a=crypto"], refused["our own line sent back"]), ("RF-304", "RF-306"),
                  "required: what other answers get (TEL-31, TEL-38)")
        tap.ok("inline" not in json.dumps(a), "no key is shown")
        status, out, err = office.cli("connection", "test", "good")
        tap.ok(status == 0 and out.count("ok    ") == 5 and "TLS 1.3" in out and "taken, encrypted" in out, "the same for people", out)

        # --- names ---
        status, a = trial(office, "names")
        asked = [(q["type"], q["name"]) for q in step(a, "resolve")["questions"]]
        tap.equal(asked[:2], [("NAPTR", "ringfence.test"), ("SRV", "_sips._tcp.ringfence.test")], "NAPTR, then SRV (RFC 3263)")
        records = step(a, "resolve")["questions"][1]["records"]
        tap.equal(sorted((r["priority"], r["weight"], r["port"], r["target"]) for r in records),
                  [(1, 60, dead_port, "dead.ringfence.test"), (2, 40, carrier_port + 1, "a.ringfence.test")],
                  "priorities and weights (TEL-18)")
        tap.equal([t["address"] for t in step(a, "resolve")["targets"]],
                  [f"127.0.0.1:{dead_port}", f"127.0.0.1:{carrier_port + 1}"], "targets, in the order of a call")
        dead = step(a, "connect", str(dead_port))
        tap.ok(status == 5 and dead.get("code") == "RF-507" and "refused" in dead.get("sentence", "").lower() and dead.get("fix"),
               "a dead target is RF-507 with the system's reason: exit 5", dead)
        tap.equal(step(a, "options", str(carrier_port + 1)).get("status"), 200, "and the next one is tried")
        status, a = trial(office, "nowhere")
        tap.equal((status, step(a, "resolve").get("code"), [s["step"] for s in a["steps"]]), (5, "RF-506", ["resolve", "sdp"]),
                  "a name that leads nowhere is RF-506")

        # --- certificates ---
        status, a = trial(office, "stranger")
        tap.ok(status == 5 and step(a, "tls").get("code") in ("RF-201", "RF-213") and "cert trust" in step(a, "tls")["fix"],
               "an authority that this connection does not trust (TEL-6)", step(a, "tls"))
        tap.ok(any(c["result"] == "fail" for c in step(a, "tls").get("checks", [])), "and which check failed")
        tap.equal(step(a, "options"), {}, "nothing is asked of a server that is refused")
        tap.equal(trial(office, "pinned")[0], 0, "the pinned certificate")
        status, a = trial(office, "mistaken")
        tap.equal((status, step(a, "tls").get("code"), step(a, "tls")["pins"]), (5, "RF-218", {"set": 1, "fits": False}),
                  "another one than the pinned is RF-218")
        status, a = trial(office, "past")
        tap.equal((status, step(a, "tls").get("code")), (5, "RF-204"), "a certificate that has ended is RF-204")
        status, a = trial(office, "mutual")
        client = step(a, "tls")["client_certificate"]
        tap.ok(client["asked"] and any("CN=root" in n for n in client["authorities"]) and client["shown"],
               "a server with mutual TLS: what it asks for, and what we show", client)
        tap.ok(status == 5 and step(a, "tls").get("code") == "RF-202" and "root" in step(a, "tls").get("causes", ""),
               "it refuses ours: RF-202 with its causes", step(a, "tls"))

        # --- without TLS ---
        status, a = trial(office, "plain")
        tap.equal((status, step(a, "options").get("status"), step(a, "sdp")["offer"]), (0, 200, {"profile": "RTP/AVP", "suites": []}),
                  "UDP, and SRTP off: RTP/AVP without suites")
        codes = {x["answer"]: x.get("code") for x in step(a, "sdp")["answers"]}
        tap.equal([c for x, c in codes.items() if "not offered" in x], ["RF-305"], "off: an answer with a=crypto is RF-305 (TEL-32)")
        status, a = trial(office, "optional")
        tap.ok(status == 0 and step(a, "sdp")["offer"]["profile"] == "RTP/AVP" and step(a, "sdp")["offer"]["suites"] and
               any(x["accepted"] and not x["encrypted"] for x in step(a, "sdp")["answers"]),
               "SRTP optional: RTP/AVP with suites (RFC 8643), and a plain answer is taken", step(a, "sdp"))
        status, a = trial(office, "customer")
        tap.equal((status, step(a, "registration").get("code")), (5, "RF-509"), "a customer that is not registered is RF-509")
        tap.equal(trial(office, "nobody")[0], 1, "a connection that there is not: exit 1")

        # --- others meanwhile ---
        result = []
        waiting = [threading.Thread(target=lambda: result.append((time.time(), trial(office, "silent")))) for _ in range(6)]
        began = time.time()
        for t in waiting:
            t.start()
        time.sleep(0.7)
        worst = 0
        for _ in range(10):
            at = time.time()
            office.cli("status")
            worst = max(worst, time.time() - at)
        with ssl._create_unverified_context().wrap_socket(socket.create_connection(("127.0.0.1", office_port + 1))) as s:
            at = time.time()
            s.sendall(b"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bKt1\r\nMax-Forwards: 70\r\n"
                      b"From: <sip:t@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: trial-1\r\nCSeq: 1 OPTIONS\r\n"
                      b"Content-Length: 0\r\n\r\n")
            s.settimeout(3)
            tap.ok(s.recv(4000).startswith(b"SIP/2.0 ") and time.time() - at < 2, "workers answer while tests wait")
        tap.ok(worst < 2.5, "so does the control socket", worst)
        for t in waiting:
            t.join()
        took = time.time() - began
        ended = [x[1] for x in result]
        slow = [x for x in ended if x[1].get("steps")]
        tap.ok(len(slow) == 4 and took < 20 and all(s == 5 and step(b, "tls").get("code") == "RF-108" for s, b in slow),
               "a server that says nothing: RF-108 within its five seconds; four tests at one time", (took, ended))
        tap.ok(sum("at one time" in x[1].get("stderr", "") for x in ended) == 2, "and the others are told so", ended)

        # --- stop while one is under way ---
        last = []
        late = threading.Thread(target=lambda: last.append(office.cli("connection", "test", "silent")))
        late.start()
        time.sleep(0.5)
        began = time.time()
        tap.ok(office.stop() and time.time() - began < 5, "the daemon stops at once while a test waits", time.time() - began)
        late.join()
        tap.ok(last and last[0][0] == 1 and "stops" in last[0][2], "and whoever waits for it is told", last)
        office.close()
shutil.rmtree(folder, ignore_errors=True)
tap.done()
