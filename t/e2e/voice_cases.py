"""Calls, as every door must answer them. A case is a function of a door.

CASES run on the site that doors.py configures, OTHER_CASES on other_site: no
operator, two attempts, a menu that asks again, and action URLs of their own.
"""
import json
import re
import os
import shutil
import signal
import sqlite3
import tempfile
import threading
import time
import uuid

from cases import check_json_error, entries_of, samples, tel
from doors import TOKEN
from outcome import equal, true
from servers import wait_for
from twilio_sign import form, sha_query, sign
from twiml import attribute, built_by_sdk, read, template, verbs

FORM = "application/x-www-form-urlencoded"
ELSEWHERE = "https://voice.example.com/v1"

OTHER = f"""\
webhook_api_url = {ELSEWHERE}/
max_attempts = 2

[menu]
other = gather
"""

# What doors.VOICE says, as a template gets it.
SET = {"operator_phone_number": "+14155550123",
       "conversation_relay_url": "wss://relay.example.com/a?b=1&c=2",
       "welcome_greeting_url": "Good \"day\", <Ann> & all",
       "media_api_url": "wss://media.example.com/stream",
       "shop": "Ann & Ben's <Shop>"}

SHIPPED = ("birthdate", "connect", "connect-stream", "dial", "gather",
           "hangup")

BAD_DATES = ["", "1", "1990011", "199001150", "20230229", "19901315",
             "19900100", "00000101", "99990101", "hangup", "1990011*",
             "1990-1-5", " 19900115", "１９９００１１５", "x" * 5000]

# Plain CGI keeps no template from one request to the next.
FORGETS = ("nginx-fcgiwrap", "apache-cgi", "apache-htaccess-cgi", "by-hand")

CASES = []
OTHER_CASES = []


def case(fn):
    CASES.append(fn)
    return fn


def other_case(fn):
    OTHER_CASES.append(fn)
    return fn


def other_site(door_class):
    return type(door_class.__name__ + "Voice", (door_class,), {
        "name": door_class.name + "-voice", "voice": OTHER,
        "voice_base": ELSEWHERE})


def base(door):
    """Where action URLs begin."""
    return getattr(door, "voice_base", None) or door.url("")


class Call:
    """A caller, with a CallSid of its own."""

    def __init__(self, door):
        self.door = door
        self.sid = f"CA{uuid.uuid4().hex}"
        self.tel = tel()

    def params(self, more):
        return {"AccountSid": f"AC{'0' * 32}", "ApiVersion": "2010-04-01",
                "CallSid": self.sid, "CallStatus": "in-progress",
                "Called": "+14155550199", "CalledCity": "",
                "Caller": self.tel, "Direction": "inbound",
                "From": self.tel, "To": "+14155550199"} | more

    def ask(self, where, **more):
        """Post to a route, or to the action URL of a template."""
        route, url = where, self.door.url(where)
        if where.startswith("https:"):
            true(where.startswith(base(self.door) + "/"), f"base of {where}")
            route, url = where[len(base(self.door)):], where
        body = form(self.params(more))
        return self.door.ask("POST", route, [
            ("X-Twilio-Signature", sign(TOKEN, url, body)),
            ("Content-Type", FORM + "; charset=UTF-8")], body)

    def play(self, where, **more):
        """The tree of the TwiML that it must answer with."""
        return played(self.ask(where, **more))

    def digits(self):
        """What this call has on the queue."""
        return [r["body"] for r in self.door.queue("digits")
                if r["body"]["call_sid"] == self.sid]

    def stored(self):
        return stored(self.door, "SELECT target, value, caller FROM "
                      "call_digits WHERE call_sid = ?", self.sid)


def played(reply):
    equal(reply.status, 200, f"status of {reply}")
    equal(reply.header("content-type").lower(), "text/xml; charset=utf-8",
          "type")
    true(reply.header("x-request-id"), "X-Request-Id")
    return read(reply.body)


def stored(door, query, *args):
    """Rows of the database, read in a copy of it: what a crash would leave."""
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("", "-wal"):
            path = door.dir("state/switchhook.db" + suffix)
            if os.path.exists(path):
                shutil.copy(path, os.path.join(folder, "db" + suffix))
        db = sqlite3.connect(os.path.join(folder, "db"))
        try:
            return db.execute(query, args).fetchall()
        finally:
            db.close()


def step(route, attempt=1, value=None):
    """The rest of an action URL."""
    query = [f"value={value}"] if value else []
    query += [f"attempt={attempt}"] if attempt > 1 else []
    return route + ("?" + "&".join(query) if query else "")


def script(door, name, call=None, attempt=1, target="birthdate", **values):
    """The tree that a template of this door's folder has to give."""
    urls = {"transfer_url": step("/transfer-call", attempt),
            "process_url": step(f"/process-digits/{target}", attempt),
            "confirm_url": step(f"/confirm-digits/{target}", attempt,
                                values.pop("value", None)),
            "retry_url": step(f"/handle-incoming-call/{target}", attempt + 1)}
    return template(
        door.dir("templates"), name, **SET,
        **{n: base(door) + u for n, u in urls.items()},
        **({"From": call.tel} if call else {}), **values)


def spoken_script(door, suffix, value, spoken, attempt=1):
    return script(door, "birthdate" + suffix, attempt=attempt, value=value,
                  spoken=spoken)


def write_template(door, name, text):
    """As an editor saves a file: whole, or not at all."""
    path = door.dir(f"templates/{name}.twiml.xml")
    door.dir.write(f"templates/.{name}", text)
    os.rename(door.dir(f"templates/.{name}"), path)


# ---- what is played


@case
def templates_play(door):
    call = Call(door)
    for name in SHIPPED:
        equal(call.play(f"/handle-incoming-call/{name}"),
              script(door, name, call), name)


@case
def like_the_sdk(door):
    """What the official SDK's builder makes of the same verbs."""
    call = Call(door)
    ours = [call.play(f"/handle-incoming-call/{name}") for name in SHIPPED]
    expected = [script(door, name, call) for name in SHIPPED]
    for action, digits, suffix in [
            ("/process-digits/birthdate", "19900115", "-confirmation"),
            ("/process-digits/birthdate", "1", "-invalid-input"),
            ("/confirm-digits/birthdate?value=19900115", "2", "-retry"),
            ("/confirm-digits/birthdate?value=19900115", "1", "-confirmed")]:
        ours.append(call.play(action, Digits=digits))
        again = suffix in ("-invalid-input", "-retry")
        expected.append(spoken_script(door, suffix, "19900115",
                                      "January 15th, 1990", 1 + again))
    equal(len(ours), 10, "templates")
    for mine, sdks in zip(ours, built_by_sdk(expected)):
        equal(mine, sdks, "against the SDK")


@case
def values_in_templates(door):
    """A caller's values are escaped; what was not sent is empty."""
    write_template(door, "greeting", """<?xml version="1.0"?>
<Response><Say voice="{CallerName}">{shop}: {FromCity}{CallerName} {{x}}
</Say><Play>{CallerName}</Play></Response>""")
    for name in ["Ann", "", "<Hangup/>&amp;\"'", "]]>", "é\U0001f600\t\r\n",
                 "{shop}", "x" * 20000]:
        tree = Call(door).play("/handle-incoming-call/greeting",
                               CallerName=name)
        expected = template(door.dir("templates"), "greeting", **SET,
                            CallerName=name, FromCity="")
        equal(tree, expected, f"with {name[:20]!r}")
    tree = Call(door).play("/handle-incoming-call/greeting",
                           CallerName="a\0b\x01c\ufffe\ud7ff")
    equal(attribute(tree, "Say", "voice"), "a\ufffdb\ufffdc\ufffd\ud7ff",
          "what XML cannot carry")
    body = form(list(Call(door).params({}).items()) +
                [("CallerName", "a"), ("CallerName", "b")])
    check_json_error(door.post("/handle-incoming-call/greeting", body), 400)
    check_json_error(Call(door).ask("/handle-incoming-call/greeting",
                                    CallerName="x" * 30000), 500)


@case
def not_found_after_signature(door):
    for route in ["/handle-incoming-call/nothing", "/process-digits/nothing",
                  "/confirm-digits/nothing?value=1",
                  # Nothing fills their placeholders there.
                  "/handle-incoming-call/birthdate-confirmation",
                  "/handle-incoming-call/birthdate-confirmed"]:
        call = Call(door)
        check_json_error(call.ask(route, Digits="1"), 404, "Not found")
        body = form(call.params({"Digits": "1"}))
        for signature in [[], [("X-Twilio-Signature", "x")], [
                ("X-Twilio-Signature", sign(TOKEN, door.url(route), b""))]]:
            reply = door.ask("POST", route, signature + [
                ("Content-Type", FORM)], body)
            check_json_error(reply, 401, "Invalid signature")


@case
def names_that_are_none(door):
    door.dir.write("templates/.hidden.twiml.xml", "<Response/>")
    door.dir.write("secret.twiml.xml", "<Response/>")
    for name in ["n" * 300, "n" * 65, "..%2fsecret", "../secret", ".hidden",
                 "%2e%2e/secret", "a/b", "a%00", "caf%C3%A9", "gather.twiml.xml",
                 ""]:
        reply = Call(door).ask(f"/handle-incoming-call/{name}")
        true(reply.status in (400, 403, 404), f"{name}: {reply}")
    for name in ["n" * 300, "n" * 65, ".hidden"]:
        reply = door.ask("POST", f"/handle-incoming-call/{name}",
                         [("Content-Type", FORM)], b"From=x")
        check_json_error(reply, 401, "Invalid signature")


@case
def other_methods_and_types(door):
    for route in ["/handle-incoming-call/gather", "/transfer-call",
                  "/process-digits/birthdate", "/confirm-digits/birthdate",
                  "/call-status"]:
        reply = door.ask("PUT", route, body=b"x")
        check_json_error(reply, 405)
        equal(reply.header("allow"), "GET, POST", "Allow")
        target = route + "?" + sha_query(b"{}")
        check_json_error(door.ask("POST", target, [
            ("X-Twilio-Signature", sign(TOKEN, door.url(target))),
            ("Content-Type", "application/json")], b"{}"), 415)
        check_json_error(door.ask("GET", route), 401, "Invalid signature")


@case
def get_webhooks(door):
    def get(call, where, **more):
        where += "&" if "?" in where else "?"
        where += form(call.params(more)).decode()
        return door.ask("GET", where, [
            ("X-Twilio-Signature", sign(TOKEN, door.url(where)))])

    call = Call(door)
    equal(played(get(call, "/handle-incoming-call/connect-stream")),
          script(door, "connect-stream", call), "template")
    equal(played(get(call, "/transfer-call", Digits="2")),
          script(door, "dial"), "menu")
    equal(played(get(call, "/process-digits/birthdate?attempt=2",
                     Digits="19900115")),
          spoken_script(door, "-confirmation", "19900115",
                        "January 15th, 1990", 2), "digits")
    equal(played(get(call, "/confirm-digits/birthdate?value=19900115",
                     Digits="1")),
          spoken_script(door, "-confirmed", "19900115",
                        "January 15th, 1990"), "confirmation")
    equal(call.stored(), [("birthdate", "19900115", call.tel)], "stored")
    equal(get(call, "/call-status", SequenceNumber="1").status, 204, "status")


# ---- the menu


@case
def menu(door):
    for digits, name in [("1", "connect"), ("2", "dial"), ("3", "birthdate"),
                         ("4", "zip"), ("9", "hangup"), ("0", "hangup"),
                         ("", "hangup"), ("*", "hangup"), ("12", "hangup"),
                         ("other", "hangup"), ("hangup", "hangup"),
                         ("1" * 5000, "hangup")]:
        target = "zip" if name == "zip" else "birthdate"
        equal(Call(door).play("/transfer-call", Digits=digits),
              script(door, name, target=target), f"digit {digits[:20]}")
    equal(Call(door).play("/transfer-call"), script(door, "hangup"), "none")


@case
def form_or_query(door):
    """Digits as Twilio posts them count; older callers say digits."""
    call = Call(door)
    equal(call.play("/transfer-call?digits=2"), script(door, "dial"), "query")
    equal(call.play("/transfer-call?digits=2", Digits="1"),
          script(door, "connect"), "form first")
    equal(call.play("/transfer-call?Digits=2"), script(door, "hangup"),
          "a query is no form")
    equal(call.play("/process-digits/birthdate?digits=19900115"),
          spoken_script(door, "-confirmation", "19900115",
                        "January 15th, 1990"), "a date")
    for route in ["/transfer-call", "/process-digits/birthdate",
                  "/confirm-digits/birthdate?value=19900115"]:
        body = form(call.params({"Digits": "1"})) + b"&Digits=2"
        check_json_error(door.post(route, body), 400)
        mark = "&" if "?" in route else "?"
        check_json_error(call.ask(route + mark + "digits=1&digits=1"), 400)
    for route in ["/transfer-call?attempt=x", "/transfer-call?attempt=-1",
                  "/transfer-call?attempt=1&attempt=2",
                  "/transfer-call?attempt=99999999999999999999",
                  "/confirm-digits/birthdate?value=19900115&value=19900116"]:
        check_json_error(call.ask(route, Digits="1"), 400)
    equal(call.stored(), [], "nothing was confirmed")


# ---- digits


@case
def birthdate(door):
    """A whole dialogue, by the URLs that the templates have."""
    call = Call(door)
    tree = call.play("/handle-incoming-call/birthdate")
    tree = call.play(attribute(tree, "Gather", "action"), Digits="19900115",
                     FinishedOnKey="#", msg="Gather End")
    equal(tree, spoken_script(door, "-confirmation", "19900115",
                              "January 15th, 1990"), "confirmation")
    equal((call.digits(), call.stored()), ([], []), "not before it is said")
    tree = call.play(attribute(tree, "Gather", "action"), Digits="1")
    equal(tree, spoken_script(door, "-confirmed", "19900115",
                              "January 15th, 1990"), "confirmed")
    equal(verbs(tree), ["Say", "Hangup"], "said again, and hung up")
    equal(call.stored(), [("birthdate", "19900115", call.tel)], "stored")
    rows = call.digits()
    equal(len(rows), 1, "queued")
    true(rows[0].pop("timestamp").startswith("20"), "timestamp")
    equal(rows[0], {"call_sid": call.sid, "from": call.tel,
                    "target": "birthdate", "value": "19900115"}, "message")


@case
def bad_dates(door):
    call = Call(door)
    expected = script(door, "birthdate-invalid-input", attempt=2)
    for digits in BAD_DATES:
        equal(call.play("/process-digits/birthdate", Digits=digits),
              expected, f"{digits[:20]!r}")
    equal(call.play("/process-digits/birthdate"), expected, "nothing at all")
    tomorrow = time.strftime("%Y%m%d", time.gmtime(time.time() + 100000))
    equal(call.play("/process-digits/birthdate", Digits=tomorrow), expected,
          "future")
    for value in ("20230229", "", "x", "1" * 5000):
        equal(call.play(f"/confirm-digits/birthdate?value={value}",
                        Digits="1"), expected, "no such value")
    equal(call.play("/confirm-digits/birthdate", Digits="1"), expected,
          "no value")
    for value, spoken in [("20240229", "February 29th, 2024"),
                          ("19000101", "January 1st, 1900"),
                          ("20111122", "November 22nd, 2011"),
                          ("19991213", "December 13th, 1999")]:
        equal(call.play("/process-digits/birthdate", Digits=value),
              spoken_script(door, "-confirmation", value, spoken), value)
    equal(call.stored(), [], "nothing was stored")


@case
def attempts_end_with_operator(door):
    call = Call(door)
    tree = call.play("/handle-incoming-call/birthdate")
    for attempt in (2, 3):
        tree = call.play(attribute(tree, "Gather", "action"), Digits="1")
        equal(tree, script(door, "birthdate-invalid-input", attempt=attempt),
              f"attempt {attempt}")
    tree = call.play(attribute(tree, "Gather", "action"), Digits="")
    equal(tree, script(door, "dial"), "the operator")
    equal(call.play("/handle-incoming-call/birthdate?attempt=4"), tree,
          "asked once too often")
    equal(call.play("/confirm-digits/birthdate?value=19900115&attempt=3",
                    Digits="2"), tree, "keyed in again once too often")
    equal(call.digits(), [], "nothing was queued")


@case
def retry_and_other(door):
    """2 asks again, anything else repeats the question, within the limit."""
    call = Call(door)
    confirm = "/confirm-digits/birthdate?value=19900115"
    equal(call.play(confirm, Digits="2"),
          script(door, "birthdate-retry", attempt=2), "retry")
    for digits in ("3", "", "12", "*"):
        equal(call.play(confirm, Digits=digits),
              spoken_script(door, "-confirmation", "19900115",
                            "January 15th, 1990", 2), f"with {digits}")
    tree = call.play(confirm)
    tree = call.play(attribute(tree, "Gather", "action"))
    equal(attribute(tree, "Gather", "action"),
          base(door) + step("/confirm-digits/birthdate", 3, "19900115"),
          "the limit holds")
    equal(call.play(attribute(tree, "Gather", "action"), Digits="5"),
          script(door, "dial"), "at the limit")
    tree = call.play(confirm, Digits="2")
    tree = call.play(attribute(tree, "Gather", "action"), Digits="19900116")
    call.play(attribute(tree, "Gather", "action"), Digits="1")
    equal(call.stored(), [("birthdate", "19900116", call.tel)], "the second")


@case
def confirmed_once(door):
    call = Call(door)
    confirm = "/confirm-digits/birthdate?value=19900115"
    trees = [call.play(confirm, Digits="1") for _ in range(3)]
    equal(trees, [trees[0]] * 3, "the same again")
    equal((len(call.digits()), len(call.stored())), (1, 1), "one of each")
    call.play("/confirm-digits/birthdate?value=19900117", Digits="1")
    equal(len(call.digits()), 2, "another value is another")
    check_json_error(call.ask(confirm, Digits="1", CallSid=""), 400)
    # The same signature with the CallSid cut elsewhere: served, but no key.
    params = {n: v for n, v in call.params({"Digits": "1"}).items()
              if n != "CallStatus"}
    body = form(params | {"CallSid": call.sid + "CallStatusin-progress"})
    equal(sign(TOKEN, "", body),
          sign(TOKEN, "", form(call.params({"Digits": "1"}))), "signature")
    reply = call.ask(confirm, Digits="1", CallSid=call.sid + "x")
    equal(played(reply), script(door, "birthdate-retry", attempt=2), "again")
    reply = door.ask("POST", confirm, [
        ("X-Twilio-Signature", sign(TOKEN, door.url(confirm), body)),
        ("Content-Type", FORM)], body)
    equal(played(reply), script(door, "birthdate-retry", attempt=2), "again")
    equal([r["body"]["call_sid"] for r in door.queue("digits")
           if call.sid in r["body"]["call_sid"]], [call.sid] * 2, "no third")


@case
def confirmed_once_however_cut(door):
    """The value is the end of the URL, and what is signed has nothing between
    that and the form: a value cut short is no confirmation of its own."""
    call = Call(door)
    params = call.params({"Digits": "1"})
    whole = "/confirm-digits/zip?value=941031234"
    signature = sign(TOKEN, door.url(whole), form(params))
    account = params.pop("AccountSid")
    for n in range(3):
        confirm = whole[:len(whole) - n]
        body = form({whole[len(whole) - n:] + "AccountSid": account} | params)
        reply = door.ask("POST", confirm, [
            ("X-Twilio-Signature", signature), ("Content-Type", FORM)], body)
        equal(reply.status, 200, f"status of {confirm}: the signature fits")
    equal([d["value"] for d in call.digits()], ["941031234"], "on the queue")
    equal([row[1] for row in call.stored()], ["941031234"], "stored")


@case
def confirmed_once_of_fifty(door):
    call = Call(door)
    start = threading.Barrier(50)
    trees = []

    def one():
        start.wait()
        trees.append(call.play("/confirm-digits/birthdate?value=19900115",
                               Digits="1"))

    threads = [threading.Thread(target=one) for _ in range(50)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal(len(trees), 50, "answers")
    equal([verbs(t) for t in trees], [["Say", "Hangup"]] * 50, "each thanked")
    equal((len(call.digits()), len(call.stored())), (1, 1), "one of each")


@case
def durable_before_the_answer(door):
    """kill -9 right after the 200."""
    if not (door.name.startswith("nginx") and hasattr(door, "responder")):
        return  # the rest has no responder of its own, or not alone
    for _ in range(3):
        call = Call(door)
        call.play("/confirm-digits/birthdate?value=19900115", Digits="1")
        door.responder.kill(signal.SIGKILL)
        door.responder.popen.wait()
        door.processes.remove(door.responder)
        equal(call.stored(), [("birthdate", "19900115", call.tel)], "row")
        door.start_responder()
        equal(len(call.digits()), 1, "queued")


@case
def new_target(door):
    """A postal code: [digits zip] and five templates, no code."""
    call = Call(door)
    tree = call.play("/handle-incoming-call/zip")
    equal(tree, script(door, "zip", target="zip"), "question")
    bad = call.play(attribute(tree, "Gather", "action"), Digits="9410")
    equal(verbs(bad), ["Say", "Redirect"], "too short")
    equal(bad[2][1][2], [base(door) + "/handle-incoming-call/zip?attempt=2"],
          "once more")
    tree = call.play(bad[2][1][2][0])
    tree = call.play(attribute(tree, "Gather", "action"), Digits="94103")
    equal(tree, script(door, "zip-confirmation", target="zip", attempt=2,
                       value="94103", spoken="9 4 1 0 3"), "said apart")
    tree = call.play(attribute(tree, "Gather", "action"), Digits="1")
    equal(tree, script(door, "zip-confirmed", spoken="9 4 1 0 3"), "noted")
    equal(call.stored(), [("zip", "94103", call.tel)], "stored")
    equal(len(call.digits()), 1, "queued")


# ---- status callbacks, samples


@case
def call_status(door):
    call = Call(door)
    events = [("completed", "3", {"CallDuration": "49", "Duration": "1"}),
              ("ringing", "1", {}), ("initiated", "0", {}),
              ("in-progress", "2", {}), ("completed", "3", {}),
              ("ringing", "1", {}),
              ("failed", "4", {"ErrorCode": "13224"})]
    for status, sequence, more in events:
        reply = call.ask("/call-status", CallStatus=status,
                         SequenceNumber=sequence, **more)
        equal((reply.status, reply.body), (204, b""), f"{reply}")
    equal(stored(door, "SELECT sequence, status, duration_s, direction, "
                 "caller, callee, error_code FROM call_event WHERE sid = ? "
                 "ORDER BY sequence", call.sid),
          [(0, "initiated", -1, "inbound", call.tel, "+14155550199", None),
           (1, "ringing", -1, "inbound", call.tel, "+14155550199", None),
           (2, "in-progress", -1, "inbound", call.tel, "+14155550199", None),
           (3, "completed", 49, "inbound", call.tel, "+14155550199", None),
           (4, "failed", -1, "inbound", call.tel, "+14155550199", "13224")],
          "in their order, each once")
    reply = call.ask("/call-status", CallSid=call.sid + "0")
    equal((reply.status, reply.body), (204, b""), "of a malformed CallSid")
    equal(stored(door, "SELECT sid FROM call_event WHERE sid = ?",
                 call.sid + "0"), [], "is not recorded")
    for more in [{"CallSid": ""}, {"CallStatus": ""}]:
        equal(call.ask("/call-status", **more).status, 204, f"{more}")


def ask_sample(door, route, sample):
    body = sample["raw_body"].encode()
    return door.ask(sample["method"], route, [
        ("X-Twilio-Signature", sign(TOKEN, door.url(route), body)),
        ("Content-Type", sample["content_type"])], body)


def of_kind(kind):
    found = [s for s in samples() if s["kind"] == kind]
    true(found, f"samples of kind {kind}")
    return found


@case
def sampled_calls(door):
    """Bodies as Twilio sends them, to the routes they are for."""
    wrong = script(door, "birthdate-invalid-input", attempt=2)
    hangup = script(door, "hangup")
    routes = {
        "voice-inbound": [("/handle-incoming-call/gather",
                           script(door, "gather"))],
        "voice-fallback": [("/handle-incoming-call/hangup", hangup)],
        "gather": [("/transfer-call", hangup),
                   ("/process-digits/birthdate", wrong)],
        "gather-partial": [("/transfer-call", hangup)],
        "dial-action": [("/handle-incoming-call/hangup", hangup)],
        "record-action": [("/transfer-call", hangup),
                          ("/process-digits/birthdate", wrong),
                          ("/handle-incoming-call/hangup", hangup)]}
    for kind, expected in routes.items():
        for sample in of_kind(kind):
            for route, tree in expected:
                equal(played(ask_sample(door, route, sample)), tree,
                      f"{sample['name']} to {route}")
                true(ask_sample(door, route, sample | {
                    "raw_body": sample["raw_body"] + "&x="}).status == 200,
                     "a parameter more is signed too")


@case
def sampled_callers(door):
    """Whoever calls: From is carried as Twilio gave it."""
    for sample in of_kind("voice-inbound"):
        tree = played(ask_sample(
            door, "/handle-incoming-call/connect-stream", sample))
        number = sample["raw_body"].split("&From=%2B")[1].split("&")[0]
        equal(attribute(tree, "Parameter", "value"), "+" + number,
              sample["name"])
    for caller in ["client:ann", "sip:ann@example.com;x=1", "anonymous", ""]:
        tree = Call(door).play("/handle-incoming-call/connect-stream",
                               From=caller)
        equal(attribute(tree, "Parameter", "value"), caller, "From")


@case
def sampled_statuses(door):
    for sample in of_kind("voice-status"):
        for _ in range(2):
            reply = ask_sample(door, "/call-status", sample)
            equal(reply.status, 204, f"{sample['name']}: {reply}")
    rows = stored(door, "SELECT sequence, status, duration_s FROM call_event "
                  "WHERE sid = ? ORDER BY sequence, status",
                  f"CA{'0' * 31}8")
    equal(rows, [(0, "completed", 37), (0, "initiated", -1),
                 (1, "ringing", -1), (2, "in-progress", -1),
                 (3, "no-answer", -1)], "each once")


# ---- templates that change


GOOD = '<?xml version="1.0"?>\n<Response><Say>Version {n}</Say></Response>\n'


def version(reply):
    tree = played(reply)
    true(tree[2][0][2][0].startswith("Version "), f"{tree}")
    return tree[2][0][2][0].split()[1]


class Callers:
    """Calls that go on while something happens: none may be dropped."""

    def __init__(self, door, n):
        self.door = door
        self.over = threading.Event()
        self.heard, self.wrong = set(), []
        self.threads = [threading.Thread(target=self._run) for _ in range(n)]

    def _run(self):
        while not self.over.is_set():
            try:
                self.heard.add(version(
                    Call(self.door).ask("/handle-incoming-call/edited")))
            except (OSError, AssertionError) as e:
                self.wrong.append(repr(e))

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for t in self.threads:
            t.join()


def say(door, n):
    write_template(door, "edited", GOOD.replace("{n}", str(n)))


def heard(door, n):
    say(door, n)
    wait_for(lambda: version(Call(door).ask(
        "/handle-incoming-call/edited")) == str(n), f"version {n}", 10)


@case
def template_edited(door):
    say(door, 1)
    # More at once would make mod_fcgid start processes.
    with Callers(door, 1 if "fcgid" in door.name else 4) as callers:
        for n in (1, 2, 3):
            say(door, n)
            wait_for(lambda: str(n) in callers.heard, f"version {n} heard", 10)
    equal(callers.wrong, [], "while it changed")
    true(callers.heard <= {"1", "2", "3"}, f"{callers.heard}")


@case
def template_spoiled(door):
    """A bad edit: the old one stays, the log and /ready tell."""
    heard(door, 7)
    if door.name not in FORGETS:
        wait_for(lambda: door.ask("GET", "/ready").status == 200, "ready", 10)
    write_template(door, "edited",
                   GOOD.replace("<Say>", "<Say>\n  }"))
    try:
        wait_for(lambda: door.ask("GET", "/ready").status == 503,
                 "not ready", 10)
        checks = json.loads(door.ask("GET", "/ready").body)["checks"]
        equal(checks["templates"], "not ready", "templates")
        equal(checks["store"], "ok", "store")
        reply = Call(door).ask("/handle-incoming-call/edited")
        if door.name in FORGETS:
            check_json_error(reply, 500)
        else:
            equal(version(reply), "7", "the old one")
        true("edited.twiml.xml:3:3: " in door.dir.read("state/log"),
             "the log has the place")
        equal(Call(door).play("/handle-incoming-call/hangup"),
              script(door, "hangup"), "others go on")
    finally:
        say(door, 8)
    wait_for(lambda: door.ask("GET", "/ready").status == 200, "ready", 10)
    heard(door, 8)
    os.unlink(door.dir("templates/edited.twiml.xml"))
    wait_for(lambda: Call(door).ask(
        "/handle-incoming-call/edited").status == 404, "gone", 10)


@case
def walked_in_the_terminal(door):
    """switchhook call, through this door."""
    if not door.over_http:
        return
    rows = door.rows(
        "call", "--from", tel(), "--template", "birthdate",
        "--digits", "19901315,19900115,2,19900116#,1",
        "--url", f"http://127.0.0.1:{door.port}{door.target('')}")
    said = [r["text"] for r in rows if r["verb"] == "Say"]
    true("January 15th, 1990" in said[2], f"{said}")
    true("January 16th, 1990, is noted" in said[-1], f"{said}")
    equal(rows[-1]["text"], "the call is over", "end")


@case
def digits_queue_down(door):
    """A queue elsewhere that nobody answers at: spooled, and not logged."""
    if door.over_http:
        return  # by hand the environment is the process's
    call = Call(door)
    route = "/confirm-digits/birthdate?value=19771103"
    body = form(call.params({"Digits": "1"}))
    env = door.variables("POST", route, [
        ("X-Twilio-Signature", sign(TOKEN, door.url(route), body)),
        ("Content-Type", FORM)])
    queue = "http://127.0.0.1:1/000000000000/digits"
    for _ in range(2):
        tree = played(door.run(env | {
            "CONTENT_LENGTH": str(len(body)), "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "SWITCHHOOK_VOICE_DIGITS_QUEUE": queue}, body))
        equal(verbs(tree), ["Say", "Hangup"], "thanked")
    rows = [r for r in door.rows("spool", "list") if r["queue"] == "digits"]
    equal(len(rows), 1, "spooled, once")
    log = door.dir.read("state/log")
    true("did not take a message" in log and call.sid in log, "told")
    true("birthdate.19771103" not in log, "the digits are in the log")


@case
def digits_are_not_logged(door):
    lines = entries_of(door.dir.read("state/log").splitlines())
    confirmed = [e for e in lines if e.get("status") == 200 and
                 e["route"] == "/confirm-digits/{target}"]
    true(confirmed, "there is a log")
    true(all(e["call_sid"].startswith("CA") or e["outcome"] == "malformed SID"
             for e in confirmed), "which call")
    # Random numbers, in which any digits come up now and then.
    random = re.compile(r"[A-Z]{2}[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}"
                        r"-[0-9a-f]{12}")
    for entry in lines:
        entry.pop("time")
        entry.pop("duration_us", None)
        for name, value in entry.items():
            entry[name] = random.sub("", str(value))
    text = json.dumps(lines)
    for secret in ["1990011", "94103", "+1415", "client:ann", "Ann"]:
        true(secret not in text, f"{secret} is in the log")


# ---- the other site


@other_case
def actions_elsewhere(door):
    """voice.webhook_api_url, with its path: what Twilio then signs."""
    call = Call(door)
    tree = call.play("/handle-incoming-call/gather")
    equal(attribute(tree, "Gather", "action"), ELSEWHERE + "/transfer-call",
          "menu")
    tree = call.play(attribute(tree, "Gather", "action"), Digits="5")
    equal(attribute(tree, "Gather", "action"),
          ELSEWHERE + "/transfer-call?attempt=2", "again")
    tree = call.play("/handle-incoming-call/birthdate")
    for digits in ("19900115", "1"):
        equal(attribute(tree, "Gather", "action")[:len(ELSEWHERE)], ELSEWHERE,
              "digits")
        tree = call.play(attribute(tree, "Gather", "action"), Digits=digits)
    equal(verbs(tree), ["Say", "Hangup"], "to the end")
    equal(call.stored(), [("birthdate", "19900115", call.tel)], "stored")
    for url in [ELSEWHERE + "/transfer-call?attempt=2",
                ELSEWHERE + "/process-digits/birthdate",
                "https://voice.example.com/transfer-call"]:
        body = form(call.params({}))
        reply = door.ask("POST", "/transfer-call", [
            ("X-Twilio-Signature", sign(TOKEN, url, body)),
            ("Content-Type", FORM)], body)
        check_json_error(reply, 401, "Invalid signature")


@other_case
def menu_asks_again(door):
    """other = gather, within the same limit."""
    call = Call(door)
    tree = call.play("/transfer-call", Digits="9")
    equal(tree, script(door, "gather", attempt=2), "the menu again")
    equal(call.play(attribute(tree, "Gather", "action"), Digits="9"),
          script(door, "hangup"), "the limit, and nobody there")
    equal(call.play("/transfer-call?attempt=2", Digits=""),
          script(door, "hangup"), "nothing pressed is the same")
    equal(call.play("/transfer-call?attempt=2", Digits="other"),
          script(door, "hangup"), "no key is called other")


@other_case
def attempts_end_without_operator(door):
    call = Call(door)
    tree = call.play("/process-digits/birthdate", Digits="1")
    equal(tree, script(door, "birthdate-invalid-input", attempt=2), "again")
    equal(call.play(attribute(tree, "Gather", "action"), Digits="1"),
          script(door, "hangup"), "nobody there")
    check_json_error(call.ask("/transfer-call", Digits="2"), 404)
    check_json_error(call.ask("/transfer-call", Digits="1"), 404)
