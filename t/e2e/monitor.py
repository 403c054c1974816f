"""Watching calls, with a Twilio that is t/calls/mock.cjs."""
import calendar
import json
import os
import random
import signal
import threading
import time
import urllib.parse
from email.utils import parsedate

from admin_cases import admin, call_sid, call_status, get
from calls_mock import API_KEY, API_SECRET, TOKEN as SECRET, CallsMock
from cases import check_json_error, check_twiml
from doors import ADMIN, ApacheFcgid, ByHand, NginxFastcgi
from malformed import a_message
from metrics_page import page_of
from outcome import equal, patience, true
from servers import wait_for

STATUSES = ["queued", "ringing", "in-progress", "canceled", "completed",
            "failed", "busy", "no-answer"]
DIRECTIONS = ["inbound", "outbound-api", "outbound-dial",
              "trunking-originating", "trunking-terminating"]
UNKNOWN = "CA" + "f" * 32
LIST = "/batch-monitor-calls"
QUICK = bool(os.environ.get("SWITCHHOOK_TEST_QUICK"))

# Twilio's pages in one request at most, and workers of whom a quarter waits.
PAGES_MAX = 10
THREADS = 8
WAITING = 2
# Processes of mod_fcgid that wait, of 16.
PROCESSES = 4


class Watching(NginxFastcgi):
    """A site that asks the mock."""
    name = "monitor"
    extra = f"threads = {THREADS}"

    def __init__(self, mock, twilio=""):
        self.mock = mock
        self.twilio = twilio
        super().__init__()

    def config(self, **changes):
        return super().config(**changes) + \
            f"\n[twilio]\n{self.mock.settings()}{self.twilio}"


class WatchingFcgid(ApacheFcgid):
    # Apache waits before it starts one after so many, unless told not to.
    directives = "FcgidSpawnScoreUpLimit 100000\n"

    def __init__(self, mock):
        self.mock = mock
        super().__init__()

    def config(self, **changes):
        return super().config(**changes) + f"\n[twilio]\n{self.mock.settings()}"


class WatchingByHand(ByHand):
    def __init__(self, mock):
        self.mock = mock
        super().__init__()

    def config(self, **changes):
        return super().config(**changes) + f"\n[twilio]\n{self.mock.settings()}"


# A list has a range; calls that have not started are in none.
EVER = {"start_date": "2000-01-01", "end_date": "2100-01-01"}


def query(**params):
    """A list's URL, of all times unless it is told or in a token."""
    if not params.get("page_token"):
        params = EVER | params
    return LIST + "?" + urllib.parse.urlencode(
        {k: v for k, v in params.items() if v is not None})


def begun(mock):
    return [c for c in mock.calls() if c["start_time"]]


def fresh(door):
    """A mock that has not been asked anything."""
    door.mock.reset()
    return door.mock


def walk(door, limit=None, between=None, repeat=False, **filters):
    """Every page of a list: [sids]; repeat: with its times each time."""
    pages, token = [], None
    while True:
        if limit is not None and callable(limit):
            filters["limit"] = limit()
        elif limit is not None:
            filters["limit"] = limit
        page = get(door, query(page_token=token, **(
            filters if token is None or repeat else
            {k: v for k, v in filters.items() if not k.endswith("_date")})))
        equal(set(page), {"calls", "count", "next_page_token"}, "members")
        equal(len(page["calls"]), page["count"], "count")
        true(page["count"] <= filters.get("limit", 100), "limit")
        pages.append([c["sid"] for c in page["calls"]])
        token = page["next_page_token"]
        if token is None:
            return pages
        true(not set(token) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq"
                                  "rstuvwxyz0123456789-_"), f"token {token}")
        true(len(pages) < 5000, "it ends")
        if between:
            between()


def flat(pages):
    return [sid for page in pages for sid in page]


# ---- one call


def one_call(door):
    mock = fresh(door)
    calls = mock.calls()[:20]
    before = mock.state()["connections"]
    for call in calls:
        reply = admin(door, f"/monitor-call/{call['sid']}")
        equal(reply.status, 200, f"{reply}")
        equal(reply.header("content-type"), "application/json", "type")
        equal(json.loads(reply.body), call, "as Twilio gives it")
    reply = admin(door, f"/monitor-call/{call['sid']}?source=twilio", "HEAD")
    equal((reply.status, reply.body), (200, b""), "HEAD")
    # Two idle workers may have a client each, and one is the question's own.
    true(mock.state()["connections"] - before <= 3, "connections are kept")
    true(f'"call_sid":"{call["sid"]}"' in door.dir.read("state/log"),
         "the call is in the log line")
    mock.check()


def unknown_call(door):
    mock = fresh(door)
    check_json_error(admin(door, f"/monitor-call/{UNKNOWN}"), 404)
    equal(mock.state()["count"], 1, "asked once")


def bad_sids(door):
    """Nobody is asked."""
    mock = fresh(door)
    for sid in ["CA", "CA123", "SM" + "0" * 32, "CA" + "g" * 32,
                "CA" + "0" * 31, "CA" + "0" * 33, "ca" + "0" * 32,
                "CA" + "0" * 31 + "%30%30", "x" * 80, "CA%2e%2e"]:
        reply = admin(door, f"/monitor-call/{sid}")
        check_json_error(reply, 400)
        true(b"32 hexadecimal" in reply.body, f"says what it should be: {reply}")
    for more in ["?x=1", "?source=other", "?source=", "?source=log&source=log",
                 "?limit=1"]:
        check_json_error(admin(door, f"/monitor-call/{UNKNOWN}{more}"), 400)
    equal(mock.state()["count"], 0, "requests")


FAILURES = [
    # what Twilio does, our answer, Retry-After, and what it must say
    (["401"], 502, None, b"twilio.account_sid"),
    (["403"], 502, None, b"403"),
    (["400"], 502, None, b"400"),
    (["secret"], 502, None, b"400"),
    (["500", "500", "500"], 502, None, b"500"),
    (["503", "502", "500"], 502, None, b"500"),
    (["429:7", "429:7", "429:7"], 503, "7", b"Twilio"),
    (["429", "429", "429"], 503, "2", b"Twilio"),
    (["html"], 502, None, b"Twilio"),
    (["not-json"], 502, None, b"Twilio"),
    (["truncated", "reset", "close"], 502, None, b"Twilio"),
    (["array"], 502, None, b"Twilio"),
    (["empty"], 502, None, b"Twilio"),
    (["huge"], 502, None, b"Twilio"),
    (["deep"], 502, None, b"Twilio"),
    (["redirect"], 502, None, b"302"),
    (["html-404"], 502, None, b"api_url"),
]


def failures(door):
    mock = fresh(door)
    sid = mock.calls()[0]["sid"]
    for route in (f"/monitor-call/{sid}", query()):
        for script, status, retry, text in FAILURES:
            mock.set(script=script)
            reply = admin(door, route)
            check_json_error(reply, status)
            equal(reply.header("retry-after"), retry, f"{script}: {reply}")
            true(text in reply.body, f"{script}: {reply}")
            true(SECRET.encode() not in reply.body, f"secret in {reply}")
            mock.set(script=[])
    for script in (["500"], ["429:0", "503"], ["reset"], ["truncated"]):
        mock.set(script=script)
        equal(admin(door, f"/monitor-call/{sid}").status, 200, f"{script}")
        mock.set(script=[])
    for script in (["no-calls"], ["next:https://evil.example/"], ["loop"],
                   ["calls-strings"], ["too-many"], ["twice"], ["404"]):
        mock.set(script=script)
        reply = admin(door, query())
        check_json_error(reply, 502)
    true(b"twilio.account_sid" in reply.body, f"no such account: {reply}")
    log = door.dir.read("state/log")
    true("Twilio's API failed" in log, "it is in the log")
    true(SECRET not in log and ADMIN not in log, "no secret in the log")


def api_key(mock):
    keyed = f"api_key = {API_KEY}\napi_secret = {API_SECRET}\n"
    with Watching(mock, keyed) as door:
        sid = mock.calls()[0]["sid"]
        equal(get(door, f"/monitor-call/{sid}")["sid"], sid, "call")
        equal(mock.state()["requests"][-1]["user"], API_KEY, "user")
        mock.set(users={})
        reply = admin(door, f"/monitor-call/{sid}")
        check_json_error(reply, 502)
        true(b"api_key" in reply.body, f"which key to check: {reply}")
        mock.reset()


def calls_are_counted(door):
    """What Twilio was asked, by its outcome, tries not counted."""
    mock = fresh(door)
    sid = mock.calls()[0]["sid"]
    before = page_of(door)
    for script, route in [([], f"/monitor-call/{sid}"),
                          (["500"], f"/monitor-call/{sid}"),
                          ([], f"/monitor-call/{UNKNOWN}"),
                          (["401"], query()), (["429:0"] * 3, query())]:
        mock.set(script=script)
        admin(door, route)
    since = page_of(door).since(before)
    equal({k[1][1]: v for k, v in since.items()
           if k[0] == "upstream_calls_total"},
          {"ok": 3, "denied": 1, "throttled": 1}, "calls of Twilio's API")


# ---- lists


def text_passes_through(door):
    """The very bytes of Twilio's page, in its order."""
    mock = fresh(door)
    reply = admin(door, query(limit=1000))
    page = json.loads(reply.body)
    calls = begun(mock)
    equal(page["calls"], calls[:1000], "calls")
    status, twilio = mock.page(
        PageSize=1000, **{"StartTime>": "2000-01-01T00:00:00Z"})
    equal((status, twilio["calls"]), (200, page["calls"]), "Twilio's page")
    for call in calls[:5]:
        text = json.dumps(call, ensure_ascii=False, separators=(",", ":"))
        true(text.encode() in reply.body, "text as it was")
    mock.check()


def one_request_a_page(door):
    mock = fresh(door)
    total = len(begun(mock))
    pages = walk(door, limit=700)
    equal(flat(pages), [c["sid"] for c in begun(mock)], "all calls")
    equal(mock.state()["count"], -(-total // 700), "requests")
    equal(len(flat([pages[0]])), 700, "full pages")
    mock.check()


def started(call):
    if call["start_time"] is None:
        return None
    return calendar.timegm(parsedate(call["start_time"]))


def written(rng, at):
    """A moment, in one of the ways to write it."""
    zone = rng.choice([0, 7200, -19800, 3600])
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at + zone))
    text += rng.choice(["", ".000", ",0"])
    if zone == 0:
        return text + rng.choice(["Z", "+00:00", "-00:00", "z"])
    sign = "-" if zone < 0 else "+"
    hours, minutes = divmod(abs(zone) // 60, 60)
    return text + f"{sign}{hours:02d}" + rng.choice([":", ""]) + f"{minutes:02d}"


# Parameters that choose calls by a member, which has the same name.
MEMBERS = ["status", "direction", "from", "to", "parent_call_sid"]


def random_filters(rng, times, calls):
    """(parameters, what they mean for (start, call))."""
    params, low, high = dict(EVER), None, None
    if rng.random() < 0.5:
        params["status"] = rng.choice(STATUSES)
    if rng.random() < 0.6:
        params["direction"] = rng.choice(DIRECTIONS)
    for name in ("from", "to", "parent_call_sid"):
        if rng.random() < 0.15:
            params[name] = rng.choice(calls)[name] or UNKNOWN
    a, b = sorted(rng.sample(times, 2))
    if rng.random() < 0.4:
        if rng.random() < 0.3:
            low = a - a % 86400
            params["start_date"] = time.strftime("%Y-%m-%d", time.gmtime(a))
        else:
            low = a
            params["start_date"] = written(rng, a)
    if rng.random() < 0.4:
        if rng.random() < 0.3:
            high = b - b % 86400 + 86399
            params["end_date"] = time.strftime("%Y-%m-%d", time.gmtime(b))
        else:
            high = b
            params["end_date"] = written(rng, b)

    def wanted(start, call):
        if any(params.get(n, call[n]) != call[n] for n in MEMBERS):
            return False
        # Twilio's filter has no place for a call that has not started.
        return start is not None and (low is None or start >= low) and \
            (high is None or start <= high)
    return params, wanted


def check_walk(pages, expected, limit, what):
    equal(flat(pages), expected, f"calls of {what}")
    # A page is full unless it is the last, or our bound was met.
    if callable(limit):
        return
    for page in pages[:-1]:
        true(len(page) in (0, limit), f"{len(page)} of {limit}: {what}")


def properties_twilio(door):
    mock = fresh(door)
    rng = random.Random(4711)
    calls = mock.calls()
    times = sorted({started(c) for c in calls} - {None})
    for _ in range(15 if QUICK else 30):
        params, wanted = random_filters(rng, times, calls)
        limit = rng.choice([1000, 1000, 300, 97, 40, 13])
        if rng.random() < 0.2:
            sizes = random.Random(rng.random())

            def limit(sizes=sizes):
                return sizes.randrange(20, 400)
        expected = [c["sid"] for c in calls if wanted(started(c), c)]
        check_walk(walk(door, limit=limit, repeat=rng.random() < 0.5,
                        **params), expected, limit,
                   (params, limit))
    mock.check()


def words_that_are_new(door):
    """Any status and direction: Twilio adds to them."""
    mock = fresh(door)
    for word in ["some-new-status", "a b&PageSize=1", 'x"\r\n', "é" * 300]:
        equal(flat(walk(door, status=word)), [], "calls")
        asked = urllib.parse.urlsplit(mock.state()["requests"][-1]["url"])
        equal(urllib.parse.parse_qs(asked.query)["Status"], [word], "asked")
    equal(flat(walk(door, direction="some-new-direction", limit=1000,
                    status="busy")), [], "calls")
    mock.check()


def list_grows(door):
    """Calls that come while it is read take no place from the others."""
    mock = fresh(door)
    old = [c["sid"] for c in begun(mock) if c["direction"] == "inbound"]
    for limit, more in [(7, 3), (30, 150), (250, 1200)]:
        left = [6]

        def grow():
            if left[0] > 0:
                left[0] -= 1
                mock.set(add=more)

        seen = flat(walk(door, limit=limit, direction="inbound", between=grow))
        equal(len(seen), len(set(seen)), "none twice")
        equal(seen, old, f"each once, with {more} new ones between pages")
        mock.reset()


def list_shrinks(door):
    """Calls that leave it, just where a page ended, take no others with them:
    found again by the next one, or else by the time."""
    mock = fresh(door)
    calls = begun(mock)
    inbound = [i for i, c in enumerate(calls) if c["direction"] == "inbound"]
    for both in (False, True):
        gone, token, seen = [], None, []
        while token is not None or not seen:
            page = get(door, query(limit=40, direction="inbound",
                                   page_token=token))
            seen += [c["sid"] for c in page["calls"]]
            token = page["next_page_token"]
            left = [i for i in inbound if calls[i]["sid"] not in gone]
            after = [i for i in left if calls[i]["sid"] not in seen]
            if after:
                # The call before the next one, and perhaps that one too.
                gone += [calls[i]["sid"] for i in
                         range(after[0] - 1, after[0] + both)]
                mock.set(gone=gone)
        expected = [calls[i]["sid"] for i in inbound
                    if calls[i]["sid"] not in gone or calls[i]["sid"] in seen]
        equal(sorted(set(seen)), sorted(expected), "none missing")
        # By the time alone, calls of one second cannot be told apart.
        again = [s for i, s in enumerate(seen) if s in seen[:i]]
        made = {c["sid"]: c["date_created"] for c in calls}
        lost = {made[s] for s in gone}
        true(both or not again, f"twice: {again}")
        true(all(made[s] in lost for s in again), f"twice: {again}")
        mock.reset()


def bound(door):
    """Twilio's pages without a call that fits: a reply comes all the same."""
    mock = fresh(door)
    own = f"/2010-04-01/Accounts/{mock.state()['account']}/Calls.json?Page="
    mock.set(script=[f"next:{own}{i}&PageSize=100" for i in range(100, 112)] +
             [f"next:{own}0&PageSize=100"])
    page = get(door, query(limit=25, direction="inbound"))
    equal((page["calls"], page["count"]), ([], 0), "nothing yet")
    equal(mock.state()["count"], PAGES_MAX, "requests")
    page = get(door, query(limit=25, direction="inbound",
                           page_token=page["next_page_token"]))
    old = [c["sid"] for c in mock.calls() if c["direction"] == "inbound"]
    equal([c["sid"] for c in page["calls"]], old[:25], "it goes on there")


def fails_later(door):
    """What was found is given, and the failure is the next request's."""
    mock = fresh(door)
    inbound = [c["sid"] for c in begun(mock) if c["direction"] == "inbound"]
    mock.set(script=["ok", "403", "403"])
    page = get(door, query(limit=1000, direction="inbound"))
    true(0 < page["count"] < 1000, f"{page['count']} calls")
    again = query(limit=1000, direction="inbound",
                  page_token=page["next_page_token"])
    check_json_error(admin(door, again), 502)
    rest = get(door, again)
    both = [c["sid"] for c in page["calls"] + rest["calls"]]
    equal(both, inbound[:len(both)], "none twice, none missing")


def tokens(door):
    mock = fresh(door)
    filters = {"limit": 20, "direction": "inbound", "status": "completed"}
    token = get(door, query(**filters))["next_page_token"]
    asked = mock.state()["count"]
    damaged = [token[:-1], token + "A", token[1:], "A" + token, token[::-1],
               token.swapcase(), "A", "=", "a b", "A" * 200, "A" * 9000,
               token.replace(token[80], "_" if token[80] != "_" else "-"),
               token + "=", token[:10] + "." + token[11:]]
    for other in damaged:
        check_json_error(admin(door, query(page_token=other, **filters)), 400)
    for change in [{"direction": None}, {"direction": "outbound-api"},
                   {"from": "+14155550100"}, {"to": "+14155550100"},
                   {"parent_call_sid": UNKNOWN},
                   {"status": None}, {"status": "busy"}, {"source": "log"},
                   {"start_date": "2020-01-01"}, {"end_date": "2027-01-01"}]:
        check_json_error(admin(door, query(
            page_token=token, **(filters | change))), 400)
    equal(mock.state()["count"], asked, "nobody was asked")
    page = get(door, query(page_token=token, **(filters | {"limit": 3})))
    equal(page["count"], 3, "another limit is none of the filters")
    same = get(door, query(page_token=token, **(filters | EVER)))
    equal(same["calls"][:3], page["calls"], "nor are the same times")
    log_token = get(door, query(source="log", limit=1))["next_page_token"]
    if log_token is not None:
        check_json_error(admin(door, query(page_token=log_token)), 400)


def missing_times(door):
    """A list without an end would be all that there ever was."""
    mock = fresh(door)
    for source in ("", "&source=log", "&source=twilio", "&limit=1"):
        for given, missing in [("", "start_date, end_date"),
                               ("start_date=2026-11-21", "end_date"),
                               ("end_date=2026-11-21", "start_date")]:
            reply = admin(door, f"{LIST}?{given}{source}".replace("?&", "?"))
            check_json_error(reply, 400)
            text = json.loads(reply.body)["error"]
            true(text.startswith(f"{missing}: required"), text)
    equal(mock.state()["count"], 0, "nobody was asked")


def who(door):
    """By who was in a call; Twilio filters, and we filter again."""
    mock = fresh(door)
    calls = begun(mock)
    leg = next(c for c in calls if c["parent_call_sid"])
    for names in [["from"], ["to"], ["parent_call_sid"], ["from", "to"],
                  ["from", "status"], ["to", "parent_call_sid"]]:
        expected = [c["sid"] for c in calls
                    if all(c[n] == leg[n] for n in names)]
        wanted = {n: leg[n] for n in names}
        equal(flat(walk(door, limit=1000, **wanted)), expected, f"{wanted}")
        asked = mock.state()["requests"][-1]["url"]
        for name, sent in [("from", "From"), ("to", "To"),
                           ("parent_call_sid", "ParentCallSid")]:
            equal(f"&{sent}=" in asked, name in names, f"{sent} in {asked}")
    page = get(door, f"{query(limit=1000)}&from={leg['from']}")
    equal([c["sid"] for c in page["calls"]],
          [c["sid"] for c in calls if c["from"] == leg["from"]],
          "a + that nobody encoded")
    # A Twilio that does not know these filters.
    mock.set(blind=True)
    equal(flat(walk(door, limit=1000, **{"from": leg["from"]})),
          [c["sid"] for c in calls if c["from"] == leg["from"]], "again")
    mock.check()


def plus_signs(door):
    """A "+" that nobody encoded."""
    mock = fresh(door)
    calls = mock.calls()
    at = started(calls[50]) or started(calls[51])
    there = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at + 7200))
    expected = [c["sid"] for c in calls
                if started(c) is not None and started(c) >= at]
    for zone in ("+02:00", "%2B02:00", "%2b0200", "+02"):
        page = get(door, f"{LIST}?limit=1000&end_date=2100-01-01"
                   f"&start_date={there}{zone}")
        equal([c["sid"] for c in page["calls"]], expected[:1000], zone)
    mock.check()


# ---- the log


def in_log(door):
    """Calls with status callbacks, in all kinds of orders: {sid: its members},
    oldest first."""
    rng = random.Random(42)
    known = {}
    for _ in range(120):
        sid, direction = call_sid(), rng.choice(DIRECTIONS)
        life = ["ringing", "in-progress", "completed"][:rng.randrange(1, 4)]
        if rng.random() < 0.4:
            life = [rng.choice(["busy", "failed", "no-answer", "canceled"])]
        more = {"From": f"+1415555010{rng.randrange(3)}",
                "To": f"sip:{rng.randrange(4)}@b.example"}
        if known and rng.random() < 0.3:
            more["ParentCallSid"] = rng.choice(list(known)[-4:])
        for number, status in enumerate(life):
            call_status(door, sid, status, SequenceNumber=str(number),
                        Direction=direction, **more)
        known[sid] = {"status": life[-1], "direction": direction,
                      "from": more["From"], "to": more["To"],
                      "parent_call_sid": more.get("ParentCallSid")}
    return known


def moment_us(text):
    """Of "2026-11-21T18:50:00.123456Z"."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) * \
        1000000 + int(fraction)


def properties_log(door):
    mock = fresh(door)
    known = in_log(door)
    newest = list(known)[::-1]
    texts = {sid: min(e["at"] for e in get(
        door, f"/monitor-call/{sid}?source=log")["events"]) for sid in newest}
    starts = {sid: moment_us(text) for sid, text in texts.items()}
    rng = random.Random(11)
    for _ in range(60):
        params = {}
        if rng.random() < 0.5:
            params["status"] = rng.choice(STATUSES)
        if rng.random() < 0.5:
            params["direction"] = rng.choice(DIRECTIONS)
        for name in ("from", "to", "parent_call_sid"):
            if rng.random() < 0.2:
                params[name] = known[rng.choice(newest)][name] or UNKNOWN
        late, early = sorted(rng.sample(range(len(newest)), 2))
        first, last = newest[early], newest[late]
        if rng.random() < 0.5:
            params["start_date"] = texts[first]
        if rng.random() < 0.5:
            params["end_date"] = texts[last]
        limit = rng.choice([1000, 50, 17, 7])
        expected = [
            sid for sid in newest
            if all(params.get(n, known[sid][n]) == known[sid][n]
                   for n in MEMBERS) and
            ("start_date" not in params or starts[sid] >= starts[first]) and
            ("end_date" not in params or starts[sid] <= starts[last])]
        pages = walk(door, limit=limit, source="log", **params)
        equal([s for s in flat(pages) if s in known], expected,
              f"calls of {params}, {limit}")
        for page in pages[:-1]:
            equal(len(page), limit, f"a full page: {params}")
    equal(mock.state()["count"], 0, "Twilio was not asked")


# ---- load


def ask_later(door, route):
    out = []
    t = threading.Thread(target=lambda: out.append(admin(door, route)))
    t.start()
    return t, out


def watching_starves_nobody(door):
    """A Twilio that hangs: as many wait as may, the rest are told so at once,
    and webhooks are answered as ever."""
    mock = fresh(door)
    sid = mock.calls()[0]["sid"]
    mock.set(always="hang")
    began = time.monotonic()
    waiting = [ask_later(door, f"/monitor-call/{sid}") for _ in range(WAITING)]
    wait_for(lambda: mock.state()["count"] == WAITING, "both hang")
    for _ in range(3):
        for route in (f"/monitor-call/{sid}", query()):
            reply = admin(door, route)
            check_json_error(reply, 503)
            true(int(reply.header("retry-after")) >= 1, f"{reply}")
    # The log is no question to Twilio.
    get(door, query(source="log"))
    reloads = door.dir.read("state/log").count('"reloaded"')
    door.responder.kill(signal.SIGHUP)
    wait_for(lambda: door.dir.read("state/log").count('"reloaded"') > reloads,
             "reloaded")
    check_json_error(admin(door, query()), 503)
    errors = []

    def webhooks():
        try:
            for _ in range(20):
                check_twiml(door.post("/whatsapp", a_message()))
        except Exception as e:  # pylint: disable=broad-except
            errors.append(e)

    senders = [threading.Thread(target=webhooks) for _ in range(6)]
    for t in senders:
        t.start()
    for t in senders:
        t.join()
    equal(errors, [], "webhooks")
    equal(mock.state()["count"], WAITING, "nobody else asked Twilio")
    # Else nothing was shown: they must still have been waiting.
    true(time.monotonic() - began < patience(9), "it was quick")
    for t, out in waiting:
        t.join(patience(20))
        check_json_error(out[0], 504)
    mock.reset()
    equal(get(door, f"/monitor-call/{sid}")["sid"], sid, "afterwards")


def starves_nobody_fcgid():
    """mod_fcgid has a process for each request: each may wait, and others are
    there for Twilio."""
    with CallsMock(10) as mock, WatchingFcgid(mock) as door:
        mock.set(always="hang")
        waiting = [ask_later(door, f"/monitor-call/{UNKNOWN}")
                   for _ in range(PROCESSES)]
        wait_for(lambda: mock.state()["count"] == PROCESSES, "all hang",
                 patience(30))
        for _ in range(3):
            check_twiml(door.post("/whatsapp", a_message()))
        get(door, query(source="log"))
        equal(mock.state()["count"], PROCESSES, "nobody else asked Twilio")
        mock.stop()
        for t, out in waiting:
            t.join(patience(20))
            check_json_error(out[0], 502)
        reply = admin(door, f"/monitor-call/{UNKNOWN}")
        check_json_error(reply, 502)


def by_hand(mock):
    """Plain CGI: each request may ask."""
    with WatchingByHand(mock) as door:
        mock.reset()
        calls = begun(mock)
        equal(get(door, f"/monitor-call/{calls[0]['sid']}"), calls[0], "call")
        equal(get(door, query(**{"to": calls[0]["to"]}))["calls"][0],
              calls[0], "whom it went to")
        equal(get(door, query(limit=1000))["calls"], calls[:1000], "all")
        page = get(door, query(limit=2))
        equal(page["calls"], calls[:2], "list")
        again = query(limit=2, page_token=page["next_page_token"])
        equal(get(door, again)["calls"], calls[2:4], "next page")
        # Signatures may be off, and then there need be no token.
        door.dir.write("switchhook.conf", door.config(
            token="", previous="", server="signature = off"))
        for route in (query(), f"/monitor-call/{calls[0]['sid']}"):
            reply = admin(door, route)
            check_json_error(reply, 503)
            true(b"twilio.auth_token" in reply.body and
                 b"twilio.api_key" in reply.body, f"which keys: {reply}")


TESTS = [one_call, unknown_call, bad_sids, failures, calls_are_counted,
         text_passes_through, words_that_are_new, one_request_a_page,
         properties_twilio, list_grows, list_shrinks, bound, fails_later,
         tokens, missing_times, who, plus_signs,
         properties_log, watching_starves_nobody]


def suite(results):
    opened = []
    results.run("monitor: the mock starts",
                lambda: opened.append(CallsMock(2300)))
    if not opened:
        return
    with opened[0] as mock:
        with Watching(mock) as door:
            for test in TESTS:
                results.run(f"monitor: {test.__name__}", test, door)
            # Nothing is left behind, which a sanitizer would tell.
            results.run("monitor: stops", lambda: equal(
                door.stop(), [0, 0], "exit statuses"))
        results.run("monitor: api_key", api_key, mock)
        results.run("monitor: by_hand", by_hand, mock)
    results.run("monitor: starves_nobody_fcgid", starves_nobody_fcgid)
