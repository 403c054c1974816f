"""What is wrong gets its status, crashes nothing and holds up nobody."""
import os
import random
import re
import socket
import threading
import time

import client
import fastcgi
from cases import check_twiml, message, sid, tel
from doors import TOKEN, NginxFastcgi
from outcome import equal, patience, slow, true
from twilio_sign import form, sign

FORM = "application/x-www-form-urlencoded"


def variables(door, body, method="POST", by=TOKEN, **more):
    """CGI variables of a signed message, as a list of pairs."""
    params = {"REQUEST_METHOD": method, "REQUEST_URI": "/whatsapp",
              "CONTENT_TYPE": FORM, "CONTENT_LENGTH": str(len(body)),
              "HTTP_X_TWILIO_SIGNATURE":
              sign(by, door.url("/whatsapp"), body)}
    return list((params | more).items())


def a_message():
    return form(message(tel(), sid()))


def check_alive(door):
    """It is the same process, and answers at once."""
    true(door.responder.popen.poll() is None, "the responder lives")
    began = time.monotonic()
    equal(door.ask("GET", "/health").status, 200, "health")
    took = time.monotonic() - began
    true(took < patience(1), f"answered after {took:.3f} s")


def escapes_and_nul(door):
    for tail, status in [(b"&x=%zz", 400), (b"&x=%", 400), (b"&x=\0", 200),
                         (b"&x=%00", 200), (b"&%00=1", 200),
                         (b"&\0\xff\xfe=\x01", 200)]:
        reply = door.post("/whatsapp", a_message() + tail)
        equal(reply.status, status, f"status for {tail}")
    bad_from = form(message(tel(), sid(), From="whatsapp:+1415\x00555"))
    equal(door.post("/whatsapp", bad_from).status, 400, "NUL in From")


def ticks(pid):
    """Processor time of a process, in seconds."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def most_memory(pid, since_now=False):
    """Resident, in kB: the most so far, or from now on."""
    if since_now:
        with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as f:
            f.write("5")
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))


class OneThread(NginxFastcgi):
    extra = "threads = 1"


def forged_forms():
    """What is not signed costs little, and keeps nobody waiting, however many
    parameters it has and whatever signature it shows."""
    with OneThread() as door:
        flood_with_forms(door)


def flood_with_forms(door):
    pid = door.responder.pid
    big = (b"a&b&" * (1 << 18))[:1 << 20]
    typed = ("Content-Type", FORM)
    forged = ("X-Twilio-Signature", "A" * 27 + "=")
    for body, headers, status in [
            (big, [typed], 401), (big, [typed, forged], 413),
            (big[:100 << 10], [typed], 401),
            (big[:100 << 10], [typed, forged], 413)]:
        door.ask("POST", "/whatsapp", headers, body)
        cpu, memory = ticks(pid), most_memory(pid, since_now=True)
        got, health = [], []
        over = threading.Event()

        def ask():
            got.append(door.ask("POST", "/whatsapp", headers, body).status)

        def watch():
            while not over.is_set():
                began = time.monotonic()
                equal(door.ask("GET", "/health").status, 200, "health")
                health.append(1000 * (time.monotonic() - began))

        watcher = threading.Thread(target=watch)
        askers = [threading.Thread(target=ask) for _ in range(16)]
        for t in [watcher] + askers:
            t.start()
        for t in askers:
            t.join()
        over.set()
        watcher.join()
        equal(got, [status] * 16, "statuses")
        cpu, memory = ticks(pid) - cpu, most_memory(pid) - memory
        print(f"      16 of {len(body)} bytes, {status}: {1000 * cpu:.0f} ms "
              f"of CPU, {memory} kB, /health in {max(health):.0f} ms at most")
        if slow():
            continue  # a sanitizer's time and memory are its own
        # 10 ms is one tick; /health takes its part as well.
        true(cpu <= 0.1, f"{cpu} s of CPU")
        true(memory <= 2048, f"{memory} kB")
        true(sorted(health)[len(health) // 2] < patience(50), "/health waited")
    check_alive(door)


def lengths(door):
    """What announced and sent bodies have to do with each other."""
    body = a_message()
    for given, status in [(str(len(body) + 1), 400), (str(len(body) - 1), 400),
                          ("", 200), ("+9", 400), ("9 ", 400), ("0x9", 400),
                          ("-1", 400), ("1" * 30, 413), ("0", 400)]:
        reply = fastcgi.ask(door.socket, fastcgi.request(
            variables(door, body, CONTENT_LENGTH=given), body))
        equal(reply.status, status, f"CONTENT_LENGTH {given!r}")
    params = [p for p in variables(door, body) if p[0] != "CONTENT_LENGTH"]
    reply = fastcgi.ask(door.socket, fastcgi.request(params, body))
    equal(reply.status, 200, "no CONTENT_LENGTH")
    # An unsigned one is told nothing about its length.
    reply = fastcgi.ask(door.socket, fastcgi.request(variables(
        door, body, CONTENT_LENGTH="1", HTTP_X_TWILIO_SIGNATURE=""), body))
    equal(reply.status, 401, "unsigned")


def no_method(door):
    for params in [[], [("FCGI_ROLE", "RESPONDER")], [("REQUEST_METHOD", "")],
                   [("REQUEST_METHOD", "GET")],
                   [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "*")],
                   [("REQUEST_METHOD", "GET"), ("PATH_INFO", "health")],
                   [("REQUEST_METHOD", "GET"), ("PATH_INFO", "/a\nb")]]:
        reply = fastcgi.ask(door.socket, fastcgi.request(params))
        equal(reply.status, 400, f"{params}")
        true(reply.header("x-request-id"), "X-Request-Id")


def begin_then_nothing(door):
    for data in [b"", fastcgi.begin(), fastcgi.begin() +
                 fastcgi.record(fastcgi.PARAMS)]:
        reply = fastcgi.ask(door.socket, data, half_close=True)
        true(reply is None or reply.status == 400, f"{reply}")
        check_alive(door)


def signature_twice(door):
    body = a_message()
    params = variables(door, body)
    again = [p for p in params if p[0] == "HTTP_X_TWILIO_SIGNATURE"]
    reply = fastcgi.ask(door.socket, fastcgi.request(params + again, body))
    equal(reply.status, 401, "twice")


def bad_parameters(door):
    """Lengths beyond what is there, and a NUL that would cut a value."""
    huge = b"\xff\xff\xff\xff\xff\xff\xff\xff"
    for content in [huge, b"\xff\xff\xff\xff\x80\0\0\1", b"\1\xff\xff\xff\xf0a",
                    b"\5\5abc"]:
        data = fastcgi.begin() + fastcgi.stream(fastcgi.PARAMS, content) + \
            fastcgi.record(fastcgi.STDIN)
        equal(fastcgi.ask(door.socket, data), None, f"{content}")
    body = a_message()
    right = sign(TOKEN, door.url("/whatsapp"), body)
    params = variables(door, body, HTTP_X_TWILIO_SIGNATURE=right + "\0x")
    equal(fastcgi.ask(door.socket, fastcgi.request(params, body)), None,
          "NUL behind a right signature")
    params = variables(door, body) + [("X", "y" * 100000)]
    equal(fastcgi.ask(door.socket, fastcgi.request(params, body)), None,
          "parameters without end")
    check_alive(door)


def half_sent(door):
    """Every request cut somewhere: at the ends of records, and between."""
    body = a_message()
    whole = fastcgi.request(variables(door, body), body)
    rng = random.Random(1)
    cuts = {8, 16, 24, len(whole) - 8, len(whole) - 1} | {
        rng.randrange(len(whole)) for _ in range(60)}
    for cut in sorted(cuts):
        reply = fastcgi.ask(door.socket, whole[:cut], half_close=True)
        true(reply is None or reply.status in (400, 401),
             f"cut at {cut}: {reply}")
    check_alive(door)


def garbage(door):
    """Requests with some bytes changed: whatever comes, it is no crash."""
    body = a_message()
    whole = fastcgi.request(variables(door, body), body)
    rng = random.Random(2)
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        fastcgi.ask(door.socket, bytes(data), half_close=True)
    for data in [b"GET / HTTP/1.1\r\n\r\n", b"\0" * 100, b"\xff" * 70000,
                 fastcgi.begin(role=2), fastcgi.begin() * 2,
                 fastcgi.record(9, fastcgi.param("FCGI_MAX_CONNS", "")),
                 fastcgi.record(fastcgi.ABORT),
                 fastcgi.begin() + fastcgi.stream(fastcgi.PARAMS, b"") +
                 fastcgi.record(fastcgi.ABORT)]:
        fastcgi.ask(door.socket, data, half_close=True)
    check_alive(door)


def kept_connection(door):
    """One request after another; a broken one ends it."""
    with fastcgi.connect(door.socket) as s:
        for _ in range(5):
            body = a_message()
            s.sendall(fastcgi.request(variables(door, body), body, keep=True))
            check_twiml(fastcgi.read_reply(s))
        s.sendall(fastcgi.request(variables(door, b"", method="GET",
                                            REQUEST_URI="/health")))
        equal(fastcgi.read_reply(s).status, 200, "the last one")
        equal(s.recv(1), b"", "then it is closed")


def two_at_once(door):
    """A second request beside one that is being sent has to go elsewhere; one
    that comes behind it waits its turn."""
    health = list({"REQUEST_METHOD": "GET",
                   "REQUEST_URI": "/health"}.items())
    body = a_message()
    first = fastcgi.request(variables(door, body), body, keep=True)
    with fastcgi.connect(door.socket) as s:
        s.sendall(first[:-8])
        s.sendall(fastcgi.begin(keep=True, request_id=2))
        equal(fastcgi.read_record(s), (fastcgi.END, 2, fastcgi.CANT_MPX),
              "the second")
        s.sendall(fastcgi.record(fastcgi.PARAMS, request_id=2) +
                  fastcgi.record(fastcgi.STDIN, request_id=2) + first[-8:])
        check_twiml(fastcgi.read_reply(s))
        s.sendall(fastcgi.request(health, keep=True) * 3)
        for _ in range(3):
            equal(fastcgi.read_reply(s).status, 200, "one behind the other")
    check_alive(door)


def management(door):
    """What is asked about us, and what we cannot do."""
    wanted = fastcgi.param("FCGI_MPXS_CONNS", "") + \
        fastcgi.param("FCGI_MAX_CONNS", "")
    with fastcgi.connect(door.socket) as s:
        s.sendall(fastcgi.record(9, wanted, request_id=0))
        kind, _, content = fastcgi.read_record(s)
        equal(kind, 10, "FCGI_GET_VALUES_RESULT")
        true(fastcgi.param("FCGI_MPXS_CONNS", "0") in content, f"{content}")
        true(b"FCGI_MAX_CONNS" in content, f"{content}")
        s.sendall(fastcgi.record(77, b"abc", request_id=0))
        equal(fastcgi.read_record(s), (11, 0, b"\x4d" + b"\0" * 7),
              "FCGI_UNKNOWN_TYPE")
        s.sendall(fastcgi.begin(role=2, keep=True))
        equal(fastcgi.read_record(s), (fastcgi.END, 1, fastcgi.UNKNOWN_ROLE),
              "an authorizer")
        s.sendall(fastcgi.begin(keep=True) + fastcgi.record(fastcgi.ABORT))
        equal(fastcgi.read_reply(s), None, "aborted")
        body = a_message()
        s.sendall(fastcgi.request(variables(door, body), body))
        check_twiml(fastcgi.read_reply(s))
        equal(s.recv(1), b"", "then it is closed")


def raw_http(door):
    """Half-sent and odd HTTP: the server in front deals with it, and what it
    passes on is harmless."""
    for data in [b"GET /health HTTP/1.1\r\nHost: x\r\n",
                 b"POST /whatsapp HTTP/1.1\r\nHost: x\r\n"
                 b"Content-Length: 100\r\n\r\nhalf",
                 b"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET /health%zz HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET /whatsapp#x HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET http://other/health HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET /../whatsapp HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET //health HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"\x16\x03\x01\x02\x00\x01\x00"]:
        with socket.create_connection(("127.0.0.1", door.port), 10) as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            try:
                answer = client.read_all(s)
            except ConnectionResetError:
                answer = b""
        true(b" 500 " not in answer and b" 502 " not in answer,
             f"{data[:60]}: {answer[:100]}")
    check_alive(door)


class Background:
    """Peers that are slow in one way or another, until stopped."""

    def __init__(self, peer, count):
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(peer,))
                        for _ in range(count)]

    def _run(self, peer):
        while not self.over.is_set():
            try:
                peer(self.over)
            except OSError:
                self.over.wait(0.05)

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for t in self.threads:
            t.join()


def latencies(door, count=60):
    out = []
    for _ in range(count):
        body = a_message()
        began = time.monotonic()
        check_twiml(door.post("/whatsapp", body))
        out.append(1000 * (time.monotonic() - began))
    return sorted(out)


def trickle(data, every):
    """A peer that sends a byte at a time."""
    def peer(over, connect):
        with connect() as s:
            for i in range(len(data)):
                s.sendall(data[i:i + 1])
                if over.wait(every):
                    return
            over.wait(5)
    return peer


def slow_peers(door):
    """The time of a message with 64 slow peers around, beside that without."""
    body = a_message()
    records = fastcgi.request(variables(door, body), body)
    head = fastcgi.request(variables(door, body), b"")[:-8]
    http = client.head_of("POST", "/whatsapp", [
        ("Host", "x"), ("Content-Length", "1000")]) + b"x" * 900

    def unix():
        return fastcgi.connect(door.socket)

    def tcp():
        return socket.create_connection(("127.0.0.1", door.port), 10)

    def silent(over):
        with unix():
            over.wait(5)

    def headed(over):
        """All but the body."""
        with unix() as s:
            s.sendall(head)
            over.wait(5)

    kinds = {
        "silent": (silent, 64),
        "trickling": (lambda over: trickle(records, 0.02)(over, unix), 64),
        "without body": (headed, 40),
        "slow over HTTP": (lambda over: trickle(http, 0.02)(over, tcp), 64),
    }
    alone = latencies(door)
    middle = len(alone) // 2
    print(f"      alone: {alone[middle]:.1f} ms, slowest {alone[-1]:.1f} ms")
    for name, (peer, count) in kinds.items():
        with Background(peer, count):
            time.sleep(1.5)
            beside = latencies(door)
        print(f"      beside {count} {name}: {beside[middle]:.1f} ms, "
              f"slowest {beside[-1]:.1f} ms")
        true(beside[middle] < alone[middle] + 250 * patience(1),
             f"{name}: median")
        true(beside[-1] < 1000 * patience(2), f"{name}: slowest")
    check_alive(door)


def more_slow_bodies_than_workers(door):
    """No worker waits for any of them, and every peer is answered."""
    body = b"x" * 90000
    whole = fastcgi.request(variables(door, body), body)
    peers = []
    for sent in (300, 1000, 80000) * 30:
        peers.append(fastcgi.connect(door.socket))
        peers[-1].sendall(whole[:len(whole) - len(body) + sent])
    end = time.monotonic() + 4
    while time.monotonic() < end:
        began = time.monotonic()
        check_twiml(door.post("/whatsapp", a_message()))
        took = time.monotonic() - began
        true(took < patience(2), f"waited {took:.1f} s")
        for s in peers:
            try:
                s.sendall(b"x")
            except OSError:
                pass  # told already that it takes too long
        time.sleep(0.1)
    for s in peers:
        s.settimeout(30)
        equal(fastcgi.read_reply(s).status, 400, "of a body cut short")
        s.close()
    check_alive(door)


CASES = [escapes_and_nul, lengths, no_method,
         begin_then_nothing, signature_twice, bad_parameters, half_sent,
         garbage, kept_connection, two_at_once, management, raw_http,
         slow_peers, more_slow_bodies_than_workers]


def suite(results):
    results.run("malformed: forged_forms", forged_forms)
    with NginxFastcgi() as door:
        for case in CASES:
            results.run(f"malformed: {case.__name__}", case, door)
        results.run("malformed: ends well",
                    lambda: equal(door.stop()[-1], 0, "exit status"))
