# SPDX-License-Identifier: Apache-2.0
"""Messages that are compressed, and such as cannot be unpacked. usage: compress.py STUBS ENDPOINT PID RUN"""
import os
import random
import sys
import zlib

sys.path.insert(0, sys.argv[1])
import grpc
import http2 as h
import story
import story_pb2 as pb

LIMIT = 4 << 20
channel = grpc.insecure_channel(sys.argv[2], options=[('grpc.max_send_message_length', -1)])
one, many, collect, chat = story.methods(channel)


def resident(kind):
    with open('/proc/%s/status' % sys.argv[3]) as file:
        return next(int(line.split()[1]) for line in file if line.startswith(kind))


def answers():
    """A megabyte of nothing, and again in a stream."""
    assert len(one(pb.Ask(size=1000000), timeout=60).data) == 1000000
    assert sum(len(item.data) for item in many(pb.Ask(count=100, size=10000), timeout=60)) == 1000000


def explode(encoding, size, method):
    """A message of that many zeros, which are a thousandth of it on the wire."""
    packer = zlib.compressobj(9, wbits={'gzip': 31, 'deflate': 15}[encoding])
    packed = packer.compress(b'\x12' + varint(size)) # data of an Item; no field of an Ask
    for _ in range(size >> 20):
        packed += packer.compress(bytes(1 << 20))
    packed += packer.flush()
    client = h.Client(sys.argv[2])
    stream = client.request(story.PATH + method, {'grpc-encoding': encoding})
    client.data(stream, h.message(packed, compressed=1), end=True)
    outcome = client.outcome(stream)
    client.close()
    return outcome


def varint(value):
    out = b''
    while value >= 128:
        out += bytes([value % 128 + 128])
        value //= 128
    return out + bytes([value])


def bombs():
    """What is short only as long as it is compressed is refused, and fills no memory."""
    for compression in grpc.Compression.Gzip, grpc.Compression.Deflate:
        for size in 0, 1, 5000, LIMIT - 100:
            got = list(chat(iter([pb.Item(data=bytes(size)), pb.Item(number=3)]), timeout=60,
                            compression=compression))
            assert [len(item.data) for item in got] == [size, 0], size
        noise = random.randbytes(300000)
        got, = chat(iter([pb.Item(data=noise)]), timeout=60, compression=compression)
        assert got.data == noise
        error = story.failure(lambda: collect(iter([pb.Item(data=bytes(LIMIT))]), timeout=60, compression=compression))
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error
    before = resident('VmRSS')
    for encoding in 'gzip', 'deflate':
        for method in 'Collect', 'One':
            outcome = explode(encoding, 60 << 20, method)
            assert outcome == ('status', 8), outcome # RESOURCE_EXHAUSTED
            assert len(one(pb.Ask(size=7), timeout=20).data) == 7
    grown = resident('VmHWM') - before
    print('the server has grown by %d KiB' % grown)
    assert 'PYRITE_TEST_SANITIZED' in os.environ or grown < 24 << 10


{'answers': answers, 'bombs': bombs}[sys.argv[4]]()
