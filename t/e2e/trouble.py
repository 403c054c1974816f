"""What is not there at the start, or goes away: the responder starts, answers
what it can, says what is missing, and goes on by itself once it is mended."""
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

import fastcgi
from cloud import DOWN, Cloud
from doors import (TOKEN, ApacheCgi, ApacheFcgid, NginxFastcgi, NginxFcgiwrap,
                   NginxSpawnFcgi)
from malformed import a_message
from outcome import Skip, equal, true
from references import LOCAL, Responder, put
from servers import WEB_USER, Directory, wait_for
from twilio_sign import form

GATHER = form({"CallSid": "CA" + 32 * "1", "From": "+15005550006"})


class Trouble:
    """A door of some kind whose site is spoiled before it starts."""

    def __init__(self, kind, spoil):
        self.door = kind()
        spoil(self.door)

    def __enter__(self):
        return self.door.__enter__()

    def __exit__(self, *_):
        self.door.__exit__()


def message_status(door):
    return door.post("/whatsapp", a_message()).status


def call_status(door):
    return door.post("/handle-incoming-call/gather", GATHER).status


def checks(door):
    reply = door.ask("GET", "/ready")
    body = json.loads(reply.body)
    return reply.status, body.get("checks", {}), body.get("error", "")


def refused(door):
    """Calls are up, messages are 503, and /ready says why."""
    equal(door.ask("GET", "/health").status, 200, "/health")
    equal(call_status(door), 200, "a call")
    reply = door.post("/whatsapp", a_message())
    equal(reply.status, 503, "a message")
    true(reply.header("Retry-After"), "try again")
    status, ready, error = checks(door)
    equal((status, ready["store"]), (503, "not ready"), "/ready")
    true("store" in error, error)


def mended(door):
    wait_for(lambda: message_status(door) == 200, "a message is taken", 10)
    wait_for(lambda: checks(door)[0] == 200, "/ready", 10)


def state(door):
    return door.dir("state/switchhook.db")


# ---- the store


def no_directory(kind):
    def spoil(door):
        door.conf = door.dir.write("switchhook.conf", door.config().replace(
            state(door), door.dir("later/switchhook.db")))
    with Trouble(kind, spoil) as door:
        refused(door)
        os.mkdir(door.dir("later"))
        door.dir.give_to_web_user("later")
        mended(door)


def damaged(kind):
    def spoil(door):
        with open(state(door), "wb") as f:
            f.write(b"this is no database" * 500)
        os.chmod(state(door), 0o666)
    with Trouble(kind, spoil) as door:
        refused(door)
        os.unlink(state(door))
        mended(door)


def newer(kind):
    def spoil(door):
        subprocess.run([door.program, "-c", door.conf], check=False, env={
            "REQUEST_METHOD": "GET", "PATH_INFO": "/ready",
            "SWITCHHOOK_CONF": door.conf}, capture_output=True)
        version(door, 1000)
    with Trouble(kind, spoil) as door:
        refused(door)
        version(door, -1000)
        mended(door)


def version(door, more):
    db = sqlite3.connect(state(door))
    n = db.execute("PRAGMA user_version").fetchone()[0] + more
    db.execute(f"PRAGMA user_version = {n}")
    db.commit()
    db.close()


def read_only(kind):
    """Its directory may not be written to by the responder's user."""
    if os.geteuid() != 0 or kind is NginxFastcgi:
        raise Skip("needs root, and a web server's user")

    def spoil(door):
        os.mkdir(door.dir("roots"))
        door.conf = door.dir.write("switchhook.conf", door.config().replace(
            state(door), door.dir("roots/switchhook.db")))
    with Trouble(kind, spoil) as door:
        refused(door)
        shutil.chown(door.dir("roots"), WEB_USER, WEB_USER)
        mended(door)


def full(kind):
    """No room for as much as the file's first page."""
    directory = Directory()
    place = directory("small")
    os.mkdir(place)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=777",
                       "tmpfs", place], check=False,
                      capture_output=True).returncode != 0:
        directory.remove()
        raise Skip("the system lets us mount nothing")
    try:
        with open(place + "/ballast", "wb", buffering=0) as f:
            try:
                while f.write(b"x" * 4096):
                    pass
            except OSError:
                pass

        def spoil(door):
            door.conf = door.dir.write(
                "switchhook.conf", door.config().replace(
                    state(door), place + "/switchhook.db"))
        with Trouble(kind, spoil) as door:
            refused(door)
            os.unlink(place + "/ballast")
            subprocess.run(["mount", "-o", "remount,size=16m", place],
                           check=True)
            mended(door)
    finally:
        subprocess.run(["umount", "-l", place], check=False)
        directory.remove()


def table_missing(kind):
    """While every message is refused, /ready does not say 200."""
    with kind() as door:
        equal(message_status(door), 200, "a message")
        db = sqlite3.connect(state(door))
        db.execute("ALTER TABLE message RENAME TO elsewhere")
        db.commit()
        db.close()
        equal(message_status(door), 503, "a message")
        time.sleep(1.1)
        equal(checks(door)[1]["store"], "not ready", "/ready")
        db = sqlite3.connect(state(door))
        db.execute("ALTER TABLE elsewhere RENAME TO message")
        db.commit()
        db.close()
        mended(door)


def reload_to_worse(door):
    """A reload to a store that cannot be opened keeps the one that is."""
    before = door.dir.read("state/log").count("not reloaded")
    door.dir.write("switchhook.conf", door.config().replace(
        state(door), door.dir("nowhere/switchhook.db")))
    door.responder.kill(signal.SIGHUP)
    wait_for(lambda: door.dir.read("state/log").count("not reloaded") > before,
             "not reloaded")
    equal(message_status(door), 200, "a message")
    true("nowhere" in door.dir.read("state/log"), "the log says what")
    door.dir.write("switchhook.conf", door.config())


# ---- templates


def no_templates(kind):
    def spoil(door):
        os.rename(door.dir("templates"), door.dir("elsewhere"))
    with Trouble(kind, spoil) as door:
        # A busy machine may be long at making the database.
        wait_for(lambda: message_status(door) == 200, "a message", 10)
        reply = door.post("/handle-incoming-call/gather", GATHER)
        equal(reply.status, 503, "a call")
        true(reply.header("Retry-After"), "try again")
        equal(checks(door)[1]["templates"], "not ready", "/ready")
        os.rename(door.dir("elsewhere"), door.dir("templates"))
        wait_for(lambda: call_status(door) == 200, "a call is answered", 10)
        wait_for(lambda: checks(door)[0] == 200, "/ready", 10)


# ---- the configuration, where a web server has started the program


def wrong_configuration(kind):
    """Nothing is open; /ready says what to write; no secret is shown."""
    def spoil(door):
        door.right = door.config()
        door.dir.write("switchhook.conf", door.right.replace(
            "[store]", "[whatsapp]\nai_queue = a-secret-on-a-wrong-line\n"
            "[store]\njournal = many\n"))
    with Trouble(kind, spoil) as door:
        equal(door.ask("GET", "/health").status, 200, "/health")
        status, _, error = checks(door)
        equal(status, 503, "/ready")
        true("switchhook.conf:" in error and "store.journal: " in error and
             "rollback" in error, error)
        true("secret" not in error and TOKEN not in error, error)
        for reply in [door.post("/whatsapp", a_message()),
                      door.ask("GET", "/metrics"), door.ask("GET", "/nothing"),
                      door.ask("POST", "/whatsapp", body=b"")]:
            equal(reply.status, 503, "all else")
        door.dir.write("switchhook.conf", door.right.replace(
            "[store]", "[whatsapp]\nai_queue = a-secret-on-a-wrong-line\n"
            "[store]"))
        wait_for(lambda: "whatsapp.ai_queue" in checks(door)[2],
                 "the next mistake", 10)
        true("secret" not in checks(door)[2], "no value")
        door.dir.write("switchhook.conf", door.right)
        mended(door)


# ---- AWS


def aws_away(cloud):
    """A queue's URL is kept at AWS, which is not reached at the start."""
    put(cloud, {"/ai": "sqlite:elsewhere"})
    cloud.control(faults=[{"target": name, "kind": "reset", "times": DOWN}
                          for name in ("GetParameters", "GetSecretValue")])
    with Responder(cloud, LOCAL + TOKEN +
                   "\n[whatsapp]\nai_queue = ssm:/ai\n") as r:
        wait_for(lambda: r.get("/health")[0] == 200, "/health", 20)
        status, body = r.get("/ready")
        equal(status, 503, body)
        true("whatsapp.ai_queue" in body and "fetched" in body, body)
        true("SSM" not in body, "what AWS says is for the log")
        equal(r.status(TOKEN), 503, "a message")
        cloud.well()
        wait_for(lambda: r.status(TOKEN) == 200, "a message is taken", 30)
        equal(r.get("/ready")[0], 200, "/ready")


# ---- /ready


def asked_often(door):
    """It costs no more than /health, whatever waits, and writes once a
    second at most."""
    equal(message_status(door), 200, "a message")
    db = sqlite3.connect(state(door))
    row = ("INSERT INTO spool (role, ordered_by, received_us, visible_us,"
           " due_us, taken, attempts, body) VALUES ('ai', ?, ?, 0,"
           " 9000000000000000, 0, 0, x'7b7d')")
    now = int(time.time() * 1e6)
    with db:
        db.executemany(row, ((str(n), now) for n in range(200000)))
    db.close()

    def spent():
        with open(f"/proc/{door.responder.pid}/stat", encoding="utf-8") as f:
            fields = f.read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def cost(path, n=3000):
        data = fastcgi.request([("REQUEST_METHOD", "GET"), ("PATH_INFO", path),
                                ("REQUEST_URI", path)], keep=True)
        before = spent()

        def ask():
            with fastcgi.connect(door.socket) as s:
                for _ in range(n // 4):
                    s.sendall(data)
                    equal(fastcgi.read_reply(s).status, 200, path)
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return spent() - before
    reply = json.loads(door.ask("GET", "/ready").body)
    equal(reply["spool"]["waiting"], 1000, "counted so far")
    health, ready = cost("/health"), cost("/ready")
    # In hundredths of a second.
    true(ready < health * 1.3 + 15, f"/ready {ready}, /health {health}")


def suite(results):
    for kind in (NginxFastcgi, ApacheFcgid, ApacheCgi):
        for case in (no_directory, damaged, newer, read_only, full,
                     table_missing, no_templates):
            results.run(f"trouble: {case.__name__} {kind.name}", case, kind)
    for kind in (ApacheFcgid, ApacheCgi, NginxSpawnFcgi, NginxFcgiwrap):
        results.run(f"trouble: wrong_configuration {kind.name}",
                    wrong_configuration, kind)
    with NginxFastcgi() as door:
        results.run("trouble: reload_to_worse", reload_to_worse, door)
        results.run("trouble: asked_often", asked_often, door)
    directory = Directory()
    cloud = Cloud(directory)
    results.run("trouble: aws_away", aws_away, cloud)
    cloud.process.stop()
    directory.remove()
