#!/usr/bin/python3
"""calls.py: a page of 1000 calls through nginx and switchhook.fcgi, beside the
same page fetched by curl from the same mock of Twilio's API; README.md says
how. BUILDDIR, SRCDIR and NODE_PATH are as for the end-to-end tests."""
import argparse
import os
import statistics
import subprocess
import sys
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
os.environ.setdefault("SRCDIR", TOP)
sys.path.insert(0, os.path.join(TOP, "t/e2e"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from calls_mock import ACCOUNT, TOKEN, CallsMock
from doors import ADMIN
from monitor import Watching
from servers import clean_env, need

SIZE = 1000


def curl(*args):
    """(seconds of the whole process, seconds that curl says, bytes)."""
    began = time.perf_counter()
    done = subprocess.run(
        [need("curl"), "-sS", "-f", "-o", "/dev/null", "-w",
         "%{time_total} %{size_download}", *args], capture_output=True,
        check=True, text=True, env=clean_env())
    took = time.perf_counter() - began
    total, size = done.stdout.split()
    return took, float(total), int(size)


def memory(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        for line in f:
            if line.startswith(name):
                return int(line.split()[1]) / 1024
    return 0


def measure(mock, door, rounds, delay_ms):
    mock.set(delay_ms=delay_ms)
    twilio = ["-u", f"{ACCOUNT}:{TOKEN}", f"{mock.url}/2010-04-01/Accounts/"
              f"{ACCOUNT}/Calls.json?PageSize={SIZE}"]
    ours = ["-H", f"X-Api-Key: {ADMIN}", f"http://127.0.0.1:{door.port}"
            f"/batch-monitor-calls?limit={SIZE}"
            "&start_date=2000-01-01&end_date=2100-01-01"]
    for args in (twilio, ours):
        curl(*args)
    theirs, through = [], []
    for _ in range(rounds):
        theirs.append(curl(*twilio))
        through.append(curl(*ours))
    for i, what in enumerate(["with curl's start", "as curl says"]):
        a = statistics.median(t[i] for t in theirs) * 1000
        b = statistics.median(t[i] for t in through) * 1000
        low = min(t[i] for t in theirs) * 1000, min(
            t[i] for t in through) * 1000
        print(f"  mock {delay_ms:3d} ms late, {what:17s}: from the mock "
              f"{a:6.1f} ms, through us {b:6.1f} ms, {b / a:.2f} x "
              f"(best {low[0]:.1f}, {low[1]:.1f})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=50)
    args = parser.parse_args()
    with CallsMock(3000) as mock, Watching(mock) as door:
        pid = door.responder.pid
        print(f"a page of {SIZE} calls; resident at the start "
              f"{memory(pid, 'VmRSS'):.1f} MB")
        for delay_ms in (0, 20, 200):
            rounds = args.rounds if delay_ms < 100 else args.rounds // 5 + 1
            measure(mock, door, rounds, delay_ms)
        print(f"  resident afterwards {memory(pid, 'VmRSS'):.1f} MB, "
              f"at most {memory(pid, 'VmHWM'):.1f} MB")


if __name__ == "__main__":
    sys.exit(main())
