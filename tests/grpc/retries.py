# SPDX-License-Identifier: Apache-2.0
"""C9: a server that fails calls in every way counts how often they are tried. usage: retries.py ATTEMPTS"""
import socket
import struct
import subprocess
import sys
import threading

import http2 as h


def reset(code):
    def answer(connection, stream, _):
        connection.send(h.RST_STREAM, 0, stream, struct.pack('>I', code))
    return answer


def goaway(last):
    """Takes no more streams, has looked at those up to the last, and goes."""
    def answer(connection, stream, _):
        connection.send(h.GOAWAY, 0, 0, struct.pack('>II', last, h.NO_ERROR))
        connection.sock.shutdown(socket.SHUT_WR)
    return answer


def cut(connection, *_):
    connection.sock.shutdown(socket.SHUT_RDWR)


def says(status, executed=None):
    def answer(connection, stream, _):
        connection.trailers(stream, status, [('pyrite-executed', executed)] if executed else [])
    return answer


def refused_once(connection, stream, attempt):
    if attempt == 1:
        reset(h.REFUSED_STREAM)(connection, stream, attempt)
        return
    connection.send(h.HEADERS, h.END_HEADERS, stream,
                    h.headers([(':status', '200'), ('content-type', 'application/grpc')]))
    connection.send(h.DATA, 0, stream, h.message(b''))
    connection.send(h.HEADERS, h.END_HEADERS | h.END_STREAM, stream, h.headers([('grpc-status', '0')]))


class Server:
    """Fails every call with answer(connection, stream, attempt)."""

    def __init__(self, answer):
        self.answer = answer
        self.attempts = 0
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.endpoint = '127.0.0.1:%d' % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        try:
            connection = h.Server(sock)
            while True:
                kind, _, stream, _ = connection.frame()
                if kind == h.HEADERS:
                    self.attempts += 1
                    self.answer(connection, stream, self.attempts)
        except (EOFError, OSError):
            sock.close()


def check(name, answer, wanted, one, look, *options):
    """wanted: how it ends; how often a method that is not idempotent, and one that is, are tried."""
    for method, attempts in ('one', one), ('look', look):
        server = Server(answer)
        said = subprocess.run([sys.argv[1], 'grpc:@' + server.endpoint, method, *options],
                              stdout=subprocess.PIPE, check=True, timeout=60, text=True).stdout.strip()
        server.listener.close()
        assert said == wanted, '%s: %s, not %s' % (name, said, wanted)
        assert server.attempts == attempts, '%s: %s was tried %d times, not %d' % (
            name, method, server.attempts, attempts)
    print('retries: %s: %s, %d and %d attempts' % (name, wanted, one, look))


# surely not run: everybody may try again
check('REFUSED_STREAM', reset(h.REFUSED_STREAM), 'UNAVAILABLE no', 3, 3)
check('REFUSED_STREAM once', refused_once, 'OK yes', 2, 2)
check('GOAWAY before it', goaway(0), 'UNAVAILABLE no', 3, 3)
check('the server says that it did not run', says(14, 'no'), 'UNAVAILABLE no', 3, 3)
check('five retries', says(14, 'no'), 'UNAVAILABLE no', 6, 6, '5')
check('no retries', reset(h.REFUSED_STREAM), 'UNAVAILABLE no', 1, 1, '4294967295')
# it may have run: never twice, unless that does no harm
check('the connection breaks', cut, 'UNAVAILABLE maybe', 1, 3)
check('GOAWAY behind it', goaway(0x7fffffff), 'UNAVAILABLE maybe', 1, 3)
check('UNAVAILABLE', says(14), 'UNAVAILABLE maybe', 1, 3)
check('the server says that it ran', says(14, 'yes'), 'UNAVAILABLE yes', 1, 3)
# other errors are answers
check('CANCEL', reset(h.CANCEL), 'CANCELLED maybe', 1, 1)
check('INTERNAL_ERROR', reset(h.INTERNAL_ERROR), 'INTERNAL maybe', 1, 1)
check('ABORTED', says(10, 'no'), 'ABORTED no', 1, 1)
check('RESOURCE_EXHAUSTED', says(8, 'no'), 'RESOURCE_EXHAUSTED no', 1, 1)
