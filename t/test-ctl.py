#!/usr/bin/python3
"""Every command of switchhook, through the real program."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import pwd
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
from datetime import datetime, timedelta

SRCDIR = os.environ.get("SRCDIR", ".")
BUILDDIR = os.environ.get("BUILDDIR", ".")
PROGRAM = os.path.abspath(os.path.join(BUILDDIR, "switchhook"))
TOKEN = "0123456789abcdef0123456789abcdef"
ACCOUNT = "ACfedcba9876543210fedcba9876543210"
ANN = "+14155550100"
BOB = "+14155550101"
SID = "SM" + "0" * 31 + "1"
ITEM = {"id", "receipt", "queue", "body", "attempts", "available_at"}
CONVERSATION = {"id", "tel", "handoff_to_human", "created_at", "thread_id",
                "company_id", "project_id", "opted_out", "addresses"}


def utc(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f")


class Site(unittest.TestCase):
    """A directory with a configuration and a database of its own."""

    settings = ""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="switchhook-test-ctl.")
        self.addCleanup(shutil.rmtree, self.dir)
        self.conf = self.path("switchhook.conf")
        self.env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"),
                    "SWITCHHOOK_CONF": self.conf}
        for name, value in os.environ.items():
            if name.endswith("SAN_OPTIONS"):
                self.env[name] = value
        self.configure()

    def path(self, name):
        return os.path.join(self.dir, name)

    def configure(self, server="", whatsapp="ai_delay = 0", token=TOKEN):
        with open(self.conf, "w") as f:
            f.write("[server]\nlog_target = %s\nmax_body = 1000K\n%s\n"
                    "[twilio]\naccount_sid = %s\n%s\n"
                    "[whatsapp]\n%s\n"
                    "[store]\npath = %s\n"
                    % (self.path("log"), server, ACCOUNT,
                       "auth_token = " + token if token else "", whatsapp,
                       self.path("db")))

    def run_(self, *args, **more):
        return subprocess.run([PROGRAM, *args], env=self.env, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=60, **more)

    def code(self, code, *args):
        p = self.run_(*args)
        self.assertEqual(p.returncode, code,
                         "%s: %s %s" % (args, p.stdout, p.stderr))
        return p

    def ok(self, *args):
        return self.code(0, *args).stdout

    def json(self, *args):
        """The objects that the command prints with --json."""
        return [json.loads(line)
                for line in self.ok("--json", *args).splitlines()]

    def one(self, *args):
        rows = self.json(*args)
        self.assertEqual(len(rows), 1, rows)
        return rows[0]

    def message(self, body="Hi", *args):
        return self.one("message", "--from", "whatsapp:" + ANN, "--body",
                        body, *args)

    def add_ann(self, *args):
        self.ok("conversation", "add", "--tel", ANN, "--id", "ann", *args)

    def counts(self, queue):
        for row in self.json("queue", "list"):
            if row["queue"] == queue:
                return tuple(row[k] for k in
                             ("ready", "delayed", "taken", "dead"))
        self.fail("no queue " + queue)

    def start(self, *args, **more):
        p = subprocess.Popen([PROGRAM, *args], env=self.env, text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, **more)
        self.addCleanup(self.reap, p)
        return p

    @staticmethod
    def reap(p):
        if p.poll() is None:
            p.kill()
        p.communicate()

    def until(self, what, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if what():
                return
            time.sleep(0.05)
        self.fail("waited %d s in vain" % seconds)

    def script(self, name, text):
        path = self.path(name)
        with open(path, "w") as f:
            f.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)
        return path

    def read(self, name):
        with open(self.path(name)) as f:
            return f.read()


class Usage(Site):
    def commands(self):
        text = self.ok("--help").split("Commands:\n")[1].split("\n\n")[0]
        return [re.split(r"\s{2,}", line.strip())[0]
                for line in text.splitlines()]

    def options(self, command):
        text = self.ok(*command.split(), "--help")
        return set(re.findall(r"^ +--([a-z-]+)", text, re.M))

    def test_check_back_ends(self):
        """What no queue or store can be opened by is a mistake of its line."""
        for key, value in [("ai_queue", "redis:x"), ("ai_queue", "ai"),
                           ("human_queue", "sqlite:a b"),
                           ("human_queue", "dynamodb:table"),
                           ("conversations", "sqlite:x"),
                           ("conversations", "https://sqs.example/1/q")]:
            self.configure(whatsapp="%s = %s" % (key, value))
            p = self.code(3, "check")
            self.assertRegex(p.stderr, r"switchhook\.conf:\d+: whatsapp\.%s: "
                             % key)
            self.assertFalse(os.path.exists(self.path("db")))

    def test_unknown_sender_in_the_log(self):
        """Whatever becomes of the message, it is told once."""
        for i, mode in enumerate(("hold", "ignore", "ai", "human", "create")):
            self.configure(whatsapp="unknown_sender = " + mode)
            sid = "SM%032x" % i
            self.ok("message", "--from", "+1415555%04d" % i, "--sid", sid)
            with open(self.path("log")) as f:
                lines = [line for line in f if "no conversation" in line]
            self.assertIn(sid, lines[-1])
            self.assertNotIn("+1415555", lines[-1])

    def test_no_sid_in_the_log(self):
        """What is no SID may be anything."""
        self.message("Hi", "--param",
                     "MessageSid=4155550100")
        with open(self.path("log")) as f:
            self.assertNotIn("4155550100", f.read())

    def test_list(self):
        commands = self.commands()
        for wanted in ("check", "conversation add", "queue run", "sign",
                       "verify", "message", "message show"):
            self.assertIn(wanted, commands)
        self.assertEqual(len(commands), len(set(commands)))
        self.assertEqual(self.ok("-h"), self.ok("--help"))
        self.assertEqual(self.ok("help"), self.ok("--help"))

    def test_each_has_help(self):
        for command in self.commands():
            text = self.ok(*command.split(), "--help")
            self.assertTrue(text.startswith("Usage: switchhook " + command),
                            text)

    def test_version(self):
        self.assertRegex(self.ok("--version"), r"^switchhook \d+\.\d+")
        self.assertEqual(self.ok("-V"), self.ok("--version"))

    def test_mistakes(self):
        p = self.code(2)
        self.assertIn("queue run", p.stderr)
        for args in (["frobnicate"], ["queue"], ["queue", "frobnicate"],
                     ["--frobnicate"], ["-c"], ["queue", "list", "more"],
                     ["queue", "peek"], ["queue", "peek", "ai", "--limit"],
                     ["queue", "peek", "ai", "--limit", "x"],
                     ["queue", "peek", "ai", "--limit", "0"],
                     ["queue", "peek", "ai", "--limit=-1"],
                     ["queue", "peek", "ai", "--frob"],
                     ["queue", "peek", "ai", "-x"],
                     ["check", "--show=yes"],
                     ["conversation", "add", "--tel", ANN],
                     ["conversation", "add", "--id", "x", "--id", "y",
                      "--tel", ANN],
                     ["conversation", "add", "--id", "", "--tel", ANN],
                     ["conversation", "handoff", "x", "perhaps"],
                     ["conversation", "show"],
                     ["conversation", "show", "x", "--tel", ANN],
                     ["queue", "redrive", "ai"],
                     ["queue", "redrive", "ai", "1", "--all"],
                     ["queue", "peek", "carrier-pigeon:x"],
                     ["queue", "run", "ai"],
                     ["message"], ["message", "--from", "+1", "--param", "x"],
                     ["message", "status", "--sid", SID],
                     ["message", "--from", ANN, "--sid", "SM1"],
                     ["message", "status", "--sid", "SM1",
                      "--status", "sent"],
                     ["call", "--from", ANN, "--sid", "CA1"]):
            p = self.code(2, *args)
            self.assertEqual(p.stdout, "", args)
            self.assertNotEqual(p.stderr, "", args)
        self.assertIn("conversation handoff",
                      self.code(2, "conversation").stderr)
        self.assertIn("conversation handoff",
                      self.ok("conversation", "--help"))

    def test_globals_in_any_place(self):
        del self.env["SWITCHHOOK_CONF"]
        for args in (["-c", self.conf, "--json", "queue", "list"],
                     ["queue", "list", "--json", "-c", self.conf],
                     ["queue", "--config=" + self.conf, "list", "--json"]):
            rows = self.ok(*args).splitlines()
            self.assertEqual(json.loads(rows[0])["queue"], "ai")

    def test_full_disk(self):
        with open("/dev/full", "w") as full:
            p = subprocess.run([PROGRAM, "queue", "list"], env=self.env,
                               stdout=full, stderr=subprocess.PIPE, text=True,
                               timeout=60)
        self.assertEqual(p.returncode, 4)
        self.assertIn("No space", p.stderr)

    # The manual and the program say the same.

    def manual(self):
        """Each command's own part of the manual, by its name."""
        with open(os.path.join(SRCDIR, "man/switchhook.1")) as f:
            text = f.read()
        text = text.split("\n.Ss Configuration\n")[1].split("\n.Sh ")[0]
        parts = {}
        for part in re.split(r"\n\.It ", "\n" + text)[1:]:
            head = part.replace("Xo\n.", "", 1)
            words = re.match(r"Ic ((?:[a-z]+ ?)+)", head)
            self.assertIsNotNone(words, part)
            known = [c for c in self.commands()
                     if (words.group(1) + " ").startswith(c + " ")]
            self.assertTrue(known, "no command " + words.group(1))
            parts[max(known, key=len)] = part
        return parts

    def test_manual(self):
        parts = self.manual()
        self.assertEqual(sorted(parts), sorted(self.commands()))
        for command, part in parts.items():
            told = set(re.findall(r"Fl -([a-z][a-z-]*)", part)) - {"json"}
            self.assertEqual(told, self.options(command), command)

    def test_manual_format(self):
        if not shutil.which("mandoc"):
            self.skipTest("no mandoc")
        p = subprocess.run(["mandoc", "-Tlint",
                            os.path.join(SRCDIR, "man/switchhook.1")],
                           capture_output=True, text=True, timeout=60)
        # Whether other manuals are installed is no matter of this one.
        lines = [line for line in (p.stdout + p.stderr).splitlines()
                 if "switchhook.1:" in line and
                 "referenced manual not found" not in line]
        self.assertEqual(lines, [])


class Check(Site):
    def setUp(self):
        super().setUp()
        self.env["SWITCHHOOK_SERVER_PUBLIC_URL"] = "https://hooks.example.com"

    def test_good(self):
        self.assertIn(self.conf, self.ok("check"))
        self.assertEqual(self.json("check"),
                         [{"ok": True, "file": self.conf}])

    def test_mistakes(self):
        self.configure(server="thread = 3\nlog_level = loud", token="")
        p = self.code(3, "check")
        self.assertEqual(p.stdout, "")
        self.assertIn(self.conf + ":4: server.thread", p.stderr)
        self.assertIn(self.conf + ":5: server.log_level", p.stderr)
        self.assertIn("twilio.auth_token", p.stderr)
        p = self.code(3, "check", "--json")
        rows = [json.loads(line) for line in p.stdout.splitlines()]
        self.assertEqual(len(rows), 3)
        for row in rows:
            self.assertEqual(set(row), {"ok", "mistake"})
            self.assertIs(row["ok"], False)
        # Other commands say it too.
        p = self.code(3, "queue", "list")
        self.assertIn("server.thread", p.stderr)

    def test_levels(self):
        """error: and warning: before each line; rows of their own in JSON."""
        self.env["SWITCHHOOK_SERVER_PUBLIC_URL"] = "https://a.example/whatsapp"
        p = self.code(0, "check")
        self.assertIn("warning: SWITCHHOOK_SERVER_PUBLIC_URL: "
                      "server.public_url: ends in /whatsapp", p.stderr)
        self.assertNotIn("error: ", p.stderr)
        rows = self.json("check")
        self.assertEqual([set(r) for r in rows],
                         [{"ok", "warning"}, {"ok", "file"}])
        # Settings are rows of one kind.
        self.assertTrue(all("key" in r for r in self.json("check", "--show")))
        self.assertIn("warning: ", self.run_("check", "--show").stderr)
        self.env["SWITCHHOOK_STORE_PATH"] = self.path("no/db")
        p = self.code(3, "check")
        lines = [line.split(": ")[0] for line in p.stderr.splitlines()]
        self.assertEqual(lines, ["warning", "error"])
        rows = [json.loads(line) for line in
                self.code(3, "check", "--json").stdout.splitlines()]
        self.assertEqual([set(r) for r in rows],
                         [{"ok", "warning"}, {"ok", "mistake"}])

    def test_usual_templates(self):
        """They may be missing where nobody has said how calls are to go."""
        folder = self.json("check", "--show")
        folder = [r["value"] for r in folder if r["key"] == "voice.templates"]
        if os.path.exists(folder[0]):
            self.skipTest(folder[0] + " is there")
        words = "the usual folder of templates, %s, is not there" % folder[0]
        self.assertNotIn(words, self.run_("check").stderr)
        self.env["SWITCHHOOK_VOICE_OPERATOR_PHONE_NUMBER"] = ANN
        self.assertIn("warning: ", self.run_("check").stderr)
        self.assertIn(words, self.run_("check").stderr)

    def test_user(self):
        self.ok("check", "--user", pwd.getpwuid(os.geteuid()).pw_name)
        p = self.code(2, "check", "--user", "nobody-of-that-name")
        self.assertIn("there is no such user", p.stderr)

    def test_no_file(self):
        p = self.code(3, "check", "-c", self.path(""))
        self.assertEqual(p.stderr.count("\n"), 1, p.stderr)
        self.assertIn("it is a directory", p.stderr)
        p = self.code(3, "check", "-c", self.path("absent"))
        self.assertIn("absent", p.stderr)
        self.assertEqual(len(p.stderr.splitlines()), 1, p.stderr)

    def test_show(self):
        self.env["SWITCHHOOK_SERVER_ADMIN_TOKEN"] = "very-secret-indeed"
        text = self.ok("check", "--show")
        self.assertIn("whatsapp.ai_queue = sqlite:ai\n", text)
        self.assertIn("twilio.auth_token = (set)\n", text)
        self.assertIn("twilio.auth_token_previous = (not set)\n", text)
        self.assertNotIn(TOKEN, text)
        self.assertNotIn("very-secret", text)
        rows = {r["key"]: r["value"] for r in self.json("check", "--show")}
        self.assertEqual(rows["whatsapp.ai_delay"], "0")
        self.assertEqual(rows["server.base_path"], "")
        self.assertEqual(rows["server.public_url"],
                         "https://hooks.example.com")
        self.assertEqual(len(rows), len(text.splitlines()))

    def test_store(self):
        self.env["SWITCHHOOK_STORE_PATH"] = self.path("no/such/db")
        p = self.code(4, "queue", "list")
        self.assertIn("no/such", p.stderr)
        with open(self.path("db"), "w") as f:
            f.write("this is no database, but it is long enough " * 50)
        self.env["SWITCHHOOK_STORE_PATH"] = self.path("db")
        self.code(4, "queue", "list")


class Conversations(Site):
    def test_add_and_show(self):
        row = self.one("conversation", "add", "--tel", "whatsapp:" + ANN,
                       "--id", "c-1", "--thread", "t", "--company=co",
                       "--project", "p", "--handoff")
        self.assertEqual(set(row), CONVERSATION | {"held", "moved"})
        self.assertEqual((row.pop("held"), row.pop("moved")), (0, 0))
        self.assertEqual((row["id"], row["tel"], row["handoff_to_human"]),
                         ("c-1", ANN, True))
        self.assertEqual((row["thread_id"], row["company_id"],
                          row["project_id"]), ("t", "co", "p"))
        age = datetime.utcnow() - utc(row["created_at"])
        self.assertLess(abs(age), timedelta(seconds=60))
        self.assertEqual(self.one("conversation", "show", "c-1"), row)
        text = self.ok("conversation", "show", "c-1")
        self.assertIn("tel: %s\n" % ANN, text)
        self.assertIn("handoff_to_human: yes\n", text)

    def test_exists(self):
        self.add_ann()
        p = self.code(1, "conversation", "add", "--tel", "+19995550100", "--id",
                      "ann")
        self.assertIn("ann", p.stderr)
        self.assertEqual(self.one("conversation", "show", "ann")["tel"], ANN)

    def test_absent(self):
        row = {"id": None}
        self.add_ann()
        row = self.one("conversation", "show", "ann")
        self.assertIsNone(row["thread_id"])
        self.code(1, "conversation", "show", "nobody")
        self.code(1, "conversation", "show", "--tel", "+19995550100")
        self.code(1, "conversation", "handoff", "nobody", "on")

    def test_list(self):
        self.assertEqual(self.ok("conversation", "list"), "")
        for i in range(5):
            self.ok("conversation", "add", "--tel", ANN, "--id", "a%d" % i)
        self.ok("conversation", "add", "--tel", "+19995550100", "--id", "b")
        ids = [r["id"] for r in self.json("conversation", "list")]
        self.assertEqual(ids, ["b", "a4", "a3", "a2", "a1", "a0"])
        ids = [r["id"] for r in self.json("conversation", "list", "--tel",
                                          "whatsapp:" + ANN, "--limit", "2")]
        self.assertEqual(ids, ["a4", "a3"])
        self.assertEqual(
            self.one("conversation", "show", "--tel", ANN)["id"], "a4")
        lines = self.ok("conversation", "list").splitlines()
        self.assertEqual(len(lines), 7)
        self.assertEqual(lines[0].split()[:2], ["id", "tel"])
        self.assertEqual(lines[1].split()[:2], ["b", "+19995550100"])

    def test_handoff(self):
        self.add_ann()
        for word, on in (("on", True), ("on", True), ("off", False)):
            row = self.one("conversation", "handoff", "ann", word)
            self.assertIs(row["handoff_to_human"], on)
            row = self.one("conversation", "show", "ann")
            self.assertIs(row["handoff_to_human"], on)

    def test_set(self):
        self.add_ann("--thread", "t", "--company", "co")
        before = self.one("conversation", "show", "ann")
        row = self.one("conversation", "set", "ann", "--tel",
                       "whatsapp:" + BOB, "--thread", "", "--project", "p",
                       "--handoff", "on")
        self.assertEqual((row.pop("held"), row.pop("moved")), (0, 0))
        self.assertEqual(row, dict(before, tel=BOB, thread_id=None,
                                   project_id="p", handoff_to_human=True))
        self.assertEqual(self.one("conversation", "show", "--tel", BOB), row)
        row = self.one("conversation", "set", "ann", "--company=x")
        self.assertEqual((row.pop("held"), row.pop("moved")), (0, 0))
        self.assertEqual((row["company_id"], row["handoff_to_human"]),
                         ("x", True))
        p = self.code(1, "conversation", "set", "nobody", "--thread", "t")
        self.assertIn("nobody", p.stderr)
        p = self.code(2, "--json", "conversation", "set", "ann")
        self.assertIn("--thread", p.stderr)
        self.code(2, "conversation", "set", "ann", "--tel", "")
        self.code(2, "conversation", "set", "ann", "--handoff", "perhaps")
        self.assertEqual(self.one("conversation", "show", "ann"), row)

    def test_remove(self):
        self.add_ann()
        self.ok("conversation", "add", "--tel", ANN, "--id", "second")
        self.assertEqual(self.ok("conversation", "remove", "second"), "")
        self.assertEqual(
            self.one("conversation", "show", "--tel", ANN)["id"], "ann")
        p = self.code(1, "conversation", "remove", "second")
        self.assertIn("second", p.stderr)
        self.ok("conversation", "remove", "ann")
        self.assertEqual(self.ok("conversation", "list"), "")

    def test_tel(self):
        """A number as people write or paste it, else what to write."""
        for i, text in enumerate(["+1 415 555 0103", "\u202a+1\u00a0(415) "
                                  "555\u20110103\u202c", "RCS:+14155550103"]):
            row = self.one("conversation", "add", "--tel", text, "--id",
                           "x%d" % i)
            self.assertEqual(row["tel"], "+14155550103", text)
        for args in (["add", "--id", "y"], ["set", "x0"], ["show"], ["list"]):
            for text in (ANN[1:], "415-555-0103", "Ann", "+1", ""):
                p = self.code(2, "conversation", *args, "--tel", text)
                self.assertIn("+14155550103", p.stderr)
        self.assertEqual(len(self.json("conversation", "list", "--tel",
                                       "+1.415.555.0103")), 3)
        self.assertEqual(self.one("conversation", "add", "--tel", "12345",
                                  "--id", "z")["tel"], "12345")

    def test_addresses(self):
        """A person has several; any of them finds the conversation."""
        long, short = "+5541988887777", "+554188887777"
        row = self.one("conversation", "add", "--tel", long, "--id", "br")
        self.assertEqual(row["addresses"], [short])
        self.one("message", "--from", "whatsapp:" + short, "--param",
                 "ExternalUserId=BR.134")
        row = self.one("conversation", "show", "br")
        self.assertEqual(row["addresses"], [short, "BR.134"])
        self.assertIn("addresses: %s, BR.134\n" % short,
                      self.ok("conversation", "show", "br"))
        self.ok("conversation", "add", "--tel", "whatsapp:BR.134", "--id",
                "user")
        for name in (long, short, "BR.134"):
            self.assertEqual(self.one("conversation", "show", "--tel",
                                      name)["id"], "user")
            rows = self.json("conversation", "list", "--tel", name)
            self.assertEqual({r["id"] for r in rows}, {"br", "user"})
            self.assertEqual(rows[0]["tel"] in (name, long), True)
            self.one("conversation", "list", "--tel", name, "--limit", "1")
        self.add_ann()
        self.assertEqual(self.one("conversation", "show", "ann")["addresses"],
                         [])
        self.assertIn("addresses: -\n", self.ok("conversation", "show", "ann"))

    def test_terminal(self):
        """What is stored cannot steer the terminal, and is whole in JSON."""
        nasty = "x\x1b[31m\n\u009b2J\u00e9" + self.steering
        self.ok("conversation", "add", "--tel", ANN, "--id", nasty)
        for args in (["list"], ["show", nasty]):
            text = self.ok("conversation", *args)
            self.assertIn("x\\x1b[31m\\x0a\\u009b2J\u00e9", text)
            self.assert_plain(text)
        self.assert_plain(self.ok("--json", "conversation", "list"))
        self.assertEqual(self.one("conversation", "list")["id"], nasty)

    def test_terminal_errors(self):
        """Nor can what is in a complaint: an argument, a file."""
        for args in (["conversation", "show", "x\x1b" + self.steering],
                     ["x\x1b" + self.steering], ["queue", "list", b"\x9b2J"],
                     ["check", "-c", "/x" + self.steering]):
            p = self.run_(*args)
            self.assertNotEqual(p.returncode, 0)
            self.assert_plain(p.stderr)
        with open(self.conf, "ab") as f:
            f.write(b"[x\x9b\xc2\x9b]\n\xe2\x80\xae = 1\n")
        self.assert_plain(self.code(3, "check").stderr)

    steering = "".join(map(chr, [
        0x7f, 0x80, 0x85, 0x9b, 0x9d, 0x9f, *range(0x2028, 0x202f),
        *range(0x2066, 0x206a)]))

    def assert_plain(self, text):
        """UTF-8 (or run_ would have failed), and nothing that steers."""
        self.assertEqual([c for c in self.steering + "\x1b" if c in text], [])


class Queues(Site):
    def setUp(self):
        super().setUp()
        self.add_ann()

    def test_list(self):
        rows = self.json("queue", "list")
        self.assertEqual([(r["queue"], r["url"]) for r in rows],
                         [("ai", "sqlite:ai"), ("human", "sqlite:human"),
                          ("unrouted", "sqlite:unrouted"),
                          ("digits", "sqlite:digits")])
        for r in rows:
            self.assertEqual(set(r), {"queue", "url", "ready", "delayed",
                                      "taken", "dead", "oldest_at",
                                      "oldest_age_s"})
            self.assertIsNone(r["oldest_at"])
        self.message()
        self.assertEqual(self.counts("ai"), (1, 0, 0, 0))
        row = self.json("queue", "list")[0]
        age = datetime.utcnow() - utc(row["oldest_at"])
        self.assertLess(abs(age), timedelta(seconds=60))
        self.assertLess(row["oldest_age_s"], 60)
        lines = self.ok("queue", "list").splitlines()
        self.assertEqual(lines[1].split()[:6],
                         ["ai", "sqlite:ai", "1", "0", "0", "0"])

    def test_names(self):
        self.configure(whatsapp="ai_delay = 0\nai_queue = sqlite:other")
        self.message()
        for name in ("ai", "sqlite:other", "other"):
            self.assertEqual(len(self.json("queue", "peek", name)), 1, name)
        self.assertEqual(self.json("queue", "peek", "sqlite:ai"), [])

    def test_peek(self):
        self.assertEqual(self.ok("queue", "peek", "ai"), "")
        for body in ("one", "two", "three"):
            self.message(body)
        rows = self.json("queue", "peek", "ai")
        bodies = [json.loads(r["body"])["twilio_message"]["Body"][0]
                  for r in rows]
        self.assertEqual(bodies, ["one", "two", "three"])
        for r in rows:
            self.assertEqual(set(r), ITEM | {"state"})
            self.assertEqual((r["receipt"], r["queue"], r["attempts"],
                              r["state"]), (None, "sqlite:ai", 0, "ready"))
            utc(r["available_at"])
        self.assertEqual(len(self.json("queue", "peek", "ai", "--limit",
                                       "2")), 2)
        self.assertEqual(self.counts("ai"), (3, 0, 0, 0))
        self.assertEqual(len(self.ok("queue", "peek", "ai").split("\n\n")), 3)

    def test_delayed(self):
        self.configure(whatsapp="ai_delay = 600")
        self.message()
        self.assertEqual(self.counts("ai"), (0, 1, 0, 0))
        row = self.one("queue", "peek", "ai")
        self.assertEqual(row["state"], "delayed")
        wait = utc(row["available_at"]) - datetime.utcnow()
        self.assertLess(abs(wait - timedelta(seconds=600)),
                        timedelta(seconds=60))
        self.code(1, "queue", "receive", "ai")

    def test_receive_and_ack(self):
        self.message("Hi")
        row = self.one("queue", "receive", "ai", "--visibility", "100")
        self.assertEqual(set(row), ITEM)
        self.assertEqual((row["queue"], row["attempts"]), ("sqlite:ai", 1))
        message = json.loads(row["body"])
        self.assertEqual(message["twilio_message"]["Body"], ["Hi"])
        self.assertEqual(message["conversation_id"], "ann")
        left = utc(row["available_at"]) - datetime.utcnow()
        self.assertLess(abs(left - timedelta(seconds=100)),
                        timedelta(seconds=50))
        self.assertEqual(self.counts("ai"), (0, 0, 1, 0))
        p = self.code(1, "queue", "receive", "ai", "--json")
        self.assertEqual(p.stdout, "")
        self.assertIn("nothing is due", p.stderr)
        self.assertEqual(self.ok("queue", "ack", "ai", row["receipt"]), "")
        self.assertEqual(self.counts("ai"), (0, 0, 0, 0))
        self.code(1, "queue", "ack", "ai", row["receipt"])
        self.code(1, "queue", "ack", "ai", "no-such-receipt")

    def test_text(self):
        self.message("Hi")
        text = self.ok("queue", "receive", "ai")
        for name in ITEM:
            self.assertRegex(text, r"(?m)^%s: ." % name)
        receipt = re.search(r"(?m)^receipt: (.*)$", text).group(1)
        self.ok("queue", "ack", "ai", receipt)

    def test_release(self):
        self.message()
        row = self.one("queue", "receive", "ai")
        self.ok("queue", "release", "ai", row["receipt"])
        self.code(1, "queue", "release", "ai", row["receipt"])
        row = self.one("queue", "receive", "ai")
        self.assertEqual(row["attempts"], 2)
        self.ok("queue", "release", "ai", row["receipt"], "--delay", "500")
        self.assertEqual(self.counts("ai"), (0, 1, 0, 0))
        self.code(1, "queue", "receive", "ai")

    def test_visibility(self):
        self.message()
        first = self.one("queue", "receive", "ai", "--visibility", "1")
        self.until(lambda: self.run_("queue", "peek", "ai", "--json").stdout
                   .find('"ready"') > 0)
        self.code(1, "queue", "ack", "ai", first["receipt"])
        self.code(1, "queue", "release", "ai", first["receipt"])
        second = self.one("queue", "receive", "ai")
        self.assertEqual(second["id"], first["id"])
        self.assertEqual(second["attempts"], 2)
        self.code(1, "queue", "ack", "ai", first["receipt"])
        self.ok("queue", "ack", "ai", second["receipt"])

    def test_status(self):
        rows = self.json("status")
        self.assertEqual([r["check"] for r in rows],
                         ["store", "clock", "spool", "ai", "human",
                          "unrouted", "digits"])
        self.assertTrue(all(r["ok"] for r in rows), rows)
        self.message()
        self.ok("queue", "run", "ai", "--drain", "--tries", "1", "--", "false")
        p = self.code(1, "status")
        self.assertRegex(p.stdout, r"(?m)^ai +no .*queue dead ai")
        # Nobody has taken it for an hour.
        self.ok("queue", "redrive", "ai", "--all")
        self.ok("status")
        db = sqlite3.connect(self.path("db"))
        db.execute("UPDATE queue_item SET created_us = created_us - 3600000000")
        db.commit()
        db.close()
        self.assertIn("see that what works on it runs",
                      self.code(1, "status").stdout)

    def test_order(self):
        """One of a conversation at a time; others do not wait for it."""
        self.ok("conversation", "add", "--tel", BOB, "--id", "bob")
        for body in ("one", "two"):
            self.message(body)
        first = self.one("queue", "receive", "ai")
        self.one("message", "--from", "whatsapp:" + BOB, "--body", "bob's")
        other = self.one("queue", "receive", "ai")
        self.assertIn("bob's", other["body"])
        self.assertEqual(self.counts("ai"), (1, 0, 2, 0))
        self.code(1, "queue", "receive", "ai")
        self.ok("queue", "release", "ai", first["receipt"])
        again = self.one("queue", "receive", "ai")
        self.assertEqual(again["id"], first["id"])
        self.code(1, "queue", "receive", "ai")
        self.ok("queue", "ack", "ai", again["receipt"])
        self.assertIn('"two"', self.one("queue", "receive", "ai")["body"])

    def test_dead(self):
        for body in ("one", "two", "three"):
            self.message(body)
        self.ok("queue", "run", "ai", "--drain", "--tries", "1", "--", "false")
        self.assertEqual(self.counts("ai"), (0, 0, 0, 3))
        self.assertEqual(self.json("queue", "peek", "ai"), [])
        rows = self.json("queue", "dead", "ai")
        self.assertEqual(len(rows), 3)
        for r in rows:
            self.assertEqual(set(r), ITEM | {"state", "reason"})
            self.assertEqual((r["state"], r["reason"]),
                             ("dead", "exit status 1"))
        self.assertIn("reason: exit status 1\n",
                      self.ok("queue", "dead", "ai", "--limit", "1"))
        row = self.one("queue", "redrive", "ai", rows[1]["id"])
        self.assertEqual(row, {"queue": "sqlite:ai", "redriven": 1})
        row = self.one("queue", "receive", "ai")
        self.assertEqual((row["id"], row["attempts"]), (rows[1]["id"], 1))
        self.code(1, "queue", "redrive", "ai", rows[1]["id"])
        self.code(1, "queue", "redrive", "ai", "no-such-id")
        self.assertEqual(self.one("queue", "redrive", "ai", "--all")
                         ["redriven"], 2)
        self.assertEqual(self.one("queue", "redrive", "ai", "--all")
                         ["redriven"], 0)
        self.assertEqual(self.counts("ai"), (2, 0, 1, 0))


class Run(Site):
    def setUp(self):
        super().setUp()
        self.add_ann()

    def drain(self, *args):
        return self.json("queue", "run", "ai", "--drain", *args)

    def test_feeds(self):
        for body in ("one", "two"):
            self.message(body)
        script = self.script("save", 'cat >>"%s"; echo >>"%s"' %
                             (self.path("out"), self.path("out")))
        p = self.code(0, "queue", "run", "ai", "--drain", "--", script)
        self.assertEqual((p.stdout, p.stderr), ("", ""))
        bodies = [json.loads(line)["twilio_message"]["Body"]
                  for line in self.read("out").splitlines()]
        self.assertEqual(bodies, [["one"], ["two"]])
        self.assertEqual(self.counts("ai"), (0, 0, 0, 0))
        # Nothing is due: it ends at once.
        self.assertEqual(self.drain("--", "false"), [])

    def test_output(self):
        """The command's output is the run's; with --json it makes way."""
        self.message()
        p = self.code(0, "queue", "run", "ai", "--drain", "--",
                      "echo", "--loud", "-x")
        self.assertEqual(p.stdout, "--loud -x\n")
        self.message()
        p = self.code(0, "queue", "run", "ai", "--json", "--drain", "--",
                      "echo", "--json")
        self.assertEqual(p.stderr, "--json\n")
        row = json.loads(p.stdout)
        self.assertEqual((row["result"], row["attempts"], row["queue"]),
                         ("done", 1, "sqlite:ai"))
        self.assertNotIn("reason", row)

    def test_environment(self):
        self.message()
        self.env.update({"MINE": "kept", "SWITCHHOOK_TWILIO_AUTH_TOKEN":
                         TOKEN, "SWITCHHOOK_TWILIO_API_URL":
                         "https://api.example.com",
                         "SWITCHHOOK_TWILIO_AUTH_TOKEN_PREVIOUS": "old",
                         "SWITCHHOOK_SERVER_ADMIN_TOKEN": "s3cret",
                         "SWITCHHOOK_SERVER_LOG_LEVEL": "debug"})
        row = self.one("queue", "peek", "ai")
        text = self.ok("queue", "run", "ai", "--drain", "--", "env")
        env = dict(line.split("=", 1) for line in text.splitlines())
        self.assertEqual(env["SWITCHHOOK_QUEUE"], "sqlite:ai")
        self.assertEqual(env["SWITCHHOOK_MESSAGE_ID"], row["id"])
        self.assertEqual(env["SWITCHHOOK_ATTEMPT"], "1")
        self.assertEqual(env["MINE"], "kept")
        self.assertEqual(env["SWITCHHOOK_CONF"], self.conf)
        self.assertEqual(env["SWITCHHOOK_SERVER_LOG_LEVEL"], "debug")
        self.assertFalse([n for n in env if n.startswith("SWITCHHOOK_TWILIO")
                          or "ADMIN" in n], text)

    def test_descriptors(self):
        """The command gets the three usual descriptors and no other."""
        self.message()
        text = self.ok("queue", "run", "ai", "--drain", "--", "ls",
                       "/proc/self/fd")
        # The fourth is the directory that ls reads.
        self.assertEqual(text.split(), ["0", "1", "2", "3"])

    def test_itself(self):
        """The command may call switchhook in turn."""
        self.message()
        rows = self.drain("--", PROGRAM, "conversation", "show", "ann")
        self.assertEqual([r["result"] for r in rows], ["done"])

    def test_backoff(self):
        self.message()
        for attempt, delay in ((1, 40), (2, 80), (3, 160)):
            rows = self.drain("--backoff", "40", "--", "sh", "-c", "exit 7")
            self.assertEqual(len(rows), 1)
            row = rows[0]
            self.assertEqual((row["result"], row["reason"], row["attempts"]),
                             ("released", "exit status 7", attempt))
            self.assertGreaterEqual(row["delay_s"], delay // 2)
            self.assertLessEqual(row["delay_s"], delay)
            item = self.one("queue", "peek", "ai")
            self.assertEqual((item["state"], item["reason"]),
                             ("delayed", "exit status 7"))
            wait = utc(item["available_at"]) - datetime.utcnow()
            self.assertLess(abs(wait - timedelta(seconds=row["delay_s"])),
                            timedelta(seconds=20))
            # Not due: the next drain leaves it alone. Then take it early.
            self.assertEqual(self.drain("--", "false"), [])
            self.hurry()

    def hurry(self):
        """Make every delayed message due (there is no command for it)."""
        import sqlite3
        db = sqlite3.connect(self.path("db"))
        tables = [r[0] for r in db.execute(
            "select name from sqlite_master where type = 'table'")]
        for table in tables:
            columns = [r[1] for r in
                       db.execute("pragma table_info(%s)" % table)]
            if "available_us" in columns:
                db.execute("update %s set available_us = 1 where "
                           "available_us > 1" % table)
        db.commit()
        db.close()

    def test_dead_letters(self):
        self.message()
        rows = self.drain("--tries", "3", "--backoff", "0", "--",
                          "sh", "-c", "exit 9")
        self.assertEqual([(r["attempts"], r["result"], r["delay_s"])
                          for r in rows],
                         [(1, "released", 0), (2, "released", 0),
                          (3, "dead", 0)])
        self.assertEqual(self.one("queue", "dead", "ai")["reason"],
                         "exit status 9")
        p = self.code(0, "queue", "redrive", "ai", "--all")
        p = self.code(0, "queue", "run", "ai", "--drain", "--tries", "1",
                      "--", "sh", "-c", "kill -9 $$")
        self.assertIn("killed by signal 9", p.stderr)
        self.assertIn("killed by signal 9",
                      self.one("queue", "dead", "ai")["reason"])

    def test_never_finished(self):
        """A message that takes its consumer down is not tried for ever."""
        self.message()
        for _ in range(2):
            row = self.one("queue", "receive", "ai")
            self.ok("queue", "release", "ai", row["receipt"])
        rows = self.drain("--tries", "2", "--", "touch", self.path("ran"))
        self.assertEqual([r["result"] for r in rows], ["dead"])
        self.assertFalse(os.path.exists(self.path("ran")))

    def test_one_bad_among_good(self):
        for body in ("good", "bad", "good"):
            self.message(body)
        rows = self.drain("--tries", "1", "--", "grep", "-q", "good")
        self.assertEqual([r["result"] for r in rows],
                         ["done", "dead", "done"])

    def test_limit(self):
        for _ in range(3):
            self.message()
        rows = self.json("queue", "run", "ai", "--limit", "2", "--", "true")
        self.assertEqual(len(rows), 2)
        self.assertEqual(self.counts("ai"), (1, 0, 0, 0))

    def test_no_command(self):
        self.message()
        for name in (self.path("absent"), "no-such-command-anywhere",
                     self.dir, self.conf):
            p = self.code(2, "queue", "run", "ai", "--drain", "--", name)
            self.assertIn(name, p.stderr)
        self.assertEqual(self.one("queue", "peek", "ai")["attempts"], 0)
        bad = self.script("bad", "")
        with open(bad, "w") as f:
            f.write("#!/no/such/interpreter\n")
        p = self.code(4, "queue", "run", "ai", "--", bad)
        self.assertIn("cannot be started", p.stderr)

    def test_input(self):
        """Large messages, read or not, as fast or slow as may be."""
        big = "x" * 700000
        for command, result in (
                (["sh", "-c", "test $(wc -c) -gt 700000"], "done"),
                (["true"], "done"),
                (["sh", "-c", "head -c 10 >/dev/null"], "done"),
                (["sh", "-c", "exec <&-; sleep 0.3"], "done"),
                (["sh", "-c", "sleep 0.3; cat >/dev/null"], "done"),
                (["false"], "dead"),
                (["cat"], "done")):
            # Through a file: an argument has 128 KiB at most.
            self.big_message(big)
            rows = self.drain("--tries", "1", "--", *command)
            self.assertEqual([r["result"] for r in rows], [result], command)

    def big_message(self, text):
        args = []
        for i in range(0, len(text), 100000):
            args += ["--param", "P%d=%s" % (i, text[i:i + 100000])]
        self.message("big", *args)

    def test_overdue(self):
        """Who outlives the time-out is killed with all its children."""
        self.message()
        script = self.script("slow", 'sleep 300 & echo $! >"%s"; wait' %
                             self.path("pid"))
        start = time.monotonic()
        rows = self.drain("--visibility", "3", "--tries", "1", "--", script)
        self.assertLess(time.monotonic() - start, 10)
        self.assertEqual([r["result"] for r in rows], ["dead"])
        self.assertEqual(rows[0]["reason"], "not done within 3 s, killed")
        pid = int(self.read("pid"))
        self.until(lambda: not self.alive(pid))

    @staticmethod
    def alive(pid):
        try:
            with open("/proc/%d/stat" % pid) as f:
                return f.read().rsplit(")", 1)[1].split()[0] != "Z"
        except OSError:
            return False

    def test_killed(self):
        """The command does not outlive us, nor does what it has started."""
        for n, deaf in enumerate(("", "trap '' TERM; ")):
            self.message()
            pids = self.path("pids%d" % n)
            script = self.script(
                "long%d" % n, deaf + 'sleep 300 & echo $! $$ >"%s.new"; '
                'mv "%s.new" "%s"; wait' % (pids, pids, pids))
            p = self.start("queue", "run", "ai", "--", script)
            self.until(lambda: os.path.exists(pids))
            started = [int(pid) for pid in self.read("pids%d" % n).split()]
            p.kill()
            p.wait()
            try:
                self.until(lambda: not any(map(self.alive, started)), 8)
            finally:
                for pid in filter(self.alive, started):
                    os.kill(pid, signal.SIGKILL)
            db = sqlite3.connect(self.path("db"))
            db.execute("DELETE FROM queue_item")
            db.commit()
            db.close()

    def test_overdue_full(self):
        """Nor can it hold us by not reading what we write."""
        self.big_message("x" * 700000)
        start = time.monotonic()
        rows = self.drain("--visibility", "3", "--tries", "1", "--", "sleep",
                          "20")
        self.assertLess(time.monotonic() - start, 10)
        self.assertEqual([r["result"] for r in rows], ["dead"])

    def test_overdue_deaf(self):
        """SIGTERM is not to be ignored."""
        self.message()
        script = self.script("deaf", "trap '' TERM; while :; do sleep 0.1; "
                             "done")
        rows = self.drain("--visibility", "3", "--tries", "1", "--", script)
        self.assertEqual(rows[0]["reason"], "not done within 3 s, killed")

    def test_overdue_graceful(self):
        """Who ends well when told to had done its work."""
        self.message()
        script = self.script("soft", "trap 'exit 0' TERM; while :; do "
                             "sleep 0.02; done")
        rows = self.drain("--visibility", "6", "--", script)
        self.assertEqual([r["result"] for r in rows], ["done"])

    def test_waits(self):
        """Without --drain it waits, and ends at SIGTERM, also when idle."""
        out = self.path("out")
        p = self.start("queue", "run", "ai", "--", "sh", "-c",
                       'cat >/dev/null; echo x >>"%s"' % out)
        time.sleep(0.3)
        self.assertIsNone(p.poll())
        self.message()
        self.until(lambda: os.path.exists(out))
        self.message()
        self.until(lambda: self.read("out") == "x\nx\n")
        p.send_signal(signal.SIGTERM)
        start = time.monotonic()
        self.assertEqual(p.wait(10), 0)
        self.assertLess(time.monotonic() - start, 5)
        self.assertEqual(self.counts("ai"), (0, 0, 0, 0))

    def test_idle_is_cheap(self):
        p = self.start("queue", "run", "ai", "--", "true")
        time.sleep(0.5)

        def ticks():
            with open("/proc/%d/stat" % p.pid) as f:
                fields = f.read().rsplit(")", 1)[1].split()
            return int(fields[11]) + int(fields[12])
        before = ticks()
        time.sleep(2)
        self.assertLessEqual(ticks() - before, 20)
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.wait(10), 0)

    def test_stop_finishes(self):
        for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self.message("first")
            self.message("second")
            started = self.path("started%d" % sig)
            p = self.start("queue", "run", "ai", "--json", "--", "sh", "-c",
                           'touch "%s"; sleep 0.7' % started)
            self.until(lambda: os.path.exists(started))
            p.send_signal(sig)
            out, _ = p.communicate(timeout=10)
            self.assertEqual(p.returncode, 0)
            rows = [json.loads(line) for line in out.splitlines()]
            self.assertEqual([r["result"] for r in rows], ["done"])
            self.assertEqual(self.counts("ai"), (1, 0, 0, 0))
            self.drain("--", "true")

    def test_stop_twice(self):
        self.message()
        started = self.path("started")
        p = self.start("queue", "run", "ai", "--json", "--", "sh", "-c",
                       'touch "%s"; sleep 60' % started)
        self.until(lambda: os.path.exists(started))
        p.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        self.assertIsNone(p.poll())
        p.send_signal(signal.SIGTERM)
        out, _ = p.communicate(timeout=10)
        self.assertEqual(p.returncode, 0)
        self.assertEqual(json.loads(out)["reason"],
                         "killed, the run was stopped")

    def test_signals_restored(self):
        """The command starts with no signal blocked, and SIGPIPE deadly."""
        self.message()
        text = self.ok("queue", "run", "ai", "--drain", "--", "grep",
                       "-E", "Sig(Blk|Ign)", "/proc/self/status")
        for line in text.splitlines():
            mask = int(line.split()[1], 16)
            for sig in (signal.SIGPIPE, signal.SIGTERM, signal.SIGINT,
                        signal.SIGHUP, signal.SIGCHLD):
                self.assertFalse(mask & (1 << (sig - 1)), line)

    def test_two_consumers(self):
        """Two runs at once share the work; none is done twice."""
        for i in range(20):
            self.message(str(i))
        script = self.script("note", 'grep -o \'"Body": *\\["[0-9]*\' '
                             '>>"%s"' % self.path("out"))
        runs = [self.start("queue", "run", "ai", "--drain", "--", script)
                for _ in range(2)]
        for p in runs:
            _, err = p.communicate(timeout=60)
            self.assertEqual((p.returncode, err), (0, ""))
        lines = self.read("out").splitlines()
        self.assertEqual(len(lines), 20)
        self.assertEqual(len(set(lines)), 20)


class Batch(Site):
    """queue run --batch."""

    def setUp(self):
        super().setUp()
        self.add_ann()
        self.ok("conversation", "add", "--tel", BOB, "--id", "bob")

    def drain(self, *args):
        return self.json("queue", "run", "ai", "--batch", "--drain", *args)

    def push(self, body, group=None):
        """Put it on the queue ai as another program might."""
        self.one("message", "--from", "whatsapp:" + ANN, "--body", "x")
        db = sqlite3.connect(self.path("db"))
        hash_ = 0xcbf29ce484222325
        for c in b"ai\0" + body:
            hash_ = (hash_ ^ c) * 0x100000001b3 % (1 << 64)
        db.execute(
            "UPDATE queue_item SET body = ?, ordered_by = NULL, behind = 0,"
            " checksum = ? WHERE id = (SELECT max(id) FROM queue_item)",
            (body, hash_ - (1 << 64 if hash_ >> 63 else 0)))
        db.commit()
        db.close()

    def save(self):
        return self.script("save", 'echo "$SWITCHHOOK_MESSAGES" >>"%s"; '
                           'cat >>"%s"' % ((self.path("out"),) * 2))

    def saved(self):
        """[count, body, …] of each run."""
        lines = self.read("out").splitlines()
        os.remove(self.path("out"))
        return [line if line.isdigit() else
                json.loads(line)["twilio_message"]["Body"][0]
                for line in lines]

    def test_feeds(self):
        for body in ("one", "two", "three"):
            self.message(body)
        self.one("message", "--from", "whatsapp:" + BOB, "--body", "bob's")
        rows = self.drain("--", self.save())
        self.assertEqual(self.saved(), ["3", "one", "two", "three",
                                        "1", "bob's"])
        self.assertEqual([(r["result"], r["attempts"]) for r in rows],
                         [("done", 1)] * 4)
        self.assertEqual(len({r["id"] for r in rows}), 4)
        self.assertEqual(self.counts("ai"), (0, 0, 0, 0))

    def test_without(self):
        for body in ("one", "two"):
            self.message(body)
        self.ok("queue", "run", "ai", "--drain", "--", "sh", "-c",
                'test "$SWITCHHOOK_MESSAGES" = 1')
        self.assertEqual(self.counts("ai"), (0, 0, 0, 0))

    def test_delays(self):
        """The first is due, those behind it are not."""
        self.message("one")
        self.configure(whatsapp="ai_delay = 600")
        self.message("two")
        self.assertEqual(self.counts("ai"), (1, 1, 0, 0))
        self.drain("--", self.save())
        self.assertEqual(self.saved(), ["2", "one", "two"])
        # Nothing is due: what waits does not begin a batch.
        self.message("three")
        self.assertEqual(self.drain("--", "false"), [])

    def test_fails(self):
        for body in ("one", "two"):
            self.message(body)
        p = self.code(0, "queue", "run", "ai", "--batch", "--drain",
                      "--tries", "2", "--backoff", "0", "--", "false")
        self.assertRegex(p.stderr, r"(?s)^switchhook: sqlite:ai \d+ and 1 "
                         r"more, try 1: exit status 1; released\n[^\n]*try 2:"
                         r" exit status 1; dead\n$")
        self.assertEqual([(r["attempts"], r["reason"])
                          for r in self.json("queue", "dead", "ai")],
                         [(2, "exit status 1")] * 2)
        # The one that was tried most often counts.
        self.ok("queue", "redrive", "ai", "--all")
        rows = self.drain("--limit", "2", "--tries", "2", "--backoff", "0",
                          "--", "false")
        self.assertEqual([r["result"] for r in rows], ["released"] * 2)
        self.message("three")
        rows = self.drain("--tries", "2", "--", "false")
        self.assertEqual([(r["attempts"], r["result"]) for r in rows],
                         [(2, "dead"), (2, "dead"), (1, "dead")])

    def test_never_finished(self):
        for body in ("one", "two"):
            self.message(body)
        for _ in range(2):
            row = self.one("queue", "receive", "ai")
            self.ok("queue", "release", "ai", row["receipt"])
        rows = self.drain("--tries", "2", "--", "touch", self.path("ran"))
        self.assertEqual([(r["result"], r["reason"]) for r in rows],
                         [("dead", "its tries were never finished")] * 2)
        self.assertFalse(os.path.exists(self.path("ran")))

    def test_limit(self):
        """A batch is not divided."""
        for _ in range(3):
            self.message()
        self.one("message", "--from", "whatsapp:" + BOB, "--body", "bob's")
        rows = self.json("queue", "run", "ai", "--batch", "--limit", "2",
                         "--", "true")
        self.assertEqual(len(rows), 3)
        self.assertEqual(self.counts("ai"), (1, 0, 0, 0))

    def test_bounds(self):
        """100 at a time, and 1 MiB."""
        self.message("0")
        db = sqlite3.connect(self.path("db"))
        for i in range(1, 151):
            db.execute("INSERT INTO queue_item SELECT id + ?, queue, state,"
                       " available_us, created_us, attempts, receipt, reason,"
                       " ordered_by, checksum, body, 1, since_us, NULL"
                       " FROM queue_item WHERE behind = 0", (i,))
        db.commit()
        db.close()
        self.drain("--", self.save())
        self.assertEqual([n for n in self.saved() if n not in ("0",)],
                         ["100", "51"])
        for _ in range(3):
            self.message("big", "--param", "P=" + "x" * 100000, "--param",
                         "Q=" + "x" * 100000, "--param", "R=" + "x" * 100000,
                         "--param", "S=" + "x" * 100000)
        self.drain("--", self.save())
        self.assertEqual(self.saved(), ["2", "big", "big", "1", "big"])

    def test_lines(self):
        """Whatever a body is, it is one line."""
        self.push(b'{"a":\r\n 1}\n')
        self.push(b"no JSON")
        out = self.ok("queue", "run", "ai", "--batch", "--drain", "--", "cat")
        self.assertEqual(out, '{"a":   1} \nno JSON\n')

    def test_elsewhere(self):
        """SQS cannot: it says what to do, and takes nothing."""
        self.env.update({"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
                         "AWS_SECRET_ACCESS_KEY": "secret",
                         "AWS_REGION": "eu-west-1"})
        url = "https://sqs.eu-west-1.amazonaws.com/123456789012/ai"
        self.configure(whatsapp="ai_delay = 0\nai_queue = " + url)
        p = self.code(2, "queue", "run", "ai", "--batch", "--", "true")
        self.assertIn(url, p.stderr)
        self.assertIn("leave out --batch", p.stderr)

    def test_killed(self):
        """They run out together, and come again in their order."""
        for body in ("one", "two", "three"):
            self.message(body)
        pid = self.path("pid")
        p = self.start("queue", "run", "ai", "--batch", "--visibility", "3",
                       "--", "sh", "-c", 'echo $$ >"%s"; sleep 60' % pid)
        self.until(lambda: os.path.exists(pid))
        p.kill()
        p.wait()
        self.assertEqual(self.counts("ai"), (0, 0, 3, 0))
        self.message("four")
        rows = self.json("queue", "run", "ai", "--batch", "--limit", "4",
                         "--", self.save())
        self.assertEqual(self.saved(), ["4", "one", "two", "three", "four"])
        self.assertEqual([r["attempts"] for r in rows], [2, 2, 2, 1])


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers["Content-Length"])
        self.server.seen.append(
            (self.path, dict(self.headers), self.rfile.read(length)))
        body = b'{"error":"no"}'
        self.send_response(self.server.code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def signature(url, body, token=TOKEN):
    """As Twilio documents it, written once more for this test."""
    pairs = sorted(set(urllib.parse.parse_qsl(
        body.decode(), keep_blank_values=True)))
    text = url + "".join(n + v for n, v in pairs)
    mac = hmac.new(token.encode(), text.encode(), hashlib.sha1)
    return base64.b64encode(mac.digest()).decode()


class Messages(Site):
    def server(self, code=200):
        s = http.server.HTTPServer(("127.0.0.1", 0), Hook)
        s.seen, s.code = [], code
        threading.Thread(target=s.serve_forever, daemon=True).start()
        self.addCleanup(s.server_close)
        self.addCleanup(s.shutdown)
        s.url = "http://127.0.0.1:%d" % s.server_port
        return s

    def fields(self, queue="ai"):
        """The parameters of the message on the queue, and all of it."""
        row = self.one("queue", "receive", queue)
        self.ok("queue", "ack", queue, row["receipt"])
        whole = json.loads(row["body"])
        return whole["twilio_message"], whole

    def test_routes(self):
        row = self.message()
        self.assertEqual((row["status"], row["route"]), (200, "unrouted"))
        self.add_ann()
        row = self.message()
        self.assertEqual((row["status"], row["route"],
                          row["conversation_id"]), (200, "ai", "ann"))
        self.ok("conversation", "handoff", "ann", "on")
        self.assertEqual(self.message()["route"], "human")
        # What was held went to the AI with the conversation, and all of it to
        # people with the hand-off.
        for queue, n in (("ai", 0), ("human", 3), ("unrouted", 0)):
            self.assertEqual(self.counts(queue), (n, 0, 0, 0))
        text = self.ok("message", "--from", "whatsapp:" + ANN)
        self.assertIn("status: 200\n", text)
        self.assertIn("route: human\n", text)

    def test_whatsapp_form(self):
        self.add_ann()
        sid = self.message('\u00a1Hola "\u00f1"! \U0001f44d+&=%\n', "--to",
                           "whatsapp:+15550001111", "--profile",
                           "Ann O'Neil")["message_sid"]
        form, whole = self.fields()
        self.assertEqual(whole["channel"], "whatsapp")
        with open(os.path.join(SRCDIR, "t/data/webhook-samples.json")) as f:
            samples = {s["name"]: urllib.parse.parse_qs(
                s["raw_body"], keep_blank_values=True)
                for s in json.load(f)["samples"]}
        usual = {n for n in samples["whatsapp-inbound-voice-note"]
                 if not n.startswith("Media")}
        self.assertEqual(set(form), usual)
        for name, value in {
                "Body": '\u00a1Hola "\u00f1"! \U0001f44d+&=%\n',
                "From": "whatsapp:" + ANN, "To": "whatsapp:+15550001111",
                "WaId": ANN[1:], "ProfileName": "Ann O'Neil",
                "MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid,
                "AccountSid": ACCOUNT, "NumMedia": "0",
                "MessageType": "text"}.items():
            self.assertEqual(form[name], [value], name)
        self.assertRegex(sid, "^SM[0-9a-f]{32}$")
        self.assertEqual(json.loads(form["ChannelMetadata"][0]), {
            "type": "whatsapp", "data": {"context": {
                "ProfileName": "Ann O'Neil", "WaId": ANN[1:]}}})

        self.ok("message", "--from", ANN, "--body", "Hi")
        form, whole = self.fields()
        self.assertEqual(whole["channel"], "sms")
        self.assertEqual(set(form), set(samples["sms-inbound-utf8-emoji"]))

    def test_media_and_params(self):
        self.add_ann()
        row = self.message("", "--media", "https://x.example/a.JPG?x=1",
                           "--media", "https://x.example/b.ogg",
                           "--param", "ButtonPayload=yes=no",
                           "--param", "ProfileName=", "--param", "Twice=1",
                           "--param", "Twice=2")
        self.assertRegex(row["message_sid"], "^MM[0-9a-f]{32}$")
        form, _ = self.fields()
        for name, value in {
                "NumMedia": ["2"], "MessageType": ["image"],
                "MediaUrl0": ["https://x.example/a.JPG?x=1"],
                "MediaContentType0": ["image/jpeg"],
                "MediaUrl1": ["https://x.example/b.ogg"],
                "MediaContentType1": ["audio/ogg"],
                "ButtonPayload": ["yes=no"], "ProfileName": [""],
                "Twice": ["1", "2"]}.items():
            self.assertEqual(form[name], value, name)
        self.code(2, "message", "--from", ANN,
                  *["--media", "https://x.example/"] * 11)

    def test_repeat(self):
        self.add_ann()
        sid = "SM" + "0" * 32
        row = self.message("Hi", "--sid", sid)
        self.assertEqual(row["message_sid"], sid)
        self.assertNotIn("note", row)
        row = self.message("Hi", "--sid", sid)
        self.assertEqual((row["status"], row["route"]), (200, "ai"))
        self.assertIn("nothing was added", row["note"])
        self.assertEqual(self.counts("ai"), (1, 0, 0, 0))

    def test_refused(self):
        p = self.code(1, "message", "--from", "whatsapp:" + ANN, "--param",
                      "From=a", "--param", "From=b", "--json")
        row = json.loads(p.stdout)
        self.assertEqual(row["status"], 400)
        self.assertIn("error", json.loads(row["answer"]))
        self.assertNotIn("route", row)

    def test_token(self):
        self.configure(token="")
        p = self.code(3, "message", "--from", ANN)
        self.assertIn("twilio.auth_token", p.stderr)
        p = self.code(3, "message", "--from", ANN, "--url",
                      "http://127.0.0.1:1")
        self.assertIn("twilio.auth_token", p.stderr)
        self.configure(server="signature = off", token="")
        self.assertEqual(self.message()["status"], 200)

    def test_public_url(self):
        self.configure(server="public_url = https://hooks.example.com/h\n"
                       "base_path = /h")
        row = self.message()
        self.assertEqual((row["status"], row["url"]),
                         (200, "https://hooks.example.com/h/whatsapp"))
        self.configure(server="base_path = /h")
        row = self.message()
        self.assertEqual(row["status"], 200)

    def check_post(self, server, url, path, signed):
        row = self.message("a b", "--url", url)
        self.assertEqual((row["status"], row["url"]),
                         (200, server.url + path))
        got, headers, body = server.seen.pop()
        self.assertEqual(got, path)
        self.assertEqual(headers["X-Twilio-Signature"],
                         signature(signed, body))
        self.assertEqual(headers["Content-Type"],
                         "application/x-www-form-urlencoded")
        self.assertIn(b"Body=a+b&", body)

    def test_url(self):
        s = self.server()
        for url, path in (("", "/whatsapp"), ("/", "/whatsapp"),
                          ("/h/whatsapp", "/h/whatsapp"),
                          ("/h/whatsapp?a=1&b=%20x#frag",
                           "/h/whatsapp?a=1&b=%20x")):
            self.check_post(s, s.url + url, path, s.url + path)
        # Nothing local was asked, and no database made for it.
        self.assertFalse(os.path.exists(self.path("db")))

    def test_url_public(self):
        """Signed as Twilio would, whatever way the request then takes."""
        self.configure(server="public_url = https://hooks.example.com/x\n"
                       "base_path = /h")
        s = self.server()
        public = "https://hooks.example.com/x"
        self.check_post(s, s.url + "/h/whatsapp", "/h/whatsapp",
                        public + "/whatsapp")
        self.check_post(s, s.url, "/whatsapp", public + "/whatsapp")
        self.check_post(s, s.url + "/hh/whatsapp?q", "/hh/whatsapp?q",
                        public + "/hh/whatsapp?q")

    def test_url_fails(self):
        s = self.server(401)
        p = self.code(1, "message", "--from", ANN, "--url", s.url, "--json")
        row = json.loads(p.stdout)
        self.assertEqual((row["status"], row["answer"]),
                         (401, '{"error":"no"}'))
        p = self.code(4, "message", "--from", ANN, "--url",
                      "http://127.0.0.1:1/whatsapp")
        self.assertIn("127.0.0.1:1", p.stderr)
        for bad in ("127.0.0.1", "ftp://127.0.0.1/", "http://", "x"):
            self.code(2, "message", "--from", ANN, "--url", bad)

    def test_status(self):
        sid = "SM" + "1" * 32
        row = self.one("message", "status", "--sid", sid, "--status", "sent")
        self.assertEqual((row["message_sid"], row["status"]), (sid, 204))
        self.ok("message", "status", "--sid", sid, "--status", "sent")
        self.ok("message", "status", "--sid", sid, "--status", "undelivered",
                "--error", "30003")
        rows = self.json("message", "show", sid)
        self.assertEqual([(r["event"], r["error_code"]) for r in rows],
                         [("sent", None), ("undelivered", "30003")])
        for r in rows:
            self.assertEqual(set(r), {"sid", "event", "at", "route",
                                      "conversation_id", "error_code"})
            utc(r["at"])

    def test_status_url(self):
        s = self.server(204)
        self.ok("message", "status", "--sid", SID, "--status", "read",
                "--url", s.url, "--to", "whatsapp:+1999")
        path, headers, body = s.seen.pop()
        self.assertEqual(path, "/whatsapp/status")
        self.assertEqual(headers["X-Twilio-Signature"],
                         signature(s.url + path, body))
        form = dict(urllib.parse.parse_qsl(body.decode()))
        self.assertEqual((form["MessageStatus"], form["EventType"],
                          form["ChannelToAddress"], form["ChannelPrefix"]),
                         ("read", "READ", "+1999", "whatsapp"))
        self.ok("message", "status", "--sid", SID, "--status", "failed",
                "--url", s.url, "--to", "+1999", "--error", "30005")
        form = dict(urllib.parse.parse_qsl(s.seen.pop()[2].decode()))
        self.assertEqual(form["ErrorCode"], "30005")
        self.assertNotIn("ChannelPrefix", form)

    def test_show(self):
        self.add_ann()
        sid = self.message()["message_sid"]
        row = self.one("message", "show", sid)
        self.assertEqual((row["sid"], row["event"], row["route"],
                          row["conversation_id"]),
                         (sid, "received", "ai", "ann"))
        lines = self.ok("message", "show", sid).splitlines()
        self.assertEqual(lines[0].split()[:2], ["sid", "event"])
        self.assertEqual(lines[1].split()[:2], [sid, "received"])
        self.code(1, "message", "show", "SM" + "9" * 32)


class Signatures(Site):
    URL = "https://hooks.example.com/whatsapp?a=1"

    def test_sign_and_verify(self):
        body = "Body=a+b%26c&From=whatsapp%3A%2B14155550100&Empty="
        right = signature(self.URL, body.encode())
        self.assertEqual(self.ok("sign", self.URL, "--data", body),
                         right + "\n")
        self.assertEqual(
            self.one("sign", self.URL, "--param", "Empty=", "--param",
                     "From=whatsapp:" + ANN, "--param", "Body=a b&c"),
            {"signature": right, "url": self.URL})
        self.ok("verify", self.URL, "--data", body, "--signature", right)
        row = self.one("verify", self.URL, "--data", body, "--signature",
                       right)
        self.assertIs(row["valid"], True)
        wrong = signature(self.URL.replace("https", "http"), body.encode())
        p = self.code(1, "verify", self.URL, "--data", body, "--signature",
                      wrong, "--explain", "--json")
        row = json.loads(p.stdout)
        self.assertEqual((row["valid"], row["verdict"], row["cause"]),
                         (False, "wrong", "scheme"))

    def test_no_token(self):
        self.configure(token="")
        self.code(3, "sign", self.URL)
        self.code(3, "verify", self.URL, "--signature", "x")
        with open(self.path("token"), "w") as f:
            f.write("abc\n")
        self.assertEqual(
            self.ok("sign", self.URL, "--token-file", self.path("token")),
            signature(self.URL, b"", "abc") + "\n")


if __name__ == "__main__":
    if not os.access(PROGRAM, os.X_OK):
        sys.exit("no program %s: build first" % PROGRAM)
    unittest.main(verbosity=1)
