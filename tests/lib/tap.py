"""tests/lib/tap.py - the few words of a test script: Test Anything Protocol."""
import os
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
_count = 0
_failed = 0


def ok(passed, what, detail=""):
    """One case. `detail` is printed when it failed."""
    global _count, _failed
    _count += 1
    print(f"{'ok' if passed else 'not ok'} {_count} - {what}", flush=True)
    if not passed:
        _failed += 1
        for line in str(detail).splitlines()[:40]:
            print(f"# {line}")
        sys.stdout.flush()
    return bool(passed)


def equal(got, want, what):
    return ok(got == want, what, f"got {got!r}, want {want!r}")


def note(text):
    for line in str(text).splitlines():
        print(f"# {line}", flush=True)


def done():
    print(f"1..{_count}", flush=True)
    sys.exit(1 if _failed else 0)
