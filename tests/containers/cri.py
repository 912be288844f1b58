#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cri.py SOCKET - call methods of CRI v1: each line of input is METHOD REQUEST, its answer a line; both are JSON.

An answer {"error": TEXT} means that the call failed.

The messages are described by containerd's own program, which has its .proto file compressed within: so no copy
of it is kept here. Needs python3-grpcio and python3-protobuf.
"""
import json
import re
import sys
import zlib

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

PACKAGE = "runtime.v1"


def description(program):
    """The FileDescriptorProto of CRI v1 in a program."""
    with open(program, "rb") as f:
        image = f.read()
    for match in re.finditer(b"\x1f\x8b\x08", image):
        try:
            text = zlib.decompressobj(31).decompress(image[match.start():match.start() + (1 << 19)])
        except zlib.error:
            continue
        if text[:1] == b"\n" and b"\x12%c%s" % (len(PACKAGE), PACKAGE.encode()) in text[:256]:
            return descriptor_pb2.FileDescriptorProto.FromString(text)
    sys.exit("cri.py: no description of CRI in " + program)


def without_options(message):
    """Options of Go's code generator are described in files that are not here."""
    if not message.options.map_entry:
        message.ClearField("options")
    for field in message.field:
        field.ClearField("options")
    for nested in message.nested_type:
        without_options(nested)


def load(program):
    file = description(program)
    del file.dependency[:]
    file.ClearField("options")
    for message in file.message_type:
        without_options(message)
    for service in file.service:
        for method in service.method:
            method.ClearField("options")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


class Runtime:
    """A runtime behind a socket."""

    def __init__(self, socket):
        self.pool = load("/usr/bin/containerd")
        self.factory = message_factory.MessageFactory(self.pool)
        self.channel = grpc.insecure_channel("unix://" + socket, options=[("grpc.default_authority", "localhost")])

    def call(self, method, request):
        service = PACKAGE + (".ImageService" if "Image" in method else ".RuntimeService")
        found = self.pool.FindServiceByName(service).methods_by_name[method]
        asked, answered = self.factory.GetPrototype(found.input_type), self.factory.GetPrototype(found.output_type)
        run = self.channel.unary_unary("/%s/%s" % (service, method), request_serializer=asked.SerializeToString,
                                       response_deserializer=answered.FromString)
        answer = run(json_format.ParseDict(request, asked()), timeout=60)
        return json_format.MessageToDict(answer, preserving_proto_field_name=True)


def main():
    runtime = Runtime(sys.argv[1])
    for line in sys.stdin:
        method, _, request = line.strip().partition(" ")
        try:
            answer = runtime.call(method, json.loads(request or "{}"))
        except grpc.RpcError as e:
            answer = {"error": e.details()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
