#!/usr/bin/env python3
"""RFC 3891 3 through the daemon, with two workers: a lamp says that a phone rings, another user's phone picks the call up with
what the lamp told, in calls of the same and of different workers; audio both ways, the phone that rang is cancelled. Who may
not is refused (RF-503), and a call that is answered is nobody's but its parties'.

# sanitizers: address thread
"""
import re
import threading

import sip
import tap
from daemon import DOMAIN, PASSWORDS, Daemon
from phones import AutoPhone
from watch import Subscription

USERS = {"201": "tidal-copper-41", "202": "birch-lamp-73", "203": "salt-river-08", "204": "moss-wheel-55"}
SSRC = {"201": 0x201, "202": 0x202, "203": 0x203, "204": 0x204}
ROUNDS = 12  # Call-IDs are random, and 12 of them meet one worker alone, or two, once in 2048 runs


def name_of(text):
    """What Replaces says of the dialog that a lamp shows: its remote party, we, is who is asked (RFC 3891 3)."""
    one = lambda attribute: re.search(rf'{attribute}="([^"]+)"', text).group(1)  # noqa: E731
    return f"{one('call-id')};to-tag={one('remote-tag')};from-tag={one('local-tag')}"


def refused(phone, callee, extra):
    try:
        phone.call(callee, extra=extra)
    except AssertionError as why:
        return str(why)
    return "it was accepted"


with Daemon(users=USERS, srtp={u: "off" for u in USERS}, workers=2, of_user={"202": "watched-by 203"}) as daemon:
    a, b, c, d = (AutoPhone(daemon, u, USERS[u], DOMAIN, SSRC[u]) for u in USERS)
    watcher = sip.Endpoint("tcp", daemon.ports["tcp"])
    PASSWORDS.update(USERS)  # with which watch.ask signs in
    lamp = Subscription(watcher, "203", "202")
    tap.ok(lamp.reply is not None and lamp.reply.status == 200, "203 watches 202")
    b.rings = True
    crossings = []
    for i in range(ROUNDS):
        caller = threading.Thread(target=a.call, args=("202",), daemon=True)
        caller.start()
        early = lamp.state("<state>early</state>")
        tap.ok(early is not None, f"round {i}: the lamp shows that 202 rings")
        if i == 0:
            why = refused(d, "202", [f"Replaces: {name_of(early)}"])
            tap.ok("403" in why, "who may not watch may not pick up (RF-503)", why)
            tap.ok(b.ringing, "and the phone rings on")
        c.call("202", extra=[f"Replaces: {name_of(early)}", "Require: replaces"])
        caller.join(10)
        tap.ok(not caller.is_alive() and a.hears(c.ssrc) and c.hears(a.ssrc), f"round {i}: 201 and 203 hear each other")
        tap.ok(b.wait(lambda m: m.method == "CANCEL" and "cause=200" in m.get("reason")) is not None and not b.ringing,
               f"round {i}: 202 rings no more")
        calls = daemon.cli("calls", json_out=True)
        tap.equal([(x["from"], x["to"], x.get("picked_up_by")) for x in calls], [("201", "202", "203")],
                  f"round {i}: one call, and its record says who picked it up")
        crossings.append("from another worker" in daemon.cli("ladder", calls[0]["id"])[1])
        b.messages.clear()
        reply = (a if i % 2 == 0 else c).hang_up()
        tap.ok(reply is not None and reply.status == 200 and a.wait_idle() and c.wait_idle(),
               f"round {i}: one BYE ends it")
    tap.ok(True in crossings and False in crossings, "both happened: calls of one worker and of two", crossings)

    b.rings = False
    a.call("202")
    tap.ok(b.wait(lambda m: b.dialogs, 5) is not None, "202 speaks")
    why = refused(d, "201", [f"Replaces: {b.replaces(b.only_call(), escaped=False)}"])
    tap.ok("403" in why, "a call that is answered is not for whoever knows its names (RF-503)", why)
    tap.ok(a.hears(b.ssrc) and b.hears(a.ssrc), "and goes on")
    a.hang_up()
    tap.ok(b.wait_idle(), "it ends like any")
    tap.equal(daemon.cli("calls", json_out=True), [], "no call is left")
    for phone in (a, b, c, d):
        phone.close()
    watcher.close()
tap.done()
