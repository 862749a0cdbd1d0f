#!/usr/bin/env python3
"""Transfers through the daemon, with two workers: blind by either side, attended and by Replaces between calls of the
same and of different workers, audio both ways after each; a transferred call survives kill -9 of signal.

# sanitizers: address thread
"""
import os
import signal
import time

import tap
from daemon import DOMAIN, Daemon
from phones import AutoPhone

USERS = {"201": "tidal-copper-41", "202": "birch-lamp-73", "203": "salt-river-08", "204": "moss-wheel-55"}
SSRC = {"201": 0x201, "202": 0x202, "203": 0x203, "204": 0x204}
ROUNDS = 6  # of each kind: Call-IDs are random, and 12 of them meet one worker alone, or two, once in 2048 runs


def number(m):
    return f"sip:{m}@{DOMAIN}"


def told(phone, text):
    return phone.wait(lambda m: m.method == "NOTIFY" and text.encode() in m.body)


def hear_each_other(a, b):
    return a.hears(b.ssrc) and b.hears(a.ssrc)


def crossed(daemon):
    """Has the only call a leg of another worker?"""
    return "comes from another worker" in daemon.cli("ladder", "last")[1]


def restart(daemon, phones):
    """kill -9 of signal; the phones connect anew with the dialogs they have."""
    before = daemon.children()
    os.kill(before["signal"], signal.SIGKILL)
    deadline = time.time() + 15
    while time.time() < deadline and daemon.children().get("signal") in (None, before["signal"]):
        time.sleep(0.05)
    time.sleep(1)
    new = []
    for old in phones:
        old.close()
        phone = AutoPhone(daemon, old.user, old.password, DOMAIN, old.ssrc)
        phone.dialogs = old.dialogs
        for dialog in phone.dialogs.values():
            dialog.endpoint = phone.end
        new.append(phone)
    return new


with Daemon(users=USERS, srtp={u: "off" for u in USERS}, workers=2, of_user={"202": "watched-by 204"}) as daemon:
    a, b, c, d = (AutoPhone(daemon, u, USERS[u], DOMAIN, SSRC[u]) for u in USERS)

    a.call("202")
    tap.ok(hear_each_other(a, b), "201 and 202 hear each other")
    reply = b.refer(b.only_call(), number("203"))
    tap.equal(reply and reply.status, 202, "RFC 3515: REFER is accepted")
    tap.ok(told(b, "SIP/2.0 100 Trying") is not None and told(b, "SIP/2.0 200 OK") is not None,
           "NOTIFY says what became of it")
    tap.ok(b.wait_idle(), "and then BYE")
    tap.ok(hear_each_other(a, c), "after a blind transfer by the callee 201 and 203 hear each other")
    invite = c.wait(lambda m: m.method == "INVITE")
    tap.equal(invite.get("referred-by"), f"<sip:202@{DOMAIN}>", "RFC 3892: the new phone is told by whom")
    calls = daemon.cli("calls", json_out=True)
    tap.equal([(x["from"], x["to"], x["transfer"]["kind"]) for x in calls], [("201", "203", "blind")],
              "one call is left, and its record says what it is")

    shown = daemon.cli("call", "show", calls[0]["id"])[1]
    tap.ok(f"transfer, blind, by 202: from call {calls[0]['transfer']['calls'][0][:8]}" in shown, "call show says so", shown)
    shown = daemon.cli("call", "show", calls[0]["transfer"]["calls"][0])[1]
    tap.ok(f"a leg went to call {calls[0]['id'][:8]}" in shown and "ended by transfer" in shown,
           "and of the call before where its leg went", shown)

    reply = a.refer(a.only_call(), number("204"))
    tap.ok(a.wait_idle() and hear_each_other(c, d), "transferred again, by the caller: 203 and 204 hear each other")

    a, b, c, d = restart(daemon, (a, b, c, d))
    calls = daemon.cli("calls", json_out=True)
    tap.equal([(x["from"], x["to"], x["restored"], x["transfer"]["by"]) for x in calls], [("203", "204", True, "201")],
              "the new process knows the call, and that it was transferred")
    reply = c.hang_up()
    tap.ok(reply is not None and reply.status == 200 and d.wait_idle(), "BYE ends it at both")

    crossings = []
    for i in range(ROUNDS):
        (a.call("202") if i % 2 == 0 else b.call("201"))
        tap.ok(b.wait(lambda m: b.dialogs, 5) is not None, f"round {i}: 202 is in a call")
        first = b.only_call()
        second = b.call("203")
        tap.ok(hear_each_other(b, c), f"round {i}: 202 asks 203")
        reply = b.refer(first, f"{number('203')}?Replaces={b.replaces(second)}")
        tap.equal(reply and reply.status, 202, f"round {i}: attended transfer is accepted")
        tap.ok(b.wait_idle(), f"round {i}: both calls of 202 end")
        tap.ok(hear_each_other(a, c), f"round {i}: 201 and 203 hear each other")
        tap.equal(daemon.cli("call", "show", "last", json_out=True)[0]["id"], daemon.cli("calls", json_out=True)[0]["id"],
                  f"round {i}: the last call is the one that is up, not one that ended within the same second")
        crossings.append(crossed(daemon))
        reply = a.hang_up()
        tap.ok(reply is not None and reply.status == 200 and c.wait_idle(), f"round {i}: one BYE ends it")

    for i in range(ROUNDS):
        a.call("202")
        tap.ok(b.wait(lambda m: b.dialogs, 5) is not None, f"RFC 3891, round {i}: 202 is in a call")
        replaces = b.replaces(b.only_call(), escaped=False)
        d.call("201", extra=[f"Replaces: {replaces}"])
        tap.ok(b.wait_idle() and hear_each_other(a, d), f"RFC 3891, round {i}: 204 has taken the place of 202")
        crossings.append(crossed(daemon))
        # Another caller has chosen the same Call-ID (RFC 3261 12: the tags tell them apart). Its call is where its
        # Call-ID says, whatever becomes of the one that moved to another worker.
        same = b.call("203", call_id=a.only_call())
        tap.ok(hear_each_other(b, c) and hear_each_other(a, d), f"round {i}: two calls with one Call-ID, all hear each other")
        reply = d.hang_up()
        tap.ok(reply is not None and reply.status == 200 and a.wait_idle() and b.dialogs and hear_each_other(b, c),
               f"round {i}: BYE ends the one that was transferred")
        reply = b.hang_up(same)
        tap.ok(reply is not None and reply.status == 200 and c.wait_idle(), f"round {i}: BYE ends the other one")

    tap.ok(True in crossings and False in crossings, "both happened: calls of one worker and of two", crossings)

    for i in range(20):
        a.call("202")
        tap.ok(b.wait(lambda m: b.dialogs, 5) is not None, "202 is in a call")
        first, second = b.only_call(), b.call("203")
        b.refer(first, f"{number('203')}?Replaces={b.replaces(second)}")
        tap.ok(b.wait_idle() and hear_each_other(a, c), "transferred once more")
        if crossed(daemon):
            break
        a.hang_up()
        c.wait_idle()
    a, b, c, d = restart(daemon, (a, b, c, d))
    reply = c.hang_up()
    tap.ok(reply is not None and reply.status == 200 and a.wait_idle(),
           "a call with a leg of another worker survives kill -9 of signal, and BYE ends it at both")
    tap.equal(daemon.cli("calls", json_out=True), [], "no call is left")
    for phone in (a, b, c, d):
        phone.close()
tap.done()
