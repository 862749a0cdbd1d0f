#!/usr/bin/env python3
"""Descriptions as no phone should send them: keys of wrong lengths, tags that were not offered, our own key sent back,
two answers, port 0, dozens of streams, the other address family, 64 kB. Each gets its decision, and while calls are being
set up, and when they are refused, no audio is bridged and nothing leaves in clear: whoever speaks into all our ports is
heard by nobody (TEL-26, TEL-29, TEL-31, TEL-38).

# sanitizers: address
"""
import base64
import re
import secrets
import socket
import struct
import time

import rtp
import sip
import tap
from daemon import DOMAIN, PASSWORDS, Daemon
from mixed import Mixed

CM80, CM32, GCM = "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AEAD_AES_256_GCM"
PCMU = "a=rtpmap:0 PCMU/8000\r\n"


def key(octets=30):
    return base64.b64encode(secrets.token_bytes(octets)).decode()


def crypto(tag, suite, value=None, after=""):
    return f"a=crypto:{tag} {suite} inline:{value if value is not None else key()}{after}\r\n"


def sdp(port, lines, profile="RTP/SAVP", more="", address="IN IP4 127.0.0.1", head=""):
    return (f"v=0\r\no=- 7 1 {address}\r\ns=-\r\nc={address}\r\nt=0 0\r\n{head}m=audio {port} {profile} 0\r\n{PCMU}"
            f"{''.join(lines)}{more}")


VIDEO = "m=video 41000 RTP/SAVP 96\r\na=rtpmap:96 H264/90000\r\n" + crypto(1, CM80)

# What 201 offers: (what, description by its port, status, tag of the answer or None)
OFFERS = [
    ("one good line", lambda p: sdp(p, [crypto(7, CM80)]), 200, 7),
    ("a key one octet too short", lambda p: sdp(p, [crypto(1, CM80, key(29))]), 488, None),
    ("a key one octet too long", lambda p: sdp(p, [crypto(1, CM80, key(31))]), 488, None),
    ("the key of another suite", lambda p: sdp(p, [crypto(1, GCM, key(30))]), 488, None),
    ("no base64", lambda p: sdp(p, [crypto(1, CM80, "!" * 40)]), 488, None),
    ("base64 that stops in the middle", lambda p: sdp(p, [crypto(1, CM80, key()[:39])]), 488, None),
    ("an empty key", lambda p: sdp(p, [crypto(1, CM80, "")]), 488, None),
    ("a tag twice", lambda p: sdp(p, [crypto(1, CM80), crypto(1, CM32)]), 488, None),
    ("tag 0 and ten digits", lambda p: sdp(p, [crypto("0000000001", CM80)]), 488, None),
    ("unknown suites alone", lambda p: sdp(p, [crypto(1, "SM4_GCM"), crypto(2, "ROT13")]), 488, None),
    ("an unknown suite, then a good line", lambda p: sdp(p, [crypto(1, "SM4_GCM"), crypto(2, CM80)]), 200, 2),
    ("UNENCRYPTED_SRTP", lambda p: sdp(p, [crypto(1, CM80, None, " UNENCRYPTED_SRTP")]), 488, None),
    ("UNENCRYPTED_SRTP, then a good line",
     lambda p: sdp(p, [crypto(1, CM80, None, " UNENCRYPTED_SRTP"), crypto(2, CM32)]), 200, 2),
    ("RTP/SAVP without a key", lambda p: sdp(p, []), 488, None),
    ("plain RTP", lambda p: sdp(p, [], "RTP/AVP"), 488, None),
    ("plain RTP with a key", lambda p: sdp(p, [crypto(3, CM80)], "RTP/AVP"), 200, 3),
    ("DTLS", lambda p: sdp(p, ["a=setup:actpass\r\na=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\r\n"],
                           "UDP/TLS/RTP/SAVPF"), 488, None),
    ("audio at port 0", lambda p: sdp(0, [crypto(1, CM80)]), 488, None),
    ("video beside it", lambda p: sdp(p, [crypto(1, CM80)], more=VIDEO), 200, 1),
    ("video before it", lambda p: sdp(p, [crypto(4, CM80)], head=VIDEO), 200, 4),
    ("thirty streams", lambda p: sdp(p, [crypto(1, CM80)], more=VIDEO * 29), (200, 488), 1),
    ("three hundred streams", lambda p: sdp(p, [crypto(1, CM80)], more=VIDEO * 300), (488, 513), None),
    ("an IPv6 address over IPv4", lambda p: sdp(p, [crypto(1, CM80)], address="IN IP6 ::1"), (200, 488), 1),
    ("64 kB of attributes", lambda p: sdp(p, [crypto(1, CM80)], more=("a=x:" + "y" * 994 + "\r\n") * 64),
     (488, 513), None),
    ("64 kB of crypto lines", lambda p: sdp(p, [crypto(n + 1, CM80) for n in range(700)]), (200, 488, 513), 1),
]

# How 201 answers our offer: (what, answer by port and the lines (tag, suite, key) of the offer, accepted)
ANSWERS = [
    ("the second line, as it should be",
     lambda p, o: sdp(p, [crypto(o[1][0], o[1][1], key(44 if "256_GCM" in o[1][1] else 30))]), True),
    ("no key", lambda p, o: sdp(p, []), False),
    ("plain RTP", lambda p, o: sdp(p, [], "RTP/AVP"), False),
    ("a tag that was not offered", lambda p, o: sdp(p, [crypto(77, CM80)]), False),
    ("the suite of another tag", lambda p, o: sdp(p, [crypto(o[0][0], CM32 if o[0][1] != CM32 else CM80)]), False),
    ("two lines", lambda p, o: sdp(p, [crypto(o[0][0], CM80), crypto(o[4][0], CM32)]), False),
    ("our own key", lambda p, o: sdp(p, [crypto(*o[0])]), False),
    ("a key too short", lambda p, o: sdp(p, [crypto(o[0][0], o[0][1], key(29))]), False),
    ("no base64", lambda p, o: sdp(p, [crypto(o[0][0], o[0][1], "%%%%")]), False),
    ("UNENCRYPTED_SRTP", lambda p, o: sdp(p, [crypto(o[0][0], o[0][1], None, " UNENCRYPTED_SRTP")]), False),
    ("port 0", lambda p, o: sdp(0, [crypto(o[0][0], o[0][1])]), False),
    ("video beside it that was not offered", lambda p, o: sdp(p, [], more=VIDEO), False),
    ("thirty streams and no key", lambda p, o: sdp(p, [], more=VIDEO * 29), False),
    ("64 kB of attributes and no key", lambda p, o: sdp(p, [], more=("a=x:" + "y" * 994 + "\r\n") * 58), False),
    ("a key of 50 kB", lambda p, o: sdp(p, [crypto(o[0][0], o[0][1], "A" * 50000)]), False),
    ("an IPv6 address, and no key", lambda p, o: sdp(p, [], address="IN IP6 ::1"), False),
    ("a lower-case suite that was not offered", lambda p, o: sdp(p, [crypto(o[0][0], "null_hmac_sha1_80")]), False),
    ("no stream", lambda p, o: "v=0\r\no=- 7 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n", False),
]


class Ears:
    """Two sockets that speak into every port of the daemon, and hear what comes out of any."""

    def __init__(self, daemon):
        text = open(daemon.file).read()
        first, last = map(int, re.search(r"ports (\d+)-(\d+)", text).groups())
        self.ports = range(first, last + 1, 2)
        self.secure, self.plain = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for s in (self.secure, self.plain):
            s.bind(("127.0.0.1", 0))
            s.setblocking(False)
        self.seq = 0

    def shout(self, seconds=0.15):
        until = time.time() + seconds
        while time.time() < until:
            self.seq += 1
            for s, ssrc in ((self.secure, 1), (self.plain, 2)):
                packet = struct.pack("!BBHII", 0x80, 0, self.seq & 0xffff, self.seq * 160, ssrc)
                packet += rtp.audio(self.seq & 0xffff)
                for port in self.ports:
                    s.sendto(packet, ("127.0.0.1", port))
            time.sleep(0.02)

    def settle(self):
        """What a call before left on its way is no find."""
        time.sleep(0.1)
        self.heard()

    def heard(self):
        found = 0
        for s in (self.secure, self.plain):
            while True:
                try:
                    s.recv(2048)
                    found += 1
                except BlockingIOError:
                    break
        return found

    def port(self, which):
        return which.getsockname()[1]


def lines_of(text):
    return re.findall(r"^a=crypto:(\d+) (\S+) inline:([^|\s]+)", text, re.M)


def play_offer(mixed, ears, what, make, status, tag):
    ears.settle()
    calling = sip.call(mixed.secure, "201", PASSWORDS["201"], DOMAIN, "203", make(ears.port(ears.secure)))
    reply = next(calling, None)
    invite = None
    if reply is not None and reply.status < 300:
        invite = mixed.plain.wait(lambda m: m.method == "INVITE", 3)
        if invite is not None:
            ears.shout()
            tap.equal(ears.heard(), 0, f"offer, {what}: nothing is bridged while it rings")
            mixed.plain.reply(invite, 200, "OK", sip.token(4), [f"Contact: {mixed.plain.contact('203')}"],
                              sip.sdp("127.0.0.1", ears.port(ears.plain)))
        while reply is not None and reply.status < 200:
            reply = next(calling, None)
    wanted = status if isinstance(status, tuple) else (status,)
    got = reply.status if reply is not None else None
    tap.ok(got in wanted, f"offer, {what}: {got}", reply and reply.text)
    if got != 200:
        tap.ok(got != 488 or "cause=88" in reply.get("reason"), f"offer, {what}: with its reason", reply and reply.text)
        ears.shout()
        tap.equal(ears.heard(), 0, f"offer, {what}: and nothing is bridged")
        return
    answer = reply.body.decode()
    ports = [int(p) for p in re.findall(r"^m=video (\d+)", answer, re.M)]
    asked = make(1).count("m=video")
    tap.ok([t for t, _, _ in lines_of(answer)] == [str(tag)] and ports == [0] * asked,
           f"offer, {what}: one line, tag {tag}" + (f"; {asked} video streams get port 0" if asked else ""), answer)
    dialog = sip.Dialog.of_caller(mixed.secure, reply)
    dialog.ack()
    mixed.plain.wait(lambda m: m.method == "ACK", 5)
    # 203 is plain and may speak: 201 must not hear it in clear. What 201 says without its key is not bridged.
    ears.shout()
    clear = encrypted = 0
    while True:
        try:
            packet = ears.secure.recv(2048)
        except BlockingIOError:
            break
        clear += packet[12:] == rtp.audio(struct.unpack("!H", packet[2:4])[0])
        encrypted += len(packet) > 172  # a tag is behind it
    tap.equal((clear, ears.heard()), (0, 0), f"offer, {what}: no audio in clear to 201, none of 201 without its key")
    tap.ok(encrypted > 0 or "IP6" in make(1), f"offer, {what}: {encrypted} encrypted packets of 203 reach it")
    dialog.request("BYE")
    bye = mixed.plain.wait(lambda m: m.method == "BYE", 5)
    if bye is not None:
        mixed.plain.reply(bye, 200, "OK")
    mixed.secure.wait(lambda m: m.status and "BYE" in m.get("cseq"), 5)


def play_answer(mixed, ears, what, make, accepted):
    ears.settle()
    calling = sip.call(mixed.plain, "203", PASSWORDS["203"], DOMAIN, "201", sip.sdp("127.0.0.1", ears.port(ears.plain)))
    reply = next(calling, None)
    invite = mixed.secure.wait(lambda m: m.method == "INVITE", 5)
    offered = lines_of(invite.body.decode())
    ears.shout()
    early = ears.heard()
    tag = sip.token(4)
    mixed.secure.reply(invite, 200, "OK", tag, [f"Contact: {mixed.secure.contact('201')}"],
                       make(ears.port(ears.secure), offered))
    ack = mixed.secure.wait(lambda m: m.method == "ACK", 5)
    tap.ok(ack is not None and early == 0, f"answer, {what}: nothing was bridged before it came")
    if not accepted:
        bye = mixed.secure.wait(lambda m: m.method == "BYE", 5)
        tap.ok(bye is not None and "cause=88" in bye.get("reason"), f"answer, {what}: ACK, then BYE with cause 88",
               bye and bye.text)
        if bye is not None:
            mixed.secure.reply(bye, 200, "OK")
    while reply is not None and reply.status < 200:
        reply = next(calling, None)
    got = reply.status if reply is not None else None
    if not accepted:
        tap.ok(got == 488 and "cause=88" in reply.get("reason"), f"answer, {what}: the caller gets 488, cause 88", got)
        ears.shout()
        tap.equal(ears.heard(), 0, f"answer, {what}: and nothing is bridged")
        return
    tap.equal(got, 200, f"answer, {what}: the call is up")
    dialog = sip.Dialog.of_caller(mixed.plain, reply)
    dialog.ack()
    dialog.request("BYE")
    bye = mixed.secure.wait(lambda m: m.method == "BYE", 5)
    if bye is not None:
        mixed.secure.reply(bye, 200, "OK")
    mixed.plain.wait(lambda m: m.status and "BYE" in m.get("cseq"), 5)
    ears.heard()


def main():
    with Daemon(srtp={"201": "required", "203": "off"}, ports=400) as daemon:
        mixed, ears = Mixed(daemon), Ears(daemon)
        for case in OFFERS:
            if mixed.secure.receive_octets(0.01) == b"":  # what is too large may cost the connection
                mixed.close()
                mixed = Mixed(daemon)
            play_offer(mixed, ears, *case)
        for case in ANSWERS:
            play_answer(mixed, ears, *case)
        mixed.close()
    tap.done()


main()
