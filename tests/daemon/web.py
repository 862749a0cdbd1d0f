#!/usr/bin/env python3
"""The web listener: redirects and HSTS (IPC-3, IPC-4, RF-807), sentences for what is not there, slow and broken
clients."""
# sanitizers: address
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import pebble
import tap
from daemon import Daemon
from pki import Cert

HTTP, HTTPS = pebble.free_port(), pebble.free_port()
MORE = "web {{\n    listen http:127.0.0.1:{} https:127.0.0.1:{}\n    {}\n}}\n"
# What the machine takes for a public authority, as OpenSSL has it.
folder = tempfile.TemporaryDirectory(prefix="ringfence-web-")
os.chmod(folder.name, 0o755)
public_root = Cert(folder.name, "root", "A Public Root", kind="ca")
public = Cert(folder.name, "public", "localhost", public_root, san=["DNS:localhost"])
os.environ["SSL_CERT_FILE"] = public_root.path
NO_CHECK = ssl._create_unverified_context()


def connect(tls=False):
    s = socket.create_connection(("127.0.0.1", HTTPS if tls else HTTP), timeout=15)
    return NO_CHECK.wrap_socket(s, server_hostname="localhost") if tls else s


def answers(s, count=1):
    """So many whole responses as (status, {header: value}, body)."""
    data, found = b"", []
    while len(found) < count:
        m = re.search(rb"\r\n\r\n", data)
        length = re.search(rb"(?i)content-length: (\d+)", data[:m.start()]) if m else None
        need = m.end() + int(length.group(1)) if length else None
        if need is not None and len(data) >= need:
            lines = data[:m.start()].decode().split("\r\n")
            headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
            found.append((int(lines[0].split()[1]), headers, data[m.end():need]))
            data = data[need:]
            continue
        more = s.recv(65536)
        if not more:
            break
        data += more
    return found


def ask(octets, tls=False, count=1):
    with connect(tls) as s:
        s.sendall(octets)
        got = answers(s, count)
        return got[0] if count == 1 and got else got


def get(path, tls=False, method="GET", host="pbx.example"):
    return ask(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode(), tls)


with Daemon(more=MORE.format(HTTP, HTTPS, "force-https-web-access off"), sip="") as d:
    status, headers, body = get("/nothing")
    tap.ok(status == 404 and b"nothing at this address" in body, "what is not there gets 404 and a sentence", str(body))
    status, headers, body = get("/ca/root.pem")
    tap.ok(status == 200 and b"BEGIN CERTIFICATE" in body and headers["content-type"] == "application/x-pem-file",
           "the root of our own authority can be fetched")
    with open(os.path.join(d.folder, "root.pem"), "wb") as f:
        f.write(body)
    p = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{HTTPS}", "-CAfile", f.name,
                        "-verify_return_error", "-verify_ip", "127.0.0.1"], input=b"", capture_output=True)
    tap.equal(p.returncode, 0, "IPC-1 the https port verifies below it")
    p = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:{}".format(d.ports["tls"][1]), "-CAfile", f.name,
                        "-verify_return_error", "-verify_ip", "127.0.0.1"], input=b"", capture_output=True)
    tap.equal(p.returncode, 0, "IPC-1 and so does the sips port")
    status, headers, body = get("/ca/root.pem", method="POST")
    tap.ok(status == 405 and headers["allow"] == "GET, HEAD", "another method gets 405 and the ones that work")
    with connect() as s:
        s.sendall(b"HEAD /ca/root.crt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        octets = b""
        while more := s.recv(65536):
            octets += more
    tap.ok(octets.startswith(b"HTTP/1.1 200") and octets.endswith(b"\r\n\r\n"), "HEAD has headers and no body")
    tap.equal(get("/.well-known/acme-challenge/" + "x" * 43)[0], 404, "a challenge that nobody asked for is not there")
    for path in ("/.well-known/acme-challenge/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/a%00b"):
        tap.equal(get(path)[0], 400, f"{path} is refused")
    got = ask(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n" * 3, count=3)
    tap.equal([g[0] for g in got], [404, 404, 404], "three requests at once on one connection")
    got = ask(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nGET ")
    tap.ok(got[0] == 400 and got[1]["connection"] == "close", "a length said twice is refused and the connection ends")
    got = ask(b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
              b"GET /y HTTP/1.1\r\nHost: a\r\n\r\n", count=2)
    tap.equal([g[0] for g in got], [404, 404], "what stands behind a chunked body is the next request, once")
    tap.equal(ask(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n")[0], 413,
              "a body that is too long is refused before it comes")
    got = ask(b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\n")
    tap.ok(got and got[0] in (414, 431), "a line that is too long is refused")

    with connect() as slow:
        began = time.time()
        slow.sendall(b"GET / HT")
        tap.equal(get("/nothing")[0], 404, "a slow client holds up nobody")
        got = answers(slow)
        tap.ok(got and got[0][0] == 408 and 8 < time.time() - began < 14,
               "half a request is answered 408 after ten seconds", f"{got} {time.time() - began}")
    crowd = [connect() for _ in range(300)]
    began = time.time()
    tap.ok(get("/nothing")[0] == 404 and time.time() - began < 2, "300 connections that say nothing hold up nobody")
    for s in crowd:
        s.close()
    for i in range(50):
        s = socket.create_connection(("127.0.0.1", HTTPS))
        s.sendall(os.urandom(100))
        s.close()
    tap.equal(get("/nothing", tls=True)[0], 404, "nor does noise on the TLS port")

    def hsts_header(want, seconds=5):
        """The header over https once it is `want`, or what it is at the end of that time."""
        deadline = time.time() + seconds
        while True:
            got = get("/some/page", tls=True)[1].get("strict-transport-security")
            if got == want or time.time() > deadline:
                return got
            time.sleep(0.1)

    TWO_YEARS = "max-age=63072000"
    held = lambda: [e for e in d.events() if e.get("code") == "RF-807"]  # noqa: E731
    d.cli("set", "web.https-strict-transport-security", "auto")
    tap.equal(hsts_header(None), None, "auto: nothing is told while our own authority's certificate is shown")
    tap.ok(not held(), "and nobody is told of it")
    d.cli("set", "web.https-strict-transport-security", "on")
    tap.ok(d.wait_event("refused", 5, code="RF-807") is not None and hsts_header(None) is None,
           "RF-807 on: held back, and said, while the certificate is not publicly trusted", d.log_text()[-1500:])
    d.cli("set", "sip.ring-time", "70s")
    time.sleep(0.5)
    tap.equal(len(held()), 1, "once, not at each change of something else")
    d.cli("set", "web.https-strict-transport-security", "always")
    tap.equal(hsts_header(TWO_YEARS), TWO_YEARS, "always: told whatever is shown, for those with a root of their own")
    with open(d.file, "a") as f:
        f.write(f"certificate pub {{\n    chain file:{public.chain()}\n    key file:{public.key}\n}}\n")
    d.cli("reload")
    d.cli("set", "web.https-strict-transport-security", "auto")
    code, out, err = d.cli("set", "web.certificate", "pub")
    tap.equal(hsts_header(TWO_YEARS), TWO_YEARS, f"auto: told as soon as a public certificate is shown {err}")
    for force in ("off", "on"):
        for hsts in ("off", "on", "clear"):
            d.cli("set", "web.force-https-web-access", force)
            d.cli("set", "web.https-strict-transport-security", hsts)
            with open(d.file) as f:
                text = f.read()
            text = re.sub(r"force-https-web-access \w+.*", f"force-https-web-access {force}", text)
            with open(d.file, "w") as f:
                f.write(text)
            d.cli("reload")
            deadline = time.time() + 5
            want = {"off": None, "on": TWO_YEARS, "clear": "max-age=0"}[hsts]
            while True:
                plain, secure = get("/some/page?x=1"), get("/some/page?x=1", tls=True)
                right = (plain[0] == (308 if force == "on" else 404) and
                         secure[1].get("strict-transport-security") == want)
                if right or time.time() > deadline:
                    break
                time.sleep(0.1)
            tap.ok(right and "strict-transport-security" not in plain[1],
                   f"IPC-3 IPC-4 force {force}, HSTS {hsts}: {plain[0]}, {want}", f"{plain} {secure}")
            if force == "on":
                tap.equal(plain[1].get("location"), f"https://pbx.example:{HTTPS}/some/page?x=1",
                          "IPC-3 the same path and query")
    status = get("/some/page", method="POST")[0]
    tap.equal(status, 308, "IPC-3 a POST over http is not processed")
    tap.equal(get("/.well-known/acme-challenge/" + "x" * 43)[0], 404, "IPC-3 the path of ACME is exempt")
    tap.ok(not d.sanitizer_reports(), "the sandbox has refused nothing")
tap.done()
