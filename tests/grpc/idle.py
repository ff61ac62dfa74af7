# SPDX-License-Identifier: Apache-2.0
"""Connections that say too little: nothing, one byte, HTTP/2's preface alone, or that and an empty SETTINGS frame.
500 of each cost no processor time, are closed in time, and disturb nobody. usage: idle.py STUBS ENDPOINT PID"""
import ctypes
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
    """Of the server, to the nanosecond: what /proc/PID/stat counts are whole ticks of 10 ms."""
    clock = ctypes.c_int()
    error = ctypes.CDLL(None).clock_getcpuclockid(int(sys.argv[3]), ctypes.byref(clock))
    assert error == 0, os.strerror(error)
    return time.clock_gettime(clock.value)


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


poller = select.poll()
socks = {}


def watch(new):
    for sock in new:
        socks[sock.fileno()] = sock
        poller.register(sock.fileno(), select.POLLIN | select.POLLRDHUP)


def take_closed(wait_s):
    closed = 0
    for number, _ in poller.poll(max(0, wait_s * 1000)):
        if closed_by_peer(socks[number]):
            poller.unregister(number)
            socks.pop(number).close()
            closed += 1
    return closed


def quiet(seconds):
    """How many are closed in this time."""
    until, closed = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        closed += take_closed(until - time.monotonic())
    return closed


call()
began = time.monotonic()
watch(connect(b'') + connect(b'P') + connect(PREFACE))
connected = time.monotonic() - began
early = quiet(max(0.2, HANDSHAKE_S / 2 - connected))
before = cpu_s()
early += quiet(0.5)
spent = cpu_s() - before
assert connected > HANDSHAKE_S / 2 or not early, '%d were closed before their time' % early
assert spent <= 0.01, '%g s of processor time in half a second of silence' % spent
call()
watch(connect(PREFACE + SETTINGS))
call()
while socks:
    wait_s = began + CLOSED_S - time.monotonic()
    assert wait_s > 0, '%d connections were not closed' % len(socks)
    take_closed(wait_s)
call()
print('%d connections that say too little: closed after %.1f s, %g s of processor time in 0.5 s'
      % (4 * EACH, time.monotonic() - began, spent))
