"""The Calls API client over the mock of Twilio's: it sees the same calls in
the same order as the official SDK, sends nothing that Twilio's description does
not know, and every fault comes out as what it is."""
import email.utils
import json
import os
import random
import re
import subprocess
import threading
import time
from urllib.parse import parse_qsl, urlsplit

from calls_mock import (ACCOUNT, API_KEY, API_SECRET, TOKEN, CallsMock,
                        node_path)
from outcome import equal, patience, true
from servers import BUILDDIR, SRCDIR, clean_env, need

SEED = 20261121
QUICK = bool(os.environ.get("SWITCHHOOK_TEST_QUICK"))
STATUSES = ["queued", "ringing", "in-progress", "completed", "busy", "failed",
            "no-answer", "canceled"]


def status_numbers(*names):
    """Of enum status, in the order of its names."""
    with open(os.path.join(SRCDIR, "src/base/status.h"),
              encoding="utf-8") as header:
        all_names = re.findall(r"^\tST_(\w+)", header.read(), re.M)
    return [all_names.index(name) for name in names]


(IO, BUSY, TIMEOUT, TOOBIG, MALFORMED, NOTFOUND, DENIED, CONFIG,
 UNAVAILABLE) = status_numbers(
     "IO", "BUSY", "TIMEOUT", "TOOBIG", "MALFORMED", "NOTFOUND", "DENIED",
     "CONFIG", "UNAVAILABLE")


def ours(mock, *args, user=ACCOUNT, secret=TOKEN):
    """(calls, failure): failure is None, or (status, http, code, retry
    after, text)."""
    done = subprocess.run(
        [os.path.join(BUILDDIR, "t/calls/print-calls"), mock.url, *args],
        capture_output=True, timeout=patience(60), check=False,
        env=clean_env(CALLS_ACCOUNT=ACCOUNT, CALLS_USER=user,
                      CALLS_SECRET=secret))
    lines = done.stdout.decode().splitlines()
    failure = None
    if lines and lines[-1].startswith("! "):
        _, *numbers, text = lines.pop().split(" ", 5)
        failure = (*map(int, numbers), text)
        true((not secret or secret not in text) and "StartTime" not in text, text)
    equal(done.returncode, 0 if failure is None else 1,
          f"exit status, with {done.stderr}")
    return [json.loads(line) for line in lines], failure


def good(mock, *args, **who):
    calls, failure = ours(mock, *args, **who)
    equal(failure, None, f"failure of {args}")
    return calls


# ---- the same as the SDK


def moment(text):
    return text and email.utils.parsedate_to_datetime(text)


def iso(when):
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def as_sdk(call):
    """A call as the SDK's JSON has it: camelCase, dates in ISO 8601."""
    out = {}
    for name, value in call.items():
        first, *rest = name.split("_")
        if name.startswith("date_") or name in ("start_time", "end_time"):
            value = value and moment(value).strftime(
                "%Y-%m-%dT%H:%M:%S.000Z")
        out[first + "".join(w.capitalize() for w in rest)] = value
    return out


def sdk(mock, wanted):
    done = subprocess.run(
        [need("node"), os.path.join(SRCDIR, "t/calls/sdk.cjs"), mock.url,
         ACCOUNT, TOKEN], input=json.dumps(wanted).encode(),
        capture_output=True, timeout=patience(60), check=False,
        env=clean_env(NODE_PATH=node_path(), NODE_NO_WARNINGS="1"))
    equal(done.returncode, 0, f"the SDK's exit status: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


# Filters by who was in a call, and the member that they look at.
NUMBERS = {"from_number": "from", "to_number": "to",
           "parent": "parent_call_sid"}


def random_query(rng, calls):
    """Filters, as the client takes them."""
    query = {"page_size": rng.choice([1000, 999, 500, 100, 50])}
    if rng.random() < 0.5:
        query["status"] = rng.choice(STATUSES)
    for name, member in NUMBERS.items():
        if rng.random() < 0.2:
            query[name] = rng.choice([c[member] for c in calls if c[member]])
    started = [moment(c["start_time"]) for c in calls if c["start_time"]]
    if rng.random() < 0.6:
        query["from"] = iso(rng.choice(started))
    if rng.random() < 0.6:
        query["before"] = iso(rng.choice(started))
    return query


def fits(call, query):
    start = call["start_time"] and iso(moment(call["start_time"]))
    if "status" in query and call["status"] != query["status"]:
        return False
    if any(n in query and call[m] != query[n] for n, m in NUMBERS.items()):
        return False
    if ("from" in query or "before" in query) and not start:
        return False
    return not ("from" in query and start < query["from"] or
                "before" in query and start >= query["before"])


def list_args(query):
    return ["list", str(query["page_size"])] + [
        f"{n}={v}" for n, v in query.items() if n != "page_size"]


def sdk_options(query):
    names = {"page_size": "pageSize", "status": "status",
             "from_number": "from", "to_number": "to",
             "parent": "parentCallSid",
             "from": "startTimeAfter", "before": "startTimeBefore"}
    return {"list": {names[n]: v for n, v in query.items()}}


def same_as_sdk(mock):
    """Random filters and sizes of pages, against the SDK and against a plain
    re-computation; and the queries that both send."""
    rng = random.Random(SEED)
    calls = mock.calls()
    queries = [{"page_size": 1000}, {"page_size": 7, "status": "busy"}] + [
        random_query(rng, calls) for _ in range(3 if QUICK else 10)]
    mock.reset()
    seen = [good(mock, *list_args(q)) for q in queries]
    asked = mock.state()["requests"]
    mock.reset()
    theirs = sdk(mock, [sdk_options(q) for q in queries])
    for query, mine, its in zip(queries, seen, theirs, strict=True):
        equal([c["sid"] for c in mine],
              [c["sid"] for c in calls if fits(c, query)], str(query))
        equal([as_sdk(c) for c in mine], its, str(query))
    its = mock.state()["requests"]
    mock.check()
    equal([sent(r) for r in asked], [sent(r) for r in its], "requests")


def sent(request):
    parts = urlsplit(request["url"])
    return (request["method"], parts.path, request["user"],
            sorted(parse_qsl(parts.query, keep_blank_values=True)))


def one_call(mock):
    calls = mock.calls()
    some = [calls[i] for i in (0, 1, len(calls) // 2, -1)]
    mine = good(mock, "fetch", *[c["sid"] for c in some])
    equal(mine, some, "calls")
    equal([[as_sdk(c)] for c in mine],
          sdk(mock, [{"fetch": c["sid"]} for c in some]), "the SDK's")
    mock.check()


def to_the_end(mock):
    """Every call once, in their order, however they are paged, while new ones
    come in; all over one connection."""
    calls = mock.calls()
    for size in (1, 1000) if QUICK else (11, 50, 999, 1000):
        mock.reset()
        wanted = [] if size > 1 else ["status=canceled"]
        equal(good(mock, "list", str(size), *wanted),
              [c for c in calls if size > 1 or c["status"] == "canceled"],
              f"pages of {size}")
        # And this one.
        equal(mock.state()["connections"], 1, "connections")
        mock.check()
    mock.reset()
    _, page = mock.page(PageSize=100)
    mock.set(add=20)
    rest = good(mock, "next", page["next_page_uri"])
    equal(page["calls"] + rest, calls, "calls that were there")
    mock.check()
    mock.reset()


def keys(mock):
    """As an API key; not as anybody else."""
    equal(len(good(mock, "list", "1000", user=API_KEY, secret=API_SECRET)),
          len(mock.calls()), "calls")
    for who in [{"secret": TOKEN[:-1]}, {"secret": TOKEN + "0"},
                {"user": API_KEY, "secret": "none:of:them"}]:
        _, failure = ours(mock, "list", "10", **who)
        equal(failure[:3], (DENIED, 401, 20003), f"as {who}")
    _, failure = ours(mock, "list", "10", secret="")
    equal(failure[0], CONFIG, "without a secret")
    mock.check()
    mock.reset()


# ---- faults

# What the mock does, what comes of it for a call and for a page, and how often
# it is asked.
FAULTS = [
    ("400", (DENIED, 400, 20001, -1), 1),
    ("401", (DENIED, 401, 20003, -1), 1),
    ("403", (DENIED, 403, 20403, -1), 1),
    ("429", (BUSY, 429, 20429, -1), 3),
    ("429:7", (BUSY, 429, 20429, 7), 3),
    ("500", (UNAVAILABLE, 500, 20500, -1), 3),
    ("503:30", (UNAVAILABLE, 503, 20503, 30), 3),
    ("502", (UNAVAILABLE, 502, 0, -1), 3),
    ("html-404", (MALFORMED, 404, 0, -1), 1),
    ("html", (MALFORMED, 200, 0, -1), 1),
    ("redirect", (MALFORMED, 302, 0, -1), 1),
    ("redirect:/2010-04-01/Accounts.json", (MALFORMED, 302, 0, -1), 1),
    ("204", (MALFORMED, 204, 0, -1), 1),
    ("close", (IO, 0, 0, -1), 3),
    ("reset", (IO, 0, 0, -1), 3),
    ("truncated", (IO, 0, 0, -1), 3),
    # What libcurl takes for an empty answer.
    ("head", (MALFORMED, 200, 0, -1), 1),
    ("garbage", (IO, 0, 0, -1), 3),
    ("not-json", (MALFORMED, 200, 0, -1), 1),
    ("after", (MALFORMED, 200, 0, -1), 1),
    ("empty", (MALFORMED, 200, 0, -1), 1),
    ("array", (MALFORMED, 200, 0, -1), 1),
    ("null", (MALFORMED, 200, 0, -1), 1),
    ("bytes", (MALFORMED, 200, 0, -1), 1),
    ("twice", (MALFORMED, 200, 0, -1), 1),
    ("deep", (MALFORMED, 200, 0, -1), 1),
    ("huge", (TOOBIG, 0, 0, -1), 1),
    ("headers", (TOOBIG, 0, 0, -1), 1),
    ("secret", (DENIED, 400, 20001, -1), 1),
    ("long", (DENIED, 400, 20001, -1), 1),
]
CALL_FAULTS = [("404", (NOTFOUND, 404, 20404, -1), 1),
               ("other-sid", (MALFORMED, 200, 0, -1), 1)]
PAGE_FAULTS = [("404", (DENIED, 404, 20404, -1), 1)] + [
    (how, (MALFORMED, 200, 0, -1), 1) for how in [
    "no-calls", "calls-null", "calls-strings", "too-many",
    "next://evil.example/", "next:https://evil.example/2010-04-01/Accounts/" +
    ACCOUNT + "/Calls.json?Page=1", "next:@evil.example/",
    "next:/2010-04-01/Accounts/AC00000000000000000000000000000002/Calls.json"
    "?Page=1", "next:/2010-04-01/Accounts/" + ACCOUNT + "/Calls.json?Page=1\r\n"
    "X-Evil: yes", "next:17", "next:true", "next:{}", "loop"]]


def fault(mock, how, expected, tries):
    sid = mock.first
    for args, known in [(("fetch", sid), FAULTS + CALL_FAULTS),
                        (("list", "10", "from=2026-01-01T00:00:00Z"),
                         FAULTS + PAGE_FAULTS)]:
        if (how, expected, tries) not in known:
            continue
        mock.set(reset=True, always=how)
        calls, failure = ours(mock, *args)
        equal(calls, [], "calls")
        equal(failure[:4], expected, f"{how} for {args}: {failure[4]}")
        # libcurl asks once more where a kept connection was closed; the first
        # is never one.
        equal(mock.state()["count"], tries, f"{how}: requests")
        mock.check()
    mock.reset()


def passing(mock):
    """What passes within the tries is not noticed."""
    for script in (["503", "429:1"], ["truncated", "reset"], ["502"],
                   ["slow:300"], ["429", "close", "ok"]):
        mock.set(reset=True, script=script)
        equal(len(good(mock, "list", "1000")), mock.n, f"after {script}")
        mock.check()
    mock.reset()
    _, failure = ours(mock, "fetch", "CA" + 32 * "0")
    equal(failure[:3], (NOTFOUND, 404, 20404), "an unknown call")
    true("was not found" in failure[4], failure[4])


class Late:
    """Two that wait to the end of a call's deadline, meanwhile."""

    def __init__(self):
        self.mock = CallsMock(10)
        self.mock.set(script=["hang", "trickle"])
        self.results = []
        self.threads = [threading.Thread(target=self.ask) for _ in range(2)]
        for thread in self.threads:
            thread.start()

    def ask(self):
        began = time.monotonic()
        _, failure = ours(self.mock, "fetch", "CA" + 32 * "0")
        self.results.append((failure, time.monotonic() - began))

    def check(self):
        for thread in self.threads:
            thread.join(patience(60))
        try:
            equal(len(self.results), 2, "both ended")
            for failure, seconds in self.results:
                equal(failure[0], TIMEOUT, failure[4])
                true(9.5 < seconds < patience(20), f"{seconds} s")
            equal(self.mock.state()["count"], 2, "requests")
        finally:
            self.mock.stop()


def suite(results):
    started = []

    def start():
        started.append(CallsMock())
        mock = started[0]
        mock.n = len(mock.calls())
        mock.first = mock.calls()[0]["sid"]
        if not QUICK:
            started.append(Late())

    results.run("calls-api: starts", start)
    if not started:
        return
    mock = started[0]
    try:
        for case in (one_call, same_as_sdk, to_the_end, keys, passing):
            results.run(f"calls-api: {case.__name__}", case, mock)
        for how in FAULTS + CALL_FAULTS + PAGE_FAULTS:
            results.run(f"calls-api: {how[0]!r}", fault, mock, *how)
        for late in started[1:]:
            results.run("calls-api: late", late.check)
    finally:
        mock.stop()
