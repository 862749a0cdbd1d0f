#!/usr/bin/env python3
"""Two carriers of Kamailio and rtpengine: calls out and in over mutual TLS with SRTP, each packet's audio compared; when the
first carrier stops, calls go by the second, and come back to the first (TEL-1, TEL-18, TEL-19, TEL-21, TEL-37).

# sanitizers: address thread
"""
import os
import shutil
import tempfile
import time

import carrier as carriers
import pki
import rtp
import sip
import tap
from daemon import DOMAIN, Daemon, config, free_ports

USER = {"201": "tidal-copper-41"}
HOSTS = ("127.0.0.2", "127.0.0.3")

CONNECTION = """
sip-connection {name} {{
    type ip
    side customer
    allow {host}
    server {host}:{port};transport=tls
    trusted-certificate-store {root}
    oos-check 1s
    oos-force 2s
    inbound {{
        srtp required
    }}
    outbound {{
        srtp required
    }}
}}
"""


class Call:
    """201 calls or is called, with plain RTP on its own side."""

    def __init__(self, end, media):
        self.end, self.media, self.dialog = end, media, None

    def out(self, number):
        final = None
        for final in sip.call(self.end, "201", USER["201"], DOMAIN, number, sip.sdp("127.0.0.1", self.media.port), timeout=20):
            pass
        if final is not None and final.status == 200:
            self.dialog = sip.Dialog.of_caller(self.end, final)
            self.dialog.ack()
            self.media.start(rtp.peer_of(final.body))
        return final

    def answer(self, invite):
        contact = [f"Contact: {self.end.contact('201')}"]
        self.end.reply(invite, 200, "OK", "of201", contact, sip.sdp("127.0.0.1", self.media.port))
        self.dialog = sip.Dialog.of_callee(self.end, invite, "of201")
        self.media.start(rtp.peer_of(invite.body))

    def hang_up(self):
        self.dialog.request("BYE")
        return self.end.wait(lambda m: m.status and "BYE" in m.get("cseq"), 10)


def heard(a, b, seconds=2.0):
    """Lets both talk, and stops them: what is wrong with what they heard, nothing when all is well."""
    time.sleep(seconds)
    for m in (a, b):
        m.stop()
    return [f"{name}: {len(m.received)} of about {other.sent} packets, {len(m.wrong)} of them with other audio"
            for name, m, other in (("caller", a, b), ("called", b, a))
            if len(m.received) < 0.8 * other.sent or not m.received or m.wrong]


def leg_of(office, connection):
    record = office.cli("call", "show", "last", json_out=True)
    return next((leg for leg in record[0]["legs"] if leg.get("connection") == connection), {}) if record else {}


def is_proven(leg):
    return (leg.get("signalling", {}).get("tls_version") and leg.get("media", {}).get("protection") == "SRTP"
            and leg["media"]["in"]["authentic"] > 50 and leg["media"]["in"]["clear"] == 0)


def wait_health(office, name, want, seconds=20):
    deadline = time.time() + seconds
    while time.time() < deadline:
        row = next(r for r in office.cli("connection", "list", json_out=True) if r["name"] == name)
        if row["health"] == want:
            return True
        time.sleep(0.3)
    return False


def main():
    folder = tempfile.mkdtemp(prefix="ringfence-carriers-")
    os.chmod(folder, 0o755)
    root = pki.Cert(folder, "root", "Carriers", kind="ca")
    port = free_ports(4)
    conf = config(listen=f"udp:127.0.0.1:{port} tcp:127.0.0.1:{port} tls:127.0.0.1:{port + 1}", users=USER, srtp={"201": "off"},
                  workers=2)
    office = Daemon(text=conf)
    two = [carriers.Carrier(folder, host, f"127.0.0.1:{port + 1}", os.path.join(office.state, "ca", "ca.pem"),
                            pki.Cert(folder, host, host, issuer=root, san=[f"IP:{host}", f"URI:sip:{host}"]))
           for host in HOSTS]
    subscribers = []
    try:
        for c in two:
            c.start()
        subscribers = [carriers.Subscriber(c) for c in two]
        with open(office.file, "a") as f:
            f.write("".join(CONNECTION.format(name=f"carrier{i}", host=c.host, port=c.tls, root=root.path)
                            for i, c in enumerate(two, 1))
                    + "number +442071838750 {\n connection carrier1\n to 201\n}\nroute out {\n match +*\n"
                      " use carrier1 carrier2\n}\n")
        status, out, err = office.cli("reload")
        tap.ok(status == 0, "two carriers are added while the daemon runs", out + err)
        tap.ok(wait_health(office, "carrier1", "up") and wait_health(office, "carrier2", "up"),
               "both answer OPTIONS over mutual TLS", office.log_text()[-1500:] + two[0].log())
        calls(office, two, subscribers)
    finally:
        for s in subscribers:
            s.close()
        for c in two:
            c.stop()
        office.close()
        shutil.rmtree(folder, ignore_errors=True)
    tap.done()


def call_out(office, end, subscriber, name, what):
    media = rtp.Media(0x201)
    call = Call(end, media)
    final = call.out("+4930123456")
    tap.ok(final is not None and final.status == 200, what,
           f"{final and final.text}\n{office.log_text()[-2500:]}\n{subscriber.carrier.log()}")
    if call.dialog is not None and subscriber.media is not None:
        tap.equal(heard(media, subscriber.media), [], "each hears the other's audio, packet by packet")
        bye = call.hang_up()
        tap.ok(bye is not None and bye.status == 200, "and 201 hangs up")
        time.sleep(0.5)
        tap.ok(is_proven(leg_of(office, name)), f"the record proves TLS and SRTP on the leg of {name} (TEL-21)",
               leg_of(office, name))
    subscriber.forget()
    media.close()


def call_in(office, end, subscriber):
    media, theirs = rtp.Media(0x202), rtp.Media(0xca12)
    caller = sip.Endpoint("udp", (subscriber.carrier.host, subscriber.carrier.udp), source=(subscriber.carrier.host, 0))
    uri = f"sip:+442071838750@{office.ports['tls'][0]}"
    branch, call_id = "z9hG4bK" + sip.token(), sip.token() + "@pstn"
    caller.send(caller.request("INVITE", uri, [f"From: <sip:+4930999@carrier.example>;tag=p1", f"To: <{uri}>",
                                               f"Call-ID: {call_id}", "CSeq: 1 INVITE", f"Contact: {caller.contact('pstn')}"],
                               sip.sdp("127.0.0.1", theirs.port), branch))
    invite = end.wait(lambda m: m.method == "INVITE", 10)
    tap.ok(invite is not None, "the carrier's call for our number rings at 201 (TEL-17)",
           office.log_text()[-2500:] + subscriber.carrier.log())
    if invite is not None:
        call = Call(end, media)
        call.answer(invite)
        final = caller.wait(lambda m: m.status is not None and m.status >= 200, 10)
        tap.ok(final is not None and final.status == 200, "and is answered", final and final.text)
        dialog = sip.Dialog.of_caller(caller, final)
        dialog.ack()
        theirs.start(rtp.peer_of(final.body))
        tap.equal(heard(media, theirs), [], "each hears the other's audio, packet by packet")
        dialog.request("BYE")
        bye = end.wait(lambda m: m.method == "BYE", 10)
        tap.ok(bye is not None, "the carrier hangs up, and 201 hears of it")
        if bye is not None:
            end.reply(bye, 200, "OK")
        time.sleep(0.5)
        tap.ok(is_proven(leg_of(office, "carrier1")), "the record proves TLS and SRTP on the carrier's leg",
               leg_of(office, "carrier1"))
    for m in (media, theirs):
        m.close()
    caller.close()


def calls(office, two, subscribers):
    end = sip.Endpoint("tcp", office.ports["tcp"])
    reply = end.register("201", USER["201"], DOMAIN)
    tap.ok(reply is not None and reply.status == 200, "201 is registered")

    call_out(office, end, subscribers[0], "carrier1", "a call out by the first carrier (TEL-1)")
    call_in(office, end, subscribers[0])

    two[0].stop()
    call_out(office, end, subscribers[1], "carrier2", "the first carrier has stopped: the call goes by the second (TEL-18)")
    tap.ok(wait_health(office, "carrier1", "down"), "the first is out of rotation (RF-507)", office.log_text()[-2000:])
    began = time.time()
    call_out(office, end, subscribers[1], "carrier2", "now the second is asked first")
    tap.ok(time.time() - began < 10, "which costs the caller no time")

    two[0].start()
    tap.ok(wait_health(office, "carrier1", "up", 40), "the first is back", office.log_text()[-2000:] + two[0].log())
    call_out(office, end, subscribers[0], "carrier1", "and calls go by it again (TEL-19)")
    tap.equal(len(office.cli("calls", json_out=True)), 0, "no call is left over")
    end.close()


if __name__ == "__main__":
    main()
