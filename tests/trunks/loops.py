#!/usr/bin/env python3
"""A circle through a carrier's B2BUA that hides everything of ours: RF-518 ends it by our marker in Session-ID, at its first
turn when the number is the same, and Max-Forwards where the marker is dropped; calls that come back once for another number,
or bear somebody else's Session-ID, are no circle.

# sanitizers: address thread
"""
import re
import threading

import sip
import tap
from daemon import DOMAIN, Daemon, config, connection, free_ports

USER = {"201": "tidal-copper-41"}
OUT, BACK = "127.0.0.2", "127.0.0.3"


class Carrier:
    """A back-to-back user agent: each INVITE that it gets at OUT goes back to the daemon from BACK, with a Call-ID, tags, Via
    and Contact of its own. `keeps` says what it lets through."""

    def __init__(self, server, port, keeps, number=None, answers_after=None, suffix=""):
        self.keeps, self.number, self.answers_after, self.suffix = keeps, number, answers_after, suffix
        self.passes, self.finals, self.forwards, self.markers = 0, [], [], []
        self.into = sip.Endpoint("udp", server, source=(OUT, port))
        self.server, self.running = server, True
        self.threads = [threading.Thread(target=self.serve, daemon=True)]
        self.threads[0].start()

    def serve(self):
        seen = set()
        while self.running:
            m = self.into.receive(0.3)
            if m is None or m.method in (None, "ACK"):
                continue
            if m.method == "CANCEL":
                self.into.reply(m, 200, "OK", "c")
                continue
            if m.method != "INVITE":
                self.into.reply(m, 200, "OK", "c")
                continue
            key = (m.get("call-id"), m.get("cseq"))
            if key in seen:
                continue
            seen.add(key)
            self.passes += 1
            self.forwards.append(int(m.get("max-forwards")))
            self.markers.append(m.get("session-id"))
            self.into.reply(m, 100, "Trying")
            t = threading.Thread(target=self.onward, args=(m,), daemon=True)
            t.start()
            self.threads.append(t)

    def onward(self, m):
        if self.answers_after is not None and self.passes >= self.answers_after:
            self.into.reply(m, 486, "Busy Here", sip.token(4))
            return
        number = self.number or re.search(r"sip:([^@]+)@", m.start).group(1) + self.suffix
        forwards = int(m.get("max-forwards")) - 1 if "forwards" in self.keeps else 70
        end = sip.Endpoint("udp", self.server, source=(BACK, 0))
        headers = [f"From: <sip:+4930999@{BACK}>;tag={sip.token(4)}", f"To: <sip:{number}@{DOMAIN}>",
                   f"Call-ID: {sip.token()}@carrier", "CSeq: 1 INVITE", f"Contact: {end.contact('carrier')}"]
        if "marker" in self.keeps:
            headers.append(f"Session-ID: {m.get('session-id')}")
        if "uuid" in self.keeps:
            headers.append(f"Session-ID: {m.get('session-id').split(';')[0]};remote={'0' * 32}")
        if "forged" in self.keeps:
            headers.append(f"Session-ID: ff{sip.token(15)};remote={'0' * 32};passed={sip.token(16)}.x..{'.' * 40}{sip.token(16)}")
        text = end.request("INVITE", f"sip:{number}@{DOMAIN}", headers, m.body.decode())
        text = text.replace("Max-Forwards: 70", f"Max-Forwards: {forwards}")
        reply = end.ask(text, lambda r: r.status and r.status >= 200, 60)
        if reply is not None:
            self.finals.append(reply.status)
            end.send(end.request("ACK", f"sip:{number}@{DOMAIN}", [headers[0], f"To: {reply.get('to')}", headers[2],
                                                                    "CSeq: 1 ACK"], branch=end.last_branch))
            self.into.reply(m, reply.status, "No", sip.token(4))
        end.close()

    def close(self):
        self.running = False
        for t in self.threads:
            t.join(5)
        self.into.close()


def dial(daemon, number, forwards=70, seconds=60):
    end = sip.Endpoint("udp", daemon.ports["udp"])
    extra = () if forwards == 70 else (f"X-Forwards: {forwards}",)
    reply = None
    if forwards != 70:
        whole = end.request
        end.request = lambda *a, **k: whole(*a, **k).replace("Max-Forwards: 70", f"Max-Forwards: {forwards}")
    for reply in sip.call(end, "201", USER["201"], DOMAIN, number, sip.sdp("127.0.0.1", 40300), seconds, extra):
        pass
    end.close()
    return reply


def main():
    port, carrier_port = free_ports(2), free_ports(2)
    conf = config(listen=f"udp:127.0.0.1:{port}", users=USER, srtp={"201": "off"}, workers=2, more=(
        connection("out", "ip", f"allow {OUT}", f"server {OUT}:{carrier_port}", "oos-check 0", "calls-per-second 200", out="UDP")
        + connection("back", "ip", f"allow {BACK}", f"server {BACK}:{carrier_port}", "oos-check 0", "calls-per-second 200")
        + "number +4930777 {\n connection back\n to 201\n}\n"
          "route away {\n match +49*\n from 201 back\n use out\n}\n"))
    with Daemon(text=conf) as daemon:
        server = daemon.ports["udp"]
        phone = sip.Endpoint("udp", server)
        tap.equal(phone.register("201", USER["201"], DOMAIN).status, 200, "201 is registered")

        for keeps in ("marker", "uuid"):
            c = Carrier(server, carrier_port, {keeps})
            reply = dial(daemon, "+4930123")
            tap.equal((reply and reply.status, c.passes), (482, 1),
                      f"a circle through a B2BUA that hides our Call-ID and keeps the {keeps} ends with 482 at its first turn")
            c.close()

        c = Carrier(server, carrier_port, {"marker"}, suffix="1")
        reply = dial(daemon, "+4930123")
        tap.equal((reply and reply.status, c.passes), (482, 3), "one whose number is another each time ends after three passes")
        tap.ok(daemon.wait_event("refused", 2, code="RF-518") or "RF-518" in daemon.log_text(), "the log has RF-518")
        ids = [m.split(";")[0] for m in c.markers]
        tap.ok(len(set(ids)) == 3 and all(re.fullmatch(r"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}", i) for i in ids),
               "each pass has a UUID of its own (RFC 7989): nobody can tell that it is one call", c.markers)
        c.close()

        c = Carrier(server, carrier_port, {"forwards"})
        reply = dial(daemon, "+4930124", forwards=12)
        tap.ok(reply is not None and reply.status == 483 and 3 < c.passes < 12,
               "where the marker is dropped Max-Forwards ends it: 483", (reply and reply.status, c.passes, c.forwards))
        c.close()

        c = Carrier(server, carrier_port, {"forged"}, answers_after=5)
        reply = dial(daemon, "+4930125")
        tap.ok(reply is not None and reply.status == 486 and c.passes == 5,
               "somebody else's Session-ID refuses nothing", (reply and reply.status, c.passes))
        c.close()

        c = Carrier(server, carrier_port, {"marker"}, number="+4930777")
        ring = threading.Thread(target=lambda: (lambda m: m and phone.reply(m, 486, "Busy Here", "b"))(
            phone.wait(lambda m: m.method == "INVITE", 20)), daemon=True)
        ring.start()
        reply = dial(daemon, "+4930126")
        ring.join(20)
        tap.ok(reply is not None and reply.status == 486 and c.finals == [486],
               "a call that comes back to one of our users is no circle: it rings there", (reply and reply.status, c.finals))
        c.close()
        phone.close()
    tap.done()


if __name__ == "__main__":
    main()
