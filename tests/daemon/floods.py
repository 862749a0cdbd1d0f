#!/usr/bin/env python3
"""A flood is answered 503 with Retry-After; who is proven to be its source is banned; others are served meanwhile, and
forged datagrams ban nobody.

# sanitizers: address
"""
import socket
import time

import sip
import tap
from daemon import DOMAIN, Daemon

USERS = {"203": "salt-river-08", "204": "moss-wheel-55"}
LIMITS = """security {
    exempt-loopback off
    requests-per-source 20
    handshakes-per-source 20
    wrong-passwords 5
    ban-time 3s
}
"""
ATTACKER, VICTIM, OTHER = ("127.0.0.66", 0), ("127.0.0.67", 0), ("127.0.0.68", 0)


def stranger(end, n, *more, method="OPTIONS"):
    return end.request(method, f"sip:{DOMAIN}", [f"From: <sip:x@{DOMAIN}>;tag=1", f"To: <sip:203@{DOMAIN}>",
                                                 f"Call-ID: {sip.token()}", f"CSeq: {n} {method}", *more])


MADE_UP = [f"{name}: {value}" for name in ("Authorization", "Proxy-Authorization") for value in (
    "Digest x", "Basic eA==", f'Digest username="203", realm="{DOMAIN}", nonce="{"ab" * 31}", uri="sip:{DOMAIN}", '
                              f'response="{"0" * 32}", algorithm=MD5, cnonce="a", nc=00000001, qop=auth')]


def status(daemon):
    return daemon.cli("status", json_out=True)[0]


with Daemon(users=USERS, srtp={"203": "off", "204": "off"}, more=LIMITS, workers=1) as daemon:
    other = sip.Endpoint("tcp", daemon.ports["tcp"], OTHER)

    # --- UDP: answers fall silent or say later, nobody is banned ---
    flood = sip.Endpoint("udp", daemon.ports["udp"], VICTIM)
    flood.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    for n in range(600):
        flood.send(stranger(flood, n + 1))
    answers = []
    while (m := flood.receive(0.5)) is not None:
        answers.append(m)
    busy = [m for m in answers if m.status == 503]
    tap.ok(len(busy) > 100 and all(m.get("retry-after").isdigit() and int(m.get("retry-after")) > 0 for m in busy),
           "requests above the limit: 503 with Retry-After", f"{len(answers)} answers, {len(busy)} of them 503")
    tap.equal(other.register("203", USERS["203"], DOMAIN).status, 200, "others are served")
    tap.equal(status(daemon)["shares"]["guard"]["banned"], 0, "forged-looking datagrams ban nobody")
    time.sleep(1.2)
    victim = sip.Endpoint("tcp", daemon.ports["tcp"], VICTIM)
    reply = victim.register("204", USERS["204"], DOMAIN)
    tap.ok(reply is not None and reply.status == 200, "the address they bore can sign in", reply and reply.start)

    # --- a header that anybody can write is no sign-in ---
    for n, header in enumerate(MADE_UP):
        liar = sip.Endpoint("udp", daemon.ports["udp"], (f"127.0.1.{n + 1}", 0), timeout=2)
        answers = [liar.ask(stranger(liar, k + 1, header, method="REGISTER"), lambda m: m.status) for k in range(150)]
        busy = sum(m is not None and m.status == 503 for m in answers)
        tap.ok(busy > 20, f"credentials that were made up ({header[:32]}) lift no limit: {busy} of 150 are 503")
        liar.close()
    for n, (method, of) in enumerate((("REGISTER", "sip:203@elsewhere.test"), ("OPTIONS", f"sip:{DOMAIN}"))):
        liar = sip.Endpoint("udp", daemon.ports["udp"], (f"127.0.2.{n + 1}", 0), timeout=2)
        got = liar.ask(stranger(liar, 1, method="REGISTER"), lambda m: m.status == 401)
        answers = []
        for k in range(150):
            value = sip.digest(got.get("www-authenticate"), "203", "guess", method, of, k + 1)
            answers.append(liar.ask(stranger(liar, k + 2, f"Authorization: {value}", method=method), lambda m: m.status))
        busy = sum(m is not None and m.status == 503 for m in answers)
        tap.ok(busy > 20, f"nor does a nonce of ours with which nobody signs in ({method}): {busy} of 150 are 503")
        liar.close()

    # --- TCP: the source is proven ---
    end = sip.Endpoint("tcp", daemon.ports["tcp"], ATTACKER)
    closed = False
    try:
        for n in range(3000):
            end.send(stranger(end, n + 1))
    except OSError:
        closed = True
    while not closed and (octets := end.receive_octets(1)) is not None:
        closed = octets == b""
    tap.ok(closed, "a connection that floods is closed")
    event = daemon.wait_event("refused", 5, code="RF-511")
    tap.ok(event is not None and event.get("addr") == ATTACKER[0], "its source is banned: RF-511", event)
    tap.ok(status(daemon)["shares"]["guard"]["banned"] == 1, "status counts it")
    again = None
    try:
        again = sip.Endpoint("tcp", daemon.ports["tcp"], ATTACKER)
        again.send(stranger(again, 1))
        said = again.receive_octets(2)
    except OSError:
        said = b""
    tap.ok(said == b"", "it cannot connect again", said)
    tap.equal(other.register("203", USERS["203"], DOMAIN).status, 200, "others are served")
    time.sleep(3.2)
    back = sip.Endpoint("tcp", daemon.ports["tcp"], ATTACKER)
    reply = back.register("204", USERS["204"], DOMAIN)
    tap.ok(reply is not None and reply.status == 200, "the ban ends by itself", reply and reply.start)
    back.close()

with Daemon(users=USERS, srtp={"203": "off", "204": "off"}, more=LIMITS, workers=1) as daemon:
    # --- wrong passwords ---
    other = sip.Endpoint("udp", daemon.ports["udp"], OTHER)

    def guess():
        """How a guess over UDP is answered, with the nonce that was sent to this very address."""
        g = sip.Endpoint("udp", daemon.ports["udp"], ATTACKER, timeout=2)
        r = g.register("203", "guess-" + sip.token(2), DOMAIN)
        g.close()
        return r

    seen = [guess() for _ in range(8)]
    codes = [r.status if r is not None else None for r in seen]
    tap.ok(codes[:5] == [401] * 5 and codes[-1] == 503, "guessed passwords: 401, then a ban", codes)
    first = int(seen[-1].get("retry-after") or 0)
    tap.equal(other.register("203", USERS["203"], DOMAIN).status, 200, "the user whose password was guessed signs in")
    time.sleep(first + 0.5)
    seen = [guess() for _ in range(8)]
    tap.ok(seen[-1] is not None and seen[-1].status == 503 and int(seen[-1].get("retry-after")) > 3,
           "who goes on is out for longer", seen[-1] and seen[-1].text)

    # A nonce proves the address that it was sent to, and no other: with one of his own, a forger would ban his victim.
    forger = sip.Endpoint("udp", daemon.ports["udp"], ("127.0.0.71", 0), timeout=2)
    victim = sip.Endpoint("udp", daemon.ports["udp"], ("127.0.0.72", 0), timeout=2)
    head = lambda n: [f"From: <sip:203@{DOMAIN}>;tag=1", f"To: <sip:203@{DOMAIN}>", f"Call-ID: forged{n}@test",  # noqa: E731
                      f"CSeq: {n} REGISTER"]
    got = forger.ask(forger.request("REGISTER", f"sip:{DOMAIN}", head(1)), lambda m: m.status == 401)
    for n in range(2, 14):  # what comes from the victim's address, as if the forger had written it there
        value = sip.digest(got.get("www-authenticate"), "203", "guess", "REGISTER", f"sip:{DOMAIN}", n)
        last = victim.ask(victim.request("REGISTER", f"sip:{DOMAIN}", [*head(n), f"Authorization: {value}"]), lambda m: m.status)
    tap.ok(last is not None and last.status == 401, "wrong passwords with a nonce of another address are refused, and no more",
           last and last.start)
    reply = victim.register("204", USERS["204"], DOMAIN)
    tap.ok(reply is not None and reply.status == 200, "the address that they bore is not banned", reply and reply.start)

    # INVITE counts like REGISTER.
    caller = sip.Endpoint("udp", daemon.ports["udp"], ("127.0.0.69", 0), timeout=2)
    last = None
    for _ in range(8):
        for last in sip.call(caller, "203", "guess-" + sip.token(2), DOMAIN, "204", sip.sdp("127.0.0.1", 40000), 2):
            pass
    tap.ok(last is not None and last.status == 503, "passwords guessed by INVITE count as well", last and last.start)
    text = daemon.log_text()
    tap.ok(text.count("RF-501") < 40, "the log folds repeats", text.count("RF-501"))
    tap.ok("guess-" not in text and USERS["203"] not in text, "and has no password in it")
tap.done()
