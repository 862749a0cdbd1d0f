#!/usr/bin/env python3
"""The longest names that a configuration may hold, a domain of 253 octets and a user of 63: he registers, is called and has a
record. What is accepted must also work.

# sanitizers: address
"""
import sip
import tap
from daemon import DOMAIN, Daemon, config

LONG = ".".join(["d" * 63, "e" * 63, "f" * 63, "g" * 61])
CALLER, CALLED = "c" * 63, "u" * 63
USERS = {CALLER: "salt-river-08", CALLED: "moss-wheel-55"}
text = config(users=USERS, srtp={u: "optional" for u in USERS}).replace(f"domain {DOMAIN}", f"domain {LONG}")
assert len(LONG) == 253
with Daemon(text=text) as daemon:
    ends = {u: sip.Endpoint("udp", daemon.ports["udp"]) for u in USERS}
    for user, end in ends.items():
        reply = end.register(user, USERS[user], LONG)
        tap.ok(reply is not None and reply.status == 200, f"user {user[0]}...: registers", reply and reply.text)
    tap.equal(sorted(r["user"] for r in daemon.cli("registrations", json_out=True)), sorted(USERS), "both are listed")
    responses = sip.call(ends[CALLER], CALLER, USERS[CALLER], LONG, CALLED, sip.sdp("127.0.0.1", 40000), timeout=5)
    first = next(responses)
    invite = ends[CALLED].wait(lambda m: m.method == "INVITE", 5)
    tap.ok(invite is not None and CALLER in invite.get("from"), "the call rings", first and first.start)
    if invite is not None:
        ends[CALLED].reply(invite, 486, "Busy Here", "x")
    last = first
    while last is not None and last.status < 200:
        last = next(responses)
    tap.ok(last is not None and last.status == 486, "and its answer comes back", last and last.start)
    record = daemon.cli("call", "show", "last", json_out=True)
    tap.ok(record and record[0]["from"] == CALLER and record[0]["to"] == CALLED, "its record has both names", record)
    for end in ends.values():
        end.close()
tap.done()
