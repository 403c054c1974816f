"""What happened to people who do this job, as cases of two doors; t/README.md
has a table of them."""
import json
import os
import subprocess
import urllib.parse
from email.utils import parsedate_to_datetime

import client
import fastcgi
import findings
from admin_cases import admin, call_sid, call_status, get
from cases import (check_twiml, conversation, entries_of, envelope_of,
                   message, recut, sid, tel, with_text)
from doors import ADMIN, TOKEN, ByHand, NginxFastcgi
from outcome import equal, true
from servers import Process, clean_env, connects
from twilio_sign import form, sha_query, sign

CASES = []
CALL = {"CallSid": "CA" + "0123456789abcdef" * 2, "From": "+14155550100",
        "To": "+14155550199", "AccountSid": "AC" + "0" * 32,
        "ApiVersion": "2010-04-01", "Direction": "inbound"}


def case(fn):
    CASES.append(fn)
    return fn


def of_request(door, reply):
    """The lines of the log about one request."""
    request = reply.header("x-request-id")
    return [line for line in logged(door)
            if line.get("request_id") == request]


def logged(door):
    return entries_of(door.dir.read("state/log").splitlines())


def outcome(door, reply):
    return of_request(door, reply)[-1].get("outcome")


def warnings(door, start):
    return [line for line in logged(door) if line["level"] == "warn"
            and line["message"].startswith(start)]


def status_of(message_sid, status, **more):
    return {"MessageSid": message_sid, "SmsSid": message_sid,
            "SmsStatus": status, "MessageStatus": status,
            "From": "whatsapp:+14155238886", "To": "whatsapp:+14155550100",
            "ChannelPrefix": "whatsapp", "AccountSid": "AC" + "0" * 32,
            "ApiVersion": "2010-04-01"} | more


def ignored(door, route, params):
    reply = door.post(route, form(params))
    equal((reply.status, reply.body), (204, b""), f"{params} to {route}")
    return outcome(door, reply)


# ---- swapped URLs


@case
def swapped_messages(door):
    """An inbound message that came to the URL of statuses is routed, once,
    wherever its repeat comes to."""
    for route in ["/whatsapp/status", "/call-status",
                  "/handle-incoming-call/gather", "/transfer-call"]:
        message_sid = sid()
        body = form(message(tel(), message_sid))
        check_twiml(door.post(route, body))
        check_twiml(door.post("/whatsapp", body))
        envelope_of(door, "unrouted", message_sid)
    found = warnings(door, "inbound messages come to /whatsapp/status")
    equal(len(found), 1, "warnings")
    true(found[0]["message"].endswith(door.url("/whatsapp")),
         f"names the right URL: {found}")
    check_twiml(door.post("/whatsapp/status",
                          form(message(tel(), sid()))))
    equal(len(warnings(door, "inbound messages come to /whatsapp/status")), 1,
          "at most once an hour")


@case
def swapped_statuses(door):
    """A status that came to the URL of messages is no message: our own number
    would get a conversation, and the bot's answer the next status."""
    for status in ["queued", "sent", "delivered", "read", "undelivered",
                   "failed", "something-new"]:
        for names in [{}, {"MessageStatus": ""}, {"SmsStatus": ""}]:
            message_sid = sid()
            params = status_of(message_sid, status) | names
            for route in ["/whatsapp", "/transfer-call", "/call-status"]:
                equal(ignored(door, route, params), "recorded", route)
            equal(with_text(door, message_sid), [], "nothing is queued")
    equal(len(warnings(door, "status callbacks of messages come to "
                       "/whatsapp;")), 1, "warnings")


@case
def status_in_json(door):
    """Whatever it is written in, a status is no message of our own number."""
    for names in [{"SmsStatus": "x"}, {"MessageStatus": ""},
                  {"SmsStatus": None}]:
        message_sid = sid()
        params = status_of(message_sid, "sent") | names
        for route in ["/whatsapp", "/whatsapp/status"]:
            equal(post_json(door, params, route).status, 204, f"{params}")
        equal(with_text(door, message_sid), [], "nothing is queued")
    for status in ["received", "receiving", "something-new"]:
        message_sid = sid()
        check_twiml(post_json(door, message(tel(), message_sid) |
                              {"SmsStatus": status}))
        envelope_of(door, "unrouted", message_sid)


@case
def status_cut_elsewhere(door):
    """The signature of a status does for no message at either URL."""
    message_sid = sid()
    params = dict(sorted(status_of(message_sid, "read").items()))
    for more in (1, -1):
        body = recut(params, ("MessageStatus", more), ("SmsStatus", more))
        equal(sign(TOKEN, door.url("/whatsapp/status"), body),
              sign(TOKEN, door.url("/whatsapp/status"), form(params)), "sign")
        reply = door.post("/whatsapp/status", body)
        equal(reply.status, 204, f"{reply}")
    equal(with_text(door, message_sid), [], "nothing is queued")


@case
def status_without_sid(door):
    """What is missing is no fault of the account's owner, to whom Twilio
    reports every 400."""
    for params in [{"MessageStatus": "sent"}, {"SmsStatus": "sent"},
                   {"MessageSid": sid()}, {"From": "+14155550100"}, {},
                   {"MessageSid": "SM1", "MessageStatus": "sent"}]:
        ignored(door, "/whatsapp/status", params)
    for params in [{"MessageStatus": "sent"},
                   {"Sid": "NO" + "0" * 32, "Level": "ERROR",
                    "PayloadType": "application/json", "Payload": "{}"}]:
        ignored(door, "/whatsapp", params)


CALLBACKS = {
    "answering machine detection": {
        "AnsweredBy": "machine_start", "MachineDetectionDuration": "3"},
    "conference": {"ConferenceSid": "CF" + "0" * 32, "FriendlyName": "a",
                   "StatusCallbackEvent": "participant-join",
                   "SequenceNumber": "1"},
    "recording": {"RecordingSid": "RE" + "0" * 32,
                  "RecordingStatus": "completed"},
    "stream": {"StreamSid": "MZ" + "0" * 32, "StreamEvent": "stream-started"},
    "transcription": {"TranscriptionSid": "TR" + "0" * 32,
                      "TranscriptionText": "Hi"},
    "siprec": {"SiprecSid": "SR" + "0" * 32, "SiprecEvent": "started"},
    "queue": {"QueueSid": "QU" + "0" * 32, "QueueResult": "bridged"},
    "dial": {"DialCallStatus": "busy"},
    "payment": {"PaymentSid": "PK" + "0" * 32},
    "not a status of a call": {"SomethingNew": "1"},
}


@case
def other_callbacks_of_calls(door):
    """Whatever Twilio posts about calls gets no 400, and the log says what it
    was."""
    for name, params in CALLBACKS.items():
        whole = {k: v for k, v in CALL.items() if k != "Direction"} | params
        for route in ["/call-status", "/whatsapp", "/whatsapp/status"]:
            equal(ignored(door, route, whole), name, f"{name} at {route}")
        equal(ignored(door, "/call-status", params), name,
              f"{name} without CallSid")
    ignored(door, "/call-status", {})
    equal(with_text(door, CALL["CallSid"]), [], "nothing is queued")


@case
def calls_astray(door):
    """A call that came to the URL of messages ends, and makes no message; its
    status is recorded as on its own route."""
    call = dict(CALL, CallSid="CA" + sid()[2:])
    for route in ["/whatsapp", "/whatsapp/status"]:
        check_twiml(door.post(route, form(call | {"CallStatus": "ringing"})))
        equal(len(warnings(door, f"calls come to {route};")), 1, "warnings")
    equal(ignored(door, "/whatsapp", call | {
        "CallStatus": "completed", "SequenceNumber": "3",
        "CallbackSource": "call-progress-events"}), "recorded", "outcome")
    row, = door.rows("calls", "show", call["CallSid"])
    equal(row["status"], "completed", "status")
    equal(with_text(door, call["CallSid"]), [], "nothing is queued")


# ---- held messages, and people who take over


def texts(door, queue, number):
    """Body of what waits from this number, in the order of the queue."""
    return [row["body"]["twilio_message"]["Body"][0]
            for row in door.queue(queue)
            if number in str(row["body"]["twilio_message"])]


def send(door, number, *bodies, **more):
    for body in bodies:
        check_twiml(door.post("/whatsapp", form(
            message(number, sid(), Body=body, **more))))


def key(number):
    return "k" + number.strip("+")


@case
def held_until_known(door):
    """What a new customer wrote is routed once there is a conversation."""
    for handoff, queue in [(False, "ai"), (True, "human")]:
        number, other = tel(), tel()
        sids = [sid() for _ in range(3)]
        for i, one in enumerate(sids):
            check_twiml(door.post("/whatsapp", form(
                message(number, one, Body=str(i)))))
        send(door, other, "not this one")
        before = [envelope_of(door, "unrouted", one) for one in sids]
        added, = door.rows(
            "conversation", "add", "--id", key(number), "--tel", number,
            "--thread", "t1", *["--handoff"] * handoff)
        equal((added["held"], added["moved"]), (3, 0), "held")
        equal(texts(door, "unrouted", number), [], "left")
        equal(texts(door, "unrouted", other), ["not this one"], "of others")
        send(door, number, "3")
        equal(texts(door, queue, number), ["0", "1", "2", "3"], "order")
        for row, one in zip(before, sids):
            got = envelope_of(door, queue, one)
            equal(got["body"], row["body"] | {
                "conversation_id": key(number), "thread_id": "t1"}, "body")
            equal(got["attempts"], 0, "attempts")
            shown, = door.rows("message", "show", one)
            equal((shown["route"], shown["conversation_id"]),
                  (queue, key(number)), "message show")
            check_twiml(door.post("/whatsapp", form(
                message(number, one, Body="again"))))
        equal(len(texts(door, queue, number)), 4, "repeats")


@case
def held_under_another_spelling(door):
    """The same of whoever is known by another address."""
    number = tel()
    brazil = "+55419" + "8" + number[-7:]
    send(door, brazil, "with")
    send(door, brazil.replace("+55419", "+5541", 1), "without")
    added, = door.rows("conversation", "add", "--id", key(brazil), "--tel",
                       brazil)
    equal(added["held"], 2, "held")
    equal(texts(door, "ai", brazil[6:]), ["with", "without"], "order")


@case
def held_until_changed(door):
    """A conversation that is given to another number, as a mistake is."""
    number = tel()
    door.rows("conversation", "add", "--id", key(number), "--tel", tel())
    send(door, number, "1")
    row, = door.rows("conversation", "set", key(number), "--tel", number)
    equal((row["held"], row["tel"]), (1, number), "held")
    equal(texts(door, "ai", number), ["1"], "routed")


@case
def route_by_hand(door):
    """queue route, by conversation or to where it is told to."""
    number, other = tel(), tel()
    send(door, number, "1", "2")
    send(door, other, "3")
    row, = door.rows("queue", "route", "--tel", number)
    equal(row["routed"], 0, "nobody knows them")
    row, = door.rows("queue", "route", "--tel", number, "--to", "human")
    equal((row["queue"], row["routed"]), ("sqlite:unrouted", 2), "routed")
    equal(texts(door, "human", number), ["1", "2"], "order")
    equal(texts(door, "unrouted", other), ["3"], "of others")
    row, = door.rows("queue", "route", "human", "--tel", number, "--to", "ai")
    equal(row["routed"], 2, "back")
    equal(texts(door, "ai", number), ["1", "2"], "order")
    for args, code in [(["--to", "me"], 2), (["--tel", "Ann"], 2),
                       (["nothing-there"], 0)]:
        done = door.run_switchhook("queue", "route", *args)
        equal(done.returncode, code, f"{args}")
    row, = door.rows("queue", "route", "--to", "ai")
    true(row["routed"] >= 1 and row["left"] == 0, f"all of it: {row}")
    equal(texts(door, "ai", other), ["3"], "of others")


@case
def people_take_over(door):
    """What waits out ai_delay goes to people, too, once they have taken
    over."""
    number, other = tel(), tel()
    for n in (number, other):
        door.rows("conversation", "add", "--id", key(n), "--tel", n)
    send(door, number, "1", "2")
    send(door, other, "3")
    row, = door.rows("conversation", "handoff", key(number), "on")
    equal((row["moved"], row["handoff_to_human"]), (2, True), "moved")
    send(door, number, "4")
    equal(texts(door, "ai", number), [], "left for the AI")
    equal(texts(door, "human", number), ["1", "2", "4"], "order")
    equal(texts(door, "ai", other), ["3"], "of others")
    for row in door.queue("human"):
        if number in str(row["body"]):
            equal(row["state"], "ready", "at once")
    row, = door.rows("conversation", "handoff", key(number), "on")
    equal(row["moved"], 0, "once")
    row, = door.rows("conversation", "handoff", key(number), "off")
    equal(row["moved"], 0, "back")
    equal(texts(door, "human", number), ["1", "2", "4"], "they stay")


@case
def taken_before_known(door):
    """A message of nobody known, whom people got to know while it was taken."""
    number = tel()
    send(door, number, "1", "2")
    door.run_switchhook("queue", "route", "--tel", number, "--to", "ai",
                        SWITCHHOOK_WHATSAPP_AI_DELAY="0")
    row, = door.rows("queue", "receive", "ai")
    while number not in row["body"]:
        row, = door.rows("queue", "receive", "ai")
    added, = door.rows("conversation", "add", "--id", key(number), "--tel",
                       number, "--handoff")
    equal(added["moved"], 1, "the other one")
    door.switchhook("queue", "release", "ai", row["receipt"])
    done = door.run_switchhook("queue", "receive", "ai")
    true(number.encode() not in done.stdout, f"not handed out: {done}")
    equal(texts(door, "human", number), ["1", "2"], "order")
    equal([r["body"]["conversation_id"] for r in door.queue("human")
           if number in str(r["body"])], [key(number)] * 2, "conversation")


@case
def removed_and_added_again(door):
    """People have the sender now, under another conversation than the one that
    the message was routed by."""
    number = tel()
    door.rows("conversation", "add", "--id", key(number), "--tel", number)
    for text in "12":
        door.run_switchhook("message", "--from", "whatsapp:" + number,
                            "--body", text, SWITCHHOOK_WHATSAPP_AI_DELAY="0")
    door.switchhook("conversation", "remove", key(number))
    door.rows("conversation", "add", "--id", "new" + number, "--tel", number,
              "--handoff")
    done = door.run_switchhook("queue", "receive", "ai")
    true(number.encode() not in done.stdout, f"not handed out: {done}")
    equal(texts(door, "human", number), ["1", "2"], "order")
    equal([r["body"]["conversation_id"] for r in door.queue("human")
           if number in str(r["body"])], ["new" + number] * 2, "conversation")


@case
def people_have_taken_over(door):
    """Whoever takes from the AI's queue gets nothing of a conversation that
    was handed off elsewhere meanwhile, as in a database that others write."""
    ours = {"SWITCHHOOK_WHATSAPP_AI_QUEUE": "sqlite:taken-over"}

    def due(number):
        """A conversation that was handed off by somebody who knows nothing of
        the queue, with messages that are due."""
        door.rows("conversation", "add", "--id", key(number), "--tel", number)
        for text in "12":
            door.run_switchhook(
                "message", "--from", "whatsapp:" + number, "--body", text,
                SWITCHHOOK_WHATSAPP_AI_DELAY="0", **ours)
        door.run_switchhook("conversation", "handoff", key(number), "on")
        equal(texts(door, "taken-over", number), ["1", "2"], "they wait")

    for args in [["receive", "ai"],
                 ["run", "ai", "--drain", "--", "sh", "-c", "cat >&2"]]:
        number = tel()
        due(number)
        done = door.run_switchhook("queue", *args, **ours)
        true(key(number).encode() not in done.stdout + done.stderr,
             f"it is not handed out: {done}")
        equal(texts(door, "taken-over", number), [],
              f"left for the AI: {done}")
        equal(texts(door, "human", number), ["1", "2"], "order")


@case
def opt_outs(door):
    """STOP and START show in conversation and log, and change no routing."""
    number = tel()
    door.rows("conversation", "add", "--id", f"o{number}", "--tel", number)

    def post(kind, how):
        message_sid = sid()
        params = message(number, message_sid, Body=kind)
        if how == "form":
            reply = door.post("/whatsapp", form(params | {"OptOutType": kind}))
        elif how == "json":
            reply = post_json(door, params | {"OptOutType": kind})
        else:
            reply = post_json(door, [event(number, message_sid,
                                           optOutType=kind)])
        check_twiml(reply)
        row, = with_text(door, message_sid)
        equal(row["queue"], "sqlite:ai", "queue")
        if how != "event":
            equal(of_request(door, reply)[-1]["opt_out"], kind, "log")
        row, = door.rows("conversation", "show", f"o{number}")
        return row["opted_out"]

    for how in ["form", "json", "event"]:
        equal([post(kind, how) for kind in
               ["HELP", "STOP", "HELP", "START", "START", "STOP", "STOP"]],
              [how != "form", True, True, False, False, True, True], how)
    row, = door.rows("conversation", "set", f"o{number}", "--opted-out", "off")
    equal(row["opted_out"], False, "set by hand")
    equal(post("SOMETHING-NEW", "event"), False, "of a kind to come")
    reply = door.post("/whatsapp", form(message(tel(), sid()) |
                                        {"OptOutType": "STOP"}))
    equal(of_request(door, reply)[-1]["opt_out"], "STOP", "of nobody known")


@case
def opt_outs_everywhere(door):
    """STOP is a sender's: all of their conversations have it, whatever the
    spelling, also if it was said before there was one."""
    number = "+5541" + "9" + "8" + tel()[-7:]
    other = number[:5] + number[6:]

    def out(name):
        return door.rows("conversation", "show", name)[0]["opted_out"]

    def say(kind, sender):
        check_twiml(door.post("/whatsapp", form(
            message(sender, sid(), Body=kind) | {"OptOutType": kind})))

    say("START", other)
    say("STOP", number)
    say("HELP", other)
    names = [key(number) + end for end in "abc"]
    for name, sender in zip(names, [number, other, number]):
        door.rows("conversation", "add", "--id", name, "--tel", sender)
    equal([out(name) for name in names], [True, False, False],
          "what was held belongs to the first")
    say("STOP", other)
    equal([out(name) for name in names], [True] * 3, "STOP")
    say("START", number)
    equal([out(name) for name in names], [False] * 3, "START")
    # Routed by hand.
    number = tel()
    say("STOP", number)
    door.rows("queue", "route", "--tel", number, "--to", "human")
    equal(len(texts(door, "human", number)), 1, "routed without one")
    number = tel()
    unheld = door.rows("conversation", "add", "--id", key(number),
                       "--tel", tel())[0]["opted_out"]
    say("STOP", number)
    equal(unheld, False, "nobody's")
    row, = door.rows("conversation", "set", key(number), "--tel", number)
    equal((row["held"], row["opted_out"]), (1, True), "set --tel")


# ---- Twilio's newer products


def conversations(author, **more):
    """A webhook of Twilio Conversations."""
    return {"EventType": "onMessageAdded", "Author": author, "Body": "Hi",
            "ConversationSid": "CH" + "0" * 32, "Source": "WHATSAPP",
            "MessageSid": "IM" + sid()[2:], "ParticipantSid": "MB" + "0" * 32,
            "Index": "3", "DateCreated": "2026-11-21T18:50:00.123Z",
            "AccountSid": "AC" + "0" * 32, "Attributes": "{}",
            "ChatServiceSid": "IS" + "0" * 32, "RetryCount": "0"} | more


@case
def conversations_webhooks(door):
    """What somebody outside wrote is an inbound message of Author."""
    for source, prefix in [("WHATSAPP", "whatsapp:"), ("SMS", ""),
                           ("MESSENGER", "messenger:")]:
        number = tel()
        door.rows("conversation", "add", "--id", f"c{number}", "--tel",
                  ("messenger:" if source == "MESSENGER" else "") + number)
        params = conversations(prefix + number, Source=source)
        for route in ["/whatsapp", "/whatsapp/status", "/call-status"]:
            check_twiml(door.post(route, form(params)))
        got = envelope_of(door, "ai", params["MessageSid"])["body"]
        equal(got["twilio_message"],
              {name: [value] for name, value in params.items()}, "as it was")
        equal((got["conversation_id"], got["channel"]),
              (f"c{number}", prefix[:-1] or "sms"), "conversation")


@case
def conversations_from_our_side(door):
    """What our own side wrote comes back as a webhook, too: a loop."""
    number = tel()
    for more in [{"Source": "API"}, {"Source": "api"}, {"Author": "system"},
                 {"Author": ""}, {"Author": "agent 7", "Source": "SDK"},
                 {"EventType": "onMessageUpdated"},
                 {"EventType": "onMessageAdd"},
                 {"EventType": "onConversationAdded"}]:
        params = conversations("whatsapp:" + number) | more
        for route in ["/whatsapp", "/whatsapp/status"]:
            equal(ignored(door, route, params), "not a message from outside",
                  f"{more}")
        equal(with_text(door, params["MessageSid"]), [], "nothing is queued")
    equal(ignored(door, "/whatsapp", {
        "EventType": "onUserAdded", "UserSid": "US" + "0" * 32,
        "Identity": "a"}), "not a message from outside", "of a user")


INBOUND = "com.twilio.messaging.inbound-message.received"


def event(number, message_sid, kind=INBOUND, **data):
    """A CloudEvent of Event Streams."""
    return {"specversion": "1.0", "type": kind, "source": "AB" + "0" * 32,
            "id": "EZ" + sid()[2:], "time": "2026-11-21T18:50:00.123Z",
            "dataschema":
            "https://events-schemas.twilio.com/Messaging.InboundMessageV1/6",
            "datacontenttype": "application/json",
            "data": {"messageSid": message_sid, "from": number, "body": "Hi",
                     "to": "+14155550199", "numMedia": 0,
                     "accountSid": "AC" + "0" * 32, "eventName": kind} | data}


def post_json(door, value, route="/whatsapp"):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    route += "?" + sha_query(body)
    return door.ask("POST", route, [
        ("X-Twilio-Signature", sign(TOKEN, door.url(route))),
        ("Content-Type", "application/json; charset=utf-8")], body)


@case
def event_streams(door):
    """Each inbound message of an array is routed, all or none; what is known
    already is skipped."""
    numbers, sids = [tel() for _ in range(3)], [sid() for _ in range(4)]
    door.rows("conversation", "add", "--id", f"c{sids[0]}", "--tel",
              numbers[0], "--handoff")
    events = [event(numbers[0], sids[0]), event("whatsapp:" + numbers[1], sids[1]),
              event(numbers[2], sids[2],
                    kind="com.twilio.messaging.message.delivered"),
              event(numbers[0], sids[3])]
    check_twiml(post_json(door, events[:1]))
    check_twiml(post_json(door, events))
    check_twiml(post_json(door, events, "/whatsapp/status"))
    for at, queue in [(0, "human"), (1, "unrouted"), (3, "human")]:
        row, = with_text(door, sids[at])
        equal(row["queue"], f"sqlite:{queue}", "queue")
        equal(row["body"]["twilio_message"], events[at], "as it was")
        equal(row["body"]["channel"], "whatsapp" if at == 1 else "sms",
              "channel")
    equal(with_text(door, sids[2]), [], "another kind of event")


@case
def events_without_a_sid(door):
    """The digest of the array and the place in it tell a repeat."""
    number = tel()
    events = [event(number, bad) for bad in ["SM1", "", None, "SM1"]]
    for _ in range(2):
        check_twiml(post_json(door, events))
    equal(len(with_text(door, number)), 4, "messages")
    check_twiml(post_json(door, events[:2]))
    equal(len(with_text(door, number)), 6, "messages of another array")


@case
def events_of_other_kinds(door):
    for value in [[], [event(tel(), sid(), kind="com.twilio.voice.twiml")],
                  b" [ ] ", [event(tel(), sid(), kind="x")] * 3]:
        reply = post_json(door, value)
        equal((reply.status, reply.body), (204, b""), f"{value}")
        equal(outcome(door, reply), "no inbound message in it", f"{value}")


@case
def no_events(door):
    """What is malformed routes nothing of it."""
    message_sid = sid()
    good = event(tel(), message_sid)
    for bad, error in [
            (1, "Not an array of CloudEvents"),
            ({}, "Not an array of CloudEvents"),
            ([good], "Not an array of CloudEvents"),
            ({"specversion": "1.0"}, "Not an array of CloudEvents"),
            ({"specversion": "1.0", "type": INBOUND},
             "Not an array of CloudEvents"),
            (event(1, sid()), "Not an array of CloudEvents"),
            (event("", sid()), "From is missing"),
            (event(None, sid()), "From is missing")]:
        for value in [[good, bad], [bad, good]]:
            reply = post_json(door, value)
            equal((reply.status, json.loads(reply.body)["error"]),
                  (400, error), f"{bad}")
    for text in [b"[", b"[1,]", b"[]]", b"[] []"]:
        reply = post_json(door, text)
        equal((reply.status, json.loads(reply.body)["error"]),
              (400, "Malformed JSON"), f"{text}")
    equal(with_text(door, message_sid), [], "nothing is queued")


@case
def json_at_the_wrong_url(door):
    """Studio's JSON at the URL of statuses is a message, and is warned of."""
    message_sid = sid()
    check_twiml(post_json(door, message(tel(), message_sid),
                          "/whatsapp/status"))
    envelope_of(door, "unrouted", message_sid)


# ---- the log of calls


def between(door, more=""):
    reply = door.ask("GET", "/batch-monitor-calls?source=log"
                     "&start_date=2020-01-01&end_date=2100-01-01" + more,
                     [("X-Api-Key", ADMIN)])
    equal(reply.status, 200, f"{more}: {reply}")
    return json.loads(reply.body)


@case
def calls_of_one_person(door):
    """Whoever asks what became of a caller finds the calls, and their legs;
    with a range of time, or is told so."""
    caller, callee = tel(), tel()
    call, leg = "CA" + sid()[2:], "CA" + sid()[2:]
    for params in [{"CallSid": call, "To": callee},
                   {"CallSid": leg, "From": callee, "To": caller,
                    "ParentCallSid": call, "Direction": "outbound-dial"}]:
        body = CALL | {"From": caller, "CallStatus": "busy"} | params
        equal(door.post("/call-status", form(body)).status, 204, f"{params}")
    for more, want in [(f"&from={caller}", [call]),
                       (f"&from=%2B{caller[1:]}", [call]),
                       (f"&to={caller}", [leg]),
                       (f"&from={caller}&to={callee}", [call]),
                       (f"&from={caller}&to={caller}", []),
                       (f"&parent_call_sid={call}", [leg]),
                       (f"&parent_call_sid={leg}", [])]:
        equal([c["sid"] for c in between(door, more)["calls"]], want, more)
    for args, want in [(["--from", caller], [call]), (["--to", caller], [leg]),
                       (["--parent-call-sid", call], [leg])]:
        equal([r["sid"] for r in door.rows("calls", "list", *args)], want,
              f"{args}")
    reply = door.ask("GET", "/batch-monitor-calls?source=log&start_date="
                     "2020-01-01", [("X-Api-Key", ADMIN)])
    equal(reply.status, 400, f"{reply}")
    true(b"end_date: required" in reply.body, f"{reply}")
    token = between(door, "&limit=1")["next_page_token"]
    reply = door.ask("GET", "/batch-monitor-calls?source=log&limit=1"
                     "&page_token=" + token, [("X-Api-Key", ADMIN)])
    equal(reply.status, 200, f"a token has its times: {reply}")


@case
def end_alone(door):
    """Twilio reports the end of a call alone, unless told otherwise: it began
    its duration earlier."""
    call = CALL | {"CallSid": "CA" + sid()[2:], "CallStatus": "completed",
                   "CallDuration": "3600"}
    equal(door.post("/call-status", form(call)).status, 204, "status")
    reply = door.ask("GET", f"/monitor-call/{call['CallSid']}?source=log",
                     [("X-Api-Key", ADMIN)])
    found = json.loads(reply.body)
    began, ended = (parsedate_to_datetime(found[n])
                    for n in ("start_time", "end_time"))
    equal((ended - began).total_seconds(), 3600, f"{found}")


# ---- templates


# Attributes of <ConversationRelay> that came after npm twilio 6.2.0.
NEWER = {name: "true" for name in [
    "applicationReconnect", "asrSmartFormat", "conversationConfiguration",
    "conversationId", "customerName", "deepgramSmartFormat",
    "eagerEotThreshold", "echoPromptFiltering",
    "elevenlabsLanguageTextNormalization", "eotThreshold",
    "ignoreBackchannel", "includeInPrompt", "partialPromptOnHangup",
    "speechTimeout", "ttsLanguageTextNormalization", "ttsTextNormalization",
    "turnDetection"]}


@case
def newer_attributes(door):
    """What Twilio has added to TwiML is played, and `check` knows it."""
    attributes = " ".join(f'{name}="{NEWER[name]}"' for name in NEWER)
    door.dir.write("templates/newer.twiml.xml", "<Response><Start>"
                   '<MediaFilter name="a" filterType="noise"/></Start><Connect>'
                   f'<ConversationRelay url="wss://a.example/" {attributes}/>'
                   "</Connect></Response>")
    reply = door.post("/handle-incoming-call/newer", form(CALL))
    equal(reply.status, 200, f"{reply}")
    true(attributes in reply.body.decode(), f"{reply}")
    done = door.run_switchhook("check", "--strict")
    equal((done.returncode, done.stderr), (0, b""), f"{done}")


# What no table of ours knows: a template, what stands in the reply, and the
# warning.
UNHEARD_OF = {
    "verb": ('<Sya loud="{From}">Hi {From}</Sya>',
             '<Sya loud="+14155550100">Hi +14155550100</Sya>',
             "1:11: there is no element <Sya>; did you mean <Say>?"),
    "new-verb": ('<Teleport to="Mars"><Beam>1</Beam></Teleport>',) * 2 +
    ("1:11: no element <Teleport> is known",),
    "attribute": ('<Gather numDigit="1"/>',) * 2 +
    ('1:19: <Gather> has no attribute "numDigit"; did you mean "numDigits"?',),
    "new-attribute": ('<Say accent="Scottish">Aye</Say>',) * 2 +
    ('1:16: <Say> has no attribute "accent" that is known',),
    "misplaced": ("<Gather><Hangup/></Gather>",) * 2 +
    ("1:19: <Hangup> may not stand in <Gather>",),
    "text": ("Hello {From}<Hangup/>",
             "Hello +14155550100<Hangup/>",
             "1:11: <Response> holds no text"),
}

# What stays a mistake.
MALFORMED = {
    "open": "<Response><Say>x</Say>",
    "root": "<Say>x</Say>",
    "doctype": "<!DOCTYPE Response><Response/>",
    "brace": "<Response><Say>{</Say></Response>",
    "brace-in-new": "<Response><Sya x='}'/></Response>",
}


def check_says(door, code, *args):
    """Lines of JSON."""
    done = door.run_switchhook("check", "--json", *args)
    equal(done.returncode, code, f"{done}")
    return [json.loads(line) for line in done.stdout.splitlines()]


@case
def unheard_of(door):
    """TwiML that we do not know is played, as Twilio plays it, with a warning:
    a caller is not turned away for it."""
    names = []
    try:
        for name, (text, spoken, warning) in UNHEARD_OF.items():
            names.append(name)
            door.dir.write(f"templates/{name}.twiml.xml",
                           f"<Response>{text}</Response>")
            reply = door.post(f"/handle-incoming-call/{name}", form(CALL))
            equal(reply.status, 200, f"{name}: {reply}")
            true(f"<Response>{spoken}</Response>" in reply.body.decode(),
                 f"{name}: {reply}")
            told = [line["warning"] for line in logged(door)
                    if line.get("template") == name]
            true(told[0].startswith(f"{name}.twiml.xml:{warning}"), f"{told}")
            in_files = [r["warning"] for r in check_says(door, 0)
                        if r.get("warning", "").startswith(f"{name}.")]
            equal(in_files, told, "check says the same")
            in_files = [r["mistake"] for r in check_says(door, 3, "--strict")
                        if r.get("mistake", "").startswith(f"{name}.")]
            equal(in_files, told, "and --strict as a mistake")
        equal(door.ask("GET", "/ready").status, 200, "ready")
        for name, text in MALFORMED.items():
            names.append(name)
            door.dir.write(f"templates/{name}.twiml.xml", text)
            reply = door.post(f"/handle-incoming-call/{name}", form(CALL))
            equal(reply.status, 500, f"{name}: {reply}")
        found = {r["mistake"].split(".")[0] for r in check_says(door, 3)
                 if "mistake" in r}
        equal(found, set(MALFORMED), "mistakes")
    finally:
        for name in names:
            os.unlink(door.dir(f"templates/{name}.twiml.xml"))


# ---- words that Twilio adds


@case
def new_words(door):
    """A status or direction that we do not know is stored and shown as it
    came, and can be looked for."""
    calls = [call_sid() for _ in range(3)]
    for call in calls:
        call_status(door, call, "on-hold & waiting",
                    Direction="outbound-dream", SequenceNumber="0")
    filters = {"source": "log", "status": "on-hold & waiting",
               "direction": "outbound-dream", "limit": 2,
               "start_date": "2020-01-01", "end_date": "9999-12-31"}
    route = "/batch-monitor-calls?" + urllib.parse.urlencode(filters)
    page = get(door, route)
    equal([c["status"] for c in page["calls"]], ["on-hold & waiting"] * 2,
          "status")
    token = page["next_page_token"]
    rest = get(door, f"{route}&page_token={token}")
    equal({c["sid"] for c in page["calls"] + rest["calls"]}, set(calls),
          "calls")
    equal(admin(door, route.replace("dream", "dreams") +
                f"&page_token={token}").status, 400, "a token of other filters")
    found = door.rows("calls", "list", "--status", "on-hold & waiting",
                      "--direction", "outbound-dream")
    equal({r["sid"] for r in found}, set(calls), "the command")
    equal(get(door, f"/monitor-call/{calls[0]}?source=log")["direction"],
          "outbound-dream", "one call")
    message_sid = sid()
    ignored(door, "/whatsapp/status", status_of(message_sid, "pondered"))
    shown = door.rows("message", "show", message_sid)
    true("pondered" in json.dumps(shown), f"{shown}")


@case
def new_inbound_words(door):
    """A message is not lost for a word that its status is not known by."""
    for status in ["receiving", "received-whole"]:
        message_sid = sid()
        body = form(message(tel(), message_sid, SmsStatus=status))
        check_twiml(door.post("/whatsapp", body))
        got = envelope_of(door, "unrouted", message_sid)["body"]
        equal(got["twilio_message"]["SmsStatus"], [status], "as it came")


# ---- settings


# As Kubernetes sets them for a Service called switchhook, switchhook-menu.
POD = {"SWITCHHOOK_SERVICE_HOST": "10.0.0.11", "SWITCHHOOK_SERVICE_PORT": "80",
       "SWITCHHOOK_SERVICE_PORT_HTTP": "80",
       "SWITCHHOOK_PORT": "tcp://10.0.0.11:80",
       "SWITCHHOOK_PORT_80_TCP": "tcp://10.0.0.11:80",
       "SWITCHHOOK_PORT_80_TCP_PROTO": "tcp",
       "SWITCHHOOK_PORT_80_TCP_PORT": "80",
       "SWITCHHOOK_PORT_80_TCP_ADDR": "10.0.0.11",
       "SWITCHHOOK_MENU_SERVICE_HOST": "fd00::1",
       "SWITCHHOOK_MENU_PORT": "udp://[fd00::1]:5060"}


class NginxInPod(NginxFastcgi):
    def start_responder(self):
        self.responder = self.add(Process(
            [self.program, "-c", self.conf, "-s", f"unix:{self.socket}"],
            self.dir("responder.log"), clean_env(**POD)))
        self.responder.wait_until(lambda: connects(self.socket), "listening")


class ByHandInPod(ByHand):
    def run(self, env, body=b"", expected=0):
        return super().run(env | POD, body, expected)


@case
def kubernetes(door):
    """The variables of a Service are passed over; a misspelt setting, or one
    that looks like them with another value, stops the start."""
    in_pod = NginxInPod if isinstance(door, NginxFastcgi) else ByHandInPod
    with in_pod() as pod:
        message_sid = sid()
        check_twiml(pod.post("/whatsapp", form(message(tel(), message_sid))))
        envelope_of(pod, "unrouted", message_sid)

    def check(**env):
        return subprocess.run(
            [door.dir("bin/switchhook"), "-c", door.conf, "check"],
            env=clean_env(**env), capture_output=True, text=True, timeout=60,
            check=False)

    equal(check(**POD).returncode, 0, "check in a pod")
    for name, value in [("SWITCHHOOK_PORT", "80"),
                        ("SWITCHHOOK_SERVICE_HOST", "web"),
                        ("SWITCHHOOK_SERVICE_HOSTS", "10.0.0.11"),
                        ("SWITCHHOOK_PORT_80_TCP_ADR", "10.0.0.11"),
                        ("SWITCHHOOK_SERVER_THREAD", "2")]:
        done = check(**POD | {name: value})
        equal(done.returncode, 3, name)
        true(name in done.stderr, done.stderr)


# ---- text


# What SQS refuses, and what readers of lines take for an end of one.
TROUBLESOME = ["\ufffe", "\uffff", "\ufdd0", "\U0001fffe", "\U0010ffff",
               "\x85", "\u2028", "\u2029", "\v", "\f", "\x1c", "\n", "\r"]


@case
def text_that_cannot_travel(door):
    """A message is one line that every queue takes, whatever is pasted into
    it; what is read from it is what was sent."""
    text = "a" + "b".join(TROUBLESOME) + "é😀"
    for pretty in (False, True):
        message_sid = sid()
        params = message(tel(), message_sid) | {"Body": text}
        if pretty:
            body = json.dumps(params, ensure_ascii=False, indent=1).encode()
            route = "/whatsapp?" + sha_query(body)
            reply = door.ask("POST", route, [
                ("X-Twilio-Signature", sign(TOKEN, door.url(route))),
                ("Content-Type", "application/json")], body)
        else:
            reply = door.post("/whatsapp", form(params))
        check_twiml(reply)
        body, = [r["body"] for r in door.rows("queue", "peek", "unrouted",
                                              "--limit", "100000")
                 if message_sid in r["body"]]
        equal(len(body.splitlines()), 1, "lines")
        for c in TROUBLESOME:
            true(c not in body, f"{c!r} is escaped")
        got = json.loads(body)["twilio_message"]["Body"]
        equal(got if pretty else got[0], text, "the text")


# ---- who it is


@case
def numbers_as_pasted(door):
    """A sender is found however its number was written."""
    for form_of in ["{0} {1} {2} {3}", "{0} ({1}) {2}-{3}",
                    "\u202a{0}\u00a0{1}\u00a0{2}\u2011{3}\u202c",
                    "whatsapp:{0}{1}{2}{3}", "\u200e{0}.{1}.{2}.{3}"]:
        number, message_sid, conv = tel(), sid(), conversation()
        door.switchhook("conversation", "add", "--id", conv, "--tel",
                        form_of.format(number[:2], number[2:5], number[5:8],
                                       number[8:]))
        check_twiml(door.post("/whatsapp", form(message(number, message_sid))))
        equal(envelope_of(door, "ai", message_sid)["body"]["conversation_id"],
              conv, form_of)
    for text in [tel()[2:], "Ann", "+1"]:
        done = door.run_switchhook("conversation", "add", "--id", "x",
                                   "--tel", text)
        equal(done.returncode, 2, text)
        true(b"+14155550103" in done.stderr, f"says what to write: {done}")


def goes_to(door, conv, address, channel="whatsapp", **more):
    """A message from that address belongs to conv; None: to nobody's."""
    message_sid = sid()
    params = message("", message_sid) | {"From": address} | more
    check_twiml(door.post("/whatsapp", form(params)))
    body = envelope_of(door, "ai" if conv else "unrouted", message_sid)["body"]
    equal(body["conversation_id"], conv, f"conversation of {address}")
    equal(body["channel"], channel, f"channel of {address}")
    equal(body["twilio_message"]["From"], [address], "as it came")


def added(door, number):
    conv = conversation()
    door.switchhook("conversation", "add", "--tel", number, "--id", conv)
    return conv


def digits(n):
    """That no other number ends with."""
    return tel()[-n:]


SPELLINGS = {"Brazil": ("+55419{}", "+5541{}", "888"),
             "Brazil, 6": ("+55119{}", "+5511{}", "611"),
             "Mexico": ("+521{}", "+52{}", "55123"),
             "Argentina": ("+549{}", "+54{}", "11234")}


@case
def spellings_of_a_number(door):
    """One person's number comes with a digit of the network or without it."""
    for country, (long, short, start) in SPELLINGS.items():
        for a, b in [(long, short), (short, long)]:
            number = start + digits(5)
            conv = added(door, a.format(number))
            goes_to(door, conv, "whatsapp:" + b.format(number))
            goes_to(door, conv, "whatsapp:" + a.format(number))
            newer = added(door, b.format(number))
            goes_to(door, newer, "whatsapp:" + a.format(number))
            row, = door.rows("conversation", "show", conv)
            equal(row["addresses"], [b.format(number)], country)


@case
def numbers_that_are_two(door):
    """A landline has no ninth digit: what looks like one is somebody else."""
    for a, b in [("+554132{}", "+5541932{}"), ("+555555{}", "+5555955{}"),
                 ("+141555{}", "+1415955{}")]:
        number = digits(6)
        conv = added(door, a.format(number))
        goes_to(door, conv, "whatsapp:" + a.format(number))
        goes_to(door, None, "whatsapp:" + b.format(number))


@case
def one_number_on_many_channels(door):
    number = tel()
    conv = added(door, number)
    goes_to(door, conv, "whatsapp:" + number)
    goes_to(door, conv, "WhatsApp:" + number)
    goes_to(door, conv, "rcs:" + number, "rcs")
    goes_to(door, conv, "RCS:" + number, "rcs")
    goes_to(door, conv, number, "sms")
    goes_to(door, None, "messenger:" + number[1:], "messenger")
    door.rows("conversation", "add", "--id", "m" + number, "--tel",
              "Messenger:" + number[1:])
    for prefix in ["messenger:", "MESSENGER:", "Messenger:"]:
        goes_to(door, "m" + number, prefix + number[1:], "messenger")


def user_id():
    return "US.134912086553" + digits(8)


@case
def user_names(door):
    """Who has taken a user name is known by the id that came beside the
    number before, and by the number when that comes again."""
    number, user = tel(), user_id()
    conv = added(door, number)
    goes_to(door, None, "whatsapp:" + user)
    goes_to(door, conv, "whatsapp:" + number, ExternalUserId=user)
    goes_to(door, conv, "whatsapp:" + user)
    goes_to(door, conv, "whatsapp:" + user, ExternalUserId=user)
    goes_to(door, conv, "whatsapp:" + number)
    row, = door.rows("conversation", "show", "--tel", user)
    equal((row["id"], row["addresses"]), (conv, [user]), "shown")
    newer = added(door, "whatsapp:" + user)
    goes_to(door, newer, "whatsapp:" + number)
    goes_to(door, newer, "rcs:" + number, "rcs")
    goes_to(door, None, "whatsapp:" + user_id())


@case
def user_name_first(door):
    """A conversation under the id is that of the number, from the message on
    that has both."""
    number, user = "+554188" + digits(6), user_id()
    conv = added(door, user)
    goes_to(door, None, "whatsapp:" + number)
    goes_to(door, conv, "whatsapp:" + number, ExternalUserId=user)
    goes_to(door, conv, "whatsapp:" + number[:5] + "9" + number[5:])
    # As JSON, and what is no id is no reason to refuse a message.
    for value, where in [(user_id(), "ai"), ({}, "unrouted")]:
        number, message_sid = tel(), sid()
        if where == "ai":
            conv = added(door, value)
        check_twiml(post_json(door, message(number, message_sid) |
                              {"ExternalUserId": value}))
        envelope_of(door, where, message_sid)
    goes_to(door, None, "whatsapp:" + tel(), ExternalUserId="no id")
    # As events: the second is known by the first.
    number, user, sids = tel(), user_id(), [sid(), sid()]
    conv = added(door, number)
    check_twiml(post_json(door, [
        event("whatsapp:" + number, sids[0], externalUserId=user),
        event("whatsapp:" + user, sids[1])]))
    for message_sid in sids:
        row, = with_text(door, message_sid)
        equal(row["body"]["conversation_id"], conv, "conversation")


# ---- signatures


@case
def ports(door):
    """A URL without a port may be signed with the default one, and with no
    other."""
    path = door.url("/whatsapp").replace(door.public_url, "", 1)
    body = form(message(tel(), sid()))
    for port, status in [("", 200), (":443", 200), (":80", 401),
                         (":8443", 401)]:
        url = door.public_url + port + path
        reply = door.ask("POST", "/whatsapp", [
            ("X-Twilio-Signature", sign(TOKEN, url, body)),
            ("Content-Type", "application/x-www-form-urlencoded")], body)
        equal(reply.status, status, f"signed for {url}")


@case
def escaped_body_hash(door):
    """The hash of a JSON body may come percent-encoded."""
    body = json.dumps(message(tel(), sid())).encode()
    name, value = sha_query(body).split("=")
    for start, status in [("", 200), (f"%{ord(value[0]):02x}", 200),
                          ("%31" if value[0] == "0" else "%30", 401)]:
        route = f"/whatsapp?{name}={start}{value[len(start) // 3:]}"
        reply = door.ask("POST", route, [
            ("X-Twilio-Signature", sign(TOKEN, door.url(route))),
            ("Content-Type", "application/json")], body)
        equal(reply.status, status, route)


# ---- paths


@case
def slash_at_the_end(door):
    """/whatsapp/ is /whatsapp; what was signed is the URL as it stands."""
    message_sid = sid()
    body = form(message(tel(), message_sid))
    check_twiml(door.post("/whatsapp/", body))
    check_twiml(door.post("/whatsapp", body))
    envelope_of(door, "unrouted", message_sid)
    equal(ignored(door, "/whatsapp/status/", status_of(sid(), "sent")),
          "recorded", "a status")
    for route in ["/handle-incoming-call/gather/", "/transfer-call/",
                  "/process-digits/birthdate/?attempt=2"]:
        reply = door.post(route, form(CALL | {"Digits": "1"}))
        equal(reply.status, 200, f"{route}: {reply}")
    equal(door.ask("GET", "/health/").status, 200, "health")
    for route in ["/whatsapp", "/whatsapp/"]:
        reply = door.ask("POST", route, [
            ("X-Twilio-Signature", sign(TOKEN, door.url("/health"), body)),
            ("Content-Type", "application/x-www-form-urlencoded")], body)
        equal(reply.status, 401, "another signature")


@case
def path_is_logged(door):
    """Whoever looks for a 404 or a 400 finds what was asked for."""
    for method, route, path in [
            ("GET", "/nothing?a=secret", "/nothing"),
            ("POST", "/whatsap", "/whatsap"),
            ("GET", "/" + "a" * 200, "/" + "a" * 126)]:
        line, = of_request(door, door.ask(method, route))
        equal((line["status"], line["path"]), (404, path), f"{line}")
    reply = door.post("/whatsapp/", form(message(tel(), sid())) + b"&x=%zz")
    line, = of_request(door, reply)
    equal((line["status"], line["path"]), (400, "/whatsapp/"), f"{line}")
    line, = of_request(door, door.ask("GET", "/health"))
    true("path" not in line, f"not of a 200: {line}")


@case
def no_path(door):
    """The web server's configuration is wrong: the log says what to add."""
    def ask(**params):
        if isinstance(door, ByHand):
            done = subprocess.run(
                [door.program], capture_output=True, timeout=60, check=True,
                env=clean_env(SWITCHHOOK_CONF=door.conf,
                              GATEWAY_INTERFACE="CGI/1.1", **params))
            return client.parse_cgi(done.stdout)
        return fastcgi.ask(door.socket,
                           fastcgi.request(list(params.items())))

    for params, lack in [
            ({"REQUEST_METHOD": "GET"}, "neither PATH_INFO nor REQUEST_URI"),
            ({"REQUEST_METHOD": "GET", "PATH_INFO": "health"}, "no / in front"),
            ({"PATH_INFO": "/health"}, "no REQUEST_METHOD")]:
        reply = ask(**params)
        equal(reply.status, 400, f"{params}")
        line, = of_request(door, reply)
        equal(line["message"], "malformed request", "message")
        true(lack in line["reason"], f"{line}")


def suite(results):
    for kind in (NginxFastcgi, ByHand):
        with kind() as door:
            for fn in CASES + findings.CASES:
                results.run(f"people, {kind.name}: {fn.__name__}", fn, door)
