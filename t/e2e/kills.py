"""Processes that are killed (SIGKILL) while messages come in.

A caller does what Twilio's retry and an operator's replay do: what was not
answered 200 is sent again, with the same MessageSid. In the end each message
is there once, and counted once.
"""
import glob
import os
import random
import signal
import time

import lifecycle
from cases import message, sid, tel
from doors import ADMIN, ApacheCgi, ApacheFcgid, NginxFastcgi
from outcome import equal, patience, true
from servers import wait_for
from twilio_sign import form

ROUNDS = 100 if os.environ.get("SWITCHHOOK_TEST_LONG") else 10


def pids_of(program):
    """The processes that run this file."""
    found = []
    for exe in glob.glob("/proc/[0-9]*/exe"):
        try:
            if os.readlink(exe) == program:
                found.append(int(exe.split("/")[2]))
        except OSError:
            pass  # it is gone
    return found


class Fcgid(ApacheFcgid):
    """Apache waits before it starts one after so many, unless told not to."""
    directives = "FcgidSpawnScoreUpLimit 100000\n"


class Retrying(lifecycle.Load):
    """Callers that send a message again until it is answered 200."""

    def __init__(self, door):
        super().__init__(door, 6)
        self.again = 0

    def one(self):
        message_sid = sid()
        body = form(message(tel(), message_sid))
        end = time.monotonic() + patience(20)
        while True:
            try:
                status = self.send(body)
            except (OSError, EOFError, AssertionError):
                status = 0  # cut off
            if status == 200 or time.monotonic() > end:
                break
            self.again += 1
            time.sleep(0.01)
        with self.lock:
            self.statuses[status] += 1
            self.sids.append(message_sid)

    def wait_for(self, more):
        goal = len(self.sids) + more
        wait_for(lambda: len(self.sids) >= goal, f"{more} more answers", 60)


def killed(door, restart):
    """Kill one process of those there are, at a random moment, many times."""
    choice = random.Random(20261121)
    kills = 0
    with Retrying(door) as load:
        load.wait_for(10)
        while kills < ROUNDS:
            time.sleep(choice.uniform(0, 0.1))
            pids = pids_of(door.program)
            if not pids:
                continue
            try:
                os.kill(choice.choice(pids), signal.SIGKILL)
            except ProcessLookupError:
                continue
            kills += 1
            if restart:
                restart(door)
            load.wait_for(5)
        load.wait_for(20)
    load.check()
    print(f"      {kills} kills, {len(load.sids)} messages, "
          f"{load.again} sent again")
    equal(counted(door), len(load.sids), "counted")


def index_cut(door, restart):
    """The file that SQLite maps is cut: that ends the processes which have it,
    and loses nothing."""
    load = Retrying(door)
    with load:
        load.wait_for(20)
        for _ in range(5):
            os.truncate(door.dir("state/switchhook.db-shm"), 0)
            if restart:
                restart(door)
            load.wait_for(20)
    load.check()
    text = door.dir.read("responder.log" if restart else "apache-error.log")
    true("cut the store's -shm file" in text, f"it says why: {text[-500:]}")
    equal(counted(door), len(door.queue("unrouted")), "counted")


def counted(door):
    """Messages by what /metrics says."""
    reply = door.ask("GET", "/metrics", [("X-Api-Key", ADMIN)])
    equal(reply.status, 200, f"{reply}")
    for line in reply.body.decode().splitlines():
        if line.startswith('switchhook_messages_total{route="unrouted"}'):
            return int(line.split()[-1])
    return 0


def restart_responder(door):
    door.responder.popen.wait()
    door.processes.remove(door.responder)
    door.start_responder()


def suite(results):
    for door_class, restart in [(NginxFastcgi, restart_responder),
                                (Fcgid, None), (ApacheCgi, None)]:
        with door_class() as door:
            results.run(f"kills: {door.name}", killed, door, restart)
            if door_class is not ApacheCgi:
                results.run(f"kills: {door.name}: index cut", index_cut, door,
                            restart)
            results.run(f"kills: {door.name} is well", is_well, door)


def is_well(door):
    """The database is whole, and nobody is stuck."""
    equal(door.ask("GET", "/ready").status, 200, "ready")
    rows = door.rows("queue", "list")
    true(all(r.get("dead", 0) == 0 for r in rows), f"{rows}")
