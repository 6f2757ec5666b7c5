"""An HTTP/2 client that sends prepared bytes, so that it measures the server's time plus a few system calls."""

import socket


def _frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _field(name, value):
    """Encodes a header field as an HPACK literal without indexing."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


class Connection:
    """A connection with one call at a time. A response must fit into a stream's initial window of 64 KiB, and all responses
    together into a GiB."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.stream = -1
        self.greeting = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(4, 0, 0, b"")
        self.greeting += _frame(8, 0, 0, (2**30).to_bytes(4, "big"))  # WINDOW_UPDATE

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def call(self, path, messages=(b"",)):
        """Sends the messages in one write. Returns the messages of the response, each after its prefix; empty if there are
        none."""
        self.stream += 2
        fields = (
            (b":path", path),
            (b":authority", b"localhost"),
            (b"content-type", b"application/grpc"),
            (b"te", b"trailers"),
        )
        headers = b"\x83\x86" + b"".join(_field(*field) for field in fields)  # :method POST, :scheme http
        data = b"".join(b"\x00" + len(message).to_bytes(4, "big") + message for message in messages)
        call = _frame(1, 4, self.stream, headers) + _frame(0, 1, self.stream, data)
        self.socket.sendall(self.greeting + call)
        self.greeting = b""
        answer = b""
        while True:
            while len(self.received) >= 9 and len(self.received) >= 9 + int.from_bytes(self.received[:3], "big"):
                length, kind, flags = int.from_bytes(self.received[:3], "big"), self.received[3], self.received[4]
                stream = int.from_bytes(self.received[5:9], "big")
                if kind == 0:
                    answer += self.received[9 : 9 + length]
                self.received = self.received[9 + length :]
                if kind == 1 and flags & 1 and stream == self.stream:  # the trailers
                    return answer
            part = self.socket.recv(65536)
            if not part:
                return b""
            self.received += part
