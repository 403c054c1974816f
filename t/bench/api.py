#!/usr/bin/python3
"""How long the API's requests take with a million messages stored.

usage: BUILDDIR=... t/bench/api.py [DIRECTORY]

Fills a database in DIRECTORY (kept, and used again; else a temporary one) and
prints, of each request, the server's own time (duration_us of its log): the
least, the median and the most of seven. Exit status 1: a median is over 50 ms.
"""
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from urllib.parse import quote

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
BUILDDIR = os.environ.get("BUILDDIR", os.getcwd())
os.environ.setdefault("SRCDIR", TOP)
sys.path.insert(0, os.path.join(TOP, "t/e2e"))
import fastcgi  # noqa: E402
from servers import Process, connects  # noqa: E402

TOKEN = "an-admin-token-of-some-length-4711"
CONFIG = """\
[server]
public_url = https://bench.example.com
admin_token = {token}
log_target = {d}/log
log_format = json
[twilio]
auth_token = 0123456789abcdef0123456789abcdef
[store]
path = {d}/switchhook.db
"""
LIMIT_MS = 50

# Over 25 days; :n rows j = 0 ...
COUNT = ("WITH RECURSIVE c(j) AS (SELECT 0 UNION ALL SELECT j + 1 FROM c"
         " WHERE j < :n - 1) ")
SAID = COUNT + """INSERT INTO said (conversation_id, at_us, key, sid, sender,
  receiver, channel, route, body) SELECT {who}, :now - :span + j * (:span / :n),
  printf('SM%032x', j + :first), printf('SM%032x', j + :first),
  'whatsapp:+14155550100', 'whatsapp:+14155238886', 'whatsapp', 'ai',
  'Hello there, this is message ' || j || ', and when do you open?' FROM c"""
REPLY = COUNT + """INSERT INTO reply (conversation_id, author, machine, sender,
  receiver, channel, digest, created_us, state, attempts, attempt_us, due_us,
  sid, body) SELECT {who}, 'ann', 0, 'whatsapp:+14155238886',
  'whatsapp:+14155550100', 'whatsapp', x'00',
  :now - :span + j * (:span / :n) + 1, 'delivered', 0, 1, 0,
  printf('SM%032x', j + :first), 'We open at nine, says answer ' || j FROM c"""
FILL = [
    (COUNT + """INSERT INTO conversation (id, tel, handoff, created_us)
      SELECT 'c' || j, printf('+1415%07d', j), j % 3 = 0, :now - :span FROM c""",
     10000, 0),
    (SAID.format(who="'c' || (j * 7919 % 10000)"), 750000, 0),
    (SAID.format(who="'c77'"), 50000, 10**7),  # one that is long
    (REPLY.format(who="'c' || (j * 7919 % 10000)"), 190000, 2 * 10**7),
    (REPLY.format(who="'c77'"), 10000, 3 * 10**7),
    ("""INSERT INTO activity (conversation_id, tel, handoff, last_us,
      unanswered, name, our_address, their_address, channel)
      SELECT id, tel, handoff, (SELECT max(at_us) FROM said
        WHERE conversation_id = id), seq % 5, 'Ann Number ' || seq,
      'whatsapp:+14155238886', 'whatsapp:' || tel, 'whatsapp'
      FROM conversation""", 0, 0),
    (COUNT + """INSERT INTO queue_item (queue, state, available_us, created_us,
      attempts, ordered_by, checksum, body, behind)
      SELECT CASE WHEN j % 4 THEN 'ai' ELSE 'human' END,
      CASE WHEN j % 10 = 9 THEN 2 ELSE 0 END, :now - j, :now - j, 0,
      'c' || (j % 10000), 0, '{"twilio_message":{"Body":["Hi"]}}',
      j >= 10000 FROM c""", 100000, 0),
]
LISTS = ["", "?limit=200", "?unanswered=true", "?unanswered=false",
         "?handoff=true", "?q=9999", "?q=Number%2042", "?q=nobodyatall",
         "?unanswered=true&q=nobodyatall", "?tel=%2B14150000042"]


def fill(directory, conf):
    subprocess.run([os.path.join(BUILDDIR, "switchhook"), "-c", conf,
                    "conversation", "list"], check=True, capture_output=True)
    db = sqlite3.connect(os.path.join(directory, "switchhook.db"))
    db.execute("PRAGMA synchronous = OFF")
    for sql, n, first in FILL:
        values = {"n": n, "first": first, "now": int(time.time() * 1e6),
                  "span": 25 * 86400 * 10**6}
        with db:
            db.execute(sql, {k: v for k, v in values.items() if ":" + k in sql})
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


class Site:
    def __init__(self, directory):
        self.dir, self.bad = directory, 0

    def ask(self, target):
        path, _, query = target.partition("?")
        return fastcgi.ask(self.dir + "/socket", fastcgi.request(list({
            "REQUEST_METHOD": "GET", "PATH_INFO": path, "REQUEST_URI": target,
            "QUERY_STRING": query, "SERVER_NAME": "bench.example.com",
            "HTTP_AUTHORIZATION": "Bearer " + TOKEN}.items())))

    def last_ms(self):
        with open(self.dir + "/log", encoding="utf-8") as f:
            lines = f.read().splitlines()
        return next(json.loads(line)["duration_us"] / 1000
                    for line in reversed(lines) if '"duration_us"' in line)

    def measure(self, target):
        times = []
        for _ in range(7):
            reply = self.ask(target)
            assert reply.status == 200, f"{target}: {reply}"
            time.sleep(.02)  # it logs after it has answered
            times.append(self.last_ms())
        median = statistics.median(times)
        self.bad += median > LIMIT_MS
        print(f"{min(times):8.2f} {median:8.2f} {max(times):8.2f} ms  {target}",
              flush=True)

    def deep(self, target, pages):
        """The URL of a page far behind."""
        last = target
        for _ in range(pages):
            token = json.loads(self.ask(last).body)["next_page_token"]
            if token is None:
                break
            last = target + "?page_token=" + quote(token)
        return last


def measure_all(site):
    conversations = "/api/conversations"
    for query in LISTS:
        site.measure(conversations + query)
    site.measure(site.deep(conversations, 100))
    for name in ("c42", "c77"):
        messages = f"{conversations}/{name}/messages"
        site.measure(f"{conversations}/{name}")
        site.measure(messages)
        site.measure(messages + "?limit=200")
        site.measure(site.deep(messages, 60))
    for target in ("/api/summary", "/api/refused", "/api/queues/ai",
                   "/api/queues/ai?limit=200", "/api/queues/ai?state=dead",
                   "/api/queues/human", "/api/queues/unrouted", "/metrics"):
        site.measure(target)


def main():
    given = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as temporary:
        directory = os.path.abspath(given or temporary)
        conf = directory + "/switchhook.conf"
        os.makedirs(directory, exist_ok=True)
        with open(conf, "w", encoding="utf-8") as f:
            f.write(CONFIG.format(d=directory, token=TOKEN))
        if not os.path.exists(directory + "/switchhook.db"):
            fill(directory, conf)
        server = Process([os.path.join(BUILDDIR, "switchhook.fcgi"), "-c", conf,
                          "-s", "unix:" + directory + "/socket"],
                         directory + "/errors")
        try:
            server.wait_until(lambda: connects(directory + "/socket"), "it is up")
            site = Site(directory)
            measure_all(site)
        finally:
            server.stop()
    return 1 if site.bad else 0


if __name__ == "__main__":
    sys.exit(main())
