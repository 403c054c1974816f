"""Twilio's Calls and Messages API for a suite: t/calls/mock.cjs as a child.

    with CallsMock() as mock:
        conf = mock.settings()              # lines for [twilio]
        mock.set(script=["503", "429:7"])   # the next two requests
        mock.set(always="hang")             # and all the others
        mock.calls()                        # all calls, newest first
        mock.set(message_script=["taken:500", "refuse:21610"])
        mock.messages()                     # all that were created, newest first
        mock.status(sid, "delivered")       # its callback comes, signed
        mock.check()                        # fails on requests unknown to Twilio
        mock.reset()
"""
import base64
import json
import os
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from outcome import Skip, equal
from servers import (BUILDDIR, SRCDIR, Directory, Process, clean_env, need)

ACCOUNT = "AC00000000000000000000000000000001"
TOKEN = "0123456789abcdef0123456789abcdef"
API_KEY = "SK00000000000000000000000000000001"
API_SECRET = "the-secret-of-an-api-key"


def node_path():
    for path in [os.environ.get("NODE_PATH"),
                 os.path.join(BUILDDIR, "t/node_modules"),
                 os.path.join(SRCDIR, "t/node_modules")]:
        if path and os.path.isdir(os.path.join(path, "ajv")):
            return path
    raise Skip("npm's ajv is not in NODE_PATH or t/node_modules; "
               "tools/npm-packages installs it")


class CallsMock:
    """n calls, always the same ones for the same seed."""

    def __init__(self, n=3000, seed=1):
        self.dir = Directory()
        out = self.dir("port")
        self.process = Process(
            ["sh", "-c", f"exec \"$0\" \"$1\" {n} {seed} >'{out}'",
             need("node"), os.path.join(SRCDIR, "t/calls/mock.cjs")],
            self.dir("log"), stdin=subprocess.PIPE,
            env=clean_env(NODE_PATH=node_path(), NODE_NO_WARNINGS="1"))
        self.process.wait_until(
            lambda: self.dir.read("port").endswith("\n"), "the mock is up")
        self.port = int(self.dir.read("port"))
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.process.stop()
        self.dir.remove()

    def settings(self):
        return f"api_url = {self.url}\naccount_sid = {ACCOUNT}\n"

    def _control(self, path="/control", body=None):
        data = None if body is None else json.dumps(body).encode()
        # No proxy of the environment's.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.url + path, data, timeout=60) as f:
            return json.load(f)

    def set(self, **state):
        return self._control(body=state)

    def reset(self):
        return self.set(reset=True)

    def state(self):
        """See `fresh` in mock.cjs."""
        return self._control()

    def calls(self):
        """All calls, newest first, as FetchCall gives each."""
        return self._control("/control/calls")

    def messages(self):
        """All messages, newest first, as FetchMessage gives each, and its
        status_callback and media."""
        return self._control("/control/messages")

    def add_message(self, **parameters):
        """As a request of another program's would; the message."""
        return self._control(body={"add_message": parameters})

    def status(self, sid, status, error_code=None, send=True):
        """The next status of a message. Its callback is posted, "answer" is
        the HTTP code (0: none came), or only made: {"url", "body",
        "signature"}."""
        return self._control(body={"status": {
            "sid": sid, "status": status, "error_code": error_code,
            "send": send}})

    def check(self):
        """All requests so far were ones of Twilio's OpenAPI description."""
        equal(self.state()["violations"], [], "requests unknown to Twilio")

    def get(self, uri, form=None):
        """Ask as a user of Twilio's would, or, with a form, post: (HTTP code,
        JSON)."""
        data = form and urllib.parse.urlencode(form, doseq=True).encode()
        request = urllib.request.Request(self.url + uri, data)
        pair = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        request.add_header("Authorization", "Basic " + pair)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as f:
                return f.status, json.load(f)
        except urllib.error.HTTPError as e:
            return e.code, json.load(e)

    def page(self, **query):
        """A page of the list, by Twilio's names of its parameters."""
        return self.get(f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json?" +
                        urllib.parse.urlencode(query))
