"""The transport alone, by the server of the interoperability tests (GSC_INTEROP): CPU time of calls with more connections and more
calls at a time, of streams of megabytes in both directions, and memory of idle connections. Compared with nghttpd and grpcio."""

import contextlib
import os
import re
import resource
import socket
import subprocess
import sys
import time

import grpc

from . import servers
from .report import Row

ROUNDS = int(os.environ.get("GSC_ROUNDS", "5"))
OURS = servers.OURS
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
MEGABYTE = 1_000_000
MESSAGES = 300
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])


class Interop(servers.Server):
    """The server of the interoperability tests, which prints its address and ends with its standard input."""

    def __init__(self):
        self.output_pipe, write = os.pipe()
        self.process = subprocess.Popen(
            [os.environ["GSC_INTEROP"], "serve"], stdin=subprocess.PIPE, stdout=write, start_new_session=True
        )
        os.close(write)
        self.port = int(os.read(self.output_pipe, 200).decode().strip().rsplit(":", 1)[1])

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(20)
        os.close(self.output_pipe)


def grpcio():
    port = servers.free_port()
    return servers.Server([sys.executable, os.path.join(servers.HERE, "grpcio_echo.py"), str(port)], port)


def unary(server, path, body, connections, streams, calls):
    """Returns the server's CPU time per call in microseconds."""
    command = ["h2load", "-n", str(calls), "-c", str(connections), "-m", str(streams), "-t", "1"]
    if body:
        command += ["-d", body, "-H", "content-type: application/grpc", "-H", "te: trailers"]
    before = server.cpu_seconds()
    done = subprocess.run([*command, f"http://{server.address}{path}"], capture_output=True, text=True, check=True)
    used = server.cpu_seconds() - before
    if int(re.search(r"(\d+) succeeded", done.stdout).group(1)) != calls:
        raise RuntimeError(f"calls failed:\n{done.stdout}")
    return 1e6 * used / calls


def produce(server):
    """Returns the server's CPU time in milliseconds for each megabyte of a stream of responses."""
    with grpc.insecure_channel(server.address, options=UNLIMITED) as channel:
        before = server.cpu_seconds()
        received = sum(map(len, channel.unary_stream("/test.Echo/Produce")(f"{MESSAGES} {MEGABYTE}".encode())))
        assert received == MESSAGES * MEGABYTE
        return 1e3 * (server.cpu_seconds() - before) / MESSAGES


def upload(server):
    """The same of a stream of requests."""
    with grpc.insecure_channel(server.address, options=UNLIMITED) as channel:
        message, before = bytes(MEGABYTE), server.cpu_seconds()
        assert int(channel.stream_unary("/test.Echo/Sum")(iter([message] * MESSAGES))) == MESSAGES * MEGABYTE
        return 1e3 * (server.cpu_seconds() - before) / MESSAGES


def idle(server, count):
    """Returns the private memory in KiB that each of so many idle connections adds."""
    before = server.private_mib()
    with contextlib.ExitStack() as opened:
        for _ in range(count):
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60))
            connection.sendall(PREFACE)
            connection.recv(9)
        time.sleep(1)
        return 1024 * (server.private_mib() - before) / count


def measure(directory, peer, cleanup):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # of the servers, too
    body = os.path.join(directory, "message")
    with open(body, "wb") as file:
        file.write(bytes([0, 0, 0, 0, 32]) + bytes(32))
    ours = cleanup.enter_context(Interop())
    nghttpd = cleanup.enter_context(servers.nghttpd(directory, 37))
    python = cleanup.enter_context(grpcio())
    nghttpd.wait(servers.accepts)
    python.wait(servers.accepts)
    rows = []
    for connections in (1, 100):
        for streams in (1, 32, 100):
            calls = 50_000 if streams == 1 else 100_000
            plan = {
                OURS: lambda c=connections, m=streams, n=calls: unary(ours, "/test.Echo/Unary", body, c, m, n),
                servers.NGHTTPD: lambda c=connections, m=streams, n=calls: unary(nghttpd, "/heartbeat", None, c, m, n),
                servers.GRPCIO: lambda c=connections, m=streams, n=calls // 20: unary(
                    python, "/test.Echo/Unary", body, c, m, n
                ),
            }
            rows.append(row(f"a call of 32 bytes, h2load -c {connections} -m {streams}", "µs", plan))
    for name, part in (("a stream of responses of 1 MB, for each MB", produce), ("the same of requests", upload)):
        rows.append(row(name, "ms", {OURS: lambda p=part: p(ours), servers.GRPCIO: lambda p=part: p(python)}))
    for count in (1_000, 10_000):
        with Interop() as fresh:
            samples = [idle(fresh, count)]
        rows.append(Row(f"memory of each of {count:,} idle connections", "KiB", samples))
    return rows


def row(name, unit, plan):
    samples = {program: [] for program in plan}
    for run in plan.values():
        run()  # warm up
    for _ in range(ROUNDS):
        for program, run in plan.items():
            samples[program].append(run())
    return Row(name, unit, samples.pop(OURS), samples)
