#!/usr/bin/env python3
"""baresip 1.0 transfers a call: three phones over TLS with mandatory SRTP, tones measured before and after.

# sanitizers: address
# runs beside few
"""
import os
import tempfile
import time

import tap
from baresip import Baresip
from daemon import DOMAIN, PASSWORDS, Daemon


def near(got, want):
    return got is not None and abs(got - want) <= 0.06 * want


with Daemon(workers=2, threads=2, srtp={u: "required" for u in PASSWORDS},
            sip="digest-algorithms MD5") as daemon, tempfile.TemporaryDirectory() as folder:
    host, port = daemon.ports["tls"]
    outbound = f"sip:{host}:{port};transport=tls"
    phones = {}
    try:
        for user, tone in (("201", 440), ("202", 880), ("203", 1320)):
            phones[user] = Baresip(os.path.join(folder, user), user, PASSWORDS[user], DOMAIN, outbound, tone=tone,
                                   answer=user != "201")
            tap.ok(daemon.wait_registered(user, 20), f"{user} registers over TLS", phones[user].text()[-2000:])
        a, b, c = phones.values()
        a.command("dial", f"sip:202@{DOMAIN}")
        tap.ok(a.wait_event("CALL_ESTABLISHED", 20), "201 calls 202 and the call is answered", a.text()[-3000:])
        time.sleep(4)
        b.command("transfer", f"sip:203@{DOMAIN}")
        tap.ok(c.wait_event("CALL_ESTABLISHED", 20), "202 transfers it, 203 answers", b.text()[-3000:])
        time.sleep(6)
        calls = daemon.cli("calls", json_out=True)
        tap.ok(len(calls) == 1 and (calls[0]["from"], calls[0]["to"]) == ("201", "203"), "201 speaks with 203", calls)
        tap.ok(len(calls) == 1 and calls[0]["verdict"] == "ENCRYPTED" and calls[0]["verdict_min"] == "ENCRYPTED",
               "ENCRYPTED by its packets, from its first one", calls)
        before = daemon.wait_event("call.record", 10)
        tap.ok(before is not None and before["record"]["verdict"] == "ENCRYPTED"
               and before["record"]["ended_by"] == "transfer", "so was the call before", before)
        a.command("hangup")
        time.sleep(1)
        tap.equal(daemon.cli("calls", json_out=True), [], "201 hangs up and no call is left")
        heard = {user: phone.heard_hertz(2) for user, phone in phones.items()}
        tap.ok(near(heard["203"], 440), f"203 heard 201 ({heard['203']} Hz)", c.text()[-2000:])
        tap.ok(near(heard["202"], 440), f"202 heard 201 before ({heard['202']} Hz)", b.text()[-2000:])
        tap.ok(near(heard["201"], 1320), f"201 heard 203 in the end ({heard['201']} Hz)", a.text()[-2000:])
    finally:
        for phone in phones.values():
            phone.close()
tap.done()
