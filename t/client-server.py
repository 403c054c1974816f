#!/usr/bin/python3
"""A web server that behaves as badly as asked, for t/test-client.c.

Listens on two loopback ports, plain and (given a certificate) TLS, and prints
both on one line. The path says how to behave. Ends with its standard input.
"""
import itertools
import os
import socket
import ssl
import struct
import sys
import threading
import time

numbers = itertools.count(1)


def reply(body, status="200 OK", headers=()):
    head = ["HTTP/1.1 " + status, "Content-Length: %d" % len(body)]
    head += headers
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def do_hello(conn, request, number):
    conn.sendall(reply(b"hello", headers=[
        "Content-Type: text/plain", "X-Thing:  spaced \t", "X-Thing: second",
        "X-Empty:"]))


def do_number(conn, request, number):
    conn.sendall(reply(str(number).encode()))


def do_echo(conn, request, number):
    conn.sendall(reply(request))


def do_nul(conn, request, number):
    conn.sendall(reply(b"a\0b"))


def do_fail(conn, request, number):
    conn.sendall(reply(b"no", "503 Service Unavailable"))


def do_redirect(conn, request, number):
    conn.sendall(reply(b"", "302 Found", ["Location: /hello"]))


def do_interim(conn, request, number):
    conn.sendall(b"HTTP/1.1 103 Early Hints\r\nX-Early: yes\r\n\r\n"
                 + reply(b"late", headers=["X-Late: yes"]))


def do_trailer(conn, request, number):
    conn.sendall(CHUNKED + chunk(b"body") + b"0\r\nX-Trailer: yes\r\n\r\n")


def do_slow(conn, request, number):
    time.sleep(3)
    conn.sendall(reply(b"late"))


def do_trickle(conn, request, number):
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        conn.sendall(b"x")
        time.sleep(0.05)


def do_exact(conn, request, number):
    conn.sendall(reply(b"x" * 1000))


def do_announced(conn, request, number):
    conn.sendall(reply(b"x" * 1001))


def do_endless(conn, request, number):
    conn.sendall(CHUNKED)
    while True:
        conn.sendall(chunk(b"x" * 500))


def do_head(conn, request, number):
    lines = ["X-%d: %s" % (i, "y" * 1000) for i in range(100)]
    conn.sendall(reply(b"", headers=lines))


def do_reset(conn, request, number):
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    return True


def do_cut(conn, request, number):
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
    return True


def do_silent(conn, request, number):
    return True


def do_last(conn, request, number):
    conn.sendall(reply(str(number).encode()))
    return True


def do_garbage(conn, request, number):
    conn.sendall(b"garbage, no HTTP\r\n\r\n")
    return True


def read_request(conn):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = conn.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        piece = conn.recv(65536)
        if not piece:
            return None
        body += piece
    return head + b"\r\n\r\n" + body


def serve(conn, context):
    number = next(numbers)
    try:
        if context:
            conn = context.wrap_socket(conn, server_side=True)
        while True:
            request = read_request(conn)
            if request is None:
                break
            # An absolute URI comes to a proxy.
            path = request.split(b" ")[1].decode()
            name = path.split("?")[0].rsplit("/", 1)[-1]
            if globals()["do_" + name](conn, request, number):
                break
    except OSError:
        pass
    finally:
        conn.close()


def accept(listener, context):
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=serve, args=(conn, context),
                         daemon=True).start()


def main():
    ports = []
    contexts = [None]
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        contexts.append(context)
    for context in contexts:
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        ports.append(str(listener.getsockname()[1]))
        threading.Thread(target=accept, args=(listener, context),
                         daemon=True).start()
    print(" ".join(ports), flush=True)
    sys.stdin.read()
    os._exit(0)


main()
