#!/usr/bin/env python3
"""Two and three ringfence systems whose routes lead in a circle: a call and a text message end at the first turn with 482 and
RF-518, long before Max-Forwards is used up, whoever began and wherever the circle lies.

# sanitizers: address thread
"""
import time

import sip
import tap
from daemon import DOMAIN, Daemon, config, connection, free_ports

PASSWORD = "tidal-copper-41"


def domain_of(user):
    """Each has a name of its own: who says that he is a user of ours has to sign in, wherever he comes from."""
    return f"system-{user}.test"


def system(user, at, port, before, after, after_port, more=""):
    """One that sends +49 to the system at `after`, for its user and for whoever calls from `before`."""
    text = config(listen=f"udp:{at}:{port}", users={user: PASSWORD}, srtp={user: "off"}, workers=2, more=(
        connection("on", "ip", "allow 127.0.0.99", f"server {after}:{after_port}", "oos-check 0", "messages on", out="UDP")
        + connection("back", "ip", f"allow {before}", f"server {before}:{after_port}", "oos-check 0", "messages on")
        + f"route away {{\n match +49*\n from {user} back\n use on\n}}\n" + more))
    return Daemon(text=text.replace(DOMAIN, domain_of(user)))


def dial(user, at, port, number):
    end = sip.Endpoint("udp", (at, port), source=("127.0.0.50", 0))
    reply = None
    for reply in sip.call(end, user, PASSWORD, domain_of(user), number, sip.sdp("127.0.0.50", 40300), 20):
        pass
    end.close()
    return reply


def send(user, at, port, number):
    """MESSAGE, signing in."""
    end = sip.Endpoint("udp", (at, port), source=("127.0.0.50", 0))
    uri, call_id, tag, more = f"sip:{number}@{domain_of(user)}", sip.token() + "@test", sip.token(4), []
    for cseq in (1, 2):
        reply = end.ask(end.request("MESSAGE", uri, [
            f"From: <sip:{user}@{domain_of(user)}>;tag={tag}", f"To: <{uri}>", f"Call-ID: {call_id}", f"CSeq: {cseq} MESSAGE",
            *more], "round and round").replace("application/sdp", "text/plain"), lambda m: m.status and m.status >= 200, 20)
        if reply is None or reply.status != 407:
            break
        more = ["Proxy-Authorization: " + sip.digest(reply.get("proxy-authenticate"), user, PASSWORD, "MESSAGE", uri)]
    end.close()
    return reply


def count(daemon, code):
    return daemon.cli("status", json_out=True)[0]["refused"].get(code, 0)


def circle(systems, places, begin, what):
    """The system `begin` is asked; the one that meets its own marker again says RF-518, once."""
    for name, ask in (("INVITE", dial), ("MESSAGE", send)):
        before = [count(d, "RF-518") for d in systems]
        since = time.monotonic()
        reply = ask(*places[begin], f"+4930{begin}{len(systems)}")
        seconds = time.monotonic() - since
        after = [count(d, "RF-518") for d in systems]
        tap.equal(reply and reply.status, 482, f"{what}, {name}: 482")
        tap.ok(sum(after) == sum(before) + 1, f"{what}, {name}: RF-518 once", (before, after))
        tap.ok(seconds < 5, f"{what}, {name}: at once", seconds)
    records = systems[begin].ended(1)
    until = time.monotonic() + 10
    while max(legs := [len(d.ended(0)) for d in systems]) < begin + 2 and time.monotonic() < until:
        time.sleep(0.1)
    tap.ok(records and max(legs) == begin + 2, f"{what}: one system had the call twice, the others once", legs)


def main():
    for n in (2, 3):
        hosts = [f"127.0.{n}.{i + 1}" for i in range(n)]
        ports = [free_ports(1) for _ in range(n)]
        systems = [system(f"20{i}", hosts[i], ports[i], hosts[i - 1], hosts[(i + 1) % n], ports[(i + 1) % n])
                   for i in range(n)]
        places = [(f"20{i}", hosts[i], ports[i]) for i in range(n)]
        try:
            for begin in range(n):
                circle(systems, places, begin, f"{n} systems, from system {begin}")
        finally:
            for d in systems:
                d.close()

    # A circle of two that somebody outside leads into: neither of the two made the call.
    hosts, ports = [f"127.0.9.{i + 1}" for i in range(3)], [free_ports(1) for _ in range(3)]
    outside = connection("outside", "ip", f"allow {hosts[0]}", f"server {hosts[0]}:{ports[0]}", "oos-check 0", "messages on")
    first = system("200", hosts[0], ports[0], "127.0.9.9", hosts[1], ports[1])
    second = system("201", hosts[1], ports[1], hosts[2], hosts[2], ports[2],
                    outside + "route in {\n match +49*\n from outside\n use on\n}\n")
    third = system("202", hosts[2], ports[2], hosts[1], hosts[1], ports[1])
    with first, second, third:
        circle([first, second, third], [("200", hosts[0], ports[0])], 0, "a circle of two that a third one leads into")
    tap.done()


if __name__ == "__main__":
    main()
