#!/usr/bin/env python3
"""What changes while a connection lives, with real sockets, certificates and a DNS server: its name leads elsewhere when the
records end (TEL-1, TEL-18), its server falls silent and comes back (RF-507), it calls faster than it may (RF-512), and its
certificate proves who it is from an address that nobody knows (TEL-1).

# sanitizers: address thread
"""
import os
import tempfile
import threading
import time

import sip
import tap
from daemon import DOMAIN, Daemon, config, connection, free_ports
from pki import Cert
from zone import Zone

USER = {"201": "tidal-copper-41"}
FIRST, SECOND = "127.0.0.11", "127.0.0.12"
LIVE, SPARE, FAST = "127.0.0.21", "127.0.0.22", "127.0.0.31"


class Server:
    """A carrier's server: answers OPTIONS while it is well, and 486 to every INVITE."""

    def __init__(self, server, host, port):
        self.end = sip.Endpoint("udp", server, source=(host, port))
        self.is_well, self.invites, self.running = True, set(), True
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while self.running:
            m = self.end.receive(0.3)
            if m is None:
                continue
            if m.method == "OPTIONS" and self.is_well:
                self.end.reply(m, 200, "OK", "h")
            elif m.method == "INVITE":
                self.invites.add(m.get("call-id"))
                self.end.reply(m, 486, "Busy Here", "h")

    def close(self):
        self.running = False


def invite(end, number, wait=5):
    """The final status of a call that is not paid for: 480 is our user without a phone, 407 a stranger; None: silence."""
    text = end.request("INVITE", f"sip:{number}@{DOMAIN}",
                       [f"From: <sip:+4930999@x.example>;tag={sip.token(4)}", f"To: <sip:{number}@{DOMAIN}>",
                        f"Call-ID: {sip.token()}@t", "CSeq: 1 INVITE", f"Contact: {end.contact('x')}"],
                       sip.sdp("127.0.0.1", 40000))
    reply = end.ask(text, lambda m: m.status and m.status >= 200, wait)
    return reply.status if reply else None


def from_host(server, host, number):
    end = sip.Endpoint("udp", server, source=(host, 0))
    status = invite(end, number)
    end.close()
    return status


def until(seconds, holds):
    deadline = time.time() + seconds
    while time.time() < deadline:
        if holds():
            return True
        time.sleep(0.3)
    return holds()


def health(daemon, name):
    return next(r for r in daemon.cli("connection", "list", json_out=True) if r["name"] == name).get("health")


def names(daemon, zone):
    server = daemon.ports["udp"]
    tap.ok(until(15, lambda: from_host(server, FIRST, "100") == 480), "who calls from where the name leads is the connection")
    tap.equal(from_host(server, SECOND, "100"), 407, "another host is a stranger")
    zone.address("carrier.test", SECOND)
    tap.ok(until(30, lambda: from_host(server, SECOND, "100") == 480),
           "the name leads elsewhere: its new address is the connection when the records' time is over (TEL-18)")
    tap.equal(from_host(server, FIRST, "100"), 407, "the old address is a stranger now (TEL-1)")
    zone.records.pop(("carrier.test", 1))
    tap.ok(until(30, lambda: from_host(server, SECOND, "100") == 407), "a name that leads nowhere lets nobody in")


def servers(daemon, live, spare):
    def dial():
        before = len(live.invites), len(spare.invites)
        end = sip.Endpoint("udp", daemon.ports["udp"])
        last = None
        for last in sip.call(end, "201", USER["201"], DOMAIN, "5551", sip.sdp("127.0.0.1", 40002), 20):
            pass
        end.close()
        return last and last.status, len(live.invites) - before[0], len(spare.invites) - before[1]

    tap.ok(until(15, lambda: health(daemon, "live") == "up"), "a server that answers OPTIONS is up", health(daemon, "live"))
    tap.equal(dial(), (486, 1, 0), "the first connection of the route has the call")
    live.is_well = False
    tap.ok(until(20, lambda: health(daemon, "live") == "down"), "without answers it goes out of rotation")
    tap.ok(daemon.wait_event("refused", 1, code="RF-507") or "RF-507" in daemon.log_text(), "and the log has RF-507")
    tap.equal(dial(), (486, 0, 1), "the second one has the call at once")
    live.is_well = True
    tap.ok(until(20, lambda: health(daemon, "live") == "up"), "it answers again: it is back")
    tap.equal(dial(), (486, 1, 0), "and has the next call")


def burst(server, n):
    """Statuses of n calls that begin at once."""
    end = sip.Endpoint("udp", server, source=(FAST, 0))
    answers = {}
    for i in range(n):
        end.send(end.request("INVITE", f"sip:300@{DOMAIN}", [
            f"From: <sip:+4930999@x.example>;tag={sip.token(4)}", f"To: <sip:300@{DOMAIN}>", f"Call-ID: {i}-{sip.token()}@t",
            "CSeq: 1 INVITE", f"Contact: {end.contact('x')}"], sip.sdp(FAST, 40000)))
    while len(answers) < n and (m := end.receive(5)) is not None:
        if m.status and m.status >= 200:
            answers[m.get("call-id")] = m
    end.close()
    return answers.values()


def rates(daemon):
    for what in ("20 calls at once", "and again a second later"):
        answers = burst(daemon.ports["udp"], 20)
        passed = [m for m in answers if m.status == 480]
        refused = [m for m in answers if m.status == 503 and m.get("retry-after")]
        tap.ok(len(answers) == 20 and 5 <= len(passed) <= 7 and len(refused) == 20 - len(passed),
               f"{what}: calls-per-second 5 lets five in, the others hear 503 with Retry-After",
               (len(answers), len(passed), len(refused)))
        time.sleep(1.3)
    tap.ok("RF-512" in daemon.log_text() and "calls-per-second" in daemon.log_text(), "the log names the limit (RF-512)")


def certificates(port, folder, root, strange):
    def by(cert):
        try:
            end = sip.Endpoint("tls", ("127.0.0.1", port), cert=cert and (cert.path, cert.key))
            status = invite(end, "400")
            end.close()
            return status
        except OSError:
            return "no connection"

    proves = Cert(folder, "sbc", "sbc", issuer=root, san=["DNS:sbc.partner.test"])
    other = Cert(folder, "other", "other", issuer=root, san=["DNS:other.partner.test"])
    wild = Cert(folder, "wild", "wild", issuer=root, san=["DNS:*.partner.test"])
    forged = Cert(folder, "forged", "forged", issuer=strange, san=["DNS:sbc.partner.test"])
    tap.equal(by(proves), 480, "a certificate that speaks for the connection's host is who calls, from whatever address (TEL-1)")
    tap.equal(by(other), None, "one for another name is a stranger's, who gets no answer")
    tap.equal(by(wild), None, "a wildcard speaks for nobody (RFC 5922 7.2)")
    tap.equal(by(None), None, "no certificate: a stranger")
    tap.ok(by(forged) in (None, "no connection"), "the right name from an authority that nobody trusts proves nothing")


def main():
    port, trunks, carrier = free_ports(4), free_ports(4), free_ports(2)
    zone = Zone(ttl=1)
    zone.address("carrier.test", FIRST)
    zone.address("sbc.partner.test", "127.0.0.99")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        root = Cert(folder, "root", "Partner Root", kind="ca")
        strange = Cert(folder, "strange", "Strange Root", kind="ca")
        conf = config(listen=f"udp:127.0.0.1:{port}", users=USER, srtp={"201": "off"}, workers=2,
                      sip=f"dns-servers 127.0.0.1:{zone.port}", more=f"""
sip-trunks {{
    listen tls:127.0.0.1:{trunks}
    client-certificate optional
    trusted-certificate-store {root.path}
}}
""" + connection("named", "fqdn", "server carrier.test:5080", "oos-check 0")
                      + connection("live", "ip", f"allow {LIVE}", f"server {LIVE}:{carrier}", "oos-check 1s", "oos-force 2s")
                      + connection("spare", "ip", f"allow {SPARE}", f"server {SPARE}:{carrier}", "oos-check 0")
                      + connection("fast", "ip", f"allow {FAST}", f"server {FAST}", "oos-check 0", "calls-per-second 5")
                      + connection("partner", "fqdn", "server sbc.partner.test", "oos-check 0",
                                   f"trusted-certificate-store {root.path}") + """
number 100 {
    connection named
    to 201
}
number 300 {
    connection fast
    to 201
}
number 400 {
    connection partner
    to 201
}
route out {
    match 5*
    use live spare
}
""")
        with Daemon(text=conf) as daemon:
            live, spare = (Server(daemon.ports["udp"], h, carrier) for h in (LIVE, SPARE))
            servers(daemon, live, spare)
            rates(daemon)
            certificates(trunks, folder, root, strange)
            names(daemon, zone)
            live.close()
            spare.close()
    tap.done()


if __name__ == "__main__":
    main()
