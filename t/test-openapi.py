#!/usr/bin/python3
"""etc/switchhook.openapi.json against the route table, and replies against it.

The description names every route, method and guard of the table and no other.
Then real servers are asked: the end-to-end cases, and each operation with all
that its description says can go wrong. A reply that is not described fails, and
so does a described one that nothing here can bring about.
"""
import json
import os
import re
import subprocess
import sys

SRCDIR = os.environ.get("SRCDIR", os.path.join(os.path.dirname(__file__), ".."))
sys.path.insert(0, os.path.join(SRCDIR, "t/e2e"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import cases
import client
import sqs_sign
import voice_cases
from calls_mock import CallsMock
from doors import TOKEN, VOICE, ByHand, NginxFastcgi
from outcome import Results, Skip, equal, true
from sdk import node_path
from servers import BUILDDIR, clean_env, need
from twilio_sign import form, pairs, sha_query, sign

FILE = os.path.join(SRCDIR, "etc/switchhook.openapi.json")
FORM = "application/x-www-form-urlencoded"
ADMIN = "0123456789-admin"
SERVED = ("get", "head", "post")
QUICK = bool(os.environ.get("SWITCHHOOK_TEST_QUICK"))

# Without those that wait for the clock.
CASES = [c for c in cases.CASES + voice_cases.CASES
         if c.__name__ not in ("template_edited", "template_spoiled")]

# What any webhook may have: enough for each of them.
FIELDS = {"From": "+15005550006", "To": "+15005550001", "Body": "Hi",
          "MessageSid": "SM" + "1" * 32, "MessageStatus": "read",
          "CallSid": "CA" + "1" * 32, "CallStatus": "completed",
          "Digits": "1"}

# What only a lack of memory brings about, and what takes Twilio's deadline of
# 10 s or 30 s, for which monitor.py waits, or an AWS that refuses: (path,
# status).
NOT_PROVOKED = {(f"{m} {p}", status) for m in ("get", "head")
                for p, status in [("/health", 503),
                                  ("/monitor-call/{call_sid}", 504),
                                  ("/batch-monitor-calls", 504)]} | {
    (f"{m} {p}", 500) for m in ("get", "post")
    for p in ("/whatsapp", "/whatsapp/status")}


def description():
    with open(FILE, encoding="utf-8") as f:
        return json.load(f)


# ---- the table


def table():
    done = subprocess.run([os.path.join(BUILDDIR, "t/print-routes")],
                          capture_output=True, text=True, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


TAKEN = {"form": {FORM}, "form or json": {FORM, "application/json"},
         "json": {"application/json"}, "any": {"application/x-amz-json-1.0"}}


def expected(rows):
    """What the description has to say of the rows of a path."""
    methods, types = set(), set()
    for method, _, guard, accept, _ in rows:
        methods |= {"GET": {"get", "head"}, "POST": {"post"}}[method]
        if guard == "signed":
            methods |= {"get"}
        if method == "POST":
            types |= TAKEN[accept]
    return {"methods": methods, "guards": {r[2] for r in rows},
            "types": types, "allow": rows[0][4]}


def guard_of(operation):
    names = {n for way in operation["security"] for n in way}
    return {frozenset(): "open", frozenset({"twilioSignature"}): "signed",
            frozenset({"adminBearer", "adminKey"}): "admin",
            frozenset({"agentBearer", "agentKey"}): "agent",
            frozenset({"accessKey"}): "access key"}[frozenset(names)]


def said(doc, item):
    operations = [item[m] for m in item if m in SERVED]
    other = item["x-other-methods"]["$ref"].split("/")[-1]
    headers = doc["components"]["responses"][other]["headers"]
    return {"methods": {m for m in item if m != "parameters" and m[1] != "-"},
            "guards": {guard_of(o) for o in operations},
            "types": {t for o in operations
                      for t in o.get("requestBody", {}).get("content", [])},
            "allow": headers["Allow"]["schema"]["const"]}


def routes_agree():
    doc, rows = description(), table()
    true(len(rows) > 8, "the table has rows")
    equal(set(doc["paths"]), {r[1] for r in rows}, "paths")
    for path in doc["paths"]:
        equal(said(doc, doc["paths"][path]),
              expected([r for r in rows if r[1] == path]), path)
    for path, item in doc["paths"].items():
        named = [p["$ref"].split("/")[-1] for p in item.get("parameters", [])
                 + item.get("get", {}).get("parameters", []) if "$ref" in p]
        inside = [doc["components"]["parameters"][n]["name"] for n in named]
        for part in path.split("/"):
            if part.startswith("{"):
                true(part[1:-1] in inside, f"{path} describes {part}")


def no_personal_data():
    with open(FILE, encoding="utf-8") as f:
        text = f.read()
    for number in re.findall(r"\+\d{6,}", text):
        true(number.startswith("+1500555"), f"{number} is nobody's number")


# ---- replies


EXCHANGES = []
LOGGED = FIELDS["CallSid"]
EVER = "?start_date=2000-01-01&end_date=2100-01-01"


def fields(body):
    """A form as an object; a name that occurs twice has its last value."""
    return {n.decode("latin-1"): v.decode("latin-1")
            for n, v in pairs(body or b"")}


def note(what, method, route, headers, body, reply):
    if "%00" in route:
        return reply  # nginx answers by itself
    kind = dict((n.lower(), v) for n, v in headers).get("content-type", "")
    is_json = "json" in kind
    parsed = None
    if is_json and reply.status < 300:
        parsed = json.loads(body)
    EXCHANGES.append({
        "what": what, "method": method, "path": route.partition("?")[0],
        "form": None if is_json else fields(body), "json": parsed,
        "type": kind,
        "status": reply.status, "headers": reply.headers,
        "body": reply.body.decode("utf-8", "replace")})
    return reply


def noting(door_class, admin=ADMIN, twilio=""):
    """That door, with each reply kept, and a menu that leads nowhere."""
    def ask(self, method, route, headers=(), body=None, **more):
        reply = door_class.ask(self, method, route, headers, body, **more)
        return note(self.what, method, route, headers, body, reply)

    def config(self, **changes):
        text = re.sub(r"^admin_token = .*\n", "", door_class.config(
            self, **changes), flags=re.M)
        if admin:
            text += f"\n[server]\nadmin_token = {admin}"
        return f"{text}\n[twilio]\n{twilio}\n"

    keys = f"[access_keys]\n{sqs_sign.KEY} = {sqs_sign.SECRET}\n"
    return type(door_class.__name__, (door_class,), {
        "ask": ask, "what": "", "config": config,
        "voice": (VOICE + keys if admin else VOICE).replace("[menu]", "[menu]\n7 = birthdate-confirmed")})


class Operation:
    """A method and a path of the description, and how to ask for it."""
    call_sid = ""  # one that Twilio knows

    def __init__(self, doc, method, pattern):
        self.method = method.upper()
        self.pattern = pattern
        self.operation = doc["paths"][pattern][method]
        self.guard = guard_of(self.operation)
        # What no request for it can do without.
        self.query = EVER if "batch" in pattern else ""
        self.statuses = {int(s) for s in self.operation["responses"]}
        # A path's parameters have an example each, the call's excepted, for
        # Twilio knows no such call.
        self.path = pattern.replace("{call_sid}", self.call_sid)
        for p in doc["components"]["parameters"].values():
            if p["in"] == "path":
                self.path = self.path.replace("{%s}" % p["name"],
                                              p["example"])

        self.takes_json = "application/json" in self.operation.get(
            "requestBody", {}).get("content", []) and self.guard != "signed"

    def ask(self, door, route=None, body=b"", kind=None, good=True, more=()):
        route = self.path if route is None else route
        if kind is None:
            kind = "application/json" if self.takes_json else FORM
            body = body or (b"{}" if self.takes_json else b"")
        headers = list(more)
        if self.method == "POST":
            headers.append(("Content-Type", kind))
        if self.guard == "signed":
            is_form = kind == FORM and self.method == "POST"
            signature = sign(TOKEN if good else "0" * 32, door.url(route),
                             body if is_form else b"")
            headers.append(("X-Twilio-Signature", signature))
        elif self.guard in ("admin", "agent"):
            headers.append(("Authorization",
                            "Bearer " + (ADMIN if good else "guess")))
        elif self.guard == "access key":
            return self.ask_signed(door, route, body or b"{}", kind, good)
        if self.method != "POST" and not body:
            body = None
        return door.ask(self.method, route, headers, body)


    @staticmethod
    def ask_signed(door, route, body, kind, good):
        kind = sqs_sign.TYPE if kind == FORM else kind
        headers = sqs_sign.headers_of(
            "ListQueues", body, "hooks.example.com",
            door.target(route.partition("?")[0]), secret=sqs_sign.SECRET
            if good else "guess", more={"content-type": kind})
        return door.ask("POST", route, headers, body)

    def ask_well(self, door, **changes):
        """All is as it should be, with these fields changed."""
        route, body = self.path + self.query, b""
        if self.guard == "signed":
            body = form(FIELDS | changes)
        if self.method != "POST" and body:
            route, body = route + "?" + body.decode(), b""
        return self.ask(door, route, body)


def operations():
    doc = description()
    return [Operation(doc, m, p) for p in doc["paths"]
            for m in doc["paths"][p] if m in SERVED]


def watching(door, mock):
    """What Twilio, or the log, has to say of calls."""
    for o in operations():
        if "call" not in o.path or o.guard != "admin":
            continue
        single = o.path != o.pattern
        good = {"/monitor-call/" + LOGGED + "?source=log": 200,
                "/monitor-call/" + LOGGED + "?source=nowhere": 400,
                "/monitor-call/CA": 400,
                "/monitor-call/CA" + "f" * 32: 404,
                "/monitor-call/CA" + "f" * 32 + "?source=log": 404,
                } if single else {
                    o.path: 400,
                    o.path + EVER + "&source=log": 200,
                    o.path + EVER + "&limit=1": 200,
                    o.path + EVER + "&status=completed&direction=inbound"
                    "&from=%2B15005550006&to=%2B15005550001"
                    "&parent_call_sid=" + LOGGED: 200,
                    o.path + "?end_date=soon": 400}
        for route, status in good.items():
            equal(o.ask(door, route).status, status, route)
        equal(o.ask(door, o.path + o.query + ("&" if o.query else "?")
                    + "source=log" if not single else
                    "/monitor-call/" + LOGGED + "?source=log",
                    more=[("If-None-Match", "*")]).status, 304, o.path)
        for way, status in [("401", 502), ("503", 502), ("429:7", 503)]:
            mock.set(always=way)
            equal(o.ask_well(door).status, status, f"{o.path} {way}")
        mock.reset()
    token = json.loads(door.ask("GET", "/batch-monitor-calls" + EVER + "&limit=1", [
        ("X-Api-Key", ADMIN)]).body)["next_page_token"]
    equal(door.ask("GET", "/batch-monitor-calls?limit=2&page_token=" + token, [
        ("X-Api-Key", ADMIN)]).status, 200, "the next page")


def page(door):
    """The page's own: what has not changed, what is elsewhere, or nowhere."""
    for o in operations():
        if not o.path.startswith("/console"):
            continue
        tag = o.ask(door).header("etag")
        equal(door.ask(o.method, o.path, [("If-None-Match", tag)]).status, 304,
              o.path)
        nowhere = "/console/nothing.js"
        if o.path == o.pattern:
            equal(o.ask(door, "/console/").status, 308, "/console/")
        else:
            equal(o.ask(door, nowhere).status, 404, nowhere)


def agents(door, mock):
    """A conversation, from its beginning to a reply that is given up."""
    def ask(pattern, method="POST", status=200, **body):
        o, = [o for o in operations()
              if o.pattern == "/api/conversations" + pattern and
              o.method == method]
        equal(o.ask(door, body=json.dumps(body).encode() if body else b"")
              .status, status, f"{method} {pattern} {body}")
    one, said = "/{id}", "/{id}/messages"
    ask("", status=201, id="ada", tel="+14155550177")
    ask("", status=409, id="ada", tel="+14155550177")
    ask(said, status=409, text="nobody has written")
    equal(door.post("/whatsapp", form({
        "From": "whatsapp:+14155550177", "To": "whatsapp:+14155238886",
        "Body": "Hi", "MessageSid": "SM" + "7" * 32})).status, 200, "written")
    for pattern in ("", one, said):
        for method in ("GET", "HEAD"):
            ask(pattern, method)
    ask(one, thread_id="t")
    ask(one + "/handoff", handoff=True)
    mock.set(message_script=["refuse:63016", "refuse:63016"])
    ask(said, status=201, text="late", client_id="1")
    ask(said, status=200, text="late", client_id="1")
    for what, status in [("resend", 200), ("drop", 200), ("resend", 409),
                         ("drop", 409)]:
        ask(said + "/{reply}/" + what, status=status)


def api(door):
    """What can go wrong with the routes below /api alone."""
    for o in operations():
        if not o.path.startswith("/api/"):
            continue
        if 304 in o.statuses:
            equal(o.ask(door, more=[("If-None-Match", "*")]).status, 304,
                  o.path)
        if 404 in o.statuses:
            nothing = o.path.replace("unrouted", "nothing").replace(
                "/ada", "/nobody")
            body = {"/messages": b'{"text": "x"}',
                    "/handoff": b'{"handoff": true}'}.get(
                        "/" + o.path.rpartition("/")[2], b"{}")
            equal(o.ask(door, nothing,
                        body=body if o.takes_json else b"").status, 404,
                  o.path)


def elsewhere(door):
    """A queue at SQS, which nobody asks."""
    for o in operations():
        if 409 in o.statuses and o.guard == "admin":
            equal(o.ask(door, o.path.replace("unrouted", "ai")).status, 409,
                  o.path)


def mishaps(door):
    """Each operation, and what can be wrong with a request for it."""
    for o in operations():
        if o.guard != "agent":
            true(o.ask_well(door).status in (200, 204), o.path)
        if o.guard == "access key":
            for status, how in [(400, {"body": b"{"}), (415, {"kind": "a/b"}),
                                (400, {"body": b"x" * 110000}),
                                (403, {"good": False})]:
                equal(o.ask(door, **how).status, status, o.path)
            continue
        if o.guard == "signed":  # what is for another of them is taken too
            equal(o.ask_well(door, MessageStatus="", CallSid="").status, 200,
                  f"a message at {o.path}")
            equal(o.ask_well(door, CallSid="").status, 204,
                  f"a status at {o.path}")
        equal(o.ask(door, o.path + "?x=%zz").status, 400, o.path)
        big = o.ask(door, body=b"a=" + b"b" * 110000)
        equal(big.status, 413, o.path)
        if o.guard != "open":
            equal(o.ask(door, good=False).status, 401, o.path)
        if o.method == "POST":
            equal(o.ask(door, route=o.path + "?" + sha_query(b"x"), body=b"x",
                        kind="text/plain").status, 415, o.path)
        if 404 in o.statuses and o.path != o.pattern and o.guard == "signed":
            nowhere = o.path.rpartition("/")[0] + "/nothing"
            equal(o.ask(door, nowhere).status, 404, nowhere)
        if o.path == "/transfer-call":
            equal(o.ask_well(door, Digits="7").status, 404, "menu")
    page(door)
    for method in ("DELETE", "PUT", "OPTIONS"):
        for o in operations():
            equal(door.ask(method, o.path).status, 405, o.path)
    equal(door.ask("GET", "/nothing").status, 404, "another path")


def closed(door):
    """No admin token, no page."""
    conf = door.dir.write("closed.conf", door.config(console=""))
    for o in operations():
        if o.path == "/console":
            equal(run_by_hand(door, o, conf, "closed").status, 404, o.path)
        if o.guard in ("admin", "agent", "access key"):
            equal(o.ask(door).status, 403, o.path)


def run_by_hand(door, o, conf, what, **env):
    """Plain CGI with another configuration, or another environment."""
    body = b"a=b" if o.method == "POST" else b""
    variables = door.variables(o.method, o.path, [
        ("Content-Type", FORM)] if body else [])
    if body:
        variables["CONTENT_LENGTH"] = str(len(body))
    done = subprocess.run([door.program], input=body, capture_output=True,
                          timeout=60, check=False,
                          env=clean_env(SWITCHHOOK_CONF=conf, **variables,
                                        **env))
    reply = client.parse_cgi(done.stdout)
    return note(what, o.method, o.path, [], body, reply)


def not_configured(door):
    """A wrong configuration: /ready says what is wrong, nothing is open."""
    bad = door.dir.write("bad.conf", "[server]\nthreads = many\n")
    for o in operations():
        equal(run_by_hand(door, o, bad, "not configured").status,
              200 if o.path == "/health" else 503, o.path)


def spoiled(door):
    """No template is good any more."""
    os.mkdir(door.dir("spoiled"))
    for name in os.listdir(door.dir("templates")):
        door.dir.write(f"spoiled/{name}", "<Response>")
    conf = door.dir.write("spoiled.conf", door.config(
        templates=door.dir("spoiled"), server="signature = off"))
    for o in operations():
        if 500 in o.statuses and not o.path.startswith("/whatsapp"):
            equal(run_by_hand(door, o, conf, "spoiled").status, 500, o.path)


def not_there_yet(door):
    """A token that is kept elsewhere, where nobody answers."""
    conf = door.dir.write("early.conf", door.config(token="ssm:nobody") +
                          "[server]\nadmin_token = ssm:nobody\n")
    env = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_REGION": "us-east-1",
           "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
           "AWS_EC2_METADATA_DISABLED": "true"}
    for o in operations():
        reply = run_by_hand(door, o, conf, "early", **env)
        if o.path == "/health" or o.path.startswith("/console"):
            equal(reply.status, 200, o.path)
        else:
            equal(reply.status, 503, o.path)


def compare():
    done = subprocess.run(
        [need("node"), os.path.join(SRCDIR, "t/openapi.mjs"), FILE],
        input=json.dumps(EXCHANGES).encode(), capture_output=True,
        env=os.environ | {"NODE_PATH": node_path()}, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def replies_fit(result):
    true(not result["faults"], f"{len(result['faults'])} faults:\n" +
         "\n".join(result["faults"][:10]))


def all_seen(result):
    """Each described reply came, but for those that need a lack of memory."""
    known = {(f"{o.method.lower()} {o.pattern}", s) for o in operations()
             for s in o.statuses}
    seen = set()
    for line in result["seen"]:
        name, _, status = line.rpartition(" ")
        seen.add((name, int(status)))
    missing = known - seen
    equal(sorted(missing), sorted(NOT_PROVOKED & missing), "not seen")
    true(missing >= NOT_PROVOKED, f"seen: {NOT_PROVOKED - missing}")
    for path in description()["paths"]:
        true((f"other {path}", 405) in seen, f"405 of {path}")
    true(("other path", 404) in seen, "404 of another path")


def version(door):
    shown = json.loads(door.ask("GET", "/health").body)["version"]
    equal(description()["info"]["version"], shown, "version")


def ask_servers(results, mock):
    Operation.call_sid = mock.calls()[0]["sid"]
    with noting(NginxFastcgi, twilio=mock.settings())() as door:
        for case in [] if QUICK else CASES:
            door.what = case.__name__
            results.run(case.__name__, case, door)
        door.what = "mishaps"
        results.run("mishaps", mishaps, door)
        door.what = "agents"
        results.run("agents", agents, door, mock)
        door.what = "api"
        results.run("api", api, door)
        door.what = "watching"
        results.run("watching", watching, door, mock)
        results.run("version", version, door)
    with noting(ByHand, twilio="[whatsapp]\nai_queue = https://sqs.us-east-1."
                "amazonaws.com/000000000000/ai\n[aws]\nregion = us-east-1")(
                ) as door:
        door.what = "elsewhere"
        results.run("elsewhere", elsewhere, door)
    with noting(ByHand, admin="")() as door:
        door.what = "closed"
        results.run("admin routes without a token", closed, door)
        results.run("not configured", not_configured, door)
        results.run("spoiled", spoiled, door)
        results.run("not there yet", not_there_yet, door)


def main():
    results = Results("-v" in sys.argv)
    results.run("routes, methods, guards, types", routes_agree)
    results.run("examples without personal data", no_personal_data)
    opened = []
    results.run("Twilio's API", lambda: opened.append(CallsMock(20)))
    for mock in opened:
        with mock:
            ask_servers(results, mock)
    found = []
    results.run("the description is OpenAPI 3.1, and its examples fit",
                lambda: found.append(compare()))
    if found:
        results.run(f"{len(EXCHANGES)} replies fit", replies_fit, found[0])
        results.run("every described reply was seen", all_seen, found[0])
    print(results.summary())
    if results.failed:
        return 1
    return 77 if results.skipped else 0


if __name__ == "__main__":
    sys.exit(main())
