"""Sampling with the unmodified client on the embedded learning engine: `sess.graphlearn`, samplers, and queries of GSL."""

import base64
import collections
import json
import os
import socket
import subprocess
import sys
import textwrap
import time

import graphscope.learning  # noqa: F401  (it puts graphlearn on the path)
import graphlearn as gl
import grpc
import numpy as np
import pandas as pd
import pytest
from graphscope.framework.loader import Loader
from graphscope.learning.graph import get_gl_handle

from conftest import close as close_session

pytestmark = pytest.mark.ours("the reference coordinator has no embedded learning engine")


@pytest.fixture(scope="module", autouse=True)
def elsewhere(tmp_path_factory):
    """The client's library writes its log to the current directory."""
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("library"))
    yield
    os.chdir(before)


PERSONS, ITEMS = 40, 12
KNOWS = sorted((i, (i + j) % PERSONS) for i in range(PERSONS) for j in range(1, i % 5 + 1))
BUYS = sorted({(i, (i * j + j) % ITEMS) for i in range(PERSONS) for j in range(3)})
SPLITS = [
    ("train", "person", 100, (0, 75)),
    ("val", "person", 100, (75, 85)),
    ("test", "person", 100, (85, 100)),
]


def load(session, text=False, directed=True):
    """Persons 100, 101 … who know the next ones, and buy items 7000, 7001 …"""

    def number(base, values):
        ids = np.array([base + v for v in values], dtype="int64")
        return np.array([f"n{v}" for v in ids], dtype=object) if text else ids

    i = np.arange(PERSONS)
    persons = pd.DataFrame(
        {"id": number(100, i), "age": 20 + i, "score": i / 4, "name": [f"p{k}" for k in i], "label": i % 3,
         "weight": 1.0 + i % 4})  # fmt: skip
    items = pd.DataFrame({"id": number(7000, range(ITEMS)), "price": np.arange(ITEMS) * 1.5})
    knows = pd.DataFrame(
        {"src": number(100, [s for s, _ in KNOWS]), "dst": number(100, [d for _, d in KNOWS]),
         "weight": [float((d - s) % PERSONS) for s, d in KNOWS], "code": [s * 100 + d for s, d in KNOWS]})  # fmt: skip
    buys = pd.DataFrame(
        {
            "src": number(100, [s for s, _ in BUYS]),
            "dst": number(7000, [d for _, d in BUYS]),
        }
    )
    return session.load_from(
        vertices={
            "person": (Loader(persons), None, "id"),
            "item": (Loader(items), None, "id"),
        },
        edges={
            "knows": (
                Loader(knows.sample(frac=1, random_state=3)),
                None,
                ("src", "person"),
                ("dst", "person"),
            ),
            "buy": (Loader(buys), None, ("src", "person"), ("dst", "item")),
        },
        directed=directed,
        oid_type="string" if text else "int64_t",
    )


def friends(person):
    return sorted(100 + d for s, d in KNOWS if s == person - 100)


@pytest.fixture(scope="module")
def graph(sess):
    return load(sess)


@pytest.fixture(scope="module")
def lg(sess, graph):
    learning = sess.graphlearn(graph, gen_labels=SPLITS)
    yield learning
    learning.close()


def epoch(sampler):
    """The ids of one epoch."""
    seen = []
    while True:
        try:
            seen.append(sampler.get())
        except gl.OutOfRangeError:
            return seen


def batches(dataset, aliases, most=1000):
    """The batches of one epoch, each as a list of values by alias."""
    seen = []
    for _ in range(most):
        try:
            batch = dataset.next()
        except gl.OutOfRangeError:
            return seen
        seen.append([batch[alias] for alias in aliases])
    raise AssertionError("an epoch without end")


class TestOperators:
    def test_statistics_are_the_counts(self, lg):
        stats = {name: sum(counts) for name, counts in lg.get_stats().items()}
        assert stats["person"] == PERSONS and stats["item"] == ITEMS
        assert stats["knows"] == len(KNOWS) and stats["buy"] == len(BUYS)
        assert 0 < stats["MASK*person"] < PERSONS

    def test_the_first_answer_takes_milliseconds(self, sess, graph):
        other = graph.project({"item": []}, {})
        begin = time.monotonic()
        learning = sess.graphlearn(other)
        learning.get_stats()
        assert time.monotonic() - begin < 1
        learning.close()

    def test_epochs_of_nodes(self, lg):
        sampler = lg.node_sampler("item", batch_size=5, strategy="by_order")
        for _ in range(3):
            assert np.concatenate([n.ids for n in epoch(sampler)]).tolist() == list(range(7000, 7000 + ITEMS))
        sampler = lg.node_sampler("item", batch_size=5, strategy="shuffle")
        orders = [np.concatenate([n.ids for n in epoch(sampler)]).tolist() for _ in range(4)]
        assert all(sorted(order) == list(range(7000, 7000 + ITEMS)) for order in orders)
        assert len({tuple(order) for order in orders}) == 4
        assert len(lg.node_sampler("item", batch_size=50, strategy="random").get().ids) == 50

    def test_the_three_sets_have_nothing_in_common(self, lg):
        masks = [gl.Mask.TRAIN, gl.Mask.VAL, gl.Mask.TEST]
        sets = [
            {int(i) for n in epoch(lg.node_sampler("person", 7, "by_order", mask=mask)) for i in n.ids}
            for mask in masks
        ]
        assert sum(map(len, sets)) == len(set.union(*sets)) <= PERSONS and len(sets[0]) > PERSONS / 2

    def test_attributes_of_nodes(self, lg):
        nodes = lg.get_nodes("person", np.array([100, 107, 999]))
        columns = nodes.int_attrs.tolist()
        assert 20 in columns[0] and 27 in columns[1] and columns[2] == [0] * len(columns[2])
        assert 1.75 in nodes.float_attrs[1].tolist()
        assert nodes.string_attrs[1].tolist() == ["p7"]
        assert nodes.weights.tolist() == [1, 4, -1] and nodes.labels.tolist() == [
            0,
            1,
            -1,
        ]

    @pytest.mark.parametrize(
        "strategy",
        ["random", "random_without_replacement", "edge_weight", "in_degree", "topk"],
    )
    def test_neighbours_and_their_edges(self, lg, strategy):
        ids = np.array([101, 104, 100, 999])
        layers = lg.neighbor_sampler(["knows", "buy"], [3, 2], strategy=strategy).get(ids)
        nodes, edges = layers.layer_nodes(1), layers.layer_edges(1)
        for row, person in enumerate(ids[:2]):
            assert set(nodes.ids[row].tolist()) <= set(friends(person))
        assert (edges.edge_ids[2:] == -1).all() and (nodes.ids[2:] == 0).all()
        codes = edges.int_attrs.reshape(-1, edges.int_attrs.shape[-1])
        for place, node in enumerate(nodes.ids[:2].reshape(-1)):
            person = ids[place // 3]
            assert (person - 100) * 100 + node - 100 in codes[place].tolist()
        bought = layers.layer_nodes(2).ids.reshape(-1, 2)
        for place, node in enumerate(nodes.ids.reshape(-1)):
            known = {7000 + d for s, d in BUYS if s == node - 100}
            assert set(bought[place].tolist()) <= (known or {0})

    def test_all_neighbours(self, lg):
        nodes = lg.neighbor_sampler(["knows"], [0], strategy="full").get(np.array([104, 100, 103])).layer_nodes(1)
        assert list(nodes.offsets) == [4, 0, 3]
        assert nodes.ids.tolist() == friends(104) + friends(103)

    def test_edges_by_weight_have_its_probabilities(self, lg):
        ids = np.full(3000, 104)
        nodes = lg.neighbor_sampler(["knows"], [4], strategy="edge_weight").get(ids).layer_nodes(1)
        counts = collections.Counter(nodes.ids.reshape(-1).tolist())
        expected = {104 + w: 12_000 * w / 10 for w in (1, 2, 3, 4)}
        assert sum((counts[n] - e) ** 2 / e for n, e in expected.items()) < 21

    def test_negatives(self, lg):
        for strategy in ("random", "in_degree"):
            nodes = lg.negative_sampler("buy", 4, strategy).get(np.array([101, 107, 999]))
            assert nodes.ids.shape == (3, 4) and set(nodes.ids.reshape(-1).tolist()) <= {7000 + d for _, d in BUYS}
        assert lg.negative_sampler("person", 4, "node_weight").get(np.array([101, 102])).ids.shape == (2, 4)

    def test_degrees(self, lg):
        ids = np.array([100, 104, 999])
        assert lg.out_degrees(ids, "knows").tolist() == [0, 4, -1]
        incoming = [sum(d == i - 100 for _, d in KNOWS) for i in ids[:2]]
        assert lg.in_degrees(ids, "knows").tolist() == [*incoming, -1]

    def test_aggregates_of_segments(self, lg):
        nodes = lg.get_nodes("item", np.array([[7001, 7002], [7003, 7003]]))
        assert nodes.embedding_agg("sum").reshape(-1).tolist() == [4.5, 9]

    def test_what_does_not_exist_is_an_error_at_once(self, lg):
        begin = time.monotonic()
        with pytest.raises(Exception):
            lg.neighbor_sampler(["hates"], [2]).get(np.array([101]))
        with pytest.raises((gl.UnimplementedError, gl.NotFoundError, ValueError)):
            gl.Dataset(lg.SubGraph("person", "knows", batch_size=2).alias("g").values())
        assert time.monotonic() - begin < 5


class TestQueries:
    def test_nodes_and_two_hops(self, lg):
        query = (
            lg.V("person").batch(7).alias("a").outV("knows").sample(3).by("random").alias("b")
            .outV("buy").sample(2).by("random").alias("c").values()
        )  # fmt: skip
        dataset = gl.Dataset(query, window=3)
        for _ in range(2):
            seen = batches(dataset, "abc")
            assert [i for a, _, _ in seen for i in a.ids] == list(range(100, 100 + PERSONS))
            for a, b, c in seen:
                assert b.ids.reshape(-1).shape == (3 * len(a.ids),) and c.ids.reshape(-1).shape == (6 * len(a.ids),)
                assert b.float_attrs.size >= b.ids.size and c.float_attrs.size >= c.ids.size
                for person, own in zip(a.ids, b.ids.reshape(-1, 3)):
                    assert set(own.tolist()) <= set(friends(person) or [0])
        dataset.close()

    @pytest.mark.parametrize("window", [1, 2, 10])
    def test_epochs_are_complete_in_any_window(self, lg, window):
        dataset = gl.Dataset(
            lg.V("person").batch(6).shuffle(traverse=True).alias("a").values(),
            window=window,
        )
        orders = []
        for _ in range(3):
            orders.append([i for (a,) in batches(dataset, "a") for i in a.ids])
            assert sorted(orders[-1]) == list(range(100, 100 + PERSONS))
        assert len({tuple(order) for order in orders}) == 3
        dataset.close()

    def test_two_at_once_have_places_of_their_own(self, lg):
        queries = [lg.V("item").batch(5).alias("a").values() for _ in range(2)]
        first, second = [gl.Dataset(query, window=2) for query in queries]
        assert first.next()["a"].ids.tolist() == second.next()["a"].ids.tolist() == list(range(7000, 7005))
        for dataset in (first, second):
            dataset.close()

    def test_full_batches_alone(self, lg):
        dataset = gl.Dataset(lg.V("item").batch(5).alias("a").values(), window=2, drop_last=True)
        assert [len(a.ids) for (a,) in batches(dataset, "a")] == [5, 5]
        dataset.close()

    def test_edges_both_ends_and_negatives(self, lg):
        edges = lg.E("buy").batch(9).alias("e")
        source, destination = edges.outV().alias("s"), edges.inV()
        source.outNeg("buy").sample(3).by("in_degree").alias("n")
        destination.alias("d")
        dataset = gl.Dataset(edges.values(), window=2)
        seen = batches(dataset, "sdn")
        pairs = [(int(s), int(d)) for a, b, _ in seen for s, d in zip(a.ids, b.ids)]
        assert pairs == [(100 + s, 7000 + d) for s, d in BUYS]
        for a, _, n in seen:
            for person, own in zip(a.ids, n.ids.reshape(-1, 3)):
                assert not {(int(person) - 100, int(i) - 7000) for i in own} & set(BUYS)
        dataset.close()

    def test_neighbours_against_the_direction(self, lg):
        query = lg.V("item").batch(4).alias("a").inV("buy").sample(2).by("random").alias("b").values()
        for a, b in batches(gl.Dataset(query, window=2), "ab"):
            for item, own in zip(a.ids, b.ids.reshape(-1, 2)):
                known = {100 + s for s, d in BUYS if d == item - 7000}
                assert set(own.tolist()) <= (known or {0})

    def test_all_neighbours_and_then_theirs(self, lg):
        query = (
            lg.V("person").batch(8).alias("a").outV("knows").sample(0).by("full").alias("b")
            .outV("buy").sample(2).by("random").alias("c").values()
        )  # fmt: skip
        for a, b, c in batches(gl.Dataset(query, window=2), "abc"):
            assert b.ids.reshape(-1).tolist() == [f for person in a.ids for f in friends(person)]
            assert c.ids.size == 2 * b.ids.size

    def test_a_subgraph_and_a_walk(self, lg):
        query = lg.V("person").batch(4).alias("a").SubGraph("knows", [0]).alias("g").values()
        graph = gl.Dataset(query, window=2).next()["g"]
        assert graph.nodes.ids[:4].tolist() == [100, 101, 102, 103]
        assert len(graph.edge_index[0]) > 0
        walk = lg.V("person").batch(4).alias("a").random_walk("knows", 3).alias("w").values()
        walked = gl.Dataset(walk, window=2).next()["w"].ids
        assert walked.reshape(4, -1).shape == (4, 3)

    def test_what_does_not_exist_is_an_error_when_the_query_is_made(self, lg):
        for make in (
            lambda: lg.V("nobody").batch(2).alias("a").values(),
            lambda: lg.V("person").batch(2).outV("hates"),
        ):
            with pytest.raises(Exception):
                gl.Dataset(make())


class TestInstances:
    def test_the_same_graph_again_in_one_process(self, sess):
        graph = load(sess)
        for _ in range(3):
            learning = sess.graphlearn(graph)
            assert learning.node_sampler("item", 3).get().ids.tolist() == [
                7000,
                7001,
                7002,
            ]
            learning.close()

    def test_two_graphs_at_once(self, sess, graph, lg):
        other = load(sess, directed=False)
        learning = sess.graphlearn(other)
        assert learning.out_degrees(np.array([101]), "knows")[0] > 1 == lg.out_degrees(np.array([101]), "knows")[0]
        learning.close()

    def test_strings_as_ids(self, sess):
        graph = load(sess, text=True)
        learning = sess.graphlearn(graph, nodes=[("person", ["name"]), "item"])
        nodes = learning.node_sampler("person", 3).get()
        assert nodes.ids.tolist() == [0, 1, 2] and nodes.string_attrs.reshape(-1).tolist() == ["p0", "p1", "p2"]
        learning.close()

    def test_selected_attributes(self, sess):
        graph = load(sess)
        learning = sess.graphlearn(
            graph,
            nodes=[("person", ["score", "age"])],
            edges=[("person", "knows", "person")],
        )
        nodes = learning.get_nodes("person", np.array([104]))
        assert nodes.int_attrs.tolist() == [[24]] and nodes.float_attrs.tolist() == [[1.0]]
        learning.close()

    def test_mistakes_are_explained(self, sess):
        graph = load(sess)
        with pytest.raises(grpc.RpcError, match="no vertices with label 'persons'"):
            sess.graphlearn(graph, nodes=["persons"])
        with pytest.raises(grpc.RpcError, match="no edges with label 'hates'"):
            sess.graphlearn(graph, edges=[("person", "hates", "person")])
        with pytest.raises(KeyError):
            sess.graphlearn(graph, nodes=[("person", ["height"])])
        with pytest.raises(grpc.RpcError, match="from 80 up to 120 of 100"):
            sess.graphlearn(graph, gen_labels=[("train", "person", 100, (80, 120))])
        with pytest.raises(grpc.RpcError, match="pip install graphscope torch"):
            create(sess, graph, backend=1)

    def test_a_graph_that_is_served_is_kept_and_can_be_unloaded_later(self, sess):
        graph = load(sess)
        learning = sess.graphlearn(graph)
        learning.close()
        graph.unload()

    def test_an_endpoint_ends_with_its_session(self, connect, sess):
        session = connect()
        endpoint = create(session, load(session))[2][0]
        host, port = endpoint.rsplit(":", 1)
        socket.create_connection((host, int(port)), 5).close()
        close_session(session)
        with pytest.raises(OSError):
            socket.create_connection((host, int(port)), 5).close()

    def test_a_client_on_a_unix_socket_gets_one(self, start, tmp_path):
        path = tmp_path / "coordinator.sock"
        start(["--port", "0", "--socket", str(path)])
        text = run(f"unix:{path}", "print(lg.endpoint, lg.get_stats()['item'])")
        assert text.startswith("unix:/") and f"[{ITEMS}]" in text


def create(session, graph, backend=0):
    """CreateLearningInstance as the client calls it, with nothing selected: the handle, the configuration, the endpoints."""
    handle = get_gl_handle(
        graph.schema,
        graph.vineyard_id,
        ["localhost"],
        session.engine_config,
        graph.fragments,
    )
    config = {
        "nodes": None,
        "edges": None,
        "node_attributes": {},
        "edge_attributes": {},
        "gen_labels": [],
    }
    text = base64.b64encode(json.dumps(config).encode()).decode()
    return session._grpc_client.create_learning_instance(graph.vineyard_id, handle, text, backend)


PROGRAM = """
import sys
sys.path.insert(0, {here!r})
import numpy as np, graphscope, graphscope.learning, graphlearn as gl
import test_learning
sess = graphscope.session(addr={address!r})
graph = test_learning.load(sess)
lg = sess.graphlearn(graph)
lg.endpoint = lg.handle["server"]
"""


def run(address, body, timeout=300, expect=0):
    """Runs a client of its own: an error of its library may end its process."""
    program = PROGRAM.format(here=os.path.dirname(os.path.abspath(__file__)), address=address)
    done = subprocess.run(
        [sys.executable, "-c", program + textwrap.dedent(body)],
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == expect, f"{done.returncode}: {done.stdout}\n{done.stderr[-3000:]}"
    return done.stdout


class TestHostilePeers:
    """Calls that the client's library never makes, at the endpoint itself."""

    @pytest.fixture
    def call(self, sess, graph, lg):
        channel = grpc.insecure_channel(lg.handle["server"])
        yield lambda method, data, timeout=30: channel.unary_unary(f"/graphlearn.GraphLearn/{method}")(
            data, timeout=timeout
        )
        channel.close()

    def test_any_bytes_are_answered(self, call, lg):
        generator = np.random.default_rng(5)
        codes = collections.Counter()
        for number in range(300):
            data = generator.bytes(int(generator.integers(200)))
            for method in ("HandleOp", "HandleDag"):
                try:
                    call(method, data)
                except grpc.RpcError as error:
                    codes[error.code()] += 1
                    assert len(error.details().encode()) <= 126
            if number % 10 == 0:
                call("HandleDagValues", data[:8])
        assert set(codes) <= {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED}
        assert sum(lg.get_stats()["person"]) == PERSONS

    def test_batches_never_fail(self, call):
        assert call("HandleDagValues", bytes.fromhex("087f")) == b""
        assert call("HandleDagValues", b"\xff\xff") == b""
        for method in ("HandleStop", "HandleReport"):
            assert call(method, b"") == b""

    def test_what_is_too_large_is_rejected(self, call, lg):
        with pytest.raises(grpc.RpcError) as error:
            call("HandleDag", bytes(2 << 20))
        assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        # Ten million ids, one byte each, and ten neighbours for each of them.
        ids = b"\x0a\x03sid\x10\x01" + tag(5, bytes(10_000_000))
        count = tag(1, b"nbc") + tag(4, b"\x0a")
        kind = tag(1, b"tp") + b"\x10\x04" + tag(8, b"knows")
        request = tag(1, b"RandomSampler") + tag(4, count) + tag(4, kind) + tag(5, ids)
        with pytest.raises(grpc.RpcError) as error:
            call("HandleOp", request, timeout=120)
        assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert sum(lg.get_stats()["person"]) == PERSONS

    def test_garbage_and_idle_connections(self, lg):
        host, port = lg.handle["server"].rsplit(":", 1)
        idle = [socket.create_connection((host, int(port)), 5) for _ in range(200)]
        with socket.create_connection((host, int(port)), 5) as garbage:
            garbage.sendall(b"GET / HTTP/1.1\r\n\r\n" * 100)
        assert sum(lg.get_stats()["person"]) == PERSONS
        for connection in idle:
            connection.close()

    def test_thousands_of_requests_at_once(self, sess, call, lg):
        channel = grpc.insecure_channel(lg.handle["server"])
        method = channel.unary_unary("/graphlearn.GraphLearn/HandleOp")
        request = tag(1, b"GetStats")
        calls = [method.future(request, timeout=120) for _ in range(10_000)]
        begin = time.monotonic()
        sess._grpc_client.send_heartbeat()
        assert time.monotonic() - begin < 5
        assert len({len(call.result()) for call in calls}) == 1
        channel.close()


def tag(number, data):
    """A length-delimited field of protobuf."""
    size, length = b"", len(data)
    while length >= 0x80:
        size += bytes([length & 0x7F | 0x80])
        length >>= 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + data


class TestProcesses:
    def test_two_trainers_share_an_epoch(self, lg):
        program = textwrap.dedent(
            """
            import sys, json, base64
            import graphscope.learning
            import graphlearn as gl
            handle = json.loads(base64.b64decode(sys.argv[1]))
            g = gl.Graph().vineyard(handle, handle["config"]["nodes"], handle["config"]["edges"])
            g.init_vineyard(worker_index=int(sys.argv[2]), worker_count=2)
            data = gl.Dataset(g.V("person").batch(4).alias("a").values(), window=1)
            sys.stdin.readline()
            seen = []
            try:
                while True:
                    seen += data.next()["a"].ids.tolist()
            except gl.OutOfRangeError:
                print(json.dumps(seen), flush=True)
            sys.stdin.readline()
            """
        )
        trainers = [
            subprocess.Popen(
                [sys.executable, "-c", program, lg.get_handle(2), str(index)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for index in range(2)
        ]  # fmt: skip
        try:
            for trainer in trainers:
                trainer.stdin.write("\n")
                trainer.stdin.flush()
            seen = [json.loads(trainer.stdout.readline()) for trainer in trainers]
        finally:
            for trainer in trainers:
                trainer.kill()
                trainer.wait()
        assert set(seen[0] + seen[1]) == set(range(100, 100 + PERSONS))

    def test_a_client_killed_in_the_middle_leaves_nothing(self, sess, lg, address):
        with pytest.raises(AssertionError, match="-9"):
            run(
                address,
                "d = gl.Dataset(lg.V('person').batch(2).alias('a').values()); d.next(); import os; os.kill(os.getpid(), 9)",
            )
        assert sum(lg.get_stats()["person"]) == PERSONS

    def test_a_coordinator_killed_in_the_middle_of_an_epoch(self, start):
        running = start()
        body = "print(lg.node_sampler('item', 5).get().ids.tolist())"
        first = run(running.address, body)
        running.kill()
        again = start(["--port", str(running.port)])
        assert run(again.address, body) == first
