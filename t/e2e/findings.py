"""What `switchhook check`, switchhook.fcgi -t and the start find wrong with what
is no mistake by its form; cases of people.py's doors."""
import hashlib
import os
import pwd
import sqlite3
import subprocess

from cases import entries_of
from doors import TOKEN, NginxFastcgi
from outcome import Skip, equal, true
from servers import Process, clean_env, free_port

CASES = []
FIFO = "https://sqs.eu-central-1.amazonaws.com/123456789012/ai.fifo"
NOBODY = "nobody"


def case(fn):
    CASES.append(fn)
    return fn


class Trial:
    """A configuration beside that of the door, and what is said of it."""

    def __init__(self, door, extra="", **changes):
        self.door, self.env = door, {}
        self.name = f"trial{len(os.listdir(door.dir.path))}"
        self.state = door.dir(self.name)
        os.mkdir(self.state)
        self.log = os.path.join(self.state, "log")
        changes = {"state": self.state, "log": self.log} | changes
        self.conf = door.dir.write(self.name + ".conf",
                                   door.config(**changes) + extra)

    def run(self, program, *args):
        return subprocess.run(
            [self.door.dir("bin/" + program), "-c", self.conf, *args],
            env=clean_env(**self.env), capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=60, check=False)

    def check(self, *args):
        return self.run("switchhook", "check", *args)

    def start(self):
        """Start it by the door's way, and stop it: what it logged."""
        if isinstance(self.door, NginxFastcgi):
            argv = [self.door.program, "-c", self.conf, "-s",
                    f"127.0.0.1:{free_port()}"]
            p = Process(argv, self.state + ".stderr", clean_env(**self.env))
            p.wait_until(lambda: '"started"' in self.read(self.log), "started")
            equal(p.stop(), 0, "exit status")
        else:
            done = subprocess.run(
                [self.door.program], env=clean_env(
                    REQUEST_METHOD="GET", PATH_INFO="/health",
                    SWITCHHOOK_CONF=self.conf, **self.env),
                capture_output=True, timeout=60, check=False)
            equal(done.returncode, 0, done.stderr)
        return entries_of(self.read(self.log).splitlines())

    @staticmethod
    def read(path):
        try:
            with open(path, encoding="utf-8") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def line(self, key, value):
        """Where that is set."""
        with open(self.conf, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                if line == f"{key} = {value}\n":
                    return f"{self.conf}:{number}"
        raise AssertionError(f"no {key} = {value}")


def said(text, level, where):
    """The line of that level about it."""
    found = [line for line in text.splitlines()
             if line.startswith(f"{level}: {where}: ")]
    equal(len(found), 1, f"lines of {level} about {where} in {text!r}")
    return found[0].split(": ", 1)[1]


def quiet(trial):
    done = trial.check()
    equal((done.returncode, [line for line in done.stderr.splitlines()
                             if "twiml.xml" not in line]), (0, []), "quiet")


def warned(trial, where, *words):
    """All three say the same, and go on; the line."""
    done = trial.check()
    equal(done.returncode, 0, done.stderr)
    line = said(done.stderr, "warning", where)
    for word in words:
        true(word in line, f"{word!r} in {line!r}")
    done = trial.run("switchhook.fcgi", "-t")
    equal((done.returncode, said(done.stderr, "warning", where)), (0, line),
          "-t")
    logged = [e for e in trial.start() if e.get("reason") == line]
    equal([e["level"] for e in logged], ["warn"], f"the start logs {line!r}")
    return line


def at_fault(trial, where, *words):
    """check calls it an error; the start logs it as one, and goes on."""
    done = trial.check()
    equal(done.returncode, 3, done.stderr)
    line = said(done.stderr, "error", where)
    for word in words:
        true(word in line, f"{word!r} in {line!r}")
    # A CGI process finds it when a request needs it.
    if isinstance(trial.door, NginxFastcgi):
        logged = [e for e in trial.start() if e.get("reason") == line]
        equal([e["level"] for e in logged], ["error"],
              f"the start logs {line!r}")


# ---- values


TOKENS = [("AC" + TOKEN, "begins with AC"), ("SK" + TOKEN, "begins with SK"),
          (f'"{TOKEN}"', "in quotes"), (f"'{TOKEN}'", "in quotes"),
          ("TWILIO_AUTH_TOKEN=" + TOKEN, "a variable's name"),
          (TOKEN[1:], "not 32 hexadecimal digits"),
          (TOKEN + "0", "not 32 hexadecimal digits"),
          (TOKEN[1:] + "g", "not 32 hexadecimal digits")]


@case
def tokens(door):
    """What can be no token is told of by its kind, and never shown."""
    for key in ("auth_token", "auth_token_previous"):
        variable = "SWITCHHOOK_TWILIO_" + key.upper()
        for token, words in TOKENS:
            trial = Trial(door)
            trial.env = {variable: token}
            line = warned(trial, f"{variable}: twilio.{key}", words)
            true(TOKEN[1:] not in line, "no token is shown")
    for token in (TOKEN, TOKEN.upper(), "ac" + TOKEN[2:]):
        quiet(Trial(door, token=token))
    trial = Trial(door, token="AC" + TOKEN)
    warned(trial, trial.line("auth_token", "AC" + TOKEN) +
           ": twilio.auth_token", "begins with AC")


@case
def public_urls(door):
    trial = Trial(door, public_url="")
    where = trial.line("public_url", "") + ": server.public_url"
    warned(trial, where, "is empty", "https://example.com")
    trial = Trial(door, public_url="", server="trusted_proxies = 127.0.0.1")
    quiet(trial)
    for route in ["/whatsapp", "/whatsapp/", "/whatsapp/status",
                  "/handle-incoming-call/gather", "/handle-incoming-call",
                  "/call-status", "/health", "/process-digits/zip"]:
        url = "https://hooks.example.com/hook" + route
        trial = Trial(door, public_url=url)
        warned(trial, trial.line("public_url", url) + ": server.public_url",
               f"ends in {route.rstrip('/')}, which is a route", "leave")
    for end in ["", "/hook", "/whatsapps", "/whatsapp/v2", "/my-whatsapp"]:
        quiet(Trial(door, public_url="https://hooks.example.com" + end))
    quiet(Trial(door, public_url="https://hooks.example.com/whatsapp",
                base_path="/whatsapp"))
    url = "https://hooks.example.com/transfer-call"
    trial = Trial(door, voice=f"webhook_api_url = {url}")
    warned(trial, trial.line("webhook_api_url", url) +
           ": voice.webhook_api_url", "ends in /transfer-call")


@case
def web_sockets(door):
    for key in ("media_api_url", "conversation_relay_url"):
        for url in ("https://relay.example.com/a", "ws://relay.example.com",
                    "http://relay.example.com", "HTTPS://relay.example.com"):
            trial = Trial(door, voice=f"{key} = {url}")
            warned(trial, trial.line(key, url) + ": voice." + key,
                   f"has {url.split(':')[0]} for a scheme", "write wss://")
        trial = Trial(door, voice=f"{key} = wss://relay.example.com/a?b=1")
        quiet(trial)
    url = "wss://hooks.example.com"
    trial = Trial(door, public_url=url)
    warned(trial, trial.line("public_url", url) + ": server.public_url",
           "has wss for a scheme", "write https://")


@case
def void_delay(door):
    keys = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"}
    for extra, key, value in [("", "ai_queue", FIFO),
                              ("ai_delay = 7\n", "ai_delay", "7")]:
        trial = Trial(door, f"\n[whatsapp]\nai_queue = {FIFO}\n{extra}")
        trial.env = keys
        warned(trial, f"{trial.line(key, value)}: whatsapp.{key}", "FIFO",
               f"ai_delay = {value if extra else 30} is void",
               "set ai_delay = 0")
    for more in (f"ai_queue = {FIFO}\nai_delay = 0\n",
                 "ai_queue = " + FIFO.replace(".fifo", "") + "\n"):
        trial = Trial(door, "\n[whatsapp]\n" + more)
        trial.env = keys
        quiet(trial)


# ---- AWS


PROFILES = [
    ("role_arn = arn:aws:iam::1:role/x\ncredential_source = Ec2InstanceMetadata",
     2, "role_arn, credential_source", "take role_arn and credential_source"),
    ("role_arn = arn:aws:iam::1:role/x\nsource_profile = q", 2,
     "role_arn, source_profile", "aws_access_key_id"),
    ("region = eu-west-1\nsso_session = s\nsso_account_id = 1", 3,
     "sso_session, sso_account_id", "needs a person"),
    ("sso_start_url = https://x", 2, "sso_start_url", "needs a person"),
    ("credential_process = /bin/keys", 2, "credential_process",
     "no program is run"),
    ("aws_access_key_id = AKID", 2, "aws_access_key_id",
     "no aws_secret_access_key")]


@case
def aws_profiles(door):
    """Keys that this machine will never have; nobody is asked for them."""
    queue = "\n[whatsapp]\nai_delay = 0\nai_queue = " + FIFO + "\n"
    for text, line, asks, words in PROFILES:
        trial = Trial(door, queue)
        config = door.dir.write(trial.name + ".aws", f"[profile p]\n{text}\n")
        trial.env = {"AWS_CONFIG_FILE": config, "AWS_PROFILE": "p",
                     "AWS_EC2_METADATA_DISABLED": "true"}
        at_fault(trial, f"aws: {config}:{line}", 'AWS profile "p"', asks,
                 words)
        # The environment comes first, as at the start.
        trial.env |= {"AWS_ACCESS_KEY_ID": "AKID",
                      "AWS_SECRET_ACCESS_KEY": "secret"}
        quiet(trial)
    trial = Trial(door, queue)
    trial.env = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nowhere"}
    at_fault(trial, "aws", "no AWS keys: set AWS_ACCESS_KEY_ID")
    trial = Trial(door, "\n[whatsapp]\nconversations = dynamodb:people\n")
    trial.env = {"AWS_ACCESS_KEY_ID": "AKID", "HOME": "/nowhere",
                 "AWS_SECRET_ACCESS_KEY": "secret"}
    at_fault(trial, trial.line("conversations", "dynamodb:people") +
             ": whatsapp.conversations", "no AWS region", "AWS_REGION")
    # What needs AWS for nothing needs no keys.
    trial = Trial(door)
    trial.env = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nowhere"}
    quiet(trial)


# ---- files and folders


def listing(trial):
    return sorted(os.listdir(trial.state))


@case
def places(door):
    """Folders that are not there; and check makes none, nor a file."""
    trial = Trial(door)
    done = trial.check()
    equal((done.returncode, listing(trial)), (0, []), "nothing is made")
    path = trial.state + "/no/switchhook.db"
    trial = Trial(door, state=trial.state + "/no")
    at_fault(trial, trial.line("path", path) + ": store.path",
             os.path.dirname(path) + ", the folder of the database, is not "
             "there", "install -d")
    folder = Trial(door).state
    os.mkdir(folder + "/switchhook.db")
    trial = Trial(door, state=folder)
    at_fault(trial, trial.line("path", folder + "/switchhook.db") +
             ": store.path", "is a folder")
    # Without its log nothing starts.
    log = folder + "/no/log"
    trial = Trial(door, log=log)
    done = trial.check()
    equal(done.returncode, 3, done.stderr)
    line = said(done.stderr, "error", trial.line("log_target", log) +
                ": server.log_target")
    true("is not there; make it" in line, line)
    done = trial.run("switchhook.fcgi", "-s", f"127.0.0.1:{free_port()}")
    equal((done.returncode, line in done.stderr), (3, True), done.stderr)
    templates = folder + "/no"
    trial = Trial(door, templates=templates)
    at_fault(trial, trial.line("templates", templates) + ": voice.templates",
             f"{templates}, the folder of the templates")


@case
def places_of_another_user(door):
    """Root finds what the service will: its user has less rights."""
    if os.geteuid() != 0:
        raise Skip("being another user needs root")
    user = pwd.getpwnam(NOBODY)
    path = Trial(door).state
    os.mkdir(path + "/t", 0o700)
    with open(path + "/log", "w", encoding="utf-8") as f:
        os.chmod(f.fileno(), 0o640)
    trial = Trial(door, state=path, log=path + "/log", templates=path + "/t")
    done = trial.check("--user", NOBODY)
    equal(done.returncode, 3, done.stderr)
    text = done.stderr
    for where, words in [
            (trial.line("log_target", path + "/log") + ": server.log_target",
             f"{NOBODY} may not write the file {path}/log; give it to that "
             f"user (chown {NOBODY} {path}/log)"),
            (trial.line("path", path + "/switchhook.db") + ": store.path",
             f"{NOBODY} may not write in {path}, the folder of the database"),
            (trial.line("templates", path + "/t") + ": voice.templates",
             f"{NOBODY} may not read {path}/t, the folder of the templates")]:
        true(words in said(text, "error", where), text)
    # One file of it is root's: made by a command that root ran.
    trial = Trial(door)
    os.chown(trial.state, user.pw_uid, user.pw_gid)
    done = trial.check("--user", NOBODY)
    equal((done.returncode, listing(trial), "root" in done.stdout),
          (0, [], False), done.stdout + done.stderr)
    with open(trial.state + "/switchhook.db.lock", "wb") as f:
        os.chmod(f.fileno(), 0o600)
    done = trial.check("--user", NOBODY)
    true(f"{NOBODY} may not read and write the file {trial.state}/"
         "switchhook.db.lock" in
         said(done.stderr, "error", trial.line(
             "path", trial.state + "/switchhook.db") + ": store.path"),
         done.stderr)
    # As root there is nothing to be found, and that is said.
    done = trial.check()
    equal((done.returncode, "warning: this is what root finds" in done.stdout),
          (0, True), done.stdout)
    # What the service itself may not read is a mistake, too.
    os.chmod(trial.conf, 0o600)
    done = trial.check("--user", NOBODY)
    equal((done.returncode, "cannot be read" in done.stderr), (3, True),
          done.stderr)
    equal(trial.check("--user", "nobody-of-that-name").returncode, 2, "user")
    done = subprocess.run([door.dir("bin/switchhook"), "check", "--user",
                           "root"], user=user.pw_uid, env=clean_env(),
                          capture_output=True, text=True, check=False,
                          timeout=60)
    equal((done.returncode, "only root" in done.stderr), (2, True),
          done.stderr)


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def overwrite(path, at, data):
    with open(path, "r+b") as f:
        f.seek(at)
        f.write(data)


@case
def damaged_database(door):
    """It is looked at, and left as it is."""
    trial = Trial(door)
    path = trial.state + "/switchhook.db"
    where = trial.line("path", path) + ": store.path"
    equal(trial.run("switchhook", "queue", "list").returncode, 0, "made")
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    there = listing(trial)
    quiet(trial)
    equal(listing(trial), there, "no file is made")
    with open(path, "rb") as f:
        page = f.read()[4096:8192]
    for at, data in [(4096, b"\xff" * 64), (0, b"no database" * 10)]:
        overwrite(path, at, data)
        before = digest(path)
        done = trial.check()
        equal(done.returncode, 3, done.stderr)
        line = said(done.stderr, "error", where)
        true("is damaged" in line and "restore a copy" in line, line)
        equal(digest(path), before, "check changes nothing")
        overwrite(path, 4096, page)
    # Emptied, gone, and another program's.
    with open(path, "r+b") as f:
        f.truncate(0)
    done = trial.check()
    true("was here before and is empty now" in
         said(done.stderr, "error", where), done.stderr)
    os.unlink(path)
    done = trial.check()
    true("was here before and is not here now" in
         said(done.stderr, "error", where), done.stderr)
    os.unlink(path + ".lock")
    for name in ("-wal", "-shm"):
        if os.path.exists(path + name):
            os.unlink(path + name)
    quiet(trial)
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE t (x)")
        db.execute("PRAGMA application_id = 7")
    db.close()
    before = digest(path)
    done = trial.check()
    true("is the database of another program" in
         said(done.stderr, "error", where), done.stderr)
    equal(digest(path), before, "check changes nothing")
