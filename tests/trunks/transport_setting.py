#!/usr/bin/env python3
"""The transport of our calls to a connection is a setting that is in force with the reload: UDP and TCP to port 5060, TLS
to 5061, each seen by a server on that port; a call that is up goes on meanwhile (TEL-17).

# sanitizers: address
"""
import os
import random
import re
import socket
import ssl
import tempfile
import threading
import time

import sip
import tap
from daemon import DOMAIN, Daemon, config, connection
from pki import Cert

USERS = {"203": "salt-river-08"}
HOST = f"127.{random.randint(64, 126)}.{random.randint(1, 250)}.{random.randint(1, 250)}"
folder = tempfile.mkdtemp(prefix="ringfence-transport-")
os.chmod(folder, 0o755)
root = Cert(folder, "root", "Carrier Root", kind="ca")
cert = Cert(folder, "carrier", "carrier.test", root, san=[f"IP:{HOST}"])


class Carrier:
    """All three transports at the ports of RFC 3261; answers INVITE with 200 or 486, the rest with 200."""

    def __init__(self):
        self.seen = []  # (transport, port, message)
        self.answer = 486
        self.sockets = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert.path, cert.key)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((HOST, 5060))
        self.sockets.append(udp)
        threading.Thread(target=self.datagrams, args=(udp,), daemon=True).start()
        for name, port in (("TCP", 5060), ("TLS", 5061)):
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((HOST, port))
            s.listen(8)
            self.sockets.append(s)
            threading.Thread(target=self.accept, args=(s, name, port, context), daemon=True).start()

    def reply(self, transport, port, text):
        self.seen.append((transport, port, text))
        method = text.split(" ", 1)[0]
        if method == "ACK" or text.startswith("SIP/2.0"):
            return b""
        status = self.answer if method == "INVITE" else 200
        lines = [line for line in text.split("\r\n\r\n")[0].split("\r\n")
                 if re.match(r"(?i)(via|from|call-id|cseq):", line)]
        to = re.search(r"(?im)^to:.*$", text).group(0).rstrip("\r")
        lines.append(to if ";tag=" in to else to + ";tag=carrier")
        body = sip.sdp("127.0.0.1", 40900) if status == 200 and method == "INVITE" else ""
        if body:
            lines += [f"Contact: <sip:carrier@{HOST}:{port};transport={transport.lower()}>", "Content-Type: application/sdp"]
        return (f"SIP/2.0 {status} Answer\r\n" + "\r\n".join(lines) + f"\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()

    def datagrams(self, s):
        while True:
            try:
                octets, who = s.recvfrom(65535)
            except OSError:
                return
            answer = self.reply("UDP", 5060, octets.decode())
            if answer:
                s.sendto(answer, who)

    def accept(self, listener, name, port, context):
        while True:
            try:
                s, _ = listener.accept()
                if name == "TLS":
                    s = context.wrap_socket(s, server_side=True)
            except ssl.SSLError:
                continue
            except OSError:
                return
            threading.Thread(target=self.stream, args=(s, name, port), daemon=True).start()

    def stream(self, s, name, port):
        buffer = b""
        while True:
            try:
                octets = s.recv(65535)
            except OSError:
                return
            if octets == b"":
                return
            buffer += octets
            while b"\r\n\r\n" in buffer:
                head, rest = buffer.split(b"\r\n\r\n", 1)
                if head.strip() == b"":
                    buffer = rest
                    continue
                n = int(re.search(rb"(?im)^content-length: *(\d+)", head).group(1))
                if len(rest) < n:
                    break
                buffer = rest[n:]
                answer = self.reply(name, port, (head + b"\r\n\r\n" + rest[:n]).decode())
                if answer:
                    s.sendall(answer)

    def invites(self):
        return [(t, p, re.search(r"(?im)^via: SIP/2.0/(\w+)", m).group(1), m) for t, p, m in self.seen if m.startswith("INVITE ")]


def settings(transport):
    return connection("carrier", "ip", f"allow {HOST}", f"server {HOST}", f"trusted-certificate-store {root.path}",
                      "received-certificate-checks-telephony-endpoints medium-remote", out=transport) \
        + "route out {\n    match +*\n    use carrier\n}\n"


carrier = Carrier()
text = config(listen="udp:127.0.0.1:0", users=USERS, srtp={"203": "off"}, workers=2)
with Daemon(text + settings("UDP")) as daemon:
    text = open(daemon.file).read().replace(settings("UDP"), "")
    phone = sip.Endpoint("udp", daemon.ports["udp"])
    tap.equal(phone.register("203", USERS["203"], DOMAIN).status, 200, "a phone is there")

    def call(number):
        last = None
        for last in sip.call(phone, "203", USERS["203"], DOMAIN, number, sip.sdp("127.0.0.1", 40800)):
            pass
        return last

    carrier.answer = 200
    up = call("+490")
    tap.ok(up is not None and up.status == 200, "a call is up by UDP", up and up.text)
    dialog = sip.Dialog.of_caller(phone, up)
    dialog.ack()
    carrier.answer = 486
    for n, (transport, port) in enumerate((("TCP", 5060), ("TLS", 5061), ("UDP", 5060), ("TLS", 5061))):
        with open(daemon.file, "w") as f:
            f.write(text + settings(transport))
        tap.equal(daemon.cli("reload")[0], 0, f"sip-transport-protocol {transport}")
        del carrier.seen[:]
        reply = call(f"+491{n}")
        got = carrier.invites()
        tap.equal((reply and reply.status, [(t, p, via) for t, p, via, _ in got]), (486, [(transport, port, transport)]),
                  f"TEL-17 the next call goes by {transport} to port {port}, and by nothing else")
        uri = got[0][3].split(" ")[1] if got else ""
        tap.ok(uri.startswith(f"sip:+491{n}@{HOST}"), f"TEL-17 {transport}: to the server of the setting", uri)
    del carrier.seen[:]
    dialog.request("BYE")
    bye = phone.wait(lambda m: m.status and "BYE" in m.get("cseq"), 5)
    tap.ok(bye is not None and bye.status == 200, "the call that was up ends as it should")
    deadline, byes = time.time() + 5, []
    while time.time() < deadline and not byes:  # leg A's is answered before leg B's leaves
        byes = [t for t, _, m in list(carrier.seen) if m.startswith("BYE ")]
        time.sleep(0.05)
    tap.equal(byes, ["UDP"], "TEL-17 by the transport of its own")
    phone.close()
for s in carrier.sockets:
    s.close()
tap.done()
