"""The ways in: each starts real servers, and asks in one and the same way."""
import json
import os
import shutil
import signal
import socket
import subprocess
import urllib.parse

import client
from servers import (BUILDDIR, SRCDIR, Directory, Process, apache, clean_env, connects,
                     example, free_port, need, nginx, wait_for)
from twilio_sign import sign

TOKEN = "0123456789abcdef0123456789abcdef"
PREVIOUS = "fedcba9876543210fedcba9876543210"
ADMIN = "an-admin-token-of-some-length-4711"
ORIGIN = "https://hooks.example.com"

CONFIG = """\
[server]
public_url = {public_url}
base_path = {base_path}
admin_token = {admin}
log_target = {log}
log_format = json
log_level = debug
console = {console}
{server}

[twilio]
auth_token = {token}
auth_token_previous = {previous}

[store]
path = {state}/switchhook.db

[voice]
templates = {templates}
{voice}
"""

# The rest of [voice], and what goes with it: voice_cases.py knows it.
VOICE = """\
operator_phone_number = (415) 555-0123
conversation_relay_url = wss://relay.example.com/a?b=1&c=2
welcome_greeting_url = Good "day", <Ann> & all
media_api_url = wss://media.example.com/stream

[menu]
3 = birthdate
4 = zip

[digits zip]
min_length = 5
max_length = 9

[values]
shop = Ann & Ben's <Shop>
"""


# What [digits zip] of the configuration needs.
ZIP = {
    "zip": '<Gather action="{process_url}" numDigits="5"'
           ' actionOnEmptyResult="true"><Say>Your zip code?</Say></Gather>',
    "zip-confirmation": '<Gather action="{confirm_url}" numDigits="1">'
                        "<Say>{spoken}, yes?</Say></Gather>"
                        "<Redirect>{retry_url}</Redirect>",
    "zip-confirmed": "<Say>Noted {spoken}.</Say><Hangup/>",
    "zip-invalid-input": "<Say>No.</Say><Redirect>{retry_url}</Redirect>",
    "zip-retry": "<Redirect>{retry_url}</Redirect>",
}


class Door:
    """A site of its own: configuration, database, binary, servers."""
    name = ""
    public_url = ORIGIN
    base_path = ""
    prefix = ""  # what stands before a route in the URL, not in base_path
    over_http = True
    several = False  # processes, each saving its counts once a second
    body_max = 1 << 20  # what the server in front lets through
    extra = ""  # further lines of [server]
    command = None  # where the operator's command was put by mistake
    voice = VOICE

    def __init__(self):
        self.dir = Directory()
        self.processes = []
        self.port = free_port()
        os.mkdir(self.dir("bin"))
        os.mkdir(self.dir("state"))
        # A web server's own user need not be able to read the build tree.
        for program in ("switchhook.fcgi", "switchhook"):
            shutil.copy(os.path.join(BUILDDIR, program), self.dir("bin"))
        shutil.copytree(os.path.join(SRCDIR, "templates"),
                        self.dir("templates"))
        shutil.copytree(os.path.join(SRCDIR, "console"), self.dir("console"))
        # A source tree may be read-only, as that of distcheck is.
        for folder in ("templates", "console"):
            os.chmod(self.dir(folder), 0o755)
        for name, text in ZIP.items():
            self.dir.write(f"templates/{name}.twiml.xml",
                           f"<Response>{text}</Response>")
        self.program = self.dir("bin/switchhook.fcgi")
        self.socket = self.dir("fcgi.sock")
        self.conf = self.dir.write("switchhook.conf", self.config())

    def config(self, **changes):
        values = {
            "public_url": self.public_url, "base_path": self.base_path,
            "log": self.dir("state/log"), "server": self.extra,
            "token": TOKEN, "admin": ADMIN, "previous": PREVIOUS, "voice": self.voice,
            "state": self.dir("state"), "templates": self.dir("templates"),
            "console": self.dir("console")}
        return CONFIG.format(**(values | changes))

    def start(self):
        """Start what it consists of."""

    def add(self, process):
        self.processes.append(process)
        return process

    def stop(self):
        """Stop all, the web server first; the exit statuses."""
        statuses = [p.stop() for p in reversed(self.processes)]
        self.processes = []
        return statuses

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        self.dir.remove()

    def target(self, route):
        """The path of a route in HTTP."""
        return self.base_path + self.prefix + route

    def url(self, route):
        """The URL as Twilio has it."""
        return self.public_url + self.prefix + route

    def ask(self, method, route, headers=(), body=None, **more):
        return client.ask(self.port, method, self.target(route), headers,
                          body, **more)

    def post(self, route, body, token=TOKEN, headers=(), **more):
        """A form, signed."""
        signed = [("X-Twilio-Signature", sign(token, self.url(route), body)),
                  ("Content-Type", "application/x-www-form-urlencoded")]
        return self.ask("POST", route, signed + list(headers), body, **more)

    def switchhook(self, *args):
        """The operator's command, which succeeds; its standard output."""
        done = self.run_switchhook(*args)
        assert done.returncode == 0, (args, done.returncode, done.stderr)
        return done.stdout.decode()

    def run_switchhook(self, *args, **env):
        # Files that it makes are to be those of the server's user.
        user = os.stat(self.dir("state"))
        who = {}
        if os.geteuid() == 0 and user.st_uid != 0:
            who = {"user": user.st_uid, "group": user.st_gid}
        return subprocess.run(
            [self.dir("bin/switchhook"), "-c", self.conf, *args],
            capture_output=True, env=clean_env(**env), timeout=60, check=False,
            **who)

    def rows(self, *args):
        lines = self.switchhook(*args, "--json").splitlines()
        return [json.loads(line) for line in lines]

    def queue(self, name):
        """What waits on a queue: rows with the body parsed."""
        rows = self.rows("queue", "peek", name, "--limit", "100000")
        for row in rows:
            row["body"] = json.loads(row["body"])
        return rows


def find(rows, sid):
    """Those of a MessageSid, in a form or a JSON object."""
    return [r for r in rows
            if r["body"]["twilio_message"].get("MessageSid") in (sid, [sid])]


class NginxFastcgi(Door):
    """nginx, and our own listener (-s)."""
    name = "nginx-fastcgi"

    def site(self):
        return example("nginx-fastcgi.conf", [
            ("unix:/run/switchhook/switchhook.sock", f"unix:{self.socket}")])

    def start_responder(self):
        self.responder = self.add(Process(
            [self.program, "-c", self.conf, "-s", f"unix:{self.socket}"],
            self.dir("responder.log")))
        self.responder.wait_until(lambda: connects(self.socket), "listening")

    def start(self):
        self.start_responder()
        self.add(nginx(self.dir, self.site(), self.port))


class NginxSpawnFcgi(NginxFastcgi):
    """Descriptor 0 from spawn-fcgi; below a path of its own."""
    name = "nginx-spawn-fcgi"
    base_path = "/twilio"
    public_url = ORIGIN + "/twilio"

    def site(self):
        return super().site().replace("location / {", "location /twilio/ {", 1)

    def start_responder(self):
        self.responder = self.add(Process(
            [need("spawn-fcgi"), "-n", "-s", self.socket, "-M", "0660", "--",
             self.program, "-c", self.conf], self.dir("responder.log")))
        self.responder.wait_until(lambda: connects(self.socket), "listening")


class NginxListenFds(NginxFastcgi):
    """A socket as systemd passes it: made once, kept over restarts."""
    name = "nginx-listen-fds"

    def __init__(self):
        super().__init__()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.socket)
        self.listener.listen(4096)

    def _pass(self):
        os.dup2(self.listener.fileno(), 3)
        for name in [n for n in os.environ if n.startswith("SWITCHHOOK_")]:
            del os.environ[name]
        os.environ["LISTEN_PID"] = str(os.getpid())
        os.environ["LISTEN_FDS"] = "1"

    def start_responder(self):
        # env None: the child's own environment, which _pass sets.
        with open(self.dir("responder.log"), "ab") as out:
            p = Process.__new__(Process)
            p.argv = [self.program, "-c", self.conf]
            p.stop_signal = signal.SIGTERM
            p.log = self.dir("responder.log")
            p.popen = subprocess.Popen(
                p.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                pass_fds=(3,), preexec_fn=self._pass, start_new_session=True)
            p.pid = p.popen.pid
        self.responder = self.add(p)
        p.wait_until(
            lambda: '"started"' in self.dir.read("state/log"), "started")

    def stop(self):
        statuses = super().stop()
        self.listener.close()
        return statuses


class NginxFcgiwrap(Door):
    """Plain CGI under nginx."""
    name = "nginx-fcgiwrap"
    command = "/the-command"

    def start(self):
        wrap = self.dir("fcgiwrap.sock")
        by_mistake = ("location = " + self.command + " {\n"
                      "fastcgi_param SCRIPT_FILENAME " +
                      self.dir("bin/switchhook") + ";\n"
                      "include fastcgi_params;\n"
                      f"fastcgi_pass unix:{wrap};\n}}\n")
        self.add(Process([need("fcgiwrap"), "-f", "-c", "4", "-s",
                          f"unix:{wrap}"], self.dir("fcgiwrap.log")))
        wait_for(lambda: connects(wrap), "fcgiwrap is up")
        self.add(nginx(self.dir, by_mistake + example("nginx-fcgiwrap.conf", [
            ("/usr/bin/switchhook.fcgi", self.program),
            ("/etc/switchhook/switchhook.conf", self.conf),
            ("unix:/run/fcgiwrap.socket", f"unix:{wrap}")]), self.port))


def fcgid_files(directory):
    return (f'FcgidIPCDir "{directory("state")}"\n'
            f'FcgidProcessTableFile "{directory("state/fcgid_shm")}"\n')


class ApacheFcgid(Door):
    """Apache starts it by mod_fcgid."""
    name = "apache-mod_fcgid"
    several = True
    directives = ""  # further ones

    def start(self):
        self.dir.give_to_web_user("state")
        self.add(apache(self.dir, example("apache-mod_fcgid.conf", [
            ("/usr/bin", self.dir("bin")),
            ("/etc/switchhook/switchhook.conf", self.conf)]),
            self.port, ["alias", "fcgid"],
            fcgid_files(self.dir) + self.directives))


class ApacheProxyFcgi(NginxFastcgi):
    """Apache passes on to a responder that runs by itself."""
    name = "apache-mod_proxy_fcgi"

    def start(self):
        self.dir.give_to_web_user("state")
        self.start_responder()
        self.dir.give_to_web_user("fcgi.sock", "state")
        self.add(apache(self.dir, example("apache-mod_proxy_fcgi.conf", [
            ("/run/switchhook/switchhook.sock", self.socket)]), self.port,
            ["env", "proxy", "proxy_fcgi"]))


class ApacheCgi(Door):
    """Plain CGI under Apache."""
    name = "apache-cgi"
    command = "/the-command"

    def start(self):
        self.dir.give_to_web_user("state")
        program = self.dir("bin/switchhook")
        by_mistake = (f'ScriptAlias "{self.command}" "{program}"\n'
                      f'<Directory "{self.dir("bin")}">\n'
                      '<Files "switchhook">\nRequire all granted\n</Files>\n'
                      '</Directory>\n')
        self.add(apache(self.dir, by_mistake + example("apache-cgi.conf", [
            ("/usr/bin", self.dir("bin")),
            ("/etc/switchhook/switchhook.conf", self.conf)]),
            self.port, ["alias", "env", "cgid"],
            f'ScriptSock "{self.dir("state/cgid.sock")}"'))


class ApacheHtaccess(Door):
    """Shared hosting: a folder, a .htaccess, the configuration beside the
    binary."""
    name = "apache-htaccess"
    several = True
    prefix = "/twilio"
    modules = ["rewrite", "mime", "fcgid"]
    # FcgidMaxRequestLen, which a .htaccess cannot set.
    body_max = 131072

    def main(self):
        return "TypesConfig /dev/null\n" + fcgid_files(self.dir)

    def start(self):
        folder = "htdocs/twilio"
        os.makedirs(self.dir(folder))
        shutil.copy(self.program, self.dir(folder))
        self.dir.write(f"{folder}/.htaccess", example("htaccess", []))
        self.dir.write(f"{folder}/switchhook.conf", self.config(), 0o600)
        self.dir.give_to_web_user("state", "htdocs")
        self.add(apache(self.dir, f"""
<Directory "{self.dir('htdocs')}">
	AllowOverride All
	Require all granted
</Directory>
""", self.port, self.modules, self.main()))


class ApacheHtaccessCgi(ApacheHtaccess):
    """The same where the host has no mod_fcgid."""
    name = "apache-htaccess-cgi"
    several = False
    modules = ["rewrite", "mime", "cgid"]

    def main(self):
        return ("TypesConfig /dev/null\n"
                f'ScriptSock "{self.dir("state/cgid.sock")}"')


class ByHand(Door):
    """CGI variables, and arguments as a web server makes them (RFC 3875,
    4.4) of a query without "="."""
    name = "by-hand"
    command = "/the-command"
    over_http = False

    def variables(self, method, target, headers):
        path, mark, query = target.partition("?")
        env = {"REQUEST_METHOD": method, "PATH_INFO": path,
               "REQUEST_URI": target, "QUERY_STRING": query if mark else "",
               "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_NAME": "localhost"}
        for name, value in headers:
            key = name.upper().replace("-", "_")
            if key != "CONTENT_TYPE":
                key = "HTTP_" + key
            # Repeated headers are joined, as RFC 3875 (4.1.18) has it.
            env[key] = f"{env[key]}, {value}" if key in env else value
        return env

    def run(self, env, body=b"", expected=0):
        query, program = env["QUERY_STRING"], self.program
        words = []
        if query and "=" not in query:
            words = [urllib.parse.unquote_to_bytes(w).replace(b"\0", b"?")
                     for w in query.split("+")]
        if env["PATH_INFO"] == self.command:
            program, expected = self.dir("bin/switchhook"), 2
        done = subprocess.run(
            [program, *words], input=body, capture_output=True,
            env=clean_env(SWITCHHOOK_CONF=self.conf, **env), timeout=60,
            check=False)
        assert done.returncode == expected, (done.returncode, done.stderr)
        return client.parse_cgi(done.stdout)

    def ask(self, method, route, headers=(), body=None, **more):
        env = self.variables(method, self.target(route), headers)
        if body is not None and not more.get("is_chunked"):
            env["CONTENT_LENGTH"] = str(more.get("length", len(body)))
        return self.run(env, body or b"")


ALL = [NginxFastcgi, NginxSpawnFcgi, NginxListenFds, NginxFcgiwrap,
       ApacheFcgid, ApacheProxyFcgi, ApacheCgi, ApacheHtaccess,
       ApacheHtaccessCgi, ByHand]
