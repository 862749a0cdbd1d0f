#!/usr/bin/env python3
"""Several connections of type fqdn with one host, and so with one certificate, that a peer shows when it calls (TEL-1, TEL-10):
the number that is called says whose call it is, each connection's own authority and pin count, and what is ambiguous is nobody's.

# sanitizers: address
"""
import os
import shutil
import subprocess
import tempfile
import time

import sip
import tap
from daemon import DOMAIN, RINGFENCE, Daemon, config
from pki import Cert

folder = tempfile.mkdtemp(prefix="ringfence-one-certificate-")
os.chmod(folder, 0o755)
root = Cert(folder, "root", "Carrier Root", kind="ca")
other_root = Cert(folder, "other-root", "Other Root", kind="ca")
carrier = Cert(folder, "carrier", "sbc.carrier.test", root, san=["DNS:sbc.carrier.test", "DNS:two.carrier.test"])
renewed = Cert(folder, "renewed", "sbc.carrier.test", root, san=["DNS:sbc.carrier.test"])
NUMBERS = {"north": "+441", "south": "+442", "pinned": "+443", "private": "+444", "two": "+445"}


south_roots = os.path.join(folder, "south-roots.pem")
shutil.copyfile(root.path, south_roots)


def fqdn(name, host, *lines, store=root.path):
    lines = "".join(f"    {line}\n" for line in lines)
    return (f"sip-connection {name} {{\n    type fqdn\n    side customer\n    server {host}:5061;transport=tls\n    oos-check 0\n"
            f"    trusted-certificate-store {store}\n{lines}}}\n"
            f"number {NUMBERS[name]} {{\n    connection {name}\n    to 201\n}}\n")


def wait_record(daemon, call_id, seconds=10):
    deadline = time.time() + seconds
    while time.time() < deadline:
        for event in daemon.events():
            if event.get("event") == "call.record" and event["record"]["call_id"] == call_id:
                return event
        time.sleep(0.1)
    return None


def peer(daemon, cert):
    port = int(daemon.ready["interfaces"]["sip-trunks"][0].rsplit(":", 1)[1])
    return sip.Endpoint("tls", ("127.0.0.1", port), cert=(cert.path, cert.key))


def ask(daemon, cert, number, end=None):
    """INVITE to that number, showing the certificate: (status, connection in the record or None)."""
    is_own = end is None
    end = end or peer(daemon, cert)
    call_id = sip.token() + "@carrier"
    reply = end.ask(end.request("INVITE", f"sip:{number}@{DOMAIN}", [
        f"From: <sip:+4930999@sbc.carrier.test>;tag={sip.token(4)}", f"To: <sip:{number}@{DOMAIN}>", f"Call-ID: {call_id}",
        "CSeq: 1 INVITE", f"Contact: {end.contact('carrier')}"], sip.sdp("127.0.0.1", 40000)),
        lambda m: m.status and m.status >= 200, 10)
    if is_own:
        end.close()
    if reply is None or reply.status != 480:
        return reply and reply.status, None
    event = wait_record(daemon, call_id)
    return reply.status, event and event["record"]["legs"][0].get("connection")


more = ("sip-trunks {\n    listen tls:127.0.0.1:0\n    client-certificate optional\n"
        "    received-certificate-checks none\n}\n"
        + fqdn("north", "sbc.carrier.test") + fqdn("south", "SBC.Carrier.test", store=south_roots)
        + fqdn("pinned", "sbc.carrier.test", f"certificate-pin sha256:{renewed.sha256}")
        + fqdn("private", "sbc.carrier.test", store=other_root.path)
        + fqdn("two", "two.carrier.test")
        + "number +449 {\n    connection north south\n    to 201\n}\n")
with Daemon(config(users={"201": "x-tidal"}, srtp={"201": "off"}, workers=2) + more) as daemon:
    for name in ("north", "south", "two"):
        tap.equal(ask(daemon, carrier, NUMBERS[name]), (480, name), f"TEL-1: a call to {name}'s number is {name}'s")
    for name, why in (("pinned", "another certificate is pinned"), ("private", "another authority is trusted")):
        status, whose = ask(daemon, carrier, NUMBERS[name])
        tap.ok(status in (401, 403, 404, 407) and whose is None, f"TEL-10: not {name}'s, for which {why}", (status, whose))
    tap.equal(ask(daemon, renewed, NUMBERS["pinned"]), (480, "pinned"), "the pinned one is")
    status, whose = ask(daemon, carrier, "+449")
    tap.ok(status in (401, 403, 404, 407) and whose is None, "a number of two of them: nobody's", (status, whose))
    status, whose = ask(daemon, carrier, "+4930")
    tap.ok(status in (401, 403, 404, 407) and whose is None, "a number of none of them: nobody's", (status, whose))
    refused = [e for e in daemon.events() if e.get("code") == "RF-503" and "of several connections" in e.get("msg", "") + e.get("reason", "")]
    tap.ok(len(refused) >= 1, "RF-503 says that the certificate is that of several connections", len(refused))

    # --- a reload, while the connection is open; eight calls, so that both workers have some ---
    end = peer(daemon, carrier)
    tap.equal([ask(daemon, carrier, "+441", end) for _ in range(8)], 8 * [(480, "north")], "by one connection: north's")
    pin = "sip-connection.north.certificate-pin"
    tap.equal(daemon.cli("set", pin, f"sha256:{renewed.sha256}")[0], 0, "another certificate is pinned for north")
    after = [ask(daemon, carrier, "+441", end) for _ in range(8)]
    tap.ok(all(status in (401, 403, 404, 407) and whose is None for status, whose in after),
           "TEL-10: its connection, still open, is north's no more", after)
    tap.equal(daemon.cli("set", pin, f"sha256:{carrier.sha256}")[0], 0, "its own certificate is pinned")
    tap.equal([ask(daemon, carrier, "+441", end) for _ in range(8)], 8 * [(480, "north")], "it is north's again")
    shutil.copyfile(other_root.path, south_roots)
    tap.equal(daemon.cli("reload")[0], 0, "the file of authorities that south trusts has another one")
    status, whose = ask(daemon, carrier, "+442", end)
    tap.ok(status in (401, 403, 404, 407) and whose is None, "TEL-10: the same connection is south's no more", (status, whose))
    tap.equal(ask(daemon, carrier, "+441", end), (480, "north"), "north's it still is")
    end.close()

# --- more than a few of one certificate, by one name and by two ---
names = [f"c{i}" for i in range(36)]
NUMBERS.update({n: f"+46{i:02}" for i, n in enumerate(names)})
many = "".join(fqdn(n, "sbc.carrier.test" if i < 30 else "two.carrier.test") for i, n in enumerate(names))
with Daemon(config(users={"201": "x-tidal"}, srtp={"201": "off"}, workers=2) + more.split("sip-connection")[0] + many) as daemon:
    for i in (0, 4, 5, 29, 31):
        tap.equal(ask(daemon, carrier, NUMBERS[names[i]]), (480, names[i]), f"TEL-1: connection {i + 1} of 36 with one certificate")
    status, whose = ask(daemon, carrier, NUMBERS[names[32]])
    tap.ok(status in (401, 403, 404, 407) and whose is None, "the 33rd is not known by it", (status, whose))
    said = [e for e in daemon.events() if e.get("event") == "connection.too_many"]
    tap.ok(said and said[0]["connection"] == names[32] and said[0]["max"] == 32, "which the log says", said[:1])

lonely = "".join(f"sip-connection {n} {{\n    type fqdn\n    server sbc.carrier.test\n}}\n" for n in [f"n{i}" for i in range(32)] + ["e"])
path = os.path.join(folder, "many.conf")
with open(path, "w") as f:
    f.write(config(users={"201": "x-tidal"}) + lonely)
p = subprocess.run([RINGFENCE, "config", "check", path], capture_output=True, text=True)
line = 1 + open(path).read().split("sip-connection e {")[0].count("\n")
tap.ok(p.returncode == 0 and f"{path}:{line}:1: sip-connection e: 32 of type fqdn" in p.stderr and "valid" in p.stderr,
       "TEL-1: of more than can be told apart `config check` warns, with file and line", (p.returncode, p.stdout, p.stderr))
tap.ok("password" not in p.stderr, "advice is for --strict alone", p.stderr)
p = subprocess.run([RINGFENCE, "config", "check", "--strict", path], capture_output=True, text=True)
tap.ok(p.returncode == 5 and "32 of type fqdn" in p.stderr and "password" in p.stderr, "which has both, and exit 5", p.stderr)
with Daemon(text=open(path).read()) as daemon:
    said = [e["msg"] for e in daemon.events() if e.get("event") == "config.warning"]
    tap.ok(any("sip-connection e: 32 of type fqdn" in m for m in said), "the daemon's log has it", said)
    tap.equal(daemon.cli("set", "user.201.name", "Ann")[0], 0, "another setting is changed")
    again = [e["msg"] for e in daemon.events() if e.get("event") == "config.warning"]
    tap.equal(again, said, "and nothing is said again")
    tap.equal(daemon.cli("set", "sip-connection.n0.media-handling-mode", "bypass")[0], 0, "media that passes us by")
    tap.ok(any("RF-307" in e["msg"] for e in daemon.events() if e.get("event") == "config.warning"), "is warned of when it is set")
tap.done()
