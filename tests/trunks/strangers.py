#!/usr/bin/env python3
"""What no connection sends gets no answer where only trunks are expected: not to guesses, not to broken messages, by no
transport; what is a peer's is answered, and what belongs to a call of ours from wherever it comes (TEL-1, RF-520).

# sanitizers: address thread
"""
import re
import socket
import time

import sip
import tap
from daemon import DOMAIN, Daemon, config, connection, free_ports

PEER, STRANGER, OTHER_HOST = "127.0.0.2", "127.0.0.3", "127.0.0.4"
USER = {"201": "tidal-copper-41"}


def parts(user="x", method="OPTIONS", to_tag="", call_id=None):
    to = f"<sip:{user}@{DOMAIN}>" + (f";tag={to_tag}" if to_tag else "")
    return [f"From: <sip:scan@{DOMAIN}>;tag={sip.token(4)}", f"To: {to}", f"Call-ID: {call_id or sip.token()}@scan",
            f"CSeq: 1 {method}", "Contact: <sip:scan@127.0.0.3>"]


def guesses(end):
    """What scanners send: name and text."""
    offer = sip.sdp("127.0.0.3", 40000)
    yield "OPTIONS", end.request("OPTIONS", f"sip:{DOMAIN}", parts())
    yield "REGISTER", end.request("REGISTER", f"sip:{DOMAIN}", parts("201", "REGISTER"))
    yield "INVITE for a number that is there", end.request("INVITE", f"sip:100@{DOMAIN}", parts("100", "INVITE"), offer)
    yield "INVITE with our Call-IDs' look", end.request("INVITE", f"sip:100@{DOMAIN}", parts("100", "INVITE",
                                                                                             call_id="rf00000000-1"), offer)
    yield "BYE of no dialog", end.request("BYE", f"sip:100@{DOMAIN}", parts("100", "BYE", "123"))
    yield "re-INVITE of no dialog", end.request("INVITE", f"sip:100@{DOMAIN}", parts("100", "INVITE", "123"), offer)
    yield "CANCEL of nothing", end.request("CANCEL", f"sip:100@{DOMAIN}", parts("100", "CANCEL"))
    yield "a method that nobody knows", end.request("FLY", f"sip:{DOMAIN}", parts(method="FLY"))
    yield "a broken request", f"OPTIONS sip:{DOMAIN} SIP/2.0\r\nVia: {end.via()}\r\nCSeq: x\r\nContent-Length: 0\r\n\r\n"
    yield "an HTTP request", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def status(daemon, name):
    return sum(w.get(name, 0) for w in daemon.cli("status", json_out=True)[0]["worker"])


def scan_udp(daemon, server, source):
    heard, sent = [], 0
    end = sip.Endpoint("udp", server, source=(source, 0))
    for what, text in guesses(end):
        end.send(text)
        sent += 1
        time.sleep(0.02)
    while (m := end.receive_octets(0.7)) is not None:
        heard.append(m)
    end.close()
    return sent, heard


def scan_tcp(server, source, transport):
    """(how many connections were made, octets that came back on any, how many were closed)"""
    made, octets, closed = 0, b"", 0
    names = [w for w, _ in guesses(sip.Endpoint("udp", server, source=(source, 0)))]
    for i in range(len(names)):
        end = sip.Endpoint(transport, server, source=(source, 0))
        made += 1
        end.send(list(guesses(end))[i][1])
        answer = end.receive_octets(5)
        closed += answer == b""
        octets += answer or b""
        end.close()
    return made, octets, closed


def answer_call(phone):
    """201's phone: rings are taken at once. Its INVITE, or None."""
    invite = phone.wait(lambda m: m.method == "INVITE", 10)
    if invite is not None:
        tag = sip.token(4)
        keys = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
        offered = re.search(r"a=crypto:(\d+) (\S+)", invite.text)
        profile = "RTP/SAVP" if offered else "RTP/AVP"
        phone.reply(invite, 200, "OK", tag, [f"Contact: {phone.contact('201')}"],
                    sip.sdp(phone.local[0], 40100, profile, keys if offered else ""))
    return invite


def main():
    trunks, phones = free_ports(4), free_ports(4)
    conf = config(listen=f"udp:127.0.0.1:{phones} tls:127.0.0.1:{phones + 1}", users=USER, srtp={"201": "off"}, workers=2,
                  more=f"""
sip-trunks {{
    listen udp:127.0.0.1:{trunks} tcp:127.0.0.1:{trunks} tls:127.0.0.1:{trunks + 1}
    client-certificate off
}}
security {{
    exempt-loopback on
}}
""" + connection("carrier", "ip", f"allow {PEER}", f"server {PEER}", "oos-check 0") + """number 100 {
    connection carrier
    to 201
}
""")
    with Daemon(text=conf) as daemon:
        udp, tls = ("127.0.0.1", trunks), ("127.0.0.1", trunks + 1)
        before = status(daemon, "strangers")
        sent, heard = scan_udp(daemon, udp, STRANGER)
        tap.ok(not heard, f"{sent} datagrams of a stranger, and nothing comes back", heard)
        counted = status(daemon, "strangers") - before
        tap.equal(counted, sent, "each is counted as `strangers` in status")
        lines = [e for e in daemon.events() if e.get("code") == "RF-520"]
        tap.ok(lines and len(lines) <= 3, "the log says so, without a line for each (RF-520)", len(lines))
        made, octets, closed = scan_tcp(udp, STRANGER, "tcp")
        tap.ok(octets == b"" and closed == made, "by TCP the connection is closed without an octet", (made, octets, closed))
        made, octets, closed = scan_tcp(tls, STRANGER, "tls")
        tap.ok(octets == b"" and closed == made, "by TLS, too", (made, octets, closed))

        peer = sip.Endpoint("udp", udp, source=(PEER, 0))
        reply = peer.ask(peer.request("OPTIONS", f"sip:{DOMAIN}", parts()), lambda m: m.status)
        tap.equal(reply and reply.status, 200, "the peer's OPTIONS is answered")
        phone = sip.Endpoint("udp", ("127.0.0.1", phones))
        tap.equal(phone.register("201", USER["201"], DOMAIN).status, 200, "a phone signs in at the address for phones")
        invite = peer.request("INVITE", f"sip:100@{DOMAIN}", parts("100", "INVITE"), sip.sdp(PEER, 40200))
        peer.send(invite)
        tap.ok(answer_call(phone) is not None, "the peer's call rings")
        final = peer.wait(lambda m: m.status and m.status >= 200, 10)
        tap.equal(final and final.status, 200, "and is answered")
        dialog = sip.Dialog.of_caller(peer, final)
        dialog.ack()
        other = sip.Endpoint("udp", udp, source=(OTHER_HOST, 0))
        dialog.endpoint = other
        dialog.request("BYE")
        reply = other.wait(lambda m: m.status and "BYE" in m.get("cseq"), 5)
        tap.equal(reply and reply.status, 200, "its BYE may come from another of its hosts: it belongs to a call of ours")
        again = other.request("BYE", f"sip:100@{DOMAIN}", parts("100", "BYE", "123"))
        other.send(again)
        tap.ok(other.receive(0.7) is None, "but nothing else of that host is answered")

        code, _, err = daemon.cli("set", "sip-trunks.answer-strangers", "on")
        tap.equal(code, 0, f"set sip-trunks.answer-strangers on {err}")
        sent, heard = scan_udp(daemon, udp, STRANGER)
        starts = sorted({m.split(b"\r\n")[0] for m in heard})
        tap.ok(any(b" 407 " in s for s in starts) and any(b" 200 " in s for s in starts),
               "on: strangers are challenged, and OPTIONS answered", starts)
        code, _, err = daemon.cli("set", "sip-trunks.answer-strangers", "off")
        tap.equal(code, 0, f"off {err}")
        sent, heard = scan_udp(daemon, udp, STRANGER)
        tap.ok(not heard, "off: nothing again", heard)
        peer.close()
        phone.close()
        other.close()

    # auto: a connection that signs in from anywhere needs the challenge; and without connections phones may be meant.
    for more, what in (("sip-connection office {\n type credential\n username office1\n password amber-quill-19\n}\n",
                        "a connection signs in with a password: strangers are challenged"),
                       ("", "no connection at all: strangers are challenged")):
        port = free_ports(2)
        conf = config(listen=f"udp:127.0.0.1:{free_ports(2)}", users=USER, srtp={"201": "off"},
                      more=f"sip-trunks {{\n listen udp:127.0.0.1:{port}\n}}\n{more}")
        with Daemon(text=conf) as daemon:
            _, heard = scan_udp(daemon, ("127.0.0.1", port), STRANGER)
            tap.ok(any(b" 407 " in m.split(b"\r\n")[0] for m in heard), what, heard)
    tap.done()


if __name__ == "__main__":
    main()
