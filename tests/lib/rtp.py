"""tests/lib/rtp.py - plain RTP at 50 packets/s from a thread; the other end counts sequence numbers and compares the audio."""
import socket
import struct
import threading
import time


def audio(seq):
    """The audio of a packet: another one for each number, so that it can be told from any other's."""
    return struct.pack("!H", seq * 40503 & 0xffff) * 80


class Media:
    """One UDP port that sends numbered RTP to `peer` once told, and remembers which numbers it received; those with other
    audio than `audio` says, too."""

    def __init__(self, ssrc, family=socket.AF_INET):
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
        self.port = self.socket.getsockname()[1]
        self.ssrc, self.peer = ssrc, None
        self.sent, self.received, self.times, self.wrong = 0, [], [], []
        self.first = 100
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
            packet = struct.pack("!BBHII", 0x80, 0, seq & 0xffff, seq * 160 & 0xffffffff, self.ssrc) + audio(seq & 0xffff)
            self.socket.sendto(packet, self.peer)
            self.sent += 1
            due += 0.02
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
                seq = struct.unpack("!H", packet[2:4])[0]
                self.received.append(seq)
                self.times.append(time.monotonic())
                if packet[12:] != audio(seq):
                    self.wrong.append(seq)

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
