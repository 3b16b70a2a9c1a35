# SPDX-License-Identifier: Apache-2.0
"""Senders that do not behave: requests that stop half way, bodies that inflate without end, gRPC calls made of any
bytes. They take what the server gives them (windows, answers) and never block, so that one thread can hold hundreds."""

import gzip
import io
import select
import socket
import struct
import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from clew_process import connect
from otlp import EXPORT_METHOD

CHUNK = bytes(256 << 10)
ENDINGS = (h2.events.StreamEnded, h2.events.StreamReset, h2.events.ConnectionTerminated)


class HalfSentHttp:
    """A POST that announces `announced` bytes, sends up to `sent` of them, and then only holds the connection."""

    def __init__(self, address, announced, sent, chunked=False):
        self.socket = connect(address)
        length = "transfer-encoding: chunked" if chunked else f"content-length: {announced}"
        self.socket.sendall(f"POST /v1/traces HTTP/1.1\r\nhost: clew\r\ncontent-type: application/x-protobuf\r\n"
                            f"{length}\r\n\r\n".encode())
        if chunked:
            self.socket.sendall(f"{announced:x}\r\n".encode())
        self.socket.setblocking(False)
        self.left, self.taken = sent, 0
        self.answer = b""

    def push(self):
        """Sends what can be sent now; True while there is more to send."""
        try:
            self.answer += self.socket.recv(65536)
        except OSError:
            pass
        if self.answer or self.left <= 0:
            self.left = 0
            return False
        try:
            sent = self.socket.send(CHUNK[:self.left])
            self.left -= sent
            self.taken += sent
        except BlockingIOError:
            pass
        except OSError:
            self.left = 0
        return self.left > 0

    def close(self):
        self.socket.close()


class RawGrpc:
    """A gRPC call of which every byte is ours."""

    def __init__(self, address, headers=()):
        self.socket = connect(address)
        self.http2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.http2.initiate_connection()
        self.stream = self.http2.get_next_available_stream_id()
        self.http2.send_headers(self.stream, [
            (":method", "POST"), (":scheme", "http"), (":path", EXPORT_METHOD), (":authority", "clew"),
            ("content-type", "application/grpc"), ("te", "trailers"), *headers])
        self.socket.sendall(self.http2.data_to_send())
        self.socket.setblocking(False)
        self.trailers = {}
        self.ended = False
        self.unsent = b""

    def _exchange(self):
        try:
            while True:
                data = self.socket.recv(65536)
                if not data:
                    self.ended = True
                    break
                for event in self.http2.receive_data(data):
                    if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
                        self.trailers.update(event.headers)
                    elif isinstance(event, h2.events.DataReceived):
                        self.http2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    elif isinstance(event, ENDINGS):
                        self.ended = True
        except BlockingIOError:
            pass
        except (OSError, h2.exceptions.ProtocolError):
            self.ended = True
        self.unsent += self.http2.data_to_send()
        try:
            while self.unsent:
                self.unsent = self.unsent[self.socket.send(self.unsent):]
        except BlockingIOError:
            pass
        except OSError:
            self.ended = True

    def push(self, data, end=False):
        """Sends as much of `data` as windows and socket take now; the number of bytes taken."""
        self._exchange()
        if self.ended or self.unsent:
            return 0
        room = min(self.http2.local_flow_control_window(self.stream), self.http2.max_outbound_frame_size, len(data))
        if room <= 0 and data:
            return 0
        self.http2.send_data(self.stream, data[:room], end_stream=end and room == len(data))
        self._exchange()
        return room

    def call(self, message, compressed=False, seconds=30):
        """Sends one message to its end; the gRPC status as a number, or None without an answer."""
        data = struct.pack(">BI", compressed, len(message)) + message
        deadline = time.monotonic() + seconds
        sent_all = False
        while not self.ended and time.monotonic() < deadline:
            if not sent_all:
                taken = self.push(data, end=True)
                data = data[taken:]
                sent_all = not data
                if taken:
                    continue
            select.select([self.socket], [], [], 0.05)
            self._exchange()
        return int(self.trailers["grpc-status"]) if "grpc-status" in self.trailers else None

    def close(self):
        self.socket.close()


class HalfSentGrpc:
    """A gRPC call that announces a message of `announced` bytes and sends up to `sent` of them."""

    def __init__(self, address, announced, sent):
        self.raw = RawGrpc(address)
        self.data = struct.pack(">BI", 0, announced)
        self.left, self.taken = sent, 0

    def push(self):
        if self.raw.ended:
            self.left = 0
        elif self.data:
            self.data = self.data[self.raw.push(self.data):]
        else:
            sent = self.raw.push(CHUNK[:min(self.left, len(CHUNK))])
            self.left -= sent
            self.taken += sent
        return self.left > 0

    def close(self):
        self.raw.close()


def gzip_bomb(bytes_inflated):
    """Some two megabytes of gzip for each two gigabytes of zeros, in one member."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9, mtime=0) as bomb:
        block = bytes(16 << 20)
        for _ in range(bytes_inflated // len(block)):
            bomb.write(block)
    return out.getvalue()


def gzip_bomb_of_members(bytes_inflated):
    """The same as many members of one mebibyte: each one alone is harmless."""
    return gzip.compress(bytes(1 << 20), 9) * (bytes_inflated >> 20)


def zstd_bomb(bytes_inflated):
    """Run-length blocks of 128 KiB (RFC 8878, 3.1.1.2), four bytes each."""
    block_bytes = 128 << 10
    frame_header = b"\x28\xb5\x2f\xfd" + b"\x00" + b"\x58"  # no content size, a window of 2 MiB
    count = bytes_inflated // block_bytes
    block = struct.pack("<I", block_bytes << 3 | 1 << 1)[:3] + b"\x0a"
    last = struct.pack("<I", block_bytes << 3 | 1 << 1 | 1)[:3] + b"\x0a"
    return frame_header + block * (count - 1) + last
