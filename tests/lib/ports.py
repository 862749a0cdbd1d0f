"""tests/lib/ports.py - ports for a test alone, whatever runs beside it (tests/free_ports.h says how)."""
import os
import socket
import time

UNIT, LOW, HIGH = 100, 10000, 32700
KEPT = 8  # ranges after which the oldest may be used again: its daemon has ended
_ranges = []  # (first, count, sockets that hold the names)
_tcp, _tcp_held = [], []  # ports of the last range for TCP that nobody had yet; the names of all such ranges


def _claim(first):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        s.bind(f"\0ringfence-test-ports-{first}")
        return s
    except OSError:
        s.close()
        return None


def _all_free(first, count):
    for port in range(first, first + count):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            try:
                s.bind(("0.0.0.0", port))
            except OSError:
                return False
    return True


def _take(first, count):
    held = []
    for at in range(first, first + count, UNIT):
        name = _claim(at)
        if name is None:
            break
        held.append(name)
    else:
        if _all_free(first, count):
            return held
    for name in held:
        name.close()
    return None


def free_ports(count):
    """The first of so many UDP ports, an even one, that are ours until this process ends."""
    if len(_ranges) >= KEPT:
        for i, (first, n, held) in enumerate(_ranges[:-2]):
            if n == count and _all_free(first, n):
                _ranges.append(_ranges.pop(i))
                return first
    first, held = _claim_range(count)
    _ranges.append((first, count, held))
    return first


def _claim_range(count):
    units = (HIGH - LOW - count) // UNIT
    deadline = time.time() + 60
    while time.time() < deadline:
        for i in range(units):
            first = LOW + (os.getpid() * 7 + i) % units * UNIT
            held = _take(first, count)
            if held is not None:
                return first, held
        time.sleep(0.2)
    raise RuntimeError(f"no {count} free ports in a row for a minute")


def free_tcp_port():
    """A TCP port that is ours until this process ends: not one of those that connections take by themselves, which any
    client beside us may have by the time the daemon binds it."""
    while True:
        if not _tcp:
            first, held = _claim_range(UNIT)
            _tcp_held.append(held)
            _tcp.extend(range(first, first + UNIT))
        port = _tcp.pop(0)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
