#!/usr/bin/env python3
"""sipp 3.6 against ringfence: REGISTER and calls over UDP and TCP, and baresip (TLS, SRTP) to sipp (UDP, RTP).

# sanitizers: address
# runs beside few
"""
import os
import subprocess
import tempfile
import time

import sip
import tap
from baresip import Baresip, free_port
from daemon import DOMAIN, PASSWORDS, Daemon

HERE = os.path.dirname(os.path.abspath(__file__))
# baresip knows only MD5: it registers at its second try, 30 s later, because the daemon learns that from the first.
SRTP = {"201": "required", "202": "optional", "203": "optional"}


def injection(folder, user):
    """sipp's user file: the name and its credentials (sipp itself computes the answer)."""
    path = os.path.join(folder, f"user-{user}.csv")
    with open(path, "w") as f:
        f.write(f"SEQUENTIAL\n{user};[authentication username={user} password={PASSWORDS[user]}]\n")
    return path


def sipp(folder, server, transport, scenario, user, calls, port, service="202", extra=()):
    """Run a scenario to its end: (exit status, what sipp said)."""
    args = ["sipp", f"{server[0]}:{server[1]}", "-t", {"udp": "u1", "tcp": "t1"}[transport], "-i", "127.0.0.1",
            "-p", str(port), "-m", str(calls), "-r", "10", "-s", service, "-inf", injection(folder, user),
            "-timeout", "40", "-timeout_error", "-nostdin", "-trace_err", "-error_file",
            os.path.join(folder, "sipp-errors.log"), *extra]
    args += ["-sf", scenario] if scenario.endswith(".xml") else ["-sn", scenario]
    p = subprocess.run(args, capture_output=True, text=True, timeout=90, cwd=folder)
    said = p.stdout[-800:]
    if os.path.exists(os.path.join(folder, "sipp-errors.log")):
        said += open(os.path.join(folder, "sipp-errors.log")).read()[-1500:]
    return p.returncode, said


for transport in ("udp", "tcp"):
    # sipp 3.6 gives up at a challenge that is not MD5.
    with Daemon(srtp=SRTP, workers=2, sip="digest-algorithms MD5") as daemon, tempfile.TemporaryDirectory() as folder:
        server = daemon.ports[transport]
        code, said = sipp(folder, server, transport, os.path.join(HERE, "sipp-register.xml"), "203", 20, free_port())
        tap.ok(code == 0, f"sipp registers 20 times over {transport.upper()}", said)

        # sipp's built-in answering side cannot register: an endpoint of ours registers its address for it.
        callee = free_port()
        register = sip.Endpoint("udp", daemon.ports["udp"])
        reply = register.register("202", PASSWORDS["202"], DOMAIN,
                                  contact=f"<sip:202@127.0.0.1:{callee};transport={transport}>")
        tap.ok(reply is not None and reply.status == 200, f"202 is registered at sipp's {transport.upper()} address")
        uas = subprocess.Popen(["sipp", "-sn", "uas", "-i", "127.0.0.1", "-p", str(callee), "-t",
                                {"udp": "u1", "tcp": "t1"}[transport], "-nostdin"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
        try:
            time.sleep(0.5)
            code, said = sipp(folder, server, transport, os.path.join(HERE, "sipp-uac.xml"), "203", 20, free_port())
            tap.ok(code == 0, f"sipp places 20 calls to sipp over {transport.upper()}", said)
            time.sleep(0.5)
            tap.equal(len(daemon.cli("calls", json_out=True)), 0, "no call is left over")

            if transport == "udp":
                host, port = daemon.ports["tls"]
                a = Baresip(os.path.join(folder, "a"), "201", PASSWORDS["201"], DOMAIN,
                            f"sip:{host}:{port};transport=tls")
                try:
                    tap.ok(daemon.wait_registered("201"), "baresip registers over TLS", a.text()[-1500:])
                    a.command("dial", f"sip:202@{DOMAIN}")
                    tap.ok(a.wait_event("CALL_ESTABLISHED", 20), "baresip (TLS, SRTP) calls sipp (UDP, RTP)",
                           a.text()[-3000:])
                    time.sleep(3)
                    calls = daemon.cli("calls", json_out=True)
                    tap.ok(len(calls) == 1 and calls[0].get("verdict") in ("PARTLY", "UNPROVEN", "CLEAR"),
                           "a call with a leg in clear is not called ENCRYPTED", calls)
                    a.command("hangup")
                    time.sleep(1)
                finally:
                    a.close()
        finally:
            uas.terminate()
            uas.wait(10)
tap.done()
