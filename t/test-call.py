#!/usr/bin/python3
"""Whole calls through switchhook call: in process, and through a server."""
import importlib.util
import json
import os
import subprocess
import sys
import unittest

SRCDIR = os.environ.get("SRCDIR", ".")
spec = importlib.util.spec_from_file_location(
    "ctl", os.path.join(SRCDIR, "t/test-ctl.py"))
ctl = importlib.util.module_from_spec(spec)
spec.loader.exec_module(ctl)

TEMPLATES = os.path.abspath(os.path.join(SRCDIR, "templates"))
ZIP = {
    "zip": '<Gather action="{process_url}" numDigits="5"'
           ' actionOnEmptyResult="true"><Say>Zip?</Say></Gather>',
    "zip-confirmation": '<Gather action="{confirm_url}" numDigits="1">'
                        "<Say>{spoken}, yes?</Say></Gather>",
    "zip-confirmed": "<Say>Noted {spoken}.</Say><Hangup/>",
    "zip-invalid-input": "<Say>No.</Say><Redirect>{retry_url}</Redirect>",
    "zip-retry": "<Redirect>{retry_url}</Redirect>",
}


class Calls(ctl.Site):
    voice = ""

    def configure(self, **more):
        super().configure(**more)
        with open(self.conf, "a") as f:
            f.write("[voice]\ntemplates = %s\n"
                    "conversation_relay_url = wss://relay.example.com\n"
                    "welcome_greeting_url = Hello\n%s\n"
                    % (TEMPLATES, self.voice))

    def call(self, digits, *args):
        """The transcript as (verb, text)."""
        return [(r["verb"], r["text"]) for r in self.json(
            "call", "--from", ctl.ANN, "--digits", digits, *args)]

    def said(self, transcript):
        return " ".join(t for v, t in transcript if v == "Say")

    def digits(self):
        return [(b["target"], b["value"]) for b in (
            json.loads(r["body"]) for r in self.json(
                "queue", "peek", "sqlite:digits"))]

    def test_birthdate(self):
        t = self.call("19901315,19900115,2,19900116#9,1", "--template",
                      "birthdate")
        self.assertIn("not a date", self.said(t))
        self.assertIn("January 15th, 1990", self.said(t))
        self.assertIn("January 16th, 1990, is noted", self.said(t))
        self.assertEqual(t[-2:], [("Hangup", None),
                                  ("end", "the call is over")])
        self.assertEqual(self.digits(), [("birthdate", "19900116")])

    def test_menu(self):
        t = self.call("1")
        self.assertIn(("ConversationRelay",
                       "url=wss://relay.example.com welcomeGreeting=Hello "
                       "language=en-US"), t)
        self.assertEqual(t[-1], ("end", "the caller is connected"))
        self.assertIn(("Hangup", None), self.call("7"))

    def test_nothing_pressed(self):
        """A Gather without actionOnEmptyResult falls through."""
        t = self.call("")
        self.assertEqual([v for v, _ in t].count("keys"), 2)
        self.assertEqual(t[-2:], [("Hangup", None),
                                  ("end", "the call is over")])
        self.assertNotIn(("POST", "/transfer-call"), t)

    def test_attempts_end(self):
        t = self.call("1,2,3,4,5", "--template", "birthdate")
        self.assertEqual([v for v, _ in t].count("keys"), 3)
        self.assertEqual(t[-2], ("Hangup", None))
        self.assertEqual(self.digits(), [])

    def test_refused(self):
        p = self.code(1, "call", "--from", ctl.ANN, "--template", "nothing",
                      "--json")
        self.assertIn("status 404", p.stdout)
        self.code(2, "call")

    def test_text(self):
        text = self.ok("call", "--from", ctl.ANN, "--digits", "7")
        self.assertIn("POST", text)
        self.assertIn("the call is over", text)

    def test_keys_from_a_pipe(self):
        """Without --digits, a line for each question."""
        p = subprocess.run(
            [ctl.PROGRAM, "--json", "call", "--from", ctl.ANN, "--template",
             "birthdate"], input="19900115#\n2\n19900116\n1\n", text=True,
            env=self.env, capture_output=True, timeout=60, check=True)
        t = [(r["verb"], r["text"])
             for r in map(json.loads, p.stdout.splitlines())]
        self.assertEqual([text for verb, text in t if verb == "keys"],
                         ["19900115", "2", "19900116", "1"])
        self.assertEqual(self.digits(), [("birthdate", "19900116")])

    def new_target(self):
        folder = self.path("templates")
        os.mkdir(folder)
        for name, verbs in ZIP.items():
            with open(os.path.join(folder, name + ".twiml.xml"), "w") as f:
                f.write("<Response>%s</Response>" % verbs)
        with open(os.path.join(folder, "odd.twiml.xml"), "w") as f:
            f.write("<Response><Record/><Say>Bye</Say></Response>")
        with open(self.conf) as f:
            text = f.read().replace(TEMPLATES, folder)
        with open(self.conf, "w") as f:
            f.write(text + "[menu]\n4 = zip\n[digits zip]\n"
                    "min_length = 5\nmax_length = 5\n")

    def test_new_target(self):
        """Configuration and templates only: no code."""
        self.new_target()
        t = self.call("123,94103,1", "--template", "zip")
        self.assertIn("No.", self.said(t))
        self.assertIn("9 4 1 0 3, yes?", self.said(t))
        self.assertIn("Noted 9 4 1 0 3.", self.said(t))
        self.assertEqual(self.digits(), [("zip", "94103")])

    def test_check(self):
        """What [menu] and [digits] reach is there and can be filled."""
        p = self.code(0, "check")
        self.assertIn("dial.twiml.xml:", p.stderr)
        self.assertIn("voice.operator_phone_number is not set", p.stderr)
        self.assertIn("connect-stream.twiml.xml:", p.stderr)
        self.new_target()
        p = self.code(3, "check")
        self.assertIn("default: menu.1: there is no template connect",
                      p.stderr)
        self.assertIn("voice.max_attempts: there is no template hangup",
                      p.stderr)
        self.assertNotIn("digits zip", p.stderr)
        os.unlink(self.path("templates/zip-retry.twiml.xml"))
        with open(self.path("templates/bad.twiml.xml"), "w") as f:
            f.write("<Response>{</Response>")
        p = self.code(3, "check")
        self.assertRegex(p.stderr, r"switchhook\.conf:\d+: digits zip: "
                         "there is no template zip-retry")
        self.assertIn("bad.twiml.xml:1:11: ", p.stderr)
        rows = [json.loads(line) for line in self.code(
            3, "check", "--json").stdout.splitlines()]
        self.assertTrue(any("zip-retry" in r.get("mistake", "")
                            for r in rows))

    def test_check_placeholders(self):
        """Each template, wherever it is played."""
        self.new_target()
        for name, verbs in [
                ("hangup", "<Hangup/>"), ("connect", "<Hangup/>"),
                ("dial", "<Hangup/>"),
                ("own", "<Say>{shop} {From} {spoken}</Say>")]:
            with open(self.path(f"templates/{name}.twiml.xml"), "w") as f:
                f.write("<Response>%s</Response>" % verbs)
        p = self.code(3, "check")
        self.assertIn("digits birthdate: there is no template", p.stderr)
        for step in ("", "-confirmation", "-confirmed", "-invalid-input",
                     "-retry"):
            with open(self.path(f"templates/birthdate{step}.twiml.xml"),
                      "w") as f:
                f.write("<Response><Hangup/></Response>")
        p = self.code(0, "check")
        self.assertIn("own.twiml.xml:1:16: {shop}: nothing fills", p.stderr)
        self.assertIn("{spoken}: nothing fills", p.stderr)
        self.assertNotIn("{From}", p.stderr)
        self.assertNotIn("zip", p.stderr)
        with open(self.conf, "a") as f:
            f.write("[values]\nshop = Corner\n[menu]\n"
                    "5 = zip-confirmation\n")
        p = self.code(0, "check")
        self.assertNotIn("{shop}", p.stderr)
        self.assertIn("zip-confirmation.twiml.xml:1:27: {confirm_url}: "
                      "nothing fills", p.stderr)

    def test_unknown_verb_is_shown(self):
        self.new_target()
        t = self.call("", "--template", "odd")
        self.assertIn(("<Record>", "not played by this command"), t)
        self.assertIn(("Say", "Bye"), t)

    def test_server(self):
        """The same through HTTP, action URLs and all."""
        url = self.serve(os.path.join(ctl.BUILDDIR, "switchhook.fcgi"))
        t = self.call("19900115,1", "--template", "birthdate", "--url", url)
        self.assertIn("January 15th, 1990, is noted", self.said(t))
        self.assertEqual(self.digits(), [("birthdate", "19900115")])

    def serve(self, program):
        gate = os.path.join(SRCDIR, "t/cgi-server.py")
        p = subprocess.Popen(["/usr/bin/python3", gate, program],
                             env=self.env, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.reap, p)
        return p.stdout.readline().strip()

    def test_below_a_folder(self):
        """A shared host's folder, of which public_url knows nothing."""
        script = self.path("folder")
        with open(script, "w") as f:
            f.write("#!/bin/sh\nPATH_INFO=${PATH_INFO#/twilio} exec %s\n"
                    % os.path.join(ctl.BUILDDIR, "switchhook.fcgi"))
        os.chmod(script, 0o755)
        url = self.serve(script) + "/twilio"
        t = self.call("19900115,1", "--template", "birthdate", "--url", url)
        self.assertIn("January 15th, 1990, is noted", self.said(t))


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=[sys.argv[0]] + sys.argv[1:])
