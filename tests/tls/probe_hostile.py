#!/usr/bin/env python3
"""`ringfence probe` and servers that mean it ill, or are none: it ends in time, with bounded memory and few connections.

# sanitizers: address thread
"""
import os
import socket
import struct
import subprocess
import tempfile
import threading
import time

import tap
from daemon import RINGFENCE
from probing import Authority, free_port

TIMEOUT = 6   # seconds, as --timeout; one connection has at most 5 of them


def record(kind, body, version=0x0303):
    return struct.pack("!BHH", kind, version, len(body)) + body


def message(kind, body):
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


HELLO = message(2, b"\3\3" + bytes(32) + b"\0" + b"\xc0\x2f" + b"\0")


def endless(piece):
    def serve(s):
        s.sendall(record(22, HELLO))
        while True:
            s.sendall(piece)
    return serve


def giant_chain(s):
    """One certificate of 16 MB in a chain, as the length says."""
    s.sendall(record(22, HELLO) + record(22, b"\x0b\xff\xff\xff\xff\xff\xfc\xff\xff\xf9" + bytes(1000)))
    while True:
        s.sendall(record(22, bytes(16000)))


def many_certificates(s):
    one = (5).to_bytes(3, "big") + b"\x30\x03\2\1\1"
    body = one * 8000
    flight = HELLO + message(11, len(body).to_bytes(3, "big") + body) + message(14, b"")
    for i in range(0, len(flight), 16000):
        s.sendall(record(22, flight[i:i + 16000]))
    time.sleep(1)


def drip(s):
    for octet in record(22, HELLO) * 1000:
        s.sendall(bytes([octet]))
        time.sleep(0.3)


def silence(s):
    time.sleep(60)


def garbage(s):
    while True:
        s.sendall(os.urandom(4096))


def banner(s):
    s.sendall(b"220 mail.example ESMTP \x1b[2J ready\r\n")
    time.sleep(60)


def slam(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def alerts(s):
    while True:
        s.sendall(record(21, b"\1\x70"))


def hello_of_nothing(s):
    """Chooses what nobody offered, again and again."""
    s.sendall(record(22, message(2, b"\3\3" + bytes(32) + b"\0" + b"\x0f\x0f" + b"\0") + message(14, b"")))
    time.sleep(1)


class Server:
    def __init__(self, serve):
        self.serve, self.count = serve, 0
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                s, _ = self.socket.accept()
            except OSError:
                return
            self.count += 1
            threading.Thread(target=self.one, args=(s,), daemon=True).start()

    def one(self, s):
        with s:
            try:
                s.recv(4096)
                self.serve(s)
            except OSError:
                pass

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def run(port, *flags):
    """(exit status, seconds, MB at most, what it printed)"""
    began = time.time()
    p = subprocess.Popen([RINGFENCE, "probe", f"127.0.0.1:{port}", "--timeout", str(TIMEOUT), *flags],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    out = p.stdout.read().decode(errors="replace")
    _, code, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(code)
    return p.returncode, time.time() - began, usage.ru_maxrss / 1024, out


SANITIZED = "asan" in os.environ.get("RF_BUILD", "") or "tsan" in os.environ.get("RF_BUILD", "")
CASES = [
    # what, server, exit status, words of the report
    ("endless empty records", endless(record(22, b"")), 1, "broken|longer|not answer"),
    ("endless handshake messages", endless(record(22, message(4, bytes(1000)))), 1, "broken|longer|not answer"),
    ("endless records of one octet", endless(record(22, b"\4")), 1, "broken|longer|not answer"),
    ("a certificate of 16 MB", giant_chain, 1, "broken|longer|not answer"),
    ("8000 certificates", many_certificates, 0, "8000 certificates are sent"),
    ("a hello in drips", drip, 1, "not answer a hello in time"),
    ("silence", silence, 1, "not answer a hello in time"),
    ("garbage", garbage, 1, "does not speak TLS|broken"),
    ("a banner", banner, 1, "220 mail.example ESMTP .[2J ready"),
    ("a reset", slam, 1, "closes the connection"),
    ("endless warnings", alerts, 1, "refuses every handshake"),
    ("a suite that nobody offered", hello_of_nothing, 0, "not offered"),
]
for what, serve, want, words in CASES:
    server = Server(serve)
    status, seconds, megabytes, out = run(server.port)
    server.close()
    tap.ok(status == want and any(w in out.replace("\n" + " " * 24, " ") for w in words.split("|")),
           f"{what}: exit {want}", f"exit {status}\n{out}")
    tap.ok(seconds < TIMEOUT + 3, f"{what}: over in {seconds:.1f} s", out)
    tap.ok(megabytes < 40 or SANITIZED, f"{what}: {megabytes:.0f} MB at most", out)
    tap.ok(server.count <= 354, f"{what}: {server.count} connections", out)
    tap.ok("\x1b" not in out, f"{what}: nothing moves the cursor", repr(out[:400]))

# A real handshake, and then an answer that never ends.
with tempfile.TemporaryDirectory() as folder:
    import ssl
    ca = Authority(folder)
    cert, key = ca.leaf("flood")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)

    def flood(s):
        with context.wrap_socket(s, server_side=True) as t:
            while True:
                t.sendall(b"SIP/2.0 200 OK\r\nX: " + b"x" * 8000)

    class TLS(Server):
        def one(self, s):
            with s:
                try:
                    self.serve(s)
                except OSError:
                    pass

    server = TLS(flood)
    status, seconds, megabytes, out = run(server.port)
    tap.ok(status == 0 and seconds < TIMEOUT + 3, f"an endless answer: over in {seconds:.1f} s", f"exit {status}\n{out}")
    tap.ok(megabytes < 60 or SANITIZED, f"an endless answer: {megabytes:.0f} MB at most")
    server.close()

# Nobody there, a name that is none, words that are none.
status, seconds, _, out = run(free_port())
tap.ok(status == 1 and "refused" in out, "nobody listens: exit 1", out)
for words, status in ((["probe", "no-such-host.invalid"], 1), (["probe", "a/b"], 2), (["probe", "127.0.0.1:0"], 2),
                      (["probe", "127.0.0.1:99999"], 2), (["probe", "[::1"], 2), (["probe", "h", "--min", "best"], 2),
                      (["probe", "h", "--parallel", "9"], 2), (["probe", "h", "--timeout", "0"], 2),
                      (["probe", "h", "--sip", "--https"], 2), (["probe", "h", "--transport", "sctp"], 2),
                      (["probe", "h", "--store", "/nonexistent.pem"], 2), (["probe", "h", "--transport", "udp", "--min", "old"], 2)):
    p = subprocess.run([RINGFENCE, *words, "--timeout", "3"] if "--timeout" not in words else [RINGFENCE, *words],
                       capture_output=True, text=True, timeout=60)
    tap.equal(p.returncode, status, " ".join(words) + f": exit {status}")
help_text = subprocess.run([RINGFENCE, "help", "probe"], capture_output=True, text=True).stdout
tap.ok(help_text.startswith("example:\n  ringfence probe ") and max(map(len, help_text.splitlines())) <= 80,
       "help begins with an example and has 80 columns", help_text)
tap.done()
