#!/usr/bin/env python3
"""The INVITE that Telnyx's page on TLS and SRTP shows, word for word, over TLS from a connection of type ip: answered by
one crypto line of tag 5 when that suite is preferred, with a key of our own, in the profile of the page's answer where
answer-profile says so (TEL-20, TEL-22, TEL-23, TEL-24, TEL-36).

# sanitizers: address
"""
import os
import re

import rtp
import sip
import tap
from daemon import PASSWORDS, Daemon, config
from ports import free_ports

OFFER = open(os.path.join(tap.ROOT, "tests", "data", "sdp", "telnyx-invite.sdp")).read()
PREFERRED = "AES_CM_128_HMAC_SHA1_80"

CASES = [
    # what, settings of the connection, profile of the answer, tag and suite
    ("that suite preferred, profile as offered", f"crypto-suites {PREFERRED} AES_CM_128_HMAC_SHA1_32", "RTP/AVP", 5,
     PREFERRED),
    ("that suite preferred, as the page answers", f"crypto-suites {PREFERRED}\n answer-profile savp", "RTP/SAVP", 5,
     PREFERRED),
    ("as it comes: the strongest of the nine", "", "RTP/AVP", 1, "AEAD_AES_256_GCM_8"),
    ("the 32-bit one alone", "crypto-suites AES_CM_128_HMAC_SHA1_32", "RTP/AVP", 8, "AES_CM_128_HMAC_SHA1_32"),
    ("the ninth line, where it is allowed", "crypto-suites AES_CM_128_NULL_AUTH\n allow-null-auth on", "RTP/AVP", 9,
     "AES_CM_128_NULL_AUTH"),
]


def crypto_of(body):
    return re.findall(r"^a=crypto:(\d+) (\S+) inline:(\S+)", body.decode(), re.M)


def invite(end, number, body):
    call_id = sip.token() + "@seed"
    end.send(end.request("INVITE", f"sip:{number}@127.0.0.1", [
        f"From: <sip:+15550100@127.0.0.1>;tag={sip.token(4)}", f"To: <sip:{number}@127.0.0.1>", f"Call-ID: {call_id}",
        "CSeq: 1 INVITE", f"Contact: {end.contact('trunk')}"], body))
    return call_id


def play(what, settings, profile, tag, suite):
    port = free_ports(2)
    text = config(listen=f"tcp:127.0.0.1:{port} tls:127.0.0.1:{port + 1}", srtp={"203": "off"}, more=f"""
sip-connection carrier {{
    type ip
    side customer
    allow 127.0.0.1
    server 127.0.0.1:{port + 1};transport=tls
    {settings}
}}
number +442071838750 {{
    connection carrier
    to 203
}}
""")
    with Daemon(text=text) as daemon:
        phone = sip.Endpoint("tcp", daemon.ports["tcp"])
        phone.register("203", PASSWORDS["203"], "ringfence.test")
        carrier = sip.Endpoint("tls", daemon.ports["tls"])
        media = rtp.Media(0xb1)
        offer = OFFER.replace("{address}", "127.0.0.1").replace("\n", "\r\n")
        call_id = invite(carrier, "+442071838750", offer)
        ringing = phone.wait(lambda m: m.method == "INVITE", 10)
        if not tap.ok(ringing is not None, f"{what}: the phone rings", carrier.receive(1) or daemon.log_text()[-1500:]):
            return
        tap.ok(b"a=crypto" not in ringing.body and b"RTP/AVP" in ringing.body,
               f"{what}: the phone, without SRTP, is offered none")
        answer = sip.sdp("127.0.0.1", media.port)
        to_tag = sip.token(4)
        contact = [f"Contact: {phone.contact('203')}"]
        phone.reply(ringing, 183, "Session Progress", to_tag, contact, answer)
        early = carrier.wait(lambda m: m.status and m.status > 100 and m.get("call-id") == call_id, 10)
        phone.reply(ringing, 200, "OK", to_tag, contact, answer)
        final = carrier.wait(lambda m: m.status and m.status >= 200 and m.get("call-id") == call_id, 10)
        tap.equal((early and early.status, final and final.status), (183, 200), f"{what}: 183, then 200")
        lines = crypto_of(final.body)
        tap.equal([(int(t), s) for t, s, _ in lines], [(tag, suite)], f"{what}: one crypto line, tag {tag}")
        tap.equal(crypto_of(early.body), lines, f"{what}: the same in the 183 (TEL-24)")
        offered = {key for _, _, key in crypto_of(offer.encode())}
        tap.ok(len(offered) == 9 and lines[0][2] not in offered, f"{what}: by a key that is none of the nine offered")
        m = re.search(rb"^m=audio (\d+) (\S+) 0 101", final.body, re.M)
        tap.ok(m is not None and int(m.group(1)) > 0 and m.group(2).decode() == profile, f"{what}: under {profile}",
               final.text)
        sip.Dialog.of_caller(carrier, final).ack()
        phone.close()
        carrier.close()
        media.close()


for case in CASES:
    play(*case)
tap.done()
