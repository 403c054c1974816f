"""Clocks that jump: nothing is late, doubled or forgotten for it."""
import json
import os
import subprocess
import time

from cases import check_twiml, conversation, message, sid, tel
from doors import BUILDDIR, NginxFastcgi
from outcome import equal, true
from servers import Process, clean_env, connects, wait_for
from twilio_sign import form

HOUR = 3600
DAY = 24 * HOUR
AHEAD = [("an hour", HOUR), ("120 days", 120 * DAY), ("2041", 15 * 365 * DAY)]


class Shifted(NginxFastcgi):
    """Everything runs by a clock that the test sets."""

    def config(self, **changes):
        text = super().config(**changes)
        true("[whatsapp]" not in text, "a [whatsapp] section of our own")
        return text + "\n[whatsapp]\nai_delay = 1\n"

    def env(self):
        more = {"LD_PRELOAD": os.path.abspath(
            os.path.join(BUILDDIR, "t/shim-clock.so")),
                "SHIM_CLOCK": self.dir("offset")}
        for name in os.environ:
            if name.endswith("ASAN_OPTIONS"):
                more[name] = os.environ[name] + ":verify_asan_link_order=0"
        return clean_env(**more)

    def set(self, seconds):
        self.dir.write("offset.new", str(seconds))
        os.rename(self.dir("offset.new"), self.dir("offset"))

    def start_responder(self):
        self.set(0)
        self.responder = self.add(Process(
            [self.program, "-c", self.conf, "-s", f"unix:{self.socket}"],
            self.dir("responder.log"), env=self.env()))
        self.responder.wait_until(lambda: connects(self.socket), "listening")

    def run_switchhook(self, *args):
        return subprocess.run(
            [self.dir("bin/switchhook"), "-c", self.conf, *args],
            capture_output=True, env=self.env(), timeout=60, check=False)

    def receive(self, visibility=60):
        """What is due on the AI queue, or None."""
        done = self.run_switchhook("queue", "receive", "ai", "--visibility",
                                   str(visibility), "--json")
        return json.loads(done.stdout) if done.returncode == 0 else None

    def message(self, number):
        fields = message(number, sid(), Body="x")
        check_twiml(self.post("/whatsapp", form(fields)))
        return fields

    def take_all(self, patience=4):
        """Receive and acknowledge until nothing is due for so many seconds."""
        got, end = [], time.monotonic() + patience
        while time.monotonic() < end:
            row = self.receive()
            if row is None:
                time.sleep(0.1)
                continue
            self.switchhook("queue", "ack", "ai", row["receipt"])
            form_ = json.loads(row["body"])["twilio_message"]
            got += form_["MessageSid"]
            end = time.monotonic() + 4
        return got

    def says(self):
        """What /ready and status say of the clock."""
        done = self.run_switchhook("status", "--json")
        rows = {r["check"]: r for r in
                map(json.loads, done.stdout.decode().splitlines())}
        said = rows["clock"]["says"]

        def ready_says_so():
            reply = self.ask("GET", "/ready")
            equal(reply.status, 200, "/ready")
            return json.loads(reply.body).get("clock") == said

        # Its verdict is kept for a second.
        wait_for(ready_says_so, f"/ready says as status does: {said}", 4)
        equal(done.returncode, 0 if all(r["ok"] for r in rows.values()) else 1)
        for row in self.rows("queue", "list"):
            true(row["oldest_age_s"] >= 0, f"an age of {row}")
        return said or ""


def number_of(door):
    number = tel()
    door.switchhook("conversation", "add", "--tel", number, "--id",
                    conversation())
    return number


def ahead(door, seconds):
    """What came, and what was taken, while the clock was ahead."""
    number, other = number_of(door), number_of(door)
    taken = door.message(number)["MessageSid"]
    equal(door.says() if seconds == HOUR else "", "", "before it jumps")
    door.set(seconds)
    true("ahead" in door.says(), "that it jumped ahead")
    row = wait_for_row(door, visibility=2)
    true(taken in row["body"], "the first")
    sent = [taken] + [door.message(n)["MessageSid"]
                      for n in (number, other, number)]
    door.set(0)
    true("back" in door.says(), "that it jumped back")
    # Received under another clock than it is worked on.
    got = door.take_all()
    equal(sorted(got), sorted(sent))
    equal([s for s in got if s != sent[2]], [sent[0], sent[1], sent[3]],
          "order of a conversation")


def wait_for_row(door, visibility):
    rows = []
    wait_for(lambda: rows.append(door.receive(visibility)) or rows[-1],
             "a message", 5)
    return rows[-1]


def behind(door, patience=4):
    """The clock is set back by an hour while messages wait and are taken."""
    number = number_of(door)
    door.set(0)
    sent = [door.message(number)["MessageSid"]]
    wait_for_row(door, visibility=2)
    sent.append(door.message(number)["MessageSid"])
    door.set(-HOUR)
    sent.append(door.message(number)["MessageSid"])
    true("back" in door.says(), "that it jumped back")
    equal(door.take_all(patience), sent)
    door.set(0)
    sent = [door.message(number)["MessageSid"]]
    equal(door.take_all(patience), sent)


def forgets_nothing(door):
    """Repeats are repeats, whatever the clock showed between."""
    door.set(0)
    number = tel()
    sent = [door.message(number) for _ in range(20)]
    equal(door.ask("GET", "/ready").status, 200)
    door.set(120 * DAY)
    sent += [door.message(number) for _ in range(400)]
    door.set(0)
    count = len(door.rows("queue", "peek", "unrouted", "--limit", "9999"))
    for fields in sent:
        check_twiml(door.post("/whatsapp", form(fields)))
    equal(len(door.rows("queue", "peek", "unrouted", "--limit", "9999")),
          count, "messages after repeats")


def forgets_nothing_behind(door):
    """Nor what comes while the clock is months behind."""
    door.set(-120 * DAY)
    number = tel()
    sent = [door.message(number) for _ in range(300)]
    count = len(door.rows("queue", "peek", "unrouted", "--limit", "9999"))
    for offset in (-120 * DAY, 0):
        door.set(offset)
        for fields in sent:
            check_twiml(door.post("/whatsapp", form(fields)))
        equal(len(door.rows("queue", "peek", "unrouted", "--limit", "9999")),
              count, f"messages after repeats, the clock off by {offset} s")


def behind_with_many(door):
    """So many wait that they are not all put right in one go: a hundred by
    each receive."""
    door.set(0)
    for _ in range(1200):
        door.message(tel())
    behind(door, 15)


def suite(results):
    with Shifted() as door:
        for name, seconds in AHEAD:
            results.run(f"clocks: ahead, {name}", ahead, door, seconds)
        results.run("clocks: behind", behind, door)
        results.run("clocks: forgets_nothing", forgets_nothing, door)
        results.run("clocks: forgets_nothing_behind", forgets_nothing_behind,
                    door)
        results.run("clocks: behind_with_many", behind_with_many, door)
