"""POST /sqs, as workers on other machines use it: AWS's own client, curl, and
our own; each against the embedded queues behind nginx, and by hand."""
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import threading
import time

from cases import message, sid, tel
from doors import (VOICE, ApacheHtaccess, ByHand, NginxFastcgi,
                   NginxSpawnFcgi)
from outcome import equal, slow, true
from sdk import node_path
from servers import BUILDDIR, SRCDIR, Directory, clean_env, need, wait_for
from sqs_sign import KEY, SECRET, call, headers_of, stamp
from twilio_sign import form

KEYS = f"\n[access_keys]\n{KEY} = {SECRET}\nworker.2 = another/secret\n"


class Site:
    """Queues for workers elsewhere; the AI is asked at once."""
    voice = VOICE + KEYS + "\n[whatsapp]\nai_delay = 0\nmax_receives = 3\n"


def opened(kind, **members):
    return type("Site" + kind.__name__, (Site, kind), members)()


class Sdk:
    """AWS's client, in a process of its own."""

    def __init__(self, door, key=KEY, secret=SECRET, path="/sqs"):
        self.node = subprocess.Popen(
            [need("node"), os.path.join(SRCDIR, "t/e2e/sqs.mjs"),
             f"http://127.0.0.1:{door.port}{door.target(path)}", key, secret,
             "ap-southeast-2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"NODE_PATH": node_path(),
                              "NODE_NO_WARNINGS": "1"})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.node.stdin.close()
        self.node.wait(20)
        self.node.stdout.close()

    def __call__(self, command, **members):
        self.node.stdin.write(json.dumps({"do": command} | members).encode()
                              + b"\n")
        self.node.stdin.flush()
        return json.loads(self.node.stdout.readline())

    def receive(self, url, **members):
        return self("ReceiveMessage", QueueUrl=url, **members).get(
            "Messages", [])


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def refused(answer, error, words="", status=400):
    equal((answer.get("error"), answer["status"]), (error, status),
          f"{answer}")
    true(words in answer["message"], f"{words}: {answer}")


# ---- AWS's client


def sdk(door):
    """Each operation; the client checks the MD5s itself."""
    with Sdk(door) as aws:
        names = [u.rpartition("/")[2] for u in aws("ListQueues")["QueueUrls"]]
        true({"ai", "human", "unrouted", "digits"} <= set(names), f"{names}")
        url = aws("GetQueueUrl", QueueName="sdk")["QueueUrl"]
        equal(url, door.url("/sqs/sdk"), "QueueUrl")
        sent = aws("SendMessage", QueueUrl=url, MessageBody="Zoë 😀",
                   MessageAttributes={
                       "b": {"DataType": "String", "StringValue": "text ß"},
                       "a.x": {"DataType": "Number.int", "StringValue": "7"},
                       "c": {"DataType": "Binary", "BinaryValue": "AAH/"}})
        equal(sent["MD5OfMessageBody"], md5("Zoë 😀"), "MD5")
        true(sent["request"], "a request ID")
        got = aws.receive(url, MessageSystemAttributeNames=["All"],
                          MessageAttributeNames=["All"])[0]
        equal((got["Body"], got["MessageId"]), ("Zoë 😀", sent["MessageId"]),
              "what was received")
        equal(got["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"],
              "MD5 of the attributes")
        equal(got["MessageAttributes"]["c"]["BinaryValue"], "AAH/", "binary")
        equal(got["MessageAttributes"]["a.x"],
              {"DataType": "Number.int", "StringValue": "7"}, "number")
        equal(got["Attributes"]["ApproximateReceiveCount"], "1", "received")
        true(abs(int(got["Attributes"]["SentTimestamp"]) / 1000 - time.time())
             < 60, "when it was sent")
        equal(aws.receive(url), [], "hidden")
        counts = aws("GetQueueAttributes", QueueUrl=url,
                     AttributeNames=["All"])["Attributes"]
        equal(counts["ApproximateNumberOfMessagesNotVisible"], "1", "taken")
        equal(counts["QueueArn"],
              "arn:aws:sqs:ap-southeast-2:000000000000:sdk", "arn")
        hidden = {"QueueUrl": url, "ReceiptHandle": got["ReceiptHandle"]}
        equal(aws("ChangeMessageVisibility", VisibilityTimeout=0,
                  **hidden)["status"], 200, "back")
        again = aws.receive(url, VisibilityTimeout=1,
                            MessageAttributeNames=["a.*"],
                            AttributeNames=["ApproximateReceiveCount"])[0]
        equal(again["Attributes"], {"ApproximateReceiveCount": "2"}, "twice")
        equal(list(again["MessageAttributes"]), ["a.x"], "those of a prefix")
        hidden["ReceiptHandle"] = again["ReceiptHandle"]
        equal(aws("ChangeMessageVisibility", VisibilityTimeout=60,
                  **hidden)["status"], 200, "for longer")
        time.sleep(1.3)
        equal(aws.receive(url), [], "hidden for longer")
        for _ in range(2):  # who deletes again has not heard of the first time
            equal(aws("DeleteMessage", **hidden)["status"], 200, "gone")
        equal(aws("GetQueueAttributes", QueueUrl=url, AttributeNames=[
            "ApproximateNumberOfMessages"])["Attributes"],
            {"ApproximateNumberOfMessages": "0"}, "nothing is left")


def batches(door):
    with Sdk(door) as aws:
        url = "batch"  # the last segment counts
        sent = aws("SendMessageBatch", QueueUrl=url, Entries=[
            {"Id": f"n{n}", "MessageBody": f"body {n}"} for n in range(9)] +
            [{"Id": "bad", "MessageBody": "\ufffe"}])
        equal([s["Id"] for s in sent["Successful"]],
              [f"n{n}" for n in range(9)], "sent")
        equal([(f["Id"], f["Code"], f["SenderFault"]) for f in sent["Failed"]],
              [("bad", "InvalidMessageContents", True)], "failed")
        got = aws.receive(url, MaxNumberOfMessages=10)
        equal([m["Body"] for m in got], [f"body {n}" for n in range(9)],
              "in order")
        receipts = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]}
                    for n, m in enumerate(got)]
        done = aws("DeleteMessageBatch", QueueUrl=url, Entries=receipts[:4] +
                   [{"Id": "x", "ReceiptHandle": "nothing"}])
        equal(len(done["Successful"]), 4, "deleted")
        equal(done["Failed"][0]["Code"], "ReceiptHandleIsInvalid", "no receipt")
        done = aws("ChangeMessageVisibilityBatch", QueueUrl=url, Entries=[
            r | {"VisibilityTimeout": 0} for r in receipts[2:7]])
        equal([s["Id"] for s in done["Successful"]], ["4", "5", "6"], "back")
        equal([f["Code"] for f in done["Failed"]],
              ["InvalidParameterValue"] * 2, "those that are gone")
        equal([m["Body"] for m in aws.receive(url, MaxNumberOfMessages=10)],
              ["body 4", "body 5", "body 6"], "once more")
        for entries, error in [
                ([], "EmptyBatchRequest"),
                ([{"Id": "a", "MessageBody": "x"}] * 2,
                 "BatchEntryIdsNotDistinct"),
                ([{"Id": "a b", "MessageBody": "x"}], "InvalidBatchEntryId"),
                ([{"Id": str(n), "MessageBody": "x"} for n in range(11)],
                 "TooManyEntriesInBatchRequest")]:
            refused(aws("SendMessageBatch", QueueUrl=url, Entries=entries),
                    error)


def faults(door):
    """Errors as AWS gives them: classes of its own client."""
    with Sdk(door) as aws:
        refused(aws("SendMessage", QueueUrl=door.url("/sqs/no queue"),
                    MessageBody="x"), "QueueDoesNotExist")
        refused(aws("GetQueueUrl", QueueName="a~b"), "QueueDoesNotExist")
        refused(aws("SendMessage", QueueUrl="q", MessageBody="\x00"),
                "InvalidMessageContents")
        refused(aws("DeleteMessage", QueueUrl="q", ReceiptHandle="x"),
                "ReceiptHandleIsInvalid")
        refused(aws("PurgeQueue", QueueUrl="q"), "UnsupportedOperation")
        refused(aws("GetQueueAttributes", QueueUrl="q",
                    AttributeNames=["Size"]), "InvalidAttributeName", "Size")
        for members, words in [
                ({"DelaySeconds": 901}, "DelaySeconds"),
                ({"MessageGroupId": "a b"}, "MessageGroupId"),
                ({"MessageAttributes": {"a": {"DataType": "Text",
                                              "StringValue": "x"}}}, "type"),
                ({"MessageAttributes": {"AWS.x": {
                    "DataType": "String", "StringValue": "x"}}}, "name"),
                ({"MessageBody": "x" * 101377}, "shorter than")]:
            refused(aws("SendMessage", **({"QueueUrl": "q", "MessageBody": "x"}
                                          | members)),
                    "InvalidParameterValue", words)
        refused(aws("ReceiveMessage", QueueUrl="q", MaxNumberOfMessages=11),
                "InvalidParameterValue", "MaxNumberOfMessages")
        refused(aws("ReceiveMessage", QueueUrl="q", WaitTimeSeconds=21),
                "InvalidParameterValue", "WaitTimeSeconds")
        refused(aws("SendMessage", QueueUrl="q",
                    MessageBody="x" * (200 << 10)),
                "InvalidParameterValue", "shorter than")
    for key, secret, error in [
            (KEY, "wrong", "SignatureDoesNotMatch"),
            ("nobody", SECRET, "InvalidClientTokenId")]:
        with Sdk(door, key, secret) as aws:
            refused(aws("ListQueues"), error, "", 403)
    with Sdk(door, "worker.2", "another/secret", "/sqs/") as aws:
        equal(aws("ListQueues")["status"], 200, "the other key, and a slash")


# ---- signatures


def signatures(door):
    """What is signed, when, and by whom."""
    reply, answer = call(door, "ListQueues")
    equal(reply.status, 200, f"{answer}")
    host = door.url("").split("/")[2]
    much = {"x-amz-user-agent": "a  b", "accept-encoding": "identity",
            "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    for how in [{"region": "mars-1"}, {"key": "worker.2",
                                       "secret": "another/secret"},
                {"date": stamp(-800)}, {"date": stamp(800)}, {"more": much},
                {"members": {"QueueNamePrefix": "é"}}]:
        reply, answer = call(door, "ListQueues", **how)
        equal(reply.status, 200, f"{how}: {answer}")
    wrong = "SignatureDoesNotMatch"
    for how, code in [
            ({"secret": "x"}, wrong), ({"key": "x"}, "InvalidClientTokenId"),
            ({"service": "sns"}, wrong), ({"date": stamp(-1000)}, wrong),
            ({"date": stamp(1000)}, wrong), ({"day": "20200101"}, wrong),
            ({"host": "elsewhere.example.com"}, wrong),
            ({"path": "/other"}, wrong),
            ({"date": "yesterday"}, "IncompleteSignature"),
            ({"signed": ["content-type", "host", "x-amz-date"]},
             "IncompleteSignature"),
            ({"signed": ["content-type", "x-amz-date", "x-amz-target"]},
             "IncompleteSignature")]:
        reply, answer = call(door, "ListQueues", **how)
        equal((reply.status, reply.header("x-amzn-query-error")),
              (403, code + ";Sender"), f"{how}: {answer}")
    headers = headers_of("ListQueues", b"{}", host, door.target("/sqs"))
    for body, more in [(b"{ }", []), (b"", []),
                       (b"{}", [("X-Amz-Security-Token", "t")]),
                       (b"{}", [("X-Amz-Target", "AmazonSQS.SendMessage")])]:
        reply = door.ask("POST", "/sqs", headers + more, body)
        equal(reply.status, 403, f"{body} {more}")
    equal(door.ask("POST", "/sqs", headers, b"{}").status, 200, "as it was")
    for name in ("x-amz-date", "authorization", "x-amz-target"):
        less = [h for h in headers if h[0] != name]
        equal(door.ask("POST", "/sqs", less, b"{}").status, 403, name)
    equal(door.ask("POST", "/sqs?a=b", headers, b"{}").status, 403, "a query")
    for value in ("", "Bearer x", "AWS4-HMAC-SHA256",
                  "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=, "
                  "Signature=", "AWS4-HMAC-SHA512" + dict(headers)[
                      "authorization"][16:]):
        reply = door.ask("POST", "/sqs", [
            h for h in headers if h[0] != "authorization"] +
            [("authorization", value)], b"{}")
        equal(reply.status, 403, value)
    log = door.dir.read("state/log")
    true(SECRET not in log and "access key refused" in log, "the log")


def odd_bodies(door):
    for body, error in [
            (b"", "SerializationException"), (b"[]", "SerializationException"),
            (b"{", "SerializationException"),
            (b'{"QueueUrl":1}', "SerializationException"),
            (b"{}", "MissingRequiredParameterException"),
            (b'{"QueueUrl":"a","QueueUrl":"b"}', "SerializationException")]:
        reply, answer = call(door, "ReceiveMessage", body=body)
        equal((reply.status, answer["__type"].partition("#")[2]), (400, error),
              f"{body}")
    reply, answer = call(door, "Dance")
    equal((reply.status, answer["__type"].partition("#")[2]),
          (400, "UnknownOperationException"), f"{answer}")
    reply, answer = call(door, "ListQueues", body=b"x" * 120000)
    equal(reply.header("x-amzn-query-error"), "InvalidParameterValue;Sender",
          f"{answer}")
    reply, _ = call(door, "ListQueues", signed=None,
                    more={"content-type": "application/json"})
    equal(reply.status, 415, "another type")
    seen, token = [], None
    while True:
        answer = call(door, "ListQueues", {"MaxResults": 1} | (
            {"NextToken": token} if token else {}))[1]
        seen += answer["QueueUrls"]
        if (token := answer.get("NextToken")) is None:
            break
        equal(len(answer["QueueUrls"]), 1, "a page")
    equal(seen, call(door, "ListQueues")[1]["QueueUrls"], "all of them")


def with_curl(door):
    """One line of shell, as the manual has it."""
    def curl(operation, members):
        done = subprocess.run(
            ["curl", "-s", "--aws-sigv4", "aws:amz:any-1:sqs", "--user",
             f"{KEY}:{SECRET}", "-H", "X-Amz-Target: AmazonSQS." + operation,
             "-H", "Content-Type: application/x-amz-json-1.0", "-d",
             json.dumps(members),
             f"http://127.0.0.1:{door.port}{door.target('/sqs')}"],
            capture_output=True, timeout=60, check=True, env=clean_env())
        return json.loads(done.stdout)
    curl("SendMessage", {"QueueUrl": "curl", "MessageBody": "from curl"})
    got = curl("ReceiveMessage", {"QueueUrl": "curl"})["Messages"][0]
    equal(got["Body"], "from curl", "the message")
    equal(curl("DeleteMessage", {"QueueUrl": "curl", "ReceiptHandle":
                                 got["ReceiptHandle"]}), {}, "gone")


# ---- what the queue promises


def take(door, queue, **members):
    return call(door, "ReceiveMessage", {
        "QueueUrl": queue, "AttributeNames": ["All"],
        "MessageAttributeNames": ["All"]} | members)[1].get("Messages", [])


def put(door, queue, body, **members):
    reply, answer = call(door, "SendMessage", {
        "QueueUrl": queue, "MessageBody": body} | members)
    equal(reply.status, 200, f"{answer}")
    return answer


def groups_and_repeats(door):
    """A delay and a group go together, and a repeat is taken once."""
    first = put(door, "g", "one", MessageGroupId="c", DelaySeconds=4,
                MessageDeduplicationId="SM1")
    put(door, "g", "two", MessageGroupId="c")
    put(door, "g", "other", MessageGroupId="d")
    equal(put(door, "g", "one, repeated", MessageDeduplicationId="SM1")[
        "MessageId"], first["MessageId"], "a repeat")
    put(door, "h", "one", MessageDeduplicationId="SM1")
    equal(len(take(door, "h")), 1, "on another queue it is none")
    equal([m["Body"] for m in take(door, "g", MaxNumberOfMessages=10)],
          ["other"], "the first of a group is delayed")
    time.sleep(4.2)
    put(door, "g", "three", MessageGroupId="c", DelaySeconds=60)
    put(door, "g", "four", MessageGroupId="c")
    got = take(door, "g", MaxNumberOfMessages=10)
    equal([m["Body"] for m in got], ["one", "two"], "what is due, in order")
    equal([m["Attributes"]["MessageGroupId"] for m in got], ["c", "c"],
          "its group")
    equal(take(door, "g", MaxNumberOfMessages=10), [], "while it is held")
    call(door, "DeleteMessage", {"QueueUrl": "g", "ReceiptHandle":
                                 got[0]["ReceiptHandle"]})
    equal(take(door, "g"), [], "while one of it is held")
    call(door, "ChangeMessageVisibility", {
        "QueueUrl": "g", "ReceiptHandle": got[1]["ReceiptHandle"],
        "VisibilityTimeout": 0})
    equal([m["Body"] for m in take(door, "g", MaxNumberOfMessages=10)],
          ["two"], "the next again")


def received_too_often(door):
    """A message that takes its workers down with it ends as a dead letter."""
    put(door, "poison", "x", MessageAttributes={
        "a": {"DataType": "String", "StringValue": "b"}})
    for n in range(1, 4):
        got = take(door, "poison", VisibilityTimeout=0)
        equal(got[0]["Attributes"]["ApproximateReceiveCount"], str(n), "count")
    equal(take(door, "poison"), [], "no more")
    dead = door.rows("queue", "dead", "poison")
    equal([d["reason"] for d in dead],
          ["received more than 3 times over /sqs"], "its reason")
    policy = json.loads(call(door, "GetQueueAttributes", {
        "QueueUrl": "poison", "AttributeNames": ["RedrivePolicy"]})[1][
            "Attributes"]["RedrivePolicy"])
    equal((policy["deadLetterTargetArn"].rpartition(":")[2],
           policy["maxReceiveCount"]), ("poison~dead", 3), "policy")
    got = take(door, "poison~dead")[0]
    equal((got["Body"], got["MessageAttributes"]["Reason"]["StringValue"],
           got["MessageAttributes"]["a"]["StringValue"]),
          ("x", dead[0]["reason"], "b"), "as a dead letter")
    equal(take(door, "poison~dead"), [], "hidden")
    door.switchhook("queue", "redrive", "poison", "--all")
    got = take(door, "poison")
    equal(got[0]["Attributes"]["ApproximateReceiveCount"], "1", "redriven")


def who_took_over(door):
    """What comes by webhook is received; what people took over meanwhile goes
    to them instead."""
    number, other = tel(), tel()
    for n in (number, other):
        door.switchhook("conversation", "add", "--tel", n, "--id", "c" + n)
    for n in (number, other):
        equal(door.post("/whatsapp", form(message(
            n, sid(), Body="from " + n))).status, 200, "webhook")
    door.switchhook("conversation", "handoff", "c" + number, "on")
    got = take(door, "ai", MaxNumberOfMessages=10)
    equal([json.loads(m["Body"])["conversation_id"] for m in got],
          ["c" + other], "the AI's")
    equal(got[0]["Attributes"]["MessageGroupId"], "c" + other, "its group")
    people = take(door, "human", MaxNumberOfMessages=10)
    equal([json.loads(m["Body"])["conversation_id"] for m in people],
          ["c" + number], "people's")
    # As another program may set the flag, who moves nothing.
    equal(door.post("/whatsapp", form(message(other, sid()))).status, 200,
          "webhook")
    db = sqlite3.connect(door.dir("state/switchhook.db"))
    db.execute("UPDATE conversation SET handoff = 1 WHERE id = ?",
               ("c" + other,))
    db.commit()
    db.close()
    call(door, "DeleteMessage", {"QueueUrl": "ai", "ReceiptHandle":
                                 got[0]["ReceiptHandle"]})
    equal(take(door, "ai", MaxNumberOfMessages=10), [], "looked at again")
    people = take(door, "human", MaxNumberOfMessages=10)
    equal([json.loads(m["Body"])["conversation_id"] for m in people],
          ["c" + other], "people's now")
    # One that a worker put back, in another group or in none.
    for more in [{}, {"MessageGroupId": "mine"}]:
        for m in people:
            call(door, "DeleteMessage", {
                "QueueUrl": "human", "ReceiptHandle": m["ReceiptHandle"]})
        put(door, "ai", got[0]["Body"], **more)
        equal(take(door, "ai", MaxNumberOfMessages=10), [], "put back")
        people = take(door, "human", MaxNumberOfMessages=10)
        equal([json.loads(m["Body"])["conversation_id"] for m in people],
              ["c" + other], "put back")


def waiting(door):
    """What comes meanwhile is given at once; so many may wait; a stop ends it."""
    with Sdk(door) as aws:
        timer = threading.Timer(1, put, (door, "wait", "late"))
        timer.start()
        began = time.monotonic()
        got = aws.receive("wait", WaitTimeSeconds=20)
        took = time.monotonic() - began
        timer.join()
        equal([m["Body"] for m in got], ["late"], "what came")
        true(0.9 < took < (15 if slow() else 4), f"after {took:.1f} s")
        began = time.monotonic()
        equal(aws.receive("wait", WaitTimeSeconds=1), [], "nothing came")
        true(0.9 < time.monotonic() - began < 10, "a second")


def many_wait(door):
    """However many workers wait, webhooks are answered, and no thread waits;
    each message is given to one of them."""
    got = []

    def wait():
        began = time.monotonic()
        bodies = [m["Body"] for m in take(door, "idle", WaitTimeSeconds=6)]
        got.append((bodies, time.monotonic() - began))
    threads = [threading.Thread(target=wait) for _ in range(60)]
    for t in threads:
        t.start()
    time.sleep(1)
    pid = door.responder.popen.pid
    count = len(os.listdir(f"/proc/{pid}/task"))
    true(count < 16, f"{count} threads")
    for _ in range(20):
        began = time.monotonic()
        equal(door.ask("GET", "/health").status, 200, "health")
        true(time.monotonic() - began < 3, "at once")
    door.responder.popen.send_signal(signal.SIGHUP)  # they go on with the old
    time.sleep(0.5)
    for n in range(3):
        put(door, "idle", str(n))
    for t in threads:
        t.join()
    equal(sorted(b for bodies, _ in got for b in bodies), ["0", "1", "2"],
          "each once")
    for bodies, took in got:
        true(took < (15 if bodies or slow() else 12), f"{took:.1f} s")
        true(bodies or took > 5.5, f"it waited {took:.1f} s")


def a_stop(door):
    ended = []

    def wait():
        reply, answer = call(door, "ReceiveMessage", {
            "QueueUrl": "idle", "WaitTimeSeconds": 20})
        ended.append((reply.status, answer))
    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.7)
    began = time.monotonic()
    door.responder.popen.send_signal(signal.SIGTERM)
    thread.join(15)
    took = time.monotonic() - began
    equal(ended, [(200, {})], "answered")
    true(took < 5, f"the stop took {took:.1f} s")


# ---- our own client


class Elsewhere:
    """Another machine: the command, a configuration and a store of its own."""

    def __init__(self, door):
        self.dir = Directory()
        self.door = door
        self.conf = self.dir.write("switchhook.conf", "[store]\npath = " +
                                   self.dir("elsewhere.db") + "\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.dir.remove()

    def url(self, queue):
        return (f"http://127.0.0.1:{self.door.port}"
                f"{self.door.target('/sqs/' + queue)}")

    def run(self, *args, expected=0):
        done = subprocess.run(
            [self.door.dir("bin/switchhook"), "-c", self.conf, *args],
            capture_output=True, timeout=120, check=False, env=clean_env(
                AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=SECRET,
                AWS_EC2_METADATA_DISABLED="true"))
        equal(done.returncode, expected, f"{args}: {done.stderr}")
        return done.stdout.decode()


def own_client(door):
    with Elsewhere(door) as there:
        for n in range(3):
            put(door, "own", f"body {n}", MessageGroupId="g")
        out = there.dir("out")
        there.run("queue", "run", there.url("own"), "--drain", "--", "sh",
                  "-c", f"cat >>{out}; echo >>{out}")
        equal(there.dir.read("out").split("\n")[:3],
              ["body 0", "body 1", "body 2"], "in order")
        put(door, "own", "bad", MessageGroupId="g")
        there.run("queue", "run", there.url("own"), "--drain", "--tries", "1",
                  "--", "false")
        equal([d["reason"] for d in door.rows("queue", "dead", "own")],
              ["exit status 1"], "a dead letter, and why")
        shown = json.loads(there.run("queue", "dead", there.url("own"),
                                     "--json"))
        equal((shown["body"], shown["reason"]), ("bad", "exit status 1"),
              "seen from there")
        there.run("queue", "redrive", there.url("own"), "--all")
        equal(door.rows("queue", "dead", "own"), [], "redriven")
        equal([r["body"] for r in door.rows("queue", "peek", "own")], ["bad"],
              "due again")


class Passing(Site, ByHand):
    """Another installation, whose AI is asked through this one's queue."""
    to = ""

    def config(self, **changes):
        return super().config(**changes).replace(
            "ai_delay = 0", f"ai_delay = 1\nai_queue = {self.to}")

    def variables(self, *args):
        return super().variables(*args) | {
            "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_EC2_METADATA_DISABLED": "true"}


def own_outbox(door):
    """Messages are passed on with group, delay and deduplication id."""
    to = f"http://127.0.0.1:{door.port}{door.target('/sqs/passed')}"
    number, message_sid = tel(), sid()
    with type("To", (Passing,), {"to": to})() as front:
        front.switchhook("conversation", "add", "--tel", number, "--id", "c1")
        fields = form(message(number, message_sid))
        for _ in range(2):
            equal(front.post("/whatsapp", fields).status, 200, "webhook")
        equal(take(door, "passed"), [], "delayed")
        time.sleep(1.3)
        got = take(door, "passed", MaxNumberOfMessages=10)
        equal([(m["Attributes"]["MessageGroupId"],
                json.loads(m["Body"])["twilio_message"]["MessageSid"])
               for m in got], [("c1", [message_sid])], "passed on")
    first = put(door, "passed", "x", MessageDeduplicationId=message_sid)
    equal(first["MessageId"], got[0]["MessageId"], "known by its SID")


NGINX = [sdk, batches, faults, signatures, odd_bodies, with_curl,
         groups_and_repeats, received_too_often, who_took_over, waiting,
         many_wait, own_client, own_outbox, a_stop]
BY_HAND = [signatures, odd_bodies, groups_and_repeats, received_too_often,
           who_took_over]


def by_hand_waits(door):
    """A process of its own waits 5 s at most."""
    began = time.monotonic()
    equal(take(door, "nothing", WaitTimeSeconds=20), [], "nothing")
    true(4 < time.monotonic() - began < (20 if slow() else 9), "5 s")


def closed(_):
    """Without a key nobody is let in."""
    with opened(ByHand, voice=VOICE) as door:
        reply, answer = call(door, "ListQueues")
        equal(reply.status, 403, f"{answer}")
        true("[access_keys]" in answer["message"], f"{answer}")


def without_port(_):
    """nginx's fastcgi_params lose the port of the Host header; a public_url
    does for what a proxy has changed."""
    with opened(NginxFastcgi) as door:
        headers = dict(headers_of(
            "ListQueues", b"{}", f"127.0.0.1:{door.port}"))
        reply = door.ask("POST", "/sqs", list(headers.items()), b"{}",
                         host=f"127.0.0.1:{door.port}")
        equal(reply.status, 200, "with SERVER_PORT")
        headers = dict(headers_of("ListQueues", b"{}", "hooks.example.com"))
        reply = door.ask("POST", "/sqs", list(headers.items()), b"{}",
                         host="inside.example.net")
        equal(reply.status, 200, "as public_url has it")


class Large(Site, NginxFastcgi):
    """No limits that the contract knows nothing of."""
    extra = "max_body = 400K\n"

    def config(self, **changes):
        return super().config(**changes).replace("max_receives = 3",
                                                 "max_receives = 0")


def contract(_):
    """What queues promise, through our own client and front."""
    with Large() as door:
        done = subprocess.run(
            [os.path.join(BUILDDIR, "t/sqs-contract")], capture_output=True,
            timeout=400, check=False, env=clean_env(
                SQS_FRONT=f"http://127.0.0.1:{door.port}/sqs",
                SQS_BODY_MAX=str(400 * 1024 - 1024),
                AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=SECRET,
                AWS_EC2_METADATA_DISABLED="true"))
        equal(done.returncode, 0, (done.stdout + done.stderr).decode()[-3000:])


def suite(results):
    for kind, cases in ((NginxFastcgi, NGINX), (ByHand, BY_HAND +
                                                [by_hand_waits])):
        with opened(kind) as door:
            for fn in cases:
                results.run(f"sqs, {door.name}: {fn.__name__}", fn, door)
    for kind in (NginxSpawnFcgi, ApacheHtaccess):  # below a path; by Apache
        with opened(kind) as door:
            for fn in (sdk, signatures, with_curl):
                results.run(f"sqs, {door.name}: {fn.__name__}", fn, door)
    results.run("sqs: closed", closed, None)
    results.run("sqs: contract", contract, None)
    results.run("sqs: without_port", without_port, None)
