# SPDX-License-Identifier: Apache-2.0
"""Messages that are compressed, and such as cannot be unpacked. usage: compress.py STUBS ENDPOINT PID RUN"""
import os
import random
import sys

sys.path.insert(0, sys.argv[1])
import grpc
import story_pb2 as pb

PATH = '/pyrite.test.story.Story/'
LIMIT = 4 << 20
channel = grpc.insecure_channel(sys.argv[2], options=[('grpc.max_send_message_length', -1)])
to, of = pb.Ask.SerializeToString, pb.Item.FromString
one = channel.unary_unary(PATH + 'One', to, of)
many = channel.unary_stream(PATH + 'Many', to, of)
collect = channel.stream_unary(PATH + 'Collect', pb.Item.SerializeToString, of)
chat = channel.stream_stream(PATH + 'Chat', pb.Item.SerializeToString, of)
raw = channel.unary_unary(PATH + 'One')


def refused(call):
    try:
        call()
    except grpc.RpcError as error:
        return error
    raise AssertionError('the call should have failed')


def resident(kind):
    with open('/proc/%s/status' % sys.argv[3]) as file:
        return next(int(line.split()[1]) for line in file if line.startswith(kind))


def answers():
    """A megabyte of nothing, and again in a stream."""
    assert len(one(pb.Ask(size=1000000), timeout=60).data) == 1000000
    assert sum(len(item.data) for item in many(pb.Ask(count=100, size=10000), timeout=60)) == 1000000


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
        before = resident('VmRSS')
        for size in LIMIT, 100 << 20:
            item = pb.Item(data=bytes(size))
            error = refused(lambda: collect(iter([item]), timeout=60, compression=compression))
            assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error
            message = bytes(item.SerializeToString())
            error = refused(lambda: raw(message, timeout=60, compression=compression))
            assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error
            assert len(one(pb.Ask(size=7), timeout=20).data) == 7
        grown = resident('VmHWM') - before
        print('the server has grown by %d KiB' % grown)
        assert 'PYRITE_SANITIZED' in os.environ or grown < 40 << 10


{'answers': answers, 'bombs': bombs}[sys.argv[4]]()
