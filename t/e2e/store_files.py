"""The database as files: what is in which when, what becomes of them under a
running responder, copies, checks, and what is saved from a damaged one."""
import os
import shutil
import signal
import sqlite3

from cases import check_json_error, check_twiml, message, sid, tel
from doors import ApacheCgi, NginxFastcgi
from outcome import equal, true
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


def restart(door):
    door.responder.kill(signal.SIGTERM)
    equal(door.responder.wait(), 0, "exit status")
    door.processes.remove(door.responder)
    door.start_responder()


def stored(path):
    """MessageSids in one file, as SQLite finds them in it alone."""
    with sqlite3.connect(f"file:{path}?immutable=1", uri=True) as db:
        found = [row[0] for row in db.execute("SELECT sid FROM message")]
    db.close()
    return found


def not_ready(door, says):
    """/ready and the log name what is wrong."""
    reply = door.ask("GET", "/ready")
    equal(reply.status, 503, "/ready")
    true('"store":"not ready"' in reply.body.decode(), f"{reply}")
    true(says in door.dir.read("state/log"), f"{says} in the log")


def ready(door):
    equal(door.ask("GET", "/ready").status, 200, "/ready")


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
    door.responder.kill(signal.SIGTERM)
    door.responder.wait()
    door.processes.remove(door.responder)
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


CASES = [stop_leaves_one_file, command_leaves_one_file, deleted, deleted_for_good, emptied,
         log_deleted]


def suite(results):
    for case in CASES:
        with NginxFastcgi() as door:
            results.run(f"store-files: {case.__name__}", case, door)
    with ApacheCgi() as door:
        results.run("store-files: vanished_under_cgi", vanished_under_cgi, door)
