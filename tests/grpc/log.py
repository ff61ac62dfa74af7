# SPDX-License-Identifier: Apache-2.0
"""Gives a daemon things to log. usage: log.py ENDPOINT grpc|native TIMES
Says enough of HTTP/2, or of the native protocol and then what that forbids, and waits to be disconnected."""
import socket
import sys

import http2 as h

NATIVE = b'\xe9pyr\r\n\x1a\n' + bytes([0, 0, 0, 0, 0x7f, 0, 0, 0, 0, 0, 0, 0]) # its preface, a frame of no type
host, port = sys.argv[1].rsplit(':', 1)
words = {'grpc': h.PREFACE + b'\0\0\0\4\0\0\0\0\0', 'native': NATIVE}[sys.argv[2]]
for _ in range(int(sys.argv[3])):
    with socket.create_connection((host, int(port)), timeout=20) as sock:
        try:
            sock.sendall(words)
            while sock.recv(4096):
                pass
        except ConnectionResetError:
            pass
