"""GET /metrics as Prometheus would read it."""
import re
import shutil
import subprocess
import time

from doors import ADMIN
from outcome import equal, patience, true

LINE = re.compile(r'^([a-z_]+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-z]+)="((?:[^"\\]|\\.)*)"')
BEARER = ("Authorization", f"Bearer {ADMIN}")


def parse(text):
    """{(name, (label value, ...)): value}; each series once."""
    out = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        m = LINE.match(line)
        true(m, f"a line of no form: {line!r}")
        key = (m[1].removeprefix("switchhook_"),
               tuple(v for _, v in LABEL.findall(m[2] or "")))
        true(key not in out, f"{key} occurs twice")
        out[key] = float(m[3])
    return out


def check(text):
    """promtool has nothing to say of it."""
    program = shutil.which("promtool")
    if program is None:
        return  # test-alerts.sh says that it is missing
    done = subprocess.run([program, "check", "metrics"], input=text.encode(),
                          capture_output=True, timeout=60, check=False)
    equal((done.returncode, done.stdout, done.stderr), (0, b"", b""),
          "promtool")


class Page:
    """The values now."""

    def __init__(self, text):
        self.text = text
        self.values = parse(text)

    def __call__(self, name, *labels):
        return self.values.get((name, labels))

    def since(self, before):
        """What of the counters has changed, and by how much; durations are
        compared by their number."""
        changed = {}
        for key, value in self.values.items():
            if not key[0].endswith(("_total", "_seconds_count")):
                continue
            more = value - before.values.get(key, 0)
            if more:
                changed[key] = more
        return changed


SAVED_S = 1.5  # within this every process has saved what it counted


def page_of(door):
    if door.several:
        time.sleep(patience(SAVED_S))
    reply = door.ask("GET", "/metrics", [BEARER])
    equal(reply.status, 200, f"status of {reply}")
    equal(reply.header("content-type").replace("; charset", ";charset"),
          "text/plain; version=0.0.4;charset=utf-8", "type")
    return Page(reply.body.decode())
