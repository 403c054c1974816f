"""Queues at AWS, as t/aws/front.cjs plays it: nothing that was answered 200
is lost or doubled while they are down, slow, or refuse."""
import json
import os
import re
import subprocess
import threading
import time

import fastcgi
from calls_mock import ACCOUNT, CallsMock
from cases import message, sid, tel
from cloud import Cloud, PUBLIC, QUICK, Site, program
from doors import TOKEN
from outcome import equal, patience, slow, true
from servers import Directory, wait_for
from twilio_sign import form, sign


def a_message(number, text):
    return message(number, sid(), Body=text)


def delivered(cloud, site):
    number = tel()
    fields = a_message(number, "one")
    cloud.conversation("c-ai", number, False)
    equal(site.post(fields), 200)
    equal(site.post(fields), 200, "a repeat")
    got = cloud.take("ai")
    equal([g[:2] for g in got], [(fields["MessageSid"], "one")])
    envelope = json.loads(got[0][2]["body"])
    equal((envelope["conversation_id"], envelope["thread_id"],
           envelope["company_id"], envelope["channel"]),
          ("c-ai", "T", None, "whatsapp"))
    # fauxqs takes the trace and does not give it back.
    equal(cloud.asked("SendMessage")[-1]["MessageSystemAttributes"],
          {"AWSTraceHeader": {
              "DataType": "String",
              "StringValue": "Root=1-67891233-abcdef012345678912345678"}})
    number = tel()
    cloud.conversation("c-human", number, True)
    fields = a_message(number, "two")
    equal(site.post(fields), 200)
    got = cloud.take("human.fifo")
    equal([g[:2] for g in got], [(fields["MessageSid"], "two")])
    equal(got[0][2]["attributes"]["MessageGroupId"], "c-human")
    equal(got[0][2]["attributes"]["MessageDeduplicationId"],
          fields["MessageSid"])
    equal(site.spool(), [])


def queue_down(cloud, site):
    """Messages of two conversations during an outage, then after it."""
    numbers = [tel(), tel()]
    for i, number in enumerate(numbers):
        cloud.conversation(f"c-down{i}", number, True)
    cloud.fault("SendMessage", kind="error", status=500)
    sent = []
    for n in range(6):
        fields = a_message(numbers[n % 2], f"{n % 2} {n}")
        equal(site.post(fields), 200)
        sent.append((fields["MessageSid"], fields["Body"]))
        equal(site.post(fields), 200, "a repeat")
    equal(len(site.spool()), 6)
    equal(json.loads(fastcgi.ask(site.socket, fastcgi.request([
        ("REQUEST_METHOD", "GET"), ("PATH_INFO", "/ready")])).body)["spool"][
            "waiting"], 6)
    true("did not take a message" in site.log(), "the log says so")
    cloud.well()
    wait_for(lambda: not site.spool(), "the spool to empty", 40)
    got = [g[:2] for g in cloud.take("human.fifo")]
    equal(sorted(got), sorted(sent))
    for i in "01":
        equal([g for g in got if g[1][0] == i],
              [s for s in sent if s[1][0] == i], "order of a conversation")


def queue_slow(cloud, site):
    """Twilio waits 15 s at most; a request takes 5."""
    number = tel()
    cloud.conversation("c-slow", number, True)
    cloud.fault("SendMessage", kind="hang")
    fields = a_message(number, "slow")
    began = time.monotonic()
    equal(site.post(fields), 200)
    took = time.monotonic() - began
    true(took < 9, f"{took:.1f} s")
    cloud.well()
    wait_for(lambda: not site.spool(), "the spool to empty", 90)
    equal([g[0] for g in cloud.take("human.fifo")], [fields["MessageSid"]])


def answer_lost(cloud, site):
    """The queue has it and nobody hears of that: a FIFO queue takes what is
    sent again for what it is."""
    number = tel()
    cloud.conversation("c-lost", number, True)
    cloud.fault("SendMessage", kind="lost")
    fields = a_message(number, "lost")
    equal(site.post(fields), 200)
    equal([e["message_sid"] for e in site.spool()], [fields["MessageSid"]])
    cloud.well()
    wait_for(lambda: not site.spool(), "the spool to empty", 40)
    asked = [r for r in cloud.asked("SendMessage")
             if r.get("MessageDeduplicationId") == fields["MessageSid"]]
    true(len(asked) > 1, "it was sent again")
    equal([g[0] for g in cloud.take("human.fifo")], [fields["MessageSid"]])


def lookup_down(cloud, site):
    """Nobody knows where it goes: decided when that can be known."""
    number = tel()
    cloud.conversation("c-lookup", number, True)
    cloud.fault("Query", kind="error", status=500)
    fields = a_message(number, "where")
    equal(site.post(fields), 200)
    equal([e["queue"] for e in site.spool()], ["undecided"])
    cloud.well()
    wait_for(lambda: not site.spool(), "the spool to empty", 40)
    got = cloud.take("human.fifo")
    equal([g[0] for g in got], [fields["MessageSid"]])
    equal(json.loads(got[0][2]["body"])["conversation_id"], "c-lookup")


def opt_outs(cloud, site):
    """STOP is noted of each conversation, also if nobody could be asked when it
    came, or if there was none yet."""
    number = tel()

    def say(kind):
        fields = a_message(number, kind) | {"OptOutType": kind}
        equal(site.post(fields), 200)
        wait_for(lambda: not site.spool(), "the spool to empty", 40)

    def out():
        shown = [site.ctl("conversation", "show", name) for name in names]
        return [json.loads(p.stdout)["opted_out"] for p in shown]

    say("STOP")
    names = [f"c-out{i}{number}" for i in "12"]
    cloud.conversation(names[0], number, True)
    equal(site.post(a_message(number, "held is before this")), 200)
    names, name = names[:1], names[1]
    equal(out(), [True], "held")
    names.append(name)
    cloud.conversation(name, number, True)
    say("START")
    equal(out(), [False] * 2, "START")
    cloud.fault("Query", kind="error", status=500)
    equal(site.post(a_message(number, "late") | {"OptOutType": "STOP"}), 200)
    equal([e["queue"] for e in site.spool()], ["undecided"])
    cloud.well()
    wait_for(lambda: not site.spool(), "the spool to empty", 40)
    equal(out(), [True] * 2, "undecided")
    cloud.take("human.fifo")


def other_names(cloud, site):
    """A person is looked up by other names too, and only if there can be
    some."""
    number, user = tel(), "BR.134" + tel()[1:]
    short = "+554188" + number[-6:]
    for conv, sender in [("c-short", short), ("c-tel", number)]:
        cloud.conversation(conv, sender, True)
    for conv, fields, queries in [
            ("c-short", {"From": "whatsapp:+55419" + short[5:]}, 2),
            ("c-short", {"From": "rcs:" + short}, 2),
            ("c-tel", {"From": "whatsapp:" + number}, 1),
            ("c-tel", {"From": number, "ExternalUserId": user}, 2),
            ("c-tel", {"From": "whatsapp:" + user}, 2)]:
        before = len(cloud.asked("Query"))
        fields = a_message(number, "who") | fields
        equal(site.post(fields), 200)
        equal(len(cloud.asked("Query")) - before, queries, f"{fields}")
        got = cloud.take("human.fifo")
        equal([g[0] for g in got], [fields["MessageSid"]])
        equal(json.loads(got[0][2]["body"])["conversation_id"], conv)
    # Nobody could be asked when it came.
    cloud.fault("Query", kind="error", status=500)
    fields = a_message(number, "late") | {"From": "whatsapp:" + user}
    equal(site.post(fields), 200)
    cloud.well()
    wait_for(lambda: not site.spool(), "the spool to empty", 40)
    got = cloud.take("human.fifo")
    equal(json.loads(got[0][2]["body"])["conversation_id"], "c-tel")


def killed(cloud, site):
    """kill -9 during an outage loses nothing."""
    number = tel()
    cloud.conversation("c-kill", number, True)
    cloud.fault("SendMessage", kind="error", status=503)
    sent = []
    for n in range(4):
        fields = a_message(number, f"kill {n}")
        equal(site.post(fields), 200)
        sent.append(fields["MessageSid"])
    site.kill()
    cloud.well()
    site.start()
    wait_for(lambda: not site.spool(), "the spool to empty", 100)
    equal([g[0] for g in cloud.take("human.fifo")], sent)


def refuse(cloud):
    cloud.fault("SendMessage", kind="error",
                type="com.amazonaws.sqs#InvalidMessageContents")


def any_text_is_taken(cloud, site):
    """SQS takes no U+FFFE, so none is sent as it stands."""
    number = tel()
    cloud.conversation("c-any", number, True)
    fields = a_message(number, "bad \ufffe\u2028\U0010ffff")
    equal(site.post(fields), 200)
    wait_for(lambda: not site.spool(), "the spool to empty", 40)
    equal([g[:2] for g in cloud.take("human.fifo")],
          [(fields["MessageSid"], fields["Body"])])


def never_taken(cloud, site):
    """A message that SQS refuses: to the dead letters, with the reason."""
    number = tel()
    cloud.conversation("c-bad", number, False)
    fields = a_message(number, "bad")
    refuse(cloud)
    equal(site.post(fields), 200)
    equal(site.spool(), [])
    p = site.ctl("queue", "dead", "sqlite:undeliverable")
    rows = [json.loads(line) for line in p.stdout.splitlines()]
    true(any(fields["MessageSid"] in r["body"] for r in rows), p.stdout)
    true(all(r["reason"] for r in rows), p.stdout)
    # One that was made due again is not taken for the next.
    site.ctl("queue", "redrive", "sqlite:undeliverable", "--all")
    fields = a_message(number, "bad again")
    equal(site.post(fields), 200)
    p = site.ctl("queue", "dead", "sqlite:undeliverable")
    rows = [json.loads(line) for line in p.stdout.splitlines()]
    equal([fields["MessageSid"] in r["body"] for r in rows], [True])
    true(rows[0]["reason"], p.stdout)
    cloud.well()


def without_spool(cloud, directory):
    site = Site(cloud, directory)
    with open(site.conf, "a") as f:
        f.write("spool = off\n")
    site.start()
    try:
        number = tel()
        cloud.conversation("c-off", number, True)
        cloud.fault("SendMessage", kind="error", status=500)
        fields = a_message(number, "off")
        true(site.post(fields) in (500, 503), "the classic refusal")
        equal(site.spool(), [])
        cloud.well()
        time.sleep(2)
        equal(site.post(fields), 200, "sent again")
        equal([g[0] for g in cloud.take("human.fifo")],
              [fields["MessageSid"]])
    finally:
        site.stop()


def events(cloud, site):
    """The messages of an array are kept together and sent in order; a repeat
    is skipped."""
    numbers = [tel(), tel()]
    for i, number in enumerate(numbers):
        cloud.conversation(f"c-event{i}", number, True)
    sids = [sid() for _ in range(12)]

    def post(some):
        return site.post_json([{
            "specversion": "1.0", "id": f"EZ{one}",
            "type": "com.twilio.messaging.inbound-message.received",
            "data": {"from": numbers[i % 2], "messageSid": one}}
            for i, one in some])

    def taken():
        rows = [json.loads(line) for line in
                cloud.sdk("take", "human.fifo", "1").splitlines()]
        return [json.loads(row["body"])["twilio_message"]["data"]
                ["messageSid"] for row in rows]

    some = list(enumerate(sids))
    equal(post(some[:1]), 200)
    equal(post(some[:8]), 200)
    equal(post(some[:8]), 200, "all of them repeats")
    wait_for(lambda: not site.spool(), "the spool to empty", 40)
    got = taken()
    cloud.fault("SendMessage", kind="error", status=500)
    equal(post(some), 200)
    equal(len(site.spool()), 4)
    cloud.well()
    wait_for(lambda: not site.spool(), "the spool to empty", 40)
    got += taken()
    equal(len(got), 12, "messages")
    for i in (0, 1):
        equal([g for g in got if g in sids[i::2]], sids[i::2], "order")


def held_elsewhere(cloud, site):
    """What is held goes to queues elsewhere once its sender is known."""
    number = tel()
    sent = [a_message(number, text) for text in "12"]
    for fields in sent:
        equal(site.post(fields), 200)
    p = site.ctl("conversation", "add", "--id", "c-held", "--tel", number,
                 "--handoff")
    equal((p.returncode, json.loads(p.stdout)["held"]), (0, 2), p.stderr)
    wait_for(lambda: not site.spool(), "the spool to empty", 40)
    got = cloud.take("human.fifo")
    equal([g[:2] for g in got],
          [(fields["MessageSid"], fields["Body"]) for fields in sent])
    equal([json.loads(g[2]["body"])["conversation_id"] for g in got],
          ["c-held"] * 2)


def known_to_others(cloud, site):
    """A conversation that another program made: the next message takes what
    is held with it."""
    number = tel()
    equal(site.post(a_message(number, "1")), 200)
    cloud.conversation("c-other", number, True)
    equal(site.post(a_message(number, "2")), 200)
    wait_for(lambda: not site.spool(), "the spool to empty", 40)
    equal([g[1] for g in cloud.take("human.fifo")], ["1", "2"])


def index_is_behind(cloud, site):
    """The index of senders does not have a conversation yet when it was added:
    what is held is routed all the same."""
    number = tel()
    equal(site.post(a_message(number, "1")), 200)
    cloud.fault("Query", kind="empty")
    p = site.ctl("conversation", "add", "--id", "c-" + number, "--tel", number,
                 "--handoff")
    cloud.well()
    equal((p.returncode, json.loads(p.stdout or "{}").get("held")), (0, 1),
          p.stderr)
    wait_for(lambda: not site.spool(), "the spool to empty", 40)
    equal([g[1] for g in cloud.take("human.fifo")], ["1"])


def known_meanwhile(cloud, site):
    """People know the sender of a message that waits for the AI at SQS."""
    number = tel()
    equal(site.post(a_message(number, "1")), 200)
    p = site.ctl("queue", "route", "--tel", number, "--to", "ai")
    equal(json.loads(p.stdout)["routed"], 1, p.stderr)
    wait_for(lambda: not site.spool(), "the spool to empty", 40)
    cloud.conversation("c-" + number, number, True)
    p = site.ctl("queue", "run", "ai", "--drain", "--", "false")
    equal((p.returncode, p.stdout), (0, ""), p.stderr)
    (_, text, row), = cloud.take("human.fifo")
    equal((text, json.loads(row["body"])["conversation_id"]),
          ("1", "c-" + number))


def taken_over_elsewhere(cloud, site):
    """People have taken over while a message waited for the AI at SQS."""
    number = tel()
    cloud.conversation("c-over", number, False)
    fields = a_message(number, "over")
    equal(site.post(fields), 200)
    cloud.conversation("c-over", number, True)
    cloud.fault("GetItem", kind="error", status=400)
    p = site.ctl("queue", "receive", "ai")
    equal(p.returncode, 4, "nobody can tell")
    true("taken over" in p.stderr, p.stderr)
    cloud.well()
    p = site.ctl("queue", "run", "ai", "--drain", "--", "false")
    equal(p.returncode, 0, p.stderr)
    true("over" not in p.stdout, p.stdout)
    equal(cloud.take("ai"), [])
    equal([g[:2] for g in cloud.take("human.fifo")],
          [(fields["MessageSid"], "over")])


def answered_elsewhere(cloud, site):
    """A bot whose queue is at SQS, one message at a time: it answers, hands
    over, and people are quicker."""
    numbers = [tel() for _ in range(3)]
    for i, number in enumerate(numbers):
        cloud.conversation(f"c-bot{i}", number, False)
        equal(site.post(a_message(number, f"text {i}")), 200)
    over = f"'{program('switchhook')}' -c '{site.conf}' conversation handoff"
    script = (
        'case $SWITCHHOOK_CONVERSATION in *0) echo "to $SWITCHHOOK_TO";; '
        f"*1) exit 10;; *) echo late; {over} c-bot2 on >&2;; esac")
    with CallsMock(10) as mock:
        p = site.ctl("queue", "run", "ai", "--reply", "--drain", "--", "sh",
                     "-c", script, SWITCHHOOK_TWILIO_API_URL=mock.url,
                     SWITCHHOOK_TWILIO_ACCOUNT_SID=ACCOUNT)
        equal(p.returncode, 0, p.stderr)
        rows = [json.loads(line)["result"] for line in p.stdout.splitlines()]
        equal(sorted(rows), ["done", "handed_off", "handed_off"], p.stdout)
        # The responder, which has no account, may have been quicker.
        site.ctl("spool", "flush", SWITCHHOOK_TWILIO_API_URL=mock.url,
                 SWITCHHOOK_TWILIO_ACCOUNT_SID=ACCOUNT)
        equal([(m["to"], m["body"]) for m in mock.messages()],
              [(f"whatsapp:{numbers[0]}", "to whatsapp:+14155238886")],
              "at Twilio")
        mock.check()
    equal(sorted(g[1] for g in cloud.take("human.fifo")),
          ["text 1", "text 2"])
    equal(cloud.take("ai"), [])
    p = site.ctl("queue", "run", "ai", "--reply", "--batch", "--drain", "--",
                 "true")
    equal(p.returncode, 2, p.stderr)


def two_installations(cloud, places):
    """A repeat that reaches another machine adds nothing."""
    more = "dedupe = dynamodb:seen"
    sites = [Site(cloud, place, more).start() for place in places]
    try:
        number = tel()
        cloud.conversation("c-two", number, False)
        fields = a_message(number, "two")
        equal([site.post(fields) for site in sites], [200, 200])
        equal([g[0] for g in cloud.take("ai")], [fields["MessageSid"]])
        # The claim is there, and the message is not lost with the queue.
        cloud.fault("SendMessage", kind="error", status=500)
        fields = a_message(number, "down")
        equal([site.post(fields) for site in sites], [200, 200])
        cloud.well()
        wait_for(lambda: not sites[0].spool() and not sites[1].spool(),
                 "the spools to empty", 60)
        equal([g[0] for g in cloud.take("ai")], [fields["MessageSid"]])
    finally:
        for site in sites:
            site.stop()


THREADS, CALLS, LATENCY = 8, 2, 0.020


def rate(site, seconds):
    """Messages a second of 64 clients, each its own sender."""
    done = []
    stop = time.monotonic() + seconds

    def client(number):
        while time.monotonic() < stop:
            equal(site.post(a_message(number, "x")), 200)
            done.append(time.monotonic())

    workers = [threading.Thread(target=client, args=(tel(),))
               for _ in range(64)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return sum(when <= stop for when in done) / seconds


def call_seconds(log):
    """What a call took as the responder saw it, on average."""
    took = [int(ms) for ms in re.findall(r"debug aws call .* ms=(\d+)", log)]
    return (sum(took) / len(took) + 0.5) / 1000


def killed_with_claims(cloud, places):
    """Two installations, a standard queue, a table of claims: after kill -9
    of both in an outage each message is there once, whoever got it."""
    sites = [Site(cloud, place, "dedupe = dynamodb:seen").start()
             for place in places[:2]]
    try:
        number = tel()
        cloud.conversation("c-claims", number, False)
        cloud.fault("SendMessage", kind="error", status=500)
        sent = []
        for n in range(4):
            fields = a_message(number, f"claims {n}")
            for site in (sites[n % 2], sites[1 - n % 2])[:1 + n // 2]:
                equal(site.post(fields), 200)
            sent.append(fields["MessageSid"])
        for site in sites:
            site.kill()
        cloud.well()
        for site in sites:
            site.start()
        wait_for(lambda: not sites[0].spool() and not sites[1].spool(),
                 "the spools to empty", patience(100))
        equal(sorted(g[0] for g in cloud.take("ai")), sorted(sent))
    finally:
        for site in sites:
            site.stop()


def killed_between_claim_and_push(cloud, places):
    """A claim is no delivery: whoever made it is gone for good, with its disk,
    and the message comes again to another installation."""
    sites = [Site(cloud, place, "dedupe = dynamodb:seen").start()
             for place in places]
    first, second, third = sites
    try:
        number = tel()
        cloud.conversation("c-between", number, False)
        cloud.fault("SendMessage", kind="hang")
        fields = a_message(number, "between")
        before = len(cloud.asked("SendMessage"))
        asker = threading.Thread(target=first.post, args=(fields,))
        asker.start()
        wait_for(lambda: len(cloud.asked("SendMessage")) > before, "the claim")
        first.kill()
        asker.join()
        cloud.well()
        equal(second.post(fields), 200, "the repeat")
        equal([e["message_sid"] for e in second.spool()],
              [fields["MessageSid"]], "it waits")
        # Messages of others do not.
        other = a_message(tel(), "other")
        cloud.conversation("c-other", other["From"][9:], False)
        equal(second.post(other), 200)
        equal([g[0] for g in cloud.take("ai")], [other["MessageSid"]])
        cloud.sdk("age", "seen", "121")
        wait_for(lambda: not second.spool(), "the claim to be taken over",
                 patience(30))
        equal([g[0] for g in cloud.take("ai")], [fields["MessageSid"]])
        # Sent now, it adds nothing elsewhere, cut in another way either.
        equal([third.post(fields), third.post(fields, cut=1)], [200, 200])
        wait_for(lambda: not third.spool(), "the spool to empty", 30)
        equal(cloud.take("ai"), [], "sent once")
    finally:
        for site in sites:
            site.stop()


def killed_beside_another(cloud, places):
    """Two responders on one machine have one spool: what one of them took in
    before kill -9 the other delivers, in order."""
    store = places[0]("db")
    sites = [Site(cloud, place, store=store).start() for place in places[:2]]
    try:
        number = tel()
        cloud.conversation("c-beside", number, True)
        cloud.fault("SendMessage", kind="error", status=500)
        sent = []
        for n in range(6):
            fields = a_message(number, f"beside {n}")
            equal(sites[n % 2].post(fields), 200)
            equal(sites[1 - n % 2].post(fields), 200, "a repeat")
            sent.append(fields["MessageSid"])
        sites[0].kill()
        cloud.well()
        wait_for(lambda: not sites[1].spool(), "the spool to empty",
                 patience(100))
        equal([g[0] for g in cloud.take("human.fifo")], sent)
    finally:
        for site in sites:
            site.stop()


def sustained(cloud, directory):
    """Where every call to AWS takes 20 ms, and a message two calls, that and
    the threads are what bounds the rate: it is printed as a share of that.
    What must hold on any machine allows for the calls that took longer."""
    site = Site(cloud, directory, "unknown_sender = ai")
    site.extra = {"SWITCHHOOK_SERVER_THREADS": str(THREADS),
                  "SWITCHHOOK_SERVER_LOG_LEVEL": "debug"}
    site.start()
    try:
        cloud.fault("*", kind="paced", ms=int(LATENCY * 1000))
        got = rate(site, 2 if QUICK else 4)
        share = got / (THREADS / (CALLS * LATENCY))
        took = call_seconds(site.log())
        possible = got / (THREADS / (CALLS * took))
        print(f"      {got:.0f} messages/s from {THREADS} threads, "
              f"{share:.2f} of what 20 ms a call allow; calls took "
              f"{took * 1000:.1f} ms, {possible:.2f} of what that allows")
        true(slow() or possible >= 0.5, "the responder itself is slow")
    finally:
        cloud.well()
        site.stop()
    equal([e for e in site.spool() if e["taken"]], [],
          "what was sent and has not left the spool")


def by_cgi(cloud, directory):
    """No thread outlives a request: spool flush sends."""
    site = Site(cloud, directory)
    number = tel()
    cloud.conversation("c-cgi", number, True)
    cloud.fault("SendMessage", kind="error", status=500)
    fields = a_message(number, "cgi")
    body = form(fields)
    p = subprocess.run(
        [program("switchhook.fcgi")], input=body,
        capture_output=True, timeout=30, check=False,
        env=site.env(SWITCHHOOK_CONF=site.conf,
                     REQUEST_METHOD="POST", PATH_INFO="/whatsapp",
                     REQUEST_URI="/whatsapp", CONTENT_LENGTH=str(len(body)),
                     CONTENT_TYPE="application/x-www-form-urlencoded",
                     HTTP_X_TWILIO_SIGNATURE=sign(
                         TOKEN, PUBLIC + "/whatsapp", body)))
    true(p.stdout.startswith(b"Status: 200"), p.stdout)
    equal(site.ctl("spool", "flush").returncode, 1, "still down")
    equal(len(site.spool()), 1)
    cloud.well()
    p = site.ctl("spool", "flush")
    equal((p.returncode, json.loads(p.stdout)["waiting"]), (0, 0))
    equal([g[0] for g in cloud.take("human.fifo")], [fields["MessageSid"]])


def copied(cloud, places):
    """What waits is sent by the original, and by a copy only if that is
    said: what comes later is."""
    site = Site(cloud, places[0]).start()
    number, other = tel(), tel()
    cloud.conversation("c-copied", number, True)
    cloud.conversation("c-new", other, True)
    cloud.fault("SendMessage", kind="error", status=500)
    sent = [a_message(number, text) for text in ("one", "two")]
    try:
        equal([site.post(fields) for fields in sent], [200, 200])
        store = places[1]("copy.db")
        equal(site.ctl("store", "copy", store).returncode, 0)
        equal(os.stat(store).st_mode & 0o777, 0o600, "mode of the copy")
        cloud.well()
        wait_for(lambda: not site.spool(), "the spool to empty", 40)
    finally:
        cloud.well()
        site.stop()
    sids = [fields["MessageSid"] for fields in sent]
    equal([g[0] for g in cloud.take("human.fifo")], sids)
    copy = Site(cloud, places[1], store=store).start()
    try:
        equal([row["message_sid"] for row in copy.spool()], sids)
        true("--restored" in copy.spool()[0]["reason"], copy.spool())
        fields = a_message(other, "three")
        equal(copy.post(fields), 200)
        equal(copy.ctl("spool", "flush").returncode, 1, "it waits still")
        equal([g[0] for g in cloud.take("human.fifo", 3)],
              [fields["MessageSid"]])
        # The queue knows both, so that it has no second copy of them.
        asked = len(cloud.asked("SendMessage"))
        # The responder's own senders may be faster than the command.
        p = copy.ctl("spool", "flush", "--restored")
        waiting = json.loads(p.stdout)["waiting"]
        equal(p.returncode, 1 if waiting else 0)
        wait_for(lambda: not copy.spool(), "the copy's spool to empty", 40)
        equal([json.loads(call["MessageBody"])["twilio_message"]["MessageSid"]
               for call in cloud.asked("SendMessage")[asked:]],
              [[s] for s in sids], "in their order")
    finally:
        copy.stop()


CASES = [delivered, events, held_elsewhere, known_to_others,
         taken_over_elsewhere, index_is_behind, known_meanwhile,
         answered_elsewhere, queue_down, queue_slow, answer_lost, lookup_down,
         other_names, opt_outs, killed,
         never_taken, any_text_is_taken]


def suite(results):
    places = []

    def place():
        places.append(Directory())
        return places[-1]

    opened = []

    def start():
        cloud = Cloud(place())
        opened.append(cloud)
        opened.append(Site(cloud, place()).start())

    results.run("outbox: starts", start)
    try:
        if len(opened) == 2:
            cloud, site = opened
            for case in CASES:
                results.run(f"outbox: {case.__name__}", case, cloud, site)
                cloud.well()
            results.run("outbox: without_spool", without_spool, cloud,
                        place())
            cloud.well()
            results.run("outbox: two_installations", two_installations, cloud,
                        [place(), place()])
            cloud.well()
            for case in (killed_with_claims, killed_between_claim_and_push,
                         killed_beside_another):
                results.run(f"outbox: {case.__name__}", case, cloud,
                            [place(), place(), place()])
                cloud.well()
            results.run("outbox: sustained", sustained, cloud, place())
            cloud.well()
            results.run("outbox: by_cgi", by_cgi, cloud, place())
            results.run("outbox: copied", copied, cloud, [place(), place()])
            results.run("outbox: stops", site.stop)
    finally:
        for thing in reversed(opened):
            process = thing.process
            if process:
                process.stop()
        for folder in places:
            folder.remove()
