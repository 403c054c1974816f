"""The database as files: what is in which when, what becomes of them under a
running responder, copies, checks, and what is saved from a damaged one."""
import json
import os
import shutil
import signal
import sqlite3
import subprocess

from cases import check_json_error, check_twiml, message, sid, tel
from doors import ApacheCgi, NginxFastcgi
from lifecycle import Load
from outcome import Skip, equal, true
from servers import wait_for
from twilio_sign import form


def state(door, suffix=""):
    return door.dir(f"state/switchhook.db{suffix}")


def post(door):
    """A message; its SID, and what was answered."""
    message_sid = sid()
    return message_sid, door.post("/whatsapp", form(message(tel(), message_sid)))


def posted(door, n=1):
    sids = []
    for _ in range(n):
        message_sid, reply = post(door)
        check_twiml(reply)
        sids.append(message_sid)
    return sids


def refused(door):
    message_sid, reply = post(door)
    check_json_error(reply, 503)
    return message_sid


def stop(door):
    door.responder.kill(signal.SIGTERM)
    equal(door.responder.wait(), 0, "exit status")
    door.processes.remove(door.responder)


def restart(door):
    stop(door)
    door.start_responder()


def stored(path):
    """MessageSids in one file, as SQLite finds them in it alone."""
    with sqlite3.connect(f"file:{path}?immutable=1", uri=True) as db:
        found = [row[0] for row in db.execute("SELECT sid FROM message")]
    db.close()
    return found


def not_ready(door, says):
    """/ready and the log name what is wrong."""
    wait_for(lambda: door.ask("GET", "/ready").status == 503, "/ready 503", 3)
    reply = door.ask("GET", "/ready")
    true('"store":"not ready"' in reply.body.decode(), f"{reply}")
    true(says in door.dir.read("state/log"), f"{says} in the log")


def ready(door):
    # The verdict is kept for a second.
    wait_for(lambda: door.ask("GET", "/ready").status == 200, "/ready 200", 3)


# ---- one file


def stop_leaves_one_file(door):
    """After a graceful stop cp(1) of the one file has all of it."""
    sids = posted(door, 100)
    restart(door)
    copy = door.dir("copied.db")
    shutil.copy(state(door), copy)
    equal(sorted(set(sids) - set(stored(copy))), [], "missing in the copy")
    posted(door)


def command_leaves_one_file(door):
    door.switchhook("conversation", "add", "--tel", tel(), "--id", sid())
    equal(os.path.getsize(state(door, "-wal")), 0, "the log")
    posted(door)


# ---- files that go while they are used


def deleted(door):
    sids = posted(door, 3)
    os.rename(state(door), state(door, ".away"))
    lost = refused(door)
    refused(door)
    not_ready(door, "deleted or moved away while in use")
    true(not os.path.exists(state(door)), "no empty one was made")
    equal(door.ask("GET", "/health").status, 200, "/health")
    os.rename(state(door, ".away"), state(door))
    ready(door)
    sids += posted(door, 2)
    restart(door)
    have = stored(state(door))
    equal(([s for s in sids if s not in have], lost in have), ([], False))


def deleted_for_good(door):
    """It is kept in the open file; a command and a CGI process, which cannot
    know of the responder, make no empty one either."""
    sids = posted(door, 3)
    os.unlink(state(door))
    refused(door)
    rescued = door.dir("rescued.db")
    fds = f"/proc/{door.responder.pid}/fd"
    for fd in os.listdir(fds):
        if os.readlink(f"{fds}/{fd}") == state(door) + " (deleted)":
            shutil.copy(f"{fds}/{fd}", rescued)
    equal([s for s in sids if s not in stored(rescued)], [], "rescued")
    done = door.run_switchhook("queue", "list")
    equal(done.returncode, 4, "exit status of a command")
    true(b"restore a copy" in done.stderr, done.stderr)
    true(not os.path.exists(state(door)), "no empty one was made")
    shutil.copy(rescued, state(door))
    refused(door)
    not_ready(door, "in the place of the database")
    restart(door)
    ready(door)
    sids += posted(door)
    restart(door)
    have = stored(state(door))
    equal([s for s in sids if s not in have], [], "lost")


def emptied(door):
    sids = posted(door, 3)
    restart(door)  # all is in the file
    posted(door)
    copy = door.dir("before.db")
    shutil.copy(state(door), copy)
    os.truncate(state(door), 0)
    refused(door)
    not_ready(door, "emptied or overwritten")
    equal(os.path.getsize(state(door)), 0, "nothing was written into it")
    stop(door)
    for suffix in ("-wal", "-shm"):
        os.unlink(state(door, suffix))
    shutil.copy(copy, state(door))
    door.start_responder()
    ready(door)
    have = stored(state(door))
    equal([s for s in sids if s not in have], [], "lost")


def log_deleted(door):
    sids = posted(door, 5)
    os.unlink(state(door, "-wal"))
    refused(door)
    not_ready(door, "-wal file of the database was deleted")
    restart(door)
    ready(door)
    sids += posted(door)
    restart(door)
    have = stored(state(door))
    equal([s for s in sids if s not in have], [], "lost")


def log_cut(door):
    """What it held is lost, but nothing more: the next message would make a
    hole of it, which would be copied into the database."""
    sids = posted(door, 5)
    restart(door)
    posted(door, 3)
    os.truncate(state(door, "-wal"), 0)
    refused(door)
    refused(door)
    not_ready(door, "-wal file of the database was cut while in use")
    restart(door)
    ready(door)
    sound(door, state(door))
    sids += posted(door)
    restart(door)
    have = stored(state(door))
    equal([s for s in sids if s not in have], [], "lost")


def vanished_under_cgi(door):
    sids = posted(door, 2)
    os.rename(state(door), state(door, ".away"))
    refused(door)
    true(not os.path.exists(state(door)), "no empty one was made")
    os.rename(state(door, ".away"), state(door))
    sids += posted(door)
    have = [r["body"]["twilio_message"]["MessageSid"][0]
            for r in door.queue("unrouted")]
    equal([s for s in sids if s not in have], [], "lost")


# ---- copies


def sound(door, path, expected=0):
    """switchhook store check; its rows."""
    done = door.run_switchhook("store", "check", path, "--json")
    equal(done.returncode, expected, f"{done.stdout} {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def copy_in_use(door):
    """Each copy has all that was answered before it began, in one file."""
    with Load(door) as load:
        load.wait_for(50)
        for n in range(3):
            before = list(load.sids)
            copy = door.dir(f"state/copy{n}.db")
            door.switchhook("store", "copy", copy)
            equal(os.stat(copy).st_mode & 0o777, 0o600, "its mode")
            have = set(stored(copy))
            equal([s for s in before if s not in have], [], "missing")
            equal(sound(door, copy)[0]["ok"], True)
            load.wait_for(20)
    load.check()
    true(not [n for n in os.listdir(door.dir("state")) if "partial" in n or
              n.startswith("copy0.db-")], "nothing is left over")
    sound(door, state(door))


def copy_overwrites_nothing(door):
    posted(door)
    path = door.dir.write("state/mine", "my own")
    for target in (path, state(door)):
        done = door.run_switchhook("store", "copy", target)
        equal(done.returncode, 1, "exit status")
        true(b"is there already" in done.stderr, done.stderr)
    equal(door.dir.read("state/mine"), "my own")
    done = door.run_switchhook("store", "copy", door.dir("no/such/copy.db"))
    equal(done.returncode, 4, "exit status")
    sound(door, state(door))
    posted(door)


def copy_is_restored(door):
    """As switchhook(1) says it."""
    sids = posted(door, 5)
    copy = door.dir("state/copy.db")
    door.switchhook("store", "copy", copy)
    posted(door, 2)
    stop(door)
    for suffix in ("", "-wal", "-shm"):
        os.unlink(state(door, suffix))
    os.rename(copy, state(door))
    door.start_responder()
    ready(door)
    sids += posted(door)
    equal(sorted(row["body"]["twilio_message"]["MessageSid"][0]
                 for row in door.queue("unrouted")), sorted(sids))


def copy_of_nothing(door):
    """A command for what is there makes nothing."""
    stop(door)
    for name in os.listdir(door.dir("state")):
        os.unlink(door.dir(f"state/{name}"))
    for args in (("copy", door.dir("state/x.db")), ("check",),
                 ("recover", door.dir("state/x.db"))):
        done = door.run_switchhook("store", *args)
        true(done.returncode != 0, f"exit status of {args}: {done}")
        true(not os.path.exists(state(door)), f"{args} made a database")
        true(not os.path.exists(door.dir("state/x.db")), "nor a copy")
    door.start_responder()


# ---- damage


PAGE = 4096


def damage(path, pages):
    with open(path, "r+b") as f:
        for page in pages:
            f.seek(page * PAGE)
            f.write(b"\xa5" * PAGE)


def roots(path):
    with sqlite3.connect(f"file:{path}?immutable=1", uri=True) as db:
        found = dict(db.execute("SELECT name, rootpage FROM sqlite_schema"))
    db.close()
    return found


def leaves(path, table):
    """The numbers of a table's leaf pages, from its root's cells on."""
    with open(path, "rb") as f:
        data = f.read()
    pages, found = [roots(path)[table]], []
    while pages:
        n = pages.pop()
        at = (n - 1) * PAGE
        kind = data[at]
        if kind in (0x0d, 0x0a):
            found.append(n - 1)
            continue
        cells = int.from_bytes(data[at + 3:at + 5], "big")
        pages.append(int.from_bytes(data[at + 8:at + 12], "big"))
        for i in range(cells):
            p = int.from_bytes(data[at + 12 + 2 * i:at + 14 + 2 * i], "big")
            pages.append(int.from_bytes(data[at + p:at + p + 4], "big"))
    return sorted(found)


def recover(door, name, expected):
    path = door.dir(f"state/{name}")
    done = door.run_switchhook("store", "recover", path, "--json")
    equal(done.returncode, expected, f"{done.stdout} {done.stderr}")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    sound(door, path)
    return path, {row["table"]: row for row in rows}


def damaged(door):
    """A few leaves of the table of messages on queues: the rest is saved."""
    sids = posted(door, 150)
    stop(door)
    copy = door.dir("whole.db")
    shutil.copy(state(door), copy)
    sound(door, state(door))
    path, tables = recover(door, "all.db", 0)
    equal(sorted(stored(path)), sorted(stored(state(door))), "saved")
    equal([t for t in tables.values() if t["lost"] or not t["sure"]], [])
    pages = leaves(state(door), "queue_item")
    true(len(pages) > 20, pages)
    damage(state(door), [pages[3], pages[4], pages[9], pages[-1]])
    found = sound(door, state(door), 1)
    true("store recover" in found[0]["advice"], found)
    path, tables = recover(door, "rest.db", 1)
    item = tables["queue_item"]
    equal(item["saved"] + item["lost"], len(sids), f"{item}")
    true(item["sure"], f"{item}")
    true(item["lost"] <= 4 * len(sids) / len(pages) + 8, f"{item}")
    equal(tables["message"], {"table": "message", "saved": len(sids), "lost": 0,
                              "sure": True})
    equal(sorted(stored(path)), sorted(sids), "messages")
    print(f"      4 of {len(pages)} leaves damaged: {item['saved']} messages "
          f"saved, {item['lost']} lost, each of them told")
    # It is put in the place of the damaged one, and goes on.
    for suffix in ("", "-wal", "-shm"):
        os.unlink(state(door, suffix))
    os.rename(path, state(door))
    door.start_responder()
    ready(door)
    posted(door)
    stop(door)
    # A table that is ordered by text, of which an index has the keys.
    shutil.copy(copy, state(door))
    pages = leaves(state(door), "message")
    damage(state(door), [pages[len(pages) // 2]])
    path, tables = recover(door, "message.db", 1)
    item = tables["message"]
    equal((item["saved"] + item["lost"], item["sure"]), (len(sids), True),
          f"{item}")
    true(0 < item["lost"] < len(sids) / 2, f"{item}")
    # The first page lists the tables.
    damage(state(door), [0])
    sound(door, state(door), 1)
    done = door.run_switchhook("store", "recover", door.dir("state/no.db"))
    equal(done.returncode, 4, "exit status")
    true(b"restore a copy" in done.stderr, done.stderr)
    true(not os.path.exists(door.dir("state/no.db")), "nothing is left over")


def cut(door):
    """A quarter is missing at the end: what is before it is saved. The cut
    goes through a page, whose rows are read as having other keys."""
    sids = posted(door, 150)
    stop(door)
    pages = leaves(state(door), "queue_item")
    end = pages[len(pages) * 3 // 4]
    os.truncate(state(door), end * PAGE + 100)
    sound(door, state(door), 1)
    done = door.run_switchhook("store", "recover", door.dir("state/cut.db"),
                               "--json")
    equal(done.returncode, 1, f"{done}")
    item = [row for row in map(json.loads, done.stdout.splitlines())
            if row["table"] == "queue_item"][0]
    true(len(sids) // 2 < item["saved"] < len(sids), f"{item}")
    print(f"      cut in page {end}: {item}")


# ---- a full disk


class Small:
    """A disk of a few MB in place of the site's directory."""

    def __init__(self, door, size):
        self.dir = door.dir("state")
        if os.geteuid() != 0:
            raise Skip("only root may mount")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}",
                               "none", self.dir], capture_output=True,
                              check=False)
        if done.returncode:
            raise Skip(f"no mount here: {done.stderr}")

    def __enter__(self):
        return self

    def fill(self, name="full"):
        with open(f"{self.dir}/{name}", "wb", buffering=0) as f:
            for size in (65536, 4096, 1):
                try:
                    while f.write(b"x" * size) == size:
                        pass
                except OSError:
                    pass

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.dir], check=False)


def work_off(door, sids):
    """The queue, by the command; what it gave."""
    got = door.dir("got")
    open(got, "w", encoding="utf-8").close()
    done = door.run_switchhook(
        "queue", "run", "unrouted", "--drain", "--", "sh", "-c",
        f"tr -d '\\n' >>{got}; echo >>{got}")
    equal(done.returncode, 0, done.stderr)
    with open(got, encoding="utf-8") as f:
        have = [json.loads(line)["twilio_message"]["MessageSid"][0]
                for line in f if line.strip()]
    equal(sorted(have), sorted(sids), "worked off, each once")


def until_full(door):
    sids = []
    for _ in range(20000):
        message_sid, reply = post(door)
        if reply.status != 200:
            check_json_error(reply, 503)
            return sids
        sids.append(message_sid)
    raise AssertionError("the disk is not full")


def full_of_messages(door):
    """The messages themselves have filled it."""
    stop(door)
    with Small(door, "3m"):
        door.start_responder()
        sids = until_full(door)
        true(len(sids) > 40, f"{len(sids)} messages")
        not_ready(door, "the disk is full")
        work_off(door, sids)
        print(f"      {len(sids)} messages on a full disk worked off")
        equal(door.queue("unrouted"), [])
        posted(door, 20)
        sound(door, state(door))
        stop(door)
        door.start_responder()


def full_of_others(door):
    """Something else has filled it; the responder runs or not."""
    stop(door)
    with Small(door, "8m") as disk:
        door.start_responder()
        sids = posted(door, 60)
        disk.fill()
        sids += until_full(door)
        disk.fill("more")
        row = door.rows("queue", "receive", "unrouted")[0]
        door.switchhook("queue", "release", "unrouted", row["receipt"])
        row = door.rows("queue", "receive", "unrouted")[0]
        disk.fill("again")
        door.switchhook("queue", "ack", "unrouted", row["receipt"])
        sids.remove(json.loads(row["body"])["twilio_message"]["MessageSid"][0])
        stop(door)
        disk.fill("and-again")
        work_off(door, sids)
        door.start_responder()
        for name in ("full", "more", "again", "and-again"):
            os.unlink(door.dir(f"state/{name}"))
        posted(door, 20)
        ready(door)
        sound(door, state(door))
        equal(os.path.getsize(state(door, ".reserve")), 1 << 20, "the reserve")
        stop(door)
        door.start_responder()


CASES = [full_of_messages, full_of_others, copy_in_use, copy_overwrites_nothing, copy_is_restored,
         copy_of_nothing, damaged, cut, stop_leaves_one_file, command_leaves_one_file, deleted, deleted_for_good, emptied,
         log_deleted, log_cut]


def suite(results):
    for case in CASES:
        with NginxFastcgi() as door:
            results.run(f"store-files: {case.__name__}", case, door)
    with ApacheCgi() as door:
        results.run("store-files: vanished_under_cgi", vanished_under_cgi, door)
