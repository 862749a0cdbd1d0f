#!/usr/bin/env python3
"""Connections, numbers and routes made by command on a daemon that runs, whose configuration file knows none of them (TEL-1):
one of each type, and calls that match by digest user, by source address, and by the addresses of a name. What is refused is
named; what was acknowledged survives kill -9.

# sanitizers: address thread
"""
import json
import subprocess
import threading

import sip
import tap
from daemon import DOMAIN, RINGFENCE, Daemon, config, free_ports
from living_connections import from_host, until
from two_systems import Phone, call
from zone import Zone

OFFICE, CARRIER = {"201": "tidal-copper-41", "202": "birch-lamp-73"}, {"301": "salt-river-08"}
PASSWORD = "amber-quill-19"
OUR_NUMBER, THEIR_NUMBER = "+442071838750", "+4930123456"
FIRST, SECOND = "127.0.0.11", "127.0.0.12"


def base(port, users, sip_lines=""):
    """Domain, listeners and users; no connection, number or route, and the defaults of no profile."""
    text = config(listen=f"udp:127.0.0.1:{port} tcp:127.0.0.1:{port}", users=users, srtp={u: "off" for u in users}, workers=2,
                  sip=sip_lines)
    return text.replace("security-profile secure\n", "")


def does(daemon, *words, stdin=None, what=None):
    code, out, err = daemon.cli(*words, stdin=stdin)
    return tap.ok(code == 0, what or " ".join(words), f"exit {code}\n{out}{err}")


def refused(daemon, words, code, *said, stdin=None, status=None):
    """Exit status, code and words of a refusal, the same with --json, and a fix."""
    got = daemon.cli(*words, "--json", stdin=stdin)
    try:
        why = json.loads(got[2].splitlines()[-1])
    except (ValueError, IndexError):
        why = {}
    tap.ok(got[0] == status and why.get("code") == code and why.get("exit") == status and why.get("fix") and
           all(w in why["error"] for w in said) and ":1:" not in why["error"],
           f"{' '.join(words)[:90]}: exit {status}, {code or 'no code'}, {', '.join(said)}", f"{got}")


def shown(daemon, noun, name):
    rows = daemon.cli(noun, "show", name, json_out=True)
    return rows[0] if rows else None


def leg_over(daemon, connection):
    def found():
        record = daemon.cli("call", "show", "last", json_out=True)
        return record and any(leg.get("connection") == connection for leg in record[0]["legs"])
    return until(5, found)  # a record is kept once the BYE to the other side is answered


def calls(office, carrier, what):
    """A call each way; each side's record names its connection."""
    final, bye = call(office, "201", OFFICE["201"], THEIR_NUMBER)
    tap.ok(final is not None and final.status == 200 and bye is not None and bye.status == 200,
           f"{what}: a call out by route, connection and number made by command", final and final.text)
    tap.ok(leg_over(office, "carrier") and leg_over(carrier, "office"),
           f"{what}: whose call it is, on both sides (TEL-1)", carrier.log_text()[-1500:])
    final, bye = call(carrier, "301", CARRIER["301"], OUR_NUMBER)
    tap.ok(final is not None and final.status == 200 and bye is not None and bye.status == 200,
           f"{what}: a call in by its number", final and final.text)
    tap.ok(leg_over(office, "carrier"), f"{what}: the office knows whose it is (TEL-1)", office.log_text()[-1500:])


def by_address(office, carrier, office_port, carrier_port):
    does(office, "connection", "add", "carrier", "type=ip", "side=customer", "allow=192.0.2.10", "allow=127.0.0.1",
         f"server=127.0.0.1:{carrier_port}", "oos-check=0")
    does(carrier, "connection", "add", "office", "type=ip", "allow=127.0.0.1", f"server=127.0.0.1:{office_port}", "oos-check=0")
    new = shown(office, "connection", "carrier")
    tap.equal((new["settings"]["inbound.srtp"], new["settings"]["outbound.srtp"], new["settings"]["require-tls"],
               new["settings"]["inbound.sip-transport-protocol"], new["settings"]["outbound.sip-transport-protocol"]),
              ("off", "off", "off", "auto", "auto"), "a new connection demands neither SRTP nor TLS (TEL-2)")
    tap.equal((new["settings"]["allow"], new["origin"]), ("192.0.2.10 127.0.0.1", "store"),
              "a list is given word by word; connection show says where it comes from")
    does(office, "number", "add", OUR_NUMBER, "connection=carrier", "to=201")
    does(office, "route", "add", "out", "match=+*", "use=carrier")
    does(carrier, "number", "add", OUR_NUMBER, "connection=office")
    does(carrier, "number", "add", THEIR_NUMBER, "connection=office", "to=301")
    calls(office, carrier, "type ip")
    does(office, "number", "add", "99", "connection=carrier", "to=202")  # 202 has no phone: a call of the connection is 480
    before = from_host(office.ports["udp"], FIRST, "99")
    does(office, "connection", "set", "carrier", f"allow=127.0.0.1 {FIRST}")
    after = from_host(office.ports["udp"], FIRST, "99")
    tap.equal((before, after), (407, 480), "an address more in allow is in force at once")
    does(office, "number", "remove", "99", "--yes")


def by_name(office, zone):
    """Of type fqdn: where the name leads now, and not elsewhere."""
    server = office.ports["udp"]
    does(office, "connection", "add", "partner", "type=fqdn", "side=customer", "server=partner.test:5080", "oos-check=0")
    does(office, "number", "add", "100", "connection=partner", "to=202")
    tap.ok(until(15, lambda: from_host(server, SECOND, "100") == 480), "type fqdn: who calls from where the name leads (TEL-1)")
    tap.equal(from_host(server, "127.0.0.13", "100"), 407, "another host is a stranger")
    zone.address("partner.test", "127.0.0.13")
    tap.ok(until(30, lambda: from_host(server, "127.0.0.13", "100") == 480), "the name leads elsewhere, and so does the connection")
    tap.equal(from_host(server, SECOND, "100"), 407, "where it led before is a stranger now")
    does(office, "number", "remove", "100", "--yes")
    does(office, "connection", "remove", "partner", "--yes")
    tap.equal(from_host(server, "127.0.0.13", "100"), 407, "a connection that is removed lets nobody in")


def by_credential(office, carrier, carrier_port):
    """Both directions of registration: theirs with us (side platform, at the carrier), ours with them (at the office)."""
    for daemon, name in ((office, "carrier"), (carrier, "office")):
        refused(daemon, ["connection", "remove", name, "--yes"], "RF-810", name, f"number.{OUR_NUMBER}.connection", status=3)
    # Another type in one step: half of it would be none.
    does(carrier, "connection", "set", "office", "type=credential", "allow=", "server=", "username=office1", "password=-",
         stdin=PASSWORD + "\n")
    does(office, "secret", "add", "carrier-main", stdin=PASSWORD + "\n")
    does(office, "connection", "set", "carrier", "type=credential", "allow=", "username=office1", "register=on",
         "password=secret:carrier-main", f"server=127.0.0.1:{carrier_port};transport=tcp")
    tap.ok(until(20, lambda: shown(office, "connection", "carrier").get("registration") == "registered"),
           "ours registers with what was set by command", office.log_text()[-1500:])
    tap.ok([r for r in carrier.cli("registrations", json_out=True) if r["user"] == "office1"], "theirs is registered here")
    calls(office, carrier, "type credential")
    end = sip.Endpoint("udp", carrier.ports["udp"])
    wrong = end.register("office1", "not-the-password", DOMAIN)
    tap.ok(wrong is not None and wrong.status in (401, 403), "another password is refused", wrong and wrong.text)
    end.close()
    # A call by digest user alone, from an address that nobody knows.
    end = sip.Endpoint("udp", carrier.ports["udp"], source=(FIRST, 0))
    final = None
    for final in sip.call(end, "office1", PASSWORD, DOMAIN, THEIR_NUMBER, sip.sdp(FIRST, 40100)):
        pass
    tap.ok(final is not None and final.status == 200, "a call matches by its digest user, wherever it comes from (TEL-1)",
           final and final.text)
    if final is not None and final.status == 200:
        dialog = sip.Dialog.of_caller(end, final)
        dialog.ack()
        dialog.request("BYE")
        end.wait(lambda m: m.status and "BYE" in m.get("cseq"))
    end.close()
    for command, names in ((["secret", "list"], ["connection-office"]), (["connection", "show", "office"], []),
                           (["config", "show", "sip-connection"], ["secret:connection-office"]), (["config", "export"], [])):
        code, out, err = carrier.cli(*command)
        tap.ok(code == 0 and PASSWORD not in out + err and all(n in out for n in names),
               f"{' '.join(command)} has no password", out + err)


def last_words(office, carrier):
    """kill -9 right after an acknowledged change; then everything goes, and leaves nothing."""
    does(carrier, "connection", "set", "office", "calls-max=7", "outbound.srtp=optional")
    carrier.kill()
    carrier.start()
    row = shown(carrier, "connection", "office")
    tap.equal((row["settings"]["calls-max"], row["settings"]["outbound.srtp"], row["settings"]["username"]),
              ("7", "optional", "office1"), "what was acknowledged survives kill -9")
    tap.equal([r["name"] for r in carrier.cli("number", "list", json_out=True)], [OUR_NUMBER, THEIR_NUMBER], "numbers, too")
    tap.ok(until(40, lambda: shown(office, "connection", "carrier").get("registration") == "registered"), "and the password")
    rows = [r for r in carrier.cli("config", "show", "sip-connection.office", json_out=True) if r["origin"] == "store"]
    tap.ok({"sip-connection.office.username", "sip-connection.office.password"} <= {r["name"] for r in rows},
           "config show says where it comes from", rows)
    does(office, "route", "set", "out", "match=+44*", "match=+49*", "strip=0")
    tap.equal(shown(office, "route", "out")["settings"]["match"], "+44* +49*", "route set")
    does(office, "route", "set", "out", "strip=")
    does(office, "number", "set", OUR_NUMBER, "to=")
    tap.equal(shown(office, "number", OUR_NUMBER)["settings"]["to"], "", "KEY= is the default again")
    for noun, name in (("route", "out"), ("number", OUR_NUMBER), ("connection", "carrier")):
        does(office, noun, "remove", name, "--yes")
        refused(office, [noun, "show", name], "", f"there is no {'sip-connection' if noun == 'connection' else noun}", status=1)
    does(carrier, "number", "remove", OUR_NUMBER, "--yes")
    does(carrier, "number", "remove", THEIR_NUMBER, "--yes")
    def registers():
        end = sip.Endpoint("udp", carrier.ports["udp"])
        reply = end.register("office1", PASSWORD, DOMAIN)
        end.close()
        return reply is not None and reply.status == 200

    def is_registered():
        return any(r["user"] == "office1" for r in carrier.cli("registrations", json_out=True))
    registers()
    does(carrier, "connection", "set", "office", "calls-max=8")
    tap.ok(is_registered(), "a change of something else leaves it registered")
    does(carrier, "connection", "set", "office", "username=office2")
    tap.ok(not is_registered(), "with another username it is not registered under the first, which another connection may have next")
    does(carrier, "connection", "set", "office", "username=office1")
    tap.ok(registers() and is_registered(), "it registers anew")
    does(carrier, "connection", "remove", "office", "--yes")
    left = carrier.cli("secret", "list", json_out=True)
    tap.ok(not [r for r in left if r["name"] == "connection-office"], "its password goes with it", left)
    tap.ok(not is_registered(), "and its registration")
    tap.ok([r for r in office.cli("secret", "list", json_out=True) if r["name"] == "carrier-main"],
           "a secret that has a name of its own stays")
    for daemon in (office, carrier):
        code, out, _ = daemon.cli("config", "export")
        tap.ok(code == 0 and not any(w in out for w in ("sip-connection", "number", "route")), "nothing is left", out)


def refusals(daemon):
    """Sentences that name party, fact and setting, with a fix; nothing of what is refused stays."""
    ip = ["connection", "add", "spare", "type=ip"]
    for words, code, status, said in (
            ([*ip, "alow=192.0.2.9"], "RF-814", 2, ["sip-connection spare", "alow", "did you mean allow?"]),
            ([*ip, "outbound.srpt=off"], "RF-814", 2, ["sip-connection spare", "did you mean outbound.srtp?"]),
            ([*ip, "allow"], "RF-814", 2, ["allow", "KEY=VALUE"]),
            ([*ip, "type=fqdn"], "RF-814", 2, ["type", "twice"]),
            ([*ip, "allow=192.0.2.9", "a.type=ip"], "RF-814", 2, ["a.type"]),
            ([*ip, "allow=here"], "RF-810", 3, ["sip-connection.spare.allow", "IP address"]),
            ([*ip, "allow=192.0.2.9", "allow=192.0.2.9"], "RF-810", 3, ["sip-connection.spare.allow", "twice"]),
            ([*ip, "allow=192.0.2.9", "outbound.srtp=yes"], "RF-810", 3, ["sip-connection.spare.outbound.srtp", "yes"]),
            (ip, "RF-810", 3, ["sip-connection spare", "needs allow"]),
            (["connection", "add", "spare", "type=fqdn"], "RF-810", 3, ["sip-connection spare needs server"]),
            (["connection", "add", "spare", "password=secret:none", "username=x"], "RF-810", 3, ["spare", "none"]),
            (["connection", "add", "spare", "username=x", f"password={PASSWORD}"], "RF-814", 2, ["a password is no argument"]),
            (["connection", "add", "a b", "type=ip", "allow=192.0.2.9"], "RF-814", 2, ["the name of a sip-connection"]),
            (["connection", "add", "a.inbound", "type=ip", "allow=192.0.2.9"], "RF-814", 2, ["the name of a sip-connection"]),
            (["connection", "add", "x" * 64, "type=ip", "allow=192.0.2.9"], "RF-814", 2, ["1 to 63"]),
            (["connection", "add", "carrier", "type=ip", "allow=192.0.2.9"], "", 1, ["sip-connection carrier", "already"]),
            ([*ip, "allow=127.0.0.1"], "RF-810", 3, ["carrier and spare both allow 127.0.0.1"]),
            (["connection", "set", "nobody", "type=ip"], "", 1, ["there is no sip-connection nobody"]),
            (["connection", "remove", "nobody", "--yes"], "", 1, ["there is no sip-connection nobody"]),
            (["connection", "remove", "carrier"], "RF-814", 2, ["--yes"]),
            (["number", "add", "+100", "connection=nobody"], "RF-810", 3, ["number.+100.connection", "sip-connection nobody"]),
            (["connection", "set", "carrier", "trusted-certificate-store=/nowhere"], "RF-810", 3,
             ["sip-connection.carrier.trusted-certificate-store", "/nowhere"]),
            (["connection", "add", "spare", "username=x", "password=env:NOT_SET"], "RF-810", 3,
             ["sip-connection.spare.password", "NOT_SET"]),
            (["number", "add", "+100", "media-handling-mode=default"], "RF-810", 3, ["number +100 needs to or connection"]),
            (["number", "add", "+100", "to="], "RF-814", 2, ["number +100", "needs a setting"]),
            (["number", "add", OUR_NUMBER, "to=201"], "", 1, [f"number {OUR_NUMBER}", "already"]),
            (["route", "add", "two", "match=+*"], "RF-810", 3, ["route two needs match and use"]),
            (["route", "add", "two", "match=abc", "use=carrier"], "RF-810", 3, ["route two", "abc"]),
            (["route", "set", "out", "strip=many"], "RF-810", 3, ["route.out.strip"]),
            (["number", "set", OUR_NUMBER, "to=201\nuser 9 {"], "RF-810", 3, [f"number.{OUR_NUMBER}.to", "one line of text"]),
            (["connection", "add", "type=ip", "allow=192.0.2.9"], "RF-814", 2, ["type=ip is a setting: the name comes before it"])):
        refused(daemon, words, code, *said, status=status, stdin="")
    refused(daemon, ["secret", "add", "longer"], "RF-814", "is too long", stdin="x" * 257 + "\n", status=2)
    does(daemon, "secret", "add", "longest", stdin="x" * 256 + "\n", what="256 octets are a secret")
    does(daemon, "secret", "remove", "longest", "--yes")
    _, out, err = daemon.cli("connection", "add", "spare", "username=x", f"password={PASSWORD}")
    tap.ok(PASSWORD not in out + err, "a password that was given as an argument is not said again", out + err)
    code, out, err = daemon.cli("number", "add", "+199", "to=299")
    tap.ok(code == 0 and "299" in err and "warning" in err, "a number that leads nowhere yet is added, with a warning", out + err)
    does(daemon, "number", "remove", "+199", "--yes")


def of_the_file():
    """What the file says stays the file's: no second one, no removal, no other value; what it leaves out can be set."""
    port = free_ports(2)
    text = base(port, OFFICE) + "sip-connection carrier {\n    type ip\n    allow 127.0.0.1\n    server 127.0.0.9\n}\n"
    with Daemon(text=text) as daemon:
        line = text[:text.index("sip-connection carrier")].count("\n") + 1
        place = f"{daemon.file}:{line}"
        refused(daemon, ["connection", "add", "carrier", "type=ip", "allow=192.0.2.9"], "", "already", place, status=1)
        refused(daemon, ["connection", "remove", "carrier", "--yes"], "RF-810", "sip-connection carrier", place, status=7)
        refused(daemon, ["connection", "set", "carrier", "allow=192.0.2.9"], "RF-810", "sip-connection.carrier.allow",
                daemon.file, status=7)
        does(daemon, "connection", "set", "carrier", "calls-max=9")
        rows = {r["name"]: r["origin"] for r in daemon.cli("config", "show", "sip-connection.carrier", json_out=True)}
        tap.equal((rows["sip-connection.carrier.calls-max"], rows["sip-connection.carrier.type"].startswith(daemon.file)),
                  ("store", True), "what the file leaves out is set beside it")
        does(daemon, "connection", "set", "carrier", "calls-max=")
        does(daemon, "number", "add", "+491", "connection=carrier", "to=201")
        does(daemon, "number", "remove", "+491", "--yes")


def on_hosted():
    """What hosted enforces no connection leaves, and a new one begins with it (exit 6, RF-801)."""
    port = free_ports(2)
    text = config(listen=f"tls:127.0.0.1:{port}", users=OFFICE).replace("platform pbx", "platform hosted")
    text = "".join(line + "\n" for line in text.splitlines() if "security-profile" not in line and "require-tls" not in line)
    with Daemon(text=text) as daemon:
        refused(daemon, ["connection", "add", "carrier", "type=ip", "allow=192.0.2.9", "outbound.srtp=off"], "RF-801",
                "sip-connection.carrier.outbound.srtp", "off", status=6)
        does(daemon, "connection", "add", "carrier", "type=ip", "allow=192.0.2.9")
        settings = shown(daemon, "connection", "carrier")["settings"]
        tap.equal([settings[k] for k in ("inbound.srtp", "outbound.srtp", "require-tls")], ["required", "required", "on"],
                  "on a hosted platform a new connection is encrypted")


def many(daemon):
    """As many as there are at one time wait for each other; none is lost."""
    running = [subprocess.Popen([RINGFENCE, "number", "add", f"+33{i:04}", "to=201", "--state", daemon.state],
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for i in range(12)]
    ended = [(p.communicate()[1], p.returncode) for p in running]
    tap.ok(all(code == 0 for _, code in ended), "12 commands at one time", ended)
    names = {r["name"] for r in daemon.cli("number", "list", json_out=True)}
    tap.ok({f"+33{i:04}" for i in range(12)} <= names, "and all 12 numbers are there", names)
    for i in range(12):
        daemon.cli("number", "remove", f"+33{i:04}", "--yes")


def cut_off(daemon):
    """kill -9 between commands and in the middle of one: each that ended with 0 is there afterwards."""
    acknowledged, running = [], True

    def add():
        for i in range(1000):
            if not running:
                return
            if daemon.cli("number", "add", f"+34{i:04}", "to=201")[0] == 0:
                acknowledged.append(f"+34{i:04}")

    adding = threading.Thread(target=add)
    adding.start()
    until(20, lambda: len(acknowledged) >= 5)
    daemon.kill()
    running = False
    adding.join()
    daemon.start()
    names = {r["name"] for r in daemon.cli("number", "list", json_out=True)}
    tap.ok(len(acknowledged) >= 5 and set(acknowledged) <= names,
           f"{len(acknowledged)} numbers were acknowledged when the daemon was killed: all are there", (acknowledged, names))
    for name in names:
        if name.startswith("+34"):
            daemon.cli("number", "remove", name, "--yes")


def main():
    office_port, carrier_port = free_ports(2), free_ports(2)
    zone = Zone(ttl=1)
    zone.address("partner.test", SECOND)
    with Daemon(text=base(office_port, OFFICE, f"dns-servers 127.0.0.1:{zone.port}")) as office, \
            Daemon(text=base(carrier_port, CARRIER)) as carrier:
        p201 = Phone(office, "201", OFFICE["201"], 40200)
        p301 = Phone(carrier, "301", CARRIER["301"], 40300)
        by_address(office, carrier, office_port, carrier_port)
        refusals(office)
        by_name(office, zone)
        many(office)
        cut_off(office)
        by_credential(office, carrier, carrier_port)
        p201.close()
        p301.close()
        last_words(office, carrier)
        for daemon in (office, carrier):
            tap.ok(PASSWORD not in daemon.log_text(), "no log has a password")
        of_the_file()
        on_hosted()
    tap.done()


main()
