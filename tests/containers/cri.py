#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cri.py SOCKET METHOD [REQUEST] - call a method of CRI v1, with request and answer as JSON.

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


def call(socket, method, request):
    pool = load("/usr/bin/containerd")
    factory = message_factory.MessageFactory(pool)
    service = PACKAGE + (".ImageService" if "Image" in method else ".RuntimeService")
    found = pool.FindServiceByName(service).methods_by_name[method]
    asked, answered = factory.GetPrototype(found.input_type), factory.GetPrototype(found.output_type)
    channel = grpc.insecure_channel("unix://" + socket, options=[("grpc.default_authority", "localhost")])
    run = channel.unary_unary("/%s/%s" % (service, method), request_serializer=asked.SerializeToString,
                              response_deserializer=answered.FromString)
    answer = run(json_format.ParseDict(request, asked()), timeout=60)
    return json_format.MessageToDict(answer, preserving_proto_field_name=True)


if __name__ == "__main__":
    body = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}
    print(json.dumps(call(sys.argv[1], sys.argv[2], body)))
