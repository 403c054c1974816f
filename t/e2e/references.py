"""Values at AWS, as t/aws/front.cjs plays it: sites that have only the
environment of other programs, tokens that change under load, outages."""
import json
import os
import shutil
import signal
import subprocess
import threading
import time
import uuid

import fastcgi
from client import parse_cgi
from doors import TOKEN
from cases import message, sid, tel
from cloud import Cloud, PUBLIC, QUICK, SRCDIR, program
from outcome import Skip, equal, patience, true
from servers import Directory, Process, clean_env, connects, wait_for
from twilio_sign import form, sign

CONFIG_FILE = "/etc/switchhook/switchhook.conf"
SSM = "/hooks/prod/"
DOWN = {"kind": "error", "status": 503, "times": 100000}


def token():
    return uuid.uuid4().hex


def message_body(number=None):
    return form(message(number or tel(), sid()))


def fresh_machine():
    """What a command is put behind to have an empty /var/lib of its own; []
    where the system does not let us."""
    script = 'mount -t tmpfs tmpfs /var/lib && exec "$@"'
    for how in ("-m", "-rm"):
        before = ["unshare", how, "sh", "-c", script, "sh"]
        if shutil.which("unshare") and subprocess.run(
                before + ["true"], capture_output=True,
                check=False).returncode == 0:
            return before
    return []


class Responder:
    """With the environment alone, or with a file of this text."""

    def __init__(self, cloud, text=None, before=(), **env):
        self.cloud, self.dir = cloud, Directory()
        self.before = list(before)
        self.socket = self.dir("socket")
        self.options = []
        if text is not None:
            self.options = ["-c", self.dir.write(
                "switchhook.conf", text.format(d=self.dir.path))]
        self.env = clean_env(**{
            "AWS_ENDPOINT_URL": cloud.url, "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "AKIDTEST",
            "AWS_SECRET_ACCESS_KEY": "secret-of-test",
            "AWS_EC2_METADATA_DISABLED": "true"} | env)
        self.process = None

    def __enter__(self):
        self.process = Process(
            self.before + [program("switchhook.fcgi"), *self.options,
                           "-s", self.socket],
            self.dir("out"), env=self.env)
        try:
            self.process.wait_until(
                lambda: connects(self.socket), "the socket")
        except AssertionError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        status = self.process.stop()
        self.process = None
        self.dir.remove()
        if not _ or _[0] is None:
            equal(status, 0, "exit status")

    def get(self, path):
        reply = fastcgi.ask(self.socket, fastcgi.request([
            ("REQUEST_METHOD", "GET"), ("PATH_INFO", path),
            ("REQUEST_URI", path)]))
        return reply.status, reply.body.decode()

    def post(self, by, path="/whatsapp", body=None):
        body = message_body() if body is None else body
        return fastcgi.ask(self.socket, fastcgi.request(
            variables(by, path, body), body))

    def status(self, by):
        return self.post(by).status

    def log(self):
        return self.dir.read("log") + self.dir.read("out")

    def run(self, name, *args):
        return subprocess.run(
            [program(name), *self.options, *args], capture_output=True,
            text=True, timeout=60, check=False, env=self.env)


def variables(by, path, body):
    return [("REQUEST_METHOD", "POST"), ("PATH_INFO", path),
            ("REQUEST_URI", path), ("QUERY_STRING", ""),
            ("CONTENT_TYPE", "application/x-www-form-urlencoded"),
            ("CONTENT_LENGTH", str(len(body))),
            ("HTTP_HOST", "hooks.example.com"), ("HTTPS", "on"),
            ("HTTP_X_TWILIO_SIGNATURE", sign(by, PUBLIC + path, body))]


LOCAL = """
[server]
public_url = """ + PUBLIC + """
log_target = {d}/log
admin_token = secretsmanager:admin#token
[store]
path = {d}/db
[twilio]
auth_token = """


def outage(cloud):
    """Of the places of values only."""
    cloud.control(faults=[DOWN | {"target": name} for name in
                          ("GetParameters", "GetSecretValue")])


def put(cloud, parameters=None, **secrets):
    secrets.setdefault("admin", {"AWSCURRENT": '{"token":"admin-secret"}'})
    cloud.control(parameters=parameters or {}, secrets=secrets)


def only_variables(cloud):
    """Nothing of ours is set but where the templates are, and no delay."""
    if os.path.exists(CONFIG_FILE):
        raise Skip(f"{CONFIG_FILE} is there")
    put(cloud, {
        SSM + "twilio-account-sid": "AC" + 32 * "0",
        SSM + "operator-phone-number": "(415) 555-0123",
        SSM + "media-api-url": "wss://media.example.com/stream",
        SSM + "webhook-api-url": PUBLIC},
        **{"twilio/token": {"AWSCURRENT": TOKEN}})
    number = tel()
    cloud.conversation("c-classic", number, False)
    before, store = fresh_machine(), {}
    if not before:
        store = {"SWITCHHOOK_STORE_PATH": f"/tmp/switchhook-{os.getpid()}.db"}
    with Responder(
            cloud, before=before, **store, CONVERSATIONS_TABLE="conversations",
            WHATSAPP_REPLIES_QUEUE_URL=f"{cloud.url}/000000000000/ai",
            HUMAN_HANDOFF_QUEUE_URL=f"{cloud.url}/000000000000/human.fifo",
            TWILIO_AUTH_TOKEN_SECRET_ID="twilio/token",
            SECRETS_MANAGER_REGION="eu-south-2", LOG_LEVEL="debug",
            SYSTEM_NAME="hooks", ENV_TYPE="prod",
            SWITCHHOOK_WHATSAPP_AI_DELAY="0",
            SWITCHHOOK_VOICE_TEMPLATES=f"{SRCDIR}/templates") as r:
        equal(r.get("/ready")[0], 200, r.log())
        fields = message(number, sid())
        equal(r.post(TOKEN, body=form(fields)).status, 200)
        equal([g[0] for g in cloud.take("ai")], [fields["MessageSid"]])
        call = form({"CallSid": "CA" + 32 * "1", "From": "+14155550100"})
        reply = r.post(TOKEN, "/handle-incoming-call/connect-stream", call)
        equal(reply.status, 200)
        true(b"wss://media.example.com/stream" in reply.body, reply.body)
        reply = r.post(TOKEN, "/handle-incoming-call/dial", call)
        true(b"+14155550123" in reply.body, reply.body)
        true(" debug " in r.log().lower(), "LOG_LEVEL holds")
        true(TOKEN not in r.log(), "no token in the log")
    asked = [r for r in cloud.requests("GetSecretValue")]
    true(all("/eu-south-2/secretsmanager/" in r["headers"]["authorization"]
             for r in asked) and asked, "SECRETS_MANAGER_REGION holds")
    for name in os.listdir("/tmp"):
        if name.startswith(f"switchhook-{os.getpid()}.db"):
            os.unlink("/tmp/" + name)


class Twilio:
    """Sends messages, signed with the token of the moment."""

    def __init__(self, responder, by):
        self.r, self.by = responder, by
        self.replies, self.stop = [], False
        self.threads = [threading.Thread(target=self.send) for _ in range(6)]

    def send(self):
        while not self.stop:
            by, began = self.by, time.monotonic()
            reply = self.r.post(by)
            self.replies.append((began, by, reply and reply.status))

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stop = True
        for t in self.threads:
            t.join()


def rotate(cloud, reference, store):
    """store(new, old) puts the tokens in place at AWS."""
    old, new = token(), token()
    store(cloud, old, None)
    with Responder(cloud, LOCAL + reference + "\n") as r, \
            Twilio(r, old) as twilio:
        time.sleep(1)
        store(cloud, new, old)
        twilio.by = new
        wait_for(lambda: "a secret has changed" in r.log(), "the new token",
                 patience(10))
        changed = time.monotonic()
        time.sleep(1 if QUICK else 4)
        # Late ones, on their way while Twilio went over.
        equal(r.status(old), 200, "the old token is still good")
        refused = [x for x in twilio.replies if x[2] != 200]
        equal([x for x in refused if x[0] > changed], [],
              "refused after the refresh")
        true(all(x[2] == 401 and x[1] == new for x in refused),
             f"others than new ones before: {refused[:5]}")
        good = [x for x in twilio.replies if x[0] > changed]
        true(len(good) > 50, f"{len(good)} replies after it")
        true(old not in r.log() and new not in r.log(), "tokens in the log")
        equal(r.status(token()), 401, "any other token")


def rotates_in_parameter_store(cloud):
    rotate(cloud, f"ssm:{SSM}twilio-auth-token", lambda c, new, old: put(
        c, {SSM + "twilio-auth-token": new}))


def rotates_in_secrets_manager(cloud):
    rotate(cloud, "secretsmanager:twilio#auth_token",
           lambda c, new, old: put(c, twilio={
               "AWSCURRENT": f'{{"auth_token":"{new}"}}'} | ({
                   "AWSPREVIOUS": f'{{"auth_token":"{old}"}}'} if old
                   else {})))


def previous_of_the_secret(cloud):
    """Twilio has not gone over yet when the responder starts."""
    old, new = token(), token()
    put(cloud, twilio={"AWSCURRENT": new, "AWSPREVIOUS": old})
    with Responder(cloud, LOCAL + "secretsmanager:twilio\n") as r:
        equal([r.status(t) for t in (new, old, token())], [200, 200, 401])


def reloads_between(cloud):
    """The new token is at AWS and reloaded; Twilio goes over later."""
    old, new = token(), token()
    put(cloud, {"/t": old})
    with Responder(cloud, LOCAL + "ssm:/t\n") as r:
        equal([r.status(t) for t in (old, new)], [200, 401])
        put(cloud, {"/t": new})
        r.process.kill(signal.SIGHUP)
        wait_for(lambda: " reloaded pid=" in r.log(), "the reload",
                 patience(20))
        wait_for(lambda: r.status(new) == 200, "the new token")
        equal(r.status(old), 200)


def rotates_to_what_is_none(cloud):
    """What takes the place of the token can be none: the log says so."""
    wrong = "AC" + token()
    put(cloud, {"/t": TOKEN})
    with Responder(cloud, LOCAL + "ssm:/t\n") as r:
        equal(r.status(TOKEN), 200)
        put(cloud, {"/t": wrong})
        # What is refused makes it ask, but not so soon after the start.
        wait_for(lambda: r.status(token()) == 401 and
                 "a secret can hardly be right setting=auth_token "
                 'reason="begins with AC' in r.log(), "the warning",
                 patience(20))
        equal(wrong in r.log(), False, "the value is not logged")


def keeps_it_in_an_outage(cloud):
    """Also over a reload, which then does not happen."""
    put(cloud, {"/t": TOKEN})
    with Responder(cloud, LOCAL + "ssm:/t\n") as r:
        equal(r.status(TOKEN), 200)
        outage(cloud)
        equal(r.status(token()), 401)  # which makes it ask
        wait_for(lambda: "a setting was not fetched" in r.log(),
                 "the failure", patience(20))
        equal(r.status(TOKEN), 200)
        equal(r.get("/ready")[0], 200)
        r.process.kill(signal.SIGHUP)
        wait_for(lambda: "not reloaded" in r.log(), "the refusal",
                 patience(20))
        equal(r.status(TOKEN), 200)
        cloud.well()
        r.process.kill(signal.SIGHUP)
        wait_for(lambda: " reloaded pid=" in r.log(), "the reload",
                 patience(20))
        equal(r.status(TOKEN), 200)


def broken_off_is_no_doubt(cloud):
    """Half a body has no signature to be wrong: AWS is not asked."""
    put(cloud, {"/t": TOKEN})
    with Responder(cloud, LOCAL + "ssm:/t\n") as r:
        equal(r.status(TOKEN), 200)
        asked, body = len(cloud.asked("GetParameters")), message_body()
        for _ in range(5):
            equal(fastcgi.ask(r.socket, fastcgi.request(
                variables(TOKEN, "/whatsapp", body), body[:-5])).status, 400)
        time.sleep(1)
        equal(len(cloud.asked("GetParameters")), asked, "questions")
        true("signature refused" not in r.log(), "no bad signature")
        equal(r.status(token()), 401)
        wait_for(lambda: len(cloud.asked("GetParameters")) > asked,
                 "the question of a wrong one")


def stops_in_an_outage(cloud):
    """Though it waits for an answer just then."""
    put(cloud, {"/t": TOKEN})
    with Responder(cloud, LOCAL + "ssm:/t\n") as r:
        equal(r.status(TOKEN), 200)
        cloud.fault("GetParameters", kind="hang")
        asked = len(cloud.asked("GetParameters"))
        equal(r.status(token()), 401)
        wait_for(lambda: len(cloud.asked("GetParameters")) > asked,
                 "the question")
        began = time.monotonic()
        r.process.kill(signal.SIGTERM)
        equal(r.process.popen.wait(20), 0, "exit status")
        took = time.monotonic() - began
        true(took < 7, f"{took:.1f} s")


def starts_in_an_outage(cloud, reference, store):
    store(cloud)
    outage(cloud)
    with Responder(cloud, LOCAL + reference) as r:
        equal(r.get("/health")[0], 200)
        status, body = r.get("/ready")
        equal(status, 503)
        true('"secrets":"not ready"' in body, body)
        for by in (TOKEN, token()):
            reply = r.post(by)
            equal(reply.status, 503)
            true(reply.header("retry-after"), "when to try again")
        cloud.well()
        wait_for(lambda: r.status(TOKEN) == 200, "an answer", patience(30))
        equal(r.status(token()), 401)
        wait_for(lambda: r.get("/ready")[0] == 200, "/ready")


def starts_without_token(cloud):
    starts_in_an_outage(cloud, "secretsmanager:twilio\n",
                        lambda c: put(c, twilio={"AWSCURRENT": TOKEN}))


def starts_without_other_settings(cloud):
    starts_in_an_outage(
        cloud, TOKEN + "\n[voice]\nmedia_api_url = ssm:/media\n",
        lambda c: put(c, {"/media": "wss://media.example.com"}))


def starts_without_what_is_not_there(cloud):
    """Which is known only when the outage is over: the log says so, until
    somebody makes it."""
    put(cloud)
    outage(cloud)
    with Responder(cloud, LOCAL + "ssm:/not/there\n") as r:
        equal(r.status(TOKEN), 503)
        cloud.well()
        wait_for(lambda: "not reloaded" in r.log(), "the complaint",
                 patience(30))
        true("has none of this name" in r.log(), r.log())
        equal(r.status(TOKEN), 503)
        put(cloud, {"/not/there": TOKEN})
        wait_for(lambda: r.status(TOKEN) == 200, "an answer", patience(60))


def refuses_to_start(cloud):
    """What is not there, and what it may not have."""
    put(cloud)
    r = Responder(cloud, LOCAL + "ssm:/not/there\n")
    where = f"{r.dir('switchhook.conf')}:9: twilio.auth_token: cannot be "
    try:
        p = r.run("switchhook.fcgi", "-s", r.socket)
        equal(p.returncode, 3, p.stderr)
        true(where + "fetched: Parameter Store has none of this name in "
             "us-east-1; create it, or correct the name" in p.stderr,
             p.stderr)
        cloud.control(faults=[{"target": "GetParameters", "kind": "error",
                               "type": "AccessDeniedException",
                               "message": "User: x is not authorized",
                               "times": 100}])
        for name, args in (("switchhook.fcgi", ["-t"]),
                           ("switchhook", ["check"])):
            p = r.run(name, *args)
            equal(p.returncode, 3, p.stderr)
            true(where + "fetched: SSM GetParameters: AccessDeniedException "
                 in p.stderr and "not authorized; see switchhook-aws(7)"
                 in p.stderr, p.stderr)
    finally:
        r.dir.remove()


def checks_and_signs(cloud):
    put(cloud, {"/t": TOKEN})
    r = Responder(cloud, LOCAL + "ssm:/t\n")
    try:
        for name, args in (("switchhook.fcgi", ["-t"]),
                           ("switchhook", ["check"])):
            p = r.run(name, *args)
            equal((p.returncode, TOKEN in p.stderr + p.stdout), (0, False),
                  p.stderr)
        p = r.run("switchhook", "sign", PUBLIC + "/whatsapp", "--param", "a=b")
        equal(p.stdout.strip(), sign(TOKEN, PUBLIC + "/whatsapp", b"a=b"),
              p.stderr)
        # An outage is no mistake of the file.
        outage(cloud)
        p = r.run("switchhook", "check")
        equal(p.returncode, 0, p.stderr)
        true("cannot be fetched now: SSM GetParameters: HTTP 503" in p.stderr,
             p.stderr)
    finally:
        r.dir.remove()


def by_cgi(cloud):
    """Each request fetches for itself."""
    put(cloud, {"/t": TOKEN})
    r = Responder(cloud, LOCAL + "ssm:/t\n")

    def post():
        body = message_body()
        p = subprocess.run(
            [program("switchhook.fcgi")], input=body,
            capture_output=True, timeout=30, check=False,
            env=r.env | {"SWITCHHOOK_CONF": r.options[1]} |
            dict(variables(TOKEN, "/whatsapp", body)))
        return parse_cgi(p.stdout).status

    try:
        equal(post(), 200)
        outage(cloud)
        equal(post(), 503)
        cloud.well()
        equal(post(), 200)
    finally:
        r.dir.remove()


def in_few_calls(cloud):
    """Ten names a call, and each secret once."""
    names = {f"/v{n}": f"value{n}" for n in range(12)}
    put(cloud, names)
    cloud.control(requests=[])
    values = "".join(f"v{n} = ssm:/v{n}\n" for n in range(12))
    with Responder(cloud, LOCAL + TOKEN + "\n[values]\nsecret = "
                   "secretsmanager:admin#token\n" + values) as r:
        equal(r.get("/ready")[0], 200)
        equal(len(cloud.asked("GetParameters")), 2)
        equal(len(cloud.asked("GetSecretValue")), 1)


def needs_the_rights_of_the_policy(cloud):
    """All that it asked for in the cases above is in etc/, and in switchhook-
    aws(7)."""
    with open(f"{SRCDIR}/etc/aws-iam-policy.json", encoding="utf-8") as f:
        statements = json.load(f)["Statement"]
    with open(f"{SRCDIR}/man/switchhook-aws.7", encoding="utf-8") as f:
        manual = f.read()
    allowed = set()
    for s in statements:
        actions = s["Action"]
        allowed |= {actions} if isinstance(actions, str) else set(actions)
    asked = set()
    for r in cloud.requests(None):
        if r["headers"].get("user-agent", "").startswith("switchhook"):
            scope = r["headers"]["authorization"].split("/")[3]
            asked.add(f"{scope}:{r['operation']}")
    true(len(asked) > 3, f"{asked}")
    equal(asked - allowed, set(), "not in the policy")
    equal({a for a in allowed if a not in manual}, set(), "not in the manual")


CASES = [only_variables, rotates_in_parameter_store,
         rotates_in_secrets_manager, previous_of_the_secret,
         reloads_between, rotates_to_what_is_none, keeps_it_in_an_outage,
         broken_off_is_no_doubt, stops_in_an_outage,
         starts_without_token, starts_without_other_settings,
         starts_without_what_is_not_there, refuses_to_start, checks_and_signs,
         by_cgi, needs_the_rights_of_the_policy, in_few_calls]


def suite(results):
    place, opened = Directory(), []
    results.run("references: starts", lambda: opened.append(Cloud(place)))
    try:
        for case in CASES if opened else []:
            results.run(f"references: {case.__name__}", case, opened[0])
            opened[0].well()
    finally:
        for cloud in opened:
            cloud.process.stop()
        place.remove()
