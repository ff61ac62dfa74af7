# SPDX-License-Identifier: Apache-2.0
"""Who is believed and who is refused by the story at ENDPOINT, over mutual TLS. usage: tls.py STUBS ENDPOINT FOLDER"""
import sys

sys.path.insert(0, sys.argv[1])
import grpc
import story_pb2 as pb


def read(name):
    with open(sys.argv[3] + '/' + name, 'rb') as file:
        return file.read()


def call(authority, certificate):
    key, chain = (read(certificate + '.key'), read(certificate + '.pem')) if certificate else (None, None)
    credentials = grpc.ssl_channel_credentials(read(authority + '.pem'), key, chain)
    with grpc.secure_channel(sys.argv[2], credentials) as channel:
        one = channel.unary_unary('/pyrite.test.story.Story/One', pb.Ask.SerializeToString, pb.Item.FromString)
        return one(pb.Ask(message='who am I?'), timeout=20).text


def refused(authority, certificate):
    try:
        call(authority, certificate)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE, error
        return
    raise AssertionError('%s %s was not refused' % (authority, certificate))


assert call('ca', 'client') == 'test:alice'
refused('other-ca', 'client')
for certificate in 'foreign', 'expired', None:
    refused('ca', certificate)
assert call('ca', 'client') == 'test:alice'
print('python calls over mutual TLS: the right ones')
