"""A site whose webhooks Twilio signs with shared keys, behind two doors."""
import hashlib
import hmac
import json
import sqlite3

from cases import check_twiml, envelope_of, message, sid, tel
from doors import TOKEN, VOICE, ByHand, NginxFastcgi
from outcome import equal, true
from people import CALL, logged, of_request
from twilio_sign import form, sha_query, sign

SETTINGS = "X-Twilio-Webhooks-Signature-Settings"
KEY = "webhooks_sharedkey_01k5m8q2v7x4c9b3n6w1z0y8t2"
SECRET = "s4Tb+/a-secret-that-twilio-showed-once=="
OTHER = "another-secret"
SHA256 = hashlib.sha256


class SharedKeys:
    """A site whose webhooks Twilio signs with shared keys."""
    voice = VOICE + f"\n[shared_keys]\n{KEY} = {SECRET}\nk2 = {OTHER}\n"


class SharedKeysAlone(SharedKeys):
    """It has no auth token at all."""
    def config(self, **changes):
        return super().config(token="", previous="", **changes)


def opened(site, kind):
    """The site behind a door of that kind."""
    return type(site.__name__, (site, kind), {})()


def signed_by(door, secret, settings, algorithm=hashlib.sha1, body=None,
              route="/whatsapp"):
    """A message, or this form, under a secret, with the settings' header."""
    body = form(message(tel(), sid())) if body is None else body
    return door.ask("POST", route, [
        ("X-Twilio-Signature", sign(secret, door.url(route), body, algorithm)),
        (SETTINGS, settings),
        ("Content-Type", "application/x-www-form-urlencoded")], body)


def refused(door, reply, cause):
    equal((reply.status, json.loads(reply.body)["error"]),
          (401, "Invalid signature"), cause)
    equal(of_request(door, reply)[0].get("cause"), cause, "cause")


def taken_and_refused(kind):
    """What Twilio signs with a shared key is taken, by either algorithm, and
    refused under any other key or with another header."""
    by_sha256 = f"key={KEY},algorithm=HMAC_SHA256"
    with opened(SharedKeys, kind) as site:
        message_sid = sid()
        body = form(message(tel(), message_sid))
        check_twiml(signed_by(site, SECRET, by_sha256, SHA256, body))
        check_twiml(signed_by(site, SECRET, f"key={KEY},algorithm=HMAC_SHA1",
                              body=body))
        check_twiml(signed_by(site, OTHER, " algorithm = hmac_sha256 , key=k2",
                              SHA256, body))
        check_twiml(site.post("/whatsapp", body))
        envelope_of(site, "unrouted", message_sid)
        body = json.dumps(message(tel(), sid())).encode()
        route = "/whatsapp?" + sha_query(body)
        for sent, status in [(body, 200), (body + b" ", 401)]:
            reply = site.ask("POST", route, [
                ("X-Twilio-Signature",
                 sign(SECRET, site.url(route), algorithm=SHA256)),
                (SETTINGS, by_sha256),
                ("Content-Type", "application/json")], sent)
            equal(reply.status, status, f"JSON: {reply}")
        for secret, settings, algorithm, cause in [
                (SECRET, f"key=k3{KEY[3:]},algorithm=HMAC_SHA256", SHA256,
                 "unknown_key"),
                (SECRET, "algorithm=HMAC_SHA256", SHA256, "unknown_key"),
                (SECRET, "key=,algorithm=HMAC_SHA256", SHA256, "unknown_key"),
                (SECRET, f"key={KEY},algorithm=HMAC_SHA512", SHA256,
                 "unknown_algorithm"),
                (SECRET, "key=k2,algorithm=HMAC_SHA256", SHA256, "wrong"),
                (SECRET, f"key={KEY}", SHA256, "malformed"),
                (SECRET, "", SHA256, "malformed"),
                (SECRET, "", hashlib.sha1, "wrong"),
                # The header chooses no token, whatever it calls it.
                (TOKEN, f"key={KEY}", hashlib.sha1, "wrong"),
                (TOKEN, by_sha256, SHA256, "wrong"),
                (TOKEN, "key=auth_token", hashlib.sha1, "unknown_key"),
                (TOKEN, "key=,algorithm=HMAC_SHA1", hashlib.sha1,
                 "unknown_key"),
                ("", "key=k3", hashlib.sha1, "unknown_key")]:
            refused(site, signed_by(site, secret, settings, algorithm), cause)
        line, = [line for line in logged(site)
                 if line.get("settings", "").endswith("SHA512")]
        true(KEY in line["settings"], f"names the key: {line}")
        true(SECRET not in site.dir.read("state/log"), "no secret in the log")


def alone(kind):
    """A site without an auth token starts, and takes what is signed with its
    shared keys only."""
    with opened(SharedKeysAlone, kind) as site:
        equal(site.ask("GET", "/ready").status, 200, "ready")
        equal(site.run_switchhook("check").returncode, 0, "check")
        check_twiml(signed_by(site, SECRET,
                              f"key={KEY},algorithm=HMAC_SHA256", SHA256))
        for token in [TOKEN, SECRET, ""]:
            refused(site, site.post("/whatsapp", form(message(tel(), sid())),
                                    token), "unknown_key")
        message_sid = sid()
        site.switchhook("message", "--from", tel(), "--sid", message_sid,
                        *(["--url", f"http://127.0.0.1:{site.port}"]
                          if site.over_http else []))
        envelope_of(site, "unrouted", message_sid)


class DigitsElsewhere(SharedKeysAlone, ByHand):
    """Confirmed digits wait for a queue that cannot be reached."""
    voice = "digits_queue = http://127.0.0.1:9/0/digits\n" + SharedKeys.voice
    AWS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
           "AWS_REGION": "eu-central-1"}

    def run(self, env, body=b"", expected=0):
        return super().run(env | self.AWS, body, expected)


def confirmed_digits():
    """What tells confirmed digits apart does not give them away, though there
    is no auth token to make it with."""
    with DigitsElsewhere() as site:
        reply = signed_by(
            site, SECRET, f"key={KEY}", body=form(CALL | {"Digits": "1"}),
            route="/confirm-digits/birthdate?value=19900115")
        equal(reply.status, 200, f"{reply}")
        what = f"{CALL['CallSid']}.birthdate."
        mac = hmac.new(SECRET.encode(), (what + "19900115").encode(), SHA256)
        with sqlite3.connect(site.dir("state/switchhook.db")) as db:
            equal(db.execute("SELECT sid FROM spool").fetchall(),
                  [(what + mac.hexdigest()[:16],)], "in the spool")


def explained(kind):
    """`verify --explain` says what is wrong with a request of a shared key."""
    body = form(message(tel(), sid()))
    by_sha256 = f"key={KEY},algorithm=HMAC_SHA256"
    with opened(SharedKeysAlone, kind) as site:
        url = site.url("/whatsapp")
        given = [url, "--data", body.decode()]
        signature = site.switchhook("sign", *given, "--settings",
                                    by_sha256).strip()
        equal(signature, sign(SECRET, url, body, SHA256), "sign")
        for settings, made, words in [
                (by_sha256, signature, "valid, with the shared key"),
                ("", signature, "settings: it is signed with the shared key "
                 + KEY),
                ("key=k2,algorithm=HMAC_SHA256", signature,
                 "settings: it is signed with the shared key " + KEY),
                ("key=k3,algorithm=HMAC_SHA256", signature,
                 "settings: there is no shared key k3"),
                ("algorithm=HMAC_SHA256", sign(TOKEN, url, body, SHA256),
                 "settings: no key is named"),
                ("", sign(TOKEN, url, body), "settings: no key is named"),
                (by_sha256[:-3] + "512", signature,
                 "settings: the algorithm is neither"),
                (by_sha256, sign(OTHER + "x", url, body, SHA256), "none: "),
                (by_sha256, sign(SECRET, "http" + url[5:], body, SHA256),
                 "scheme: ")]:
            done = site.run_switchhook(
                "verify", *given, "--explain", "--settings", settings,
                "--signature", made)
            equal(done.returncode, 0 if words.startswith("valid") else 1,
                  f"{settings}: {done}")
            true(words in done.stdout.decode(), f"{settings}: {done}")
            true(SECRET not in done.stdout.decode(), "no secret")


def suite(results):
    for kind in (NginxFastcgi, ByHand):
        for fn in (taken_and_refused, alone, explained):
            results.run(f"shared-keys, {kind.name}: {fn.__name__}", fn, kind)
    results.run("shared-keys: confirmed_digits", confirmed_digits)
