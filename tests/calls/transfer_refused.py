#!/usr/bin/env python3
"""Transfers of somebody else's call are refused with RF-503 whichever worker has that call: REFER whose Replaces names it
(RFC 3515), and INVITE with Replaces (RFC 3891) by a connection. Two workers; each refusal is counted and in a record or the log.

# sanitizers: address thread
"""
import sip
import tap
from daemon import DOMAIN, Daemon, config, connection, free_ports
from phones import AutoPhone

USERS = {"201": "tidal-copper-41", "202": "birch-lamp-73", "203": "salt-river-08", "204": "moss-wheel-55"}
SSRC = {"201": 0x201, "202": 0x202, "203": 0x203, "204": 0x204}
ROUNDS = 24  # Call-IDs are random: all of them at one worker once in 2**23 runs
CARRIER = "127.0.0.2"


def refusals(daemon):
    return daemon.cli("status", json_out=True)[0]["refused"].get("RF-503", 0)


def refers(daemon, a, b, c, d):
    """202 asks that 201 be joined with whom 204 speaks to."""
    here = there = 0
    a.call("202")
    tap.ok(b.wait(lambda m: b.dialogs, 5) is not None, "201 and 202 are in a call")
    mine = b.only_call()
    for i in range(ROUNDS):
        theirs = d.call("203")
        before, since = refusals(daemon), len(b.messages)
        reply = b.refer(mine, f"sip:203@{DOMAIN}?Replaces={d.replaces(theirs)}")
        if reply.status == 202:
            last = b.wait(lambda m: m.method == "NOTIFY" and b"terminated" in (m.get("subscription-state") or "").encode(),
                          10, since=since)
            ok = last is not None and b"SIP/2.0 403" in last.body
            there += 1
        else:
            ok = reply.status == 403
            here += 1
        tap.ok(ok and refusals(daemon) == before + 1, f"RFC 3515, round {i}: 403, and RF-503 is counted once",
               (reply.start, before, refusals(daemon)))
        d.hang_up(theirs)
        c.wait_idle()
    tap.ok(here > 0 and there > 0, "both happened: calls of one worker and of two", (here, there))
    a.hang_up()
    b.wait_idle()


def replaces(daemon, a, b, port):
    """A connection names a call of two users."""
    for i in range(ROUNDS):
        call = a.call("202")
        before = refusals(daemon)
        end = sip.Endpoint("udp", daemon.ports["udp"], source=(CARRIER, 0))
        reply = end.ask(end.request("INVITE", f"sip:201@{DOMAIN}", [
            f"From: <sip:+4930999@{CARRIER}>;tag={sip.token(4)}", f"To: <sip:201@{DOMAIN}>", f"Call-ID: {sip.token()}@c",
            "CSeq: 1 INVITE", f"Contact: {end.contact('carrier')}", f"Replaces: {a.replaces(call, escaped=False)}"],
            sip.sdp(CARRIER, 40500)), lambda m: m.status and m.status >= 200, 10)
        end.close()
        tap.ok(reply is not None and reply.status == 403 and "cause=21" in (reply.get("reason") or ""),
               f"RFC 3891, round {i}: 403 with the cause of RF-503", reply and reply.start)
        tap.equal(refusals(daemon), before + 1, f"RFC 3891, round {i}: RF-503 is counted once")
        a.hang_up(call)
        b.wait_idle()
    kept = [r for r in daemon.ended(2 * ROUNDS) if r.get("code") == "RF-503"]
    tap.ok(len(kept) >= ROUNDS, "the records bear the code", len(kept))


port = free_ports(1)
text = config(listen="udp:127.0.0.1:0 tcp:127.0.0.1:0", users=USERS, srtp={u: "off" for u in USERS}, workers=2,
              more=connection("carrier", "ip", f"allow {CARRIER}", f"server {CARRIER}:{port}", "oos-check 0"))
with Daemon(text=text) as daemon:
    phones = [AutoPhone(daemon, u, USERS[u], DOMAIN, SSRC[u]) for u in USERS]
    refers(daemon, *phones)
    replaces(daemon, phones[0], phones[1], port)
    event = daemon.wait_event("refused", 5, code="RF-503")
    tap.ok(event is not None, "the log has RF-503 with what and who", event)
    tap.equal(daemon.cli("calls", json_out=True), [], "no call is left")
    for phone in phones:
        phone.close()
tap.done()
