"""HTTP as raw as a test needs it: the headers, and nothing else, are sent."""
import socket


class Reply:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # [(lower-case name, value)]
        self.body = body

    def header(self, name):
        for n, v in self.headers:
            if n == name.lower():
                return v
        return None

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:200]!r}>"


def parse_headers(head):
    out = []
    for line in head.split(b"\r\n"):
        if line:
            name, _, value = line.partition(b":")
            out.append((name.decode("latin-1").lower(),
                        value.strip().decode("latin-1")))
    return out


def parse_cgi(data):
    """A reply in CGI's form."""
    head, blank, body = data.partition(b"\r\n\r\n")
    assert blank, f"no blank line in {data[:300]!r}"
    headers = parse_headers(head)
    reply = Reply(200, headers, body)
    if reply.header("status"):
        reply.status = int(reply.header("status").split()[0])
    return reply


def _unchunk(data):
    out = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        n = int(size.split(b";")[0], 16)
        if n == 0:
            return out
        out += data[:n]
        data = data[n + 2:]


def parse_http(data, method="GET"):
    head, blank, body = data.partition(b"\r\n\r\n")
    assert blank, f"no HTTP reply but {data[:300]!r}"
    status_line, _, rest = head.partition(b"\r\n")
    reply = Reply(int(status_line.split()[1]), parse_headers(rest), body)
    if method != "HEAD" and reply.header("transfer-encoding") == "chunked":
        reply.body = _unchunk(body)
    return reply


def chunked(body, size=700):
    out = b""
    for at in range(0, len(body), size):
        piece = body[at:at + size]
        out += b"%x\r\n%s\r\n" % (len(piece), piece)
    return out + b"0\r\n\r\n"


def head_of(method, target, headers):
    """target is text, or bytes as they are to be sent."""
    if isinstance(target, str):
        target = target.encode()
    lines = [method.encode() + b" " + target + b" HTTP/1.1"]
    lines += [f"{n}: {v}".encode() for n, v in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def read_all(sock):
    data = b""
    while True:
        piece = sock.recv(65536)
        if not piece:
            return data
        data += piece


def ask(port, method, target, headers=(), body=None, host="hooks.example.com",
        is_chunked=False, timeout=30):
    """One request on a connection of its own."""
    lines = [("Host", host), ("Connection", "close")]
    payload = body or b""
    if is_chunked:
        lines.append(("Transfer-Encoding", "chunked"))
        payload = chunked(payload)
    elif body is not None:
        lines.append(("Content-Length", str(len(body))))
    data = head_of(method, target, lines + list(headers)) + payload
    with socket.create_connection(("127.0.0.1", port), timeout) as s:
        try:
            s.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # answered before it had read all
        return parse_http(read_all(s), method)
