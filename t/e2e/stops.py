"""A stop ends what it can at once, whatever AWS, Twilio or a lock does; and
no request waits for an old snapshot to be closed."""
import fcntl
import os
import signal
import threading
import time

import fastcgi
from calls_mock import CallsMock
from cases import message, sid, tel
from cloud import Cloud, Site
from doors import TOKEN
from outcome import equal, patience, true
from references import LOCAL, Responder, put
from servers import Directory, wait_for

IDLE = 0.5
LOADED = 7


def stopped(r, limit):
    """Stop the responder of a Site or Responder; it took less than that."""
    began = time.monotonic()
    process, r.process = r.process, None
    process.kill(signal.SIGTERM)
    status = process.wait()
    took = time.monotonic() - began
    equal(status, 0, f"exit status\n{r.log()}")
    true(took < patience(limit), f"stopped in {took:.2f} s")
    lines = r.log().splitlines()
    true(any("stopped" in line for line in lines), "the log says so")
    return took


def started(r):
    """Start a Responder or a Site, which the test stops by itself."""
    before = r.log().count("started")
    if isinstance(r, Site):
        r.start()
    else:
        r.__enter__()
    wait_for(lambda: r.log().count("started") > before, "started")
    return r


class Asking(threading.Thread):
    """A request that is under way; its reply, or None."""

    def __init__(self, path, params, body=b""):
        super().__init__()
        self.path, self.data = path, fastcgi.request(params, body)
        self.reply, self.took = None, None
        self.start()

    def run(self):
        began = time.monotonic()
        self.reply = fastcgi.ask(self.path, self.data)
        self.took = time.monotonic() - began


def get(path, *headers):
    return [("REQUEST_METHOD", "GET"), ("PATH_INFO", path),
            ("REQUEST_URI", path), *headers]


class Held:
    """The lock of a database, as another process has it that hangs."""

    def __init__(self, path):
        self.path = path + ".lock"

    def __enter__(self):
        self.fd = os.open(self.path, os.O_RDWR)
        fcntl.flock(self.fd, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_):
        os.close(self.fd)


# ---- idle


def reload_hangs(cloud):
    """SIGTERM while a reload waits for AWS."""
    put(cloud, {"/t": TOKEN})
    cloud.well()
    r = started(Responder(cloud, LOCAL + "ssm:/t\n"))
    for operation in ("GetParameters", "GetSecretValue"):
        cloud.fault(operation, kind="hang")
        before = len(cloud.requests(operation))
        r.process.kill(signal.SIGHUP)
        wait_for(lambda: len(cloud.requests(operation)) > before,
                 "the reload asks AWS", 5)
        equal(r.get("/health")[0], 200, "answered meanwhile")
        took = stopped(r, IDLE)
        cloud.well()
        started(r)
    r.__exit__()
    return took


def sender_hangs(cloud):
    """Idle, but the senders wait for SQS; nothing is lost."""
    directory = Directory()
    site = started(Site(cloud, directory))
    number = tel()
    cloud.conversation("c-stop", number, True)
    cloud.fault("SendMessage", kind="hang")
    fields = message(number, sid())
    equal(site.post(fields), 200)
    before = len(cloud.requests("SendMessage"))
    wait_for(lambda: len(cloud.requests("SendMessage")) > before,
             "a sender tries again", 20)
    stopped(site, IDLE)
    equal([e["message_sid"] for e in site.spool()], [fields["MessageSid"]],
          "it waits in the spool")
    cloud.well()
    started(site)
    wait_for(lambda: not site.spool(), "the spool to empty", 60)
    equal([g[0] for g in cloud.take("human.fifo")], [fields["MessageSid"]],
          "delivered, once")
    site.stop()
    directory.remove()


def lock_held_idle(cloud):
    directory = Directory()
    site = started(Site(cloud, directory))
    with Held(directory("db")):
        stopped(site, IDLE)
    directory.remove()


# ---- loaded


def twilio_hangs(cloud):
    """An administrator's request waits for Twilio's API: it is answered."""
    put(cloud)
    with CallsMock(n=10) as mock:
        mock.set(always="hang")
        r = started(Responder(cloud, LOCAL + TOKEN + "\n" + mock.settings()))
        path = "/monitor-call/CA" + 32 * "1"
        asking = Asking(r.socket, get(path, (
            "HTTP_AUTHORIZATION", "Bearer admin-secret")))
        wait_for(lambda: mock.state()["count"] > 0, "Twilio is asked", 5)
        stopped(r, LOADED)
        asking.join()
        true(asking.reply is not None and asking.reply.status >= 500,
             f"answered: {asking.reply}")


def lock_held(cloud):
    """A message waits for the lock: it is refused, not broken off."""
    directory = Directory()
    site = started(Site(cloud, directory))
    statuses = []
    with Held(directory("db")):
        t = threading.Thread(target=lambda: statuses.append(
            site.post(message(tel(), sid()))))
        t.start()
        time.sleep(0.3)
        stopped(site, LOADED)
        t.join()
    equal(statuses, [503], "answered")
    directory.remove()


def queue_hangs(cloud):
    """A message waits for SQS: it is in the spool, and answered 200."""
    directory = Directory()
    site = started(Site(cloud, directory))
    number = tel()
    cloud.conversation("c-busy", number, True)
    cloud.fault("SendMessage", kind="hang")
    fields, statuses = message(number, sid()), []
    before = cloud.requests("SendMessage")
    t = threading.Thread(target=lambda: statuses.append(site.post(fields)))
    t.start()
    wait_for(lambda: cloud.requests("SendMessage") != before, "SQS is asked",
             5)
    stopped(site, LOADED)
    t.join()
    cloud.well()
    equal(statuses, [200], "answered")
    equal([e["message_sid"] for e in site.spool()], [fields["MessageSid"]])
    directory.remove()


# ---- old snapshots


def last_request(cloud):
    """The last request of an old snapshot, whose senders hang, is answered
    when it is done."""
    directory = Directory()
    with CallsMock(n=10) as mock:
        site = started(Site(cloud, directory, more="[twilio]\n" +
                            mock.settings() + "[server]\n"
                            "admin_token = admin-secret\n[whatsapp]\n"))
        number = tel()
        cloud.conversation("c-old", number, True)
        cloud.fault("SendMessage", kind="hang")
        equal(site.post(message(number, sid())), 200)
        before = len(cloud.requests("SendMessage"))
        mock.set(delay_ms=1000)
        wait_for(lambda: len(cloud.requests("SendMessage")) > before,
                 "a sender tries again", 20)
        asking = Asking(site.socket, get(
            "/monitor-call/CA" + 32 * "1",
            ("HTTP_AUTHORIZATION", "Bearer admin-secret")))
        wait_for(lambda: mock.state()["count"] > 0, "Twilio is asked", 5)
        site.process.kill(signal.SIGHUP)
        wait_for(lambda: "reloaded" in site.log(), "reloaded")
        asking.join()
        true(asking.reply.status in (200, 404), f"{asking.reply}")
        true(asking.took < patience(2), f"answered in {asking.took:.2f} s")
        cloud.well()
        site.stop()
    directory.remove()


def suite(results):
    directory = Directory()
    cloud = Cloud(directory)
    for case in (reload_hangs, sender_hangs, lock_held_idle, twilio_hangs,
                 lock_held, queue_hangs, last_request):
        cloud.well()
        results.run(f"stops: {case.__name__}", case, cloud)
    cloud.process.stop()
    directory.remove()
