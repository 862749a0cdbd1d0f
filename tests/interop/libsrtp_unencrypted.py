#!/usr/bin/env python3
"""A peer on Debian's libsrtp2 that authenticates and does not encrypt (UNENCRYPTED_SRTP, UNENCRYPTED_SRTCP of RFC 4568), with
each of our back ends: refused unless media.allow-unencrypted-srtp is on, then heard both ways octet by octet, and never shown
as encrypted (TEL-29).

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
from daemon import BUILD, RINGFENCE, Daemon, config
from mixed import Mixed
from ports import free_ports

PEER = os.path.join(BUILD, "srtp2-peer")
KEY_OCTETS = {"AES_CM_128_HMAC_SHA1_80": 30, "AES_CM_128_HMAC_SHA1_32": 30, "AES_256_CM_HMAC_SHA1_80": 46, "AEAD_AES_256_GCM": 44,
              "NULL_HMAC_SHA1_80": 30, "NULL_HMAC_SHA1_32": 30}
PARAMETERS = {"rtp": "UNENCRYPTED_SRTP", "rtcp": "UNENCRYPTED_SRTCP", "both": "UNENCRYPTED_SRTP UNENCRYPTED_SRTCP"}
SWITCH = "media.allow-unencrypted-srtp"


def describe(port, suite, key, parameters):
    return (f"v=0\r\no=- 7 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/SAVP 0\r\n"
            f"a=rtpmap:0 PCMU/8000\r\na=rtcp-mux\r\na=crypto:3 {suite} inline:{key} {parameters}".rstrip() + "\r\n")


def new_key(suite):
    return base64.b64encode(secrets.token_bytes(KEY_OCTETS[suite])).decode()


def start_peer(port, body, suite, tx, rx, clear):
    host, to = rtp.peer_of(body)
    words = ["--port", str(port), "--to", f"{host}:{to}", "--suite", suite, "--tx", tx, "--rx", rx, "--seq", "65450", "--mux"]
    return subprocess.Popen([PEER, *words, *(["--clear", clear] if clear else [])], stdout=subprocess.PIPE, text=True)


def judge(name, daemon, mixed, said, near, clear, speaks):
    leg = mixed.leg_of_201()
    shown = daemon.cli("call", "show", "last")[1]
    tap.ok(said["wrong"] == 0 and said["received"] > 100 and said["refused"] <= 1,
           f"{name}: {said['library']} hears {said['received']} packets as they were spoken", said)
    tap.ok(not near.wrong and len(near.received) >= 0.95 * said["sent"],
           f"{name}: of its {said['sent']} packets {len(near.received)} are heard", leg)
    if speaks == clear:
        tap.ok(leg["in"]["rtcp"] >= 0.9 * said["rtcp_sent"] > 0, f"{name}: its SRTCP is taken", leg["in"])
    else:
        tap.ok(leg["in"]["rtcp"] == 0 and said["rtcp_sent"] > 0,
               f"{name}: SRTCP with the E bit, which was negotiated away, is refused (RFC 4568 6.3.2)", leg["in"])
    if clear == "rtcp":
        tap.ok(leg["protection"] == "SRTP" and leg["in"]["unencrypted"] == 0 == leg["out"]["clear"] and leg["weak"]
               and leg["session_parameters"] == ["UNENCRYPTED_SRTCP"], f"{name}: audio is encrypted, reports are not", leg)
        tap.ok("(UNENCRYPTED_SRTCP)" in shown and "NOT ENCRYPTED" not in shown, f"{name}: call show says so", shown)
    else:
        tap.ok(leg["protection"] == "SRTP, not encrypted" and leg["out"]["encrypted"] == 0 and leg["out"]["clear"] > 100
               and leg["in"]["unencrypted"] == leg["in"]["authentic"] == leg["in"]["clear"] == leg["in"]["packets"],
               f"{name}: authenticated, in clear, each packet", leg)
        tap.ok(f"NOT ENCRYPTED ({PARAMETERS[clear]})" in shown, f"{name}: call show says so", shown)
    tap.ok(mixed.hang_up(), f"{name}: the call ends")
    record = daemon.cli("call", "show", "last", json_out=True)[0]
    tap.ok(record["verdict_min"] != "ENCRYPTED" and record.get("code") == "RF-403", f"{name}: its record says RF-403", record)


def call(daemon, mixed, ports, suite, clear, speaks=None):
    """@param speaks  what libsrtp leaves in clear, when that is not what was negotiated"""
    port, key = next(ports), new_key(suite)
    name = f"{suite} {PARAMETERS[clear]}"
    reply, near = mixed.from_secure(describe(port, suite, key, PARAMETERS[clear]))
    line = re.search(rb"^a=crypto:(\d+) (\S+) inline:([^|\s]+)(.*)\r$", reply.body or b"", re.M)
    tap.ok(reply.status == 200 and line is not None and line[2].decode() == suite and line[4].decode() == " " + PARAMETERS[clear],
           f"{name}: answered by the same line (RFC 4568 5.1.2)", reply.body)
    if line is None:
        return
    peer = start_peer(port, reply.body, suite, key, line[3].decode(), clear if speaks is None else speaks)
    said = json.loads(peer.communicate(timeout=30)[0])
    near.stop()
    judge(name, daemon, mixed, said, near, clear, clear if speaks is None else speaks)
    near.close()


def without_cipher(daemon, mixed, ports, suite, like):
    """A suite that only authenticates. libsrtp has it as `like` with the encryption off: keys are derived alike."""
    port, key = next(ports), new_key(suite)
    reply, near = mixed.from_secure(describe(port, suite, key, ""))
    line = re.search(rb"^a=crypto:3 (\S+) inline:([^|\s]+)\r$", reply.body or b"", re.M)
    tap.ok(reply.status == 200 and line is not None and line[1].decode() == suite, f"{suite}: taken", reply.body)
    if line is None:
        return
    peer = start_peer(port, reply.body, like, key, line[2].decode(), "both")
    said = json.loads(peer.communicate(timeout=30)[0])
    near.stop()
    leg = mixed.leg_of_201()
    tap.ok(said["wrong"] == 0 and said["received"] > 100 and said["refused"] <= 1,
           f"{suite}: {said['library']} hears {said['received']} packets as they were spoken", said)
    tap.ok(not near.wrong and len(near.received) >= 0.95 * said["sent"] and leg["in"]["rtcp"] >= 0.9 * said["rtcp_sent"] > 0,
           f"{suite}: of its {said['sent']} packets {len(near.received)} are heard, and its SRTCP is taken", leg)
    tap.ok(leg["suite"] == suite and leg["protection"] == "SRTP, not encrypted" and leg["out"]["encrypted"] == 0,
           f"{suite}: authenticated, in clear", leg)
    tap.ok(mixed.hang_up(), f"{suite}: the call ends")
    near.close()


def refused(mixed, ports, suite, parameters, why):
    reply, near = mixed.from_secure(describe(next(ports), suite, new_key(suite), parameters))
    tap.ok(reply is not None and reply.status == 488 and "cause=88" in (reply.get("reason") or ""), why, reply and reply.start)
    near.close()


def with_backend(backend):
    text = config(srtp={"201": "required", "203": "off"})
    text = text.replace("media {", f"media {{\n    backend {backend}", 1)
    assert f"backend {backend}" in text, text
    with Daemon(text) as daemon:
        mixed = Mixed(daemon)
        first = free_ports(100)
        ports = iter(range(first, first + 100, 2))  # RTP and RTCP
        try:
            for parameters in PARAMETERS.values():
                refused(mixed, ports, "AES_CM_128_HMAC_SHA1_80", parameters, f"{backend}, off: {parameters} is refused")
            status, _, err = daemon.cli("set", SWITCH, "on")
            tap.ok(status == 0, f"{backend}: {SWITCH} on", err)
            daemon.cli("set", "media.crypto-suites", *KEY_OCTETS)
            for suite in ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AES_256_CM_HMAC_SHA1_80"):
                call(daemon, mixed, ports, suite, "both" if suite.endswith("_32") else "rtp")
            call(daemon, mixed, ports, "AES_CM_128_HMAC_SHA1_80", "rtcp")
            call(daemon, mixed, ports, "AEAD_AES_256_GCM", "rtcp")
            call(daemon, mixed, ports, "AES_CM_128_HMAC_SHA1_80", "both", speaks="rtp")
            for tag in ("80", "32"):
                without_cipher(daemon, mixed, ports, f"NULL_HMAC_SHA1_{tag}", f"AES_CM_128_HMAC_SHA1_{tag}")
            refused(mixed, ports, "AEAD_AES_256_GCM", "UNENCRYPTED_SRTP", "RFC 7714 8.2: SRTP with GCM is always encrypted")
            refused(mixed, ports, "AES_CM_128_HMAC_SHA1_80", "UNAUTHENTICATED_SRTP", "UNAUTHENTICATED_SRTP is refused")
            status, _, err = daemon.cli("set", SWITCH, "off")
            refused(mixed, ports, "AES_CM_128_HMAC_SHA1_80", "UNENCRYPTED_SRTP", f"{backend}: off again, refused again")
        finally:
            mixed.close()
        tap.ok(not daemon.sanitizer_reports(), f"{backend}: nothing to report", daemon.log_text()[-2000:])


def main():
    for backend in ("openssl", "ipsec-mb"):
        if backend == "openssl" or "libIPSec_MB" in subprocess.run(["ldd", RINGFENCE], capture_output=True, text=True).stdout:
            with_backend(backend)
    tap.done()


main()
