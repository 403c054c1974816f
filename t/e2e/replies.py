"""Replies: each leaves once, whatever Twilio does, and what becomes of it is
told. Twilio is t/calls/mock.cjs."""
import json
import time

from calls_mock import TOKEN, CallsMock
from cases import check_twiml, message, sid, tel
from doors import ByHand, NginxFastcgi
from outcome import equal, true
from servers import wait_for
from twilio_sign import form

CASES = []
OURS = "whatsapp:+14155238886"


def case(fn):
    CASES.append(fn)
    return fn


class Answering:
    """A site that may write to Twilio."""
    mock = None

    def config(self, **changes):
        return super().config(**changes).replace(
            "[twilio]", "[twilio]\n" + self.mock.settings())


class NginxAnswering(Answering, NginxFastcgi):
    pass


class ByHandAnswering(Answering, ByHand):
    pass


def key(number):
    return "k" + number.strip("+")


def known(door, *more):
    """A person who has written; the conversation's id."""
    number = tel()
    door.rows("conversation", "add", "--id", key(number), "--tel", number,
              *more)
    check_twiml(door.post("/whatsapp", form(message(number, sid()))))
    return key(number)


def reply(door, conversation, text, *more):
    row, = door.rows("reply", conversation, "--body", text, *more)
    return row


def created(door, text):
    return [m for m in door.mock.messages() if m["body"] == text]


def state_of(door, conversation, text):
    """Of a reply, as reply --client-id tells it again."""
    return reply(door, conversation, text, "--client-id", text)["state"]


def work(door):
    """What the responder's thread does by itself, or cron."""
    if isinstance(door, ByHand):
        door.run_switchhook("spool", "flush")


@case
def sent(door):
    """To where the last message came from, from where it came to."""
    conversation = known(door)
    row = reply(door, conversation, "Hello, sent", "--media",
                "https://a.example/b.png")
    equal((row["state"], row["from"], row["author"]),
          ("sent", OURS, "switchhook"), f"{row}")
    one, = created(door, "Hello, sent")
    equal((one["from"], one["to"], one["sid"], one["media"]),
          (OURS, f"whatsapp:+{conversation[1:]}", row["sid"],
           ["https://a.example/b.png"]), "at Twilio")
    equal(one["status_callback"],
          door.url("/whatsapp/status?reply=" + row["id"][1:]), "callback")


@case
def once(door):
    """The same client_id is the same reply."""
    conversation = known(door)
    first = reply(door, conversation, "once", "--client-id", "1")
    again = reply(door, conversation, "once", "--client-id", "1")
    equal((again["id"], again["sid"]), (first["id"], first["sid"]), "again")
    done = door.run_switchhook("reply", conversation, "--body", "other",
                               "--client-id", "1")
    equal(done.returncode, 1, f"{done}")
    true(b"client_id" in done.stderr, f"{done}")
    equal(len(created(door, "once")), 1, "at Twilio")


@case
def refused(door):
    conversation = known(door)
    door.mock.set(message_script=["refuse:63016"])
    row = reply(door, conversation, "refused")
    equal((row["state"], row["error_code"]), ("refused", "63016"), f"{row}")
    true("24 hours" in row["error"], f"in words: {row}")
    work(door)
    equal(created(door, "refused"), [], "it is not sent again")


@case
def not_taken(door):
    """Surely not taken: sent later, once."""
    conversation = known(door)
    door.mock.set(message_script=["429"])
    row = reply(door, conversation, "later", "--client-id", "later")
    equal(row["state"], "queued", f"{row}")

    def is_sent():
        work(door)
        return state_of(door, conversation, "later") == "sent"
    wait_for(is_sent, "the reply to be sent", 20)
    equal(len(created(door, "later")), 1, "at Twilio")


@case
def unknown(door):
    """Perhaps taken: never sent again by itself, whether it was or not."""
    for how, taken in [("taken:500", 1), ("taken:reset", 1), ("500", 0)]:
        conversation = known(door)
        text = f"unknown {how}"
        door.mock.set(message_script=[how])
        row = reply(door, conversation, text, "--client-id", text)
        equal(row["state"], "unknown", f"{how}: {row}")
        for _ in range(3):
            work(door)
            time.sleep(.5)
        equal(len(created(door, text)), taken, f"{how}: at Twilio")
        equal(state_of(door, conversation, text), "unknown", how)
        if taken:
            one, = created(door, text)
            params = {"MessageSid": one["sid"], "MessageStatus": "delivered",
                      "From": one["from"], "To": one["to"]}
            route = one["status_callback"].replace(door.url(""), "")
            equal(door.post(route, form(params)).status, 204, "callback")
            equal(state_of(door, conversation, text), "delivered", how)


@case
def statuses(door):
    """In whatever order they come, with Twilio's code in words."""
    conversation = known(door)
    row = reply(door, conversation, "followed", "--client-id", "followed")
    route = "/whatsapp/status?reply=" + row["id"][1:]
    for status, is_now, more in [
            ("delivered", "delivered", {}), ("sent", "delivered", {}),
            ("read", "read", {}), ("delivered", "read", {})]:
        door.post(route, form({"MessageSid": row["sid"],
                               "MessageStatus": status} | more))
        equal(state_of(door, conversation, "followed"), is_now, status)
    row = reply(door, conversation, "fails", "--client-id", "fails")
    door.post("/whatsapp/status", form({
        "MessageSid": row["sid"], "MessageStatus": "undelivered",
        "ErrorCode": "63016"}))
    row = reply(door, conversation, "fails", "--client-id", "fails")
    equal((row["state"], row["error_code"]), ("undelivered", "63016"),
          f"{row}")
    true("24 hours" in row["error"], f"in words: {row}")


@case
def opted_out(door):
    number = tel()
    door.rows("conversation", "add", "--id", key(number), "--tel", number)
    check_twiml(door.post("/whatsapp", form(message(
        number, sid(), OptOutType="STOP"))))
    done = door.run_switchhook("reply", key(number), "--body", "stop")
    equal(done.returncode, 1, f"{done}")
    true(b"opted out" in done.stderr, f"{done}")
    equal(created(door, "stop"), [], "at Twilio")


@case
def mistakes(door):
    conversation = known(door)
    for args, code in [(["nobody", "--body", "x"], 1), ([conversation], 2),
                       ([conversation, "--body", ""], 2),
                       ([conversation, "--body", "x" * 1601], 2),
                       ([conversation, "--media", "no url"], 2),
                       ([], 2)]:
        done = door.run_switchhook("reply", *args)
        equal(done.returncode, code, f"{args}: {done}")
    equal(len(created(door, "x")), 0, "at Twilio")


@case
def nobody_wrote_yet(door):
    """twilio.sender says where from."""
    number = tel()
    door.rows("conversation", "add", "--id", key(number), "--tel", number)
    done = door.run_switchhook("reply", key(number), "--body", "first")
    equal(done.returncode, 1, f"{done}")
    true(b"twilio.sender" in done.stderr, f"{done}")
    for sender, to in [(OURS, "whatsapp:" + number),
                       ("+14155238886", number)]:
        done = door.run_switchhook("reply", key(number), "--body", sender,
                                   SWITCHHOOK_TWILIO_SENDER=sender)
        equal(done.returncode, 0, f"{done}")
        one, = created(door, sender)
        equal((one["from"], one["to"]), (sender, to), "addresses")


def in_order(door):
    """Replies of a conversation leave in the order in which they came, though
    the first of them waits."""
    conversation = known(door)
    door.mock.set(message_script=["429"])
    for text in ("order 1", "order 2", "order 3"):
        reply(door, conversation, text, "--client-id", text)

    def all_sent():
        work(door)
        return state_of(door, conversation, "order 3") == "sent"
    wait_for(all_sent, "all of them", 20)
    equal([m["body"] for m in door.mock.messages()
           if m["body"].startswith("order")],
          ["order 3", "order 2", "order 1"], "newest first")


CASES.append(in_order)


def suite(results):
    for kind in (NginxAnswering, ByHandAnswering):
        with CallsMock(10) as mock:
            kind.mock = mock
            with kind() as door:
                for fn in CASES:
                    results.run(f"replies, {kind.name}: {fn.__name__}", fn,
                                door)
                    mock.set(message_script=[], message_always="ok")
                results.run(f"replies, {kind.name}: asked as Twilio has it",
                            mock.check)
