#!/usr/bin/env python3
"""Authorities, pins and levels belong to one connection (TEL-6, TEL-10): four accounts at one carrier whose certificate comes
from a private authority.

# sanitizers: address thread
"""
import hashlib
import os
import ssl
import tempfile
import time

import sip
import tap
from daemon import DOMAIN, Daemon, config, free_ports
from pki import Cert

ACCOUNTS = ("trusting", "stranger", "pinned", "mistaken")


def wait_settled(daemon, seconds=30):
    """{name: registration} once nothing is "trying" any more."""
    deadline = time.time() + seconds
    while True:
        state = {r["name"]: r["registration"] for r in daemon.cli("connection", "list", json_out=True)}
        if "trying" not in state.values() or time.time() > deadline:
            return state
        time.sleep(0.2)


def main():
    carrier_port, office_port = free_ports(4), free_ports(4)

    def listen(port):
        return f"udp:127.0.0.1:{port} tls:127.0.0.1:{port + 1}"

    accounts = "".join(f"sip-connection {a} {{\n type credential\n username {a}\n password amber-quill-19\n}}\n"
                       for a in ACCOUNTS)
    folder = tempfile.mkdtemp(prefix="ringfence-carrier-")
    os.chmod(folder, 0o755)
    authority = Cert(folder, "root", "Carrier Root", kind="ca")
    own_cert = Cert(folder, "carrier", "carrier.test", authority, san=["DNS:carrier.test", "IP:127.0.0.1"])
    accounts += f"certificate carrier {{\n chain file:{own_cert.path}\n key file:{own_cert.key}\n}}\n"
    with Daemon(text=config(listen=listen(carrier_port), users={"301": "x-salt-river"}, sip="certificate carrier",
                            more=accounts)) as carrier:
        root = authority.path
        pem = ssl.get_server_certificate(("127.0.0.1", carrier_port + 1))
        right = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
        own = {"trusting": f"trusted-certificate-store {root}", "stranger": "",
               "pinned": f"trusted-certificate-store {root}\n certificate-pin sha256:{right}",
               "mistaken": f"trusted-certificate-store {root}\n certificate-pin sha256:{'0' * 64}"}
        connections = "".join(f"""
sip-connection {a} {{
    type credential
    server 127.0.0.1:{carrier_port + 1};transport=tls
    username {a}
    password amber-quill-19
    register on
    received-certificate-checks-telephony-endpoints medium-remote
    {own[a]}
}}
""" for a in ACCOUNTS)
        with Daemon(text=config(listen=listen(office_port), users={"201": "x-tidal"}, srtp={"201": "off"}, workers=2,
                                more=connections + "route out {\n match +*\n use pinned\n}\n"
                              "route over {\n match 8*\n use stranger pinned\n}\nroute none {\n match 9*\n use stranger\n}\n")) as office:
            state = wait_settled(office)
            tap.equal(state.get("trusting"), "registered", "an authority of the connection's own is enough (TEL-10)")
            tap.equal(state.get("stranger"), "failed", "and counts for no other connection (TEL-6, TEL-10)")
            tap.equal(state.get("pinned"), "registered", "the pinned certificate")
            tap.equal(state.get("mistaken"), "failed", "another certificate than the pinned one")
            phone = sip.Endpoint("udp", office.ports["udp"])
            for _ in sip.call(phone, "201", "x-tidal", DOMAIN, "+4930", sip.sdp("127.0.0.1", 40000)):
                pass
            finals = {}
            for number in ("8123", "9123"):
                for reply in sip.call(phone, "201", "x-tidal", DOMAIN, number, sip.sdp("127.0.0.1", 40000)):
                    finals[number] = (reply.status, reply.text) if reply is not None else None
            phone.close()
            time.sleep(0.5)
            tap.equal(finals.get("8123", (0,))[0], 404, "TEL-6 a call fails over from it to a connection that trusts the carrier")
            tap.ok(finals.get("9123", (0,))[0] == 503 and "cause=27" in finals["9123"][1],
                   "TEL-6 a call that has no other connection gets 503, destination out of order", finals)
            told = office.wait_event("refused", 5, code="RF-201")
            tap.ok(told is not None and told["level"] == "warn" and told["alert_sent"] == "unknown_ca" and
                   "Carrier Root" in told["msg"], "TEL-6 RF-201 names the authority; the alert that we sent is unknown_ca", told)
            heard = [e for e in carrier.events() if e.get("code") == "RF-202"]
            tap.ok(any(e.get("alert_received") == "unknown_ca" and e.get("peer") and e.get("fix") for e in heard),
                   "TEL-8 the carrier sees by that alert who does not know its authority, and what to do", heard)
            records = {c["to"]: c for c in office.ended(2)}
            tap.equal([records.get(n, {}).get("legs", [{}])[-1].get("connection") for n in ("8123", "9123")],
                      ["pinned", "stranger"], "TEL-10 and the records say by which connection they went")
            calls = office.cli("calls", "--ended", "--connection", "pinned", json_out=True)
            shown = [leg["signalling"].get("peer_certificate", {}) for c in calls for leg in c["legs"][1:]]
            tap.ok(shown and shown[0].get("sha256") == right and shown[0].get("subject"),
                   "the record of a call has the certificate that the carrier showed", calls)
            log = office.log_text()
            tap.ok("RF-218" in log, "RF-218 says that it is not the pinned one", log[-2000:])
            tap.ok("RF-519" in log, "RF-519 says which registration failed", log[-2000:])
    tap.done()


if __name__ == "__main__":
    main()
