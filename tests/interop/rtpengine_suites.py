#!/usr/bin/env python3
"""Debian's rtpengine as the SRTP side of a call, with each of its twelve suites, offered by it and by us: the audio of
both directions is compared octet by octet. The two suites that encrypt nothing are refused; where allow-unencrypted-srtp is on
they are taken from it, never offered, and never called encrypted (TEL-20, TEL-28, TEL-29).

# sanitizers: address
# runs beside few
"""
import re
import tempfile

import rtp
import sip
import tap
from daemon import Daemon
from mixed import Mixed, wait_heard
from rtpengine import Rtpengine

SUITES = ["AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_256_CM_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_32",
          "AES_192_CM_HMAC_SHA1_80", "AES_192_CM_HMAC_SHA1_32", "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32",
          "F8_128_HMAC_SHA1_80", "F8_128_HMAC_SHA1_32"]
NULL_SUITES = ["NULL_HMAC_SHA1_80", "NULL_HMAC_SHA1_32"]
ENOUGH = 60  # packets each way


def crypto_of(sdp):
    return re.findall(r"^a=crypto:(\d+) (\S+) inline:(\S+)", sdp, re.M)


def compare(name, mixed, suite, far, near):
    heard = wait_heard((far, near), ENOUGH)
    leg = mixed.leg_of_201()
    near.stop()
    far.stop()
    tap.ok(heard and not far.wrong and not near.wrong,
           f"{name} {suite}: {len(far.received)} and {len(near.received)} packets are heard as they were spoken",
           (far.wrong, near.wrong, leg))
    tap.ok(leg.get("suite") == suite and leg["in"]["authentic"] >= ENOUGH and leg["in"]["refused"] == 0
           and leg["out"]["encrypted"] >= ENOUGH and leg["in"]["clear"] == leg["out"]["clear"] == 0,
           f"{name} {suite}: and the daemon counts them as authentic and encrypted", leg)
    tap.ok(mixed.hang_up(), f"{name} {suite}: the call ends")
    far.close()
    near.close()


def offered_by_rtpengine(engine, mixed, suite, number):
    far = rtp.Media(0xa1, interval=0.005)
    offer = engine.describe("offer", f"in-{number}", sip.sdp("127.0.0.1", far.port), "RTP/SAVP")
    offered = {s for _, s, _ in crypto_of(offer)}
    if number == 0:
        tap.equal(offered, {*SUITES, *NULL_SUITES}, "rtpengine offers its twelve suites")
    reply, near = mixed.from_secure(offer)
    tap.equal(reply and reply.status, 200, f"offer {suite}: the call is answered")
    answer = reply.body.decode()
    tap.equal([s for _, s, _ in crypto_of(answer)], [suite], f"offer {suite}: it is the one that the answer takes")
    back = engine.describe("answer", f"in-{number}", answer, "RTP/AVP", to_tag="b")
    far.start(rtp.peer_of(back.encode()))
    compare("offer", mixed, suite, far, near)


def offered_by_us(engine, mixed, suite, number):
    far = rtp.Media(0xa1, interval=0.005)
    towards = {}

    def answer(offer):
        towards["offered"] = [s for _, s, _ in crypto_of(offer)]
        towards["sdp"] = engine.describe("offer", f"out-{number}", offer, "RTP/AVP")
        return engine.describe("answer", f"out-{number}", sip.sdp("127.0.0.1", far.port), "RTP/SAVP", to_tag="b")

    reply, near = mixed.to_secure(answer)
    tap.equal((reply and reply.status, towards.get("offered")), (200, [suite]), f"our offer of {suite} is answered")
    far.start(rtp.peer_of(towards["sdp"].encode()))
    compare("our offer", mixed, suite, far, near)


def without_cipher(engine, mixed, suite):
    """rtpengine 10.5.3 dies of its first packet under such a suite, so that it never gets our answer; its audio is in
    src/relay/relay_test.c."""
    others = [f"no-{s}" for s in SUITES + NULL_SUITES if s != suite]
    offer = engine.describe("offer", f"clear-{suite}", sip.sdp("127.0.0.1", 30000), "RTP/SAVP", others)
    reply, near = mixed.from_secure(offer)
    tap.equal((reply.status, [s for _, s, _ in crypto_of(reply.body.decode())]), (200, [suite]),
              f"TEL-29 {suite}, allowed: it is taken")
    leg = mixed.leg_of_201()
    tap.ok(leg.get("suite") == suite and leg["protection"] == "SRTP, not encrypted" and leg["weak"],
           f"TEL-29 {suite}: and called not encrypted", leg)
    tap.ok(mixed.hang_up(), f"TEL-29 {suite}: the call ends")
    near.close()


def main():
    with tempfile.TemporaryDirectory() as folder, Daemon(srtp={"201": "required", "203": "off"}) as daemon:
        engine = Rtpengine(folder)
        mixed = Mixed(daemon)
        try:
            for number, suite in enumerate(SUITES):
                status, _, err = daemon.cli("set", "media.crypto-suites", suite)
                tap.ok(status == 0, f"{suite} alone is set", err)
                offered_by_rtpengine(engine, mixed, suite, number)
                offered_by_us(engine, mixed, suite, number)
            daemon.cli("set", "media.crypto-suites", *SUITES, *NULL_SUITES)
            for suite in NULL_SUITES:
                others = [f"no-{s}" for s in SUITES + NULL_SUITES if s != suite]
                offer = engine.describe("offer", f"null-{suite}", sip.sdp("127.0.0.1", 30000), "RTP/SAVP", others)
                tap.equal([s for _, s, _ in crypto_of(offer)], [suite], f"rtpengine offers {suite} alone")
                reply, media = mixed.from_secure(offer)
                tap.ok(reply is not None and reply.status == 488 and "cause=88" in reply.get("reason"),
                       f"TEL-29 {suite} encrypts nothing: 488 and cause 88, although it stands in the list",
                       reply and reply.text)
                media.close()
            status, _, err = daemon.cli("set", "media.allow-unencrypted-srtp", "on")
            tap.ok(status == 0, "SRTP that is not encrypted is allowed", err)
            for suite in NULL_SUITES:
                without_cipher(engine, mixed, suite)
            offered = []
            mixed.to_secure(lambda offer: offered.extend(s for _, s, _ in crypto_of(offer)) or sip.sdp("127.0.0.1", 30000))
            tap.equal(offered, SUITES, "TEL-29 and we offer none of the two even so")
        finally:
            mixed.close()
            engine.close()
    tap.done()


main()
