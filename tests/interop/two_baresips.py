#!/usr/bin/env python3
"""baresip 1.0 to baresip 1.0 through ringfence: TLS, mandatory SRTP, a tone each way, frequencies measured.

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


with Daemon(workers=2, threads=2, sip="digest-algorithms MD5") as daemon, tempfile.TemporaryDirectory() as folder:
    host, port = daemon.ports["tls"]
    outbound = f"sip:{host}:{port};transport=tls"
    a = Baresip(os.path.join(folder, "a"), "201", PASSWORDS["201"], DOMAIN, outbound, tone=440)
    b = Baresip(os.path.join(folder, "b"), "202", PASSWORDS["202"], DOMAIN, outbound, tone=880, answer=True)
    try:
        tap.ok(daemon.wait_registered("201", 20), "201 registers over TLS", a.text()[-2000:])
        tap.ok(daemon.wait_registered("202", 20), "202 registers over TLS", b.text()[-2000:])
        a.command("dial", f"sip:202@{DOMAIN}")
        tap.ok(a.wait_event("CALL_ESTABLISHED", 20), "201 calls 202 and the call is answered", a.text()[-3000:])
        time.sleep(6)
        calls = daemon.cli("calls", json_out=True)
        tap.ok(len(calls) == 1 and calls[0].get("verdict") == "ENCRYPTED",
               "ringfence calls: one call, ENCRYPTED by its packets", calls)
        a.command("hangup")
        # What the phones said of it, in the ladder: baresip's control connection does not tell of every event.
        record = daemon.wait_event("call.record", 10)
        said = [(m["leg"], m["direction"], m.get("status")) for m in daemon.cli("ladder", "last", json_out=True)[0]["ladder"]
                if m["method"] == "BYE"]
        tap.equal(said, [("A", "in", None), ("A", "out", 200), ("B", "out", None), ("B", "in", 200)],
                  "the call ends on both sides: 201 sends BYE, 202 answers ours")
        time.sleep(0.5)
        menc = [p for p in (a, b) if "AES_CM_128_HMAC_SHA1_80" in p.text()]
        tap.ok(len(menc) == 2, "both phones report SRTP with AES_CM_128_HMAC_SHA1_80")
        heard_a, heard_b = a.heard_hertz(), b.heard_hertz()
        tap.ok(near(heard_a, 880), f"201 hears 202's 880 Hz ({heard_a} Hz)", a.text()[-2000:])
        tap.ok(near(heard_b, 440), f"202 hears 201's 440 Hz ({heard_b} Hz)", b.text()[-2000:])
        tap.ok(record is not None and record["record"]["verdict"] == "ENCRYPTED", "the call record says ENCRYPTED", record)
    finally:
        a.close()
        b.close()
tap.done()
