"""Start, reload and stop: nothing that was taken is lost on the way."""
import collections
import contextlib
import fcntl
import os
import pwd
import re
import resource
import signal
import subprocess
import threading
import time

import fastcgi
from cases import check_json_error, check_twiml, message, sid, tel
from doors import TOKEN, ByHand, NginxFastcgi, NginxListenFds, find
from malformed import a_message, variables
from outcome import Skip, equal, patience, true
from servers import (WEB_USER, Directory, Process, clean_env, connects,
                     free_port, wait_for)
from twilio_sign import form

QUICK = bool(os.environ.get("SWITCHHOOK_TEST_QUICK"))
STOPS = 5 if QUICK else 50
OTHER = "00112233445566778899aabbccddeeff"


def started(door):
    return door.dir.read("state/log").count('"started"')


# ---- the command line


def run(door, *args, env=None):
    return subprocess.run([door.program, *args], capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=30, check=False,
                          env=clean_env(**(env or {})))


def exit_codes(door):
    bad = door.dir.write("bad.conf", door.config() + "\n[nonsense]\nx = 1\n")
    for args, code in [(["-t", "-c", door.conf], 0), (["-t", "-c", bad], 3),
                       (["-V"], 0), (["-h"], 0), (["-x"], 2),
                       (["-c", door.conf, "more"], 2),
                       (["-c", door.conf], 2),
                       (["-c", bad, "-s", door.dir("x.sock")], 3),
                       (["-c", door.conf, "-s", "nonsense"], 4),
                       (["-c", door.conf, "-s", "/no/such/x.sock"], 4)]:
        done = run(door, *args)
        equal(done.returncode, code, f"exit status of {args}")
        true(done.stdout + done.stderr, f"{args} says something")
    done = run(door, "-t", "-c", bad)
    true(b"bad.conf:" in done.stderr and b"nonsense" in done.stderr,
         f"the place of the mistake: {done.stderr}")
    true(TOKEN.encode() not in done.stderr, "no secret")
    # All at once, those of templates too.
    bad = door.dir.write("bad.conf", door.config() +
                         "\n[nonsense]\nx = 1\n[menu]\n1 = nowhere\n")
    lines = run(door, "-t", "-c", bad).stderr.decode().splitlines()
    equal(["nonsense" in lines[0], "nowhere" in lines[1]], [True, True],
          "both mistakes")
    # Of what cannot be read nothing else is said.
    lines = run(door, "-t", "-c", door.dir.path).stderr.decode().splitlines()
    true(len(lines) == 2 and "it is a directory" in lines[0], f"{lines}")


def test_opens_no_store(door):
    text = door.config().replace(door.dir("state"), door.dir("elsewhere"))
    text = text.replace("log_target", ";log_target")
    conf = door.dir.write("other.conf", text)
    equal(run(door, "-t", "-c", conf).returncode, 0, "exit status")
    true(not os.path.exists(door.dir("elsewhere")), "no store was made")


def broken_cgi(door):
    bad = door.dir.write("bad.conf", "[server]\nthreads = many\n")
    env = {"REQUEST_METHOD": "POST", "PATH_INFO": "/whatsapp",
           "CONTENT_LENGTH": "100000", "SWITCHHOOK_CONF": bad}
    done = subprocess.run([door.program], input=b"x" * 100000,
                          env=clean_env(**env), capture_output=True,
                          timeout=30, check=False)
    equal(done.returncode, 3, "exit status")
    true(done.stdout.startswith(b"Status: 503 "), "status")
    true(b"threads" not in done.stdout, "the reason is what /ready says")
    true(b"bad.conf:2" in done.stderr, f"the reason: {done.stderr}")


def stuck_cgi(door):
    """Standard input that never ends: it ends by itself, with an answer."""
    env = {"REQUEST_METHOD": "POST", "PATH_INFO": "/whatsapp",
           "SWITCHHOOK_CONF": door.conf}
    began = time.monotonic()
    p = subprocess.Popen([door.program], env=clean_env(**env),
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out = p.stdout.read()
    p.stdin.close()
    p.stdout.close()
    equal(p.wait(), 4, "exit status")
    true(out.startswith(b"Status: 503 "), f"status {out[:50]}")
    took = time.monotonic() - began
    true(10 < took < 20, f"took {took:.1f} s")


def second_start(door):
    done = run(door, "-c", door.conf, "-s", door.socket)
    equal(done.returncode, 4, "exit status")
    true(b"listens" in done.stderr, f"{done.stderr}")
    equal(door.ask("GET", "/health").status, 200, "the first one goes on")


# ---- reload


def reload_good(door):
    before = door.dir.read("state/log").count("reloaded")
    door.dir.write("switchhook.conf", door.config(token=OTHER))
    door.responder.kill(signal.SIGHUP)
    wait_for(lambda: door.dir.read("state/log").count("reloaded") > before,
             "reloaded")
    check_twiml(door.post("/whatsapp", a_message(), token=OTHER))
    check_json_error(door.post("/whatsapp", a_message()), 401)
    door.dir.write("switchhook.conf", door.config())
    door.responder.kill(signal.SIGHUP)
    wait_for(lambda: door.dir.read("state/log").count("reloaded") > before + 1,
             "reloaded again")
    check_twiml(door.post("/whatsapp", a_message()))


def reload_limit(door):
    """Another max_body counts for connections that are there already."""
    def reload(text):
        before = door.dir.read("state/log").count('"reloaded"')
        door.dir.write("switchhook.conf", text)
        door.responder.kill(signal.SIGHUP)
        wait_for(lambda: door.dir.read("state/log").count('"reloaded"') >
                 before, "reloaded")

    reload(door.config(server="max_body = 1K"))
    body = form(message(tel(), sid(), Body="x" * 2000))
    request = fastcgi.request(variables(door, body), body, keep=True)
    with fastcgi.connect(door.socket) as kept, \
            fastcgi.connect(door.socket) as silent:
        kept.sendall(request)
        equal(fastcgi.read_reply(kept).status, 413, "before")
        reload(door.config())
        for s in kept, silent:
            s.sendall(request)
            equal(fastcgi.read_reply(s).status, 200, "after")


def reload_bad(door):
    before = door.dir.read("state/log").count("not reloaded")
    try:
        door.dir.write("switchhook.conf", door.config(token=OTHER) +
                       "\n[server]\nthreads = many\n")
        door.responder.kill(signal.SIGHUP)
        wait_for(lambda: door.dir.read("state/log").count("not reloaded") >
                 before, "told")
    finally:
        door.dir.write("switchhook.conf", door.config())
    log = door.dir.read("state/log")
    true("switchhook.conf:" in log and "server.threads" in log,
         "where and what")
    check_twiml(door.post("/whatsapp", a_message()))


def reload_now(door):
    before = door.dir.read("state/log").count("reloaded")
    door.responder.kill(signal.SIGHUP)
    wait_for(lambda: door.dir.read("state/log").count("reloaded") > before,
             "reloaded")


def reload_keeps_templates(door):
    """A template that was spoiled, then a folder that is gone: the version
    before goes on, over reloads too, and the log and /ready tell. Another
    folder takes over nothing."""
    folder, away = door.dir("templates"), door.dir("away")
    file = "templates/goodbye.twiml.xml"

    def said(status=200, words="Goodbye then"):
        reply = door.post("/handle-incoming-call/goodbye", form(
            {"CallSid": "CA" + "1" * 32, "From": tel()}))
        equal(reply.status, status, f"status of {reply}")
        true(words in reply.body.decode(), f"{reply}")

    def ready(status, words):
        """Seen from the present log on."""
        wait_for(lambda: door.ask("GET", "/ready").status == status,
                 f"/ready {status}", 10)
        true(words in door.dir.read("state/log")[log:], words)

    door.dir.write(file, "<Response><Say>Goodbye then</Say></Response>")
    said()
    for spoil, words in [
            (lambda: door.dir.write(file, "<Response><Say>"),
             "goodbye.twiml.xml:1:"),
            (lambda: os.rename(folder, away), "is not there; put it back")]:
        spoil()
        time.sleep(1.1)
        said()
        for _ in range(2):
            log = len(door.dir.read("state/log"))
            reload_now(door)
            for _ in range(12):
                said()
                time.sleep(0.1)
            ready(503, words)
    os.rename(away, folder)
    door.dir.write(file, "<Response><Say>Mended</Say></Response>")
    ready(200, "")
    said(words="Mended")
    os.mkdir(away)
    try:
        door.dir.write("switchhook.conf", door.config(templates=away))
        reload_now(door)
        said(404, "Not found")
    finally:
        door.dir.write("switchhook.conf", door.config())
        os.rmdir(away)
        reload_now(door)
    said(words="Mended")


def reload_under_load(door):
    with Load(door) as load:
        for _ in range(20):
            door.responder.kill(signal.SIGHUP)
            time.sleep(0.05)
        load.wait_for(200)
    load.check()


# ---- stop


class Load:
    """Messages from several callers, without a pause."""

    def __init__(self, door, callers=8):
        self.door = door
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.statuses = collections.Counter()
        self.sids = []
        self.threads = [threading.Thread(target=self._run)
                        for _ in range(callers)]

    def _run(self):
        while not self.over.is_set():
            self.one()

    def one(self):
        message_sid = sid()
        try:
            status = self.send(form(message(tel(), message_sid)))
        except (OSError, EOFError, AssertionError) as e:
            status = repr(e)
        if status == "never let in":
            return
        with self.lock:
            self.statuses[status] += 1
            if status == 200:
                self.sids.append(message_sid)

    def send(self, body):
        return self.door.post("/whatsapp", body).status

    def wait_for(self, more):
        goal = len(self.sids) + more
        wait_for(lambda: len(self.sids) >= goal or
                 set(self.statuses) - {200}, f"{more} more answers", 30)

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for t in self.threads:
            t.join()

    def check(self):
        """Each was answered 200, and is on the queue, once."""
        equal(set(self.statuses), {200}, f"statuses {self.statuses}")
        rows = collections.Counter(
            row["body"]["twilio_message"]["MessageSid"][0]
            for row in self.door.queue("unrouted"))
        lost = [s for s in self.sids if rows[s] == 0]
        doubled = [s for s in self.sids if rows[s] > 1]
        equal((lost, doubled), ([], []), "lost and doubled")


class Direct(Load):
    """The same without a web server: who is let in is answered, who is not
    tries again."""

    def send(self, body):
        data = fastcgi.request(variables(self.door, body), body)
        while not self.over.is_set():
            try:
                s = fastcgi.connect(self.door.socket)
            except (ConnectionRefusedError, FileNotFoundError):
                time.sleep(0.002)
                continue
            with s:
                s.sendall(data)
                return fastcgi.read_reply(s).status
        return "never let in"


def restart(door):
    began = time.monotonic()
    before = started(door)
    equal(door.responder.stop(), 0, "exit status")
    took = time.monotonic() - began
    true(took < patience(7), f"stopped in {took:.1f} s")
    door.processes.remove(door.responder)
    door.start_responder()
    wait_for(lambda: started(door) > before, "started again")
    return took


def many_stops(door, kind):
    slowest = 0
    with kind(door) as load:
        for _ in range(STOPS):
            load.wait_for(10)
            slowest = max(slowest, restart(door))
        load.wait_for(10)
    load.check()
    print(f"      {STOPS} stops under load, {len(load.sids)} answers, none "
          f"lost; the slowest stop took {slowest:.2f} s")


def stops_listen_fds(door):
    many_stops(door, Load)


def stops_own_socket(door):
    many_stops(door, Direct)


class Held:
    """The lock of the database, as another process has it that writes."""

    def __init__(self, door):
        self.path = door.dir("state/switchhook.db.lock")

    def __enter__(self):
        self.fd = os.open(self.path, os.O_RDWR)
        fcntl.flock(self.fd, fcntl.LOCK_EX)
        return self

    def release(self):
        fcntl.flock(self.fd, fcntl.LOCK_UN)

    def __exit__(self, *_):
        os.close(self.fd)


def stop_during_slow_request(door):
    message_sid = sid()
    replies = []
    check_twiml(door.post("/whatsapp", a_message()))
    with Held(door) as held:
        t = threading.Thread(target=lambda: replies.append(
            door.post("/whatsapp", form(message(tel(), message_sid)))))
        t.start()
        time.sleep(0.3)
        door.responder.kill(signal.SIGTERM)
        time.sleep(0.7)
        true(door.responder.popen.poll() is None, "it waits for the request")
        equal(replies, [], "not answered yet")
        held.release()
        t.join()
    equal(door.responder.wait(), 0, "exit status")
    check_twiml(replies[0])
    equal(len(find(door.queue("unrouted"), message_sid)), 1, "queued")
    door.processes.remove(door.responder)
    door.start_responder()


def stop_when_stuck(door):
    """What cannot be finished is given up, in time for mod_fcgid."""
    check_twiml(door.post("/whatsapp", a_message()))
    replies = []
    with Held(door):
        t = threading.Thread(target=lambda: replies.append(
            door.post("/whatsapp", a_message())))
        t.start()
        time.sleep(0.3)
        began = time.monotonic()
        door.responder.kill(signal.SIGTERM)
        equal(door.responder.wait(), 0, "exit status")
        took = time.monotonic() - began
        t.join()
    door.processes.remove(door.responder)
    door.start_responder()
    true(took < patience(7), f"stopped in {took:.1f} s")
    equal(replies[0].status, 503, "answered")


def signals(door):
    for sig in (signal.SIGINT, signal.SIGUSR1, signal.SIGTERM):
        door.responder.stop_signal = sig
        restart(door)


def stale_socket(door):
    """After kill -9 the file is in the way of nobody."""
    door.responder.kill(signal.SIGKILL)
    door.responder.popen.wait()
    true(os.path.exists(door.socket), "left behind")
    door.processes.remove(door.responder)
    door.start_responder()
    check_twiml(door.post("/whatsapp", a_message()))


def few_descriptors(door):
    """More silent peers than descriptors: they leave, requests are
    answered."""
    path = door.dir("few.sock")
    p = Process([door.program, "-c", door.conf, "-s", path],
                door.dir("few.log"), preexec_fn=lambda: resource.setrlimit(
                    resource.RLIMIT_NOFILE, (40, 40)))
    peers = []
    try:
        p.wait_until(lambda: connects(path), "listening")
        for _ in range(3):
            peers += [fastcgi.connect(path) for _ in range(100)]
            body = a_message()
            began = time.monotonic()
            check_twiml(fastcgi.ask(path, fastcgi.request(
                variables(door, body), body)))
            took = time.monotonic() - began
            true(took < patience(1), f"answered after {took:.2f} s")
    finally:
        for peer in peers:
            peer.close()
        equal(p.stop(), 0, "exit status")


def check_idle_peers(door, path, count):
    """Connections that were used and are kept: they leave, the longest idle
    first, and no request is refused for them, slow ones neither."""
    health = fastcgi.request([("REQUEST_METHOD", "GET"),
                              ("PATH_INFO", "/health")], keep=True)
    with contextlib.ExitStack() as peers:
        kept = []
        for _ in range(count):
            kept.append(peers.enter_context(fastcgi.connect(path)))
            kept[-1].sendall(health)
            equal(fastcgi.read_reply(kept[-1]).status, 200, "health")
        for _ in range(20):
            slow = []
            for _ in range(10):
                slow.append(peers.enter_context(fastcgi.connect(path)))
                slow[-1].sendall(health[:30])
            body = a_message()
            check_twiml(fastcgi.ask(path, fastcgi.request(
                variables(door, body), body)))
            for s in slow:
                s.sendall(health[30:])
                equal(fastcgi.read_reply(s).status, 200, "in two pieces")
        slow[-1].sendall(health)
        equal(fastcgi.read_reply(slow[-1]).status, 200, "the youngest again")


def idle_peers(door):
    check_idle_peers(door, door.socket, 600)


def idle_peers_few_descriptors(door):
    path = door.dir("idle.sock")
    p = Process([door.program, "-c", door.conf, "-s", path],
                door.dir("idle.log"), preexec_fn=lambda: resource.setrlimit(
                    resource.RLIMIT_NOFILE, (100, 100)))
    try:
        p.wait_until(lambda: connects(path), "listening")
        check_idle_peers(door, path, 150)
    finally:
        equal(p.stop(), 0, "exit status")


class AllThreads(NginxFastcgi):
    extra = "threads = 1024"


def all_threads():
    """What the configuration takes is what is used."""
    with AllThreads() as door:
        check_twiml(door.post("/whatsapp", a_message()))
        true('"threads":1024' in door.dir.read("state/log"), "1024 threads")
        equal(door.stop()[-1], 0, "exit status")


def tcp_listener(door):
    """-s HOST:PORT. Somebody else may get the port first: then another."""
    for _ in range(5):
        port = free_port()
        log = door.dir(f"tcp-{port}.log")
        p = Process([door.program, "-c", door.conf, "-s", f":{port}"], log)
        try:
            p.wait_until(lambda: connects(("127.0.0.1", port)), "listening")
        except AssertionError as e:
            p.stop()
            if "in use" not in str(e):
                raise
            continue
        equal(p.stop(), 0, "exit status")
        return
    raise AssertionError("no port in five tries")


def copies(pid, text):
    """Where it is in the memory of a process."""
    found = []
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, \
            open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            begin, end = (int(x, 16) for x in line.split()[0].split("-"))
            if line.split()[1][0] != "r" or "[v" in line:
                continue
            memory.seek(begin)
            data = memory.read(end - begin)
            found += [f"{begin + m.start():x}: {line.split()[5:]}"
                      for m in re.finditer(re.escape(text), data)]
    return found


def one_copy_of_the_token(door):
    """In memory, however it got there; and nobody but root looks into it."""
    if os.geteuid() != 0:
        raise Skip("only root can look into the memory")
    with open(door.program, "rb") as f:
        if b"__asan_init" in (program := f.read()) or b"__tsan_init" in program:
            raise Skip("a sanitizer has a memory of its own")
    place = Directory()
    place.give_to_web_user("")
    user = pwd.getpwnam(WEB_USER)
    place.write("token", TOKEN + "\n")
    plain = door.config(state=place(""), log=place("log"))
    elsewhere = door.config(state=place(""), log=place("log"),
                            token="file:" + place("token"))
    for text in (plain, elsewhere):
        conf, path = place.write("conf", text), place("sock")
        p = Process([door.program, "-c", conf, "-s", path], place("out"),
                    user=user.pw_uid, group=user.pw_gid, extra_groups=[])
        try:
            p.wait_until(lambda: connects(path), "listening")
            equal(os.stat(f"/proc/{p.pid}/environ").st_uid, 0, "its owner")
            for reloads in 1, 2:
                for by, status in [(TOKEN, 200), ("0" * 32, 401)]:
                    body = form(message(tel(), sid()))
                    reply = fastcgi.ask(path, fastcgi.request(
                        variables(door, body, by=by), body))
                    equal(reply.status, status, f"signed by {by}")
                equal(len(found := copies(p.pid, TOKEN.encode())), 1, found)
                p.kill(signal.SIGHUP)
                wait_for(lambda: place.read("log").count('"reloaded"') ==
                         reloads, "reloaded")
                time.sleep(0.3)  # the old snapshot is closed afterwards
        finally:
            equal(p.stop(), 0, "exit status")
        os.unlink(place("log"))
    place.remove()


def without_anything(door):
    """Nothing configured: what is open answers, what is signed is 503."""
    if os.path.exists("/etc/switchhook/switchhook.conf"):
        return
    env = {"REQUEST_METHOD": "GET", "PATH_INFO": "/health",
           "SWITCHHOOK_STORE_PATH": door.dir("nowhere/db")}
    done = run(door, env=env)
    true(done.stdout.startswith(b"Status: 200 "), f"{done}")
    done = run(door, env=env | {
        "PATH_INFO": "/call-status", "HTTP_X_TWILIO_SIGNATURE": "A" * 27 + "="})
    true(done.stdout.startswith(b"Status: 503 "), f"{done}")
    true(b"twilio.auth_token" in done.stderr, f"{done}")
    done = run(door, "-s", door.dir("no.sock"))
    equal(done.returncode, 3, "a server does not start so")


def suite(results):
    with ByHand() as door:
        for case in [exit_codes, test_opens_no_store, broken_cgi,
                     without_anything, one_copy_of_the_token] + (
                [] if QUICK else [stuck_cgi]):
            results.run(f"lifecycle: {case.__name__}", case, door)
    with NginxFastcgi() as door:
        for case in [second_start, reload_good, reload_limit, reload_bad,
                     reload_keeps_templates, reload_under_load,
                     signals, stale_socket, few_descriptors, idle_peers,
                     idle_peers_few_descriptors, tcp_listener,
                     stop_during_slow_request, stop_when_stuck,
                     stops_own_socket]:
            results.run(f"lifecycle: {case.__name__}", case, door)
    results.run("lifecycle: all_threads", all_threads)
    with NginxListenFds() as door:
        results.run("lifecycle: stops_listen_fds", stops_listen_fds, door)
