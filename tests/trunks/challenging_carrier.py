#!/usr/bin/env python3
"""A carrier that wants fresh credentials for each request of a call, and computes for itself whether they are right: INVITE,
hold, key presses, session refresh and BYE, by UDP and by TLS, several calls on several workers (TEL-1, RFC 3261 22.2).

# sanitizers: address thread
"""
import hashlib
import os
import re
import socket
import ssl
import tempfile
import threading
import time

import sip
import tap
from daemon import DOMAIN, Daemon, config, connection, free_ports
from pki import Cert

USER, NAME, PASSWORD = {"201": "tidal-copper-41"}, "office1", "amber-quill-19"


def is_right(value, method, nonces):
    """RFC 7616 3.4.1, by hand; a nonce counts once."""
    v = dict((k.lower(), x.strip('"')) for k, x in re.findall(r'(\w+)=("[^"]*"|[^,\s]+)', value))
    make = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[v.get("algorithm", "MD5")]
    h = lambda s: make(s.encode()).hexdigest()  # noqa: E731
    if v.get("nonce") not in nonces or v.get("username") != NAME:
        return False
    nonces.discard(v["nonce"])
    want = h(":".join([h(f"{NAME}:{v['realm']}:{PASSWORD}"), v["nonce"], v["nc"], v["cnonce"], v["qop"],
                       h(f"{method}:{v['uri']}")]))
    return v["response"] == want


class Carrier:
    """Challenges each request once; what then comes with right credentials is done."""

    def __init__(self, end):
        self.end, self.done, self.wrong, self.nonces, self.answered, self.acks = end, [], [], set(), {}, []
        self.running = True
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while self.running:
            m = self.end.receive(0.3)
            if m is None or m.method is None:
                continue
            if m.method == "ACK":
                self.acks.append(m)
                continue
            key = (m.get("call-id"), m.get("cseq"))
            if key in self.answered:
                self.end.reply(m, *self.answered[key])
                continue
            self.answered[key] = reply = self.judge(m)
            self.end.reply(m, *reply)

    def judge(self, m):
        proxy = m.method in ("INVITE", "BYE")
        value = m.get("proxy-authorization" if proxy else "authorization")
        tag = "c" + m.get("call-id")[-6:]
        if not value or not is_right(value, m.method, self.nonces):
            if value:
                self.wrong.append(m.text)
            nonce = sip.token(16)
            self.nonces.add(nonce)
            name = "Proxy-Authenticate" if proxy else "WWW-Authenticate"
            algorithm = "SHA-256" if m.method != "INFO" else "MD5"
            return (407 if proxy else 401, "Who", tag,
                    [f'{name}: Digest realm="carrier.test", nonce="{nonce}", algorithm={algorithm}, qop="auth"'])
        self.done.append((m.get("call-id"), m.method))
        if m.method != "INVITE":
            return (200, "OK", tag)
        direction = "recvonly" if "a=sendonly" in m.text else "sendrecv"
        return (200, "OK", tag, [f"Contact: {self.end.contact('gw')}"],
                sip.sdp("127.0.0.1", 40600, extra=f"a={direction}\r\n"))

    def methods(self, call_id):
        return [method for c, method in self.done if c == call_id]


class Accepted(sip.Endpoint):
    """The carrier's end of a TLS connection that the daemon opens."""

    def __init__(self, port, cert):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert.path, cert.key)
        listener = socket.create_server(("127.0.0.1", port))
        self.transport, self.timeout, self.buffer, self.nonces = "tls", 5, b"", {}
        self.local, self.host, self.is_open = ("127.0.0.1", port), "127.0.0.1", threading.Event()

        def accept():
            self.socket = context.wrap_socket(listener.accept()[0], server_side=True)
            self.is_open.set()

        threading.Thread(target=accept, daemon=True).start()

    def receive_octets(self, timeout=None):
        return super().receive_octets(timeout) if self.is_open.wait(timeout) else None


def speak(daemon, number, carrier):
    """One call with all that is challenged; the statuses that the phone heard."""
    end = sip.Endpoint("udp", daemon.ports["udp"])
    before = len(carrier.done)
    final = None
    for final in sip.call(end, "201", USER["201"], DOMAIN, number, sip.sdp("127.0.0.1", 40700), 15):
        pass
    heard = [final.status if final else None]
    if final is None or final.status != 200:
        end.close()
        return heard, []
    dialog = sip.Dialog.of_caller(end, final)
    dialog.ack()
    dialog.request("INVITE", sip.sdp("127.0.0.1", 40700, extra="a=sendonly\r\n"))
    final = end.wait(lambda m: m.status and m.status >= 200 and "INVITE" in m.get("cseq"), 10)
    heard.append(final.status if final else None)
    dialog.ack()
    dialog.request("INFO", extra=["Info-Package: x"])
    final = end.wait(lambda m: m.status and "INFO" in m.get("cseq"), 10)
    heard.append(final.status if final else None)
    dialog.request("BYE")
    final = end.wait(lambda m: m.status and "BYE" in m.get("cseq"), 10)
    heard.append(final.status if final else None)
    deadline = time.time() + 10
    while time.time() < deadline and not any(m == "BYE" for _, m in carrier.done[before:]):
        time.sleep(0.05)
    end.close()
    return heard, [m for _, m in carrier.done[before:]]


def main():
    port, udp, tls = free_ports(2), free_ports(2), free_ports(2)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        root = Cert(folder, "root", "Carrier Root", kind="ca")
        cert = Cert(folder, "carrier", "carrier", issuer=root, san=["IP:127.0.0.1", "DNS:carrier.test"])
        account = ("username office1", "password amber-quill-19", "oos-check 0")
        conf = config(listen=f"udp:127.0.0.1:{port} tls:127.0.0.1:{port + 1}", users=USER, srtp={"201": "off"}, workers=2, more=(
            connection("udp", "credential", *account, f"server 127.0.0.1:{udp}")
            + connection("tls", "credential", *account, f"server 127.0.0.1:{tls};transport=tls",
                         f"trusted-certificate-store {root.path}")
            + "route udp {\n match 1*\n use udp\n}\nroute tls {\n match 2*\n use tls\n}\n"))
        with Daemon(text=conf) as daemon:
            ends = {"UDP": Carrier(sip.Endpoint("udp", daemon.ports["udp"], source=("127.0.0.1", udp)))}
            for i in range(6):
                heard, done = speak(daemon, f"1{i}", ends["UDP"])
                if not tap.ok(heard == [200] * 4 and done == ["INVITE", "INVITE", "INFO", "BYE"],
                              f"UDP, call {i + 1}: INVITE, hold, INFO and BYE are each answered with right credentials (TEL-1)",
                              (heard, done, ends["UDP"].wrong[:1])):
                    break
            tap.ok(not ends["UDP"].wrong, "no credentials were wrong, and none came twice", ends["UDP"].wrong[:1])
            with_credentials = [m for m in ends["UDP"].acks if m.get("proxy-authorization")]
            tap.ok(len(with_credentials) >= 12, "the ACK of a 2xx bears the credentials of its INVITE (RFC 3261 13.2.2.4)",
                   (len(with_credentials), len(ends["UDP"].acks)))
            ends["UDP"].running = False

            carrier = Carrier(Accepted(tls, cert))
            heard, done = speak(daemon, "21", carrier)
            tap.ok(heard == [200] * 4 and done == ["INVITE", "INVITE", "INFO", "BYE"] and not carrier.wrong,
                   "TLS: the same (TEL-1)", (heard, done, carrier.wrong[:1], daemon.log_text()[-1500:]))
            carrier.running = False
            tap.ok(PASSWORD not in daemon.log_text(), "the log never has the password")
            tap.equal(len(daemon.cli("calls", json_out=True)), 0, "no call is left over")
    tap.done()


if __name__ == "__main__":
    main()
