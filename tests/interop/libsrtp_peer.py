#!/usr/bin/env python3
"""A peer on Debian's libsrtp2, as FreeSWITCH, Asterisk and PJSIP use it: eleven suites, the nine of Telnyx's page among
them (8-octet tags in SRTP and SRTCP, NULL_AUTH by its switch), offered by it and by us, with SRTCP of 80 and of 32 bits.
Its AES-192 keys are derived the old way (before 2.8.0): learnt, answered in kind and shown. Audio of both directions is
compared octet by octet (TEL-20).

# sanitizers: address
# runs beside few
"""
import base64
import json
import os
import re
import secrets
import subprocess

import rtp
import tap
from daemon import BUILD, Daemon
from mixed import Mixed
from ports import free_ports

PEER = os.path.join(BUILD, "srtp2-peer")
KEY_OCTETS = {"AES_CM_128_HMAC_SHA1_80": 30, "AES_CM_128_HMAC_SHA1_32": 30, "AES_192_CM_HMAC_SHA1_80": 38,
              "AES_192_CM_HMAC_SHA1_32": 38, "AES_256_CM_HMAC_SHA1_80": 46, "AES_256_CM_HMAC_SHA1_32": 46,
              "AEAD_AES_128_GCM": 28, "AEAD_AES_256_GCM": 44, "AEAD_AES_128_GCM_8": 28, "AEAD_AES_256_GCM_8": 44,
              "AES_CM_128_NULL_AUTH": 30}


def describe(port, tag, suite, key):
    return (f"v=0\r\no=- 7 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/SAVP 0\r\n"
            f"a=rtpmap:0 PCMU/8000\r\na=rtcp-mux\r\na=crypto:{tag} {suite} inline:{key}\r\n")


def crypto_of(body):
    return re.search(rb"^a=crypto:(\d+) (\S+) inline:([^|\s]+)", body, re.M).groups()


def start_peer(port, body, suite, tx, rx, rtcp_tag, seq, *more):
    host, to = rtp.peer_of(body)
    words = ["--port", str(port), "--to", f"{host}:{to}", "--suite", suite, "--tx", tx, "--rx", rx, "--rtcp-tag",
             str(rtcp_tag), "--seq", str(seq), *more]
    return subprocess.Popen([PEER, *words], stdout=subprocess.PIPE, text=True)


def judge(name, mixed, peer, near, suite, rtcp_tag):
    said = json.loads(peer.communicate(timeout=30)[0])
    near.stop()
    leg = mixed.leg_of_201()
    tap.ok(said["wrong"] == 0 and said["received"] > 100 and said["refused"] <= 1,
           f"TEL-20 {name}: libsrtp {said['library']} hears {said['received']} packets as they were spoken", said)
    tap.ok(not near.wrong and len(near.received) >= 0.95 * said["sent"],
           f"{name}: of its {said['sent']} packets {len(near.received)} are heard", leg)
    tap.ok(leg["in"]["refused"] == 0 and leg["in"]["rtcp"] >= 0.9 * said["rtcp_sent"],
           f"{name}: its {said['rtcp_sent']} SRTCP packets are taken", leg)
    learnt = (["srtcp-tag-32"] if rtcp_tag == 32 else []) + (["aes-192-old-derivation"] if "192" in suite else [])
    tap.equal(leg.get("srtp_learnt", []), learnt, f"{name}: what was learnt is shown")
    tap.ok(mixed.hang_up(), f"{name}: the call ends")
    near.close()
    record = mixed.leg_of_201()
    tap.equal(record.get("srtp_learnt", []), learnt, f"{name}: and stands in the record")


def offered_by_peer(mixed, ports, suite, rtcp_tag):
    port, key = next(ports), base64.b64encode(secrets.token_bytes(KEY_OCTETS[suite])).decode()
    reply, near = mixed.from_secure(describe(port, 3, suite, key))
    tap.equal(reply and reply.status, 200, f"libsrtp offers {suite}: answered")
    tag, name, ours = crypto_of(reply.body)
    tap.equal((tag, name), (b"3", suite.encode()), "by one line of its tag")
    peer = start_peer(port, reply.body, suite, key, ours.decode(), rtcp_tag, 65450, "--mux")
    judge(f"offered {suite}, SRTCP {rtcp_tag}", mixed, peer, near, suite, rtcp_tag)


def offered_by_us(mixed, ports, suite, rtcp_tag):
    port, key = next(ports), base64.b64encode(secrets.token_bytes(KEY_OCTETS[suite])).decode()
    started = []

    def answer(offer):
        tag, name, ours = crypto_of(offer.encode())
        tap.equal(name.decode(), suite, f"we offer {suite}")
        started.append(start_peer(port, offer.encode(), suite, key, ours.decode(), rtcp_tag, 65300))
        return describe(port, tag.decode(), suite, key)

    reply, near = mixed.to_secure(answer)
    tap.equal(reply and reply.status, 200, f"our offer of {suite} is answered")
    judge(f"our offer {suite}, SRTCP {rtcp_tag}", mixed, started[0], near, suite, rtcp_tag)


def main():
    with Daemon(srtp={"201": "required", "203": "off"}) as daemon:
        mixed = Mixed(daemon)
        first = free_ports(100)
        ports = iter(range(first, first + 100, 2))  # RTP and RTCP
        try:
            daemon.cli("set", "media.allow-null-auth", "on")
            for suite in KEY_OCTETS:
                status, _, err = daemon.cli("set", "media.crypto-suites", suite)
                tap.ok(status == 0, f"{suite} alone is set", err)
                offered_by_peer(mixed, ports, suite, 32 if suite.endswith("_32") else 80)
                offered_by_us(mixed, ports, suite, 80)
        finally:
            mixed.close()
    tap.done()


main()
