"""The back ends are killed and started again while messages come in: each that
was answered 200 is delivered, to a FIFO queue exactly once and in order, to a
standard queue at least once. What they accepted is on file (t/aws/journal.cjs),
not in what is killed."""
import collections
import json
import os
import threading
import time

import fastcgi
from cases import message, sid, tel
from cloud import MortalCloud, Site
from outcome import equal, patience, true
from servers import Directory

SHORT_S, LONG_S = 15, 60


class Load:
    """Clients, one a sender, each with one message after another."""

    def __init__(self, site, senders):
        self.site = site
        self.accepted = {number: [] for number in senders}
        self.refused, self.peak = [], 0
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.client, args=(n,))
                        for n in senders]
        self.threads.append(threading.Thread(target=self.watch))
        for t in self.threads:
            t.start()

    def client(self, number):
        while not self.stopping.wait(0.05):
            fields = message(number, sid(), Body="x")
            status = self.site.post(fields)
            if status == 200:
                self.accepted[number].append(fields["MessageSid"])
            else:
                self.refused.append(status)

    def watch(self):
        while not self.stopping.wait(0.25):
            self.peak = max(self.peak, waiting(self.site))

    def stop(self):
        self.stopping.set()
        for t in self.threads:
            t.join()


def waiting(site):
    reply = fastcgi.ask(site.socket, fastcgi.request([
        ("REQUEST_METHOD", "GET"), ("PATH_INFO", "/ready")]))
    return json.loads(reply.body)["spool"]["waiting"]


def up_and_down(cloud, seconds):
    """Kills; the times down grow, so that some outlast a request."""
    stop = time.monotonic() + seconds
    kills = 0
    while time.monotonic() < stop:
        time.sleep(2.5)
        cloud.kill()
        kills += 1
        time.sleep((0.2, 1.5, 3)[kills % 3])
        cloud.start()
    return kills


def drain(site):
    """Seconds until nothing waits. Each look costs the responder a commit."""
    began = time.monotonic()
    while waiting(site) > 0:
        took = time.monotonic() - began
        true(took < patience(180), "the spool does not empty")
        time.sleep(0.5)
    return time.monotonic() - began


def killed_under_load(cloud, site, seconds):
    people, machine = [tel() for _ in range(4)], [tel() for _ in range(4)]
    for number in people + machine:
        cloud.conversation("c" + number, number, number in people)
    load = Load(site, people + machine)
    try:
        kills = up_and_down(cloud, seconds)
    finally:
        load.stop()
    drained = drain(site)
    fifo = [m for m, repeat in cloud.accepted("human.fifo") if not repeat]
    standard = collections.Counter(
        m["MessageSid"][0] for m, _ in cloud.accepted("ai"))
    sent = sum(len(load.accepted[n]) for n in people)
    sent_ai = [s for n in machine for s in load.accepted[n]]
    print(f"      {seconds} s, {kills} kills: {sent} + {len(sent_ai)} "
          f"accepted, {len(load.refused)} refused; FIFO {len(fifo)}, "
          f"{len(cloud.accepted('human.fifo')) - len(fifo)} told twice; "
          f"standard {len(standard)}, {standard.total() - len(standard)} "
          f"twice; at most {load.peak} waited, empty after {drained:.1f} s")
    equal(load.refused, [], "refused")
    for number in people:
        got = [m["MessageSid"][0] for m in fifo
               if m["From"][0].endswith(number)]
        equal(got, load.accepted[number], "each once, in order")
    equal(sorted(standard), sorted(sent_ai), "each at least once")
    true(load.peak > 0, "something had to wait")


def suite(results, seconds=None):
    seconds = seconds or (
        LONG_S if os.environ.get("SWITCHHOOK_TEST_LONG") else SHORT_S)
    places = [Directory(), Directory()]
    opened = []

    def start():
        opened.append(MortalCloud(places[0]))
        opened.append(Site(opened[0], places[1]).start())

    results.run("outage: starts", start)
    try:
        if len(opened) == 2:
            results.run("outage: killed_under_load", killed_under_load,
                        *opened, seconds)
            results.run("outage: stops", opened[1].stop)
    finally:
        for thing in reversed(opened):
            if thing.process:
                thing.process.stop()
        for folder in places:
            folder.remove()
