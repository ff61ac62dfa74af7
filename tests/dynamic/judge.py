# SPDX-License-Identifier: Apache-2.0
"""usage: judge.py CONVERT DESCRIPTOR_SET

Google's own json_format judges ours: messages made by hand and at random go through both, in both
directions, and texts are taken or refused by both alike.
"""
import base64
import json
import math
import random
import struct
import subprocess
import sys

try:
    from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
except ImportError:
    sys.exit("judge: python3-protobuf is missing")

FieldD = descriptor_pb2.FieldDescriptorProto
failures = 0
checks = 0


class Ours:
    def __init__(self, program, path):
        self.process = subprocess.Popen([program, path], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def ask(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit("judge: convert has died of: " + line[:2000])
        word, _, rest = answer.decode().rstrip("\n").partition(" ")
        return word == "ok", rest

    def write(self, message):
        return self.ask("w %s %s" % (message.DESCRIPTOR.full_name,
                                     message.SerializeToString().hex()))

    def read(self, name, text):
        good, rest = self.ask("r %s %s" % (name, text))
        return good, bytes.fromhex(rest) if good else rest


def check(condition, *what):
    global failures, checks
    checks += 1
    if not condition:
        failures += 1
        if failures <= 20:
            print("judge: WRONG:", *[str(w)[:600] for w in what])


class Judge:
    def __init__(self, ours, path):
        self.ours = ours
        self.pool = descriptor_pool.DescriptorPool()
        files = descriptor_pb2.FileDescriptorSet()
        with open(path, "rb") as f:
            files.ParseFromString(f.read())
        for file in files.file:
            self.pool.Add(file)
        self.factory = message_factory.MessageFactory(self.pool)

    def new(self, name):
        return self.factory.GetPrototype(self.pool.FindMessageTypeByName(name))()

    def settle(self, message):
        """Inside of an Any the order of a map's entries is anybody's: puts them into one."""
        if message.DESCRIPTOR.full_name == "google.protobuf.Any" and message.type_url:
            inner = self.new(message.type_url.rpartition("/")[2])
            inner.ParseFromString(message.value)
            message.value = self.canonical(inner)
        for field, value in message.ListFields():
            if field.message_type and field.message_type.GetOptions().map_entry:
                if field.message_type.fields_by_name["value"].message_type:
                    for key in value:
                        self.settle(value[key])
            elif field.message_type:
                for one in value if field.label == field.LABEL_REPEATED else [value]:
                    self.settle(one)

    def canonical(self, message):
        self.settle(message)
        return message.SerializeToString(deterministic=True)

    def to_json(self, message):
        return json_format.MessageToJson(message, indent=None, descriptor_pool=self.pool)

    def both_ways(self, message):
        """A message that has a JSON form."""
        name = message.DESCRIPTOR.full_name
        try:
            theirs = self.to_json(message)
        except Exception as e:
            good, text = self.ours.write(message)
            check(not good, name, "theirs refuses to write:", e, "ours wrote", text)
            return
        good, text = self.ours.write(message)
        check(good, name, "ours does not write", text, theirs)
        if not good:
            return
        check(json.loads(text) == json.loads(theirs), name, "written:", text, "not", theirs)
        back = self.new(name)
        json_format.Parse(text, back, descriptor_pool=self.pool)
        check(self.canonical(back) == self.canonical(json_format.Parse(
            theirs, self.new(name), descriptor_pool=self.pool)), name, "theirs reads", text)
        for source in (theirs, text):
            good, data = self.ours.read(name, source)
            check(good, name, "ours does not read", source, data)
            if good:
                back = self.new(name)
                back.ParseFromString(data)
                wanted = json_format.Parse(source, self.new(name), descriptor_pool=self.pool)
                check(self.canonical(back) == self.canonical(wanted), name, "read:", source)

    def text(self, name, text):
        """A JSON text that both take, with the same result, or that both refuse."""
        wanted = self.new(name)
        try:
            json_format.Parse(text, wanted, descriptor_pool=self.pool)
            theirs = True
        except Exception as e:
            theirs = False
            reason = e
        good, data = self.ours.read(name, text)
        if theirs:
            check(good, name, "refused:", text, data)
            if good:
                back = self.new(name)
                back.ParseFromString(data)
                check(self.canonical(back) == self.canonical(wanted), name, "read otherwise:", text)
        else:
            check(not good, name, "taken:", text, "theirs says", reason)


class Random:
    def __init__(self, judge, seed):
        self.judge = judge
        self.r = random.Random(seed)

    def text(self):
        parts = ["", "a", "\u00e9", "\u4e2d", "\U0001f600", '"', "\\", "\n", "\t", "\x01", "/",
                 "<", "\u2028", "\x7f", "hello world", "\ud7ff", "\ue000", "null"]
        return "".join(self.r.choice(parts) for _ in range(self.r.randrange(6)))

    def real(self):
        return self.r.choice([0.0, 1.0, -1.5, 0.1, 1e100, -1e-300, 5e-324, 1.7976931348623157e308,
                              math.inf, -math.inf, math.nan, 1 / 3, 123456789.123456789,
                              self.r.uniform(-1e9, 1e9), float(self.r.getrandbits(60))])

    def single(self, value):
        if math.isfinite(value) and abs(value) > 3.4028234e38:
            value = 3e38  # the largest one itself, written short, theirs finds too large
        return struct.unpack("f", struct.pack("f", value))[0] + 0.0  # protobuf-c drops -0.0

    def integer(self, bits, signed):
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        return self.r.choice([low, high, 0, 1, high // 2, self.r.randint(low, high)])

    def scalar(self, field):
        kind = field.type
        if kind in (FieldD.TYPE_INT32, FieldD.TYPE_SINT32, FieldD.TYPE_SFIXED32):
            return self.integer(32, True)
        if kind in (FieldD.TYPE_INT64, FieldD.TYPE_SINT64, FieldD.TYPE_SFIXED64):
            return self.integer(64, True)
        if kind in (FieldD.TYPE_UINT32, FieldD.TYPE_FIXED32):
            return self.integer(32, False)
        if kind in (FieldD.TYPE_UINT64, FieldD.TYPE_FIXED64):
            return self.integer(64, False)
        if kind == FieldD.TYPE_FLOAT:
            return self.single(self.real())
        if kind == FieldD.TYPE_DOUBLE:
            return self.real()
        if kind == FieldD.TYPE_BOOL:
            return self.r.random() < 0.5
        if kind == FieldD.TYPE_STRING:
            return self.text()
        if kind == FieldD.TYPE_BYTES:
            return self.r.randbytes(self.r.randrange(6))
        values = [v.number for v in field.enum_type.values]
        if field.enum_type.full_name.startswith("judge."):
            values += [99, -99]
        return self.r.choice(values)

    def known(self, message, depth):
        name = message.DESCRIPTOR.name
        if name == "Timestamp":
            message.seconds = self.r.choice([0, -1, -62135596800, 253402300799, 951782400,
                                             self.r.randint(-62135596800, 253402300799)])
            message.nanos = self.r.choice([0, 1, 999999999, 21000000, 1000, 500000000])
        elif name == "Duration":
            sign = self.r.choice([-1, 1])
            message.seconds = sign * self.r.choice([0, 1, 315575999999, 60, 123456])
            message.nanos = sign * self.r.choice([0, 1, 999999999, 21000000, 1000])
        elif name == "FieldMask":
            for _ in range(self.r.randrange(4)):
                message.paths.append(self.r.choice(["a", "my_field", "a.b_c.d", "x1", "with_x_y"]))
        elif name == "Any":
            inner = self.judge.new(self.r.choice(
                ["judge.Scalars", "judge.Choice", "google.protobuf.Duration", "judge.Maps",
                 "google.protobuf.Int64Value", "google.protobuf.Struct", "google.protobuf.Empty"]))
            self.fill(inner, depth + 1)
            message.Pack(inner)
        elif name == "Value":
            kind = self.r.randrange(6 if depth < 5 else 4)
            if kind == 0:
                message.null_value = 0
            elif kind == 1:
                message.number_value = self.r.choice([0.0, 1.5, -2e10, 1 / 3])
            elif kind == 2:
                message.string_value = self.text()
            elif kind == 3:
                message.bool_value = self.r.random() < 0.5
            elif kind == 4:
                self.fill(message.struct_value, depth + 1)
            else:
                self.fill(message.list_value, depth + 1)
        else:
            return False
        return True

    def fill(self, message, depth=0):
        """Sets some of the fields."""
        message.SetInParent()
        if message.DESCRIPTOR.file.package == "google.protobuf" and self.known(message, depth):
            return message
        for field in message.DESCRIPTOR.fields:
            required = field.label == field.LABEL_REQUIRED
            if field.type == FieldD.TYPE_GROUP or not required and self.r.random() < 0.5:
                continue
            if field.message_type and depth > 3:
                continue
            self.set(message, field, depth)
        return message

    def set(self, message, field, depth):
        many = self.r.randrange(4)
        if field.message_type and field.message_type.GetOptions().map_entry:
            value = field.message_type.fields_by_name["value"]
            entries = getattr(message, field.name)
            for _ in range(many):
                key = self.scalar(field.message_type.fields_by_name["key"])
                if value.message_type:
                    self.fill(entries[key], depth + 1)
                else:
                    entries[key] = self.scalar(value)
        elif field.label == field.LABEL_REPEATED:
            entries = getattr(message, field.name)
            for _ in range(many):
                if field.message_type:
                    self.fill(entries.add(), depth + 1)
                else:
                    entries.append(self.scalar(field))
        elif field.message_type:
            self.fill(getattr(message, field.name), depth + 1)
        else:
            setattr(message, field.name, self.scalar(field))


def main():
    program, path = sys.argv[1:3]
    judge = Judge(Ours(program, path), path)
    names = ["Scalars", "Optionals", "Lists", "Maps", "Choice", "Known", "Tree"]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 150
    for name in ["judge." + n for n in names] + ["judge2.Old"]:
        judge.both_ways(judge.new(name)) if name != "judge2.Old" else None
        for seed in range(rounds):
            judge.both_ways(Random(judge, "%s %d" % (name, seed)).fill(judge.new(name)))
    with open(__file__.replace("judge.py", "texts.txt"), encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                name, _, text = line.rstrip("\n").partition(" ")
                judge.text(name, text)
    print("judge: %d checks, %d wrong" % (checks, failures))
    sys.exit(failures > 0 or checks < 1000)


main()
