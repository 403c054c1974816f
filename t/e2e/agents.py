"""Conversations and answers over the API, as an agent's page or a worker on
another machine uses it. Twilio is t/calls/mock.cjs."""
import json
import threading
import time
import urllib.parse

from calls_mock import CallsMock
from cases import check_twiml, message, sid, tel
from doors import ADMIN, ByHand, NginxFastcgi
from outcome import equal, true
from twilio_sign import form

CASES = []
OURS = "whatsapp:+14155238886"
ANN = "anns-token-of-some-length-1234"
BOB = "bobs-token-of-some-length-1234"
CONVERSATION = {"id", "tel", "thread_id", "company_id", "project_id", "handoff",
                "opted_out", "name", "handoff_at", "handoff_by", "created_at",
                "last_at", "last_text", "unanswered", "addresses"}
MESSAGE = {"id", "conversation_id", "direction", "sid", "from", "to", "channel",
           "text", "media", "at", "route", "author", "state", "error_code",
           "error"}


def case(fn):
    CASES.append(fn)
    return fn


class Answering:
    """A site with agents, that may write to Twilio."""
    mock = None

    def config(self, **changes):
        return super().config(**changes).replace(
            "[twilio]", "[twilio]\n" + self.mock.settings()) + \
            f"\n[agents]\nann = {ANN}\nbob = {BOB}\n"


class NginxAnswering(Answering, NginxFastcgi):
    pass


class ByHandAnswering(Answering, ByHand):
    pass


def ask(door, method, path, body=None, token=ANN, status=200, headers=()):
    headers = [*headers, ("Authorization", "Bearer " + token)]
    if body is not None:
        headers.append(("Content-Type", "application/json"))
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = door.ask(method, "/api/conversations" + path, headers, body)
    equal(reply.status, status, f"{method} {path} {body}: {reply}")
    return json.loads(reply.body) if reply.body else None


def key(number):
    return "k" + number.strip("+")


def known(door, text="Hi", handoff=False, **more):
    """A person who has written; the conversation's id."""
    number = tel()
    ask(door, "POST", "", {"tel": number, "id": key(number),
                           "handoff": handoff}, status=201)
    write(door, key(number), text, **more)
    return key(number)


def write(door, conversation, text, **more):
    message_sid = sid()
    check_twiml(door.post("/whatsapp", form(message(
        "+" + conversation[1:], message_sid, Body=text, **more))))
    return message_sid


def messages(door, conversation, query="", **more):
    return ask(door, "GET", f"/{conversation}/messages{query}", **more)


def reply(door, conversation, text, status=201, token=ANN, **more):
    return ask(door, "POST", f"/{conversation}/messages",
               {"text": text} | more, status=status, token=token)


def created(door, text):
    return [m for m in door.mock.messages() if m["body"] == text]


# ---- who may


@case
def who_may(door):
    for token in ("", "wrong", ANN[:-1], ANN + "x"):
        ask(door, "GET", "", token=token, status=401)
    for token in (ANN, BOB, ADMIN):
        ask(door, "GET", "", token=token)
    headers = [("Authorization", "Bearer " + ANN)]
    got = door.ask("GET", "/metrics", headers)
    equal((got.status, json.loads(got.body)["error"]),
          (403, "admin token needed"), "an admin route")
    # No form of another site can post.
    for kind in ("application/x-www-form-urlencoded", "text/plain", ""):
        got = door.ask("POST", "/api/conversations", headers +
                       [("Content-Type", kind)] * bool(kind), b'{"tel":"+1"}')
        equal(got.status, 415, f"{kind}: {got}")


# ---- conversations


@case
def add_and_show(door):
    number = tel()
    row = ask(door, "POST", "", {
        "tel": f"whatsapp:{number[:2]} ({number[2:5]}) {number[5:]}",
        "thread_id": "t", "company_id": None}, status=201)
    equal(set(row), CONVERSATION | {"held", "moved"}, "members")
    equal((row["tel"], row["thread_id"], row["company_id"], row["handoff"],
           row["unanswered"], row["held"], row["last_text"], row["addresses"]),
          (number, "t", None, False, 0, 0, None, []), f"{row}")
    shown = ask(door, "GET", "/" + row["id"])
    equal(set(shown), CONVERSATION, "members")
    equal(shown, {k: v for k, v in row.items() if k in CONVERSATION}, "shown")
    true(row["created_at"].endswith("Z") and len(row["created_at"]) == 27,
         f"time {row['created_at']}")
    conflict = ask(door, "POST", "", {"tel": number, "id": row["id"]},
                   status=409)
    equal(conflict["error"], "exists", f"{conflict}")
    row = ask(door, "POST", "/" + row["id"], {"project_id": "p",
                                              "thread_id": ""})
    equal((row["project_id"], row["thread_id"]), ("p", None), f"{row}")
    ask(door, "GET", "/nobody", status=404)
    ask(door, "POST", "/nobody", {"project_id": "p"}, status=404)


@case
def mistakes(door):
    for body, name in [({}, "tel"), ({"tel": "Ann"}, "tel"),
                       ({"tel": "+14155550100", "nam": "x"}, "nam"),
                       ({"tel": 1}, "tel"), ({"tel": tel(), "handoff": 1},
                                             "handoff")]:
        true(name in ask(door, "POST", "", body, status=400)["error"],
             f"{body} names {name}")
    ask(door, "POST", "", b"[", status=400)
    ask(door, "POST", "", b"[]", status=400)
    for query in ("?limit=0", "?limit=x", "?what=1", "?handoff=2",
                  "?page_token=x", "?limit=1&limit=2"):
        ask(door, "GET", query, status=400)


@case
def held(door):
    number = tel()
    check_twiml(door.post("/whatsapp", form(message(number, sid(),
                                                    Body="first"))))
    row = ask(door, "POST", "", {"tel": number}, status=201)
    equal((row["held"], row["last_text"], row["unanswered"]),
          (1, "first", 1), f"{row}")
    got = messages(door, row["id"])["messages"]
    equal([(m["text"], m["route"]) for m in got], [("first", "ai")], f"{got}")


@case
def lists(door):
    """Newest activity first, filtered, in pages."""
    ids = [known(door, f"text {i}", handoff=i % 2 == 0,
                 ProfileName=f"Nana Zebra{i}") for i in range(5)]
    write(door, ids[0], "again", ProfileName="Nana Zebra0")

    def listed(query):
        got, token = [], ""
        while token is not None:
            page = ask(door, "GET", f"?{query}&limit=2" +
                       (f"&page_token={urllib.parse.quote(token)}"
                        if token else ""))
            true(len(page["conversations"]) <= 2, "limit")
            got += [c for c in page["conversations"] if c["id"] in ids]
            token = page["next_page_token"]
        return [ids.index(c["id"]) for c in got]

    equal(listed("handoff=true"), [0, 4, 2], "handed over")
    equal(listed("handoff=false"), [3, 1], "the AI's")
    equal(listed("unanswered=true"), [0, 4, 3, 2, 1], "unanswered")
    equal(listed("q=zebra3"), [3], "by name")
    equal(listed("q=" + ids[1][3:]), [1], "by number")
    equal(listed("tel=%2B" + ids[2][1:]), [2], "of one sender")
    reply(door, ids[3], "answered")
    equal(listed("unanswered=true"), [0, 4, 2, 1], "one less")
    equal(listed("unanswered=false"), [3], "answered")
    row = ask(door, "GET", "/" + ids[0])
    equal((row["unanswered"], row["last_text"], row["name"]),
          (2, "again", "Nana Zebra0"), f"{row}")
    token = ask(door, "GET", "?limit=1")["next_page_token"]
    ask(door, "GET", "?limit=1&handoff=true&page_token=" +
        urllib.parse.quote(token), status=400)


@case
def take_over(door):
    """And hand back; who did it is known, and what waits goes along."""
    conversation = known(door, "1")
    row = ask(door, "POST", f"/{conversation}/handoff", {"handoff": True},
              token=BOB)
    equal((row["handoff"], row["handoff_by"], row["moved"]),
          (True, "bob", 1), f"{row}")
    true(row["handoff_at"] is not None, f"{row}")
    row = ask(door, "POST", f"/{conversation}/handoff", {"handoff": False})
    equal((row["handoff"], row["handoff_by"]), (False, "ann"), f"{row}")
    ask(door, "POST", "/nobody/handoff", {"handoff": True}, status=404)
    ask(door, "POST", f"/{conversation}/handoff", {}, status=400)


# ---- messages


@case
def both_sides(door):
    conversation = known(door, "Hello")
    message_sid = write(
        door, conversation, "a picture", NumMedia="2",
        MediaUrl0="https://api.twilio.com/a", MediaContentType0="image/png",
        MediaUrl1="https://api.twilio.com/b", MediaContentType1="video/mp4")
    sent = reply(door, conversation, "Good day", client_id="1")
    equal(set(sent), MESSAGE, "members")
    equal((sent["state"], sent["author"], sent["from"], sent["to"],
           sent["direction"], sent["channel"], sent["route"]),
          ("sent", "ann", OURS, "whatsapp:+" + conversation[1:], "outbound",
           "whatsapp", None), f"{sent}")
    got = messages(door, conversation)["messages"]
    equal([m["text"] for m in got], ["Good day", "a picture", "Hello"], "order")
    equal(got[0], sent, "the same")
    equal((got[1]["sid"], got[1]["direction"], got[1]["route"],
           got[1]["state"], got[1]["media"]),
          (message_sid, "inbound", "ai", None,
           [{"url": "https://api.twilio.com/a", "content_type": "image/png"},
            {"url": "https://api.twilio.com/b", "content_type": "video/mp4"}]),
          f"{got[1]}")
    pages, token = [], ""
    while token is not None:
        page = messages(door, conversation, "?limit=1" + (
            f"&page_token={urllib.parse.quote(token)}" if token else ""))
        pages += page["messages"]
        token = page["next_page_token"]
    equal(pages, got, "in pages")
    messages(door, "nobody", status=404)


@case
def once(door):
    conversation = known(door)
    first = reply(door, conversation, "once only", client_id="c")
    again = reply(door, conversation, "once only", client_id="c", status=200)
    equal(again["id"], first["id"], "the same")
    other = reply(door, conversation, "twice", client_id="c", status=409)
    equal(other["error"], "client_id_reused", f"{other}")
    # Many at the same time.
    got = []

    def post():
        row = door.ask("POST", f"/api/conversations/{conversation}/messages", [
            ("Authorization", "Bearer " + ANN),
            ("Content-Type", "application/json")],
            b'{"text": "together", "client_id": "t"}')
        got.append((row.status, json.loads(row.body)["id"]))
    threads = [threading.Thread(target=post) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal(len(set(i for _, i in got)), 1, f"{got}")
    equal(sorted(s for s, _ in got), [200] * 7 + [201], f"{got}")
    wait = time.monotonic() + 10
    while not created(door, "together") and time.monotonic() < wait:
        time.sleep(.1)
    equal((len(created(door, "once only")), len(created(door, "together"))),
          (1, 1), "at Twilio")


@case
def not_allowed(door):
    conversation = known(door, handoff=True)
    row = reply(door, conversation, "I am a bot", author="machine", status=409)
    equal(row["error"], "handed_off", f"{row}")
    true(row["message"] and row["request_id"], f"{row}")
    ask(door, "POST", f"/{conversation}/handoff", {"handoff": False})
    row = reply(door, conversation, "I am a bot", author="machine")
    equal((row["author"], row["state"]), ("machine", "sent"), f"{row}")
    reply(door, conversation, "x", author="bob", status=400)
    write(door, conversation, "STOP", OptOutType="STOP")
    row = reply(door, conversation, "stopped", status=409)
    equal(row["error"], "opted_out", f"{row}")
    number = tel()
    ask(door, "POST", "", {"tel": number, "id": key(number)}, status=201)
    row = reply(door, key(number), "first", status=409)
    equal(row["error"], "no_sender", f"{row}")
    for body in [{}, {"text": ""}, {"text": "x" * 1601}, {"text": None},
                 {"media": "x"}, {"media": ["no url"]}, {"media": [1]},
                 {"text": "x", "media": ["https://a.example/"] * 11},
                 {"text": "x", "client_id": ""}]:
        ask(door, "POST", f"/{conversation}/messages", body, status=400)
    ask(door, "POST", "/nobody/messages", {"text": "x"}, status=404)
    equal(created(door, "stopped"), [], "at Twilio")


@case
def resend_and_drop(door):
    conversation = known(door)
    door.mock.set(message_script=["taken:500"])
    row = reply(door, conversation, "who knows")
    equal(row["state"], "unknown", f"{row}")
    where = f"/{conversation}/messages/{row['id']}"
    row = ask(door, "POST", where + "/resend", {})
    equal(row["state"], "sent", f"{row}")
    equal(len(created(door, "who knows")), 2, "people asked for it")
    for what in ("resend", "drop"):
        equal(ask(door, "POST", f"{where}/{what}", {}, status=409)["error"],
              "state", what)
    door.mock.set(message_script=["refuse:63016"])
    row = reply(door, conversation, "too late")
    equal((row["state"], row["error_code"]), ("refused", "63016"), f"{row}")
    true("24 hours" in row["error"], f"in words: {row}")
    row = ask(door, "POST", f"/{conversation}/messages/{row['id']}/drop", {})
    equal(row["state"], "dropped", f"{row}")
    for bad in ("r999999", "x", "SM1", "r"):
        ask(door, "POST", f"/{conversation}/messages/{bad}/drop", {},
            status=404)
    ask(door, "POST", where.replace(conversation, known(door)) + "/drop", {},
        status=404)


@case
def twilio_hangs(door):
    """Nobody waits for ever: the reply is there, and its state is told."""
    conversation = known(door)
    door.mock.set(message_script=["hang"])
    began = time.monotonic()
    row = reply(door, conversation, "hello?")
    took = time.monotonic() - began
    true(took < 8, f"{took:.1f} s")
    equal(row["state"], "unknown", f"{row}")


@case
def hostile(door):
    """What was written is shown as it was, whatever it holds."""
    text = '<script>alert(1)</script> "\u202e\u0000\u0007é😀' + "😀" * 800
    name = "</title><img src=x onerror=alert(1)>"
    conversation = known(door, text.replace("\u0000", ""), ProfileName=name)
    got = messages(door, conversation)["messages"][0]
    equal(got["text"], text.replace("\u0000", ""), "text")
    equal(ask(door, "GET", "/" + conversation)["name"], name, "name")


def suite(results):
    for kind in (NginxAnswering, ByHandAnswering):
        with CallsMock(10) as mock:
            kind.mock = mock
            with kind() as door:
                for fn in CASES:
                    results.run(f"agents, {kind.name}: {fn.__name__}", fn, door)
                    mock.set(message_script=[], message_always="ok")
                results.run(f"agents, {kind.name}: asked as Twilio has it",
                            mock.check)
