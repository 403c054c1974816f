"""The page at /console, as every door has to serve it. A case is a function of
a door."""
import os
import re

from cases import check_json_error
from outcome import equal, true
from servers import SRCDIR

CASES = []
FOLDER = os.path.join(SRCDIR, "console")
TYPES = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8",
         "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
HEADERS = {
    "content-security-policy":
        "default-src 'self'; media-src 'self' blob:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff", "referrer-policy": "no-referrer",
    "cache-control": "no-cache"}


def case(fn):
    CASES.append(fn)
    return fn


def files():
    """Routes of the page, and what is to be answered there."""
    for name in sorted(os.listdir(FOLDER)):
        with open(os.path.join(FOLDER, name), "rb") as f:
            yield ("/console" if name == "index.html" else f"/console/{name}",
                   f.read(), TYPES[name.rpartition(".")[2]])


def check_page(reply, body, kind):
    equal(reply.status, 200, f"{reply}")
    equal(reply.body, body, "body")
    equal(reply.header("content-type"), kind, "type")
    for name, value in HEADERS.items():
        equal(reply.header(name), value, name)


@case
def console_files(door):
    for route, body, kind in files():
        check_page(door.ask("GET", route), body, kind)
        check_page(door.ask("HEAD", route), b"", kind)


@case
def console_not_modified(door):
    for route, body, kind in files():
        tag = door.ask("GET", route).header("etag")
        true(re.fullmatch(r'"[0-9a-f]{32}"', tag), tag)
        for given in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            for method in ("GET", "HEAD"):
                reply = door.ask(method, route, [("If-None-Match", given)])
                equal((reply.status, reply.body, reply.header("etag")),
                      (304, b"", tag), f"{given}: {reply}")
        for given in ('"x"', tag[1:-1], '"' + tag[2:]):
            check_page(door.ask("GET", route, [("If-None-Match", given)]),
                       body, kind)


@case
def console_with_a_slash(door):
    """Relative links would lead astray behind it."""
    for method in ("GET", "HEAD"):
        reply = door.ask(method, "/console/")
        equal((reply.status, reply.body), (308, b""), f"{reply}")
        equal(reply.header("location"), "../console", "Location")


@case
def console_of_nothing_else(door):
    for name in ("nothing.js", "index.html", ".hidden", "a/b.js",
                 "style.css.gz", "x" * 80):
        check_json_error(door.ask("GET", f"/console/{name}"), 404)
    for route in ("/console", "/console/style.css"):
        for method in ("POST", "PUT", "DELETE"):
            reply = door.ask(method, route, body=b"")
            check_json_error(reply, 405)
            equal(reply.header("allow"), "GET, HEAD", "Allow")
