#!/usr/bin/env python3
"""Calls between raw endpoints over UDP, TCP and IPv6, with several workers: every way in which one may go and end.
After all of them no call, transaction or media port is left.

# sanitizers: address thread
"""
import sys
import time

import rtp
import sip
import tap
from daemon import DOMAIN, Daemon

USERS = {"203": "salt-river-08", "204": "moss-wheel-55", "205": "fern-gate-19"}
SRTP = {"203": "off", "204": "off", "205": "off"}
LISTEN = ("udp:127.0.0.1:0 tcp:127.0.0.1:0 tls:127.0.0.1:0 udp:[::1]:0 tcp:[::1]:0 tls:[::1]:0")
MORE = "sip {\n    ring-time 5s\n}\n"


def addresses(daemon):
    """{("tcp", 6): address}: Daemon.ports has the first of each scheme only."""
    found = {}
    for item in daemon.ready["listen"]:
        scheme, rest = item.split(":", 1)
        host, port = rest.rsplit(":", 1)
        found[scheme, 6 if "[" in host else 4] = (host.strip("[]"), int(port))
    return found


class Try:
    """203 calls 204: the steps of a call, each by the word for it."""

    def __init__(self, daemon, transport="tcp", family=4):
        where = addresses(daemon)[transport, family]
        self.daemon, self.host = daemon, "127.0.0.1" if family == 4 else "::1"
        self.a, self.b = sip.Endpoint(transport, where), sip.Endpoint(transport, where)
        for end, user in ((self.a, "203"), (self.b, "204")):
            reply = end.register(user, USERS[user], DOMAIN)
            assert reply is not None and reply.status == 200, reply and reply.start
        self.tag = sip.token(4)

    def sdp(self, port=40000):
        text = sip.sdp(self.host, port)
        return text if ":" not in self.host else text.replace("IN IP4", "IN IP6")

    def dial(self, body=None, callee="204", extra=()):
        self.calling = sip.call(self.a, "203", USERS["203"], DOMAIN, callee, self.sdp() if body is None else body, 6, extra)
        self.first = next(self.calling, None)
        return self.first

    def final(self):
        last = self.first
        while last is not None and last.status < 200:
            last = next(self.calling, None)
        return last

    def offered(self):
        self.invite = self.b.wait(lambda m: m.method == "INVITE", 5)
        return self.invite

    def accept(self, body=None):
        self.b.reply(self.invite, 200, "OK", self.tag, [f"Contact: {self.b.contact('204')}"],
                     self.sdp(42000) if body is None else body)
        self.b_dialog = sip.Dialog.of_callee(self.b, self.invite, self.tag)

    def up(self):
        self.dial()
        assert self.offered() is not None, "not called"
        self.accept()
        last = self.final()
        assert last is not None and last.status == 200, last and last.start
        self.answer = last
        self.a_dialog = sip.Dialog.of_caller(self.a, last)
        self.a_dialog.ack()
        assert self.b.wait(lambda m: m.method == "ACK", 5) is not None, "no ACK"
        return self

    def unregister(self):
        for end, user in ((self.a, "203"), (self.b, "204")):
            end.register(user, USERS[user], DOMAIN, expires=0)

    def close(self):
        try:
            self.unregister()
        except OSError:
            pass
        self.a.close()
        self.b.close()


def answered(end, method, seconds=5):
    return end.wait(lambda m: m.status and m.status >= 200 and m.get("cseq").endswith(method), seconds)


def told(end, method, seconds=5, status=200):
    """This request arrives, and is answered."""
    m = end.wait(lambda m: m.method == method, seconds)
    if m is not None and method != "ACK":
        end.reply(m, status, "OK", sip.token(4))
    return m


def plain_end(t, what):
    t.a_dialog.request("BYE")
    gone = told(t.b, "BYE")
    reply = answered(t.a, "BYE")
    return tap.ok(gone is not None and reply is not None and reply.status == 200, what, (gone, reply))


def run(daemon, transport, family):
    name = f"{transport}{family}"
    t = Try(daemon, transport, family).up()
    info = "Signal=5\r\nDuration=160\r\n"
    t.a.send(t.a.request("INFO", t.a_dialog.target, [f"From: {t.a_dialog.local}", f"To: {t.a_dialog.remote}",
                                                     f"Call-ID: {t.a_dialog.call_id}", "CSeq: 50 INFO",
                                                     "Content-Type: application/dtmf-relay"], "")
             .replace("Content-Length: 0\r\n\r\n", f"Content-Length: {len(info)}\r\n\r\n{info}"))
    t.a_dialog.cseq = 50
    m = told(t.b, "INFO")
    tap.ok(m is not None and b"Signal=5" in m.body and answered(t.a, "INFO").status == 200, f"{name}: INFO passes", m and m.text)
    t.a_dialog.request("OPTIONS")
    tap.equal(answered(t.a, "OPTIONS").status, 200, f"{name}: OPTIONS in the dialog is answered")
    t.a_dialog.request("INVITE", t.sdp().replace("t=0 0\r\n", "t=0 0\r\na=sendonly\r\n").replace("o=- 1 1", "o=- 1 2"))
    m = t.b.wait(lambda m: m.method == "INVITE", 5)
    tap.ok(m is not None and b"a=sendonly" in m.body, f"{name}: hold", m and m.text)
    t.b.reply(m, 200, "OK", t.tag, [f"Contact: {t.b.contact('204')}"], t.sdp(42000).replace("t=0 0\r\n", "t=0 0\r\na=recvonly\r\n"))
    reply = answered(t.a, "INVITE")
    t.a_dialog.ack()
    tap.ok(reply is not None and b"a=recvonly" in reply.body and t.b.wait(lambda m: m.method == "ACK", 5) is not None,
           f"{name}: held", reply and reply.text)
    time.sleep(0.2) # the caller's ACK is on its way; before it comes a new offer gets 491
    t.b_dialog.request("INVITE", t.sdp(42000))
    m = t.a.wait(lambda m: m.method == "INVITE", 5)
    if m is not None:
        t.a.reply(m, 200, "OK", "", [f"Contact: {t.a.contact('203')}"], t.sdp())
    reply = answered(t.b, "INVITE")
    t.b_dialog.ack()
    tap.ok(m is not None and reply is not None and reply.status == 200 and t.a.wait(lambda m: m.method == "ACK", 5) is not None,
           f"{name}: resumed by the other side", reply and reply.text)
    plain_end(t, f"{name}: BYE passes")
    t.close()

    t = Try(daemon, transport, family)
    t.dial()
    t.offered()
    t.b.reply(t.invite, 486, "Busy Here", t.tag)
    last = t.final()
    tap.ok(last is not None and last.status == 486, f"{name}: busy", last and last.start)

    t.dial()
    t.offered()
    t.b.reply(t.invite, 180, "Ringing", t.tag)
    t.a.wait(lambda m: m.status == 180, 5) if t.first.status != 180 else None
    branch = t.a.last_branch
    t.a.send(t.a.request("CANCEL", f"sip:204@{DOMAIN}", [f"From: {t.first.get('from')}", f"To: <sip:204@{DOMAIN}>",
                                                         f"Call-ID: {t.first.get('call-id')}", "CSeq: 2 CANCEL"], branch=branch))
    m = t.b.wait(lambda m: m.method == "CANCEL", 5)
    t.a.wait(lambda m: m.status == 200 and "CANCEL" in m.get("cseq"), 5)
    if m is not None:
        t.b.reply(m, 200, "OK", t.tag)
        t.b.reply(t.invite, 487, "Request Terminated", t.tag)
    last = t.final()
    tap.ok(m is not None and last is not None and last.status == 487, f"{name}: CANCEL", last and last.start)
    t.close()


def cross(t):
    """A re-INVITE of each side at once: the final responses that they get."""
    t.a_dialog.request("INVITE", t.sdp())
    t.b_dialog.request("INVITE", t.sdp(42000))
    codes, deadline = [], time.time() + 6
    for end in (t.a, t.b):
        while time.time() < deadline:
            m = end.receive(1)
            if m is None:
                break
            if m.method == "INVITE":
                end.reply(m, 491, "Request Pending", t.tag if end is t.b else "")
            elif m.status and m.status >= 200 and "INVITE" in m.get("cseq"):
                codes.append(m.status)
                if m.status == 200:  # without its ACK our BYE to this side would have to wait for it
                    (t.a_dialog if end is t.a else t.b_dialog).ack()
    return codes


def crossings(daemon):
    t = Try(daemon).up()
    # On a busy machine one may be answered before the other comes: then they have not crossed.
    for _ in range(10):
        codes = cross(t)
        if 491 in codes:
            break
    tap.ok(491 in codes, "re-INVITEs that cross: 491", codes)
    time.sleep(0.5)
    for end in (t.a, t.b):
        while end.receive(0.2) is not None:
            pass
    plain_end(t, "the call survives the glare")
    t.close()

    t = Try(daemon).up()
    t.a_dialog.request("BYE")
    t.b_dialog.request("BYE")
    ra, rb = answered(t.a, "BYE"), answered(t.b, "BYE")
    tap.ok(ra is not None and rb is not None and ra.status in (200, 481) and rb.status in (200, 481), "both hang up at once",
           (ra and ra.start, rb and rb.start))
    t.close()

    t = Try(daemon)
    t.dial()
    t.offered()
    t.accept()
    last = t.final()
    d = sip.Dialog.of_caller(t.a, last)
    d.cseq += 1
    d.request("BYE", cseq=d.cseq)
    reply = answered(t.a, "BYE")
    m = told(t.b, "BYE")
    tap.ok(reply is not None and reply.status == 200 and m is not None, "BYE without ACK", (reply and reply.start, m))
    t.close()

    t = Try(daemon)
    t.dial(body="")
    m = t.offered()
    tap.ok(m is not None and b"m=audio" in m.body or m is not None and m.body == b"", "an INVITE without offer goes on", m and m.text)
    t.b.reply(m, 200, "OK", t.tag, [f"Contact: {t.b.contact('204')}"], t.sdp(42000))
    last = t.final()
    tap.ok(last is not None and last.status == 200 and b"m=audio" in last.body, "its 200 bears the offer", last and last.text)
    t.a_dialog = sip.Dialog.of_caller(t.a, last)
    t.a_dialog.ack(t.sdp())
    tap.ok(t.b.wait(lambda m: m.method == "ACK", 5) is not None, "its ACK the answer")
    plain_end(t, "and it ends")
    t.close()

    t = Try(daemon)
    t.dial()
    t.offered()
    t.b.reply(t.invite, 180, "Ringing", t.tag)
    began = time.time()
    last = None
    for last in t.calling:
        pass
    m = t.b.wait(lambda m: m.method == "CANCEL", 3)
    if m is not None:
        t.b.reply(m, 200, "OK", t.tag)
        t.b.reply(t.invite, 487, "Request Terminated", t.tag)
    tap.ok(last is not None and last.status in (480, 408) and 4 < time.time() - began < 9 and m is not None,
           "nobody answers: 480 after the ring time, and the phone stops ringing", (last and last.start, time.time() - began, m))
    t.close()

def silence(daemon):
    t = Try(daemon)
    media = rtp.Media(0xa1)
    t.dial(body=t.sdp(media.port))
    t.offered()
    t.accept()
    last = t.final()
    t.a_dialog = sip.Dialog.of_caller(t.a, last)
    t.a_dialog.ack()
    t.b.wait(lambda m: m.method == "ACK", 5)
    media.start(rtp.peer_of(last.body))
    m = told(t.b, "BYE", 10)
    n = told(t.a, "BYE", 10)
    media.stop()
    media.close()
    tap.ok(m is not None and n is not None, "a leg that falls silent: both are told after media.timeout", (m, n))
    tap.ok(daemon.wait_event("refused", 2, code="RF-404") is not None, "and the log has RF-404")
    t.close()


def odd_requests(daemon):
    for transport in ("udp", "tcp"):
        e = sip.Endpoint(transport, addresses(daemon)[transport, 4])

        def ask(method, forwards=70, uri=f"sip:{DOMAIN}"):
            """The final answer, after sign-in where that is asked for."""
            call_id, more = sip.token(), []
            for n in (1, 2):
                text = e.request(method, uri, [f"From: <sip:203@{DOMAIN}>;tag=9", f"To: <{uri}>", f"Call-ID: {call_id}",
                                               f"CSeq: {n} {method}", *more])
                e.send(text.replace("Max-Forwards: 70", f"Max-Forwards: {forwards}"))
                m = e.wait(lambda m: m.status and m.status >= 200 and m.get("call-id") == call_id, 3)
                if m is None or m.status != 407:
                    return m
                value = sip.digest(m.get("proxy-authenticate"), "203", USERS["203"], method, uri)
                more = [f"Proxy-Authorization: {value}"]
            return m

        for method, want, what in (("MESSAGE", (404,), "MESSAGE to nobody"), ("SUBSCRIBE", (489,), "SUBSCRIBE to nothing"),
                                   ("PUBLISH", (489,), "PUBLISH of nothing"), ("FOO", (501,), "an unknown method"),
                                   ("BYE", (481,), "BYE of no dialog"), ("CANCEL", (481,), "CANCEL of nothing"),
                                   ("OPTIONS", (200,), "OPTIONS"), ("INFO", (481, 405), "INFO of no dialog")):
            m = ask(method)
            tap.ok(m is not None and m.status in want, f"{transport}: {what}: {want[0]}", m and m.start)
            if want[0] == 501:
                tap.ok(m is not None and "INVITE" in m.get("allow"), f"{transport}: {what}: with Allow", m and m.text)
        m = ask("INVITE", forwards=0, uri=f"sip:204@{DOMAIN}")
        tap.ok(m is not None and m.status == 483, f"{transport}: Max-Forwards 0", m and m.start)
        tap.ok(any(e.get("code") == "RF-513" and "Max-Forwards" in e.get("detail", "") for e in daemon.events())
               or "RF-513" in daemon.log_text(), f"{transport}: the log has it with its reason (RF-513)")
        m = ask("OPTIONS", forwards=0)
        tap.ok(m is not None and m.status in (200, 483), f"{transport}: OPTIONS with Max-Forwards 0 is answered", m and m.start)
        m = ask("OPTIONS", forwards=300)
        tap.ok(m is not None and m.status == 400, f"{transport}: Max-Forwards above 255 is a 400", m and m.start)
        e.close()


with Daemon(users=USERS, srtp=SRTP, listen=LISTEN, workers=3, threads=2, more=MORE) as daemon:
    steps = sys.argv[1:] or ["wire", "cross", "odd"]
    if "wire" in steps:
        for transport, family in (("udp", 4), ("tcp", 4), ("tls", 4), ("udp", 6), ("tcp", 6), ("tls", 6)):
            run(daemon, transport, family)
    if "cross" in steps:
        crossings(daemon)
        code, out, err = daemon.cli("set", "media.timeout", "2s")
        tap.equal(code, 0, "media.timeout can be set while calls are made")
        silence(daemon)
    if "odd" in steps:
        odd_requests(daemon)
    time.sleep(0.5)
    status = daemon.cli("status", json_out=True)[0]
    tap.equal(status["calls"], 0, "no call is left")
    tap.ok(daemon.wait_event("child.ended", 0) is None, "no process died")
tap.done()
