"""tests/lib/sip.py - a SIP endpoint made of raw sockets and text, for tests that must control every octet.

It judges nothing by itself and shares no code with the daemon.
"""
import hashlib
import re
import secrets
import socket
import ssl
import time


def token(n=8):
    return secrets.token_hex(n)


class Message:
    def __init__(self, octets):
        head, _, self.body = octets.partition(b"\r\n\r\n")
        lines = re.sub(r"\r\n[ \t]+", " ", head.decode("utf-8", "replace")).split("\r\n")
        self.start, self.fields = lines[0], []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.fields.append((name.strip().lower(), value.strip()))
        self.status = int(self.start.split()[1]) if self.start.startswith("SIP/") else None
        self.method = None if self.status else self.start.split()[0]
        self.octets = octets

    def all(self, name):
        return [v for n, v in self.fields if n == name.lower()]

    def get(self, name, default=""):
        return next(iter(self.all(name)), default)

    def tag(self, name):
        m = re.search(r">\s*.*;\s*tag=([^;\s]+)|;tag=([^;\s]+)", self.get(name))
        return (m.group(1) or m.group(2)) if m else ""

    @property
    def text(self):
        return self.octets.decode("utf-8", "replace")


def digest(challenge, user, password, method, uri, nc=1):
    """An Authorization value for a challenge value (MD5, SHA-256 or SHA-512-256)."""
    values = dict((k.lower(), v.strip('"')) for k, v in re.findall(r'(\w+)=("[^"]*"|[^,\s]+)', challenge))
    algorithm = values.get("algorithm", "MD5")
    make = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256,
            "SHA-512-256": lambda d: hashlib.new("sha512_256", d)}[algorithm]
    h = lambda s: make(s.encode()).hexdigest()  # noqa: E731
    cnonce = token()
    ha1, ha2 = h(f"{user}:{values['realm']}:{password}"), h(f"{method}:{uri}")
    response = h(f"{ha1}:{values['nonce']}:{nc:08x}:{cnonce}:auth:{ha2}")
    return (f'Digest username="{user}", realm="{values["realm"]}", nonce="{values["nonce"]}", uri="{uri}", '
            f'response="{response}", algorithm={algorithm}, cnonce="{cnonce}", qop=auth, nc={nc:08x}')


class Endpoint:
    """One socket towards the daemon: transport "udp", "tcp" or "tls". With `context` (an ssl.SSLContext) it is TLS by that
    one, for the server name `name`."""

    def __init__(self, transport, server, source=("127.0.0.1", 0), ca=None, timeout=5, context=None, name=None, cert=None):
        """cert: (path, key) of what it shows as a TLS client."""
        self.transport, self.server, self.timeout = transport, server, timeout
        family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
        if family == socket.AF_INET6 and source[0] == "127.0.0.1":
            source = ("::1", source[1])
        if transport == "udp":
            self.socket = socket.socket(family, socket.SOCK_DGRAM)
            self.socket.bind(source)
        else:
            self.socket = socket.socket(family, socket.SOCK_STREAM)
            self.socket.bind(source)
            self.socket.settimeout(timeout)
            self.socket.connect(server)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if transport == "tls":
                if context is None:
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                    context.check_hostname = ca is not None
                    context.verify_mode = ssl.CERT_REQUIRED if ca else ssl.CERT_NONE
                    if ca:
                        context.load_verify_locations(ca)
                if cert:
                    context.load_cert_chain(*cert)
                self.socket = context.wrap_socket(self.socket, server_hostname=name or server[0])
        self.local = self.socket.getsockname()[:2]
        self.host = f"[{self.local[0]}]" if family == socket.AF_INET6 else self.local[0]
        self.buffer = b""
        self.nonces = {}

    def send(self, octets):
        if isinstance(octets, str):
            octets = octets.encode()
        if self.transport == "udp":
            self.socket.sendto(octets, self.server)
        else:
            self.socket.sendall(octets)

    def receive_octets(self, timeout=None):
        """What comes next: a datagram, or some octets of the stream; b"" when it was closed, None: nothing."""
        self.socket.settimeout(timeout if timeout is not None else self.timeout)
        try:
            return self.socket.recv(65536)
        except (TimeoutError, socket.timeout):
            return None
        except OSError:
            return b""

    def receive(self, timeout=None):
        """The next whole message, or None."""
        deadline = time.time() + (timeout if timeout is not None else self.timeout)
        while True:
            if self.transport == "udp":
                octets = self.receive_octets(max(deadline - time.time(), 0.001))
                if octets is None:
                    return None
                if octets.strip(b"\r\n\0"):
                    return Message(octets)
                continue
            self.buffer = self.buffer.lstrip(b"\r\n") if self.buffer.strip(b"\r\n") else b""
            end = self.buffer.find(b"\r\n\r\n")
            if end >= 0:
                m = re.search(rb"\r\n(?:content-length|l)\s*:\s*(\d+)", self.buffer[:end + 2], re.I)
                n = end + 4 + (int(m.group(1)) if m else 0)
                if len(self.buffer) >= n:
                    octets, self.buffer = self.buffer[:n], self.buffer[n:]
                    return Message(octets)
            more = self.receive_octets(max(deadline - time.time(), 0.001))
            if not more:
                return None
            self.buffer += more

    def wait(self, want, timeout=None):
        """The next message for which want(message) holds; others are passed over. None: it did not come."""
        deadline = time.time() + (timeout if timeout is not None else self.timeout)
        while (left := deadline - time.time()) > 0:
            m = self.receive(left)
            if m is None:
                return None
            if want(m):
                return m
        return None

    def ask(self, text, want, timeout=None):
        """Send a request and wait for its answer, repeating it over UDP as a phone does (RFC 3261 17.1.2, timer E): a
        daemon on a busy machine may be late, and a datagram may be lost. None: no answer in that time (20 s)."""
        deadline = time.time() + (timeout if timeout is not None else max(20, self.timeout))
        pause = 0.5
        while True:
            self.send(text)
            until = deadline if self.transport != "udp" else min(deadline, time.time() + pause)
            reply = self.wait(want, max(until - time.time(), 0.001))
            if reply is not None or time.time() >= deadline or self.transport != "udp":
                return reply
            pause = min(2 * pause, 4)

    def via(self, branch=None):
        return (f"SIP/2.0/{self.transport.upper()} {self.host}:{self.local[1]}"
                f";branch={branch or 'z9hG4bK' + token()};rport")

    def contact(self, user):
        return f"<sip:{user}@{self.host}:{self.local[1]};transport={self.transport}>"

    def request(self, method, uri, headers, body="", branch=None):
        """Text of a request; headers is a list of "Name: value"."""
        if method == "INVITE":
            self.last_branch = branch = branch or "z9hG4bK" + token()
        hops = [] if any(h.startswith("Max-Forwards:") for h in headers) else ["Max-Forwards: 70"]
        lines = [f"{method} {uri} SIP/2.0", f"Via: {self.via(branch)}"] + hops + headers
        if body:
            lines.append("Content-Type: application/sdp")
        lines += [f"Content-Length: {len(body.encode())}", "", ""]
        return "\r\n".join(lines) + body

    def register(self, user, password, domain, expires=600, call_id=None, cseq=1, contact=None, extra=(),
                 timeout=None):
        """REGISTER with the answer to its challenge; the final response."""
        call_id = call_id or token() + "@test"
        uri = f"sip:{domain}"
        tag = token(4)
        headers = lambda n, more: [f"From: <sip:{user}@{domain}>;tag={tag}", f"To: <sip:{user}@{domain}>",  # noqa
                                   f"Call-ID: {call_id}", f"CSeq: {n} REGISTER",
                                   f"Contact: {contact or self.contact(user)};expires={expires}", *extra, *more]
        reply = self.ask(self.request("REGISTER", uri, headers(cseq, [])),
                         lambda m: m.status and m.status >= 200 and m.get("call-id") == call_id, timeout)
        if reply is not None and reply.status == 401:
            value = digest(reply.get("www-authenticate"), user, password, "REGISTER", uri)
            reply = self.ask(self.request("REGISTER", uri, headers(cseq + 1, [f"Authorization: {value}"])),
                             lambda m: m.status and m.status >= 200 and m.get("call-id") == call_id
                             and m.get("cseq").startswith(str(cseq + 1)), timeout)
        return reply

    def reply(self, request, status, reason, to_tag="", headers=(), body=""):
        """Answer a request."""
        lines = [f"SIP/2.0 {status} {reason}"]
        lines += [f"Via: {v}" for v in request.all("via")]
        to = request.get("to")
        if to_tag and "tag=" not in to:
            to += f";tag={to_tag}"
        lines += [f"From: {request.get('from')}", f"To: {to}", f"Call-ID: {request.get('call-id')}",
                  f"CSeq: {request.get('cseq')}", *[f"Record-Route: {v}" for v in request.all("record-route")],
                  *headers]
        if body:
            lines.append("Content-Type: application/sdp")
        lines += [f"Content-Length: {len(body.encode())}", "", ""]
        self.send("\r\n".join(lines) + body)

    def close(self):
        self.socket.close()


def sdp(host, port, profile="RTP/AVP", extra=""):
    return (f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} {profile} 0 101\r\n"
            f"a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n{extra}")


class Dialog:
    """A caller's or callee's side of a call, enough for ACK, BYE and re-INVITE, on any endpoint."""

    def __init__(self, endpoint, call_id, local, remote, target, route, cseq=1):
        self.endpoint, self.call_id, self.local, self.remote = endpoint, call_id, local, remote
        self.target, self.route, self.cseq = target, route, cseq

    @classmethod
    def of_caller(cls, endpoint, response):
        target = re.search(r"<([^>]+)>", response.get("contact")).group(1)
        return cls(endpoint, response.get("call-id"), response.get("from"), response.get("to"), target,
                   list(reversed(response.all("record-route"))), int(response.get("cseq").split()[0]))

    @classmethod
    def of_callee(cls, endpoint, request, tag):
        target = re.search(r"<([^>]+)>", request.get("contact")).group(1)
        return cls(endpoint, request.get("call-id"), f"{request.get('to')};tag={tag}", request.get("from"), target,
                   request.all("record-route"), 100)

    def request(self, method, body="", extra=(), cseq=None):
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        self.endpoint.send(self.endpoint.request(
            method, self.target, [f"From: {self.local}", f"To: {self.remote}", f"Call-ID: {self.call_id}",
                                  f"CSeq: {cseq} {method}", *[f"Route: {r}" for r in self.route],
                                  f"Contact: {self.endpoint.contact('x')}", *extra], body))

    def ack(self, body=""):
        self.request("ACK", body=body, cseq=self.cseq)


def call(endpoint, user, password, domain, callee, body, timeout=10, extra=()):
    """INVITE with the answer to its challenge. Yields each response; the caller ACKs a 2xx itself."""
    uri, call_id, tag = f"sip:{callee}@{domain}", token() + "@test", token(4)

    def headers(n, more):
        return [f"From: <sip:{user}@{domain}>;tag={tag}", f"To: <{uri}>", f"Call-ID: {call_id}", f"CSeq: {n} INVITE",
                f"Contact: {endpoint.contact(user)}", *extra, *more]

    branch = "z9hG4bK" + token()
    endpoint.send(endpoint.request("INVITE", uri, headers(1, []), body, branch))
    mine = lambda m: m.status and m.get("call-id") == call_id  # noqa: E731
    reply = endpoint.wait(lambda m: mine(m) and m.status >= 200, timeout)
    if reply is not None and reply.status == 407:
        endpoint.send(endpoint.request("ACK", uri, [f"From: <sip:{user}@{domain}>;tag={tag}",
                                                    f"To: {reply.get('to')}", f"Call-ID: {call_id}",
                                                    "CSeq: 1 ACK"], branch=branch))
        value = digest(reply.get("proxy-authenticate"), user, password, "INVITE", uri)
        branch = "z9hG4bK" + token()
        endpoint.send(endpoint.request("INVITE", uri, headers(2, [f"Proxy-Authorization: {value}"]), body, branch))
        while True:
            reply = endpoint.wait(lambda m: mine(m) and m.get("cseq").startswith("2 "), timeout)
            if reply is not None and reply.status >= 300:
                endpoint.send(endpoint.request("ACK", uri, [f"From: <sip:{user}@{domain}>;tag={tag}",
                                                            f"To: {reply.get('to')}", f"Call-ID: {call_id}",
                                                            "CSeq: 2 ACK"], branch=branch))
            yield reply
            if reply is None or reply.status >= 200:
                return
    else:
        yield reply
