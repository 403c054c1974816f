#!/usr/bin/python3
"""A small web server in front of one CGI program, for tests without nginx.

usage: cgi-server.py PROGRAM; prints its URL, serves until it is killed.
"""
import http.server
import os
import subprocess
import sys


class Gate(http.server.BaseHTTPRequestHandler):
    def serve(self):
        path, _, query = self.path.partition("?")
        env = dict(os.environ, REQUEST_METHOD=self.command,
                   PATH_INFO=path, REQUEST_URI=self.path,
                   QUERY_STRING=query, SERVER_PROTOCOL="HTTP/1.1",
                   REMOTE_ADDR=self.client_address[0],
                   CONTENT_TYPE=self.headers.get("Content-Type", ""),
                   CONTENT_LENGTH=self.headers.get("Content-Length", ""))
        for name, value in self.headers.items():
            env["HTTP_" + name.upper().replace("-", "_")] = value
        body = self.rfile.read(int(env["CONTENT_LENGTH"] or 0))
        p = subprocess.run([sys.argv[1]], input=body, env=env,
                           capture_output=True, timeout=30)
        head, _, body = p.stdout.partition(b"\r\n\r\n")
        lines = [h.split(": ", 1) for h in head.decode().split("\r\n")]
        headers = dict(lines)
        self.send_response(int(headers.pop("Status").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_HEAD = serve

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gate)
print("http://127.0.0.1:%d" % server.server_port, flush=True)
server.serve_forever()
