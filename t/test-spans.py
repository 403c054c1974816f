#!/usr/bin/python3
"""Spans of requests: what a collector gets of them, and that replies do not
wait for it."""
import http.server
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
import unittest

SRCDIR = os.environ.get("SRCDIR", ".")
BUILDDIR = os.environ.get("BUILDDIR", ".")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(SRCDIR, "t/e2e"))

# pylint: disable=wrong-import-position
import fastcgi
from cases import message, sid, tel
from outcome import patience
from servers import Directory, Process, clean_env, connects, free_port, wait_for
from twilio_sign import form, sign

TOKEN = "0123456789abcdef0123456789abcdef"
PUBLIC = "https://hooks.example.com"
PROGRAM = os.path.abspath(os.path.join(BUILDDIR, "switchhook.fcgi"))
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
W3C = f"00-{TRACE}-{PARENT}-01"


class Collector(http.server.ThreadingHTTPServer):
    """Takes what is posted; plays SQS besides."""

    daemon_threads = True
    code = 200

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.posts, self.connections = [], 0
        self.url = "http://127.0.0.1:%d" % self.server_port
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def get_request(self):
        self.connections += 1
        return super().get_request()

    def spans(self):
        """Every span that came to /v1/traces, in order."""
        out = []
        for path, headers, body in list(self.posts):
            if path == "/v1/traces":
                assert headers["Content-Type"] == "application/json"
                resource, = json.loads(body)["resourceSpans"]
                name = {"key": "service.name",
                        "value": {"stringValue": "switchhook"}}
                assert name in resource["resource"]["attributes"]
                scope, = resource["scopeSpans"]
                out += scope["spans"]
        return out


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((self.path, dict(self.headers), body))
        reply = b'{"MessageId":"m"}' if "X-Amz-Target" in self.headers else b""
        self.send_response(self.server.code)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *args):
        pass


def attributes(span):
    out = {}
    for a in span["attributes"]:
        (kind, value), = a["value"].items()
        out[a["key"]] = int(value) if kind == "intValue" else value
    return out


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = Directory()
        self.addCleanup(self.dir.remove)
        self.socket = self.dir("socket")
        self.process = None
        self.addCleanup(self.kill)

    def kill(self):
        if self.process and self.process.popen.poll() is None:
            self.process.popen.kill()
            self.process.popen.wait()

    def collector(self):
        c = Collector()
        self.addCleanup(c.server_close)
        self.addCleanup(c.shutdown)
        return c

    def configure(self, trace="", whatsapp=""):
        return self.dir.write("switchhook.conf", f"""
[server]
public_url = {PUBLIC}
log_target = {self.dir("log")}
log_format = json
[twilio]
auth_token = {TOKEN}
[whatsapp]
unknown_sender = ai
ai_delay = 0
{whatsapp}
[voice]
templates = {os.path.abspath(SRCDIR)}/templates
[store]
path = {self.dir("db")}
[trace]
{trace}
""")

    def start(self, trace="", whatsapp="", **env):
        conf = self.configure(trace, whatsapp)
        self.process = Process([PROGRAM, "-c", conf, "-s", self.socket],
                               self.dir("out"), env=clean_env(**env))
        self.process.wait_until(lambda: connects(self.socket), "the socket")

    def stop(self):
        """How long it took."""
        began = time.monotonic()
        self.assertEqual(self.process.stop(), 0, self.dir.read("out"))
        return time.monotonic() - began

    def get(self, path="/health", **headers):
        return fastcgi.ask(self.socket, fastcgi.request(
            [("REQUEST_METHOD", "GET"), ("PATH_INFO", path),
             ("REQUEST_URI", path), *headers.items()]))

    def post(self, fields, **headers):
        body = form(fields)
        return fastcgi.ask(self.socket, fastcgi.request(
            [("REQUEST_METHOD", "POST"), ("PATH_INFO", "/whatsapp"),
             ("REQUEST_URI", "/whatsapp"),
             ("CONTENT_TYPE", "application/x-www-form-urlencoded"),
             ("CONTENT_LENGTH", str(len(body))),
             ("HTTP_X_TWILIO_SIGNATURE",
              sign(TOKEN, PUBLIC + "/whatsapp", body)),
             *headers.items()], body))

    def dropped(self):
        """What the log has counted: otlp, ring_full; and reasons."""
        lines = [json.loads(line) for line in
                 self.dir.read("log").splitlines() if "dropped" in line]
        counts = [sum(line[k] for line in lines)
                  for k in ("otlp", "ring_full")]
        return counts, [line.get("reason") for line in lines]


class Arrives(Case):
    def test_span(self):
        collector = self.collector()
        self.start(f"otlp_url = {collector.url}/v1/traces")
        number = tel()
        fields = message(number, sid(), Body="Nobody else's business")
        began = time.time()
        self.assertEqual(
            self.post(fields, HTTP_TRACEPARENT=W3C).status, 200)
        self.assertEqual(self.get().status, 200)
        self.assertEqual(self.get("/nowhere/" + number).status, 404)
        ended = time.time()
        wait_for(lambda: len(collector.spans()) == 3, "three spans",
                 patience(10))
        for span in collector.spans():
            start = int(span["startTimeUnixNano"]) / 1e9
            end = int(span["endTimeUnixNano"]) / 1e9
            self.assertTrue(began - .01 <= start <= end <= ended + .01)
            self.assertEqual(span["kind"], 2)
        routed, health, nowhere = collector.spans()
        self.assertEqual(routed["name"], "POST /whatsapp")
        self.assertEqual(routed["traceId"], TRACE)
        self.assertEqual(routed["parentSpanId"], PARENT)
        got = attributes(routed)
        self.assertEqual(
            {k: v for k, v in got.items() if k != "outcome"},
            {"http.request.method": "POST", "http.route": "/whatsapp",
             "http.response.status_code": 200,
             "messaging.message.id": fields["MessageSid"]})
        logged = [json.loads(line) for line in
                  self.dir.read("log").splitlines()]
        self.assertIn(got["outcome"], [l.get("outcome") for l in logged])
        self.assertEqual(health["name"], "GET /health")
        self.assertNotIn("parentSpanId", health)
        self.assertLess(abs(int(health["traceId"][:8], 16) - began), 60)
        self.assertEqual(nowhere["name"], "GET")
        self.assertEqual(
            len({s["spanId"] for s in collector.spans()}), 3)
        everything = b"".join(p[2] for p in collector.posts)
        for private in (number[1:], "business", "O'Neil", TOKEN):
            self.assertNotIn(private.encode(), everything)
        self.assertLess(self.stop(), patience(1))
        self.assertEqual(self.dropped(), ([0, 0], []))

    def test_sampling(self):
        collector = self.collector()
        self.start(f"otlp_url = {collector.url}/v1/traces")
        self.get(HTTP_TRACEPARENT=W3C[:-1] + "0")
        root = "Root=1-5759e988-bd862e3fe1be46a994272793"
        self.get(HTTP_X_AMZN_TRACE_ID=root + ";Sampled=0")
        self.get("/ready", HTTP_X_AMZN_TRACE_ID=root)
        self.stop()
        span, = collector.spans()
        self.assertEqual(span["name"], "GET /ready")
        self.assertEqual(span["traceId"], root[5:].replace("-", "")[1:])

    def test_xray_is_retired(self):
        """The key is known, sends nothing, and says what to write."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
            daemon.bind(("127.0.0.1", 0))
            daemon.setblocking(False)
            self.start("xray = 127.0.0.1:%d" % daemon.getsockname()[1])
            self.assertEqual(self.get(HTTP_TRACEPARENT=W3C).status, 200)
            self.stop()
            with self.assertRaises(BlockingIOError):
                daemon.recv(1)
        log = self.dir.read("log")
        self.assertRegex(log, r"switchhook.conf:\d+: trace.xray: is not used "
                         "any more; .* trace.otlp_url")
        done = subprocess.run(
            [PROGRAM, "-c", self.dir("switchhook.conf"), "-t"],
            capture_output=True, timeout=60, check=False, env=clean_env())
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"trace.otlp_url", done.stderr)

    def test_children(self):
        """What goes on a queue is the span's child."""
        collector = self.collector()
        self.start(f"otlp_url = {collector.url}/v1/traces",
                   f"ai_queue = {collector.url}/000000000000/ai",
                   AWS_REGION="us-east-1", AWS_ACCESS_KEY_ID="AKIDTEST",
                   AWS_SECRET_ACCESS_KEY="secret-of-test",
                   AWS_ENDPOINT_URL=collector.url,
                   AWS_EC2_METADATA_DISABLED="true")
        self.assertEqual(self.post(message(tel(), sid()),
                                   HTTP_TRACEPARENT=W3C).status, 200)
        wait_for(lambda: collector.spans(), "the span", patience(10))
        span, = collector.spans()
        (_, headers, body), = [p for p in collector.posts
                               if p[0] != "/v1/traces"]
        self.assertEqual(headers["traceparent"],
                         f"00-{TRACE}-{span['spanId']}-01")
        header = json.loads(body)["MessageSystemAttributes"]["AWSTraceHeader"]
        self.assertEqual(
            header["StringValue"], f"Root=1-{TRACE[:8]}-{TRACE[8:]};"
            f"Parent={span['spanId']};Sampled=1")

    def test_stop_sends_the_rest(self):
        collector = self.collector()
        self.start(f"otlp_url = {collector.url}/v1/traces")
        for _ in range(20):
            self.get()
        self.assertLess(self.stop(), patience(1))
        self.assertEqual(len(collector.spans()), 20)

    def test_reload(self):
        """Spans of the old snapshot and of the new one arrive."""
        collector = self.collector()
        self.start(f"otlp_url = {collector.url}/v1/traces")
        self.get()
        self.process.kill(1)
        wait_for(lambda: "reload" in self.dir.read("log"), "the reload",
                 patience(10))
        self.get("/ready")
        wait_for(lambda: len(collector.spans()) == 2, "both", patience(10))

    def test_cgi(self):
        """A collector is not asked."""
        collector = self.collector()
        conf = self.configure(f"otlp_url = {collector.url}/v1/traces")
        done = subprocess.run(
            [PROGRAM], capture_output=True, timeout=60,
            check=False, stdin=subprocess.DEVNULL,
            env=clean_env(REQUEST_METHOD="GET", PATH_INFO="/health",
                          REQUEST_URI="/health", HTTP_TRACEPARENT=W3C,
                          SWITCHHOOK_CONF=conf))
        self.assertIn(b"200", done.stdout.splitlines()[0])
        self.assertEqual(collector.connections, 0)


class NobodyListens(Case):
    def time(self, n):
        """Median seconds of a reply."""
        took = []
        for _ in range(n):
            began = time.monotonic()
            self.assertEqual(self.get().status, 200)
            took.append(time.monotonic() - began)
        return statistics.median(took)

    def test_refused(self):
        n = 300
        self.start()
        without = self.time(n)
        self.stop()
        os.unlink(self.dir("log"))
        self.start(f"otlp_url = http://127.0.0.1:{free_port()}/v1/traces")
        took = self.time(n)
        print(f"\nnobody listens: {took * 1e6:.0f} us a reply, "
              f"{without * 1e6:.0f} us without spans")
        self.assertLess(took, 2 * without + .001)
        wait_for(lambda: self.dropped()[1], "the count", patience(10))
        self.assertLess(self.stop(), patience(1))
        counts, reasons = self.dropped()
        self.assertEqual(counts, [n, 0])
        self.assertLessEqual(len(reasons), 2)
        self.assertTrue(all(re.search("127.0.0.1|at the end", r) for r in reasons),
                        reasons)

    def test_hangs(self):
        """A collector that takes connections and says nothing."""
        n = 3000
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen(64)
            self.start("otlp_url = http://127.0.0.1:%d/" % s.getsockname()[1])
            took = self.time(n)
            self.assertLess(took, patience(.02))
            stopped = self.stop()
        print(f"\nit hangs: {took * 1e6:.0f} us a reply, stopped after "
              f"{stopped:.2f} s")
        self.assertLess(stopped, patience(1.6))
        counts, _ = self.dropped()
        self.assertEqual(sum(counts), n)

    def test_refuses(self):
        collector = self.collector()
        collector.code = 503
        self.start(f"otlp_url = {collector.url}/v1/traces")
        self.get()
        wait_for(lambda: self.dropped()[1], "the count", patience(10))
        self.assertEqual(self.dropped(),
                         ([1, 0], ["the collector answered 503"]))


if __name__ == "__main__":
    unittest.main()
