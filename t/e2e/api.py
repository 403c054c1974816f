"""The API, behind two doors: who gets in, what it takes, and what it tells of
queues, refusals and the day."""
import contextlib
import json
import re
import time
import urllib.parse

import fastcgi
from admin_cases import bearer, call_sid, call_status, check_unauthorized
from cases import (check_json_error, check_twiml, conversation, message, sid,
                   tel)
from cloud import Cloud, Site
from doors import ADMIN, TOKEN, VOICE, ByHand, NginxFastcgi
from outcome import equal, true
from people import logged
from servers import Directory, wait_for
from twilio_sign import form, sign

CASES = []
MARIA = "maria-of-the-desk-0815"
JOE = "joe-who-is-new-4712"
AGENTS = f"\n[agents]\nmaria = {MARIA}\njoe = file:{{}}\n"
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
JSON = ("Content-Type", "application/json")


def case(fn):
    CASES.append(fn)
    return fn


def site(kind):
    """That door, with agents."""
    class Agents(kind):
        def config(self, **changes):
            return super().config(**changes) + AGENTS.format(
                self.dir.write("joe", JOE + "\n"))
    return Agents()


def get(door, route, status=200, token=ADMIN):
    reply = door.ask("GET", route, bearer(token))
    equal(reply.status, status, f"{route}: {reply}")
    equal(reply.header("cache-control"), "no-store", "Cache-Control")
    return json.loads(reply.body)


def post(door, route, members=None, status=200, token=ADMIN, headers=(JSON,),
         body=None):
    if body is None:
        body = json.dumps({} if members is None else members).encode()
    reply = door.ask("POST", route, bearer(token) + list(headers), body)
    equal(reply.status, status, f"{route} {body}: {reply}")
    equal(reply.header("cache-control"), "no-store", "Cache-Control")
    return json.loads(reply.body)


def error(door, route, status, words, **more):
    """GET, or with members or a body POST, is answered with this error."""
    ask = post if {"members", "body", "headers"} & set(more) else get
    answer = ask(door, route, status=status, **more)
    equal(set(answer), {"error", "request_id"}, "members")
    true(words in answer["error"], f"{words} in {answer}")


def incoming(door, text="Hi", sender=None, **more):
    """A message of somebody new, or of this sender; the sender."""
    sender = sender or tel()
    check_twiml(door.post("/whatsapp", form(message(
        sender, sid(), **({"Body": text} | more)))))
    return sender


def pages(door, route, name, limit):
    """All items of a list, by its tokens."""
    found, token = [], None
    joint = "?" if "?" not in route else "" if route[-1] in "?&" else "&"
    while True:
        answer = get(door, f"{route}{joint}limit={limit}"
                     + (f"&page_token={token}" if token else ""))
        true(len(answer[name]) <= limit, f"{limit} on a page")
        found += answer[name]
        token = answer["next_page_token"]
        if token is None:
            return found


def items_of(door, queue, sender, **filters):
    """What is on a queue of this sender."""
    query = urllib.parse.urlencode(filters)
    return [i for i in pages(door, f"/api/queues/{queue}?{query}", "items", 200)
            if i["from"] == f"whatsapp:{sender}"]


# ---- who may


@case
def api_guards(door):
    """An agent who opens a view of the administrator is told so, and not that
    the token is wrong; whoever has none learns nothing."""
    for route in ("/api/summary", "/api/refused", "/api/queues/ai",
                  "/metrics", "/batch-monitor-calls"):
        check_unauthorized(door.ask("GET", route))
        check_unauthorized(door.ask("GET", route, bearer(MARIA + "x")))
        for token in (MARIA, JOE):
            for headers in (bearer(token), [("X-Api-Key", token)]):
                reply = door.ask("GET", route, headers)
                check_json_error(reply, 403, "admin token needed")
                equal(reply.header("www-authenticate"), None, "not asked again")
    check_unauthorized(door.ask("POST", "/api/queues/ai/redrive", [JSON], b"{}"))
    shown = json.dumps(logged(door))
    true(MARIA not in shown and JOE not in shown, "no token is logged")
    get(door, "/api/queues/ai")
    true(logged(door)[-1].get("agent") == "admin", "who asked is in the log")


@case
def api_methods(door):
    for method, route, allow in [
            ("POST", "/api/queues/ai", "GET, HEAD"),
            ("PUT", "/api/summary", "GET, HEAD"),
            ("GET", "/api/queues/ai/redrive", "POST"),
            ("DELETE", "/api/refused", "GET, HEAD")]:
        reply = door.ask(method, route, bearer())
        check_json_error(reply, 405)
        equal(reply.header("allow"), allow, f"Allow of {method} {route}")
    for route in ("/api/summary", "/api/refused", "/api/queues/ai/"):
        reply = door.ask("HEAD", route, bearer())
        equal((reply.status, reply.body), (200, b""), f"HEAD {route}")
    for route in ("/api", "/api/", "/api/queues", "/api/queues/",
                  "/api/queues/a/b", "/api/queues/ai/redrive/x"):
        check_json_error(door.ask("GET", route, bearer()), 404)


@case
def api_not_twice(door):
    """A page that asks every few seconds gets no second copy."""
    first = door.ask("GET", "/api/queues/digits", bearer())
    tag = first.header("etag")
    for given in (tag, "W/" + tag, f'"x", {tag}', "*"):
        reply = door.ask("GET", "/api/queues/digits",
                         bearer() + [("If-None-Match", given)])
        equal((reply.status, reply.body), (304, b""), given)
        equal(reply.header("etag"), tag, "ETag")
        equal(reply.header("cache-control"), "no-store", "Cache-Control")
    reply = door.ask("GET", "/api/queues/digits",
                     bearer() + [("If-None-Match", '"x"')])
    equal((reply.status, reply.body), (200, first.body), "another tag")


# ---- what it takes


@case
def api_unknown(door):
    """What is misspelt would be no filter, or do more than was asked for."""
    for route in ("/api/summary?hours=3", "/api/refused?since=1",
                  "/api/queues/ai?dead=1"):
        name = route.partition("?")[2].partition("=")[0]
        error(door, route, 400, f"{name}: no such parameter here")
    error(door, "/api/queues/ai?limit=0", 400, "limit: is not a number from 1")
    error(door, "/api/queues/ai?limit=201", 400, "limit: is not a number")
    error(door, "/api/queues/ai?limit=", 400, "limit: has no value")
    error(door, "/api/queues/ai?limit=1&limit=1", 400, "limit occurs twice")
    error(door, "/api/queues/ai?state=x", 400, "state: is not ready, delayed")
    error(door, "/api/queues/ai?page_token=x", 400, "page_token: not one of")
    redrive = "/api/queues/ai/redrive"
    error(door, redrive, 400, "ids: no such member here", members={"ids": "1"})
    error(door, redrive, 400, "id: is not a text", members={"id": 1})
    error(door, redrive, 400, "id: is there twice", body=b'{"id":"1","id":"2"}')
    error(door, redrive + "?id=1", 400, "id: no such parameter", members={})
    for body in (b"[]", b"{", b'"x"', b"1", b"{}x", b'{"id":"\xff"}'):
        error(door, redrive, 400, "The body is not a JSON object", body=body)


@case
def api_no_form_of_another_site(door):
    """What a page of another site can make a browser send is not taken."""
    redrive = "/api/queues/digits/redrive"
    for kind in ("application/x-www-form-urlencoded", "text/plain",
                 "multipart/form-data; boundary=x"):
        error(door, redrive, 415, "Unsupported media type", body=b"{}",
              headers=[("Content-Type", kind)])
    equal(post(door, redrive, {}, headers=[
        ("Content-Type", "application/json; charset=utf-8")]),
        {"queue": "digits", "redriven": 0}, "with a charset")


# ---- queues


@case
def api_queue(door):
    """Who looks sees what waits, what is taken and what is dead, and why."""
    text = 'Hi <b>"you"</b> \u202e\U0001f600'
    sender = incoming(door, text)
    item, = items_of(door, "unrouted", sender)
    true(TIME.match(item["at"]) and TIME.match(item["available_at"]), f"{item}")
    equal({k: v for k, v in item.items() if k not in ("id", "at",
                                                      "available_at")},
          {"queue": "unrouted", "conversation_id": None,
           "from": f"whatsapp:{sender}", "text": text, "attempts": 0,
           "state": "ready", "reason": None}, "item")
    other = incoming(door)
    name = conversation()
    door.switchhook("conversation", "add", "--tel", other, "--id", name)
    item, = items_of(door, "ai", other)
    equal((item["state"], item["conversation_id"]), ("delayed", name), "ai")
    queue = get(door, "/api/queues/unrouted")["queue"]
    equal({k: queue[k] for k in ("name", "role", "url", "dead")},
          {"name": "unrouted", "role": "unrouted", "url": "sqlite:unrouted",
           "dead": 0}, "queue")
    true(queue["ready"] > 0 and TIME.match(queue["oldest_at"]), f"{queue}")
    for wanted in ("taken", "dead"):
        true(item["id"] not in [i["id"] for i in items_of(
            door, "ai", other, state=wanted)], wanted)
    true(items_of(door, "ai", other, state="delayed"), "delayed")
    error(door, "/api/queues/nobody", 404, "No such queue")
    error(door, "/api/queues/a%20b%C3%A4", 404, "No such queue")
    error(door, "/api/queues/nobody/redrive", 404, "No such queue", members={})


@case
def api_redrive(door):
    """Dead letters are due again: one, or all."""
    queue = "/api/queues/unrouted"
    for _ in range(3):
        incoming(door, "for nobody")
    row = json.loads(door.switchhook("queue", "receive", "unrouted", "--json"))
    true(row["id"] in [i["id"] for i in pages(
        door, queue + "?state=taken", "items", 50)], "taken")
    door.run_switchhook("queue", "run", "unrouted", "--tries", "1", "--drain",
                        "--", "false")

    def dead():
        return pages(door, queue + "?state=dead", "items", 2)

    items = dead()
    true(len(items) > 1, f"{items}")
    true(all(i["state"] == "dead" and i["reason"] for i in items), f"{items}")
    everything = pages(door, queue, "items", 3)
    equal([i["id"] for i in everything if i["state"] == "dead"],
          [i["id"] for i in items], "dead ones come last")
    answer = post(door, queue + "/redrive", {"id": items[0]["id"]})
    equal(answer, {"queue": "unrouted", "redriven": 1}, "one")
    equal([i["id"] for i in dead()], [i["id"] for i in items[1:]], "the others")
    error(door, queue + "/redrive", 404, "No dead letter",
          members={"id": items[0]["id"]})
    error(door, queue + "/redrive", 404, "No dead letter",
          members={"id": "x"})
    answer = post(door, queue + "/redrive", body=b"", headers=())
    equal(answer["redriven"], len(items) - 1, "all")
    equal(dead(), [], "none is left")


@case
def api_pages(door):
    """Each item once, whatever the size of a page."""
    senders = {incoming(door, f"page {i}") for i in range(7)}
    whole = [i["id"] for i in pages(door, "/api/queues/unrouted", "items", 200)]
    true(len(whole) >= 7 and len(set(whole)) == len(whole), "each once")
    for limit in (1, 3):
        equal([i["id"] for i in pages(
            door, "/api/queues/unrouted", "items", limit)], whole, f"{limit}")
    true(senders <= {(i["from"] or "")[9:] for i in pages(
        door, "/api/queues/unrouted?state=ready", "items", 5)}, "ready")
    token = get(door, "/api/queues/unrouted?limit=1")["next_page_token"]
    for route in ("unrouted?state=ready&", "digits?"):
        error(door, f"/api/queues/{route}page_token={token}", 400,
              "page_token: not one of these filters")


# ---- refusals


@case
def api_refused(door):
    """Why Twilio's requests were refused, in words."""
    time.sleep(1.05)
    body = form(message(tel(), sid()))
    url = door.url("/whatsapp")
    reply = door.ask("POST", "/whatsapp", [
        ("X-Twilio-Signature", sign(TOKEN, url + "/", body)),
        ("Content-Type", "application/x-www-form-urlencoded")], body)
    equal(reply.status, 401, "refused")
    found = []

    def look():
        found.extend(r for r in get(door, "/api/refused")["refused"]
                     if r["request_id"] == reply.header("x-request-id"))
        return found

    wait_for(look, "it is kept")
    row = found[0]
    true(TIME.match(row["at"]), f"{row}")
    equal((row["method"], row["route"], row["url"], row["verdict"],
           row["passed"]), ("POST", "/whatsapp", url, "wrong", False), "row")
    true(row["cause"] and row["explanation"], f"{row}")
    equal([r["id"] for r in pages(door, "/api/refused", "refused", 1)],
          [r["id"] for r in get(door, "/api/refused")["refused"]], "pages")


# ---- the day


def day(door, kind):
    """What was counted of a kind in the last 24 hours."""
    total = {}
    for hour in get(door, "/api/summary")["hours"]:
        for label, n in hour[kind].items():
            total[label] = total.get(label, 0) + n
    return total


def more(door, kind, fn):
    """By how much the counts of a kind have grown by what this does."""
    before = day(door, kind)
    fn()
    return {k: n - before.get(k, 0) for k, n in day(door, kind).items()
            if n != before.get(k, 0)}


@case
def api_summary(door):
    """One look in the morning: what came in, what was refused, what waits."""
    summary = get(door, "/api/summary")
    equal(summary["version"], json.loads(door.ask("GET", "/health").body)[
        "version"], "version")
    equal(len(summary["hours"]), 24, "hours")
    hours = [h["at"] for h in summary["hours"]]
    true(all(TIME.match(h) and h.endswith(":00:00.000000Z") for h in hours)
         and hours == sorted(set(hours)), f"{hours}")
    equal(summary["not_ready"], [], "all is well")
    equal(summary["spool"], {"waiting": 0, "oldest_at": None}, "spool")
    known = conversation()
    sender = tel()
    door.switchhook("conversation", "add", "--tel", sender, "--id", known)
    equal(more(door, "messages", lambda: [
        incoming(door), incoming(door), incoming(door, sender=sender)]),
        {"unrouted": 2, "ai": 1}, "messages")
    last = get(door, "/api/summary")["last_webhook_at"]
    true(TIME.match(last) and last > summary["hours"][-1]["at"], last)
    sid_of_call = call_sid()
    equal(more(door, "calls", lambda: [
        call_status(door, sid_of_call, "ringing", SequenceNumber="0"),
        call_status(door, sid_of_call, "completed", SequenceNumber="1"),
        call_status(door, sid_of_call, "completed", SequenceNumber="1")]),
        {"ringing": 1, "completed": 1}, "calls")
    equal(more(door, "refusals", lambda: [
        door.ask("POST", "/whatsapp", [], b"a=b"),
        door.ask("POST", "/whatsapp", [], b"a=b"),
        door.ask("POST", "/whatsapp", [
            ("X-Twilio-Signature", sign("x", "y", b"")),
            ("Content-Type", "application/x-www-form-urlencoded")], b"a=b")]),
        {"missing": 2, "wrong": 1}, "refusals")
    queues = {q["name"]: q for q in get(door, "/api/summary")["queues"]}
    true({"ai", "human", "unrouted", "digits", "undeliverable"} <= set(queues),
         f"{queues}")
    for q in queues.values():
        equal(q["depth"], q["ready"] + q["delayed"] + q["taken"], f"{q}")
    equal(queues["ai"], get(door, "/api/queues/ai")["queue"], "the same of one")
    true(queues["ai"]["delayed"] >= 1 and queues["unrouted"]["ready"] >= 2
         and queues["human"]["oldest_at"] is None, f"{queues}")


def not_ready(kind):
    """Whatever /ready complains about is there in words."""
    class Spoiled(kind):
        def start(self):
            self.dir.write("templates/gather.twiml.xml", "<Response>")
            super().start()
    with site(Spoiled) as door:
        equal(door.ask("GET", "/ready").status, 503, "not ready")
        found, = get(door, "/api/summary")["not_ready"]
        equal(found["check"], "templates", "what")
        true("gather" in found["reason"], f"why: {found}")


def elsewhere(kind):
    """A role whose queue is at SQS is listed by its role."""
    class Remote(kind):
        def config(self, **changes):
            return super().config(**changes) + (
                "[whatsapp]\nai_queue = https://sqs.us-east-1.amazonaws.com/"
                "000000000000/bot\n[aws]\nregion = us-east-1\n")

        def ask(self, *args, **more):
            return super().ask(*args, **more)
    with site(Remote) as door:
        answer = get(door, "/api/queues/ai")
        equal(answer["items"], [], "nothing is shown")
        equal(answer["queue"], {
            "name": "ai", "role": "ai", "depth": None, "ready": None, "delayed": None,
            "taken": None, "dead": None, "oldest_at": None,
            "url": "https://sqs.us-east-1.amazonaws.com/000000000000/bot"},
            "SQS cannot be asked")
        conflict = post(door, "/api/queues/ai/redrive", {}, status=409)
        equal((conflict["error"], set(conflict)),
              ("state", {"error", "message", "request_id"}), "redrive")
        names = [q["name"] for q in get(door, "/api/summary")["queues"]]
        equal(sorted(names), sorted(["human", "unrouted", "digits",
                                     "undeliverable", "ai"]), "names")
        error(door, "/api/queues/bot", 404, "No such queue")


def ask_site(site_at_aws, path):
    reply = fastcgi.ask(site_at_aws.socket, fastcgi.request([
        ("REQUEST_METHOD", "GET"), ("PATH_INFO", path), ("REQUEST_URI", path),
        ("QUERY_STRING", ""), ("HTTP_X_API_KEY", ADMIN)]))
    equal(reply.status, 200, f"{path}: {reply}")
    return json.loads(reply.body)


def at_sqs():
    """How much is on a queue at SQS, as SQS tells it; where it does not, the
    rest is told all the same, and soon."""
    directory = Directory()
    with contextlib.ExitStack() as stack:
        stack.callback(directory.remove)
        cloud = Cloud(directory)
        stack.callback(cloud.process.stop)
        there = Site(cloud, directory)
        there.extra = {"SWITCHHOOK_SERVER_ADMIN_TOKEN": ADMIN}
        there.start()
        stack.callback(there.stop)
        number = tel()
        cloud.conversation("c-api", number, True)
        for _ in range(2):
            equal(there.post(message(number, sid())), 200, "a message")
        wait_for(lambda: ask_site(there, "/api/queues/human")["queue"]["ready"]
                 == 2, "SQS has them", 40)
        page = ask_site(there, "/api/queues/human")
        equal((page["items"], page["queue"]["name"], page["queue"]["url"],
               page["queue"]["depth"]),
              ([], "human", f"{cloud.url}/000000000000/human.fifo", 2), "page")
        cloud.fault("GetQueueAttributes", kind="hang")
        began = time.monotonic()
        queues = {q["name"]: q["ready"]
                  for q in ask_site(there, "/api/summary")["queues"]}
        true(time.monotonic() - began < 9, "once for all queues")
        equal(queues, {"ai": None, "human": None, "unrouted": 0, "digits": 0,
                       "undeliverable": 0}, "SQS does not answer")
        cloud.well()


def closed(kind):
    """Which key to set, where nobody may."""
    class Closed(kind):
        def config(self, **changes):
            return super().config(**changes).replace(
                f"admin_token = {ADMIN}\n", "")
    with Closed() as door:
        for route in ("/api/summary", "/api/refused", "/api/queues/ai"):
            check_json_error(door.ask("GET", route, bearer()), 403,
                             "Closed: set server.admin_token in the "
                             "configuration")


def suite(results):
    results.run("api: at_sqs", at_sqs)
    for kind in (NginxFastcgi, ByHand):
        with site(kind) as door:
            for fn in CASES:
                results.run(f"api, {kind.name}: {fn.__name__}", fn, door)
        for fn in (not_ready, elsewhere, closed):
            results.run(f"api, {kind.name}: {fn.__name__}", fn, kind)
