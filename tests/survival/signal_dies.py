#!/usr/bin/env python3
"""kill -9 of signal while a call is up: no media packet is lost, bindings and calls are known, a BYE on a new
connection ends the call with a complete record.

# sanitizers: address
# runs alone
"""
import os
import signal
import time

import sip
import tap
from calls import PlainCall
from daemon import DOMAIN, Daemon

USERS = {"203": "salt-river-08", "204": "moss-wheel-55"}

with Daemon(users=USERS, srtp={"203": "optional", "204": "optional"}, workers=2) as daemon:
    call = PlainCall(daemon, "tcp", passwords=USERS)
    call.establish()
    time.sleep(1.5)
    before = daemon.children()
    os.kill(before["signal"], signal.SIGKILL)
    deadline = time.time() + 15
    while time.time() < deadline and daemon.children().get("signal") in (None, before["signal"]):
        time.sleep(0.05)
    after = daemon.children()
    tap.ok(after.get("signal") not in (None, before["signal"]), "a new signal process runs")
    tap.equal(after.get("media"), before["media"], "the media process is the same")
    tap.ok(call.a.receive_octets(5) == b"", "the phones' connections to the dead process are closed")

    registrations = []
    while time.time() < deadline:
        try:
            registrations = daemon.cli("registrations", json_out=True)
        except ValueError:
            pass
        if len(registrations) == 2:
            break
        time.sleep(0.2)
    tap.equal(sorted(r["user"] for r in registrations), ["203", "204"], "both bindings are there")
    calls = daemon.cli("calls", json_out=True)
    tap.equal(len(calls), 1, "the new process knows the call")

    # Both phones connect anew, as phones do.
    old_a, old_b = call.a, call.b
    call.a = sip.Endpoint("tcp", daemon.ports["tcp"])
    call.b = sip.Endpoint("tcp", daemon.ports["tcp"])
    for end, user in ((call.a, "203"), (call.b, "204")):
        reply = end.register(user, USERS[user], DOMAIN)
        tap.ok(reply is not None and reply.status == 200, f"{user} registers on a new connection")
    time.sleep(1)
    call.media_a.stop()
    call.media_b.stop()
    tap.ok(call.media_a.lost() == 0 and len(call.media_a.received) > 100,
           f"203 lost no packet of {len(call.media_a.received)}", call.media_a.lost())
    tap.ok(call.media_b.lost() == 0 and len(call.media_b.received) > 100,
           f"204 lost no packet of {len(call.media_b.received)}", call.media_b.lost())
    call.a_dialog.endpoint = call.a
    call.a_dialog.request("BYE")
    reply = call.a.wait(lambda m: m.status and "BYE" in m.get("cseq"), 10)
    tap.ok(reply is not None and reply.status == 200, "BYE on the new connection is answered 200",
           reply and reply.start)
    bye = call.b.wait(lambda m: m.method == "BYE", 10)
    tap.ok(bye is not None, "the other phone gets its BYE on its new connection")
    if bye is not None:
        call.b.reply(bye, 200, "OK")
    record = daemon.wait_event("call.record", 10)
    legs = record["record"]["legs"] if record is not None else []
    tap.ok(len(legs) == 2 and all(leg["media"]["in"]["packets"] > 100 for leg in legs)
           and record["record"]["restored"] and record["record"].get("ended_by") == "caller",
           "the call's record is complete: both legs, their packets, who ended it", record)
    time.sleep(0.5)
    tap.equal(len(daemon.cli("calls", json_out=True)), 0, "no call is left over")
    for e in (old_a, old_b):
        e.close()
    call.close()
tap.done()
