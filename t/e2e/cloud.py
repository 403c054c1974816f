"""AWS as t/aws/front.cjs plays it, and a responder whose store and queues are
there."""
import json
import os
import shutil
import signal
import socket
import subprocess
import urllib.request

import fastcgi
from doors import TOKEN
from outcome import Skip, equal
from servers import Process, clean_env, connects
from twilio_sign import form, sha_query, sign

SRCDIR = os.environ.get("SRCDIR", ".")
BUILDDIR = os.environ.get("BUILDDIR", ".")
QUICK = bool(os.environ.get("SWITCHHOOK_TEST_QUICK"))
PUBLIC = "https://hooks.example.com"
DOWN = 100000  # times: until it is taken back


def modules():
    for folder in (os.environ.get("NODE_PATH", ""),
                   os.path.join(BUILDDIR, "t/node_modules"),
                   os.path.join(SRCDIR, "t/node_modules")):
        if folder and os.path.isdir(os.path.join(folder, "fauxqs")):
            return folder
    raise Skip("npm's packages are missing: tools/npm-packages")


class Cloud:
    """The front, its table and its queues."""

    def __init__(self, directory, **env):
        if not shutil.which("node"):
            raise Skip("node is missing")
        self.node_path = modules()
        self.dir, self.env = directory, env
        self.start()
        self.sdk("make")

    def start(self):
        out = self.dir.write("front.out", "")
        self.process = Process(
            ["sh", "-c", f"exec node {SRCDIR}/t/aws/front.cjs >{out}"],
            self.dir("front.log"), stdin=subprocess.PIPE,
            env=clean_env(NODE_PATH=self.node_path, NODE_NO_WARNINGS="1",
                          **self.env))
        self.process.wait_until(lambda: self.dir.read("front.out").strip(),
                                "the front")
        self.url = "http://127.0.0.1:" + self.dir.read("front.out").split()[0]

    def sdk(self, *args):
        p = subprocess.run(
            ["node", f"{SRCDIR}/t/e2e/aws.cjs", *args], capture_output=True,
            text=True, timeout=60, check=False,
            env=clean_env(NODE_PATH=self.node_path, AWS_FRONT=self.url,
                          NODE_NO_WARNINGS="1",
                          AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE="1"))
        if p.returncode:
            raise AssertionError(p.stderr)
        return p.stdout

    def control(self, **state):
        urllib.request.urlopen(urllib.request.Request(
            self.url + "/control", json.dumps(state).encode(),
            method="POST")).read()

    def fault(self, target, **what):
        self.control(faults=[dict({"target": target, "times": DOWN}, **what)])

    def requests(self, operation):
        """Those of an operation, or all, so far."""
        with urllib.request.urlopen(self.url + "/control") as reply:
            return [r for r in json.load(reply)["requests"]
                    if operation in (None, r["operation"])]

    def asked(self, operation):
        """Their bodies."""
        return [json.loads(r["body"]) for r in self.requests(operation)]

    def well(self):
        self.control(faults=[])

    def take(self, queue, seconds=1):
        """(MessageSid, Body, attributes) of each, in their order."""
        out = []
        for line in self.sdk("take", queue, str(seconds)).splitlines():
            row = json.loads(line)
            m = json.loads(row["body"])["twilio_message"]
            out.append((m["MessageSid"][0], m["Body"][0], row))
        return out

    def conversation(self, name, number, handoff):
        self.sdk("put", json.dumps({
            "conversation_id": name, "recipient_tel": number,
            "created_at": "2026-11-21T18:50:00", "thread_id": "T",
            "handoff_to_human": handoff}))


class MortalCloud(Cloud):
    """One that is killed and started again, and keeps on file what it has
    accepted. Its port is its own meanwhile, too."""

    def __init__(self, directory):
        self.journal = directory("journal")
        self.held = socket.socket()
        self.held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.held.bind(("127.0.0.1", 0))
        super().__init__(directory, AWS_FRONT_JOURNAL=self.journal,
                         AWS_FRONT_PORT=str(self.held.getsockname()[1]))

    def kill(self):
        self.process.kill(signal.SIGKILL)
        self.process.popen.wait()

    def accepted(self, queue):
        """(message, was it a repeat) of each SendMessage, in their order."""
        with open(self.journal, encoding="utf-8") as f:
            lines = [json.loads(line) for line in f]
        return [(json.loads(line["call"]["MessageBody"])["twilio_message"],
                 line.get("repeat", False))
                for line in lines if line["target"] == "AmazonSQS.SendMessage"
                and line["call"]["QueueUrl"].endswith("/" + queue)]


class Site:
    """A responder whose store and queues are the cloud's."""

    def __init__(self, cloud, directory, more="", store=None):
        self.cloud, self.dir = cloud, directory
        self.socket = directory("socket")
        self.conf = directory.write("switchhook.conf", f"""
[server]
public_url = {PUBLIC}
log_target = {directory("log")}
[twilio]
auth_token = {TOKEN}
[whatsapp]
conversations = dynamodb:conversations
ai_queue = {cloud.url}/000000000000/ai
human_queue = {cloud.url}/000000000000/human.fifo
ai_delay = 0
{more}
[store]
path = {store or directory("db")}
""")
        self.process = None
        self.extra = {}

    def env(self, **more):
        return clean_env(**self.extra, AWS_ENDPOINT_URL=self.cloud.url,
                         AWS_REGION="us-east-1",
                         AWS_ACCESS_KEY_ID="AKIDTEST",
                         AWS_SECRET_ACCESS_KEY="secret-of-test",
                         AWS_EC2_METADATA_DISABLED="true", **more)

    def start(self):
        self.process = Process(
            [program("switchhook.fcgi"), "-c", self.conf, "-s", self.socket],
            self.dir("out"), env=self.env())
        self.process.wait_until(lambda: connects(self.socket), "the socket")
        return self

    def kill(self):
        self.process.kill(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self):
        if self.process:
            equal(self.process.stop(), 0, "exit status")
            self.process = None

    def post(self, fields, path="/whatsapp", cut=0):
        """cut: so much further on ends the name of what is called a SID,
        under the same signature."""
        body = form([((n + v)[:len(n) + cut], (n + v)[len(n) + cut:])
                     if n.endswith("Sid") else (n, v)
                     for n, v in fields.items()])
        reply = fastcgi.ask(self.socket, fastcgi.request([
            ("REQUEST_METHOD", "POST"), ("PATH_INFO", path),
            ("REQUEST_URI", path), ("QUERY_STRING", ""),
            ("CONTENT_TYPE", "application/x-www-form-urlencoded"),
            ("CONTENT_LENGTH", str(len(body))),
            ("HTTP_X_TWILIO_SIGNATURE", sign(TOKEN, PUBLIC + path, body)),
            ("HTTP_X_AMZN_TRACE_ID", "Root=1-67891233-abcdef012345678912345678"),
        ], body))
        return reply.status if reply else None

    def post_json(self, value):
        body = json.dumps(value).encode()
        uri = "/whatsapp?" + sha_query(body)
        reply = fastcgi.ask(self.socket, fastcgi.request([
            ("REQUEST_METHOD", "POST"), ("REQUEST_URI", uri),
            ("CONTENT_TYPE", "application/json"),
            ("CONTENT_LENGTH", str(len(body))),
            ("HTTP_X_TWILIO_SIGNATURE", sign(TOKEN, PUBLIC + uri)),
        ], body))
        return reply.status if reply else None

    def ctl(self, *args, **more):
        return subprocess.run(
            [program("switchhook"), "-c", self.conf, "--json", *args],
            capture_output=True, text=True, timeout=120, check=False,
            env=self.env(**more))

    def spool(self):
        p = self.ctl("spool", "list", "--limit", "100000")
        equal(p.returncode, 0, p.stderr)
        return [json.loads(line) for line in p.stdout.splitlines()]

    def log(self):
        return self.dir.read("log")


def program(name):
    return os.path.abspath(os.path.join(BUILDDIR, name))
