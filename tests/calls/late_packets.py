#!/usr/bin/env python3
"""Packets of a call that arrive late, again or changed: what media.replay-window says passes once, the rest is dropped and
counted, through the whole daemon (TEL-25, TEL-26).

# sanitizers: address
"""
import base64
import secrets
import socket
import struct
import subprocess
import time

import rtp
import sip
import tap
from daemon import Daemon, RINGFENCE, config
from mixed import Mixed

SUITE = "AES_CM_128_HMAC_SHA1_80"
SRTP = {"201": "required", "203": "off"}


def protected(key, seq):
    """An SRTP packet as the daemon's own command makes it."""
    packet = struct.pack("!BBHII", 0x80, 0, seq, seq * 160, 0xa1) + rtp.audio(seq)
    p = subprocess.run([RINGFENCE, "srtp", "protect", "--suite", SUITE, "--key", key, "--roc", "0"], input=packet.hex(),
                       capture_output=True, text=True, check=True)
    return bytes.fromhex(p.stdout.strip())


def play(window, late):
    """201 sends a packet that is `late` behind the highest number, twice, and a changed one. What 203 got, and the counters."""
    text = config(srtp=SRTP)
    if window != 128:
        text = text.replace("media {\n", f"media {{\n    replay-window {window}\n")
    with Daemon(text=text) as daemon:
        mixed = Mixed(daemon)
        key = base64.b64encode(secrets.token_bytes(30)).decode()
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        out.bind(("127.0.0.1", 0))
        answer, media = mixed.from_secure(sip.sdp("127.0.0.1", out.getsockname()[1], "RTP/SAVP",
                                                  f"a=crypto:1 {SUITE} inline:{key}\r\n"))
        to = rtp.peer_of(answer.body)
        changed = bytearray(protected(key, 1301))
        changed[40] ^= 1
        for packet in (protected(key, 1000), protected(key, 1300), protected(key, 1300 - late), protected(key, 1300 - late),
                       bytes(changed), protected(key, 1302)):
            out.sendto(packet, to)
            time.sleep(0.05)
        time.sleep(0.3)
        counts = mixed.leg_of_201()
        media.stop()
        mixed.hang_up()
        mixed.close()
        media.close()
        out.close()
    return media.received, media.wrong, counts


for window, late, passes in ((128, 127, True), (128, 128, False), (64, 64, False), (512, 250, True), (1024, 299, True)):
    received, wrong, counts = play(window, late)
    said = counts["in"]
    want = [1000, 1300] + ([1300 - late] if passes else []) + [1302]
    tap.equal((received, wrong), (want, []),
              f"TEL-25 window {window}: a packet {late} late {'passes, once' if passes else 'does not pass'}")
    tap.equal((said["replayed"], said["refused"]), (1 if passes else 2, 1),
              f"TEL-26 window {window}: a changed one is dropped, each is counted for what it is")
tap.done()
