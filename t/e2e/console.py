"""The page at /console: where its files are looked for, and what it does in a
browser."""
import json
import os
import shutil
import subprocess

from calls_mock import CallsMock
from cases import check_json_error, entries_of
from console_cases import FOLDER, TYPES, check_page, files
from doors import (ADMIN, TOKEN, ApacheHtaccess, ApacheHtaccessCgi, ByHand,
                   NginxFastcgi, NginxFcgiwrap, NginxSpawnFcgi)
from outcome import Skip, equal, true
from sdk import node_path
from servers import BUILDDIR, SRCDIR, need, wait_for

ANN = "anns-token-of-some-length-1234"
PAGE = "<!doctype html><title>another</title>"


def without(door, **changes):
    """The configuration without server.console."""
    return "".join(line for line in door.config(**changes).splitlines(True)
                   if not line.startswith("console ="))


def site(kind, make):
    """That door with a configuration of its own."""
    class Site(kind):
        def start(self):
            self.dir.write("switchhook.conf", make(self))
            super().start()
    return Site()


def beside_the_program(kind):
    """For shared hosting: where the usual folder is not there."""
    with site(kind, without) as door:
        if os.path.exists(usual(door)):
            return
        check_json_error(door.ask("GET", "/console"), 404)
        if kind is NginxFastcgi:
            door.stop()
        shutil.copytree(FOLDER, door.dir("bin/console"))
        if kind is NginxFastcgi:
            door.start()
        with open(os.path.join(FOLDER, "index.html"), "rb") as f:
            check_page(door.ask("GET", "/console"), f.read(), TYPES["html"])


def shared_hosting(kind):
    """The folder lies in what Apache shows, and is called like the route: with
    mod_dir there would be no end of redirections."""
    class Site(kind):
        modules = kind.modules + ["dir"]

        def config(self, **changes):
            return without(super(), **changes)

        def start(self):
            super().start()
            shutil.copytree(FOLDER, self.dir("htdocs/twilio/console"))

    with Site() as door:
        if os.path.exists(usual(door)):
            return
        for route, body, content_type in files():
            check_page(door.ask("GET", route), body, content_type)
        reply = door.ask("GET", "/console/")
        equal((reply.status, reply.header("location")), (308, "../console"),
              "with a slash")


def usual(door):
    shown = door.switchhook("check", "--show")
    return [line.rpartition(" = ")[2] for line in shown.splitlines()
            if "console = " in line][0]


def no_page(kind):
    """It is not wanted, or its folder is not there, of which check tells."""
    with site(kind, lambda d: d.config(console="")) as door:
        check_json_error(door.ask("GET", "/console"), 404)
        check_json_error(door.ask("GET", "/console/style.css"), 404)
        equal(door.run_switchhook("check").returncode, 0, "check")
    with site(kind, lambda d: d.config(console=d.dir("no"))) as door:
        reply = door.ask("GET", "/console")
        check_json_error(reply, 404)
        true(b"server.console" in reply.body, f"says what to set: {reply}")
        equal(door.ask("GET", "/health").status, 200, "the rest works")
        done = door.run_switchhook("check")
        equal(done.returncode, 3, f"{done}")
        true(f": server.console: {door.dir('no')}".encode() in done.stderr,
             f"{done.stderr}")


def read_at_a_reload():
    """The files are those of the start, all of one version, until then."""
    with NginxFastcgi() as door:
        first = door.ask("GET", "/console")
        door.dir.write("console/index.html", PAGE)
        equal(door.ask("GET", "/console").body, first.body, "before")
        door.responder.kill(1)
        wait_for(lambda: door.ask("GET", "/console").body != first.body,
                 "reloaded")
        check_page(door.ask("GET", "/console", [
            ("If-None-Match", first.header("etag"))]), PAGE.encode(),
            TYPES["html"])


def polling_is_quiet(kind):
    """What stays open all day and is answered 304 does not fill the log."""
    with kind() as door:
        def level(reply):
            line, = [line for line in entries_of(
                door.dir.read("state/log").splitlines())
                     if line.get("request_id") == reply.header("x-request-id")]
            return line["level"]

        first = door.ask("GET", "/console")
        equal(level(first), "info", "a request")
        again = door.ask("GET", "/console", [
            ("If-None-Match", first.header("etag"))])
        equal((again.status, level(again)), (304, "debug"), "nothing new")


# ---- in a browser


def node(script, *args, **env):
    """What a script of t/console says in its last line."""
    env = os.environ | env | {"NODE_PATH": node_path(),
                              "CHROMIUM": need("chromium")}
    packages = env["NODE_PATH"].split(":")
    for package in ("playwright-core", "axe-core"):
        if not any(os.path.isdir(os.path.join(p, package)) for p in packages):
            raise Skip(f"npm's {package} is not in NODE_PATH; "
                       "tools/npm-packages installs it")
    done = subprocess.run(
        [need("node"), os.path.join(SRCDIR, "t/console", script), *args],
        capture_output=True, env=env, timeout=600, check=False)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def page(results):
    """The cases of t/console/page.mjs; pictures are in t/console of the build
    tree."""
    said = []
    results.run("console: page.mjs", lambda: said.append(
        node("page.mjs", FOLDER, os.path.join(BUILDDIR, "t/console"))))
    for result in said:
        results.passed += result["passed"]
        for failure in result["failures"]:
            results.fail(f"console: page.mjs: {failure}")
            print(results.failures[-1])


class OwnAddress:
    """A site that is called where it listens, by a browser and by Twilio."""

    @property
    def public_url(self):
        return f"http://127.0.0.1:{self.port}{self.base_path}"

    def config(self, **changes):
        return super().config(**changes).replace(
            "[twilio]", "[twilio]\n" + self.mock.settings()) + \
            f"\n[agents]\nann = {ANN}\n"


def real(kind):
    """A message comes in, is taken over, answered, handed back."""
    with CallsMock(0) as mock:
        mock.set(statuses=[["sent", 50], ["delivered", 300]])
        site = type(kind.__name__, (OwnAddress, kind), {"mock": mock})
        with site() as door:
            said = node("real.mjs", json.dumps({
                "url": door.public_url, "twilio": TOKEN, "admin": ADMIN,
                "agent": ANN, "slow": kind is NginxFcgiwrap}))
            equal(said["failures"], [], "in the browser")
        mock.check()


def suite(results):
    for kind in (NginxFastcgi, ByHand):
        for fn in (beside_the_program, no_page, polling_is_quiet):
            results.run(f"console, {kind.name}: {fn.__name__}", fn, kind)
    for kind in (ApacheHtaccess, ApacheHtaccessCgi):
        results.run(f"console, {kind.name}: shared_hosting", shared_hosting,
                    kind)
    results.run("console: read_at_a_reload", read_at_a_reload)
    page(results)
    for kind in (NginxFastcgi, NginxFcgiwrap, NginxSpawnFcgi):
        results.run(f"console, {kind.name}: real", real, kind)
