#!/usr/bin/env python3
"""sipp as carriers of type ip: 20 calls to a number, 20 calls through a route whose first connection is dead (TEL-1, TEL-18).

# sanitizers: address
# runs beside few
"""
import os
import subprocess
import tempfile
import time

import sip
import tap
from daemon import DOMAIN, Daemon, config, connection, free_ports

USER = {"203": "salt-river-08"}


def uas(port, folder):
    return subprocess.Popen(["sipp", "-sn", "uas", "-i", "127.0.0.1", "-p", str(port), "-t", "u1", "-nostdin"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)


def uac(server, number, port, folder):
    errors = os.path.join(folder, f"errors-{port}.log")
    p = subprocess.run(["sipp", f"{server[0]}:{server[1]}", "-sn", "uac", "-t", "u1", "-i", "127.0.0.1", "-p", str(port), "-m",
                        "20", "-r", "5", "-s", number, "-timeout", "60", "-timeout_error", "-nostdin", "-trace_err",
                        "-error_file", errors], capture_output=True, text=True, timeout=90, cwd=folder)
    said = p.stdout[-600:] + (open(errors).read()[-1500:] if os.path.exists(errors) else "")
    return p.returncode, said


def main():
    port, phone, live, dead, caller = (free_ports(2) for _ in range(5))
    conf = config(listen=f"udp:127.0.0.1:{port}", users=USER, srtp={"203": "off"}, workers=2, more=(
        connection("in", "ip", "allow 127.0.0.1", f"server 127.0.0.1:{caller};transport=udp", "calls-per-second 100")
        + connection("dead", "ip", "allow 127.0.0.2", f"server 127.0.0.1:{dead};transport=tcp")
        + connection("live", "ip", "allow 127.0.0.3", f"server 127.0.0.1:{live};transport=udp")
        + "number +442071838750 {\n connection in\n to 203\n}\nroute transit {\n match +49*\n from in\n use dead live\n}\n"))
    with Daemon(text=conf) as office, tempfile.TemporaryDirectory() as folder:
        end = sip.Endpoint("udp", office.ports["udp"])
        reply = end.register("203", USER["203"], DOMAIN, contact=f"<sip:203@127.0.0.1:{phone}>")
        tap.ok(reply is not None and reply.status == 200, "203 is registered at sipp's address", reply and reply.text)
        servers = [uas(phone, folder), uas(live, folder)]
        try:
            time.sleep(0.5)
            code, said = uac(office.ports["udp"], "+442071838750", caller, folder)
            tap.ok(code == 0, "20 calls of a carrier to a number (TEL-1)", said)
            code, said = uac(office.ports["udp"], "+4930123456", caller + 1, folder)
            tap.ok(code == 0, "20 calls through a route whose first connection is dead (TEL-18)", said)
            time.sleep(2.5)
            rows = {r["name"]: r for r in office.cli("connection", "list", json_out=True)}
            tap.ok(all(r["calls"] == 0 for r in rows.values()), "no connection counts a call that is over", rows)
            tap.equal(len(office.cli("calls", json_out=True)), 0, "no call is left over")
        finally:
            for s in servers:
                s.terminate()
                s.wait()
            end.close()
    tap.done()


if __name__ == "__main__":
    main()
