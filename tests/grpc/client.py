# SPDX-License-Identifier: Apache-2.0
"""Calls the story at ENDPOINT as any Python program would. usage: client.py STUBS ENDPOINT"""
import sys
import threading
import time

sys.path.insert(0, sys.argv[1])
import grpc
import story
import story_pb2 as pb

channel = grpc.insecure_channel(sys.argv[2])
one, many, collect, chat = story.methods(channel)


def unary():
    for size in 0, 1, 255, 256, 257, 100000, 3000000:
        assert len(one(pb.Ask(size=size), timeout=20).data) == size


def statuses():
    for code in grpc.StatusCode:
        number, _ = code.value
        if number:
            error = story.failure(lambda: one(pb.Ask(status=number, message='why: \u00e9 %'), timeout=20))
            assert error.code() == code and error.details() == 'why: \u00e9 %', error


def details():
    error = story.failure(lambda: one(pb.Ask(status=9, details=b'\x08\x09\x00\xff'), timeout=20))
    assert ('grpc-status-details-bin', b'\x08\x09\x00\xff') in error.trailing_metadata(), error


def metadata():
    item, call = one.with_call(pb.Ask(), timeout=20, metadata=[('x-echo-bin', b'to and fro')])
    assert item.text == 'to and fro', item
    assert ('x-echo', 'to and fro') in call.trailing_metadata(), call.trailing_metadata()


def objects():
    def at(name):
        return one(pb.Ask(), timeout=20, metadata=[('pyrite-object', name)])
    at('story')
    at('%73tory')
    assert story.failure(lambda: at('other')).code() == grpc.StatusCode.NOT_FOUND
    assert story.failure(lambda: at('%zz')).code() == grpc.StatusCode.INVALID_ARGUMENT


def methods():
    for path, code in ((story.PATH + 'None', grpc.StatusCode.UNIMPLEMENTED), ('/no.Such/One', grpc.StatusCode.UNIMPLEMENTED)):
        call = channel.unary_unary(path)
        assert story.failure(lambda: call(b'', timeout=20)).code() == code, path


def invalid():
    raw = channel.unary_unary(story.PATH + 'One')
    assert story.failure(lambda: raw(b'\xff\xff', timeout=20)).code() == grpc.StatusCode.INVALID_ARGUMENT


def too_long():
    raw = channel.unary_unary(story.PATH + 'One')
    assert story.failure(lambda: raw(bytes(5000000), timeout=20)).code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def deadlines():
    began = time.monotonic()
    error = story.failure(lambda: one(pb.Ask(delay_ms=20000), timeout=0.2))
    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED and time.monotonic() - began < 10


def compression():
    item = one(pb.Ask(size=100000, message='m' * 100000), timeout=20, compression=grpc.Compression.Gzip)
    assert len(item.data) == 100000


def server_stream():
    numbers = [item.number for item in many(pb.Ask(count=2000, size=100), timeout=60)]
    assert numbers == list(range(1, 2001))
    assert list(many(pb.Ask(), timeout=20)) == []


def failing_stream():
    stream = many(pb.Ask(count=5, status=10, message='enough'), timeout=20)
    seen = []
    error = story.failure(lambda: seen.extend(stream))
    assert error.code() == grpc.StatusCode.ABORTED and error.details() == 'enough'


def client_stream():
    item = collect((pb.Item(number=n) for n in range(2000)), timeout=60)
    assert item.number == 1999000 and item.text == '2000', item
    assert collect(iter(()), timeout=20).text == '0'


def both_streams():
    items = [pb.Item(number=n, data=bytes(n % 3000)) for n in range(1000)]
    assert list(chat(iter(items), timeout=60)) == items
    error = story.failure(lambda: list(chat(iter([pb.Item(number=-7)]), timeout=20)))
    assert error.code() == grpc.StatusCode.ABORTED and error.details() == 'item -7'


def cancel():
    gate = threading.Event()

    def items():
        yield pb.Item(number=1)
        gate.wait(20)
    stream = chat(items(), timeout=20)
    assert next(stream).number == 1
    stream.cancel()
    gate.set()
    assert story.failure(lambda: next(stream)).code() == grpc.StatusCode.CANCELLED


def at_once():
    calls = [one.future(pb.Ask(size=n), timeout=60) for n in range(500)]
    assert [len(call.result().data) for call in calls] == list(range(500))


for check in (unary, statuses, details, metadata, objects, methods, invalid, too_long, deadlines, compression,
              server_stream, failing_stream, client_stream, both_streams, cancel, at_once):
    check()
    print('python calls: ' + check.__name__)
