"""A journaled transition: a commit to the state stores, compared with the minimum for a disk, SQLite and etcd."""

import base64
import json
import os
import sqlite3
import statistics
import subprocess
import tempfile
import time

from . import servers
from .report import Row

ROUNDS = 5
COMMITTERS = 64
# The bytes of the keys and the value that StoreBenchmark commits.
KEY, VALUE = b"k" * 48, b"v" * 384


def ours(kind, target, committers):
    command = [os.environ["GSC_STORE_BENCHMARK"], kind, target, str(commits(committers)), str(committers)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def commits(committers):
    return 5_000 if committers == 1 else 400 * committers


def summary(each, elapsed, processor=None):
    """Returns a summary like a line of StoreBenchmark, from microseconds."""
    each = sorted(each)
    p50, p99, p999 = (each[min(len(each) - 1, int(len(each) * part))] for part in (0.5, 0.99, 0.999))
    return {"p50": p50, "p99": p99, "p99.9": p999, "elapsed": elapsed / len(each), "processor": processor}


def bare_sqlite(synchronous, directory, committers):
    """Measures one INSERT of as many bytes, or one transaction for all that commit together."""
    path = os.path.join(tempfile.mkdtemp(dir=directory), "bare.db")
    each = []
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(f"PRAGMA synchronous = {synchronous}")
    database.execute("CREATE TABLE entries(revision INTEGER PRIMARY KEY, key BLOB, value BLOB)")
    begun, used = time.perf_counter(), time.process_time()
    for _ in range(commits(committers) // committers):
        start = time.perf_counter()
        database.execute("BEGIN IMMEDIATE")
        for _ in range(committers):
            database.execute("INSERT INTO entries(key, value) VALUES (?, ?)", (KEY, VALUE))
        database.execute("COMMIT")
        each += [1e6 * (time.perf_counter() - start)] * committers
    elapsed, used = time.perf_counter() - begun, time.process_time() - used
    database.close()
    return summary(each, 1e6 * elapsed, 1e6 * used / len(each))


def put(directory):
    """Returns a Put of as many bytes over gRPC."""
    body = os.path.join(directory, "put")
    message = b"\x0a" + bytes([len(KEY)]) + KEY + b"\x12" + bytes([len(VALUE) % 128 + 128, len(VALUE) // 128]) + VALUE
    with open(body, "wb") as file:
        file.write(b"\x00" + len(message).to_bytes(4, "big") + message)
    return ["/etcdserverpb.KV/Put", "-d", body, "-H", "content-type: application/grpc", "-H", "te: trailers"]


def transaction(directory):
    """Returns a transaction with as many operations as ours in etcd's JSON, over HTTP/1.1."""

    def operation(kind, key, value=None):
        content = {"key": base64.b64encode(key).decode()}
        if value is not None:
            content["value"] = base64.b64encode(value).decode()
        return {kind: content}

    compare = {**operation("c", b"absent")["c"], "target": "VERSION", "version": "0"}
    success = [operation("request_put", KEY, VALUE), operation("request_delete_range", KEY + b"0")]
    success += [operation("request_put", b"header", VALUE[:120]), operation("request_put", b"i" * 40, b"")]
    body = os.path.join(directory, "transaction")
    with open(body, "w") as file:
        json.dump({"compare": [compare, compare], "success": success}, file)
    return ["/v3/kv/txn", "--h1", "-d", body]


def bare_etcd(member, directory, committers, call):
    """Sends the call with h2load."""
    log = os.path.join(directory, "calls.log")
    if os.path.exists(log):
        os.remove(log)
    path, *options = call
    # HTTP/1.1 allows one call at a time per connection.
    at_a_time = ["-c", str(committers)] if "--h1" in options else ["-c", "1", "-m", str(committers)]
    command = ["h2load", "-n", str(commits(committers)), *at_a_time, "-t", "1", *options, f"--log-file={log}"]
    start = time.perf_counter()
    subprocess.run([*command, f"http://{member.address}{path}"], capture_output=True, check=True)
    elapsed = time.perf_counter() - start
    with open(log) as lines:
        each = [float(time) for _, status, time in (line.split("\t") for line in lines) if status == "200"]
    assert len(each) == commits(committers)
    return summary(each, 1e6 * elapsed)


def measure(directory, peer, cleanup):
    member = cleanup.enter_context(servers.etcd(directory))
    member.wait(servers.etcd_leads)

    def sqlite(kind):
        return lambda n: ours(kind, tempfile.mkdtemp(dir=directory), n)

    plan = {
        "SQLite, normal": sqlite("sqlite-normal"),
        "bare SQLite, normal": lambda n: bare_sqlite("NORMAL", directory, n),
        "SQLite, full": sqlite("sqlite-full"),
        "bare SQLite, full": lambda n: bare_sqlite("FULL", directory, n),
        "write and fdatasync": lambda n: ours("append", directory, n),
        "etcd": lambda n: ours("etcd", f"http://{member.address}", n),
        "etcd itself, JSON": lambda n: bare_etcd(member, directory, n, transaction(directory)),
        "etcd itself, a Put by gRPC": lambda n: bare_etcd(member, directory, n, put(directory)),
    }
    peers = {
        "SQLite, normal": ["etcd", "bare SQLite, normal"],
        "SQLite, full": ["etcd", "bare SQLite, full", "write and fdatasync"],
        "etcd": ["etcd itself, JSON", "etcd itself, a Put by gRPC"],
    }
    rows = []
    for committers in (1, COMMITTERS):
        samples = {name: [] for name in plan}
        for _ in range(ROUNDS):
            for name, run in plan.items():
                samples[name].append(run(committers))
        together = "one after the other" if committers == 1 else f"{committers} at a time"

        def take(name, field):
            return [sample[field] for sample in samples[name] if sample[field] is not None]

        for name, others in peers.items():
            for field, text in (("p50", "p50"), ("p99", "p99"), ("p99.9", "p99.9"), ("elapsed", "elapsed per commit"),
                                ("processor", "the caller's CPU time per commit")):
                if field == "elapsed" and committers == 1:
                    continue
                found = {other: take(other, field) for other in others}
                rows.append(Row(f"commit to {name}, {together}: {text}", "µs", take(name, field), found))
    for name in ("SQLite, normal", "SQLite, full", "etcd"):
        print(f"{name}: {1e6 / statistics.median(s['elapsed'] for s in samples[name]):.0f} commits/s, 64 at a time")
    return rows
