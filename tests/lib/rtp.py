"""tests/lib/rtp.py - plain RTP at 50 packets/s from a thread, with sequence numbers counted at the other end."""
import socket
import struct
import threading
import time


def spoken(seq, n=160):
    """The payload of packet `seq`, such that no two in a row are alike and each octet counts."""
    return bytes((seq * 7 + k * 13) & 0xff for k in range(n))


class Media:
    """One UDP port that sends numbered RTP to `peer` once told, and remembers which numbers it received. With `speaks`
    its payload is spoken(), and what it receives is compared with that of the other side: `wrong` counts."""

    def __init__(self, ssrc, family=socket.AF_INET, speaks=False, interval=0.02):
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
        self.port = self.socket.getsockname()[1]
        self.ssrc, self.peer = ssrc, None
        self.sent, self.received, self.times = 0, [], []
        self.first = 100
        self.speaks, self.interval, self.wrong = speaks, interval, 0
        self.running = False
        self.threads = []

    def start(self, peer):
        self.peer, self.running = peer, True
        self.threads = [threading.Thread(target=self._send, daemon=True),
                        threading.Thread(target=self._receive, daemon=True)]
        for t in self.threads:
            t.start()

    def _send(self):
        due = time.monotonic()
        while self.running:
            seq = self.first + self.sent
            packet = struct.pack("!BBHII", 0x80, 0, seq & 0xffff, seq * 160 & 0xffffffff, self.ssrc)
            packet += spoken(seq & 0xffff) if self.speaks else b"\xd5" * 160
            self.socket.sendto(packet, self.peer)
            self.sent += 1
            due += self.interval
            time.sleep(max(0, due - time.monotonic()))

    def _receive(self):
        self.socket.settimeout(0.2)
        while self.running:
            try:
                packet = self.socket.recv(2048)
            except (TimeoutError, socket.timeout):
                continue
            except OSError:
                return
            if len(packet) >= 12 and packet[0] >> 6 == 2 and not 192 <= packet[1] <= 223:
                self.received.append(struct.unpack("!H", packet[2:4])[0])
                self.wrong += self.speaks and packet[12:] != spoken(self.received[-1])
                self.times.append(time.monotonic())

    def stop(self):
        self.running = False
        for t in self.threads:
            t.join(2)

    def lost(self):
        """Numbers missing between the first and the last received."""
        if not self.received:
            return None
        got = set(self.received)
        return max(got) - min(got) + 1 - len(got)

    def close(self):
        self.running = False
        self.socket.close()


def peer_of(body):
    """Where an SDP body (bytes) wants audio."""
    host = port = None
    for line in body.decode().splitlines():
        if line.startswith("c=IN "):
            host = line.split()[2]
        if line.startswith("m=audio "):
            port = int(line.split()[1])
    return host, port
