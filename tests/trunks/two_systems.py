#!/usr/bin/env python3
"""Two ringfence daemons, an office and its carrier, with real sockets: a call out by a route and a call in by its number
(TEL-1, TEL-3, TEL-17), `route test`, and a stranger who learns nothing.

# sanitizers: address thread
"""
import re
import threading

import sip
import tap
from daemon import DOMAIN, Daemon, config, free_ports

OFFICE = {"201": "tidal-copper-41"}
CARRIER = {"301": "salt-river-08"}


class Phone(threading.Thread):
    """Registered by UDP; answers every INVITE with 200 and its own plain description, and every other request with 200."""

    def __init__(self, daemon, user, password, port):
        super().__init__(daemon=True)
        self.end = sip.Endpoint("udp", daemon.ports["udp"], timeout=0.2)
        self.user, self.port, self.running, self.heard = user, port, True, []
        self.registered = self.end.register(user, password, DOMAIN, timeout=5)
        self.start()

    def run(self):
        while self.running:
            m = self.end.receive(0.2)
            if m is None or m.method is None or m.method == "ACK":
                continue
            self.heard.append(m)
            contact = [f"Contact: {self.end.contact(self.user)}"]
            if m.method == "INVITE":
                self.end.reply(m, 200, "OK", "phone" + self.user, contact, sip.sdp("127.0.0.1", self.port))
            else:
                self.end.reply(m, 200, "OK", "phone" + self.user)

    def invites(self):
        return [m for m in self.heard if m.method == "INVITE"]

    def close(self):
        self.running = False
        self.join(2)
        self.end.close()


def plain(users, port, more):
    return config(listen=f"udp:127.0.0.1:{port} tcp:127.0.0.1:{port}", users=users, srtp={u: "off" for u in users},
                  more=more, workers=2)


def media_of(message):
    return re.search(r"m=audio (\d+) (\S+)", message.body.decode())


def call(daemon, user, password, number):
    """A call that is answered, and its end: (final response, BYE's response)."""
    end = sip.Endpoint("udp", daemon.ports["udp"])
    final = None
    for final in sip.call(end, user, password, DOMAIN, number, sip.sdp("127.0.0.1", 40100)):
        pass
    bye = None
    if final is not None and final.status == 200:
        dialog = sip.Dialog.of_caller(end, final)
        dialog.ack()
        dialog.request("BYE")
        bye = end.wait(lambda m: m.status and "BYE" in m.get("cseq"))
    end.close()
    return final, bye


def main():
    office_port, carrier_port = free_ports(2), free_ports(2)
    connection = """
sip-connection {name} {{
    type ip
    side {side}
    allow 127.0.0.1
    require-tls off
    server 127.0.0.1:{port}
    inbound {{
        sip-transport-protocol {transport}
        srtp off
    }}
    outbound {{
        sip-transport-protocol {transport}
        srtp off
    }}
}}
"""
    office_conf = plain(OFFICE, office_port, connection.format(name="carrier", side="customer", port=carrier_port,
                                                               transport="UDP")
                        + "number +442071838750 {\n connection carrier\n to 201\n}\nroute out {\n match +*\n use carrier\n}\n")
    carrier_conf = plain(CARRIER, carrier_port, connection.format(name="office", side="platform", port=office_port,
                                                                  transport="UDP")
                         + "number +4930123456 {\n connection office\n to 301\n}\nnumber +442071838750 {\n"
                         " connection office\n}\n")
    with Daemon(text=office_conf) as office, Daemon(text=carrier_conf) as carrier:
        p201 = Phone(office, "201", OFFICE["201"], 40200)
        p301 = Phone(carrier, "301", CARRIER["301"], 40300)
        tap.ok(p201.registered is not None and p201.registered.status == 200 and p301.registered.status == 200,
               "both phones are registered")

        final, bye = call(office, "201", OFFICE["201"], "+4930123456")
        tap.ok(final is not None and final.status == 200, "201 calls a number of the carrier's customer (TEL-1)",
               final and final.text)
        tap.ok(bye is not None and bye.status == 200, "and hangs up")
        invite = p301.invites()[-1] if p301.invites() else None
        tap.ok(invite is not None and "sip:201@" in invite.get("from"), "301 sees who calls", invite and invite.text)
        tap.ok(invite is not None and int(media_of(invite).group(1)) != 40100 and
               int(media_of(final).group(1)) != 40300, "media is anchored on both sides (TEL-3)")

        final, bye = call(carrier, "301", CARRIER["301"], "+442071838750")
        tap.ok(final is not None and final.status == 200 and bye is not None and bye.status == 200,
               "301 calls the office by its number (TEL-17)", final and final.text)
        tap.ok(len(p201.invites()) == 1, "201 rang")

        record = [c for c in office.cli("call", "show", "last", json_out=True)]
        tap.ok(record and any(leg.get("connection") == "carrier" for leg in record[0]["legs"]), "the record names the connection",
               record)

        found = office.ended(2, "--connection", "carrier")
        tap.ok([c["to"] for c in found] == ["+442071838750", "+4930123456"] and
               found[1]["legs"][1]["connection"] == "carrier" and found[0]["legs"][0]["connection"] == "carrier",
               "calls of the past are found by their connection, whichever leg went over it", found)
        tap.equal([[c["to"] for c in office.cli("calls", "--ended", *by, json_out=True)]
                   for by in (("--number", "+4930123456"), ("--user", "301"), ("--connection", "office"))],
                  [["+4930123456"], [], []], "and by number; a caller from outside is no user of ours")

        status, out, _ = office.cli("route", "test", "+4930123456", "--from", "201")
        tap.ok(status == 0 and "route out is taken" in out and "connection carrier, as +4930123456" in out,
               "route test prints every step", out)
        status, out, _ = office.cli("route", "test", "201", "--from", "carrier")
        tap.ok(status == 5 and "RF-505" in out, "from outside, extensions are not there", out)
        rows = office.cli("connection", "list", json_out=True)
        tap.ok(len(rows) == 1 and rows[0]["name"] == "carrier" and rows[0]["calls"] == 0, "connection list", rows)
        shown = office.cli("connection", "show", "carrier", json_out=True)
        tap.ok(shown[0]["numbers"] == ["+442071838750"] and "password" not in shown[0]["settings"], "connection show", shown)

        # A stranger: another address of loopback.
        stranger = sip.Endpoint("udp", office.ports["udp"], source=("127.0.0.9", 0))
        answers = []
        for number in ("+442071838750", "+442071838799", "201"):
            reply = None
            for reply in sip.call(stranger, "x", "y", DOMAIN, number, sip.sdp("127.0.0.9", 40100), timeout=3):
                break
            answers.append(None if reply is None else (reply.status, sorted(n for n, _ in reply.fields)))
        tap.ok(all(a is not None and a[0] == 407 for a in answers) and len({str(a) for a in answers}) == 1,
               "from another address every number has the same answer", answers)
        tap.ok(len(p201.invites()) == 1, "and nobody rings")
        stranger.close()
        p201.close()
        p301.close()
    tap.done()


if __name__ == "__main__":
    main()
