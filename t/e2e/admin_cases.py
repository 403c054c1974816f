"""What the admin routes must do under every door: who gets in, and what the
call log answers. A case is a function of a door."""
import json
import uuid

from cases import UUID, check_json_error
from doors import ADMIN, TOKEN
from outcome import equal, true
from twilio_sign import form

CASES = []
LIST = "/batch-monitor-calls?start_date=2026-01-01&end_date=2100-01-01"
ROUTES = [LIST + "&source=log", LIST,
          "/monitor-call/CA" + "0" * 32, "/monitor-call/nothing"]

# In place of the right one. A header may not hold any of a line end.
WRONG_TOKENS = ["", "x", ADMIN[:-1], ADMIN[:1], ADMIN + "x", ADMIN + ADMIN,
                "x" + ADMIN, ADMIN.upper(), ADMIN[::-1], f'"{ADMIN}"',
                f"{ADMIN},{ADMIN}", TOKEN, "A" * len(ADMIN), "A" * 4000,
                ADMIN + "A" * 4000]


def case(fn):
    CASES.append(fn)
    return fn


def bearer(token=ADMIN):
    return [("Authorization", f"Bearer {token}")]


def admin(door, route, method="GET", headers=None):
    return door.ask(method, route, bearer() if headers is None else headers)


def get(door, route):
    """JSON of a route that answers 200."""
    reply = admin(door, route)
    equal(reply.status, 200, f"status of {route}: {reply}")
    equal(reply.header("content-type"), "application/json", "type")
    true(UUID.match(reply.header("x-request-id")), "X-Request-Id")
    return json.loads(reply.body)


def call_sid():
    return f"CA{uuid.uuid4().hex}"


def call_status(door, sid, status, **more):
    """A status callback as Twilio posts it."""
    params = {"CallSid": sid, "CallStatus": status, "From": "+14155550100",
              "To": "+14155550199", "Direction": "inbound",
              "AccountSid": "AC" + "0" * 32, "ApiVersion": "2010-04-01"}
    reply = door.post("/call-status", form(params | more))
    equal(reply.status, 204, f"status callback: {reply}")


def check_unauthorized(reply):
    check_json_error(reply, 401, "Wrong or missing token")
    true(reply.header("www-authenticate").startswith("Bearer "),
         f"WWW-Authenticate of {reply}")


@case
def admin_without_token(door):
    for route in ROUTES:
        check_unauthorized(door.ask("GET", route))
        reply = door.ask("HEAD", route)
        equal((reply.status, reply.body), (401, b""), f"HEAD {route}")


@case
def admin_wrong_token(door):
    for token in WRONG_TOKENS:
        for headers in [bearer(token), [("X-Api-Key", token)],
                        [("Authorization", token)],
                        [("Authorization", f"Basic {token}")]]:
            check_unauthorized(admin(door, ROUTES[0], headers=headers))
    for route in ROUTES:
        check_unauthorized(admin(door, route, headers=bearer("x")))
    # Only the schemes that are ours; a query is in every log.
    check_unauthorized(admin(door, ROUTES[0], headers=[
        ("Authorization", ADMIN)]))
    check_unauthorized(door.ask("GET", ROUTES[0] + f"&token={ADMIN}"))


@case
def admin_right_token(door):
    for headers in [bearer(), [("Authorization", f"bearer {ADMIN}")],
                    [("Authorization", f"BEARER   {ADMIN}")],
                    [("X-Api-Key", ADMIN)],
                    [("X-Api-Key", ADMIN), ("Authorization", "Basic eDp5")],
                    [("X-Api-Key", ADMIN), ("Authorization", "Bearer x")],
                    [("X-Api-Key", "x"), *bearer()]]:
        reply = admin(door, ROUTES[0], headers=headers)
        equal(reply.status, 200, f"{headers}: {reply}")
        reply = admin(door, ROUTES[0], "HEAD", headers)
        equal((reply.status, reply.body), (200, b""), f"HEAD, {headers}")


@case
def admin_methods(door):
    for route in ROUTES:
        for method in ("POST", "PUT", "DELETE"):
            reply = door.ask(method, route, bearer(), b"x")
            check_json_error(reply, 405)
            equal(reply.header("allow"), "GET, HEAD", f"Allow of {route}")


@case
def admin_not_configured(door):
    """Twilio cannot be asked: which key to set."""
    for route in ("/monitor-call/CA" + "0" * 32, LIST):
        reply = admin(door, route)
        check_json_error(reply, 503)
        true(b"twilio.account_sid" in reply.body, f"the key: {reply}")


@case
def admin_call_from_log(door):
    sid = call_sid()
    call_status(door, sid, "ringing", SequenceNumber="0")
    call_status(door, sid, "completed", SequenceNumber="2", CallDuration="42")
    call_status(door, sid, "in-progress", SequenceNumber="1")
    call = get(door, f"/monitor-call/{sid}?source=log")
    equal({k: call[k] for k in ("sid", "status", "direction", "from", "to",
                                "duration")},
          {"sid": sid, "status": "completed", "direction": "inbound",
           "from": "+14155550100", "to": "+14155550199", "duration": "42"},
          "call")
    equal([(e["status"], e["sequence"]) for e in call["events"]],
          [("ringing", 0), ("in-progress", 1), ("completed", 2)], "events")
    check_json_error(admin(door, f"/monitor-call/{call_sid()}?source=log"),
                     404)
    check_json_error(admin(door, "/monitor-call/CA12?source=log"), 400)


@case
def admin_list_from_log(door):
    """Page by page, through what the web server does to a query."""
    sids = [call_sid() for _ in range(5)]
    for sid in sids:
        call_status(door, sid, "busy", Direction="outbound-dial")
    route = ("/batch-monitor-calls?source=log&status=busy&limit=2"
             "&direction=outbound-dial&start_date=2026-01-01T00:00:00+02:00"
             "&end_date=2100-01-01")
    seen, more = [], ""
    while True:
        page = get(door, route + more)
        equal(len(page["calls"]), page["count"], "count")
        seen += [c["sid"] for c in page["calls"]]
        if page["next_page_token"] is None:
            break
        more = "&page_token=" + page["next_page_token"]
    equal(seen, sids[::-1], "newest first, each once")
    check_json_error(admin(door, LIST + "&source=log&nothing=1"),
                     400, "nothing: no such parameter here")
