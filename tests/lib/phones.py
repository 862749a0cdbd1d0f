"""tests/lib/phones.py - phones that answer by themselves: any INVITE, NOTIFY and BYE, with plain RTP both ways.

A phone may have several dialogs at once on its one connection, as a phone does that puts a call on hold for another.
"""
import re
import select
import socket
import struct
import threading
import time

import rtp
import sip


class AutoPhone:
    def __init__(self, daemon, user, password, domain, ssrc, transport="tcp", server=None):
        self.user, self.password, self.domain, self.ssrc = user, password, domain, ssrc
        self.end = sip.Endpoint(transport, server or daemon.ports[transport])
        self.dialogs = {}   # Call-ID: sip.Dialog
        self.peers = {}     # Call-ID: where that call's audio goes
        self.heard = []     # (time, ssrc) of RTP that came in
        self.messages = []  # all that came in
        self.version = 1
        self.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.rtp.bind(("127.0.0.1", 0))
        self.runs = True
        self.lock = threading.Lock()
        reply = self.end.register(user, password, domain)
        assert reply is not None and reply.status == 200, f"{user} could not register: {reply and reply.start}"
        self.threads = [threading.Thread(target=t, daemon=True) for t in (self._sip, self._talk)]
        for t in self.threads:
            t.start()

    def sdp(self, direction="sendrecv"):
        self.version += 1
        body = sip.sdp("127.0.0.1", self.rtp.getsockname()[1], extra=f"a={direction}\r\n")
        return body.replace("o=- 1 1 ", f"o=- 1 {self.version} ")

    # --- what it does by itself ---

    def _sip(self):
        while self.runs:
            m = self.end.receive(0.2)
            if m is None:
                continue
            with self.lock:
                self.messages.append(m)
                self._take(m)

    def _take(self, m):
        call_id = m.get("call-id")
        if m.method == "INVITE":
            tag = "" if "tag=" in m.get("to") else sip.token(4)
            body = self.sdp()
            if m.body:
                self.peers[call_id] = rtp.peer_of(m.body)
            if tag:
                self.dialogs[call_id] = sip.Dialog.of_callee(self.end, m, tag)
            else:
                self.dialogs[call_id].target = re.search(r"<([^>]+)>", m.get("contact")).group(1)
            self.end.reply(m, 200, "OK", tag, [f"Contact: {self.end.contact(self.user)}"], body)
        elif m.method == "BYE":
            self.end.reply(m, 200, "OK")
            self.dialogs.pop(call_id, None)
            self.peers.pop(call_id, None)
        elif m.method in ("NOTIFY", "UPDATE", "OPTIONS", "INFO"):
            self.end.reply(m, 200, "OK")
        elif m.method == "ACK" and m.body:
            self.peers[call_id] = rtp.peer_of(m.body)
        elif m.status and m.status >= 200 and "INVITE" in m.get("cseq") and call_id in self.dialogs:
            if m.status < 300 and m.body:
                self.peers[call_id] = rtp.peer_of(m.body)
                self.dialogs[call_id].ack()

    def _talk(self):
        seq = 0
        while self.runs:
            for peer in set(self.peers.values()):
                packet = struct.pack("!BBHII", 0x80, 0, seq & 0xffff, seq * 160 & 0xffffffff, self.ssrc)
                self.rtp.sendto(packet + b"\xd5" * 160, peer)
            seq += 1
            until = time.monotonic() + 0.02
            while (left := until - time.monotonic()) > 0:
                if select.select([self.rtp], [], [], left)[0]:
                    packet = self.rtp.recv(2048)
                    if len(packet) >= 12 and not 192 <= packet[1] <= 223:
                        self.heard.append((time.monotonic(), struct.unpack("!I", packet[8:12])[0]))

    # --- what it is told to do ---

    def call(self, callee, extra=(), call_id=None):
        """Calls; the Call-ID once it is answered."""
        seen = len(self.messages)
        call_id, tag, uri = call_id or sip.token() + "@test", sip.token(4), f"sip:{callee}@{self.domain}"
        number, more, body = 1, [], self.sdp()
        for _ in range(2):
            with self.lock:
                branch = "z9hG4bK" + sip.token()
                head = [f"From: <sip:{self.user}@{self.domain}>;tag={tag}", f"To: <{uri}>", f"Call-ID: {call_id}"]
                self.end.send(self.end.request("INVITE", uri, head + [
                    f"CSeq: {number} INVITE", f"Contact: {self.end.contact(self.user)}", *extra, *more], body, branch))
            reply = self.wait(lambda m: m.status and m.status >= 200 and m.get("call-id") == call_id
                              and m.get("cseq").startswith(f"{number} "), since=seen)
            assert reply is not None, "no answer to INVITE"
            if reply.status == 407 and number == 1:
                with self.lock:
                    self.end.send(self.end.request("ACK", uri, head[:1] + [f"To: {reply.get('to')}", head[2],
                                                                           "CSeq: 1 ACK"], branch=branch))
                value = sip.digest(reply.get("proxy-authenticate"), self.user, self.password, "INVITE", uri)
                more, number = [f"Proxy-Authorization: {value}"], 2
                continue
            break
        assert reply.status == 200, f"INVITE: {reply.start}"
        with self.lock:
            self.dialogs[call_id] = sip.Dialog.of_caller(self.end, reply)
            self.dialogs[call_id].ack()
            self.peers[call_id] = rtp.peer_of(reply.body)
        return call_id

    def only_call(self):
        return next(iter(self.dialogs))

    def replaces(self, call_id, escaped=True):
        d = self.dialogs[call_id]
        tags = [re.search(r"tag=([^;>\s]+)", text).group(1) for text in (d.remote, d.local)]
        if escaped:
            return f"{call_id.replace('@', '%40')}%3Bto-tag%3D{tags[0]}%3Bfrom-tag%3D{tags[1]}"
        return f"{call_id};to-tag={tags[0]};from-tag={tags[1]}"

    def refer(self, call_id, to):
        """REFER in that call; its response."""
        seen = len(self.messages)
        with self.lock:
            self.dialogs[call_id].request("REFER", extra=[f"Refer-To: <{to}>"])
        return self.wait(lambda m: m.status and "REFER" in m.get("cseq") and m.get("call-id") == call_id, since=seen)

    def hang_up(self, call_id=None):
        call_id = call_id or self.only_call()
        seen = len(self.messages)
        with self.lock:
            self.dialogs[call_id].request("BYE")
        reply = self.wait(lambda m: m.status and "BYE" in m.get("cseq") and m.get("call-id") == call_id, since=seen)
        with self.lock:
            self.dialogs.pop(call_id, None)
            self.peers.pop(call_id, None)
        return reply

    # --- what is asked ---

    def wait(self, want, seconds=15, since=0):
        deadline = time.time() + seconds
        while time.time() < deadline:
            with self.lock:
                found = next((m for m in self.messages[since:] if want(m)), None)
            if found is not None:
                return found
            time.sleep(0.02)
        return None

    def wait_idle(self, seconds=15):
        deadline = time.time() + seconds
        while self.dialogs and time.time() < deadline:
            time.sleep(0.02)
        return not self.dialogs

    def hears(self, ssrc, seconds=10):
        """Does it hear this one within that time?"""
        begin, deadline = time.monotonic(), time.monotonic() + seconds
        while time.monotonic() < deadline:
            if any(t > begin and s == ssrc for t, s in self.heard[-200:]):
                return True
            time.sleep(0.05)
        return False

    def close(self):
        self.runs = False
        for t in self.threads:
            t.join(2)
        self.end.close()
        self.rtp.close()
