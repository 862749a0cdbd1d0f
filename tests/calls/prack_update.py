#!/usr/bin/env python3
"""Reliable provisional responses (RFC 3262) and UPDATE (RFC 3311) through the daemon, with two workers, over UDP: 18x with its
PRACK on both legs, repeated until the PRACK comes; hold by UPDATE; a session refreshed by UPDATE.

# sanitizers: address thread
"""
import time

import sip
import tap
from daemon import DOMAIN, Daemon

USERS = {"203": "salt-river-08", "204": "moss-wheel-55"}


def same_call(m, call_id):
    return m.get("call-id") == call_id


def invite(end, callee, body, extra):
    """INVITE with sign-in; (Call-ID, response to wait for)."""
    return sip.call(end, "203", USERS["203"], DOMAIN, callee, body, extra=extra)


with Daemon(users=USERS, srtp={u: "off" for u in USERS}, workers=2) as daemon:
    a, b = (sip.Endpoint("udp", daemon.ports["udp"]) for _ in range(2))
    for end, user in ((a, "203"), (b, "204")):
        reply = end.register(user, USERS[user], DOMAIN)
        assert reply is not None and reply.status == 200, f"{user} could not register"

    offer = sip.sdp("127.0.0.1", 40000)
    calling = invite(a, "204", offer, ["Supported: 100rel", "Allow: INVITE, ACK, BYE, PRACK, UPDATE"])
    first = next(calling)
    request = b.wait(lambda m: m.method == "INVITE", 10)
    tap.ok(request is not None and "100rel" in request.get("supported"), "204 is told that we take reliable 18x",
           request and request.text)
    tag, contact = sip.token(4), [f"Contact: {b.contact('204')}", "Allow: INVITE, ACK, BYE, PRACK, UPDATE"]
    b.reply(request, 183, "Session Progress", tag, [*contact, "Require: 100rel", "RSeq: 4711"],
            sip.sdp("127.0.0.1", 40002))
    prack = b.wait(lambda m: m.method == "PRACK", 10)
    tap.ok(prack is not None and prack.get("rack").startswith("4711 ") and prack.get("rack").endswith(" INVITE"),
           "RFC 3262 4: its 183 is acknowledged", prack and prack.text)
    b.reply(prack, 200, "OK")
    early = first
    while early is not None and early.status < 180:
        early = next(calling)
    tap.ok(early is not None and early.status == 183 and early.get("require") == "100rel" and early.body,
           "203 gets it reliably, with a description", early and early.text)
    again = a.wait(lambda m: m.status == 183, 5)
    tap.ok(again is not None and again.octets == early.octets, "RFC 3262 3: repeated until the PRACK, octet for octet")
    dialog = sip.Dialog.of_caller(a, early)
    number = dialog.cseq
    dialog.request("PRACK", extra=[f"RAck: {early.get('rseq')} {number} INVITE"])
    reply = a.wait(lambda m: m.status and "PRACK" in m.get("cseq"), 10)
    tap.equal(reply and reply.status, 200, "its PRACK is answered 200")
    tap.ok(a.wait(lambda m: m.status == 183, 1.5) is None, "and nothing is repeated any more")

    b.reply(request, 200, "OK", tag, contact, sip.sdp("127.0.0.1", 40002))
    answer = next(calling)
    while answer is not None and answer.status < 200:
        answer = next(calling)
    tap.equal(answer and answer.status, 200, "the call is answered")
    dialog.request("ACK", cseq=number)
    tap.ok(b.wait(lambda m: m.method == "ACK", 10) is not None, "and acknowledged on both legs")
    tap.ok(a.wait(lambda m: m.status == 200 and "INVITE" in m.get("cseq"), 1.5) is None,
           "an ACK after a PRACK bears the INVITE's number and is taken")

    dialog.request("UPDATE", body=sip.sdp("127.0.0.1", 40000, extra="a=sendonly\r\n"))
    hold = b.wait(lambda m: m.method == "INVITE", 10)
    tap.ok(hold is not None and b"a=sendonly" in hold.body, "RFC 3311: an UPDATE that holds becomes a re-INVITE",
           hold and hold.text)
    b.reply(hold, 200, "OK", "", contact, sip.sdp("127.0.0.1", 40002, extra="a=recvonly\r\n"))
    reply = a.wait(lambda m: m.status and "UPDATE" in m.get("cseq") and m.status >= 200, 10)
    tap.ok(reply is not None and reply.status == 200 and b"a=recvonly" in reply.body,
           "and its answer comes back in the 200 to UPDATE", reply and reply.text)
    callee = sip.Dialog.of_callee(b, request, tag)
    callee.request("UPDATE", extra=["Supported: timer", "Session-Expires: 600;refresher=uac"])
    reply = b.wait(lambda m: m.status and "UPDATE" in m.get("cseq"), 10)
    tap.ok(reply is not None and reply.status == 200 and reply.get("session-expires") == "600;refresher=uac",
           "an UPDATE without a description refreshes the session", reply and reply.text)
    ladder = daemon.cli("ladder", "last", json_out=True)[0]["ladder"]
    said = [m["method"] for m in ladder if m["direction"] == "in" and not m.get("status")]
    tap.ok(said.count("PRACK") == 1 and said.count("UPDATE") == 2, "the ladder shows them", said)
    dialog.request("BYE")
    bye = b.wait(lambda m: m.method == "BYE", 10)
    tap.ok(bye is not None, "BYE ends it")
    b.reply(bye, 200, "OK")
    time.sleep(0.3)
    tap.equal(daemon.cli("calls", json_out=True), [], "no call is left")
    for end in (a, b):
        end.close()
tap.done()
