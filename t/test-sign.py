#!/usr/bin/python3
"""switchhook sign and verify, through the real program."""
import base64
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

SRCDIR = os.environ.get("SRCDIR", ".")
BUILDDIR = os.environ.get("BUILDDIR", ".")
PROGRAM = os.path.abspath(os.path.join(BUILDDIR, "switchhook"))
TOKEN = "0123456789abcdef0123456789abcdef"
URL = "https://hooks.example.com/twilio/sms"
BODY = "A=1&B=2"
SIGNATURE = "f9T8hwjdqOHR8afIyiU680eJ4Us="  # of these, by the official SDKs


def signature(text, token=TOKEN):
    mac = hmac.new(token.encode(), text.encode(), hashlib.sha1)
    return base64.b64encode(mac.digest()).decode()


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="switchhook-test-sign.")
        self.addCleanup(shutil.rmtree, self.dir)
        self.conf = self.write("switchhook.conf",
                               "[twilio]\nauth_token = %s\n" % TOKEN)
        self.env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"),
                    "SWITCHHOOK_CONF": self.conf}
        for name, value in os.environ.items():
            if name.endswith("SAN_OPTIONS"):
                self.env[name] = value

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "wb") as f:
            f.write(text.encode() if isinstance(text, str) else text)
        return path

    def run_(self, *args, stdin=b""):
        return subprocess.run([PROGRAM, *args], env=self.env, input=stdin,
                              capture_output=True, timeout=60)

    def code(self, code, *args, **more):
        p = self.run_(*args, **more)
        self.assertEqual(p.returncode, code, (args, p.stdout, p.stderr))
        said = p.stdout + p.stderr
        self.assertNotIn(TOKEN.encode(), said)
        return p

    def ok(self, *args, **more):
        return self.code(0, *args, **more).stdout.decode().rstrip("\n")

    def refused(self, code, words, *args):
        p = self.code(code, *args)
        self.assertEqual(p.stdout, b"")
        self.assertIn(words, p.stderr.decode())


class Sign(Case):
    def test_form(self):
        self.assertEqual(self.ok("sign", URL, "--data", BODY), SIGNATURE)
        self.assertEqual(self.ok("sign", "--param", "B=2", URL,
                                 "--param=A=1"), SIGNATURE)
        self.assertEqual(
            self.ok("sign", URL, "--param", "Body=a+b=c & é", "--param",
                    "E="),
            signature(URL + "Bodya+b=c & éE"))
        self.assertEqual(self.ok("sign", URL), signature(URL))

    def test_where_the_body_is(self):
        path = self.write("body", BODY)
        self.assertEqual(self.ok("sign", URL, "--data", "@" + path),
                         SIGNATURE)
        self.assertEqual(self.ok("sign", URL, "--data", "-",
                                 stdin=BODY.encode()), SIGNATURE)
        self.refused(4, "No such file", "sign", URL, "--data",
                     "@" + path + "x")
        self.refused(4, "Is a directory", "sign", URL, "--data",
                     "@" + self.dir)
        big = self.write("big", "A=" + "x" * (1 << 20))
        self.refused(4, "over", "sign", URL, "--data", "@" + big)

    def test_json_output(self):
        row = json.loads(self.ok("--json", "sign", URL, "--data", BODY))
        self.assertEqual(row, {"signature": SIGNATURE, "url": URL})

    def test_other_bodies(self):
        text = '{"a":1}'
        digest = hashlib.sha256(text.encode()).hexdigest()
        for url, full in ((URL, URL + "?bodySHA256=" + digest),
                          (URL + "?x=1", URL + "?x=1&bodySHA256=" + digest)):
            row = json.loads(self.ok("sign", url, "--json-body", "--data",
                                     text, "--json"))
            self.assertEqual(row, {"signature": signature(full),
                                   "url": full})
            p = self.code(0, "sign", url, "--content-type", "text/plain",
                          "--data", text)
            self.assertEqual(p.stdout.decode(), signature(full) + "\n")
            self.assertIn(full, p.stderr.decode())
            p = self.code(0, "sign", full, "--json-body", "--data", text)
            self.assertEqual(p.stdout.decode(), signature(full) + "\n")
            self.assertEqual(p.stderr, b"")

    def test_token(self):
        other = "f" * 32
        for end in ("", "\n", "\r\n"):
            path = self.write("token", other + end)
            self.assertEqual(self.ok("sign", URL, "--token-file", path),
                             signature(URL, other))
        self.assertEqual(self.ok("sign", URL, "--token-file", "-",
                                 stdin=other.encode() + b"\n"),
                         signature(URL, other))
        self.env["SWITCHHOOK_TWILIO_AUTH_TOKEN"] = other
        self.assertEqual(self.ok("sign", URL), signature(URL, other))
        del self.env["SWITCHHOOK_TWILIO_AUTH_TOKEN"]
        for text in ("", "\n", "a\0b"):
            path = self.write("token", text)
            self.refused(3, "token", "sign", URL, "--token-file", path)
        self.write("switchhook.conf", "[twilio]\n")
        self.refused(3, "twilio.auth_token", "sign", URL)

    def test_usage(self):
        self.refused(2, "", "sign")
        self.refused(2, "whole URL", "sign", "/twilio/sms")
        self.refused(2, "#", "sign", URL + "#rc=2")
        self.refused(2, "--param", "sign", URL, "--param", "x")
        self.refused(2, "--param", "sign", URL, "--param", "a=1", "--data",
                     "b=2")
        self.refused(2, "--param", "sign", URL, "--param", "a=1",
                     "--json-body")
        self.refused(2, "--json-body", "sign", URL, "--json-body",
                     "--content-type", "text/plain")
        self.refused(2, "standard input", "sign", URL, "--data", "-",
                     "--token-file", "-")
        # A token on the command line could be seen by everybody.
        self.refused(2, "no such option", "sign", URL, "--token", "x")
        self.assertIn("X-Twilio-Signature", self.ok("sign", "--help"))


class SharedKeys(Case):
    """--settings, of sign and of verify."""
    SETTINGS = "key=k1,algorithm=HMAC_SHA256"
    GIVEN = (URL, "--data", BODY, "--settings")

    def setUp(self):
        super().setUp()
        self.write("switchhook.conf",
                   "[twilio]\nauth_token = %s\n[shared_keys]\nk1 = %s\n"
                   "k2 = other\n" % (TOKEN, "s" * 40))
        mac = hmac.new(b"s" * 40, (URL + "A1B2").encode(), hashlib.sha256)
        self.signature = base64.b64encode(mac.digest()).decode()

    def verify(self, code, *args):
        p = self.code(code, "verify", *args)
        self.assertNotIn(b"s" * 40, p.stdout + p.stderr)
        return p.stdout.decode()

    def test_sign(self):
        self.assertEqual(self.ok("sign", *self.GIVEN, self.SETTINGS),
                         self.signature)
        self.assertEqual(self.ok("sign", *self.GIVEN, "key=k1"),
                         signature(URL + "A1B2", "s" * 40))
        self.assertEqual(self.ok("sign", *self.GIVEN, ""), SIGNATURE)
        path = self.write("token", "s" * 40)
        self.assertEqual(self.ok("sign", *self.GIVEN,
                                 "key=x,algorithm=HMAC_SHA256",
                                 "--token-file", path), self.signature)
        self.refused(3, "[shared_keys]", "sign", *self.GIVEN, "key=k3")
        self.refused(2, "no key is named", "sign", *self.GIVEN,
                     "algorithm=HMAC_SHA256")
        self.refused(2, "HMAC_SHA1 nor HMAC_SHA256", "sign", *self.GIVEN,
                     "key=k1,algorithm=MD5")

    def test_verify(self):
        given = self.GIVEN + (self.SETTINGS, "--signature")
        self.assertEqual(self.verify(0, *given, self.signature),
                         "valid, with the shared key\n")
        row = json.loads(self.verify(0, *given, self.signature, "--json"))
        self.assertEqual(row, {"valid": True, "verdict": "valid",
                               "token": "shared"})
        self.assertEqual(self.verify(1, *given, SIGNATURE), "malformed\n")
        for settings, verdict, cause in (
                ("key=k3,algorithm=HMAC_SHA256", "unknown_key", "settings"),
                ("key=k1,algorithm=HMAC_SHA512", "unknown_algorithm",
                 "settings"),
                ("key=k2,algorithm=HMAC_SHA256", "wrong", "settings"),
                ("", "malformed", "settings"),
                ("key=k1", "malformed", "settings")):
            row = json.loads(self.verify(
                1, *self.GIVEN, settings, "--signature", self.signature,
                "--explain", "--json"))
            self.assertEqual((row["verdict"], row["cause"]),
                             (verdict, cause), settings)
        self.assertIn("shared key", self.verify(
            1, *self.GIVEN, "", "--signature",
            self.signature.replace("A", "B").replace("a", "b"), "--explain"))
        self.assertIn("HMAC_SHA256", self.verify(1, *given, SIGNATURE,
                                                 "--explain"))


class Verify(Case):
    def verify(self, code, *args):
        return self.code(code, "verify", *args).stdout.decode()

    def test_plain(self):
        given = (URL, "--data", BODY, "--signature")
        self.assertEqual(self.verify(0, *given, SIGNATURE), "valid\n")
        self.assertEqual(self.verify(0, *given, SIGNATURE, "--explain"),
                         "valid\n")
        self.assertEqual(self.verify(1, *given, "A" * 27 + "="), "wrong\n")
        self.assertEqual(self.verify(1, *given, "x"), "malformed\n")
        self.assertEqual(self.verify(1, *given, ""), "missing\n")
        self.assertEqual(self.verify(0, URL, "--method", "GET",
                                     "--signature", signature(URL)),
                         "valid\n")

    def test_previous_token(self):
        new = "f" * 32
        self.write("switchhook.conf",
                   "[twilio]\nauth_token = %s\nauth_token_previous = %s\n"
                   % (new, TOKEN))
        given = (URL, "--data", BODY, "--signature")
        self.assertEqual(self.verify(0, *given, SIGNATURE),
                         "valid, with twilio.auth_token_previous\n")
        row = json.loads(self.verify(0, *given, SIGNATURE, "--json"))
        self.assertEqual(row, {"valid": True, "verdict": "valid",
                               "token": "previous"})
        row = json.loads(self.verify(0, *given,
                                     signature(URL + "A1B2", new), "--json"))
        self.assertEqual(row["token"], "current")

    def test_explain(self):
        url = URL.replace("https", "http")
        text = self.verify(1, url, "--data", BODY, "--signature", SIGNATURE,
                           "--explain")
        self.assertRegex(text, r"\Awrong\nscheme: .*https://.*\n\Z")
        row = json.loads(self.verify(1, url, "--data", BODY, "--explain",
                                     "--signature", SIGNATURE, "--json"))
        self.assertEqual((row["valid"], row["verdict"], row["cause"]),
                         (False, "wrong", "scheme"))
        self.assertIn("https://", row["explanation"])
        row = json.loads(self.verify(1, URL, "--data", "A=1&B=3", "--json",
                                     "--signature", SIGNATURE, "--explain"))
        self.assertEqual(row["cause"], "none")
        self.assertNotIn("cause", json.loads(
            self.verify(1, URL, "--json", "--signature", SIGNATURE)))

    def test_usage(self):
        self.refused(2, "--signature", "verify", URL)
        self.refused(2, "whole URL", "verify", "x", "--signature", "y")
        for more in (("--data", "a=1"), ("--param", "a=1"),
                     ("--json-body",)):
            self.refused(2, "GET", "verify", URL, "--method", "GET",
                         "--signature", SIGNATURE, *more)
        self.refused(2, "--method", "verify", URL, "--method", "PUT",
                     "--signature", SIGNATURE)
        self.write("switchhook.conf", "[twilio]\n")
        self.refused(3, "twilio.auth_token", "verify", URL, "--signature",
                     SIGNATURE)

    def test_vectors(self):
        """Each vector comes out as it is marked."""
        with open(os.path.join(SRCDIR, "t/data/signature-vectors.json")) as f:
            vectors = json.load(f)["vectors"]
        checked = 0
        for v in vectors:
            if "\0" in v["signature"]:
                continue  # no argument can have it
            token = self.write("token", v["auth_token"] + "\n")
            body = self.write("body", v["raw_body"])
            p = self.run_("verify", v["url"], "--data", "@" + body,
                          "--content-type", v["content_type"],
                          "--token-file", token, "--signature=" +
                          v["signature"])
            self.assertIn(p.returncode, (0, 1), (v["name"], p.stderr))
            if v["expect"] != "either":
                self.assertEqual(p.returncode == 0, v["expect"] == "valid",
                                 v["name"])
            checked += 1
        self.assertEqual(checked, 194)


if __name__ == "__main__":
    if not os.access(PROGRAM, os.X_OK):
        sys.exit("no program %s: build first" % PROGRAM)
    unittest.main(verbosity=1)
