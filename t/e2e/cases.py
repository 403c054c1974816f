"""What every door must do, written once. A case is a function of a door."""
import calendar
import itertools
import json
import os
import re
import time
import uuid

from doors import PREVIOUS, TOKEN, find
from metrics_page import page_of
from outcome import equal, true
from servers import SRCDIR, connects, free_port
from twilio_sign import form, pairs, sha_query, sign

FORM = "application/x-www-form-urlencoded"
UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
EMPTY_TWIML = re.compile(rb"^<\?xml [^>]*\?>\s*<Response\s*/>\s*$")

CASES = []
_serial = itertools.count(1)


def case(fn):
    CASES.append(fn)
    return fn


def sid():
    return f"SM{uuid.uuid4().hex}"


def tel():
    """A sender that no other case has."""
    return f"+1415{os.getpid() % 1000:03d}{next(_serial):04d}"


def conversation():
    """An id; unlike a sender it may be logged."""
    return f"conv_{uuid.uuid4().hex}"


def message(sender, message_sid, **more):
    params = {"ToCountry": "US", "SmsMessageSid": message_sid, "NumMedia": "0",
              "ProfileName": "Ann O'Neil", "SmsSid": message_sid,
              "SmsStatus": "received", "Body": "Hi there, 2+3=5 & more",
              "To": "whatsapp:+14155238886", "NumSegments": "1",
              "MessageSid": message_sid, "From": f"whatsapp:{sender}",
              "ApiVersion": "2010-04-01", "ToCity": ""}
    return params | more


def check_json_error(reply, status, text=None):
    equal(reply.status, status, "status")
    true(reply.header("content-type").startswith("application/json"),
         f"content type of {reply}")
    error = json.loads(reply.body)
    equal(set(error), {"error", "request_id"}, "members")
    equal(error["request_id"], reply.header("x-request-id"), "request id")
    true(UUID.match(error["request_id"]), f"request id {error}")
    if text is not None:
        equal(error["error"], text, "error")


def check_twiml(reply):
    equal(reply.status, 200, f"status of {reply}")
    equal(reply.header("content-type").lower(), "text/xml; charset=utf-8",
          "type")
    true(EMPTY_TWIML.match(reply.body), f"TwiML {reply.body!r}")
    true(UUID.match(reply.header("x-request-id")), "X-Request-Id")


def samples():
    path = os.path.join(SRCDIR, "t/data/webhook-samples.json")
    with open(path, encoding="utf-8") as f:
        return json.load(f)["samples"]


# ---- open routes, paths and methods


@case
def health(door):
    reply = door.ask("GET", "/health")
    equal(reply.status, 200, "status")
    equal(reply.header("content-type"), "application/json", "type")
    equal(json.loads(reply.body)["status"], "ok", "body")
    true(json.loads(reply.body)["version"], "version")
    true(UUID.match(reply.header("x-request-id")), "X-Request-Id")
    again = door.ask("GET", "/health?x=1")
    equal(again.status, 200, "status with a query")
    true(again.header("x-request-id") != reply.header("x-request-id"),
         "each reply has an id of its own")


@case
def ready(door):
    reply = door.ask("GET", "/ready")
    equal(reply.status, 200, f"status of {reply}")
    true(json.loads(reply.body), "JSON")


@case
def head(door):
    reply = door.ask("HEAD", "/health")
    equal(reply.status, 200, "status")
    equal(reply.body, b"", "body")
    true(UUID.match(reply.header("x-request-id")), "X-Request-Id")
    equal(door.ask("HEAD", "/nothing").status, 404, "unknown")
    equal(door.ask("HEAD", "/whatsapp").status, 405, "of a webhook")


@case
def not_found(door):
    for route in ["/nothing", "/", "/whatsapp/x", "/whatsapp/x/", "/healthy",
                  "/HEALTH", "/health/x"]:
        check_json_error(door.ask("GET", route), 404)
        check_json_error(door.ask("POST", route, body=b"a=b"), 404)


@case
def wrong_method(door):
    for method, route, allow in [
            ("POST", "/health", "GET, HEAD"),
            ("PUT", "/health", "GET, HEAD"),
            ("DELETE", "/ready", "GET, HEAD"),
            ("PUT", "/whatsapp", "GET, POST"),
            ("PATCH", "/whatsapp/status", "GET, POST")]:
        reply = door.ask(method, route, body=b"x")
        check_json_error(reply, 405)
        equal(reply.header("allow"), allow, f"Allow of {method} {route}")


# ---- messages and where they go


def envelope_of(door, queue, message_sid):
    rows = find(door.queue(queue), message_sid)
    equal(len(rows), 1, f"messages of {message_sid} on {queue}")
    return rows[0]


def check_envelope(row, params, **expected):
    body = row["body"]
    equal(body["twilio_message"], {n: [v] for n, v in params.items()},
          "parameters")
    true(re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$",
                  body["timestamp"]), f"timestamp {body['timestamp']}")
    then = calendar.timegm(time.strptime(body["timestamp"][:19],
                                         "%Y-%m-%dT%H:%M:%S"))
    true(abs(time.time() - then) < 60, "timestamp is now, in UTC")
    rest = {k: v for k, v in body.items()
            if k not in ("twilio_message", "timestamp")}
    equal(rest, {"conversation_id": None, "thread_id": None,
                 "company_id": None, "project_id": None,
                 "channel": "whatsapp"} | expected, "envelope")


def seconds_away(row):
    at = row["available_at"].rstrip("Z")
    then = calendar.timegm(time.strptime(at[:19], "%Y-%m-%dT%H:%M:%S"))
    return then - time.time()


@case
def to_ai(door):
    sender, message_sid, conv = tel(), sid(), conversation()
    door.switchhook("conversation", "add", "--tel", sender, "--id",
                    conv, "--thread", "th_1", "--company", "co_1",
                    "--project", "pr_1")
    params = message(sender, message_sid)
    check_twiml(door.post("/whatsapp", form(params)))
    row = envelope_of(door, "ai", message_sid)
    check_envelope(row, params, conversation_id=conv,
                   thread_id="th_1", company_id="co_1", project_id="pr_1")
    true(20 < seconds_away(row) <= 31, f"due in {seconds_away(row)} s")
    equal(find(door.queue("human"), message_sid), [], "not to people")


@case
def to_human(door):
    sender, message_sid, conv = tel(), sid(), conversation()
    door.switchhook("conversation", "add", "--tel", sender, "--id",
                    conv, "--handoff")
    params = message(sender, message_sid)
    check_twiml(door.post("/whatsapp", form(params)))
    row = envelope_of(door, "human", message_sid)
    check_envelope(row, params, conversation_id=conv)
    true(seconds_away(row) <= 1, "due at once")
    equal(find(door.queue("ai"), message_sid), [], "not to the AI")


@case
def handoff_and_back(door):
    sender, conv = tel(), conversation()
    door.switchhook("conversation", "add", "--tel", sender, "--id", conv)
    for state, queue in [("on", "human"), ("off", "ai")]:
        door.switchhook("conversation", "handoff", conv, state)
        message_sid = sid()
        check_twiml(door.post("/whatsapp", form(message(sender, message_sid))))
        envelope_of(door, queue, message_sid)


@case
def newest_conversation(door):
    sender, message_sid, conv = tel(), sid(), conversation()
    door.switchhook("conversation", "add", "--tel", sender, "--id",
                    conversation(), "--handoff")
    door.switchhook("conversation", "add", "--tel", sender, "--id", conv)
    check_twiml(door.post("/whatsapp", form(message(sender, message_sid))))
    equal(envelope_of(door, "ai", message_sid)["body"]["conversation_id"],
          conv, "conversation")


@case
def unknown_sender(door):
    message_sid = sid()
    params = message(tel(), message_sid)
    check_twiml(door.post("/whatsapp", form(params)))
    check_envelope(envelope_of(door, "unrouted", message_sid), params)


@case
def channels(door):
    for sender, channel in [(tel(), "sms"), ("messenger:123", "messenger"),
                            (f"whatsapp:{tel()}", "whatsapp")]:
        message_sid = sid()
        params = message("", message_sid, From=sender)
        check_twiml(door.post("/whatsapp", form(params)))
        check_envelope(envelope_of(door, "unrouted", message_sid), params,
                       channel=channel)


@case
def duplicate(door):
    message_sid = sid()
    body = form(message(tel(), message_sid))
    for _ in range(3):
        check_twiml(door.post("/whatsapp", body))
    envelope_of(door, "unrouted", message_sid)


def recut(params, *cuts):
    """The same signed string in other pieces: each cut moves the border
    between a name and its value by so many characters."""
    out = []
    for name, value in params.items():
        n = len(name) + dict(cuts).get(name, 0)
        whole = name + value
        out.append((whole[:n], whole[n:]))
    return form(out)


def with_text(door, text):
    """What was queued of messages with this Body, form or JSON."""
    return [r for queue in ("ai", "human", "unrouted")
            for r in door.queue(queue)
            if text in str(r["body"]["twilio_message"])]


@case
def signed_once(door):
    """One signature is one message, however the form is cut: names and values
    are signed with nothing between them."""
    params = message(tel(), sid(), Body=uuid.uuid4().hex)
    headers = [("X-Twilio-Signature",
                sign(TOKEN, door.url("/whatsapp"), form(params))),
               ("Content-Type", FORM)]
    names = ["MessageSid", "SmsMessageSid", "SmsSid"]
    bodies = [recut(params, *cut) for cut in [
        [(n, 1) for n in names], [(n, 2) for n in names],
        [(n, -1) for n in names], [("MessageSid", 1)],
        [("NumMedia", 1), ("MessageSid", 5)], []]]
    # A SID with the next parameter in its value is none either.
    one = {k: v for k, v in params.items() if k != "NumMedia"}
    bodies.append(form(one | {n: one[n] + "NumMedia0"
                              for n in ["MessageSid"]}))
    for body in bodies + bodies:
        equal(sign(TOKEN, door.url("/whatsapp"), body), headers[0][1], "sign")
        check_twiml(door.ask("POST", "/whatsapp", headers, body))
    equal(len(with_text(door, params["Body"])), 1, "messages")


@case
def status_is_no_message(door):
    """The signature of a status callback does for no message: what is signed
    has nothing between the URL and the form either."""
    params = message(tel(), sid(), Body="", MessageStatus="read")
    body = form(dict(sorted(params.items())))
    signed = [("X-Twilio-Signature",
               sign(TOKEN, door.url("/whatsapp/status"), body)),
              ("Content-Type", FORM)]
    for route, rest in [("/whatsapp", b"/status"), ("/whatsapp/", b"status")]:
        reply = door.ask("POST", route, signed, rest + body)
        true(reply.status in (400, 401), f"{route}: {reply.status}")


@case
def malformed_sids(door):
    """They count as none: the digest of what was signed tells a repeat."""
    for bad in ["SM1", "SM" + "g" * 32, "XX" + "0" * 32, "SM" + "0" * 33, " "]:
        texts = [uuid.uuid4().hex, uuid.uuid4().hex]
        for text in texts + texts:
            check_twiml(door.post("/whatsapp", form(
                message(tel(), bad, Body=text, From="whatsapp:+14155550100"))))
        equal([len(with_text(door, t)) for t in texts], [1, 1], bad)
        for _ in range(2):
            reply = door.post("/whatsapp/status", form({
                "MessageSid": bad, "MessageStatus": "read"}))
            equal((reply.status, reply.body), (204, b""), f"status of {bad}")


@case
def json_without_sid(door):
    """Studio's: the same again within 15 minutes is a repeat."""
    texts = [uuid.uuid4().hex, uuid.uuid4().hex]
    for text in texts + texts:
        body = json.dumps({"From": "+14155550100", "Body": text}).encode()
        route = "/whatsapp?" + sha_query(body)
        check_twiml(door.ask("POST", route, [
            ("X-Twilio-Signature", sign(TOKEN, door.url(route))),
            ("Content-Type", "application/json")], body))
    equal([len(with_text(door, t)) for t in texts], [1, 1], "messages")


@case
def values_untouched(door):
    """What a value holds arrives as it was: UTF-8, controls, white space."""
    message_sid = sid()
    params = message(tel(), message_sid, Body="  ¿Qué? \U0001f600 \r\n\t\0\"\\",
                     Empty="", **{"näme": "é"})
    check_twiml(door.post("/whatsapp", form(params)))
    check_envelope(envelope_of(door, "unrouted", message_sid), params)


@case
def repeated_values(door):
    message_sid = sid()
    body = form(list(message(tel(), message_sid).items()) +
                [("Extra", "b"), ("Extra", "a"), ("Extra", "b")])
    check_twiml(door.post("/whatsapp", body))
    row = envelope_of(door, "unrouted", message_sid)
    equal(row["body"]["twilio_message"]["Extra"], ["b", "a", "b"], "Extra")


@case
def inbound_samples(door):
    for s in samples():
        if not s["kind"].startswith("message-inbound"):
            continue
        message_sid = sid()
        body = re.sub(rb"(?<=[Ss]id=)(SM|MM)[0-9a-z]{32}",
                      message_sid.encode(), s["raw_body"].encode())
        reply = door.post("/whatsapp", body)
        equal(reply.status, 200, f"{s['name']}: {reply}")
        row = envelope_of(door, "unrouted", message_sid)
        expected = {}
        for name, value in pairs(body):
            expected.setdefault(name.decode(), []).append(value.decode())
        equal(row["body"]["twilio_message"], expected, s["name"])


@case
def status_samples(door):
    for s in samples():
        if s["kind"].startswith("message-status"):
            for _ in range(2):
                reply = door.post("/whatsapp/status", s["raw_body"].encode())
                equal(reply.status, 204, f"{s['name']}: {reply}")
                equal(reply.body, b"", "body")
                true(UUID.match(reply.header("x-request-id")), "id")


@case
def get_webhook(door):
    message_sid = sid()
    params = message(tel(), message_sid)
    route = "/whatsapp?" + form(params).decode()
    signature = sign(TOKEN, door.url(route))
    check_twiml(door.ask("GET", route, [("X-Twilio-Signature", signature)]))
    check_envelope(envelope_of(door, "unrouted", message_sid), params)
    changed = route.replace("NumMedia=0", "NumMedia=1")
    check_json_error(door.ask("GET", changed,
                              [("X-Twilio-Signature", signature)]), 401,
                     "Invalid signature")


@case
def json_webhook(door):
    message_sid = sid()
    webhook = {"From": f"whatsapp:{tel()}", "MessageSid": message_sid,
               "nested": {"a": [1, 2.5, None, True, "é"]}}
    body = json.dumps(webhook).encode()
    route = "/whatsapp?" + sha_query(body)
    headers = [("X-Twilio-Signature", sign(TOKEN, door.url(route))),
               ("Content-Type", "application/json")]
    check_twiml(door.ask("POST", route, headers, body))
    equal(envelope_of(door, "unrouted", message_sid)["body"]
          ["twilio_message"], webhook, "object")
    check_json_error(door.ask("POST", route, headers, body + b" "), 401,
                     "Invalid signature")
    bad = b'{"From": "+14155550100",}'
    route = "/whatsapp?" + sha_query(bad)
    headers[0] = ("X-Twilio-Signature", sign(TOKEN, door.url(route)))
    check_json_error(door.ask("POST", route, headers, bad), 400)


@case
def query_of_a_post(door):
    """The query counts as it stands on the wire, and is no parameter."""
    for query in ["?a=1&b=2", "?b=%20+%2f&a", "?x=%7Ey~&&=", "?a='(*)"]:
        message_sid = sid()
        params = message(tel(), message_sid)
        check_twiml(door.post("/whatsapp" + query, form(params)))
        check_envelope(envelope_of(door, "unrouted", message_sid), params)


@case
def previous_token(door):
    message_sid = sid()
    check_twiml(door.post("/whatsapp", form(message(tel(), message_sid)),
                          token=PREVIOUS))
    envelope_of(door, "unrouted", message_sid)


@case
def chunked_body(door):
    message_sid = sid()
    body = form(message(tel(), message_sid, Body="x" * 20000))
    check_twiml(door.post("/whatsapp", body, is_chunked=True))
    envelope_of(door, "unrouted", message_sid)


# ---- a query is never a command line


@case
def query_is_no_argument(door):
    """A web server hands a query without "=" to a CGI program as arguments
    (RFC 3875, 4.4)."""
    port, path = free_port(), door.dir("state/opened.sock")
    for query in ["-h", "-V", "-t", "-x", "--", "-", "-c", "-s", "a+b",
                  "-c+/dev/null", "-c+/nowhere", f"-s+127.0.0.1:{port}",
                  f"-s127.0.0.1:{port}", f"-s+unix:{path}", f"%2ds+{path}"]:
        reply = door.ask("GET", f"/health?{query}", timeout=5)
        equal(reply.status, 200, f"status of {query}")
        equal(json.loads(reply.body)["status"], "ok", query)
        true(not connects(("127.0.0.1", port)), f"{query} opened a port")
        true(not os.path.exists(path), f"{query} opened a socket")
    message_sid = sid()
    check_twiml(door.post("/whatsapp?x", form(message(tel(), message_sid))))
    envelope_of(door, "unrouted", message_sid)


@case
def query_is_no_configuration(door):
    conf = door.dir.write("state/other.conf",
                          door.config(server="signature = off"))
    for option in (f"-c+{conf}", f"-c{conf}"):
        message_sid = sid()
        body = form(message(tel(), message_sid))
        check_refused(door, door.ask("POST", f"/whatsapp?{option}", [
            ("Content-Type", FORM)], body, timeout=5), message_sid)
        check_twiml(door.post(f"/whatsapp?{option}", body))
        envelope_of(door, "unrouted", message_sid)


@case
def command_is_no_program_of_the_web(door):
    """The operator's command, where somebody put it beside the responder."""
    if door.command is None:
        return
    for query in ["", "?--version", "?check+--show", "?-h", "?conversation+list",
                  f"?-c+{door.conf}+check+--show"]:
        for method, body in [("GET", None), ("POST", b"x" * 100000)]:
            reply = door.ask(method, door.command + query, body=body)
            check_json_error(reply, 403)


# ---- what is refused


def check_refused(door, reply, message_sid):
    check_json_error(reply, 401, "Invalid signature")
    for queue in ("ai", "human", "unrouted"):
        equal(find(door.queue(queue), message_sid), [], f"nothing on {queue}")


@case
def unsigned(door):
    message_sid = sid()
    body = form(message(tel(), message_sid))
    right = sign(TOKEN, door.url("/whatsapp"), body)
    typed = ("Content-Type", FORM)
    check_refused(door, door.ask("POST", "/whatsapp", [typed], body),
                  message_sid)
    for wrong in ["", "x", "sha1=" + right, right[:-1], right + "=",
                  right.swapcase(), "A" * 27 + "=", "A" * 5000,
                  sign(TOKEN, door.url("/whatsapp"), body + b"&a=b"),
                  sign(TOKEN, door.url("/whatsapp?"), body),
                  sign(TOKEN, door.url("/whatsapp/status"), body),
                  sign("0" * 32, door.url("/whatsapp"), body),
                  sign("", door.url("/whatsapp"), body)]:
        reply = door.ask("POST", "/whatsapp",
                         [typed, ("X-Twilio-Signature", wrong)], body)
        check_json_error(reply, 401, "Invalid signature")
    check_refused(door, reply, message_sid)
    check_json_error(door.ask("POST", "/whatsapp/status", [typed], body), 401,
                     "Invalid signature")
    check_json_error(door.ask("GET", "/whatsapp"), 401, "Invalid signature")


@case
def signature_twice(door):
    message_sid = sid()
    body = form(message(tel(), message_sid))
    right = sign(TOKEN, door.url("/whatsapp"), body)
    for headers in [
            [("X-Twilio-Signature", right), ("X-Twilio-Signature", right)],
            [("X-Twilio-Signature", right), ("X-Twilio-Signature", "x")],
            [("X-Twilio-Signature", f"{right}, {right}")],
            [("X-Twilio-Signature", f"{right},{right}")]]:
        reply = door.ask("POST", "/whatsapp",
                         headers + [("Content-Type", FORM)], body)
        check_refused(door, reply, message_sid)


@case
def unsigned_learns_nothing(door):
    """401, whatever else is wrong with it."""
    for content_type, body in [
            (FORM, b"x" * min(200000, door.body_max)), (FORM, b"Body=%zz"), (FORM, b""),
            ("text/plain", b"hello"), ("application/json", b"{"),
            ("", b"a=b")]:
        reply = door.ask("POST", "/whatsapp",
                         [("Content-Type", content_type)], body)
        check_json_error(reply, 401, "Invalid signature")


@case
def too_large(door):
    message_sid = sid()
    at_most = message(tel(), message_sid)
    at_most["Body"] = "x" * (100 * 1024 - len(form(at_most | {"Body": ""})))
    equal(len(form(at_most)), 100 * 1024, "of the largest")
    check_twiml(door.post("/whatsapp", form(at_most)))
    for size in (100 * 1024 + 1, min(300000, door.body_max)):
        body = form(message(tel(), sid()))
        body += b"&x=" + b"y" * (size - len(body) - 3)
        check_json_error(door.post("/whatsapp", body), 413, "Body too large")
        # What has the form of a signature is told so, nobody else is.
        for signature, status in [("A" * 27 + "=", 413), ("A" * 28, 401),
                                  ("", 401)]:
            check_json_error(door.ask("POST", "/whatsapp", [
                ("Content-Type", FORM), ("X-Twilio-Signature", signature)],
                body), status)
    equal(door.ask("GET", "/health").status, 200, "afterwards")


@case
def malformed(door):
    base = form(message(tel(), sid()))
    for tail in [b"&Bad=%zz", b"&Bad=%", b"&Bad=%4", b"&%g0=1"]:
        check_json_error(door.post("/whatsapp", base + tail), 400)
    # Parameters that count may be there once only.
    for tail in [b"&From=%2B1", b"&MessageSid=" + sid().encode()]:
        check_json_error(door.post("/whatsapp", base + tail), 400)
    check_json_error(door.post("/whatsapp", b"Body=hello"), 400)
    for route in ["/whatsapp", "/whatsapp/status"]:
        check_json_error(door.post(route, form({
            "MessageSid": sid(), "MessageStatus": "sent"}) +
            b"&MessageStatus=read"), 400)
    check_json_error(door.post("/whatsapp", b""), 400)


@case
def other_type(door):
    for content_type, route in [("text/plain", "/whatsapp"),
                                ("multipart/form-data; boundary=x",
                                 "/whatsapp"),
                                ("application/json",
                                 "/handle-incoming-call/gather")]:
        body = b"{}"
        route += "?" + sha_query(body)
        headers = [("X-Twilio-Signature", sign(TOKEN, door.url(route))),
                   ("Content-Type", content_type)]
        check_json_error(door.ask("POST", route, headers, body), 415)
    # Signed over the URL alone, or as the form that it is not.
    body = b"From=%2B14155550100&Body=x"
    for signed, status in [(b"", 415), (body, 415), (b"Other=x", 401)]:
        headers = [("X-Twilio-Signature",
                    sign(TOKEN, door.url("/whatsapp"), signed)),
                   ("Content-Type", "text/plain")]
        check_json_error(door.ask("POST", "/whatsapp", headers, body), status)


@case
def length_differs(door):
    """Only where there is no server in front to keep lengths right."""
    if door.over_http:
        return
    message_sid = sid()
    body = form(message(tel(), message_sid))
    for length in (len(body) - 1, len(body) + 1, "+5", "5 ", "x", "-1"):
        check_json_error(door.post("/whatsapp", body, length=length), 400)
    check_refused(door, door.ask("POST", "/whatsapp", [
        ("Content-Type", FORM)], body, length=3), message_sid)
    check_twiml(door.post("/whatsapp", body, length=len(body)))


@case
def body_breaks_off(door):
    """Whether it was signed nobody can say: 400, and no bad signature."""
    if door.over_http:
        return
    body = form(message(tel(), sid()))
    before = page_of(door)
    headers = [("X-Twilio-Signature", sign(TOKEN, door.url("/whatsapp"), body)),
               ("Content-Type", FORM)]
    reply = door.ask("POST", "/whatsapp", headers, body[:-9], length=len(body))
    check_json_error(reply, 400, "Request body broke off")
    request = json.loads(reply.body)["request_id"]
    lines = [json.loads(line) for line in
             door.dir.read("state/log").splitlines() if request in line]
    equal([line["message"] for line in lines],
          ["request body broke off", "request"], "what the log says")
    for wrong in [[], [("X-Twilio-Signature", "x")]]:
        check_json_error(door.ask("POST", "/whatsapp", wrong + headers[1:],
                                  body[:-9], length=len(body)), 401)
    after = page_of(door)
    for cause, more in [("wrong", 0), ("missing", 1), ("malformed", 1)]:
        name = ("signature_failures_total", cause, "refused")
        equal(after(*name) - before(*name), more, cause)


@case
def many_parameters(door):
    """4,000 and no more, of a form and of a query."""
    message_sid = sid()
    params = message(tel(), message_sid)
    params |= {f"p{i}": str(i) for i in range(4000 - len(params))}
    check_twiml(door.post("/whatsapp", form(params)))
    more = form(params | {"one more": ""})
    check_json_error(door.post("/whatsapp", more), 413, "Too many parameters")
    check_json_error(door.ask("POST", "/whatsapp", [("Content-Type", FORM)],
                              more), 401, "Invalid signature")
    route = "/whatsapp?" + "&".join("a" * 4001)
    check_json_error(door.post(route, form(params)), 413,
                     "Too many parameters")
    check_envelope(envelope_of(door, "unrouted", message_sid), params)
    equal(len(pairs(form(params))), len(params), "pairs")


def entries_of(lines):
    """Of a log, each of which must be JSON."""
    entries = []
    for n, line in enumerate(lines):
        try:
            entries.append(json.loads(line))
        except ValueError as e:
            raise AssertionError(
                f"line {n}: {line!r} after {lines[n - 1]!r}") from e
    return entries


@case
def log_is_utf8(door):
    """Whatever a sender is called: addresses are cut at letters."""
    for sender in ["client:J\u00fcrgen M\u00fcller \u20ac\U0001f600", "whatsapp:" + "\u00e9" * 80,
                   "\u202e\u009b2J-abcdefgh\u009b"]:
        message_sid = sid()
        check_twiml(door.post("/whatsapp", form(
            message("", message_sid, From=sender))))
    with open(door.dir("state/log"), "rb") as f:
        lines = f.read().decode("utf-8", "strict").splitlines()
    masked = [e.get("from") for e in entries_of(lines)]
    true("client:**************\u20ac\U0001f600" in masked, masked[-6:])


@case
def log_is_discreet(door):
    """Last: what callers wrote is in no log of ours."""
    text = door.dir.read("state/log")
    true("request_id" in text, "there is a log")
    for secret in ["Hi there", TOKEN, PREVIOUS, "O'Neil", "+1415"]:
        true(secret not in text, f"{secret} is in the log")
