"""A bot is one line: what the command of `queue run --reply` prints is the
reply. Twilio is t/calls/mock.cjs; etc/worker.sh and etc/worker.py are tried as
they are shipped."""
import json
import os
import random
import subprocess
import sys
import threading
import time

from admin_cases import bearer
from bursts import Person, counts
from calls_mock import CallsMock
from cases import check_twiml, message, sid
from doors import ADMIN, VOICE, ByHand, NginxFastcgi
from outcome import equal, patience, true
from replies import Answering, work
from servers import SRCDIR, clean_env, wait_for
from twilio_sign import form

CASES = []
ROUNDS = 300 if os.environ.get("SWITCHHOOK_TEST_LONG") else 30
SHELL = ["sh", os.path.join(SRCDIR, "etc/worker.sh")]
PYTHON = [sys.executable, os.path.join(SRCDIR, "etc/worker.py")]


def case(fn):
    CASES.append(fn)
    return fn


class Nginx(Answering, NginxFastcgi):
    voice = VOICE + "[whatsapp]\nai_delay = 0\nunknown_sender = ai\n"


class Cgi(Answering, ByHand):
    voice = Nginx.voice


class Customer(Person):
    def says(self, *texts, **more):
        for text in texts:
            self.sids.append(sid())
            check_twiml(self.door.post("/whatsapp", form(message(
                self.tel, self.sids[-1], Body=text, **more))))


def bot(door, *command, options=("--batch",), status=0):
    """One run until nothing is due: what became of the messages, and what was
    said."""
    done = door.run_switchhook("queue", "run", "ai", "--reply", "--drain",
                               "--json", *options, "--", *command)
    equal(done.returncode, status, f"{done}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def results(rows):
    return [r["result"] for r in rows]


def redrive(door, rows):
    for row in rows:
        door.switchhook("queue", "redrive", "ai", row["id"])


def heard(door, person):
    """What Twilio was to send to them, oldest first."""
    return [m["body"] for m in reversed(door.mock.messages())
            if m["to"] == "whatsapp:" + person.tel]


def of(door, person, what=""):
    reply = door.ask("GET", f"/api/conversations/{person.id}{what}",
                     bearer(ADMIN))
    equal(reply.status, 200, f"{reply}")
    return json.loads(reply.body)


def replies_of(door, person):
    rows, token = [], ""
    while token is not None:
        page = of(door, person, f"/messages?limit=100{token}")
        rows += [m for m in page["messages"] if m["direction"] == "outbound"]
        token = page["next_page_token"] and "&page_token=" + \
            page["next_page_token"]
    return rows


@case
def burst_answered_once(door):
    """By the bot in a few lines of shell."""
    ann = Customer(door)
    ann.says("Hello", "are you open", "on Sunday?")
    rows = bot(door, *SHELL)
    equal(results(rows), ["done"] * 3, f"{rows}")
    equal(heard(door, ann),
          ["Thank you! We have read:\nHello\nare you open\non Sunday?"],
          "the customer")
    reply, = replies_of(door, ann)
    equal((reply["author"], reply["state"]), ("machine", "sent"), f"{reply}")
    equal({r["reply"] for r in rows}, {reply["id"]}, f"{rows}")
    equal(of(door, ann)["unanswered"], 0, "unanswered")
    equal(counts(door, "ai"), (0, 0, 0, 0), "ai")
    equal(bot(door, *SHELL), [], "no more")


@case
def example_in_python(door):
    ann = Customer(door)
    ann.says('Où "est" 🎉', "\\ and\nmore")
    equal(results(bot(door, *PYTHON)), ["done"] * 2, "rows")
    equal(heard(door, ann),
          ['Thank you! We have read:\nOù "est" 🎉\n\\ and\nmore'],
          "the customer")
    ann.says("")
    equal(results(bot(door, *PYTHON)), ["done"], "a picture")
    equal(len(heard(door, ann)), 1, "no reply to it")
    ann.says("I want a person")
    equal(results(bot(door, *PYTHON)), ["handed_off"], "people")


@case
def hands_over(door):
    """Exit status 10: people get it all, in order, and the bot is silent."""
    ann, bob = Customer(door), Customer(door)
    ann.says("Hello", "I want a human")
    bob.says("Hello from Bob")
    path = door.dir.write("state/late.sh", "exit 10")
    rows = bot(door, *SHELL)
    equal(sorted(results(rows)), ["done", "handed_off", "handed_off"],
          f"{rows}")
    told = of(door, ann)
    equal((told["handoff"], told["handoff_by"]), (True, "machine"), f"{told}")
    equal(of(door, bob)["handoff"], False, "the other")
    ann.says("anybody?")
    got = [row["body"]["twilio_message"]["MessageSid"][0]
           for row in door.queue("human")
           if row["body"]["conversation_id"] == ann.id]
    equal(got, ann.sids, "people's")
    equal(heard(door, ann), [], "nothing was said")
    equal(counts(door, "ai"), (0, 0, 0, 0), "ai")
    # One at a time, too: what waits behind it goes with it.
    carl = Customer(door)
    carl.says("1", "2", "3")
    rows = bot(door, "sh", path, options=())
    equal(results(rows), ["handed_off"], f"{rows}")
    got = [row["body"]["twilio_message"]["MessageSid"][0]
           for row in door.queue("human")
           if row["body"]["conversation_id"] == carl.id]
    equal(got, carl.sids, "people's")


@case
def says_nothing(door):
    ann = Customer(door)
    for text in ("", " \n\t\n"):
        ann.says("Hello")
        rows = bot(door, "printf", "%s", text)
        equal(results(rows), ["done"], f"{rows}")
        true("reply" not in rows[0] and "reason" not in rows[0], f"{rows}")
    equal((heard(door, ann), replies_of(door, ann)), ([], []), "replies")
    equal(of(door, ann)["unanswered"], 2, "they wait for an answer")


@case
def output_as_it_is(door):
    """White space around it is none of the reply; what it leaves running does
    not hold it up."""
    ann = Customer(door)
    for command, text in [
            ('printf "\\n  a  b\\n\\nc \\n\\n"', "a  b\n\nc"),
            ("sleep 30 2>/dev/null & echo quick", "quick"),
            ("yes no >&2 & echo loud; kill $!", "loud"),
            ("exec <&-; printf %1600s | tr ' ' x", "x" * 1600),
            ("printf '%s' '-n'", "-n")]:
        ann.says("Hello")
        began = time.monotonic()
        equal(results(bot(door, "sh", "-c", command)), ["done"], command)
        true(time.monotonic() - began < 15, f"{command}: at once")
        equal(heard(door, ann)[-1], text, command)


@case
def fails(door):
    """Released, as ever; what a failing command has printed is no reply."""
    for command, reason in [
            ("echo no; exit 7", "exit status 7"),
            ("echo no; kill -9 $$", "killed by signal 9 (Killed)"),
            ("printf %1601s | tr ' ' x",
             "the text is longer than 1600 characters"),
            ("head -c 200000 /dev/zero | tr '\\0' x",
             "it printed more than 64 KiB; a reply has 1600 characters at "
             "most"),
            ("printf 'a\\0b'", "it printed a NUL, which no reply can have"),
            ("printf '\\377'", "the text is not UTF-8")]:
        ann = Customer(door)
        ann.says("one", "two")
        rows = bot(door, "sh", "-c", command, options=(
            "--batch", "--tries", "1"))
        equal([(r["result"], r["reason"]) for r in rows],
              [("dead", reason)] * 2, command)
        equal((heard(door, ann), replies_of(door, ann)), ([], []), command)
    ann = Customer(door)
    ann.says("one", "two")
    rows = bot(door, "false", options=("--batch", "--tries", "2",
                                       "--backoff", "0"))
    equal(results(rows), ["released"] * 2 + ["dead"] * 2, f"{rows}")
    redrive(door, rows[2:])
    equal(results(bot(door, *SHELL)), ["done"] * 2, "due again")
    equal(len(heard(door, ann)), 1, "answered")


@case
def told_whom(door):
    """And switchhook itself, run by the command, takes these variables for
    no settings."""
    ann = Customer(door)
    ann.says("Hello")
    rows = bot(door, "sh", "-c", 'echo "$SWITCHHOOK_CONVERSATION '
               '$SWITCHHOOK_FROM $SWITCHHOOK_TO $SWITCHHOOK_CHANNEL '
               '$SWITCHHOOK_MESSAGES"; env | grep -c TOKEN; '
               f'"{door.dir("bin/switchhook")}" -c "{door.conf}" '
               'conversation show "$SWITCHHOOK_CONVERSATION" --json >&2')
    equal(results(rows), ["done"], f"{rows}")
    equal(heard(door, ann),
          [f"{ann.id} whatsapp:{ann.tel} whatsapp:+14155238886 whatsapp 1\n0"],
          "environment")


@case
def taken_over_meanwhile(door):
    """People were quicker: the bot's reply is not said, and they have it."""
    ann = Customer(door)
    ann.says("Hello", "again")
    rows = bot(door, "sh", "-c", f'"{door.dir("bin/switchhook")}" -c '
               f'"{door.conf}" conversation handoff '
               '"$SWITCHHOOK_CONVERSATION" on >&2; echo I am a bot')
    equal(results(rows), ["handed_off"] * 2, f"{rows}")
    equal((heard(door, ann), replies_of(door, ann)), ([], []), "replies")
    equal(of(door, ann)["handoff_by"], "switchhook", "who")
    got = [row["body"]["twilio_message"]["MessageSid"][0]
           for row in door.queue("human")
           if row["body"]["conversation_id"] == ann.id]
    equal(got, ann.sids, "people's")


@case
def opted_out(door):
    """Acknowledged, and said so."""
    ann = Customer(door)
    ann.says("Hello")
    ann.says("STOP", OptOutType="STOP")
    rows = bot(door, *SHELL)
    equal(results(rows), ["done"] * 2, f"{rows}")
    true("opted out" in rows[0]["reason"], f"{rows}")
    equal((heard(door, ann), replies_of(door, ann)), ([], []), "replies")


@case
def nobody_known(door):
    """unknown_sender = ai: a failed try says what to do, and when that is done
    it is answered."""
    ann = Customer(door)
    door.switchhook("conversation", "remove", ann.id)
    ann.says("Hello")
    ran = door.dir("state/ran")
    rows = bot(door, "touch", ran, options=("--tries", "1"))
    equal(results(rows), ["dead"], f"{rows}")
    true("conversation add" in rows[0]["reason"], f"{rows}")
    true(not os.path.exists(ran), "the command has not run")
    door.switchhook("conversation", "add", "--id", ann.id, "--tel", ann.tel)
    ann.says("Hello?")
    redrive(door, rows)
    equal(results(bot(door, *SHELL)), ["done"] * 2, "answered")
    equal(sorted(heard(door, ann)), [f"Thank you! We have read:\n{t}"
                                     for t in ("Hello", "Hello?")],
          "the customer")


@case
def one_at_a_time(door):
    ann = Customer(door)
    ann.says("one", "two")
    rows = bot(door, *SHELL, options=())
    equal(results(rows), ["done"] * 2, f"{rows}")
    equal(heard(door, ann), [f"Thank you! We have read:\n{t}"
                             for t in ("one", "two")], "two replies")


@case
def mistakes(door):
    """Before a message is taken."""
    ann = Customer(door)
    ann.says("Hello")
    for queue in ("human", "unrouted", "sqlite:other"):
        done = door.run_switchhook("queue", "run", queue, "--reply",
                                   "--drain", "--", "true")
        equal(done.returncode, 2, f"{queue}: {done}")
        true(b"whatsapp.ai_queue" in done.stderr, f"{queue}: {done}")
    done = door.run_switchhook("queue", "run", "ai", "--reply", "--drain",
                               "--", "echo", "hi",
                               SWITCHHOOK_TWILIO_ACCOUNT_SID="")
    equal(done.returncode, 0, f"{done}")
    true(b"replies will wait: Twilio cannot be asked: set "
         b"twilio.account_sid" in done.stderr,
         f"{done}")
    equal(heard(door, ann), [], "not sent yet")
    reply, = replies_of(door, ann)
    equal(reply["state"], "queued", f"{reply}")


# Says which messages it answers, after a moment, and notes that it is done.
ECHO = """\
import json, os, sys, time
rows = [json.loads(line) for line in sys.stdin]
time.sleep(0.02)
print(*[row["twilio_message"]["MessageSid"][0][-10:] for row in rows])
sys.stdout.close()
open(os.path.join(os.path.dirname(sys.argv[0]), "ended"), "w").close()
"""


def start(door, *command):
    # pylint: disable=consider-using-with
    return subprocess.Popen(
        [door.dir("bin/switchhook"), "-c", door.conf, "queue", "run", "ai",
         "--batch", "--reply", "--visibility", "1", "--tries", "1000",
         "--backoff", "0", "--", *command], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=clean_env())


def write_on(person, stop):
    choice = random.Random(person.id)
    while not stop.is_set():
        person.write()
        time.sleep(choice.uniform(0, 0.4))


def hit(door, choice):
    """At any time, or while a reply is stored or sent."""
    ended = door.dir("state/ended")
    if choice.random() < 0.5:
        time.sleep(choice.uniform(0, 1))
        return
    if os.path.exists(ended):
        os.remove(ended)
    end = time.monotonic() + 5
    while not os.path.exists(ended) and time.monotonic() < end:
        time.sleep(0.001)
    time.sleep(choice.uniform(0, 0.03))


def settled(door, people):
    """No reply of theirs is under way."""
    work(door)
    return not [m for p in people for m in replies_of(door, p)
                if m["state"] == "queued"]


def killed(door):
    """kill -9 of the consumer, whenever: no message is answered twice, and
    none is left."""
    choice, stop = random.Random(20261130), threading.Event()
    people = [Customer(door) for _ in range(3)]
    writers = [threading.Thread(target=write_on, args=(p, stop))
               for p in people]
    command = [sys.executable, door.dir.write("state/echo.py", ECHO)]
    consumer = start(door, *command)
    try:
        for w in writers:
            w.start()
        for _ in range(ROUNDS):
            hit(door, choice)
            consumer.kill()
            consumer.wait()
            consumer = start(door, *command)
        stop.set()
        for w in writers:
            w.join()
        wait_for(lambda: counts(door, "ai")[:3] == (0, 0, 0),
                 "all are done", patience(60))
        wait_for(lambda: settled(door, people), "all are sent", patience(60))
    finally:
        stop.set()
        consumer.terminate()
        consumer.wait()
    check_answers(door, people)


def check_answers(door, people):
    total, unknown = 0, 0
    for p in people:
        rows = replies_of(door, p)
        said = [one for m in reversed(rows) for one in m["text"].split()]
        wanted = [one[-10:] for one in p.sids]
        equal(sorted(said), sorted(wanted), "each is answered once")
        equal(said, wanted, "in order")
        sent = heard(door, p)
        equal(len(sent), len(set(sent)), "each reply is at Twilio once")
        for m in rows:
            true(m["text"] in sent or m["state"] == "unknown",
                 f"is at Twilio: {m}")
        total += len(rows)
        unknown += len([m for m in rows if m["state"] == "unknown"])
    print(f"      {ROUNDS} kills, {sum(len(p.sids) for p in people)} messages,"
          f" {total} replies, {unknown} of them unknown")
    true(total > ROUNDS / 3, "some came through")


def suite(results_of):
    for kind in (Nginx, Cgi):
        with CallsMock(10) as mock:
            kind.mock = mock
            with kind() as door:
                for fn in CASES + [killed]:
                    results_of.run(f"bots, {kind.name}: {fn.__name__}", fn,
                                   door)
                results_of.run(f"bots, {kind.name}: asked as Twilio has it",
                               mock.check)
