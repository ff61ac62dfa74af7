# SPDX-License-Identifier: Apache-2.0
"""Bad input over gRPC, by hand: what it ends with, and that the daemon goes on.
Where core itself is lenient (content type, te, an encoding that it does not know), that is what is expected.
usage: hostile.py ENDPOINT PID"""
import os
import socket
import struct
import sys

import http2 as h

ENDPOINT, PID = sys.argv[1], sys.argv[2]
ONE = '/pyrite.test.story.Story/One'
CHAT = '/pyrite.test.story.Story/Chat'
OK, UNKNOWN, INVALID, DEADLINE, NOT_FOUND, EXHAUSTED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE = (
    0, 2, 3, 4, 5, 8, 12, 13, 14)
ASK = h.message(b'\x10\x05')                        # size: 5
SLOW = h.message(b'\x18\xe8\x07')                   # delay_ms: 1000
GROWN_MAX_KIB = 32 << 10
ANNOUNCED_MIB = 512
ANNOUNCED_MAX_KIB = 112 << 10                       # of the 16 that may wait, and 64 that core may use


def call(body=ASK, path=ONE, change=None, end=True):
    """One call on a connection of its own; how it ends."""
    client = h.Client(ENDPOINT)
    stream = client.request(path, change, end=body is None)
    if body is not None:
        try:
            client.data(stream, body, end)
        except ConnectionError:
            pass # the headers were answered and the connection closed: the answer is there
    outcome = client.outcome(stream)
    client.close()
    return outcome


def resident(kind):
    with open('/proc/%s/status' % PID) as file:
        return next(int(line.split()[1]) for line in file if line.startswith(kind))


def goes_on():
    outcome = call()
    assert outcome == ('status', OK), 'the daemon does not go on: %s %s' % outcome


def check(name, wanted, *arguments, **named):
    outcome = call(*arguments, **named)
    print('%-40s %s %s' % ((name,) + outcome), flush=True)
    assert outcome in wanted, '%s: not one of %s' % (outcome, wanted)
    goes_on()


def status(number):
    return [('status', number)]


def calls():
    check('a good call', status(OK))
    check('an unknown method', status(UNIMPLEMENTED), path='/pyrite.test.story.Story/Nothing')
    check('an unknown service', status(UNIMPLEMENTED), path='/no.Such/One')
    check('a path without a method', status(UNIMPLEMENTED), path='/pyrite.test.story.Story')
    check('a path of slashes', status(UNIMPLEMENTED), path='////')
    check('an empty path', status(UNIMPLEMENTED), path='')
    check('no path', status(UNKNOWN), change={':path': None})
    check('no te', status(UNKNOWN), change={'te': None})
    check('another te', status(UNKNOWN), change={'te': 'gzip'})
    check('another content type', status(OK), change={'content-type': 'text/html'})
    check('no content type', status(OK), change={'content-type': None})
    check('another HTTP method', status(UNKNOWN), change={':method': 'GET'})
    check('a deadline that is none', status(OK), change={'grpc-timeout': 'bananas'})
    check('a deadline that has passed', status(DEADLINE), SLOW, change={'grpc-timeout': '1n'})


def messages():
    check('not protobuf', status(INVALID), h.message(b'\xff\xff\xff\xff'))
    check('a text that is not UTF-8', status(INVALID), h.message(b'\x2a\x02\xff\xfe'))
    check('no message', status(UNIMPLEMENTED), None)
    check('half a prefix', status(UNIMPLEMENTED) + status(INTERNAL), b'\0\0')
    check('half a message', status(UNIMPLEMENTED) + status(INTERNAL), ASK[:-1])
    check('a prefix of the future', status(OK) + status(UNIMPLEMENTED) + status(INTERNAL), b'\x02' + ASK[1:])
    check('compressed, but nobody says how', status(OK) + status(INTERNAL), b'\x01' + ASK[1:])
    check('compressed in an unknown way', status(OK), b'\x01' + ASK[1:], change={'grpc-encoding': 'snappy'})
    check('compressed, but it is not', status(INTERNAL), b'\x01' + ASK[1:], change={'grpc-encoding': 'gzip'})
    check('compressed, and cut', status(INTERNAL), b'\x01' + ASK[1:], change={'grpc-encoding': 'deflate'})


def metadata():
    check('metadata of 12 KiB', status(EXHAUSTED), change={'x-long': 'x' * 12000})
    check('a thousand headers', status(EXHAUSTED), change={'x-%d' % i: 'x' for i in range(1000)})
    check('an object that is none', status(INVALID), change={'pyrite-object': '%zz'})
    check('base64 that is none', status(UNAVAILABLE), change={'x-any-bin': '!!!'})


def resets():
    """A client that gives up at any point: nobody else notices, and nothing is kept."""
    before = resident('VmRSS')
    for rounds in range(50):
        client = h.Client(ENDPOINT)
        for cut in None, 0, 3, len(SLOW) - 1, len(SLOW):
            stream = client.request(CHAT if cut == 3 else ONE)
            if cut is not None:
                client.data(stream, SLOW[:cut], end=cut == len(SLOW))
            client.send(h.RST_STREAM, 0, stream, struct.pack('>I', h.CANCEL))
        client.close()
    goes_on()
    grown = resident('VmHWM') - before
    print('250 streams that were reset: %d KiB' % grown)
    assert 'PYRITE_TEST_SANITIZED' in os.environ or grown < GROWN_MAX_KIB


def announced():
    """Core takes in all of a message before it finds it too long; what a daemon may use ends that."""
    before = resident('VmRSS')
    client = h.Client(ENDPOINT)
    stream = client.request(ONE)
    client.data(stream, struct.pack('>BI', 0, ANNOUNCED_MIB << 20))
    sent, outcome = client.flood(stream, ANNOUNCED_MIB << 20)
    client.close()
    goes_on()
    grown = resident('VmHWM') - before
    print('%d MiB of a message of %d: %s %s, %d KiB' % (sent >> 20, ANNOUNCED_MIB, *outcome, grown))
    assert outcome == ('status', EXHAUSTED) or outcome[0] == 'reset', outcome
    assert 'PYRITE_TEST_SANITIZED' in os.environ or grown < ANNOUNCED_MAX_KIB


def cuts():
    """A connection that ends behind any byte of a call."""
    with_call = h.PREFACE + b'\0\0\0\4\0\0\0\0\0'
    block = h.headers([(':method', 'POST'), (':scheme', 'http'), (':path', ONE), (':authority', 'localhost'),
                       ('content-type', 'application/grpc'), ('te', 'trailers')])
    for kind, flags, payload in (h.HEADERS, h.END_HEADERS, block), (h.DATA, h.END_STREAM, ASK):
        with_call += struct.pack('>I', len(payload))[1:] + bytes([kind, flags, 0, 0, 0, 1]) + payload
    host, port = ENDPOINT.rsplit(':', 1)
    for size in range(1, len(with_call) + 1):
        with socket.create_connection((host, int(port)), timeout=20) as sock:
            sock.sendall(with_call[:size])
    goes_on()
    print('%d connections that end in the middle' % len(with_call))


for run in calls, messages, metadata, resets, announced, cuts:
    run()
