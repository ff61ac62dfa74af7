# SPDX-License-Identifier: Apache-2.0
"""The story's methods, for clients in Python that have its stubs on their path."""
import grpc
import story_pb2 as pb

PATH = '/pyrite.test.story.Story/'


def methods(channel):
    """One, Many, Collect and Chat, as callables of the channel."""
    to, of = pb.Ask.SerializeToString, pb.Item.FromString
    return (channel.unary_unary(PATH + 'One', to, of),
            channel.unary_stream(PATH + 'Many', to, of),
            channel.stream_unary(PATH + 'Collect', pb.Item.SerializeToString, of),
            channel.stream_stream(PATH + 'Chat', pb.Item.SerializeToString, of))


def failure(call):
    """How the call failed, which it should."""
    try:
        call()
    except grpc.RpcError as error:
        return error
    raise AssertionError('the call should have failed')
