"""The Messages API client over the mock of Twilio's: it sends what the official
SDK sends, and, whatever happens on the way, what it says of a message is true,
by the mock's own list of what was really created."""
import os
import random
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import twilio_sign
from calls_api import BUSY, DENIED, IO, MALFORMED, UNAVAILABLE, sdk
from calls_mock import ACCOUNT, API_KEY, API_SECRET, TOKEN, CallsMock
from outcome import equal, patience, true
from servers import BUILDDIR, clean_env

QUICK = bool(os.environ.get("SWITCHHOOK_TEST_QUICK"))
SEED = 20261121

TO = "whatsapp:+14155550100"
FROM = "whatsapp:+14155550999"
SERVICE = "MG" + 32 * "5"
CALLBACK = "https://example.com/whatsapp/status?reply=7"


def run(mock, *args, user=ACCOUNT, secret=TOKEN):
    done = subprocess.run(
        [os.path.join(BUILDDIR, "t/calls/print-messages"), mock.url, *args],
        capture_output=True, timeout=patience(60), check=False,
        env=clean_env(CALLS_ACCOUNT=ACCOUNT, CALLS_USER=user,
                      CALLS_SECRET=secret))
    true(done.returncode in (0, 1), f"exit status, with {done.stderr}")
    return done.stdout.decode().splitlines()


class Result:
    def __init__(self, line):
        self.outcome, http, code, after, sid, status, error, self.words = \
            line.split(" ", 7)
        self.answer = (int(http), int(code), int(after))
        self.sid, self.status, self.error = sid, status, int(error)


def create(mock, *more, to=TO, sender=FROM, body="Hi there", **who):
    result = Result(run(mock, "create", to, sender, body, *more, **who)[0])
    for private in (to.removeprefix("whatsapp:"), TOKEN, body):
        true(len(private) < 6 or private not in result.words, result.words)
    return result


def find(mock, since, to=TO, sender=FROM, body="Hi there"):
    """(SIDs, whether there may be more)"""
    lines = run(mock, "find", to, sender, body, str(int(since * 1e6)))
    true(not any(line.startswith("!") for line in lines), lines)
    return ([line.split()[0] for line in lines if line != "more"],
            "more" in lines)


# ---- the same as the SDK

DRAFTS = [
    {"body": "Hi there"},
    {"body": "Grüße & 1+1=2\n%20 😀\u202e"},
    {"body": "x", "mediaUrl": ["https://example.com/a?b=c&d=e"],
     "statusCallback": CALLBACK},
    {"body": "", "mediaUrl": [f"https://example.com/{i}" for i in range(10)]},
    {"body": "x" * 1600, "messagingServiceSid": SERVICE},
    {"body": "😀" * 1600},
]


def arguments(draft):
    return [f"media={u}" for u in draft.get("mediaUrl", [])] + [
        f"{name}={draft[key]}" for name, key in [
            ("service", "messagingServiceSid"), ("callback", "statusCallback")]
        if key in draft]


def same_as_sdk(mock):
    since = time.time()
    mine = [create(mock, *arguments(d), body=d["body"]) for d in DRAFTS]
    equal([r.outcome for r in mine], ["created"] * len(DRAFTS), "outcomes")
    asked = mock.state()["requests"]
    theirs = sdk(mock, [{"create": {"to": TO, "from": FROM, **d}}
                        for d in DRAFTS])
    its = mock.state()["requests"][len(asked):]
    for one, other in zip(asked, its, strict=True):
        form = {n: v for n, v in other["form"].items() if v != ""}
        equal(one["form"], form, "form")
        equal(one["url"], other["url"], "URL")
        equal(one["user"], other["user"], "user")
    equal([m["sid"] for m in mock.messages()],
          [m[0]["sid"] for m in reversed(theirs)] +
          [r.sid for r in reversed(mine)], "what was created")
    # Each is found, by its text, as the SDK lists it.
    day = time.strftime("%Y-%m-%d", time.gmtime(since))
    [listed] = sdk(mock, [{"messages": {
        "to": TO, "from": FROM, "dateSentAfter": day, "pageSize": 4}}])
    for draft in DRAFTS:
        found, more = find(mock, since, body=draft["body"])
        equal((found, more), ([m["sid"] for m in listed
                               if m["body"] == draft["body"]], False), "found")
        equal(len(found), 2, "one of each")
    mock.check()


# ---- the truth

# What is done to a request, whether the mock takes the message, and what is
# said of it.
WAYS = [
    ("ok", True, "created", (201, 0, -1)),
    ("slow:300", True, "created", (201, 0, -1)),
    ("refuse:21610", False, "refused", (400, 21610, -1)),
    ("refuse:63016", False, "refused", (400, 63016, -1)),
    ("refuse:21408", False, "refused", (400, 21408, -1)),
    ("400", False, "refused", (400, 20001, -1)),
    ("404", False, "refused", (404, 20404, -1)),
    ("html-404", False, "refused", (404, 0, -1)),
    ("secret", False, "refused", (400, 20001, -1)),
    ("long", False, "refused", (400, 20001, -1)),
    ("401", False, "denied", (401, 20003, -1)),
    ("403", False, "denied", (403, 20403, -1)),
    ("429", False, "not-taken", (429, 20429, -1)),
    ("429:7", False, "not-taken", (429, 20429, 7)),
    ("500", False, "unknown", (500, 20500, -1)),
    ("502", False, "unknown", (502, 0, -1)),
    ("503:30", False, "unknown", (503, 20503, 30)),
    ("redirect", False, "unknown", (302, 0, -1)),
    ("close", False, "unknown", (0, 0, -1)),
    ("reset", False, "unknown", (0, 0, -1)),
    ("garbage", False, "unknown", (0, 0, -1)),
    ("html", False, "unknown", (200, 0, -1)),
    ("204", False, "unknown", (204, 0, -1)),
    ("no-sid", False, "unknown", (201, 0, -1)),
    ("huge", False, "unknown", (0, 0, -1)),
    ("taken:ok-late", True, "created", (201, 0, -1)),
    ("taken:500", True, "unknown", (500, 20500, -1)),
    ("taken:503:1", True, "unknown", (503, 20503, 1)),
    ("taken:502", True, "unknown", (502, 0, -1)),
    ("taken:close", True, "unknown", (0, 0, -1)),
    ("taken:reset", True, "unknown", (0, 0, -1)),
    ("taken:truncated", True, "unknown", (0, 0, -1)),
    ("taken:head", True, "unknown", (200, 0, -1)),
    ("taken:garbage", True, "unknown", (0, 0, -1)),
    ("taken:redirect", True, "unknown", (302, 0, -1)),
    ("taken:html", True, "unknown", (200, 0, -1)),
    ("taken:204", True, "unknown", (204, 0, -1)),
    ("taken:empty", True, "unknown", (200, 0, -1)),
    ("taken:not-json", True, "unknown", (200, 0, -1)),
    ("taken:null-sid", True, "unknown", (201, 0, -1)),
    ("taken:bad-sid", True, "unknown", (201, 0, -1)),
    ("taken:headers", True, "unknown", (0, 0, -1)),
]


def truth(mock, how, taken, outcome, answer):
    mock.set(reset=True, message_script=[how.replace("ok-late", "slow:200")])
    since = time.time()
    result = create(mock)
    equal((result.outcome, result.answer), (outcome, answer),
          f"of {how}: {result.words}")
    made = [m["sid"] for m in mock.messages()]
    equal(len(made), int(taken), f"{how}: created")
    equal(mock.state()["count"], 1, f"{how}: requests")
    if outcome == "created":
        equal(result.sid, made[0], "SID")
    else:
        equal(find(mock, since), (made, False), f"{how}: found")
    mock.check()


def late(mock):
    """No answer in time, taken or not."""
    for how, taken in [("hang", 0), ("taken:hang", 1), ("taken:trickle", 1)]:
        mock.set(reset=True, message_script=[how])
        since = time.time()
        result = create(mock)
        equal((result.outcome, result.answer), ("unknown", (0, 0, -1)), how)
        true(9 < time.time() - since < patience(20), "the deadline")
        equal(mock.state()["messages"], taken, how)
        equal(len(find(mock, since)[0]), taken, how)
    mock.check()


REFUSALS = [
    ({"to": "whatsapp:"}, 21211), ({"to": "+0"}, 21211),
    ({"to": "+14155550100"}, 21910),
    ({"sender": "whatsapp:+14155550111"}, 63007),
    ({"to": "+14155550100", "sender": "+14155550111"}, 21606),
    ({"to": "whatsapp:+14155550123"}, 21610),
    ({"more": ["callback=not a URL"]}, 21609),
    ({"more": ["media=nowhere"]}, 21620),
    ({"more": ["service=MG1"]}, 21705),
]


def refusals(mock):
    """By the same rules as Twilio's; each in plain English."""
    for change, code in REFUSALS:
        mock.set(reset=True, senders=[FROM],
                 opted_out=["whatsapp:+14155550123"])
        result = create(mock, *change.get("more", []), **{
            n: v for n, v in change.items() if n != "more"})
        equal((result.outcome, result.answer[:2]), ("refused", (400, code)),
              str(change))
        true(not result.words.startswith("Twilio answers"), result.words)
        equal(mock.state()["messages"], 0, "created")


def drafts(mock):
    """What cannot be sent is not."""
    mock.reset()
    for more, change in [([], {"body": "x" * 1601}), ([], {"body": ""}),
                         ([], {"to": ""}),
                         ([f"media=https://e.com/{i}" for i in range(11)], {})]:
        result = create(mock, *more, **change)
        equal((result.outcome, result.answer), ("refused", (0, 0, -1)),
              result.words)
    equal(mock.state()["count"], 0, "requests")


def keys(mock):
    mock.reset()
    equal(create(mock, user=API_KEY, secret=API_SECRET).outcome, "created",
          "with an API key")
    for who in [{"secret": TOKEN[:-1]}, {"user": API_KEY}, {"secret": ""}]:
        equal(create(mock, **who).outcome, "denied", str(who))
    equal(mock.state()["messages"], 1, "created")
    closed = CallsMock(10)
    closed.stop()
    result = create(closed)
    equal((result.outcome, result.answer), ("not-taken", (0, 0, -1)),
          "nobody there")


def many(mock):
    """In any order, some at once: none twice, none lost."""
    rng = random.Random(SEED)
    ways = [w for w in WAYS if w[0] not in ("huge",)]
    mock.set(reset=True, message_script=[
        rng.choice(ways)[0].replace("ok-late", "slow:200")
        for _ in range(40 if QUICK else 200)])
    n = len(mock.state()["message_script"])
    since = time.time()
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(
            lambda i: create(mock, body=f"number {i}"), range(n)))
    made = {m["body"]: m["sid"] for m in mock.messages()}
    equal(len(made), mock.state()["messages"], "none twice")
    for i, result in enumerate(results):
        sid = made.get(f"number {i}")
        if result.outcome == "created":
            equal(result.sid, sid, "created")
        elif result.outcome == "unknown":
            if i % 5 == 0:
                equal(find(mock, since, body=f"number {i}")[0],
                      [sid] if sid else [], "found")
        else:
            equal(sid, None, result.outcome)
    equal(mock.state()["count"] - len([
        r for r in mock.state()["requests"] if r["method"] == "GET"]), n,
          "each asked for once")


# ---- finding

def candidates(mock):
    """Two with the same text, another conversation's, and what was before."""
    mock.reset()
    mock.set(skew_ms=-5000)
    early = mock.add_message(To=TO, From=FROM, Body="Hi there")
    mock.set(skew_ms=0)
    since = time.time()
    mock.add_message(To=TO, From=FROM, Body="Hi there!")
    mock.add_message(To="whatsapp:+14155550101", From=FROM, Body="Hi there")
    mock.add_message(To=FROM, From=TO, Body="Hi there")
    equal(find(mock, since), ([], False), "none")
    first = mock.add_message(To=TO, From=FROM, Body="Hi there")
    equal(find(mock, since), ([first["sid"]], False), "one")
    second = mock.add_message(To=TO, From=FROM, Body="Hi there")
    equal(find(mock, since), ([second["sid"], first["sid"]], False), "two")
    equal(find(mock, since - 10)[0][2:], [early["sid"]], "three")
    # Over more than a page, and over more than is looked at.
    for _ in range(250):
        mock.add_message(To=TO, From=FROM, Body="other")
    equal(find(mock, since), ([second["sid"], first["sid"]], False), "pages")
    for _ in range(40):
        mock.add_message(To=TO, From=FROM, Body="Hi there")
    found, more = find(mock, since)
    equal((len(found), more), (32, True), "too many")
    mock.check()


FAULTS = [
    ("401", (DENIED, 401, 20003, -1), 1), ("404", (DENIED, 404, 20404, -1), 1),
    ("429", (BUSY, 429, 20429, -1), 3), ("500", (UNAVAILABLE, 500, 20500, -1), 3),
    ("close", (IO, 0, 0, -1), 3), ("html", (MALFORMED, 200, 0, -1), 1),
    ("loop", (MALFORMED, 200, 0, -1), 1),
    ("next://evil.example/", (MALFORMED, 200, 0, -1), 1),
    ("redirect", (MALFORMED, 302, 0, -1), 1),
]


def fault(mock, how, expected, tries):
    mock.set(reset=True, always=how)
    [line] = run(mock, "find", TO, FROM, "Hi there", "0")
    _, *numbers, text = line.split(" ", 5)
    equal(tuple(map(int, numbers)), expected, f"{how}: {text}")
    equal(mock.state()["count"], tries, f"{how}: requests")
    # Reading may be repeated: what passes is not noticed.
    mock.set(reset=True, script=["503", "close"])
    equal(find(mock, 0), ([], False), "after a while")


def callbacks(mock):
    """What the other suites rely on: signed, and at the message."""
    mock.set(reset=True)
    result = create(mock, f"callback={CALLBACK}")
    made = mock.status(result.sid, "undelivered", 63016, send=False)
    equal(made["url"], CALLBACK, "URL")
    equal(twilio_sign.sign(TOKEN, CALLBACK, made["body"].encode()),
          made["signature"], "signature")
    pairs = dict(twilio_sign.pairs(made["body"].encode()))
    equal((pairs[b"MessageSid"].decode(), pairs[b"MessageStatus"],
           pairs[b"ErrorCode"]), (result.sid, b"undelivered", b"63016"),
          "callback")
    [message] = mock.messages()
    equal((message["status"], message["error_code"]), ("undelivered", 63016),
          "message")
    equal(message["status_callback"], CALLBACK, "kept")


def suite(results):
    started = []

    def start():
        started.append(CallsMock(10))

    results.run("messages-api: starts", start)
    if not started:
        return
    mock = started[0]
    try:
        for case in (same_as_sdk, refusals, drafts, keys, candidates,
                     callbacks, many):
            results.run(f"messages-api: {case.__name__}", case, mock)
        for way in WAYS:
            results.run(f"messages-api: {way[0]!r}", truth, mock, *way)
        for how in FAULTS:
            results.run(f"messages-api: list {how[0]!r}", fault, mock, *how)
        if not QUICK:
            results.run("messages-api: late", late, mock)
    finally:
        mock.stop()
