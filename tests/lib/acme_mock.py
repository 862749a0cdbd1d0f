"""tests/lib/acme_mock.py - a small ACME server with faults: what pebble does not do.

Renewal windows (RFC 9773), profiles, lives of any length, rate limits, and answers that are slow, broken, too long or
missing. It believes every proof (pebble looks at those). Signs with `openssl x509`.
"""
import base64
import json
import os
import re
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pebble


def b64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Mock:
    """Set its members while it runs; `faults` are taken one by one by the requests whose path they name."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="acme-mock-")
        os.chmod(self.folder, 0o755)
        self.ca_file = pebble.make_api_certificate(self.folder)
        self.root, self.root_key = (os.path.join(self.folder, n) for n in ("root.pem", "root.key"))
        pebble.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "100",
                       "-subj", "/CN=mock root", "-keyout", self.root_key, "-out", self.root)
        self.life_s = 7776000
        self.window = None        # (start, end) from now in seconds
        self.profiles = None
        self.faults = []          # (path, kind, how often)
        self.requests = []        # (time, method, path)
        self.orders = []          # payloads of newOrder
        self.chains = {}
        self.nonce = 0
        self.date_offset = 0
        self.lock = threading.Lock()
        mock = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def date_time_string(self, timestamp=None):
                return super().date_time_string((timestamp or time.time()) + mock.date_offset)

            def do_GET(self):
                mock.serve(self, None)

            do_HEAD = do_GET

            def do_POST(self):
                n = int(self.headers.get("Content-Length", 0))
                mock.serve(self, json.loads(self.rfile.read(n)))

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(self.folder, "api.pem"), os.path.join(self.folder, "api.key"))
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.base = f"https://localhost:{self.http.server_port}"
        self.directory = self.base + "/dir"
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def fault_for(self, path):
        with self.lock:
            for i, (where, kind, left) in enumerate(self.faults):
                if where == path.split("/")[1]:
                    if left == 1:
                        del self.faults[i]
                    else:
                        self.faults[i] = (where, kind, left - 1)
                    return kind
        return None

    def serve(self, h, jws):
        self.requests.append((time.time(), h.command, h.path))
        fault = self.fault_for(h.path)
        if fault == "close":
            h.connection.close()
            h.close_connection = True
            return
        if fault == "slow":
            time.sleep(3)
        status, body, headers = self.answer(h.path, jws)
        if fault == "500":
            status, body, headers = 500, b"oops", {}
        elif fault == "503":
            status, body, headers = 503, b"", {"Retry-After": "2"}
        elif fault == "rate":
            status, headers = 429, {"Retry-After": "3600"}
            body = b'{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many certificates this week"}'
        elif fault == "broken":
            status, body = 200, b'{"status": "pending", "authoriz'
        elif fault == "html":
            status, body = 200, b"<html>It works!</html>"
        elif fault == "long":
            status, body = 200, b'{"x":"' + b"x" * 5000000 + b'"}'
        elif fault == "redirect":
            status, body, headers = 302, b"", {"Location": "https://127.0.0.1:1/"}
        elif fault == "invalid":
            body = json.dumps({"status": "invalid", "finalize": self.base + "/finalize/0", "authorizations": [],
                               "error": {"type": "urn:ietf:params:acme:error:caa", "detail": "CAA forbids it"}}).encode()
        with self.lock:
            self.nonce += 1
            headers["Replay-Nonce"] = f"nonce{self.nonce}"
        try:
            h.send_response(status)
            for k, v in headers.items():
                h.send_header(k, v)
            h.send_header("Content-Length", str(len(body)))
            h.end_headers()
            if h.command != "HEAD":
                h.wfile.write(body)
        except OSError:
            h.close_connection = True

    def answer(self, path, jws):
        payload = json.loads(unb64(jws["payload"]) or b"null") if jws else None
        words = path.split("/")
        where, rest = words[1], words[2] if len(words) > 2 else ""
        if where == "dir":
            d = {k: f"{self.base}/{v}" for k, v in (("newNonce", "nonce"), ("newAccount", "account"),
                                                    ("newOrder", "new-order"), ("revokeCert", "revoke"),
                                                    ("keyChange", "key-change"))}
            d["meta"] = {"profiles": {p: "x" for p in self.profiles}} if self.profiles else {}
            if self.window:
                d["renewalInfo"] = self.base + "/window"
            return 200, json.dumps(d).encode(), {}
        if where == "account":
            return 201, b'{"status":"valid"}', {"Location": self.base + "/account/1"}
        if where == "new-order":
            self.orders.append(payload)
            return 201, self.order("ready", len(self.orders)), {"Location": f"{self.base}/order/{len(self.orders)}"}
        if where == "order":
            return 200, self.order("valid" if rest in self.chains else "ready", rest), {}
        if where == "finalize":
            self.issue(rest, unb64(payload["csr"]))
            return 200, self.order("valid", rest), {}
        if where == "certificate":
            return 200, self.chains[rest], {"Content-Type": "application/pem-certificate-chain"}
        if where == "window":
            now = time.time()
            start, end = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + s)) for s in self.window)
            return 200, json.dumps({"suggestedWindow": {"start": start, "end": end}}).encode(), {"Retry-After": "60"}
        return 200, b"{}", {}

    def order(self, status, number):
        o = {"status": status, "authorizations": [], "finalize": f"{self.base}/finalize/{number}"}
        if status == "valid":
            o["certificate"] = f"{self.base}/certificate/{number}"
        return json.dumps(o).encode()

    def issue(self, number, der):
        csr, out = os.path.join(self.folder, f"{number}.csr"), os.path.join(self.folder, f"{number}.pem")
        with open(csr, "wb") as f:
            f.write(der)
        # `openssl x509` counts days; `openssl ca` takes dates.
        conf = os.path.join(self.folder, "ca.conf")
        with open(conf, "w") as f:
            f.write(f"[ca]\ndefault_ca=a\n[a]\ndatabase={self.folder}/index\nserial={self.folder}/serial\n"
                    f"new_certs_dir={self.folder}\ndefault_md=sha256\npolicy=p\ncopy_extensions=copy\n"
                    f"unique_subject=no\nx509_extensions=x\n[p]\n[x]\nauthorityKeyIdentifier=keyid\n"
                    f"extendedKeyUsage=serverAuth\nbasicConstraints=critical,CA:FALSE\n")
        open(os.path.join(self.folder, "index"), "a").close()
        if not os.path.exists(os.path.join(self.folder, "serial")):
            with open(os.path.join(self.folder, "serial"), "w") as f:
                f.write("1000\n")
        now = time.time()
        start, end = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(t)) for t in (now - 1, now + self.life_s))
        with self.lock:
            pebble.openssl("ca", "-batch", "-config", conf, "-in", csr, "-inform", "DER", "-cert", self.root, "-keyfile",
                           self.root_key, "-startdate", start, "-enddate", end, "-notext", "-subj", "/", "-out", out)
        text = open(out).read()
        self.chains[str(number)] = re.search(r"-----BEGIN.*-----END CERTIFICATE-----\n", text, re.S).group(0).encode()

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
