"""Requests that wait for a commit: they hold up nothing and nobody, and each
gets the answer that is true."""
import contextlib
import os
import signal
import threading
import time

import fastcgi
from cases import check_json_error, check_twiml, message, sid, tel
from doors import NginxFastcgi, find
from lifecycle import Held
from malformed import a_message, variables
from outcome import equal, patience, true
from servers import wait_for
from twilio_sign import form

WAITING = 40  # far more than there are worker threads

# A job waits 8 s for its turn, and whoever looks does so once a second.
TURN_S, LOOK_S = 8, 2


class Asking(threading.Thread):
    """One message, in the background."""

    def __init__(self, door):
        super().__init__()
        self.door, self.sid, self.reply = door, sid(), None
        self.start()

    def run(self):
        began = time.monotonic()
        self.reply = self.door.post(
            "/whatsapp", form(message(tel(), self.sid)))
        self.took = time.monotonic() - began


def queued(door, message_sid):
    return len(find(door.queue("unrouted"), message_sid))


def threads(door):
    return len(os.listdir(f"/proc/{door.responder.pid}/task"))


def call_is_answered(door):
    began = time.monotonic()
    reply = door.post("/handle-incoming-call/gather", form(
        {"CallSid": "CA" + "1" * 32, "From": tel()}))
    equal(reply.status, 200, "a call")
    true(time.monotonic() - began < patience(1), "at once")


def calls_go_on(door):
    """Many messages wait for the lock of the database; calls are answered, and
    no thread more is there for it."""
    check_twiml(door.post("/whatsapp", a_message()))
    with Held(door) as held:
        asking = [Asking(door) for _ in range(WAITING)]
        time.sleep(0.5)
        for _ in range(20):
            call_is_answered(door)
        equal([a for a in asking if a.reply], [], "answered before the commit")
        # Main, keeper, store; and workers, as many as cores and two.
        true(threads(door) <= 3 + os.cpu_count() + 2,
             f"{threads(door)} threads")
        held.release()
        for a in asking:
            a.join()
    for a in asking:
        check_twiml(a.reply)
    rows = door.queue("unrouted")
    equal([len(find(rows, a.sid)) for a in asking], [1] * WAITING, "queued")


def too_late(door):
    """Who has waited too long is told so, and is not recorded afterwards."""
    check_twiml(door.post("/whatsapp", a_message()))
    with Held(door) as held:
        asking = [Asking(door) for _ in range(3)]
        for a in asking:
            a.join()
        held.release()
    for a in asking:
        check_json_error(a.reply, 503)
        equal(a.reply.header("Retry-After"), "1", "Retry-After")
        true(TURN_S - 0.1 < a.took < patience(TURN_S + LOOK_S),
             f"after {a.took:.1f} s")
    # Whatever is committed next is so after that.
    check_twiml(door.post("/whatsapp", a_message()))
    equal([queued(door, a.sid) for a in asking], [0] * 3, "queued")
    check_twiml(door.post("/whatsapp", form(message(tel(), asking[0].sid))))
    equal(queued(door, asking[0].sid), 1, "asked again")


def reload(door, text):
    before = door.dir.read("state/log").count('"reloaded"')
    door.dir.write("switchhook.conf", text)
    door.responder.kill(signal.SIGHUP)
    wait_for(lambda: door.dir.read("state/log").count('"reloaded"') > before,
             "reloaded")


def reload_to_another_store(door):
    """What waits belongs to the store that it came for, and is answered though
    that is not the present one any more; also where it is too late."""
    here, there = "state/switchhook.db", "state/other.db"
    other = door.config().replace(door.dir(here), door.dir(there))
    check_twiml(door.post("/whatsapp", a_message()))
    for wait, status in (0.5, 200), (TURN_S + 1, 503):
        with Held(door) as held:
            asking = Asking(door)
            time.sleep(0.3)
            reload(door, other)
            check_twiml(door.post("/whatsapp", a_message()))
            true(asking.reply is None, "it still waits")
            if status == 503:
                asking.join(patience(wait + LOOK_S))
            else:
                time.sleep(wait)
            held.release()
            asking.join()
        equal(asking.reply.status, status, "answered")
        equal(queued(door, asking.sid), 0, "in the other store")
        reload(door, door.config())
        equal(queued(door, asking.sid), int(status == 200), "in its own")


def request_of(door, message_sid, keep=False):
    body = form(message(tel(), message_sid))
    return fastcgi.request(variables(door, body), body, keep=keep)


def sockets(door):
    """How many the responder has open."""
    folder = f"/proc/{door.responder.pid}/fd"
    n = 0
    for fd in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            n += os.readlink(os.path.join(folder, fd)).startswith("socket:")
    return n


def peer_is_gone(door):
    """A web server that has given up: the message is kept all the same, and
    the socket is closed."""
    check_twiml(door.post("/whatsapp", a_message()))
    before = sockets(door)
    sids = [sid() for _ in range(10)]
    with Held(door) as held:
        for one in sids:
            with fastcgi.connect(door.socket) as s:
                s.sendall(request_of(door, one))
                time.sleep(0.02)
        time.sleep(0.3)
        held.release()
        wait_for(lambda: sockets(door) <= before, "no socket is left over")
    rows = door.queue("unrouted")
    equal([len(find(rows, one)) for one in sids], [1] * len(sids), "queued")


def one_after_another(door):
    """What a kept connection has sent ahead waits for the reply before it."""
    sids = [sid() for _ in range(5)]
    with Held(door) as held, fastcgi.connect(door.socket) as s:
        s.sendall(b"".join(request_of(door, one, keep=True) for one in sids))
        time.sleep(0.5)
        held.release()
        for _ in sids:
            equal(fastcgi.read_reply(s).status, 200, "answered")
    rows = door.queue("unrouted")
    equal([len(find(rows, one)) for one in sids], [1] * len(sids), "queued")


def suite(results):
    with NginxFastcgi() as door:
        for case in [calls_go_on, too_late, reload_to_another_store,
                     peer_is_gone, one_after_another]:
            results.run(f"waits: {case.__name__}", case, door)
        results.run("waits: stops", lambda: equal(
            door.responder.stop(), 0, "exit status"))
