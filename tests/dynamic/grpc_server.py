# SPDX-License-Identifier: Apache-2.0
"""usage: grpc_server.py OWN_SET KINDS_SET. Serves kinds.Kinds, and the older reflection, which sends
one file at a time; prints its endpoint."""
import signal
import sys
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

files = {}
pool = descriptor_pool.DescriptorPool()
for path in sys.argv[1:]:
    found = descriptor_pb2.FileDescriptorSet()
    with open(path, 'rb') as f:
        found.ParseFromString(f.read())
    for file in found.file:
        if file.name not in files:
            pool.Add(file)
            files[file.name] = file


def kind(name):
    return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName(name))


number = kind('kinds.Number')
question = kind('grpc.reflection.v1alpha.ServerReflectionRequest')
answer = kind('grpc.reflection.v1alpha.ServerReflectionResponse')


def file_answer(find):
    reply = answer()
    try:
        reply.file_descriptor_response.file_descriptor_proto.append(
            files[find()].SerializeToString())
    except KeyError:
        reply.error_response.error_code = 5
        reply.error_response.error_message = 'not here'
    return reply


def reflect(questions, context):
    for q in questions:
        if q.HasField('list_services'):
            reply = answer()
            for name in 'kinds.Kinds', 'grpc.reflection.v1alpha.ServerReflection':
                reply.list_services_response.service.add().name = name
            yield reply
        elif q.HasField('file_by_filename'):
            yield file_answer(lambda: q.file_by_filename)
        else:
            yield file_answer(
                lambda: pool.FindFileContainingSymbol(q.file_containing_symbol).name)


def one(request, context):
    request.value += 1
    return request


def count(request, context):
    for i in range(1, request.value + 1):
        yield number(value=i)


def add(requests, context):
    total = 0
    for request in requests:
        if request.value < 0:
            context.abort(grpc.StatusCode.OUT_OF_RANGE, 'negative')
        total += request.value
    return number(value=total)


def double(requests, context):
    for request in requests:
        yield number(value=2 * request.value)


def handler(make, function, request, reply):
    return make(function, request.FromString, reply.SerializeToString)


server = grpc.server(futures.ThreadPoolExecutor(4))
server.add_generic_rpc_handlers([
    grpc.method_handlers_generic_handler('kinds.Kinds', {
        'One': handler(grpc.unary_unary_rpc_method_handler, one, number, number),
        'Count': handler(grpc.unary_stream_rpc_method_handler, count, number, number),
        'Sum': handler(grpc.stream_unary_rpc_method_handler, add, number, number),
        'Double': handler(grpc.stream_stream_rpc_method_handler, double, number, number),
    }),
    grpc.method_handlers_generic_handler('grpc.reflection.v1alpha.ServerReflection', {
        'ServerReflectionInfo': handler(
            grpc.stream_stream_rpc_method_handler, reflect, question, answer),
    }),
])
signal.signal(signal.SIGTERM, lambda *_: server.stop(0))
port = server.add_insecure_port('127.0.0.1:0')
server.start()
print('127.0.0.1:%d' % port, flush=True)
server.wait_for_termination()
