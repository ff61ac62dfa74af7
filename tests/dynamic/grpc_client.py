# SPDX-License-Identifier: Apache-2.0
"""usage: grpc_client.py OWN_SET ENDPOINT. Asks a C daemon what it serves, and calls that."""
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


def load(path):
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet()
    with open(path, 'rb') as f:
        files.ParseFromString(f.read())
    for file in files.file:
        pool.Add(file)
    return pool


def kind(pool, name):
    return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName(name))


own = load(sys.argv[1])
channel = grpc.insecure_channel(sys.argv[2])


class Reflection:
    def __init__(self, package):
        self.request = kind(own, package + '.ServerReflectionRequest')
        self.call = channel.stream_stream(
            '/%s.ServerReflection/ServerReflectionInfo' % package,
            self.request.SerializeToString,
            kind(own, package + '.ServerReflectionResponse').FromString)

    def ask(self, *questions):
        answers = list(self.call(iter([self.request(**q) for q in questions]), timeout=20))
        assert len(answers) == len(questions), answers
        for answer, question in zip(answers, questions):
            assert answer.original_request == self.request(**question), answer
        return answers


def learn(reflection):
    names, files, error, many = reflection.ask(
        {'list_services': ''}, {'file_containing_symbol': 'kinds.Kinds'},
        {'file_by_filename': 'nothing.proto'}, {'all_extension_numbers_of_type': 'kinds.Number'})
    names = [s.name for s in names.list_services_response.service]
    assert names == ['grpc.reflection.v1.ServerReflection',
                     'grpc.reflection.v1alpha.ServerReflection', 'grpc.health.v1.Health',
                     'pyrite.Daemon', 'pyrite.Batch', 'pyrite.Leases',
                     'kinds.Kinds'], names
    assert error.error_response.error_code == 5, error
    assert many.all_extension_numbers_response.base_type_name == 'kinds.Number', many
    pool = descriptor_pool.DescriptorPool()
    for data in reversed(files.file_descriptor_response.file_descriptor_proto):
        pool.AddSerializedFile(data)
    again, = reflection.ask({'file_containing_symbol': 'kinds.Kinds.One'})
    assert again.file_descriptor_response == files.file_descriptor_response
    by_name, = reflection.ask({'file_by_filename': 'google/protobuf/timestamp.proto'})
    assert len(by_name.file_descriptor_response.file_descriptor_proto) == 1
    assert not reflection.ask()
    return pool


def call(pool):
    method = pool.FindServiceByName('kinds.Kinds').FindMethodByName('One')
    number = kind(pool, method.input_type.full_name)
    one = channel.unary_unary('/kinds.Kinds/One', number.SerializeToString, number.FromString)
    assert one(number(value=41), timeout=20).value == 42


def health():
    request = kind(own, 'grpc.health.v1.HealthCheckRequest')
    response = kind(own, 'grpc.health.v1.HealthCheckResponse')
    check = channel.unary_unary(
        '/grpc.health.v1.Health/Check', request.SerializeToString, response.FromString)
    assert check(request(), timeout=20).status == response.SERVING
    assert check(request(service='kinds.Kinds'), timeout=20).status == response.SERVING
    try:
        check(request(service='kinds.Nothing'), timeout=20)
        raise AssertionError('there is no kinds.Nothing')
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND, error
    watch = channel.unary_stream(
        '/grpc.health.v1.Health/Watch', request.SerializeToString, response.FromString)
    stream = watch(request(service='kinds.Nothing'), timeout=20)
    assert next(stream).status == response.SERVICE_UNKNOWN
    stream.cancel()


for package in 'grpc.reflection.v1', 'grpc.reflection.v1alpha':
    call(learn(Reflection(package)))
health()
