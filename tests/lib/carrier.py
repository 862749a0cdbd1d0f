"""tests/lib/carrier.py - a carrier made of Debian's Kamailio (one worker for TLS) and rtpengine, and its subscriber.

Towards us the carrier speaks TLS with a client certificate and SRTP; towards its subscriber, UDP and plain RTP. So whatever the
subscriber hears has passed rtpengine's own SRTP, which shares no code with ours.
"""
import os
import signal
import socket
import subprocess
import threading
import time

import rtp
import sip
from daemon import free_ports

MODULES = "/usr/lib/x86_64-linux-gnu/kamailio/modules/"

CONFIG = """#!KAMAILIO
debug=0
log_stderror=yes
fork=yes
children=2
tcp_children=1
auto_aliases=no
dns=no
rev_dns=no
enable_tls=yes
listen=udp:{host}:{udp}
listen=tls:{host}:{tls}
tcp_source_ipv4={host}
tcp_connection_lifetime=3604
mpath="{modules}"
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "rtpengine.so"
loadmodule "tls.so"
modparam("tm", "fr_timer", 5000)
modparam("rtpengine", "rtpengine_sock", "udp:{host}:{ng}")
modparam("tls", "config", "{folder}/tls.cfg")

request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("OPTIONS") && !has_totag()) {{ sl_send_reply("200", "OK"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
    t_check_trans();
    if (is_method("INVITE")) {{
        if ($proto == "tls") {{ rtpengine_offer("RTP/AVP ICE=remove"); }}
        else {{ rtpengine_offer("RTP/SAVP ICE=remove DTLS=off {suites}"); }}
        t_on_reply("ANSWER");
    }}
    if (is_method("BYE")) {{ rtpengine_delete(); }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ exit; }}
        sl_send_reply("404", "Not here");
        exit;
    }}
    if (!is_method("INVITE")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
    record_route();
    if ($proto == "tls") {{ $du = "sip:{host}:{subscriber};transport=udp"; }}
    else {{ $du = "sip:{office};transport=tls"; }}
    t_relay();
}}

onreply_route[ANSWER] {{
    if (status =~ "(18[0-9])|(2[0-9][0-9])" && has_body("application/sdp")) {{ rtpengine_answer(); }}
}}
"""

TLS = """[server:default]
method = TLSv1.2+
verify_certificate = yes
require_certificate = yes
certificate = {cert}
private_key = {key}
ca_list = {authority}

[client:default]
method = TLSv1.2+
verify_certificate = yes
require_certificate = yes
certificate = {cert}
private_key = {key}
ca_list = {authority}
"""


class Carrier:
    """
    One carrier on a loopback address of its own.

    office     "ADDRESS:PORT" of our TLS listener; authority: whom it lets in by TLS (a PEM file)
    cert       tests/lib/pki.py's: the carrier's certificate, with its address as a name
    suites     words for rtpengine's offer towards us, such as "SDES-only-AES_256_CM_HMAC_SHA1_80"
    """

    def __init__(self, folder, host, office, authority, cert, suites=""):
        self.host, self.folder = host, os.path.join(folder, host)
        os.makedirs(self.folder, exist_ok=True)
        os.chmod(self.folder, 0o755)
        self.udp = free_ports(5)
        self.tls, self.ng, self.cli, self.subscriber = self.udp + 1, self.udp + 2, self.udp + 3, self.udp + 4
        self.media = free_ports(100)
        words = dict(host=host, udp=self.udp, tls=self.tls, ng=self.ng, subscriber=self.subscriber, office=office,
                     folder=self.folder, modules=MODULES, suites=suites, cert=cert.path, key=cert.key, authority=authority)
        for name, text in (("kamailio.cfg", CONFIG), ("tls.cfg", TLS)):
            with open(os.path.join(self.folder, name), "w") as f:
                f.write(text.format(**words))
        self.processes = []

    def start(self):
        self._spawn("rtpengine", ["rtpengine", "--config-file=none", "--foreground", "--log-stderr", "--log-level=4", "--table=-1",
                                  f"--interface={self.host}", f"--listen-ng={self.host}:{self.ng}", f"--listen-cli={self.host}:{self.cli}",
                                  f"--port-min={self.media}", f"--port-max={self.media + 99}", "--num-threads=1"])
        time.sleep(0.5)
        self._spawn("kamailio", ["kamailio", "-f", os.path.join(self.folder, "kamailio.cfg"), "-DD", "-E", "-m", "64", "-Y",
                                 self.folder])
        deadline = time.time() + 20
        while time.time() < deadline:
            try:
                socket.create_connection((self.host, self.tls), timeout=0.5).close()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("Kamailio did not start:\n" + self.log())

    def _spawn(self, name, args):
        log = open(os.path.join(self.folder, name + ".log"), "a")
        self.processes.append(subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                               start_new_session=True))
        log.close()

    def log(self):
        return "".join(open(os.path.join(self.folder, name + ".log"), errors="replace").read()[-2500:]
                       for name in ("kamailio", "rtpengine"))

    def stop(self):
        """Both end, and Kamailio's workers with it: they would keep the port."""
        for p in reversed(self.processes):
            for number in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(p.pid, number)
                    p.wait(5)
                except (ProcessLookupError, subprocess.TimeoutExpired):
                    pass
        self.processes = []


class Subscriber(threading.Thread):
    """Who is called at a carrier: plain SIP by UDP, plain RTP; answers each INVITE, also those of a call that is up."""

    def __init__(self, carrier):
        super().__init__(daemon=True)
        self.carrier = carrier
        self.end = sip.Endpoint("udp", (carrier.host, carrier.udp), source=(carrier.host, carrier.subscriber), timeout=0.2)
        self.media, self.invites, self.byes, self.running = None, [], 0, True
        self.start()

    def run(self):
        while self.running:
            m = self.end.receive(0.2)
            if m is None or m.method is None or m.method == "ACK":
                continue
            if m.method == "INVITE":
                if self.media is None:
                    self.media = rtp.Media(0xca11)
                    self.media.start(rtp.peer_of(m.body))
                self.invites.append(m)
                self.end.reply(m, 200, "OK", "subscriber", [f"Contact: <sip:pstn@{self.carrier.host}:{self.carrier.subscriber}>"],
                               sip.sdp("127.0.0.1", self.media.port))
            else:
                self.byes += m.method == "BYE"
                self.end.reply(m, 200, "OK", "subscriber")

    def forget(self):
        """The call is over: the next one gets media of its own."""
        media, self.media = self.media, None
        if media is not None:
            media.stop()
            media.close()

    def close(self):
        self.running = False
        self.join(2)
        self.forget()
        self.end.close()
