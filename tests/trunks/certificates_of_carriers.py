#!/usr/bin/env python3
"""Authorities, pins and levels belong to one connection (TEL-6, TEL-10): four accounts at one carrier whose certificate comes
from a private authority.

# sanitizers: address thread
"""
import hashlib
import os
import ssl
import time

import sip
import tap
from daemon import DOMAIN, Daemon, config, free_ports

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
    with Daemon(text=config(listen=listen(carrier_port), users={"301": "x-salt-river"}, more=accounts)) as carrier:
        root = os.path.join(carrier.state, "ca", "ca.pem")
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
                                more=connections + "route out {\n match +*\n use pinned\n}\n")) as office:
            state = wait_settled(office)
            tap.equal(state.get("trusting"), "registered", "an authority of the connection's own is enough (TEL-10)")
            tap.equal(state.get("stranger"), "failed", "and counts for no other connection (TEL-6, TEL-10)")
            tap.equal(state.get("pinned"), "registered", "the pinned certificate")
            tap.equal(state.get("mistaken"), "failed", "another certificate than the pinned one")
            phone = sip.Endpoint("udp", office.ports["udp"])
            for _ in sip.call(phone, "201", "x-tidal", DOMAIN, "+4930", sip.sdp("127.0.0.1", 40000)):
                pass
            phone.close()
            time.sleep(0.5)
            calls = office.cli("calls", "--ended", "--connection", "pinned", json_out=True)
            shown = [leg["signalling"].get("peer_certificate", {}) for c in calls for leg in c["legs"][1:]]
            tap.ok(shown and shown[0].get("sha256") == right and shown[0].get("subject"),
                   "the record of a call has the certificate that the carrier showed", calls)
            log = office.log_text()
            # Both daemons' own authorities have one name: the office's has another key.
            tap.ok("RF-201" in log or "RF-213" in log, "the log says that the authority is not trusted", log[-2000:])
            tap.ok("RF-218" in log, "RF-218 says that it is not the pinned one", log[-2000:])
            tap.ok("RF-519" in log, "RF-519 says which registration failed", log[-2000:])
    tap.done()


if __name__ == "__main__":
    main()
