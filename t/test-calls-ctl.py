#!/usr/bin/python3
"""switchhook calls: the log that status callbacks make, and Twilio's API."""
import hmac
import http.server
import importlib.util
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse

SRCDIR = os.environ.get("SRCDIR", ".")
BUILDDIR = os.environ.get("BUILDDIR", ".")
RESPONDER = os.path.abspath(os.path.join(BUILDDIR, "switchhook.fcgi"))
sys.path.insert(0, os.path.join(SRCDIR, "t/e2e"))
spec = importlib.util.spec_from_file_location(
    "ctl", os.path.join(SRCDIR, "t/test-ctl.py"))
ctl = importlib.util.module_from_spec(spec)
spec.loader.exec_module(ctl)

from twilio_sign import sign  # noqa: E402

PUBLIC = "https://calls.example.com"
ACCOUNT, TOKEN, ANN = ctl.ACCOUNT, ctl.TOKEN, ctl.ANN
BOB = "+14155550111"
EVER = ["--start-date", "1970-01-01"]
LISTED = ["sid", "status", "direction", "from", "to", "start_at", "end_at",
          "duration_s", "error_code"]


def sid(n):
    return "CA%032x" % n


class Site(ctl.Site):
    def configure(self, server="public_url = " + PUBLIC, **more):
        super().configure(server=server, **more)

    def webhook(self, path, **params):
        """A signed webhook through the responder, as a web server runs it."""
        body = urllib.parse.urlencode(params).encode()
        env = dict(self.env, REQUEST_METHOD="POST",
                   PATH_INFO=path.split("?")[0], REQUEST_URI=path,
                   QUERY_STRING=path.partition("?")[2],
                   CONTENT_TYPE="application/x-www-form-urlencoded",
                   CONTENT_LENGTH=str(len(body)),
                   HTTP_X_TWILIO_SIGNATURE=sign(TOKEN, PUBLIC + path, body))
        p = subprocess.run([RESPONDER], env=env, input=body,
                           capture_output=True, timeout=60)
        self.assertEqual(p.returncode, 0, p.stderr)
        return p.stdout.decode()

    def event(self, call, status, sequence=None, **more):
        params = {"CallSid": call, "CallStatus": status, **more}
        if sequence is not None:
            params["SequenceNumber"] = str(sequence)
        self.assertIn("204", self.webhook("/call-status", **params)
                      .split("\n")[0])

    def sql(self, statements):
        """Into the database, which nobody else has open."""
        db = sqlite3.connect(self.path("db"))
        with db:
            for statement in statements:
                db.execute(statement)
        db.close()

    def sids(self, *args):
        return [r["sid"] for r in self.json("calls", "list", *args)]


class Log(Site):
    def test_list(self):
        self.assertEqual(self.ok("calls", "list"), "")
        self.event(sid(1), "ringing", 1, Direction="inbound", From=ANN, To=BOB)
        self.event(sid(2), "busy", 0, Direction="outbound-api", From=BOB,
                   To=ANN, ErrorCode="13227")
        self.event(sid(1), "completed", 3, CallDuration="42")
        self.event(sid(1), "in-progress", 2)
        self.event(sid(3), "queued")
        rows = self.json("calls", "list")
        self.assertEqual([r["sid"] for r in rows], [sid(3), sid(2), sid(1)])
        self.assertEqual([list(r) for r in rows], [LISTED] * 3)
        one = rows[2]
        self.assertEqual(
            [one[k] for k in ("status", "direction", "from", "to",
                              "duration_s", "error_code")],
            ["completed", "inbound", ANN, BOB, 42, None])
        self.assertLess(ctl.utc(one["start_at"]), ctl.utc(one["end_at"]))
        self.assertEqual(rows[1]["error_code"], "13227")
        self.assertIsNotNone(rows[1]["end_at"])
        self.assertIsNone(rows[0]["end_at"])
        self.assertIsNone(rows[0]["duration_s"])
        # For people: a heading, and the number whole.
        lines = self.ok("calls", "list").splitlines()
        self.assertEqual(lines[0].split(), LISTED)
        self.assertEqual(len(lines), 4)
        self.assertIn(BOB, lines[2])

    def test_filters(self):
        for n, status, direction in [(1, "busy", "inbound"),
                                     (2, "completed", "inbound"),
                                     (3, "busy", "outbound-dial")]:
            self.event(sid(n), status, 0, Direction=direction)
        self.assertEqual(self.sids("--status", "busy"), [sid(3), sid(1)])
        self.assertEqual(self.sids("--direction", "inbound"),
                         [sid(2), sid(1)])
        self.assertEqual(
            self.sids("--status", "busy", "--direction", "inbound"), [sid(1)])
        self.assertEqual(self.sids("--limit", "2"), [sid(3), sid(2)])
        begin = {r["sid"]: r["start_at"] for r in self.json("calls", "list")}
        at = begin[sid(2)] + "Z"
        self.assertEqual(self.sids("--start-date", at), [sid(3), sid(2)])
        self.assertEqual(self.sids("--end-date", at), [sid(2), sid(1)])
        self.assertEqual(
            self.sids("--start-date", at, "--end-date=" + at), [sid(2)])
        today = at[:10]
        self.assertIn(sid(1), self.sids("--start-date", today))
        self.assertEqual(self.sids("--end-date", "2020-02-29"), [])
        self.assertEqual(self.sids("--source", "log", "--limit", "1"),
                         [sid(3)])

    def test_who(self):
        self.event(sid(1), "busy", 0, From=ANN, To=BOB)
        self.event(sid(2), "busy", 0, From=ANN, To="sip:a@b")
        self.event(sid(3), "completed", 0, From=BOB, To=ANN,
                   ParentCallSid=sid(1))
        for args, want in [(["--from", ANN], [2, 1]),
                           (["--from=" + ANN, "--to", BOB], [1]),
                           (["--to", "sip:a@b"], [2]),
                           (["--from", f" {ANN[:2]} ({ANN[2:5]}) {ANN[5:]}"],
                            [2, 1]),
                           (["--from", "whatsapp:" + ANN], []),
                           (["--from", ANN, "--status", "completed"], []),
                           (["--parent-call-sid", sid(1)], [3]),
                           (["--parent-call-sid", sid(2)], [])]:
            self.assertEqual(self.sids(*args), [sid(n) for n in want], args)
        self.assertEqual(self.one("calls", "show", sid(3))["parent_call_sid"],
                         sid(1))

    def test_last_day(self):
        """Without a range: the last 24 hours."""
        for n in (1, 2, 3):
            self.event(sid(n), "busy", 0)
        now = time.time()
        self.sql("UPDATE call SET start_us = %d WHERE sid = '%s'"
                 % ((now - hours * 3600) * 1000000, sid(n))
                 for n, hours in [(1, 24.1), (2, 23.9), (3, -1)])
        self.assertEqual(self.sids(), [sid(3), sid(2)])
        self.assertEqual(self.sids(*EVER), [sid(3), sid(2), sid(1)])
        day = time.strftime("%Y-%m-%d", time.gmtime(now - 24.1 * 3600))
        self.assertEqual(self.sids("--start-date", day)[-1], sid(1))
        self.assertIn(sid(1), self.sids("--end-date", day))

    def test_end_alone(self):
        self.event(sid(1), "completed", CallDuration="3600")
        row, = self.json("calls", "list")
        lasted = ctl.utc(row["end_at"]) - ctl.utc(row["start_at"])
        self.assertEqual(lasted.total_seconds(), 3600)

    def test_new_words(self):
        """What Twilio adds is stored and found; what may be misspelt is not
        taken for an answer unseen."""
        self.event(sid(1), "on-hold", 0, Direction="sideways")
        self.event(sid(2), "initiated", 0, Direction="inbound")
        for args, found, hint in [
                (["--status", "on-hold"], [sid(1)], "are listed"),
                (["--direction", "sideways"], [sid(1)], "are listed"),
                (["--status", "buzy"], [], "did you mean busy?"),
                (["--direction", "inbuond"], [], "did you mean inbound?"),
                (["--status", "initiated"], [sid(2)], None)]:
            p = self.code(0, "calls", "list", "--json", *args)
            self.assertEqual([json.loads(line)["sid"]
                              for line in p.stdout.splitlines()], found)
            if hint is None:
                self.assertEqual(p.stderr, "")
            else:
                self.assertIn(f"{args[0]} {args[1]}: ", p.stderr)
                self.assertIn(hint, p.stderr)
        self.assertEqual(self.one("calls", "show", sid(1))["status"],
                         "on-hold")

    def test_mistakes(self):
        for args in [["--source", "twillio"], ["--limit", "0"],
                     ["--start-date", "2026-02-30"],
                     ["--end-date", "yesterday"],
                     ["--parent-call-sid", "CA1"],
                     ["--start-date", "2026-01-02", "--end-date",
                      "2026-01-01"], ["more"]]:
            p = self.code(2, "calls", "list", *args)
            self.assertNotEqual(p.stderr, "")
        self.code(2, "calls", "show")
        self.code(2, "calls", "show", "x", "--source", "twilio")
        self.code(2, "calls", "show", sid(1), "--source", "twilio",
                  "--digits")
        self.code(2, "calls", "tail", "-n", "x")
        self.code(2, "calls")
        with open(self.conf, "a") as f:
            f.write("[nonsense]\na = b\n")
        for args in [["list"], ["show", sid(1)], ["tail"],
                     ["list", "--source", "twilio"]]:
            self.code(3, "calls", *args)

    def test_pages(self):
        """More calls than are read at a time: all, in order."""
        self.event(sid(0), "completed", 0, Direction="inbound")
        self.sql("INSERT INTO call SELECT '%s', status, direction, caller, "
                 "callee, error_code, duration_s, sequence, %d, %d, ended, "
                 "parent_sid FROM call WHERE sid = '%s'"
                 % (sid(n), n // 2, n, sid(0))
                 for n in range(1, 1203))
        want = [sid(0)] + [sid(n) for n in
                           sorted(range(1, 1203), key=lambda n: (-(n // 2),
                                                                 -n))]
        self.assertEqual(self.sids("--limit", "5000", *EVER), want)
        self.assertEqual(self.sids("--limit", "1000", *EVER), want[:1000])
        self.assertEqual(self.sids("--limit", "501", "--status", "completed",
                                   *EVER),
                         want[:501])
        lines = self.ok("calls", "list", "--limit", "1203", *EVER).splitlines()
        self.assertEqual(len(lines), 1204)

    def test_show(self):
        self.code(1, "calls", "show", sid(1))
        self.event(sid(1), "completed", 2, CallDuration="7", From=ANN, To=BOB,
                   Direction="inbound")
        self.event(sid(1), "ringing", 0)
        with open(self.conf, "a") as f:
            f.write("[voice]\ntemplates = %s\n"
                    % os.path.abspath(os.path.join(SRCDIR, "templates")))
        self.assertIn("January 15th, 1990", self.webhook(
            "/confirm-digits/birthdate?value=19900115", CallSid=sid(1),
            From=ANN, Digits="1"))
        self.webhook("/confirm-digits/birthdate?value=19900116",
                     CallSid=sid(2), From=ANN, Digits="1")
        call = self.one("calls", "show", sid(1))
        self.assertEqual([call[k] for k in ("sid", "status", "from",
                                            "duration_s")],
                         [sid(1), "completed", ANN, 7])
        self.assertEqual([(e["status"], e["sequence"])
                          for e in call["events"]],
                         [("ringing", 0), ("completed", 2)])
        self.assertEqual([list(d) for d in call["digits"]],
                         [["at", "target"]])
        call = self.one("calls", "show", sid(1), "--digits")
        self.assertEqual(call["digits"][0]["value"], "19900115")
        text = self.ok("calls", "show", sid(1))
        self.assertIn("status: completed\n", text)
        self.assertRegex(text, r"\d  ringing +0 +- +-\n")
        self.assertIn("birthdate", text)
        self.assertNotIn("1990", text)
        self.assertIn("19900115", self.ok("calls", "show", sid(1),
                                          "--digits"))
        # Digits alone are something that is known of a call.
        call = self.one("calls", "show", sid(2))
        self.assertEqual((call["status"], call["events"],
                          len(call["digits"])), (None, [], 1))

    def test_failing_store(self):
        os.mkdir(self.path("db"))
        for args in [["list"], ["show", sid(1)], ["tail"]]:
            self.code(4, "calls", *args)


class Nobodys(Site):
    """What a caller keyed in is shown to nobody who did not ask for it."""

    def test_spool(self):
        with open(self.conf, "a") as f:
            f.write("[voice]\ntemplates = %s\n"
                    "digits_queue = http://127.0.0.1:1/000000000000/d.fifo\n"
                    % os.path.abspath(os.path.join(SRCDIR, "templates")))
        self.env.update(AWS_ACCESS_KEY_ID="AKIAEXAMPLE", AWS_REGION="xx-test-1",
                        AWS_SECRET_ACCESS_KEY="secret",
                        AWS_EC2_METADATA_DISABLED="true")
        for value in ["19900115", "19900115", "19900116"]:
            self.assertIn("1990", self.webhook(
                "/confirm-digits/birthdate?value=" + value, CallSid=sid(1),
                From=ANN, Digits="1"))
        rows = self.json("spool", "list")
        keys = [r["message_sid"] for r in rows]
        self.assertEqual(len(set(keys)), 2, keys)
        want = {(sid(1) + ".birthdate." + hmac.new(
            TOKEN.encode(), b"%s.birthdate.%d" % (sid(1).encode(), value),
            "sha256").hexdigest()[:16]) for value in (19900115, 19900116)}
        self.assertEqual(set(keys), want)
        self.assertNotIn("1990", json.dumps(rows) + self.read("log"))

    def test_no_sid(self):
        """A message without a SID leaves none in the log."""
        self.webhook("/whatsapp", From="whatsapp:" + ANN, Body="Hi")
        log = self.read("log")
        self.assertIn("no conversation of this sender", log)
        self.assertNotIn("message_sid", log)


class Tail(Site):
    def tail(self, *args):
        """A tail that is at work: its lines come into the list."""
        p = self.start("--json", "calls", "tail", *args)
        lines = []

        def read():
            for line in p.stdout:
                lines.append(json.loads(line))
        reader = threading.Thread(target=read)
        reader.start()
        self.addCleanup(reader.join)
        self.addCleanup(lambda: p.poll() is None and p.kill())
        return p, lines

    def told(self, lines):
        return [(e["sid"], e["status"]) for e in lines]

    def end(self, p, number):
        p.send_signal(number)
        self.assertEqual(p.wait(30), 0)

    def test_live(self):
        self.event(sid(1), "ringing", 1)
        self.event(sid(1), "in-progress", 2, From=ANN, Direction="inbound")
        p, lines = self.tail("-n", "1")
        self.until(lambda: len(lines) == 1, 30)
        self.event(sid(2), "busy", 0)
        self.event(sid(1), "in-progress", 2)
        self.event(sid(1), "completed", 3, CallDuration="9")
        self.until(lambda: len(lines) == 3, 30)
        self.end(p, signal.SIGTERM)
        self.assertEqual(self.told(lines), [
            (sid(1), "in-progress"), (sid(2), "busy"), (sid(1), "completed")])
        self.assertEqual(list(lines[0]), [
            "at", "sid", "status", "sequence", "direction", "from", "to",
            "duration_s", "error_code"])
        self.assertEqual(lines[0]["from"], ANN)
        self.assertEqual(lines[2]["duration_s"], 9)

    def test_from_now_on(self):
        """What was there before is not told; several writers at once."""
        for n in range(3):
            self.event(sid(n), "busy", 0)
        p, lines = self.tail()
        # It is at work when it has told of something.
        n = 100
        while not lines and n < 200:
            self.event(sid(n), "ringing", 0)
            n += 1
        writers = [threading.Thread(target=self.event,
                                    args=(sid(1000 + i), "busy", i))
                   for i in range(8)]
        for w in writers:
            w.start()
        for w in writers:
            w.join()
        want = {sid(1000 + i) for i in range(8)}
        self.until(lambda: want <= {e["sid"] for e in lines}, 30)
        self.end(p, signal.SIGINT)
        told = self.told(lines)
        self.assertEqual(len(told), len(set(told)))
        self.assertFalse({sid(i) for i in range(3)} & {s for s, _ in told})

    def test_reader_gone(self):
        """Its reader's end is its end, whether or not anything happens."""
        self.event(sid(1), "ringing", 0)
        for more in [False, True]:
            p = self.start("calls", "tail", "--lines", "1")
            self.assertIn("status", p.stdout.readline())
            if more:
                self.event(sid(2), "ringing", 0)
            p.stdout.close()
            self.assertEqual(p.wait(30), 0)
            self.assertEqual(p.stderr.read(), "")
            p.stdout = None

    def test_reader_gone_in_between(self):
        """More than a pipe holds: it ends in the middle of writing."""
        self.event(sid(1), "ringing", 0)
        self.sql("INSERT INTO call_event (sid, sequence, status, duration_s, "
                 "caller, at_us) VALUES ('%s', %d, '%s', 1, '%s', 1)"
                 % (sid(1), n, "ringing", "x" * 500) for n in range(1, 400))
        p = self.start("--json", "calls", "tail", "-n", "300")
        self.assertIn("ringing", p.stdout.readline())
        p.stdout.close()
        self.assertEqual(p.wait(30), 0)
        self.assertEqual(p.stderr.read(), "")
        p.stdout = None


class Twilio(Site):
    """What is asked of the API, and what becomes of its answers."""

    def setUp(self):
        super().setUp()
        case = self
        self.asked, self.answers = [], {}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path, _, query = self.path.partition("?")
                case.asked.append((path, urllib.parse.unquote(query),
                                   self.headers["Authorization"]))
                code, body = case.answers.get(
                    self.path, case.answers.get(path, (404, {
                        "code": 20404, "message": "not found",
                        "status": 404})))
                text = json.dumps(body, indent=1).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *args):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        self.env["SWITCHHOOK_TWILIO_API_URL"] = \
            "http://127.0.0.1:%d" % server.server_port
        self.base = "/2010-04-01/Accounts/%s/Calls" % ACCOUNT

    @staticmethod
    def call(n, direction="inbound", **more):
        return {"sid": sid(n), "status": "completed", "direction": direction,
                "from": ANN, "to": BOB,
                "start_time": "Sat, 21 Nov 2026 18:50:%02d +0000" % n,
                "end_time": None, "duration": "12", "price": None,
                "subresource_uris": {"recordings": "/r"}, **more}

    def pages(self):
        second = self.base + ".json?PageSize=50&Page=1&PageToken=PA" + sid(4)
        self.answers[self.base + ".json"] = (200, {
            "calls": [self.call(5), self.call(4, "outbound-api")],
            "next_page_uri": second, "page": 0, "page_size": 50})
        self.answers[second] = (200, {
            "calls": [self.call(3, start_time=None, duration=None),
                      self.call(2)], "next_page_uri": None, "page": 1,
            "page_size": 50})

    def twilio(self, *args):
        return [r["sid"] for r in self.json(
            "calls", "list", "--source", "twilio", *EVER, *args)]

    def test_list(self):
        self.pages()
        rows = self.json("calls", "list", "--source", "twilio", *EVER)
        self.assertEqual([r["sid"] for r in rows],
                         [sid(n) for n in (5, 4, 3, 2)])
        self.assertEqual([list(r) for r in rows], [LISTED] * 4)
        self.assertEqual(
            [rows[0][k] for k in LISTED[1:]],
            ["completed", "inbound", ANN, BOB, "2026-11-21T18:50:05.000000",
             None, 12, None])
        self.assertEqual((rows[2]["start_at"], rows[2]["duration_s"]),
                         (None, None))
        self.assertEqual(self.twilio("--limit", "3"),
                         [sid(n) for n in (5, 4, 3)])
        self.assertEqual(self.twilio("--direction", "outbound-api"), [sid(4)])
        del self.asked[:]
        self.assertEqual(self.twilio("--limit", "1"), [sid(5)])
        self.assertEqual(len(self.asked), 1)

    def test_filters_are_sent(self):
        self.pages()
        self.json("calls", "list", "--source", "twilio",
                  "--start-date", "2026-11-21T10:00:00.5+02:00",
                  "--end-date", "2026-11-22", "--status", "busy",
                  "--from", ANN, "--to", "sip:a@b",
                  "--parent-call-sid", sid(9), "--limit", "1")
        query = self.asked[0][1].split("&")
        for part in ["StartTime>=2026-11-21T08:00:01Z",
                     "StartTime<=2026-11-23T00:00:00Z", "Status=busy",
                     "From=" + ANN, "To=sip:a@b", "ParentCallSid=" + sid(9),
                     "PageSize=1"]:
            self.assertIn(part, query)

    def test_show(self):
        self.answers[self.base + "/%s.json" % sid(7)] = (
            200, self.call(7, annotation="a\nb"))
        call = self.one("calls", "show", sid(7), "--source", "twilio")
        self.assertEqual(call, self.call(7, annotation="a\nb"))
        text = self.ok("calls", "show", sid(7), "--source", "twilio")
        self.assertIn("duration: 12\n", text)
        self.assertIn("price: -\n", text)
        self.assertIn("annotation: a\\x0ab\n", text)
        self.assertNotIn("recordings", text)

    def test_refusals(self):
        show = ["calls", "show", sid(7), "--source", "twilio"]
        self.code(1, *show)
        path = self.base + "/%s.json" % sid(7)
        self.answers[path] = (401, {"code": 20003, "status": 401,
                                    "message": "Authenticate"})
        p = self.code(4, *show)
        self.assertIn("20003", p.stderr)
        self.assertNotIn(TOKEN, p.stderr)
        self.answers[self.base + ".json"] = (200, {"calls": "none"})
        self.code(4, "calls", "list", "--source", "twilio")
        # A connection that nobody takes.
        self.env["SWITCHHOOK_TWILIO_API_URL"] = "http://127.0.0.1:1"
        self.code(4, *show)

    def test_account(self):
        self.pages()
        self.twilio("--limit", "1")
        self.env["SWITCHHOOK_TWILIO_API_KEY"] = "SK" + "1" * 32
        p = self.code(3, "calls", "list", "--source", "twilio")
        self.assertIn("api_secret", p.stderr)
        self.env["SWITCHHOOK_TWILIO_API_SECRET"] = "sesame"
        self.twilio("--limit", "1")
        self.assertNotEqual(self.asked[0][2], self.asked[1][2])
        del self.env["SWITCHHOOK_TWILIO_API_KEY"]
        del self.env["SWITCHHOOK_TWILIO_API_SECRET"]
        self.configure(token=None)
        self.code(3, "calls", "list", "--source", "twilio")


if __name__ == "__main__":
    unittest.main()
