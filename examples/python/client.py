#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Calls the calculator of examples/calculator, an object in a C program, from Python.

usage: client.py [NAME_SERVER]      as in PYRITE_NS: HOST:PORT or unix:PATH

There is nothing of Pyrite in here but .proto files: the packages are python3-grpcio,
python3-protobuf, protobuf-compiler and protobuf-compiler-grpc. The name server is an object like any
other, so it can be asked over gRPC as well.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import grpc

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent
PROTO = os.environ.get('PYRITE_PROTO', EXAMPLES.parent / 'proto')  # $(prefix)/include, installed


def make_stubs(folder):
    """What a build does once: calculator_pb2.py with the messages, ..._pb2_grpc.py with the stubs."""
    plugin = '--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin'
    subprocess.run(['protoc', f'-I{EXAMPLES}/calculator', f'-I{PROTO}', plugin,
                    f'--python_out={folder}', f'--grpc_python_out={folder}',
                    'calculator.proto', 'pyrite/names.proto'], check=True)
    sys.path.insert(0, folder)


def look_up(name_server, name):
    """The object and the address behind a name: pyr:OBJECT@HOST:PORT."""
    from pyrite import names_pb2, names_pb2_grpc
    with grpc.insecure_channel(name_server) as channel:
        names = names_pb2_grpc.NamesStub(channel)
        found = names.Lookup(names_pb2.LookupRequest(name=name), timeout=10).name
    for holder in found.holders:
        for reference in holder.references:
            scheme, _, rest = reference.partition(':')
            if scheme in ('pyr', 'grpc'):  # one port speaks both
                return rest.split('@', 1)
    raise SystemExit(f'{name} is not there in cleartext')


def main(name_server='127.0.0.1:9790'):
    with tempfile.TemporaryDirectory() as folder:
        make_stubs(folder)
        import calculator_pb2
        import calculator_pb2_grpc
        place, address = look_up(name_server, 'example.calculator')
        with grpc.insecure_channel(address) as channel:
            calculator = calculator_pb2_grpc.CalculatorStub(channel)
            # the header says which of a daemon's objects; where there is but one it can be left out
            reply = calculator.Add(calculator_pb2.AddRequest(a=20, b=22), timeout=10,
                                   metadata=[('pyrite-object', place)])
    print(f'20 + 22 = {reply.sum:g}')


main(*sys.argv[1:])
