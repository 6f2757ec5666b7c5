"""CPU time per HeartBeat under load, compared with a grpcio server, and with nghttpd serving a file of the same size."""

import os
import re
import subprocess

from . import servers
from .report import Row

ROUNDS = 5
CALL = "/gs.rpc.CoordinatorService/HeartBeat"


def load(server, calls, path, body=None):
    """Returns the server's CPU time per call in microseconds, with 32 calls at a time on one connection."""
    command = ["h2load", "-n", str(calls), "-c", "1", "-m", "32", "-t", "1"]
    if body:
        command += ["-d", body, "-H", "content-type: application/grpc", "-H", "te: trailers"]
    before = server.cpu_seconds()
    done = subprocess.run([*command, f"http://{server.address}{path}"], capture_output=True, text=True, check=True)
    used = server.cpu_seconds() - before
    succeeded = int(re.search(r"(\d+) succeeded", done.stdout).group(1))
    if succeeded != calls:
        raise RuntimeError(f"{calls - succeeded} of {calls} calls failed:\n{done.stdout}")
    return 1e6 * used / calls


def measure(directory, peer, cleanup):
    body = os.path.join(directory, "empty-message")
    with open(body, "wb") as file:
        file.write(bytes(5))
    ours = cleanup.enter_context(servers.ours(directory))
    grpcio = cleanup.enter_context(servers.grpcio())
    nghttpd = cleanup.enter_context(servers.nghttpd(directory))
    ours.wait(servers.heartbeat)
    grpcio.wait(servers.heartbeat)
    nghttpd.wait(servers.accepts)
    plan = [
        (servers.OURS, lambda: load(ours, 200_000, CALL, body)),
        (servers.GRPCIO, lambda: load(grpcio, 10_000, CALL, body)),
        (servers.NGHTTPD, lambda: load(nghttpd, 200_000, "/heartbeat")),
    ]
    samples = {name: [] for name, _ in plan}
    for _, run in plan:
        run()  # warm up
    for _ in range(ROUNDS):
        for name, run in plan:
            samples[name].append(run())
    return [Row("HeartBeat, CPU per call, h2load -m 32", "µs", samples.pop(servers.OURS), samples, "≤ 6 µs")]
