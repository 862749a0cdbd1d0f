#!/usr/bin/env python3
"""An office that registers at its carrier by TLS: calls come by that very connection, ours go by it, and SRTP is required on
both sides (TEL-1, TEL-16, TEL-21, TEL-31, IPC-24). The carrier restarts, and the office registers anew.

# sanitizers: address thread
"""
import os
import re
import time

import sip
import tap
from daemon import DOMAIN, Daemon, config, free_ports
from two_systems import Phone, call

OFFICE = {"201": "tidal-copper-41"}
CARRIER = {"301": "salt-river-08"}


def wait_state(daemon, want, seconds=20):
    deadline = time.time() + seconds
    while time.time() < deadline:
        rows = daemon.cli("connection", "list", json_out=True)
        if rows and rows[0].get("registration") == want:
            return rows[0]
        time.sleep(0.2)
    return rows[0] if rows else None


def main():
    office_port, carrier_port = free_ports(4), free_ports(4)

    def listen(port):
        return f"udp:127.0.0.1:{port} tcp:127.0.0.1:{port} tls:127.0.0.1:{port + 1}"

    carrier_conf = config(listen=listen(carrier_port), users=CARRIER, srtp={"301": "off"}, workers=2, more="""
sip-connection office {
    type credential
    username office1
    password amber-quill-19
    require-tls on
    inbound {
        srtp required
    }
    outbound {
        srtp required
    }
}
number +442071838750 {
    connection office
}
number +4930123456 {
    connection office
    to 301
}
""")
    with Daemon(text=carrier_conf) as carrier:
        root = os.path.join(carrier.state, "ca", "ca.pem")
        office_conf = config(listen=listen(office_port), users=OFFICE, srtp={"201": "off"}, workers=2, more=f"""
sip-trunks {{
    trusted-certificate-store {root}
}}
sip-connection carrier {{
    type credential
    server 127.0.0.1:{carrier_port + 1};transport=tls
    username office1
    password amber-quill-19
    register on
    inbound {{
        srtp required
    }}
    outbound {{
        srtp required
    }}
}}
number +442071838750 {{
    connection carrier
    to 201
}}
route out {{
    match +*
    use carrier
}}
""")
        with Daemon(text=office_conf) as office:
            row = wait_state(office, "registered")
            tap.ok(row and row["registration"] == "registered" and row["transport"] == "TLS",
                   "the office is registered by TLS (TEL-16)", f"{row}\n{office.log_text()[-3000:]}")
            bound = [r for r in carrier.cli("registrations", json_out=True) if r["user"] == "office1"]
            tap.ok(len(bound) == 1 and bound[0]["transport"] == "TLS", "the carrier has its binding", bound)
            p201 = Phone(office, "201", OFFICE["201"], 40200)
            p301 = Phone(carrier, "301", CARRIER["301"], 40300)

            final, bye = call(office, "201", OFFICE["201"], "+4930123456")
            tap.ok(final is not None and final.status == 200 and bye is not None and bye.status == 200,
                   "201 calls by the registered connection", f"{final and final.text}\n{office.log_text()[-2500:]}")
            record = carrier.cli("call", "show", "last", json_out=True)
            leg = next((l for l in record[0]["legs"] if l.get("connection") == "office"), {}) if record else {}
            tap.ok(leg.get("signalling", {}).get("tls_version") and leg.get("media", {}).get("protection") == "SRTP",
                   "with TLS and SRTP (TEL-21)", leg)

            final, bye = call(carrier, "301", CARRIER["301"], "+442071838750")
            tap.ok(final is not None and final.status == 200 and bye is not None and bye.status == 200,
                   "the carrier's call comes by that connection, too (TEL-16)",
                   f"{final and final.text}\n{carrier.log_text()[-2500:]}")
            tap.ok(len(p201.invites()) == 1, "201 rang for the number that stands in To",
                   [m.text for m in p201.heard])
            p201.close()
            p301.close()

            carrier.stop()
            row = wait_state(office, "failed")
            tap.ok(row and row["registration"] == "failed", "the carrier is gone, and connection list says so", row)
            carrier.start()
            row = wait_state(office, "registered", 40)
            tap.ok(row and row["registration"] == "registered", "it is back, and the office registers by itself", row)

            # A registration in clear is refused: require-tls (TEL-16).
            end = sip.Endpoint("udp", carrier.ports["udp"])
            reply = end.register("office1", "amber-quill-19", DOMAIN, timeout=3)
            tap.ok(reply is not None and reply.status == 403, "a registration by UDP is refused with 403", reply and reply.text)
            end.close()
            tap.ok(not re.search("amber-quill-19", office.log_text() + carrier.log_text()), "no log has the password")
    tap.done()


main()
