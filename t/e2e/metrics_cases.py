"""What every door must count, in whatever processes it answers."""
import threading

from cases import check_json_error, check_twiml, message, sid, tel
from doors import ADMIN
from metrics_page import check, page_of
from outcome import equal, true
from twilio_sign import form

CASES = []


def case(fn):
    CASES.append(fn)
    return fn


def requests(route, status, n):
    return {("requests_total", (route, str(status))): n}


def durations(route, n):
    return {("request_duration_seconds_count", (route,)): n}


@case
def metrics_are_counted(door):
    number = tel()
    before = page_of(door)
    for _ in range(3):
        equal(door.ask("GET", "/health").status, 200, "health")
    equal(door.ask("HEAD", "/health").status, 200, "HEAD")
    equal(door.ask("POST", "/health", body=b"").status, 405, "POST")
    fields = message(number, sid())
    for _ in range(3):
        check_twiml(door.post("/whatsapp", form(fields)))
    check_twiml(door.post("/whatsapp", form(message(number, sid()))))
    check_json_error(door.post("/whatsapp", form(fields), token="x" * 32), 401)
    check_json_error(door.ask("POST", "/whatsapp", body=form(fields)), 401)
    check_json_error(door.ask("GET", "/nothing"), 404)
    for status in ("sent", "sent", "read"):
        reply = door.post("/whatsapp/status", form(
            {"MessageSid": fields["MessageSid"], "MessageStatus": status}))
        equal(reply.status, 204, "status callback")
    call = form({"CallSid": "CA" + fields["MessageSid"][2:],
                 "CallStatus": "busy", "From": number})
    equal(door.post("/call-status", call).status, 204, "call status")
    check_json_error(door.ask("GET", "/metrics"), 401)
    after = page_of(door)
    equal(after.since(before),
          requests("/health", 200, 4) | requests("/health", 405, 1) |
          requests("/whatsapp", 200, 4) | requests("/whatsapp", 401, 2) |
          requests("none", 404, 1) | requests("/whatsapp/status", 204, 3) |
          requests("/call-status", 204, 1) | requests("/metrics", 401, 1) |
          requests("/metrics", 200, 1) |
          durations("/health", 5) | durations("/whatsapp", 6) |
          durations("none", 1) | durations("/whatsapp/status", 3) |
          durations("/call-status", 1) | durations("/metrics", 2) |
          {("messages_total", ("unrouted",)): 2,
           ("messages_total", ("duplicate",)): 2,
           ("message_events_total", ("sent",)): 1,
           ("message_events_total", ("read",)): 1,
           ("call_events_total", ("busy",)): 1,
           ("signature_failures_total", ("wrong", "refused")): 1,
           ("signature_failures_total", ("missing", "refused")): 1},
          "what was counted")
    equal(after("queue_messages", "sqlite:unrouted", "ready") -
          before("queue_messages", "sqlite:unrouted", "ready"), 2, "waiting")
    true(after("queue_oldest_age_seconds", "sqlite:unrouted") > 0, "age")
    true(0 <= after("last_webhook_age_seconds") < 60, "last webhook")
    equal((after("store_up"), after("metrics_shared")), (1, 1), "up, shared")
    true(number[1:] not in after.text and "4155238886" not in after.text,
         "no number is shown")
    check(after.text)


@case
def metrics_head(door):
    reply = door.ask("HEAD", "/metrics", [("X-Api-Key", ADMIN)])
    equal((reply.status, reply.body), (200, b""), "HEAD")


@case
def metrics_of_many_at_once(door):
    """Whatever processes the web server starts for it: none is missed."""
    before = page_of(door)
    wrong = []

    def ask():
        for _ in range(5):
            reply = door.ask("GET", "/health")
            if reply.status != 200:
                wrong.append(reply)
        reply = door.post("/whatsapp", form(message(tel(), sid())))
        if reply.status != 200:
            wrong.append(reply)

    def burst():
        threads = [threading.Thread(target=ask) for _ in range(6)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        # mod_fcgid starts another process when all are found busy.
        return door.name != "apache-mod_fcgid" or \
            door.dir.read("state/log").count('"started"') > 1

    n = 1
    while not burst():
        true(n < 50, "several processes")
        n += 1
    equal(wrong, [], "replies")
    equal(page_of(door).since(before),
          requests("/health", 200, 30 * n) | requests("/whatsapp", 200, 6 * n) |
          requests("/metrics", 200, 1) | durations("/health", 30 * n) |
          durations("/whatsapp", 6 * n) | durations("/metrics", 1) |
          {("messages_total", ("unrouted",)): 6 * n}, "what was counted")
