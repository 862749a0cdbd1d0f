#!/usr/bin/env python3
"""Session descriptions that phones do not send: each INVITE gets a listed outcome, by UDP and by TCP. "rings": it reached
the other phone, which declined.

# sanitizers: address thread
"""
import threading

import sip
import tap
from daemon import DOMAIN, Daemon

USERS = {"203": "salt-river-08", "204": "moss-wheel-55"}
HEAD = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
M = "m=audio 40000 RTP/AVP 0\r\n"
RINGS, REFUSED, TOO_LARGE = 486, {488, 400}, {400, 413, 488, 513}
CASES = [
    ("a plain one", HEAD + M, {RINGS}),
    ("lines that end by LF alone", (HEAD + M).replace("\r\n", "\n"), {RINGS} | REFUSED),
    ("no line end at the end", (HEAD + M)[:-2], {RINGS} | REFUSED),
    ("c= in the media alone", HEAD.replace("c=IN IP4 127.0.0.1\r\n", "") + M + "c=IN IP4 127.0.0.1\r\n", {RINGS}),
    ("no c= at all", HEAD.replace("c=IN IP4 127.0.0.1\r\n", "") + M, REFUSED),
    ("a c= of a group of hosts", HEAD.replace("c=IN IP4 127.0.0.1", "c=IN IP4 224.2.1.1/127") + M, {RINGS} | REFUSED),
    ("a c= of a host name", HEAD.replace("c=IN IP4 127.0.0.1", "c=IN IP4 phone.invalid") + M, {RINGS} | REFUSED),
    ("0.0.0.0 (hold of RFC 2543)", HEAD.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0") + M, {RINGS}),
    ("an IPv6 address said to be IPv4", HEAD.replace("c=IN IP4 127.0.0.1", "c=IN IP4 ::1") + M, {RINGS} | REFUSED),
    ("port 0", HEAD + M.replace("40000", "0"), REFUSED),
    ("port 65536", HEAD + M.replace("40000", "65536"), REFUSED),
    ("port -1", HEAD + M.replace("40000", "-1"), REFUSED),
    ("port 10^20", HEAD + M.replace("40000", "1" + "0" * 20), REFUSED),
    ("40000/2 ports", HEAD + M.replace("40000", "40000/2"), {RINGS} | REFUSED),
    ("no formats", HEAD + "m=audio 40000 RTP/AVP\r\n", REFUSED),
    ("format 128", HEAD + M.replace(" 0\r", " 128\r"), {RINGS} | REFUSED),
    ("200 formats", HEAD + "m=audio 40000 RTP/AVP " + " ".join(str(i % 128) for i in range(200)) + "\r\n", {RINGS} | REFUSED),
    ("no m=", HEAD, {RINGS} | REFUSED),
    ("video alone", HEAD + "m=video 40000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n", REFUSED),
    ("three m= lines", HEAD + M + "m=video 40002 RTP/AVP 96\r\n" + M.replace("40000", "40004"), {RINGS}),
    ("1000 m= lines", HEAD + M * 1000, {RINGS} | TOO_LARGE),
    ("the audio behind a refused one", HEAD + M.replace("40000", "0") + M, {RINGS}),
    ("an unknown profile", HEAD + M.replace("RTP/AVP", "RTP/QQQ"), REFUSED),
    ("DTLS alone", HEAD + M.replace("RTP/AVP", "UDP/TLS/RTP/SAVP"), REFUSED),
    ("SAVP with a key in clear", HEAD + M.replace("RTP/AVP", "RTP/SAVP") +
     "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40 + "\r\n", {RINGS} | REFUSED),
    ("SAVP with a key that is too short", HEAD + M.replace("RTP/AVP", "RTP/SAVP") +
     "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n", REFUSED),
    ("SAVP with 200 keys", HEAD + M.replace("RTP/AVP", "RTP/SAVP") + "".join(
        f"a=crypto:{i} AES_CM_128_HMAC_SHA1_80 inline:{'A' * 40}\r\n" for i in range(1, 201)), {RINGS} | TOO_LARGE),
    ("v=1", HEAD.replace("v=0", "v=1") + M, REFUSED),
    ("no v=", HEAD[5:] + M, REFUSED),
    ("no o=", HEAD.replace("o=- 1 1 IN IP4 127.0.0.1\r\n", "") + M, {RINGS} | REFUSED),
    ("an o= with numbers of 100 digits", HEAD.replace("- 1 1", "- " + "9" * 100 + " " + "9" * 100) + M, {RINGS} | REFUSED),
    ("the lines in another order", M + HEAD, REFUSED),
    ("a NUL", HEAD + M + "a=x\0y\r\n", {RINGS} | REFUSED),
    ("octets above 127", HEAD.replace("s=-", "s=\u00e9\u4e2d") + M, {RINGS}),
    ("a line without =", HEAD + M + "what\r\n", REFUSED | {RINGS}),
    ("a line of 8 kB", HEAD + M + "a=x:" + "y" * 8000 + "\r\n", {RINGS} | TOO_LARGE),
    ("2000 attributes", HEAD + M + "a=x:1234567\r\n" * 2000, {RINGS} | TOO_LARGE),
    ("60 kB", HEAD + M + "a=x:" + "y" * 60000 + "\r\n", {RINGS} | TOO_LARGE),
    ("no text at all", "\x01\x02\x03" * 100, REFUSED),
    ("a blank", " ", REFUSED),
]


def decline(phone, stop):
    while not stop.is_set():
        m = phone.receive(0.2)
        if m is not None and m.method == "INVITE":
            phone.reply(m, 486, "Busy Here", "x")


with Daemon(users=USERS, srtp={"203": "optional", "204": "optional"}, workers=2,
            more="security {\n    strict-keys off\n}\n") as daemon:
    signal = daemon.children()["signal"]
    phone = sip.Endpoint("udp", daemon.ports["udp"])
    phone.register("204", USERS["204"], DOMAIN)
    stop = threading.Event()
    answers = threading.Thread(target=decline, args=(phone, stop))
    answers.start()
    for transport in ("udp", "tcp"):
        wrong = []
        for what, text, want in CASES:
            caller = sip.Endpoint(transport, daemon.ports[transport])
            last = None
            for last in sip.call(caller, "203", USERS["203"], DOMAIN, "204", text, timeout=8):
                pass
            # A datagram has room for 65507 octets, and the credentials take some of it.
            if last is None or last.status not in want:
                wrong.append(f"{what}: {last.start if last else 'no answer'}; want {want}")
            caller.close()
        tap.ok(not wrong, f"{len(CASES)} odd descriptions by {transport} get what is listed", "\n".join(wrong))
    stop.set()
    answers.join()
    phone.close()
    tap.equal(daemon.children()["signal"], signal, "signal was not started anew")
    tap.equal(len(daemon.cli("calls", json_out=True)), 0, "no call is left over")
    tap.ok(daemon.stop(), "the daemon stops by itself", daemon.log_text()[-3000:])
tap.done()
