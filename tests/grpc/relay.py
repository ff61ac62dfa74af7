# SPDX-License-Identifier: Apache-2.0
"""Carries connections on to ENDPOINT, and writes how many bytes went there and back when it is ended.
usage: relay.py ENDPOINT FILE; prints where it listens"""
import signal
import socket
import sys
import threading

host, port = sys.argv[1].rsplit(':', 1)
counts = {'there': 0, 'back': 0}
lock = threading.Lock()


def carry(name, source, sink):
    try:
        while data := source.recv(65536):
            with lock:
                counts[name] += len(data)
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        source.close()
        sink.close()


def accept(listener):
    while True:
        client, _ = listener.accept()
        server = socket.create_connection((host, int(port)))
        for way in ('there', client, server), ('back', server, client):
            threading.Thread(target=carry, args=way, daemon=True).start()


def end(*_):
    with open(sys.argv[2], 'w') as file:
        print(counts['there'], counts['back'], file=file)
    sys.exit(0)


signal.signal(signal.SIGTERM, end)
listener = socket.create_server(('127.0.0.1', 0))
threading.Thread(target=accept, args=(listener,), daemon=True).start()
print('127.0.0.1:%d' % listener.getsockname()[1], flush=True)
while True:
    signal.pause()
