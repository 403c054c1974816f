#!/usr/bin/python3
"""test-ways.py: the ways through the program that HACKING.md describes are true.

usage: t/test-ways.py [-v]

Each "The way of ..." in HACKING.md is a list of steps: a file, a function in
it, what it does. Here the file must have the function, and a responder built
with -finstrument-functions must enter the functions in that order when it is
asked that way. -v prints every call, indented, as it happened.

With SWITCHHOOK_TEST_QUICK only the names are checked: nothing is built.
"""
import os
import re
import statistics
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "e2e"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import fastcgi
from outcome import Results, equal, true
from servers import BUILDDIR, SRCDIR, Directory, Process, clean_env, connects
from twilio_sign import form, sign

TIMES = 5  # what happens in some of them only is other threads' work
LEFT = 1 << 31
STEP = re.compile(r"^ +\d+ +(src/\S+\.[ch]) +(\w+)\b", re.M)

TOKEN = "0123456789abcdef0123456789abcdef"
ORIGIN = "https://hooks.example.com"
CONFIG = """\
[server]
public_url = {origin}
[twilio]
auth_token = {token}
[store]
path = {state}/switchhook.db
[voice]
templates = {templates}
"""

# The heading in HACKING.md, what is asked, and with which parameters.
WAYS = {
    "The way of a message": ("/whatsapp", lambda n: {
        "From": "whatsapp:+14155550100", "To": "whatsapp:+14155550123",
        "Body": "Hello", "NumMedia": "0", "AccountSid": "AC" + "1" * 32,
        "MessageSid": f"SM{n:032x}"}),
    "The way of a call": ("/handle-incoming-call/gather", lambda n: {
        "From": "+14155550100", "To": "+14155550123", "Direction": "inbound",
        "CallStatus": "ringing", "AccountSid": "AC" + "1" * 32,
        "CallSid": f"CA{n:032x}"}),
}


def steps_of(heading):
    """The (file, function) pairs below a heading of HACKING.md."""
    with open(os.path.join(SRCDIR, "HACKING.md"), encoding="utf-8") as f:
        text = f.read()
    _, found, rest = text.partition(f"\n## {heading}\n")
    true(found, f"HACKING.md has no section {heading!r}")
    return STEP.findall(rest.partition("\n## ")[0])


def definitions(function):
    """The files of src in which the function is defined."""
    found = subprocess.run(
        ["grep", "-rlE", rf"^{function}\(", "src", "--include=*.c"],
        cwd=SRCDIR, capture_output=True, text=True, check=False)
    return sorted(found.stdout.split())


def names_are_true(heading):
    steps = steps_of(heading)
    true(len(steps) >= 8, f"HACKING.md, {heading}: {len(steps)} steps found")
    for file, function in steps:
        where = definitions(function)
        true(file in where, f"HACKING.md, {heading}: {file} has no function "
             f"{function}; {' and '.join(where) or 'no file'} has")


def build():
    """The traced responder, by the Makefile of this build."""
    env = {k: v for k, v in os.environ.items()
           if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    done = subprocess.run(
        ["make", "-s", "-j2", "CFLAGS=-O0 -g", "t/ways/traced"],
        cwd=BUILDDIR, env=env, capture_output=True, text=True, check=False)
    equal(done.returncode, 0, done.stderr[-2000:])
    return os.path.join(BUILDDIR, "t/ways/traced")


class Names:
    """From a place in the program to its function and file."""

    def __init__(self, program):
        self.program = program
        out = subprocess.run(["nm", program], capture_output=True, text=True,
                             check=True).stdout
        self.base = int(re.search(r"(\w+) . __executable_start", out)[1], 16)
        self.known = {}

    def learn(self, places):
        new = sorted(places - self.known.keys())
        out = subprocess.run(
            ["addr2line", "-f", "-e", self.program],
            input="".join(f"{self.base + p:#x}\n" for p in new),
            capture_output=True, text=True, check=True).stdout.split("\n")
        for place, function, line in zip(new, out[::2], out[1::2]):
            file = re.sub(r".*?\b(src/\S+?):.*", r"\1", line)
            self.known[place] = (file, function)


class Responder:
    def __init__(self, program, directory):
        self.dir, self.names = directory, Names(program)
        self.trace = directory.write("trace", "")
        self.socket = directory("socket")
        os.mkdir(directory("state"))
        conf = directory.write("conf", CONFIG.format(
            origin=ORIGIN, token=TOKEN, state=directory("state"),
            templates=os.path.join(SRCDIR, "templates")))
        self.process = Process(
            [program, "-c", conf, "-s", f"unix:{self.socket}"],
            directory("log"), env=clean_env(TRACE_TO=self.trace))
        self.process.wait_until(lambda: connects(self.socket), "it listens")
        subprocess.run(
            [os.path.join(BUILDDIR, "switchhook"), "-c", conf, "conversation",
             "add", "--id", "ann", "--tel", "+14155550100"],
            env=clean_env(), check=True, timeout=60, capture_output=True)

    def ask(self, route, params):
        """Ask; the calls that it took: (thread, place, was left)."""
        body = form(params)
        began = os.path.getsize(self.trace)
        reply = fastcgi.ask(self.socket, fastcgi.request([
            ("REQUEST_METHOD", "POST"), ("REQUEST_URI", route),
            ("PATH_INFO", route), ("QUERY_STRING", ""),
            ("CONTENT_TYPE", "application/x-www-form-urlencoded"),
            ("CONTENT_LENGTH", str(len(body))), ("REMOTE_ADDR", "127.0.0.1"),
            ("HTTP_X_TWILIO_SIGNATURE",
             sign(TOKEN, ORIGIN + route, body)),
            ("SERVER_PROTOCOL", "HTTP/1.1")], body))
        equal(reply and reply.status, 200, self.dir.read("log")[-2000:])
        with open(self.trace, "rb") as f:
            f.seek(began)
            calls = [(t, f & ~LEFT, bool(f & LEFT))
                     for t, f in struct.iter_unpack("=II", f.read())]
        self.names.learn({place for _, place, _ in calls})
        return calls


def print_calls(calls, names):
    """Each with the number of its thread, counted as they appear."""
    depth = {}
    for thread, place, left in calls:
        level = depth.setdefault(thread, 0)
        if not left:
            file, function = names.known[place]
            print(f"{list(depth).index(thread)} {'  ' * level}{function}"
                  f"  {file}")
        depth[thread] = max(0, level + (-1 if left else 1))


def follow(responder, heading, verbose):
    """Ask some times, and check the order; the line that says how long the
    way is."""
    route, params = WAYS[heading]
    responder.ask(route, params(1000))  # opens what is opened once
    asked = [responder.ask(route, params(n)) for n in range(TIMES)]
    if verbose:
        print(heading)
        print_calls(asked[-1], responder.names)
    always = set.intersection(*({p for _, p, _ in a} for a in asked))
    known = responder.names.known
    calls = statistics.median(
        sum(not left and place in always for _, place, left in a)
        for a in asked)
    print(f"{heading}: {len({known[p][0] for p in always})} files, "
          f"{len(always)} functions, {calls:.0f} calls")
    first = {}
    for at, (_, place, left) in enumerate(asked[-1]):
        if not left and place in always:
            first.setdefault(known[place], at)
    steps = steps_of(heading)
    for step in steps:
        true(step in first, f"HACKING.md, {heading}: {step[1]} of {step[0]} "
             "is not called; t/test-ways.py -v prints what is")
    for one, two in zip(steps, steps[1:]):
        true(first[one] < first[two], f"HACKING.md, {heading}: {two[1]} is "
             f"entered before {one[1]}; t/test-ways.py -v prints the order")


def main():
    verbose = sys.argv[1:] == ["-v"]
    results = Results()
    for heading in WAYS:
        results.run(f"{heading}: names", names_are_true, heading)
    if not os.environ.get("SWITCHHOOK_TEST_QUICK"):
        directory = Directory()
        try:
            responder = Responder(build(), directory)
            try:
                for heading in WAYS:
                    results.run(heading, follow, responder, heading, verbose)
            finally:
                responder.process.stop()
        finally:
            directory.remove()
    print(results.summary())
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
