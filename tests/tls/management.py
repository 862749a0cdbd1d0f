#!/usr/bin/env python3
"""The interfaces of administrators: one setting for the certificates that web and management receive, at the handshake of each
port, changed while they serve (AVA-19); and it holds only where a certificate is asked for (AVA-20).

# sanitizers: address
"""
import itertools
import os
import socket
import ssl
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from daemon import Daemon, config
from pki import Cert

folder = tempfile.TemporaryDirectory(prefix="ringfence-management-")
os.chmod(folder.name, 0o755)
root = Cert(folder.name, "root", "Test Root", kind="ca")
other = Cert(folder.name, "other", "Other Root", kind="ca")
store = os.path.join(folder.name, "trusted")
os.mkdir(store)
CERTS = {
    "none": None,
    "trusted": Cert(folder.name, "trusted", "admin.test", root, san=["DNS:admin.test"]),
    "a copy in the store": Cert(folder.name, "copied", "admin.test", root, san=["DNS:admin.test"]),
    "foreign": Cert(folder.name, "foreign", "admin.test", other, san=["DNS:admin.test"]),
    "ended": Cert(folder.name, "ended", "admin.test", other, san=["DNS:admin.test"], days=-1),
    "for servers alone": Cert(folder.name, "server", "admin.test", root, san=["DNS:admin.test"], eku="serverAuth"),
}
for cert in (root, CERTS["a copy in the store"]):
    with open(os.path.join(store, cert.name + ".pem"), "w") as f:
        f.write(cert.pem)

# What each level lets in, of those above that show one; AVA-2: none is refused at each.
LETS_IN = {
    "none": {"trusted", "a copy in the store", "foreign", "for servers alone"},
    "low": {"trusted", "a copy in the store", "foreign", "for servers alone"},
    "medium": {"trusted", "a copy in the store"},
    "high": {"a copy in the store"},
}
REFUSED_AS = {"none": "RF-110", "foreign": "RF-201", "ended": "RF-204", "for servers alone": "RF-210", "trusted": "RF-211"}
sources = itertools.count(1)


def let_in(port, cert):
    """Does the handshake come up? Of TLS 1.2, where the server's verdict is part of it. Each from an address of its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    if cert is not None:
        context.load_cert_chain(cert.path, cert.key)
    n = next(sources)
    try:
        with socket.create_connection(("127.0.0.1", port), 10, source_address=(f"127.7.{n // 250}.{n % 250 + 1}", 0)) as plain:
            with context.wrap_socket(plain):
                return True
    except ssl.SSLError as e:
        return False if "alert" in str(e).lower() else f"not refused by an alert: {e}"
    except OSError as e:
        return f"not refused by an alert: {e}"


def asks(port):
    """Does the server ask for a certificate at all?"""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    seen = []
    context._msg_callback = lambda conn, way, version, content, kind, data: seen.append((way, getattr(kind, "name", "")))
    n = next(sources)
    try:
        with socket.create_connection(("127.0.0.1", port), 10, source_address=(f"127.7.{n // 250}.{n % 250 + 1}", 0)) as plain:
            with context.wrap_socket(plain):
                pass
    except OSError:
        pass
    return ("read", "CERTIFICATE_REQUEST") in seen


def block(name, asked):
    return f"{name} {{\n    listen https:127.0.0.1:0\n    client-certificate {asked}\n    trusted-certificate-store {store}\n}}\n"


with Daemon(config(more=block("web", "required") + block("management", "required"))) as daemon:
    port = {name: int(at[0].rsplit(":", 1)[1]) for name, at in daemon.ready["interfaces"].items() if name in ("https", "management")}
    for level, welcome in LETS_IN.items():
        done = daemon.cli("set", "security.received-certificate-checks-management-interfaces", level)
        tap.equal(done[0], 0, f"AVA-19 level {level} is set while they serve")
        for name, what in itertools.product(port, CERTS):
            tap.equal(let_in(port[name], CERTS[what]), what in welcome,
                      f"AVA-19 {name} at level {level}: certificate {what}: {'let in' if what in welcome else 'refused'}")
    for name, (what, code) in itertools.product(port, REFUSED_AS.items()):
        e = daemon.wait_event("refused", 5, code=code, listener=name)
        tap.ok(e is not None, f"AVA-19 AVA-26 {name}: {what} is told as {code}", daemon.log_text()[-600:] if e is None else "")
    # One of them may say otherwise.
    tap.equal(daemon.cli("set", "management.received-certificate-checks", "low")[0], 0, "management has a level of its own")
    tap.equal([let_in(port[n], CERTS["foreign"]) for n in ("https", "management")], [False, True],
              "AVA-19 which holds for its port alone")

with Daemon(config(more=block("web", "off") + block("management", "off"))) as daemon:
    port = {name: int(at[0].rsplit(":", 1)[1]) for name, at in daemon.ready["interfaces"].items() if name in ("https", "management")}
    tap.equal(daemon.cli("set", "security.received-certificate-checks-management-interfaces", "high")[0], 0, "the checks are high")
    for name in port:
        tap.equal((asks(port[name]), let_in(port[name], None), let_in(port[name], CERTS["foreign"])), (False, True, True),
                  f"AVA-20 {name} asks for no certificate: none is demanded and none is judged, whatever the checks are")
    with open(daemon.file) as f:
        text = f.read()
    with open(daemon.file, "w") as f:
        f.write(text.replace("client-certificate off", "client-certificate required", 1))
    tap.equal(daemon.cli("reload")[0], 0, "web asks for one from now on")
    tap.equal((asks(port["https"]), let_in(port["https"], None), let_in(port["https"], CERTS["foreign"]),
               let_in(port["https"], CERTS["trusted"]), let_in(port["https"], CERTS["a copy in the store"])),
              (True, False, False, False, True), "AVA-20 then the checks are enforced there")
    stale = 0
    for asked in ["off", "required"] * 10:
        with open(daemon.file, "w") as f:
            f.write(text.replace("client-certificate off", f"client-certificate {asked}", 1))
        assert daemon.cli("reload")[0] == 0
        stale += asks(port["https"]) != (asked == "required")
    tap.equal(stale, 0, "a change that was told as done holds for the next connection")
    tap.equal((asks(port["management"]), let_in(port["management"], None)), (False, True), "AVA-20 and only there")
tap.done()
