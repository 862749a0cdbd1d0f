#!/usr/bin/env python3
"""Sessions are resumed by whichever worker answers, after a reload and after a restart, at least 99 of 100; and by none
once the interface's level has changed.

# sanitizers: address thread
"""
import socket
import ssl
import sys

import tap
from daemon import Daemon, config

SESSIONS = 100


class Client:
    """One device: its TLS context, and the session of its last connection."""

    def __init__(self, version):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE
        self.context.minimum_version = self.context.maximum_version = version
        self.session = None

    def connect(self, at):
        """Connect, exchange a ping (with the answer comes TLS 1.3's ticket): was the last session resumed?"""
        with socket.create_connection(at, 20) as plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or our ping waits 40 ms for an ACK
            with self.context.wrap_socket(plain, server_hostname="pbx.example", session=self.session) as s:
                s.sendall(b"\r\n\r\n")
                assert s.recv(10) == b"\r\n"
                resumed = s.session_reused
                self.session = s.session
        return resumed


def share(clients, at):
    return sum(c.connect(at) for c in clients)


def main():
    daemon = Daemon(config(listen="tls:127.0.0.1:0", workers=4))
    try:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            name = "TLS 1." + version.name[-1]
            at = daemon.ports["tls"]
            clients = [Client(version) for _ in range(SESSIONS)]
            tap.equal(share(clients, at), 0, f"{name}: {SESSIONS} devices connect for the first time")
            n = share(clients, at)
            tap.ok(n >= 0.99 * SESSIONS, f"{name}: {n} of {SESSIONS} resume, spread over four workers")
            tap.equal(daemon.cli("reload")[0], 0, "the configuration is loaded again")
            n = share(clients, at)
            tap.ok(n >= 0.99 * SESSIONS, f"{name}: {n} of {SESSIONS} resume after a reload")
            daemon.stop()
            daemon.start()
            at = daemon.ports["tls"]
            n = share(clients, at)
            tap.ok(n >= 0.99 * SESSIONS, f"{name}: {n} of {SESSIONS} resume after a restart")
        tap.equal(daemon.cli("set", "sip.cipher-suite-level", "modern")[0], 0, "the level is raised to modern")
        tap.equal(share(clients, at), 0, "and nobody resumes a session of the level before")
        n = share(clients, at)
        tap.ok(n >= 0.99 * SESSIONS, f"but {n} of {SESSIONS} resume those of the new one")
    finally:
        daemon.stop()
    tap.done()


if __name__ == "__main__":
    sys.exit(main())
