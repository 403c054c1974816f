"""Signatures that do not fit, and who looks afterwards why, behind two
doors."""
import json
import time

from cases import check_json_error, check_twiml, message, sid, tel
from doors import TOKEN, ByHand, NginxFastcgi
from outcome import equal, true
from people import of_request
from servers import wait_for
from shared_keys import SETTINGS, SharedKeys, opened
from twilio_sign import form, sign

CASES = []


def case(fn):
    CASES.append(fn)
    return fn


# One in a second is looked into.
SPAN = 1.05


def signed_as(door, url, body=None, headers=(), **params):
    """A message to /whatsapp?secret=t0pS3cr3t with the signature of another URL;
    url None: with none at all."""
    if body is None:
        body = form(message(tel(), sid()) | params)
    given = [] if url is None else [
        ("X-Twilio-Signature", sign(TOKEN, url, body))]
    return door.ask("POST", "/whatsapp?secret=t0pS3cr3t&a=", given + [
        ("Content-Type", "application/x-www-form-urlencoded"), *headers], body)


def refused(door, reply):
    """The row about a request, which comes beside its reply."""
    found = []

    def look():
        found.extend(r for r in door.rows("refused")
                     if r["request_id"] == reply.header("x-request-id"))
        return found

    wait_for(look, "it is kept")
    return found[0]


@case
def refusal_explained(door):
    """Who looks why Twilio's requests are refused has no such request at hand:
    the reason was found when it came. Nothing of the message is in it."""
    time.sleep(SPAN)
    url = door.url("/whatsapp?secret=t0pS3cr3t&a=")
    body = form(message(tel(), sid()) | {"Body": "my secret words"})
    reply = signed_as(door, "http" + url[5:], body)
    check_json_error(reply, 401, "Invalid signature")
    row = refused(door, reply)
    masked = url.replace("t0pS3cr3t", "***")
    equal({k: row[k] for k in ("result", "method", "route", "url", "verdict",
                               "cause")},
          {"result": "refused", "method": "POST", "route": "/whatsapp",
           "url": masked, "verdict": "wrong", "cause": "scheme"}, "row")
    true("began with http://" in row["explanation"], f"{row}")
    for name in (str(row["id"]), row["request_id"]):
        equal(door.rows("refused", "explain", name), [row], name)
        text = door.switchhook("refused", "explain", name)
        true(f"explanation: {row['explanation']}\n" in text, text)
    true(masked in door.switchhook("refused"), "list")
    line, = [e for e in of_request(door, reply)
             if e["message"] == "signature checked"]
    equal({k: line[k] for k in ("level", "url", "explanation")},
          {"level": "debug", "url": masked,
           "explanation": "scheme: " + row["explanation"]}, "log line")
    signature = sign(TOKEN, "http" + url[5:], body)
    shown = door.switchhook("refused", "--json") + door.dir.read("state/log")
    for secret in ("my secret words", "secret+words", "t0pS3cr3t", signature):
        true(secret not in shown, f"{secret} is shown")
    equal(door.run_switchhook("refused", "explain", "0").returncode, 1, "none")


@case
def refusal_of_another_host(door):
    """server.public_url has the wrong host; the request tells the right one."""
    time.sleep(SPAN)
    row = refused(door, signed_as(
        door, "https://other.example.com" + door.target(
            "/whatsapp?secret=t0pS3cr3t&a="),
        headers=[("X-Forwarded-Host", "other.example.com")]))
    equal(row["cause"], "host", f"{row}")
    true("https://other.example.com, " in row["explanation"], f"{row}")


@case
def refusals_in_a_flood(door):
    """Whoever sends nonsense makes little work, and takes nobody's place."""
    time.sleep(SPAN)
    kept = refused(door, signed_as(door, door.public_url + ":81/whatsapp"))
    last = door.rows("refused")[0]["id"]
    began = time.monotonic()
    for n in range(40):
        reply = signed_as(door, None if n % 2 else "https://a.example.com/")
        equal(reply.status, 401, f"{reply}")
    took = time.monotonic() - began
    time.sleep(SPAN)
    rows = door.rows("refused")
    true(len(rows) <= 20, f"{len(rows)} are kept")
    true(kept["id"] in [r["id"] for r in rows], "who was there stays")
    new = [r for r in rows if r["id"] > last]
    true(len(new) <= took + 1, f"{len(new)} in {took} s")


@case
def refusals_reported(door):
    """With server.signature = report it passes, and the log says why it would
    not, at info."""
    with type(door)() as site:
        site.dir.write("switchhook.conf", site.config(
            server=site.extra + "\nsignature = report").replace(
                "log_level = debug", "log_level = info"))
        site.stop()
        site.start()
        reply = signed_as(site, None)
        check_twiml(reply)
        line, = [e for e in of_request(site, reply)
                 if e["message"] == "signature checked"]
        equal(line["url"], site.url("/whatsapp?secret=***&a="), "url")
        equal(line["level"], "info", f"{line}")
        true(line["explanation"].startswith("header: there is no"), f"{line}")
        row = refused(site, reply)
        equal((row["result"], row["verdict"]), ("passed", "missing"), f"{row}")


@case
def refusal_without_a_store(door):
    """A store that cannot be had changes no 401."""
    with type(door)() as site:
        site.dir.write("switchhook.conf", site.config(
            state=site.dir("state")).replace(
                "/state/switchhook.db", "/nowhere/switchhook.db"))
        site.stop()
        site.start()
        for url in (None, site.url("/whatsapp") + "x"):
            check_json_error(signed_as(site, url), 401, "Invalid signature")


@case
def inner_host(door):
    """verify --explain of a URL as a server in front asks for it."""
    body = form(message(tel(), sid()))
    inner = "http://10.1.2.3:8080" + door.target("/whatsapp")
    for path, words in [("", "as Twilio called it."),
                        ("/", "Something else differs too: slash: ")]:
        origin = "/".join(door.public_url.split("/")[:3])
        signature = sign(TOKEN, origin + door.target("/whatsapp") + path, body)
        done = door.run_switchhook(
            "verify", inner, "--signature", signature, "--explain", "--json",
            "--data", body.decode())
        equal(done.returncode, 1, f"{done}")
        row = json.loads(done.stdout)
        equal((row["verdict"], row["cause"]), ("wrong", "host"), f"{row}")
        true(f"Twilio called {origin}, " in row["explanation"] and
             words in row["explanation"], f"{row}")


@case
def unknown_shared_key(door):
    """A shared key that nobody wrote into the configuration."""
    with opened(SharedKeys, type(door)) as site:
        reply = signed_as(site, site.url("/whatsapp"), headers=[
            (SETTINGS, "key=webhooks_sharedkey_2,algorithm=HMAC_SHA256")])
        row = refused(site, reply)
        equal((row["verdict"], row["cause"]), ("unknown_key", "settings"),
              f"{row}")
        true("no shared key webhooks_sharedkey_2 " in row["explanation"],
             f"{row}")


def suite(results):
    for kind in (NginxFastcgi, ByHand):
        with kind() as door:
            for fn in CASES:
                results.run(f"refusals, {kind.name}: {fn.__name__}", fn, door)
