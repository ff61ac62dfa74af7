# SPDX-License-Identifier: Apache-2.0
"""Tells the story as a Python server would, and prints its port. usage: server.py STUBS [CERTIFICATES]"""
import signal
import sys
import threading
import time
from concurrent import futures

sys.path.insert(0, sys.argv[1])
import grpc
import story_pb2 as pb

CODES = {code.value[0]: code for code in grpc.StatusCode}


def end(ask, context):
    time.sleep(ask.delay_ms / 1000)
    if ask.details:
        context.set_trailing_metadata((('grpc-status-details-bin', ask.details),))
    if ask.status:
        context.abort(CODES[ask.status], ask.message)


def one(ask, context):
    echo = dict(context.invocation_metadata()).get('x-echo-bin', b'')
    context.set_trailing_metadata((('x-echo', echo.decode()),))
    end(ask, context)
    return pb.Item(data=bytes(ask.size), text=echo.decode())


def many(ask, context):
    for number in range(1, ask.count + 1):
        yield pb.Item(number=number, data=bytes(ask.size))
    end(ask, context)


def collect(items, context):
    numbers = [item.number for item in items]
    return pb.Item(number=sum(numbers), text=str(len(numbers)))


def chat(items, context):
    for item in items:
        if item.number < 0:
            context.abort(grpc.StatusCode.ABORTED, 'item %d' % item.number)
        yield item


ask, item = pb.Ask.FromString, pb.Item.FromString
to = pb.Item.SerializeToString
server = grpc.server(futures.ThreadPoolExecutor(16))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler('pyrite.test.story.Story', {
    'One': grpc.unary_unary_rpc_method_handler(one, ask, to),
    'Look': grpc.unary_unary_rpc_method_handler(one, ask, to),
    'Many': grpc.unary_stream_rpc_method_handler(many, ask, to),
    'Collect': grpc.stream_unary_rpc_method_handler(collect, item, to),
    'Chat': grpc.stream_stream_rpc_method_handler(chat, item, to),
}),))
if len(sys.argv) > 2:
    def read(name):
        with open(sys.argv[2] + '/' + name, 'rb') as file:
            return file.read()
    credentials = grpc.ssl_server_credentials([(read('server.key'), read('server.pem'))], read('ca.pem'), True)
    port = server.add_secure_port('127.0.0.1:0', credentials)
else:
    port = server.add_insecure_port('127.0.0.1:0')
server.start()
print('127.0.0.1:%d' % port, flush=True)
done = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: done.set())
done.wait()
server.stop(0).wait()
