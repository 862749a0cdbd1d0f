"""tests/lib/exposition.py - reads Prometheus' text exposition format 0.0.4, and forgives nothing."""
import re
import urllib.request

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
VALUE = r"[+-]?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Inf|NaN)"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? ({VALUE})")


class Metrics:
    """Samples as {(name, ((label, value), ...)): number}; `faults` says what is wrong with the text."""

    def __init__(self, text):
        self.samples, self.types, self.help, self.faults = {}, {}, {}, []
        now = None
        if not text.endswith("\n"):
            self.faults.append("the last line has no end")
        for line in text.splitlines():
            if m := re.fullmatch(rf"# HELP ({NAME}) (.+)", line):
                now = m[1]
                if now in self.help:
                    self.faults.append(f"HELP twice: {now}")
                self.help[now] = m[2]
            elif m := re.fullmatch(rf"# TYPE ({NAME}) (counter|gauge|histogram)", line):
                if m[1] != now or m[1] in self.types:
                    self.faults.append(f"TYPE out of place: {line}")
                self.types[m[1]] = m[2]
            elif m := SAMPLE.fullmatch(line):
                self._sample(now, m)
            else:
                self.faults.append(f"no line of this format: {line!r}")
        self._histograms()

    def _sample(self, family, m):
        name, labels, value = m[1], m[2] or "", float(m[3].replace("Inf", "inf"))
        suffixes = ["_bucket", "_sum", "_count"] if self.types.get(family) == "histogram" else [""]
        if name not in [f"{family}{s}" for s in suffixes]:
            self.faults.append(f"{name} stands below {family}")
        pairs = tuple(sorted(tuple(p.split("=", 1)) for p in re.findall(LABEL, labels)))
        pairs = tuple((k, re.sub(r"\\(.)", lambda c: "\n" if c[1] == "n" else c[1], v[1:-1])) for k, v in pairs)
        if len({k for k, _ in pairs}) != len(pairs):
            self.faults.append(f"a label twice: {m[0]}")
        if (name, pairs) in self.samples:
            self.faults.append(f"twice: {m[0]}")
        if self.types.get(family) == "counter" and (not name.endswith("_total") or value < 0):
            self.faults.append(f"no counter: {m[0]}")
        self.samples[name, pairs] = value

    def _histograms(self):
        for family in (f for f, t in self.types.items() if t == "histogram"):
            series = {}
            for (name, pairs), value in self.samples.items():
                if name == family + "_bucket":
                    rest = tuple(p for p in pairs if p[0] != "le")
                    series.setdefault(rest, []).append((float(dict(pairs)["le"].replace("Inf", "inf")), value))
            for rest, buckets in series.items():
                counts = [n for _, n in sorted(buckets)]
                if counts != sorted(counts) or sorted(buckets)[-1][0] != float("inf"):
                    self.faults.append(f"buckets of {family}{rest} do not add up")
                if self.samples.get((family + "_count", rest)) != counts[-1] or (family + "_sum", rest) not in self.samples:
                    self.faults.append(f"sum and count of {family}{rest}")

    def sum(self, name, **labels):
        """Of all samples of this name that bear these labels."""
        return sum(v for (n, pairs), v in self.samples.items()
                   if n == name and all(dict(pairs).get(k) == w for k, w in labels.items()))

    def rise(self, before, name, **labels):
        """How much more than in `before`; a whole number."""
        return round(self.sum(name, **labels) - before.sum(name, **labels))


def of_command(daemon):
    code, out, err = daemon.cli("metrics")
    assert code == 0, err
    return Metrics(out)


def of_http(port, host="127.0.0.1"):
    with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=10) as r:
        return Metrics(r.read().decode())
