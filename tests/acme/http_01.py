#!/usr/bin/env python3
"""A certificate for several names by http-01 from pebble, ECDSA and RSA, shown by the listeners. IPC-30.

pebble refuses a fifth of good nonces on purpose."""
# sanitizers: address
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import pebble
import tap
from daemon import Daemon, config

web, tls = pebble.free_port(), pebble.free_port()
with pebble.Pebble(web, tls) as ca:
    more = f"""web {{
    listen http:127.0.0.1:{web} https:127.0.0.1:{tls}
    certificate pub
    force-https-web-access on
}}
certificate pub {{
    lets-encrypt on
    directory {ca.directory}
    names sip.example.test www.example.test
    contact ops@example.test
    ca-file file:{ca.ca_file}
    terms-agreed on
}}
"""
    with Daemon(more=more, sip="certificate pub") as d:
        before = pebble.served(tls, "sip.example.test")
        tap.ok(before is not None, "until there is a certificate, our own authority's is shown")
        ecdsa = d.wait_event("acme.issued", 40, certificate="pub/ecdsa")
        rsa = d.wait_event("acme.issued", 40, certificate="pub/rsa")
        tap.ok(ecdsa is not None and rsa is not None, "IPC-30 an ECDSA and an RSA certificate are issued by http-01",
               d.log_text()[-4000:] + ca.text()[-1500:])
        deadline = time.time() + 20
        for kind in ("ecdsa", "rsa"):  # each is shown as soon as it is there
            while "Pebble" not in (pebble.served(tls, "sip.example.test", kind) or before)["issuer"]:
                if time.time() > deadline:
                    break
                time.sleep(0.2)
        root = ca.root()
        for kind, version in (("ecdsa", "1.3"), ("rsa", "1.2"), ("rsa", "1.3")):
            now = pebble.served(tls, "www.example.test", kind, version)
            path = os.path.join(d.folder, "now.pem")
            with open(path, "w") as f:
                f.write(now["pem"] if now else "")
            p = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{tls}", "-CAfile", root,
                                "-verify_return_error", "-servername", "www.example.test", "-verify_hostname",
                                "www.example.test"], input=b"", capture_output=True)
            tap.ok(now is not None and sorted(now["names"]) == ["sip.example.test", "www.example.test"] and
                   now["chain"] == 2 and p.returncode == 0,
                   f"IPC-29 {kind} over TLS {version}: both names, the whole chain, verified below the authority's root",
                   f"{now}\n{p.stdout.decode()[-600:]}")
        sip = pebble.served(d.ports["tls"][1], "sip.example.test")
        tap.ok(sip is not None and "Pebble" in sip["issuer"], "the SIP listener shows it, too", str(sip))
        tap.ok(not d.sanitizer_reports(), "the sandbox has refused nothing")
tap.done()
