"""/metrics when something is wrong: processes that are killed, a store that is
damaged, a file that cannot be, services that fail."""
import fcntl
import os
import signal
import sqlite3
import threading
import time

import fastcgi
from cases import check_twiml, message, sid, tel
from cloud import Cloud, QUICK, Site
from doors import ADMIN, TOKEN, ByHand, NginxFastcgi
from kills import Fcgid
from metrics_page import BEARER, SAVED_S, Page, check, page_of
from outcome import equal, patience, true
from references import Responder, outage, put
from servers import Directory, free_port, wait_for
from twilio_sign import form

KILLS = 3 if QUICK else 12


def stored(door):
    """Messages in the store by route, and what it counts; the responder must
    be stopped."""
    db = sqlite3.connect(door.dir("state/switchhook.db"))
    try:
        rows = dict(db.execute(
            "SELECT route, count(*) FROM message GROUP BY route"))
        counts = dict(db.execute(
            "SELECT label, value FROM counter WHERE name = 'messages'"))
        items = db.execute("SELECT count(*) FROM queue_item").fetchone()[0]
    finally:
        db.close()
    return rows, counts, items


class Load:
    """Messages, a new one each time, until it is stopped."""

    def __init__(self, door, n=6):
        self.door = door
        self.done = self.sent = 0
        self.stop = False
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run) for _ in range(n)]
        for t in self.threads:
            t.start()

    def run(self):
        while not self.stop:
            body = form(message(tel(), sid()))
            with self.lock:
                self.sent += 1
            try:
                good = self.door.post("/whatsapp", body).status == 200
            except (OSError, AssertionError):
                good = False
            with self.lock:
                self.done += good

    def end(self):
        self.stop = True
        for t in self.threads:
            t.join()


def killed(door):
    """kill -9 at any moment: as many messages are counted as are stored; of
    requests at most the last second is missing."""
    kept = done = sent = 0
    for _ in range(KILLS):
        load = Load(door)
        try:
            wait_for(lambda load=load: load.done >= 20, "some messages", 60)
            kept += load.done
            time.sleep(patience(SAVED_S))
            door.responder.kill(signal.SIGKILL)
            door.responder.popen.wait()
        finally:
            load.end()
        done, sent = done + load.done, sent + load.sent
        rows, counts, items = stored(door)
        equal(counts, rows, "counted and stored")
        equal(items, sum(rows.values()), "queued")
        door.processes.remove(door.responder)
        os.unlink(door.socket)
        door.start_responder()
        page = page_of(door)
        equal(page("messages_total", "unrouted"), rows["unrouted"], "shown")
        true(kept <= page("requests_total", "/whatsapp", "200") <= sent,
             "requests")
        true(done <= sum(rows.values()) <= sent, "messages")


def reloaded(door):
    """A reload goes on counting where it was."""
    before = page_of(door)
    n = door.dir.read("state/log").count("reloaded")
    door.responder.kill(signal.SIGHUP)
    wait_for(lambda: door.dir.read("state/log").count("reloaded") > n,
             "reloaded")
    equal(door.ask("GET", "/health").status, 200, "health")
    equal(page_of(door).since(before).get(
        ("requests_total", ("/health", "200"))), 1, "of /health")


def locked_store(door):
    """Somebody holds the writers' lock: reading goes on."""
    with open(door.dir("state/switchhook.db.lock"), "rb") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        page = page_of(door)
    equal(page("store_up"), 1, "store_up")
    true(page("messages_total", "unrouted") > 0, "messages")


def metrics_file(door):
    return door.dir("state/switchhook.db.metrics")


def no_file(door):
    """Something else has its name: counted in memory, and nothing fails."""
    path = metrics_file(door)
    if os.path.exists(path):
        os.unlink(path)
    os.mkdir(path)
    check_twiml(door.post("/whatsapp", form(message(tel(), sid()))))
    page = page_of(door)
    equal(page("metrics_shared"), 0, "shared")
    true(page("messages_total", "unrouted") >= 1, "the store counts")
    true("counts for itself" in door.dir.read("state/log"), "the log says so")
    check(page.text)
    os.rmdir(path)


def other_file(door):
    """What is no such file of ours, or half of one, is replaced."""
    for content in (b"", b"x" * 100, b"\0" * 100000):
        with open(metrics_file(door), "wb") as f:
            f.write(content)
        equal(door.ask("GET", "/health").status, 200, "health")
        page = page_of(door)
        equal((page("metrics_shared"),
               page("requests_total", "/health", "200")), (1, 1), "after the restart")


def spoiled(door, load):
    """Do what can be done to the file while processes count in it; every
    message is answered all the same."""
    path = metrics_file(door)
    wait_for(lambda: load.done >= 20 and os.path.exists(path), "the file", 60)
    os.truncate(path, 0)
    time.sleep(0.2)
    for i in range(60 if QUICK else 300):
        if i % 10 == 9:
            os.unlink(path)
        else:
            size = os.path.getsize(path) if os.path.exists(path) else 0
            with open(path, "r+b" if size else "wb") as f:
                f.truncate(min(size, i * 37 % 5000))
                if i % 3 == 0:
                    f.write(b"spoiled")
            os.chmod(path, 0o666)
        time.sleep(0.01)
        equal(door.ask("GET", "/metrics", [BEARER]).status, 200, "a page")
    load.end()
    equal(load.done, load.sent, "answered 200")


def spoiled_file(door):
    """One process: its counts are right again at once."""
    before = page_of(door)
    load = Load(door)
    try:
        spoiled(door, load)
    finally:
        load.end()
    equal(door.responder.popen.poll(), None, "the responder lives")
    page = page_of(door)
    equal(page("metrics_shared"), 1, "shared")
    equal(page.since(before).get(("requests_total", ("/whatsapp", "200"))),
          load.done, "requests")
    true("was written again" in door.dir.read("state/log"), "the log says so")


def spoiled_file_of_several(door):
    """Several: none dies, and none counts twice."""
    load = Load(door)
    try:
        spoiled(door, load)
    finally:
        load.end()
    page = page_of(door)
    equal(page("metrics_shared"), 1, "shared")
    equal(page("messages_total", "unrouted"), load.done, "messages")
    true(0 < page("requests_total", "/whatsapp", "200") <= load.done,
         "requests")
    errors = door.dir.read("apache-error.log")
    true("signal" not in errors, errors)


def damaged_store(door):
    """What is not read from the store is shown all the same."""
    equal(door.ask("GET", "/health").status, 200, "health")
    with open(door.dir("state/switchhook.db"), "r+b") as f:
        f.write(b"this is no database" * 500)
    for name in ("switchhook.db-wal", "switchhook.db-shm"):
        if os.path.exists(door.dir(f"state/{name}")):
            os.unlink(door.dir(f"state/{name}"))
    page = page_of(door)
    equal(page("store_up"), 0, "store_up")
    true(page("requests_total", "/health", "200") >= 1, "requests")
    equal(page("messages_total", "unrouted"), None, "messages")
    check(page.text)


def twilio_unreachable(door):
    """A call of Twilio's API that nobody answers is counted as that."""
    conf = door.dir.read("switchhook.conf")
    door.dir.write("switchhook.conf", conf.replace(
        "[twilio]", "[twilio]\naccount_sid = AC" + "0" * 32 +
        f"\napi_url = http://127.0.0.1:{free_port()}"))
    reply = door.ask("GET", "/monitor-call/CA" + "1" * 32, [BEARER])
    equal(reply.status, 502, f"status of {reply}")
    equal(page_of(door)("upstream_calls_total", "twilio", "unreachable"), 1,
          "calls")
    door.dir.write("switchhook.conf", conf)


def page_at(socket):
    reply = fastcgi.ask(socket, fastcgi.request([
        ("REQUEST_METHOD", "GET"), ("PATH_INFO", "/metrics"),
        ("REQUEST_URI", "/metrics"), ("HTTP_X_API_KEY", ADMIN)]))
    equal(reply.status, 200, f"status of {reply}")
    return Page(reply.body.decode())


def upstream(cloud):
    """Calls to remote back ends, as many as the service saw; the spool."""
    directory = Directory()
    site = Site(cloud, directory)
    site.extra = {"SWITCHHOOK_SERVER_ADMIN_TOKEN": ADMIN}
    site.start()
    try:
        number = tel()
        cloud.conversation("c-metrics", number, True)
        seen = len(cloud.requests("SendMessage"))
        for _ in range(4):
            equal(site.post(message(number, sid())), 200)
        wait_for(lambda: not site.spool(), "the spool to empty", 40)
        page = page_at(site.socket)
        equal(page("messages_total", "human"), 4, "messages")
        equal(page("upstream_calls_total", "sqs", "ok"),
              len(cloud.requests("SendMessage")) - seen, "calls of SQS")
        true(page("upstream_calls_total", "dynamodb", "ok") >= 4, "DynamoDB")
        equal(page("queue_messages", f"{cloud.url}/000000000000/ai", "ready"),
              None, "a remote queue is not asked")
        cloud.fault("SendMessage", kind="error", status=500)
        for _ in range(3):
            equal(site.post(message(number, sid())), 200)
        page = page_at(site.socket)
        equal(page("spool_messages"), 3, "spooled")
        true(page("upstream_calls_total", "sqs", "unreachable") >= 1, "failed")
        check(page.text)
        true(number[1:] not in page.text, "no number is shown")
        cloud.well()
    finally:
        site.stop()
        directory.remove()


LOCAL = """
[server]
public_url = https://hooks.example.com
log_target = {d}/log
admin_token = """ + ADMIN + """
[store]
path = {d}/db
[twilio]
auth_token = secretsmanager:token
"""


def refreshes(cloud):
    """The fetch at each start is one; calls are counted before the file that
    they are counted in is known."""
    put(cloud, token={"AWSCURRENT": TOKEN})
    with Responder(cloud, LOCAL) as r:
        page = page_at(r.socket)
        equal(page("reference_refreshes_total", "ok"), 1, "good ones")
        equal(page("reference_refreshes_total", "failed"), 0, "bad ones")
        true(page("upstream_calls_total", "secretsmanager", "ok") >= 1,
             "calls")
    outage(cloud)
    with Responder(cloud, LOCAL) as r:
        # Nothing but what is open is answered before the token is there.
        equal(r.get("/ready")[0], 503, "ready")
        cloud.well()
        wait_for(lambda: fastcgi.ask(r.socket, fastcgi.request([
            ("REQUEST_METHOD", "GET"), ("PATH_INFO", "/metrics"),
            ("REQUEST_URI", "/metrics"), ("HTTP_X_API_KEY", ADMIN)
        ])).status == 200, "the token", 60)
        page = page_at(r.socket)
        true(page("reference_refreshes_total", "failed") >= 1, "failed")
        true(page("reference_refreshes_total", "ok") >= 1, "then good")


def suite(results):
    def served(*tests):
        with NginxFastcgi() as door:
            for test in tests:
                results.run(f"metrics: {test.__name__}", test, door)

    def by_hand(*tests):
        with ByHand() as door:
            for test in tests:
                results.run(f"metrics: {test.__name__}", test, door)

    def several(*tests):
        with Fcgid() as door:
            for test in tests:
                results.run(f"metrics: {test.__name__}", test, door)

    def clouded(*tests):
        directory, clouds = Directory(), []
        try:
            results.run("metrics: a cloud",
                        lambda: clouds.append(Cloud(directory)))
            for cloud in clouds:
                for test in tests:
                    results.run(f"metrics: {test.__name__}", test, cloud)
                cloud.process.stop()
        finally:
            directory.remove()

    served(killed, spoiled_file, reloaded, locked_store)
    several(spoiled_file_of_several)
    by_hand(no_file, other_file, twilio_unreachable, damaged_store)
    clouded(upstream, refreshes)
