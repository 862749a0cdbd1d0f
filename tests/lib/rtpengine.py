"""tests/lib/rtpengine.py - Debian's rtpengine on loopback, without its kernel module, by its ng protocol over UDP."""
import os
import signal
import socket
import subprocess
import time

from ports import free_ports

PROGRAM = "/usr/bin/rtpengine"


def encode(value):
    if isinstance(value, dict):
        return b"d" + b"".join(encode(k) + encode(value[k]) for k in sorted(value)) + b"e"
    if isinstance(value, list):
        return b"l" + b"".join(encode(v) for v in value) + b"e"
    if isinstance(value, int):
        return b"i%de" % value
    octets = value.encode()
    return b"%d:%s" % (len(octets), octets)


def decode(octets, at=0):
    """(value, where it ends)"""
    kind = octets[at:at + 1]
    if kind == b"i":
        end = octets.index(b"e", at)
        return int(octets[at + 1:end]), end + 1
    if kind in (b"l", b"d"):
        items, at = [], at + 1
        while octets[at:at + 1] != b"e":
            value, at = decode(octets, at)
            items.append(value)
        return (dict(zip(items[::2], items[1::2])) if kind == b"d" else items), at + 1
    colon = octets.index(b":", at)
    end = colon + 1 + int(octets[at:colon])
    return octets[colon + 1:end].decode("utf-8", "replace"), end


class Rtpengine:
    def __init__(self, folder):
        first = free_ports(400)
        self.control = ("127.0.0.1", first)
        self.log_path = os.path.join(folder, "rtpengine.log")
        self.log = open(self.log_path, "w")
        self.process = subprocess.Popen(
            [PROGRAM, "--config-file=none", "--table=-1", "--interface=127.0.0.1", f"--listen-ng=127.0.0.1:{first}",
             "--num-threads=1", f"--port-min={first + 10}", f"--port-max={first + 399}", "--log-level=5",
             "--foreground", "--log-stderr"], stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(self.control)
        self.socket.settimeout(0.3)
        self.cookie = 0
        deadline = time.time() + 15
        while True:
            try:
                if self.command("ping").get("result") == "pong":
                    break
            except OSError:
                pass
            if time.time() > deadline or self.process.poll() is not None:
                raise RuntimeError("rtpengine does not answer:\n" + open(self.log_path).read()[-2000:])
            time.sleep(0.1)
        self.socket.settimeout(5)

    def command(self, command, **fields):
        self.cookie += 1
        cookie = b"t%d" % self.cookie
        words = {k.replace("_", "-"): v for k, v in fields.items()}
        self.socket.send(cookie + b" " + encode({"command": command, **words}))
        while True:
            octets = self.socket.recv(65536)
            if octets.startswith(cookie + b" "):
                return decode(octets, len(cookie) + 1)[0]

    def describe(self, command, call_id, sdp, protocol, sdes=(), to_tag=""):
        """`offer` or `answer`: the description that goes to the other side."""
        fields = {"call-id": call_id, "from-tag": "a", "sdp": sdp, "ICE": "remove", "DTLS": "off",
                  "transport-protocol": protocol, "replace": ["origin", "session-connection"]}
        if sdes:
            fields["SDES"] = list(sdes)
        if to_tag:
            fields["to-tag"] = to_tag
        reply = self.command(command, **fields)
        if "sdp" not in reply:
            raise RuntimeError(f"rtpengine: {reply}")
        return reply["sdp"]

    def close(self):
        self.socket.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
