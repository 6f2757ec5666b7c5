"""Readers that stop in the middle of a large result: what is kept for them is limited, and nothing of it is lost."""

import os
import re
import urllib.request

import grpc
import pytest
from graphscope.proto import message_pb2
from graphscope.proto import types_pb2 as t
from graphscope.proto.error.coordinator_pb2 import OK

import raw
from process import free_port, wait_until

pytestmark = pytest.mark.ours("it is about limits of ours")

# More than a piece of an answer, and more than the share of a connection below.
VERTICES = 1_000_000
QUEUED = 16 << 20
READERS = 4


@pytest.fixture
def edges(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text("src,dst\n" + "".join(f"{i},{i + 1}\n" for i in range(0, VERTICES, 2)))
    return str(path)


def metric(port, name):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    return int(re.search(rf"^{re.escape(name)} (\d+)$", text, re.MULTILINE)[1])


def test_results_that_do_not_fit_into_the_share_of_a_connection_wait_in_files(start, edges):
    admin = free_port()
    coordinator = start(
        ["--port", "0", "--set", f"admin_port={admin}", "--set", f"limits.queued_bytes={QUEUED}"]
    )
    queued = 'gscoordinator_held_bytes{kind="queued"}'
    graph = raw.load_ops(edges)

    def export():
        return raw.op(t.GRAPH_TO_NUMPY, [graph[1]], output=t.TENSOR, SELECTOR="v:_.id")

    with raw.Client(coordinator.address) as loader:
        session = loader.connect(dangling=600).session_id
        assert loader.run(session, graph, timeout=300)[0].code == OK
        _, bodies = loader.run(session, [export()], timeout=300)
    expected = b"".join(body.chunk for body in bodies)
    assert len(expected) > QUEUED / 4

    # A reader that stops must not receive the result all the same, or its file is removed.
    readers = [raw.Client(coordinator.address, options=raw.SMALL_WINDOWS) for _ in range(READERS)]

    calls = []
    for reader in readers:
        call = reader.stub.RunStep(iter([raw.head(session, [export()])]), timeout=600)
        assert next(call).head.code == OK
        calls.append(call)

    def files():
        return [f for _, _, names in os.walk(coordinator.workspace) for f in names if f.startswith("spool-")]

    # A head is sent when its result has a file. In memory, each call has half of the watermark, up to the watermark and two
    # pieces of 128 KiB.
    assert len(files()) == READERS
    wait_until(lambda: metric(admin, queued) >= READERS << 19, 120, "every reader has stopped")
    assert metric(admin, queued) <= READERS * (5 << 18)
    assert len(files()) == READERS
    readers[0].heartbeat(timeout=60)

    for call in calls:
        assert b"".join(response.body.chunk for response in call) == expected
    # What a connection counts may lag behind by 32 KiB.
    wait_until(
        lambda: metric(admin, queued) <= READERS * (32 << 10) and not files(), 120, "nothing waits any more"
    )
    readers[0].close(session)
    for reader in readers:
        reader.channel.close()


def test_a_metadata_field_that_is_too_long_costs_its_call_only(start):
    coordinator = start()
    with raw.Client(coordinator.address) as client:
        session = client.connect().session_id
        for size in (70_000, 500_000):
            with pytest.raises(grpc.RpcError) as failed:
                client.stub.HeartBeat(message_pb2.HeartBeatRequest(), timeout=60, metadata=[("x-long", "v" * size)])
            assert failed.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "65536 bytes" in failed.value.details()
        assert client.run(session, [])[0].code == OK
        client.close(session)
