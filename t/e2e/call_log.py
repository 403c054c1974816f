"""Status callbacks of many calls through a server, late, twice and at the same
time; and what `switchhook calls` makes of them meanwhile and afterwards."""
import json
import random
import threading
from urllib.parse import urlencode

from admin_cases import call_sid, call_status, get
from doors import NginxFastcgi
from outcome import equal, patience, true
from servers import Process, wait_for

CALLS = 60
WRITERS = 6
PLAN = [("initiated", {}), ("ringing", {}), ("in-progress", {}),
        ("completed", {"CallDuration": "42"})]
ENDS = [("busy", {}), ("no-answer", {}), ("failed", {"ErrorCode": "13224"})]


class Tail:
    """switchhook calls tail, at work."""

    def __init__(self, door, *args):
        self.out = door.dir(f"tail-{call_sid()}")
        self.process = Process(
            [door.dir("bin/switchhook"), "-c", door.conf, "--json", "calls",
             "tail", *args], self.out)

    def rows(self):
        with open(self.out, encoding="utf-8") as f:
            text = f.read()
        return [json.loads(line)
                for line in text[:text.rfind("\n") + 1].splitlines()]

    def told(self):
        return [(r["sid"], r["status"]) for r in self.rows()]


def a_life(rng, sid):
    """The callbacks of one call: (sid, sequence, status, more)."""
    steps = PLAN if rng.random() < 0.6 else PLAN[:2] + [rng.choice(ENDS)]
    direction = rng.choice(["inbound", "outbound-api", "outbound-dial"])
    return [(sid, i, status, {"Direction": direction, **more})
            for i, (status, more) in enumerate(steps)]


def post_all(door, events, rng):
    """In any order, some twice, from several clients."""
    work = events + rng.sample(events, len(events) // 4)
    rng.shuffle(work)
    lock, failures = threading.Lock(), []

    def writer():
        while True:
            with lock:
                if not work or failures:
                    return
                sid, sequence, status, more = work.pop()
            try:
                call_status(door, sid, status, SequenceNumber=str(sequence),
                            **more)
            except Exception as e:  # pylint: disable=broad-except
                failures.append(e)

    threads = [threading.Thread(target=writer) for _ in range(WRITERS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failures:
        raise failures[0]


def begin_tail(door):
    """A tail that is known to be at work: it has told of a call."""
    call_status(door, call_sid(), "busy", SequenceNumber="0")
    tail = Tail(door, "-n", "1")
    tail.process.wait_until(lambda: len(tail.rows()) == 1, "tail tells")
    return tail


def check_row(row, life):
    """What a replay in order gives."""
    sid, sequence, status, more = life[-1]
    del sequence
    equal({k: row[k] for k in ("sid", "status", "direction", "from", "to")},
          {"sid": sid, "status": status, "direction": more["Direction"],
           "from": "+14155550100", "to": "+14155550199"}, "call")
    equal(row["duration_s"], 42 if status == "completed" else None, "duration")
    equal(row["error_code"], more.get("ErrorCode"), "error")
    true(row["start_at"] <= row["end_at"], f"times of {row}")


def listed(door, **filters):
    args = [a for k, v in filters.items() for a in (f"--{k}", v)]
    return [r["sid"] for r in door.rows("calls", "list", "--limit", "10000",
                                        *args)]


def many_calls(door):
    rng = random.Random(5)
    lives = {sid: a_life(rng, sid)
             for sid in (call_sid() for _ in range(CALLS))}
    events = [e for life in lives.values() for e in life]
    tail = begin_tail(door)
    try:
        post_all(door, events, rng)
        want = {(sid, status) for sid, _, status, _ in events}
        tail.process.wait_until(lambda: want <= set(tail.told()),
                                "tail has told of all")
    finally:
        status = tail.process.stop()
    equal(status, 0, "exit status of tail")
    equal(len(tail.told()), len(want) + 1, "each is told once")
    rows = {r["sid"]: r for r in door.rows("calls", "list", "--limit",
                                           "10000")}
    for sid, life in lives.items():
        check_row(rows[sid], life)
    for sid, life in rng.sample(sorted(lives.items()), 5):
        shown, = door.rows("calls", "show", sid)
        equal([(e["sequence"], e["status"]) for e in shown["events"]],
              [(n, status) for _, n, status, _ in life], "time line")
        check_row(shown, life)


def same_as_over_http(door):
    """The command and the admin route list the same calls in one order."""
    for filters in [{}, {"status": "busy"}, {"direction": "inbound"},
                    {"status": "completed", "direction": "outbound-dial"},
                    {"start_date": "2020-01-01", "end_date": "2100-01-01"},
                    {"from": "+14155550100"}, {"to": "+14155550100"},
                    {"to": "+14155550199", "status": "busy"},
                    {"start_date": "2019-12-31", "end_date": "2020-01-01"}]:
        reply = get(door, "/batch-monitor-calls?" + urlencode(
            {"source": "log", "limit": "1000", "start_date": "2020-01-01",
             "end_date": "2100-01-01", **filters}))
        equal(listed(door, **{k.replace("_", "-"): v
                              for k, v in filters.items()}),
              [c["sid"] for c in reply["calls"]], f"calls for {filters}")


def tail_over_a_restart(door):
    """The server is replaced while somebody watches."""
    tail = begin_tail(door)
    try:
        before, after = call_sid(), call_sid()
        call_status(door, before, "ringing", SequenceNumber="0")
        door.stop()
        door.start()
        call_status(door, after, "ringing", SequenceNumber="0")
        wait_for(lambda: {s for s, _ in tail.told()} >= {before, after},
                 "both are told", patience(15))
    finally:
        status = tail.process.stop()
    equal(status, 0, "exit status of tail")


class Site(NginxFastcgi):
    name = "call-log"


def suite(results):
    with Site() as door:
        for case in (many_calls, same_as_over_http, tail_over_a_restart):
            results.run(f"call-log: {case.__name__}", case, door)
