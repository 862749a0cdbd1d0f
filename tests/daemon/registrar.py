#!/usr/bin/env python3
"""The registrar on the wire: several bindings, fetch, removal, expiry, Path, outbound, digests and their replay.

# sanitizers: address
"""
import re
import time

import sip
import tap
from daemon import DOMAIN, Daemon

USER, PASSWORD = "204", "moss-wheel-55"
URI = f"sip:{DOMAIN}"


def contacts(reply):
    """{contact URI: expires} of a 200."""
    return {m.group(1): int(m.group(2)) for v in reply.all("contact")
            for m in re.finditer(r"<([^>]+)>[^,]*?;expires=(\d+)", v)}


def ask(end, cseq, call_id, extra, algorithm=None, nonce_of=None, nc=1, password=PASSWORD, user=USER):
    """REGISTER with header lines `extra`; the response. Answers the challenge for `algorithm`, or uses an old one."""
    def send(n, more):
        end.send(end.request("REGISTER", URI, [f"From: <sip:{user}@{DOMAIN}>;tag=1", f"To: <sip:{user}@{DOMAIN}>",
                                               f"Call-ID: {call_id}", f"CSeq: {n} REGISTER", *extra, *more]))
        return end.wait(lambda m: m.status and m.status >= 200 and m.get("cseq").startswith(f"{n} ")
                        and m.get("call-id") == call_id)

    challenge = nonce_of
    if challenge is None:
        reply = send(cseq, [])
        if reply.status != 401:
            return reply, None
        challenge = next(v for v in reply.all("www-authenticate") if algorithm is None or f"algorithm={algorithm}" in v)
        cseq += 1
    value = sip.digest(challenge, user, password, "REGISTER", URI, nc)
    return send(cseq, [f"Authorization: {value}"]), challenge


CONF = "sip {\n    digest-algorithms SHA-512-256 SHA-256 MD5\n}\nregistrar {\n    min-expires 1s\n    bindings-max 3\n}\n"
with Daemon(users={USER: PASSWORD}, more=CONF, workers=2) as daemon:
    udp = sip.Endpoint("udp", daemon.ports["udp"])
    reply, _ = ask(udp, 1, "none@test", [])
    tap.equal(reply.status, 200, "a REGISTER without Contact fetches")
    tap.equal(contacts(reply), {}, "nothing is bound")

    reply, _ = ask(udp, 1, "four@test", [f"Contact: <sip:{USER}@127.0.0.1:{41000 + n}>;expires=600" for n in range(4)])
    tap.ok(reply.status == 403 and "would have 4 phones registered" in reply.get("warning"),
           "four at once are refused, too, and nobody is said to have any", reply.text)

    for n, algorithm in enumerate(("SHA-512-256", "SHA-256", "MD5")):
        uri = f"sip:{USER}@127.0.0.1:{41000 + n}"
        reply, challenge = ask(udp, 1, f"a{n}@test", [f"Contact: <{uri}>;expires=600"], algorithm)
        tap.ok(reply.status == 200 and contacts(reply).get(uri) in (600, 599), f"{algorithm}: bound", reply.text)
    tap.equal(len(contacts(reply)), 3, "three bindings are listed")
    reply, _ = ask(udp, 1, "a9@test", ["Contact: <sip:204@127.0.0.1:41009>;expires=600"])
    tap.equal(reply.status, 403, "one more than registrar.bindings-max is refused")
    tap.ok("RF-521" in reply.get("warning") and "would have 4 phones registered" in reply.get("warning"),
           "and the Warning says what decides it", reply.text)
    tap.ok(daemon.wait_event("refused", 5, code="RF-521", who=USER) is not None, "so does the log")

    # --- what a phone says of itself hides it from nobody ---
    seen = daemon.cli("registrations", json_out=True)
    udp.send_octets, udp.send = udp.send, lambda text: udp.send_octets(text.encode("utf-8", "surrogateescape"))
    for n, agent in enumerate(("\udcff\udcfe", "a" + "\u00e4" * 200, "colour \x1b[31m")):
        reply, _ = ask(udp, 1, f"agent{n}@test", [f"Contact: <sip:{USER}@127.0.0.1:{41000 + n}>;expires=600", f"User-Agent: {agent}"])
        rows = daemon.cli("registrations", json_out=True)
        tap.ok(reply.status == 200 and len(rows) == len(seen) == 3 and not any("\x1b" in row["user_agent"] for row in rows),
               f"a phone that calls itself {ascii(agent)[:20]} is shown", rows)
    udp.send = udp.send_octets

    reply, _ = ask(udp, 3, "a0@test", ["Contact: <sip:204@127.0.0.1:41000>;expires=0"])
    tap.ok(reply.status == 200 and "sip:204@127.0.0.1:41000" not in contacts(reply) and len(contacts(reply)) == 2,
           "expires=0 removes one", reply.text)
    reply, _ = ask(udp, 1, "w@test", ["Contact: *", "Expires: 60"])
    tap.equal(reply.status, 400, "a wildcard with an expiry other than 0 is a 400")
    tap.ok("RF-513" in reply.get("warning") and "Expires: 0" in reply.get("warning"), "with the reason", reply.text)
    reply, _ = ask(udp, 1, "w2@test", ["Contact: *", "Contact: <sip:204@127.0.0.1:1>", "Expires: 0"])
    tap.equal(reply.status, 400, "a wildcard beside another contact is a 400")
    reply, _ = ask(udp, 1, "w3@test", ["Contact: *", "Expires: 0"])
    tap.ok(reply.status == 200 and contacts(reply) == {}, "a wildcard removes all", reply.text)

    reply, _ = ask(udp, 11, "o@test", ["Contact: <sip:204@127.0.0.1:41000>;expires=600"])
    reply, _ = ask(udp, 5, "o@test", ["Contact: <sip:204@127.0.0.1:41000>;expires=600"])
    tap.ok(reply.status in (500, 400), "a CSeq that goes back in one Call-ID is refused (RFC 3261 10.3 step 7)", reply.start)
    ask(udp, 1, "w4@test", ["Contact: *", "Expires: 0"])

    reply, _ = ask(udp, 1, "e@test", ["Contact: <sip:204@127.0.0.1:41000>;expires=2"])
    # What is left is counted in whole seconds, and one may have begun before the answer was written.
    tap.ok(contacts(reply) in ({"sip:204@127.0.0.1:41000": 2}, {"sip:204@127.0.0.1:41000": 1}), "a short expiry is taken",
           contacts(reply))
    time.sleep(3.2)
    reply, _ = ask(udp, 1, "e2@test", [])
    tap.equal(contacts(reply), {}, "and runs out")

    # --- Path, outbound ---
    tcp = sip.Endpoint("tcp", daemon.ports["tcp"])
    reply, _ = ask(tcp, 1, "p@test", ["Contact: <sip:204@10.0.0.9:5060>;expires=600", "Supported: path",
                                      "Path: <sip:127.0.0.1:41500;lr>"])
    tap.ok(reply.status == 200 and "41500" in reply.get("path"), "Path is taken and repeated (RFC 3327)", reply.text)
    ask(tcp, 1, "w5@test", ["Contact: *", "Expires: 0"])
    instance = '"<urn:uuid:00000000-0000-1000-8000-000a95a0e128>"'
    line = f'Contact: <sip:204@{tcp.host}:{tcp.local[1]};transport=tcp>;reg-id=1;+sip.instance={instance};expires=600'
    reply, _ = ask(tcp, 1, "ob@test", [line, "Supported: path, outbound"])
    tap.ok(reply.status == 200 and "outbound" in reply.get("require") and reply.get("flow-timer") != "",
           "outbound: Require and Flow-Timer in the 200 (RFC 5626)", reply.text)
    again = sip.Endpoint("tcp", daemon.ports["tcp"])
    line = f'Contact: <sip:204@{again.host}:{again.local[1]};transport=tcp>;reg-id=1;+sip.instance={instance};expires=600'
    reply, _ = ask(again, 1, "ob2@test", [line, "Supported: path, outbound"])
    tap.equal(len(reply.all("contact")), 1, "the same instance and reg-id replaces its binding")
    line = line.replace("reg-id=1", "reg-id=2")
    reply, _ = ask(again, 1, "ob3@test", [line, "Supported: path, outbound"])
    tap.equal(len(reply.all("contact")), 2, "another reg-id is another flow")

    # --- replay ---
    reply, challenge = ask(udp, 1, "r@test", [], "SHA-256")
    value = sip.digest(challenge, USER, PASSWORD, "REGISTER", URI, 2)
    line = [f"From: <sip:{USER}@{DOMAIN}>;tag=1", f"To: <sip:{USER}@{DOMAIN}>", "Call-ID: r2@test"]

    def once(cseq, authorization):
        udp.send(udp.request("REGISTER", URI, line + [f"CSeq: {cseq} REGISTER", f"Authorization: {authorization}"]))
        return udp.wait(lambda m: m.status and m.get("cseq").startswith(f"{cseq} "))

    tap.equal(once(1, value).status, 200, "a nonce may be used again with the next count")
    reply = once(2, value)
    tap.ok(reply.status == 401 and "stale=true" in reply.get("www-authenticate").lower(), "the same count again is a replay: 401",
           reply.text)
    reply = once(3, value.replace("nc=00000002", "nc=00000003"))
    tap.equal(reply.status, 401, "a count that the response does not cover is refused")
    reply = once(4, sip.digest(re.sub(r'nonce="(.)', lambda m: 'nonce="' + ("0" if m.group(1) != "0" else "1"), challenge),
                               USER, PASSWORD, "REGISTER", URI, 4))
    tap.equal(reply.status, 401, "a nonce that we did not make is refused")
    daemon.kill()
    daemon.start()
    udp.server = daemon.ports["udp"]
    reply = once(5, sip.digest(challenge, USER, PASSWORD, "REGISTER", URI, 5))
    tap.ok(reply is not None and reply.status == 401 and "stale=true" in reply.get("www-authenticate").lower(),
           "a nonce of before a restart is stale", reply and reply.text)
    reply, _ = ask(udp, 1, "f@test", [])
    tap.equal(len(reply.all("contact")), 2, "both flows' bindings outlived kill -9")
    for user, password, what in (("204", "wrong", "a wrong password"), ("nobody", "x", "an unknown user")):
        reply, _ = ask(udp, 1, f"x{user}@test", [], password=password, user=user)
        tap.equal(reply.status, 401, f"{what} is a 401")
    udp.send(udp.request("REGISTER", URI, [f"From: <sip:{USER}@{DOMAIN}>;tag=1", f"To: <sip:{USER}@{DOMAIN}>",
                                           "Call-ID: q@test", "CSeq: 1 REGISTER", "Require: gruu, path"]))
    reply = udp.wait(lambda m: m.status and m.get("call-id") == "q@test")
    tap.ok(reply.status == 420 and "gruu" in reply.get("unsupported"), "an unknown Require is a 420", reply.text)
    for e in (udp, tcp, again):
        e.close()
tap.done()
