"""Replies while processes are killed (SIGKILL), agents answer side by side, and
Twilio's token is changed: none leaves twice, none is lost without a word, and
what is said of each is true by the mock's own list.

An agent does what the page does: what was not answered is asked again with the
same client_id.
"""
import collections
import json
import os
import random
import signal
import subprocess
import threading
import time

import agents
from agents import ANN, created, known, messages
from calls_mock import ACCOUNT, TOKEN, CallsMock
from kills import restart_responder
from outcome import equal, patience, true
from servers import clean_env, wait_for

ROUNDS = 200 if os.environ.get("SWITCHHOOK_TEST_LONG") else 20
OUT = ("sent", "delivered", "read")


class Agents:
    """Each answers one conversation after the other, as fast as it can."""

    def __init__(self, door, conversations, n, post):
        self.door, self.conversations, self.post = door, conversations, post
        self.lock = threading.Lock()
        self.answered = {}  # text: (conversation, id)
        self.again = 0
        self.errors = []
        self.stop = False
        self.threads = [threading.Thread(target=self.run, args=(i,))
                        for i in range(n)]

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stop = True
        for t in self.threads:
            t.join()

    def run(self, i):
        choice = random.Random(i)
        n = 0
        while not self.stop:
            n += 1
            try:
                self.one(choice.choice(self.conversations), f"text {i}.{n}")
            except Exception as e:  # pylint: disable=broad-except
                self.errors.append(e)
                return

    def one(self, conversation, text):
        end = time.monotonic() + patience(60)
        while True:
            status, row = self.post(self.door, conversation, text)
            if status in (200, 201):
                break
            true(status in (0, 500, 502, 503, 504), f"{status}: {row}")
            true(time.monotonic() < end, f"no answer to {text}")
            self.again += 1
            time.sleep(.01)
        with self.lock:
            self.answered[text] = (conversation, row["id"])

    def wait_for(self, more):
        goal = len(self.answered) + more
        wait_for(lambda: self.errors or len(self.answered) >= goal,
                 f"{more} more answers", patience(60))
        equal(self.errors, [], "errors")


def body_of(text):
    return json.dumps({"text": text, "client_id": text}).encode()


HEADERS = [("Authorization", "Bearer " + ANN),
           ("Content-Type", "application/json")]


def post(door, conversation, text):
    """(status, the message); 0: cut off."""
    try:
        got = door.ask("POST", f"/api/conversations/{conversation}/messages",
                       HEADERS, body_of(text))
        return got.status, json.loads(got.body) if got.status < 300 else got
    except (OSError, EOFError, AssertionError, ValueError) as e:
        return 0, e


def killed_at(argv, env, body, seconds):
    """Its output, or None if it was killed."""
    with subprocess.Popen(argv, env=env, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as p:
        timer = threading.Timer(seconds, lambda: os.kill(p.pid,
                                                         signal.SIGKILL))
        timer.start()
        out, _ = p.communicate(body)
        timer.cancel()
        return out if p.returncode >= 0 else None


class Fragile:
    """One process a reply, of which most are killed, up to so many."""

    def __init__(self):
        self.choice = random.Random(20261129)
        self.lock = threading.Lock()
        self.kills = 0

    def seconds(self):
        """When the next is killed: during its work, mostly."""
        with self.lock:
            return self.choice.uniform(0, .12) if self.kills < ROUNDS else 60

    def done(self, out):
        if out is None:
            with self.lock:
                self.kills += 1

    def cgi(self, door, conversation, text):
        env = door.variables(
            "POST", f"/api/conversations/{conversation}/messages", HEADERS)
        env["CONTENT_LENGTH"] = str(len(body_of(text)))
        out = killed_at([door.program], clean_env(
            SWITCHHOOK_CONF=door.conf, **env), body_of(text), self.seconds())
        self.done(out)
        if not out:
            return 0, None
        head, _, body = out.replace(b"\r\n", b"\n").partition(b"\n\n")
        status = int(head.split(b"Status: ")[1].split()[0]) \
            if b"Status: " in head else 200
        return status, json.loads(body)

    def command(self, door, conversation, text):
        out = killed_at(
            [door.dir("bin/switchhook"), "-c", door.conf, "reply",
             conversation, "--body", text, "--client-id", text, "--json"],
            clean_env(), b"", self.seconds())
        self.done(out)
        return (200, json.loads(out)) if out else (0, None)


# ---- what is so in the end


def listed(door, conversation):
    """All replies of a conversation by their texts, oldest first."""
    rows, query = [], "?limit=200"
    while True:
        page = messages(door, conversation, query)
        rows += page["messages"]
        if page["next_page_token"] is None:
            break
        query = f"?limit=200&page_token={page['next_page_token']}"
    rows = [m for m in rows if m["direction"] == "outbound"]
    return {m["text"]: m for m in reversed(rows)}


def settled(door, load):
    """Nothing is on its way, and what Twilio has is known to be there."""
    if not door.over_http:  # a responder does it by itself
        door.switchhook("spool", "flush")
    taken = {m["body"] for m in door.mock.messages()}
    for conversation in load.conversations:
        for text, m in listed(door, conversation).items():
            if m["state"] == "queued" or (
                    m["state"] == "unknown" and text in taken):
                return False
    time.sleep(.2)
    return True


def check(door, load):
    wait_for(lambda: settled(door, load), "all replies to be settled",
             patience(90 + ROUNDS))
    taken = collections.defaultdict(list)
    for m in door.mock.messages():
        taken[m["body"]].append(m["sid"])
    equal({t: s for t, s in taken.items() if len(s) > 1}, {}, "sent twice")
    shown = {}
    for conversation in load.conversations:
        shown |= listed(door, conversation)
    for text, (conversation, number) in load.answered.items():
        m = shown.get(text)
        true(m is not None, f"{text} was answered and is lost")
        equal((m["id"], m["conversation_id"]), (number, conversation), text)
    states = collections.Counter(m["state"] for m in shown.values())
    for text, m in shown.items():
        sids = taken.pop(text, [])
        if m["state"] in OUT:
            equal([m["sid"]], sids, f"{text} is {m['state']}")
        else:
            equal((m["state"], sids), ("unknown", []), f"{text}: {m}")
    equal(dict(taken), {}, "at Twilio and not here")
    # The same client_id is the same reply still.
    for text in random.Random(1).sample(sorted(load.answered), 5):
        conversation, number = load.answered[text]
        status, row = post(door, conversation, text)
        equal((status, row["id"]), (200, number), text)
    equal(len(door.mock.messages()), sum(states[s] for s in OUT), "at Twilio")
    return dict(states)


def begin(door):
    door.mock.set(delay_ms=10, statuses=[["sent", 5], ["delivered", 20]],
                  callback_origin=f"http://127.0.0.1:{door.port}")
    # Few enough in each that Twilio's list of them is short.
    return [known(door) for _ in range(6 + ROUNDS // 4)]


def responder(door):
    """Killed at random moments, many times."""
    choice = random.Random(20261129)
    with Agents(door, begin(door), 4, post) as load:
        load.wait_for(5)
        for _ in range(ROUNDS):
            time.sleep(choice.uniform(0, .1))
            os.kill(door.responder.pid, signal.SIGKILL)
            restart_responder(door)
            load.wait_for(2)
    print(f"      {ROUNDS} kills, {len(load.answered)} replies, "
          f"{load.again} asked again: {check(door, load)}")


def processes(door, how):
    """Of CGI, or the command: one process a reply."""
    fragile = Fragile()
    with Agents(door, begin(door), 2, getattr(fragile, how)) as load:
        wait_for(lambda: load.errors or fragile.kills >= ROUNDS,
                 f"{ROUNDS} kills", patience(ROUNDS * 3))
        load.wait_for(6)
    print(f"      {fragile.kills} kills, {len(load.answered)} replies, "
          f"{load.again} asked again: {check(door, load)}")


# ---- side by side


def side_by_side(door):
    """Eight agents; Twilio's statuses come in any order."""
    choice = random.Random(7)
    conversations = begin(door)
    with Agents(door, conversations[:3], 8, post) as load:
        while len(load.answered) < 150 and not load.errors:
            statuses = [["sent", 0], ["delivered", 3], ["read", 6]]
            choice.shuffle(statuses)
            door.mock.set(delay_ms=choice.choice([0, 0, 5]),
                          statuses=[[s, choice.randint(0, 4)]
                                    for s, _ in statuses])
            time.sleep(.02)
        load.wait_for(8)
    equal(set(check(door, load)) - {"read"}, set(), "states")
    for conversation in load.conversations:
        rows = sorted(listed(door, conversation).values(),
                      key=lambda m: int(m["id"][1:]))
        equal([m["body"] for m in reversed(door.mock.messages())
               if m["to"].endswith(conversation[1:])],
              [m["text"] for m in rows], "the order at Twilio")


# ---- a token, a copy


def token_changed(door):
    """Twilio does not take the token; after a reload with the new one what
    waits is sent, once."""
    conversation = known(door)
    new = TOKEN[::-1]
    door.mock.set(users={ACCOUNT: new})
    status, row = post(door, conversation, "with the old token")
    equal((status, row["state"]), (201, "queued"), f"{row}")
    status, row = post(door, conversation, "and one behind it")
    equal((status, row["state"]), (201, "queued"), f"{row}")
    door.switchhook("spool", "flush")
    equal(door.mock.messages(), [], "at Twilio")
    door.dir.write("switchhook.conf", door.config(token=new, previous=TOKEN))
    door.responder.kill(signal.SIGHUP)
    wait_for(lambda: "reloaded" in door.dir.read("state/log"), "a reload")
    door.switchhook("spool", "flush")

    def sent():
        return all(m["state"] in OUT
                   for m in listed(door, conversation).values())
    wait_for(sent, "both to be sent", patience(20))
    equal([m["body"] for m in reversed(door.mock.messages())],
          ["with the old token", "and one behind it"], "at Twilio")


def copied(door):
    """In a copy what is not final is unknown, and nothing is sent by it."""
    conversation = known(door)
    door.mock.set(message_script=["taken:500", "429:30"])
    post(door, conversation, "in doubt")
    post(door, conversation, "queued")
    equal([m["state"] for m in listed(door, conversation).values()],
          ["unknown", "queued"], "states")
    before = len(door.mock.messages())
    door.switchhook("store", "copy", door.dir("state/copy.db"))
    conf = door.config().replace("state/switchhook.db", "state/copy.db")
    door.dir.write("copy.conf", conf)

    def in_copy(*args):
        done = subprocess.run(
            [door.dir("bin/switchhook"), "-c", door.dir("copy.conf"), *args],
            capture_output=True, env=clean_env(), timeout=60, check=False)
        return done.stdout.decode()
    for _ in range(2):
        in_copy("spool", "flush")
        in_copy("spool", "flush", "--restored")
        for text in ("in doubt", "queued"):
            row = json.loads(in_copy("reply", conversation, "--body", text,
                                     "--client-id", text, "--json"))
            equal(row["state"], "unknown", f"{row}")
    equal(len(door.mock.messages()), before, "at Twilio")


def suite(results):
    for kind, cases in [
            (agents.NginxAnswering,
             [responder, side_by_side, token_changed, copied]),
            (agents.ByHandAnswering,
             [lambda door: processes(door, "cgi"),
              lambda door: processes(door, "command")])]:
        for fn, name in zip(cases, ["responder", "side by side",
                                    "token changed", "a copy"]
                            if kind is agents.NginxAnswering
                            else ["cgi", "command"]):
            with CallsMock(10) as mock:
                kind.mock = mock
                with kind() as door:
                    results.run(f"reply-kills, {kind.name}: {name}", fn, door)
                results.run(f"reply-kills, {kind.name}: {name}: asked as "
                            "Twilio has it", mock.check)
