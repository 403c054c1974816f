"""Starting real servers on free ports of 127.0.0.1, in a directory of their
own, and stopping them by pid."""
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from outcome import Skip

SRCDIR = os.environ.get(
    "SRCDIR", os.path.abspath(os.path.join(os.path.dirname(__file__), "../..")))
BUILDDIR = os.environ.get("BUILDDIR", os.getcwd())

# Apache's workers cannot be root; nothing else changes its user.
WEB_USER = "www-data"


def need(program):
    path = shutil.which(program, path=os.environ.get("PATH", "") +
                        ":/usr/sbin:/sbin:/usr/local/sbin")
    if path is None:
        raise Skip(f"{program} is not installed")
    return path


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(condition, what, seconds=15):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} within {seconds} s")
        time.sleep(0.01)


def connects(address):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as s:
        try:
            s.connect(address)
            return True
        except OSError:
            return False


def clean_env(**more):
    """The environment without what would configure the program."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("SWITCHHOOK_", "AWS_", "LISTEN_", "HTTP"))
           and k not in ("LOG_LEVEL", "SYSTEM_NAME", "ENV_TYPE",
                         "CONVERSATIONS_TABLE", "REQUEST_METHOD",
                         "GATEWAY_INTERFACE",
                         "WHATSAPP_REPLIES_QUEUE_URL",
                         "HUMAN_HANDOFF_QUEUE_URL",
                         "TWILIO_AUTH_TOKEN_SECRET_ID",
                         "SECRETS_MANAGER_REGION")}
    env.update(more)
    return env


class Directory:
    """A place for one set of servers; others may read it, as a web server's
    own user must."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="switchhook-e2e.")
        os.chmod(self.path, 0o755)

    def __call__(self, name):
        return os.path.join(self.path, name)

    def write(self, name, text, mode=0o644):
        with open(self(name), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self(name), mode)
        return self(name)

    def read(self, name):
        try:
            with open(self(name), encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def give_to_web_user(self, *names):
        if os.geteuid() != 0:
            return
        user = pwd.getpwnam(WEB_USER)
        for name in names:
            os.chown(self(name), user.pw_uid, user.pw_gid)
            for top, folders, files in os.walk(self(name)):
                for entry in folders + files:
                    os.chown(os.path.join(top, entry),
                             user.pw_uid, user.pw_gid)

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


class Process:
    """A program in the foreground, with a log, in a group of its own."""

    def __init__(self, argv, log, env=None, stop_signal=signal.SIGTERM,
                 **popen):
        self.argv = argv
        self.stop_signal = stop_signal
        self.log = log
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(
                argv, stdout=out, stderr=out,
                env=clean_env() if env is None else env,
                start_new_session=True,
                **({"stdin": subprocess.DEVNULL} | popen))
        self.pid = self.popen.pid

    def wait_until(self, condition, what):
        def check():
            if self.popen.poll() is not None:
                with open(self.log, encoding="utf-8", errors="replace") as f:
                    raise AssertionError(
                        f"{self.argv[0]} ended with {self.popen.returncode}: "
                        f"{f.read()[-2000:]}")
            return condition()
        wait_for(check, what)

    def kill(self, sig):
        os.kill(self.pid, sig)

    def wait(self, seconds=15):
        """The exit status; the group is killed if it is late."""
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            self._kill_group()

    def _kill_group(self):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass

    def stop(self):
        if self.popen.poll() is None:
            self.kill(self.stop_signal)
        status = self.wait()
        self.popen.wait()
        return status


def example(name, changes):
    """A file of etc/ with (text, replacement) pairs: each text must be there,
    so that the examples are what is tested."""
    with open(os.path.join(SRCDIR, "etc", name), encoding="utf-8") as f:
        text = f.read()
    for old, new in changes:
        assert old in text, f"etc/{name} has no {old!r}"
        text = text.replace(old, new)
    return text


NGINX_CONF = """
user {user};
daemon off;
worker_processes 1;
pid {d}/nginx.pid;
error_log {d}/nginx-error.log info;
events {{ worker_connections 2048; }}
http {{
	access_log off;
	client_body_temp_path {d}/nginx-body;
	fastcgi_temp_path {d}/nginx-fastcgi;
	proxy_temp_path {d}/nginx-proxy;
	uwsgi_temp_path {d}/nginx-uwsgi;
	scgi_temp_path {d}/nginx-scgi;
	server {{
		listen 127.0.0.1:{port} backlog=1024;
		server_name hooks.example.com;
		large_client_header_buffers 8 32k;
		include {d}/site.conf;
	}}
}}
"""


def nginx(directory, site, port):
    """nginx with a server block that includes the site's text."""
    program = need("nginx")
    params = "/etc/nginx/fastcgi_params"
    if not os.path.exists(params):
        raise Skip(f"{params} is not there")
    shutil.copy(params, directory("fastcgi_params"))
    directory.write("site.conf", site)
    # The test's directories belong to whoever runs it.
    user = pwd.getpwuid(os.geteuid()).pw_name
    directory.write("nginx.conf", NGINX_CONF.format(
        d=directory.path, port=port, user=user))
    p = Process([program, "-p", directory.path, "-c",
                 directory("nginx.conf"), "-e", directory("nginx-error.log")],
                directory("nginx.log"), stop_signal=signal.SIGTERM)
    p.wait_until(lambda: connects(("127.0.0.1", port)), "nginx is up")
    return p


APACHE_CONF = """
ServerRoot "{d}"
DefaultRuntimeDir "{d}"
PidFile "{d}/apache.pid"
ErrorLog "{d}/apache-error.log"
LogLevel warn
Mutex file:{d} default
ServerName hooks.example.com
Listen 127.0.0.1:{port}
User {user}
Group {group}
TraceEnable off
LimitRequestLine 32768
{modules}
<IfModule mod_mpm_event.c>
	StartServers 1
	ServerLimit 2
	ThreadsPerChild 25
	MaxRequestWorkers 50
</IfModule>
<Directory "/">
	AllowOverride None
	Require all denied
</Directory>
DocumentRoot "{d}/htdocs"
{main}
<VirtualHost *:*>
{site}
</VirtualHost>
"""

APACHE_MODULES = "/usr/lib/apache2/modules"


def apache(directory, site, port, modules, main=""):
    """Apache with a virtual host of the site's text, and main outside it."""
    program = need("apache2")
    load = ""
    for m in ["mpm_event", "authz_core"] + modules:
        path = f"{APACHE_MODULES}/mod_{m}.so"
        if not os.path.exists(path):
            raise Skip(f"{path} is not installed")
        load += f"LoadModule {m}_module {path}\n"
    os.makedirs(directory("htdocs"), exist_ok=True)
    user = group = WEB_USER
    if os.geteuid() != 0:
        user = pwd.getpwuid(os.geteuid()).pw_name
        group = grp.getgrgid(os.getegid()).gr_name
    directory.write("apache.conf", APACHE_CONF.format(
        d=directory.path, port=port, user=user, group=group, modules=load,
        site=site, main=main))
    p = Process([program, "-d", directory.path, "-f",
                 directory("apache.conf"), "-D", "FOREGROUND"],
                directory("apache.log"))
    p.wait_until(lambda: connects(("127.0.0.1", port)), "Apache is up")
    return p
