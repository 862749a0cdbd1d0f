"""tests/lib/zone.py - a DNS server on loopback for tests: what a zone says is a dictionary."""
import socket
import struct
import threading

A, AAAA, SRV, NAPTR = 1, 28, 33, 35


def name_octets(name):
    return b"".join(bytes([len(x)]) + x.encode() for x in name.split(".") if x) + b"\0"


class Zone:
    """A DNS server: `records` maps (name, type) to a list of RDATA; what is not there has no records. `ttl` is that of all."""

    def __init__(self, ttl=30):
        self.ttl = ttl
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.records, self.asked = {}, []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                octets, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            labels, at = [], 12
            while octets[at]:
                labels.append(octets[at + 1:at + 1 + octets[at]].decode())
                at += 1 + octets[at]
            name, kind = ".".join(labels).lower(), struct.unpack("!H", octets[at + 1:at + 3])[0]
            self.asked.append((name, kind))
            answers = self.records.get((name, kind), [])
            known = any(n == name for n, _ in self.records)
            reply = octets[:2] + struct.pack("!HHHHH", 0x8180 | (0 if known else 3), 1, len(answers), 0, 0)
            reply += octets[12:at + 5]
            for data in answers:
                reply += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, self.ttl, len(data)) + data
            self.socket.sendto(reply, peer)

    def address(self, name, *hosts):
        self.records[name, A] = [socket.inet_aton(h) for h in hosts]

    def address6(self, name, *hosts):
        self.records[name, AAAA] = [socket.inet_pton(socket.AF_INET6, h) for h in hosts]

    def srv(self, name, *rows):
        self.records[name, SRV] = [struct.pack("!HHH", priority, 1, port) + name_octets(host)
                                   for priority, port, host in rows]

    def weighted(self, name, *rows):
        """SRV records of (priority, weight, port, host)."""
        self.records[name, SRV] = [struct.pack("!HHH", priority, weight, port) + name_octets(host)
                                   for priority, weight, port, host in rows]

    def naptr(self, name, *rows):
        """Records of (order, preference, service, replacement), flag "s"."""
        def text(t):
            return bytes([len(t)]) + t.encode()
        self.records[name, NAPTR] = [struct.pack("!HH", order, preference) + text("s") + text(service) + text("") +
                                     name_octets(to) for order, preference, service, to in rows]
