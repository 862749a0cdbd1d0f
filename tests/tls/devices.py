#!/usr/bin/env python3
"""Which TLS phones use is remembered, so that whoever raises a level is told first who would be left outside (P-05)."""
import os
import ssl
import socket
import time

import sip
import tap
from daemon import DOMAIN, PASSWORDS, Daemon, config


class OldPhone(sip.Endpoint):
    """An endpoint that speaks one TLS version and maybe one suite alone."""

    def __init__(self, server, version, ciphers="ALL:@SECLEVEL=0"):
        super().__init__("tcp", server)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers(ciphers)
        context.minimum_version = context.maximum_version = version
        self.socket, self.transport = context.wrap_socket(self.socket), "tls"


USERS = {"204": "tidal-copper-41", "210": "birch-lamp-73", "233": "salt-river-08", "240": "fern-gate-19"}
text = config(sip="cipher-suite-level old", workers=2, users=USERS)
with Daemon(text) as daemon:
    at = daemon.ports["tls"]
    ends = [(u, OldPhone(at, v)) for u, v in (("204", ssl.TLSVersion.TLSv1), ("210", ssl.TLSVersion.TLSv1_1),
                                             ("240", ssl.TLSVersion.TLSv1_3))]
    ends.append(("233", OldPhone(at, ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA")))
    for user, end in ends:
        for _ in range(3):
            tap.equal(end.register(user, USERS[user], DOMAIN).status, 200, f"{user} registers")
    rows = {}
    for _ in range(50):
        rows = {r["device"]: r for r in daemon.cli("tls", "devices", json_out=True)}
        if len(rows) == 4:
            break
        time.sleep(0.1)
    tap.ok(len(rows) == 4 and rows["204"]["version"] == "1.0" and rows["240"]["version"] == "1.3"
           and rows["233"]["suite"] == "ECDHE-ECDSA-AES128-SHA", "one row a device, with version and suite", rows)
    tap.ok("old" in rows["233"]["levels"] and "intermediate" not in rows["233"]["levels"] and "modern" in rows["240"]["levels"],
           "and the levels that would take it", rows)
    code, out, err = daemon.cli("tls", "devices", "sip", "--level", "intermediate")
    tap.ok(code == 5 and all(u in out for u in ("204", "210", "233")) and "240" not in out,
           "tls devices --level: who would be left outside, exit 5", f"exit {code}\n{out}{err}")
    code, out, err = daemon.cli("set", "sip.cipher-suite-level", "intermediate")
    tap.ok("3 devices" in err and "204 210 233" in err, "set of a level says so first", err)
    daemon.stop()
    daemon.start()
    tap.equal(len(daemon.cli("tls", "devices", json_out=True)), 4, "a restart forgets nothing")
    for _, end in ends:
        end.close()
tap.done()
