#!/usr/bin/env python3
"""Each interface has TLS settings of its own: trunks show certificates, phones need none, and each is judged by its
level. AVA-1 to AVA-9, AVA-12, AVA-13, AVA-15 to AVA-18, AVA-21 to AVA-23, GEN-14, GEN-15, GEN-17, TEL-14.

# sanitizers: address
"""
import os
import socket
import ssl
import tempfile

import pebble
import sip
import tap
from daemon import DOMAIN, PASSWORDS, Daemon, config
from pki import Cert, Shake

WORKERS = 2


def trunks(*lines, listen="tls:127.0.0.1:0"):
    return f"sip-trunks {{\n    listen {listen}\n" + "".join(f"    {line}\n" for line in lines) + "}\n"


def serves(at, cert):
    """Is a connection with this certificate still there when its ping should be answered?"""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(cert.chain(), cert.key)
    try:
        with socket.create_connection(at, 10) as plain, context.wrap_socket(plain) as s:
            s.sendall(b"\r\n\r\n")
            return s.recv(2) == b"\r\n"
    except OSError:
        return False


with tempfile.TemporaryDirectory() as folder:
    os.chmod(folder, 0o755)
    store = os.path.join(folder, "trusted")
    os.mkdir(store)
    root = Cert(folder, "root", "Test Root", kind="ca")
    middle = Cert(folder, "middle", "Test Issuing", root, kind="ca")
    other = Cert(folder, "other", "Other Root", kind="ca")
    good = Cert(folder, "good", "trunk.test", middle, san=["DNS:trunk.test", "URI:sip:trunk.test"])
    foreign = Cert(folder, "foreign", "trunk.test", other, san=["DNS:trunk.test"])
    server_only = Cert(folder, "server-only", "trunk.test", middle, san=["DNS:trunk.test"], eku="serverAuth")
    fresh = Cert(folder, "fresh", "trunk.test", middle, san=["DNS:trunk.test", "URI:sip:trunk.test"])
    stranger = Cert(folder, "stranger", "else.test", middle, san=["DNS:else.test", "URI:sip:else.test"])
    misnamed = Cert(folder, "misnamed", "else.test", middle, san=["DNS:else.test", "URI:sip:else.test"])
    with open(os.path.join(store, "root.pem"), "w") as f:
        f.write(root.pem)

    def show(c):
        return ["-cert", c.path, "-key", c.key, "-cert_chain", c.chain()]

    more = trunks("client-certificate required", "received-certificate-checks medium",
                  f"trusted-certificate-store {store}")
    with Daemon(workers=WORKERS, more=more) as daemon:
        at = daemon.ready["interfaces"]
        tap.ok(set(at) == {"sip-phones", "sip-trunks"}, "daemon.ready names each interface with its addresses", at)
        trunk = ("127.0.0.1", int(at["sip-trunks"][0].rsplit(":", 1)[1]))
        phone = daemon.ports["tls"]

        # --- required, medium ---
        s = Shake(trunk)
        tap.ok("Acceptable client certificate CA names" in s.text and "Test Root" in s.text,
               "AVA-1 sip-trunks asks for a certificate and names whom it trusts", s.text)
        tap.ok(not s.ok and s.alert in ("certificate required", "handshake failure"),
               "AVA-2 none: refused", f"{s.alert}\n{s.text[-800:]}")
        e = daemon.wait_event("refused", 5, code="RF-110", listener="sip-trunks")
        tap.ok(e is not None and "127.0.0.1" in e["msg"], "AVA-2 the event names interface and peer", e)
        s = Shake(trunk, "-tls1_2")
        tap.equal(s.alert, "handshake failure", "AVA-2 the same with TLS 1.2, by its own alert")
        tap.ok(Shake(trunk, *show(good)).ok, "AVA-3 AVA-6 GEN-15 GEN-17 a trusted chain of three: accepted")
        s = Shake(trunk, *show(foreign))
        tap.ok(s.alert == "unknown ca", "AVA-6 GEN-19 an authority that is not trusted: refused", s.text[-1500:])
        e = daemon.wait_event("refused", 5, code="RF-201")
        tap.ok(e is not None and "trunk.test" in str(e) and "Other Root" in str(e) and "medium" in str(e),
               "AVA-26 the event names check, level, subject and issuer", e)
        s = Shake(trunk, *show(server_only))
        tap.equal(s.alert, "unsupported certificate", "AVA-8 a certificate for servers alone: refused")

        # --- phones at their own interface ---
        s = Shake(phone)
        tap.ok(s.ok and "No client certificate CA names sent" in s.text, "AVA-22 GEN-14 phones are not asked", s.text[-500:])
        end = sip.Endpoint("tls", phone)
        tap.equal(end.register("201", PASSWORDS["201"], DOMAIN).status, 200, "AVA-22 a phone without one registers")

        # --- changed while it runs ---
        def level(name, value):
            code, out, err = daemon.cli("set", f"sip-trunks.{name}", value)
            return code, out + err

        daemon.file_text = open(daemon.file).read()

        def rewrite(**lines):
            text = daemon.file_text
            for key, value in lines.items():
                key = key.replace("_", "-")
                text = text.replace(next(line for line in text.splitlines() if line.strip().startswith(key + " ")
                                         and line in more), f"    {key} {value}")
            with open(daemon.file, "w") as f:
                f.write(text)
            code, out, err = daemon.cli("reload")
            tap.ok(code == 0, f"reload with {lines}", out + err)

        rewrite(received_certificate_checks="none")
        tap.ok(Shake(trunk, *show(foreign)).ok and Shake(trunk, *show(server_only)).ok,
               "AVA-4 AVA-21 none: any certificate that is in date")
        tap.ok(not Shake(trunk).ok, "AVA-4 but there must be one")
        rewrite(received_certificate_checks="high")
        tap.ok(not Shake(trunk, *show(good)).ok, "AVA-15 high: its issuer in the store is not enough")
        with open(os.path.join(store, "good.pem"), "w") as f:
            f.write(good.pem)
        rewrite(received_certificate_checks="high")
        tap.ok(Shake(trunk, *show(good)).ok, "AVA-15 a copy of it in the store is")
        rewrite(received_certificate_checks="medium-remote\n    peer-names trunk.test")
        tap.ok(Shake(trunk, *show(good), say="\r\n\r\n", timeout=2).ok, "AVA-16 AVA-17 medium-remote: a name that is configured")
        s = Shake(trunk, *show(misnamed), say="OPTIONS sip:x SIP/2.0\r\n", timeout=3)
        e = daemon.wait_event("refused", 5, code="RF-206")
        tap.ok(e is not None and "else.test" in str(e), "AVA-16 another name: the connection is closed and the event says why", e)

        # --- AVA-18: every way to fail high, and every way to fail the names ---
        with open(os.path.join(store, "misnamed.pem"), "w") as f:
            f.write(misnamed.pem)
        rewrite(received_certificate_checks="high-remote\n    peer-names trunk.test")
        for c, want, why in ((good, True, "a copy in the store and the right name: accepted"),
                             (fresh, False, "the right name and no copy in the store"),
                             (misnamed, False, "a copy in the store and another name"),
                             (stranger, False, "neither"), (foreign, False, "the right name of another authority"),
                             (server_only, False, "the right name for servers alone")):
            tap.equal(serves(trunk, c), want, f"AVA-18 high-remote: {why}")
        os.unlink(os.path.join(store, "misnamed.pem"))

        rewrite(client_certificate="off")
        tap.ok(Shake(trunk).ok, "GEN-14 off: nobody is asked")
        rewrite(client_certificate="optional", received_certificate_checks="medium")
        tap.ok(Shake(trunk).ok and Shake(trunk, *show(good)).ok and not Shake(trunk, *show(foreign)).ok,
               "optional: none is fine, one that is shown is judged")
        tap.equal(end.register("201", PASSWORDS["201"], DOMAIN).status, 200, "the phone's connection stayed through all of it")

        # --- TEL-14 ---
        weak = ["-cipher", "ALL:@SECLEVEL=0"]
        rewrite(client_certificate="off")
        for level_name in ("old", "intermediate"):
            with open(daemon.file, "w") as f:
                f.write(daemon.file_text.replace("client-certificate required", "client-certificate off\n"
                                                 f"    cipher-suite-level {level_name}"))
            tap.equal(daemon.cli("reload")[0], 0, f"sip-trunks at level {level_name}")
            s = [Shake(trunk, v, *weak) for v in ("-tls1", "-tls1_1")]
            tap.ok(all(not x.ok for x in s) and Shake(trunk, "-tls1_2").ok and Shake(trunk, "-tls1_3").ok,
                   f"TEL-14 TLS 1.0 and 1.1 are refused, 1.2 and 1.3 accepted", [x.text[-300:] for x in s])
        end.close()

    # --- security.tls-mutual ---
    for mutual, want in (("1", False), ("0", True)):
        more = trunks(f"trusted-certificate-store {store}") + f"security {{\n    tls-mutual {mutual}\n}}\n"
        with Daemon(workers=1, more=more) as daemon:
            trunk = ("127.0.0.1", int(daemon.ready["interfaces"]["sip-trunks"][0].rsplit(":", 1)[1]))
            tap.ok(Shake(trunk).ok is want and Shake(trunk, *show(good)).ok,
                   f"{'GEN-15' if mutual == '1' else 'GEN-14'} tls-mutual {mutual}")

    # --- AVA-23: nodes and administrators ---
    ports = [pebble.free_port(), pebble.free_port()]
    more = "".join(f"{block} {{\n    listen https:127.0.0.1:{port}\n    client-certificate required\n"
                   f"    trusted-certificate-store {store}\n    received-certificate-checks {level}\n}}\n"
                   for block, port, level in (("node-link", ports[0], "medium"), ("management", ports[1], "none")))
    with Daemon(workers=1, more=more) as daemon:
        node, management = (("127.0.0.1", p) for p in ports)
        tap.ok(not Shake(node, *show(foreign)).ok and Shake(management, *show(foreign)).ok,
               "AVA-23 node-link medium, management none: each by its own level")
        with open(daemon.file) as f:
            text = f.read()
        with open(daemon.file, "w") as f:
            f.write(text.replace("checks medium", "checks X").replace("checks none", "checks medium").replace("checks X", "checks none"))
        tap.equal(daemon.cli("reload")[0], 0, "the two are exchanged while it runs")
        tap.ok(Shake(node, *show(foreign)).ok and not Shake(management, *show(foreign)).ok,
               "AVA-23 and neither followed the other")
        for name, level_name in (("telephony-endpoints", "medium"), ("management-interfaces", "none")):
            tap.equal(daemon.cli("set", f"security.received-certificate-checks-{name}", level_name)[0], 0,
                      f"the setting for {name} becomes {level_name}")
        shared = {i: daemon.cli("get", f"{i}.received-certificate-checks")[1].strip() for i in ("web", "sip", "sip-trunks")}
        tap.equal(shared, {"web": "none", "sip": "medium", "sip-trunks": "medium"},
                  "AVA-21 telephony endpoints have a setting of their own, which management does not follow")
        tap.ok(Shake(node, *show(good)).ok and Shake(management, *show(good)).ok, "AVA-23 one that passes both is taken by both")

    # --- one address for phones and trunks ---
    port = pebble.free_port()
    shared = f"tls:127.0.0.1:{port}"
    more = trunks(f"trusted-certificate-store {store}", "peer-addresses 127.0.0.7 127.0.1.0/24", listen=shared)
    with Daemon(listen=shared + " udp:127.0.0.1:0", workers=WORKERS, more=more) as daemon:
        tap.ok(daemon.ready["interfaces"].get("sip-shared") == [shared], "AVA-22 an address in both blocks is shared",
               daemon.ready["interfaces"])
        at = ("127.0.0.1", port)
        s = Shake(at)
        tap.ok(s.ok and "Test Root" in s.text, "AVA-22 there everybody is asked, and nobody must", s.text[-600:])
        end = sip.Endpoint("tls", at)
        tap.equal(end.register("201", PASSWORDS["201"], DOMAIN).status, 200, "AVA-22 a phone registers without one")
        for source in ("127.0.0.7", "127.0.1.9"):
            stranger = sip.Endpoint("tls", at, source=(source, 0))
            reply = stranger.register("202", PASSWORDS["202"], DOMAIN)
            tap.equal(reply.status, 403, f"AVA-22 from a trunk's address ({source}) without one: 403")
            stranger.close()
        e = daemon.wait_event("refused", 5, code="RF-110", listener="sip-shared")
        tap.ok(e is not None and "127.0.0.7" in e["msg"], "AVA-22 and an event", e)
        s = Shake(at, "-bind", "127.0.0.7", *show(good),
                  say=f"OPTIONS sip:{DOMAIN} SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.7;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\n"
                      f"To: <sip:{DOMAIN}>\r\nCall-ID: a@b\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
                  timeout=3)
        tap.ok("SIP/2.0 200" in s.text, "AVA-22 a trunk with its certificate is answered", s.text[-600:])
        end.close()
tap.done()
