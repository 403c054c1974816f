"""A web server's side of FastCGI 1.0, for what no web server would send."""
import socket
import struct

from client import parse_cgi

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT = 1, 2, 3, 4, 5, 6

# What FCGI_END_REQUEST says where no request was served.
CANT_MPX = struct.pack(">IB3x", 0, 1)
UNKNOWN_ROLE = struct.pack(">IB3x", 0, 3)


def record(kind, content=b"", request_id=1, version=1, padding=0):
    return struct.pack(">BBHHBx", version, kind, request_id, len(content),
                       padding) + content + b"\0" * padding


def begin(role=1, keep=False, request_id=1):
    return record(BEGIN, struct.pack(">HB5x", role, keep), request_id)


def length(n):
    return bytes([n]) if n < 128 else struct.pack(">I", n | 1 << 31)


def param(name, value):
    name = name if isinstance(name, bytes) else name.encode()
    value = value if isinstance(value, bytes) else value.encode()
    return length(len(name)) + length(len(value)) + name + value


def stream(kind, data, size=60000):
    """All of a stream, with its end."""
    pieces = [data[at:at + size] for at in range(0, len(data), size)]
    return b"".join(record(kind, p) for p in pieces) + record(kind)


def request(params, body=b"", keep=False):
    """params: a list of pairs, names may repeat."""
    encoded = b"".join(param(n, v) for n, v in params)
    return begin(keep=keep) + stream(PARAMS, encoded) + stream(STDIN, body)


def connect(path, timeout=20):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(timeout)
    s.connect(path)
    return s


def _read(s, n):
    data = b""
    while len(data) < n:
        piece = s.recv(n - len(data))
        if not piece:
            raise EOFError(f"the reply ended after {len(data)} of {n}")
        data += piece
    return data


def read_record(s):
    """Type, request and content of the next record."""
    _, kind, request_id, size, padding = struct.unpack(
        ">BBHHBx", _read(s, 8))
    return kind, request_id, _read(s, size + padding)[:size]


def read_reply(s):
    """The reply to one request, None if the request was ended without one;
    EOFError if it does not come whole."""
    out = b""
    while True:
        kind, _, content = read_record(s)
        if kind == STDOUT:
            out += content
        if kind == END:
            return parse_cgi(out) if out else None


def ask(path, data, half_close=False):
    """Send bytes on a connection of their own; None if it is closed without
    a reply."""
    with connect(path) as s:
        try:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
            return read_reply(s)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return None
