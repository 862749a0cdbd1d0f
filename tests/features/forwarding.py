#!/usr/bin/env python3
"""Forwarding, do-not-disturb and ring-groups through the whole daemon with media: SRTP on the caller's leg, plain RTP on
that of the phone to which the call was forwarded, and the other way round; what record, ladder and commands say of it.

# sanitizers: address
"""
import json
import os
import time

import rtp
import sip
import tap
from baresip import Baresip
from calls import PlainCall
from daemon import DOMAIN, Daemon, config

USERS = {"201": "tidal-copper-41", "202": "birch-lamp-73", "203": "salt-river-08", "204": "amber-quill-19"}


def last(daemon):
    return json.loads(daemon.cli("call", "show", "last", "--json")[1])


def wait_ended(daemon, seconds=15):
    deadline = time.time() + seconds
    while time.time() < deadline:
        record = last(daemon)
        if record.get("state") in ("ended", "refused"):
            return record
        time.sleep(0.2)
    return record


def srtp_to_plain(daemon):
    """201 (TLS, SRTP) calls 202, whose raw phone is busy; 203 (UDP, plain RTP) gets it."""
    tls, udp = daemon.ports["tls"], daemon.ports["udp"]
    busy = sip.Endpoint("tls", tls)
    busy.register("202", USERS["202"], DOMAIN)
    a = Baresip(os.path.join(daemon.folder, "a"), "201", USERS["201"], DOMAIN, f"sip:{tls[0]}:{tls[1]};transport=tls",
                tone=440)
    c = Baresip(os.path.join(daemon.folder, "c"), "203", USERS["203"], DOMAIN, f"sip:{udp[0]}:{udp[1]};transport=udp",
                transport="udp", mediaenc="", tone=880, answer=True)
    try:
        tap.ok(daemon.wait_registered("201") and daemon.wait_registered("203"), "both baresips are registered")
        a.command("dial", f"sip:202@{DOMAIN}")
        invite = busy.wait(lambda m: m.method == "INVITE", 15)
        tap.ok(invite is not None and b"RTP/SAVP" in invite.body, "the first phone is offered SRTP, as its user wants")
        busy.reply(invite, 486, "Busy Here", "t1")
        tap.ok(a.wait_event("CALL_ESTABLISHED", 20) is not None, "the call goes on to the other phone")
        time.sleep(3)
        show = last(daemon)
        legs = {leg["leg"]: leg for leg in show["legs"]}
        tap.equal(show.get("forwarded"), [{"by": "202", "reason": "busy", "to": "203"}], "the record says who and why")
        tap.equal((legs["A"]["user"], legs["B"]["user"]), ("201", "203"), "and between whom it is")
        tap.equal((legs["A"]["media"].get("protection"), legs["B"]["media"].get("protection")),
                  ("SRTP", "none"), "each leg is protected as its own user says")
        tap.ok("by 202 to 203: busy" in daemon.cli("call", "show", "last")[1], "`call show` says so, too")
        ladder = daemon.cli("ladder", "last")[1]
        tap.ok("forwarded by 202 to 203: busy" in ladder, "the ladder shows why", ladder)
        a.command("hangup")
        wait_ended(daemon)
        heard = (a.heard_hertz(), c.heard_hertz())
        tap.ok(heard[0] is not None and abs(heard[0] - 880) < 30 and heard[1] is not None and abs(heard[1] - 440) < 30,
               f"audio went both ways: {heard}")
    finally:
        a.close()
        c.close()
        busy.close()


def plain_to_srtp(daemon):
    """A raw phone of 203 calls 204, who has forwarded everything to 201: baresip with SRTP required."""
    tls = daemon.ports["tls"]
    tap.equal(daemon.cli("user", "set", "204", "--forward-always", "201")[0], 0, "forwarded by command")
    b = Baresip(os.path.join(daemon.folder, "b"), "201", USERS["201"], DOMAIN, f"sip:{tls[0]}:{tls[1]};transport=tls",
                tone=440, answer=True)
    a = sip.Endpoint("udp", daemon.ports["udp"])
    a.register("203", USERS["203"], DOMAIN)
    media = rtp.Media(0xa1)
    try:
        tap.ok(daemon.wait_registered("201"), "baresip is registered")
        statuses = []
        for reply in sip.call(a, "203", USERS["203"], DOMAIN, "204", sip.sdp("127.0.0.1", media.port), 20):
            statuses.append(reply.status if reply else None)
        tap.ok(181 in statuses and statuses[-1] == 200, f"the caller hears 181, and is answered: {statuses}")
        dialog = sip.Dialog.of_caller(a, reply)
        dialog.ack()
        media.start(rtp.peer_of(reply.body))
        time.sleep(3)
        tap.ok(len(media.received) > 100, f"plain RTP arrives from the SRTP leg: {len(media.received)} packets")
        legs = {leg["leg"]: leg for leg in last(daemon)["legs"]}
        tap.equal((legs["A"]["media"].get("protection"), legs["B"]["media"].get("protection")),
                  ("none", "SRTP"), "and the other leg is encrypted")
        dialog.request("BYE")
        a.wait(lambda m: m.status == 200 and "BYE" in m.get("cseq"), 10)
    finally:
        media.stop()
        media.close()
        b.close()
        a.close()
    tap.equal(daemon.cli("user", "set", "204", "--forward-always", "")[0], 0, "and not forwarded any more")
    tap.equal(daemon.cli("get", "user.204.forward-always")[1].strip(), "", "the setting is gone")


def groups_and_rest(daemon):
    a = sip.Endpoint("tcp", daemon.ports["tcp"])
    phones = {}
    for user in ("202", "204"):
        phones[user] = sip.Endpoint("tcp", daemon.ports["tcp"])
        phones[user].register(user, USERS[user], DOMAIN)
    a.register("203", USERS["203"], DOMAIN)
    calling = sip.call(a, "203", USERS["203"], DOMAIN, "300", sip.sdp("127.0.0.1", 40000), 20)
    next(calling, None)
    first = phones["202"].wait(lambda m: m.method == "INVITE", 15)
    tap.ok(first is not None and phones["204"].wait(lambda m: m.method == "INVITE", 0.5) is None,
           "a group in order rings its first member alone")
    phones["202"].reply(first, 180, "Ringing", "g1", [f"Contact: {phones['202'].contact('202')}"])
    began = time.time()
    second = phones["204"].wait(lambda m: m.method == "INVITE", 15)
    tap.ok(second is not None and 0.7 < time.time() - began < 8, "then the next, after its time")
    cancel = phones["202"].wait(lambda m: m.method == "CANCEL", 10)
    tap.ok(cancel is not None, "and the first one stops ringing")
    if cancel is not None:
        phones["202"].reply(cancel, 200, "OK")
        phones["202"].reply(first, 487, "Request Terminated", "g1")
    phones["204"].reply(second, 486, "Busy Here", "g2")
    final = [r for r in calling][-1]
    tap.equal(final and final.status, 486, "nobody left: the caller hears the last one's answer")
    daemon.cli("user", "set", "204", "--do-not-disturb", "on")
    final = [r for r in sip.call(a, "203", USERS["203"], DOMAIN, "204", sip.sdp("127.0.0.1", 40000), 20)][-1]
    tap.equal((final and final.status, "RF-530" in final.get("warning")), (486, True), "do-not-disturb, with its code")
    steps = daemon.cli("route", "test", "204", "--from", "203")[1]
    tap.ok("do-not-disturb is on" in steps, "`route test` says so", steps)
    daemon.cli("user", "set", "204", "--do-not-disturb", "off", "--forward-always", "203")
    final = [r for r in sip.call(a, "203", USERS["203"], DOMAIN, "204", sip.sdp("127.0.0.1", 40000), 20)][-1]
    tap.equal((final and final.status, "RF-518" in final.get("warning")), (482, True), "back to the caller is a circle")
    for e in (a, *phones.values()):
        e.close()


def main():
    text = config(users=USERS, workers=2, sip="digest-algorithms MD5",
                  srtp={"201": "required", "202": "required", "203": "off", "204": "off"},
                  of_user={"202": "forward-busy 203"},
                  more="ring-group 300 {\n    members 202 204\n    strategy in-order\n    time 2s\n}\n")
    with Daemon(text=text) as daemon:
        srtp_to_plain(daemon)
        plain_to_srtp(daemon)
    with Daemon(text=text.replace("srtp required", "srtp off")) as daemon:
        groups_and_rest(daemon)
    tap.done()


if __name__ == "__main__":
    main()
