#!/usr/bin/env python3
"""IPv6 end to end: REGISTER and calls between IPv6 phones by UDP, TCP and TLS, and between an IPv4 and an IPv6
phone, whose legs have media ports of different families; and a user whose phones are of both, who all ring.

# sanitizers: address
"""
import re
import socket
import time

import rtp
import sip
import tap
from daemon import DOMAIN, Daemon

USERS = {"203": "salt-river-08", "204": "moss-wheel-55"}
OPTIONAL = {"203": "optional", "204": "optional"}
LISTEN = ("udp:127.0.0.1:0 tcp:127.0.0.1:0 tls:127.0.0.1:0 udp:[::1]:0 tcp:[::1]:0 tls:[::1]:0")


def description(media, v6):
    """An SDP of an endpoint's family."""
    text = sip.sdp("::1" if v6 else "127.0.0.1", media.port)
    return text.replace("IN IP4 ", "IN IP6 ") if v6 else text


def families(body):
    return set(re.findall(r"IN (IP[46]) ", body.decode()))


def call(daemon, servers, transports, what):
    """203 calls 204 with RTP both ways; each end has its server address (so its family) and transport."""
    v6 = [":" in servers[i][transports[i]][0] for i in (0, 1)]
    ends = [sip.Endpoint(transports[i], servers[i][transports[i]]) for i in (0, 1)]
    media = [rtp.Media(0xa0 + i, socket.AF_INET6 if v6[i] else socket.AF_INET) for i in (0, 1)]
    try:
        for end, user in zip(ends, USERS):
            reply = end.register(user, USERS[user], DOMAIN)
            if not tap.ok(reply is not None and reply.status == 200, f"{what}: {user} registers", reply and reply.text):
                return
        calling = sip.call(ends[0], "203", USERS["203"], DOMAIN, "204", description(media[0], v6[0]))
        first = next(calling, None)
        invite = ends[1].wait(lambda m: m.method == "INVITE", 10)
        if not tap.ok(invite is not None, f"{what}: the callee is called", first and first.text):
            return
        contact = [f"Contact: {ends[1].contact('204')}"]
        ends[1].reply(invite, 200, "OK", "b", contact, description(media[1], v6[1]))
        last = first
        while last is not None and last.status < 200:
            last = next(calling, None)
        if not tap.ok(last is not None and last.status == 200, f"{what}: it is answered", last and last.text):
            return
        dialog = sip.Dialog.of_caller(ends[0], last)
        dialog.ack()
        tap.ok(ends[1].wait(lambda m: m.method == "ACK", 5) is not None, f"{what}: the ACK goes through")
        for side, message in ((0, last), (1, invite)):
            want = "IP6" if v6[side] else "IP4"
            host = rtp.peer_of(message.body)[0]
            via = message.get("via") if side else message.get("contact")
            tap.ok(families(message.body) == {want} and (":" in host) == v6[side] and ("[::1]" in via) == v6[side],
                   f"{what}: leg {'AB'[side]} is told addresses of its own family alone",
                   message.text)
        media[0].start(rtp.peer_of(last.body))
        media[1].start(rtp.peer_of(invite.body))
        time.sleep(1)
        for m in media:
            m.stop()
        tap.ok(min(len(m.received) for m in media) > 30, f"{what}: media flows both ways",
               f"{[len(m.received) for m in media]} packets")
        dialog.request("BYE")
        bye = ends[1].wait(lambda m: m.method == "BYE", 5)
        tap.ok(bye is not None, f"{what}: BYE ends it")
        if bye is not None:
            ends[1].reply(bye, 200, "OK")
        tap.ok(ends[0].wait(lambda m: m.status == 200 and "BYE" in m.get("cseq"), 5) is not None,
               f"{what}: and is answered")
    finally:
        for end, user in zip(ends, USERS):
            end.register(user, USERS[user], DOMAIN, expires=0)
        for x in ends + media:
            x.close()


def ring_both(servers, winner, what):
    """203 (IPv4) calls 204, who has a phone of each family; number `winner` of them answers."""
    caller = sip.Endpoint("udp", servers[0]["udp"])
    phones = [sip.Endpoint("udp", servers[0]["udp"]), sip.Endpoint("tcp", servers[1]["tcp"])]
    media = [rtp.Media(0xb0 + i, socket.AF_INET6 if i == 1 else socket.AF_INET) for i in range(2)]
    heard = rtp.Media(0xbf, socket.AF_INET)
    try:
        caller.register("203", USERS["203"], DOMAIN)
        for p in phones:
            p.register("204", USERS["204"], DOMAIN)
        calling = sip.call(caller, "203", USERS["203"], DOMAIN, "204", description(heard, False))
        next(calling, None)
        invites = [p.wait(lambda m: m.method == "INVITE", 10) for p in phones]
        if not tap.ok(None not in invites, f"{what}: the phones of both families ring", [i and i.start for i in invites]):
            return
        for i, name in enumerate(("IP4", "IP6")):
            host, _ = rtp.peer_of(invites[i].body)
            tap.ok(families(invites[i].body) == {name} and (":" in host) == (i == 1),
                   f"{what}: the {name} phone is offered {name} alone", invites[i].text)
        # Early media from the one that does not win: the relay changes over.
        other = 1 - winner
        phones[other].reply(invites[other], 183, "Session Progress", "e", [f"Contact: {phones[other].contact('204')}"],
                            description(media[other], other == 1))
        for first in calling:
            if first.status == 183:
                break
        heard.start(rtp.peer_of(first.body))
        media[other].start(rtp.peer_of(invites[other].body))
        time.sleep(0.6)
        tap.ok(len(media[other].received) > 10 and len(heard.received) > 10, f"{what}: early media of the other one flows",
               f"{len(media[other].received)} and {len(heard.received)} packets")
        media[other].stop()
        phones[winner].reply(invites[winner], 200, "OK", "w", [f"Contact: {phones[winner].contact('204')}"],
                             description(media[winner], winner == 1))
        last = None
        for last in calling:
            pass
        if not tap.ok(last is not None and last.status == 200, f"{what}: it is answered", last and last.text):
            return
        tap.ok(rtp.peer_of(last.body) == rtp.peer_of(first.body), f"{what}: the caller's media stays at its place",
               f"{first.body}\n{last.body}")
        dialog = sip.Dialog.of_caller(caller, last)
        dialog.ack()
        tap.ok(phones[winner].wait(lambda m: m.method == "ACK", 5) is not None, f"{what}: the ACK goes through")
        cancel = phones[other].wait(lambda m: m.method == "CANCEL", 5)
        tap.ok(cancel is not None, f"{what}: the other phone is cancelled")
        if cancel is not None:
            phones[other].reply(cancel, 200, "OK")
            phones[other].reply(invites[other], 487, "Request Terminated", "e")
        before = len(heard.received)
        media[winner].start(rtp.peer_of(invites[winner].body))
        time.sleep(1)
        tap.ok(len(media[winner].received) > 30 and len(heard.received) - before > 30, f"{what}: media flows both ways",
               f"{len(media[winner].received)} and {len(heard.received) - before} packets")
        dialog.request("BYE")
        bye = phones[winner].wait(lambda m: m.method == "BYE", 5)
        tap.ok(bye is not None, f"{what}: BYE ends it")
        if bye is not None:
            phones[winner].reply(bye, 200, "OK")
    finally:
        caller.register("203", USERS["203"], DOMAIN, expires=0)
        for p in phones:
            p.register("204", USERS["204"], DOMAIN, expires=0)
        for x in [caller, heard] + phones + media:
            x.close()


with Daemon(users=USERS, srtp=OPTIONAL, workers=2, listen=LISTEN, more="security {\n    strict-keys off\n}\n") as daemon:
    v4, v6 = {}, {}
    for item in daemon.ready["listen"]:
        scheme, rest = item.split(":", 1)
        host, port = rest.rsplit(":", 1)
        (v6 if ":" in host else v4)[scheme] = (host.strip("[]"), int(port))
    tap.ok(sorted(v4) == sorted(v6) == ["tcp", "tls", "udp"], "it listens on both families", daemon.ready["listen"])
    for transport in ("udp", "tcp", "tls"):
        call(daemon, (v6, v6), (transport, transport), f"IPv6 to IPv6 by {transport.upper()}")
    call(daemon, (v4, v6), ("udp", "udp"), "IPv4 to IPv6 by UDP")
    call(daemon, (v6, v4), ("tls", "tcp"), "IPv6 by TLS to IPv4 by TCP")
    ring_both((v4, v6), 1, "phones of both families, the IPv6 one answers")
    ring_both((v4, v6), 0, "phones of both families, the IPv4 one answers")
    tap.equal(len(daemon.cli("calls", json_out=True)), 0, "no call is left over")
    phone = sip.Endpoint("udp", v6["udp"])
    phone.register("203", USERS["203"], DOMAIN)
    listed = daemon.cli("registrations", json_out=True)
    tap.ok(len(listed) == 1 and "[::1]" in str(listed[0]), "an IPv6 registration is listed", listed)
    phone.close()

# Only IPv6: nothing may need an IPv4 address.
with Daemon(users=USERS, srtp=OPTIONAL, listen="udp:[::1]:0 tcp:[::1]:0 tls:[::1]:0",
            more="security {\n    strict-keys off\n}\n") as daemon:
    call(daemon, (daemon.ports, daemon.ports), ("udp", "udp"), "IPv6 alone")
tap.done()
