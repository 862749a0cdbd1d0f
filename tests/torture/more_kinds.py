#!/usr/bin/env python3
"""Messages of the kinds of RFC 4475 that are not its own, and of kinds it does not have: each gets a listed outcome by UDP,
TCP and TLS, on a sanitizer build, and the daemon serves on.

# sanitizers: address thread
"""
import socket
import time

import sip
import tap
from daemon import DOMAIN, Daemon

USERS = {"203": "salt-river-08", "204": "moss-wheel-55"}
DROP, OK, BAD = None, 200, 400


def message(end, start=None, drop=(), swap=None, more=(), body=b"", length=None, method="OPTIONS", eol="\r\n"):
    """An OPTIONS, with lines left out, replaced or added. `end` is where its answer goes."""
    fields = {
        "via": f"Via: SIP/2.0/{end.transport.upper()} {end.local[0]}:{end.local[1]};branch=z9hG4bK{sip.token()};rport",
        "from": f"From: <sip:a@{DOMAIN}>;tag=1", "to": f"To: <sip:{DOMAIN}>", "id": f"Call-ID: {sip.token()}",
        "cseq": f"CSeq: 1 {method}", "hops": "Max-Forwards: 70",
        "length": f"Content-Length: {len(body) if length is None else length}"}
    fields.update(swap or {})
    lines = [start or f"{method} sip:{DOMAIN} SIP/2.0"] + [v for k, v in fields.items() if k not in drop] + list(more)
    return eol.join([*lines, "", ""]).replace("ANEW", sip.token()).encode("latin-1") + body


# What is special, how it is made, the outcomes by UDP, and by a stream when they differ ("end": the connection is closed,
# with an answer of 400 or none).
KINDS = [
    ("the plain message", {}, {OK}, None),
    # values that look odd and are right
    ("every field in its short form and odd letter case", dict(swap={
        "from": f"F:<sip:a@{DOMAIN}>;TAG=1", "to": f"t :<sip:{DOMAIN}>", "id": "I\t: ANEW", "cseq": "cSeQ:1  OPTIONS",
        "length": "l:0"}), {OK}, None),
    ("folded fields", dict(swap={"from": f"From:\r\n \"A\r\n  B\"\r\n\t<sip:a@{DOMAIN}>\r\n ;\r\n tag=1",
                                 "cseq": "CSeq:\r\n 1\r\n OPTIONS"}), {OK}, None),
    ("a From with every escape", dict(swap={"from": f'From: "\\"\\\\ <>;tag=no" <sip:%61;x=%3b@{DOMAIN}>;tag=1'}), {OK}, None),
    ("2000 octets of display name", dict(swap={"from": f'From: "{"n" * 2000}" <sip:a@{DOMAIN}>;tag=1'}), {OK}, None),
    ("100 unknown fields", dict(more=[f"X-{i}: {i}" for i in range(100)]), {OK}, None),
    ("200 unknown fields", dict(more=[f"X-{i}: {i}" for i in range(200)]), {513}, None),
    ("an unknown field of 20 kB", dict(more=["X: " + "y" * 20000]), {OK}, None),
    ("octets above 127 in a value", dict(more=["Subject: \xc3\xa9\xff\xfe"]), {OK}, None),
    ("an empty Supported", dict(more=["Supported:"]), {OK}, None),
    ("CSeq 0", dict(swap={"cseq": "CSeq: 0 OPTIONS"}), {OK}, None),
    ("CSeq 2^31-1 with zeros in front", dict(swap={"cseq": "CSeq: 0002147483647 OPTIONS"}), {OK}, None),
    ("Max-Forwards 0", dict(swap={"hops": "Max-Forwards: 0"}), {OK, 483}, None),
    ("no Max-Forwards (RFC 2543)", dict(drop=["hops"]), {OK}, None),
    ("an unknown method", dict(method="NEWMETHOD"), {405, 501, 481}, None),
    ("a method of 300 octets", dict(method="M" * 300), {405, 501, 481}, None),
    ("a method in small letters", dict(method="options"), {405, 501, 481}, None),
    ("an unknown scheme", dict(start="OPTIONS news:comp.lang.c SIP/2.0"), {OK, 404, 416}, None),
    ("a tel URI", dict(start="OPTIONS tel:+15550100 SIP/2.0"), {OK, 404, 416}, None),
    ("a Require that nobody knows", dict(more=["Require: nothing-like-it, and-this"]), {420}, None),
    ("a Proxy-Require that nobody knows", dict(more=["Proxy-Require: nothing-like-it"]), {OK, 420}, None),
    ("ten Via of others below ours", dict(more=[f"Via: SIP/2.0/UDP h{i}.invalid;branch=z9hG4bK{i}" for i in range(10)]),
     {OK}, None),
    ("ten Via in one line", dict(more=["Via: " + ", ".join(f"SIP/2.0/UDP h{i}.invalid;branch=z9hG4bK{i}" for i in range(10))]),
     {OK}, None),
    ("a Via of an unknown transport below ours", dict(more=["Via: SIP/2.0/CARRIER-PIGEON h.invalid;branch=z9hG4bK1"]), {OK}, None),
    # values that are wrong
    ("71 Via of others", dict(more=[f"Via: SIP/2.0/UDP h{i}.invalid;branch=z9hG4bK{i}" for i in range(71)]), {483, BAD}, None),
    ("CSeq 2^31", dict(swap={"cseq": "CSeq: 2147483648 OPTIONS"}), {BAD}, None),
    ("CSeq 2^64", dict(swap={"cseq": "CSeq: 18446744073709551616 OPTIONS"}), {BAD}, None),
    ("CSeq -1", dict(swap={"cseq": "CSeq: -1 OPTIONS"}), {BAD}, None),
    ("CSeq without a method", dict(swap={"cseq": "CSeq: 1"}), {BAD}, None),
    ("CSeq of another method", dict(swap={"cseq": "CSeq: 1 INVITE"}), {BAD}, None),
    ("Max-Forwards 256", dict(swap={"hops": "Max-Forwards: 256"}), {BAD}, None),
    ("Max-Forwards of letters", dict(swap={"hops": "Max-Forwards: many"}), {BAD}, None),
    ("two From", dict(more=[f"From: <sip:b@{DOMAIN}>;tag=2"]), {BAD}, None),
    ("two Call-ID", dict(more=["Call-ID: another"]), {BAD}, None),
    ("two CSeq", dict(more=["CSeq: 2 OPTIONS"]), {BAD}, None),
    ("no From", dict(drop=["from"]), {BAD}, None),
    ("no To", dict(drop=["to"]), {BAD}, None),
    ("no Call-ID", dict(drop=["id"]), {BAD}, None),
    ("an empty Call-ID", dict(swap={"id": "Call-ID:"}), {BAD}, None),
    ("no CSeq", dict(drop=["cseq"]), {BAD}, None),
    ("no Via", dict(drop=["via"]), {DROP}, {DROP, "end"}),
    ("a Via without a host", dict(swap={"via": "Via: SIP/2.0/UDP ;branch=z9hG4bK1"}), {DROP, BAD}, {DROP, BAD, "end"}),
    ("a quote without an end in From", dict(swap={"from": f'From: "A <sip:a@{DOMAIN}>;tag=1'}), {BAD}, None),
    ("an angle without an end in To", dict(swap={"to": f"To: <sip:{DOMAIN}"}), {BAD}, None),
    ("a header line without a colon", dict(more=["What is this"]), {BAD}, None),
    ("a header name with a blank", dict(more=["Bad Name: x"]), {BAD}, None),
    ("a header without a name", dict(more=[": x"]), {BAD}, None),
    ("a NUL in a value", dict(more=["Subject: a\0b"]), {BAD}, None),
    ("a bare CR in a value", dict(more=["Subject: a\rb"]), {BAD}, None),
    ("a bare LF in a value", dict(more=["Subject: a\nb"]), {BAD}, None),
    ("a Contact that is none", dict(more=["Contact: <sip:>"]), {BAD}, None),
    ("a Route that is none", dict(more=["Route: what"]), {BAD}, None),
    ("a Request-URI with a header part", dict(start=f"OPTIONS sip:{DOMAIN}?Route=%3Csip:x%3E SIP/2.0"), {BAD}, None),
    ("a Request-URI in angles", dict(start=f"OPTIONS <sip:{DOMAIN}> SIP/2.0"), {BAD}, None),
    ("a Request-URI with a blank", dict(start=f"OPTIONS sip:a b@{DOMAIN} SIP/2.0"), {BAD}, None),
    ("a port of 65536", dict(start=f"OPTIONS sip:{DOMAIN}:65536 SIP/2.0"), {BAD}, None),
    ("two blanks in the request line", dict(start=f"OPTIONS  sip:{DOMAIN} SIP/2.0"), {BAD}, None),
    ("SIP/3.0", dict(start=f"OPTIONS sip:{DOMAIN} SIP/3.0"), {505}, None),
    ("SIP/2.00", dict(start=f"OPTIONS sip:{DOMAIN} SIP/2.00"), {505, BAD}, None),
    ("HTTP", dict(start="GET / HTTP/1.1"), {BAD, DROP}, {BAD, DROP, "end"}),
    ("lines that end by LF alone", dict(eol="\n"), {DROP, BAD}, {DROP, BAD, "end"}),
    # lengths
    # by a stream the first octets of the next message complete it
    ("a body that is shorter than Content-Length", dict(body=b"abc", length=9), {BAD}, {OK, "end"}),
    ("a body that is longer than Content-Length", dict(body=b"v=0\r\n\r\n\r\n", length=3), {OK}, {OK, "end"}),
    ("Content-Length of letters", dict(length="ten"), {BAD}, {"end"}),
    ("Content-Length -1", dict(length="-1"), {BAD}, {"end"}),
    ("Content-Length 0x10", dict(length="0x10"), {BAD}, {"end"}),
    ("no Content-Length", dict(drop=["length"]), {OK}, {"end"}),
    # responses and ACK are never answered
    ("a response to nothing", dict(start="SIP/2.0 200 OK"), {DROP}, None),
    ("a response with status 99", dict(start="SIP/2.0 099 Low"), {DROP}, {DROP, "end"}),
    ("a response with status 700", dict(start="SIP/2.0 700 High"), {DROP}, {DROP, "end"}),
    ("a response with status 2147483648", dict(start="SIP/2.0 2147483648 High"), {DROP}, {DROP, "end"}),
    ("an ACK to nothing", dict(method="ACK"), {DROP}, None),
    ("a broken ACK", dict(method="ACK", drop=["from"]), {DROP}, None),
    ("a BYE to nothing", dict(method="BYE"), {481}, None),
    ("a CANCEL of nothing", dict(method="CANCEL"), {481}, None),
    ("an INFO to nothing", dict(method="INFO"), {481}, None),
    ("an INVITE in a dialog that is not", dict(method="INVITE", swap={"to": f"To: <sip:{DOMAIN}>;tag=none"}), {481}, None),
]


def outcome(end, octets):
    """(final status or None, was the connection closed)"""
    try:
        end.send(octets)
    except OSError:
        return None, True
    deadline, status, passed_over = time.time() + 3, None, False
    probe = sip.token()
    # A second message behind it tells whether the first was passed over, without waiting for silence.
    try:
        end.send(message(end, swap={"id": f"Call-ID: {probe}"}))
    except OSError:
        pass
    while time.time() < deadline:
        m = end.receive(max(deadline - time.time(), 0.01))
        if m is None:
            break
        if m.get("call-id") == probe:
            passed_over = True  # unless its answer comes from another worker, which takes a moment
            deadline = min(deadline, time.time() + 0.3)
        elif m.status and m.status >= 200 and status is None:
            status = m.status
        if passed_over and status is not None:
            return status, False
    if passed_over:
        return status, False
    end.socket.settimeout(0.5)
    try:
        closed = end.transport != "udp" and end.socket.recv(1) == b""
    except (TimeoutError, socket.timeout):
        closed = False
    except OSError:
        closed = True
    return status, closed


def listed(want, status, closed):
    return status in want and (status is not None or DROP in want) and not closed or \
        "end" in want and closed and status in (None, BAD, OK)


with Daemon(users=USERS, srtp={"203": "off", "204": "off"}, workers=2) as daemon:
    signal = daemon.children()["signal"]
    for transport in ("udp", "tcp", "tls"):
        wrong = []
        for n, (what, how, by_udp, by_stream) in enumerate(KINDS):
            end = sip.Endpoint(transport, daemon.ports[transport])
            if transport == "udp":
                # BAD is also an answer to a second datagram, so each kind has its own socket.
                want = by_udp
            else:
                want = by_stream or by_udp
            got = outcome(end, message(end, **how))
            end.close()
            if not listed(want, *got):
                wrong.append(f"{what}: {got[0] or 'no answer'}{', closed' if got[1] else ''}; want {want}")
        tap.ok(not wrong, f"{len(KINDS)} kinds of messages by {transport} get what is listed", "\n".join(wrong))
    tap.equal(daemon.children()["signal"], signal, "signal was not started anew")
    end = sip.Endpoint("udp", daemon.ports["udp"])
    reply = end.register("203", USERS["203"], DOMAIN)
    tap.ok(reply is not None and reply.status == 200, "others are served", reply and reply.start)
    end.close()
    tap.ok(daemon.stop(), "the daemon stops by itself", daemon.log_text()[-3000:])
tap.done()
