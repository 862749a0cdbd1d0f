#!/usr/bin/env python3
"""baresip 1.0 with each SRTP suite that it knows: a tone each way, frequencies measured, SRTCP taken (TEL-20, IPC-27).
It offers AES_CM_128_HMAC_SHA1_80 alone, and answers with the first line of ours that it knows: each suite once.

# sanitizers: address
# runs beside few
"""
import glob
import os
import subprocess
import tempfile
import time

import tap
from baresip import Baresip, module_path
from daemon import DOMAIN, PASSWORDS, Daemon


OFFERED = "AES_CM_128_HMAC_SHA1_80"


def suites_of_baresip():
    """The names that its SRTP module bears."""
    module = os.path.join(module_path(), "srtp.so")
    text = subprocess.run(["strings", "-a", module], capture_output=True, text=True).stdout
    return sorted({line for line in text.splitlines() if line.startswith(("AES_", "AEAD_AES_"))})


def near(got, want):
    return got is not None and abs(got - want) <= 0.06 * want


def forget_recordings(phone):
    for name in glob.glob(os.path.join(phone.folder, "dump-*.wav")):
        os.unlink(name)


def play(daemon, a, b, suite):
    status, _, err = daemon.cli("set", "media.crypto-suites", *dict.fromkeys([suite, OFFERED]))
    if not tap.ok(status == 0, f"{suite} is set first", err):
        return
    for phone in (a, b):
        forget_recordings(phone)
        phone.events.clear()
    a.command("dial", f"sip:202@{DOMAIN}")
    if not tap.ok(a.wait_event("CALL_ESTABLISHED", 20), f"{suite}: 201 calls 202", a.text()[-2000:]):
        return
    deadline = time.time() + 12
    legs = []
    while time.time() < deadline:
        legs = [leg["media"] for leg in daemon.cli("call", "show", "last", json_out=True)[0]["legs"]]
        if all(leg["in"]["rtcp"] > 0 and leg["in"]["authentic"] > 150 for leg in legs):
            break
        time.sleep(0.3)
    tap.equal([leg["suite"] for leg in legs], [OFFERED, suite], f"{suite}: 201 offered its own, 202 answers this one")
    tap.ok(all(leg["in"]["authentic"] > 150 and leg["in"]["refused"] == 0 for leg in legs),
           f"{suite}: on both legs packets authenticate, and none is refused", legs)
    tap.ok(all(leg["in"]["rtcp"] > 0 for leg in legs), f"{suite}: their SRTCP is taken", legs)
    # libre cuts SRTCP tags with the suite's (TEL-20): known and shown.
    tap.equal([leg.get("srtp_learnt") for leg in legs], [None, ["srtcp-tag-32"] if suite.endswith("_32") else None],
              f"{suite}: what was learnt of 202 is shown")
    a.command("hangup")
    a.wait_event("CALL_CLOSED", 5)
    time.sleep(0.7)
    heard = a.heard_hertz(), b.heard_hertz()
    tap.ok(near(heard[0], 880) and near(heard[1], 440), f"{suite}: each hears the other's tone", heard)


with Daemon(workers=2, threads=2, sip="digest-algorithms MD5") as daemon, tempfile.TemporaryDirectory() as folder:
    host, port = daemon.ports["tls"]
    outbound = f"sip:{host}:{port};transport=tls"
    a = Baresip(os.path.join(folder, "a"), "201", PASSWORDS["201"], DOMAIN, outbound, tone=440)
    b = Baresip(os.path.join(folder, "b"), "202", PASSWORDS["202"], DOMAIN, outbound, tone=880, answer=True)
    try:
        tap.ok(daemon.wait_registered("201", 20) and daemon.wait_registered("202", 20), "both register over TLS",
               a.text()[-2000:])
        names = suites_of_baresip()
        tap.ok(OFFERED in names and len(names) >= 2, f"baresip knows {' '.join(names)}")
        for name in names:
            play(daemon, a, b, name)
    finally:
        a.close()
        b.close()
tap.done()
