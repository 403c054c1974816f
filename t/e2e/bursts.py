"""People write several messages in a row: `queue run --batch` hands all that
wait of a conversation to one run of the command."""
import json
import os
import random
import subprocess
import sys
import threading
import time

from cases import check_twiml, conversation, message, sid, tel
from doors import VOICE, ByHand, NginxFastcgi
from outcome import equal, patience, true
from servers import clean_env, wait_for
from twilio_sign import form

DELAY = int(patience(5))
ROUNDS = 40 if os.environ.get("SWITCHHOOK_TEST_LONG") else 6

# Takes its time, and notes in OUT what it got, or that another run of it has
# the same conversation. Its lock goes with the process.
WORKER = """\
import fcntl, json, os, sys, time
rows = [json.loads(line) for line in sys.stdin]
note = {"conversation": rows[0]["conversation_id"],
        "conversations": len({r["conversation_id"] for r in rows}),
        "sids": [r["twilio_message"]["MessageSid"][0] for r in rows],
        "messages": os.environ["SWITCHHOOK_MESSAGES"],
        "id": os.environ["SWITCHHOOK_MESSAGE_ID"],
        "attempt": os.environ["SWITCHHOOK_ATTEMPT"]}
here = os.path.dirname(sys.argv[0])
lock = open(os.path.join(here, note["conversation"] + ".lock"), "w")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    lock.write(str(os.getppid()))
    lock.flush()
except OSError:
    note["twice"] = True
time.sleep(float(sys.argv[1]))
out = os.open(os.path.join(here, "notes"),
              os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
os.write(out, json.dumps(note).encode() + b"\\n")
lock.truncate(0)
sys.exit(int(sys.argv[2]))
"""


class Nginx(NginxFastcgi):
    voice = VOICE + f"[whatsapp]\nai_delay = {DELAY}\n"


class Cgi(ByHand):
    voice = Nginx.voice


class Person:
    """Who has a conversation, and what they wrote."""

    def __init__(self, door, human=False):
        self.door = door
        self.tel, self.id, self.sids = tel(), conversation(), []
        door.switchhook("conversation", "add", "--id", self.id, "--tel",
                        self.tel)
        if human:
            door.switchhook("conversation", "handoff", self.id, "on")

    def write(self, n=1):
        for _ in range(n):
            self.sids.append(sid())
            check_twiml(self.door.post(
                "/whatsapp", form(message(self.tel, self.sids[-1]))))


def worker(door, seconds=0, status=0):
    path = door.dir.write("state/worker.py", WORKER)
    return ["--", sys.executable, path, str(seconds), str(status)]


def start(door, queue, *args):
    """queue run --batch, in a process of its own."""
    # pylint: disable=consider-using-with
    return subprocess.Popen(
        [door.dir("bin/switchhook"), "-c", door.conf, "queue", "run", queue,
         "--batch", "--json", *args], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_env())


def run(door, queue, *args):
    """The same to its end: what became of the messages."""
    out = door.switchhook("queue", "run", queue, "--batch", "--json", *args)
    return [json.loads(line) for line in out.splitlines()]


def notes(door):
    """What the worker has noted since the last time."""
    path = door.dir("state/notes")
    if not os.path.exists(path):
        return []
    lines = door.dir.read("state/notes").splitlines()
    os.remove(path)
    return [json.loads(line) for line in lines]


def counts(door, queue):
    row, = [r for r in door.rows("queue", "list") if r["queue"] == queue]
    return tuple(row[k] for k in ("ready", "delayed", "taken", "dead"))


def burst(door):
    """The bot gets what was written in a row at once, when the first is due."""
    ann, bob = Person(door), Person(door)
    began = time.monotonic()
    ann.write()
    bob.write()
    time.sleep(DELAY / 2)
    ann.write(2)
    last = time.monotonic()
    equal(run(door, "ai", "--drain", *worker(door)), [], "nothing is due yet")
    rows = run(door, "ai", "--limit", "4", *worker(door))
    true(time.monotonic() - began >= DELAY * 0.9, "after the delay")
    true(time.monotonic() - last < DELAY * 0.9, "not after the last's")
    equal([r["result"] for r in rows], ["done"] * 4, f"{rows}")
    one, two = notes(door)
    if one["conversation"] != ann.id:
        one, two = two, one
    equal((one["conversation"], one["conversations"], one["sids"]),
          (ann.id, 1, ann.sids), "the burst")
    equal((one["messages"], one["attempt"]), ("3", "1"), "of what it is told")
    true(one["id"] in [r["id"] for r in rows], f"{one} {rows}")
    equal((two["sids"], two["messages"]), (bob.sids, "1"), "the other")
    equal(counts(door, "ai"), (0, 0, 0, 0), "ai")


def meanwhile(door):
    """What is written while the command runs waits, and is next."""
    notes(door)  # of a case before this one
    ann = Person(door, human=True)
    ann.write(2)
    consumer = start(door, "human", "--limit", "2", *worker(door, 1))
    wait_for(lambda: counts(door, "human")[2] == 2, "both are taken")
    ann.write()
    equal(run(door, "human", "--drain", *worker(door)), [],
          "nobody else gets it")
    out, err = consumer.communicate(timeout=60)
    equal(consumer.returncode, 0, f"{out} {err}")
    run(door, "human", "--drain", *worker(door))
    equal([n["sids"] for n in notes(door)], [ann.sids[:2], ann.sids[2:]],
          "two runs")


def fails(door):
    """A burst fails, dies and comes back as one, in its order."""
    ann = Person(door, human=True)
    ann.write(2)
    rows = run(door, "human", "--drain", "--backoff", "40",
               *worker(door, 0, 7))
    equal([(r["result"], r["reason"]) for r in rows],
          [("released", "exit status 7")] * 2, f"{rows}")
    equal(len({r["delay_s"] for r in rows}), 1, "they wait together")
    equal(counts(door, "human"), (0, 2, 0, 0), "both wait")
    for row in door.rows("queue", "peek", "human"):
        equal((row["state"], row["reason"]), ("delayed", "exit status 7"),
              "why")
    notes(door)


def dies(door):
    """So does one that is a dead letter, also when more has come since."""
    ann = Person(door, human=True)
    ann.write(2)
    args = ["--drain", "--backoff", "0", "--tries", "2"]
    rows = run(door, "human", *args, *worker(door, 0, 7))
    equal([(r["attempts"], r["result"]) for r in rows],
          [(1, "released")] * 2 + [(2, "dead")] * 2, f"{rows}")
    equal([n["sids"] for n in notes(door)], [ann.sids] * 2, "twice")
    dead = door.rows("queue", "dead", "human")
    equal([r["reason"] for r in dead], ["exit status 7"] * 2, "why")
    ann.write()
    door.switchhook("queue", "redrive", "human", "--all")
    rows = run(door, "human", *args, *worker(door))
    equal([(r["attempts"], r["result"]) for r in rows], [(1, "done")] * 3,
          f"{rows}")
    equal([n["sids"] for n in notes(door)], [ann.sids], "in order")


def in_order(person, got):
    """Nothing is passed over, and what a killed run had comes again whole."""
    seen = 0
    for note in got:
        at = person.sids.index(note["sids"][0])
        n = len(note["sids"])
        true(at <= seen, f"message {at} after {seen}")
        equal(note["sids"], person.sids[at:at + n], f"from message {at}")
        equal(note["conversations"], 1, "conversations in a run")
        seen = max(seen, at + n)
    equal(seen, len(person.sids), "messages that were handed out")


def taken_over(door):
    """People take over while the bot's run is under way, and it fails: the
    burst goes to them whole."""
    ann = Person(door)
    ann.write(3)
    bot = start(door, "ai", "--limit", "3", "--backoff", "0",
                *worker(door, 1, 7))
    wait_for(lambda: counts(door, "ai")[2] == 3, "the bot has them")
    door.switchhook("conversation", "handoff", ann.id, "on")
    ann.write()
    out, err = bot.communicate(timeout=60)
    equal(bot.returncode, 0, f"{out} {err}")
    equal(out.count(b'"released"'), 3, f"{out} {err}")
    equal([n["sids"] for n in notes(door)], [ann.sids[:3]], "the bot's")
    equal(run(door, "ai", "--drain", *worker(door)), [], "the bot's again")
    run(door, "human", "--drain", *worker(door))
    equal([n["sids"] for n in notes(door)], [ann.sids], "people's")


def write_on(person, stop):
    choice = random.Random(person.id)
    while not stop.is_set():
        person.write()
        time.sleep(choice.uniform(0, 0.1))


def working(door, people, runs):
    """Which of the consumers have a command under way."""
    pids = []
    for p in people:
        try:
            pids.append(door.dir.read(f"state/{p.id}.lock"))
        except FileNotFoundError:
            pass
    return [i for i, consumer in enumerate(runs) if str(consumer.pid) in pids]


def killed(door):
    """Several consumers, some of them killed: never two runs of the same
    conversation at a time, order kept, nothing lost."""
    choice, stop = random.Random(20261129), threading.Event()
    people = [Person(door, human=True) for _ in range(3)]
    writers = [threading.Thread(target=write_on, args=(p, stop))
               for p in people]
    args = ["--visibility", "2", "--tries", "1000", "--backoff", "0",
            *worker(door, 0.1)]
    runs = [start(door, "human", *args) for _ in range(4)]
    try:
        for w in writers:
            w.start()
        for _ in range(ROUNDS):
            time.sleep(choice.uniform(0, 0.5))
            wait_for(lambda: working(door, people, runs), "one works")
            i = choice.choice(working(door, people, runs) or [0])
            runs[i].kill()
            runs[i].communicate()
            runs[i] = start(door, "human", *args)
        stop.set()
        for w in writers:
            w.join()
        wait_for(lambda: counts(door, "human")[:3] == (0, 0, 0),
                 "all are done", patience(60))
    finally:
        stop.set()
        for consumer in runs:
            consumer.terminate()
            consumer.communicate()
    equal(counts(door, "human"), (0, 0, 0, 0), "human")
    got = notes(door)
    equal([n for n in got if "twice" in n], [], "two runs at a time")
    for p in people:
        in_order(p, [n for n in got if n["conversation"] == p.id])
    sizes = [len(n["sids"]) for n in got]
    again = [n for n in got if int(n["attempt"]) > 1]
    print(f"      {ROUNDS} kills, {sum(len(p.sids) for p in people)} messages,"
          f" {len(got)} runs, {len(again)} of them again, {max(sizes)} "
          "messages in the largest")
    true(again and max(sizes) > 1, "some batches came again")


def suite(results):
    for kind in (Nginx, Cgi):
        with kind() as door:
            for fn in (burst, meanwhile, dies, taken_over, killed, fails):
                results.run(f"bursts, {kind.name}: {fn.__name__}", fn, door)
