#!/usr/bin/env python3
"""TLS of signalling and encryption of media are two settings of a connection: with TLS demanded and SRTP off a call
with plain RTP completes, heard both ways; over UDP it is refused, and with SRTP required it is. TEL-11.

# sanitizers: address
"""
import time

import exposition
import rtp
import sip
import tap
from daemon import DOMAIN, Daemon, config

USERS = {"203": "salt-river-08"}
CARRIER = "127.0.0.9"
NUMBER = "+442071838750"


def settings(srtp):
    return config(listen="udp:127.0.0.1:0 tls:127.0.0.1:0", users=USERS, srtp={"203": "off"}, more=f"""
sip-connection carrier {{
    type ip
    side customer
    allow {CARRIER}
    server {CARRIER}:5061
    inbound {{
        sip-transport-protocol TLS
        srtp {srtp}
    }}
}}
number {NUMBER} {{
    connection carrier
    to 203
}}
""")


def invite(end, port):
    """The text of an INVITE with plain RTP, and its Call-ID."""
    call_id = sip.token() + "@carrier"
    return end.request("INVITE", f"sip:{NUMBER}@{DOMAIN}", [
        f"From: <sip:+4930123456@{CARRIER}>;tag={sip.token(4)}", f"To: <sip:{NUMBER}@{DOMAIN}>",
        f"Call-ID: {call_id}", "CSeq: 1 INVITE", f"Contact: {end.contact('carrier')}"],
        sip.sdp(CARRIER if port is None else "127.0.0.1", port or 40100)), call_id


def refused(daemon, transport):
    """What a call gets that must not ring."""
    end = sip.Endpoint(transport, daemon.ports[transport], source=(CARRIER, 0))
    text, call_id = invite(end, None)
    reply = end.ask(text, lambda m: m.status and m.status >= 200 and m.get("call-id") == call_id)
    end.close()
    return reply.status if reply is not None else None


with Daemon(text=settings("off")) as daemon:
    phone = sip.Endpoint("udp", daemon.ports["udp"])
    tap.equal(phone.register("203", USERS["203"], DOMAIN).status, 200, "a phone that knows no SRTP is registered")
    carrier = sip.Endpoint("tls", daemon.ports["tls"], source=(CARRIER, 0))
    theirs, ours = rtp.Media(0xa1), rtp.Media(0xb1)
    text, call_id = invite(carrier, theirs.port)
    carrier.send(text)
    ringing = phone.wait(lambda m: m.method == "INVITE", 10)
    tap.ok(ringing is not None and b"RTP/AVP" in ringing.body and b"a=crypto" not in ringing.body,
           "a call over TLS with plain RTP rings", ringing and ringing.text)
    tag = sip.token(4)
    phone.reply(ringing, 200, "OK", tag, [f"Contact: {phone.contact('203')}"], sip.sdp("127.0.0.1", ours.port))
    final = carrier.wait(lambda m: m.status and m.status >= 200 and m.get("call-id") == call_id, 10)
    tap.ok(final is not None and final.status == 200 and b"RTP/AVP" in final.body and b"a=crypto" not in final.body,
           "TEL-11 TLS on, SRTP off: the call is answered without SRTP", final and final.text)
    dialog = sip.Dialog.of_caller(carrier, final)
    dialog.ack()
    theirs.start(rtp.peer_of(final.body))
    ours.start(rtp.peer_of(ringing.body))
    time.sleep(2)
    for m in (theirs, ours):
        m.stop()
    tap.ok(len(theirs.received) > 60 and len(ours.received) > 60 and theirs.lost() == 0 and ours.lost() == 0,
           "TEL-11 and both sides hear each other in plain RTP", f"{len(theirs.received)} {len(ours.received)}")
    dialog.request("BYE")
    bye = carrier.wait(lambda m: m.status and "BYE" in m.get("cseq"), 5)
    tap.equal(bye and bye.status, 200, "until it ends")
    record = daemon.cli("call", "show", "last", json_out=True)
    tap.ok(record and "TLS" in str(record[0]["legs"]), "its record says TLS", record)
    deadline = time.time() + 15  # nobody answers our BYE at the phone, so the record waits for a while
    while (m := exposition.of_command(daemon)).sum("ringfence_calls_total") == 0 and time.time() < deadline:
        time.sleep(0.2)
    media = {leg.get("connection", ""): leg["media"] for leg in daemon.cli("call", "show", "last", json_out=True)[0]["legs"]}
    tap.equal((m.sum("ringfence_calls_total"), m.sum("ringfence_calls_total", connection="carrier", direction="inbound",
                                                     outcome="answered", verdict="clear")), (1, 1),
              "the metrics have it: by this connection, answered, in clear")
    tap.equal([m.sum("ringfence_rtp_cleartext_packets_total", connection=k, direction=way) for k in media for way in ("in", "out")],
              [leg[way]["clear"] for leg in media.values() for way in ("in", "out")],
              "and its packets in clear, those of the connection under its name")
    tap.equal(refused(daemon, "udp"), 503, "the same call over UDP is refused: TLS is still demanded")
    for e in (phone, carrier):
        e.close()
    for m in (theirs, ours):
        m.close()

with Daemon(text=settings("required")) as daemon:
    phone = sip.Endpoint("udp", daemon.ports["udp"])
    tap.equal(phone.register("203", USERS["203"], DOMAIN).status, 200, "the same with srtp required")
    tap.equal(refused(daemon, "tls"), 488, "with SRTP required the same call over TLS is refused: two settings")
    phone.close()
tap.done()
