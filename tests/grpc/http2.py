# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 (RFC 9113) by hand, for peers that do what no library lets them do."""
import re
import socket
import struct
import time

PREFACE = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
INITIAL_WINDOW_SIZE = 4
NO_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL = 0, 2, 7, 8


def integer(value, bits, first=0):
    """HPACK's integer (RFC 7541, 5.1)."""
    if value < (1 << bits) - 1:
        return bytes([first | value])
    out = [first | (1 << bits) - 1]
    value -= (1 << bits) - 1
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes(out + [value])


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return integer(len(value), 7) + value


def headers(pairs):
    """A header block without any compression: literals that are not indexed."""
    return b''.join(b'\0' + text(key) + text(value) for key, value in pairs)


def message(body, compressed=0):
    """gRPC's prefix before a message."""
    return struct.pack('>BI', compressed, len(body)) + body


class Connection:
    """Frames on a socket."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b''
        self.windows = {0: 65535}       # what the other end takes, by stream
        self.initial = 65535

    def close(self):
        self.sock.close()

    def send(self, kind, flags, stream, payload=b''):
        if kind == DATA:
            for which in 0, stream:
                self.windows[which] = self.windows.get(which, self.initial) - len(payload)
        length = struct.pack('>I', len(payload))[1:]
        self.sock.sendall(length + bytes([kind, flags]) + struct.pack('>I', stream) + payload)

    def read(self, size):
        while len(self.buffer) < size:
            data = self.sock.recv(65536)
            if not data:
                raise EOFError
            self.buffer += data
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def answer(self, kind, payload=b''):
        """Who has closed hears no answer; what it has said before that is still to be read."""
        try:
            self.send(kind, ACK, 0, payload)
        except ConnectionError:
            pass

    def any_frame(self):
        """The next frame, kind, flags, stream, payload; answered if that is the connection's own affair."""
        head = self.read(9)
        kind, flags = head[3], head[4]
        payload = self.read(int.from_bytes(head[:3], 'big'))
        stream = int.from_bytes(head[5:], 'big') & 0x7fffffff
        if kind == SETTINGS and not flags & ACK:
            self.set_initial(payload)
            self.answer(SETTINGS)
        elif kind == PING and not flags & ACK:
            self.answer(PING, payload)
        elif kind == WINDOW_UPDATE:
            self.windows[stream] = self.windows.get(stream, self.initial) + int.from_bytes(payload, 'big')
        return kind, flags, stream, payload

    def set_initial(self, settings):
        for at in range(0, len(settings), 6):
            name, value = struct.unpack('>HI', settings[at:at + 6])
            if name == INITIAL_WINDOW_SIZE:
                for stream in self.windows:
                    self.windows[stream] += value - self.initial if stream else 0
                self.initial = value

    def frame(self):
        """The next frame that is not the connection's own affair."""
        while True:
            frame = self.any_frame()
            if frame[0] not in (SETTINGS, PING, WINDOW_UPDATE):
                return frame


def status(block):
    """The grpc-status in a header block of the C core, which does not compress what it says first; or None."""
    found = re.search(rb'\x0bgrpc-status[\x01\x02](\d+)', block)
    return int(found[1]) if found else None


class Client(Connection):
    """A client's connection to ENDPOINT."""

    def __init__(self, endpoint):
        host, port = endpoint.rsplit(':', 1)
        super().__init__(socket.create_connection((host, int(port)), timeout=20))
        self.sock.sendall(PREFACE)
        self.send(SETTINGS, 0, 0)
        self.stream = -1

    def request(self, path, change=None, end=False):
        """Opens a stream with the headers of a gRPC call; change: other values, None to leave out."""
        pairs = {':method': 'POST', ':scheme': 'http', ':path': path, ':authority': 'localhost',
                 'content-type': 'application/grpc', 'te': 'trailers'}
        pairs.update(change or {})
        self.stream += 2
        self.send(HEADERS, END_HEADERS | (END_STREAM if end else 0), self.stream,
                  headers((key, value) for key, value in pairs.items() if value is not None))
        return self.stream

    def data(self, stream, body, end=False):
        """As much as the first windows let through: 65,535 bytes."""
        pieces = [body[at:at + 16384] for at in range(0, len(body), 16384)] or [b'']
        for piece in pieces:
            self.send(DATA, END_STREAM if end and piece is pieces[-1] else 0, stream, piece)

    def flood(self, stream, size):
        """Sends so many bytes as the windows let it, or until the stream ends; how many, and how it ended."""
        sent = 0
        zeros = bytes(16384)
        self.windows.setdefault(stream, self.initial)
        try:
            while sent < size:
                room = min(self.windows[0], self.windows[stream], size - sent, len(zeros))
                if room > 0:
                    self.send(DATA, 0, stream, zeros[:room])
                    sent += room
                    continue
                kind, flags, which, payload = self.any_frame()
                if which == stream and (kind == RST_STREAM or kind == HEADERS and flags & END_STREAM):
                    return sent, ('status', status(payload)) if kind == HEADERS else ('reset', payload[3])
        except (EOFError, ConnectionError, socket.timeout) as error:
            return sent, ('closed', error)
        return sent, ('nothing', None)

    def outcome(self, stream):
        """How the stream ends: ('status', number), ('reset', code), ('goaway', code) or ('closed', None)."""
        until = time.monotonic() + 20
        try:
            while time.monotonic() < until: # pings come all the time
                kind, flags, which, payload = self.frame()
                if kind == GOAWAY:
                    return 'goaway', int.from_bytes(payload[4:8], 'big')
                if which != stream:
                    continue
                if kind == RST_STREAM:
                    return 'reset', int.from_bytes(payload, 'big')
                if kind == HEADERS and flags & END_STREAM:
                    return 'status', status(payload)
        except (EOFError, ConnectionResetError):
            return 'closed', None
        return 'nothing', None


class Server(Connection):
    """The other end of one that a client has made."""

    def __init__(self, sock):
        super().__init__(sock)
        self.read(len(PREFACE))
        self.send(SETTINGS, 0, 0)

    def trailers(self, stream, status, more=()):
        """An answer that is only a status."""
        pairs = [(':status', '200'), ('content-type', 'application/grpc'), ('grpc-status', str(status))]
        self.send(HEADERS, END_HEADERS | END_STREAM, stream, headers(pairs + list(more)))
