#!/usr/bin/python3
"""The units of etc/systemd, and what is beside them in etc.

systemd-analyze finds them right and tight. Then the responder runs as
switchhook.service would have it run, as far as that needs no systemd: its
socket passed, its readiness told, without capabilities, and under the unit's
own filter of system calls; and logrotate rotates its log while it is busy.
"""
import ctypes
import gzip
import http.server
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

SRCDIR = os.environ.get("SRCDIR", os.path.join(os.path.dirname(__file__), ".."))
sys.path.insert(0, os.path.join(SRCDIR, "t/e2e"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import fastcgi
from cases import check_twiml, message, sid, tel
from doors import Door
from malformed import variables
from outcome import Results, Skip, equal, patience, true
from servers import Directory, Process, clean_env, need, wait_for
from twilio_sign import form

UNITS = os.path.join(SRCDIR, "etc/systemd")
SERVICES = ["switchhook.service", "switchhook-flush.service"]
PR_CAPBSET_DROP = 24  # prctl(2)
EXPOSURE = 20  # 2.0, in tenths

# They look into themselves as no service may.
SANITIZED = any(n in os.environ for n in ("ASAN_OPTIONS", "TSAN_OPTIONS"))


def run(*argv, **more):
    return subprocess.run(argv, capture_output=True, text=True, timeout=60,
                          check=False, **more)


def unit(name):
    with open(os.path.join(UNITS, name), encoding="utf-8") as f:
        return f.read()


def settings(name, key):
    return re.findall(rf"^{key}=(.*)$", unit(name), re.M)


# ---- what systemd says of them


def verified():
    """All of them, with programs that are there."""
    with_programs = Directory()
    try:
        for name in os.listdir(UNITS):
            equal("LimitCORE=0\n" in unit(name), name.endswith(".service"),
                  f"{name}: core files")
            text = unit(name).replace("=/usr/bin/switchhook", "=/bin/true #")
            with_programs.write(name, re.sub(r"/bin/true #\S*", "/bin/true",
                                             text))
        for name in sorted(os.listdir(UNITS)):
            done = run(need("systemd-analyze"), "verify", "--man=no",
                       "--recursive-errors=no", with_programs(name))
            # Other units of this machine are none of our business.
            said = [line for line in done.stderr.splitlines()
                    if "switchhook" in line]
            equal((done.returncode, said), (0, []), name)
        # It can find a mistake.
        with_programs.write("bad.service", "[Service]\nExecStart=/bin/true\n"
                            "ProtectSystme=yes\n")
        done = run("systemd-analyze", "verify", "--man=no",
                   with_programs("bad.service"))
        true("ProtectSystme" in done.stderr, "a mistake is found")
    finally:
        with_programs.remove()


def tight():
    for name in SERVICES:
        done = run(need("systemd-analyze"), "security", "--offline=true",
                   f"--threshold={EXPOSURE}", "--no-pager",
                   os.path.join(UNITS, name))
        equal(done.returncode, 0, f"{name}: {done.stdout[-300:]}")


def same_hardening():
    """What one service may not, the other may not either."""
    taken = [set(re.findall(r"^(?:Private|Protect|Restrict|SystemCall|Lock|"
                            r"Memory|NoNew|Capab|Device|Keyring|Proc|UMask)"
                            r"\w*=.*$", unit(name), re.M))
             for name in SERVICES]
    equal(taken[0], taken[1], "hardening")
    true(len(taken[0]) > 20, "it is there")


def users_and_directories():
    if os.geteuid() != 0:
        raise Skip("making users and their directories needs root")
    root = Directory()
    try:
        os.mkdir(root("etc"))
        # Its socket's group is the web server's, which its package makes.
        root.write("etc/group", "adm:x:4:\nwww-data:x:33:\n")
        for tool, where in [("systemd-sysusers", "sysusers.d"),
                            ("systemd-tmpfiles", "tmpfiles.d")]:
            argv = ["--create"] if "tmpfiles" in tool else []
            done = run(need(tool), *argv, f"--root={root.path}", os.path.join(
                SRCDIR, "etc", where, "switchhook.conf"))
            equal(done.returncode, 0, f"{tool}: {done.stderr}")
        user = [line.split(":") for line in root.read("etc/passwd").split("\n")
                if line.startswith("switchhook:")][0]
        equal(user[5:], ["/var/lib/switchhook", "/usr/sbin/nologin"], "user")
        for name, mode, group in [("etc", 0o750, int(user[3])),
                                  ("run", 0o755, 0)]:
            st = os.stat(root(f"{name}/switchhook"))
            equal((st.st_mode & 0o777, st.st_uid, st.st_gid), (mode, 0, group),
                  name)
    finally:
        root.remove()


# ---- running as the unit has it


def syscalls(*words):
    """The system calls that these words of SystemCallFilter stand for."""
    found, pending = set(), list(words)
    while pending:
        word = pending.pop()
        if not word.startswith("@"):
            found.add(word)
            continue
        done = run(need("systemd-analyze"), "--no-pager", "syscall-filter",
                   word)
        equal(done.returncode, 0, word)
        pending += re.findall(r"^    ([@a-z_][\w-]*)", done.stdout, re.M)
    return found


def allowed():
    left = set()
    for line in settings("switchhook.service", "SystemCallFilter"):
        words = line.lstrip("~").split()
        if line.startswith("~"):
            left -= syscalls(*words)
        else:
            left |= syscalls(*words)
    return left


def drop_capabilities():
    """CapabilityBoundingSet= of nothing: after exec root has none either."""
    libc = ctypes.CDLL(None)
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def confinement():
    """A function that confines the process that calls it."""
    try:
        import seccomp
    except ImportError as e:
        raise Skip("python3-seccomp is not installed") from e
    names = sorted(allowed())
    true("execve" in names and "mount" not in names and "chown" not in names
         and "setuid" not in names and len(names) > 150, f"{names}")
    families = [getattr(socket, n) for n in settings(
        "switchhook.service", "RestrictAddressFamilies")[0].split()]
    denied = seccomp.ERRNO(1)

    def confine():
        drop_capabilities()
        f = seccomp.SyscallFilter(denied)
        for name in names:
            # MemoryDenyWriteExecute and RestrictAddressFamilies
            if name in ("mmap", "mprotect", "pkey_mprotect", "socket"):
                continue
            try:
                f.add_rule(seccomp.ALLOW, name)
            except (OSError, RuntimeError):
                pass  # of another architecture
        exec_, both = 4, 6
        for name in ("mprotect", "pkey_mprotect"):
            f.add_rule(seccomp.ALLOW, name,
                       seccomp.Arg(2, seccomp.MASKED_EQ, exec_, 0))
        for some in (0, 2, 4):
            f.add_rule(seccomp.ALLOW, "mmap",
                       seccomp.Arg(2, seccomp.MASKED_EQ, both, some))
        for family in families:
            f.add_rule(seccomp.ALLOW, "socket",
                       seccomp.Arg(0, seccomp.EQ, family))
        f.load()  # with no new privileges
    return confine


class Queue(http.server.BaseHTTPRequestHandler):
    """Takes every message, as SQS would."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken += 1
        body = b'{"MessageId":"1"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Service(Door):
    """The responder with what systemd gives it, and takes from it."""
    name = "systemd"

    def __init__(self, confine=None):
        super().__init__()
        self.confine = confine
        self.told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.told.bind(self.dir("notify.sock"))
        self.told.settimeout(patience(15))
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.socket)
        self.listener.listen(4096)
        self.sqs = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Queue)
        self.sqs.taken = 0
        threading.Thread(target=self.sqs.serve_forever, daemon=True).start()

    def _begin(self):
        os.dup2(self.listener.fileno(), 3)
        os.environ["LISTEN_PID"] = str(os.getpid())
        if self.confine is not None:
            self.confine()

    def start(self):
        port = self.sqs.server_address[1]
        env = clean_env(
            LISTEN_FDS="1", NOTIFY_SOCKET=self.dir("notify.sock"),
            AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
            AWS_REGION="us-east-1", AWS_ACCESS_KEY_ID="key",
            AWS_SECRET_ACCESS_KEY="secret", AWS_EC2_METADATA_DISABLED="true")
        os.environ.clear()
        os.environ.update(env)
        # env None: the child's own environment, which _begin completes.
        p = Process.__new__(Process)
        p.argv, p.stop_signal = [self.program, "-c", self.conf], signal.SIGTERM
        p.log = self.dir("responder.log")
        with open(p.log, "ab") as out:
            p.popen = subprocess.Popen(
                p.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                pass_fds=(3,), preexec_fn=self._begin, start_new_session=True)
        p.pid = p.popen.pid
        self.responder = self.add(p)

    def tells(self):
        try:
            return self.told.recv(4096).decode()
        except TimeoutError as e:
            raise AssertionError(
                f"it says: {self.dir.read('responder.log')}") from e

    def send(self, params=None, **more):
        body = form(message(tel(), sid(), **(params or {})))
        return fastcgi.ask(self.socket, fastcgi.request(
            variables(self, body, **more), body))

    def health(self):
        return fastcgi.ask(self.socket, fastcgi.request([
            ("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/health")]))

    def reload(self):
        before = self.dir.read("state/log").count("reloaded")
        self.responder.kill(signal.SIGHUP)
        wait_for(lambda: self.dir.read("state/log").count("reloaded") > before,
                 "reloaded", patience(15))

    def __exit__(self, *_):
        super().__exit__()
        self.listener.close()
        self.told.close()
        self.sqs.shutdown()
        self.sqs.server_close()


def serves(confine):
    """Store, templates, signatures, and a queue elsewhere, which needs libcurl
    loaded: all of it under the filter."""
    with Service(confine) as s:
        # What comes before it is there waits in the socket.
        early = []
        waiting = threading.Thread(target=lambda: early.append(s.send()))
        waiting.start()
        equal(s.tells(), "READY=1", "readiness")
        waiting.join()
        check_twiml(early[0])
        ready = fastcgi.ask(s.socket, fastcgi.request([
            ("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/ready")]))
        equal(ready.status, 200, f"{ready}")
        s.dir.write("switchhook.conf", s.config() +
                    "\n[whatsapp]\nunknown_sender = human\nhuman_queue = "
                    "https://sqs.us-east-1.amazonaws.com/123456789012/q\n")
        s.reload()
        check_twiml(s.send())
        wait_for(lambda: s.sqs.taken > 0, "it reached the queue",
                 patience(15))
        began = time.monotonic()
        equal(s.responder.stop(), 0, "exit status")
        true(time.monotonic() - began < patience(7), "it stops in time")
        equal(s.tells(), "STOPPING=1", "the end")


def served():
    serves(None)


def served_confined():
    if not SANITIZED:
        serves(confinement())


def filter_bites():
    """The filter is one: what is not allowed fails."""
    if SANITIZED:
        return
    confine = confinement()
    for call in ["import os; os.chown('.', 0, 0)",
                 "import mmap; mmap.mmap(-1, 9, prot=7)",
                 "import socket; socket.socket(socket.AF_NETLINK)"]:
        done = run("/usr/bin/python3", "-c", call, preexec_fn=confine)
        equal((done.returncode, "PermissionError" in done.stderr), (1, True),
              f"{call}: {done.stderr}")


# ---- the log


def rules(s):
    """etc/logrotate.d/switchhook, for this user, this log and this process."""
    with open(os.path.join(SRCDIR, "etc/logrotate.d/switchhook"),
              encoding="utf-8") as f:
        text = f.read()
    for old, new in [("/var/log/switchhook/*.log", s.dir("state/log")),
                     ("\tsu switchhook switchhook\n", ""),
                     ("create 0640 switchhook switchhook", "create 0640")]:
        true(old in text, f"{old!r} is there")
        text = text.replace(old, new)
    command = re.search(r"^\t\tsystemctl (.*\\\n.*)$", text, re.M)
    true("--kill-who=main" in command[1] and "HUP" in command[1] and
         "switchhook.service" in command[1], "the responder gets SIGHUP")
    return s.dir.write("rules", text.replace(
        command[0], f"\t\tkill -HUP {s.responder.pid}"))


def logs(s):
    out = {}
    for name in os.listdir(s.dir("state")):
        if not name.startswith("log"):
            continue
        with open(s.dir(f"state/{name}"), "rb") as f:
            data = f.read()
        out[name] = gzip.decompress(data) if name.endswith(".gz") else data
    return out


def rotated():
    """Three times under load, once with a configuration that is no good: each
    request has its line."""
    with Service() as s:
        good = s.config()
        equal(s.tells(), "READY=1", "readiness")
        text = rules(s)
        done = run(need("logrotate"), "-d", "-s", s.dir("status"), text)
        true(done.returncode == 0 and "error" not in done.stderr.lower(),
             f"{done.stderr}")
        asked, over = [], threading.Event()

        def ask():
            while not over.is_set():
                asked.append(s.health().header("x-request-id"))

        load = threading.Thread(target=ask)
        load.start()
        try:
            for conf in (good, good + "\n[server]\nthreads = many\n", good):
                s.dir.write("switchhook.conf", conf)
                rotate(s, text, asked)
        finally:
            over.set()
            load.join()
        found = logs(s)
        equal(len(found), 4, f"{list(found)}")
        every = b"".join(found.values())
        lost = [i for i in asked if i.encode() not in every]
        equal(lost, [], f"lines lost of {len(asked)}")
        true(every.count(b'"reloaded"') == 2 and b'"not reloaded' in every,
             "two reloads of three")


def rotate(s, text, asked):
    """Once, and wait until the new file is in use."""
    before = len(asked)
    wait_for(lambda: len(asked) > before + 5, "load", patience(15))
    done = run("logrotate", "-f", "-s", s.dir("status"), text)
    equal((done.returncode, done.stderr), (0, ""), "logrotate")
    wait_for(lambda: os.path.getsize(s.dir("state/log")) > 0,
             "the new file is used", patience(15))


def main():
    results = Results("-v" in sys.argv)
    for name, test in [("the units are right", verified),
                       ("exposure", tight),
                       ("both services are confined alike", same_hardening),
                       ("users and directories", users_and_directories),
                       ("served from a passed socket", served),
                       ("served as confined", served_confined),
                       ("the filter bites", filter_bites),
                       ("the log is rotated", rotated)]:
        results.run(name, test)
    print(results.summary())
    if results.failed:
        return 1
    return 77 if results.skipped else 0


if __name__ == "__main__":
    sys.exit(main())
