# SPDX-License-Identifier: Apache-2.0
"""Connections that say too little: nothing, one byte, HTTP/2's preface alone, or that and an empty SETTINGS frame.
500 of each cost no processor time, are closed in time, and disturb nobody. usage: idle.py STUBS ENDPOINT PID"""
import os
import select
import socket
import sys
import time

sys.path.insert(0, sys.argv[1])
import grpc
import story_pb2 as pb

EACH = 500
HANDSHAKE_S, CLOSED_S = 3, 40 # the first is story_server's own
PREFACE = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
SETTINGS = b'\0\0\0\4\0\0\0\0\0'
host, port = sys.argv[2].rsplit(':', 1)


def cpu_s():
    with open('/proc/%s/stat' % sys.argv[3]) as file:
        fields = file.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def connect(words):
    socks = []
    for _ in range(EACH):
        sock = socket.create_connection((host, int(port)))
        sock.sendall(words)
        sock.setblocking(False)
        socks.append(sock)
    return socks


def closed_by_peer(sock):
    try:
        while True:
            if sock.recv(4096) == b'':
                return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def call():
    with grpc.insecure_channel(sys.argv[2]) as channel:
        one = channel.unary_unary('/pyrite.test.story.Story/One', pb.Ask.SerializeToString, pb.Item.FromString)
        assert len(one(pb.Ask(size=10), timeout=20).data) == 10


call()
began = time.monotonic()
left = connect(b'') + connect(b'P') + connect(PREFACE)
connected = time.monotonic() - began
time.sleep(max(0.2, HANDSHAKE_S / 2 - connected))
before = cpu_s()
time.sleep(0.5)
spent = cpu_s() - before
early = [sock for sock in left if closed_by_peer(sock)]
assert connected > HANDSHAKE_S / 2 or not early, '%d were closed before their time' % len(early)
assert spent <= 0.01, '%g s of processor time in half a second of silence' % spent
call()
silent = connect(PREFACE + SETTINGS)
call()
poller = select.poll()
socks = {sock.fileno(): sock for sock in left + silent}
for number in socks:
    poller.register(number, select.POLLIN | select.POLLRDHUP)
while socks:
    wait = began + CLOSED_S - time.monotonic()
    assert wait > 0, '%d connections were not closed' % len(socks)
    for number, _ in poller.poll(wait * 1000):
        if closed_by_peer(socks[number]):
            poller.unregister(number)
            socks.pop(number).close()
call()
print('%d connections that say too little: closed after %.1f s, %g s of processor time in 0.5 s'
      % (4 * EACH, time.monotonic() - began, spent))
